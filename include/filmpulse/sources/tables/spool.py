"""What was read of a file, kept aside until all of it is known to be good.

A file is in any order and of any length, yet a collection is one movie's, an id must stand for one
review, and a file that breaks off in its middle must leave nothing behind. So rows wait on disk, in
a nameless database that vanishes with the process, however that ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from itertools import groupby
from types import TracebackType
from typing import NamedTuple, Self

from filmpulse.items import Review

_SCHEMA = """
CREATE TABLE reviews (
    review_id TEXT PRIMARY KEY, imdb_id TEXT, number INTEGER, digest BLOB, item TEXT
);
CREATE INDEX by_movie ON reviews (imdb_id, number);
CREATE TABLE equal_rows (review_id TEXT PRIMARY KEY, count INTEGER);
CREATE TABLE refused (number INTEGER, why TEXT, cells TEXT, is_split INTEGER);
"""


class RefusedRow(NamedTuple):
    """A row that is not taken: its number, why, and its own cells.

    `is_split` False: its cells may stand under other columns than they belong to.
    """

    number: int
    why: str
    cells: dict[str, str]
    is_split: bool


class Spool:
    """Reviews by movie, and what was refused, on disk; use it in a `with` block."""

    def __init__(self) -> None:
        """Open it, empty."""
        self._db = sqlite3.connect("")  # a file of no name, that only this connection knows
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Forget everything."""
        self._db.close()

    def add(self, number: int, review: Review) -> int | None:
        """Keep a review, or tell which row has its id.

        Returns:
            None when it is new or the same as an earlier row; else the number of the row that has
            this id with something else. The earlier one stays.
        """
        item = review.model_dump_json()
        digest = sha256(item.encode()).digest()
        values = (review.review_id, review.imdb_id, number, digest, item)
        done = self._db.execute("INSERT OR IGNORE INTO reviews VALUES (?, ?, ?, ?, ?)", values)
        if done.rowcount:
            return None
        find = "SELECT number, digest FROM reviews WHERE review_id = ?"
        earlier, theirs = self._db.execute(find, (review.review_id,)).fetchone()
        return None if theirs == digest else int(earlier)

    def nth(self, review_id: str) -> int:
        """Count a row whose id was made of what it says; return its place among equal ones."""
        count = (
            "INSERT INTO equal_rows VALUES (?, 1) "
            "ON CONFLICT (review_id) DO UPDATE SET count = count + 1 RETURNING count"
        )
        return int(self._db.execute(count, (review_id,)).fetchone()[0])

    def refuse(self, row: RefusedRow) -> None:
        """Keep a row that is not taken."""
        values = (row.number, row.why, json.dumps(row.cells), row.is_split)
        self._db.execute("INSERT INTO refused VALUES (?, ?, ?, ?)", values)

    def count(self) -> int:
        """Return how many reviews are kept."""
        return int(self._db.execute("SELECT count(*) FROM reviews").fetchone()[0])

    def first(self, count: int) -> list[Review]:
        """Return the first reviews of the file."""
        rows = self._db.execute("SELECT item FROM reviews ORDER BY number LIMIT ?", (count,))
        return [Review.model_validate_json(item) for (item,) in rows]

    def imdb_ids(self) -> list[str]:
        """Return the movies, sorted."""
        rows = self._db.execute("SELECT DISTINCT imdb_id FROM reviews ORDER BY imdb_id")
        return [imdb_id for (imdb_id,) in rows]

    def movies(self) -> Iterator[tuple[str, Iterator[Review]]]:
        """Yield each movie, by its id, with its reviews in the order of the file.

        A movie's reviews must be taken before the next movie is asked for.
        """
        rows = self._db.execute("SELECT imdb_id, item FROM reviews ORDER BY imdb_id, number")
        for imdb_id, group in groupby(rows, key=lambda row: row[0]):
            yield imdb_id, (Review.model_validate_json(item) for _, item in group)

    def refused(self) -> Iterator[RefusedRow]:
        """Yield what was refused, in the order of the file."""
        rows = self._db.execute("SELECT * FROM refused ORDER BY number")
        for number, why, cells, is_split in rows:
            yield RefusedRow(number, why, json.loads(cells), bool(is_split))
