"""The tasks of `warehouse_backup` and `restore_drill`, and Airflow's part of a backup."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from filmpulse.airflow_bridge.connections import (
    ALERTS,
    BACKUP,
    LAKE,
    LLM,
    SUPERSET,
    WAREHOUSE,
    has_connection,
    superset,
)
from filmpulse.airflow_bridge.context import job_context

if TYPE_CHECKING:
    from filmpulse.jobs import AirflowObjects

log = logging.getLogger(__name__)


def is_backup_due(run_type: str) -> bool:
    """Say whether a run shall make a backup; the task's log says why not.

    Without a place for backups no run does, nor while the warehouse holds no movie: what is empty,
    or was lost, never displaces a backup. A run that a load asked for makes one only if the newest
    is over 24 hours old.
    """
    from filmpulse import jobs

    context = job_context()
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

    made = jobs.back_up(job_context(), _objects_in_task, superset())
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

    context = job_context()
    return context.settings.backup_url is not None and jobs.newest_backup(context) is not None


def drill() -> dict[str, Any]:
    """Restore the newest backup into a scratch database; return how it went."""
    from filmpulse import jobs

    drilled = jobs.drill(job_context())
    return {
        "backup_id": drilled.manifest.backup_id,
        "rows": drilled.manifest.rows,
        "seconds": round(drilled.seconds, 1),
    }


def _objects_in_task() -> AirflowObjects:
    """Read what a backup keeps of Airflow, inside a task.

    A task may list no Connections, so the names are those of ours that exist.
    """
    from airflow.sdk import Variable

    ours = (WAREHOUSE, LAKE, LLM, BACKUP, SUPERSET, ALERTS)
    values = {name: str(Variable.get(name, default="")) for name in list(Variable.keys())}
    return _objects(values, filter(has_connection, ours))


def stored_objects() -> AirflowObjects:
    """Read what a backup keeps of Airflow, outside a task (the command line).

    Raises:
        AirflowUnavailable: Airflow's database is not there.
    """
    from airflow.models import Connection, Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from filmpulse.airflow_bridge.variables import metadata_answers

    with metadata_answers("Airflow's Variables"), create_session() as session:
        names = list(session.scalars(select(Variable.key)))
        connections = list(session.scalars(select(Connection.conn_id)))
        values = {name: str(Variable.get(name, default_var="")) for name in names}
    return _objects(values, connections)


def write_variables(values: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Bring Variables back, outside a task.

    A Variable that has another value stays as it is, but for an empty list of tracked movies, which
    every new instance has.

    Returns:
        The names of those that were written, and of those that have another value.

    Raises:
        AirflowUnavailable: Airflow's database is not there.
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


def _objects(values: Mapping[str, str], connections: Iterable[str]) -> AirflowObjects:
    from filmpulse.jobs import AirflowObjects

    secret = {name for name, value in values.items() if _is_secret(name, value)}
    return AirflowObjects(
        variables={name: value for name, value in values.items() if name not in secret},
        secret_variables=sorted(secret),
        connections=sorted(connections),
    )


_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def _is_secret(name: str, value: Any) -> bool:
    """Say whether a Variable may hold a secret: by its name, the keys of its JSON, or a URL.

    The words are those by which Airflow hides values in its UI.
    """
    from airflow.sdk._shared.secrets_masker import DEFAULT_SENSITIVE_FIELDS

    if any(word in name.lower() for word in DEFAULT_SENSITIVE_FIELDS):
        return True
    if isinstance(value, str):
        with suppress(ValueError):
            if isinstance(parsed := json.loads(value), dict | list):
                return _is_secret(name, parsed)
        return _WITH_PASSWORD.search(value) is not None
    if isinstance(value, dict):
        return any(_is_secret(str(key), one) for key, one in value.items())
    return isinstance(value, list) and any(_is_secret("", one) for one in value)
