"""Write people's changes in Superset into the assets of this repository.

    make superset-export

Writes the assets that changed in Superset since the last sync, and new charts and datasets that a
dashboard of the repository shows; removes deleted ones. A file that was edited but not synced stays
as it is. If an asset was changed on both sides, nothing is written, and all such files are named.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superset_tools import bundle
from superset_tools.bundle import ASSETS_FOLDER, kind_of
from superset_tools.lint import SECRETS
from superset_tools.schema import Doc
from superset_tools.structure import STEM

if TYPE_CHECKING:
    from superset_tools.instance import Ledger


class ExportError(RuntimeError):
    """Superset's assets cannot be written as files; nothing was written. Names each asset."""


@dataclass
class Report:
    """The outcome of an export; paths below the folder of assets."""

    written: list[str] = field(default_factory=list)  # new or changed
    removed: list[str] = field(default_factory=list)  # deleted or moved in Superset
    kept: list[str] = field(default_factory=list)  # edited here, but not synced
    unchanged: int = 0  # number of files that equal Superset's state

    def __str__(self) -> str:
        """Return one line for each file, and a sum."""
        lines = [f"wrote {path}" for path in self.written]
        lines += [f"removed {path}" for path in self.removed]
        lines += [f"left {path}: it was edited here, and is not synced yet" for path in self.kept]
        done = f"{len(self.written)} written, {len(self.removed)} removed"
        return "\n".join([*lines, f"Dashboards: {done}, {self.unchanged} unchanged."])


def export(root: Path) -> Report:
    """Write this Superset's assets into a folder.

    Call it inside the application context. It changes nothing in Superset.

    Raises:
        ExportError: Nothing was ever synced here, a file cannot be read, an asset was changed on
            both sides, or a file would hold a secret.
    """
    from superset_tools.instance import Ledger

    ledger = Ledger.load()
    if not ledger.entries:
        raise ExportError("Nothing was ever synced into this Superset: make superset-sync")
    tree = bundle.read(root) if root.is_dir() else bundle.Tree({}, {}, [])
    if tree.problems:
        raise ExportError("\n".join(tree.problems))
    files = {doc["uuid"]: path for path, doc in tree.docs.items()}
    states = _states(ledger)
    report, conflicts = Report(), []
    writes: dict[str, str] = {}
    for uuid, (path, state) in states.items():
        old, kind = files.get(uuid), kind_of(path)
        if old is not None and kind in ("charts", "databases"):
            path = f"{Path(path).parent.as_posix()}/{Path(old).name}"  # any file name is allowed
        if path != old and (kind == "charts" or uuid not in ledger.entries):
            path = _free(path, {*tree.docs, *writes})
        there = tree.docs.get(old or "")
        if there == state:
            report.unchanged += 1
        elif there is not None and ledger.is_as_synced(uuid, state):
            report.kept.append(old or path)
        elif there is not None and uuid in ledger.entries and not ledger.is_as_synced(uuid, there):
            conflicts.append(f"{old}: was changed in Superset and here since the last sync")
        else:
            writes[path] = bundle.dump(state)
            report.written.append(path)
            if old is not None and old != path:
                report.removed.append(old)
    for uuid in ledger.entries.keys() - states.keys():
        if (path := files.get(uuid, "")) and ledger.is_as_synced(uuid, tree.docs[path]):
            report.removed.append(path)
        elif path:
            conflicts.append(f"{path}: was deleted in Superset and changed here")
    conflicts += [
        f"{path}: would hold what looks like a secret"
        for path, text in writes.items()
        if SECRETS.search(text)
    ]
    if conflicts:
        raise ExportError("\n".join(conflicts))
    _write(root, writes, report)
    return report


def _write(root: Path, writes: Mapping[str, str], report: Report) -> None:
    """Write and remove files, and sort the report."""
    for path, text in writes.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    for path in report.removed:
        (root / path).unlink()
    for paths in (report.written, report.removed, report.kept):
        paths.sort()


def _states(ledger: Ledger) -> dict[str, tuple[str, Doc]]:
    """Return path and asset, by UUID, of all managed assets and of those that they need."""
    from superset_tools import instance

    states: dict[str, tuple[str, Doc]] = {}
    ahead = [(kind_of(entry.path), uuid) for uuid, entry in ledger.entries.items()]
    while ahead:
        kind, uuid = ahead.pop()
        if uuid in states or (row := instance.row(kind, uuid)) is None:
            continue
        state = ledger.as_file(instance.describe(row))
        known = ledger.entries.get(uuid)
        if kind == "databases" and known is None:
            raise ExportError(f"{row} is another database than the warehouse: use its datasets")
        states[uuid] = (_path(kind, state, known.path if known else None), state)
        ahead += [(each.kind, each.uuid) for each in bundle.references(kind, state)]
    return states


def _path(kind: str, state: Doc, known: str | None) -> str:
    """Return a file's path: by slug for dashboards, by table for datasets.

    Other files keep their names; a chart lies in the folder of its dataset.
    """
    if kind == "dashboards":
        slug = state.get("slug") or _slug(state["dashboard_title"])
        keeps = known is not None and Path(known).stem.replace("-", "_") == slug.replace("-", "_")
        return known if known and keeps else f"dashboards/{_stem(slug, 'slug')}.yaml"
    if kind == "datasets":
        return f"datasets/warehouse/{_stem(state['table_name'], 'dataset name')}.yaml"
    if kind == "databases":
        return known or f"databases/{_slug(state['database_name'])}.yaml"
    from superset_tools import instance

    dataset: Any = instance.row("datasets", state["dataset_uuid"])
    name = Path(known).stem if known else _slug(state["slice_name"])
    return f"charts/{_stem(dataset.table_name, 'dataset name')}/{name}.yaml"


def _stem(name: str, what: str) -> str:
    # A person typed the name: it may lead out of the folder.
    if not STEM.fullmatch(name):
        raise ExportError(
            f"The {what} `{name}` cannot name a file: use small letters, digits, - and _"
        )
    return name


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "unnamed"


def _free(path: str, taken: set[str]) -> str:
    stem, number, free = path.removesuffix(".yaml"), 2, path
    while free in taken:
        free, number = f"{stem}_{number}.yaml", number + 1
    return free


def main() -> None:
    """Export into this checkout's assets, or into the folder of the first argument."""
    from superset.app import create_app

    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS_FOLDER
    with create_app().app_context():
        try:
            print(export(root))  # noqa: T201
        except ExportError as error:
            sys.exit(f"Nothing was written:\n{error}")


if __name__ == "__main__":
    main()
