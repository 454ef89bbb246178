"""Suggestions and the first look, through the real gate, at the sample site."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import Movie, Snapshot
from filmpulse.jobs.reception import look_first, remember, suggest
from filmpulse.jobs.reception.remember import Remembered
from filmpulse.warehouse.figures import changing
from filmpulse.warehouse.gate import HostGate
from filmpulse.warehouse.load import store_movie, store_snapshot

MOVIE, SMALL = "tt99000005", "tt99000006"  # 57 reviews, 3 reviews

pytestmark = pytest.mark.usefixtures("one_browser")


@pytest.fixture(autouse=True)
def nothing_remembered():
    suggest.forget_suggestions()
    look_first.forget_looks()


@pytest.fixture
def context(warehouse_url, sample_site, tmp_path):
    return parts(warehouse_url, tmp_path, source_urls={"imdb": sample_site.url})


def parts(warehouse_url, tmp_path, **more):
    given = {"request_gap_seconds": 0, "page_timeout_seconds": 10} | more
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(),
                 author_secret="for tests only", **given)
    )  # fmt: skip


def asked(sample_site, kind="suggestion"):
    return len(sample_site.state()["requests"].get(kind, []))


def title_of(sample_site, imdb_id=MOVIE):
    return next(m["title"] for m in sample_site.state()["movies"] if m["imdb_id"] == imdb_id)


def test_titles_are_suggested_and_asked_for_once_an_hour(context, sample_site):
    word = title_of(sample_site).split()[-1]
    found = jobs.suggest(word, context)
    assert found.verdict == "found"
    assert MOVIE in {hit.imdb_id for hit in found.hits}
    assert jobs.suggest(f"  {word.upper()} ", context) == found
    assert asked(sample_site) == 1


def test_nothing_found_is_remembered_too(context, sample_site):
    assert jobs.suggest("no such words at all", context).verdict == "none"
    assert jobs.suggest("no such words at all", context).hits == ()
    assert asked(sample_site) == 1


@pytest.mark.parametrize(
    "typed", [MOVIE, f" {MOVIE.upper()} ", f"https://www.imdb.com/title/{MOVIE}/"]
)
def test_an_id_or_an_address_needs_no_request(context, sample_site, typed):
    found = jobs.suggest(typed, context)
    assert (found.verdict, found.imdb_id) == ("named", MOVIE)
    assert not sample_site.state()["requests"]


@pytest.mark.parametrize("typed", ["", " ", "a", " b "])
def test_one_letter_needs_no_request(context, sample_site, typed):
    assert jobs.suggest(typed, context).verdict == "too_short"
    assert not sample_site.state()["requests"]


def test_threads_that_ask_the_same_ask_once(context, sample_site):
    sample_site.control("switch", name="slow", value=0.5)
    word = title_of(sample_site).split()[-1]
    with ThreadPoolExecutor(remember.MOST_AT_ONCE) as pool:
        found = set(pool.map(lambda _: jobs.suggest(word, context).verdict, range(12)))
    assert found == {"found"}
    assert asked(sample_site) == 1


def test_other_words_wait_and_are_then_turned_away(context, sample_site, monkeypatch):
    monkeypatch.setattr(suggest, "_PATIENCE_SECONDS", 0.05)
    sample_site.control("switch", name="slow", value=2.0)
    first = threading.Thread(target=jobs.suggest, args=("orchard", context))
    first.start()
    while not suggest._asking.locked():
        time.sleep(0.01)
    assert jobs.suggest("other words", context).verdict == "busy"
    first.join()
    sample_site.control("switch", name="slow", value=None)
    assert jobs.suggest("other words", context).verdict == "none"  # busy is not remembered


@pytest.fixture
def busy_site(context, sample_site, monkeypatch):
    """Another worker has the site's slot; a question of a page waits half a second."""
    for module in (suggest, look_first, remember):
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.5)
    with HostGate(context.warehouse, 0) as gate:
        gate.wait(urlsplit(sample_site.url).netloc)
        yield


def test_a_page_waits_for_its_turn_for_a_short_time(context, busy_site):
    began = time.monotonic()
    assert jobs.suggest("other words", context).verdict == "busy"
    look, _ = jobs.look_first(MOVIE, context)
    assert (look.verdict, look.may_add) == ("busy", True)
    assert time.monotonic() - began < 60  # a task waits 900 s


def test_a_thread_waits_for_anothers_question_for_a_short_time(monkeypatch):
    monkeypatch.setattr(remember, "WAIT_SECONDS", 0.05)
    known, is_asked, ends = Remembered(lambda _: 60.0), threading.Event(), threading.Event()

    def ask():
        is_asked.set()
        ends.wait(30)
        return "late"

    first = threading.Thread(target=known.get, args=("key", ask))
    first.start()
    assert is_asked.wait(30)
    with pytest.raises(remember.TooBusy):
        known.get("key", ask)
    ends.set()
    first.join()
    assert known.get("key", ask) == "late"


def test_a_fifth_question_is_turned_away_at_once(context, sample_site):
    known, ends = Remembered(lambda _: 60.0), threading.Event()
    known.get("before", lambda: "known")
    begun = threading.Barrier(remember.MOST_AT_ONCE + 1)

    def ask():
        begun.wait(30)
        return ends.wait(30)

    threads = [
        threading.Thread(target=known.get, args=(key, ask)) for key in range(remember.MOST_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    begun.wait(30)
    assert jobs.suggest("a fifth", context).verdict == "busy"
    assert jobs.look_first(MOVIE, context)[0].verdict == "busy"
    assert known.get("before", ask) == "known"
    assert not sample_site.state()["requests"]
    ends.set()
    for thread in threads:
        thread.join()
    assert jobs.suggest("a fifth", context).verdict == "none"


def test_a_refusal_and_the_pause_after_it_are_answers(context, sample_site):
    sample_site.control("switch", name="rate_limited", value="suggestion")
    refused = jobs.suggest("orchard", context)
    assert (refused.verdict, bool(refused.sentence)) == ("blocked", True)
    assert jobs.suggest("orchard two", context).verdict == "paused"
    assert asked(sample_site) == 1


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [("robots", "forbid", "blocked"), ("robots", "503", "blocked"),
     ("server_error", "suggestion", "unavailable"), ("broken_page", "suggestion", "unavailable")],
)  # fmt: skip
def test_faults_are_answers_in_words(context, sample_site, name, value, verdict):
    sample_site.control("switch", name=name, value=value)
    found = jobs.suggest("orchard", context)
    assert (found.verdict, bool(found.sentence)) == (verdict, True)


def test_live_reading_off_is_an_answer(warehouse_url, tmp_path):
    off = parts(warehouse_url, tmp_path)
    assert jobs.suggest("orchard", off).verdict == "off"
    look, _ = jobs.look_first(MOVIE, off)
    assert (look.verdict, look.may_add, look.title) == ("off", True, None)


def test_what_is_remembered_has_a_bound_and_an_end():
    known = Remembered(lambda answer: answer, most=3)
    times = []
    for key in range(5):
        known.get(key, lambda: times.append(1) or 60)
    known.get(4, lambda: times.append(1) or 60)
    assert len(times) == 5
    known.get(0, lambda: times.append(1) or 60)
    assert len(times) == 6  # the oldest was forgotten
    known.get("short", lambda: times.append(1) or 0)
    known.get("short", lambda: times.append(1) or 0)
    assert len(times) == 8

    def breaks():
        raise BadInput("no")

    for _ in range(2):  # an error is not remembered
        with pytest.raises(BadInput):
            known.get("bad", breaks)


def test_a_movie_is_looked_at_once_and_nothing_is_stored(context, sample_site):
    look, estimate = jobs.look_first(MOVIE, context)
    assert (look.verdict, look.reviews, look.held, look.may_add) == ("seen", 57, 0, True)
    assert look.title  # the original one
    assert look.rating
    assert look.votes
    assert (estimate.usd, estimate.is_free, estimate.needs_approval) == (0, True, False)
    assert jobs.look_first(MOVIE, context)[0] == look
    assert asked(sample_site, "title") == 1
    with context.warehouse.connect() as connection:
        for table in ("core.movies", "core.movie_snapshots", "ops.collections", "ops.movie_checks"):
            assert connection.execute(f"SELECT 1 FROM {table}").fetchall() == []  # noqa: S608
    assert not context.lake.names("")


def test_what_the_warehouse_knows_needs_no_look(context, sample_site):
    now = datetime.now(UTC)
    with context.warehouse.connect() as connection:
        store_movie(connection, Movie(imdb_id=MOVIE, title="The Glass Orchard", year=2024), now)
        store_snapshot(
            connection,
            Snapshot(imdb_id=MOVIE, taken_at=now, rating=7.1, vote_count=90, review_count=12),
        )
        connection.execute(
            "INSERT INTO ops.sources (source, kind, title) VALUES ('imdb', 'site', 'IMDb') "
            "ON CONFLICT DO NOTHING"
        )
    look, _ = jobs.look_first(MOVIE, context)
    assert (look.verdict, look.title, look.year) == ("known", "The Glass Orchard", 2024)
    assert (float(look.rating), look.votes, look.reviews, look.held) == (7.1, 90, 12, 0)
    assert not sample_site.state()["requests"]


@pytest.mark.parametrize(
    ("name", "value", "verdict", "may_add"),
    [
        ("status_403", "title", "blocked", True), ("layout_drift", "title", "layout_changed", True),
        ("robots", "forbid", "blocked", True), ("server_error", "title", "unavailable", True),
    ],
)  # fmt: skip
def test_a_look_in_vain_says_why(context, sample_site, name, value, verdict, may_add):
    sample_site.control("switch", name=name, value=value)
    look, estimate = jobs.look_first(MOVIE, context)
    assert (look.verdict, look.may_add, look.reviews) == (verdict, may_add, None)
    assert look.sentence
    assert estimate.is_free
    if name == "status_403":
        look_first.forget_looks()
        assert jobs.look_first(SMALL, context)[0].verdict == "paused"


def test_a_movie_that_the_site_does_not_know_cannot_be_added(context):
    look, _ = jobs.look_first("tt99009999", context)
    assert (look.verdict, look.may_add) == ("not_found", False)
    with pytest.raises(BadInput):
        jobs.look_first("../etc", context)


def test_without_a_browser_it_can_be_added_all_the_same(
    warehouse_url, sample_site, tmp_path, monkeypatch
):
    from filmpulse.sources import browser
    from filmpulse.sources.imdb import crawl

    monkeypatch.setattr(crawl, "Browser", browser.Browser)
    context = parts(
        warehouse_url, tmp_path, source_urls={"imdb": sample_site.url},
        browser_path=tmp_path / "no-browser",
    )  # fmt: skip
    look, _ = jobs.look_first(MOVIE, context)
    assert (look.verdict, look.may_add) == ("no_browser", True)


def test_one_look_at_a_time(context, sample_site, monkeypatch):
    monkeypatch.setattr(look_first, "_PATIENCE_SECONDS", 0.05)
    with look_first._looking:
        assert jobs.look_first(MOVIE, context)[0].verdict == "busy"
    assert jobs.look_first(MOVIE, context)[0].verdict == "seen"


def test_a_model_costs_money_and_large_movies_ask_first(context, sample_site, monkeypatch):
    paid = context.with_model(
        lambda s: s.model_copy(update={"llm_api_key": "k", "llm_base_url": None})
    )
    look, estimate = jobs.look_first(MOVIE, paid)
    assert look.reviews == 57
    assert 0 < estimate.usd < 1
    assert (estimate.is_free, estimate.needs_approval) == (False, False)
    assert estimate.budget_usd == paid.settings.llm_budget_usd_per_run
    monkeypatch.setattr(look_first, "LARGE_MOVIE", 56)
    assert jobs.look_first(MOVIE, paid)[1].needs_approval
    unknown = context.with_model(
        lambda s: s.model_copy(update={"llm_api_key": "k", "llm_model": "nobody-knows-it"})
    )
    estimate = jobs.look_first(MOVIE, unknown)[1]
    assert (estimate.usd, estimate.about) == (None, "not known")
    assert "nobody-knows-it" in estimate.problem


def test_the_length_of_our_own_reviews_counts(context, sample_site):
    paid = context.with_model(lambda s: s.model_copy(update={"llm_api_key": "k"}))
    assumed = jobs.look_first(MOVIE, paid)[1].usd
    with context.warehouse.connect() as connection, changing(connection, SMALL):
        store_movie(connection, Movie(imdb_id=SMALL, title="Another"), datetime.now(UTC))
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) "
            "VALUES ('imdb', 'rw1', %s, 'x', 'Short.', false, 'h', now())",
            [SMALL],
        )
    assert jobs.look_first(MOVIE, paid)[1].usd < assumed
