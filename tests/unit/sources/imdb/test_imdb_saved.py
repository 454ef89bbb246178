"""The page in a file that a browser wrote: the same reviews by every form, or the true reason."""

from __future__ import annotations

import base64
import io
import json
import plistlib
import re
import time
import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from forms import (
    CARDS,
    SAVED_AT,
    URL,
    WHOLE,
    chrome_complete,
    chrome_mhtml,
    chrome_view_source,
    firefox_view_source,
    mime,
    singlefile,
    webarchive,
    without_scripts,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from filmpulse.errors import BadInput, FilmpulseError, ForeignPage, LayoutChanged
from filmpulse.sources.imdb.files import Parsed, parse_text, read_file
from filmpulse.sources.imdb.recognise import gate_is_visible
from filmpulse.sources.markup import parse_html
from filmpulse.sources.saved import MAX_BYTES, SavedPage, unwrap

FIXTURES = Path(__file__).parents[3] / "fixtures"
PAGES = sorted((FIXTURES / "pages").glob("*/*/input.html"))
SECRET = b"fixture-secret"
PAGE = (FIXTURES / "pages/imdb.ReviewsPage/dom_opened/input.html").read_text("utf-8")
MOVIE = "tt7000001"


def parse(page: SavedPage) -> Parsed:
    return parse_text(page.text, named_id=page.imdb_id, author_secret=SECRET)


def outcome(page: SavedPage) -> object:
    """What a page is read as: its records and figures, or the kind of its error."""
    try:
        read = parse(page)
    except FilmpulseError as error:
        return type(error), error.reason
    shown = read.reviews_page
    figures = shown and (shown.review_count, shown.unopened_spoilers, shown.variant)
    return read.kind, read.records, read.gated, figures


# --- every form of every page -------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda p: "/".join(p.parts[-3:-1]))
@pytest.mark.parametrize("form", WHOLE)
def test_a_page_is_read_alike_in_every_form(path: Path, form: str) -> None:
    html = path.read_text("utf-8")
    assert outcome(unwrap(WHOLE[form](html))) == outcome(SavedPage(html, url=URL))


@pytest.mark.parametrize("path", PAGES, ids=lambda p: "/".join(p.parts[-3:-1]))
@pytest.mark.parametrize("form", CARDS)
def test_a_page_without_scripts_is_read_alike_in_every_form(path: Path, form: str) -> None:
    html = path.read_text("utf-8")
    plain = outcome(SavedPage(without_scripts(html), url=URL))
    assert outcome(unwrap(CARDS[form](html))) == plain


@pytest.mark.parametrize(
    ("name", "reviews"),
    [
        ("singlefile.html", [("rw70000011", 8, "2026-03-10", "Lit from within",
                              "The acting is superb.\n\nThe music is dull."),
                             ("rw70000012", 3, "2026-03-11", "Put it out", "A boring plot.")]),
        ("chrome.mhtml", [("rw70000011", 8, "2026-03-10", "Lit from within",
                           "The acting is superb.")]),
        ("view_source.html", [("rw70000011", 8, "2026-03-10", "Lit from within",
                               "The acting is superb.")]),
    ],
)  # fmt: skip
def test_files_as_they_came(name: str, reviews: list[tuple[object, ...]]) -> None:
    read = read_file(FIXTURES / "saved" / name, author_secret=SECRET)
    fields = ("review_id", "rating_1_10", "submitted_on", "title", "body")
    assert [tuple(r[field] for field in fields) for r in read.records] == reviews
    assert (read.gated, read.reviews_page.review_count) == (False, len(reviews))
    assert "invented-name" not in json.dumps(read.records)


# --- what a form says of its page ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "saved_at", "url"),
    [
        (chrome_mhtml(PAGE), SAVED_AT, URL),
        (webarchive(PAGE), None, URL),
        (singlefile(PAGE), SAVED_AT, URL),
        (chrome_complete(PAGE), None, URL),
        (chrome_view_source(PAGE), None, None),
        (PAGE.encode(), None, None),
        (chrome_mhtml(PAGE).replace(b"Date: Sat, 28", b"Date: Sat, 99"), None, URL),
        (chrome_mhtml(PAGE).replace(b"GMT\r", b"+0200\r"), SAVED_AT.replace(hour=6), URL),
        (chrome_mhtml(PAGE).replace(b"28 Nov 2026", b"31 Dec 9999").replace(b"GMT\r", b"-1900\r"),
         None, URL),
        (singlefile(PAGE).replace(b"Sat Nov 28", b"Sat Foo 28"), None, URL),
        (singlefile(PAGE).replace(b"Nov 28 2026", b"Jan 1 0001").replace(b"GMT+0000", b"GMT+1400"),
         None, URL),
        (singlefile(PAGE).replace(b"GMT+0000", b"GMT-0130"),
         SAVED_AT.replace(hour=10, minute=27), URL),
    ],
)  # fmt: skip
def test_the_time_and_the_address_of_a_form(
    content: bytes, saved_at: datetime | None, url: str | None
) -> None:
    page = unwrap(content)
    assert (page.saved_at, page.url) == (saved_at, url)


@pytest.mark.parametrize(
    ("url", "imdb_id"),
    [
        (URL, MOVIE),
        ("https://www.imdb.com/de/title/tt7000001/reviews/?ref_=x", MOVIE),
        ("https://m.imdb.com/title/tt7000001/reviews", MOVIE),
        ("https://films.example/title/tt7000001/", None),
        ("https://films.example/?u=https://www.imdb.com/title/tt7000001/", None),
        ("file:///home/me/tt7000001.html", None),
        (None, None),
    ],
)
def test_the_movie_that_an_address_names(url: str | None, imdb_id: str | None) -> None:
    assert SavedPage("<html>", url=url).imdb_id == imdb_id


def test_the_address_names_the_movie_only_if_the_page_does_not() -> None:
    silent = re.sub(r"/title/tt\d+", "", PAGE)
    with pytest.raises(BadInput):
        parse(unwrap(silent.encode()))
    other = "https://www.imdb.com/title/tt7000009/reviews/"
    assert parse(unwrap(webarchive(silent, other))).reviews_page.imdb_id == "tt7000009"
    assert parse(unwrap(webarchive(PAGE, other))).reviews_page.imdb_id == MOVIE


def test_the_page_of_an_archive_is_the_one_at_its_address() -> None:
    head = f"Snapshot-Content-Location: {URL}\nContent-Type: multipart/related; boundary=b\n\n"
    frame = ("text/html", "cid:frame@mhtml.blink", "8bit", b"<html>an advert</html>")
    page = ("text/html", URL, "8bit", b"<html>the page</html>")
    assert unwrap(mime(head, [frame, page], "b")).text == "<html>the page</html>"
    lost = head.replace("/reviews/", "/elsewhere/")
    assert unwrap(mime(lost, [frame, page], "b")).text == "<html>an advert</html>"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("base64", base64.encodebytes(PAGE.encode())),
        ("8bit", PAGE.encode()),
        ("binary", PAGE.encode()),
        ("7bit", PAGE.encode("ascii", "xmlcharrefreplace")),
    ],
)
def test_transfer_encodings(encoding: str, content: bytes) -> None:
    head = 'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b b"\r\n\r\n'
    page = unwrap(mime(head, [("text/html; charset=utf-8", URL, encoding, content)], "b b"))
    assert parse(page).records == parse(SavedPage(PAGE)).records


def test_a_page_alone_in_its_archive_and_one_within_alternatives() -> None:
    alone = f"Content-Type: text/html; charset=utf-8\nContent-Location: {URL}\n\n{PAGE}"
    assert unwrap(alone.encode()) == SavedPage(PAGE, None, URL)
    inner = mime("", [("text/plain", "x", "8bit", b"words"),
                      ("text/html", URL, "8bit", PAGE.encode())], "inner")  # fmt: skip
    head = "Content-Type: multipart/related; boundary=outer\n\n"
    nested = mime(head, [("multipart/alternative; boundary=inner", "x", "8bit", inner)], "outer")
    assert parse(unwrap(nested)).records == parse(SavedPage(PAGE)).records


def test_an_archive_cut_off_behind_its_page_is_read() -> None:
    content = chrome_mhtml(PAGE)
    cut = content[: content.index(b"image/png")]
    assert parse(unwrap(cut)).records == parse(SavedPage(PAGE)).records


# --- encodings ----------------------------------------------------------------------------------

WORDS = "<html><head>{}</head><body><p>Crème brûlée, naïve \u2014 \u201eso\u201d</p></body></html>"


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("utf-8", ""),
        ("utf-8-sig", '<meta charset="windows-1252">'),
        ("utf-16", '<meta charset="utf-8">'),
        ("cp1252", '<meta charset="windows-1252">'),
        ("cp1252", "<meta charset=ISO-8859-1>"),
        ("cp1252", '<meta http-equiv="Content-Type" content="text/html; charset=us-ascii">'),
        ("utf-8", '<meta charset="utf-16">'),
        ("utf-8", '<meta charset="no-such">'),
        ("utf-8", '<meta charset="rot13">'),
        ("utf-8", '<meta charset="punycode">'),
    ],
)
def test_encodings_that_a_page_or_its_mark_declares(encoding: str, head: str) -> None:
    text = WORDS.format(head)
    assert unwrap(text.encode(encoding)).text == text


def test_an_encoding_that_nobody_declares_is_named_in_the_refusal() -> None:
    with pytest.raises(ForeignPage, match="utf-8"):
        unwrap(WORDS.format("").encode("cp1252"))


def test_the_encoding_that_a_container_declares() -> None:
    text = WORDS.format("")
    assert unwrap(webarchive(text, encoding="cp1252")).text == text
    head = "Content-Type: multipart/related; boundary=b\n\n"
    part = ("text/html; charset=utf-16le", URL, "base64", base64.b64encode(text.encode("utf-16le")))
    assert unwrap(mime(head, [part], "b")).text == text


# --- views of a source --------------------------------------------------------------------------


@pytest.mark.parametrize("view", [chrome_view_source, firefox_view_source])
def test_a_source_is_taken_out_of_its_view_as_it_was(view) -> None:
    source = (
        "<!DOCTYPE html>\n<html>\n\n<p class='a'>A &amp; b &lt;\u00a0c</p>\n<!-- c --></html>\n"
    )
    assert unwrap(view(source)).text == source
    assert unwrap(view(view(source).decode())).text == source
    assert unwrap(chrome_mhtml(view(source).decode())).text == source


def test_an_answer_that_a_tab_shows() -> None:
    body = {"data": {"title": {"id": MOVIE, "reviews": {"edges": [], "total": 0}}}, "x": "<&>"}
    shown = json.dumps(body).replace("&", "&amp;").replace("<", "&lt;")
    page = unwrap(
        f'<html><head><meta charset="utf-8"></head><body><pre>{shown}</pre>'
        '<div class="json-formatter-container"></div></body></html>'.encode()
    )
    assert json.loads(page.text) == body
    assert parse(page).kind == "graphql"


def test_a_view_of_a_page_that_is_not_gated_is_not_gated() -> None:
    html = (FIXTURES / "pages/imdb.ReviewsPage/gate_words_in_translations/input.html").read_text()
    assert not parse(unwrap(chrome_view_source(html))).gated
    assert not gate_is_visible(chrome_view_source(html).decode())
    assert not gate_is_visible(firefox_view_source(html).decode())


# --- what is refused, and why -------------------------------------------------------------------


def office(folder: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}/document.xml", "<x/>")
    return packed.getvalue()


def with_mimetype(kind: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", kind)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "picture"),
        (b"\0\0\0\x1cftypheic", "picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Word"),
        (b"{\\rtf1\\ansi Words}", "RTF"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (office("word"), "Word document"),
        (office("xl"), "Excel workbook"),
        (office("other"), "ZIP"),
        (with_mimetype("application/epub+zip"), "EPUB"),
        (with_mimetype("application/vnd.oasis.opendocument.text"), "OpenDocument"),
        (b"PK\x03\x04" + b"\xff" * 99, "ZIP"),
        (b"Title: The Lamp Keeper\n\nA review.", "Plain text"),
        (b"", "empty"),
        (b"\0" * 9, "empty"),
        (b"From: a\nContent-Type: text/plain\n\nA letter.", "no page"),
    ],
)
def test_another_kind_of_file_is_refused_by_its_name(content: bytes, kind: str) -> None:
    with pytest.raises(ForeignPage, match=kind):
        unwrap(content)


@pytest.mark.parametrize(
    "content",
    [
        b'<html><head><link rel="stylesheet" href="chrome://global/skin/aboutReader.css"></head>'
        b"<body><p>The acting is superb.</p></body></html>",
        b"<html><head><link rel=canonical href='about:reader?url=https://x'></head></html>",
        b'<html><body><div id="readability-page-1" class="page">A review</div></body></html>',
        chrome_complete("<html><p>A review</p></html>", "read://https_www.imdb.com/?url=x"),
        chrome_mhtml("<html><p>A review</p></html>", "chrome-distiller://x/?url=https://imdb"),
    ],
)
def test_a_readers_copy_is_refused_as_such(content: bytes) -> None:
    with pytest.raises(BadInput, match="reader") as caught:
        unwrap(content)
    assert caught.value.reason == "no_reviews"


def test_a_review_may_speak_of_readers_and_sources() -> None:
    words = "moz-reader-content, class=line-content, body id=viewsource, about:reader?url=x"
    html = PAGE.replace("Seat 1", words)
    [first, *_] = parse(unwrap(html.encode())).records
    assert words in first["body"]


def test_too_large() -> None:
    with pytest.raises(ForeignPage, match="64 MB"):
        unwrap(b"<" * (MAX_BYTES + 1))


# --- hostile files ------------------------------------------------------------------------------


def shared_bytes_plist() -> bytes:
    """A binary property list of 1 MB whose 1,000 arrays share one million references each."""
    references = 1_000_000
    array = b"\xaf\x12" + references.to_bytes(4, "big") + b"\0" * references
    body = b"bplist00" + array
    table = len(body)
    offsets = (8).to_bytes(4, "big") * 1_000
    trailer = (
        b"\0" * 6
        + bytes([4, 1])
        + b"".join(number.to_bytes(8, "big") for number in (1_000, 0, table))
    )
    return body + offsets + trailer


def nested(depth: int) -> bytes:
    """An archive within an archive, and so on."""
    content = b"Content-Type: text/html\n\n<html>deep</html>"
    for level in range(depth):
        boundary = f"level{level}"
        content = (
            f"Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n".encode()
            + content
            + f"\n--{boundary}--\n".encode()
        )
    return content


NEXT_DATA = b'<script id="__NEXT_DATA__" type="application/json">'
HEAD = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n"
HTML_PART = b"--b\nContent-Type: text/html\n"
HOSTILE = {
    "no part": HEAD,
    "another boundary": HEAD + b"--c\nContent-Type: text/html\n\n<html></html>\n--c--",
    "no boundary": b"Content-Type: multipart/related\n\n--\n\n<html>",
    "only pictures": HEAD + b"--b\nContent-Type: image/png\n\nx\n--b--",
    "rubbish in base64": HEAD + HTML_PART + b"Content-Transfer-Encoding: base64\n\n%%%=\n--b--",
    "cut-off base64": HEAD + HTML_PART + b"Content-Transfer-Encoding: base64\n\nPGh0bWw\n--b--",
    "empty page": HEAD + HTML_PART + b"\n\n--b--",
    "odd charset": HEAD + b"--b\nContent-Type: text/html; charset*=x''a%00b\n\n<p>\xff\n--b--",
    "unknown charset": HEAD + b"--b\nContent-Type: text/html; charset=x\n\n<p>\xff\n--b--",
    "a million parts": HEAD + b"--b\n\nx\n" * 1_000_000,
    "a million empty parts": HEAD + b"--b\n" * 1_000_000,
    "parts within parts": nested(9),
    "parts within many parts": nested(3_000),
    "a header without end": b"Content-Type: multipart/related; boundary=b; x=" + b"y" * 5_000_000,
    "many headers": b"Content-Type: multipart/related\n" + b"X: y\n" * 500_000,
    "an odd boundary": b"Content-Type: multipart/related; boundary*=x''%FF%00\n\n--b",
    "plist, shared bytes": shared_bytes_plist(),
    "plist, nothing": b"bplist00",
    "plist, rubbish": b"bplist00" + b"\xff" * 500,
    "plist, cut off": webarchive(PAGE)[:-40],
    "plist, other keys": plistlib.dumps({"a": 1}, fmt=plistlib.FMT_BINARY),
    "plist, no bytes": plistlib.dumps({"WebMainResource": {"WebResourceData": "text"}},
                                      fmt=plistlib.FMT_BINARY),
    "plist, a list": plistlib.dumps([1], fmt=plistlib.FMT_BINARY),
    "plist, entities": b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b '
                       b'"&a;&a;">]><plist><dict><key>&b;</key><true/></dict></plist>',
    "110,000 attributes": b"<html><p " + b" ".join(b"a%d=1" % n for n in range(110_000)) + b">",
    "script, 110,000 attributes": b"<html><script " + b"a " * 110_000 + b"></script></html>",
    "elements within elements": b"<html>" + b"<div>" * 100_000 + b"</div>" * 100_000 + b"</html>",
    "an attribute of 20 MB": b'<html><p a="' + b"x" * 20_000_000 + b'"></p></html>',
    "views of views": b"x",
}  # fmt: skip


def views_of_views() -> bytes:
    content = "<html><p>source</p></html>"
    for _ in range(5):
        content = chrome_view_source(content).decode()
    return content.encode()


@pytest.mark.parametrize("data", ["[" * 900_000, f"[{'[],' * 330_000}0]", f'"{"x" * 20_000_000}"'])
def test_odd_data_of_a_page_are_refused_soon(data: str) -> None:
    content = b"<html>" + NEXT_DATA + data.encode() + b"</script></html>"
    started = time.process_time()
    with pytest.raises(LayoutChanged):
        parse(unwrap(content))
    assert time.process_time() - started < 5


def test_a_tag_is_told_from_what_scripts_and_comments_say() -> None:
    words = "a<b " * 20_000
    for piece in (f"<script>{words}</script>", f"<!--{words}-->", f"<p title='{words}'></p>"):
        assert parse_html(f"<html>{piece}<i>x</i></html>").xpath("string(//i)") == "x"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_soon(name: str) -> None:
    content = views_of_views() if name == "views of views" else HOSTILE[name]
    started = time.process_time()
    with pytest.raises(ForeignPage):
        parse(unwrap(content))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "piece",
    ["<meta ", "<meta charset=", '<div class="line-content', "<td class=line-content>",
     "<pre>{", "class=", 'class="moz-', "<!-- saved from url=(", "<link rel=canonical ",
     "<script id=", "<title>", "<title> - IMDb", "--b\n", "<meta property=og:site_name ", "<i>",
     "<article>", "viewsource ", "Sign in ", "<p>Sign in to "],
)  # fmt: skip
@pytest.mark.parametrize("shell", ["<html>{}", "<html>{}</html>", "<html><!--{}"])
def test_no_page_takes_long(piece: str, shell: str) -> None:
    content = shell.replace("{}", piece * (400_000 // len(piece))).encode()
    started = time.process_time()
    outcome(SavedPage(content.decode()))
    with suppress(ForeignPage):
        unwrap(content)
    assert time.process_time() - started < 5


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    """No byte of a container can end in anything but a page or an error of ours."""
    form = data.draw(st.sampled_from([chrome_mhtml, webarchive, singlefile, chrome_view_source]))
    content = bytearray(form("<html><head></head><body><p>short</p></body></html>"))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        with suppress(ForeignPage, BadInput):
            assert unwrap(damaged).text
