"""Pure functions that read one cell, or say why it cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor

from filmpulse.items import CONTROLS, canonical_text, read_imdb_id
from filmpulse.sources.tables.mapping import DayColumn, RatingColumn

MAX_CHARACTERS = 100_000
"""The longest review; ten times the longest that IMDb takes."""

EARLIEST = date(1900, 1, 2)
"""Spreadsheets show an empty date as one of the two days before this."""

LARGEST_COUNT = 2**31 - 1


@dataclass(frozen=True)
class Fault:
    """A cell without a value: its text, and what is wrong with it."""

    text: str
    sentence: str

    def __str__(self) -> str:
        """Return the text of the cell."""
        return self.text


Cell = str | date | Fault
"""A text ("" for an empty cell), a spreadsheet's date, or neither."""


class Unreadable(ValueError):
    """A value that cannot be used: the kind of problem, and a sentence that names the value."""

    def __init__(self, kind: str, sentence: str) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.kind = kind


def text_of(cell: Cell) -> str:
    """Return a cell as canonical text.

    Raises:
        Unreadable: The cell holds an error or a structure.
    """
    if isinstance(cell, Fault):
        raise Unreadable("cell", cell.sentence)
    return canonical_text(cell if isinstance(cell, str) else cell.isoformat())


def key_of(cell: Cell) -> str:
    """Return a cell that names a review or an author as canonical text; raises as `text_of`.

    Control characters are left out, not replaced as in a text, so that reviews of earlier imports
    are still found.
    """
    return text_of(CONTROLS.sub("", cell) if isinstance(cell, str) else cell)


_BARE_ID = re.compile(r"0*([1-9][0-9]{0,8})(?:\.0+)?")  # programs write 111161.0, too


def movie_id(cell: Cell) -> str:
    """Read an IMDb id, also without its `tt` and zeros, or the id in an address at IMDb."""
    text = text_of(cell)
    if found := read_imdb_id(text):
        return found
    if bare := _BARE_ID.fullmatch(text):
        return f"tt{bare[1]:0>7}"
    if not text:
        raise Unreadable("movie", "the movie is missing")
    raise Unreadable("movie", f"{_shown(text)} is no IMDb id (tt and 7 to 9 digits)")


def own_id(cell: Cell) -> str:
    """Read a review's id in the file: 1 to 200 visible ASCII characters."""
    text = key_of(cell)
    if not text:
        raise Unreadable("id", "the review's id is missing")
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", text):
        raise Unreadable(
            "id", f"the id {_shown(text)} is not 1 to 200 letters, digits and signs without spaces"
        )
    return text


_NUMBER = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_OF = re.compile(r"(.+?)\s*/\s*([0-9]{1,3})")
_STARS = re.compile(r"([★⭐]*)(½?)[☆]*", re.UNICODE)


def rating_1_10(cell: Cell, column: RatingColumn) -> int | None:
    """Convert stars or points to 1..10: value / scale x 10, a half rounded up, at least 1.

    Reads "4", "3.5", "3,5", "87%" of 100, "★★★½", and "2.5/4", whose own scale counts. Returns None
    for no rating.

    Raises:
        Unreadable: Not a number from the minimum to the scale.
    """
    text = text_of(cell).replace("\N{VARIATION SELECTOR-16}", "")
    if _is_none(text, column.none):
        return None
    value = _points(text, column.scale)
    if value is None:
        raise Unreadable("rating", f"{_shown(text)} is no rating of {column.scale}")
    if value == 0 and column.minimum is None:
        raise Unreadable(
            "rating",
            '0 may be the worst rating or none: say `minimum: 0` or `none: ["0"]` in the map',
        )
    least = Fraction(column.minimum or 0)
    if not least <= value <= column.scale:
        raise Unreadable(
            "rating", f"{_shown(text)} lies outside {float(least):g} to {column.scale}"
        )
    return max(1, floor(value * 10 / column.scale + Fraction(1, 2)))


def _points(text: str, scale: int) -> Fraction | None:
    """Read points, and convert them if the cell names another scale."""
    of = _OF.fullmatch(text)
    if of is None:
        return _plain_points(text, scale)
    own = int(of[2])
    points = _plain_points(of[1], own) if own else None
    return points and points * scale / own


def _plain_points(text: str, scale: int) -> Fraction | None:
    if text.endswith("%") and scale == 100:
        text = text[:-1].rstrip()
    if _NUMBER.fullmatch(text):
        return Fraction(text.replace(",", "."))
    stars = _STARS.fullmatch(text)
    if stars and len(text) <= scale:
        return len(stars[1]) + Fraction(len(stars[2]), 2)
    return None


def _is_none(text: str, words: tuple[str, ...] | None) -> bool:
    """Say whether a cell is empty or holds one of the map's words for "no value"."""
    return not text or text.lower() in {word.lower() for word in words or ()}


_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?")
_THREE = re.compile(r"([0-9]{1,2})([./ -])\s?([0-9]{1,2})\2\s?([0-9]{4})(?:[T ].*)?")
_SECONDS = re.compile(r"-?[0-9]{1,14}")


def day(cell: Cell, column: DayColumn, latest: date) -> date | None:
    """Read a day as it is written: no time zone is applied. Returns None for no day.

    YYYY-MM-DD is read whatever the map says, since it has only one meaning.

    Raises:
        Unreadable: Not a day, or a day after `latest` or before 1900.
    """
    if isinstance(cell, date):
        found: date | None = cell.date() if isinstance(cell, datetime) else cell
    else:
        text = text_of(cell)
        if _is_none(text, column.none):
            return None
        found = _day(text, column.format)
    if found is None:
        iso = "YYYY-MM-DD (say its `format` in the map if it is another)"
        how = iso if column.format == "iso" else column.format
        raise Unreadable("date", f"{_shown(str(cell))} is no day written as {how}")
    if found > latest:
        raise Unreadable("future date", f"{found} lies in the future")
    if found < EARLIEST:
        raise Unreadable("date", f"{found} lies before any review")
    return found


def _day(text: str, how: str) -> date | None:
    try:
        if iso := _ISO.fullmatch(text):
            return date.fromisoformat(iso[1])
        if how in ("day-first", "month-first"):
            if three := _THREE.fullmatch(text):
                first, second, year = int(three[1]), int(three[3]), int(three[4])
                return date(year, *((second, first) if how == "day-first" else (first, second)))
        elif how in ("unix", "unix-ms"):
            if _SECONDS.fullmatch(text):
                seconds = int(text) // (1000 if how == "unix-ms" else 1)
                return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).date()
        elif how != "iso":
            return datetime.strptime(text, how).date()  # noqa: DTZ007 - as written
    except (ValueError, OverflowError):
        pass
    return None


_YES = frozenset({"true", "yes", "y", "1", "x"})
_NO = frozenset({"false", "no", "n", "0", ""})


def mark(cell: Cell, words: tuple[str, ...] | None) -> bool:
    """Read a yes or no, by the map's words for yes or the usual words.

    Raises:
        Unreadable: None of the usual words, where the map names none.
    """
    text = text_of(cell).lower()
    if words is not None:
        return text in {word.lower() for word in words}
    if text in _YES or text in _NO:
        return text in _YES
    raise Unreadable(
        "spoiler mark", f"{_shown(text)} is neither yes nor no: say the `words` for yes in the map"
    )


# Thousands may be marked, each group of three digits by the same mark: "1.000" is a thousand.
_VOTES = re.compile(r"([0-9]{1,3}([ ,.'\u2019])[0-9]{3}(?:\2[0-9]{3})*|[0-9]{1,10})(?:\.0+|,00?)?")


def votes(cell: Cell, none: tuple[str, ...] | None = None) -> int | None:
    """Read a count of votes: "1204", "1,204", "1.204", "1 204", "1'204" or "1204.0".

    Returns None for an empty cell or one of the words of `none`.

    Raises:
        Unreadable: Not a whole number from 0 to `LARGEST_COUNT`.
    """
    text = text_of(cell)
    if _is_none(text, none):
        return None
    found = _VOTES.fullmatch(text)
    count = int(re.sub("[^0-9]", "", found[1])) if found else -1
    if not 0 <= count <= LARGEST_COUNT:
        raise Unreadable("votes", f"{_shown(text)} is no count of votes")
    return count


def _shown(text: str) -> str:
    """Show a value, shortened."""
    flat = " ".join(text.split())
    return f"“{flat[:40]}…”" if len(flat) > 40 else f"“{flat}”"
