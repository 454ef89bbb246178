"""Time loading 100,000 reviews (10 % changed, 20 % new) against two plainer ways, in one run.

`load_reviews` (COPY into a temporary table, MERGE of changed rows) is held against INSERT ON
CONFLICT row by row and against COPY alone into an empty table, on one throwaway Postgres.

    python benchmarks/bench_upsert.py [--reviews 100000]
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from filmpulse.items import Movie, Review
from filmpulse.local import ports, postgres
from filmpulse.warehouse import Connection, Warehouse
from filmpulse.warehouse.load import load_reviews, store_movie
from filmpulse.warehouse.migrate import migrate

MOVIE = "tt99000001"
START = datetime(2026, 1, 1, tzinfo=UTC)
BODY = "The light falls through the orchard and nobody says what they came to say. " * 9
COLUMNS = (
    "source", "review_id", "imdb_id", "author_key", "title", "body", "rating_1_10",
    "submitted_on", "date_source", "is_spoiler", "helpful_up", "helpful_down", "language",
    "content_hash", "first_seen_at",
)  # fmt: skip
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
        connection, source="imdb", imdb_id=MOVIE, collected_at=START + timedelta(hours=1),
        reviews=((r, "en") for r in reviews), is_whole=False,
    )  # fmt: skip


def row_by_row(connection: Connection, reviews: list[Review]) -> None:
    """Load by one INSERT ON CONFLICT a review, as one transaction."""
    statement = (
        f"INSERT INTO core.reviews ({', '.join(COLUMNS)}) "  # noqa: S608 - our own names
        f"VALUES ({', '.join(['%s'] * len(COLUMNS))}) ON CONFLICT (source, review_id) DO UPDATE "
        f"SET {', '.join(f'{name} = excluded.{name}' for name in UPDATED)}"
    )
    cursor = connection.cursor()
    for r in reviews:
        cursor.execute(statement, values(r))


def copy_alone(connection: Connection, reviews: list[Review]) -> None:
    """Copy all into the empty table: what no way of loading can beat."""
    with connection.cursor().copy(f"COPY core.reviews ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for r in reviews:
            copy.write_row(values(r))


def main() -> None:
    """Run the three ways on databases of their own and print rows per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=100_000)
    count = parser.parse_args().reviews
    first = [review(n) for n in range(count * 8 // 10)]
    second = [review(n, " (edited)" if n % 8 == 0 else "") for n in range(count)]
    for r in [*first, *second]:
        r.content_hash  # noqa: B018 - hashed beforehand: all three ways store it

    table = Table("way", "seconds", "rows/s", "x COPY alone", title=f"{count:,} reviews")
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        password = secrets.token_hex(8)
        with postgres.Throwaway(Path(folder), ports.choose(), password) as server:
            server.add_owner("filmpulse", password, "CREATEDB")

            def timed(name: str, way: Callable[[Connection, list[Review]], None]) -> float:
                with server.connect() as admin:
                    admin.execute(f"CREATE DATABASE {name} OWNER filmpulse")
                url = postgres.address("filmpulse", password, server.port, name)
                migrate(url)
                warehouse = Warehouse(url)
                with warehouse.connect() as connection:
                    store_movie(connection, Movie(imdb_id=MOVIE, title="Bench"), START)
                    if way is not copy_alone:
                        copy_alone(connection, first)
                with warehouse.connect(autocommit=True) as connection:
                    connection.execute("VACUUM ANALYZE core.reviews")
                began = time.perf_counter()
                with warehouse.connect() as connection:
                    way(connection, second)
                return time.perf_counter() - began

            seconds = {
                way.__name__: timed(way.__name__, way) for way in (copy_alone, merge, row_by_row)
            }
    for name, took in seconds.items():
        table.add_row(
            name.replace("_", " "), f"{took:.2f}", f"{count / took:,.0f}",
            f"{seconds['copy_alone'] / took:.2f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(f"merge is {seconds['row_by_row'] / seconds['merge']:.1f} x row by row")


if __name__ == "__main__":
    main()
