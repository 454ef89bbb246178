"""The figures of all movies side by side: materialised views, counted anew after each job.

A page on one movie reads that movie's rows and is never stale. A comparison of all movies would
have to read every review, so it reads `mart.compared_*` (docs/adr/0027). The figures of the
catalogue are part of it: each load counts them before its swap (docs/adr/0044).
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg import sql as identifiers

from filmpulse.warehouse import Warehouse, sql

_LOCK_SPACE = 0x66696775  # "figu": keeps our advisory locks apart from others
_NEXT, _UNDER_WAY = 1, 2
_PLACE = {"space": _LOCK_SPACE, "next": _NEXT, "under_way": _UNDER_WAY}
PATIENCE = "15min"
"""How long a caller waits for another one, as Postgres's `lock_timeout`."""
CATALOGUE_TABLES = (
    "figures",
    "rated_titles",
    "year_figures",
    "runtime_figures",
    "person_figures",
)
"""Tables of the catalogue that `count_catalogue` fills."""
_OF_CATALOGUE: tuple[LiteralString, ...] = (
    "catalogue_regions",
    "catalogue_described",
    "catalogue_basis",
    "catalogue_rated_titles",
    "catalogue_year_figures",
    "catalogue_runtime_figures",
    "catalogue_person_figures",
    "catalogue_described_drop",
)


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
    with warehouse.session() as connection:
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


def count_catalogue(connection: psycopg.Connection[Any], schema: str) -> None:
    """Fill the tables of a schema that hold figures of the catalogue.

    Args:
        connection: Of the owner; the rows are committed with its transaction.
        schema: Such as `catalogue_next`, with the datasets and `credits` filled, and
            `CATALOGUE_TABLES` empty; keys and indexes of these may be made afterwards, which is
            faster.

    Raises:
        psycopg.Error: They could not be counted.
    """
    with connection.transaction():
        for name in _OF_CATALOGUE:
            connection.execute(
                identifiers.SQL(sql(name)).format(schema=identifiers.Identifier(schema))
            )
