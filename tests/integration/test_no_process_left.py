"""A run of tests that is interrupted or killed leaves no process and takes no memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from helpers import guardian

WAITS = Path(__file__).parents[1] / "fixtures" / "runs" / "waits.py"


def names(directory: Path) -> set[str]:
    """Return the names of the processes of a run."""
    found = set()
    for process in guardian.started_by(directory):
        with suppress(psutil.Error):
            found.add(process.name())
    return found


@pytest.mark.parametrize(
    ("workers", "number"),
    [
        ("1", signal.SIGINT),
        pytest.param("1", signal.SIGTERM, marks=pytest.mark.drill),
        ("1", signal.SIGKILL),
        pytest.param("0", signal.SIGKILL, marks=pytest.mark.drill),
    ],
)
def test_a_run_that_is_killed_leaves_nothing(
    workers: str, number: signal.Signals, tmp_path: Path
) -> None:
    directory = tmp_path / "run"
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, f"--basetemp={directory}"]
    log = tmp_path / "log"
    with log.open("wb") as file:
        run = subprocess.Popen(
            [*command, WAITS], stdout=file, stderr=file, start_new_session=True,
            env={name: value for name, value in os.environ.items() if "XDIST" not in name},
        )  # fmt: skip
    while not list(directory.rglob("ready")):
        assert run.poll() is None, log.read_text()
        time.sleep(0.1)
    had = names(directory)
    assert {"postgres", "weed"} <= had
    assert any("chrom" in name for name in had)
    if number == signal.SIGINT:  # as Ctrl-C in a terminal
        os.killpg(run.pid, number)
    else:
        run.send_signal(number)
    run.wait()
    while names(directory) or guardian.memory_of(directory).exists():
        time.sleep(0.1)  # the limit on a test's time ends a wait for ever
