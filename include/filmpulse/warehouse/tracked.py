"""Tracked movies that are too many for the Variable `tracked_movies`."""

from __future__ import annotations

from typing import Literal, NamedTuple

from filmpulse.warehouse.statement import Command, Query, Scalar

Origin = Literal["file", "page", "command", "variable"]
"""Who added a movie; see `core.tracked`."""


class Label(NamedTuple):
    """A movie and its name for people."""

    imdb_id: str
    label: str


in_table = Scalar[str]("tracked_in_table")
track = Command("track_in_table")
untrack = Command("untrack_in_table")
labels = Query("movie_labels", Label)
