"""Propose a map for a table that has none, by the names of its columns and a look at their values.

A proposal is for a person to look at, not to import by: what it could not decide, it asks.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, BinaryIO, Literal, NamedTuple

from filmpulse.items import read_imdb_id
from filmpulse.sources.tables.mapping import FIELDS, DayColumn, RatingColumn, make_writing
from filmpulse.sources.tables.sample import ASSUMED, Sample, read_sample
from filmpulse.sources.tables.values import (
    Cell,
    Fault,
    Unreadable,
    day,
    mark,
    movie_id,
    own_id,
    rating_1_10,
    text_of,
    votes,
)

Kind = Literal[
    "missing", "candidates", "scale", "zero", "order", "unread", "movie_title", "title_is_text",
    "encoding", "twice", "headless",
]  # fmt: skip

MOSTLY, HALF = 0.8, 0.5
"""The share of a column's values that must be of a kind; half, for grades, which are often odd."""
_LONG_TEXT = 60
"""Mean length in characters from which a column without a known name counts as the reviews' text:
names, genres and headings are shorter."""
_LONGEST_AUTHOR = 60
_HTML = re.compile(r"<(?:br|p|b|i|em|strong|div|a|span)\b|&(?:amp|quot|lt|gt|nbsp|#\d+);", re.I)
_HTML_SHARE = 0.1
_OWN_SCALE = re.compile(r"[^/]+/\s*([0-9]{1,3})")
_ZERO = re.compile(r"0+(?:[.,]0+)?%?")
_SCALES = (4, 5, 6, 10, 20, 100)
_DAY_FORMS = (
    "day-first", "month-first", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%d. %B %Y",
    "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
)  # fmt: skip
_CLOCKS = ("unix", "unix-ms")
_CONTAINED_FROM = 4
"""A name of fewer letters is looked for only as the whole header."""


class Question(NamedTuple):
    """What a person must look at: a field, what is uncertain about it, and the columns."""

    field: str
    kind: Kind
    columns: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The question for a person."""
        return _SENTENCES[self.kind].format(
            field=NAMES.get(self.field, self.field), columns=", ".join(self.columns)
        )


NAMES = {
    "imdb_id": "the movie", "review_id": "the review's own id", "title": "the heading",
    "body": "the text", "rating": "the grade", "submitted_on": "the day",
    "is_spoiler": "the spoiler mark", "author": "the author", "helpful_up": "the helpful votes",
    "helpful_down": "the votes against", "encoding": "the encoding",
}  # fmt: skip
"""What a field is, for a person."""

_SENTENCES: dict[str, str] = {
    "missing": "No column looks like {field}: choose one, or say it for the whole file.",
    "candidates": "More than one column may be {field}: {columns}.",
    "scale": "No grade in {columns} is above 5: is 5 the best, or 10?",
    "zero": "{columns} holds 0: is that the worst grade, or none?",
    "order": "The days in {columns} can be read in two ways: is the day first, or the month?",
    "unread": "Some values of {columns} cannot be read as {field}: they are left empty.",
    "movie_title": "{columns} seems to be the movie's title, so it is not taken for the heading.",
    "title_is_text": "{columns} is the only text, so it is taken for the review.",
    "encoding": "The file is not written in UTF-8; Windows-1252 is assumed: look at the accents.",
    "twice": "More than one column is called {columns}: such columns cannot be used.",
    "headless": "The first row seems to hold values: put the columns' names above it.",
}


@dataclass(frozen=True)
class Proposal:
    """The entries of a map, as `mapping.make_map` takes them, without source and rights.

    A field that no column seems to hold is left out. `questions` are in the order of the fields.
    """

    entries: dict[str, Any]
    questions: tuple[Question, ...]


class _Found(NamedTuple):
    """A column that may be a field: how well its name fits, the entry, and what to ask."""

    column: _Column
    level: int
    place: int
    entry: dict[str, Any]
    asks: tuple[Kind, ...] = ()


@dataclass
class _Column:
    """One column: its name and its cells."""

    name: str
    cells: list[Cell]
    texts: list[str] = field(init=False)
    words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        read = (str(cell) if isinstance(cell, Fault) else text_of(cell) for cell in self.cells)
        said = [text for text in read if text]
        none = _words("none")
        self.texts = [text for text in said if text.casefold() not in none]
        self.no_value = sorted({text for text in said if text.casefold() in none})
        self.words = fold(self.name)

    def share(self, reads: Callable[[str], object]) -> float:
        """Return the share of the values that can be read; 0 without values."""
        different = set(self.texts)
        good = {text for text in different if _can(reads, text)}
        return sum(text in good for text in self.texts) / len(self.texts) if self.texts else 0.0

    @cached_property
    def movies(self) -> float:
        """The share of IMDb ids, not counting bare numbers."""
        return self.share(_whole_id)

    @cached_property
    def day_form(self) -> tuple[str, float, bool]:
        """The form of the days, their share, and whether day or month may come first."""
        if all(isinstance(cell, date) for cell in self.cells if cell != ""):
            return "iso", float(bool(self.texts)), False
        shares = {form: self._days(form) for form in ("iso", *_DAY_FORMS)}
        best = max(shares, key=lambda form: shares[form])
        dots = sum("." in text for text in self.texts) > len(self.texts) / 2
        both = shares["day-first"] == shares["month-first"] == shares[best] > 0
        is_open = both and best == "day-first" and not dots and not self._is_same_day()
        return best, shares[best], is_open

    def _days(self, form: str) -> float:
        how = DayColumn(column="x", format=form)
        return self.share(lambda text: day(text, how, date.max))

    def _is_same_day(self) -> bool:
        """Say whether every day reads the same with day or month first, such as 3/3/2024."""
        first, second = (DayColumn(column="x", format=f) for f in ("day-first", "month-first"))
        return all(
            day(text, first, date.max) == day(text, second, date.max)
            for text in set(self.texts)
            if _can(lambda t: day(t, first, date.max), text)
        )

    @property
    def mean_length(self) -> float:
        """The mean length of a value, in characters."""
        return sum(map(len, self.texts)) / len(self.texts) if self.texts else 0.0

    @cached_property
    def is_text(self) -> bool:
        """Whether it holds words: no ids of movies, no days, no numbers."""
        numbers = self.share(lambda text: rating_1_10(text, _grades(100)))
        is_day = self.day_form[1] >= MOSTLY
        return bool(self.texts) and numbers < HALF and self.movies < MOSTLY and not is_day


def propose_table(
    file: BinaryIO,
    name: str,
    given: Mapping[str, Any] | None = None,
    most_unpacked: int | None = None,
) -> tuple[Sample, Proposal]:
    """Read the beginning of a table and propose a map for it.

    Args:
        file: Its content; seekable.
        name: Its name; the ending says what it is.
        given: How it is written, as entries of a map; guessed if None.
        most_unpacked: The most bytes that a `.gz` or a workbook may hold; as `limits` says if None.

    Raises:
        BadInput: It cannot be read as what its name says or as `given`, or is empty.
    """
    writing = None if given is None else make_writing(given)
    sample = read_sample(file, name, writing, most_unpacked)
    proposal = propose_map(sample.columns, sample.rows)
    how = sample.writing.model_dump(exclude_none=True)
    asks = [Question("header_row", "headless")] * sample.is_headless
    asks += [Question("header_row", "twice", tuple(sample.twice))] * bool(sample.twice)
    asks += [Question("encoding", "encoding")] * (given is None and how.get("encoding") == ASSUMED)
    return sample, Proposal(proposal.entries | how, (*asks, *proposal.questions))


def propose_map(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Proposal:
    """Propose which column is which field.

    Args:
        columns: Their names, each once.
        rows: Some rows, a cell for each column.
    """
    looked = [_Column(name, [row[at] for row in rows]) for at, name in enumerate(columns)]
    options = {name: list(_candidates(name, looked)) for name in FIELDS}
    chosen = _choose(options)
    _text_at_least(chosen)
    about_the_movie = _movie_title(chosen, rows)
    questions: list[Question] = []
    for name in FIELDS:
        found = chosen.get(name)
        if found is None:
            if name in ("imdb_id", "body"):
                questions.append(Question(name, "missing"))
            if name == "title" and about_the_movie:
                questions.append(Question(name, "movie_title", (about_the_movie,)))
            continue
        others = _others(found, options[name], chosen)
        if others:
            questions.append(Question(name, "candidates", (found.column.name, *others)))
        questions += [Question(name, kind, (found.column.name,)) for kind in found.asks]
    entries = {name: _entry(found) for name, found in chosen.items()}
    return Proposal({name: entries[name] for name in FIELDS if name in entries}, tuple(questions))


def _entry(found: _Found) -> dict[str, Any]:
    return {"column": found.column.name, **found.entry}


def _choose(options: dict[str, list[_Found]]) -> dict[str, _Found]:
    """Give each field its best column; a name that fits exactly goes before one that may fit."""
    ranked = [(name, found) for name in FIELDS for found in options[name]]
    ranked.sort(key=lambda one: (-one[1].level, *_preference(*one)))
    chosen: dict[str, _Found] = {}
    taken: set[str] = set()
    for name, found in ranked:
        if name not in chosen and found.column.name not in taken:
            chosen[name] = found
            taken.add(found.column.name)
    return chosen


def _preference(name: str, found: _Found) -> tuple[float, ...]:
    """Order the columns of a field: the longest for the text, else the likeliest name."""
    return (-found.column.mean_length,) if name == "body" else (found.place,)


def _others(found: _Found, options: Iterable[_Found], chosen: dict[str, _Found]) -> list[str]:
    """Return the other columns that fit a field as well and that no other field has."""
    taken = {one.column.name for one in chosen.values()}
    least = found.column.mean_length / 2 if "body" in chosen and chosen["body"] is found else 0.0
    return [
        one.column.name
        for one in options
        if one.level == found.level
        and one.column.name not in taken
        and one.column.mean_length >= least
    ]


def _text_at_least(chosen: dict[str, _Found]) -> None:
    """Take the heading for the text where there is no other text."""
    if "body" not in chosen and "title" in chosen:
        chosen["body"] = chosen.pop("title")._replace(asks=("title_is_text",))


def _movie_title(chosen: dict[str, _Found], rows: Sequence[Sequence[Cell]]) -> str | None:
    """Drop and return a heading that seems to be the movie's title: each movie has one.

    Without a column of movies, a heading that mostly repeats is one.
    """
    title, movie = chosen.get("title"), chosen.get("imdb_id")
    if title is None or len(rows) < 2:
        return None
    if movie is None:
        cells = title.column.cells
        is_movies = len(set(map(str, cells))) <= len(cells) / 2
    else:
        pairs = set(zip(map(str, movie.column.cells), map(str, title.column.cells), strict=True))
        is_movies = len(pairs) == len(set(map(str, movie.column.cells)))
        if is_movies and len(pairs) == len(rows):  # each movie once: the name alone can tell
            is_movies = len(title.column.words) == 1 and title.column.words[0].startswith("tit")
    if not is_movies:
        return None
    return chosen.pop("title").column.name


def _candidates(name: str, columns: Iterable[_Column]) -> Iterable[_Found]:
    """Yield the columns that may be a field, by their names and their values."""
    for column in columns:
        level, place = _fit_of_name(name, column)
        if level < 0:
            continue
        read = _READERS[name](column, level)
        if read is not None:
            entry, asks = read
            yield _Found(column, level, place, entry, asks)


def _fit_of_name(name: str, column: _Column) -> tuple[int, int]:
    """Return how well a header fits: 2 exactly, 1 in part, 0 not at all, -1 it speaks against."""
    joined, padded = "".join(column.words), f" {' '.join(column.words)} "
    known = _folded_names(name)
    for place, words in enumerate(known):
        if joined == "".join(words):
            return 2, place
    if _table()["not"].keys() >= {name} and set(column.words) & set(_table()["not"][name]):
        return -1, 0
    for place, words in enumerate(known):
        is_long = len("".join(words)) >= _CONTAINED_FROM
        if is_long and f" {' '.join(words)} " in padded:
            return 1, place
    return 0, 0


_Read = tuple[dict[str, Any], tuple[Kind, ...]]


def _movie(column: _Column, level: int) -> _Read | None:
    if column.movies >= MOSTLY:
        return {}, ()
    says_so = {"imdb", "tconst"} & set(column.words) or "imdbid" in "".join(column.words)
    if level == 2 and says_so and column.share(movie_id) >= MOSTLY:
        return {}, ()
    return None


def _own(column: _Column, level: int) -> _Read | None:
    is_named = level == 2 or (level == 1 and len(column.words) > 1 and "id" in column.words)
    is_unique = len(set(column.texts)) == len(column.cells) > 0
    return ({}, ()) if is_named and is_unique and column.share(own_id) == 1 else None


def _heading(column: _Column, level: int) -> _Read | None:
    return _html(column) if level and column.is_text else None


def _body(column: _Column, level: int) -> _Read | None:
    is_long = column.mean_length >= _LONG_TEXT
    return _html(column) if column.is_text and (level or is_long) else None


def _html(column: _Column) -> _Read:
    tagged = sum(bool(_HTML.search(text)) for text in column.texts)
    return ({"html": True} if tagged >= len(column.texts) * _HTML_SHARE else {}), ()


def _grade(column: _Column, level: int) -> _Read | None:
    scale, is_sure = _scale(column) if level else (None, False)
    if scale is None:
        return None
    grades = _grades(scale)
    share = column.share(lambda text: rating_1_10(text, grades))
    if share < HALF:
        return None
    entry: dict[str, Any] = {"scale": scale}
    asks: list[Kind] = [] if is_sure else ["scale"]
    none = list(column.no_value)
    if zeros := sorted({text for text in column.texts if _ZERO.fullmatch(text)}):
        asks.append("zero")
        if scale == 100:  # points begin at 0; an export writes 0 stars where none were given
            entry["minimum"] = 0
        else:
            none += zeros
    if none:
        entry["none"] = none
    return entry, (*asks, *_unread(share))


def _scale(column: _Column) -> tuple[int | None, bool]:
    """Return the best grade that can be given, and whether that is more than a guess."""
    texts = column.texts
    own = [int(found[1]) for text in texts if (found := _OWN_SCALE.fullmatch(text))]
    if own and len(own) >= len(texts) * HALF:
        common = max(set(own), key=own.count)
        return (common, True) if 2 <= common <= 100 else (None, False)
    if sum(text.endswith("%") for text in texts) > len(texts) / 2:
        return 100, True
    stars = [text.count("★") + text.count("⭐") + text.count("☆") for text in texts]
    if texts and sum(map(bool, stars)) > len(texts) / 2:
        return (5 if max(stars) <= 5 else 10), True
    values = [float(t.replace(",", ".")) for t in texts if re.fullmatch(r"\d+(?:[.,]\d+)?", t)]
    if len(values) < max(1, len(texts) * HALF) or max(values) > 100:
        return None, False
    said = [int(word) for word in column.words if word.isdigit() and int(word) in _SCALES]
    if said and max(values) <= said[-1]:
        return said[-1], True
    if max(values) > 5:
        return (10 if max(values) <= 10 else 100), True
    says_stars = {"star", "stars", "sterne", "estrellas", "etoiles", "stelle"} & set(column.words)
    has_halves = any(value % 1 == 0.5 for value in values)
    return 5, bool(says_stars or has_halves)


def _grades(scale: int) -> RatingColumn:
    return RatingColumn(column="x", scale=scale, minimum=Decimal(0))


def _day(column: _Column, level: int) -> _Read | None:
    form, share, is_open = column.day_form
    if share < MOSTLY and level:
        form, share = max(((f, column._days(f)) for f in _CLOCKS), key=lambda one: one[1])
        is_open = False
    if share < MOSTLY:
        return None
    entry: dict[str, Any] = {} if form == "iso" or is_open else {"format": form}
    if column.no_value:
        entry["none"] = column.no_value
    return entry, (*(("order",) if is_open else ()), *_unread(share))


def _spoiler(column: _Column, level: int) -> _Read | None:
    if not level:
        return None
    if column.share(lambda text: mark(text, None)) == 1:
        return {}, ()
    said = {text.casefold() for text in column.texts}
    yes = sorted(said & _words("yes"))
    return ({"words": yes}, ()) if yes and said <= _words("yes") | _words("no") else None


def _author(column: _Column, level: int) -> _Read | None:
    is_name = level and 0 < column.mean_length <= _LONGEST_AUTHOR and column.movies < MOSTLY
    return ({}, ()) if is_name else None


def _count(column: _Column, level: int) -> _Read | None:
    share = column.share(votes) if level else 0.0
    if share < MOSTLY:
        return None
    return ({"none": column.no_value} if column.no_value else {}), _unread(share)


def _unread(share: float) -> tuple[Kind, ...]:
    return ("unread",) if share < 1 else ()


_READERS: dict[str, Callable[[_Column, int], _Read | None]] = {
    "imdb_id": _movie, "review_id": _own, "title": _heading, "body": _body, "rating": _grade,
    "submitted_on": _day, "is_spoiler": _spoiler, "author": _author, "helpful_up": _count,
    "helpful_down": _count,
}  # fmt: skip


def fold(text: str) -> list[str]:
    """Return the words of a header without case, accents and signs; "reviewText" is two words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    plain = unicodedata.normalize("NFKD", apart).casefold()
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", bare)


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    text = files(__package__).joinpath("names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _folded_names(name: str) -> list[list[str]]:
    return [fold(known) for known in _table()["names"][name]]


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _table()["words"][kind])


def _can(reads: Callable[[str], object], text: str) -> bool:
    try:
        reads(text)
    except Unreadable:
        return False
    return True


def _whole_id(text: str) -> str:
    found = read_imdb_id(text)
    if found is None:
        raise Unreadable("movie", "no IMDb id")
    return found
