"""What the model's analyser asks of a ledger; `warehouse.ledger` keeps the real one in Postgres."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from filmpulse.items import Call, Held, Reading, ReviewText, UnusableAnswers


class Ledger(Protocol):
    """The one place that knows what was asked, by whom, and what it cost.

    A key stands for a text and a way of asking. All workers, runs and retries share one ledger.
    """

    def find(self, keys: Collection[str]) -> dict[str, Reading]:
        """Return the answers there are; only final ones are kept."""
        ...

    def begin(
        self,
        key: str,
        text: ReviewText,
        *,
        most_usd: float,
        lease_seconds: float,
        after: int | None = None,
    ) -> int | Held:
        """Take a text before it is sent, or say why it may not be.

        In one transaction: the lease, the budgets and the new call's row, so that whatever happens
        next, nobody sends the text before `lease_seconds` are over and what it may cost is counted.

        Args:
            key: The text and the way of asking.
            text: The review.
            most_usd: The most that this request can cost; counted until `end` says what it did.
            lease_seconds: How long the answer may take at most.
            after: The call that this one repeats, whose lease it takes over.

        Returns:
            The number of the call, or why there is none.

        Raises:
            LlmRefused: A call of this run was told that key, model or account are refused.
        """
        ...

    def end(
        self,
        call_id: int,
        call: Call,
        reading: Reading | None = None,
        *,
        keeps_lease: bool = False,
    ) -> Reading | None:
        """Write down how a call ended, with its answer when it is final; committed at return.

        Without an answer the text is free for others, unless `keeps_lease` says that the caller
        will repeat it.

        Returns:
            The answer that stands: the first that was written down, this one or another worker's
            who took the text over when the lease was out. None without an answer.
        """
        ...

    def unusable(self, first: int) -> UnusableAnswers:
        """Count the run's unusable answers, of all its tasks, since it last stopped for them.

        Args:
            first: How many of its first answers are looked at on their own.
        """
        ...
