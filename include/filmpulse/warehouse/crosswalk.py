"""Ids of movies: a source's own and IMDb's, in `core.movie_ids`."""

from __future__ import annotations

from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.load import ensure_movie
from filmpulse.warehouse.movies import imdb_id_of, note_movie_id, source_id_of


class MovieIds:
    """The ids of one source; each call is a transaction of its own."""

    def __init__(self, warehouse: Warehouse, source: str) -> None:
        """Keep the warehouse and the source."""
        self._warehouse = warehouse
        self._source = source

    def source_id(self, imdb_id: str) -> str | None:
        """Return the source's own id of a movie; None if it is not known."""
        return source_id_of.first(self._warehouse, source=self._source, imdb_id=imdb_id)

    def imdb_id(self, source_id: str) -> str | None:
        """Return the IMDb id of a movie by its id at the source; None if it is not known."""
        return imdb_id_of.first(self._warehouse, source=self._source, source_id=source_id)

    def note(self, source_id: str, imdb_id: str, said_by: str) -> None:
        """Store that both ids mean one movie, and who says so; the last statement counts."""
        key = {"source": self._source, "source_id": source_id}
        with self._warehouse.connect() as connection:
            ensure_movie(connection, imdb_id)
            note_movie_id(connection, imdb_id=imdb_id, said_by=said_by, **key)
