"""What was erased on request and must not come back (docs/adr/0016)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime

from filmpulse import warehouse as wh
from filmpulse.items import Item, Review
from filmpulse.lake import Manifest

Kind = Literal["movie", "review", "author"]
FOLDER = "erasures"


class Erasure(Item):
    """One request: what was erased, and when it was asked for (UTC)."""

    kind: Kind
    source: str
    key: str
    erased_at: AwareDatetime

    @property
    def name(self) -> str:
        """Its object in the lake, the same each time."""
        digest = sha256("\0".join((self.kind, self.source, self.key)).encode()).hexdigest()
        return f"{FOLDER}/{digest}.json"

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.kind} {self.key}"


@dataclass(frozen=True)
class Tombstones:
    """What must not come back: reviews and authors by source, movies with the time of erasing.

    `met` is for who reads collections: the URIs of those that held some of it.
    """

    reviews: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    authors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    movies: dict[str, datetime] = field(default_factory=dict)
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
                known = found.movies.get(erasure.key, erasure.erased_at)
                found.movies[erasure.key] = max(known, erasure.erased_at)
        return found

    @classmethod
    def read(cls, connection: wh.Connection, source: str, imdb_id: str) -> Tombstones:
        """Read what concerns one source's reviews of one movie, for one job."""
        rows = connection.execute(
            wh.sql("erasures_of_source"), {"source": source, "imdb_id": imdb_id}
        )
        return cls.of(Erasure.model_validate(row) for row in rows)

    def covers(self, review: Review) -> bool:
        """Tell whether a review, or whoever wrote it, was erased."""
        return review.review_id in self.reviews.get(
            review.source, ()
        ) or review.author_key in self.authors.get(review.source, ())

    def covers_collection(self, manifest: Manifest) -> bool:
        """Tell whether the movie was erased after a collection of it was begun."""
        erased_at = self.movies.get(manifest.imdb_id)
        return erased_at is not None and manifest.started_at <= erased_at

    @property
    def sources(self) -> list[str]:
        """The sources of which reviews or authors were erased."""
        return sorted(
            {source for of in (self.reviews, self.authors) for source, keys in of.items() if keys}
        )
