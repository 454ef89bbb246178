"""Finds and ends every process of an instance, its browsers included."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from filmpulse.local.instance import MARK
from filmpulse.local.postgres import serves


def members(directory: Path) -> list[psutil.Process]:
    """Return the living processes of an instance, known by the mark in their environment.

    Their children count too, since a browser's may rewrite their environment, and so do Postgres's
    processes, known by their directory. This process and its parents never count.
    """
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if _is_marked(process, directory) or _serves(process, directory):
                for each in (process, *process.children(recursive=True)):
                    found[each.pid] = each
        except psutil.Error:  # it ended, or is somebody else's
            continue
    return [process for pid, process in found.items() if pid not in ours]


@dataclass(frozen=True)
class Memory:
    """The memory that some processes use."""

    bytes: int  # on Linux each shared page counts once, elsewhere once for each process
    processes: int

    def __str__(self) -> str:
        """Return a text for people."""
        return f"{self.bytes / 2**30:.1f} GiB in {self.processes} processes"


def memory(directory: Path) -> Memory:
    """Measure the memory of the processes of an instance."""
    sizes = []
    for process in members(directory):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            sizes.append(_size(process))
    return Memory(sum(sizes), len(sizes))


def memory_of(pid: int) -> Memory:
    """Measure the memory of a process and of all its children."""
    sizes = []
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                sizes.append(_size(process))
    return Memory(sum(sizes), len(sizes))


def _size(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    return int(getattr(full, "pss", full.rss))


def _is_marked(process: psutil.Process, directory: Path) -> bool:
    return process.environ().get(MARK) == str(directory)


def end_all(directory: Path, patience: float = 5) -> int:
    """End every process of an instance by signal; kill those that live `patience` seconds more.

    Postgres comes last, when its clients are gone.

    Returns:
        How many processes were found.
    """
    ended: set[int] = set()
    for keep_postgres in (True, False):
        # A process may start another while it is asked to end: look until nothing is left.
        for _ in range(10):
            found = [
                process
                for process in members(directory)
                if not (keep_postgres and _is_postgres(process, directory))
            ]
            if not found:
                break
            ended.update(process.pid for process in found)
            for process in found:
                # For Postgres SIGINT is the fast shutdown; SIGTERM waits for every client.
                _send(process, signal.SIGTERM if keep_postgres else signal.SIGINT)
            _, alive = psutil.wait_procs(found, timeout=patience)
            for process in alive:
                _send(process, signal.SIGKILL)
            psutil.wait_procs(alive, timeout=5)
    return len(ended)


def _serves(process: psutil.Process, directory: Path) -> bool:
    """Say whether a process belongs to an instance's Postgres, or to the replica of a cluster."""
    return any(serves(process, directory / data) for data in ("postgres", "replica"))


def _is_postgres(process: psutil.Process, directory: Path) -> bool:
    try:
        return _serves(process, directory)
    except psutil.Error:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
