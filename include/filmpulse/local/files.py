"""The local stack's helpers for files: private files, locks, hashes, ends of logs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filmpulse

CHECKOUT = Path(filmpulse.__file__).resolve().parents[2]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read.

    A power cut leaves the old text or the new one. When this returns, the new one is on the disk.
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
    """Hold an exclusive lock while the block runs; wait for the lock as long as it takes.

    The kernel drops the lock with its holder, so a killed process leaves none behind.

    Args:
        path: The file to lock; made if missing.
        on_wait: Called once, before waiting, if another process holds the lock.
    """
    with path.open("a") as file:
        # Python opens files close-on-exec: a daemon started in the block does not inherit the lock.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fingerprint(folder: Path, *patterns: str) -> str:
    """Return a hash of the names and contents of files below a folder, by glob patterns."""
    made_of = hashlib.sha256()
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    for path in sorted(path for path in found if "__pycache__" not in path.parts):
        made_of.update(f"{path.relative_to(folder)}\0".encode())
        made_of.update(hashlib.sha256(path.read_bytes()).digest())
    return made_of.hexdigest()


def last_lines(path: Path, count: int = 15) -> str:
    """Return the last lines of a log; an empty string if there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64_000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])
