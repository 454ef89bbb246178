"""A movie's page: how it is received, why, how that changes, and what was done to know it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from filmpulse import jobs
from filmpulse.items import ASPECTS, Aspect
from filmpulse.warehouse import Warehouse, reception
from filmpulse.warehouse import pages as rows
from filmpulse.web import figures
from filmpulse.web.dashboards import RECEPTION, dashboard_url
from filmpulse.web.door import Door, DoorDep
from filmpulse.web.ids import ImdbIdPath
from filmpulse.web.pages.movies import CardShown, read_cards, read_tracked
from filmpulse.web.render import airflow_path, is_part, page, url

router = APIRouter()

Grain = Literal["week", "month", "quarter"]

CHANGED_DAYS = 7
_QUOTES, _COLLECTIONS, _REVIEWS = 3, 8, 20  # at once


Plain = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
"""Text that Postgres can hold; the longest that it is compared with here is a review's id."""

CollectionId = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


class _Known(NamedTuple):
    """What a part of a movie's page shows of the movie itself."""

    card: rows.Card


class Asked(BaseModel):
    """Which reviews a reader asks for; an empty field of the form does not restrict."""

    model_config = ConfigDict(extra="ignore")

    aspect: Annotated[Aspect | None, BeforeValidator(lambda given: given or None)] = None
    score: Annotated[
        Literal["good", "mixed", "bad"] | None, BeforeValidator(lambda given: given or None)
    ] = None
    day_from: Annotated[date | None, BeforeValidator(lambda given: given or None)] = None
    day_to: Annotated[date | None, BeforeValidator(lambda given: given or None)] = None
    language: Plain = ""
    source: Plain = ""
    words: str = ""
    after: str = ""

    @property
    def filter(self) -> rows.ReviewFilter:
        """The same for the warehouse."""
        low, high = _SCORES[self.score]
        return rows.ReviewFilter(
            aspect=self.aspect, score_from=low, score_to=high, day_from=self.day_from,
            day_to=self.day_to, language=self.language or None, source=self.source or None,
            words=self.words,
        )  # fmt: skip

    def query(self, after: str = "") -> str:
        """Write it as the query of an address, for the reviews after a cursor."""
        given = self.model_dump(mode="json", exclude={"after"}) | {"after": after}
        return urlencode({key: value for key, value in given.items() if value})


_SCORES = {None: (None, None), "good": (1, 2), "mixed": (0, 0), "bad": (-2, -1)}


@router.get("/movies/{imdb_id}", response_class=HTMLResponse)
def movie_page(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    said: str | None = None,
) -> HTMLResponse:
    """Show a movie: one with reviews, one without any yet, or one that waits for its first look."""
    shown = _card(imdb_id, door)
    if shown is None:
        return page(request, "movie_unknown.html", 404, imdb_id=imdb_id)
    values: dict[str, Any] = {"shown": shown, "said_done": said, "asked": Asked()}
    card = shown.card
    # A title without reviews is that of a movie that was read, and is not counted yet.
    if card.looked_at is None and card.reviews is None and card.title == imdb_id:
        return page(request, "movie_new.html", **values | _work(request, imdb_id, door))
    warehouse = door.context().warehouse
    values |= _reception(imdb_id, warehouse) | _choices(imdb_id, warehouse)
    values |= _work(request, imdb_id, door)
    return page(request, "movie.html", **values)


def _card(imdb_id: str, door: Door) -> CardShown | None:
    """Return a movie as the list shows it; None for one that is neither known nor tracked."""
    tracked = read_tracked(door)
    shown = read_cards(door.context().warehouse, tracked, [imdb_id])[0]
    is_known = shown.card.title != imdb_id or shown.card.looked_at is not None
    return shown if is_known or shown.is_tracked else None


def _reception(imdb_id: str, warehouse: Warehouse) -> dict[str, Any]:
    """Read how a movie is received on the whole; what takes longer comes after the first paint."""
    summary = reception.read_overall(imdb_id, warehouse)
    grades = rows.grades(warehouse, imdb_id=imdb_id)
    means = rows.compared(warehouse, imdb_ids=[imdb_id])
    return {
        "summary": summary,
        "movie": summary.movie,
        "one_axis": figures.one_axis(means) if any(mean.n for mean in means) else None,
        "grades_chart": figures.grades(grades) if summary.movie["mean_stars"] else None,
        "events": rows.events(warehouse, imdb_id=imdb_id),
        "changed_days": CHANGED_DAYS,
    }


def _choices(imdb_id: str, warehouse: Warehouse) -> dict[str, Any]:
    """Return what reviews can be chosen by."""
    return {
        "aspects": ASPECTS,
        "languages": rows.languages(warehouse, imdb_id=imdb_id),
        "sources": rows.sources(warehouse, imdb_id=imdb_id),
    }


def _work(request: Request, imdb_id: str, door: Door) -> dict[str, Any]:
    """Read what was done to know a movie."""
    context = door.context()
    warehouse, label = context.warehouse, jobs.label(imdb_id, context)
    superset = dashboard_url(context.settings.superset_public_url, RECEPTION, [label])
    return {
        "checks": rows.checks(warehouse, imdb_id=imdb_id),
        "costs": rows.costs(warehouse, imdb_id=imdb_id),
        "looks": rows.looks(warehouse, imdb_id=imdb_id),
        "label": label,
        "superset": superset,
        **_collections(request, imdb_id, door, None),
    }


def _part(request: Request, template: str, heading: str, **values: Any) -> HTMLResponse:
    """Return a part of a movie's page; as a page of its own unless htmx asks."""
    if is_part(request):
        return page(request, template, **values)
    return page(request, "movie_part.html", part=template, heading=heading, **values)


@router.get("/movies/{imdb_id}/aspects", response_class=HTMLResponse)
def movie_aspects(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, spoilers: bool = False
) -> HTMLResponse:
    """Show each aspect with its best quotes; those of spoilers only when they are asked for."""
    shown, warehouse = _known(imdb_id, door), door.context().warehouse
    quotes: dict[str, dict[bool, list[rows.Quote]]] = {}
    for quote in rows.quotes(warehouse, imdb_id=imdb_id, most=_QUOTES, spoilers=spoilers):
        sides = quotes.setdefault(quote.aspect, {True: [], False: []})
        sides[quote.is_praise].append(quote)
    aspects = [
        (one, figures.aspect_bar(one), quotes.get(one.aspect, {True: [], False: []}))
        for one in rows.aspects(warehouse, imdb_id=imdb_id)
    ]
    values = {"shown": shown, "aspects": aspects, "spoilers": spoilers}
    return _part(request, "_aspects.html", "Five aspects", **values)


@router.get("/movies/{imdb_id}/time", response_class=HTMLResponse)
def movie_over_time(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, grain: Grain | None = None
) -> HTMLResponse:
    """Show the aspects over time, and the reviews of each week."""
    shown, warehouse = _known(imdb_id, door), door.context().warehouse
    weeks = rows.weeks(warehouse, imdb_id=imdb_id)
    events = rows.events(warehouse, imdb_id=imdb_id)
    by, series = _telling_series(imdb_id, [grain] if grain else figures.grains(weeks), warehouse)
    values = {
        "shown": shown,
        "grain": by,
        "grains": rows.GRAINS,
        "over_time": figures.over_time(series, events) if series else None,
        "weeks_chart": figures.weeks(weeks, events) if weeks else None,
    }
    return _part(request, "_over_time.html", "Over time", **values)


def _telling_series(
    imdb_id: str, grains: Sequence[str], warehouse: Warehouse
) -> tuple[str, list[rows.AspectPoint]]:
    """Return the first grain by which most points of the whole rest on enough, and its points.

    If there is none, the first of all.
    """
    found = []
    for by in grains:
        found.append((by, rows.aspect_series(warehouse, imdb_id=imdb_id, grain=by)))
        whole = [point.is_enough for point in found[-1][1] if point.aspect == "overall"]
        if 2 * sum(whole) > len(whole):
            return found[-1]
    return found[0]


@router.get("/movies/{imdb_id}/changes", response_class=HTMLResponse)
def movie_changes(request: Request, imdb_id: ImdbIdPath, door: DoorDep) -> HTMLResponse:
    """Show what changed in the last week."""
    shown, since = _known(imdb_id, door), datetime.now(UTC) - timedelta(days=CHANGED_DAYS)
    changes = rows.read_changes(imdb_id, since, door.context().warehouse)
    heading = f"What changed in {CHANGED_DAYS} days"
    return _part(request, "_changes.html", heading, shown=shown, changes=changes)


def _collections(request: Request, imdb_id: str, door: Door, before: int | None) -> dict[str, Any]:
    """Return a movie's collections with the addresses of their logs, newest first.

    `older` is the last one's id where there are more, else None.
    """
    warehouse = door.context().warehouse
    asked = {"imdb_id": imdb_id, "before": before, "most": _COLLECTIONS + 1}
    found = rows.collections(warehouse, **asked)
    lines = [(line, _log(request, line, door)) for line in found[:_COLLECTIONS]]
    older = lines[-1][0].collection_id if len(found) > _COLLECTIONS else None
    return {"imdb_id": imdb_id, "collections": lines, "older": older}


def _log(request: Request, line: rows.CollectionLine, door: Door) -> str | None:
    """Return the address of the run that made a collection; files are read by other runs."""
    path = None if line.mode in ("import", "stream") else door.run_path(line.run_id)
    return None if path is None else f"{airflow_path(request)}{path}"


@router.get("/movies/{imdb_id}/state", response_class=HTMLResponse)
def movie_state(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    tries: Annotated[int, Query(ge=0, le=100)] = 0,
) -> HTMLResponse:
    """Return a movie's state anew, for an open page; once the work ends, have the page anew.

    `tries` is how often to ask for work that was started and has not begun.
    """
    shown = _card(imdb_id, door)
    if shown is None:
        raise HTTPException(404, f"{imdb_id} is neither known here nor tracked.")
    left = max(tries - 1, 0)
    answer = page(request, "_movie_state.html", shown=shown, tries=left)
    if not shown.said.is_working and not left:
        answer.headers["HX-Redirect"] = url(request, f"/movies/{imdb_id}")
    return answer


def _known(imdb_id: str, door: Door) -> CardShown | _Known:
    """Return a movie for a part of its page.

    Raises:
        HTTPException: 404, where it is neither known nor tracked.
    """
    card = rows.cards.first(door.context().warehouse, imdb_ids=[imdb_id])
    shown = _card(imdb_id, door) if card is None else _Known(card)
    if shown is None:
        raise HTTPException(404, f"{imdb_id} is neither known here nor tracked.")
    return shown


@router.get("/movies/{imdb_id}/reviews", response_class=HTMLResponse)
def movie_reviews(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, asked: Annotated[Asked, Query()]
) -> HTMLResponse:
    """Show a movie's reviews, newest first: those that are asked for, from a cursor on."""
    shown, warehouse = _known(imdb_id, door), door.context().warehouse
    after = asked.after or None
    found = rows.find_reviews(imdb_id, asked.filter, warehouse, after=after, most=_REVIEWS + 1)
    reviews = found[:_REVIEWS]
    values: dict[str, Any] = {
        "shown": shown, "imdb_id": imdb_id, "asked": asked, "reviews": reviews,
        "more": asked.query(reviews[-1].cursor) if len(found) > _REVIEWS else None,
        "revised": _revised(imdb_id, reviews, warehouse),
    }  # fmt: skip
    if is_part(request):
        return page(request, "_reviews_found.html", **values)
    return page(request, "movie_reviews.html", **values | _choices(imdb_id, warehouse))


def _revised(
    imdb_id: str, reviews: list[rows.ReviewFound], warehouse: Warehouse
) -> set[tuple[str, str]]:
    """Say which reviews said something else before."""
    keys = {
        "sources": [review.source for review in reviews],
        "review_ids": [review.review_id for review in reviews],
    }
    found = rows.revised(warehouse, imdb_id=imdb_id, **keys) if reviews else []
    return {(key.source, key.review_id) for key in found}


@router.get("/movies/{imdb_id}/versions", response_class=HTMLResponse)
def review_versions(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, source: Plain, review_id: Plain
) -> HTMLResponse:
    """Show what a review said before, the latest first."""
    shown = _known(imdb_id, door)
    review = rows.read_review(imdb_id, source, review_id, door.context().warehouse)
    if review is None:
        raise HTTPException(404, "The movie has no such review, or its source removed it.")
    return _part(request, "_versions.html", "What a review said before", shown=shown, review=review)


@router.get("/movies/{imdb_id}/collections", response_class=HTMLResponse)
def movie_collections(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, before: CollectionId = None
) -> HTMLResponse:
    """Show a movie's collections before one of them."""
    shown = _known(imdb_id, door)
    values = _collections(request, imdb_id, door, before)
    return _part(request, "_collections.html", "Collections", shown=shown, **values)


@router.post("/movies/{imdb_id}/events")
def add_event(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    day: Annotated[str, Form()],
    label: Annotated[str, Form()],
) -> Response:
    """Note an event of a movie."""
    jobs.add_event(imdb_id, day, label, door.context())
    return RedirectResponse(url(request, f"/movies/{imdb_id}#time"), 303)


@router.post("/movies/{imdb_id}/events/remove")
def remove_event(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    day: Annotated[str, Form()],
    label: Annotated[str, Form()],
) -> Response:
    """Take back an event that somebody noted."""
    jobs.remove_event(imdb_id, day, label, door.context())
    return RedirectResponse(url(request, f"/movies/{imdb_id}#time"), 303)
