"""Kill -9 of a running task's worker and of the scheduler: the runs end by themselves, and well."""

from __future__ import annotations

import sys
import time

import httpx
import psutil
import pytest

from filmpulse import local
from filmpulse.local.airflow_rest import AirflowError
from filmpulse.local.processes import members
from filmpulse.sample_site import MOVIE_IDS

pytestmark = [
    pytest.mark.drill,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's"),
]


def driver_at_work(stack, seconds=90):
    """Wait for the driver of a scrape whose browser is up; answer its process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for process in members(stack.dir):
            try:
                if process.name() == "chromedriver" and process.children():
                    return process
            except psutil.Error:
                continue
        time.sleep(0.2)
    raise AssertionError("no scrape started")


def family(process):
    return [process, *process.children(recursive=True)]


def kill(process, *, and_gone):
    process.kill()
    _, alive = psutil.wait_procs(and_gone, timeout=15)
    alive = [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert not alive, f"left behind: {alive}"


def test_a_killed_worker_and_a_killed_scheduler_cost_time_and_nothing_else(
    stack, airflow, site, warehouse
):
    counts = site.counts()
    first, second = sorted(MOVIE_IDS, key=counts.__getitem__)[:2]
    for imdb_id in (first, second):
        site.control("switch", name="slow", imdb_id=imdb_id, value=4.0)
    conf = {"mode": "full"}

    # The process that watches over the task is killed: task, driver and browser end with it.
    run_of_first = airflow.trigger("movie_reception", conf | {"imdb_ids": [first]})
    driver = driver_at_work(stack)
    task = driver.parent()
    worker = task.parent()
    scheduler = worker.parent()
    assert "scheduler" in scheduler.cmdline()
    kill(worker, and_gone=family(task))

    # While Airflow waits for a sign of life, the scheduler is killed in the middle of another task.
    run_of_second = airflow.trigger("movie_reception", conf | {"imdb_ids": [second]})
    driver = driver_at_work(stack, seconds=200)
    assert driver.parent().parent().parent() == scheduler
    kill(scheduler, and_gone=family(scheduler)[1:])
    for imdb_id in (first, second):
        site.control("switch", name="slow", imdb_id=imdb_id, value=None)

    for imdb_id, run_id in ((first, run_of_first), (second, run_of_second)):
        run = airflow.wait_for_run("movie_reception", run_id, timeout=300)
        assert run["state"] == "success", airflow.states(run)
        (line,) = warehouse.rows("SELECT * FROM ops.collections WHERE run_id = %s", run_id)
        assert (line["status"], line["reason"]) == ("complete", None)
        assert line["loaded_at"] is not None
        (movie,) = warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = %s", imdb_id)
        assert movie["reviews"] == movie["analysed_reviews"] == counts[imdb_id]
        tries = {t["task_id"]: t["try_number"] for t in airflow.tasks_of(run)}
        assert tries["per_movie.scrape"] > 1
        assert tries["per_movie.load"] == 1

    left = [p for p in members(stack.dir) if p.is_running() and "chrom" in p.name()]
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []
    deadline = time.monotonic() + 60
    while not all(part.healthy for part in local.status(stack.name, stack.dir.parent)):
        assert time.monotonic() < deadline, local.status(stack.name, stack.dir.parent)
        time.sleep(1)


def test_a_killed_postgres_costs_time_and_nothing_else(stack, airflow, site, warehouse):
    """Airflow's own tables live in the same server: all of it goes and comes back."""
    counts = site.counts()
    imdb_id = min(MOVIE_IDS, key=counts.__getitem__)
    site.control("switch", name="slow", imdb_id=imdb_id, value=4.0)
    run_id = airflow.trigger("movie_reception", {"imdb_ids": [imdb_id], "mode": "full"})
    task = driver_at_work(stack).parent()
    server = next(
        p for p in members(stack.dir) if p.name() == "postgres" and p.parent().name() != "postgres"
    )
    kill(server, and_gone=[server])
    site.control("switch", name="slow", imdb_id=imdb_id, value=None)
    deadline = time.monotonic() + 300
    while True:
        try:
            run = airflow.wait_for_run("movie_reception", run_id, timeout=300)
            break
        except (AirflowError, httpx.HTTPError):  # while Postgres recovers
            assert time.monotonic() < deadline
            time.sleep(2)
    assert run["state"] == "success", airflow.states(run)
    (line,) = warehouse.rows("SELECT * FROM ops.collections WHERE run_id = %s", run_id)
    assert (line["status"], line["reason"]) == ("complete", None)
    assert not task.is_running()
