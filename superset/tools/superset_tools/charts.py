"""Checks the metrics and columns that a chart reads and draws, by the type of chart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from superset_tools import bundle, schema, sql
from superset_tools.schema import Doc


@dataclass(frozen=True)
class Reads:
    """The parameters of a chart type that name metrics and columns."""

    metrics: tuple[str, ...]  # each holds a metric or a list of them
    columns: tuple[str, ...]  # each holds a column or a list of them
    needs: tuple[str | tuple[str, ...], ...]  # those that must be set; of a tuple, one of them


_SERIES = Reads(
    ("metrics", "timeseries_limit_metric"), ("x_axis", "groupby"), ("x_axis", "metrics")
)
# The chart types that may be used: each was seen to draw well under our configuration. To add a
# type, list the parameters of its control panel.
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
NOTHING = Reads((), (), ())  # of an unknown type
# Columns whose texts come from a fixed list of ours: only these may stand unescaped beside HTML.
FIXED_TEXTS = {"aspect", "grade_band", "score_label"}

# Only functions of the marts make HTML, so that one place escapes texts.
_MARKUP = re.compile(r"</?[a-z]+\b[^>]*>", re.IGNORECASE)


def listed(value: Any) -> list[Any]:
    """Return a parameter's value as a list."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def markup(at: str, text: str) -> Iterator[str]:
    """Report HTML in SQL."""
    if found := _MARKUP.search(text):
        yield f"{at}: {found[0]}: HTML is made by functions of the marts (mart.html_...)"


class Dataset:
    """A dataset's names, and checks of SQL that uses them."""

    def __init__(self, doc: Doc, functions: set[str]) -> None:
        """Read the names; `functions` are those of the marts."""
        columns = {column["column_name"]: column for column in doc["columns"]}
        metrics = {metric["metric_name"]: metric for metric in doc.get("metrics", [])}
        self.name: str = doc["table_name"]
        self.functions = functions
        self.columns, self.metrics = set(columns), set(metrics)
        self.physical = {name for name, each in columns.items() if "expression" not in each}
        self.temporal = {name for name, each in columns.items() if each.get("is_dttm")}
        self.texts = {
            n for n, each in columns.items() if sql.family(each.get("type", "")) == "text"
        }
        made = {n: each.get("expression", "") for n, each in (columns | metrics).items()}
        made |= {"card": doc["sql"]} if "sql" in doc else {}
        self._html = {name for name, expression in made.items() if sql.makes_html(expression)}

    def makes_html(self, one: Any) -> bool:
        """Say whether a column or metric of a chart makes HTML; it has a name or its own SQL."""
        if isinstance(one, dict):
            return sql.makes_html(one.get("sqlExpression") or "")
        return one in self._html

    def check_sql(self, at: str, expression: str) -> Iterator[str]:
        """Check that an expression names known columns and functions."""
        if "{{" in expression or "{%" in expression:
            yield f"{at}: templates are switched off"
            return
        yield from markup(at, expression)
        try:
            columns, functions, has_query = sql.names(expression)
        except ValueError as error:
            yield f"{at}: {error}"
            return
        if has_query:
            yield f"{at}: Superset allows no sub-query here; put it into a mart"
            return
        for name in functions:
            schema_name, _, bare = name.lower().rpartition(".")
            if bare not in {"": sql.FUNCTIONS, "mart": self.functions}.get(schema_name, ()):
                yield f"{at}: {name}() is no function that is known here"
        for name in columns:
            if name not in self.physical:
                yield f"{at}: {name} is no column of the dataset"

    def check_metric(self, at: str, metric: Any) -> Iterator[str]:
        """Check a metric of a chart, which has a name or its own SQL."""
        if isinstance(metric, str):
            if metric not in self.metrics:
                yield f"{at}: {metric} is no metric of {self.name}"
        elif metric.get("expressionType") == "SQL":
            yield from self.check_sql(at, metric.get("sqlExpression") or "")
        else:
            yield from self.check_column(at, (metric.get("column") or {}).get("column_name"))

    def check_column(self, at: str, column: Any) -> Iterator[str]:
        """Check a column of a chart, which has a name or its own SQL."""
        if isinstance(column, dict):
            yield from self.check_sql(at, column.get("sqlExpression") or "")
        elif column not in self.columns:
            yield f"{at}: {column} is no column of {self.name}"


class Chart:
    """A chart and its dataset."""

    def __init__(self, doc: Doc, dataset: Dataset) -> None:
        """Take a chart in normal form, and its dataset."""
        self.params, self.dataset = doc["params"], dataset
        self.is_table = doc["viz_type"] == "table"
        self.reads = CHARTS.get(doc["viz_type"], NOTHING)
        self.needs = [(each,) if isinstance(each, str) else each for each in self.reads.needs]

    def has_time(self) -> bool:
        """Say whether a time filter of the dashboard has an effect on the chart."""
        x_axis, filters = self.params.get("x_axis"), self.params.get("adhoc_filters") or []
        named = [one.get("subject") for one in filters if one.get("operator") == "TEMPORAL_RANGE"]
        return bool(self.params.get("granularity_sqla")) or any(
            isinstance(name, str) and name in self.dataset.temporal for name in (x_axis, *named)
        )

    def headings(self) -> set[str]:
        """Return the headings of the chart's metrics and columns."""
        shown = (
            one
            for name in (*self.reads.metrics, *self.reads.columns)
            for one in listed(self.params.get(name))
        )
        return {
            one["label"] if isinstance(one, dict) and "label" in one else str(one) for one in shown
        }

    def drawn(self) -> set[str]:
        """Return the names that the chart can sort, format and annotate by."""
        return self.dataset.columns | self.headings()

    def problems(self) -> Iterator[str]:
        """Check the chart's parameters."""
        for names in self.needs:
            if not any(self.params.get(name) for name in names):
                yield f"params.{' or '.join(names)}: is missing; this type of chart needs it"
        params = bundle.without_nulls(self.params)
        shapes = dict.fromkeys(self.reads.metrics, schema.METRICS.validate_python)
        shapes |= dict.fromkeys(self.reads.columns, schema.COLUMNS.validate_python)
        wrong = [
            what
            for name, shape in shapes.items()
            if name in params
            for what in schema.problems(shape, params[name], f"params.{name}")
        ]
        yield from wrong or self._reads()

    def _reads(self) -> Iterator[str]:
        params, dataset = self.params, self.dataset
        for name in self.reads.metrics:
            for metric in listed(params.get(name)):
                yield from dataset.check_metric(f"params.{name}", metric)
        for name in (*self.reads.columns, "granularity_sqla"):
            for column in listed(params.get(name)):
                yield from dataset.check_column(f"params.{name}", column)
        if (moment := params.get("granularity_sqla")) and moment not in dataset.temporal:
            yield f"params.granularity_sqla: {moment} is no column with is_dttm"
        for name in ("adhoc_filters", "adhoc_filters_b"):
            for one in params.get(name) or []:
                yield from self._filter(f"params.{name}", one)
        for each in params.get("order_by_cols") or []:
            if found := re.fullmatch(r'\["(.+)", ?(?:true|false)\]', each):
                yield from dataset.check_column("params.order_by_cols", found[1])
            else:
                yield f'params.order_by_cols: must be like ["movie", true], not {each}'
        # Superset's default is true.
        if self.is_table and params.get("allow_render_html", True):
            yield from self._html()
        formats = {
            "conditional_formatting": [
                one.get("column") for one in params.get("conditional_formatting") or []
            ],
            # A metric that is shown as a percentage has a `%` before its name.
            "column_config": [each.removeprefix("%") for each in params.get("column_config") or {}],
            "x_axis_sort": listed(params.get("x_axis_sort")),
        }
        for name, columns in formats.items():
            for column in columns:
                if column not in self.drawn():
                    yield f"params.{name}: {column!r} is no column or metric of this chart"

    def _filter(self, at: str, one: Doc) -> Iterator[str]:
        if one.get("expressionType") == "SQL":
            yield from self.dataset.check_sql(at, one.get("sqlExpression") or "")
        elif one.get("clause") == "HAVING":
            if str(one.get("subject")) not in self.dataset.metrics | self.headings():
                yield f"{at}: {one.get('subject')} is no metric of {self.dataset.name}"
        else:
            yield from self.dataset.check_column(at, one.get("subject"))

    def _html(self) -> Iterator[str]:
        """Check that a table that draws HTML shows some, and no unescaped text of others."""
        at, dataset = "params.allow_render_html", self.dataset
        metrics, columns = (
            [one for key in keys for one in listed(self.params.get(key))]
            for keys in (("metrics", "percent_metrics"), ("groupby", "all_columns"))
        )
        if not any(map(dataset.makes_html, [*metrics, *columns])):
            yield f"{at}: must be false: no column or metric shown makes HTML"
        for column in columns:
            is_free = isinstance(column, dict) or column in dataset.texts - FIXED_TEXTS
            if is_free and not dataset.makes_html(column):
                name = column.get("label") if isinstance(column, dict) else column
                yield f"{at}: {name} may hold what others wrote, and would be drawn as HTML"
