"""One request to an OpenAI-compatible chat endpoint, and what became of it.

Everything that an endpoint sends is untrusted, and its error texts may quote a key or a review: of
those only status and codes are passed on, and of a rejection plain words that are none of either.
"""

from __future__ import annotations

import asyncio
import logging
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, TypeVar

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from filmpulse.analysis.llm.prices import Price, Usage
from filmpulse.analysis.llm.providers import Provider, provider_for
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LlmRefused
from filmpulse.items import Call, CallOutcome

log = logging.getLogger(__name__)
logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request

WARN_BEFORE_SHUTDOWN = timedelta(days=60)
PREFLIGHT_SECONDS = 10.0

REFUSALS: frozenset[CallOutcome] = frozenset({"key_refused", "model_refused", "quota_exhausted"})
"""Outcomes after which no call of the run can succeed."""

Shape = TypeVar("Shape", bound=BaseModel)

LATE = frozenset({408, 504, 522, 524})
"""Statuses by which a server between says that it waited in vain (520 and on are Cloudflare's)."""

MAY_BE_BILLED = LATE | {502, 520, 521, 523}
"""Statuses by which it says that it got no answer, not that the model gave none."""

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")

# Neither other scripts nor what may stand for another character (as in JSON, HTML, an address).
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;()\[\]{}/_*+=<>?!'`-]+")
_NAME = re.compile(r"(['`])([A-Za-z0-9_.\[\]-]+)\1")
_QUOTE = re.compile(r"(?<![A-Za-z])['`]|['`](?![A-Za-z])")
MOST_SAID, ECHO = 200, 12
"""Characters of an error text that are passed on; how many letters in a row make it an echo."""


class Reply(NamedTuple):
    """What became of a request.

    `content` is the answer's text where the outcome is `scored`, which then still has to be
    checked. `headers` are the response's, with lower-case names; empty where none came.
    """

    call: Call
    content: str | None
    headers: Mapping[str, str]

    @property
    def is_late(self) -> bool:
        """Whether somebody waited for an answer in vain: we, or a server between."""
        return self.call.outcome == "timeout" or self.call.http_status in LATE

    @property
    def retry_after(self) -> float | None:
        """How long the endpoint asks to wait, in seconds."""
        return retry_after_seconds(self.headers, datetime.now(UTC))


# No model reads or writes more at once. What claims more is not believed.
_Tokens = Annotated[int, Field(ge=0, le=10_000_000)]


class _InputDetails(BaseModel):
    cached_tokens: _Tokens | None = None
    cache_write_tokens: _Tokens | None = None


class _OutputDetails(BaseModel):
    reasoning_tokens: _Tokens | None = None


class _Usage(BaseModel):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Metered(BaseModel):
    """The part of an answer that says what it cost; read even where the rest makes no sense."""

    usage: _Usage
    service_tier: str | None = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]


class Client:
    """A client of one endpoint; close it when done."""

    def __init__(self, settings: Settings, provider: Provider, price: Price) -> None:
        """Keep what all requests have in common; nothing is sent yet.

        Raises:
            BadInput: The key cannot be one.
        """
        self._settings, self._provider, self._price = settings, provider, price
        self._key = _key_of(settings)
        self._api = openai.AsyncOpenAI(
            base_url=provider.base_url,
            api_key=self._key or "none",  # the SDK insists on one
            max_retries=0,
            timeout=httpx2.Timeout(settings.llm_timeout_seconds, connect=10.0),
            # Reviews go to the endpoint that was named, and to no other that it names.
            http_client=openai.DefaultAsyncHttpx2Client(follow_redirects=False),
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._api.close()

    async def ask(self, messages: list[dict[str, str]], max_output_tokens: int) -> Reply:
        """Send one request, without any retry, and say what became of it; raises nothing."""
        fields = self._provider.request_fields(self._settings, max_output_tokens)
        try:
            # The transport's own limit is one of silence; this one is of the whole.
            async with asyncio.timeout(self._settings.llm_timeout_seconds):
                raw = await self._api.chat.completions.with_raw_response.create(
                    model=self._settings.llm_model,
                    messages=messages,  # type: ignore[arg-type]
                    **fields,
                )
        except openai.APIStatusError as error:
            return self._failed(error, messages[-1]["content"])
        except (openai.APIConnectionError, TimeoutError) as error:
            return self._unanswered(error)
        response = raw.http_response
        return self._answered(response.content, response.status_code, response.headers)

    def _answered(self, body: bytes, status: int, headers: Mapping[str, str]) -> Reply:
        metered = _read(_Metered, body)
        common: dict[str, Any] = {
            "http_status": status,
            "request_id": self._word(headers.get("x-request-id")),
            **(self._bill(metered) if metered else {}),
        }
        completion = _read(_Completion, body)
        if completion is None:
            sentence = "The endpoint's answer is no chat completion."
            return Reply(Call(outcome="malformed", sentence=sentence, **common), None, headers)
        choice = completion.choices[0]
        outcome, sentence_, content = _judge(choice)
        return Reply(Call(outcome=outcome, sentence=sentence_, **common), content, headers)

    def _bill(self, metered: _Metered) -> dict[str, Any]:
        usage = metered.usage
        read, written = usage.prompt_tokens_details, usage.completion_tokens_details
        cached = read.cached_tokens if read else None
        cache_write = read.cache_write_tokens if read else None
        # Gemini counts what a model thought in the total only.
        output = max(usage.completion_tokens, (usage.total_tokens or 0) - usage.prompt_tokens)
        from_cache = min(cached or 0, usage.prompt_tokens)
        counted = Usage(
            input=usage.prompt_tokens,
            cached=from_cache,
            cache_write=min(cache_write or 0, usage.prompt_tokens - from_cache),
            output=output,
        )
        return {
            "service_tier": self._word(metered.service_tier),
            "input_tokens": usage.prompt_tokens,
            "cached_tokens": cached,
            "cache_write_tokens": cache_write,
            "output_tokens": output,
            "reasoning_tokens": written.reasoning_tokens if written else None,
            "cost_usd": self._price.cost(counted, metered.service_tier),
        }

    def _failed(self, error: openai.APIStatusError, asked: str) -> Reply:
        status, headers = error.response.status_code, error.response.headers
        code = self._word(error.code) or self._word(error.type)
        outcome = _outcome_of(status, code)
        sentence = self._sentence(outcome, f"{status} {code}" if code else str(status))
        if outcome == "rejected" and (said := self._said(error.body, asked)):
            sentence = f"{sentence} It says: {said}"
        call = Call(
            outcome=outcome,
            http_status=status,
            request_id=self._word(headers.get("x-request-id")),
            cost_usd=None if status in MAY_BE_BILLED else 0.0,  # what is refused is not billed
            sentence=sentence,
        )
        return Reply(call, None, headers)

    def _sentence(self, outcome: CallOutcome, code: str) -> str:
        model, host = self._settings.llm_model, self._provider.host
        match outcome:
            case "key_refused":
                return _key_refused(host, code)
            case "model_refused":
                return (
                    f"{self._provider.base_url} has no model {model} for this key ({code}). "
                    "Check both names."
                )
            case "quota_exhausted":
                return f"The account at {host} has no credit left ({code}). Top it up."
            case "content_filter":
                return f"{host} does not read this text ({code})."
            case "rate_limited":
                return f"{host} asks to slow down ({code})."
            case "rejected":
                return f"{host} rejects the request to {model} ({code})."
        return f"{host} is not well ({code})."

    def _word(self, value: object) -> str | None:
        """Pass on what is a plain word; anything else may hold what nobody should see."""
        is_word = isinstance(value, str) and _CODE.fullmatch(value) and not self._echoes(value)
        return str(value) if is_word else None

    def _said(self, body: object, asked: str) -> str | None:
        """Pass on an error's own plain words, unless they may be some of the key's or the review's.

        What it quotes is passed on if it can be the name of a parameter, and is no word of the
        review.
        """
        said = body.get("message") if isinstance(body, dict) else None
        said = " ".join(said[:MOST_SAID].split()) if isinstance(said, str) else ""
        if not _PLAIN.fullmatch(said) or _QUOTE.search(_NAME.sub("", said)) or self._echoes(said):
            return None
        words = set(re.findall(r"\w+", asked.casefold()))
        if any(name.casefold() in words for _, name in _NAME.findall(said)):
            return None
        bare, flat = _letters(said), _letters(asked)
        pieces = (bare[i : i + ECHO] for i in range(max(1, len(bare) - ECHO + 1)))
        return None if any(piece in flat for piece in pieces) else said

    def _echoes(self, said: str) -> bool:
        """Tell whether something said repeats a part of the key."""
        key, said, size = self._key.casefold(), said.casefold(), 6
        return any(key[i : i + size] in said for i in range(len(key) - size + 1))

    def _unanswered(self, error: Exception) -> Reply:
        host = self._provider.host
        if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
            sentence = f"{host} cannot be reached."
            call = Call(outcome="disconnected", cost_usd=0.0, sentence=sentence)  # nothing was sent
        elif isinstance(error, openai.APITimeoutError | TimeoutError):
            sentence = f"{host} gave no answer in {self._settings.llm_timeout_seconds:g} s."
            call = Call(outcome="timeout", sentence=sentence)
        else:
            call = Call(outcome="disconnected", sentence=f"{host} broke the connection off.")
        return Reply(call, None, {})


def _judge(choice: _Choice) -> tuple[CallOutcome, str | None, str | None]:
    """Return an answer's outcome, what is to say of it, and its text where there is one."""
    if choice.message.refusal:
        return "refused", "The model refuses to read this text.", None
    if choice.finish_reason == "content_filter":
        return "content_filter", "The provider's filter stopped the answer.", None
    if choice.finish_reason == "length":
        return "truncated", "The answer was cut off.", None
    if not choice.message.content:
        return "invalid", "The answer is empty.", None
    return "scored", None, choice.message.content


def _letters(text: str) -> str:
    """Return a text's letters and digits alone: in another case or spacing it is the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _outcome_of(status: int, code: str | None) -> CallOutcome:
    if code == "insufficient_quota" or status == 402:
        return "quota_exhausted"
    if code in ("model_not_found", "model_not_available") or status == 404:
        return "model_refused"
    if status in (401, 403):
        return "key_refused"
    if code in ("content_filter", "content_policy_violation"):
        return "content_filter"
    if status == 429:
        return "rate_limited"
    if status in (408, 409) or status >= 500:
        return "unavailable"
    return "rejected"


def _read(shape: type[Shape], body: bytes) -> Shape | None:
    try:
        return shape.model_validate_json(body)
    except ValidationError:
        return None


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `retry-after-ms` or `Retry-After` (seconds or a date); None without a sensible one."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if not value:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            then = parsedate_to_datetime(value)
            return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _key_of(settings: Settings) -> str:
    """Return the key, empty where there is none; errors about a header would repeat it."""
    key = settings.llm_api_key.get_secret_value().strip() if settings.llm_api_key else ""
    if not re.fullmatch(r"[!-~]*", key):
        raise BadInput("FILMPULSE_LLM_API_KEY holds a space or a character that no key has.")
    return key


def _key_refused(host: str, code: str) -> str:
    return (
        f"{host} refuses the key ({code}). Check FILMPULSE_LLM_API_KEY, or the password of the "
        "Connection filmpulse_llm."
    )


class _Model(BaseModel):
    id: str
    shutdown_date: str | None = None


class _Models(BaseModel):
    data: list[_Model]


def preflight(settings: Settings) -> list[str]:
    """Look whether the endpoint takes the key and goes on offering the model; one free request.

    Returns:
        What to warn of: the model ends within 60 days, or is not in the endpoint's list. Nothing
        where the endpoint has no list, or cannot be reached: then the first real request will tell.

    Raises:
        LlmRefused: It refuses the key (401). A key may be kept from the list alone (403).
        BadInput: The settings cannot be used.
    """
    provider, key = provider_for(settings), _key_of(settings)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx2.get(
            f"{provider.base_url}/models", headers=headers, timeout=PREFLIGHT_SECONDS
        )
    except httpx2.HTTPError as error:
        log.info("%s has not told its models: %s", provider.host, type(error).__name__)
        return []
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise LlmRefused(_key_refused(provider.host, "401"), reason="key_refused")
    listed = _read(_Models, response.content) if response.is_success else None
    if listed is None:
        log.info("%s has no list of models (%d).", provider.host, response.status_code)
        return []
    return _warnings(settings.llm_model, provider.host, listed, datetime.now(UTC).date())


def _warnings(model: str, host: str, listed: _Models, today: date) -> list[str]:
    # Gemini lists `models/name`, Ollama `name:latest`.
    names = (model, f"models/{model}", f"{model}:latest")
    found = [m for m in listed.data if m.id in names]
    if not found:
        return [f"{host} does not list the model {model}."]
    try:
        ends = date.fromisoformat((found[0].shutdown_date or "")[:10])
    except ValueError:
        return []
    if ends - today > WARN_BEFORE_SHUTDOWN:
        return []
    return [f"{host} shuts the model {model} down on {ends}: choose another before."]
