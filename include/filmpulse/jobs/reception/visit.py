"""Visit a live source politely, and say what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256

from filmpulse.config import source_variable
from filmpulse.errors import (
    Blocked,
    FilmpulseError,
    HostPaused,
    LakeUnavailable,
    LayoutChanged,
    NotCleaned,
    NotFound,
)
from filmpulse.items import CollectionStatus, Page, SearchHit
from filmpulse.jobs.context import Context
from filmpulse.sources import Site, SiteSource, Source, sites
from filmpulse.warehouse import movies
from filmpulse.warehouse.crosswalk import MovieIds
from filmpulse.warehouse.gate import HostGate

log = logging.getLogger(__name__)


@contextmanager
def polite_site(
    source: SiteSource, context: Context, patience_seconds: float | None = None
) -> Iterator[Site]:
    """Open the gate and the site, note its host, and close both.

    A request waits for its turn for `patience_seconds` at most; as long as a task does if None.
    """
    meet(source, context)
    ids = MovieIds(context.warehouse, source.name)
    with (
        HostGate(context.warehouse, context.settings.request_gap_seconds, patience_seconds) as gate,
        source.open(context.settings, gate, ids) as site,
    ):
        movies.note_host(context.warehouse, source=source.name, host=site.host)
        yield site


def meet(source: Source, context: Context) -> None:
    """Note a live source; when it is first read, show its conditions and record the acceptance."""
    note_source(source, context)
    terms = source.terms(context.settings)
    if terms is not None and movies.accept_terms(context.warehouse, **terms._asdict()):
        log.warning(
            "Live reading of %s is on (%s). The conditions of use of %s say: "
            '"%s" The acceptance is recorded in ops.source_terms.',
            terms.host, source_variable(source.name), source.title, terms.clause,
        )  # fmt: skip


def note_source(source: Source, context: Context) -> None:
    """Note that a source is a site or a stream, and not a source of files."""
    kind = "site" if isinstance(source, SiteSource) else "stream"
    movies.note_source(context.warehouse, source=source.name, kind=kind, title=source.title)


def explain(error: BaseException) -> tuple[CollectionStatus, str, str]:
    """Return the status, reason and sentence of a collection that an error ended."""
    match error:
        case Blocked() | HostPaused():
            return "blocked", error.reason, str(error)
        case LayoutChanged():
            return "layout_changed", error.reason, str(error)
        case NotFound():
            return "not_found", error.reason, str(error)
        case FilmpulseError():
            return "failed", error.reason, str(error)
        case Exception():
            sentence = f"An unexpected error: {error!r}. The task's log has more."
            return "failed", "unexpected", sentence
    # Ctrl-C, or a time limit of Airflow's.
    return "failed", "interrupted", f"It was interrupted: {error!r}."


def quarantine(
    source: SiteSource, imdb_id: str, page: Page | None, error: LayoutChanged, context: Context
) -> LayoutChanged:
    """Keep a page that could not be read, cleaned, so that somebody can look at it.

    If the page cannot be cleaned, only its hash and the reason are kept.

    Returns:
        The error to raise in place of `error`: its sentence also says where the page is, or that
        the lake is away and the page lost.
    """
    if page is None:
        return error
    seen_at = page.fetched_at or datetime.now(UTC)
    try:
        try:
            cleaned = source.clean(page.html, context.settings.author_key_secret)
        except NotCleaned as private:
            digest = sha256(page.html.encode("utf-8", "replace")).hexdigest()
            why = f"{error}\n\n{private}\nsha256: {digest}\nreason: {error.reason}\n"
            uri = context.lake.quarantine_reason(source.name, imdb_id, error.reason, why, seen_at)
            where = f"The page was not kept. {private} Its hash is at {uri}."
        else:
            uri = context.lake.quarantine(source.name, imdb_id, error.reason, cleaned, seen_at)
            where = f"The page is kept, cleaned, at {uri}."
    except LakeUnavailable as lost:
        where = f"The page could not be kept. {lost}"
    log.error("%s: %s", imdb_id, where)
    return LayoutChanged(f"{error} {where}", reason=error.reason)


def search(query: str, context: Context, patience_seconds: float | None = None) -> list[SearchHit]:
    """Ask each site which titles it suggests for what a person typed; a movie once, best first.

    `patience_seconds` is as for `polite_site`.
    """
    found: dict[str, SearchHit] = {}
    # If all sites are off, the error of the first one says how to switch it on.
    for source in sites(context.settings) or sites()[:1]:
        with polite_site(source, context, patience_seconds) as site:
            for hit in site.search(query):
                found.setdefault(hit.imdb_id, hit)
    return list(found.values())
