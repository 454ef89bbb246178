"""Ends every process that a run of tests started, however the run itself ended.

A run that is killed ends no fixture: its servers, browsers and workers would go on for ever. The
guardian is a process of its own that waits for the end of pytest and then ends what is left.

    python guardian.py DIRECTORY PID

waits until the process PID, its parent, has ended, and then ends what `started_by` finds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

# Children inherit this variable; no part of the package reads it.
RUN = "TEST_RUN_OF_FILMPULSE"
# A local stack's processes get a clean environment with a mark of the stack's own: its directory,
# which lies below the run's. (`filmpulse.local.instance.MARK`; an import would take half a second.)
STACK = "FILMPULSE_INSTANCE_DIR"
PATIENCE = 5  # seconds between asking a process to end and killing it


def watch(directory: Path) -> None:
    """Start the guardian of this process, and mark all that this process starts from now on.

    Args:
        directory: The run's directory for temporary files, which no other run uses.
    """
    subprocess.Popen(
        [sys.executable, __file__, str(directory), str(os.getpid())],
        start_new_session=True,  # Ctrl-C reaches every process of the terminal's group
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    os.environ[RUN] = str(directory)


def started_by(directory: Path) -> list[psutil.Process]:
    """Return the living processes of a run and their children, in no order."""
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        # The process ended, or belongs to another user.
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and _is_of(directory, process.environ()):
                # A browser's child may have rewritten its environment.
                found |= {process, *process.children(recursive=True)}
    return [process for process in found if process.pid != os.getpid()]


def _is_of(directory: Path, environ: dict[str, str]) -> bool:
    marks = [environ[name] for name in (RUN, STACK) if name in environ]
    return any(Path(mark).is_relative_to(directory) for mark in marks)


def end_all(directory: Path) -> None:
    """End every process of a run; look again until none is left, since one may start another."""
    while found := started_by(directory):
        for process in found:
            with suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(found, timeout=PATIENCE)
        for process in alive:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=PATIENCE)


if __name__ == "__main__":
    while os.getppid() == int(sys.argv[2]):
        time.sleep(0.2)
    end_all(Path(sys.argv[1]))
