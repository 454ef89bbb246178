"""The programs of a cluster: the Makefile brings what `tools` looks for."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from filmpulse.errors import BadInput
from filmpulse.local.cluster import tools
from filmpulse.local.cluster.grid import GridError
from filmpulse.local.files import CHECKOUT
from filmpulse.local.supervisor import StackError
from filmpulse.sources import browser

MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")


def test_the_makefile_installs_the_packages_of_each_program():
    pairs = dict(
        re.findall(r"([a-z-]+):([a-z0-9-]+)", MAKEFILE.split("for pair in ")[1].split(";")[0])
    )
    assert pairs == dict(tools.PACKAGES)


def test_the_makefile_fetches_the_jar_that_is_looked_for():
    version = re.search(r"^GRID_VERSION := (\S+)$", MAKEFILE, re.MULTILINE)
    assert version is not None
    assert version[1] == tools.GRID_VERSION


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    redis = tmp_path / "redis-server"
    redis.write_text("#!/bin/sh\n")
    redis.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "_SYSTEM", ())
    monkeypatch.setattr(tools, "GRID_JAR", tmp_path / "grid.jar")
    assert tools.program("redis-server") == redis
    monkeypatch.setattr(browser, "BROWSER_PATHS", (str(redis),))
    monkeypatch.setattr(browser, "DRIVER_PATHS", ())
    assert tools.missing() == ["pgbouncer", "java", "chromedriver", "grid.jar"]
    assert tools.missing(driver=redis) == ["pgbouncer", "java", "grid.jar"]
    with pytest.raises(BadInput, match="FILMPULSE_DRIVER_PATH"):
        tools.missing(driver=tmp_path / "none")


def test_an_error_of_the_grid_is_told_as_that_of_every_part():
    assert issubclass(GridError, StackError)
