"""Scores by a model through Airflow's real scheduler, by an endpoint that speaks as OpenAI's."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from llmock.scenarios import Fail
from llmock.testing import LLMockServer

from filmpulse.local.airflow_rest import AirflowRest
from filmpulse.sample_site import MOVIE_IDS

pytestmark = pytest.mark.slow

CONNECTION = "filmpulse_llm"
LARGE = "tt97000001"


@pytest.fixture(scope="module")
def key():
    return f"sk-{secrets.token_hex(20)}"


def connect(airflow, server, key):
    """Name the endpoint in Airflow's Connection."""
    body = {
        "connection_id": CONNECTION,
        "conn_type": "generic",
        "host": server.base_url("openai"),
        "password": key,
        "extra": json.dumps({"requests_per_minute": 6000, "tokens_per_minute": 50_000_000}),
    }
    airflow.call("POST", "/connections", json=body)


@pytest.fixture(scope="module")
def model(airflow, warehouse, key, shell):
    """The endpoint, named by Airflow's Connection while these tests run."""
    with LLMockServer() as server:
        connect(airflow, server, key)
        yield server
        airflow.call("DELETE", f"/connections/{CONNECTION}")
    # The stack's other tests know of no model.
    warehouse.rows("DELETE FROM core.movies WHERE imdb_id = %s", LARGE)
    warehouse.rows("UPDATE core.movies SET active_analyser_id = NULL")
    warehouse.rows("DELETE FROM core.review_analyses")
    assert shell("filmpulse recount").returncode == 0, "a doctor may look at this stack next"


@pytest.fixture(scope="module")
def cast(site, model):
    """The smallest movie and two of middling size, none of which a model has read."""
    counts = site.counts()
    order = sorted(MOVIE_IDS, key=counts.__getitem__)
    return {"small": order[0], "a": order[1], "b": order[2]}


def asked(model):
    """How often each review was sent, by its text between the boundary marks."""
    return Counter(
        "\n".join(record.body["messages"][-1]["content"].split("\n")[1:-1])
        for record in model.state.journal.records(wait=5)
        if record.path.endswith("/chat/completions")
    )


def shown(warehouse, imdb_id):
    return warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = %s", imdb_id)[0]


def calls(warehouse, run):
    return warehouse.rows("SELECT * FROM ops.llm_calls WHERE run_id = %s", run["dag_run_id"])


@pytest.fixture(scope="module")
def scored(airflow, model, cast):
    """A run that the model scored, and what it was asked about until then."""
    movies = [cast["small"], cast["a"]]
    run = airflow.run_to_end("movie_reception", imdb_ids=movies, mode="full")
    return run, asked(model)


def test_a_run_is_scored_by_the_model_and_says_what_it_cost(airflow, warehouse, scored):
    run, sent = scored
    assert run["state"] == "success"
    movies = run["conf"]["imdb_ids"]
    made = calls(warehouse, run)
    living = sum(shown(warehouse, movie)["reviews"] for movie in movies)
    assert len(made) == sent.total() == living
    assert {call["outcome"] for call in made} == {"scored"}
    for movie in movies:
        told = shown(warehouse, movie)
        assert (told["analyser_kind"], told["analyser_model"]) == ("llm", "gpt-6-luna")
        assert told["scored_reviews"] == told["reviews"]
        assert told["mean_overall"] == -2
    log = airflow.log(run, "summarise")
    cost = sum(call["cost_usd"] for call in made)
    dropped = sum(call["quotes_dropped"] for call in made)
    assert f"gpt-6-luna: {len(made)} calls" in log
    assert f"{sum(call['input_tokens'] for call in made):,} tokens in" in log
    assert f"${cost:.4f} of $0.50" in log
    assert f"{dropped:,} of {dropped:,} quotes dropped" in log
    assert dropped == 6 * living
    assert not warehouse.rows("SELECT 1 FROM mart.aspect_scores s WHERE quote IS NOT NULL "
                              "AND s.imdb_id = ANY(%s)", movies)  # fmt: skip


@pytest.mark.usefixtures("scored")
def test_a_second_run_asks_nothing(airflow, model, warehouse, cast):
    before = asked(model)
    run = airflow.run_to_end("movie_reception", imdb_ids=[cast["a"]], mode="full")
    assert run["state"] == "success"
    assert asked(model) == before
    assert calls(warehouse, run) == []


def test_what_the_budget_does_not_cover_waits_and_the_backlog_goes_on(
    airflow, warehouse, model, cast
):
    movie = cast["b"]
    budget = 0.004  # several requests' worth of what has to be set aside for one
    run = airflow.run_to_end("movie_reception", imdb_ids=[movie], mode="full", budget_usd=budget)
    assert run["state"] == "success"
    paid = calls(warehouse, run)
    assert paid
    assert sum(float(call["cost_usd"]) for call in paid) <= budget
    statuses = {
        row["status"]: row["n"]
        for row in warehouse.rows(
            "SELECT a.status, count(*) AS n FROM core.review_analyses a JOIN core.analysers "
            "USING (analyser_id) WHERE imdb_id = %s AND kind = 'llm' GROUP BY a.status",
            movie,
        )
    }
    told = shown(warehouse, movie)
    waiting = statuses["over_budget"]
    assert statuses["scored"] + waiting == told["reviews"]
    assert statuses["scored"] >= len(paid)  # two reviews of the same words are paid for once
    # Complete figures of one analyser, until the other has all.
    assert told["analyser_kind"] == "lexicon"
    log = airflow.log(run, "summarise")
    assert f"{waiting:,} reviews wait for money" in log, log[-3000:]

    backlog = airflow.run_to_end("analyse_backlog", imdb_ids=[movie])
    assert backlog["state"] == "success"
    assert 0 < len(calls(warehouse, backlog)) <= waiting
    told = shown(warehouse, movie)
    assert (told["analyser_kind"], told["scored_reviews"]) == ("llm", told["reviews"])
    assert set(asked(model).values()) == {1}


def test_a_large_movie_asks_first(airflow, warehouse, model):
    warehouse.rows(
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) "
        "VALUES (%s, 'The Long Queue', now())",
        LARGE,
    )
    warehouse.rows(
        "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
        "content_hash, first_seen_at) SELECT 'imdb', 'rwlong' || n, %s, 'Queue ' || n, "
        "'The plot of queue ' || n || ' is long.', false, 'long' || n, now() "
        "FROM generate_series(1, 2001) n",
        LARGE,
    )
    before = sum(asked(model).values())
    run_id = airflow.trigger("analyse_backlog", {"imdb_ids": [LARGE], "budget_usd": 0.004})
    path = f"/dags/analyse_backlog/dagRuns/{run_id}"
    deadline = time.monotonic() + 120
    while not (waiting := airflow.call("GET", f"{path}/hitlDetails")["hitl_details"]):
        assert time.monotonic() < deadline, airflow.tasks("analyse_backlog", run_id)
        time.sleep(1)
    (question,) = waiting
    assert question["task_instance"]["rendered_map_index"] == question["subject"]
    assert "The Long Queue" in question["subject"]
    assert "2,001" in question["subject"] + (question["body"] or "")
    assert "$" in question["subject"] + (question["body"] or "")
    assert sum(asked(model).values()) == before

    def approve(_):
        # A person takes longer than 15 s; what comes sooner may be lost on LocalExecutor.
        for question in airflow.call("GET", f"{path}/hitlDetails")["hitl_details"]:
            asked_at = datetime.fromisoformat(question["created_at"])
            is_seen = datetime.now(UTC) - asked_at > timedelta(seconds=15)
            if is_seen and not question["response_received"]:
                task = question["task_instance"]
                airflow.call(
                    "PATCH",
                    f"{path}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails",
                    json={"chosen_options": ["Approve"]},
                )

    run = airflow.wait_for_run("analyse_backlog", run_id, watch=approve)
    assert run["state"] == "success"
    paid = calls(warehouse, run)
    assert paid
    assert sum(float(call["cost_usd"]) for call in paid) <= 0.004
    log = airflow.log(run, "summarise")
    assert f"{2001 - len(paid):,} reviews wait for money" in log, log[-3000:]
    assert sum(asked(model).values()) == before + len(paid)


def test_a_refused_key_stops_at_once_and_is_said_once(airflow, site, warehouse, model, key, cast):
    for movie in (cast["a"], cast["b"]):
        site.control("publish", imdb_id=movie, count=2)
    said = f"Incorrect API key provided: {key}. You can find your API key at your account."
    model.state.scenarios.add(Fail(401, message=said, code="invalid_api_key", times=None))
    before = asked(model).total()
    try:
        run = airflow.run_to_end("movie_reception", imdb_ids=[cast["a"], cast["b"]], mode="full")
    finally:
        model.state.scenarios.clear()
    assert run["state"] == "failed"
    tasks = [t for t in airflow.tasks_of(run) if t["task_id"] == "per_movie.analyse"]
    assert [(t["state"], t["try_number"]) for t in tasks] == [("failed", 1)] * 2
    # A task hears of the refusal before its first request, or meets it with that one.
    made = calls(warehouse, run)
    assert 1 <= len(made) <= len(tasks)
    assert {(call["outcome"], call["cost_usd"]) for call in made} == {("key_refused", 0)}
    assert asked(model).total() - before <= len(tasks)
    log = airflow.log(run, "summarise")
    assert "key" in log
    assert "401" in log


@pytest.mark.usefixtures("scored")
def test_the_key_is_nowhere_but_in_its_connection(airflow: AirflowRest, stack, model, key):
    connection = airflow.call("GET", f"/connections/{CONNECTION}")
    assert key not in json.dumps(connection)
    seen = 0
    for file in stack.dir.rglob("*"):
        if file.is_file() and not file.is_relative_to(stack.dir / "postgres"):
            seen += 1
            assert key.encode() not in file.read_bytes(), file
    assert seen > 50
    dsn = re.sub(
        r"^postgresql\+\w+:", "postgresql:", stack.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    )
    for url in (dsn, stack.env["FILMPULSE_WAREHOUSE_URL"]):
        with psycopg.connect(url) as database:
            tables = database.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            assert len(tables) > 10
            for (table,) in tables:
                found = database.execute(
                    f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s",  # noqa: S608
                    [f"%{key}%"],
                ).fetchone()
                assert found == (0,), table


@pytest.mark.usefixtures("scored")
def test_without_the_connection_the_paid_figures_stay(airflow, shell, warehouse, model, key, cast):
    airflow.call("DELETE", f"/connections/{CONNECTION}")
    try:
        run = airflow.run_to_end("movie_reception", imdb_ids=[cast["small"]], mode="full")
    finally:
        connect(airflow, model, key)
    assert run["state"] == "success"
    assert shown(warehouse, cast["small"])["analyser_kind"] == "llm"
    told = shell(f"filmpulse summary {cast['small']}")
    assert "gpt-6-luna" in told.stdout
