"""A movie's figures as charts: plain data in, SVG out.

A chart is as wide as its place and keeps its height, so its text stays readable on a phone and in
print. Colours come from the classes in `static/movie.css`, so a chart follows light and dark. Each
has a title, and a description with its figures for those who hear it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from filmpulse.web import numbers
from filmpulse.web.plot import (
    FINE,
    Days,
    Event,
    Scale,
    chart,
    day_axis,
    event_marks,
    gridline,
    later,
    nice_step,
    path,
    short,
    stretched,
    tick,
    upright,
)
from filmpulse.web.svg import known, percent, tag

_MOST_BARS = 156  # three years of weeks: two pixels each on a phone
_MOST_POINTS = 150  # more are drawn as a line only
_SHAPES = (  # disc, square, diamond: told apart without colour
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
    "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "M0 -6L6 0L0 6L-6 0Z",
)


class Mean(NamedTuple):
    """A mean score of reviews.

    Attributes:
        label: What was scored: Overall, an aspect, or a movie.
        mean: -2 to 2; None for none.
        half_interval: Half the width of its 95 % interval; None below two scores.
        n: How many scores.
        is_enough: Whether the mean may be compared; else it is drawn grey.
    """

    label: str
    mean: float | None
    half_interval: float | None
    n: int
    is_enough: bool


class Point(NamedTuple):
    """The mean score of the reviews from a day on; fields as in `Mean`."""

    day: date
    mean: float | None
    half_interval: float | None
    n: int
    is_enough: bool


class Panel(NamedTuple):
    """One aspect over time, by day."""

    label: str
    points: Sequence[Point]


class Week(NamedTuple):
    """How many reviews were submitted in the seven days from a day on."""

    day: date
    reviews: int


class Line(NamedTuple):
    """A movie's reviews by the week since its release: (weeks, reviews), by week."""

    label: str
    points: Sequence[tuple[int, int]]


def worded(mean: Mean | Point) -> str:
    """Write a mean with its interval and n; say so where it rests on too few."""
    value = known(mean.mean)
    if value is None:
        return "not mentioned"
    told = numbers.mean(value, known(mean.half_interval), mean.n)
    return told if mean.is_enough else f"{told}, too few"


# --- Reviews a week, small -----------------------------------------------------------------------


def sparkline(counts: Sequence[int], title: str = "Reviews a week") -> Markup:
    """Draw the reviews of each week, the latest last; the last point is marked.

    Args:
        counts: A number for each week; empty for none.
        title: What a screen reader says first.
    """
    if not counts:
        return _nothing("spark", title, "No reviews yet.")
    top = max(*counts, 1)
    across = Scale(0, max(len(counts) - 1, 1), 0, 96)
    heights = [25 - 22 * count / top for count in counts]
    spots = [(across(week) * 10, y / 28 * FINE) for week, y in enumerate(heights)]
    line = path(spots)
    area = f"{line}V{FINE}H0Z"
    last = tag("circle", class_="dot", cx=percent(across(len(counts) - 1)), cy=heights[-1], r=2.5)
    return chart(
        "spark",
        28,
        title,
        f"{len(counts)} weeks, {sum(counts):,} reviews in all. "
        f"Last week {counts[-1]:,}; at most {max(counts):,}.",
        stretched(0, 28, tag("path", class_="area", d=area), tag("path", class_="line", d=line)),
        last,
    )


# --- Means on the scale from -2 to 2 -------------------------------------------------------------


def aspect_bars(
    rows: Sequence[Mean],
    title: str = "Scores by aspect",
    *,
    is_compact: bool = False,
    has_axis: bool = True,
    tall: int = 17,
) -> Markup:
    """Draw means as bars round a zero line, each with its interval and n.

    Args:
        rows: In the order in which they stand, from above.
        title: What a screen reader says first.
        is_compact: One line each, for a card, and no axis; else the label stands above its bar.
        has_axis: Whether the ends of the scale are written below.
        tall: How high a line of a card is, in px; 17 at least.
    """
    if is_compact:
        parts, height = (
            [_compact_row(row, at * tall) for at, row in enumerate(rows)],
            len(rows) * tall,
        )
    else:
        parts, height = [_large_row(row, at * 44) for at, row in enumerate(rows)], len(rows) * 44
        if has_axis:
            parts.append(_score_axis(height + 10))
            height += 16
    return chart("bars", max(height, 1), title, _figures(rows), *parts)


def compared_bars(
    aspects: Sequence[tuple[str, Sequence[Mean]]], title: str = "Scores by aspect, side by side"
) -> Markup:
    """Draw the means of several movies on one axis, a row for each aspect.

    Args:
        aspects: (aspect, a mean of each movie, labelled with the movie, in one order for all).
        title: What a screen reader says first.
    """
    scale, y, parts = Scale(-2, 2, 3, 97), 0, []
    for aspect, means in aspects:
        parts.append(tag("text", aspect, class_="label", x=0, y=y + 13))
        height = 14 * len(means) + 4
        parts.append(_score_grid(scale, y + 18, y + 18 + height))
        for place, mean in enumerate(means):
            parts.append(_compared_mark(mean, place, y + 27 + 14 * place, scale))
        y += height + 28
    parts.append(_score_axis(y + 4))
    told = " ".join(f"{aspect}: {_figures(means)}" for aspect, means in aspects)
    return chart("bars compared", y + 12, title, told or "No scores yet.", *parts)


def _compact_row(row: Mean, y: float) -> Markup:
    value = known(row.mean)
    if value is None or not row.is_enough:
        figures = tag("text", "too few", class_="few end", x="100%", y=y + 12)
    else:
        figures = tag("text", numbers.score(value), class_="value end", x="86%", y=y + 12) + tag(
            "text", short(row.n), class_="tick end", x="100%", y=y + 12
        )
    label = tag("text", row.label, class_="small", x=0, y=y + 12)
    return label + _bar(row, y + 8, Scale(-2, 2, 36, 68), 6) + figures


def _large_row(row: Mean, y: float) -> Markup:
    is_grey = known(row.mean) is None or not row.is_enough
    return (
        tag("text", row.label, class_="label", x=0, y=y + 14)
        + tag("text", worded(row), class_="few end" if is_grey else "value end", x="100%", y=y + 14)
        + _bar(row, y + 27, Scale(-2, 2, 1, 99), 10)
    )


def _bar(row: Mean, middle: float, scale: Scale, thick: float) -> Markup:
    """Draw a track, its zero line, and the bar with its whisker where there is a mean."""
    left, zero, right = scale(-2), scale(0), scale(2)
    track = tag(
        "rect",
        class_="track",
        x=percent(left),
        y=middle - thick / 2,
        width=percent(right - left),
        height=thick,
        rx=thick / 2,
    )
    value = known(row.mean)
    parts = [track]
    if value is not None:
        end = scale(value)
        parts.append(
            tag(
                "rect",
                tag("title", f"{row.label}: {worded(row)}"),
                class_=_tone(value, row.is_enough),
                x=percent(min(zero, end)),
                y=middle - thick / 2,
                width=percent(abs(end - zero)),
                height=thick,
                rx=1,
            )
        )
        parts.append(_whisker(row, middle, scale, thick * 0.75))
    parts.append(upright("zero", zero, middle - thick / 2 - 2, middle + thick / 2 + 2))
    return Markup("").join(parts)


def _whisker(row: Mean, middle: float, scale: Scale, tall: float) -> Markup:
    value, half = known(row.mean), known(row.half_interval)
    if value is None or half is None or not row.is_enough:
        return Markup("")
    low, high = scale(value - half), scale(value + half)
    ends = [upright("whisker", x, middle - tall / 2, middle + tall / 2) for x in (low, high)]
    line = tag("line", class_="whisker", x1=percent(low), x2=percent(high), y1=middle, y2=middle)
    return Markup("").join([line, *ends])


def _compared_mark(mean: Mean, place: int, y: float, scale: Scale) -> Markup:
    """Draw one movie's mean: its own colour and shape, hollow and grey for too few."""
    value = known(mean.mean)
    if value is None:
        return Markup("")
    mark = tag(
        "path",
        tag("title", f"{mean.label}: {worded(mean)}"),
        class_=f"mark movie-{place % 3 + 1}" if mean.is_enough else "mark mark-few",
        d=_SHAPES[place % 3],
    )
    at = tag("svg", mark, x=percent(scale(value)), y=y, overflow="visible")
    line = _whisker(mean, y, scale, 6)
    return tag("g", line, class_=f"movie-{place % 3 + 1}") + at if line else at


def _score_grid(scale: Scale, top: float, bottom: float) -> Markup:
    return Markup("").join(
        upright("grid" if score else "zero", scale(score), top, bottom) for score in range(-2, 3)
    )


def _score_axis(y: float) -> Markup:
    return (
        tag("text", "\u22122 very negative", class_="tick", x=0, y=y)
        + tag("text", "0", class_="tick middle", x="50%", y=y)
        + tag("text", "very positive +2", class_="tick end", x="100%", y=y)
    )


def _tone(value: float, is_enough: bool) -> str:
    if not is_enough:
        return "bar bar-few"
    return "bar bar-good" if value >= 0 else "bar bar-bad"


def _figures(rows: Iterable[Mean]) -> str:
    told = "; ".join(f"{row.label} {worded(row)}" for row in rows)
    return f"{told}." if told else "No scores yet."


# --- Over time -----------------------------------------------------------------------------------


def aspects_over_time(panels: Sequence[Panel], events: Sequence[Event] = ()) -> Markup:
    """Draw each aspect's mean over time: a panel each, all on the same axes.

    Points that rest on too few reviews are grey, joined by a thin grey line only.

    Returns:
        One `svg` for each panel, in their order; empty for no panel.
    """
    points = [point for panel in panels for point in panel.points]
    starts = sorted({point.day for point in points})
    lasts = min(((b - a).days for a, b in pairwise(starts)), default=0)
    days = Days.over(starts, events, 91, lasts)
    ends = _score_range(points)
    return Markup("").join(_panel(panel, days, ends) for panel in panels)


def _panel(panel: Panel, days: Days, ends: tuple[float, float]) -> Markup:
    shown = [point for point in panel.points if known(point.mean) is not None]
    enough = [point for point in shown if point.is_enough]
    lines, labels, top = event_marks(days, 26, 110)
    bottom = top + 110
    y = Scale(ends[0], ends[1], bottom, top)
    grid = [
        gridline(y(score), numbers.score(score, 0), is_zero=score == 0)
        for score in range(math.ceil(ends[0]), math.floor(ends[1]) + 1)
    ]
    band = tag("path", class_="band", d=_band(enough, days, y, bottom))
    mean = tag("path", class_="line", d=_mean_line(enough, days, y, bottom))
    thin = tag("path", class_="line-few", d=_mean_line(shown, days, y, bottom))
    latest = (enough or shown)[-1:]
    figures = [
        tag("text", worded(p), class_="value end" if enough else "few end", x="100%", y=14)
        for p in latest
    ]
    return chart(
        "time",
        bottom + 24,
        panel.label,
        _told_over_time(shown),
        tag("text", panel.label, class_="label", x=0, y=14),
        *figures,
        *grid,
        lines,
        stretched(0, bottom, band, thin, mean),
        *_dots(shown, days, y),
        labels,
        day_axis(days, bottom + 19),
    )


def _dots(points: Sequence[Point], days: Days, y: Scale) -> list[Markup]:
    """Draw each point, the larger the more reviews it rests on; none where there are too many."""
    if len(points) > _MOST_POINTS:
        return []
    most = max((point.n for point in points), default=1) or 1
    return [
        tag(
            "circle",
            tag("title", f"{numbers.day(point.day)}: {worded(point)}"),
            class_="dot" if point.is_enough else "dot dot-few",
            cx=percent(days(point.day)),
            cy=y(point.mean or 0),
            r=2 + 2.5 * math.sqrt(max(point.n, 0) / most),
        )
        for point in points
    ]


def _mean_line(points: Sequence[Point], days: Days, y: Scale, height: float) -> str:
    return path([(days(p.day) * 10, y(p.mean or 0) / height * FINE) for p in points])


def _band(points: Sequence[Point], days: Days, y: Scale, height: float) -> str:
    """Return the outline of the intervals: along their upper ends, back along the lower ones."""

    def edge(side: int, of: Iterable[Point]) -> list[tuple[float, float]]:
        return [(days(p.day) * 10, y(_reach(p, side)) / height * FINE) for p in of]

    outline = path(edge(1, points) + edge(-1, reversed(points)))
    return f"{outline}Z" if outline else ""


def _reach(point: Point, side: int) -> float:
    """Return the upper (1) or lower (-1) end of a mean's interval."""
    return (point.mean or 0) + side * (known(point.half_interval) or 0)


def _score_range(points: Iterable[Point]) -> tuple[float, float]:
    """Return the ends of the axis: they hold 0 and all intervals, in steps of a half."""
    ends = [0.0, 0.5, -0.5]
    for point in points:
        mean, half = known(point.mean), known(point.half_interval) or 0
        if mean is not None:
            reach = half if point.is_enough else 0
            ends += [mean - reach, mean + reach]
    low, high = max(min(ends), -2), min(max(ends), 2)
    return math.floor(low * 2) / 2, math.ceil(high * 2) / 2


def _told_over_time(points: Sequence[Point]) -> str:
    enough = [point for point in points if point.is_enough]
    if not enough:
        return "Too few reviews to tell." if points else "No scores yet."
    first, last = enough[0], enough[-1]
    best = max(enough, key=lambda point: point.mean or 0)
    worst = min(enough, key=lambda point: point.mean or 0)
    return " ".join(
        f"{word} {numbers.day(point.day)}: {worded(point)}."
        for word, point in (("First", first), ("Latest", last), ("Best", best), ("Worst", worst))
    )


def weekly_reviews(
    weeks: Sequence[Week], events: Sequence[Event] = (), title: str = "Reviews a week"
) -> Markup:
    """Draw the reviews of each week as bars, with what happened to the movie.

    Weeks without reviews may be left out. Where there are more than three years, a bar stands for
    several weeks, and the title says so.
    """
    if not weeks:
        return _nothing("time", title, "No reviews yet.")
    bars, width = _gathered(sorted(weeks))
    days = Days.over([bars[0].day, later(bars[-1].day, 7 * width)], events, 98)
    lines, labels, top = event_marks(days, 2, 130)
    most = max(bars, key=lambda bar: bar.reviews)
    y, grid = _counts(most.reviews, top + 130, top + 12)
    drawn = [_week_bar(bar, width, days, y) for bar in bars if bar.reviews]
    told = (
        f"{sum(bar.reviews for bar in bars):,} reviews from {numbers.day(bars[0].day)} to "
        f"{numbers.day(bars[-1].day)}; most from {numbers.day(most.day)}: {most.reviews:,}."
    )
    named = title if width == 1 else f"{title} (a bar for each {width} weeks)"
    axis = day_axis(days, top + 145)
    return chart("time", top + 150, named, told, *grid, lines, *drawn, labels, axis)


def _counts(most: int, bottom: float, top: float) -> tuple[Scale, list[Markup]]:
    """Return a scale for counts from 0, and its gridlines."""
    step = nice_step(most)
    highest = step * math.ceil(max(most, 1) / step)
    y = Scale(0, highest, bottom, top)
    lines = [gridline(y(n), f"{n:,}") for n in range(step, highest + 1, step)]
    return y, [gridline(y(0), "", is_zero=True), *lines]


def _nothing(kind: str, title: str, told: str) -> Markup:
    """Say that there is nothing to draw."""
    return chart(kind, 28, title, told, tag("text", told, class_="few", x=0, y=18))


def _gathered(weeks: Sequence[Week]) -> tuple[list[Week], int]:
    """Put neighbouring weeks together until they fit; return them, and how many weeks each is."""
    first = weeks[0].day
    width = math.ceil(((weeks[-1].day - first).days // 7 + 1) / _MOST_BARS)
    bars: dict[int, int] = {}
    for week in weeks:
        place = (week.day - first).days // (7 * width)
        bars[place] = bars.get(place, 0) + max(week.reviews, 0)
    return [Week(first + timedelta(7 * width * at), n) for at, n in bars.items()], width


def _week_bar(bar: Week, width: int, days: Days, y: Scale) -> Markup:
    left, right = days(bar.day), days(later(bar.day, 7 * width))
    return tag(
        "rect",
        tag("title", f"From {numbers.day(bar.day)}: {bar.reviews:,}"),
        class_="bar bar-plain",
        x=percent(left),
        y=y(bar.reviews),
        width=percent((right - left) * 0.86),
        height=y(0) - y(bar.reviews),
    )


def weeks_since_release(
    lines: Sequence[Line], title: str = "Reviews a week since release"
) -> Markup:
    """Draw the weekly reviews of several movies, each counted from its own release."""
    points = [point for line in lines for point in line.points]
    if not points:
        return _nothing("time", title, "No reviews yet.")
    first, last = min(week for week, _ in points), max(week for week, _ in points)
    across = Scale(first, max(last, first + 1), 1, 99)
    y, grid = _counts(max(n for _, n in points), 150, 12)
    paths = [
        tag(
            "path",
            class_=f"line movie-{place % 3 + 1}",
            d=path([(across(week) * 10, y(n) / 160 * FINE) for week, n in line.points]),
        )
        for place, line in enumerate(lines)
    ]
    told = " ".join(
        f"{line.label}: {sum(n for _, n in line.points):,} reviews, "
        f"at most {max((n for _, n in line.points), default=0):,} a week."
        for line in lines
    )
    return chart(
        "time", 172, title, told, *grid, stretched(0, 160, *paths), _week_axis(across, first, last)
    )


def _week_axis(across: Scale, first: int, last: int) -> Markup:
    step = nice_step(max(last - first, 1), about=5)
    ticks = [week for week in range(first, last + 1) if week % step == 0]
    return Markup("").join(
        tick(across(week), "release" if week == 0 else f"week {week}", 166) for week in ticks
    )


# --- Grades --------------------------------------------------------------------------------------


def grade_histogram(counts: Sequence[int], title: str = "Grades") -> Markup:
    """Draw how many reviews gave each grade.

    Args:
        counts: Ten numbers, of grade 1 to grade 10.
        title: What a screen reader says first.

    Raises:
        ValueError: There are not ten.
    """
    for_each = dict(zip(range(1, 11), counts, strict=True))
    total, most = sum(counts), max(*counts, 1)
    parts = [tag("line", class_="zero", x1=0, x2="100%", y1=118, y2=118)]
    for grade, n in for_each.items():
        left, height = (grade - 1) * 10, 96 * n / most
        parts.append(
            tag(
                "rect",
                tag("title", f"Grade {grade}: {n:,}"),
                class_="bar bar-plain",
                x=percent(left + 0.7),
                y=118 - height,
                width=percent(8.6),
                height=height,
                rx=2,
            )
        )
        parts.append(tag("text", str(grade), class_="tick middle", x=percent(left + 5), y=133))
        if n:
            at = percent(left + 5)
            parts.append(tag("text", short(n), class_="tick middle", x=at, y=113 - height))
    told = "; ".join(f"grade {grade}: {n:,}" for grade, n in for_each.items() if n)
    return chart(
        "grades", 138, title, f"{total:,} grades. {told}." if told else "No grades yet.", *parts
    )
