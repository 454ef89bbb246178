"""The live site as a job meets it: polite, and with an answer for everything that can go wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit

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
from filmpulse.jobs.context import Parts
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.crawl import ImdbSite
from filmpulse.warehouse.gate import HostGate

log = logging.getLogger(__name__)

SOURCE = "imdb"

# IMDb's conditions of use as quoted in a public thread (tidyverse/rvest#195).
IMDB_CLAUSE = (
    "You may not use data mining, robots, screen scraping, or similar data gathering and "
    "extraction tools on this site, except with our express written consent as noted below."
)


@contextmanager
def polite_site(parts: Parts) -> Iterator[ImdbSite]:
    """Open the gate and the site together, and close both."""
    _accept_terms(parts)
    with (
        HostGate(parts.warehouse, parts.settings.request_gap_seconds) as gate,
        ImdbSite(parts.settings, gate) as site,
    ):
        yield site


def _accept_terms(parts: Parts) -> None:
    """Show IMDb's clause once, when its own address is first used, and record the acceptance."""
    host = urlsplit(parts.settings.imdb_url or "").hostname or ""
    if host != "imdb.com" and not host.endswith(".imdb.com"):
        return
    if parts.warehouse.rows("accept_terms", host=host, clause=IMDB_CLAUSE):
        log.warning(
            "Live reading of %s is on (FILMPULSE_IMDB_URL). IMDb's conditions of use say: "
            '"%s" The acceptance is recorded in ops.source_terms.', host, IMDB_CLAUSE
        )  # fmt: skip


def explain(error: BaseException) -> tuple[CollectionStatus, str, str]:
    """Put an error into a collection's status, reason and sentence."""
    if not isinstance(error, Exception):  # a time limit of Airflow's, Ctrl-C
        return "failed", "interrupted", f"It was interrupted: {error!r}."
    if not isinstance(error, FilmpulseError):
        return "failed", "unexpected", f"An unexpected error: {error!r}. The task's log has more."
    status: CollectionStatus
    match error:
        case Blocked() | HostPaused():
            status = "blocked"
        case LayoutChanged():
            status = "layout_changed"
        case NotFound():
            status = "not_found"
        case _:
            status = "failed"
    return status, error.reason, str(error)


def quarantine(
    imdb_id: str, page: Page | None, error: LayoutChanged, parts: Parts
) -> LayoutChanged:
    """Keep the page that could not be read, cleaned, so that somebody can look at it.

    A page that cannot be cleaned is not kept: only why, and its hash.

    Returns:
        The error to raise in place of `error`: its sentence says where the page is. A lake that is
        away changes nothing about the layout: then the page is lost, and the sentence says that.
    """
    if page is None:
        return error
    seen_at = page.fetched_at or datetime.now(UTC)
    try:
        try:
            cleaned = clean_page(page.html, parts.settings.author_key_secret)
        except NotCleaned as private:
            digest = sha256(page.html.encode("utf-8", "replace")).hexdigest()
            why = f"{error}\n\n{private}\nsha256: {digest}\nreason: {error.reason}\n"
            uri = parts.lake.quarantine_reason(SOURCE, imdb_id, error.reason, why, seen_at)
            where = f"The page was not kept. {private} Its hash is at {uri}."
        else:
            uri = parts.lake.quarantine(SOURCE, imdb_id, error.reason, cleaned, seen_at)
            where = f"The page is kept, cleaned, at {uri}."
    except LakeUnavailable as lost:
        where = f"The page could not be kept. {lost}"
    log.error("%s: %s", imdb_id, where)
    return LayoutChanged(f"{error} {where}", reason=error.reason)


def search(query: str, parts: Parts) -> list[SearchHit]:
    """Ask the source which titles it suggests for what a person typed, best first."""
    with polite_site(parts) as site:
        return site.search(query)
