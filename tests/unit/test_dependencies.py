"""What is imported is declared, so that no other library's release can take a library away."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("include", "dags", "plugins", "superset", "tests", "benchmarks", "docs")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# Our own modules: the package, `tests` and its helpers, and scripts that lie side by side.
OURS = {"filmpulse", "tests", "helpers"} | {
    path.stem for path in FILES if not path.is_relative_to(ROOT / "include")
}
OF = packages_distributions()
# Superset's environment is not this one: its modules are named as their distributions but for this.
ELSEWHERE = {"superset": "apache-superset"}


def name_of(requirement: str) -> str:
    """Return a requirement's distribution as PyPI compares names (PEP 503)."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def group(name: str) -> set[str]:
    """Return the names of a dependency group and of those that it includes."""
    found = set()
    for entry in PROJECT["dependency-groups"][name]:
        found |= {name_of(entry)} if isinstance(entry, str) else group(entry["include-group"])
    return found


RUNTIME = {name_of(entry) for entry in PROJECT["project"]["dependencies"]}
EXTRA = {name_of(e) for e in PROJECT["project"]["optional-dependencies"]["sample-site"]}
SUPERSET = {
    name_of(line)
    for line in (ROOT / "superset/requirements.in").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}


def declared_for(path: Path) -> set[str]:
    """Return what a file may import, by where it runs."""
    where = path.relative_to(ROOT).as_posix()
    if where.startswith(("superset/", "tests/fixtures/superset/")):
        return RUNTIME | group("local") | SUPERSET
    if where.startswith("include/filmpulse/local/"):
        return RUNTIME | group("local")
    if where.startswith("include/filmpulse/sample_site/"):
        return RUNTIME | EXTRA
    if where.startswith(("include/", "dags/", "plugins/")):
        return RUNTIME
    return RUNTIME | EXTRA | group("dev")


def imported(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, at any depth, but for Python's and ours."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.split(".")[0] for name in found} - sys.stdlib_module_names - OURS


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_import_is_declared(path: Path) -> None:
    declared = declared_for(path)
    undeclared = {
        module
        for module in imported(path)
        # A namespace such as `airflow` comes from several distributions; any will do.
        if not declared & {name_of(d) for d in OF.get(module, [ELSEWHERE.get(module, module)])}
    }
    assert not undeclared, f"{path.relative_to(ROOT)} imports what pyproject.toml does not declare"
