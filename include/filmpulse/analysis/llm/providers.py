"""In which words each provider wants the same request; `providers.toml` holds them."""

from __future__ import annotations

import ipaddress
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from filmpulse.analysis.llm.prompt import response_format
from filmpulse.config import Settings
from filmpulse.errors import BadInput

DEFAULT = "openai"
OTHER = "other"


class Provider(BaseModel):
    """One provider, at one address; the fields are those of `providers.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    base_url: str
    hosts: tuple[str, ...]
    token_field: str
    effort: str
    store: bool
    tiers: bool
    is_free: bool

    @property
    def host(self) -> str:
        """Host and port of the endpoint, for people."""
        return urlsplit(self.base_url).netloc

    def request_fields(self, settings: Settings, max_output_tokens: int) -> dict[str, Any]:
        """Return what `chat.completions.create` takes besides model and messages."""
        fields: dict[str, Any] = {
            "response_format": response_format(),
            self.token_field: max_output_tokens,
        }
        effort = settings.llm_reasoning_effort
        if self.effort == "chat_template_kwargs":
            thinks = effort != "none"
            fields["extra_body"] = {"chat_template_kwargs": {"enable_thinking": thinks}}
        elif self.effort:
            fields[self.effort] = effort
        if settings.llm_temperature is not None:
            fields["temperature"] = settings.llm_temperature
        if self.store:
            fields["store"] = False
        if self.tiers and settings.llm_service_tier:
            fields["service_tier"] = settings.llm_service_tier
        return fields


@cache
def _profiles() -> dict[str, dict[str, Any]]:
    text = files(__package__).joinpath("providers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def provider_for(settings: Settings) -> Provider:
    """Return the provider that the settings name, by its name or its address.

    Raises:
        BadInput: An unknown name, an address that is none, one with a password in it, or one that
            would send reviews and key over the net in the clear.
    """
    profiles = _profiles()
    name, address = settings.llm_provider, settings.llm_base_url
    if name is not None and name not in profiles:
        raise BadInput(f"FILMPULSE_LLM_PROVIDER is none of {', '.join(profiles)}.")
    if name is None:
        host = urlsplit(address).netloc.lower() if address else ""
        found = (n for n, profile in profiles.items() if host in profile["hosts"])
        name = next(found, OTHER) if address else DEFAULT
    base_url = _checked(address or profiles[name]["base_url"])
    return Provider(name=name, **profiles[name] | {"base_url": base_url})


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        has_secret = parts.username is not None or parts.password is not None
        _ = parts.port
    except ValueError:
        is_address = has_secret = False
    # What is wrong is not repeated: an address may hold a password.
    if not is_address or parts.query or parts.fragment:
        raise BadInput("FILMPULSE_LLM_BASE_URL is no address such as https://api.openai.com/v1.")
    if has_secret:
        raise BadInput("FILMPULSE_LLM_BASE_URL holds a password; FILMPULSE_LLM_API_KEY is for it.")
    if parts.scheme == "http" and not _is_near(parts.hostname or ""):
        raise BadInput(
            f"FILMPULSE_LLM_BASE_URL: {parts.hostname} is not on this machine or in a private "
            "network, so reviews and key would travel unencrypted. Use https."
        )
    return address.rstrip("/")


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine or in a private network, without asking any server."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name without a dot is a neighbour: `localhost`, or a container of Compose.
        return "." not in host or host.endswith((".local", ".internal"))
    return address.is_loopback or address.is_private
