"""The form of an answer, as a schema that the endpoint enforces and we check again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):  # Python takes it for 0 or 1
        raise ValueError("a score is a number")
    return value


AnsweredScore = Annotated[Literal[-2, -1, 0, 1, 2], BeforeValidator(_no_truth_value)]


def _leave_bare(schema: dict[str, Any]) -> None:
    """Drop titles and descriptions: each request pays for them, and the prompt says it better."""
    for part in (schema, *schema["properties"].values()):
        part.pop("title", None)
        part.pop("description", None)


class _Part(BaseModel):
    # No defaults: the strict mode of OpenAI's schemas demands every field.
    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_leave_bare)


class AspectAnswer(_Part):
    """What the review says of one aspect; the quote comes before the score that rests on it."""

    mentioned: bool
    quote: str | None
    score: AnsweredScore | None


class OverallAnswer(_Part):
    """What the review says as a whole."""

    quote: str | None
    score: AnsweredScore


class Answer(_Part):
    """The whole answer: a field for each of `items.ASPECTS`, in order, and one for the whole."""

    storytelling: AspectAnswer
    acting: AspectAnswer
    visuals: AspectAnswer
    sound: AspectAnswer
    themes: AspectAnswer
    overall: OverallAnswer


def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of an answer, the same each time; `prompts/` keeps a copy of it."""
    return Answer.model_json_schema()
