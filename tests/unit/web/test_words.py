"""States in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filmpulse.warehouse.pages import AT_WORK, STATES, State
from filmpulse.web.words import say


def state(name: str, **more: object) -> State:
    empty: dict[str, object] = dict.fromkeys(State._fields)
    return State(**empty | {"imdb_id": "tt99000001", "state": name} | more)


@pytest.mark.parametrize("name", STATES)
def test_each_state_has_words_and_a_tone(name: str) -> None:
    said = say(state(name))
    assert said.words
    assert said.is_working == (name in AT_WORK)


def test_figures_stand_in_the_words() -> None:
    assert say(state("scoring", done=120, total=400)).words == "Scoring 120 of 400"
    assert say(state("collecting", done=1200, total=5000)).words == "Reading 1,200 of 5,000 reviews"
    assert say(state("gated", unreadable=12)).words == "Gated: 12 not readable"
    until = datetime(2026, 11, 29, 14, 5, tzinfo=UTC)
    assert say(state("paused", until=until)).words == "Paused until 14:05 UTC"
    assert say(state("failed", sentence="The site was down.")).sentence == "The site was down."


def test_a_movie_of_which_nothing_is_known_waits() -> None:
    assert not say(None).is_working
