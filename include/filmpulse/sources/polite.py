"""Ask for permission to read: a site's robots.txt, and the gate that all workers share.

A refusal pauses the host for all workers and is final for the run. `gate_pause` in
`warehouse/queries/gate.sql` says for how long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from protego import Protego

from filmpulse import __version__
from filmpulse.errors import Blocked, SiteUnavailable
from filmpulse.retry_after import retry_after
from filmpulse.sources.refusals import REFUSALS

AGENT = "Filmpulse"
USER_AGENT = f"{AGENT}/{__version__}"


class Gate(Protocol):
    """Lets one request at a time through to a host, from all workers (`ops.host_state`)."""

    def wait(self, host: str) -> None:
        """Block until this caller may make one request.

        Raises:
            HostPaused: The host refused before, and its pause is not over.
        """

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        """Stop all requests to a host, longer with each refusal; return until when (UTC)."""

    def clear(self, host: str) -> None:
        """Forget the refusals of a host, after a good page."""


@contextmanager
def manners(gate: Gate, host: str) -> Iterator[None]:
    """Tell the gate how a request ended: a refusal pauses the host, a good page clears it.

    Raises:
        Blocked: The refusal; the sentence then says until when the host is paused.
    """
    try:
        yield
    except Blocked as error:
        until = gate.pause(host, error.reason, error.retry_after)
        sentence = f"{error}{say_pause(host, until)}"
        raise Blocked(sentence, reason=error.reason, retry_after=error.retry_after) from error
    gate.clear(host)


def say_pause(host: str, until: datetime) -> str:
    """Return a sentence on how long no request goes to a host, in UTC."""
    return f" Nothing is asked of {host} before {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC."


def fetch(client: httpx.Client, url: str) -> httpx.Response:
    """Fetch one small file without a browser, under our own name; return any answer.

    Raises:
        SiteUnavailable: No answer came (reason `timeout` or `unavailable`).
    """
    try:
        return client.get(url, headers={"User-Agent": USER_AGENT})
    except httpx.TimeoutException as error:
        raise SiteUnavailable(f"{url} gave no answer in time.", reason="timeout") from error
    except httpx.HTTPError as error:
        raise SiteUnavailable(f"{url} could not be read: {error}") from error


class Robots:
    """The rules of each host's robots.txt, fetched once per host and object.

    2xx is read, 404 and 410 allow everything, any other answer blocks; a refusal (202, 403, 405,
    429) also pauses the host. RFC 9309 would allow everything after any other 4xx.
    """

    def __init__(self, client: httpx.Client, gate: Gate) -> None:
        """Keep the client and the gate; nothing is fetched yet."""
        self._client = client
        self._gate = gate
        self._rules: dict[str, Protego] = {}

    def check(self, url: str) -> None:
        """Return if `url` may be read; fetching the rules takes one slot of the gate.

        Raises:
            Blocked: The rules forbid it, or cannot be read (reason `robots`).
            SiteUnavailable: The host did not answer (reason `timeout` or `unavailable`).
            HostPaused: From the gate.
        """
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self._rules:
            self._gate.wait(parts.netloc)
            self._rules[root] = self._fetch(parts.netloc, f"{root}/robots.txt", parts.path)
        if not self._rules[root].can_fetch(url, AGENT):
            raise Blocked(
                f"{parts.netloc} forbids {AGENT} to read {parts.path} (robots.txt): only pages "
                "that you save yourself can be read.",
                reason="robots",
            )

    def _fetch(self, host: str, url: str, path: str) -> Protego:
        answer = fetch(self._client, url)
        status = answer.status_code
        if answer.is_success and status not in REFUSALS:
            return Protego.parse(answer.text)
        if status in (404, 410):
            return Protego.parse("")
        sentence = f"{url} answered {status}, so {path} is not read now."
        wish = None
        if status in REFUSALS:
            wish = retry_after({"retry-after": answer.headers.get("retry-after", "")}, None)
            sentence += say_pause(host, self._gate.pause(host, "robots", wish))
        raise Blocked(sentence, reason="robots", retry_after=wish)
