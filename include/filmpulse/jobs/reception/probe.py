"""Try to read one movie on the live site, by hand, stage by stage, and store nothing of it."""

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
from filmpulse.items import CollectionStatus, is_imdb_id
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.visit import explain, polite_site
from filmpulse.sources import Site, sites

Outcome = CollectionStatus | Literal["ok", "not_imdb"]

# The same as those of `filmpulse parse`; 1 for any other outcome.
EXIT_CODES: dict[Outcome, int] = {
    "ok": 0,
    "layout_changed": EXIT_LAYOUT_CHANGED,
    "blocked": EXIT_BLOCKED,
    "not_found": EXIT_FOREIGN_PAGE,
    "not_imdb": EXIT_FOREIGN_PAGE,
    "gated": EXIT_GATED,
}


class LiveLook(NamedTuple):
    """How the try ended: the outcome, a short stable word for the reason, and a sentence."""

    outcome: Outcome
    reason: str | None
    sentence: str

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return EXIT_CODES.get(self.outcome, 1)


def check_live(imdb_id: str, context: Context, tell: Callable[[str], None]) -> LiveLook:
    """Look at a movie on the first live site as a collection would begin; store nothing of it.

    The site's faults are outcomes, not errors. Costs robots.txt and two pages, as politely as
    always: each request waits for its turn, and a refusal pauses the host for everybody. The movie
    need not be tracked, and the lake is not opened. `tell` is given a line before each request and
    after it.

    Raises:
        BadInput: No IMDb id, or reading live is off.
        WarehouseUnavailable: The gate could not be asked, so no request was sent.
    """
    if not is_imdb_id(imdb_id):
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {imdb_id[:80]}.")
    source = (sites(context.settings) or sites())[0]
    with polite_site(source, context) as site:
        try:
            ended = _look(imdb_id, site, context, tell)
        except ForeignPage as error:
            ended = LiveLook("not_imdb", error.reason, str(error))
        except (Blocked, HostPaused, LayoutChanged, NotFound, SiteUnavailable) as error:
            ended = LiveLook(*explain(error))
    tell(f"{ended.outcome.replace('_', ' ')}: {ended.sentence}")
    return ended


def _look(imdb_id: str, site: Site, context: Context, tell: Callable[[str], None]) -> LiveLook:
    gap = context.settings.request_gap_seconds
    tell(f"robots.txt of {site.host}, then two pages, {gap:g} s apart or more ...")
    site.check_robots(imdb_id)
    tell("robots.txt: both pages may be read.")

    tell(f"title page of {imdb_id} ...")
    movie, snapshot = site.look(imdb_id)
    name = movie.original_title or movie.title
    year = f" ({movie.year})" if movie.year else ""
    reviews = snapshot.review_count
    count = "no review count" if reviews is None else f"{reviews:,} reviews"
    tell(f"title page: {name}{year}, {count}.")

    tell("reviews page ...")
    secret = context.settings.author_key_secret or secrets.token_bytes(32)
    page = site.first_page(imdb_id, secret)
    shown = f"{page.reviews:,}"
    if page.review_count is not None:
        shown += f" of {page.review_count:,}"
    tell(f"reviews page: {shown} reviews read ({page.variant}).")
    if page.is_gated:
        return LiveLook(
            "gated", "sign_in",
            f"{shown} reviews are shown; the rest needs a sign-in. Save a page that shows them and "
            "import it: filmpulse inbox add FILE.",
        )  # fmt: skip
    return LiveLook("ok", None, f"{shown} reviews are on the first page{page.what_follows}")
