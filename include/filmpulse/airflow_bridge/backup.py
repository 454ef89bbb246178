"""The tasks of `warehouse_backup` and `restore_drill`, and Airflow's part of a backup."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from filmpulse.airflow_bridge.connections import (
    ALERTS,
    BACKUP,
    LAKE,
    LLM,
    SUPERSET,
    WAREHOUSE,
    backup_store,
    has_connection,
    superset,
)
from filmpulse.airflow_bridge.context import job_context

if TYPE_CHECKING:
    from filmpulse.jobs import AirflowObjects, Context

log = logging.getLogger(__name__)


def is_backup_due(run_type: str) -> bool:
    """Say whether a run shall make a backup; the task's log says why not.

    Without a place for backups no run does, nor while the warehouse holds no movie: what is empty,
    or was lost, never displaces a backup. A run that a load asked for makes one only if the newest
    is over 24 hours old.
    """
    from filmpulse import jobs

    context = _context()
    if context.settings.backup_url is None:
        log.warning("FILMPULSE_BACKUP_URL is not set, so no backups are made.")
        return False
    if not jobs.has_rows(context.warehouse.url):
        log.warning("The warehouse holds no movie, so there is nothing to back up.")
        return False
    asked_by_load = run_type.startswith("asset")
    return not asked_by_load or jobs.is_backup_due(context, datetime.now(UTC))


def back_up() -> dict[str, Any]:
    """Make a backup and verify it; return its figures."""
    from filmpulse import jobs

    made = jobs.back_up(_context(), _objects_in_task, superset())
    for warning in made.warnings:
        log.warning("%s", warning)
    log.info(
        "%s: %d tables, %d rows, %d bytes; %d old backups were deleted.",
        made.manifest.backup_id, len(made.manifest.tables), made.manifest.rows,
        made.manifest.stored_bytes, made.kept.backups,
    )  # fmt: skip
    return {
        "backup_id": made.manifest.backup_id,
        "rows": made.manifest.rows,
        "bytes": made.manifest.bytes,
        "stored_bytes": made.manifest.stored_bytes,
        "deleted_backups": made.kept.backups,
    }


def has_backup() -> bool:
    """Say whether a backup was ever verified, so that a drill can be expected to find one."""
    from filmpulse import jobs

    context = _context()
    return context.settings.backup_url is not None and jobs.newest_backup(context) is not None


def drill() -> dict[str, Any]:
    """Restore the newest backup into a scratch database; return how it went."""
    from filmpulse import jobs

    drilled = jobs.drill(_context())
    return {
        "backup_id": drilled.manifest.backup_id,
        "rows": drilled.manifest.rows,
        "seconds": round(drilled.seconds, 1),
    }


def _context() -> Context:
    from dataclasses import replace

    built = job_context()
    return replace(built, open_backups=lambda: backup_store(built.settings))


def _objects_in_task() -> AirflowObjects:
    """Read what a backup keeps of Airflow, inside a task.

    A task may list no Connections, so the names are those of ours that exist.
    """
    from airflow.sdk import Variable

    names = list(Variable.keys())
    ours = (WAREHOUSE, LAKE, LLM, BACKUP, SUPERSET, ALERTS)
    return _objects(
        {name: str(Variable.get(name, default="")) for name in names if not _is_secret(name)},
        filter(_is_secret, names),
        filter(has_connection, ours),
    )


def stored_objects() -> AirflowObjects:
    """Read what a backup keeps of Airflow, outside a task (the command line).

    Raises:
        BadInput: Airflow's database is not there.
    """
    from airflow.models import Connection, Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from filmpulse.airflow_bridge.variables import metadata_answers

    with metadata_answers("Airflow's Variables"), create_session() as session:
        names = list(session.scalars(select(Variable.key).order_by(Variable.key)))
        connections = list(session.scalars(select(Connection.conn_id)))
        values = {
            name: str(Variable.get(name, default_var="")) for name in names if not _is_secret(name)
        }
    return _objects(values, filter(_is_secret, names), connections)


def write_variables(values: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Bring Variables back, outside a task.

    A Variable that has another value stays as it is, but for an empty list of tracked movies, which
    every new instance has.

    Returns:
        The names of those that were written, and of those that have another value.

    Raises:
        BadInput: Airflow's database is not there.
    """
    from airflow.models import Variable

    from filmpulse.airflow_bridge.variables import DESCRIPTION, TRACKED_MOVIES, metadata_answers

    written, other = list[str](), list[str]()
    with metadata_answers("Airflow's Variables"):
        for name, value in sorted(values.items()):
            now = Variable.get(name, default_var=None)
            if now is None or (name == TRACKED_MOVIES and now.strip() == "[]" != value):
                told = DESCRIPTION if name == TRACKED_MOVIES else None
                Variable.set(name, value, description=told)
                written.append(name)
            elif now != value:
                other.append(name)
    return written, other


def _objects(
    variables: Mapping[str, str], secret: Iterable[str], connections: Iterable[str]
) -> AirflowObjects:
    from filmpulse.jobs import AirflowObjects

    return AirflowObjects(
        variables=dict(variables), secret_variables=sorted(secret), connections=sorted(connections)
    )


def _is_secret(name: str) -> bool:
    """Say whether Airflow hides the value of a Variable of this name in its UI."""
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    return bool(should_hide_value_for_key(name))  # type: ignore[no-untyped-call]
