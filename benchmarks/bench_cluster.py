"""Send 200 movies through one machine and through a cluster: tasks a second, overhead, sizes.

The same run of `movie_reception` on two throwaway instances, one after the other, beside a sample
site with so many extra movies of 10 reviews each. One movie is scraped at a time in both; what
differs is how a task reaches its worker. Memory is that of each part right after the run; Airflow's
database is measured before and after the run.

    python benchmarks/bench_cluster.py [--movies 200 --reviews 10]
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from bench_reception import browsing_seconds, run
from rich.console import Console
from rich.table import Table
from sample import options, sample_site

from filmpulse import local
from filmpulse.local.airflow_rest import AirflowRest

console = Console()


@dataclass(frozen=True)
class Measured:
    """What one instance needed."""

    seconds: float  # wall clock
    browsing: float  # of it, with a page under way
    tasks: int
    grown: int  # bytes of Airflow's database
    memory: dict[str, float]  # MiB of each part, by its title


def measure(root: Path, imdb_ids: list[str], site_url: str, *, cluster: bool) -> Measured:
    """Start an instance, run all movies through it, and stop it."""
    name = "cluster" if cluster else "machine"
    settings = {"FILMPULSE_IMDB_URL": site_url, "FILMPULSE_REQUEST_GAP_SECONDS": "0"}
    try:
        stack = local.up(
            name, root, cluster=cluster, without=["superset"], env=os.environ | settings
        )
        before = database_bytes(stack)
        seconds = run(stack, imdb_ids)
        airflow = AirflowRest(
            str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password
        )
        (reception,) = airflow.runs("movie_reception")
        tasks = len(airflow.tasks("movie_reception", reception["dag_run_id"]))
        memory = {part.title: part.memory.bytes / 2**20 for part in local.status(name, root)}
        grown = database_bytes(stack) - before
        return Measured(seconds, browsing_seconds(stack), tasks, grown, memory)
    finally:
        local.down(name, root)


def database_bytes(stack: local.Stack) -> int:
    """Return the size of Airflow's database."""
    url = stack.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Run the benchmark and print its tables."""
    args = options(__doc__, movies=200)
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        root = Path(folder)
        with sample_site(root / "site", args.movies, args.reviews) as site:
            ids = list(site.imdb_ids)
            alone = measure(root / "var", ids, site.url, cluster=False)
            many = measure(root / "var", ids, site.url, cluster=True)
    both = (alone, many)
    table = Table("what", "one machine", "cluster", title=f"movie_reception, {args.movies} movies")
    table.add_row("wall clock", *(f"{one.seconds:.0f} s" for one in both))
    table.add_row("of it scraping (one at a time)", *(f"{one.browsing:.0f} s" for one in both))
    table.add_row("tasks a second", *(f"{one.tasks / one.seconds:.2f}" for one in both))
    overhead = [(one.seconds - one.browsing) / args.movies for one in both]
    table.add_row("beyond scraping, a movie", *(f"{seconds:.2f} s" for seconds in overhead))
    kilobytes = (f"{one.grown / one.tasks / 1000:.1f} kB" for one in both)
    table.add_row("Airflow's database, a task", *kilobytes)
    console.print(table)
    table = Table("part", "one machine", "cluster", title="memory (PSS), MiB")
    for title in {**alone.memory, **many.memory}:
        figures = (one.memory.get(title) for one in both)
        table.add_row(title, *("" if one is None else f"{one:.0f}" for one in figures))
    table.add_row("all", *(f"{sum(one.memory.values()):.0f}" for one in both))
    console.print(table)


if __name__ == "__main__":
    main()
