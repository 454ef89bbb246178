"""What pages and the API read of one title of the catalogue: facts, people, other names.

All of it is other people's words: whoever shows them escapes them. IMDb's terms ask for the credit
line wherever it is shown.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from filmpulse.warehouse.statement import Query


class TitleFacts(NamedTuple):
    """A title of the catalogue.

    Attributes:
        title: The better-known title; the id where IMDb gives none.
        kind: IMDb's type, such as `movie` or `tvSeries`.
        year: Of release; of a series the first.
        end_year: A series' last.
        genres: At most three.
        rating: IMDb's weighted mean of the votes, 1 to 10.
        series: Of an episode: the series' name.
    """

    imdb_id: str
    title: str
    original_title: str | None
    kind: str | None
    year: int | None
    end_year: int | None
    runtime_minutes: int | None
    is_adult: bool
    genres: list[str]
    rating: float | None
    vote_count: int | None
    series_id: str | None
    series: str | None
    season: int | None
    episode: int | None


class TitlePerson(NamedTuple):
    """Somebody who worked on a title.

    Attributes:
        role: `director`, `writer`, `cast`, or IMDb's own category, such as `composer`.
        name: None where the catalogue has no such person.
        place: From 1, in the role.
        of_role: How many have the role, of which the first were read.
        characters: Of the cast: a JSON array, as IMDb has it.
    """

    role: str
    person_id: str
    name: str | None
    place: int
    of_role: int
    characters: str | None

    @property
    def parts(self) -> list[str]:
        """The names of the parts; none where IMDb's text is no list of them."""
        try:
            read = json.loads(self.characters or "[]")
        except (ValueError, RecursionError):
            return []
        return [one for one in read if isinstance(one, str)] if isinstance(read, list) else []


class OtherName(NamedTuple):
    """Another name of a title; `regions` are IMDb's codes, `of_all` is how many names it has."""

    title: str
    regions: list[str]
    of_all: int


title_facts = Query("title_facts", TitleFacts)
"""One title of the catalogue (`imdb_id`); no row where the catalogue does not hold it."""

title_people = Query("title_people", TitlePerson)
"""Directors, writers, cast, then others: `most` of each role at most, in IMDb's order."""

title_other_names = Query("title_other_names", OtherName)
"""The names under which a title is known, `most` at most, in IMDb's order."""
