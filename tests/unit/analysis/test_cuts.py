"""Where a review's whole is cut into steps, learned from the grades of rated reviews."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.lexicon.cuts import (
    FIXED_CUTS,
    MIN_ALL,
    MIN_OWN,
    RESOLUTION,
    choose_cuts,
    cut,
    learn_cuts,
)

VALENCES = st.floats(-3, 3) | st.sampled_from([0.0, -0.0, 0.25, 1 / 3])
PAIRS = st.lists(st.tuples(VALENCES, st.integers(1, 10)), min_size=1, max_size=60)


def shares(pairs):
    """Return how many of the rated reviews get each step."""
    cuts = learn_cuts(Counter(pairs))
    return [sum(cut(valence, cuts) == step for valence, _ in pairs) for step in range(-2, 3)]


def graded(*counts):
    """Make reviews of grades 1, 3, 5, 8 and 10, so many of each; valences rise by hundredths."""
    grades = [g for g, n in zip((1, 3, 5, 8, 10), counts, strict=True) for _ in range(n)]
    return [(number / 100 - 0.5, grade) for number, grade in enumerate(grades)]


@pytest.mark.parametrize(
    "counts",
    [(12, 20, 18, 30, 20), (1, 1, 1, 1, 1), (0, 20, 18, 30, 20), (12, 0, 0, 30, 20),
     (12, 20, 18, 30, 0), (0, 0, 0, 0, 7), (7, 0, 0, 0, 0), (0, 0, 40, 0, 0), (3, 0, 0, 0, 3)],
)  # fmt: skip
def test_as_many_reviews_get_a_step_as_gave_its_grades(counts):
    assert shares(graded(*counts)) == list(counts)


def test_valences_are_ranked_whatever_grade_their_own_review_gave():
    pairs = graded(10, 10, 10, 10, 10)
    turned = [(-valence, grade) for valence, grade in pairs]
    assert shares(turned) == [10] * 5


@pytest.mark.parametrize(
    ("grade", "step"),
    zip(range(1, 11), [-2, -1, -1, -1, 0, 0, 1, 1, 1, 2], strict=True),
)
def test_the_grades_of_a_step(grade, step):
    """The others are graded 1 and 10 and lie below and above, so the one is in its own step."""
    pairs = [(-1.0, 1), (0.0, grade), (1.0, 10)]
    assert cut(0.0, learn_cuts(Counter(pairs))) == step


def test_reviews_of_one_valence_get_the_step_that_is_nearest():
    assert shares([(0.2, grade) for _, grade in graded(20, 20, 20, 20, 20)]) == [0, 0, 100, 0, 0]
    assert shares([(0.2, grade) for _, grade in graded(1, 1, 1, 7, 90)]) == [0, 0, 0, 0, 100]
    assert shares([(0.2, grade) for _, grade in graded(0, 0, 50, 50, 0)]) == [0, 0, 0, 100, 0]


def test_what_no_rated_review_is_like_gets_the_step_of_the_fixed_cuts():
    kind = learn_cuts(Counter({(0.9, 10): 100}))
    assert [cut(v, kind) for v in (-0.5, -0.1, 0.05, 0.3, 0.7, 0.9)] == [-2, -1, 0, 1, 2, 2]
    panned = learn_cuts(Counter({(0.9, 1): 100}))
    assert [cut(v, panned) for v in (-0.5, 0.9)] == [-2, -2]
    assert cut(1.5, panned) == 2  # nobody is so kind and gave 1


@given(PAIRS)
def test_cuts_ascend_and_are_finite_whatever_the_reviews(pairs):
    cuts = learn_cuts(Counter(pairs))
    assert all(math.isfinite(one) for one in cuts)
    assert list(cuts) == sorted(cuts)


@given(PAIRS, st.randoms())
def test_neither_order_nor_rounding_matters(pairs, random):
    cuts = learn_cuts(Counter(pairs))
    rounded = [(math.floor(v * RESOLUTION) / RESOLUTION, grade) for v, grade in pairs]
    random.shuffle(rounded)
    assert learn_cuts(Counter(rounded)) == cuts


@given(PAIRS)
def test_a_cut_never_misses_by_more_than_half_a_run_of_equal_valences(pairs):
    steps = Counter(math.floor(v * RESOLUTION) for v, _ in pairs)
    wanted, got = Counter(cut_of_grade(g) for _, g in pairs), shares(pairs)
    for step in range(-2, 2):
        missed = sum(got[: step + 3]) - sum(n for s, n in wanted.items() if s <= step)
        assert abs(missed) <= max(steps.values()) / 2


def cut_of_grade(grade):
    return cut(grade, (2, 5, 7, 10))


@given(VALENCES)
def test_a_kinder_review_never_gets_a_lower_step(valence):
    assert cut(valence, FIXED_CUTS) <= cut(valence + 0.1, FIXED_CUTS)


def test_a_cut_belongs_to_the_step_above():
    assert [cut(one, FIXED_CUTS) for one in FIXED_CUTS] == [-1, 0, 1, 2]
    assert cut(math.nextafter(FIXED_CUTS[0], -1), FIXED_CUTS) == -2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_valence_that_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        learn_cuts({(bad, 5): 1})


def test_nothing_is_learned_from_nothing():
    with pytest.raises(ValueError, match="no rated review"):
        learn_cuts({})


def rated(reviews, valence=0.0):
    return {(valence, 5): reviews} if reviews else {}


@pytest.mark.parametrize(
    ("own", "of_all", "learned_from", "reviews"),
    [
        (MIN_OWN, 0, "movie", 100),
        (MIN_OWN - 1, MIN_ALL - 1, "fixed", 299),
        (MIN_OWN - 1, MIN_ALL, "warehouse", 300),
        (0, MIN_ALL, "warehouse", 300),
        (0, 0, "fixed", 0),
    ],
)
def test_whose_grades_cut_a_movie(own, of_all, learned_from, reviews):
    found = choose_cuts(rated(own, 0.5), lambda: rated(of_all, -0.5))
    assert found[1:] == (learned_from, reviews)
    expected = {
        "movie": lambda: learn_cuts(rated(own, 0.5)),
        "warehouse": lambda: learn_cuts(rated(of_all, -0.5)),
        "fixed": lambda: FIXED_CUTS,
    }
    assert found.cuts == expected[learned_from]()


def test_other_movies_are_not_asked_about_in_vain():
    choose_cuts(rated(MIN_OWN), lambda: pytest.fail("asked"))
