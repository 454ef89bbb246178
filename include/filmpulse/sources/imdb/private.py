"""Find private data in IMDb's texts and JSON, and remove them.

Private are reviewers (name, id, link to their profile) and the visitor who saved the page (address,
account, cookies, ids of the visit). People of the movie are public.
"""

from __future__ import annotations

import html as htmllib
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson

from filmpulse.errors import NotCleaned
from filmpulse.items import author_key
from filmpulse.sources import KEYED

# Each pattern begins with rare characters and passes each run of characters once: a page made for
# harm would take hours otherwise.
USER_ID = re.compile(r"ur(?<![A-Za-z0-9]ur)[0-9]{4,}(?![0-9])")
_KEY = re.compile(rf"\b{KEYED}[0-9a-f]{{32}}\b")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})+")
_HEX = "[0-9A-Fa-f]{1,4}"
_IPV6 = re.compile(rf"(?<![\w.])(?:{_HEX}|(?=::))(?:::?{_HEX}){{2,7}}(?:::)?(?!\w)")
# Amazon's session ids and access tokens; a JSON Web Token; a cookie or token with its value.
_TOKEN = re.compile(
    r"\b\d{3}-\d{7}-\d{7}\b|\bAtz[ar]\|[\w+/=-]+"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\b(?:session-(?:id|token)|ubid-\w+|at-main|sess-at-main|x-main|aws-waf-token"
    r"|csrf-?token|access_token|id_token)\s*[=:]\s*[^\s;,&\"'<>]+",
    re.IGNORECASE,
)
# Entities for the characters of addresses; none of these has a meaning in HTML.
_REFERENCE = re.compile(r"&(?:#(\d{2,3})|#[xX]([0-9A-Fa-f]{2})|(commat|period|colon));?")
_OF_ADDRESSES = re.compile(r"[\w.+%@:-]", re.ASCII)
_NAMED = {"commat": "@", "period": ".", "colon": ":"}
# A text without any of these holds nothing of the above.
_SIGN = re.compile(r"[@=:]|ur[0-9]|[0-9][.-][0-9]|eyJ|Atz|key-|user(?:/|%2F)", re.IGNORECASE)
_USER_LINK = re.compile(r"(/user/)([^/?#\s\"'<>&]*)[^\s\"'<>]*")
_QUOTED_LINK = re.compile(r"%2Fuser%2F[^\s&\"'<>]*", re.IGNORECASE)
_TITLE_LINK = re.compile(r"/title/tt[0-9]|/review/rw[0-9]")
# JSON within a text that cannot be decoded: its names cannot be found.
_ESCAPED_DATA = re.compile(
    r'\\*"(?:requestContext|userId|nickName|username|author|ipAddress|cookie)\\*"\s*:'
)

# Keys of JSON as `_plain` writes them, from pages of 2022-10 to 2026-02 or from public code.
_EMPTIED = frozenset({"requestcontext", "translationcontext"})
_PEOPLE = frozenset(
    {"author", "authors", "reviewer", "submitter", "user", "account", "customer", "viewer"}
)
_NAMES = frozenset({"username", "nickname", "screenname", "firstname", "lastname", "fullname"})
_NAMES_BESIDE_IDS = _NAMES | {"name", "displayname", "nametext"}
_NAMES_OF_PEOPLE = _NAMES_BESIDE_IDS | {"text"}
_VISIT = (
    "ipaddress", "requestid", "sessionid", "customerid", "useragent", "cookie", "cookies", "email",
    "emailaddress", "forwardedfor", "authorization", "token",
)  # fmt: skip
TEXTS = frozenset(
    {"reviewtext", "reviewsummary", "originaltext", "plaidhtml", "plaintext", "reviewbody"}
)
"""Keys whose values a reviewer wrote."""
# Facts about movies and their people: a reviewer may have the same name.
_PUBLIC = frozenset(
    {
        "titletext", "originaltitletext", "titlenametext", "plot", "genre", "genres",
        "titlegenres", "directors", "directorspagetitle", "director", "cast", "castpagetitle",
        "castv2", "crewv2", "principalcredits", "principalcreditsv2", "actor", "writers",
        "primaryimage", "image", "certificate", "titletype", "alternatename", "description",
        "keywords", "typename",
    }
)  # fmt: skip

_MOST_WORDS = 8  # of a name
_LEAST_NAME, _LEAST_VISIT = 3, 6  # characters of what is removed within other text
_LEAST_WORD_OF_VISIT = 12  # characters of a word without a digit
# What looks like an id or a token; ids of movies and days look so too, but are public.
_OPAQUE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w+=.:|~-]{16,}")
_PUBLIC_ID = re.compile(r"(?:tt|rw|nm|co|ls)[0-9]+|\d{4}-\d\d-\d\d|\S*/title/tt[0-9]+\S*")
_WORD = re.compile(r"\w+")
# Chinese, Japanese, Korean and Thai put no space after a name.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def decode_json(text: str) -> Any:
    """Decode JSON, also with lone surrogates, which orjson refuses; None where it is no JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


def encode_json(value: Any) -> str:
    """Encode JSON on one line, without `<`, so that a script can hold it."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate, or a whole number of more than 64 bits
        text = json.dumps(value, separators=(",", ":"))
    for mark in "<\ufffe\uffff":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def without_addresses(text: str) -> str:
    """Return a review's text without e-mail and IP addresses and ids of users.

    The live site, saved pages and cleaned pages are all read through this, so that one review has
    one hash.
    """
    if "@" in text:
        text = _EMAIL.sub("[e-mail]", text)
    text = _IPV4.sub(_without_address, text)
    if "::" in text or text.count(":") > 6:  # as every IPv6 address
        text = _IPV6.sub(_without_address, text)
    return USER_ID.sub("[user]", text)


def _without_address(found: re.Match[str]) -> str:
    """Return `[address]` for an IP address, but other text (12:30:45, a::b) as it is."""
    text = found[0]
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return text
    return "[address]" if "." in text or sum(map(bool, text.split(":"))) >= 3 else text


def is_private(text: str) -> bool:
    """Say whether a text holds an e-mail or IP address, an id of a user, or a token."""
    return without_addresses(text) != text or _TOKEN.search(text) is not None


def written_plainly(text: str) -> str:
    """Replace HTML entities for characters of addresses by these characters."""

    def plain(found: re.Match[str]) -> str:
        number = int(found[1]) if found[1] else int(found[2], 16) if found[2] else 0
        character = _NAMED[found[3]] if found[3] else chr(number)
        return character if _OF_ADDRESSES.fullmatch(character) else found[0]

    return _REFERENCE.sub(plain, text) if "&" in text else text


class Names:
    """Names of people, found as whole words in any case and spacing.

    A common name is one plain word that a review uses too, such as "movie". It is removed only
    where it is the whole text, or where the caller says that the text holds names.
    """

    def __init__(self, names: Iterable[str], used: set[str]) -> None:
        """Prepare the search; `used` are the words of the reviews, in lower case."""
        self._exact = {" ".join(name.split()).lower() for name in names if name.strip()}
        self._unspaced = sorted(
            (n for n in self._exact if _UNSPACED.search(n) and len(n) > 1), key=len, reverse=True
        )
        words = {tuple(_WORD.findall(name)) for name in self._exact}
        # Short names and numbers are removed only where they are the whole text.
        self._words = {
            name
            for name in words
            if len(name) <= _MOST_WORDS
            and len("".join(name)) >= _LEAST_NAME
            and not "".join(name).isdecimal()
            and name != ("imdb",)
        }
        self._common = {(word,) for word in used if (word,) in self._words and word.isalpha()}
        self._lengths = sorted({len(w) for w in self._words}, reverse=True)

    def remove(self, text: str, *, also_common: bool = False) -> str:
        """Return the text without the names."""
        if not self._exact:
            return text
        if " ".join(text.split()).lower() in self._exact:
            return ""
        for name in self._unspaced:
            text = re.sub(re.escape(name), "", text, flags=re.IGNORECASE)
        found = list(_WORD.finditer(text))
        words = [word[0].lower() for word in found]
        parts, done, at = [], 0, 0
        while at < len(words):
            length = self._length_at(words, at, also_common)
            if length:
                parts.append(text[done : found[at].start()])
                done = found[at + length - 1].end()
            at += length or 1
        return "".join(parts) + text[done:] if done else text

    def _length_at(self, words: list[str], at: int, also_common: bool) -> int:
        """Return the number of words of the longest name that begins at a word, or 0."""
        for length in self._lengths:
            candidate = tuple(words[at : at + length])
            if candidate in self._words and (also_common or candidate not in self._common):
                return len(candidate)  # fewer at the end of the text
        return 0


@dataclass
class Found:
    """The private data of a page, found before any are removed.

    `visit` holds the values of `requestContext` that other places may repeat, `texts` the texts of
    reviews.
    """

    names: set[str] = field(default_factory=set)
    visit: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def read(self, value: Any) -> None:
        """Search decoded JSON, and JSON within its strings."""
        for holder, key, inner in _members(value):
            plain = _plain(key)
            if plain == "requestcontext":
                self._read_visit(inner)
            elif _says_who(plain, holder):
                self.names |= set(_names_of(inner))
            elif not isinstance(inner, str):
                continue
            elif plain.endswith(_VISIT):
                self._read_visit({key: inner})
            elif plain in TEXTS:
                self.texts.append(inner)
            elif inner[:1] in ("{", "["):
                self.read(decode_json(inner))

    def _read_visit(self, context: Any) -> None:
        for key, value in _strings(context):
            plain = _plain(key)
            if plain in _NAMES_OF_PEOPLE - {"text", "name"}:
                self.names.add(value)
                continue
            told = {value}
            if not plain.endswith("useragent"):
                pieces = re.split(r"[,;\s]+", value)
                told |= {*pieces, *(piece.partition("=")[2] for piece in pieces)}
            is_told = plain.endswith(_VISIT)
            self.visit |= {one for one in told if _tells_of_a_visit(one, is_told)}

    def known_names(self) -> Names:
        """Return the names, ready to be searched for."""
        used = {word.lower() for text in self.texts for word in _WORD.findall(text)}
        return Names(self.names, used)


class Cleaner:
    """Removes private data of a page from texts and decoded JSON."""

    def __init__(self, found: Found, author_secret: bytes | None) -> None:
        """Take what was found in the whole page; the secret as `clean_page`."""
        self.names = found.known_names()
        self.visit = sorted(found.visit, key=len, reverse=True)
        self._secret = author_secret

    def stand_in(self, user_id: str) -> str:
        """Return our key for a user; nothing without a secret."""
        if self._secret is None or not user_id:
            return ""
        if _KEY.fullmatch(user_id):
            return user_id
        return f"{KEYED}{author_key('imdb', user_id, self._secret)}"

    def text(self, text: str) -> str:
        """Clean a review's text: remove addresses and ids, keep every other word."""
        return without_addresses(written_plainly(self._without_visit(text)))

    def label(self, text: str, *, is_public: bool = False, also_common: bool = False) -> str:
        """Clean any other text or attribute.

        Args:
            text: As a reader sees it.
            is_public: It is about the movie: keep words that are names elsewhere.
            also_common: It holds names: remove common ones too.
        """
        text = self._without_visit(text)
        if _SIGN.search(text):
            text = USER_ID.sub(lambda user: self.stand_in(user[0]), self.link(text))
            text = _TOKEN.sub("", without_addresses(text))
            text = text if self._secret else _KEY.sub("", text)
        if is_public or (_TITLE_LINK.search(text) and len(text.split()) == 1):
            return text
        return self.names.remove(text, also_common=also_common)

    def link(self, address: str) -> str:
        """Replace the user in a link by our key, or by nothing, and cut what follows."""

        def keyed(link: re.Match[str]) -> str:
            user = unquote(link[2])
            known = USER_ID.fullmatch(user) or _KEY.fullmatch(user)
            return f"{link[1]}{self.stand_in(user) if known else ''}/"

        if "user" not in address:
            return address
        return _QUOTED_LINK.sub("", _USER_LINK.sub(keyed, address))

    def _without_visit(self, text: str) -> str:
        for value in self.visit:
            if value in text:
                text = text.replace(value, "")
        return text

    def json(self, text: str) -> str:
        """Clean JSON; raise `NotCleaned` where it is not JSON or cut off."""
        value = decode_json(text)
        if not isinstance(value, dict | list):
            raise NotCleaned("its data are not JSON, or cut off")
        return encode_json(self.value(value))

    def value(self, value: Any, plain: str = "", *, is_public: bool = False) -> Any:
        """Clean a decoded JSON value; `plain` is its key as `_plain` writes it."""
        if isinstance(value, str):
            return self._string(value, plain, is_public)
        if isinstance(value, list):
            return [self.value(inner, plain, is_public=is_public) for inner in value]
        if isinstance(value, dict):
            return {
                self._key(key): self._member(key, inner, value, is_public)
                for key, inner in value.items()
            }
        return value

    def _key(self, key: str) -> str:
        return self.label(key, is_public=True) if USER_ID.search(key) else key

    def _member(self, key: str, inner: Any, holder: dict[str, Any], is_public: bool) -> Any:
        plain = _plain(key)
        if plain in _EMPTIED:
            return {}
        if _says_who(plain, holder):
            return self._person(inner)
        if plain.endswith(_VISIT):
            return _emptied(inner)
        is_title = plain == "name" and "@type" in holder
        return self.value(inner, plain, is_public=is_public or plain in _PUBLIC or is_title)

    def _person(self, value: Any, plain: str = "") -> Any:
        """Empty all values about a person but our keys; keep the structure."""
        if isinstance(value, dict):
            return {self._key(k): self._person(v, _plain(k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._person(inner, plain) for inner in value]
        if isinstance(value, str):
            if plain == "userid":
                return self.stand_in(value)
            known = _KEY.search(value) or USER_ID.search(value)
            return self.stand_in(known[0]) if known else ""
        return _emptied(value)

    def _string(self, value: str, plain: str, is_public: bool) -> str:
        if plain in TEXTS and not is_public:
            return self.text(value)
        if value[:1] in ("{", "[") and isinstance(inner := decode_json(value), dict | list):
            return encode_json(self.value(inner))
        if '"' in value and _ESCAPED_DATA.search(value):
            raise NotCleaned("data within its data cannot be read")
        return self.label(value, is_public=is_public)


@lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _emptied(value: Any) -> Any:
    """Return the empty value of the same type; keep null, true and false."""
    if value is None or isinstance(value, bool):
        return value
    return type(value)()


def _members(value: Any) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Yield each object in a decoded JSON value with each of its keys and values."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            yield from ((one, key, inner) for key, inner in one.items())
            waiting.extend(inner for key, inner in one.items() if _plain(key) not in _EMPTIED)


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield each text in a decoded JSON value with its key."""
    waiting = [("", value)]
    while waiting:
        key, one = waiting.pop()
        if isinstance(one, str):
            yield key, one
        elif isinstance(one, list):
            waiting.extend((key, inner) for inner in one)
        elif isinstance(one, dict):
            waiting.extend(one.items())


def _names_of(person: Any) -> Iterator[str]:
    """Yield the names in a JSON value about a person."""
    is_name = isinstance(person, str)
    for key, text in _strings(person):
        is_id = USER_ID.search(text) or _KEY.search(text)
        if not is_id and (is_name or not key or _plain(key) in _NAMES_OF_PEOPLE):
            yield htmllib.unescape(text)


def _tells_of_a_visit(text: str, is_told: bool) -> bool:
    """Say whether a piece of `requestContext` identifies the visitor.

    `is_told`: its key says so. A short plain word does not count even then.
    """
    if len(text) < _LEAST_VISIT or _PUBLIC_ID.fullmatch(text):
        return False
    has_figure = any(character.isdigit() or character == "@" for character in text)
    is_told = is_told and (has_figure or len(text) >= _LEAST_WORD_OF_VISIT)
    return is_told or is_private(text) or _OPAQUE.fullmatch(text) is not None


def _says_who(plain: str, holder: dict[str, Any]) -> bool:
    """Say whether a key of an object holds a private person or their name.

    `name` does if the object has the id of a user, and `creator` in a review's JSON-LD, but not in
    a movie's.
    """
    if plain in _PEOPLE or plain in _NAMES:
        return True
    if plain in _NAMES_BESIDE_IDS:
        return any(isinstance(v, str) and USER_ID.fullmatch(v) for v in holder.values())
    return plain == "creator" and "review" in str(holder.get("@type", "")).lower()
