"""Build the context of a job inside a task, and name the task after its movie in Airflow's UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmpulse.airflow_bridge.connections import (
    backup_store,
    lake_options,
    warehouse,
    with_model,
)

if TYPE_CHECKING:
    from filmpulse.jobs import Context


def job_context(*, is_scoring: bool = False) -> Context:
    """Build the context of a job from this task's Connections and environment.

    From now on the task ends with the process that supervises it: if that is killed, Airflow starts
    a new try, and this try must not go on. A job that scores, or tells about scores, also reads the
    Connection of the model (`is_scoring`); an error in that is kept in the context (`llm_error`).

    Raises:
        BadInput: Another setting cannot be used, or FILMPULSE_LAKE_URL is not set for this worker.
    """
    _end_with_supervisor()
    built = stored_context()
    return built.with_model(with_model) if is_scoring else built


def stored_context() -> Context:
    """Build the context of a job from Airflow's Connections and the environment, anywhere.

    Raises:
        BadInput: A setting cannot be used, or FILMPULSE_LAKE_URL is not set here.
    """
    from filmpulse.config import Settings
    from filmpulse.errors import BadInput
    from filmpulse.jobs import Context
    from filmpulse.lake import Lake

    settings = Settings.from_env()
    lake_url = settings.lake_url
    if lake_url is None:
        raise BadInput("FILMPULSE_LAKE_URL is not set for this part of Airflow.")
    return Context(
        settings,
        warehouse(),
        lambda: Lake(lake_url, lake_options(lake_url)),
        open_backups=lambda: backup_store(settings),
    )


def job_context_for(imdb_id: str, *others: str, is_scoring: bool = False) -> Context:
    """Build the context, and name this mapped task after its movie (`{{ movie }}`)."""
    from airflow.sdk import get_current_context

    from filmpulse import jobs

    built = job_context(is_scoring=is_scoring)
    name = jobs.label(imdb_id, built) + (f" and {len(others):,} more" if others else "")
    get_current_context()["movie"] = name  # type: ignore[typeddict-unknown-key]
    return built


def _end_with_supervisor() -> None:
    """Let the kernel end this task if its supervisor is killed (Linux)."""
    import signal

    from airflow.sdk.execution_time import comms, task_runner

    from filmpulse.parent import end_with_parent

    # `airflow dags test` runs its tasks in the caller's own process, which has no supervisor.
    if isinstance(getattr(task_runner, "SUPERVISOR_COMMS", None), comms.CommsDecoder):
        end_with_parent(signal.SIGKILL)  # Airflow turns SIGTERM into the operator's on_kill
