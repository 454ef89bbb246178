"""How long a log-in has to wait after wrong passwords.

Ten wrong passwords in a row are free. Then a name waits at the address that they came from: 30
seconds, and twice as long after each further one, an hour at most. A right password ends the count,
and so does a day without a try. OWASP ASVS 4.0.3, 2.2.1: no more than 100 tries an hour.

The count is of a name at an address. A count of the name alone would let a stranger lock its owner
out; a count of the address alone would stop all who share the address.

Superset runs in an environment that has nothing of this package: `superset/config/waits.py` is a
link to this file. Each counts in its own metadata database, which all of its workers share. The SQL
is good for Postgres 15 and SQLite.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from sqlalchemy import text

CREATE = (
    """
    CREATE TABLE IF NOT EXISTS filmpulse_log_ins (
        who varchar(64) PRIMARY KEY,
        tries integer NOT NULL,
        free_at bigint NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS filmpulse_log_ins_free_at ON filmpulse_log_ins (free_at)",
)
"""The table: `who` is a hash, since people type passwords where a name should be; `free_at` is
when the next try may be made, in seconds since 1970."""

# Every try counts as wrong until it proves right: so tries made at once are counted as well.
_TAKE = """
    INSERT INTO filmpulse_log_ins AS known (who, tries, free_at) VALUES (:who, 1, :now)
    ON CONFLICT (who) DO UPDATE SET
        tries = known.tries + 1,
        free_at = :now + CASE
            WHEN known.tries < 9 THEN 0
            WHEN known.tries > 15 THEN 3600
            ELSE 30 << (known.tries - 9)
        END
    WHERE known.free_at <= :now
"""
_FREE_AT = "SELECT free_at FROM filmpulse_log_ins WHERE who = :who"
_FORGET = "DELETE FROM filmpulse_log_ins WHERE who = :who"
# A flood of invented names must not fill the disk; who waits is the last to go. A row that is
# further ahead than the longest wait was written before the clock was put back.
_PRUNE = """
    DELETE FROM filmpulse_log_ins
    WHERE free_at < :now - 86400 OR free_at > :now + 3600 OR free_at < (
        SELECT free_at FROM filmpulse_log_ins ORDER BY free_at DESC LIMIT 1 OFFSET 10000
    )
"""


def create(connection: Any) -> None:
    """Make the table, if there is none.

    Args:
        connection: SQLAlchemy's, of either version 1.4 or 2; the caller commits.
    """
    for statement in CREATE:
        connection.execute(text(statement))


def take(connection: Any, name: str, address: str) -> int:
    """Book a try to log in, before the password is looked at.

    Args:
        connection: SQLAlchemy's; the caller commits before the password is looked at.
        name: The account: one text for all spellings that open it.
        address: The other side of the connection, never what a header claims.

    Returns:
        0 if the password may be looked at, else how many seconds to wait.
    """
    now = int(time.time())
    who = _who(name, address)
    connection.execute(text(_PRUNE), {"now": now})
    if connection.execute(text(_TAKE), {"who": who, "now": now}).rowcount:
        return 0
    free_at = connection.execute(text(_FREE_AT), {"who": who}).scalar()
    return max(1, int(free_at or 0) - now)


def forget(connection: Any, name: str, address: str) -> None:
    """End the count: the password was right."""
    connection.execute(text(_FORGET), {"who": _who(name, address)})


def _who(name: str, address: str) -> str:
    return hashlib.sha256(f"{address}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()
