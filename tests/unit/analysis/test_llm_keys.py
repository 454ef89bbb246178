"""Two questions have one key exactly when a model would be asked the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.llm import keys
from filmpulse.analysis.llm.keys import key_of, result_key
from filmpulse.analysis.llm.prompt import MAX_CHARACTERS
from filmpulse.analysis.llm.providers import provider_for
from filmpulse.config import Settings

ASKED = {
    "prompt_version": "aspects_v1.00000000",
    "model": "gpt-6-luna",
    "effort": "none",
    "temperature": None,
    "base_url": "https://api.openai.com/v1",
}


def key(text="Lantern Bay\n\nA quiet wonder.", **settings):
    made = Settings(llm_api_key="sk-1", **settings)
    return key_of(text, made, provider_for(made))


@pytest.mark.parametrize(
    "change",
    [
        {"prompt_version": "aspects_v1.00000001"},
        {"model": "gpt-5.6-luna"},
        {"effort": "low"},
        {"effort": None},
        {"temperature": 0.0},
        {"base_url": "https://api.openai.com/v2"},
        {"answer_format": "json_object"},
        {"answer_format": "none"},
    ],
    ids=str,
)
def test_whatever_changes_the_question_changes_the_key(change):
    assert result_key("A text", **ASKED | change) != result_key("A text", **ASKED)


@given(st.text(), st.text())
def test_two_texts_have_two_keys(one, other):
    keys = {result_key(text, **ASKED) for text in (one, other)}
    assert len(keys) == len({one, other})
    assert all(re.fullmatch("[0-9a-f]{64}", made) for made in keys)


def test_text_and_settings_cannot_be_taken_for_one_another():
    one = result_key('a", "b', **ASKED | {"prompt_version": "c"})
    other = result_key("a", **ASKED | {"prompt_version": 'b", "c'})
    assert one != other


def test_a_key_stays_the_same_for_ever():
    # Keys are kept in the warehouse: with others, every answer there would be paid for again.
    assert (
        result_key("Lantern Bay\n\nA quiet wonder. 静か", **ASKED)
        == "6a5565cb11174416538dcedf4dd35d76849093fc9afc4e70c61383afdbb074ad"
    )


def test_the_keys_of_the_usual_settings_stay_the_same(monkeypatch):
    # The prompt may change, and then keys do; here only the way in which settings enter them.
    monkeypatch.setattr(keys, "prompt_version", lambda: "aspects_v1.00000000")
    assert key() == "da9fba05fa53196bd5f1bf0aa3ece4d1a073d47b92f6c55904888e624820c45c"
    assert (
        key(llm_base_url="https://models.example/v1", llm_model="m")
        == "e082e580abb2318e7f89af8b77fbb42e53e057b6211bc3b48d882394fe3e94ac"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"llm_answer_format": "json_schema"}),
        ({}, {"llm_token_field": "max_tokens"}),
        (
            {"llm_base_url": "https://ollama.com"},
            {"llm_base_url": "https://ollama.com", "llm_answer_format": "json_object"},
        ),
        ({}, {"llm_base_url": "https://api.openai.com/v1/"}),
        ({}, {"llm_base_url": "HTTPS://API.OpenAI.com:443"}),
        ({}, {"llm_service_tier": "flex"}),
        ({}, {"llm_timeout_seconds": 5}),
        (
            {"llm_base_url": "https://models.example/v1"},
            {"llm_base_url": "https://models.example/v1", "llm_reasoning_effort": "high"},
        ),
    ],
)
def test_what_changes_no_answer_changes_no_key(one, other):
    assert key(**one) == key(**other)


@pytest.mark.parametrize(
    "other",
    [
        {"llm_model": "gpt-5.6-luna"},
        {"llm_reasoning_effort": "low"},
        {"llm_temperature": 0},
        {"llm_base_url": "https://eu.api.openai.com/v1"},
        {"llm_provider": "gemini"},
        {"llm_answer_format": "json_object"},
        {"llm_answer_format": "none"},
        {"llm_base_url": "https://api.openai.com/v1?api-version=1"},
    ],
    ids=str,
)
def test_another_way_of_asking_has_another_key(other):
    assert key(**other) != key()


def test_only_what_is_sent_counts():
    sent = "x" * MAX_CHARACTERS
    assert key(sent + "y") == key(sent + "z") == key(sent)
    assert key(sent[:-1]) != key(sent)
