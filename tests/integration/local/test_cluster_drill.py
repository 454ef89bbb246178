"""Kill -9 of each part of a cluster in turn: the runs end well and the tables are equal.

The drill itself is benchmarks/drill_cluster.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from helpers import guardian

from filmpulse import local
from filmpulse.local.cluster import tools

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"

pytestmark = [
    pytest.mark.drill,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(tools.missing()), reason=f"missing: {', '.join(tools.missing())}"),
]


@pytest.fixture(scope="module")
def drill_cluster() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import drill_cluster

        yield drill_cluster
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_each_part_may_be_killed(
    drill_cluster: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
