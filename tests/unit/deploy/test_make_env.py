"""`deploy/make-env`: every secret gets a value once, and an upgrade adds what is new."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

FILES = ("deploy/make-env", "docker-compose.yaml", ".env.example")


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    for name in FILES:
        shutil.copy(root / name, tmp_path / name)
    return tmp_path


def _make(checkout: Path) -> dict[str, str]:
    subprocess.run([checkout / "deploy/make-env"], check=True, cwd="/", capture_output=True)
    text = (checkout / ".env").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    assert len(values) == len(lines), "a variable stands twice"
    return values


def test_every_secret_has_a_value_of_its_own(checkout: Path) -> None:
    made = _make(checkout)
    required = set(re.findall(r"\$\{(\w+):\?", (checkout / "docker-compose.yaml").read_text()))
    values = [made[name] for name in required]
    assert len(values) > 15
    assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[0-9a-f]{40}", v) for v in values if v != made["AIRFLOW_FERNET_KEY"])
    Fernet(made["AIRFLOW_FERNET_KEY"])  # refuses what is no key
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_nothing_changes_the_second_time(checkout: Path) -> None:
    _make(checkout)
    before = (checkout / ".env").read_bytes()
    _make(checkout)
    assert (checkout / ".env").read_bytes() == before


@pytest.mark.parametrize("end", ["\n", ""])
def test_an_upgrade_keeps_what_was_set(checkout: Path, end: str) -> None:
    kept = {
        "POSTGRES_PASSWORD": "a=b",
        "AIRFLOW_PORT": "9090",
        "COMPOSE_PROFILES": "s3",
        "MINE": "x",
    }
    old = [f"{name}={value}" for name, value in kept.items()] + ["S3_SECRET_KEY=", "LAST=x"]
    (checkout / ".env").write_text("\n".join(old) + end, encoding="utf-8")
    made = _make(checkout)
    assert {**kept, "LAST": "x"}.items() <= made.items()
    assert made["S3_SECRET_KEY"]
    assert made["SUPERSET_PORT"] == "8088"
    assert not list(checkout.glob(".env.new"))
