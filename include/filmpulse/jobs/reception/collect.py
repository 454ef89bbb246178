"""Collection: a movie's reviews from the live site into the lake."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from filmpulse import warehouse as wh
from filmpulse.errors import BadInput, LakeUnavailable, LayoutChanged
from filmpulse.items import CollectionStatus, Mode
from filmpulse.jobs.context import Parts, Progress, silent
from filmpulse.jobs.reception.load import LEDGER_FIELDS
from filmpulse.jobs.reception.track import typed_ids
from filmpulse.jobs.reception.visit import SOURCE, explain, polite_site, quarantine
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import CollectionWriter, Manifest
from filmpulse.sources.imdb.crawl import Crawl

log = logging.getLogger(__name__)


def label(imdb_id: str, parts: Parts) -> str:
    """Name a movie for people: "Title (year)", or its id before anything is known of it."""
    row = parts.warehouse.row("movie_label", imdb_id=imdb_id)
    return row["label"] if row else imdb_id


def plan(imdb_ids: Iterable[str], mode: Mode, run_id: str, parts: Parts) -> list[str]:
    """Queue one collection a movie and return the movies, each once, in their order.

    Args:
        imdb_ids: Their ids, or addresses of their pages at IMDb, as a person typed them.
        mode: How they are to be collected.
        run_id: Whose collections these are.
        parts: Settings and warehouse.

    Raises:
        BadInput: No movie at all, or an entry that is neither.
    """
    ids = typed_ids(imdb_ids)
    if not ids:
        raise BadInput("No movie was asked for.")
    with parts.warehouse.connect() as connection:
        connection.cursor().executemany(
            wh.sql("queue_collection"),
            [{"run_id": run_id, "source": SOURCE, "imdb_id": i, "mode": mode} for i in ids],
        )
    return ids


def collect(
    imdb_id: str, mode: Mode, run_id: str, parts: Parts, progress: Progress = silent
) -> str:
    """Read a movie's reviews into the lake and close with a manifest.

    Args:
        imdb_id: The movie.
        mode: full reads every review the site shows; incremental stops at a page of known ones.
        run_id: Whose collection this is.
        parts: Settings, warehouse and lake.
        progress: Told the reviews so far and the site's count.

    Returns:
        The manifest's URI.

    Raises:
        FilmpulseError: Only when nothing was collected, or the lake could not be written. What was
            not raised on purpose is passed on in the same way, and a time limit or an
            interruption always. `ops.collections` says why in any case.
    """
    visit = _begin(imdb_id, mode, run_id, parts)
    reading = _read(visit, progress)
    manifest = _manifest(visit, reading)
    uri, manifest = _seal(manifest, reading)
    _note(visit, uri, manifest)
    error = reading.error
    if uri is not None and (error is None or (manifest.parts and isinstance(error, Exception))):
        return uri
    raise error or LakeUnavailable(f"{imdb_id}: no manifest was written.")


@dataclass(frozen=True)
class Visit:
    """One collection that was begun: what is to be read, and its line in the ledger."""

    imdb_id: str
    mode: Mode
    run_id: str
    parts: Parts
    started_at: datetime
    collection_id: int


@dataclass
class Reading:
    """How far a visit came, and how it ended.

    Attributes:
        writer: Writes to the lake; None if the lake was away from the start.
        crawl: What the pages said; None if none was read.
        passed_over: Reviews that were erased on request, and so not kept.
        outcome: Status, reason and sentence.
        error: What ended the reading; None at the end of the list.
    """

    writer: CollectionWriter | None = None
    crawl: Crawl | None = None
    passed_over: int = 0
    outcome: tuple[CollectionStatus, str | None, str] = ("failed", None, "")
    error: BaseException | None = None


def _begin(imdb_id: str, mode: Mode, run_id: str, parts: Parts) -> Visit:
    started_at = datetime.now(UTC)
    (begun,) = parts.warehouse.rows(
        "start_collection", run_id=run_id, source=SOURCE, imdb_id=imdb_id, mode=mode
    )
    return Visit(imdb_id, mode, run_id, parts, started_at, begun["collection_id"])


def _read(visit: Visit, progress: Progress) -> Reading:
    """Read reviews into the lake as they arrive; never raises, the result says how it ended."""
    parts, reading = visit.parts, Reading()
    try:
        writer = reading.writer = parts.lake.begin(SOURCE, visit.imdb_id, visit.started_at)
        with parts.warehouse.connect() as connection:
            tombstones = Tombstones.read(connection, SOURCE, visit.imdb_id)
        rows = parts.warehouse.rows("known_reviews", source=SOURCE, imdb_id=visit.imdb_id)
        known = frozenset(row["review_id"] for row in rows if row["is_living"])
        with polite_site(parts) as site:
            try:
                crawl = site.crawl(visit.imdb_id, visit.mode, known, tombstones.covers)
                reading.crawl = crawl
                for batch in crawl:
                    kept = [review for review in batch if not tombstones.covers(review)]
                    reading.passed_over += len(batch) - len(kept)
                    writer.append(kept)
                    parts.warehouse.rows("beat_collection", collection_id=visit.collection_id)
                    progress(crawl.distinct_ids, crawl.review_count_end)
                reading.outcome = crawl.status, crawl.reason, crawl.sentence
            except LayoutChanged as drift:
                page = reading.crawl.last_page if reading.crawl else site.last_page
                raise quarantine(visit.imdb_id, page, drift, parts) from drift
    except BaseException as raised:  # the ledger says how it ended, whatever it was
        reading.error = raised
        status, reason, sentence = explain(raised)
        if reading.crawl is not None and reading.crawl.distinct_ids:
            sentence = f"{sentence} {reading.crawl.so_far} reviews had been read by then."
        reading.outcome = status, reason, sentence
    return reading


def _manifest(visit: Visit, reading: Reading) -> Manifest:
    status, reason, sentence = reading.outcome
    crawl, passed_over = reading.crawl, reading.passed_over
    if passed_over:
        sentence = f"{sentence} {passed_over:,} were erased on request and not kept."
    return Manifest(
        run_id=visit.run_id,
        source=SOURCE,
        imdb_id=visit.imdb_id,
        mode=visit.mode,
        started_at=visit.started_at,
        finished_at=datetime.now(UTC),
        status=status,
        reason=reason,
        sentence=sentence,
        parts=tuple(reading.writer.parts) if reading.writer else (),
        distinct_ids=crawl.distinct_ids - passed_over if crawl else 0,
        **{name: getattr(crawl, name) for name in _CRAWL_FIELDS} if crawl else {},
    )


def _seal(manifest: Manifest, reading: Reading) -> tuple[str | None, Manifest]:
    """Close the collection in the lake.

    Returns:
        The manifest's URI, None if the lake is away; and the manifest, which then says so.
    """
    writer = reading.writer
    # A lake that was away from the start is not asked again: there is nothing to seal.
    if writer is None or (not writer.parts and isinstance(reading.error, LakeUnavailable)):
        return None, manifest
    try:
        return writer.close(manifest), manifest
    except LakeUnavailable as lost:
        if reading.error is not None:  # the first error is the one to tell
            return None, manifest
        reading.error = lost
        told = dict(zip(("status", "reason", "sentence"), explain(lost), strict=True))
        return None, manifest.model_copy(update=told)


def _note(visit: Visit, uri: str | None, manifest: Manifest) -> None:
    """Write into the ledger and the log how the collection ended."""
    visit.parts.warehouse.rows(
        "finish_collection",
        collection_id=visit.collection_id,
        manifest_uri=uri,
        **manifest.model_dump(include=LEDGER_FIELDS),
    )
    log.log(
        logging.INFO if manifest.status == "complete" else logging.WARNING,
        "%s: %s. %s", visit.imdb_id, manifest.status, manifest.sentence or "",
    )  # fmt: skip


# What a manifest takes over from the crawl, as the crawl names it.
_CRAWL_FIELDS = (
    "movie", "snapshot", "variant", "review_count_start", "review_count_end",
)  # fmt: skip
