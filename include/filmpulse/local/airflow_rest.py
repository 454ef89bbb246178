"""Airflow's public REST API, as far as the demo and the end-to-end tests use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

FINISHED = ("success", "failed")
Run = dict[str, Any]


class AirflowError(RuntimeError):
    """Airflow refused, or took too long; the message says what."""


class AirflowDown(AirflowError):
    """Nothing listens at Airflow's address, or it broke off the connection."""


class AirflowRest:
    """A logged-in client of one Airflow."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Log in.

        Raises:
            AirflowDown: Airflow does not run.
            AirflowError: The log-in was refused, or not answered in time.
        """
        # Its first answers take long on a machine where all else is starting too.
        self._client = httpx.Client(base_url=url, timeout=120, trust_env=False)
        answer = self._ask("POST", "/auth/token", json={"username": user, "password": password})
        if answer.status_code != 201:
            raise AirflowError(f"Airflow refused the log-in of {user}: {answer.text}")
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call `/api/v2` and return the JSON of the answer; None for 404.

        Raises:
            AirflowError: Any other answer than 2xx, or none.
        """
        answer = self._ask(method, f"/api/v2{path}", **request)
        if answer.status_code == 404:
            return None
        if not answer.is_success:
            raise AirflowError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            is_down = isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))
            kind = AirflowDown if is_down else AirflowError
            raise kind(f"{method} {path}: Airflow does not answer: {error}") from error

    def variable(self, key: str) -> str | None:
        """Return a Variable's value; None when there is none."""
        found = self.call("GET", f"/variables/{key}")
        return None if found is None else str(found["value"])

    def set_variable(self, key: str, value: str) -> None:
        """Store a Variable."""
        body = {"key": key, "value": value}
        if self.call("PATCH", f"/variables/{key}", json=body) is None:
            self.call("POST", "/variables", json=body)

    def wait_for_dag(self, dag_id: str, timeout: float = 60) -> None:
        """Wait until a DAG was parsed.

        Raises:
            AirflowError: It was not, in time; the message holds import errors.
        """
        deadline = time.monotonic() + timeout
        while self.call("GET", f"/dags/{dag_id}") is None:
            if time.monotonic() > deadline:
                errors = self.call("GET", "/importErrors")["import_errors"]
                raise AirflowError(
                    f"Airflow does not know the DAG {dag_id}. "
                    + " ".join(error["stack_trace"] for error in errors)
                )
            time.sleep(0.5)

    def is_paused(self, dag_id: str) -> bool | None:
        """Return whether a DAG is paused; None for one that Airflow does not know."""
        found = self.call("GET", f"/dags/{dag_id}")
        return None if found is None else bool(found["is_paused"])

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG, or let it go on."""
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run by hand and return its id."""
        body = {"logical_date": None, "conf": dict(conf)}
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Run:
        """Return one run as the API has it."""
        found: Run = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        return found

    def runs(self, dag_id: str, since: str | None = None) -> list[Run]:
        """Return the 100 newest runs, oldest first.

        Args:
            dag_id: Whose runs.
            since: Only runs due at or after this time (ISO 8601).
        """
        params = {"order_by": "-run_after", "limit": "100"}
        if since is not None:
            params["run_after_gte"] = since
        found: list[Run] = self.call("GET", f"/dags/{dag_id}/dagRuns", params=params)["dag_runs"]
        return found[::-1]

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run, mapped ones each for itself."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call(
                "GET",
                f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances",
                params={"limit": 100, "offset": len(found)},
            )
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        timeout: float = 600,
        watch: Callable[[list[dict[str, Any]]], None] | None = None,
    ) -> Run:
        """Wait until a run has finished and return it, whatever its state.

        Args:
            dag_id: Its DAG.
            run_id: Its id.
            timeout: Seconds.
            watch: Called about once a second with the run's task instances.

        Raises:
            AirflowError: It has not finished in time; the message holds its tasks' states.
        """
        deadline = time.monotonic() + timeout
        while True:
            run = self.run(dag_id, run_id)
            if watch is not None:
                watch(self.tasks(dag_id, run_id))
            if run["state"] in FINISHED:
                return run
            if time.monotonic() > deadline:
                states = ", ".join(
                    f"{t['task_id']} {t['state']}" for t in self.tasks(dag_id, run_id)
                )
                raise AirflowError(f"{dag_id} {run_id} still {run['state']}: {states}")
            time.sleep(1)
