"""What a request costs, by a dated table (`prices.toml`)."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from filmpulse.analysis.llm.prompt import response_format, system_prompt
from filmpulse.analysis.llm.providers import Provider, provider_for
from filmpulse.config import Settings
from filmpulse.errors import BadInput

CHARACTERS_PER_TOKEN = 4
"""In English; only for estimates. No token counter works offline for every model."""

TYPICAL_OUTPUT_TOKENS = 220
"""A guess for an answer: three quotes of a sentence, and the JSON around them."""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Usage(NamedTuple):
    """Tokens of one request: `cached` and `cache_write` are among `input`, thoughts in `output`."""

    input: int
    cached: int = 0
    cache_write: int = 0
    output: int = 0


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
    regions: dict[str, float]
    models: dict[str, ModelPrice]


class Price(NamedTuple):
    """What one model costs at one endpoint.

    `tiers` holds the factor of each service tier, `region` that of the host. `as_of` is when the
    table was looked up; None if the price is not from the table.
    """

    model: ModelPrice
    tiers: dict[str, float]
    region: float = 1.0
    as_of: date | None = None

    def cost(self, usage: Usage, tier: str | None) -> float:
        """Return what a request cost, in USD, at the tier that served it.

        A tier that the table does not know counts as its dearest, None as the plain one.
        """
        m = self.model
        plain = usage.input - usage.cached - usage.cache_write
        usd = (
            max(plain, 0) * m.input
            + usage.cached * (m.input if m.cached is None else m.cached)
            + usage.cache_write * (m.input if m.cache_write is None else m.cache_write)
            + usage.output * m.output
        )
        share = 1.0 if tier is None else self.tiers.get(tier, self._dearest)
        return usd / 1e6 * self.region * share

    def most(self, input_tokens: int, max_output_tokens: int, tier: str | None) -> float:
        """Return the most that a request can cost, in USD.

        This assumes that no input comes from the cache, all of it is written to the cache, and the
        answer fills its room. A request for a cheaper tier may be served by the plain one; a
        request for no tier (or `auto`), by any tier that the account has set.
        """
        m = self.model
        usd = input_tokens * max(m.input, m.cache_write or 0) + max_output_tokens * m.output
        asked = self._dearest if tier in (None, "auto") else self.tiers.get(tier, self._dearest)
        return usd / 1e6 * self.region * max(1.0, asked)

    @property
    def _dearest(self) -> float:
        return max(self.tiers.values(), default=1.0)


@cache
def _table() -> _Table:
    text = files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")
    return _Table.model_validate(tomllib.loads(text))


def price_for(settings: Settings, provider: Provider) -> Price:
    """Return the price of the model that the settings name.

    A dated snapshot of a model (`gpt-6-luna-2026-09-22`) costs what the model costs. At an unknown
    endpoint, a model costs what its maker charges. A price from the settings is that of the plain
    tier.

    Raises:
        BadInput: The table does not know the model and the settings give no price, or half of one:
            nothing is ever spent without knowing how much.
    """
    read, written = settings.llm_price_input_usd, settings.llm_price_output_usd
    if read is not None and written is not None:
        tiers = _table().tiers if provider.tiers else {}
        return Price(ModelPrice(input=read, output=written), tiers)
    if read is not None or written is not None:
        raise BadInput(
            "FILMPULSE_LLM_PRICE_INPUT_USD and FILMPULSE_LLM_PRICE_OUTPUT_USD go together: "
            "set both or none."
        )
    if provider.is_free:
        return Price(ModelPrice(input=0, output=0), {})
    table, name = _table(), settings.llm_model.removeprefix("models/")
    model = table.models.get(_SNAPSHOT.sub("", name))
    if model is None:
        raise BadInput(
            f"What the model {settings.llm_model} costs is not known. Set "
            "FILMPULSE_LLM_PRICE_INPUT_USD and FILMPULSE_LLM_PRICE_OUTPUT_USD (USD per million "
            f"tokens; 0 if it is free), or choose one of {', '.join(table.models)}."
        )
    host = urlsplit(provider.base_url).hostname or ""
    region = max((f for end, f in table.regions.items() if host.endswith(end)), default=1.0)
    return Price(model, table.tiers, region, table.as_of)


def tokens_of(characters: int) -> int:
    """Return about how many tokens that many characters are."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def most_input_tokens(text: str) -> int:
    """Return more tokens than a request about this text can have.

    A token is at least one byte, in any script; in our own English prompt, 3 characters.
    """
    return len(text.encode()) + overhead_characters() // 3


@cache
def overhead_characters() -> int:
    """Return the length of what is sent with each review: prompt, schema and fence."""
    return len(system_prompt()) + len(json.dumps(response_format())) + 100


def estimate_usd(settings: Settings, texts: int, characters: int) -> float:
    """Estimate in USD what scoring so many reviews, of so many characters together, will cost.

    The estimate takes four characters a token, answers of 220 tokens, and no cache.

    Raises:
        BadInput: The model's price is not known, or the address cannot be used.
    """
    price = price_for(settings, provider_for(settings))
    input_tokens = tokens_of(characters + texts * overhead_characters())
    usage = Usage(input=input_tokens, output=texts * TYPICAL_OUTPUT_TOKENS)
    return price.cost(usage, settings.llm_service_tier)
