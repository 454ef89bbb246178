"""Movies by name and id, their events, and their sources."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from filmpulse.warehouse.statement import Command, Query, Scalar


class Event(NamedTuple):
    """An event in a movie's life that a person noted; `movie` is its title and year."""

    imdb_id: str
    movie: str
    happened_on: date
    label: str


known_movies = Scalar[str]("known_movies")
movie_label = Scalar[str]("movie_label")
list_events = Query("list_events", Event)
add_event = Command("add_event")
remove_event = Command("remove_event")
source_id_of = Scalar[str]("source_id_of")
imdb_id_of = Scalar[str]("imdb_id_of")
note_movie_id = Command("note_movie_id")
note_source = Command("note_source")
accept_terms = Command("accept_terms")
store_file_source = Command("store_file_source")
