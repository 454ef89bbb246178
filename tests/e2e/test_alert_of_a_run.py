"""An alert and its end on a whole stack: Airflow's DAG processor calls the notifier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from helpers.waiting import wait_until

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from tests.e2e.conftest import Airflow

    from filmpulse.local import Stack

pytestmark = pytest.mark.slow

DAG, TITLE = "import_saved_pages", "movies could not be read (elsewhere failed)"


@pytest.fixture
def titles(airflow: Airflow, httpserver: HTTPServer) -> Iterator[list[str]]:
    """The titles that a receiver was sent, about our movie; alerts are on meanwhile."""
    found: list[str] = []

    def take(request: Any) -> Any:
        from werkzeug import Response

        title = json.loads(request.data)["title"].removeprefix("Filmpulse: ")
        found.extend([title] if TITLE in title else [])
        return Response()

    httpserver.expect_request("/alerts").respond_with_handler(take)
    airflow.call(
        "POST",
        "/connections",
        json={
            "connection_id": "filmpulse_alerts",
            "conn_type": "generic",
            "password": f"json://{httpserver.host}:{httpserver.port}/alerts",
        },
    )
    yield found
    airflow.call("DELETE", "/connections/filmpulse_alerts")


def test_a_cause_and_its_end_are_told_by_runs_that_did_nothing(
    airflow: Airflow, stack: Stack, titles: list[str]
) -> None:
    airflow.wait_for_dag(DAG)
    with psycopg.connect(stack.env["FILMPULSE_WAREHOUSE_URL"], autocommit=True) as db:
        db.execute(
            "INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, finished_at) "
            "VALUES ('e2e-alerts', 'elsewhere', 'tt7000009', 'full', 'failed', now())"
        )
        try:
            assert airflow.run_to_end(DAG)["state"] == "success"
            wait_until(lambda: titles == [TITLE])
        finally:
            db.execute("DELETE FROM ops.collections WHERE run_id = 'e2e-alerts'")
    airflow.run_to_end(DAG)
    wait_until(lambda: titles == [TITLE, f"well again: {TITLE}"])
