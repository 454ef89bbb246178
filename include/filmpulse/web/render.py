"""Pages by Jinja: every value is escaped, and a template writes numbers in one way."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from filmpulse.jobs import CATALOGUE_CREDIT
from filmpulse.web import figures
from filmpulse.web.door import Right, door_of, visitor_of
from filmpulse.web.numbers import ago, count, day, mean, minutes, moment, percent, score, size
from filmpulse.web.texts import folded
from filmpulse.web.tokens import token_of
from filmpulse.web.words import kind, life, role


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
        "moment": moment, "folded": folded, "kind": kind, "life": life,
        "role": role, "minutes": minutes, "size": size,
    }  # fmt: skip
    made.globals |= {"aspect_bars": figures.card_bars, "sparkline": figures.card_weeks}
    made.globals["credit"] = CATALOGUE_CREDIT
    return made
