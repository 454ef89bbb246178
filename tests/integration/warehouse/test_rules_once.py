"""Rules that several surfaces follow stand once, in the marts: the surfaces agree on them."""

import math
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_dashboard_marts import MOVIE, OTHER, RELEASE, Invented

from filmpulse.items import ASPECTS
from filmpulse.warehouse import statements
from filmpulse.warehouse.reception import read_summary

pytestmark = pytest.mark.rows_by_hand

ROOT = Path(__file__).parents[3]


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


def views(words):
    """Name the marts, statements and charts that say one of these words."""
    files = [
        *(ROOT / "include/filmpulse/warehouse/marts").glob("*.sql"),
        *(ROOT / "superset/assets").rglob("*.yaml"),
    ]
    texts = {p.stem: p.read_text(encoding="utf-8") for p in files} | dict(statements())
    return {name for name, text in texts.items() if any(word in text for word in words)}


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ((">= 30", "< 30", "0.20"), {"is_enough"}),
        (("0.95",), {"has_finished"}),
        (("0.80",), {"keeps_scores"}),
        (("1.96",), {"half_interval", "difference_half_interval"}),
        (("IN ('failed', 'over_budget')",), {"is_final"}),
        (("'storytelling',",), {"aspects"}),
        (("'collecting', 'queued'",), {"states"}),
        (("interval '30 minutes'",), {"is_alive"}),
        (("'scoring ' ||",), {"scoring_key"}),
        (("shared_by",), {"ranked_quotes"}),
        (("/ (votes +",), {"catalogue_rated_titles"}),
        (("/ 10.0) ", "/ 10 * 10", "= ANY (coalesce(string_to_array"), {"catalogue_described"}),
        (("1000, coalesce(avg(",), {"catalogue_basis"}),
        # Loading decides what is removed, so its statements read the table.
        (
            ("removed_at IS NULL",),
            {
                "current_reviews",
                "known_reviews",
                "load_removed",
                "load_withdrawn",
                "replay_count_gone",
            },
        ),
    ],
)
def test_a_rule_is_written_in_one_place(words, places):
    assert views(words) == places


def test_the_aspects_are_those_of_the_package(invented):
    assert invented.row("SELECT mart.aspects() AS aspects")["aspects"] == list(ASPECTS)
    invented.movie()
    found = invented.rows("SELECT aspect FROM mart.movie_aspects")
    assert [row["aspect"] for row in found] == list(ASPECTS)
    assert [aspect.aspect for aspect in read_summary(MOVIE, invented.warehouse).aspects] == list(
        ASPECTS
    )


def test_the_command_line_quotes_what_the_dashboard_quotes(invented):
    """Between equals the order of the sources decides, on both surfaces."""
    invented.movie()
    invented.review(2, {"acting": (2, "The cast is flawless in this.")}, source="letters")
    invented.review(2, {"acting": (2, "The cast is wonderful here.")}, source="diary")
    invented.review(-1, {"acting": (-1, "The lead mumbles all along.")}, source="letters")
    invented.review(-1, {"acting": (-1, "The lead shouts all along..")}, source="diary")
    best = invented.rows("SELECT * FROM mart.best_quotes WHERE place = 1 ORDER BY is_praise DESC")
    (acting,) = (a for a in read_summary(MOVIE, invented.warehouse).aspects if a.praise)
    assert [acting.praise, acting.fault] == [row["quote"] for row in best]
    assert acting.praise == "The cast is wonderful here."


def test_mentions_are_the_same_wherever_they_are_shown(invented):
    invented.movie(site=50)
    invented.movie(OTHER, "Another", site=1)
    for number in range(35):
        invented.review(1, {"acting": 1 - number % 3, "sound": 2}, rating_1_10=number % 10 + 1)
    invented.review(1, {"acting": 1}, removed_at=datetime.now(UTC))
    invented.review(0, imdb_id=OTHER)
    live = invented.rows("SELECT * FROM mart.movie_aspects")
    compared = {
        (row["imdb_id"], row["aspect"].lower()): row
        for row in invented.rows("SELECT * FROM mart.compared_aspects WHERE position > 0")
    }
    counted = {
        (row["imdb_id"], row["aspect"].lower()): row["n"]
        for row in invented.rows(
            "SELECT imdb_id, aspect, count(*) AS n FROM mart.opinions GROUP BY imdb_id, aspect"
        )
    }
    for row in live:
        key = (row["imdb_id"], row["aspect"])
        assert row["mentions"] == (compared[key]["mentions"] or 0) == counted.get(key, 0)
        for figure in ("share_mentioned", "mean_score", "is_enough", "scored_reviews"):
            assert row[figure] == compared[key][figure]
    assert {row["aspect"] for row in live if row["mentions"] == 35} == {"acting", "sound"}
    assert {row["aspect"] for row in live if row["is_enough"]} == {"acting", "sound"}


def day(number):
    return RELEASE + timedelta(days=number)


@pytest.mark.parametrize(
    ("scores", "trend"),
    [
        ([0, 1] * 20 + [2, 1] * 15, "rising"),
        ([2, 1] * 20 + [0, -1] * 15, "falling"),
        ([0, 1] * 35, "steady"),
        ([1] * 60, "steady"),
        ([1] * 29 + [2] * 30, "too few"),
        ([1] * 30, "too few"),
        ([], "too few"),
    ],
)
def test_a_trend_compares_the_latest_with_those_before(invented, scores, trend):
    invented.movie()
    for number, score in enumerate(scores):
        invented.review(score, submitted_on=day(number))
    invented.review(2, submitted_on=None)
    invented.review(2, submitted_on=day(999), removed_at=datetime.now(UTC))
    found = read_summary(MOVIE, invented.warehouse).trend
    earlier, recent = scores[:-30], scores[-30:]
    assert (found.trend, found.recent_n, found.earlier_n) == (trend, len(recent), len(earlier))
    if trend == "too few":
        assert (found.since, found.difference, found.half_interval) == (None, None, None)
        return
    assert found.since == day(len(earlier))
    assert found.difference == pytest.approx(statistics.mean(recent) - statistics.mean(earlier))
    spread = statistics.variance(recent) / 30 + statistics.variance(earlier) / len(earlier)
    assert found.half_interval == pytest.approx(1.96 * math.sqrt(spread))


def test_the_latest_are_a_quarter_of_many(invented):
    invented.movie()
    for number in range(200):
        invented.review(number % 3 - 1, submitted_on=day(number))
    found = read_summary(MOVIE, invented.warehouse).trend
    assert (found.recent_n, found.earlier_n, found.since) == (50, 150, day(150))


def test_an_analyser_is_measured_by_the_current_reviews(invented):
    invented.movie(analyser=1)
    for number in range(20):
        review = invented.review(1)
        if number < 19:
            invented.analysis(review, 2, 1)
    invented.review(2, removed_at=datetime.now(UTC))
    invented.analysis(invented.review(), 2, None, status="over_budget")
    (read,) = invented.rows("SELECT * FROM mart.analyser_progress WHERE analyser_id = 2")
    assert (read["reviews"], read["finished_reviews"], read["has_finished"]) == (21, 19, False)
    assert (read["scored_reviews"], read["shown_reviews"], read["rescored_reviews"]) == (19, 20, 19)
