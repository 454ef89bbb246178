"""Movies: the list, one, tracking, work on one, tags, erasing."""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from filmpulse.warehouse import pages
from filmpulse.web import actions, render
from filmpulse.web.api import answers, models
from filmpulse.web.api.answers import Asked, Rows
from filmpulse.web.api.document import answered, router_of
from filmpulse.web.api.known import MovieId, check, movies, unknown
from filmpulse.web.door import DoorDep, VisitorDep, erases

router = router_of("Movies")


class AskedMovies(Asked):
    """Which movies."""

    tag: str | None = Field(
        None, max_length=200, description="Only those with this tag, in any case."
    )
    is_tracked: bool | None = Field(None, description="Only those that are tracked, or are not.")


@router.get(
    "/movies",
    summary="List movies",
    response_model=Rows[models.Movie],
    responses=answered(304, 409, csv=True),
)
def list_movies(
    request: Request, door: DoorDep, asked: Annotated[AskedMovies, Query()]
) -> Response:
    """Every movie that is tracked or in the warehouse, by its name, with its figures."""
    return answers.many(request, asked, models.Movie, _chosen(door, asked), "movies")


def _chosen(door: DoorDep, asked: AskedMovies) -> list[models.Movie]:
    tag = asked.tag.casefold() if asked.tag is not None else None
    return [
        one
        for one in movies(door)
        if asked.is_tracked in (None, one.is_tracked)
        and (tag is None or tag in {given.casefold() for given in one.tags})
    ]


@router.get(
    "/aspects",
    summary="List the aspects of all movies",
    response_model=Rows[models.AspectOfMovie],
    responses=answered(304, 409, csv=True),
)
def list_aspects(
    request: Request, door: DoorDep, asked: Annotated[AskedMovies, Query()]
) -> Response:
    """How each aspect of each movie is received: a row for each movie and aspect."""
    imdb_ids = [one.imdb_id for one in _chosen(door, asked)]
    rows = pages.card_aspects(door.context().warehouse, imdb_ids=imdb_ids)
    return answers.many(request, asked, models.AspectOfMovie, rows, "aspects")


@router.post(
    "/movies",
    summary="Track a movie",
    status_code=201,
    response_model=models.Tracked,
    responses=answered(409, 413)
    | {200: {"model": models.Tracked, "description": "It was tracked before."}},
)
def track_movie(
    request: Request, door: DoorDep, visitor: VisitorDep, asked: models.MovieToTrack
) -> Response:
    """Detection looks at the movie from now on, and its reviews are read at once."""
    done = actions.track([asked.movie], door, visitor)
    (imdb_id,) = done.imdb_ids
    said = models.Tracked(
        imdb_id=imdb_id, is_new=bool(done.new), run_id=done.run_id, problem=done.problem
    )
    if not said.is_new:
        return answers.one(request, said)
    address = render.url(request, f"/v1/movies/{imdb_id}")
    return answers.one(request, said, 201, {"Location": address})


@router.get(
    "/movies/{imdb_id}",
    summary="Show a movie",
    response_model=models.Movie,
    responses=answered(304, 404, 409),
)
def show_movie(request: Request, door: DoorDep, imdb_id: MovieId) -> Response:
    """One movie of the list."""
    found = movies(door, [imdb_id])
    if not found:
        raise unknown(imdb_id)
    return answers.one(request, found[0])


@router.delete(
    "/movies/{imdb_id}",
    summary="Stop tracking a movie",
    status_code=204,
    response_class=Response,
    responses=answered(404, 409),
)
def untrack_movie(door: DoorDep, imdb_id: MovieId) -> Response:
    """Detection looks at it no more. All that was collected stays; see erasures."""
    if not actions.untrack(imdb_id, door):
        check(imdb_id, door)
    return Response(None, 204)


@router.post(
    "/movies/{imdb_id}/erasure",
    summary="Erase a movie for ever",
    response_model=models.Erasure,
    responses=answered(404, 409, 413),
    dependencies=[erases],
)
def erase_movie(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: models.Confirmation
) -> Response:
    """Stop tracking it, and take it out of the warehouse, the lake with its exports, and the inbox.

    This cannot be undone. Backups that were made before still hold it until they are deleted by
    age; a restore erases it again. Takes as long as it takes to read the movie's part of the lake.
    """
    erased = actions.erase(imdb_id, asked.title, door)
    return answers.one(request, models.Erasure(imdb_id=imdb_id, **erased._asdict()))


@router.post(
    "/movies/{imdb_id}/collections",
    summary="Read a movie's reviews now",
    status_code=202,
    response_model=models.Started,
    responses=answered(404, 409, 413),
)
def collect_movie(
    request: Request,
    door: DoorDep,
    visitor: VisitorDep,
    imdb_id: MovieId,
    asked: models.HowToCollect,
) -> Response:
    """Start a run of `movie_reception`. How it went stands in its collections afterwards."""
    check(imdb_id, door)
    return _started(request, imdb_id, actions.refresh(imdb_id, asked.mode, door, visitor))


def _started(request: Request, imdb_id: str, run_id: str | None) -> Response:
    """Return the run that was started.

    Raises:
        HTTPException: 409, since the movie is being read or scored.
    """
    if run_id is None:
        raise HTTPException(409, f"{imdb_id} is being read or scored at this moment.")
    return answers.one(request, models.Started(run_id=run_id), 202)


@router.post(
    "/movies/{imdb_id}/analyses",
    summary="Score a movie's reviews now",
    status_code=202,
    response_model=models.Started,
    responses=answered(404, 409),
)
def score_movie(request: Request, door: DoorDep, visitor: VisitorDep, imdb_id: MovieId) -> Response:
    """Start a run of `analyse_backlog` over what the configured analyser has not scored.

    A model is asked again about texts to which its answer could not be read; that costs money,
    within the budget.
    """
    check(imdb_id, door)
    return _started(request, imdb_id, actions.rescore(imdb_id, door, visitor))


TagName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        description="The tag: 40 characters at most, in any case.",
        examples=["competitors"],
    ),
]


@router.get(
    "/tags",
    summary="List tags",
    response_model=Rows[models.TagOfMovie],
    responses=answered(304, csv=True),
)
def list_tags(request: Request, door: DoorDep, asked: Annotated[Asked, Query()]) -> Response:
    """Each tag of each movie."""
    rows = pages.tags(door.context().warehouse, imdb_ids=None)
    return answers.many(request, asked, models.TagOfMovie, rows, "tags")


@router.get(
    "/movies/{imdb_id}/tags",
    summary="List a movie's tags",
    response_model=Rows[models.TagOfMovie],
    responses=answered(304, 404, 409, csv=True),
)
def list_tags_of_movie(
    request: Request, door: DoorDep, imdb_id: MovieId, asked: Annotated[Asked, Query()]
) -> Response:
    """What the movie was tagged with."""
    rows = pages.tags(door.context().warehouse, imdb_ids=[imdb_id])
    if not rows:
        check(imdb_id, door)
    return answers.many(request, asked, models.TagOfMovie, rows, f"{imdb_id}-tags")


@router.put(
    "/movies/{imdb_id}/tags/{tag:path}",
    summary="Tag a movie",
    status_code=204,
    response_class=Response,
    responses=answered(404, 409),
)
def tag_movie(door: DoorDep, imdb_id: MovieId, tag: TagName) -> Response:
    """Put a tag on a movie; nothing changes if it has the tag."""
    check(imdb_id, door)
    actions.set_tag(imdb_id, tag, door)
    return Response(None, 204)


@router.delete(
    "/movies/{imdb_id}/tags/{tag:path}",
    summary="Take a tag off a movie",
    status_code=204,
    response_class=Response,
    responses=answered(404, 409),
)
def untag_movie(door: DoorDep, imdb_id: MovieId, tag: TagName) -> Response:
    """Take a tag off a movie; nothing changes if it does not have the tag."""
    check(imdb_id, door)
    actions.remove_tag(imdb_id, tag, door)
    return Response(None, 204)
