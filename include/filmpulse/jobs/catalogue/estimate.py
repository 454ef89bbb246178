"""How much a load of the catalogue takes: bytes to download, bytes on Postgres' disk, and room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from filmpulse.jobs.catalogue.subsets import chosen_in, needed
from filmpulse.warehouse import Connection
from filmpulse.warehouse.catalogue import Load, Subset

BYTES_PER_BYTE = {
    "title.ratings": 17.0, "title.basics": 8.6, "title.crew": 15.6, "title.episode": 23.0,
    "title.akas": 12.7, "name.basics": 7.1, "title.principals": 14.8,
}  # fmt: skip
"""Bytes of a table with its keys and indexes for each byte of the compressed file.

Bytes a row as measured on generated rows of the same shape, for the rows and the files of 2026-02;
the last load of the same subset replaces them.
"""

USUAL_FILE_BYTES = {
    "title.ratings": 8_000_000, "title.basics": 215_000_000, "title.crew": 80_000_000,
    "title.episode": 52_000_000, "title.akas": 474_000_000, "name.basics": 297_000_000,
    "title.principals": 747_000_000,
}  # fmt: skip
"""Bytes of IMDb's compressed files, for a server that does not say them.

Akas, names and principals as read of the files of 2026-01; the others are estimates that make about
1.9 GB with these.
"""

KEPT_SHARE: dict[Subset, dict[str, float]] = {
    "all": {},
    "no_episodes": {
        "title.ratings": 0.5, "title.basics": 0.24, "title.crew": 0.24, "title.akas": 0.5,
        "name.basics": 0.8, "title.principals": 0.35,
    },
    "rated": {
        "title.basics": 0.14, "title.crew": 0.14, "title.episode": 0.1, "title.akas": 0.14,
        "name.basics": 0.5, "title.principals": 0.23,
    },
}  # fmt: skip
"""Which share of the rows a subset keeps; all where none is named. Measured for rated principals
and akas in the dumps of 2026, and an estimate for the others."""

DERIVED_SHARE = 0.94
"""Tables that are made of the datasets, for each byte of theirs: genres, credits and figures 0.66,
the search 0.28 (555 MB beside 2.0 GB). Measured on 1.1 million generated titles; 1.0 on 140,000."""

RAW_SHARE = 0.7
"""Rows that wait to be chosen, without keys, for each byte of the whole table with keys."""

MARGIN = 1.1
"""Room for sorting, Postgres' log, and estimates that are too low."""


class Estimate(NamedTuple):
    """What a load takes, in bytes.

    Attributes:
        download: Compressed files.
        tables: The new tables with their indexes. The live ones stay beside them until the swap.
        needed: Room that must be free on Postgres' disk when the load begins.
    """

    download: int
    tables: int
    needed: int


def estimate(subset: Subset, sizes: Mapping[str, int], live: Mapping[str, Load]) -> Estimate:
    """Estimate what it takes to load some datasets, and to make all that is made of datasets.

    Tables of the other datasets move over, so they take no room of their own.

    Args:
        subset: Which titles are kept.
        sizes: Bytes of the compressed file by dataset.
        live: The last load of each dataset from this server that readers saw, if there was one.
    """
    tables = raw = 0.0
    for name, file_bytes in sizes.items():
        whole = BYTES_PER_BYTE[name] * file_bytes
        last = live.get(name)
        if last and last.subset == subset and last.table_bytes and last.file_bytes:
            tables += last.table_bytes / last.file_bytes * file_bytes
        else:
            tables += whole * KEPT_SHARE[subset].get(name, 1.0)
        if chosen_in(subset, name) != "load":
            raw += whole * RAW_SHARE
    others = [live[name] for name in needed(subset) if name in live and name not in sizes]
    if sizes:
        tables += DERIVED_SHARE * (tables + sum(load.table_bytes or 0 for load in others))
    return Estimate(sum(sizes.values()), round(tables), round((tables + raw) * MARGIN))


def free_bytes(connection: Connection) -> int | None:
    """Return how much room Postgres' disk has; None unless Postgres runs on this machine.

    Tablespaces elsewhere are not known.
    """
    folder = data_folder(connection)
    return None if folder is None else shutil.disk_usage(folder).free


def data_folder(connection: Connection) -> Path | None:
    """Return Postgres' folder if Postgres runs on this machine and the folder can be found.

    A server process has the folder as its working directory, which the kernel shows (Linux) even
    to a user who may not ask Postgres.
    """
    pid = connection.info.backend_pid
    process = Path(f"/proc/{pid}")
    try:
        if not (process / "comm").read_text("utf-8").startswith("postgres"):
            return None
        folder = process / "cwd"
        os.statvfs(folder)
    except OSError:
        return None
    return folder if connection.info.host in _HERE or connection.info.host[:1] == "/" else None


_HERE = ("localhost", "127.0.0.1", "::1", "")


def on_one_disk(folder: Path, other: Path | None) -> bool:
    """Say whether two folders share a disk."""
    return other is not None and folder.stat().st_dev == other.stat().st_dev
