r"""Load 7 million generated rows of title.principals, against `zcat | psql \copy`, in turns.

Both fill an empty table without keys on one throwaway Postgres, from one file on disk; ours is the
time that the ledger notes. Then the memory of the process that loads, the swap of a whole small
catalogue as a reader sees it who reads without a pause, and a run in which nothing changed.

    python benchmarks/bench_catalogue.py [--titles 890000 --rounds 3]
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
from rich.console import Console

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.local import ports, postgres
from filmpulse.sample_site import datasets
from filmpulse.warehouse.migrate import migrate

BIG = "title.principals"
COPY = "\\copy plain FROM STDIN (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\x01', NULL '\\N', HEADER)"
LOAD = """
import re, sys
from pathlib import Path
from filmpulse import jobs
from filmpulse.config import Settings
context = jobs.Context.from_settings(Settings.from_env())
told = Path("/proc/self/status")
memory = lambda name: int(re.search(name + r":\\s+(\\d+)", told.read_text())[1])
jobs.catalogue_status(context)
before = memory("VmRSS")
loaded = jobs.load_dataset(sys.argv[1], "bench", context)
print(loaded.rows, loaded.seconds, (memory("VmHWM") - before) / 1024, memory("VmHWM") / 1024)
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def warehouse(folder: Path, base_url: str) -> Iterator[jobs.Context]:
    """Give a warehouse in which the terms are accepted."""
    (folder / "postgres").mkdir()
    with postgres.Throwaway(folder / "postgres", ports.choose(), secrets.token_hex(8)) as server:
        password = secrets.token_hex(8)
        server.add_owner("filmpulse", password, "CREATEROLE", "CREATEDB")
        url = postgres.address("filmpulse", password, server.port, "filmpulse")
        migrate(url)
        settings = Settings(
            warehouse_url=url, lake_url=(folder / "lake").as_uri(), catalogue_url=base_url,
            catalogue_dir=folder / "downloads",
        )  # fmt: skip
        context = jobs.Context.from_settings(settings)
        jobs.accept_catalogue("all", context)
        yield context


def by_psql(context: jobs.Context, file: Path) -> float:
    """Load the file as `zcat | psql` does; return the seconds."""
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("DROP TABLE IF EXISTS plain")
        connection.execute("CREATE TABLE plain (LIKE catalogue_live.title_principals)")
    psql = postgres.all_binaries()[0].bin / "psql"
    command = f'zcat "$1" | "$2" -X -q -v ON_ERROR_STOP=1 "$3" -c "{COPY}"'
    began = time.monotonic()
    subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, "-", file, psql, context.warehouse.url],
        check=True,
    )  # fmt: skip
    took = time.monotonic() - began
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("DROP TABLE plain")
    return took


def by_us(context: jobs.Context) -> tuple[int, float, float, float]:
    """Load the file as a task does; return rows, seconds, MB more than before, and the peak."""
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("DELETE FROM ops.catalogue_loads")
    jobs.plan_catalogue("bench", context)
    env = os.environ | {
        "FILMPULSE_WAREHOUSE_URL": context.warehouse.url,
        "FILMPULSE_LAKE_URL": context.settings.lake_url or "",
        "FILMPULSE_CATALOGUE_URL": context.settings.catalogue_url,
        "FILMPULSE_CATALOGUE_DIR": str(context.settings.catalogue_dir),
    }
    said = subprocess.run(
        [sys.executable, "-c", LOAD, BIG], env=env, check=True, capture_output=True, text=True
    ).stdout.split()
    return int(said[0]), float(said[1]), float(said[2]), float(said[3])


def waits(url: str, stop: threading.Event, into: list[float]) -> None:
    """Read a view without a pause; note how long each answer took, in seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            began = time.monotonic()
            connection.execute("SELECT FROM catalogue.title_ratings LIMIT 1")
            into.append(time.monotonic() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--titles", type=int, default=890_000, help="about 8 rows each")
    parser.add_argument("--rounds", type=int, default=3)
    asked, out = parser.parse_args(), Console(soft_wrap=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = folder / "files"
        files.mkdir()
        datasets.write(files, 2_000, 7)
        file = datasets.write_one(files, BIG, asked.titles, 7)
        with served(files) as base_url, warehouse(folder, base_url) as context:
            theirs, ours = [], []
            for _ in range(asked.rounds):
                theirs.append(by_psql(context, file))
                ours.append(by_us(context))
            _print_rates(out, theirs, ours)
            datasets.write(files, 2_000, 7)
            _print_swap(out, context)


def _print_rates(
    out: Console, theirs: list[float], ours: list[tuple[int, float, float, float]]
) -> None:
    rows = ours[0][0]
    slow, quick = statistics.median(theirs), statistics.median(one[1] for one in ours)
    out.print(f"{rows:,} rows of {BIG}, medians of {len(ours)} rounds")
    out.print(f"  zcat | psql \\copy   {rows / slow:12,.0f} rows/s")
    out.print(f"  ours                {rows / quick:12,.0f} rows/s: {slow / quick:.2f} of it")
    out.print(
        f"  our memory: {max(one[2] for one in ours):.0f} MB more than before the load, "
        f"{max(one[3] for one in ours):.0f} MB in all"
    )


def _print_swap(out: Console, context: jobs.Context) -> None:
    jobs.refresh_catalogue("first", context)
    stop, took = threading.Event(), list[float]()
    reader = threading.Thread(target=waits, args=(context.warehouse.url, stop, took))
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("DELETE FROM ops.catalogue_loads")
    reader.start()
    jobs.refresh_catalogue("second", context)
    stop.set()
    reader.join()
    out.print(
        f"swap: of {len(took):,} readings of a view during a load and its swap the median took "
        f"{statistics.median(took) * 1e3:.1f} ms, the longest {max(took) * 1e3:.1f} ms"
    )
    began = time.monotonic()
    plan = jobs.refresh_catalogue("third", context)
    assert not plan.datasets, plan
    out.print(f"a run in which nothing changed: {time.monotonic() - began:.2f} s")


if __name__ == "__main__":
    main()
