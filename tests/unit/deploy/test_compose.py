"""docker-compose.yaml: closed to strangers, each part with its own secrets, all names real."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from filmpulse.config import Settings, variable_name

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN")
CONTROL = ("setup", "filmpulse", "api-server", "scheduler", "dag-processor", "triggerer")
WORKERS = ("worker-default", "worker-browser", "worker-llm")
# Settings that no container needs: its browsers are a Grid's, addresses of sites other than IMDb's
# are one's own to add, and Airflow knows its public address by an option of its own.
LOCAL = {"browser_path", "driver_path", "source_urls", "airflow_public_url"}


def _variables(text: str = COMPOSE) -> list[tuple[str, str]]:
    """Return each `${NAME...}` with what follows its name."""
    return re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text)


def _secrets(part: dict[str, Any]) -> set[str]:
    return {name for name, rest in _variables(str(part)) if rest.startswith(":?")}


def _is_secret(name: str) -> bool:
    return (
        bool(SECRET.search(name)) and name != "FILMPULSE_LLM_TOKEN_FIELD" and "TOKENS_" not in name
    )


def _passed_on(compose: dict[str, Any]) -> set[str]:
    """Return the variables that containers have where `.env` has them, and no value of ours."""
    services = compose["services"].values()
    pairs = [pair for each in services for pair in each.get("environment", {}).items()]
    return {name for name, value in pairs if value is None}


def test_compose_itself_takes_the_file(example: dict[str, str]) -> None:
    """Where there is a Docker with Compose; an engine is not needed."""
    tried = ["docker", "compose", "--file", str(ROOT / "docker-compose.yaml"), "config", "--quiet"]
    if (
        not shutil.which("docker")
        or subprocess.run([*tried[:2], "version"], check=False).returncode
    ):
        pytest.skip("there is no Docker with Compose")
    env = {**os.environ, **example} | {name: "x" for name, rest in _variables() if rest[:2] == ":?"}
    for profiles in ("", "postgres,s3", "postgres,s3,pgbouncer,sample,command"):
        done = subprocess.run(
            tried, env=env | {"COMPOSE_PROFILES": profiles}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_no_secret_has_a_default(example: dict[str, str]) -> None:
    secrets = [(name, rest) for name, rest in _variables() if _is_secret(name)]
    assert len(secrets) > 10
    assert not [name for name, rest in secrets if not rest.startswith(":?")]
    assert not [name for name, value in example.items() if _is_secret(name) and value]


def test_the_example_lists_every_variable(compose: dict[str, Any], example: dict[str, str]) -> None:
    assert {name for name, _ in _variables()} | _passed_on(compose) | {"COMPOSE_PROFILES"} == (
        example.keys()
    )


def test_every_setting_can_be_set(compose: dict[str, Any]) -> None:
    settings = {variable_name(name) for name in Settings.model_fields if name not in LOCAL}
    environment = compose["services"]["filmpulse"]["environment"]
    ours = {name for name in environment if name.startswith(("FILMPULSE_", "SELENIUM_"))}
    assert settings | {"FILMPULSE_IMDB_URL"} == ours
    # The public address of Airflow is also what Airflow itself is told.
    assert "FILMPULSE_AIRFLOW_PUBLIC_URL" in environment["AIRFLOW__API__BASE_URL"]


def test_secrets_are_given_by_variables_alone(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if _is_secret(key) and not key.endswith("_FILE") and value is not None:
                assert re.search(r"\$\{\w+:\?", str(value)), f"{name}: {key}"


def test_ports_are_published_on_loopback_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert {each.get("network_mode", "none") for each in services.values()} == {"none"}


def test_browsers_reach_no_store(compose: dict[str, Any]) -> None:
    services = compose["services"]
    beside = {name for name, each in services.items() if "grid" in each.get("networks", [])}
    assert services["selenium-node"]["networks"] == ["grid"]
    assert beside == {"selenium-node", "selenium-hub", "sample-site"}


@pytest.mark.parametrize("part", WORKERS)
def test_workers_have_nothing_of_the_control_plane(compose: dict[str, Any], part: str) -> None:
    environment = compose["services"][part]["environment"]
    own = {  # whoever reads pages or files hashes names with the first
        "worker-default": {"FILMPULSE_AUTHOR_SECRET"},
        "worker-browser": {"FILMPULSE_AUTHOR_SECRET", "GRID_PASSWORD"},
        "worker-llm": set[str](),
    }
    all_have = {"REDIS_PASSWORD", "S3_LOGS_ACCESS_KEY", "S3_LOGS_SECRET_KEY"}
    assert _secrets(environment) == all_have | own[part]
    control = compose["services"]["scheduler"]["environment"]
    assert {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__API_AUTH__JWT_SECRET",
    } <= control.keys() - environment.keys()
    # The default is the metadata database.
    assert environment["AIRFLOW__CELERY__RESULT_BACKEND"].startswith("redis://")


def test_what_becomes_a_connection_is_known_to_commands_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    only = services["filmpulse"]["environment"].keys() - services["scheduler"]["environment"].keys()
    only -= {"SELENIUM_REMOTE_URL"}
    assert {"FILMPULSE_WAREHOUSE_URL", "FILMPULSE_LLM_API_KEY", "FILMPULSE_LAKE_SECRET"} <= only
    for name in {*CONTROL, *WORKERS} - {"filmpulse", "setup"}:
        assert not only & services[name]["environment"].keys(), name


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:8080", ["api-server"]),
        ("https://films.test/airflow", ["api-server", "--proxy-headers"]),
    ],
)
def test_the_api_server_believes_a_proxy_behind_https_alone(
    compose: dict[str, Any], tmp_path: Path, address: str, words: list[str]
) -> None:
    service = compose["services"]["api-server"]
    assert service["environment"]["FORWARDED_ALLOW_IPS"] == "*"  # it comes from Docker's bridge
    for name, line in (("python", "exit 0"), ("airflow", 'printf "%s\\n" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o700)
    *shell, script = service["command"]
    script = script.replace("$$", "$").replace("/opt/airflow", str(tmp_path))
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "AIRFLOW__API__BASE_URL": address}
    assert subprocess.check_output([*shell, script], env=env, text=True).split() == words


def test_superset_has_its_own_secrets(compose: dict[str, Any]) -> None:
    served = _secrets(compose["services"]["superset"]["environment"])
    prepared = _secrets(compose["services"]["superset-init"]["environment"])
    of_redis = {"REDIS_PASSWORD", "REDIS_CACHE_PASSWORD"}
    assert served == {"SUPERSET_SECRET_KEY", "SUPERSET_DB_PASSWORD"} | of_redis
    assert served == _secrets(compose["services"]["superset-worker"]["environment"])
    assert prepared - served == {
        "FILMPULSE_READER_PASSWORD",
        "FILMPULSE_SUPERSET_PASSWORD",
        "SUPERSET_ADMIN_PASSWORD",
        "SUPERSET_GUEST_PASSWORD",
    }
    for name in CONTROL:
        named = _secrets(compose["services"][name]["environment"])
        assert not {each for each in named if each.startswith("SUPERSET_")}, name


def _filled_in(value: str, **given: str) -> str:
    """Return a value as Compose makes it, with `x` for a secret."""
    return re.sub(
        r"\$\{(\w+):[-?]([^{}]*)\}",
        lambda v: given.get(v[1], "x" if v[0].startswith(f"${{{v[1]}:?") else v[2]),
        value,
    )


def test_dashboards_read_with_options_of_their_own(compose: dict[str, Any]) -> None:
    url = compose["services"]["superset-init"]["environment"]["SUPERSET_WAREHOUSE_URL"]
    ours = {"connect_timeout": ["10"], "options": ["-c statement_timeout=60s"]}
    for given, more in (
        ({}, {}),
        ({"POSTGRES_READER_OPTIONS": "&sslmode=require"}, {"sslmode": ["require"]}),
    ):
        assert parse_qs(urlsplit(_filled_in(url, **given)).query) == ours | more


def test_links_in_mails_lead_to_where_browsers_reach_superset(compose: dict[str, Any]) -> None:
    services = compose["services"]
    known = services["api-server"]["environment"]["FILMPULSE_SUPERSET_PUBLIC_URL"]
    assert services["superset-worker"]["environment"]["SUPERSET_PUBLIC_URL"] == known
    assert _filled_in(_filled_in(known)) == "http://127.0.0.1:8088"


def test_superset_starts_after_its_caches(compose: dict[str, Any]) -> None:
    for name in ("superset-init", "superset", "superset-worker"):
        service = compose["services"][name]
        assert "@redis-cache:" in service["environment"]["SUPERSET_CACHE_URL"]
        assert service["depends_on"]["redis-cache"] == {"condition": "service_healthy"}, name


def test_superset_has_all_that_it_asks_for(compose: dict[str, Any]) -> None:
    code = "".join(
        (ROOT / "superset" / name).read_text(encoding="utf-8")
        for name in ("config/superset_config.py", "tools/superset_tools/prepare.py")
    )
    asked = set(re.findall(r"""["'](SUPERSET_[A-Z_]+)["']""", code))
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    in_image = set(re.findall(r"^(?:ENV| ) *(SUPERSET_\w+)=", image, re.MULTILINE))
    assert len(asked) >= 7
    given = compose["services"]["superset-init"]["environment"].keys() | in_image
    assert asked | {"SUPERSET_CONFIG_PATH"} == given


def test_queues_have_workers_and_workers_have_queues(compose: dict[str, Any]) -> None:
    from filmpulse.local.cluster.environment import SLOTS

    services = compose["services"]
    served = []
    for part in WORKERS:
        words = services[part]["command"]
        assert words[:2] == ["celery", "worker"]
        assert "--skip-serve-logs" in words  # the log server would listen on every address
        served.append(_after("--queues", words))
    environment = services["dag-processor"]["environment"]
    asked = {value for key, value in environment.items() if key.endswith("_QUEUE")}
    assert sorted(served) == sorted(asked)
    concurrency = [int(_after("--concurrency", services[part]["command"])) for part in WORKERS]
    # What may run at once is what the workers can do: a task that waits long counts as lost.
    assert int(environment["AIRFLOW__CORE__PARALLELISM"]) == sum(concurrency)
    slots = dict(zip(served, concurrency, strict=True))
    assert int(environment["AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT"]) == slots["default"]
    assert slots == SLOTS  # as in `make cluster`, where this is tried


def _after(option: str, words: list[str]) -> str:
    return words[words.index(option) + 1]


def test_each_task_that_needs_a_browser_finds_one(compose: dict[str, Any]) -> None:
    objects = (ROOT / "include/filmpulse/airflow_bridge/objects.py").read_text(encoding="utf-8")
    pools = dict(re.findall(r'"(browser|detector)": \((\d+),', objects))
    node = compose["services"]["selenium-node"]
    assert node["environment"]["SE_NODE_MAX_SESSIONS"] == "1"
    assert sum(map(int, pools.values())) == node["deploy"]["replicas"]


def test_nothing_but_s3_listens_beyond_the_object_store(compose: dict[str, Any]) -> None:
    service = compose["services"]["s3"]
    options = dict(each.lstrip("-").partition("=")[::2] for each in service["command"])
    assert (options["ip"], options["ip.bind"]) == ("127.0.0.1", "127.0.0.1")
    assert options["s3.ip.bind"] == "0.0.0.0"  # noqa: S104
    assert options["s3.iam"] == "false"
    assert not {"filer.ip", "volume.ip", "master.ip", "admin.port"} & options.keys()
    # Its S3 gRPC port is open to the other containers: it asks for a certificate.
    assert service["working_dir"] == "/tls"
    assert "s3-tls:/tls:ro" in service["volumes"]
    sharing = [
        name for name, other in compose["services"].items() if "s3-tls" in str(other.get("volumes"))
    ]
    assert sorted(sharing) == ["s3", "s3-certificates"]
    assert "filmpulse.local.mutual_tls" in str(compose["services"]["s3-certificates"]["entrypoint"])


def test_the_account_of_the_logs_reaches_nothing_else(compose: dict[str, Any]) -> None:
    text = re.sub(r"\$\{(\w+):[?-]([^}]*)\}", r"\1", compose["configs"]["s3_keys"]["content"])
    [ours, logs] = json.loads(text)["identities"]
    assert ours["credentials"] == [{"accessKey": "S3_ACCESS_KEY", "secretKey": "S3_SECRET_KEY"}]
    assert logs["credentials"][0]["accessKey"] == "S3_LOGS_ACCESS_KEY"
    assert {action.partition(":")[2] for action in logs["actions"]} == {"S3_LOGS_BUCKET"}
    connection = compose["services"]["worker-llm"]["environment"]["AIRFLOW_CONN_FILMPULSE_LOGS"]
    fields = json.loads(re.sub(r"\$\{(\w+):[?-][^}]*\}", r"\1", connection))
    assert fields["login"] == "S3_LOGS_ACCESS_KEY"
    assert fields["extra"].keys() == {"endpoint_url", "region_name"}


def test_no_role_may_make_roles(compose: dict[str, Any]) -> None:
    databases = compose["configs"]["databases"]["content"]
    assert not re.search(r"CREATEROLE|SUPERUSER", databases)
    assert "CREATE ROLE filmpulse_reader" in databases
    for name in ("FILMPULSE", "AIRFLOW", "SUPERSET"):
        assert f"$${name}_DB_PASSWORD" in databases
        assert f"{name}_DB_PASSWORD" in compose["services"]["postgres"]["environment"]


def test_every_part_is_kept_within_bounds(compose: dict[str, Any]) -> None:
    ends = {  # what ends by itself
        name
        for service in compose["services"].values()
        for name, asked in service.get("depends_on", {}).items()
        if asked["condition"] == "service_completed_successfully"
    } | {"filmpulse"}
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert ("cap_add" in service) == (name == "s3"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert str(service.get("user")) not in ("0", "root"), name
        if name in ends:
            assert service["restart"] in ("on-failure", "no"), name
        else:
            assert service["restart"] == "unless-stopped", name
            assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
            in_image = name == "superset"  # the Dockerfile's HEALTHCHECK
            assert ("healthcheck" in service) != in_image, name


def test_dependencies_exist_and_may_be_left_out(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, asked in service.get("depends_on", {}).items():
            profiles = set(services[other].get("profiles", ()))
            is_there = not profiles or profiles <= set(service.get("profiles", ()))
            is_optional = asked.get("required") is False
            # pgbouncer is for the Postgres here; a managed one has a pooler of its own.
            assert is_there or is_optional or name == "pgbouncer", f"{name} needs {other}"
            if asked["condition"] == "service_healthy":
                assert "healthcheck" in services[other], other


def test_files_volumes_and_networks_are_defined_and_used(compose: dict[str, Any]) -> None:
    used: dict[str, set[str]] = {"configs": set(), "volumes": set(), "networks": {"default"}}
    for service in compose["services"].values():
        used["configs"] |= {each["source"] for each in service.get("configs", ())}
        used["volumes"] |= {each.split(":")[0] for each in service.get("volumes", ())}
        used["networks"] |= set(service.get("networks", ()))
    for kind, names in used.items():
        assert names == compose[kind].keys(), kind
    files = [config["file"] for config in compose["configs"].values() if "file" in config]
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    ours = re.compile(r"\$\{FILMPULSE_REGISTRY:-\}filmpulse[\w-]*:\$\{FILMPULSE_TAG:-local\}")
    targets = set(re.findall(r"^FROM .* AS ([\w-]+)$", (ROOT / "Dockerfile").read_text(), re.M))
    for name, service in compose["services"].items():
        if "build" in service:
            assert ours.fullmatch(service["image"]), name
            assert service["build"]["target"] in targets, name
        else:
            assert re.search(r":\d+\.\d+[\w.-]*$", service["image"]), name


def test_commands_are_there(compose: dict[str, Any]) -> None:
    """Each module of ours that a container runs exists."""
    modules = set(re.findall(r"\bpython,? -m,? ([\w.]+)", COMPOSE))
    assert len(modules) >= 4
    for module in modules:
        path = Path(*module.split("."))
        folders = (ROOT / "include", ROOT / "superset" / "tools")
        assert any(
            (folder / path).with_suffix(".py").is_file()
            or (folder / path / "__main__.py").is_file()
            for folder in folders
        ), module


def test_airflow_knows_each_option(
    compose: dict[str, Any], airflow_options: dict[str, set[str]]
) -> None:
    for service in compose["services"].values():
        for name in service.get("environment", {}):
            if name.startswith("AIRFLOW__"):
                _, section, option = name.lower().split("__")
                assert option in airflow_options[section], name
