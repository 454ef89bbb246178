"""What a model answered, checked: its shape, its consistency, and its quotes."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from filmpulse.analysis.llm.lenient import find_answer
from filmpulse.analysis.llm.schema import Answer, AspectAnswer
from filmpulse.analysis.quotes import Quotable, Quote
from filmpulse.items import ASPECTS, Aspect, AspectScore, Reading

MAX_ANSWER_CHARACTERS = 100_000
"""Far beyond any answer; what is longer is not read."""


class InvalidAnswer(ValueError):
    """The answer is not what was asked for; the message holds nothing of the review."""


class Checked(NamedTuple):
    """What is kept of an answer, how many of its quotes could not be, and how it was read.

    `leniencies` are words of `lenient.LENIENCIES`; empty for an answer exactly in the form.
    """

    reading: Reading
    quotes_given: int
    quotes_dropped: int
    leniencies: tuple[str, ...] = ()


def read_answer(content: str, text: str) -> Checked:
    """Check a model's answer about a text.

    Args:
        content: The answer as it came.
        text: What the model was given; offsets of quotes count in it.

    Returns:
        Scores of the aspects that are mentioned, in the order of `ASPECTS`, with those quotes that
        the text really holds. A quote that is not there is dropped and its score stays; so a score
        without a quote stays as well.

    Raises:
        InvalidAnswer: No JSON object with fields of an answer, another shape, a value that the
            scale does not have, or an aspect that contradicts itself: mentioned without a score, or
            with a score or a quote without mention (but for an empty quote and the score 0).
    """
    if len(content) > MAX_ANSWER_CHARACTERS:
        raise InvalidAnswer(f"The answer has {len(content):,} characters.")
    answer, words = _parsed(content)
    quotable = Quotable(text)
    aspects: list[AspectScore] = []
    given: list[Quote | None] = []
    for name in ASPECTS:
        part: AspectAnswer = getattr(answer, name)
        if leniency := _consistent(name, part):
            words.append(leniency)
        if not part.mentioned or part.score is None:
            continue
        found = None
        if part.quote is not None:
            given.append(found := quotable.find(part.quote))
        quote, start = found or (None, None)
        aspects.append(AspectScore(aspect=name, score=part.score, quote=quote, quote_start=start))
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
    return Checked(reading, len(given), given.count(None), tuple(dict.fromkeys(words)))


def _parsed(content: str) -> tuple[Answer, list[str]]:
    """Return the answer in what a model wrote, and the leniencies it took to find it."""
    try:
        return Answer.model_validate_json(content), []
    except ValidationError as error:
        sentence = _sentence(error)
    found = find_answer(content)
    if found is None:
        raise InvalidAnswer(sentence) from None
    try:
        return Answer.model_validate_json(found.answer), list(found.leniencies)
    except ValidationError as error:
        raise InvalidAnswer(_sentence(error)) from None


def _consistent(name: Aspect, part: AspectAnswer) -> str | None:
    """Return the leniency that it takes to make sense of an aspect, if any.

    Raises:
        InvalidAnswer: The aspect contradicts itself.
    """
    if part.mentioned:
        if part.score is None:
            raise InvalidAnswer(f"The answer contradicts itself on {name}.")
        return "no_quote" if part.quote is None else None
    if part.score or part.quote:
        raise InvalidAnswer(f"The answer contradicts itself on {name}.")
    return None if part.score is None else "empty_aspect"


def _sentence(error: ValidationError) -> str:
    """Say what is wrong first, in words of ours: a model's own field names are untrusted."""
    first = error.errors(include_input=False, include_url=False)[0]
    known = {*Answer.model_fields, *AspectAnswer.model_fields}
    place = ".".join(str(step) if step in known else "?" for step in first["loc"])
    return f"The answer does not fit the schema: {first['type']}" + (
        f" at {place}." if place else "."
    )
