"""The Dockerfile: from the locks, as plain users, of files that are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
_PARTS = re.split(r"^(FROM .*)$", DOCKERFILE, flags=re.MULTILINE)[1:]
STAGES = {
    head.split(" AS ")[1]: (head.split()[1], body)
    for head, body in zip(_PARTS[::2], _PARTS[1::2], strict=True)
}
BASES = {name for name in STAGES if name.endswith("-base")}
IMAGES = sorted(STAGES.keys() - BASES)


def test_bases_have_exact_versions() -> None:
    assert sorted(BASES) == ["airflow-base", "debian-base", "python-base"]
    for name in BASES:
        image, _ = STAGES[name]
        assert re.search(r":[\w.-]*\d{1,2}\.\d+\.\d+|:[\w-]+-\d{8}", image), name
        # Another one may be given in its place.
        variable = f"{name.removesuffix('-base').upper()}_IMAGE"
        assert f"ARG {variable}={name}\n" in DOCKERFILE
        assert f"FROM ${{{variable}}} AS" in DOCKERFILE


def test_airflow_is_the_locked_one() -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    [locked] = re.findall(r"^apache-airflow==(\S+)", lock, re.MULTILINE)
    assert STAGES["airflow-base"][0] == f"apache/airflow:slim-{locked}-python3.11"
    # What has no target of its own is built to the last stage.
    assert list(STAGES)[-1] == "airflow"


@pytest.mark.parametrize("name", IMAGES)
def test_images_run_as_plain_users(name: str) -> None:
    _, body = STAGES[name]
    users = re.findall(r"^USER (\S+)$", body, re.MULTILINE)
    assert int(users[-1]) > 0, "a number, since Kubernetes compares numbers"
    assert "LABEL org.opencontainers.image.title=" in body


@pytest.mark.parametrize("name", IMAGES)
def test_images_bring_no_build_tools(name: str) -> None:
    _, body = STAGES[name]
    assert not re.search(r"build-essential|\bgcc\b|\bgit\b|-dev\b", body)
    for install in re.findall(r"^RUN apt-get.*?(?<!\\)$", body, re.MULTILINE | re.DOTALL):
        assert "--no-install-recommends" in install
        assert "rm -rf /var/lib/apt/lists/*" in install


def test_the_worker_s_browser_has_no_sandbox(tmp_path: Path) -> None:
    """Debian's launcher of Chromium reads the file as a script, after others that add flags."""
    [written] = re.findall(r"&& (echo .*) > /etc/chromium\.d/\w+$", DOCKERFILE, re.MULTILINE)
    script = f'{written} > {tmp_path}/container; . {tmp_path}/container; echo "$CHROMIUM_FLAGS"'
    flags = subprocess.check_output(["sh", "-c", script], env={"CHROMIUM_FLAGS": "--a"}, text=True)
    assert flags.split() == ["--a", "--no-sandbox"]


def test_packages_come_from_the_locks() -> None:
    installed = re.findall(r"pip install (.+?)(?: \\)?$", DOCKERFILE, re.MULTILINE)
    assert installed == ["--no-cache-dir -r /tmp/requirements.txt"] * 2
    for name, lock in (("airflow", "requirements.txt"), ("superset", "superset/requirements.txt")):
        assert f"COPY {lock} /tmp/requirements.txt\n" in STAGES[name][1]
        assert (ROOT / lock).is_file()


def test_all_that_is_copied_is_in_the_checkout() -> None:
    lines = [line for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    copied = [w for line in lines for w in line.split()[1:-1] if not w.startswith("--")]
    assert len(copied) >= 6
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for source in copied:
        path = ROOT / source
        assert path.is_file() or any(path.iterdir()), source
        assert f"!{source.split('/')[0]}" in kept.splitlines(), source
    assert "PYTHONPATH=/opt/airflow/include" in STAGES["airflow"][1]
