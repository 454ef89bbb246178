"""A ledger of one process, for work that keeps nothing; see `analysis.llm.ledger`."""

from __future__ import annotations

from collections.abc import Collection

from filmpulse.analysis.llm.analyser import ANSWERS, UNUSABLE
from filmpulse.analysis.llm.client import REFUSALS
from filmpulse.errors import LlmRefused
from filmpulse.items import Call, Held, Reading, ReviewText, UnusableAnswers


class MemoryLedger:
    """The ledger of one run with one worker, from whom nobody could take a text.

    `analysis.llm.ledger.Ledger` says what its methods do.
    """

    def __init__(self, run_usd: float) -> None:
        """Begin with nothing spent; `run_usd` is the most that the run may spend."""
        self._run_usd = run_usd
        self._begun: list[tuple[str, float]] = []  # key, and what was set aside
        self._answers: dict[str, Reading] = {}
        self._are_unusable: list[bool] = []  # of each answer, as they came
        self._refusal: Call | None = None
        self.spent_usd = 0.0
        """What all calls cost, with what was set aside for those of unknown cost."""

    def find(self, keys: Collection[str]) -> dict[str, Reading]:
        """Return the answers to these keys."""
        return {key: self._answers[key] for key in keys if key in self._answers}

    def begin(
        self,
        key: str,
        text: ReviewText,
        *,
        most_usd: float,
        lease_seconds: float,
        after: int | None = None,
    ) -> int | Held:
        """Take a text before it is sent, or say why it may not be sent."""
        if self._refusal is not None:
            raise LlmRefused(
                self._refusal.sentence or "The model's endpoint refuses all requests.",
                reason=self._refusal.outcome,
            )
        if key in self._answers:
            return "answered"
        if round(self.spent_usd + most_usd, 8) > round(self._run_usd, 8):
            return "over_run_budget"
        self.spent_usd += most_usd
        self._begun.append((key, most_usd))
        return len(self._begun) - 1

    def end(
        self,
        call_id: int,
        call: Call,
        reading: Reading | None = None,
        *,
        keeps_lease: bool = False,
    ) -> Reading | None:
        """Book how a call ended, with its answer if that is final."""
        key, most_usd = self._begun[call_id]
        if call.cost_usd is not None:
            self.spent_usd += call.cost_usd - most_usd
        if call.outcome in REFUSALS:
            self._refusal = self._refusal or call
        if call.outcome in ANSWERS:
            self._are_unusable.append(call.outcome in UNUSABLE)
        return None if reading is None else self._answers.setdefault(key, reading)

    def unusable(self, first: int) -> UnusableAnswers:
        """Count the unusable answers: the last in a row, and of the first ones."""
        newest = self._are_unusable[::-1]
        in_a_row = newest.index(False) if False in newest else len(newest)
        return UnusableAnswers(in_a_row=in_a_row, of_first=sum(self._are_unusable[:first]))
