"""Loading: from the lake into the warehouse."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from filmpulse import warehouse as wh
from filmpulse.analysis.language import detect_language
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.jobs.parts import Parts
from filmpulse.warehouse.load import Loaded, load_reviews, store_movie, store_snapshot

log = logging.getLogger(__name__)

LEDGER_FIELDS = {
    "status", "reason", "sentence", "started_at", "finished_at", "review_count_start",
    "review_count_end", "distinct_ids", "variant",
}  # fmt: skip


def load(manifest_uri: str, parts: Parts) -> Loaded:
    """Load one collection into the warehouse; the same one again changes nothing.

    Returns:
        What changed. One transaction: either the rows and the ledger's line, or neither.
    """
    manifest = parts.lake.read_manifest(manifest_uri)
    hashes = {
        row["review_id"]: row["content_hash"]
        for row in parts.warehouse.rows(
            "known_reviews", imdb_id=manifest.imdb_id, source=manifest.source
        )
    }
    reviews = _with_language(parts.lake.read_reviews(manifest_uri, manifest), hashes)
    with parts.warehouse.connect() as connection:
        movie = manifest.movie or Movie(imdb_id=manifest.imdb_id, title=manifest.imdb_id)
        facts_as_of = manifest.started_at if manifest.movie else datetime.min.replace(tzinfo=UTC)
        store_facts(connection, movie, manifest.snapshot, facts_as_of)
        loaded = load_reviews(
            connection,
            source=manifest.source,
            imdb_id=manifest.imdb_id,
            collected_at=manifest.started_at,
            reviews=reviews,
            is_whole=manifest.mode == "full" and manifest.status == "complete",
        )
        connection.execute(
            wh.sql("loaded_collection"),
            manifest.model_dump(include=LEDGER_FIELDS | {"run_id", "source", "imdb_id", "mode"})
            | loaded._asdict()
            | {"manifest_uri": manifest_uri},
        )
    log.info("%s: %s", manifest.imdb_id, loaded)
    return loaded


def _with_language(
    reviews: Iterable[Review], known_hashes: dict[str, str]
) -> Iterator[tuple[Review, str | None]]:
    """Pass each review once, with its language where the text is new to us."""
    seen: set[str] = set()
    for review in reviews:
        if review.review_id in seen:
            continue
        seen.add(review.review_id)
        is_known = known_hashes.get(review.review_id) == review.content_hash
        yield review, None if is_known else detect_language(f"{review.title}\n{review.body}")


def store_facts(
    connection: wh.Connection, movie: Movie, snapshot: Snapshot | None, facts_as_of: datetime
) -> None:
    """Store what a page says of the movie, in the caller's transaction."""
    store_movie(connection, movie, facts_as_of)
    if snapshot is not None and snapshot.taken_at is not None:
        store_snapshot(connection, snapshot)
