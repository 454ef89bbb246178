"""Loading: from the lake into the warehouse, one collection or the whole history."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from filmpulse import warehouse as wh
from filmpulse.analysis.language import detect_language
from filmpulse.errors import BadInput
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.jobs import quality
from filmpulse.jobs.erasing import Tombstones, read_unless_erased, replay_erasures, take_out
from filmpulse.jobs.figures import refresh_figures
from filmpulse.jobs.parts import Parts, Progress, silent
from filmpulse.lake import Manifest
from filmpulse.warehouse.load import (
    Loaded,
    Seen,
    Sighting,
    ensure_movie,
    load_reviews,
    lock_movie,
    replay,
    store_movie,
    store_snapshot,
)
from filmpulse.warehouse.quality import Observed

log = logging.getLogger(__name__)

LEDGER_FIELDS = {
    "status", "reason", "sentence", "started_at", "finished_at", "review_count_start",
    "review_count_end", "distinct_ids", "variant",
}  # fmt: skip
_LEDGER_KEY = {"run_id", "source", "imdb_id", "mode"}


def load(manifest_uri: str, parts: Parts) -> Loaded:
    """Load one collection into the warehouse and check it; the same one again changes nothing.

    One that was begun before another that is loaded already is put in its place by replaying all of
    the movie's, so that the order of loading does not matter. Erased reviews that it holds, since
    they were erased while it was made, are taken out of it.

    Returns:
        What changed. One transaction: either the rows and the ledger's line, or neither.

    Raises:
        BadInput: It came late, and earlier ones are no longer in the lake; or its movie was erased
            since (`erased`).
    """
    source, imdb_id = parts.lake.name_of(manifest_uri).split("/")[:2]
    with parts.warehouse.connect() as connection:
        lock_movie(connection, imdb_id)
        tombstones = Tombstones.read(connection, source, imdb_id)
        manifest = read_unless_erased(manifest_uri, imdb_id, tombstones, parts)
        _store_what_it_says(connection, manifest)
        loads = _loads(connection, source, imdb_id)
        place = (manifest.started_at, manifest_uri)
        observed = Observed()
        is_known = manifest_uri in loads
        if is_known:
            loaded = Loaded()
        elif all((at, uri) < place for uri, at in loads.items()):
            languages = _languages(connection, manifest)
            loaded = load_reviews(
                connection,
                source=source,
                imdb_id=imdb_id,
                collected_at=manifest.started_at,
                reviews=_seen(manifest_uri, manifest, languages, tombstones, parts, observed),
                is_whole=_is_whole(manifest),
                is_dated=manifest.is_dated,
            )
        else:
            log.info("%s: a later collection is loaded already; replaying all.", imdb_id)
            _must_be_there(loads, source, imdb_id, parts)
            earlier = {uri: parts.lake.read_manifest(uri) for uri in loads}
            all_of_them = earlier | {manifest_uri: manifest}
            observing = {manifest_uri: observed}
            loaded = _replay(connection, all_of_them, tombstones, parts, observing)
        for met in sorted(tombstones.met):
            taken = take_out(met, tombstones, parts)
            manifest = taken if met == manifest_uri else manifest
        _record(connection, manifest_uri, manifest, loaded)
        if not is_known:
            quality.check(connection, manifest_uri, manifest, observed)
        connection.execute(
            wh.sql("loaded_collection"),
            manifest.model_dump(include=LEDGER_FIELDS | _LEDGER_KEY)
            | {"manifest_uri": manifest_uri},
        )
    log.info("%s: %s", imdb_id, loaded)
    return loaded


class Rebuilt(NamedTuple):
    """Which movies a rebuild wrote anew, from how many collections, and what was otherwise."""

    imdb_ids: list[str]
    collections: int
    loaded: Loaded


def rebuild(parts: Parts, imdb_ids: Collection[str] = (), progress: Progress = silent) -> Rebuilt:
    """Write the reviews of movies anew from all their collections in the lake.

    Rows that come out as they were are not touched, and scores of reviews that stay are kept. In an
    empty warehouse it also brings back the movies' facts and the ledger's lines. What was erased on
    request is erased first wherever a backup brought it back. Each movie is one
    transaction; a second call changes nothing.

    Args:
        parts: Settings, warehouse and lake.
        imdb_ids: The movies; all that the lake holds when empty.
        progress: Told the movies done and all.

    Raises:
        BadInput: The lake lacks a collection that the warehouse holds, or holds none of a movie;
            nothing of that movie is changed.
    """
    total = Loaded()
    count = 0
    try:
        replay_erasures(parts)
        sealed = {tuple(parts.lake.name_of(uri).split("/")[:2]) for uri in parts.lake.manifests()}
        movies = sorted(key for key in sealed if not imdb_ids or key[1] in imdb_ids)
        if unknown := set(imdb_ids) - {imdb_id for _, imdb_id in movies}:
            raise BadInput(f"The lake holds no collection of {', '.join(sorted(unknown))}.")
        for done, (source, imdb_id) in enumerate(movies, start=1):
            collections, loaded = _rebuild(source, imdb_id, parts)
            count += collections
            total = Loaded(*(a + b for a, b in zip(total, loaded, strict=True)))
            progress(done, len(movies))
    finally:  # what went well shows when a later movie fails
        refresh_figures(parts)
    return Rebuilt(sorted({imdb_id for _, imdb_id in movies}), count, total)


def _rebuild(source: str, imdb_id: str, parts: Parts) -> tuple[int, Loaded]:
    """Write one source's reviews of a movie anew; return from how many collections, and what."""
    with parts.warehouse.connect() as connection:
        lock_movie(connection, imdb_id)  # first: what is listed now is all that can be loaded
        _must_be_there(_loads(connection, source, imdb_id), source, imdb_id, parts)
        uris = parts.lake.manifests(source, imdb_id)
        manifests = {uri: parts.lake.read_manifest(uri) for uri in uris}
        if not manifests:  # erased since
            return 0, Loaded()
        for manifest in manifests.values():
            _store_what_it_says(connection, manifest)
        tombstones = Tombstones.read(connection, source, imdb_id)
        loaded = _replay(connection, manifests, tombstones, parts)
        # A run that was tried twice has one line, which is that of its last try.
        for uri, manifest in sorted(
            manifests.items(), key=lambda item: (item[1].started_at, item[0]), reverse=True
        ):
            _record(connection, uri, manifest, Loaded())
            connection.execute(
                wh.sql("restore_collection"),
                manifest.model_dump(include=LEDGER_FIELDS | _LEDGER_KEY) | {"manifest_uri": uri},
            )
    log.info("%s %s: %d collections, %s", source, imdb_id, len(manifests), loaded)
    return len(manifests), loaded


def _replay(
    connection: wh.Connection,
    manifests: Mapping[str, Manifest],
    tombstones: Tombstones,
    parts: Parts,
    observed: Mapping[str, Observed] = MappingProxyType({}),
) -> Loaded:
    """Replay collections of one movie and source, in the order in which they were begun."""
    about = next(iter(manifests.values()))
    languages = _languages(connection, about)
    in_order = sorted(manifests.items(), key=lambda item: (item[1].started_at, item[0]))
    return replay(
        connection,
        source=about.source,
        imdb_id=about.imdb_id,
        sightings=(
            Sighting(
                manifest.started_at,
                _is_whole(manifest),
                manifest.is_dated,
                _seen(uri, manifest, languages, tombstones, parts, observed.get(uri)),
            )
            for uri, manifest in in_order
        ),
    )


def _loads(connection: wh.Connection, source: str, imdb_id: str) -> dict[str, datetime]:
    """Return when each collection that is loaded was begun, by its manifest's URI."""
    cursor = connection.execute(wh.sql("movie_loads"), {"source": source, "imdb_id": imdb_id})
    return {row["manifest_uri"]: row["collected_at"] for row in cursor}


def _must_be_there(loads: Iterable[str], source: str, imdb_id: str, parts: Parts) -> None:
    """Refuse to write a history of which a part is lost.

    Raises:
        BadInput: The lake lacks what was loaded from it.
    """
    if lost := sorted(set(loads) - set(parts.lake.manifests(source, imdb_id))):
        raise BadInput(
            f"{imdb_id}: {len(lost)} collections that are loaded are no longer in the lake, such "
            f"as {lost[0]}. Its history cannot be replayed without them, so nothing was changed: "
            "bring them back from the lake's backup."
        )


def _record(connection: wh.Connection, uri: str, manifest: Manifest, loaded: Loaded) -> None:
    connection.execute(
        wh.sql("record_load"),
        manifest.model_dump(include={"source", "imdb_id", "started_at"})
        | loaded._asdict()
        | {"manifest_uri": uri, "is_whole": _is_whole(manifest)},
    )


def _is_whole(manifest: Manifest) -> bool:
    return manifest.mode == "full" and manifest.status == "complete"


def _languages(connection: wh.Connection, manifest: Manifest) -> dict[str, str | None]:
    """Return the language of each text that is stored, by its hash: it need not be told again."""
    cursor = connection.execute(
        wh.sql("known_reviews"), {"imdb_id": manifest.imdb_id, "source": manifest.source}
    )
    return {row["content_hash"]: row["language"] for row in cursor}


def _seen(
    uri: str,
    manifest: Manifest,
    languages: dict[str, str | None],
    tombstones: Tombstones,
    parts: Parts,
    observed: Observed | None = None,
) -> Seen:
    """Yield each review of a collection once, with its language; new ones go into `languages`.

    Erased ones are passed over, and noted in `tombstones.met`.
    """
    observed = observed or Observed()
    for review in parts.lake.read_reviews(uri, manifest):
        if tombstones.covers(review):
            tombstones.met.add(uri)
        elif observed.is_new(review.review_id):
            yield review, _language(review, languages)


def _language(review: Review, languages: dict[str, str | None]) -> str | None:
    if review.dropped is not None:
        return review.dropped.language
    key = review.content_hash
    if key not in languages:
        languages[key] = detect_language(f"{review.title}\n{review.body}")
    return languages[key]


def _store_what_it_says(connection: wh.Connection, manifest: Manifest) -> None:
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
