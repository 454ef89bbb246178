"""What detection asks: which movies are due, and what a look at each gave."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from filmpulse.items import Mode
from filmpulse.warehouse.statement import Command, Query, Scalar


class Check(NamedTuple):
    """What the last look at a movie gave; a row of `ops.movie_checks`."""

    source: str
    imdb_id: str
    checked_at: datetime
    outcome: str
    reason: str | None
    sentence: str | None
    review_count: int | None
    mode: Mode | None


class Finished(NamedTuple):
    """The last finished collection of a site: its status and the site's count at its start."""

    status: str
    review_count: int | None
    distinct_ids: int | None


class SiteHistory(NamedTuple):
    """What tells a site's news of a movie from no news; see `collection_history`."""

    finished: dict[str, Any] | None
    read_count: int | None
    has_gap: bool | None
    full_attempt_at: datetime | None
    attempt_at: datetime | None

    @property
    def last(self) -> Finished | None:
        """The last finished collection."""
        return Finished(**self.finished) if self.finished else None


class OpenRun(NamedTuple):
    """A run that may still be at work on a movie; `is_fresh`: it is."""

    run_id: str
    is_fresh: bool


class Triggered(NamedTuple):
    """A source whose news a run was started for, and how that run reads it."""

    imdb_id: str
    source: str
    mode: Mode


class Stands(NamedTuple):
    """How far a stream was read; a row of `ops.streams`."""

    cursor: str | None
    drained_at: datetime | None
    gapless_since: datetime | None


class ReviewOf(NamedTuple):
    """Of which movie a review is."""

    review_id: str
    imdb_id: str


due_movies = Scalar[str]("due_movies")
record_check = Command("record_check")
checks_since = Query("checks_since", Check)
collection_history = Query("collection_history", SiteHistory)
stream_history = Scalar[datetime | None]("stream_history")
open_runs = Query("open_runs", OpenRun)
mark_triggered = Command("mark_triggered")
triggered_sources = Query("triggered_sources", Triggered)
begin_drain = Query("begin_drain", Stands)
end_drain = Command("end_drain")
movies_of_reviews = Query("movies_of_reviews", ReviewOf)
