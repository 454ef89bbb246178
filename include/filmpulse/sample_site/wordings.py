"""Invents the words of the datasets: tables of parts of titles, of names, genres and roles.

Each table is a list of bytes from which `datasets.py` picks by number. All follows from the seed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmpulse.sample_site.generate import load_bank

Numbers = NDArray[np.uint64]
Places = NDArray[np.int64]

NULL = rb"\N"
KINDS = {
    "movie": 753,
    "short": 1146,
    "video": 329,
    "tvSeries": 303,
    "tvMovie": 156,
    "tvMiniSeries": 72,
    "tvSpecial": 59,
    "videoGame": 50,
    "tvShort": 11,
    "tvPilot": 1,
    "tvEpisode": 0,
}
"""Types of titles, with how many thousands of each there are (2026-07-26); episodes apart."""
SEASONS, NUMBERS = 12, 30
"""Most seasons of a series, and most episodes of a season."""
HEADS, FOREIGN, GENRES = 65_536, 2_048, 1_024
"""How many heads of titles there are, titles of each language, lists of genres of each type."""

_GENRES = {
    **{"Drama": 300, "Comedy": 220, "Talk-Show": 90, "Documentary": 110, "Short": 0, "News": 70},
    **{"Romance": 80, "Family": 70, "Reality-TV": 60, "Animation": 60, "Crime": 50, "Action": 50},
    **{"Adventure": 40, "Music": 45, "Game-Show": 30, "Adult": 5, "Sport": 30, "Fantasy": 25},
    **{"Horror": 25, "Mystery": 25, "History": 20, "Thriller": 25, "Sci-Fi": 18, "Biography": 15},
    **{"Musical": 10, "War": 8, "Western": 6, "Film-Noir": 1},
}
_PROFESSIONS = {
    **{"actor": 25, "actress": 16, "miscellaneous": 12, "producer": 10, "camera_department": 6},
    **{"writer": 7, "director": 6, "cinematographer": 4, "editor": 4, "art_department": 4},
    **{"composer": 3, "sound_department": 3, "make_up_department": 2, "archive_footage": 2},
}


def key_of(seed: int, purpose: str) -> np.uint64:
    """Return the key of one kind of draw."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))


def draw(key: np.uint64, places: Places) -> Numbers:
    """Draw one number of 64 bits for each place: the same key and place, the same number.

    Source: the output function of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom
    number generators", 2014), which needs no state. Integers only, so every machine agrees.
    """
    with np.errstate(over="ignore"):
        z = places.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def part(numbers: Numbers, shift: int, count: int) -> Places:
    """Take 16 bits of each number from bit `shift` on, as a number from 0 to `count` - 1."""
    bits = (numbers >> np.uint64(shift)) & np.uint64(0xFFFF)
    taken: Places = ((bits * np.uint64(count)) >> np.uint64(16)).astype(np.int64)
    return taken


def weighted(numbers: Numbers, weights: Iterable[float]) -> Places:
    """Turn each number into the place of a weight, drawn in proportion to the weights."""
    edges = np.cumsum(np.array(list(weights), dtype=np.float64))
    shares = (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53
    places: Places = np.searchsorted(edges, shares * edges[-1], side="right").astype(np.int64)
    return places


@dataclass(frozen=True, eq=False)
class Wordings:
    """The tables.

    Attributes:
        heads: How a title begins, `HEADS` of them; then the odd whole titles, then
            "Episode #season.number" for each of `SEASONS` times `NUMBERS`.
        odd: How many odd whole titles there are.
        middles: How the title goes on: nothing, or words with a space in front. As in the other
            lists that follow, the first one is empty.
        rare: Beginning and end of a word that no other title has, with a space in front.
        ends: How the title ends.
        foreign: Titles in other languages, `FOREIGN` of each language in turn.
        regions: Region of each foreign title; `languages` likewise.
        genres: Lists of genres, `GENRES` of each type in the order of `KINDS`.
        professions, firsts, lasts, parts: Of people; `parts` are JSON arrays.
    """

    heads: list[bytes]
    odd: int
    middles: list[bytes]
    rare: tuple[list[bytes], list[bytes]]
    ends: list[bytes]
    foreign: list[bytes]
    regions: list[bytes]
    languages: list[bytes]
    genres: list[bytes]
    professions: list[bytes]
    firsts: list[bytes]
    lasts: list[bytes]
    parts: list[bytes]


class _Maker:
    """Makes the tables of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.bank = load_bank("datasets")
        self.words = _vocabulary(self.bank)

    def numbers(self, purpose: str, count: int) -> Numbers:
        return draw(key_of(self.seed, purpose), np.arange(count))

    def picked(self, purpose: str, count: int, values: list[str]) -> list[str]:
        """Pick `count` values, each equally often."""
        numbers = self.numbers(purpose, count)
        return [values[n] for n in (numbers % np.uint64(len(values))).tolist()]

    def common(self, purpose: str, count: int) -> list[str]:
        """Pick `count` words; the n-th of the list in proportion to 1 / (n + 30).

        Zipf's law with Mandelbrot's shift: the most frequent word stands in a title of a hundred.
        """
        ranks = 1 / (30 + np.arange(1, len(self.words) + 1))
        return [self.words[n] for n in weighted(self.numbers(purpose, count), ranks).tolist()]

    def heads(self) -> list[str]:
        forms = self.picked("form", HEADS, list("wwwwwwwwwwwooooooolllw222"))
        one, two = self.common("one", HEADS), self.common("two", HEADS)
        openings = self.picked("opening", HEADS, self.bank["openings"])
        links = self.picked("link", HEADS, self.bank["links"])
        made = []
        for form, a, b, opening, link in zip(forms, one, two, openings, links, strict=True):
            whole = {"w": a, "o": f"{opening} {a}", "l": f"{a} {link} {b}", "2": f"{a} {b}"}
            made.append(whole[form])
        return made

    def middles(self) -> list[str]:
        forms = self.picked("middle", HEADS, ["", "", "", "1", "1", "1", "2"])
        one, two = self.common("three", HEADS), self.common("four", HEADS)
        said = zip(forms, one, two, strict=True)
        made = ["" if not form else f" {a}" if form == "1" else f" {a} {b}" for form, a, b in said]
        return ["", *made[1:]]

    def syllables(self, purpose: str, count: int, values: list[str], most: int) -> list[str]:
        """Make `count` words of 1 to `most` syllables, or of exactly `most` when that is 2."""
        columns = [self.picked(f"{purpose}/{n}", count, values) for n in range(most)]
        lengths = self.picked(f"{purpose}/length", count, [str(n + 1) for n in range(most)])
        return [
            "".join(row[: 2 if most == 2 else int(length)])
            for length, *row in zip(lengths, *columns, strict=True)
        ]

    def foreign(self) -> tuple[list[str], list[str], list[str]]:
        titles, regions, languages = [], [], []
        for script in self.bank["script"]:
            values, gap = script["syllables"].split(), script["gap"]
            purpose, glued = f"foreign/{script['language']}/{script['region']}", len(values[0]) < 4
            words = self.syllables(purpose, 3 * FOREIGN, values, 3 if glued else 1)
            lengths = self.picked(f"{purpose}/words", FOREIGN, ["1", "2", "2", "3"])
            for n, length in enumerate(lengths):
                titles.append(gap.join(words[3 * n : 3 * n + int(length)]))
            regions += [script["region"]] * FOREIGN
            languages += [script["language"]] * FOREIGN
        return titles, regions, languages

    def lists(self, purpose: str, count: int, weights: dict[str, int], own: str = "") -> list[str]:
        """Make `count` lists of 1 to 3 different words in alphabetical order, `own` among them."""
        columns = [
            weighted(self.numbers(f"{purpose}/{n}", count), weights.values()) for n in range(3)
        ]
        lengths = self.picked(f"{purpose}/length", count, ["1", "1", "2", "2", "3"])
        names = list(weights)
        made = []
        for length, *row in zip(lengths, *(column.tolist() for column in columns), strict=True):
            chosen = ({own} - {""}) | {names[n] for n in row[: int(length)]}
            made.append(",".join(sorted(chosen, key=lambda name: (name != own, name))[:3]))
        return [",".join(sorted(text.split(","))) for text in made]

    def parts(self) -> list[str]:
        """Make names of parts as JSON arrays; some are hard to read."""
        people = self.bank["people"]["first"].split()
        one, two = self.picked("part/1", 4_096, people), self.picked("part/2", 4_096, people)
        forms = [r'["{}"]'] * 28 + [
            *(r'["{} (voice)"]', r'["{}","{}"]', r'["Dr. \"{}\" {}"]', r'["{}\\{}"]'),
            *(r'["Détective {}"]', r'["Self - Host"]', r'["{}, the Elder","{} (uncredited)"]'),
        ]
        said = zip(self.picked("part/form", 4_096, forms), one, two, strict=True)
        return [form.format(a, b) for form, a, b in said]


def _vocabulary(bank: dict[str, Any]) -> list[str]:
    """Return the words of titles, the most frequent first: the list, then those of the reviews."""
    reviews = repr(load_bank("english")) + repr(load_bank("movies"))
    ordinary = Counter(word.lower() for word in re.findall(r"\b[A-Za-z]{4,}\b", reviews))
    words = dict.fromkeys(bank["words"].split() + [word for word, _ in ordinary.most_common()])
    return [word.capitalize() for word in words]


def _encoded(texts: Iterable[str]) -> list[bytes]:
    return [text.encode() for text in texts]


@lru_cache(maxsize=2)
def wordings(seed: int) -> Wordings:
    """Make the tables of a seed, about 0.7 s and 30 MB; kept for the last two seeds."""
    maker = _Maker(seed)
    bank, people = maker.bank, maker.bank["people"]
    plain = [f"Episode #{s}.{n}" for s in range(1, SEASONS + 1) for n in range(1, NUMBERS + 1)]
    odd = [*bank["hostile"], r"\N"]
    values = bank["syllables"].split()
    rare = [maker.syllables(f"rare/{n}", 4_095, values, 2) for n in range(2)]
    foreign, regions, languages = maker.foreign()
    lasts = [a + b for a in people["last_starts"].split() for b in people["last_ends"].split()]
    firsts = [a + b for a in people["first"].split() for b in people["middle"]]
    genres = [
        text
        for kind in KINDS
        for text in maker.lists(
            f"genres/{kind}", GENRES, _GENRES, "Short" if kind in ("short", "tvShort") else ""
        )
    ]
    return Wordings(
        heads=_encoded([*maker.heads(), *odd, *plain]),
        odd=len(odd),
        middles=_encoded(maker.middles()),
        rare=(_encoded(["", *(f" {w.capitalize()}" for w in rare[0])]), _encoded(["", *rare[1]])),
        ends=_encoded(["", *maker.picked("end", 4_095, [""] * 120 + bank["endings"])]),
        foreign=_encoded(foreign),
        regions=_encoded(regions),
        languages=_encoded(languages),
        genres=_encoded(genres),
        professions=_encoded(maker.lists("profession", 4_096, _PROFESSIONS)),
        firsts=_encoded(firsts),
        lasts=_encoded(lasts),
        parts=_encoded(maker.parts()),
    )
