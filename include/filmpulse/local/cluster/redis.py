"""Redis: the queues of Celery, or a cache.

One server does not do for both: what it does when its memory is full is a setting of the whole
server. A queue must refuse then, and a cache forget.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filmpulse.local.cluster import tools
from filmpulse.local.cluster.environment import redis_url
from filmpulse.local.files import write_private
from filmpulse.local.ports import HOST
from filmpulse.local.supervisor import StackError

PATIENCE = 10  # seconds between SIGTERM and SIGKILL


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
            # A title would overwrite the environment, and with it the instance's mark.
            "set-proc-title no",
        ]
        write_private(self.folder / "redis.conf", "\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """Return the command for the foreground.

        Raises:
            StackError: This machine has no Redis.
        """
        server = tools.program("redis-server")
        if server is None:
            raise StackError("There is no redis-server here: `make cluster-tools` installs it.")
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
