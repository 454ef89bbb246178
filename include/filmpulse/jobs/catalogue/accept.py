"""Accept the terms of IMDb's datasets, and choose which titles are kept."""

from __future__ import annotations

from typing import NamedTuple, get_args

from filmpulse.errors import BadInput
from filmpulse.jobs.context import Context
from filmpulse.sources.datasets import CREDIT
from filmpulse.sources.datasets.download import server
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.catalogue import Acceptance, Subset

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

    That holds for the server that the setting `catalogue_url` names. From now on
    `refresh_catalogue` loads the datasets each week. Repeatable: the newest choice holds, and if
    it is another one, the next refresh loads all datasets anew.

    Raises:
        BadInput: There is no such subset, or the setting is no address.
        WarehouseUnavailable: Postgres did not answer.
    """
    if subset not in SUBSETS:
        raise BadInput(f"There is no subset {subset}; there are {', '.join(SUBSETS)}.")
    here = server(context.settings.catalogue_url)
    wh.accept(context.warehouse, subset=subset, server=here, clause=CATALOGUE_TERMS)


def why_not_accepted(accepted: Acceptance | None, context: Context) -> str | None:
    """Say why nothing may be downloaded; None if the terms are accepted for this server."""
    here = server(context.settings.catalogue_url)
    if accepted and accepted.server == here:
        return None
    why = "Nobody accepted the terms of IMDb's datasets"
    if accepted:
        why = f"The terms were accepted for the datasets of {accepted.server}, not of {here}"
    return (
        f"{why}, so nothing is downloaded. `filmpulse catalogue accept` shows the terms and asks."
    )
