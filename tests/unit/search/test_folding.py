"""Names that people take for one fold to one; others stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.search.folding import MOST_CHARACTERS, fold, last_as_typed, leet

SAME = [
    ("The Harbour", "harbour"),
    ("A Harbour", "HARBOUR"),
    ("Léon & Zoé", "leon and zoe"),
    ("Spider-Wren", "spiderwren"),
    ("Spider-Wren", "spider wren"),
    ("NEB·U", "neb u"),
    ("NEB·U", "nebu"),
    ("Orla's Eleven", "Orlas 11"),
    ("Orla\u2019s Eleven", "orla's eleven"),
    ("7½ Lanterns", "7 1/2 lanterns"),
    ("Orchard³", "orchard 3"),
    ("Seven Rowers", "7 rowers"),
    ("Twenty-One Boats", "21 boats"),
    ("One Hundred and One Herons", "101 herons"),
    ("The Forty Year Old Rower", "40-Year-Old Rower"),
    ("Rower IV", "rower 4"),
    ("Rower V", "rower 5"),
    ("Lanterns: Part II", "lanterns part two"),
    ("Lanterns: Episode I", "lanterns episode 1"),
    ("Lanterns, Vol. 2", "lanterns volume two"),
    ("Dr. Harbour", "doctor harbour"),
    ("S.W.I.M.", "swim"),
    ("M*O*S*S", "moss"),
    ("Face/Lift", "face lift"),
    ("Łódź Øre Straße Æon", "lodz ore strasse aeon"),
    ("İstanbul Kap\u0131s\u0131", "istanbul kapisi"),
    ("ＦＵＬＬＷＩＤＴＨ", "fullwidth"),  # noqa: RUF001 - what is tested
    ("Крёстный", "крестный"),
    ("Cafe\u0301", "café"),
    ("The Eighth Boat", "the 8th boat"),
    ("Hundred and One Herons", "101 herons"),
    ("A Hundred Herons", "100 herons"),
    ("Eight and a Half Herons", "8½ herons"),
    ("9 and a half", "9½"),
    ("Orla Quist Junior", "orla quist jr."),
    ("Orla Quist Sr.", "orla quist senior"),
    ("B/X", "bx"),
    ("V/H/Z", "vhz"),
    ("علي", "علی"),
    ("مصطفى", "مصطفی"),
    ("كتاب", "کتاب"),
    ("٧ قوارب", "7 قوارب"),  # noqa: RUF001 - what is tested
    ("७ नाव", "7 नाव"),
]
DIFFERENT = [
    ("Rower 1", "Rower 2"),
    ("Harbour", "Harbours"),
    ("ゴロ", "コロ"),
    ("हिन्दी", "हन्द"),
    ("$$", "--"),
    ("I, Rower", "1 Rower"),
    ("Die Rower", "Rower"),
    ("B/X", "B 10"),
    ("Hundreds", "Hundred"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_name(one, other):
    assert fold(one).norm == fold(other).norm != ""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_names(one, other):
    assert fold(one).norm != fold(other).norm


@pytest.mark.parametrize("name", ["$$", "...", "🎬", "\\", '""', "\\.", "?!"])
def test_a_name_without_letters_keeps_its_text(name):
    assert fold(name) == (name, (name,), ())


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_nothing_folds_to_nothing(name):
    assert fold(name) == ("", (), ())


@pytest.mark.parametrize("name", ["The", "A", "the the", "I", "V", "1"])
def test_an_article_or_letter_alone_is_a_name(name):
    assert fold(name).norm


def test_words_keep_articles_and_order_and_other_forms_stand_beside():
    folded = fold("The Spider-Wren's Seven Boats II")
    assert folded.words == ("the", "spider", "wrens", "7", "boats", "2")
    assert {"spiderwrens", "wren", "seven", "ii"} <= set(folded.more)


def test_what_follows_an_elision_is_a_word_too():
    assert "avventura" in fold("L'avventura").more


def test_digits_for_letters_are_read_both_ways():
    assert "seven" in leet("Se7en")
    assert "simone" in leet("S1m0ne")
    assert leet("Rower 2") == leet("2001") == []


@pytest.mark.parametrize(
    ("typed", "last"),
    [
        ("the harbour's", "harbours"),
        ("orla\u2019s", "orlas"),
        ("can't", "cant"),
        ("s.w.i.m.", "swim"),
        ("S.W.I.M", "swim"),
        ("m*o*s*s", "moss"),
        ("orla's seven", "seven"),
        ("हिन्दी", "हिन्दी"),
        ("twenty-one", ""),
        ("hundred and one", ""),
        ("harbour!", ""),
        ("$$", ""),
    ],
)
def test_the_last_word_as_it_was_typed(typed, last):
    assert last_as_typed(typed) == last


@given(st.text(max_size=400))
def test_any_text_folds_to_what_the_tables_take(name):
    folded = fold(name)
    for text in (folded.norm, *folded.words, *folded.more):
        assert len(text) <= MOST_CHARACTERS
        assert not any(c.isspace() for c in text)
    assert all(folded.words)
    assert all(folded.more)
    assert bool(folded.norm) == bool(folded.words) == bool(name.split())


@given(st.text(alphabet=st.characters(categories=["Ll", "Lu", "Nd", "Zs"]), max_size=60))
def test_case_does_not_matter(name):
    assert fold(name.lower()).norm == fold(name.lower().casefold()).norm
