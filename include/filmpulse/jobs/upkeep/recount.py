"""Count the figures of all movies anew, and say which were wrong."""

from __future__ import annotations

import logging

from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.warehouse import figures

log = logging.getLogger(__name__)


def recount(context: Context, progress: Progress = silent) -> list[str]:
    """Count the figures of all movies anew; return the movies whose figures were wrong, sorted.

    Whatever changes a movie's reviews or scores counts the movie in the same transaction. So
    figures are wrong only where somebody changed rows by hand. Each movie is one transaction.

    Raises:
        WarehouseUnavailable: Postgres did not answer; the movies before are counted.
    """
    wrong = figures.count_all(context.warehouse, progress)
    if wrong:
        log.warning("The figures of %d movies were wrong: %s", len(wrong), ", ".join(wrong))
    return wrong
