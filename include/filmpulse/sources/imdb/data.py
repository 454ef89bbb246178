"""The JSON inside IMDb's pages, and values in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import orjson
from pydantic import ValidationError

from filmpulse.errors import LayoutChanged
from filmpulse.items import is_imdb_id
from filmpulse.sources.imdb.private import decode_json

SOURCE = "imdb"
_NEXT_TAG = re.compile(r"<script\b[^<>]*\bid\s*=\s*[\"']?__NEXT_DATA__[^<>]*>", re.IGNORECASE)
LD_TAG = re.compile(r"<script\b[^<>]*application/ld\+json[^<>]*>", re.IGNORECASE)
TITLE_IN_URL = re.compile(r"/title/(tt[0-9]{7,9})\b")
# Postgres and UTF-8 hold neither.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_P = ParamSpec("_P")
_T = TypeVar("_T")


def known_layout(parse: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a parser raise `LayoutChanged` where a value is of an unknown kind.

    Parsers follow paths in JSON. Where a number stands in place of a list, or the like, Python
    raises one of several errors.
    """

    @wraps(parse)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return parse(*args, **kwargs)
        except (ArithmeticError, ValueError) as error:
            # These errors quote the value, which may be a name: neither text nor cause is kept.
            raise LayoutChanged(
                f"The page holds a value of an unknown kind ({type(error).__name__})."
            ) from None
        except (AttributeError, LookupError, TypeError) as error:
            raise LayoutChanged(
                f"The page holds a value of an unknown kind ({type(error).__name__}: {error})."
            ) from error

    return checked


def content_data(html: str, start: int) -> dict[str, Any]:
    """Return `contentData` of a page whose data script begins at `start`; {} without it.

    Raises:
        LayoutChanged: The page is a title page, or as `page_props`.
    """
    props = page_props(html, "contentData", start)
    if props and "aboveTheFoldData" in props:  # it holds one review, not the list
        raise LayoutChanged("This is a title page, not one of reviews.")
    content = props.get("contentData") if props else None
    return content if isinstance(content, dict) else {}


def wording(error: Exception) -> str:
    """Name the fields and the rules that they break, without the page's values.

    Raise with `from None`: a cause would quote the values in a log.
    """
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return type(error).__name__


def site_string(value: Any) -> str:
    """Return a string of the site, trimmed; "" for any other value."""
    if not isinstance(value, str):
        return ""
    return (value if value.isprintable() else _UNSTORABLE.sub("", value)).strip()


def read_linked_data(html: str) -> dict[str, Any] | None:
    """Return the JSON-LD of a page that is about a title of IMDb, or None."""
    for tag in LD_TAG.finditer(html):
        body = decode_json(html[tag.end() : html.find("</script", tag.end())])
        if isinstance(body, dict) and "name" in body and TITLE_IN_URL.search(str(body.get("url"))):
            return body
    return None


def data_start(html: str) -> int:
    """Return where the text of `script#__NEXT_DATA__` begins, -1 without that script."""
    start = html.find('id="__NEXT_DATA__"')
    if start >= 0:
        return html.find(">", start) + 1
    tag = _NEXT_TAG.search(html)
    return tag.end() if tag else -1


def data_end(html: str, start: int) -> int:
    """Return where the script that begins at `start` ends; -1 if it is missing or cut off."""
    return html.find("</script", start) if start >= 0 else -1


def page_props(html: str, wanted: str, start: int | None = None) -> dict[str, Any] | None:
    """Decode `props.pageProps` of a page; None where the page has no data script.

    The text is cut at `requestContext`, since the translations after it are 80 % of the JSON. The
    part before the cut is valid JSON with three closing brackets only if the cut lies directly in
    `pageProps`. If it is not, or lacks `wanted`, the whole text is decoded.

    Args:
        html: The page.
        wanted: A key of `pageProps`.
        start: Where the data script begins (-1: there is none), if that is known.

    Raises:
        LayoutChanged: The data script is no JSON, or holds no `pageProps`.
    """
    start = data_start(html) if start is None else start
    if start < 0:
        return None
    cut = html.find(',"requestContext":', start)
    if cut > 0:
        try:
            props = orjson.loads(html[start:cut] + "}}}")["props"]["pageProps"]
        except (ValueError, KeyError, TypeError):
            props = None
        if isinstance(props, dict) and wanted in props:
            return props
    end = data_end(html, start)
    if end < 0:
        return None
    props = dig(decode_json(html[start:end]), "props", "pageProps")
    if not isinstance(props, dict):
        raise LayoutChanged("The page's data are no longer where they were (props.pageProps).")
    return props


def dig(value: Any, *path: str) -> Any:
    """Follow keys down through objects; None if one is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def first_int(*values: Any) -> int | None:
    """Return the first value that is a whole number or a string of digits, or None."""
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdecimal():
            return int(value)
    return None


def as_id(value: Any) -> str | None:
    """Return the value if it is an IMDb id of a movie, else None."""
    return value if isinstance(value, str) and is_imdb_id(value) else None
