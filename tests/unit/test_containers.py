"""The containers: no secret has a default, nothing is published beyond this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from filmpulse.config import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE)
    return loaded


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _variables() -> list[tuple[str, str]]:
    """Return each `${NAME...}` with what follows its name."""
    return re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", COMPOSE)


def test_no_secret_has_a_default(example: dict[str, str]) -> None:
    secrets = [(name, rest) for name, rest in _variables() if SECRET.search(name)]
    assert len(secrets) > 10
    assert not [name for name, rest in secrets if not rest.startswith(":?")]
    assert not [name for name, value in example.items() if SECRET.search(name) and value]


def _passed_on(compose: dict[str, Any]) -> set[str]:
    """Return the variables that the containers have where `.env` has them, and no value of ours."""
    environment = compose["services"]["scheduler"]["environment"]
    return {name for name, value in environment.items() if value is None}


def test_the_example_lists_every_variable(compose: dict[str, Any], example: dict[str, str]) -> None:
    assert {name for name, _ in _variables()} | _passed_on(compose) == example.keys()


def test_every_setting_that_a_container_may_need_is_passed_on(compose: dict[str, Any]) -> None:
    optional = ("llm_", "alerts_", "backup_", "catalogue_", "posters", "warehouse_pooled_")
    passed_on = [
        name
        for name in Settings.model_fields
        if name.startswith(optional) and not name.endswith("_queue")  # there is one worker for all
    ]
    settings = {f"FILMPULSE_{name.upper()}" for name in passed_on}
    assert _passed_on(compose) | {"FILMPULSE_BACKUP_URL"} == settings


def test_secrets_are_given_by_variables_alone(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and not key.endswith("_FILE") and value is not None:
                assert re.search(r"\$\{\w+:\?", str(value)), f"{name}: {key}"


def test_ports_are_published_on_loopback_alone(compose: dict[str, Any]) -> None:
    published = [
        port for service in compose["services"].values() for port in service.get("ports", [])
    ]
    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:") for port in published)
    modes = {service.get("network_mode", "none") for service in compose["services"].values()}
    assert modes == {"none"}


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


def test_no_role_may_make_roles(compose: dict[str, Any]) -> None:
    databases = compose["configs"]["databases"]["content"]
    assert not re.search(r"CREATEROLE|SUPERUSER", databases)
    assert "CREATE ROLE filmpulse_reader" in databases
    assert (ROOT / compose["configs"]["close_database"]["file"]).is_file()


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.search(r":(local|\d[\w.]*)$", service["image"]), name


def test_airflow_starts_after_setup(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert "filmpulse.cli setup" in services["setup"]["command"][-1]
    for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
        done = services[name]["depends_on"]["setup"]["condition"]
        assert done == "service_completed_successfully", name


def test_superset_starts_after_setup_with_all_that_it_asks_for(compose: dict[str, Any]) -> None:
    service = compose["services"]["superset"]
    assert service["depends_on"]["setup"]["condition"] == "service_completed_successfully"
    code = "".join(
        (ROOT / "superset" / name).read_text(encoding="utf-8")
        for name in ("config/superset_config.py", "tools/superset_tools/prepare.py")
    )
    given = re.findall(r"""["'](SUPERSET_[A-Z_]+)["']""", code)
    optional = re.findall(r"""environ.get\("(SUPERSET_[A-Z_]+)""", code)
    with_a_worker = {"SUPERSET_INTERNAL_URL", "SUPERSET_SMTP_FROM"}
    asked = set(given) - {*optional, *with_a_worker}
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    in_image = set(re.findall(r"^(?:ENV| ) *(SUPERSET_\w+)=", image, re.MULTILINE))
    assert len(asked) >= 7
    assert asked | {"SUPERSET_CONFIG_PATH"} == service["environment"].keys() | in_image


def test_parts_have_the_secrets_that_they_need(compose: dict[str, Any]) -> None:
    def secrets_of(name: str) -> set[str]:
        text = str(compose["services"][name].get("environment", {}))
        return {each for each in re.findall(r"\$\{(\w+)", text) if SECRET.search(each)}

    of_superset = secrets_of("superset")
    assert {each for each in of_superset if not each.startswith("SUPERSET_")} == {
        "FILMPULSE_READER_PASSWORD",
        "FILMPULSE_SUPERSET_PASSWORD",
    }
    for name in ("setup", "api-server", "scheduler", "dag-processor", "triggerer"):
        assert not {each for each in secrets_of(name) if each.startswith("SUPERSET_")}, name


def test_inline_files_are_what_they_should_be(compose: dict[str, Any]) -> None:
    import json

    keys = re.sub(r"\$\{\w+:\?[^}]*\}", "x", compose["configs"]["s3_keys"]["content"])
    assert json.loads(keys)["identities"][0]["credentials"][0] == {
        "accessKey": "x",
        "secretKey": "x",
    }
    for name in ("FILMPULSE", "AIRFLOW", "SUPERSET"):
        assert f"$${name}_DB_PASSWORD" in compose["configs"]["databases"]["content"]
        assert f"{name}_DB_PASSWORD" in compose["services"]["postgres"]["environment"]


def test_image_has_the_locked_airflow() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    [locked] = re.findall(r"^apache-airflow==(\S+)", lock, re.MULTILINE)
    assert f"FROM apache/airflow:{locked}-python3.11\n" in dockerfile
    assert "PYTHONPATH=/opt/airflow/include" in dockerfile
    # What has no target of its own is built to the last stage.
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)[-1].startswith("apache/airflow")


def test_all_that_the_image_copies_is_in_the_checkout() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for line in lines
        if line.startswith("COPY ")
        for source in [word for word in line.split()[1:-1] if not word.startswith("--")]
    ]
    assert copied
    for source in copied:
        path = ROOT / source
        assert path.is_file() or any(path.iterdir()), source
