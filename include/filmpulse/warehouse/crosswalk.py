"""Ids of movies: a source's own and IMDb's, in `core.movie_ids`."""

from __future__ import annotations

from filmpulse.warehouse import Warehouse, sql
from filmpulse.warehouse.load import ensure_movie


class MovieIds:
    """The ids of one source; each call is a transaction of its own."""

    def __init__(self, warehouse: Warehouse, source: str) -> None:
        """Keep the warehouse and whose ids these are."""
        self._warehouse = warehouse
        self._source = source

    def source_id(self, imdb_id: str) -> str | None:
        """Return the source's own id of a movie; None where nobody knows it."""
        row = self._warehouse.row("source_id_of", source=self._source, imdb_id=imdb_id)
        return row["source_id"] if row else None

    def imdb_id(self, source_id: str) -> str | None:
        """Return IMDb's id of what the source calls so; None where nobody knows it."""
        row = self._warehouse.row("imdb_id_of", source=self._source, source_id=source_id)
        return row["imdb_id"] if row else None

    def note(self, source_id: str, imdb_id: str, said_by: str) -> None:
        """Remember that both are one movie, and who says so; the last word counts."""
        key = {"source": self._source, "source_id": source_id}
        with self._warehouse.connect() as connection:
            ensure_movie(connection, imdb_id)
            connection.execute(sql("note_movie_id"), key | {"imdb_id": imdb_id, "said_by": said_by})
