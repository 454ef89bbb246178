"""Refresh the catalogue in one process: all steps of the DAG, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import psycopg

from filmpulse.jobs.catalogue.build import build
from filmpulse.jobs.catalogue.choose_titles import choose
from filmpulse.jobs.catalogue.load_dataset import load
from filmpulse.jobs.catalogue.plan_refresh import CataloguePlan, check_accepted, make_plan
from filmpulse.jobs.catalogue.swap import swap
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh


def refresh_catalogue(
    run_id: str,
    context: Context,
    progress: Progress = silent,
    tell: Callable[[CataloguePlan], None] = lambda plan: None,
) -> CataloguePlan:
    """Load the datasets that changed, and show them once all are ready.

    If it fails or is killed, readers keep what they have; what was loaded is dropped, by the next
    run at the latest.

    Args:
        run_id: A name for this run.
        context: Of the job.
        progress: Called with the datasets that are loaded, and how many there are.
        tell: Called with the plan before anything is downloaded.

    Raises:
        CatalogueRefused: As `plan_catalogue` and `load_dataset`.
        CatalogueBusy: Another run is under way, or readers left no moment for the swap.
        Retryable: The server or Postgres did not answer, or broke off.
    """
    check_accepted(context)
    with wh.at_work(context.warehouse, alone=True) as connection:
        plan = make_plan(connection, run_id, context)
        tell(plan)
        if plan.datasets:
            try:
                _load_all(connection, plan, context, progress)
            except BaseException:
                with suppress(psycopg.Error):
                    wh.clear(connection, "incomplete", "The run broke off, so this was dropped.")
                raise
    return plan


def _load_all(
    connection: Connection, plan: CataloguePlan, context: Context, progress: Progress
) -> None:
    run, count = plan.run_id, len(plan.datasets)
    for done, name in enumerate(plan.titles):
        progress(done, count)
        load(connection, name, run, context)
    choose(connection, run, context)
    for done, name in enumerate(plan.details, len(plan.titles)):
        progress(done, count)
        load(connection, name, run, context)
    build(connection, run, context)
    swap(connection, run)
    progress(count, count)
