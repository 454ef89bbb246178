"""The tasks of `analyse_backlog`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from filmpulse.airflow_bridge.context import job_context, job_context_for
from filmpulse.config import MOST_MAPPED

if TYPE_CHECKING:
    from filmpulse.jobs import RunSummary, Unfinished

log = logging.getLogger(__name__)


def plan_backlog(imdb_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Find the movies that the configured analyser has not finished, as plain values for XCom."""
    from filmpulse import jobs

    backlog = jobs.plan_backlog(job_context(is_scoring=True), jobs.typed_ids(imdb_ids))
    for movie in backlog.to_approve:
        log.info("%s %s needs approval.", movie.imdb_id, movie.title)
    return [movie._asdict() for movie in backlog.to_score + backlog.to_approve]


def ask_about(planned: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Write the question about each movie that needs approval, for an ApprovalOperator."""
    from filmpulse import jobs

    asked = [movie for movie in _unfinished(planned) if movie.needs_approval]
    reader = jobs.who_reads(job_context(is_scoring=True)) if asked else ""
    if len(asked) > MOST_MAPPED:
        log.warning("%d movies need approval; %d are asked about now.", len(asked), MOST_MAPPED)
    return [
        {
            "imdb_id": movie.imdb_id,
            "subject": f"Score {movie.untouched:,} reviews of {movie.title} "
            f"({movie.about(movie.untouched)})?",
            "body": f"`{movie.imdb_id}` has {movie.untouched:,} reviews that were never read by "
            f"{reader}, to which their texts would be sent. All of them cost "
            f"{movie.about(movie.untouched)}. The budgets of the run and of the day still hold: "
            "reviews that they do not cover wait, and need no further approval. **Reject**, or no "
            "answer, leaves the movie as it is shown now.",
        }
        for movie in asked[:MOST_MAPPED]
    ]


def score_backlog(planned: list[dict[str, Any]], run_id: str, budget_usd: float | None) -> int:
    """Score all that needs no approval; return how many reviews got a score."""
    from filmpulse import jobs

    imdb_ids = [movie["imdb_id"] for movie in planned]
    return jobs.analyse_backlog(
        run_id, job_context(is_scoring=True), imdb_ids, budget_usd=budget_usd
    ).scored


def score_if_approved(
    imdb_id: str, answer: dict[str, Any] | None, run_id: str, budget_usd: float | None
) -> int:
    """Score one large movie if a person said yes; return how many reviews got a score.

    After a No, ApprovalOperator skips the tasks that follow, but not a task of a mapped group that
    is not expanded yet (seen on Airflow 3.3.2). So the task checks for itself; a No leaves no
    answer.

    Raises:
        AirflowSkipException: Nobody agreed.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator
    from airflow.sdk.exceptions import AirflowSkipException

    from filmpulse import jobs

    built = job_context_for(imdb_id, is_scoring=True)  # names the task, skipped or not
    if answer is None or answer["chosen_options"] != [ApprovalOperator.APPROVE]:
        raise AirflowSkipException("Nobody agreed to score it.")
    return jobs.analyse(
        imdb_id, built, run_id=run_id, budget_usd=budget_usd, is_approved=True
    ).scored


def summarise_backlog(
    run_id: str, planned: list[dict[str, Any]] | None, budget_usd: float | None
) -> RunSummary:
    """Say how much of the backlog was read; inside a task of the same run.

    Raises:
        CollectionFailed: As `jobs.summarise_backlog`.
    """
    from filmpulse import jobs

    return jobs.summarise_backlog(
        run_id,
        _unfinished(planned or []),
        job_context(is_scoring=True),
        budget_usd,
        broke_off=_failed_tasks("analyse_backlog", run_id),
    )


def _unfinished(planned: list[dict[str, Any]]) -> list[Unfinished]:
    from filmpulse import jobs

    return sorted(jobs.Unfinished(**movie) for movie in planned)


def _failed_tasks(dag_id: str, run_id: str) -> list[str]:
    """Name the tasks of a run that failed, sorted; inside one of its tasks."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    found = RuntimeTaskInstance.get_task_states(dag_id=dag_id, run_ids=[run_id]).get(run_id, {})
    return sorted(task for task, state in found.items() if state == "failed")
