"""Title lists: keep what files say in the lake, and write the lists into the warehouse.

Each file of a list is an object of the lake, cleaned: nothing but its ids. A file of ids replaces
its list. A saved search page adds its titles, or replaces the page of the same number. So a list is
what its objects say, in the order of their pages, and a rebuild gives it again.
"""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import NamedTuple

from pydantic import AwareDatetime, ValidationError

from filmpulse.errors import BadInput
from filmpulse.items import ImdbId, Item
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox.store import stem
from filmpulse.sources.title_lists import Origin
from filmpulse.warehouse import Connection
from filmpulse.warehouse import title_lists as wh
from filmpulse.warehouse.title_lists import HeldList, ListShown, TitleShown

log = logging.getLogger(__name__)

FOLDER = "catalogue/lists"
"""Folder of the lake; retention leaves it alone, since nothing in it tells of people."""

_FIRST = -1  # the page of a file of ids: it comes before all search pages


class ListPart(Item):
    """What one file says of a list; `page` is the number of a search page, -1 for a file of ids."""

    title_list: str
    page: int
    origin: Origin
    file_name: str
    added_at: AwareDatetime
    imdb_ids: tuple[ImdbId, ...]


class ListHeld(NamedTuple):
    """A list after a file was taken into it: how many titles it has, and how many are new."""

    title_list: str
    titles: int
    new: int
    gone: int


def hold(part: ListPart, context: Context) -> ListHeld:
    """Keep a part of a list in the lake, and write the list into the warehouse.

    A second call changes nothing. Calls for one list take turns.

    Raises:
        Retryable: The lake or the warehouse did not answer; a second call does the rest.
    """
    if part.origin == "ids":
        part = part.model_copy(update={"page": _FIRST})
    with context.warehouse.connect() as connection:
        wh.lock_title_list(connection, title_list=part.title_list)
        parts = _parts(part.title_list, context)
        if not parts:  # a warehouse that was restored beside another lake
            parts = _from_warehouse(part.title_list, connection)
        replaced = set(parts) if part.origin == "ids" else set()
        kept = {page: one for page, one in parts.items() if page not in replaced}
        kept[part.page] = part
        for one in kept.values():
            context.lake.write(_name(one), one.model_dump_json().encode())
        for page in replaced - {part.page}:
            context.lake.delete(_name(parts[page]))
        return _write(kept, connection)


def bring_lists_back(context: Context) -> int:
    """Write the lists that the lake holds into the warehouse; return how many."""
    brought = 0
    for folder in context.lake.folders(FOLDER):
        found = list(_read(folder, context).values())
        if not found:
            continue
        with context.warehouse.connect() as connection:
            wh.lock_title_list(connection, title_list=found[0].title_list)
            if parts := _read(folder, context):
                _write(parts, connection)
                brought += 1
    return brought


def list_lists(context: Context) -> list[ListShown]:
    """Return all lists, sorted by name."""
    return wh.list_title_lists(context.warehouse)


def show_list(title_list: str, most: int, context: Context) -> tuple[HeldList, list[TitleShown]]:
    """Return a list, and its first titles with what the catalogue says of them.

    Raises:
        BadInput: There is no such list.
    """
    with context.warehouse.connect() as connection:
        held = wh.held_list.first(connection, title_list=title_list)
        if held is None:
            raise _unknown(title_list)
        return held, wh.show_title_list(connection, title_list=title_list, most=most)


def remove_list(title_list: str, context: Context) -> None:
    """Delete a list from the lake and the warehouse.

    Raises:
        BadInput: There is no such list.
        Retryable: The lake or the warehouse did not answer; a second call does the rest.
    """
    with context.warehouse.connect() as connection:
        wh.lock_title_list(connection, title_list=title_list)
        names = context.lake.names(_folder(title_list))
        for name in names:
            context.lake.delete(name)
        if not wh.drop_title_list(connection, title_list=title_list) and not names:
            raise _unknown(title_list)


def _unknown(title_list: str) -> BadInput:
    return BadInput(f"There is no list {title_list}: `filmpulse lists list` names all.")


def _folder(title_list: str) -> str:
    """Return a list's folder: its name, as every store accepts it, and a hash of the name."""
    return f"{FOLDER}/{stem(title_list)}-{sha256(title_list.encode()).hexdigest()[:12]}"


def _name(part: ListPart) -> str:
    page = "ids" if part.page == _FIRST else f"page-{part.page:02}"
    return f"{_folder(part.title_list)}/{page}.json"


def _parts(title_list: str, context: Context) -> dict[int, ListPart]:
    return _read(_folder(title_list).removeprefix(f"{FOLDER}/"), context)


def _read(folder: str, context: Context) -> dict[int, ListPart]:
    """Return the parts of a list by page; one that cannot be read is passed over."""
    parts = {}
    for name in context.lake.names(f"{FOLDER}/{folder}"):
        try:
            part = ListPart.model_validate_json(context.lake.read(name))
        except ValidationError:
            log.warning("%s is no part of a title list: passed over.", name)
            continue
        if _name(part) == name:
            parts[part.page] = part
    return parts


def _from_warehouse(title_list: str, connection: Connection) -> dict[int, ListPart]:
    """Return what the warehouse holds of a list, as its first part."""
    held = wh.held_list.first(connection, title_list=title_list)
    if held is None:
        return {}
    return {_FIRST: ListPart.model_validate(held._asdict() | {"page": _FIRST})}


def _write(parts: dict[int, ListPart], connection: Connection) -> ListHeld:
    """Write a list into the warehouse, as its parts say."""
    newest = max(parts.values(), key=lambda part: (part.added_at, part.page))
    titles = dict.fromkeys(i for page in sorted(parts) for i in parts[page].imdb_ids)
    about = newest.model_dump(include={"title_list", "file_name", "origin", "added_at"})
    wh.note_title_list(connection, **about)
    members = {"title_list": newest.title_list, "imdb_ids": list(titles)}
    gone = wh.drop_other_members(connection, **members)
    new = len(wh.write_members(connection, **members))
    return ListHeld(newest.title_list, len(titles), new, gone)
