"""Movies as people name them: in the Variable of those that are tracked, and in forms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id


class Tracked(NamedTuple):
    """The movies of the Variable `tracked_movies`, and what is wrong with the rest of it."""

    imdb_ids: list[str]
    problems: list[str]


def read_tracked(raw: str) -> Tracked:
    """Read the list of tracked movies as a person wrote it.

    Args:
        raw: JSON list of ids, such as `["tt0111161"]`, or of addresses of movies' pages at IMDb.

    Returns:
        The ids in their order, each once; a sentence for each entry that was passed over.

    Raises:
        BadInput: It is no JSON list at all.
    """
    try:
        entries = json.loads(raw)
    except json.JSONDecodeError as error:
        raise BadInput(
            f'The Variable tracked_movies is no JSON: {error}. It should look like ["tt0111161"].'
        ) from error
    if not isinstance(entries, list):
        raise BadInput('The Variable tracked_movies should be a JSON list, like ["tt0111161"].')
    ids: dict[str, None] = {}
    problems: list[str] = []
    for entry in entries:
        if imdb_id := tracked_id(entry):
            ids[imdb_id] = None
        else:
            problems.append(
                f"tracked_movies holds {json.dumps(entry, ensure_ascii=False)[:80]}, which is "
                "neither an IMDb id (tt and 7 to 9 digits) nor the address of a movie's page at "
                "IMDb; it was passed over."
            )
    return Tracked(list(ids), problems)


def tracked_id(entry: Any) -> str | None:
    """Return the movie that an entry of the list names; None where it names none."""
    return read_imdb_id(entry) if isinstance(entry, str) else None


def typed_ids(given: Iterable[str]) -> list[str]:
    """Read movies as a person typed them, by id or by address at IMDb; each once, in their order.

    Raises:
        BadInput: An entry is neither; the message names all such.
    """
    found = {entry: read_imdb_id(entry) for entry in given}
    if wrong := [entry for entry, imdb_id in found.items() if imdb_id is None]:
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {', '.join(wrong)[:500]}.")
    return list(dict.fromkeys(imdb_id for imdb_id in found.values() if imdb_id))
