"""Load collections: COPY into a temporary table, then MERGE the rows that differ from those stored.

Collections count in the order in which they were begun. If one comes late, `replay` loads all of
the movie's collections again from the lake. So any order of loading gives the same tables
(docs/adr/0015).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from filmpulse.items import Movie, Review, Snapshot
from filmpulse.warehouse import Connection, sql
from filmpulse.warehouse.figures import rules
from filmpulse.warehouse.statement import Command, Query, Scalar

Seen = Iterable[tuple[Review, str | None]]
"""Reviews with distinct ids, each with its language (None when unsure)."""


class Loaded(NamedTuple):
    """How many rows a collection changed.

    `revised` counts reviews whose words, stars, day or spoiler mark had changed; each left a
    revision. `updated` counts all rewritten rows: revised, with other votes, or seen again after a
    removal.
    """

    inserted: int = 0
    revised: int = 0
    updated: int = 0
    removed: int = 0

    @property
    def changed(self) -> int:
        """Rows of `core.reviews` that changed."""
        return self.inserted + self.updated + self.removed


class Sighting(NamedTuple):
    """One collection, as loading needs it.

    Attributes:
        collected_at: Its start (UTC); every time that loading writes.
        is_whole: It was full and complete, so a review that it lacks is gone.
        is_dated: Whether the time of its pages is known. If not, it only inserts missing reviews.
        reviews: What it saw.
        removed_ids: Reviews that a stream reported as deleted.
    """

    collected_at: datetime
    is_whole: bool
    is_dated: bool
    reviews: Seen
    removed_ids: Collection[str] = ()


def load_reviews(
    connection: Connection, *, source: str, imdb_id: str, sighting: Sighting
) -> Loaded:
    """Bring `core.reviews` to what one collection saw; no later one may have been loaded.

    The call must stand in `figures.changing` of the movie, and `core.movies` must hold the movie.
    Loading the same collection again changes nothing.
    """
    # The statements name `reviews` and `review_revisions` bare: `replay` puts tables before them.
    connection.execute("SET LOCAL search_path TO core")
    return _apply(connection, {"source": source, "imdb_id": imdb_id}, sighting)


class Kept(NamedTuple):
    """How much `core` holds of a movie that no collection of a replay shows."""

    reviews: int = 0
    revisions: int = 0


class Replayed(NamedTuple):
    """What a replay changed in the tables, and what it kept because collections are lost."""

    loaded: Loaded
    kept: Kept


class _Gone(NamedTuple):
    """Reviews that are no longer current: all of them, and those that stay, marked as removed."""

    gone: int
    marked: int


_replay_kept = Query("replay_kept", Kept)
_replay_count_new = Scalar[int]("replay_count_new")
_replay_count_gone = Query("replay_count_gone", _Gone)
_load_count_new = Scalar[int]("load_count_new")
_store_facts = Command("store_facts")
_ensure_movie = Command("ensure_movie")
_insert_snapshot = Command("insert_snapshot")


def replay(
    connection: Connection,
    *,
    source: str,
    imdb_id: str,
    sightings: Iterable[Sighting],
    lost_at: datetime | None = None,
) -> Replayed:
    """Bring `core.reviews` to what all collections of a movie saw, from the first to the last.

    The history is written anew in temporary tables. Only rows that then differ are touched, and
    scores of reviews that stay are kept. If collections are lost, no row of `core` is dropped, and
    a review that was not seen since then stays as `core` has it. The call must stand in
    `figures.changing` of the movie, and `core.movies` must hold the movie.

    Args:
        connection: The warehouse.
        source: Where the reviews stand.
        imdb_id: The movie.
        sightings: All collections of the movie, in order of their start.
        lost_at: Start of the last collection with a lost object (UTC); None if nothing is lost.

    Returns:
        What changed; `removed` counts reviews that are no longer current.
    """
    key = {"source": source, "imdb_id": imdb_id}
    connection.execute("SET LOCAL search_path TO core")
    connection.execute(sql("replay_begin"))
    gone_at = None
    for sighting in sightings:
        _apply(connection, key, sighting)
        if lost_at is not None and sighting.is_dated and sighting.collected_at > lost_at:
            connection.execute(sql("replay_note_seen"))
            gone_at = gone_at or (sighting.collected_at if sighting.is_whole else None)
    kept = Kept()
    if lost_at is not None:
        kept = _replay_kept.one(connection, **key)
        connection.execute(sql("replay_keep_reviews"), key | {"gone_at": gone_at})
        connection.execute(sql("replay_drop_doubled"))
        connection.execute(sql("replay_keep_revisions"), key)
    inserted = _replay_count_new.one(connection)
    removed = _replay_count_gone.one(connection, **key)
    connection.execute(sql("replay_delete_revisions"), key)
    connection.execute(sql("replay_delete_reviews"), key)
    merged = connection.execute(sql("replay_merge_reviews"), key).rowcount
    revised = connection.execute(sql("replay_merge_revisions"), key).rowcount
    connection.execute("DROP TABLE pg_temp.review_revisions, pg_temp.reviews, pg_temp.seen_since")
    # The merge writes a review that was marked as removed, not one that was deleted before.
    updated = merged - inserted - removed.marked
    return Replayed(Loaded(inserted, revised, updated, removed.gone), kept)


# The types of the columns of `load_copy`, in their order. Binary COPY needs them; it is twice as
# fast as text.
_INCOMING_TYPES = (
    "text", "text", "text", "text", "text", "text", "int2", "date", "text", "bool", "int4", "int4",
    "text", "text", "timestamptz",
)  # fmt: skip


def _apply(connection: Connection, key: dict[str, Any], sighting: Sighting) -> Loaded:
    """Load one collection into the tables that the search path finds first."""
    key = key | {"collected_at": sighting.collected_at}
    connection.execute(sql("load_incoming"))
    with connection.cursor().copy(sql("load_copy")) as copy:
        copy.set_types(_INCOMING_TYPES)
        for review, language in sighting.reviews:
            title, body = (None, None) if review.dropped else (review.title, review.body)
            copy.write_row(
                (
                    review.source, review.review_id, key["imdb_id"], review.author_key, title, body,
                    review.rating_1_10, review.submitted_on, review.date_source, review.is_spoiler,
                    review.helpful_up, review.helpful_down, language, review.content_hash,
                    sighting.collected_at,
                )
            )  # fmt: skip
    connection.execute("ANALYZE pg_temp.incoming (source, review_id)")
    if not sighting.is_dated:
        return Loaded(inserted=connection.execute(sql("load_insert_missing"), key).rowcount)
    connection.execute(sql("load_resolve"))
    connection.execute(sql("load_delta"))
    connection.execute("ANALYZE pg_temp.delta")
    inserted = _load_count_new.one(connection)
    revised = connection.execute(sql("load_revisions"), key).rowcount
    merged = connection.execute(sql("load_merge"), key).rowcount
    removed = connection.execute(sql("load_removed"), key).rowcount if sighting.is_whole else 0
    if sighting.removed_ids:
        withdrawn = key | {"removed_ids": list(sighting.removed_ids)}
        removed += connection.execute(sql("load_withdrawn"), withdrawn).rowcount
    return Loaded(inserted, revised, merged - inserted, removed)


_FACTS = {"cast": "cast_names"}  # where the column has another name than the item's field


def store_movie(connection: Connection, movie: Movie, facts_as_of: datetime) -> None:
    """Store the facts that a page, fetched at a time (UTC), names of a movie.

    For each fact the newest page that names it counts; None and empty facts are not named. The call
    must stand in `figures.changing` of the movie, since weeks are counted from its release; or the
    caller has locked the movie's row, and it has the release date that the page names.
    """
    facts = {
        _FACTS.get(name, name): value
        for name, value in movie.model_dump(mode="json", exclude={"imdb_id"}).items()
        if value not in (None, [])
    }
    ensure_movie(connection, movie.imdb_id)
    _store_facts(connection, imdb_id=movie.imdb_id, as_of=facts_as_of, facts=Jsonb(facts))


def ensure_movie(connection: Connection, imdb_id: str) -> None:
    """Make a movie's row if there is none, titled by its id until a page names the title."""
    _ensure_movie(connection, imdb_id=imdb_id, rules=rules())


def store_snapshot(connection: Connection, snapshot: Snapshot) -> None:
    """Insert what the site said of a movie at one moment; the movie must be stored."""
    _insert_snapshot(connection, **snapshot.model_dump())
