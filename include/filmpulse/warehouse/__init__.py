"""The warehouse: Postgres, its migrations, loading, queries and the gate of each host."""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import psycopg
from psycopg import errors
from psycopg.rows import DictRow, RowFactory, dict_row

from filmpulse.errors import BadInput, FilmpulseError, WarehouseUnavailable
from filmpulse.warehouse.pooling import Pooling, find, is_direct, is_same_database

if TYPE_CHECKING:
    from filmpulse.config import Settings

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
    """Open a session of a warehouse: a connection with a process of the server to itself.

    Its address is `postgresql://...`, or `host=... dbname=...` as Airflow's bridge gives it.

    Raises:
        BadInput: This is no address of a Postgres database, or it leads through a pooler that keeps
            no sessions (`transaction_pooler`).
        WarehouseUnavailable: Postgres could not be reached, or refused user, password or database.
    """
    connection = _open(url)
    try:
        # Each process tries a pooler once; without a pooler this is one round trip.
        if not is_direct(connection) and not pooling_of(url).keeps_sessions:
            raise BadInput(_KEEPS_NO_SESSION, reason="transaction_pooler")
        connection.row_factory = row_factory
        connection.autocommit = autocommit
    except BaseException as error:
        connection.close()
        if isinstance(error, psycopg.OperationalError):
            raise unavailable(error) from error
        raise
    return connection


@cache
def pooling_of(url: str) -> Pooling:
    """Say what stands before the Postgres of an address; tried once a process.

    Raises:
        BadInput: This is no address of a Postgres database.
        WarehouseUnavailable: Postgres or the pooler could not be reached, or has one connection.
    """
    try:
        with closing(_open(url)) as one, closing(_open(url)) as two:
            return find(one, two)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


def is_one_database(url: str, pooled_url: str) -> bool:
    """Say whether both addresses of a warehouse lead to one database of one server.

    Args:
        url: Of the server, or of a pooler in session mode.
        pooled_url: Of a pooler in any mode but that of statements.

    Raises:
        BadInput: An address cannot be used.
        WarehouseUnavailable: Postgres or the pooler could not be reached.
    """
    try:
        first = open_connection(url, autocommit=True)
        with closing(first) as one, closing(_open(pooled_url)) as two:
            return is_same_database(one, two)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


def _open(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Open a connection in autocommit mode; errors are those of `pooling_of`."""
    # If a password holds an @, the driver takes what follows for the host, and quotes it in errors.
    if url.startswith(("postgresql://", "postgres://")) and not _ADDRESS.fullmatch(url):
        raise BadInput(_NO_ADDRESS, reason="warehouse_url")
    try:
        # If the server vanishes without a word (power, network), this notices within a minute.
        return psycopg.connect(
            url, autocommit=True, row_factory=dict_row, application_name="filmpulse",
            connect_timeout=15, keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
            **options,
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


_KEEPS_NO_SESSION = (
    "FILMPULSE_WAREHOUSE_URL (or Airflow's Connection filmpulse_warehouse) leads through a pooler "
    "in transaction or statement mode, which gives a session's locks and settings to other "
    "clients: the gate could not keep requests apart. Give the address of Postgres itself there, "
    "or of a pooler in session mode; a pooler in transaction mode goes into "
    "FILMPULSE_WAREHOUSE_POOLED_URL, beside it."
)

# If the client's machine vanishes, the server notices, and releases its locks.
_SETTINGS = {
    "timezone": "'UTC'",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}
_OF_SESSION, _OF_TRANSACTION = (
    "; ".join(f"{verb} {name} = {value}" for name, value in _SETTINGS.items()).encode()
    for verb in ("SET", "SET LOCAL")
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


class _Connections:
    """Connections to one address; some wait between two blocks.

    To open one costs 20 times what a small query costs.
    """

    def __init__(self, url: str, *, is_pooled: bool = False) -> None:
        """Keep the address; nothing is opened yet.

        Args:
            url: Where they lead.
            is_pooled: Whether a pooler may give each transaction to another process of the server:
                no statement is prepared then, and there is no session to clean.
        """
        self._url, self._is_pooled = url, is_pooled
        self._idle: list[_Idle] = []
        self._last_place = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """Give a connection in autocommit mode; close it on an error, otherwise keep it, clean.

        Raises:
            WarehouseUnavailable: Postgres could not be reached or went away (retryable).
            BadInput: The address cannot be used, or the database is not set up for this version.
        """
        try:
            connection = self._reused() or self._opened()
            try:
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

    def _opened(self) -> Connection:
        if self._is_pooled:
            return _open(self._url, prepare_threshold=None)
        return open_connection(self._url, autocommit=True)

    def _keep(self, connection: Connection) -> None:
        """Have the server forget settings, locks, plans and temporary tables of a session."""
        try:
            connection.autocommit = True
            if not self._is_pooled:
                # A comment of its own each time: the driver looks at what a statement did to those
                # that it has prepared only when it sees the statement for the first time.
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

    def close(self) -> None:
        """Close what is idle."""
        while (connection := self._reused()) is not None:
            connection.close()


class Warehouse:
    """One Postgres database of Filmpulse, at one or two `postgresql://` addresses."""

    def __init__(self, url: str, pooled_url: str | None = None) -> None:
        """Keep the addresses; nothing is opened yet.

        Args:
            url: Of Postgres itself, or of a pooler in session mode.
            pooled_url: Of a pooler in transaction mode before the same database, for all work that
                is one transaction; if None, this goes to `url` too.
        """
        self.url = url
        self._sessions = _Connections(url)
        self._transactions = (
            self._sessions if pooled_url is None else _Connections(pooled_url, is_pooled=True)
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> Warehouse | None:
        """Return the warehouse that the settings name; None if they name none."""
        if settings.warehouse_url is None:
            return None
        pooled = settings.warehouse_pooled_url
        return cls(
            settings.warehouse_url.get_secret_value(),
            pooled.get_secret_value() if pooled else None,
        )

    def __del__(self) -> None:
        """Close what is idle."""
        self._sessions.close()
        self._transactions.close()

    def __repr__(self) -> str:
        """Name the class only: the address holds a password."""
        return "Warehouse(...)"

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection for one transaction: commit at the end of the block, or roll back.

        Nothing may outlive the transaction: no lock, setting or temporary table of the session.

        Raises:
            WarehouseUnavailable: Postgres could not be reached or went away (retryable).
            BadInput: An address cannot be used, or the database is not set up for this version.
        """
        with self._transactions.lend() as connection:
            connection.autocommit = False
            connection.execute(_OF_TRANSACTION, prepare=False)
            yield connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Give a connection of one's own, which commits each statement by itself.

        Its locks and settings last until the end of the block. Errors are those of `connect`.
        """
        with self._sessions.lend() as connection:
            connection.execute(_OF_SESSION, prepare=False)
            yield connection

    def lets_in(self, role: str, password: str) -> bool:
        """Say whether a role may log in to this database with a password."""
        try:
            psycopg.connect(self.url, user=role, password=password, connect_timeout=15).close()
        except psycopg.OperationalError:
            return False
        return True
