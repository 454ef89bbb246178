"""The list of movies, and what is done to one: track, remove, erase, read now, score again, tag."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from filmpulse import jobs
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.jobs import Tracked
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse import pages as rows
from filmpulse.web import actions
from filmpulse.web.door import Door, DoorDep, VisitorDep, erases
from filmpulse.web.ids import ImdbIdPath
from filmpulse.web.render import is_part, page, url
from filmpulse.web.words import Said, say

log = logging.getLogger(__name__)
router = APIRouter()

AFTER_WORK = 20
"""How often a card asks every 3 s once the work has ended: the figures are counted last of all.

And after a movie was added: the reading of a small one may end before the list looks again.
"""

CARDS = 100
"""Movies of a page of the list, which may hold thousands."""

Order = Literal["title", "opinion", "reviews", "news", "work"]


class CardShown(NamedTuple):
    """A movie as the list shows it."""

    card: rows.Card
    said: Said
    aspects: list[rows.CardAspect]
    weeks: list[rows.CardWeek]
    is_tracked: bool


@router.get("/", response_class=HTMLResponse)
def list_movies(
    request: Request,
    door: DoorDep,
    tag: str | None = None,
    find: Annotated[str, Query(max_length=200)] = "",
    shown: Annotated[Literal["tracked", "all"], Query(alias="show")] = "tracked",
    order: Order = "title",
    number: Annotated[int, Query(alias="page", ge=1)] = 1,
    begun: Annotated[list[str] | None, Query(alias="movie")] = None,
) -> HTMLResponse:
    """Show movies with their states and figures; those of `begun` come first and look again."""
    tracked, warehouse = read_tracked(door), door.context().warehouse
    is_tracked = set(tracked.imdb_ids)
    every = {card.imdb_id: card for card in rows.cards(warehouse, imdb_ids=None)}
    known = len(every.keys() - is_tracked)
    every |= {one: rows.Card.of_unread(one) for one in tracked.imdb_ids if one not in every}
    cards = [one for one in every.values() if shown == "all" or one.imdb_id in is_tracked]
    tags = sorted({t for one in cards for t in one.tags}, key=str.casefold)
    if tag is not None:
        cards = [c for c in cards if tag.casefold() in {t.casefold() for t in c.tags}]
    if words := find.casefold().strip():
        cards = [c for c in cards if words in f"{c.movie} {c.imdb_id}".casefold()]
    cards = _in_order(cards, order, warehouse)
    cards.sort(key=lambda one: one.imdb_id not in (begun or []))
    pages = ceil(len(cards) / CARDS) or 1
    first = (min(number, pages) - 1) * CARDS
    values: dict[str, Any] = {
        "cards": _shown(cards[first : first + CARDS], tracked, warehouse), "count": len(cards),
        "first": first, "pages": pages, "number": min(number, pages), "find": find.strip(),
        "tracked": tracked, "tags": tags, "tag": tag, "shown": shown, "order": order,
        "said": request.query_params.get("said"), "known": known, "after_work": AFTER_WORK,
        "begun": begun or [],
    }  # fmt: skip
    return page(request, "movies.html", **values)


@router.get("/moving", response_class=HTMLResponse)
def moving_cards(request: Request, door: DoorDep) -> HTMLResponse:
    """Return the cards of movies that are being worked on, for an open list."""
    tracked, warehouse = read_tracked(door), door.context().warehouse
    states = rows.states(warehouse, imdb_ids=tracked.imdb_ids)
    cards = read_cards(warehouse, tracked, [one.imdb_id for one in states if one.is_at_work])
    return page(request, "_moving.html", cards=cards, after_work=AFTER_WORK)


@router.get("/movies/{imdb_id}/card", response_class=HTMLResponse)
def movie_card(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    tries: Annotated[int, Query(ge=0, le=100)] = 0,
) -> HTMLResponse:
    """Return one card anew; `tries` is how often it asks once the work has ended."""
    cards = read_cards(door.context().warehouse, read_tracked(door), [imdb_id])
    left = AFTER_WORK if cards[0].said.is_working else max(tries - 1, 0)
    return page(request, "_card.html", shown=cards[0], is_moving=False, tries=left)


def read_tracked(door: Door) -> Tracked:
    """Return the tracked movies; none, and why as a problem, if the list cannot be read."""
    try:
        return door.tracked()
    except BadInput as error:
        return Tracked([], [str(error)])


def read_cards(
    warehouse: Warehouse, tracked: Tracked, imdb_ids: Collection[str]
) -> list[CardShown]:
    """Return movies as the list shows them, in the order of their ids.

    A movie that is tracked and was never looked at has a card too.
    """
    cards = {card.imdb_id: card for card in rows.cards(warehouse, imdb_ids=list(imdb_ids))}
    return _shown(
        [cards.get(one) or rows.Card.of_unread(one) for one in imdb_ids], tracked, warehouse
    )


def _shown(cards: list[rows.Card], tracked: Tracked, warehouse: Warehouse) -> list[CardShown]:
    """Read what else a card shows, of these movies alone."""
    wanted, is_tracked = [card.imdb_id for card in cards], set(tracked.imdb_ids)
    with warehouse.connect() as connection:
        states = {s.imdb_id: s for s in rows.states(connection, imdb_ids=wanted)}
        aspects = _by_movie(rows.card_aspects(connection, imdb_ids=wanted))
        weeks = _by_movie(rows.card_weeks(connection, imdb_ids=wanted))
    return [
        CardShown(
            card,
            say(states.get(card.imdb_id)),
            aspects[card.imdb_id],
            weeks[card.imdb_id],
            card.imdb_id in is_tracked,
        )
        for card in cards
    ]


def _by_movie(found: Iterable[Any]) -> defaultdict[str, list[Any]]:
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for row in found:
        grouped[row.imdb_id].append(row)
    return grouped


def _in_order(cards: list[rows.Card], order: Order, warehouse: Warehouse) -> list[rows.Card]:
    """Sort cards; movies with too few reviews are never ranked and come last."""
    cards = sorted(cards, key=lambda card: card.movie.casefold())
    match order:
        case "title":
            return cards
        case "opinion":
            return sorted(cards, key=lambda c: -(c.mean_overall or 0) if c.is_enough else 9)
        case "reviews":
            return sorted(cards, key=lambda c: -(c.reviews or 0))
        case "news":
            weeks = _by_movie(rows.card_weeks(warehouse, imdb_ids=None))
            return sorted(cards, key=lambda c: -_lately(weeks[c.imdb_id]))
        case "work":
            states = {one.imdb_id: one for one in rows.states(warehouse, imdb_ids=None)}
            return sorted(cards, key=lambda c: _TONES.index(say(states.get(c.imdb_id)).tone))


def _lately(weeks: list[rows.CardWeek]) -> int:
    """Count the reviews of this week and the three before it."""
    since = datetime.now(UTC).date() - timedelta(weeks=4)
    return sum(week.reviews for week in weeks if week.starts_on > since)


_TONES = ["working", "bad", "warning", "quiet", "good"]


@router.post("/movies", name="track_movie")
def track_movie(
    request: Request, door: DoorDep, visitor: VisitorDep, movie: Annotated[list[str], Form()]
) -> Response:
    """Track a movie that was pasted or chosen, and start reading it."""
    done = actions.track(movie, door, visitor)
    said = "known" if not done.new else "tracked-later" if done.problem else "tracked"
    begun = "".join(f"&movie={one}" for one in done.new[:20]) if done.run_id else ""
    return _on(request, f"/?said={said}{begun}")


@router.post("/movies/{imdb_id}/remove")
def remove_movie(request: Request, imdb_id: ImdbIdPath, door: DoorDep) -> Response:
    """Stop tracking a movie; keep what was collected."""
    actions.untrack(imdb_id, door)
    return _on(request, "/?said=removed")


@router.post("/movies/{imdb_id}/refresh")
def refresh_movie(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    visitor: VisitorDep,
    mode: Annotated[Literal["incremental", "full"], Form()] = "incremental",
) -> Response:
    """Start reading a movie's reviews now."""
    return _started(request, imdb_id, "refreshing", actions.refresh(imdb_id, mode, door, visitor))


@router.post("/movies/{imdb_id}/rescore")
def rescore_movie(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, visitor: VisitorDep
) -> Response:
    """Start scoring what has no score under the configured analyser."""
    return _started(request, imdb_id, "scoring", actions.rescore(imdb_id, door, visitor))


def _started(request: Request, imdb_id: str, what: str, run_id: str | None) -> Response:
    """Lead to the movie's page, which says what was started, or that something is under way."""
    return _on(request, f"/movies/{imdb_id}?said={what if run_id else 'busy'}")


@router.post("/movies/{imdb_id}/tags")
def tag_movie(
    request: Request,
    imdb_id: ImdbIdPath,
    door: DoorDep,
    tag: Annotated[str, Form(max_length=200)],
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Add a tag to a movie, or take one away."""
    if remove:
        actions.remove_tag(imdb_id, tag, door)
    else:
        actions.set_tag(imdb_id, tag, door)
    return _on(request, f"/movies/{imdb_id}")


@router.get("/movies/{imdb_id}/erase", response_class=HTMLResponse, dependencies=[erases])
def ask_to_erase(request: Request, imdb_id: ImdbIdPath, door: DoorDep) -> HTMLResponse:
    """Say what an erasure takes, and ask for the title."""
    context = door.context()
    label = jobs.label(imdb_id, context)
    if label == imdb_id and not jobs.find_stored("movie", imdb_id, None, context):
        raise HTTPException(404, f"Nothing is stored of {imdb_id}.")
    values: dict[str, Any] = {"imdb_id": imdb_id, "label": label, "backups": _backups(context)}
    return page(request, "erase.html", **values)


@router.post("/movies/{imdb_id}/erase", response_class=HTMLResponse, dependencies=[erases])
def erase_movie(
    request: Request, imdb_id: ImdbIdPath, door: DoorDep, title: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """Erase a movie for ever, if its title was typed."""
    context = door.context()
    label = jobs.label(imdb_id, context)
    erased = actions.erase(imdb_id, title, door)
    values: dict[str, Any] = {"label": label, "erased": erased, "backups": _backups(context)}
    return page(request, "erased.html", **values)


class Backups(NamedTuple):
    """The backups that were made so far: how many, the newest (UTC); None where nobody can say.

    Those that stay are the `keep` newest, and the last of each of so many days and months.
    """

    kept: int | None
    newest_at: datetime | None
    keep: int
    daily: int
    monthly: int


def _backups(context: jobs.Context) -> Backups:
    settings = context.settings
    stay = settings.backup_keep, settings.backup_daily, settings.backup_monthly
    if settings.backup_url is None:
        return Backups(0, None, *stay)
    try:
        newest_at = jobs.newest_complete(context)
        return Backups(len(jobs.list_backups(context)), newest_at, *stay)
    except FilmpulseError as error:
        log.warning("The backups could not be listed: %s", error)
        return Backups(None, None, *stay)


def _on(request: Request, path: str) -> Response:
    """Lead on to a page after a change: a redirect, or htmx's own way."""
    if is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": url(request, path)})
    return RedirectResponse(url(request, path), 303)
