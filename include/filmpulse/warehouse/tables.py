"""Tables as a whole: all of them as of one moment as CSV, and back into a database.

A table's CSV is the same bytes for the same rows in the same order, on any server: settings that
change how values are written are fixed here. So one hash says whether two tables hold the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import IsolationLevel, errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import scalar_row

from filmpulse.errors import BackupUnavailable, BadInput
from filmpulse.warehouse import NOT_SET_UP, explained, open_connection
from filmpulse.warehouse.statement import Query, Scalar, Where

KEPT_SCHEMAS = ("core", "ops", "journal")
"""Schemas whose tables a backup holds; `mart` is made of them, `catalogue` is downloaded again."""

SCRATCH = "_drill"
"""What follows the warehouse's name in that of the database in which a restore is tried."""

_LOCK = 0x6261636B  # "back": one backup at a time
_PLAIN = (
    "SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; "
    "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET client_encoding = 'UTF8'; "
    # Postgres would begin a large table where another reader of it is just now.
    "SET synchronize_seqscans = off"
)
_PATIENT = (
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
    "SET idle_session_timeout = 0; "
    # If the client's machine vanishes, the server notices, and releases its locks.
    "SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6"
)


class Table(NamedTuple):
    """A table and its columns, in the order in which they are written."""

    schema_name: str
    name: str
    columns: list[str]

    @property
    def full_name(self) -> str:
        """Such as `core.reviews`."""
        return f"{self.schema_name}.{self.name}"


class Counter(NamedTuple):
    """A column that counts by itself, and the last number that it gave."""

    schema_name: str
    table_name: str
    column_name: str
    last_value: int | None


class _Key(NamedTuple):
    drop_it: str
    make_it: str
    position: int


_tables = Query("tables_of_schemas", Table)
_counters = Query("tables_counters", Counter)
_keys = Query("tables_keys", _Key)
_not_ours: Scalar[str] = Scalar("tables_not_ours")
revision: Scalar[str] = Scalar("tables_revision")
"""The revision of the tables of a database that is set up."""


def tables(where: Where) -> list[Table]:
    """Return the tables that a backup holds, sorted by name."""
    return _tables(where, schemas=list(KEPT_SCHEMAS))


def counters(where: Where) -> list[Counter]:
    """Return the columns of these tables that count by themselves."""
    return _counters(where, schemas=list(KEPT_SCHEMAS))


@contextmanager
def only_backup(url: str) -> Iterator[None]:
    """Be the only backup of a warehouse while the block runs, over all machines.

    Raises:
        BackupUnavailable: Another backup is under way (`busy`).
        WarehouseUnavailable: Postgres did not answer.
    """
    with open_connection(url, scalar_row, autocommit=True) as connection:
        be_patient(connection)
        if not connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone():
            raise BackupUnavailable(
                "Another backup is under way, so this one did not begin. Wait for its end.",
                reason="busy",
            )
        yield


@contextmanager
def snapshot(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection that sees all tables as of one moment, and changes nothing.

    The tables keep their columns until the block ends.

    Raises:
        WarehouseUnavailable: Postgres did not answer, or went away.
        BadInput: The database is not set up.
    """
    connection = open_connection(url, autocommit=True)
    try:
        be_patient(connection)
        connection.execute(_PLAIN)
        known = tables(connection)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            # Before any query, so that the moment comes after a migration that is under way.
            for table in known:
                connection.execute(
                    sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(
                        sql.Identifier(table.schema_name, table.name)
                    )
                )
            yield connection
    except (psycopg.OperationalError, errors.InFailedSqlTransaction, *NOT_SET_UP) as error:
        raise explained(error) from error
    finally:
        connection.close()


def be_patient(connection: psycopg.Connection[Any]) -> None:
    """Let no time limit of the server end a connection that works for hours."""
    connection.execute(_PATIENT)
    if connection.info.server_version >= 170_000:
        connection.execute("SET transaction_timeout = 0")


class Blocks:
    """A table as CSV in UTF-8, without a header: a block a row. `rows` counts them at the end."""

    def __init__(self, connection: psycopg.Connection[Any], table: Table) -> None:
        """Keep the connection; nothing is read yet."""
        self._connection, self._table = connection, table
        self.rows = 0

    def __iter__(self) -> Iterator[bytes | bytearray | memoryview]:
        """Read the table."""
        cursor = self._connection.cursor()
        with cursor.copy(_copy(self._table, "TO STDOUT")) as blocks:
            yield from blocks
        self.rows = cursor.rowcount


def copy_in(connection: psycopg.Connection[Any], table: Table, blocks: Iterable[bytes]) -> int:
    """Add the rows of CSV, as `Blocks` gives it, to a table; return how many.

    Raises:
        psycopg.DataError: The CSV does not fit the table.
    """
    cursor = connection.cursor()
    with cursor.copy(_copy(table, "FROM STDIN")) as copy:
        for block in blocks:
            copy.write(block)
    return cursor.rowcount


def _copy(table: Table, direction: LiteralString) -> sql.Composed:
    return sql.SQL("COPY {} ({}) {} (FORMAT csv, ENCODING 'UTF8')").format(
        sql.Identifier(table.schema_name, table.name),
        sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        sql.SQL(direction),
    )


def has_rows(url: str) -> bool:
    """Say whether any table of `core` or `journal` holds a row, the analysers aside.

    A database without our schemas does not, and neither does that of a new instance, in which the
    first `analyse_backlog` has noted its analyser.
    """
    with open_connection(url, scalar_row) as connection:
        filled = sql.SQL("SELECT EXISTS (SELECT FROM {})")
        return any(
            connection.execute(
                filled.format(sql.Identifier(table.schema_name, table.name))
            ).fetchone()
            for table in tables(connection)
            if table.schema_name != "ops" and table.full_name != "core.analysers"
        )


def not_ours(url: str) -> list[str]:
    """Name what stands in schemas of our names although no migration of ours made them."""
    from filmpulse.warehouse.migrate import DROPPED  # Alembic takes a second to import

    with open_connection(url) as connection:
        return _not_ours(connection, schemas=list(DROPPED))


@contextmanager
def refill(url: str, to_revision: str) -> Iterator[psycopg.Connection[Any]]:
    """Drop our schemas, make their tables at a revision, empty, and give the connection to fill.

    It is one transaction: if the block raises, or its process is killed, the database is as it was.
    Keys and indexes are made at the end of the block, which is quicker than to keep them up to
    date, and lets the tables come in any order.

    Raises:
        BadInput: This version does not know the revision.
        WarehouseUnavailable: Postgres did not answer, or went away.
    """
    from filmpulse.warehouse.migrate import made_anew  # Alembic takes a second to import

    with made_anew(url, to_revision) as connection:
        be_patient(connection)
        connection.execute(_PLAIN)
        keys = _keys(connection, schemas=list(KEPT_SCHEMAS))
        for key in reversed(keys):  # foreign keys first
            connection.execute(key.drop_it.encode())
        for table in tables(connection):  # what migrations put in comes from the backup
            connection.execute(
                sql.SQL("DELETE FROM {}").format(sql.Identifier(table.schema_name, table.name))
            )
        yield connection
        for key in keys:
            connection.execute(key.make_it.encode())
        connection.execute("ANALYZE")


def set_counters(connection: psycopg.Connection[Any], last: Sequence[Counter]) -> None:
    """Let each counter go on after the last number that it gave."""
    for schema, table, column, last_value in last:
        if last_value is not None:
            connection.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s)",
                [f"{schema}.{table}", column, last_value],
            )


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Give the address of a database beside a warehouse's to try things in; empty it at the end.

    Its name is the warehouse's own and `_drill`. It is made if it is missing.

    Raises:
        BadInput: It is missing, and the owner of the warehouse may not make databases.
        WarehouseUnavailable: Postgres did not answer.
    """
    name = f"{conninfo_to_dict(url)['dbname']}{SCRATCH}"
    with open_connection(url, scalar_row, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            make = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
            try:
                connection.execute(make)
            except errors.InsufficientPrivilege as error:
                raise BadInput(
                    f"A drill needs the database {name}, which the warehouse's owner may not make: "
                    f"have an administrator run CREATE DATABASE {name} OWNER "
                    f"{connection.info.user}.",
                    reason="no_scratch_database",
                ) from error
    scratch = make_conninfo(url, dbname=name)
    try:
        yield scratch
    finally:
        from filmpulse.warehouse.migrate import drop_schemas

        drop_schemas(scratch)
