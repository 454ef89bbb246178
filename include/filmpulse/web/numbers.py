"""Numbers and times as people read them: each in one way, in texts, charts and tables."""

from __future__ import annotations

from datetime import UTC, date, datetime

MINUS, NONE = "\N{MINUS SIGN}", "\N{EN DASH}"


def score(value: float | None, digits: int = 2) -> str:
    """Write a figure of the scale -2 to 2 with its sign; a dash for none."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"


def mean(value: float | None, half_interval: float | None, n: int | None) -> str:
    """Write a mean with its 95 % interval and n: "+0.84 ± 0.12, n 412"."""
    if value is None:
        return "nothing scored yet"
    width = f" ± {half_interval:.2f}" if half_interval is not None else ""
    return f"{score(value)}{width}, n {count(n)}"


def count(value: int | None) -> str:
    """Write a whole number with commas; a dash for none."""
    return NONE if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """Write a share of 1 in percent; with a decimal place below 10 %; a dash for none."""
    if share is None:
        return NONE
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def size(value: int | None) -> str:
    """Write a number of bytes: "1.2 GB", "340 MB", "12 kB"; a dash for none."""
    if value is None:
        return NONE
    for unit, one in (("GB", 10**9), ("MB", 10**6)):
        if value >= one:
            return (
                f"{value / one:,.1f} {unit}" if value < 10 * one else f"{value / one:,.0f} {unit}"
            )
    return f"{value / 1000:,.0f} kB"


def minutes(value: int | None) -> str:
    """Write a running time: "2 h 22 min", "48 min"; a dash for none."""
    if value is None:
        return NONE
    return f"{value // 60} h {value % 60} min" if value >= 60 else f"{value} min"


def day(value: date | None) -> str:
    """Write a day: "3 Oct 2026"; a dash for none."""
    return NONE if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """Write a moment: "3 Oct 2026, 14:05 UTC"; a dash for none."""
    if value is None:
        return NONE
    value = value.astimezone(UTC)
    return f"{day(value.date())}, {value:%H:%M} UTC"


def ago(value: datetime | None) -> str:
    """Say how long ago a moment was, in words; "never" for none."""
    if value is None:
        return "never"
    minutes = int((datetime.now(UTC) - value).total_seconds() // 60)
    if minutes < 2:
        return "just now"
    if minutes < 120:
        return f"{minutes} minutes ago"
    return f"{minutes // 60} hours ago" if minutes < 2880 else f"{minutes // 1440} days ago"
