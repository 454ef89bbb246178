"""Add a movie: suggestions for what is typed, then a look before it is tracked; or many at once.

The first two may ask the site, so they are for those who may track a movie. The form that tracks
one is of `movies.track_movie`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse

from filmpulse import jobs
from filmpulse.errors import BadInput, LayoutChanged
from filmpulse.web import actions
from filmpulse.web.door import Door, DoorDep, VisitorDep, changes
from filmpulse.web.render import page

router = APIRouter(prefix="/add", dependencies=[changes])

Typed = Annotated[str, Query(max_length=500)]


@router.get("", response_class=HTMLResponse)
def add_page(
    request: Request, door: DoorDep, q: Typed = "", movie: Typed = "", at_site: bool = False
) -> HTMLResponse:
    """Show the box for a title, an id or an address; with a look if a movie was chosen."""
    suggested = jobs.suggest(q, door.context(), at_site=at_site) if q.strip() else None
    if suggested is not None and suggested.imdb_id:
        movie = suggested.imdb_id
    look = _look(movie, door) if movie.strip() else None
    return _page(request, door, q=q, suggested=suggested, look=look)


@router.get("/suggestions", response_class=HTMLResponse)
def suggestions(
    request: Request, door: DoorDep, q: Typed = "", at_site: bool = False
) -> HTMLResponse:
    """Return suggestions for what was typed so far: the site's if `at_site`."""
    context = door.context()
    values: dict[str, Any] = {
        "q": q, "may_ask_site": jobs.may_ask_site(context),
        "suggested": jobs.suggest(q, context, at_site=at_site) if q.strip() else None,
    }  # fmt: skip
    return page(request, "_suggestions.html", **values)


@router.get("/look", response_class=HTMLResponse)
def look_before(request: Request, door: DoorDep, movie: Typed) -> HTMLResponse:
    """Return what tracking a movie brings and costs."""
    return page(request, "_look.html", look=_look(movie, door))


@router.post("/many", response_class=HTMLResponse)
def track_many(
    request: Request,
    door: DoorDep,
    visitor: VisitorDep,
    movies: Annotated[str, Form()] = "",
    file: UploadFile | None = None,
) -> HTMLResponse:
    """Track the movies of a file, or else of a pasted text; say which lines name none.

    Starlette takes fields of 1 MiB at most, about 100,000 ids.
    """
    name: str | None = None
    if file is not None and file.filename:
        content, name = file.file.read(), jobs.plain_name(file.filename)
    else:
        content = movies.encode()
    try:
        done, found = actions.track_many(content, name, door, visitor)
    except (BadInput, LayoutChanged) as error:
        return _page(request, door, movies=movies, problem=str(error))
    return _page(request, door, done=done, found=found)


def _page(request: Request, door: Door, **values: Any) -> HTMLResponse:
    """Show the page with what is known so far."""
    unknown = {
        "q": "", "suggested": None, "look": None, "movies": "", "problem": None, "done": None,
        "found": None,
    }  # fmt: skip
    may_ask_site = jobs.may_ask_site(door.context())
    return page(request, "add.html", **unknown | values, may_ask_site=may_ask_site)


def _look(typed: str, door: Door) -> tuple[jobs.FirstLook, jobs.Estimate, bool]:
    """Look at a movie that was chosen or typed; say too whether it is tracked already."""
    (imdb_id,) = jobs.typed_ids([typed])
    look, estimate = jobs.look_first(imdb_id, door.context(is_scoring=True))
    return look, estimate, imdb_id in door.tracked().imdb_ids
