"""The demo: the sample movies, through Airflow's real scheduler, to how they are received."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from filmpulse.config import Settings
from filmpulse.local.airflow_rest import AirflowError, AirflowRest
from filmpulse.local.instance import Stack
from filmpulse.local.welcome import addresses

DETECT, RECEPTION = "detect_new_reviews", "movie_reception"
TRACKED = "tracked_movies"


def collect(stack: Stack, console: Console) -> None:
    """Detect, collect and score the sample movies.

    Repeatable: what has no news since is not collected again. An own list of movies in the
    Variable `tracked_movies` is left as it is.

    Args:
        stack: An instance with the sample site, whose Airflow runs.
        console: Where to tell how it goes.

    Raises:
        AirflowError: A run failed, or did not end in ten minutes.
    """
    airflow = _airflow(stack)
    count = len(_tracked(airflow))
    console.print(f"Airflow looks for news of {count} movies, and collects what it finds:")
    _detect_and_collect(airflow, console)


def show(stack: Stack, console: Console) -> None:
    """Show each movie's reception, the ways in, and what to do next."""
    from filmpulse import jobs
    from filmpulse.report import print_summary

    console.print()
    context = jobs.Context.from_settings(Settings.from_env(stack.env))
    for imdb_id in _tracked(_airflow(stack)):
        print_summary(jobs.summary(imdb_id, context), console)
        console.print()
    console.print(_WHAT_NOW.format(addresses=addresses(stack)), soft_wrap=True, highlight=False)


def _airflow(stack: Stack) -> AirflowRest:
    return AirflowRest(str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password)


def _tracked(airflow: AirflowRest) -> list[str]:
    from filmpulse.jobs import read_tracked
    from filmpulse.sample_site import MOVIE_IDS

    tracked = read_tracked(airflow.variable(TRACKED) or "[]").imdb_ids
    if tracked:
        return list(tracked)
    airflow.set_variable(TRACKED, json.dumps(list(MOVIE_IDS)))
    return list(MOVIE_IDS)


def _detect_and_collect(airflow: AirflowRest, console: Console) -> None:
    for dag_id in (DETECT, RECEPTION):
        airflow.wait_for_dag(dag_id)
    began = time.monotonic()
    detection = airflow.trigger(DETECT, {"wait": False})
    triggered_at = airflow.run(DETECT, detection)["run_after"]
    with _watching(console, DETECT) as watch:
        _wait(airflow, DETECT, detection, watch)
    # Those that it triggered, and those of an hourly detection that came first.
    receptions = [
        run
        for run in airflow.runs(RECEPTION)
        if run["run_after"] >= triggered_at or run["state"] in ("queued", "running")
    ]
    for reception in receptions:
        with _watching(console, RECEPTION) as watch:
            _wait(airflow, RECEPTION, reception["dag_run_id"], watch)
    what = "done" if receptions else "no news: nothing had to be collected"
    console.print(f"  {what}, after {time.monotonic() - began:.0f} s", highlight=False)


def _wait(airflow: AirflowRest, dag_id: str, run_id: str, watch: Callable[[Any], None]) -> None:
    run = airflow.wait_for_run(dag_id, run_id, watch=watch)
    if run["state"] != "success":
        ill = sorted(
            {t["task_id"] for t in airflow.tasks(dag_id, run_id) if t["state"] == "failed"}
        )
        raise AirflowError(
            f"{dag_id} failed in {', '.join(ill)}. Open the run {run_id} in Airflow, and the log "
            "of that task in it."
        )


@contextmanager
def _watching(console: Console, dag_id: str) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Show one run's tasks: a moving bar in a terminal, else a line when something changed."""
    if not console.is_terminal:
        said = (0, 0)

        def tell(tasks: list[dict[str, Any]]) -> None:
            nonlocal said
            count = (_count(tasks), len(tasks))
            if count != said:
                console.print(f"  {dag_id}: {count[0]} of {count[1]} tasks done", highlight=False)
                said = count

        yield tell
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}[dim]{task.fields[doing]}[/dim]"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"{dag_id:<20}", total=1, doing="")
        yield lambda tasks: progress.update(
            bar, total=len(tasks), completed=_count(tasks), doing=_doing(tasks)
        )


def _count(tasks: list[dict[str, Any]]) -> int:
    return sum(
        t["state"] in ("success", "failed", "skipped", "upstream_failed", "removed") for t in tasks
    )


def _doing(tasks: list[dict[str, Any]]) -> str:
    """Name what runs now: `  scrape The Lantern Keeper`."""
    for task in tasks:
        if task["state"] == "running":
            # Until the task has said which movie it is about, its label is its index.
            label = task.get("rendered_map_index") or ""
            name = task["task_id"].rpartition(".")[2]
            return f"  {name} {escape(label) if not label.isdigit() else ''}"
    return ""


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
