"""One request to a model's endpoint, whatever comes of it: what is kept, booked, said, and not.

The endpoints listen on loopback: llmock speaks OpenAI's words, makes up every quote and grades its
clients; what it cannot do, a plain HTTP server does.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from llmock.scenarios import Delay, Fail, Match, Reply
from pytest_httpserver import HTTPServer
from werkzeug import Response

from filmpulse.analysis.llm import client
from filmpulse.errors import BadInput, LlmRefused, LlmUnavailable
from filmpulse.items import ASPECTS

pytestmark = pytest.mark.usefixtures("no_lost_errors")

KEY = "sk-of-a-test-0cc175b9c0f1b6a8"
CHAT = "/v1/chat/completions"
QUOTE = "The choir of scene 0000"

# What gpt-6-luna costs by prices.toml, in USD per token.
READ, CACHED, WRITTEN_TO_CACHE, WRITTEN = 0.10e-6, 0.01e-6, 0.125e-6, 0.50e-6


@pytest.fixture
def settings(scoring, llmock):
    return scoring.settings(llmock.base_url())


def script(llmock, *faults):
    """Have these happen to the next chats; the list of models, looked at before, stays well."""
    llmock.add(*(replace(fault, match=Match(path=CHAT)) for fault in faults))


def chats(llmock):
    return [record for record in llmock.requests if record.path == CHAT]


def answer(score=1, quote=QUOTE):
    absent = {"mentioned": False, "quote": None, "score": None}
    answered = {"mentioned": True, "quote": quote, "score": score}
    return dict.fromkeys(ASPECTS, absent) | {
        "sound": answered,
        "overall": {"quote": quote, "score": score},
    }


def completion(content=None, *, finish="stop", refusal=None, **more):
    """Return the body of an answer in OpenAI's words."""
    content = json.dumps(answer()) if content is None else content
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-6-luna",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
        **more,
    }


class Endpoint:
    """A plain HTTP server that answers the next chats with these, and the last one for ever."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.base_url = server.url_for("/v1")
        self.next: list[object] = [completion()]
        server.expect_request(CHAT).respond_with_handler(self._answer)

    def _answer(self, request):
        body = self.next.pop(0) if len(self.next) > 1 else self.next[0]
        if not isinstance(body, Response) and callable(body):
            body = body(request)
        if isinstance(body, Response):
            return body
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return Response(text, content_type="application/json", headers={"x-request-id": "req_1"})

    def chats(self):
        return [request for request, _ in self.server.log if request.path == CHAT]


@pytest.fixture
def endpoint(httpserver):
    return Endpoint(httpserver)


@pytest.fixture
def plain(scoring, endpoint):
    return scoring.settings(endpoint.base_url)


def hang_up(request):
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response("")


# ------------------------------------------------------------------- llmock


def test_a_review_is_scored_and_made_up_quotes_are_dropped_and_counted(scoring, settings, llmock):
    [text] = scoring.many(1)
    [analysis] = scoring.run(settings, [text])
    assert (analysis.status, analysis.overall, analysis.overall_quote) == ("scored", -2, None)
    assert [(a.aspect, a.score, a.quote) for a in analysis.aspects] == [
        (name, -2, None) for name in ASPECTS
    ]
    [call] = scoring.calls()
    assert call["outcome"] == "scored"
    assert call["http_status"] == 200
    assert (call["quotes_given"], call["quotes_dropped"]) == (6, 6)
    usd = call["input_tokens"] * READ + call["output_tokens"] * WRITTEN
    assert float(call["cost_usd"]) == pytest.approx(usd, abs=1e-8)
    assert call["cost_usd"] < call["reserved_usd"]
    assert (analysis.input_tokens, analysis.output_tokens) == (
        call["input_tokens"],
        call["output_tokens"],
    )
    [asked] = chats(llmock)
    assert asked.sdk_retry_count == 0
    assert asked.body["store"] is False
    assert asked.body["model"] == "gpt-6-luna"
    assert asked.body["reasoning_effort"] == "none"
    assert asked.body["response_format"]["json_schema"]["strict"] is True
    assert text.text in asked.body["messages"][1]["content"]
    assert text.text not in asked.body["messages"][0]["content"]


def test_too_many_requests_wait_as_long_as_they_are_told(scoring, settings, llmock):
    script(llmock, Fail(429, retry_after=0.4, times=2))
    [analysis] = scoring.run(settings, scoring.many(1))
    assert analysis.status == "scored"
    assert scoring.outcomes() == ["rate_limited", "rate_limited", "scored"]
    assert [call["cost_usd"] for call in scoring.calls()[:2]] == [0, 0]
    llmock.assert_resilient(strict=True)


def test_who_asks_for_no_rest_is_given_some(scoring, settings, llmock):
    script(llmock, Fail(429, retry_after=0, times=3))
    [analysis] = scoring.run(settings, scoring.many(1))
    assert analysis.status == "scored"
    first, *_, last = chats(llmock)
    assert last.started_at - first.ended_at > 0.05 + 0.1 + 0.2


def test_a_retry_after_holds_for_every_request_of_the_run(scoring, settings, llmock):
    script(llmock, Fail(429, retry_after=0.5))
    scoring.run(settings, scoring.many(12))
    refused, *others = chats(llmock)
    assert refused.status == 429
    assert min(r.started_at for r in others) - refused.ended_at > 0.45


def test_an_endpoint_that_is_down_for_a_moment_is_asked_again_ever_more_slowly(
    scoring, settings, llmock
):
    script(llmock, Fail(503), Fail(500, times=3))  # a 503 of llmock asks for 1 s of rest
    [analysis] = scoring.run(settings, scoring.many(1))
    assert analysis.status == "scored"
    assert scoring.outcomes() == ["unavailable"] * 4 + ["scored"]
    llmock.assert_resilient(strict=True)
    # The same question each time, to the letter: its boundary is the text's, not the attempt's.
    assert len({record.fingerprint for record in chats(llmock)}) == 1


def test_what_was_too_slow_may_have_been_billed(scoring, llmock):
    script(llmock, Delay(1.5))
    settings = scoring.settings(llmock.base_url(), llm_timeout_seconds=0.5)
    [analysis] = scoring.run(settings, scoring.many(1))
    assert analysis.status == "scored"
    late, good = scoring.calls()
    assert (late["outcome"], late["cost_usd"], late["http_status"]) == ("timeout", None, None)
    assert "0.5 s" in late["sentence"]
    assert good["outcome"] == "scored"


def test_a_trickle_is_no_answer(scoring, endpoint):
    """A transport's own limit is one of silence, and here is never a silence of half a second."""
    whole = json.dumps(completion())
    let_go = threading.Event()

    def drip(_):
        letters = (let_go.wait(0.1) or letter for letter in whole[:40])
        return Response(map(str, letters), content_type="application/json")

    endpoint.next = [drip, completion()]
    [analysis] = scoring.run(
        scoring.settings(endpoint.base_url, llm_timeout_seconds=0.5), scoring.many(1)
    )
    let_go.set()
    assert analysis.status == "scored"
    assert scoring.outcomes() == ["timeout", "scored"]


@pytest.mark.parametrize("said", ["Two stars.", "```json\n{}\n```", "[]", "null", '{"overall": 1}'])
def test_an_answer_that_is_not_what_was_asked_for_is_final(scoring, settings, llmock, said):
    script(llmock, Reply(text=said))
    texts = scoring.many(1)
    [analysis] = scoring.run(settings, texts)
    assert (analysis.status, analysis.overall, analysis.aspects) == ("invalid", None, ())
    assert analysis.cost_usd > 0
    [call] = scoring.calls()
    assert said not in call["sentence"]
    assert [a.status for a in scoring.run(settings, texts, run_id="again")] == ["invalid"]
    assert len(chats(llmock)) == 1


def test_a_short_answer_gets_double_room_once(scoring, settings, llmock):
    script(llmock, Reply(text='{"storytelling": {"ment', finish_reason="length"))
    [analysis] = scoring.run(settings, scoring.many(1))
    assert analysis.status == "scored"
    first, second = chats(llmock)
    assert [r.body["max_completion_tokens"] for r in (first, second)] == [700, 1400]
    assert first.body["messages"] == second.body["messages"]  # never with the broken answer
    short, whole = scoring.calls()
    assert short["outcome"] == "truncated"
    assert short["cost_usd"] > 0
    assert whole["reserved_usd"] > short["reserved_usd"]
    paid = float(short["cost_usd"] + whole["cost_usd"])
    assert analysis.cost_usd == pytest.approx(paid, abs=1e-8)
    assert analysis.input_tokens == short["input_tokens"] + whole["input_tokens"]


def test_an_answer_that_is_short_twice_is_truncated_for_good(scoring, settings, llmock):
    script(llmock, Reply(text="{", finish_reason="length", times=2))
    texts = scoring.many(1)
    [analysis] = scoring.run(settings, texts)
    assert analysis.status == "truncated"
    scoring.run(settings, texts, run_id="again")
    assert len(chats(llmock)) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fail(429, code="insufficient_quota", times=None), "quota_exhausted"),
        (Fail(402, times=None), "quota_exhausted"),
        (Fail(401, message=f"Incorrect API key provided: {KEY}", times=None), "key_refused"),
        (Fail(403, times=None), "key_refused"),
        (Fail(404, code="model_not_found", times=None), "model_refused"),
    ],
)
def test_who_is_refused_stops_at_once_and_says_why(
    scoring, settings, llmock, caplog, fault, reason
):
    caplog.set_level(logging.DEBUG)
    script(llmock, fault)
    with pytest.raises(LlmRefused) as caught:
        scoring.run(settings, scoring.many(20))
    assert caught.value.reason == reason
    assert len(chats(llmock)) == 1  # the first goes alone
    said = str(caught.value) + caplog.text + str([c["sentence"] for c in scoring.calls()])
    cause = caught.value
    while cause := cause.__cause__ or cause.__context__:
        said += repr(cause)
    assert KEY not in said
    assert "0cc175b9" not in said
    assert [c["cost_usd"] for c in scoring.calls() if c["outcome"]] == [0] * len(scoring.calls())


def test_a_long_wait_is_not_waited_for(scoring, settings, llmock):
    script(llmock, Fail(429, retry_after=121, times=None))
    with pytest.raises(LlmUnavailable, match=r"wants 121 s of rest"):
        scoring.run(settings, scoring.many(20))
    assert len(chats(llmock)) == 1
    # The text was to be asked again; now it is free for the next run.
    [row] = scoring.rows("SELECT leased_until <= now() AS is_free FROM ops.llm_results")
    assert row["is_free"]


# ------------------------------------------------------- what llmock cannot do


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>502</html>",
        '{"choices": [',
        b"\xff\xfe\x00",
        [],
        {"choices": []},
        {"choices": {}},
        {"choices": [{"message": []}]},
        completion(["text"]) | {"usage": None},
        '{"choices": ' + "[" * 5000,
        b'{"choices": "' + b"x" * 10_000_000 + b'"}',
    ],
    ids=range(11),
)
def test_a_broken_answer_is_asked_for_again_and_counts_as_paid(scoring, plain, endpoint, body):
    endpoint.next = [body, completion()]
    [analysis] = scoring.run(plain, scoring.many(1))
    assert analysis.status == "scored"
    broken, good = scoring.calls()
    assert (broken["outcome"], broken["cost_usd"], broken["request_id"]) == (
        "malformed",
        None,
        "req_1",
    )
    assert good["outcome"] == "scored"


def test_what_a_broken_answer_cost_is_kept_where_it_says_so(scoring, plain, endpoint):
    endpoint.next = [completion() | {"choices": {}}, completion()]
    [analysis] = scoring.run(plain, scoring.many(1))
    broken, _ = scoring.calls()
    assert (broken["outcome"], broken["input_tokens"], broken["output_tokens"]) == (
        "malformed",
        900,
        100,
    )
    assert analysis.cost_usd == pytest.approx(2 * (900 * READ + 100 * WRITTEN))


def test_a_dropped_connection_is_tried_again_and_counts_as_paid(scoring, plain, endpoint):
    endpoint.next = [hang_up, completion()]
    [analysis] = scoring.run(plain, scoring.many(1))
    assert analysis.status == "scored"
    dropped, _ = scoring.calls()
    assert (dropped["outcome"], dropped["cost_usd"]) == ("disconnected", None)


def test_where_nobody_listens_nothing_is_paid_and_it_ends(scoring, monkeypatch):
    monkeypatch.setattr("filmpulse.analysis.llm.analyser.FIRST_BACKOFF_SECONDS", 0.001)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LlmUnavailable, match=rf"127.0.0.1:{port} cannot be reached"):
        scoring.run(scoring.settings(f"http://127.0.0.1:{port}/v1"), scoring.many(8))
    assert set(scoring.outcomes()) == {"disconnected"}
    assert {call["cost_usd"] for call in scoring.calls()} == {0}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (completion("", refusal="I will not read this."), "refused"),
        (completion("{", finish="content_filter"), "content_filter"),
        (completion("", finish="stop"), "invalid"),
    ],
)
def test_no_answer_is_an_answer_and_is_not_asked_for_again(scoring, plain, endpoint, body, status):
    endpoint.next = [body]
    texts = scoring.many(1)
    [analysis] = scoring.run(plain, texts)
    assert (analysis.status, analysis.overall) == (status, None)
    assert analysis.cost_usd > 0
    assert scoring.run(plain, texts, run_id="again")[0].status == status
    assert len(endpoint.chats()) == 1


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
def test_a_filter_may_also_answer_with_an_error(scoring, plain, endpoint, code):
    said = {"error": {"code": code, "message": "The choir of scene 0000 is not fit.", "param": 1}}
    endpoint.next = [Response(json.dumps(said), 400, content_type="application/json")]
    [analysis] = scoring.run(plain, scoring.many(1))
    assert analysis.status == "content_filter"
    assert "choir" not in scoring.calls()[0]["sentence"]


@pytest.mark.parametrize("body", ["", "[]", '{"error": []}', '{"error": "x"}', '[{"error": {}}]'])
def test_an_error_of_any_shape_is_an_error(scoring, plain, endpoint, body):
    endpoint.next = [Response(body, 503, content_type="application/json"), completion()]
    assert scoring.run(plain, scoring.many(1))[0].status == "scored"
    assert scoring.outcomes() == ["unavailable", "scored"]


def test_cached_tokens_and_the_tier_that_served_set_the_price(scoring, plain, endpoint):
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    endpoint.next = [completion(usage=usage, service_tier="flex")]
    scoring.run(plain, scoring.many(1))
    [call] = scoring.calls()
    usd = (600 * READ + 300 * CACHED + 100 * WRITTEN_TO_CACHE + 200 * WRITTEN) / 2
    assert float(call["cost_usd"]) == pytest.approx(usd, abs=1e-8)
    assert call["service_tier"] == "flex"
    assert [call[f"{kind}_tokens"] for kind in ("cached", "cache_write", "reasoning")] == [
        300, 100, 50,
    ]  # fmt: skip


BIG = 2**31 - 1


@pytest.mark.parametrize(
    ("usage", "is_known"),
    [
        (None, False),
        ([], False),
        ({"prompt_tokens": 900}, False),
        ({"prompt_tokens": -1, "completion_tokens": 1}, False),
        ({"prompt_tokens": 2**31, "completion_tokens": 1}, False),
        ({"prompt_tokens": BIG, "completion_tokens": BIG}, False),
        ({"prompt_tokens": 1e300, "completion_tokens": 1}, False),
        ({"prompt_tokens": "many", "completion_tokens": 1}, False),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": []}, False),
        # More cached than read: no negative price comes of it.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 5000, "cache_write_tokens": 70},
            },
            True,
        ),
    ],
    ids=range(10),
)
def test_a_usage_that_cannot_be_stops_nothing(scoring, endpoint, usage, is_known):
    # At this price what the endpoint claims would be more than the ledger's column holds.
    dear = scoring.settings(
        endpoint.base_url, llm_price_input_usd=3, llm_price_output_usd=15, llm_model="dear"
    )
    cheap = scoring.settings(endpoint.base_url)
    for number, settings in enumerate((dear, cheap)):
        endpoint.next = [completion(usage=usage), completion()]
        texts = scoring.add(f"{QUOTE} {number}", f"{QUOTE} and {number}")
        analyses = scoring.run(settings, texts, run_id=str(number))
        assert [a.status for a in analyses] == ["scored", "scored"]
        odd, _ = scoring.calls()[-2:]
        assert (odd["cost_usd"] is not None) == is_known
        assert odd["cost_usd"] is None or 0 <= odd["cost_usd"] <= odd["reserved_usd"]


@pytest.mark.parametrize("tier", ["a\0b", "x" * 10_000, "\u2028", 7, ["flex"], KEY + " "])
def test_a_tier_that_is_no_word_is_not_passed_on(scoring, plain, endpoint, tier):
    endpoint.next = [completion(service_tier=tier)]
    assert [a.status for a in scoring.run(plain, scoring.many(2))] == ["scored", "scored"]
    for call in scoring.calls():
        assert call["service_tier"] is None
        # Nobody knows what such a tier costs: the dearest there is, or what was set aside.
        usd = call["cost_usd"] or call["reserved_usd"]
        assert float(usd) >= 900 * READ + 100 * WRITTEN


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_review_goes_nowhere_but_to_the_address_given(scoring, plain, endpoint, status):
    with HTTPServer() as elsewhere:
        elsewhere.expect_request("/stolen").respond_with_json(completion())
        elsewhere_url = elsewhere.url_for("/stolen")
        endpoint.next = [Response("", status, headers={"location": elsewhere_url})]
        with pytest.raises(LlmRefused):
            scoring.run(plain, scoring.many(6))
        assert not elsewhere.log
    assert {call["http_status"] for call in scoring.calls()} == {status}


@pytest.mark.parametrize("key", ["sk-pasted-with…dots", "sk-with\nline", "sk two words", "sk-\x00"])
def test_a_key_that_none_can_be_is_told_before_anything_is_sent(scoring, endpoint, key):
    settings = scoring.settings(endpoint.base_url, llm_api_key=key)
    with pytest.raises(BadInput, match="key") as caught:
        scoring.run(settings, scoring.many(1))
    assert key not in str(caught.value)
    with pytest.raises(BadInput, match="key"):
        client.preflight(settings)
    assert not endpoint.server.log
    assert not scoring.calls()


# -------------------------------------------------------- the list of models


def listed(server, models):
    server.expect_request("/v1/models").respond_with_json({"object": "list", "data": models})


def warned(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@pytest.mark.parametrize(("days", "is_told"), [(59, True), (-3, True), (62, False)])
def test_the_end_of_a_model_is_told_in_time(scoring, plain, endpoint, caplog, days, is_told):
    ends = (datetime.now(UTC) + timedelta(days=days)).date()
    listed(endpoint.server, [{"id": "gpt-6-luna", "shutdown_date": ends.isoformat()}])
    scoring.run(plain, scoring.many(3))
    assert [str(ends) in said for said in warned(caplog)] == [True] * is_told


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([{"id": "other"}], ["does not list the model gpt-6-luna"]),
        ([{"id": "models/gpt-6-luna"}], []),
        ([{"id": "gpt-6-luna", "shutdown_date": "soon"}], []),
        ([{"id": 7}], []),
        ({"gpt-6-luna": {}}, []),
    ],
    ids=range(5),
)
def test_a_model_that_is_not_listed_is_told_of_and_odd_lists_are_not(
    scoring, plain, endpoint, caplog, models, said
):
    listed(endpoint.server, models)
    assert scoring.run(plain, scoring.many(1))[0].status == "scored"
    told = warned(caplog)
    assert len(told) == len(said)
    assert all(part in sentence for part, sentence in zip(said, told, strict=True))


def test_a_key_that_the_list_of_models_refuses_is_never_used(scoring, plain, endpoint):
    endpoint.server.expect_request("/v1/models").respond_with_data("no", status=401)
    with pytest.raises(LlmRefused) as caught:
        scoring.run(plain, scoring.many(3))
    assert caught.value.reason == "key_refused"
    assert not endpoint.chats()
    assert not scoring.calls()
