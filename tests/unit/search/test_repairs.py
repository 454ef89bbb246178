"""Words that are one typing error apart are found, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.search.repairs import can_be_repaired, is_one_error, shortened

WORDS = st.text("abcd", min_size=1, max_size=7)


@pytest.mark.parametrize(
    "typed", ["lanten", "lanternn", "lantarn", "lantren", "antern", "alntern", "xlantern"]
)
def test_one_error_is_found(typed):
    assert is_one_error(typed, "lantern")
    assert shortened(typed) & shortened("lantern")


@pytest.mark.parametrize("typed", ["lantern", "lanter s", "lnatren", "antrn", "lanternss", ""])
def test_no_error_or_two_are_not(typed):
    assert not is_one_error(typed, "lantern")


@given(WORDS, WORDS)
def test_all_that_is_one_error_apart_has_something_in_common(one, other):
    assert is_one_error(one, other) == is_one_error(other, one) == (distance(one, other) == 1)
    if is_one_error(one, other):
        assert shortened(one) & shortened(other)


def distance(a, b):
    """The distance with swaps of neighbours, by the textbook's table."""
    table = {(-1, -1): 0}
    for i in range(len(a)):
        table[i, -1] = i + 1
    for j in range(len(b)):
        table[-1, j] = j + 1
    for i in range(len(a)):
        for j in range(len(b)):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i] != b[j])
            )
            if i and j and a[i] == b[j - 1] and a[i - 1] == b[j]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a) - 1, len(b) - 1]


def test_numbers_are_not_repaired():
    assert not can_be_repaired("1984")
    assert can_be_repaired("lantern")
    assert not can_be_repaired("x" * 40)
