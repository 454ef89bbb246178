"""Rows of an Excel workbook (`.xlsx`) as a stream, in memory that does not grow with the file.

The XML parser of the standard library reads, a block at a time, only the parts that rows need: the
lists of parts and of sheets, the formats of cells, the shared texts and one sheet. openpyxl only
says what a number means: it keeps every text, format and row that it has read, and a workbook of
876 kB took 4 GB (docs/adr/0018). Tags are compared without namespaces, since Strict Open XML
(ISO/IEC 29500-1) has other ones.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Sized
from datetime import date
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, NamedTuple
from xml.parsers import expat

from filmpulse.errors import BadInput
from filmpulse.sources.archives import directory_size
from filmpulse.sources.tables import limits
from filmpulse.sources.tables.limits import Reading
from filmpulse.sources.tables.values import Cell, Fault

MAX_DIRECTORY_BYTES = 4_000_000
"""Of the list of parts in the ZIP: room for 40,000 parts."""
MAX_LIST_BYTES = 16_000_000
"""Unpacked, of each part that is a list: of parts, of sheets, of formats."""
MAX_ENTRIES = 65_490
"""Of one of these lists. Excel's longest is that of cell formats ("Excel specifications and
limits")."""
MAX_FORMAT_CHARACTERS = 255
"""Of a number format; Excel takes no longer ones."""
MAX_SHARED_TEXTS = 4_000_000
"""Different texts of a workbook: four columns of as many rows as Excel has."""
MAX_TAG_BYTES = 100_000
"""Of one tag or comment: the XML parser holds all of it in memory."""
MAX_DEPTH = 100
"""Tags within tags; a sheet has eight."""
MAX_NAMES = 10_000
"""Different names of tags and attributes: the XML parser keeps them all."""
_BLOCK = 1 << 16
_TEXTS_IN_MEMORY = 8_000_000

# What the libraries raise where a file is no workbook, or damaged.
_NO_WORKBOOK = (
    zipfile.BadZipFile, zlib.error, EOFError, expat.ExpatError, LookupError, ValueError,
    RuntimeError, NotImplementedError, OverflowError,
)  # fmt: skip

Row = tuple[int, list[Cell]]
"""A row's number, from 1, and its cells up to the last that the file has."""


def read_sheet(file: BinaryIO, reading: Reading, sheet: str | None) -> Iterator[Row]:
    """Yield a sheet's rows that have cells, in the order of the file.

    Args:
        file: The workbook, at the start; seekable.
        reading: Its name and its time.
        sheet: The sheet's name; None for the first.

    Raises:
        BadInput: It is no workbook, has no sheet of this name, or passes a limit. Rows before the
            fault may have been yielded.
    """
    try:
        _check_directory(file, reading)
        with zipfile.ZipFile(file) as archive:
            yield from _Workbook(archive, reading).rows(sheet)
    except _NO_WORKBOOK as error:
        raise BadInput(
            f"{reading.name} cannot be read as an Excel workbook ({error}): save it anew as "
            ".xlsx, or as .csv."
        ) from error


def _check_directory(file: BinaryIO, reading: Reading) -> None:
    size = directory_size(file)
    if size is None:
        raise zipfile.BadZipFile("the ZIP has no end")
    if size > MAX_DIRECTORY_BYTES:
        raise BadInput(
            f"{reading.name}: the list of its parts takes {size / 1e6:,.0f} MB, where "
            f"{MAX_DIRECTORY_BYTES / 1e6:,.0f} MB are read: save the sheet as .csv."
        )


class _Format(NamedTuple):
    """What a number format makes of a number."""

    is_day: bool
    is_duration: bool
    is_percent: bool


class _Workbook:
    """An open workbook; see `read_sheet`."""

    def __init__(self, archive: zipfile.ZipFile, reading: Reading) -> None:
        self._archive = archive
        self._reading = reading
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > reading.most_unpacked:
            raise BadInput(
                f"{reading.name} is too large: unpacked it is {unpacked / 1e6:,.0f} MB, where "
                f"{reading.most_unpacked / 1e6:,.0f} MB are read. Save the sheet as .csv."
            )
        # Excel ignores the case of a part's name.
        self._members = {_part_name(m.filename): m for m in archive.infolist()}
        self._is_1904 = False

    def rows(self, wanted: str | None) -> Iterator[Row]:
        roots = self._relations("")
        book = next((path for kind, path in roots.values() if kind == "officeDocument"), None)
        if book is None:
            raise ValueError("it has no list of sheets")
        parts = self._relations(book)
        of_kind = dict(parts.values())
        sheets = self._sheets(book, parts)
        name = wanted or next(iter(sheets), None)
        if name not in sheets:
            there = ", ".join([*sheets][:50]) + ", ..." * (len(sheets) > 50)
            raise BadInput(f"{self._reading.name} has no sheet {name}; its sheets: {there}.")
        formats = self._formats(of_kind.get("styles"))
        with SpooledTemporaryFile(_TEXTS_IN_MEMORY) as store:
            texts = _SharedTexts(store, self._reading)
            if (path := of_kind.get("sharedStrings")) in self._members:
                for _ in self._parse(str(path), texts.start, texts.end, texts.text):
                    pass
            sheet = _Sheet(self._reading, formats, is_1904=self._is_1904)
            for _ in self._parse(sheets[name], sheet.start, sheet.end, sheet.text):
                for number, cells in sheet.rows:
                    yield number, self._filled(number, cells, texts)
                sheet.rows.clear()
                if sheet.is_done:
                    return

    def _filled(self, number: int, cells: dict[int, Cell | int], texts: _SharedTexts) -> list[Cell]:
        """Fill a row, one at a time: thousands of a block may be wide or share one long text."""
        row: list[Cell] = [""] * max(cells)
        size = 0
        for column, cell in cells.items():
            row[column - 1] = found = texts[cell] if isinstance(cell, int) else cell
            size += len(str(found))
            if size > limits.MAX_RECORD_CHARACTERS:
                raise _too_long(self._reading, f"row {number:,}", limits.MAX_RECORD_CHARACTERS)
        return row

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return the kind and the path of each part that belongs to a part, by id."""
        folder, base = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}
        for tag, attributes in self._tags(f"{folder}/_rels/{base}.rels"):
            if tag == "Relationship":
                kind = attributes["Type"].rpartition("/")[2]
                path = posixpath.normpath(posixpath.join(f"/{folder}", attributes["Target"]))
                found[attributes["Id"]] = kind, _part_name(path)
                self._check_entries(found, "parts")
        return found

    def _sheets(self, book: str, parts: dict[str, tuple[str, str]]) -> dict[str, str]:
        """Return the path of each sheet of cells by its name, in the order of the workbook."""
        found: dict[str, str] = {}
        for tag, attributes in self._tags(book):
            if tag == "workbookPr":
                self._is_1904 = attributes.get("date1904") in ("1", "true")
            elif tag == "sheet":
                ids = (value for key, value in attributes.items() if key.endswith(":id"))
                kind, path = parts.get(next(ids, ""), ("", ""))
                if kind == "worksheet":
                    found[attributes["name"]] = path
                    self._check_entries(found, "sheets")
        return found

    def _formats(self, part: str | None) -> list[_Format]:
        """Return the formats of cells; a cell's attribute `s` is a place in the list."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        known = {number: _format_of(code) for number, code in BUILTIN_FORMATS.items()}
        plain = _format_of("General")
        found: list[_Format] = []
        is_cells = False
        for tag, attributes in self._tags(part) if part in self._members else ():
            if tag == "numFmt":
                known[int(attributes["numFmtId"])] = _format_of(attributes["formatCode"])
                self._check_entries(known, "number formats")
            elif tag in ("cellXfs", "cellStyleXfs", "dxfs"):
                is_cells = tag == "cellXfs"
            elif tag == "xf" and is_cells:
                found.append(known.get(int(attributes.get("numFmtId", 0)), plain))
                self._check_entries(found, "formats of cells")
        return found or [plain]

    def _check_entries(self, entries: Sized, what: str) -> None:
        if len(entries) > MAX_ENTRIES:
            raise BadInput(
                f"{self._reading.name} has more than {MAX_ENTRIES:,} {what}, and no more are "
                "read: save the sheet as .csv."
            )

    def _tags(self, part: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield each tag and its attributes, of a part that is a list."""
        size = self._member(part).file_size
        if size > MAX_LIST_BYTES:
            raise BadInput(
                f"{self._reading.name}: its part {part} is {size / 1e6:,.0f} MB, where "
                f"{MAX_LIST_BYTES / 1e6:,.0f} MB are read: save the sheet as .csv."
            )
        tags: list[tuple[str, dict[str, str]]] = []
        for _ in self._parse(part, lambda tag, attributes: tags.append((tag, attributes))):
            yield from tags
            tags.clear()

    def _member(self, part: str) -> zipfile.ZipInfo:
        try:
            return self._members[_part_name(part)]
        except KeyError as error:
            raise ValueError(f"it has no part {part}") from error

    def _parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] = lambda _: None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Call back for each tag and text of a part, and yield after each block.

        A document type is refused, since its entities could expand without end.
        """
        depth = 0

        def enter(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            start(tag.rpartition(":")[2], attributes)

        def leave(tag: str) -> None:
            nonlocal depth
            depth -= 1
            end(tag.rpartition(":")[2])

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = enter
        parser.EndElementHandler = leave
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse_xml("a document type (DOCTYPE)")
        done = 0
        with self._archive.open(self._member(part)) as xml:
            while block := xml.read(_BLOCK):
                parser.Parse(block, False)
                done += len(block)
                if done - parser.CurrentByteIndex > MAX_TAG_BYTES + _BLOCK:
                    self._refuse_xml(f"a tag of more than {MAX_TAG_BYTES:,} bytes")
                if depth > MAX_DEPTH:
                    self._refuse_xml(f"more than {MAX_DEPTH} tags within each other")
                if len(parser.intern) > MAX_NAMES:
                    self._refuse_xml(f"more than {MAX_NAMES:,} names of tags")
                self._reading.check_time()
                yield
        parser.Parse(b"", True)
        yield

    def _refuse_xml(self, what: str) -> None:
        raise BadInput(
            f"{self._reading.name} holds {what}, which no workbook needs: save the sheet as .csv."
        )


class _Texts:
    """Joins the pieces of one text, without its pronunciation (`rPh`)."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._pieces: list[str] = []
        self._size = 0
        self._is_open = False
        self._is_spoken = False

    def begin_text(self) -> None:
        self._pieces, self._size = [], 0

    def text(self, text: str) -> None:
        if self._is_open:
            self._pieces.append(text)
            self._size += len(text)
            if self._size > limits.MAX_FIELD_CHARACTERS:
                raise _too_long(self._reading, self.where(), limits.MAX_FIELD_CHARACTERS)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "rPh":
            self._is_spoken = True
        elif tag == "t":
            self._is_open = not self._is_spoken

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._is_spoken = False
        elif tag == "t":
            self._is_open = False

    def where(self) -> str:
        """Say where the text is, for messages."""
        raise NotImplementedError


class _SharedTexts(_Texts):
    """The texts that cells share, by number from 0; on disk once they are many."""

    def __init__(self, store: IO[bytes], reading: Reading) -> None:
        super().__init__(reading)
        self._ends = array("Q", [0])
        self._store = store

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "si":
            self.begin_text()
        else:
            super().start(tag, attributes)

    def end(self, tag: str) -> None:
        if tag != "si":
            super().end(tag)
            return
        if len(self._ends) > MAX_SHARED_TEXTS:
            raise BadInput(
                f"{self._reading.name} has more than {MAX_SHARED_TEXTS:,} different texts, and no "
                "more are read: save the sheet as .csv."
            )
        text = _unescaped("".join(self._pieces)).encode("utf-8", "surrogatepass")
        self._store.write(text)
        self._ends.append(self._ends[-1] + len(text))

    def where(self) -> str:
        return f"its shared text {len(self._ends):,}"

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(f"there is no shared text {number}")
        start, end = self._ends[number], self._ends[number + 1]
        self._store.seek(start)
        return self._store.read(end - start).decode("utf-8", "surrogatepass")


_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.IGNORECASE)


class _Sheet(_Texts):
    """Gathers the rows of a sheet that have cells.

    `rows` holds the number of each row and its cells by column; a whole number in place of a cell
    is the number of a shared text.
    """

    def __init__(self, reading: Reading, formats: list[_Format], *, is_1904: bool) -> None:
        super().__init__(reading)
        self.rows: list[tuple[int, dict[int, Cell | int]]] = []
        self.is_done = False
        self._formats = formats
        self._is_1904 = is_1904
        self._number = 0
        self._column = 0
        self._cells: dict[int, Cell | int] = {}
        self._row_size = 0
        # Of the cell that is being read: type, place in the list of formats, `v` and `f`.
        self._kind, self._style = "n", 0
        self._has_value = self._is_formula = False

    def where(self) -> str:
        return f"a cell in row {self._number:,}"

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v":
            self._is_open = self._has_value = True
        elif tag == "f":
            self._is_formula = True
        elif tag == "row":
            self._start_row(attributes)
        elif self._kind == "inlineStr":
            super().start(tag, attributes)

    def end(self, tag: str) -> None:
        if tag == "c":
            text = "".join(self._pieces)
            self._cells[self._column] = self._cell(text)
            self._row_size += len(text)
            if self._row_size > limits.MAX_RECORD_CHARACTERS:
                where = f"row {self._number:,}"
                raise _too_long(self._reading, where, limits.MAX_RECORD_CHARACTERS)
        elif tag == "v":
            self._is_open = False
        elif tag == "row":
            if self._cells:
                self.rows.append((self._number, self._cells))
                self._cells = {}
        elif tag == "sheetData":
            self.is_done = True
        else:
            super().end(tag)

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._number = int(float(attributes.get("r", self._number + 1)))
        if not 0 < self._number <= limits.MAX_ROWS:
            raise BadInput(
                f"{self._reading.name} has a row {self._number:,}, where Excel has rows 1 to "
                f"{limits.MAX_ROWS:,}: divide the sheet into several files."
            )
        self._column = self._row_size = 0

    def _start_cell(self, attributes: dict[str, str]) -> None:
        self._kind = attributes.get("t", "n")
        self._style = int(attributes.get("s", 0))
        self._has_value = self._is_formula = False
        self.begin_text()
        if (reference := attributes.get("r")) is None:
            self._column += 1
        elif found := _REFERENCE.fullmatch(reference):
            self._column = 0
            for letter in found[1].upper():
                self._column = self._column * 26 + ord(letter) - 64
        else:
            raise ValueError(f"{reference[:20]} is no cell")
        if self._column > limits.MAX_COLUMNS:
            raise BadInput(
                f"{self._reading.name}: row {self._number:,} has more than "
                f"{limits.MAX_COLUMNS:,} columns, which is what Excel has: remove columns."
            )

    def _cell(self, text: str) -> Cell | int:
        """Make a cell of its text; whole numbers lose their ".0"."""
        kind = self._kind
        if not text:
            is_text = kind == "inlineStr" or (kind == "str" and self._has_value)
            if self._is_formula and not is_text:
                return Fault("", "a formula was never calculated: open the file, and save it again")
            return ""
        match kind:
            case "s":
                return int(text)
            case "str" | "inlineStr":
                return _unescaped(text)
            case "b":
                return "true" if int(text) else "false"
            case "e":
                return Fault(text, f"a cell holds the error {text}")
            case "d":
                return _day_of(text)
            case "n":
                is_known = self._style < len(self._formats)
                how = self._formats[self._style if is_known else 0]
                return _number_of(text, how, is_1904=self._is_1904)
        return text


def _too_long(reading: Reading, where: str, most: int) -> BadInput:
    return BadInput(
        f"{reading.name}: {where} is longer than {most:,} characters: shorten the text there, or "
        "remove the column."
    )


def _part_name(path: str) -> str:
    return path.replace("\\", "/").lstrip("/").lower()


def _format_of(code: str) -> _Format:
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format

    if len(code) > MAX_FORMAT_CHARACTERS:
        code = "General"
    return _Format(is_date_format(code), is_timedelta_format(code), "%" in code)


def _day_of(text: str) -> Cell:
    from openpyxl.utils.datetime import from_ISO8601

    found = from_ISO8601(text)  # type: ignore[no-untyped-call]
    return found if isinstance(found, date) else str(found)


def _number_of(text: str, how: _Format, *, is_1904: bool) -> Cell:
    """Read a number as Excel shows it: a day, a duration, a percentage or a number."""
    is_whole = not set(text) & set(".eE")
    value = int(text) if is_whole else float(text)
    if how.is_day or how.is_duration:
        from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

        try:
            found = from_excel(value, MAC_EPOCH if is_1904 else WINDOWS_EPOCH, how.is_duration)
        except (OverflowError, ValueError):
            return Fault("#VALUE!", "a cell holds the error #VALUE!")
        return found if isinstance(found, date) else str(found)
    return _number(Decimal(str(value)), is_percent=how.is_percent)


def _number(value: Decimal, *, is_percent: bool) -> Cell:
    if is_percent:
        return f"{(value * 100).normalize():f}%"
    if abs(value) >= 10**15:
        return Fault(
            f"{value:f}",
            "a number has more than 15 digits, which spreadsheets round: make the column text",
        )
    return f"{value.to_integral_value():f}" if value == value.to_integral_value() else f"{value:f}"


_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    """Read characters that a workbook writes as `_xHHHH_` (ECMA-376, ST_Xstring).

    `_x005F_` is an underscore: it protects a text that only looks like this.
    """
    if "_x" not in text:
        return text
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    # Two halves of a surrogate pair become one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
