"""Detection of 10,000 tracked movies: rounds, runs, budget, and reading again, over real tables.

A site that only this file knows stands for one whose pages need no browser; the gate is real.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from filmpulse import jobs, sources
from filmpulse.config import Settings
from filmpulse.items import Movie, Snapshot
from filmpulse.jobs.reception import detect as detecting
from filmpulse.warehouse import detection
from filmpulse.warehouse.figures import changing

IDS = [f"tt{n:08}" for n in range(10_000_000, 10_010_000)]
HOST = "lists.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class ListSite:
    """A site that knows every movie; `counts` has its review counts, 3 where none is given."""

    name, title, cleaning_rules = "lists", "Lists", 1
    host, last_page = HOST, None
    asks_for: frozenset[str] = frozenset()
    began_on = date(2020, 1, 1)

    def __init__(self):
        self.counts, self.releases, self.asked = {}, {}, []

    def is_on(self, settings):
        return self.name in settings.source_urls

    def terms(self, settings):
        return None

    def open(self, settings, gate, ids):
        self.gate = gate
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def look(self, imdb_id):
        self.gate.wait(HOST)
        self.asked.append(imdb_id)
        count = self.counts.get(imdb_id, 3)
        shown = Snapshot(
            source=self.name, imdb_id=imdb_id, taken_at=datetime.now(UTC), review_count=count
        )
        release = self.releases.get(imdb_id)
        return Movie(imdb_id=imdb_id, title="The Long List", release_date=release), shown

    def _not_used(self, *given, **more):
        raise NotImplementedError

    find_fault = saved_at = clean = author_id = user_ids = read_saved = recognises = _not_used


@pytest.fixture
def site():
    made = ListSite()
    sources.register(made)
    yield made
    sources.unregister(made.name)


@pytest.fixture
def context(site, warehouse_url, tmp_path, monkeypatch):
    # Without a gap between requests every list would be a short one.
    monkeypatch.setattr(detecting, "LOOK_SECONDS", -1.0)
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(),
            source_urls={"lists": "http://lists"}, author_secret="x" * 32, request_gap_seconds=0,
        )
    )  # fmt: skip


def rows(context, statement, **values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def change(context, statement, **values):
    with context.warehouse.connect() as connection:
        connection.execute(statement, values)


def detect(context, imdb_ids, since=None, **more):
    now = datetime.now(UTC)
    return jobs.detect(
        imdb_ids, since=since or now, run_id="d", context=context, is_active=lambda run: False,
        **{"until": now + HOUR} | more,
    )  # fmt: skip


def collected(context, imdb_id, days_ago, mode="full", status="complete", reason=None):
    """Store that the detector had a movie read, with the count 3."""
    change(
        context,
        """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, reason, queued_at,
               started_at, finished_at, loaded_at, review_count_start, review_count_end)
           SELECT 'detected__' || %(days)s::text, 'lists', %(movie)s, %(mode)s, %(status)s,
                  %(reason)s, at, at, at, at, 3, 3
           FROM (SELECT now() - make_interval(mins => (%(days)s * 1440)::integer) AS at) t""",
        days=days_ago, movie=imdb_id, mode=mode, status=status, reason=reason,
    )  # fmt: skip


def looked(context, imdb_ids, days_ago, pace=0.0, outcome="no_news"):
    """Store that movies were looked at, with the count 3."""
    change(
        context,
        """INSERT INTO ops.movie_checks (source, imdb_id, checked_at, counted_at, outcome,
               review_count, pace)
           SELECT 'lists', i, at, at, %(outcome)s, 3, %(pace)s
           FROM unnest(%(ids)s::text[]) i,
                (SELECT now() - make_interval(mins => (%(days)s * 1440)::integer) AS at) t""",
        ids=imdb_ids, days=days_ago, pace=pace, outcome=outcome,
    )  # fmt: skip


def test_ten_thousand_movies_go_in_rounds_and_runs(context, site):
    looked(context, IDS[:9_000], 2, pace=0.0)  # not due before five days
    looked(context, IDS[9_000:9_990], 8, pace=0.0)  # due for a day
    looked(context, IDS[9_990:], 1 / 24, pace=3.0)  # due now
    since = datetime.now(UTC)
    first = detect(context, IDS, since, budget_seconds=0.2)
    assert not first.is_done
    assert (first.due, first.batches) == (1_000, [])
    second = detect(context, IDS, since, budget_seconds=0.2)
    assert second.due == 1_000 - first.visited
    ended = detect(context, IDS, since, until=datetime.now(UTC))
    assert (ended.is_done, ended.visited, len(ended.warnings)) == (True, 0, 1)
    assert len(set(site.asked)) == len(site.asked) == first.visited + second.visited
    # The hourly ones are due in a moment, the weekly ones for a seventh of their week.
    assert site.asked == IDS[9_000 : 9_000 + len(site.asked)]
    (run,) = rows(context, "SELECT due, looked, unseen FROM ops.detections")
    assert (run["due"], run["looked"], run["unseen"]) == (1_000, len(site.asked), 0)
    with_news = sum(len(batch.imdb_ids) for batch in ended.batches)
    assert with_news == len(site.asked)  # none was ever collected


def test_nothing_starves_where_too_much_is_due(context):
    """Hourly movies alone take twice the looks that there are: each waits twice as long."""
    start = datetime.now(UTC)
    hourly, daily, weekly, new = IDS[:30], IDS[30:35], IDS[35:40], IDS[40:50]
    for ids, pace in ((hourly, 9.0), (daily, 0.2), (weekly, 0.0)):
        looked(context, ids, 0, pace=pace)
    change(
        context,
        "INSERT INTO core.tracked SELECT i, now(), 'command' FROM unnest(%(ids)s::text[]) i",
        ids=new,
    )
    waits = {imdb_id: [start] for imdb_id in IDS[:50]}
    hours = 24 * 17
    for hour in range(1, hours):
        at = start + hour * HOUR
        asked = {"imdb_ids": list(waits), "since": at}
        detection.begin_detection(
            context.warehouse, sites=["lists"], live=["lists"], **asked, is_few=False
        )
        waiting = detection.waiting_movies(context.warehouse, source="lists", **asked)
        due = [one.imdb_id for one in waiting if one.is_due][:20]
        for imdb_id in due:
            waits[imdb_id].append(at)
        change(
            context,
            """INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome, pace)
               SELECT 'lists', i, %(at)s, 'no_news', 9 FROM unnest(%(ids)s::text[]) i
               ON CONFLICT (imdb_id, source) DO UPDATE SET checked_at = excluded.checked_at""",
            ids=due, at=at,
        )  # fmt: skip
    worst = {
        imdb_id: max(b - a for a, b in zip(at, [*at[1:], start + hours * HOUR], strict=True))
        for imdb_id, at in waits.items()
    }
    for ids, most in ((hourly, 5 * HOUR), (daily, 3 * DAY), (weekly, 16 * DAY), (new, 3 * DAY)):
        assert max(worst[i] for i in ids) <= most


@pytest.mark.parametrize(
    ("pace", "days_ago", "full_due"),
    [(2.0, 6.9, False), (2.0, 7.1, True), (0.5, 41.9, False), (0.5, 42.1, True),
     (0.2, 59.9, False), (0.2, 60.1, True), (0.0, 59.9, False), (0.0, 60.1, True)],
)  # fmt: skip
def test_all_reviews_are_read_once_in_so_many_looks(context, pace, days_ago, full_due):
    movie = IDS[0]
    collected(context, movie, days_ago)
    looked(context, [movie], 30, pace=pace)
    found = detect(context, [movie])
    assert [batch.mode for batch in found.batches] == (["full"] if full_due else [])
    (check,) = rows(context, "SELECT outcome, reason FROM ops.movie_checks")
    assert (check["outcome"] == "news") == full_due


def test_a_gated_movie_is_tried_a_day_after_it_grew(context, site):
    for movie, days_ago, count in ((IDS[0], 0.9, 5), (IDS[1], 1.1, 5), (IDS[2], 1.1, 3)):
        collected(context, movie, days_ago, status="gated")
        looked(context, [movie], 30)
        site.counts[movie] = count
    found = detect(context, IDS[:3])
    assert [batch.imdb_ids for batch in found.batches] == [[IDS[1]]]


@pytest.mark.parametrize("last", ["complete", "gated"])
@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [("full", "failed", "timeout"), ("full", "blocked", "captcha"), ("full", "partial", "reset"),
     ("full", "layout_changed", None), ("full", "queued", None)],
)  # fmt: skip
def test_a_full_reading_that_did_not_end_well_is_tried_again_in_a_day(
    context, last, mode, status, reason
):
    for movie, days_ago in ((IDS[0], 0.9), (IDS[1], 1.1)):
        collected(context, movie, 61, status=last)
        collected(context, movie, days_ago, mode=mode, status=status, reason=reason)
        looked(context, [movie], 30)
    if status == "queued":  # its worker was killed, or never began
        change(
            context,
            "UPDATE ops.collections SET started_at = NULL, finished_at = NULL, loaded_at = NULL, "
            "heartbeat_at = queued_at WHERE status = 'queued'",
        )
    found = detect(context, IDS[:2])
    assert [(batch.imdb_ids, batch.mode) for batch in found.batches] == [([IDS[1]], "full")]
    (waits,) = rows(
        context,
        "SELECT outcome, cadence FROM mart.looks(now()) JOIN ops.movie_checks USING (imdb_id) "
        "WHERE imdb_id = %(movie)s", movie=IDS[0],
    )  # fmt: skip
    assert waits == {"outcome": "unfinished", "cadence": "daily"}


@pytest.mark.parametrize(
    ("reason", "again"), [("timeout", ["full"]), ("count_mismatch", [])]
)  # fmt: skip
def test_what_broke_off_is_read_again_in_full(context, reason, again):
    collected(context, IDS[0], 3)
    collected(context, IDS[0], 2, mode="incremental", status="partial", reason=reason)
    looked(context, [IDS[0]], 30)
    assert [batch.mode for batch in detect(context, IDS[:1]).batches] == again


def test_a_list_that_ends_short_of_the_count_is_read_no_sooner_than_others(context):
    for movie, days_ago in ((IDS[0], 59), (IDS[1], 61)):
        collected(context, movie, days_ago, status="partial", reason="count_mismatch")
        looked(context, [movie], 30)
    assert [batch.imdb_ids for batch in detect(context, IDS[:2]).batches] == [[IDS[1]]]


def test_a_look_waits_for_no_other_work_on_the_movie(context, site, monkeypatch):
    monkeypatch.setattr(detecting, "PATIENCE", "50ms")
    site.releases = dict.fromkeys(IDS[:2], date(2020, 5, 1))
    detect(context, IDS[:2])
    looked_at = "SELECT imdb_id FROM ops.movie_checks WHERE checked_at > %(since)s ORDER BY 1"
    site.releases[IDS[1]] = date(2021, 5, 1)
    again = datetime.now(UTC)
    change(context, "UPDATE ops.movie_checks SET checked_at = checked_at - interval '9 days'")
    with context.warehouse.connect() as other:
        with changing(other, IDS[0]):
            pass
        with changing(other, IDS[1]):  # as an erasure that reads the lake
            found = detect(context, IDS[:3])
    assert (found.is_done, found.failures) == (True, [])
    assert [r["imdb_id"] for r in rows(context, looked_at, since=again)] == [IDS[0], IDS[2]]
    assert detect(context, IDS[:3]).due == 3
    released = "SELECT release_date FROM core.movies ORDER BY imdb_id"
    assert [r["release_date"] for r in rows(context, released)] == [
        date(2020, 5, 1), date(2021, 5, 1), None,
    ]  # fmt: skip


def test_a_pause_that_holds_is_no_look(context, site):
    looked(context, IDS[:2], 30)
    change(
        context,
        "INSERT INTO ops.host_state (host, paused_until, strikes, reason) "
        "VALUES (%(host)s, now() + interval '1 hour', 1, 'captcha')", host=HOST,
    )  # fmt: skip
    before = rows(context, "SELECT * FROM ops.movie_checks ORDER BY imdb_id")
    found = detect(context, IDS[:2])
    assert (found.visited, len(found.failures), site.asked) == (0, 1, [])
    assert rows(context, "SELECT * FROM ops.movie_checks ORDER BY imdb_id") == before
    (run,) = rows(context, "SELECT due, looked FROM ops.detections")
    assert run == {"due": 2, "looked": 0}


def test_with_all_sources_off_no_movie_is_overdue(context):
    looked(context, IDS[:2], 30)
    off = jobs.Context.from_settings(context.settings.model_copy(update={"source_urls": {}}))
    detect(off, IDS[:2])
    assert rows(context, "SELECT FROM mart.movie_looks WHERE is_tracked") == []


def test_a_movie_asked_for_by_hand_is_hourly_for_a_day(context):
    looked(context, [IDS[0]], 0.1)
    assert detect(context, [IDS[0]]).due == 0
    jobs.plan([IDS[0]], "full", "manual__1", context)
    assert detect(context, [IDS[0]]).due == 1


def test_of_very_much_news_the_rest_is_told_of_the_next_time(context, monkeypatch):
    monkeypatch.setattr(detecting, "MOST_NEWS", 70)
    found = detect(context, IDS[:100])
    assert sum(len(batch.imdb_ids) for batch in found.batches) == 70
    assert any("30 more" in warning for warning in found.warnings)
    for batch in found.batches:
        jobs.mark_triggered(batch.run_id, batch.imdb_ids, context, datetime.now(UTC) - HOUR)
        jobs.plan(batch.imdb_ids, batch.mode, batch.run_id, context)
    again = detect(context, IDS[:100])
    assert sum(len(batch.imdb_ids) for batch in again.batches) == 30


def test_of_a_short_list_all_reviews_are_read_every_day(context, monkeypatch):
    monkeypatch.undo()
    for movie, days_ago in ((IDS[0], 0.9), (IDS[1], 1.1)):
        collected(context, movie, days_ago)
        looked(context, [movie], 1 / 24)
    (batch,) = detect(context, IDS[:2]).batches
    assert batch.imdb_ids == [IDS[1]]


def test_a_short_list_is_looked_at_every_hour(context, site, monkeypatch):
    monkeypatch.undo()
    looked(context, IDS[:100], 1 / 24, pace=0.0)
    assert detect(context, IDS[:100]).visited == 100
    assert site.asked == IDS[:100]


def test_what_is_left_of_half_an_hour_goes_to_what_is_due_next():
    due = [detection.Due(IDS[n], HOUR) for n in range(3)]
    next_ones = [detection.Due(IDS[n], DAY, is_due=False) for n in range(3, 400)]
    chosen = [detecting.choose_due([*due, *next_ones], looked, 10.0) for looked in (0, 100, 500)]
    assert [len(each) for each in chosen] == [180, 80, 3]
    assert chosen[1] == [*due, *next_ones][:80]
    assert detecting.choose_due([*due, *next_ones], 0, 0.0) == due
