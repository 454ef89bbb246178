"""Replaying all collections of a movie, in the order in which they were begun."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from filmpulse import warehouse as wh
from filmpulse.analysis.language import detect_language
from filmpulse.errors import LakeDamaged, ObjectMissing
from filmpulse.items import Review
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.read_history import (
    History,
    is_short,
    is_whole,
    look_through,
    note,
    settle,
    with_notes,
)
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import Manifest
from filmpulse.warehouse.collections import known_reviews
from filmpulse.warehouse.load import Loaded, Replayed, Seen, Sighting, replay
from filmpulse.warehouse.losses import drop_found_objects
from filmpulse.warehouse.quality import Observed

log = logging.getLogger(__name__)


def replay_what_is_left(
    connection: wh.Connection,
    history: History,
    tombstones: Tombstones,
    context: Context,
    observed: Mapping[str, Observed] = MappingProxyType({}),
    *,
    accept_loss: bool = False,
) -> tuple[History, Loaded]:
    """Replay a history; with lost objects, only if each loss is settled or accepted now.

    Returns:
        The history with its losses, all of them settled and noted; and what changed.

    Raises:
        HistoryLost: A loss is open; nothing was changed.
        LakeUnavailable: The lake did not answer.
    """
    key = {"source": history.source, "imdb_id": history.imdb_id}
    if not history.losses:
        try:
            with connection.transaction():
                loaded = _replay(connection, history, tombstones, context, observed).loaded
                drop_found_objects(connection, **key)
                return history, loaded
        except (LakeDamaged, ObjectMissing) as error:
            log.warning("%s: %s", history.imdb_id, error)
    history = look_through(history, context)
    for one in observed.values():  # the try that failed filled them
        one.lines = 0
        one.ids.clear()
    with connection.transaction():
        replayed = _replay(connection, history, tombstones, context, observed)
        history = with_notes(connection, history, replayed.kept)
        history = settle(history, is_given_up=accept_loss)
        note(connection, history.losses, context)
    return history, replayed.loaded


def _replay(
    connection: wh.Connection,
    history: History,
    tombstones: Tombstones,
    context: Context,
    observed: Mapping[str, Observed],
) -> Replayed:
    """Replay the readable part of a history, in the order in which its collections were begun."""
    languages = known_languages(connection, history.source, history.imdb_id)
    return replay(
        connection,
        source=history.source,
        imdb_id=history.imdb_id,
        lost_at=history.lost_at,
        sightings=(
            sighting_of(
                manifest, seen_in(uri, manifest, languages, tombstones, context, observed.get(uri))
            )
            for uri, manifest in history.readable().items()
        ),
    )


def sighting_of(manifest: Manifest, reviews: Seen) -> Sighting:
    """Return a collection as loading sees it."""
    return Sighting(
        manifest.started_at, is_whole(manifest), manifest.is_dated, reviews, manifest.removed_ids
    )


def known_languages(connection: wh.Connection, source: str, imdb_id: str) -> dict[str, str | None]:
    """Return the language of each stored text, by its hash, so that it is detected once."""
    known = known_reviews(connection, source=source, imdb_id=imdb_id)
    return {review.content_hash: review.language for review in known}


def seen_in(
    uri: str,
    manifest: Manifest,
    languages: dict[str, str | None],
    tombstones: Tombstones,
    context: Context,
    observed: Observed | None = None,
) -> Seen:
    """Yield each review of a collection once, with its language; add new texts to `languages`.

    Erased reviews are passed over, and noted in `tombstones.met`. `observed` is given for a new
    collection: if that holds fewer reviews than its manifest says, the quality checks tell. In any
    other collection this is a loss.

    Raises:
        LakeDamaged: A part cannot be read, or there are fewer reviews.
        LakeUnavailable: The lake did not answer, or lacks a part.
    """
    is_new, observed = observed is not None, observed or Observed()
    erased: set[str] = set()
    for review in context.lake.read_reviews(uri, manifest):
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
