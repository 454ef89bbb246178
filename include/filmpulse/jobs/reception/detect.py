"""Detection: which movies have news, and which runs to start for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from filmpulse import sources
from filmpulse.errors import (
    Blocked,
    FilmpulseError,
    HostPaused,
    LayoutChanged,
    WarehouseUnavailable,
)
from filmpulse.items import Mode
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.drain import drain
from filmpulse.jobs.reception.gather import Drains, new_drains
from filmpulse.jobs.reception.load import store_facts
from filmpulse.jobs.reception.visit import explain, polite_site, quarantine
from filmpulse.sources import Site, SiteSource, Source, StreamSource
from filmpulse.warehouse import detection

log = logging.getLogger(__name__)

FULL_EVERY = timedelta(hours=24)
"""A movie's reviews are all read again after this, since edits and removals show no other way."""


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

    `is_done` is False when movies are left for the next poke; `due` and `visited` count movies.
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
    """Look at every tracked movie that was not looked at since `since`, one page each and site.

    Streams are drained first, once a run. What each site and stream has of a movie is judged by
    itself.

    Args:
        imdb_ids: Tracked movies; visited longest unchecked first.
        since: Start of the detector's run (UTC): a movie is due once a run.
        until: No visit begins after this (UTC); what is left is first in the next run.
        run_id: The detector's run, from which the ids of the runs to start are made.
        context: Settings, warehouse and lake.
        is_active: Whether a run of `movie_reception` is still queued or running.
        budget_seconds: How long to visit; the setting `detect_budget_seconds` when None.

    Returns:
        The round's outcome. Once `is_done`, `batches` holds the runs to start for all news since
        `since`, whichever round found it, so that a crash between two rounds loses nothing.

    A site that refuses ends its own round: the rest of its movies waits for the next run. Neither
    a movie nor a source stops another.
    """
    sites, streams = sources.sites(context.settings), sources.streams(context.settings)
    if imdb_ids and not sites and not streams:
        return Detection(is_done=True, warnings=[LIVE_IS_OFF])
    poke = _Poke(imdb_ids, since, until, context, is_active)
    budget = budget_seconds or context.settings.detect_budget_seconds
    deadline = time.monotonic() + min(budget, poke.seconds_left)
    found = Detection(is_done=True)
    for stream in streams:
        with _apart(stream, found):
            _read_stream(stream, poke)
    for number, site in enumerate(sites):
        share = (deadline - time.monotonic()) / (len(sites) - number)
        with _apart(site, found):
            _visit(site, time.monotonic() + share, poke, found)
    if found.is_done:
        _collect_news(found, imdb_ids, since=since, run_id=run_id, context=context)
    return found


@dataclass(frozen=True)
class _Poke:
    """What one round of detection works with; see `detect`."""

    imdb_ids: Sequence[str]
    since: datetime
    until: datetime
    context: Context
    is_active: Callable[[str], bool]

    @property
    def seconds_left(self) -> float:
        return (self.until - datetime.now(UTC)).total_seconds()

    def due(self, source: str) -> list[str]:
        """Return the movies that a source was not asked for yet, longest unchecked first."""
        asked = {"imdb_ids": list(self.imdb_ids), "since": self.since}
        return detection.due_movies(self.context.warehouse, source=source, **asked)


@contextmanager
def _apart(source: Source, found: Detection) -> Iterator[None]:
    """Note what went wrong with a source as a whole: one source never stops another."""
    try:
        yield
    except WarehouseUnavailable:
        raise
    except Exception as error:
        if not isinstance(error, FilmpulseError):
            log.exception("%s could not be read", source.title)
        found.failures.append(f"{source.title} could not be read: {explain(error)[2]}")


def _visit(source: SiteSource, deadline: float, poke: _Poke, found: Detection) -> None:
    """Look at a site's due movies until the deadline; a refusal leaves the rest to the next run."""
    due, visited = poke.due(source.name), 0
    found.due += len(due)
    if due and poke.seconds_left > 0:
        with polite_site(source, poke.context) as site:
            for imdb_id in due:
                if time.monotonic() >= deadline:
                    break
                try:
                    _look(source, imdb_id, site, poke)
                except (Blocked, HostPaused) as error:
                    found.failures.append(
                        f"{error} {len(due) - visited} movies were not looked at."
                    )
                    return
                visited += 1
                found.visited += 1
    if visited < len(due):
        if poke.seconds_left > 0:
            found.is_done = False
        else:
            tracked = len(poke.imdb_ids)
            found.warnings.append(_say_cycle(tracked, len(due) - visited, poke.since))


def _read_stream(source: StreamSource, poke: _Poke) -> None:
    """Drain a stream once a run, then tell which movies have news in it."""
    due = poke.due(source.name)
    if not due:
        return
    drain(source, poke.imdb_ids, poke.context)
    drains = poke.context.lake.drains(source.name)
    for imdb_id in due:
        verdict = _judge_stream(source.name, imdb_id, drains, poke)
        _record(source.name, imdb_id, verdict, None, poke.context)


def _say_cycle(tracked: int, unseen: int, since: datetime) -> str:
    seen = tracked - unseen
    if not seen:
        return f"None of {tracked} movies could be looked at in the time there is."
    hours = (datetime.now(UTC) - since).total_seconds() / 3600 * tracked / seen
    return (
        f"{seen} of {tracked} movies were looked at in the time there is: at this pace a round of "
        f"all takes {hours:.1f} hours. The others come first in the next run."
    )


def mark_triggered(
    batch_run_id: str, imdb_ids: Sequence[str], context: Context, since: datetime | None = None
) -> None:
    """Remember which run was asked for, so that the next detection lets it finish.

    Args:
        batch_run_id: The run.
        imdb_ids: Its movies.
        context: The warehouse.
        since: Start of the detector's run (UTC): the run reads sources with news since then.
    """
    detection.mark_triggered(
        context.warehouse, run_id=batch_run_id, imdb_ids=list(imdb_ids), since=since
    )


def _look(source: SiteSource, imdb_id: str, site: Site, poke: _Poke) -> None:
    review_count, context = None, poke.context
    try:
        movie, snapshot = site.look(imdb_id)
        review_count = snapshot.review_count
        with context.warehouse.connect() as connection:
            store_facts(connection, movie, snapshot, snapshot.taken_at or datetime.now(UTC))
        verdict = _judge(source.name, imdb_id, review_count, poke)
    except Exception as error:  # one movie never stops another
        if isinstance(error, WarehouseUnavailable):
            raise  # the movie stays due
        if isinstance(error, LayoutChanged):
            error = quarantine(source, imdb_id, site.last_page, error, context)
        verdict = _Verdict(*explain(error))
        if isinstance(error, Blocked | HostPaused):
            _record(source.name, imdb_id, verdict, None, context)
            raise
        if not isinstance(error, FilmpulseError):
            log.exception("%s could not be looked at", imdb_id)
    _record(source.name, imdb_id, verdict, review_count, context)
    log.info("%s: %s. %s", imdb_id, verdict.outcome, verdict.sentence or "")


def _judge(source: str, imdb_id: str, review_count: int | None, poke: _Poke) -> _Verdict:
    """Tell a site's news from no news by what was last collected, never by the last look."""
    if busy := _busy(source, imdb_id, poke):  # before the history, so that none ends in between
        return busy
    asked = {"source": source, "imdb_id": imdb_id}
    history = detection.collection_history.one(poke.context.warehouse, **asked)
    now = datetime.now(UTC)
    if history.status is None:
        return _Verdict("news", "first", "Its reviews have not been collected yet.", "full")
    if history.status == "gated":
        behind = _growth(review_count, history.read_count)
        sentence = f"{behind:,} new, {BEHIND_THE_GATE}" if behind > 0 else None
        if history.attempt_at is not None and now - history.attempt_at < FULL_EVERY:
            return _Verdict("no_news", "gated", sentence)
        return _Verdict("news", "gated", sentence, "full")
    full_at = history.full_attempt_at
    if full_at is None or now - full_at >= FULL_EVERY:
        return _Verdict("news", "full_due", "Its last full collection is a day old.", "full")
    if grown := _growth(review_count, history.review_count):
        # After a collection that broke off, a page of known reviews does not mean that all older
        # ones are known too.
        mode: Mode = "full" if history.has_gap else "incremental"
        return _Verdict("news", "count", f"The site's count changed by {grown:+,}.", mode)
    return _Verdict("no_news")


def _judge_stream(source: str, imdb_id: str, drains: Drains, poke: _Poke) -> _Verdict:
    """Say whether a stream told of a movie after its last loaded collection."""
    if busy := _busy(source, imdb_id, poke):
        return busy
    asked = {"source": source, "imdb_id": imdb_id}
    read_until = detection.stream_history.one(poke.context.warehouse, **asked)
    new = new_drains(drains, imdb_id, read_until)
    if not new:
        return _Verdict("no_news")
    events = sum(told.movies[imdb_id] for _, told in new)
    return _Verdict("news", "events", f"The stream tells of {events:,} new events.", "stream")


def _busy(source: str, imdb_id: str, poke: _Poke) -> _Verdict | None:
    """Return a verdict where a run may still be at work on the movie."""
    for run in detection.open_runs(poke.context.warehouse, source=source, imdb_id=imdb_id):
        if run.is_fresh or poke.is_active(run.run_id):
            return _Verdict("busy", "running", f"The run {run.run_id} is still at work on it.")
    return None


def _growth(review_count: int | None, known: int | None) -> int:
    """Say by how much the site's count differs from a known one; 0 where either is not known."""
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
    modes: dict[str, Mode] = {}
    for check in detection.checks_since(context.warehouse, imdb_ids=list(imdb_ids), since=since):
        if check.outcome == "news":  # a run reads a source as its own news asks (`plan`)
            is_full = "full" in (check.mode, modes.get(check.imdb_id))
            modes[check.imdb_id] = "full" if is_full else "incremental"
        name = f"{check.imdb_id}{sources.told_apart(check.source)}"
        if check.outcome == "not_found" or (check.reason == "gated" and check.sentence):
            found.warnings.append(f"{name}: {check.sentence}")
        elif check.outcome in ("layout_changed", "failed"):
            found.failures.append(f"{name}: {check.sentence}")
    news: dict[Mode, list[str]] = {"full": [], "incremental": []}
    for imdb_id, mode in modes.items():
        news[mode].append(imdb_id)
    size = context.settings.movies_per_run
    for mode, ids in news.items():
        for start in range(0, len(ids), size):
            batch = ids[start : start + size]
            # The same news of the same run gives the same id, so a retried trigger starts nothing.
            digest = sha256(" ".join([run_id, mode, *batch]).encode()).hexdigest()[:12]
            found.batches.append(Batch(f"detected__{since:%Y-%m-%dT%H:%M}__{digest}", batch, mode))
