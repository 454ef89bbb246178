"""Choosing the words that show a score: the strongest clause of its sign, if possible a sentence.

A quote never takes the other side: it has the sign of its score, and so has each of its clauses. It
never begins in the middle of a thought ("that will charm some"), but goes back to where the thought
begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

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

HINTS: Final = 0.3
"""What a clause that only hints at the aspect is worth as a quote, beside one that names it."""

CONTRARY: Final = 0.1
"""From this value on a clause of the other sign keeps its sentence from being quoted whole."""

MIN_ITEM_WORDS: Final = 4
"""A shorter piece after a comma or a link says too little without what stands before it."""

_FINAL_MARKS = re.compile(r"[.!?\u2026]{1,3}[\"\u201d\u2019)]?")


class _Clause(NamedTuple):
    """One span: its words, what it names, its own value, and the sentence it stands in."""

    first: int
    last: int
    aspects: int
    value: float
    judges: int
    sentence: int


class Quoter:
    """Finds quotes in the texts of one batch."""

    def __init__(self, words: Words, weighed: Weighed, spans: Spans, scores: Scores) -> None:
        """Take what was read; the arrays become lists, which are quicker to ask one by one."""
        columns = (
            spans.first,
            spans.last,
            spans.aspects,
            scores.of_span,
            spans.judges,
            weighed.sentence[spans.first],
        )
        self._clauses = list(
            map(_Clause._make, zip(*(column.tolist() for column in columns), strict=True))
        )
        self._bounds = np.searchsorted(scores.text, np.arange(len(words.first))).tolist()
        self._start, self._end = words.start.tolist(), words.end.tolist()
        dangling = Role.RELATIVE | Role.LINK
        self._dangles = ((weighed.roles & dangling) > 0).tolist()
        self._skipped = ((weighed.roles & (Role.ADDING | OPENS)) > 0).tolist()
        self._inside = weighed.inside.tolist()
        self._begins = (words.gap >= Gap.CLAUSE).tolist()

    def find(self, number: int, text: str, aspect: int, sign: int) -> Quote | None:
        """Return the quote of one text for a score of this sign, or None.

        Args:
            number: The text's place in the batch.
            text: The text.
            aspect: The aspect's place in `ASPECTS`.
            sign: 1 of praise, -1 of blame; a score of 0 has no quote, since it would take sides.
        """
        clauses = self._clauses[self._bounds[number] : self._bounds[number + 1]]
        ranked = sorted(
            (-_strength(clause, aspect) * sign * clause.value, clause.last - clause.first, place)
            for place, clause in enumerate(clauses)
            if clause.judges and clause.value * sign > 0 and _strength(clause, aspect)
        )
        for _, _, place in ranked:
            quote = self._sentence(clauses, place, sign, text) or self._clause(
                clauses, place, sign, text
            )
            if quote:
                return quote
        return None

    def _sentence(
        self, clauses: Sequence[_Clause], place: int, sign: int, text: str
    ) -> Quote | None:
        """Return the whole sentence of a clause, unless part of it says the contrary."""
        first = last = place
        sentence = clauses[place].sentence
        while first and clauses[first - 1].sentence == sentence:
            first -= 1
        while last + 1 < len(clauses) and clauses[last + 1].sentence == sentence:
            last += 1
        if any(clause.value * sign <= -CONTRARY for clause in clauses[first : last + 1]):
            return None
        return self._cut(clauses[first].first, clauses[last].last, text, MAX_SENTENCE_CHARACTERS)

    def _clause(self, clauses: Sequence[_Clause], place: int, sign: int, text: str) -> Quote | None:
        """Return a clause, from where its thought begins."""
        begin = place
        while self._is_fragment(clauses[begin].first):
            before = clauses[begin - 1] if begin else None
            if (
                before is None
                or before.sentence != clauses[place].sentence
                or before.value * sign <= -CONTRARY
            ):
                break
            begin -= 1
        first, last = clauses[begin].first, clauses[place].last
        if not self._skipped[first] and (
            self._is_fragment(first) or (not self._begins[first] and last - first < MIN_ITEM_WORDS)
        ):
            return None
        return self._cut(first, last, text, MAX_QUOTE_CHARACTERS)

    def _is_fragment(self, word: int) -> bool:
        """Tell whether a quote that opens with this word would begin within a thought."""
        return self._dangles[word] and not self._begins[word]

    def _cut(self, first: int, last: int, text: str, most: int) -> Quote | None:
        if self._skipped[first] and first + 1 < last:
            first += 1
            while first + 1 < last and self._inside[first]:  # "par contre", "on the other hand"
                first += 1
        start, end = self._start[first], self._end[last - 1]
        if marks := _FINAL_MARKS.match(text, end):
            end = marks.end()
        words = text[start:end]
        if end - start > most or len(words.split()) < MIN_QUOTE_WORDS:
            return None
        if words.count("(") != words.count(")"):
            return None  # a remark that is cut in two
        return Quote(words, start)


def _strength(clause: _Clause, aspect: int) -> float:
    """Return how surely a clause speaks of an aspect: 1 where it names it, less where it hints."""
    is_person = clause.aspects & PERSON and ASPECTS[aspect] == "acting"
    if is_person or clause.aspects >> aspect & 1:
        return 1.0
    return HINTS if clause.aspects >> (aspect + WEAK_SHIFT) & 1 else 0.0
