"""One whole stack for all end-to-end tests, driven as a person would: REST, Variable, CLI."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from filmpulse.local import Stack
from filmpulse.local.airflow_rest import AirflowRest, Run


class Airflow(AirflowRest):
    """Airflow's own REST API, with what the tests ask of it."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password)
        self._told: set[str] = set()
        for dag_id in ("detect_new_reviews", "movie_reception"):
            self.wait_for_dag(dag_id)

    def track(self, *entries: Any) -> None:
        """Set the Variable as a person would."""
        self.set_variable("tracked_movies", json.dumps(entries))

    def run_to_end(self, dag_id: str, **conf: Any) -> Run:
        """Run a DAG by hand and wait for its end."""
        return self.wait_for_run(dag_id, self.trigger(dag_id, conf))

    def tasks_of(self, run: Run) -> list[dict[str, Any]]:
        """List the task instances of a run."""
        return self.tasks(run["dag_id"], run["dag_run_id"])

    def states(self, run: Run) -> dict[str, list[str]]:
        """Map each task to the states of its instances."""
        found: dict[str, list[str]] = {}
        for task in self.tasks_of(run):
            found.setdefault(task["task_id"], []).append(task["state"])
        return {name: sorted(states) for name, states in found.items()}

    def log(self, run: Run, task_id: str, map_index: int = -1) -> str:
        """Read the log of a task's last try."""
        path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances/{task_id}"
        task = next(
            t for t in self.tasks_of(run) if t["task_id"] == task_id and t["map_index"] == map_index
        )
        params = {"map_index": map_index}
        answer = self.call("GET", f"{path}/logs/{task['try_number']}", params=params)
        return json.dumps(answer["content"], ensure_ascii=False)

    def detected_receptions(self) -> list[Run]:
        """List the runs of movie_reception that the detector started, oldest first."""
        runs = self.runs("movie_reception")
        return [run for run in runs if run["dag_run_id"].startswith("detected__")]

    def detect(self) -> tuple[Run, list[Run]]:
        """Run the detector by hand; wait for what was triggered since the last call."""
        detected = self.run_to_end("detect_new_reviews", wait=False)
        # Also what the hourly run started, should the hour strike in mid-test.
        started = [r for r in self.detected_receptions() if r["dag_run_id"] not in self._told]
        self._told |= {r["dag_run_id"] for r in started}
        return detected, [self.wait_for_run("movie_reception", r["dag_run_id"]) for r in started]


class Warehouse:
    """Reads the warehouse of the stack."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.env["FILMPULSE_WAREHOUSE_URL"]

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Run one statement."""
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


class Site:
    """The controls of the stack's sample site."""

    def __init__(self, stack: Stack) -> None:
        self._client = httpx.Client(
            base_url=f"{stack.urls['sample_site']}/_control/",
            headers={"X-Control-Token": stack.env["FILMPULSE_SAMPLE_SITE_TOKEN"]},
            timeout=120,
            trust_env=False,
        )

    def control(self, action: str, /, **values: Any) -> Any:
        """Use one control."""
        answer = self._client.post(action, json=values)
        assert answer.is_success, answer.text
        return answer.json()

    def counts(self) -> dict[str, int]:
        """Say how many reviews each movie has."""
        movies = self._client.get("state").json()["movies"]
        return {movie["imdb_id"]: movie["reviews"] for movie in movies}


class Shell:
    """A person's shell after `source env.sh`."""

    def __init__(self, stack: Stack) -> None:
        self._script = stack.dir / "env.sh"

    def __call__(
        self, command: str, seconds: float = 300, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one command."""
        exports = "".join(f"export {name}='{value}'; " for name, value in env.items())
        return subprocess.run(
            ["bash", "-c", f"source '{self._script}'; {exports}{command}"],
            capture_output=True, text=True, timeout=seconds, check=False,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        )  # fmt: skip


@pytest.fixture(scope="session")
def airflow(stack: Stack) -> Airflow:
    """Airflow of the stack, once it has read the DAG files."""
    return Airflow(stack)


@pytest.fixture(scope="session")
def warehouse(stack: Stack) -> Warehouse:
    """The warehouse of the stack."""
    return Warehouse(stack)


@pytest.fixture(scope="session")
def site(stack: Stack) -> Site:
    """The sample site of the stack."""
    return Site(stack)


@pytest.fixture(scope="session")
def shell(stack: Stack) -> Shell:
    """A shell with the stack's environment."""
    return Shell(stack)
