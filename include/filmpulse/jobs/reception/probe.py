"""Checking: one movie on the live site, by hand, stage by stage; nothing of it is stored."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Literal, NamedTuple

from filmpulse.errors import (
    EXIT_BLOCKED,
    EXIT_FOREIGN_PAGE,
    EXIT_GATED,
    EXIT_LAYOUT_CHANGED,
    BadInput,
    Blocked,
    ForeignPage,
    HostPaused,
    LayoutChanged,
    NotFound,
    SiteUnavailable,
)
from filmpulse.items import is_imdb_id
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.visit import polite_site
from filmpulse.sources import Site, SiteSource, sites

Outcome = Literal["ok", "gated", "blocked", "layout_changed", "not_found", "not_imdb", "failed"]

# As `filmpulse parse` has them, where it has them.
EXIT_CODES: dict[Outcome, int] = {
    "ok": 0,
    "failed": 1,
    "layout_changed": EXIT_LAYOUT_CHANGED,
    "blocked": EXIT_BLOCKED,
    "not_found": EXIT_FOREIGN_PAGE,
    "not_imdb": EXIT_FOREIGN_PAGE,
    "gated": EXIT_GATED,
}


class LiveCheck(NamedTuple):
    """How a check ended: the outcome, a stable word beside it, and the same for a person."""

    outcome: Outcome
    reason: str | None
    sentence: str

    @property
    def exit_code(self) -> int:
        """What a shell is told."""
        return EXIT_CODES[self.outcome]


def check_live(
    imdb_id: str, context: Context, tell: Callable[[str], None], source: SiteSource | None = None
) -> LiveCheck:
    """Look at a movie on a live site as a collection would begin, and store nothing of it.

    Args:
        imdb_id: The movie; it need not be tracked.
        context: Settings and warehouse; the lake is not opened.
        tell: Given a line before each request and after it, as it happens.
        source: The site; the first that is on when not given.

    Returns:
        How it ended; the site's faults are outcomes, not errors.

    Raises:
        BadInput: No IMDb id, or reading live is off.
        WarehouseUnavailable: The gate could not be asked; then nothing is.

    Costs robots.txt and two pages. Manners are kept as always: each request waits for its slot, and
    a refusal pauses the host for everybody.
    """
    if not is_imdb_id(imdb_id):
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {imdb_id[:80]}.")
    source = source or (sites(context.settings) or sites())[0]
    with polite_site(source, context) as site:
        try:
            check = _look(imdb_id, site, context, tell)
        except (Blocked, HostPaused) as error:
            check = LiveCheck("blocked", error.reason, str(error))
        except LayoutChanged as error:
            check = LiveCheck("layout_changed", error.reason, str(error))
        except NotFound as error:
            check = LiveCheck("not_found", error.reason, str(error))
        except ForeignPage as error:
            check = LiveCheck("not_imdb", error.reason, str(error))
        except SiteUnavailable as error:
            check = LiveCheck("failed", error.reason, str(error))
    tell(f"{check.outcome.replace('_', ' ')}: {check.sentence}")
    return check


def _look(imdb_id: str, site: Site, context: Context, tell: Callable[[str], None]) -> LiveCheck:
    gap = context.settings.request_gap_seconds
    tell(f"robots.txt of {site.host}, then two pages, {gap:g} s apart or more ...")
    site.check_robots(imdb_id)
    tell("robots.txt: both pages may be read.")

    tell(f"title page of {imdb_id} ...")
    movie, snapshot = site.look(imdb_id)
    name = movie.original_title or movie.title
    count = (
        "no review count" if snapshot.review_count is None else f"{snapshot.review_count:,} reviews"
    )
    tell(f"title page: {name}{f' ({movie.year})' if movie.year else ''}, {count}.")

    tell("reviews page ...")
    secret = context.settings.author_key_secret or secrets.token_bytes(32)
    page = site.first_page(imdb_id, secret)
    shown = f"{page.reviews:,}"
    if page.review_count is not None:
        shown += f" of {page.review_count:,}"
    tell(f"reviews page: {shown} reviews read ({page.variant}).")
    if page.is_gated:
        return LiveCheck(
            "gated", "sign_in",
            f"{shown} reviews are shown; the rest needs a sign-in. Save a page that shows them and "
            "import it: filmpulse inbox add FILE.",
        )  # fmt: skip
    return LiveCheck("ok", None, f"{shown} reviews are on the first page{page.what_follows}")
