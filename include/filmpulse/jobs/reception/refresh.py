"""Figures of all movies, brought up to date at the end of whatever changed reviews or scores."""

from __future__ import annotations

import logging

import psycopg

from filmpulse.errors import WarehouseUnavailable
from filmpulse.jobs.context import Context
from filmpulse.warehouse import figures

log = logging.getLogger(__name__)


def refresh_figures(context: Context) -> None:
    """Show what a job changed among the figures of all movies; once a job, at its end.

    Where that fails, the job's own work stands, so it is only logged: the figures of before stay,
    `mart.compared_movies.as_of` tells their age, and the next job's refresh makes up for it.
    """
    try:
        figures.refresh(context.warehouse, is_shared=True)
    except (WarehouseUnavailable, psycopg.Error) as error:
        log.warning(
            "The comparison of all movies still shows the figures of before this run: %s",
            _said(error),
        )


def refresh_figures_or_fail(context: Context) -> None:
    """Do the same where nothing is done before it shows: what was erased must not be counted.

    Raises:
        WarehouseUnavailable: The figures of before still stand.
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
