"""What a model is told: a fixed system message from `prompts/`, and the review as data.

The prompt is a file with a version in its name. Its aspects, rule and scale come from
`aspects.toml`, the form of the answer from `schema.py`. A change of any of these gives another
prompt version, so that answers to different questions are never mixed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from filmpulse.analysis.aspects import definitions
from filmpulse.analysis.llm.schema import Answer, answer_schema
from filmpulse.items import ASPECTS

NAME = "aspects_v1"

MAX_CHARACTERS = 20_000
"""Characters of a review that are sent. The longest of some 5,000 measured reviews had 8,034."""

MAX_OUTPUT_TOKENS = 700
"""Room for an answer; six quotes of a sentence and the JSON around them rarely need it."""


@cache
def system_prompt() -> str:
    """Return the system message: the same for every review, so that providers can cache it."""
    defined = definitions()
    text = files("filmpulse.analysis").joinpath(f"prompts/{NAME}.md").read_text(encoding="utf-8")
    return Template(text).substitute(
        aspects="\n".join(f"- {a.name}: {' '.join(a.covers.split())}" for a in defined.aspects),
        rule=" ".join(defined.rule.split()),
        scale=", ".join(f"{point.score} {point.label}" for point in defined.scale),
        form=_form(),
    )


def _form() -> str:
    """Return a valid answer as the form, for endpoints that enforce no schema."""
    best, middle = definitions().scale[-1].score, definitions().scale[2].score
    quoted = {"mentioned": True, "quote": "words of the review", "score": best}
    absent = {"mentioned": False, "quote": None, "score": None}
    answer = Answer.model_validate(
        {
            **dict.fromkeys(ASPECTS, absent),
            ASPECTS[0]: quoted,
            "overall": {"quote": None, "score": middle},
        }
    )
    return answer.model_dump_json()


@cache
def prompt_version() -> str:
    """Return the prompt's name and 8 hex digits of what it says and asks for."""
    asked = f"{system_prompt()}\0{json.dumps(answer_schema(), sort_keys=True)}"
    return f"{NAME}.{hashlib.sha256(asked.encode()).hexdigest()[:8]}"


def response_format() -> dict[str, Any]:
    """Return the strict JSON schema as OpenAI's chat endpoint takes it."""
    return {
        "type": "json_schema",
        "json_schema": {"name": NAME, "strict": True, "schema": answer_schema()},
    }


def clip(text: str) -> str:
    """Return the part of a text that is sent."""
    return text[:MAX_CHARACTERS]


def new_boundary(text: str) -> str:
    """Return a mark that nobody can guess and that is not in the text."""
    while (mark := secrets.token_hex(8)) in text.lower():
        continue
    return mark


def messages(text: str, boundary: str) -> list[dict[str, str]]:
    """Return the two messages that ask about a text, which stands between two boundaries."""
    return [
        {"role": "system", "content": system_prompt()},
        {
            "role": "user",
            "content": f"<review mark={boundary}>\n{text}\n</review mark={boundary}>",
        },
    ]
