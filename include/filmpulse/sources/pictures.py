"""Fetch a picture whose address a page of a site gave, and nothing else by that address.

A page is untrusted: its address may lead into a private network, to another site, or to a file that
fills the memory. So only hosts that the site is known by are asked, and a redirect is not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

import httpx

from filmpulse.errors import BadInput, SiteUnavailable
from filmpulse.items import Page
from filmpulse.sources.polite import USER_AGENT
from filmpulse.sources.refusals import check_status

MAX_PICTURE_BYTES = 5_000_000
"""Posters of a site are 0.1 to 2 MB."""
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")


def check_address(url: str, base_url: str, image_hosts: Collection[str]) -> str:
    """Return the host of a picture's address, with its port.

    Args:
        url: The address.
        base_url: The site's: its own host may be a private one, since a person set it.
        image_hosts: Other hosts of the site, asked by https alone.

    Raises:
        BadInput: Another host, or one in a private network (`other_host`).
    """
    try:
        parts = urlsplit(url)
        is_plain = parts.username is None and parts.scheme in ("http", "https")
        is_own = parts.netloc == urlsplit(base_url).netloc
        is_known = parts.scheme == "https" and parts.netloc in image_hosts
    except ValueError:
        is_plain = is_own = is_known = False
    if not is_plain or not (is_own or (is_known and _is_public(parts.netloc))):
        raise BadInput("The poster lies on a host that is not the site's own.", reason="other_host")
    return parts.netloc


def _is_public(host: str) -> bool:
    """Say whether a name leads into no private network; a name that leads nowhere does not."""
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        return True  # the request itself will fail, or a proxy knows the name
    return all(ipaddress.ip_address(address[0]).is_global for *_, address in found)


def fetch_picture(client: httpx.Client, url: str) -> bytes:
    """Fetch one picture under our own name, at most `MAX_PICTURE_BYTES` of it.

    Raises:
        BadInput: The answer leads on to another address (`redirected`), is no picture
            (`not_an_image`), or is larger (`too_large`).
        Blocked, NotFound, SiteUnavailable: As `check_status`; or no answer came.
    """
    headers = {"User-Agent": USER_AGENT, "Accept": ", ".join(MEDIA_TYPES)}
    try:
        with client.stream("GET", url, headers=headers, follow_redirects=False) as answer:
            return _read(answer, url)
    except httpx.TimeoutException as error:
        raise SiteUnavailable(f"{url} gave no answer in time.", reason="timeout") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SiteUnavailable(f"{url} could not be read: {error}") from error


def _read(answer: httpx.Response, url: str) -> bytes:
    if answer.is_redirect:
        raise BadInput(f"{url} leads on to another address.", reason="redirected")
    status, headers = answer.status_code, dict(answer.headers)
    check_status(
        Page(url=url, final_url=url, html="", status=status, headers=headers, fetched_at=None)
    )
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise BadInput(f"{url} is no picture, but {kind[:80] or 'unknown'}.", reason="not_an_image")
    content = bytearray()
    for block in answer.iter_bytes(64 * 1024):
        content += block
        if len(content) > MAX_PICTURE_BYTES:
            raise BadInput(
                f"{url} is larger than {MAX_PICTURE_BYTES // 1_000_000} MB.", reason="too_large"
            )
    return bytes(content)
