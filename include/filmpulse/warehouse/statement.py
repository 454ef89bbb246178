"""Statements of `warehouse/queries` as functions: values in, typed rows out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from filmpulse.warehouse import Warehouse, sql

Where = Warehouse | psycopg.Connection[Any]
"""A warehouse, for a transaction of its own, or a connection, for the caller's."""

Row = TypeVar("Row")


class Query(Generic[Row]):
    """A statement that gives rows; call it with its values to run it."""

    def __init__(self, name: LiteralString, row: type[Row]) -> None:
        """Keep the statement's name and what a row is made of: its columns are the fields."""
        self._name, self._row = name, row

    def __call__(self, where: Where, **values: Any) -> list[Row]:
        """Return all rows."""
        with _connection(where) as connection:
            cursor = connection.cursor(row_factory=class_row(self._row))
            return cursor.execute(sql(self._name), values).fetchall()

    def first(self, where: Where, **values: Any) -> Row | None:
        """Return the first row; None where there is none."""
        return next(iter(self(where, **values)), None)

    @contextmanager
    def streamed(
        self, connection: psycopg.Connection[Any], at_once: int, **values: Any
    ) -> Iterator[Iterator[Row]]:
        """Give the rows a few at a time: the server holds the rest, beyond each commit."""
        rows = class_row(self._row)
        with connection.cursor(self._name, withhold=True, row_factory=rows) as cursor:
            cursor.itersize = at_once
            cursor.execute(sql(self._name), values)
            yield iter(cursor)

    def one(self, where: Where, **values: Any) -> Row:
        """Return the one row that there always is."""
        (row,) = self(where, **values)
        return row


class Command:
    """A statement that changes rows; call it with its values to run it."""

    def __init__(self, name: LiteralString) -> None:
        """Keep the statement's name."""
        self._name = name

    def __call__(self, where: Where, **values: Any) -> int:
        """Return how many rows were changed."""
        with _connection(where) as connection:
            return connection.execute(sql(self._name), values or None).rowcount

    def many(self, where: Where, values: Iterable[Mapping[str, Any]]) -> None:
        """Run it once for each set of values, in one round trip."""
        with _connection(where) as connection:
            connection.cursor().executemany(sql(self._name), values)


@contextmanager
def _connection(where: Where) -> Iterator[psycopg.Connection[Any]]:
    if isinstance(where, Warehouse):
        with where.connect() as connection:
            yield connection
    else:
        yield where
