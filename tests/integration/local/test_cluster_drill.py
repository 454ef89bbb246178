"""Kill -9 of each part of a cluster in turn: the runs end well and the tables are equal.

The drill itself is benchmarks/drill_cluster.py.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from helpers import guardian

from filmpulse import local
from filmpulse.local.cluster import tools

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up, and one imports the other
    spec.loader.exec_module(module)
    return module


pytestmark = [
    pytest.mark.drill,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(tools.missing()), reason=f"missing: {', '.join(tools.missing())}"),
]


def test_each_part_may_be_killed(tmp_path: Path) -> None:
    load("drill_crashes")
    drill_cluster = load("drill_cluster")
    root = guardian.folder_in_memory(otherwise=tmp_path)
    try:
        drill = drill_cluster.Drill(root)
        drill.undisturbed()
        outcomes = {victim: drill.run(victim) for victim in drill_cluster.VICTIMS}
    finally:
        local.down("drill", root)
    # What kills the task's own processes costs another try; anything else costs time.
    assert outcomes["worker"].tries >= 1
    assert outcomes["scheduler"].tries == 0
    assert outcomes["redis"].tries == 0
