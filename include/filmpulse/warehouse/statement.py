"""Statements of `warehouse/queries` as functions: values in, typed rows out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Generic, LiteralString, TypeVar

import psycopg
from psycopg.rows import RowFactory, class_row, scalar_row

from filmpulse.warehouse import Warehouse, sql

Where = Warehouse | psycopg.Connection[Any]
"""A warehouse: the statement gets its own transaction. A connection: it joins the caller's."""

Row = TypeVar("Row")


class Query(Generic[Row]):
    """A statement that returns rows; call it with its values to run it."""

    def __init__(self, name: LiteralString, row: type[Row]) -> None:
        """Keep the statement's name and the class of a row, which has a field for each column."""
        self._name = name
        self._row_factory: RowFactory[Row] = class_row(row)

    def __call__(self, where: Where, **values: Any) -> list[Row]:
        """Return all rows."""
        with _connection(where) as connection:
            cursor = connection.cursor(row_factory=self._row_factory)
            return cursor.execute(sql(self._name), values).fetchall()

    def first(self, where: Where, **values: Any) -> Row | None:
        """Return the first row; None where there is none."""
        return next(iter(self(where, **values)), None)

    def one(self, where: Where, **values: Any) -> Row:
        """Return the one row that there always is."""
        (row,) = self(where, **values)
        return row

    @contextmanager
    def streamed(
        self, connection: psycopg.Connection[Any], at_once: int, **values: Any
    ) -> Iterator[Iterator[Row]]:
        """Read the rows `at_once` at a time; the server keeps the rest, even after a commit."""
        with connection.cursor(self._name, withhold=True, row_factory=self._row_factory) as cursor:
            cursor.itersize = at_once
            cursor.execute(sql(self._name), values)
            yield iter(cursor)


class Scalar(Query[Row]):
    """A statement that returns one column: each row is its value."""

    def __init__(self, name: LiteralString) -> None:
        """Keep the statement's name."""
        self._name = name
        self._row_factory = scalar_row


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


def _connection(where: Where) -> AbstractContextManager[psycopg.Connection[Any]]:
    return where.connect() if isinstance(where, Warehouse) else nullcontext(where)
