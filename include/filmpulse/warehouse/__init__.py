"""The warehouse: Postgres, its migrations, loading, queries and the gate of each host."""

from __future__ import annotations

import os
import re
import select
import threading
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
    """Return one statement of `warehouse/queries` by its name; it never holds user input."""
    return statements()[name]


@cache
def statements() -> Mapping[str, LiteralString]:
    """Read the files of `warehouse/queries`: name -> the statement that follows `-- name: ...`."""
    found: dict[str, LiteralString] = {}
    for file in sorted((files(__name__) / "queries").iterdir(), key=str):
        _, *parts = re.split(r"^-- name: (\w+)$", file.read_text("utf-8"), flags=re.MULTILINE)
        for name, statement in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"{file}: there are two statements {name}.")
            found[name] = statement.strip()
    return found


def unavailable(error: psycopg.Error) -> WarehouseUnavailable:
    """Say why Postgres did not answer, and that nothing was half-stored."""
    said = " ".join(str(error).split()) or type(error).__name__
    return WarehouseUnavailable(
        f"The warehouse did not answer ({said}). What was not committed was taken back, so a new "
        "try is safe once Postgres is well."
    )


def explained(error: psycopg.Error) -> FilmpulseError:
    """Turn an error of Postgres into one of ours: it does not answer, or it is not set up."""
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
"""What Postgres raises if a schema is missing, of another version, or not ours."""


def open_connection(
    url: str, row_factory: RowFactory[Any] = dict_row, *, autocommit: bool = False
) -> psycopg.Connection[Any]:
    """Open a connection to a warehouse.

    Its address is `postgresql://...`, or `host=... dbname=...` as Airflow's bridge gives it.

    Raises:
        BadInput: This is no address of a Postgres database.
        WarehouseUnavailable: Postgres could not be reached, or refused user, password or database.
    """
    # If a password holds an @, the driver takes what follows for the host, and quotes it in errors.
    if url.startswith(("postgresql://", "postgres://")) and not _ADDRESS.fullmatch(url):
        raise BadInput(_NO_ADDRESS, reason="warehouse_url")
    try:
        # If the server vanishes without a word (power, network), this notices within a minute.
        return psycopg.connect(
            url, autocommit=autocommit, row_factory=row_factory, application_name="filmpulse",
            connect_timeout=15, keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
        )  # fmt: skip
    except psycopg.ProgrammingError:  # its text may quote the password
        raise BadInput(_NO_ADDRESS, reason="warehouse_url") from None
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


_ADDRESS = re.compile(
    r"postgres(ql)?://([^\s:/@?#]*(:[^\s/@?#]*)?@)?([^\s:/@?#,]*|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?"
    r"(/[^\s/?#]*)?(\?\S*)?"
)
"""The one form of libpq's addresses that the settings allow."""

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
        self._last_place = threading.Lock()

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
                    "SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6",
                    prepare=False,
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
            # A comment of its own each time: the driver looks at what a statement did to those that
            # it has prepared only when it sees the statement for the first time.
            connection.execute(f"DISCARD ALL -- {time.monotonic_ns()}", prepare=False)
        except psycopg.Error:  # the block's work is committed
            connection.close()
            return
        with self._last_place:  # two threads must not both find it free
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(_Idle(connection, os.getpid(), time.monotonic()))
                return
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
