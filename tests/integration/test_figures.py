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
def parts(warehouse_url, tmp_path):
    return jobs.Parts.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            author_secret="for tests only",
        )
    )


def rows(parts, statement, *values):
    with parts.warehouse.connect() as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def see(parts, imdb_id=MOVIE, count=3, hour=0):
    """Collect, load and score so many reviews, as a run's tasks do; answer the manifest's URI."""
    at = START + timedelta(hours=hour)
    writer = parts.lake.begin("imdb", imdb_id, at)
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
    jobs.load(uri, parts)
    jobs.analyse(imdb_id, parts)
    return uri


def compared(parts):
    """What the comparison shows: reviews and scored reviews by movie."""
    return {
        row["imdb_id"]: (row["reviews"], row["scored_reviews"])
        for row in rows(parts, "SELECT * FROM mart.compared_movies")
    }


def content(parts):
    return {
        view: rows(parts, f"SELECT v::text FROM mart.{view} v ORDER BY 1")  # noqa: S608
        for view in VIEWS
    }


JOBS = {
    "collect": lambda parts: jobs.review_run("run", parts),
    "movie_reception": lambda parts: jobs.summarise("run", parts),
    "analyse": lambda parts: jobs.review_backlog("run", [], parts),
    "analyse_backlog": lambda parts: jobs.summarise_backlog("run", [], parts),
    "inbox load": lambda parts: jobs.review_import("run", [], [], parts),
    "import_saved_pages": lambda parts: jobs.summarise_import("run", [], [], parts),
    "rebuild": jobs.rebuild,
    "retention": lambda parts: jobs.apply_retention(parts, START),
    "setup": jobs.setup_warehouse,
    "forget": lambda parts: jobs.erase("review", "rw-none", parts),
}


@pytest.mark.parametrize("job", JOBS)
def test_each_job_ends_with_figures_that_show_its_work(parts, job):
    see(parts)
    rows(
        parts,
        """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, loaded_at,
               inserted_rows, updated_rows, removed_rows, revised_rows, manifest_uri)
           VALUES ('run', 'imdb', %s, 'full', 'complete', now(), 3, 0, 0, 0, 'm')
           ON CONFLICT DO NOTHING""",
        MOVIE,
    )
    assert compared(parts) == {}  # not movie by movie
    JOBS[job](parts)
    assert compared(parts) == {MOVIE: (3, 3)}
    assert rows(parts, "SELECT mentions FROM mart.compared_aspects WHERE aspect = 'Acting'") == [
        {"mentions": 3}
    ]


def test_an_import_shows_with_and_without_scores(parts, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.common, "parts", lambda: parts)
    file, mapping = tmp_path / "f.csv", tmp_path / "f.yaml"
    file.write_text(TABLE)
    mapping.write_text(MAP)
    see(parts, OTHER, 1)
    command = ["import", "reviews", str(file), "--map", str(mapping), "--imdb-id", MOVIE]
    told = CliRunner().invoke(cli.app, [*command, "--no-analyse"])
    assert told.exit_code == 0, told.output
    assert compared(parts) == {MOVIE: (2, 0), OTHER: (1, 1)}
    told = CliRunner().invoke(cli.app, command)
    assert told.exit_code == 0, told.output
    assert compared(parts)[MOVIE] == (2, 2)


def test_a_mistake_in_the_models_settings_keeps_no_figures_back(parts):
    see(parts)
    jobs.review_scoring("run", [MOVIE], jobs.Parts(
        parts.settings, parts.warehouse, parts.open_lake, BadInput("No such model."))
    )  # fmt: skip
    assert compared(parts) == {MOVIE: (3, 3)}


def test_a_switch_that_was_missed_shows_though_nothing_is_left_to_score(parts):
    see(parts)
    rows(parts, "UPDATE core.movies SET active_analyser_id = NULL")
    jobs.refresh_figures(parts)
    assert compared(parts) == {MOVIE: (3, 0)}
    assert jobs.plan_backlog(parts) == ([], [])
    assert compared(parts) == {MOVIE: (3, 3)}


def test_a_rebuild_that_fails_at_one_movie_shows_the_others(parts):
    see(parts)
    uri = see(parts, OTHER)
    rows(parts, "DELETE FROM core.reviews")
    jobs.refresh_figures(parts)
    parts.lake.delete_collection(parts.lake.name_of(uri).rpartition("/")[0])
    see(parts, OTHER, hour=1)
    verdicts = {one.imdb_id: one.status for one in jobs.rebuild(parts).verdicts}
    assert verdicts == {MOVIE: "rebuilt", OTHER: "lost"}
    assert compared(parts)[MOVIE] == (3, 0)


def break_last_view(parts):
    rows(parts, "DROP INDEX mart.compared_weeks_key")  # so that it cannot be refreshed


def mend_last_view(parts):
    rows(parts, "CREATE UNIQUE INDEX compared_weeks_key "
                "ON mart.compared_weeks (imdb_id, days_since_release)")  # fmt: skip


def test_figures_that_cannot_be_counted_fail_no_run_and_stay_whole(parts, caplog):
    see(parts)
    jobs.refresh_figures(parts)
    before = content(parts)
    see(parts, OTHER)
    break_last_view(parts)
    with caplog.at_level(logging.WARNING):
        told = jobs.review_scoring("run", [OTHER], parts)
    assert told == jobs.RunSummary([], [], [], 0)
    assert "figures of before" in caplog.text
    assert "unique index" in caplog.text  # the reason, in Postgres' words
    assert content(parts) == before  # all three of before: none is ahead of the others
    mend_last_view(parts)
    jobs.refresh_figures(parts)
    assert compared(parts) == {MOVIE: (3, 3), OTHER: (3, 3)}


def test_an_erased_movie_is_counted_no_more_or_erasing_fails(parts):
    see(parts)
    see(parts, OTHER)
    jobs.refresh_figures(parts)
    break_last_view(parts)
    with pytest.raises(WarehouseUnavailable, match=r"still counted.*unique index.*same again"):
        jobs.erase("movie", MOVIE, parts)
    assert set(compared(parts)) == {MOVIE, OTHER}
    mend_last_view(parts)
    assert not any(jobs.erase("movie", MOVIE, parts))  # nothing was left to erase
    assert set(compared(parts)) == {OTHER}
    assert not any(MOVIE in str(row) for found in content(parts).values() for row in found)


# ------------------------------------------------------------------------------- two jobs at once


@pytest.fixture
def held(parts):
    """Play a job that is counting, until `held.set()`."""
    released, is_counting = threading.Event(), threading.Event()

    def count():
        with parts.warehouse.connect() as connection:
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


def wait_for_waiting(parts, count):
    """Wait until so many sessions stand before our locks."""
    for _ in range(6000):
        (found,) = rows(
            parts,
            """SELECT count(*) AS n FROM pg_locks
               WHERE locktype = 'advisory' AND classid = %s AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
            figures._LOCK_SPACE,
        )
        if found["n"] == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{count} sessions should wait")


def test_of_several_jobs_that_end_at_once_one_counts_for_all(parts, held):
    see(parts)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(figures.refresh, parts.warehouse, is_shared=True)
        wait_for_waiting(parts, 1)
        see(parts, OTHER)
        figures.refresh(parts.warehouse, is_shared=True)  # left to the first, which has not begun
        assert compared(parts) == {}
        assert not first.done()
        held.set()
        first.result(60)
    assert compared(parts) == {MOVIE: (3, 3), OTHER: (3, 3)}


def test_who_must_know_waits_for_its_own_turn(parts, held):
    see(parts)
    with ThreadPoolExecutor() as pool:
        shared = pool.submit(figures.refresh, parts.warehouse, is_shared=True)
        wait_for_waiting(parts, 1)
        own = pool.submit(figures.refresh, parts.warehouse)
        wait_for_waiting(parts, 2)
        assert not own.done()
        held.set()
        shared.result(60)
        own.result(60)
    assert compared(parts) == {MOVIE: (3, 3)}


def test_many_refreshes_beside_jobs_that_load_end_with_the_rows_of_the_last(parts):
    movies = [f"tt9900000{number}" for number in range(6)]

    def work(imdb_id):
        see(parts, imdb_id)
        jobs.refresh_figures(parts)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, movies))
    jobs.refresh_figures(parts)
    assert compared(parts) == dict.fromkeys(movies, (3, 3))


# ----------------------------------------------------------------------------------------- events


@pytest.fixture
def run(parts, monkeypatch):
    """Run `filmpulse events ...`; answer its exit code and what it said, or the error it raised."""
    monkeypatch.setattr(cli.common, "parts", lambda: parts)

    def invoke(*arguments):
        told = CliRunner().invoke(cli.app, ["events", *arguments])
        if told.exception is not None and not isinstance(told.exception, SystemExit):
            return told.exit_code, str(told.exception)
        return told.exit_code, told.output.strip()

    return invoke


def test_events_are_noted_listed_and_taken_back(parts, run):
    see(parts)
    see(parts, OTHER)
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
    assert [event.label for event in jobs.list_events(parts)] == ["Director's cut", "été"]


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
def test_what_cannot_be_an_event_is_refused_in_words(parts, imdb_id, day, label, said):
    see(parts)
    with pytest.raises(BadInput, match=said):
        jobs.add_event(imdb_id, day, label, parts)
    assert jobs.list_events(parts) == []


def test_the_longest_label_and_the_first_film_are_taken(parts):
    see(parts)
    assert jobs.add_event(MOVIE, "1874-12-09", "Ł" * 80, parts)
    with pytest.raises(BadInput, match="filmpulse collect"):
        jobs.list_events(parts, OTHER)


def test_a_rebuild_keeps_events_and_forgetting_the_movie_erases_them(parts):
    see(parts)
    see(parts, OTHER)
    for imdb_id in (MOVIE, OTHER):
        jobs.add_event(imdb_id, "2026-05-17", "Gala", parts)
    rows(parts, "DELETE FROM core.reviews")
    jobs.rebuild(parts)
    assert [event.imdb_id for event in jobs.list_events(parts)] == [MOVIE, OTHER]
    jobs.erase("movie", MOVIE, parts)
    assert [event.imdb_id for event in jobs.list_events(parts)] == [OTHER]
    see(parts, MOVIE, hour=24 * 365)  # followed again, it starts anew
    assert jobs.list_events(parts, MOVIE) == []
