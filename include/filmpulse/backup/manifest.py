"""What a backup holds, as its manifest says; the manifest is its last object and completes it."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, NonNegativeInt, ValidationError

from filmpulse.backup.store import Store
from filmpulse.errors import BackupDamaged, BadInput

VERSION = 1
MANIFEST = "manifest.json"
_ID = re.compile(r"(\d{8}T\d{12}Z)-[0-9a-f]{6}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may tell more


class SavedTable(_Part):
    """One table: its rows as gzip CSV in the object `file`.

    `bytes` and `sha256` are of the CSV; `stored_bytes` of the object.
    """

    schema_name: str
    name: str
    columns: list[str]
    rows: NonNegativeInt
    bytes: NonNegativeInt
    stored_bytes: NonNegativeInt
    sha256: str
    file: str


class SavedFile(_Part):
    """Another object: Airflow's Variables, or Superset's assets."""

    file: str
    bytes: NonNegativeInt
    sha256: str


class SavedCounter(_Part):
    """A `Counter` of the warehouse: a column that counts by itself, and where it stands."""

    schema_name: str
    table_name: str
    column_name: str
    last_value: int | None


class Manifest(_Part):
    """One backup. `taken_at` is the moment (UTC) as of which it holds all tables."""

    version: int = VERSION
    backup_id: str
    made_by: str
    postgres: str
    schema_revision: str
    taken_at: AwareDatetime
    finished_at: AwareDatetime
    tables: list[SavedTable]
    counters: list[SavedCounter]
    files: list[SavedFile]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes of all tables as CSV."""
        return sum(table.bytes for table in self.tables)

    @property
    def stored_bytes(self) -> int:
        """Bytes of all objects but the manifest."""
        return sum(t.stored_bytes for t in self.tables) + sum(f.bytes for f in self.files)


def new_id(now: datetime) -> str:
    """Return an id for a backup that begins now; ids sort by time."""
    return f"{now:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"


def begun_at(backup_id: str) -> datetime:
    """Return when a backup was begun (UTC), by its id."""
    found = _ID.fullmatch(backup_id)
    if found is None:
        raise BadInput(f"No id of a backup: {backup_id[:80]!r}. `filmpulse backup list` names all.")
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)


def is_ours(name: str) -> bool:
    """Say whether an object's name is one of a backup's."""
    return _ID.fullmatch(name.partition("/")[0]) is not None


def folders(store: Store) -> dict[str, list[str]]:
    """Return the objects of each backup by its id, oldest first, complete or not.

    What else lies in the place of backups is left alone, and not told.
    """
    found: dict[str, list[str]] = {}
    for each in store.names():
        if is_ours(each.name):
            found.setdefault(each.name.partition("/")[0], []).append(each.name)
    return found


def complete(store: Store) -> list[str]:
    """Return the ids of the complete backups, oldest first."""
    return [one for one, names in folders(store).items() if f"{one}/{MANIFEST}" in names]


def read(store: Store, backup_id: str) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        BadInput: There is no such complete backup.
        BackupDamaged: The manifest cannot be read, or a later version wrote it.
    """
    begun_at(backup_id)
    try:
        content = b"".join(store.read(f"{backup_id}/{MANIFEST}"))
    except FileNotFoundError:
        raise BadInput(
            f"There is no complete backup {backup_id} at {store.url}: `filmpulse backup list` "
            "names all."
        ) from None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BackupDamaged(
            f"The manifest of the backup {backup_id} cannot be read "
            f"({error.error_count()} errors): use another backup."
        ) from error
    if manifest.version > VERSION or manifest.backup_id != backup_id:
        raise BackupDamaged(
            f"The manifest of the backup {backup_id} is of {manifest.backup_id}, version "
            f"{manifest.version}: use the version of Filmpulse that made it ({manifest.made_by})."
        )
    return manifest
