"""Recognise a title list among files, and read its ids: a file of ids, or a saved search page.

The README of `tables` says how a list is told from a table of reviews.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.sources.archives import is_archive
from filmpulse.sources.containers import from_mime, from_webarchive
from filmpulse.sources.imdb.private import decode_json
from filmpulse.sources.imdb.titles import parse_search_page
from filmpulse.sources.saved import MAX_BYTES, unwrap
from filmpulse.sources.tables.mapping import PACKED, SUFFIXES, form_of

ENDING = ".ids"
"""Of a file that is a list whatever it holds besides ids."""

Origin = Literal["ids", "search_page"]

MOST_TITLES = 200_000
"""Of one list; all anime at IMDb are about 7,000."""
LONGEST_NAME = 60
SHOWN_ODD = 3
_LISTS = (ENDING, ".xml")  # nothing else in XML is taken
_SHEETS = (".xlsx",)  # no text
_ID = re.compile(r"(?<![A-Za-z0-9])tt([0-9]+)(?![A-Za-z0-9])", re.IGNORECASE)
_DIGITS = range(7, 10)
BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LOOKED_AT = 4_096  # characters, to tell text from other files
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The number of a search page: `anime-2`, `anime_2`, `anime 2`, and `anime (2)`, as browsers write.
_NUMBERED = re.compile(r"(?P<name>.*\w)(?:[ _-]+(?P<bare>\d{1,2})| ?\((?P<boxed>\d{1,2})\))")


class TitleList(NamedTuple):
    """The titles in a file, in its order, each once.

    Attributes:
        repeated: How often an id came again.
        odd: The first words that look like an id and have fewer or more digits.
        announced: The number of titles that a search found, as its page says.
    """

    origin: Origin
    imdb_ids: tuple[str, ...]
    repeated: int = 0
    odd: tuple[str, ...] = ()
    announced: int | None = None


class ListName(NamedTuple):
    """The list that a file belongs to, and the number of a search page; 0 without a number."""

    title_list: str
    page: int


def name_of(file_name: str, origin: Origin) -> ListName:
    """Return the list of a file: the file's name without its ending; of a page without its number.

    A number has one or two digits and stands apart, so that `films-1999` stays as it is.
    """
    name = PurePosixPath(file_name.replace("\\", "/")).name
    if name.lower().endswith(PACKED):
        name = name[: -len(PACKED)]
    name, page = PurePosixPath(name).stem, 0
    if origin == "search_page" and (found := _NUMBERED.fullmatch(name.strip())):
        name, page = found["name"], int(found["bare"] or found["boxed"])
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return ListName(plain[:LONGEST_NAME].strip() or "list", page)


def read_list(name: str, content: bytes) -> TitleList | None:
    """Read the titles of a list; None for any other file: a page, an answer, a table of reviews.

    A file is a list if its name ends in `.ids` or `.xml`, if it is a saved search page, or if it is
    text with ids that is no page, no answer of the site and no table with a column of reviews. Any
    of them may be packed by gzip.

    Args:
        name: The file's name; its ending counts.
        content: At most 64 MB, also once unpacked.

    Raises:
        BadInput: A file that ends in `.ids` holds no id (`no_ids`); or a list cannot be unpacked or
            is too long.
        LayoutChanged: A search page that cannot be read.
    """
    content = unpacked(content)
    is_list = form_of(name) in _LISTS
    if is_archive(content) and not is_list:
        return None
    page = page_of(content)
    if page is not None and page.lstrip()[:1] == "<" and (found := parse_search_page(page)):
        return _list("search_page", iter(found.imdb_ids), found.announced)
    text = decoded(content)
    if not is_list and not _is_text_of_ids(name, content, text, page):
        return None
    found_list = _list("ids", (match[0].lower() for match in _ID.finditer(text)))
    if found_list.imdb_ids:
        return found_list
    if form_of(name) == ENDING:
        odd = f" It holds {', '.join(found_list.odd)}." if found_list.odd else ""
        raise BadInput(
            f"It holds no id of a title, which is tt and 7 to 9 digits.{odd}", reason="no_ids"
        )
    return None


def _is_text_of_ids(name: str, content: bytes, text: str, page: str | None) -> bool:
    """Say whether a file may be a list: text that is nothing else that is known."""
    start = text.lstrip()[:1]
    if start == "<" or _is_boxed(content) or BINARY.search(text, 0, _LOOKED_AT):
        return False
    if start in ("{", "[") and page is not None:
        body = decode_json(page)
        if isinstance(body, dict) and ("data" in body or "d" in body):  # an answer of the site
            return False
    form = form_of(name)
    if form in _SHEETS:
        return False
    return form not in SUFFIXES or not _has_reviews(content, form)


def _has_reviews(content: bytes, form: str) -> bool:
    """Say whether a table has a column that seems to hold the texts of reviews."""
    from filmpulse.sources.tables.propose import propose_table

    try:
        _, proposal = propose_table(io.BytesIO(content), f"table{form}")
    except BadInput:
        return False  # such as a JSON list of ids alone
    # A column of titles is proposed where there is no other text.
    is_title = any(question.kind == "title_is_text" for question in proposal.questions)
    return "body" in proposal.entries and not is_title


def _list(origin: Origin, words: Iterator[str], count: int | None = None) -> TitleList:
    once: dict[str, None] = {}
    odd: dict[str, None] = {}
    repeated = 0
    for word in words:
        if len(word) - 2 not in _DIGITS:
            if len(odd) < SHOWN_ODD:
                odd[word[:20]] = None
        elif word in once:
            repeated += 1
        elif len(once) == MOST_TITLES:
            raise BadInput(
                f"It holds more than {MOST_TITLES:,} titles, which are the most of a list: "
                "divide it.",
                reason="too_large",
            )
        else:
            once[word] = None
    return TitleList(origin, tuple(once), repeated, tuple(odd), count)


def unpacked(content: bytes) -> bytes:
    """Return the content of a gzip file, or any other file as it is."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            plain = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(
            f"The gzip file cannot be unpacked ({error}): pack it again.", reason="archive"
        ) from error
    if len(plain) > MAX_BYTES:
        raise BadInput(
            f"Unpacked it is larger than {MAX_BYTES // 1_000_000} MB: divide it.", reason="archive"
        )
    return plain


def page_of(content: bytes) -> str | None:
    """Return the page or the JSON in a file, or None."""
    try:
        return unwrap(content).text
    except FilmpulseError:
        return None


def _is_boxed(content: bytes) -> bool:
    """Say whether a file is a web archive, whole or damaged."""
    try:
        return from_webarchive(content) is not None or from_mime(content) is not None
    except FilmpulseError:
        return True


def decoded(content: bytes) -> str:
    """Decode a text so that its ids can be read: in nearly all encodings they are ASCII."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if marked is None:
        start = content[:_LOOKED_AT]
        if len(start) > 1 and (0 in start):  # UTF-16 without a mark
            marked = "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
            if max(start[1::2].count(0), start[::2].count(0)) < len(start) // 4:
                marked = None
    return content.decode(marked or "latin-1", "replace").removeprefix("\ufeff")
