"""Collection: a movie's reviews from its live sources into the lake."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from filmpulse import sources
from filmpulse.errors import BadInput, LakeUnavailable, LayoutChanged
from filmpulse.items import CollectionStatus, Mode
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.gather import Gathered, gather
from filmpulse.jobs.reception.load import HOW_IT_WENT
from filmpulse.jobs.reception.track import typed_ids
from filmpulse.jobs.reception.visit import explain, polite_site, quarantine
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import CollectionWriter, Manifest
from filmpulse.sources import Crawl
from filmpulse.warehouse import collections
from filmpulse.warehouse.detection import triggered_sources
from filmpulse.warehouse.movies import movie_label

log = logging.getLogger(__name__)


def label(imdb_id: str, context: Context) -> str:
    """Name a movie for people: "Title (year)", or its id before anything is known of it."""
    return movie_label.first(context.warehouse, imdb_id=imdb_id) or imdb_id


def plan(imdb_ids: Iterable[str], mode: Mode, run_id: str, context: Context) -> list[str]:
    """Queue the collections of movies, one a source; return the movies, each once, in their order.

    A run that the detector started reads the sources that had news, each as the detector said. Any
    other run reads all sources that are on, and sites in `mode`. `imdb_ids` are ids, or addresses
    of pages at IMDb, as a person typed them.

    Raises:
        BadInput: There is no movie, or an entry is neither an id nor an address.
    """
    ids = typed_ids(imdb_ids)
    if not ids:
        raise BadInput("No movie was asked for.")
    triggered: dict[str, list[tuple[str, Mode]]] = {}
    for news in triggered_sources(context.warehouse, run_id=run_id, imdb_ids=ids):
        triggered.setdefault(news.imdb_id, []).append((news.source, news.mode))
    all_on = _sources_to_read(mode, context)
    collections.queue_collection.many(
        context.warehouse,
        [
            {"run_id": run_id, "source": source, "imdb_id": imdb_id, "mode": how}
            for imdb_id in ids
            for source, how in triggered.get(imdb_id, all_on)
        ],
    )
    return ids


def _sources_to_read(mode: Mode, context: Context) -> list[tuple[str, Mode]]:
    """Return the live sources that are on, and how each is read; the first site if none is."""
    live: list[tuple[str, Mode]] = [(one.name, mode) for one in sources.sites(context.settings)]
    live += [(one.name, "stream") for one in sources.streams(context.settings)]
    return live or [(sources.sites()[0].name, mode)]  # its error says how to switch it on


def collect(
    imdb_id: str, mode: Mode, run_id: str, context: Context, progress: Progress = silent
) -> list[str]:
    """Read a movie's reviews into the lake, from each source that was planned.

    One source never stops another; `ops.collections` says how each ended. `mode` counts if nothing
    was planned: full reads every review that a site shows, incremental stops at a page of known
    reviews. `progress` is told the reviews so far and the site's count.

    Returns:
        The manifest's URI of each collection.

    Raises:
        Exception: The first source's error, if nothing was collected or the lake could not be
            written. A time limit or an interruption is always passed on.
    """
    queued = collections.queued_sources(context.warehouse, run_id=run_id, imdb_id=imdb_id)
    planned = queued or _sources_to_read(mode, context)
    uris, errors = list[str](), list[Exception]()
    for source, how in planned:
        started_at = datetime.now(UTC)
        collection_id = collections.start_collection.one(
            context.warehouse, run_id=run_id, source=source, imdb_id=imdb_id, mode=how
        )
        visit = Visit(source, imdb_id, how, run_id, context, started_at, collection_id)
        try:
            uris.append(_collect(visit, progress))
        except Exception as error:  # `ops.collections` says how it ended
            errors.append(error)
    if errors and not uris:
        raise errors[0]
    return uris


def _collect(visit: Visit, progress: Progress) -> str:
    """Read one source and close with a manifest; return its URI."""
    reading = _read(visit, progress)
    manifest = _manifest(visit, reading)
    uri, manifest = _seal(manifest, reading)
    _note(visit, uri, manifest)
    error = reading.error
    if uri is not None and (error is None or (manifest.parts and isinstance(error, Exception))):
        return uri
    raise error or LakeUnavailable(f"{visit.imdb_id}: no manifest was written.")


@dataclass(frozen=True)
class Visit:
    """One collection that was begun: what to read, and its line in `ops.collections`."""

    source: str
    imdb_id: str
    mode: Mode
    run_id: str
    context: Context
    started_at: datetime
    collection_id: int


@dataclass
class Reading:
    """How far a visit came, and how it ended.

    `writer` is None if the lake was away from the start, `crawl` (what the pages said) if no page
    was read, and `error` (what ended the reading) at the end of the list. `passed_over` counts
    reviews that were erased on request, and so not kept. `outcome` is status, reason and sentence.
    """

    writer: CollectionWriter | None = None
    crawl: Crawl | None = None
    passed_over: int = 0
    outcome: tuple[CollectionStatus, str | None, str] = ("failed", None, "")
    error: BaseException | None = None


def _read(visit: Visit, progress: Progress) -> Reading:
    """Read reviews into the lake as they arrive; never raise: the result says how it ended."""
    context, reading = visit.context, Reading()
    try:
        writer = reading.writer = context.lake.begin(visit.source, visit.imdb_id, visit.started_at)
        with context.warehouse.connect() as connection:
            tombstones = Tombstones.read(connection, visit.source, visit.imdb_id)
        about = {"source": visit.source, "imdb_id": visit.imdb_id}
        stored = collections.known_reviews(context.warehouse, **about)
        known = frozenset(review.review_id for review in stored if review.is_current)
        with _open(visit, reading, known, tombstones) as crawl:
            for batch in crawl:
                kept = [review for review in batch if not tombstones.covers(review)]
                reading.passed_over += len(batch) - len(kept)
                writer.append(kept)
                collections.beat_collection(
                    context.warehouse,
                    collection_id=visit.collection_id,
                    distinct_ids=crawl.distinct_ids,
                    review_count_end=crawl.review_count_end,
                )
                progress(crawl.distinct_ids, crawl.review_count_end)
            reading.outcome = crawl.status, crawl.reason, crawl.sentence
    except BaseException as raised:  # `_collect` raises it again, once it is noted
        reading.error = raised
        status, reason, sentence = explain(raised)
        if reading.crawl is not None and reading.crawl.distinct_ids:
            sentence = f"{sentence} {reading.crawl.so_far} reviews had been read by then."
        reading.outcome = status, reason, sentence
    return reading


@contextmanager
def _open(
    visit: Visit, reading: Reading, known: frozenset[str], tombstones: Tombstones
) -> Iterator[Crawl]:
    """Open the source of a visit; if a page cannot be read, keep that page."""
    if visit.mode == "stream":
        reading.crawl = gathered = gather(visit.source, visit.imdb_id, known, visit.context)
        yield gathered
        return
    source = sources.site(visit.source)
    with polite_site(source, visit.context) as site:
        try:
            reading.crawl = site.crawl(visit.imdb_id, visit.mode, known, tombstones.covers)
            yield reading.crawl
        except LayoutChanged as drift:
            page = reading.crawl.last_page if reading.crawl else site.last_page
            raise quarantine(source, visit.imdb_id, page, drift, visit.context) from drift


def _manifest(visit: Visit, reading: Reading) -> Manifest:
    status, reason, sentence = reading.outcome
    crawl, passed_over = reading.crawl, reading.passed_over
    if passed_over:
        sentence = f"{sentence} {passed_over:,} were erased on request and not kept."
    told = crawl if isinstance(crawl, Gathered) else None
    return Manifest(
        run_id=visit.run_id,
        source=visit.source,
        imdb_id=visit.imdb_id,
        mode=visit.mode,
        started_at=told.read_until if told else visit.started_at,
        removed_ids=told.removed_ids if told else (),
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
        The manifest's URI, and the manifest. If the lake is away, the URI is None, and the manifest
        says so.
    """
    writer = reading.writer
    # A lake that was away from the start is not asked again: there is nothing to seal.
    if writer is None or (not writer.parts and isinstance(reading.error, LakeUnavailable)):
        return None, manifest
    try:
        return writer.close(manifest), manifest
    except LakeUnavailable as lost:
        if reading.error is not None:  # the manifest tells the first error
            return None, manifest
        reading.error = lost
        told = dict(zip(("status", "reason", "sentence"), explain(lost), strict=True))
        return None, manifest.model_copy(update=told)


def _note(visit: Visit, uri: str | None, manifest: Manifest) -> None:
    """Write into `ops.collections` and the log how the collection ended."""
    collections.finish_collection(
        visit.context.warehouse,
        collection_id=visit.collection_id,
        manifest_uri=uri,
        **manifest.model_dump(include=HOW_IT_WENT),
    )
    log.log(
        logging.INFO if manifest.status == "complete" else logging.WARNING,
        "%s: %s. %s", visit.imdb_id, manifest.status, manifest.sentence or "",
    )  # fmt: skip


# What a manifest takes over from the crawl, under the same name.
_CRAWL_FIELDS = (
    "movie", "snapshot", "variant", "review_count_start", "review_count_end",
)  # fmt: skip
