"""A movie's state, and what IMDb calls titles and people, in words for a person."""

from __future__ import annotations

from datetime import UTC
from typing import Literal, NamedTuple, Protocol

from filmpulse.warehouse.pages import State

Tone = Literal["good", "working", "warning", "bad", "quiet"]

_PLAIN: dict[str, tuple[str, Tone]] = {
    "queued": ("Queued", "working"),
    "collecting": ("Checking", "working"),
    "layout_changed": ("Layout changed", "bad"),
    "blocked": ("Refused by the site", "bad"),
    "not_found": ("Not found", "bad"),
    "failed": ("Failed", "bad"),
    "partial": ("Partly read", "warning"),
    "never": ("Waits for its first look", "quiet"),
    "stale": ("Not looked at lately", "warning"),
    "fresh": ("Fresh", "good"),
}


class Said(NamedTuple):
    """A state in a few words, its tone, and a sentence that says more, if there is one."""

    words: str
    tone: Tone
    sentence: str | None = None

    @property
    def is_working(self) -> bool:
        """Whether something is being done at this moment."""
        return self.tone == "working"


def say(state: State | None) -> Said:
    """Put a movie's state into words; None for a movie of which nothing is known yet."""
    if state is None:
        return Said(*_PLAIN["never"])
    sentence = state.sentence
    match state.state:
        case "scoring":
            return Said(f"Scoring {state.done or 0:,} of {state.total or 0:,}", "working")
        case "collecting" if state.done:
            known = f" of {state.total:,}" if state.total else ""
            return Said(f"Reading {state.done:,}{known} reviews", "working")
        case "paused" if state.until is not None:
            return Said(
                f"Paused until {state.until.astimezone(UTC):%H:%M} UTC", "warning", sentence
            )
        case "paused":
            return Said("Paused", "warning", sentence)
        case "gated" if state.unreadable:
            return Said(f"Gated: {state.unreadable:,} not readable", "warning", sentence)
        case "gated":
            return Said("Gated", "warning", sentence)
    words, tone = _PLAIN[state.state]
    return Said(words, tone, sentence)


KEPT = {
    "rated": "titles that people rated",
    "no_episodes": "titles that are no episodes of series",
    "all": "all titles",
}
"""Subsets of the catalogue, by what they keep."""

_LOADS: dict[str, tuple[str, Tone]] = {
    "loading": ("Loading", "working"),
    "loaded": ("Loaded, not shown yet", "working"),
    "live": ("Loaded", "good"),
    "unchanged": ("Not changed", "good"),
    "refused": ("Refused", "bad"),
    "failed": ("Failed", "bad"),
}


def say_load(state: str, sentence: str | None) -> Said:
    """Put a load of a dataset into words: a state of `ops.catalogue_loads`."""
    return Said(*_LOADS[state], sentence)


_KINDS = {
    "tvSeries": "series", "tvMiniSeries": "mini-series", "tvMovie": "TV movie",
    "tvEpisode": "episode", "tvSpecial": "TV special", "tvShort": "TV short", "tvPilot": "pilot",
    "videoGame": "video game",
}  # fmt: skip


def kind(given: str | None) -> str:
    """Say what kind of title something is; a kind that is new to us stays as IMDb writes it."""
    return _KINDS.get(given or "", given or "")


_ROLES = {
    "director": ("Director", "Directors"),
    "writer": ("Writer", "Writers"),
    "cast": ("Cast",) * 2,
}


def role(given: str, people: int) -> str:
    """Say what people did for a title: "Director" of one, "Directors" of several."""
    one, several = _ROLES.get(given, (given.replace("_", " ").capitalize(),) * 2)
    return one if people == 1 else several


class Lived(Protocol):
    """Somebody with years of birth and death, as far as they are known; below 0 before Christ."""

    @property
    def birth_year(self) -> int | None:
        """When they were born."""

    @property
    def death_year(self) -> int | None:
        """When they died."""


def life(person: Lived) -> str:
    """Say when a person lived: "1920-1999" with a dash, "born 1964", or nothing."""
    born, died = _year(person.birth_year), _year(person.death_year)
    if born and died:
        return f"{born}\N{EN DASH}{died}"
    return f"born {born}" if born else f"died {died}" if died else ""


def _year(value: int | None) -> str:
    if value is None:
        return ""
    return str(value) if value > 0 else f"{-value} BC"
