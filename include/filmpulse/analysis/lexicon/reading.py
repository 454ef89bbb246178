"""Texts as arrays: every word's number, place, and what stands before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmpulse.analysis.lexicon.vocabulary import Flags, Ints, Role, Vocabulary

# One capturing group around all that counts as a word, so that `split` gives gap, word, gap, ...
_WORD = r"""
    ( (?=\d) (?<![\w/.]) (?<!\b[Oo]n\ ) (?<!\b[LlEe][el]\ )
      \d{{1,2}}(?:[.,]\d)? \s? (?:/|(?i:out\ of|sur|de|sobre)\ ) \s? (?:10|5)
      (?![\w/]) (?!\ (?:of|people|viewers|personas|gens|personnes|spectat\w+|espectad\w+)\b)
    | [\u2605\u2606]{{5}} (?![\u2605\u2606])
    | {word}
    | [:;=][-']?[()DP|] | <3
    | [\u2600-\u27bf\U0001f300-\U0001faff]
    )
"""
_JOINED = r"[\w\u0300-\u036f]+ (?:['\u2019][\w\u0300-\u036f]+)*"
_ELIDED = r"[\w\u0300-\u036f]+ ['\u2019]?"
_ENDS_SENTENCE = re.compile(r"[!?\n\u2026\u3002\uff01\uff1f]|\.\.")
_SEPARATES_CLAUSES = re.compile(r"[;\u2013\u2014]|\s-+\s|--|:")
_SEPARATES_ITEMS = re.compile(r"[,()\[\]/\"\u201c\u201d\u00ab\u00bb]")


class Gap(IntEnum):
    """What separates a word from the one before it."""

    SPACE = 0
    COMMA = 1
    CLAUSE = 2
    SENTENCE = 3


class Words(NamedTuple):
    """The words of several texts, one text after the other; all arrays are by word.

    `first` has the place of each text's first word, and the number of all words at its end; `start`
    and `end` count code points in the word's own text. `breaks` counts the gaps other than a space
    up to the word, `asks` says that a question mark follows.
    """

    spellings: list[str]
    first: Ints
    start: Ints
    end: Ints
    number: Ints
    capitals: NDArray[np.int8]
    gap: NDArray[np.int8]
    breaks: Ints
    asks: Flags


class _Gaps(dict[str, int]):
    """What stands between two words -> its `Gap`, with marks in higher bits."""

    DOT, BARE, ASKS = 4, 8, 16

    def __missing__(self, between: str) -> int:
        if len(self) > 10_000:
            self.clear()
        self[between] = code = self._read(between)
        return code

    def _read(self, between: str) -> int:
        marks = self.ASKS * ("?" in between or "\uff1f" in between)
        if _ENDS_SENTENCE.search(between):
            return marks + Gap.SENTENCE
        if "." in between:
            return marks + Gap.SENTENCE + self.DOT + self.BARE * (between == ".")
        if _SEPARATES_CLAUSES.search(between):
            return marks + Gap.CLAUSE
        return marks + (Gap.COMMA if _SEPARATES_ITEMS.search(between) else Gap.SPACE)


_GAPS = _Gaps()


@cache
def _pattern(elides: bool) -> re.Pattern[str]:
    return re.compile(_WORD.format(word=_ELIDED if elides else _JOINED), re.VERBOSE)


def read_words(texts: Sequence[str], vocabulary: Vocabulary) -> Words:
    """Find the words of texts."""
    split = _pattern(vocabulary.elides).split
    parts = [split(text) for text in texts]
    counts = np.fromiter((len(part) for part in parts), np.int32, len(parts)) // 2
    first = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    spellings = list(chain.from_iterable(part[1::2] for part in parts))
    codes = np.fromiter(map(vocabulary.surfaces.__getitem__, spellings), np.int32, len(spellings))
    # A text has one gap more than words: word k of text t stands between gaps k + t and k + t + 1.
    gaps = _codes(part[0::2] for part in parts)
    place = np.arange(len(codes)) + np.repeat(np.arange(len(parts)), counts)
    before, after = gaps[place], gaps[place + 1]
    ends, lengths = _ends(parts, first, counts)
    number, capitals = codes >> 2, (codes & 3).astype(np.int8)
    gap = _gaps(before, number, capitals, lengths, first, vocabulary)
    return Words(
        spellings=spellings,
        first=first,
        start=ends - lengths,
        end=ends,
        number=number,
        capitals=capitals,
        gap=gap,
        breaks=np.cumsum(gap != Gap.SPACE, dtype=np.int32),
        asks=(after & _Gaps.ASKS) > 0,
    )


def _codes(parts: Iterable[list[str]]) -> Ints:
    return np.fromiter(map(_GAPS.__getitem__, chain.from_iterable(parts)), np.int32)


def _ends(parts: list[list[str]], first: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Return where each word ends in its text, and how long it is."""
    pieces = np.fromiter(map(len, chain.from_iterable(part[:-1] for part in parts)), np.int32)
    ends = np.cumsum(pieces)[1::2].astype(np.int32)
    before = np.concatenate(([0], ends))[first[:-1]]
    return ends - np.repeat(before, counts).astype(np.int32), pieces[1::2]


def _gaps(
    before: Ints,
    number: Ints,
    capitals: NDArray[np.int8],
    lengths: Ints,
    first: Ints,
    vocabulary: Vocabulary,
) -> NDArray[np.int8]:
    """Decide what each gap is: "Mr. Vale", "J. R. Oduya" and "v1.2" go on after the full stop."""
    gap = before & 3
    abbreviated = (vocabulary.roles[number] & Role.ABBREVIATION) > 0
    previous = np.concatenate(([False], (abbreviated | (lengths == 1))[:-1]))
    inside = (before & _Gaps.BARE > 0) & (capitals == 0)
    gap[(before & _Gaps.DOT > 0) & (previous | inside)] = Gap.SPACE
    gap[first[:-1][first[:-1] < len(gap)]] = Gap.SENTENCE
    return gap.astype(np.int8)
