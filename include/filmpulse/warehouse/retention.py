"""Data that may be kept for a time only."""

from __future__ import annotations

from typing import NamedTuple

from filmpulse.warehouse.collections import Subject
from filmpulse.warehouse.statement import Query, Scalar


class Text(NamedTuple):
    """A text whose time is over; `is_current`: the review says it now, no earlier version of it."""

    review_id: str
    content_hash: str
    is_current: bool
    language: str | None


class Dropped(NamedTuple):
    """How many texts and quotes lost their words."""

    texts: int
    quotes: int


retention_movies = Query("retention_movies", Subject)
retention_texts = Query("retention_texts", Text)
retention_drop = Query("retention_drop", Dropped)
retention_answers = Scalar[int]("retention_answers")
retention_hours = Scalar[int]("retention_hours")
