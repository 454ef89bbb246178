"""One page in each form that a browser writes: each function returns the bytes of a file.

The shapes of Chromium's forms were taken from files that Chromium 150 wrote; those of the others
from their public source code.
"""

from __future__ import annotations

import html as htmllib
import plistlib
import quopri
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from lxml import html as lxml_html

URL = "https://www.imdb.com/title/tt7000001/reviews/"
SAVED_AT = datetime(2026, 11, 28, 8, 57, 16, tzinfo=UTC)

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
         "track", "wbr"}  # fmt: skip
_BARE_VALUE = re.compile(r"[^\s\"'`=<>]+")
_BOUNDARY = "----MultipartBoundary--inventedboundary----"


def chrome_mhtml(
    page: str, url: str = URL, saved_at: datetime = SAVED_AT, scripts: bool = True
) -> bytes:
    """Chrome's and Edge's "Webpage, Single File"; Chrome itself leaves scripts out."""
    page = page if scripts else without_scripts(page)
    head = (
        "From: <Saved by Blink>\r\n"
        f"Snapshot-Content-Location: {url}\r\n"
        "Subject: =?utf-8?Q?Invented=20=E2=80=94=20User=20reviews?=\r\n"
        f"Date: {format_datetime(saved_at, usegmt=True)}\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/related;\r\n"
        f'\ttype="text/html";\r\n\tboundary="{_BOUNDARY}"\r\n\r\n\r\n'
    )
    parts = [
        ("text/html", url, "quoted-printable", quopri.encodestring(page.encode())),
        ("text/css", "cid:css-1@mhtml.blink", "quoted-printable", b"a {\n--ipc: 1px }"),
        ("image/png", "https://images.example/x.png", "base64", b"iVBORw0KGgo="),
        ("text/html", "cid:frame-2@mhtml.blink", "quoted-printable", b"<html>an advert</html>"),
    ]
    return mime(head, parts)


def mime(head: str, parts: list[tuple[str, str, str, bytes]], boundary: str = _BOUNDARY) -> bytes:
    """Put (type, location, encoding, encoded content) together as Blink does."""
    written = head.encode()
    for kind, location, encoding, content in parts:
        written += (
            f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
            f"Content-Location: {location}\r\n\r\n"
        ).encode()
        written += re.sub(rb"\r?\n", b"\r\n", content) + b"\r\n"
    return written + f"--{boundary}--\r\n".encode()


def webarchive(page: str, url: str = URL, encoding: str = "UTF-8") -> bytes:
    """Safari's "Web Archive": a binary property list."""
    main = {
        "WebResourceURL": url,
        "WebResourceMIMEType": "text/html",
        "WebResourceTextEncodingName": encoding,
        "WebResourceFrameName": "",
        "WebResourceData": page.encode(encoding),
    }
    picture = {
        "WebResourceURL": "https://images.example/x.png",
        "WebResourceMIMEType": "image/png",
        "WebResourceData": b"\x89PNG\r\n\x1a\n",
    }
    archive = {"WebMainResource": main, "WebSubresources": [picture, picture | {"n": 2}]}
    return plistlib.dumps(archive, fmt=plistlib.FMT_BINARY)


def chrome_view_source(page: str) -> bytes:
    """The tab that shows a page's source in Chrome, saved: a table with a row for each line."""
    rows = "".join(
        f'<tr><td class="line-number" value="{number}"></td>'
        f'<td class="line-content">{_coloured(line, "html-tag") or "<br>"}</td></tr>'
        for number, line in enumerate(page.split("\n"), 1)
    )
    return (
        '<html><head><meta name="color-scheme" content="light dark"></head><body>'
        '<div class="line-gutter-backdrop"></div><form autocomplete="off">'
        '<label class="line-wrap-control">Line wrap<input type="checkbox" aria-label="Line wrap">'
        '</label></form><div class="source-container"><table><tbody>'
        f"{rows}</tbody></table></div></body></html>"
    ).encode()


def firefox_view_source(page: str, url: str = URL) -> bytes:
    """The tab that shows a page's source in Firefox, saved: one `pre`, its lines marked."""
    lines = [_coloured(line, "start-tag") for line in page.split("\n")]
    body = "\n".join(f'<span id="line{number}"></span>{line}' for number, line in enumerate(lines))
    return (
        f"<!DOCTYPE html>\n<html><head><title>view-source:{url}</title>"
        '<link rel="stylesheet" type="text/css" href="resource://content/viewsource.css"></head>'
        f'<body id="viewsource" class="highlight" style="-moz-tab-size: 4"><pre>{body}</pre>'
        "</body></html>"
    ).encode()


def _coloured(line: str, name: str) -> str:
    """Write a line of source as text, each tag in a span of its own."""
    return "".join(
        f'<span class="{name}">{htmllib.escape(piece, quote=False)}</span>'
        if piece.startswith("<")
        else htmllib.escape(piece, quote=False)
        for piece in re.split(r"(<[^<>]*>)", line)
    )


def chrome_complete(page: str, url: str = URL) -> bytes:
    """Chrome's "Webpage, Complete": the document as it stands, and where it came from."""
    comment = f"<!-- saved from url=({len(url):04}){url} -->\n"
    charset = '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'
    written = re.sub(r"(<!DOCTYPE[^>]*>)?", rf"\1\n{comment}", page, count=1, flags=re.IGNORECASE)
    written = written.replace("<head>", f"<head>{charset}", 1)
    return written.replace('href="/', f'href="{"/".join(url.split("/")[:3])}/').encode()


def firefox_complete(page: str, url: str = URL) -> bytes:
    """Firefox's "Web Page, complete": the document as it stands, its links absolute."""
    charset = '\n<meta http-equiv="content-type" content="text/html; charset=UTF-8">'
    written = page.replace("<head>", f"<head>{charset}", 1)
    return written.replace('href="/', f'href="{"/".join(url.split("/")[:3])}/').encode()


def singlefile(
    page: str, url: str = URL, saved_at: datetime = SAVED_AT, scripts: bool = False
) -> bytes:
    """SingleFile: quotes and end tags that HTML does not ask for left out, and the scripts too."""
    page = page if scripts else without_scripts(page)
    comment = (
        "<!--\n Page saved with SingleFile \n"
        f" url: {url} \n saved date: {saved_at:%a %b %d %Y %H:%M:%S GMT+0000} "
        "(Coordinated Universal Time)\n-->"
    )
    root = lxml_html.document_fromstring(page, parser=lxml_html.HTMLParser(huge_tree=True))
    written = _minified(root).replace(">", f">{comment}<meta charset=utf-8>", 1)
    return f"<!DOCTYPE html> {written}".encode()


def without_scripts(page: str) -> str:
    """Return a page as browsers leave it that keep no scripts."""
    return re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)


def _minified(element: lxml_html.HtmlElement) -> str:
    """Write an element with the fewest quotes and end tags (HTML standard, 13.1.2.4)."""
    tag = element.tag
    attributes = "".join(f" {name}{_value(value)}" for name, value in element.items())
    starts = f"<{tag}{attributes}>" if attributes or tag not in ("head", "body") else ""
    inner = _text(tag, element.text)
    for child in element:
        inner += "" if not isinstance(child.tag, str) else _minified(child)
        inner += _text(tag, child.tail)
    follower = element.getnext()
    is_last = follower is None and not (element.tail or "").strip()
    before_its_like = follower is not None and follower.tag == tag == "li"
    optional = tag in ("html", "head", "body") or (tag == "li" and (is_last or before_its_like))
    return f"{starts}{inner}{'' if optional or tag in _VOID else f'</{tag}>'}"


def _text(tag: str, text: str | None) -> str:
    return (text or "") if tag in ("script", "style") else htmllib.escape(text or "", quote=False)


def _value(value: str) -> str:
    escaped = htmllib.escape(value, quote=False)
    if not value:
        return ""
    if _BARE_VALUE.fullmatch(value):
        return f"={escaped}"
    return f"='{escaped}'" if '"' in value else f'="{escaped}"'


WHOLE: dict[str, Callable[[str], bytes]] = {
    "as sent": str.encode,
    "chrome complete": chrome_complete,
    "firefox complete": firefox_complete,
    "mhtml": chrome_mhtml,
    "webarchive": webarchive,
    "view-source of chrome": chrome_view_source,
    "view-source of firefox": firefox_view_source,
    "singlefile with scripts": lambda page: singlefile(page, scripts=True),
}
"""The forms that hold all of a page, its data script too."""

CARDS: dict[str, Callable[[str], bytes]] = {
    "mhtml of chrome": lambda page: chrome_mhtml(page, scripts=False),
    "singlefile": singlefile,
}
"""The forms that hold what is shown, without scripts: only the cards can be read."""
