"""A movie's page, their list, and movies side by side, on a warehouse that real jobs filled."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from helpers.house import House
from helpers.kept import filled
from helpers.received import receive, sample_items
from lxml import html
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Movie, Review
from filmpulse.sample_site.generate import generate
from filmpulse.warehouse import pages as rows
from filmpulse.warehouse.reception import read_summary
from filmpulse.web.app import create_app
from filmpulse.web.pages import movies
from filmpulse.web.pages.movie import CHANGED_DAYS

NOW = datetime.now(UTC)
SCRIPT = "<script>alert('x')</script>"
HOSTILE, BARE, TRACKED, STRANGE = "tt99999999", "tt99999998", "tt88888888", "tt77777777"
ACTOR = '"><img src=x onerror=x()>'  # no word of the reviews, which would speak of the actor
TITLE = f'"><img src=x onerror=alert(1)>{SCRIPT}\u202e'
WORDS = 5000
SAMPLE = generate(7, NOW.date())[:3]
FIRST, SECOND, THIRD = (movie.imdb_id for movie in SAMPLE)
EDITED = f"{SCRIPT} Once I said this."


def opened(warehouse_url, lake_url):
    settings = Settings(
        warehouse_url=warehouse_url, lake_url=lake_url, author_secret="for tests only",
        superset_public_url="https://charts.example",
    )  # fmt: skip
    return jobs.Context.from_settings(settings)


def hostile_reviews(edited):
    bodies = [f"The acting is wonderful. {SCRIPT} The music is awful.\u202e {n}" for n in range(40)]
    bodies[0] += " and the story goes on" * (WORDS // 5)
    if edited:
        bodies[1] = EDITED
    return [
        Review(
            review_id=f"rw{n}", imdb_id=HOSTILE, title=f"{SCRIPT} {n}", body=body,
            rating_1_10=1 + n % 10, submitted_on=date(2026, 3, 2) + timedelta(n),
            date_source="json", is_spoiler=n % 5 == 3, helpful_up=n, helpful_down=0,
        )
        for n, body in enumerate(bodies)
    ]  # fmt: skip


def fill(context):
    for movie in SAMPLE:
        facts, reviews = sample_items(movie)
        receive(context, facts, reviews, NOW - timedelta(days=9), rating=movie.rating)
    facts, reviews = sample_items(SAMPLE[0])
    more = [r.model_copy(update={"review_id": f"{r.review_id}9"}) for r in reviews[:60]]
    receive(context, facts, reviews + more, NOW - timedelta(hours=3), rating=9.1, votes=2000)
    hostile = Movie(
        imdb_id=HOSTILE, title=TITLE, year=2026, release_date=date(2026, 3, 1), plot=SCRIPT,
        genres=(SCRIPT, "Drama"), directors=(SCRIPT,), cast=(ACTOR,),
    )  # fmt: skip
    receive(context, hostile, hostile_reviews(edited=True), NOW - timedelta(days=2))
    receive(context, hostile, hostile_reviews(edited=False), NOW - timedelta(hours=2))
    jobs.add_event(HOSTILE, "2026-03-20", SCRIPT, context)
    jobs.add_tag(HOSTILE, "a & b", context)
    bare = Movie(imdb_id=BARE, title="Bare", year=2026)
    receive(context, bare, [], NOW, review_count_end=7, status="gated", rating=None)


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("movie_page")
    with filled(databases, _warehouse_template, folder, opened, fill) as made:
        yield made


@pytest.fixture(scope="module")
def still(kept):
    """A house whose warehouse no test changes."""
    with kept.again() as context:
        house = House(context)
        house.track(FIRST, SECOND, HOSTILE, BARE, TRACKED)
        yield house


@pytest.fixture(scope="module")
def reader(still):
    return still.client("editor")


@pytest.fixture
def house(kept):
    with kept.again() as context:
        house = House(context)
        house.track(FIRST)
        yield house


def read(client, path, status=200, **headers):
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text[:500]
    return html.document_fromstring(answer.text)


def part(client, path):
    return read(client, path, **{"HX-Request": "true"})


def said(node):
    return " ".join(node.text_content().split())


def test_the_page_says_what_the_marts_say(still, reader):
    page = read(reader, f"/movies/{FIRST}")
    summary = read_summary(FIRST, still.job_context.warehouse)
    movie = summary.movie
    [word] = page.find_class("verdict")
    assert said(word) == summary.grade.capitalize()
    glance = said(page.get_element_by_id("glance"))
    assert f"{movie['mean_overall']:+.2f} ± {movie['half_interval']:.2f}" in glance
    assert f"n {movie['scored_reviews']:,}" in glance
    assert movie["analyser_caveat"] in glance
    cards = part(reader, f"/movies/{FIRST}/aspects").find_class("aspect")
    for aspect, card in zip(summary.aspects, cards, strict=True):
        assert aspect.aspect.capitalize() in said(card)
        assert f"n {aspect.mentions}" in said(card)
        shown = [" ".join(q.split()) for q in (aspect.praise, aspect.fault) if q]
        assert [said(q.find("bdi")) for q in card.xpath("figure/blockquote")] == shown


def test_what_takes_long_comes_after_the_first_paint_and_without_script_too(reader):
    page = read(reader, f"/movies/{FIRST}")
    later = page.find_class("later")
    assert [node.get("hx-get") for node in later] == [
        f"/movies/{FIRST}/{name}" for name in ("aspects", "time", "changes")
    ]
    for node in later:
        [link] = node.xpath("a/@href")
        assert link == node.get("hx-get")
        assert said(read(reader, link).find(".//h1"))
        assert not part(reader, link).xpath("//h1")
    drawn = part(reader, f"/movies/{FIRST}/time")
    assert drawn.xpath("count(//*[local-name()='svg'][@role='img'])") == 7
    for grain in rows.GRAINS:
        [chosen] = part(reader, f"/movies/{FIRST}/time?grain={grain}").xpath("//a[@aria-current]")
        assert said(chosen) == f"by {grain}"


def test_what_changed_is_what_was_first_seen_this_week(still, reader):
    changes = said(part(reader, f"/movies/{FIRST}/changes"))
    since = NOW - timedelta(days=CHANGED_DAYS)
    counts = rows.read_changes(FIRST, since, still.job_context.warehouse).counts
    assert counts.new_reviews == 60
    assert changes.startswith("60 new 0 edited 0 removed")
    assert "→ 9.1" in changes
    assert "1,000 → 2,000" in changes


ALL_PAGES = [
    "/", "/compare", f"/compare?movie={FIRST}&movie={SECOND}",
    f"/compare?movie={FIRST}&movie={HOSTILE}&movie={BARE}",
    *(f"/movies/{movie}" for movie in (FIRST, THIRD, HOSTILE, BARE, TRACKED)),
    f"/movies/{FIRST}/time?grain=quarter",
    *(
        f"/movies/{HOSTILE}/{path}"
        for path in (
            "aspects", "aspects?spoilers=true", "time", "changes", "collections", "reviews",
            "reviews?aspect=acting&score=good", "versions?source=imdb&review_id=rw1",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("path", ALL_PAGES)
@pytest.mark.parametrize("name", ["admin", "viewer"])
def test_other_peoples_words_do_nothing(still, path, name):
    page = read(still.client(name), path)
    for script in page.iter("script"):
        assert urlsplit(script.get("src")).path.startswith("/static/")
        assert not script.text
    for node in page.iter():
        assert isinstance(node.tag, str), "a comment"
        assert not [a for a in node.attrib if a.startswith("on") or a == "style"], node.attrib
        assert node.tag not in ("style", "iframe", "object", "embed", "base", "b-drama")
        for link in (node.get("href"), node.get("src"), node.get("action")):
            assert link is None or link.startswith(("/", "#", "https://charts.example/"))
        if node.tag == "img":
            assert urlsplit(node.get("src")).path.startswith(("/posters/", "/static/"))


@pytest.mark.parametrize("path", ALL_PAGES)
def test_ids_are_unique_and_labels_lead_somewhere(still, path):
    page = read(still.client(), path)
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for name in ("for", "aria-labelledby"):
        assert set(page.xpath(f"//@{name}")) <= set(ids)
    for field in page.xpath("//input[not(@type='hidden')] | //select"):
        labels = page.xpath("//label/@for")
        assert field.get("id") in labels or field.iterancestors("label")


def test_every_link_is_answered(still):
    client, waiting, seen = still.client(), ["/", *ALL_PAGES], set()
    theirs = ("/upload", "/add", "/v1", "/dags", "/auth")  # of other modules, or Airflow's own
    while waiting:
        here = waiting.pop()
        page = read(client, here)
        for link in page.xpath("//@href | //@src | //form[@method='get']/@action | //@hx-get"):
            path = urljoin(here, link).partition("#")[0]
            if path in seen or link == "/" or not path.startswith("/") or path.startswith(theirs):
                continue
            seen.add(path)
            answer = client.get(path)
            assert answer.status_code == 200, (here, link, answer.text[:300])
            if HOSTILE in path and answer.text.startswith("<!doctype"):
                waiting.append(path)
        for place in page.xpath("//@href[starts-with(., '#')]"):
            assert page.xpath("//*[@id=$id]", id=place[1:]), (here, place)
    assert any("after=" in path for path in seen)
    assert any("/versions?" in path for path in seen)
    assert any(path.startswith("/posters/") for path in seen)


def test_a_movie_that_was_not_counted_yet_claims_no_figure(house):
    """As after an upgrade, until `filmpulse setup` has counted it."""
    with house.job_context.warehouse.connect() as connection:
        for table in ("core.source_counts", "core.score_counts", "ops.counted_movies"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
    client = house.client("editor")
    glance = said(read(client, f"/movies/{FIRST}").get_element_by_id("glance"))
    assert "filmpulse setup" in glance
    assert "No review is held" not in glance
    read(client, f"/movies/{FIRST}/collections")
    told = client.get(f"/v1/movies/{FIRST}/reception").json()
    counts = ("reviews", "unrated_reviews", "scored_reviews", "waiting_reviews", "coverage")
    assert [told[name] for name in counts] == [None] * 5
    assert told["aspects"] == []


def test_a_movie_without_reviews_a_new_one_and_a_strange_one(reader, still):
    bare = read(reader, f"/movies/{BARE}")
    assert said(bare.find_class("verdict")[0]) == "No opinion yet"
    assert "the site has 7" in said(bare.get_element_by_id("glance"))
    assert not bare.xpath("//*[@id='aspects'] | //*[@id='reviews']")
    assert "gated" in said(bare.get_element_by_id("work"))
    new = read(reader, f"/movies/{TRACKED}")
    assert said(new.find(".//h1")) == TRACKED
    assert not new.xpath("//*[@id='glance']")
    strange = read(reader, f"/movies/{STRANGE}", 404)
    assert strange.xpath("//main//a[@href='/']")
    for path in (
        "reviews",
        "aspects",
        "collections",
        "state",
        "time",
        "versions?source=a&review_id=b",
    ):
        assert reader.get(f"/movies/{STRANGE}/{path}").status_code == 404
    assert reader.get("/movies/tt1'--").status_code == 422


def test_spoilers_are_hidden_until_asked_for(reader):
    page = read(reader, f"/movies/{HOSTILE}/reviews")
    found = page.find_class("review")
    spoilers = [review for review in found if review.find_class("spoiler")]
    assert spoilers
    for review in spoilers:
        [fold] = review.find_class("spoiler")
        assert fold.tag == "details"
        assert fold.get("open") is None
        outside = said(review).replace(said(fold), "")
        assert "wonderful" not in outside
        assert "alert" not in outside

    def sides(path):
        return [said(c) for c in part(reader, path).iter("figcaption")]

    assert not [one for one in sides(f"/movies/{HOSTILE}/aspects") if "spoiler" in one]
    assert [one for one in sides(f"/movies/{HOSTILE}/aspects?spoilers=true") if "spoiler" in one]


def walk(client, path):
    """Read all pages of reviews; return each review's heading."""
    found = []
    while path:
        page = part(client, path)
        found += [said(h) for h in page.iter("h3")]
        path = next(iter(page.xpath("//*[contains(@class, 'more')]/a/@href")), None)
    return found


def test_reviews_are_paged_without_loss(reader):
    found = walk(reader, f"/movies/{HOSTILE}/reviews")
    assert found == [f"{SCRIPT} {n}" for n in reversed(range(40))]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("words=music+AWFUL", 40),
        ("words=music+39", 1),
        ("words=%25", 0),
        ("words=%00%27%3B+drop", 0),
        ("aspect=acting&score=good", 40),
        ("aspect=acting&score=bad", 0),
        ("aspect=sound&score=bad", 40),
        ("day_from=2026-03-05&day_to=2026-03-06", 2),
        ("day_from=&day_to=&aspect=&score=&language=&source=&words=", 40),
        ("source=imdb", 40),
        ("source=none", 0),
        ("language=xx", 0),
    ],
)
def test_reviews_are_found(reader, query, count):
    assert len(walk(reader, f"/movies/{HOSTILE}/reviews?{query}")) == count


@pytest.mark.parametrize(
    "path",
    [
        "reviews?aspect=plot", "reviews?score=7", "reviews?day_from=yesterday",
        "reviews?after=abc", "reviews?after=W10", "reviews?source=%00", "reviews?language=a%00",
        "versions?source=imdb", "versions?source=imdb&review_id=%00", "time?grain=hour",
        "collections?before=x", f"collections?before={10**30}", "aspects?spoilers=perhaps",
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(reader, path):
    assert reader.get(f"/movies/{HOSTILE}/{path}").status_code == 422


def test_the_quote_of_the_chosen_aspect_is_marked(reader):
    page = part(reader, f"/movies/{HOSTILE}/reviews?aspect=acting")
    marks = [said(mark) for mark in page.iter("mark")]
    assert len(marks) == 20
    assert all("acting is wonderful" in mark for mark in marks)
    assert not part(reader, f"/movies/{HOSTILE}/reviews").xpath("//mark")


def test_a_long_review_is_folded_and_whole(reader):
    page = part(reader, f"/movies/{HOSTILE}/reviews?day_from=2026-03-02&day_to=2026-03-02")
    [review] = page.find_class("review")
    [rest] = review.find_class("rest")
    assert rest.get("open") is None
    assert said(review).count("story goes on") == WORDS // 5
    assert len(said(review)) - len(said(rest)) < 1500


def test_what_a_review_said_before_is_shown_on_request(reader):
    page = read(reader, f"/movies/{HOSTILE}/reviews?day_from=2026-03-03&day_to=2026-03-03")
    [versions] = page.find_class("versions")
    assert EDITED.partition(">")[0] not in html.tostring(versions, encoding="unicode")
    before = part(reader, versions.get("hx-get"))
    assert EDITED in said(before)
    others = read(reader, f"/movies/{FIRST}/reviews")
    assert not others.find_class("versions")


def test_events_are_noted_and_taken_back(house):
    client = house.client("editor")
    form = {"day": "2026-05-03", "label": "Prize"}
    for path, has_it in (("events", True), ("events/remove", False)):
        answer = client.post(f"/movies/{FIRST}/{path}", data=form, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/movies/{FIRST}#time"
        [events] = read(client, f"/movies/{FIRST}").find_class("events")
        assert ("Prize" in said(events)) is has_it
    wrong = client.post(f"/movies/{FIRST}/events", data={"day": "soon", "label": "Prize"})
    assert wrong.status_code == 422


def test_a_reader_may_change_nothing_and_sees_no_forms_that_do(still):
    client = still.client("viewer")
    for path in (f"/movies/{FIRST}", f"/movies/{TRACKED}", "/compare"):
        assert not read(client, path).xpath("//form[@method='post']")
    for path in ("events", "events/remove"):
        answer = client.post(f"/movies/{FIRST}/{path}", data={"day": "2026-05-03", "label": "x"})
        assert answer.status_code == 403


def test_a_form_of_another_site_changes_nothing(house):
    client = house.client(None, cookies={"_token": "editor"})
    form = {"day": "2026-05-03", "label": "Prize"}
    assert client.post(f"/movies/{FIRST}/events", data=form).status_code == 403
    [token] = set(read(client, f"/movies/{FIRST}").xpath("//input[@name='token']/@value"))
    assert len(token) == 64
    sent = form | {"token": token}
    answer = client.post(f"/movies/{FIRST}/events", data=sent, follow_redirects=False)
    assert answer.status_code == 303


def test_the_page_of_a_movie_at_work_moves_by_itself(house):
    client = house.client()
    state = f"/movies/{FIRST}/state"
    assert client.get(state).headers["hx-redirect"].endswith(f"/movies/{FIRST}")
    with house.job_context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, queued_at, "
            "started_at) VALUES ('now', 'imdb', %s, 'full', 'running', now(), now())",
            [FIRST],
        )
    page = read(client, f"/movies/{FIRST}")
    [moving] = page.find_class("movie-state")
    assert moving.get("hx-get") == state
    answer = client.get(state)
    assert "hx-redirect" not in answer.headers
    assert html.fragment_fromstring(answer.text.strip()).get("hx-get") == state
    [card] = html.fragments_fromstring(client.get("/moving").text.strip())
    assert (card.get("id"), card.get("hx-swap-oob")) == (f"card-{FIRST}", "true")
    assert card.get("hx-get") == f"/movies/{FIRST}/card?tries=20"
    refused = client.post(f"/movies/{FIRST}/refresh", follow_redirects=False)
    assert refused.headers["location"].endswith("?said=busy")
    assert house.started == [], "what is under way is not started again"


def test_a_card_asks_on_for_a_while_once_the_work_has_ended(house):
    client = house.client()

    def asks(tries):
        [card] = html.fragments_fromstring(
            client.get(f"/movies/{FIRST}/card?tries={tries}").text.strip()
        )
        return card.get("hx-get")

    assert asks(3) == f"/movies/{FIRST}/card?tries=2"
    assert asks(1) is None
    assert asks(0) is None


def test_the_card_of_an_added_movie_asks_although_no_work_has_begun(house):
    client = house.client()
    client.post(f"/movies/{FIRST}/remove")
    added = client.post("/movies", data={"movie": FIRST}, follow_redirects=False)
    assert added.headers["location"].endswith(f"?said=tracked&movie={FIRST}")
    asking = read(client, f"/?said=tracked&movie={FIRST}").find_class("movie-card")
    assert {card.get("id"): card.get("hx-get") for card in asking if card.get("hx-get")} == {
        f"card-{FIRST}": f"/movies/{FIRST}/card?tries=20"
    }


OTHERS = "//nav[@aria-label='Pages of the list']//a"


def listed(client, path):
    """Return the ids of a list's movies, from page to page."""
    ids = []
    while path:
        page = read(client, path)
        ids += [card.get("id").removeprefix("card-") for card in page.find_class("movie-card")]
        path = "".join(page.xpath(f"{OTHERS}[text()='Next']/@href"))
    return ids


@pytest.mark.parametrize("order", get_args(movies.Order))
def test_a_long_list_has_pages(still, monkeypatch, order):
    client = still.client()
    whole = listed(client, f"/?order={order}")
    assert len(whole) == len(set(whole)) == 5
    monkeypatch.setattr(movies, "CARDS", 2)
    assert listed(client, f"/?order={order}") == whole
    last = read(client, f"/?order={order}&page=99")
    assert [card.get("id") for card in last.find_class("movie-card")] == [f"card-{whole[-1]}"]
    [back] = last.xpath(OTHERS)
    assert said(back) == "Previous"
    assert len(listed(client, back.get("href"))) == 3
    known = listed(client, f"/?order={order}&show=all")
    assert len(known) == len(set(known)) == 6


def test_a_movie_of_a_long_list_is_found_and_one_just_added_comes_first(still, monkeypatch):
    monkeypatch.setattr(movies, "CARDS", 1)
    client = still.client()
    assert listed(client, f"/?find={TRACKED.upper()}") == [TRACKED]
    for movie in SAMPLE[:2]:
        words = quote(f" {movie.title[3:-2].upper()} ")
        assert movie.imdb_id in listed(client, f"/?find={words}")
    assert listed(client, "/?find=%25") == [], "no pattern"
    assert listed(client, f"/?find=tt&movie={TRACKED}")[0] == TRACKED
    first = listed(client, f"/?find=tt9&tag={quote('a & b')}")
    assert first == [HOSTILE]
    page = read(client, f"/?find=tt&movie={TRACKED}")
    [following] = page.xpath(f"{OTHERS}/@href")
    assert "find=tt" in following
    assert "movie=" not in following


def test_the_page_waits_for_work_that_was_started_and_has_not_begun(house):
    client = house.client()
    answer = client.post(f"/movies/{FIRST}/refresh", follow_redirects=False)
    assert answer.headers["location"].endswith("?said=refreshing")
    [waiting] = read(client, f"/movies/{FIRST}?said=refreshing").find_class("movie-state")
    assert waiting.get("hx-get") == f"/movies/{FIRST}/state?tries=30"
    answer = client.get(waiting.get("hx-get"))
    assert html.fragment_fromstring(answer.text.strip()).get("hx-get").endswith("?tries=29")
    assert "hx-redirect" in client.get(f"/movies/{FIRST}/state?tries=1").headers


def test_the_log_of_a_run_is_linked_but_not_of_an_import(house):
    with house.job_context.warehouse.connect() as connection:
        connection.execute(
            "UPDATE ops.collections SET mode = 'import' WHERE imdb_id = %s", [SECOND]
        )
    client = house.client()
    links = read(client, f"/movies/{FIRST}").xpath("//*[@class='plain collections']//a/@href")
    assert links
    assert all(link.startswith("/dags/movie_reception/runs/run-") for link in links)
    assert not read(client, f"/movies/{SECOND}").xpath("//*[@class='plain collections']//a")


def test_the_dashboard_is_linked_for_the_movie(reader, still):
    [link] = read(reader, f"/movies/{FIRST}").xpath("//a[contains(., 'Superset')]/@href")
    place = urlsplit(link)
    assert (place.netloc, place.path) == ("charts.example", "/superset/dashboard/movie-reception/")
    [mask] = parse_qs(place.query)["native_filters"]
    assert f"val:!('{jobs.label(FIRST, still.job_context)}')" in mask


def test_no_dashboard_is_linked_where_no_browser_reaches_superset(house):
    settings = house.job_context.settings.model_copy(update={"superset_public_url": None})
    context = house.job_context
    house.job_context = jobs.Context(settings, context.warehouse, context.open_lake)
    client = house.client()
    for path in (f"/movies/{FIRST}", f"/compare?movie={FIRST}&movie={SECOND}"):
        assert not read(client, path).xpath("//a[contains(., 'Superset')]")


def test_links_stay_below_the_path_that_the_app_is_mounted_at(still):
    outer = Starlette(routes=[Mount("/air/filmpulse", create_app(still))])
    client = TestClient(outer, headers={"Authorization": "Bearer admin"})
    elsewhere = ("https://charts.example/", "/dags/", "#")
    for path in ALL_PAGES:
        page = read(client, f"/air/filmpulse{path}")
        links = page.xpath("//main//@href | //@src | //@action | //@hx-get")
        assert links
        assert [one for one in links if not one.startswith(("/air/filmpulse/", *elsewhere))] == []
    form = {"day": "2026-05-03", "label": "x"}
    gone = client.post(f"/air/filmpulse/movies/{FIRST}/events/remove", data=form)
    assert gone.status_code == 422
    poster = client.get(f"/air/filmpulse/posters/{FIRST}.svg")
    assert poster.is_success


def test_movies_side_by_side(reader, still):
    page = read(reader, f"/compare?movie={FIRST}&movie={SECOND}&movie={THIRD}")
    titles = [said(one.find(".//h2/a")) for one in page.find_class("compared-movie")]
    chosen = {c.imdb_id: c for c in rows.cards(still.job_context.warehouse, imdb_ids=None)}
    assert titles == [chosen[imdb_id].title for imdb_id in (FIRST, SECOND, THIRD)]
    assert page.xpath("count(//*[local-name()='svg'][@role='img'])") == 2
    marked = {(d.aspect, d.better, d.worse) for d in rows.differences(
        still.job_context.warehouse, imdb_ids=[FIRST, SECOND, THIRD])}  # fmt: skip
    assert marked
    assert len(page.find_class("difference")) == len(marked)


def test_a_difference_is_marked_only_beyond_its_interval(still):
    ids = [FIRST, SECOND, THIRD, HOSTILE, BARE]
    warehouse = still.job_context.warehouse
    means = {(m.aspect, m.imdb_id): m for m in rows.compared(warehouse, imdb_ids=ids)}
    marked = {(d.aspect, d.better, d.worse) for d in rows.differences(warehouse, imdb_ids=ids)}
    for aspect in {aspect for aspect, _ in means}:
        for one in ids:
            for other in ids:
                a, b = means.get((aspect, one)), means.get((aspect, other))
                is_clear = (
                    a is not None and b is not None and a.is_enough and b.is_enough
                    and a.mean_score - b.mean_score
                    > (a.half_interval**2 + b.half_interval**2) ** 0.5
                )  # fmt: skip
                assert ((aspect, one, other) in marked) is is_clear


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 0),
        (f"movie={FIRST}", 0),
        (f"movie={FIRST}&movie={FIRST}", 0),
        (f"movie={FIRST}&movie=&movie={SECOND}", 2),
        (f"movie={FIRST}&movie={STRANGE}", 0),
        (f"movie={FIRST}&movie={SECOND}&movie={THIRD}&movie={HOSTILE}", 3),
        ("movie=%3Cscript%3E&movie=' or 1=1", 0),
    ],
)
def test_what_is_chosen_is_compared(reader, query, count):
    page = read(reader, f"/compare?{query}")
    assert len(page.find_class("compared-movie")) == count
    assert len(page.xpath("//select[@name='movie']")) == 3
    assert (STRANGE in said(page)) is (STRANGE in query)


def test_posters(reader):
    answer = reader.get(f"/posters/{HOSTILE}.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "max-age=86400" in answer.headers["cache-control"]
    tag = answer.headers["etag"]
    for given in (tag, f'W/{tag}, "other"', "*"):
        again = reader.get(f"/posters/{HOSTILE}.svg", headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b"")
    assert reader.get(f"/posters/{HOSTILE}.svg", headers={"If-None-Match": '"x"'}).is_success
    assert STRANGE in reader.get(f"/posters/{STRANGE}.svg").text
    assert reader.get(f"/posters/{HOSTILE}.jpg").status_code == 404
    assert reader.get("/posters/..%2Fx.svg").status_code in (404, 422)


def test_a_stored_poster_comes_before_a_drawn_one(house):
    with house.job_context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.movie_posters (imdb_id, source_url, image, media_type, width, "
            "height, fetched_at) VALUES (%s, 'https://a.example', %s, 'image/jpeg', 2, 3, now())",
            [FIRST, b"\xff\xd8\xff"],
        )
    client = house.client()
    answer = client.get(f"/posters/{FIRST}.svg")  # follows
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8\xff", "image/jpeg")
    assert answer.headers["etag"]
    page = read(client, f"/movies/{FIRST}")
    assert page.xpath("//img[@class='movie-poster']/@src") == [f"/posters/{FIRST}.jpg"]


def test_a_page_is_quick_and_small(reader):
    reader.get(f"/movies/{FIRST}")
    begun = time.perf_counter()
    answer = reader.get(f"/movies/{FIRST}")
    assert time.perf_counter() - begun < 3  # 0.1 s on a quiet machine
    assert len(answer.content) < 100_000
