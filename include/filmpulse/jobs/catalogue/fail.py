"""What a failed step leaves: no table of its own, and a line in the ledger."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from filmpulse.errors import CatalogueRefused, FilmpulseError, Final
from filmpulse.jobs.context import Context
from filmpulse.warehouse import Connection
from filmpulse.warehouse import catalogue as wh

log = logging.getLogger(__name__)

_MAKE_ROOM = (
    "Nothing of this run is kept, and the catalogue that readers see is whole. Make room, or take "
    "a smaller subset (`filmpulse catalogue accept --subset rated`), then start a new run."
)


@contextmanager
def disk_full_explained() -> Iterator[None]:
    """Turn the error of a full disk, Postgres' own or this machine's, into one of ours.

    Raises:
        CatalogueRefused: The disk is full (`disk_full`).
    """
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise CatalogueRefused(
            f"Postgres has no room left ({error.diag.message_primary}). {_MAKE_ROOM}",
            reason="disk_full",
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CatalogueRefused(
            f"There is no room for the download ({error}). {_MAKE_ROOM} FILMPULSE_CATALOGUE_DIR "
            "names another folder.",
            reason="disk_full",
        ) from error


@contextmanager
def noted(
    context: Context,
    connection: Connection,
    load_id: int,
    *tables: str,
    is_repeatable: bool = False,
) -> Iterator[None]:
    """Note in the ledger how a load failed, if it does, and drop its tables.

    Args:
        context: Of the job; the ledger is written on a connection of its own.
        connection: Of `at_work`.
        load_id: The load.
        tables: What it makes in the next catalogue.
        is_repeatable: Whether a new try needs those tables: then they stay unless the error is
            `Final`, and the load is still under way.

    Raises:
        CatalogueRefused: The disk is full (`disk_full`).
    """
    try:
        with disk_full_explained():
            yield
    except BaseException as error:
        if is_repeatable and not isinstance(error, Final):
            raise
        with suppress(psycopg.Error):
            wh.drop_table(connection, *tables)
        ours = isinstance(error, FilmpulseError)
        is_refused = isinstance(error, Final) and error.reason not in ("disk_full", "taken_over")
        try:
            wh.load_failed(
                context.warehouse, load_id=load_id, state="refused" if is_refused else "failed",
                reason=error.reason if ours else "failed",  # type: ignore[attr-defined]
                sentence=str(error) if ours else f"{type(error).__name__}: the log says more.",
            )  # fmt: skip
        except FilmpulseError as second:  # the next run notes that this one broke off
            log.warning("How a load failed could not be noted: %s", second)
        raise
