"""One whole stack for all end-to-end tests, driven as a person would: REST, Variable, CLI."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from filmpulse.local import Stack

DONE = {"success", "failed"}


class Airflow:
    """Airflow's own REST API, logged in."""

    def __init__(self, stack: Stack) -> None:
        self._told: set[str] = set()
        url = stack.urls["airflow"]
        assert url is not None
        answer = httpx.post(
            f"{url}/auth/token",
            json={"username": stack.airflow_user, "password": stack.airflow_password},
            trust_env=False,
        )
        self._client = httpx.Client(
            base_url=f"{url}/api/v2/",
            headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
            timeout=60,
            trust_env=False,
        )

    def get(self, path: str, **params: Any) -> Any:
        """Read JSON."""
        answer = self._client.get(path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    def track(self, *entries: Any) -> None:
        """Set the Variable as a person would."""
        body = {"key": "tracked_movies", "value": json.dumps(entries)}
        answer = self._client.patch("variables/tracked_movies", json=body)
        assert answer.is_success, answer.text

    def trigger(self, dag_id: str, **conf: Any) -> httpx.Response:
        """Ask for a run by hand."""
        body = {"logical_date": None, "conf": conf}
        return self._client.post(f"dags/{dag_id}/dagRuns", json=body)

    def run(self, dag_id: str, **conf: Any) -> dict[str, Any]:
        """Run a DAG by hand and wait for its end."""
        answer = self.trigger(dag_id, **conf)
        assert answer.is_success, answer.text
        return self.wait(dag_id, answer.json()["dag_run_id"])

    def wait(self, dag_id: str, run_id: str, seconds: float = 300) -> dict[str, Any]:
        """Wait for a run's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = self.get(f"dags/{dag_id}/dagRuns/{run_id}")
            if run["state"] in DONE:
                return run
            time.sleep(0.5)
        raise AssertionError(f"{dag_id} {run_id} did not end: {self.tasks(run)}")

    def tasks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """List the task instances of a run."""
        path = f"dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        return self.get(path, limit=1000)["task_instances"]

    def states(self, run: dict[str, Any]) -> dict[str, list[str]]:
        """Map each task to the states of its instances."""
        found: dict[str, list[str]] = {}
        for task in self.tasks(run):
            found.setdefault(task["task_id"], []).append(task["state"])
        return {name: sorted(states) for name, states in found.items()}

    def log(self, run: dict[str, Any], task_id: str, map_index: int = -1) -> str:
        """Read the log of a task's last try."""
        path = f"dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances/{task_id}"
        task = next(
            t for t in self.tasks(run) if t["task_id"] == task_id and t["map_index"] == map_index
        )
        answer = self.get(f"{path}/logs/{task['try_number']}", map_index=map_index)
        return json.dumps(answer["content"], ensure_ascii=False)

    def detected_receptions(self) -> list[dict[str, Any]]:
        """List the runs of movie_reception that the detector started, newest last."""
        runs = self.get("dags/movie_reception/dagRuns", limit=100, order_by="id")["dag_runs"]
        return [run for run in runs if run["dag_run_id"].startswith("detected__")]

    def detect(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run the detector by hand; wait for what was triggered since the last call."""
        detected = self.run("detect_new_reviews", wait=False)
        # Also what the hourly run started, should the hour strike in mid-test.
        started = [r for r in self.detected_receptions() if r["dag_run_id"] not in self._told]
        self._told |= {r["dag_run_id"] for r in started}
        return detected, [self.wait("movie_reception", r["dag_run_id"]) for r in started]


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
            timeout=30,
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
    """Airflow of the stack."""
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
