"""What detection needs: which movies are due, and the result of the last look at each."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from filmpulse.items import Mode
from filmpulse.warehouse.statement import Command, Query, Scalar


class Due(NamedTuple):
    """A movie that was not looked at in a run yet, and how often that is done (`mart.cadences`).

    If it is not `is_due`, its next look may come later.
    """

    imdb_id: str
    every: timedelta
    is_due: bool = True


class Check(NamedTuple):
    """The result of the last look at a movie; a row of `ops.movie_checks`."""

    source: str
    imdb_id: str
    checked_at: datetime
    outcome: str
    reason: str | None
    sentence: str | None
    review_count: int | None
    mode: Mode | None


class SiteHistory(NamedTuple):
    """How to know whether a site has news of a movie; see `collection_history`.

    `status` and `review_count` are those of the last finished collection; None if there is none.
    `full_finished_at` is the start of the last one that read all there was (UTC).
    """

    status: str | None
    review_count: int | None
    read_count: int | None
    has_gap: bool | None
    full_attempt_at: datetime | None
    full_finished_at: datetime | None
    attempt_at: datetime | None


class Ran(NamedTuple):
    """How many movies were due in a run of the detector at a site, and were looked at so far."""

    due: int
    looked: int


class OpenRun(NamedTuple):
    """A run that may still be at work on a movie; if `is_fresh`, it surely is."""

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
    """The movie of a review."""

    review_id: str
    imdb_id: str


begin_detection = Command("begin_detection")
waiting_movies = Query("waiting_movies", Due)
end_round = Command("end_round")
detections = Query("detections", Ran)
record_check = Command("record_check")
checks_since = Query("checks_since", Check)
collection_history = Query("collection_history", SiteHistory)
stored_release = Scalar[date | None]("stored_release")
stream_history = Scalar[datetime | None]("stream_history")
open_runs = Query("open_runs", OpenRun)
mark_triggered = Command("mark_triggered")
triggered_sources = Query("triggered_sources", Triggered)
begin_drain = Query("begin_drain", Stands)
end_drain = Command("end_drain")
movies_of_reviews = Query("movies_of_reviews", ReviewOf)
