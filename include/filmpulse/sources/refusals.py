"""Recognise a site's refusal by its status, and pause the host.

A refusal pauses the host for all workers and is final for the run. `gate_pause` in
`warehouse/queries/gate.sql` says for how long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filmpulse.errors import Blocked, NotFound, SiteUnavailable
from filmpulse.items import Page
from filmpulse.retry_after import retry_after

if TYPE_CHECKING:
    from filmpulse.sources.polite import Gate

# Status -> reason. 202 and 405 are how AWS WAF challenges (AWS WAF developer guide, "How CAPTCHA
# and Challenge actions work").
REFUSALS = {202: "challenge", 403: "forbidden", 405: "captcha", 429: "rate_limited"}


def check_status(page: Page) -> None:
    """Judge a page by status and headers alone; a saved page has none and passes.

    Raises:
        Blocked: A status of `REFUSALS`, or a header of AWS WAF.
        NotFound: Status 404 or 410.
        SiteUnavailable: Any other status that is not 2xx.
    """
    status = page.status
    action = page.headers.get("x-amzn-waf-action", "").lower()
    if status in REFUSALS or action:
        where = urlsplit(page.url)._replace(query="").geturl()
        raise Blocked(
            f"{where} was refused (status {status}{', WAF ' + action if action else ''}).",
            reason=action if action in ("challenge", "captcha") else REFUSALS.get(status or 0),
            retry_after=retry_after(page.headers, page.fetched_at),
        )
    if status in (404, 410):
        raise NotFound(f"{page.url} does not exist.")
    if status is not None and not 200 <= status < 300:
        raise SiteUnavailable(f"{urlsplit(page.url).path} answered {status}.")


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
