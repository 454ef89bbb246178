"""The tasks of `refresh_catalogue`."""

from __future__ import annotations

import logging
from typing import Any

from filmpulse.airflow_bridge.context import job_context

log = logging.getLogger(__name__)


def plan_catalogue(run_id: str) -> bool:
    """Plan the run; say whether there is anything to load.

    There is not if nobody accepted the terms, or if no file changed; the task's log says which.
    """
    from filmpulse import jobs
    from filmpulse.errors import CatalogueRefused

    try:
        plan = jobs.plan_catalogue(run_id, job_context())
    except CatalogueRefused as refused:
        if refused.reason != "not_accepted":
            raise
        log.warning("%s", refused)
        return False
    log.info("%s", plan.sentence)
    return bool(plan.datasets)


def load_dataset(dataset: str, run_id: str) -> dict[str, Any]:
    """Load one dataset, and name this mapped task after it (`{{ dataset }}`).

    Raises:
        AirflowSkipException: The plan leaves the dataset as it is.
    """
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from filmpulse import jobs

    get_current_context()["dataset"] = dataset  # type: ignore[typeddict-unknown-key]
    loaded = jobs.load_dataset(dataset, run_id, job_context())
    if loaded is None:
        raise AirflowSkipException(f"{dataset} stays as it is.")
    return loaded._asdict()
