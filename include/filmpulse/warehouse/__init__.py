"""The warehouse: Postgres, its schema's history, loading, queries and the gate of each host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

from filmpulse.errors import WarehouseUnavailable

Connection = psycopg.Connection[DictRow]


@cache
def sql(name: str) -> LiteralString:
    """Return the text of one file of `warehouse/sql`; ours alone, so never user input."""
    return (files(__name__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Warehouse:
    """One Postgres database of Filmpulse, at a `postgresql://` address."""

    def __init__(self, url: str) -> None:
        """Keep the address; nothing is opened yet."""
        self.url = url

    def __repr__(self) -> str:
        """Name the class only: the address holds a password."""
        return "Warehouse(...)"

    @contextmanager
    def connect(self, *, autocommit: bool = False) -> Iterator[Connection]:
        """Open a connection, commit at the end of the block, roll back on an error.

        Raises:
            WarehouseUnavailable: Postgres could not be reached or went away (retryable).
        """
        try:
            with psycopg.connect(
                self.url, autocommit=autocommit, row_factory=dict_row, application_name="filmpulse",
                connect_timeout=15,
            ) as connection:  # fmt: skip
                connection.execute("SET TIME ZONE 'UTC'")
                yield connection
        except psycopg.OperationalError as error:
            raise WarehouseUnavailable(f"The warehouse did not answer: {error}") from error

    def rows(self, query: str, **values: Any) -> list[DictRow]:
        """Run one query of `warehouse/sql` in a transaction of its own; return its rows."""
        with self.connect() as connection:
            cursor = connection.execute(sql(query), values)
            return cursor.fetchall() if cursor.description else []

    def row(self, query: str, **values: Any) -> DictRow | None:
        """Like `rows`, for the first row or none."""
        return next(iter(self.rows(query, **values)), None)
