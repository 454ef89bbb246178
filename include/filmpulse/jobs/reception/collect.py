"""Collection: a movie's reviews from the live site into the lake."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from filmpulse import warehouse as wh
from filmpulse.errors import BadInput, LakeUnavailable, LayoutChanged
from filmpulse.items import CollectionStatus, Mode
from filmpulse.jobs.context import Parts, Progress, silent
from filmpulse.jobs.reception.load import LEDGER_FIELDS
from filmpulse.jobs.reception.track import typed_ids
from filmpulse.jobs.reception.visit import SOURCE, explain, polite_site, quarantine
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import Manifest
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
    started_at = datetime.now(UTC)
    (begun,) = parts.warehouse.rows(
        "start_collection", run_id=run_id, source=SOURCE, imdb_id=imdb_id, mode=mode
    )
    collection_id = begun["collection_id"]
    writer = None
    crawl: Crawl | None = None
    outcome: tuple[CollectionStatus, str | None, str]
    error: BaseException | None = None
    passed_over = 0
    try:
        writer = parts.lake.begin(SOURCE, imdb_id, started_at)
        with parts.warehouse.connect() as connection:
            tombstones = Tombstones.read(connection, SOURCE, imdb_id)
        known = frozenset(
            row["review_id"]
            for row in parts.warehouse.rows("known_reviews", imdb_id=imdb_id, source=SOURCE)
            if row["is_living"]
        )
        with polite_site(parts) as site:
            try:
                crawl = site.crawl(imdb_id, mode, known, tombstones.covers)
                for batch in crawl:
                    kept = [review for review in batch if not tombstones.covers(review)]
                    passed_over += len(batch) - len(kept)
                    writer.append(kept)
                    parts.warehouse.rows("beat_collection", collection_id=collection_id)
                    progress(crawl.distinct_ids, crawl.review_count_end)
                outcome = crawl.status, crawl.reason, crawl.sentence
            except LayoutChanged as drift:
                page = crawl.last_page if crawl else site.last_page
                raise quarantine(imdb_id, page, drift, parts) from drift
    except BaseException as raised:  # the ledger says how it ended, whatever it was
        error = raised
        outcome = explain(raised)
        if crawl is not None and crawl.distinct_ids:
            so_far = f"{crawl.so_far} reviews had been read by then."
            outcome = *outcome[:2], f"{outcome[2]} {so_far}"
    status, reason, sentence = outcome
    if passed_over:
        sentence = f"{sentence} {passed_over:,} were erased on request and not kept."
    manifest = Manifest(
        run_id=run_id,
        source=SOURCE,
        imdb_id=imdb_id,
        mode=mode,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        status=status,
        reason=reason,
        sentence=sentence,
        parts=tuple(writer.parts) if writer else (),
        distinct_ids=crawl.distinct_ids - passed_over if crawl else 0,
        **{name: getattr(crawl, name) for name in _CRAWL_FIELDS} if crawl else {},
    )
    uri = None
    # A lake that was away from the start is not asked again: there is nothing to seal.
    if writer is not None and (writer.parts or not isinstance(error, LakeUnavailable)):
        try:
            uri = writer.close(manifest)
        except LakeUnavailable as lost:
            if error is None:  # else the first error is the one to tell
                error = lost
                told = dict(zip(("status", "reason", "sentence"), explain(lost), strict=True))
                manifest = manifest.model_copy(update=told)
    parts.warehouse.rows(
        "finish_collection",
        collection_id=collection_id,
        manifest_uri=uri,
        **manifest.model_dump(include=LEDGER_FIELDS),
    )
    log.log(
        logging.INFO if manifest.status == "complete" else logging.WARNING,
        "%s: %s. %s", imdb_id, manifest.status, manifest.sentence or "",
    )  # fmt: skip
    if uri is not None and (error is None or (manifest.parts and isinstance(error, Exception))):
        return uri
    raise error or LakeUnavailable(f"{imdb_id}: no manifest was written.")


# What a manifest takes over from the crawl, as the crawl names it.
_CRAWL_FIELDS = (
    "movie", "snapshot", "variant", "review_count_start", "review_count_end",
)  # fmt: skip
