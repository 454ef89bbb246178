"""Airflow below a path of a host, as a proxy shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class BelowPath:
    """ASGI middleware that adds the path of Airflow's `[api] base_url` to requests without it.

    Airflow finds its mounted apps only below that path. But who reaches Airflow without the proxy
    (tasks, health checks) need not know where the proxy shows it.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        root, path = scope.get("root_path", ""), scope.get("path", "")
        if root and not f"{path}/".startswith(f"{root}/"):
            scope = {**scope, "path": root + path}
        await self._app(scope, receive, send)
