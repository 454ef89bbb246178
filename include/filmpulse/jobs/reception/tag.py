"""Tags: words of a person's own by which movies are found and grouped."""

from __future__ import annotations

from filmpulse.errors import BadInput
from filmpulse.jobs.context import Context
from filmpulse.warehouse import movies

LONGEST = 40
"""Characters of a tag, as the table allows."""


def add_tag(imdb_id: str, tag: str, context: Context) -> str:
    """Put a tag on a movie; return the tag as it is written on other movies.

    Raises:
        BadInput: The tag is empty or longer than 40 characters, or the movie is not known.
    """
    written = movies.add_tag.first(context.warehouse, imdb_id=imdb_id, tag=_read(tag))
    if written is None:
        raise BadInput(f"{imdb_id} is not in the warehouse: collect it first.", reason="unknown")
    return written


def remove_tag(imdb_id: str, tag: str, context: Context) -> bool:
    """Take a tag off a movie, in whatever case it is typed; return whether the movie had it."""
    return bool(movies.remove_tag(context.warehouse, imdb_id=imdb_id, tag=_read(tag)))


def _read(tag: str) -> str:
    clean = " ".join("".join(c if c.isprintable() else " " for c in tag).split())
    if not 1 <= len(clean) <= LONGEST:
        raise BadInput(f"A tag has 1 to {LONGEST} characters.", reason="tag")
    return clean
