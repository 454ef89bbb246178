"""How long a log-in must wait after wrong passwords.

Ten wrong passwords in a row are free. Then the name must wait, at the address of these tries: 30
seconds, twice as long after each further try, one hour at most. A right password ends the count,
and so does a day without a try. OWASP ASVS 4.0.3, 2.2.1: no more than 100 tries an hour.

The count is of a name at an address. A count of the name alone would let a stranger lock its owner
out; a count of the address alone would stop all who share the address.

Superset's environment does not have this package, so `superset/config/waits.py` is a link to this
file. Airflow and Superset count in their own databases. The SQL works in Postgres 15 and SQLite.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from sqlalchemy import text

# `who` is a hash, since people type passwords where a name should be. `free_at` is the time of the
# next allowed try, in seconds since 1970.
_CREATE = (
    """
    CREATE TABLE IF NOT EXISTS filmpulse_log_ins (
        who varchar(64) PRIMARY KEY,
        tries integer NOT NULL,
        free_at bigint NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS filmpulse_log_ins_free_at ON filmpulse_log_ins (free_at)",
)
# Every try counts as wrong until it proves right: so simultaneous tries are counted too.
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
# A flood of invented names must not fill the disk; names that wait longest are kept longest. A row
# that lies ahead by more than the longest wait was written before the clock was set back.
_PRUNE = """
    DELETE FROM filmpulse_log_ins
    WHERE free_at < :now - 86400 OR free_at > :now + 3600 OR free_at < (
        SELECT free_at FROM filmpulse_log_ins ORDER BY free_at DESC LIMIT 1 OFFSET 10000
    )
"""


def create(connection: Any) -> None:
    """Make the table, if there is none; the caller commits.

    `connection` is SQLAlchemy's, of version 1.4 or 2, here and below.
    """
    for statement in _CREATE:
        connection.execute(text(statement))


def take(connection: Any, name: str, address: str) -> int:
    """Count a try to log in; the caller commits before it checks the password.

    Args:
        connection: See `create`.
        name: The account: one text for all spellings that open it.
        address: The other side of the connection, or whom a trusted proxy names; never what the
            client says of itself.

    Returns:
        0 if the password may be checked, else the seconds to wait.
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
