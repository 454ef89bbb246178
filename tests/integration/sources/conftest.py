"""What tests of browsers share: one Selenium Grid for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from filmpulse.local.cluster.grid import Throwaway


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Throwaway]:
    """A Grid of two nodes with a slot each, which soon ends silent sessions."""
    from filmpulse.local.cluster import grid, tools

    if {"java", "chromium", "chromedriver", tools.GRID_JAR.name} & set(tools.missing()):
        pytest.skip("there is no Selenium Grid on this machine: `make cluster-tools`")
    directory = tmp_path_factory.mktemp("grid")
    with grid.Throwaway(directory, nodes=2, queue_seconds=60, session_seconds=20) as running:
        yield running
