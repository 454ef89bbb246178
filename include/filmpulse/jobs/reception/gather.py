"""Gathering: take one movie's reviews out of the drains of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from filmpulse.items import CollectionStatus, Movie, Page, Review, Snapshot
from filmpulse.jobs.context import Context
from filmpulse.lake import DrainManifest
from filmpulse.warehouse.detection import stream_history

BATCH = 500

Drains = Sequence[tuple[str, DrainManifest]]
"""What a stream told, in order: the URI of each drain's manifest, and the manifest."""


@dataclass
class Gathered:
    """A movie's events since its last collection of a stream, to be read as a `sources.Crawl`.

    `removed_ids` are reviews whose last event is a removal. `read_until` is the start of the last
    drain that was read (UTC): the collection counts from then, and a later drain is news. `gap`
    says which events are lost, if any are.
    """

    reviews: list[Review]
    removed_ids: tuple[str, ...]
    read_until: datetime
    gap: str = ""
    status: CollectionStatus = "drained"
    reason: str | None = None
    movie: Movie | None = None
    snapshot: Snapshot | None = None
    variant: str = "stream"
    review_count_start: int | None = None
    review_count_end: int | None = None
    last_page: Page | None = None

    @property
    def distinct_ids(self) -> int:
        """How many reviews there are."""
        return len(self.reviews)

    @property
    def so_far(self) -> str:
        """The same for a person."""
        return f"{self.distinct_ids:,}"

    @property
    def sentence(self) -> str:
        """Status and reason for a person, with numbers."""
        removals = len(self.removed_ids)
        said = f"The stream told of {self.distinct_ids:,} reviews and {removals:,} removals."
        return said + self.gap

    def __iter__(self) -> Iterator[tuple[Review, ...]]:
        """Yield the reviews in batches."""
        for start in range(0, len(self.reviews), BATCH):
            yield tuple(self.reviews[start : start + BATCH])


def new_drains(drains: Drains, imdb_id: str, read_until: datetime | None) -> Drains:
    """Return the drains that tell of a movie and were begun after `read_until` (UTC)."""
    return [
        (uri, told)
        for uri, told in drains
        if imdb_id in told.movies and (read_until is None or told.drained_at > read_until)
    ]


def gather(source: str, imdb_id: str, known: frozenset[str], context: Context) -> Gathered:
    """Gather a movie's events since its last loaded collection of a stream.

    `known` are the ids of the movie's current reviews in the warehouse.

    Raises:
        LakeUnavailable, LakeDamaged: A drain could not be read.
    """
    history = stream_history.one(context.warehouse, source=source, imdb_id=imdb_id)
    read_until = history.read_until
    last: dict[str, Review | None] = {}
    drains = new_drains(context.lake.drains(source), imdb_id, read_until)
    for uri, told in drains:
        for review in context.lake.read_reviews(uri, told):
            if review.imdb_id == imdb_id:
                last.pop(review.review_id, None)
                last[review.review_id] = review
        for review_id in told.removed_ids:
            if review_id in known or review_id in last:
                last[review_id] = None
    reviews = [review for review in last.values() if review is not None]
    removed = tuple(review_id for review_id, review in last.items() if review is None)
    newest = drains[-1][1].drained_at if drains else read_until or datetime.now(UTC)
    gathered = Gathered(reviews, removed, newest)
    gapless_since = max((told.gapless_since for _, told in drains), default=newest)
    if read_until is not None and gapless_since > read_until:
        gathered.status, gathered.reason = "partial", "gap"
        gathered.gap = (
            f" What happened between {read_until:%Y-%m-%d %H:%M} and "
            f"{gapless_since:%Y-%m-%d %H:%M} UTC is lost: the stream no longer holds it."
        )
    return gathered
