"""Figures of an evaluation, against values worked out by hand, and of odd input."""

from __future__ import annotations

import json
import time
import warnings

import pytest

from filmpulse.analysis.evaluation import Case, measure
from filmpulse.analysis.gold import GoldLine
from filmpulse.items import ASPECTS, Analysis, AspectScore


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def case(gold=(), predicted=(), *, grade=None, overall=(None, None), status="scored", quotes=()):
    """Make a labelled review and its analysis; `quotes` are (quote, start) of the aspects."""
    line = GoldLine(
        id=1, title="Orchard", text="The choir sings too slowly.", rating_1_10=grade,
        aspects=dict(gold), overall=overall[0],
    )  # fmt: skip
    found = dict(predicted)
    given = [*quotes, *[(None, None)] * len(found)]
    aspects = tuple(
        AspectScore(aspect=aspect, score=score, quote=quote, quote_start=start)
        for (aspect, score), (quote, start) in zip(found.items(), given, strict=False)
    )
    analysis = Analysis(
        source="gold", review_id="1", imdb_id="tt0000000", content_hash="", status=status,
        overall=overall[1], aspects=aspects,
    )  # fmt: skip
    return Case(line, analysis)


def report(*cases, seconds=2.0):
    return measure(cases, seconds=seconds, cost_usd=0.0)


def acting(label, prediction, **more):
    """A review with this label and prediction of the acting; None is not mentioned."""
    of = [{} if score is None else {"acting": score} for score in (label, prediction)]
    return case(*of, **more)


def test_an_aspect_by_hand():
    found = report(
        acting(2, 1), acting(-1, -1), acting(1, 0), acting(-2, 1), acting(0, 2),
        acting(1, None), acting(None, 1), acting(None, -1), case({"sound": 1}, {"sound": 1}),
    ).aspects["acting"]  # fmt: skip
    assert found.n == 6
    assert found.precision == pytest.approx(5 / 7)
    assert found.recall == pytest.approx(5 / 6)
    assert found.f1 == pytest.approx(10 / 13)
    assert found.sign_agreement == pytest.approx(2 / 4)  # the label 0 is no case, a 0 is wrong
    assert found.mae == pytest.approx((1 + 0 + 1 + 3 + 2) / 5)
    assert found.balanced_accuracy is None
    labels, predictions = (2, -1, 1, -2, 0), (1, -1, 0, 1, 2)
    by_chance = sum((a - b) ** 2 for a in labels for b in predictions) / 25
    assert found.kappa == pytest.approx(1 - (1 + 0 + 1 + 9 + 4) / 5 / by_chance)


def test_balanced_accuracy_is_the_mean_of_both_sides():
    with_grade = [acting(2, 1, grade=9)] * 9 + [acting(-1, 1, grade=4)] * 3  # 9 of 12
    against = [acting(-1, -2, grade=7)] * 4 + [acting(1, -1, grade=1)] * 6  # 4 of 10
    no_case = [acting(1, -1, grade=grade) for grade in (None, 5, 6)] + [acting(0, 1, grade=9)]
    found = report(*with_grade, *against, *no_case)
    assert found.aspects["acting"].balanced_accuracy == pytest.approx((9 / 12 + 4 / 10) / 2)
    assert found.pooled.balanced_accuracy == found.aspects["acting"].balanced_accuracy
    assert report(*with_grade, *against[1:]).aspects["acting"].balanced_accuracy is None


def test_cases_of_all_aspects_are_pooled():
    with_grade = [case({"acting": 1, "sound": 1}, {"acting": 1, "sound": -1}, grade=8)] * 5
    against = [case({"visuals": -1, "themes": -2}, {"visuals": -1, "themes": -1}, grade=8)] * 5
    found = report(*with_grade, *against)
    assert {found.aspects[aspect].balanced_accuracy for aspect in ASPECTS} == {None}
    assert found.pooled.balanced_accuracy == pytest.approx((0.5 + 1) / 2)
    assert found.pooled.n == 20
    assert found.pooled.sign_agreement == pytest.approx(15 / 20)
    assert found.pooled.mean_sign_agreement == pytest.approx((1 + 0 + 1 + 1) / 4)


def test_the_whole_is_measured_where_both_give_it():
    found = report(
        *(case(overall=pair) for pair in [(2, 1), (1, 0), (-2, -1), (None, 2), (1, None)])
    ).overall
    assert (found.n, found.spearman) == (3, pytest.approx(1))
    assert found.mae == pytest.approx(1)


def test_a_refused_review_mentions_nothing_and_an_unfinished_one_does_not_count():
    found = report(
        acting(1, 1), acting(1, None, status="unsupported_language"),
        acting(1, None, status="over_budget"), acting(1, None, status="failed"),
    )  # fmt: skip
    assert found.aspects["acting"].recall == pytest.approx(0.5)
    assert found.aspects["acting"].n == 2
    assert found.reviews == 4
    assert found.statuses == {
        "failed": 1, "over_budget": 1, "scored": 1, "unsupported_language": 1,
    }  # fmt: skip


def test_a_quote_counts_only_where_it_stands_to_the_letter():
    right, elsewhere, changed, nowhere = (
        ("The choir", 9), ("The choir", 0), ("the choir", 9), ("The choir", None)
    )  # fmt: skip
    aspects = dict.fromkeys(ASPECTS[:4], 1)
    found = report(case(aspects, aspects, quotes=[right, elsewhere, changed, nowhere])).quotes
    assert (found.n, found.verified) == (4, 0.25)
    assert report(acting(1, 1)).quotes.verified is None


def test_the_keys_of_the_report_are_those_that_programs_read():
    found = json.loads(report(acting(1, 1)).model_dump_json())
    assert set(found["aspects"]) == set(ASPECTS)
    assert list(found["aspects"]["acting"]) == [
        "precision", "recall", "f1", "sign_agreement", "balanced_accuracy", "mae", "kappa", "n",
    ]  # fmt: skip
    assert list(found["overall"]) == ["spearman", "mae", "n"]
    assert found["quotes"]["verified"] is None
    assert (found["seconds"], found["reviews_per_second"], found["cost_usd"]) == (2.0, 0.5, 0.0)


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [case()],
        [case(predicted={"acting": 1})] * 3,
        [acting(1, None)] * 3,
        [acting(0, 0, overall=(0, 0))] * 20,
        [acting(2, 2, grade=9, overall=(2, 2))] * 20,
    ],
)
def test_what_is_not_defined_is_null(cases):
    found = report(*cases, seconds=0.0)
    assert found.overall.spearman is None
    assert found.pooled.kappa is None
    assert found.reviews_per_second is None
    assert "NaN" not in found.model_dump_json()


def test_intervals_hold_their_figure_and_are_the_same_every_time():
    cases = [acting(1, 1), acting(1, -1), acting(-1, -2), acting(1, None)] * 20
    found = report(*cases)
    low, high = found.intervals["aspects.acting.sign_agreement"]
    assert low < found.aspects["acting"].sign_agreement < high
    # 60 cases with a share of 2/3: about 1.96 * sqrt(2/9 / 60) to each side.
    assert high - low == pytest.approx(2 * 1.96 * (2 / 9 / 60) ** 0.5, rel=0.2)
    assert found == report(*cases)
    assert found.intervals["aspects.sound.f1"] is None
    assert not any(path.endswith(".n") for path in found.intervals)


def test_many_reviews_are_measured_in_seconds():
    cases = [acting(1, 1, grade=8), acting(-1, 1, grade=2), acting(None, 1), acting(2, -1)] * 1_250
    began = time.process_time()
    assert report(*cases).aspects["acting"].n == 3_750
    assert time.process_time() - began < 20
