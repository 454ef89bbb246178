"""Time from publishing a review on the sample site to its row in the mart, through the scheduler.

A whole throwaway stack follows a few movies whose reviews were collected before. A review is
published, `detect_new_reviews` is started, and `mart.reviews` is asked until it is there, and
until it has its scores.

    python benchmarks/bench_freshness.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from sample import SampleSite, sample_site

from filmpulse import local
from filmpulse.local.airflow_rest import AirflowRest

DETECT, RECEPTION = "detect_new_reviews", "movie_reception"
MOVIES, REVIEWS = 3, 60
LIMIT = 90.0  # seconds from the start of detection to the row
STORED = "SELECT count(*) FROM mart.reviews WHERE review_id = %s"
SCORED = f"{STORED} AND overall IS NOT NULL"
NEW = {
    "title": "A quiet wonder",
    "body": "The acting is superb and the music is wonderful. I loved every minute of it.",
    "rating": 9,
}


def detect(airflow: AirflowRest) -> None:
    """Run detection and whatever it starts, to the end."""
    run_id = airflow.trigger(DETECT, {"wait": False})
    if airflow.wait_for_run(DETECT, run_id)["state"] != "success":
        raise SystemExit("Detection failed: see the stack's logs.")
    for run in airflow.runs(RECEPTION):
        if airflow.wait_for_run(RECEPTION, run["dag_run_id"])["state"] != "success":
            raise SystemExit("A collection failed: see the stack's logs.")


def wait_for(stack: local.Stack, query: str, review_id: str, since: float) -> float:
    """Return how long after `since` a review came to answer a query (s)."""
    with psycopg.connect(stack.env["FILMPULSE_WAREHOUSE_URL"], autocommit=True) as connection:
        while connection.execute(query, [review_id]).fetchone() == (0,):
            if time.perf_counter() - since > 600:
                raise SystemExit(f"{review_id} was not there after ten minutes.")
            time.sleep(0.1)
    return time.perf_counter() - since


def time_once(stack: local.Stack, site: SampleSite, airflow: AirflowRest) -> tuple[float, float]:
    """Publish a review; return the seconds from detection's start to its row, and to its scores."""
    published = site.control("publish", imdb_id=site.imdb_ids[0], reviews=[NEW])
    began = time.perf_counter()
    run_id = airflow.trigger(DETECT, {"wait": False})
    (review_id,) = published["ids"]
    seconds = tuple(wait_for(stack, query, review_id, began) for query in (STORED, SCORED))
    airflow.wait_for_run(DETECT, run_id)
    for run in airflow.runs(RECEPTION):
        airflow.wait_for_run(RECEPTION, run["dag_run_id"])
    return seconds[0], seconds[1]


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        root = Path(folder)
        with sample_site(root / "site", MOVIES, REVIEWS) as site:
            settings = {"FILMPULSE_IMDB_URL": site.url, "FILMPULSE_REQUEST_GAP_SECONDS": "0.2"}
            try:
                stack = local.up("bench", root / "var", env=os.environ | settings)
                airflow = AirflowRest(
                    str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password
                )
                for dag_id in (DETECT, RECEPTION):
                    airflow.wait_for_dag(dag_id)
                airflow.set_variable("tracked_movies", json.dumps(site.imdb_ids))
                detect(airflow)
                times = [time_once(stack, site, airflow) for _ in range(args.rounds)]
            finally:
                local.down("bench", root / "var")
    table = Table("from the start of detection", "median", "longest", title="a new review")
    for name, seconds in zip(
        ("to the row in the mart", "to its scores"), zip(*times, strict=True), strict=True
    ):
        table.add_row(name, f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s")
    console = Console()
    console.print(table)
    if max(stored for stored, _ in times) > LIMIT:
        raise SystemExit(f"The row came later than after {LIMIT:.0f} s.")


if __name__ == "__main__":
    main()
