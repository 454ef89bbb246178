"""What each word weighs where it stands: strengthened, weakened or turned by the words before it.

The numbers are VADER's (Hutto and Gilbert 2014) but for those of turning, which were chosen on real
reviews: what is turned weighs less than its contrary would ("not good" is not as bad as "bad").
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from filmpulse.analysis.lexicon.reading import Gap, Words
from filmpulse.analysis.lexicon.vocabulary import Flags, Floats, Ints, Role, Vocabulary

BOOST_REACH: Final = (1.0, 0.95, 0.9)
"""How much of a booster counts one, two and three words before."""

NEGATION_REACH: Final = 4
LONG_REACH: Final = 8
"""How many words a negator, and one of long scope, reaches."""

TURNED_PRAISE: Final = -0.6
TURNED_BLAME: Final = -0.5
CAPITALS: Final = 0.733


class Weighed(NamedTuple):
    """By word: its valence in context (0 where it judges nothing), its roles, whether it judges.

    `sentence` numbers the sentence it stands in, `inside` tells whether it goes on a phrase that
    began before it.
    """

    valence: Floats
    roles: Ints
    judges: Flags
    sentence: Ints
    inside: Flags


def weigh(words: Words, vocabulary: Vocabulary) -> Weighed:
    """Weigh every word of some texts."""
    entries = vocabulary.meaning.replace(words.number, words.breaks)
    roles = vocabulary.roles[entries]
    plain = vocabulary.valence[entries]
    sentence = np.cumsum(words.gap == Gap.SENTENCE, dtype=np.int32)
    parts = (roles & (Role.CONTRAST | Role.CONCESSION)) > 0
    clause = np.cumsum((words.gap != Gap.SPACE) | parts, dtype=np.int32)
    contrast = np.cumsum((words.gap == Gap.SENTENCE) | (roles & Role.CONTRAST > 0), dtype=np.int32)

    at = np.flatnonzero(plain).astype(np.int32)
    weight, sign = plain[at], np.sign(plain[at])
    strength = np.zeros(len(at), np.float32)
    for step, share in enumerate(BOOST_REACH, 1):
        before = np.maximum(at - step, 0)
        near = (clause[before] == clause[at]) & (at >= step)
        strength += np.where(near, vocabulary.boost[entries[before]] * share, 0)
    strength += CAPITALS * _shouted(words)[at]
    weight = np.where(abs(weight) > 0.5, sign * np.maximum(abs(weight) + strength, 0.1), weight)
    negated = _negated(at, clause, roles)
    weight = np.where(negated, weight * np.where(sign > 0, TURNED_PRAISE, TURNED_BLAME), weight)
    far = ~negated & (sign > 0) & _negated_from_afar(at, contrast, clause, roles)
    weight = np.where(far, weight * TURNED_PRAISE, weight)

    valence = np.zeros(len(entries), np.float32)
    valence[at] = weight
    asked = np.zeros(int(sentence[-1]) + 1 if len(sentence) else 1, bool)
    asked[sentence[words.asks]] = True
    valence[asked[sentence]] = 0  # a question judges nothing, or means the contrary
    inside = (words.number > 0) & (entries == 0)
    return Weighed(valence, roles, (plain != 0) & ~asked[sentence], sentence, inside)


def _shouted(words: Words) -> Flags:
    """Tell words in capitals, in texts of which less than half is so."""
    shouted = words.capitals == 2
    counts = np.diff(words.first)
    text = np.repeat(np.arange(len(counts)), counts)
    share = np.bincount(text, shouted, len(counts)) / np.maximum(counts, 1)
    return np.asarray(shouted & (share[text] < 0.5))


def _negated(at: Ints, clause: Ints, roles: Ints) -> Flags:
    """Tell whether a negator stands among the four words before, in the same clause."""
    found = np.zeros(len(at), bool)
    for step in range(1, NEGATION_REACH + 1):
        before = np.maximum(at - step, 0)
        near = (clause[before] == clause[at]) & (at >= step)
        found |= near & (roles[before] & Role.NEGATOR > 0)
    return found


def _negated_from_afar(at: Ints, contrast: Ints, clause: Ints, roles: Ints) -> Flags:
    """Tell whether a negator of long scope stands in reach before; not over a "but"."""
    negators = np.flatnonzero(roles & Role.LONG_NEGATOR).astype(np.int32)
    negators = negators[~_negated(negators, clause, roles)]
    place = np.full(len(roles), -LONG_REACH - 1)
    place[negators] = negators
    last = np.maximum.accumulate(place)[at] if len(place) else place
    near = (last < at) & (at - last <= LONG_REACH) & (last >= 0)
    return np.asarray(near & (contrast[np.maximum(last, 0)] == contrast[at]))
