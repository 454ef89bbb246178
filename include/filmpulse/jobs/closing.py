"""Closing a run: how each movie went, and what is to be read of it."""

from __future__ import annotations

import logging
from typing import NamedTuple

from filmpulse.errors import CollectionFailed
from filmpulse.items import CollectionStatus
from filmpulse.jobs.parts import Parts
from filmpulse.jobs.quality import failed_checks, standing_faults
from filmpulse.warehouse.reception import MovieSummary, read_summary

log = logging.getLogger(__name__)

GREEN: frozenset[CollectionStatus] = frozenset({"complete", "gated"})


class RunSummary(NamedTuple):
    """How a run went: a line a movie, what to warn of, what failed, how many rows changed."""

    lines: list[str]
    warnings: list[str]
    failures: list[str]
    changed_rows: int


def review_run(run_id: str, parts: Parts) -> RunSummary:
    """Tell how each movie of a run went, in the order of their ids, then what its data lack."""
    found = RunSummary([], [], [], 0)
    uris: list[str] = []
    for c in parts.warehouse.rows("run_collections", run_id=run_id):
        name = f"{c['imdb_id']} {c['title']}"
        shown = c["distinct_ids"] or 0
        count = f"{shown:,} of {c['review_count_end']:,}" if c["review_count_end"] else f"{shown:,}"
        line = f"{name}: {c['status']}, {count} reviews read"
        if c["loaded_at"]:
            line += (
                f"; {c['inserted_rows']} new, {c['revised_rows']} edited, "
                f"{c['removed_rows']} removed"
            )
            changed = c["inserted_rows"] + c["updated_rows"] + c["removed_rows"]
            found = found._replace(changed_rows=found.changed_rows + changed)
            uris.append(c["manifest_uri"])
        found.lines.append(line)
        why = c["sentence"] or "It did not finish; the log of its last task says why."
        if c["status"] not in GREEN:
            found.failures.append(f"{name}: {c['status']}. {why}")
        elif not c["loaded_at"]:
            found.failures.append(f"{name}: read but not loaded; the log of `load` says why.")
        elif c["unscored"]:
            found.failures.append(
                f"{name}: {c['unscored']:,} reviews have no score; the log of `analyse` says why."
            )
        elif c["status"] == "gated":
            found.warnings.append(f"{name}: {why}")
    found.failures.extend(failed_checks(uris, parts))
    found.warnings.extend(standing_faults(uris, parts))
    return found


def summarise(run_id: str, parts: Parts) -> RunSummary:
    """Say how each movie of a run went.

    Raises:
        CollectionFailed: A movie ended as neither complete nor gated, was not loaded or not
            scored, brought what looks like a fault, or there is none; the message names each such
            movie and why.
    """
    found = review_run(run_id, parts)
    if not found.lines:
        raise CollectionFailed("No movie was planned; the log of `plan` says why.")
    movies = {failure.split(maxsplit=1)[0] for failure in found.failures}  # by their ids
    return close(found, f"{len(movies)} of {len(found.lines)} movies did not end well:")


def close(told: RunSummary, headline: str) -> RunSummary:
    """Log how a run went, and return it if nothing failed.

    Raises:
        CollectionFailed: Something did; the message is the headline and each failure on a line.
    """
    for line in told.lines:
        log.info(line)
    for warning in told.warnings:
        log.warning(warning)
    if told.failures:
        raise CollectionFailed("\n".join([headline, *told.failures]))
    return told


def summary(imdb_id: str, parts: Parts) -> MovieSummary:
    """Read how a movie is received from the marts.

    Raises:
        BadInput: The movie was never looked at.
    """
    return read_summary(imdb_id, parts.warehouse)
