"""What a request costs, by tokens and tier, and that no less is ever set aside for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.llm.prices import (
    Usage,
    estimate_usd,
    most_input_tokens,
    overhead_characters,
    price_for,
    tokens_of,
)
from filmpulse.analysis.llm.prompt import MAX_CHARACTERS, messages, new_boundary
from filmpulse.analysis.llm.providers import provider_for
from filmpulse.config import Settings
from filmpulse.errors import BadInput

MODELS = [
    "gpt-6-luna",
    "gpt-5.6-luna",
    "gpt-5.4-mini",
    "gpt-4o-mini",
    "gemini-3.5-flash-lite",
    "gemini-3.1-flash-lite",
]


def settings(**values):
    return Settings(llm_api_key="sk-1", **{f"llm_{name}": v for name, v in values.items()})


def price(**values):
    made = settings(**values)
    return price_for(made, provider_for(made))


@pytest.mark.parametrize(
    ("model", "usage", "tier", "usd"),
    [
        ("gpt-6-luna", Usage(input=1_000_000), None, 0.10),
        ("gpt-6-luna", Usage(input=0, output=1_000_000), None, 0.50),
        ("gpt-6-luna", Usage(input=1_000_000, cached=1_000_000), None, 0.01),
        ("gpt-6-luna", Usage(input=1_000_000, cache_write=1_000_000), None, 0.125),
        ("gpt-6-luna", Usage(1_000, 400, 100, 200), None, 0.0001665),
        ("gpt-6-luna", Usage(1_000, 400, 100, 200), "default", 0.0001665),
        ("gpt-6-luna", Usage(1_000, 400, 100, 200), "flex", 0.0001665 / 2),
        ("gpt-6-luna", Usage(1_000, 400, 100, 200), "batch", 0.0001665 / 2),
        ("gpt-6-luna", Usage(1_000, 400, 100, 200), "priority", 0.0001665 * 2),
        ("gpt-6-luna", Usage(1_000, 400, 100, 200), "a tier of tomorrow", 0.0001665 * 2),
        ("gpt-5.4-mini", Usage(1_000, 0, 1_000, 0), None, 0.00075),
        ("gemini-3.1-flash-lite", Usage(1_000, 1_000, 0, 0), None, 0.00025),
        ("gpt-4o-mini", Usage(0, 0, 0, 0), "default", 0.0),
    ],
)
def test_a_request_costs_what_its_tokens_and_tier_do(model, usage, tier, usd):
    assert price(model=model).cost(usage, tier) == pytest.approx(usd, rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_table_has_a_price_and_its_date(model):
    made = price(model=model)
    assert 0 < made.model.input < made.model.output
    assert made.model.cached is None or made.model.cached < made.model.input
    assert made.as_of is not None
    assert made.as_of <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("gpt-6-luna-2026-09-22", "gpt-6-luna"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("models/gemini-3.5-flash-lite", "gemini-3.5-flash-lite"),
    ],
)
def test_a_snapshot_costs_what_its_model_does(name, like):
    assert price(model=name) == price(model=like)


@pytest.mark.parametrize(
    "model",
    ["gpt-6", "gpt-6-luna-pro", "gpt-6-luna-20260922", "GPT-6-LUNA", "openai/gpt-6-luna", "x y"],
)
def test_nothing_is_spent_on_a_model_whose_price_is_unknown(model):
    with pytest.raises(BadInput, match="FILMPULSE_LLM_PRICE_INPUT_USD") as caught:
        price(model=model)
    assert model in str(caught.value)


def test_a_price_of_ones_own_goes_before_the_table():
    made = price(model="gpt-6-luna", price_input_usd=2, price_output_usd=8)
    assert made.cost(Usage(1_000_000, 500_000, 500_000, 1_000_000), None) == pytest.approx(10)
    assert made.most(1_000_000, 1_000_000, "default") == pytest.approx(10)
    assert made.as_of is None
    made = price(provider="ollama", model="any", price_input_usd=1, price_output_usd=0)
    assert made.cost(Usage(1_000_000), None) == pytest.approx(1)
    assert made.most(1_000_000, 700, None) == pytest.approx(1)
    made = price(model="unheard-of", price_input_usd=0, price_output_usd=0)
    assert made.most(10_000, 10_000, None) == 0


def test_a_price_of_ones_own_is_that_of_the_plain_tier():
    made = price(price_input_usd=2, price_output_usd=8)
    assert made.cost(Usage(1_000_000), "priority") == pytest.approx(4)
    assert made.cost(Usage(1_000_000), "flex") == pytest.approx(1)
    # An account may have a dearer tier set.
    assert made.most(1_000_000, 0, None) == made.most(1_000_000, 0, "priority") == 4


@pytest.mark.parametrize("half", ["price_input_usd", "price_output_usd"])
def test_half_a_price_is_none(half):
    with pytest.raises(BadInput, match="go together"):
        price(**{half: 1})


@pytest.mark.parametrize("provider", ["ollama", "vllm"])
def test_a_model_of_ones_own_machine_is_free(provider):
    made = price(provider=provider, model="whatever:7b")
    assert made.cost(Usage(9_000, 0, 0, 900), "default") == 0
    assert made.most(9_000, 900, None) == 0
    assert estimate_usd(settings(provider=provider, model="whatever:7b"), 1_000, 1_000_000) == 0


def test_a_model_elsewhere_costs_what_its_maker_takes():
    assert price(base_url="https://models.example/v1").cost(Usage(1_000_000), None) == 0.1


def test_a_regional_host_takes_a_tenth_more():
    usage = Usage(1_000, 400, 100, 200)
    here, there = price(), price(base_url="https://eu.api.openai.com/v1")
    assert there.cost(usage, "flex") == pytest.approx(1.1 * here.cost(usage, "flex"))
    assert there.most(1_000, 700, None) == pytest.approx(1.1 * here.most(1_000, 700, None))


# What an endpoint may serve a request as, by what it asked for.
SERVED = {
    None: [None, "auto", "default", "flex", "scale", "priority", "fast"],
    "auto": [None, "auto", "default", "flex", "scale", "priority", "fast"],
    "default": [None, "default"],
    "flex": [None, "flex", "default"],
    "priority": [None, "priority", "default"],
    "fast": [None, "fast", "priority", "default"],
    "a tier of tomorrow": [None, "a tier of tomorrow", "default", "priority"],
}


@given(
    st.sampled_from(MODELS),
    st.sampled_from([(asked, tier) for asked, tiers in SERVED.items() for tier in tiers]),
    st.lists(st.integers(0, 100_000), min_size=3, max_size=3),
    st.integers(0, 1_400),
    st.integers(0, 1_000),
)
def test_no_request_costs_more_than_was_set_aside(model, tiers, read, written, spare):
    _, cached, cache_write = read
    usage = Usage(sum(read), cached, cache_write, written)
    asked, served = tiers
    made = price(model=model)
    most = made.most(sum(read) + spare, written + spare, asked)
    assert 0 <= made.cost(usage, served) <= most * (1 + 1e-12)


def test_what_is_set_aside_is_not_wild():
    made, usage = price(), Usage(input=1_200, output=700)
    assert made.most(1_200, 700, "default") <= 1.25 * made.cost(usage, "default")
    about = tokens_of(1_200 + overhead_characters())
    assert about < most_input_tokens("a" * 1_200) < 3 * about


@given(st.text(max_size=2_000) | st.text(st.characters(min_codepoint=0x10000), max_size=500))
def test_no_text_has_more_tokens_than_are_counted_on(text):
    # No tokeniser makes more tokens than bytes; of our own English words and JSON, a third.
    sent = "".join(message["content"] for message in messages(text, new_boundary(text)))
    ours = len(sent.encode()) - len(text.encode())
    assert most_input_tokens(text) >= len(text.encode()) + ours // 3


def test_the_longest_review_stays_below_the_price_of_long_prompts():
    longest = "\U0001f3ac" * MAX_CHARACTERS
    assert len(longest.encode()) < most_input_tokens(longest) < 200_000


@given(st.integers(0, 10**9))
def test_tokens_are_rounded_up(characters):
    assert 4 * (tokens_of(characters) - 1) < characters <= 4 * tokens_of(characters)


def test_an_estimate_grows_with_texts_and_characters():
    asked = settings()
    assert estimate_usd(asked, 0, 0) == 0
    one, two = estimate_usd(asked, 1, 1_200), estimate_usd(asked, 2, 2_400)
    assert two == pytest.approx(2 * one, rel=0.01)
    by_hand = ((1_200 + overhead_characters()) / 4 * 0.10 + 220 * 0.50) / 1e6
    assert one == pytest.approx(by_hand, rel=0.01)
    assert estimate_usd(settings(service_tier="flex"), 1, 1_200) == pytest.approx(one / 2)
    assert estimate_usd(settings(service_tier="auto"), 1, 1_200) == pytest.approx(one)


def test_a_thousand_reviews_cost_about_what_the_readme_says():
    assert estimate_usd(settings(), 1_000, 1_200_000) == pytest.approx(0.23, abs=0.02)


def test_an_estimate_needs_settings_that_can_be_used():
    with pytest.raises(BadInput, match="is not known"):
        estimate_usd(settings(model="unheard-of"), 1, 1)
    with pytest.raises(BadInput, match="no address"):
        estimate_usd(settings(base_url="nowhere"), 1, 1)
