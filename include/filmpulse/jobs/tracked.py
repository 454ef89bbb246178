"""The movies that are followed, as a person wrote them into the Variable."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from filmpulse.errors import BadInput
from filmpulse.items import IMDB_ID_PATTERN


class Tracked(NamedTuple):
    """The movies of the Variable `tracked_movies`, and what is wrong with the rest of it."""

    imdb_ids: list[str]
    problems: list[str]


def read_tracked(raw: str) -> Tracked:
    """Read the list of tracked movies as a person wrote it.

    Args:
        raw: JSON list of ids, such as `["tt0111161"]`.

    Returns:
        Valid ids in their order, each once; a sentence for each entry that was passed over.

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
        if isinstance(entry, str) and re.fullmatch(IMDB_ID_PATTERN, entry.strip()):
            ids[entry.strip()] = None
        else:
            problems.append(
                f"tracked_movies holds {json.dumps(entry, ensure_ascii=False)[:80]}, "
                "which is no IMDb id (tt and 7 to 9 digits); it was passed over."
            )
    return Tracked(list(ids), problems)
