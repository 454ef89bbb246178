"""Pages that tell of invented people, and the search for what they told.

`with_people` makes a fixture page tell of its visitor and its reviewers in every place known;
`told` finds what of it is left in any text, however that is written.
"""

from __future__ import annotations

import gzip
import html as htmllib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import forms
from lxml import html as lxml_html

PAGES = Path(__file__).parent / "fixtures" / "pages"
CASES = sorted(str(path.parent.relative_to(PAGES)) for path in PAGES.glob("*/*/input.*"))

# An apostrophe, signs of a pattern, signs of HTML, no spaces between words, odd spacing, one word.
NAMES = [
    "Zoë O'Quill", "c.*++[fan]", "<i>Ampers & Sands</i>", "影评人李雷", "Anna  Berg-Lund",
    "quietmoth77",
]  # fmt: skip
VISITOR = "Vera Visitor-Lund"
ADDRESSES = ["203.0.113.77", "2001:db8:77::7", "vera.visitor@mail.example.org"]
IDS = ["132-7654321-7654321", "REQ0INVENTED0REQ0001", "A1INVENTEDCUSTOMER", "Atza|InventedCookie1"]
TOKEN = "eyJpbnZlbnRlZCI6MX0.eyJ0b2tlbiI6ImludmVudGVkIn0.c2lnbmF0dXJl"
PRIVATE = [*NAMES, VISITOR, *ADDRESSES, *IDS, TOKEN]
PRIVATE_FLAT = {value: " ".join(value.lower().split()) for value in PRIVATE}

CONTEXT = {
    "timestamp": "2026-04-01T12:30:00.000Z",
    "ipAddress": ADDRESSES[0],
    "requestId": IDS[1],
    "headers": {
        "x-forwarded-for": f"{ADDRESSES[0]}, {ADDRESSES[1]}",
        "cookie": f"session-id={IDS[0]}; at-main={IDS[3]}; aws-waf-token={TOKEN}",
    },
    "sidecar": {
        "sessionId": IDS[0],
        "account": {
            "userName": VISITOR, "customerId": IDS[2], "email": ADDRESSES[2], "userId": "ur7777777",
        },
    },
}  # fmt: skip


def page(case: str) -> str:
    """Return a fixture's page or answer with people in it."""
    (path,) = (PAGES / case).glob("input.*")
    text = path.read_text("utf-8")
    return with_people(text) if text.lstrip().startswith("<") else json.dumps(renamed(text))


def with_people(text: str) -> str:
    """Name the page's reviewers anew, and have it speak of them and of its visitor everywhere."""
    pieces = re.split(r"(<script\b[^>]*>)(.*?)(</script>)", text, flags=re.DOTALL)
    for at in range(0, len(pieces), 4):
        pieces[at] = re.sub(r"Invented Person( \d+)?", lambda m: _escaped(_name(m[0])), pieces[at])
    for at in range(2, len(pieces), 4):
        data = renamed(pieces[at])
        if isinstance(data, dict) and "props" in data:
            data["props"]["pageProps"] |= {
                "requestContext": CONTEXT,
                "state": json.dumps({"author": _author(0), "note": f"read by {VISITOR}"}),
                "shareText": f"Review by {NAMES[0]}: see /user/ur8000000/?rid={IDS[1]}",
                "banner": {"text": f"Hello {VISITOR}, {ADDRESSES[2]} from {ADDRESSES[1]}"},
            }
        pieces[at] = json.dumps(data).replace("<", "\\u003c")
    text = "".join(pieces)
    if "<body" not in text:
        return text
    return re.sub(r"<body[^>]*>", lambda body: body[0] + _around(), text, count=1)


def renamed(text: str) -> Any:
    """Return decoded JSON whose reviewers have other names."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        return _name(value) if isinstance(value, str) and "Invented Person" in value else value

    return walk(json.loads(text))


def _name(was: str) -> str:
    number = int((re.findall(r"\d+", was) or ["0"])[0])
    return NAMES[number % len(NAMES)]


def _author(number: int) -> dict[str, Any]:
    return {"username": {"text": NAMES[number]}, "userId": f"ur800000{number}"}


def _escaped(text: str) -> str:
    return htmllib.escape(text).replace("ë", "&euml;")


def _around() -> str:
    """Say of people what pages say beside the reviews: in labels, links, scripts, comments."""
    first, second = (_escaped(NAMES[n]) for n in (0, 1))
    review = {
        "@type": "Review", "author": {"@type": "Person", "name": NAMES[2]}, "creator": NAMES[3],
        "url": "/user/ur8000002/", "reviewBody": "It glows.",
    }  # fmt: skip
    linked = json.dumps({"@context": "x", "review": review}).replace("<", "\\u003c")
    return f"""<!-- {VISITOR} {IDS[0]} --><nav><span class=navbar__user-name>{VISITOR}</span>
<a href='/user/ur7777777/?ref_=nv_usr' title='{VISITOR}'>{VISITOR}</a></nav>
<img src="//fls-na.amazon.com/1/batch?rid={IDS[1]}"><form><input name=email value={ADDRESSES[2]}>
<input type=hidden name=csrf value="{TOKEN}"></form><div data-user="ur8000003" id=user-ur8000003>
<b title="By {first}">{first}</b> <em aria-label='{first}&apos;s profile'>Read by {second}</em>
<a href=/user/ur8000000/>{first}</a><a href="/user/ur8000001">{second}</a>
<a href="/login?return={quote("/user/ur8000001/", safe="")}">
Sign in</a><a href="https://www.imdb.com/x?sid={IDS[0]}#{IDS[2]}">x</a>
<p>From {ADDRESSES[0]} and {ADDRESSES[1]}: session-id={IDS[0]}; {IDS[3]}</p></div>
<script>var who = "{VISITOR}", key = "{TOKEN}";</script>
<script type=application/ld+json>{linked}</script>"""


def told(content: bytes | str) -> list[str]:
    """Return what of the people is in a text or an object, however it is packed or escaped."""
    if isinstance(content, bytes):
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        content = content.decode("utf-8", "replace")
    read = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), content)
    read = read.replace("\\/", "/").replace('\\"', '"')
    unescaped = htmllib.unescape(read)
    found = set()
    for form in {content, read, unescaped, htmllib.unescape(unescaped), unquote(read)}:  # often one
        flat = " ".join(form.lower().split())
        found.update(value for value, written in PRIVATE_FLAT.items() if written in flat)
        found.update(re.findall(r"(?<![a-z0-9])ur\d{4,}", flat))
    return sorted(found)


# --- forms of a page beside those that browsers write -------------------------------------------


def pretty_printed(text: str) -> bytes:
    """The page through a formatter: tags and data indented over many lines."""
    root = lxml_html.document_fromstring(text)
    for script in root.iter("script"):
        if "json" in f"{script.get('type')}" or script.get("id") == "__NEXT_DATA__":
            script.text = json.dumps(json.loads(script.text), indent=4).replace("<", "\\u003c")
    return lxml_html.tostring(root, pretty_print=True, encoding="utf-8")


def fragment(text: str) -> bytes:
    """Only the cards, as copied out of the inspector."""
    return "\n".join(re.findall(r"<article.*?</article>", text, re.DOTALL)).encode() or b"<p></p>"


def pasted(text: str) -> bytes:
    """What a reader of the page copies: no tags."""
    return lxml_html.document_fromstring(text).text_content().encode()


def twice_escaped(text: str) -> bytes:
    """The source of a saved view-source tab."""
    return forms.chrome_view_source(forms.chrome_view_source(text).decode())


def escaped_in_a_page(text: str) -> bytes:
    """The source as text in a page of another kind, such as a forum's, that nobody unwraps."""
    head = "<html><head><title>Saved - IMDb</title></head><body><code>"
    return f"{head}{htmllib.escape(text)}</code></body></html>".encode()


def answer(text: str) -> bytes:
    """The second copy of the page's reviews, as its own call for more gets it."""
    data = re.search(r'<script id="__NEXT_DATA__"[^>]*>(.*?)</script>', text, re.DOTALL)
    content = json.loads(data[1])["props"]["pageProps"].get("contentData") if data else None
    return json.dumps(((content or {}).get("data") and {"data": content["data"]}) or {}).encode()


def cut_off(text: str) -> bytes:
    """The first two thirds."""
    return text.encode()[: len(text.encode()) * 2 // 3]


FORMS: dict[str, Callable[[str], bytes]] = (
    forms.WHOLE
    | forms.CARDS
    | {
        "pretty-printed": pretty_printed,
        "fragment": fragment,
        "pasted text": pasted,
        "view-source of view-source": twice_escaped,
        "source in a page": escaped_in_a_page,
        "graphql": answer,
        "cut off": cut_off,
        "utf-16": lambda text: text.encode("utf-16"),
        "windows-1252": lambda text: text.encode("cp1252", "xmlcharrefreplace"),
        "half an mhtml": lambda text: forms.chrome_mhtml(text)[:-3000],
        "half a webarchive": lambda text: forms.webarchive(text)[:-40],
    }
)
"""Name of a form -> the bytes of a file that holds a page in it."""
