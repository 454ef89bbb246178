"""The tree of assets: how a file is read, what its normal form is, how it is written.

Needs PyYAML and nothing else, so that it runs with Superset and without. One asset is one file:

    databases/warehouse.yaml          how Superset talks to the warehouse; no address, no password
    datasets/warehouse/<table>.yaml   a mart with its columns and metrics
    charts/<table>/<any_name>.yaml   a chart, in the folder of its dataset
    dashboards/<slug>.yaml

The normal form holds what a person decided and nothing that a machine can work out: no integer
id (charts and datasets go by UUID), no default, no query context, no `parents`. So one state of
Superset has one text, and `git diff` after an export shows what was changed and no more.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Doc = dict[str, Any]

PLACEHOLDER = "${AIRFLOW_URL}"
VERSION = "1.0.0"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONG = 88  # a longer text stands on lines of its own

# What dashboards are built of. A box of the second kind holds others.
LEAVES = {"CHART", "MARKDOWN", "HEADER", "DIVIDER"}
BOXES = {"ROOT", "GRID", "TABS", "TAB", "ROW", "COLUMN"}


@dataclass(frozen=True)
class Field:
    """A key of an asset.

    Attributes:
        type: What its value must be.
        default: What leaving it out means; the normal form leaves it out.
        required: It must be there, and not be empty.
    """

    type: type
    default: Any = None
    required: bool = False


_TEXT, _INT, _MAP = Field(str), Field(int), Field(dict)
_ON, _OFF = Field(bool, default=True), Field(bool, default=False)
_NAME = Field(str, required=True)
_CERTIFIED = {"certified_by": _TEXT, "certification_details": _TEXT}

# In the order in which they are written. Defaults: those of Superset's own models.
FIELDS: dict[str, dict[str, Field]] = {
    "databases": {
        "database_name": _NAME,
        "uuid": _NAME,
        "version": _NAME,
        "cache_timeout": _INT,
        "expose_in_sqllab": _ON,
        "allow_run_async": _OFF,
        "allow_ctas": _OFF,
        "allow_cvas": _OFF,
        "allow_dml": _OFF,
        "allow_csv_upload": _OFF,
        "impersonate_user": _OFF,
        "extra": _MAP,
    },
    "datasets": {
        "table_name": _NAME,
        "schema": _NAME,
        "description": _TEXT,
        "uuid": _NAME,
        "database_uuid": _NAME,
        "version": _NAME,
        "cache_timeout": _INT,
        "main_dttm_col": _TEXT,
        "always_filter_main_dttm": _OFF,
        "normalize_columns": _OFF,
        "filter_select_enabled": _ON,
        "fetch_values_predicate": _TEXT,
        "currency_code_column": _TEXT,
        "default_endpoint": _TEXT,
        "offset": Field(int, default=0),
        "params": _MAP,
        "template_params": _MAP,
        "extra": _MAP,
        "sql": _TEXT,
        "metrics": Field(list),
        "columns": Field(list, required=True),
    },
    "charts": {
        "slice_name": _NAME,
        "description": _TEXT,
        **_CERTIFIED,
        "uuid": _NAME,
        "dataset_uuid": _NAME,
        "version": _NAME,
        "viz_type": _NAME,
        "cache_timeout": _INT,
        "params": Field(dict, required=True),
    },
    "dashboards": {
        "dashboard_title": _NAME,
        "slug": _NAME,
        "description": _TEXT,
        **_CERTIFIED,
        "published": _OFF,
        "uuid": _NAME,
        "version": _NAME,
        "css": _TEXT,
        "metadata": Field(dict, required=True),
        "position": Field(dict, required=True),
    },
}
COLUMN_FIELDS = {
    "column_name": _NAME,
    "verbose_name": _TEXT,
    "description": _TEXT,
    "type": _TEXT,
    "is_dttm": _OFF,
    "groupby": _ON,
    "filterable": _ON,
    "is_active": _ON,
    "advanced_data_type": _TEXT,
    "python_date_format": _TEXT,
    "datetime_format": _TEXT,
    "extra": _MAP,
    "expression": _TEXT,
}
METRIC_FIELDS = {
    "metric_name": _NAME,
    "verbose_name": _TEXT,
    "description": _TEXT,
    "metric_type": _TEXT,
    "d3format": _TEXT,
    "currency": _MAP,
    "warning_text": _TEXT,
    "extra": _MAP,
    "expression": _NAME,
}
PARTS = {"metrics": ("metric_name", METRIC_FIELDS), "columns": ("column_name", COLUMN_FIELDS)}

# Superset fills these in by itself, from the asset's other fields or as it draws.
_DERIVED_PARAMS = {
    "dashboardId",
    "dashboards",
    "datasource",
    "slice_id",
    "temporal_columns_lookup",
    "url_params",
    "viz_type",
}
_DERIVED_METADATA = {
    "chartsInScope",
    "tabsInScope",
    "color_scheme_domain",
    "default_filters",
    "filter_scopes",
    "import_time",
    "map_label_colors",
    "positions",
    "remote_id",
    "shared_label_colors",
    "show_native_filters",
}
# Empty values that Superset writes whenever a dashboard is saved.
_EMPTY_METADATA: dict[str, Any] = {
    "chart_configuration": {},
    "chart_customization_config": [],
    "color_namespace": "",
    "color_scheme": "",
    "expanded_slices": {},
    "global_chart_configuration": {},
    "label_colors": {},
    "native_filter_configuration": [],
    "refresh_frequency": 0,
    "timed_refresh_immune_slices": [],
}
WHOLE_DASHBOARD = {"rootPath": ["ROOT_ID"], "excluded": []}
FILTER_LISTS = ("native_filter_configuration", "chart_customization_config")


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: no key twice; a date stays the text that it is."""


class _TwiceError(yaml.MarkedYAMLError):
    """A key stands twice in one mapping."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _TwiceError(
                problem=f"the key {key!r} is no text: put it in quotes",
                problem_mark=key_node.start_mark,
            )
        if key in seen:
            raise _TwiceError(
                problem=f"the key `{key}` stands twice", problem_mark=key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _date(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text or len(text) > LONG else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def parse(text: str) -> Doc:
    """Read one file's text.

    Raises:
        ValueError: It is no YAML, or no mapping, or a key stands twice; the message says where.
    """
    try:
        doc = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(doc, dict):
        raise ValueError("the file holds no mapping of keys to values")
    return doc


def dump(doc: Doc) -> str:
    """Write an asset in normal form, as `export` does. Reading it gives the same asset."""
    return yaml.dump(doc, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def digest(doc: Doc) -> str:
    """Return a fingerprint of an asset in normal form."""
    return hashlib.sha256(json.dumps(doc, sort_keys=True).encode()).hexdigest()


def kind_of(path: str) -> str:
    """Return the kind of the asset in this file: its first folder."""
    return path.partition("/")[0]


@dataclass(frozen=True)
class Tree:
    """What was read below a folder.

    Attributes:
        docs: Assets in normal form, by path below the folder.
        texts: Every file as it stands, by path.
        problems: What is wrong with the other files, as `file: field: what`.
    """

    docs: dict[str, Doc]
    texts: dict[str, str]
    problems: list[str]

    def left_out(self) -> set[str]:
        """Return the UUIDs of the other files, as far as they can be told."""
        texts = (text for path, text in self.texts.items() if path not in self.docs)
        return {uuid for text in texts for uuid in re.findall(r"^uuid: (\S+)$", text, re.MULTILINE)}


def chart_folder(table: str) -> str:
    """Return the folder of the charts that read a dataset, by the dataset's table."""
    return f"charts/{table}"


def read(root: Path) -> Tree:
    """Read every asset below a folder. A file that is wrong in itself is told of and left out."""
    docs: dict[str, Doc] = {}
    texts: dict[str, str] = {}
    problems: list[str] = []
    if not root.is_dir():
        return Tree({}, {}, [f"{root}: there is no such folder"])
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        path = file.relative_to(root).as_posix()
        kind = kind_of(path)
        depth = 3 if kind in ("datasets", "charts") else 2
        if kind not in FIELDS or path.count("/") + 1 != depth or file.suffix != ".yaml":
            problems.append(f"{path}: no asset lies here; see superset/README.md for the folders")
            continue
        try:
            texts[path] = file.read_text("utf-8")
            doc = parse(texts[path])
        except ValueError as error:
            problems.append(f"{path}: {error}")
            continue
        wrong = check(kind, doc)
        problems += [f"{path}: {what}" for what in wrong]
        if not wrong:
            docs[path] = normal(kind, doc)
    return Tree(docs, texts, problems)


def check(kind: str, doc: Doc) -> list[str]:
    """Tell what keeps a mapping from being an asset of its kind, as `field: what`."""
    problems = list(_check_fields(doc, FIELDS[kind]))
    if problems:
        return problems
    problems += [
        f"{key}: {doc[key]!r} is no UUID in small letters"
        for key in ("uuid", "database_uuid", "dataset_uuid")
        if key in doc and not UUID.fullmatch(doc[key])
    ]
    if doc["version"] != VERSION:
        problems.append(f"version: must be {VERSION}")
    if kind == "datasets":
        for key, (name, fields) in PARTS.items():
            problems += _check_parts(key, doc.get(key) or [], name, fields)
    if kind == "dashboards":
        problems += _check_position(doc["position"])
        problems += misshapen(doc["metadata"], _METADATA, "metadata")
    if kind == "charts":
        problems += misshapen(doc["params"], _PARAMS, "params")
    return problems


def _check_fields(doc: Doc, fields: dict[str, Field], at: str = "") -> Iterable[str]:
    for key in doc.keys() - fields.keys():
        yield f"{at}{key}: no such key; known are {', '.join(fields)}"
    for key, field in fields.items():
        value = doc.get(key)
        if value is None or (field.required and value in ("", [], {})):
            if field.required:
                yield f"{at}{key}: is missing"
        elif not isinstance(value, field.type) or (field.type is int and isinstance(value, bool)):
            yield f"{at}{key}: must be {_SAYS[field.type]}, not {value!r}"


_SAYS = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "a mapping",
    list: "a list",
}


def _check_parts(key: str, parts: list[Any], name: str, fields: dict[str, Field]) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for number, part in enumerate(parts):
        if not isinstance(part, dict):
            problems.append(f"{key}[{number}]: must be a mapping")
            continue
        called = part.get(name, number)
        problems += _check_fields(part, fields, f"{key}.{called}.")
        if isinstance(called, str) and called in seen:
            problems.append(f"{key}.{called}: stands twice")
        seen.add(str(called))
    return problems


def _check_position(position: Doc) -> Iterable[str]:
    numbers: dict[int, str] = {}
    for key, node in position.items():
        if key in ("DASHBOARD_VERSION_KEY", "HEADER_ID"):
            continue
        at = f"position.{key}"
        if wrong := list(misshapen(node, _NODE, at)):
            yield from wrong
            continue
        if node.get("type") not in LEAVES | BOXES:
            yield f"{at}.type: must be one of {', '.join(sorted(LEAVES | BOXES))}"
        if node.get("id", key) != key:
            yield f"{at}.id: must be {key}, or be left out"
        if node.get("type") == "CHART":
            meta = node.get("meta") or {}
            if not UUID.fullmatch(meta.get("uuid") or ""):
                yield f"{at}.meta.uuid: must be the UUID of a chart, in small letters"
            number = meta.get("chartId")
            if number is not None and numbers.setdefault(number, at) != at:
                yield f"{at}.meta.chartId: {number} is {numbers[number]}'s; leave both out"


@dataclass(frozen=True)
class Each:
    """The shape of a mapping with any keys."""

    value: Any


# What Superset's own code relies on, where a mistake would not be noticed but by an error there.
# A type; a tuple of alternatives; a list of one shape; a mapping, whose other keys are free.
_SCOPE = {"rootPath": [str], "excluded": [(str, int)]}
_NATIVE_FILTER = {
    "id": str,
    "name": str,
    "type": str,
    "filterType": str,
    "cascadeParentIds": [str],
    "controlValues": {},
    "scope": _SCOPE,
    "targets": [{"datasetUuid": str, "datasetId": int, "column": {"name": str}}],
}
_METADATA = {
    "color_scheme": str,
    "native_filter_configuration": [_NATIVE_FILTER],
    "chart_customization_config": [_NATIVE_FILTER],
    "chart_configuration": Each({"crossFilters": {"scope": (str, _SCOPE)}}),
    "global_chart_configuration": {"scope": _SCOPE},
    "expanded_slices": {},
    "timed_refresh_immune_slices": [(str, int)],
}
_NODE = {
    "id": str,
    "type": str,
    "children": [str],
    "meta": {"uuid": str, "chartId": int},
}
COLUMN: Any = (str, {"label": str, "sqlExpression": str})
METRIC: Any = (str, {"label": str, "sqlExpression": str, "column": {"column_name": str}})
_FILTER = {"subject": COLUMN, "clause": str, "operator": str, "sqlExpression": str}
_PARAMS = {
    "adhoc_filters": [_FILTER],
    "adhoc_filters_b": [_FILTER],
    "annotation_layers": [
        {
            "name": str,
            "sourceType": str,
            "value": (str, int, float),
            "titleColumn": str,
            "timeColumn": str,
            "intervalEndColumn": str,
            "descriptionColumns": [str],
        }
    ],
    "color_scheme": str,
    "column_config": {},
    "conditional_formatting": [{"column": str}],
    "granularity_sqla": str,
    "linear_color_scheme": str,
    "order_by_cols": [str],
    "x_axis_sort": str,
}


def misshapen(value: Any, shape: Any, at: str) -> Iterator[str]:
    """Tell where a value has not the shape that it needs; null and missing keys are none."""
    if isinstance(shape, tuple):
        if all(list(misshapen(value, each, at)) for each in shape):
            yield f"{at}: cannot be {value!r}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{at}: must be a list, not {value!r}"
        else:
            for number, each in enumerate(value):
                yield from misshapen(each, shape[0], f"{at}[{number}]")
    elif isinstance(shape, type):
        if not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
            yield f"{at}: must be {_SAYS.get(shape, 'a number')}, not {value!r}"
    elif not isinstance(value, dict):
        yield f"{at}: must be a mapping, not {value!r}"
    else:
        inner = dict.fromkeys(value, shape.value) if isinstance(shape, Each) else shape
        for key, each in inner.items():
            if value.get(key) is not None:
                yield from misshapen(value[key], each, f"{at}.{key}")


def normal(kind: str, doc: Doc) -> Doc:
    """Bring an asset into its normal form, in which equal assets are equal texts.

    Args:
        kind: Its kind.
        doc: An asset without `check`'s problems. It is not changed.
    """
    out = _sparse(doc, FIELDS[kind])
    if kind == "datasets":
        for key, (name, fields) in PARTS.items():
            parts = [_sparse(part, fields) for part in doc.get(key) or []]
            out[key] = sorted(parts, key=lambda part: part[name])
        out = {key: value for key, value in out.items() if value != []}
    elif kind == "charts":
        out["params"] = _params(out.get("params", {}))
    elif kind == "dashboards":
        position = {
            key: _without_nulls(node)
            for key, node in doc["position"].items()
            if isinstance(node, dict)
        }
        charts = {
            node["meta"]["chartId"]: node["meta"]["uuid"]
            for node in position.values()
            if node["type"] == "CHART" and "chartId" in node["meta"]
        }
        out["metadata"] = _ordered(_metadata(_without_nulls(doc["metadata"]), charts))
        out["position"] = _position(position)
    return out


def _sparse(doc: Doc, fields: dict[str, Field]) -> Doc:
    return {
        key: _ordered(doc[key])
        for key, field in fields.items()
        if doc.get(key) not in (None, "", {}, []) and doc[key] != field.default
    }


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    return value


def _params(params: Doc) -> Doc:
    """Leave out what Superset derives, and the two dozen settings of small multiples not in use."""
    return {
        key: value
        for key, value in params.items()
        if key not in _DERIVED_PARAMS
        and not (key in ("annotation_layers", "extra_form_data") and not value)
        and not (key.startswith("matrixify_") and not params.get("matrixify_enable"))
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def _metadata(metadata: Doc, charts: Mapping[Any, str]) -> Doc:
    """Leave out what Superset derives, and name charts by UUID.

    Args:
        metadata: A dashboard's.
        charts: UUID by chart id, as this dashboard's position has them.
    """

    def uuids(ids: Iterable[Any]) -> list[str]:
        # Superset forgets to remove the ids of charts that have left the dashboard.
        known = (each if isinstance(each, str) else charts.get(each) for each in ids)
        return sorted({uuid for uuid in known if uuid is not None})

    def scoped(holder: Doc) -> Doc:
        holder = {k: v for k, v in holder.items() if k not in ("chartsInScope", "tabsInScope")}
        if isinstance(scope := holder.get("scope"), dict):
            holder["scope"] = {**scope, "excluded": uuids(scope.get("excluded", []))}
        return holder

    out = {key: value for key, value in metadata.items() if key not in _DERIVED_METADATA}
    for key in FILTER_LISTS:
        if out.get(key):
            out[key] = [scoped(one) for one in out[key]]
    if everywhere := out.get("global_chart_configuration"):
        everywhere = scoped(everywhere)
        if everywhere.get("scope") == WHOLE_DASHBOARD:
            everywhere.pop("scope")
        out["global_chart_configuration"] = everywhere
    if each_chart := out.get("chart_configuration"):
        out["chart_configuration"] = {
            uuid: {"crossFilters": crossing}
            for key, one in each_chart.items()
            if (uuid := _chart_key(key, charts)) is not None
            and (crossing := scoped(one.get("crossFilters", {}))).get("scope", "global") != "global"
        }
    if expanded := out.get("expanded_slices"):
        out["expanded_slices"] = {
            uuid: value
            for key, value in expanded.items()
            if (uuid := _chart_key(key, charts)) is not None
        }
    if immune := out.get("timed_refresh_immune_slices"):
        out["timed_refresh_immune_slices"] = uuids(immune)
    return {key: value for key, value in out.items() if value != _EMPTY_METADATA.get(key, ...)}


def _chart_key(key: str, charts: Mapping[Any, str]) -> str | None:
    return charts.get(int(key)) if key.isdecimal() else key


def _position(position: Doc) -> Doc:
    """Order the boxes as they are read on the page, and leave out what follows from the tree."""
    order = [key for key in reading_order(position) if key in position]
    # Where tabs are outermost, an empty grid is left over.
    order += sorted(
        key
        for key in position.keys() - set(order) - {"HEADER_ID"}
        if key != "GRID_ID" or position[key].get("children")
    )
    out: Doc = {}
    for key in order:
        node = position[key]
        meta = {
            name: value
            for name, value in node.get("meta", {}).items()
            if name not in ("chartId", "sliceName")
        }
        out[key] = {"type": node["type"]}
        if meta:
            out[key]["meta"] = _ordered(meta)
        if node.get("children"):
            out[key]["children"] = node["children"]
    return out


def reading_order(position: Doc) -> list[str]:
    """List the ids that are reached from ROOT_ID, from top to bottom; each once."""
    order: dict[str, None] = {}
    ahead = ["ROOT_ID"]
    while ahead:
        key = ahead.pop()
        if key not in order:
            order[key] = None
            ahead += reversed(position.get(key, {}).get("children", []))
    return list(order)


def parents(position: Doc) -> dict[str, list[str]]:
    """Return for each id of a sound tree the ids from ROOT_ID down to its own parent."""
    above: dict[str, list[str]] = {"ROOT_ID": []}
    for key in reading_order(position):
        for child in position.get(key, {}).get("children", []):
            above[child] = [*above[key], key]
    return above


def charts_of(dashboard: Doc) -> set[str]:
    """Return the UUIDs of the charts on a dashboard."""
    nodes = dashboard["position"].values()
    return {node["meta"]["uuid"] for node in nodes if node["type"] == "CHART"}


def datasets_of(dashboard: Doc) -> set[str]:
    """Return the UUIDs of the datasets that a dashboard's filters take their values from."""
    return {
        target["datasetUuid"]
        for key in FILTER_LISTS
        for one in dashboard.get("metadata", {}).get(key, [])
        for target in one.get("targets", [])
        if "datasetUuid" in target
    }


def annotations_of(chart: Doc) -> list[Doc]:
    """Return the annotation layers of a chart that take their events from another chart."""
    layers = chart["params"].get("annotation_layers") or []
    return [layer for layer in layers if layer.get("sourceType") in ("line", "table")]


def _replaced(doc: Doc, change: Callable[[str], str]) -> Doc:
    """Copy an asset with every text in it changed; keys stay."""

    def replace(value: Any) -> Any:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, dict):
            return {key: replace(each) for key, each in value.items()}
        if isinstance(value, list):
            return [replace(each) for each in value]
        return value

    return {key: replace(each) for key, each in doc.items()}


def with_address(doc: Doc, airflow_url: str) -> Doc:
    """Write Airflow's address where the placeholder stands."""
    return _replaced(doc, lambda text: text.replace(PLACEHOLDER, airflow_url))


def without_address(doc: Doc, airflow_url: str) -> Doc:
    """Write the placeholder where Airflow's address stands, unless a longer one does."""
    address = re.compile(re.escape(airflow_url) + r"(?![\w-]|[.:]\w)")
    return _replaced(doc, lambda text: address.sub(lambda _: PLACEHOLDER, text))
