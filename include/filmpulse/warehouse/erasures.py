"""Erasing on request, and the record of what was erased."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from filmpulse.items import Item
from filmpulse.warehouse.statement import Command, Query, Scalar

Kind = Literal["movie", "review", "author"]
"""What `filmpulse forget` erases; an auditor is forgotten by `filmpulse audit --forget`."""

FOLDER = "erasures"


class Erasure(Item):
    """One request: what was erased, and when it was asked for (UTC)."""

    kind: Kind | Literal["auditor"]
    source: str
    key: str
    erased_at: AwareDatetime

    @property
    def name(self) -> str:
        """The name of its object in the lake, always the same."""
        digest = sha256("\0".join((self.kind, self.source, self.key)).encode()).hexdigest()
        return f"{FOLDER}/{digest}.json"

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.kind} {self.key}"


class Found(NamedTuple):
    """A review to erase."""

    source: str
    imdb_id: str
    review_id: str
    author_key: str | None


class Gone(NamedTuple):
    """How many reviews were erased, how many other rows with them, and the hashes of all texts."""

    reviews: int
    others: int
    hashes: list[str]


erasures = Query("erasures", Erasure)
erasures_of_source = Query("erasures_of_source", Erasure)
erase_record = Command("erase_record")
erase_sources = Scalar[str]("erase_sources")
erase_found = Query("erase_found", Found)
erase_reviews = Query("erase_reviews", Gone)
erase_movie = Query("erase_movie", Gone)
erase_answers = Command("erase_answers")
erase_movie_calls = Command("erase_movie_calls")
erase_movie_facts = Command("erase_movie_facts")
erase_movie_row = Command("erase_movie_row")
take_ledger_turn = Command("ledger_turn")
