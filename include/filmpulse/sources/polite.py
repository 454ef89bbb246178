"""Asking leave of a site: its robots.txt, and the one gate that all workers share."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from protego import Protego

from filmpulse import __version__
from filmpulse.errors import Blocked, SiteUnavailable
from filmpulse.retry_after import retry_after
from filmpulse.sources.refusals import REFUSALS, say_pause

AGENT = "Filmpulse"
USER_AGENT = f"{AGENT}/{__version__}"


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


def fetch(client: httpx.Client, url: str) -> httpx.Response:
    """Ask for one small file, without a browser and under our own name; any status is an answer.

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
    """What each host's robots.txt lets us read, fetched once per host and object.

    As RFC 9309 has it, except that a robots.txt that cannot be had now means "not now", never
    "all is allowed": 2xx is read, 404 and 410 allow everything, any other answer blocks. One that
    is refused as pages are (202, 403, 405, 429) pauses the host as a refused page does.
    """

    def __init__(self, client: httpx.Client, gate: Gate) -> None:
        """Keep the client (with its time limits) and the gate; nothing is fetched yet."""
        self._client = client
        self._gate = gate
        self._rules: dict[str, Protego] = {}

    def check(self, url: str) -> None:
        """Return if `url` may be read; fetching the rules takes one slot of the gate.

        Raises:
            Blocked: The rules forbid it, or cannot be had (reason `robots`).
            SiteUnavailable: The host did not answer at all (reason `timeout` or `unavailable`).
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
