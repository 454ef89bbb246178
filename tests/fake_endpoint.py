"""An OpenAI-compatible endpoint on loopback that answers in one of many odd ways.

The first part of a request's path names the mode: `http://127.0.0.1:PORT/fenced/v1`. An unknown
mode answers well.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any, NamedTuple

from filmpulse.items import ASPECTS

MODEL = "m"
ABSENT = {"mentioned": False, "quote": None, "score": None}
ANSWER = dict.fromkeys(ASPECTS, ABSENT) | {"overall": {"quote": None, "score": 1}}
GOOD = json.dumps(ANSWER)
USAGE = {"prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020}
JSON, HTML, TEXT, EVENTS = "application/json", "text/html", "text/plain", "text/event-stream"


class Sent(NamedTuple):
    """A response: an object becomes JSON."""

    body: object
    status: int = 200
    content_type: str = JSON


def completion(
    content: object = GOOD, *, usage: object = USAGE, finish: str | None = "stop", **message: Any
) -> Sent:
    """Return a chat completion whose message holds this; no usage if that is `...`."""
    whole = {"role": "assistant", "content": content, **message}
    body: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "message": whole, "finish_reason": finish}],
    }
    return Sent(body if usage is ... else body | {"usage": usage})


def changed(**parts: object) -> str:
    """Return the answer with some of its keys changed or added."""
    return json.dumps(ANSWER | parts)


def error(status: int, message: str, **more: object) -> Sent:
    """Return an error in OpenAI's words."""
    return Sent({"error": {"message": message, **more}}, status)


def events(*chunks: object) -> Sent:
    """Return a stream of chunks."""
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return Sent("".join([*lines, "data: [DONE]\n\n"]).encode(), content_type=EVENTS)


def _delta(**delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta}]}


def _without_schema(asked: dict[str, Any]) -> Sent:
    if asked.get("response_format", {}).get("type") == "json_schema":
        return error(
            400,
            "This response_format type is unavailable now",
            type="invalid_request_error",
            code="invalid_request_error",
        )
    return completion()


def _without_format(asked: dict[str, Any]) -> Sent:
    if "response_format" in asked:
        said = "The response_format parameter is unsupported at the moment. Leave it unset."
        return Sent({"code": "Client specified an invalid argument", "error": said}, 400)
    return completion()


def _without_max_tokens(asked: dict[str, Any]) -> Sent:
    if "max_tokens" in asked:
        return error(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            type="invalid_request_error",
            param="max_tokens",
            code="unsupported_parameter",
        )
    return completion()


def _without_either(asked: dict[str, Any]) -> Sent:
    formatless = _without_format(asked)
    return formatless if formatless.status != 200 else _without_max_tokens(asked)


_CALL = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": GOOD}}
_PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
_THOUGHTS = "<think>\nThe reviewer says {things}. So the score is 1.\n</think>\n\n"
_QUOTA = "You exceeded your current quota, please check your plan and billing details."

CHATS: dict[str, Sent | Callable[[dict[str, Any]], Sent]] = {
    "fenced": completion(f"```json\n{GOOD}\n```"),
    "fencedprose": completion(f"Here is the JSON you asked for:\n\n```json\n{GOOD}\n```\nBye!"),
    "think": completion(_THOUGHTS + GOOD),
    "thinkend": completion(f"The reviewer liked it.\n</think>\n\n{GOOD}"),
    "reasoning": completion(reasoning_content="thoughts", reasoning="thoughts"),
    "reasononly": completion("", reasoning_content=GOOD),
    "nulluse": completion(usage=None),
    "nouse": completion(usage=...),
    "strtokens": completion(usage={"prompt_tokens": "900", "completion_tokens": "120"}),
    "halfuse": completion(usage={"prompt_tokens": 900, "total_tokens": 900}),
    "hugeuse": completion(usage=USAGE | {"completion_tokens": -1, "total_tokens": 899}),
    "nullfinish": completion(finish=None),
    "eos": completion(finish="eos_token"),
    "errfinish": completion("", finish="error"),
    "parts": completion([*_PARTS, {"type": "text", "text": GOOD}]),
    "parts1": completion([{"type": "text", "text": GOOD}]),
    "tool": completion(None, finish="tool_calls", tool_calls=[_CALL]),
    "err200": Sent({"error": {"message": "Provider returned error", "code": 429}}),
    "err200key": Sent({"error": {"message": "No auth credentials found", "code": 401}}),
    "err200money": Sent({"error": {"message": "Insufficient credits", "code": 402}}),
    "err200down": Sent({"error": {"message": "Overloaded", "code": 503}}),
    "err200gate": Sent({"error": {"message": "Bad gateway", "code": 502}}),
    "err200odd": Sent({"error": "Something went wrong"}),
    "err200choice": Sent(
        {
            "id": "x",
            "choices": [
                {
                    "index": 0,
                    "error": {"code": 502, "message": "Upstream"},
                    "finish_reason": "error",
                    "message": {"role": "assistant", "content": ""},
                }
            ],
            "usage": dict.fromkeys(USAGE, 0),
        }
    ),
    "emptychoices": Sent(
        {
            "id": "x",
            "choices": [],
            "usage": {"prompt_tokens": 900, "completion_tokens": 0, "total_tokens": 900},
        }
    ),
    "nullchoices": Sent({"id": "x", "choices": None}),
    "noschema": _without_schema,
    "noformat": _without_format,
    "nomax": _without_max_tokens,
    "noneither": _without_either,
    "strerr": Sent({"error": "'response_format.type' must be 'json_schema' or 'text'"}, 400),
    "plain400": Sent(b"bad request", 400, TEXT),
    "listerr": Sent([{"error": {"code": 400, "message": "Invalid JSON payload received."}}], 400),
    "gemini429": Sent(
        [{"error": {"code": 429, "message": _QUOTA, "status": "RESOURCE_EXHAUSTED"}}], 429
    ),
    "html200": Sent(b"<html><head><title>Sign in here</title></head>Welcome</html>", 200, HTML),
    "sse": events(_delta(content=GOOD)),
    "ssepieces": events(
        _delta(role="assistant", content=""),
        *(_delta(content=GOOD[at : at + 40]) for at in range(0, len(GOOD), 40)),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": USAGE},
    ),
    "sseerror": events(
        _delta(content=GOOD[:40]), {"error": {"message": "Provider went away", "code": 502}}
    ),
    "trailing": completion(f"{GOOD}\n\n"),
    "single": completion(GOOD.replace('"', "'")),
    "floats": completion(GOOD.replace('"score": 1', '"score": 1.0')),
    "strscore": completion(GOOD.replace('"score": 1', '"score": "1"')),
    "extra": completion(changed(reasoning="because")),
    "wrapped": completion(json.dumps({"answer": ANSWER})),
    "zeroscore": completion(changed(acting={"mentioned": False, "quote": "", "score": 0})),
    "noquote": completion(changed(acting={"mentioned": True, "quote": None, "score": 1})),
    "length": completion(GOOD[:50], finish="length"),
    "refusal": completion(None, refusal="no"),
    "bom": Sent(b"\xef\xbb\xbf" + json.dumps(completion().body).encode()),
    "padded": Sent(b"\n\n\n   \n" + json.dumps(completion().body).encode()),
}
"""How each mode answers a chat; the others answer well."""

LISTS: dict[str, Sent] = {
    "nodata": Sent({"models": [MODEL]}),
    "listmodels": Sent([{"id": MODEL}]),
    "htmlmodels": Sent(b"<html>login</html>", 200, HTML),
    "nulldata": Sent({"object": "list", "data": None}),
    "m404": Sent({"error": "nope"}, 404),
    "m500": Sent({"error": "nope"}, 500),
    "numid": Sent({"data": [{"id": 1}, {"name": MODEL}]}),
}
"""How each mode lists its models; the others list the one there is."""


class FakeEndpoint(ThreadingHTTPServer):
    """The server, and what it was asked: the path with its query, the headers, the body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        self.chats: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.lists: list[tuple[str, dict[str, str]]] = []

    def url(self, mode: str) -> str:
        """Return a mode's base URL."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}/{mode}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body waits 40 ms for the head's acknowledgement
    server: FakeEndpoint

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.lists.append((self.path, dict(self.headers)))
        well = Sent({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        self._send(LISTS.get(self._mode, well))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.chats.append((self.path, dict(self.headers), asked))
        answer = CHATS.get(self._mode, completion())
        self._send(answer if isinstance(answer, Sent) else answer(asked))

    @property
    def _mode(self) -> str:
        return self.path.split("/")[1]

    def _send(self, sent: Sent) -> None:
        body = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body).encode()
        self.send_response(sent.status)
        self.send_header("Content-Type", sent.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running(certificate: Path | None = None) -> Iterator[FakeEndpoint]:
    """Serve until the end, by TLS if there is a file with a certificate and its key."""
    with FakeEndpoint() as server:
        if certificate is not None:
            context = SSLContext(PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.scheme = "https"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
