"""Charts are XML without faults, whatever the figures and labels are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from filmpulse.web import charts
from filmpulse.web.charts import Line, Mean, Panel, Point, Week
from filmpulse.web.plot import Event

HOSTILE = "\"><script>alert('x')</script>&\x00\x1b\u202e\ud800"
DAY = date(2026, 5, 4)
SVG = "{http://www.w3.org/2000/svg}"
MEANS = [
    Mean("Overall", 0.84, 0.12, 412, True),
    Mean("Sound", -0.3, None, 1, False),
    Mean(HOSTILE, None, None, 0, False),
    Mean("Broken", math.nan, math.inf, 3, True),
]


def points(count: int, mean: float | None = 0.5) -> list[Point]:
    return [Point(DAY + timedelta(k), mean, 0.1, k, k % 3 > 0) for k in range(count)]


DRAWN: dict[str, Callable[[], str]] = {
    "spark": lambda: charts.sparkline([3, 0, 9], HOSTILE),
    "spark of nothing": lambda: charts.sparkline([]),
    "spark of one": lambda: charts.sparkline([7]),
    "spark of zeros": lambda: charts.sparkline([0] * 26),
    "spark of 5,000": lambda: charts.sparkline(range(5000)),
    "bars": lambda: charts.aspect_bars(MEANS, HOSTILE),
    "bars for a card": lambda: charts.aspect_bars(MEANS, is_compact=True),
    "no bars": lambda: charts.aspect_bars([]),
    "one bar": lambda: charts.aspect_bars(MEANS[2:3], has_axis=False),
    "compared": lambda: charts.compared_bars([(HOSTILE, MEANS), ("Acting", [])]),
    "compared nothing": lambda: charts.compared_bars([]),
    "no panels": lambda: charts.aspects_over_time([]),
    "an empty panel": lambda: charts.aspects_over_time([Panel("Acting", [])], [Event(DAY, "x")]),
    "a point": lambda: charts.aspects_over_time([Panel(HOSTILE, points(1))], [Event(DAY, HOSTILE)]),
    "equal points": lambda: charts.aspects_over_time([Panel("Acting", points(30, 2.0))]),
    "no means": lambda: charts.aspects_over_time([Panel("Acting", points(3, None))]),
    "5,000 points": lambda: charts.aspects_over_time([Panel("Acting", points(5000))]),
    "no weeks": lambda: charts.weekly_reviews([]),
    "a week": lambda: charts.weekly_reviews([Week(DAY, 0)], [Event(DAY, HOSTILE)]),
    "5,000 weeks": lambda: charts.weekly_reviews(
        [Week(date(1920, 1, 5) + timedelta(7 * k), k) for k in range(5000)]
    ),
    "the ends of time": lambda: charts.weekly_reviews(
        [Week(date.min, 1), Week(date(9999, 1, 1), 2)], [Event(date.max, "End")]
    ),
    "since release": lambda: charts.weeks_since_release([Line(HOSTILE, [(-4, 0), (0, 9)])]),
    "since release, a point": lambda: charts.weeks_since_release([Line("A", [(3, 2)])]),
    "since release, nothing": lambda: charts.weeks_since_release([Line("A", [])]),
    "grades": lambda: charts.grade_histogram([0, 0, 1, 5, 5, 5, 9, 99_999, 10_000_000, 3]),
    "no grades": lambda: charts.grade_histogram([0] * 10),
}


def parsed(drawn: str) -> etree._Element:
    return etree.fromstring(f"<all>{drawn}</all>")


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_chart_is_sound(draw: Callable[[], str]) -> None:
    drawn = draw()
    root = parsed(drawn)
    assert "nan" not in drawn.lower()
    assert "inf" not in drawn.lower()
    names = {element.tag for element in root.iter()} - {"all"}
    assert names <= {
        f"{SVG}{name}"
        for name in ("svg", "title", "desc", "g", "path", "line", "rect", "circle", "text")
    }
    for element in root.iter():
        assert not {"style", "onload", "onerror", "href"} & set(element.attrib)
    for chart in root:
        assert chart.get("role") == "img"
        assert [child.tag for child in chart[:2]] == [f"{SVG}title", f"{SVG}desc"]
        assert all(child.text for child in chart[:2])


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_chart_keeps_within_its_width(draw: Callable[[], str]) -> None:
    for element in parsed(draw()).iter():
        for name in ("x", "x1", "x2", "cx"):
            if (value := element.get(name, "")).endswith("%"):
                assert 0 <= float(value[:-1]) <= 100


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_chart_stays_small(draw: Callable[[], str]) -> None:
    assert len(draw()) < 220_000  # 5,000 points in a line and its band


@given(
    mean=st.none() | st.floats(),
    half=st.none() | st.floats(),
    n=st.integers(0, 10**9),
    is_enough=st.booleans(),
    label=st.text(),
)
def test_any_mean_can_be_drawn(
    mean: float | None, half: float | None, n: int, is_enough: bool, label: str
) -> None:
    row = Mean(label, mean, half, n, is_enough)
    for drawn in (
        charts.aspect_bars([row]),
        charts.aspect_bars([row], is_compact=True),
        charts.compared_bars([(label, [row, row])]),
        charts.aspects_over_time([Panel(label, [Point(DAY, mean, half, n, is_enough)])]),
    ):
        parsed(drawn)
        assert "nan" not in drawn.replace(label, "")


def test_a_screen_reader_hears_the_figures() -> None:
    desc = parsed(charts.aspect_bars(MEANS[:2])).find(f".//{SVG}desc")
    assert desc is not None
    assert desc.text == "Overall +0.84 ± 0.12, n 412; Sound \N{MINUS SIGN}0.30, n 1, too few."


def test_too_few_is_grey_and_has_no_whisker() -> None:
    classes = [e.get("class") for e in parsed(charts.aspect_bars(MEANS[1:2])).iter()]
    assert "bar bar-few" in classes
    assert "whisker" not in classes


def test_praise_and_faults_lie_on_either_side_of_zero() -> None:
    good, bad = (
        parsed(charts.aspect_bars([Mean("Acting", mean, 0.1, 90, True)])).find(f".//{SVG}rect[2]")
        for mean in (1.0, -1.0)
    )
    assert good is not None
    assert bad is not None
    assert (good.get("class"), good.get("x")) == ("bar bar-good", "50%")
    assert (bad.get("class"), bad.get("x")) == ("bar bar-bad", "25.5%")


def test_labels_of_events_do_not_overlap() -> None:
    events = [Event(DAY + timedelta(3 * k), f"Something happened {k}") for k in range(40)]
    weeks = [Week(DAY + timedelta(7 * k), 5) for k in range(20)]
    root = parsed(charts.weekly_reviews(weeks, events))
    spans: dict[str, list[tuple[float, float]]] = {}
    for text in root.iterfind(f".//{SVG}text"):
        kind = text.get("class") or ""
        if kind.startswith("event-label"):
            x, wide = float((text.get("x") or "")[:-1]) * 3, len(text.text or "") * 6
            span = (x - wide, x) if kind.endswith("end") else (x, x + wide)
            spans.setdefault(text.get("y") or "", []).append(span)
    assert spans
    for lane in spans.values():
        ordered = sorted(lane)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ordered))
    lines = [e for e in root.iter(f"{SVG}line") if e.get("class") == "event"]
    assert len(lines) >= 40  # those without a label keep their line, with the label as its title


def test_many_weeks_share_a_bar_and_none_is_lost() -> None:
    weeks = [Week(date(1990, 1, 1) + timedelta(7 * k), 1) for k in range(1500)]
    root = parsed(charts.weekly_reviews(weeks))
    bars = [e[0].text or "" for e in root.iter(f"{SVG}rect")]
    assert len(bars) <= 156
    assert sum(int(bar.rsplit(": ", 1)[1]) for bar in bars) == 1500
    assert "10 weeks" in (root[0][0].text or "")


def test_ten_grades_are_asked_for() -> None:
    with pytest.raises(ValueError, match="zip"):
        charts.grade_histogram([1, 2, 3])


def test_an_event_of_the_last_month_is_on_the_axis() -> None:
    months = [Point(date(2026, month, 1), 0.5, 0.1, 90, True) for month in range(3, 12)]
    events = [Event(date(2026, 11, 28), "Streaming"), Event(date(2027, 3, 1), "Sequel")]
    [panel] = parsed(charts.aspects_over_time([Panel("Acting", months)], events))
    labels = [e.text for e in panel.iter(f"{SVG}text") if e.get("class", "").startswith("event")]
    assert labels == ["Streaming"]
