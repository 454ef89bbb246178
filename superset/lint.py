"""Check the assets before Superset sees them: it accepts most mistakes without a word.

    python superset/lint.py [--fix] [FOLDER]

Needs PyYAML only. Every problem is one line, `file: field: what, and what to do`; all are told at
once. `--fix` writes each file in its normal form, and checks then.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bundle
from bundle import Doc

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
MARTS = HERE / "mart_columns.json"
CONFIG = HERE / "superset_config.py"
DATABASE = "databases/warehouse.yaml"
FIX = "python superset/lint.py --fix"
STEM = re.compile(r"[a-z0-9][a-z0-9_-]*")  # of a file's name


@dataclass(frozen=True)
class Reads:
    """Which parameters of a chart type name metrics and columns.

    Attributes:
        metrics: A metric or a list of them.
        columns: A column or a list of them.
        needs: Those without which it draws nothing; of a tuple, one is enough.
    """

    metrics: tuple[str, ...]
    columns: tuple[str, ...]
    needs: tuple[str | tuple[str, ...], ...]


_SERIES = Reads(
    ("metrics", "timeseries_limit_metric"), ("x_axis", "groupby"), ("x_axis", "metrics")
)
# The chart types that may be used: those that were seen to draw well under our configuration. A new
# one is added with what its control panel reads.
CHARTS: dict[str, Reads] = {
    "big_number": Reads(("metric",), ("x_axis",), ("metric", "x_axis")),
    "big_number_total": Reads(("metric",), (), ("metric",)),
    "box_plot": Reads(
        ("metrics", "timeseries_limit_metric"), ("columns", "groupby"), ("metrics", "columns")
    ),
    "bubble_v2": Reads(("x", "y", "size", "orderby"), ("entity", "series"), ("x", "y", "size")),
    "echarts_timeseries_bar": _SERIES,
    "echarts_timeseries_line": _SERIES,
    "heatmap_v2": Reads(("metric",), ("x_axis", "groupby"), ("x_axis", "groupby", "metric")),
    "histogram_v2": Reads((), ("column", "groupby"), ("column",)),
    "mixed_timeseries": Reads(
        ("metrics", "metrics_b", "timeseries_limit_metric", "timeseries_limit_metric_b"),
        ("x_axis", "groupby", "groupby_b"),
        ("x_axis", "metrics", "metrics_b"),
    ),
    "radar": Reads(("metrics", "timeseries_limit_metric"), ("groupby",), ("metrics",)),
    "table": Reads(
        ("metrics", "percent_metrics", "timeseries_limit_metric"),
        ("groupby", "all_columns"),
        (("metrics", "percent_metrics", "groupby", "all_columns"),),
    ),
}
FILTERS = {"filter_select", "filter_range", "filter_time", "filter_timegrain", "filter_timecolumn"}
CACHE_SECONDS = (-1, 60, 600)  # -1: not at all
# What people wrote: erased there, it must not live on in a file of Superset's cache.
PEOPLES_WORDS = {"body", "quote"}
# Texts of a fixed list of ours: the only ones that may stand beside HTML as they are.
FIXED_TEXTS = {"aspect", "grade_band", "score_label"}

# Which box may hold what: superset-frontend, dashboard/util/isValidChild.ts.
_CONTENT = {"CHART", "MARKDOWN", "HEADER", "DIVIDER"}
_HOLDS = {
    "ROOT": {"GRID", "TABS"},
    "GRID": _CONTENT | {"ROW", "COLUMN", "TABS"},
    "TABS": {"TAB"},
    "TAB": _CONTENT | {"ROW", "COLUMN", "TABS"},
    "ROW": {"CHART", "MARKDOWN", "COLUMN"},
    "COLUMN": _CONTENT | {"ROW", "TABS"},
}
_SIZES = {"CHART": ("width", "height"), "MARKDOWN": ("width", "height"), "COLUMN": ("width",)}
ROW_WIDTH = 12

# Types of Postgres and of Superset that mean the same to a chart.
_FAMILIES = {
    "time": r"date|datetime|timestamp( with(out)? time zone)?|timestamptz",
    "number": r"smallint|integer|int|bigint|numeric|decimal|real|double precision|float",
    "text": r"text|character varying|varchar|character|char|string|uuid",
    "boolean": r"boolean|bool",
}

SECRETS = re.compile(
    r"XXXXXXXXXX|://[^/\s:@]+:[^/\s@]+@"
    r"|\b(?:password|passwd|secret|token|api_?key|private_?key)[\"']?\s*[:=]\s*[^\s,}]",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?:)?//[\w.-]+[^\s\"')]*", re.IGNORECASE)
# HTML is made by functions of the marts, so that escaping stands in one place.
_HTML = re.compile(r"\bmart\.html_(?!escape\b)\w+")
_MARKUP = re.compile(r"</?[a-z]+\b[^>]*>", re.IGNORECASE)
_NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


def structure(tree: bundle.Tree) -> list[str]:
    """Tell what would make a sync fail, or Superset silently draw something else."""
    docs = tree.docs
    found = [*tree.problems, *_names(docs), *_references(docs, tree.left_out()), *_layouts(docs)]
    if not tree.problems and DATABASE not in docs:
        found.append(f"{DATABASE}: is missing: is this the folder of assets?")
    return found


def problems(root: Path = ASSETS) -> list[str]:
    """Tell everything that is wrong below a folder of assets; empty if nothing is."""
    tree = bundle.read(root)
    content = _Content(tree.docs, json.loads(MARTS.read_text("utf-8")))
    found = [*structure(tree), *content.problems()]
    if not tree.problems:
        found += content.orphans()  # what is left out may use them
    for path, text in tree.texts.items():
        found += [f"{path}: {what}" for what in _secrets(text)]
        if path in tree.docs and (line := _first_difference(text, bundle.dump(tree.docs[path]))):
            found.append(f"{path}: line {line}: not as an export would write it: {FIX}")
    return sorted(set(found))


def fix(root: Path) -> list[str]:
    """Write every readable file in its normal form; return those that changed."""
    tree = bundle.read(root)
    changed = []
    for path, doc in tree.docs.items():
        if tree.texts[path] != (text := bundle.dump(doc)):
            (root / path).write_text(text, "utf-8")
            changed.append(path)
    return changed


def _first_difference(text: str, normal: str) -> int | None:
    if text == normal:
        return None
    lines, wanted = text.splitlines(), normal.splitlines()
    same = (
        number
        for number, pair in enumerate(zip(lines, wanted, strict=False), 1)
        if pair[0] != pair[1]
    )
    return next(same, min(len(lines), len(wanted)) + 1)


def _secrets(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if SECRETS.search(line):
            yield f"line {number}: looks like a secret; it comes from the environment, take it out"
        if "query_context" in line:
            yield f"line {number}: a query context does not follow later edits: {FIX}"


# --- What every sync depends on ----------------------------------------------------------------


def _names(docs: dict[str, Doc]) -> Iterator[str]:
    """Unique UUIDs, slugs and tables; files named by them; one database."""
    for field, what in (("uuid", None), ("slug", "dashboards"), ("table_name", "datasets")):
        seen: dict[str, str] = {}
        for path, doc in docs.items():
            if (
                what in (None, bundle.kind_of(path))
                and (first := seen.setdefault(doc[field], path)) != path
            ):
                yield f"{path}: {field}: {doc[field]} is that of {first}; give it its own"
    for path, doc in docs.items():
        kind, stem = bundle.kind_of(path), Path(path).stem
        name = {"dashboards": "slug", "datasets": "table_name", "databases": "database_name"}
        if kind in name and stem.replace("-", "_") != doc[name[kind]].replace("-", "_"):
            yield f"{path}: {name[kind]}: rename the file to {doc[name[kind]]}.yaml"
        elif not STEM.fullmatch(stem):
            yield f"{path}: the file's name must be small letters, digits, - and _"
        if kind == "databases" and path != DATABASE:
            yield f"{path}: there is one database, {DATABASE}"
    tables = {
        doc["uuid"]: doc["table_name"]
        for path, doc in docs.items()
        if bundle.kind_of(path) == "datasets"
    }
    for path, doc in docs.items():
        table = tables.get(doc.get("dataset_uuid", ""))
        if table and Path(path).parent.name != table:
            yield f"{path}: reads {table}: move the file to {bundle.chart_folder(table)}"


def _references(docs: dict[str, Doc], left_out: set[str]) -> Iterator[str]:
    """Every UUID leads to an asset of the right kind."""
    known = {
        kind: left_out | {doc["uuid"] for path, doc in docs.items() if bundle.kind_of(path) == kind}
        for kind in bundle.FIELDS
    }
    for path, doc in docs.items():
        kind = bundle.kind_of(path)
        if kind == "datasets" and doc["database_uuid"] not in known["databases"]:
            yield f"{path}: database_uuid: {doc['database_uuid']} is no database here"
        if kind == "charts":
            if doc["dataset_uuid"] not in known["datasets"]:
                yield f"{path}: dataset_uuid: {doc['dataset_uuid']} is no dataset here"
            for layer in bundle.annotations_of(doc):
                if layer.get("value") not in known["charts"]:
                    yield (
                        f"{path}: params.annotation_layers.{layer.get('name')}.value: must be the "
                        f"UUID of a chart here, not {layer.get('value')!r}"
                    )
        if kind == "dashboards":
            yield from _dashboard_references(path, doc, known)


def _dashboard_references(path: str, doc: Doc, known: dict[str, set[str]]) -> Iterator[str]:
    on_it = bundle.charts_of(doc)
    for key, node in doc["position"].items():
        if node["type"] == "CHART" and node["meta"]["uuid"] not in known["charts"]:
            yield f"{path}: position.{key}.meta.uuid: {node['meta']['uuid']} is no chart here"
    metadata = doc["metadata"]
    for key in bundle.FILTER_LISTS:
        for one in metadata.get(key, []):
            at = f"{path}: {_at(key, one)}"
            for target in one.get("targets", []):
                if "datasetId" in target:
                    yield f"{at}.targets: an id differs between servers; give `datasetUuid`"
                elif target and target.get("datasetUuid") not in known["datasets"]:
                    yield f"{at}.targets: {target.get('datasetUuid')} is no dataset here"
            scope = one.get("scope", bundle.WHOLE_DASHBOARD)
            for box in scope.get("rootPath", []):
                if box not in doc["position"]:
                    yield f"{at}.scope.rootPath: {box} is not in `position`"
            yield from _on_it(f"{at}.scope.excluded", scope.get("excluded", []), on_it)
    crossing = metadata.get("chart_configuration", {})
    yield from _on_it(f"{path}: metadata.chart_configuration", crossing, on_it)
    for uuid, one in crossing.items():
        excluded = one["crossFilters"]["scope"].get("excluded", [])
        yield from _on_it(f"{path}: metadata.chart_configuration.{uuid}", excluded, on_it)
    everywhere = metadata.get("global_chart_configuration", {}).get("scope", {})
    yield from _on_it(
        f"{path}: metadata.global_chart_configuration", everywhere.get("excluded", []), on_it
    )
    for key in ("expanded_slices", "timed_refresh_immune_slices"):
        yield from _on_it(f"{path}: metadata.{key}", metadata.get(key, []), on_it)


def _on_it(at: str, charts: Any, on_it: set[str]) -> Iterator[str]:
    for chart in charts:
        if chart not in on_it:
            yield f"{at}: {chart} is no chart on this dashboard"


def _at(key: str, one: Doc) -> str:
    return f"metadata.{key}.{one.get('id', '(without id)')}"


def _layouts(docs: dict[str, Doc]) -> Iterator[str]:
    for path, doc in docs.items():
        if bundle.kind_of(path) == "dashboards":
            yield from (f"{path}: position.{what}" for what in _layout(doc["position"]))


def _layout(position: Doc) -> Iterator[str]:
    """One tree from ROOT_ID, each box in a box that may hold it, rows within twelve columns."""
    if position.get("ROOT_ID", {}).get("type") != "ROOT":
        yield "ROOT_ID: is missing: the tree begins there"
        return
    named = Counter(child for node in position.values() for child in node.get("children", []))
    reached = set(bundle.reading_order(position))
    for key, node in position.items():
        if key not in reached:
            yield f"{key}: cannot be reached from ROOT_ID: put it into a box, or delete it"
        if named[key] > 1:
            yield f"{key}: stands in {named[key]} boxes; leave it in one"
        if node["type"] in bundle.LEAVES and node.get("children"):
            yield f"{key}.children: a {node['type']} holds nothing"
        for size in _SIZES.get(node["type"], ()):
            value = node.get("meta", {}).get(size)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                yield f"{key}.meta.{size}: must be a whole number above 0, not {value!r}"
                return
        for child in node.get("children", []):
            if child not in position:
                yield f"{key}.children: {child} does not exist"
            elif (kind := position[child]["type"]) not in _HOLDS.get(node["type"], set()):
                yield f"{key}.children: a {node['type']} cannot hold {child}, a {kind}"
    if named["ROOT_ID"]:
        yield "ROOT_ID: stands in a box; it is the outermost"
    for key, node in position.items():
        if node["type"] == "ROW":
            children = (position.get(child, {}) for child in node.get("children", []))
            width = sum(child.get("meta", {}).get("width", 0) for child in children)
            if width > ROW_WIDTH:
                yield f"{key}: its boxes are {width} wide together; a row has {ROW_WIDTH}"


# --- What people would see ---------------------------------------------------------------------


class _Content:
    """Checks that need the marts and the whole tree."""

    def __init__(self, docs: dict[str, Doc], marts: Doc) -> None:
        self.relations, self.functions = marts["relations"], set(marts["functions"])
        self.kinds: dict[str, dict[str, Doc]] = {kind: {} for kind in bundle.FIELDS}
        for path, doc in docs.items():
            self.kinds[bundle.kind_of(path)][path] = doc
        self.datasets = {doc["uuid"]: Dataset(doc) for doc in self.kinds["datasets"].values()}
        self.charts = {doc["uuid"]: doc for doc in self.kinds["charts"].values()}
        self.path = {doc["uuid"]: path for path, doc in docs.items()}
        self.schemes = {kind: _schemes(kind) for kind in ("CATEGORICAL", "SEQUENTIAL")}

    def problems(self) -> Iterator[str]:
        """Name what is wrong with each asset."""
        checks = {
            "databases": self._database,
            "datasets": self._dataset,
            "charts": self._chart,
            "dashboards": self._dashboard,
        }
        for kind, check in checks.items():
            for path, doc in self.kinds[kind].items():
                yield from (f"{path}: {what}" for what in check(doc))
                yield from (f"{path}: {what}" for what in _links(doc))

    def orphans(self) -> Iterator[str]:
        """Name what no dashboard needs."""
        shown: set[Any] = set().union(*map(bundle.charts_of, self.kinds["dashboards"].values()))
        shown |= {
            layer.get("value")
            for uuid in shown & self.charts.keys()
            for layer in bundle.annotations_of(self.charts[uuid])
        }
        read = set().union(*map(bundle.datasets_of, self.kinds["dashboards"].values()))
        read |= {doc["dataset_uuid"] for doc in self.charts.values()}
        for path, doc in self.kinds["charts"].items():
            if doc["uuid"] not in shown:
                yield f"{path}: no dashboard shows it: put it on one, or delete the file"
        for path, doc in self.kinds["datasets"].items():
            if doc["uuid"] not in read:
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
        yield from _markup("sql", doc.get("sql", ""))
        relation = self._relation(doc)
        physical = None if isinstance(relation, str) else relation
        if isinstance(relation, str):
            yield relation
        for column in doc["columns"]:
            at = f"columns.{column['column_name']}"
            is_time = _family(column.get("type", "")) == "time"
            if "expression" in column:
                words = dataset.physical
                yield from self._sql(f"{at}.expression", column["expression"], words)
            elif "type" not in column:
                yield f"{at}.type: is missing"
            elif physical is not None:
                yield from _fits(at, column, physical, doc["table_name"])
            if is_time != column.get("is_dttm", False) and "python_date_format" not in column:
                yield f"{at}.is_dttm: must be {str(is_time).lower()} for {column.get('type')}"
        for metric in doc.get("metrics", []):
            at = f"metrics.{metric['metric_name']}"
            yield from self._sql(f"{at}.expression", metric["expression"], dataset.physical)
            if metric["metric_name"] in dataset.columns:
                yield f"{at}: is the name of a column too; call it something else"
        if (main := doc.get("main_dttm_col")) and main not in dataset.temporal:
            yield f"main_dttm_col: {main} is no column with is_dttm"

    def _relation(self, doc: Doc) -> dict[str, str | None] | str:
        """Return the columns to choose from, with known types; or else what is wrong."""
        if "sql" not in doc:
            columns = self.relations.get(doc["table_name"])
            return columns or (
                f"table_name: mart.{doc['table_name']} does not exist; if it is new, make docs"
            )
        sql = _without_quotes(doc["sql"])
        named = set(
            re.findall(r"\b(?:from|join)\s+(?!lateral\b)([a-z_][\w.]*)\b(?!\s*\()", sql, re.I)
        )
        own = set(
            re.findall(r"\b(\w+)\s*(?:\([\w\s,]*\)\s*)?as\s+(?:materialized\s+)?\(", sql, re.I)
        )
        found: dict[str, str | None] = dict.fromkeys(re.findall(r"\w+", sql))
        for name in sorted(named - own):
            schema, _, relation = name.rpartition(".")
            if schema != "mart" or relation not in self.relations:
                return f"sql: {name} is no relation of the marts"
            found |= dict.fromkeys(self.relations[relation])
        return found

    def _sql(self, at: str, sql: str, columns: set[str]) -> Iterator[str]:
        """Check that an expression names columns and functions that there are."""
        if "{{" in sql or "{%" in sql:
            yield f"{at}: templates are switched off"
            return
        yield from _markup(at, sql)
        for word, is_function in _words(sql):
            if is_function:
                schema, _, name = word.lower().rpartition(".")
                known = self.functions if schema == "mart" else FUNCTIONS
                if name not in known:
                    yield f"{at}: {word}() is no function that is known here"
            elif word == "SELECT":
                yield f"{at}: Superset allows no sub-query here; put it into a mart"
                return
            elif word not in columns:
                yield f"{at}: {word} is no column of the dataset"

    def _chart(self, doc: Doc) -> Iterator[str]:
        if "description" not in doc:
            yield "description: is missing: say what the chart shows, and its unit"
        params = doc["params"]
        yield from self._scheme("params.color_scheme", params.get("color_scheme"), "CATEGORICAL")
        yield from self._scheme(
            "params.linear_color_scheme", params.get("linear_color_scheme"), "SEQUENTIAL"
        )
        for layer in params.get("annotation_layers", []):
            if layer.get("sourceType") == "NATIVE":
                yield f"params.annotation_layers.{layer.get('name')}: lives in one Superset only"
        reads = CHARTS.get(doc["viz_type"])
        if reads is None:
            yield (
                f"viz_type: {doc['viz_type']} is not known: use another, or add it to CHARTS in "
                "superset/lint.py with the parameters that it reads"
            )
            return
        for need in reads.needs:
            names = (need,) if isinstance(need, str) else need
            if not any(params.get(name) for name in names):
                yield f"params.{' or '.join(names)}: is missing; {doc['viz_type']} needs it"
        yield from self._reads(doc, reads)
        for layer in bundle.annotations_of(doc):
            yield from self._annotation(layer)

    def _reads(self, doc: Doc, reads: Reads) -> Iterator[str]:
        """Check what a chart reads of its dataset, and what it draws of that."""
        params = doc["params"]
        dataset = self.datasets.get(doc["dataset_uuid"])
        shapes = dict.fromkeys(reads.metrics, (bundle.METRIC, [bundle.METRIC]))
        shapes |= dict.fromkeys(reads.columns, (bundle.COLUMN, [bundle.COLUMN]))
        wrong = list(bundle.misshapen(params, shapes, "params"))
        yield from wrong
        if dataset is None or wrong:
            return
        for name in reads.metrics:
            for metric in _listed(params.get(name)):
                yield from self._metric(f"params.{name}", metric, dataset)
        for name in (*reads.columns, "granularity_sqla"):
            for column in _listed(params.get(name)):
                yield from self._column(f"params.{name}", column, dataset)
        if (moment := params.get("granularity_sqla")) and moment not in dataset.temporal:
            yield f"params.granularity_sqla: {moment} is no column with is_dttm"
        for name in ("adhoc_filters", "adhoc_filters_b"):
            for one in params.get(name) or []:
                yield from self._filter(f"params.{name}", one, dataset, reads, params)
        for each in params.get("order_by_cols") or []:
            if found := re.fullmatch(r'\["(.+)", ?(?:true|false)\]', each):
                yield from self._column("params.order_by_cols", found[1], dataset)
            else:
                yield f'params.order_by_cols: must be like ["movie", true], not {each}'
        yield from self._drawn(doc, reads, dataset)

    def _drawn(self, doc: Doc, reads: Reads, dataset: Dataset) -> Iterator[str]:
        """Check that a chart draws, formats and sorts by what it has."""
        params = doc["params"]
        # Superset's default is true.
        if doc["viz_type"] == "table" and params.get("allow_render_html", True):
            yield from self._html(dataset, params)
        drawn = dataset.columns | _labels(reads, params)
        for one in params.get("conditional_formatting") or []:
            if (column := one.get("column")) not in drawn:
                yield f"params.conditional_formatting: {column!r} is no column of this table"
        for column in params.get("column_config") or {}:
            if str(column).removeprefix("%") not in drawn:
                yield f"params.column_config: {column!r} is no column or metric of this chart"
        if (sort := params.get("x_axis_sort")) and sort not in drawn:
            yield f"params.x_axis_sort: {sort!r} is no column or metric of this chart"

    def _html(self, dataset: Dataset, params: Doc) -> Iterator[str]:
        """Check that a table that draws HTML shows some, and nothing that others wrote as such."""
        at = "params.allow_render_html"
        metrics, columns = (
            [one for key in keys for one in _listed(params.get(key))]
            for keys in (("metrics", "percent_metrics"), ("groupby", "all_columns"))
        )
        if not any(map(dataset.makes_html, [*metrics, *columns])):
            yield f"{at}: must be false: no column or metric shown makes HTML"
        for column in columns:
            if not dataset.makes_html(column) and (
                isinstance(column, dict) or column in dataset.texts - FIXED_TEXTS
            ):
                name = column["label"] if isinstance(column, dict) else column
                yield f"{at}: {name} may hold what others wrote, and would be drawn as HTML"

    def _annotation(self, layer: Doc) -> Iterator[str]:
        source = self.charts.get(layer.get("value", ""))
        dataset = self.datasets.get(source["dataset_uuid"]) if source else None
        if source is None or dataset is None:
            return
        reads = CHARTS.get(source["viz_type"])
        shown = dataset.columns | (_labels(reads, source["params"]) if reads else set())
        for key in ("titleColumn", "timeColumn", "intervalEndColumn"):
            if (column := layer.get(key)) and column not in shown:
                yield (
                    f"params.annotation_layers.{layer.get('name')}.{key}: {column} is no column of "
                    f"{self.path[source['uuid']]}"
                )
        for column in layer.get("descriptionColumns") or []:
            if column not in shown:
                yield f"params.annotation_layers.{layer.get('name')}: {column} is no column there"

    def _scheme(self, at: str, scheme: str | None, kind: str) -> Iterator[str]:
        if scheme and scheme not in self.schemes[kind]:
            known = ", ".join(sorted(self.schemes[kind]))
            yield f"{at}: {scheme} is not known; there are {known}"

    def _metric(self, at: str, metric: Any, dataset: Dataset) -> Iterator[str]:
        if isinstance(metric, str):
            if metric not in dataset.metrics:
                yield f"{at}: {metric} is no metric of {dataset.name}"
        elif metric.get("expressionType") == "SQL":
            yield from self._sql(at, metric.get("sqlExpression") or "", dataset.physical)
        else:
            column = (metric.get("column") or {}).get("column_name")
            yield from self._column(at, column, dataset)

    def _column(self, at: str, column: Any, dataset: Dataset) -> Iterator[str]:
        if isinstance(column, dict):
            yield from self._sql(at, column.get("sqlExpression") or "", dataset.physical)
        elif column not in dataset.columns:
            yield f"{at}: {column} is no column of {dataset.name}"

    def _filter(
        self, at: str, one: Doc, dataset: Dataset, reads: Reads, params: Doc
    ) -> Iterator[str]:
        if one.get("expressionType") == "SQL":
            yield from self._sql(at, one.get("sqlExpression") or "", dataset.physical)
        elif one.get("clause") == "HAVING":
            if one.get("subject") not in dataset.metrics | _labels(reads, params):
                yield f"{at}: {one.get('subject')} is no metric of {dataset.name}"
        else:
            yield from self._column(at, one.get("subject"), dataset)

    def _dashboard(self, doc: Doc) -> Iterator[str]:
        if "description" not in doc:
            yield "description: is missing: say which question it answers"
        if not doc.get("published"):
            yield "published: must be true; a draft is for its owner only"
        metadata = doc["metadata"]
        if metadata.get("cross_filters_enabled") is not True:
            yield "metadata.cross_filters_enabled: must be true"
        yield from self._scheme(
            "metadata.color_scheme", metadata.get("color_scheme"), "CATEGORICAL"
        )
        if found := re.search(r"url\s*\(|@import|https?:", doc.get("css", ""), re.IGNORECASE):
            yield f"css: `{found[0]}` would ask another host"
        filters = metadata.get("native_filter_configuration", [])
        seen: set[Any] = set()
        for one in filters:
            if one.get("id") in seen or not one.get("id"):
                yield f"{_at('native_filter_configuration', one)}: every filter needs its own id"
            seen.add(one.get("id"))
        for one in filters:
            if one.get("type", "NATIVE_FILTER") == "NATIVE_FILTER":
                at = _at("native_filter_configuration", one)
                yield from (f"{at}{what}" for what in self._native_filter(one, doc, seen))

    def _native_filter(self, one: Doc, dashboard: Doc, ids: set[Any]) -> Iterator[str]:
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
        in_scope = sorted(reach(one, dashboard["position"]))
        if not in_scope:
            yield ".scope: reaches no chart"
        reached = [
            (self.charts[uuid], self.datasets[self.charts[uuid]["dataset_uuid"]])
            for uuid in in_scope
            if uuid in self.charts and self.charts[uuid]["dataset_uuid"] in self.datasets
        ]
        if kind in ("filter_select", "filter_range"):
            for target in one.get("targets") or [{}]:
                column = target.get("column", {}).get("name")
                source = self.datasets.get(target.get("datasetUuid"))
                if source is not None and column not in source.columns:
                    yield f".targets: {column} is no column of {source.name}"
                for chart, dataset in reached:
                    if column not in dataset.columns:
                        yield (
                            f".scope: reaches {self.path[chart['uuid']]}, whose dataset "
                            f"{dataset.name} has no column {column}: Superset would not filter it "
                            "and not say so; add the column, or exclude the chart"
                        )
        elif kind == "filter_time":
            for chart, dataset in reached:
                if not has_time(chart["params"], dataset):
                    yield (
                        f".scope: reaches {self.path[chart['uuid']]}, which names no time column: "
                        "give it a temporal x_axis, a TEMPORAL_RANGE filter or granularity_sqla, "
                        "or exclude the chart"
                    )


class Dataset:
    """A dataset's names."""

    def __init__(self, doc: Doc) -> None:
        """Read them."""
        self.name: str = doc["table_name"]
        self.columns = {column["column_name"] for column in doc["columns"]}
        self.physical = {c["column_name"] for c in doc["columns"] if "expression" not in c}
        self.temporal = {c["column_name"] for c in doc["columns"] if c.get("is_dttm")}
        self.metrics = {metric["metric_name"] for metric in doc.get("metrics", [])}
        self.texts = {
            c["column_name"] for c in doc["columns"] if _family(c.get("type", "")) == "text"
        }
        expressions = {c["column_name"]: c.get("expression", "") for c in doc["columns"]}
        expressions |= {m["metric_name"]: m["expression"] for m in doc.get("metrics", [])}
        if "sql" in doc:
            expressions["card"] = doc["sql"]
        self._html = {name for name, sql in expressions.items() if _HTML.search(sql)}

    def makes_html(self, one: Any) -> bool:
        """Say whether a column or metric of a chart, by name or with SQL of its own, makes HTML."""
        if isinstance(one, dict):
            return _HTML.search(one.get("sqlExpression") or "") is not None
        return one in self._html


def reach(one: Doc, position: Doc) -> set[str]:
    """Return the UUIDs of the charts that a native filter reaches by its scope.

    Args:
        one: The filter.
        position: The layout of its dashboard, in normal form.
    """
    scope = one.get("scope", bundle.WHOLE_DASHBOARD)
    roots, excluded = set(scope.get("rootPath", [])), set(scope.get("excluded", []))
    above = bundle.parents(position)
    return {
        node["meta"]["uuid"]
        for key, node in position.items()
        if node["type"] == "CHART" and roots & set(above.get(key, []))
    } - excluded


def has_time(params: Doc, dataset: Dataset) -> bool:
    """Say whether a time filter of the dashboard changes what the chart shows."""
    x_axis = params.get("x_axis")
    return (
        bool(params.get("granularity_sqla"))
        or (isinstance(x_axis, str) and x_axis in dataset.temporal)
        or any(
            one.get("operator") == "TEMPORAL_RANGE" and str(one.get("subject")) in dataset.temporal
            for one in params.get("adhoc_filters") or []
        )
    )


def _schemes(kind: str) -> set[str]:
    """Return the ids of the colour schemes in Superset's configuration, without running it."""
    for node in ast.parse(CONFIG.read_text("utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == f"EXTRA_{kind}_COLOR_SCHEMES":
            return {
                str(value.value)
                for scheme in ast.walk(node)
                if isinstance(scheme, ast.Dict)
                for key, value in zip(scheme.keys, scheme.values, strict=True)
                if isinstance(key, ast.Constant)
                and key.value == "id"
                and isinstance(value, ast.Constant)
            }
    raise LookupError(f"{CONFIG}: no EXTRA_{kind}_COLOR_SCHEMES")


def _markup(at: str, sql: str) -> Iterator[str]:
    if found := _MARKUP.search(sql):
        yield f"{at}: {found[0]}: HTML is made by functions of the marts (mart.html_...)"


def _links(value: Any, at: str = "") -> Iterator[str]:
    """Find addresses of other hosts in any text."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _links(each, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for each in value:
            yield from _links(each, at)
    elif isinstance(value, str) and "//" in value:
        for link in _LINK.findall(value):
            if link.startswith(("http", "//")) and link not in _NAMESPACES:
                yield f"{at}: {link}: no page may ask another host; use {bundle.PLACEHOLDER} or /"


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _labels(reads: Reads, params: Doc) -> set[str]:
    """Return the headings that a chart's metrics and own columns have."""
    found = set()
    for name in (*reads.metrics, *reads.columns):
        for one in _listed(params.get(name)):
            found.add(one["label"] if isinstance(one, dict) and "label" in one else str(one))
    return found


def _family(kind: str) -> str:
    bare = re.sub(r"\(.*?\)", "", kind.lower()).strip()
    return next((name for name, like in _FAMILIES.items() if re.fullmatch(like, bare)), bare)


def _fits(at: str, column: Doc, physical: dict[str, str | None], table: str) -> Iterator[str]:
    name = column["column_name"]
    if name not in physical:
        yield f"{at}: mart.{table} has no such column; if it is new, make docs"
    elif (kind := physical[name]) and _family(kind) != _family(column["type"]):
        yield f"{at}.type: is {kind} in mart.{table}, not {column['type']}"


# --- SQL ---------------------------------------------------------------------------------------

_QUOTED = re.compile(r"E?'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CAST = re.compile(
    r"(?:::|\bAS\s+)\s*(?:double\s+precision|timestamp\s+with(?:out)?\s+time\s+zone|\w+)"
    r"(?:\s*\(\s*\d+(?:\s*,\s*\d+)?\s*\))?(?:\[\])?",
    re.IGNORECASE,
)
_EXTRACT = re.compile(r"\bEXTRACT\s*\(\s*\w+\s+FROM\b", re.IGNORECASE)
_TYPED = re.compile(r"\b(?:DATE|TIMESTAMP|TIMESTAMPTZ|INTERVAL)\s+''", re.IGNORECASE)
_WORD = re.compile(r'"([^"]+)"|(?<![\w.])([A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*)(\s*\()?')


def _listing(words: str) -> set[str]:
    return set(words.split())


_KEYWORDS = _listing(
    """ALL AND ANY ARRAY AS ASC AT BETWEEN BOTH BY CASE COLLATE CURRENT CURRENT_DATE
    CURRENT_TIMESTAMP DESC DISTINCT ELSE END ESCAPE FALSE FILTER FIRST FOLLOWING FOR FROM GROUP
    ILIKE IN INTERVAL IS LAST LEADING LIKE NOT NULL NULLS ON OR ORDER OVER PARTITION PRECEDING
    RANGE ROW ROWS SIMILAR THEN TIME TO TRAILING TRUE UNBOUNDED UNKNOWN USING WHEN WHERE WITHIN
    ZONE"""
)
# Of Postgres 15, as far as charts have use for them.
FUNCTIONS = _listing(
    """abs age array_agg array_to_string avg bool_and bool_or bit_and bit_or cast ceil ceiling
    char_length chr coalesce concat concat_ws corr count covar_pop covar_samp cume_dist date_bin
    date_part date_trunc dense_rank exp every extract first_value floor format greatest initcap
    jsonb_agg lag last_value lead least left length ln log lower lpad ltrim make_date
    make_interval max md5 min mod mode now nth_value ntile nullif percent_rank percentile_cont
    percentile_disc position power random rank regexp_replace regr_intercept regr_r2 regr_slope
    repeat replace reverse right round row_number rpad rtrim sign split_part sqrt starts_with
    stddev stddev_pop stddev_samp string_agg strpos substr substring sum to_char to_date
    to_timestamp translate trim trunc upper var_pop var_samp variance width_bucket"""
)


def _without_quotes(sql: str) -> str:
    return _QUOTED.sub(lambda found: "''" if found[0].endswith("'") else " ", sql)


def _words(sql: str) -> Iterator[tuple[str, bool]]:
    """Yield the columns and functions that an expression names, and whether it is a function.

    A sub-query is yielded as the column SELECT.
    """
    sql = _without_quotes(sql)
    sql = _EXTRACT.sub("EXTRACT(", _TYPED.sub("''", _CAST.sub(" ", sql)))
    for quoted, word, opened in _WORD.findall(sql):
        if quoted:
            yield quoted, False
        elif word.upper() not in _KEYWORDS:
            is_column = word.upper() == "SELECT" or not opened
            yield (word.upper() if word.upper() == "SELECT" else word), not is_column


def main() -> None:
    """Check the assets, or those in the folder that is given."""
    arguments = sys.argv[1:]
    if unknown := [word for word in arguments if word.startswith("-") and word != "--fix"]:
        sys.exit(f"unknown option {unknown[0]}; there is --fix")
    root = next((Path(word) for word in arguments if word != "--fix"), ASSETS)
    if "--fix" in arguments:
        for path in fix(root):
            print(f"wrote {path}")  # noqa: T201
    found = problems(root)
    if found:
        sys.exit("\n".join([*found, f"{len(found)} problems in {root}"]))
    print(f"{root}: nothing wrong")  # noqa: T201


if __name__ == "__main__":
    main()
