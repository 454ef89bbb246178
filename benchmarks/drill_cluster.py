"""Kill -9 of one part of a cluster at a time, in the middle of a run, and compare the outcome.

The victims are the worker that drives browsers, a scheduler, the Grid's node that has the session,
Redis, and every connection to the primary. Each is killed while a movie is scraped, in a run over
all sample movies that begins with empty tables. The run must end well by itself, and its tables
must equal those of a run that nobody disturbed.

The cluster is throwaway. `make bench` does not run this; `make drills` does.

    python benchmarks/drill_cluster.py [--victims worker redis ...]
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
from drill_crashes import DrillError, _tables
from psycopg import sql

from filmpulse import jobs, local
from filmpulse.config import Settings
from filmpulse.local.airflow_rest import AirflowError, AirflowRest
from filmpulse.local.instance import Install, Instance
from filmpulse.local.running import Running
from filmpulse.local.supervisor import ALIVE
from filmpulse.sample_site import MOVIE_IDS

VICTIMS = ("worker", "scheduler", "node", "redis", "connections")
PATIENCE = 900.0  # seconds for anything that must happen by itself; ends only what hangs
RECEPTION = "movie_reception"
# What the lexicon learns of grades, and so the score of the whole, depends on which movies were
# there when a movie was scored.
BY_ORDER = {
    ("calibrations", "cuts"),
    ("calibrations", "rated_reviews"),
    ("review_analyses", "overall"),
}
RUNNING_ON = {"worker": "worker-browser", "scheduler": "scheduler-1", "redis": "redis"}


@dataclass(frozen=True)
class Outcome:
    """What followed a kill, in seconds since then; None where there is no such thing."""

    victim: str
    started_again: float | None  # the supervisor has started the part anew
    whole: float  # every part works again
    missed: float | None  # Airflow has missed a task, which it will try again
    ended: float  # the run ended, well
    tries: int  # of all tasks, beyond one each


class Drill:
    """One cluster, killed in parts."""

    def __init__(self, root: Path, say: Callable[[str], None] = print) -> None:
        """Start the cluster; `close` stops it."""
        self._root, self._say = root, say
        self.stack = local.up("drill", root, sample_site=True, cluster=True, without=["superset"])
        instance = Instance.at("drill", root)
        install = Install.load(instance)
        assert install is not None
        self._running = Running(instance, install)
        self._airflow = AirflowRest(
            str(self.stack.urls["airflow"]), self.stack.airflow_user, self.stack.airflow_password
        )
        self._airflow.wait_for_dag(RECEPTION)
        self._pause_all_but_reception()

    def close(self) -> None:
        """Stop the cluster."""
        local.down("drill", self._root)

    def undisturbed(self) -> float:
        """Run in peace, and keep the tables to compare by; return the run's seconds."""
        began = time.monotonic()
        self._end(self._begin())
        took = time.monotonic() - began
        self._twin = self._rows()
        self._say(f"undisturbed: {took:.0f} s")
        return took

    def run(self, victim: str) -> Outcome:
        """Run, kill a victim in the middle of a scrape, and compare the tables.

        Raises:
            DrillError: The run did not end well, or its tables differ.
        """
        self._slow(4.0)
        run_id = self._begin()
        self._until(lambda: self._is_scraping(run_id), "a scrape began")
        before = self._processes()
        part = self._kill(victim)
        killed_at = time.monotonic()
        self._slow(None)
        seen: dict[str, float] = {}

        def note(what: str, holds: Callable[[], bool]) -> None:
            with suppress(httpx.HTTPError, AirflowError):
                if what not in seen and holds():
                    seen[what] = time.monotonic() - killed_at

        while "ended" not in seen or "whole" not in seen:
            if time.monotonic() > killed_at + PATIENCE:
                raise DrillError(f"{victim}: after {PATIENCE:.0f} s seen only {seen}")
            if part is not None:
                note("started", lambda: self._processes()[part] not in (0, before[part]))
            if part is None or "started" in seen:
                note("whole", self._is_whole)
            note("missed", lambda: self._has_missed(run_id))
            note("ended", lambda: self._has_ended(run_id))
            time.sleep(0.3)
        self._end(run_id)
        self._compare(victim)
        outcome = Outcome(
            victim, seen.get("started"), seen["whole"], seen.get("missed"), seen["ended"],
            self._tries(run_id),
        )  # fmt: skip
        self._say(str(outcome))
        return outcome

    def _pause_all_but_reception(self) -> None:
        """Keep every other DAG from working in the tables that are compared.

        What a new instance starts by itself must end first: a paused DAG ends no run.
        """
        self._until(lambda: not self._others_at_work(), "other runs ended")
        for dag in self._airflow.call("GET", "/dags")["dags"]:
            if dag["dag_id"] != RECEPTION:
                self._airflow.call("PATCH", f"/dags/{dag['dag_id']}", json={"is_paused": True})

    def _others_at_work(self) -> bool:
        dags = [dag["dag_id"] for dag in self._airflow.call("GET", "/dags")["dags"]]
        return any(
            run["state"] in ("queued", "running")
            for dag_id in dags
            if dag_id != RECEPTION
            for run in self._airflow.runs(dag_id)
        )

    def _begin(self) -> str:
        """Empty the warehouse's tables and start a run over all sample movies."""
        with psycopg.connect(self.stack.env["FILMPULSE_WAREHOUSE_URL"]) as connection:
            names = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('core', 'ops') "
                "AND tablename NOT LIKE 'catalogue%'"
            ).fetchall()
            tables = sql.SQL(", ").join(sql.Identifier(*name) for name in names)
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))
        return self._airflow.trigger(RECEPTION, {"imdb_ids": list(MOVIE_IDS), "mode": "full"})

    def _end(self, run_id: str) -> None:
        run = self._airflow.wait_for_run(RECEPTION, run_id, timeout=PATIENCE)
        if run["state"] != "success":
            states = [(t["task_id"], t["map_index"], t["state"]) for t in self._tasks(run_id)]
            raise DrillError(f"{run_id} {run['state']}: {states}")

    def _has_ended(self, run_id: str) -> bool:
        return self._airflow.run(RECEPTION, run_id)["state"] not in ("queued", "running")

    def _tasks(self, run_id: str) -> list[dict[str, Any]]:
        return list(self._airflow.tasks(RECEPTION, run_id))

    def _tries(self, run_id: str) -> int:
        return sum(max(task["try_number"] - 1, 0) for task in self._tasks(run_id))

    def _has_missed(self, run_id: str) -> bool:
        return any(t["state"] == "up_for_retry" or t["try_number"] > 1 for t in self._tasks(run_id))

    def _is_scraping(self, run_id: str) -> bool:
        at_work = [t["task_id"] for t in self._tasks(run_id) if t["state"] == "running"]
        # The first page was asked for: the browser is there.
        return "per_movie.scrape" in at_work and self._session_node() is not None

    def _slow(self, seconds: float | None) -> None:
        """Make the site answer slowly for every movie, or as ever."""
        for imdb_id in MOVIE_IDS:
            httpx.post(
                f"{self.stack.urls['sample_site']}/_control/switch",
                json={"name": "slow", "imdb_id": imdb_id, "value": seconds},
                headers={"X-Control-Token": self.stack.env["FILMPULSE_SAMPLE_SITE_TOKEN"]},
                timeout=60,
                trust_env=False,
            ).raise_for_status()

    def _processes(self) -> dict[str, int]:
        """Return the process of each part, 0 for one that does not run."""
        states = self._running.supervisor.states() or {}
        alive = {n: i["pid"] if i["statename"] in ALIVE else 0 for n, i in states.items()}
        return dict.fromkeys(self._running.parts, 0) | alive

    def _is_whole(self) -> bool:
        states = self._running.supervisor.states() or {}
        return all(
            states[name]["statename"] in ALIVE and part.is_healthy(states[name]["start"])
            for name, part in self._running.parts.items()
        )

    def _session_node(self) -> str | None:
        """Return the part that has a browser with a page: a node of the Grid, else the worker."""
        for name, pid in self._processes().items():
            if pid and name.startswith(("grid-node", "worker-browser")):
                with suppress(psutil.Error):
                    for process in psutil.Process(pid).children(recursive=True):
                        if "--type=renderer" in process.cmdline():
                            return name
        return None

    def _kill(self, victim: str) -> str | None:
        """Kill a victim; return the part that it was, None if it was none of ours."""
        if victim == "connections":
            with self._running.machine.postgres.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
            return None
        name = RUNNING_ON.get(victim) or self._session_node()
        assert name is not None
        os.kill(self._processes()[name], signal.SIGKILL)
        return name

    def _until(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise DrillError(f"Not seen within {PATIENCE:.0f} s: {what}.")
            time.sleep(0.2)

    def _rows(self) -> dict[str, list[str]]:
        """Read the tables, but for what depends on the order in which movies were scored."""
        found = _tables(self.stack.env, BY_ORDER)
        found["score_counts"] = [r for r in found["score_counts"] if "('position', 0)" not in r]
        del found["grade_counts"]  # of each grade and score of the whole
        return found

    def _compare(self, victim: str) -> None:
        ours = self._rows()
        for name in ours.keys() | self._twin.keys():
            mine, twin = ours.get(name, []), self._twin.get(name, [])
            if mine != twin:
                extra = [row for row in mine if row not in twin][:2]
                lost = [row for row in twin if row not in mine][:2]
                raise DrillError(
                    f"{victim}: {name} has {len(mine)} rows for {len(twin)}; only here {extra}, "
                    f"missing {lost}"
                )
        if wrong := jobs.recount(jobs.Context.from_settings(Settings.from_env(self.stack.env))):
            raise DrillError(f"{victim}: the figures of {', '.join(wrong)} are not those of rows.")


def main() -> None:
    """Run the drill and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=VICTIMS)
    args = parser.parse_args()
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="filmpulse-drill-") as folder:
        drill = None
        try:
            drill = Drill(Path(folder), console.print)
            calm = drill.undisturbed()
            outcomes = [drill.run(victim) for victim in args.victims]
        finally:
            local.down("drill", Path(folder))
    table = Table(
        *("killed", "started again", "all works", "task missed", "run ended", "more tries"),
        title=f"seconds after the kill; undisturbed, a run takes {calm:.0f}",
    )
    for one in outcomes:
        figures = (one.started_again, one.whole, one.missed, one.ended)
        table.add_row(
            one.victim, *("" if f is None else f"{f:.0f}" for f in figures), str(one.tries)
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
