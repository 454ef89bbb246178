"""The ledger in memory: budget, answers and refusals, as the one in Postgres."""

from __future__ import annotations

import pytest

from filmpulse.analysis.llm.memory_ledger import MemoryLedger
from filmpulse.errors import LlmRefused
from filmpulse.items import Call, Reading, ReviewText

TEXT = ReviewText(
    source="gold", review_id="1", imdb_id="tt0000000", content_hash="", language="en", text="Dull."
)
SCORED = Reading(status="scored", overall=-1)


def begin(ledger, key="k", most_usd=0.1, after=None):
    return ledger.begin(key, TEXT, most_usd=most_usd, lease_seconds=60, after=after)


def test_what_is_set_aside_counts_until_the_cost_is_known():
    ledger = MemoryLedger(0.25)
    first, second = begin(ledger, "a"), begin(ledger, "b")
    assert begin(ledger, "c") == "over_run_budget"
    ledger.end(first, Call(outcome="scored", cost_usd=0.02), SCORED)
    assert ledger.spent_usd == pytest.approx(0.12)
    ledger.end(second, Call(outcome="timeout", cost_usd=None))
    assert ledger.spent_usd == pytest.approx(0.12)
    assert isinstance(begin(ledger, "c"), int)
    assert begin(ledger, "d") == "over_run_budget"


def test_a_budget_can_be_spent_to_the_last_cent():
    ledger = MemoryLedger(0.3)
    assert all(isinstance(begin(ledger, key), int) for key in "abc")  # 0.1 + 0.1 + 0.1 > 0.3
    assert begin(MemoryLedger(0), most_usd=0) == 0


def test_the_first_answer_stays():
    ledger = MemoryLedger(1)
    first, second = begin(ledger), begin(ledger)
    assert ledger.find(["k"]) == {}
    assert ledger.end(first, Call(outcome="scored", cost_usd=0), SCORED) == SCORED
    other = Reading(status="scored", overall=2)
    assert ledger.end(second, Call(outcome="scored", cost_usd=0), other) == SCORED
    assert ledger.find(["k", "l"]) == {"k": SCORED}
    assert begin(ledger) == "answered"


def test_a_text_without_an_answer_may_be_sent_again():
    ledger = MemoryLedger(1)
    first = begin(ledger)
    assert ledger.end(first, Call(outcome="unavailable", cost_usd=0), keeps_lease=True) is None
    assert isinstance(begin(ledger, after=first), int)


def test_after_a_refusal_nothing_is_sent():
    ledger = MemoryLedger(1)
    ledger.end(begin(ledger), Call(outcome="key_refused", cost_usd=0, sentence="The key is wrong."))
    with pytest.raises(LlmRefused, match="The key is wrong") as error:
        begin(ledger, "other")
    assert error.value.reason == "key_refused"


def test_unusable_answers_are_counted_in_a_row_and_among_the_first():
    ledger = MemoryLedger(1)
    assert ledger.unusable(3).model_dump() == {"in_a_row": 0, "of_first": 0}
    outcomes = ["invalid", "timeout", "truncated", "refused", "invalid", "unavailable", "invalid"]
    for key, outcome in enumerate(outcomes):
        ledger.end(begin(ledger, str(key), 0), Call(outcome=outcome, cost_usd=0))
    assert ledger.unusable(3).model_dump() == {"in_a_row": 2, "of_first": 2}
