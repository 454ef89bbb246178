"""How a movie is received: figures, their course over time, and quotes."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import HTTPException, Query, Request
from pydantic import Field
from starlette.responses import Response

from filmpulse.errors import BadInput
from filmpulse.items import Aspect
from filmpulse.warehouse import pages
from filmpulse.warehouse.extracts import EXTRACTS
from filmpulse.warehouse.reception import read_summary
from filmpulse.web.api import answers, models
from filmpulse.web.api.answers import Asked, Rows
from filmpulse.web.api.document import answered, router_of
from filmpulse.web.api.known import MovieId, check
from filmpulse.web.door import DoorDep

router = router_of("Reception")


@router.get(
    "/movies/{imdb_id}/reception",
    summary="Show how a movie is received",
    response_model=models.Reception,
    responses=answered(304, 404, 409),
)
def show_reception(request: Request, door: DoorDep, imdb_id: MovieId) -> Response:
    """Grade, score, trend and aspects as of now, each mean with its n and interval."""
    try:
        summary = read_summary(imdb_id, door.context().warehouse)
    except BadInput as error:
        if error.reason != BadInput.reason:  # the warehouse is not set up
            raise
        check(imdb_id, door)
        raise HTTPException(404, f"{imdb_id} is tracked, and was not read yet.") from error
    facts = summary.movie | {
        "grade": summary.grade,
        "trend": summary.trend._asdict(),
        "aspects": [one._asdict() for one in summary.aspects],
        "faults": summary.faults,
    }
    return answers.one(request, models.Reception.model_validate(facts))


class AskedSeries(Asked):
    """How fine."""

    grain: Literal["day", "week"] = Field("week", description="How long a point is.")


@router.get(
    "/movies/{imdb_id}/series",
    summary="Show a movie's figures over time",
    response_model=Rows[models.SeriesPoint],
    responses=answered(304, 404, 409, csv=True),
)
def list_series(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[AskedSeries, Query()]
) -> Response:
    """Reviews, grades and scores by day or week; times without reviews have no row."""
    query = EXTRACTS["series"].query
    rows = query(door.context().warehouse, imdb_id=imdb_id, with_text=False)
    chosen = [row for row in rows if row.grain == asked.grain]
    if not rows:
        check(imdb_id, door)
    name = f"{imdb_id}-series-by-{asked.grain}"
    return answers.many(request, asked, models.SeriesPoint, chosen, name)


class AskedAspectSeries(Asked):
    """How fine."""

    grain: Literal["week", "month", "quarter"] = Field("month", description="How long a point is.")


@router.get(
    "/movies/{imdb_id}/aspect-series",
    summary="Show a movie's aspects over time",
    response_model=Rows[models.AspectPoint],
    responses=answered(304, 404, 409, csv=True),
)
def list_aspect_series(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[AskedAspectSeries, Query()]
) -> Response:
    """How each aspect, and the whole, was received in reviews of each time."""
    warehouse = door.context().warehouse
    rows = pages.aspect_series(warehouse, imdb_id=imdb_id, grain=asked.grain)
    if not rows:
        check(imdb_id, door)
    name = f"{imdb_id}-aspects-by-{asked.grain}"
    return answers.many(request, asked, models.AspectPoint, rows, name)


class AskedQuotes(Asked):
    """Which quotes."""

    aspect: Aspect | None = Field(None, description="Only of this aspect.")
    is_praise: bool | None = Field(None, description="Only those that praise, or that fault.")
    spoilers: bool = Field(False, description="Whether quotes of spoilers come as well.")
    most: int = Field(5, ge=1, le=50, description="For each aspect and side, at most.")


@router.get(
    "/movies/{imdb_id}/quotes",
    summary="List quotes about a movie",
    response_model=Rows[models.Quote],
    responses=answered(304, 404, 409, csv=True),
)
def list_quotes(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[AskedQuotes, Query()]
) -> Response:
    """The best quotes that praise and that fault each aspect, best first."""
    rows = pages.quotes(
        door.context().warehouse, imdb_id=imdb_id, most=asked.most, spoilers=asked.spoilers
    )
    chosen = [
        row
        for row in rows
        if asked.aspect in (None, row.aspect) and asked.is_praise in (None, row.is_praise)
    ]
    if not rows:
        check(imdb_id, door)
    return answers.many(request, asked, models.Quote, chosen, f"{imdb_id}-quotes")
