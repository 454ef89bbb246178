"""Movies by name and id, their events, and the sources they come from."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from filmpulse.warehouse.statement import Command, Query


class Known(NamedTuple):
    """A movie that the warehouse holds."""

    imdb_id: str


class Label(NamedTuple):
    """A movie's title and year."""

    label: str


class Event(NamedTuple):
    """What people noted of a movie's life; `movie` is its title and year."""

    imdb_id: str
    movie: str
    happened_on: date
    label: str


class SourceId(NamedTuple):
    """A source's own id of a movie."""

    source_id: str


known_movies = Query("known_movies", Known)
movie_label = Query("movie_label", Label)
list_events = Query("list_events", Event)
add_event = Command("add_event")
remove_event = Command("remove_event")
source_id_of = Query("source_id_of", SourceId)
imdb_id_of = Query("imdb_id_of", Known)
note_movie_id = Command("note_movie_id")
note_source = Command("note_source")
accept_terms = Command("accept_terms")
store_file_source = Command("store_file_source")
