"""Which movies the API knows: those in the warehouse, and those that are tracked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import HTTPException, Path

from filmpulse.errors import BadInput
from filmpulse.items import IMDB_ID_PATTERN
from filmpulse.jobs import CATALOGUE_CREDIT
from filmpulse.warehouse import pages
from filmpulse.web.api.models import MOVIE, Movie
from filmpulse.web.door import Door

MovieId = Annotated[
    str, Path(pattern=IMDB_ID_PATTERN, description="The movie's IMDb id.", examples=[MOVIE])
]


def tracked(door: Door) -> list[str]:
    """Return the movies that are tracked.

    Raises:
        HTTPException: 409, the Variable holds no list; a person must mend it.
    """
    try:
        return door.tracked().imdb_ids
    except BadInput as error:
        raise HTTPException(409, str(error)) from error


def unknown(imdb_id: str) -> HTTPException:
    """Return the answer about a movie that is neither in the warehouse nor tracked."""
    return HTTPException(404, f"{imdb_id} is neither in the warehouse nor tracked.")


def check(imdb_id: str, door: Door) -> None:
    """Refuse a movie that is neither in the warehouse nor tracked.

    Raises:
        HTTPException: 404.
    """
    is_stored = bool(pages.cards(door.context().warehouse, imdb_ids=[imdb_id]))
    if not is_stored and imdb_id not in tracked(door):
        raise unknown(imdb_id)


def movies(door: Door, imdb_ids: Sequence[str] | None = None) -> list[Movie]:
    """Return these movies, or all, by their names; then those tracked that were never read."""
    with door.context().warehouse.connect() as connection:
        cards = pages.cards(connection, imdb_ids=imdb_ids)
        states = {one.imdb_id: one for one in pages.states(connection, imdb_ids=imdb_ids)}
    followed = dict.fromkeys(tracked(door))  # in order, and quick to look into
    known = {card.imdb_id for card in cards}
    unread = [one for one in followed if one not in known and (not imdb_ids or one in imdb_ids)]
    cards += map(pages.Card.of_unread, unread)
    return [_movie(card, states.get(card.imdb_id), card.imdb_id in followed) for card in cards]


def _movie(card: pages.Card, state: pages.State | None, is_tracked: bool) -> Movie:
    facts = card._asdict() | {"is_tracked": is_tracked, "state": state.state if state else "never"}
    facts["credit"] = CATALOGUE_CREDIT if card.catalogue_facts else None
    at_work = ("reason", "done", "total", "run_id")
    return Movie.model_validate(facts | {name: getattr(state, name, None) for name in at_work})
