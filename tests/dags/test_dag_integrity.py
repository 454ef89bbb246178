"""Every DAG file loads, holds one DAG of its own name, explains itself and serialises."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

import filmpulse

DAGS = Path(__file__).resolve().parents[2] / "dags"
KNOWN_TAGS = {"catalogue", "detection", "reviews", "scores", "upkeep"}


@pytest.fixture(scope="module")
def bag():
    found = DagBag(dag_folder=str(DAGS))
    assert found.import_errors == {}
    return found


def test_each_file_holds_the_dag_of_its_name(bag):
    files = {path.stem for path in DAGS.glob("*.py")}
    assert files
    assert files == set(bag.dags)


@pytest.mark.parametrize("dag_id", sorted(path.stem for path in DAGS.glob("*.py")))
def test_dag_says_what_it_is_and_how_it_retries(bag, dag_id):
    dag = bag.dags[dag_id]
    assert re.search(r'\*\*Kind:\*\* "(now|data interval)" DAG', dag.doc_md)
    for word in ("**Writes:**", "**Needs:**"):
        assert word in dag.doc_md
    assert dag.tags
    assert dag.tags <= KNOWN_TAGS
    assert dag.default_args["retries"] >= 1
    assert dag.default_args["retry_policy"] is not None
    for task in dag.tasks:
        assert task.retries >= 1 or task.task_id in ("summarise", "report")
    DagSerialization.to_dict(dag)


@pytest.mark.parametrize("dag_id", ["movie_reception", "analyse_backlog"])
def test_forms_take_movies_by_id_or_by_address(bag, dag_id):
    movies = bag.dags[dag_id].params.get_param("imdb_ids")
    taken = ["tt0111161", "https://m.imdb.com/de/title/tt0111161/reviews?ref_=x"]
    assert movies.resolve(taken) == taken
    for wrong in ("0111161", "tt1", "https://example.com/title/tt0111161/"):
        with pytest.raises(ParamValidationError):
            movies.resolve([wrong])


def test_final_errors_are_not_tried_again():
    from airflow.sdk import RetryAction

    from filmpulse.airflow_bridge import RETRY_POLICY
    from filmpulse.errors import Blocked, SiteUnavailable

    decide = RETRY_POLICY.evaluate
    assert decide(Blocked("no"), 1, 3).action is RetryAction.FAIL
    assert decide(SiteUnavailable("later"), 1, 3).action is RetryAction.RETRY
    assert decide(ValueError("?"), 1, 3).action is RetryAction.DEFAULT


def test_pools_that_dags_use_are_made(bag):
    from filmpulse.airflow_bridge.objects import POOLS

    used = {task.pool for dag in bag.dags.values() for task in dag.tasks}
    assert used - {"default_pool"} == set(POOLS)


# Inside a task an import that fails would show only at run time.
@pytest.mark.parametrize(
    "name",
    sorted(
        m.name
        for m in pkgutil.walk_packages(filmpulse.__path__, "filmpulse.")
        if ".migrations" not in m.name and not m.name.endswith("__main__")
    ),
)
def test_every_module_can_be_imported(name):
    assert importlib.import_module(name)


def queues(bag):
    return {
        (dag_id, task.task_id): task.queue for dag_id, dag in bag.dags.items() for task in dag.tasks
    }


def test_queues_come_from_settings_and_are_airflows_default_without(bag, monkeypatch):
    from airflow.configuration import conf

    assert set(queues(bag).values()) == {conf.get("operators", "default_queue")}
    monkeypatch.setenv("FILMPULSE_BROWSER_QUEUE", "with-browser")
    monkeypatch.setenv("FILMPULSE_LLM_QUEUE", "with-model")
    monkeypatch.setenv("FILMPULSE_REQUEST_GAP_SECONDS", "of another setting, and no number")
    found = queues(DagBag(dag_folder=str(DAGS)))
    by_pool = {
        (task.pool, found[dag_id, task.task_id])
        for dag_id, dag in bag.dags.items()
        for task in dag.tasks
    }
    assert by_pool == {
        ("browser", "with-browser"),
        ("detector", "with-browser"),
        ("llm", "with-model"),
        ("default_pool", "default"),
    }
