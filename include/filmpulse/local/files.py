"""Small file duties of the local stack: private files, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filmpulse

CHECKOUT = Path(filmpulse.__file__).resolve().parents[2]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, so that a power cut leaves the old or the new.

    The text is on the disk, under its name, when this returns.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock while the block runs; wait for it as long as it takes.

    The kernel drops the lock with its holder, so a killed process never leaves one behind.

    Args:
        path: The file to lock; made where there is none.
        on_wait: Called once when another process holds the lock, before waiting for it.
    """
    with path.open("a") as file:
        # Python opens files close-on-exec: a daemon started inside the block does not inherit it.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def last_lines(path: Path, count: int = 15) -> str:
    """Return the end of a log, or an empty string where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64_000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])
