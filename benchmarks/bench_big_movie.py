"""Collect, load and analyse one long movie: reviews a second, and memory of browser and task.

Each job runs in a process of its own, as a task does, with Airflow's task library imported as a
task has it; meanwhile its memory and that of its browser are looked at four times a second. Movies
of three lengths show what grows with the length.

    python benchmarks/bench_big_movie.py [--reviews 500 2000 5000]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from rich.console import Console
from rich.table import Table
from sample import sample_site

from filmpulse.local import ports, postgres
from filmpulse.warehouse.migrate import migrate

JOBS = ("collect", "load", "analyse")
RUN_ID = "bench"


class Measured(NamedTuple):
    """How long a job took, what it gave back, and the most memory seen (MB)."""

    seconds: float
    result: str
    task_mb: float
    browser_mb: float


def run_job(job: str, argument: str) -> None:
    """Do one job in this process, as a task does, and print what it gave back."""
    import airflow.sdk  # noqa: F401 - a task has it in memory, too

    from filmpulse import jobs
    from filmpulse.config import Settings

    context = jobs.Context.from_settings(Settings.from_env())
    if job == "collect":
        jobs.plan([argument], "full", RUN_ID, context)
        (result,) = jobs.collect(argument, "full", RUN_ID, context)
    elif job == "load":
        result = str(jobs.load(argument, context).changed)
    else:
        result = str(jobs.analyse(argument, context).scored)
    print(json.dumps(result))  # read by the parent


def measure(job: str, argument: str, env: dict[str, str]) -> Measured:
    """Run one job in a process of its own and watch its memory."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--job", job, argument]
    process = subprocess.Popen(command, env=os.environ | env, stdout=subprocess.PIPE, text=True)
    watched = psutil.Process(process.pid)
    task = browser = 0.0
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            task = max(task, watched.memory_info().rss / 1e6)
            browser = max(browser, sum(map(own_mb, watched.children(recursive=True))))
        time.sleep(0.25)
    took = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{job} failed.")
    printed = process.stdout.read() if process.stdout else ""
    return Measured(took, json.loads(printed.splitlines()[-1]), task, browser)


def own_mb(process: psutil.Process) -> float:
    """Return a process's memory, shared pages divided among those who share them (MB)."""
    with contextlib.suppress(psutil.Error):
        found = process.memory_full_info()
        return float(getattr(found, "pss", found.rss)) / 1e6
    return 0.0


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, nargs="+", default=[500, 2000, 5000])
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        run_job(*args.job)
        return
    headings = ("reviews", "job", "seconds", "reviews/s", "task, MB", "browser, MB")
    table = Table(*headings, title="one movie")
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        root, password = Path(folder), secrets.token_hex(8)
        with postgres.Throwaway(root, ports.choose(), password) as server:
            server.add_owner("filmpulse", password, "CREATEDB")
            url = postgres.address("filmpulse", password, server.port, "filmpulse")
            migrate(url)
            for count in args.reviews:
                with sample_site(root / f"site-{count}", 1, count) as site:
                    env = {
                        "FILMPULSE_WAREHOUSE_URL": url,
                        "FILMPULSE_LAKE_URL": f"file://{root}/lake-{count}",
                        "FILMPULSE_AUTHOR_SECRET": password,
                        "FILMPULSE_IMDB_URL": site.url,
                        "FILMPULSE_REQUEST_GAP_SECONDS": "0",
                        "AIRFLOW_HOME": str(root / "airflow"),
                    }
                    (imdb_id,) = site.imdb_ids
                    manifest = ""
                    for job in JOBS:
                        found = measure(job, manifest if job == "load" else imdb_id, env)
                        manifest = found.result if job == "collect" else manifest
                        if job == "load" and int(found.result) != count:
                            raise SystemExit(f"{job}: {found.result} of {count}.")
                        table.add_row(
                            f"{count:,}", job, f"{found.seconds:.1f}",
                            f"{count / found.seconds:,.0f}", f"{found.task_mb:.0f}",
                            f"{found.browser_mb:.0f}" if job == "collect" else "",
                        )  # fmt: skip
                with server.connect("filmpulse") as admin:
                    admin.execute("TRUNCATE core.movies, ops.collections, ops.host_state CASCADE")
    Console().print(table)


if __name__ == "__main__":
    main()
