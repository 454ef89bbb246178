"""Who may import whom, read from the source by ast; the table below is the rule."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "include" / "filmpulse"
ROOT = PACKAGE.parents[1]

BASE = {"items", "errors", "config", "retry_after"}  # every module may import these
# The part of the package -> the parts that it may import besides BASE and itself.
ALLOWED: dict[str, set[str]] = {
    "items": set(),
    "errors": set(),
    "config": set(),
    "retry_after": set(),
    "parent": set(),
    "preload": set(),
    "lake": set(),
    "sources": {"parent"},
    "warehouse": {"search"},
    "analysis": set(),
    "backup": {"warehouse"},
    "search": set(),
    "sample_site": set(),
    "jobs": {"search", "sources", "lake", "warehouse", "analysis", "backup"},
    "airflow_bridge": {"jobs", "lake", "warehouse", "backup", "parent", "web"},
    "web": {"jobs", "warehouse", "airflow_bridge"},
    "report": {"jobs", "warehouse"},
    "frames": {"warehouse"},
    "local": {
        "jobs",
        "lake",
        "parent",
        "sources",
        "warehouse",
        "analysis",
        "report",
        "sample_site",
        "web",
    },
    "doctor": {"jobs", "lake", "sources", "warehouse", "analysis", "local"},
    "cli": {"doctor", "jobs", "airflow_bridge", "local", "report", "sources"},
}
# A library -> the only places that may import it.
HOMES: dict[str, tuple[str, ...]] = {
    "airflow": ("airflow_bridge/", "web/log_in.py"),
    "fastapi": ("web/", "airflow_bridge/server.py", "sample_site/"),
    "jinja2": ("web/", "sample_site/"),
    "PIL": ("jobs/reception/", "sample_site/"),
    "apprise": ("airflow_bridge/",),
    "selenium": ("sources/browser.py",),
    "psycopg": ("warehouse/", "backup/", "local/", "jobs/", "airflow_bridge/", "doctor.py"),
    "vaderSentiment": ("analysis/",),
    "py3langid": ("analysis/",),
    "openai": ("analysis/llm/",),
    "httpx2": ("analysis/llm/",),
    "pandas": ("sources/tables/", "warehouse/extracts.py", "frames.py"),
    "pyarrow": ("warehouse/extracts.py", "jobs/upkeep/write_tables.py", "frames.py"),
    "openpyxl": ("sources/tables/",),
    "yaml": ("sources/tables/",),
    "fsspec": ("lake.py", "doctor.py"),
    "uvicorn": ("sample_site/",),
    "supervisor": ("local/",),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports, at any depth, absolute."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            if node.module == "filmpulse":
                found |= {f"filmpulse.{alias.name}" for alias in node.names}
    return found


def part_of(path: Path) -> str:
    """Return which part of the package a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_table_names_every_part():
    parts = {part_of(path) for path in FILES} - {"__init__"}
    assert parts == set(ALLOWED)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_parts_import_only_what_they_may(path):
    part = part_of(path)
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("filmpulse.")}
    may = BASE | {part, "__version__"} | ALLOWED.get(part, set())
    assert ours <= may, f"{part} may not import {sorted(ours - may)}"
    if part in BASE:
        assert ours <= {"errors"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_part_but_sources_names_a_source(path):
    names = {p.parent.name for p in (PACKAGE / "sources").glob("*/source.py")}
    assert names >= {"imdb"}
    where = path.relative_to(PACKAGE).as_posix()
    named = {n for n in imports(path) for of in names if n.startswith(f"filmpulse.sources.{of}")}
    # `filmpulse parse` reads IMDb's pages alone.
    assert not named or where.startswith("sources/") or where == "cli/pages.py"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_stay_in_their_homes(path):
    where = path.relative_to(PACKAGE).as_posix()
    for name in {name.split(".")[0] for name in imports(path)} & set(HOMES):
        assert where.startswith(HOMES[name]), f"{where} may not import {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda p: p.stem)
def test_dags_are_wiring_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {
        f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("filmpulse")
        for alias in node.names
    }
    assert top <= {"filmpulse.airflow_bridge"}, "our other imports belong inside the tasks"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80
    names = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}
    assert not names
    assert not {"os", "include"} & {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("*.py")), ids=lambda p: p.stem)
def test_plugins_are_wiring_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    [plugin] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [base.id for base in plugin.bases if isinstance(base, ast.Name)] == ["AirflowPlugin"]
    assert not [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    ours = {name for name in imports(path) if name.startswith("filmpulse")}
    assert all(name.startswith("filmpulse.web.") for name in ours)


def loaded_at_once(path: Path) -> set[str]:
    """Return the modules that a file imports as it is loaded, before anything is called."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            if node.module and node.module.startswith("filmpulse"):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_what_every_task_loads_of_the_web_is_light():
    """Airflow loads plugins in each of its processes; what an answer needs is imported there."""
    waiting, seen = sorted((ROOT / "plugins").glob("*.py")), set()
    libraries = set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for name in loaded_at_once(path):
            module = PACKAGE / f"{name.removeprefix('filmpulse.').replace('.', '/')}.py"
            if not name.startswith("filmpulse"):
                libraries.add(name.split(".")[0])
            elif module.exists() and module not in seen:
                waiting.append(module)
    assert {"mount", "headers"} <= {path.stem for path in seen}
    known = set(sys.stdlib_module_names) | {"__future__", "airflow", "sqlalchemy"}
    assert libraries <= known, "SQLAlchemy is loaded by all of Airflow; nothing else is"


def test_nobody_imports_the_package_twice():
    for path in [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "dags").glob("*.py")]:
        assert not any(name.split(".")[0] == "include" for name in imports(path)), path
