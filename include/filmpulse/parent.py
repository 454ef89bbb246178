"""Not outliving the process that watches over this one, however that one ended (Linux only)."""

from __future__ import annotations

import ctypes
import os
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
