"""Show the next catalogue to readers, or drop it if it is not whole."""

from __future__ import annotations

import logging

from filmpulse.errors import CatalogueRefused
from filmpulse.jobs.context import Context
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh

log = logging.getLogger(__name__)


def swap_catalogue(run_id: str, context: Context) -> float:
    """Put the next catalogue in the place of the live one, and drop the old one.

    The closing step of a run, whatever became of the steps before: if a dataset is missing, the
    next catalogue is dropped and readers keep what they have. Repeatable: what is shown already
    stays.

    Returns:
        For how long readers could not begin to read, in seconds.

    Raises:
        CatalogueRefused: A dataset was refused or failed, or another step did (the reason of the
            first one, or `incomplete`); the run began to load nothing (`incomplete`); or another
            run began meanwhile (`taken_over`).
        CatalogueBusy: Another task works on the catalogue, or readers left no moment for half an
            hour.
        WarehouseUnavailable: Postgres did not answer, or went away.
    """
    with wh.at_work(context.warehouse, alone=True) as connection:
        return swap(connection, run_id)


def swap(connection: Connection, run_id: str) -> float:
    """Do it, on a connection of `at_work`."""
    ended = wh.loads_of_run(connection, run_id=run_id)
    owner = wh.owner(connection)
    if owner is None and any(load.state == "live" for load in ended):
        wh.drop_rest(connection)  # a try before this one was killed after the swap
        return 0.0
    is_ours = owner is not None and owner.run_id == run_id
    if not is_ours and all(load.state == "unchanged" for load in ended):
        raise CatalogueRefused(
            "The catalogue stays as it is, since this run began to load nothing. The log of its "
            "first task that failed says why.",
            reason="incomplete",
        )
    owner = wh.check_owner(connection, run_id)
    loaded = {load.dataset for load in ended if load.state == "loaded"}
    missing = [name for name in owner.datasets if name not in loaded]
    if missing or not owner.is_built:
        raise _incomplete(connection, ended, missing)
    took = wh.swap(connection, run_id)
    log.info("The new catalogue is shown; readers waited %.3f s at most.", took)
    return took


def _incomplete(
    connection: Connection, ended: list[wh.Ended], missing: list[str]
) -> CatalogueRefused:
    """Drop the next catalogue; return the error that says what it lacks, and why."""
    failed = [load for load in ended if load.state in ("refused", "failed")]
    why = [f"{load.dataset}: {load.sentence}" for load in failed]
    if others := [name for name in missing if name not in {load.dataset for load in failed}]:
        why.append(f"Not loaded: {', '.join(others)}.")
    if not failed:
        why.append("The log of the task that failed, or was cleared, says more.")
    reasons = [load.reason for load in failed if load.reason]
    wh.clear(connection, "incomplete", "The run did not come to its end, so this was dropped.")
    return CatalogueRefused(
        "The catalogue stays as it is, since not all of the new one could be loaded. "
        + " ".join(why),
        reason=reasons[0] if reasons else "incomplete",
    )
