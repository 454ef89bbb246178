"""The fast ways through text give what the plain ways give."""

import html
import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from filmpulse.items import canonical_text, text_from_html

PIECES = st.sampled_from(
    ["a", " ", "  ", "\n", "\r\n", "\r", "\t", "\0", "\x85", "\u00a0", "\u2028", "\u3000", "\x1c",
     "\v", "\f", "\x8a", "\x81", "\u0307", "\x7f", "e\u0301", "\ud800", "\u200d", "日", "&",
     "&amp;", "&#39;", "&quot;", "&lt;", "&gt;", "&nbsp;", "&lt", "&not", "&am", "p;", "#39;",
     ";", "'", ">"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=20).map("".join)


def shown(character: str) -> str:
    if character in "\v\f":
        return "\n"
    if "\x80" <= character <= "\x9f":
        return character.encode("latin-1").decode("cp1252", "ignore") or " "
    if character in "\n\t":
        return character
    return {"Cc": " ", "Cs": ""}.get(unicodedata.category(character), character)


def plainly(text: str) -> str:
    text = "".join(map(shown, text.replace("\r\n", "\n").replace("\r", "\n")))
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r" ?\n ?", "\n", re.sub(r"[^\S\n]+", " ", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


@settings(max_examples=1000)
@given(TEXTS)
def test_canonical_text(text: str) -> None:
    assert canonical_text(text) == plainly(text)


@settings(max_examples=1000)
@given(TEXTS)
def test_entities(text: str) -> None:
    flat = text.replace("\r", " ").replace("\n", " ")
    assert text_from_html(text) == plainly(html.unescape(flat))
