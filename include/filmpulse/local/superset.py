"""Superset as a part of an instance: where it is installed, how it is prepared and served.

It lives in an environment of its own (docs/adr/0025), so nothing here imports it. The files that
run in it lie in the checkout's `superset/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filmpulse.local.files import CHECKOUT
from filmpulse.local.ports import HOST

FOLDER = CHECKOUT / "superset"
VENV = CHECKOUT / ".venv-superset"
# What its servers hold in memory, and what `prepare.py` makes of the files.
_CONFIG = ("questions.py", "requirements.txt", "superset_config.py", "visitors.py", "waits.py")
SERVED = (*_CONFIG, "gunicorn.conf.py", "static", "wsgi.py")
PREPARED = (
    *_CONFIG,
    *("assets", "bundle.py", "guests.py", "instance.py", "lint.py", "prepare.py", "sync.py"),
)
UNSYNCED = 3  # how `prepare.py` ends when all is ready but the dashboards


def python() -> Path | None:
    """Return Superset's own Python; None where it is not installed.

    An upgrade of the Python that it was made of may have left a link that leads nowhere.
    """
    found = VENV / "bin" / "python"
    return found if (VENV / ".stamp").exists() and found.exists() else None


def fingerprint(*places: str) -> str:
    """Return a hash over the files at these places in `FOLDER`, their names included."""
    made_of = hashlib.sha256()
    for path in sorted(path for place in places for path in _files(FOLDER / place)):
        made_of.update(f"{path.relative_to(FOLDER)}\0".encode())
        made_of.update(hashlib.sha256(path.read_bytes()).digest())
    return made_of.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    found = place.rglob("*") if place.is_dir() else [place]
    return (path for path in found if path.is_file() and "__pycache__" not in path.parts)


@dataclass(frozen=True)
class Superset:
    """One Superset."""

    python: Path
    port: int

    def prepare_command(self) -> list[str]:
        """Return what makes its tables, roles, log-ins and dashboards, and ends."""
        return [str(self.python), str(FOLDER / "prepare.py")]

    def command(self) -> list[str]:
        """Return what serves it in the foreground."""
        config = str(FOLDER / "gunicorn.conf.py")
        bind = f"{HOST}:{self.port}"
        return [str(self.python), "-m", "gunicorn", "--config", config, "--bind", bind]
