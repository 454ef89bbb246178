"""Choosing the words that show a score: the strongest clause of its sign, if possible a sentence.

A quote never takes the other side: its clause has the sign of the score, and no strong word in the
quote has the other one. A quote never begins in the middle of a thought ("that will charm some"),
but goes back to where the thought begins.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from filmpulse.analysis.lexicon.reading import Gap, Words
from filmpulse.analysis.lexicon.scores import Scores
from filmpulse.analysis.lexicon.spans import OPENS, Spans
from filmpulse.analysis.lexicon.valence import Weighed
from filmpulse.analysis.lexicon.vocabulary import PERSON, WEAK_SHIFT, Role
from filmpulse.analysis.quotes import MAX_QUOTE_CHARACTERS, MIN_QUOTE_WORDS, Quote
from filmpulse.items import ASPECTS

MAX_SENTENCE_CHARACTERS: Final = 240
"""A longer sentence is cut to the clause that says it."""

HINTED: Final = 0.3
"""What a clause that only hints at the aspect is worth as a quote, beside one that names it."""

CONTRARY: Final = 1.2
"""No word of the other sign in a quote weighs as much: "great" does, "good" does not."""

MAX_TRIES: Final = 20
"""How many of a text's strongest clauses are tried; the others would say less."""

MIN_ITEM_WORDS: Final = 4
"""A shorter piece after a comma or a link says too little without what stands before it."""

_FINAL_MARKS = re.compile(r"[.!?\u2026]{1,3}[\"\u201d\u2019)]?")


class Quoter:
    """Finds quotes in the texts of one batch."""

    def __init__(self, words: Words, weighed: Weighed, spans: Spans, scores: Scores) -> None:
        """Take what was read; the arrays become lists, which are quicker to ask one by one."""
        sentence = weighed.sentence[spans.first]
        self._opening = np.searchsorted(sentence, sentence, side="left").tolist()
        self._closing = (np.searchsorted(sentence, sentence, side="right") - 1).tolist()
        self._first, self._last = spans.first.tolist(), spans.last.tolist()
        self._value = scores.of_span.tolist()
        self._aspects = np.where(spans.judges, spans.aspects, 0).tolist()
        self._bounds = np.searchsorted(scores.text, np.arange(len(words.first))).tolist()
        self._start, self._end = words.start.tolist(), words.end.tolist()
        dangling = Role.RELATIVE | Role.LINK
        self._dangles = ((weighed.roles & dangling) > 0).tolist()
        self._skipped = ((weighed.roles & (Role.ADDING | OPENS)) > 0).tolist()
        self._inside = weighed.inside.tolist()
        self._begins = (words.gap >= Gap.CLAUSE).tolist()
        self._opens_sentence = (words.gap == Gap.SENTENCE).tolist()
        self._contrary = {
            sign: np.concatenate(([0], np.cumsum(weighed.valence * sign <= -CONTRARY))).tolist()
            for sign in (1, -1)
        }

    def find(self, number: int, text: str, aspect: int, sign: int) -> Quote | None:
        """Return the quote of one text for a score of this sign, or None.

        Args:
            number: The text's place in the batch.
            text: The text.
            aspect: The aspect's place in `ASPECTS`.
            sign: 1 of praise, -1 of blame; a score of 0 has no quote, since it would take sides.
        """
        named = 1 << aspect | (PERSON if ASPECTS[aspect] == "acting" else 0)
        hinted = 1 << (aspect + WEAK_SHIFT)
        ranked = []
        for place in range(self._bounds[number], self._bounds[number + 1]):
            mask, value = self._aspects[place], self._value[place] * sign
            if value > 0 and mask & (named | hinted):
                strength = value if mask & named else value * HINTED
                ranked.append((-strength, self._last[place] - self._first[place], place))
        ranked.sort()
        for _, _, place in ranked[:MAX_TRIES]:
            first, last = self._first[self._opening[place]], self._last[self._closing[place]]
            quote = self._cut(first, last, sign, text, MAX_SENTENCE_CHARACTERS)
            quote = quote or self._clause(place, sign, text)
            if quote:
                return quote
        return None

    def _clause(self, place: int, sign: int, text: str) -> Quote | None:
        """Return a clause, from where its thought begins."""
        begin = place
        while begin > self._opening[place] and self._is_fragment(self._first[begin]):
            begin -= 1
        first, last = self._first[begin], self._last[place]
        if not self._skipped[first] and (
            self._is_fragment(first) or (not self._begins[first] and last - first < MIN_ITEM_WORDS)
        ):
            return None
        return self._cut(first, last, sign, text, MAX_QUOTE_CHARACTERS)

    def _is_fragment(self, word: int) -> bool:
        """Tell whether a quote that opens with this word would begin within a thought."""
        return self._dangles[word] and not self._opens_sentence[word]

    def _cut(self, first: int, last: int, sign: int, text: str, most: int) -> Quote | None:
        contrary = self._contrary[sign]
        if contrary[last] > contrary[first]:
            return None
        if self._skipped[first] and first + 1 < last:
            first += 1
            while first + 1 < last and self._inside[first]:  # "par contre", "on the other hand"
                first += 1
            if self._dangles[first]:
                return None
        start, end = self._start[first], self._end[last - 1]
        if marks := _FINAL_MARKS.match(text, end):
            end = marks.end()
        if end - start > most:
            return None
        words = text[start:end]
        if len(words.split()) < MIN_QUOTE_WORDS:
            return None
        if words.count("(") != words.count(")"):
            return None  # a remark that is cut in two
        return Quote(words, start)
