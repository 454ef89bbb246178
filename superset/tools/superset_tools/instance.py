"""The rows of one Superset as assets, and the ledger of those that the repository manages.

Import it inside Superset's application context. A row and a file with the same meaning give the
same asset in normal form, so that they can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from superset.connectors.sqla.models import SqlaTable
from superset.daos.key_value import KeyValueDAO
from superset.extensions import db
from superset.key_value.types import JsonKeyValueCodec, KeyValueResource
from superset.models.core import Database
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice
from superset.utils import json

from superset_tools import bundle, schema
from superset_tools.schema import ASSETS, PARTS, Doc

MODELS: dict[str, Any] = dict(zip(ASSETS, (Database, SqlaTable, Slice, Dashboard), strict=True))
ATTRIBUTE = {"allow_csv_upload": "allow_file_upload"}  # a row's attribute, if not named as the key

# The ledger is one entry of Superset's own key-value table. A mark on the assets themselves would
# be lost with deleted assets, and would touch rows that did not change.
_LEDGER = uuid5(NAMESPACE_URL, "filmpulse:assets")


@dataclass(frozen=True)
class Entry:
    """An asset that the repository manages, as the last sync left it."""

    path: str
    digest: str


@dataclass(frozen=True)
class Ledger:
    """The result of the last sync."""

    airflow_url: str  # the address that it wrote for the placeholder
    entries: dict[str, Entry]  # every managed asset by UUID

    @staticmethod
    def load() -> Ledger:
        """Return the ledger; an empty one if nothing was ever synced."""
        found = KeyValueDAO.get_value(KeyValueResource.APP, _LEDGER, JsonKeyValueCodec())
        if found is None:
            return Ledger("", {})
        entries = {uuid: Entry(**entry) for uuid, entry in found["assets"].items()}
        return Ledger(found["airflow_url"], entries)

    def save(self) -> None:
        """Store the ledger in the open transaction."""
        assets = {uuid: vars(entry) for uuid, entry in sorted(self.entries.items())}
        value = {"airflow_url": self.airflow_url, "assets": assets}
        KeyValueDAO.upsert_entry(KeyValueResource.APP, value, JsonKeyValueCodec(), _LEDGER)

    def as_file(self, doc: Doc) -> Doc:
        """Replace Airflow's address by the placeholder."""
        return bundle.without_address(doc, self.airflow_url) if self.airflow_url else doc

    def is_as_synced(self, uuid: str, doc: Doc) -> bool:
        """Say whether an asset, as a file would have it, is as the last sync left it."""
        entry = self.entries.get(uuid)
        return entry is not None and entry.digest == bundle.digest(doc)


def row(kind: str, uuid: str) -> Any | None:
    """Return the row of the asset with this UUID; None if there is none."""
    return db.session.query(MODELS[kind]).filter_by(uuid=UUID(uuid)).one_or_none()


def managed_datasets() -> list[SqlaTable]:
    """Return the datasets that the repository manages in this Superset."""
    rows = (row("datasets", uuid) for uuid in Ledger.load().entries)
    return [each for each in rows if each is not None]


def _uuid_by_id(kind: str) -> dict[int, str]:
    """Return the UUID of every row of a kind by its id."""
    model = MODELS[kind]
    return {id_: str(uuid) for id_, uuid in db.session.query(model.id, model.uuid)}


def describe(row: Any) -> Doc:
    """Return a row as an asset in normal form, with Airflow's address for the placeholder.

    The warehouse's address and password are never part of it.
    """
    kind = next(kind for kind, model in MODELS.items() if isinstance(row, model))
    doc = {
        key: getattr(row, ATTRIBUTE.get(key, key), None) for key in schema.defaults(ASSETS[kind])
    }
    doc |= {"uuid": str(row.uuid), "version": schema.VERSION}
    if kind == "databases":
        doc["extra"] = _loaded(row.extra)
    elif kind == "datasets":
        doc["cache_timeout"] = row._cache_timeout
        doc["database_uuid"] = str(row.database.uuid)
        for key in ("params", "template_params", "extra"):
            doc[key] = _loaded(doc[key])
        for key, (_, model) in PARTS.items():
            names = schema.defaults(model)
            doc[key] = [
                {name: getattr(part, name) for name in names} | {"extra": _loaded(part.extra)}
                for part in getattr(row, key)
            ]
    elif kind == "charts":
        doc["dataset_uuid"] = str(row.table.uuid) if row.table else None
        doc["params"] = _with_uuids(_loaded(row.params))
    else:
        doc |= _describe_layout(row)
    return bundle.normal(kind, doc)


def _loaded(text: str | None) -> Doc:
    found: Doc = json.loads(text) if text else {}
    return found


def _with_uuids(params: Doc) -> Doc:
    """Name the charts that annotation layers show by UUID."""
    if layers := bundle.annotations_of({"params": params}):
        uuids = _uuid_by_id("charts")
        for layer in layers:
            layer["value"] = uuids.get(layer.get("value", 0))
    return params


def _describe_layout(dashboard: Dashboard) -> Doc:
    charts, datasets = _uuid_by_id("charts"), _uuid_by_id("datasets")
    position, metadata = _loaded(dashboard.position_json), _loaded(dashboard.json_metadata)
    for node in position.values():
        if isinstance(node, dict) and node["type"] == "CHART":
            # A chart that was just added has no UUID here yet; a deleted chart keeps its own.
            uuid = charts.get(node["meta"].get("chartId"), node["meta"].get("uuid"))
            node["meta"] = {**node["meta"], "uuid": uuid}
    for _, one in bundle.filters_of({"metadata": metadata}):
        for target in one.get("targets") or []:
            if (dataset := target.pop("datasetId", None)) is not None:
                target["datasetUuid"] = datasets.get(dataset)
    return {"position": position, "metadata": metadata}
