"""Superset as a part of an instance: where it is installed, how it is prepared and served.

It lives in an environment of its own (docs/adr/0025), so nothing here imports it. The files that
run in it lie in the checkout's `superset/`: `config` is what Superset loads, `tools` what makes it
ready.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from filmpulse.local.files import CHECKOUT
from filmpulse.local.ports import HOST

FOLDER = CHECKOUT / "superset"
VENV = CHECKOUT / ".venv-superset"
# What its servers hold in memory, and what `prepare.py` makes of the files.
SERVED = ("config/**/*", "requirements.txt")
PREPARED = ("assets/**/*", "config/*.py", "tools/**/*.py", "requirements.txt")
UNSYNCED = 3  # how `prepare.py` ends when all is ready but the dashboards


def python() -> Path | None:
    """Return Superset's own Python; None where it is not installed.

    An upgrade of the Python that it was made of may have left a link that leads nowhere.
    """
    found = VENV / "bin" / "python"
    return found if (VENV / ".stamp").exists() and found.exists() else None


def environment(
    *, key: str, metadata_url: str, cache: Path, warehouse_url: str, airflow_url: str
) -> dict[str, str]:
    """Return the environment that Superset, and what makes it ready, run with.

    Args:
        key: Signs sessions and encrypts stored passwords.
        metadata_url: Superset's own database, postgresql://...
        cache: Directory of its caches.
        warehouse_url: The warehouse as its reader, postgresql://...
        airflow_url: Where the dashboards' links to Airflow lead.
    """
    return {
        "PYTHONPATH": os.pathsep.join(str(FOLDER / folder) for folder in ("config", "tools")),
        "SUPERSET_CONFIG_PATH": str(FOLDER / "config" / "superset_config.py"),
        "SUPERSET_SECRET_KEY": key,
        "SUPERSET_METADATA_URL": _with_driver(metadata_url),
        "SUPERSET_CACHE_DIR": str(cache),
        "SUPERSET_WAREHOUSE_URL": _with_driver(warehouse_url),
        "SUPERSET_AIRFLOW_URL": airflow_url,
    }


def _with_driver(url: str) -> str:
    # The driver that Superset's SQLAlchemy, 1.4, knows.
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def fingerprint(*patterns: str) -> str:
    """Return a hash over the files in `FOLDER` that fit these patterns, their names included."""
    made_of = hashlib.sha256()
    found = {path for pattern in patterns for path in FOLDER.glob(pattern) if path.is_file()}
    for path in sorted(path for path in found if "__pycache__" not in path.parts):
        made_of.update(f"{path.relative_to(FOLDER)}\0".encode())
        made_of.update(hashlib.sha256(path.read_bytes()).digest())
    return made_of.hexdigest()


@dataclass(frozen=True)
class Superset:
    """One Superset."""

    python: Path
    port: int

    def prepare_command(self) -> list[str]:
        """Return what makes its tables, roles, log-ins and dashboards, and ends."""
        return [str(self.python), "-m", "superset_tools.prepare"]

    def command(self) -> list[str]:
        """Return what serves it in the foreground."""
        config = str(FOLDER / "config" / "gunicorn.conf.py")
        bind = f"{HOST}:{self.port}"
        return [str(self.python), "-m", "gunicorn", "--config", config, "--bind", bind]
