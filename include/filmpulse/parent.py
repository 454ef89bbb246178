"""Not outliving the process that watches over this one, however that one ended (Linux only).

`python -m filmpulse.parent airflow scheduler` runs a scheduler whose workers, and their tasks, end
with it. Killed otherwise (SIGKILL, out of memory), it would leave its workers waiting for ever for
work that nobody can give them, beside those of the scheduler that takes its place (docs/adr/0019).
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
    """Ask the kernel for a signal to this process once its parent has ended, even by SIGKILL.

    Fit for a `preexec_fn`: the request outlives exec. To the kernel the parent is the thread that
    started this process.

    Args:
        number: What to send.
        parent: The parent's process id, where the caller knew it before: if that one ended before
            the kernel was asked, the signal is sent at once.
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


def bind_children(depth: int) -> None:
    """Have what is forked from now on end with its parent: children, theirs, `depth` levels."""
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
    del sys.argv[0]  # what is run finds itself in its place
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
