"""Turn a frame's rows into reviews, or refuse them with all reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from filmpulse.items import CONTROLS, Review, author_key, content_hash, text_from_html
from filmpulse.sources.tables.mapping import TableMap
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
"""Fields that a row must have; any other field that cannot be read is left empty."""

KEYED = "filmpulse-author-"
"""Prefix of an author's key in a table whose authors are hashed already."""
_KEY = re.compile(f"{KEYED}([0-9a-f]{{32}})")


class Problem(NamedTuple):
    """Why a cell or a row cannot be read: the kind of problem, and a sentence with the value."""

    kind: str
    sentence: str


@dataclass(frozen=True)
class Row:
    """One row: its number, and its review or the reasons why it has none.

    `unread` holds the fields that are left empty because their cell cannot be read, each with a
    sentence. `is_split` False: the row could not be divided into cells.
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

    If the map names no id, a review's id is made of movie, author, day and words: the same row
    always gets the same id, and an edited text is another review. The author is in it as the keyed
    hash, so that nobody can find a name by trying. Equal rows get equal ids: see `numbered`.

    Args:
        frame: See `readers.Chunk`.
        mapping: The map of the file.
        secret: Key of the hash that stands for an author.
        latest: The last day that a review can have.
    """
    fields = mapping.columns()
    convert = {field: _reader(field, mapping, secret, latest) for field in fields}
    columns = {field: _convert(frame[name], convert[field]) for field, name in fields.items()}
    texts = {field: name for field, name in fields.items() if field in ("title", "body")}
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
        if review is not None and mapping.review_id is None:
            review = _with_made_id(review, {f: given[name] for f, name in texts.items()}, convert)
        shown = {name: str(cell) for name, cell in given.items()}
        yield Row(int(number), review, tuple(problems), shown, unread=unread)


def numbered(review: Review, nth: int) -> Review:
    """Give the n-th of several equal rows an id of its own; the first keeps its id."""
    if nth == 1:
        return review
    return review.model_copy(update={"review_id": _made_id(review.review_id, str(nth))})


def keyed_author(cell: Cell, source: str, secret: bytes) -> str | None:
    """Return the key of the author in a cell; None for an empty cell.

    Raises:
        Unreadable: The cell holds an error or a structure.
    """
    name = key_of(cell)
    if known := _KEY.fullmatch(name):
        return known[1]
    return author_key(source, name, secret) if name else None


def _reader(field: str, mapping: TableMap, secret: bytes, latest: date) -> Callable[[Cell], object]:
    """Return the function that reads a cell of a field."""
    column = getattr(mapping, field)
    match field:
        case "imdb_id":
            return movie_id
        case "review_id":
            return own_id
        case "title" | "body":
            return partial(_text, is_html=column.html)
        case "author":
            return partial(keyed_author, source=mapping.source, secret=secret)
        case "rating":
            return partial(rating_1_10, column=column)
        case "submitted_on":
            return partial(day, column=column, latest=latest)
        case "is_spoiler":
            return partial(mark, words=column.words)
    return partial(votes, none=column.none)


def _text(cell: Cell, *, is_html: bool) -> str:
    plain = text_of(cell)
    return text_from_html(str(cell)) if plain and is_html else plain


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
    """Give a review the id that is made of its row.

    Control characters are left out of the words, as they once were of the text: so a review of that
    time keeps its id, and gets today's text as an edit.
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
