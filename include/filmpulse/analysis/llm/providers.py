"""How each provider wants the same request; `providers.toml` holds the differences."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict

from filmpulse.analysis.llm.prompt import response_format
from filmpulse.config import Settings
from filmpulse.errors import BadInput

DEFAULT = "openai"
OTHER = "other"

NO_EFFORT = "none"
"""The setting `llm_reasoning_effort` by which a model is not to think."""

_PORTS = {"http": 80, "https": 443}

# The letters of a name or of an IPv6 address. Later steps may read other signs as these: with a
# Chinese full stop, a name of two parts would look like that of a neighbour.
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")

_QUERY = re.compile(r"api-version=[A-Za-z0-9.-]{1,40}")

# Addresses that providers share among their customers, and that private overlay networks use.
_SHARED = ipaddress.ip_network("100.64.0.0/10")

AnswerFormat = Literal["json_schema", "json_object", "none"]
TokenField = Literal["max_tokens", "max_completion_tokens"]


class Form(NamedTuple):
    """How a request asks for its answer: the format, and the field that limits its length."""

    answer_format: AnswerFormat
    token_field: TokenField

    def __str__(self) -> str:
        """Name both, for people."""
        return f"answer format {self.answer_format} and {self.token_field}"

    def next_format(self) -> Form | None:
        """Return the form for an endpoint that does not know this format; None after the last."""
        formats = get_args(AnswerFormat)
        following = formats[formats.index(self.answer_format) + 1 :]
        return self._replace(answer_format=following[0]) if following else None

    def other_field(self) -> Form:
        """Return the form for an endpoint that does not know this token field."""
        one, other = get_args(TokenField)
        return self._replace(token_field=other if self.token_field == one else one)


class Provider(BaseModel):
    """One provider at one address; `providers.toml` says what each field is.

    `query` goes to every call: the `api-version` that Azure wants, or nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    base_url: str = ""
    query: dict[str, str] = {}
    hosts: tuple[str, ...]
    token_field: TokenField
    answer_format: AnswerFormat
    effort_field: str
    no_effort: dict[str, Any] = {}
    unreasoning: tuple[str, ...] = ()
    cool_thinkers: bool
    store: bool
    tiers: bool
    is_free: bool
    extra: dict[str, dict[str, Any]] = {}

    @property
    def host(self) -> str:
        """Host and port of the endpoint, for people."""
        return urlsplit(self.base_url).netloc

    @property
    def address(self) -> str:
        """The base URL with its query; it identifies the endpoint."""
        return f"{self.base_url}?{urlencode(self.query)}" if self.query else self.base_url

    def form(self, settings: Settings) -> Form:
        """Return the form in which requests are sent at first."""
        return Form(
            settings.llm_answer_format or self.answer_format,
            settings.llm_token_field or self.token_field,
        )

    def other_format(self, settings: Settings) -> AnswerFormat | None:
        """Return the answer format that the settings name in place of the provider's own, if any.

        It is part of an answer's key. A format that a run falls back to is not: the question is the
        same, the endpoint only knows less.
        """
        named = settings.llm_answer_format
        return named if named != self.answer_format else None

    def effort(self, settings: Settings) -> str | None:
        """Return how long the model is told to think; None if it is told nothing."""
        if not self.effort_field or settings.llm_model.startswith(self.unreasoning):
            return None
        return settings.llm_reasoning_effort

    def request_fields(
        self, settings: Settings, max_output_tokens: int, form: Form | None = None
    ) -> dict[str, Any]:
        """Return what `chat.completions.create` takes besides model and messages.

        Without a form, the first one (`self.form`) counts.
        """
        form = form or self.form(settings)
        fields: dict[str, Any] = {form.token_field: max_output_tokens}
        if form.answer_format == "json_schema":
            fields["response_format"] = response_format()
        elif form.answer_format == "json_object":
            fields["response_format"] = {"type": "json_object"}
        extra_body: dict[str, Any] = {}
        effort = self.effort(settings)
        if effort == NO_EFFORT and self.no_effort:
            extra_body |= self.no_effort
        elif effort is not None:
            fields[self.effort_field] = effort
        if settings.llm_temperature is not None:
            fields["temperature"] = settings.llm_temperature
        if self.store:
            fields["store"] = False
        if settings.llm_service_tier:
            fields["service_tier"] = settings.llm_service_tier
        for beginning, extra in self.extra.items():
            if settings.llm_model.startswith(beginning):
                extra_body |= extra
        return fields | ({"extra_body": extra_body} if extra_body else {})


@cache
def _profiles() -> dict[str, Provider]:
    text = files(__package__).joinpath("providers.toml").read_text(encoding="utf-8")
    return {name: Provider(name=name, **told) for name, told in tomllib.loads(text).items()}


def provider_for(settings: Settings) -> Provider:
    """Return the provider that the settings name, by its name or its address.

    An address without a path gets the provider's own (mostly `/v1`). The full address of chat
    completions works too. An address may end in `?api-version=...`, which Azure wants.

    Raises:
        BadInput: The name is unknown; the address is wrong, holds a password, or would send reviews
            and key unencrypted over the internet; or the settings name a temperature or service
            tier that the provider does not have.
    """
    profiles = _profiles()
    name, address = settings.llm_provider, settings.llm_base_url
    if name is not None and name not in profiles:
        raise BadInput(f"FILMPULSE_LLM_PROVIDER is none of {', '.join(profiles)}.")
    if address is None:
        provider = profiles[name or DEFAULT]
        if not provider.base_url:
            raise BadInput(f"FILMPULSE_LLM_PROVIDER is {name}: set FILMPULSE_LLM_BASE_URL as well.")
    else:
        parts = _checked(address)
        provider = profiles[name or _name_of(parts)]
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        path = path or urlsplit(provider.base_url).path
        provider = provider.model_copy(
            update={
                "base_url": f"{parts.scheme}://{_netloc(parts)}{path}",
                "query": dict(parse_qsl(parts.query)),
            }
        )
    thinks = provider.effort(settings) not in (None, NO_EFFORT)
    if settings.llm_temperature is not None and thinks and not provider.cool_thinkers:
        raise BadInput(
            "FILMPULSE_LLM_TEMPERATURE needs FILMPULSE_LLM_REASONING_EFFORT to be none here."
        )
    if settings.llm_service_tier and not provider.tiers:
        raise BadInput(f"FILMPULSE_LLM_SERVICE_TIER: {provider.name} has no service tiers.")
    return provider


def _name_of(parts: SplitResult) -> str:
    """Return the name of the provider at an address."""
    known = (
        provider.name
        for provider in _profiles().values()
        for pattern in provider.hosts
        if fnmatchcase(_netloc(parts), pattern)
    )
    return next(known, OTHER)


def _netloc(parts: SplitResult) -> str:
    """Return host and port in one spelling: small letters, no default port."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS[parts.scheme]) else f"{host}:{parts.port}"


def _checked(address: str) -> SplitResult:
    """Split an address. Errors do not repeat it, since it may hold a password."""
    try:
        parts = urlsplit(address.strip())
        is_host = _HOST.fullmatch(parts.hostname or "") is not None
        is_address = parts.scheme in _PORTS and is_host and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.fragment or (parts.query and not _QUERY.fullmatch(parts.query)):
        raise BadInput(
            "FILMPULSE_LLM_BASE_URL is no address such as https://api.openai.com/v1; of queries "
            "only `?api-version=...` is taken."
        )
    if parts.username is not None or parts.password is not None:
        raise BadInput("FILMPULSE_LLM_BASE_URL holds a password; FILMPULSE_LLM_API_KEY is for it.")
    if parts.scheme == "http" and not _is_near(parts.hostname or ""):
        raise BadInput(
            f"FILMPULSE_LLM_BASE_URL: {parts.hostname} is not on this machine or in a private "
            "network, so reviews and key would travel unencrypted. Use https."
        )
    return parts


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine or in a private network, without asking any server."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name without a dot is a neighbour: `localhost`, or a container of Compose. A name that
        # begins with a digit may be an address in another spelling.
        is_neighbour = "." not in host and host[0].isalpha()
        return is_neighbour or host.endswith((".localhost", ".local", ".internal", ".ts.net"))
    return address.is_loopback or address.is_private or address in _SHARED
