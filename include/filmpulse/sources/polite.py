"""Manners towards a site: its robots.txt and the one gate that all workers share."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Gate(Protocol):
    """Lets one request at a time through to a host, from any worker.

    Sources are given a gate and know nothing of where it keeps its state (`ops.host_state`).
    """

    def wait(self, host: str) -> None:
        """Block until this caller's slot for one request has come.

        Raises:
            HostPaused: The host asked for quiet and the pause is not over (final for this run).
        """
        ...

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        """Stop all requests to a host, longer with each strike, and return until when (UTC)."""
        ...

    def clear(self, host: str) -> None:
        """Forget the strikes of a host: a good page came."""
        ...
