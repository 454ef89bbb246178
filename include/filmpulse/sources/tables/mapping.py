"""The map of a file: which column holds which field of a review, and how it is written."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from filmpulse.errors import BadInput
from filmpulse.items import ImdbId
from filmpulse.sources import known

MAX_MAP_CHARACTERS = 64_000
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".json")
"""Endings of the files that can be read."""
PACKED = ".gz"
"""An ending that may follow each of `SUFFIXES`."""

RESERVED = frozenset({"quarantine", "inbox", "erasures", "losses", "reviews", "streams"})
"""Folders of the lake: no file's source may have such a name, nor that of a live source."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Words = Annotated[tuple[Name, ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Part(_Strict):
    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value


def form_of(name: str) -> str:
    """Return the ending of a file's name in small letters, without `.gz`."""
    return PurePosixPath(name.lower().removesuffix(PACKED)).suffix


def is_table(name: str, *, has_map: bool) -> bool:
    """Say by its name whether a file is a table.

    A `.json` file without a map is not: it may be an answer of the site.
    """
    form = form_of(name)
    return form in SUFFIXES and (has_map or form != ".json")


class Column(_Part):
    """One column, written as its name alone or as `{column: name, ...}`."""

    column: Name


class MovieColumn(_Part):
    """The movie: a column of IMDb ids or addresses, or one id for the whole file."""

    column: Name | None = None
    constant: ImdbId | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> MovieColumn:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either `column` or `constant`")
        return self


class TextColumn(Column):
    """A text; `html` means that it holds tags and entities."""

    html: bool = False


class RatingColumn(Column):
    """Stars or points, from `minimum` to `scale`.

    Without a minimum 0 is refused, since it may mean the worst rating or none. `none` lists words
    that mean "no rating"; an empty cell always does.
    """

    scale: Annotated[int, Field(ge=2, le=100)]
    minimum: Annotated[Decimal, Field(ge=0)] | None = None
    none: Words | None = None

    @model_validator(mode="after")
    def _minimum_below_scale(self) -> RatingColumn:
        if self.minimum is not None and self.minimum >= self.scale:
            raise ValueError("`minimum` must be less than `scale`")
        return self


class VotesColumn(Column):
    """A count of votes; `none` lists words that mean "unknown"; an empty cell always does."""

    none: Words | None = None


DATE_WORDS = ("iso", "day-first", "month-first", "unix", "unix-ms")


class DayColumn(Column):
    """A day; `format` is one of `DATE_WORDS`, or a pattern of strptime with %Y, a month and %d.

    `none` lists words that mean "no day"; an empty cell always does.
    """

    format: str = "iso"
    none: Words | None = None

    @field_validator("format")
    @classmethod
    def _knows_the_format(cls, value: str) -> str:
        if value in DATE_WORDS:
            return value
        if "%" not in value:
            raise ValueError(f"say one of {', '.join(DATE_WORDS)}, or a pattern such as %d.%m.%Y")
        if set(re.findall(r"%(.)", value.replace("%%", ""))) & set("yxc"):
            raise ValueError("years of two digits cannot be told apart: %Y is needed, not %y")
        if not _reads_back(value):
            raise ValueError("a day needs %Y, one of %m, %b, %B, and %d, as Python's strptime does")
        return value


class MarkColumn(Column):
    """The spoiler mark; with `words` these mean yes, and all others no."""

    words: Words | None = None


class Writing(_Strict):
    """How a table is written: all of a map that names no field."""

    encoding: str | None = None
    delimiter: str | None = None
    escape: str | None = None
    header_row: Annotated[int, Field(ge=1, le=1_000)] | None = None
    sheet: Name | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            io.TextIOWrapper(io.BytesIO(), encoding=value)  # also refuses base64 and the like
            name = codecs.lookup(value).name
            # Both mean Windows-1252 (WHATWG): `canonical_text` reads Latin-1 so.
            return "iso8859-1" if name == "ascii" else name
        except LookupError:
            raise ValueError(f"{value} is no encoding: utf-8, utf-16, windows-1252 ...") from None

    @field_validator("delimiter", "escape", mode="before")
    @classmethod
    def _one_character(cls, value: Any) -> Any:
        value = "\t" if value == "tab" else value
        if isinstance(value, str) and (len(value) != 1 or value in '"\r\n\0'):
            raise ValueError("one character, or the word tab")
        return value

    def columns(self) -> dict[str, str]:
        """Return the columns that the table must have, by field: none."""
        return {}


class TableMap(Writing):
    """A map; the README of this folder shows one.

    Reviews are stored under the name `source`; `rights` is the user's note on why the file may be
    used.
    """

    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    rights: Annotated[Name, Field(min_length=3, max_length=2_000)]
    imdb_id: MovieColumn
    body: TextColumn
    title: TextColumn | None = None
    review_id: Column | None = None
    rating: RatingColumn | None = None
    submitted_on: DayColumn | None = None
    is_spoiler: MarkColumn | None = None
    author: Column | None = None
    helpful_up: VotesColumn | None = None
    helpful_down: VotesColumn | None = None

    @field_validator("source")
    @classmethod
    def _free(cls, value: str) -> str:
        taken = sorted(RESERVED | set(known()))
        if value in taken:
            raise ValueError(f"{value} is taken; no source may be called {', '.join(taken)}")
        return value

    def columns(self) -> dict[str, str]:
        """Return the column's name of each field that has one."""
        parts = {field: getattr(self, field) for field in FIELDS}
        return {field: part.column for field, part in parts.items() if part and part.column}

    def to_text(self) -> str:
        """Return the map as a text for `read_map`."""
        return self.model_dump_json(exclude_none=True, indent=1)


Made = TypeVar("Made", bound=Writing)

_PARTS: dict[str, type[_Part]] = {
    "imdb_id": MovieColumn,
    "review_id": Column,
    "title": TextColumn,
    "body": TextColumn,
    "rating": RatingColumn,
    "submitted_on": DayColumn,
    "is_spoiler": MarkColumn,
    "author": Column,
    "helpful_up": VotesColumn,
    "helpful_down": VotesColumn,
}
FIELDS = tuple(_PARTS)
"""The entries of a map that name a column."""


def read_map(text: str, **options: str | None) -> TableMap:
    """Read a map, and add options to it.

    Args:
        text: YAML; every value is taken as it is written, so `no` stays a word.
        **options: `source`, `rights` and `imdb_id`, where the map lacks them.

    Raises:
        BadInput: The map cannot be used, or contradicts an option; the message names each wrong
            entry.
    """
    if len(text) > MAX_MAP_CHARACTERS:
        raise BadInput(f"The map is longer than {MAX_MAP_CHARACTERS:,} characters.")
    try:
        raw = yaml.load(text, Loader=_Plain)  # noqa: S506 - makes text, lists and maps
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise BadInput(f"The map is no YAML that can be read: {said[:300]}.") from None
    if not isinstance(raw, dict):
        raise BadInput("The map must say a field a line, such as `body: text`.")
    for name, option in options.items():
        if option is None:
            continue
        value: Any = {"constant": option} if name == "imdb_id" else option
        if name in raw and raw[name] != value:
            raise BadInput(f"The map says {name} otherwise than the command: say it once.")
        raw[name] = value
    return make_map(raw)


def make_map(raw: Mapping[str, Any]) -> TableMap:
    """Make a map of its entries, such as `{"body": "text"}`.

    Raises:
        BadInput: The map cannot be used; the message names each wrong entry.
    """
    return _made(TableMap, raw)


def make_writing(raw: Mapping[str, Any]) -> Writing:
    """Make a `Writing` of entries of a map; raises as `make_map`."""
    return _made(Writing, raw)


def _made(kind: type[Made], raw: Mapping[str, Any]) -> Made:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        wrong = "; ".join(_explain(dict(e)) for e in error.errors())
        raise BadInput(f"The map cannot be used. {wrong}.") from None


def _explain(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            part = _PARTS[error["loc"][0]] if len(error["loc"]) > 1 else TableMap
            # Fields first, then how the table is written.
            entries = sorted(part.model_fields, key=lambda name: name in Writing.model_fields)
            return f"`{where}` is unknown; known: {', '.join(entries)}"
        case "missing":
            return f"`{where}` is missing{_MISSING.get(where, '')}"
        case "string_pattern_mismatch" if where == "source":
            return "`source`: a lower-case word of letters, digits, - and _ that begins with one"
        case "string_pattern_mismatch":
            return f"`{where}`: an IMDb id is tt and 7 to 9 digits"
        case "model_type" | "model_attributes_type":
            return f"`{where}`: the name of a column is expected, or {{column: name, ...}}"
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"`{where}`: {said[:1].lower()}{said[1:]}"


_MISSING = {
    "source": ": the name under which these reviews are kept (--source)",
    "rights": ": a note on why you may use this file (--rights)",
    "imdb_id": ": a column, or {constant: tt...} (--imdb-id)",
    "body": ": the column with the text",
    "rating.scale": ": the best that can be given, such as 5, 10 or 100",
}


def _reads_back(pattern: str) -> bool:
    """Say whether strptime reads a day back that was written with the pattern."""
    day = datetime(2004, 11, 28)  # noqa: DTZ001 - a day has no zone
    try:
        return datetime.strptime(day.strftime(pattern), pattern).date() == day.date()  # noqa: DTZ007
    except (ValueError, re.error):  # strptime makes a regular expression of the pattern
        return False


class _Plain(yaml.BaseLoader):
    """YAML in which every value is text, and nothing is said twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := {str(key) for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(
                None, None, f"{', '.join(sorted(twice))} is said twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)
