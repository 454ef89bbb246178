"""The keyless analyser: aspect words per clause, judged by word lists; see the README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from filmpulse.analysis.lexicon.quoting import choose_quote
from filmpulse.analysis.lexicon.cuts import FIXED_CUTS, cut
from filmpulse.analysis.lexicon.names import mark_names
from filmpulse.analysis.lexicon.reading import read_words
from filmpulse.analysis.lexicon.scores import STRONG, score_spans
from filmpulse.analysis.lexicon.spans import cut_spans
from filmpulse.analysis.lexicon.valence import weigh
from filmpulse.analysis.lexicon.vocabulary import LANGUAGES, Role, data_version, load_vocabulary
from filmpulse.items import ASPECTS, Analysis, AspectScore, ReviewText, Score

BATCH: Final = 256
"""Texts read at once: more gains no speed, and holds more memory."""

RULES: Final = "2"
"""Version of the rules in this package; whoever changes a score by them raises it."""


class LexiconAnalyser:
    """The `Analyser` that needs no key and no network; safe to share between threads."""

    kind = "lexicon"
    model = None

    def __init__(self) -> None:
        """Read the words: some 10 MB, a fifth of a second a language."""
        self._vocabularies = {language: load_vocabulary(language) for language in LANGUAGES}
        self.prompt_version = f"{RULES}-{data_version()}"
        self.parameters: dict[str, str | int | float | bool | None] = {
            "overall": "cut where the movie's grades cut"
        }

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        """Score texts in their order, read in batches of `BATCH`; see `Analyser.analyse`.

        A text of a language without words here is `unsupported_language`. Where the language is
        unknown, a text counts as English when it has no words at all (emoji, a rating) or when at
        least half of its words are known here. A text that judges nothing is 0 as a whole, without
        aspects. `valence` is the mean of what judges, -1..1, and `overall` that value cut at
        `FIXED_CUTS`; a warehouse cuts it where the movie's grades cut.
        """
        reviews = iter(texts)
        while batch := list(islice(reviews, BATCH)):
            yield from self._analyse(batch)

    def _analyse(self, batch: Sequence[ReviewText]) -> Iterator[Analysis]:
        by_language: dict[str, list[int]] = {}
        for place, review in enumerate(batch):
            by_language.setdefault(review.language or "en", []).append(place)
        analyses: dict[int, Analysis] = {}
        for language, places in by_language.items():
            if language in LANGUAGES:
                found = self._read([batch[place] for place in places], language)
                analyses.update(zip(places, found, strict=True))
        for place, review in enumerate(batch):
            yield analyses.get(place) or _analysis(review, status="unsupported_language")

    def _read(self, reviews: Sequence[ReviewText], language: str) -> Iterator[Analysis]:
        vocabulary = self._vocabularies[language]
        texts = [review.text for review in reviews]
        words = read_words(texts, vocabulary)
        weighed = weigh(words, vocabulary)
        breaks = np.cumsum(words.gap > 0, dtype=np.int32)
        aspects = vocabulary.aspects[vocabulary.naming.replace(words.number, breaks)]
        aspects = mark_names(aspects, words, [review.cast for review in reviews])
        spans = cut_spans(words, weighed, aspects)
        titles = np.array([
            np.searchsorted(words.start[a:b], max(text.find("\n\n"), 0))
            for text, a, b in zip(texts, words.first[:-1], words.first[1:], strict=True)
        ], np.int32)
        scores = score_spans(words, weighed, spans, titles)
        known = (words.number > 0) & (vocabulary.roles[words.number] & Role.COMMON > 0) | weighed.judges | (aspects > 0)
        quotable = list(zip(spans.first.tolist(), spans.last.tolist(), spans.aspects.tolist(), scores.of_span.tolist(), strict=True))
        bounds = np.searchsorted(scores.text, np.arange(len(texts) + 1)).tolist()
        for number, review in enumerate(reviews):
            a, b = words.first[number], words.first[number + 1]
            if review.language is None and 2 * known[a:b].sum() < b - a:
                yield _analysis(review, status="unsupported_language")
                continue
            valence = float(scores.valence[number])
            yield _analysis(
                review,
                status="scored",
                valence=valence,
                overall=cut(valence, FIXED_CUTS),
                aspects=tuple(
                    self._score(review.text, bit, float(scores.value[number, bit]), quotable[bounds[number]:bounds[number + 1]], words)
                    for bit in range(len(ASPECTS)) if scores.mentioned[number, bit]
                ),
            )

    def _score(self, text, bit, value, spans, words):
        level = step(value)
        quote = choose_quote(text, bit, level, spans, words)
        if quote is None:
            return AspectScore(aspect=ASPECTS[bit], score=level)
        return AspectScore(aspect=ASPECTS[bit], score=level, quote=quote[0], quote_start=quote[1])


def step(value: float) -> Score:
    """Put an aspect's value on the scale: 0 only where praise and blame weigh the same."""
    if value == 0:
        return 0
    return (1 if value > 0 else -1) * (2 if abs(value) >= STRONG else 1)


def _analysis(review: ReviewText, **values) -> Analysis:
    return Analysis(
        source=review.source,
        review_id=review.review_id,
        imdb_id=review.imdb_id,
        content_hash=review.content_hash,
        **values,
    )
