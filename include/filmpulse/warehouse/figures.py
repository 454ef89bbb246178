"""The figures of all movies side by side: materialised views, counted anew after each change.

A page on one movie reads that movie's rows and is never stale; a comparison of all would read every
review there is, so it reads `mart.compared_*` (docs/adr/0027).
"""

from __future__ import annotations

from typing import Any

import psycopg

from filmpulse.warehouse import Warehouse, sql

_LOCK_SPACE = 0x66696775  # "figu": keeps our advisory locks apart from others
_NEXT, _UNDER_WAY = 1, 2
_PLACE = {"space": _LOCK_SPACE, "next": _NEXT, "under_way": _UNDER_WAY}
PATIENCE = "15min"
"""How long a caller waits for another one, as Postgres's `lock_timeout`."""


def refresh(warehouse: Warehouse, *, is_shared: bool = False) -> None:
    """Count the figures of all movies anew, from what is committed by now.

    One at a time; readers see the figures of before until all are there. At most one caller waits
    behind the one that counts, and a shared call that meets both leaves its part to the one that
    waits, which has not begun and so will see the same rows.

    Args:
        warehouse: Where; as its owner.
        is_shared: Whether another's refresh that is about to begin will do.

    Raises:
        WarehouseUnavailable: Postgres went away, or others took a quarter of an hour.
        psycopg.Error: They could not be counted; the figures of before stand.
    """
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = '{PATIENCE}'")
        if is_shared:
            row = connection.execute(
                "SELECT pg_try_advisory_lock(%(space)s, %(next)s) AS is_next", _PLACE
            ).fetchone()
            if row is not None and not row["is_next"]:
                return
        else:
            connection.execute("SELECT pg_advisory_lock(%(space)s, %(next)s)", _PLACE)
        keep_still(connection)
        connection.execute("SELECT pg_advisory_unlock(%(space)s, %(next)s)", _PLACE)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            connection.execute(sql("refresh_figures"))


def keep_still(connection: psycopg.Connection[Any]) -> None:
    """Wait until nobody counts the figures; nobody else begins until the connection is closed."""
    connection.execute("SELECT pg_advisory_lock(%(space)s, %(under_way)s)", _PLACE)
