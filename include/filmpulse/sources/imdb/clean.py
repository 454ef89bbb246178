"""What is taken out of a page before it is stored: whatever tells of a visitor or a reviewer."""

from __future__ import annotations

import re
from collections.abc import Callable

from filmpulse.items import author_key
from filmpulse.sources.imdb.dom import KEYED

_AUTHOR_OBJECT = re.compile(r'"author"\s*:\s*(?=\{)')
_REQUEST_CONTEXT = re.compile(r'"requestContext"\s*:\s*(?=\{)')
_USER_ID = re.compile(r"\bur[0-9]{4,}\b")
_AUTHOR_LINK = re.compile(
    r"(<a\b[^>]*(?:data-testid=\"author-link\"|href=\"[^\"]*/user/ur)[^>]*>)(.*?)(?=</a>|$)",
    re.DOTALL,
)
_NAMED_RATING = re.compile(r"aria-label=\"[^\"]*(?:'|&#x27;|&#39;|&apos;|\u2019)s rating: ")
_SCRIPT = re.compile(r"<script\b([^>]*)>.*?(?:</script\s*>|$)", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL)
# Ids of the visit, as they were seen outside of `requestContext`: in page data, in beacons.
_VISIT = re.compile(
    r'(?<="requestId":)\s*"[^"]*"|(?<="sessionId":)\s*"[^"]*"|(?<="customerId":)\s*"[^"]*"'
    r'|(?<="userAgent":)\s*"[^"]*"|(?<="ipAddress":)\s*"[^"]*"'
)
_BEACON = re.compile(r"<img\b[^>]*//fls-[^>]*>")


def clean_page(html: str, author_secret: bytes | None = None) -> str:
    """Take out of a page, or of a JSON answer, whatever tells of a visitor or a reviewer.

    IMDb's `requestContext` (the visitor's address, headers and account) becomes `{}`, scripts
    other than data are dropped, authors lose names and ids, and rating labels their names. What
    is left parses to the same reviews.

    Args:
        html: The page, whole or cut off; JSON of a GraphQL answer does as well.
        author_secret: Given, each author's id becomes our own key, so that the cleaned page
            parses to the same `author_key`s; not given, authors are gone and keys are None.
    """

    def stand_in(user_id: str) -> str:
        return f"{KEYED}{author_key('imdb', user_id, author_secret)}" if author_secret else ""

    def author(text: str) -> str:
        user = _USER_ID.search(text)
        return f'{{"userId":"{stand_in(user[0]) if user else ""}"}}'

    html = _SCRIPT.sub(lambda tag: tag[0] if "json" in tag[1].lower() else "", html)
    html = _replace_objects(html, _REQUEST_CONTEXT, lambda _: "{}")
    html = _replace_objects(html, _AUTHOR_OBJECT, author)
    html = _AUTHOR_LINK.sub(r"\1", html)
    html = _NAMED_RATING.sub('aria-label="Rating: ', html)
    html = _BEACON.sub("", _VISIT.sub('""', html))
    return _USER_ID.sub(lambda user: stand_in(user[0]), html)


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
