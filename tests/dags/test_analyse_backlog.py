"""`analyse_backlog` and setup with Airflow's own task runner, mapping, approval and database."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from airflow.dag_processing.dagbag import DagBag
from llmock.testing import LLMockServer
from psycopg.conninfo import conninfo_to_dict

from filmpulse import airflow_bridge
from filmpulse.config import Settings
from filmpulse.jobs.reception import score
from filmpulse.warehouse import Warehouse, figures

DAGS = Path(__file__).resolve().parents[2] / "dags"
KEY = "sk-of-a-dag-7c1e0f"
YES, NO, SMALL = "tt9900001", "tt9900002", "tt9900003"
TITLES = {YES: "The Long Queue", NO: "Zwölf Türen", SMALL: "Ödland"}


@pytest.fixture
def endpoint():
    with LLMockServer() as server:
        yield server


@pytest.fixture
def connections(monkeypatch, endpoint, warehouse_url, tmp_path):
    at = conninfo_to_dict(warehouse_url)
    warehouse = {"conn_type": "postgres", "host": at["host"], "port": int(at["port"])}
    warehouse |= {"login": at["user"], "password": at["password"], "schema": at["dbname"]}
    limits = {"requests_per_minute": 60_000, "tokens_per_minute": 100_000_000}
    model = {"conn_type": "generic", "host": endpoint.base_url("openai"), "password": KEY}
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", json.dumps(warehouse))
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_LLM", json.dumps(model | {"extra": limits}))
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    monkeypatch.setattr(score, "LARGE_MOVIE", 4)


@pytest.fixture
def stored(warehouse_url):
    with psycopg.connect(warehouse_url) as connection:
        for imdb_id, count in ((YES, 6), (NO, 5), (SMALL, 2)):
            connection.execute(
                "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, %s, now())",
                (imdb_id, TITLES[imdb_id]),
            )
            connection.execute(
                "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
                "content_hash, first_seen_at) SELECT 'imdb', %(i)s || n, %(i)s, 'Scene ' || n, "
                "'The plot of ' || %(i)s || ' is wonderful.', false, %(i)s || n, now() "
                "FROM generate_series(1, %(n)s) n",
                {"i": imdb_id, "n": count},
            )
    figures.count_all(Warehouse(warehouse_url))


def load():
    return DagBag(dag_folder=str(DAGS / "analyse_backlog.py")).dags["analyse_backlog"]


def run_to_end(**conf):
    """Run the DAG in this process; return the run, its states, and its tasks' results."""
    dag = load()
    for task in dag.tasks:
        task.retries = 0  # `dag.test()` waits out the delay
    run = dag.test(run_conf=conf)
    found = run.get_task_instances()
    states = {(ti.task_id, ti.map_index): ti.state for ti in found}
    return run, states, {(ti.task_id, ti.map_index): ti for ti in found}


def answer(answers):
    """Answer each question by its movie's title, as a person does through the API."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    asked = {}
    deadline = time.monotonic() + 60
    while len(asked) < len(answers):
        assert time.monotonic() < deadline, asked
        time.sleep(0.2)
        with create_session() as session:
            waiting = session.scalars(
                select(TaskInstance).where(TaskInstance.state == "awaiting_input")
            ).all()
            for ti in waiting:
                question = session.scalar(select(HITLDetail).where(HITLDetail.ti_id == ti.id))
                (title,) = (title for title in answers if title in question.subject)
                asked[title] = (question.subject, question.body, question.defaults)
                update_hitl_detail(
                    ti.dag_id,
                    ti.run_id,
                    ti.task_id,
                    UpdateHITLDetailPayload(chosen_options=[answers[title]]),
                    SimpleAuthManagerUser(username="ada", role="admin"),
                    session,
                    ti.map_index,
                )
    return asked


def test_a_run_that_waits_for_a_person_holds_up_no_other():
    assert load().max_active_runs > 1


def test_large_movies_are_scored_when_somebody_agrees(
    connections, stored, warehouse_url, caplog, capsys
):
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(answer, {TITLES[YES]: "Approve", TITLES[NO]: "Reject"})
        run, states, tasks = run_to_end()
        asked = answers.result()
    assert run.state == "success"
    subject, body, defaults = asked[TITLES[YES]]
    assert subject.startswith("Score 6 reviews of The Long Queue (")
    assert "$" in subject
    assert YES in body
    assert "gpt-6-luna at 127.0.0.1" in body
    assert defaults == ["Reject"]
    scored = {
        ti.map_index: states[key]
        for key, ti in tasks.items()
        if key[0] == "large_movie.score_movie"
    }
    assert sorted(scored.values()) == ["skipped", "success"]
    labels = {ti.rendered_map_index for key, ti in tasks.items() if key[1] >= 0}
    assert labels >= {TITLES[YES], subject}
    with psycopg.connect(warehouse_url) as connection:
        sent = dict(
            connection.execute(
                "SELECT imdb_id, count(*) FROM ops.llm_calls WHERE run_id = %s GROUP BY 1",
                (run.run_id,),
            ).fetchall()
        )
    assert sent == {YES: 6, SMALL: 2}
    assert KEY not in json.dumps([asked, [str(vars(ti)) for ti in tasks.values()]])
    log = "".join([caplog.text, *capsys.readouterr()])
    assert "6 of 6 texts scored by gpt-6-luna" in log
    assert KEY not in log

    (again,) = [ti for key, ti in tasks.items() if key[0] == "summarise"]
    lines = again.xcom_pull(task_ids="summarise", run_id=run.run_id)
    assert "gpt-6-luna: 8 calls" in lines[-1]
    assert lines[1] == f"{NO} {TITLES[NO]}: 0 of 5 reviews finished"


def test_no_backlog_is_skipped_and_green(connections):
    run, states, _ = run_to_end()
    assert run.state == "success"
    assert states.pop(("plan", -1)) == "success"
    assert set(states.values()) == {"skipped"}


def test_a_movie_is_calibrated_each_week_although_nothing_is_to_be_scored(
    connections, warehouse_url, monkeypatch
):
    monkeypatch.delenv("AIRFLOW_CONN_FILMPULSE_LLM")
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'Long', now())",
            (YES,),
        )
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at, rating_1_10) SELECT 'imdb', n, %s, 'Scene ' || n, "
            "'The plot is ' || (ARRAY['superb', 'good', 'dull', 'awful'])[1 + n %% 4] || '.', "
            "false, n, now(), 1 + n %% 10 FROM generate_series(1, 120) n",
            (YES,),
        )
        assert run_to_end()[0].state == "success"
        _, states, _ = run_to_end()
        assert states[("score", -1)] == "skipped"
        connection.execute("UPDATE core.reviews SET rating_1_10 = 10")
        connection.execute(
            "UPDATE core.calibrations SET calibrated_at = calibrated_at - interval '8 days'"
        )
        run, states, tasks = run_to_end()
        (wholes,) = connection.execute("SELECT array_agg(DISTINCT overall) FROM mart.reviews")
    assert (run.state, states[("score", -1)]) == ("success", "success")
    assert wholes == ([2],)
    lines = tasks[("summarise", -1)].xcom_pull(task_ids="summarise", run_id=run.run_id)
    assert [line.startswith(f"{YES} Long: ") for line in lines] == [True]


def test_a_task_that_broke_off_makes_the_run_red(connections, stored, monkeypatch):
    monkeypatch.setattr(score, "LARGE_MOVIE", 9)

    def fail(*arguments, **more):
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("filmpulse.jobs.analyse_backlog", fail)
    run, states, _ = run_to_end(imdb_ids=[SMALL])
    assert run.state == "failed"
    assert (states[("score", -1)], states[("summarise", -1)]) == ("failed", "failed")


def test_setup_follows_the_environment_and_leaves_what_a_person_made(monkeypatch):
    from airflow.models import connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    named = select(connection.Connection).where(connection.Connection.conn_id == "filmpulse_llm")

    def model():
        with create_session() as session:
            found = session.scalar(named)
            return found and (found.host, found.password, found.extra_dejson)

    monkeypatch.setenv("FILMPULSE_LLM_API_KEY", KEY)
    monkeypatch.setenv("FILMPULSE_LLM_MODEL", "gpt-5.6-luna")
    airflow_bridge.setup()
    airflow_bridge.setup()
    assert model() == (None, KEY, {"model": "gpt-5.6-luna"})
    monkeypatch.setenv("FILMPULSE_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("FILMPULSE_LLM_API_KEY")
    airflow_bridge.setup()
    assert model() == ("http://127.0.0.1:9/v1", None, {"model": "gpt-5.6-luna"})
    monkeypatch.delenv("FILMPULSE_LLM_BASE_URL")
    airflow_bridge.setup()
    assert model() is None
    with create_session() as session:
        session.add(connection.Connection("filmpulse_llm", "generic", password=KEY))
    airflow_bridge.setup()
    assert model() == (None, KEY, {})
    monkeypatch.setenv("FILMPULSE_LLM_API_KEY", "sk-another-key")
    airflow_bridge.setup()
    assert model() == (None, KEY, {})
    found = airflow_bridge.stored_model(Settings())
    assert (found.llm_api_key.get_secret_value(), found.llm_model) == (KEY, "gpt-6-luna")
    with create_session() as session:
        session.delete(session.scalar(named))
