"""Movies by name and id; their events, tags and posters; their sources."""

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
add_tag = Scalar[str]("add_tag")
"""Return the tag as it is kept: in the case in which any movie had it first."""

remove_tag = Command("remove_tag")
store_poster = Command("store_poster")
note_no_poster = Command("note_no_poster")
poster_wanted = Scalar[str]("poster_wanted")
source_id_of = Scalar[str]("source_id_of")
imdb_id_of = Scalar[str]("imdb_id_of")
note_movie_id = Command("note_movie_id")
note_source = Command("note_source")
note_host = Command("note_host")
accept_terms = Command("accept_terms")
store_file_source = Command("store_file_source")
