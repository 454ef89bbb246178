"""The documents say what is so: generated parts are fresh, commands named, links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest
import typer

from filmpulse import jobs
from filmpulse.cli import app
from filmpulse.jobs.catalogue.estimate import USUAL_FILE_BYTES, estimate

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "include/**/*.md", "superset/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)(?: '[^']*')?\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


@pytest.mark.parametrize("path", generate.documents(), ids=lambda p: p.name)
def test_a_generated_document_is_fresh(path: Path):
    assert path.read_text(encoding="utf-8") == generate.documents()[path], "run `make docs`"


def test_check_names_what_is_stale(monkeypatch, capsys):
    page = ROOT / "docs/DAGs.md"
    monkeypatch.setattr(generate, "documents", lambda: {page: "something else"})
    monkeypatch.setattr(generate, "from_throwaway", dict)
    assert generate.main(["--check"]) == 1
    assert "docs/DAGs.md is stale" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") != "something else"


def test_the_tour_follows_its_text():
    line = "x [f](../README.md#L99999 '# Filmpulse') y"
    assert generate.number_lines(line) == "x [f](../README.md#L1 '# Filmpulse') y"
    with pytest.raises(ValueError, match="does not hold"):
        generate.number_lines("[f](../README.md#L1 'no such words are there')")


def test_every_row_of_the_tour_leads_to_a_line():
    rows = [
        row
        for row in (ROOT / "docs/tour.md").read_text(encoding="utf-8").splitlines()
        if row.startswith("| ") and not row.startswith(("| Feature", "| ---"))
    ]
    assert rows
    for row in rows:
        assert generate.TOUR_LINK.search(row), row


def commands(group, prefix: str = "filmpulse"):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


@pytest.mark.parametrize("command", commands(typer.main.get_command(app)))
def test_every_command_is_in_a_document(command: str):
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert command in text


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path):
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        target = match["target"]
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), target


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("dag_file", sorted((ROOT / "dags").glob("*.py")), ids=lambda p: p.stem)
def test_every_dag_has_a_runbook(dag_file: Path):
    runbook = ROOT / f"docs/runbooks/{dag_file.stem}.md"
    assert runbook.read_text(encoding="utf-8").startswith(f"# Runbook: {dag_file.stem}\n")


def test_the_readme_says_what_the_catalogue_costs():
    cost = jobs.CATALOGUE_COSTS["rated"]
    (said,) = re.findall(
        r"filmpulse catalogue refresh +#(.*\n +#.*)", (ROOT / "README.md").read_text()
    )
    for figure in (
        f" {cost.download_gb:g} GB to download",
        f" {cost.disk_gb:g} GB of disk",
        f" {cost.minutes} minutes",
    ):
        assert figure in said


@pytest.mark.parametrize("subset", jobs.CATALOGUE_COSTS)
def test_the_costs_that_are_named_are_the_estimate(subset):
    sizes = dict(USUAL_FILE_BYTES)
    if subset == "no_episodes":
        del sizes["title.episode"]
    cost, found = jobs.CATALOGUE_COSTS[subset], estimate(subset, sizes, {})
    assert cost.disk_gb == pytest.approx(found.tables / 1e9, rel=0.06)
    assert cost.download_gb == pytest.approx(found.download / 1e9, rel=0.06)


def test_every_reason_is_in_the_runbook():
    package = ROOT / "include/filmpulse"
    files = [package / "errors.py", *package.glob("jobs/*.py"), *package.glob("sources/**/*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    reasons = set(re.findall(r'\breason(?:: [^=\n]+)? ?= ?"(\w+)"', code))
    reasons |= set(re.findall(r'_close\("\w+", "(\w+)"', code))
    assert {"challenge", "timeout", "sign_in", "interrupted"} <= reasons
    reasons.remove("collection_failed")  # the closing verdict itself
    runbooks = (
        "movie_reception", "warehouse_backup", "import_saved_pages", "refresh_catalogue",
    )  # fmt: skip
    text = "\n".join((ROOT / f"docs/runbooks/{name}.md").read_text("utf-8") for name in runbooks)
    assert not {reason for reason in reasons if f"`{reason}`" not in text}
