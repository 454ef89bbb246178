"""Figures: those of each movie, counted anew by whatever changes its reviews or scores.

A movie's counts stand in tables of `core` (`source_counts` and others). Marts read them alone, so a
comparison of all movies reads no review (docs/adr/0046). The figures of the catalogue are part of
it: each load counts them before its swap (docs/adr/0044).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg import sql as identifiers

from filmpulse.warehouse import Warehouse, marts, sql
from filmpulse.warehouse.statement import Command, Scalar

CATALOGUE_TABLES = (
    "figures",
    "rated_titles",
    "year_figures",
    "runtime_figures",
    "person_figures",
)
"""Tables of the catalogue that `count_catalogue` fills."""
_OF_CATALOGUE: tuple[LiteralString, ...] = (
    "catalogue_regions",
    "catalogue_described",
    "catalogue_basis",
    "catalogue_rated_titles",
    "catalogue_year_figures",
    "catalogue_runtime_figures",
    "catalogue_person_figures",
    "catalogue_described_drop",
)


_lock_movie = Command("lock_movie")
_recounts: tuple[Scalar[int], ...] = (Scalar("recount_reviews"), Scalar("recount_scores"))
_note_recount = Command("note_recount")
movies_to_count: Scalar[str] = Scalar("movies_to_count")
"""All movies; with `rules`, those that other rules counted, or none did. Sorted."""


@cache
def rules() -> str:
    """Return a hash of all that says how a movie is counted."""
    texts = [sql("recount_reviews"), sql("recount_scores")]
    texts += [marts.text("current_reviews"), marts.text("aspects")]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@contextmanager
def changing(connection: psycopg.Connection[Any], imdb_id: str) -> Iterator[None]:
    """Let one transaction at a time change a movie's reviews and scores, and count them at the end.

    Every change of these rows stands in such a block, so that rows and figures change together for
    all who read. The lock is held until the transaction ends. Take it before any row of the movie;
    of two movies, let the first transaction end before the second begins.

    Args:
        connection: In a transaction, which the caller commits after the block.
        imdb_id: The movie; its row need not exist.
    """
    _lock_movie(connection, imdb_id=imdb_id)
    yield
    _recount(connection, imdb_id)


def _recount(connection: psycopg.Connection[Any], imdb_id: str) -> int:
    """Count a movie from its rows; return how many stored counts were not as they should be."""
    connection.execute(sql("recount_begin"))
    changed = sum(recount.one(connection, imdb_id=imdb_id) for recount in _recounts)
    connection.execute(sql("recount_end"))
    _note_recount(connection, imdb_id=imdb_id, rules=rules(), changed=changed > 0)
    return changed


def count_by_new_rules(warehouse: Warehouse) -> int:
    """Count the movies that other rules counted, or none did; return how many.

    `migrate` does so after an upgrade. Each movie is one transaction; a second call goes on
    where one broke off.

    Raises:
        WarehouseUnavailable: Postgres did not answer; the movies before stay counted.
    """
    movies = movies_to_count(warehouse, rules=rules())
    for imdb_id in movies:
        _recount_movie(warehouse, imdb_id)
    if movies:  # the planner must not take full tables for empty ones until Postgres looks itself
        with warehouse.connect() as connection:
            connection.execute(sql("analyse_counts"))
    return len(movies)


def count_all(
    warehouse: Warehouse, progress: Callable[[int, int | None], None] = lambda _, __: None
) -> list[str]:
    """Count all movies anew; return those whose stored counts were wrong, sorted.

    Nothing but a change of rows past `changing` (such as by hand) makes counts wrong. Each movie is
    one transaction. `progress` is told the movies done, and all of them.

    Raises:
        WarehouseUnavailable: Postgres did not answer; the movies before stay counted.
    """
    movies = movies_to_count(warehouse, rules=None)
    wrong = []
    for done, imdb_id in enumerate(movies, start=1):
        if _recount_movie(warehouse, imdb_id):
            wrong.append(imdb_id)
        progress(done, len(movies))
    return wrong


def is_wrong(warehouse: Warehouse, imdb_id: str) -> bool:
    """Say whether a movie's stored counts differ from its rows; changes nothing."""
    with warehouse.connect() as connection:
        _lock_movie(connection, imdb_id=imdb_id)
        changed = _recount(connection, imdb_id)
        connection.rollback()
    return changed > 0


def _recount_movie(warehouse: Warehouse, imdb_id: str) -> int:
    with warehouse.connect() as connection:
        _lock_movie(connection, imdb_id=imdb_id)
        return _recount(connection, imdb_id)


def count_catalogue(connection: psycopg.Connection[Any], schema: str) -> None:
    """Fill the tables of a schema that hold figures of the catalogue.

    Args:
        connection: Of the owner; the rows are committed with its transaction.
        schema: Such as `catalogue_next`, with the datasets and `credits` filled, and
            `CATALOGUE_TABLES` empty; keys and indexes of these may be made afterwards, which is
            faster.

    Raises:
        psycopg.Error: They could not be counted.
    """
    with connection.transaction():
        for name in _OF_CATALOGUE:
            connection.execute(
                identifiers.SQL(sql(name)).format(schema=identifiers.Identifier(schema))
            )
