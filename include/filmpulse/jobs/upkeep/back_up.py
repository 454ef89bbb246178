"""Back the warehouse up to S3, with Airflow's Variables and Superset's assets (docs/adr/0036)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from filmpulse.backup import keep, manifest, save
from filmpulse.backup.dashboards import Superset
from filmpulse.backup.manifest import Manifest
from filmpulse.errors import BackupDamaged, BackupUnavailable, BadInput, FilmpulseError
from filmpulse.jobs.context import Context
from filmpulse.warehouse import backups as wh
from filmpulse.warehouse.tables import only_backup

log = logging.getLogger(__name__)

DUE_AFTER = timedelta(hours=24)
"""A load asks for a backup only if the newest is older."""

AIRFLOW_FILE, SUPERSET_FILE = "airflow.json", "superset.zip"


class AirflowObjects(BaseModel):
    """What a backup keeps of Airflow; it holds no secret.

    Attributes:
        variables: Values by name, without those whose names sound secret.
        secret_variables: The names of those.
        connections: Names alone: the recovery sheet has what they are made of.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    variables: dict[str, str] = {}
    secret_variables: list[str] = []
    connections: list[str] = []


class BackedUp(NamedTuple):
    """A backup that was verified, what was deleted since, and what was left out."""

    manifest: Manifest
    kept: keep.Kept
    warnings: list[str]


def newest_backup(context: Context) -> datetime | None:
    """Return when the newest verified backup was taken (UTC), as the warehouse knows it."""
    return wh.backup_newest.one(context.warehouse)


def is_backup_due(context: Context, now: datetime) -> bool:
    """Say whether the newest verified backup is older than `DUE_AFTER`, or there is none."""
    newest = newest_backup(context)
    return newest is None or now - newest > DUE_AFTER


def back_up(
    context: Context, read_airflow: Callable[[], AirflowObjects], superset: Superset | None
) -> BackedUp:
    """Back up all tables as of now, read all back, complete it, then delete what need not stay.

    A try that breaks off leaves the complete backups as they were; the next try begins anew. How it
    ended is noted in `ops.backups`.

    Args:
        context: Its `backups` say where to.
        read_airflow: Gives what is to be kept of Airflow.
        superset: Whose assets are kept; if it does not answer, the backup goes without them.

    Raises:
        BackupUnavailable: The store did not answer, or another backup is under way (`busy`).
        BackupRefused: The store refuses keys, bucket or request.
        BackupDamaged: What was read back is not what was written; it counts as no backup.
        WarehouseUnavailable: Postgres did not answer.
        BadInput: No place for backups is set, or the warehouse is not set up.
    """
    store = context.backups
    with only_backup(context.warehouse.url):
        now = datetime.now(UTC)
        backup_id = manifest.new_id(now)
        wh.backup_begin(context.warehouse, backup_id=backup_id, url=store.url, now=now)
        try:
            warnings = list[str]()
            files = {AIRFLOW_FILE: read_airflow().model_dump_json(indent=1).encode()}
            if superset is not None:
                files |= _assets(superset, warnings)
            made = save.save(store, backup_id, context.warehouse.url, files)
        except BaseException as error:
            _note_failure(context, backup_id, error)
            raise
        kept = keep.delete_old(store, backup_id, context.settings, datetime.now(UTC))
        warnings += kept.problems
        note_verified(context, made, " ".join(warnings) or None)
    return BackedUp(made, kept, warnings)


def note_verified(context: Context, made: Manifest, sentence: str | None = None) -> None:
    """Note in `ops.backups` that a backup is whole, if it has a row there."""
    wh.backup_verified(
        context.warehouse, backup_id=made.backup_id, finished_at=made.finished_at,
        taken_at=made.taken_at, schema_revision=made.schema_revision, tables=len(made.tables),
        rows=made.rows, bytes=made.bytes, stored_bytes=made.stored_bytes, sentence=sentence,
    )  # fmt: skip


def _assets(superset: Superset, warnings: list[str]) -> dict[str, bytes]:
    try:
        return {SUPERSET_FILE: superset.export_assets()}
    except BackupUnavailable as error:
        log.warning("%s", error)
        warnings.append(str(error))
        return {}


def _note_failure(context: Context, backup_id: str, error: BaseException) -> None:
    ours = isinstance(error, FilmpulseError)
    try:
        wh.backup_failed(
            context.warehouse, backup_id=backup_id, finished_at=datetime.now(UTC),
            reason=error.reason if ours else "failed",  # type: ignore[attr-defined]
            sentence=str(error) if ours else f"{type(error).__name__}: the task's log says more.",
        )  # fmt: skip
    except FilmpulseError as second:  # the next backup notes that this one broke off
        log.warning("How the backup %s failed could not be noted: %s", backup_id, second)


def newest_complete(context: Context) -> datetime | None:
    """Return when the newest complete backup was begun (UTC), as its place says; None if none is.

    Raises:
        BackupUnavailable: The store did not answer.
        BackupRefused: The store refuses.
    """
    newest = keep.newest(context.backups)
    return manifest.begun_at(newest) if newest else None


def list_backups(context: Context) -> dict[str, Manifest | None]:
    """Return the manifests of all complete backups by id, newest first; None if it is damaged."""
    found: dict[str, Manifest | None] = {}
    for one in reversed(manifest.complete(context.backups)):
        try:
            found[one] = manifest.read(context.backups, one)
        except BackupDamaged as error:
            log.warning("%s", error)
            found[one] = None
    return found


def verify_backup(context: Context, backup_id: str | None = None) -> Manifest:
    """Read a backup back, the newest unless told, and compare it with its manifest.

    Raises:
        BadInput: There is no such backup.
        BackupDamaged: It is not whole.
    """
    found = chosen(context, backup_id)
    save.verify(context.backups, found)
    return found


def chosen(context: Context, backup_id: str | None) -> Manifest:
    """Return the manifest of a backup, of the newest complete one unless told.

    Raises:
        BadInput: There is none.
    """
    backup_id = backup_id or keep.newest(context.backups)
    if backup_id is None:
        raise BadInput(
            f"There is no complete backup at {context.backups.url}: `filmpulse backup now` makes "
            "one.",
            reason="no_backup",
        )
    return manifest.read(context.backups, backup_id)
