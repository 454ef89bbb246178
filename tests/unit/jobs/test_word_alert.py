"""What alerts say: harmless titles, short lists, a place in the runbook for every cause."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.jobs.upkeep.word_alert import (
    CAUSES,
    MOST_EXAMPLES,
    MOST_TITLE,
    RUNBOOK,
    alert_message,
    end_message,
    harmless,
)

ROOT = Path(__file__).resolve().parents[3]
AT = datetime(2026, 11, 29, 1, tzinfo=UTC)


def test_the_runbook_has_a_section_for_every_cause():
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == list(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_can_be_told_and_ended(cause):
    told = alert_message(cause, "imdb", AT, "http://airflow.example/run", ["one"])
    assert told.level == CAUSES[cause].level
    assert f"{RUNBOOK}#{cause}" in told.body
    assert told.body.endswith("http://airflow.example/run")
    over = end_message(cause, "imdb", AT, AT, "http://airflow.example/run")
    assert (over.level, over.body.endswith("http://airflow.example/run")) == ("success", True)
    assert "{" not in told.title + told.body + over.title


@pytest.mark.parametrize(
    ("count", "listed", "more"), [(0, 0, ""), (5, 5, ""), (6, 5, "and 1 more"), (1200, 5, "1,195")]
)
def test_a_message_lists_some_examples_and_counts_the_rest(count, listed, more):
    body = alert_message("movie_failed", "imdb", AT, "", [f"movie {n}" for n in range(count)]).body
    assert body.count("\n- movie") == listed <= MOST_EXAMPLES
    assert more in body
    assert bool(more) == ("\nand " in body)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Harbour of Glass", "Harbour of Glass"),
        ("WALL\u00b7E (2031) & Söhne: #1", "WALL\u00b7E (2031) & Söhne: #1"),
        ("one\n\rline\x1b[2J", "one line [2J"),
        ("<@U1> @here", "\u2039\uff20U1\u203a \uff20here"),
        ("see https://evil.example/x", "see https evil\u2024example/x"),
        ("a\u202eb\u200bc", "a b c"),
        ("", ""),
    ],
)
def test_a_title_is_shown_but_does_nothing(title, shown):
    assert harmless(title) == shown


@given(st.text())
def test_any_title_is_one_short_line_without_signs_that_act(title):
    shown = harmless(title)
    assert len(shown) <= MOST_TITLE
    assert len(shown.splitlines()) <= 1
    assert not set("@<>`\u202e\u2066") & set(shown)
    assert "://" not in shown
