"""From spans to scores: which aspects a review judges, how, and what it says as a whole."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmpulse.analysis.lexicon.reading import Words
from filmpulse.analysis.lexicon.spans import Spans
from filmpulse.analysis.lexicon.valence import Weighed
from filmpulse.analysis.lexicon.vocabulary import WEAK_SHIFT, Floats, Role
from filmpulse.items import ASPECTS

SQUASH: Final = 15.0
"""A sum x of valences becomes x / sqrt(x^2 + 15), as in VADER."""

HINT: Final = 0.3
OWN_SHARE: Final = 0.8
NAMED: Final = 0.5
HINTED: Final = 0.67
PRIOR: Final = 0.3
LEAN: Final = -0.3
STRONG: Final = 1.0
TITLE: Final = 2.0
GRADED: Final = 3.0


class Scores(NamedTuple):
    """By text: whether each aspect is mentioned, its value on the scale, and the whole's valence.

    `of_span` is each span's own value, -1..1, `text` the text it belongs to.
    """

    mentioned: NDArray[np.bool_]
    value: Floats
    valence: Floats
    of_span: Floats
    text: NDArray[np.int64]


def score_spans(words: Words, weighed: Weighed, spans: Spans, titles: NDArray[np.int32]) -> Scores:
    """Score texts; `titles` counts the words of each text's title."""
    count = len(words.first) - 1
    text = np.searchsorted(words.first[1:], spans.first, side="right")
    own = squash(_sums(weighed.valence, spans.first))
    sentence = weighed.sentence[spans.first]
    of_sentence = np.bincount(weighed.sentence, weighed.valence)[sentence]
    value = OWN_SHARE * own + (1 - OWN_SHARE) * squash(of_sentence)

    whole = spans.weight * (spans.judges > 0)
    in_title = spans.first < (words.first[:-1] + titles)[text]
    whole = np.where(in_title, whole * TITLE, whole)
    whole = np.where(spans.roles & Role.RATING > 0, whole * GRADED, whole)
    valence = _mean(own, whole, text, count)

    evidence = np.where(spans.judges > 0, 1.0, np.where(of_sentence != 0, 1 - OWN_SHARE, 0.0))
    mentioned = np.zeros((count, len(ASPECTS)), bool)
    values = np.zeros((count, len(ASPECTS)), np.float32)
    for bit in range(len(ASPECTS)):
        names = (spans.aspects >> bit & 1) > 0
        hints = ~names & ((spans.aspects >> (bit + WEAK_SHIFT) & 1) > 0)
        told = np.where(spans.judges > 0, names + HINTED * hints, NAMED * names)
        mentioned[:, bit] = np.bincount(text, told, count) >= 1
        weight = spans.weight * (names + HINT * hints) * evidence
        total = np.bincount(text, weight, count) + PRIOR
        sums = np.bincount(text, weight * value, count)
        values[:, bit] = 2 * (sums + PRIOR * valence) / total + LEAN
    return Scores(mentioned, values, valence, own, text)


def squash(total: Floats) -> Floats:
    """Bring a sum of valences to -1..1."""
    return total / np.sqrt(total * total + SQUASH)


def _sums(values: Floats, first: NDArray[np.int32]) -> Floats:
    return np.add.reduceat(values, first) if len(first) else np.zeros(0, np.float32)


def _mean(values: Floats, weights: Floats, text: NDArray[np.int64], count: int) -> Floats:
    total = np.bincount(text, weights, count)
    return np.bincount(text, weights * values, count) / np.where(total > 0, total, 1)
