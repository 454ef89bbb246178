"""Other people's texts on a page: escaped, with a quote marked, and cut where they are long."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup, escape

_LONG, _HEAD = 1200, 700  # characters of a text that is folded, and about how many are shown


class Folded(NamedTuple):
    """A text of which the first part is shown, and the rest on request.

    `is_open` says that the rest holds the marked quote, and so is shown at once.
    """

    head: Markup
    rest: Markup
    is_open: bool


def marked(text: str, quote: str | None) -> Markup:
    """Escape a text, with the first occurrence of a quote in it marked."""
    before, found, after = text.partition(quote) if quote else (text, "", "")
    return (
        escape(before) + (Markup("<mark>{}</mark>").format(found) if found else "") + escape(after)
    )


def folded(text: str, quote: str | None = None) -> Folded:
    """Cut a long text at the end of a word; a short one has no rest."""
    if len(text) <= _LONG:
        return Folded(marked(text, quote), Markup(""), False)
    cut = max(text.rfind(" ", 0, _HEAD), text.rfind("\n", 0, _HEAD))
    cut = cut if cut > _HEAD // 2 else _HEAD
    at = text.find(quote) if quote else -1
    if at >= 0 and at < cut < at + len(quote or ""):
        cut = at + len(quote or "")  # a quote is never cut
    return Folded(marked(text[:cut], quote), marked(text[cut:], quote), at >= cut)
