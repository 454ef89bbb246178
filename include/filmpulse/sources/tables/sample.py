"""Look at the beginning of a table that has no map yet: its columns, some rows, how it is written.

The rules that guess are only here; the readers do as a map says (docs/adr/0018).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from filmpulse.errors import BadInput
from filmpulse.items import is_imdb_id, without_controls
from filmpulse.sources.tables import limits
from filmpulse.sources.tables.limits import Reading
from filmpulse.sources.tables.mapping import Writing, form_of
from filmpulse.sources.tables.readers import SEPARATOR, first_chunk, first_rows, unpacked
from filmpulse.sources.tables.texts import MARKS
from filmpulse.sources.tables.values import Cell

ASSUMED = "cp1252"
"""Windows-1252: what is assumed of a file that is no UTF-8, as browsers do."""
MOST_ROWS = 500
"""So many rows show nearly every form of a value, and are read in well under a second."""
_HEAD_BYTES = 1 << 20
_SHOWN_VALUES, _SHOWN_CHARACTERS = 3, 80
_LONGEST_NAME = 80
"""A header with a longer cell is most likely a row of values."""


class Sample(NamedTuple):
    """The beginning of a table.

    `columns` are the names that a map can use, in the file's order; `rows` have a cell for each.
    `writing` holds what a map must say of how the file is written. `twice` are names that several
    columns have, and `is_headless` says that the first row seems to hold values, not names.
    """

    columns: list[str]
    rows: list[list[Cell]]
    writing: Writing
    twice: list[str]
    is_headless: bool = False

    def shown(self, column: str) -> list[str]:
        """Return the first different values of a column, shortened, for a person."""
        at = self.columns.index(column)
        texts = (" ".join(str(row[at]).split()) for row in self.rows)
        found = list(islice(dict.fromkeys(text for text in texts if text), _SHOWN_VALUES))
        most = _SHOWN_CHARACTERS
        return [text if len(text) <= most else f"{text[: most - 1]}…" for text in found]


def read_sample(
    file: BinaryIO, name: str, given: Writing | None = None, most_unpacked: int | None = None
) -> Sample:
    """Read the first rows of a table; a `.gz` is unpacked as far as these rows reach.

    Args:
        file: Its content; seekable.
        name: Its name; the ending says what it is.
        given: How it is written, if a person says so; guessed if None.
        most_unpacked: As for `read_chunks`.

    Raises:
        BadInput: It cannot be read as what its name says, or is empty.
    """
    if form_of(name) in (".json", ".jsonl", ".ndjson"):
        writing = given or Writing(encoding=_encoding(_head(file, name)))
        chunk = first_chunk(file, name, writing, most_unpacked)
        if chunk is None or chunk.frame.empty:
            raise BadInput(f"{name} holds no row.")
        frame = chunk.frame.head(MOST_ROWS)
        columns = [str(column) for column in frame.columns]
        return Sample(columns, [list(row) for row in frame.to_numpy()], writing, [])
    writing = given or _guess(file, name)
    rows = first_rows(file, name, writing, MOST_ROWS, most_unpacked)
    if not rows:
        raise BadInput(f"{name} is empty: a header with the columns' names is needed.")
    at = 0 if given else _header_at([cells for _, cells in rows])
    if at:
        writing = writing.model_copy(update={"header_row": rows[at][0]})
    return _below([cells for _, cells in rows[at:]], writing)


def _guess(file: BinaryIO, name: str) -> Writing:
    """Guess how a file is written; a workbook says it itself."""
    if form_of(name) not in (".csv", ".tsv"):
        return Writing()
    head = _head(file, name)
    encoding = _encoding(head)
    default = "\t" if form_of(name) == ".tsv" else ","
    delimiter = _delimiter(_text(head, encoding), default)
    return Writing(encoding=encoding, delimiter=delimiter)


def _below(rows: list[list[Cell]], writing: Writing) -> Sample:
    """Make a sample of a header and the rows below it."""
    header = [without_controls(str(cell)).strip() for cell in rows[0]]
    names = Counter(header)
    columns = {at: name for at, name in enumerate(header) if name and names[name] == 1}
    cells = [[row[at] if at < len(row) else "" for at in columns] for row in rows[1:]]
    twice = [name for name, count in names.items() if name and count > 1]
    is_headless = any(is_imdb_id(name) or len(name) > _LONGEST_NAME for name in header)
    return Sample(list(columns.values()), cells, writing, twice, is_headless)


def _head(file: BinaryIO, name: str) -> bytes:
    with unpacked(file, Reading(name, file.seek(0, io.SEEK_END)), is_beginning=True) as plain:
        plain.seek(0)
        return plain.read(_HEAD_BYTES)


def _encoding(head: bytes) -> str | None:
    """Guess the encoding that a map must name; None where it need not name one.

    UTF-16 without a mark is known by its zeros, since most of a table is ASCII.
    """
    if any(head.startswith(mark) for mark, _ in MARKS):
        return None
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = head[start::2]
        if half and half.count(0) > len(half) / 2:
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a cut last character is no error
    except UnicodeDecodeError:
        return ASSUMED
    return None


def _text(head: bytes, encoding: str | None) -> str:
    marked = next((codec for mark, codec in MARKS if head.startswith(mark)), None)
    return head.decode(marked or encoding or "utf-8", "replace")


def _delimiter(text: str, default: str) -> str | None:
    """Return the delimiter that a map must name: the one that gives most rows one width."""
    lines = text[: limits.BLOCK].splitlines(keepends=True)
    if len(lines) > 1:
        lines = lines[:200]
    if lines and SEPARATOR.fullmatch(lines[0]):
        return None  # the file says it

    def regularity(delimiter: str) -> tuple[bool, float, int, bool]:
        try:
            rows = [r for r in islice(csv.reader(lines, delimiter=delimiter), 50) if any(r)]
        except csv.Error:
            rows = []
        if not rows:
            return False, 0.0, 0, False
        width, count = Counter(len(row) for row in rows).most_common(1)[0]
        return width > 1, round(count / len(rows), 2), width, delimiter == default

    best = max(",;\t|", key=regularity)
    return best if best != default and regularity(best)[0] else None


def _header_at(rows: list[list[Any]]) -> int:
    """Return which row is the header: not a line above it with a heading and no other cell."""
    widths = [sum(bool(str(cell).strip()) for cell in row) for row in rows[:20]]
    widest = max(widths)
    if widths[0] > 1 or widest < 2:
        return 0
    return next(at for at, width in enumerate(widths) if width > max(1, widest / 2))
