"""What was erased on request and must not come back (docs/adr/0016)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from filmpulse import warehouse as wh
from filmpulse.items import Review
from filmpulse.warehouse.erasures import Erasure, erasures_of_source


@dataclass(frozen=True)
class Tombstones:
    """Erased reviews and authors by source; movies and auditors with the time of erasing (UTC).

    Whoever reads collections adds to `met` the URIs of those that held an erased review.
    """

    reviews: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    authors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    movies: dict[str, datetime] = field(default_factory=dict)
    auditors: dict[str, datetime] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, erasures: Iterable[Erasure]) -> Tombstones:
        """Sort erasures for looking up."""
        found = cls()
        for erasure in erasures:
            if erasure.kind == "review":
                found.reviews[erasure.source].add(erasure.key)
            elif erasure.kind == "author":
                found.authors[erasure.source].add(erasure.key)
            else:
                times = found.movies if erasure.kind == "movie" else found.auditors
                known = times.get(erasure.key, erasure.erased_at)
                times[erasure.key] = max(known, erasure.erased_at)
        return found

    @classmethod
    def read(cls, connection: wh.Connection, source: str, imdb_id: str) -> Tombstones:
        """Read what concerns one source's reviews of one movie, for one job."""
        return cls.of(erasures_of_source(connection, source=source, imdb_id=imdb_id))

    def covers(self, review: Review) -> bool:
        """Tell whether a review, or whoever wrote it, was erased."""
        return review.review_id in self.reviews.get(
            review.source, ()
        ) or review.author_key in self.authors.get(review.source, ())

    @property
    def sources(self) -> list[str]:
        """The sources of which reviews or authors were erased, sorted."""
        return sorted({*self.reviews, *self.authors})
