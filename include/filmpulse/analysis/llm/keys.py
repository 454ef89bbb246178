"""The key by which an answer of a model is kept: the text, and the way of asking."""

from __future__ import annotations

import hashlib
import json

from filmpulse.analysis.llm.prompt import clip, prompt_version
from filmpulse.analysis.llm.providers import Provider
from filmpulse.config import Settings


def result_key(
    text: str,
    *,
    prompt_version: str,
    model: str,
    effort: str | None,
    temperature: float | None,
    base_url: str,
    answer_format: str | None = None,
) -> str:
    """Return 64 hex digits that stand for a text and a way of asking.

    Args:
        text: What is sent of the review, to the letter.
        prompt_version: Its digest covers the prompt's words and the schema.
        model: The model asked.
        effort: How long it is told to think; None if it is told nothing.
        temperature: None if it is not sent.
        base_url: The endpoint: the same name may stand for another model at another endpoint.
        answer_format: The one that the settings name; None for the provider's own, so that answers
            from before this setting existed keep their keys.
    """
    asked: list[object] = [text, prompt_version, model, effort, temperature, base_url]
    if answer_format is not None:
        asked.append(answer_format)
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def key_of(text: str, settings: Settings, provider: Provider) -> str:
    """Return the key of a text under the settings.

    The account's key and the service tier are no part of it, since they change no answer.
    """
    return result_key(
        clip(text),
        prompt_version=prompt_version(),
        model=settings.llm_model,
        effort=provider.effort(settings),
        temperature=settings.llm_temperature,
        base_url=provider.address,
        answer_format=provider.other_format(settings),
    )
