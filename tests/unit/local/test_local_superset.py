"""What the stack takes for a change of Superset."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmpulse.local import superset


def _module(name: str) -> Path | None:
    """Return the file of a module of ours."""
    places = (f"{folder}/{name.replace('.', '/')}.py" for folder in ("config", "tools"))
    return next(
        (superset.FOLDER / place for place in places if (superset.FOLDER / place).is_file()), None
    )


def _imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(*modules: str) -> set[Path]:
    """Return the files of modules, and of those of ours that they import."""
    found: set[Path] = set()
    ahead = list(modules)
    while ahead:
        if (file := _module(ahead.pop())) and file not in found:
            found.add(file)
            ahead += _imported(file)
    return found


def _watched(patterns: tuple[str, ...]) -> set[Path]:
    return {path for pattern in patterns for path in superset.FOLDER.glob(pattern)}


def test_all_that_is_imported_is_watched() -> None:
    prepared = _files("superset_tools.prepare", "superset_config")
    assert len(prepared) > 8
    assert prepared <= _watched(superset.PREPARED)
    served = _files("wsgi", "superset_config")
    assert len(served) > 3
    assert served <= _watched(superset.SERVED)


def test_all_that_is_watched_is_there() -> None:
    for pattern in {*superset.PREPARED, *superset.SERVED}:
        assert _watched((pattern,)), pattern


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "superset"
    shutil.copytree(superset.FOLDER, copy)
    monkeypatch.setattr(superset, "FOLDER", copy)
    return copy


def test_each_change_is_seen_by_those_that_it_is_for(folder: Path) -> None:
    def seen() -> tuple[str, str]:
        return superset.fingerprint(*superset.PREPARED), superset.fingerprint(*superset.SERVED)

    prepared, served = seen()
    chart = next((folder / "assets" / "charts").iterdir())
    chart.rename(chart.with_name("renamed.yaml"))
    assert seen()[0] != prepared
    assert seen()[1] == served
    chart.with_name("renamed.yaml").rename(chart)
    assert seen() == (prepared, served)
    (folder / "README.md").write_text("words")
    for each in ("config", "tools/superset_tools"):
        (folder / each / "__pycache__").mkdir(exist_ok=True)
        (folder / each / "__pycache__" / "prepare.py").write_bytes(b"1")
    assert seen() == (prepared, served)
    (folder / "config" / "static" / "logo.svg").write_text("<svg/>")
    assert (seen()[0], seen()[1] != served) == (prepared, True)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose Superset was installed, and whose Python has moved since."""
    venv = tmp_path / ".venv-superset"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(tmp_path / "gone")
    monkeypatch.setattr(superset, "VENV", venv)
    shutil.copy(superset.CHECKOUT / "Makefile", tmp_path)
    (tmp_path / "superset").mkdir()
    (tmp_path / "superset" / "requirements.txt").touch()
    tools = tmp_path / ".tools" / "bin"
    tools.mkdir(parents=True)
    (tools / "python").symlink_to("/bin/true")  # any version will do
    (tools / "uv").write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n'
        'if [ "$1" = venv ]; then\n'
        '  for last; do :; done; ln -sf /bin/true "$last/bin/python"\nfi\n'
    )
    (tools / "uv").chmod(0o755)
    (venv / ".stamp").touch()
    return tmp_path


def test_an_environment_whose_python_is_gone_is_made_anew(broken: Path) -> None:
    assert superset.python() is None
    for _ in range(2):
        subprocess.run(
            ["make", "-s", "env-superset"],
            cwd=broken,
            env={"PATH": os.environ["PATH"]},
            check=True,
            timeout=60,
        )
    assert superset.python() is not None
    [made, filled] = (broken / "asked").read_text().splitlines()
    assert made.startswith("venv ")
    assert "--clear" in made
    assert filled.startswith("pip sync ")


def test_both_sides_name_the_same_exit_code() -> None:
    tree = ast.parse((superset.FOLDER / "tools/superset_tools/prepare.py").read_text("utf-8"))
    codes = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "UNSYNCED"
    ]
    assert codes == [superset.UNSYNCED]
    compose = (superset.CHECKOUT / "docker-compose.yaml").read_text("utf-8")
    assert f"superset_tools.prepare || [ $$? = {superset.UNSYNCED} ]" in compose
