"""The checks that every sync depends on: names, references and layouts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from superset_tools import bundle
from superset_tools.bundle import FILTER_LISTS, kind_of
from superset_tools.schema import ASSETS, Doc

DATABASE = "databases/warehouse.yaml"
STEM = re.compile(r"[a-z0-9][a-z0-9_-]*")  # of a file's name
# The key that is unique in one Superset, and is the file's name; charts have none.
NAMED_BY = {"dashboards": "slug", "datasets": "table_name", "databases": "database_name"}

# The types that a box may hold: superset-frontend, dashboard/util/isValidChild.ts.
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


def problems(tree: bundle.Tree) -> list[str]:
    """Return the problems that would make a sync fail, or Superset draw something else."""
    found = [*tree.problems, *_names(tree.docs)]
    left_out = tree.left_out()
    known = {
        kind: left_out | {doc["uuid"] for path, doc in tree.docs.items() if kind_of(path) == kind}
        for kind in ASSETS
    }
    for path, doc in tree.docs.items():
        said = list(_references(kind_of(path), doc, known))
        if kind_of(path) == "dashboards":
            said += [*_dashboard_s_charts(doc), *_layout(doc["position"])]
        found += [f"{path}: {what}" for what in said]
    if not tree.problems and DATABASE not in tree.docs:
        found.append(f"{DATABASE}: is missing: is this the folder of assets?")
    return found


def _names(docs: dict[str, Doc]) -> Iterator[str]:
    """Check that UUIDs, slugs and tables are unique and name the files, and the one database."""
    tables = {doc["uuid"]: doc["table_name"] for doc in docs.values() if "table_name" in doc}
    seen: dict[tuple[str, str], str] = {}
    for path, doc in docs.items():
        kind, stem = kind_of(path), Path(path).stem
        name = NAMED_BY.get(kind, "")
        for field in ("uuid", name) if name in ("slug", "table_name") else ("uuid",):
            if (first := seen.setdefault((field, doc[field]), path)) != path:
                yield f"{path}: {field}: {doc[field]} is that of {first}; give it its own"
        if name and stem.replace("-", "_") != doc[name].replace("-", "_"):
            yield f"{path}: {name}: rename the file to {doc[name]}.yaml"
        elif not STEM.fullmatch(stem):
            yield f"{path}: the file's name must be small letters, digits, - and _"
        if kind == "databases" and path != DATABASE:
            yield f"{path}: there is one database, {DATABASE}"
        table = tables.get(doc.get("dataset_uuid", ""))
        if table and Path(path).parent.name != table:
            yield f"{path}: reads {table}: move the file to charts/{table}"


def _references(kind: str, doc: Doc, known: dict[str, set[str]]) -> Iterator[str]:
    """Check that every UUID is that of an asset of the right kind."""
    for at, wanted, uuid in bundle.references(kind, doc):
        if uuid not in known[wanted]:
            yield f"{at}: must be the UUID of a {wanted[:-1]} here, not {uuid!r}"


def _dashboard_s_charts(doc: Doc) -> Iterator[str]:
    """Check that scopes and settings name charts and boxes of this dashboard only."""
    metadata, on_it = doc["metadata"], bundle.charts_of(doc)
    parts = [(f"metadata.{key}", {key: metadata[key]}) for key in metadata.keys() - FILTER_LISTS]
    for at, one in bundle.filters_of(doc):
        parts.append((f"{at}.scope.excluded", {FILTER_LISTS[0]: [one]}))
        for box in one.get("scope", bundle.WHOLE_DASHBOARD).get("rootPath", []):
            if box not in doc["position"]:
                yield f"{at}.scope.rootPath: {box} is not in `position`"
        if any("datasetId" in target for target in one.get("targets", [])):
            yield f"{at}.targets: an id differs between servers; give `datasetUuid`"
    for at, part in parts:
        named: list[Any] = []
        bundle.with_charts(part, named.append)
        yield from (f"{at}: {each} is no chart on this dashboard" for each in {*named} - on_it)


def _layout(position: Doc) -> Iterator[str]:
    """Check for one tree from ROOT_ID, with boxes that may hold each other, in twelve columns."""
    if position.get("ROOT_ID", {}).get("type") != "ROOT":
        yield "position.ROOT_ID: is missing: the tree begins there"
        return
    named = Counter(child for node in position.values() for child in node.get("children", []))
    reached = set(bundle.reading_order(position))
    if named["ROOT_ID"]:
        yield "position.ROOT_ID: stands in a box; it is the outermost"
    for key, node in position.items():
        at = f"position.{key}"
        if key not in reached:
            yield f"{at}: cannot be reached from ROOT_ID: put it into a box, or delete it"
        if named[key] > 1:
            yield f"{at}: stands in {named[key]} boxes; leave it in one"
        yield from _box(at, node, position)


def _box(at: str, node: Doc, position: Doc) -> Iterator[str]:
    for size in _SIZES.get(node["type"], ()):
        if not _size(node, size):
            yield f"{at}.meta.{size}: must be a whole number above 0"
    width = 0
    for child in node.get("children", []):
        inner = position.get(child)
        if inner is None:
            yield f"{at}.children: {child} does not exist"
            continue
        width += _size(inner, "width")
        if inner["type"] not in _HOLDS.get(node["type"], set()):
            yield f"{at}.children: a {node['type']} cannot hold {child}, a {inner['type']}"
    if node["type"] == "ROW" and width > ROW_WIDTH:
        yield f"{at}: its boxes are {width} wide together; a row has {ROW_WIDTH}"


def _size(node: Doc, size: str) -> int:
    """Return a width or height; 0 if it is missing or not possible."""
    value = node.get("meta", {}).get(size)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
