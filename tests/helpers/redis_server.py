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
from filmpulse.local.cluster import tools
from helpers.waiting import wait_until


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
def redis_server(folder: Path, policy: str) -> Iterator[RedisServer]:
    """Run a Redis while the block does; `policy` is its `maxmemory-policy`."""
    made = RedisServer(ports.choose(), secrets.token_hex(8))
    program = tools.program("redis-server")
    assert program is not None
    settings = {
        "bind": ports.HOST, "port": made.port, "requirepass": made.password, "save": '""',
        "maxmemory": "100mb", "maxmemory-policy": policy, "dir": folder,
    }  # fmt: skip
    text = "".join(f"{name} {value}\n" for name, value in settings.items())
    (folder / "redis.conf").write_text(text)
    server = subprocess.Popen([program, folder / "redis.conf"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: made.ask("PING") == ["PONG"])
        yield made
    finally:
        server.terminate()
        server.wait(60)
