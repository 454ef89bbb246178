"""Write a backup, and read it back to see whether it is whole."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from filmpulse import __version__
from filmpulse.backup.manifest import (
    MANIFEST,
    Manifest,
    SavedCounter,
    SavedFile,
    SavedTable,
    read,
)
from filmpulse.backup.store import BLOCK_BYTES, Store
from filmpulse.errors import BackupDamaged
from filmpulse.warehouse import tables as wh

LEVEL = 1
"""Of gzip: CSV shrinks to a seventh; level 6 takes a third more time for a fifth less."""


def save(store: Store, backup_id: str, warehouse_url: str, files: Mapping[str, bytes]) -> Manifest:
    """Write all tables as of one moment and other files, read all back, then write the manifest.

    So a backup with a manifest was verified; after an error or a kill there is no manifest. Nothing
    is kept on the disk, and a few parts of `store.PART_BYTES` in memory.

    Args:
        store: Where to.
        backup_id: A new one.
        warehouse_url: Whose tables.
        files: Further objects by name.

    Raises:
        BackupDamaged: What was read back is not what was written.
        BackupUnavailable: The store did not answer.
        BackupRefused: The store refuses.
        WarehouseUnavailable: Postgres did not answer, or went away.
        BadInput: The warehouse is not set up.
    """
    with wh.snapshot(warehouse_url) as connection:
        about = {
            "schema_revision": wh.revision.one(connection),
            "taken_at": datetime.now(UTC),
            "postgres": str(connection.info.server_version),
            "counters": [SavedCounter(**each._asdict()) for each in wh.counters(connection)],
            "tables": [
                _save_table(store, backup_id, table, wh.Blocks(connection, table))
                for table in wh.tables(connection)
            ],
        }
    kept = [
        SavedFile(
            file=name,
            bytes=store.write(f"{backup_id}/{name}", [content]),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for name, content in files.items()
    ]
    made = Manifest(
        backup_id=backup_id, made_by=__version__, files=kept, finished_at=datetime.now(UTC), **about
    )
    verify(store, made)
    store.write(f"{backup_id}/{MANIFEST}", [made.model_dump_json(indent=1).encode()])
    if read(store, backup_id) != made:
        raise BackupDamaged(
            f"The manifest of {backup_id} was read back as another: make a new one."
        )
    return made


class Digest:
    """Passes the blocks of a table's CSV on, and counts them; whole once they were all read."""

    def __init__(self, blocks: Iterable[bytes | bytearray | memoryview]) -> None:
        """Keep the blocks; nothing is read yet."""
        self._blocks = blocks
        self._hash = hashlib.sha256()
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield them in larger blocks: Postgres gives one a row."""
        held, size = list[bytes | bytearray | memoryview](), 0
        for block in self._blocks:
            held.append(bytes(block))
            size += len(block)
            if size >= BLOCK_BYTES:
                yield self._counted(held)
                held, size = [], 0
        if held:
            yield self._counted(held)

    def _counted(self, held: list[bytes | bytearray | memoryview]) -> bytes:
        block = b"".join(held)
        self._hash.update(block)
        self.bytes += len(block)
        return block

    @property
    def sha256(self) -> str:
        """Of all bytes, in hexadecimal digits."""
        return self._hash.hexdigest()


def _save_table(store: Store, backup_id: str, table: wh.Table, blocks: wh.Blocks) -> SavedTable:
    digest = Digest(blocks)
    file = f"{table.full_name}.csv.gz"
    stored = store.write(f"{backup_id}/{file}", _packed(digest))
    return SavedTable(
        **table._asdict(), rows=blocks.rows, bytes=digest.bytes, stored_bytes=stored,
        sha256=digest.sha256, file=file,
    )  # fmt: skip


def _packed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    gzip = zlib.compressobj(LEVEL, wbits=31)
    for block in blocks:
        yield gzip.compress(block)
    yield gzip.flush()


def unpacked(store: Store, backup_id: str, table: SavedTable) -> Iterator[bytes]:
    """Yield the CSV of a table of a backup, and raise at its end if it is not the one saved.

    Raises:
        BackupDamaged: The object is missing, cut off, or another.
    """
    hashed, gzip, size = hashlib.sha256(), zlib.decompressobj(wbits=31), 0
    try:
        for packed in store.read(f"{backup_id}/{table.file}"):
            block = gzip.decompress(packed)
            hashed.update(block)
            size += len(block)
            if size > table.bytes:
                break
            yield block
    except FileNotFoundError:
        raise _damaged(backup_id, table.file, "it is not there") from None
    except zlib.error as error:
        raise _damaged(backup_id, table.file, str(error)) from error
    if not gzip.eof or size != table.bytes or hashed.hexdigest() != table.sha256:
        raise _damaged(backup_id, table.file, "it is not what was saved")


def saved_file(store: Store, backup_id: str, saved: SavedFile) -> bytes:
    """Return another object of a backup.

    Raises:
        BackupDamaged: The object is missing, or another.
    """
    try:
        content = b"".join(store.read(f"{backup_id}/{saved.file}"))
    except FileNotFoundError:
        raise _damaged(backup_id, saved.file, "it is not there") from None
    if hashlib.sha256(content).hexdigest() != saved.sha256:
        raise _damaged(backup_id, saved.file, "it is not what was saved")
    return content


def verify(store: Store, manifest: Manifest) -> None:
    """Read a whole backup back, and compare it with its manifest.

    Raises:
        BackupDamaged: An object is missing, cut off, or another; the message names the first.
        BackupUnavailable: The store did not answer.
        BackupRefused: The store refuses.
    """
    for table in manifest.tables:
        for _ in unpacked(store, manifest.backup_id, table):
            pass
    for saved in manifest.files:
        saved_file(store, manifest.backup_id, saved)


def _damaged(backup_id: str, file: str, why: str) -> BackupDamaged:
    return BackupDamaged(
        f"{file} of the backup {backup_id} cannot be used: {why}. Use another backup "
        "(`filmpulse backup list`), and look at the object store's own health."
    )
