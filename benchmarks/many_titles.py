"""A catalogue of many generated titles, loaded as a run does it, without the search's tables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from filmpulse.sample_site import datasets
from filmpulse.sources.datasets import DATASETS
from filmpulse.warehouse import Connection, Warehouse, catalogue, figures

SEED, RUN = 17, "bench"
_ROWS = 8_192  # that are written at a time
_SIZES = """
    SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class
    WHERE relnamespace = 'catalogue_live'::regnamespace AND relkind = 'r' AND relname = ANY(%s)"""
_LISTS = """
    INSERT INTO core.title_lists VALUES ('every hundredth', 'hundredth.txt', 'ids', now());
    INSERT INTO core.title_list_members
    SELECT 'every hundredth', tconst, place FROM catalogue.rated_titles
    WHERE place % 100 = 0 AND place <= 100000"""


class Filled(NamedTuple):
    """What it took.

    Attributes:
        seconds: From the first row to the swap.
        counting: Seconds of it in which the figures of the dashboard were counted.
        datasets: Bytes of the tables of the datasets, with keys and indexes.
        figures: Bytes of the tables of the figures, with keys and indexes.
    """

    seconds: float
    counting: float
    datasets: int
    figures: int


def fill(warehouse: Warehouse, titles: int) -> Filled:
    """Load so many titles with votes, a fifth of them episodes, and a list of some of them."""
    began = time.perf_counter()
    with catalogue.at_work(warehouse, alone=True) as connection:
        catalogue.begin(connection, RUN, "rated")
        for dataset in DATASETS.values():
            catalogue.make_table(connection, dataset.table)
            rows = catalogue.Rows(_blocks(dataset.name, titles))
            catalogue.copy_rows(connection, dataset.table, rows)
            catalogue.finish(connection, dataset.table)
        catalogue.make_table(connection, "credits")
        catalogue.fill(connection, "credits")
        catalogue.finish(connection, "credits")
        for table in catalogue.missing_tables(connection):
            catalogue.make_table(connection, table)
        counted = time.perf_counter()
        figures.count_catalogue(connection, catalogue.NEXT)
        counting = time.perf_counter() - counted
        for table in figures.CATALOGUE_TABLES:
            catalogue.finish(connection, table)
        catalogue.swap(connection, RUN)
        seconds = time.perf_counter() - began
        connection.execute(_LISTS, prepare=False)
        of_datasets = [dataset.table for dataset in DATASETS.values()]
        sizes = [_bytes(connection, each) for each in (of_datasets, figures.CATALOGUE_TABLES)]
    return Filled(seconds, counting, *sizes)


def _blocks(dataset: str, titles: int) -> Iterator[bytes]:
    rows = datasets.rows(dataset, titles, SEED, rated=1.0)
    while block := b"".join(islice(rows, _ROWS)):
        yield block


def _bytes(connection: Connection, tables: list[str] | tuple[str, ...]) -> int:
    row = connection.execute(_SIZES, [list(tables)]).fetchone()
    return int(row["bytes"]) if row else 0
