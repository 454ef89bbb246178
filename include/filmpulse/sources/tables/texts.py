"""Read text files by lines or blocks, decoded as the byte order mark or the map says."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import BinaryIO

from filmpulse.errors import BadInput
from filmpulse.sources.tables import limits
from filmpulse.sources.tables.limits import Reading
from filmpulse.sources.tables.mapping import PACKED

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_lines(file: BinaryIO, reading: Reading, encoding: str | None) -> Iterator[str]:
    """Yield the lines of a text with their line ends.

    Raises:
        BadInput: The encoding is another, a line is too long, or no time is left.
    """
    most = limits.MAX_RECORD_CHARACTERS
    lines = read_blocks(file, reading, encoding, lambda text: text.readline(most + 1))
    for number, line in enumerate(lines, start=1):
        if len(line) > most:
            raise BadInput(
                f"{reading.name}: line {number:,} is longer than {most:,} characters: look for a "
                "missing line break there."
            )
        yield line


def read_blocks(
    file: BinaryIO,
    reading: Reading,
    encoding: str | None,
    take: Callable[[io.TextIOWrapper], str] = lambda text: text.read(limits.BLOCK),
) -> Generator[str, None, None]:
    """Yield a text by blocks, with line ends; a byte order mark overrides the map's encoding.

    Raises:
        BadInput: The encoding is another, or no time is left.
    """
    name = reading.name
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"PK":
        raise BadInput(f"{name} is a ZIP or a workbook, whatever its ending says.")
    if start[:2] == b"\x1f\x8b":
        raise BadInput(f"{name} is packed with gzip: its name must end in {PACKED}, once.")
    marked = next((codec for mark, codec in MARKS if start.startswith(mark)), None)
    text = io.TextIOWrapper(file, encoding=marked or encoding or "utf-8", newline="")
    breaks = 0
    try:
        while piece := take(text):
            breaks += piece.count("\n")
            reading.check_time()
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
