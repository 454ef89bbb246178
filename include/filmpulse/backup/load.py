"""Fill a database with a backup, and compare the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import errors

from filmpulse.backup.manifest import Manifest, SavedTable
from filmpulse.backup.save import Digest, unpacked
from filmpulse.backup.store import Store
from filmpulse.errors import BackupDamaged
from filmpulse.warehouse import tables as wh


def load(
    store: Store,
    manifest: Manifest,
    database_url: str,
    progress: Callable[[int, int | None], None],
) -> None:
    """Make a database what a backup says, at the backup's revision, whatever the database held.

    Every table is read out again and compared with the manifest, by rows and by hash, before the
    one transaction ends: after an error, or a kill, the database is as it was.

    Args:
        store: Where the backup lies.
        manifest: Of the backup.
        database_url: Of its owner.
        progress: Told the tables done, and all of them.

    Raises:
        BackupDamaged: An object is not what was saved, or does not fit this version's tables.
        BadInput: This version does not know the revision of the backup.
        BackupUnavailable: The store did not answer.
        WarehouseUnavailable: Postgres did not answer.
    """
    with wh.refill(database_url, manifest.schema_revision) as connection:
        there = {table.full_name: table for table in wh.tables(connection)}
        for done, saved in enumerate(manifest.tables, start=1):
            table = there.get(f"{saved.schema_name}.{saved.name}")
            if table is None or set(table.columns) != set(saved.columns):
                raise _misfit(manifest, saved)
            _load_table(store, manifest, saved, connection)
            progress(done, len(manifest.tables))
        wh.set_counters(connection, [wh.Counter(**each.model_dump()) for each in manifest.counters])


def _load_table(
    store: Store, manifest: Manifest, saved: SavedTable, connection: psycopg.Connection[Any]
) -> None:
    table = wh.Table(saved.schema_name, saved.name, saved.columns)
    try:
        rows = wh.copy_in(connection, table, unpacked(store, manifest.backup_id, saved))
    except (errors.DataError, errors.IntegrityError) as error:
        raise _misfit(manifest, saved) from error
    blocks = wh.Blocks(connection, table)
    again = Digest(blocks)
    for _ in again:
        pass
    if (rows, blocks.rows, again.sha256) != (saved.rows, saved.rows, saved.sha256):
        raise BackupDamaged(
            f"{saved.schema_name}.{saved.name} of the backup {manifest.backup_id} came back with "
            f"{blocks.rows:,} rows that are not the {saved.rows:,} saved: nothing was changed."
        )


def _misfit(manifest: Manifest, saved: SavedTable) -> BackupDamaged:
    return BackupDamaged(
        f"{saved.schema_name}.{saved.name} of the backup {manifest.backup_id} does not fit the "
        f"tables of revision {manifest.schema_revision}: nothing was changed. Use the version of "
        f"Filmpulse that made it ({manifest.made_by}), or another backup."
    )
