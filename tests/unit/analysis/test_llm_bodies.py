"""What an error, a page or a stream says is found whatever its shape, and nothing raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.llm.bodies import Fault, fault_in, page_title, plain_body


def body(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            {"error": {"message": "No.", "code": "odd", "type": "bad", "param": "store"}},
            Fault(None, ("odd", "bad"), "No.", "store"),
        ),
        ({"error": {"message": "No.", "code": 429}}, Fault(429, (), "No.")),
        ({"error": {"message": "No.", "code": "429"}}, Fault(429, (), "No.")),
        ({"error": {"message": "No.", "code": 7}}, Fault(None, (), "No.")),
        (
            [{"error": {"message": "No.", "code": 400, "status": "INVALID_ARGUMENT"}}],
            Fault(400, ("INVALID_ARGUMENT",), "No."),
        ),
        ({"error": "No."}, Fault(None, (), "No.")),
        ({"error": "No.", "code": "odd"}, Fault(None, ("odd",), "No.")),
        ({"object": "error", "message": "No.", "code": 404}, Fault(404, (), "No.")),
        ({"detail": "No."}, Fault(None, (), "No.")),
        ({"detail": [{"loc": []}]}, Fault()),
        (
            {"error": {"message": ["No."], "type": "overloaded_error"}},
            Fault(503, ("overloaded_error",)),
        ),
        (b"No.", Fault(message="No.")),
        ([], None),
        (b"", None),
        (b"<!DOCTYPE html><title>No.</title>", None),
        (b"[" * 50_000, Fault(message="[" * 20_000)),
        (b'{"error": {"code": ' + b"4" * 4_000 + b"}}", Fault()),
    ],
    ids=range(17),
)  # fmt: skip
def test_an_error_is_found_in_any_shape(said, fault):
    assert fault_in(body(said)) == fault


@pytest.mark.parametrize(
    "said",
    [
        {"choices": []},
        {"choices": None},
        {"error": None, "choices": [{}]},
        {"error": {}, "choices": [{"error": None}]},
        {"message": "All is well."},
        [],
        b"",
        b"All is well.",
        b"<html>",
    ],
)
def test_where_all_is_well_only_what_is_named_an_error_is_one(said):
    assert fault_in(body(said), is_answer=True) is None


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"message": "No.", "code": 502}},
        {"choices": [{"error": {"message": "No.", "code": 502}, "message": {"content": ""}}]},
    ],
)
def test_an_error_in_an_answer_or_its_choice_is_found(said):
    assert fault_in(body(said), is_answer=True) == Fault(502, (), "No.")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<html><title>Sign &amp;\n in</title>", "Sign & in"),
        (b"\n <!DOCTYPE HTML><html><head><TITLE lang='en'>Hm</TITLE>", "Hm"),
        (b"<html>", ""),
        (b"<title>No page</title>", None),
        (b'{"a": "<html>"}', None),
        (b"", None),
    ],
)
def test_a_page_is_told_by_its_beginning(page, title):
    assert page_title(page) == title


def test_a_streams_pieces_are_put_together():
    chunks = [
        {"choices": [{"delta": {"role": "assistant", "content": "a", "reasoning": "x"}}]},
        {"choices": [{"delta": {"content": "b"}, "finish_reason": None}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "{"}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "}"}}]}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 1}},
    ]
    lines = [
        ": waiting",
        "event: message",
        *(f"data: {json.dumps(c)}" for c in chunks),
        "data: [DONE]",
    ]
    whole, is_stream = plain_body("\r\n\r\n".join(lines).encode())
    assert is_stream
    assert json.loads(whole) == {
        "choices": [
            {
                "message": {
                    "content": "ab",
                    "reasoning": "x",
                    "tool_calls": [{"function": {"arguments": "{}"}}],
                },
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1},
    }


@pytest.mark.parametrize("said", [b'{"a": 1}', b"data: no JSON", b"", b": nothing", b"\n\n {}"])
def test_what_is_no_stream_stays_as_it_is(said):
    assert plain_body(said) == (said, False)
    assert plain_body(b"\xef\xbb\xbf" + said) == (said, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "choices", "delta", "code", "message", "content", "tool_calls"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_nothing_an_endpoint_sends_raises(said, is_answer):
    fault_in(body(said), is_answer=is_answer)
    whole, _ = plain_body(b"data: " + body(said))
    fault_in(whole, is_answer=is_answer)


@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_raise(said, is_answer):
    whole, _ = plain_body(said)
    fault_in(whole, is_answer=is_answer)
    page_title(whole)
