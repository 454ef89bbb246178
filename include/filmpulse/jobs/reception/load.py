"""Loading one collection from the lake into the warehouse."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from filmpulse import warehouse as wh
from filmpulse.items import Movie, Snapshot
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception import judge
from filmpulse.jobs.reception.read_history import (
    read_history,
)
from filmpulse.jobs.reception.replay import (
    is_whole,
    known_languages,
    loads_of,
    replay_what_is_left,
    seen_in,
    sighting_of,
)
from filmpulse.jobs.upkeep.erase import read_unless_erased, take_out
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import Manifest
from filmpulse.warehouse import collections as ledger
from filmpulse.warehouse.load import (
    Loaded,
    ensure_movie,
    load_reviews,
    lock_movie,
    store_movie,
    store_snapshot,
)
from filmpulse.warehouse.quality import Observed

log = logging.getLogger(__name__)
LEDGER_FIELDS = {
    "status", "reason", "sentence", "started_at", "finished_at", "review_count_start",
    "review_count_end", "distinct_ids", "variant",
}  # fmt: skip
LEDGER_KEY = {"run_id", "source", "imdb_id", "mode"}


def load(manifest_uri: str, context: Context) -> Loaded:
    """Load one collection into the warehouse and check it; the same one again changes nothing.

    One that was begun before another that is loaded already is put in its place by replaying all of
    the movie's, so that the order of loading does not matter. Erased reviews that it holds, since
    they were erased while it was made, are taken out of it.

    Returns:
        What changed. One transaction: either the rows and the ledger's line, or neither.

    Raises:
        HistoryLost: It came late, and objects of the others are lost in the lake.
        BadInput: It holds what cannot be read (`damaged`), or its movie was erased (`erased`).
    """
    source, imdb_id = context.lake.subject_of(manifest_uri)
    with context.warehouse.connect() as connection:
        lock_movie(connection, imdb_id)
        tombstones = Tombstones.read(connection, source, imdb_id)
        manifest = read_unless_erased(manifest_uri, imdb_id, tombstones, context)
        store_what_it_says(connection, manifest)
        loads = loads_of(connection, source, imdb_id)
        place = (manifest.started_at, manifest_uri)
        observed = Observed()
        is_known = manifest_uri in loads
        if is_known:
            loaded = Loaded()
        elif all((at, uri) < place for uri, at in loads.items()):
            languages = known_languages(connection, source, imdb_id)
            loaded = load_reviews(
                connection,
                source=source,
                imdb_id=imdb_id,
                sighting=sighting_of(
                    manifest,
                    seen_in(manifest_uri, manifest, languages, tombstones, context, observed),
                ),
            )
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
        line = manifest.model_dump(include=LEDGER_FIELDS | LEDGER_KEY)
        ledger.loaded_collection(connection, manifest_uri=manifest_uri, is_restored=False, **line)
    log.info("%s: %s", imdb_id, loaded)
    return loaded


def record_load(connection: wh.Connection, uri: str, manifest: Manifest, loaded: Loaded) -> None:
    """Note that a collection is loaded, and what that changed."""
    ledger.record_load(
        connection,
        manifest_uri=uri,
        is_whole=is_whole(manifest),
        **manifest.model_dump(include={"source", "imdb_id", "started_at"}),
        **loaded._asdict(),
    )


def store_what_it_says(connection: wh.Connection, manifest: Manifest) -> None:
    """Store what a collection says of its movie: facts and snapshot."""
    ensure_movie(connection, manifest.imdb_id)
    if manifest.movie is not None:
        store_movie(connection, manifest.movie, _facts_as_of(manifest))
    if manifest.snapshot is not None and manifest.snapshot.taken_at is not None:
        store_snapshot(connection, manifest.snapshot)


def _facts_as_of(manifest: Manifest) -> datetime:
    """Say how old a collection's facts of the movie are.

    A page of unknown age only says what no other one says: it counts as older than any that can
    have been saved, and of several such pages the one that came first counts.
    """
    if manifest.is_dated:
        return manifest.started_at
    since_1970 = manifest.started_at - datetime(1970, 1, 1, tzinfo=UTC)
    return datetime(1000, 1, 1, tzinfo=UTC) - since_1970


def store_facts(
    connection: wh.Connection, movie: Movie, snapshot: Snapshot, facts_as_of: datetime
) -> None:
    """Store what a page says of the movie, in the caller's transaction."""
    store_movie(connection, movie, facts_as_of)
    if snapshot.taken_at is not None:
        store_snapshot(connection, snapshot)
