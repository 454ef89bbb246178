"""Names of people who act: whoever praises or faults one by name judges the acting.

Names come from the movie's cast, and from its reviews themselves: a word that is nearly always
written with a capital, stands in enough reviews, and whose sentences speak of acting far more often
than others do, is the name of somebody who acts. Characters and directors hardly ever pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from filmpulse.analysis.lexicon.reading import Words
from filmpulse.analysis.lexicon.vocabulary import (
    LANGUAGES,
    MAX_LETTERS,
    PERSON,
    Ints,
    load_vocabulary,
    plain,
)
from filmpulse.items import ASPECTS

ACTING: Final = 1 << ASPECTS.index("acting")

MIN_SHARE: Final = 0.008
MIN_REVIEWS: Final = 4
MIN_LIFT: Final = 2.6
MIN_CAPITALISED: Final = 0.9
"""A learned name stands in at least 0.8 % of the reviews and in four of them, acting words stand
2.6 times as often in its sentences as in all, and 9 in 10 of its spellings have a capital; measured
on real reviews of two movies."""

MIN_LETTERS: Final = 3
MAX_PARTS: Final = 6

_SENTENCE_END = re.compile(r"[.!?\n\u2026]+")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def learn_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Find the names of people who act in what is written of one movie, in alphabetical order.

    Args:
        texts: All that is written of the movie, in any order; each is read once and not kept.
    """
    capitalised, plainly, reviews, with_acting = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    sentences = acting_sentences = count = 0
    for text in texts:
        count += 1
        in_review: set[str] = set()
        for sentence in _SENTENCE_END.split(text):
            spelled = [word for word in _WORD.findall(sentence) if len(word) <= MAX_LETTERS]
            names = {
                _bare(word) for word in spelled[1:] if word[0].isupper() and not word.isupper()
            }
            plainly.update(word for word in spelled if word[0].islower())
            capitalised.update(names)
            in_review |= names
            sentences += bool(spelled)
            if any(map(_names_acting, spelled)):
                acting_sentences += 1
                with_acting.update(names)
        reviews.update(in_review)
    usual = acting_sentences / sentences if sentences else 0
    least = max(MIN_REVIEWS, MIN_SHARE * count)
    return tuple(
        sorted(
            name
            for name, seen in reviews.items()
            if seen >= least
            and len(name) >= MIN_LETTERS
            and with_acting[name] >= MIN_LIFT * usual * capitalised[name]
            and capitalised[name] >= MIN_CAPITALISED * (capitalised[name] + plainly[name.lower()])
            and not _is_listed(name)
        )
    )


def _bare(word: str) -> str:
    return re.sub(r"['\u2019]s?$", "", word)


@lru_cache(maxsize=50_000)
def _names_acting(word: str) -> bool:
    return any(
        bool(vocabulary.aspects[vocabulary.surfaces[word] >> 2] & ACTING)
        for vocabulary in map(load_vocabulary, LANGUAGES)
    )


@lru_cache(maxsize=50_000)
def _is_listed(word: str, languages: tuple[str, ...] = LANGUAGES) -> bool:
    return any(load_vocabulary(language).surfaces[word] >> 2 for language in languages)


def mark_names(
    aspects: Ints, words: Words, casts: Sequence[tuple[str, ...]], language: str
) -> None:
    """Mark in the masks of words where a name of their text's cast stands."""
    for number, cast in enumerate(casts):
        if not cast:
            continue
        parts = _parts(cast, language)
        first, last = words.first[number], words.first[number + 1]
        mine = words.spellings[first:last]
        for place in [place for place, word in enumerate(mine) if word in parts]:
            others = parts[mine[place]]
            if not others or others & {*map(plain, mine[max(place - 1, 0) : place + 2])}:
                aspects[first + place] |= PERSON


@lru_cache(maxsize=1024)
def _parts(cast: tuple[str, ...], language: str) -> dict[str, set[str]]:
    """Return each spelling of a part of a name, with the parts one of which must stand beside it.

    A last name, or a learned name, stands alone unless it is a word of the language ("Grace"); then
    its set is empty.
    """
    beside: dict[str, set[str]] = {}
    alone: set[str] = set()
    spelled: dict[str, set[str]] = {}
    for name in cast:
        parts = [part for part in _WORD.findall(name)[:MAX_PARTS] if len(part) <= MAX_LETTERS]
        keys = [plain(part) for part in parts]
        for part, key in zip(parts, keys, strict=True):
            if len(key) >= MIN_LETTERS:
                spelled.setdefault(key, set()).update(_spellings(part), _spellings(key))
                beside.setdefault(key, set()).update(other for other in keys if other != key)
        if parts and len(keys[-1]) >= MIN_LETTERS and not _is_listed(keys[-1], (language,)):
            alone.add(keys[-1])
    return {
        spelling: set() if key in alone else beside[key]
        for key, spellings in spelled.items()
        if key in alone or beside[key]
        for spelling in spellings
    }


def _spellings(part: str) -> Iterator[str]:
    """Yield how people type a name: any case, with 's."""
    for typed in (part, part.lower(), part.capitalize(), part.upper()):
        yield from (typed, f"{typed}'s", f"{typed}\u2019s")
