"""What is taken out of a page before it is stored: whatever tells of a visitor or a reviewer.

The page is parsed, people are looked up in all of it first, then it is written anew. The rules:

* Scripts other than data, comments, images, forms' values and most attributes are not kept.
* Data (JSON in scripts and answers) are decoded, cleaned member by member and encoded again.
* Names go from every place where names stand, and from all other text, with two exceptions. What
  the site says of the movie stays, since a reviewer may call themselves "Drama". And a review's own
  text stays word for word, since its hash tells whether it was edited: it loses e-mail and IP
  addresses and ids of users, by whichever route it is read (`private.without_addresses`).
* A name that is one plain word and stands in a review's text too ("movie") goes only where names
  stand. Elsewhere it says nothing of anybody, and taking it out would spoil the page.

What is left parses to the same reviews. What cannot be parsed (a text, source shown as a page, JSON
that is cut off) cannot be cleaned: `NotCleaned`. Nobody may store such content.
"""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote

from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html

from filmpulse.errors import NotCleaned
from filmpulse.sources.imdb.private import (
    Cleaner,
    Found,
    decode_json,
    is_private,
)

__all__ = ["clean_page"]

_MOST_PASSES = 4  # until cleaning again changes nothing; a page that is well formed needs two

# Neither XML nor Postgres holds these; canonical text drops them too.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_IS_DATA = re.compile("json|__NEXT_DATA__", re.IGNORECASE)
_DROPPED = frozenset(
    {
        "style", "noscript", "template", "iframe", "object", "embed", "img", "picture", "source",
        "video", "audio", "input", "textarea", "svg", "base",
    }
)  # fmt: skip
# Attributes that stay as they are, but for ids and addresses; then those that hold words.
_HOOKS = frozenset(
    {
        "id", "class", "role", "rel", "type", "lang", "charset", "property", "hidden", "itemprop",
        "itemtype", "data-testid", "data-review-id", "data-key",
    }
)  # fmt: skip
_LABELS = frozenset({"aria-label", "title", "alt", "content", "datetime"})
_LINKS = frozenset({"href", "content"})
_HIDDEN = re.compile(r"display\s*:\s*none")

# Classes and test ids, seen 2022-10 to 2026-02; of who is signed in, in public test suites to 2026.
_OF_AUTHORS = frozenset({"author-link", "display-name-link"})
_SIGNED_IN = re.compile("account-toggle--logged-in|navbar__user-name|user-menu-toggle__name")
_CARDS = frozenset({"user-review-item", "review-card-parent", "imdb-user-review"})
_TEXTS = frozenset(
    {
        "review-summary", "review-overflow", "review-spoiler-content",
        "ipc-html-content-inner-div", "show-more__control",
    }
)  # fmt: skip
_FIGURES = frozenset(
    {
        "ipc-rating-star", "ipc-rating-star--rating", "rating-other-user-rating", "review-date",
        "ipc-voting__label__count", "ipc-voting__label__count--up",
        "ipc-voting__label__count--down", "actions", "tturv-total-reviews",
    }
)  # fmt: skip
_LONGEST_NAME, _MOST_TEXTS = 100, 20  # characters, and the texts that they stand in
_USER_PAGE = re.compile(r"/user/[^/]+/?(?P<below>.*)", re.DOTALL)
_NAMED_STARS = re.compile(r"^(.+)(?:'|\u2019)s rating\s*:", re.DOTALL)
_FIGURE = re.compile(r"[0-9]+")
# Where a page that was saved whole says its address: in a comment at its start.
_FIRST_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_COMMENT_CHARACTERS = 4_096
_ADDRESS = re.compile(r"https?://(?:www|m)\.imdb\.com(/title/tt[0-9]{7,9}/(?:[a-z]+/)?)")
_USER_ADDRESS = re.compile(r"imdb\.com/user/[^/?#]")
_IMDB_ADDRESS = re.compile(r"https?://(?:www|m)\.imdb\.com/", re.IGNORECASE)
_IMDB_DATA = re.compile(
    r'\[tconst\]|"(?:contentData|aboveTheFoldData|titleResults)"|/title/tt[0-9]{7}'
)
# The source of a page in place of a page: whom its words tell of cannot be told.
_SOURCE = re.compile(
    r"<(?:!doctype|html|head|body|script|article|div|a)\b"
    r'|\\*"(?:requestContext|userId|nickName|username|author|ipAddress)\\*"\s*:',
    re.IGNORECASE,
)


def clean_page(html: str, author_secret: bytes | None = None) -> str:
    """Take out of a page, or of a JSON answer, whatever tells of a visitor or a reviewer.

    Args:
        html: The page, whole or a fragment; JSON of a GraphQL answer does as well.
        author_secret: Given, each author's id becomes our own key, so that the cleaned page
            parses to the same `author_key`s; not given, authors are gone and keys are None.

    Returns:
        A whole page, or JSON on one line. Cleaning that once more changes nothing.

    Raises:
        NotCleaned: It is neither HTML nor JSON, holds data that cannot be read, shows the source
            of a page, is a page about a person, or something private was still found.
    """
    try:
        return _cleaned(_CONTROL.sub("", html), author_secret)
    except NotCleaned as error:
        raise NotCleaned(f"It cannot be cleaned of people's names and ids: {error}.") from None
    except Exception as error:  # whatever a hostile page brings about, it may not be stored
        raise NotCleaned(
            f"It cannot be cleaned of people's names and ids ({type(error).__name__})."
        ) from None


def _cleaned(text: str, secret: bytes | None) -> str:
    """Clean until nothing changes, and look once more for what must not be there."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    found = Found()
    if start in ("{", "["):
        value = decode_json(text)
        found.read(value)
        cleaner = Cleaner(found, secret)
        done = cleaner.json(text)
        again = cleaner.json(done)
    elif start == "<":
        document = _Document(text)
        document.find(found)
        cleaner = Cleaner(found, secret)
        document.clean(cleaner)
        done = document.settled()
        again_read = _Document(done)
        again_read.clean(cleaner)
        again = again_read.written()
    else:
        raise NotCleaned("it is neither HTML nor JSON")
    if again != done:
        raise NotCleaned("each reading gives another page")
    _check(done, cleaner)
    return done


def _check(cleaned: str, cleaner: Cleaner) -> None:
    """Search a cleaned page for what must not be there, also where it is written in another way.

    Raises:
        NotCleaned: Something was found.
    """
    plain = htmllib.unescape(cleaned) if "&" in cleaned else cleaned
    if is_private(plain):
        raise NotCleaned("an address, an id or a token was still found in it")
    for form in {cleaned, plain, unquote(plain) if "%" in plain else plain}:
        if any(value in form for value in cleaner.visit):
            raise NotCleaned("what it says of its visitor was still found in it")


class _Document:
    """A parsed page."""

    def __init__(self, html: str) -> None:
        """Parse the page as `Dom` does."""
        parser = lxml_html.HTMLParser(
            encoding="utf-8", huge_tree=True, remove_pis=True, remove_comments=True
        )
        self._root = lxml_html.document_fromstring(html.encode(), parser=parser)
        for script in self._root.iter("script"):
            if not _IS_DATA.search(f"{script.get('type')} {script.get('id')}"):
                script.tag = "style"
        etree.strip_elements(self._root, *_DROPPED, with_tail=False)
        self._link_to_own_address(html)

    def _link_to_own_address(self, html: str) -> None:
        """Link to the page's address if only the comment that a browser put at its start has it.

        Raises:
            NotCleaned: It is a page about a person.
        """
        comment = _FIRST_COMMENT.search(html, 0, _COMMENT_CHARACTERS)
        said = comment[1] if comment else ""
        if _USER_ADDRESS.search(said):
            raise NotCleaned("it is a page about a person")
        address = _ADDRESS.search(said)
        if address and not self._root.xpath("//link[@rel='canonical']"):
            link = etree.Element("link", rel="canonical", href=f"https://www.imdb.com{address[1]}")
            head = self._root.find("head")
            (self._root if head is None else head).insert(0, link)

    def find(self, found: Found) -> None:
        """Add whom the page names, in its data and where names stand, and its reviews' texts.

        Raises:
            NotCleaned: It is a page about a person, or nothing shows that it is IMDb's: where
                other pages name people is not known.
        """
        addresses = self._root.xpath(
            "//link[@rel='canonical']/@href | //meta[@property='og:url']/@content"
        )
        if any(_USER_PAGE.search(_path(address)) for address in addresses):
            raise NotCleaned("it is a page about a person")
        if not self._is_imdb(addresses):
            raise NotCleaned("nothing in it shows that it is a page of IMDb's")
        for holder in self._data():
            found.read(decode_json(holder.text))
        for element in self._elements():
            if _is_of_person(element) and not _is_below_profile(element):
                found.names.add(_shown_name(element))
            elif _hooks(element) & _TEXTS:
                found.texts.append(element.text_content())
            if named := _NAMED_STARS.match(element.get("aria-label", "")):
                found.names.add(named[1])

    def _is_imdb(self, addresses: list[str]) -> bool:
        marked = self._root.xpath(
            "//meta[@property='og:site_name' and @content='IMDb']"
            " | //*[starts-with(@data-testid, 'tturv-')]"
        )
        return (
            bool(marked)
            or any(_IMDB_ADDRESS.match(address) for address in addresses)
            or self._root.xpath("string(//title)").rstrip().endswith("- IMDb")
            or any(not _CARDS.isdisjoint(_hooks(element)) for element in self._elements())
            or any(_IMDB_DATA.search(holder.text) for holder in self._data())
        )

    def clean(self, cleaner: Cleaner) -> None:
        """Clean the tree.

        Raises:
            NotCleaned: Its data cannot be decoded, or it shows the source of a page.
        """
        holders = frozenset(self._data())
        for holder in holders:
            holder.text = cleaner.json(holder.text)
        shown: list[str] = []
        places = [_Place()]
        for event, element in etree.iterwalk(self._root, events=("start", "end")):
            if event == "end":
                places.pop()
                place = places[-1]
                element.tail = place.clean(element.tail, cleaner, shown)
                continue
            place = places[-1].within(element)
            places.append(place)
            if element not in holders:
                element.text = place.clean(element.text, cleaner, shown)
            _clean_attributes(element, place, cleaner)
        if _SOURCE.search("".join(shown)):
            raise NotCleaned("it shows the source of a page")

    def written(self) -> str:
        """Return the page as HTML."""
        written: str = etree.tostring(
            self._root, encoding="unicode", method="html", with_tail=False
        )
        return f"<!DOCTYPE html>{written}"

    def settled(self) -> str:
        """Return the page as HTML that is the same when read and written once more."""
        done = self.written()
        for _ in range(_MOST_PASSES):
            again = _Document(done).written()
            if again == done:
                break
            done = again
        return done

    def _data(self) -> Iterator[Any]:
        """Yield the scripts that hold JSON; others were dropped."""
        yield from (script for script in self._root.iter("script") if (script.text or "").strip())

    def _elements(self) -> Iterator[Any]:
        yield from self._root.iter(etree.Element)


class _Place(NamedTuple):
    """What kind of text stands at a place of the page, from all elements around it."""

    is_card: bool = False
    is_text: bool = False
    is_figure: bool = False
    is_person: bool = False

    def within(self, element: Any) -> _Place:
        """Return the place that an element makes; an open link of an author ends at a hook."""
        hooks = _hooks(element)
        is_card = self.is_card or not _CARDS.isdisjoint(hooks)
        is_text = not _TEXTS.isdisjoint(hooks) or (is_card and "title" in hooks)
        is_figure = not _FIGURES.isdisjoint(hooks)
        is_hooked = is_text or is_figure or not _CARDS.isdisjoint(hooks)
        return _Place(
            is_card,
            self.is_text or is_text,
            self.is_figure or is_figure,
            _is_of_person(element) or (self.is_person and not is_hooked),
        )

    def clean(self, text: str | None, cleaner: Cleaner, shown: list[str]) -> str | None:
        """Clean a text of the page; what stands outside of cards is added to `shown`."""
        if not text or not text.strip():
            return text
        if self.is_text:
            return cleaner.text(text)
        if self.is_person:
            return None
        text = cleaner.label(text, is_public=self.is_figure)
        if not self.is_card:
            shown.append(text)
        return text


def _clean_attributes(element: Any, place: _Place, cleaner: Cleaner) -> None:
    """Keep the attributes that a parser may need, cleaned."""
    for name, value in list(element.attrib.items()):
        kept: str | None = None
        if name == "style":
            kept = "display:none" if _HIDDEN.search(value) else None
        elif name in _LINKS and (name == "href" or "://" in value):
            kept = _clean_link(value, cleaner)
        elif name in _LABELS:
            said = _NAMED_STARS.sub("Rating:", value)
            kept = "" if place.is_person else cleaner.label(said, also_common=place.is_card)
            if place.is_figure and name == "aria-label":
                kept = " ".join(["Rating:", *_FIGURE.findall(said)[-1:]])
        elif name in _HOOKS:
            kept = cleaner.label(value, is_public=True)
        if kept is None:
            del element.attrib[name]
        elif kept != value:
            element.set(name, kept)
    if element.tag == "meta" and not (element.get("property") or element.get("charset")):
        element.attrib.pop("content", None)


def _clean_link(address: str, cleaner: Cleaner) -> str | None:
    """Cut a link before its question mark or semicolon: what follows may be of the visit."""
    address = _path(address.strip()).partition(";")[0]
    scheme = address.partition(":")[0].lower()
    if "/" not in address or (":" in address and scheme not in ("http", "https")):
        return None
    return cleaner.label(address)


def _hooks(element: Any) -> frozenset[str]:
    """Return the classes and the test id of an element."""
    return frozenset((*element.get("class", "").split(), element.get("data-testid", "")))


def _is_of_person(element: Any) -> bool:
    """Tell whether an element names an author or who is signed in.

    By its hooks, or as a link to a user's own page.
    """
    if not _OF_AUTHORS.isdisjoint(_hooks(element)) or _SIGNED_IN.search(element.get("class", "")):
        return True
    return element.tag == "a" and _USER_PAGE.search(_path(element.get("href", ""))) is not None


def _is_below_profile(element: Any) -> bool:
    """Tell whether an element links to a list of a user's, such as their ratings, by its name."""
    found = _USER_PAGE.search(_path(element.get("href", "")))
    return found is not None and bool(found["below"])


def _path(address: str) -> str:
    """Return a link up to its question mark, decoded: what follows may hold other links."""
    return unquote(re.split(r"[?#]", address, maxsplit=1)[0])


def _shown_name(element: Any) -> str:
    """Return the name in an element; of one that was never closed, its first words."""
    texts = list(islice((text for text in element.itertext() if text.strip()), _MOST_TEXTS))
    name = "".join(texts)
    return name if len(name) <= _LONGEST_NAME else texts[0]
