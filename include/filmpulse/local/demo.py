"""The demo: collects the sample movies by Airflow's scheduler, and shows their reception."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from typing import Any

from rich.console import Console

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.local.airflow_rest import AirflowError, AirflowRest
from filmpulse.local.instance import Stack
from filmpulse.local.welcome import addresses

DETECT, RECEPTION, CATALOGUE = "detect_new_reviews", "movie_reception", "refresh_catalogue"
TRACKED = "tracked_movies"
DONE = ("success", "failed", "skipped", "upstream_failed", "removed")  # states of finished tasks


def collect(stack: Stack, console: Console) -> None:
    """Detect, collect and score the sample movies.

    Repeatable: a movie without news is not collected again. If the Variable `tracked_movies` lists
    movies already, it stays as it is.

    Args:
        stack: An instance with the sample site, whose Airflow runs.
        console: Shows the progress.

    Raises:
        AirflowError: A run failed, or did not end in ten minutes.
    """
    airflow = _airflow(stack)
    count = len(_tracked(airflow))
    console.print(f"Airflow looks for news of {count} movies, and collects what it finds:")
    for dag_id in (DETECT, RECEPTION):
        airflow.wait_for_dag(dag_id)
    began = time.monotonic()
    detection = airflow.trigger(DETECT, {"wait": False})
    triggered_at = airflow.run(DETECT, detection)["run_after"]
    _wait(airflow, DETECT, detection, console)
    # The runs that this detection triggered, and those of an hourly detection before it.
    receptions = [
        run["dag_run_id"]
        for run in airflow.runs(RECEPTION)
        if run["run_after"] >= triggered_at or run["state"] in ("queued", "running")
    ]
    for run_id in receptions:
        _wait(airflow, RECEPTION, run_id, console)
    what = "done" if receptions else "no news: nothing had to be collected"
    console.print(f"  {what}, after {time.monotonic() - began:.0f} s", highlight=False)


def load_catalogue(stack: Stack, console: Console) -> None:
    """Load the sample site's datasets, which are invented, so that nobody need accept terms.

    Repeatable: what did not change is not loaded again.

    Raises:
        AirflowError: The run failed, or did not end in ten minutes.
    """
    from filmpulse import jobs

    context = jobs.Context.from_settings(Settings.from_env(stack.env))
    if jobs.catalogue_status(context).subset is None:
        jobs.accept_catalogue("all", context)
    airflow, began = _airflow(stack), time.monotonic()
    airflow.wait_for_dag(CATALOGUE)
    _wait(airflow, CATALOGUE, airflow.trigger(CATALOGUE, {}), console)
    status = jobs.catalogue_status(context)
    people = sum(load.rows_kept or 0 for load in status.shown if load.dataset == "name.basics")
    console.print(
        f"The catalogue holds {status.titles:,} titles and {people:,} people, after "
        f"{time.monotonic() - began:.0f} s; `filmpulse search` finds them",
        highlight=False,
    )


def show(stack: Stack, console: Console) -> None:
    """Show each movie's reception, the addresses, and what to do next."""
    from filmpulse import jobs
    from filmpulse.report import print_summary

    console.print()
    context = jobs.Context.from_settings(Settings.from_env(stack.env))
    for imdb_id in _tracked(_airflow(stack)):
        try:
            print_summary(jobs.summary(imdb_id, context), console)
        except BadInput as error:  # somebody tracks it, and it was never collected
            console.print(str(error), highlight=False)
        console.print()
    console.print(_WHAT_NOW.format(addresses=addresses(stack)), soft_wrap=True, highlight=False)


def _airflow(stack: Stack) -> AirflowRest:
    return AirflowRest(str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password)


def _tracked(airflow: AirflowRest) -> list[str]:
    """Return the tracked movies; if there are none, track the sample movies."""
    from filmpulse.jobs import read_tracked
    from filmpulse.sample_site import MOVIE_IDS

    tracked = read_tracked(airflow.variable(TRACKED) or "[]").imdb_ids
    if tracked:
        return list(tracked)
    airflow.set_variable(TRACKED, json.dumps(list(MOVIE_IDS)))
    return list(MOVIE_IDS)


def _wait(airflow: AirflowRest, dag_id: str, run_id: str, console: Console) -> None:
    """Wait for a run, and print a line whenever more of its tasks are done.

    Raises:
        AirflowError: The run failed, or did not end in ten minutes.
    """
    said = (0, 0)

    def tell(tasks: list[dict[str, Any]]) -> None:
        nonlocal said
        count = sum(task["state"] in DONE for task in tasks), len(tasks)
        if count != said:
            console.print(f"  {dag_id}: {count[0]} of {count[1]} tasks done", highlight=False)
            said = count

    with console.status(dag_id) if console.is_terminal else nullcontext():
        run = airflow.wait_for_run(dag_id, run_id, watch=tell)
    if run["state"] != "success":
        failed = {t["task_id"] for t in airflow.tasks(dag_id, run_id) if t["state"] == "failed"}
        raise AirflowError(
            f"{dag_id} failed in {', '.join(sorted(failed))}. Open the run {run_id} in Airflow, "
            "and the log of that task in it."
        )


_WHAT_NOW = """\
[bold]Look around[/bold]
{addresses}
               then: filmpulse summary tt..., airflow ..., psql

[bold]Now your own film[/bold]
  One page     open the film's reviews page in your browser, save it (Ctrl-S), then
               filmpulse inbox add saved-page.html && filmpulse inbox load
               filmpulse summary tt...       the id is in the address of the film's page
  Followed     make up                       starts your own, empty instance
               source var/main/env.sh
               filmpulse movies add tt...
               Reading a live site is off until you switch it on: see "From the demo to your
               own films" in the README, IMDb's conditions included.

  make status  how all parts are     make down  stop everything     make clean  remove everything"""
