"""Loading: from the lake into the warehouse, one collection or the whole history."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from filmpulse import warehouse as wh
from filmpulse.analysis.language import detect_language
from filmpulse.errors import BadInput, LakeDamaged, LakeUnavailable, ObjectMissing
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.jobs.context import Parts, Progress, silent
from filmpulse.jobs.reception import judge
from filmpulse.jobs.reception.read_history import (
    History,
    HistoryLost,
    Loss,
    bring_notes_back,
    is_short,
    look_through,
    note,
    read_history,
    settle,
    with_notes,
)
from filmpulse.jobs.reception.refresh import refresh_figures
from filmpulse.jobs.upkeep.erase import Tombstones, read_unless_erased, replay_erasures, take_out
from filmpulse.lake import Manifest
from filmpulse.warehouse.load import (
    Loaded,
    Replayed,
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
        HistoryLost: It came late, and objects of the others are lost in the lake.
        BadInput: It holds what cannot be read (`damaged`), or its movie was erased (`erased`).
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
            languages = _languages(connection, source, imdb_id)
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
            history = read_history(source, imdb_id, loads, {*loads, manifest_uri}, parts)
            observing = {manifest_uri: observed}
            loaded = _replay_what_is_left(connection, history, tombstones, parts, observing)[1]
        for met in sorted(tombstones.met):
            taken = take_out(met, tombstones, parts)
            manifest = taken if met == manifest_uri else manifest
        _record(connection, manifest_uri, manifest, loaded)
        if not is_known:
            judge.check(connection, manifest_uri, manifest, observed)
        connection.execute(
            wh.sql("loaded_collection"),
            manifest.model_dump(include=LEDGER_FIELDS | _LEDGER_KEY)
            | {"manifest_uri": manifest_uri},
        )
    log.info("%s: %s", imdb_id, loaded)
    return loaded


class Verdict(NamedTuple):
    """How the rebuild of one source's reviews of a movie ended.

    Attributes:
        source: The source.
        imdb_id: The movie.
        status: rebuilt; lost: objects of the lake are lost and not given up; unreadable: the lake
            did not answer. Of the last two nothing was changed.
        collections: From how many collections it was written.
        loaded: What changed.
        losses: The lost objects; of a movie that was rebuilt they are settled.
        error: What kept it from being rebuilt, in a sentence that says what to do.
    """

    source: str
    imdb_id: str
    status: Literal["rebuilt", "lost", "unreadable"]
    collections: int = 0
    loaded: Loaded = Loaded()
    losses: tuple[Loss, ...] = ()
    error: str = ""


class Rebuilt(NamedTuple):
    """How a rebuild went, movie by movie."""

    verdicts: list[Verdict]

    @property
    def imdb_ids(self) -> list[str]:
        """The movies that were written anew."""
        return sorted({one.imdb_id for one in self.verdicts if one.status == "rebuilt"})

    @property
    def collections(self) -> int:
        """From how many collections."""
        return sum(one.collections for one in self.verdicts)

    @property
    def loaded(self) -> Loaded:
        """What changed, all together."""
        return Loaded(*map(sum, zip(Loaded(), *(one.loaded for one in self.verdicts), strict=True)))

    @property
    def failures(self) -> list[str]:
        """What kept movies from being rebuilt, a sentence each."""
        return [one.error for one in self.verdicts if one.status != "rebuilt"]

    @property
    def passed_over(self) -> int:
        """How many lost objects were passed over, since they are settled."""
        return sum(len(one.losses) for one in self.verdicts if one.status == "rebuilt")


LAKE_IS_AWAY = 3
"""So many movies in a row that the lake does not answer for: the lake itself is away."""


def rebuild(
    parts: Parts,
    imdb_ids: Collection[str] = (),
    progress: Progress = silent,
    *,
    accept_loss: bool = False,
) -> Rebuilt:
    """Write the reviews of movies anew from all their collections in the lake.

    Rows that come out as they were are not touched, and scores of reviews that stay are kept. In an
    empty warehouse it also brings back the movies' facts and the ledger's lines. What was erased on
    request is erased first wherever a backup brought it back. Each movie is one
    transaction; a second call changes nothing. A movie of which objects are lost in the lake is
    left as it is, and the others go on.

    Args:
        parts: Settings, warehouse and lake.
        imdb_ids: The movies; all that the lake or the warehouse holds when empty.
        progress: Told the movies done and all.
        accept_loss: Give up what is lost of these movies in the lake: note what it is, and write
            them anew from the rest, keeping all that the warehouse knows.

    Returns:
        A verdict a movie and source, in their order.

    Raises:
        BadInput: Neither the lake nor the warehouse holds a collection of one of the movies, or
            a loss is to be accepted without naming the movie.
        Retryable: The lake or the warehouse does not answer; the movies before stay rebuilt.
    """
    if accept_loss and not imdb_ids:
        raise BadInput("A loss is accepted for movies that are named: say which.")
    verdicts: list[Verdict] = []
    try:
        replay_erasures(parts)
        bring_notes_back(parts)
        movies = _movies_to_rebuild(imdb_ids, parts)
        for done, (source, imdb_id) in enumerate(movies, start=1):
            verdicts.append(_rebuild_or_say_why(source, imdb_id, parts, accept_loss))
            last = [one.status for one in verdicts[-LAKE_IS_AWAY:]]
            if last == ["unreadable"] * LAKE_IS_AWAY:
                raise LakeUnavailable(verdicts[-1].error)
            progress(done, len(movies))
    finally:  # what went well shows when a later movie fails
        refresh_figures(parts)
    return Rebuilt(verdicts)


def _movies_to_rebuild(imdb_ids: Collection[str], parts: Parts) -> list[tuple[str, str]]:
    """Name each source and movie with a collection in the lake or in the ledger of loads.

    Raises:
        BadInput: There is none of a movie that was asked for.
    """
    known = {(row["source"], row["imdb_id"]) for row in parts.warehouse.rows("loaded_movies")}
    for uri in parts.lake.manifests():
        source, imdb_id = parts.lake.name_of(uri).split("/")[:2]
        known.add((source, imdb_id))
    if unknown := set(imdb_ids) - {imdb_id for _, imdb_id in known}:
        raise BadInput(f"The lake holds no collection of {', '.join(sorted(unknown))}.")
    return sorted(key for key in known if not imdb_ids or key[1] in imdb_ids)


def _rebuild_or_say_why(source: str, imdb_id: str, parts: Parts, accept_loss: bool) -> Verdict:
    try:
        return _rebuild(source, imdb_id, parts, accept_loss)
    except HistoryLost as lost:
        with parts.warehouse.connect() as connection:
            note(connection, lost.losses, parts)
        return Verdict(source, imdb_id, "lost", losses=lost.losses, error=str(lost))
    except LakeUnavailable as error:
        return Verdict(source, imdb_id, "unreadable", error=f"{imdb_id}: {error}")


def _rebuild(source: str, imdb_id: str, parts: Parts, accept_loss: bool) -> Verdict:
    """Write one source's reviews of a movie anew."""
    with parts.warehouse.connect() as connection:
        lock_movie(connection, imdb_id)  # first: what is listed now is all that can be loaded
        loads = _loads(connection, source, imdb_id)
        uris = {*loads, *parts.lake.manifests(source, imdb_id)}
        history = read_history(source, imdb_id, loads, uris, parts)
        if not uris:  # erased since
            return Verdict(source, imdb_id, "rebuilt")
        ensure_movie(connection, imdb_id)
        for manifest in history.manifests.values():
            _store_what_it_says(connection, manifest)
        tombstones = Tombstones.read(connection, source, imdb_id)
        history, loaded = _replay_what_is_left(
            connection, history, tombstones, parts, accept_loss=accept_loss
        )
        readable = history.readable()
        # A run that was tried twice has one line, which is that of its last try.
        for uri, manifest in reversed(history.manifests.items()):
            _record(connection, uri, readable[uri], Loaded())
            connection.execute(
                wh.sql("restore_collection"),
                manifest.model_dump(include=LEDGER_FIELDS | _LEDGER_KEY) | {"manifest_uri": uri},
            )
    log.info("%s %s: %d collections, %s", source, imdb_id, len(readable), loaded)
    return Verdict(source, imdb_id, "rebuilt", len(readable), loaded, history.losses)


def _replay_what_is_left(
    connection: wh.Connection,
    history: History,
    tombstones: Tombstones,
    parts: Parts,
    observed: Mapping[str, Observed] = MappingProxyType({}),
    *,
    accept_loss: bool = False,
) -> tuple[History, Loaded]:
    """Replay a history; where objects of it are lost, only if that is settled or accepted now.

    Returns:
        The history with its losses, all of them settled and noted, and what changed.

    Raises:
        HistoryLost: A loss is open; nothing was changed.
        LakeUnavailable: The lake did not answer.
    """
    key = {"source": history.source, "imdb_id": history.imdb_id}
    if not history.losses:
        try:
            with connection.transaction():
                loaded = _replay(connection, history, tombstones, parts, observed).loaded
                connection.execute(wh.sql("drop_found_objects"), key)
                return history, loaded
        except (LakeDamaged, ObjectMissing) as error:
            log.warning("%s: %s", history.imdb_id, error)
    history = look_through(history, parts)
    for one in observed.values():  # the try that failed filled it
        one.lines = 0
        one.ids.clear()
    with connection.transaction():
        replayed = _replay(connection, history, tombstones, parts, observed)
        history = with_notes(connection, history, replayed.kept)
        history = settle(history, is_given_up=accept_loss)
        note(connection, history.losses, parts)
    return history, replayed.loaded


def _replay(
    connection: wh.Connection,
    history: History,
    tombstones: Tombstones,
    parts: Parts,
    observed: Mapping[str, Observed],
) -> Replayed:
    """Replay what can be read of a history, in the order in which its collections were begun."""
    languages = _languages(connection, history.source, history.imdb_id)
    return replay(
        connection,
        source=history.source,
        imdb_id=history.imdb_id,
        lost_at=history.lost_at,
        sightings=(
            Sighting(
                manifest.started_at,
                _is_whole(manifest),
                manifest.is_dated,
                _seen(uri, manifest, languages, tombstones, parts, observed.get(uri)),
            )
            for uri, manifest in history.readable().items()
        ),
    )


def _loads(connection: wh.Connection, source: str, imdb_id: str) -> dict[str, datetime]:
    """Return when each collection that is loaded was begun, by its manifest's URI."""
    cursor = connection.execute(wh.sql("movie_loads"), {"source": source, "imdb_id": imdb_id})
    return {row["manifest_uri"]: row["collected_at"] for row in cursor}


def _record(connection: wh.Connection, uri: str, manifest: Manifest, loaded: Loaded) -> None:
    connection.execute(
        wh.sql("record_load"),
        manifest.model_dump(include={"source", "imdb_id", "started_at"})
        | loaded._asdict()
        | {"manifest_uri": uri, "is_whole": _is_whole(manifest)},
    )


def _is_whole(manifest: Manifest) -> bool:
    return manifest.mode == "full" and manifest.status == "complete"


def _languages(connection: wh.Connection, source: str, imdb_id: str) -> dict[str, str | None]:
    """Return the language of each text that is stored, by its hash: it need not be told again."""
    cursor = connection.execute(wh.sql("known_reviews"), {"imdb_id": imdb_id, "source": source})
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

    `observed` is given for a new collection, whose faults are left to the checks of quality. Of
    any other, fewer reviews than the manifest says are a loss.

    Raises:
        LakeDamaged: A part cannot be read, or there are fewer reviews.
        LakeUnavailable: The lake did not answer, or has a part no longer.
    """
    is_new, observed = observed is not None, observed or Observed()
    erased: set[str] = set()
    for review in parts.lake.read_reviews(uri, manifest):
        if tombstones.covers(review):
            tombstones.met.add(uri)
            erased.add(review.review_id)
        elif observed.is_new(review.review_id):
            yield review, _language(review, languages)
    if not is_new and is_short(manifest, len(observed.ids) + len(erased)):
        raise LakeDamaged(f"{uri} names more reviews than its objects hold.")


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
