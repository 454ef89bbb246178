"""The ledger of requests to a model: leases, answers, attempts, budgets (docs/adr/0021)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from psycopg import Rollback
from psycopg.errors import IdleInTransactionSessionTimeout, LockNotAvailable
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from filmpulse.errors import LlmRefused
from filmpulse.items import Call, Held, Reading, ReviewText, UnusableAnswers
from filmpulse.warehouse import Connection, Warehouse, sql, unavailable


class Ledger:
    """One run's view of the ledger, on a connection of its own; `open_ledger` makes it."""

    def __init__(
        self,
        connection: Connection,
        *,
        run_id: str,
        model: str,
        prompt_version: str,
        run_usd: float,
        day_usd: float,
    ) -> None:
        """Keep what every call of the run has in common.

        Args:
            connection: In autocommit mode, used by nobody else.
            run_id: What the calls are booked on.
            model: The model asked.
            prompt_version: Version of the prompt.
            run_usd: The most that the run may spend.
            day_usd: The most that all runs of a day (UTC) may spend together.
        """
        self._connection = connection
        self._run = {
            "run_id": run_id,
            "model": model,
            "prompt_version": prompt_version,
            "run_usd": run_usd,
            "day_usd": day_usd,
        }
        self._to_repeat: set[int] = set()

    def find(self, keys: Collection[str]) -> dict[str, Reading]:
        """Return the answers there are; see `analysis.llm.ledger.Ledger`."""
        rows = self._connection.execute(sql("ledger_find"), {"keys": list(keys)})
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
        """Take a text before it is sent, or say why it may not be; see the protocol.

        Workers take turns here, so two can never both spend what is left for one.
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
                self._connection.execute(sql("ledger_patience"))
                self._connection.execute(sql("ledger_turn"))
                outcome = self._take(values)
                if isinstance(outcome, str):
                    raise Rollback(transaction)
        except LockNotAvailable:
            return "leased"  # by whoever has the turn so long: ask again
        if after is not None and isinstance(outcome, int):
            self._to_repeat.discard(after)
        return outcome

    def _take(self, values: dict[str, object]) -> int | Held:
        state = self._one("ledger_state", values)
        if state["refusal"]:
            raise LlmRefused(
                state["refusal_sentence"] or "The model's endpoint refuses all requests.",
                reason=state["refusal"],
            )
        if state["is_erased"]:
            return "erased"
        if self._connection.execute(sql("ledger_lease"), values).fetchone() is None:
            return "answered" if self.find([str(values["key"])]) else "leased"
        if state["is_over_run_budget"]:
            return "over_run_budget"
        if state["is_over_day_budget"]:
            return "over_day_budget"
        call_id: int = self._one("ledger_begin", values)["call_id"]
        return call_id

    def end(
        self,
        call_id: int,
        call: Call,
        reading: Reading | None = None,
        *,
        keeps_lease: bool = False,
    ) -> Reading | None:
        """Write down how a call ended; see the protocol.

        One about words that were erased meanwhile is not kept.
        """
        with self._connection.transaction():
            # Results before calls, as erasing does, so that the two never wait for each other.
            if reading is not None:
                reading = self._answer(call_id, reading)
            elif not keeps_lease:
                self._connection.execute(sql("ledger_release"), {"call_id": call_id})
            values = {"call_id": call_id, "leniencies": list(call.leniencies)}
            self._connection.execute(sql("ledger_end"), call.model_dump() | values)
        if reading is None and keeps_lease:
            self._to_repeat.add(call_id)
        return reading

    def _answer(self, call_id: int, reading: Reading) -> Reading:
        """Keep an answer, or return the one that was there before."""
        bare = [{"aspect": a.aspect, "score": a.score} for a in reading.aspects]
        values = reading.model_dump() | {
            "call_id": call_id,
            "aspects": Jsonb([aspect.model_dump() for aspect in reading.aspects]),
            "bare_aspects": Jsonb(bare),
        }
        if self._connection.execute(sql("ledger_answer"), values).rowcount:
            return reading
        standing = self._connection.execute(sql("ledger_standing"), {"call_id": call_id}).fetchone()
        return Reading.model_validate(standing) if standing else reading

    def unusable(self, first: int) -> UnusableAnswers:
        """Count the run's unusable answers; see the protocol."""
        return UnusableAnswers(**self._one("ledger_unusable", {**self._run, "first": first}))

    def close(self) -> None:
        """Free the texts that were to be sent again, now that nobody will."""
        while self._to_repeat and not self._connection.closed:
            self._connection.execute(sql("ledger_release"), {"call_id": self._to_repeat.pop()})

    def _one(self, query: str, values: dict[str, object]) -> DictRow:
        row = self._connection.execute(sql(query), values).fetchone()
        assert row is not None  # noqa: S101 - aggregates and INSERTs always return one
        return row


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
    """Open a run's ledger; see `Ledger`.

    Raises:
        WarehouseUnavailable: Postgres could not be reached or went away.
    """
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(sql("ledger_timeout"))
        ledger = Ledger(
            connection,
            run_id=run_id,
            model=model,
            prompt_version=prompt_version,
            run_usd=run_usd,
            day_usd=day_usd,
        )
        try:
            yield ledger
        except IdleInTransactionSessionTimeout as error:  # no OperationalError, as others are
            raise unavailable(error) from error
        finally:
            ledger.close()
