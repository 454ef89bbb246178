"""Say how the catalogue stands: accepted, loaded, how large, and how the last loads went."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from filmpulse.jobs.catalogue.accept import why_not_accepted
from filmpulse.jobs.catalogue.subsets import needed
from filmpulse.jobs.context import Context
from filmpulse.sources.datasets import DATASETS
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.catalogue import Load, Subset

STATES = ("loading", "loaded", "live", "unchanged", "refused", "failed")


class CatalogueStatus(NamedTuple):
    """How the catalogue stands.

    Attributes:
        subset: What a person chose with the terms; None: nobody accepted them for this server.
        accepted_at: When (UTC).
        not_accepted: Why nothing is downloaded, in a sentence; None: the terms are accepted.
        is_filled: Whether readers see titles.
        shown_subset: Which titles those are; None without any.
        titles: How many titles readers see.
        as_of: When the file of these titles was made (UTC).
        bytes: Size of what readers see, with indexes.
        run_id: The run that fills the next catalogue, or was killed while it did.
        is_worked_on: Whether a task works on it just now.
        loads: The newest try of each dataset, in the order in which they are loaded.
        shown: The load that readers see of each dataset, in the same order.
    """

    subset: Subset | None
    accepted_at: datetime | None
    not_accepted: str | None
    is_filled: bool
    shown_subset: Subset | None
    titles: int
    as_of: datetime | None
    bytes: int
    run_id: str | None
    is_worked_on: bool
    loads: tuple[Load, ...]
    shown: tuple[Load, ...]


def catalogue_status(context: Context) -> CatalogueStatus:
    """Return how the catalogue stands.

    Raises:
        WarehouseUnavailable: Postgres did not answer.
    """
    with context.warehouse.connect() as connection:
        accepted = wh.acceptance.first(connection)
        if not_accepted := why_not_accepted(accepted, context):
            accepted = None
        owner = wh.owner(connection)
        newest = wh.newest_loads(connection, *STATES)
        is_filled = wh.is_filled(connection, "title_basics")
        live = wh.newest_loads(connection, "live") if is_filled else {}
        shown = live.get("title.basics")
        return CatalogueStatus(
            subset=accepted and accepted.subset,
            accepted_at=accepted and accepted.accepted_at,
            not_accepted=not_accepted,
            is_filled=is_filled,
            shown_subset=shown and shown.subset,
            titles=(shown and shown.rows_kept) or 0,
            as_of=shown and (shown.modified_at or shown.started_at),
            bytes=sum(table.bytes for table in wh.live_tables(connection)),
            run_id=owner and owner.run_id,
            is_worked_on=wh.is_worked_on(connection),
            loads=tuple(newest[name] for name in DATASETS if name in newest),
            shown=tuple(live[name] for name in _read(shown) if name in live),
        )


def _read(titles: Load | None) -> list[str]:
    """Name the datasets that readers see; a load of a subset before may have had others."""
    return needed(titles.subset) if titles else []
