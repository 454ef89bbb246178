"""What a run says of its model: figures that add up, the right reason, the right budget."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Analysis
from filmpulse.jobs.reception.score import _register, _store, configured_analyser
from filmpulse.jobs.reception.summarise import review_scoring

MOVIE, RUN = "tt9900001", "manual__1"


@pytest.fixture
def context(warehouse_url, tmp_path):
    """Five reviews: two wait for money since an earlier run, one failed then, two are new."""
    made = jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=tmp_path.as_uri(),
            llm_api_key="sk-never-used",
            llm_base_url="http://127.0.0.1:9/v1",
            llm_provider="openai",
            llm_budget_usd_per_run=0.5,
            llm_budget_usd_per_day=1.0,
        )
    )
    with made.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'Pier', now())",
            [MOVIE],
        )
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) SELECT 'imdb', 'rw' || n, %s, 'Pier', 'Fine.', false, "
            "'h' || n, %s FROM generate_series(1, 5) n",
            [MOVIE, datetime(2026, 1, 1, tzinfo=UTC)],
        )
    with configured_analyser(made) as analyser:
        analyser_id = _register(analyser, made)
    statuses = {1: "over_budget", 2: "over_budget", 3: "failed"}
    with made.warehouse.session() as connection:
        _store(
            connection,
            [
                Analysis(
                    source="imdb", review_id=f"rw{n}", imdb_id=MOVIE, content_hash=f"h{n}",
                    status=status,
                )
                for n, status in statuses.items()
            ],
            analyser_id,
        )  # fmt: skip
    return made


def call(context, outcome, *, run_id=RUN, key="a", reserved=0.001, cost=0.0, sentence=None):
    with context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO ops.llm_calls (key, run_id, imdb_id, model, prompt_version, finished_at, "
            "outcome, reserved_usd, cost_usd, sentence) "
            "VALUES (%s, %s, %s, 'gpt-6-luna', 'v', now(), %s, %s, %s, %s)",
            [key, run_id, MOVIE, outcome, reserved, cost, sentence],
        )


def test_after_a_refusal_all_that_has_no_score_lacks_it_for_that(context):
    call(
        context, "key_refused", key=None, reserved=0, sentence="The endpoint refuses the key (401)."
    )
    told = review_scoring(RUN, [MOVIE], context)
    assert told.lines == told.warnings == []
    assert told.failures == [
        "The endpoint refuses the key (401). 5 reviews of 1 movie lack a score by gpt-6-luna."
    ]


def test_an_outage_is_named_and_nothing_waits_for_money_that_is_there(context):
    for _ in range(3):
        call(context, "unavailable", sentence="The endpoint is not well (503).")
    call(context, "timeout", cost=None, sentence="The endpoint gave no answer in 60 s.")
    told = review_scoring(RUN, [MOVIE], context)
    assert told.lines == [
        "gpt-6-luna: 4 calls (1 timeout, 3 unavailable), 0 tokens in, 0 out, $0.0000 of $0.50 and "
        "$0.0010 set aside for 1 that ended without a price; 0 of 0 quotes dropped"
    ]
    assert told.warnings == []
    assert told.failures == [
        f"{MOVIE} Pier: 5 reviews have no score by gpt-6-luna; most often: The endpoint is not "
        "well (503)."
    ]


@pytest.mark.parametrize(
    ("run_id", "spent", "left"),
    [
        (RUN, 0.4995, "$0.0005 of the run's $0.50 are left"),
        ("another", 0.9996, "$0.0004 of the day's $1.00 are left"),
    ],
)
def test_what_waits_for_money_says_for_which(context, run_id, spent, left):
    call(context, "scored")
    call(context, "scored", run_id=run_id, cost=spent)
    told = review_scoring(RUN, [MOVIE], context)
    (waits,) = told.warnings
    assert waits.startswith(f"{MOVIE} Pier: 2 reviews wait for money (")
    assert waits.endswith(f": {left}.")
    assert told.failures == [
        f"{MOVIE} Pier: 3 reviews have no score by gpt-6-luna; the log of `analyse` says why."
    ]


def test_a_backlog_answers_for_what_was_planned(context):
    planned = [m._replace(untouched=1) for m in jobs.plan_backlog(context).to_score]
    told = jobs.review_backlog(RUN, planned, context)
    assert told.lines == [f"{MOVIE} Pier: 0 of 4 reviews finished"]
    assert told.failures == [
        f"{MOVIE} Pier: 4 reviews have no score by gpt-6-luna; the log of `score` says why."
    ]
