"""Bring a backup back into a database, and drill that every week in a scratch database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from filmpulse.backup import load, save
from filmpulse.backup.manifest import Manifest
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.jobs.context import Context, Progress, setup_warehouse, silent
from filmpulse.jobs.upkeep.back_up import (
    AIRFLOW_FILE,
    SUPERSET_FILE,
    AirflowObjects,
    chosen,
    note_verified,
)
from filmpulse.jobs.upkeep.erase import Erased, replay_erasures
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse import backups as wh
from filmpulse.warehouse.migrate import Revision
from filmpulse.warehouse.tables import has_rows, not_ours, scratch_database

log = logging.getLogger(__name__)


class Restored(NamedTuple):
    """What came back.

    Attributes:
        manifest: Of the backup.
        revision: Reached by the tables.
        erased: What had been erased after the backup, and was erased again.
        airflow: What the backup knows of Airflow.
        assets: Superset's, as a ZIP file; None if the backup has none.
        is_lake_empty: Whether the lake could not say what was erased since the backup.
    """

    manifest: Manifest
    revision: str
    erased: Erased
    airflow: AirflowObjects
    assets: bytes | None
    is_lake_empty: bool


def restore(
    context: Context,
    backup_id: str | None = None,
    *,
    into_url: str | None = None,
    is_replacing: bool = False,
    progress: Progress = silent,
) -> Restored:
    """Bring a backup back, the newest unless told, and bring it up to this version.

    The tables come back in one transaction: after an error or a kill the database is as it was.
    Then they are migrated on, what was erased since is erased again, and the marts are made.

    Args:
        context: Its warehouse, lake and place of backups.
        backup_id: Which backup.
        into_url: Another database than the warehouse's.
        is_replacing: Whether the database may hold movies, which are dropped.
        progress: Told the tables done, and all of them.

    Raises:
        BadInput: There is no such backup, or the database holds movies and may not be replaced.
        BackupDamaged: The backup is not whole.
        Retryable: The store, Postgres or the lake did not answer. If the tables were back by then,
            the message says so.
    """
    if into_url is not None:
        context = replace(context, warehouse=Warehouse(into_url))
    found = chosen(context, backup_id)
    is_lake_empty = not context.lake.folders()  # without a lake nothing says what was erased since
    if not is_replacing:
        _refuse_unless_blank(context.warehouse.url)
    files = {one.file: save.saved_file(context.backups, found.backup_id, one)
             for one in found.files}  # fmt: skip
    load.load(context.backups, found, context.warehouse.url, progress)
    try:
        revision = setup_warehouse(context)
        note_verified(context, found)  # it holds its own row from when it was under way
        erased = replay_erasures(context)
    except FilmpulseError as error:
        raise type(error)(
            f"The tables of the backup {found.backup_id} are back, but this came after: {error} "
            "Mend it, then run `filmpulse setup` and `filmpulse retention`.",
            reason=error.reason,
        ) from error
    airflow = AirflowObjects.model_validate_json(files.get(AIRFLOW_FILE, b"{}"))
    assets = files.get(SUPERSET_FILE)
    return Restored(found, str(revision.head), erased, airflow, assets, is_lake_empty)


def _refuse_unless_blank(url: str) -> None:
    """Raise BadInput if a restore would drop anything that a person may miss."""
    if foreign := not_ours(url):
        raise BadInput(
            f"The database holds {foreign[0]} in a schema that a restore drops, and it was not "
            "made by Filmpulse, so nothing was restored: name another database.",
            reason="not_empty",
        )
    if has_rows(url):
        raise BadInput(
            "The database holds movies already, so nothing was restored: name an empty one, or "
            "say that it may be replaced (--replace).",
            reason="not_empty",
        )


class Drilled(NamedTuple):
    """A drill that passed: the backup, the revision reached, and how long it took (seconds)."""

    manifest: Manifest
    revision: str
    seconds: float


def drill(context: Context, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Drilled:
    """Restore the newest backup into a scratch database, compare, migrate on, and empty it again.

    Whether it passed is noted in `ops.restore_drills`.

    Raises:
        BadInput: There is no backup, or there is no scratch database and none may be made.
        BackupDamaged: The backup is not whole, or did not come back as it was saved.
        Retryable: The store or Postgres did not answer.
    """
    from filmpulse.warehouse.migrate import migrate

    began, found = now(), None
    try:
        found = chosen(context, None)
        with scratch_database(context.warehouse.url) as url:
            load.load(context.backups, found, url, silent)
            revision: Revision = migrate(url)
    except FilmpulseError as error:
        _note_drill(context, began, now(), found, error)
        raise
    ended = now()
    _note_drill(context, began, ended, found, None)
    return Drilled(found, str(revision.head), (ended - began).total_seconds())


def _note_drill(
    context: Context,
    began: datetime,
    ended: datetime,
    found: Manifest | None,
    error: FilmpulseError | None,
) -> None:
    passed = f"All {found.rows:,} rows came back." if found else ""
    try:
        wh.drill_record(
            context.warehouse, backup_id=found and found.backup_id, started_at=began,
            finished_at=ended, status="failed" if error else "passed",
            tables=len(found.tables) if found else None, rows=found.rows if found else None,
            reason=error.reason if error else None, sentence=str(error) if error else passed,
        )  # fmt: skip
    except FilmpulseError as second:
        log.warning("How the restore drill went could not be noted: %s", second)
