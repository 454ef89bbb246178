"""What a model answered, checked: its shape, its consistency, and its quotes."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from filmpulse.analysis.llm.schema import Answer, AspectAnswer
from filmpulse.analysis.quotes import Quotable, Quote
from filmpulse.items import ASPECTS, AspectScore, Reading

MAX_ANSWER_CHARACTERS = 100_000
"""Far beyond any answer; what is longer is not read."""


class InvalidAnswer(ValueError):
    """The answer is not what was asked for; the message holds nothing of the review."""


class Checked(NamedTuple):
    """What is kept of an answer, and how many of its quotes could not be."""

    reading: Reading
    quotes_given: int
    quotes_dropped: int


def read_answer(content: str, text: str) -> Checked:
    """Check a model's answer about a text.

    Args:
        content: The answer as it came.
        text: What the model was given; offsets of quotes count in it.

    Returns:
        Scores of the aspects that are mentioned, in the order of `ASPECTS`, with those quotes that
        the text really holds. A quote that is not there goes, its score stays.

    Raises:
        InvalidAnswer: No JSON, another shape, a value that the scale does not have, or an aspect
            that contradicts itself: mentioned without score or quote, or either without mention
            (but for an empty quote, which quotes nothing).
    """
    if len(content) > MAX_ANSWER_CHARACTERS:
        raise InvalidAnswer(f"The answer has {len(content):,} characters.")
    try:
        answer = Answer.model_validate_json(content)
    except ValidationError as error:
        raise InvalidAnswer(_sentence(error)) from None
    quotable = Quotable(text)
    aspects: list[AspectScore] = []
    given: list[Quote | None] = []
    for name in ASPECTS:
        part: AspectAnswer = getattr(answer, name)
        if part.mentioned:
            if part.score is None or part.quote is None:
                raise InvalidAnswer(f"The answer contradicts itself on {name}.")
            given.append(found := quotable.find(part.quote))
            quote, start = found or (None, None)
            aspects.append(
                AspectScore(aspect=name, score=part.score, quote=quote, quote_start=start)
            )
        elif part.score is not None or part.quote:
            raise InvalidAnswer(f"The answer contradicts itself on {name}.")
    whole = None
    if answer.overall.quote is not None:
        given.append(whole := quotable.find(answer.overall.quote))
    quote, start = whole or (None, None)
    reading = Reading(
        status="scored",
        overall=answer.overall.score,
        overall_quote=quote,
        overall_quote_start=start,
        aspects=tuple(aspects),
    )
    return Checked(reading, len(given), given.count(None))


def _sentence(error: ValidationError) -> str:
    """Say what is wrong first, in words of ours: a model's own field names are untrusted."""
    first = error.errors(include_input=False, include_url=False)[0]
    known = {*Answer.model_fields, *AspectAnswer.model_fields}
    place = ".".join(str(step) if step in known else "?" for step in first["loc"])
    return f"The answer does not fit the schema: {first['type']}" + (
        f" at {place}." if place else "."
    )
