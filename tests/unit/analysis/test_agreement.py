"""Measures of agreement, against values worked out by hand or by their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.agreement import (
    SCORES,
    defined,
    mean_error,
    sign_agreement,
    spearman,
    tabulate,
    weighted_kappa,
)

PAIRS = st.lists(st.tuples(st.sampled_from(SCORES), st.sampled_from(SCORES)), max_size=60)


def table(pairs):
    return tabulate([a for a, _ in pairs], [b for _, b in pairs], SCORES)


def ranks(values):
    """Return ranks from 1 on; equal values share their mean."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def test_a_table_counts_pairs():
    counts = tabulate([1, 1, -2], [2, 2, 0], SCORES)
    assert counts[3, 4] == 2
    assert counts[0, 2] == 1
    assert counts.sum() == 3
    assert tabulate([1, 10, 5, 5], [0.5, 0.5, 0.25, 7]).tolist() == [
        [0, 1, 0],
        [1, 0, 1],
        [0, 1, 0],
    ]


def test_spearman_of_values_without_ties():
    # Squares of the rank differences: 1, 1, 1, 1, 0; 1 - 6 * 4 / (5 * 24).
    assert spearman(tabulate([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])) == pytest.approx(0.8)
    assert spearman(tabulate([1, 2, 3], [30, 20, 10])) == pytest.approx(-1)


@given(PAIRS)
def test_spearman_is_pearson_of_shared_ranks(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    found = defined(spearman(table(pairs)))
    if len(set(one)) < 2 or len(set(other)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(ranks(one), ranks(other))[0, 1], abs=1e-9)
        assert found == pytest.approx(defined(spearman(tabulate(one, other))))


def test_kappa_by_hand():
    # Squares of the distances: 0, 1, 0, 1.
    one, other = [2, 1, 0, -2], [2, 2, 0, -1]
    by_chance = np.mean([(a - b) ** 2 for a in one for b in other])
    assert weighted_kappa(tabulate(one, other, SCORES)) == pytest.approx(1 - 0.5 / by_chance)
    assert weighted_kappa(tabulate([1, -1], [-1, 1], SCORES)) == pytest.approx(-1)


@given(PAIRS)
def test_kappa_is_the_same_both_ways(pairs):
    found = defined(weighted_kappa(table(pairs)))
    assert found == pytest.approx(defined(weighted_kappa(table([(b, a) for a, b in pairs]))))
    if found is None:
        assert not pairs or len(set(sum(pairs, ()))) == 1


def test_a_sign_of_0_is_wrong_and_a_label_of_0_no_case():
    pairs = [(2, 1), (1, 0), (-1, -2), (-2, 2), (0, 2), (0, 0)]
    assert sign_agreement(table(pairs)) == pytest.approx(2 / 4)
    assert mean_error(table(pairs)) == pytest.approx((1 + 1 + 1 + 4 + 2 + 0) / 6)


def test_many_tables_at_once_are_those_one_by_one():
    tables = np.stack([table([(2, 1), (1, 0)]), table([]), table([(-1, -1), (2, 2), (0, 1)])])
    for measure in (spearman, weighted_kappa, sign_agreement, mean_error):
        together = [defined(figure) for figure in measure(tables)]
        assert together == [defined(measure(one)) for one in tables]
        assert together[1] is None


def test_nothing_is_undefined_rather_than_a_warning():
    for measure in (spearman, weighted_kappa, sign_agreement, mean_error):
        assert math.isnan(measure(tabulate([], [], SCORES)))
        assert defined(measure(tabulate([], [], SCORES))) is None
    assert math.isnan(spearman(tabulate([], [])))
