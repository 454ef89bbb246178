"""Accept the terms of IMDb's datasets, and choose which titles are kept."""

from __future__ import annotations

from typing import NamedTuple, get_args

from filmpulse.errors import BadInput
from filmpulse.jobs.context import Context
from filmpulse.sources.datasets import CREDIT
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.catalogue import Subset

CATALOGUE_TERMS = (
    "IMDb gives its datasets for personal and non-commercial use. You may keep copies for "
    "yourself; you may not republish them, sell them, or offer a database of movie information "
    "made of them to others. Every page that shows them must say: "
    f'"{CREDIT}" The whole text: https://developer.imdb.com/non-commercial-datasets/'
)
"""The terms as they are shown and stored.

Source: developer.imdb.com/non-commercial-datasets and IMDb's conditions of use, as of 2026-11.
"""

SUBSETS: tuple[Subset, ...] = get_args(Subset)


class Cost(NamedTuple):
    """What a subset costs: to download, on Postgres' disk (twice that in a refresh), and in time.

    Attributes:
        titles: Which titles, for a person.
        download_gb: Compressed files.
        disk_gb: Tables and indexes.
        minutes: To load, on 2 cores, without the download.
    """

    titles: str
    download_gb: float
    disk_gb: float
    minutes: int


CATALOGUE_COSTS: dict[Subset, Cost] = {
    "rated": Cost("the 1.6 million titles that people rated", 1.9, 10, 15),
    "no_episodes": Cost("the 2.9 million titles that are no episodes of series", 1.9, 19, 25),
    "all": Cost("all 12 million titles", 1.9, 45, 45),
}
"""Estimates for the files of early 2026, by `estimate.py` and the pace of `make bench`; each run
says what it takes before it begins."""


def accept_catalogue(subset: str, context: Context) -> None:
    """Note that a person accepted `CATALOGUE_TERMS`, and which titles the person wants.

    From now on `refresh_catalogue` loads the datasets each week. Repeatable: the newest choice
    holds, and if it is another one, the next refresh loads all datasets anew.

    Raises:
        BadInput: There is no such subset.
        WarehouseUnavailable: Postgres did not answer.
    """
    if subset not in SUBSETS:
        raise BadInput(f"There is no subset {subset}; there are {', '.join(SUBSETS)}.")
    wh.accept(context.warehouse, subset=subset, clause=CATALOGUE_TERMS)
