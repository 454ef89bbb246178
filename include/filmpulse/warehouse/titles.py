"""Titles and people of the catalogue: what the search asks, and what it is filled from."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from filmpulse.search.ranking import Name
from filmpulse.warehouse.statement import Command, Query, Scalar


class TitleRow(NamedTuple):
    """A title as the catalogue has it; the people are the first three of each role, in order."""

    imdb_id: str
    title: str
    original_title: str | None
    year: int | None
    kind: str | None
    genres: list[str] | None
    rating: float | None
    vote_count: int | None
    directors: list[str] | None
    stars: list[str] | None


class PersonRow(NamedTuple):
    """A person as the catalogue has it; `known_for` are titles with their years."""

    person_id: str
    name: str
    birth_year: int | None
    death_year: int | None
    professions: list[str] | None
    known_for: list[str] | None


class RoleRow(NamedTuple):
    """One title of a person in a role; `in_all` is the number of titles in that role."""

    role: str
    imdb_id: str
    in_all: int
    votes: int


class TitleToFold(NamedTuple):
    """A title and one of its alternative titles; None for a title without any."""

    tconst: str
    primary_title: str | None
    original_title: str | None
    year: int | None
    is_common: bool
    votes: int
    alternative: str | None


class PersonToFold(NamedTuple):
    """A person's name, and the votes of the titles that they are known for."""

    nconst: str
    primary_name: str
    votes: int


class SearchState(NamedTuple):
    """Whether there is a catalogue to search, and when IMDb made its list of titles."""

    is_there: bool
    as_of: datetime | None


class Word(NamedTuple):
    """A word of names, and the votes of the best-known title or person that has it."""

    word: str
    votes: int


has_title_names = Scalar[bool]("has_title_names")
"""Whether there is a catalogue to search."""

catalogue_as_of = Scalar[datetime | None]("catalogue_as_of")

begin_search = Query("begin_search", SearchState)
"""For this transaction, plan the searches that follow; `plan_facts` comes after them."""

plan_facts = Command("plan_facts")
titles_named = Query("titles_named", Name)
known_titles_beginning = Query("known_titles_beginning", Name)
titles_beginning = Query("titles_beginning", Name)
known_titles_with_words = Query("known_titles_with_words", Name)
titles_with_words = Query("titles_with_words", Name)
repaired_words = Query("repaired_words", Word)
known_words = Query("known_words", Word)
people_named = Query("people_named", Name)
known_people_beginning = Query("known_people_beginning", Name)
people_with_words = Query("people_with_words", Name)

catalogue_titles = Query("catalogue_titles", TitleRow)
catalogue_people = Query("catalogue_people", PersonRow)
titles_of_person = Query("titles_of_person", RoleRow)

titles_to_fold = Query("titles_to_fold", TitleToFold)
people_to_fold = Query("people_to_fold", PersonToFold)
words_to_repair = Query("words_to_repair", Word)
