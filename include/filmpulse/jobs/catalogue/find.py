"""Find titles and people by what a person types: in the catalogue first, then at the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

from filmpulse.items import PersonHit, SearchHit, find_imdb_id
from filmpulse.jobs.catalogue.look_up import look_up, person_hits, title_hits
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.suggest import suggest_from_site
from filmpulse.search.folding import fold
from filmpulse.warehouse.titles import begin_search, catalogue_as_of, people_named, titles_of_person

NOTHING = "Nothing in the catalogue fits."
NO_CATALOGUE = "There is no catalogue here yet: `filmpulse catalogue accept` says how to get one."
_PERSON = re.compile(
    r"(?:(?:(?:https?:)?//)?(?:[a-z0-9-]+\.)*imdb\.com(?::[0-9]+)?/(?:[a-z-]+/)*name/)?"
    r"(nm[0-9]{7,10})(?:[/?#]\S*)?"
)


class Found(NamedTuple):
    """What was found, best first.

    Attributes:
        titles: Titles that fit. An id, or an address in any text, finds its title alone.
        people: People that fit; only the catalogue names people.
        origin: Who answered; `none` if nobody found anything. If `catalogue`, the credit line
            must be shown (`filmpulse.sources.datasets.CREDIT`).
        as_of: When IMDb made the catalogue's list of titles (UTC); None without a catalogue.
        sentence: Why there is nothing, or what could not be asked; else empty.
    """

    titles: tuple[SearchHit, ...] = ()
    people: tuple[PersonHit, ...] = ()
    origin: Literal["catalogue", "site", "none"] = "none"
    as_of: datetime | None = None
    sentence: str = ""


@dataclass(frozen=True)
class RoleTitles:
    """Titles of a person in one role.

    Attributes:
        role: `director`, `writer`, `cast`, or another category of title.principals, such as
            `composer`.
        titles: The titles with most votes first.
        count: How many there are, of which `titles` may be the first ones.
    """

    role: str
    titles: tuple[SearchHit, ...]
    count: int


class FoundPerson(NamedTuple):
    """A person of the catalogue.

    Attributes:
        person: Name, years, professions and known-for.
        roles: Titles by role; the role with most votes first, archive footage and sound last.
        namesakes: Others of the same name, the best-known first.
        as_of: When IMDb made the catalogue's list of titles (UTC).
    """

    person: PersonHit
    roles: tuple[RoleTitles, ...]
    namesakes: tuple[PersonHit, ...]
    as_of: datetime | None


def find(
    query: str,
    context: Context,
    *,
    titles: int = 10,
    people: int = 5,
    with_adult: bool = False,
    ask_site: bool = True,
) -> Found:
    """Find titles and people for a title, a name, an id or an address, or the beginning of one.

    Costs some ms if the catalogue answers; else, if `ask_site` is set, what `suggest` costs.

    Args:
        query: What was typed; any text.
        context: The job's outside world.
        titles: The most titles to return.
        people: The most people to return.
        with_adult: Whether adult titles may be found.
        ask_site: Whether to ask the source for suggestions if neither the first title nor the
            first person of the catalogue has all that was typed, as it was typed.

    Raises:
        WarehouseUnavailable: Postgres did not answer.
    """
    if imdb_id := find_imdb_id(query):
        return _by_id(imdb_id, context)
    if person_id := read_person_id(query):
        return _by_person_id(person_id, context)
    looked = look_up(query, context, titles=titles, people=people, with_adult=with_adult)
    ours = Found(looked.titles, looked.people, "catalogue", looked.as_of)
    if looked.is_close:
        return ours
    sentence = NOTHING if looked.is_there else NO_CATALOGUE
    if ask_site and titles:
        suggested = suggest_from_site(query, context)
        if suggested.hits:
            return Found(suggested.hits[:titles], (), "site", looked.as_of)
        sentence = suggested.sentence
    if looked.titles or looked.people:
        return ours
    return Found(as_of=looked.as_of, sentence=sentence)


def _by_id(imdb_id: str, context: Context) -> Found:
    with context.warehouse.connect() as connection:
        hits = title_hits([imdb_id], connection)
        is_there, as_of = begin_search.one(connection)
    if hits:
        return Found(hits, (), "catalogue", as_of)
    sentence = f"The catalogue does not hold the title {imdb_id}."
    return Found(as_of=as_of, sentence=sentence if is_there else NO_CATALOGUE)


def _by_person_id(person_id: str, context: Context) -> Found:
    with context.warehouse.connect() as connection:
        hits = person_hits([person_id], connection)
        is_there, as_of = begin_search.one(connection)
    if hits:
        return Found((), hits, "catalogue", as_of)
    sentence = f"The catalogue does not hold the person {person_id}."
    return Found(as_of=as_of, sentence=sentence if is_there else NO_CATALOGUE)


def find_title(imdb_id: str, context: Context) -> SearchHit | None:
    """Return a title of the catalogue; None if the catalogue does not hold it."""
    with context.warehouse.connect() as connection:
        return next(iter(title_hits([imdb_id], connection)), None)


def find_person(
    person_id: str, context: Context, *, titles: int = 100, with_adult: bool = False
) -> FoundPerson | None:
    """Return a person of the catalogue with their titles; None if the catalogue has no such id.

    Args:
        person_id: IMDb's id, such as nm0000209.
        context: The job's outside world.
        titles: The most titles to name in a role; 0 for none, and no namesakes.
        with_adult: Whether adult titles are named.
    """
    with context.warehouse.connect() as connection:
        as_of = catalogue_as_of.one(connection)
        person = next(iter(person_hits([person_id], connection)), None)
        if person is None:
            return None
        if not titles:
            return FoundPerson(person, (), (), as_of)
        of_roles = titles_of_person(
            connection, person_id=person_id, most=titles, with_adult=with_adult
        )
        hits = {
            hit.imdb_id: hit
            for hit in title_hits(list({row.imdb_id for row in of_roles}), connection)
        }
        same = people_named(connection, norms=[fold(person.name).norm])
        namesakes = person_hits([name.id for name in same if name.id != person_id], connection)
    roles = []
    for role, group in groupby(of_roles, lambda row: row.role):
        rows = list(group)
        named = tuple(hits[row.imdb_id] for row in rows if row.imdb_id in hits)
        roles.append(RoleTitles(role, named, rows[0].in_all))
    return FoundPerson(person, tuple(roles), namesakes, as_of)


def read_person_id(typed: str) -> str | None:
    """Read IMDb's id of a person, alone or in the address of a person's page in any text."""
    text = typed.strip().lower()
    words = [word.strip("()[]<>\"',;") for word in text.split() if "imdb.com" in word]
    return next((found[1] for word in (text, *words) if (found := _PERSON.fullmatch(word))), None)
