"""Superset as a part of an instance: where it is installed, how it is prepared and served.

It has a Python environment of its own (docs/adr/0025), so nothing here imports it. The checkout's
`superset/config` holds what Superset loads, `superset/tools` what prepares it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from filmpulse import parent
from filmpulse.local import files
from filmpulse.local.files import CHECKOUT
from filmpulse.local.ports import HOST

FOLDER = CHECKOUT / "superset"
VENV = CHECKOUT / ".venv-superset"
# The files that its servers load, and those that `superset_tools.prepare` reads.
SERVED = ("config/**/*", "requirements.txt")
PREPARED = ("assets/**/*", "config/*.py", "tools/**/*.py", "requirements.txt")
WORKER = "superset"  # the worker's name is this, `@`, and the name of its host
UNSYNCED = 3  # exit code of `superset_tools.prepare` when all but the dashboards is ready


def python() -> Path | None:
    """Return Superset's own Python; None where it is not installed, or is a dead link."""
    found = VENV / "bin" / "python"
    return found if (VENV / ".stamp").exists() and found.exists() else None


@dataclass(frozen=True)
class Servers:
    """What Superset has beside it on a cluster: two Redis, since one drops what the other keeps."""

    redis_url: str  # orders to the worker; databases 2 and 3 are used
    cache_url: str  # caches and sessions


def environment(
    *,
    key: str,
    metadata_url: str,
    cache: Path,
    warehouse_url: str,
    airflow_url: str,
    public_url: str | None = None,
    internal_url: str | None = None,
    servers: Servers | None = None,
) -> dict[str, str]:
    """Return the environment of Superset, of its worker and of `superset_tools.prepare`.

    Args:
        key: Signs sessions and encrypts stored passwords.
        metadata_url: Superset's own database, postgresql://...
        cache: Directory of its caches.
        warehouse_url: The warehouse, or a replica of it, as its reader, postgresql://...
        airflow_url: Where browsers reach Airflow, for the dashboards' links.
        public_url: Where browsers reach Superset, if a proxy stands in front.
        internal_url: Where the worker's browser reaches Superset; needed with `servers`.
        servers: The Redis servers; None: caches are files, and there is no worker.
    """
    beside = {
        "SUPERSET_PUBLIC_URL": public_url,
        "SUPERSET_INTERNAL_URL": internal_url,
        "SUPERSET_REDIS_URL": servers and servers.redis_url,
        "SUPERSET_CACHE_URL": servers and servers.cache_url,
    }
    return {name: value for name, value in beside.items() if value} | {
        "PYTHONPATH": os.pathsep.join(str(FOLDER / folder) for folder in ("config", "tools")),
        "SUPERSET_CONFIG_PATH": str(FOLDER / "config" / "superset_config.py"),
        "SUPERSET_SECRET_KEY": key,
        "SUPERSET_METADATA_URL": _with_driver(metadata_url),
        "SUPERSET_CACHE_DIR": str(cache),
        "SUPERSET_WAREHOUSE_URL": _with_driver(warehouse_url),
        "SUPERSET_AIRFLOW_URL": airflow_url,
    }


def _with_driver(url: str) -> str:
    # The driver that Superset's SQLAlchemy 1.4 knows.
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def fingerprint(*patterns: str) -> str:
    """Return a hash of the files in `FOLDER` that fit these patterns."""
    return files.fingerprint(FOLDER, *patterns)


@dataclass(frozen=True)
class Superset:
    """The Superset of an instance."""

    python: Path
    port: int

    def prepare_command(self) -> list[str]:
        """Return the command that makes its tables, roles, log-ins and dashboards."""
        return [str(self.python), "-m", "superset_tools.prepare"]

    def command(self) -> list[str]:
        """Return the command that serves it in the foreground."""
        config = str(FOLDER / "config" / "gunicorn.conf.py")
        bind = f"{HOST}:{self.port}"
        return [str(self.python), "-m", "gunicorn", "--config", config, "--bind", bind]

    def worker_command(self, schedule: Path) -> list[str]:
        """Return the command that makes reports and thumbnails in the foreground.

        One process each for the orders, for the times of reports (Celery's beat; so start only one
        such worker with it), and for the order in work: the last two share the first's memory, and
        end with it, however it ends. It takes 300 MB, and a browser's 500 while it works.

        Args:
            schedule: File that keeps when the last report was due.
        """
        return [
            # By its path, since we are no package of that Python; and without its folder (-P),
            # whose modules are named as others are.
            *(str(self.python), "-P", str(Path(parent.__file__)), "celery"),
            *("--app", "superset.tasks.celery_app:app", "worker"),
            *("--hostname", f"{WORKER}@%h", "--concurrency", "1", "--without-gossip"),
            *("--beat", "--schedule", str(schedule)),
        ]
