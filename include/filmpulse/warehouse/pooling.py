"""Whether a connection pooler stands before Postgres, and what it keeps: found out by trying.

No pooler tells its mode to a client. What a client sees is the process of the server that answers:
through a pooler this is not the process that the pooler named at the log-in, and in transaction
mode another client may have it a moment later (docs/adr/0045).
"""

from __future__ import annotations

import secrets
from enum import Enum
from typing import Any

import psycopg
from psycopg.rows import scalar_row

_TRIES = 5  # another client may take the process that is looked for, and give it back, in between


class Pooling(Enum):
    """What stands between a client and Postgres."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"
    STATEMENT = "statement"

    @property
    def keeps_sessions(self) -> bool:
        """Whether a client keeps its process of the server until the client leaves."""
        return self in (Pooling.NONE, Pooling.SESSION)


def is_direct(connection: psycopg.Connection[Any]) -> bool:
    """Say whether Postgres itself answers; one round trip. A pooler makes up the id at the log-in.

    Args:
        connection: In autocommit mode.
    """
    return _process(connection) == connection.info.backend_pid


def find(one: psycopg.Connection[Any], two: psycopg.Connection[Any]) -> Pooling:
    """Say what stands before Postgres.

    Args:
        one: A new connection in autocommit mode, which no query was run on.
        two: Another one to the same address.

    Raises:
        psycopg.OperationalError: A connection was lost, or the pooler has none for `two`.
    """
    if is_direct(one) and is_direct(two):
        return Pooling.NONE
    for _ in range(_TRIES):
        before = _process(one)
        _process(two)  # so that an error of the next statement is about transactions
        try:
            two.execute("BEGIN", prepare=False)
            holds = _process(two)
        except psycopg.OperationalError:
            return Pooling.STATEMENT
        if holds == before or _process(one) != before:
            return Pooling.TRANSACTION
        two.execute("ROLLBACK", prepare=False)
    return Pooling.SESSION


def is_same_database(one: psycopg.Connection[Any], two: psycopg.Connection[Any]) -> bool:
    """Say whether two connections in autocommit mode lead to one database of one server.

    Args:
        one: Keeps its session.
        two: May go through any pooler but one of statements.
    """
    key = secrets.randbits(62)
    ask = "SELECT pg_try_advisory_xact_lock(%s)"
    with one.transaction(), two.transaction():
        took = [_scalar(each, ask, key) for each in (one, two)]
    return took == [True, False]


def _process(connection: psycopg.Connection[Any]) -> int:
    """Return the id of the server's process that answers."""
    process: int = _scalar(connection, "SELECT pg_backend_pid()")
    return process


def _scalar(connection: psycopg.Connection[Any], query: str, *values: object) -> Any:
    cursor = connection.cursor(row_factory=scalar_row)
    return cursor.execute(query.encode(), values or None, prepare=False).fetchone()
