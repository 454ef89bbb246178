"""Celery workers: one for each queue, each on a host of its own where that can be."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmpulse.local.cluster import hosts
from filmpulse.local.cluster.environment import SLOTS

PATIENCE = 15  # seconds that tasks have to end well when the instance goes down


@dataclass(frozen=True)
class Worker:
    """The worker of one queue."""

    queue: str  # one of `SLOTS`
    folder: Path  # its own; `prepare` makes the folder
    instance: Path  # the instance's directory, of which it sees nothing but its folder
    broker_url: str

    @property
    def name(self) -> str:
        """The worker's name, and that of its host where it has one."""
        return f"worker-{self.queue}"

    def prepare(self) -> None:
        """Make the worker's folders."""
        for part in ("airflow", "log", "catalogue"):
            (self.folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Return the command for the foreground."""
        celery = [
            *("airflow", "celery", "worker", "--queues", self.queue),
            *("--concurrency", str(SLOTS[self.queue]), "--celery-hostname", f"{self.name}@%h"),
            # Its log server listens on every address, and outlives a worker that is killed.
            "--skip-serve-logs",
            # Workers have nothing to tell one another.
            *("--without-gossip", "--without-mingle"),
        ]
        # Its children end with it, and need no imports of their own.
        return self.enclosed("-m", "filmpulse.parent", "filmpulse.preload", *celery)

    def enclosed(self, *words: str) -> list[str]:
        """Return a command that runs Python, with these words, where the worker runs."""
        number, command = list(SLOTS).index(self.queue), [sys.executable, *words]
        return hosts.separate(self.name, number, self.folder, self.instance, command)

    def is_ready(self) -> bool:
        """Say whether the worker answers at the broker."""
        return answers(f"{self.name}@{hosts.host_name(self.name)}", self.broker_url)


def answers(worker: str, broker_url: str) -> bool:
    """Say whether a Celery worker answers at its broker."""
    from celery.exceptions import OperationalError
    from redis.exceptions import RedisError

    try:
        return bool(_control(broker_url).ping(destination=[worker], timeout=2, limit=1))
    except (OSError, OperationalError, RedisError):
        return False


@functools.cache
def _control(broker_url: str) -> Any:
    from celery import Celery

    return Celery(broker=broker_url, broker_connection_retry_on_startup=False).control
