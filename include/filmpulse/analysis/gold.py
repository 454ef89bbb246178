"""Gold lines: reviews that people labelled by docs/labelling.md, one JSON object a line."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
)

from filmpulse.errors import BadInput
from filmpulse.items import Aspect, Score, analysed_text


def _no_word(value: Any) -> Any:
    """Refuse what pydantic would read as a number: "1" and true are no labels."""
    if isinstance(value, bool | str):
        raise ValueError("a whole number is needed")
    return value


Label = Annotated[Score, BeforeValidator(_no_word)]
Grade = Annotated[int, Field(ge=1, le=10), BeforeValidator(_no_word)]


_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][0-9A-Za-z]{1,8})*")


def _primary_subtag(value: Any) -> Any:
    """Cut a language tag (BCP 47) to the language alone, in lower case: en-US to en."""
    if not isinstance(value, str):
        return value
    found = _TAG.fullmatch(value.strip())
    if found is None:
        raise ValueError("a language has a code of two or three letters, such as en or en-US")
    return found[1].lower()


Language = Annotated[str, BeforeValidator(_primary_subtag)]
Name = Annotated[str, Field(coerce_numbers_to_str=True)]


class GoldLine(BaseModel):
    """One labelled review; other keys of its line are for other readers.

    `id` is the number of the line where it has none. `movie` groups the reviews of one movie, and
    `imdb_id` does so too; a number is read as a name. Of `language` the first part counts (`en` of
    `en-US`); a text without is given the one that loading would detect. An aspect that is null is
    not mentioned, as if it were left out.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: StrictInt | StrictStr
    title: str = ""
    text: str
    rating_1_10: Grade | None = None
    cast: tuple[str, ...] = ()
    language: Language | None = None
    movie: Name | None = None
    imdb_id: str | None = None
    aspects: dict[Aspect, Label]
    overall: Label | None = None

    @field_validator("title", mode="before")
    @classmethod
    def _empty_title(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("cast", mode="before")
    @classmethod
    def _empty_cast(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator("aspects", mode="before")
    @classmethod
    def _without_none(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {aspect: score for aspect, score in value.items() if score is not None}

    @property
    def group(self) -> str:
        """The movie whose names and grades count; empty if the line names none."""
        return self.imdb_id or self.movie or ""

    @property
    def analysed(self) -> str:
        """The text that an analyser reads, to the letter."""
        return analysed_text(self.title, self.text)


def read_gold(path: Path) -> list[GoldLine]:
    """Read a file of gold lines, in its order; empty lines are passed over.

    Args:
        path: UTF-8, with or without a byte order mark; lines end with LF or CR LF.

    Raises:
        BadInput: The file cannot be read or holds no line, a line is no gold line, or two lines
            have the same id. The message names the file and the number of the line.
    """
    found: list[GoldLine] = []
    first_at: dict[str, int] = {}
    for number, text in _lines(path):
        line = _read_line(path, number, text)
        before = first_at.setdefault(str(line.id), number)
        if before != number:
            raise BadInput(f"{path}, line {number}: the id {line.id!r} is that of line {before}.")
        found.append(line)
    if not found:
        raise BadInput(f"{path} holds no line to evaluate.")
    return found


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line that holds something, with its number from 1 on."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if text.strip():
                    yield number, text
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error


def _read_line(path: Path, number: int, text: bytes) -> GoldLine:
    where = f"{path}, line {number}"
    try:
        value = json.loads(text.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode()  # an escape may be half a character
    except UnicodeError:
        raise BadInput(f"{where}: the line is not UTF-8, or has half a character.") from None
    except (ValueError, RecursionError):
        raise BadInput(f"{where}: the line is no JSON object.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where}: the line is no JSON object.")
    if value.get("id") is None:
        value["id"] = number
    try:
        return GoldLine.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors())
        raise BadInput(f"{where}: {faults}. See docs/labelling.md.") from None


def _fault(place: tuple[int | str, ...], message: str) -> str:
    """Say what is wrong where; pydantic marks a key of a dictionary by "[key]"."""
    return f"{'.'.join(str(part) for part in place if part != '[key]')}: {message}"
