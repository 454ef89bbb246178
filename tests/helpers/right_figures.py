"""Whether stored figures are those of the rows: asked of each warehouse at the end of its test."""

from __future__ import annotations

import psycopg

from filmpulse.warehouse import Warehouse, figures


def wrong_figures(url: str) -> list[str]:
    """Return the movies of a warehouse whose figures differ from their rows.

    A warehouse whose tables or marts the test took away has none.
    """
    with psycopg.connect(url) as connection:
        whole = (
            "SELECT to_regclass('core.source_counts'), to_regclass('mart.current_reviews'), "
            "to_regclass('ops.counted_movies')"
        )
        if None in connection.execute(whole).fetchone():
            return []
    warehouse = Warehouse(url)
    movies = figures.movies_to_count(warehouse, rules=None)
    return [imdb_id for imdb_id in movies if figures.is_wrong(warehouse, imdb_id)]
