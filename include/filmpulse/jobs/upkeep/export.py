"""Write what is known of movies into files: on request anywhere, each week into the lake.

An export is a folder with the tables `reviews`, `aspects`, `series` and `movies`, and a manifest
that is written last (docs/adr/0038).
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import AwareDatetime

from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.items import Count, ExportFormat, Item
from filmpulse.jobs.context import Context, Progress, lake_options, silent
from filmpulse.jobs.reception.track import typed_ids
from filmpulse.jobs.upkeep.write_tables import WRITERS
from filmpulse.lake import MANIFEST, Lake
from filmpulse.warehouse import extracts

log = logging.getLogger(__name__)

AREA = "exports"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ExportedTable(Item):
    """One file of an export: how many rows, its size, and what its columns hold (`about`)."""

    file: str
    rows: Count
    size_bytes: int
    about: dict[str, Any]


class ExportManifest(Item):
    """What an export holds; all its tables are as of one moment, at or after `begun_at` (UTC)."""

    version: int = 1
    begun_at: AwareDatetime
    format: ExportFormat
    with_text: bool
    movies: Count
    tables: dict[str, ExportedTable]


class Exported(NamedTuple):
    """What was exported, where it lies, and how many objects of older exports were deleted."""

    uri: str
    manifest: ExportManifest
    deleted: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """What a task may hand on."""
        rows = {name: table.rows for name, table in self.manifest.tables.items()}
        return {"uri": self.uri, "rows": rows, "deleted": self.deleted}


class _Target(NamedTuple):
    """Where an export goes: a folder below a root; "" is the root itself."""

    lake: Lake
    folder: str

    def name(self, file: str) -> str:
        return f"{self.folder}/{file}" if self.folder else file

    def files(self) -> list[str]:
        """Return the files of an export that lie there, the manifest first."""
        possible = [MANIFEST, *(f"{name}.{end}" for name in extracts.EXTRACTS for end in WRITERS)]
        return [file for file in possible if self.lake.size(self.name(file)) is not None]


def export(
    context: Context,
    to: str,
    movies: Iterable[str] = (),
    *,
    file_format: ExportFormat = "parquet",
    with_text: bool = False,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Exported:
    """Write an export of some movies, or of all, to a folder of this machine or any fsspec URI.

    Args:
        context: S3 is reached with the lake's key and endpoint.
        to: A folder outside the lake, which need not exist, or a URI such as
            `s3://bucket/folder`.
        movies: IMDb ids, or addresses of movies at IMDb; all movies if there are none.
        file_format: `csv` is for spreadsheets: no cell of it runs as a formula.
        with_text: Whether the words of reviews and quotes go along.
        overwrite: Whether an export that lies there is replaced. Other files stay.
        progress: Is told how many movies of all tables were written, and of how many.

    Raises:
        BadInput: A movie is unknown, the target cannot be used, or it holds an export already.
        LakeUnavailable: The target could not be written (retryable): nothing or a part is there,
            and no manifest.
        WarehouseUnavailable: Postgres did not answer (retryable); nothing was written.

    Every file is whole before the first of them appears; the manifest comes last. Takes memory for
    one chunk of rows, and room for all files in the folder for temporary files (`TMPDIR`).
    """
    ids = typed_ids(movies) or None
    target = _Target(_open(to, context), "")
    with _said_of(to):
        there = target.files()
    if there and not overwrite:
        raise BadInput(
            f"{to} holds an export already ({', '.join(there)}): name another folder, or say "
            "--overwrite to replace it."
        )
    with _beside() as folder:
        manifest = _write(context, folder, ids, file_format, with_text, progress)
        with _said_of(to):
            return _bring(folder, manifest, target)


def export_weekly(context: Context, now: datetime) -> Exported | None:
    """Write an export of all movies without texts as Parquet to `exports/<day>/` in the lake.

    The day is that of `now` (UTC). A second export on the same day replaces the first. Once the new
    one is whole, all but the newest `exports_kept` are deleted, and what broke off before. If the
    warehouse holds no movie, nothing is written or deleted, and the answer is None.

    Raises:
        Retryable: The lake or the warehouse did not answer; the older exports are as they were.
    """
    target = _Target(context.lake, f"{AREA}/{now.astimezone(UTC):%Y-%m-%d}")
    with _beside() as folder:
        manifest = _write(context, folder, None, "parquet", False, silent)
        if not manifest.movies:
            log.info("The warehouse holds no movie, so there is nothing to export.")
            return None
        made = _bring(folder, manifest, target)
    made = made._replace(deleted=_delete_older(context.lake, context.settings.exports_kept))
    log.info("%s", made.facts)
    return made


def _open(to: str, context: Context) -> Lake:
    """Open the root of an export outside the lake."""
    url = to
    if "::" in to:  # fsspec would take it for a chain of filesystems
        raise BadInput(f"{to} is no place for an export: it holds '::'.")
    if "://" not in to:
        folder = Path(to).expanduser().resolve()
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{folder} is a file: name a folder.")
        url = f"file://{folder}"
    options = lake_options(context.settings.model_copy(update={"lake_url": url}))
    try:
        opened = Lake(url, options)
    except LakeUnavailable as error:  # nothing was asked yet
        raise BadInput(f"{to} is no place that can be written: {error.__cause__}.") from error
    if context.lake.holds(opened):
        raise BadInput(
            f"{to} lies in the lake, whose folder {AREA}/ is the weekly export's: name another "
            "place."
        )
    return opened


@contextmanager
def _said_of(to: str) -> Iterator[None]:
    """Have an error of the target name the target: it is not the lake."""
    try:
        yield
    except LakeUnavailable as error:
        why = error.__cause__ or error
        raise LakeUnavailable(
            f"The export could not be written to {to}: {why}. Without its {MANIFEST} what lies "
            "there is not whole; try again, or name another place."
        ) from error


@contextmanager
def _beside() -> Iterator[Path]:
    """Give a folder for files that are not whole yet."""
    try:
        with tempfile.TemporaryDirectory(prefix="filmpulse-export-") as folder:
            yield Path(folder)
    except OSError as error:
        raise LakeUnavailable(
            f"The export could not be written among the temporary files ({error}): make room, or "
            "name another folder for them (TMPDIR)."
        ) from error


def _write(
    context: Context,
    folder: Path,
    imdb_ids: Sequence[str] | None,
    file_format: ExportFormat,
    with_text: bool,
    progress: Progress,
) -> ExportManifest:
    """Write all tables as of one moment; return the manifest."""
    begun_at = datetime.now(UTC)
    tables = {}
    with context.warehouse.connect() as connection:
        extracts.keep_moment(connection)
        movies = extracts.find_movies(connection, imdb_ids)
        for place, extract in enumerate(extracts.EXTRACTS.values()):
            path = folder / f"{extract.name}.{file_format}"
            about = extract.about(connection, with_text=with_text)
            counted = _counted(movies, place, progress)
            chunks = extract.chunks(connection, counted, with_text=with_text)
            columns = extract.columns(with_text=with_text)
            rows = WRITERS[file_format](path, chunks, columns, about)
            tables[extract.name] = ExportedTable(
                file=path.name, rows=rows, size_bytes=path.stat().st_size, about=about
            )
    return ExportManifest(
        begun_at=begun_at, format=file_format, with_text=with_text, movies=len(movies),
        tables=tables,
    )  # fmt: skip


def _bring(folder: Path, manifest: ExportManifest, target: _Target) -> Exported:
    """Take the files to the target, in place of those that are there; the manifest is the last."""
    for file in target.files():
        target.lake.delete(target.name(file))
    for table in manifest.tables.values():
        target.lake.move_in(folder / table.file, target.name(table.file))
    uri = target.lake.write(target.name(MANIFEST), manifest.model_dump_json(indent=1).encode())
    return Exported(uri.rpartition("/")[0], manifest)


def _counted(movies: Sequence[str], table: int, progress: Progress) -> Iterator[str]:
    """Yield the movies of one table, and tell how many were taken up, of all tables."""
    for number, imdb_id in enumerate(movies):
        progress(table * len(movies) + number, len(extracts.EXTRACTS) * len(movies))
        yield imdb_id


def _delete_older(lake: Lake, kept: int) -> int:
    """Delete weekly exports but the newest, and those that broke off; return how many objects."""
    days = sorted(filter(_DAY.fullmatch, lake.folders(AREA)), reverse=True)
    whole = [day for day in days if lake.size(f"{AREA}/{day}/{MANIFEST}") is not None]
    gone = [day for day in days if day not in whole[:kept] and day < whole[0]]
    count = 0
    for folder in (f"{AREA}/{day}" for day in gone):
        count += len(lake.names(folder))
        lake.delete_collection(folder)
    return count
