"""The variables of Airflow's parts in a cluster, beside those of one machine's.

The control plane (schedulers, api-server, DAG processor, triggerer) has all that it has on one
machine. A worker has the broker, a key that opens the logs' bucket alone, and settings; the
warehouse, the lake and the model come as Connections, by Airflow's Execution API (docs/adr/0049).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from filmpulse.config import SECRETS, variable_name, variables
from filmpulse.local import postgres
from filmpulse.local.cluster.grid import USER
from filmpulse.local.ports import HOST
from filmpulse.local.superset import Servers

SLOTS: Mapping[str, int] = {"default": 4, "browser": 2, "llm": 4}
"""Each queue, and how many tasks its worker runs at once.

A queue's pools together have no more slots than its worker: a task that waits in the queue for ten
minutes counts as lost (`task_queued_timeout`). So `browser` has the pools `browser` (1) and
`detector` (1), `llm` the pool `llm` (4), and `default` Airflow's default pool.
"""

SUPERSET_DATABASE = 2  # of Redis, for the orders to Superset's worker; Airflow has 0 and 1
LOGS_BUCKET = "filmpulse-logs"
_LOGS = "filmpulse_logs"  # the Connection
_AUTHOR_SECRET, _GRID = variable_name("author_secret"), variable_name("selenium_remote_url")
_POOLED = variable_name("warehouse_pooled_url")
_NEEDED = {"default": {_AUTHOR_SECRET}, "browser": {_AUTHOR_SECRET, _GRID}}
"""The secrets of ours that a queue's tasks need and no Connection brings: those that read pages or
files turn a reviewer's id into our key."""


def redis_url(port: int, password: str, database: int) -> str:
    """Return the address of one of Redis's numbered databases."""
    return f"redis://:{password}@{HOST}:{port}/{database}"


def of_celery(secrets: Mapping[str, str], ports: Mapping[str, int], s3_url: str) -> dict[str, str]:
    """Return what the control plane and the workers share: queues and the place of the logs."""
    redis = ports["redis"], secrets["redis"]
    logs = {
        "conn_type": "aws",
        "login": secrets["logs_key"],
        "password": secrets["logs_secret"],
        "extra": {"endpoint_url": s3_url, "region_name": "us-east-1"},
    }
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__OPERATORS__DEFAULT_QUEUE": "default",
        "AIRFLOW__CELERY__BROKER_URL": redis_url(*redis, 0),
        # Its default is the metadata database, which no worker may know.
        "AIRFLOW__CELERY__RESULT_BACKEND": redis_url(*redis, 1),
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "True",
        "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": f"s3://{LOGS_BUCKET}/tasks",
        "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID": _LOGS,
        "AIRFLOW__LOGGING__DELETE_LOCAL_LOGS": "True",
        f"AIRFLOW_CONN_{_LOGS.upper()}": json.dumps(logs),
    }


def of_control_plane() -> dict[str, str]:
    """Return what schedulers have in a cluster and not on one machine."""
    return {
        # Of each scheduler: one alone can fill every pool.
        "AIRFLOW__CORE__PARALLELISM": str(sum(SLOTS.values())),
        "AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT": str(SLOTS["default"]),
        # A message to Redis is sent faster than a process to send it is started.
        "AIRFLOW__CELERY__SYNC_PARALLELISM": "1",
    }


def of_filmpulse(secrets: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, str]:
    """Return our own settings that say what a cluster has."""
    return {
        "FILMPULSE_BROWSER_QUEUE": "browser",
        "FILMPULSE_LLM_QUEUE": "llm",
        _POOLED: postgres.address(
            "filmpulse", secrets["warehouse"], ports["pgbouncer"], "filmpulse"
        ),
        _GRID: f"http://{USER}:{secrets['grid']}@{HOST}:{ports['grid']}",
    }


def beside_superset(secrets: Mapping[str, str], ports: Mapping[str, int]) -> Servers:
    """Return the Redis servers that Superset has in a cluster."""
    return Servers(
        redis_url=redis_url(ports["redis"], secrets["redis"], SUPERSET_DATABASE),
        cache_url=redis_url(ports["redis_cache"], secrets["redis_cache"], 0),
    )


def of_worker(
    queue: str, folder: Path, airflow: Mapping[str, str], filmpulse: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of the worker of a queue.

    Args:
        queue: One of `SLOTS`.
        folder: The worker's own, in which it may write.
        airflow: Airflow's variables that hold no secret of the control plane.
        filmpulse: Our own variables, of which the worker gets no secret but its `_NEEDED` ones.
    """
    secret = {variable_name(name) for name in SECRETS} - _NEEDED.get(queue, set())
    return {
        **airflow,
        **{name: filmpulse[name] for name in variables(filmpulse) if name not in secret},
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "log"),
        # DAGs lie in a folder, in no bundle with versions: there is nothing to clean up.
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
        "FILMPULSE_CATALOGUE_DIR": str(folder / "catalogue"),
    }
