"""Finding the answer's JSON object in a model's text, if the text is more than the object.

Models put the object in a code fence, between prose or after their thoughts, and write some values
in another way. None of that changes the meaning, so none of it is worth a second request. What
would change the meaning is left alone: `schema.py` refuses it afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from filmpulse.analysis.llm.schema import Answer, AspectAnswer, OverallAnswer

LENIENCIES = {
    "code_fence": "in a code fence",
    "prose": "with prose around the JSON",
    "thinking": "after the model's thoughts",
    "tool_call": "as a tool call",
    "content_parts": "as a list of content parts",
    "reasoning": "in the reasoning field alone",
    "stream": "as a stream",
    "wrapper": "in a wrapper object",
    "text_scores": "with scores as text",
    "extra_keys": "with extra keys",
    "empty_aspect": "with a score of 0 for an aspect that is not mentioned",
    "no_quote": "with an aspect's score and no quote",
}
"""Every way in which an answer may differ from the form: its stored word, and how people say it."""

_FIELDS = {
    name: frozenset((OverallAnswer if name == "overall" else AspectAnswer).model_fields)
    for name in Answer.model_fields
}

_START = re.compile(r'\{\s*"|\[\s*[\[{]')
_THOUGHTS = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_FENCE_OPENS = re.compile(r"(?:```|~~~)[\w-]*\s*\Z")
_FENCE_CLOSES = re.compile(r"\s*(?:```|~~~)")
_TEXT_SCORE = re.compile(r"\s*([+\-\u2212]?)([0-2])(?:\.0+)?\s*")


class Found(NamedTuple):
    """An answer as JSON, and the words of `LENIENCIES` that it took to find it."""

    answer: str
    leniencies: tuple[str, ...]


class _Span(NamedTuple):
    start: int
    end: int
    value: Any


def find_answer(content: str) -> Found | None:
    """Return the last complete JSON object that has fields of an answer; None if there is none.

    Objects inside the model's thoughts are drafts and do not count; thoughts that do not end go on
    to the end of the text. The object may still not fit the schema. An earlier object never takes
    its place, since the model replaced that one.
    """
    spans = list(_objects(content))
    begin = _end_of_thoughts(content, spans)
    for span in reversed(spans):
        answer = _unwrapped(span.value)
        if span.start >= begin and answer is not None:
            words = _around(content[begin : span.start], content[span.end :])
            words += ["thinking"] if begin else []
            words += ["wrapper"] if answer is not span.value else []
            tidy, more = _tidied(answer)
            return Found(json.dumps(tidy), tuple(words + more))
    return None


def _objects(content: str) -> Iterator[_Span]:
    """Return the outermost complete JSON objects and lists of objects, in order."""
    decoder, at = json.JSONDecoder(), 0
    while start := _START.search(content, at):
        try:
            value, end = decoder.raw_decode(content, start.start())
        except RecursionError:
            return  # no answer is nested so deeply, and each further try would take as long
        except ValueError:
            at = start.start() + 1
        else:
            yield _Span(start.start(), end, value)
            at = end


def _end_of_thoughts(content: str, spans: list[_Span]) -> int:
    """Return where the model's thoughts end: 0 without thoughts, the text's end if they go on."""
    end = 0
    for tag in _THOUGHTS.finditer(content):
        if not any(span.start < tag.start() < span.end for span in spans):  # else it is in a quote
            end = tag.end() if tag[1] else len(content)
    return end


def _unwrapped(value: Any) -> dict[str, Any] | None:
    """Return an object with fields of an answer, also if an object with one key wraps it."""
    if not isinstance(value, dict):
        return None
    if _FIELDS.keys() & value.keys():
        return value
    inner = next(iter(value.values())) if len(value) == 1 else None
    return inner if isinstance(inner, dict) and _FIELDS.keys() & inner.keys() else None


def _around(before: str, after: str) -> list[str]:
    bare_before, bare_after = _FENCE_OPENS.sub("", before), _FENCE_CLOSES.sub("", after, count=1)
    is_fenced = bare_before != before
    outside = bare_before + (bare_after if is_fenced else after)
    words = ["code_fence"] if is_fenced else []
    return words + (["prose"] if outside.strip("\ufeff \t\r\n") else [])


def _tidied(answer: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return an answer without unknown keys and with numbers as scores, and the leniencies."""
    tidy: dict[str, Any] = {}
    words = set()
    for name, part in answer.items():
        if name not in _FIELDS:
            words.add("extra_keys")
        elif not isinstance(part, dict):
            tidy[name] = part
        else:
            tidy[name] = {key: value for key, value in part.items() if key in _FIELDS[name]}
            if len(tidy[name]) < len(part):
                words.add("extra_keys")
            score = part.get("score")
            if isinstance(score, str) and (written := _TEXT_SCORE.fullmatch(score)):
                words.add("text_scores")
                tidy[name]["score"] = int(written[2]) * (1 if written[1] in ("", "+") else -1)
    return tidy, sorted(words)
