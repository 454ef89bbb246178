"""The one guard before the whole app: pages, API, static files and documents.

It lets nobody in who is not logged in, and asks for the right to read, or to change for any other
method than GET and HEAD. A route that erases asks for one more right (`door.erases`).

A browser sends its cookie along with forms that other sites wrote. So a request by cookie that
changes something must carry a token that only our pages hold: as the header `X-Filmpulse-Token`, or
in a form's field `token` (OWASP, "Cross-Site Request Forgery Prevention", HMAC-based token). A
bearer token needs none: no browser sends it unasked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection

from filmpulse.web.door import Door, Right, door_of, visitor_of
from filmpulse.web.problems import answer_for
from filmpulse.web.tokens import TOKEN_FIELD, TOKEN_HEADER, is_token

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = ("GET", "HEAD")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

LARGEST_BODY = 64_000_000
"""Bytes of a request; a form may send several files, of 25 MB each at most."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
"""The Content-Security-Policy of every answer: nothing of another host, nothing inline."""

# The answers are of one log-in: no cache may hand them to another.
_HEADERS = {"content-security-policy": POLICY, "vary": "Cookie, Authorization, Accept"}


class Guard:
    """ASGI middleware around the app; a door decides who comes in."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        """Wrap an app."""
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                # What has a tag may be kept, and is asked about each time.
                is_tagged = "etag" in headers
                headers.setdefault(
                    "cache-control", "private, no-cache" if is_tagged else "no-store"
                )
            await send(message)

        request = Request(scope, receive)
        request.state.door = self._door
        refusal = await self._refuse(request)
        if refusal is not None:
            answer = await run_in_threadpool(answer_for, request, refusal, self._door)
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, _limited(receive), send_with_headers)

    async def _refuse(self, request: Request) -> HTTPException | None:
        """Return why a request is refused; None if it may go on, with its visitor noted."""
        visitor = await self._door.visitor(request)
        if visitor is None:
            return HTTPException(401, "Log in first.", {"WWW-Authenticate": "Bearer"})
        is_reading = request.method in READING
        right = Right.READ if is_reading else Right.CHANGE
        if not await run_in_threadpool(visitor.may, right):
            what = "read Filmpulse's pages" if is_reading else "change anything here"
            return HTTPException(403, f"Your log-in, {visitor.name}, may not {what}.")
        size = request.headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > LARGEST_BODY:
            return HTTPException(413, f"A request may have {LARGEST_BODY // 1_000_000} MB at most.")
        request.state.visitor = visitor
        request.state.needs_token = visitor.by_cookie and not is_reading
        if request.state.needs_token:
            given = request.headers.get(TOKEN_HEADER)
            if given is not None and is_token(given, visitor, self._door):
                request.state.needs_token = False
            elif given is not None or not _is_form(request):
                return _cross_site()
        return None


def _is_form(request: HTTPConnection) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _FORMS


def _cross_site() -> HTTPException:
    return HTTPException(
        403,
        "This request does not come from a page of Filmpulse that was opened by this log-in: open "
        f"the page again. A script sends a bearer token, or {TOKEN_HEADER}.",
    )


async def check_form_token(request: Request) -> None:
    """Refuse a form of another site; for every route of the app.

    Raises:
        HTTPException: 403.
    """
    if getattr(request.state, "needs_token", False):
        form = await request.form()
        given = form.get(TOKEN_FIELD)
        if not isinstance(given, str) or not is_token(given, visitor_of(request), door_of(request)):
            raise _cross_site()


def _limited(receive: Receive) -> Receive:
    """Return a `receive` that ends a body that is longer than it may be, announced or not."""
    taken = 0

    async def next_message() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413, f"A request may have {LARGEST_BODY // 1_000_000} MB at most.")
        return message

    return next_message
