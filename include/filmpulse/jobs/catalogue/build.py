"""Build what is made of the datasets: genres, credits, people, and what search and marts need."""

from __future__ import annotations

from filmpulse.jobs.catalogue.fail import disk_full_explained
from filmpulse.jobs.catalogue.index_names import index_names
from filmpulse.jobs.catalogue.load_dataset import choose_rows
from filmpulse.jobs.context import Context
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.catalogue import NEXT
from filmpulse.warehouse.figures import CATALOGUE_TABLES, count_catalogue

SEARCH_TABLES = ("title_names", "person_names", "word_repairs")


def build_catalogue(run_id: str, context: Context) -> None:
    """Make all tables of the next catalogue that are not a dataset's, and choose its people.

    Repeatable: each table is made anew.

    Raises:
        CatalogueRefused: The disk is full, or another run began meanwhile (`taken_over`).
        CatalogueBusy: Another task works on the catalogue.
        WarehouseUnavailable: Postgres did not answer, or went away.
    """
    with wh.at_work(context.warehouse, alone=True) as connection:
        build(connection, run_id, context)


def build(connection: Connection, run_id: str, context: Context) -> None:
    """Do it, on a connection of `at_work`."""
    owner = wh.check_owner(connection, run_id)
    with disk_full_explained():
        for table in ("title_genres", "credits"):
            wh.make_table(connection, table)
            wh.fill(connection, table)
            wh.finish(connection, table)
        choose_rows(connection, "name.basics", run_id, context)
        for table in (*SEARCH_TABLES, *CATALOGUE_TABLES):
            wh.make_table(connection, table)
        index_names(connection, NEXT)
        count_catalogue(connection, NEXT)
        for table in (*SEARCH_TABLES, *CATALOGUE_TABLES):
            wh.finish(connection, table)
        for table in wh.missing_tables(connection):  # of datasets that the subset does not need
            wh.make_table(connection, table)
            wh.finish(connection, table)
    wh.note_owner(connection, owner._replace(is_built=True))
