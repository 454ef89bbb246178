"""The JSON of a page is decoded up to the visitor's data; no words of a review move that cut."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.errors import LayoutChanged
from filmpulse.items import Page, author_key
from filmpulse.sources.imdb.reviews import ReviewsPage, parse_reviews_page

FIXTURES = Path(__file__).parents[3] / "fixtures" / "pages" / "imdb.ReviewsPage"
HTML = (FIXTURES / "one_unrated" / "input.html").read_text(encoding="utf-8")
SECRET = b"fixture-secret"
SCRIPT = re.search(r'json">(.*?)</script>', HTML, re.DOTALL)[1]
COMPACT = {"separators": (",", ":"), "ensure_ascii": False}

Change = Callable[[dict[str, Any]], object]


def changed(change: Change = lambda content: None) -> str:
    """The fixture without cards, its `contentData` changed, written as IMDb writes it."""
    data = json.loads(SCRIPT)
    props = data["props"]["pageProps"]
    change(props["contentData"])
    script = json.dumps(data, **COMPACT).replace("<", "\\u003c")
    return re.sub(r"<article.*</article>", "", HTML, flags=re.DOTALL).replace(SCRIPT, script)


def read(html: str) -> ReviewsPage:
    return parse_reviews_page(
        Page(url="", final_url="", html=html, status=None, fetched_at=None), SECRET
    )


def plainly(html: str) -> ReviewsPage:
    """Read with all of the JSON decoded: without the key, nothing is cut."""
    assert ',"requestContext":' in html
    return read(html.replace(',"requestContext":', ',"otherContext":'))


def rows_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [row["review"] for row in content["reviews"]]


HOSTILE = [
    ',"data":{"title":{',
    ',"reviewCount":99,"reviews":[]',
    ',"pageInfo":{"hasNextPage":false}',
    ',"requestContext":{',
    '"}]}}}}',
    'id="__NEXT_DATA__"',
    "</script",
    "\\",
    '\\"',
    "{{{",
]


@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=8).map("".join))
def test_no_words_of_a_review_move_the_cut(words: str) -> None:
    def say(content: dict[str, Any]) -> None:
        for review in rows_of(content):
            review["reviewText"] = review["reviewSummary"] = f"It says {words}."
        for edge in content["data"]["title"]["reviews"]["edges"]:
            edge["node"]["summary"]["originalText"] = f"Twin {words}."

    html = changed(say)
    parsed = read(html)
    assert parsed == plainly(html)
    assert {r.title for r in parsed.reviews} == {f"It says {words}."}
    assert len(parsed.reviews) == len(read(changed()).reviews)
    assert parsed.review_count == read(changed()).review_count


@pytest.mark.parametrize(
    "change",
    [
        lambda c: None,
        lambda c: c.pop("data"),
        lambda c: c.pop("pageInfo"),
        lambda c: c.pop("reviewCount"),
        lambda c: c.update(reviewCount="12"),
        lambda c: c.update(reviewCount=True),
        lambda c: c.pop("entityMetadata"),
        lambda c: c.update(reviews=[]),
        lambda c: c.update(reviews=None),
        lambda c: rows_of(c)[0].pop("reviewText"),  # and then whole
        lambda c: c.update(data=c.pop("data")),  # last
        lambda c: c.update(pageInfo=c.pop("pageInfo")),  # last
        lambda c: c.update(reviews={"0": c["reviews"][0]}),
    ],
)
def test_every_layout_reads_as_if_it_were_decoded_whole(change: Change) -> None:
    html = changed(change)
    try:
        expected = plainly(html)
    except LayoutChanged as error:
        with pytest.raises(LayoutChanged, match=re.escape(str(error))):
            read(html)
    else:
        assert read(html) == expected


@pytest.mark.parametrize(
    "drift", [{"reviewText": None}, {"authorRating": 11}, {"submissionDate": "14 March"}]
)
def test_a_review_that_is_not_whole_is_taken_from_the_second_copy(drift: dict[str, Any]) -> None:
    parsed = read(changed(lambda c: rows_of(c)[0].update(drift)))
    assert parsed.variant.startswith("next-edges")
    assert [r.content_hash for r in parsed.reviews] == [
        r.content_hash for r in read(changed()).reviews
    ]


def test_keys_of_the_same_name_at_another_depth_do_not_count() -> None:
    def nest(content: dict[str, Any]) -> None:
        inner = {"x": 1, "pageInfo": {"hasNextPage": False, "endCursor": "no"}, "reviewCount": 1}
        content["data"]["title"]["more"] = {**inner, "reviews": content["reviews"][:1]}

    html = changed(nest)
    assert read(html) == plainly(html) == read(changed())


def test_one_impossible_review_is_named_among_many() -> None:
    def break_last(content: dict[str, Any]) -> None:
        rows_of(content)[-1]["authorRating"] = 11
        content["data"]["title"]["reviews"]["edges"].clear()

    html = changed(break_last)
    last = rows_of(json.loads(SCRIPT)["props"]["pageProps"]["contentData"])[-1]["reviewId"]
    with pytest.raises(LayoutChanged, match=rf"Review {last} .*rating_1_10"):
        read(html)


@pytest.mark.parametrize("secret", [b"", b"k", b"k" * 64, b"k" * 65, b"k" * 500])
@given(author_id=st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
def test_author_keys_are_those_of_the_plain_hmac(secret: bytes, author_id: str) -> None:
    import hmac

    plain = hmac.digest(secret, f"imdb\0{author_id}".encode(), "sha256").hex()[:32]
    assert author_key("imdb", author_id, secret) == plain
