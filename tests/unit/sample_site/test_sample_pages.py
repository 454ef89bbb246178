"""The sample site's pages against the facts known of the real ones; no browser, no socket."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from filmpulse import sample_site
from filmpulse.errors import BadInput
from filmpulse.sample_site import MOVIE_IDS, create_app
from filmpulse.sample_site.switches import SWITCHES

TOKEN = "let-me-in"
BIG, OLD = MOVIE_IDS[0], MOVIE_IDS[-1]


class Visitor:
    """A client of one site, with and without the token."""

    def __init__(self, state_dir: Path, **options: Any) -> None:
        app = create_app(state_dir, **{"token": TOKEN, **options})
        self.client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(path, params=params)

    def soup(self, path: str, **params: Any) -> BeautifulSoup:
        return BeautifulSoup(self.get(path, **params).text, "html.parser")

    def control(self, action: str, **values: Any) -> Any:
        headers = {"X-Control-Token": TOKEN}
        return self.client.post(f"/_control/{action}", json=values, headers=headers)

    def switch(self, name: str, value: Any = True, imdb_id: str | None = None) -> None:
        answer = self.control("switch", name=name, imdb_id=imdb_id, value=value)
        assert answer.status_code == 200, answer.text

    def state(self) -> Any:
        return self.client.get("/_control/state", headers={"X-Control-Token": TOKEN}).json()

    def count(self, imdb_id: str) -> int:
        return next(m["reviews"] for m in self.state()["movies"] if m["imdb_id"] == imdb_id)

    def more(self, after: str | None, imdb_id: str = BIG, by: str = "SUBMISSION_DATE") -> Any:
        variables = {
            "after": after,
            "const": imdb_id,
            "filter": {},
            "first": 25,
            "locale": "en-US",
            "sort": {"by": by, "order": "DESC"},
        }
        return self.get(
            "/graphql", operationName="TitleReviewsRefine", variables=json.dumps(variables)
        )


@pytest.fixture(scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    return Visitor(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(_site: Visitor) -> Visitor:
    """A site as on its first day, and a visitor who was never there."""
    _site.control("reset")
    _site.client.cookies.clear()
    return _site


def next_data(soup: BeautifulSoup) -> Any:
    return json.loads(soup.find("script", id="__NEXT_DATA__").string)


def content(soup: BeautifulSoup) -> Any:
    return next_data(soup)["props"]["pageProps"]["contentData"]


# --- the reviews page ----------------------------------------------------------------------------


def test_both_shapes_and_the_cards_tell_of_the_same_reviews(site: Visitor) -> None:
    soup = site.soup(f"/title/{BIG}/reviews/")
    data = content(soup)
    rows = [row["review"] for row in data["reviews"]]
    nodes = [edge["node"] for edge in data["data"]["title"]["reviews"]["edges"]]
    cards = soup.select("article.user-review-item > [data-testid=review-card-parent]")
    links = soup.select("[data-testid=review-summary] a[href*='/review/rw']")
    assert len(rows) == len(cards) == 25
    ids = [row["reviewId"] for row in rows]
    assert ids == [node["id"] for node in nodes]
    assert ids == [link["href"].split("/")[4] for link in links]
    for row, node in zip(rows, nodes, strict=True):
        assert row["reviewText"] == node["text"]["originalText"]["plaidHtml"]
        assert row["submissionDate"] == node["submissionDate"]
        assert row.get("authorRating") == node["authorRating"]


def test_counts_and_paging_agree(site: Visitor) -> None:
    soup = site.soup(f"/title/{BIG}/reviews/")
    data = content(soup)
    total = data["reviewCount"]
    assert total == data["data"]["title"]["reviews"]["total"] == 250
    assert soup.select_one("[data-testid=tturv-total-reviews]").text == "250 reviews"
    assert data["pageInfo"]["hasNextPage"] is True
    assert soup.select_one(".single-page-see-more-button button").text == "25 more"
    assert soup.select_one(".chained-see-more-button button").text == "See all"
    small = site.soup(f"/title/{OLD}/reviews/")
    assert content(small)["pageInfo"] | {"__typename": ""} == {
        "endCursor": None,
        "hasNextPage": False,
        "hasPreviousPage": False,
        "__typename": "",
    }
    assert small.select_one("[data-testid=tturv-pagination]").text == ""


def test_spoilers_have_a_button_and_no_text_in_the_page(site: Visitor) -> None:
    soup = site.soup(f"/title/{OLD}/reviews/")
    rows = {row["review"]["reviewId"]: row["review"] for row in content(soup)["reviews"]}
    for card in soup.select("article.user-review-item"):
        row = rows[card.select_one("[data-testid=permalink-link]")["href"].split("/")[4]]
        assert bool(card.select_one("button.review-spoiler-button")) == row["spoiler"]
        assert bool(card.select_one("[data-testid=review-overflow]")) != row["spoiler"]
        assert not card.select(".ipc-voting__label__count--up")  # that takes a script
        assert card.select_one("[data-testid=user-voting-loader]")
    assert any(row["spoiler"] and row["reviewText"] for row in rows.values())


def test_a_review_without_stars_has_no_key_in_one_shape_and_null_in_the_other(
    site: Visitor,
) -> None:
    site.control("publish", imdb_id=OLD, reviews=[{"rating": None, "title": "No stars"}])
    soup = site.soup(f"/title/{OLD}/reviews/", sort="submission_date")
    data = content(soup)
    assert "authorRating" not in data["reviews"][0]["review"]
    assert data["data"]["title"]["reviews"]["edges"][0]["node"]["authorRating"] is None
    first = soup.select_one("article.user-review-item")
    assert first.select_one("h3").text == "No stars"
    assert not first.select(".review-rating")


def test_the_card_shows_the_day_before(site: Visitor) -> None:
    soup = site.soup(f"/title/{BIG}/reviews/")
    rows = [row["review"] for row in content(soup)["reviews"]]
    for row, shown in zip(rows, soup.select("li.review-date"), strict=True):
        card_date = datetime.strptime(shown.text + "+0000", "%b %d, %Y%z").date()
        assert card_date == date.fromisoformat(row["submissionDate"]) - timedelta(days=1)


@pytest.mark.parametrize("name", ["submission_date", "SUBMISSION_DATE"])
def test_sorting_by_address(site: Visitor, name: str) -> None:
    def days(**params: str) -> list[str]:
        rows = content(site.soup(f"/title/{BIG}/reviews/", **params))["reviews"]
        return [row["review"]["submissionDate"] for row in rows]

    newest, oldest = days(sort=name, dir="desc"), days(sort=name, dir="asc")
    assert newest == sorted(newest, reverse=True)
    assert oldest == sorted(oldest)
    assert newest[-1] > oldest[-1]
    featured = days()
    assert featured != sorted(featured, reverse=True)
    site.switch("ignore_sort")
    assert days(sort=name, dir="desc") == featured


def test_the_page_carries_what_must_be_removed_and_what_must_not_mislead(site: Visitor) -> None:
    soup = site.soup(f"/title/{BIG}/reviews/")
    props = next_data(soup)["props"]["pageProps"]
    assert props["requestContext"]["ipAddress"].startswith("192.0.2.")
    translations = json.dumps(props["translationContext"])
    assert 150_000 < len(translations) < 300_000
    assert "Sign in to see all reviews" in translations
    for script in soup.find_all("script"):
        script.decompose()
    assert "Sign in" not in soup.text


def test_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = ["/", f"/title/{BIG}/", f"/title/{BIG}/reviews/", "/find/?q=the"]
    one, two = Visitor(tmp_path / "one"), Visitor(tmp_path / "two")
    assert [one.get(p).content for p in paths] == [two.get(p).content for p in paths]
    other = Visitor(tmp_path / "three", seed=8)
    assert other.get(paths[2]).content != one.get(paths[2]).content


# --- paging --------------------------------------------------------------------------------------


def chain(site: Visitor, imdb_id: str = BIG, by: str = "SUBMISSION_DATE") -> list[str]:
    ids, after = [], None
    while True:
        reviews = site.more(after, imdb_id, by).json()["data"]["title"]["reviews"]
        ids += [edge["node"]["id"] for edge in reviews["edges"]]
        after = reviews["pageInfo"]["endCursor"]
        assert reviews["pageInfo"]["hasNextPage"] is (after is not None)
        if after is None:
            return ids


@pytest.mark.parametrize("by", ["HELPFULNESS_SCORE", "SUBMISSION_DATE", "TOTAL_VOTES"])
def test_the_chain_gives_every_review_once(site: Visitor, by: str) -> None:
    ids = chain(site, by=by)
    assert len(ids) == len(set(ids)) == 250


def test_the_page_and_its_chain_join_up(site: Visitor) -> None:
    soup = site.soup(f"/title/{BIG}/reviews/", sort="submission_date", dir="desc")
    shown = [row["review"]["reviewId"] for row in content(soup)["reviews"]]
    after = content(soup)["pageInfo"]["endCursor"]
    edges = site.more(after).json()["data"]["title"]["reviews"]["edges"]
    assert shown + [edge["node"]["id"] for edge in edges] == chain(site)[:50]


def test_a_review_that_arrives_between_two_pages_shifts_nothing(site: Visitor) -> None:
    before = chain(site)
    first = site.more(None).json()["data"]["title"]["reviews"]
    site.control("publish", imdb_id=BIG, count=3)
    second = site.more(first["pageInfo"]["endCursor"]).json()["data"]["title"]["reviews"]
    assert [edge["node"]["id"] for edge in second["edges"]] == before[25:50]
    assert second["total"] == 253


def test_a_deleted_last_review_does_not_end_the_chain(site: Visitor) -> None:
    before = chain(site)
    first = site.more(None).json()["data"]["title"]["reviews"]
    site.control("delete", review_id=before[24])
    second = site.more(first["pageInfo"]["endCursor"]).json()["data"]["title"]["reviews"]
    assert [edge["node"]["id"] for edge in second["edges"]] == before[25:50]
    assert second["total"] == 249


def ids_of(answer: Any) -> list[str]:
    return [edge["node"]["id"] for edge in answer["edges"]]


@pytest.mark.parametrize(
    ("which", "place", "coming"),
    [
        ("given", 0, slice(25, 50)),
        ("cursor", 24, slice(25, 50)),
        ("coming", 25, slice(26, 51)),
        ("last", 249, slice(25, 50)),
    ],
)
def test_a_review_vanishes_once_between_two_pages(
    site: Visitor, which: str, place: int, coming: slice
) -> None:
    before = chain(site)
    site.switch("vanishes", which, imdb_id=BIG)
    first = site.more(None).json()["data"]["title"]["reviews"]
    assert ids_of(first) == before[:25]
    second = site.more(first["pageInfo"]["endCursor"]).json()["data"]["title"]["reviews"]
    assert (ids_of(second), second["total"]) == (before[coming], 249)
    assert chain(site) == [i for i in before if i != before[place]]
    assert site.state()["switches"] == {}


def test_a_review_arrives_once_between_two_pages(site: Visitor) -> None:
    before = chain(site)
    site.switch("arrives", 2)  # for the whole site: the first movie whose second page is asked for
    first = site.more(None).json()["data"]["title"]["reviews"]
    second = site.more(first["pageInfo"]["endCursor"]).json()["data"]["title"]["reviews"]
    assert (ids_of(second), second["total"]) == (before[25:50], 252)
    assert chain(site)[2:] == before
    assert site.state()["switches"] == {}


def test_shifting_pages_repeat_what_an_arrival_moves(site: Visitor) -> None:
    before = chain(site)
    site.switch("shifting_pages")
    site.switch("arrives", 2, imdb_id=BIG)
    first = site.more(None).json()["data"]["title"]["reviews"]
    second = site.more(first["pageInfo"]["endCursor"]).json()["data"]["title"]["reviews"]
    assert ids_of(second) == before[23:48]


@pytest.mark.parametrize(
    "params",
    [
        {"operationName": "TitleReviewsRefine", "variables": "{"},
        {"operationName": "TitleReviewsRefine", "variables": "[]"},
        {"operationName": "TitleReviewsRefine", "variables": '{"const": 5, "first": "x"}'},
        {"operationName": "Other", "variables": json.dumps({"const": BIG})},
        {
            "operationName": "TitleReviewsRefine",
            "variables": json.dumps({"const": BIG, "after": "?"}),
        },
        {},
    ],
)
def test_a_bad_query_is_answered_with_errors(site: Visitor, params: dict[str, str]) -> None:
    answer = site.get("/graphql", **params)
    assert answer.status_code == 400
    assert answer.json()["errors"]


# --- title, search, the rest ---------------------------------------------------------------------


def test_title_page_holds_facts_in_both_places(site: Visitor) -> None:
    soup = site.soup(f"/title/{MOVIE_IDS[4]}/")
    (block,) = soup.find_all("script", type="application/ld+json")
    linked, props = json.loads(block.string), next_data(soup)["props"]["pageProps"]
    above, main = props["aboveTheFoldData"], props["mainColumnData"]
    assert linked["@type"] == "Movie"
    assert linked["duration"] == "PT1H28M"
    assert linked["alternateName"] == above["originalTitleText"]["text"] == "La abuela pinta el mar"
    assert above["titleText"]["text"] == "Grandmother Paints the Sea"
    assert above["certificate"] is None
    assert above["runtime"]["seconds"] == 88 * 60
    assert linked["aggregateRating"]["ratingCount"] == above["ratingsSummary"]["voteCount"]
    assert main["reviews"]["total"] == above["reviews"]["total"] == 57
    assert main["cast"]["edges"][0]["node"]["name"]["nameText"]["text"] == "Remedios Alcorta"
    assert "&apos;" in linked["description"]
    assert "requestContext" in props


def test_finding_and_suggesting(site: Visitor) -> None:
    results = next_data(site.soup("/find/", q="salt"))["props"]["pageProps"]["titleResults"]
    assert [hit["index"] for hit in results["results"]] == [BIG]
    assert results["results"][0]["listItem"]["titleText"] == "The Salt Cartographer"
    suggested = site.get("/suggestion/titles/x/glass%20ferry.json").json()
    assert [hit["id"] for hit in suggested["d"]] == [OLD]
    assert suggested["d"][0]["y"] == 1931
    assert site.get("/suggestion/titles/x/qqqq.json").json() == {"d": [], "q": "qqqq", "v": 1}


@pytest.mark.parametrize("path", ["/title/tt0000001/", "/title/tt0000001/reviews/", "/nothing"])
def test_unknown_pages_are_404(site: Visitor, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]
    assert "__NEXT_DATA__" not in answer.text


def test_home_lists_every_movie_and_says_what_this_is(site: Visitor) -> None:
    soup = site.soup("/")
    linked = {a["href"] for a in soup.select("a.tile")}
    assert linked == {f"/title/{imdb_id}/" for imdb_id in MOVIE_IDS}
    assert "invented sample site" in soup.text


def test_posters_are_drawn(site: Visitor) -> None:
    answer = site.get(f"/poster/{BIG}.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    painted = site.get(f"/poster/{BIG}.jpg")
    assert painted.headers["content-type"] == "image/jpeg"
    assert painted.content.startswith(b"\xff\xd8\xff")
    assert "Cartographer" in answer.text


def test_consent_is_asked_until_it_is_answered(site: Visitor) -> None:
    banner = "[data-testid=consent-banner] [data-testid=reject-button]"
    assert site.soup("/").select_one(banner).text == "Decline"
    site.client.cookies.set("consent", "declined")
    assert not site.soup("/").select(banner)
    site.client.cookies.clear()
    site.switch("consent", "off")
    assert not site.soup("/").select(banner)


# --- switches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "header"),
    [
        ("status_403", 403, ("server", "awselb/2.0")),
        ("waf_challenge", 202, ("x-amzn-waf-action", "challenge")),
        ("challenge_page", 200, ("content-type", "text/html; charset=utf-8")),
        ("captcha", 405, ("x-amzn-waf-action", "captcha")),
        ("rate_limited", 429, ("retry-after", "120")),
        ("server_error", 503, ("content-type", "text/html; charset=utf-8")),
    ],
)
def test_refusals_for_one_movie(
    site: Visitor, name: str, status: int, header: tuple[str, str]
) -> None:
    site.switch(name, imdb_id=BIG)
    for path in (f"/title/{BIG}/", f"/title/{BIG}/reviews/"):
        answer = site.get(path)
        assert answer.status_code == status
        assert answer.headers[header[0]] == header[1]
    assert site.more(None).status_code == status
    assert site.get(f"/title/{OLD}/reviews/").status_code == 200
    site.switch(name, None, imdb_id=BIG)
    assert site.get(f"/title/{BIG}/").status_code == 200


def test_a_challenge_page_holds_its_script_and_nothing_else(site: Visitor) -> None:
    site.switch("challenge_page")
    page = site.get(f"/title/{BIG}/").text
    assert "challenge.js" in page
    assert BIG not in page


def test_retry_after_comes_in_seconds_or_as_a_date(site: Visitor) -> None:
    site.switch("rate_limited")
    site.switch("retry_after", 7200)
    assert site.get("/").headers["retry-after"] == "7200"
    site.switch("retry_after", -7200)
    until = parsedate_to_datetime(site.get("/").headers["retry-after"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(seconds=5)


def test_the_plain_refusal_is_as_long_as_the_real_one(site: Visitor) -> None:
    site.switch("status_403")
    assert len(site.get("/").content) == 118


def test_a_refusal_may_be_of_one_kind_of_page(site: Visitor) -> None:
    site.switch("rate_limited", "graphql")
    assert site.get(f"/title/{BIG}/reviews/").status_code == 200
    assert site.more(None).status_code == 429


@pytest.mark.parametrize("shown", [0, 3, 5])
def test_gate(site: Visitor, shown: int) -> None:
    site.switch("gate", shown, imdb_id=BIG)
    soup = site.soup(f"/title/{BIG}/reviews/")
    data = content(soup)
    assert data["reviewCount"] == 250
    assert len(data["reviews"]) == len(soup.select("article.user-review-item")) == shown
    for script in soup.find_all("script"):
        script.decompose()
    assert "Sign in to see all reviews" in soup.text
    assert f"There are {250 - shown} more user reviews" in soup.text
    assert not soup.select(".single-page-see-more-button")
    assert len(site.more(None).json()["data"]["title"]["reviews"]["edges"]) == shown


def test_none_of_many_announces_all_and_holds_none(site: Visitor) -> None:
    site.switch("none_of_many", imdb_id=BIG)
    soup = site.soup(f"/title/{BIG}/reviews/")
    data = content(soup)
    assert data["reviewCount"] == 250
    assert data["reviews"] == data["data"]["title"]["reviews"]["edges"] == []
    assert not soup.select("article.user-review-item")
    for script in soup.find_all("script"):
        script.decompose()
    assert "Sign in" not in soup.text


def test_the_words_of_the_gate_travel_with_every_page(site: Visitor) -> None:
    soup = site.soup(f"/title/{BIG}/reviews/")
    for script in (scripts := soup.find_all("script")):
        script.extract()
    assert any("Sign in to see all reviews" in script.text for script in scripts)
    assert "Sign in to see all reviews" not in soup.text


def test_layout_drift_leaves_the_count_and_hides_everything_else(site: Visitor) -> None:
    site.switch("layout_drift", imdb_id=BIG)
    page = site.get(f"/title/{BIG}/reviews/").text
    soup = BeautifulSoup(page, "html.parser")
    assert soup.select_one("[data-testid=tturv-total-reviews]").text == "250 reviews"
    for known in ("__NEXT_DATA__", "user-review-item", "review-card-parent", '"reviewId"'):
        assert known not in page
    assert "aboveTheFoldData" not in site.get(f"/title/{BIG}/").text


def test_missing_next_data_leaves_the_cards(site: Visitor) -> None:
    site.switch("missing_next_data")
    soup = site.soup(f"/title/{BIG}/reviews/")
    assert not soup.find("script", id="__NEXT_DATA__")
    assert len(soup.select("article.user-review-item")) == 25


def test_count_falls_with_the_reviews_that_are_gone(site: Visitor) -> None:
    site.switch("count_falls", 4, imdb_id=BIG)
    assert content(site.soup(f"/title/{BIG}/reviews/"))["reviewCount"] == 246
    assert len(chain(site)) == 246


@pytest.mark.parametrize(
    ("value", "status", "text"),
    [
        (None, 200, "Disallow: /_control/"),
        ("forbid", 200, "Disallow: /\n"),
        ("missing", 404, ""),
        ("challenge", 202, ""),
        ("403", 403, ""),
        ("429", 429, ""),
        ("503", 503, ""),
    ],
)
def test_robots(site: Visitor, value: str | None, status: int, text: str) -> None:
    site.switch("robots", value)
    answer = site.get("/robots.txt")
    assert answer.status_code == status
    assert text in answer.text


@pytest.mark.parametrize("name", ["reset", "broken_page"])
def test_hanging_up(site: Visitor, name: str) -> None:
    site.switch(name)
    # Without a connection to close there is nothing better than an error.
    with pytest.raises(ConnectionResetError):
        TestClient(site.client.app).get("/")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gate", 6),
        ("gate", True),
        ("slow", -1),
        ("status_403", "nowhere"),
        ("robots", "x"),
        ("vanishes", "all"),
        ("arrives", 0),
        ("no", 1),
    ],
)
def test_a_switch_refuses_what_it_does_not_know(site: Visitor, name: str, value: Any) -> None:
    answer = site.control("switch", name=name, value=value)
    assert answer.status_code == 422
    assert name in answer.json()["detail"]
    assert site.state()["switches"] == {}


def test_the_readme_tells_of_every_switch() -> None:
    text = Path(sample_site.__file__).with_name("README.md").read_text("utf-8")
    table = text[text.index("## Switches") :]
    assert [name for name in SWITCHES if f"`{name}`" not in table] == []


def test_a_movies_own_switch_wins(site: Visitor) -> None:
    site.switch("gate", 2)
    site.switch("gate", 4, imdb_id=BIG)
    assert len(content(site.soup(f"/title/{BIG}/reviews/"))["reviews"]) == 4
    assert len(content(site.soup(f"/title/{OLD}/reviews/"))["reviews"]) == 2


# --- controls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"X-Control-Token": "guess"}])
def test_controls_want_the_token(site: Visitor, headers: dict[str, str]) -> None:
    assert site.client.get("/_control/state", headers=headers).status_code == 403
    body = {"imdb_id": BIG, "count": 1}
    assert site.client.post("/_control/publish", json=body, headers=headers).status_code == 403
    assert site.count(BIG) == 250


def test_without_a_token_the_controls_are_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FILMPULSE_SAMPLE_SITE_TOKEN", raising=False)
    site = Visitor(tmp_path, token=None)
    for headers in ({}, {"X-Control-Token": ""}):
        assert site.client.get("/_control/state", headers=headers).status_code == 503


def test_publish(site: Visitor) -> None:
    ids = site.control("publish", imdb_id=BIG, count=7).json()["ids"]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 7
    assert site.count(BIG) == 257
    assert chain(site)[:7] == ids
    title = next_data(site.soup(f"/title/{BIG}/"))["props"]["pageProps"]
    assert title["aboveTheFoldData"]["ratingsSummary"]["voteCount"] == 41873 + 7


def test_publish_given_words(site: Visitor) -> None:
    given = {"title": "Mine & yours", "body": "Line <one>\n- item", "rating": 3, "up": 12}
    (review_id,) = site.control("publish", imdb_id=OLD, reviews=[given]).json()["ids"]
    rows = content(site.soup(f"/title/{OLD}/reviews/"))["reviews"]
    row = next(row["review"] for row in rows if row["review"]["reviewId"] == review_id)
    assert row["reviewSummary"] == "Mine & yours"
    assert row["reviewText"] == "Line &lt;one&gt;<ul><li>item</li></ul>"
    assert row["authorRating"] == 3
    assert row["helpfulnessVotes"]["upVotes"] == 12


def test_edit_and_delete(site: Visitor) -> None:
    review_id = chain(site, OLD)[0]
    before = site.get(f"/title/{OLD}/reviews/").text
    site.control("edit", review_id=review_id, rating=1, body="I was wrong.")
    rows = content(site.soup(f"/title/{OLD}/reviews/"))["reviews"]
    row = next(row["review"] for row in rows if row["review"]["reviewId"] == review_id)
    assert (row["authorRating"], row["reviewText"]) == (1, "I was wrong.")
    site.control("edit", review_id=review_id)
    assert "I was wrong.\\u003cbr/\\u003e" in site.get(f"/title/{OLD}/reviews/").text
    site.control("delete", review_id=review_id)
    assert site.count(OLD) == 2
    assert review_id not in chain(site, OLD)
    assert site.control("delete", review_id=review_id).status_code == 404
    site.control("reset")
    assert site.get(f"/title/{OLD}/reviews/").text == before


def test_a_restart_keeps_every_change_and_the_anchor(tmp_path: Path) -> None:
    site = Visitor(tmp_path)
    (review_id,) = site.control("publish", imdb_id=OLD, count=1).json()["ids"]
    site.control("edit", review_id=review_id, submitted_on="2026-01-02", title="Later")
    site.control("delete", review_id=chain(site, OLD)[-1])
    site.switch("gate", 5, imdb_id=BIG)
    pages = [f"/title/{OLD}/reviews/", f"/title/{BIG}/reviews/"]
    before = [site.get(page).text for page in pages]
    again = Visitor(tmp_path)
    assert [again.get(page).text for page in pages] == before
    assert again.state()["anchor"] == site.state()["anchor"]
    assert again.state()["switches"] == {"gate": {BIG: 5}}
    assert not list(tmp_path.glob("*.part"))
    (next_id,) = again.control("publish", imdb_id=OLD, count=1).json()["ids"]
    assert next_id > review_id


def test_a_state_of_another_seed_is_refused(tmp_path: Path) -> None:
    create_app(tmp_path, seed=7)
    with pytest.raises(BadInput, match="seed 7"):
        create_app(tmp_path, seed=8)


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("publish", {"imdb_id": "tt0000001", "count": 1}, 404),
        ("publish", {"imdb_id": BIG}, 422),
        ("publish", {"imdb_id": BIG, "reviews": [{"rating": 11}]}, 422),
        ("edit", {"review_id": "rw1", "rating": 5}, 404),
        ("edit", {"review_id": "rw1", "stars": 5}, 422),
        ("switch", {"name": "gate", "imdb_id": "tt0000001", "value": 1}, 404),
    ],
)
def test_controls_refuse_nonsense(
    site: Visitor, action: str, body: dict[str, Any], status: int
) -> None:
    answer = site.control(action, **body)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_visits_are_remembered_with_their_times(site: Visitor) -> None:
    site.get(f"/title/{BIG}/")
    site.get(f"/title/{BIG}/reviews/")
    site.more(None)
    site.get("/robots.txt")
    requests = site.state()["requests"]
    assert {kind: len(visits) for kind, visits in requests.items()} == {
        "title": 1,
        "reviews": 1,
        "graphql": 1,
        "robots": 1,
    }
    assert requests["graphql"][0]["imdb_id"] == BIG
    assert datetime.fromisoformat(requests["title"][0]["at"]).utcoffset() == timedelta(0)
    site.control("reset")
    assert site.state()["requests"] == {}
