"""The page inside a file that a browser wrote: MHTML, web archive, view-source tab, SingleFile.

Each form is told by its content, never by a file's name. The README of this folder lists them all.
"""

from __future__ import annotations

import base64
import codecs
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

from filmpulse.errors import BadInput, NotImdb
from filmpulse.sources.archives import document_kind, is_archive
from filmpulse.sources.imdb.dom import parse_html, with_class

# A saved page is 0.2-3 MB, one with every review opened perhaps 20 MB.
MAX_BYTES = 64_000_000

# First bytes of what people take for a copy of a page, or put beside one.
_OTHER_KINDS = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document of the old kind (Word, Excel)"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
)
# Limits far above any page's: a page of some hundred pictures has as many parts, none nested.
_MOST_PARTS, _MOST_DEPTH, _MOST_PLIST_OBJECTS = 5_000, 3, 100_000
_MOST_VIEWS = 3  # view-source of a saved view-source, and so on
_HEADER_BYTES, _META_BYTES, _COMMENT_CHARACTERS = 64_000, 4_096, 4_096

# Kind of an object -> bytes, or references, for each unit of its size: data, ASCII and UTF-16
# text; array, set and dictionary (CoreFoundation, CFBinaryPList.c).
_PLIST_UNITS = {0x4: 1, 0x5: 1, 0x6: 2, 0xA: 1, 0xC: 1, 0xD: 2}

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_META_CHARSET = re.compile(
    rb"<meta\b[^<>]{0,500}?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE
)
# What pages are written in (encoding.spec.whatwg.org); Python knows others, some of them slow.
_WEB_ENCODINGS = re.compile(
    r"utf-(8|16(-[lb]e)?)|cp\d+|iso8859-\d+|koi8-[ru]|gb\w+|big5\w*|euc_\w+|shift_jis\w*"
    r"|iso2022_\w+|mac-roman|ascii"
)
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+)", re.IGNORECASE)
_SINGLEFILE = re.compile(
    r"Page saved with SingleFile\s+url:\s*(?P<url>\S+)(?:\s+saved date:\s*\w+ "
    r"(?P<time>\w+ \d+ \d+ [\d:]+ GMT[+-]\d{4}))?"
)
_JSON_VIEW = re.compile(r"<body[^<>]*>\s*<pre[^<>]*>\s*[\[{]", re.IGNORECASE)
# Marks of Mozilla's Readability, of Firefox's own reader page, and the addresses of readers.
_READER_MARKS = re.compile(
    r"\bid=[\"']?readability-page-\d|\bclass=[\"']?[^\"'<>]{0,200}?\bmoz-reader-content\b"
    r"|chrome://global/skin/aboutReader\.css|\bhref=[\"']?about:reader\?"
)
_READER_URLS = ("about:reader", "chrome-distiller:", "read:")
_TITLE_ADDRESS = re.compile(
    r"https?://(?:www|m)\.imdb\.com/(?:[\w-]+/)?title/(tt[0-9]{7,9})\b", re.IGNORECASE
)


@dataclass(frozen=True)
class SavedPage:
    """The page in a saved file, and what the file says of the page.

    `text` is HTML or JSON, never empty. `saved_at` (UTC) is when the browser wrote the file and
    `url` where the page came from; None if the form does not say so.
    """

    text: str
    saved_at: datetime | None = None
    url: str | None = None

    @property
    def imdb_id(self) -> str | None:
        """The movie that the page's address names."""
        named = _TITLE_ADDRESS.match(self.url or "")
        return named[1] if named else None


@dataclass(frozen=True)
class _Content:
    """The bytes of a page taken out of a container, and what the container says of them."""

    content: bytes
    charset: str | None = None
    saved_at: datetime | None = None
    url: str | None = None


def unwrap(content: bytes) -> SavedPage:
    """Take the page out of a file that a browser wrote.

    Args:
        content: The whole file: HTML or JSON as the site sent it, or any of the forms above.

    Raises:
        NotImdb: No page is in the file: another kind of file, damaged, empty, larger than 64 MB, or
            text in no known encoding.
        BadInput: A reader's copy, which holds no ids of reviews (`no_reviews`).
    """
    check_size(len(content))
    _refuse_other_kinds(content)
    found = _from_webarchive(content) or _from_mime(content) or _Content(content)
    text = _decode(found.content, found.charset).replace("\0", "")
    for _ in range(_MOST_VIEWS):
        if (source := _shown_source(text)) is None:
            break
        text = source
    if not text.strip():
        raise NotImdb("The file is empty.")
    if text.lstrip()[0] not in "<{[":
        raise NotImdb(
            "Neither HTML nor JSON: plain text holds no ids of reviews. Save the page itself."
        )
    url, saved_at = _said_in_comment(text)
    page = SavedPage(text, found.saved_at or saved_at, found.url or url)
    if (page.url or "").startswith(_READER_URLS) or _READER_MARKS.search(text):
        raise BadInput(
            "A reader's copy holds no ids of reviews: leave the reader view and save the page "
            "itself.",
            reason="no_reviews",
        )
    return page


def check_size(size: int) -> None:
    """Refuse what is too large for a page.

    Raises:
        NotImdb: Larger than 64 MB.
    """
    if size > MAX_BYTES:
        raise NotImdb(f"Larger than {MAX_BYTES // 1_000_000} MB: a saved page is 1-3 MB.")


def _refuse_other_kinds(content: bytes) -> None:
    kind = next((name for mark, name in _OTHER_KINDS if content.startswith(mark)), None)
    if content[4:8] == b"ftyp" or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        kind = "a picture or a film"
    if is_archive(content):
        kind = document_kind(content) or "a ZIP archive"
    if kind is not None:
        raise NotImdb(
            f"This is {kind}, where a page was expected: save the page itself, as HTML or as a "
            "web archive."
        )


# --- containers ---------------------------------------------------------------------------------


def _from_webarchive(content: bytes) -> _Content | None:
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
        raise NotImdb(
            f"The web archive cannot be read ({type(error).__name__}): save the page again."
        ) from error
    if not isinstance(data, bytes):
        raise NotImdb("The web archive holds no page: save the page again.")
    return _Content(data, _text_or_none(charset), None, _text_or_none(url))


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _check_plist(content: bytes) -> None:
    """Refuse a binary property list whose objects overlap.

    Objects of an honest list take no more bytes together than the list has. A list made for harm
    has thousands of objects that share the same bytes, and would fill any memory when read.

    Raises:
        ValueError: They do, or there are too many.
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


def _from_mime(content: bytes) -> _Content | None:
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
            raise NotImdb("The web archive (MHTML) holds no page: save the page again.")
        part, body = first
        return _Content(
            _transfer_decoded(part, body),
            part.get_content_charset(),
            _mail_date(_value(header, "Date")),
            url or _value(part, "Content-Location"),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NotImdb(
            f"The web archive (MHTML) is damaged ({type(error).__name__}): save the page again."
        ) from error


def _header_and_body(content: bytes) -> tuple[Message, bytes]:
    blank = _BLANK_LINE.search(content, 0, _HEADER_BYTES)
    end, start = blank.span() if blank else (min(len(content), _HEADER_BYTES), len(content))
    return BytesHeaderParser().parsebytes(content[:end].lstrip()), content[start:]


def _html_parts(content: bytes) -> Iterator[tuple[Message, bytes]]:
    """Yield the HTML parts of a MIME message in their order, each with its encoded body.

    The standard library's own parser takes minutes for a message made of parts within parts, so
    only headers are read with it.

    Raises:
        NotImdb: More parts, or deeper ones, than any page has.
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
                raise NotImdb("The web archive (MHTML) has too many parts: save the page again.")
            waiting.extendleft((part, depth + 1) for part in reversed(inner))
        elif header.get_content_type() in ("text/html", "application/xhtml+xml"):
            yield header, body


def _split(body: bytes, boundary: str) -> Iterator[bytes]:
    """Yield what stands between boundary lines; the last part may lack its closing line."""
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
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


# --- text ---------------------------------------------------------------------------------------


def _decode(content: bytes, declared: str | None) -> str:
    """Decode by the mark at the start, the container's word, the page's own, or as UTF-8.

    Raises:
        NotImdb: None of them fits.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        names = ["utf-16"]
    else:
        meta = _META_CHARSET.search(content, 0, _META_BYTES)
        own = meta[1].decode("ascii", "replace") if meta else ""
        # A page that could be searched for `charset` is no UTF-16, whatever it says (WHATWG).
        names = [declared or "", "" if own.lower().startswith("utf-16") else own, "utf-8"]
    for name in filter(None, names):
        try:
            return content.decode(_python_name(name)).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
    said = ", ".join(dict.fromkeys(filter(None, names)))
    raise NotImdb(f"The text cannot be read as {said}: save the page again.")


def _python_name(label: str) -> str:
    """Return the name of the codec that browsers use for a label.

    Raises:
        LookupError: No encoding of the web.
    """
    name = codecs.lookup(label).name
    if not _WEB_ENCODINGS.fullmatch(name):
        raise LookupError(label)
    return "cp1252" if name in ("ascii", "iso8859-1") else name


def _shown_source(text: str) -> str | None:
    """Return the source that a saved view-source tab shows, or the JSON that a tab shows.

    Chrome writes a table with a row for each line, Firefox one `pre` in `body#viewsource`.
    """
    if text.lstrip()[:1] != "<":
        return None
    if "line-content" in text or "viewsource" in text:
        root = parse_html(text)
        lines = root.xpath(f"//td[{with_class('line-content')}]")
        if lines:
            return "\n".join(line.text_content() for line in lines)
        if blocks := root.xpath("//*[@id='viewsource']/descendant-or-self::pre"):
            return "".join(block.text_content() for block in blocks)
    if _JSON_VIEW.search(text, 0, _COMMENT_CHARACTERS):
        return str(parse_html(text).xpath("string(//pre)"))
    return None


def _said_in_comment(text: str) -> tuple[str | None, datetime | None]:
    """Read the address and the time that Chrome or SingleFile notes in a page's first comment."""
    start = text[:_COMMENT_CHARACTERS]
    if chrome := _SAVED_FROM.search(start):
        return chrome[1], None
    if found := _SINGLEFILE.search(start):
        try:
            saved_at = datetime.strptime(found["time"] or "", "%b %d %Y %H:%M:%S GMT%z")
        except ValueError:
            return found["url"], None
        return found["url"], saved_at.astimezone(UTC)
    return None, None
