"""SVG as text: elements, numbers, and text that every XML parser accepts.

Nothing here writes a `style` attribute or a `style` element: the pages' Content-Security-Policy
forbids both.
"""

from __future__ import annotations

import math
import re
from functools import cache

from markupsafe import Markup, escape

# What XML 1.0 forbids, and the marks that turn the direction of the text that follows them
# (Unicode Annex 9): within one label they could reorder its figures.
_UNWRITABLE = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)

Value = str | float | None


def tag(name: str, *children: str | Markup, **attributes: Value) -> Markup:
    """Write an element.

    Args:
        name: Its name.
        children: Text, which is escaped, and `Markup`, which is not.
        attributes: `class_` gives `class`, `text_anchor` gives `text-anchor`; an attribute that is
            None is left out; a number is rounded to hundredths.
    """
    written = "".join(
        [
            f' {_written_name(key)}="{_attribute(value)}"'
            for key, value in attributes.items()
            if value is not None
        ]
    )
    inner = "".join([_text(child) for child in children])
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")  # noqa: S704  all parts are escaped


def number(value: float) -> str:
    """Write a number as short as it can be, to hundredths.

    Raises:
        ValueError: The number is infinite or no number; `known` finds these before.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be drawn.")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(value: float) -> str:
    """Write a share of the width, 0 to 100."""
    return f"{number(value)}%"


def known(value: float | None) -> float | None:
    """Return a number; None for one that is infinite or no number."""
    return value if value is not None and math.isfinite(value) else None


def clean(text: str) -> str:
    """Return a text without what XML forbids and without marks that turn its direction."""
    if text.isascii() and text.isprintable():  # as nearly all are; the search takes longer
        return text
    return _UNWRITABLE.sub("", text)


@cache
def _written_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _text(child: str | Markup) -> Markup:
    return child if isinstance(child, Markup) else escape(clean(child))


def _attribute(value: Value) -> str:
    return escape(clean(value)) if isinstance(value, str) else number(value or 0)
