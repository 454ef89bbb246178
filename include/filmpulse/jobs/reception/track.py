"""Which movies are tracked: those in the Variable `tracked_movies`, and those in `core.tracked`.

A short list lives in the Variable, which people may edit. Movies that are added when 2,000 are
tracked, or that make it so many, go to the table. A movie is stored in one of the two: if a person
writes one into the Variable that the table holds, the next change here takes it from the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from filmpulse import warehouse as wh
from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id
from filmpulse.jobs.context import Context
from filmpulse.warehouse import tracked as table
from filmpulse.warehouse.tracked import Origin

TABLE_FROM = 2_000
"""From so many tracked movies on, those that are added go to the table. Airflow's form shows a
Variable as one line of text, and each task that needs one reads it whole (20 kB at this length)."""


class Changed(NamedTuple):
    """How a change of the tracked movies went.

    Attributes:
        variable: The text to store in the Variable.
        added: Movies that were not tracked before.
        removed: Movies that were tracked before.
        is_in_table: Whether the added ones went to the table.
        tracked: How many movies are tracked now.
        problems: As in `Tracked`.
    """

    variable: str
    added: list[str]
    removed: list[str]
    is_in_table: bool
    tracked: int
    problems: list[str]


class Tracked(NamedTuple):
    """The tracked movies, each once, in order; and the Variable's wrong entries.

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


def all_tracked(raw: str, where: wh.Warehouse | wh.Connection) -> Tracked:
    """Return the movies of the Variable, whose text is `raw`, and then those of the table.

    Raises:
        BadInput: `raw` is no JSON list.
        WarehouseUnavailable: The table could not be read.
    """
    listed = read_tracked(raw)
    return Tracked(list(dict.fromkeys([*listed.imdb_ids, *table.in_table(where)])), listed.problems)


def change_tracked(
    raw: str,
    context: Context,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    origin: Origin = "command",
    file_name: str | None = None,
) -> Changed:
    """Add movies and remove movies, in the table and in the text of the Variable.

    The caller holds the Variable's lock and stores the text afterwards. A second call does the rest
    if that fails.

    Args:
        raw: The text of the Variable.
        context: The warehouse.
        add: Ids or addresses.
        remove: Ids, or wrong entries of the Variable word by word.
        origin: Who adds them.
        file_name: The file that they came from; only if the origin is `file`.

    Raises:
        BadInput: `raw` is no JSON list, or an entry to add is neither an id nor an address.
        WarehouseUnavailable: The table could not be changed; nothing was changed.
    """
    wanted, gone = typed_ids(add), set(remove)
    with context.warehouse.connect() as connection:
        in_table = table.in_table(connection)
        before = dict.fromkeys([*read_tracked(raw).imdb_ids, *in_table])
        added = [imdb_id for imdb_id in wanted if imdb_id not in before]
        removed = [imdb_id for imdb_id in before if imdb_id in gone]
        tracked = len(before) + len(added) - len(removed)
        is_in_table = bool(added) and tracked >= TABLE_FROM
        text = change_entries(raw, [] if is_in_table else added, gone)
        listed = read_tracked(text)
        if gone_from_table := {*removed, *listed.imdb_ids}.intersection(in_table):
            table.untrack(connection, imdb_ids=list(gone_from_table))
        if is_in_table:
            given = {"origin": origin, "file_name": file_name}
            table.track(connection, imdb_ids=added, **given)
    return Changed(text, added, removed, is_in_table, tracked, listed.problems)


def move_to_table(raw: str, context: Context) -> Changed:
    """Move all movies of the Variable to the table; its wrong entries stay. Raises as above."""
    listed = read_tracked(raw).imdb_ids
    with context.warehouse.connect() as connection:
        tracked = len(all_tracked(raw, connection).imdb_ids)
        table.track(connection, imdb_ids=listed, origin="variable", file_name=None)
    text = change_entries(raw, remove=listed)
    return Changed(text, [], [], True, tracked, read_tracked(text).problems)


def labels(imdb_ids: Iterable[str], context: Context) -> dict[str, str]:
    """Return the names of movies for people, of those of which a page was read."""
    return dict(table.labels(context.warehouse, imdb_ids=list(imdb_ids)))
