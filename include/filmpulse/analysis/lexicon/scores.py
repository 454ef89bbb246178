"""From spans to scores: which aspects a review judges, how, and what it says as a whole."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmpulse.analysis.lexicon.reading import Words
from filmpulse.analysis.lexicon.spans import Spans
from filmpulse.analysis.lexicon.valence import Weighed
from filmpulse.analysis.lexicon.vocabulary import PERSON, WEAK_SHIFT, Flags, Floats, Ints, Role
from filmpulse.items import ASPECTS, Score

SQUASH: Final = 15.0
"""A sum x of valences becomes x / sqrt(x^2 + 15), as in VADER."""

OWN_SHARE: Final = 0.8
"""How much of a span's value is its own; the rest is its sentence's."""

HINT: Final = 0.6
"""How much a span counts that only hints at an aspect, beside one that names the aspect."""

HINTS: Final = 2
"""How many judged spans that hint at an aspect make a mention; one that names it does alone."""

PRIOR: Final = 0.5
"""How many spans the whole review counts for in each aspect: little evidence is drawn to it."""

LEAN: Final = -0.2
"""Added to each aspect's value: reviews sound kinder than they are meant."""

BALANCED: Final = 0.001
"""An aspect scores 0 where praise and blame weigh the same, but for rounding."""

STRONG: Final = 0.8
"""From this value on the score is 2 or -2."""

TITLE: Final = 2.5
GRADED: Final = 3.0
"""How much a span counts in the whole if it stands in the title, or states a grade."""


class Scores(NamedTuple):
    """What a batch of texts says.

    `mentioned` (texts x aspects) tells whether a text judges an aspect, `value` (texts x aspects)
    how, about -2..2, and `valence` (texts) what it says as a whole, -1..1, NaN where nothing is
    judged. `of_span` is each span's own value, -1..1, `text` the number of the text that the span
    belongs to.
    """

    mentioned: Flags
    value: Floats
    valence: Floats
    of_span: Floats
    text: Ints


def score_spans(words: Words, weighed: Weighed, spans: Spans, titles: Ints) -> Scores:
    """Score texts; `titles` counts the words of each text's title."""
    count = len(words.first) - 1
    text = np.searchsorted(words.first[1:], spans.first, side="right").astype(np.int32)
    judges = spans.judges > 0
    own = squash(_sums(weighed.valence, spans.first))
    of_sentence = _sums_by(weighed.sentence, weighed.valence)[weighed.sentence[spans.first]]

    weight = np.where(judges, spans.weight, 0)
    in_title = spans.first < (words.first[:-1] + titles)[text]
    weight = weight * np.where(in_title, TITLE, 1)
    weight = weight * np.where(spans.roles & Role.RATING > 0, GRADED, 1)
    valence = _mean(own, weight, text, count)

    value = OWN_SHARE * own + (1 - OWN_SHARE) * squash(of_sentence)
    known = np.where(judges, 1, np.where(of_sentence != 0, 1 - OWN_SHARE, 0))
    some = _sums_by(text, judges, count) > 0  # a text that judges nothing mentions nothing
    # A person's name tells who plays whom, and is a mention of acting where its sentence judges.
    acts = (spans.aspects & PERSON > 0) & (judges | (of_sentence != 0))
    named = spans.aspects | np.where(acts, 1 << ASPECTS.index("acting"), 0)
    mentioned = np.zeros((count, len(ASPECTS)), bool)
    values = np.zeros((count, len(ASPECTS)), np.float32)
    for bit in range(len(ASPECTS)):
        names = (named >> bit & 1) > 0
        hints = ~names & ((spans.aspects >> (bit + WEAK_SHIFT) & 1) > 0)
        told = HINTS * names + (hints & judges)
        mentioned[:, bit] = some & (_sums_by(text, told, count) >= HINTS)
        share = spans.weight * (names + HINT * hints) * known
        mean = _mean(value, share, text, count, PRIOR, valence)
        said = _sums_by(text, share * own, count)
        loudness = _sums_by(text, share * abs(own), count)
        values[:, bit] = 2 * mean + LEAN
        values[(loudness > 0) & (abs(said) <= BALANCED * loudness), bit] = 0
    return Scores(mentioned, values, np.where(some, valence, np.nan), own, text)


def squash(total: Floats) -> Floats:
    """Bring sums of valences to -1..1."""
    return np.asarray(total / np.sqrt(total * total + SQUASH), np.float32)


def _sums(values: Floats, first: Ints) -> Floats:
    """Sum runs of values, each from its first on."""
    return np.add.reduceat(values, first) if len(first) else np.zeros(0, np.float32)


def _sums_by(group: Ints, values: NDArray[Any], count: int = 0) -> Floats:
    return np.bincount(group, values, count).astype(np.float32)


def _mean(
    values: Floats,
    weights: Floats,
    text: Ints,
    count: int,
    prior: float = 0,
    usual: Floats | int = 0,
) -> Floats:
    """Return each text's weighted mean, drawn to what is usual by the weight `prior`; 0 of none."""
    total = _sums_by(text, weights, count) + prior
    sums = _sums_by(text, weights * values, count) + prior * usual
    return np.asarray(sums / np.where(total > 0, total, 1), np.float32)


def step(value: float) -> Score:
    """Put an aspect's value on the scale: 0 only where praise and blame weigh the same."""
    if value == 0:
        return 0
    sign: Score = 1 if value > 0 else -1
    return sign if abs(value) < STRONG else 2 * sign
