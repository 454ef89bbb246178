"""The doctor says what is wrong; a test of the main job has it find a whole stack sound."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from llmock.scenarios import Fail
from llmock.testing import LLMockServer
from pytest_httpserver import HTTPServer

from filmpulse import doctor, jobs
from filmpulse.config import Settings
from filmpulse.items import Review
from filmpulse.jobs import lake_options
from filmpulse.lake import Lake, Manifest

if TYPE_CHECKING:
    from filmpulse.local.object_store import ObjectStore


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
    for name in ("AIRFLOW_HOME", "AIRFLOW__API__BASE_URL", inside):
        monkeypatch.delenv(name, raising=False)


def test_without_an_environment_it_says_what_to_do() -> None:
    found = {check.name: check for check in doctor.checks()}
    assert found["Python"].ok
    assert not any(check.advice for check in found.values() if check.ok)
    for name in ("Airflow's parts", "settings", "Postgres", "schema", "roles", "lake"):
        assert not found[name].ok, name
        assert "is not set" in found[name].detail
        assert "make up" in found[name].advice


def test_faults_are_named(
    empty_database: str, s3: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", empty_database)
    monkeypatch.setenv("FILMPULSE_LAKE_URL", "s3://filmpulse/lake")
    monkeypatch.setenv("FILMPULSE_LAKE_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("FILMPULSE_LAKE_KEY", s3.key)
    monkeypatch.setenv("FILMPULSE_LAKE_SECRET", "wrong")
    monkeypatch.setenv("FILMPULSE_BACKUP_URL", "s3://filmpulse/backups")
    monkeypatch.setenv("FILMPULSE_BROWSER_PATH", "/nowhere/chromium")
    monkeypatch.setattr("filmpulse.jobs.upkeep.measure_disk.LEAST_DISK_GIB", 1e9)
    found = {check.name: check for check in doctor.checks()}
    assert found["Postgres"].ok
    assert "revision none" in found["schema"].detail
    assert "filmpulse setup" in found["schema"].advice
    assert not found["roles"].ok
    assert "cannot write" in found["lake"].detail
    assert "FILMPULSE_LAKE_KEY" in found["lake"].advice
    assert not found["backups"].ok
    assert "warehouse_backup.md" in found["backups"].advice
    assert "/nowhere/chromium" in found["browser"].detail
    assert "GiB" in found["disk"].advice
    assert not found["disk"].ok


def test_a_long_variable_is_told(warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    ids = json.dumps([f"tt{n:07}" for n in range(jobs.TABLE_FROM)])

    def tracked(raw: str) -> doctor.Check:
        return next(
            c for c in doctor.checks(read_variable=lambda: raw) if c.name == "tracked movies"
        )

    long, short, no_list = tracked(ids), tracked('["tt0000001"]'), tracked("{}")
    assert (long.ok, short.ok, no_list.ok) == (False, True, False)
    assert "movies move" in long.advice


def test_the_probe_is_removed(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMPULSE_LAKE_URL", "s3://filmpulse/probed")
    monkeypatch.setenv("FILMPULSE_LAKE_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("FILMPULSE_LAKE_KEY", s3.key)
    monkeypatch.setenv("FILMPULSE_LAKE_SECRET", s3.secret)
    [check] = [check for check in doctor.checks() if check.name == "lake"]
    assert check.ok, check
    assert s3.client().list_objects_v2(Bucket="filmpulse", Prefix="probed").get("KeyCount") == 0


def _sealed(url: str, s3: ObjectStore) -> list[str]:
    """Write a collection of three invented reviews; return the names of its objects."""
    settings = Settings(
        lake_url=url, lake_endpoint_url=s3.url, lake_key=s3.key, lake_secret=s3.secret
    )
    lake = Lake(url, lake_options(settings))
    now = datetime(2026, 11, 1, tzinfo=UTC)
    writer = lake.begin("imdb", "tt99000001", now)
    writer.append(
        [
            Review(review_id=f"rw{n}", imdb_id="tt99000001", title="", body=f"Slow, part {n}.")
            for n in range(3)
        ]
    )
    writer.close(
        Manifest(
            run_id="r", source="imdb", imdb_id="tt99000001", mode="full", status="complete",
            started_at=now, finished_at=now, distinct_ids=3, parts=tuple(writer.parts),
        )
    )  # fmt: skip
    return lake.names("reviews/imdb/tt99000001")


@pytest.mark.parametrize("loss", ["gone", "cut short", "other reviews"])
def test_a_lake_that_lists_what_it_has_lost_is_named(
    s3: ObjectStore, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    url = f"s3://filmpulse/{loss.replace(' ', '-')}"
    monkeypatch.setenv("FILMPULSE_LAKE_URL", url)
    monkeypatch.setenv("FILMPULSE_LAKE_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("FILMPULSE_LAKE_KEY", s3.key)
    monkeypatch.setenv("FILMPULSE_LAKE_SECRET", s3.secret)
    names = _sealed(url, s3)
    assert doctor._lake().endswith("collections read back whole: 1")
    [part] = [name for name in names if name.endswith(".jsonl.gz")]
    where = {"Bucket": "filmpulse", "Key": f"{url.rpartition('/')[2]}/{part}"}
    content = s3.client().get_object(**where)["Body"].read()
    if loss == "gone":
        s3.client().delete_object(**where)
    else:
        fewer = gzip.compress(gzip.decompress(content).splitlines()[0] + b"\n")
        s3.client().put_object(**where, Body=content[:30] if loss == "cut short" else fewer)
    [check] = [check for check in doctor.checks() if check.name == "lake"]
    assert not check.ok
    assert "tt99000001" in check.detail
    assert check.advice == doctor.LOST


def test_a_reader_that_sees_too_much_is_named(
    warehouse_url: str, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    with psycopg.connect(warehouse_url) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE filmpulse_reader LOGIN; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        connection.execute("GRANT USAGE ON SCHEMA core, mart TO filmpulse_reader")
    with psycopg.connect(postgres) as connection:  # another test may have made the role
        connection.execute("ALTER ROLE filmpulse_reader LOGIN")
    [check] = [check for check in doctor.checks() if check.name == "roles"]
    assert not check.ok
    assert "mart" in check.detail


def test_a_model_that_nobody_can_be_asked_for_is_no_analyser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("_python", "_airflow", "_browser", "_lake"):
        monkeypatch.setattr(doctor, name, lambda: "")

    def look(model: str) -> doctor.Check:
        with_model = {"llm_api_key": "sk-of-a-connection", "llm_model": model}
        found = doctor.checks(lambda settings: settings.model_validate(with_model))
        [check] = [check for check in found if check.name == "analyser"]
        return check

    with LLMockServer() as server:
        monkeypatch.setenv("FILMPULSE_LLM_BASE_URL", server.base_url("openai"))
        monkeypatch.setenv("FILMPULSE_LLM_MODEL", "nobody-knows-1")
        [priceless] = [check for check in doctor.checks() if check.name == "analyser"]
    assert not priceless.ok
    assert "nobody-knows-1 costs is not known" in priceless.detail
    assert "README" in priceless.advice

    found = look("nobody-knows-2")
    assert (found.ok, "nobody-knows-2 costs" in found.detail) == (False, True)
    assert "sk-of" not in str(found)


def test_the_analyser_is_named_with_what_it_cost_today(
    warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> doctor.Check:
        [check] = [check for check in doctor.checks() if check.name == "analyser"]
        return check

    for name in ("_python", "_airflow", "_browser", "_lake"):
        monkeypatch.setattr(doctor, name, lambda: "")
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    assert look().ok
    assert "keyless" in look().detail
    with psycopg.connect(warehouse_url) as connection:
        connection.execute(
            "INSERT INTO ops.llm_calls (run_id, model, prompt_version, started_at, reserved_usd, "
            "cost_usd) VALUES ('r1', 'm', 'v1', now(), 0.5, 0.125), ('r1', 'm', 'v1', now(), "
            "0.25, NULL), ('r0', 'm', 'v1', now() - interval '1 day', 9, 9)"
        )
    key = "sk-of-the-doctor-0d2c"
    with LLMockServer() as server:
        monkeypatch.setenv("FILMPULSE_LLM_BASE_URL", server.base_url("openai"))
        monkeypatch.setenv("FILMPULSE_LLM_API_KEY", key)
        found = look()
        assert found.ok, found
        host = server.url.removeprefix("http://")
        assert f"gpt-6-luna at {host}; today $0.3750 of $1.00 are spent" in found.detail
        assert "does not list" in found.detail
        server.state.scenarios.add(Fail(401, message=f"Incorrect API key: {key}", times=None))
        found = look()
        assert not found.ok
        assert "401" in found.detail
        assert "FILMPULSE_LLM_" in found.advice
        assert key not in str(found)


@pytest.mark.parametrize("inside", [True, False])
def test_airflow_is_asked_where_tasks_reach_it(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """Behind a proxy the public address may lead nowhere from here."""
    health = {"metadatabase": {"status": "healthy"}, "triggerer": {"status": None}}
    httpserver.expect_request("/api/v2/monitor/health").respond_with_json(health)
    address = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" if inside else "AIRFLOW__API__BASE_URL"
    monkeypatch.delenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", raising=False)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://127.0.0.1:1/airflow")
    monkeypatch.setenv(address, httpserver.url_for("/execution/" if inside else "/"))
    assert doctor._airflow_parts().startswith("healthy at")
