"""Drop the catalogue, and load it no more."""

from __future__ import annotations

from filmpulse.jobs.context import Context
from filmpulse.warehouse import catalogue as wh


def drop_catalogue(context: Context) -> None:
    """Empty the tables of the catalogue and withdraw the acceptance; the ledger stays.

    All of it or nothing; repeatable. What others made of it (facts of movies, dashboards) shows it
    no more.

    Raises:
        CatalogueBusy: It is being loaded, or readers left no moment for a minute.
        WarehouseUnavailable: Postgres did not answer.
    """
    with wh.at_work(context.warehouse, alone=True) as connection:
        wh.drop(connection)
