"""Read the whole lake, and compare each collection, drain and export with its manifest."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from filmpulse.errors import LakeDamaged, ObjectMissing
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.read_history import look_through, read_history
from filmpulse.jobs.upkeep.export import AREA, ExportManifest
from filmpulse.lake import MANIFEST


class Verified(NamedTuple):
    """What was read, and a sentence for each object that is missing, damaged or too short."""

    collections: int
    reviews: int
    problems: list[str]


def verify_lake(context: Context, progress: Progress = silent) -> Verified:
    """Read every collection and drain in the lake, look at every export; change nothing.

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
    return Verified(collections, reviews, problems + _exports(context))


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


def _exports(context: Context) -> list[str]:
    """Say which tables of weekly exports are missing, or of another size than they should be."""
    problems = list[str]()
    for name in context.lake.names(AREA):
        if not name.endswith(f"/{MANIFEST}"):
            continue
        try:
            tables = ExportManifest.model_validate_json(context.lake.read(name)).tables.values()
        except ValidationError:
            problems.append(f"{name} is no manifest of an export.")
            continue
        folder = name.removesuffix(MANIFEST)
        problems += [
            f"{folder}{table.file} is missing or cut off."
            for table in tables
            if context.lake.size(f"{folder}{table.file}") != table.size_bytes
        ]
    return problems
