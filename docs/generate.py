"""Write the parts of the documents that the code already says; `--check` only looks.

What comes from where:

* `docs/DAGs.md` and the README's DAG table: the docstring and `@dag(...)` of each `dags/*.py`.
* `docs/data_dictionary.md`, and the lint's `mart_columns.json`: the catalogue of a migrated
  database.
* The README's settings table: the fields of `filmpulse.config.Settings`.
* The schema beside the prompt: `filmpulse.analysis.llm.schema`.
* The figures in the analysis' README: the keyless analyser on the gold sets.
* The line numbers of `docs/tour.md`: the text that each link names in its title.

Starts a throwaway Postgres for the catalogue (some seconds); needs no Airflow. The same checkout
always gives the same bytes.
"""

from __future__ import annotations

import ast
import json
import re
import secrets
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filmpulse.analysis.evaluation import Case, Report, measure
from filmpulse.analysis.gold import GoldLine
from filmpulse.analysis.llm import prompt
from filmpulse.analysis.llm.schema import answer_schema
from filmpulse.config import Settings, variable_name
from filmpulse.items import ASPECTS, Analysis, AspectScore
from filmpulse.jobs import evaluate

if TYPE_CHECKING:
    import psycopg

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / f"include/filmpulse/analysis/prompts/{prompt.NAME}.json"

# [label](../path#L12 'text'): the line is that of the first occurrence of the text in the file.
TOUR_LINK = re.compile(r"\]\(\.\./(?P<path>[^)#\s]+)#L\d+ '(?P<text>[^']+)'\)")

GOLD_HEAD = (
    "language", "voice", "half", "reviews", "F1 of four", "F1 of themes", "sign right", "balanced",
    "overall", "two hands: F1 of four", "sign right", "overall",
)  # fmt: skip

BY_HAND = "<!-- Made by `make docs`: edit {source} instead. -->\n"


class Dag(NamedTuple):
    """One DAG as its file describes it; `facts` are the Kind, Writes and Needs of its doc_md."""

    dag_id: str
    schedule: str
    doc: str
    facts: dict[str, str]


def documents() -> dict[Path, str]:
    """Return each document that needs no database, and what it should hold."""
    dags = [read_dag(path) for path in sorted((ROOT / "dags").glob("*.py"))]
    readme, tour = ROOT / "README.md", ROOT / "docs/tour.md"
    analysis = ROOT / "include/filmpulse/analysis/README.md"
    text = readme.read_text(encoding="utf-8")
    text = fill(text, "dags", dag_overview(dags))
    text = fill(text, "settings", settings_table())
    return {
        readme: text,
        SCHEMA: json.dumps(answer_schema(), indent=2) + "\n",
        analysis: fill(analysis.read_text(encoding="utf-8"), "gold", gold_figures()),
        tour: number_lines(tour.read_text(encoding="utf-8")),
        ROOT / "docs/commands.md": commands_page(),
        ROOT / "docs/DAGs.md": dags_page(dags),
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
        raise ValueError(f"There are {found[1]} places for the generated {name}, not one")
    return found[0]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


# ------------------------------------------------------------------------------- figures


def gold_figures() -> str:
    """Return how the keyless analyser reads the gold sets, and how far two people agree on them."""
    rows = []
    for path in sorted((ROOT / "tests/fixtures/gold").glob("*.jsonl")):
        for (voice, half), lines in sorted(gold_parts(path).items(), reverse=True):
            gold = [GoldLine.model_validate(line) for line in lines]
            found = evaluate(gold, ["lexicon"], Settings())["lexicon"].report
            people = [Case(one, by_writer(line)) for one, line in zip(gold, lines, strict=True)]
            meant = measure(people, seconds=0, cost_usd=0)
            figures = [*gold_row(found), *gold_row(meant)[::2]]
            rows.append([path.stem, voice, half, str(len(gold)), *figures])
    return table(GOLD_HEAD, rows)


def gold_parts(path: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the lines of a gold set by voice and half."""
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        parts.setdefault((line.get("voice", "mixed"), line["half"]), []).append(line)
    return parts


def by_writer(line: dict[str, Any]) -> Analysis:
    """Return what the writer of a gold line meant, where that is not what the other hand read."""
    meant = line.get("writer", line)
    aspects = [AspectScore(aspect=name, score=score) for name, score in meant["aspects"].items()]
    return Analysis(
        source="gold",
        review_id=line["id"],
        imdb_id="tt0000000",
        content_hash="",
        status="scored",
        overall=meant["overall"],
        aspects=tuple(aspects),
    )


def gold_row(report: Report) -> list[str]:
    """Return the cells of a report: F1 of four aspects and of themes, signs, and the whole."""
    four = [report.aspects[aspect].f1 or 0 for aspect in ASPECTS[:-1]]
    figures = [
        sum(four) / len(four),
        report.aspects[ASPECTS[-1]].f1,
        report.pooled.mean_sign_agreement,
        report.pooled.balanced_accuracy,
        report.overall.spearman,
    ]
    return ["-" if figure is None else f"{figure:.2f}" for figure in figures]


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
    return Dag(dag_id, _worded(schedule), doc, facts)


def _worded(schedule: str) -> str:
    """Say when a DAG runs, by the value of its `schedule`."""
    if both := re.match(r"AssetOrTimeSchedule\(.*CronTriggerTimetable\('([^']+)'", schedule):
        return f"`{both[1]}`, and after loads"
    return "when triggered" if schedule == "None" else f"`{schedule}`"


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


# ------------------------------------------------------------------- database catalogue

_RELATIONS = """
SELECT n.nspname AS schema, c.relname AS name,
       CASE c.relkind WHEN 'r' THEN 'Table' WHEN 'v' THEN 'View' ELSE 'Materialized view' END
           AS kind,
       obj_description(c.oid, 'pg_class') AS comment,
       (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'p') AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('core', 'mart', 'ops', 'catalogue_live') AND c.relkind IN ('r', 'v', 'm')
  AND c.relname <> 'schema_revision'
UNION ALL
SELECT n.nspname, p.proname,
       format('Function `(%s) → %s`', pg_get_function_arguments(p.oid),
              pg_get_function_result(p.oid)),
       obj_description(p.oid, 'pg_proc'), NULL
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('core', 'mart', 'ops', 'catalogue_live')
ORDER BY schema, name"""

# The catalogue and not information_schema, which leaves materialised views out.
_COLUMNS = """
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type, format_type(a.atttypid, NULL) AS bare_type,
       c.relkind = 'r' AND NOT a.attnotnull AS is_nullable,
       col_description(c.oid, a.attnum) AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('core', 'mart', 'ops', 'catalogue_live') AND c.relkind IN ('r', 'v', 'm')
  AND c.relname <> 'schema_revision'
ORDER BY schema, relation, a.attnum"""

_SCHEMAS = """
SELECT nspname AS name, obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace
WHERE nspname IN ('core', 'mart', 'ops', 'catalogue_live') ORDER BY name"""

Row = dict[str, Any]


def from_catalogue(url: str) -> dict[Path, str]:
    """Return each document that is read from a migrated database, and what it should hold.

    Raises:
        ValueError: A table, view, function or column has no comment.
    """
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(url, row_factory=dict_row) as connection:
        columns = connection.execute(_COLUMNS).fetchall()
        return {
            ROOT / "docs/data_dictionary.md": data_dictionary(connection, columns),
            ROOT / "superset/tools/superset_tools/mart_columns.json": mart_columns(
                connection, columns
            ),
        }


def from_throwaway() -> dict[Path, str]:
    """Return what `from_catalogue` does of a new database on a throwaway server."""
    from filmpulse.local import ports
    from filmpulse.local.postgres import Throwaway, address
    from filmpulse.warehouse.migrate import migrate

    password = secrets.token_hex(8)
    with (
        tempfile.TemporaryDirectory(prefix="filmpulse-docs-") as directory,
        Throwaway(Path(directory), ports.choose(), password) as server,
    ):
        server.add_owner("filmpulse", password, "CREATEROLE")
        url = address("filmpulse", password, server.port, "filmpulse")
        migrate(url)
        return from_catalogue(url)


def data_dictionary(connection: psycopg.Connection[Row], columns: list[Row]) -> str:
    """Return docs/data_dictionary.md."""
    relations = connection.execute(_RELATIONS).fetchall()
    bare = [f"{r['schema']}.{r['name']}" for r in relations if not r["comment"]]
    bare += [f"{c['schema']}.{c['relation']}.{c['name']}" for c in columns if not c["comment"]]
    if bare:
        raise ValueError(f"without a comment: {', '.join(bare)}")
    of = {
        key: [_row(column) for column in rows]
        for key, rows in groupby(columns, lambda c: (c["schema"], c["relation"]))
    }
    source = "the comments in `include/filmpulse/warehouse`"
    page = [f"# Data dictionary\n\n{BY_HAND.format(source=source)}\n"]
    page.append("Times are `timestamptz` in UTC. Superset sees the schema `mart` and no other.\n")
    for schema in connection.execute(_SCHEMAS).fetchall():
        said = schema["comment"].partition(" Made from ")[0]  # the marts' hash is no news
        page.append(f"\n## {schema['name']}\n\n{said}\n")
        for r in relations:
            if r["schema"] != schema["name"]:
                continue
            page.append(f"\n### {r['schema']}.{r['name']}\n\n{r['kind']}. {r['comment']}\n")
            if r["key"]:
                page.append(f"Primary key: `{r['key'].partition('(')[2].rstrip(')')}`.\n")
            if rows := of.get((r["schema"], r["name"])):
                page.append("\n" + table(["Column", "Type", "Null", "Meaning"], rows))
    return "".join(page)


def _row(column: Row) -> list[str]:
    null = "null" if column["is_nullable"] else ""
    kind = column["type"].replace("timestamp with time zone", "timestamptz")
    return [f"`{column['name']}`", kind, null, column["comment"]]


def mart_columns(connection: psycopg.Connection[Row], columns: list[Row]) -> str:
    """Return what the lint of the dashboards knows of the marts, so that it needs no database.

    JSON: `relations` holds the type of each column by relation and column, without length or
    precision; `functions` the names of the functions in the schema. All sorted.
    """
    relations: dict[str, dict[str, str]] = {}
    for c in sorted(columns, key=lambda c: (c["relation"], c["name"])):
        if c["schema"] == "mart":
            relations.setdefault(c["relation"], {})[c["name"]] = c["bare_type"]
    functions = [
        r["name"]
        for r in connection.execute(_RELATIONS)
        if r["schema"] == "mart" and r["kind"].startswith("Function")
    ]
    return json.dumps({"functions": functions, "relations": relations}, indent=1) + "\n"


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


def _default(value: float | str | dict[str, str] | None) -> str:
    if value is None or isinstance(value, dict):
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
        for path, text in (documents() | from_throwaway()).items()
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
