"""Write the parts of the documents that the code already says; `--check` only looks.

What comes from where:

* `docs/DAGs.md` and the README's DAG table: the docstring and `@dag(...)` of each `dags/*.py`.
* `docs/data_dictionary.md`: the migrations' SQL, above all its COMMENTs.
* The README's settings table: the fields of `filmpulse.config.Settings`.
* The schema beside the prompt: `filmpulse.analysis.llm.schema`.
* The line numbers of `docs/tour.md`: the text that each link names in its title.

Needs no server and no Airflow; the same checkout always gives the same bytes.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from filmpulse.analysis.llm import prompt
from filmpulse.analysis.llm.schema import answer_schema
from filmpulse.config import Settings, variable_name

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "include/filmpulse/warehouse/migrations/sql"
SCHEMA = ROOT / f"include/filmpulse/analysis/prompts/{prompt.NAME}.json"

# [label](../path#L12 'text'): the line is that of the first occurrence of the text in the file.
TOUR_LINK = re.compile(r"\]\(\.\./(?P<path>[^)#\s]+)#L\d+ '(?P<text>[^']+)'\)")

BY_HAND = "<!-- Made by `make docs`: edit {source} instead. -->\n"


class Dag(NamedTuple):
    """One DAG as its file describes it; `facts` are the Kind, Writes and Needs of its doc_md."""

    dag_id: str
    schedule: str
    doc: str
    facts: dict[str, str]


class Column(NamedTuple):
    """One commented column; the type is empty for a view's."""

    name: str
    type: str
    is_nullable: bool
    comment: str


def documents() -> dict[Path, str]:
    """Return each generated document and what it should hold."""
    dags = [read_dag(path) for path in sorted((ROOT / "dags").glob("*.py"))]
    readme, tour = ROOT / "README.md", ROOT / "docs/tour.md"
    text = readme.read_text(encoding="utf-8")
    text = fill(text, "dags", dag_overview(dags))
    text = fill(text, "settings", settings_table())
    return {
        readme: text,
        SCHEMA: json.dumps(answer_schema(), indent=2) + "\n",
        tour: number_lines(tour.read_text(encoding="utf-8")),
        ROOT / "docs/commands.md": commands_page(),
        ROOT / "docs/DAGs.md": dags_page(dags),
        ROOT / "docs/data_dictionary.md": data_dictionary(),
    }


def fill(text: str, name: str, body: str) -> str:
    """Replace what stands between `<!-- generated: name -->` and `<!-- end -->`.

    Raises:
        ValueError: The markers are not there exactly once.
    """
    found = re.subn(
        rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{body}{match[2]}",
        text,
        flags=re.DOTALL,
    )
    if found[1] != 1:
        raise ValueError(f"README.md has {found[1]} places for the generated {name}, not one")
    return found[0]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


# ------------------------------------------------------------------------------- DAGs


def read_dag(path: Path) -> Dag:
    """Read one DAG file without importing it.

    Raises:
        ValueError: No docstring, not exactly one `@dag(...)`, or a Kind, Writes or Needs missing.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doc = ast.get_docstring(tree)
    found = [
        (node.name, decorator)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "dag"
    ]
    if doc is None or len(found) != 1:
        raise ValueError(f"{path.name} needs a docstring and exactly one @dag(...)")
    dag_id, decorator = found[0]
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in decorator.keywords}
    schedule = given.get("schedule", "None").strip("'")
    bullets = re.findall(r"^\* \*\*(\w+):\*\* (.*?)(?=^\* |^$|\Z)", doc, re.DOTALL | re.MULTILINE)
    facts = {name: " ".join(text.split()) for name, text in bullets}
    if missing := {"Kind", "Writes", "Needs"} - facts.keys():
        raise ValueError(f"{path.name}: its docstring does not say {', '.join(sorted(missing))}")
    return Dag(dag_id, "when triggered" if schedule == "None" else f"`{schedule}`", doc, facts)


def dag_overview(dags: list[Dag]) -> str:
    """Return the README's table."""
    return table(
        ["DAG", "Schedule", "What it does"],
        [
            [f"[`{d.dag_id}`](docs/runbooks/{d.dag_id}.md)", d.schedule, d.doc.splitlines()[0]]
            for d in dags
        ],
    )


def dags_page(dags: list[Dag]) -> str:
    """Return docs/DAGs.md: a table, then every DAG's own words."""
    overview = table(
        ["DAG", "Schedule", "Kind", "Writes", "Needs"],
        [
            [
                f"[`{d.dag_id}`](#{d.dag_id})",
                d.schedule,
                re.split(r"[,.] ", d.facts["Kind"])[0],
                d.facts["Writes"],
                d.facts["Needs"],
            ]
            for d in dags
        ],
    )
    pages = "".join(
        f"\n## {d.dag_id}\n\n{d.doc}\n\n"
        f"[Code](../dags/{d.dag_id}.py) · [Runbook](runbooks/{d.dag_id}.md)\n"
        for d in dags
    )
    return f"# DAGs\n\n{BY_HAND.format(source='the docstring of the DAG')}\n{overview}{pages}"


# --------------------------------------------------------------------- data dictionary


def data_dictionary() -> str:
    """Return docs/data_dictionary.md.

    Raises:
        ValueError: A table's column has no comment, or a comment no column.
    """
    sql = "\n".join(p.read_text(encoding="utf-8") for p in sorted(MIGRATIONS.glob("*.sql")))
    statement = r"^COMMENT ON (MATERIALIZED VIEW|\w+) (\S+) IS '((?:[^']|'')*)';"
    said = re.findall(statement, sql, re.MULTILINE)
    comments = {(kind, name): text.replace("''", "'") for kind, name, text in said}
    for gone in re.findall(r"^DROP VIEW (\S+);", sql, re.MULTILINE):
        comments = {k: v for k, v in comments.items() if not f"{k[1]}.".startswith(f"{gone}.")}
    bodies = dict(re.findall(r"^CREATE TABLE (\S+) \(\n(.*?)\n\);", sql, re.DOTALL | re.MULTILINE))
    added = re.findall(r"^ALTER TABLE (\S+) ADD COLUMN (.*?);", sql, re.DOTALL | re.MULTILINE)
    for name, body in added:
        bodies[name] += f",\n    {body}"

    page = [f"# Data dictionary\n\n{BY_HAND.format(source='the comments in the migrations')}\n"]
    page.append("Times are `timestamptz` in UTC. Superset sees the schema `mart` and no other.\n")
    for (kind, schema), comment in comments.items():
        if kind != "SCHEMA":
            continue
        page.append(f"\n## {schema}\n\n{comment}\n")
        for (of, name), text in sorted(comments.items(), key=lambda item: item[0][1]):
            if of not in ("SCHEMA", "COLUMN") and name.startswith(f"{schema}."):
                columns = _columns(name, bodies.get(name, ""), comments)
                page.append(f"\n### {name}\n\n{of.capitalize()}. {text}\n")
                page.append(_key(bodies.get(name, "")))
                if columns:
                    page.append(
                        "\n" + table(["Column", "Type", "Null", "Meaning"], map(_row, columns))
                    )
    return "".join(page)


def _columns(relation: str, body: str, comments: dict[tuple[str, str], str]) -> list[Column]:
    made = {
        name: (kind, "NOT NULL" not in rest and "PRIMARY KEY" not in rest)
        for name, kind, rest in re.findall(
            r"^    ([a-z]\w*) +([a-z]+(?: precision)?(?:\([\d, ]+\))?(?:\[\])?)(.*)$",
            body,
            re.MULTILINE,
        )
    }
    said = {
        name.removeprefix(f"{relation}."): text
        for (kind, name), text in comments.items()
        if kind == "COLUMN" and name.startswith(f"{relation}.")
    }
    if made and (wrong := made.keys() ^ said.keys()):
        raise ValueError(f"{relation}: column without a comment, or the reverse: {sorted(wrong)}")
    primary = re.findall(r"^    PRIMARY KEY \((.*)\)", body, re.MULTILINE)
    keys = set(primary[0].split(", ")) if primary else set()
    return [
        Column(name, kind, is_nullable and name not in keys, text)
        for name, text in said.items()
        for kind, is_nullable in [made.get(name, ("", False))]
    ]


def _key(body: str) -> str:
    alone = re.findall(r"^    (\w+) .*PRIMARY KEY", body, re.MULTILINE)
    together = re.findall(r"^    PRIMARY KEY \((.*)\)", body, re.MULTILINE)
    key = (alone + together)[:1]
    return f"Primary key: `{key[0]}`.\n" if key else ""


def _row(column: Column) -> list[str]:
    null = "null" if column.is_nullable else ""
    return [f"`{column.name}`", column.type, null, column.comment]


# --------------------------------------------------------------------- settings, tour


def settings_table() -> str:
    """Return the README's table of settings."""
    return table(
        ["Variable", "Default", "Meaning"],
        [
            [
                f"`{variable_name(name)}`",
                _default(field.default),
                field.description or "",
            ]
            for name, field in Settings.model_fields.items()
        ],
    )


def _default(value: float | str | None) -> str:
    if value is None:
        return ""
    return f"`{value}`" if isinstance(value, str) else f"{value:.10g}"


def commands_page() -> str:
    """Return the reference of the command line, from the help of its commands."""
    import typer
    from typer.cli import get_docs_for_click

    from filmpulse.cli import app

    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="filmpulse")
    return (
        f"<!-- Made by `make docs`: edit the help of the command instead. -->\n\n{text.strip()}\n"
    )


def number_lines(text: str) -> str:
    """Give every link of the tour the line on which its file holds the text it names.

    Raises:
        ValueError: A file does not hold the text.
    """

    def renew(link: re.Match[str]) -> str:
        path, wanted = link["path"], link["text"]
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            if wanted in line:
                return f"](../{path}#L{number} '{wanted}')"
        raise ValueError(f"docs/tour.md: {path} does not hold {wanted!r}")

    return TOUR_LINK.sub(renew, text)


def main(arguments: list[str]) -> int:
    """Write what is stale, or with `--check` name it; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/generate.py [--check]\n")
        return 2
    stale = [
        (path, text)
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        name = path.relative_to(ROOT)
        if arguments:
            sys.stderr.write(f"{name} is stale: run `make docs` and commit it.\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name} written.\n")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
