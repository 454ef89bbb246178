"""One cell at a time: what is read, what is refused, and that nothing is guessed."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.sources.tables.mapping import DayColumn, RatingColumn
from filmpulse.sources.tables.values import (
    EARLIEST,
    Fault,
    Unreadable,
    day,
    key_of,
    mark,
    movie_id,
    own_id,
    rating_1_10,
    text_of,
    votes,
)

TODAY = date(2026, 11, 21)


def stars(cell, **column):
    return rating_1_10(cell, RatingColumn(column="stars", **({"scale": 5} | column)))


def read_day(cell, form="iso"):
    return day(cell, DayColumn(column="on", format=form), TODAY)


# Ratings


def test_the_half_steps_of_five_stars_are_our_ten():
    steps = [f"{half / 2:g}" for half in range(1, 11)]
    assert [stars(step) for step in steps] == list(range(1, 11))
    assert [stars(str(n)) for n in range(1, 6)] == [2, 4, 6, 8, 10]


def test_ten_stays_ten_and_a_hundred_is_rounded_half_up():
    assert [stars(str(n), scale=10) for n in range(1, 11)] == list(range(1, 11))
    found = [stars(str(n), scale=100, minimum=0) for n in range(101)]
    # 0-14 are 1 (the worst there is), 15-24 are 2, ..., 95-100 are 10
    assert found == [1] * 15 + [n for n in range(2, 10) for _ in range(10)] + [10] * 6


@pytest.mark.parametrize(
    ("cell", "scale", "expected"),
    [
        ("7.0", 10, 7), ("7,5", 10, 8), ("6.49", 10, 6), ("6.5", 10, 7), ("3,5", 5, 7),
        ("4/5", 5, 8), ("4 / 5", 5, 8), ("3,5/5", 5, 7), ("8/10", 10, 8), ("87%", 100, 9),
        ("87 %", 100, 9), ("★★★½", 5, 7), ("★★★☆☆", 5, 6), ("⭐⭐⭐⭐⭐", 5, 10), ("⭐️⭐️", 5, 4),
        ("8/10", 5, 8), ("2.5/4", 5, 6), ("2,5 / 4", 100, 6), ("87/100", 5, 9), ("3/3", 10, 10),
        ("½", 5, 1), ("0.5", 5, 1), ("0.01", 5, 1), ("  5 ", 5, 10), ("05", 10, 5), ("", 5, None),
    ],
)  # fmt: skip
def test_the_ways_in_which_ratings_are_written(cell, scale, expected):
    assert stars(cell, scale=scale) == expected


@pytest.mark.parametrize(
    "cell",
    [
        "good", "-1", "+4", "5.1", "6", "1e0", "NaN", "inf", "4/0", "11/10", "6/5", "4/", "/5",
        "1.000,5", "1,2,3", "1/2/5", "x/10",
        "4 of 5", "★★★★★★", "★3", "½★", "87%", "\u0663", "\uff11", "4\x003x",
        "99999999999999999999", "A+",
        date(2005, 4, 1), Fault("#N/A", "a cell holds the error #N/A"),
    ],
)  # fmt: skip
def test_what_is_no_rating_is_refused(cell):
    with pytest.raises(Unreadable):
        stars(cell)


def test_zero_is_the_worst_only_where_the_map_says_so():
    with pytest.raises(Unreadable, match="minimum: 0"):
        stars("0")
    with pytest.raises(Unreadable, match="minimum: 0"):
        stars("☆☆☆☆☆")
    assert stars("0", minimum=0) == 1
    assert stars("0", none=["0", "n/a"]) is None
    assert stars("N/A", none=["0", "n/a"]) is None
    for below in ("0", "0.5", "0.99"):
        with pytest.raises(Unreadable, match="outside 1 to 5"):
            stars(below, minimum=1)
    assert stars("1", minimum=1) == 2


@given(scale=st.integers(2, 100), data=st.data())
def test_a_rating_keeps_its_order_and_its_share(scale, data):
    grid = st.decimals(0, scale, places=3).map(lambda d: d.quantize(Decimal("0.001")))
    low, high = sorted([data.draw(grid), data.draw(grid)])
    a, b = (stars(f"{value:f}", scale=scale, minimum=0) for value in (low, high))
    assert 1 <= a <= b <= 10
    exact = Fraction(high) * 10 / scale
    assert b == 1 or abs(b - exact) <= Fraction(1, 2)
    assert stars(f"{high:f}".replace(".", ","), scale=scale, minimum=0) == b


# Days


@given(st.dates(EARLIEST, TODAY))
def test_every_day_is_read_in_every_way_of_writing_it(on):
    d, m, y = on.day, on.month, on.year
    assert read_day(on.isoformat()) == on
    assert read_day(f"{on}T23:59:59-08:00") == on
    assert read_day(f"{on} 00:00:00+00") == on
    assert read_day(on) == on
    assert read_day(datetime(y, m, d, 23, 59)) == on  # noqa: DTZ001 - as a spreadsheet has it
    assert read_day(f"{d}.{m}.{y}", "day-first") == on
    assert read_day(f"{d:02}/{m:02}/{y} 10:00", "day-first") == on
    assert read_day(f"{d}. {m}. {y}", "day-first") == on
    assert read_day(f"{m}/{d}/{y}", "month-first") == on
    assert read_day(f"{m:02}-{d:02}-{y}", "month-first") == on
    assert read_day(on.strftime("%d %B %Y"), "%d %B %Y") == on
    assert read_day(on.isoformat(), "%d %B %Y") == on
    seconds = (on - date(1970, 1, 1)).days * 86400
    assert read_day(str(seconds), "unix") == on
    assert read_day(str(seconds + 86399), "unix") == on
    assert read_day(str(seconds * 1000 + 86399999), "unix-ms") == on


@given(st.dates(TODAY + timedelta(days=1)))
def test_no_day_lies_in_the_future(on):
    for cell in (on, on.isoformat()):
        with pytest.raises(Unreadable, match="future") as caught:
            read_day(cell)
        assert caught.value.kind == "future date"


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("01/02/2024", "iso"), ("2024/01/02", "iso"), ("20240102", "iso"), ("2024-1-2", "iso"),
        ("2024-02-30", "iso"), ("2024-01-02x", "iso"), ("2024", "iso"), ("2024-W01-1", "iso"),
        ("45292", "iso"), ("24-01-02", "iso"), ("1/2/24", "day-first"), ("13/13/2024", "day-first"),
        ("2/13/2024", "day-first"), ("13/2/2024", "month-first"), ("1.2/2024", "day-first"),
        ("31.4.2024", "day-first"), ("2 January 24", "%d %B %Y"), ("1.5e9", "unix"),
        ("now", "unix"), ("99999999999999", "unix"), ("1899-12-30", "iso"), ("0001-01-01", "iso"),
        ("\u0662024-01-02", "iso"), (date(1899, 12, 31), "iso"), ("yesterday", "iso"),
    ],
)  # fmt: skip
def test_what_is_no_day_or_could_be_two_is_refused(cell, form):
    with pytest.raises(Unreadable):
        read_day(cell, form)


def test_no_day_is_no_fault():
    assert read_day("") is None
    assert read_day(" ", "unix") is None


def test_a_refusal_names_the_value_and_how_it_should_be():
    with pytest.raises(Unreadable, match="“1/2/2024” is no day written as YYYY-MM-DD") as caught:
        read_day("1/2/2024")
    assert caught.value.kind == "date"
    with pytest.raises(Unreadable, match="written as day-first"):
        read_day("x" * 300, "day-first")


# The rest


@pytest.mark.parametrize(
    "cell",
    [
        "tt0111161", " TT0111161\n", "https://www.imdb.com/title/tt0111161/",
        "imdb.com/title/tt0111161", "0111161", "111161", "111161.0", "00111161",
        "https://m.imdb.com/de/title/tt0111161/reviews?ref_=x", "http://imdb.com/title/tt0111161?a",
    ],
)  # fmt: skip
def test_a_movie_is_an_id_or_an_address(cell):
    assert movie_id(cell) == "tt0111161"


@pytest.mark.parametrize(
    "cell",
    [
        "", "0", "0000000", "1111111111", "111161.5", "-111161", "\u0661\u0661\u0661", "tt123",
        "tt0111161x", "tt01111611111", "nm0000001", "tt\u0660111161",
        "https://example.com/title/tt0111161/", "https://evil.com/?imdb.com/title/tt0111161",
        "https://www.imdb.com/title/tt01111611111/", "tt0111161 tt0111162",
    ],
)  # fmt: skip
def test_what_is_no_movie_is_refused(cell):
    with pytest.raises(Unreadable) as caught:
        movie_id(cell)
    assert caught.value.kind == "movie"


@pytest.mark.parametrize("cell", ["1", "a/b:c", "12345678901234567890123456789", "x" * 200])
def test_an_id_stays_as_it_is(cell):
    assert own_id(cell) == cell


@pytest.mark.parametrize("cell", ["", "a b", "é", "x" * 201, "a\nb", Fault("1e16", "rounded")])
def test_what_is_no_id_is_refused(cell):
    with pytest.raises(Unreadable):
        own_id(cell)


def test_spoiler_marks():
    assert [mark(c, None) for c in ("true", "YES", "1", "x", "Y")] == [True] * 5
    assert [mark(c, None) for c in ("false", "No", "0", "", "n")] == [False] * 5
    with pytest.raises(Unreadable, match="neither yes nor no"):
        mark("maybe", None)
    assert mark("Spoiler!", ("spoiler!", "ja"))
    assert not mark("yes", ("ja",))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("", None), ("0", 0), ("7.0", 7), ("7,0", 7), ("2147483647", 2**31 - 1), ("1,000", 1000),
     ("1.000", 1000), ("12 345", 12345), ("12\u202f345", 12345), ("1'234'567", 1234567),
     ("1\u2019234", 1234), ("2.147.483.647", 2**31 - 1), ("1,204.0", 1204)],
)  # fmt: skip
def test_votes(cell, expected):
    assert votes(cell) == expected


@pytest.mark.parametrize(
    "cell",
    ["-1", "1.5", "1,00,000", "1,000.000,000", "1,0000", "2147483648", "9" * 400, "many", "1e3",
     ",000", "1,234 567"],
)  # fmt: skip
def test_what_is_no_count_of_votes_is_refused(cell):
    with pytest.raises(Unreadable):
        votes(cell)


def test_text_is_canonical_and_loses_what_cannot_be_stored():
    assert text_of(" a\x00b\ud800  c\r\n\n\n\nd ") == "a b c\n\nd"
    assert text_of("c\ud800d") == "cd"
    assert text_of(date(2024, 5, 1)) == "2024-05-01"
    with pytest.raises(Unreadable):
        text_of(Fault("[]", "a cell holds a list"))


def test_words_that_mean_none_are_the_maps():
    assert votes("N/A", ("-", "n/a")) is votes("-", ("-", "n/a")) is None
    with pytest.raises(Unreadable):
        votes("-")
    unknown = DayColumn(column="on", none=["unknown", "1970-01-01"])
    assert day("Unknown", unknown, TODAY) is day("1970-01-01", unknown, TODAY) is None
    assert day("2024-05-01", unknown, TODAY) == date(2024, 5, 1)
    with pytest.raises(Unreadable):
        read_day("unknown")


def test_a_key_leaves_control_characters_out_as_it_always_did():
    assert key_of("Ada\x92s \x00name\x1f") == "Adas name"
    assert own_id("a\x00b") == "ab"
