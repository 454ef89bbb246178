"""What a page must not pass for: blocks, gates, drift, damage; and one hash by every route."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.errors import (
    BadInput,
    Blocked,
    FilmpulseError,
    ForeignPage,
    LayoutChanged,
    NotFound,
    SiteUnavailable,
)
from filmpulse.items import Page
from filmpulse.sources.imdb.recognise import check_page, gate_is_visible
from filmpulse.sources.imdb.reviews import parse_graphql, parse_reviews_page
from filmpulse.sources.imdb.titles import parse_find, parse_suggestions, parse_title_page

FIXTURES = Path(__file__).parents[3] / "fixtures" / "pages" / "imdb.ReviewsPage"
SECRET = b"fixture-secret"
MOVIE = "tt7000001"


def fixture(case: str) -> str:
    return (FIXTURES / case / "input.html").read_text(encoding="utf-8")


def page(html: str, status: int | None = None, **headers: str) -> Page:
    url = f"https://www.imdb.com/title/{MOVIE}/reviews/"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Page(url=url, final_url=url, html=html, status=status, headers=named, fetched_at=None)


def with_data(change: Callable[[dict], None], case: str = "one_unrated") -> Page:
    """A fixture whose `contentData` was changed, its cards taken away."""
    html = re.sub(r"<article.*</article>", "", fixture(case), flags=re.DOTALL)
    head, tail = html.split('type="application/json">')
    script, rest = tail.split("</script>", 1)
    data = json.loads(script)
    change(data["props"]["pageProps"]["contentData"])
    return page(f'{head}type="application/json">{json.dumps(data)}</script>{rest}')


def graphql(count: int = 2, **changes: object) -> str:
    edges = [
        {
            "node": {
                "id": f"rw{i}",
                "author": {"username": {"text": "Somebody"}, "userId": f"ur900{i}"},
                "summary": {"originalText": "A heading"},
                "text": {"originalText": {"plaidHtml": f"Text {i}."}},
                "authorRating": None,
                "submissionDate": "2026-03-14",
                "helpfulness": {"upVotes": 1, "downVotes": 0},
                "spoiler": False,
                "reportingLink": {
                    "url": f"https://contribute.imdb.com/review/{MOVIE}/rw{i}/report"
                },
            }
        }
        for i in range(count)
    ]
    info = {"endCursor": None, "hasNextPage": False}
    reviews = {"total": count, "pageInfo": info, "edges": edges, **changes}
    return json.dumps({"data": {"title": {"reviews": reviews}}})


# --- blocks ---


@pytest.mark.parametrize(
    ("status", "headers", "html", "reason"),
    [
        (202, {"x_amzn_waf_action": "challenge"}, "", "challenge"),
        (202, {}, "", "challenge"),
        (405, {"x_amzn_waf_action": "captcha"}, "<html></html>", "captcha"),
        (403, {"server": "awselb/2.0"}, "<html><title>403 Forbidden</title></html>", "forbidden"),
        (429, {"retry_after": "120"}, "", "rate_limited"),
        (200, {"x_amzn_waf_action": "challenge"}, "<html></html>", "challenge"),
        (200, {}, "<html><script src='//x.awswaf.com/challenge.js'></script></html>", "challenge"),
        (None, {}, "<html><script>window.gokuProps = {}</script></html>", "challenge"),
        (None, {}, "<html><script src='/captcha.js'></script></html>", "captcha"),
        (None, {}, "<html><head><title>403 Forbidden</title></head></html>", "forbidden"),
        (200, {}, "", "challenge"),
        (200, {}, "<html><head></head><body></body></html>", "challenge"),
    ],
)  # fmt: skip
def test_block_is_told_by_its_reason(status, headers, html, reason) -> None:
    with pytest.raises(Blocked) as caught:
        check_page(page(html, status, **headers))
    assert caught.value.reason == reason


def test_retry_after_is_handed_on_in_seconds() -> None:
    with pytest.raises(Blocked) as caught:
        check_page(page("", 429, retry_after="120"))
    assert caught.value.retry_after == 120.0


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (500, SiteUnavailable)])
def test_other_statuses(status: int, error: type[FilmpulseError]) -> None:
    with pytest.raises(error):
        check_page(page(fixture("no_reviews"), status))


def test_good_page_may_carry_a_waf_token_and_speak_of_challenges() -> None:
    html = fixture("one_unrated").replace("<h1>", "<!-- aws-waf-token --><h1>challenge.js ")
    check_page(page(html, 200))
    assert len(parse_reviews_page(page(html, 200), SECRET).reviews) == 3


@pytest.mark.parametrize("html", ["", "   ", "<html><body>Recipes for soup</body></html>"])
def test_saved_page_of_another_site_is_not_imdbs(html: str) -> None:
    with pytest.raises(ForeignPage):
        check_page(page(html))


def test_other_next_site_is_not_imdbs() -> None:
    data = '{"props":{"pageProps":{"products":[]}}}'
    html = f'<html><script id="__NEXT_DATA__" type="application/json">{data}</script></html>'
    with pytest.raises(ForeignPage):
        check_page(page(html))


def test_cut_off_page_is_broken_not_empty() -> None:
    html = fixture("one_unrated")
    with pytest.raises(SiteUnavailable) as caught:
        parse_reviews_page(page(html[: html.index("<article")]), SECRET)
    assert caught.value.reason == "broken_page"


def test_page_cut_off_in_mid_card_gives_no_part_of_a_review() -> None:
    html = fixture("dom_opened")
    cut = html[: html.index("Seat 2") + 3]
    with pytest.raises(SiteUnavailable):
        parse_reviews_page(page(cut), SECRET)


# --- never a silent zero ---


@pytest.mark.parametrize(
    "change",
    [
        lambda c: (c.pop("reviews"), c["data"]["title"].pop("reviews")),
        lambda c: (c["reviews"].clear(), c["data"]["title"]["reviews"]["edges"].clear()),
        lambda c: c.clear(),
        lambda c: [r["review"].pop("reviewId") for r in c["reviews"]] and c.pop("data"),
        lambda c: c["reviews"][1]["review"].pop("reviewText") and c.pop("data"),
        lambda c: c["reviews"][1]["review"].update(reviewText=" ") or c.pop("data"),
        lambda c: c["reviews"][0].update(review=None) or c.pop("data"),
        lambda c: c["reviews"][0]["review"].update(authorRating=11) or c.pop("data"),
        lambda c: c["reviews"][0]["review"].update(submissionDate="2026-13-45") or c.pop("data"),
        lambda c: c["reviews"][0]["review"]["helpfulnessVotes"].update(upVotes=-1) or c.pop("data"),
        lambda c: c["entityMetadata"]["ratingsSummary"].update(aggregateRating=74),
    ],
)
def test_changed_layout_is_an_error(change) -> None:
    with pytest.raises(LayoutChanged):
        parse_reviews_page(with_data(change), SECRET)


def test_damaged_rows_are_read_whole_from_their_twin() -> None:
    def change(content: dict) -> None:
        del content["reviews"][1]["review"]["reviewText"]

    parsed = parse_reviews_page(with_data(change), SECRET)
    assert len(parsed.reviews) == 3
    assert parsed.variant == "next-edges+username"


def test_unknown_keys_and_unknown_author_names_do_not_matter() -> None:
    def change(content: dict) -> None:
        content["somethingNew"] = {"a": 1}
        for row in content["reviews"]:
            row["review"]["mood"] = "blue"
            row["review"]["author"]["displayName"] = row["review"]["author"].pop("username")

    parsed = parse_reviews_page(with_data(change), SECRET)
    assert len(parsed.reviews) == 3
    assert parsed.variant == "next-reviews+displayName"


def test_ten_of_many_without_a_gate_is_drift() -> None:
    def change(content: dict) -> None:
        content["reviewCount"] = 900
        content["pageInfo"]["hasNextPage"] = True
        row = content["reviews"][0]
        content["reviews"] = [
            {**row, "review": {**row["review"], "reviewId": f"rw5{i}"}} for i in range(10)
        ]

    with pytest.raises(LayoutChanged, match="900 reviews and 10"):
        parse_reviews_page(with_data(change), SECRET)


def test_data_that_are_no_json_are_an_error() -> None:
    html = fixture("edges_only").replace('"props":{', '"props":{,')
    with pytest.raises(LayoutChanged):
        parse_reviews_page(page(html), SECRET)


def test_words_of_the_gate_inside_a_review_or_script_are_no_gate() -> None:
    html = fixture("one_unrated").replace("Seat 1", "Sign in to see all reviews")
    assert not gate_is_visible(html)
    assert not gate_is_visible(fixture("gate_words_in_translations"))
    assert gate_is_visible(fixture("gated_none"))


def test_hidden_gate_is_no_gate() -> None:
    html = fixture("gated_none").replace("<section>", '<section style="display: none">')
    assert not gate_is_visible(html)


@pytest.mark.parametrize(
    ("body", "is_gate"),
    [
        ("<h3>Sign in to see all reviews</h3>", True),
        ("<div><p>\n Sign in to\n access user reviews </p>A few</div>", True),
        ("<p>There are <!-- -->5,076<!-- --> more user reviews for this title. "
         "<a>Sign in</a> to read them all.</p>", True),
        ("Sign in to see all reviews<p>or do not</p>", True),
        ("<p>The banner said: sign in to see all reviews</p>", False),
        ("<p>Sign in</p>", False),
        ('<pre>{"header":"Sign in to see all reviews"}</pre>', False),
        ("<td>&lt;h3&gt;Sign in to see all reviews&lt;/h3&gt;</td>", False),
        ("<template><h3>Sign in to see all reviews</h3></template>", False),
        ("<h3 hidden>Sign in to see all reviews</h3>", False),
        ('<script>"Sign in to see all reviews"</script>', False),
        ('<meta content="Sign in to see all reviews">', False),
        ("<!-- Sign in to see all reviews -->", False),
        ("<article class=user-review-item><h3>Sign in to see all reviews</h3></article>", False),
        ("<div class='x imdb-user-review'><a>Sign in to see all reviews</a></div>", False),
        ("<div data-testid=review-card-parent><p>Sign in to see all reviews</p></div>", False),
    ],
)  # fmt: skip
def test_a_gate_is_an_element_of_its_own(body: str, is_gate: bool) -> None:
    assert gate_is_visible(f"<html><body><div>{body}</div></body></html>") is is_gate


def test_a_page_that_only_speaks_of_the_gate_is_no_gated_page() -> None:
    words = "<p>What &quot;Sign in to see all reviews&quot; means for you</p>"
    html = re.sub(r"<section>.*</section>", words, fixture("gated_none"), flags=re.DOTALL)
    assert words in html
    with pytest.raises(LayoutChanged):
        parse_reviews_page(page(html), SECRET)


def test_reviews_without_a_day_are_kept_and_counted() -> None:
    html = fixture("dom_opened").replace("Mar 12, 2026", "5 Fimbulwinter 2026", 1)
    parsed = parse_reviews_page(page(html), SECRET)
    days = [r.submitted_on for r in parsed.reviews]
    assert days.count(None) == parsed.undated == 1
    assert len(days) == 3
    assert parse_reviews_page(page(fixture("dom_opened")), SECRET).undated == 0


def test_a_page_in_another_language_is_read_whole() -> None:
    english = fixture("dom_opened")
    german = english
    for old, new in (("Mar 12, 2026", "12. März 2026"), ("3 reviews", "3 Rezensionen"),
                     ("1,234", "1.234"), (">56<", ">5,6 k<")):  # fmt: skip
        assert old in german
        german = german.replace(old, new)
    read, expected = (parse_reviews_page(page(html), SECRET) for html in (german, english))
    assert [r.submitted_on for r in read.reviews] == [r.submitted_on for r in expected.reviews]
    assert read.review_count == 3
    votes = (read.reviews[0].helpful_up, read.reviews[0].helpful_down)
    assert votes == (1234, None)  # a rounded number is no count


@pytest.mark.parametrize(
    "requote",
    [
        lambda html: html.replace('"', "'"),
        lambda html: re.sub(r'="([^\s"\'=<>`]+)"', r"=\1", html),
        lambda html: html.replace('="', ' = "'),
    ],
    ids=["single quotes", "no quotes", "spaces"],
)
def test_attributes_are_found_however_they_are_quoted(requote: Callable[[str], str]) -> None:
    html = fixture("dom_opened")
    assert requote(html) != html
    saved = Page(url="f", final_url="f", html=requote(html), status=None, fetched_at=None)
    assert parse_reviews_page(saved, SECRET) == parse_reviews_page(page(html), SECRET)


@pytest.mark.parametrize(
    "end", ["</html>", "</HTML\n>", "</body>", "", "\n", "<p>a", "<ul><li>a</ul>"]
)
def test_a_page_without_its_last_end_tag_is_not_cut_off(end: str) -> None:
    html = fixture("dom_opened").replace("</body></html>", "")
    assert len(parse_reviews_page(page(html + end), SECRET).reviews) == 3


@pytest.mark.parametrize(
    "end",
    ["<div>", "<p><b>a", "<di", '<a href="x', "<a href=x", "<!-- a", "<script>a", "<style>a",
     "<section><p>a</p>", "<ul><li>a"],
)  # fmt: skip
def test_a_page_that_ends_within_an_element_is_cut_off(end: str) -> None:
    html = fixture("dom_opened").replace("</body></html>", "")
    with pytest.raises(SiteUnavailable) as caught:
        parse_reviews_page(page(html + end), SECRET)
    assert caught.value.reason == "broken_page"


def test_fragment_without_any_address_asks_for_the_movie() -> None:
    html = re.sub(r"/title/tt\d+", "", fixture("cards_fragment"))
    bare = Page(url="f.html", final_url="f.html", html=html, status=None, fetched_at=None)
    with pytest.raises(BadInput):
        parse_reviews_page(bare, SECRET)
    assert parse_reviews_page(page(html), SECRET).imdb_id == MOVIE


# --- the cut that leaves translations out ---


def test_data_after_the_visitor_s_part_are_found_all_the_same() -> None:
    html = fixture("edges_only")
    script = re.search(r'json">(.*?)</script>', html, re.DOTALL)[1]
    data = json.loads(script)
    props = data["props"]["pageProps"]
    data["props"]["pageProps"] = {k: props[k] for k in reversed(props)}
    for dumped in (
        json.dumps(data),
        json.dumps(data, separators=(",", ":")),
        json.dumps(data, indent=2),
    ):
        again = page(html.replace(script, dumped))
        assert parse_reviews_page(again, SECRET) == parse_reviews_page(page(html), SECRET)


def test_visitor_s_part_named_inside_a_review_cuts_nothing() -> None:
    def change(content: dict) -> None:
        for row in content["reviews"]:
            row["review"]["reviewText"] = 'He said: ,"requestContext":{ and left.'

    parsed = parse_reviews_page(with_data(change), SECRET)
    assert {r.body for r in parsed.reviews} == {'He said: ,"requestContext":{ and left.'}


# --- one review, one hash ---


@pytest.mark.parametrize("case", ["one_unrated", "entities_and_lists"])
def test_every_route_gives_one_hash(case: str) -> None:
    html = fixture(case)
    rows = parse_reviews_page(page(html), SECRET)
    twin = parse_reviews_page(with_data(lambda c: c.pop("reviews"), case), SECRET)
    content = json.loads(re.search(r'json">(.*?)</script>', html, re.DOTALL)[1])["props"]
    answer = json.dumps({"data": content["pageProps"]["contentData"]["data"]})
    later = parse_graphql(answer, SECRET)
    dom = parse_reviews_page(page(html.replace("__NEXT_DATA__", "gone")), SECRET)
    routes = [rows, twin, later, dom]
    assert [p.variant.split("+")[0] for p in routes] == [
        "next-reviews",
        "next-edges",
        "graphql",
        "dom",
    ]
    hashes = [[(r.review_id, r.content_hash, r.author_key) for r in p.reviews] for p in routes]
    assert hashes[0]
    assert hashes[1:] == hashes[:1] * 3


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip),
    st.text(st.characters(exclude_categories=("Cs", "Cc"))),
)
def test_any_text_has_one_hash_by_json_and_dom(body: str, title: str) -> None:
    escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    heading = title.replace("&", "&amp;").replace("<", "&lt;")
    node = json.loads(graphql(1))
    edge = node["data"]["title"]["reviews"]["edges"][0]["node"]
    edge["text"]["originalText"]["plaidHtml"] = f"{escaped}<br/>End."
    edge["summary"]["originalText"] = title
    card = (
        '<article class="user-review-item"><div data-testid="review-card-parent">'
        f'<div data-testid="review-summary"><a href="/title/{MOVIE}/review/rw0/">'
        f'<h3>{heading}</h3></a></div><div data-testid="review-overflow">'
        f'<div class="ipc-html-content-inner-div">{escaped}<br>End.</div></div></div></article>'
    )
    [by_json] = parse_graphql(json.dumps(node), SECRET).reviews
    [by_dom] = parse_reviews_page(page(card), SECRET).reviews
    assert by_json.content_hash == by_dom.content_hash


# --- GraphQL answers ---


def test_answers_that_the_page_loaded_follow_its_own_reviews() -> None:
    first = parse_reviews_page(page(fixture("nickname_25_of_103")), SECRET)
    later = parse_graphql(graphql(11, total=104), SECRET, first.imdb_id)
    ids = [r.review_id for parsed in (first, later) for r in parsed.reviews]
    assert len(set(ids)) == len(ids) == 36
    assert ids[-11:] == [f"rw{i}" for i in range(11)]
    assert (later.review_count, later.has_more) == (104, False)
    assert (first.variant, later.variant) == ("next-reviews+nickName", "graphql")


def test_answer_says_which_movie_it_is_about() -> None:
    assert parse_graphql(graphql(), SECRET).imdb_id == MOVIE
    with pytest.raises(BadInput):
        parse_graphql(graphql(), SECRET, "tt7000002")
    silent = graphql().replace("reportingLink", "gone")
    assert parse_graphql(silent, SECRET, "tt7000002").imdb_id == "tt7000002"
    with pytest.raises(BadInput):
        parse_graphql(silent, SECRET)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ForeignPage),
        ("[1, 2]", ForeignPage),
        ('{"a": 1}', ForeignPage),
        ('{"data": {"other": 1}}', ForeignPage),
        ('{"errors": [{"message": "no"}], "data": null}', SiteUnavailable),
        (graphql(2).replace('"edges"', '"rows"').replace("rw", "rw900"), LayoutChanged),
        (graphql(2).replace('"reviews"', '"notes"').replace("rw", "rw900"), LayoutChanged),
        (graphql(edges=None), LayoutChanged),
        (graphql(0, pageInfo={"hasNextPage": True}), LayoutChanged),
        (graphql().replace('"id": "rw1"', '"id": null'), LayoutChanged),
        (graphql().replace("plaidHtml", "markdown"), LayoutChanged),
        ("[" * 100_000, ForeignPage),
    ],
)
def test_bad_answer(text: str, error: type[FilmpulseError]) -> None:
    with pytest.raises(error):
        parse_graphql(text, SECRET, MOVIE)


def test_text_that_utf8_cannot_hold_is_let_in_without_it() -> None:
    [review, *_] = parse_graphql(graphql().replace("Text 0", r"Te\ud800xt 0"), SECRET).reviews
    assert review.body == "Text 0."
    [review, *_] = parse_graphql(graphql().replace("A heading", r"A \u0000heading"), SECRET).reviews
    assert review.title == "A heading"


# --- titles, search, suggestions ---


def test_title_page_without_any_known_place_is_drift() -> None:
    html = "<html><head><title>The Lamp Keeper (2025) - IMDb</title></head><body>x</body></html>"
    with pytest.raises(LayoutChanged):
        parse_title_page(page(html))


def test_title_page_is_no_page_of_reviews() -> None:
    html = (FIXTURES.parent / "imdb.TitlePage" / "next_2025" / "input.html").read_text("utf-8")
    with pytest.raises(LayoutChanged, match="title page"):
        parse_reviews_page(page(html), SECRET)


def find_page(results: object) -> Page:
    data = {"props": {"pageProps": {"titleResults": {"results": results}}}}
    script = f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(data)}</script>'
    return page(f"<html><body>{script}</body></html>")


def test_find_reads_new_and_old_results_and_no_votes_are_null() -> None:
    item = {
        "titleId": "tt7000003", "titleText": "Unseen", "originalTitleText": "Osedd",
        "releaseYear": 2027, "ratingSummary": {"aggregateRating": 0, "voteCount": 0},
        "genres": ["Drama"], "runtime": 5400,
    }  # fmt: skip
    old = {"id": "tt7000004", "titleNameText": "Old Form", "titleReleaseText": "1999"}
    rows = parse_find(find_page([{"index": "tt7000003", "listItem": item}, old]))
    assert [(m.imdb_id, m.title, m.year) for m, _ in rows] == [
        ("tt7000003", "Unseen", 2027),
        ("tt7000004", "Old Form", 1999),
    ]
    movie, snapshot = rows[0]
    assert (movie.original_title, movie.runtime_minutes) == ("Osedd", 90)
    assert (snapshot.rating, snapshot.vote_count) == (None, None)


@pytest.mark.parametrize("results", [None, [{"index": "tt7000003", "listItem": {"x": 1}}]])
def test_find_without_its_places_is_drift(results: object) -> None:
    with pytest.raises(LayoutChanged):
        parse_find(find_page(results))


def test_suggestions_are_titles_only_in_order() -> None:
    text = json.dumps(
        {
            "d": [
                {"id": "tt7000001", "l": "The Lamp Keeper", "y": 2025, "q": "feature", "s": "A, B"},
                {"id": "nm700", "l": "A Person"},
                {"id": "tt7000002", "l": "The Other Lamp"},
            ],
            "q": "lamp",
            "v": 1,
        }
    )
    hits = parse_suggestions(text)
    assert [(h.imdb_id, h.title, h.year, h.kind, h.stars) for h in hits] == [
        ("tt7000001", "The Lamp Keeper", 2025, "feature", "A, B"),
        ("tt7000002", "The Other Lamp", None, None, None),
    ]
    assert parse_suggestions('{"d":[],"q":"x","v":1}') == []
    with pytest.raises(ForeignPage):
        parse_suggestions("<html>")
    with pytest.raises(LayoutChanged):
        parse_suggestions('{"d":[{"id":"tt7000001"}]}')


@given(st.text())
def test_any_text_as_a_page_ends_in_an_item_or_our_own_error(text: str) -> None:
    for shell in ("{}", "<html>{}</html>", '<article class="user-review-item">{}</article>'):
        try:
            parse_reviews_page(page(shell.replace("{}", text)), SECRET)
        except FilmpulseError:
            continue
