"""Search titles and people in the catalogue, and a page for each title and person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from filmpulse import jobs
from filmpulse.items import SearchHit
from filmpulse.warehouse import title_pages as rows
from filmpulse.warehouse import titles
from filmpulse.web.door import Door, DoorDep
from filmpulse.web.ids import ImdbIdPath, PersonIdPath
from filmpulse.web.pages.movies import read_tracked
from filmpulse.web.render import is_part, page

router = APIRouter()

LONGEST = 200
"""Characters of a query; the longest titles that people type have about a hundred."""

MOST_OF_A_PERSON = 500
"""Titles of a person in one role, at most: a presenter may have ten thousand."""

_TITLES, _PEOPLE = 20, 8  # at once
_OF_A_ROLE, _NAMES, _OF_A_PERSON = 30, 100, 50

Typed = Annotated[str, Query(max_length=LONGEST)]


@router.get("/search", response_class=HTMLResponse)
def search_page(
    request: Request, door: DoorDep, q: Typed = "", adult: bool = False
) -> HTMLResponse:
    """Show what the catalogue has for a query; only the results if htmx asks."""
    context = door.context()
    found = None
    if q.strip():
        found = jobs.find(
            q, context, titles=_TITLES, people=_PEOPLE, with_adult=adult, ask_site=False
        )
    values: dict[str, Any] = {
        "q": q, "adult": adult, "longest": LONGEST, "found": found, "words": _words(found),
        "has_catalogue": titles.has_title_names.one(context.warehouse),
        "tracked": tracked_ids(door), "may_ask_site": jobs.may_ask_site(context),
    }  # fmt: skip
    return page(request, "_found.html" if is_part(request) else "search.html", **values)


def tracked_ids(door: Door) -> set[str]:
    """Return the ids of the tracked movies; none if the list cannot be read."""
    return set(read_tracked(door).imdb_ids)


def _words(found: jobs.Found | None) -> str:
    """Say how much was found."""
    if found is None or not (found.titles or found.people):
        return ""
    counted = ((len(found.titles), "title", "titles"), (len(found.people), "person", "people"))
    return ", ".join(f"{n} {one if n == 1 else several}" for n, one, several in counted if n)


@router.get("/titles/{imdb_id}", response_class=HTMLResponse)
def title_page(request: Request, imdb_id: ImdbIdPath, door: DoorDep) -> HTMLResponse:
    """Show a title of the catalogue: facts, people, other names, and whether it is tracked."""
    with door.context().warehouse.connect() as connection:
        facts = rows.title_facts.first(connection, imdb_id=imdb_id)
        people = rows.title_people(connection, imdb_id=imdb_id, most=_OF_A_ROLE)
        names = rows.title_other_names(connection, imdb_id=imdb_id, most=_NAMES)
    if facts is None:
        return page(request, "title_unknown.html", 404, imdb_id=imdb_id)
    roles: dict[str, list[rows.TitlePerson]] = {}
    for one in people:
        roles.setdefault(one.role, []).append(one)
    values: dict[str, Any] = {
        "facts": facts, "roles": roles, "names": names, "tracked": tracked_ids(door),
    }  # fmt: skip
    return page(request, "title.html", **values)


@router.get("/people/{person_id}", response_class=HTMLResponse)
def person_page(
    request: Request,
    person_id: PersonIdPath,
    door: DoorDep,
    most: Annotated[int, Query(ge=1, le=MOST_OF_A_PERSON)] = _OF_A_PERSON,
) -> HTMLResponse:
    """Show a person with their titles by role: in each those with most votes, the newest first."""
    found = jobs.find_person(person_id, door.context(), titles=most)
    if found is None:
        raise HTTPException(404, f"The catalogue has no person {person_id}.")
    roles = [(one.role, newest_first(one.titles), one.count) for one in found.roles]
    values: dict[str, Any] = {
        "person": found.person, "roles": roles, "namesakes": found.namesakes, "most": most,
        "more": MOST_OF_A_PERSON, "tracked": tracked_ids(door),
    }  # fmt: skip
    return page(request, "person.html", **values)


def newest_first(hits: Iterable[SearchHit]) -> list[SearchHit]:
    """Sort titles by their year, the latest first; those without one come last."""
    return sorted(hits, key=lambda hit: (-(hit.year or -9999), -(hit.vote_count or 0)))
