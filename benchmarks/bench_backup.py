"""Time a backup and a restore of 1,000,000 reviews beside Postgres's own tools, and their memory.

The same tables in the same run, all through SeaweedFS or the disk of this machine: our backup and
its reading back; plain COPY of the same tables to nowhere, which no backup can beat; `pg_dump -Fc`
to a file; our restore, with its comparison; `pg_restore -j2`. MB are those of the CSV. Each task's
memory is the most that its own process held, beside the same task on an empty warehouse. About 8
minutes.

    python benchmarks/bench_backup.py [--movies 60 --reviews 1000000]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import many_reviews
from rich.console import Console
from rich.table import Table

from filmpulse.local import object_store, postgres
from filmpulse.local.object_store import ObjectStore
from filmpulse.warehouse import Warehouse, tables

BACK_UP = """
from filmpulse import jobs
jobs.back_up(jobs.Context.from_settings(Settings.from_env()), jobs.AirflowObjects, None)
"""
SAVE = """
from datetime import UTC, datetime
from filmpulse.backup import manifest, save
from filmpulse.backup.store import Store
save.verify = lambda store, made: None
settings = Settings.from_env()
save.save(Store.from_settings(settings), manifest.new_id(datetime.now(UTC)),
          settings.warehouse_url.get_secret_value(), {})
"""
RESTORE = """
from filmpulse.backup import keep, load, manifest
from filmpulse.backup.store import Store
from filmpulse.warehouse.tables import scratch_database
settings = Settings.from_env()
store = Store.from_settings(settings)
with scratch_database(settings.warehouse_url.get_secret_value()) as url:
    load.load(store, manifest.read(store, keep.newest(store)), url, lambda done, total: None)
"""
COPY = """
from filmpulse.warehouse import tables
with tables.snapshot(Settings.from_env().warehouse_url.get_secret_value()) as connection:
    for table in tables.tables(connection):
        for _ in tables.Blocks(connection, table):
            pass
"""
TELL = """
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Run(NamedTuple):
    """How long a task took (seconds), and the most memory that it held (MiB)."""

    seconds: float
    memory: float


def run(code: str, env: dict[str, str]) -> Run:
    """Run a task in a process of its own."""
    code = f"from filmpulse.config import Settings{code}{TELL}"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    return Run(time.perf_counter() - began, int(done.stdout.split()[-1]) / 1024)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def environment(warehouse: Warehouse, store: ObjectStore, folder: str) -> dict[str, str]:
    """Return the environment of a task; backups go to a folder of their own."""
    settings = {
        "WAREHOUSE_URL": warehouse.url,
        "LAKE_URL": "file:///nowhere",
        "BACKUP_URL": f"s3://filmpulse/{folder}",
        "BACKUP_ENDPOINT_URL": store.url,
        "BACKUP_KEY": store.key,
        "BACKUP_SECRET": store.secret,
    }
    return dict(os.environ) | {f"FILMPULSE_{name}": value for name, value in settings.items()}


def tool(name: str, *arguments: str) -> None:
    """Run one of Postgres's own programs."""
    program = next(
        found.bin / name for found in postgres.all_binaries() if (found.bin / name).exists()
    )
    subprocess.run([program, *arguments], check=True)


def measure(owner: Warehouse, store: ObjectStore, folder: Path) -> tuple[float, dict[str, Run]]:
    """Return the megabytes of the CSV, and how each task went."""
    env = environment(owner, store, "large")
    found = {
        "plain COPY, to nowhere": run(COPY, env),
        "backup, without reading back": run(SAVE, env),
    }
    found["backup, read back"] = run(BACK_UP, env)
    file = str(folder / "dump")
    schemas = ("--schema=core", "--schema=ops")
    found["pg_dump -Fc"] = Run(
        timed(lambda: tool("pg_dump", "-Fc", *schemas, "-f", file, owner.url)), 0
    )
    found["restore, compared"] = run(RESTORE, env)
    with tables.scratch_database(owner.url) as scratch:
        found["pg_restore -j2"] = Run(
            timed(lambda: tool("pg_restore", "-j2", "--no-owner", "-d", scratch, file)), 0
        )
    with owner.connect() as connection:
        row = connection.execute("SELECT max(bytes) AS bytes FROM ops.backups").fetchone()
    return (row["bytes"] if row else 0) / 1e6, found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--movies", type=int, default=60)
    parser.add_argument("--reviews", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, object_store.Throwaway(Path(name)) as store:
        store.add_bucket("filmpulse")
        with many_reviews.warehouse_of(1, 1) as small:
            env = environment(small.owner, store, "small")
            empty = {"backup, read back": run(BACK_UP, env), "restore, compared": run(RESTORE, env)}
        with many_reviews.warehouse_of(asked.movies, asked.reviews) as large:
            size, found = measure(large.owner, store, Path(name))
    table = Table(title=f"{asked.reviews:,} reviews, {size:,.0f} MB of CSV")
    for head in ("task", "seconds", "MB/s", "memory above an empty warehouse"):
        table.add_column(head, justify="left" if head == "task" else "right")
    for task, went in found.items():
        more = f"{went.memory - empty[task].memory:.0f} MiB" if task in empty else ""
        table.add_row(task, f"{went.seconds:.1f}", f"{size / went.seconds:.0f}", more)
    Console().print(table)


if __name__ == "__main__":
    main()
