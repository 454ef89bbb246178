"""Read the cards of a reviews page, for pages without JSON and for reviews that it lacks.

Elements are found by test ids and classes that outlive a build of the site, never by `sc-...`
classes. Dates are those of a time zone in the USA: a day early in 75 of 75 reviews seen.
"""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from lxml import etree  # type: ignore[import-untyped]

from filmpulse.errors import LayoutChanged
from filmpulse.sources import KEYED
from filmpulse.sources.imdb.data import TITLE_IN_URL
from filmpulse.sources.imdb.shown import read_day, read_exact_number, read_number
from filmpulse.sources.markup import parse_html, with_class

_REVIEW_IN_URL = re.compile(r"/review/(rw[0-9]+)")
_AUTHOR_IN_URL = re.compile(rf"/user/(ur[0-9]+|{KEYED}[0-9a-f]{{32}})")
_ADDED = "added-to-the-end"
# HTML standard, 13.1.2.4 "Optional tags".
_END_TAG_OPTIONAL = {
    "html", "head", "body", "li", "dt", "dd", "p", "rt", "rp", "optgroup", "option", "colgroup",
    "caption", "thead", "tbody", "tfoot", "tr", "td", "th",
}  # fmt: skip
_LONGEST_TEXT, _HOLDERS = 500, 3  # characters of an element; ancestors of a text that are tried
_FOUND_HELPFUL = re.compile(r"([\d,]+) out of ([\d,]+) found")


class Card(NamedTuple):
    """One review card, its values named and shaped as in the page's JSON; `body` is HTML."""

    review_id: str
    imdb_id: str | None
    author: dict[str, str | None]
    title: str
    body: str
    rating: int | None
    submitted: str | None
    spoiler: bool
    votes: tuple[int | None, int | None]


class Dom:
    """A parsed page or fragment, however broken."""

    def __init__(self, html: str) -> None:
        """Parse the page."""
        self._root = parse_html(html)

    def cards(self, known: frozenset[str]) -> tuple[list[Card], int, str]:
        """Read the cards whose ids are not `known`, in page order, no id twice.

        Returns:
            The cards, the number of closed spoilers (whose text is not in the page), and the
            variant's name.

        Raises:
            LayoutChanged: A card has no id.
        """
        found = self._root.xpath(f"//article[{with_class('user-review-item')}]")
        found = found or self._root.xpath("//*[@data-testid='review-card-parent']")
        read, variant = (_card, "dom") if found else (_old_card, "dom-2024")
        found = found or self._root.xpath(f"//*[{with_class('imdb-user-review')}]")
        cards: dict[str, Card] = {}
        unopened: set[str] = set()
        for element in found:
            review_id = element.get("data-review-id") or _link(element, _REVIEW_IN_URL)
            if not review_id:
                raise LayoutChanged("A review card links to no review: its id cannot be read.")
            if review_id in known or review_id in cards:
                continue
            card = read(element, review_id)
            if card is None:
                unopened.add(review_id)
            else:
                cards[review_id] = card
        return list(cards.values()), len(unopened), variant

    def review_count(self) -> int | None:
        """Read the total above the list, such as "2,561 reviews"; None without a number."""
        return read_number(_text(self._root, "//*[@data-testid='tturv-total-reviews']"))

    def has_more(self) -> bool:
        """Say whether the page has a button for more reviews."""
        return bool(self._root.xpath(f"//*[{with_class('single-page-see-more-button')}]//button"))

    def visible_texts(self) -> Iterator[str]:
        """Yield the text of each visible element outside of review cards, up to 500 characters.

        Removes other elements from the tree: call it last.
        """
        unseen = (
            "//script | //style | //noscript | //template | //*[@hidden]"
            " | //*[contains(translate(@style, ' ', ''), 'display:none')]"
            f" | //*[{with_class('user-review-item')} or {with_class('imdb-user-review')}]"
            " | //*[@data-testid='review-card-parent']"
        )
        for element in self._root.xpath(unseen):
            if element is not self._root:
                element.drop_tree()
        for text in self._root.xpath("//text()[normalize-space()]"):
            yield " ".join(text.split())
            holder = text.getparent().getparent() if text.is_tail else text.getparent()
            for element in islice(chain([holder], holder.iterancestors()), _HOLDERS):
                if (whole := _short_text(element)) is not None:
                    yield whole


def is_cut_off(html: str) -> bool:
    """Say whether a page or a fragment ends within an element that needs an end tag.

    A page without `</html>` may be whole, as HTML lets some end tags be left out. An element that
    is added to a whole page lies in none that needs an end tag. Where a page ends within a tag or
    a comment, the addition becomes no element.
    """
    added = parse_html(f"{html}<i class={_ADDED}>").xpath(f"//i[@class='{_ADDED}']")
    return not added or any(a.tag not in _END_TAG_OPTIONAL for a in added[-1].iterancestors())


def _card(element: Any, review_id: str) -> Card | None:
    """Read a card of the markup since 2024-11; None for a closed spoiler."""
    button = element.xpath(f".//button[{with_class('review-spoiler-button')}]")
    opened = element.xpath(".//*[@data-testid='review-spoiler-content']")
    holders = opened or element.xpath(".//*[@data-testid='review-overflow']")
    inner = (holders[0] if holders else element).xpath(
        f".//*[{with_class('ipc-html-content-inner-div')}]"
    )
    body = _inner_html((inner or holders)[0]) if inner or holders else ""
    if not body and button:
        return None
    heading = ".//*[@data-testid='review-summary']"
    up, down = (f".//*[{with_class(f'ipc-voting__label__count--{way}')}]" for way in ("up", "down"))
    return Card(
        review_id=review_id,
        imdb_id=_link(element, TITLE_IN_URL, "/review/"),
        author={"userId": _link(element, _AUTHOR_IN_URL)},
        title=_text(element, f"{heading}//h3") or _text(element, heading),
        body=body,
        rating=read_number(_text(element, f".//*[{with_class('ipc-rating-star--rating')}]")),
        submitted=_day(element),
        spoiler=bool(button or opened),
        votes=(read_exact_number(_text(element, up)), read_exact_number(_text(element, down))),
    )


def _old_card(element: Any, review_id: str) -> Card:
    """Read a card of the markup that IMDb used until about 2024-11."""
    body = element.xpath(f".//*[{with_class('text')} and {with_class('show-more__control')}]")
    helpful = _FOUND_HELPFUL.search(_text(element, f".//*[{with_class('actions')}]"))
    up, cast = (read_number(helpful[1]), read_number(helpful[2])) if helpful else (None, None)
    return Card(
        review_id=review_id,
        imdb_id=_link(element, TITLE_IN_URL, "/review/"),
        author={"userId": _link(element, _AUTHOR_IN_URL)},
        title=_text(element, f".//a[{with_class('title')}]"),
        body=_inner_html(body[0]) if body else "",
        rating=read_number(
            _text(element, f".//*[{with_class('rating-other-user-rating')}]/span[1]")
        ),
        submitted=_day(element),
        spoiler=bool(element.xpath(f".//*[{with_class('spoiler-warning')}]")),
        votes=(up, None if up is None or cast is None else cast - up),
    )


def _day(element: Any) -> str | None:
    day = read_day(_text(element, f".//*[{with_class('review-date')}]"))
    return day.isoformat() if day else None


def _link(element: Any, pattern: re.Pattern[str], within: str = "/") -> str | None:
    for href in element.xpath(".//a/@href"):
        if within in href and (match := pattern.search(href)):
            return match[1]
    return None


def _text(element: Any, path: str) -> str:
    found = element.xpath(path)
    return " ".join(found[0].text_content().split()) if found else ""


def _short_text(element: Any) -> str | None:
    """Return the text of an element; None for more than `_LONGEST_TEXT` characters."""
    parts, length = [], 0
    for part in element.itertext():
        parts.append(part)
        length += len(part)
        if length > _LONGEST_TEXT:
            return None
    return " ".join("".join(parts).split())


def _inner_html(element: Any) -> str:
    head = htmllib.escape(element.text or "", quote=False)
    return head + "".join(etree.tostring(c, encoding="unicode", method="html") for c in element)
