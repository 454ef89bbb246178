"""The tasks of `detect_new_reviews`."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from filmpulse.airflow_bridge.context import job_context
from filmpulse.airflow_bridge.variables import TRACKED_MOVIES

log = logging.getLogger(__name__)


def detect(
    *, since: datetime, run_id: str, longest: timedelta, is_patient: bool
) -> tuple[bool, dict[str, Any]]:
    """Do one round of detection over all tracked movies; inside a sensor.

    Returns:
        Whether the sensor is done, and what the tasks after it need.
    """
    from airflow.sdk import Variable

    from filmpulse import jobs

    context = job_context()
    tracked = jobs.all_tracked(Variable.get(TRACKED_MOVIES, default="[]"), context.warehouse)
    if not tracked.imdb_ids:
        log.warning("No movie is tracked: filmpulse movies add tt0111161")
    found = jobs.detect(
        tracked.imdb_ids,
        since=since,
        until=since + longest,
        run_id=run_id,
        context=context,
        is_active=_reception_is_active,
        budget_seconds=None if is_patient else longest.total_seconds(),
    )
    found.warnings[:0] = tracked.problems
    log.info("%d of %d due movies were looked at in this round.", found.visited, found.due)
    return found.is_done, {
        "since": since.isoformat(),
        "batches": [batch._asdict() for batch in found.batches],
        "warnings": found.warnings,
        "failures": found.failures,
    }


def announce(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Note which run each movie with news will be in; return what TriggerDagRunOperator takes."""
    from filmpulse import jobs

    built, since = job_context(), datetime.fromisoformat(found["since"])
    for batch in found["batches"]:
        jobs.mark_triggered(batch["run_id"], batch["imdb_ids"], built, since)
    return [
        {
            "trigger_run_id": batch["run_id"],
            "conf": {"imdb_ids": batch["imdb_ids"], "mode": batch["mode"]},
        }
        for batch in found["batches"]
    ]


def report_detection(found: dict[str, Any]) -> None:
    """Log the warnings of a detection, and fail if a movie could not be looked at.

    Raises:
        CollectionFailed: Names each such movie and why.
    """
    from filmpulse.errors import CollectionFailed

    for warning in found["warnings"]:
        log.warning(warning)
    if found["failures"]:
        raise CollectionFailed("Detection met trouble:\n" + "\n".join(found["failures"]))


def _reception_is_active(run_id: str) -> bool:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    count = RuntimeTaskInstance.get_dr_count(
        dag_id="movie_reception", run_ids=[run_id], states=["queued", "running"]
    )
    return count > 0
