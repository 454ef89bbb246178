"""The catalogue: search titles and people, one of each, and how the catalogue stands."""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from filmpulse import jobs
from filmpulse.items import IMDB_ID_PATTERN, PERSON_ID_PATTERN
from filmpulse.warehouse import title_pages, titles
from filmpulse.web.api import answers, models
from filmpulse.web.api.answers import Asked, Rows
from filmpulse.web.api.document import answered, router_of
from filmpulse.web.api.known import tracked
from filmpulse.web.door import Door, DoorDep
from filmpulse.web.pages.catalogue import read_datasets
from filmpulse.web.pages.search import LONGEST, newest_first

router = router_of("Catalogue")

_OF_A_ROLE, _NAMES, _OF_A_PERSON = 100, 300, 100

TitleId = Annotated[
    str, Path(pattern=IMDB_ID_PATTERN, description="The title's IMDb id.", examples=[models.MOVIE])
]
PersonId = Annotated[
    str,
    Path(pattern=PERSON_ID_PATTERN, description="The person's IMDb id.", examples=[models.PERSON]),
]


class AskedWords(Asked):
    """What to search for."""

    q: str = Field(
        min_length=1, max_length=LONGEST, description="Words of a title or a name, or an IMDb id.",
        examples=["glass orchard"],
    )  # fmt: skip
    limit: int = Field(10, ge=1, le=50, description="Rows, at most.")


class AskedTitles(AskedWords):
    """Which titles."""

    adult: bool = Field(False, description="Adult titles too.")


@router.get(
    "/titles",
    summary="Search titles",
    response_model=Rows[models.TitleFound],
    responses=answered(304, 409, csv=True),
)
def search_titles(
    request: Request, door: DoorDep, asked: Annotated[AskedTitles, Query()]
) -> Response:
    """Titles of the catalogue that fit, best first: words in any order, with or without the year.

    Accents, case and a typing error do not matter. The site itself is not asked.
    """
    _check_catalogue(door)
    found = jobs.find(
        asked.q, door.context(), titles=asked.limit, people=0, with_adult=asked.adult,
        ask_site=False,
    )  # fmt: skip
    return answers.many(request, asked, models.TitleFound, found.titles, "titles")


@router.get(
    "/people",
    summary="Search people",
    response_model=Rows[models.PersonFound],
    responses=answered(304, 409, csv=True),
)
def search_people(
    request: Request, door: DoorDep, asked: Annotated[AskedWords, Query()]
) -> Response:
    """People of the catalogue whose names fit, the best-known first."""
    _check_catalogue(door)
    found = jobs.find(asked.q, door.context(), titles=0, people=asked.limit, ask_site=False)
    return answers.many(request, asked, models.PersonFound, found.people, "people")


def _check_catalogue(door: Door) -> None:
    """Refuse where there is no catalogue: an empty list, or a 404, would say that nothing fits.

    Raises:
        HTTPException: 409.
    """
    if not titles.has_title_names.one(door.context().warehouse):
        raise HTTPException(409, "There is no catalogue here yet: see /filmpulse/catalogue.")


@router.get(
    "/titles/{imdb_id}",
    summary="Show a title of the catalogue",
    response_model=models.TitleShown,
    responses=answered(304, 404, 409),
)
def show_title(request: Request, door: DoorDep, imdb_id: TitleId) -> Response:
    """Facts, people and other names of any title of the catalogue, tracked or not."""
    _check_catalogue(door)
    with door.context().warehouse.connect() as connection:
        facts = title_pages.title_facts.first(connection, imdb_id=imdb_id)
        people = title_pages.title_people(connection, imdb_id=imdb_id, most=_OF_A_ROLE)
        names = title_pages.title_other_names(connection, imdb_id=imdb_id, most=_NAMES)
    if facts is None:
        raise HTTPException(404, f"The catalogue has no title {imdb_id}.")
    more = {"is_tracked": imdb_id in tracked(door), "people": people, "other_titles": names}
    return answers.one(request, models.TitleShown.model_validate(facts._asdict() | more))


@router.get(
    "/people/{person_id}",
    summary="Show a person of the catalogue",
    response_model=models.PersonShown,
    responses=answered(304, 404, 409),
)
def show_person(request: Request, door: DoorDep, person_id: PersonId) -> Response:
    """A person's titles by role, 100 of each at most, and others of the same name."""
    _check_catalogue(door)
    found = jobs.find_person(person_id, door.context(), titles=_OF_A_PERSON)
    if found is None:
        raise HTTPException(404, f"The catalogue has no person {person_id}.")
    roles = [
        {"role": one.role, "titles": newest_first(one.titles), "count": one.count}
        for one in found.roles
    ]
    more = {"roles": roles, "namesakes": found.namesakes, "as_of": found.as_of}
    return answers.one(request, models.PersonShown.model_validate(found.person.model_dump() | more))


@router.get(
    "/catalogue",
    summary="Say how the catalogue stands",
    response_model=models.CatalogueShown,
    responses=answered(304),
)
def show_catalogue(request: Request, door: DoorDep) -> Response:
    """Whether IMDb's terms are accepted, what is loaded of when, and how the last loads went."""
    status = jobs.catalogue_status(door.context())
    facts = status._asdict() | {"datasets": read_datasets(status)}
    shown = models.CatalogueShown.model_validate(facts)
    return answers.one(request, shown)
