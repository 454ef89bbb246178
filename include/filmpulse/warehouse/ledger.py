"""The ledger of requests to a model: leases, answers, attempts, budgets (docs/adr/0021)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg import Rollback
from psycopg.errors import IdleInTransactionSessionTimeout, LockNotAvailable
from psycopg.types.json import Jsonb

from filmpulse.errors import LlmRefused
from filmpulse.items import Call, Held, Reading, ReviewText, UnusableAnswers
from filmpulse.warehouse import Connection, Warehouse, unavailable
from filmpulse.warehouse.erasures import take_ledger_turn
from filmpulse.warehouse.statement import Command, Query, Scalar


class _State(NamedTuple):
    """What may keep a text from being sent, besides a lease; see `ledger_state`."""

    is_erased: bool
    refusal: str | None
    refusal_sentence: str | None
    is_over_run_budget: bool
    is_over_day_budget: bool


_limit_patience = Command("ledger_patience")
_limit_silence = Command("ledger_timeout")
_find = Query[dict[str, Any]]("ledger_find", dict)
_state = Query("ledger_state", _State)
_lease = Command("ledger_lease")
_begin = Scalar[int]("ledger_begin")
_answer = Command("ledger_answer")
_standing = Query("ledger_standing", Reading)
_end = Command("ledger_end")
_release = Command("ledger_release")
_unusable = Query("ledger_unusable", UnusableAnswers)


class Ledger:
    """One run's view of the ledger, on its own connection; `open_ledger` makes it.

    `analysis.llm.ledger.Ledger` says what its methods do.
    """

    def __init__(self, connection: Connection, run: dict[str, object]) -> None:
        """Keep a connection of its own, in autocommit mode, and the values of `open_ledger`."""
        self._connection, self._run = connection, run
        self._to_repeat: set[int] = set()

    def find(self, keys: Collection[str]) -> dict[str, Reading]:
        """Return the final answers to these keys."""
        rows = _find(self._connection, keys=list(keys))
        return {row.pop("key"): Reading.model_validate(row) for row in rows}

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

        Workers take turns here, so two workers can never both spend what is left for one request.
        """
        values = {
            **self._run,
            "key": key,
            "content_hash": text.content_hash,
            "imdb_id": text.imdb_id,
            "most_usd": most_usd,
            "lease_seconds": lease_seconds,
            "after": after,
        }
        outcome: int | Held
        try:
            with self._connection.transaction() as transaction:
                _limit_patience(self._connection)
                take_ledger_turn(self._connection)
                outcome = self._take(key, values)
                if isinstance(outcome, str):
                    raise Rollback(transaction)
        except LockNotAvailable:
            return "leased"  # another worker has had the turn for too long: ask again
        if after is not None and isinstance(outcome, int):
            self._to_repeat.discard(after)
        return outcome

    def _take(self, key: str, values: dict[str, object]) -> int | Held:
        state = _state.one(self._connection, **values)
        if state.refusal:
            raise LlmRefused(
                state.refusal_sentence or "The model's endpoint refuses all requests.",
                reason=state.refusal,
            )
        if state.is_erased:
            return "erased"
        if not _lease(self._connection, **values):
            return "answered" if self.find([key]) else "leased"
        if state.is_over_run_budget:
            return "over_run_budget"
        if state.is_over_day_budget:
            return "over_day_budget"
        return _begin.one(self._connection, **values)

    def end(
        self,
        call_id: int,
        call: Call,
        reading: Reading | None = None,
        *,
        keeps_lease: bool = False,
    ) -> Reading | None:
        """Write down how a call ended.

        If the text was erased meanwhile, its answer is not kept.
        """
        with self._connection.transaction():
            # Results before calls, as erasing does, so that the two never wait for each other.
            if reading is not None:
                reading = self._answer(call_id, reading)
            elif not keeps_lease:
                _release(self._connection, call_id=call_id)
            values = {"call_id": call_id, "leniencies": list(call.leniencies)}
            _end(self._connection, **(call.model_dump() | values))
        if reading is None and keeps_lease:
            self._to_repeat.add(call_id)
        return reading

    def _answer(self, call_id: int, reading: Reading) -> Reading:
        """Keep an answer, or return the answer that was there before."""
        bare = [{"aspect": a.aspect, "score": a.score} for a in reading.aspects]
        values = reading.model_dump() | {
            "call_id": call_id,
            "aspects": Jsonb([aspect.model_dump() for aspect in reading.aspects]),
            "bare_aspects": Jsonb(bare),
        }
        if _answer(self._connection, **values):
            return reading
        return _standing.first(self._connection, call_id=call_id) or reading

    def unusable(self, first: int) -> UnusableAnswers:
        """Count the run's unusable answers."""
        return _unusable.one(self._connection, **self._run, first=first)

    def close(self) -> None:
        """Free the texts that were to be sent again, now that nobody will send them."""
        while self._to_repeat and not self._connection.closed:
            _release(self._connection, call_id=self._to_repeat.pop())


@contextmanager
def open_ledger(
    warehouse: Warehouse,
    *,
    run_id: str,
    model: str,
    prompt_version: str,
    run_usd: float,
    day_usd: float,
) -> Iterator[Ledger]:
    """Open a run's ledger.

    Args:
        warehouse: Where the ledger is.
        run_id: The run that its calls are booked on.
        model: The model asked.
        prompt_version: Version of the prompt.
        run_usd: The most that the run may spend.
        day_usd: The most that all runs of a day (UTC) may spend together.

    Raises:
        WarehouseUnavailable: Postgres could not be reached or went away.
    """
    run = {
        "run_id": run_id,
        "model": model,
        "prompt_version": prompt_version,
        "run_usd": run_usd,
        "day_usd": day_usd,
    }
    with warehouse.session() as connection:
        _limit_silence(connection)
        ledger = Ledger(connection, run)
        try:
            yield ledger
        except IdleInTransactionSessionTimeout as error:  # unlike others no OperationalError
            raise unavailable(error) from error
        finally:
            ledger.close()
