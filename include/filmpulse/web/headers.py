"""The headers that tell a browser what a page of Airflow may do.

They stand on every answer: pages, the API, static files, errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # Airflow's pages style their elements one by one
    "img-src": "'self' data:",  # a graph, saved as a picture
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",  # the viewer of code and JSON
    "frame-src": "'self'",  # pages of plugins
    "frame-ancestors": "'self'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
"""The Content-Security-Policy (CSP level 3), directive by directive."""

HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "x-frame-options": "SAMEORIGIN",  # for browsers that do not know frame-ancestors
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}

# FastAPI gives each mounted app such pages, which run a script of another host. Airflow's setting
# `[api] enable_swagger_ui` turns off those of the main app only.
_DOCUMENTATION = {
    f"{app}{page}"
    for app in ("", "/auth", "/execution")
    for page in ("/docs", "/docs/oauth2-redirect", "/redoc")
}


class SecureHeaders:
    """ASGI middleware that adds `HEADERS`, and answers 404 to pages that document the API.

    A header that an answer already has stays: a page may set a stricter policy.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        If the app raises an error, answer 500 with the headers and raise the error again for the
        log: the server's own answer would have no headers.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from starlette.datastructures import MutableHeaders

        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if path_of(scope).rstrip("/") in _DOCUMENTATION:
            await answer(scope, receive, send_with_headers, 404, "There is no such page.")
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if not has_begun:
                await answer(scope, receive, send_with_headers, 500, "Internal Server Error")
            raise


def path_of(scope: Scope) -> str:
    """Return a request's path within Airflow, without the path that Airflow is mounted at."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


async def answer(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
) -> None:
    """Send a whole answer in the form of Airflow's errors: JSON with `detail`."""
    from starlette.responses import JSONResponse

    await JSONResponse({"detail": detail}, status, headers)(scope, receive, send)
