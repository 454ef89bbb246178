"""What is taken out of pages: all of it, nothing else, and the same when done again."""

import json
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmpulse.errors import NotCleaned
from filmpulse.items import Page, author_key
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.reviews import parse_graphql, parse_reviews_page

FIXTURES = Path(__file__).parents[3] / "fixtures" / "pages"
INPUTS = sorted(FIXTURES.glob("*/*/input.html"))
SECRET = b"fixture-secret"
CONTEXT = {
    "timestamp": "2026-04-01T00:00:00Z",
    "ipAddress": "198.51.100.23",
    "requestId": "REQ0INVENTED0REQ",
    "headers": {"X-Forwarded-For": "198.51.100.23, 192.0.2.9", "cookie": "at-main=invented"},
    "sidecar": {
        "sessionId": "132-0000000-0000001",
        "account": {"userName": "Vera V.", "isLoggedIn": True, "email": "vera@example.org"},
    },
}


def page(context=None, body=""):
    html = (FIXTURES / "imdb.ReviewsPage/username_25_of_5081/input.html").read_text("utf-8")
    html = html.replace('"requestContext":{}', f'"requestContext":{json.dumps(context or CONTEXT)}')
    return html.replace("<body>", f"<body>{body}", 1)


# What shows that a page is IMDb's.
HEAD = "<html><head><title>The Lamp Keeper (2025) - IMDb</title>"


def read(html):
    return parse_reviews_page(
        Page(url="x", final_url="x", html=html, status=None, fetched_at=None), SECRET
    )


@pytest.mark.parametrize("path", INPUTS, ids=lambda p: "/".join(p.parts[-3:-1]))
@pytest.mark.parametrize("secret", [SECRET, None], ids=["keyed", "nameless"])
def test_cleaning_again_changes_nothing(path, secret):
    cleaned = clean_page(path.read_text("utf-8"), secret)
    assert clean_page(cleaned, secret) == cleaned


def test_a_keyed_page_loses_its_keys_without_the_secret():
    keyed = clean_page(page(), SECRET)
    assert "key-" in keyed
    again = clean_page(keyed)
    assert not re.search(r'"userId":"key-', again)


def test_what_the_context_says_goes_wherever_it_stands():
    body = (
        "<p>Your address: 198.51.100.23</p><a href='/x?rid=REQ0INVENTED0REQ'>x</a>"
        '<span class="navbar__user-name navbar__user-menu-toggle__name">Vera V.</span>'
        "<div title=132-0000000-0000001><b> Vera V. </b></div>"
    )
    cleaned = clean_page(page(body=body), SECRET)
    for secret in ("198.51.100.23", "192.0.2.9", "REQ0INVENTED", "132-0000000", "Vera V.",
                   "vera@example.org", "at-main", "2026-04-01"):  # fmt: skip
        assert secret not in cleaned, secret
    assert read(cleaned).reviews == read(page()).reviews


@pytest.mark.parametrize("name", ["navbar__user-name", "imdb-header__account-toggle--logged-in"])
def test_who_is_signed_in_goes_also_without_a_context(name):
    html = f'{HEAD}<body><span class="a {name} b">Vera V.</span><p>kept</p></html>'
    cleaned = clean_page(html, SECRET)
    assert "Vera" not in cleaned
    assert f'<span class="a {name} b"></span><p>kept</p>' in cleaned


@pytest.mark.parametrize(
    "words",
    [
        '"author":{ and no end to it',
        '"requestContext":{"ipAddress":"every word of it"}',
        '"requestId":"a film"',
        '"userAgent":"critic"',
    ],
)
def test_the_words_of_a_review_are_not_taken_for_data(words):
    html = f"<html><body><article class='user-review-item'><p>{words}</p></article></body></html>"
    assert words in clean_page(html, SECRET)


def test_a_script_ends_where_it_ends():
    html = f"{HEAD}<script>var x = '</pre>'; var name = 'Vera V.';</script><body><p>kept</p></html>"
    cleaned = clean_page(html, SECRET)
    assert "<body><p>kept</p></body>" in cleaned
    assert "script" not in cleaned
    assert "Vera" not in cleaned


def test_data_without_a_type_are_kept():
    html = f'{HEAD}<script id="__NEXT_DATA__">{{"a": 1}}</script><script>track()</script></html>'
    cleaned = clean_page(html)
    assert '<script id="__NEXT_DATA__">{"a":1}</script>' in cleaned
    assert "track" not in cleaned


def test_a_key_in_an_authors_object_stays():
    key = author_key("imdb", "ur80001234", SECRET)
    node = {
        "id": "rw1", "author": {"username": {"text": "Invented"}, "userId": f"key-{key}"},
        "summary": {"originalText": "A"}, "text": {"originalText": {"plaidHtml": "B"}},
    }  # fmt: skip
    reviews = {"total": 1, "edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
    text = json.dumps({"data": {"title": {"id": "tt7000001", "reviews": reviews}}})
    cleaned = clean_page(text, SECRET)
    assert "Invented" not in cleaned
    assert parse_graphql(cleaned, SECRET).reviews[0].author_key == key


@settings(max_examples=150)
@given(st.text(alphabet='<>{}"\\/:, abrequestContextauthorscript\n', max_size=300))
def test_nothing_that_is_written_breaks_it(text):
    with suppress(NotCleaned):
        cleaned = clean_page(f"{HEAD}{text}</html>", SECRET)
        assert clean_page(cleaned, SECRET) == cleaned


@pytest.mark.parametrize(
    "piece",
    [
        "<a ", '<a href="', "<script ", "<script>", "<pre>", "<img //fls-", "<b ", "<", '"', '\\"',
        '"author":{', '"requestContext":{', '"requestContext":{"ipAddress":"', 'aria-label="',
        "navbar__user-name", "ur1234 ", '"\\"',
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "shell", ["{}", f"{HEAD}{{}}</html>", f'{HEAD}<script type="application/json">{{}}', "[{}"],
)  # fmt: skip
def test_no_page_takes_long(piece, shell):
    started = time.process_time()
    with suppress(NotCleaned):
        clean_page(shell.replace("{}", piece * (400_000 // len(piece))), SECRET)
    assert time.process_time() - started < 3
