"""Bring the figures of all movies up to date, at the end of each job that changed data."""

from __future__ import annotations

import logging

import psycopg

from filmpulse.errors import WarehouseUnavailable
from filmpulse.jobs.context import Context
from filmpulse.warehouse import figures

log = logging.getLogger(__name__)


def refresh_figures(context: Context) -> None:
    """Bring the figures of all movies up to date; once a job, at its end.

    A failure is only logged, since the job's own work stands. The old figures stay until the next
    job's refresh, and `mart.compared_movies.as_of` tells their age.
    """
    try:
        figures.refresh(context.warehouse, is_shared=True)
    except (WarehouseUnavailable, psycopg.Error) as error:
        log.warning(
            "The comparison of all movies still shows the figures of before this run: %s",
            _said(error),
        )


def refresh_figures_or_fail(context: Context) -> None:
    """Do the same, but fail with the refresh: the figures must not count what was erased.

    Raises:
        WarehouseUnavailable: The old figures stay.
    """
    try:
        figures.refresh(context.warehouse)
    except (WarehouseUnavailable, psycopg.Error) as error:
        raise WarehouseUnavailable(
            "What was erased is still counted in the comparison of all movies, which could not be "
            f"brought up to date: {_said(error)} Do the same again once Postgres is well.",
        ) from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
