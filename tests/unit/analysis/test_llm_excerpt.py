"""What an unusable answer looks like is shown, and nothing that may be from the review."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.llm.excerpt import EXCERPT_CHARACTERS, HIDDEN, excerpt
from filmpulse.items import ASPECTS

REVIEW = "Lantern Bay\n\nI cannot praise the plot; 7 of 10. Sound and themes score."


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            "{'acting': {'mentioned': False, 'score': -2}}",
            "{'acting': {'mentioned': False, 'score': -2}}",
        ),
        ("```json\n{\n", "```json {"),
        ("I'm sorry, but I cannot provide the plot.", "I'm sorry, … provide …."),
        ("<html><head><title>Sign in</title>", "<html><head><title>… in</title>"),
        ("Score: 7/10, or 8", "Score: …/…, or 8"),
        ("", ""),
        ("\u0000\u202e\\u0049 &#73; %49", "…#…; …"),
        ("静かな映画", "…"),
    ],
)
def test_the_frame_is_shown_and_the_rest_is_hidden(answer, shown):
    assert excerpt(answer, REVIEW) == shown


def test_words_that_stand_together_in_the_review_are_hidden_though_they_are_ours():
    assert excerpt("sound - themes", "Sound, themes.") == "… - …"
    assert excerpt("sound themes", "Themes, sound.") == "sound themes"


def test_no_more_than_the_beginning_is_shown():
    assert excerpt("{ " * 10_000, REVIEW) == ("{ " * (EXCERPT_CHARACTERS // 2)).strip()
    assert len(excerpt(" " * 10_000 + "{", REVIEW)) <= EXCERPT_CHARACTERS


OURS = {
    *ASPECTS,
    "overall",
    "mentioned",
    "quote",
    "score",
    "json",
    "think",
    "true",
    "false",
    "null",
}
OURS |= {"none", "html", "body", "head", "title", "doctype"}


@given(
    st.lists(
        st.sampled_from(["slow", "Choir", "the", "not", "I", "you", "plot", "ß", "x" * 9])
        | st.text(max_size=6),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([" ", "-", "_", "\n", "\t", "; "]),
    st.sampled_from([str, str.upper, str.title]),
)
def test_whatever_review_is_repeated_no_word_of_it_is_shown(words, gap, case):
    review = " ".join(words)
    said = excerpt(case(gap.join(words)), review)
    held = set(re.findall(r"\w+", unicodedata.normalize("NFKC", review).casefold()))
    assert not held & set(re.findall(r"\w+", said.casefold())) - OURS
    assert set(re.sub(r"[A-Za-z0-9]", "", said)) <= set("{}[]()<>\"'`:;,.!?*#=+-_/|~ " + HIDDEN)
