"""Read a table in chunks, each a frame of cells, so that memory does not grow with the file.

A frame's index numbers the rows as their owner finds them: the line where a row of a CSV or JSON
lines file begins, the row of a spreadsheet. What is no row at all (a line that is broken, or has
more or fewer cells than the header) comes beside the frame and stops nothing.

CSV is split by the standard library, not by `pandas.read_csv`, which was tried: its fast engine
fills short lines up without a word, and its other one ends at a misplaced quotation mark, or drops
the row (docs/adr/0018).
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from filmpulse.errors import BadInput
from filmpulse.sources.tables.mapping import SUFFIXES, TableMap
from filmpulse.sources.tables.values import Cell, Fault

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 1_000
CHUNK_CHARACTERS = 10_000_000
MAX_FIELD_CHARACTERS = 1_000_000
"""A longer field of a CSV file is a quotation mark that is never closed."""
UNSPLIT = "filmpulse_text"
"""Where a row stands, whole, that could not be split into cells."""
MAX_LINE_CHARACTERS = 5_000_000
MAX_WORKBOOK_BYTES = 2_000_000_000
"""Unpacked; what is larger is no table of reviews."""


class Broken(NamedTuple):
    """A row that could not be taken apart: its number, what is wrong, and what stands there."""

    number: int
    sentence: str
    cells: dict[str, str]


class Chunk(NamedTuple):
    """Some rows: `frame` has a column of `Cell` for each of the file's, and the row's numbers."""

    frame: pd.DataFrame
    broken: list[Broken]


def read_chunks(file: BinaryIO, name: str, mapping: TableMap) -> Iterator[Chunk]:
    """Read a file by the ending of its name.

    Args:
        file: Its content, at the start; it must be seekable.
        name: Its name.
        mapping: Encoding, delimiter or sheet, and the columns that must be there.

    Yields:
        Chunks of at most `CHUNK_ROWS` rows, in their order; empty rows are left out.

    Raises:
        BadInput: Not a file of its kind, in another encoding, or without a column of the map; the
            message names the columns there are. Rows before the fault were yielded already.
    """
    suffix = PurePosixPath(name).suffix.lower()
    match suffix:
        case ".csv" | ".tsv":
            delimiter = mapping.delimiter or ("\t" if suffix == ".tsv" else ",")
            return _read_csv(_decoded(file, name, mapping.encoding), name, delimiter, mapping)
        case ".jsonl" | ".ndjson":
            return _read_json(_decoded(file, name, mapping.encoding), name, mapping)
        case ".xlsx":
            return _read_workbook(file, name, mapping)
    raise BadInput(
        f"{name}: only {', '.join(SUFFIXES)} can be read; save the table as one of these."
    )


def _read_csv(
    lines: Iterator[str], name: str, delimiter: str, mapping: TableMap
) -> Iterator[Chunk]:
    limit = csv.field_size_limit(MAX_FIELD_CHARACTERS)  # one for the whole process
    try:
        records = _records(lines, delimiter)
        _, header, fault = next(records, (0, [], None))
        if fault is not None:
            raise BadInput(f"{name}: its header cannot be read: {fault}.")
        columns = _header(header, name, mapping, delimiter)
        yield from _chunks(records, columns)
    finally:
        csv.field_size_limit(limit)


def _records(lines: Iterator[str], delimiter: str) -> Iterator[_Record]:
    """Yield each record with the line where it begins; what cannot be split, with the reason."""
    taken: list[str] = []  # the lines of the record that is being read

    def passing() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(passing(), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            upto = f" (lines {begins:,} to {reader.line_num:,} are not read)" * (len(taken) > 1)
            is_open = "field limit" in str(error) or "end of data" in str(error)
            what = "is opened and never closed" if is_open else "stands inside a quoted text"
            yield begins, ["".join(taken)], f"a quotation mark {what}{upto}"
        else:
            if any(cell.strip() for cell in cells):
                yield begins, cells, None


_Record = tuple[int, list[Any], str | None]
"""A row's number, its cells, and why it cannot be split; the one cell is then its own text."""


def _chunks(records: Iterable[_Record], columns: list[str]) -> Iterator[Chunk]:
    """Gather records into frames; those that do not fit the header go beside them."""
    numbers: list[int] = []
    rows: list[list[Any]] = []
    broken: list[Broken] = []
    size = 0
    for number, record, fault in records:
        if fault is not None:
            broken.append(Broken(number, fault, {UNSPLIT: record[0]}))
        elif len(record) != len(columns):
            said = f"it has {len(record)} cells where the header has {len(columns)}"
            broken.append(Broken(number, said, _by_column(record, columns)))
        else:
            numbers.append(number)
            rows.append(record)
        size += sum(len(cell) for cell in record if isinstance(cell, str))
        if len(numbers) + len(broken) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
            yield Chunk(_frame(numbers, rows, columns), broken)
            numbers, rows, broken, size = [], [], [], 0
    if numbers or broken:
        yield Chunk(_frame(numbers, rows, columns), broken)


def _frame(numbers: list[int], rows: list[list[Any]], columns: list[str]) -> pd.DataFrame:
    import pandas as pd  # only here: every task imports the jobs, and few need it

    # As objects: pandas guesses nothing, so that the title "NA" and the id 007 stay as they are.
    return pd.DataFrame(rows, index=numbers, columns=columns, dtype=object)


def _by_column(record: list[Any], columns: list[str]) -> dict[str, str]:
    names = [*columns, *(f"column {n + 1}" for n in range(len(columns), len(record)))]
    return {name: str(cell) for name, cell in zip(names, record, strict=False)}


def _header(
    cells: Iterable[Any], name: str, mapping: TableMap, delimiter: str | None = None
) -> list[str]:
    columns = [str(cell).strip() for cell in cells]
    while columns and not columns[-1] and delimiter is None:
        columns.pop()
    if not columns:
        raise BadInput(f"{name} is empty: a header with the columns' names is needed.")
    if twice := sorted({c for c in columns if c and columns.count(c) > 1}):
        raise BadInput(f"{name}: the header names {', '.join(twice)} more than once.")
    _must_have(columns, name, mapping, delimiter)
    return [column or f"column {n}" for n, column in enumerate(columns, start=1)]


def _must_have(
    columns: Iterable[str], name: str, mapping: TableMap, delimiter: str | None = None
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


def _decoded(file: BinaryIO, name: str, encoding: str | None) -> Iterator[str]:
    """Yield the lines of a text, line ends kept, none longer than `MAX_LINE_CHARACTERS`."""
    start = file.read(4)
    file.seek(0)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding in (None, "utf-8"):
        encoding = "utf-16"
    if start[:2] == b"PK":
        raise BadInput(f"{name} is a ZIP or a workbook, whatever its ending says.")
    codec = "utf-8-sig" if encoding in (None, "utf-8") else encoding
    text = io.TextIOWrapper(file, encoding=codec, newline="")
    number = 0
    try:
        while line := text.readline(MAX_LINE_CHARACTERS):
            number += 1
            if len(line) == MAX_LINE_CHARACTERS:
                raise BadInput(
                    f"{name}: line {number:,} is longer than {MAX_LINE_CHARACTERS:,} characters."
                )
            yield line
    except UnicodeError as error:
        raise BadInput(
            f"{name} is not written in {encoding or 'utf-8'} (somewhere after line {number:,}): "
            "say its `encoding` in the map, such as windows-1252."
        ) from error
    finally:
        with suppress(ValueError):  # it may be closed already
            text.detach()  # the file is the caller's


def _read_json(lines: Iterator[str], name: str, mapping: TableMap) -> Iterator[Chunk]:
    wanted = set(mapping.columns().values())
    seen: dict[str, None] = {}
    numbers: list[int] = []
    rows: list[dict[str, Cell]] = []
    broken: list[Broken] = []
    size = 0

    def chunk() -> Chunk:
        names = [*dict.fromkeys([*(c for row in rows for c in row), *sorted(wanted)])]
        cells = [[row.get(c, "") for c in names] for row in rows]
        return Chunk(_frame(numbers, cells, names), broken)

    for number, line in enumerate(lines, start=1):
        if not line.strip("\ufeff \t\r\n"):
            continue
        try:
            row = _DECODER.decode(line.strip("\ufeff \t\r\n"))
        except (ValueError, RecursionError) as error:
            row = None
            fault = f"it is no JSON ({str(error).partition(':')[0].lower()})"
        else:
            fault = "it is no JSON object"
        if isinstance(row, dict):
            numbers.append(number)
            cells = {str(key): _from_json(value) for key, value in row.items()}
            rows.append(cells)
            seen |= dict.fromkeys(cells)
        elif not numbers and not broken and line.lstrip("\ufeff \t").startswith("["):
            raise BadInput(
                f"{name} is one JSON array: JSON lines are needed, an object a line, without the "
                "brackets and commas around them."
            )
        else:
            broken.append(Broken(number, fault, {UNSPLIT: line.strip()}))
        size += len(line)
        if len(numbers) + len(broken) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
            yield chunk()
            numbers, rows, broken, size = [], [], [], 0
    if numbers or broken:
        yield chunk()
    if seen:
        _must_have(seen, name, mapping)


# Numbers stay as they are written: 7.0, 1e400 and ids of thirty digits alike.
_DECODER = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=lambda word: Fault(word, f"{word} is no value")
)


def _from_json(value: Any) -> Cell:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | Fault():
            return value
    kind = "a list" if isinstance(value, list) else "an object"
    return Fault(json.dumps(value, default=str, ensure_ascii=False), f"a cell holds {kind}")


def _read_workbook(file: BinaryIO, name: str, mapping: TableMap) -> Iterator[Chunk]:
    from openpyxl import load_workbook

    def sheet(*, values: bool) -> Any:
        book = load_workbook(file, read_only=True, data_only=values, keep_links=False)
        names = [one.title for one in book.worksheets]
        wanted = mapping.sheet or next(iter(names), None)
        if wanted not in names:
            raise BadInput(f"{name} has no sheet {wanted}; its sheets: {', '.join(names)}.")
        found = book[wanted]
        found.reset_dimensions()  # what a file says of its own size may be wrong
        return found

    try:
        # The values alone do not tell an empty cell from a formula that was never calculated.
        sheets = [sheet(values=values) for values in (True, False)[: 1 + _has_formulas(file, name)]]
        rows = (
            (number, [_from_sheet(*cells) for cells in zip(*versions, strict=True)])
            for number, versions in enumerate(
                zip(*(one.iter_rows() for one in sheets), strict=True), start=1
            )
        )
        filled = (row for row in rows if any(str(cell).strip() for cell in row[1]))
        columns = _header(next(filled, (0, []))[1], name, mapping)
        yield from _chunks(((n, _fitted(row, len(columns)), None) for n, row in filled), columns)
    except _NO_WORKBOOK as error:
        raise BadInput(
            f"{name} cannot be read as an Excel workbook ({error}): save it anew as .xlsx, or as "
            ".csv."
        ) from error


# What openpyxl raises on a file that is none: bad XML is a SyntaxError.
_NO_WORKBOOK = (
    zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, LookupError, ValueError, TypeError,
    AttributeError,
)  # fmt: skip
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")


def _has_formulas(file: BinaryIO, name: str) -> bool:
    """Say whether any sheet holds a formula, without building its cells."""
    with zipfile.ZipFile(file) as book:
        if sum(member.file_size for member in book.infolist()) > MAX_WORKBOOK_BYTES:
            raise BadInput(f"{name} is too large unpacked: save the sheet as .csv.")
        for member in book.namelist():
            if not re.fullmatch(r"/?xl/worksheets/[^/]+\.xml", member):
                continue
            with book.open(member) as xml:
                before = b""
                while block := xml.read(1 << 20):
                    if _FORMULA.search(before + block):
                        return True
                    before = block[-20:]
    return False


def _fitted(row: list[Cell], width: int) -> list[Cell]:
    """Fill a row up to the header's width, or cut empty cells off it."""
    row = row + [""] * (width - len(row))
    while len(row) > width and row[-1] == "":
        row.pop()
    return row


def _from_sheet(cell: Any, formula: Any = None) -> Cell:
    """Turn a cell of a workbook into one of ours; whole numbers lose their ".0"."""
    value = cell.value
    if formula is not None and value is None and formula.data_type == "f":
        return Fault("", "a formula was never calculated: open the file, and save it again")
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date():
            return value
        case int() | float():
            return _number(Decimal(str(value)), cell.number_format)
        case str() if cell.data_type == "e":
            return Fault(value, f"a cell holds the error {value}")
    return str(value)


def _number(value: Decimal, number_format: str) -> Cell:
    if "%" in number_format:
        return f"{(value * 100).normalize():f}%"
    if abs(value) >= 10**15:
        return Fault(
            f"{value:f}",
            "a number has more than 15 digits, which spreadsheets round: make the column text",
        )
    return f"{value.to_integral_value():f}" if value == value.to_integral_value() else f"{value:f}"
