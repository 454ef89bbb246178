"""Choose the titles that a subset keeps, once the datasets of titles were read."""

from __future__ import annotations

from filmpulse.jobs.catalogue.load_dataset import choose_rows
from filmpulse.jobs.catalogue.subsets import TITLE_DATASETS, chosen_in
from filmpulse.jobs.context import Context
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh


def choose_titles(run_id: str, context: Context) -> None:
    """Keep the titles of the subset in the next catalogue; nothing to do where all were kept.

    Repeatable: what was chosen stays.

    Raises:
        CatalogueRefused: The disk is full, or another run began meanwhile (`taken_over`).
        CatalogueBusy: Another task works on the catalogue.
        WarehouseUnavailable: Postgres did not answer, or went away.
    """
    with wh.at_work(context.warehouse, alone=True) as connection:
        choose(connection, run_id, context)


def choose(connection: Connection, run_id: str, context: Context) -> None:
    """Do it, on a connection of `at_work`."""
    subset = wh.check_owner(connection, run_id).subset
    for name in TITLE_DATASETS:
        if chosen_in(subset, name) == "choose_titles":
            choose_rows(connection, name, run_id, context)
