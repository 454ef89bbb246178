"""Scores held against grades and against people's labels: the marts against the package's code."""

import random

import pytest
from test_dashboard_marts import MOVIE, OTHER, Invented

from filmpulse.analysis import agreement
from filmpulse.analysis.evaluation import Case, measure
from filmpulse.analysis.gold import GoldLine
from filmpulse.items import ASPECTS, Analysis, AspectScore

FEW, MANY = 29, 30


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


def against_grades(invented, analyser=1, imdb_id=None):
    return invented.row(
        "SELECT * FROM mart.grade_agreement "
        "WHERE analyser_id = %s AND imdb_id IS NOT DISTINCT FROM %s",
        analyser,
        imdb_id,
    )


def sign(number):
    return (number > 0) - (number < 0)


def lean(grade):
    return 1 if grade >= 7 else -1 if grade <= 4 else 0


def by_hand(pairs):
    """Count contradictions of pairs of grade and score: how many, and of how many."""
    decided = [lean(grade) * sign(score) for grade, score in pairs]
    return decided.count(-1), len(decided) - decided.count(0)


@pytest.mark.parametrize("seed", range(4))
def test_scores_go_with_grades_by_movie_and_over_all(invented, seed):
    chance = random.Random(seed)
    pairs = {}
    for imdb_id, count in ((MOVIE, 90), (OTHER, 70)):
        invented.movie(imdb_id, imdb_id)
        pairs[imdb_id] = []
        for _ in range(count):
            grade = chance.choice((1, 1, 4, 5, 6, 7, 10))
            score = max(-2, min(2, round((grade - 5) / 2.5 + chance.gauss(0, 1.2))))
            pairs[imdb_id].append((grade, score))
            invented.review(score, imdb_id=imdb_id, rating_1_10=grade)
    invented.review(2, rating_1_10=None)
    invented.review(None, rating_1_10=1)
    invented.review(-2, rating_1_10=10, removed_at="2026-06-02")
    invented.analysis(invented.review(2, rating_1_10=3) | {"content_hash": "an older text"}, 1, -2)
    pairs[MOVIE].append((3, 2))
    for imdb_id, found in ((MOVIE, pairs[MOVIE]), (OTHER, pairs[OTHER]),
                           (None, pairs[MOVIE] + pairs[OTHER])):  # fmt: skip
        row = against_grades(invented, imdb_id=imdb_id)
        contradicting, decided = by_hand(found)
        assert row["rated_reviews"] == len(found)
        assert row["spearman"] == pytest.approx(
            float(agreement.spearman(agreement.tabulate(*zip(*found, strict=True))))
        )
        assert (row["contradicting_reviews"], row["decided_reviews"]) == (contradicting, decided)
        assert row["contradicting_share"] == pytest.approx(contradicting / decided)
        assert row["is_shown"] == (imdb_id is not None)
        assert row["movie"] == (f"{imdb_id} (2026)" if imdb_id else "All movies")


@pytest.mark.parametrize(("count", "is_known"), [(FEW, False), (MANY, True)])
def test_too_few_give_no_figure(invented, count, is_known):
    invented.movie()
    for number in range(count):
        invented.review(2 if number % 2 else -2, rating_1_10=9 if number % 2 else 2)
    row = against_grades(invented, imdb_id=MOVIE)
    known = (row["spearman"] is not None, row["contradicting_share"] is not None)
    assert known == (is_known, is_known)
    if is_known:
        assert (row["spearman"], row["contradicting_share"]) == (pytest.approx(1), 0)


def test_the_same_score_for_all_goes_with_nothing(invented):
    invented.movie()
    for number in range(40):
        invented.review(1, rating_1_10=number % 10 + 1)
    row = against_grades(invented)
    assert row["spearman"] is None
    assert (row["contradicting_reviews"], row["decided_reviews"]) == (16, 32)


def test_analysers_are_never_mixed(invented):
    invented.movie()
    for number in range(30):
        review = invented.review(2 - number % 5, rating_1_10=10 - number % 5 * 2)
        invented.analysis(review, 2, number % 5 - 2)
    assert against_grades(invented, 1)["spearman"] == pytest.approx(1)
    assert against_grades(invented, 2)["spearman"] == pytest.approx(-1)
    shown = invented.rows("SELECT analyser_id FROM mart.grade_agreement WHERE is_shown")
    assert [row["analyser_id"] for row in shown] == [1]


class Labelled:
    """Reviews with an analyser's scores and people's labels, in Postgres and as the code has it."""

    def __init__(self, invented, seed):
        self.invented, self.chance = invented, random.Random(seed)
        self.cases = []

    def scores(self):
        return {a: self.chance.randint(-2, 2) for a in ASPECTS if self.chance.random() < 0.6}

    def add(self, auditors):
        """Store a review; return what was said of it, by judge."""
        said = {None: (self.chance.randint(-2, 2), self.scores())}
        review = self.invented.review(*said[None])
        for auditor in auditors:
            said[auditor] = (self.chance.randint(-2, 2), self.scores())
            label(self.invented, review, auditor, *said[auditor])
        self.cases.append(said)

    def report(self, auditor, judge=None):
        """Return the package's report of one judge, held against an auditor."""
        cases = [
            Case(
                GoldLine(id=str(at), text="B", aspects=said[auditor][1], overall=said[auditor][0]),
                Analysis(
                    source="imdb", review_id="rw1", imdb_id=MOVIE, content_hash="h",
                    status="scored", overall=said[judge][0],
                    aspects=[AspectScore(aspect=a, score=s) for a, s in said[judge][1].items()],
                ),
            )
            for at, said in enumerate(self.cases)
            if auditor in said and judge in said
        ]  # fmt: skip
        return measure(cases, seconds=1, cost_usd=0)


def label(invented, review, auditor, overall, aspects):
    key = [auditor, review["source"], review["review_id"], review["content_hash"]]
    invented.rows(
        "INSERT INTO core.audits (auditor, source, review_id, content_hash, overall) "
        "VALUES (%s, %s, %s, %s, %s)",
        *key, overall,
    )  # fmt: skip
    for aspect, score in aspects.items():
        invented.rows(
            "INSERT INTO core.audit_labels VALUES (%s, %s, %s, %s, %s, %s)", *key, aspect, score
        )


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_held_against_scores_as_the_command_does(invented, seed):
    invented.movie()
    labelled = Labelled(invented, seed)
    for number in range(40):
        labelled.add(["Ann", "Ben"] if number % 3 else ["Ann"])
    pairs = {("Ann", None): 40, ("Ben", None): 26, ("Ann", "Ben"): 26}
    rows = invented.rows("SELECT * FROM mart.audit_agreement WHERE auditor IS NOT NULL")
    assert {(row["auditor"], row["other_auditor"]) for row in rows} == set(pairs)
    assert not any(row["is_all"] for row in rows)
    everybody = invented.rows("SELECT * FROM mart.audit_agreement WHERE is_all")
    assert {(row["auditor"], row["analyser_id"]) for row in everybody} == {(None, 1), (None, None)}
    for row in rows:
        pair = (row["auditor"], row["other_auditor"])
        report = labelled.report(*pair)
        assert row["reviews"] == pairs[pair]
        assert (row["analyser_id"] is None) == (pair[1] is not None)
        if row["aspect"] == "Overall":
            assert (row["compared"], row["f1"]) == (report.overall.n, None)
            continue
        aspect = row["aspect"].lower()
        of = report.pooled if aspect == "all aspects" else report.aspects[aspect]
        assert row["labelled"] == of.n
        for figure in ("f1", "sign_agreement", "kappa"):
            assert row[figure] == pytest.approx(getattr(of, figure)), (pair, aspect, figure)


def test_all_auditors_together_count_each_label(invented):
    invented.movie()
    for number in range(20):
        review = invented.review(1, {"acting": 2})
        label(invented, review, "Ann", 1, {"acting": 2})
        if number < 10:
            label(invented, review, "Ben", -1, {"acting": -1})
    together = {
        row["aspect"]: row
        for row in invented.rows(
            "SELECT * FROM mart.audit_agreement WHERE auditor IS NULL AND analyser_id = 1"
        )
    }
    acting = together["Acting"]
    assert (acting["auditors"], acting["reviews"], acting["compared"]) == (2, 20, 30)
    assert acting["is_enough"]
    assert acting["exact_agreement"] == pytest.approx(2 / 3)
    assert acting["sign_agreement"] == pytest.approx(2 / 3)
    assert together["Sound"]["f1"] is None
    assert together["Sound"]["kappa"] is None


def test_an_analyser_that_refused_a_text_says_nothing_of_it(invented):
    invented.movie()
    review = invented.review()
    invented.analysis(review, 1, None, status="refused")
    waiting = invented.review()
    invented.analysis(waiting, 1, None, status="failed")
    for each in (review, waiting):
        label(invented, each, "Ann", 1, {"acting": 1})
    (acting,) = invented.rows(
        "SELECT * FROM mart.audit_agreement WHERE aspect = 'Acting' AND auditor IS NOT NULL"
    )
    assert (acting["reviews"], acting["labelled"], acting["found"], acting["f1"]) == (1, 1, 0, 0)


def test_an_audit_stands_beside_the_analysers_name(invented):
    def audits():
        rows = invented.rows("SELECT audit FROM mart.analysers ORDER BY analyser_id")
        return [row["audit"] for row in rows]

    assert audits() == ["not yet audited"] * 2
    invented.movie()
    for number in range(36):
        review = invented.review(1, {"acting": 1 - number % 2, "sound": -1})
        label(invented, review, "Ann", 1, {"acting": 1, "sound": -1})
        if number == 0:
            assert audits()[0].endswith("(too few)")
    lexicon, model = audits()
    assert lexicon == "audited by 1 person on 36 reviews: agreement 75 %, kappa 0.86"
    assert model == "not yet audited"
    label(invented, invented.review(1), "Ben", 1, {})
    assert audits()[0].startswith("audited by 2 people on 37 reviews:")


def test_labels_go_with_their_review(invented):
    invented.movie()
    review = invented.review(1, {"acting": 1})
    label(invented, review, "Ann", 1, {"acting": 1})
    invented.rows("DELETE FROM core.reviews")
    assert not invented.rows("SELECT FROM core.audits")
    assert not invented.rows("SELECT FROM core.audit_labels")
    assert not invented.rows("SELECT FROM mart.audit_agreement")
