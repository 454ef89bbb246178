"""Load one dataset into the next catalogue: download, COPY, keys."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filmpulse.config import Settings
from filmpulse.errors import BadInput, CatalogueRefused
from filmpulse.jobs.catalogue.fail import noted
from filmpulse.jobs.catalogue.subsets import KEPT_TITLES, chosen_in, how_kept
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.sources.datasets import DATASETS, Dataset
from filmpulse.sources.datasets.download import Downloaded, address, fetch_dataset, rows
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.catalogue import Rows, Subset

log = logging.getLogger(__name__)

LEAST_SHARE = 0.95
"""A file with fewer rows than this share of the last one's is refused: datasets grow (estimate)."""

CHUNK_BYTES = 256 * 2**20
"""How much text of a file is staged at a time where a part of its rows is kept: so little that it
stays in memory, and so much that the statements between two chunks do not count."""


class Loaded(NamedTuple):
    """A dataset that was read: rows in its file, and seconds from the first to the last."""

    dataset: str
    rows: int
    seconds: float


def load_dataset(
    dataset: str, run_id: str, context: Context, progress: Progress = silent
) -> Loaded | None:
    """Download a dataset and load it into the next catalogue, which readers do not see.

    A file that cannot be used is refused and deleted; then the dataset has no table, and the run
    cannot end well. Repeatable: a new try loads the dataset anew.

    Args:
        dataset: Such as `title.basics`.
        run_id: The run, which `plan_catalogue` began.
        context: Of the job.
        progress: Called with bytes of the download.

    Returns:
        What was read; None if the plan of the run leaves the dataset as it is.

    Raises:
        CatalogueRefused: Header, rows or gzip are not as they must be; the disk is full; or another
            run began meanwhile (`taken_over`).
        CatalogueBusy: Another task loads this dataset.
        Retryable: The server or Postgres did not answer, or broke off.
    """
    with wh.at_work(context.warehouse, alone=False, part=dataset) as connection:
        return load(connection, dataset, run_id, context, progress)


def load(
    connection: Connection, name: str, run_id: str, context: Context, progress: Progress = silent
) -> Loaded | None:
    """Do it, on a connection of `at_work`."""
    planned = wh.check_owner(connection, run_id)
    if name not in planned.datasets:
        return None
    subset = planned.subset
    dataset = DATASETS[name]
    url = address(dataset, context.settings.catalogue_url)
    load_id = wh.load_begin.one(connection, run_id=run_id, dataset=name, subset=subset, url=url)
    table = dataset.table
    with noted(context, connection, load_id, table, f"raw_{table}"):
        found = fetch_dataset(
            dataset, context.settings.catalogue_url, download_folder(context.settings), None,
            progress,
        )  # fmt: skip
        if found is None:
            raise AssertionError("without a mark to compare with, each file is a new one")
        try:
            loaded = _load_file(connection, dataset, subset, load_id, found)
        finally:
            found.path.unlink(missing_ok=True)
    log.info("%s: %d rows in %.1f s.", name, loaded.rows, loaded.seconds)
    return loaded


def _load_file(
    connection: Connection, dataset: Dataset, subset: Subset, load_id: int, found: Downloaded
) -> Loaded:
    """Fill the dataset's table from its file; if rows are chosen later, fill the raw table."""
    read, began = Rows(rows(found.path, dataset)), time.monotonic()
    is_chosen_now = chosen_in(subset, dataset.name) == "load"
    kept = _copy(connection, dataset, subset, read, is_chosen_now=is_chosen_now)
    seconds = time.monotonic() - began
    _check_count(connection, dataset, read.count)
    wh.load_read(
        connection, load_id=load_id, etag=found.etag, modified_at=found.modified_at,
        file_bytes=found.bytes, rows_read=read.count, copy_seconds=seconds,
    )  # fmt: skip
    if is_chosen_now:
        wh.finish_load(connection, load_id, dataset.table, kept)
    return Loaded(dataset.name, read.count, seconds)


def _copy(
    connection: Connection, dataset: Dataset, subset: Subset, read: Rows, *, is_chosen_now: bool
) -> int:
    """Copy all rows of a file; return how many were put into the dataset's table."""
    how, table = how_kept(subset, dataset.name), dataset.table
    if how is None:
        wh.make_table(connection, table)
        wh.copy_rows(connection, table, read)
        return read.count
    raw = wh.make_raw(connection, table)
    if not is_chosen_now:
        wh.copy_rows(connection, raw, read)
        return 0
    wh.make_table(connection, table)
    kept = 0
    while not read.is_done:
        wh.copy_rows(connection, raw, read, CHUNK_BYTES)
        kept += keep_rows(connection, dataset, subset)
        wh.empty(connection, raw)
    wh.drop_table(connection, raw)
    return kept


def keep_rows(connection: Connection, dataset: Dataset, subset: Subset) -> int:
    """Copy the rows that a subset keeps from the raw table of a dataset; return how many."""
    how, table = how_kept(subset, dataset.name), dataset.table
    if how is None:
        raise ValueError(f"{subset} keeps all rows of {dataset.name}")
    # The first column of each dataset of titles is the title's id; people are kept by all of it.
    column = "title_id" if dataset.name == "title.akas" else "tconst"
    return wh.keep(connection, how, table, f"raw_{table}", KEPT_TITLES[subset], column)


def choose_rows(connection: Connection, name: str, run_id: str, context: Context) -> None:
    """Fill the table of a dataset that was read into its raw table, if it was, and finish it."""
    load_id = wh.load_waiting.first(connection, run_id=run_id, dataset=name)
    if load_id is None:
        return
    dataset, subset = DATASETS[name], wh.check_owner(connection, run_id).subset
    raw = f"raw_{dataset.table}"
    with noted(context, connection, load_id, dataset.table, raw, is_repeatable=True):
        wh.make_table(connection, dataset.table)
        kept = keep_rows(connection, dataset, subset)
        wh.finish_load(connection, load_id, dataset.table, kept)
        wh.drop_table(connection, raw)


def _check_count(connection: Connection, dataset: Dataset, count: int) -> None:
    last = wh.newest_loads(connection, "live").get(dataset.name)
    before = (last and last.rows_read) or 0
    if not wh.is_filled(connection, dataset.table):  # dropped, or lost
        before = 0
    if count < LEAST_SHARE * before:
        raise CatalogueRefused(
            f"{dataset.name} has {count:,} rows, and the last one had {before:,}: it is likely not "
            "whole, so the catalogue stays as it is. The next run looks again. If it is right, "
            "`filmpulse catalogue drop` and accept anew.",
            reason="fewer_rows",
        )


def download_folder(settings: Settings) -> Path:
    """Return the folder for downloads, made for this user alone if it is missing.

    Raises:
        BadInput: A folder below that for temporary files, where all users write, is another user's
            or open to others.
    """
    folder, home = settings.catalogue_dir, os.environ.get("AIRFLOW_HOME")
    if folder is None and home:
        folder = Path(home) / "catalogue"
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir()) / f"filmpulse-catalogue-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if found.st_uid != os.getuid() or not is_private:
        raise BadInput(
            f"{folder} is another user's, or open to others, so nothing is downloaded there: "
            "remove it, or set FILMPULSE_CATALOGUE_DIR to a folder of your own."
        )
    return folder
