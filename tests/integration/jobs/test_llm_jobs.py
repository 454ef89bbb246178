"""Jobs that a model works for: budget, approval, refusal, and the keyless figures behind it.

A real Postgres, and an endpoint on loopback that speaks OpenAI's words and makes up every quote.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import fake_endpoint
import pytest
from llmock.scenarios import Fail, Match, Reply
from llmock.testing import LLMockServer
from typer.testing import CliRunner

from filmpulse import cli, jobs
from filmpulse import warehouse as wh
from filmpulse.config import Settings
from filmpulse.errors import BadInput, CollectionFailed, LlmRefused, Retryable
from filmpulse.jobs.reception import score
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.migrate import Revision

KEY = "sk-of-a-test-d41d8cd98f00b204"
A, B, C = "tt9900001", "tt9900002", "tt9900003"
ON_CHATS = Match(path="/v1/chat/completions")
TITLES = {A: "The Long Queue", B: "Zwölf Türen [uncut]", C: "Ödland"}


@pytest.fixture(scope="module")
def endpoint():
    with LLMockServer() as server:
        yield server


@pytest.fixture
def settings(endpoint, warehouse_url, tmp_path):
    endpoint.state.scenarios.clear()
    endpoint.state.journal.clear()
    return Settings(
        warehouse_url=warehouse_url,
        lake_url=tmp_path.as_uri(),
        llm_base_url=endpoint.base_url("openai"),
        llm_api_key=KEY,
        llm_requests_per_minute=60_000,
        llm_tokens_per_minute=100_000_000,
    )


@pytest.fixture
def context(settings):
    return jobs.Context.from_settings(settings)


@pytest.fixture
def keyless(context):
    return keyless_of(context)


def keyless_of(context):
    """Return the same warehouse without a model."""
    values = {"llm_base_url": None, "llm_api_key": None}
    return jobs.Context.from_settings(context.settings.model_copy(update=values))


def rows(context, statement, *values):
    with Warehouse(context.warehouse.url).connect() as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def store(context, imdb_id, count, *, newest=date(2026, 6, 30), step=1):
    """Store reviews of a movie, a day or more apart, the first the newest."""
    rows(
        context,
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, %s, now()) "
        "ON CONFLICT DO NOTHING",
        imdb_id, TITLES[imdb_id],
    )  # fmt: skip
    reviews = [
        (
            f"rw{imdb_id[2:]}{n:04}", imdb_id, f"Scene {n}",
            f"The plot of {imdb_id} is wonderful in scene {n}, and the acting superb.",
            f"{imdb_id} {n}", newest - timedelta(days=n * step),
        )
        for n in range(count)
    ]  # fmt: skip
    with Warehouse(context.warehouse.url).connect() as connection:
        connection.cursor().executemany(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, submitted_on, first_seen_at) "
            "VALUES ('imdb', %s, %s, %s, %s, false, %s, %s, now())",
            reviews,
        )


def shown(context, imdb_id):
    return rows(context, "SELECT * FROM mart.movies WHERE imdb_id = %s", imdb_id)[0]


def calls(context, run_id):
    return rows(context, "SELECT * FROM ops.llm_calls WHERE run_id = %s", run_id)


def asked(endpoint):
    return sum(
        record.path.endswith("/chat/completions")
        for record in endpoint.state.journal.records(wait=5)
    )


def refuse(endpoint):
    said = f"Incorrect API key provided: {KEY}. You can find your API key at your account."
    endpoint.state.scenarios.add(Fail(401, message=said, code="invalid_api_key", times=None))


def budget_for(context, n):
    """Have one review of another movie read, and return a budget for so many like it.

    The last is sent when what it can cost at most is left, which is more than it does.
    """
    store(context, C, 1)
    jobs.analyse(C, context, run_id="price")
    (call,) = calls(context, "price")
    return (n - 0.5) * float(call["cost_usd"]) + float(call["reserved_usd"])


def test_the_line_of_a_run_is_the_sum_of_its_calls(context):
    store(context, A, 5)
    store(context, B, 4)
    assert jobs.analyse(A, context, run_id="r1") == (5, 5, 0, False)
    assert jobs.analyse(B, context, run_id="r1").scored == 4
    made = calls(context, "r1")
    total = {
        name: sum(call[name] for call in made)
        for name in ("input_tokens", "output_tokens", "cost_usd", "quotes_given", "quotes_dropped")
    }
    assert len(made) == 9
    assert 0 < total["cost_usd"] < 0.5
    assert total["quotes_dropped"] == total["quotes_given"] > 20
    told = jobs.review_scoring("r1", [A, B], context)
    assert told.lines == [
        f"gpt-6-luna: 9 calls, {total['input_tokens']:,} tokens in, {total['output_tokens']:,} "
        f"out, ${total['cost_usd']:.4f} of $0.50; {total['quotes_dropped']:,} of "
        f"{total['quotes_given']:,} quotes dropped"
    ]
    assert [re.search(r"more than 5%", warning) is not None for warning in told.warnings] == [True]
    assert told.failures == []
    for imdb_id in (A, B):
        now = shown(context, imdb_id)
        assert (now["analyser_kind"], now["analyser_model"]) == ("llm", "gpt-6-luna")


@pytest.mark.rows_by_hand
def test_what_is_cached_and_what_nobody_priced_is_told(context):
    store(context, A, 1)
    rows(
        context,
        """INSERT INTO ops.llm_calls (run_id, model, prompt_version, outcome, finished_at,
               input_tokens, cached_tokens, output_tokens, reserved_usd, cost_usd)
           VALUES ('r1', 'gpt-6-luna', 'v1', 'scored', now(), 800000, 120000, 91000, 0.2, 0.1312),
                  ('r1', 'gpt-6-luna', 'v1', 'timeout', now(), NULL, NULL, NULL, 0.0021, NULL),
                  ('r2', 'gpt-6-luna', 'v1', 'scored', now(), 5, 0, 5, 0.1, 0.1)""",
    )
    told = jobs.review_scoring("r1", [], context, 0.125)
    assert told.lines == [
        "gpt-6-luna: 2 calls, 800,000 tokens in (120,000 cached), 91,000 out, $0.1312 of $0.125 "
        "and $0.0021 set aside for 1 that ended without a price; 0 of 0 quotes dropped"
    ]
    assert told.warnings == []


def test_a_second_run_asks_nothing_and_has_no_line(context, endpoint):
    store(context, A, 3)
    jobs.analyse(A, context, run_id="r1")
    before = asked(endpoint)
    assert jobs.analyse(A, context, run_id="r2") == (0, 0, 0, False)
    assert asked(endpoint) == before == 3
    assert jobs.review_scoring("r2", [A], context) == ([], [], [], 0)


def test_what_the_budget_does_not_cover_waits_behind_keyless_figures(context):
    budget = budget_for(context, 8)
    store(context, A, 20)
    assert jobs.analyse(A, context, run_id="r1", budget_usd=budget) == (20, 8, 12, False)
    assert sum(float(call["cost_usd"]) for call in calls(context, "r1")) <= budget
    newest = {f"rw{A[2:]}{n:04}" for n in range(8)}
    read = rows(
        context,
        "SELECT review_id FROM core.review_analyses JOIN core.analysers USING (analyser_id) "
        "WHERE imdb_id = %s AND kind = 'llm' AND status = 'scored'",
        A,
    )
    assert {row["review_id"] for row in read} == newest
    assert (shown(context, A)["analyser_kind"], shown(context, A)["scored_reviews"]) == (
        "lexicon",
        20,
    )
    told = jobs.review_scoring("r1", [A], context, budget)
    (waits,) = [warning for warning in told.warnings if "money" in warning]
    assert waits.startswith(f"{A} The Long Queue: 12 reviews wait for money (")
    assert "$0.01" in waits
    assert told.failures == []
    # the next one goes on
    assert jobs.analyse(A, context, run_id="r2").scored == 12
    assert (shown(context, A)["analyser_kind"], shown(context, A)["scored_reviews"]) == ("llm", 20)
    assert not any("money" in w for w in jobs.review_scoring("r2", [A], context).warnings)


@pytest.mark.parametrize(("paid", "kind"), [(18, "lexicon"), (19, "llm")])
def test_a_movie_shows_the_model_from_95_percent_on(context, paid, kind):
    budget = budget_for(context, paid)
    store(context, A, 20)
    assert jobs.analyse(A, context, run_id="r1", budget_usd=budget).scored == paid
    assert shown(context, A)["analyser_kind"] == kind
    assert shown(context, A)["waiting_reviews"] == (0 if kind == "lexicon" else 1)


def test_the_day_is_limited_for_all_runs_together(settings, context):
    budget = budget_for(context, 8)  # one of them is spent by it
    store(context, A, 20)
    day = settings.model_copy(update={"llm_budget_usd_per_day": budget})
    limited = jobs.Context.from_settings(day)
    assert jobs.analyse(A, limited, run_id="r1") == (20, 7, 13, False)
    spent = rows(context, "SELECT sum(coalesce(cost_usd, reserved_usd)) AS usd FROM ops.llm_calls")
    assert float(spent[0]["usd"]) <= budget
    assert jobs.analyse(A, limited, run_id="r2").scored == 0


def test_a_refused_key_is_said_once_for_all_movies_and_never_shown(context, endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    for imdb_id in (A, B, C):
        store(context, imdb_id, 10)
    refuse(endpoint)
    said = set()
    for imdb_id in (A, B, C):
        with pytest.raises(LlmRefused) as error:
            jobs.analyse(imdb_id, context, run_id="r1")
        said.add(str(error.value))
        assert (error.value.reason, error.value.__cause__) == ("key_refused", None)
        assert shown(context, imdb_id)["analyser_kind"] == "lexicon"
        assert shown(context, imdb_id)["scored_reviews"] == 10
    assert (asked(endpoint), len(calls(context, "r1"))) == (0, 1)  # its list of models told
    (sentence,) = said
    told = jobs.review_scoring("r1", [A, B, C], context)
    assert told.failures == [f"{sentence} 30 reviews of 3 movies lack a score by gpt-6-luna."]
    planned = jobs.plan_backlog(context).to_score
    assert jobs.review_backlog("r1", planned, context).failures == told.failures
    everything = "\n".join([caplog.text, *said, *told.failures, repr(context)])
    assert KEY not in everything
    # mended, and cleared by hand: the same run ends well
    endpoint.state.scenarios.clear()
    rows(context, "UPDATE ops.llm_calls SET finished_at = finished_at - interval '1 hour', "
         "started_at = started_at - interval '1 hour'")  # fmt: skip
    for imdb_id in (A, B, C):
        assert jobs.analyse(imdb_id, context, run_id="r1").scored == 10
    assert jobs.review_scoring("r1", [A, B, C], context).failures == []


@pytest.fixture
def odd(settings):
    """Context whose model answers in a mode of the fake endpoint, uselessly if none is named."""
    with fake_endpoint.running() as server:
        values = {
            "llm_model": fake_endpoint.MODEL,
            "llm_price_input_usd": 0.1,
            "llm_price_output_usd": 0.5,
            "llm_concurrency": 1,
        }

        def made(mode="single"):
            given = settings.model_copy(update=values | {"llm_base_url": server.url(mode)})
            return jobs.Context.from_settings(given)

        made.server = server
        yield made


def test_useless_answers_stop_all_tasks_of_their_run_and_are_said_once(odd):
    context = odd()
    store(context, A, 12)
    store(context, B, 5)
    for imdb_id in (A, B):
        with pytest.raises(LlmRefused) as error:
            jobs.analyse(imdb_id, context, run_id="r1")
        assert error.value.reason == "unusable_answers"
        assert shown(context, imdb_id)["analyser_kind"] == "lexicon"
    assert len(odd.server.chats) == 10
    told = jobs.review_scoring("r1", [A, B], context)
    assert told.failures == [f"{error.value} 7 reviews of 2 movies lack a score by m."]
    assert told.lines[0].startswith("m: 10 calls (10 invalid), ")
    # What was answered stays, and another run begins anew.
    assert jobs.analyse(B, context, run_id="r2").texts == 5
    assert len(odd.server.chats) == 15


def test_useless_answers_fail_a_run_that_has_no_review_left(odd):
    """All were answered when the tenth came; mended under the same run id, it ends well."""
    context = odd()
    store(context, A, 10)
    with pytest.raises(LlmRefused) as error:
        jobs.analyse(A, context, run_id="r1")
    assert jobs.review_scoring("r1", [A], context).failures == [str(error.value)]
    rows(context, "UPDATE ops.llm_calls SET finished_at = finished_at - interval '1 hour'")
    mended = odd("fenced")
    assert jobs.analyse(A, mended, run_id="r1").scored == 10
    told = jobs.review_scoring("r1", [A], mended)
    assert told.failures == []
    assert told.lines[-1] == "m: 10 answers came in a code fence"


def test_the_ways_of_reading_are_told_of_one_run_alone(odd):
    context = odd()
    store(context, A, 2)
    jobs.analyse(A, odd("fencedprose"), run_id="r0")
    jobs.analyse(A, odd("wrapped"), run_id="r1")
    (_, first), (_, second) = (jobs.review_scoring(r, [A], context).lines for r in ("r0", "r1"))
    assert first == "m: 2 answers came in a code fence; 2 answers came with prose around the JSON"
    assert second == "m: 2 answers came in a wrapper object"


def test_a_run_of_the_main_job_names_the_refusal_and_no_movie(context, endpoint):
    for imdb_id in (A, B):
        store(context, imdb_id, 2)
        rows(
            context,
            """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, distinct_ids,
                   manifest_uri, loaded_at, inserted_rows, revised_rows, updated_rows, removed_rows)
               VALUES ('r1', 'imdb', %s, 'full', 'complete', 2, %s, now(), 2, 0, 0, 0)""",
            imdb_id, f"file:///{imdb_id}",
        )  # fmt: skip
    refuse(endpoint)
    for imdb_id in (A, B):
        with pytest.raises(LlmRefused):
            jobs.analyse(imdb_id, context, run_id="r1")
    with pytest.raises(CollectionFailed) as error:
        jobs.summarise("r1", context)
    headline, *failures = str(error.value).splitlines()
    assert headline == "Not all is well:"
    assert [failure.partition(" refuses the key (401)")[1] != "" for failure in failures] == [True]
    assert failures[0].endswith("4 reviews of 2 movies lack a score by gpt-6-luna.")


def test_settings_that_cannot_be_used_are_told_and_new_reviews_scored(settings, endpoint):
    context = jobs.Context.from_settings(
        settings.model_copy(update={"llm_model": "nobody-knows-1"})
    )
    store(context, A, 3)
    with pytest.raises(BadInput, match="nobody-knows-1"):
        jobs.analyse(A, context, run_id="r1")
    assert (shown(context, A)["analyser_kind"], shown(context, A)["scored_reviews"]) == (
        "lexicon",
        3,
    )
    (failure,) = jobs.review_scoring("r1", [A], context).failures
    assert "nobody-knows-1" in failure
    assert asked(endpoint) == 0


def test_a_mistake_in_a_connection_stops_neither_figures_nor_the_summary(context, endpoint):
    def read(settings):
        raise BadInput("The Connection is wrong.")

    broken = context.with_model(read)
    assert not broken.settings.has_llm  # nor does the environment's model step in
    store(context, A, 3)
    with pytest.raises(BadInput, match="is wrong"):
        jobs.analyse(A, broken, run_id="r1")
    assert (shown(context, A)["analyser_kind"], shown(context, A)["scored_reviews"]) == (
        "lexicon",
        3,
    )
    rows(
        context,
        """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, distinct_ids,
               manifest_uri, loaded_at, inserted_rows, revised_rows, updated_rows, removed_rows)
           VALUES ('r1', 'imdb', %s, 'full', 'complete', 3, %s, now(), 3, 0, 0, 0)""",
        A, f"file:///{A}",
    )  # fmt: skip
    told = jobs.review_run("r1", broken)
    assert (told.failures, told.changed_rows) == (["The Connection is wrong."], 3)
    assert told.lines[0].startswith(f"{A} The Long Queue: complete, 3 reviews read; 3 new")
    for ask in (jobs.plan_backlog, jobs.who_reads):
        with pytest.raises(BadInput, match="is wrong"):
            ask(broken)
    assert asked(endpoint) == 0


class _Timeout(BaseException):
    """What Airflow raises where a task's time is over is no Exception either."""


def test_a_task_that_is_ended_leaves_keyless_figures(context):
    def end(done, total):
        raise _Timeout

    store(context, A, 3)
    with pytest.raises(_Timeout):
        jobs.analyse(A, context, run_id="r1", progress=end)
    assert (shown(context, A)["analyser_kind"], shown(context, A)["scored_reviews"]) == (
        "lexicon",
        3,
    )
    assert jobs.analyse(A, context, run_id="r2").scored == 2
    assert shown(context, A)["analyser_kind"] == "llm"


def test_what_a_model_shows_is_not_shown_otherwise_while_it_reads_on(context):
    store(context, A, 3)
    jobs.analyse(A, context, run_id="r1")
    store_more = """INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler,
        content_hash, first_seen_at) VALUES ('imdb', 'rwnew', %s, 'New', 'A dull plot.', false,
        'new', now())"""
    rows(context, store_more, A)
    while_reading = []
    jobs.analyse(
        A, context, run_id="r2",
        progress=lambda *_: while_reading.append(shown(context, A)["analyser_kind"]),
    )  # fmt: skip
    assert while_reading == ["llm"]


def test_two_workers_take_turns_and_no_longer_than_some_minutes(context, monkeypatch):
    monkeypatch.setattr(score, "PATIENCE", "50ms")
    store(context, A, 1)
    with context.warehouse.session() as other:
        other.execute(wh.sql("lock_scoring"), {"imdb_id": A, "patience": "5s"})
        with pytest.raises(Retryable, match=f"^{A}: another worker") as error:
            jobs.analyse(A, context, run_id="r1")
        assert error.value.reason == "busy"
        (limit,) = other.execute("SHOW lock_timeout").fetchone().values()
        assert limit == "0"  # the wish was for one statement
    assert jobs.analyse(A, context, run_id="r1").scored == 1


def test_two_runs_of_the_backlog_at_once_share_it(context, endpoint):
    for imdb_id in (A, B):
        store(context, imdb_id, 10)
    planned = jobs.plan_backlog(context).to_score
    together = threading.Barrier(2, timeout=30)

    def work(run_id):
        together.wait()
        return jobs.analyse_backlog(run_id, context)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(work, ("r1", "r2")))
    assert asked(endpoint) == len(calls(context, "r1")) + len(calls(context, "r2")) == 20
    assert [one.waiting for one in done] == [0, 0]
    for run_id in ("r1", "r2"):
        assert jobs.review_backlog(run_id, planned, context).failures == []
    for imdb_id in (A, B):
        found = shown(context, imdb_id)
        assert (found["analyser_kind"], found["scored_reviews"]) == ("llm", 10)


def test_a_large_movie_asks_first_and_once(context, endpoint, monkeypatch):
    monkeypatch.setattr(score, "LARGE_MOVIE", 9)
    budget = budget_for(context, 5)
    before = asked(endpoint)
    store(context, A, 12)
    assert jobs.analyse(A, context, run_id="r1") == (12, 0, 12, True)
    assert asked(endpoint) == before
    assert (shown(context, A)["analyser_kind"], shown(context, A)["scored_reviews"]) == (
        "lexicon",
        12,
    )
    told = jobs.review_scoring("r1", [A], context)
    (waits,) = told.warnings
    assert re.fullmatch(
        rf"{A} The Long Queue: 12 reviews \((about|under) \$\d\.\d\d\) wait for approval: "
        rf"`analyse_backlog` asks, or `filmpulse analyse {A} --yes`\.",
        waits,
    )
    assert told.failures == []
    found = jobs.analyse(A, context, run_id="r2", budget_usd=budget, is_approved=True)
    assert found == (12, 5, 7, False)
    # what was approved of waits for money, not for approval
    backlog = jobs.plan_backlog(context)
    assert (len(backlog.to_score), backlog.to_approve) == (1, [])
    assert jobs.analyse_backlog("r3", context).waiting == 0
    assert shown(context, A)["analyser_kind"] == "llm"


def test_the_backlog_buys_what_is_newest_of_all_movies(context, endpoint):
    budget = budget_for(context, 9)
    store(context, A, 10, newest=date(2026, 6, 30), step=2)
    store(context, B, 10, newest=date(2026, 6, 29), step=2)
    (a, b) = jobs.plan_backlog(context).to_score
    assert [(m.imdb_id, m.title, m.texts) for m in (a, b)] == [
        (A, TITLES[A], 10),
        (B, TITLES[B], 10),
    ]
    told = []
    done = jobs.analyse_backlog(
        "r1", context, budget_usd=budget, progress=lambda *n: told.append(n)
    )
    assert done == (20, 9, 11, False)
    assert told[-1] == (20, 20)
    read = rows(
        context,
        """SELECT r.review_id FROM core.reviews r JOIN core.review_analyses a USING (source,
           review_id) JOIN core.analysers USING (analyser_id)
           WHERE kind = 'llm' AND status = 'scored' AND r.imdb_id <> %s""",
        C,
    )
    newest = rows(
        context,
        "SELECT review_id FROM core.reviews WHERE imdb_id <> %s ORDER BY submitted_on DESC LIMIT 9",
        C,
    )
    assert {r["review_id"] for r in read} == {r["review_id"] for r in newest}
    for imdb_id in (A, B):
        assert shown(context, imdb_id)["analyser_kind"] == "lexicon"
    closed = jobs.review_backlog("r1", [a, b], context, budget)
    assert closed.lines[:2] == [
        f"{A} {TITLES[A]}: 5 of 10 reviews finished",
        f"{B} {TITLES[B]}: 4 of 10 reviews finished",
    ]
    assert (closed.changed_rows, closed.failures) == (9, [])
    assert jobs.analyse_backlog("r2", context, [B]) == (6, 6, 0, False)
    assert (shown(context, A)["analyser_kind"], shown(context, B)["analyser_kind"]) == (
        "lexicon",
        "llm",
    )
    with pytest.raises(BadInput, match="tt1234567"):
        jobs.plan_backlog(context, [A, "tt1234567"])


def test_a_backlog_of_the_keyless_analyser_is_free_and_asks_nobody(keyless, endpoint, monkeypatch):
    monkeypatch.setattr(score, "LARGE_MOVIE", 3)
    store(keyless, A, 6)
    store(keyless, B, 5)
    backlog = jobs.plan_backlog(keyless)
    assert [movie.texts for movie in backlog.to_score] == [6, 5]
    assert backlog.to_approve == []
    assert jobs.analyse_backlog("r1", keyless) == (11, 11, 0, False)
    closed = jobs.summarise_backlog("r1", backlog.to_score, keyless)
    assert closed.lines == [
        f"{A} The Long Queue: 6 of 6 reviews finished",
        f"{B} Zwölf Türen [uncut]: 5 of 5 reviews finished",
    ]
    assert closed.changed_rows == 11
    assert jobs.plan_backlog(keyless) == ([], [])
    assert asked(endpoint) == 0


def test_a_backlog_of_the_keyless_analyser_counts_no_movie_for_texts_of_others(
    keyless, monkeypatch
):
    """The reviews of both movies lie on the same days; a step holds four texts of one movie."""
    counted, told = [], []
    changing = score.changing
    monkeypatch.setattr(score, "STEP", 4)
    monkeypatch.setattr(score, "STEP_SECONDS", 600)
    monkeypatch.setattr(
        score, "changing", lambda on, imdb_id: counted.append(imdb_id) or changing(on, imdb_id)
    )
    store(keyless, A, 8)
    store(keyless, B, 8)
    done = jobs.analyse_backlog("r1", keyless, progress=lambda *seen: told.append(seen))
    assert done == (16, 16, 0, False)
    assert sorted(counted) == [A, A, B, B]
    assert told == [(4, 16), (8, 16), (12, 16), (16, 16)]


def test_without_the_key_paid_figures_stay_and_new_reviews_are_no_fault(context, keyless):
    store(context, A, 40)
    jobs.analyse(A, context, run_id="r1")
    rows(context, "DELETE FROM core.reviews WHERE review_id = %s", f"rw{A[2:]}0000")
    store_one = "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, " \
        "content_hash, first_seen_at) VALUES ('imdb', 'rwnew', %s, 'New', 'A dull plot.', false, " \
        "'new', now())"  # fmt: skip
    rows(context, store_one, A)
    jobs.analyse(A, keyless)
    assert shown(context, A)["analyser_kind"] == "llm"
    assert jobs.review_scoring("r2", [A], keyless) == ([], [], [], 0)


def run(context, monkeypatch, *arguments, **more):
    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    return CliRunner().invoke(cli.app, list(arguments), **more)


def test_the_command_line_estimates_asks_and_tells(context, endpoint, monkeypatch):
    monkeypatch.setattr(score, "LARGE_MOVIE", 9)
    store(context, A, 12)
    store(context, B, 3)
    done = run(context, monkeypatch, "analyse", "--estimate")
    assert done.exit_code == 0, done.output
    assert "asks first" in done.stdout
    assert TITLES[B] in done.stdout
    assert "15 reviews of 2 movies" in done.stdout
    assert asked(endpoint) == 0

    done = run(context, monkeypatch, "analyse")  # nobody to ask
    assert done.exit_code == 1
    assert f"filmpulse analyse {A} --yes" in done.stderr
    assert "3 of 3 reviews finished" in done.stdout
    assert "gpt-6-luna: 3 calls" in done.stdout
    assert asked(endpoint) == 3

    done = run(context, monkeypatch, "analyse", A, "--yes", "--budget-usd", "0")
    assert done.exit_code == 0, done.output
    assert "12 reviews wait for money" in done.stderr
    assert asked(endpoint) == 3

    done = run(context, monkeypatch, "analyse")
    assert (done.exit_code, asked(endpoint)) == (0, 15)
    assert "of $0.50" in done.stdout
    told = run(context, monkeypatch, "analyse").stdout
    assert told.startswith("Every review has been read by gpt-6-luna at 127.0.0.1:")
    assert "12 scored by llm gpt-6-luna" in run(context, monkeypatch, "summary", A).stdout


def test_the_command_line_says_a_refusal_once(context, endpoint, monkeypatch):
    for imdb_id in (A, B):
        store(context, imdb_id, 2)
    refuse(endpoint)
    done = run(context, monkeypatch, "analyse")
    assert done.exit_code == 1
    assert done.stderr.count("refuses the key (401)") == 1
    assert KEY not in done.output
    assert "2 scored by the keyless lexicon" in run(context, monkeypatch, "summary", A).stdout


def test_what_was_said_hides_no_other_failure(capsys):
    sentence = "The endpoint does not answer."
    failures = [
        sentence,
        f"{A} The Long Queue: failed. {sentence}",
        f"{sentence} 3 reviews of 1 movie lack a score.",
        f"{B} Zwölf Türen: blocked. {sentence} And its page is a puzzle.",
        f"{C} Ödland: failed. Nor: {sentence}x",
    ]
    cli.common.tell(jobs.RunSummary([], [], failures, 0), [sentence])
    assert capsys.readouterr().err.splitlines() == failures[-2:]


def test_the_command_line_says_what_useless_answers_look_like(odd, monkeypatch):
    store(odd(), A, 12)
    done = run(odd(), monkeypatch, "analyse")
    assert done.exit_code == 1
    assert "{'storytelling': {'mentioned':" in " ".join(done.output.split())
    assert len(odd.server.chats) == 10


def answer_in_prose(endpoint, times):
    endpoint.state.scenarios.add(Reply(text="I would rather not.", times=times, match=ON_CHATS))


def age_answers(context, interval="25 hours"):
    rows(
        context,
        "UPDATE ops.llm_results SET finished_at = finished_at - %s::interval "
        "WHERE status IS NOT NULL",
        interval,
    )


def statuses(context, imdb_id):
    return Counter(
        row["status"]
        for row in rows(
            context,
            "SELECT status FROM core.review_analyses a JOIN core.analysers USING (analyser_id) "
            "WHERE imdb_id = %s AND kind = 'llm'",
            imdb_id,
        )
    )


def test_an_unreadable_answer_is_asked_for_again_once_a_day(context, endpoint):
    store(context, A, 8)
    answer_in_prose(endpoint, 1)
    assert jobs.analyse(A, context, run_id="r1").scored == 7
    assert statuses(context, A) == {"scored": 7, "invalid": 1}
    assert jobs.plan_backlog(context) == ([], [])
    age_answers(context, "23 hours")
    assert jobs.analyse(A, context, run_id="r2").texts == 0
    age_answers(context, "2 hours")
    (movie,) = jobs.plan_backlog(context).to_score
    assert (movie.invalid, movie.texts, movie.usd > 0) == (1, 1, True)
    answer_in_prose(endpoint, 1)
    assert jobs.analyse(A, context, run_id="r3") == (1, 0, 0, False)
    assert statuses(context, A) == {"scored": 7, "invalid": 1}
    assert jobs.plan_backlog(context) == ([], [])  # its day begins anew
    age_answers(context)
    assert jobs.analyse(A, context, run_id="r4") == (1, 1, 0, False)
    assert statuses(context, A) == {"scored": 8}
    assert [len(calls(context, run)) for run in ("r1", "r2", "r3", "r4")] == [8, 0, 1, 1]
    cost = rows(context, "SELECT sum(cost_usd) AS usd FROM core.review_analyses")[0]["usd"]
    assert cost == sum(
        call["cost_usd"] for run in ("r1", "r3", "r4") for call in calls(context, run)
    )


def test_a_person_may_ask_again_at_once_for_some_movies(context, endpoint, settings, monkeypatch):
    for imdb_id in (A, B):
        store(context, imdb_id, 1)
        answer_in_prose(endpoint, 1)
        jobs.analyse(imdb_id, context, run_id="r1")
    monkeypatch.setattr(cli.common, "scoring_context", lambda: context)
    again = ["analyse", "--again", "invalid", A]
    assert CliRunner().invoke(cli.app, [*again, "--estimate"]).exit_code == 0
    assert len(calls(context, "r1")) == asked(endpoint) == 2
    assert CliRunner().invoke(cli.app, again).exit_code == 0
    assert asked(endpoint) == 3
    assert (statuses(context, A), statuses(context, B)) == ({"scored": 1}, {"invalid": 1})
    assert CliRunner().invoke(cli.app, again).exit_code == 0
    assert asked(endpoint) == 3
    assert CliRunner().invoke(cli.app, again[:-1]).exit_code == 0
    assert (asked(endpoint), statuses(context, B)) == (4, {"scored": 1})


def test_no_answer_takes_the_place_of_an_unreadable_one(context, settings, endpoint):
    """It is final, so that a movie's figures do not change because the money is spent."""
    store(context, A, 5)
    answer_in_prose(endpoint, 1)
    jobs.analyse(A, context, run_id="r1")
    age_answers(context)
    assert jobs.analyse(A, context, run_id="r2", budget_usd=0) == (1, 0, 1, False)
    assert statuses(context, A) == {"scored": 4, "invalid": 1}
    told = jobs.review_scoring("r2", [A], context, budget_usd=0)
    assert told.failures == []
    endpoint.state.scenarios.add(Fail(400, times=None, match=ON_CHATS))
    for n in range(8):
        store_more(context, n)
    with pytest.raises(LlmRefused):
        jobs.analyse(A, context, run_id="r3")
    assert statuses(context, A)["invalid"] == 1


def store_more(context, n):
    rows(
        context,
        "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
        "content_hash, first_seen_at) VALUES ('imdb', %s, %s, 'New', %s, false, %s, now())",
        f"rwnew{n}", A, f"A dull plot, number {n}.", f"new {n}",
    )  # fmt: skip


def test_a_model_whose_answers_cannot_be_read_takes_no_figures_away(context, endpoint):
    """Too few in a row to stop the run: all reviews get a final status, and few a score."""
    store(context, A, 9)
    jobs.analyse(A, keyless_of(context))
    before = figures(context, A)
    assert before["scored_reviews"] == 9
    answer_in_prose(endpoint, 3)
    jobs.analyse(A, context, run_id="r1")
    assert statuses(context, A) == {"scored": 6, "invalid": 3}
    assert figures(context, A) == before
    summary = jobs.summary(A, context)
    assert "6 of the 9" in summary.movie["awaited_sentence"]
    assert "6 of the 9" in " ".join(jobs.review_scoring("r1", [A], context).warnings)
    jobs.ask_again(context, [A])
    jobs.analyse(A, context, run_id="r2")
    assert shown(context, A)["analyser_kind"] == "llm"
    assert jobs.summary(A, context).movie["awaited_sentence"] is None


def test_an_upgrade_gives_a_movie_its_figures_back(context, endpoint, monkeypatch):
    """An older version showed the model as soon as it had finished, whatever that had brought."""
    store(context, A, 9)
    store(context, B, 9)
    for imdb_id in (A, B):
        jobs.analyse(imdb_id, keyless_of(context))
    before = figures(context, A)
    answer_in_prose(endpoint, 9)
    jobs.analyse(A, context, run_id="r1")
    jobs.analyse(B, context, run_id="r1")
    model = shown(context, B)["analyser_id"]
    rows(context, "UPDATE core.movies SET active_analyser_id = %s", model)
    assert shown(context, A)["scored_reviews"] == 0
    jobs.setup_warehouse(context)  # nothing to upgrade
    assert shown(context, A)["scored_reviews"] == 0
    monkeypatch.setattr("filmpulse.warehouse.migrate.migrate", lambda url: Revision("0009", "0011"))
    jobs.setup_warehouse(context)
    assert figures(context, A) == before
    assert shown(context, B)["analyser_kind"] == "llm"


def figures(context, imdb_id):
    wanted = ("analyser_kind", "scored_reviews", "mean_overall", "waiting_reviews", "is_enough")
    return {name: shown(context, imdb_id)[name] for name in wanted}
