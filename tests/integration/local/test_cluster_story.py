"""A whole cluster: every sample movie received with work on each worker, and one of them killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from helpers import guardian
from helpers.waiting import wait_until

from filmpulse import local
from filmpulse.local.airflow_rest import AirflowRest
from filmpulse.local.cluster import hosts, tools
from filmpulse.local.cluster.environment import SLOTS
from filmpulse.local.cluster.workers import Worker
from filmpulse.local.instance import Install, Instance, shared_env
from filmpulse.local.processes import members
from filmpulse.sample_site import MOVIE_IDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(tools.missing()), reason=f"missing: {', '.join(tools.missing())}"),
]

NAME = "test-cluster"
needs_hosts = pytest.mark.skipif(
    not hosts.can_separate(), reason="only root on Linux gives programs hosts of their own"
)
# The secrets of the control plane and of what lies behind it: no worker has one in its environment.
FORBIDDEN = {
    *("airflow_db", "airflow_fernet", "airflow_jwt", "airflow_api", "airflow_admin"),
    *("postgres", "warehouse", "reader", "s3_key", "s3_secret", "s3_internal"),
    *("superset_db", "superset_key", "superset_backup", "supervisor", "replication"),
    "grid_node",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return guardian.folder_in_memory(otherwise=tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def cluster(root: Path) -> Iterator[local.Stack]:
    """A cluster with the sample site and without Superset; a minute."""
    try:
        yield local.up(NAME, root, sample_site=True, cluster=True, without=["superset"])
    finally:
        local.down(NAME, root)


@pytest.fixture(scope="module")
def install(cluster: local.Stack) -> Install:
    found = Install.load(Instance.at(NAME, cluster.dir.parent))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def airflow(cluster: local.Stack) -> AirflowRest:
    made = AirflowRest(str(cluster.urls["airflow"]), cluster.airflow_user, cluster.airflow_password)
    for dag_id in ("detect_new_reviews", "movie_reception"):
        made.wait_for_dag(dag_id)
    return made


def site(cluster: local.Stack, action: str, **values: Any) -> Any:
    """Use one control of the sample site; `state` asks only."""
    url = f"{cluster.urls['sample_site']}/_control/{action}"
    headers = {"X-Control-Token": cluster.env["FILMPULSE_SAMPLE_SITE_TOKEN"]}
    method = "GET" if action == "state" else "POST"
    answer = httpx.request(
        method, url, headers=headers, json=values or None, timeout=120, trust_env=False
    )
    return answer.raise_for_status().json()


def worker_of(cluster: local.Stack, queue: str) -> Worker:
    instance = Instance.at(cluster.name, cluster.dir.parent)
    broker = cluster.env["AIRFLOW__CELERY__BROKER_URL"]
    return Worker(queue, instance.worker_dir(queue), instance.dir, broker)


def main_process(cluster: local.Stack, queue: str) -> psutil.Process | None:
    """Return the process that the supervisor runs as a queue's worker."""
    supervisor = int((cluster.dir / "supervisord.pid").read_text())
    for process in psutil.Process(supervisor).children():
        with suppress(psutil.Error):
            if f"worker-{queue}@" in " ".join(process.cmdline()):
                return process
    return None


def rows(cluster: local.Stack, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(cluster.env["FILMPULSE_WAREHOUSE_URL"]) as connection:
        return connection.execute(statement).fetchall()


def test_a_killed_worker_costs_time_and_nothing_else(
    cluster: local.Stack, airflow: AirflowRest
) -> None:
    counts = {movie["imdb_id"]: movie["reviews"] for movie in site(cluster, "state")["movies"]}
    first = MOVIE_IDS[0]
    site(cluster, "switch", name="slow", imdb_id=first, value=4.0)
    conf = {"imdb_ids": list(MOVIE_IDS), "mode": "full"}
    run_id = airflow.trigger("movie_reception", conf)

    def is_scraping() -> bool:
        tasks = airflow.tasks("movie_reception", run_id)
        return ("per_movie.scrape", "running") in {(t["task_id"], t["state"]) for t in tasks}

    # Of no task of this run, so that nothing waits a minute for a sign of life (the drill does).
    wait_until(is_scraping)
    worker = main_process(cluster, "llm")
    assert worker is not None
    family = worker.children(recursive=True)
    worker.kill()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    site(cluster, "switch", name="slow", imdb_id=first, value=None)

    run = airflow.wait_for_run("movie_reception", run_id, timeout=600)
    tasks = airflow.tasks("movie_reception", run_id)
    assert run["state"] == "success", tasks
    where = {task["task_id"]: set() for task in tasks}
    for task in tasks:
        where[task["task_id"]].add((task["queue"], task["hostname"]))
    for task_id, queue in (
        *(("plan", "default"), ("per_movie.scrape", "browser"), ("per_movie.load", "default")),
        *(("per_movie.analyse", "llm"), ("summarise", "default")),
    ):
        assert where[task_id] == {(queue, hosts.host_name(f"worker-{queue}"))}, task_id
    assert {task["try_number"] for task in tasks} == {1}
    found = rows(cluster, "SELECT imdb_id, reviews, analysed_reviews FROM mart.movies")
    assert {imdb_id: (read, scored) for imdb_id, read, scored in found} == {
        imdb_id: (counts[imdb_id], counts[imdb_id]) for imdb_id in MOVIE_IDS
    }
    collections = rows(cluster, "SELECT DISTINCT status, loaded_at IS NULL FROM ops.collections")
    assert collections == [("complete", False)]


def test_a_log_is_read_once_its_task_has_ended(cluster: local.Stack, airflow: AirflowRest) -> None:
    run = airflow.runs("movie_reception")[0]
    path = f"/dags/movie_reception/dagRuns/{run['dag_run_id']}/taskInstances/plan/logs/1"
    answer = airflow.call("GET", path)
    said = json.dumps(answer["content"])
    assert "s3://filmpulse-logs/tasks/dag_id=movie_reception" in said
    assert "task_runner.py" in said, "what the task itself logged"
    kept = f"**/run_id={run['dag_run_id']}/**/*.log"
    folders = [worker_of(cluster, queue).folder for queue in SLOTS]
    # A task's log leaves its worker after the run has heard of the task's end.
    wait_until(lambda: not [path for folder in folders for path in folder.glob(kept)])


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux tells")
def test_no_process_of_a_worker_knows_the_control_planes_secrets(
    cluster: local.Stack, install: Install, airflow: AirflowRest
) -> None:
    assert install.secrets.keys() >= FORBIDDEN
    run_id = airflow.trigger("movie_reception", {"imdb_ids": [MOVIE_IDS[0]], "mode": "full"})
    seen = dict.fromkeys(SLOTS, 0)
    is_running = True
    while is_running:  # while tasks come and go
        for queue in SLOTS:
            worker = main_process(cluster, queue)
            assert worker is not None
            for process in (worker, *worker.children(recursive=True)):
                with suppress(psutil.Error, OSError):
                    environment = Path(f"/proc/{process.pid}/environ").read_text()
                    words = " ".join(process.cmdline())
                    held = {n for n, s in install.secrets.items() if s in environment or s in words}
                    assert not held & FORBIDDEN, (queue, held & FORBIDDEN)
                    assert ("author" in held) <= (queue != "llm")
                    assert ("grid" in held) <= (queue == "browser")
                    seen[queue] += 1
        is_running = airflow.run("movie_reception", run_id)["state"] in ("queued", "running")
    assert all(count > SLOTS[queue] for queue, count in seen.items())


ASKS = """
import json, os, pathlib, socket
from airflow.configuration import conf

def can_read(path):
    try:
        return bool(path.read_bytes())
    except OSError:
        return False

instance = pathlib.Path(os.environ["FILMPULSE_INSTANCE_DIR"])
others = [path for path in pathlib.Path("/proc").glob("[0-9]*/environ") if can_read(path)]
# What neighbours and the Grid's parts keep in files.
others += [path for path in instance.parent.glob("*/install.json") if can_read(path)]
others += [path for path in pathlib.Path("/var/lib/filmpulse").rglob("*.toml") if can_read(path)]
print(json.dumps({
    "database": conf.get("database", "sql_alchemy_conn"),
    "fernet": conf.get("core", "fernet_key", fallback=""),
    "jwt": conf.get("api_auth", "jwt_secret", fallback=""),
    "files": sorted({str(path.relative_to(instance)).split("/")[0] for path in instance.iterdir()}),
    "known": " ".join(path.read_bytes().decode("utf-8", "replace") for path in others),
    "host": socket.gethostname(),
}))
"""


@needs_hosts
def test_a_program_on_a_worker_that_looks_for_secrets_finds_none(
    cluster: local.Stack, install: Install
) -> None:
    worker = worker_of(cluster, "llm")  # it has the fewest secrets of its own
    env = shared_env(cluster, os.environ) | cluster.worker_envs["llm"]
    done = subprocess.run(
        worker.enclosed("-c", ASKS), env=env, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["database"].startswith("sqlite:///")
    assert found["files"] == ["workers"]
    assert found["host"] == "worker-llm"
    text = json.dumps(found)
    held = {name for name, secret in install.secrets.items() if secret in text}
    assert not held & (FORBIDDEN | {"author", "grid"})


def test_what_a_worker_is_given_opens_no_metadata(cluster: local.Stack, install: Install) -> None:
    """The warehouse's Connection leads to its own database alone; Redis and S3 to no other."""
    port = install.ports["postgres"]
    for user in ("filmpulse", "airflow"):
        for password in (install.secrets["warehouse"], install.secrets["redis"]):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(
                    host="127.0.0.1", port=port, user=user, password=password, dbname="airflow"
                )


def test_down_leaves_nothing_and_a_second_start_goes_on(cluster: local.Stack, root: Path) -> None:
    assert all(part.healthy for part in local.status(NAME, root))
    assert local.up(NAME, root) == cluster, "still a cluster"
    local.down(NAME, root)
    assert members(cluster.dir) == []
    mounted = Path("/proc/self/mounts").read_text() if sys.platform == "linux" else ""
    assert str(cluster.dir) not in mounted
