"""A frame's rows as reviews, or refused with every reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from filmpulse.items import CONTROLS, Review, author_key, content_hash, text_from_html
from filmpulse.sources.tables.mapping import TableMap, TextColumn
from filmpulse.sources.tables.values import (
    MAX_CHARACTERS,
    Cell,
    Unreadable,
    day,
    key_of,
    mark,
    movie_id,
    own_id,
    rating_1_10,
    text_of,
    votes,
)

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = frozenset({"imdb_id", "review_id", "body"})
"""Fields without which a row is no review; any other that cannot be read is left empty."""

TEXTS = ("title", "body")

KEYED = "filmpulse-author-"
"""Before an author's key, in a table whose authors were hashed already."""
_KEY = re.compile(f"{KEYED}([0-9a-f]{{32}})")


class Problem(NamedTuple):
    """Why a row is refused: a group of its kind, and a sentence with the value."""

    kind: str
    sentence: str


@dataclass(frozen=True)
class Row:
    """One row: its number, its review, or else why there is none.

    `unread` holds the fields that are left empty since their cell cannot be read, each with a
    sentence that says why. `is_split` False: the row could not be taken apart as the header says.
    """

    number: int
    review: Review | None
    problems: tuple[Problem, ...]
    cells: dict[str, str]
    is_split: bool = True
    unread: Mapping[str, str] = field(default_factory=dict)


def read_rows(
    frame: pd.DataFrame, mapping: TableMap, *, secret: bytes, latest: date
) -> Iterator[Row]:
    """Yield a frame's rows in their order.

    Where the map names no id, a review's id is made of the movie, the author, the day and the
    words: the same row always gets the same, and an edited text counts as another review. The
    author goes in as the keyed hash alone, so that nobody can find out a name by trying. Rows that
    are equal in all of these get the same id here: see `numbered`.

    Args:
        frame: See `readers.Chunk`.
        mapping: Which column is which field.
        secret: Key of the hash that stands for an author.
        latest: The last day that a review can have.
    """
    convert = _converters(mapping, secret, latest)
    columns = {
        field: _convert(frame[column], convert[field])
        for field, column in mapping.columns().items()
    }
    texts = [(field, column) for field, column in mapping.columns().items() if field in TEXTS]
    names = [str(name) for name in frame.columns]
    for at, (number, cells) in enumerate(
        zip(frame.index, frame.itertuples(index=False, name=None), strict=True)
    ):
        given = dict(zip(names, cells, strict=True))
        found = {field: values[at] for field, values in columns.items()}
        faults = {field: value for field, value in found.items() if isinstance(value, Problem)}
        problems, unread = list(faults.values()), dict[str, str]()
        review: Review | None = None
        if REQUIRED.isdisjoint(faults):
            try:
                review = _review({f: v for f, v in found.items() if f not in faults}, mapping)
                problems, unread = [], {f: fault.sentence for f, fault in faults.items()}
            except Unreadable as error:
                problems.insert(0, Problem(error.kind, str(error)))
            except ValidationError as error:
                first = error.errors()[0]
                problems.insert(0, Problem("value", f"{first['loc'][0]}: {first['msg']}"))
        if review is not None and mapping.review_id is None:
            review = _with_made_id(review, {f: given[column] for f, column in texts}, convert)
        shown = {name: str(cell) for name, cell in given.items()}
        yield Row(int(number), review, tuple(problems), shown, unread=unread)


def numbered(review: Review, nth: int) -> Review:
    """Give the n-th of several equal rows an id of its own; the first keeps the id it has."""
    if nth == 1:
        return review
    return review.model_copy(update={"review_id": _made_id(review.review_id, str(nth))})


def keyed_author(cell: Cell, source: str, secret: bytes) -> str | None:
    """Return the key that stands for the author whom a cell names; None for an empty cell.

    Raises:
        Unreadable: The cell holds an error or a structure.
    """
    name = key_of(cell)
    if known := _KEY.fullmatch(name):
        return known[1]
    return author_key(source, name, secret) if name else None


def _converters(
    mapping: TableMap, secret: bytes, latest: date
) -> dict[str, Callable[[Cell], object]]:
    def text(column: TextColumn | None) -> Callable[[Cell], str]:
        def read(cell: Cell) -> str:
            plain = text_of(cell)
            return text_from_html(str(cell)) if plain and column and column.html else plain

        return read

    converters: dict[str, Callable[[Cell], object]] = {
        "imdb_id": movie_id,
        "review_id": own_id,
        "title": text(mapping.title),
        "body": text(mapping.body),
        "author": lambda cell: keyed_author(cell, mapping.source, secret),
    }
    for field_name, count in (
        ("helpful_up", mapping.helpful_up),
        ("helpful_down", mapping.helpful_down),
    ):
        if count is not None:
            converters[field_name] = partial(votes, none=count.none)
    if (rating := mapping.rating) is not None:
        converters["rating"] = lambda cell: rating_1_10(cell, rating)
    if (submitted_on := mapping.submitted_on) is not None:
        converters["submitted_on"] = lambda cell: day(cell, submitted_on, latest)
    if (spoiler := mapping.is_spoiler) is not None:
        converters["is_spoiler"] = lambda cell: mark(cell, spoiler.words)
    return converters


def _convert(column: pd.Series[Any], convert: Callable[[Cell], object]) -> list[object]:
    """Convert each different value of a column once."""

    def attempt(cell: Cell) -> object:
        try:
            return convert(cell)
        except Unreadable as error:
            return Problem(error.kind, str(error))

    found = {cell: attempt(cell) for cell in column.unique()}
    return [found[cell] for cell in column]


def _review(found: dict[str, Any], mapping: TableMap) -> Review:
    title, body = found.get("title", ""), found["body"]
    if not body:
        raise Unreadable("empty", "there is no text")
    if len(title) + len(body) > MAX_CHARACTERS:
        raise Unreadable("too long", f"the text is longer than {MAX_CHARACTERS:,} characters")
    submitted_on = found.get("submitted_on")
    return Review(
        source=mapping.source,
        review_id=found.get("review_id", "?"),
        imdb_id=found.get("imdb_id", mapping.imdb_id.constant),
        author_key=found.get("author"),
        title=title,
        body=body,
        rating_1_10=found.get("rating"),
        submitted_on=submitted_on,
        date_source="file" if submitted_on else None,
        is_spoiler=found.get("is_spoiler", False),
        helpful_up=found.get("helpful_up"),
        helpful_down=found.get("helpful_down"),
    )


def _with_made_id(
    review: Review, texts: Mapping[str, Cell], convert: Mapping[str, Callable[[Cell], object]]
) -> Review:
    """Give a review the id that is made of what its row says.

    Control characters do not count among the words. They once were left out of the text, too, so
    a review of that time keeps its id, and the text with what they stand for is an edit of it.
    """
    said = {"title": review.title, "body": review.body}
    for name, cell in texts.items():
        if isinstance(cell, str) and CONTROLS.search(cell):
            said[name] = str(convert[name](CONTROLS.sub("", cell)))
    review_id = _made_id(
        review.imdb_id,
        review.author_key or "",
        review.submitted_on.isoformat() if review.submitted_on else "",
        content_hash(said["title"], said["body"]),
    )
    return review.model_copy(update={"review_id": review_id})


def _made_id(*said: str) -> str:
    return "row-" + sha256("\0".join(said).encode()).hexdigest()[:32]
