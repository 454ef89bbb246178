"""Read which movies a file names: ids or addresses, a table with a column of them, or a page."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id, without_controls
from filmpulse.sources.imdb.titles import parse_search_page
from filmpulse.sources.title_lists import BINARY, MOST_TITLES, decoded, page_of, unpacked

COLUMNS = ("const", "tconst", "imdb id", "imdbid", "imdb", "title id", "movie id", "id", "url")
"""Headers of the column of movies, the best first. `Const` is that of IMDb's own exports of lists,
ratings and watchlists, `tconst` that of IMDb's datasets."""

SHOWN_WRONG = 20
LONGEST_SHOWN = 80
_LONGEST_HEADER = 10_000  # characters; what is longer is no header, and `csv` may refuse it
_DELIMITERS = (",", ";", "\t", "|")
_ENDS_OF_LINE = re.compile("\r\n|\r|\n")
_AROUND = " \t\"'`,;|[]()<>{}"  # of one entry, as people and programs write lists


class Wrong(NamedTuple):
    """A line that names no movie: its number from 1, and its beginning."""

    number: int
    text: str


class IdFile(NamedTuple):
    """The movies that a file names, in its order, each once.

    Attributes:
        imdb_ids: The movies.
        repeated: How often a movie came again.
        wrong: The first lines that name none, `SHOWN_WRONG` at most.
        wrong_lines: How many lines name none; empty lines and comments (`#`) do not count.
    """

    imdb_ids: tuple[str, ...]
    repeated: int
    wrong: tuple[Wrong, ...]
    wrong_lines: int


def read_ids(name: str, content: bytes) -> IdFile:
    """Read the movies that a file names.

    A file is a table if its first line has a header of `COLUMNS`; then that column counts alone.
    Else each line is an id or an address, or several with spaces or commas between them. A saved
    search page is read as the inbox reads it. Any of them may be packed by gzip.

    Args:
        name: The file's name, for errors.
        content: At most 64 MB, also once unpacked.

    Raises:
        BadInput: It is no text, names no movie (`no_ids`), or names more than 200,000.
        LayoutChanged: A search page that cannot be read.
    """
    plain = unpacked(content)
    page = page_of(plain)
    if page is not None and page.lstrip()[:1] == "<":
        if (found := parse_search_page(page)) is None:
            raise BadInput(f"{name} is a page, but no page of a search.", reason="no_ids")
        return _collected(name, ((0, "", [imdb_id]) for imdb_id in found.imdb_ids))
    text = _text(plain)
    if BINARY.search(text):
        raise BadInput(f"{name} is no text: save it as CSV, or as lines of ids.", reason="no_ids")
    lines = _ENDS_OF_LINE.split(text)
    place = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if column := _column_of(lines[place] if lines else ""):
        return _collected(name, _cells(lines, place, *column))
    return _collected(name, _entries(lines))


def _text(content: bytes) -> str:
    """Decode a text, so that lines which name no movie can be shown as they are."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return decoded(content)
    return decoded(content) if "\0" in text else text


_Line = tuple[int, str, list[str]]
"""Number, text, and the movies that it names."""


def _column_of(header: str) -> tuple[str, int] | None:
    """Return the delimiter of a table and the place of its column of movies; None without."""
    if len(header) > _LONGEST_HEADER:
        return None
    for delimiter in _DELIMITERS:
        cells = [_folded(cell) for cell in next(csv.reader([header], delimiter=delimiter), [])]
        for known in COLUMNS:
            if known in cells:
                return delimiter, cells.index(known)
    return None


def _folded(cell: str) -> str:
    return re.sub(r"[\s_-]+", " ", cell).strip().casefold()


def _cells(lines: list[str], header: int, delimiter: str, place: int) -> Iterator[_Line]:
    """Yield the rows of a table below its header; a cell may hold line ends."""
    reader = csv.reader((f"{line}\n" for line in lines[header + 1 :]), delimiter=delimiter)
    number = header + 2
    try:
        for row in reader:
            cell = row[place].strip() if place < len(row) else ""
            if any(field.strip() for field in row):
                imdb_id = read_imdb_id(cell)
                yield number, cell or delimiter.join(row), [imdb_id] if imdb_id else []
            number = header + 2 + reader.line_num
    except csv.Error as error:
        raise BadInput(
            f"Line {number} cannot be read as a table: {error}.", reason="no_ids"
        ) from error


def _entries(lines: list[str]) -> Iterator[_Line]:
    """Yield the lines of a text that are neither empty nor comments."""
    for number, line in enumerate(lines, 1):
        if not line.strip(_AROUND) or line.lstrip().startswith("#"):
            continue
        words = (word.strip(_AROUND) for word in re.split(r"[\s,;|]+", line))
        yield number, line, [found for word in words if (found := read_imdb_id(word))]


def _collected(name: str, lines: Iterable[_Line]) -> IdFile:
    """Put the movies of all lines together."""
    once, repeated = dict[str, None](), 0
    wrong, wrong_lines = list[Wrong](), 0
    for number, text, found in lines:
        if not found:
            wrong_lines += 1
            if len(wrong) < SHOWN_WRONG:
                wrong.append(Wrong(number, without_controls(text.strip())[:LONGEST_SHOWN]))
        for imdb_id in dict.fromkeys(found):
            repeated += imdb_id in once
            once[imdb_id] = None
    if len(once) > MOST_TITLES:
        raise BadInput(
            f"{name} names more than {MOST_TITLES:,} movies: divide it.", reason="too_large"
        )
    if not once:
        first = f" Its first line is: {wrong[0].text}" if wrong else ""
        raise BadInput(
            f"{name} names no movie: an id is tt and 7 to 9 digits.{first}", reason="no_ids"
        )
    return IdFile(tuple(once), repeated, tuple(wrong), wrong_lines)
