"""What charts are made of: scales, axes, event marks, and the picture that holds them.

Positions across are shares of the width (0 to 100), those down are px. Only lines and areas lie in
an inner picture of `FINE` by `FINE` units that is stretched to the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

from filmpulse.web import numbers
from filmpulse.web.svg import number, percent, tag

FINE = 1000
_NARROWEST = 300  # px: the width at which labels must not touch
_LETTER = 6  # px: a mean letter of a label, at 11 px
_LANE = 13  # px: a row of event labels
_MOST_LANES = 4
_LONGEST_LABEL = 24  # characters


class Event(NamedTuple):
    """Something that happened to a movie."""

    day: date
    label: str


class Scale:
    """A straight line from values to positions; values outside end at its ends."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        """Map `low` to `start` and `high` to `end`."""
        self._low, self._high, self._start, self._end = low, high, start, end

    def __call__(self, value: float) -> float:
        """Return a value's position; the middle where the ends are one."""
        if self._high == self._low:
            return (self._start + self._end) / 2
        share = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)


class Days(NamedTuple):
    """An axis of days, as shares of the width, and the events on it."""

    first: date
    last: date
    events: Sequence[Event]
    end: float

    @classmethod
    def over(
        cls, days: Sequence[date], events: Sequence[Event], end: float, lasts: int = 0
    ) -> Days:
        """Hold all days, and events at most a tenth of the axis before or after them.

        Args:
            days: In any order; none gives an axis without marks.
            events: In any order.
            end: Where the last day lies, as a share of the width.
            lasts: How many days the last day stands for: events in them are shown too.
        """
        if not days:
            return cls(date.min, date.min, (), end)
        first, last = min(days), max(days)
        near = max((last - first).days // 10, 7)
        from_day, to_day = later(first, -near), later(last, max(near, lasts))
        shown = sorted(event for event in events if from_day <= event.day <= to_day)
        return cls(
            min([first, *(event.day for event in shown)]),
            max([last, *(event.day for event in shown)]),
            shown,
            end,
        )

    def __call__(self, day: date) -> float:
        """Return where a day lies, from 2 % of the width to the end."""
        return Scale(0, (self.last - self.first).days, 2, self.end)((day - self.first).days)


def chart(kind: str, height: float, title: str, told: str, *parts: Markup) -> Markup:
    """Put a chart together: its title, its figures in words, then what is seen."""
    return tag(
        "svg",
        tag("title", title),
        tag("desc", told),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"chart chart-{kind}",
        role="img",
        width="100%",
        height=height,
    )


def stretched(top: float, height: float, *shapes: Markup) -> Markup:
    """Put lines and areas into a picture that is stretched to the width."""
    return tag(
        "svg",
        *shapes,
        x=0,
        y=top,
        width="100%",
        height=height,
        viewBox=f"0 0 {FINE} {FINE}",
        preserveAspectRatio="none",
    )


def path(spots: Sequence[tuple[float, float]]) -> str:
    """Return a line through spots; empty for none."""
    return "".join(
        f"{'L' if index else 'M'}{number(x)} {number(y)}" for index, (x, y) in enumerate(spots)
    )


def upright(kind: str, x: float, top: float, bottom: float) -> Markup:
    """Draw an upright line."""
    return tag("line", class_=kind, x1=percent(x), x2=percent(x), y1=top, y2=bottom)


def gridline(y: float, label: str, *, is_zero: bool = False) -> Markup:
    """Draw a line across, its label above its right end."""
    line = tag("line", class_="zero" if is_zero else "grid", x1=0, x2="100%", y1=y, y2=y)
    return line + tag("text", label, class_="tick halo end", x="100%", y=y - 3) if label else line


def tick(x: float, label: str, y: float) -> Markup:
    """Write a label below an axis; one near an end stays inside."""
    side = "" if x < 10 else " end" if x > 90 else " middle"
    return tag("text", label, class_=f"tick{side}", x=percent(x), y=y)


def day_axis(days: Days, y: float) -> Markup:
    """Write the days below a plot."""
    if days.first == date.min:
        return Markup("")
    return Markup("").join(tick(days(day), label, y) for day, label in _day_ticks(days))


def _day_ticks(days: Days) -> list[tuple[date, str]]:
    """Choose at most five days with a name each: years, months, or the two ends."""
    months = (days.last.year - days.first.year) * 12 + days.last.month - days.first.month
    if months < 2:
        ends = sorted({days.first, days.last})
        return [(day, f"{day.day} {day:%b %Y}") for day in ends]
    step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 12_000) if months / s <= 4)
    begun = days.first.year * 12 + days.first.month - 1
    starts = [
        date(month // 12, month % 12 + 1, 1)
        for month in range(begun + 1, begun + months + 1)
        if month % step == 0
    ]
    return [(day, str(day.year) if step >= 12 else f"{day:%b %Y}") for day in starts]


def event_marks(days: Days, top: float, height: float) -> tuple[Markup, Markup, float]:
    """Draw a line for each event, with its label in a lane where no other label stands.

    An event that finds no room in any lane keeps its line without a label; its tooltip has it.

    Args:
        days: The axis, with the events.
        top: Where the lanes begin.
        height: How high the plot below the lanes is.

    Returns:
        The lines, the labels, and where the plot begins.
    """
    lanes: list[float] = []  # where the last label of each ends
    placed = []
    for event in days.events:
        x, wide = days(event.day), (len(_cut(event.label)) * _LETTER + 10) / _NARROWEST * 100
        is_left = x + wide > 100
        begin = x - wide if is_left else x
        lane = next((at for at, end in enumerate(lanes) if end <= begin), len(lanes))
        has_room = lane < _MOST_LANES and begin >= 0
        if has_room:
            lanes[lane : lane + 1] = [x if is_left else x + wide]
        placed.append((event, x, is_left, lane if has_room else None))
    begin = top + _LANE * len(lanes) + (6 if lanes else 0)
    lines = Markup("").join(
        _event_line(event, x, top + _LANE * (lane or 0), begin + height)
        for event, x, _, lane in placed
    )
    labels = Markup("").join(
        _event_label(event, x, top + _LANE * lane + 9, is_left=is_left)
        for event, x, is_left, lane in placed
        if lane is not None
    )
    return lines, labels, begin


def _event_line(event: Event, x: float, top: float, bottom: float) -> Markup:
    title = tag("title", f"{numbers.day(event.day)}: {event.label}")
    at = percent(x)
    return tag("line", title, class_="event", x1=at, x2=at, y1=top, y2=bottom)


def _event_label(event: Event, x: float, y: float, *, is_left: bool) -> Markup:
    return tag(
        "text",
        _cut(event.label),
        class_="event-label end" if is_left else "event-label",
        x=percent(x),
        y=y,
        dx=-4 if is_left else 4,
    )


def _cut(label: str) -> str:
    return (
        label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1].rstrip() + "\u2026"
    )


def nice_step(highest: int, about: int = 3) -> int:
    """Return the step of 1, 2 or 5 times a power of ten that gives about so many lines."""
    rough = max(highest, 1) / about
    power = 10 ** max(math.floor(math.log10(rough)), 0)
    return int(next(power * times for times in (1, 2, 5, 10) if power * times >= rough))


def short(n: int) -> str:
    """Write a count in four characters: 412, 9.8k, 41k, 1.2M."""
    if n < 1000:
        return str(n)
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if n >= size * 0.9995:
            return f"{n / size:.1f}{letter}" if n < 9.95 * size else f"{n / size:.0f}{letter}"
    return str(n)


def later(day: date, days: int) -> date:
    """Return the day so many days later; the first or last day that there is if it lies outside."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))
