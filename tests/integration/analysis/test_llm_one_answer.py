"""One answer a text, whole: whoever is late, and whatever failed or was dropped before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Analysis, AspectScore, Call, Reading, ReviewText
from filmpulse.jobs.reception.score import _register, _store
from filmpulse.warehouse import figures
from filmpulse.warehouse.ledger import open_ledger

MOVIE = "tt9900001"
KEY = "a" * 64


class Model:
    """Names an analyser; asks nobody."""

    kind, model, prompt_version = "llm", "gpt-6-luna", "aspects_v1.test"
    parameters: dict[str, str] = {}  # noqa: RUF012


@pytest.fixture
def context(warehouse_url, tmp_path):
    made = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=tmp_path.as_uri())
    )
    with made.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'Pier', now())",
            [MOVIE],
        )
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) "
            "VALUES ('imdb', 'rw1', %s, 'Pier', 'The plot is fine.', false, 'h1', %s)",
            [MOVIE, datetime(2026, 1, 1, tzinfo=UTC)],
        )
    figures.count_all(made.warehouse)
    return made


def text():
    return ReviewText(
        source="imdb", review_id="rw1", imdb_id=MOVIE, content_hash="h1", language=None,
        text="Pier\n\nThe plot is fine.",
    )  # fmt: skip


def reading(overall, aspect):
    return Reading(
        status="scored",
        overall=overall,
        overall_quote="plot is fine",
        overall_quote_start=10,
        aspects=(AspectScore(aspect=aspect, score=overall, quote="The plot", quote_start=6),),
    )


def analysis(given, **more):
    return Analysis(
        **text().model_dump(exclude={"language", "text", "cast"}), **dict(given), **more
    )  # fmt: skip


def store(context, *analyses):
    analyser_id = _register(Model(), context)
    with context.warehouse.session() as connection:
        for one in analyses:
            _store(connection, [one], analyser_id)


def rows(context, statement):
    with context.warehouse.connect() as connection:
        return [tuple(row.values()) for row in connection.execute(statement)]


def test_a_late_answer_adds_no_aspect_to_the_first(context):
    store(context, analysis(reading(-2, "storytelling")), analysis(reading(2, "acting")))
    assert rows(context, "SELECT overall FROM core.review_analyses") == [(-2,)]
    assert rows(context, "SELECT aspect, score FROM core.aspect_scores") == [("storytelling", -2)]


def test_who_is_late_gets_the_answer_that_stands(context):
    about = {"run_id": "r", "model": "m", "prompt_version": "p", "run_usd": 1.0, "day_usd": 1.0}
    took = Call(outcome="scored", cost_usd=0.1)
    with (
        open_ledger(context.warehouse, **about) as slow,
        open_ledger(context.warehouse, **about) as quick,
    ):
        first = slow.begin(KEY, text(), most_usd=0.1, lease_seconds=0)
        second = quick.begin(KEY, text(), most_usd=0.1, lease_seconds=60)
        assert isinstance(second, int)
        kept = reading(1, "sound")
        assert quick.end(second, took, kept) == kept
        assert slow.end(first, took, reading(-1, "themes")) == kept
        assert slow.find([KEY]) == {KEY: kept}


def test_the_price_holds_what_was_tried_in_vain(context):
    tokens = {"input_tokens": 100, "output_tokens": 10, "cost_usd": 0.001}
    failed = analysis(Reading(status="failed"), **tokens)
    store(context, failed, failed, analysis(Reading(status="over_budget")))
    store(context, analysis(reading(1, "sound"), **tokens))
    (found,) = rows(
        context, "SELECT status, input_tokens, output_tokens, cost_usd FROM core.review_analyses"
    )
    assert (found[0], found[1], found[2], float(found[3])) == ("scored", 300, 30, 0.003)


def test_quotes_of_words_that_nobody_holds_any_more_are_not_kept(context):
    about = {"run_id": "r", "model": "m", "prompt_version": "p", "run_usd": 1.0, "day_usd": 1.0}
    with open_ledger(context.warehouse, **about) as ledger:
        call_id = ledger.begin(KEY, text(), most_usd=0.1, lease_seconds=60)
        rows_changed = "UPDATE core.reviews SET title = NULL, body = NULL RETURNING 1"
        assert rows(context, rows_changed) == [(1,)]
        ledger.end(call_id, Call(outcome="scored"), reading(1, "sound"))
        (kept,) = ledger.find([KEY]).values()
    store(context, analysis(reading(1, "sound")))
    assert (kept.overall, kept.overall_quote, kept.aspects[0].quote) == (1, None, None)
    assert rows(context, "SELECT overall, overall_quote FROM core.review_analyses") == [(1, None)]
    assert rows(context, "SELECT score, quote, quote_start FROM core.aspect_scores") == [
        (1, None, None)
    ]


def test_a_worker_that_waits_for_its_turn_comes_back_later(context):
    about = {"run_id": "r", "model": "m", "prompt_version": "p", "run_usd": 1.0, "day_usd": 1.0}
    with (
        context.warehouse.connect() as busy,
        open_ledger(context.warehouse, **about) as ledger,
    ):
        busy.execute("SELECT pg_advisory_xact_lock(hashtextextended('llm ledger', 0))")
        assert ledger.begin(KEY, text(), most_usd=0.1, lease_seconds=60) == "leased"
        busy.rollback()
        assert isinstance(ledger.begin(KEY, text(), most_usd=0.1, lease_seconds=60), int)


def test_a_switch_that_was_missed_is_made_up_for(context):
    store(context, analysis(reading(1, "sound")))
    assert rows(context, "SELECT active_analyser_id FROM core.movies") == [(None,)]
    assert jobs.plan_backlog(context).to_score  # the keyless analyser has not read it
    assert rows(
        context,
        "SELECT kind FROM core.movies JOIN core.analysers ON analyser_id = active_analyser_id",
    ) == [("lexicon",)]
