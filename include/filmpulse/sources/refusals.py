"""Recognise a site's refusal by its status."""

from __future__ import annotations

from urllib.parse import urlsplit

from filmpulse.errors import Blocked, NotFound, SiteUnavailable
from filmpulse.items import Page
from filmpulse.retry_after import retry_after

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
