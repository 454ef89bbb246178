"""Fill the tables of the search from the titles and people of the same schema.

Names are folded by the same function as queries, so they are read from Postgres and written back: a
block of rows from a cursor, a block by COPY, in turns. So one connection does, and memory does not
grow with the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from filmpulse.search.folding import Folded, fold, leet, parts
from filmpulse.search.repairs import LONGEST, SHORTEST, shortened
from filmpulse.warehouse.titles import (
    PersonToFold,
    TitleToFold,
    people_to_fold,
    titles_to_fold,
    words_to_repair,
)

_AT_ONCE = 5_000  # rows: some 2 MB
KNOWN_VOTES = 1_000
"""From so many votes on a title is found by parts of its name, too; the indexes of known names in
migration 0022 begin there. A tenth of the rated titles has them."""
Values = tuple[Any, ...]


def index_names(connection: psycopg.Connection[Any], schema: str) -> None:
    """Fill `title_names`, `person_names` and `word_repairs` of a schema, which must be empty.

    The schema's other tables must have their keys, which this needs to be fast. Titles with ids
    that are none for the rest of Filmpulse, and episodes, are left out. All of it is one
    transaction, or part of the caller's.

    Args:
        connection: The connection to read and write by.
        schema: Such as catalogue_next.
    """
    with connection.transaction(), _within(schema, connection):
        with titles_to_fold.streamed(connection, _AT_ONCE) as titles:
            _copy(connection, "title_names", _title_names(titles))
        with people_to_fold.streamed(connection, _AT_ONCE) as people:
            _copy(connection, "person_names", _person_names(people))
        repaired = {"shortest": SHORTEST, "longest": LONGEST}
        with words_to_repair.streamed(connection, _AT_ONCE, **repaired) as words:
            rows = ((part, *word) for word in words for part in shortened(word.word))
            _copy(connection, "word_repairs", rows)


@contextmanager
def _within(schema: str, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Have unqualified names mean tables of a schema; plan cursors for all of their rows."""
    with connection.cursor(row_factory=psycopg.rows.scalar_row) as cursor:
        before = cursor.execute("SELECT current_setting('search_path')").fetchone()
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema)))
    connection.execute("SET LOCAL cursor_tuple_fraction = 1")
    yield
    connection.execute("SELECT set_config('search_path', %s, true)", (before,))


def _copy(
    connection: psycopg.Connection[Any], table: LiteralString, rows: Iterator[Values]
) -> None:
    """Copy rows, some at a time, so that their cursor can be read between two COPYs."""
    into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    while block := list(islice(rows, _AT_ONCE)):
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in block:
                copy.write_row(row)


def _person_names(people: Iterable[PersonToFold]) -> Iterator[Values]:
    for person in people:
        name = fold(person.primary_name)
        if name.norm:
            yield person.nconst, name.norm, " ".join(name.words), person.votes


def _title_names(rows: Iterable[TitleToFold]) -> Iterator[Values]:
    """Fold the names of each title, whose rows must follow each other; a folded name once."""
    for tconst, group in groupby(rows, attrgetter("tconst")):
        named = list(group)
        title = named[0]
        for kind, name in _names(named).values():
            yield (
                tconst, name.norm, " ".join(name.words), " ".join(name.more) or None,
                title.votes, title.year, kind, title.is_common,
            )  # fmt: skip


def _names(rows: list[TitleToFold]) -> dict[str, tuple[str, Folded]]:
    """Return the folded names of one title by their `norm`, each with its best kind."""
    title = rows[0]
    primary, original = title.primary_title, title.original_title
    named = [("primary", primary)] if primary else []
    if original and original != primary:
        named.append(("original", original))
    own = [name for _, name in named]
    others = dict.fromkeys(row.alternative for row in rows if row.alternative)
    named += [("alternative", name) for name in others]
    named += [("alternative", reading) for name in own for reading in leet(name)]
    if title.votes >= KNOWN_VOTES:
        named += [("part", part) for name in own for part in parts(name)]
    names: dict[str, tuple[str, Folded]] = {}
    for kind, name in named:
        folded = fold(name)
        if folded.norm:
            names.setdefault(folded.norm, (kind, folded))
    return names
