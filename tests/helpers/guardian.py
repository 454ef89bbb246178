"""Ends every process that a run of tests started, however the run itself ended.

A run that is killed ends no fixture: its servers, browsers and workers would go on for ever. The
guardian is a process of its own that waits for the end of pytest and then ends what is left.

    python guardian.py DIRECTORY PID

waits until the process PID, its parent, has ended, ends what `started_by` finds, and frees the
memory that `folder_in_memory` took.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

# Children inherit this variable; no part of the package reads it.
RUN = "TEST_RUN_OF_FILMPULSE"
# A local stack's processes get a clean environment with a mark of the stack's own: its directory,
# which lies below one of the run's. (An import of `filmpulse.local.instance.MARK` takes 0.5 s.)
STACK = "FILMPULSE_INSTANCE_DIR"
MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's file system in memory; elsewhere there is none
ENOUGH = 6 << 30  # bytes; the databases of three workers take less than half of it
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


def folder_in_memory(otherwise: Path) -> Path:
    """Make a new folder of this run for a server's data.

    A new database is 300 files, a temporary table is three, and each commit waits for the disk:
    that costs more than all that a test asks of the database.

    Returns:
        A folder in memory where there is plenty, else `otherwise`.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ENOUGH:
        return otherwise
    memory = memory_of(Path(os.environ[RUN]))
    memory.mkdir(mode=0o700, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=memory))


def memory_of(run: Path) -> Path:
    """Return where the folders in memory of a run lie, named after the run's directory."""
    return MEMORY / "-".join(run.parts[1:])


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
    folders = (directory, memory_of(directory))
    return any(Path(mark).is_relative_to(folder) for mark in marks for folder in folders)


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
    shutil.rmtree(memory_of(Path(sys.argv[1])), ignore_errors=True)
