"""What is deployed: docker-compose.yaml, .env.example, the chart's values, Airflow's options."""

from __future__ import annotations

import runpy
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="session")
def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="session")
def chart_values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "deploy/helm/values.yaml").read_text("utf-8"))
    return loaded


def _installed(found: Distribution, end: str) -> Path:
    [path] = [each for each in found.files or () if str(each).endswith(end)]
    return Path(str(found.locate_file(path)))


@pytest.fixture(scope="session")
def airflow_options() -> dict[str, set[str]]:
    """Airflow's options and the Celery provider's: section -> names. Airflow is not imported."""
    text = _installed(distribution("apache-airflow-core"), "config_templates/config.yml")
    provider = _installed(
        distribution("apache-airflow-providers-celery"), "celery/get_provider_info.py"
    )
    sections = yaml.safe_load(text.read_text(encoding="utf-8"))
    sections |= runpy.run_path(str(provider))["get_provider_info"]()["config"]
    return {name: set(section["options"]) for name, section in sections.items()}
