"""Figures change with the rows they are counted from, in one transaction, whatever changes them."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from psycopg.errors import DivisionByZero
from rich.console import Console
from typer.testing import CliRunner

from filmpulse import cli, jobs, report
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import Movie, Review
from filmpulse.jobs.reception import load
from filmpulse.lake import Manifest
from filmpulse.warehouse import figures, statements
from filmpulse.warehouse.load import ensure_movie, store_movie

MOVIE, OTHER = "tt99000001", "tt99000002"
START = datetime(2026, 10, 1, tzinfo=UTC)
ELSEWHERE = json.dumps(
    {
        "source": "elsewhere", "status": "odd", "score": -2, "rating_1_10": 1, "overall": -2,
        "starts_on": "2001-01-01", "days_since_release": -21, "position": 3,
    }
)  # fmt: skip
"""What a row that should not be there has in its key."""
VIEWS = ("compared_movies", "compared_aspects", "compared_weeks", "recent_weeks", "graded_scores")
TABLES = (
    "source_counts", "status_counts", "score_counts", "grade_counts", "week_counts",
    "release_week_counts",
)  # fmt: skip
COUNTS = {
    "movie_counts": ["reviews"],
    "review_figures": ["reviews", "graded_reviews", "analysed_reviews", "scored_reviews"],
    "movie_figures": ["reviews", "scored_reviews", "waiting_reviews"],
    "movie_health": ["reviews", "waiting_reviews"],
}
"""What marts say of a movie's own counts."""
TABLE = "id,title,text,stars\n1,Fine,The acting is wonderful.,9\n2,Dull,The music is dull.,3\n"
MAP = """
source: letters
rights: Our own.
review_id: id
title: title
body: text
rating:
  column: stars
  scale: 10
"""


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            author_secret="for tests only",
        )
    )


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def see(context, imdb_id=MOVIE, count=3, hour=0, *, rating=7, release=None, is_scored=True):
    """Collect, load and score so many reviews, as a run's tasks do; answer the manifest's URI."""
    uri = collect(context, imdb_id, count, hour, rating=rating, release=release)
    jobs.load(uri, context)
    if is_scored:
        jobs.analyse(imdb_id, context)
    return uri


def collect(context, imdb_id=MOVIE, count=3, hour=0, *, rating=7, release=None):
    at = START + timedelta(hours=hour)
    writer = context.lake.begin("imdb", imdb_id, at)
    writer.append(
        Review(
            review_id=f"rw{imdb_id}{number}", imdb_id=imdb_id, title="T", rating_1_10=rating,
            body=f"The acting is wonderful, the music is dull. {number}",
            submitted_on=date(2026, 9, 1), date_source="json",
        )
        for number in range(count)
    )  # fmt: skip
    return writer.close(
        Manifest(
            run_id="run", source="imdb", imdb_id=imdb_id, mode="full", started_at=at,
            finished_at=at, status="complete", distinct_ids=count,
            parts=tuple(writer.parts), review_count_end=count,
            movie=Movie(imdb_id=imdb_id, title="Żółta łódź", year=2026, release_date=release),
        )
    )  # fmt: skip


def compared(context):
    """What the comparison shows: reviews and scored reviews by movie."""
    return {
        row["imdb_id"]: (row["reviews"], row["scored_reviews"])
        for row in rows(context, "SELECT * FROM mart.compared_movies")
    }


def content(context):
    return {
        view: rows(context, f"SELECT v::text FROM mart.{view} v ORDER BY 1")  # noqa: S608
        for view in VIEWS
    }


def stored(context):
    """Every row of the tables of counts."""
    return {
        table: rows(context, f"SELECT t::text FROM core.{table} t ORDER BY 1")  # noqa: S608
        for table in TABLES
    }


def test_an_import_shows_with_and_without_scores(context, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    file, mapping = tmp_path / "f.csv", tmp_path / "f.yaml"
    file.write_text(TABLE)
    mapping.write_text(MAP)
    see(context, OTHER, 1)
    command = ["import", "reviews", str(file), "--map", str(mapping), "--imdb-id", MOVIE]
    told = CliRunner().invoke(cli.app, [*command, "--no-analyse"])
    assert told.exit_code == 0, told.output
    assert compared(context) == {MOVIE: (2, 0), OTHER: (1, 1)}
    told = CliRunner().invoke(cli.app, command)
    assert told.exit_code == 0, told.output
    assert compared(context)[MOVIE] == (2, 2)


def test_a_load_and_its_scores_show_at_once(context):
    uri = see(context, is_scored=False)
    assert compared(context) == {MOVIE: (3, 0)}
    jobs.load(uri, context)
    jobs.analyse(MOVIE, context)
    assert compared(context) == {MOVIE: (3, 3)}
    assert rows(context, "SELECT mentions FROM mart.compared_aspects WHERE aspect = 'Acting'") == [
        {"mentions": 3}
    ]


def test_a_collection_changes_the_figures_of_its_movie_alone(context):
    see(context)
    see(context, OTHER)
    before = [row for found in stored(context).values() for row in found if OTHER in row["t"]]
    see(context, count=5, hour=1)
    after = [row for found in stored(context).values() for row in found if OTHER in row["t"]]
    assert before == after
    assert compared(context) == {MOVIE: (5, 5), OTHER: (3, 3)}


def hour_by_hour(context):
    """Bring a movie through its life; yield after each step what is to be seen."""
    see(context, count=4)
    yield "read", (4, 4)
    see(context, count=4, hour=1, rating=3)
    yield "edited", (4, 4)
    see(context, count=2, hour=2)
    yield "removed", (2, 2)
    see(context, count=3, hour=3, is_scored=False)
    yield "back", (3, 3)
    see(context, count=6, hour=4, is_scored=False)
    yield "not scored yet", (6, 4)
    jobs.erase("review", f"rw{MOVIE}0", context)
    yield "erased", (5, 3)
    jobs.load(collect(context, count=1, hour=-9), context)  # older than all: a replay
    yield "replayed", (5, 3)
    jobs.apply_retention(context, START + timedelta(days=99))
    yield "retained", (5, 3)
    jobs.analyse_backlog("backlog", context)
    yield "scored", (5, 5)
    rows(context, "UPDATE core.movies SET active_analyser_id = NULL")
    yield "no analyser", (5, 0)
    jobs.plan_backlog(context)
    yield "switched", (5, 5)
    with context.warehouse.connect() as connection, figures.changing(connection, MOVIE):
        connection.execute("DELETE FROM core.reviews")
    yield "lost", (0, 0)
    jobs.rebuild(context)
    yield "rebuilt", (5, 0)
    jobs.analyse(MOVIE, context)
    jobs.setup_warehouse(context)
    yield "set up", (5, 5)


def test_figures_are_those_of_the_rows_after_each_step(context):
    for step, seen in hour_by_hour(context):
        assert (step, compared(context)[MOVIE]) == (step, seen)
        assert not figures.is_wrong(context.warehouse, MOVIE), step


def test_an_erased_movie_leaves_nothing(context):
    see(context)
    see(context, OTHER)
    jobs.erase("movie", MOVIE, context)
    assert set(compared(context)) == {OTHER}
    assert not any(MOVIE in str(row) for found in content(context).values() for row in found)
    assert not any(MOVIE in str(row) for found in stored(context).values() for row in found)
    assert rows(context, "SELECT imdb_id FROM ops.counted_movies") == [{"imdb_id": OTHER}]


def test_a_movie_without_reviews_is_there_and_has_no_figure(context):
    see(context, count=0)
    assert compared(context) == {MOVIE: (0, 0)}
    (row,) = rows(context, "SELECT * FROM mart.compared_movies")
    figured = ("mean_stars", "stars_half_interval", "mean_overall", "polarisation")
    assert [row[name] for name in figured] == [None] * 4
    aspects = rows(context, "SELECT * FROM mart.compared_aspects ORDER BY position")
    assert [row["mentions"] for row in aspects] == [None] * 6
    assert not any(stored(context).values())


def test_a_movie_that_only_has_an_id_is_there(context):
    with context.warehouse.connect() as connection:
        ensure_movie(connection, MOVIE)
    assert compared(context) == {MOVIE: (0, 0)}
    assert not figures.is_wrong(context.warehouse, MOVIE)


def test_a_new_release_date_moves_the_weeks(context):
    released = date(2026, 8, 25)
    see(context, release=released)
    weeks = "SELECT days_since_release AS days FROM mart.compared_weeks WHERE reviews > 0"
    assert rows(context, weeks) == [{"days": 7}]
    movie = Movie(imdb_id=MOVIE, title="T", release_date=released - timedelta(days=70))
    with context.warehouse.connect() as connection, figures.changing(connection, MOVIE):
        store_movie(connection, movie, START + timedelta(days=9))
    assert rows(context, weeks) == [{"days": 77}]
    assert not figures.is_wrong(context.warehouse, MOVIE)


@pytest.mark.parametrize(
    "unknown", ["core.reviews SET submitted_on", "core.movies SET release_date"]
)
def test_a_review_without_a_week_is_in_none(context, unknown):
    """Neither the day of the release alone nor that of the review alone gives a week."""
    see(context, count=2, release=date(2026, 8, 25))
    weeks = "SELECT DISTINCT reviews_so_far AS n FROM core.release_week_counts"
    assert rows(context, weeks) == [{"n": 2}]
    with context.warehouse.connect() as connection, figures.changing(connection, MOVIE):
        connection.execute(f"UPDATE {unknown} = NULL")
    assert rows(context, weeks) == []
    assert compared(context) == {MOVIE: (2, 2)}


@pytest.mark.parametrize(
    ("age", "weeks"), [(-3, 0), (0, 1), (6, 1), (7, 2), (700, 101), (9000, 105)]
)
def test_weeks_appear_as_time_passes_though_nothing_is_loaded(context, age, weeks):
    """A movie that was released so many days ago, with one review on its first day."""
    see(context, count=1)
    released = datetime.now(UTC).date() - timedelta(days=age)
    with context.warehouse.connect() as connection, figures.changing(connection, MOVIE):
        connection.execute("UPDATE core.movies SET release_date = %s", [released])
        connection.execute("UPDATE core.reviews SET submitted_on = %s", [released])
    found = rows(context, "SELECT * FROM mart.compared_weeks ORDER BY days_since_release")
    assert [row["days_since_release"] for row in found] == list(range(0, 7 * weeks, 7))
    assert {row["reviews_so_far"] for row in found} <= {1}


@pytest.mark.parametrize(("weeks_ago", "shown"), [(0, 1), (25, 1), (26, 0)])
def test_the_last_26_weeks_are_those_of_now(context, weeks_ago, shown):
    see(context, count=1)
    monday = datetime.now(UTC).date()
    monday -= timedelta(days=monday.weekday() + 7 * weeks_ago)
    with context.warehouse.connect() as connection, figures.changing(connection, MOVIE):
        connection.execute("UPDATE core.reviews SET submitted_on = %s", [monday])
    assert len(rows(context, "SELECT * FROM mart.recent_weeks")) == shown


# ------------------------------------------------------------------------------- wrong, and right


def test_rows_that_were_changed_by_hand_are_found_and_counted(context, monkeypatch):
    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    see(context)
    see(context, OTHER)
    right = stored(context)
    recount = partial(CliRunner().invoke, cli.app, ["recount"])
    assert "were right" in recount().output
    rows(context, "DELETE FROM core.reviews WHERE imdb_id = %s AND review_id LIKE '%%0'", MOVIE)
    assert stored(context) == right
    assert figures.is_wrong(context.warehouse, MOVIE)
    assert figures.is_wrong(context.warehouse, MOVIE)  # to ask changes nothing
    assert not figures.is_wrong(context.warehouse, OTHER)
    told = recount().output
    assert MOVIE in told
    assert OTHER not in told
    assert compared(context) == {MOVIE: (2, 2), OTHER: (3, 3)}
    assert not figures.is_wrong(context.warehouse, MOVIE)


@pytest.mark.parametrize("table", TABLES)
def test_a_stored_count_that_is_wrong_is_found(context, table):
    see(context, release=date(2026, 8, 25))
    right = stored(context)
    for damage in (
        f"UPDATE core.{table} SET reviews = reviews + 1",  # noqa: S608
        f"DELETE FROM core.{table}",  # noqa: S608
        f"""INSERT INTO core.{table} SELECT (jsonb_populate_record(t, '{ELSEWHERE}')).*
            FROM core.{table} t LIMIT 1""",  # noqa: S608
    ):
        rows(context, damage)
        assert figures.is_wrong(context.warehouse, MOVIE), damage
        assert figures.count_all(context.warehouse) == [MOVIE]
        assert stored(context) == right


def test_an_upgrade_counts_what_other_rules_counted(context):
    see(context)
    see(context, OTHER)
    right = stored(context)
    rows(context, "UPDATE ops.counted_movies SET counted_by = 'others' WHERE imdb_id = %s", MOVIE)
    rows(context, "UPDATE core.source_counts SET reviews = 99")
    jobs.setup_warehouse(context)
    assert compared(context) == {MOVIE: (3, 3), OTHER: (99, 3)}  # the other was counted by these
    rows(context, "DELETE FROM ops.counted_movies")
    assert compared(context) == {}  # not counted: no figure is better than a wrong one
    jobs.setup_warehouse(context)
    assert stored(context) == right
    assert compared(context) == {MOVIE: (3, 3), OTHER: (3, 3)}


def test_what_was_not_counted_yet_is_unknown_and_not_zero(context):
    see(context)
    see(context, OTHER)
    for table in TABLES:
        rows(context, f"DELETE FROM core.{table} WHERE imdb_id = %s", MOVIE)  # noqa: S608
    rows(context, "DELETE FROM ops.counted_movies WHERE imdb_id = %s", MOVIE)
    for view, name in ((view, name) for view, names in COUNTS.items() for name in names):
        found = rows(context, f"SELECT imdb_id, {name} AS n FROM mart.{view}")  # noqa: S608
        told = {row["imdb_id"]: row["n"] for row in found}
        assert (told[MOVIE], told[OTHER]) == (None, 0 if "waiting" in name else 3), (view, name)
    (card,) = rows(context, "SELECT mart.html_card(%s, '') AS said", MOVIE)
    assert card["said"].count("not counted yet") == 3
    held = "SELECT value, meaning FROM mart.pipeline_facts WHERE fact = 'Reviews held'"
    (fact,) = rows(context, held)
    assert (fact["value"], "1 movie" in fact["meaning"]) == ("3", True)
    console = Console(record=True, width=200)
    report.print_summary(jobs.summary(MOVIE, context), console)
    assert "not counted yet" in console.export_text()
    figures.count_by_new_rules(context.warehouse)
    assert compared(context) == {MOVIE: (3, 3), OTHER: (3, 3)}


# -------------------------------------------------------------------------------- several at once


@contextmanager
def paused_before_its_figures(monkeypatch):
    """Let a load write its rows, and stop it there; give what lets it go on."""
    arrived, go_on = threading.Event(), threading.Event()
    record = load.record_load

    def recorded(*values):
        record(*values)
        if not arrived.is_set():
            arrived.set()
            assert go_on.wait(60)

    monkeypatch.setattr(load, "record_load", recorded)
    try:
        yield arrived, go_on
    finally:
        go_on.set()


def test_others_see_rows_and_figures_change_together(context, monkeypatch):
    see(context)
    before = content(context)
    uri = collect(context, count=9, hour=1)
    with (
        paused_before_its_figures(monkeypatch) as (arrived, go_on),
        ThreadPoolExecutor() as pool,
    ):
        loading = pool.submit(jobs.load, uri, context)
        assert arrived.wait(60)
        assert content(context) == before
        assert rows(context, "SELECT count(*) AS n FROM core.reviews") == [{"n": 3}]
        go_on.set()
        loading.result(60)
    assert compared(context) == {MOVIE: (9, 3)}


def test_loads_of_two_movies_do_not_wait_for_each_other(context, monkeypatch):
    uri, other = collect(context), collect(context, OTHER)
    with (
        paused_before_its_figures(monkeypatch) as (arrived, go_on),
        ThreadPoolExecutor() as pool,
    ):
        loading = pool.submit(jobs.load, uri, context)
        assert arrived.wait(60)
        jobs.load(other, context)
        jobs.analyse(OTHER, context)
        assert compared(context) == {OTHER: (3, 3)}
        assert not loading.done()
        go_on.set()
        loading.result(60)
    assert compared(context) == {MOVIE: (3, 0), OTHER: (3, 3)}


def test_loads_and_scores_of_one_movie_take_turns_and_all_count(context):
    see(context)
    uris = [collect(context, count=4 + n, hour=1 + n) for n in range(5)]
    with ThreadPoolExecutor(8) as pool:
        works = [pool.submit(jobs.load, uri, context) for uri in uris]
        works += [pool.submit(jobs.analyse, MOVIE, context) for _ in range(3)]
        for work in works:
            work.result(120)
    jobs.analyse(MOVIE, context)
    assert compared(context) == {MOVIE: (8, 8)}
    assert not figures.is_wrong(context.warehouse, MOVIE)


@pytest.mark.parametrize("statement", ["recount_reviews", "recount_scores", "note_recount"])
def test_a_load_that_breaks_off_while_it_counts_leaves_rows_and_figures(
    context, monkeypatch, statement
):
    see(context)
    before = content(context), rows(context, "SELECT * FROM core.reviews ORDER BY review_id")
    uri = collect(context, count=9, hour=1)
    with monkeypatch.context() as patched:
        patched.setitem(statements(), statement, "SELECT 1 / 0")
        with pytest.raises(DivisionByZero):
            jobs.load(uri, context)
    after = content(context), rows(context, "SELECT * FROM core.reviews ORDER BY review_id")
    assert after == before
    jobs.load(uri, context)
    assert compared(context) == {MOVIE: (9, 3)}


# ----------------------------------------------------------------------------------------- events


@pytest.fixture
def run(context, monkeypatch):
    """Run `filmpulse events ...`; answer its exit code and what it said, or the error it raised."""
    monkeypatch.setattr(cli.common, "job_context", lambda: context)

    def invoke(*arguments):
        told = CliRunner().invoke(cli.app, ["events", *arguments])
        if told.exception is not None and not isinstance(told.exception, SystemExit):
            return told.exit_code, str(told.exception)
        return told.exit_code, told.output.strip()

    return invoke


def test_events_are_noted_listed_and_taken_back(context, run):
    see(context)
    see(context, OTHER)
    assert run("list") == (0, "No event is noted: filmpulse events add tt0111161 1994-09-10 "
                              "'A festival'")  # fmt: skip
    label = "Prix du jury à Łódź 🏆 [bold]<script>"
    assert run("add", MOVIE, "2026-05-17", label) == (0, "Noted.")
    assert run("add", MOVIE, "2026-05-17", f"  {label} ") == (0, "It was noted before.")
    assert run("add", MOVIE, "2026-05-17", "Director's cut") == (0, "Noted.")
    assert run("add", OTHER, "1999-12-31", "e\u0301te\u0301") == (0, "Noted.")
    assert run("add", OTHER, "1999-12-31", "\u00e9t\u00e9") == (0, "It was noted before.")
    code, listed = run("list", MOVIE)
    assert code == 0
    assert listed.splitlines() == [
        f"{MOVIE}  2026-05-17  Director's cut  Żółta łódź (2026) {MOVIE}",
        f"{MOVIE}  2026-05-17  {label}  Żółta łódź (2026) {MOVIE}",
    ]
    assert len(run("list")[1].splitlines()) == 3
    code, said = run("remove", MOVIE, "2026-05-18", label)
    assert code == 1
    assert "filmpulse events list tt99000001" in said
    assert run("remove", MOVIE, "2026-05-17", label) == (0, "Removed.")
    assert [event.label for event in jobs.list_events(context)] == ["Director's cut", "été"]


@pytest.mark.parametrize(
    ("imdb_id", "day", "label", "said"),
    [
        ("tt1", "2026-05-17", "Gala", "No IMDb id"),
        (f"{MOVIE}\n", "2026-05-17", "Gala", "No IMDb id"),
        (OTHER, "2026-05-17", "Gala", f"filmpulse movies add {OTHER}"),
        (MOVIE, "2026-02-30", "Gala", "No day"),
        (MOVIE, "17.5.2026", "Gala", "No day"),
        (MOVIE, "20260517", "Gala", "No day"),
        (MOVIE, "0206-05-17", "Gala", "1870 to 2199"),
        (MOVIE, "٢٠٢٦-٠٥-١٧", "Gala", "No day"),  # noqa: RUF001
        (MOVIE, "2026-05-17", "", "needs a label"),
        (MOVIE, "2026-05-17", " \u200b\u2060 ", "needs a label"),
        (MOVIE, "2026-05-17", "x" * 81, "at most 80 characters, this one 81"),
        (MOVIE, "2026-05-17", "two\nlines", "one line"),
        (MOVIE, "2026-05-17", "nul\0", "one line"),
        (MOVIE, "2026-05-17", "\x1b[31mred", "one line"),
        (MOVIE, "2026-05-17", "half \udc80", "one line"),
        (MOVIE, "2026-05-17", "par\u2029agraph", "one line"),
    ],
)
def test_what_cannot_be_an_event_is_refused_in_words(context, imdb_id, day, label, said):
    see(context)
    with pytest.raises(BadInput, match=said):
        jobs.add_event(imdb_id, day, label, context)
    assert jobs.list_events(context) == []


def test_the_longest_label_and_the_first_film_are_taken(context):
    see(context)
    assert jobs.add_event(MOVIE, "1874-12-09", "Ł" * 80, context)
    with pytest.raises(BadInput, match="filmpulse collect"):
        jobs.list_events(context, OTHER)


def test_a_rebuild_keeps_events_and_forgetting_the_movie_erases_them(context):
    see(context)
    see(context, OTHER)
    for imdb_id in (MOVIE, OTHER):
        jobs.add_event(imdb_id, "2026-05-17", "Gala", context)
    rows(context, "DELETE FROM core.reviews")
    jobs.rebuild(context)
    assert [event.imdb_id for event in jobs.list_events(context)] == [MOVIE, OTHER]
    jobs.erase("movie", MOVIE, context)
    assert [event.imdb_id for event in jobs.list_events(context)] == [OTHER]
    see(context, MOVIE, hour=24 * 365)  # followed again, it starts anew
    assert jobs.list_events(context, MOVIE) == []
