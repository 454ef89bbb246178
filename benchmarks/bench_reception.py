"""Time `movie_reception` over 50 movies through Airflow's real scheduler, and DAG parsing.

A whole throwaway stack is started beside a sample site with 50 extra movies of 10 reviews each.
Of the run's wall clock the part that browsers worked is told apart, from the ledger's own times.

    python benchmarks/bench_reception.py [--movies 50 --reviews 10]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from sample import options, sample_site

from filmpulse import local
from filmpulse.local.airflow_rest import AirflowRest

DAGS = Path(__file__).resolve().parent.parent / "dags"
console = Console()


def run(stack: local.Stack, imdb_ids: list[str]) -> float:
    """Run `movie_reception` by REST; return its wall clock in seconds."""
    airflow = AirflowRest(str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password)
    airflow.wait_for_dag("movie_reception")
    began = time.perf_counter()
    run_id = airflow.trigger("movie_reception", {"imdb_ids": imdb_ids, "mode": "full"})
    ended = airflow.wait_for_run("movie_reception", run_id, timeout=3600)
    took = time.perf_counter() - began
    if ended["state"] != "success":
        raise SystemExit("The run failed: see the stack's logs.")
    return took


def browsing_seconds(stack: local.Stack) -> float:
    """Sum the time between start and end of scraping over all collections."""
    with psycopg.connect(stack.env["FILMPULSE_WAREHOUSE_URL"]) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM sum(finished_at - started_at))::float8 FROM ops.collections"
        ).fetchone()
    return float(row[0]) if row else 0.0


def parse_times(stack: local.Stack) -> dict[str, float]:
    """Parse each DAG file in a process of its own; milliseconds beyond importing Airflow."""
    script = (
        "import sys, time; from airflow.dag_processing.dagbag import DagBag;"
        "import filmpulse.airflow_bridge; t = time.perf_counter();"
        "bag = DagBag(dag_folder=sys.argv[1]); took = time.perf_counter() - t;"
        "assert bag.dags and not bag.import_errors; print(took * 1000)"
    )
    env = os.environ | stack.env
    return {
        file.stem: float(
            subprocess.run(
                [sys.executable, "-c", script, str(file)],
                env=env, capture_output=True, text=True, check=True,
            ).stdout.split()[-1]
        )
        for file in sorted(DAGS.glob("*.py"))
    }  # fmt: skip


def main() -> None:
    """Run the benchmark and print its table."""
    args = options(__doc__, movies=50)
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        root = Path(folder)
        with sample_site(root / "site", args.movies, args.reviews) as site:
            settings = {"FILMPULSE_IMDB_URL": site.url, "FILMPULSE_REQUEST_GAP_SECONDS": "0"}
            try:
                stack = local.up("bench", root / "var", env=os.environ | settings)
                took = run(stack, list(site.imdb_ids))
                browsing = browsing_seconds(stack)
                parsing = parse_times(stack)
            finally:
                local.down("bench", root / "var")
    table = Table("what", "figure", title=f"movie_reception, {args.movies} movies")
    table.add_row("wall clock", f"{took:.1f} s")
    table.add_row("of it scraping (browser, one at a time)", f"{browsing:.1f} s")
    table.add_row("beyond scraping, a movie", f"{(took - browsing) / args.movies:.2f} s")
    for name, milliseconds in parsing.items():
        table.add_row(f"parse dags/{name}.py", f"{milliseconds:.0f} ms")
    console.print(table)


if __name__ == "__main__":
    main()
