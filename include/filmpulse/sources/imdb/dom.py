"""The visible side of a reviews page: the last resort, for pages whose JSON is gone or is older.

Only hooks that outlive a build are used, never `sc-...` classes. Dates here are those of a zone
in the USA: a day early in 75 of 75 reviews seen.
"""

from __future__ import annotations

import html as htmllib
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html

from filmpulse.errors import LayoutChanged

# A cleaned page names its authors by our own keys.
KEYED = "key-"

_TITLE_IN_URL = re.compile(r"/title/(tt[0-9]{7,9})\b")
_REVIEW_IN_URL = re.compile(r"/review/(rw[0-9]+)")
_AUTHOR_IN_URL = re.compile(rf"/user/(ur[0-9]+|{KEYED}[0-9a-f]{{32}})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_US_DATE = re.compile(r"([A-Z][a-z]{2})[a-z]*\.? (\d{1,2}), (\d{4})")
_OLD_DATE = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})")
_FOUND_HELPFUL = re.compile(r"([\d,]+) out of ([\d,]+) found")


@dataclass(frozen=True)
class Card:
    """One review card as shown; `body` is HTML, `submitted` the date shown."""

    review_id: str
    imdb_id: str | None
    author_id: str | None
    title: str
    body: str
    rating: int | None
    submitted: date | None
    is_spoiler: bool
    votes: tuple[int | None, int | None]


class Dom:
    """A parsed page or fragment, however broken."""

    def __init__(self, html: str) -> None:
        """Parse the page; NUL characters, which end a text for libxml2, are dropped."""
        parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
        raw = html.replace("\0", "").encode("utf-8", "replace")
        self._root = lxml_html.document_fromstring(raw or b"<html></html>", parser=parser)

    def cards(self, known: frozenset[str]) -> tuple[list[Card], int, str]:
        """Read the cards whose ids are not `known`, in page order, no id twice.

        Returns:
            The cards, the number of spoilers that nobody had opened (their text is not in the
            page), and the variant's name.

        Raises:
            LayoutChanged: A card without id.
        """
        found = self._root.xpath(f"//article[{_cls('user-review-item')}]")
        found = found or self._root.xpath("//*[@data-testid='review-card-parent']")
        read, variant = (_card, "dom") if found else (_old_card, "dom-2024")
        found = found or self._root.xpath(f"//*[{_cls('imdb-user-review')}]")
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
        """Read the announced total, such as "2,561 reviews"."""
        digits = re.sub(r"\D", "", _text(self._root, "//*[@data-testid='tturv-total-reviews']"))
        return int(digits) if digits else None

    def has_more(self) -> bool:
        """Tell whether a button for more reviews is there."""
        return bool(self._root.xpath(f"//*[{_cls('single-page-see-more-button')}]//button"))

    def visible_text(self) -> str:
        """Return what a reader sees outside of review cards, without scripts and hidden parts.

        Takes those parts out of the tree: nothing else can be read afterwards.
        """
        unseen = (
            "//script | //style | //noscript | //template | //*[@hidden]"
            " | //*[contains(translate(@style, ' ', ''), 'display:none')]"
            f" | //article[{_cls('user-review-item')}]"
        )
        for element in self._root.xpath(unseen):
            if element is not self._root:
                element.drop_tree()
        return " ".join(self._root.itertext())


def _card(element: Any, review_id: str) -> Card | None:
    """Read a card of the markup since 2024-11; None for a spoiler that is closed."""
    button = element.xpath(f".//button[{_cls('review-spoiler-button')}]")
    opened = element.xpath(".//*[@data-testid='review-spoiler-content']")
    holders = opened or element.xpath(".//*[@data-testid='review-overflow']")
    inner = (holders[0] if holders else element).xpath(
        f".//*[{_cls('ipc-html-content-inner-div')}]"
    )
    body = _inner_html((inner or holders)[0]) if inner or holders else ""
    if not body and button:
        return None
    heading = ".//*[@data-testid='review-summary']"
    up, down = (f".//*[{_cls(f'ipc-voting__label__count--{way}')}]" for way in ("up", "down"))
    return Card(
        review_id=review_id,
        imdb_id=_link(element, _TITLE_IN_URL, "/review/"),
        author_id=_link(element, _AUTHOR_IN_URL),
        title=_text(element, f"{heading}//h3") or _text(element, heading),
        body=body,
        rating=_whole(_text(element, f".//*[{_cls('ipc-rating-star--rating')}]")),
        submitted=_date(_text(element, f".//*[{_cls('review-date')}]")),
        is_spoiler=bool(button or opened),
        votes=(_whole(_text(element, up)), _whole(_text(element, down))),
    )


def _old_card(element: Any, review_id: str) -> Card:
    """Read a card of the markup that IMDb used until about 2024-11."""
    body = element.xpath(f".//*[{_cls('text')} and {_cls('show-more__control')}]")
    helpful = _FOUND_HELPFUL.search(_text(element, f".//*[{_cls('actions')}]"))
    up, cast = (_whole(helpful[1]), _whole(helpful[2])) if helpful else (None, None)
    return Card(
        review_id=review_id,
        imdb_id=_link(element, _TITLE_IN_URL, "/review/"),
        author_id=_link(element, _AUTHOR_IN_URL),
        title=_text(element, f".//a[{_cls('title')}]"),
        body=_inner_html(body[0]) if body else "",
        rating=_whole(_text(element, f".//*[{_cls('rating-other-user-rating')}]/span[1]")),
        submitted=_date(_text(element, f".//*[{_cls('review-date')}]")),
        is_spoiler=bool(element.xpath(f".//*[{_cls('spoiler-warning')}]")),
        votes=(up, None if up is None or cast is None else cast - up),
    )


def _cls(name: str) -> str:
    """Return the XPath test for one class among several."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


def _link(element: Any, pattern: re.Pattern[str], within: str = "/") -> str | None:
    for href in element.xpath(".//a/@href"):
        if within in href and (match := pattern.search(href)):
            return match[1]
    return None


def _text(element: Any, path: str) -> str:
    found = element.xpath(path)
    return " ".join(found[0].text_content().split()) if found else ""


def _inner_html(element: Any) -> str:
    head = htmllib.escape(element.text or "", quote=False)
    return head + "".join(etree.tostring(c, encoding="unicode", method="html") for c in element)


def _date(text: str) -> date | None:
    """Read "Dec 5, 2025" or "5 December 2024"; None for another language's form."""
    if us := _US_DATE.search(text):
        month, day, year = us[1], us[2], us[3]
    elif old := _OLD_DATE.search(text):
        day, month, year = old[1], old[2], old[3]
    else:
        return None
    try:
        return date(int(year), _MONTHS.index(month.lower()) + 1, int(day))
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    """Read "1,234"; None for nothing and for a rounded figure such as "1.2K"."""
    plain = text.replace(",", "")
    return int(plain) if plain.isdecimal() else None
