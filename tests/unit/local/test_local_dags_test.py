"""`airflow dags test` beside a scheduler: what becomes of the DAG, whatever becomes of Airflow."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from filmpulse.local import dags_test
from filmpulse.local.airflow_rest import AirflowError
from filmpulse.local.instance import Stack
from filmpulse.local.ports import HOST, choose

pytestmark = pytest.mark.enable_socket


class Airflow:
    """An Airflow with one DAG, `movie_reception`, and what was asked of it."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.is_paused = False
        self.log_in = 201
        self.tests: list[bool] = []  # of each test that ran, whether the DAG was paused
        server.expect_request("/auth/token").respond_with_handler(self._token)
        server.expect_request("/api/v2/dags/movie_reception").respond_with_handler(self._dag)

    def _token(self, _: Request) -> Response:
        return Response(json.dumps({"access_token": "t"}), self.log_in)

    def _dag(self, request: Request) -> Response:
        if request.method == "PATCH":
            self.is_paused = request.get_json()["is_paused"]
        return Response(json.dumps({"is_paused": self.is_paused}))


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A server of each test's own, as one of them stops it."""
    with HTTPServer() as made:
        yield made


@pytest.fixture
def airflow(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    made = Airflow(server)

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        assert command[1:] == ["-m", "airflow", "dags", "test", "movie_reception"]
        made.tests.append(made.is_paused)
        return subprocess.CompletedProcess(command, 7)

    monkeypatch.setattr(dags_test.subprocess, "run", run)
    monkeypatch.setattr(dags_test.signal, "signal", lambda *_: None)
    return made


def stack(url: str, path: Path) -> Stack:
    return Stack(
        "main", path, {"airflow": url}, {}, {}, {}, {}, {}, "admin", "secret", "other", {}, {}
    )


def test_the_dag_is_paused_for_the_test_alone(airflow: Airflow, tmp_path: Path) -> None:
    assert dags_test.run(stack(airflow.server.url_for(""), tmp_path), ["movie_reception"]) == 7
    assert (airflow.tests, airflow.is_paused) == ([True], False)


def test_a_dag_that_somebody_paused_stays_paused(airflow: Airflow, tmp_path: Path) -> None:
    airflow.is_paused = True
    dags_test.run(stack(airflow.server.url_for(""), tmp_path), ["movie_reception"])
    assert (airflow.tests, airflow.is_paused) == ([True], True)


def test_the_test_runs_while_airflow_is_down(airflow: Airflow, tmp_path: Path) -> None:
    found = dags_test.run(stack(f"http://{HOST}:{choose()}", tmp_path), ["movie_reception"])
    assert (found, airflow.tests) == (7, [False])


def test_airflow_that_goes_down_meanwhile_hides_no_outcome(
    airflow: Airflow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = airflow.server.url_for("")
    ran = dags_test.subprocess.run

    def run_and_stop(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        airflow.server.stop()
        return ran(command, check=check)

    monkeypatch.setattr(dags_test.subprocess, "run", run_and_stop)
    assert dags_test.run(stack(url, tmp_path), ["movie_reception"]) == 7
    assert "airflow dags unpause movie_reception" in capsys.readouterr().err


def test_an_airflow_that_refuses_stops_the_test(airflow: Airflow, tmp_path: Path) -> None:
    airflow.log_in = 401
    with pytest.raises(AirflowError):
        dags_test.run(stack(airflow.server.url_for(""), tmp_path), ["movie_reception"])
    assert airflow.tests == []
