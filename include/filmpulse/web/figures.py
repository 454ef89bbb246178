"""Rows of the marts as charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from markupsafe import Markup

from filmpulse.warehouse import pages as rows
from filmpulse.web import charts
from filmpulse.web.charts import Line, Mean, Panel, Point, Week
from filmpulse.web.plot import Event

_SPARK_WEEKS = 26  # what mart.recent_weeks holds
_WEEKS, _MONTHS = 26, 36  # how long a movie's time may be to be shown by week, by month

# Drawings of the list, by what they show, which changes only when a movie was worked on: at most
# 5 KB each.
_card_bars = lru_cache(512)(charts.aspect_bars)
_card_weeks = lru_cache(512)(charts.sparkline)


def card_bars(aspects: Iterable[rows.CardAspect]) -> Markup:
    """Draw a movie's aspects for a card; nothing where no review mentions any."""
    means = tuple(
        Mean(a.aspect.capitalize(), a.mean_score, a.half_interval, a.mentions, a.is_enough)
        for a in aspects
    )
    if not any(mean.n for mean in means):
        return Markup("")
    return _card_bars(means, is_compact=True)


def card_weeks(weeks: Iterable[rows.CardWeek], today: date | None = None) -> Markup:
    """Draw a movie's reviews of each of the last 26 weeks, this one included."""
    today = today or datetime.now(UTC).date()
    monday = today - timedelta(today.weekday())
    counts = {week.starts_on: week.reviews for week in weeks}
    shown = [monday - timedelta(7 * back) for back in reversed(range(_SPARK_WEEKS))]
    return _card_weeks(tuple(counts.get(day, 0) for day in shown))


def aspect_bar(aspect: rows.AspectMean) -> Markup:
    """Draw one aspect of a movie large, its label and figures above the bar."""
    label = aspect.aspect.capitalize()
    mean = Mean(label, aspect.mean_score, aspect.half_interval, aspect.mentions, aspect.is_enough)
    return charts.aspect_bars([mean], label, has_axis=False)


def one_axis(means: Iterable[rows.ComparedMean]) -> Markup:
    """Draw the whole and all aspects of a movie on one axis."""
    drawn = [
        Mean(m.aspect.capitalize(), m.mean_score, m.half_interval, m.n, m.is_enough) for m in means
    ]
    return charts.aspect_bars(drawn, is_compact=True, tall=26)


def over_time(series: Sequence[rows.AspectPoint], events: Iterable[rows.EventPoint]) -> Markup:
    """Draw the whole and each aspect over time; a panel each, in the order of the rows."""
    panels: dict[str, list[Point]] = {}
    for at in series:
        point = Point(at.starts_on, at.mean_score, at.half_interval, at.n, at.is_enough)
        panels.setdefault(at.aspect.capitalize(), []).append(point)
    drawn = [Panel(aspect, points) for aspect, points in panels.items()]
    return charts.aspects_over_time(drawn, _events(events))


def weeks(weeks: Iterable[rows.WeekPoint], events: Iterable[rows.EventPoint]) -> Markup:
    """Draw a movie's reviews of each week."""
    return charts.weekly_reviews([Week(w.starts_on, w.reviews) for w in weeks], _events(events))


def grades(counts: Iterable[rows.GradeCount]) -> Markup:
    """Draw how many reviews gave each grade."""
    return charts.grade_histogram([one.reviews for one in counts if one.stars is not None])


def compared_bars(means: Iterable[rows.ComparedMean], titles: Mapping[str, str]) -> Markup:
    """Draw movies on one axis, a row for each aspect; `titles` by id, in the order of movies."""
    by_aspect: dict[str, dict[str, Mean]] = {}
    for one in means:
        row = Mean(titles[one.imdb_id], one.mean_score, one.half_interval, one.n, one.is_enough)
        by_aspect.setdefault(one.aspect.capitalize(), {})[one.imdb_id] = row
    none = Mean("", None, None, 0, False)
    return charts.compared_bars(
        [
            (aspect, [of.get(imdb_id, none) for imdb_id in titles])
            for aspect, of in by_aspect.items()
        ]
    )


def since_release(weeks: Iterable[rows.ComparedWeek], titles: Mapping[str, str]) -> Markup:
    """Draw movies' reviews of each week since their release."""
    points: dict[str, list[tuple[int, int]]] = {imdb_id: [] for imdb_id in titles}
    for week in weeks:
        points[week.imdb_id].append((week.days_since_release // 7, week.reviews))
    return charts.weeks_since_release(
        [Line(title, points[imdb_id]) for imdb_id, title in titles.items()]
    )


def grains(weeks: Sequence[rows.WeekPoint]) -> Sequence[str]:
    """Return by how long a time a movie's aspects can be shown without too many points."""
    if not weeks:
        return rows.GRAINS
    days = (weeks[-1].starts_on - weeks[0].starts_on).days
    first = 0 if days < 7 * _WEEKS else 1 if days < 30.5 * _MONTHS else 2
    return rows.GRAINS[first:]


def _events(events: Iterable[rows.EventPoint]) -> list[Event]:
    return [Event(one.happened_on, one.label) for one in events]
