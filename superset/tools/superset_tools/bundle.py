"""The files of assets: reading, checking, the normal form, writing.

One asset is one file:

    databases/warehouse.yaml         how Superset reads the warehouse; no address, no password
    datasets/warehouse/<table>.yaml  a mart with its columns and metrics
    charts/<table>/<any_name>.yaml   a chart, in the folder of its dataset
    dashboards/<slug>.yaml

The normal form holds what a person decided, and nothing that can be derived: no integer id (charts
and datasets go by UUID), no default, no query context, no `parents`. So one state of Superset has
one text, and `git diff` after an export shows only what a person changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from superset_tools import schema
from superset_tools.schema import ASSETS, PARTS, Closed, Doc

ASSETS_FOLDER = Path(__file__).parents[2] / "assets"
PLACEHOLDER = "${AIRFLOW_URL}"
_NO_BOXES = ("DASHBOARD_VERSION_KEY", "HEADER_ID")  # Superset derives them from the title
LONG = 88  # a longer text is written as a block

# Superset derives these from the asset's other fields, or when it draws.
_DERIVED_PARAMS = {
    *("dashboardId", "dashboards", "datasource", "slice_id", "temporal_columns_lookup"),
    *("url_params", "viz_type"),
}
_DERIVED_METADATA = {
    *("chartsInScope", "tabsInScope", "color_scheme_domain", "default_filters", "filter_scopes"),
    *("import_time", "map_label_colors", "positions", "remote_id", "shared_label_colors"),
    "show_native_filters",
}
# Superset writes these each time a dashboard is saved, even if empty.
_MAY_BE_EMPTY = {
    *("chart_configuration", "chart_customization_config", "color_namespace", "color_scheme"),
    *("expanded_slices", "global_chart_configuration", "label_colors", "refresh_frequency"),
    *("native_filter_configuration", "timed_refresh_immune_slices"),
}
WHOLE_DASHBOARD = {"rootPath": ["ROOT_ID"], "excluded": []}
FILTER_LISTS = ("native_filter_configuration", "chart_customization_config")


class _Loader(yaml.SafeLoader):
    """Reads YAML as JSON: no key twice, all keys are texts, a date stays a text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in seen:
            what = (
                f"`{key}` stands twice" if key in seen else f"{key!r} is no text: put it in quotes"
            )
            raise yaml.MarkedYAMLError(problem=f"the key {what}", problem_mark=key_node.start_mark)
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
        ValueError: It is no YAML, no mapping, or has a key twice; the message says where.
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
    """Write an asset in normal form; `parse` of the text gives the same asset."""
    return yaml.dump(doc, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def digest(doc: Doc) -> str:
    """Return a hash of an asset in normal form."""
    return hashlib.sha256(json.dumps(doc, sort_keys=True).encode()).hexdigest()


def kind_of(path: str) -> str:
    """Return the kind of a file's asset: its first folder."""
    return path.partition("/")[0]


@dataclass(frozen=True)
class Tree:
    """The assets below a folder; paths are below the folder."""

    docs: dict[str, Doc]  # the assets without problems, in normal form, by path
    texts: dict[str, str]  # the text of every file, by path
    problems: list[str]  # of the other files, as `file: field: what`

    def left_out(self) -> set[str]:
        """Return the UUIDs of the files with problems, if they can be read."""
        texts = (text for path, text in self.texts.items() if path not in self.docs)
        return {uuid for text in texts for uuid in re.findall(r"^uuid: (\S+)$", text, re.MULTILINE)}


def read(root: Path) -> Tree:
    """Read every asset below a folder; a file with a problem is reported and left out."""
    docs: dict[str, Doc] = {}
    texts: dict[str, str] = {}
    problems: list[str] = []
    if not root.is_dir():
        return Tree({}, {}, [f"{root}: there is no such folder"])
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        path = file.relative_to(root).as_posix()
        kind = kind_of(path)
        depth = 3 if kind in ("datasets", "charts") else 2
        if kind not in ASSETS or path.count("/") + 1 != depth or file.suffix != ".yaml":
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
    """Return the problems of a mapping as an asset of its kind, as `field: what`."""
    position, doc = doc.get("position"), without_nulls(doc)
    for key in ("params", "metadata", "position"):
        if doc.get(key) == {}:
            del doc[key]  # as if it were missing
    if position and isinstance(position, dict):
        nodes = {key: node for key, node in position.items() if key not in _NO_BOXES}
        doc["position"] = {key: without_nulls(node) for key, node in nodes.items()}
    found = list(schema.problems(ASSETS[kind].model_validate, doc))
    if kind == "datasets" and not found:
        for key, (name, _) in PARTS.items():
            count = Counter(part[name] for part in doc.get(key, []))
            found += [f"{key}.{each}: stands twice" for each, n in count.items() if n > 1]
    if kind == "dashboards" and not found:
        found += _check_position(doc["position"])
    return found


def _check_position(position: Doc) -> Iterator[str]:
    numbers: dict[int, str] = {}
    for key, node in position.items():
        at, meta = f"position.{key}", node.get("meta", {})
        if node.get("id", key) != key:
            yield f"{at}.id: must be {key}, or be left out"
        if node["type"] == "CHART":
            yield from schema.problems(
                schema.UUID.validate_python, meta.get("uuid", ""), f"{at}.meta.uuid"
            )
            number = meta.get("chartId")
            if number is not None and numbers.setdefault(number, at) != at:
                yield f"{at}.meta.chartId: {number} is {numbers[number]}'s; leave both out"


def normal(kind: str, doc: Doc) -> Doc:
    """Return the normal form of an asset that passed `check`: equal assets have equal texts."""
    out = _sparse(doc, ASSETS[kind])
    if kind == "datasets":
        for key, (name, model) in PARTS.items():
            parts = [_sparse(part, model) for part in doc.get(key) or []]
            out[key] = sorted(parts, key=lambda part: part[name])
        out = {key: value for key, value in out.items() if value != []}
    elif kind == "charts":
        out["params"] = _params(out.get("params", {}))
    elif kind == "dashboards":
        nodes = without_nulls({k: v for k, v in doc["position"].items() if isinstance(v, dict)})
        metas = [node["meta"] for node in nodes.values() if node["type"] == "CHART"]
        charts = {meta["chartId"]: meta["uuid"] for meta in metas if "chartId" in meta}
        out["metadata"] = _ordered(_metadata(without_nulls(doc["metadata"]), charts))
        out["position"] = _position(nodes)
    return out


def _sparse(doc: Doc, model: type[Closed]) -> Doc:
    return {
        key: _ordered(doc[key])
        for key, default in schema.defaults(model).items()
        if doc.get(key) not in (None, "", {}, []) and doc[key] != default
    }


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    return value


def _params(params: Doc) -> Doc:
    """Leave out what Superset derives, and the settings of small multiples that are not in use."""
    return {
        key: value
        for key, value in params.items()
        if key not in _DERIVED_PARAMS
        and not (key in ("annotation_layers", "extra_form_data") and not value)
        and not (key.startswith("matrixify_") and not params.get("matrixify_enable"))
    }


def without_nulls(value: Any) -> Any:
    """Copy a value without the keys that are null, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def _metadata(metadata: Doc, charts: Mapping[Any, str]) -> Doc:
    """Leave out what Superset derives, and name charts by UUID.

    Args:
        metadata: A dashboard's settings.
        charts: UUID by chart id, from the dashboard's position.
    """

    def uuid_of(key: int | str) -> str | None:
        # Superset does not remove the ids of charts that have left the dashboard.
        if isinstance(key, int) or key.isdecimal():
            return charts.get(int(key))
        return key

    out = {key: value for key, value in metadata.items() if key not in _DERIVED_METADATA}
    out = with_charts(out, uuid_of)
    if (everywhere := out.get("global_chart_configuration", {})).get("scope") == WHOLE_DASHBOARD:
        del everywhere["scope"]
    if crossings := out.get("chart_configuration"):
        out["chart_configuration"] = {
            uuid: one
            for uuid, one in crossings.items()
            if one["crossFilters"].get("scope", "global") != "global"
        }
    return {key: value for key, value in out.items() if value or key not in _MAY_BE_EMPTY}


def with_charts(metadata: Doc, name: Callable[[Any], Any]) -> Doc:
    """Copy a dashboard's settings and rename each chart in them.

    Args:
        metadata: The settings.
        name: Returns the new name for an id or UUID; None leaves the chart out.
    """

    def renamed(charts: Iterable[Any]) -> list[Any]:
        return sorted({new for each in charts if (new := name(each)) is not None})

    def keyed(charts: Doc) -> Doc:
        return {new: each for key, each in charts.items() if (new := name(key)) is not None}

    def scoped(holder: Doc) -> Doc:
        holder = {k: v for k, v in holder.items() if k not in ("chartsInScope", "tabsInScope")}
        if isinstance(scope := holder.get("scope"), dict):
            holder["scope"] = {**scope, "excluded": renamed(scope.get("excluded", []))}
        return holder

    out = dict(metadata)
    for key in out.keys() & {*FILTER_LISTS}:
        out[key] = [scoped(one) for one in out[key]]
    if "global_chart_configuration" in out:
        out["global_chart_configuration"] = scoped(out["global_chart_configuration"])
    if "chart_configuration" in out:
        out["chart_configuration"] = {
            new: {"crossFilters": scoped(one.get("crossFilters", {}))}
            for new, one in keyed(out["chart_configuration"]).items()
        }
    if "expanded_slices" in out:
        out["expanded_slices"] = keyed(out["expanded_slices"])
    if "timed_refresh_immune_slices" in out:
        out["timed_refresh_immune_slices"] = renamed(out["timed_refresh_immune_slices"])
    return out


def _position(position: Doc) -> Doc:
    """Order the boxes as they are read on the page, and leave out what can be derived."""
    order = [key for key in reading_order(position) if key in position]
    # If tabs are outermost, Superset leaves an empty grid.
    order += sorted(
        key
        for key in position.keys() - set(order) - {"HEADER_ID"}
        if key != "GRID_ID" or position[key].get("children")
    )
    out: Doc = {}
    for key in order:
        box = position[key]
        derived = ("chartId", "sliceName")
        meta = {name: value for name, value in box.get("meta", {}).items() if name not in derived}
        node = {"meta": _ordered(meta), "children": box.get("children")}
        out[key] = {"type": box["type"]} | {k: v for k, v in node.items() if v}
    return out


def reading_order(position: Doc) -> list[str]:
    """Return the ids that can be reached from ROOT_ID, from top to bottom, each once."""
    order: dict[str, None] = {}
    ahead = ["ROOT_ID"]
    while ahead:
        key = ahead.pop()
        if key not in order:
            order[key] = None
            ahead += reversed(position.get(key, {}).get("children", []))
    return list(order)


def parents(position: Doc) -> dict[str, list[str]]:
    """Return the ids from ROOT_ID down to the parent, for each id of a valid tree."""
    above: dict[str, list[str]] = {"ROOT_ID": []}
    for key in reading_order(position):
        for child in position.get(key, {}).get("children", []):
            above[child] = [*above[key], key]
    return above


def charts_of(dashboard: Doc) -> set[str]:
    """Return the UUIDs of the charts on a dashboard."""
    nodes = dashboard["position"].values()
    return {node["meta"]["uuid"] for node in nodes if node["type"] == "CHART"}


def filters_of(dashboard: Doc) -> Iterator[tuple[str, Doc]]:
    """Yield each filter of a dashboard, after the name of its field."""
    for key in FILTER_LISTS:
        for one in dashboard["metadata"].get(key) or []:
            yield f"metadata.{key}.{one.get('id', '(without id)')}", one


def annotations_of(chart: Doc) -> list[Doc]:
    """Return a chart's annotation layers that show another chart."""
    layers = chart["params"].get("annotation_layers") or []
    return [layer for layer in layers if layer.get("sourceType") in ("line", "table")]


class Reference(NamedTuple):
    """An asset's need for another one: the field, and the other's kind and UUID."""

    at: str
    kind: str
    uuid: Any


def references(kind: str, doc: Doc) -> Iterator[Reference]:
    """Yield the assets that an asset in normal form needs."""
    if kind == "datasets":
        yield Reference("database_uuid", "databases", doc["database_uuid"])
    elif kind == "charts":
        yield Reference("dataset_uuid", "datasets", doc["dataset_uuid"])
        for layer in annotations_of(doc):
            at = f"params.annotation_layers.{layer.get('name')}.value"
            yield Reference(at, "charts", layer.get("value"))
    elif kind == "dashboards":
        for key, node in doc["position"].items():
            if node["type"] == "CHART":
                yield Reference(f"position.{key}.meta.uuid", "charts", node["meta"]["uuid"])
        for at, one in filters_of(doc):
            for target in one.get("targets", []):
                if target and "datasetId" not in target:
                    yield Reference(f"{at}.targets", "datasets", target.get("datasetUuid"))


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    """Copy a value and change every text in it; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _replaced(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, change) for each in value]
    return value


def with_address(doc: Doc, airflow_url: str) -> Doc:
    """Replace the placeholder by Airflow's address."""
    found: Doc = _replaced(doc, lambda text: text.replace(PLACEHOLDER, airflow_url))
    return found


def without_address(doc: Doc, airflow_url: str) -> Doc:
    """Replace Airflow's address by the placeholder, but not a longer address that begins so."""
    address = re.compile(re.escape(airflow_url) + r"(?![\w-]|[.:]\w)")
    found: Doc = _replaced(doc, lambda text: address.sub(lambda _: PLACEHOLDER, text))
    return found
