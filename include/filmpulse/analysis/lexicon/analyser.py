"""The keyless analyser: what a clause names, judged by word lists; the README tells how and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from filmpulse.analysis.lexicon.cuts import FIXED_CUTS, cut
from filmpulse.analysis.lexicon.names import mark_names
from filmpulse.analysis.lexicon.quoting import Quoter
from filmpulse.analysis.lexicon.reading import Words, read_words
from filmpulse.analysis.lexicon.scores import Scores, score_spans, step
from filmpulse.analysis.lexicon.spans import cut_spans
from filmpulse.analysis.lexicon.valence import weigh
from filmpulse.analysis.lexicon.vocabulary import (
    LANGUAGES,
    Ints,
    Vocabulary,
    data_version,
    load_vocabulary,
)
from filmpulse.items import ASPECTS, Analysis, AspectScore, ReviewText

BATCH: Final = 256
BATCH_CHARACTERS: Final = 200_000
"""Most texts and characters that are read at once: more gain no speed, and take more memory."""

RULES: Final = "2"
"""Version of the rules in this package; whoever changes a score by them raises it."""


class LexiconAnalyser:
    """The `Analyser` that needs no key and no network; safe to share between threads."""

    kind = "lexicon"
    model = None

    def __init__(self) -> None:
        """Read the words of all languages, which takes some 20 MB."""
        self._vocabularies = {language: load_vocabulary(language) for language in LANGUAGES}
        self.prompt_version = f"{RULES}-{data_version()}"
        self.parameters: dict[str, str | int | float | bool | None] = {
            "overall": "cut where the grades of rated reviews cut"
        }

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        """Score texts in their order, a batch at once; see `Analyser.analyse`.

        A text of a language that has no words here is `unsupported_language`. A text of unknown
        language is read in the language that knows most of its words, if these are at least half,
        and in English if it has no words (emoji, a grade). A text that judges nothing is 0 as a
        whole, without aspects and valence. `valence` is -1..1, and `overall` that value cut at
        `FIXED_CUTS`: whoever knows the grades of rated reviews cuts anew (`cuts.choose_cuts`).
        """
        for batch in _batches(texts):
            places: dict[str | None, list[int]] = {}
            for place, review in enumerate(batch):
                language = review.language or self._guess(review.text)
                places.setdefault(language, []).append(place)
            analyses: dict[int, Analysis] = {}
            for language, mine in places.items():
                if language in self._vocabularies:
                    vocabulary = self._vocabularies[language]
                    found = _analyse([batch[place] for place in mine], vocabulary)
                    analyses.update(zip(mine, found, strict=True))
            for place, review in enumerate(batch):
                yield analyses.get(place) or _analysis(review, status="unsupported_language")

    def _guess(self, text: str) -> str | None:
        """Return the language of which most words are known, if these are half of all, or None."""
        known = [
            (_known_share(text, vocabulary), -place, language)
            for place, (language, vocabulary) in enumerate(self._vocabularies.items())
        ]
        share, _, language = max(known)
        return language if share >= 0.5 else None


def _batches(texts: Iterable[ReviewText]) -> Iterator[list[ReviewText]]:
    """Gather texts; a text that is longer than a batch may be has a batch of its own."""
    batch: list[ReviewText] = []
    characters = 0
    for text in texts:
        if batch and characters + len(text.text) > BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text.text)
        if len(batch) == BATCH:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _analyse(reviews: Sequence[ReviewText], vocabulary: Vocabulary) -> Iterator[Analysis]:
    """Score texts of one language, in their order."""
    words = read_words([review.text for review in reviews], vocabulary)
    weighed = weigh(words, vocabulary)
    aspects = vocabulary.aspects[vocabulary.naming.replace(words.number, words.breaks)]
    mark_names(aspects, words, [review.cast for review in reviews], vocabulary.language)
    spans = cut_spans(words, weighed, aspects)
    scores = score_spans(words, weighed, spans, _title_words(reviews, words))
    quoter = Quoter(words, weighed, spans, scores)
    for number, review in enumerate(reviews):
        yield _scored(review, number, scores, quoter)


def _known_share(text: str, vocabulary: Vocabulary) -> float:
    """Return the share of a text's words that are listed; 1 if it has none (emoji, a grade)."""
    number = read_words([text], vocabulary).number
    return float((number > 0).mean()) if len(number) else 1.0


def _title_words(reviews: Sequence[ReviewText], words: Words) -> Ints:
    """Count the words of each text's title, which ends at the first empty line."""
    counts = np.diff(words.first)
    ends = np.array([review.text.find("\n\n") for review in reviews], np.int32)
    text = np.repeat(np.arange(len(counts)), counts)
    return np.bincount(text, words.start < ends[text], len(counts)).astype(np.int32)


def _scored(review: ReviewText, number: int, scores: Scores, quoter: Quoter) -> Analysis:
    found = []
    for bit in np.flatnonzero(scores.mentioned[number]).tolist():
        score = step(float(scores.value[number, bit]))
        sign = (score > 0) - (score < 0)
        quote = quoter.find(number, review.text, bit, sign) if sign else None
        words, start = quote or (None, None)
        found.append(AspectScore(aspect=ASPECTS[bit], score=score, quote=words, quote_start=start))
    valence = float(scores.valence[number])
    judges = not math.isnan(valence)
    return _analysis(
        review,
        status="scored",
        valence=valence if judges else None,
        overall=cut(valence, FIXED_CUTS) if judges else 0,
        aspects=tuple(found),
    )


def _analysis(review: ReviewText, **values: Any) -> Analysis:
    return Analysis(
        source=review.source,
        review_id=review.review_id,
        imdb_id=review.imdb_id,
        content_hash=review.content_hash,
        **values,
    )
