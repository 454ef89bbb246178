"""The values of Airflow's chart: no secret, the queues of Compose, options that Airflow knows.

The chart itself, its schema and what it makes of the values are checked by the workflow `Images`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from filmpulse.config import Settings, variable_name

# Of values.yaml in the chart's release 1.22.0.
KNOWN = {
    *("airflowVersion", "images", "executor", "postgresql", "redis", "pgbouncer", "statsd", "data"),
    *("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName", "dags", "logs", "config"),
    *("env", "secret", "createUserJob", "migrateDatabaseJob", "databaseCleanup", "apiServer"),
    *("scheduler", "dagProcessor", "triggerer", "workers"),
}


def _environment(compose: dict[str, Any], part: str) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"][part]["environment"]
    return found


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in _flat(each, f"{path}.{key}")]
    if isinstance(value, list):
        return [pair for each in value for pair in _flat(each, f"{path}[]")]
    return [(path, value)]


def test_each_key_is_the_chart_s(chart_values: dict[str, Any]) -> None:
    assert chart_values.keys() <= KNOWN


def test_no_secret_stands_in_the_values(chart_values: dict[str, Any]) -> None:
    named = re.compile(r"(secretName|secretKey|envName|passwords_file|SecretName)$")
    secret = re.compile(r"pass|secret|key|token", re.IGNORECASE)
    for path, value in _flat(chart_values):
        assert not secret.search(path.rpartition(".")[2]) or named.search(path), path
        assert "://" not in str(value) or "@" not in str(value), path
    assert not {each["name"] for each in chart_values["env"] if secret.search(each["name"])}


def test_stores_lie_outside(chart_values: dict[str, Any]) -> None:
    for part in ("postgresql", "redis"):
        assert chart_values[part] == {"enabled": False}
    assert len(chart_values["data"]) == 3
    assert all(name.endswith("SecretName") for name in chart_values["data"])
    for path, value in _flat(chart_values):
        if "persistence" in path or "gitSync" in path:
            assert value is False, path


def test_queues_are_those_of_compose(chart_values: dict[str, Any], compose: dict[str, Any]) -> None:
    workers = chart_values["workers"]["celery"]
    assert workers["enableDefault"] is False
    queues = {each["queue"]: each for each in workers["sets"]}
    environment = _environment(compose, "worker-default")
    asked = {key: value for key, value in environment.items() if key.endswith("_QUEUE")}
    assert queues.keys() == set(asked.values())
    assert asked.pop("AIRFLOW__OPERATORS__DEFAULT_QUEUE") == "default"  # Airflow's own default
    env = {each["name"]: each["value"] for each in chart_values["env"]}
    assert asked.items() <= env.items()
    longest = max(workers["sets"], key=lambda each: each.get("terminationGracePeriodSeconds", 0))
    assert longest["queue"] == asked["FILMPULSE_BROWSER_QUEUE"]
    # What may run at once is what the workers can do: a task that waits long counts as lost.
    slots = queues["default"]["replicas"] * int(
        chart_values["config"]["celery"]["worker_concurrency"]
    )
    assert int(chart_values["config"]["core"]["default_pool_task_slot_count"]) == slots
    assert chart_values["executor"].split(",") == ["CeleryExecutor", "KubernetesExecutor"]


def test_the_api_server_believes_what_ends_tls(chart_values: dict[str, Any]) -> None:
    assert chart_values["config"]["api"]["base_url"].startswith("https://")
    server = chart_values["apiServer"]
    assert server["args"][-1].endswith("exec airflow api-server --proxy-headers")
    assert {"name": "FORWARDED_ALLOW_IPS", "value": "*"} in server["env"]


def test_every_variable_is_a_setting(chart_values: dict[str, Any]) -> None:
    names = {each["name"] for each in chart_values["env"]}
    names |= {each["envName"] for each in chart_values["secret"]}
    settings = {variable_name(name) for name in Settings.model_fields}
    assert names - settings == {"AIRFLOW_CONN_FILMPULSE_LOGS"}


def test_airflow_knows_each_option(
    chart_values: dict[str, Any], airflow_options: dict[str, set[str]]
) -> None:
    for section, options in chart_values["config"].items():
        assert options.keys() <= airflow_options[section], section


def test_options_are_those_of_compose(
    chart_values: dict[str, Any], compose: dict[str, Any], root: Path
) -> None:
    environment = _environment(compose, "scheduler")
    here = {
        f"AIRFLOW__{section}__{name}".upper(): value
        for section, options in chart_values["config"].items()
        for name, value in options.items()
    }
    # What depends on the place, and on how much of it there is.
    own = {"AIRFLOW__API__BASE_URL", "AIRFLOW__CORE__PARALLELISM"}
    own |= {"AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT"}
    own |= {"AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"}
    differ = {name for name in here.keys() & environment.keys() if here[name] != environment[name]}
    assert differ == own
    dockerfile = (root / "Dockerfile").read_text(encoding="utf-8")
    assert f"airflow:slim-{chart_values['airflowVersion']}-" in dockerfile
