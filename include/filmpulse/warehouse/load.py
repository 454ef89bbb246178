"""Load one collection: COPY into a temporary table, then MERGE of changed rows only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from filmpulse.items import Movie, Review, Snapshot
from filmpulse.warehouse import Connection, sql


class Loaded(NamedTuple):
    """How many rows a collection changed.

    `revised` counts reviews whose words, stars, day or spoiler mark had changed (each left a
    revision); `updated` all rewritten rows: revised, other votes, or seen again after a removal.
    """

    inserted: int = 0
    revised: int = 0
    updated: int = 0
    removed: int = 0

    @property
    def changed(self) -> int:
        """Rows of `core.reviews` that are not as they were."""
        return self.inserted + self.updated + self.removed


def load_reviews(
    connection: Connection,
    *,
    source: str,
    imdb_id: str,
    collected_at: datetime,
    reviews: Iterable[tuple[Review, str | None]],
    is_whole: bool,
) -> Loaded:
    """Bring `core.reviews` to what one collection saw; the caller's transaction is used.

    Args:
        connection: In a transaction; the movie's advisory lock is held until its end.
        source: Where the reviews stand.
        imdb_id: The movie; it must be in `core.movies`.
        collected_at: Start of the collection (UTC); every time written comes from it.
        reviews: Distinct review ids, each with its language (None: not asked or unsure).
        is_whole: The collection was full and complete, so what it lacks is gone.

    Returns:
        What changed. A collection older than the last one loaded only inserts what is missing.
        Idempotent: the same collection again changes nothing.
    """
    key: dict[str, Any] = {"source": source, "imdb_id": imdb_id, "collected_at": collected_at}
    lock_movie(connection, imdb_id)
    connection.execute(sql("load_incoming"))
    with connection.cursor().copy(sql("load_copy")) as copy:
        for review, language in reviews:
            copy.write_row(
                (
                    review.source, review.review_id, review.author_key, review.title, review.body,
                    review.rating_1_10, review.submitted_on, review.date_source, review.is_spoiler,
                    review.helpful_up, review.helpful_down, language, review.content_hash,
                )
            )  # fmt: skip
    connection.execute("CREATE INDEX ON incoming (source, review_id)")
    connection.execute("ANALYZE incoming")

    if _scalar(connection, "load_is_late", key):
        return Loaded(inserted=connection.execute(sql("load_insert_late"), key).rowcount)

    connection.execute(sql("load_resolve"))
    inserted = _scalar(connection, "load_count_new", key)
    revised = connection.execute(sql("load_revisions"), key).rowcount
    merged = connection.execute(sql("load_merge"), key).rowcount
    removed = connection.execute(sql("load_removed"), key).rowcount if is_whole else 0
    return Loaded(inserted, revised, merged - inserted, removed)


def lock_movie(connection: Connection, imdb_id: str) -> None:
    """Let one transaction at a time write a movie's reviews."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (imdb_id,))


def store_movie(connection: Connection, movie: Movie, facts_as_of: datetime) -> None:
    """Insert or refresh a movie's facts; older facts than those stored change nothing."""
    values = movie.model_dump() | {"facts_as_of": facts_as_of}
    for name in ("genres", "directors", "cast"):
        values[name] = list(values[name])
    connection.execute(sql("upsert_movie"), values)


def store_snapshot(connection: Connection, snapshot: Snapshot) -> None:
    """Insert what the site said of a movie at one moment; the movie must be stored."""
    connection.execute(sql("insert_snapshot"), snapshot.model_dump())


def _scalar(connection: Connection, query: str, values: dict[str, Any]) -> int:
    row = connection.execute(sql(query), values).fetchone()
    return int(next(iter(row.values()))) if row else 0
