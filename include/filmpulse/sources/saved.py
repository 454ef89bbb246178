"""Take the page out of a file that a browser wrote: MHTML, web archive, view-source tab and so on.

The form is recognised by the content, never by the file's name. `imdb/README.md` lists all forms.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from filmpulse.errors import BadInput, ForeignPage
from filmpulse.items import read_imdb_id
from filmpulse.sources.archives import document_kind, is_archive
from filmpulse.sources.containers import Content, from_mime, from_webarchive
from filmpulse.sources.markup import parse_html, with_class

# A saved page is 0.2-3 MB, one with every review opened perhaps 20 MB.
MAX_BYTES = 64_000_000

# First bytes of files that people may take for saved pages.
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
_MOST_VIEWS = 3  # a view-source tab of a saved view-source tab, and so on
_META_BYTES, _COMMENT_CHARACTERS = 4_096, 4_096

_META_CHARSET = re.compile(
    rb"<meta\b[^<>]{0,500}?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE
)
# Encodings of the web (encoding.spec.whatwg.org); Python has others, some of them slow.
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
# Marks of Mozilla's Readability, which Firefox and most tools use, and of Firefox's reader page.
_READER_MARKS = re.compile(
    r"\bid=[\"']?readability-page-\d|\bhref=[\"']?(?:chrome://global/skin/aboutReader|about:reader\?)"
)
_READER_WORDS = ("readability-page-", "skin/aboutReader", "about:reader?")  # a quick first test
_READER_URLS = ("about:reader", "chrome-distiller:", "read:")


@dataclass(frozen=True)
class SavedPage:
    """The page in a saved file: HTML or JSON, never empty.

    `saved_at` (UTC) is when the browser wrote the file, `url` the page's address, if the file says
    so.
    """

    text: str
    saved_at: datetime | None = None
    url: str | None = None

    @property
    def imdb_id(self) -> str | None:
        """The movie that the page's address names."""
        return read_imdb_id(self.url or "")


def unwrap(content: bytes) -> SavedPage:
    """Take the page out of a file: HTML or JSON as the site sent it, or any form above.

    Raises:
        ForeignPage: The file holds no page: it is of another kind, damaged, empty, larger than
            64 MB, or in no known encoding.
        BadInput: A reader's copy, which holds no ids of reviews (`no_reviews`).
    """
    check_size(len(content))
    _refuse_other_kinds(content)
    found = from_webarchive(content) or from_mime(content) or Content(content)
    text = _decode(found.content, found.charset).replace("\0", "")
    for _ in range(_MOST_VIEWS):
        if (source := _shown_source(text)) is None:
            break
        text = source
    else:
        raise ForeignPage("A view-source tab of a view-source tab: save the page itself.")
    if not text.strip():
        raise ForeignPage("The file is empty.")
    if text.lstrip()[0] not in "<{[":
        raise ForeignPage(
            "Neither HTML nor JSON. Plain text holds no ids of reviews: save the page itself. A "
            "title list holds ids such as tt0111161."
        )
    url, saved_at = _said_in_comment(text)
    page = SavedPage(text, found.saved_at or saved_at, found.url or url)
    if _is_readers_copy(page):
        raise BadInput(
            "A reader's copy holds no ids of reviews: leave the reader view and save the page "
            "itself.",
            reason="no_reviews",
        )
    return page


def check_size(size: int) -> None:
    """Raise `ForeignPage` for a file of more than 64 MB."""
    if size > MAX_BYTES:
        raise ForeignPage(f"Larger than {MAX_BYTES // 1_000_000} MB: a saved page is 1-3 MB.")


def _refuse_other_kinds(content: bytes) -> None:
    kind = next((name for mark, name in _OTHER_KINDS if content.startswith(mark)), None)
    if content[4:8] == b"ftyp" or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        kind = "a picture or a film"
    if is_archive(content):
        kind = document_kind(content) or "a ZIP archive"
    if kind is not None:
        raise ForeignPage(
            f"This is {kind}, where a page was expected: save the page itself, as HTML or as a "
            "web archive."
        )


def _decode(content: bytes, declared: str | None) -> str:
    """Decode as the byte order mark says, the container, the page, or as UTF-8."""
    marks = ((codecs.BOM_UTF8, "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    marked = next((name for mark, name in marks if content.startswith(mark)), "")
    meta = _META_CHARSET.search(content, 0, _META_BYTES)
    own = meta[1].decode("ascii", "replace") if meta else ""
    # A page whose `charset` can be read as ASCII is not in UTF-16 (WHATWG).
    own = "" if own.lower().startswith("utf-16") else own
    names = [marked] if marked else [declared or "", own, "utf-8"]
    for name in filter(None, names):
        try:
            return content.decode(_python_name(name)).removeprefix("\ufeff")
        except (ValueError, LookupError):
            continue
    said = ", ".join(dict.fromkeys(filter(None, names)))
    raise ForeignPage(f"The text cannot be read as {said}: save the page again.")


def _python_name(label: str) -> str:
    """Return the codec that browsers use for a label; raise LookupError if there is none."""
    name = codecs.lookup(label).name
    if not _WEB_ENCODINGS.fullmatch(name):
        raise LookupError(label)
    return "cp1252" if name in ("ascii", "iso8859-1") else name


def _shown_source(text: str) -> str | None:
    """Return the source in a saved view-source tab, or the JSON in a tab.

    Chrome writes a table with a row for each line, Firefox a `pre` in `body#viewsource`.
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
    """Read the address and the time that Chrome or SingleFile writes in the first comment."""
    start = text[:_COMMENT_CHARACTERS]
    if chrome := _SAVED_FROM.search(start):
        return chrome[1], None
    if found := _SINGLEFILE.search(start):
        try:
            saved_at = datetime.strptime(found["time"] or "", "%b %d %Y %H:%M:%S GMT%z")
            return found["url"], saved_at.astimezone(UTC)
        except (ValueError, OverflowError):
            return found["url"], None
    return None, None


def _is_readers_copy(page: SavedPage) -> bool:
    """Say whether a reader view was saved, which keeps only the text of a page."""
    if (page.url or "").startswith(_READER_URLS):
        return True
    return any(word in page.text for word in _READER_WORDS) and bool(
        _READER_MARKS.search(page.text)
    )
