"""The HTML that dashboards show: what others wrote is escaped, and every case draws something."""

import re
from html.parser import HTMLParser

import pytest
from test_dashboard_marts import MOVIE, Invented

HOSTILE = """<script>alert("1")</script> & 'Łódź' 👩‍🚀"""


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


def html(invented, expression, *values):
    (found,) = invented.rows(f"SELECT mart.{expression} AS html", *values)
    return found["html"]


def texts(made):
    """Return the texts of HTML, in order; fail where a tag stays open."""
    found, opened = [], []
    parser = HTMLParser()
    parser.handle_data = lambda text: found.append(text.strip())
    parser.handle_starttag = lambda tag, _: opened.append(tag)
    parser.handle_endtag = lambda tag: found.append(None) if opened.pop() != tag else None
    parser.feed(made)
    parser.close()
    assert not opened
    assert None not in found
    return [text for text in found if text]


def widths(made):
    return [float(w) for w in re.findall(r"width:([\d.]+)%", made)]


@pytest.mark.parametrize(
    "expression", ["html_bold(%s)", "html_fact(%s, 'v', 'm')", "html_tile(%s, 'v', 'n', 'inherit')"]
)
def test_what_others_wrote_is_escaped(invented, expression):
    made = html(invented, expression, HOSTILE)
    assert "<script" not in made
    assert HOSTILE in texts(f"<i>{made}</i>")


def test_a_card_shows_what_people_wrote_as_it_stands(invented):
    invented.movie(title=HOSTILE, site=50)
    invented.rows("UPDATE core.movies SET directors = ARRAY[%s]", HOSTILE)
    invented.rows("INSERT INTO core.movie_events VALUES (%s, '2026-05-01', %s)", MOVIE, HOSTILE)
    made = html(invented, "html_card(%s, %s)", MOVIE, 'https://x/"><script>')
    assert "<script" not in made
    assert sum(HOSTILE in text for text in texts(made)) == 4, "poster, title, director, event"


def test_before_the_first_movie_a_card_says_what_to_do(invented):
    made = html(invented, "html_card(NULL, 'https://airflow.invalid')")
    assert "https://airflow.invalid/filmpulse/" in made
    assert html(invented, "html_card('tt99999999', '')") is None


@pytest.mark.parametrize(
    ("mean", "half", "is_enough", "bars", "shown"),
    [
        (0.5, 0.25, True, [12.5], ["+0.50", "± 0.25"]),
        (-1.9, 0.5, True, [15.0], ["-1.90", "± 0.50"]),
        (0, 9, True, [100.0], ["+0.00", "± 9.00"]),
        (2, None, False, [], ["+2.00", "too few"]),
        (1, 0.1, False, [5.0], ["+1.00", "± 0.10", "too few"]),
    ],
)
def test_an_interval_stays_on_the_scale(invented, mean, half, is_enough, bars, shown):
    made = html(invented, "html_interval(%s::numeric, %s::float8, %s)", mean, half, is_enough)
    assert widths(made) == bars
    assert texts(made) == shown
    assert ("#8C8C8C" in made.partition("112px")[0]) != is_enough


@pytest.mark.parametrize(
    ("counts", "heights"),
    [
        ([0, 0, 0, 0, 0], [1, 1, 1, 1, 1]),
        ([1, 2, 0, 4, 3], [8, 15, 1, 30, 23]),
        ([10**9, 1, 0, 0, 0], [30, 1, 1, 1, 1]),
    ],
)
def test_the_highest_bar_is_full(invented, counts, heights):
    made = html(invented, "html_bars(%s, %s, %s, %s, %s)", *counts)
    assert [int(height) for height in re.findall(r"height:(\d+)px", made)][1:] == heights


def test_a_share_of_nothing_is_none(invented):
    assert texts(html(invented, "html_share(1, 3)")) == ["33 %"]
    assert html(invented, "html_share(0, 0)") is None
