"""The add dialog: suggestions and the look before a movie is tracked, at the sample site."""

from __future__ import annotations

import pytest
from helpers.house import House
from helpers.small_catalogue import fill, title
from lxml import html

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.jobs.reception import look_first, suggest

MOVIE = "tt99000005"
PART = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def nothing_remembered():
    suggest.forget_suggestions()
    look_first.forget_looks()


def house_of(warehouse_url, tmp_path, **more):
    settings = Settings(
        warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(), author_secret="s" * 32,
        request_gap_seconds=0, page_timeout_seconds=10, **more,
    )  # fmt: skip
    return House(jobs.Context.from_settings(settings))


@pytest.fixture
def house(warehouse_url, sample_site, tmp_path):
    return house_of(warehouse_url, tmp_path, source_urls={"imdb": sample_site.url})


def part(client, path, **query):
    answer = client.get(path, params=query, headers=PART)
    assert answer.status_code == 200, answer.text
    return html.fromstring(f"<div>{answer.text}</div>")


def test_a_title_is_chosen_among_suggestions_and_tracked(house):
    with house.client("editor", follow_redirects=False) as client:
        found = part(client, "/add/suggestions", q="the")
        links = found.xpath("//li/a/@href")
        assert f"/add?movie={MOVIE}" in links
        assert len(found.xpath("//li/a[@hx-get]")) == len(links)
        look = part(client, "/add/look", movie=MOVIE)
        assert "57" in look.xpath("string(//dl)")
        assert "free of charge" in look.xpath("string(//dl)")
        (form,) = look.xpath("//form[@method='post']")
        assert form.get("action") == "/movies"
        fields = {i.get("name"): i.get("value") for i in form.xpath(".//input")}
        done = client.post(form.get("action"), data=fields)
        assert done.status_code == 303
        assert house.tracked().imdb_ids == [MOVIE]
        again = part(client, "/add/look", movie=MOVIE)
        assert not again.xpath("//form")


def test_the_site_is_asked_past_the_catalogue_when_told_to(house, warehouse_url, sample_site):
    fill(warehouse_url, title_basics=[title("tt99003001", "The The", 1990)])
    with house.client("editor") as client:
        ours = part(client, "/add/suggestions", q="the")
        assert ours.xpath("//li/a/@href") == ["/add?movie=tt99003001"]
        assert not sample_site.state()["requests"]
        (link,) = ours.xpath("//a[contains(@hx-get, 'at_site')]/@hx-get")
        theirs = html.fromstring(f"<div>{client.get(link, headers=PART).text}</div>")
        assert f"/add?movie={MOVIE}" in theirs.xpath("//li/a/@href")
        assert not theirs.xpath("//a[contains(@href, 'at_site')]")


def test_an_address_is_looked_at_without_a_suggestion(house, sample_site):
    with house.client("editor") as client:
        named = part(client, "/add/suggestions", q=f"https://www.imdb.com/title/{MOVIE}/reviews")
        (loads,) = named.xpath("//*[@hx-trigger='load']/@hx-get")
        assert loads == f"/add/look?movie={MOVIE}"
        assert not sample_site.state()["requests"]


def test_without_a_script_it_is_whole_pages(house):
    with house.client("editor") as client:
        empty = html.fromstring(client.get("/add").text)
        assert empty.xpath("//input[@name='q']")
        found = html.fromstring(client.get("/add", params={"q": "the"}).text)
        assert found.xpath("//ul//a/@href")
        looked = html.fromstring(client.get("/add", params={"q": MOVIE}).text)
        assert looked.xpath("//form[@action='/movies']")
        chosen = html.fromstring(client.get("/add", params={"movie": MOVIE}).text)
        assert chosen.xpath("//form[@action='/movies']")


@pytest.mark.parametrize(
    "q",
    [
        "", " ", "a", "no such title anywhere", "<script>alert(1)</script>", "'; DROP TABLE x; --",
        "../../etc", "\0", "🎬" * 50, "%00", "x" * 500,
    ],
)  # fmt: skip
def test_odd_words_are_answered(house, q):
    with house.client("editor") as client:
        assert not part(client, "/add/suggestions", q=q).xpath("//script")
        page = client.get("/add", params={"q": q})
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_what_cannot_be_a_movie_is_refused(house):
    with house.client("editor") as client:
        for movie in ("x", "tt1", "../etc/passwd", "tt99000001;DROP", "", "x" * 501):
            assert client.get("/add/look", params={"movie": movie}).status_code == 422, movie
        assert client.get("/add/suggestions", params={"q": "x" * 501}).status_code == 422


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate_limited", "suggestion"), ("robots", "forbid"), ("server_error", "suggestion")],
)
def test_a_site_that_refuses_is_said_and_is_no_error_page(house, sample_site, name, value):
    sample_site.control("switch", name=name, value=value)
    with house.client("editor") as client:
        found = part(client, "/add/suggestions", q="the")
        assert not found.xpath("//a")
        assert len(found.text_content().strip()) > 20


def test_live_reading_off_still_adds(warehouse_url, tmp_path):
    house = house_of(warehouse_url, tmp_path)
    with house.client("editor") as client:
        assert "Reading live is off" in part(client, "/add/suggestions", q="the").text_content()
        look = part(client, "/add/look", movie=MOVIE)
        assert look.xpath("//form[@action='/movies']")


def test_a_movie_that_is_not_there_cannot_be_tracked(house):
    with house.client("editor") as client:
        look = part(client, "/add/look", movie="tt99009999")
        assert not look.xpath("//form")
        assert look.xpath("//*[contains(@class, 'bad')]")


def test_an_empty_instance_shows_three_ways_to_begin(house):
    with house.client("editor") as client:
        begin = html.fromstring(client.get("/").text)
        actions = begin.xpath("//*[contains(@class, 'begin')]//form/@action")
        assert actions == ["/add", "/upload/pages", "/upload/table"]
    with house.client("viewer") as client:
        assert not html.fromstring(client.get("/").text).xpath("//main//form")


def many(client, house, text="", file=None):
    token = html.fromstring(client.get("/add").text).xpath("//input[@name='token']/@value")[-1]
    files = {"file": file} if file else {"file": ("", b"")}
    return client.post("/add/many", data={"token": token, "movies": text}, files=files)


def test_many_movies_are_tracked_at_once(house):
    with house.client("editor") as client:
        answer = many(client, house, f"{MOVIE}\nno movie <b>\nimdb.com/title/tt99000001/\n")
        assert answer.status_code == 200
        assert house.tracked().imdb_ids == [MOVIE, "tt99000001"]
        assert "no movie &lt;b&gt;" in answer.text
        (started,) = house.started
        assert started[1]["imdb_ids"] == [MOVIE, "tt99000001"]
        again = many(client, house, MOVIE)
        assert again.status_code == 200
        assert len(house.started) == 1


def test_a_pasted_text_has_a_megabyte_at_most(house):
    with house.client("editor") as client:
        refused = many(client, house, f"{MOVIE} " * 110_000)
        assert (refused.status_code, "1 MB" in refused.text) == (422, True)
        assert house.tracked().imdb_ids == []
        assert many(client, house, f"{MOVIE} " * 90_000).status_code == 200
        assert house.tracked().imdb_ids == [MOVIE]


def test_a_long_file_goes_to_the_table_and_starts_no_run(house):
    ids = [f"tt{n:07}" for n in range(1, 2_501)]
    file = ("mine.csv", ("Const,Title\r\n" + "".join(f"{i},x\r\n" for i in ids)).encode())
    with house.client("editor") as client:
        assert many(client, house, file=file).status_code == 200
        assert (house.raw, house.started) == ("[]", [])
        assert house.tracked().imdb_ids == ids
        bad = many(client, house, file=("x.png", b"\x89PNG\0\0"))
        assert "notice bad" in bad.text
        assert len(house.tracked().imdb_ids) == 2_500


def test_who_may_only_read_tracks_nothing(house):
    with house.client("viewer") as client:
        answer = client.post("/add/many", data={"movies": MOVIE, "token": "x"})
        assert answer.status_code == 403
        assert house.tracked().imdb_ids == []
