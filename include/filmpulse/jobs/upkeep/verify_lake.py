"""Read the whole lake, and compare each collection and drain with its manifest."""

from __future__ import annotations

from typing import NamedTuple

from filmpulse.errors import LakeDamaged, ObjectMissing
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.read_history import look_through, read_history


class Verified(NamedTuple):
    """What was read, and a sentence for each object that is missing, damaged or too short."""

    collections: int
    reviews: int
    problems: list[str]


def verify_lake(context: Context, progress: Progress = silent) -> Verified:
    """Read every collection and every drain in the lake; change nothing.

    Objects whose loss is settled (`filmpulse rebuild --accept-loss`) are passed over. `progress` is
    told the movies and streams looked through, and all of them.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    movies, streams = list(context.lake.movies()), context.lake.folders("streams")
    settled = set(context.lake.names("losses"))
    collections = reviews = done = 0
    problems = list[str]()
    for source, imdb_id in movies:
        uris = context.lake.manifests(source, imdb_id)
        history = look_through(read_history(source, imdb_id, {}, uris, context), context)
        collections += len(uris)
        reviews += sum(manifest.distinct_ids for manifest in history.manifests.values())
        problems += [
            f"{imdb_id}: {loss.object} is {loss.fault.replace('_', ' ')}."
            for loss in history.losses
            if loss.note not in settled
        ]
        progress(done := done + 1, len(movies) + len(streams))
    for source in streams:
        found, held, wrong = _drains(source, context)
        collections, reviews, problems = collections + found, reviews + held, problems + wrong
        progress(done := done + 1, len(movies) + len(streams))
    return Verified(collections, reviews, problems)


def _drains(source: str, context: Context) -> tuple[int, int, list[str]]:
    """Return how many drains and reviews a stream has in the lake, and what is wrong with them."""
    held, problems = 0, list[str]()
    try:
        drains = context.lake.drains(source)
    except (LakeDamaged, ObjectMissing) as error:
        return 0, 0, [str(error)]
    for uri, manifest in drains:
        try:
            held += sum(1 for _ in context.lake.read_reviews(uri, manifest))
        except (LakeDamaged, ObjectMissing) as error:
            problems.append(str(error))
    return len(drains), held, problems
