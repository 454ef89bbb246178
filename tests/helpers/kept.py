"""A warehouse and a lake that were filled once, to be had again by each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Databases

    from filmpulse import jobs


@dataclass(frozen=True)
class Kept:
    """What was filled, and how to have it again.

    The warehouse knows where the lake lies, so that every test has the lake at the same place.

    Attributes:
        told: What filling returned.
    """

    databases: Databases
    open: Callable[[str, str], jobs.Context]
    template: str
    lake: Path
    copy: Path
    told: Any

    @contextmanager
    def again(self) -> Iterator[jobs.Context]:
        """Have both as they were."""
        shutil.rmtree(self.lake, ignore_errors=True)
        shutil.copytree(self.copy, self.lake)
        url = self.databases.create(self.template)
        yield self.open(url, self.lake.as_uri())
        self.databases.drop(url)


@contextmanager
def filled(
    databases: Databases,
    empty: str,
    folder: Path,
    open_parts: Callable[[str, str], jobs.Context],
    fill: Callable[[jobs.Context], Any],
) -> Iterator[Kept]:
    """Fill a warehouse and a lake, and keep both for a while.

    Args:
        databases: Makes the warehouse.
        empty: Name of a migrated database.
        folder: Where the lake and its copy go.
        open_parts: Makes a job's parts of the addresses of warehouse and lake.
        fill: Puts something into them.
    """
    url = databases.create(empty)
    lake, copy = folder / "lake", folder / "copy"
    told = fill(open_parts(url, lake.as_uri()))
    shutil.copytree(lake, copy)
    yield Kept(databases, open_parts, url.rpartition("/")[2], lake, copy, told)
    databases.drop(url)
