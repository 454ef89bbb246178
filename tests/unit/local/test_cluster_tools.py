"""The programs of a cluster: the Makefile brings what `tools` looks for."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from filmpulse.local.cluster import tools
from filmpulse.local.files import CHECKOUT

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
    assert tools.missing() == ["pgbouncer", "java", "grid.jar"]
