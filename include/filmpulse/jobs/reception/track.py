"""Read movies as people write them: in the Variable of tracked movies, and in forms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id


class Tracked(NamedTuple):
    """The movies of the Variable `tracked_movies`, each once, in order; and its wrong entries.

    `problems` has a sentence for each entry that was passed over.
    """

    imdb_ids: list[str]
    problems: list[str]


def read_tracked(raw: str) -> Tracked:
    """Read a JSON list of ids, such as `["tt0111161"]`, or of addresses of movies at IMDb.

    Raises:
        BadInput: `raw` is no JSON list.
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
    """Return the movie that an entry of the list names; None if it names none."""
    return read_imdb_id(entry) if isinstance(entry, str) else None


def typed_ids(given: Iterable[str]) -> list[str]:
    """Read movies as a person typed them, by id or by address at IMDb; each once, in their order.

    Raises:
        BadInput: An entry is neither; the message names all such entries.
    """
    found = {entry: read_imdb_id(entry) for entry in given}
    if wrong := [entry for entry, imdb_id in found.items() if imdb_id is None]:
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {', '.join(wrong)[:500]}.")
    return list(dict.fromkeys(imdb_id for imdb_id in found.values() if imdb_id))


def change_entries(raw: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> str:
    """Add movies to the text of the Variable `tracked_movies`, and take movies out of it.

    Other entries stay as a person wrote them. `add` holds ids or addresses; `remove` holds ids, or
    wrong entries word by word.

    Raises:
        BadInput: `raw` is no JSON list, or an entry to add is neither an id nor an address.
    """
    read_tracked(raw)
    gone = set(remove)
    entries = [
        entry
        for entry in json.loads(raw)
        if not (isinstance(entry, str) and entry in gone) and tracked_id(entry) not in gone
    ]
    there = {tracked_id(entry) for entry in entries}
    entries += [imdb_id for imdb_id in typed_ids(add) if imdb_id not in there]
    return json.dumps(entries)
