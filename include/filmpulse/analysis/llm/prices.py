"""What a request costs, by a dated table (`prices.toml`)."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from filmpulse.analysis.llm.prompt import response_format, system_prompt
from filmpulse.analysis.llm.providers import Provider, provider_for
from filmpulse.config import Settings
from filmpulse.errors import BadInput

CHARACTERS_PER_TOKEN = 4
"""Of English; only for estimates. No counter of tokens works offline for every model."""

TYPICAL_OUTPUT_TOKENS = 220
"""A guess for an answer: three quotes of a sentence, and the frame."""


class Usage(NamedTuple):
    """Tokens of one request: `cached` and `cache_write` are among `input`."""

    input: int
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    """Among `output`, at its price."""


class ModelPrice(BaseModel):
    """USD per million tokens of one model; None where the full price counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    cache_write: float | None = Field(None, ge=0)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    tiers: dict[str, float]
    models: dict[str, ModelPrice]


class Price(NamedTuple):
    """What one model costs, and when that was looked up (None: it was given, or is nothing)."""

    model: ModelPrice
    tiers: dict[str, float]
    as_of: date | None

    def cost(self, usage: Usage, tier: str | None) -> float:
        """Return what a request cost, in USD, at the tier that served it."""
        m = self.model
        plain = usage.input - usage.cached - usage.cache_write
        usd = (
            max(plain, 0) * m.input
            + usage.cached * (m.input if m.cached is None else m.cached)
            + usage.cache_write * (m.input if m.cache_write is None else m.cache_write)
            + usage.output * m.output
        )
        return usd / 1e6 * self.tiers.get(tier or "", 1.0)

    def most(self, input_tokens: int, max_output_tokens: int, tier: str | None) -> float:
        """Return the most that a request can cost, in USD.

        Nothing is taken for cached, and all room for an answer for used. A cheaper tier counts as
        the plain one, since the endpoint may serve it so.
        """
        dearest = max(self.model.input, self.model.cache_write or 0)
        usd = input_tokens * dearest + max_output_tokens * self.model.output
        return usd / 1e6 * max(1.0, self.tiers.get(tier or "", 1.0))


@cache
def _table() -> _Table:
    text = files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")
    return _Table.model_validate(tomllib.loads(text))


def price_for(settings: Settings, provider: Provider) -> Price:
    """Return the price of the model that the settings name.

    A dated snapshot of a model (`gpt-6-luna-2026-09-22`) costs what the model does.

    Raises:
        BadInput: The table does not know it and the settings give no price: nothing is ever spent
            without knowing how much.
    """
    given = settings.llm_price_input_usd, settings.llm_price_output_usd
    if given[0] is not None and given[1] is not None:
        return Price(ModelPrice(input=given[0], output=given[1]), {}, None)
    if provider.is_free:
        return Price(ModelPrice(input=0, output=0), {}, None)
    table, name = _table(), settings.llm_model.removeprefix("models/")
    known = [m for m in table.models if name == m or name.startswith(f"{m}-20")]
    if not known:
        raise BadInput(
            f"What the model {settings.llm_model} costs is not known. Set "
            "FILMPULSE_LLM_PRICE_INPUT_USD and FILMPULSE_LLM_PRICE_OUTPUT_USD (USD per million "
            f"tokens; 0 if it is free), or choose one of {', '.join(table.models)}."
        )
    return Price(table.models[max(known, key=len)], table.tiers, table.as_of)


def tokens_of(characters: int) -> int:
    """Return about how many tokens so many characters are."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def most_input_tokens(text: str) -> int:
    """Return more tokens than a request about this text can have.

    A token is a byte at least, whatever the script; of our own English prompt, 3 characters.
    """
    return len(text.encode()) + overhead_characters() // 3


@cache
def overhead_characters() -> int:
    """Return the length of all that is sent with each review: prompt, schema, fence."""
    return len(system_prompt()) + len(str(response_format())) + 100


def estimate_usd(settings: Settings, texts: int, characters: int) -> float:
    """Return about what scoring so many reviews will cost, in USD.

    An estimate: four characters a token, an answer of 220 tokens, nothing cached.

    Args:
        settings: Model, provider and tier.
        texts: How many reviews.
        characters: Their length together.

    Raises:
        BadInput: The model's price is not known, or the address cannot be used.
    """
    price = price_for(settings, provider_for(settings))
    input_tokens = tokens_of(characters + texts * overhead_characters())
    usage = Usage(input=input_tokens, output=texts * TYPICAL_OUTPUT_TOKENS)
    return price.cost(usage, settings.llm_service_tier)
