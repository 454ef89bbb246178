"""Bring a Superset to the state of the assets in this repository (docs/adr/0026).

It is one transaction. An asset that equals its file is not touched. An asset whose file is gone is
deleted, unless people's own charts or dashboards need it. Charts, dashboards and datasets that
people made are left alone. A person's change of a managed asset is saved as a file, named in the
report, and overwritten.

Superset's own import is not used: the ADR says why. Import this module inside Superset's
application context, as `prepare.py` does.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from superset.connectors.sqla.models import SqlaTable
from superset.extensions import db, security_manager
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice
from superset.reports.models import ReportSchedule
from superset.utils import json
from superset.utils.core import override_user

from superset_tools import bundle, instance, schema, structure
from superset_tools.bundle import kind_of
from superset_tools.schema import ASSETS, PARTS, Closed, Doc

# One sync at a time, held to the end of the transaction. Any number will do.
_LOCK = 7_203_114_865
_COUNTED = ("created", "updated", "deleted", "released", "unchanged")
# Keys that are not one plain value of a row, or that lead to another row.
_WRITTEN_APART = {"extra", "metadata", "params", "position", "template_params", *PARTS}
_WRITTEN_APART |= {"uuid", "version", "database_uuid", "dataset_uuid"}


class SyncError(RuntimeError):
    """The assets cannot be written, and nothing was changed; names file and field."""


@dataclass
class Report:
    """The outcome of a sync; paths below the folder of assets, in order."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)  # differed from their files
    deleted: list[str] = field(default_factory=list)  # their files are gone
    # Their files are gone, but people's own assets need them; people's from now on.
    released: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)  # not touched
    replaced: list[str] = field(default_factory=list)  # updated or deleted, changed by a person
    saved: Path | None = None  # the folder with the former state of the replaced ones

    def __str__(self) -> str:
        """Return one line for each asset that changed, and a sum."""
        lines = [f"{what} {path}" for what in _COUNTED[:-1] for path in getattr(self, what)]
        lines += [
            f"{path} had been changed in Superset; what it was: {self.saved}/{path}"
            for path in self.replaced
        ]
        counts = (f"{len(getattr(self, what))} {what}" for what in _COUNTED)
        return "\n".join([*lines, f"Dashboards: {', '.join(counts)}."])


def sync(
    assets: Path,
    *,
    warehouse_url: str,
    airflow_url: str,
    username: str = "admin",
    saved: Path | None = None,
) -> Report:
    """Bring this Superset to the state of the assets.

    Repeatable: a second call changes nothing, not even a time stamp. Call it inside the
    application context; it commits or rolls back the session.

    Args:
        assets: The folder that holds `databases/`, `datasets/`, `charts/`, `dashboards/`.
        warehouse_url: The warehouse's address for Superset, password included.
        airflow_url: Replaces `${AIRFLOW_URL}`.
        username: The owner of the assets; an administrator.
        saved: The folder for people's changes that are overwritten; by default `replaced` beside
            SUPERSET_CACHE_DIR.

    Raises:
        SyncError: An asset is wrong, or its name belongs to somebody's own; nothing was changed.
    """
    tree = bundle.read(assets)
    if problems := structure.problems(tree):
        raise SyncError("\n".join(problems))
    user = security_manager.find_user(username)
    if user is None:
        raise SyncError(f"There is no user `{username}` that the assets could belong to.")
    if saved is None:
        saved = Path(os.environ["SUPERSET_CACHE_DIR"]).with_name("replaced")
    try:
        # Rows refer to each other by id: write nothing before all rows are complete.
        with override_user(user), db.session.no_autoflush:
            folder = saved / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
            report = _Sync(tree.docs, warehouse_url, airflow_url.rstrip("/"), user, folder).run()
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return report


class _Sync:
    """One sync: the files, the rows, and the steps from one to the other."""

    def __init__(
        self, docs: dict[str, Doc], warehouse_url: str, airflow_url: str, user: Any, saved: Path
    ) -> None:
        db.session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        db.session.expire_all()  # read again: another sync may have ended meanwhile
        kinds = list(ASSETS)
        in_order = sorted(docs, key=lambda path: (kinds.index(kind_of(path)), path))
        self.files = {docs[path]["uuid"]: (path, docs[path]) for path in in_order}
        self.wanted = {
            uuid: bundle.with_address(doc, airflow_url) for uuid, (_, doc) in self.files.items()
        }
        self.warehouse_url, self.airflow_url = warehouse_url, airflow_url
        self.user, self.saved = user, saved
        self.ledger = instance.Ledger.load()
        self.report = Report()
        found = {uuid: instance.row(self._kind(uuid), uuid) for uuid in self.files}
        self.rows = {uuid: row for uuid, row in found.items() if row is not None}

    def run(self) -> Report:
        states = {uuid: instance.describe(row) for uuid, row in self.rows.items()}
        stale = [
            uuid
            for uuid, wanted in self.wanted.items()
            if states.get(uuid) != wanted or not self._is_connected(uuid)
        ]
        for uuid, (path, _) in self.files.items():
            if uuid not in stale:
                self.report.unchanged.append(path)
            elif uuid not in self.rows:
                self.report.created.append(path)
            else:
                self.report.updated.append(path)
                self._save_aside(path, states[uuid])
        self._prune()
        self._refuse_to_take_over(stale)
        for kind, write in (
            ("databases", self._write_database),
            ("datasets", self._write_dataset),
            # Charts take annotations from each other: all have an id before one is written.
            ("charts", self._place_chart),
            ("charts", self._write_chart),
            ("dashboards", self._write_dashboard),
        ):
            for uuid in (each for each in stale if self._kind(each) == kind):
                write(uuid)
            db.session.flush()
        self._verify(stale)
        self._keep_ledger()
        return self.report

    def _kind(self, uuid: str) -> str:
        return kind_of(self.files[uuid][0])

    def _is_connected(self, uuid: str) -> bool:
        """Say whether the addresses and ids, which no file holds, are right."""
        row, url = self.rows[uuid], make_url(self.warehouse_url)
        if self._kind(uuid) == "databases":
            return bool(make_url(row.sqlalchemy_uri_decrypted) == url)
        if self._kind(uuid) == "dashboards":
            # A deleted chart that is made again has another id.
            return {str(chart.uuid) for chart in row.slices} == bundle.charts_of(self.wanted[uuid])
        return self._kind(uuid) != "datasets" or bool(row.catalog == url.database)

    def _save_aside(self, path: str, state: Doc) -> None:
        """Save an asset as a file if a person changed it since the last sync."""
        state = self.ledger.as_file(state)
        uuid = state["uuid"]
        if self.ledger.is_as_synced(uuid, state) or (path, state) == self.files.get(uuid):
            return
        file = self.saved / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(bundle.dump(state), "utf-8")
        self.report.replaced.append(path)
        self.report.saved = self.saved

    def _prune(self) -> None:
        """Delete assets whose files are gone, each before those that it needs."""
        gone = [
            (kind_of(entry.path), entry.path, row, instance.describe(row))
            for uuid, entry in self.ledger.entries.items()
            if uuid not in self.files
            and (row := instance.row(kind_of(entry.path), uuid)) is not None
        ]
        order = list(reversed(ASSETS))

        def users_first(one: tuple[str, str, Any, Doc]) -> tuple[int, bool, str]:
            kind, path, _, state = one
            return order.index(kind), not (kind == "charts" and bundle.annotations_of(state)), path

        for kind, path, row, state in sorted(gone, key=users_first):
            if self._is_in_use(kind, row):
                self.report.released.append(path)
                continue
            self._save_aside(path, state)
            if kind == "charts":
                for dashboard in list(row.dashboards):
                    dashboard.slices.remove(row)
            db.session.delete(row)
            db.session.flush()
            self.report.deleted.append(path)

    def _is_in_use(self, kind: str, row: Any) -> bool:
        """Say whether an asset is needed by one that the repository does not manage."""
        reports, charts = db.session.query(ReportSchedule), db.session.query(Slice)
        if kind == "databases":
            return True  # people's queries and their history need it
        if kind == "dashboards":
            return bool(reports.filter_by(dashboard_id=row.id).count())
        if kind == "datasets":
            reading = charts.filter_by(datasource_id=row.id, datasource_type="table")
            dashboards = self._people_s(db.session.query(Dashboard))
            return any(self._people_s(reading)) or any(
                str(row.uuid) == each.uuid
                for dashboard in dashboards
                for each in bundle.references("dashboards", instance.describe(dashboard))
            )
        annotated = self._people_s(charts.filter(Slice.params.contains("annotation_layers")))
        layers = (bundle.annotations_of({"params": chart.params_dict}) for chart in annotated)
        return (
            any(self._people_s(row.dashboards))
            or any(layer.get("value") == row.id for of_one in layers for layer in of_one)
            or bool(reports.filter_by(chart_id=row.id).count())
        )

    def _people_s(self, rows: Any) -> Iterator[Any]:
        return (row for row in rows if str(row.uuid) not in self.files)

    def _refuse_to_take_over(self, stale: list[str]) -> None:
        """Raise SyncError if a name that must be unique belongs to somebody's own asset."""
        for uuid in stale:
            (path, doc), kind = self.files[uuid], self._kind(uuid)
            if kind == "charts":
                continue
            key = structure.NAMED_BY[kind]
            query = db.session.query(instance.MODELS[kind]).filter_by(**{key: doc[key]})
            if kind == "datasets":
                is_there = SqlaTable.database.has(uuid=UUID(doc["database_uuid"]))
                query = query.filter(SqlaTable.schema == doc["schema"], is_there)
            for row in query:
                if str(row.uuid) != uuid:
                    raise SyncError(
                        f"{path}: {key}: `{doc[key]}` belongs to something that was made in "
                        f"Superset ({row}, id {row.id}, UUID {row.uuid}). Rename or delete that, "
                        "or give the file its UUID to take it over."
                    )

    def _row(self, uuid: str, **values: Any) -> Any:
        """Return the row of an asset; a new row with these values if there is none."""
        if uuid not in self.rows:
            row = instance.MODELS[self._kind(uuid)](uuid=UUID(uuid), **values)
            if hasattr(row, "owners"):
                row.owners = [self.user]
            self.rows[uuid] = row
            db.session.add(row)
        return self.rows[uuid]

    def _write_database(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        row = self._row(uuid, database_name=doc["database_name"])
        _set(row, ASSETS["databases"], doc)
        row.extra = _json(doc.get("extra", {}))
        row.set_sqlalchemy_uri(self.warehouse_url)

    def _write_dataset(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        database = self.rows[doc["database_uuid"]]
        row = self._row(uuid, table_name=doc["table_name"], schema=doc["schema"], database=database)
        _set(row, ASSETS["datasets"], doc)
        row.database = database
        row.catalog = database.get_default_catalog()
        for key in ("params", "template_params", "extra"):
            setattr(row, key, _json(doc[key]) if key in doc else None)
        for key, (name, model) in PARTS.items():
            have = {getattr(part, name): part for part in getattr(row, key)}
            make = row.column_class if key == "columns" else row.metric_class
            parts = []
            for part in doc.get(key, []):
                there = have.get(part[name]) or make()
                _set(there, model, part)
                there.extra = _json(part["extra"]) if "extra" in part else None
                parts.append(there)
            setattr(row, key, parts)
        # Superset caches answers by this time, and a changed metric alone would not change it.
        row.changed_on = datetime.now()  # noqa: DTZ005 - as Superset's own

    def _place_chart(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        dataset = self.rows[doc["dataset_uuid"]]
        row = self._row(uuid)
        row.slice_name = doc["slice_name"]
        row.datasource_id, row.datasource_type = dataset.id, "table"
        row.datasource_name = dataset.table_name

    def _write_chart(self, uuid: str) -> None:
        doc, row = self.wanted[uuid], self.rows[uuid]
        _set(row, ASSETS["charts"], doc)
        params = copy.deepcopy(doc["params"]) | {
            "datasource": f"{row.datasource_id}__table",
            "viz_type": doc["viz_type"],
        }
        for layer in bundle.annotations_of({"params": params}):
            layer["value"] = self.rows[layer["value"]].id
        row.params = _json(params)
        row.query_context = None  # Superset made it from the old parameters

    def _write_dashboard(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        row = self._row(uuid, slug=doc["slug"])
        _set(row, ASSETS["dashboards"], doc)
        row.position_json = _json(self._full_position(doc))
        row.json_metadata = _json(self._full_metadata(doc["metadata"]))
        row.slices = [self.rows[chart] for chart in sorted(bundle.charts_of(doc))]

    def _full_position(self, doc: Doc) -> Doc:
        """Return a dashboard's layout for Superset, with ids, names and parents."""
        position: Doc = {
            "DASHBOARD_VERSION_KEY": "v2",
            "HEADER_ID": {
                "id": "HEADER_ID",
                "type": "HEADER",
                "meta": {"text": doc["dashboard_title"]},
            },
            "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        }
        above = bundle.parents(doc["position"])
        for key, node in doc["position"].items():
            meta = dict(node.get("meta", {}))
            if node["type"] == "CHART":
                chart = self.rows[meta["uuid"]]
                meta |= {"chartId": chart.id, "sliceName": chart.slice_name}
            made = {"id": key, "meta": meta, "parents": above[key]}
            position[key] = {"children": [], **node, **made}
        return position

    def _full_metadata(self, metadata: Doc) -> Doc:
        """Return a dashboard's settings for Superset, with ids for UUIDs."""
        out = bundle.with_charts(copy.deepcopy(metadata), lambda uuid: self.rows[uuid].id)
        for _, one in bundle.filters_of({"metadata": out}):
            for target in one.get("targets", []):
                if uuid := target.pop("datasetUuid", None):
                    target["datasetId"] = self.rows[uuid].id
        for chart, one in out.get("chart_configuration", {}).items():
            one["id"] = chart
        return out

    def _verify(self, stale: list[str]) -> None:
        """Read back what was written.

        Raises:
            SyncError: Superset keeps something else, so that every sync would write again.
        """
        db.session.expire_all()
        for uuid in stale:
            state, wanted = instance.describe(self.rows[uuid]), self.wanted[uuid]
            keys = wanted.keys() | state.keys()
            if differ := sorted(key for key in keys if wanted.get(key) != state.get(key)):
                raise SyncError(
                    f"{self.files[uuid][0]}: {', '.join(differ)}: Superset does not keep this as "
                    "it is written"
                )

    def _keep_ledger(self) -> None:
        entries = {
            uuid: instance.Entry(path, bundle.digest(doc))
            for uuid, (path, doc) in self.files.items()
        }
        ledger = instance.Ledger(self.airflow_url, entries)
        if ledger != self.ledger:
            ledger.save()


def _set(row: Any, model: type[Closed], doc: Doc) -> None:
    """Set a row's plain values; a value that the file leaves out becomes the default."""
    for key, default in schema.defaults(model).items():
        if key not in _WRITTEN_APART:
            setattr(row, instance.ATTRIBUTE.get(key, key), doc.get(key, default))


def _json(value: Any) -> str:
    return str(json.dumps(value, sort_keys=True))
