"""The one gate for every request to a host, from any worker: `ops.host_state`."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import psycopg

from filmpulse.errors import HostPaused, SiteUnavailable
from filmpulse.warehouse import Connection, Warehouse, sql, unavailable

log = logging.getLogger(__name__)

_LOCK_SPACE = 0x686F7374  # "host": keeps our advisory locks apart from others
_LOCK_TIMEOUT = "900s"


class HostGate:
    """Lets one request at a time through to each host, `gap_seconds` apart.

    A slot is a session-level advisory lock of Postgres, held from `wait` to the caller's next
    `wait` or the end of the block, so that two workers never ask one host at once, the queue is
    first come first served (a detector is not starved by a scrape), and a killed worker lets go.

    Use as a context manager; one object a thread.
    """

    def __init__(self, warehouse: Warehouse, gap_seconds: float) -> None:
        """Keep the warehouse and the least time between two requests to one host."""
        self._warehouse = warehouse
        self._gap = gap_seconds
        self._stack = ExitStack()
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        """Open the connection that holds the locks."""
        self._connection = self._stack.enter_context(self._warehouse.connect(autocommit=True))
        self._connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of every lock."""
        self._connection = None
        self._stack.__exit__(None, None, None)

    def wait(self, host: str) -> None:
        """Block until this caller's slot for one request has come.

        Raises:
            HostPaused: The host asked for quiet and the pause is not over.
            SiteUnavailable: Other workers held the host for a quarter of an hour.
            WarehouseUnavailable: The gate could not be asked; no request may go.
        """
        try:
            connection = self._open()
            connection.execute("SELECT pg_advisory_unlock_all()")
            connection.execute(sql("gate_ensure"), {"host": host})
            self._refuse_if_paused(connection, host)
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_LOCK_SPACE, host))
            wait = self._refuse_if_paused(connection, host)
            if wait > 0:
                time.sleep(wait)
            connection.execute(sql("gate_take"), {"host": host, "gap": self._gap})
        except psycopg.errors.LockNotAvailable as error:
            raise SiteUnavailable(
                f"Other workers kept {host} busy for {_LOCK_TIMEOUT}.", reason="timeout"
            ) from error
        except psycopg.OperationalError as error:
            raise unavailable(error) from error

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        """Stop all requests to a host, longer with each strike, and return until when (UTC)."""
        (row,) = self._warehouse.rows(
            "gate_pause", host=host, reason=reason, retry_after=retry_after or 0
        )
        until: datetime = row["paused_until"]
        log.warning("%s refused (%s); no request goes there before %s", host, reason, until)
        return until

    def clear(self, host: str) -> None:
        """Forget the strikes of a host: a good page came.

        Raises:
            WarehouseUnavailable: The gate could not be told.
        """
        try:
            self._open().execute(sql("gate_clear"), {"host": host})
        except psycopg.OperationalError as error:
            raise unavailable(error) from error

    def _open(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("HostGate is used outside its `with` block")
        return self._connection

    @staticmethod
    def _refuse_if_paused(connection: Connection, host: str) -> float:
        row = connection.execute(sql("gate_read"), {"host": host}).fetchone()
        if row is None:
            return 0.0
        until: datetime | None = row["paused_until"]
        if until is not None and until > datetime.now(UTC):
            raise HostPaused(
                f"{host} asked for quiet ({row['reason']}); nothing is asked of it before "
                f"{until:%Y-%m-%d %H:%M} UTC.",
                until=until,
                reason=row["reason"],
            )
        wait: float = row["wait_s"]
        return wait
