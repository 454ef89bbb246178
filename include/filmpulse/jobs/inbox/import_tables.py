"""Import tables of reviews that a person may use into the lake and the warehouse.

A file is read to its end before anything is stored, so that a file that breaks off leaves nothing.
Then each movie in it becomes one collection of mode `import` under the file's source.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from psycopg.types.json import Jsonb

from filmpulse.errors import BadInput, FilmpulseError, Final
from filmpulse.items import Review
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.inbox import store
from filmpulse.jobs.inbox.store import (
    FAILED,
    MAPS,
    REASON,
    REJECTS,
    WAITING,
    Added,
    Imported,
    ImportedPage,
)
from filmpulse.jobs.reception.collect import label
from filmpulse.jobs.reception.load import load
from filmpulse.jobs.reception.summarise import count
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import Manifest
from filmpulse.sources.tables.mapping import FIELDS, TableMap, form_of, is_table, read_map
from filmpulse.sources.tables.readers import read_chunks
from filmpulse.sources.tables.rows import KEYED, Problem, Row, numbered, read_rows
from filmpulse.sources.tables.spool import RefusedRow, Spool
from filmpulse.warehouse.collections import ids_elsewhere
from filmpulse.warehouse.load import Loaded
from filmpulse.warehouse.movies import store_file_source

log = logging.getLogger(__name__)

SHOWN_REVIEWS = 5
SHOWN_NUMBERS = 10
MOST_MOVIES_WAITING = 500
"""Movies of one file in the inbox: each is a mapped task, of which Airflow allows 1,024 a run."""

MAX_WAITING_BYTES = 50_000_000
BATCH_REVIEWS = 500
_ESCAPING = "backslashreplace"  # for characters that the file's encoding lacks


@dataclass
class Group:
    """Rows with one kind of fault: how many, the numbers of the first, and what the first says."""

    kind: str
    sentence: str
    count: int = 0
    numbers: list[int] = field(default_factory=list)


@dataclass
class TableRead:
    """What a file holds: rows read, reviews to keep, and why the other rows are refused.

    `repeated` counts rows that say the same as an earlier row of their id. A row that is refused
    for two reasons is in two groups. `unread` says, by field, in which kept rows the field is left
    empty since its cell cannot be read. `first` are the first reviews, as they would be stored.
    """

    rows: int = 0
    reviews: int = 0
    repeated: int = 0
    refused: int = 0
    groups: dict[str, Group] = field(default_factory=dict)
    unread: dict[str, Group] = field(default_factory=dict)
    first: list[Review] = field(default_factory=list)


@dataclass
class TableImported:
    """How an import went: what was read, each movie's collection, and what loading changed.

    `failures` are the errors of movies whose reviews are in the lake and could not be loaded.
    """

    read: TableRead
    manifest_uris: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, Loaded] = field(default_factory=dict)
    failures: dict[str, FilmpulseError] = field(default_factory=dict)


def is_waiting_table(name: str, context: Context) -> bool:
    """Tell whether a file that waits in the inbox, below `inbox/`, is a table."""
    beside = (f"{WAITING}/{name}{end}" for end in MAPS)
    if is_table(name, has_map=True) and any(context.lake.size(m) is not None for m in beside):
        return True
    return is_table(name, has_map=False) and not store.waits_as_list(name, context)


def check_table(
    file: BinaryIO,
    name: str,
    mapping: TableMap,
    context: Context,
    progress: Progress = silent,
    most_unpacked: int | None = None,
) -> TableRead:
    """Read a table as an import would, and store nothing at all.

    `file` is seekable and at its start; the ending of `name` says what it is. `progress` is told
    the rows so far. A `.gz` or a workbook may hold `most_unpacked` bytes, or as `limits` says.

    Raises:
        BadInput: The file cannot be read, lacks a column of the map, holds no row, or needs
            FILMPULSE_AUTHOR_SECRET to keep its authors apart.
        WarehouseUnavailable: The warehouse could not be asked which ids are taken.
    """
    with Spool() as spool:
        now = datetime.now(UTC)
        return _read(file, name, mapping, spool, context, now, progress, most_unpacked)


def import_table(
    file: BinaryIO,
    name: str,
    mapping: TableMap,
    run_id: str,
    context: Context,
    *,
    rejects: Path | None = None,
    progress: Progress = silent,
) -> TableImported:
    """Import a table: good rows into the lake and the warehouse, the rest into a rejects file.

    A review of a known id that says something else is an edit; a review that the file lacks stays.
    So the same file twice changes no row. Memory does not grow with the file.

    Args:
        file: Its content, at the start; seekable.
        name: Its name; the ending says what it is.
        mapping: Which column is which field; its note on rights is stored with the source.
        run_id: Whose import this is; `ops.collections` gets a line for each movie.
        context: Settings, warehouse and lake.
        rejects: CSV for refused rows, with number, reason and all cells; written only if there are
            any.
        progress: Told the rows so far.

    Raises:
        BadInput: As `check_table`, or the rejects cannot be written; nothing was stored.
        Retryable: The lake or the warehouse did not answer; a second import does the rest.
    """
    now = datetime.now(UTC)
    with Spool() as spool:
        read = _read(file, name, mapping, spool, context, now, progress)
        if rejects is not None:
            _keep_rejects(spool, mapping, rejects)
        return _store(read, spool, name, mapping, run_id, context, now)


def add_table(
    file: BinaryIO,
    name: str,
    mapping: TableMap,
    context: Context,
    rejects: Path | None = None,
    most_unpacked: int | None = None,
) -> tuple[TableRead, Added]:
    """Put the good rows of a table into the inbox, as JSON lines of our own fields with their map.

    Authors are hashed and unmapped columns left out before anything is stored, so that the inbox
    holds no name. Refused rows go into `rejects`; `most_unpacked` is as for `check_table`. Takes
    and raises what `import_table` does.
    """
    given = store.plain_name(name)
    with Spool() as spool:
        now = datetime.now(UTC)
        read = _read(file, given, mapping, spool, context, now, silent, most_unpacked)
        if rejects is not None:
            _keep_rejects(spool, mapping, rejects)
        lines = [_line(review) for _, reviews in spool.movies() for review in reviews]
    if not lines:
        return read, Added(given, None, "No row can be used.", is_refused=True)
    content = "".join(lines).encode()
    _check_size(len(content))
    update = {"source": mapping.source, "rights": mapping.rights}
    about = _OWN_MAP.model_copy(update=update).to_text()
    name = f"{store.stem(given)}-{_mark(content, about)}.jsonl"
    holds = f"{read.reviews:,} of {read.rows:,} rows can be used, under {mapping.source}."
    if context.lake.size(f"{WAITING}/{name}") is not None:
        return read, Added(given, name, f"This table waits already: {holds}")
    context.lake.write(f"{WAITING}/{name}{MAPS[0]}", about.encode())
    context.lake.write(f"{WAITING}/{name}", content)
    return read, Added(given, name, holds, is_new=True)


def import_waiting_table(name: str, run_id: str, context: Context) -> Imported:
    """Import a table of the inbox, `name` below `inbox/`, by the map `<name>.map.yaml` beside it.

    A table that was read leaves the inbox and is not kept: its rows are in the lake, and the file
    may hold names. Refused rows go to `inbox/failed/<name>.rejects.csv`, without their author and
    without columns that the map does not name. If a table cannot be used at all, only the reason,
    the name and the hash are kept, until a table of the same name can be used. `ops.collections`
    gets a line for each movie under `run_id/name`. A second call after a crash gives the same rows.

    Raises:
        Retryable: The lake or the warehouse did not answer; the file still waits.
    """
    seen = store.see(name, context)
    if seen is None:
        log.warning("%s no longer waits: another import took it.", name)
        return Imported(name, [])
    content = b""
    try:
        _check_size(seen.size)
        content = context.lake.read(f"{WAITING}/{name}")
        imported = _import_waiting(seen, content, run_id, context)
    except Final as error:
        return _fail(seen, content, error, context)
    failed = f"{FAILED}/{name}"
    for leftover in ("", *MAPS, REASON):  # of an earlier table that failed
        context.lake.delete(failed + leftover)
    if not imported.read.refused:
        context.lake.delete(failed + REJECTS)
    if not any(_waits(error) for error in imported.failures.values()):
        store.take_away(seen, MAPS, context)
    return Imported(name, list(_pages(name, imported, context)))


def _import_waiting(
    seen: store.Seen, content: bytes, run_id: str, context: Context
) -> TableImported:
    """Read a waiting table by its map, write its refused rows, and store the others."""
    name = seen.name
    about = _waiting_map(f"{WAITING}/{name}", context)
    mapping = read_map(about)
    with Spool() as spool:
        read = _read(io.BytesIO(content), name, mapping, spool, context, seen.changed_at, silent)
        if len(spool.imdb_ids()) > MOST_MOVIES_WAITING:
            raise BadInput(
                f"It holds more than {MOST_MOVIES_WAITING} movies: divide it, or use "
                "`filmpulse import reviews`."
            )
        if read.refused:
            rejected = io.StringIO()
            columns = mapping.columns()
            shown = [c for c in columns.values() if c != columns.get("author")]
            _write_rejects(spool, rejected, mapping, shown)
            encoded = rejected.getvalue().encode(mapping.encoding or "utf-8", _ESCAPING)
            context.lake.write(f"{FAILED}/{name}{REJECTS}", encoded)
        if not read.reviews:
            raise BadInput(f"No row of it can be used; {FAILED}/ says why of each.")
        mark = _mark(content, about)
        return _store(
            read, spool, name, mapping, f"{run_id}/{name}", context, seen.changed_at, mark
        )


def _fail(seen: store.Seen, content: bytes, error: FilmpulseError, context: Context) -> Imported:
    """Keep the reason why a waiting table cannot be used, but not the table: it may hold names."""
    name = seen.name
    sentence = (
        f"{error} The table was not kept, since it may hold names: correct it and put it into "
        "the inbox again, with its map."
    )
    line = f"{name}: {sentence}"
    digest = sha256(content).hexdigest() if content else None
    store.write_reason(name, sentence, error.reason, name, digest, context)
    store.take_away(seen, MAPS, context)
    log.error(line)
    return Imported(name, [ImportedPage(name, None, None, "failed", error.reason, line)])


def _read(
    file: BinaryIO,
    name: str,
    mapping: TableMap,
    spool: Spool,
    context: Context,
    now: datetime,
    progress: Progress,
    most_unpacked: int | None = None,
) -> TableRead:
    """Read all of a file into the spool, and count its rows."""
    read = TableRead()
    secret = store.author_secret(context) if mapping.author else b""
    latest = now.date() + timedelta(days=1)  # a day that has begun somewhere on earth
    for chunk in read_chunks(file, name, mapping, most_unpacked):
        rows = [
            Row(one.number, None, (Problem("row", one.sentence),), one.cells, is_split=False)
            for one in chunk.broken
        ]
        rows += read_rows(chunk.frame, mapping, secret=secret, latest=latest)
        if mapping.review_id is None:  # an id that is made holds its movie
            elsewhere: _Elsewhere = {}
        else:
            elsewhere = _elsewhere((r.review for r in rows if r.review), mapping.source, context)
        for row in sorted(rows, key=lambda row: row.number):
            if problems := row.problems or _keep(row, mapping, elsewhere, spool):
                _refuse(row, problems, spool, read)
                continue
            for name_of_field, sentence in row.unread.items():
                _count(read.unread, name_of_field, sentence, row)
        read.rows += len(rows)
        progress(read.rows, None)
    if not read.rows:
        raise BadInput(f"{name} holds no row below its header.")
    read.reviews = spool.count()
    read.repeated = read.rows - read.refused - read.reviews
    read.first = spool.first(SHOWN_REVIEWS)
    return read


def _keep(row: Row, mapping: TableMap, elsewhere: _Elsewhere, spool: Spool) -> tuple[Problem, ...]:
    """Keep a row's review, unless another review has its id; the row that came first stays."""
    review = row.review
    if review is None:
        return ()
    if mapping.review_id is None:
        review = numbered(review, spool.nth(review.review_id))
    if other := elsewhere.get((review.review_id, review.imdb_id)):
        return (Problem("id", f"the id {review.review_id} is that of a review of {other}"),)
    if earlier := spool.add(row.number, review):
        said = f"row {earlier:,} has the id {review.review_id} too, and says something else"
        return (Problem("id", said),)
    return ()


_Elsewhere = dict[tuple[str, str], str]


def _elsewhere(reviews: Iterable[Review], source: str, context: Context) -> _Elsewhere:
    """Return the other movie of each review id that is taken, by the id and the movie here."""
    pairs = [(review.review_id, review.imdb_id) for review in reviews]
    found = ids_elsewhere(
        context.warehouse,
        source=source,
        review_ids=[review_id for review_id, _ in pairs],
        imdb_ids=[imdb_id for _, imdb_id in pairs],
    )
    return {(one.review_id, one.imdb_id): one.other_imdb_id for one in found}


def _refuse(row: Row, problems: Sequence[Problem], spool: Spool, read: TableRead) -> None:
    for kind, sentence in dict(reversed(problems)).items():  # the first of each kind
        _count(read.groups, kind, sentence, row)
    why = "; ".join(problem.sentence for problem in problems)
    spool.refuse(RefusedRow(row.number, why, row.cells, row.is_split))
    read.refused += 1


def _count(groups: dict[str, Group], kind: str, sentence: str, row: Row) -> None:
    group = groups.setdefault(kind, Group(kind, sentence))
    group.count += 1
    if len(group.numbers) < SHOWN_NUMBERS:
        group.numbers.append(row.number)


def _store(
    read: TableRead,
    spool: Spool,
    name: str,
    mapping: TableMap,
    run_id: str,
    context: Context,
    started_at: datetime,
    mark: str | None = None,
) -> TableImported:
    """Note the source and its rights, then write and load each movie's reviews."""
    imported = TableImported(read)
    if not read.reviews:
        return imported
    store_file_source(
        context.warehouse,
        source=mapping.source,
        rights=mapping.rights,
        map=Jsonb(mapping.model_dump(mode="json", exclude_none=True)),
        used_at=started_at,
    )
    for imdb_id, reviews in spool.movies():
        uri = _collect(imdb_id, reviews, name, mapping.source, run_id, context, started_at, mark)
        imported.manifest_uris[imdb_id] = uri
        try:
            imported.loaded[imdb_id] = load(uri, context)
        except Final as error:  # one movie never stops another
            imported.failures[imdb_id] = error
    return imported


def _collect(
    imdb_id: str,
    reviews: Iterator[Review],
    name: str,
    source: str,
    run_id: str,
    context: Context,
    started_at: datetime,
    mark: str | None,
) -> str:
    """Write a movie's reviews into the lake, unless an earlier try did, and return the manifest."""
    with context.warehouse.connect() as connection:
        tombstones = Tombstones.read(connection, source, imdb_id)
    reviews = (review for review in reviews if not tombstones.covers(review))
    writer = context.lake.begin(source, imdb_id, started_at, mark)
    if mark and context.lake.size(context.lake.name_of(writer.manifest_uri)) is not None:
        return writer.manifest_uri
    count = 0
    while batch := list(islice(reviews, BATCH_REVIEWS)):
        writer.append(batch)
        count += len(batch)
    return writer.close(
        Manifest(
            run_id=run_id,
            source=source,
            imdb_id=imdb_id,
            mode="import",
            started_at=started_at,
            finished_at=datetime.now(UTC),
            status="complete",
            sentence=f"From the file {name}.",
            distinct_ids=count,
            variant=form_of(name).removeprefix("."),
            parts=tuple(writer.parts),
        )
    )


def _keep_rejects(spool: Spool, mapping: TableMap, path: Path) -> None:
    """Write refused rows in the form that the map reads, so that a person can correct them."""
    if next(iter(spool.refused()), None) is None:
        return
    part = path.with_name(f"{path.name}.part")
    encoding = mapping.encoding or "utf-8"
    try:
        with part.open("w", encoding=encoding, errors=_ESCAPING, newline="") as out:
            _write_rejects(spool, out, mapping)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"Refused rows cannot be written to {path}: {error.strerror}.") from error


def _write_rejects(
    spool: Spool, out: TextIO, mapping: TableMap, only: Sequence[str] | None = None
) -> None:
    """Write refused rows; with `only`, just these columns, and no cell that may be out of place."""
    names = only or [*dict.fromkeys(name for row in spool.refused() for name in row.cells)]
    writer = csv.writer(out, delimiter=mapping.delimiter or ",", escapechar=mapping.escape)
    out.write("\r\n" * ((mapping.header_row or 1) - 1))
    writer.writerow(["filmpulse_row", "filmpulse_why", *names])
    for row in spool.refused():
        cells = row.cells if row.is_split or only is None else {}
        writer.writerow([row.number, row.why, *(cells.get(name, "") for name in names)])


def _pages(name: str, imported: TableImported, context: Context) -> Iterator[ImportedPage]:
    """Yield how each movie of a waiting table went, and how many rows were refused."""
    for imdb_id, uri in imported.manifest_uris.items():
        about = f"{name}: {label(imdb_id, context)}"
        if error := imported.failures.get(imdb_id):
            line = f"{about}: not loaded. {error}{' It still waits.' * _waits(error)}"
            yield ImportedPage(name, None, None, "failed", error.reason, line)
            continue
        loaded = imported.loaded[imdb_id]
        changed = f"{loaded.inserted:,} new, {loaded.revised:,} edited"
        yield ImportedPage(
            name, imdb_id, uri, "complete", None,
            f"{about}: complete. {changed if loaded.changed else 'Nothing new'}.",
            changed_rows=loaded.changed,
        )  # fmt: skip
    read = imported.read
    if read.refused:
        line = f"{name}: {read.refused:,} of {read.rows:,} rows refused: {FAILED}/{name}{REJECTS}"
        yield ImportedPage(name, None, None, "partial", "rows_refused", line)
    if read.unread:
        fields = (f"{one.kind} in {count(one.count, 'row')}" for one in read.unread.values())
        line = f"{name}: left empty, since it cannot be read: {', '.join(fields)}."
        yield ImportedPage(name, None, None, "partial", "fields_unread", line)


def _waits(error: FilmpulseError) -> bool:
    """Tell whether a later try can help; it cannot if the movie was erased on request."""
    return error.reason != "erased"


def _waiting_map(path: str, context: Context) -> str:
    """Return the map beside a waiting table."""
    for ending in MAPS:
        if context.lake.size(path + ending) is not None:
            try:
                return context.lake.read(path + ending).decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise BadInput("The map beside it is not written in UTF-8.") from error
    raise BadInput(
        f"There is no map of its columns beside it: {path}{MAPS[0]}. (A title list with such "
        "columns is taken if its name ends in .ids.)"
    )


def _line(review: Review) -> str:
    """Write a review as a line that `_OWN_MAP` reads as the same."""
    cells = review.model_dump(mode="json", include=set(_OWN_MAP.columns()) - {"rating", "author"})
    cells["rating"] = review.rating_1_10
    cells["author"] = f"{KEYED}{review.author_key}" if review.author_key else None
    return json.dumps(cells, ensure_ascii=False) + "\n"


# Each field in a column of its own name.
_OWN_MAP = TableMap.model_validate(
    {name: name for name in FIELDS} | {"source": "own", "rights": "the map's own note",
     "rating": {"column": "rating", "scale": 10}}
)  # fmt: skip


def _check_size(size: int) -> None:
    """Refuse a table that is too large for the inbox, whose objects are held in memory whole."""
    if size > MAX_WAITING_BYTES:
        raise BadInput(
            f"Larger than {MAX_WAITING_BYTES // 1_000_000} MB: `filmpulse import reviews` reads it "
            "as a stream."
        )


def _mark(content: bytes, about: str) -> str:
    return sha256(content + b"\0" + about.encode()).hexdigest()[:12]


@contextmanager
def open_table(path: Path) -> Iterator[BinaryIO]:
    """Open a person's file, and turn an error of reading into BadInput."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
