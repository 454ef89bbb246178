"""Parse HTML, however broken."""

from __future__ import annotations

import re
from typing import Any

from lxml import html as lxml_html  # type: ignore[import-untyped]

from filmpulse.errors import ForeignPage

_MOST_ATTRIBUTES = 10_000  # of one tag; pages have dozens
# Possessive, so that each character is passed once. The text of a script or a comment is no tag.
_ATTRIBUTE = re.compile(r"""[\s/]++[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"']*+))?+""")
_START_TAG = re.compile(
    rf"<(?:!--(?:(?!-->).)*+|(?=[a-z])(?P<tag>(?P<script>script\b)?+[^\s/>]*+"
    rf"(?:{_ATTRIBUTE.pattern})*+)(?(script)(?:(?!</script).)*+))",
    re.IGNORECASE | re.DOTALL,
)


def parse_html(html: str) -> Any:
    """Parse a page without its NUL characters, which end a text for libxml2.

    Raises:
        ForeignPage: A tag has more than `_MOST_ATTRIBUTES`. libxml2 compares each attribute with
            all others: 100,000 take minutes, and no interrupt is heard meanwhile.
    """
    for found in _START_TAG.finditer(html):
        tag = found["tag"] or ""
        if len(tag) > 2 * _MOST_ATTRIBUTES and len(_ATTRIBUTE.findall(tag)) > _MOST_ATTRIBUTES:
            raise ForeignPage(
                f"A tag has more than {_MOST_ATTRIBUTES:,} attributes: save the page again."
            )
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
    raw = html.replace("\0", "").encode("utf-8", "replace")
    return lxml_html.document_fromstring(raw or b"<html></html>", parser=parser)


def with_class(name: str) -> str:
    """Return the XPath test for one class among several."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"
