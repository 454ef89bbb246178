"""Time loading 100,000 reviews (10 % changed, 20 % new) against two plainer ways, in turns.

`load_reviews` (COPY into a temporary table, MERGE of changed rows) is held against COPY alone into
an empty table and against INSERT ON CONFLICT row by row, which knows no revisions, and once more
with them, on one throwaway Postgres. Medians of several rounds, so that what else the machine does
decides nothing.

    python benchmarks/bench_upsert.py [--reviews 100000 --rounds 5]
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from filmpulse.items import Movie, Review
from filmpulse.local import ports, postgres
from filmpulse.warehouse import Connection, Warehouse
from filmpulse.warehouse.load import Sighting, load_reviews, store_movie
from filmpulse.warehouse.migrate import migrate

MOVIE = "tt99000001"
START = datetime(2026, 1, 1, tzinfo=UTC)
BODY = "The light falls through the orchard and nobody says what they came to say. " * 9
COLUMNS = (
    "source", "review_id", "imdb_id", "author_key", "title", "body", "rating_1_10",
    "submitted_on", "date_source", "is_spoiler", "helpful_up", "helpful_down", "language",
    "content_hash", "first_seen_at",
)  # fmt: skip
TYPES = ("text", "text", "text", "text", "text", "text", "int2", "date", "text", "bool", "int4",
         "int4", "text", "text", "timestamptz")  # fmt: skip
UPDATED = ("title", "body", "rating_1_10", "submitted_on", "is_spoiler", "helpful_up",
           "helpful_down", "content_hash")  # fmt: skip


def review(number: int, suffix: str = "") -> Review:
    """Make one review of about 700 characters."""
    return Review(
        review_id=f"rw{number}", imdb_id=MOVIE, author_key="a" * 32, title=f"Review {number}",
        body=f"{BODY}{number}{suffix}", rating_1_10=number % 10 + 1,
        submitted_on=date(2020, 1, 1) + timedelta(days=number % 2000), date_source="json",
        helpful_up=number % 7, helpful_down=0,
    )  # fmt: skip


def values(r: Review) -> tuple[object, ...]:
    """Put one review into the order of COLUMNS."""
    return tuple(
        {"language": "en", "first_seen_at": START}.get(name) or getattr(r, name) for name in COLUMNS
    )


def merge(connection: Connection, reviews: list[Review]) -> None:
    """Load as Filmpulse does."""
    load_reviews(
        connection, source="imdb", imdb_id=MOVIE,
        sighting=Sighting(
            START + timedelta(hours=1), False, True, ((r, "en") for r in reviews)
        ),
    )  # fmt: skip


UPSERT = (
    f"INSERT INTO core.reviews AS r ({', '.join(COLUMNS)}) "  # noqa: S608 - our own names
    f"VALUES ({', '.join(['%s'] * len(COLUMNS))}) ON CONFLICT (source, review_id) DO UPDATE "
    f"SET {', '.join(f'{name} = excluded.{name}' for name in UPDATED)}"
)
REVISION = """
    INSERT INTO core.review_revisions (source, review_id, replaced_at, imdb_id, title, body,
        rating_1_10, submitted_on, is_spoiler, helpful_up, helpful_down, content_hash)
    SELECT source, review_id, %s, imdb_id, title, body, rating_1_10, submitted_on, is_spoiler,
        helpful_up, helpful_down, content_hash
    FROM core.reviews WHERE (source, review_id) = (%s, %s)
      AND (content_hash, rating_1_10, submitted_on, is_spoiler) IS DISTINCT FROM (%s, %s, %s, %s)
"""


def row_by_row(connection: Connection, reviews: list[Review]) -> None:
    """Load by one INSERT ON CONFLICT a review, as one transaction; every row is rewritten."""
    cursor = connection.cursor()
    for r in reviews:
        cursor.execute(UPSERT, values(r))


def the_same_row_by_row(connection: Connection, reviews: list[Review]) -> None:
    """Leave what `merge` leaves: a revision of each edited review, the other rows untouched."""
    upsert = (
        f"{UPSERT} WHERE ({', '.join(f'r.{name}' for name in UPDATED)}) "
        f"IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in UPDATED)})"
    )
    cursor = connection.cursor()
    for r in reviews:
        cursor.execute(
            REVISION,
            (START + timedelta(hours=1), r.source, r.review_id, r.content_hash, r.rating_1_10,
             r.submitted_on, r.is_spoiler),
        )  # fmt: skip
        cursor.execute(upsert, values(r))


def copy_alone(connection: Connection, reviews: list[Review]) -> None:
    """Copy all into the empty table, in binary: what no way of loading can beat."""
    statement = f"COPY core.reviews ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(statement) as copy:
        copy.set_types(TYPES)
        for r in reviews:
            copy.write_row(values(r))


def main() -> None:
    """Run the ways in turns, each on a database of its own, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    count = args.reviews
    first = [review(n) for n in range(count * 8 // 10)]
    second = [review(n, " (edited)" if n % 8 == 0 else "") for n in range(count)]
    for r in [*first, *second]:
        r.content_hash  # noqa: B018 - hashed beforehand: all three ways store it

    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        password = secrets.token_hex(8)
        with postgres.Throwaway(Path(folder), ports.choose(), password) as server:
            server.add_owner("filmpulse", password, "CREATEDB")

            def database(name: str, template: str) -> Warehouse:
                with server.connect() as admin:
                    # An idle connection to the template forbids a copy.
                    admin.execute(
                        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                        "WHERE datname = %s",
                        [template],
                    )
                    admin.execute(f"CREATE DATABASE {name} OWNER filmpulse TEMPLATE {template}")
                return Warehouse(postgres.address("filmpulse", password, server.port, name))

            empty = database("before_any", "template1")
            migrate(empty.url)
            with empty.connect() as connection:
                store_movie(connection, Movie(imdb_id=MOVIE, title="Bench"), START)
            stored = database("before_second", "before_any")
            with stored.connect() as connection:
                copy_alone(connection, first)
            with stored.session() as connection:
                connection.execute("VACUUM ANALYZE core.reviews")

            def time_once(way: Callable[[Connection, list[Review]], None]) -> None:
                template = "before_any" if way is copy_alone else "before_second"
                warehouse = database("this_time", template)
                with server.connect() as admin:
                    admin.execute("CHECKPOINT")
                began = time.perf_counter()
                with warehouse.connect() as connection:
                    way(connection, second)
                seconds[way.__name__].append(time.perf_counter() - began)
                with server.connect() as admin:
                    admin.execute("DROP DATABASE this_time WITH (FORCE)")

            for number in range(args.rounds):
                time_once(copy_alone)
                time_once(merge)
                if number % 4 == 0:  # they take longest
                    time_once(row_by_row)
                    time_once(the_same_row_by_row)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    table = Table(
        "way", "seconds", "from", "to", "rows/s", "x COPY alone", title=f"{count:,} reviews"
    )
    for name, took in median.items():
        table.add_row(
            name.replace("_", " "), f"{took:.2f}", f"{min(seconds[name]):.2f}",
            f"{max(seconds[name]):.2f}", f"{count / took:,.0f}",
            f"{median['copy_alone'] / took:.2f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    for name in ("row_by_row", "the_same_row_by_row"):
        factor = median[name] / median["merge"]
        console.print(f"merge is {factor:.1f} x {name.replace('_', ' ')}")


if __name__ == "__main__":
    main()
