"""Days and numbers as pages show them, in the languages in which the site shows pages."""

from __future__ import annotations

from datetime import date

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.sources.imdb.shown import read_day, read_exact_number, read_number

LOCALES = ["en", "en_GB", "en_IN", "de", "fr", "fr_CA", "es", "es_MX", "it", "pt", "hi"]
DAY = date(2025, 12, 5)


@pytest.mark.parametrize(
    "text",
    [
        "Dec 5, 2025", "December 5, 2025", "5 December 2025", "5 Dec. 2025",
        "5. Dezember 2025", "5. Dez. 2025", "05.12.2025", "5. 12. 2025",
        "5 décembre 2025", "5 déc. 2025", "5 de\u0301cembre 2025",
        "5 de diciembre de 2025", "5 dic 2025", "05 dic. 2025",
        "5 dicembre 2025", "5 de dez. de 2025", "5 de dezembro de 2025",
        "5 दिसंबर 2025", "5 दिस॰ 2025", "दिसंबर 5, 2025", "५ दिसंबर २०२५",
        "DEC 5, 2025", "\u200e5 décembre\u00a02025",
    ],
)  # fmt: skip
def test_a_day_in_each_language(text: str) -> None:
    assert read_day(text) == DAY


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("form", ["d MMM y", "medium", "long"])
def test_every_month_in_each_language(locale: str, form: str) -> None:
    """Each way in which browsers and servers write a day with CLDR."""
    for month in range(1, 13):
        day = date(2024, month, 28)
        written = format_date(day, form, locale=locale)
        assert read_day(written) == day, written


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Sept 1, 2024", date(2024, 9, 1)),
        ("1 sep 2024", date(2024, 9, 1)),
        ("1er janv. 2024", date(2024, 1, 1)),
        ("29 févr. 2024", date(2024, 2, 29)),
        ("3 mai 2024", date(2024, 5, 3)),
        ("3 juil. 2024", date(2024, 7, 3)),
    ],
)
def test_how_months_are_shortened(text: str, day: date) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "December 2025", "5 2025", "31 Feb 2025", "12/05/2025", "05.13.2025",
     "5 jui 2025",
     "Dec 5, 2025 - Dec 7, 2025", "5 Fimbulwinter 2025", "Dec 0, 2025", "Dec 5, 25", "Dec 5, 20250",
     "x" * 10_000_000],
)  # fmt: skip
def test_what_is_no_day(text: str) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2,561", 2561), ("2.561", 2561), ("2 561", 2561), ("2\u00a0561", 2561),
        ("2\u202f561", 2561), ("2\u2019561", 2561), ("2'561", 2561), ("2,56,100", 256_100),
        ("12,345,678", 12_345_678), ("0", 0), ("9", 9), ("1234", 1234), ("२,५६१", 2561),
        ("2,5 k", 2500), ("2,5\u00a0k", 2500), ("1.2K", 1200), ("3 mil", 3000), ("2.5 हज़ार", 2500),
        ("2,561 reviews", 2561), ("2.561 Rezensionen", 2561), ("2 561 critiques", 2561),
        ("2,5 k avis", 2500), ("Rezensionen: 2.561", 2561), ("1 review", 1),
    ],
)  # fmt: skip
def test_a_number_in_its_marks(text: str, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "many", "1.5", "1,23", "12 out of 15", "2.561,5", "1.2.3 k", "1.234,567", "²"]
)
def test_what_is_no_number(text: str) -> None:
    assert read_number(text) is None


@given(number=st.integers(0, 2**31), locale=st.sampled_from(LOCALES))
def test_every_number_in_each_language(number: int, locale: str) -> None:
    assert read_number(format_decimal(number, locale=locale)) == number


@given(st.text())
def test_any_text_is_a_number_and_a_day_or_none(text: str) -> None:
    assert isinstance(read_number(text), int | None)
    assert isinstance(read_day(text), date | None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2,561", 2561), ("0", 0), ("1.1K", None), ("2,5 k", None), ("3 mil", None), ("", None)],
)
def test_a_rounded_number_is_not_exact(text, expected):
    assert read_exact_number(text) == expected
