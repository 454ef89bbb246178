"""Bring a Superset to the state of the assets in this repository.

    python superset/sync.py

One transaction: all of it happens, or nothing. An asset that is as it should be is not touched;
what left the repository goes, unless people built something of their own on it. Charts,
dashboards and datasets that people made are left alone. What a person changed in an asset of the
repository is written over, but saved as a file first, and named.

Superset's own import is not used: it rewrites every asset each time, merges columns and charts
with what was there, drops the annotations that a chart takes from another one, takes over a
stranger's dashboard that has the same slug, and passes over a chart that is missing (6.1.0).

Beside what `superset_config.py` reads it wants SUPERSET_WAREHOUSE_URL and SUPERSET_AIRFLOW_URL.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import bundle
import lint
from bundle import Doc

if TYPE_CHECKING:
    from instance import Ledger

ASSETS = Path(__file__).with_name("assets")
# One sync at a time, held to the end of the transaction. Any number will do.
_LOCK = 7_203_114_865


class SyncError(RuntimeError):
    """The assets cannot be brought in, and nothing was changed; names file and field."""


@dataclass
class Report:
    """What a sync did, by the files' paths below the folder of assets, in order.

    Attributes:
        created: Were not there.
        updated: Were not as the file says.
        deleted: Left the repository.
        released: Left the repository but are in use by what people made; theirs from now on.
        unchanged: Were as the file says; not touched.
        replaced: Those of `updated` and `deleted` that a person had changed.
        saved: The folder that holds those as they were.
    """

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    saved: Path | None = None

    def __str__(self) -> str:
        """Say it in lines: each asset that changed, and a sum."""
        lines = [
            f"{what} {path}"
            for what in ("created", "updated", "deleted", "released")
            for path in getattr(self, what)
        ]
        lines += [
            f"{path} had been changed in Superset; what it was: {self.saved}/{path}"
            for path in self.replaced
        ]
        counts = (f"{len(getattr(self, what))} {what}" for what in _COUNTED)
        return "\n".join([*lines, f"Dashboards: {', '.join(counts)}."])


_COUNTED = ("created", "updated", "deleted", "released", "unchanged")


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
        warehouse_url: How Superset reaches the warehouse, password included.
        airflow_url: What stands for `${AIRFLOW_URL}`.
        username: Whose the assets are; an administrator.
        saved: Where to save what a person changed and this writes over; by default
            the folder `replaced` beside SUPERSET_CACHE_DIR.

    Raises:
        SyncError: An asset is wrong, or in the way of somebody's; nothing was changed.
    """
    tree = bundle.read(assets)
    if problems := lint.structure(tree):
        raise SyncError("\n".join(problems))
    from superset import db, security_manager
    from superset.utils.core import override_user

    user = security_manager.find_user(username)
    if user is None:
        raise SyncError(f"There is no user `{username}` that the assets could belong to.")
    if saved is None:
        saved = Path(os.environ["SUPERSET_CACHE_DIR"]).with_name("replaced")
    try:
        # Rows find their neighbours by id: nothing is written before it is whole.
        with override_user(user), db.session.no_autoflush:
            job = _Sync(tree.docs, warehouse_url, airflow_url.rstrip("/"), user)
            report = job.run(saved / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return report


class _Sync:
    """One run: what is wanted, what there is, and the way from there."""

    def __init__(
        self, docs: dict[str, Doc], warehouse_url: str, airflow_url: str, user: Any
    ) -> None:
        import instance
        import sqlalchemy as sa
        from superset import db

        self.instance, self.session = instance, db.session
        self.session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        self.session.expire_all()  # what was read before somebody else's sync ended
        self.files = {doc["uuid"]: (path, doc) for path, doc in docs.items()}
        self.wanted = {
            uuid: bundle.with_address(doc, airflow_url) for uuid, (_, doc) in self.files.items()
        }
        self.warehouse_url, self.airflow_url, self.user = warehouse_url, airflow_url, user
        self.ledger: Ledger = instance.Ledger.load()
        self.report = Report()
        self.rows: dict[str, Any] = {}
        for uuid, (path, _) in self.files.items():
            found = instance.row(bundle.kind_of(path), uuid)
            if found is not None:
                self.rows[uuid] = found

    def run(self, saved: Path) -> Report:
        is_states = {uuid: self.instance.describe(row) for uuid, row in self.rows.items()}
        stale = [
            uuid
            for uuid, wanted in self.wanted.items()
            if is_states.get(uuid) != wanted or not self._is_connected(uuid)
        ]
        for uuid, (path, _) in self.files.items():
            is_new = uuid not in self.rows
            done = self.report.created if is_new else self.report.updated
            (done if uuid in stale else self.report.unchanged).append(path)
            if uuid in stale and not is_new:
                self._save_aside(saved, path, is_states[uuid])
        self._prune(saved)
        self._refuse_to_take_over(stale)
        by_kind = {kind: [u for u in stale if self._kind(u) == kind] for kind in bundle.FIELDS}
        for uuid in by_kind["databases"]:
            self._write_database(uuid)
        for uuid in by_kind["datasets"]:
            self._write_dataset(uuid)
        # Charts take annotations from each other: all have an id before one is written.
        for uuid in by_kind["charts"]:
            self._place_chart(uuid)
        self.session.flush()
        for uuid in by_kind["charts"]:
            self._write_chart(uuid)
        for uuid in by_kind["dashboards"]:
            self._write_dashboard(uuid)
        self.session.flush()
        self._verify(stale)
        self._keep_ledger()
        for paths in (self.report.created, self.report.updated, self.report.unchanged):
            paths.sort(key=_in_order)
        return self.report

    def _kind(self, uuid: str) -> str:
        return bundle.kind_of(self.files[uuid][0])

    def _is_connected(self, uuid: str) -> bool:
        """Say whether what no file says is right too: addresses and ids."""
        from sqlalchemy.engine import make_url

        row, url = self.rows[uuid], make_url(self.warehouse_url)
        if self._kind(uuid) == "databases":
            return bool(make_url(row.sqlalchemy_uri_decrypted) == url)
        if self._kind(uuid) == "dashboards":
            # A chart that was deleted, and is made again now, has another id.
            return {str(chart.uuid) for chart in row.slices} == bundle.charts_of(self.wanted[uuid])
        return self._kind(uuid) != "datasets" or bool(row.catalog == url.database)

    def _save_aside(self, saved: Path, path: str, state: Doc) -> None:
        """Save an asset that a person changed since the last sync."""
        state = self.ledger.as_file(state)
        uuid = state["uuid"]
        if self.ledger.is_as_synced(uuid, state) or self._is_in_file(uuid, state):
            return
        file = saved / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(bundle.dump(state), "utf-8")
        self.report.replaced.append(path)
        self.report.saved = saved

    def _is_in_file(self, uuid: str, state: Doc) -> bool:
        return uuid in self.files and state == self.files[uuid][1]

    def _prune(self, saved: Path) -> None:
        """Delete what left the repository, users before what they use."""
        gone: list[tuple[str, str, Any, Doc]] = []
        for uuid, entry in self.ledger.entries.items():
            if uuid not in self.files:
                kind = bundle.kind_of(entry.path)
                if (row := self.instance.row(kind, uuid)) is not None:
                    gone.append((kind, entry.path, row, self.instance.describe(row)))
        order = list(reversed(bundle.FIELDS))

        def users_first(one: tuple[str, str, Any, Doc]) -> tuple[int, bool, str]:
            kind, path, _, state = one
            return order.index(kind), not (kind == "charts" and bundle.annotations_of(state)), path

        for kind, path, row, state in sorted(gone, key=users_first):
            if self._is_in_use(kind, row):
                self.report.released.append(path)
                continue
            self._save_aside(saved, path, state)
            if kind == "charts":
                for dashboard in list(row.dashboards):
                    dashboard.slices.remove(row)
            self.session.delete(row)
            self.session.flush()
            self.report.deleted.append(path)

    def _is_in_use(self, kind: str, row: Any) -> bool:
        """Say whether something that stays, and that the repository does not manage, needs it."""
        from superset.models.dashboard import Dashboard
        from superset.models.slice import Slice
        from superset.reports.models import ReportSchedule

        reports = self.session.query(ReportSchedule)
        if kind == "databases":
            return True  # people's queries and their history hang on it
        if kind == "datasets":
            charts = self.session.query(Slice).filter_by(
                datasource_id=row.id, datasource_type="table"
            )
            filters = (
                self.instance.describe(dashboard)
                for dashboard in self._people_s(self.session.query(Dashboard))
            )
            return any(self._people_s(charts)) or any(
                str(row.uuid) in bundle.datasets_of(doc) for doc in filters
            )
        if kind == "charts":
            annotated = self.session.query(Slice).filter(Slice.params.contains("annotation_layers"))
            return (
                any(self._people_s(row.dashboards))
                or any(
                    layer.get("value") == row.id
                    for chart in self._people_s(annotated)
                    for layer in bundle.annotations_of({"params": chart.params_dict})
                )
                or bool(reports.filter_by(chart_id=row.id).count())
            )
        return bool(reports.filter_by(dashboard_id=row.id).count())

    def _people_s(self, rows: Any) -> Iterator[Any]:
        return (row for row in rows if str(row.uuid) not in self.files)

    def _refuse_to_take_over(self, stale: list[str]) -> None:
        """Raise SyncError where a name that must be unique is somebody else's."""
        from superset.connectors.sqla.models import SqlaTable
        from superset.models.core import Database
        from superset.models.dashboard import Dashboard

        for uuid in stale:
            path, doc = self.files[uuid]
            kind = self._kind(uuid)
            if kind == "databases":
                key, query = "database_name", self.session.query(Database)
            elif kind == "datasets":
                key = "table_name"
                query = self.session.query(SqlaTable).filter(
                    SqlaTable.schema == doc["schema"],
                    SqlaTable.database.has(uuid=UUID(doc["database_uuid"])),
                )
            elif kind == "dashboards":
                key, query = "slug", self.session.query(Dashboard)
            else:
                continue
            for row in query.filter_by(**{key: doc[key]}):
                if str(row.uuid) != uuid:
                    raise SyncError(
                        f"{path}: {key}: `{doc[key]}` belongs to something that was made in "
                        f"Superset ({row}, id {row.id}, UUID {row.uuid}). Rename or delete that, "
                        "or give the file its UUID to take it over."
                    )

    def _new(self, uuid: str, **values: Any) -> Any:
        row = self.instance.MODELS[self._kind(uuid)](uuid=UUID(uuid), **values)
        if hasattr(row, "owners"):
            row.owners = [self.user]
        self.rows[uuid] = row
        self.session.add(row)
        return row

    def _write_database(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        row = self.rows.get(uuid) or self._new(uuid, database_name=doc["database_name"])
        self._set(row, bundle.FIELDS["databases"], doc)
        row.extra = _json(doc.get("extra", {}))
        row.set_sqlalchemy_uri(self.warehouse_url)
        self.session.flush()

    def _write_dataset(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        database = self.rows[doc["database_uuid"]]
        row = self.rows.get(uuid) or self._new(
            uuid, table_name=doc["table_name"], schema=doc["schema"], database=database
        )
        self._set(row, bundle.FIELDS["datasets"], doc)
        row.database = database
        row.catalog = database.get_default_catalog()
        for key in ("params", "template_params", "extra"):
            setattr(row, key, _json(doc[key]) if key in doc else None)
        for key, (name, fields) in bundle.PARTS.items():
            have = {getattr(part, name): part for part in getattr(row, key)}
            make = row.column_class if key == "columns" else row.metric_class
            parts = []
            for part in doc.get(key, []):
                there = have.get(part[name]) or make()
                self._set(there, fields, part)
                there.extra = _json(part["extra"]) if "extra" in part else None
                parts.append(there)
            setattr(row, key, parts)
        # Superset keeps answers under this time: a metric alone would not change it.
        row.changed_on = datetime.now()  # noqa: DTZ005 - as Superset's own
        self.session.flush()

    def _place_chart(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        dataset = self.rows[doc["dataset_uuid"]]
        row = self.rows.get(uuid) or self._new(uuid)
        row.slice_name = doc["slice_name"]
        row.datasource_id, row.datasource_type = dataset.id, "table"
        row.datasource_name = dataset.table_name

    def _write_chart(self, uuid: str) -> None:
        doc, row = self.wanted[uuid], self.rows[uuid]
        self._set(row, bundle.FIELDS["charts"], doc)
        params = copy.deepcopy(doc["params"]) | {
            "datasource": f"{row.datasource_id}__table",
            "viz_type": doc["viz_type"],
        }
        for layer in bundle.annotations_of({"params": params}):
            layer["value"] = self.rows[layer["value"]].id
        row.params = _json(params)
        row.query_context = None  # it is made of the parameters before

    def _write_dashboard(self, uuid: str) -> None:
        doc = self.wanted[uuid]
        row = self.rows.get(uuid) or self._new(uuid, slug=doc["slug"])
        self._set(row, bundle.FIELDS["dashboards"], doc)
        charts = sorted(bundle.charts_of(doc))
        ids = {chart: self.rows[chart].id for chart in charts}
        names = {chart: self.rows[chart].slice_name for chart in charts}
        row.position_json = _json(full_position(doc, ids, names))
        datasets = {dataset: self.rows[dataset].id for dataset in bundle.datasets_of(doc)}
        row.json_metadata = _json(full_metadata(doc["metadata"], ids, datasets))
        row.slices = [self.rows[chart] for chart in charts]

    def _set(self, row: Any, fields: dict[str, bundle.Field], doc: Doc) -> None:
        """Set plain values; one that is left out is the default again."""
        for key, one in fields.items():
            attribute = self.instance.ATTRIBUTE.get(key, key)
            if one.type in (str, int, bool) and key not in _REFERENCES:
                setattr(row, attribute, doc.get(key, one.default))
            elif key == "currency":
                setattr(row, attribute, doc.get(key))

    def _verify(self, stale: list[str]) -> None:
        """Read back what was written.

        Raises:
            SyncError: Superset holds something else, so that no sync would ever be done.
        """
        self.session.expire_all()
        for uuid in stale:
            state = self.instance.describe(self.rows[uuid])
            if state != self.wanted[uuid]:
                differ = [
                    key
                    for key in self.wanted[uuid].keys() | state.keys()
                    if self.wanted[uuid].get(key) != state.get(key)
                ]
                raise SyncError(
                    f"{self.files[uuid][0]}: {', '.join(sorted(differ))}: Superset does not keep "
                    "this as it is written"
                )

    def _keep_ledger(self) -> None:
        entries = {
            uuid: self.instance.Entry(path, bundle.digest(doc))
            for uuid, (path, doc) in self.files.items()
        }
        ledger = self.instance.Ledger(self.airflow_url, entries)
        if ledger != self.ledger:
            ledger.save()


_REFERENCES = {"uuid", "version", "database_uuid", "dataset_uuid"}


def _json(value: Any) -> str:
    from superset.utils import json

    return json.dumps(value, sort_keys=True)


def _in_order(path: str) -> tuple[int, str]:
    return list(bundle.FIELDS).index(bundle.kind_of(path)), path


def full_position(doc: Doc, ids: dict[str, int], names: dict[str, str]) -> Doc:
    """Return a dashboard's layout as Superset wants it: with ids, names and parents.

    Args:
        doc: The dashboard, in normal form.
        ids: Chart ids by UUID.
        names: Charts' titles by UUID.
    """
    position: Doc = {
        "DASHBOARD_VERSION_KEY": "v2",
        "HEADER_ID": {
            "id": "HEADER_ID",
            "type": "HEADER",
            "meta": {"text": doc["dashboard_title"]},
        },
    }
    position["GRID_ID"] = {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]}
    above = bundle.parents(doc["position"])
    for key, node in doc["position"].items():
        meta = dict(node.get("meta", {}))
        if node["type"] == "CHART":
            meta |= {"chartId": ids[meta["uuid"]], "sliceName": names[meta["uuid"]]}
        position[key] = {
            "id": key,
            "type": node["type"],
            "meta": meta,
            "children": node.get("children", []),
            "parents": above[key],
        }
    return position


def full_metadata(metadata: Doc, charts: dict[str, int], datasets: dict[str, int]) -> Doc:
    """Return a dashboard's settings as Superset wants them: with ids for UUIDs.

    Args:
        metadata: In normal form.
        charts: Chart ids by UUID.
        datasets: Dataset ids by UUID.
    """

    def scoped(holder: Doc) -> Doc:
        if not isinstance(scope := holder.get("scope"), dict):
            return holder
        excluded = [charts[uuid] for uuid in scope.get("excluded", [])]
        return {**holder, "scope": {**scope, "excluded": excluded}}

    def target(one: Doc) -> Doc:
        one = dict(one)
        if (uuid := one.pop("datasetUuid", None)) is not None:
            one["datasetId"] = datasets[uuid]
        return one

    out = dict(metadata)
    for key in bundle.FILTER_LISTS:
        if key in out:
            out[key] = [
                scoped({**each, "targets": [target(one) for one in each.get("targets", [])]})
                for each in out[key]
            ]
    if "global_chart_configuration" in out:
        out["global_chart_configuration"] = scoped(out["global_chart_configuration"])
    if "chart_configuration" in out:
        out["chart_configuration"] = {
            str(charts[uuid]): {
                "id": charts[uuid],
                "crossFilters": scoped(one["crossFilters"]),
            }
            for uuid, one in out["chart_configuration"].items()
        }
    if "expanded_slices" in out:
        out["expanded_slices"] = {
            str(charts[uuid]): value for uuid, value in out["expanded_slices"].items()
        }
    if "timed_refresh_immune_slices" in out:
        out["timed_refresh_immune_slices"] = [
            charts[uuid] for uuid in out["timed_refresh_immune_slices"]
        ]
    return out


@contextmanager
def application() -> Iterator[None]:
    """Enter Superset's application context; some eight seconds."""
    from superset.app import create_app

    with create_app().app_context():
        yield


def environment(*names: str) -> list[str]:
    """Return environment variables; end the process with a sentence if one is missing."""
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        sys.exit(f"Not set: {', '.join(missing)}.")
    return [os.environ[name] for name in names]


def main() -> None:
    """Sync this checkout's assets, and show guests their data."""
    warehouse_url, airflow_url = environment("SUPERSET_WAREHOUSE_URL", "SUPERSET_AIRFLOW_URL")
    with application():
        from guests import guest_role

        try:
            report = sync(ASSETS, warehouse_url=warehouse_url, airflow_url=airflow_url)
        except SyncError as error:
            sys.exit(f"Nothing was changed:\n{error}")
        guest_role()  # they may see new datasets too
    print(report)  # noqa: T201


if __name__ == "__main__":
    main()
