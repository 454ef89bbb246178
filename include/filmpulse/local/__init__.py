"""All that Filmpulse needs, on one machine under a process supervisor, without Docker.

>>> stack = up("demo", sample_site=True)  # doctest: +SKIP
>>> stack.urls["airflow"]  # doctest: +SKIP
'http://127.0.0.1:18999'
"""

from filmpulse.local.instance import Stack
from filmpulse.local.progress import Lines, Progress
from filmpulse.local.stack import (
    DEFAULT_ROOT,
    PartStatus,
    down,
    read_stack,
    rotate,
    status,
    sync_dashboards,
    up,
    wanted,
)
from filmpulse.local.supervisor import StackError
from filmpulse.local.welcome import addresses

__all__ = [
    "DEFAULT_ROOT",
    "Lines",
    "PartStatus",
    "Progress",
    "Stack",
    "StackError",
    "addresses",
    "down",
    "read_stack",
    "rotate",
    "status",
    "sync_dashboards",
    "up",
    "wanted",
]
