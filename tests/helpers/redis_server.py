"""A throwaway Redis, asked by its own command line: this environment needs no client otherwise."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filmpulse.local import ports
from filmpulse.local.cluster.redis import Redis
from filmpulse.local.cluster.running import Running


@dataclass(frozen=True)
class RedisServer:
    """A Redis that runs."""

    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """Its address, without a database."""
        return f"redis://:{self.password}@{ports.HOST}:{self.port}"

    def ask(self, *words: str) -> list[str]:
        """Send a command to the first database; return the lines of the answer."""
        client = shutil.which("redis-cli")
        assert client is not None
        done = subprocess.run(
            [client, "-h", ports.HOST, "-p", str(self.port), *words],
            env=os.environ | {"REDISCLI_AUTH": self.password},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.splitlines()


@contextmanager
def redis_server(folder: Path, *, is_cache: bool) -> Iterator[RedisServer]:
    """Run a cluster's own Redis while the block does."""
    made = RedisServer(ports.choose(), secrets.token_hex(8))
    part = Redis(folder / "redis", made.port, made.password, is_cache)
    with Running(part, folder / "redis.log"):
        yield made
