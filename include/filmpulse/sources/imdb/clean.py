"""What is taken out of a page before it is stored: whatever tells of a visitor or a reviewer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from filmpulse.items import author_key
from filmpulse.sources.imdb.dom import KEYED

_AUTHOR_OBJECT = re.compile(r'"author"\s*:\s*(?=\{)')
_REQUEST_CONTEXT = re.compile(r'"requestContext"\s*:\s*(?=\{)')
_USER_ID = re.compile(r"\bur[0-9]{4,}\b")
_KEY = re.compile(rf"\b{KEYED}[0-9a-f]{{32}}\b")
# No pattern may look further than the next tag or quote, or a page made for it takes hours.
_AUTHOR_LINK = re.compile(
    rf"(<a\b[^<>]*(?:data-testid=\"author-link\"|href=\"[^\"<>]*/user/(?:ur|{KEYED}))[^<>]*>)"
    r"(.*?)(?=</a>|$)",
    re.DOTALL,
)
_NAMED_RATING = re.compile(r"aria-label=\"[^\"]*(?:'|&#x27;|&#39;|&apos;|\u2019)s rating: ")
_SCRIPT = re.compile(r"(<(script|pre)\b([^<>]*)>)(.*?)(</\2\s*>|$)", re.DOTALL | re.IGNORECASE)
_IS_DATA = re.compile("json|__NEXT_DATA__", re.IGNORECASE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}]', re.DOTALL)
# Ids of the visit, as they were seen outside of `requestContext`: in page data, in beacons.
_VISIT = re.compile(
    r'(?<="requestId":)\s*"[^"]*"|(?<="sessionId":)\s*"[^"]*"|(?<="customerId":)\s*"[^"]*"'
    r'|(?<="userAgent":)\s*"[^"]*"|(?<="ipAddress":)\s*"[^"]*"'
)
_BEACON = re.compile(r"<img\b[^<>]*//fls-[^<>]*>")
# Who is signed in, in the page's head (public test suites name these classes, to 2026).
_SIGNED_IN = re.compile(
    r"(<\w+\b[^<>]*(?:account-toggle--logged-in|navbar__user-name|user-menu-toggle__name)[^<>]*>)"
    r"[^<]*"
)
# What `requestContext` says of the visitor and other places may repeat, by the end of its key.
_VISITOR_IDS = ("ipaddress", "requestid", "sessionid", "forwardedfor", "customerid", "email")
_VISITOR_NAMES = ("username", "nickname", "displayname")
_LEAST_ID = 7  # characters; "1.1.1.1", the shortest address
_MOST_CONTEXTS, _MOST_VALUES = 10, 500  # a page has one, with some dozens of values


def clean_page(html: str, author_secret: bytes | None = None) -> str:
    """Take out of a page, or of a JSON answer, whatever tells of a visitor or a reviewer.

    IMDb's `requestContext` (the visitor's address, headers and account) becomes `{}`, and what it
    said goes wherever it stands; scripts other than data are dropped, authors lose names and ids,
    and rating labels their names. What is left parses to the same reviews. Cleaning once more
    changes nothing.

    Args:
        html: The page, whole or cut off; JSON of a GraphQL answer does as well.
        author_secret: Given, each author's id becomes our own key, so that the cleaned page
            parses to the same `author_key`s; not given, authors are gone and keys are None.
    """

    def stand_in(user_id: str) -> str:
        return f"{KEYED}{author_key('imdb', user_id, author_secret)}" if author_secret else ""

    def author(text: str) -> str:
        if author_secret and (key := _KEY.search(text)):
            return f'{{"userId":"{key[0]}"}}'
        user = _USER_ID.search(text)
        return f'{{"userId":"{stand_in(user[0]) if user else ""}"}}'

    def data(text: str) -> str:
        text = _replace_objects(text, _REQUEST_CONTEXT, lambda _: "{}")
        return _VISIT.sub('""', _replace_objects(text, _AUTHOR_OBJECT, author))

    def script(tag: re.Match[str]) -> str:
        return f"{tag[1]}{data(tag[4])}{tag[5]}" if _holds_data(tag) else ""

    is_answer = html.lstrip()[:1] in ("{", "[")
    tags = [] if is_answer else filter(_holds_data, _SCRIPT.finditer(html))
    ids, names = _visitor(html if is_answer else "\n".join(tag[4] for tag in tags))
    for known in ids:
        html = html.replace(known, "")
    if is_answer:
        html = data(html)
    else:
        # Only data are read as such: a review may well say `"author": {`, with no end to it.
        html = _SCRIPT.sub(script, html)
        html = _NAMED_RATING.sub('aria-label="Rating: ', _AUTHOR_LINK.sub(r"\1", html))
        html = _SIGNED_IN.sub(r"\1", _BEACON.sub("", html))
        for name in names:
            html = re.sub(rf">\s*{re.escape(name)}\s*<", "><", html)
    return _USER_ID.sub(lambda user: stand_in(user[0]), html)


def _holds_data(tag: re.Match[str]) -> bool:
    return tag[2].lower() == "pre" or _IS_DATA.search(tag[3]) is not None


def _visitor(text: str) -> tuple[set[str], set[str]]:
    """Return the ids and the names of the visitor that the page's `requestContext` holds."""
    ids: set[str] = set()
    names: set[str] = set()
    for match in islice(_REQUEST_CONTEXT.finditer(text), _MOST_CONTEXTS):
        try:
            context = json.loads(text[match.end() : _object_end(text, match.end())])
            said = list(islice(_strings(context), _MOST_VALUES))
        except (ValueError, RecursionError):
            continue
        for key, value in said:
            plain = re.sub(r"[^a-z]", "", key.lower())
            if plain.endswith(_VISITOR_IDS):
                ids |= {part for part in re.split(r"[,\s]+", value) if len(part) >= _LEAST_ID}
            elif plain in _VISITOR_NAMES and len(value.strip()) > 1:
                names.add(value.strip())
    return ids, names


def _strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a decoded JSON value with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)


def _replace_objects(text: str, key: re.Pattern[str], make: Callable[[str], str]) -> str:
    """Replace the JSON object after each match of `key`; a cut-off one goes with what follows."""
    parts, done = [], 0
    for match in key.finditer(text):
        if match.start() < done:
            continue
        end = _object_end(text, match.end())
        parts += [text[done : match.end()], make(text[match.end() : end])]
        done = end
    return "".join(parts) + text[done:]


def _object_end(text: str, start: int) -> int:
    """Return the offset after the JSON object at `start`, or the text's end if it is cut off."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)
