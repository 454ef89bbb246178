"""Pages by Jinja: every value is escaped, and a template writes numbers in one way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from filmpulse.web import charts
from filmpulse.web.door import Right, door_of, visitor_of
from filmpulse.web.guard import token_of

MINUS, NONE = "\N{MINUS SIGN}", "\N{EN DASH}"


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page, or a part of one.

    Besides its values a template has `url(path)`, the address of a path of this app; `visitor`,
    `may_change`, `may_erase` and the `token` of forms; `airflow`, the path of Airflow's own pages.
    """
    visitor, door = visitor_of(request), door_of(request)
    shared = {
        "request": request,
        "url": lambda path="/": url(request, path),
        "airflow": airflow_path(request),
        "visitor": visitor,
        "may_change": visitor.may(Right.CHANGE),
        "may_erase": visitor.may(Right.ERASE),
        "token": token_of(visitor, door),
        "is_part": is_part(request),
    }
    text = environment().get_template(template).render(shared | values)
    # Half of a surrogate pair, as files may hold, cannot be written in UTF-8.
    return HTMLResponse(text.encode("utf-8", "replace"), status)


def url(request: Request, path: str = "/") -> str:
    """Return the address of a path of this app, wherever Airflow mounted it."""
    return f"{request.scope.get('root_path', '')}{path}"


def airflow_path(request: Request) -> str:
    """Return the path of Airflow's own pages, without a slash at its end."""
    return str(request.scope.get("app_root_path", "")).rstrip("/")


def is_part(request: Request) -> bool:
    """Say whether htmx asks, which takes a part of a page."""
    return request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted")


@cache
def environment() -> Environment:
    """Return the templates with their filters."""
    made = Environment(
        loader=PackageLoader("filmpulse.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "score": score, "mean": mean, "count": count, "percent": percent, "day": day, "ago": ago,
        "moment": moment,
    }  # fmt: skip
    made.globals |= {"aspect_bars": charts.aspect_bars, "sparkline": charts.sparkline}
    return made


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
