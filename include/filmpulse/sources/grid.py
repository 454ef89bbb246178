"""A Selenium Grid, as its hub describes it: the address with its log-in, the nodes, their slots.

Knows no Selenium, and no site.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from filmpulse.errors import BadInput, BrowserUnavailable

CHROMIUM = "chrome"  # the W3C name (`browserName`) of Chrome and of Chromium
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REFUSED = "The Selenium Grid refuses the user or the password in SELENIUM_REMOTE_URL."
UNKNOWN = "SELENIUM_REMOTE_URL names no Selenium Grid: give `http://user:password@host:4444`."
_SECONDS = 10.0


class Address(NamedTuple):
    """Where the hub of a Grid is; `url` can be shown, for the log-in is not part of it."""

    url: str
    user: str | None
    password: str | None

    @property
    def is_local(self) -> bool:
        """Whether the hub is on this machine, which no proxy for the outside world can reach."""
        return urlsplit(self.url).hostname in LOOPBACK


class Node(NamedTuple):
    """A node of a Grid, as the hub sees the node."""

    address: str
    is_up: bool
    slots: int  # how many Chromium browsers can run at once
    sessions: int  # how many browsers run; the hub counts those of a lost node for a while


def read_address(remote_url: SecretStr) -> Address:
    """Take the log-in out of the address of a Grid.

    Raises:
        BadInput: It is no http or https address; the message does not show the address.
    """
    parts = urlsplit(remote_url.get_secret_value())
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise BadInput(UNKNOWN) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(UNKNOWN)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(
        f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def read_nodes(remote_url: SecretStr) -> list[Node]:
    """Ask the hub of a Grid for its nodes.

    Raises:
        BadInput: The address is no Grid's, or the Grid refuses the log-in.
        BrowserUnavailable: The hub does not answer (`grid_unavailable`).
    """
    address = read_address(remote_url)
    log_in = (address.user, address.password or "") if address.user else None
    try:
        answer = httpx.get(
            f"{address.url}/status", auth=log_in, timeout=_SECONDS, trust_env=not address.is_local
        )
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise BadInput(REFUSED)
        nodes = answer.raise_for_status().json()["value"]["nodes"]
        return [_node(node) for node in nodes]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BrowserUnavailable(
            f"The Selenium Grid at {address.url} does not answer.", reason="grid_unavailable"
        ) from error
    except (ValueError, LookupError, TypeError) as error:
        raise BadInput(UNKNOWN) from error


def _node(told: dict[str, Any]) -> Node:
    fit = [slot for slot in told["slots"] if slot["stereotype"].get("browserName") == CHROMIUM]
    return Node(
        told["uri"],
        told["availability"] == "UP",
        min(len(fit), told["maxSessions"]),
        sum(slot["session"] is not None for slot in fit),
    )
