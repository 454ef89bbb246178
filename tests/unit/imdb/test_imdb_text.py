"""The fast ways through text give what the plain ways give."""

import html
import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from filmpulse.items import canonical_text, text_from_html

PIECES = st.sampled_from(
    ["a", " ", "  ", "\n", "\r\n", "\r", "\t", "\0", "\x85", "\u00a0", "\u2028", "\u3000", "\x1c",
     "e\u0301", "\ud800", "\u200d", "日", "&", "&amp;", "&#39;", "&quot;", "&lt;", "&gt;", "&nbsp;",
     "&lt", "&not", "&am", "p;", "#39;", ";", "'", ">"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=20).map("".join)


def plainly(text: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    text = re.sub(r" ?\n ?", "\n", re.sub(r"[^\S\n]+", " ", "".join(kept)))
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
