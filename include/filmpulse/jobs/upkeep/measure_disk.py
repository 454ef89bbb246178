"""How much disk is free, and how much must be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LEAST_DISK_GIB = 2.0
"""A day of task logs, the lake and Postgres's own log of changes."""


def free_disk() -> tuple[str, float]:
    """Return where the instance lies on this machine, and how many GiB are free there."""
    place = os.environ.get("AIRFLOW_HOME", ".")
    return place, shutil.disk_usage(place if Path(place).is_dir() else ".").free / 2**30
