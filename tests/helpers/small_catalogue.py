"""A small catalogue in a test's warehouse, with the search's tables filled by the real job."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from filmpulse.jobs.catalogue.index_names import index_names

COLUMNS = {
    "title_basics": "tconst title_type primary_title original_title is_adult start_year genres",
    "title_ratings": "tconst average_rating num_votes",
    "title_akas": "title_id ordering title",
    "name_basics": "nconst primary_name birth_year death_year primary_profession known_for_titles",
    "credits": "tconst nconst role position",
    "title_principals": "tconst ordering nconst category",
}
"""The columns that rows of `fill` give, in order."""


def fill(url: str, **tables: Iterable[tuple[Any, ...]]) -> None:
    """Add rows to tables of the live catalogue, named as in `COLUMNS`, and index the names."""
    with psycopg.connect(url) as connection:
        for table, rows in tables.items():
            _insert(connection, table, rows)
        _index(connection)


def fill_from_files(url: str, **files: Path) -> None:
    """Add the rows of TSV files, with their headers, to the datasets' tables; index the names."""
    with psycopg.connect(url) as connection:
        for table, file in files.items():
            into = sql.SQL(
                "COPY {} FROM STDIN "
                "(FORMAT csv, DELIMITER E'\\t', QUOTE E'\\x01', NULL '\\N', HEADER)"
            ).format(sql.Identifier("catalogue_live", table))
            with connection.cursor().copy(into) as copy:
                copy.write(file.read_bytes())
        _index(connection)


def title(
    tconst: str, name: str, year: int | None = None, *, kind: str = "movie",
    original: str | None = None, is_adult: bool = False, genres: str | None = "Drama",
) -> tuple[Any, ...]:  # fmt: skip
    """Return a row of `title_basics`."""
    return tconst, kind, name, original or name, is_adult, year, genres


def _insert(connection: psycopg.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    into = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("catalogue_live", table),
        sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split())),
        sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS[table].split())),
    )
    connection.cursor().executemany(into, list(rows))


def _index(connection: psycopg.Connection) -> None:
    connection.execute(
        "TRUNCATE catalogue_live.title_names, catalogue_live.person_names, "
        "catalogue_live.word_repairs"
    )
    index_names(connection, "catalogue_live")
