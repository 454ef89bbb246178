"""The ledger of collections, and what was loaded of them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from filmpulse.items import CollectionStatus, Mode
from filmpulse.warehouse.statement import Command, Query


class Queued(NamedTuple):
    """A source that a run is to read, and how."""

    source: str
    mode: Mode


class Begun(NamedTuple):
    """A collection's line in the ledger."""

    collection_id: int


class RunLine(NamedTuple):
    """How one collection of a run went; columns of `ops.collections`."""

    source: str
    imdb_id: str
    title: str
    mode: Mode
    status: CollectionStatus
    reason: str | None
    sentence: str | None
    review_count_end: int | None
    distinct_ids: int | None
    loaded_at: datetime | None
    inserted_rows: int
    revised_rows: int
    updated_rows: int
    removed_rows: int
    manifest_uri: str


class MovieLoad(NamedTuple):
    """A collection that is loaded, and when it was begun (UTC)."""

    manifest_uri: str
    collected_at: datetime


class Subject(NamedTuple):
    """One source's reviews of one movie."""

    source: str
    imdb_id: str


class KnownReview(NamedTuple):
    """A review that is stored."""

    review_id: str
    content_hash: str
    language: str | None
    is_current: bool


class Elsewhere(NamedTuple):
    """A review whose id stands for a review of another movie already."""

    review_id: str
    imdb_id: str
    other_imdb_id: str


queue_collection = Command("queue_collection")
queued_sources = Query("queued_sources", Queued)
start_collection = Query("start_collection", Begun)
beat_collection = Command("beat_collection")
finish_collection = Command("finish_collection")
loaded_collection = Command("loaded_collection")
restore_collection = Command("restore_collection")
run_collections = Query("run_collections", RunLine)
record_load = Command("record_load")
movie_loads = Query("movie_loads", MovieLoad)
loaded_movies = Query("loaded_movies", Subject)
known_reviews = Query("known_reviews", KnownReview)
ids_elsewhere = Query("ids_elsewhere", Elsewhere)
