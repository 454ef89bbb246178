"""What each part of a cluster knows, before any process runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from filmpulse.airflow_bridge.objects import POOLS
from filmpulse.config import SECRETS, variable_name
from filmpulse.errors import BadInput
from filmpulse.local import superset
from filmpulse.local.cluster.environment import LOGS_BUCKET, SLOTS
from filmpulse.local.instance import Install, Instance, Stack, shared_env, stack_of
from filmpulse.local.parts import store_of

# Choosing ports binds sockets on this machine; nothing is sent.
pytestmark = pytest.mark.enable_socket

OF_WORKERS = {"redis", "logs_key", "logs_secret"}
OF_READERS = OF_WORKERS | {"author"}


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance.at("cluster", tmp_path)
    made.make()
    return made


@pytest.fixture
def install() -> Install:
    made = Install.new()
    made.sample_site = True
    made.settings = {"FILMPULSE_LLM_API_KEY": "of-a-model", "FILMPULSE_MOVIES_PER_RUN": "7"}
    made.run_as(cluster=True)
    made.choose_ports()
    return made


def _held(install: Install, environment: dict[str, str]) -> set[str]:
    text = " ".join(environment.values())
    return {name for name, secret in install.secrets.items() if secret in text}


@pytest.fixture
def stack(instance: Instance, install: Install) -> Stack:
    return stack_of(instance, install)


def test_a_worker_has_the_broker_the_logs_and_settings(install: Install, stack: Stack) -> None:
    held = {queue: _held(install, env) for queue, env in stack.worker_envs.items()}
    assert held == {"default": OF_READERS, "browser": OF_READERS | {"grid"}, "llm": OF_WORKERS}
    secret = {variable_name(name) for name in SECRETS}
    secret -= {"FILMPULSE_AUTHOR_SECRET", "SELENIUM_REMOTE_URL"}
    control_plane = ("AIRFLOW__DATABASE__", "AIRFLOW__API_AUTH__")
    for env in stack.worker_envs.values():
        assert not secret & env.keys()
        assert not [name for name in env if name.startswith(control_plane) or "FERNET" in name]
        assert env["FILMPULSE_MOVIES_PER_RUN"] == "7"
        assert env["FILMPULSE_IMDB_URL"] == stack.urls["sample_site"]


def test_the_control_plane_has_what_it_has_on_one_machine(
    instance: Instance, install: Install, stack: Stack
) -> None:
    install.run_as(cluster=False)
    alone = stack_of(instance, install)
    assert alone.worker_envs == {}
    assert alone.env.keys() <= stack.env.keys()
    assert alone.env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert not [name for name in alone.env if name.endswith("_QUEUE") or "CELERY" in name]
    assert _held(install, shared_env(stack, {})) == set()


def test_superset_reads_the_replica_and_has_two_redis(
    instance: Instance, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(superset, "python", lambda: Path(sys.executable))
    env = stack_of(instance, install).superset_env
    assert f":{install.ports['replica']}/" in env["SUPERSET_WAREHOUSE_URL"]
    assert f":{install.ports['postgres']}/" in env["SUPERSET_METADATA_URL"]
    assert f":{install.ports['redis']}/" in env["SUPERSET_REDIS_URL"]
    assert f":{install.ports['redis_cache']}/" in env["SUPERSET_CACHE_URL"]
    assert env["SUPERSET_INTERNAL_URL"].endswith(f":{install.ports['superset']}")
    install.run_as(cluster=False)
    alone = stack_of(instance, install).superset_env
    assert f":{install.ports['postgres']}/" in alone["SUPERSET_WAREHOUSE_URL"]
    assert not alone.keys() & {"SUPERSET_REDIS_URL", "SUPERSET_CACHE_URL"}


def test_the_workers_share_no_folder(instance: Instance, stack: Stack) -> None:
    folders = set()
    for env in stack.worker_envs.values():
        own = {Path(env[name]).parent for name in ("AIRFLOW_HOME", "FILMPULSE_CATALOGUE_DIR")}
        assert len(own) == 1
        folders |= own
        assert env["FILMPULSE_LAKE_URL"].startswith("s3://")
    assert len(folders) == len(SLOTS)
    assert all(folder.is_relative_to(instance.dir / "workers") for folder in folders)


def test_a_queue_has_room_for_all_of_its_pools(stack: Stack) -> None:
    """What waits in a queue for long counts as lost."""
    slots = {name: slots for name, (slots, _) in POOLS.items()}
    assert slots["browser"] + slots["detector"] <= SLOTS["browser"]
    assert slots["llm"] <= SLOTS["llm"]
    assert int(stack.env["AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT"]) <= SLOTS["default"]


def test_the_key_of_the_logs_opens_nothing_else(instance: Instance, install: Install) -> None:
    store = store_of(instance, install)
    store.prepare()
    identities = json.loads((store.config / "s3.json").read_text())["identities"]
    actions = {one["name"]: one["actions"] for one in identities}
    assert {action.partition(":")[2] for action in actions[LOGS_BUCKET]} == {LOGS_BUCKET}
    install.run_as(cluster=False)
    assert store_of(instance, install).accounts == ()


def test_a_cluster_cannot_leave_s3_out(install: Install) -> None:
    with pytest.raises(BadInput, match="share no disk"):
        install.leave_out(["s3"])
    install.leave_out(["superset"])
    assert install.without == ["superset"]


def test_an_instance_may_become_a_cluster_and_back(install: Install) -> None:
    of_cluster = dict(install.ports)
    install.run_as(cluster=False)
    install.choose_ports()
    assert "redis" not in install.ports
    install.run_as(cluster=True)
    assert install.ports.keys() == of_cluster.keys()
