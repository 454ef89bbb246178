"""Plan a refresh of the catalogue: which datasets changed, and is there room for them?"""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from typing import NamedTuple

import psycopg

from filmpulse.errors import CatalogueRefused
from filmpulse.jobs.catalogue import estimate as sizes
from filmpulse.jobs.catalogue.accept import why_not_accepted
from filmpulse.jobs.catalogue.load_dataset import download_folder
from filmpulse.jobs.catalogue.subsets import TITLE_DATASETS, needed, with_dependent
from filmpulse.jobs.context import Context
from filmpulse.sources.datasets import DATASETS
from filmpulse.sources.datasets.download import Mark, Offer, address, look, remove_downloads
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.catalogue import Load, Owner, Subset

log = logging.getLogger(__name__)

LOADS_AT_ONCE = 2
"""How many datasets a run loads at a time."""


class CataloguePlan(NamedTuple):
    """What a run loads; without datasets there is nothing to do.

    Attributes:
        run_id: The run, which owns the next catalogue from now on.
        subset: Which titles are kept.
        titles: Datasets to be loaded first, since they decide which titles are kept.
        details: The other datasets to be loaded.
        unchanged: Datasets that stay as they are.
        download_bytes: Of the compressed files.
        table_bytes: Of the new tables with their indexes; the live ones stay until the swap.
        needed_bytes: Room that must be free on Postgres' disk.
        free_bytes: Room that there is; None where it cannot be measured.
        guessed: Datasets whose server does not say how large the file is, so that all of these
            sizes are estimates.
    """

    run_id: str
    subset: Subset
    titles: list[str]
    details: list[str]
    unchanged: list[str]
    download_bytes: int
    table_bytes: int
    needed_bytes: int
    free_bytes: int | None
    guessed: list[str]

    @property
    def datasets(self) -> list[str]:
        """All datasets to be loaded, in order."""
        return self.titles + self.details

    @property
    def sentence(self) -> str:
        """What it takes, for a person."""
        if not self.datasets:
            return "No dataset changed, so there is nothing to load."
        free = (
            f"and {_gb(self.free_bytes)} are"
            if self.free_bytes is not None
            else ("which cannot be measured from here")
        )
        guess = (
            f" (an estimate: the server does not say how large {', '.join(self.guessed)} will be)"
            if self.guessed
            else ""
        )
        return (
            f"To load ({self.subset}): {', '.join(self.datasets)}. Download: "
            f"{_gb(self.download_bytes)}{guess}. On Postgres' disk: about "
            f"{_gb(self.table_bytes)}, and as much again until the old tables are dropped. Before "
            f"that {_gb(self.needed_bytes)} must be free, {free}."
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:,.2f} GB"


def plan_catalogue(run_id: str, context: Context) -> CataloguePlan:
    """Find the datasets to load, check that there is room, and begin the next catalogue.

    A dataset is loaded if its file is not the one that was loaded last, if its table is empty, if
    another subset was chosen, or if rows of it are kept by a dataset that is loaded. Whatever
    an earlier run left is dropped; if that run is still alive, its next step fails (`taken_over`).

    Costs a HEAD request a dataset.

    Raises:
        CatalogueRefused: Nobody accepted the terms (`not_accepted`), or there is too little room
            (`disk_full`).
        CatalogueBusy: A task of another run works just now.
        Retryable: The server or Postgres did not answer.
    """
    check_accepted(context)
    with wh.at_work(context.warehouse, alone=True) as connection:
        return make_plan(connection, run_id, context)


def check_accepted(context: Context) -> Subset:
    """Return the subset that a person chose.

    Raises:
        CatalogueRefused: Nobody accepted the terms, or not of this server (`not_accepted`).
    """
    accepted = wh.acceptance.first(context.warehouse)
    why = why_not_accepted(accepted, context)
    if accepted is None or why is not None:
        raise CatalogueRefused(str(why), reason="not_accepted")
    return accepted.subset


def make_plan(connection: Connection, run_id: str, context: Context) -> CataloguePlan:
    """Do it, on a connection of `at_work`."""
    subset = check_accepted(context)
    wh.begin(connection, run_id, subset)
    try:
        plan = _plan(connection, run_id, subset, context)
    except BaseException:
        with suppress(psycopg.Error):
            wh.drop_rest(connection)
        raise
    if plan.datasets:
        wh.note_owner(connection, Owner(run_id, subset, plan.datasets))
    else:
        wh.drop_rest(connection)
    return plan


def _plan(connection: Connection, run_id: str, subset: Subset, context: Context) -> CataloguePlan:
    live = wh.newest_loads(connection, "live")
    offers = _offers(connection, subset, live, context)
    unchanged = [name for name in needed(subset) if name not in offers]
    known = {
        name: load for name, load in live.items()
        if load.url == address(DATASETS[name], context.settings.catalogue_url)
    }  # fmt: skip
    guessed = [name for name, offer in offers.items() if offer.bytes is None]
    files = {name: offer.bytes or _usual(name, known) for name, offer in offers.items()}
    taken = sizes.estimate(subset, files, known)
    plan = CataloguePlan(
        run_id, subset,
        [name for name in TITLE_DATASETS if name in offers],
        [name for name in offers if name not in TITLE_DATASETS], unchanged,
        taken.download, taken.tables, taken.needed, sizes.free_bytes(connection),
        guessed,
    )  # fmt: skip
    log.info("%s", plan.sentence)
    if plan.datasets:
        _check_room(connection, plan, files, context)
    # What an earlier run left of a file that is loaded no more, or not now.
    remove_downloads(download_folder(context.settings), set(DATASETS) - set(offers))
    for name in unchanged:
        wh.load_unchanged(
            connection, run_id=run_id, dataset=name, subset=subset, url=live[name].url,
            etag=live[name].etag, modified_at=live[name].modified_at,
        )  # fmt: skip
        wh.stand_in(connection, DATASETS[name].table)
    return plan


def _usual(name: str, known: dict[str, Load]) -> int:
    """Return the bytes of a dataset's last file from this server, or else of IMDb's."""
    last = known.get(name)
    return (last and last.file_bytes) or sizes.USUAL_FILE_BYTES[name]


def _offers(
    connection: Connection, subset: Subset, live: dict[str, Load], context: Context
) -> dict[str, Offer]:
    """Return what the server has of each dataset that is to be loaded, in order."""
    base_url = context.settings.catalogue_url
    marks = {name: _mark(connection, subset, live.get(name), context) for name in needed(subset)}
    offers = {name: look(DATASETS[name], base_url, mark) for name, mark in marks.items()}
    found = {}
    for name in with_dependent(subset, [name for name, offer in offers.items() if offer]):
        if offer := offers[name] or look(DATASETS[name], base_url):
            found[name] = offer
    return found


def _mark(
    connection: Connection, subset: Subset, last: Load | None, context: Context
) -> Mark | None:
    """Return the mark of the file that a live table was loaded from; None if it must be loaded."""
    if last is None or last.subset != subset:
        return None
    if last.url != address(DATASETS[last.dataset], context.settings.catalogue_url):
        return None
    is_there = wh.is_filled(connection, DATASETS[last.dataset].table) or last.rows_kept == 0
    return Mark(last.etag, last.modified_at) if is_there else None


def _check_room(
    connection: Connection, plan: CataloguePlan, file_bytes: dict[str, int], context: Context
) -> None:
    """Refuse a load that would fill a disk, where that can be measured."""
    folder = download_folder(context.settings)
    files = sum(sorted(file_bytes.values())[-LOADS_AT_ONCE:])
    asked = [(plan.needed_bytes, plan.free_bytes, "Postgres' disk")]
    if sizes.on_one_disk(folder, sizes.data_folder(connection)):
        asked[0] = (plan.needed_bytes + files, plan.free_bytes, "Postgres' disk")
    else:
        asked.append((files, shutil.disk_usage(folder).free, f"the disk of {folder}"))
    for needed_bytes, free, where in asked:
        if free is not None and free < needed_bytes:
            raise CatalogueRefused(
                f"The catalogue ({plan.subset}) needs {_gb(needed_bytes)} on {where}, and "
                f"{_gb(free)} are free; nothing was downloaded. Make room, or take a "
                "smaller subset: `filmpulse catalogue accept --subset rated`.",
                reason="disk_full",
            )
