"""Backup and drill through Airflow's real scheduler."""

from __future__ import annotations

import json

import pytest
from helpers.waiting import wait_until

from filmpulse.backup.store import Store
from filmpulse.config import Settings
from filmpulse.sample_site import MOVIE_IDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(airflow, site):
    """The smallest movie, collected."""
    counts = site.counts()
    movie = min(MOVIE_IDS, key=counts.__getitem__)
    airflow.track(movie)
    airflow.run_to_end("movie_reception", imdb_ids=[movie])
    return movie


def test_a_backup_by_hand_and_a_drill(airflow, stack, warehouse, loaded):
    for dag_id in ("warehouse_backup", "restore_drill"):
        airflow.wait_for_dag(dag_id)
    made = airflow.run_to_end("warehouse_backup")
    assert made["state"] == "success", airflow.log(made, "back_up")
    assert airflow.states(made) == {"is_due": ["success"], "back_up": ["success"]}
    (row,) = warehouse.rows("SELECT * FROM ops.backups ORDER BY started_at DESC LIMIT 1")
    assert row["status"] == "verified"

    store = Store.from_settings(Settings.from_env(stack.env))
    kept = json.loads(b"".join(store.read(f"{row['backup_id']}/airflow.json")))
    assert json.loads(kept["variables"]["tracked_movies"]) == [loaded]
    assert {"filmpulse_warehouse", "filmpulse_lake"} <= set(kept["connections"])
    everything = b"".join(
        b"".join(store.read(found.name)) for found in store.names() if "manifest" in found.name
    ) + json.dumps(kept).encode()  # fmt: skip
    for name, value in stack.env.items():
        if name.endswith(("_SECRET", "_PASSWORD", "_KEY")):
            assert value.encode() not in everything, name

    drilled = airflow.run_to_end("restore_drill")
    assert drilled["state"] == "success", airflow.log(drilled, "drill")
    (row,) = warehouse.rows("SELECT * FROM ops.restore_drills ORDER BY drill_id DESC LIMIT 1")
    assert row["status"] == "passed"
    facts = {r["fact"]: r["value"] for r in warehouse.rows("SELECT * FROM mart.pipeline_facts")}
    assert facts["Last backup"].endswith(("ago", "just now"))


def test_a_load_asks_for_a_backup_only_when_the_newest_is_old(airflow, warehouse, loaded):
    airflow.wait_for_dag("warehouse_backup")
    airflow.run_to_end("warehouse_backup")
    before = backups(warehouse)
    known = {run["dag_run_id"] for run in asked_by_loads(airflow)}
    assets = airflow.call("GET", "/assets")["assets"]
    reviews = next(asset["id"] for asset in assets if asset["name"] == "filmpulse/reviews")
    airflow.call("POST", "/assets/events", json={"asset_id": reviews})
    wait_until(lambda: {run["dag_run_id"] for run in asked_by_loads(airflow)} - known)
    asked = airflow.wait_for_run("warehouse_backup", asked_by_loads(airflow)[-1]["dag_run_id"])
    assert airflow.states(asked) == {"is_due": ["success"], "back_up": ["skipped"]}
    assert backups(warehouse) == before


def backups(warehouse):
    return warehouse.rows("SELECT backup_id FROM ops.backups ORDER BY 1")


def asked_by_loads(airflow):
    runs = airflow.runs("warehouse_backup")
    return [run for run in runs if run["run_type"] == "asset_triggered"]
