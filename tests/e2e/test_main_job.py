"""The main job through Airflow's real scheduler, as the README tells it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from filmpulse.local import demo
from filmpulse.local.airflow_rest import AirflowError
from filmpulse.sample_site import MOVIE_IDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cast(site):
    """Four movies: three of middling size, by their number of reviews, and the smallest."""
    counts = site.counts()
    order = sorted(MOVIE_IDS, key=counts.__getitem__)
    return {"small": order[0], "a": order[1], "b": order[2], "c": order[3]}


@pytest.fixture(scope="module")
def first(airflow, cast):
    """The first detection and its run: three movies, and an entry that is no id of a movie."""
    airflow.track(cast["small"], "tt12", cast["a"], cast["b"])
    detected, (reception,) = airflow.detect()
    return detected, reception


@pytest.fixture
def tracked(airflow, first, cast):
    """Three movies that were collected whole and are tracked."""
    airflow.track(cast["small"], "tt12", cast["a"], cast["b"])


def xmins(warehouse):
    return {
        r["review_id"]: r["x"]
        for r in warehouse.rows("SELECT review_id, xmin::text AS x FROM core.reviews")
    }


def test_detection_collects_loads_and_scores_what_is_tracked(airflow, site, warehouse, cast, first):
    detected, reception = first
    assert (detected["state"], reception["state"]) == ("success", "success")
    assert reception["conf"]["mode"] == "full"
    assert "tt12" in airflow.log(detected, "report")
    counts = site.counts()
    found = warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = ANY(%s)", list(MOVIE_IDS))
    wanted = {cast["small"], cast["a"], cast["b"]}
    assert {m["imdb_id"] for m in found} == wanted
    for movie in found:
        assert movie["reviews"] == movie["analysed_reviews"] == counts[movie["imdb_id"]]
        assert movie["coverage"] == 1
        assert movie["collection_status"] == "complete"


def test_tasks_are_named_after_their_movie(airflow, warehouse, first):
    _, reception = first
    labels = {}
    for task in airflow.tasks_of(reception):
        if task["map_index"] >= 0:
            labels.setdefault(task["task_id"], set()).add(task["rendered_map_index"])
    titles = {
        f"{m['title']} ({m['year']})"
        for m in warehouse.rows(
            "SELECT title, year FROM mart.movies WHERE imdb_id = ANY(%s)",
            reception["conf"]["imdb_ids"],
        )
    }
    assert labels == {f"per_movie.{t}": titles for t in ("scrape", "load", "analyse")}


def test_assets_tell_of_changed_rows(airflow, first):
    events = airflow.call("GET", "/assets/events")["asset_events"]
    assert {e["name"] for e in events} == {"filmpulse/reviews", "filmpulse/aspect_scores"}


@pytest.mark.usefixtures("tracked")
def test_no_news_is_green_and_starts_nothing(airflow):
    detected, started = airflow.detect()
    assert detected["state"] == "success"
    assert started == []
    assert airflow.states(detected)["trigger"] == ["skipped"]


@pytest.mark.usefixtures("tracked")
def test_seven_new_reviews_are_seven_new_rows(airflow, site, warehouse, cast):
    before = xmins(warehouse)
    site.control("publish", imdb_id=cast["a"], count=7)
    detected, (reception,) = airflow.detect()
    assert (detected["state"], reception["state"]) == ("success", "success")
    assert reception["conf"] == {"imdb_ids": [cast["a"]], "mode": "incremental"}
    after = xmins(warehouse)
    assert {i: after[i] for i in before} == before
    new = warehouse.rows(
        "SELECT imdb_id, analysis_status FROM mart.reviews WHERE review_id = ANY(%s)",
        list(set(after) - set(before)),
    )
    assert [r["imdb_id"] for r in new] == [cast["a"]] * 7
    assert all(r["analysis_status"] for r in new)


@pytest.mark.usefixtures("tracked")
def test_one_edit_and_one_removal(airflow, site, warehouse, cast):
    before = xmins(warehouse)
    edited, deleted = [
        r["review_id"]
        for r in warehouse.rows(
            "SELECT review_id FROM core.reviews WHERE imdb_id = %s ORDER BY review_id LIMIT 2",
            cast["a"],
        )
    ]
    site.control("edit", review_id=edited, body="Seen again: the score is the best part.")
    site.control("delete", review_id=deleted)
    run = airflow.run_to_end("movie_reception", imdb_ids=[cast["a"]], mode="full")
    assert run["state"] == "success"
    after = xmins(warehouse)
    assert {i for i in after if after[i] != before.get(i)} == {edited, deleted}
    revisions = warehouse.rows("SELECT review_id FROM core.review_revisions")
    removed = warehouse.rows("SELECT review_id FROM core.reviews WHERE removed_at IS NOT NULL")
    assert [r["review_id"] for r in revisions] == [edited]
    assert [r["review_id"] for r in removed] == [deleted]


@pytest.mark.usefixtures("tracked")
def test_a_run_that_changes_nothing_sends_no_event(airflow, cast):
    def events():
        return airflow.call("GET", "/assets/events")["total_entries"]

    before = events()
    run = airflow.run_to_end("movie_reception", imdb_ids=[cast["a"]], mode="full")
    assert run["state"] == "success"
    assert events() == before


@pytest.mark.usefixtures("tracked")
def test_gate_drift_and_a_good_movie_in_one_run(airflow, site, warehouse, cast):
    good, gated, drifted = cast["small"], cast["b"], cast["c"]
    site.control("switch", name="gate", imdb_id=gated, value=5)
    site.control("switch", name="layout_drift", imdb_id=drifted, value=True)
    try:
        run = airflow.run_to_end("movie_reception", imdb_ids=[good, gated, drifted], mode="full")
    finally:
        site.control("switch", name="gate", imdb_id=gated, value=None)
        site.control("switch", name="layout_drift", imdb_id=drifted, value=False)
    assert run["state"] == "failed"
    ledger = {
        r["imdb_id"]: r
        for r in warehouse.rows(
            "SELECT * FROM ops.collections WHERE run_id = %s", run["dag_run_id"]
        )
    }
    assert {i: r["status"] for i, r in ledger.items()} == {
        good: "complete",
        gated: "gated",
        drifted: "layout_changed",
    }
    states = airflow.states(run)
    assert states["per_movie.scrape"] == ["failed", "success", "success"]
    assert states["per_movie.analyse"] == ["success", "success", "upstream_failed"]
    # final: one try, and the sentence stands in the task's log and in the closing one
    scrape = next(
        t
        for t in airflow.tasks_of(run)
        if t["task_id"] == "per_movie.scrape" and t["state"] == "failed"
    )
    assert scrape["try_number"] == 1
    for log in (
        airflow.log(run, "per_movie.scrape", scrape["map_index"]),
        airflow.log(run, "summarise"),
    ):
        assert drifted in log
        assert ledger[drifted]["sentence"][:60] in log
    # nothing that was known is gone
    kept = warehouse.rows("SELECT reviews FROM mart.movies WHERE imdb_id = %s", gated)
    assert kept[0]["reviews"] == site.counts()[gated]


@pytest.mark.usefixtures("tracked")
def test_a_refusal_is_final_and_pauses_the_host(airflow, site, warehouse, cast):
    site.control("switch", name="status_403", imdb_id=None, value=True)
    try:
        run = airflow.run_to_end(
            "movie_reception", imdb_ids=[cast["small"], cast["a"]], mode="full"
        )
    finally:
        site.control("switch", name="status_403", imdb_id=None, value=False)
    assert run["state"] == "failed"
    ledger = warehouse.rows(
        "SELECT status, reason, sentence FROM ops.collections WHERE run_id = %s", run["dag_run_id"]
    )
    assert [r["status"] for r in ledger] == ["blocked", "blocked"]
    assert {r["reason"] for r in ledger} == {"forbidden"}
    assert {
        t["try_number"] for t in airflow.tasks_of(run) if t["task_id"] == "per_movie.scrape"
    } == {1}
    detected, started = airflow.detect()
    assert detected["state"] == "failed"
    assert started == []
    assert "asked for quiet" in airflow.log(detected, "report")
    warehouse.rows("UPDATE ops.host_state SET paused_until = NULL, strikes = 0")


@pytest.mark.parametrize(
    "conf",
    [{"imdb_ids": ["nope"]}, {"imdb_ids": []}, {"imdb_ids": ["tt99000001"], "mode": "some"}],
)
def test_a_bad_form_is_refused_at_the_door(airflow, conf):
    with pytest.raises(AirflowError, match="400"):
        airflow.trigger("movie_reception", conf)


def test_an_unknown_movie_and_an_empty_list(airflow, cast):
    airflow.track("tt98999999")
    detected, started = airflow.detect()
    assert (detected["state"], started) == ("success", [])
    assert "tt98999999" in airflow.log(detected, "report")
    airflow.track()
    detected, started = airflow.detect()
    assert (detected["state"], started) == ("success", [])


def test_a_variable_that_is_no_list_fails_with_a_sentence(airflow, shell):
    shell("airflow variables set tracked_movies 'tt0111161, tt99000001'")
    detected = airflow.run_to_end("detect_new_reviews", wait=False)
    airflow.track()
    assert detected["state"] == "failed"
    tries = [t["try_number"] for t in airflow.tasks_of(detected) if t["task_id"] == "look_for_news"]
    assert tries == [1]
    assert "tracked_movies is no JSON" in airflow.log(detected, "look_for_news")


def test_dags_run_in_a_terminal(airflow, shell, cast):
    detect = shell("airflow dags test detect_new_reviews --conf '{\"wait\": false}'")
    assert detect.returncode == 0, detect.stderr[-3000:]
    conf = json.dumps({"imdb_ids": [cast["small"]], "mode": "full"})
    reception = shell(f"airflow dags test movie_reception --conf '{conf}'")
    assert reception.returncode == 0, reception.stderr[-3000:]
    # each was paused for its test only, so that the scheduler took none of its tasks
    assert airflow.is_paused("detect_new_reviews") is False
    assert airflow.is_paused("movie_reception") is False


@pytest.mark.usefixtures("first")
def test_the_command_line_tells_the_reception(airflow, shell, cast, warehouse):
    airflow.track()
    added = shell(f"filmpulse movies add {cast['a']}; filmpulse movies list")
    assert cast["a"] in added.stdout
    told = shell(f"filmpulse summary {cast['a']}")
    assert told.returncode == 0, told.stderr
    (movie,) = warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = %s", cast["a"])
    assert movie["title"] in told.stdout
    assert "coverage 100%" in told.stdout
    for aspect in ("storytelling", "acting", "visuals", "sound", "themes"):
        assert aspect in told.stdout
    found = shell("filmpulse search the")
    assert found.returncode == 0, found.stderr
    collected = shell(f"filmpulse collect {cast['small']} --full")
    assert "complete, 3 of 3" in collected.stdout
    removed = shell(f"filmpulse movies remove {cast['a']}")
    assert "0 movies" in removed.stdout
    checked = shell("filmpulse doctor")
    assert checked.returncode == 0, checked.stdout
    assert sum(line.startswith("ok ") for line in checked.stdout.splitlines()) == 17


def test_tracking_a_movie_leaves_other_entries_as_they_were(airflow, shell, cast):
    airflow.track("tt12", cast["a"])
    added = shell(f"filmpulse movies add {cast['b']}")
    assert "2 movies are tracked" in added.stdout
    assert "tt12" in added.stderr
    shell("filmpulse movies remove tt12")
    assert json.loads(airflow.variable("tracked_movies")) == [cast["a"], cast["b"]]
    airflow.track()


@pytest.mark.usefixtures("first")
def test_a_demo_shows_the_movies_that_it_knows(stack, airflow, cast):
    unknown = "tt98000001"
    airflow.track(unknown, cast["small"])
    console = Console(record=True, file=StringIO(), width=100)
    demo.show(stack, console)
    airflow.track()
    told = console.export_text()
    assert unknown in told
    assert cast["small"] in told
    assert str(stack.urls["airflow"]) in told


def test_no_browser_is_left_behind(stack):
    import psutil

    names = [
        p.info["name"]
        for p in psutil.process_iter(["name", "environ"])
        if (p.info["environ"] or {}).get("FILMPULSE_INSTANCE_DIR") == str(stack.dir)
    ]
    assert names
    assert not [n for n in names if "chrom" in n]
