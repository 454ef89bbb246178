"""What a model answered, checked: its shape, its consistency, and its quotes."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from filmpulse.analysis.llm.schema import Answer, AspectAnswer
from filmpulse.analysis.quotes import Quotable
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
            that contradicts itself: mentioned without score or quote, or either without mention.
    """
    if len(content) > MAX_ANSWER_CHARACTERS:
        raise InvalidAnswer(f"The answer has {len(content):,} characters.")
    try:
        answer = Answer.model_validate_json(content)
    except ValidationError as error:
        raise InvalidAnswer(_sentence(error)) from None
    parts: dict[str, AspectAnswer] = {name: getattr(answer, name) for name in ASPECTS}
    for name, part in parts.items():
        if not part.mentioned == (part.score is not None) == (part.quote is not None):
            raise InvalidAnswer(f"The answer contradicts itself on {name}.")
    quotable = Quotable(text)
    aspects = []
    given = dropped = 0
    for name in ASPECTS:
        part = parts[name]
        if part.score is None or part.quote is None:
            continue
        quote = quotable.find(part.quote)
        given, dropped = given + 1, dropped + (quote is None)
        aspects.append(
            AspectScore(
                aspect=name,
                score=part.score,
                quote=quote and quote.words,
                quote_start=quote and quote.start,
            )
        )
    whole = None
    if answer.overall.quote is not None:
        whole = quotable.find(answer.overall.quote)
        given, dropped = given + 1, dropped + (whole is None)
    reading = Reading(
        status="scored",
        overall=answer.overall.score,
        overall_quote=whole and whole.words,
        overall_quote_start=whole and whole.start,
        aspects=tuple(aspects),
    )
    return Checked(reading, given, dropped)


def _sentence(error: ValidationError) -> str:
    """Say what is wrong first, in words of ours: a model's own field names are untrusted."""
    first = error.errors(include_input=False, include_url=False)[0]
    known = {*Answer.model_fields, *AspectAnswer.model_fields}
    place = ".".join(str(step) if step in known else "?" for step in first["loc"])
    return f"The answer does not fit the schema: {first['type']}" + (
        f" at {place}." if place else "."
    )
