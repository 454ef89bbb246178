"""What a person typed is read as names and years."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.search import asked


def read(query):
    return [(reading.name.norm, reading.year) for reading in asked.read(query)]


@pytest.mark.parametrize(
    ("query", "name", "year"),
    [
        ("the harbour (1999)", "harbour", 1999),
        ("Harbour, The (1999)", "harbour", 1999),
        ("harbour 1999", "harbour", 1999),
        ("harbour, 1999", "harbour", 1999),
        ("1999 harbour", "harbour", 1999),
        ("harbour [1999]", "harbour", 1999),
        ("harbour (1999-2004)", "harbour", 1999),
        ("harbour (1999\u2013 )", "harbour", 1999),
        ("harbour (TV Series, 1999)", "harbour", 1999),
        ("Postino, Il", "ilpostino", None),
        ("lanterna, L' (1960)", "llanterna", 1960),
        ("Himmel über Lodz, Der", "derhimmeluberlodz", None),
        ("Rower, The: An Odd Voyage", "roweranoddvoyage", None),
    ],
)
def test_the_first_reading(query, name, year):
    assert read(query)[0] == (name, year)


def test_a_year_without_brackets_may_be_a_word():
    assert read("boat 2049") == [("boat", 2049), ("boat2049", None)]
    assert read("boat (2049)") == [("boat", 2049)]


@pytest.mark.parametrize("query", ["1917", "2012"])
def test_a_year_alone_is_a_name(query):
    assert read(query) == [(query, None)]


def test_two_years_are_a_name_and_a_year():
    assert ("2012", 2009) in read("2012 2009")


def test_names_in_brackets_are_other_names_or_part_of_one():
    found = read("City of Lost Rowers, The (Cité des rameurs, La) (a.k.a. Rowers) (1995)")
    assert found[0] == ("cityoflostrowers", 1995)
    assert {("lacitedesrameurs", 1995), ("rowers", 1995)} <= set(found)
    assert ("500boatsofsummer", None) in read("(500) Boats of Summer")


@pytest.mark.parametrize("query", ["", " ", "\x00", "\ud800", "()", "( )"])
def test_an_empty_query_has_no_reading(query):
    assert [norm for norm, _ in read(query) if norm not in ("()",)] == []


def test_the_last_word_may_be_the_beginning_of_one():
    assert asked.read("the seven ro")[0].start == "ro"
    assert asked.read("seven ")[0].start == ""
    assert asked.read("seven")[0].start == "seven"
    assert asked.read("harbour (1999)")[0].start == ""


@given(st.text(max_size=2_000))
def test_any_text_is_read(query):
    for reading in asked.read(query):
        assert reading.name.norm
        assert "\x00" not in reading.name.norm
        reading.name.norm.encode()
    assert len(asked.read(query)) <= 8


def test_a_long_query_is_cut():
    assert len(asked.read("boat " * 5_000)[0].name.words) < 100
