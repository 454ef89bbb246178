"""Title lists that people dropped in, and their members."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from filmpulse.warehouse.statement import Command, Query, Scalar


class HeldList(NamedTuple):
    """A list as the warehouse holds it, its titles in order; `file_name` is its newest file."""

    title_list: str
    file_name: str
    origin: str
    added_at: datetime
    imdb_ids: list[str]


class ListShown(NamedTuple):
    """A list in the list of all; `known_titles` are those that the catalogue holds."""

    title_list: str
    titles: int
    known_titles: int
    file_name: str
    origin: str
    added_at: datetime


class TitleShown(NamedTuple):
    """A title of a list, and what the catalogue says of the title; None where it says nothing."""

    position: int
    imdb_id: str
    title: str | None
    year: int | None
    rating: float | None
    votes: int | None


lock_title_list = Command("lock_title_list")
note_title_list = Command("note_title_list")
drop_other_members = Command("drop_other_members")
write_members = Scalar[str]("write_members")
held_list = Query("held_list", HeldList)
drop_title_list = Scalar[str]("drop_title_list")
list_title_lists = Query("list_title_lists", ListShown)
show_title_list = Query("show_title_list", TitleShown)
