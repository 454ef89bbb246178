"""How a movie stands, as jobs leave it: each state, which of two counts, and what goes with it."""

from contextlib import suppress
from datetime import timedelta

import pytest
import test_sources
from test_sources import HOST, ToyCrawl, ToySite, detect, rows

from filmpulse import jobs, sources
from filmpulse.config import Settings
from filmpulse.errors import FilmpulseError, LayoutChanged, SiteUnavailable
from filmpulse.items import Snapshot
from filmpulse.warehouse import figures, pages, scores
from filmpulse.warehouse.collections import queue_collection

MOVIE, OTHER, UNKNOWN = "tt99000001", "tt99000002", "tt99000003"
REVIEWS = [(1, "Great acting."), (2, "The music drags.")]


@pytest.fixture
def toy():
    site = ToySite({"one": (MOVIE, REVIEWS), "two": (OTHER, [(3, "A fine story.")])})
    sources.register(site)
    yield site
    sources.unregister(site.name)


@pytest.fixture
def context(toy, warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(),
            source_urls={"toy": "http://toy"}, author_secret="for tests only",
            request_gap_seconds=0,
        )
    )  # fmt: skip


def state(context, imdb_id=MOVIE):
    return pages.states.first(context.warehouse, imdb_ids=[imdb_id])


def collect(context, imdb_id=MOVIE, run_id="run", progress=lambda *_: None):
    jobs.plan([imdb_id], "full", run_id, context)
    return jobs.collect(imdb_id, "full", run_id, context, progress)


def receive(context, imdb_id=MOVIE, run_id="run"):
    """Do what a run does; a collection that fails ends it."""
    with suppress(FilmpulseError):
        for uri in collect(context, imdb_id, run_id):
            jobs.load(uri, context)
        jobs.analyse(imdb_id, context, run_id=run_id)


def later(context, **ago):
    """Let that much time pass for all that a run noted."""
    delta = timedelta(**ago)
    for statement in (
        "UPDATE ops.collections SET queued_at = queued_at - %(d)s, "
        "started_at = started_at - %(d)s, finished_at = finished_at - %(d)s, "
        "heartbeat_at = heartbeat_at - %(d)s",
        "UPDATE ops.movie_checks SET checked_at = checked_at - %(d)s",
        "UPDATE ops.host_state SET paused_until = paused_until - %(d)s",
        "UPDATE core.movie_snapshots SET taken_at = taken_at - %(d)s",
    ):
        with context.warehouse.connect() as connection:
            connection.execute(statement, {"d": delta})


def end_with(monkeypatch, ending):
    """Have the toy's collections end so: an error, or a status with a reason."""
    given = ToyCrawl.__iter__

    def read(crawl):
        if isinstance(ending, Exception):
            crawl.visit._page(crawl.imdb_id)
            raise ending
        yield from given(crawl)
        crawl.status, crawl.reason = ending

    monkeypatch.setattr(ToyCrawl, "__iter__", read)


# ------------------------------------------------------------------------------------ under way


def test_the_states_are_those_of_the_mart(context):
    (found,) = rows(context, "SELECT mart.states() AS states")
    assert tuple(found["states"]) == pages.STATES


def test_a_movie_that_nobody_looked_at(context):
    rows_of = (
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'T', now()) RETURNING 1"
    )
    rows(context, rows_of, MOVIE)
    found = state(context)
    assert (found.state, found.since, found.is_at_work) == ("never", None, False)
    assert state(context, OTHER) is None


def test_a_planned_movie_is_queued_while_its_run_is_alive(context):
    jobs.plan([MOVIE, OTHER], "full", "run", context)
    found = state(context)
    assert (found.state, found.run_id, found.is_at_work) == ("queued", "run", True)
    later(context, hours=1)
    assert state(context).state == "never"  # nobody works on it any more
    seen = []
    jobs.collect(OTHER, "full", "run", context, lambda *_: seen.append(state(context).state))
    assert seen == ["queued"]  # it waits for its turn in a run that is alive


def test_a_movie_that_a_run_was_asked_for_is_queued(context):
    found = detect(context, MOVIE)
    assert state(context).state == "fresh"
    (batch,) = found.batches
    jobs.mark_triggered(batch.run_id, batch.imdb_ids, context, test_sources.LONG_AGO)
    assert (state(context).state, state(context).run_id) == ("queued", batch.run_id)
    later(context, minutes=31)
    assert state(context).state == "fresh"


def test_a_movie_is_collecting_until_it_is_loaded_and_says_how_far_it_came(context):
    seen = []
    (uri,) = collect(context, progress=lambda *_: seen.append(state(context)))
    assert [(one.state, one.done, one.total) for one in seen] == [
        ("collecting", 1, 2), ("collecting", 2, 2),
    ]  # fmt: skip
    assert {(one.run_id, one.source) for one in seen} == {("run", "toy")}
    assert state(context).state == "collecting"
    jobs.load(uri, context)
    assert state(context).state == "fresh"


def test_a_collection_without_a_sign_of_life_is_dead(context):
    seen = []

    def watch(*_):
        later(context, minutes=31)
        seen.append(state(context).state)

    collect(context, progress=watch)
    assert seen == ["never", "never"]


def test_a_movie_is_scoring_while_a_worker_holds_its_lock(context):
    (uri,) = collect(context)
    jobs.load(uri, context)
    with context.warehouse.session() as connection:
        scores.lock_scoring(connection, imdb_id=MOVIE, patience="1s")
        found = state(context)
        assert (found.state, found.done, found.total, found.since) == ("scoring", 0, 2, None)
    assert state(context).state == "fresh"
    seen = []
    jobs.analyse(MOVIE, context, progress=lambda *_: seen.append(state(context)), run_id="run")
    assert {(one.state, one.total) for one in seen} == {("scoring", 2)}
    assert seen[-1].done == 2


def test_the_lock_of_another_movie_or_kind_is_none_of_it(context):
    receive(context)
    with context.warehouse.session() as connection:
        scores.lock_scoring(connection, imdb_id=OTHER, patience="1s")
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [MOVIE])
        assert state(context).state == "fresh"


def test_a_run_of_the_backlog_is_told_by_its_requests(context):
    receive(context)
    rows(context, "INSERT INTO ops.llm_calls (run_id, imdb_id, model, prompt_version, "
         "reserved_usd) VALUES ('backlog 7', %s, 'm', 'v', 0) RETURNING 1", MOVIE)  # fmt: skip
    with context.warehouse.session() as connection:
        scores.lock_scoring(connection, imdb_id=MOVIE, patience="1s")
        assert state(context).run_id == "backlog 7"


# --------------------------------------------------------------------------------- how it ended


def test_a_movie_read_well_is_fresh_for_two_hours(context):
    receive(context)
    found = state(context)
    assert (found.state, found.sentence, found.waiting_reviews) == ("fresh", None, 0)
    later(context, minutes=119)
    assert state(context).state == "fresh"
    later(context, minutes=2)
    assert state(context).state == "stale"
    assert detect(context, MOVIE).failures == []
    assert state(context).state == "fresh"


def test_a_refusal_pauses_all_movies_of_the_source_and_then_they_are_blocked(context, toy):
    receive(context, OTHER)
    toy.is_blocked = True
    receive(context)
    found = state(context)
    assert (found.state, found.reason, found.source) == ("paused", "forbidden", "toy")
    (until,) = rows(context, "SELECT paused_until FROM ops.host_state WHERE host = %s", HOST)
    assert found.until == until["paused_until"]
    assert state(context, OTHER).state == "paused"
    later(context, hours=1)
    found = state(context)
    assert (found.state, found.reason, found.run_id, found.until) == (
        "blocked", "forbidden", "run", None,
    )  # fmt: skip
    assert HOST in found.sentence
    assert state(context, OTHER).state == "fresh"


def test_the_pause_of_another_host_is_none_of_it(context):
    receive(context)
    rows(context, "INSERT INTO ops.host_state (host, paused_until) "
         "VALUES ('other.example', now() + interval '1 hour') RETURNING 1")  # fmt: skip
    assert state(context).state == "fresh"


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (LayoutChanged("No reviews where 2 were announced."), "layout_changed"),
        (SiteUnavailable("It did not answer."), "failed"),
        (ValueError("Something else."), "failed"),
        (("partial", "timeout"), "partial"),
        (("gated", "sign_in"), "gated"),
        (("complete", None), "fresh"),
    ],
)
def test_a_collection_that_ended_so(context, monkeypatch, ending, expected):
    end_with(monkeypatch, ending)
    with suppress(ValueError):
        receive(context)
    found = state(context)
    assert found.state == expected
    assert (found.sentence is None) == (expected == "fresh")
    monkeypatch.undo()
    receive(context, run_id="next")
    assert state(context).state == "fresh"


def test_a_movie_that_the_site_does_not_know(context):
    receive(context, UNKNOWN)
    found = state(context, UNKNOWN)
    assert (found.state, found.source) == ("not_found", "toy")
    assert pages.cards(context.warehouse, imdb_ids=[UNKNOWN]) == []


def test_a_look_after_the_last_collection_counts(context, toy):
    receive(context)
    pages_before, toy.pages = toy.pages, {}
    detect(context, MOVIE)
    found = state(context)
    assert (found.state, found.reason, found.run_id) == ("failed", "unexpected", None)
    toy.pages = pages_before
    detect(context, MOVIE)
    assert state(context).state == "fresh"


def test_a_gated_movie_says_how_many_cannot_be_read(context, monkeypatch):
    end_with(monkeypatch, ("gated", "sign_in"))
    receive(context)
    look = test_sources.ToyVisit.look

    def announce(visit, imdb_id):
        movie, found = look(visit, imdb_id)
        return movie, Snapshot(**found.model_dump() | {"review_count": 14})

    monkeypatch.setattr(test_sources.ToyVisit, "look", announce)
    detect(context, MOVIE)
    assert (state(context).state, state(context).unreadable) == ("gated", 12)
    rows(context, "INSERT INTO core.reviews (source, review_id, imdb_id, is_spoiler, content_hash, "
         "first_seen_at) SELECT 'toy', 'saved-' || n, %s, false, 'h', now() "
         "FROM generate_series(1, 12) n RETURNING 1", MOVIE)  # fmt: skip
    figures.count_all(context.warehouse)
    assert state(context).state == "fresh"  # saved pages brought what the site does not show


def test_of_two_sources_the_worse_counts(context, toy):
    receive(context)
    queue_collection(context.warehouse, run_id="two", source="second", imdb_id=MOVIE, mode="full")
    rows(context, "INSERT INTO ops.sources VALUES ('second', 'site', 'Second') RETURNING 1")
    rows(context, "UPDATE ops.collections SET status = 'partial', finished_at = now(), "
         "loaded_at = now() WHERE run_id = 'two' RETURNING 1")  # fmt: skip
    assert (state(context).state, state(context).source) == ("partial", "second")


def test_an_import_is_no_visit(context):
    rows(context, "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'T', now()) "
         "RETURNING 1", MOVIE)  # fmt: skip
    rows(
        context,
        "INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, finished_at, "
        "loaded_at) VALUES ('i', 'toy', %s, 'import', 'complete', now(), now()) RETURNING 1",
        MOVIE,
    )
    assert state(context).state == "never"


def test_an_erased_movie_has_no_state(context):
    receive(context)
    jobs.erase("movie", MOVIE, context)
    assert state(context) is None
