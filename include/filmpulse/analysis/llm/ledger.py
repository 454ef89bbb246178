"""What the model's analyser needs of a ledger; `warehouse.ledger` keeps it in Postgres."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from filmpulse.items import Call, Held, Reading, ReviewText, UnusableAnswers


class Ledger(Protocol):
    """The one record of what was asked, by whom, and what it cost.

    A key stands for a text and a way of asking. All workers, runs and retries share one ledger.
    """

    def find(self, keys: Collection[str]) -> dict[str, Reading]:
        """Return the answers to these keys; only final ones are kept."""

    def begin(
        self,
        key: str,
        text: ReviewText,
        *,
        most_usd: float,
        lease_seconds: float,
        after: int | None = None,
    ) -> int | Held:
        """Take a text before it is sent, or say why it may not be sent.

        One transaction takes the lease, checks the budgets and adds the call's row. So whatever
        happens next, nobody else sends the text within `lease_seconds`, and its cost is counted.

        Args:
            key: The text and the way of asking.
            text: The review.
            most_usd: The most that this request can cost; it counts until `end` books the cost.
            lease_seconds: The longest time that the answer may take.
            after: The call that this one repeats, whose lease it takes over.

        Returns:
            The number of the call, or why there is none.

        Raises:
            LlmRefused: The endpoint refused key, model or account to a call of this run.
        """

    def end(
        self,
        call_id: int,
        call: Call,
        reading: Reading | None = None,
        *,
        keeps_lease: bool = False,
    ) -> Reading | None:
        """Book how a call ended, with its answer if that is final; committed at return.

        Without an answer the text is free for others, unless `keeps_lease` says that the caller
        will repeat the call.

        Returns:
            The answer that counts: the first one booked, be it this one or that of another worker
            who took the text over after the lease ended. None without an answer.
        """

    def unusable(self, first: int) -> UnusableAnswers:
        """Count the run's unusable answers, of all its tasks, since it last stopped for them.

        `first` is the number of first answers that are also counted on their own.
        """
