"""The figures of all movies side by side: materialised views, counted anew after each job.

A page on one movie reads that movie's rows and is never stale. A comparison of all movies would
have to read every review, so it reads `mart.compared_*` (docs/adr/0027).
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
    """Count the figures of all movies anew, from all that is committed by now.

    One caller counts at a time; readers see the old figures until all new ones are there. A shared
    call returns at once if another caller already waits to count: that one has not begun, so it
    will see the same rows.

    Args:
        warehouse: Where; as its owner.
        is_shared: Whether a refresh that another caller is about to begin is enough.

    Raises:
        WarehouseUnavailable: Postgres went away, or others took a quarter of an hour.
        psycopg.Error: The figures could not be counted; the old ones stay.
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
