"""The work behind the figures: collections, checks, analysers, costs, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response

from filmpulse import __version__
from filmpulse.errors import BadInput
from filmpulse.warehouse import migrate, pages
from filmpulse.web.api import answers, models
from filmpulse.web.api.answers import Asked, AskedPage, Day, Page, Rows
from filmpulse.web.api.document import answered, router_of
from filmpulse.web.api.known import MovieId, check
from filmpulse.web.door import Door, DoorDep

router = router_of("Work")


@router.get(
    "/collections",
    summary="List collections",
    response_model=Page[models.Collection],
    responses=answered(304, csv=True),
)
def list_collections(
    request: Request, door: DoorDep, asked: Annotated[AskedPage, Query()]
) -> Response:
    """Collections of all movies, the newest first; a page at a time."""
    return _collections(request, asked, _read(None, door, asked), "collections")


@router.get(
    "/movies/{imdb_id}/collections",
    summary="List a movie's collections",
    response_model=Page[models.Collection],
    responses=answered(304, 404, 409, csv=True),
)
def list_collections_of_movie(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[AskedPage, Query()]
) -> Response:
    """Collections of one movie, the newest first; a page at a time."""
    rows = _read(imdb_id, door, asked)
    if not rows:
        check(imdb_id, door)
    return _collections(request, asked, rows, f"{imdb_id}-collections")


def _read(imdb_id: str | None, door: Door, asked: AskedPage) -> list[pages.CollectionLine]:
    """Read a page's collections, and one more; a cursor is the last id of the page before."""
    before = asked.cursor
    if before is not None and not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise BadInput("This cursor is none of ours: begin without one.", reason="cursor")
    return pages.collections(
        door.context().warehouse,
        imdb_id=imdb_id,
        before=None if before is None else int(before),
        most=asked.limit + 1,
    )


def _collections(
    request: Request, asked: AskedPage, rows: Sequence[pages.CollectionLine], name: str
) -> Response:
    is_more = len(rows) > asked.limit
    following = str(rows[asked.limit - 1].collection_id) if is_more else None
    return answers.page(request, asked, models.Collection, rows[: asked.limit], following, name)


@router.get(
    "/movies/{imdb_id}/checks",
    summary="List a movie's quality checks",
    response_model=Rows[models.Check],
    responses=answered(304, 404, 409, csv=True),
)
def list_checks(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[Asked, Query()]
) -> Response:
    """Whether what collections brought looks as it should: the latest verdict of each rule."""
    rows = pages.checks(door.context().warehouse, imdb_id=imdb_id)
    if not rows:
        check(imdb_id, door)
    return answers.many(request, asked, models.Check, rows, f"{imdb_id}-checks")


@router.get(
    "/movies/{imdb_id}/costs",
    summary="Show who scored a movie's reviews, and what that cost",
    response_model=Rows[models.MovieCost],
    responses=answered(304, 404, 409, csv=True),
)
def list_costs_of_movie(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[Asked, Query()]
) -> Response:
    """A row for each analyser that read the movie's reviews."""
    rows = pages.costs(door.context().warehouse, imdb_id=imdb_id)
    if not rows:
        check(imdb_id, door)
    return answers.many(request, asked, models.MovieCost, rows, f"{imdb_id}-costs")


@router.get(
    "/analysers",
    summary="List analysers",
    response_model=Rows[models.Analyser],
    responses=answered(304, csv=True),
)
def list_analysers(request: Request, door: DoorDep, asked: Annotated[Asked, Query()]) -> Response:
    """What has scored reviews, and what that cost."""
    rows = pages.analysers(door.context().warehouse)
    return answers.many(request, asked, models.Analyser, rows, "analysers")


class AskedCosts(Asked):
    """Since when."""

    day_from: Day | None = Field(
        None, alias="from", description="The first day (UTC); without it, 30 days ago."
    )


@router.get(
    "/costs",
    summary="List what models cost by day",
    response_model=Rows[models.CostOfDay],
    responses=answered(304, csv=True),
)
def list_costs(request: Request, door: DoorDep, asked: Annotated[AskedCosts, Query()]) -> Response:
    """A row for each day and model, the latest first. The lexicon costs nothing and has no row."""
    since = asked.day_from or datetime.now(UTC).date() - timedelta(days=30)
    rows = pages.llm_days(door.context().warehouse, day_from=since)
    return answers.many(request, asked, models.CostOfDay, rows, "costs")


@router.get(
    "/health",
    summary="Say whether all is well",
    response_model=models.Health,
    responses=answered(304),
)
def show_health(request: Request, door: DoorDep) -> Response:
    """Whether the warehouse answers, how fresh our knowledge is, and when it was last saved.

    503 if the warehouse does not answer, or is not set up for this version.
    """
    warehouse = door.context().warehouse
    with warehouse.connect() as connection:
        looks = [one.looked_at for one in pages.cards(connection, imdb_ids=None) if one.looked_at]
        backups = pages.backups(connection)
        facts = pages.facts(connection)
    health = models.Health(
        status="ok",
        version=__version__,
        revision=migrate.status(warehouse.url).current,
        last_look_at=max(looks, default=None),
        last_backup_at=backups[0].taken_at if backups else None,
        facts=[models.Fact.model_validate(one) for one in facts],
    )
    return answers.one(request, health)
