"""Keep the rows of a file on disk until all of the file was read.

A file may have any order and length, but a collection is of one movie, an id is of one review, and
a file that breaks off must leave nothing behind. So rows wait in a nameless SQLite database, which
vanishes with the process, however that ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

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
    """A refused row: its number, why, and its cells.

    `is_split` False: cells may be under the wrong columns.
    """

    number: int
    why: str
    cells: dict[str, str]
    is_split: bool


class Spool(AbstractContextManager["Spool"]):
    """Reviews by movie, and refused rows, on disk; use it in a `with` block."""

    def __init__(self) -> None:
        """Open it, empty."""
        self._db = sqlite3.connect("")  # a file without a name, which only this connection has
        self._db.executescript(_SCHEMA)

    def __exit__(self, *_: object) -> None:
        """Delete everything."""
        self._db.close()

    def add(self, number: int, review: Review) -> int | None:
        """Keep a review.

        Returns:
            None when it is new or equal to an earlier row; else the number of the earlier row that
            has this id with other content, and that stays.
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
        """Count a row whose id was made of its content; return its place among equal rows."""
        count = (
            "INSERT INTO equal_rows VALUES (?, 1) "
            "ON CONFLICT (review_id) DO UPDATE SET count = count + 1 RETURNING count"
        )
        return int(self._db.execute(count, (review_id,)).fetchone()[0])

    def refuse(self, row: RefusedRow) -> None:
        """Keep a refused row."""
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
        """Yield the refused rows in the order of the file."""
        rows = self._db.execute("SELECT * FROM refused ORDER BY number")
        for number, why, cells, is_split in rows:
            yield RefusedRow(number, why, json.loads(cells), bool(is_split))
