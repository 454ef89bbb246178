"""Other people's texts: escaped, marked and folded without a loss."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from filmpulse.web.texts import folded, marked

SCRIPT = "<script>alert(1)</script>"


def test_a_quote_is_marked_and_all_is_escaped() -> None:
    text = marked(f"A {SCRIPT} & B {SCRIPT}", SCRIPT)
    escaped = html.escape(SCRIPT)
    assert text == f"A <mark>{escaped}</mark> &amp; B {escaped}"
    assert marked("A", None) == marked("A", "") == marked("A", "B") == "A"


def test_a_short_text_has_no_rest() -> None:
    assert folded("word " * 100).rest == ""


def test_a_long_text_is_cut_between_words() -> None:
    text = folded("word " * 1000)
    assert text.head.endswith("word")
    assert len(text.head) < 800
    assert not text.is_open


def test_a_quote_in_the_rest_opens_it() -> None:
    text = folded("word " * 1000 + "the end", "the end")
    assert text.is_open
    assert "<mark>the end</mark>" in text.rest


@given(text=st.text(max_size=3000), start=st.integers(0, 3000), size=st.integers(0, 300))
def test_no_letter_is_lost_and_a_quote_is_whole(text: str, start: int, size: int) -> None:
    long = text + "x y" * 600
    quote = long[start : start + size]
    cut = folded(long, quote)
    both = cut.head + cut.rest
    assert html.unescape(both.replace("<mark>", "").replace("</mark>", "")) == html.unescape(
        html.escape(long)
    )
    if quote:
        assert "<mark>" in both
