"""The one gate for every request to a host, from any worker: `ops.host_state`."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple, Self

import psycopg

from filmpulse.errors import HostBusy, HostPaused
from filmpulse.warehouse import Connection, Warehouse, unavailable
from filmpulse.warehouse.statement import Command, Query, Scalar

log = logging.getLogger(__name__)

_LOCK_SPACE = 0x686F7374  # "host": keeps our advisory locks apart from others
_LOCK_SECONDS = 900.0
"""How long a task waits for others."""


class _HostState(NamedTuple):
    """When a host may be asked next, and whether it is paused; a row of `ops.host_state`."""

    paused_until: datetime | None
    reason: str | None
    wait_s: float


_ensure = Command("gate_ensure")
_read = Query("gate_read", _HostState)
_take = Command("gate_take")
_pause = Scalar[datetime]("gate_pause")
_clear = Command("gate_clear")


class HostGate:
    """Lets one request at a time through to each host, `gap_seconds` apart.

    A slot is a session-level advisory lock of Postgres. The caller holds it from `wait` to the next
    `wait` or to the end of the block. So two workers never ask one host at once, the queue is first
    come, first served (a scrape does not starve a detector), and a killed worker lets go.

    Use it as a context manager, one object per thread.
    """

    def __init__(
        self, warehouse: Warehouse, gap_seconds: float, patience_seconds: float | None = None
    ) -> None:
        """Keep the warehouse and how long to wait.

        Args:
            warehouse: Where the slots are.
            gap_seconds: The least time between two requests to one host.
            patience_seconds: The most time that one `wait` takes; if None, a quarter of an hour
                for others, and then the gap.
        """
        self._warehouse = warehouse
        self._gap = gap_seconds
        self._patience = patience_seconds
        self._lock_seconds = _LOCK_SECONDS if patience_seconds is None else patience_seconds
        self._stack = ExitStack()
        self._connection: Connection

    def __enter__(self) -> Self:
        """Open the connection that holds the locks."""
        self._connection = self._stack.enter_context(self._warehouse.session())
        most_ms = max(1, round(self._lock_seconds * 1000))  # 0 would be without end
        self._connection.execute(f"SET lock_timeout = {most_ms}")
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of every lock."""
        self._stack.close()

    def wait(self, host: str) -> None:
        """Block until this caller's slot for one request has come.

        Raises:
            HostPaused: The host asked for quiet and the pause is not over.
            HostBusy: Other workers held the host for longer than the gate's patience.
            WarehouseUnavailable: The gate could not be asked; no request may go.
        """
        connection, began = self._connection, time.monotonic()
        try:
            connection.execute("SELECT pg_advisory_unlock_all()")
            _ensure(connection, host=host)
            _refuse_if_paused(connection, host)
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_LOCK_SPACE, host))
            seconds = max(0.0, _refuse_if_paused(connection, host))
            if self._patience is not None and time.monotonic() - began + seconds > self._patience:
                raise self._busy(host)
            time.sleep(seconds)
            _take(connection, host=host, gap=self._gap)
        except psycopg.errors.LockNotAvailable as error:
            raise self._busy(host) from error
        except psycopg.OperationalError as error:
            raise unavailable(error) from error

    def _busy(self, host: str) -> HostBusy:
        return HostBusy(f"Other workers kept {host} busy for {self._lock_seconds:.0f} s.")

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        """Stop all requests to a host, longer with each strike, and return until when (UTC)."""
        until = _pause.one(self._warehouse, host=host, reason=reason, retry_after=retry_after or 0)
        log.warning("%s refused (%s); no request goes there before %s", host, reason, until)
        return until

    def clear(self, host: str) -> None:
        """Forget the strikes of a host: a good page came.

        Raises:
            WarehouseUnavailable: The gate could not be told.
        """
        try:
            _clear(self._connection, host=host)
        except psycopg.OperationalError as error:
            raise unavailable(error) from error


def _refuse_if_paused(connection: Connection, host: str) -> float:
    """Return how many seconds the host's next slot is away; raise `HostPaused` if it is paused."""
    state = _read.one(connection, host=host)
    if state.paused_until is not None and state.paused_until > datetime.now(UTC):
        raise HostPaused(
            f"{host} asked for quiet ({state.reason}); nothing is asked of it before "
            f"{state.paused_until:%Y-%m-%d %H:%M} UTC.",
            until=state.paused_until,
            reason=state.reason,
        )
    return state.wait_s
