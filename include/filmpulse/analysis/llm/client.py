"""One request to an OpenAI-compatible chat endpoint, and what became of it.

Nothing that an endpoint sends is trusted. Its error texts may quote a key or a review, so only the
status, codes, and plain words that come from neither are passed on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, TypeGuard, TypeVar, get_args

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from filmpulse.analysis.llm.bodies import Fault, fault_in, page_title, plain_body
from filmpulse.analysis.llm.excerpt import letters
from filmpulse.analysis.llm.prices import Price, Usage
from filmpulse.analysis.llm.providers import Form, Provider, TokenField, provider_for
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LlmRefused
from filmpulse.items import Call, CallOutcome
from filmpulse.retry_after import retry_after

log = logging.getLogger(__name__)
logging.getLogger("httpx2").setLevel(logging.WARNING)  # below that it logs every request

WARN_BEFORE_SHUTDOWN = timedelta(days=60)
PREFLIGHT_SECONDS = 10.0

REFUSALS: frozenset[CallOutcome] = frozenset({"key_refused", "model_refused", "quota_exhausted"})
"""Outcomes after which no call of the run can succeed."""

Shape = TypeVar("Shape", bound=BaseModel)

# How endpoints name the answer's format, and how they say that they do not know a field.
_NAMES_FORMAT = re.compile(r"response[_ ]?format|json[_ ]?schema|json[_ ]?object")
_IS_UNKNOWN = re.compile(
    r"instead|unsupported|unknown|unexpected|unrecogni[sz]ed|unavailable|extra|"
    r"not (?:supported|permitted|allowed|recogni[sz]ed)"
)
_TOKEN_FIELD = re.compile("|".join(get_args(TokenField)))
_INSTEAD = re.compile(rf"instead of\W+({_TOKEN_FIELD.pattern})")

LATE = frozenset({408, 504, 522, 524})
"""Statuses by which a server between says that it waited in vain (those from 520 are Cloudflare's).
"""

MAY_BE_BILLED = LATE | {502, 520, 521, 523}
"""Statuses by which that server says that it got no answer; the model may have given one."""

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")

# No other scripts, and no sign that may stand for another character (as in JSON, HTML, an address).
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;()\[\]{}/_*+=<>?!'`-]+")
_NAME = re.compile(r"(['`])([A-Za-z0-9_.\[\]-]+)\1")
_QUOTE = re.compile(r"(?<![A-Za-z])['`]|['`](?![A-Za-z])")
MOST_SAID, ECHO = 200, 12
"""Most characters of an error text that are passed on; so many of the review's letters in a row
make the text an echo of the review."""

KEY_PIECE, MASKED_KEY_PIECE = 6, 4
"""So many characters of the key make a text an echo of the key; fewer where the key is refused, as
the text may hold the key in a masked form."""

_SENTENCES: dict[CallOutcome, str] = {
    "key_refused": "{host} refuses the key ({code}). Check FILMPULSE_LLM_API_KEY, or the password "
    "of the Connection filmpulse_llm.",
    "model_refused": "{base_url} has no model {model} for this key ({code}). Check both names.",
    "quota_exhausted": "The account at {host} has no credit left ({code}). Top it up.",
    "content_filter": "{host} does not read this text ({code}).",
    "rate_limited": "{host} asks to slow down ({code}).",
    "rejected": "{host} rejects the request to {model} ({code}).",
    "unavailable": "{host} is not well ({code}).",
}
"""What went wrong, for a person, by the outcome of a request that failed."""

_OK = HTTPStatus.OK


class Place(NamedTuple):
    """A text that may hold the answer, and the leniencies that it takes to read it there."""

    text: str
    leniencies: tuple[str, ...] = ()


class Reply(NamedTuple):
    """What became of a request.

    Attributes:
        call: How it ended. If the outcome is `scored`, the answer still has to be checked.
        headers: Those of the response, with lower-case names; empty if no response came.
        places: What the model wrote, the likeliest place of the answer first.
        is_repeatable: The endpoint did not know a field of the request; the next request omits it.
        is_web_page: A web page for people came in place of an API's answer.
    """

    call: Call
    headers: Mapping[str, str] = {}
    places: tuple[Place, ...] = ()
    is_repeatable: bool = False
    is_web_page: bool = False

    @property
    def is_late(self) -> bool:
        """Whether we, or a server between, waited for an answer in vain."""
        return self.call.outcome == "timeout" or self.call.http_status in LATE

    @property
    def retry_after(self) -> float | None:
        """How many seconds the endpoint asks to wait; None without a sensible header.

        Unlike review sites, endpoints of models also write milliseconds, and fractions of a second.
        """
        for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
            with suppress(KeyError, ValueError):
                return max(0.0, float(self.headers[name]) / unit)
        return retry_after(self.headers, datetime.now(UTC))


# No model reads or writes more at once; a larger figure is not believed.
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


_TEXT_PARTS = frozenset({"text", "output_text"})


class _Part(BaseModel):
    type: str = "text"
    text: Any = None


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: Any = None
    reasoning_content: Any = None
    reasoning: Any = None

    def places(self) -> list[Place]:
        """Return where the answer may be: in the content, a tool call, or else the reasoning."""
        content = self.content or ""
        words: tuple[str, ...] = ()
        if isinstance(content, list):
            texts = (part.text for part in content if part.type in _TEXT_PARTS)
            content, words = "".join(filter(_is_text, texts)), ("content_parts",)
        places = [Place(content, words)]
        places += [Place(said, ("tool_call",)) for said in _arguments(self.tool_calls)]
        thoughts = filter(_is_text, (self.reasoning_content, self.reasoning))
        reasons = [Place(said, ("reasoning",)) for said in thoughts]
        return _filled(places) or _filled(reasons)


def _filled(places: list[Place]) -> list[Place]:
    return [place for place in places if place.text.strip()]


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _arguments(tool_calls: object) -> Iterator[str]:
    """Return the arguments of tool calls as JSON, those of the last call first."""
    for call in reversed(tool_calls) if isinstance(tool_calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        given = function.get("arguments") if isinstance(function, dict) else None
        if given:
            yield given if _is_text(given) else json.dumps(given)


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Metered(BaseModel):
    """The part of an answer that says what it cost; read even if the rest makes no sense."""

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
        self._form, self._has_swapped_field = provider.form(settings), False
        self._api = openai.AsyncOpenAI(
            base_url=provider.base_url,
            api_key=self._key or "none",  # the SDK insists on one
            default_query=dict(provider.query),
            default_headers=_azure_headers(provider, self._key),
            max_retries=0,
            timeout=httpx2.Timeout(settings.llm_timeout_seconds, connect=10.0),
            # Reviews go to the endpoint that was named, and to no other that it names.
            http_client=openai.DefaultAsyncHttpx2Client(follow_redirects=False),
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._api.close()

    async def ask(self, messages: list[dict[str, str]], max_output_tokens: int) -> Reply:
        """Send one request, without any retry, and say what became of it; raises nothing.

        If the endpoint does not know the answer format or the token field, all later requests take
        the next form that it may know.
        """
        form = self._form
        fields = self._provider.request_fields(self._settings, max_output_tokens, form)
        asked = messages[-1]["content"]
        try:
            # The transport limits each silence; this limits the whole request.
            async with asyncio.timeout(self._settings.llm_timeout_seconds):
                raw = await self._api.chat.completions.with_raw_response.create(
                    model=self._settings.llm_model,
                    messages=messages,  # type: ignore[arg-type]
                    **fields,
                )
        except openai.APIStatusError as error:
            response = error.response
            fault = fault_in(plain_body(response.content)[0]) or Fault()
            reply = self._failed(response.status_code, fault, asked, response.headers)
            return self._asked_otherwise(reply, form, fault)
        except (openai.APIConnectionError, TimeoutError) as error:
            return self._unanswered(error)
        answer = raw.http_response
        return self._answered(answer.content, asked, answer.status_code, answer.headers)

    def _asked_otherwise(self, reply: Reply, form: Form, fault: Fault) -> Reply:
        """Change the form of later requests if a rejection names the form of this one.

        Requests that were under way in the same form do not change it again; they are repeated.
        """
        said = f"{fault.message} {fault.param}".casefold()
        names_format = _NAMES_FORMAT.search(said) is not None
        names_field = _unknown_field(fault) == form.token_field
        if reply.call.outcome != "rejected" or not (names_format or names_field):
            return reply
        if self._form == form:
            following = form.next_format() if names_format else form.other_field()
            is_swapped = following is not None and following.token_field != form.token_field
            if following is None or (is_swapped and self._has_swapped_field):
                return reply
            self._form, self._has_swapped_field = following, is_swapped or self._has_swapped_field
        sentence = f"{reply.call.sentence} From now on it is asked with {self._form}."
        call = reply.call.model_copy(update={"sentence": sentence})
        return reply._replace(call=call, is_repeatable=True)

    def _answered(self, body: bytes, asked: str, status: int, headers: Mapping[str, str]) -> Reply:
        body, is_stream = plain_body(body)
        metered = _read(_Metered, body)
        billed = self._bill(metered) if metered else {}
        if fault := fault_in(body, is_answer=True):
            # A stream may have brought tokens before its error: what they cost is not known.
            billed = {"cost_usd": None, **billed} if is_stream else billed
            return self._failed(status, fault, asked, headers, billed)
        request_id = self._word(headers.get("x-request-id"))
        common = {"http_status": status, "request_id": request_id, **billed}
        completion = _read(_Completion, body)
        if completion is None:
            sentence = self._shapeless(body, asked)
            is_page = headers.get("content-type", "").startswith("text/html")
            call = Call(outcome="malformed", sentence=sentence, **common)
            return Reply(call, headers, is_web_page=is_page)
        choice = completion.choices[0]
        outcome, sentence_ = _judge(choice)
        places = tuple(
            place._replace(leniencies=(*place.leniencies, *(["stream"] if is_stream else [])))
            for place in choice.message.places()
        )
        return Reply(Call(outcome=outcome, sentence=sentence_, **common), headers, places)

    def _shapeless(self, body: bytes, asked: str) -> str:
        title = page_title(body)
        if title is None:
            return "The endpoint's answer is no chat completion."
        said = self._said(title, asked)
        return (
            f"{self._provider.host} answers with a web page, perhaps a log-in"
            f"{f', titled {said!r}' if said else ''}. Check FILMPULSE_LLM_BASE_URL."
        )

    def _bill(self, metered: _Metered) -> dict[str, Any]:
        usage = metered.usage
        read = usage.prompt_tokens_details or _InputDetails()
        written = usage.completion_tokens_details or _OutputDetails()
        # Gemini counts a model's thoughts in the total only.
        output = max(usage.completion_tokens, (usage.total_tokens or 0) - usage.prompt_tokens)
        from_cache = min(read.cached_tokens or 0, usage.prompt_tokens)
        counted = Usage(
            input=usage.prompt_tokens,
            cached=from_cache,
            cache_write=min(read.cache_write_tokens or 0, usage.prompt_tokens - from_cache),
            output=output,
        )
        return {
            "service_tier": self._word(metered.service_tier),
            "input_tokens": usage.prompt_tokens,
            "cached_tokens": read.cached_tokens,
            "cache_write_tokens": read.cache_write_tokens,
            "output_tokens": output,
            "reasoning_tokens": written.reasoning_tokens,
            "cost_usd": self._price.cost(counted, metered.service_tier),
        }

    def _failed(
        self,
        status: int,
        fault: Fault,
        asked: str,
        headers: Mapping[str, str],
        billed: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Return the outcome that a status stands for; of a 200, the status that its body names."""
        meant = (fault.status or 500) if status == _OK else status
        code = next(filter(None, map(self._word, fault.codes)), None)
        outcome = _outcome_of(meant, code)
        number = str(status) if status == meant else f"{status} with {fault.status or 'an error'}"
        sentence = _SENTENCES[outcome].format(
            host=self._provider.host,
            base_url=self._provider.base_url,
            model=self._settings.llm_model,
            code=f"{number} {code}" if code else number,
        )
        piece = MASKED_KEY_PIECE if outcome == "key_refused" else KEY_PIECE
        # A filter's own words are about the review.
        said = self._said(fault.message, asked, piece) if outcome != "content_filter" else None
        is_unknown = meant in MAY_BE_BILLED or (status == _OK and fault.status is None)
        cost = {"cost_usd": None if is_unknown else 0.0}  # a refused request is not billed
        call = Call(
            outcome=outcome,
            http_status=status,
            request_id=self._word(headers.get("x-request-id")),
            sentence=f"{sentence} It says: {said}" if said else sentence,
            **{**cost, **(billed or {})},
        )
        return Reply(call, headers)

    def _word(self, value: object) -> str | None:
        """Pass on a plain word; anything else may hold part of the key or of the review."""
        is_word = isinstance(value, str) and _CODE.fullmatch(value) and not self._echoes(value)
        return str(value) if is_word else None

    def _said(self, said: str | None, asked: str, key_piece: int = KEY_PIECE) -> str | None:
        """Pass on an error's own words if they are plain, and from neither the key nor the review.

        A quoted word is passed on if it can be the name of a parameter and is not in the review.
        """
        said = " ".join((said or "")[:MOST_SAID].split())
        is_plain = _PLAIN.fullmatch(said) and not _QUOTE.search(_NAME.sub("", said))
        if not is_plain or self._echoes(said, key_piece):
            return None
        words = set(re.findall(r"\w+", asked.casefold()))
        if any(name.casefold() in words for _, name in _NAME.findall(said)):
            return None
        bare, flat = letters(said), letters(asked)
        pieces = (bare[i : i + ECHO] for i in range(max(1, len(bare) - ECHO + 1)))
        return None if any(piece in flat for piece in pieces) else said

    def _echoes(self, said: str, size: int = KEY_PIECE) -> bool:
        """Tell whether a text repeats any `size` characters of the key."""
        key, said = self._key.casefold(), said.casefold()
        return any(key[i : i + size] in said for i in range(len(key) - size + 1))

    def _unanswered(self, error: Exception) -> Reply:
        host = self._provider.host
        outcome: CallOutcome = "disconnected"
        cost_usd: float | None = None
        if sentence := _unsafe_certificate(host, error):
            cost_usd = 0.0
        elif isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
            sentence, cost_usd = f"{host} cannot be reached.", 0.0  # nothing was sent
        elif isinstance(error, openai.APITimeoutError | TimeoutError):
            outcome = "timeout"
            sentence = f"{host} gave no answer in {self._settings.llm_timeout_seconds:g} s."
        else:
            sentence = f"{host} broke the connection off."
        return Reply(Call(outcome=outcome, cost_usd=cost_usd, sentence=sentence))


def _judge(choice: _Choice) -> tuple[CallOutcome, str | None]:
    """Return an answer's outcome, and what went wrong, in a sentence."""
    if choice.message.refusal:
        return "refused", "The model refuses to read this text."
    if choice.finish_reason == "content_filter":
        return "content_filter", "The provider's filter stopped the answer."
    if choice.finish_reason == "error":
        return "unavailable", "The endpoint broke the answer off with an error."
    if choice.finish_reason == "length":
        return "truncated", "The answer was cut off."
    if not choice.message.places():
        return "invalid", "The answer is empty."
    return "scored", None


def _unsafe_certificate(host: str, error: BaseException) -> str | None:
    """Say that an endpoint's certificate is not trusted, if that caused an error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    return (
        f"The certificate of {host} is not trusted ({cause.verify_message}). If the endpoint is "
        "yours, set SSL_CERT_FILE to a file that holds its authority's certificate as well."
    )


def _unknown_field(fault: Fault) -> str | None:
    """Return the token field that a rejection calls unknown; it may name the other one as well."""
    said = (fault.message or "").casefold()
    if not _IS_UNKNOWN.search(said):
        return None
    if fault.param in get_args(TokenField):
        return fault.param
    replaced, first = _INSTEAD.search(said), _TOKEN_FIELD.search(said)
    return replaced[1] if replaced else first[0] if first else None


def _azure_headers(provider: Provider, key: str) -> dict[str, str]:
    """Return the header in which Azure takes a key, if the address has an `api-version`.

    It is sent beside the usual header: gateways in front of Azure take either.
    """
    return {"api-key": key} if provider.query and key else {}


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


def _key_of(settings: Settings) -> str:
    """Return the key, empty if there is none; refuse one that errors about a header would quote."""
    key = settings.llm_api_key.get_secret_value().strip() if settings.llm_api_key else ""
    if not re.fullmatch(r"[!-~]*", key):
        raise BadInput("FILMPULSE_LLM_API_KEY holds a space or a character that no key has.")
    return key


class _Model(BaseModel):
    id: str
    shutdown_date: str | None = None

    @property
    def ends_on(self) -> date | None:
        """The day on which it is shut down; None where none is named."""
        with suppress(ValueError):
            return date.fromisoformat((self.shutdown_date or "")[:10])
        return None


class _Models(BaseModel):
    data: list[_Model]


def preflight(settings: Settings) -> list[str]:
    """Ask the endpoint for its models, to check the key and the model; one free request.

    Returns:
        Warnings: the model ends within 60 days, or is not in the endpoint's list. Empty if the
        endpoint has no list (or keeps it from this key: 403), or cannot be reached: then the first
        real request will tell.

    Raises:
        LlmRefused: The endpoint refuses the key (401), or its certificate is not trusted.
        BadInput: The settings cannot be used.
    """
    listed = _listed_models(settings)
    if listed is None:
        return []
    model, host = settings.llm_model, provider_for(settings).host
    if (found := _find(model, listed)) is None:
        return [f"{host} does not list the model {model}."]
    ends_on = found.ends_on
    if ends_on is None or not ends_soon(ends_on):
        return []
    return [f"{host} shuts the model {model} down on {ends_on}: choose another before."]


def shutdown_date(settings: Settings) -> date | None:
    """Ask the endpoint when it shuts the model down; one free request.

    Returns:
        The day; None if the endpoint names none, has no list of models, or does not answer.

    Raises:
        LlmRefused, BadInput: As `preflight`.
    """
    listed = _listed_models(settings)
    found = _find(settings.llm_model, listed) if listed else None
    return found.ends_on if found else None


def ends_soon(ends_on: date) -> bool:
    """Tell whether a model ends so soon that another must be chosen."""
    return ends_on - datetime.now(UTC).date() <= WARN_BEFORE_SHUTDOWN


def _listed_models(settings: Settings) -> _Models | None:
    """Ask the endpoint for its models; None if it has no list or cannot be reached."""
    provider, key = provider_for(settings), _key_of(settings)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers |= _azure_headers(provider, key)
    try:
        response = httpx2.get(
            f"{provider.base_url}/models",
            params=provider.query,
            headers=headers,
            timeout=PREFLIGHT_SECONDS,
        )
    except httpx2.HTTPError as error:
        if unsafe := _unsafe_certificate(provider.host, error):
            raise LlmRefused(unsafe, reason="unsafe_certificate") from None
        log.info("%s did not list its models: %s", provider.host, type(error).__name__)
        return None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        sentence = _SENTENCES["key_refused"].format(host=provider.host, code=401)
        raise LlmRefused(sentence, reason="key_refused")
    listed = _read(_Models, response.content) if response.is_success else None
    if listed is None:
        log.info("%s has no list of models (%d).", provider.host, response.status_code)
    return listed


def _find(model: str, listed: _Models) -> _Model | None:
    # Gemini lists `models/name`, Ollama `name:latest`.
    names = (model, f"models/{model}", f"{model}:latest")
    return next((m for m in listed.data if m.id in names), None)
