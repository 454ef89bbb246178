"""Makes Airflow's log-in wait after wrong passwords, as `waits` says.

Airflow's SimpleAuthManager turns a password into a token at several addresses, each a POST below
`/auth/`. All of them are covered.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from filmpulse.web import waits
from filmpulse.web.headers import answer, path_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LONGEST = 65_536  # bytes of a body; a name and a password take a hundred


class PatientLogIn:
    """ASGI middleware that refuses a log-in while its name must wait, and counts the others."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _is_log_in(scope):
            await self._app(scope, receive, send)
            return
        from starlette.concurrency import run_in_threadpool

        body = await _read(receive)
        if body is None:
            await answer(scope, receive, send, 413, "This is too long for a log-in.")
            return
        name, scope, body = _understand(scope, body)
        # Never X-Forwarded-For, which the client may write as it likes: only the server knows
        # whether a proxy of ours wrote it (`--proxy-headers`).
        address = (scope.get("client") or ("",))[0]
        seconds = await run_in_threadpool(_take, name, address)
        if seconds:
            detail = f"Too many wrong passwords for this name: try again in {seconds} seconds."
            await answer(scope, receive, send, 429, detail, {"Retry-After": str(seconds)})
            return

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 201:
                # Before the answer is sent: otherwise the next try could come first.
                await run_in_threadpool(_forget, name, address)
            await send(message)

        await self._app(scope, _replay(body, receive), send_and_count)


def _is_log_in(scope: Scope) -> bool:
    return scope["method"] == "POST" and path_of(scope).startswith("/auth/")


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body; None if it is too long for a log-in."""
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LONGEST:
            return None
        if not message.get("more_body", False):
            return body


def _understand(scope: Scope, body: bytes) -> tuple[str, Scope, bytes]:
    """Read the name; return the name, and the request as JSON of this name and password.

    So Airflow reads the same name as we do. A body that cannot be read counts for the empty name
    and is passed on unchanged, for Airflow to refuse.
    """
    headers = dict(scope["headers"])
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    try:
        if kind == b"application/x-www-form-urlencoded":
            fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
            said = {key: values[-1] for key, values in fields.items()}
        elif kind.endswith(b"json"):
            said = json.loads(body)
        else:
            return "", scope, body
        name, password = said["username"], said["password"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", scope, body
    if not isinstance(name, str) or not isinstance(password, str):
        return "", scope, body
    body = json.dumps({"username": name, "password": password}).encode()
    headers |= {b"content-type": b"application/json", b"content-length": str(len(body)).encode()}
    headers.pop(b"transfer-encoding", None)
    return name, {**scope, "headers": list(headers.items())}, body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first, and then the server's own messages."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


def _take(name: str, address: str) -> int:
    from airflow.utils.session import create_session

    with create_session() as session:
        return waits.take(session, name, address)


def _forget(name: str, address: str) -> None:
    from airflow.utils.session import create_session

    with create_session() as session:
        waits.forget(session, name, address)
