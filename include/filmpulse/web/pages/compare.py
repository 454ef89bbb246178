"""Two or three movies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from filmpulse.items import is_imdb_id
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse import pages as rows
from filmpulse.web import figures
from filmpulse.web.dashboards import COMPARE, dashboard_url
from filmpulse.web.door import DoorDep
from filmpulse.web.render import page

router = APIRouter()

MOST = 3
"""Movies at once: more do not fit beside each other."""


@router.get("/compare", response_class=HTMLResponse)
def compare_movies(
    request: Request, door: DoorDep, movie: Annotated[list[str] | None, Query()] = None
) -> HTMLResponse:
    """Show movies side by side; without any, or with one, a form to choose them by."""
    context = door.context()
    warehouse = context.warehouse
    known = {card.imdb_id: card for card in rows.cards(warehouse, imdb_ids=None)}
    asked = list(dict.fromkeys(one.strip() for one in movie or [] if one.strip()))
    chosen = [known[one] for one in asked if one in known][:MOST]
    values: dict[str, Any] = {
        "known": list(known.values()),
        "chosen": chosen,
        "most": MOST,
        "missing": [one for one in asked if one not in known and is_imdb_id(one)],
        "left_out": max(len(asked) - MOST, 0),
        "superset": None,
    }
    if len(chosen) > 1:
        labels = [card.movie for card in chosen]
        url = dashboard_url(context.settings.superset_public_url, COMPARE, labels)
        values |= _side_by_side(chosen, warehouse) | {"superset": url}
    return page(request, "compare.html", **values)


def _side_by_side(chosen: Sequence[rows.Card], warehouse: Warehouse) -> dict[str, Any]:
    """Read and draw what is compared."""
    imdb_ids = [card.imdb_id for card in chosen]
    means = rows.compared(warehouse, imdb_ids=imdb_ids)
    weeks = rows.compared_weeks(warehouse, imdb_ids=imdb_ids)
    titles = {card.imdb_id: card.title for card in chosen}
    found: dict[str, list[rows.Difference]] = {}
    for one in rows.differences(warehouse, imdb_ids=imdb_ids):
        found.setdefault(one.aspect, []).append(one)
    return {
        "titles": titles,
        "aspects": list(dict.fromkeys(mean.aspect for mean in means)),
        "means": {(mean.aspect, mean.imdb_id): mean for mean in means},
        "differences": found,
        "bars": figures.compared_bars(means, titles),
        "weeks_chart": figures.since_release(weeks, titles) if weeks else None,
    }
