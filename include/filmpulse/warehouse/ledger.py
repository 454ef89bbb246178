"""The ledger of requests to a model: leases, answers, attempts, budgets (docs/adr/0021)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

from psycopg import Rollback
from psycopg.types.json import Jsonb

from filmpulse.errors import LlmRefused
from filmpulse.items import Call, Reading, ReviewText
from filmpulse.warehouse import Connection, Warehouse, sql

Held = Literal["leased", "answered", "over_run_budget", "over_day_budget"]


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
        self._asked = {"run_id": run_id, "model": model, "prompt_version": prompt_version}
        self._run_usd, self._day_usd = run_usd, day_usd

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
            **self._asked,
            "key": key,
            "content_hash": text.content_hash,
            "imdb_id": text.imdb_id,
            "most_usd": most_usd,
            "lease_seconds": lease_seconds,
            "after": after,
        }
        held: Held | None = None
        call_id: int = 0
        connection = self._connection
        with connection.transaction() as transaction:
            connection.execute(sql("ledger_turn"))
            spent = connection.execute(sql("ledger_spent"), values).fetchone()
            assert spent is not None  # noqa: S101 - an aggregate always has a row
            if spent["stop_outcome"]:
                raise LlmRefused(spent["stop_sentence"], reason=spent["stop_outcome"])
            leased = connection.execute(sql("ledger_lease"), values).fetchone()
            if leased is None:
                held = "answered" if self.find([key]) else "leased"
            elif float(spent["run_usd"]) + most_usd > self._run_usd:
                held = "over_run_budget"
            elif float(spent["day_usd"]) + most_usd > self._day_usd:
                held = "over_day_budget"
            if held:
                raise Rollback(transaction)
            began = connection.execute(sql("ledger_begin"), values).fetchone()
            assert began is not None  # noqa: S101
            call_id = began["call_id"]
        return call_id if held is None else held

    def end(
        self,
        call_id: int,
        text: ReviewText,
        call: Call,
        reading: Reading | None = None,
        *,
        keeps_lease: bool = False,
    ) -> None:
        """Write down how a call ended; see the protocol.

        The first answer to a key stays. An answer whose review was erased meanwhile is not kept.
        """
        answer = reading or Reading(status="failed")
        with self._connection.transaction():
            self._connection.execute(sql("ledger_end"), call.model_dump() | {"call_id": call_id})
            if reading is not None:
                self._connection.execute(
                    sql("ledger_answer"),
                    answer.model_dump(exclude={"aspects"})
                    | text.model_dump(include={"source", "review_id"})
                    | {
                        "call_id": call_id,
                        "aspects": Jsonb([aspect.model_dump() for aspect in answer.aspects]),
                    },
                )
            elif not keeps_lease:
                self._connection.execute(sql("ledger_release"), {"call_id": call_id})


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
        yield Ledger(
            connection,
            run_id=run_id,
            model=model,
            prompt_version=prompt_version,
            run_usd=run_usd,
            day_usd=day_usd,
        )
