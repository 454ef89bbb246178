"""Workflows and the files that are checked by tools of others: schemas, hadolint, zizmor."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
TOOLS = Path(sys.executable).parent


def _tool(*words: str) -> None:
    done = subprocess.run(
        [TOOLS / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.compose-spec", ["docker-compose.yaml"]),
        ("vendor.github-workflows", [str(path) for path in WORKFLOWS]),
        ("vendor.dependabot", [".github/dependabot.yml"]),
    ],
)
def test_files_fit_their_schemas(schema: str, files: list[str]) -> None:
    _tool("check-jsonschema", "--builtin-schema", schema, *files)


def test_hadolint_finds_nothing() -> None:
    _tool("hadolint", "Dockerfile")


def test_zizmor_finds_nothing() -> None:
    _tool("zizmor", "--offline", "--quiet", ".github")


def _loaded(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506
    return loaded


def test_actions_are_pinned_by_one_digest_each() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in re.findall(r"uses: (.*)$", path.read_text("utf-8"), re.MULTILINE):
            found = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert found, f"{path.name}: {line}"
            pins.setdefault(found[1], set()).add(f"{found[2]} {found[3]}")
    assert len(pins) >= 6
    assert not {name: found for name, found in pins.items() if len(found) > 1}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_rights_are_few(path: Path) -> None:
    workflow = _loaded(path)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    written = {
        (name, right)
        for name, job in workflow["jobs"].items()
        for right, kind in job.get("permissions", {}).items()
        if kind == "write"
    }
    allowed = {("push", "packages"), ("pin", "contents")} if path.stem == "images" else set()
    assert written == allowed
    for name, _ in written:  # a proposed change runs none of these
        job = workflow["jobs"][name]
        assert job.get("if") == "github.ref_type == 'tag'" or job["needs"] == "push"
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_what_workflows_call_is_there() -> None:
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    for script in set(re.findall(r"(?:deploy|\.ci)/[\w.-]+(?:/[\w.-]+)?", text)):
        assert (ROOT / script).is_file(), script
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"run: make ([\w-]+)", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_images_that_are_pushed_are_those_of_compose(compose: dict[str, Any]) -> None:
    matrix = _loaded(FOLDER / "images.yml")["jobs"]["push"]["strategy"]["matrix"]["include"]
    pushed = {(each["target"], each["image"]) for each in matrix}
    used = {
        (service["build"]["target"], re.search(r"filmpulse[\w-]*", service["image"])[0])  # type: ignore[index]
        for service in compose["services"].values()
        if "build" in service
    }
    assert pushed == used
    # An owner's name may have capitals, an image's may not.
    assert "repository_owner" not in (FOLDER / "images.yml").read_text(encoding="utf-8")
