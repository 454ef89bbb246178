"""PgBouncer before a test's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from filmpulse.local.cluster.pooler import Pooler
from filmpulse.local.cluster.running import Running
from filmpulse.local.cluster.tools import program
from filmpulse.local.ports import choose
from filmpulse.local.postgres import Server

needs_pgbouncer = pytest.mark.skipif(
    program("pgbouncer") is None, reason="no pgbouncer here: `make cluster-tools` installs it"
)


class StatementPooler(Pooler):
    """Has statement mode in place of session mode."""

    def _settings(self) -> str:
        return super()._settings().replace("pool_mode=session", "pool_mode=statement")


@contextmanager
def pooled(
    url: str, server: Server, folder: Path, kind: type[Pooler] = Pooler
) -> Iterator[tuple[Pooler, Running]]:
    """Run a pooler before the database of an address while the block runs."""
    to = urlsplit(url)
    pooler = kind(
        folder / "pgbouncer",
        choose(),
        server,
        unquote(to.username or ""),
        unquote(to.password or ""),
        to.path.lstrip("/"),
    )
    with Running(pooler, folder / "pgbouncer.log") as running:
        yield pooler, running
