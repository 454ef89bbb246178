"""Look titles and people up in the catalogue, which costs no request to anybody.

Steps that cost more come later, and only if those before them did not find a well-known title of
the very name: names, beginnings and words; then words with a typing error; then words without
numbers, since a sequel may not exist; then all words but one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from filmpulse.items import PersonHit, SearchHit
from filmpulse.jobs.context import Context
from filmpulse.search import asked
from filmpulse.search.asked import GLUED, PART, Reading
from filmpulse.search.folding import LIGHT, Folded, is_light, squeeze
from filmpulse.search.ranking import Name, Repairs, has_all, rank
from filmpulse.search.repairs import can_be_repaired, is_one_error, shortened, splits
from filmpulse.warehouse import Connection
from filmpulse.warehouse import titles as rows
from filmpulse.warehouse.statement import Query, Row

_KNOWN_VOTES = 1_000
_LIGHT_VOTES = 1_000_000  # light words are known as well as any
_MANY, _ENOUGH = 60, 20  # names: the most that one question brings; as many as a page shows
_LEAST_START = 3  # letters: a shorter beginning of a word is that of too many
_MOST_WORDS, _MOST_REPAIRS = 10, 12
_Without = Literal["nothing", "numbers", "one"]


class LookedUp(NamedTuple):
    """What the catalogue has for a query, best first.

    `is_close` says that the first title or the first person has all that was typed, without an
    error and with its year, and `is_there` that there is a catalogue.
    """

    titles: tuple[SearchHit, ...] = ()
    people: tuple[PersonHit, ...] = ()
    as_of: datetime | None = None
    is_close: bool = False
    is_there: bool = True


def look_up(
    query: str, context: Context, *, titles: int, people: int, with_adult: bool = False
) -> LookedUp:
    """Search the catalogue; see `find` for the arguments.

    Raises:
        WarehouseUnavailable: Postgres did not answer.
    """
    with context.warehouse.connect() as connection:
        is_there, as_of = rows.begin_search.one(connection)
        readings = asked.read(query)
        if not is_there or not readings:
            return LookedUp(as_of=as_of, is_there=is_there)
        search = _Search(connection, readings, with_adult)
        title_names = search.titles() if titles else []
        person_names = search.people() if people else []
        rows.plan_facts(connection)
        return LookedUp(
            title_hits([name.id for name in title_names[:titles]], connection),
            person_hits([name.id for name in person_names[:people]], connection),
            as_of,
            search.is_close,
        )


class _Search:
    """One search; what a typed word may have been is asked once."""

    def __init__(
        self, connection: Connection, readings: tuple[Reading, ...], with_adult: bool
    ) -> None:
        self._connection = connection
        self._readings = readings
        year = next((reading.year for reading in readings if reading.year), None)
        self._given = {"year": year, "with_adult": with_adult}
        self._repairs: Repairs | None = None
        self._unknown: list[str] = []
        self._same_people: list[Name] | None = None
        self._apart: tuple[Reading, ...] | None = None
        self.is_close = False  # whether what was found has all that was typed

    def titles(self) -> list[Name]:
        """Return the best names of titles, best first."""
        whole = tuple(reading for reading in self._readings if reading.share > PART)
        names = self._named(whole) + self._beginning()
        is_sure = self._has_the_name(names)
        if not is_sure or len(names) < _ENOUGH:
            names += (known := self._with_words({}, is_known=True))
            if not is_sure:
                names += self._less_known(known)
                names += self._named(tuple(r for r in self._readings if r.share <= PART))
                names += self._with_less(names)
        return self._ranked(names)

    def _with_less(self, names: list[Name]) -> list[Name]:
        """Return well-known titles without numbers that were typed, or without one of the words.

        `names` were found by all of them. A name of a well-known person is asked for as it is.
        """
        if self._has_all_words(names, {}):
            return []
        found = self._with_words(self.repairs(), is_known=True, without="numbers")
        if found or self._has_all_words(names, self.repairs()):
            return found
        if self._has_the_name(self._people_named()):
            return []
        return self._with_words(self.repairs(), is_known=True, without="one")

    def _less_known(self, known: list[Name]) -> list[Name]:
        """Return names of all titles that have all words, or words that may have been meant.

        `known` are the well-known ones: if there are many, the words are most likely right.
        """
        if len(known) >= _MANY:
            return []
        if len(known) >= _ENOUGH:
            return self._with_words({})
        names = self._with_words(self.repairs(), is_known=True)
        if len(names) < _MANY:
            names += self._with_words(self.repairs())
        return names + self._named(self._taken_apart())

    def _named(self, readings: tuple[Reading, ...]) -> list[Name]:
        norms = list(dict.fromkeys(reading.name.norm for reading in readings))
        return rows.titles_named(self._connection, norms=norms, **self._given) if norms else []

    def _beginning(self) -> list[Name]:
        names: list[Name] = []
        for start in self._starts():
            given = {"start": start, "end": _after(start), "with_adult": self._given["with_adult"]}
            names += (known := rows.known_titles_beginning(self._connection, **given))
            if len(known) < _MANY:
                names += rows.titles_beginning(self._connection, **given)
        return names

    def _with_words(
        self, repairs: Repairs, *, is_known: bool = False, without: _Without = "nothing"
    ) -> list[Name]:
        query = rows.known_titles_with_words if is_known else rows.titles_with_words
        return [
            name
            for words in _text_queries(self._readings[:2], repairs, without)
            for name in query(self._connection, words=words, **self._given)
        ]

    def people(self) -> list[Name]:
        """Return names of people, best first; each has all words that were typed."""
        names = list(self._people_named())
        for start in self._starts():
            names += rows.known_people_beginning(self._connection, start=start, end=_after(start))
        if not self._has_the_name(names):
            names += self._people_with_words(self._readings[:2], {})
        if not self.is_close and not self._has_all_words(names, {}):
            names += self._people_with_words(self._readings[:2], self.repairs())
            names += self._people_with_words(self._taken_apart(), {})
        return self._ranked(names)

    def _people_named(self) -> list[Name]:
        if self._same_people is None:
            norms = [reading.name.norm for reading in self._readings]
            self._same_people = rows.people_named(self._connection, norms=norms)
        return self._same_people

    def _people_with_words(self, readings: tuple[Reading, ...], repairs: Repairs) -> list[Name]:
        return [
            name
            for words in _text_queries(readings, repairs)[:1]
            for name in rows.people_with_words(self._connection, words=words)
        ]

    def _ranked(self, names: Iterable[Name]) -> list[Name]:
        """Return the best name of each id, best first; note whether the first has all."""
        ranked = rank(self._readings, list(dict.fromkeys(names)), self._repairs)
        self.is_close |= any(has_all(self._readings, name) for _, name in ranked[:1])
        return [name for _, name in ranked]

    def _has_the_name(self, names: list[Name]) -> bool:
        """Say whether a well-known title or person has the very name, and the year if typed."""
        return any(
            reading.share == 1
            and name.votes >= _KNOWN_VOTES
            and name.norm == reading.name.norm
            and (reading.year is None or (name.year and abs(name.year - reading.year) <= 1))
            for reading in self._readings
            for name in names
        )

    def _has_all_words(self, names: list[Name], repairs: Repairs) -> bool:
        """Say whether a well-known title or person has all words that were typed."""
        return any(
            name.votes >= _KNOWN_VOTES and has_all(self._readings, name, repairs) for name in names
        )

    def _starts(self) -> list[str]:
        """Return what a name may begin with: the words in one piece, the last as it was typed."""
        reading = self._readings[0]
        words = [*reading.name.words[:-1], reading.start]
        return list(dict.fromkeys([squeeze(words) if reading.start else reading.name.norm]))

    def repairs(self) -> Repairs:
        """Return known words that are one error away from typed ones, the best-known first."""
        if self._repairs is None:
            typed = {
                word
                for reading in self._readings[:2]
                for word in (*reading.name.words[:_MOST_WORDS], *reading.name.more)
                if can_be_repaired(word)
            }
            parts = list(set().union(*map(shortened, typed)))
            known = rows.repaired_words(self._connection, shortened=parts)
            known.sort(key=lambda word: -word.votes)
            self._unknown = sorted(typed - {k.word for k in known})
            self._repairs = {
                word: frozenset(
                    [k.word for k in known if is_one_error(word, k.word)][:_MOST_REPAIRS]
                )
                for word in typed
            }
        return self._repairs

    def _taken_apart(self) -> tuple[Reading, ...]:
        """Add readings with an unknown word as two known ones, by the better-known of them."""
        if self._apart is None:
            self.repairs()  # says which words are unknown
            self._apart = self._two_for_one()
            self._readings += self._apart
        return self._apart

    def _two_for_one(self) -> tuple[Reading, ...]:
        pieces = {word: splits(word) for word in self._unknown}
        flat = list({piece for pairs in pieces.values() for pair in pairs for piece in pair})
        known = (
            {k.word: k.votes for k in rows.known_words(self._connection, words=flat)}
            if flat
            else {}
        )
        known |= dict.fromkeys(LIGHT, _LIGHT_VOTES)
        readings = []
        for word, pairs in pieces.items():
            best = max(pairs, key=lambda pair: min(known.get(piece, 0) for piece in pair),
                       default=("", ""))  # fmt: skip
            if not all(piece in known for piece in best):
                continue
            readings += [
                _with_two(reading, word, best)
                for reading in self._readings[:2]
                if word in reading.name.words
            ]
        return tuple(readings)


def _with_two(reading: Reading, word: str, two: tuple[str, str]) -> Reading:
    """Return a reading with two words for one."""
    words = tuple(piece for own in reading.name.words for piece in (two if own == word else (own,)))
    return Reading(Folded(squeeze(list(words)), words), reading.year, share=GLUED)


def _text_queries(
    readings: tuple[Reading, ...], repairs: Repairs, without: _Without = "nothing"
) -> list[str]:
    """Return a `tsquery` for the words of each reading, if it has any to ask."""
    queries = [_text_query(reading, repairs, without) for reading in readings]
    return list(dict.fromkeys(query for query in queries if query))


def _text_query(reading: Reading, repairs: Repairs, without: _Without) -> str | None:
    """Return a `tsquery` for names that have all words, or all but some; None without words.

    Light words are left out, and a short last word that may be the beginning of another one: both
    are the words of very many names, and are looked at when names are ranked. Without numbers, or
    without one word, there must be another word.
    """
    words = list(enumerate(reading.name.words))
    heavy = [(place, word) for place, word in words if word not in LIGHT]
    if without != "nothing":
        named = [(place, word) for place, word in heavy if not is_light(word)]
        if without == "numbers" and len(named) == len(heavy):
            return None
        heavy = named
    last = len(words) - 1
    terms = []
    for place, word in heavy[:_MOST_WORDS]:
        start = reading.start if place == last else ""
        is_short = len(start) < _LEAST_START and not start.isdecimal()
        if start and is_short and len(heavy) > 1:
            continue
        forms = {_quoted(form) for form in (word, *repairs.get(word, ()))}
        if start and not is_short:
            forms.add(f"{_quoted(start)}:*")
        terms.append(f"({' | '.join(sorted(forms))})")
    if without == "one":
        if len(terms) < 3:
            return " | ".join(terms) if len(terms) == 2 else None
        return " | ".join(
            f"({' & '.join(term for term in terms if term is not missing)})" for missing in terms
        )
    return " & ".join(terms) or None


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _after(start: str) -> str:
    """Return a text after all that begin so, in the order of code points."""
    return start + chr(0x10FFFF)


def title_hits(imdb_ids: list[str], connection: Connection) -> tuple[SearchHit, ...]:
    """Return titles of the catalogue with their first people, in the order of the ids."""
    return tuple(
        SearchHit(
            imdb_id=row.imdb_id,
            title=row.title,
            original_title=row.original_title if row.original_title != row.title else None,
            year=row.year,
            kind=row.kind,
            genres=tuple(row.genres or ()),
            directors=tuple(row.directors or ()),
            stars=", ".join(row.stars or ()) or None,
            rating=row.rating,
            vote_count=row.vote_count,
        )
        for row in _all(rows.catalogue_titles, connection, imdb_ids=imdb_ids)
    )


def person_hits(person_ids: list[str], connection: Connection) -> tuple[PersonHit, ...]:
    """Return people of the catalogue, in the order of the ids."""
    return tuple(
        PersonHit(
            person_id=row.person_id,
            name=row.name,
            birth_year=row.birth_year,
            death_year=row.death_year,
            professions=tuple(row.professions or ()),
            known_for=tuple(row.known_for or ()),
        )
        for row in _all(rows.catalogue_people, connection, person_ids=person_ids)
    )


def _all(query: Query[Row], connection: Connection, **ids: list[str]) -> list[Row]:
    """Ask only if there is something to ask."""
    return query(connection, **ids) if any(ids.values()) else []
