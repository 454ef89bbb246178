"""What the stack takes for a change of Superset."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from filmpulse.local import superset


def _neighbours(module: str, known: set[str]) -> set[str]:
    """Return the modules of the folder that a module imports, and what these import."""
    found = {module}
    for node in ast.walk(ast.parse((superset.FOLDER / f"{module}.py").read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name not in known | found and (superset.FOLDER / f"{name}.py").is_file():
                found |= _neighbours(name, known | found)
    return found


def _files(*modules: str) -> set[str]:
    return {f"{name}.py" for module in modules for name in _neighbours(module, set())}


def test_all_that_is_imported_is_watched() -> None:
    prepared = _files("prepare", "superset_config")
    assert len(prepared) > 3
    assert prepared <= set(superset.PREPARED)
    assert _files("wsgi", "superset_config") <= set(superset.SERVED)


def test_all_that_is_watched_is_there() -> None:
    for name in {*superset.PREPARED, *superset.SERVED}:
        assert (superset.FOLDER / name).exists(), name


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
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__" / "prepare.pyc").write_bytes(b"1")
    assert seen() == (prepared, served)
    (folder / "static" / "logo.svg").write_text("<svg/>")
    assert (seen()[0], seen()[1] != served) == (prepared, True)
