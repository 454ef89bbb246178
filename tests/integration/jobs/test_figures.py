"""The figures of all movies: counted once a job, by one job at a time, never of what is erased."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from filmpulse import cli, jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, WarehouseUnavailable
from filmpulse.items import Movie, Review
from filmpulse.lake import Manifest
from filmpulse.warehouse import figures

MOVIE, OTHER = "tt99000001", "tt99000002"
START = datetime(2026, 10, 1, tzinfo=UTC)
VIEWS = ("compared_movies", "compared_aspects", "compared_weeks")
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


def see(context, imdb_id=MOVIE, count=3, hour=0):
    """Collect, load and score so many reviews, as a run's tasks do; answer the manifest's URI."""
    at = START + timedelta(hours=hour)
    writer = context.lake.begin("imdb", imdb_id, at)
    writer.append(
        Review(
            review_id=f"rw{imdb_id}{number}", imdb_id=imdb_id, title="T", rating_1_10=7,
            body=f"The acting is wonderful, the music is dull. {number}",
            submitted_on=date(2026, 9, 1), date_source="json",
        )
        for number in range(count)
    )  # fmt: skip
    uri = writer.close(
        Manifest(
            run_id="run", source="imdb", imdb_id=imdb_id, mode="full", started_at=at,
            finished_at=at, status="complete", distinct_ids=count,
            movie=Movie(imdb_id=imdb_id, title="Żółta łódź", year=2026), parts=tuple(writer.parts),
        )
    )  # fmt: skip
    jobs.load(uri, context)
    jobs.analyse(imdb_id, context)
    return uri


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


JOBS = {
    "collect": lambda context: jobs.review_run("run", context),
    "movie_reception": lambda context: jobs.summarise("run", context),
    "analyse": lambda context: jobs.review_backlog("run", [], context),
    "analyse_backlog": lambda context: jobs.summarise_backlog("run", [], context),
    "inbox load": lambda context: jobs.review_import("run", [], [], context),
    "import_saved_pages": lambda context: jobs.summarise_import("run", [], [], context),
    "rebuild": jobs.rebuild,
    "retention": lambda context: jobs.apply_retention(context, START),
    "setup": jobs.setup_warehouse,
    "forget": lambda context: jobs.erase("review", "rw-none", context),
}


@pytest.mark.parametrize("job", JOBS)
def test_each_job_ends_with_figures_that_show_its_work(context, job):
    see(context)
    rows(
        context,
        """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, loaded_at,
               inserted_rows, updated_rows, removed_rows, revised_rows, manifest_uri)
           VALUES ('run', 'imdb', %s, 'full', 'complete', now(), 3, 0, 0, 0, 'm')
           ON CONFLICT DO NOTHING""",
        MOVIE,
    )
    assert compared(context) == {}  # not movie by movie
    JOBS[job](context)
    assert compared(context) == {MOVIE: (3, 3)}
    assert rows(context, "SELECT mentions FROM mart.compared_aspects WHERE aspect = 'Acting'") == [
        {"mentions": 3}
    ]


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


def test_a_mistake_in_the_models_settings_keeps_no_figures_back(context):
    see(context)
    jobs.review_scoring("run", [MOVIE], jobs.Context(
        context.settings, context.warehouse, context.open_lake, BadInput("No such model."))
    )  # fmt: skip
    assert compared(context) == {MOVIE: (3, 3)}


def test_a_switch_that_was_missed_shows_though_nothing_is_left_to_score(context):
    see(context)
    rows(context, "UPDATE core.movies SET active_analyser_id = NULL")
    jobs.refresh_figures(context)
    assert compared(context) == {MOVIE: (3, 0)}
    assert jobs.plan_backlog(context) == ([], [])
    assert compared(context) == {MOVIE: (3, 3)}


def test_a_rebuild_that_fails_at_one_movie_shows_the_others(context):
    see(context)
    uri = see(context, OTHER)
    rows(context, "DELETE FROM core.reviews")
    jobs.refresh_figures(context)
    context.lake.delete_collection(context.lake.name_of(uri).rpartition("/")[0])
    see(context, OTHER, hour=1)
    verdicts = {one.imdb_id: one.status for one in jobs.rebuild(context).verdicts}
    assert verdicts == {MOVIE: "rebuilt", OTHER: "lost"}
    assert compared(context)[MOVIE] == (3, 0)


def break_last_view(context):
    rows(context, "DROP INDEX mart.compared_weeks_key")  # so that it cannot be refreshed


def mend_last_view(context):
    rows(context, "CREATE UNIQUE INDEX compared_weeks_key "
                "ON mart.compared_weeks (imdb_id, days_since_release)")  # fmt: skip


def test_figures_that_cannot_be_counted_fail_no_run_and_stay_whole(context, caplog):
    see(context)
    jobs.refresh_figures(context)
    before = content(context)
    see(context, OTHER)
    break_last_view(context)
    with caplog.at_level(logging.WARNING):
        told = jobs.review_scoring("run", [OTHER], context)
    assert told == jobs.RunSummary([], [], [], 0)
    assert "figures of before" in caplog.text
    assert "unique index" in caplog.text  # the reason, in Postgres' words
    assert content(context) == before  # all three of before: none is ahead of the others
    mend_last_view(context)
    jobs.refresh_figures(context)
    assert compared(context) == {MOVIE: (3, 3), OTHER: (3, 3)}


def test_an_erased_movie_is_counted_no_more_or_erasing_fails(context):
    see(context)
    see(context, OTHER)
    jobs.refresh_figures(context)
    break_last_view(context)
    with pytest.raises(WarehouseUnavailable, match=r"still counted.*unique index.*same again"):
        jobs.erase("movie", MOVIE, context)
    assert set(compared(context)) == {MOVIE, OTHER}
    mend_last_view(context)
    assert not any(jobs.erase("movie", MOVIE, context))  # nothing was left to erase
    assert set(compared(context)) == {OTHER}
    assert not any(MOVIE in str(row) for found in content(context).values() for row in found)


# ------------------------------------------------------------------------------- two jobs at once


@pytest.fixture
def held(context):
    """Play a job that is counting, until `held.set()`."""
    released, is_counting = threading.Event(), threading.Event()

    def count():
        with context.warehouse.session() as connection:
            connection.execute(
                "SELECT pg_advisory_lock(%s, %s)", (figures._LOCK_SPACE, figures._UNDER_WAY)
            )
            is_counting.set()
            assert released.wait(60)

    with ThreadPoolExecutor() as pool:
        running = pool.submit(count)
        assert is_counting.wait(60)
        try:
            yield released
        finally:
            released.set()
            running.result(60)


def wait_for_waiting(context, count):
    """Wait until so many sessions stand before our locks."""
    for _ in range(6000):
        (found,) = rows(
            context,
            """SELECT count(*) AS n FROM pg_locks
               WHERE locktype = 'advisory' AND classid = %s AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
            figures._LOCK_SPACE,
        )
        if found["n"] == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{count} sessions should wait")


def test_of_several_jobs_that_end_at_once_one_counts_for_all(context, held):
    see(context)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(figures.refresh, context.warehouse, is_shared=True)
        wait_for_waiting(context, 1)
        see(context, OTHER)
        figures.refresh(context.warehouse, is_shared=True)  # left to the first, which has not begun
        assert compared(context) == {}
        assert not first.done()
        held.set()
        first.result(60)
    assert compared(context) == {MOVIE: (3, 3), OTHER: (3, 3)}


def test_who_must_know_waits_for_its_own_turn(context, held):
    see(context)
    with ThreadPoolExecutor() as pool:
        shared = pool.submit(figures.refresh, context.warehouse, is_shared=True)
        wait_for_waiting(context, 1)
        own = pool.submit(figures.refresh, context.warehouse)
        wait_for_waiting(context, 2)
        assert not own.done()
        held.set()
        shared.result(60)
        own.result(60)
    assert compared(context) == {MOVIE: (3, 3)}


def test_many_refreshes_beside_jobs_that_load_end_with_the_rows_of_the_last(context):
    movies = [f"tt9900000{number}" for number in range(6)]

    def work(imdb_id):
        see(context, imdb_id)
        jobs.refresh_figures(context)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, movies))
    jobs.refresh_figures(context)
    assert compared(context) == dict.fromkeys(movies, (3, 3))


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
