"""Remove all data about the visitor and the reviewers from a page before it is stored.

The page is parsed, its people are looked up, then it is written anew. The rules:

* Scripts without data, comments, images, forms' values and most attributes are dropped.
* Data (JSON in scripts and answers) are decoded, cleaned member by member and encoded again.
* Names are removed everywhere, with two exceptions. Facts about the movie stay, since a reviewer
  may be called "Drama". A review's text stays word for word, since its hash shows whether it was
  edited; only e-mail and IP addresses and ids of users are removed (`private.without_addresses`).
* A name that is one plain word and also in a review's text ("movie") is removed only in places
  that hold names. Elsewhere the word identifies nobody.

A cleaned page parses to the same reviews. A page that cannot be parsed (plain text, source shown as
a page, JSON that is cut off) raises `NotCleaned` and may not be stored.
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
from filmpulse.sources.imdb.private import Cleaner, Found, decode_json, is_private

_MOST_PASSES = 4  # of reading and writing until nothing changes; a well-formed page needs two

# Neither XML nor Postgres can hold these; canonical text drops them too.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_IS_DATA = re.compile("json|__NEXT_DATA__", re.IGNORECASE)
_DROPPED = frozenset(
    {
        "style", "noscript", "template", "iframe", "object", "embed", "img", "picture", "source",
        "video", "audio", "input", "textarea", "svg", "base",
    }
)  # fmt: skip
# Attributes that keep all but ids and addresses; then attributes that hold words.
_HOOKS = frozenset(
    {
        "id", "class", "role", "rel", "type", "lang", "charset", "property", "hidden", "itemprop",
        "itemtype", "data-testid", "data-review-id", "data-key",
    }
)  # fmt: skip
_LABELS = frozenset({"aria-label", "title", "alt", "content", "datetime"})
_LINKS = frozenset({"href", "content"})
_HIDDEN = re.compile(r"display\s*:\s*none")

# Classes and test ids of 2022-10 to 2026-02; those of who is signed in are from public test suites.
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
_LONGEST_NAME, _MOST_TEXTS = 100, 20  # characters of a name, and texts that it may be divided into
_USER_PAGE = re.compile(r"/user/[^/]+/?(?P<below>.*)", re.DOTALL)
_NAMED_STARS = re.compile(r"^(.+)(?:'|\u2019)s rating\s*:", re.DOTALL)
_FIGURE = re.compile(r"[0-9]+")
# A page that a browser saved whole has its address in a comment at the start.
_FIRST_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_COMMENT_CHARACTERS = 4_096
_ADDRESS = re.compile(r"https?://(?:www|m)\.imdb\.com(/title/tt[0-9]{7,9}/(?:[a-z]+/)?)")
_USER_ADDRESS = re.compile(r"imdb\.com/user/[^/?#]")
_IMDB_ADDRESS = re.compile(r"https?://(?:www|m)\.imdb\.com/", re.IGNORECASE)
_IMDB_DATA = re.compile(
    r'\[tconst\]|"(?:contentData|aboveTheFoldData|titleResults)"|/title/tt[0-9]{7}'
)
# The source of a page, shown as text: its names cannot be found.
_SOURCE = re.compile(
    r"<(?:!doctype|html|head|body|script|article|div|a)\b"
    r'|\\*"(?:requestContext|userId|nickName|username|author|ipAddress)\\*"\s*:',
    re.IGNORECASE,
)


def clean_page(html: str, author_secret: bytes | None = None) -> str:
    """Remove all data about the visitor and the reviewers from a page or a JSON answer.

    Args:
        html: A page, a fragment, or JSON.
        author_secret: If given, our own key takes the place of each author's id, so that the
            cleaned page parses to the same `author_key`s; otherwise they are None.

    Returns:
        A whole page, or JSON on one line. Cleaning it again changes nothing.

    Raises:
        NotCleaned: It is neither HTML nor JSON, holds data that cannot be read, shows the source
            of a page, is a page about a person, or something private is left.
    """
    try:
        return _cleaned(_CONTROL.sub("", html), author_secret)
    except NotCleaned as error:
        raise NotCleaned(f"It cannot be cleaned of people's names and ids: {error}.") from None
    except Exception as error:  # a page that breaks the cleaner may not be stored
        raise NotCleaned(
            f"It cannot be cleaned of people's names and ids ({type(error).__name__})."
        ) from None


def _cleaned(text: str, secret: bytes | None) -> str:
    """Clean, and check that cleaning again changes nothing and that nothing private is left."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    found = Found()
    if start in ("{", "["):
        found.read(decode_json(text))
        cleaner = Cleaner(found, secret)
        done = cleaner.json(text)
        again = cleaner.json(done)
    elif start == "<":
        document = _Document(text)
        document.find(found)
        cleaner = Cleaner(found, secret)
        document.clean(cleaner)
        done = document.settled()
        document = _Document(done)
        document.clean(cleaner)
        again = document.written()
    else:
        raise NotCleaned("it is neither HTML nor JSON")
    if again != done:
        raise NotCleaned("cleaning it again changes it")
    _check(done, cleaner)
    return done


def _check(cleaned: str, cleaner: Cleaner) -> None:
    """Raise `NotCleaned` if something private is left, plain or encoded."""
    plain = htmllib.unescape(cleaned) if "&" in cleaned else cleaned
    if is_private(plain):
        raise NotCleaned("an address, an id or a token is left in it")
    for form in {cleaned, plain, unquote(plain) if "%" in plain else plain}:
        if any(value in form for value in cleaner.visit):
            raise NotCleaned("data about its visitor are left in it")


class _Document:
    """A parsed page."""

    def __init__(self, html: str) -> None:
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
        """Keep the address that only the comment at the start of the page has, as a link."""
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
        """Add the names in the page's data and texts, and the texts of its reviews.

        Raises:
            NotCleaned: It is a page about a person, or not clearly IMDb's: the places where
                other pages name people are not known.
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
        for element in self._root.iter(etree.Element):
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
            or any(not _CARDS.isdisjoint(_hooks(e)) for e in self._root.iter(etree.Element))
            or any(_IMDB_DATA.search(holder.text) for holder in self._data())
        )

    def clean(self, cleaner: Cleaner) -> None:
        """Clean the tree.

        Raises:
            NotCleaned: The data cannot be decoded, or the page shows the source of a page.
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
        """Return the page as HTML that stays the same when it is read and written again."""
        done = self.written()
        for _ in range(_MOST_PASSES):
            again = _Document(done).written()
            if again == done:
                break
            done = again
        return done

    def _data(self) -> Iterator[Any]:
        """Yield the scripts that are not empty; all of them hold JSON."""
        yield from (script for script in self._root.iter("script") if (script.text or "").strip())


class _Place(NamedTuple):
    """Which kinds of element surround a text of the page."""

    is_card: bool = False
    is_text: bool = False
    is_figure: bool = False
    is_person: bool = False

    def within(self, element: Any) -> _Place:
        """Return the place within an element; an author's link that is never closed ends here."""
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
        """Clean a text of the page; add it to `shown` if it is outside of cards."""
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
    """Clean the attributes that a parser may need, and drop the others."""
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
    """Cut a link before its question mark or semicolon: the rest may be about the visit."""
    address = _path(address.strip()).partition(";")[0]
    scheme = address.partition(":")[0].lower()
    if "/" not in address or (":" in address and scheme not in ("http", "https")):
        return None
    return cleaner.label(address)


def _hooks(element: Any) -> frozenset[str]:
    """Return the classes and the test id of an element."""
    return frozenset((*element.get("class", "").split(), element.get("data-testid", "")))


def _is_of_person(element: Any) -> bool:
    """Say whether an element names an author or who is signed in, or links to a user's page."""
    if not _OF_AUTHORS.isdisjoint(_hooks(element)) or _SIGNED_IN.search(element.get("class", "")):
        return True
    return element.tag == "a" and _USER_PAGE.search(_path(element.get("href", ""))) is not None


def _is_below_profile(element: Any) -> bool:
    """Say whether an element links to a user's list, such as the ratings; its text is no name."""
    found = _USER_PAGE.search(_path(element.get("href", "")))
    return found is not None and bool(found["below"])


def _path(address: str) -> str:
    """Return a link up to its question mark, decoded: the rest may hold other links."""
    return unquote(re.split(r"[?#]", address, maxsplit=1)[0])


def _shown_name(element: Any) -> str:
    """Return the name in an element; its first text if the element was never closed."""
    texts = list(islice((text for text in element.itertext() if text.strip()), _MOST_TEXTS))
    name = "".join(texts)
    return name if len(name) <= _LONGEST_NAME else texts[0]
