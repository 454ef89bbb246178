"""The same request in each provider's words, to an address that gives nothing away."""

from __future__ import annotations

import inspect
import socket

import pytest
from openai.resources.chat.completions import AsyncCompletions
from pytest_socket import SocketBlockedError

from filmpulse.analysis.llm.prompt import response_format
from filmpulse.analysis.llm.providers import provider_for
from filmpulse.config import Settings
from filmpulse.errors import BadInput

OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
ELSEWHERE = "https://models.example/v1"
NO_CACHE = {"prompt_cache_options": {"mode": "explicit"}}


def settings(**values):
    return Settings(llm_api_key="sk-1", **{f"llm_{name}": v for name, v in values.items()})


def fields(**values):
    made = settings(**values)
    asked = provider_for(made).request_fields(made, 700)
    assert asked.pop("response_format") == response_format()
    return asked


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        (
            {},
            {
                "max_completion_tokens": 700,
                "reasoning_effort": "none",
                "store": False,
                "extra_body": NO_CACHE,
            },
        ),
        (
            {"model": "gpt-5.6-luna", "reasoning_effort": "low", "service_tier": "flex"},
            {
                "max_completion_tokens": 700,
                "reasoning_effort": "low",
                "store": False,
                "service_tier": "flex",
                "extra_body": NO_CACHE,
            },
        ),
        (
            {"model": "gpt-5.4-mini", "temperature": 0},
            {
                "max_completion_tokens": 700,
                "reasoning_effort": "none",
                "temperature": 0,
                "store": False,
            },
        ),
        (
            {"model": "gpt-4o-mini", "temperature": 0.5, "reasoning_effort": "high"},
            {"max_completion_tokens": 700, "temperature": 0.5, "store": False},
        ),
        (
            {"provider": "gemini", "model": "gemini-3.5-flash-lite", "temperature": 1},
            {"max_tokens": 700, "reasoning_effort": "none", "temperature": 1},
        ),
        (
            {"provider": "ollama", "model": "qwen3.5"},
            {"max_tokens": 700, "reasoning_effort": "none"},
        ),
        (
            {"provider": "vllm", "model": "gpt-6-luna"},
            {
                "max_tokens": 700,
                "extra_body": {"chat_template_kwargs": {"enable_thinking": False}},
            },
        ),
        (
            {"provider": "vllm", "model": "Qwen/Qwen3.5-9B", "reasoning_effort": "low"},
            {"max_tokens": 700, "reasoning_effort": "low"},
        ),
        ({"base_url": ELSEWHERE, "temperature": 0}, {"max_tokens": 700, "temperature": 0}),
    ],
    ids=str,
)
def test_each_provider_is_asked_in_its_own_words(values, asked):
    assert fields(**values) == asked


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        (OPENAI, "json_schema"),
        (ELSEWHERE, "json_schema"),
        ("http://localhost:11434", "json_schema"),
        ("https://ollama.com", "json_object"),
    ],
)
def test_a_schema_is_sent_where_it_is_looked_at(address, wanted):
    settings = Settings(llm_base_url=address)
    asked = provider_for(settings).request_fields(settings, 700)["response_format"]
    assert asked["type"] == wanted
    assert ("json_schema" in asked) == (wanted == "json_schema")


@pytest.mark.parametrize(
    ("values", "format_", "field"),
    [
        ({"answer_format": "json_schema"}, response_format(), "max_tokens"),
        ({"answer_format": "json_object"}, {"type": "json_object"}, "max_tokens"),
        ({"answer_format": "none"}, None, "max_tokens"),
        ({"token_field": "max_completion_tokens"}, response_format(), "max_completion_tokens"),
    ],
)
def test_the_settings_go_before_the_providers_own_form(values, format_, field):
    made = settings(base_url=ELSEWHERE, **values)
    asked = provider_for(made).request_fields(made, 700)
    assert asked.pop("response_format", None) == format_
    assert asked == {field: 700}


def test_a_form_leads_to_the_next_and_to_an_end():
    form = provider_for(settings()).form(settings())
    assert form == ("json_schema", "max_completion_tokens")
    assert form.next_format().next_format().answer_format == "none"
    assert form.next_format().next_format().next_format() is None
    assert form.other_field().token_field == "max_tokens"
    assert form.other_field().other_field() == form


def test_an_api_version_goes_with_the_address():
    azure = "https://x.openai.azure.com/openai/deployments/d"
    made = provider_for(settings(base_url=f"{azure}/chat/completions?api-version=2026-10-01"))
    assert (made.base_url, made.query) == (azure, {"api-version": "2026-10-01"})
    assert made.address == f"{azure}?api-version=2026-10-01"
    assert provider_for(settings(base_url=azure)).address == azure


def test_the_library_takes_every_field():
    taken = inspect.signature(AsyncCompletions.create).parameters
    for provider in ("openai", "gemini", "ollama", "vllm"):
        assert set(fields(provider=provider, temperature=1)) < set(taken)
    assert "service_tier" in taken


def test_no_request_changes_what_the_next_one_sends():
    fields(model="gpt-6-luna")["extra_body"]["prompt_cache_options"] = "changed"
    fields(provider="vllm")["extra_body"]["more"] = "changed"
    assert fields(model="gpt-6-luna")["extra_body"] == NO_CACHE
    assert "more" not in fields(provider="vllm")["extra_body"]


@pytest.mark.parametrize(
    ("address", "name", "base_url"),
    [
        (None, "openai", OPENAI),
        (OPENAI, "openai", OPENAI),
        (f" {OPENAI}/ ", "openai", OPENAI),
        ("https://api.openai.com", "openai", OPENAI),
        ("HTTPS://Api.OpenAI.com:443/v1", "openai", OPENAI),
        ("https://eu.api.openai.com/v1", "openai", "https://eu.api.openai.com/v1"),
        ("https://api.openai.com.evil.example/v1", "other", None),
        ("https://notapi.openai.com/v1", "other", None),
        ("https://models.example/api.openai.com", "other", None),
        (f"{GEMINI}/", "gemini", GEMINI),
        ("https://generativelanguage.googleapis.com", "gemini", GEMINI),
        ("http://localhost:11434", "ollama", "http://localhost:11434/v1"),
        ("http://localhost:11434/", "ollama", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "ollama", "http://localhost:11434/v1"),
        ("http://ollama:11434/v1", "ollama", None),
        ("http://ollama:80/v1", "other", "http://ollama/v1"),
        ("http://ollama:443/v1", "other", None),
        ("http://[::1]:11434/v1", "ollama", None),
        ("http://127.0.0.1:8000/v1", "other", None),
        ("https://models.example/", "other", "https://models.example"),
        (f"{OPENAI}/chat/completions", "openai", OPENAI),
        ("https://models.example/v1/chat/completions/", "other", ELSEWHERE),
        ("https://models.example:8443/Path/V1//", "other", "https://models.example:8443/Path/V1"),
    ],
)
def test_an_address_tells_its_provider_and_has_one_spelling(address, name, base_url):
    provider = provider_for(settings(base_url=address))
    assert (provider.name, provider.base_url) == (name, base_url or address)


@pytest.mark.parametrize(
    ("provider", "base_url", "is_free"),
    [
        ("openai", OPENAI, False),
        ("gemini", GEMINI, False),
        ("ollama", "http://127.0.0.1:11434/v1", True),
        ("vllm", "http://127.0.0.1:8000/v1", True),
    ],
)
def test_a_provider_that_is_only_named_is_where_it_usually_is(provider, base_url, is_free):
    made = provider_for(settings(provider=provider))
    assert (made.name, made.base_url, made.is_free) == (provider, base_url, is_free)


def test_a_name_goes_before_what_the_address_tells():
    made = provider_for(settings(provider="openai", base_url="http://127.0.0.1:8101"))
    assert (made.name, made.base_url) == ("openai", "http://127.0.0.1:8101/v1")
    assert made.host == "127.0.0.1:8101"


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost/v1",
        "http://models.localhost:9/v1",
        "http://127.9.8.7:1/v1",
        "http://[::1]/v1",
        "http://10.0.0.7/v1",
        "http://172.16.4.4/v1",
        "http://192.168.1.2:8000/v1",
        "http://[fd00::7]/v1",
        "http://vllm:8000/v1",
        "http://ollama.models.svc.cluster.local/v1",
        "http://host.docker.internal:8000/v1",
        "http://100.64.0.1:11434/v1",
        "http://100.127.255.254/v1",
        "http://models.some-tailnet.ts.net:8000/v1",
    ],
)
def test_unencrypted_is_enough_for_neighbours(address):
    assert provider_for(settings(base_url=address)).base_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://api.openai.com/v1",
        "http://8.8.8.8/v1",
        "http://134744072/v1",
        "http://0x08080808/v1",
        "http://8.8.2056/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://127.0.0.1.models.example/v1",
        "http://[2001:4860:4860::8888]/v1",
        "http://local.example/v1",
        "http://100.63.255.255/v1",
        "http://100.128.0.1/v1",
        "http://ts.net.example/v1",
    ],
)
def test_nothing_goes_over_the_net_unencrypted(address):
    with pytest.raises(BadInput, match="unencrypted"):
        provider_for(settings(base_url=address))


@pytest.mark.parametrize(
    "address",
    [
        "models.example/v1",
        "ftp://models.example/v1",
        "https:///v1",
        "https://",
        "https://models.example:port/v1",
        "https://models.example:99999/v1",
        "https://models.example:0/v1",
        "https://[::1/v1",
        "https://models example/v1",
        "https://models%2eexample/v1",
        "http://models\u3002example/v1",
        "http://mod\u00e8les/v1",
        "https://models.example/v1?key=hunter2",
        "https://models.example/v1#hunter2",
        "https://models.example/v1?api-version=1&key=hunter2",
        "https://models.example/v1?api-version=",
        "https://models.example/v1?api-version=hunter2%20x",
    ],
)
def test_what_is_no_address_is_said_without_repeating_it(address):
    with pytest.raises(BadInput, match="FILMPULSE_LLM_BASE_URL is no address") as caught:
        provider_for(settings(base_url=address))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("who", ["user:hunter2@", "hunter2@", ":hunter2@", "@"])
def test_no_password_in_an_address(who):
    with pytest.raises(BadInput, match="holds a password") as caught:
        provider_for(settings(base_url=f"https://{who}models.example/v1"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"provider": "opanai"}, "FILMPULSE_LLM_PROVIDER is none of openai, gemini, ollama, vllm"),
        ({"provider": "other"}, "set FILMPULSE_LLM_BASE_URL as well"),
        (
            {"temperature": 1, "reasoning_effort": "low"},
            "REASONING_EFFORT to be none",
        ),
        ({"provider": "gemini", "service_tier": "flex"}, "gemini has no service tiers"),
        ({"base_url": ELSEWHERE, "service_tier": "flex"}, "other has no service tiers"),
    ],
    ids=str,
)
def test_a_setting_that_could_not_be_obeyed_is_refused(values, message):
    with pytest.raises(BadInput, match=message):
        provider_for(settings(**values))


def test_no_address_is_looked_up():
    with pytest.warns(match="getaddrinfo"), pytest.raises(SocketBlockedError):
        socket.getaddrinfo("some-neighbour", 80)
    provider_for(settings(base_url="http://some-neighbour/v1"))
    provider_for(settings(base_url=ELSEWHERE))
