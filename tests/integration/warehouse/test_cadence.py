"""How often a movie is looked at: the rule by cases, its order, and what is due."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from filmpulse.warehouse import detection

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def db(warehouse_url):
    with psycopg.connect(warehouse_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def reason(db, **given):
    facts = {
        "is_stream": False, "is_few": False, "outcome": "no_news", "asked_at": None,
        "released_on": None, "pace": 0.0, "at": NOW,
    } | given  # fmt: skip
    row = db.execute(
        """SELECT reason, cadence FROM mart.cadences
           WHERE reason = mart.look_reason(%(is_stream)s, %(is_few)s, %(outcome)s, %(asked_at)s,
               %(released_on)s, %(pace)s, %(at)s)""",
        facts,
    ).fetchone()
    return row["reason"], row["cadence"]


def days_ago(days):
    return (NOW - days * DAY).date()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("quiet", "weekly")),
        ({"is_stream": True, "is_few": None}, ("stream", "hourly")),
        ({"is_few": True}, ("few", "hourly")),
        ({"is_few": None}, ("quiet", "weekly")),
        ({"outcome": "news"}, ("news", "hourly")),
        ({"outcome": "busy"}, ("unsettled", "daily")),
        ({"outcome": "unfinished"}, ("unsettled", "daily")),
        ({"asked_at": NOW - 23 * HOUR}, ("asked", "hourly")),
        ({"asked_at": NOW - 25 * HOUR}, ("quiet", "weekly")),
        ({"released_on": days_ago(-8)}, ("first_year", "daily")),
        ({"released_on": days_ago(-7)}, ("release", "hourly")),
        ({"released_on": days_ago(0)}, ("release", "hourly")),
        ({"released_on": days_ago(30)}, ("release", "hourly")),
        ({"released_on": days_ago(31)}, ("first_year", "daily")),
        ({"released_on": days_ago(366)}, ("quiet", "weekly")),
        ({"released_on": days_ago(-3650)}, ("quiet", "weekly")),
        ({"pace": 1.0}, ("a_day", "hourly")),
        ({"pace": 0.99}, ("some_a_week", "every six hours")),
        ({"pace": 0.42}, ("some_a_month", "daily")),
        ({"pace": 0.07}, ("quiet", "weekly")),
        ({"pace": None}, ("unknown", "daily")),
        ({"outcome": "failed"}, ("unsettled", "daily")),
        ({"outcome": "not_found", "pace": None}, ("unsettled", "daily")),
        ({"outcome": "blocked", "pace": 2.0}, ("a_day", "hourly")),
    ],
)
def test_the_rule(db, given, expected):
    assert reason(db, **given) == expected


def pace(db, old, changed, days):
    asked = "SELECT mart.new_pace(%s, %s::integer, %s) AS pace"
    return db.execute(asked, (old, changed, days)).fetchone()["pace"]


def test_a_steady_movie_has_the_pace_that_it_has(db):
    for changed, days in ((3, 1.0), (21, 7.0), (1, 1 / 3)):
        now = 0.0
        for _ in range(200):
            now = pace(db, now, changed, days)
        assert now == pytest.approx(3, abs=0.05)


def test_a_pace_fades_and_an_unknown_count_changes_nothing(db):
    assert pace(db, 1.0, 0, 14.0) == pytest.approx(0.3679, abs=1e-4)
    assert pace(db, 1.0, None, 7.0) == 1.0
    assert pace(db, None, None, 7.0) is None
    assert pace(db, None, 0, 1 / 24) == 0
    assert pace(db, 0.0, -7, 7.0) == pace(db, 0.0, 7, 7.0)


@pytest.mark.parametrize("days", [0.0, -1.0, -40_000.0, 1e-9, 40_000.0, 1e9])
def test_no_clock_breaks_the_pace(db, days):
    assert 0 <= pace(db, 2.0, 5, days) < 10


def look(db, imdb_id, at, count=10, outcome="no_news", source="imdb"):
    detection.record_check(
        db, source=source, imdb_id=imdb_id, checked_at=at, outcome=outcome, reason=None,
        sentence=None, review_count=count, mode=None,
    )  # fmt: skip


def due(db, imdb_ids, since, is_few=False, source="imdb"):
    asked = {"imdb_ids": imdb_ids, "since": since}
    detection.begin_detection(db, sites=[source], live=[source], **asked, is_few=is_few)
    waiting = detection.waiting_movies(db, source=source, **asked)
    return [one.imdb_id for one in waiting if one.is_due]


A, B, C, D = (f"tt990000{n:02}" for n in range(4))


def test_a_short_list_is_due_every_hour_and_once_a_run(db):
    look(db, A, NOW - 58 * timedelta(minutes=1))
    look(db, B, NOW + timedelta(seconds=1))
    assert due(db, [A, B, C], NOW, is_few=True) == [C, A]
    assert due(db, [A, B, C], NOW + HOUR, is_few=True) == [C, A, B]


def test_the_latest_for_its_cadence_comes_first(db):
    for movie, pace_a_day, ago in (
        (A, 2.0, 3 * HOUR), (B, 0.2, 3.5 * DAY), (C, 0.0, 21 * DAY), (D, 0.5, 5 * HOUR),
    ):  # fmt: skip
        look(db, movie, NOW - ago)
        db.execute("UPDATE ops.movie_checks SET pace = %s WHERE imdb_id = %s", (pace_a_day, movie))
    # Late by 2 hours of 1; by 2.5 days of 1; by 14 days of 7; due within the hour.
    assert due(db, [A, B, C, D], NOW) == [B, A, C, D]
    assert due(db, [A, B, C, D], NOW - 2 * HOUR) == [B, C, A]


def test_a_first_look_waits_no_longer_than_a_daily_one_and_starves_nobody(db):
    db.execute("INSERT INTO core.tracked VALUES (%s, %s, 'command', NULL)", (B, NOW - DAY))
    db.execute("INSERT INTO core.tracked VALUES (%s, %s, 'command', NULL)", (D, NOW - 3 * DAY))
    look(db, A, NOW - 3 * HOUR)
    db.execute("UPDATE ops.movie_checks SET pace = 5")
    assert due(db, [A, B, C, D], NOW) == [C, D, A, B]


def test_a_movie_that_wakes_up_is_hourly_and_falls_asleep_again(db):
    at, seen = NOW, []
    for day in range(120):
        at += DAY
        look(db, A, at, count=100 + 30 * (day >= 10))
        row = db.execute("SELECT cadence FROM mart.looks(%s)", (at,)).fetchone()
        seen.append(row["cadence"])
    assert seen[:10] == ["daily"] + ["weekly"] * 9  # before two counts are known, daily
    assert seen[10] == "hourly"
    assert [c for i, c in enumerate(seen[10:]) if i == 0 or c != seen[9 + i]] == [
        "hourly", "every six hours", "daily", "weekly",
    ]  # fmt: skip


def test_a_clock_that_was_wrong_hides_no_movie(db):
    look(db, A, NOW + 3650 * DAY)
    look(db, B, NOW - 3650 * DAY)
    assert due(db, [A, B], NOW) == [A, B]
    look(db, A, NOW + timedelta(minutes=1))
    assert due(db, [A, B], NOW) == [B]


def test_what_is_no_longer_tracked_is_noted(db):
    look(db, A, NOW)
    look(db, B, NOW)
    due(db, [B], NOW)
    rows = db.execute("SELECT imdb_id FROM ops.movie_checks WHERE is_tracked").fetchall()
    assert [row["imdb_id"] for row in rows] == [B]
    due(db, [A, B], NOW)
    assert db.execute("SELECT count(*) FILTER (WHERE is_tracked) AS n FROM ops.movie_checks"
                      ).fetchone()["n"] == 2  # fmt: skip


def test_what_a_source_that_went_off_knew_is_of_no_tracked_movie(db):
    for source in ("imdb", "stream", "off"):
        look(db, A, NOW - 50 * DAY, source=source)
    begun = {"sites": ["imdb", "off"], "live": ["imdb", "off", "stream"], "imdb_ids": [A, B]}
    detection.begin_detection(db, **begun, since=NOW - DAY, is_few=False)
    for source in ("imdb", "off"):
        detection.end_round(db, source=source, since=NOW - DAY, left_over=0)
    assert sources_of(db, "SELECT source FROM mart.movie_looks WHERE is_tracked") == {
        "imdb", "stream", "off",
    }  # fmt: skip
    first_looks = "SELECT source FROM mart.look_plan WHERE cadence = 'first look' AND movies > 0"
    assert sources_of(db, first_looks) == {"imdb", "off"}
    detection.begin_detection(
        db, sites=["imdb"], live=["imdb"], imdb_ids=[A, B], since=NOW, is_few=False
    )
    detection.end_round(db, source="imdb", since=NOW, left_over=0)
    assert sources_of(db, "SELECT source FROM mart.movie_looks WHERE is_tracked") == {"imdb"}
    assert sources_of(db, first_looks) == {"imdb"}


def sources_of(db, statement):
    return {row["source"] for row in db.execute(statement)}


def test_failed_looks_neither_slow_nor_freeze_a_pace(db):
    for movie in (A, B):
        look(db, movie, NOW - 15 * DAY, count=10)
        look(db, movie, NOW - 14 * DAY, count=24)
    for day in range(1, 14):
        look(db, B, NOW - day * DAY, count=None, outcome="failed")
    for movie in (A, B):
        look(db, movie, NOW, count=24)
    paces = db.execute("SELECT imdb_id, pace FROM ops.movie_checks").fetchall()
    (of_a,), (of_b,) = ([row["pace"] for row in paces if row["imdb_id"] == m] for m in (A, B))
    assert of_a == of_b == pytest.approx(pace(db, pace(db, 0.0, 14, 1.0), 0, 14.0))


def test_every_reason_has_a_cadence_in_the_order_of_the_rule(db):
    (source,) = db.execute(
        "SELECT pg_get_functiondef('mart.look_reason'::regproc) AS text"
    ).fetchall()
    known = [
        row["reason"] for row in db.execute("SELECT reason FROM mart.cadences ORDER BY position")
    ]
    places = [source["text"].index(f"'{name}'::text") for name in known]
    assert places == sorted(places)
