"""Redis: the queues of Celery, or a cache.

One server does not do for both: what it does when its memory is full is a setting of the whole
server. A queue must refuse then, and a cache forget.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from filmpulse.local.cluster import tools
from filmpulse.local.cluster.environment import redis_url
from filmpulse.local.files import last_lines, write_private
from filmpulse.local.ports import HOST, choose

PATIENCE = 10  # seconds between SIGTERM and SIGKILL


class RedisError(RuntimeError):
    """The server does not start; the message says why."""


@dataclass(frozen=True)
class Redis:
    """One server, on 127.0.0.1 only, which asks for a password."""

    folder: Path  # its data and its configuration; `prepare` makes the folder
    port: int
    password: str
    is_cache: bool = False  # it forgets what was not used for long; else it keeps all, on disk too

    def url(self, database: int) -> str:
        """Return the address of one of its 16 databases."""
        return redis_url(self.port, self.password, database)

    def prepare(self) -> None:
        """Write the configuration, which holds the password."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        policy = (
            ["maxmemory 128mb", "maxmemory-policy allkeys-lru", "appendonly no"]
            if self.is_cache
            # Each change is with the kernel before Redis answers, and on the disk a second later:
            # a Redis that is killed forgets no task.
            else ["maxmemory 256mb", "maxmemory-policy noeviction", "appendonly yes"]
        )
        quoted = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            f'dir "{quoted}"',
            *(f"bind {HOST}", f"port {self.port}", f"requirepass {self.password}"),
            *("save ''", "databases 16", *policy),
        ]
        write_private(self.folder / "redis.conf", "\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """Return the command for the foreground.

        Raises:
            RedisError: There is no Redis on this machine.
        """
        server = tools.program("redis-server")
        if server is None:
            raise RedisError("redis-server is missing: `make cluster-tools`.")
        return [str(server), str(self.folder / "redis.conf")]

    def is_ready(self) -> bool:
        """Say whether the server answers to our password, with all its data loaded."""
        from redis import Redis as Client
        from redis.exceptions import RedisError as ClientError

        with Client.from_url(self.url(0), socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except ClientError:
                return False


class Throwaway:
    """A server for tests, which runs while the block does."""

    def __init__(self, directory: Path, *, is_cache: bool = False) -> None:
        """Choose a port and a password; `directory` must exist, and the caller removes it."""
        self.redis = Redis(directory / "redis", choose(), secrets.token_hex(16), is_cache)
        self._log = directory / "redis.log"

    def __enter__(self) -> Redis:
        """Start.

        Raises:
            RedisError: The server is missing, or was not ready within 30 seconds; the message holds
                the end of its log.
        """
        self.redis.prepare()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.redis.command(), stdout=log, stderr=log, env=os.environ
            )
        deadline = time.monotonic() + 30
        while not self.redis.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RedisError(f"Redis did not start:\n{last_lines(self._log)}")
            time.sleep(0.05)
        return self.redis

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
