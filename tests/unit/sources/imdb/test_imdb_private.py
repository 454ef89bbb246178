"""Nothing private is left of any page in any form: it is cleaned, or it is not to be stored."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from functools import partial

import forms
import pytest
from private import CASES, FORMS, PAGES, page, told

from filmpulse.errors import BadInput, FilmpulseError, ForeignPage, NotCleaned, SiteUnavailable
from filmpulse.items import Page, author_key
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.files import find_fault
from filmpulse.sources.imdb.private import without_addresses
from filmpulse.sources.imdb.reviews import parse_graphql, parse_reviews_page
from filmpulse.sources.saved import unwrap

SECRET = b"fixture-secret"
HTML_CASES = [case for case in CASES if not case.startswith(("imdb.GraphQL", "imdb.Sugg"))]
REVIEWS_CASES = [case for case in CASES if case.startswith("imdb.ReviewsPage")]
HEAD = "<html><head><title>The Lamp Keeper (2025) - User reviews - IMDb</title></head>"


def read(text):
    saved = Page(url="x", final_url="x", html=text, status=None, fetched_at=None)
    return parse_reviews_page(saved, SECRET)


def a_card(number=1, name="Invented Person", text="It glows.", heading="Lit", more=""):
    return (
        f'<article class="user-review-item"><div data-testid="review-card-parent">{more}'
        '<span class="ipc-rating-star--rating">8</span><div data-testid="review-summary">'
        f'<a href="/title/tt7000001/review/rw900000{number}/"><h3>{heading}</h3></a></div>'
        '<div data-testid="review-overflow"><div class="ipc-html-content-inner-div">'
        f'{text}</div></div></div><a data-testid="author-link" href="/user/ur800000{number}/">'
        f'{name}</a><li class="review-date">May 5, 2026</li></article>'
    )


def a_page(*cards, head=HEAD, around=""):
    return f"{head}<body>{around}{''.join(cards)}</body></html>"


def with_data(**props):
    data = json.dumps({"props": {"pageProps": props}}).replace("<", "\\u003c")
    return f'{HEAD}<script id="__NEXT_DATA__" type="application/json">{data}</script></html>'


def data_of(text):
    said = re.search(r'<script id="__NEXT_DATA__"[^>]*>(.*?)</script>', text, re.DOTALL)[1]
    return json.loads(said)["props"]["pageProps"]


# --- the kind -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", HTML_CASES)
def test_a_cleaned_page_tells_of_nobody(case, form):
    content = FORMS[form](page(case))
    try:
        text = unwrap(content).text
        if isinstance(find_fault(text), SiteUnavailable):
            return  # half a page, which may lack what says that a name is one
        cleaned = [clean_page(text, SECRET), clean_page(text)]
    except (NotCleaned, ForeignPage, BadInput) as error:
        cleaned = [str(error)]
    else:
        assert clean_page(cleaned[0], SECRET) == cleaned[0]
    assert [told(one) for one in cleaned] == [[]] * len(cleaned)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", REVIEWS_CASES)
def test_what_can_be_read_can_be_cleaned_and_reads_the_same(case, form):
    is_answer = form == "graphql"
    parse = partial(parse_graphql, author_secret=SECRET) if is_answer else read
    try:
        text = unwrap(FORMS[form](page(case))).text
        whole = parse(text)
    except FilmpulseError:
        if form in forms.WHOLE:  # cleaned it is kept for whoever mends the parser
            assert clean_page(text, SECRET)
        return
    again = parse(clean_page(text, SECRET))
    assert again.reviews == whole.reviews
    for field in ("imdb_id", "movie", "review_count", "gated", "unopened_spoilers", "variant"):
        assert getattr(again, field) == getattr(whole, field), field


@pytest.mark.parametrize("name", ["singlefile.html", "chrome.mhtml", "view_source.html"])
def test_files_of_real_browsers_name_nobody(name):
    content = (PAGES.parent / "saved" / name).read_bytes()
    text = unwrap(content).text
    assert "invented-name-one" in text
    cleaned = clean_page(text, SECRET)
    assert not re.search(r"invented-name|ur7000|192\.0\.2|session-id", cleaned)
    assert read(cleaned).reviews == read(text).reviews


# --- a review's own text ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["movie", "The", "glows", "May", "8", "The Lamp Keeper", "Lit"])
def test_a_name_that_is_a_word_spoils_nothing(name):
    cards = [a_card(1, name, "The movie glows in May."), a_card(2, "Other", "The movie, 8.")]
    html = a_page(*cards, around=f'<b title="{name}">{name}</b>')
    cleaned = clean_page(html, SECRET)
    assert read(cleaned) == read(html)
    assert [r.body for r in read(cleaned).reviews] == ["The movie glows in May.", "The movie, 8."]
    assert f">{name}</a>" not in cleaned
    assert '<b title=""></b>' in cleaned


def test_a_signature_stays_in_the_text_and_goes_elsewhere():
    signed = a_card(1, "Zoë O'Quill", "It glows.<br/>- Zoë O'Quill")
    label = '<p aria-label="Photo of Zoë O&#39;Quill">Reviews by zoë o&#39;quill and others</p>'
    cleaned = clean_page(a_page(signed, around=label), SECRET)
    assert read(cleaned).reviews[0].body == "It glows.\n- Zoë O'Quill"
    assert cleaned.count("Quill") == 1
    assert "uill and others" not in cleaned


ADDRESSED = {
    "Write to vera@mail.example.org.": "Write to [e-mail].",
    "Seen at 203.0.113.77:8080, twice": "Seen at [address]:8080, twice",
    "From 2001:db8:77::7: hi": "From [address]: hi",
    "As ur80001234 says": "As [user] says",
    "vera&#64;mail&#46;example&period;org": "[e-mail]",
}


@pytest.mark.parametrize("text", ADDRESSED)
def test_addresses_go_from_a_text_by_every_route(text):
    html = a_page(a_card(1, text=text, heading=text))
    node = {"id": "rw9000001", "summary": {"originalText": "Lit"},
            "text": {"originalText": {"plaidHtml": text}}}  # fmt: skip
    reviews = {"total": 1, "edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
    answer = json.dumps({"data": {"title": {"id": "tt7000001", "reviews": reviews}}})
    read_by = [read(html), read(clean_page(html, SECRET)), parse_graphql(answer, SECRET),
               parse_graphql(clean_page(answer, SECRET), SECRET)]  # fmt: skip
    assert {one.reviews[0].body for one in read_by} == {ADDRESSED[text]}


@pytest.mark.parametrize(
    "text",
    [
        "It runs 12:30:45 in all.", "std::vector a::b", "Version 1.2.3 of 2.0", "1999.", "@home",
        "blur2049 and your 1234", "10/10 5.5.", "Me @ 9.30 p.m.", "a@b", "ratio 1:2:3:4",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_address_stays(text):
    assert without_addresses(text) == text


# --- data ---------------------------------------------------------------------------------------


def test_people_of_the_movie_stay_and_reviewers_of_the_same_name_go():
    title = {
        "titleText": {"text": "Drama"},
        "principalCredits": [{"credits": [{"name": {"nameText": {"text": "Asta Invented"}}}]}],
        "genres": {"genres": [{"text": "Drama"}]},
    }
    authors = [{"nickName": n, "userId": f"ur800000{i}"} for i, n in
               enumerate(["Drama", "Asta Invented"])]  # fmt: skip
    props = data_of(clean_page(with_data(contentData={"authors": authors, "title": title}), SECRET))
    assert props["contentData"]["title"] == title
    assert [a["nickName"] for a in props["contentData"]["authors"]] == ["", ""]
    assert [a["userId"] for a in props["contentData"]["authors"]] == [
        f"key-{author_key('imdb', f'ur800000{i}', SECRET)}" for i in range(2)
    ]


def test_data_within_data_are_cleaned_too():
    inner = json.dumps({"author": {"nickName": "Invented Person", "userId": "ur8000001"}, "n": 1})
    twice = json.dumps({"deeper": inner})
    props = data_of(clean_page(with_data(contentData={"state": twice}), SECRET))
    deeper = json.loads(json.loads(props["contentData"]["state"])["deeper"])
    assert deeper["author"]["nickName"] == ""
    assert deeper["n"] == 1
    assert "ur8000001" not in str(props)


def test_members_that_stand_for_people_wherever_they_are():
    data = {
        "ur8000001": {"seen": True},
        "voter": {"id": "ur8000002", "name": "Invented Person", "n": 3},
        "list": {"author": ["Invented Person", {"text": "Other Person"}]},
        "viewer": {"displayName": "Vera", "age": 40},
        "csrfToken": "INVENTED", "cookies": {"a": "b"}, "userAgent": "Mozilla/5.0",
    }  # fmt: skip
    props = data_of(clean_page(with_data(contentData=data)))
    assert props["contentData"] == {
        "": {"seen": True},
        "voter": {"id": "", "name": "", "n": 3},
        "list": {"author": ["", {"text": ""}]},
        "viewer": {"displayName": "", "age": 0},
        "csrfToken": "", "cookies": {}, "userAgent": "",
    }  # fmt: skip


def test_plain_words_of_the_visitors_browser_stay_in_the_page():
    context = {"headers": {"user-agent": "Mozilla/5.0 (Windows; Linux)", "x-city-token": "Paris"}}
    html = with_data(requestContext=context, contentData={"label": "Windows and Paris"})
    assert data_of(clean_page(html))["contentData"] == {"label": "Windows and Paris"}


def test_a_saved_page_keeps_its_movie_when_only_a_comment_names_it():
    html = "<html><!-- saved from url=(0047)https://www.imdb.com/title/tt7000001/reviews/ -->"
    cards = a_card().replace("/title/tt7000001", "")
    whole = f"{html}<body>{cards}</body></html>"
    cleaned = clean_page(whole, SECRET)
    assert "saved from" not in cleaned
    assert read(cleaned).imdb_id == read(whole).imdb_id == "tt7000001"


# --- what cannot be cleaned ---------------------------------------------------------------------

PROFILE = "https://www.imdb.com/user/ur8000001/ratings/"
UNCLEANABLE = {
    "nothing": "",
    "a text": "Invented Person writes: it glows.",
    "mime": "From: x\nContent-Type: multipart/related\n\n<html>Invented Person</html>",
    "a letter": "<html><body><p>Dear Invented Person</p></body></html>",
    "another site": "<html><head><title>Film talk</title></head><body>Invented Person</body>",
    "a profile": f"{HEAD}<link rel=canonical href={PROFILE}><body>Invented Person</body></html>",
    "a profile by comment": f"<!-- saved from url=(0044){PROFILE} -->{HEAD}<p>Invented Person",
    "cut-off answer": '{"data":{"title":{"author":"Invented Person',
    "cut-off data": f'{HEAD}<script type="application/json">{{"author":"Invented Person',
    "data that are none": f'{HEAD}<script id=__NEXT_DATA__>{{author: "Invented"}}</script>',
    "deep data": f'{HEAD}<script type="application/json">{"[" * 100_000}</script>',
    "cut-off data within data": with_data(contentData={"s": '{"author":{"nickName":"Invented'}),
    "source as text": f"{HEAD}<body><p>&lt;a href=/user/x/&gt;Invented Person&lt;/a&gt;</p>",
    "data as text": f'{HEAD}<body><p>{{"nickName":</p><p>"Invented Person"}}</p>',
    "a number": "12",
}  # fmt: skip


@pytest.mark.parametrize("kind", UNCLEANABLE)
@pytest.mark.parametrize("secret", [SECRET, None])
def test_what_cannot_be_cleaned_is_said_without_a_word_of_it(kind, secret):
    with pytest.raises(NotCleaned) as raised:
        clean_page(UNCLEANABLE[kind], secret)
    assert raised.value.reason == "not_cleaned"
    assert "Invented" not in str(raised.value)
    assert raised.value.__cause__ is None


HOSTILE = {
    "deep tags": HEAD + "<div>" * 200_000,
    "deep cards": HEAD + "<article class=user-review-item>" * 50_000,
    "open links": HEAD + '<a data-testid="author-link" href="/user/ur1234567/">x' * 50_000,
    "many names": a_page(*(a_card(1, f"Invented {n}") for n in range(5_000)),
                         around="<p>Invented 7 " * 5_000),
    "long names": a_page(a_card(1, "word " * 100_000), around=f"<p>{'word ' * 100_000}</p>"),
    "20 MB of text": a_page(a_card(1, text="It glows and glows. " * 1_000_000)),
    "20 MB of at signs": a_page(a_card(1, text="a@" * 2_000_000)),
    "colons": a_page(a_card(1, text="1:2:3:4:" * 200_000)),
    "comments": HEAD + "<!-- -->" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pages_take_seconds_at_most(kind):
    started = time.process_time()
    with suppress(NotCleaned):
        clean_page(HOSTILE[kind], SECRET)
    assert time.process_time() - started < 20
