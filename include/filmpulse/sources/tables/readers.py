"""Read a table in chunks, each a frame of cells, so that memory does not grow with the file.

A frame's index numbers the rows as their owner finds them: the line where a row of a CSV or JSON
lines file begins, the row of a spreadsheet, the place in a JSON array. What is no row at all (a
line that is broken, or has more or fewer cells than the header) comes beside the frame and stops
nothing.

CSV is split by the standard library, not by `pandas.read_csv`, which was tried: its fast engine
fills short lines up without a word, and its other one ends at a misplaced quotation mark, or drops
the row (docs/adr/0018).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from filmpulse.errors import BadInput
from filmpulse.items import without_controls
from filmpulse.sources.tables.mapping import PACKED, SUFFIXES, TableMap, form_of
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
"""Of one line, and of one element of a JSON array."""
MAX_WORKBOOK_BYTES = 2_000_000_000
"""Unpacked; what is larger is no table of reviews."""
MAX_UNPACKED_BYTES = 2_000_000_000
"""The same of a `.gz`: a small one can hold more than any disk."""
BLOCK = 1 << 20


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
    """Read a file by the ending of its name; `.gz` after that is unpacked first.

    Args:
        file: Its content, at the start; it must be seekable.
        name: Its name.
        mapping: Encoding, delimiter, escape, the header's row or the sheet, and the columns that
            must be there.

    Yields:
        Chunks of at most `CHUNK_ROWS` rows, in their order; empty rows are left out.

    Raises:
        BadInput: Not a file of its kind, in another encoding, or without a column of the map; the
            message names the columns there are. Rows before the fault were yielded already.
    """
    with _unpacked(file, name) as plain:
        match form_of(name):
            case ".csv" | ".tsv":
                yield from _read_csv(plain, name, mapping)
            case ".json" | ".jsonl" | ".ndjson":
                yield from _read_json(plain, name, mapping)
            case ".xlsx":
                yield from _read_workbook(plain, name, mapping)
            case _:
                raise BadInput(
                    f"{name}: only {', '.join(SUFFIXES)} can be read, also with {PACKED} behind; "
                    "save the table as one of these."
                )


@contextmanager
def _unpacked(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Give what a `.gz` holds, on disk; another file as it is.

    Raises:
        BadInput: It is no gzip, is cut off, or holds more than `MAX_UNPACKED_BYTES`.
    """
    if not name.lower().endswith(PACKED):
        yield file
        return
    with TemporaryFile() as plain:
        try:
            with gzip.GzipFile(fileobj=file) as packed:
                while block := packed.read(BLOCK):
                    plain.write(block)
                    if plain.tell() > MAX_UNPACKED_BYTES:
                        raise BadInput(
                            f"{name} is larger than {MAX_UNPACKED_BYTES / 1e6:,.0f} MB unpacked: "
                            "divide it into several files."
                        )
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadInput(
                f"{name} cannot be unpacked ({error}): pack it with gzip again."
            ) from error
        plain.seek(0)
        yield plain


_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)


def _read_csv(file: BinaryIO, name: str, mapping: TableMap) -> Iterator[Chunk]:
    lines = _lines(file, name, mapping.encoding)
    delimiter = mapping.delimiter or ("\t" if form_of(name) == ".tsv" else ",")
    first = next(lines, "")
    if said := _SEPARATOR.fullmatch(first):  # Excel's own way of saying it
        delimiter, first = said[1], "\n"
    if delimiter == mapping.escape or delimiter in '"\r\n\0':
        raise BadInput(f"{name}: {delimiter!r} cannot divide its cells: say another `delimiter`.")
    above = (mapping.header_row or 1) - 1
    lines = chain((first,), lines)
    lines = chain(("\n" for _ in islice(lines, above)), lines)  # empty, so that the count is right
    limit = csv.field_size_limit(MAX_FIELD_CHARACTERS)  # one for the whole process
    try:
        records = _records(lines, delimiter, mapping.escape)
        number, header, fault = next(records, (0, [], None))
        if fault is not None:
            raise BadInput(f"{name}: its header cannot be read: {fault}.")
        _check_header_row(number, name, mapping)
        columns = _header(header, name, mapping, delimiter)
        yield from _chunks(records, columns)
    finally:
        csv.field_size_limit(limit)


def _check_header_row(number: int, name: str, mapping: TableMap) -> None:
    """Refuse to take another row for the header than the map names; without one, the first is."""
    if number and number != mapping.header_row and (mapping.header_row or 1) > 1:
        raise BadInput(f"{name}: row {mapping.header_row}, the `header_row` of the map, is empty.")


def _records(lines: Iterator[str], delimiter: str, escape: str | None) -> Iterator[_Record]:
    """Yield each record with the line where it begins; what cannot be split, with the reason."""
    taken: list[str] = []  # the lines of the record that is being read

    def passing() -> Iterator[str]:
        for line in lines:
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


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _pieces(
    file: BinaryIO, name: str, encoding: str | None, take: Callable[[io.TextIOWrapper], str]
) -> Generator[str, None, None]:
    """Yield a text piece by piece, line ends kept; a mark at its start counts before the map."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"PK":
        raise BadInput(f"{name} is a ZIP or a workbook, whatever its ending says.")
    if start[:2] == b"\x1f\x8b":
        raise BadInput(f"{name} is packed with gzip: its name must end in {PACKED}, once.")
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    text = io.TextIOWrapper(file, encoding=marked or encoding or "utf-8", newline="")
    breaks = 0
    try:
        while piece := take(text):
            breaks += piece.count("\n")
            yield piece
    except UnicodeError as error:
        where = f"(somewhere after line {breaks:,})"
        raise BadInput(
            f"{name} begins with the mark of {marked}, and is not written in it {where}: save the "
            "file anew."
            if marked
            else f"{name} is not written in {encoding or 'utf-8'} {where}: say its `encoding` in "
            "the map, such as windows-1252."
        ) from error
    finally:
        with suppress(ValueError):  # it may be closed already
            text.detach()  # the file is the caller's


def _lines(file: BinaryIO, name: str, encoding: str | None) -> Iterator[str]:
    """Yield the lines of a text, none longer than `MAX_LINE_CHARACTERS`."""
    lines = _pieces(file, name, encoding, lambda text: text.readline(MAX_LINE_CHARACTERS))
    for number, line in enumerate(lines, start=1):
        if len(line) == MAX_LINE_CHARACTERS:
            raise BadInput(
                f"{name}: line {number:,} is longer than {MAX_LINE_CHARACTERS:,} characters."
            )
        yield line


def _blocks(file: BinaryIO, name: str, encoding: str | None) -> Generator[str, None, None]:
    """Yield a text in blocks, wherever its lines end."""
    return _pieces(file, name, encoding, lambda text: text.read(BLOCK))


def _read_json(file: BinaryIO, name: str, mapping: TableMap) -> Iterator[Chunk]:
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

    for number, text, value, fault in _json_values(file, name, mapping.encoding):
        if isinstance(value, dict):
            numbers.append(number)
            cells = {str(key): _from_json(cell) for key, cell in value.items()}
            rows.append(cells)
            seen |= dict.fromkeys(cells)
        else:
            broken.append(Broken(number, fault or "it is no JSON object", {UNSPLIT: text}))
        size += len(text)
        if len(numbers) + len(broken) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
            yield chunk()
            numbers, rows, broken, size = [], [], [], 0
    if numbers or broken:
        yield chunk()
    if seen:
        _must_have(seen, name, mapping)


_JsonValue = tuple[int, str, Any, str | None]
"""The number of a line or an element, its text, its value, and why there is none."""
_JSON_SPACE = "\ufeff \t\r\n"
_NO_SPACE = re.compile(f"[^{_JSON_SPACE}]")


def _json_values(file: BinaryIO, name: str, encoding: str | None) -> Iterator[_JsonValue]:
    """Yield the values of JSON lines, or, in a `.json` file, of one array."""
    with closing(_blocks(file, name, encoding)) as blocks:
        start = next((text for block in blocks if (text := block.lstrip(_JSON_SPACE))), "")
    if not start.startswith("["):
        yield from _json_lines(_lines(file, name, encoding))
    elif form_of(name) == ".json":
        yield from _JsonArray(_blocks(file, name, encoding), name)
    else:
        raise BadInput(
            f"{name} is one JSON array: let its name end in .json, or write JSON lines, an object "
            "a line, without the brackets and commas around them."
        )


def _json_lines(lines: Iterator[str]) -> Iterator[_JsonValue]:
    for number, line in enumerate(lines, start=1):
        text = line.strip(_JSON_SPACE)
        if not text:
            continue
        value, fault = None, None
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            fault = f"it is no JSON ({str(error).partition(':')[0].lower()})"
        yield number, text, value, fault


class _JsonArray:
    """The elements of a JSON array, of which one and a block of text are in memory at a time."""

    def __init__(self, blocks: Iterator[str], name: str) -> None:
        self._blocks = blocks
        self._name = name
        self._text = ""
        self._at = 0  # what stands before was read
        self._number = 0

    def __iter__(self) -> Iterator[_JsonValue]:
        """Yield them in their order, numbered from 1.

        Raises:
            BadInput: The array is broken or cut off; what follows a broken element is not found.
        """
        self._take("[")
        while self._next() != "]":
            if self._number:
                self._take(",")
            self._number += 1
            yield self._element()
        self._take("]")
        if any(map(_NO_SPACE.search, chain((self._text[self._at :],), self._blocks))):
            raise BadInput(f"{self._name}: more than one JSON array stands in it.")

    def _element(self) -> _JsonValue:
        while True:
            self._next()
            with suppress(ValueError, RecursionError):
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text):  # else it may be a number that goes on
                    text, self._at = self._text[self._at : end], end
                    return self._number, text, value, None
            self._read_on()

    def _next(self) -> str:
        """Go to the next sign that is no space, and return it."""
        while (found := _NO_SPACE.search(self._text, self._at)) is None:
            self._at = len(self._text)
            self._read_on()
        self._at = found.start()
        return found[0]

    def _take(self, sign: str) -> None:
        if self._next() != sign:
            raise self._broken()
        self._at += 1

    def _read_on(self) -> None:
        self._text, self._at = self._text[self._at :], 0
        block = next(self._blocks, "")
        if not block or len(self._text) > MAX_LINE_CHARACTERS:
            raise self._broken()
        self._text += block

    def _broken(self) -> BadInput:
        return BadInput(
            f"{self._name}: element {self._number:,} of its JSON array is broken, cut off, or "
            f"longer than {MAX_LINE_CHARACTERS:,} characters."
        )


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
    def sheet(content: BinaryIO, *, values: bool) -> Any:
        book = _open_workbook(content, values=values)
        names = [one.title for one in book.worksheets]
        wanted = mapping.sheet or next(iter(names), None)
        if wanted not in names:
            raise BadInput(f"{name} has no sheet {wanted}; its sheets: {', '.join(names)}.")
        found = book[wanted]
        found.reset_dimensions()  # what a file says of its own size may be wrong
        return found

    try:
        # The values alone do not tell an empty cell from a formula that was never calculated.
        versions = (True, False)[: 1 + _has_formulas(file, name)]
        with _transitional(file) as content:
            sheets = [sheet(content, values=values) for values in versions]
            rows = (
                (number, [_from_sheet(*cells) for cells in zip(*versions, strict=True)])
                for number, versions in enumerate(
                    zip(*(one.iter_rows() for one in sheets), strict=True), start=1
                )
                if number >= (mapping.header_row or 1)
            )
            filled = (row for row in rows if any(str(cell).strip() for cell in row[1]))
            number, header = next(filled, (0, []))
            _check_header_row(number, name, mapping)
            columns = _header(header, name, mapping)
            fitted = ((number, _fitted(row, len(columns)), None) for number, row in filled)
            yield from _chunks(fitted, columns)
    except _NO_WORKBOOK as error:
        raise BadInput(
            f"{name} cannot be read as an Excel workbook ({error}): save it anew as .xlsx, or as "
            ".csv."
        ) from error


def _open_workbook(content: BinaryIO, *, values: bool) -> Any:
    """Do as `openpyxl.load_workbook`, which takes `x005F_` out of texts, and leave them alone."""
    from openpyxl.cell.text import Text
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
    from openpyxl.xml.functions import iterparse

    class Reader(ExcelReader):
        def read_strings(self) -> None:
            package: Any = self.package
            part = package.find(SHARED_STRINGS)
            if part is None:
                return
            self.shared_strings = []
            with self.archive.open(part.PartName[1:]) as xml:
                for _, node in iterparse(xml):
                    if node.tag == f"{{{SHEET_MAIN_NS}}}si":
                        text: Any = Text.from_tree(node)
                        self.shared_strings.append(text.content)
                        node.clear()

    reader = Reader(content, read_only=True, data_only=values, keep_links=False)
    reader.read()
    return reader.wb


# What openpyxl raises on a file that is none: bad XML is a SyntaxError.
_NO_WORKBOOK = (
    zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, LookupError, ValueError, TypeError,
    AttributeError,
)  # fmt: skip
# Strict Open XML (ISO/IEC 29500-1) differs from what Excel writes unasked in its namespaces.
_STRICT = re.compile(
    rb"""(\s(?:xmlns(?::[\w.-]+)?|Type)\s*=\s*["']http://)purl\.oclc\.org/ooxml/(\w+)/"""
)


@contextmanager
def _transitional(file: BinaryIO) -> Iterator[BinaryIO]:
    """Give a workbook in the namespaces that openpyxl knows, on disk where it has the strict ones.

    They stand where a part begins, so no more than the first block of each part is looked at.
    """
    with zipfile.ZipFile(file) as book:
        starts = (book.open(m).read(BLOCK) for m in book.namelist() if m.endswith("_rels/.rels"))
        is_strict = any(map(_STRICT.search, starts))
    if not is_strict:
        yield file
        return
    with TemporaryFile() as plain:
        with zipfile.ZipFile(file) as book, zipfile.ZipFile(plain, "w") as out:
            for member in book.namelist():
                with book.open(member) as old, out.open(member, "w") as new:
                    known = rb"\1schemas.openxmlformats.org/\2/2006/"
                    new.write(_STRICT.sub(known, old.read(BLOCK)))
                    shutil.copyfileobj(old, new, BLOCK)
        yield plain


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
        case str():
            return _unescaped(value)
    return str(value)


_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    """Read what a workbook writes as `_xHHHH_`, such as `_x000D_` (ECMA-376, ST_Xstring).

    `_x005F_` is the underscore of such words that are meant as they stand.
    """
    if "_x" not in text:
        return text
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    # Halves of a pair become the character that they are together.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _number(value: Decimal, number_format: str) -> Cell:
    if "%" in number_format:
        return f"{(value * 100).normalize():f}%"
    if abs(value) >= 10**15:
        return Fault(
            f"{value:f}",
            "a number has more than 15 digits, which spreadsheets round: make the column text",
        )
    return f"{value.to_integral_value():f}" if value == value.to_integral_value() else f"{value:f}"
