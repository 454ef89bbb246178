"""Read a table in chunks, each a frame of cells, so that memory does not grow with the file.

A frame's index has the row numbers that the file's owner sees: the line where a row of a CSV or
JSON lines file begins, the row of a sheet, the place in a JSON array. Broken rows, and rows with
more or fewer cells than the header, come beside the frame.

CSV is split by the standard library. `pandas.read_csv` fills short lines up silently, or ends at a
misplaced quotation mark, or drops the row (docs/adr/0018).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from filmpulse.errors import BadInput
from filmpulse.items import without_controls
from filmpulse.sources.tables import limits
from filmpulse.sources.tables.json_values import cell_of, read_values
from filmpulse.sources.tables.limits import Reading
from filmpulse.sources.tables.mapping import PACKED, SUFFIXES, Writing, form_of
from filmpulse.sources.tables.texts import read_lines
from filmpulse.sources.tables.values import Cell
from filmpulse.sources.tables.workbooks import read_sheet

if TYPE_CHECKING:
    import pandas as pd

UNSPLIT = "filmpulse_text"
"""The column of a row's whole text, if the row cannot be split into cells."""


class Broken(NamedTuple):
    """A row that cannot be divided into cells: its number, what is wrong, and its text or cells."""

    number: int
    sentence: str
    cells: dict[str, str]


class Chunk(NamedTuple):
    """Some rows: `frame` has the file's columns, of type `Cell`, and the row numbers as index."""

    frame: pd.DataFrame
    broken: list[Broken]


def read_chunks(
    file: BinaryIO, name: str, mapping: Writing, most_unpacked: int | None = None
) -> Iterator[Chunk]:
    """Read a file by the ending of its name; a `.gz` is unpacked first.

    Args:
        file: Its content; seekable.
        name: Its name.
        mapping: Its map.
        most_unpacked: The most bytes that a `.gz` or a workbook may hold; as `limits` says if None.

    Yields:
        Chunks in the order of the rows, as small as `limits` says; empty rows are left out.

    Raises:
        BadInput: The file is of another kind or encoding, or lacks a column of the map; the message
            names its columns. Rows before the fault may have been yielded.
    """
    reading = Reading(name, file.seek(0, io.SEEK_END), most_unpacked)
    with unpacked(file, reading) as plain:
        broken = 0
        for chunk in _read(plain, reading, mapping):
            yield chunk
            reading.check_time()
            broken += len(chunk.broken)
            if broken > limits.MAX_BROKEN_ROWS:
                number, sentence, _ = chunk.broken[0]
                raise BadInput(
                    f"{name}: more than {limits.MAX_BROKEN_ROWS:,} rows cannot be taken apart, "
                    f"such as row {number:,}: {sentence}. Correct them, or the map."
                )


def first_chunk(
    file: BinaryIO, name: str, mapping: Writing, most_unpacked: int | None = None
) -> Chunk | None:
    """Return the first chunk of a file, None if it has no row; takes and raises as `read_chunks`.

    A `.gz` is unpacked only as far as the chunk reaches.
    """
    reading = Reading(name, file.seek(0, io.SEEK_END), most_unpacked)
    with unpacked(file, reading, is_beginning=True) as plain:
        return next(_read(plain, reading, mapping), None)


def _read(plain: BinaryIO, reading: Reading, mapping: Writing) -> Iterator[Chunk]:
    match form_of(reading.name):
        case ".csv" | ".tsv":
            return _read_csv(plain, reading, mapping)
        case ".json" | ".jsonl" | ".ndjson":
            return _read_json(plain, reading, mapping)
        case ".xlsx":
            return _read_workbook(plain, reading, mapping)
        case _:
            raise BadInput(
                f"{reading.name}: only {', '.join(SUFFIXES)} can be read, also with {PACKED} "
                "behind; save the table as one of these."
            )


class _Unpacking(gzip.GzipFile):
    """A `.gz`, unpacked as far as it is read; raises `BadInput` at the limits of its reading."""

    def __init__(self, file: BinaryIO, reading: Reading) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._reading = reading

    def read(self, size: int | None = -1) -> bytes:
        return self._checked(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._checked(super().read1(size))

    def _checked(self, block: bytes) -> bytes:
        self._reading.check_time()
        if self.tell() > self._reading.most_unpacked:
            raise BadInput(
                f"{self._reading.name} is larger than {self._reading.most_unpacked / 1e6:,.0f} MB "
                "unpacked: divide it into several files."
            )
        return block


@contextmanager
def unpacked(file: BinaryIO, reading: Reading, is_beginning: bool = False) -> Iterator[BinaryIO]:
    """Give a `.gz` unpacked on disk, so that its size is known first; any other file as it is.

    If `is_beginning`, it is unpacked only as far as it is read; but for a workbook, which is read
    from its end.
    """
    name = reading.name
    file.seek(0)
    if not name.lower().endswith(PACKED):
        yield file
        return
    try:
        with _Unpacking(file, reading) as packed:
            if is_beginning and form_of(name) != ".xlsx":
                yield cast(BinaryIO, packed)
                return
            with TemporaryFile() as plain:
                shutil.copyfileobj(packed, plain, limits.BLOCK)
                plain.seek(0)
                yield plain
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{name} cannot be unpacked ({error}): pack it with gzip again.") from error


SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)


def _read_csv(file: BinaryIO, reading: Reading, mapping: Writing) -> Iterator[Chunk]:
    name = reading.name
    with _csv_records(file, reading, mapping) as (records, delimiter):
        number, header, fault = next(records, (0, [], None))
        if fault is not None:
            raise BadInput(f"{name}: its header cannot be read: {fault}.")
        _check_header_row(number, name, mapping)
        columns = _header(header, name, mapping, delimiter)
        yield from _chunks(records, columns)


@contextmanager
def _csv_records(
    file: BinaryIO, reading: Reading, mapping: Writing
) -> Iterator[tuple[Iterator[_Record], str]]:
    """Give the filled rows from the header on, and the delimiter."""
    name = reading.name
    lines = read_lines(file, reading, mapping.encoding)
    delimiter = mapping.delimiter or ("\t" if form_of(name) == ".tsv" else ",")
    first = next(lines, "")
    if said := SEPARATOR.fullmatch(first):  # as Excel writes it
        delimiter, first = said[1], "\n"
    if delimiter == mapping.escape or delimiter in '"\r\n\0':
        raise BadInput(f"{name}: {delimiter!r} cannot divide its cells: say another `delimiter`.")
    above = (mapping.header_row or 1) - 1
    lines = chain((first,), lines)
    lines = chain(("\n" for _ in islice(lines, above)), lines)  # empty, to keep the line numbers
    # One for the whole process, and left so: another thread may read a table just now.
    csv.field_size_limit(limits.MAX_FIELD_CHARACTERS)
    yield _filled(_records(lines, reading, delimiter, mapping.escape), reading), delimiter


def first_rows(
    file: BinaryIO, name: str, mapping: Writing, most: int, most_unpacked: int | None = None
) -> list[tuple[int, list[Cell]]]:
    """Return the first filled rows of a CSV or a workbook, each with its number.

    The header is one of them; broken rows are left out. A `.gz` is unpacked only as far
    as they reach. Raises as `read_chunks`.
    """
    reading = Reading(name, file.seek(0, io.SEEK_END), most_unpacked)
    with unpacked(file, reading, is_beginning=True) as plain:
        if form_of(name) == ".xlsx":
            rows = _filled(_sheet_records(plain, reading, mapping), reading)
            return [(number, cells) for number, cells, _ in islice(rows, most)]
        with _csv_records(plain, reading, mapping) as (records, _):
            found = islice(records, most)
            return [(number, cells) for number, cells, fault in found if fault is None]


def _check_header_row(number: int, name: str, mapping: Writing) -> None:
    """Raise `BadInput` if the map's `header_row` is empty, so that another row was found."""
    if number and number != mapping.header_row and (mapping.header_row or 1) > 1:
        raise BadInput(f"{name}: row {mapping.header_row}, the `header_row` of the map, is empty.")


def _records(
    lines: Iterator[str], reading: Reading, delimiter: str, escape: str | None
) -> Iterator[_Record]:
    """Yield each record with the line where it begins, or with the reason why it is broken."""
    taken: list[str] = []  # the lines of the record that is being read
    begins = 1

    def passing() -> Iterator[str]:
        size = 0
        for line in lines:
            size = size + len(line) if taken else len(line)
            if size > limits.MAX_RECORD_CHARACTERS:
                raise BadInput(
                    f"{reading.name}: the row that begins in line {begins:,} is longer than "
                    f"{limits.MAX_RECORD_CHARACTERS:,} characters: look for a quotation mark that "
                    "is never closed."
                )
            taken.append(line)
            yield line

    reader = csv.reader(passing(), delimiter=delimiter, escapechar=escape, strict=True)
    while True:
        begins = reader.line_num + 1
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise BadInput(
                    f"{reading.name}: a cell of the row that begins in line {begins:,} is longer "
                    f"than {limits.MAX_FIELD_CHARACTERS:,} characters: look for a quotation mark "
                    "that is never closed."
                ) from error
            upto = f" (lines {begins:,} to {reader.line_num:,} are not read)" * (len(taken) > 1)
            is_open = "end of data" in str(error)
            what = "is opened and never closed" if is_open else "stands inside a quoted text"
            yield begins, ["".join(taken)], f"a quotation mark {what}{upto}"
        else:
            if len(cells) > limits.MAX_COLUMNS:
                raise BadInput(
                    f"{reading.name}: line {begins:,} has {len(cells):,} cells, where "
                    f"{limits.MAX_COLUMNS:,} are read: remove columns, or say another `delimiter`."
                )
            yield begins, cells, None


_Record = tuple[int, list[Any], str | None]
"""A row's number, its cells, and why it cannot be split: then the one cell is the whole text."""


def _filled(records: Iterable[_Record], reading: Reading) -> Iterator[_Record]:
    """Leave out empty rows; raise `BadInput` if there are more than `MAX_ROWS`."""
    empty = 0
    for record in records:
        if any(str(cell).strip() for cell in record[1]):
            yield record
            continue
        empty += 1
        if empty > limits.MAX_ROWS:
            raise BadInput(
                f"{reading.name} has more than {limits.MAX_ROWS:,} empty rows: remove them."
            )


def _chunks(records: Iterable[_Record], columns: list[str]) -> Iterator[Chunk]:
    """Gather records into chunks; those that do not fit the header are broken."""
    numbers: list[int] = []
    rows: list[list[Any]] = []
    broken: list[Broken] = []
    cells = size = 0
    for number, record, fault in records:
        if fault is not None:
            broken.append(Broken(number, fault, {UNSPLIT: record[0]}))
        elif len(record) != len(columns):
            said = f"it has {len(record)} cells where the header has {len(columns)}"
            further = (f"column {n + 1}" for n in range(len(columns), len(record)))
            shown = zip([*columns, *further], map(str, record), strict=False)
            broken.append(Broken(number, said, dict(shown)))
        else:
            numbers.append(number)
            rows.append(record)
        cells += len(record)
        size += sum(len(cell) for cell in record if isinstance(cell, str))
        if _is_full(len(numbers) + len(broken), cells, size):
            yield Chunk(_frame(numbers, rows, columns), broken)
            numbers, rows, broken, cells, size = [], [], [], 0, 0
    if numbers or broken:
        yield Chunk(_frame(numbers, rows, columns), broken)


def _is_full(rows: int, cells: int, characters: int) -> bool:
    """Say whether a chunk ends here."""
    return (
        rows >= limits.CHUNK_ROWS
        or cells >= limits.CHUNK_CELLS
        or characters >= limits.CHUNK_CHARACTERS
    )


def _frame(numbers: list[int], rows: list[list[Any]], columns: list[str]) -> pd.DataFrame:
    import pandas as pd  # here: every task imports the jobs, and few need pandas

    # With dtype object pandas guesses no types: the title "NA" and the id 007 stay as they are.
    return pd.DataFrame(rows, index=numbers, columns=columns, dtype=object)


def _header(
    cells: Iterable[Any], name: str, mapping: Writing, delimiter: str | None = None
) -> list[str]:
    columns = [without_controls(str(cell)).strip() for cell in cells]
    while columns and not columns[-1] and delimiter is None:
        columns.pop()
    if not columns:
        raise BadInput(f"{name} is empty: a header with the columns' names is needed.")
    _must_have(columns, name, mapping, delimiter)
    wanted = set(mapping.columns().values())
    if twice := sorted(column for column in wanted if columns.count(column) > 1):
        raise BadInput(f"{name}: the header names {', '.join(twice)} more than once.")
    taken = set(wanted)
    for n, column in enumerate(columns, start=1):
        if column not in wanted:
            free = column or f"column {n}"
            while free in taken:
                free = f"{free} ({n})"
            taken.add(free)
            columns[n - 1] = free
    return columns


def _must_have(
    columns: Iterable[str], name: str, mapping: Writing, delimiter: str | None = None
) -> None:
    there = list(columns)
    wanted = mapping.columns()
    if missing := [f"{c} ({field})" for field, c in wanted.items() if c not in there]:
        hint = ""
        if len(there) == 1 and delimiter is not None:
            other = next((mark for mark in ";\t|," if mark != delimiter and mark in there[0]), None)
            word = "tab" if other == "\t" else other
            hint = f' The cells may be divided otherwise: say `delimiter: "{word}"`.' * bool(other)
        shown = ", ".join(c[:60] for c in there[:50]) or "none"
        raise BadInput(
            f"{name} has no column {', '.join(missing)}, which the map names. Its columns: {shown}."
            + hint
        )


def _read_json(file: BinaryIO, reading: Reading, mapping: Writing) -> Iterator[Chunk]:
    wanted = mapping.columns().values()
    seen: dict[str, None] = {}
    names: dict[str, None] = {}  # of this chunk
    numbers: list[int] = []
    rows: list[dict[str, Cell]] = []
    broken: list[Broken] = []
    size = 0

    def chunk() -> Chunk:
        columns = [*(names | dict.fromkeys(sorted(wanted)))]
        cells = [[row.get(c, "") for c in columns] for row in rows]
        return Chunk(_frame(numbers, cells, columns), broken)

    for number, text, value, fault in read_values(file, reading, mapping.encoding):
        if isinstance(value, dict):
            numbers.append(number)
            cells = {str(key): cell_of(cell) for key, cell in value.items()}
            rows.append(cells)
            names |= dict.fromkeys(cells)
            seen |= dict.fromkeys(cells)
            if len(seen) > limits.MAX_COLUMNS:
                raise BadInput(
                    f"{reading.name}: its objects have more than {limits.MAX_COLUMNS:,} different "
                    "names, and no more are read: keep data in values, not in names."
                )
        else:
            broken.append(Broken(number, fault or "it is no JSON object", {UNSPLIT: text}))
        size += len(text)
        if _is_full(len(numbers) + len(broken), len(rows) * len(names), size):
            yield chunk()
            numbers, rows, broken, names, size = [], [], [], {}, 0
    if numbers or broken:
        yield chunk()
    if seen:
        _must_have(seen, reading.name, mapping)


def _read_workbook(file: BinaryIO, reading: Reading, mapping: Writing) -> Iterator[Chunk]:
    filled = _filled(_sheet_records(file, reading, mapping), reading)
    number, header, _ = next(filled, (0, [], None))
    _check_header_row(number, reading.name, mapping)
    columns = _header(header, reading.name, mapping)
    width = len(columns)
    yield from _chunks(((n, _fitted(row, width), None) for n, row, _ in filled), columns)


def _sheet_records(file: BinaryIO, reading: Reading, mapping: Writing) -> Iterator[_Record]:
    for number, cells in read_sheet(file, reading, mapping.sheet):
        if number >= (mapping.header_row or 1):
            yield number, cells, None


def _fitted(row: list[Cell], width: int) -> list[Cell]:
    """Add empty cells up to the header's width, or remove them beyond it."""
    row = row + [""] * (width - len(row))
    while len(row) > width and row[-1] == "":
        row.pop()
    return row
