"""The answer, or the error, in the body of an endpoint's response, in any shape.

Nothing in a body is trusted. Nothing of it is shown to people before `client.py` has looked for
pieces of the key and of the review in it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_BOM = b"\xef\xbb\xbf"
_STREAM = re.compile(rb"\s*(?:data|event|id|retry)?:")
_PAGE = re.compile(r"\s*(?:<!doctype\s+html|<html)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_STATUS = re.compile("[45][0-9]{2}")
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")

MOST_READ = 20_000
"""Characters of an error's body or of a page that are read."""

# Words of OpenAI, Anthropic and google.rpc, and the HTTP status that each stands for.
_STANDS_FOR = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "unauthenticated": 401,
    "permission_denied": 403,
    "permission_error": 403,
    "not_found": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "resource_exhausted": 429,
    "invalid_argument": 400,
    "invalid_request_error": 400,
    "server_error": 500,
    "overloaded_error": 503,
    "unavailable": 503,
}


class Fault(NamedTuple):
    """An error as an endpoint words it.

    `status` is the HTTP status that its code stands for. `codes` are its short words, the most
    specific first. `param` is the field of the request that the error is about.
    """

    status: int | None = None
    codes: tuple[str, ...] = ()
    message: str | None = None
    param: str | None = None


def plain_body(body: bytes) -> tuple[bytes, bool]:
    """Return a body without its byte order mark, and whether it was a stream of events.

    The events of a stream, which nobody asked for, are put together to one answer.
    """
    body = body.removeprefix(_BOM)
    chunks = list(_chunks(body)) if _STREAM.match(body) else []
    return (json.dumps(_assembled(chunks)).encode(), True) if chunks else (body, False)


def _chunks(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.decode(errors="replace").splitlines():
        chunk = _json(line.removeprefix("data:")) if line.startswith("data:") else None
        if isinstance(chunk, dict):
            yield chunk


def _assembled(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the pieces of a streamed chat completion together, of its first choice only."""
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": message}
    for chunk in chunks:
        whole |= {k: chunk[k] for k in ("error", "usage", "service_tier") if chunk.get(k)}
        part = _first(chunk.get("choices"))
        choice |= {k: part[k] for k in ("error", "finish_reason") if part.get(k)}
        delta = part.get("delta")
        if not isinstance(delta, dict):
            continue
        for name in _TEXTS:
            if isinstance(delta.get(name), str):
                message[name] = message.get(name, "") + delta[name]
        call = _first(delta.get("tool_calls")).get("function")
        if isinstance(call, dict) and isinstance(call.get("arguments"), str):
            calls = message.setdefault("tool_calls", [{"function": {"arguments": ""}}])
            calls[0]["function"]["arguments"] += call["arguments"]
    return whole | {"choices": [choice]}


def fault_in(body: bytes, *, is_answer: bool = False) -> Fault | None:
    """Return the error in a body, or None where there is none.

    Args:
        body: As `plain_body` returns it.
        is_answer: Whether the HTTP status says that all is well. Then only what the body itself
            calls an error counts as one.
    """
    said = _json(body[: 50 * MOST_READ].decode(errors="replace"))
    said = said[0] if isinstance(said, list) and said else said
    if isinstance(said, dict):
        error = said.get("error") or _first(said.get("choices")).get("error")
        if error or not is_answer:
            return _fault(error or said, said)
        return None
    text = body[:MOST_READ].decode(errors="replace").strip()
    is_words = said is None and text and page_title(body) is None
    return Fault(message=text) if is_words and not is_answer else None


def _fault(error: object, around: dict[str, Any]) -> Fault:
    told: dict[str, Any] = error if isinstance(error, dict) else around
    message = error if isinstance(error, str) else told.get("message") or told.get("detail")
    codes = [told.get(name) for name in ("code", "type", "status")]
    numbers = [int(str(code)) for code in codes if _STATUS.fullmatch(str(code))]
    words = tuple(code for code in codes if isinstance(code, str) and not _STATUS.fullmatch(code))
    meant = [_STANDS_FOR[word.lower()] for word in words if word.lower() in _STANDS_FOR]
    param = told.get("param")
    return Fault(
        status=next(iter(numbers + meant), None),
        codes=words,
        message=message if isinstance(message, str) else None,
        param=param if isinstance(param, str) else None,
    )


def page_title(body: bytes) -> str | None:
    """Return the title of a web page, empty if it has none; None if the body is no page."""
    text = body[:MOST_READ].decode(errors="replace")
    if not _PAGE.match(text):
        return None
    found = _TITLE.search(text)
    return " ".join(html.unescape(found[1]).split()) if found else ""


def _first(items: object) -> dict[str, Any]:
    """Return the first item of a list if it is an object, else an empty object."""
    first = items[0] if isinstance(items, list) and items else None
    return first if isinstance(first, dict) else {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
