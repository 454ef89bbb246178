"""Posters: the picture that is stored of a movie, or else one that is drawn."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from filmpulse.warehouse import pages as rows
from filmpulse.web.door import DoorDep
from filmpulse.web.ids import ImdbIdPath
from filmpulse.web.poster import poster_svg
from filmpulse.web.render import url

router = APIRouter()

_DAY, _MINUTE = 86_400, 60
_POLICY = "default-src 'none'; sandbox"
"""The Content-Security-Policy of a picture: nothing in it runs, even if it is opened by itself."""


@router.get("/posters/{imdb_id}.svg", include_in_schema=False)
def drawn_poster(request: Request, imdb_id: ImdbIdPath, door: DoorDep) -> Response:
    """Draw a movie's poster, or lead on to the stored one; a movie nobody knows has one too."""
    card = rows.cards.first(door.context().warehouse, imdb_ids=[imdb_id])
    if card is None:
        svg = poster_svg(imdb_id, None, None, [])
        return _answer(request, svg.encode(), "image/svg+xml", _MINUTE)  # its title may come soon
    if card.has_poster:
        return RedirectResponse(url(request, f"/posters/{imdb_id}.jpg"), 307)
    svg = poster_svg(imdb_id, card.title, card.year, card.genres or [])
    return _answer(request, svg.encode(), "image/svg+xml", _DAY)


@router.get("/posters/{imdb_id}.jpg", include_in_schema=False)
def stored_poster(request: Request, imdb_id: ImdbIdPath, door: DoorDep) -> Response:
    """Return the picture that is stored of a movie's poster."""
    stored = rows.poster.first(door.context().warehouse, imdb_id=imdb_id)
    if stored is None:
        raise HTTPException(404, f"No picture is stored of {imdb_id}'s poster.")
    return _answer(request, stored.image, stored.media_type, _DAY)


def _answer(request: Request, content: bytes, media_type: str, seconds: int) -> Response:
    """Return a picture, or 304 where the visitor has it."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {
        "etag": tag,
        "cache-control": f"private, max-age={seconds}",
        "content-security-policy": _POLICY,
    }
    given = request.headers.get("if-none-match", "")
    if given == "*" or tag in {one.strip().removeprefix("W/") for one in given.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
