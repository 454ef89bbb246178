"""A poster for every movie, whatever its title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from filmpulse.web import poster
from filmpulse.web.poster import poster_svg

TITLES = {
    "plain": "The Quiet Below",
    "one letter": "W",
    "300 letters": "x" * 300,
    "300 letters in words": ("so long " * 40)[:300],
    "a long word": "Donaudampfschifffahrtsgesellschaftskapitän",
    "Chinese": "七人の旅人と海の向こうの灯台",
    "Arabic": "رحلة إلى نهاية البحر",
    "emoji": "🎬🍿👩‍👩‍👧",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L" * 9,
    "script": "\"></text><script>alert('x')</script>",
    "marks that turn": "\u202eevil\u2066\x00\x07",
    "nothing": "",
    "spaces": " \n\t ",
    "none": None,
}
GENRES = [[], ["Drama"], ["Unheard Of <b>"], *([name.title()] for name in poster._LOOKS)]
SVG = "{http://www.w3.org/2000/svg}"


def texts(drawn: str) -> list[str]:
    return ["".join(e.itertext()) for e in etree.fromstring(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_any_title_gives_a_poster(title: str | None) -> None:
    for number in range(12):
        drawn = poster_svg(f"tt{1000000 + number}", title, 1999, ["Drama"])
        root = etree.fromstring(drawn)
        assert root.get("viewBox") == "0 0 300 450"
        assert len(drawn.encode()) < 4200
        names = {e.tag.removeprefix(SVG) for e in root.iter()}
        assert not names & {"script", "style", "image", "use", "foreignObject", "a"}
        assert "nan" not in drawn.replace(title or "", "")


@pytest.mark.parametrize("genres", GENRES, ids=str)
def test_any_genre_has_its_look(genres: list[str]) -> None:
    for number in range(12):
        drawn = poster_svg(f"tt{1000000 + number}", "Undertow", 2026, genres)
        assert 700 < len(drawn.encode()) < 4200
        assert any("Undertow" in text for text in texts(drawn))


def test_the_same_movie_has_the_same_poster_and_others_have_others() -> None:
    movies = [f"tt{1000000 + number}" for number in range(50)]
    drawn = [poster_svg(movie, "Undertow", 2026, ["Drama"]) for movie in movies]
    assert drawn == [poster_svg(movie, "Undertow", 2026, ["Drama"]) for movie in movies]
    assert len(set(drawn)) == 50


def test_the_most_telling_genre_decides() -> None:
    assert "HORROR" in texts(poster_svg("tt1", "A", None, ["Drama", "Horror"]))
    assert "CRIME" in texts(poster_svg("tt1", "A", None, ["Comedy", "Crime", "Drama"]))


def test_a_title_without_a_name_is_its_id() -> None:
    assert "tt1234567" in texts(poster_svg("tt1234567", None, None, []))


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_the_title_stays_on_the_poster(title: str | None) -> None:
    root = etree.fromstring(poster_svg("tt1234567", title, 1999, ["Drama"]))
    lines = list(root.iter(f"{SVG}tspan"))
    assert lines
    for line in lines:
        assert 150 < float(line.get("y", 0)) < 410
        assert float(line.get("textLength", 0)) <= 256


@given(title=st.text(), genre=st.text(), year=st.none() | st.integers())
def test_no_input_breaks_it(title: str, genre: str, year: int | None) -> None:
    etree.fromstring(poster_svg("tt1234567", title, year, [genre]))
