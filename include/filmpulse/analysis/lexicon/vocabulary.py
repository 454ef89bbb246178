"""The words of one language, as arrays that a text's words are looked up in.

Three files a language in `words/<language>/`: `aspects.toml` (what names an aspect), `valence.toml`
(what judges), `grammar.toml` (what turns, strengthens, joins and parts). In all of them words are
matched without case and accents, a hyphen counts as a space, `word*` stands for every word that
begins so, and the longest phrase wins.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import IntFlag
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from filmpulse.items import ASPECTS

LANGUAGES: Final = ("en", "es", "fr")
"""Languages (ISO 639-1) that have words here, and figures of their own in the README."""

MAX_PHRASE: Final = 5
"""Most words of a phrase."""

WEAK_SHIFT: Final = len(ASPECTS)
"""Bit k of an aspect mask says that aspect k is named, bit k + WEAK_SHIFT that it is hinted at."""

ALONE_SHIFT: Final = 2 * WEAK_SHIFT
"""Bit k + ALONE_SHIFT says that aspect k is named unless another one is ("dull")."""

NAMED: Final = (1 << WEAK_SHIFT) - 1
"""All bits of a mask that name an aspect."""

PERSON: Final = 1 << 3 * WEAK_SHIFT
"""The bit of a mask that says: here stands the name of somebody who acts."""

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_MAX_SURFACES = 200_000  # about 20 MB; then the oldest spellings are looked up anew
_HASH = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Knuth's multiplicative hashing
_ELONGATED = re.compile(r"(\w)\1{2,}")
_RATING = re.compile(r"(\d{1,2}(?:[.,]\d)?)\s?(?:/|out of|sur|de|sobre)\s?(10|5)", re.IGNORECASE)
_STARS = re.compile("\u2605*\u2606*")
MAX_LETTERS: Final = 40
"""A longer word is in no list, and is not looked up."""


class Role(IntFlag):
    """What a word or phrase does to others; a list of that name stands in `grammar.toml`.

    `COMMON` does nothing: those words are listed so that a text shows its language. `RATING` is a
    grade in the text, such as 8/10.
    """

    NEGATOR = 1
    LONG_NEGATOR = 2
    CONTRAST = 4
    CONCESSION = 8
    LINK = 16
    UNREAL = 32
    SUBJECT = 64
    ABBREVIATION = 128
    COMMON = 256
    ADDING = 512
    RELATIVE = 1024
    RATING = 2048


class Surfaces(dict[str, int]):
    """Spelling as found in a text -> 4 x the word's number + how it is capitalised.

    0 no capital, 1 a capital first, 2 capitals only. Word 0 is every word that is not listed.
    """

    def __init__(self, number: Mapping[str, int], stems: Mapping[str, int]) -> None:
        """Take the numbers of words and of stems."""
        super().__init__()
        self._number, self._stems = number, stems
        self._lengths = sorted({len(stem) for stem in stems}, reverse=True)

    def __missing__(self, spelling: str) -> int:
        """Look up a new spelling, and keep the answer."""
        if len(spelling) > MAX_LETTERS:
            return 0
        if len(self) >= _MAX_SURFACES:
            self.clear()
        capitals = 0
        if spelling[:1].isupper():
            capitals = 2 if len(spelling) > 1 and spelling.isupper() else 1
        self[spelling] = code = 4 * self._find(spelling) + capitals
        return code

    def _find(self, spelling: str) -> int:
        if spelling[0].isdecimal() and (rating := _RATING.fullmatch(spelling)):
            share = float(rating[1].replace(",", ".")) / float(rating[2])
            return self._number[f"rating_{round(share * 100)}"] if share <= 1 else 0
        if spelling[0] in "\u2605\u2606":
            share = spelling.count("\u2605") / len(spelling)
            return self._number[f"rating_{round(share * 100)}"] if _STARS.fullmatch(spelling) else 0
        key = plain(spelling)
        if key in self._number:
            return self._number[key]
        for length in self._lengths:
            if (stem := key[:length]) in self._stems:
                return self._stems[stem]
        if _ELONGATED.search(key):
            double = _ELONGATED.sub(r"\1\1", key)
            return self._number.get(double) or self._number.get(_ELONGATED.sub(r"\1", key), 0)
        return 0


class Phrases:
    """Finds listed phrases in arrays of word numbers: the longest at a place, from the left."""

    def __init__(self, entries: Mapping[tuple[int, ...], int], words: int) -> None:
        """Take phrases as tuples of 2 to 5 word numbers, each with the number of its entry."""
        self._starts = np.zeros(words, bool)
        self._tables: list[tuple[int, NDArray[np.uint64], Ints]] = []
        for length in range(MAX_PHRASE, 1, -1):
            some = {phrase: entry for phrase, entry in entries.items() if len(phrase) == length}
            if not some:
                continue
            phrases = np.array(list(some), np.uint64)
            hashes, order = np.unique(_hash(list(phrases.T)), return_index=True)
            self._starts[phrases[:, 0].astype(int)] = True
            self._tables.append((length, hashes, np.array(list(some.values()), np.int32)[order]))

    def replace(self, words: Ints, breaks: Ints) -> Ints:
        """Return the words with each phrase's entry at its first word, and 0 at its others.

        Args:
            words: Word numbers of all texts, one after the other.
            breaks: How many gaps other than a space precede each word; a phrase spans none.
        """
        entries = words.copy()
        places = np.flatnonzero(self._starts[words])
        found: dict[int, tuple[int, int]] = {}
        for length, hashes, values in self._tables:
            at = places[places + length <= len(words)]
            at = at[breaks[at + length - 1] == breaks[at]]
            wanted = _hash([words[at + step].astype(np.uint64) for step in range(length)])
            nearest = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
            hits = hashes[nearest] == wanted
            for place, value in zip(at[hits].tolist(), values[nearest[hits]].tolist(), strict=True):
                found.setdefault(place, (length, value))
        end = 0
        for place in sorted(found):
            if place >= end:
                length, entry = found[place]
                end = place + length
                entries[place:end] = 0
                entries[place] = entry
        return entries


def _hash(columns: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    mixed = columns[0] * _HASH
    for column in columns[1:]:
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _HASH + column
    return mixed


class Vocabulary:
    """All that is known of one language's words.

    Word numbers begin at 1. Entries are words, then phrases: `valence`, `boost` and `roles` are by
    entry of `meaning`, `aspects` (a mask, see `WEAK_SHIFT`) is by entry of `naming`.
    """

    def __init__(self, language: str) -> None:
        """Read the language's files."""
        data = load_data(language)
        grammar, valence = data["grammar"], data["valence"]
        self.language = language
        self.elides: bool = grammar.get("elides", False)
        meanings = _meanings(valence, grammar, vader() if grammar.get("vader") else {})
        named = _named(data["aspects"])
        self._number: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._count = 1
        for phrase in (*meanings, *named):
            self._add(phrase)
        self.surfaces = Surfaces(self._number, self._stems)

        phrases, entries = self._entries(meanings)
        self.meaning = Phrases(phrases, self._count)
        size = self._count + len(phrases)
        self.valence = np.zeros(size, np.float32)
        self.boost = np.zeros(size, np.float32)
        self.roles = np.zeros(size, np.int32)
        for entry, (weight, boost, role) in entries.items():
            self.valence[entry], self.boost[entry], self.roles[entry] = weight, boost, role

        phrases, masks = self._entries(named)
        self.naming = Phrases(phrases, self._count)
        self.aspects = np.zeros(self._count + len(phrases), np.int32)
        for entry, mask in masks.items():
            self.aspects[entry] = mask

    def _add(self, phrase: str) -> None:
        for word in phrase.split():
            known = self._stems if word.endswith("*") else self._number
            if word.rstrip("*") not in known:
                known[word.rstrip("*")] = self._count
                self._count += 1

    def _entries(
        self, values: Mapping[str, Any]
    ) -> tuple[dict[tuple[int, ...], int], dict[int, Any]]:
        """Number the phrases; a word gets what its stem has, unless it has its own."""
        phrases: dict[tuple[int, ...], int] = {}
        entries: dict[int, Any] = {}
        for phrase, value in values.items():
            if " " in phrase:
                numbers = tuple(self._number[word] for word in phrase.split())
                entries[phrases.setdefault(numbers, self._count + len(phrases))] = value
            elif phrase.endswith("*"):
                entries[self._stems[phrase[:-1]]] = value
        for word, number in (*self._stems.items(), *self._number.items()):
            if word in values and number == self._number.get(word):
                entries[number] = values[word]
            elif number not in entries and (stem := _longest_stem(word, values)):
                entries[number] = values[stem]
        return phrases, entries


def _longest_stem(word: str, values: Mapping[str, Any]) -> str | None:
    """Return the longest stem that is listed here and that a word begins with."""
    return next((s for end in range(len(word), 1, -1) if (s := f"{word[:end]}*") in values), None)


@lru_cache(maxsize=100_000)
def plain(spelling: str) -> str:
    """Write a word as the files do: lower case, no accents, "oe" in two letters, no apostrophes.

    Only an apostrophe within a word stays; 's goes with its apostrophe.
    """
    key = spelling.lower().replace("\u2019", "'").replace("\u0153", "oe")
    if not key.isascii():
        spread = unicodedata.normalize("NFKD", key)
        key = "".join(c for c in spread if not unicodedata.combining(c))
    return key.strip("_'").removesuffix("'s")


def _spread(groups: Iterable[str] | Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the words of a list, or of all groups of a table."""
    for group in groups.values() if isinstance(groups, Mapping) else [groups]:
        yield from group


def _meanings(
    valence: Mapping[str, Any], grammar: Mapping[str, Any], base: Mapping[str, float]
) -> dict[str, tuple[float, float, int]]:
    """Return for each word and phrase what it weighs, how it strengthens, and its roles."""
    neutral = dict.fromkeys(_spread(valence.get("neutral", {})), 0.0)
    weights = {
        word: weight
        for word, weight in base.items()
        if word not in neutral and _longest_stem(word, neutral) is None
    }
    weights |= neutral
    weights |= {f"rating_{tenths}": _rating_weight(tenths) for tenths in range(101)}
    weights |= load_emoji()
    for group in valence["group"]:
        weights |= dict.fromkeys(group["words"], group["valence"])
    boosts: dict[str, float] = {}
    for group in grammar["boost"]:
        boosts |= dict.fromkeys(group["words"], group["by"])
    roles: dict[str, int] = {f"rating_{tenths}": Role.RATING for tenths in range(101)}
    for name, groups in grammar["roles"].items():
        for word in _spread(groups):
            roles[word] = roles.get(word, 0) | Role[name.upper()]
    return {
        word: (weights.get(word, 0.0), boosts.get(word, 0.0), int(roles.get(word, 0)))
        for word in (*weights, *boosts, *roles)
    }


def _rating_weight(tenths: int) -> float:
    """Weigh a grade in the text: 5.5 of 10 leans nowhere, yet judges; 10 weighs as "superb"."""
    return (tenths / 10 - 5.5) * 0.75 or 0.1


def _named(data: Mapping[str, Any]) -> dict[str, int]:
    """Return for each word and phrase which aspects it names or hints at, as a mask."""
    named: dict[str, int] = {}
    for bit, aspect in enumerate(ASPECTS):
        for shift, strength in ((0, "strong"), (WEAK_SHIFT, "weak"), (ALONE_SHIFT, "alone")):
            for word in _spread(data[aspect].get(strength, [])):
                named[word] = named.get(word, 0) | 1 << (bit + shift)
    return named | dict.fromkeys(_spread(data["no_aspect"]), 0)


@cache
def load_vocabulary(language: str) -> Vocabulary:
    """Read a language's words once in a process: about 0.1 s."""
    return Vocabulary(language)


@cache
def load_data(language: str) -> dict[str, Any]:
    """Read a language's files as they are."""
    folder = files(__package__) / "words" / language
    return {name: _toml(folder / f"{name}.toml") for name in ("aspects", "valence", "grammar")}


@cache
def load_emoji() -> dict[str, float]:
    """Return what emoji weigh, in every language."""
    return dict(_toml(files(__package__) / "words" / "emoji.toml")["valence"])


def _toml(path: Any) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def vader() -> dict[str, float]:
    """Return VADER's words and emoticons with their mean weights, -4..4 (Hutto, Gilbert 2014)."""
    text = (files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line)
    return {plain(word) or word: float(weight) for word, weight, *_ in rows if " " not in word}


def data_version() -> str:
    """Return eight hex digits that stand for all words of all languages, VADER's among them."""
    data = [load_emoji(), importlib.metadata.version("vaderSentiment")]
    data += [load_data(language) for language in LANGUAGES]
    content = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:8]
