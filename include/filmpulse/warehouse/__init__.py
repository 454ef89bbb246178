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


def unavailable(error: psycopg.Error) -> WarehouseUnavailable:
    """Say in one sentence what kept Postgres from answering, and that nothing was half-stored."""
    said = " ".join(str(error).split()) or type(error).__name__
    return WarehouseUnavailable(
        f"The warehouse did not answer ({said}). What was not committed was taken back, so a new "
        "try is safe once Postgres is well."
    )


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
            # A server that vanished without a word (power, network) is noticed within a minute.
            with psycopg.connect(
                self.url, autocommit=autocommit, row_factory=dict_row, application_name="filmpulse",
                connect_timeout=15, keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
            ) as connection:  # fmt: skip
                connection.execute("SET TIME ZONE 'UTC'")
                # A client whose machine vanished lets go of its locks: the server asks for it, too.
                connection.execute(
                    "SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; "
                    "SET tcp_keepalives_count = 6"
                )
                yield connection
        except psycopg.OperationalError as error:
            raise unavailable(error) from error

    def lets_in(self, role: str, password: str) -> bool:
        """Say whether a role may log in to this database with a password."""
        try:
            psycopg.connect(self.url, user=role, password=password, connect_timeout=15).close()
        except psycopg.OperationalError:
            return False
        return True

    def rows(self, query: str, **values: Any) -> list[DictRow]:
        """Run one query of `warehouse/sql` in a transaction of its own; return its rows."""
        with self.connect() as connection:
            cursor = connection.execute(sql(query), values)
            return cursor.fetchall() if cursor.description else []

    def row(self, query: str, **values: Any) -> DictRow | None:
        """Like `rows`, for the first row or none."""
        return next(iter(self.rows(query, **values)), None)
