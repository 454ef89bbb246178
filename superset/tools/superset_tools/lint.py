"""Check the assets before Superset reads them, as it accepts most mistakes without an error.

    python -m superset_tools.lint [--fix] [FOLDER]

Prints all problems, each as one line: `file: field: what, and what to do`. `--fix` first writes
each file in its normal form.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from superset_tools import bundle, charts, sql, structure
from superset_tools.bundle import ASSETS_FOLDER
from superset_tools.charts import Chart, Dataset
from superset_tools.schema import ASSETS, Doc

MARTS = Path(__file__).with_name("mart_columns.json")
CONFIG = ASSETS_FOLDER.with_name("config") / "superset_config.py"
FIX = "make superset-lint FIX=--fix"
FILTERS = {"filter_select", "filter_range", "filter_time", "filter_timegrain", "filter_timecolumn"}
CACHE_SECONDS = (-1, 60, 600)  # -1: not at all
# Columns with people's words, which must not stay in Superset's cache when they are erased.
PEOPLES_WORDS = {"body", "quote"}

SECRETS = re.compile(
    r"XXXXXXXXXX|://[^/\s:@]+:[^/\s@]+@"
    r"|\b(?:password|passwd|secret|token|api_?key|private_?key)[\"']?\s*[:=]\s*[^\s,}]",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?:)?//[\w.-]+[^\s\"')]*", re.IGNORECASE)
_NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


def problems(root: Path = ASSETS_FOLDER) -> list[str]:
    """Return all problems below a folder of assets."""
    tree = bundle.read(root)
    content = Content(tree.docs, json.loads(MARTS.read_text("utf-8")))
    found = [*structure.problems(tree), *content.problems()]
    if not tree.problems:
        found += content.orphans()  # otherwise a file with a problem may need them
    for path, text in tree.texts.items():
        found += [f"{path}: {what}" for what in _secrets(text)]
        if path in tree.docs and (line := _first_difference(text, bundle.dump(tree.docs[path]))):
            found.append(f"{path}: line {line}: not as an export would write it: {FIX}")
    return sorted(set(found))


def fix(root: Path) -> list[str]:
    """Write every readable file in its normal form; return the paths of changed files."""
    tree = bundle.read(root)
    changed = {path: bundle.dump(doc) for path, doc in tree.docs.items()}
    changed = {path: text for path, text in changed.items() if text != tree.texts[path]}
    for path, text in changed.items():
        (root / path).write_text(text, "utf-8")
    return list(changed)


def _first_difference(text: str, normal: str) -> int | None:
    if text == normal:
        return None
    lines = enumerate(zip_longest(text.splitlines(), normal.splitlines()), 1)
    return next((number for number, (is_, wanted) in lines if is_ != wanted), text.count("\n"))


def _secrets(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if SECRETS.search(line):
            yield f"line {number}: looks like a secret; it comes from the environment, take it out"
        if "query_context" in line:
            yield f"line {number}: a query context does not follow later edits: {FIX}"


class Content:
    """The checks that need the marts and all assets."""

    def __init__(self, docs: dict[str, Doc], marts: Doc) -> None:
        """Take all assets in normal form, by path, and the content of `mart_columns.json`."""
        self.docs, self.relations = docs, marts["relations"]
        self.path = {doc["uuid"]: path for path, doc in docs.items()}
        functions = set(marts["functions"])
        self.datasets = {doc["uuid"]: Dataset(doc, functions) for _, doc in self._of("datasets")}
        self.charts = {
            doc["uuid"]: Chart(doc, self.datasets[doc["dataset_uuid"]])
            for _, doc in self._of("charts")
            if doc["dataset_uuid"] in self.datasets
        }
        self.schemes = {kind: _schemes(kind) for kind in ("CATEGORICAL", "SEQUENTIAL")}

    def _of(self, kind: str) -> Iterator[tuple[str, Doc]]:
        return ((path, doc) for path, doc in self.docs.items() if bundle.kind_of(path) == kind)

    def problems(self) -> Iterator[str]:
        """Yield the problems of each asset."""
        checks = dict(
            zip(ASSETS, (self._database, self._dataset, self._chart, self._dashboard), strict=True)
        )
        for path, doc in self.docs.items():
            said = [*checks[bundle.kind_of(path)](doc), *_links(doc)]
            yield from (f"{path}: {what}" for what in said)

    def orphans(self) -> Iterator[str]:
        """Report charts and datasets that no dashboard needs."""
        used: set[Any] = set()
        ahead = [doc["uuid"] for _, doc in self._of("dashboards")]
        while ahead:
            if (path := self.path.get(uuid := ahead.pop())) and uuid not in used:
                used.add(uuid)
                needs = bundle.references(bundle.kind_of(path), self.docs[path])
                ahead += [each.uuid for each in needs]
        # A dataset of an orphaned chart is no orphan.
        used |= {doc["dataset_uuid"] for _, doc in self._of("charts")}
        for path, doc in self._of("charts"):
            if doc["uuid"] not in used:
                yield f"{path}: no dashboard shows it: put it on one, or delete the file"
        for path, doc in self._of("datasets"):
            if doc["uuid"] not in used:
                yield f"{path}: no chart and no filter reads it: delete the file"

    def _database(self, doc: Doc) -> Iterator[str]:
        for key in ("allow_ctas", "allow_cvas", "allow_dml", "allow_csv_upload"):
            if doc.get(key):
                yield f"{key}: the marts are read only"

    def _dataset(self, doc: Doc) -> Iterator[str]:
        dataset = self.datasets[doc["uuid"]]
        if doc["schema"] != "mart":
            yield f"schema: must be mart, not {doc['schema']}: Superset may read nothing else"
        if doc.get("cache_timeout") not in CACHE_SECONDS:
            yield f"cache_timeout: must be {' or '.join(map(str, CACHE_SECONDS))} seconds"
        elif doc["cache_timeout"] != -1 and (words := sorted(dataset.columns & PEOPLES_WORDS)):
            yield f"cache_timeout: must be -1: {', '.join(words)} holds what people wrote"
        if "description" not in doc:
            yield "description: is missing: say what one row is"
        yield from charts.markup("sql", doc.get("sql", ""))
        try:
            physical = self._physical(doc)
        except ValueError as error:
            yield str(error)
            physical = {}
        for column in doc["columns"]:
            yield from _column(column, dataset, physical)
        for metric in doc.get("metrics", []):
            at = f"metrics.{metric['metric_name']}"
            yield from dataset.check_sql(f"{at}.expression", metric["expression"])
            if metric["metric_name"] in dataset.columns:
                yield f"{at}: is the name of a column too; call it something else"
        if (main := doc.get("main_dttm_col")) and main not in dataset.temporal:
            yield f"main_dttm_col: {main} is no column with is_dttm"

    def _physical(self, doc: Doc) -> dict[str, str | None]:
        """Return a dataset's columns, with types if known; empty if the columns are not known.

        Raises:
            ValueError: There is no such mart, or the dataset's own SQL is wrong.
        """
        if "sql" not in doc:
            if (columns := self.relations.get(doc["table_name"])) is None:
                raise ValueError(
                    f"table_name: mart.{doc['table_name']} does not exist; if it is new, make docs"
                )
            return dict(columns)
        try:
            for name in sorted(sql.relations(doc["sql"])):
                schema, _, relation = name.rpartition(".")
                if schema != "mart" or relation not in self.relations:
                    raise ValueError(f"{name} is no relation of the marts")
            return dict.fromkeys(sql.outputs(doc["sql"], self.relations))
        except ValueError as error:
            raise ValueError(f"sql: {error}") from error

    def _chart(self, doc: Doc) -> Iterator[str]:
        params, chart = doc["params"], self.charts.get(doc["uuid"])
        if "description" not in doc:
            yield "description: is missing: say what the chart shows, and its unit"
        for name, kind in (("color_scheme", "CATEGORICAL"), ("linear_color_scheme", "SEQUENTIAL")):
            yield from self._scheme(f"params.{name}", params.get(name), kind)
        if doc["viz_type"] not in charts.CHARTS:
            yield (
                f"viz_type: {doc['viz_type']} is not known: use another, or add it to CHARTS in "
                "charts.py with the parameters that it reads"
            )
        elif chart is not None:
            yield from chart.problems()
        for layer in params.get("annotation_layers", []):
            at = f"params.annotation_layers.{layer.get('name')}"
            if layer.get("sourceType") == "NATIVE":
                yield f"{at}: lives in one Superset only"
        for layer in bundle.annotations_of(doc):
            yield from self._annotation(f"params.annotation_layers.{layer.get('name')}", layer)

    def _annotation(self, at: str, layer: Doc) -> Iterator[str]:
        if (source := self.charts.get(layer.get("value", ""))) is None:
            return
        named = {key: layer.get(key) for key in ("titleColumn", "timeColumn", "intervalEndColumn")}
        columns = [(f"{at}.{key}", column) for key, column in named.items() if column]
        columns += [(at, column) for column in layer.get("descriptionColumns") or []]
        for place, column in columns:
            if column not in source.drawn():
                yield f"{place}: {column} is no column of {self.path[layer['value']]}"

    def _scheme(self, at: str, scheme: str | None, kind: str) -> Iterator[str]:
        if scheme and scheme not in self.schemes[kind]:
            known = ", ".join(sorted(self.schemes[kind]))
            yield f"{at}: {scheme} is not known; there are {known}"

    def _dashboard(self, doc: Doc) -> Iterator[str]:
        metadata = doc["metadata"]
        if "description" not in doc:
            yield "description: is missing: say which question it answers"
        if not doc.get("published"):
            yield "published: must be true; a draft is for its owner only"
        if metadata.get("cross_filters_enabled") is not True:
            yield "metadata.cross_filters_enabled: must be true"
        yield from self._scheme(
            "metadata.color_scheme", metadata.get("color_scheme"), "CATEGORICAL"
        )
        if found := re.search(r"url\s*\(|@import|https?:", doc.get("css", ""), re.IGNORECASE):
            yield f"css: `{found[0]}` would ask another host"
        filters = [
            (at, one) for at, one in bundle.filters_of(doc) if "native_filter_configuration" in at
        ]
        ids = [one.get("id") for _, one in filters]
        for at, one in filters:
            if not one.get("id") or ids.count(one["id"]) > 1:
                yield f"{at}: every filter needs its own id"
            if one.get("type", "NATIVE_FILTER") == "NATIVE_FILTER":
                yield from (f"{at}{what}" for what in self._native_filter(one, doc, ids))

    def _native_filter(self, one: Doc, dashboard: Doc, ids: list[Any]) -> Iterator[str]:
        kind = one.get("filterType")
        if kind not in FILTERS:
            yield f".filterType: must be one of {', '.join(sorted(FILTERS))}, not {kind}"
            return
        if not one.get("name"):
            yield ".name: is missing"
        for parent in one.get("cascadeParentIds") or []:
            if parent not in ids:
                yield f".cascadeParentIds: {parent} is no filter here"
        if kind == "filter_select" and one.get("controlValues", {}).get("creatable") is not False:
            yield ".controlValues.creatable: must be false, or a typing error empties every chart"
        in_scope = reach(one, dashboard["position"])
        if not in_scope:
            yield ".scope: reaches no chart"
        reached = {self.path[uuid]: self.charts[uuid] for uuid in in_scope if uuid in self.charts}
        if kind in ("filter_select", "filter_range"):
            for target in one.get("targets") or [{}]:
                yield from self._target(target, reached)
        elif kind == "filter_time":
            for path, chart in reached.items():
                if not chart.has_time():
                    yield (
                        f".scope: reaches {path}, which names no time column: give it a temporal "
                        "x_axis, a TEMPORAL_RANGE filter or granularity_sqla, or exclude the chart"
                    )

    def _target(self, target: Doc, reached: dict[str, Chart]) -> Iterator[str]:
        column = target.get("column", {}).get("name")
        source = self.datasets.get(target.get("datasetUuid", ""))
        if source is not None and column not in source.columns:
            yield f".targets: {column} is no column of {source.name}"
        for path, chart in reached.items():
            if column not in chart.dataset.columns:
                yield (
                    f".scope: reaches {path}, whose dataset {chart.dataset.name} has no column "
                    f"{column}: Superset would not filter it and not say so; add the column, or "
                    "exclude the chart"
                )


def _column(column: Doc, dataset: Dataset, physical: dict[str, str | None]) -> Iterator[str]:
    """Check a column of a dataset against the columns of its mart, if those are known."""
    name, kind = column["column_name"], sql.family(column.get("type", ""))
    at = f"columns.{name}"
    if "expression" in column:
        yield from dataset.check_sql(f"{at}.expression", column["expression"])
    elif "type" not in column:
        yield f"{at}.type: is missing"
    elif physical and name not in physical:
        yield f"{at}: mart.{dataset.name} has no such column; if it is new, make docs"
    elif (known := physical.get(name)) and sql.family(known) != kind:
        yield f"{at}.type: is {known} in mart.{dataset.name}, not {column['type']}"
    is_time = kind == "time"
    if is_time != column.get("is_dttm", False) and "python_date_format" not in column:
        yield f"{at}.is_dttm: must be {str(is_time).lower()} for {column.get('type')}"


def reach(one: Doc, position: Doc) -> set[str]:
    """Return the UUIDs of the charts in a native filter's scope, in its dashboard's layout."""
    scope = one.get("scope", bundle.WHOLE_DASHBOARD)
    roots, excluded = set(scope.get("rootPath", [])), set(scope.get("excluded", []))
    above = bundle.parents(position)
    return {
        node["meta"]["uuid"]
        for key, node in position.items()
        if node["type"] == "CHART" and roots & set(above.get(key, []))
    } - excluded


def _schemes(kind: str) -> set[str]:
    """Return the ids of the colour schemes in Superset's configuration, without running it."""
    for node in ast.parse(CONFIG.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and f"EXTRA_{kind}_COLOR_SCHEMES" in ast.unparse(node):
            found: list[Doc] = ast.literal_eval(
                re.sub(r"\b_[A-Z]+\b", "0", ast.unparse(node.value))
            )
            return {scheme["id"] for scheme in found}
    raise LookupError(f"{CONFIG}: no EXTRA_{kind}_COLOR_SCHEMES")


def _links(value: Any, at: str = "") -> Iterator[str]:
    """Report addresses of other hosts in any text."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _links(each, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for each in value:
            yield from _links(each, at)
    elif isinstance(value, str):
        for link in _LINK.findall(value):
            if link.startswith(("http", "//")) and link not in _NAMESPACES:
                yield f"{at}: {link}: no page may ask another host; use {bundle.PLACEHOLDER} or /"


def main() -> None:
    """Check the assets of this checkout, or of the folder of the argument."""
    parser = argparse.ArgumentParser(description="Check the assets.", allow_abbrev=False)
    parser.add_argument("--fix", action="store_true", help="write each file in its normal form")
    parser.add_argument("folder", nargs="?", type=Path, default=ASSETS_FOLDER)
    asked = parser.parse_args()
    if asked.fix:
        for path in fix(asked.folder):
            print(f"wrote {path}")  # noqa: T201
    found = problems(asked.folder)
    if found:
        sys.exit("\n".join([*found, f"{len(found)} problems in {asked.folder}"]))
    print(f"{asked.folder}: nothing wrong")  # noqa: T201


if __name__ == "__main__":
    main()
