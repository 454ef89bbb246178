"""`export_reviews` with Airflow's own task runner and database."""

import json
from pathlib import Path

import psycopg
import pytest
from airflow.dag_processing.dagbag import DagBag
from psycopg.conninfo import conninfo_to_dict

from filmpulse.lake import Lake
from filmpulse.warehouse import Warehouse, figures

DAGS = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture
def lake(monkeypatch, warehouse_url, tmp_path):
    """The lake beside a warehouse with one review, as the DAG is told of both."""
    at = conninfo_to_dict(warehouse_url)
    warehouse = {"conn_type": "postgres", "host": at["host"], "port": int(at["port"])}
    warehouse |= {"login": at["user"], "password": at["password"], "schema": at["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", json.dumps(warehouse))
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    monkeypatch.setenv("FILMPULSE_EXPORTS_KEPT", "1")
    with psycopg.connect(warehouse_url) as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES ('tt9900001', 'A', now())"
        )
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) "
            "VALUES ('imdb', 'rw1', 'tt9900001', 'Quinces', 'Quinces!', false, 'h', now())"
        )
    figures.count_all(Warehouse(warehouse_url))
    return Lake(tmp_path.as_uri())


def run_to_end():
    dag = DagBag(dag_folder=str(DAGS / "export_reviews.py")).dags["export_reviews"]
    for task in dag.tasks:
        task.retries = 0  # `dag.test()` waits out the delay
    return dag.test()


def test_the_dag_writes_an_export_and_deletes_older_ones(lake):
    lake.write("exports/2026-01-05/manifest.json", b"{}")
    run = run_to_end()
    assert run.state == "success"
    names = lake.names("exports")
    assert {name.rpartition("/")[2] for name in names} == {
        "manifest.json", "reviews.parquet", "aspects.parquet", "series.parquet", "movies.parquet",
    }  # fmt: skip
    assert len({name.split("/")[1] for name in names}) == 1
    assert not any(b"Quinces" in lake.read(name) for name in names)
    (task,) = run.get_task_instances()
    facts = task.xcom_pull(task_ids="export")
    assert facts["rows"] == {"reviews": 1, "aspects": 0, "series": 0, "movies": 1}
    assert facts["deleted"] == 1


def test_a_warehouse_that_is_away_fails_the_run_and_deletes_nothing(lake, monkeypatch):
    lake.write("exports/2026-01-05/manifest.json", b"{}")
    away = json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "schema": "x"})
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", away)
    assert run_to_end().state == "failed"
    assert lake.names("exports") == ["exports/2026-01-05/manifest.json"]
