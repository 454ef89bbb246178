"""A small catalogue of invented titles and people, some of them hostile, for tests of the web."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from filmpulse import jobs
from filmpulse.jobs import index_names

SCRIPT = "<script>alert('x')</script>"
HOSTILE_WORDS = f'"><img src=x onerror=alert(1)>{SCRIPT}\u202e'
AS_OF = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)

ORCHARD, SERIES, EPISODE, ADULT = "tt99100001", "tt99100002", "tt99100003", "tt99100004"
HOSTILE, LONG, BARE, ABSENT = "tt99100005", "tt99100006", "tt99100007", "tt99199999"
MARLOW, VALE, OTHER_VALE, BUSY = "nm99100001", "nm99100002", "nm99100003", "nm99100004"
HOSTILE_PERSON, DANGLING, CAESAR = "nm99100005", "nm99199999", "nm99100006"
ORCHARD_TITLE, LONG_TITLE = "The Glass Orchard", "Endless Words of a Title " * 40
MANY, WRITERS, NAMES = 700, 400, 262
"""Titles of the busy person; writers and other names of the long title."""

TITLES: list[tuple[Any, ...]] = [
    (ORCHARD, "movie", ORCHARD_TITLE, "El huerto de cristal", False, 2024, None, 118,
     "Drama,Mystery"),
    (SERIES, "tvSeries", "Orchard Lane", None, False, 2010, 2014, 45, "Comedy"),
    (EPISODE, "tvEpisode", "The First Apple", None, False, 2010, None, 44, "Comedy"),
    (ADULT, "movie", "Orchard After Dark", None, True, 1999, None, None, None),
    (HOSTILE, SCRIPT, f"Orchard {HOSTILE_WORDS}", HOSTILE_WORDS, False, 2020, None, 51_420,
     f"{SCRIPT},Drama"),
    (LONG, "movie", LONG_TITLE, None, False, 2001, None, 90, None),
    (BARE, None, None, None, None, None, None, None, None),
]  # fmt: skip
PEOPLE: list[tuple[Any, ...]] = [
    (MARLOW, "Ines Marlow", 1964, None, "director,writer", f"{ORCHARD},{ABSENT}"),
    (VALE, "Laura Vale", 1971, None, "actress", ORCHARD),
    (OTHER_VALE, "Laura Vale", None, None, "casting_director", SERIES),
    (BUSY, "Tom Berg", 1920, 1999, "actor", ORCHARD),
    (HOSTILE_PERSON, f"Vale {HOSTILE_WORDS}", None, None, SCRIPT, HOSTILE),
    (CAESAR, "Julius the Elder", -100, -44, None, None),
]
RATINGS: list[tuple[Any, ...]] = [
    (ORCHARD, 8.1, 125_430), (SERIES, 7.4, 5_210), (HOSTILE, 5.5, 900), (LONG, 3.2, 12),
    (ADULT, 4.0, 60_000),
]  # fmt: skip
PRINCIPALS: list[tuple[Any, ...]] = [
    (ORCHARD, 1, VALE, "actress", None, '["Dr. \\"Bones\\" Vale"]'),
    (ORCHARD, 2, BUSY, "actor", None, "not a list"),
    (ORCHARD, 3, DANGLING, "actor", None, None),
    (ORCHARD, 4, MARLOW, "director", None, None),
    (ORCHARD, 5, OTHER_VALE, "casting_director", None, None),
    (HOSTILE, 1, HOSTILE_PERSON, "actor", None, f'["{SCRIPT}"]'),
    (SERIES, 1, OTHER_VALE, "self", None, None),
]
AKAS: list[tuple[Any, ...]] = [
    (ORCHARD, 1, "El huerto de cristal", None, None, "original", None, True),
    (ORCHARD, 2, "El huerto de cristal", "ES", None, "imdbDisplay", None, False),
    (ORCHARD, 3, "Der gläserne Garten", "DE", None, "imdbDisplay", None, False),
    (HOSTILE, 1, HOSTILE_WORDS, "NA", None, None, None, False),
]
CREDITS: list[tuple[Any, ...]] = [
    (ORCHARD, MARLOW, "director", 1), (ORCHARD, MARLOW, "writer", 1), (ORCHARD, VALE, "cast", 1),
    (ORCHARD, BUSY, "cast", 2), (ORCHARD, DANGLING, "cast", 3), (SERIES, OTHER_VALE, "cast", 1),
    (HOSTILE, HOSTILE_PERSON, "cast", 1), (HOSTILE, HOSTILE_PERSON, "director", 1),
]  # fmt: skip


def _many() -> dict[str, list[tuple[Any, ...]]]:
    """Return titles of a busy person, and a title with very many writers and names."""
    ids = [f"tt{99_110_000 + n}" for n in range(MANY)]
    writers = [f"nm{99_110_000 + n}" for n in range(WRITERS)]
    return {
        "title_basics": [
            (one, "short", f"Small Part {n}", None, False, 1950 + n % 50, None, 9, "Short")
            for n, one in enumerate(ids)
        ],
        "title_ratings": [(one, 5.0, 100 + n) for n, one in enumerate(ids)],
        "name_basics": [(one, f"Writer {n}", None, None, "writer", LONG)
                        for n, one in enumerate(writers)],
        "title_akas": [(LONG, n + 1, f"Name {n}", "DE", None, None, None, False)
                       for n in range(NAMES)],
        "credits": [(one, BUSY, "cast", 1) for one in ids]
        + [(LONG, one, "writer", n + 1) for n, one in enumerate(writers)],
    }  # fmt: skip


def fill_catalogue(context: jobs.Context) -> None:
    """Fill the tables as a load does, and note that it was accepted and loaded."""
    rows = {
        "title_basics": TITLES, "title_ratings": RATINGS, "name_basics": PEOPLE,
        "title_principals": PRINCIPALS, "title_akas": AKAS, "credits": CREDITS,
        "title_episode": [(EPISODE, SERIES, 1, 1)],
    }  # fmt: skip
    many = _many()
    with context.warehouse.connect() as connection:
        for table, given in rows.items():
            _insert(connection, table, [*given, *many.get(table, [])])
    with context.warehouse.connect() as connection:
        index_names(connection, "catalogue_live")
    jobs.accept_catalogue("all", context)
    note_load(context, "title.basics", rows_kept=len(TITLES) + MANY)
    note_load(context, "name.basics", rows_kept=len(PEOPLE) + WRITERS)


def note_load(context: jobs.Context, dataset: str, state: str = "live", **columns: Any) -> None:
    """Note that a dataset was loaded, or how a load ended."""
    given = {
        "run_id": "manual__1", "dataset": dataset, "subset": "all", "state": state,
        "url": f"http://127.0.0.1/{dataset}.tsv.gz", "modified_at": AS_OF, "file_bytes": 1_000_000,
        "table_bytes": 25_000_000, "started_at": AS_OF, "finished_at": AS_OF, **columns,
    }  # fmt: skip
    statement = sql.SQL("INSERT INTO ops.catalogue_loads ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, given)),
        sql.SQL(", ").join(map(sql.Placeholder, given)),
    )
    with context.warehouse.connect() as connection:
        connection.execute(statement, given)


def _insert(
    connection: psycopg.Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]
) -> None:
    statement = sql.SQL("COPY catalogue_live.{} FROM STDIN").format(sql.Identifier(table))
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
