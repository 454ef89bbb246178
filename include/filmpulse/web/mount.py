"""The app as Airflow mounts it: built on its first request.

Every part of Airflow loads plugins, even each task; only the web server answers requests. So this
module imports nothing that a task does not need.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/filmpulse"


class WhenAsked:
    """An ASGI app that makes the web app when the first request comes."""

    def __init__(self) -> None:
        """Make nothing yet."""
        self._app: ASGIApp | None = None
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._app is None:
            from starlette.concurrency import run_in_threadpool

            await run_in_threadpool(self._make)
        if self._app is None:
            raise RuntimeError("The web app was not made.")
        await self._app(scope, receive, send)

    def _make(self) -> None:
        from filmpulse.airflow_bridge.server import AirflowDoor
        from filmpulse.web.app import create_app

        with self._lock:
            if self._app is None:
                self._app = create_app(AirflowDoor())
