"""The tasks of `refresh_catalogue`."""

from __future__ import annotations

import logging
from typing import Any

from filmpulse.airflow_bridge.context import job_context

log = logging.getLogger(__name__)


def plan_catalogue(run_id: str) -> dict[str, Any]:
    """Find the datasets to load, as plain values for XCom.

    Empty, so that the rest of the run is skipped, if nobody accepted the terms or nothing changed;
    the task's log says which.
    """
    from filmpulse import jobs
    from filmpulse.errors import CatalogueRefused

    try:
        plan = jobs.plan_catalogue(run_id, job_context())
    except CatalogueRefused as refused:
        if refused.reason != "not_accepted":
            raise
        log.warning("%s", refused)
        return {}
    log.info("%s", plan.sentence)
    return plan._asdict() if plan.datasets else {}


def load_dataset(dataset: str, subset: Any, run_id: str) -> dict[str, Any]:
    """Load one dataset, and name this mapped task after it (`{{ dataset }}`)."""
    from airflow.sdk import get_current_context

    from filmpulse import jobs

    get_current_context()["dataset"] = dataset  # type: ignore[typeddict-unknown-key]
    return jobs.load_dataset(dataset, subset, run_id, job_context())._asdict()
