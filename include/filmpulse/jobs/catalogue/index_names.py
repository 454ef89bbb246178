"""Fill the tables of the search from the datasets; this version leaves them empty."""

from __future__ import annotations

from typing import Any

import psycopg


def index_names(connection: psycopg.Connection[Any], schema: str) -> None:
    """Fill `title_names`, `person_names` and `word_repairs` of a schema from its tables."""
