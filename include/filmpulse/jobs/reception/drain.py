"""Draining: write what a stream told since the last drain, of all tracked movies, into the lake."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from filmpulse import warehouse as wh
from filmpulse.items import Review
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.visit import meet
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import DrainManifest
from filmpulse.sources import StreamSource
from filmpulse.warehouse import detection
from filmpulse.warehouse.crosswalk import MovieIds
from filmpulse.warehouse.gate import HostGate

log = logging.getLogger(__name__)


def drain(source: StreamSource, imdb_ids: Collection[str], context: Context) -> str | None:
    """Write what a stream told of these movies since its cursor, then move the cursor.

    After a crash the same is read again: a review or removal that comes twice changes nothing.
    Two drains of one stream take turns. Events of other movies are not kept.

    Returns:
        The URI of the drain's manifest; None if nothing concerned these movies.

    Raises:
        Blocked, SiteUnavailable, HostPaused: As the stream raises them; the cursor stays.
        LakeUnavailable: The lake could not be written; the cursor stays.
    """
    meet(source, context)
    with context.warehouse.connect() as connection:
        stands = detection.begin_drain.one(connection, source=source.name)  # takes turns
        drained_at = datetime.now(UTC)
        if stands.drained_at is not None:  # a clock may go back; the drains stay in order
            drained_at = max(drained_at, stands.drained_at + timedelta(microseconds=1))
        cursor = stands.cursor
        if not cursor and (before := context.lake.drains(source.name)):
            cursor = before[-1][1].cursor  # the warehouse lost its own
        last: dict[str, Review | None] = {}
        with HostGate(context.warehouse, context.settings.request_gap_seconds) as gate:
            stream = source.drain(
                context.settings,
                gate,
                MovieIds(context.warehouse, source.name),
                cursor=cursor,
                imdb_ids=frozenset(imdb_ids),
            )
            for piece in stream:
                for event in piece.events:
                    last.pop(event.review_id, None)  # the order is that of the last events
                    last[event.review_id] = event if isinstance(event, Review) else None
                cursor = piece.cursor
        gapless_since = stream.gap_before or stands.gapless_since or drained_at
        told = DrainManifest(
            source=source.name,
            drained_at=drained_at,
            gapless_since=gapless_since,
            cursor=cursor or "",
        )
        uri = _write(last, told, connection, context)
        detection.end_drain(connection, **told.model_dump() | {"cursor": cursor})
    log.info("%s: %d events since the last drain.", source.title, len(last))
    return uri


def _write(
    last: dict[str, Review | None], told: DrainManifest, connection: wh.Connection, context: Context
) -> str | None:
    """Write the last event of each review of tracked movies; return the manifest's URI, if any."""
    tombstones = {
        imdb_id: Tombstones.read(connection, told.source, imdb_id)
        for imdb_id in {review.imdb_id for review in last.values() if review}
    }
    kept = [r for r in last.values() if r and not tombstones[r.imdb_id].covers(r)]
    removed = _movies_of(
        [i for i, review in last.items() if review is None], told, connection, context
    )
    if not kept and not removed:
        return None
    writer = context.lake.begin_drain(told.source, told.drained_at)
    writer.append(kept)
    counts = Counter([review.imdb_id for review in kept] + list(removed.values()))
    update = {"movies": counts, "removed_ids": tuple(removed), "parts": tuple(writer.parts)}
    return writer.close(told.model_copy(update=update))


def _movies_of(
    review_ids: list[str], told: DrainManifest, connection: wh.Connection, context: Context
) -> dict[str, str]:
    """Return the movie of each of these reviews that we hold or that an earlier drain holds."""
    if not review_ids:
        return {}
    asked = {"source": told.source, "review_ids": review_ids}
    found = dict(detection.movies_of_reviews(connection, **asked))
    missing = set(review_ids) - found.keys()
    for uri, manifest in context.lake.drains(told.source) if missing else ():
        for review in context.lake.read_reviews(uri, manifest):
            if review.review_id in missing:
                found[review.review_id] = review.imdb_id
    return found
