"""Rank names by how well they fit what was typed, and by how many people know the title."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from filmpulse.search.asked import PART, Reading
from filmpulse.search.folding import is_light, squeeze


@dataclass(frozen=True)
class Weights:
    """What fit and fame are worth, in points.

    Chosen by hand, in round figures, from what stood wrong on one half of MovieLens' titles among
    1.1 million generated ones (`benchmarks/bench_search.py --tune`); the other half judges them.

    Attributes:
        fit: Points of a name that is the typed one.
        fame: Points for each power of ten of votes.
        light: Weight of a word of `LIGHT`, or of a number; other words weigh 1.
        beginning: Least share of `fit` of a name that begins with what was typed.
        words: Least share of `fit` of a name that has all words that were typed.
        part: Share of `fit` of a name that is only part of a title.
        other: Share of `fit` of a title of another country.
        repaired: Share that a repaired word counts.
        year: Points for the year that was typed.
        near_year: Points for the year before or after it.
        other_year: Points, below 0, for any other year, or none.
    """

    fit: float = 10.0
    fame: float = 1.0
    light: float = 0.25
    beginning: float = 0.7
    words: float = 0.5
    part: float = 0.9
    other: float = 0.97
    repaired: float = 0.8
    year: float = 3.0
    near_year: float = 2.0
    other_year: float = -4.0


WEIGHTS = Weights()


class Name(NamedTuple):
    """One name of a title, or of a person, as the warehouse has it.

    Attributes:
        id: Of the title or the person.
        norm: As in `Folded`.
        words: The words, separated by spaces.
        more: Other forms of them; empty without.
        votes: How many people know it.
        year: Year of the title.
        kind: primary, original, part or alternative.
    """

    id: str
    norm: str
    words: str
    more: str
    votes: int
    year: int | None
    kind: str


Repairs = Mapping[str, frozenset[str]]
"""A typed word -> known words that are one error away."""


def rank(
    readings: tuple[Reading, ...],
    names: list[Name],
    repairs: Repairs | None = None,
    weights: Weights = WEIGHTS,
) -> list[tuple[float, Name]]:
    """Return the best name of each id, with its points, best first.

    Names that lack more than half of what was typed are left out. Among equals the smaller id,
    which IMDb gave earlier, comes first.
    """
    best: dict[str, tuple[float, Name]] = {}
    for name in names:
        points = max(
            (points_of(reading, name, repairs or {}, weights) for reading in readings),
            default=-math.inf,
        )
        if points > best.get(name.id, (-math.inf, name))[0]:
            best[name.id] = points, name
    return sorted(best.values(), key=lambda found: (-found[0], len(found[1].id), found[1].id))


def points_of(reading: Reading, name: Name, repairs: Repairs, weights: Weights = WEIGHTS) -> float:
    """Return the points of a name for a reading; minus infinity if it does not fit."""
    share = fit(reading, name, repairs, weights)
    if not share:
        return -math.inf
    share *= reading.share * {"part": weights.part, "alternative": weights.other}.get(
        name.kind, 1.0
    )
    return (
        weights.fit * share
        + weights.fame * math.log10(1 + name.votes)
        + _year(reading.year, name.year, weights)
    )


def _year(asked: int | None, year: int | None, weights: Weights) -> float:
    if asked is None:
        return 0.0
    away = abs(asked - year) if year is not None else math.inf
    return weights.year if not away else weights.near_year if away == 1 else weights.other_year


def fit(reading: Reading, name: Name, repairs: Repairs, weights: Weights = WEIGHTS) -> float:
    """Return how well a name fits, from 0 (not) to 1 (the same name).

    The same name, its beginning, or its words in any order: what each gives is in `Weights`. If
    the last word is the beginning of a word, that counts a little less than the word.
    """
    asked = reading.name
    if asked.norm == name.norm:
        return 1.0 if _same_article(asked.words, name.words) else 0.99
    beginning = 0.0
    for text in _in_one_piece(reading):
        if name.norm.startswith(text):
            share = len(text) / len(name.norm)
            beginning = weights.beginning + (1 - weights.beginning) * share * 0.9
    return max(beginning, _words(reading, name, repairs, weights))


def has_all(readings: tuple[Reading, ...], name: Name, repairs: Repairs | None = None) -> bool:
    """Say whether a name has all words of a whole reading, and its year or one beside it.

    The last word may be the beginning of one; with `repairs`, words may be repaired.
    """
    return any(
        reading.share > PART
        and (reading.year is None or (name.year and abs(name.year - reading.year) <= 1))
        and (_begins(reading, name) or _has_words(reading, name, repairs or {}))
        for reading in readings
    )


def _begins(reading: Reading, name: Name) -> bool:
    return any(name.norm.startswith(text) for text in _in_one_piece(reading))


def _in_one_piece(reading: Reading) -> set[str]:
    """Return the typed name in one piece: folded, and with the last word as it was typed."""
    words = [*reading.name.words[:-1], reading.start]
    return {reading.name.norm, squeeze(words) if reading.start else reading.name.norm}


def _has_words(reading: Reading, name: Name, repairs: Repairs) -> bool:
    known = {*name.words.split(), *name.more.split()}
    return all(found for _, found in _found_words(reading, known, repairs, WEIGHTS))


def _same_article(asked: tuple[str, ...], words: str) -> bool:
    return asked[0] == words.split(" ", 1)[0]


def _words(reading: Reading, name: Name, repairs: Repairs, weights: Weights) -> float:
    """Return the fit by words: the share of typed words found, and of the name's words typed."""
    own = name.words.split()
    known = {*own, *name.more.split()}
    of_asked = found = 0.0
    for word, has in _found_words(reading, known, repairs, weights):
        weight = _weight(word, weights)
        of_asked += weight
        found += weight * has
    if found < 0.5 * of_asked:
        return 0.0
    of_name = sum(_weight(word, weights) for word in own)
    covered = min(1.0, found / of_name) if of_name else 0.0
    asked_share = found / of_asked
    return asked_share**2 * (weights.words + (0.96 - weights.words) * covered)


def _weight(word: str, weights: Weights) -> float:
    return weights.light if is_light(word) else 1.0


def _found_words(
    reading: Reading, known: set[str], repairs: Repairs, weights: Weights
) -> Iterator[tuple[str, float]]:
    """Yield each typed word with how far it is among the known ones."""
    last = len(reading.name.words) - 1
    for place, word in enumerate(reading.name.words):
        start = reading.start if place == last else ""
        yield word, _found(word, start, known, repairs, weights)


def _found(word: str, start: str, known: set[str], repairs: Repairs, weights: Weights) -> float:
    """Return how far a typed word is among the known ones: 1 as it is, 0 not at all."""
    if word in known:
        return 1.0
    if start and any(other.startswith(start) for other in known):
        return 0.9
    if not repairs.get(word, frozenset()).isdisjoint(known):
        return weights.repaired
    return 0.0
