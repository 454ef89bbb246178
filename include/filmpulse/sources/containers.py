"""Take the page out of a web archive: a MIME message (MHTML) or a property list of Safari.

Anyone may have made such a file, so each limit is checked before memory or time is spent.
"""

from __future__ import annotations

import base64
import plistlib
import quopri
import re
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from itertools import islice
from xml.parsers.expat import ExpatError

from filmpulse.errors import ForeignPage

# Limits far above any page's: a page of some hundred pictures has as many parts, none nested.
_MOST_PARTS, _MOST_DEPTH, _MOST_PLIST_OBJECTS = 5_000, 3, 100_000
_HEADER_BYTES = 64_000

# Kind of an object -> bytes (data, ASCII, UTF-16) or references (array, set, dictionary) for each
# unit of its size (CoreFoundation, CFBinaryPList.c).
_PLIST_UNITS = {0x4: 1, 0x5: 1, 0x6: 2, 0xA: 1, 0xC: 1, 0xD: 2}

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class Content:
    """The bytes of a page, and what its container says of them.

    `saved_at` (UTC) is when the container was written, `url` the page's address.
    """

    content: bytes
    charset: str | None = None
    saved_at: datetime | None = None
    url: str | None = None


def from_webarchive(content: bytes) -> Content | None:
    """Read the main resource of Safari's web archive, a property list; None for other files."""
    start = content[:1_000].lstrip()
    is_binary = content.startswith(b"bplist00")
    if not is_binary and not (start.startswith(b"<?xml") and b"<plist" in start):
        return None
    try:
        if is_binary:
            _check_plist(content)
        main = plistlib.loads(content)["WebMainResource"]
        data, charset, url = (
            main.get(f"WebResource{name}") for name in ("Data", "TextEncodingName", "URL")
        )
    except (
        plistlib.InvalidFileException, ExpatError, ValueError, LookupError, TypeError,
        AttributeError, OverflowError, RecursionError, struct.error,
    ) as error:  # fmt: skip
        raise ForeignPage(
            f"The web archive cannot be read ({type(error).__name__}): save the page again."
        ) from error
    if not isinstance(data, bytes):
        raise ForeignPage("The web archive holds no page: save the page again.")
    charset, url = (word if isinstance(word, str) else None for word in (charset, url))
    return Content(data, charset, None, url)


def _check_plist(content: bytes) -> None:
    """Raise ValueError for a binary property list with too many objects, or if they overlap.

    In a list made for harm thousands of objects share the same bytes and would fill any memory.
    """
    offset_size, reference_size, count, _, table = struct.unpack(">6xBBQQQ", content[-32:])
    if count > _MOST_PLIST_OBJECTS:
        raise ValueError("too many objects")
    taken = 0
    for number in range(count):
        place = table + number * offset_size
        start = int.from_bytes(content[place : place + offset_size], "big")
        kind, size = content[start] >> 4, content[start] & 15
        if kind not in _PLIST_UNITS:
            continue
        if size == 15:  # the size follows, as an integer of 1, 2, 4 or 8 bytes
            width = 1 << (content[start + 1] & 15)
            size = int.from_bytes(content[start + 2 : start + 2 + width], "big")
        taken += size * _PLIST_UNITS[kind] * (reference_size if kind > 9 else 1)
        if taken > len(content):
            raise ValueError("objects overlap")


def from_mime(content: bytes) -> Content | None:
    """Read the page of an MHTML file (RFC 2557); None for a file that begins with no header."""
    if content[:1_000].lstrip()[:1] in (b"<", b"{", b"[", b""):
        return None
    try:
        header, _ = _header_and_body(content)
        if "content-type" not in header:
            return None
        url = _value(header, "Snapshot-Content-Location") or _value(header, "Content-Location")
        first: tuple[Message, bytes] | None = None
        for part, body in _html_parts(content):
            first = first or (part, body)
            if _value(part, "Content-Location") == url:
                first = part, body
                break
        if first is None:
            raise ForeignPage("The web archive (MHTML) holds no page: save the page again.")
        part, body = first
        return Content(
            _transfer_decoded(part, body),
            part.get_content_charset(),
            _mail_date(_value(header, "Date")),
            url or _value(part, "Content-Location"),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ForeignPage(
            f"The web archive (MHTML) is damaged ({type(error).__name__}): save the page again."
        ) from error


def _header_and_body(content: bytes) -> tuple[Message, bytes]:
    blank = _BLANK_LINE.search(content, 0, _HEADER_BYTES)
    end, start = blank.span() if blank else (min(len(content), _HEADER_BYTES), len(content))
    return BytesHeaderParser().parsebytes(content[:end].lstrip()), content[start:]


def _html_parts(content: bytes) -> Iterator[tuple[Message, bytes]]:
    """Yield the HTML parts of a MIME message in their order, each with its encoded body.

    Only headers are read by the standard library's parser: for parts within parts it takes minutes.
    """
    waiting, taken = deque([(content, 0)]), 0
    while waiting:
        one, depth = waiting.popleft()
        taken += 1
        header, body = _header_and_body(one)
        if header.get_content_maintype() == "multipart":
            boundary = header.get_boundary()
            inner = list(islice(_split(body, boundary), _MOST_PARTS)) if boundary else []
            if depth == _MOST_DEPTH or taken + len(waiting) + len(inner) > _MOST_PARTS:
                raise ForeignPage(
                    "The web archive (MHTML) has too many parts: save the page again."
                )
            waiting.extendleft((part, depth + 1) for part in reversed(inner))
        elif header.get_content_type() in ("text/html", "application/xhtml+xml"):
            yield header, body


def _split(body: bytes, boundary: str) -> Iterator[bytes]:
    """Yield the parts between boundary lines; the last part may lack its closing line."""
    line = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    )
    start: int | None = None
    # The line break before a boundary belongs to it, and also ends an empty part's header.
    position = 0
    while found := line.search(body, position):
        if start is not None:
            yield body[start : found.start()]
        if found[1]:
            return
        start = found.end()
        position = max(found.start() + 1, start - 1)
    if start is not None:
        yield body[start:]


def _transfer_decoded(part: Message, body: bytes) -> bytes:
    match (_value(part, "Content-Transfer-Encoding") or "").lower():
        case "quoted-printable":
            return quopri.decodestring(body)
        case "base64":
            return base64.b64decode(body)
        case _:
            return body


def _value(header: Message, name: str) -> str | None:
    value = header.get(name)
    return None if value is None else str(value).strip() or None


def _mail_date(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
