"""What makes two questions to a model the same question."""

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
        prompt_version: With the prompt's words and the schema in its digest.
        model: The model asked.
        effort: How long it is told to think; None where it is told nothing.
        temperature: None where it is not sent.
        base_url: The endpoint: two that give a model the same name need not run the same one.
        answer_format: The one that the settings name in place of the provider's own. None for the
            provider's own, so that answers from before this setting existed keep their keys.
    """
    asked: list[object] = [text, prompt_version, model, effort, temperature, base_url]
    if answer_format is not None:
        asked.append(answer_format)
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def key_of(text: str, settings: Settings, provider: Provider) -> str:
    """Return the key of a text under the settings.

    Neither the key of the account nor the service tier is in it: they change no answer.
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
