"""Find what is wrong at present: in the warehouse, on the disk, with the model, with the run."""

from __future__ import annotations

import logging
import socket
from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

from filmpulse import warehouse as wh
from filmpulse.config import Settings
from filmpulse.errors import FilmpulseError
from filmpulse.jobs.context import Context
from filmpulse.jobs.upkeep import measure_disk
from filmpulse.jobs.upkeep.word_alert import harmless
from filmpulse.warehouse import alerts

log = logging.getLogger(__name__)

ENOUGH_AGAIN = 1.25
"""A short disk is well again with so many times the least that must be free: no to and fro."""

DETECTOR = "detect_new_reviews"
OWN_CAUSES = {"warehouse_backup": "backup_failed", "restore_drill": "drill_failed"}
"""DAGs whose failure has a name of its own."""


class Key(NamedTuple):
    """What is told once: a cause, and what has the trouble (empty where the cause says it)."""

    cause: str
    subject: str = ""


class Run(NamedTuple):
    """A run of a DAG that has ended, for Airflow's page of it; `started_at` (UTC) if known."""

    dag_id: str
    run_id: str
    url: str
    succeeded: bool
    started_at: datetime | None = None

    @property
    def key(self) -> Key:
        """The cause that this run's failure is."""
        cause = OWN_CAUSES.get(self.dag_id)
        return Key(cause) if cause else Key("run_failed", self.dag_id)


def find_causes(
    context: Context, connection: wh.Connection, held: Collection[Key]
) -> dict[Key, list[str]]:
    """Return the causes that hold now, each with examples for people, such as its movies.

    A failed run is not among them (`failed_unexplained`). `held` are those of the last look. Asks
    the model's endpoint once a day when the model ends (one free request, 10 s at most); nothing
    else leaves the warehouse and this machine.
    """
    settings = context.settings
    model = settings.llm_model if settings.has_llm else None
    found: dict[Key, list[str]] = {}
    for one in alerts.troubles(connection, model=model):
        named = f"{one.imdb_id} {harmless(one.movie)}" if one.movie else one.imdb_id
        example = f"{named}: {one.detail}" if named else one.detail
        found.setdefault(Key(one.cause, one.subject), []).append(example)
    hosts: list[str] = []
    for key, examples in found.items():
        if key.cause == "host_blocked":
            hosts = hosts or alerts.refusing_hosts(connection)
            examples[:0] = hosts
    return found | _short_disk(held) | _ending_model(settings, connection)


def is_judged(key: Key, run: Run) -> bool:
    """Tell whether a look after this run can see that a cause is over.

    A run's failure is judged by the next run of the same DAG, a disk on its own machine.
    """
    if key.cause in ("run_failed", *OWN_CAUSES.values()):
        return key == run.key
    return key.cause != "disk_short" or key.subject == socket.gethostname()


def failed_unexplained(run: Run, connection: wh.Connection) -> bool:
    """Tell whether a run failed for a reason that no other cause tells."""
    if run.succeeded or run.dag_id in OWN_CAUSES:
        return not run.succeeded
    since = run.started_at if run.dag_id == DETECTOR else None
    return not alerts.is_explained.one(connection, run_id=run.run_id, looked_since=since)


def _short_disk(held: Collection[Key]) -> dict[Key, list[str]]:
    place, free = measure_disk.free_disk()
    key = Key("disk_short", socket.gethostname())
    least = measure_disk.LEAST_DISK_GIB * (ENOUGH_AGAIN if key in held else 1)
    return {key: [f"{free:.1f} GiB free at {place}"]} if free < least else {}


def _ending_model(settings: Settings, connection: wh.Connection) -> dict[Key, list[str]]:
    if not settings.has_llm:
        return {}
    from filmpulse.analysis.llm.client import ends_soon
    from filmpulse.analysis.llm.providers import provider_for

    ends_on = _model_ends_on(settings, provider_for(settings).host, connection)
    if ends_on is None or not ends_soon(ends_on):
        return {}
    return {Key("model_ending", settings.llm_model): [f"on {ends_on}"]}


def _model_ends_on(settings: Settings, host: str, connection: wh.Connection) -> date | None:
    """Return when the model ends, as its endpoint said within the last day; ask it if need be."""
    from filmpulse.analysis.llm.client import shutdown_date

    asked = {"host": host, "model": settings.llm_model}
    known = alerts.model_end.first(connection, **asked)
    if known is not None and not known.is_old:
        return known.ends_on
    try:
        ends_on = shutdown_date(settings)
    except FilmpulseError as error:  # runs that need the model will tell
        log.info("When %s ends is not known: %s", settings.llm_model, error)
        ends_on = None
    alerts.note_model_end(connection, ends_on=ends_on, **asked)
    return ends_on or (known.ends_on if known else None)
