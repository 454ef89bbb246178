"""Detection: find the movies that have news, and the runs to start for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from psycopg.errors import LockNotAvailable

from filmpulse import sources
from filmpulse.errors import (
    Blocked,
    FilmpulseError,
    HostPaused,
    LayoutChanged,
    WarehouseUnavailable,
)
from filmpulse.items import Mode, Movie, Snapshot
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.drain import drain
from filmpulse.jobs.reception.gather import Drains, new_drains
from filmpulse.jobs.reception.load import store_facts
from filmpulse.jobs.reception.visit import explain, polite_site, quarantine
from filmpulse.sources import Site, SiteSource, Source, StreamSource
from filmpulse.warehouse import Connection, detection
from filmpulse.warehouse.figures import changing

log = logging.getLogger(__name__)

FULL_EVERY = timedelta(hours=24)
"""How often all reviews of a movie of a short list are read: edits and removals show in no other
way."""

FULL_AFTER_LOOKS, FULL_EVERY_AT_MOST = 168, timedelta(days=60)
"""In a longer list all reviews of a movie are read once in so many looks (a week of hourly ones),
and at least once in so many days: of 10,000 movies that takes a quarter of a site's requests
(benchmarks/bench_cadence.py)."""

RETRY_AFTER = timedelta(hours=24)
"""How long after the last try a movie is read in full again if that try left something to read."""

PATIENCE = "5s"
"""How long a look waits for others who change the movie (Postgres, `lock_timeout`): nobody else may
ask the host meanwhile."""

LOOK_SECONDS = 1_800.0
"""How much of an hour looks may take that are not due yet: the other half is left for reading. If
one look at each tracked movie takes no longer, all are looked at hourly."""

MOST_NEWS = 2_000
"""Movies that one run of the detector has read; a stream may tell of more, which come in the next.
Their ids go through XCom."""

BEHIND_THE_GATE = "not readable here: import a saved page (filmpulse inbox add FILE)."
LIVE_IS_OFF = (
    "Reading live is off: no source's address is set (such as FILMPULSE_IMDB_URL). No movie was "
    "looked at."
)


class Batch(NamedTuple):
    """One run of `movie_reception` to start: its deterministic id and its configuration."""

    run_id: str
    imdb_ids: list[str]
    mode: Mode


@dataclass
class Detection:
    """What one round of detection found.

    `is_done` is False if movies are left for the next round; `due` and `visited` count movies.
    """

    is_done: bool
    due: int = 0
    visited: int = 0
    batches: list[Batch] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class _Verdict(NamedTuple):
    outcome: str
    reason: str | None = None
    sentence: str | None = None
    mode: Mode | None = None


def detect(
    imdb_ids: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    run_id: str,
    context: Context,
    is_active: Callable[[str], bool],
    budget_seconds: float | None = None,
) -> Detection:
    """Look at every tracked movie that is due: one page of each site.

    `mart.cadences` says how often a movie is due: hourly if the list is short (`LOOK_SECONDS`).
    Streams are drained first, once a run. Each source is judged alone. If a site refuses, the rest
    of its movies waits for the next run. Neither a movie nor a source stops another.

    Args:
        imdb_ids: Tracked movies; those that are most intervals late come first.
        since: Start of the detector's run (UTC): a movie is due once a run at most.
        until: No visit begins after this (UTC); what is left is later still in the next run.
        run_id: The detector's run, from which the ids of the runs to start are made.
        context: Settings, warehouse and lake.
        is_active: Tells whether a run of `movie_reception` is still queued or running.
        budget_seconds: How long to visit; the setting `detect_budget_seconds` when None.

    Returns:
        What the round found. Once `is_done`, `batches` holds the runs to start for all news since
        `since`, whichever round found them, so that a crash between two rounds loses nothing.
    """
    sites, streams = sources.sites(context.settings), sources.streams(context.settings)
    one_round = _Round(imdb_ids, since, until, context, is_active)
    one_round.begin(sites, streams)
    if imdb_ids and not sites and not streams:
        return Detection(is_done=True, warnings=[LIVE_IS_OFF])
    budget = budget_seconds or context.settings.detect_budget_seconds
    deadline = time.monotonic() + min(budget, one_round.seconds_left)
    found = Detection(is_done=True)
    for stream in streams:
        with _apart(stream, found):
            _read_stream(stream, one_round)
    for number, site in enumerate(sites):
        share = (deadline - time.monotonic()) / (len(sites) - number)
        with _apart(site, found):
            _visit(site, time.monotonic() + share, one_round, found)
    if found.is_done:
        _collect_news(found, imdb_ids, since=since, run_id=run_id, context=context)
    return found


@dataclass(frozen=True)
class _Round:
    """What one round of detection works with; see `detect`."""

    imdb_ids: Sequence[str]
    since: datetime
    until: datetime
    context: Context
    is_active: Callable[[str], bool]

    @property
    def seconds_left(self) -> float:
        return (self.until - datetime.now(UTC)).total_seconds()

    @property
    def is_few(self) -> bool:
        """Whether all movies can be looked at every hour with ease."""
        return len(self.imdb_ids) * self.context.settings.request_gap_seconds <= LOOK_SECONDS

    def due(self, source: str) -> list[detection.Due]:
        """Return the movies that a source is to be asked about now, the latest first."""
        asked = {"source": source, "imdb_ids": list(self.imdb_ids), "since": self.since}
        waiting = detection.waiting_movies(self.context.warehouse, **asked)
        gap = self.context.settings.request_gap_seconds
        return choose_due(waiting, len(self.imdb_ids) - len(waiting), gap)

    def begin(self, sites: Sequence[SiteSource], streams: Sequence[StreamSource]) -> None:
        """Note the run at all sites, and what is tracked."""
        detection.begin_detection(
            self.context.warehouse,
            sites=[site.name for site in sites],
            live=[source.name for source in (*sites, *streams)],
            imdb_ids=list(self.imdb_ids),
            since=self.since,
            is_few=self.is_few,
        )

    def end(self, source: str) -> None:
        """Note how many due movies a round left."""
        asked = {"source": source, "since": self.since, "left_over": len(self.due(source))}
        detection.end_round(self.context.warehouse, **asked)


def choose_due(
    waiting: list[detection.Due], looked: int, gap_seconds: float
) -> list[detection.Due]:
    """Choose what is due, and what is due next while looks take less than half of the hour.

    So cadences shrink together if the list is short, and stretch together if it is long.

    Args:
        waiting: Movies that the run has not looked at, those that are latest for their cadence
            first.
        looked: How many it has looked at.
        gap_seconds: Least time between two requests.
    """
    due = [movie for movie in waiting if movie.is_due]
    spare = LOOK_SECONDS / gap_seconds - looked - len(due) if gap_seconds else 0
    return due + [movie for movie in waiting if not movie.is_due][: max(int(spare), 0)]


@contextmanager
def _apart(source: Source, found: Detection) -> Iterator[None]:
    """Note an error of a source as a whole, and go on: one source never stops another."""
    try:
        yield
    except WarehouseUnavailable:
        raise
    except Exception as error:
        if not isinstance(error, FilmpulseError):
            log.exception("%s could not be read", source.title)
        found.failures.append(f"{source.title} could not be read: {explain(error)[2]}")


def _visit(source: SiteSource, deadline: float, one_round: _Round, found: Detection) -> None:
    """Look at a site's due movies until the deadline; a refusal leaves the rest to the next run."""
    due = one_round.due(source.name)
    found.due += len(due)
    try:
        visited = _look_at_all(source, due, deadline, one_round, found)
    finally:
        one_round.end(source.name)
    if visited is not None and visited < len(due):
        if one_round.seconds_left > 0:
            found.is_done = False
        else:
            found.warnings.append(_say_pace(source.name, one_round))


def _look_at_all(
    source: SiteSource,
    due: list[detection.Due],
    deadline: float,
    one_round: _Round,
    found: Detection,
) -> int | None:
    """Look at movies until the deadline; return how many, None if the site refused."""
    visited = 0
    if not due or one_round.seconds_left <= 0:
        return visited
    with polite_site(source, one_round.context) as site:
        for movie in due:
            if time.monotonic() >= deadline:
                break
            try:
                _look(source, movie, site, one_round)
            except (Blocked, HostPaused) as error:
                found.failures.append(f"{error} {len(due) - visited} movies were not looked at.")
                return None
            visited += 1
            found.visited += 1
    return visited


def _read_stream(source: StreamSource, one_round: _Round) -> None:
    """Drain a stream once a run, then record which movies have news in it."""
    due = one_round.due(source.name)
    if not due:
        return
    drain(source, one_round.imdb_ids, one_round.context)
    drains = one_round.context.lake.drains(source.name)
    for movie in due:
        verdict = _judge_stream(source.name, movie.imdb_id, drains, one_round)
        _record(source.name, movie.imdb_id, verdict, None, one_round.context)


def _say_pace(source: str, one_round: _Round) -> str:
    """Say how long all that is due takes, as the time was too short for it."""
    since = one_round.since
    ran = detection.detections.one(one_round.context.warehouse, source=source, since=since)
    if not ran.looked:
        return f"None of {ran.due:,} movies could be looked at in the time there is."
    hours = (datetime.now(UTC) - since).total_seconds() / 3600 * ran.due / ran.looked
    return (
        f"{ran.looked:,} of {ran.due:,} due movies were looked at in the time there is: at this "
        f"pace all that are due take {hours:.1f} hours. Those that are latest for their cadence "
        "come first in the next run."
    )


def mark_triggered(run_id: str, imdb_ids: Sequence[str], context: Context, since: datetime) -> None:
    """Note the run that reads these movies, so that the next detection lets the run finish.

    The run reads the sources that had news since `since`, the start of the detector's run (UTC).
    """
    detection.mark_triggered(context.warehouse, run_id=run_id, imdb_ids=list(imdb_ids), since=since)


def _look(source: SiteSource, due: detection.Due, site: Site, one_round: _Round) -> None:
    imdb_id, review_count, context = due.imdb_id, None, one_round.context
    try:
        movie, snapshot = site.look(imdb_id)
        review_count = snapshot.review_count
        if not _store(movie, snapshot, context):
            log.warning("%s: others have been changing it for %s; it stays due.", imdb_id, PATIENCE)
            return
        verdict = _judge(source.name, due, review_count, one_round)
    except Exception as error:  # one movie never stops another
        if isinstance(error, WarehouseUnavailable | HostPaused):
            raise  # the movie stays due
        if isinstance(error, LayoutChanged):
            error = quarantine(source, imdb_id, site.last_page, error, context)
        verdict = _Verdict(*explain(error))
        if isinstance(error, Blocked):
            _record(source.name, imdb_id, verdict, None, context)
            raise
        if not isinstance(error, FilmpulseError):
            log.exception("%s could not be looked at", imdb_id)
    _record(source.name, imdb_id, verdict, review_count, context)
    log.info("%s: %s. %s", imdb_id, verdict.outcome, verdict.sentence or "")


def _store(movie: Movie, snapshot: Snapshot, context: Context) -> bool:
    """Store what a page says; False, and nothing is stored, if others kept the movie too long."""
    taken_at = snapshot.taken_at or datetime.now(UTC)
    try:
        with _impatient(context) as connection:
            # Only another release date changes figures, and needs the lock of those who count.
            stored = detection.stored_release(connection, imdb_id=movie.imdb_id)
            if stored and movie.release_date in (None, *stored):
                store_facts(connection, movie, snapshot, taken_at)
                return True
        with _impatient(context) as connection, changing(connection, movie.imdb_id):
            store_facts(connection, movie, snapshot, taken_at)
    except WarehouseUnavailable as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return False
        raise
    return True


@contextmanager
def _impatient(context: Context) -> Iterator[Connection]:
    """Give a transaction that waits for no lock longer than `PATIENCE`."""
    with context.warehouse.connect() as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (PATIENCE,))
        yield connection


def full_every(every: timedelta, *, is_few: bool) -> timedelta:
    """Return how often all reviews of a movie are read that is looked at so often."""
    return FULL_EVERY if is_few else min(FULL_AFTER_LOOKS * every, FULL_EVERY_AT_MOST)


def _judge(
    source: str, due: detection.Due, review_count: int | None, one_round: _Round
) -> _Verdict:
    """Tell a site's news from no news by the last collection, never by the last look."""
    if busy := _busy(source, due.imdb_id, one_round):  # first, so that no run ends in between
        return busy
    asked = {"source": source, "imdb_id": due.imdb_id}
    history = detection.collection_history.one(one_round.context.warehouse, **asked)
    if history.status is None:
        return _Verdict("news", "first", "Its reviews have not been collected yet.", "full")
    again_after = full_every(due.every, is_few=one_round.is_few)
    is_full_due = _is_older(history.full_finished_at, again_after)
    if history.status == "gated":
        return _judge_gated(history, review_count, is_full_due)
    is_full_due = is_full_due or bool(history.has_gap)
    if is_full_due and _is_older(history.full_attempt_at, RETRY_AFTER):
        return _Verdict("news", "full_due", "All its reviews are to be read again.", "full")
    if grown := _growth(review_count, history.review_count):
        # After a collection that broke off, a page of known reviews does not mean that all older
        # ones are known too.
        mode: Mode = "full" if history.has_gap else "incremental"
        return _Verdict("news", "count", f"The site's count changed by {grown:+,}.", mode)
    if is_full_due:
        return _Verdict("unfinished", "full_due", "All is read again a day after the last try.")
    return _Verdict("no_news")


def _judge_gated(
    history: detection.SiteHistory, review_count: int | None, is_full_due: bool
) -> _Verdict:
    """Try a gated movie again if it grew or a full collection is due, a day after the last try."""
    behind = _growth(review_count, history.read_count)
    sentence = f"{behind:,} new, {BEHIND_THE_GATE}" if behind > 0 else None
    if not is_full_due and not _growth(review_count, history.review_count):
        return _Verdict("no_news", "gated", sentence)
    if _is_older(history.attempt_at, RETRY_AFTER):
        return _Verdict("news", "gated", sentence, "full")
    return _Verdict("unfinished", "gated", sentence)


def _is_older(moment: datetime | None, age: timedelta) -> bool:
    return moment is None or datetime.now(UTC) - moment >= age


def _judge_stream(source: str, imdb_id: str, drains: Drains, one_round: _Round) -> _Verdict:
    """Tell whether a stream told of a movie after its last loaded collection."""
    if busy := _busy(source, imdb_id, one_round):
        return busy
    asked = {"source": source, "imdb_id": imdb_id}
    read_until = detection.stream_history.one(one_round.context.warehouse, **asked)
    new = new_drains(drains, imdb_id, read_until)
    if not new:
        return _Verdict("no_news")
    events = sum(told.movies[imdb_id] for _, told in new)
    return _Verdict("news", "events", f"The stream tells of {events:,} new events.", "stream")


def _busy(source: str, imdb_id: str, one_round: _Round) -> _Verdict | None:
    """Return a verdict if a run may still be at work on the movie."""
    for run in detection.open_runs(one_round.context.warehouse, source=source, imdb_id=imdb_id):
        if run.is_fresh or one_round.is_active(run.run_id):
            return _Verdict("busy", "running", f"The run {run.run_id} is still at work on it.")
    return None


def _growth(review_count: int | None, known: int | None) -> int:
    """Return by how much the site's count differs from a known one; 0 if either is not known."""
    return 0 if review_count is None or known is None else review_count - known


def _record(
    source: str, imdb_id: str, verdict: _Verdict, review_count: int | None, context: Context
) -> None:
    detection.record_check(
        context.warehouse,
        source=source,
        imdb_id=imdb_id,
        checked_at=datetime.now(UTC),
        review_count=review_count,
        **verdict._asdict(),
    )


def _collect_news(
    found: Detection, imdb_ids: Sequence[str], *, since: datetime, run_id: str, context: Context
) -> None:
    """Add what all looks of the run gave: warnings, failures, and the runs to start."""
    modes: dict[str, Mode] = {}
    late = 0
    for look in detection.checks_since(context.warehouse, imdb_ids=list(imdb_ids), since=since):
        is_late = look.imdb_id not in modes and len(modes) >= MOST_NEWS
        if look.outcome == "news" and is_late:
            late += 1
        elif look.outcome == "news":  # a run reads each source in the mode of its news (`plan`)
            is_full = "full" in (look.mode, modes.get(look.imdb_id))
            modes[look.imdb_id] = "full" if is_full else "incremental"
        name = f"{look.imdb_id}{sources.told_apart(look.source)}"
        if look.outcome == "not_found" or (look.reason == "gated" and look.sentence):
            found.warnings.append(f"{name}: {look.sentence}")
        elif look.outcome in ("layout_changed", "failed"):
            found.failures.append(f"{name}: {look.sentence}")
    if late:
        found.warnings.append(f"{late:,} more movies have news: they are read after the next run.")
    size = context.settings.movies_per_run
    both: tuple[Mode, Mode] = ("full", "incremental")
    for mode in both:
        ids = [imdb_id for imdb_id in modes if modes[imdb_id] == mode]
        for start in range(0, len(ids), size):
            batch = ids[start : start + size]
            # The same news of the same run gives the same id, so a retried trigger starts nothing.
            digest = sha256(" ".join([run_id, mode, *batch]).encode()).hexdigest()[:12]
            found.batches.append(Batch(f"detected__{since:%Y-%m-%dT%H:%M}__{digest}", batch, mode))
