"""Ctrl-C and SIGTERM in mid-work: exit code 130 or 143, a sentence, and a state that is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psycopg
import pytest
from test_lost_history import OTHER, THIRD, history, rows, tables

from filmpulse import jobs
from filmpulse.config import Settings

MOVIE = "tt99000001"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
PATIENCE = 120  # seconds; only a fault takes so long

MAP = "source: notebook\nrights: my own words\nreview_id: id\nimdb_id: movie\nbody: text\n"


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    )


def wait_until(is_so, process):
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "It never came so far."
        time.sleep(0.05)


def waits_for_a_lock(url):
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        ).fetchone()
    return count > 0


@contextmanager
def held(url, lock):
    """Hold an advisory lock, so that whoever needs the lock stops there."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
        yield


@contextmanager
def held_reviews(url, imdb_id):
    """Hold the reviews of a movie, so that whoever writes scores of them stops there."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT FROM core.reviews WHERE imdb_id = %s FOR UPDATE", (imdb_id,))
        yield


@contextmanager
def held_after(url, requests):
    """Let so many requests to the site through, and hold the next at the gate."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF (SELECT sum(requests) FROM ops.host_hours) > TG_ARGV[0]::int THEN "
            "PERFORM pg_advisory_xact_lock(1); END IF; RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE TRIGGER hold AFTER INSERT OR UPDATE ON ops.host_hours "
            f"FOR EACH ROW EXECUTE FUNCTION hold('{requests}')"
        )
        connection.commit()
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        yield


@contextmanager
def started(tmp_path, url, *words, **more):
    env = {name: value for name, value in os.environ.items() if not name.startswith("FILMPULSE_")}
    env.pop("AIRFLOW_HOME", None)
    env |= {
        "FILMPULSE_WAREHOUSE_URL": url,
        "FILMPULSE_LAKE_URL": (tmp_path / "lake").as_uri(),
        "FILMPULSE_AUTHOR_SECRET": "for tests only",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "filmpulse.cli", *words], cwd=tmp_path, env=env | more,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stop(process, number):
    """Send a signal; check how the process ends, and return what it said."""
    process.send_signal(number)
    said, wrong = process.communicate(timeout=PATIENCE)
    assert process.returncode == CODES[number], said + wrong
    assert wrong.count("Interrupted.") == 1, wrong
    assert "Traceback" not in said + wrong
    return wrong


@pytest.mark.parametrize("number", CODES)
def test_a_rebuild_leaves_each_movie_whole(context, warehouse_url, tmp_path, number):
    history(context)
    before = tables(context)
    with context.warehouse.connect() as connection:
        connection.execute("UPDATE core.reviews SET body = 'wrong'")
    with (
        held(warehouse_url, OTHER),
        started(tmp_path, warehouse_url, "rebuild") as process,
    ):
        wait_until(lambda: waits_for_a_lock(warehouse_url), process)
        assert "so far: 1;" in stop(process, number)
    wrong = rows(context, "SELECT DISTINCT imdb_id FROM core.reviews WHERE body = 'wrong'")
    assert {row["imdb_id"] for row in wrong} == {OTHER, THIRD}
    jobs.rebuild(context)
    assert tables(context) == before


@pytest.mark.parametrize("number", CODES)
def test_an_import_can_be_run_again(context, warehouse_url, tmp_path, number):
    lines = [f"{n},{movie},Text {n} 👩‍🚀" for movie in (MOVIE, OTHER) for n in range(3)]
    lines = [f"{i}{line}" for i, line in enumerate(lines)]
    (tmp_path / "reviews.csv").write_text("\n".join(["id,movie,text", *lines]), encoding="utf-8")
    (tmp_path / "map.yaml").write_text(MAP)
    words = ["import", "reviews", "reviews.csv", "--map", "map.yaml"]
    with (
        held(warehouse_url, OTHER),
        started(tmp_path, warehouse_url, *words) as process,
    ):
        wait_until(lambda: waits_for_a_lock(warehouse_url), process)
        stop(process, number)
    loads = rows(context, "SELECT imdb_id FROM ops.loads")
    assert OTHER not in {row["imdb_id"] for row in loads}
    with started(tmp_path, warehouse_url, *words) as process:
        assert process.wait(PATIENCE) == 0
    assert len(rows(context, "SELECT FROM core.reviews")) == 6
    assert len(rows(context, "SELECT FROM core.review_analyses WHERE status = 'scored'")) <= 6
    # What the first try had sealed and not loaded is loaded now: the same rows, seen earlier.
    rebuilt = jobs.rebuild(context).loaded
    assert (rebuilt.inserted, rebuilt.revised, rebuilt.removed) == (0, 0, 0)


@pytest.mark.parametrize("number", CODES)
def test_scores_so_far_stay(context, warehouse_url, tmp_path, number):
    history(context)
    with (
        held_reviews(warehouse_url, OTHER),
        started(tmp_path, warehouse_url, "analyse") as process,
    ):
        wait_until(lambda: waits_for_a_lock(warehouse_url), process)
        stop(process, number)
    assert not rows(context, f"SELECT FROM core.review_analyses WHERE imdb_id = '{OTHER}'")
    with started(tmp_path, warehouse_url, "analyse") as process:
        assert process.wait(PATIENCE) == 0
    living = rows(context, "SELECT FROM core.reviews WHERE removed_at IS NULL")
    assert len(rows(context, "SELECT FROM core.review_analyses")) >= len(living)


@pytest.mark.parametrize("number", CODES)
def test_a_collection_is_sealed(context, warehouse_url, tmp_path, sample_site, number):
    counts = sample_site.counts()
    movie = min((i for i in counts if counts[i] > 50), key=counts.__getitem__)
    settings = {"FILMPULSE_IMDB_URL": sample_site.url, "FILMPULSE_REQUEST_GAP_SECONDS": "0"}
    with (
        held_after(warehouse_url, 2),  # robots.txt and the page, with the first batch
        started(tmp_path, warehouse_url, "collect", "--full", movie, **settings) as process,
    ):
        wait_until(lambda: waits_for_a_lock(warehouse_url), process)
        assert list((tmp_path / "lake").glob("reviews/imdb/*/*/reviews-00001.jsonl.gz"))
        stop(process, number)
    (line,) = rows(context, "SELECT status, reason, manifest_uri FROM ops.collections")
    assert (line["status"], line["reason"]) == ("failed", "interrupted")
    manifest = context.lake.read_manifest(line["manifest_uri"])
    assert list(context.lake.read_reviews(line["manifest_uri"], manifest))
    assert jobs.rebuild(context).failures == []
    again = jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            source_urls={"imdb": sample_site.url},
            author_secret="for tests only",
            request_gap_seconds=0,
        )
    )
    (imdb_id,) = jobs.plan([movie], "full", "again", again)
    jobs.load(*jobs.collect(imdb_id, "full", "again", again), again)
    assert len(rows(context, "SELECT FROM core.reviews")) == counts[movie]
