"""What fits better, or is better known, stands first."""

from __future__ import annotations

import pytest

from filmpulse.search import asked
from filmpulse.search.folding import fold
from filmpulse.search.ranking import Name, has_all, rank


def name(title, votes=0, year=None, kind="primary", tconst=None):
    folded = fold(title)
    words, more = " ".join(folded.words), " ".join(folded.more)
    return Name(tconst or title, folded.norm, words, more, votes, year, kind)


def order(query, *names, **repairs):
    repaired = {word: frozenset([other]) for word, other in repairs.items()}
    return [found.id for _, found in rank(asked.read(query), list(names), repaired)]


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("harbour", name("Harbour", 900), name("Harbour Lights", 900)),
        ("harbour", name("Harbour", 900), name("Old Harbour", 900)),
        ("harbour", name("Harbour", 900), name("A Harbour", 100)),
        ("harbour lights", name("Harbour Lights", 9), name("Lights of the Harbour", 9)),
        ("the harbour", name("The Harbour", 900), name("Harbour", 900, tconst="other")),
        ("harbour 1999", name("Harbour", 9, 1999), name("Harbour", 900, 1950, tconst="other")),
        ("harbour 1999", name("Harbour", 9, 1998), name("Harbour", 900, 1950, tconst="other")),
        ("harbour 1999", name("Harbour", 9, 1999), name("Harbour", 9, 1998, tconst="other")),
        ("harbour", name("Harbour", 900), name("Harbour", 900, kind="alternative", tconst="other")),
        ("boat 2", name("Boat: Part II", 900_000), name("Boat 2", 12)),
        ("boat 2049", name("Boat 2049", 900, 2017), name("Boat", 900, 1960)),
        ("harbour 2", name("Harbour", 500_000), name("Old Tower 2", 900_000)),
        ("harbour 2", name("Harbour", 900_000), name("Harbours 2", 8)),
        ("harbour 2", name("Harbour II", 900), name("Harbour", 900)),
        ("movie about harbour", name("Harbour", 900_000), name("Movie: The Harbour", 90)),
        ("harbour 2030", name("Harbour", 90_000, 1984), name("Old Harbour", 7_000)),
        ("harbour's", name("Harbour's Eleven", 900), name("Spider", 900_000)),
        ("lights har", name("Lights of the Harbour", 9), name("Lights", 9)),
    ],
)
def test_the_better_name_stands_first(query, better, worse):
    assert order(query, better, worse)[0] == order(query, worse, better)[0] == better.id


def test_a_repaired_word_counts_less_than_the_word():
    assert order("harbuor", name("Harbour", 9), harbuor="harbour") == ["Harbour"]
    names = name("Harbour", 9), name("Harbuor", 9)
    assert order("harbuor", *names, harbuor="harbour")[0] == "Harbuor"


def test_a_name_that_lacks_most_is_left_out():
    assert order("lights of an old harbour", name("Harbour", 1_000_000)) == []


@pytest.mark.parametrize(
    ("query", "found", "has"),
    [
        ("harbour", name("The Harbour"), True),
        ("lights harb", name("Harbour Lights"), True),
        ("harbour lig", name("Harbour Lights"), True),
        ("harbuor", name("Harbour"), False),
        ("harbour 2", name("Harbour"), False),
        ("harbour 2024", name("Harbour", year=1922), False),
        ("harbour 2024", name("Harbour"), False),
        ("harbour 2024", name("Harbour", year=2023), True),
        ("harbour 2049", name("Harbour 2049", year=2017), True),
        ("harbour: the beginning", name("Harbour"), False),
    ],
)
def test_a_name_has_all_that_was_typed_or_not(query, found, has):
    assert has_all(asked.read(query), found) is has


def test_repaired_words_count_if_asked_for():
    assert has_all(asked.read("harbuor"), name("Harbour"), {"harbuor": frozenset(["harbour"])})


def test_a_title_with_several_names_stands_once():
    names = name("Harbour", 9, tconst="one"), name("Hafen", 9, tconst="one")
    assert order("hafen", *names) == ["one"]
    assert rank((), list(names)) == []
