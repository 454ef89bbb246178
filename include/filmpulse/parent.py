"""Ends a process together with its parent, however the parent ends (Linux only).

`python -m filmpulse.parent airflow scheduler` runs a scheduler whose workers, and their tasks, end
with it; `... airflow celery worker` a Celery worker whose processes and tasks do. Otherwise the
workers of a killed scheduler (SIGKILL, out of memory) would wait for ever, beside those of the
scheduler that takes its place (docs/adr/0019).

Superset's Python, which has none of our packages, runs this file by its path. So the file imports
nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(number: signal.Signals, parent: int | None = None) -> None:
    """Ask the kernel to send a signal to this process once its parent has ended, even by SIGKILL.

    The request outlives exec, so this works as a `preexec_fn`. To the kernel the parent is the
    thread that started this process.

    Args:
        number: The signal.
        parent: The parent's process id, if the caller knows it: if that process has ended already,
            the signal is sent at once.
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


def bind_children(depth: int) -> None:
    """Make processes that are forked from now on end with their parent, `depth` levels deep."""
    parent, level = os.getpid(), 0

    def note() -> None:
        nonlocal parent
        parent = os.getpid()

    def bind() -> None:
        nonlocal level
        level += 1
        if level <= depth:
            end_with_parent(signal.SIGKILL, parent)

    os.register_at_fork(before=note, after_in_child=bind)


if __name__ == "__main__":
    bind_children(depth=2)
    del sys.argv[0]  # the module's own name comes first, as it expects
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
