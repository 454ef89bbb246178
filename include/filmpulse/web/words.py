"""A movie's state in words, for a person who knows no Airflow."""

from __future__ import annotations

from datetime import UTC
from typing import Literal, NamedTuple

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
