"""The Dockerfile's steps, run in a Debian of their own: there is no Docker where this runs.

What Docker does with an instruction is done here by chroot. Debian with its own Python stands in
for the base images, so what those bring beside Python is not tried.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "bookworm"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# As the image of Airflow has it: packages are the user's own.
AIRFLOW = {
    "HOME": "/home/airflow",
    "PIP_USER": "true",
    "PATH": f"/home/airflow/.local/bin:{PATH}",
    "AIRFLOW_HOME": "/opt/airflow",
}
SUPERSET = {
    "SUPERSET_SECRET_KEY": "x" * 42,
    "SUPERSET_METADATA_URL": "sqlite://",
}
# Each image; what its base has; and commands of its containers that need no other server.
IMAGES = {
    "airflow": (
        AIRFLOW,
        [
            "airflow version",
            "python -m filmpulse.cli --help",
            "python -c 'import boto3, celery, redis, psycopg2'",
            "celery --version",
            "python -m filmpulse.sample_site --help",
        ],
    ),
    "superset": (
        {},
        [
            "python -c 'import superset_config, superset_tools.prepare'",
            "gunicorn --version",
            "celery --app superset.tasks.celery_app:app report",
        ],
    ),
    "superset-worker": ({}, ["chromium --version", "chromedriver --version"]),
    "pgbouncer": ({}, ["pgbouncer --version", "pg_isready --version"]),
}

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may chroot"),
    pytest.mark.skipif(not shutil.which("debootstrap"), reason="debootstrap is missing"),
]


class Image:
    """A directory that stands for an image, with the user and environment of its last step."""

    def __init__(self, tree: Path, env: dict[str, str]) -> None:
        self.tree, self.user = tree, "0"
        self.env = {"PATH": PATH, "HOME": "/tmp", "PIP_BREAK_SYSTEM_PACKAGES": "1"} | env  # noqa: S108

    def run(self, command: str) -> str:
        """Run a shell command as the image's user; return what it wrote."""
        certificates = {"PIP_CERT": "/etc/ssl/certs/ca-certificates.crt"}
        group = "0" if self.user == "50000" else self.user
        script = 'mount -t proc proc "$1/proc" && exec chroot --userspec="$2" "$1" sh -c "$3"'
        words = [script, "sh", str(self.tree), f"{self.user}:{group}", command]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", *words],
            env={**self.env, **certificates, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}"
        return done.stdout

    def copy(self, words: list[str]) -> None:
        """Do as COPY does."""
        *sources, target = [word for word in words if not word.startswith("--")]
        to = self.tree / target.lstrip("/")
        for source in sources:
            to.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy(ROOT / source, to)
        if "--chown=airflow:0" in words:
            subprocess.run(["chown", "-R", "50000:0", to], check=True)

    def build(self, stage: str) -> None:
        """Do the steps of a stage of the Dockerfile."""
        for kind, rest in steps(stage):
            if kind == "RUN":
                self.run(rest)
            elif kind == "COPY":
                self.copy(rest.split())
            elif kind == "USER":
                self.user = rest
            elif kind == "ENV":
                self.env |= dict(re.findall(r"(\w+)=(\S+)", rest))


def steps(stage: str) -> list[tuple[str, str]]:
    """Return the instructions of a stage, each on one line; what it is built on comes first."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    text = text.replace("\\\n", " ")
    found = re.search(rf"^FROM (\S+) AS {stage}$(.*?)(?=^FROM|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, stage
    below = [] if found[1].startswith("$") else steps(found[1])
    lines = [line.split(None, 1) for line in found[2].splitlines() if line.strip()]
    return below + [(line[0], line[1].strip()) for line in lines]


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Debian with Python, as plain as the base images."""
    tree = tmp_path_factory.mktemp("debian")
    tree.chmod(0o755)
    packages = "ca-certificates,python3-pip,python-is-python3"
    options = ["--variant=minbase", f"--include={packages}", RELEASE]
    subprocess.run(["debootstrap", *options, tree], check=True, capture_output=True)
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{name}", tree / name)
    no_servers = tree / "usr/sbin/policy-rc.d"  # as Docker's images of Debian have it
    no_servers.write_text("#!/bin/sh\nexit 101\n")
    no_servers.chmod(0o755)
    base = Image(tree, {})
    base.run("useradd --create-home --uid 50000 --gid 0 airflow")
    base.run("install -d -o airflow -g root /opt/airflow")
    yield tree
    shutil.rmtree(tree)


@pytest.mark.parametrize("stage", sorted(IMAGES))
def test_an_image_can_be_made_and_its_commands_are_there(
    debian: Path, tmp_path: Path, stage: str
) -> None:
    env, commands = IMAGES[stage]
    tree = tmp_path / "image"
    subprocess.run(["cp", "--archive", debian, tree], check=True)
    tmp_path.chmod(0o755)
    image = Image(tree, env)
    try:
        image.build(stage)
        assert int(image.user) > 0
        image.env |= SUPERSET if stage.startswith("superset") else {}
        for command in commands:
            image.run(command)
        assert not image.run("command -v gcc cc make git || true").strip()
        image.run("! touch /usr/bin/written /etc/written 2>/dev/null")
    finally:
        shutil.rmtree(tree)
