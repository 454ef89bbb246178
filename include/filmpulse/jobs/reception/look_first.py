"""Say what tracking a movie will bring and cost, before it is tracked.

What the warehouse knows needs no request. Otherwise the movie's page is looked at once, as politely
as always, and nothing of it is stored.
"""

from __future__ import annotations

import threading
import time
from typing import Literal, NamedTuple

from filmpulse.errors import (
    BadInput,
    Blocked,
    BrowserUnavailable,
    FilmpulseError,
    HostBusy,
    HostPaused,
    LayoutChanged,
    NotFound,
    WarehouseUnavailable,
)
from filmpulse.items import is_imdb_id
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.remember import BUSY, WAIT_SECONDS, Remembered, TooBusy
from filmpulse.jobs.reception.score import LARGE_MOVIE, about_usd, run_budget
from filmpulse.jobs.reception.visit import polite_site
from filmpulse.sources import sites
from filmpulse.warehouse.reception import known_movie
from filmpulse.warehouse.scores import mean_characters

LookVerdict = Literal[
    "known", "seen", "off", "paused", "blocked", "not_found", "layout_changed", "no_browser",
    "busy", "unavailable",
]  # fmt: skip

MEAN_CHARACTERS = 1_310
"""Mean length of a review at IMDb: of the 50,000 of the Large Movie Review Dataset (Maas et al.,
"Learning Word Vectors for Sentiment Analysis", ACL 2011)."""

_SECONDS, _SECONDS_OF_TROUBLE = 600.0, 30.0
_PATIENCE_SECONDS = 5.0


class Estimate(NamedTuple):
    """What scoring a movie's reviews costs.

    `usd` is None if the number of reviews or the model's price is not known; `problem` then says
    why, if it is the price. `is_free` says that the keyless analyser reads them. `budget_usd` is
    what a run may spend. With `needs_approval` the model takes up nothing until a person agrees.
    """

    usd: float | None
    is_free: bool
    budget_usd: float
    needs_approval: bool = False
    problem: str | None = None

    @property
    def about(self) -> str:
        """The cost in words."""
        if self.is_free:
            return "free of charge"
        return "not known" if self.usd is None else about_usd(self.usd)


class FirstLook(NamedTuple):
    """What is known of a movie before it is tracked.

    Attributes:
        verdict: `known` from the warehouse, `seen` on the site just now, or why there was no look.
        title: Its original title; None if nobody could say it.
        rating: The site's own, 1 to 10.
        votes: How many votes that rests on.
        reviews: How many reviews are known to exist.
        held: How many of them the warehouse holds; None before the movie was counted.
        may_add: Whether the movie can be tracked all the same.
        sentence: The verdict for a person; empty for `known` and `seen`.
    """

    imdb_id: str
    verdict: LookVerdict
    title: str | None = None
    year: int | None = None
    rating: float | None = None
    votes: int | None = None
    reviews: int | None = None
    held: int | None = 0
    may_add: bool = True
    sentence: str = ""


def _how_long(look: FirstLook) -> float:
    if look.verdict in ("seen", "not_found"):
        return _SECONDS
    return 0.0 if look.verdict == "busy" else _SECONDS_OF_TROUBLE


_remembered: Remembered[FirstLook] = Remembered(_how_long, most=100)
_looking = threading.Lock()


def look_first(imdb_id: str, context: Context) -> tuple[FirstLook, Estimate]:
    """Say what is known of a movie, and what scoring its reviews will cost.

    Costs at most robots.txt and one page by the browser; the answer counts for ten minutes. At most
    one look at a time is made in a process.

    Args:
        imdb_id: The movie.
        context: With the settings of the model that will score.

    Raises:
        BadInput: No IMDb id.
        WarehouseUnavailable: The warehouse did not answer.
    """
    if not is_imdb_id(imdb_id):
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {imdb_id[:80]}.")
    known = _known(imdb_id, context)
    if known is None:
        key = imdb_id, tuple(sorted(context.settings.source_urls.items()))
        try:
            known = _remembered.get(key, lambda: _look(imdb_id, context))
        except TooBusy:
            known = FirstLook(imdb_id, "busy", sentence=BUSY)
    return known, _estimate(known, context)


def _known(imdb_id: str, context: Context) -> FirstLook | None:
    """Return what the warehouse knows; None if it has neither a site's figures nor reviews."""
    found = known_movie.first(context.warehouse, imdb_id=imdb_id)
    return None if found is None else FirstLook(imdb_id, "known", *found)


def _look(imdb_id: str, context: Context) -> FirstLook:
    """Look at the movie's page on the first site that is on, unless another look is under way."""
    on = sites(context.settings)
    if not on:
        return FirstLook(
            imdb_id, "off",
            sentence="Reading live is off, so nothing can be said of it. You can track it and "
            "import pages that you saved.",
        )  # fmt: skip
    until = time.monotonic() + WAIT_SECONDS
    if not _looking.acquire(timeout=_PATIENCE_SECONDS):
        return FirstLook(imdb_id, "busy", sentence=BUSY)
    try:
        with polite_site(on[0], context, until - time.monotonic()) as site:
            movie, snapshot = site.look(imdb_id)
    except FilmpulseError as error:
        return _in_vain(imdb_id, error)
    finally:
        _looking.release()
    return FirstLook(
        imdb_id, "seen", movie.original_title or movie.title, movie.year, snapshot.rating,
        snapshot.vote_count, snapshot.review_count,
    )  # fmt: skip


def _in_vain(imdb_id: str, error: FilmpulseError) -> FirstLook:
    """Say why a look brought nothing."""
    match error:
        case WarehouseUnavailable():
            raise error
        case HostBusy():
            return FirstLook(imdb_id, "busy", sentence=BUSY)
        case HostPaused():
            verdict: LookVerdict = "paused"
        case Blocked():
            verdict = "blocked"
        case NotFound():
            return FirstLook(imdb_id, "not_found", may_add=False, sentence=str(error))
        case LayoutChanged():
            verdict = "layout_changed"
        case BrowserUnavailable() | BadInput():
            verdict = "no_browser"
        case _:
            verdict = "unavailable"
    return FirstLook(
        imdb_id, verdict, sentence=f"{error} You can track it all the same: it is read as soon as "
        "that is possible.",
    )  # fmt: skip


def _estimate(look: FirstLook, context: Context) -> Estimate:
    """Estimate the cost of all reviews that are known to exist."""
    settings, budget = context.settings, run_budget(context, None)
    if context.llm_error is not None:
        return Estimate(None, False, budget, problem=str(context.llm_error))
    if not settings.has_llm:
        return Estimate(0.0, True, budget)
    if look.reviews is None:
        return Estimate(None, False, budget)
    from filmpulse.analysis.llm.prices import estimate_usd

    mean = mean_characters.first(context.warehouse, imdb_id=look.imdb_id) or MEAN_CHARACTERS
    try:
        usd = estimate_usd(settings, look.reviews, round(look.reviews * mean))
    except BadInput as error:
        return Estimate(None, False, budget, problem=str(error))
    return Estimate(usd, False, budget, look.reviews > LARGE_MOVIE)


def forget_looks() -> None:
    """Forget what was seen."""
    _remembered.forget()
