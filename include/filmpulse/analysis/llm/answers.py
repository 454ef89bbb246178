"""Checking what a model answered: its shape, its consistency, and its quotes."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from filmpulse.analysis.llm.lenient import find_answer
from filmpulse.analysis.llm.schema import Answer, AspectAnswer
from filmpulse.analysis.quotes import Quotable, Quote
from filmpulse.items import ASPECTS, Aspect, AspectScore, Reading

MAX_ANSWER_CHARACTERS = 100_000
"""Far longer than any answer; a longer one is not read."""


class InvalidAnswer(ValueError):
    """The answer is not in the form asked for; the message holds nothing of the review."""


class Checked(NamedTuple):
    """What is kept of an answer, how many quotes it gave and lost, and how it was read.

    `leniencies` are words of `lenient.LENIENCIES`; empty if the answer has exactly the form.
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
        Scores of the aspects that are mentioned, in the order of `ASPECTS`. A quote that is not in
        the text is dropped; its score stays, as does a score that came without a quote.

    Raises:
        InvalidAnswer: There is no JSON object with fields of an answer, it has another shape or a
            value that is not on the scale, or an aspect contradicts itself: mentioned without a
            score, or not mentioned with a score other than 0 or with words as its quote.
    """
    if len(content) > MAX_ANSWER_CHARACTERS:
        raise InvalidAnswer(f"The answer has {len(content):,} characters.")
    answer, words = _parsed(content)
    quotable = Quotable(text)
    aspects: list[AspectScore] = []
    given: list[Quote | None] = []

    def find(said: str | None) -> tuple[str, int] | tuple[None, None]:
        if said is None:
            return None, None
        given.append(quotable.find(said))
        return given[-1] or (None, None)

    for name in ASPECTS:
        part: AspectAnswer = getattr(answer, name)
        if leniency := _consistent(name, part):
            words.append(leniency)
        if not part.mentioned or part.score is None:
            continue
        quote, start = find(part.quote)
        aspects.append(AspectScore(aspect=name, score=part.score, quote=quote, quote_start=start))
    quote, start = find(answer.overall.quote)
    reading = Reading(
        status="scored",
        overall=answer.overall.score,
        overall_quote=quote,
        overall_quote_start=start,
        aspects=tuple(aspects),
    )
    return Checked(reading, len(given), given.count(None), tuple(dict.fromkeys(words)))


def _parsed(content: str) -> tuple[Answer, list[str]]:
    """Return the answer in a model's text, and the leniencies that it took to find it."""
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
    """Return the leniency that it takes to read an aspect, if any.

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
    """Describe the first error in our own words: a model's field names are not trusted."""
    first = error.errors(include_input=False, include_url=False)[0]
    known = {*Answer.model_fields, *AspectAnswer.model_fields}
    place = ".".join(str(step) if step in known else "?" for step in first["loc"])
    return f"The answer does not fit the schema: {first['type']}" + (
        f" at {place}." if place else "."
    )
