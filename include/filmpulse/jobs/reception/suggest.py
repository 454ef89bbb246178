"""Suggest titles for what a person types: the catalogue's, else the site's, asked once an hour.

A verdict says how it went, and a sentence words it: a page shows both as an answer, not an error.
"""

from __future__ import annotations

import threading
import time
from typing import Literal, NamedTuple

from filmpulse.errors import Blocked, FilmpulseError, HostBusy, HostPaused
from filmpulse.items import SearchHit, find_imdb_id
from filmpulse.jobs.catalogue.look_up import look_up
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.remember import BUSY, WAIT_SECONDS, Remembered, TooBusy
from filmpulse.jobs.reception.visit import search
from filmpulse.sources import sites
from filmpulse.sources.datasets import CREDIT

SuggestVerdict = Literal[
    "found", "none", "too_short", "named", "off", "paused", "blocked", "busy", "unavailable"
]

FEWEST_LETTERS, MOST_LETTERS = 2, 100
_MOST_TITLES = 8  # as many as a site suggests
_SECONDS, _SECONDS_OF_TROUBLE = 3_600.0, 30.0
_PATIENCE_SECONDS = 20.0
"""How long a person waits for another's question to the site; two gaps of 10 s between requests."""


class Suggested(NamedTuple):
    """What is suggested, and how asking went.

    `named` means that the words are an id or an address of a movie, `imdb_id`; nobody was asked.
    `busy` means that others are asking the site. `credit` is the line that must be shown with the
    hits, if they are the catalogue's.
    """

    verdict: SuggestVerdict
    hits: tuple[SearchHit, ...] = ()
    imdb_id: str | None = None
    sentence: str = ""
    credit: str = ""


_BUSY = Suggested("busy", sentence=BUSY)


def _how_long(answer: Suggested) -> float:
    if answer.verdict in ("found", "none"):
        return _SECONDS
    return 0.0 if answer.verdict == "busy" else _SECONDS_OF_TROUBLE


_remembered: Remembered[Suggested] = Remembered(_how_long)
_asking = threading.Lock()


def suggest(query: str, context: Context, *, at_site: bool = False) -> Suggested:
    """Suggest movies for an id, an address or the beginning of a title: the catalogue's, if it can.

    Costs no request for an id, an address, a title of the catalogue, or words that were asked about
    within the hour; else what `search` costs. A refusal or a pause is an answer, too, unless the
    catalogue has titles that are like it.

    Args:
        query: What was typed; any text.
        context: The job's outside world.
        at_site: Whether to ask the site, whatever the catalogue has.

    Raises:
        WarehouseUnavailable: The warehouse could not be asked.
    """
    is_name = find_imdb_id(query) is None and len(_words(query)) >= FEWEST_LETTERS
    if at_site or not is_name:
        return suggest_from_site(query, context)
    looked = look_up(query, context, titles=_MOST_TITLES, people=0)
    ours = Suggested("found", looked.titles, credit=CREDIT)
    if looked.is_close:
        return ours
    suggested = suggest_from_site(query, context)
    return suggested if suggested.hits or not looked.titles else ours


def may_ask_site(context: Context) -> bool:
    """Say whether there is a site to ask for suggestions: reading live is on."""
    return bool(sites(context.settings))


def suggest_from_site(query: str, context: Context) -> Suggested:
    """Do what `suggest` does, without the catalogue."""
    words = _words(query)
    if imdb_id := find_imdb_id(query):
        return Suggested("named", imdb_id=imdb_id)
    if len(words) < FEWEST_LETTERS:
        return Suggested("too_short", sentence=f"Type at least {FEWEST_LETTERS} letters.")
    if not may_ask_site(context):
        return Suggested(
            "off",
            sentence="Reading live is off, so titles cannot be looked up here: paste the movie's "
            "address or its id (tt and 7 to 9 digits).",
        )
    settings = context.settings
    key = words, settings.suggestion_url, tuple(sorted(settings.source_urls.items()))
    try:
        return _remembered.get(key, lambda: _ask(words, context))
    except TooBusy:
        return _BUSY


def _words(query: str) -> str:
    return " ".join(query.split())[:MOST_LETTERS].casefold()


def _ask(words: str, context: Context) -> Suggested:
    """Ask the site; one question at a time in this process, since the gate lets no more through."""
    until = time.monotonic() + WAIT_SECONDS
    if not _asking.acquire(timeout=_PATIENCE_SECONDS):
        return _BUSY
    try:
        hits = tuple(search(words, context, until - time.monotonic()))
    except HostBusy:
        return _BUSY
    except HostPaused as error:
        return Suggested("paused", sentence=f"{error} Paste the movie's address or id meanwhile.")
    except Blocked as error:
        return Suggested("blocked", sentence=f"{error} Paste the movie's address or id.")
    except FilmpulseError as error:
        if error.reason == "warehouse_unavailable":
            raise
        return Suggested("unavailable", sentence=f"{error} Paste the movie's address or id.")
    finally:
        _asking.release()
    if hits:
        return Suggested("found", hits)
    return Suggested("none", sentence="The site suggests no title for these words.")


def forget_suggestions() -> None:
    """Forget what the site answered."""
    _remembered.forget()
