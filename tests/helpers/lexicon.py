"""One text through the keyless analyser."""

from __future__ import annotations

from collections.abc import Sequence

from filmpulse.analysis.lexicon import LexiconAnalyser
from filmpulse.items import Analysis, AspectScore, ReviewText

ANALYSER = LexiconAnalyser()


def read(text: str, language: str | None, cast: Sequence[str] = ()) -> Analysis:
    """Analyse a text of that language, or of an unknown one."""
    review = ReviewText(
        source="imdb",
        review_id="rw1",
        imdb_id="tt9900001",
        content_hash="0" * 64,
        language=language,
        text=text,
        cast=tuple(cast),
    )
    (analysis,) = ANALYSER.analyse([review])
    return analysis


def signs_of(analysis: Analysis) -> dict[str, int]:
    """Return 1, 0 or -1 for each aspect that is mentioned."""
    return {found.aspect: (found.score > 0) - (found.score < 0) for found in analysis.aspects}


def score_of(analysis: Analysis, aspect: str) -> AspectScore:
    """Return what is said of an aspect, which must be mentioned."""
    return next(found for found in analysis.aspects if found.aspect == aspect)
