"""The warehouse: Postgres, its schema's history, loading, queries and the gate of each host."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import errors
from psycopg.rows import DictRow, RowFactory, dict_row

from filmpulse.errors import BadInput, FilmpulseError, WarehouseUnavailable

Connection = psycopg.Connection[DictRow]


def sql(name: str) -> LiteralString:
    """Return one statement of `warehouse/queries`, by its name; ours alone, so never user input."""
    return statements()[name]


@cache
def statements() -> Mapping[str, LiteralString]:
    """Read the files of `warehouse/queries`: name -> statement, which follows `-- name: ...`."""
    found: dict[str, LiteralString] = {}
    for file in sorted((files(__name__) / "queries").iterdir(), key=str):
        _, *parts = re.split(r"^-- name: (\w+)$", file.read_text("utf-8"), flags=re.MULTILINE)
        for name, statement in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"{file}: there are two statements {name}.")
            found[name] = statement.strip()
    return found


def unavailable(error: psycopg.Error) -> WarehouseUnavailable:
    """Say in one sentence what kept Postgres from answering, and that nothing was half-stored."""
    said = " ".join(str(error).split()) or type(error).__name__
    return WarehouseUnavailable(
        f"The warehouse did not answer ({said}). What was not committed was taken back, so a new "
        "try is safe once Postgres is well."
    )


def explained(error: psycopg.Error) -> FilmpulseError:
    """Turn what Postgres said into one of our errors: it is away, or it is not set up."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return unavailable(error)
    return BadInput(
        f"The warehouse is not as this version needs it ({' '.join(str(error).split())[:300]}). "
        "`filmpulse doctor` says what is missing; `filmpulse setup` mends the schemas.",
        reason="warehouse_schema",
    )


NOT_SET_UP = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)
"""What Postgres raises where a schema is missing or of another version, or is not ours."""


def open_connection(
    url: str, row_factory: RowFactory[Any] = dict_row, *, autocommit: bool = False
) -> psycopg.Connection[Any]:
    """Open a connection to the address of a warehouse.

    Args:
        url: `postgresql://...`, or libpq's words (`host=... dbname=...`), as Airflow's bridge has.
        row_factory: What rows are made of.
        autocommit: Whether each statement is a transaction of its own.

    Raises:
        BadInput: The address is none of Postgres.
        WarehouseUnavailable: Postgres could not be reached, or refused user, password or database.
    """
    # The driver takes the rest of a password with an @ for the host, and would quote both.
    if url.startswith(("postgresql://", "postgres://")) and not _ADDRESS.fullmatch(url):
        raise BadInput(_NO_ADDRESS, reason="warehouse_url")
    try:
        # A server that vanished without a word (power, network) is noticed within a minute.
        return psycopg.connect(
            url, autocommit=autocommit, row_factory=row_factory, application_name="filmpulse",
            connect_timeout=15, keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
            prepare_threshold=None,  # the driver does not see that DISCARD ALL drops its plans
        )  # fmt: skip
    except psycopg.ProgrammingError:  # its words may quote the password
        raise BadInput(_NO_ADDRESS, reason="warehouse_url") from None
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


_ADDRESS = re.compile(
    r"postgres(ql)?://([^\s:/@?#]*(:[^\s/@?#]*)?@)?([^\s:/@?#,]*|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?"
    r"(/[^\s/?#]*)?(\?\S*)?"
)
"""Of libpq's forms of an address the one that the settings name."""

_NO_ADDRESS = (
    "The address of the warehouse (FILMPULSE_WAREHOUSE_URL, or Airflow's Connection "
    "filmpulse_warehouse) cannot be used. It must be like "
    "postgresql://user:password@host:5432/filmpulse, with special characters of the password "
    "written as in addresses (@ as %40, / as %2F, : as %3A, # as %23, % as %25)."
)


class _Idle(NamedTuple):
    """A connection between two blocks.

    Attributes:
        process: Id of the process that opened the connection.
        since: Time of `time.monotonic`.
    """

    connection: Connection
    process: int
    since: float


_MAX_IDLE = 4
_MAX_IDLE_SECONDS = 30.0  # firewalls forget silent connections, the shortest after some minutes


class Warehouse:
    """One Postgres database of Filmpulse, at a `postgresql://` address."""

    def __init__(self, url: str) -> None:
        """Keep the address; nothing is opened yet."""
        self.url = url
        self._idle: list[_Idle] = []

    def __del__(self) -> None:
        """Close what is idle."""
        while (connection := self._reused()) is not None:
            connection.close()

    def __repr__(self) -> str:
        """Name the class only: the address holds a password."""
        return "Warehouse(...)"

    @contextmanager
    def connect(self, *, autocommit: bool = False) -> Iterator[Connection]:
        """Give a connection, commit at the end of the block, roll back on an error.

        After a block without an error the connection waits for the next block, as clean as a new
        one: to open one costs 20 times what a small query costs.

        Raises:
            WarehouseUnavailable: Postgres could not be reached or went away (retryable).
            BadInput: The address cannot be used, or the database is not set up for this version.
        """
        try:
            connection = self._reused() or open_connection(self.url, autocommit=True)
            try:
                # If the client's machine vanishes, the server notices, and releases its locks.
                connection.execute(
                    "SET TIME ZONE 'UTC'; SET tcp_keepalives_idle = 60; "
                    "SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6"
                )
                connection.autocommit = autocommit
                yield connection
                connection.commit()
            except BaseException:
                with suppress(psycopg.Error):
                    connection.rollback()
                connection.close()
                raise
            self._keep(connection)
        except (psycopg.OperationalError, *NOT_SET_UP) as error:
            raise explained(error) from error

    def _keep(self, connection: Connection) -> None:
        """Have the server forget settings, locks, plans and temporary tables of a connection."""
        try:
            connection.autocommit = True
            connection.execute("DISCARD ALL")
        except psycopg.Error:  # the block's work is committed
            connection.close()
            return
        if len(self._idle) < _MAX_IDLE:
            self._idle.append(_Idle(connection, os.getpid(), time.monotonic()))
        else:
            connection.close()

    def _reused(self) -> Connection | None:
        """Take an idle connection that the server has not closed; None when there is none."""
        while True:
            try:
                idle = self._idle.pop()
            except IndexError:
                return None
            if idle.process != os.getpid():
                continue  # the parent's: closing it here would end it there
            from_server = select.poll()  # the server writes to an idle connection when it ends it
            from_server.register(idle.connection, select.POLLIN)
            if not from_server.poll(0) and time.monotonic() - idle.since < _MAX_IDLE_SECONDS:
                return idle.connection
            idle.connection.close()

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
