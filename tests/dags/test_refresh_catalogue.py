"""`refresh_catalogue` with Airflow's own task runner and database."""

import json
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from helpers.dataset_rows import HOSTILE, hostile_rows
from helpers.dataset_shelf import open_shelf
from psycopg.conninfo import conninfo_to_dict

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.sources.datasets import DATASETS

DAGS = Path(__file__).resolve().parents[2] / "dags"
STEPS = ["plan", "choose_titles", "build", "swap"]


@pytest.fixture
def shelf():
    with open_shelf() as opened:
        opened.put(hostile_rows())
        yield opened


@pytest.fixture
def context(monkeypatch, warehouse_url, tmp_path, shelf):
    """A warehouse, as the DAG is told of it."""
    at = conninfo_to_dict(warehouse_url)
    warehouse = {"conn_type": "postgres", "host": at["host"], "port": int(at["port"])}
    warehouse |= {"login": at["user"], "password": at["password"], "schema": at["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", json.dumps(warehouse))
    env = {
        "FILMPULSE_LAKE_URL": tmp_path.as_uri(),
        "FILMPULSE_CATALOGUE_URL": shelf.url,
        "FILMPULSE_CATALOGUE_DIR": str(tmp_path / "downloads"),
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env(env | {"FILMPULSE_WAREHOUSE_URL": warehouse_url})
    return jobs.Context.from_settings(settings)


def run_to_end():
    """Return how the run ended, and the states of its tasks; of a mapped one all of its states."""
    dag = DagBag(dag_folder=str(DAGS / "refresh_catalogue.py")).dags["refresh_catalogue"]
    for task in dag.tasks:
        task.retries = 0  # `dag.test()` waits out the delay
    run = dag.test()
    states = {}
    for task in run.get_task_instances():
        states.setdefault(task.task_id, []).append(task.state)
    return run, states


def test_a_run_loads_and_the_next_one_has_nothing_to_do(context, shelf):
    jobs.accept_catalogue("rated", context)
    run, states = run_to_end()
    assert run.state == "success"
    assert set(states) == {*STEPS, "load_titles", "load_details"}
    assert {state for found in states.values() for state in found} == {"success"}
    assert (len(states["load_titles"]), len(states["load_details"])) == (2, 5)
    assert jobs.catalogue_status(context).titles == len(HOSTILE) + 1
    shelf.downloads()
    run, states = run_to_end()
    assert run.state == "success"
    assert states["plan"] == ["success"]
    assert states["swap"] == states["build"] == ["skipped"]
    assert shelf.downloads() == []


def test_details_alone_are_loaded(context, shelf):
    jobs.accept_catalogue("all", context)
    jobs.refresh_catalogue("first", context)
    shelf.put({"title.akas": hostile_rows()["title.akas"] * 2})
    run, states = run_to_end()
    assert run.state == "success"
    assert set(states["load_titles"]) == {"skipped"}
    assert sorted(states["load_details"]) == ["skipped"] * 4 + ["success"]
    assert states["swap"] == ["success"]
    status = jobs.catalogue_status(context)
    (akas,) = [load for load in status.shown if load.dataset == "title.akas"]
    assert akas.rows_duplicate == 2 * len(HOSTILE)


def test_without_an_acceptance_all_is_skipped(context, shelf):
    run, states = run_to_end()
    assert run.state == "success"
    assert states["swap"] == states["build"] == states["choose_titles"] == ["skipped"]
    assert shelf.asked == []


def test_an_acceptance_for_the_sample_site_downloads_nothing_from_elsewhere(
    context, shelf, monkeypatch
):
    jobs.accept_catalogue("all", context)
    monkeypatch.setenv("FILMPULSE_CATALOGUE_URL", shelf.url.replace("127.0.0.1", "localhost"))
    run, states = run_to_end()
    assert run.state == "success"
    assert states["swap"] == states["choose_titles"] == ["skipped"]
    assert shelf.asked == []


def test_a_file_that_cannot_be_used_fails_the_run_and_the_old_stays(context, shelf):
    jobs.accept_catalogue("all", context)
    jobs.refresh_catalogue("first", context)
    rows = hostile_rows()
    shelf.put({"title.akas": rows["title.akas"] * 2, "title.crew": "tt1\n"})
    run, states = run_to_end()
    assert run.state == "failed"
    assert sorted(states["load_details"]) == ["failed", "skipped", "skipped", "skipped", "success"]
    assert (states["build"], states["swap"]) == (["upstream_failed"], ["failed"])
    status = jobs.catalogue_status(context)
    assert status.titles == len(HOSTILE) + 1
    assert status.run_id is None
    assert {load.reason for load in status.loads if load.reason} == {"bad_row", "incomplete"}


def test_a_server_that_is_away_fails_the_run(context, shelf, monkeypatch):
    monkeypatch.setenv("FILMPULSE_CATALOGUE_URL", "http://127.0.0.1:1")
    away = context.settings.model_copy(update={"catalogue_url": "http://127.0.0.1:1"})
    jobs.accept_catalogue("all", jobs.Context(away, context.warehouse, context.open_lake))
    run, states = run_to_end()
    assert run.state == "failed"
    assert (states["plan"], states["swap"]) == (["failed"], ["failed"])


@pytest.mark.parametrize("task_id", ["load_titles", "load_details"])
def test_the_last_step_waits_for_loads_that_go_on_after_one_failed(context, task_id):
    """The scheduler's own decisions about a run in which a load failed and another one runs."""
    jobs.accept_catalogue("all", context)
    run, _ = run_to_end()
    after = ["choose_titles", "load_details", "build", "swap"]
    if task_id == "load_details":
        after = ["build", "swap"]
    with create_session() as session:
        now = session.get(DagRun, run.id)
        now.dag, now.state = run.dag, "running"
        tasks = {(one.task_id, one.map_index): one for one in now.get_task_instances()}
        tasks = {key: session.merge(one) for key, one in tasks.items()}
        for (name, place), one in tasks.items():
            if name == task_id:
                one.state = "failed" if place == 0 else "running"
            elif name in after:
                one.state = None

        def decide():
            started = []
            for _ in range(len(after) + 1):
                session.flush()
                decided = now.task_instance_scheduling_decisions(session=session)
                started += [one.task_id for one in decided.schedulable_tis]
            return started

        assert decide() == []
        assert tasks["build", -1].state == "upstream_failed"
        for (name, _), one in tasks.items():
            if name == task_id and one.state == "running":
                one.state = "success"
        assert set(decide()) == {"swap"}
        session.rollback()


def test_the_dag_names_all_datasets():
    dag = DagBag(dag_folder=str(DAGS / "refresh_catalogue.py")).dags["refresh_catalogue"]
    named = [
        name
        for task_id in ("load_titles", "load_details")
        for name in dag.task_dict[task_id].op_kwargs_expand_input.value["dataset"]
    ]
    assert named == list(DATASETS)
