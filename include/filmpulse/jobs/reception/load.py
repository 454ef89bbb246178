"""Loading one collection from the lake into the warehouse."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from filmpulse import warehouse as wh
from filmpulse.items import Movie, Snapshot
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception import judge
from filmpulse.jobs.reception.fetch_poster import fetch_poster
from filmpulse.jobs.reception.read_history import is_whole, read_history
from filmpulse.jobs.reception.replay import (
    known_languages,
    replay_what_is_left,
    seen_in,
    sighting_of,
)
from filmpulse.jobs.upkeep.erase import read_unless_erased, take_out
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import Manifest
from filmpulse.warehouse import collections, figures
from filmpulse.warehouse.load import (
    Loaded,
    ensure_movie,
    load_reviews,
    store_movie,
    store_snapshot,
)
from filmpulse.warehouse.quality import Observed

log = logging.getLogger(__name__)

HOW_IT_WENT = {
    "status", "reason", "sentence", "started_at", "finished_at", "review_count_start",
    "review_count_end", "distinct_ids", "variant",
}  # fmt: skip
"""What a manifest gives to the line of its collection in `ops.collections`, besides its key."""


def load_movie(imdb_id: str, manifest_uris: Iterable[str], context: Context) -> int:
    """Load a movie's collections, then fetch its poster; return how many rows changed.

    Raises as `load`; a poster never fails.
    """
    changed = sum(load(uri, context).changed for uri in manifest_uris)
    fetch_poster(imdb_id, context)
    return changed


def load(manifest_uri: str, context: Context) -> Loaded:
    """Load one collection into the warehouse and check it; the same one again changes nothing.

    If a later collection of the movie is loaded already, all of them are replayed, so that the
    order of loading does not matter. Reviews that were erased while the collection was made are
    taken out of it.

    Returns:
        What changed. One transaction writes the rows, the movie's figures and the line in
        `ops.collections`.

    Raises:
        HistoryLost: A later collection is loaded, and objects of the others are lost in the lake.
        BadInput: The collection cannot be read (`damaged`), or its movie was erased (`erased`).
    """
    source, imdb_id = context.lake.subject_of(manifest_uri)
    with context.warehouse.connect() as connection, figures.changing(connection, imdb_id):
        tombstones = Tombstones.read(connection, source, imdb_id)
        manifest = read_unless_erased(manifest_uri, imdb_id, tombstones, context)
        store_what_it_says(connection, manifest)
        loads = dict(collections.movie_loads(connection, source=source, imdb_id=imdb_id))
        place = (manifest.started_at, manifest_uri)
        observed = Observed()
        is_known = manifest_uri in loads
        if is_known:
            loaded = Loaded()
        elif all((at, uri) < place for uri, at in loads.items()):
            languages = known_languages(connection, source, imdb_id)
            seen = seen_in(manifest_uri, manifest, languages, tombstones, context, observed)
            sighting = sighting_of(manifest, seen)
            loaded = load_reviews(connection, source=source, imdb_id=imdb_id, sighting=sighting)
        else:
            log.info("%s: a later collection is loaded already; replaying all.", imdb_id)
            history = read_history(source, imdb_id, loads, {*loads, manifest_uri}, context)
            observing = {manifest_uri: observed}
            loaded = replay_what_is_left(connection, history, tombstones, context, observing)[1]
        for met in sorted(tombstones.met):
            taken = take_out(met, tombstones, context)
            manifest = taken if met == manifest_uri else manifest
        record_load(connection, manifest_uri, manifest, loaded)
        if not is_known:
            judge.check(connection, manifest_uri, manifest, observed)
        collections.loaded_collection(
            connection, manifest_uri=manifest_uri, is_restored=False, **line_of(manifest)
        )
    log.info("%s: %s", imdb_id, loaded)
    return loaded


def line_of(manifest: Manifest) -> dict[str, Any]:
    """Return the line of a collection in `ops.collections`."""
    return manifest.model_dump(include=HOW_IT_WENT | {"run_id", "source", "imdb_id", "mode"})


def record_load(connection: wh.Connection, uri: str, manifest: Manifest, loaded: Loaded) -> None:
    """Note that a collection is loaded, and what that changed."""
    collections.record_load(
        connection,
        manifest_uri=uri,
        is_whole=is_whole(manifest),
        **manifest.model_dump(include={"source", "imdb_id", "started_at"}),
        **loaded._asdict(),
    )


def store_what_it_says(connection: wh.Connection, manifest: Manifest) -> None:
    """Store what a collection says of its movie: facts and snapshot."""
    ensure_movie(connection, manifest.imdb_id)
    store_facts(connection, manifest.movie, manifest.snapshot, _facts_as_of(manifest))


def _facts_as_of(manifest: Manifest) -> datetime:
    """Return the time of a collection's facts of the movie.

    A page of unknown age may only add facts that no other page has. So it counts as older than any
    page that can have been saved, and of several such pages the first one counts as the newest.
    """
    if manifest.is_dated:
        return manifest.started_at
    since_1970 = manifest.started_at - datetime(1970, 1, 1, tzinfo=UTC)
    return datetime(1000, 1, 1, tzinfo=UTC) - since_1970


def store_facts(
    connection: wh.Connection, movie: Movie | None, snapshot: Snapshot | None, facts_as_of: datetime
) -> None:
    """Store what a page says of the movie, in the caller's transaction."""
    if movie is not None:
        store_movie(connection, movie, facts_as_of)
    if snapshot is not None and snapshot.taken_at is not None:
        store_snapshot(connection, snapshot)
