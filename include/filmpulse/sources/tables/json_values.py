"""Read the values of a JSON file, one in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import chain
from typing import Any, BinaryIO

from filmpulse.errors import BadInput
from filmpulse.sources.tables import limits
from filmpulse.sources.tables.limits import Reading
from filmpulse.sources.tables.mapping import form_of
from filmpulse.sources.tables.texts import read_blocks, read_lines
from filmpulse.sources.tables.values import Cell, Fault

JsonValue = tuple[int, str, Any, str | None]
"""The number of a line or an element, its text, its value, and why it has no value."""
_JSON_SPACE = "\ufeff \t\r\n"
_NO_SPACE = re.compile(f"[^{_JSON_SPACE}]")


def read_values(file: BinaryIO, reading: Reading, encoding: str | None) -> Iterator[JsonValue]:
    """Yield the values of JSON lines or, in a `.json` file, of one array.

    Raises:
        BadInput: An array is broken, or is in a file of lines; a value is too long, the encoding
            is another, or no time is left.
    """
    name = reading.name
    with closing(read_blocks(file, reading, encoding)) as blocks:
        start = next((text for block in blocks if (text := block.lstrip(_JSON_SPACE))), "")
    if not start.startswith("["):
        yield from _json_lines(read_lines(file, reading, encoding))
    elif form_of(name) == ".json":
        yield from _JsonArray(read_blocks(file, reading, encoding), name)
    else:
        raise BadInput(
            f"{name} is one JSON array: let its name end in .json, or write JSON lines, an object "
            "a line, without the brackets and commas around them."
        )


def _json_lines(lines: Iterator[str]) -> Iterator[JsonValue]:
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
    """The elements of a JSON array; one of them and a block of text are in memory at a time."""

    def __init__(self, blocks: Iterator[str], name: str) -> None:
        self._blocks = blocks
        self._name = name
        self._text = ""
        self._at = 0  # where the unread text begins
        self._number = 0

    def __iter__(self) -> Iterator[JsonValue]:
        """Yield the elements in their order, numbered from 1.

        Raises:
            BadInput: The array is broken or cut off.
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

    def _element(self) -> JsonValue:
        while True:
            self._next()
            with suppress(ValueError, RecursionError):
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text):  # else a number may go on
                    text, self._at = self._text[self._at : end], end
                    return self._number, text, value, None
            self._read_on()

    def _next(self) -> str:
        """Go to the next character that is no space, and return it."""
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
        if not block or len(self._text) > limits.MAX_RECORD_CHARACTERS:
            raise self._broken()
        self._text += block

    def _broken(self) -> BadInput:
        return BadInput(
            f"{self._name}: element {self._number:,} of its JSON array is broken, cut off, or "
            f"longer than {limits.MAX_RECORD_CHARACTERS:,} characters."
        )


# Numbers stay as they are written, such as 7.0, 1e400 or an id of thirty digits.
_DECODER = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=lambda word: Fault(word, f"{word} is no value")
)


def cell_of(value: Any) -> Cell:
    """Return a value of an object as a cell; `_DECODER` left numbers as texts."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | Fault():
            return value
    kind = "a list" if isinstance(value, list) else "an object"
    return Fault(json.dumps(value, default=str, ensure_ascii=False), f"a cell holds {kind}")
