"""An endpoint that is slow, odd or hostile: what is asked again, booked, said and given up.

The endpoints are plain HTTP servers on loopback that read one request after another.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter

import pytest
from werkzeug import Response

from filmpulse.analysis.llm import analyser
from filmpulse.analysis.llm.keys import key_of
from filmpulse.analysis.llm.prompt import MAX_CHARACTERS
from filmpulse.analysis.llm.providers import provider_for
from filmpulse.errors import LlmRefused, LlmUnavailable
from filmpulse.items import ASPECTS

pytestmark = pytest.mark.usefixtures("no_lost_errors")

CHAT = "/v1/chat/completions"
ABSENT = {"mentioned": False, "quote": None, "score": None}
ANSWER = dict.fromkeys(ASPECTS, ABSENT) | {"overall": {"quote": None, "score": 1}}
USAGE = {"prompt_tokens": 900, "completion_tokens": 100}
SCORED = {
    "choices": [{"message": {"content": json.dumps(ANSWER)}, "finish_reason": "stop"}],
    "usage": USAGE,
}
SHAPELESS = {"choices": [], "usage": USAGE}


def respond(body, status=200):
    return Response(json.dumps(body), status, content_type="application/json")


def rejected(message="Bad request."):
    return respond({"error": {"message": message, "code": "odd"}}, 400)


class Endpoint:
    """Calls `answer` with each review, as it is sent, and keeps count of them."""

    def __init__(self, server):
        self.base_url = server.url_for("/v1")
        self.answer = lambda text: respond(SCORED)
        self.asked = Counter()
        server.expect_request(CHAT).respond_with_handler(self._respond)

    def _respond(self, request):
        text = json.loads(request.data)["messages"][1]["content"].partition("\n")[2]
        text = text.rpartition("\n")[0]
        self.asked[text] += 1
        return self.answer(text)


@pytest.fixture
def endpoint(httpserver):
    return Endpoint(httpserver)


@pytest.fixture
def settings(scoring, endpoint):
    return scoring.settings(endpoint.base_url)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(analyser, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(analyser, "LEASED_POLL_SECONDS", 0.05)


def statuses(analyses):
    return Counter(analysis.status for analysis in analyses)


def one_at_a_time(settings):
    return settings.model_copy(update={"llm_concurrency": 1})


# ------------------------------------------------------------------------- slowness


def test_who_answers_one_after_another_is_asked_no_faster(scoring, endpoint):
    """At 16 at once the eighth answer is too late already; all others would be bought in vain."""
    pause = threading.Event()
    endpoint.answer = lambda _: (pause.wait(0.1), respond(SCORED))[1]
    settings = scoring.settings(endpoint.base_url, llm_timeout_seconds=0.75)
    assert statuses(scoring.run(settings, scoring.many(30))) == {"scored": 30}
    assert Counter(scoring.outcomes())["timeout"] <= 30


def test_who_never_answers_is_given_up_before_every_text_was_tried_six_times(scoring, httpserver):
    ended = threading.Event()
    httpserver.expect_request(CHAT).respond_with_handler(lambda _: (ended.wait(), Response())[1])
    settings = scoring.settings(httpserver.url_for("/v1"), llm_timeout_seconds=0.1)
    with pytest.raises(LlmUnavailable, match="one after another"):
        scoring.run(settings, scoring.many(40))
    ended.set()
    assert scoring.outcomes() == ["timeout"] * analyser.MAX_LATE


def test_one_text_that_is_always_late_ends_no_run(scoring, endpoint):
    ended = threading.Event()
    endpoint.answer = lambda text: (
        (ended.wait(0.3), respond(SCORED))[1] if "0001" in text else respond(SCORED)
    )
    settings = scoring.settings(endpoint.base_url, llm_timeout_seconds=0.2, llm_concurrency=2)
    found = scoring.run(settings, scoring.many(6))
    ended.set()
    assert statuses(found) == {"scored": 5, "failed": 1}


# -------------------------------------------------------------------- what it costs


@pytest.mark.parametrize(
    ("status", "cost"),
    [(s, None) for s in (408, 502, 504, 520, 521, 522, 523, 524)]
    + [(s, 0) for s in (409, 429, 500, 503, 529)],
)
def test_what_a_server_between_gave_up_may_have_been_billed(
    scoring, settings, endpoint, status, cost
):
    bodies = [respond({"error": {"message": "x"}}, status)]
    endpoint.answer = lambda _: bodies.pop() if bodies else respond(SCORED)
    [analysis] = scoring.run(settings, scoring.many(1))
    assert analysis.status == "scored"
    failed, _ = scoring.calls()
    assert (failed["http_status"], failed["cost_usd"]) == (status, cost)


def test_an_answer_without_shape_that_is_billed_is_bought_twice_and_never_again(
    scoring, settings, endpoint
):
    endpoint.answer = lambda text: respond(SHAPELESS if "0001" in text else SCORED)
    texts = scoring.many(6)
    found = {a.review_id: a for a in scoring.run(settings, texts)}
    odd = found.pop(texts[1].review_id)
    assert (odd.status, odd.input_tokens) == ("invalid", 1800)
    assert statuses(found.values()) == {"scored": 5}
    assert statuses(scoring.run(settings, texts, run_id="again")) == {"scored": 5, "invalid": 1}
    assert endpoint.asked == {text.text: 1 for text in texts} | {texts[1].text: 2}


def test_an_endpoint_whose_answers_never_have_a_shape_is_given_up(scoring, settings, endpoint):
    endpoint.answer = lambda _: respond(SHAPELESS)
    with pytest.raises(LlmUnavailable, match="one after another"):
        scoring.run(one_at_a_time(settings), scoring.many(40))
    assert len(endpoint.asked) < 10
    assert set(endpoint.asked.values()) <= {1, 2}


# ---------------------------------------------------------------------- rejections


def test_one_text_that_is_always_rejected_is_final_where_others_are_answered(
    scoring, settings, endpoint
):
    endpoint.answer = lambda text: rejected() if "0003" in text else respond(SCORED)
    texts = scoring.many(6)
    assert statuses(scoring.run(one_at_a_time(settings), texts)) == {"scored": 5, "refused": 1}
    assert Counter(scoring.outcomes()) == {"scored": 5, "rejected": 1}
    scoring.run(settings, texts, run_id="again")
    assert endpoint.asked == {text.text: 1 for text in texts}


def test_a_text_that_is_rejected_where_none_is_answered_is_tried_again(scoring, settings, endpoint):
    endpoint.answer = lambda _: rejected()
    texts = scoring.many(1)
    assert statuses(scoring.run(settings, texts)) == {"failed": 1}
    endpoint.answer = lambda _: respond(SCORED)
    assert statuses(scoring.run(settings, texts, run_id="again")) == {"scored": 1}


def test_rejections_in_a_row_end_the_run_though_others_were_answered(scoring, settings, endpoint):
    texts = scoring.many(40)
    accepted = {text.text for text in texts[:10]}
    endpoint.answer = lambda text: respond(SCORED) if text in accepted else rejected()
    with pytest.raises(LlmRefused) as caught:
        scoring.run(one_at_a_time(settings), texts)
    assert caught.value.reason == "rejected"
    assert Counter(scoring.outcomes()) == {"scored": 10, "rejected": analyser.MAX_FAILURES}


REVIEW = "Żółta łódź sails “too slowly” for a café's choir. It's no masterpiece at all."


@pytest.mark.parametrize(
    "message",
    [
        "NUL \0 here",
        "half of a pair: \ud83d",
        "IT'S NO MASTERPIECE AT ALL",
        "it's  no\nmasterpiece\tat all",
        "It-s_no_masterpiece_at_all",
        "no input 'masterpiece' wanted",
        "no input `Masterpiece` wanted",
        "no input 'it's no' wanted",
        'no "input"',
        "no “input”",
        "\\u0049t's no",
        "&#73;t's no",
        "It%27s%20no%20masterpiece",
        "\u202eoffline",
        "x" * 199 + "'m" + "x" * 100,
        ["Unknown parameter."],
        {"a": 1},
        None,
        "",
    ],
    ids=range(19),
)
def test_what_may_be_a_reviews_words_is_not_said_and_stops_nothing(
    scoring, settings, endpoint, message
):
    endpoint.answer = lambda _: rejected(message)
    [analysis] = scoring.run(settings, scoring.add(REVIEW))
    assert analysis.status == "failed"
    [call] = scoring.calls()
    assert (call["outcome"], call["cost_usd"]) == ("rejected", 0)
    assert call["sentence"].endswith("rejects the request to gpt-6-luna (400 odd).")


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "`temperature` doesn't go with reasoning; it must be <= 1.",
        "messages[1].content is longer than 4,096 tokens (https://models.example/limits)",
    ],
)
def test_what_a_person_can_mend_is_said(scoring, settings, endpoint, message):
    endpoint.answer = lambda _: rejected(message)
    scoring.run(settings, scoring.add(REVIEW))
    assert scoring.calls()[0]["sentence"].endswith(f"It says: {message}")


def test_a_key_in_another_case_is_not_said(scoring, settings, endpoint):
    key = settings.llm_api_key.get_secret_value()
    endpoint.answer = lambda _: rejected(f"Not with {key.upper()} here.")
    scoring.run(settings, scoring.many(1))
    assert "0CC175B9" not in scoring.calls()[0]["sentence"]


def test_a_masked_key_is_not_said_and_other_words_of_a_refusal_are(scoring, settings, endpoint):
    key = settings.llm_api_key.get_secret_value()
    masked = f"Incorrect API key provided: {key[:4]}*****{key[-4:]}. Get another."
    for number, said in enumerate((masked, "This key may not use chat completions.")):
        endpoint.answer = lambda _, said=said: respond({"error": {"message": said}}, 401)
        with pytest.raises(LlmRefused) as caught:
            scoring.run(settings, scoring.many(1), run_id=str(number))
        assert caught.value.reason == "key_refused"
        assert ("It says: This key may not" in str(caught.value)) == (said is not masked)
        assert key[-4:] not in str(caught.value)


# ----------------------------------------------------------------------- the rest


def test_patience_begins_when_a_text_is_found_leased(scoring, settings, endpoint, monkeypatch):
    """What was long in hand before its turn came still waits for another worker."""
    slow = one_at_a_time(settings)
    texts = scoring.many(2)
    late, now = 0.0, analyser._now

    def answer(_):
        nonlocal late
        late = 1e6
        return respond(SCORED)

    endpoint.answer = answer
    monkeypatch.setattr(analyser, "_now", lambda: now() + late)
    with scoring.ledger("dead") as dead:
        key = key_of(texts[1].text, slow, provider_for(slow))
        assert isinstance(dead.begin(key, texts[1], most_usd=0.001, lease_seconds=1.0), int)
        assert statuses(scoring.run(slow, texts)) == {"scored": 2}


@pytest.mark.parametrize(("model", "effort"), [("gpt-6-luna", "none"), ("gpt-4o-mini", None)])
def test_an_analyser_is_known_by_the_effort_that_is_sent(scoring, endpoint, model, effort):
    settings = scoring.settings(endpoint.base_url, llm_model=model)
    with scoring.analyser(settings) as made:
        assert made.parameters == {
            "base_url": endpoint.base_url,
            "reasoning_effort": effort,
            "temperature": None,
        }


def test_a_text_that_is_cut_is_told_of_once(scoring, settings, endpoint, caplog):
    caplog.set_level(logging.INFO, logger="filmpulse")
    answers = [respond({}, 503)]
    endpoint.answer = lambda _: answers.pop() if answers else respond(SCORED)
    [long, short] = scoring.add("far too slow " * 2_000, "far too slow")
    assert statuses(scoring.run(settings, [long, short])) == {"scored": 2}
    assert set(endpoint.asked) == {long.text[:MAX_CHARACTERS], short.text}
    told = [r.getMessage() for r in caplog.records if "characters are sent" in r.getMessage()]
    assert told == [
        f"Of the review {long.review_id} the first 20000 of {len(long.text)} characters are sent."
    ]
