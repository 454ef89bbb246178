"""Cutting texts into spans, each of which says one thing of the same aspects.

Texts are cut at the ends of sentences and at contrasts, then at commas and links wherever both
sides name an aspect and judge. A clause that is granted ("although ...") ends at the first comma
after a judgement, and what follows belongs to what stood before it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from filmpulse.analysis.lexicon.reading import Gap, Words
from filmpulse.analysis.lexicon.valence import Weighed
from filmpulse.analysis.lexicon.vocabulary import Floats, Ints, Role

MAX_SPAN_WORDS: Final = 40
MAX_AFTERTHOUGHT_WORDS: Final = 6
MAX_INSERTED_WORDS: Final = 3
GRANTED: Final = 0.5
BEFORE_CONTRAST: Final = 0.75
UNREAL: Final = 0.5
"""How much of a span counts that is granted, comes before a "but", or speaks of what is not so."""

# As plain numbers, which are quicker to ask of each clause than flags are.
CONTRAST: Final = int(Role.CONTRAST)
CONCESSION: Final = int(Role.CONCESSION)
SUBJECT: Final = int(Role.SUBJECT)
OPENS: Final = CONTRAST | CONCESSION
CLAUSE: Final = int(Gap.CLAUSE)
COMMA: Final = int(Gap.COMMA)


class Spans(NamedTuple):
    """By span, in the order of the texts: its words from `first` to before `last`.

    `aspects` is the mask of what it names and hints at, `weight` how much it counts, `roles` all
    roles of its words, `judges` whether any of its words does.
    """

    first: Ints
    last: Ints
    aspects: Ints
    weight: Floats
    roles: Ints
    judges: Ints


class _Piece(NamedTuple):
    """What is never cut: some words, and what opens them."""

    first: int
    last: int
    aspects: int
    judges: int
    roles: int
    opening: int
    gap: int


class _Span:
    """A span in the making."""

    __slots__ = ("aspects", "first", "granted", "judges", "last", "roles", "weight")

    def __init__(self, piece: _Piece) -> None:
        """Begin with one piece."""
        self.first, self.last = piece.first, piece.last
        self.aspects, self.judges, self.roles = piece.aspects, piece.judges, piece.roles
        self.granted = piece.opening & CONCESSION > 0
        self.weight = GRANTED if self.granted else 1.0

    def add(self, piece: _Piece | _Span) -> None:
        """Take up what follows."""
        self.last = piece.last
        self.aspects |= piece.aspects
        self.judges |= piece.judges
        self.roles |= piece.roles


def cut_spans(words: Words, weighed: Weighed, aspects: Ints) -> Spans:
    """Cut texts into spans.

    Args:
        words: The texts' words.
        weighed: What each word weighs.
        aspects: By word, the mask of aspects that it names.
    """
    if not len(words.number):
        nothing = np.zeros(0, np.int32)
        return Spans(nothing, nothing, nothing, nothing.astype(np.float32), nothing, nothing)
    spans: list[_Span] = []
    for pieces in _sentences(words, weighed, aspects):
        spans += _cut_sentence(pieces)
    weight = np.array([span.weight for span in spans], np.float32)
    roles = np.array([span.roles for span in spans], np.int32)
    weight[roles & Role.UNREAL > 0] *= UNREAL
    return Spans(
        first=np.array([span.first for span in spans], np.int32),
        last=np.array([span.last for span in spans], np.int32),
        aspects=np.array([span.aspects for span in spans], np.int32),
        weight=weight,
        roles=roles,
        judges=np.array([span.judges for span in spans], np.int32),
    )


def _sentences(words: Words, weighed: Weighed, aspects: Ints) -> list[list[_Piece]]:
    """Return each sentence's pieces."""
    places = np.arange(len(words.gap), dtype=np.int32)
    opening = weighed.roles & (OPENS | Role.LINK)
    begins = (words.gap > Gap.SPACE) | (opening > 0)
    begins |= (places - np.maximum.accumulate(np.where(begins, places, 0))) % MAX_SPAN_WORDS == 0
    first = np.flatnonzero(begins)
    columns = (
        first,
        np.append(first[1:], len(places)),
        np.bitwise_or.reduceat(aspects, first),
        np.bitwise_or.reduceat(weighed.judges.astype(np.int32), first),
        np.bitwise_or.reduceat(weighed.roles, first),
        opening[first],
        words.gap[first],
    )
    pieces = list(map(_Piece._make, zip(*(column.tolist() for column in columns), strict=True)))
    starts = np.flatnonzero(words.gap[first] == Gap.SENTENCE).tolist()
    return [pieces[a:b] for a, b in zip(starts, [*starts[1:], len(pieces)], strict=True)]


def _cut_sentence(pieces: list[_Piece]) -> list[_Span]:
    spans, contrasts = [_Span(pieces[0])], [0] * (len(pieces) + 1)
    later = _judged_later(pieces)
    for piece, judged_later in zip(pieces[1:], later[1:], strict=True):
        current = spans[-1]
        if piece.opening & OPENS or piece.gap == CLAUSE:
            if piece.opening & CONTRAST:
                contrasts[len(spans)] += 1
            _open_clause(spans, piece, judged_later)
        elif current.granted and current.judges and piece.gap == COMMA:
            _open_main_clause(spans, piece)
        elif (
            current.judges and piece.aspects and (piece.judges or judged_later)
        ) or piece.last - current.first > MAX_SPAN_WORDS:
            spans.append(_Span(piece))
        else:
            current.add(piece)
    following = 0
    for place in range(len(spans) - 1, -1, -1):
        following += contrasts[place + 1]
        spans[place].weight *= BEFORE_CONTRAST**following
    return spans


def _open_clause(spans: list[_Span], piece: _Piece, judged_later: bool) -> None:
    """Begin a clause; one that only judges may belong to the aspect named before it."""
    before, span = spans[-1], _Span(piece)
    inserted = judged_later and span.last - span.first <= MAX_INSERTED_WORDS  # "X, however, is Y"
    if before.aspects and not span.aspects and (span.judges or (inserted and not before.judges)):
        if not before.judges and span.granted:
            span.aspects = before.aspects
        elif not before.judges and span.last - before.first <= MAX_SPAN_WORDS:
            before.add(span)
            return
        elif span.last - span.first <= MAX_AFTERTHOUGHT_WORDS and not span.roles & SUBJECT:
            span.aspects = before.aspects
    spans.append(span)


def _open_main_clause(spans: list[_Span], piece: _Piece) -> None:
    """Go on after a clause that was granted: "The music, while loud, is lovely"."""
    span = _Span(piece)
    if not span.aspects:
        if len(spans) > 1 and not spans[-2].judges:
            span.aspects = spans[-2].aspects
        elif not span.roles & SUBJECT:
            span.aspects = spans[-1].aspects
    spans.append(span)


def _judged_later(pieces: list[_Piece]) -> list[bool]:
    """Tell for each piece whether its clause judges after it."""
    later = [False] * len(pieces)
    for at in range(len(pieces) - 2, -1, -1):
        following = pieces[at + 1]
        opens = following.opening & OPENS or following.gap == CLAUSE
        later[at] = not opens and (bool(following.judges) or later[at + 1])
    return later
