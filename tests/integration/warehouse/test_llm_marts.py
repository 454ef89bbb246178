"""What dashboards see of a model's scores: quotes, what waits, cost by day, and by analyser."""

from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from filmpulse.items import AnalysisStatus, CallOutcome
from filmpulse.warehouse import Warehouse, figures

pytestmark = pytest.mark.rows_by_hand

MOVIE, OTHER = "tt99000001", "tt99000002"
FINAL = ("scored", "refused", "content_filter", "truncated", "invalid", "unsupported_language")


@pytest.fixture
def connection(warehouse_url):
    """Two movies shown under a model; the first has a review of each status and a new one."""
    with Warehouse(warehouse_url).session() as connection:
        connection.execute(
            """INSERT INTO core.analysers (kind, model, prompt_version, parameters)
               VALUES ('llm', 'toy', 'v1', '{"effort": "none"}'), ('lexicon', NULL, '1', '{}')"""
        )
        connection.execute(
            """INSERT INTO core.movies (imdb_id, title, facts_as_of, active_analyser_id)
               SELECT imdb_id, 'M', now(), analyser_id
               FROM core.analysers, unnest(%s::text[]) imdb_id WHERE kind = 'llm'""",
            ([MOVIE, OTHER],),
        )
        for status in (*get_args(AnalysisStatus), "new"):
            connection.execute(
                """INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler,
                                             content_hash, first_seen_at)
                   VALUES ('imdb', %s, %s, 'T', 'B', false, 'h', now())""",
                (f"rw-{status}", MOVIE),
            )
            if status != "new":
                connection.execute(
                    """INSERT INTO core.review_analyses (source, review_id, content_hash,
                           analyser_id, imdb_id, status, overall, overall_quote,
                           overall_quote_start, cost_usd)
                       SELECT 'imdb', %(review)s, 'h', analyser_id, %(movie)s, %(status)s::text,
                              CASE WHEN %(status)s = 'scored' THEN 2 END,
                              CASE WHEN %(status)s = 'scored' THEN '“Żółta łódź”' END, 0, 0.0001
                       FROM core.analysers""",
                    {"review": f"rw-{status}", "movie": MOVIE, "status": status},
                )
        figures.count_all(Warehouse(warehouse_url))
        yield connection


def rows(connection, statement, *values):
    return connection.execute(statement, values).fetchall()


def test_the_deciding_quote_stands_with_its_review(connection):
    quotes = rows(connection, "SELECT overall_quote AS q FROM mart.reviews WHERE overall = 2")
    assert quotes == [{"q": "“Żółta łódź”"}]


def test_what_is_finished_and_what_waits(connection):
    """Whatever is not finished waits: failed, over the budget, or never taken up."""
    query = "SELECT reviews, analysed_reviews, scored_reviews, waiting_reviews FROM mart.movies"
    assert rows(connection, f"{query} ORDER BY imdb_id") == [
        {
            "reviews": len(FINAL) + 3,
            "analysed_reviews": len(FINAL),
            "scored_reviews": 1,
            "waiting_reviews": 3,
        },
        {"reviews": 0, "analysed_reviews": 0, "scored_reviews": 0, "waiting_reviews": 0},
    ]
    connection.execute("UPDATE core.movies SET active_analyser_id = NULL")
    (first, _) = rows(connection, f"{query} ORDER BY imdb_id")
    assert (first["analysed_reviews"], first["waiting_reviews"]) == (0, len(FINAL) + 3)


def test_each_day_says_how_its_calls_ended_and_what_they_cost(connection):
    outcomes = get_args(CallOutcome)
    for outcome in (*outcomes, None):
        connection.execute(
            """INSERT INTO ops.llm_calls (run_id, model, prompt_version, started_at, outcome,
                   input_tokens, cached_tokens, output_tokens, reasoning_tokens, reserved_usd,
                   cost_usd, quotes_given, quotes_dropped, key)
               VALUES ('run', 'toy', 'v1', '2026-11-20 23:59:59.999999+00', %(outcome)s, 1000, 100,
                       90, 9, 0.001,
                       CASE WHEN %(outcome)s::text <> 'timeout' THEN 0.0004 END, 6, 1,
                       %(outcome)s)""",
            {"outcome": outcome},
        )
    # Met before anything was sent: told, and no call.
    connection.execute(
        """INSERT INTO ops.llm_calls (run_id, model, prompt_version, started_at, outcome,
               reserved_usd, cost_usd)
           VALUES ('run', 'toy', 'v1', '2026-11-21 00:00+00', 'key_refused', 0, 0)"""
    )
    connection.execute(
        """INSERT INTO ops.llm_calls (run_id, model, prompt_version, started_at, reserved_usd)
           VALUES ('run', 'toy', 'v1', '2026-11-21 00:00+00', 0.5),
                  ('run', 'toy', 'v2', '2026-11-21 00:00+00', 0.25)"""
    )
    n = len(outcomes) + 1
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
        first, second, third = rows(
            connection, "SELECT * FROM mart.llm_days ORDER BY day, prompt_version"
        )
        assert [day["day"] for day in (first, second, third)] == [
            date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 21)
        ]  # fmt: skip
    assert {name: first[name] for name in outcomes} == dict.fromkeys(outcomes, 1)
    assert (first["calls"], first["unfinished"]) == (n, 1)
    tokens = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
    assert [first[name] for name in tokens] == [1000 * n, 100 * n, 90 * n, 9 * n]
    assert first["cost_usd"] == Decimal("0.0004") * (n - 2)
    assert first["unsettled_usd"] == Decimal("0.002")
    assert (first["quotes_given"], first["quotes_dropped"]) == (6 * n, n)
    assert (second["cost_usd"], second["unsettled_usd"], second["input_tokens"]) == (
        0, Decimal("0.5"), 0
    )  # fmt: skip
    assert (third["prompt_version"], third["unsettled_usd"]) == ("v2", Decimal("0.25"))


def test_each_analyser_says_what_is_shown_of_it_and_what_it_cost(connection):
    model, lexicon = rows(connection, "SELECT * FROM mart.analysers ORDER BY analyser_id")
    assert (model["kind"], model["model"], model["prompt_version"]) == ("llm", "toy", "v1")
    assert model["parameters"] == {"effort": "none"}
    assert (model["movies"], model["scored_texts"]) == (2, 1)
    assert model["cost_usd"] == Decimal("0.0001") * len(get_args(AnalysisStatus))
    assert (lexicon["movies"], lexicon["scored_texts"]) == (0, 1)
    connection.execute(
        "INSERT INTO core.analysers (kind, prompt_version) VALUES ('lexicon', 'unused')"
    )
    (unused,) = rows(connection, "SELECT * FROM mart.analysers WHERE prompt_version = 'unused'")
    assert (unused["movies"], unused["scored_texts"], unused["cost_usd"]) == (0, 0, 0)
