"""The reviews of a movie: page by page, all of them, and one with its versions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated

from fastapi import HTTPException, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from filmpulse.items import ASPECTS, Aspect
from filmpulse.warehouse import Warehouse, pages
from filmpulse.web.api import answers, models
from filmpulse.web.api.answers import Asked, AskedPage, Day, Page, Rows
from filmpulse.web.api.document import answered, router_of
from filmpulse.web.api.known import MovieId, check
from filmpulse.web.door import DoorDep

router = router_of("Reviews")

AT_ONCE = 500
"""Reviews of a long answer that are read together: 1 MB or so with their words."""

Stars = Annotated[int | None, Field(ge=1, le=10)]
Score = Annotated[int | None, Field(ge=-2, le=2)]


class Which(BaseModel):
    """Which reviews, and whether with their words."""

    aspect: Aspect | None = Field(
        None, description="Only those that mention it; the scores are then the aspect's."
    )
    score_from: Score = Field(None, description="The least score, -2 to 2.")
    score_to: Score = Field(None, description="The greatest score, -2 to 2.")
    stars_from: Stars = Field(None, description="The least grade, 1 to 10.")
    stars_to: Stars = Field(None, description="The greatest grade, 1 to 10.")
    day_from: Day | None = Field(
        None, alias="from", description="The first day; reviews without a day are left out."
    )
    day_to: Day | None = Field(
        None, alias="to", description="The last day; reviews without a day are left out."
    )
    language: str | None = Field(
        None, pattern=r"^([a-z]{2,3}|unknown)$", description="ISO 639-1, or `unknown`."
    )
    source: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9_-]{0,79}$", description="Where they stand."
    )
    words: str = Field(
        "", max_length=500, description="All of these stand in title or body, in any case."
    )
    spoilers: bool = Field(True, description="Whether those marked as spoilers come as well.")
    text: bool = Field(False, description="Whether the words of reviews and quotes come as well.")

    @property
    def chosen(self) -> pages.ReviewFilter:
        """The filter of the warehouse."""
        return pages.ReviewFilter(
            **{name: getattr(self, name) for name in pages.ReviewFilter._fields}
        )


class AskedReviews(Which, AskedPage):
    """Which reviews, page by page."""


class AskedAllReviews(Which, Asked):
    """Which reviews, all at once."""


class AskedReview(BaseModel):
    """Whether with its words."""

    text: bool = Field(False, description="Whether the words of the review come as well.")


@router.get(
    "/movies/{imdb_id}/reviews",
    summary="List reviews of a movie",
    response_model=Page[models.Review],
    responses=answered(304, 404, 409, csv=True),
)
def list_reviews(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[AskedReviews, Query()]
) -> Response:
    """Current reviews, newest first, those without a day last; a page at a time.

    A walk from page to page gives each review that was there all the time exactly once.
    """
    found = pages.find_reviews(
        imdb_id, asked.chosen, door.context().warehouse, after=asked.cursor, most=asked.limit + 1
    )
    if not found:
        check(imdb_id, door)
    shown = [_review(imdb_id, one, with_text=asked.text) for one in found[: asked.limit]]
    following = found[asked.limit - 1].cursor if len(found) > asked.limit else None
    return answers.page(request, asked, models.Review, shown, following, f"{imdb_id}-reviews")


@router.get(
    "/movies/{imdb_id}/reviews/all",
    summary="Read all reviews of a movie",
    response_model=Rows[models.Review],
    responses=answered(404, 409, csv=True),
)
def read_all_reviews(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[AskedAllReviews, Query()]
) -> Response:
    """The same reviews in one answer of any length, which is sent while it is read.

    If it cannot be read to its end, the connection breaks off: a part never looks like the whole.
    """
    rows = _walk(imdb_id, asked, door.context().warehouse)
    first = next(rows, None)
    if first is None:
        check(imdb_id, door)
    name = f"{imdb_id}-reviews"
    return answers.stream(
        request, asked, models.Review, chain([first] if first else [], rows), name
    )


def _walk(imdb_id: str, asked: AskedAllReviews, warehouse: Warehouse) -> Iterator[models.Review]:
    """Yield the reviews, each page read in a transaction of its own: a slow reader holds none."""
    cursor = None
    while found := pages.find_reviews(imdb_id, asked.chosen, warehouse, after=cursor, most=AT_ONCE):
        for one in found:
            yield _review(imdb_id, one, with_text=asked.text)
        cursor = found[-1].cursor


def _review(imdb_id: str, row: pages.ReviewFound, *, with_text: bool) -> models.Review:
    return models.Review.model_validate(_facts(row, with_text=with_text) | {"imdb_id": imdb_id})


def _facts(row: pages.ReviewFound | pages.ReviewRead, *, with_text: bool) -> dict[str, object]:
    """Return a review's columns with a score, and a quote, for each aspect."""
    of = {one.aspect: one for one in row.opinions}
    facts = row._asdict()
    for aspect in ASPECTS:
        opinion = of.get(aspect)
        facts[aspect] = opinion.score if opinion else None
        facts[f"{aspect}_quote"] = opinion.quote if opinion else None
    return facts if with_text else _without_words(facts)


def _without_words(facts: dict[str, object]) -> dict[str, object]:
    words = {name for name in facts if name in ("title", "body") or name.endswith("_quote")}
    return facts | dict.fromkeys(words)


SourceName = Annotated[
    str,
    Path(pattern=r"^[a-z][a-z0-9_-]{0,79}$", description="Where it stands.", examples=["imdb"]),
]
ReviewId = Annotated[
    str,
    Path(
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="The source's own id of the review.",
        examples=[models.REVIEW],
    ),
]


@router.get(
    "/movies/{imdb_id}/reviews/{source}/{review_id:path}",
    summary="Show a review",
    response_model=models.ReviewWithVersions,
    responses=answered(304, 404),
)
def show_review(
    request: Request,
    door: DoorDep,
    imdb_id: MovieId,
    source: SourceName,
    review_id: ReviewId,
    asked: Annotated[AskedReview, Query()],
) -> Response:
    """One current review, and what it said before it was edited."""
    found = pages.read_review(imdb_id, source, review_id, door.context().warehouse)
    if found is None:
        raise HTTPException(404, f"{imdb_id} has no current review {review_id} of {source}.")
    versions = [one._asdict() for one in found.revisions]
    if not asked.text:
        versions = [_without_words(one) for one in versions]
    facts = _facts(found, with_text=asked.text) | {"versions": versions}
    return answers.one(request, models.ReviewWithVersions.model_validate(facts))
