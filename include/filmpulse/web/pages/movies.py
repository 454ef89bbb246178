"""The list of movies, and what is done to one: track, remove, erase, read now, score again, tag."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from filmpulse.web.door import DoorDep
from filmpulse.web.render import page

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
def list_movies(request: Request, door: DoorDep) -> HTMLResponse:
    """Show the tracked movies."""
    return page(request, "movies.html", tracked=door.tracked())
