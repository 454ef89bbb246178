"""Drop the catalogue, and load it no more."""

from __future__ import annotations

from contextlib import suppress

from filmpulse.errors import BadInput
from filmpulse.jobs.catalogue.load_dataset import download_folder
from filmpulse.jobs.context import Context
from filmpulse.sources.datasets.download import remove_downloads
from filmpulse.warehouse import catalogue as wh


def drop_catalogue(context: Context) -> None:
    """Empty the tables, withdraw the acceptance, remove downloads; the ledger stays.

    All of it or nothing; repeatable. What others made of it (facts of movies, dashboards) shows it
    no more.

    Raises:
        CatalogueBusy: It is being loaded, or readers left no moment for a minute.
        WarehouseUnavailable: Postgres did not answer.
    """
    with wh.at_work(context.warehouse, alone=True) as connection:
        wh.drop(connection)
        with suppress(OSError, BadInput):  # a folder that cannot be used here holds no file of ours
            remove_downloads(download_folder(context.settings))
