"""Import saved files from the inbox into the lake and the warehouse, one after the other.

The name of a file's collection in the lake follows from the file, and the file leaves the inbox
last: after a crash at any point the same import does the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from filmpulse.errors import BadInput, FilmpulseError, Final, ForeignPage, SiteUnavailable
from filmpulse.items import CollectionStatus
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox import store, title_lists
from filmpulse.jobs.inbox.import_tables import import_waiting_table, is_waiting_table
from filmpulse.jobs.inbox.store import (
    DONE,
    FAILED,
    NOTE,
    REASON,
    WAITING,
    Imported,
    ImportedPage,
    Note,
    RawFile,
    SavedFile,
)
from filmpulse.jobs.reception.collect import label
from filmpulse.jobs.reception.judge import failed_checks
from filmpulse.jobs.reception.load import load
from filmpulse.jobs.reception.summarise import RunSummary, close, review_scoring
from filmpulse.jobs.reception.visit import explain, note_source
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import Manifest
from filmpulse.sources import SavedReviews
from filmpulse.sources.title_lists import TitleList, name_of
from filmpulse.warehouse.load import Loaded

log = logging.getLogger(__name__)

IMPORTED: frozenset[CollectionStatus] = frozenset({"complete", "partial", "gated"})


def plan_import(context: Context) -> list[str]:
    """Return the names of the files that wait in the inbox, sorted, at most 1,000."""
    names = store.waiting(context)
    if len(names) > store.MOST_AT_ONCE:
        log.warning(
            "%d files wait; %d are taken up now, the rest by the next runs.",
            len(names), store.MOST_AT_ONCE,
        )  # fmt: skip
    return names[: store.MOST_AT_ONCE]


def import_file(name: str, run_id: str, context: Context) -> Imported:
    """Import one file of the inbox, named as by `plan_import`, and move it, cleaned.

    It goes to `done/` or `failed/`. Each page becomes one loaded collection of mode `import`, with
    a line in `ops.collections` under `run_id/name`. Of a title list only the ids are kept, in
    the lake's folder of lists. If a page was not imported, `failed/` keeps the reason, and the page
    only if cleaning is known to have worked. A second call after a crash gives the same rows.

    Raises:
        BadInput: No FILMPULSE_AUTHOR_SECRET.
        Retryable: The lake or the warehouse did not answer; the file still waits.
    """
    if is_waiting_table(name, context):
        return import_waiting_table(name, run_id, context)
    secret = store.author_secret(context)
    seen = store.see(name, context)
    if seen is None:
        log.warning("%s no longer waits: it was imported meanwhile.", name)
        if context.lake.size(f"{DONE}/{name}") is not None:
            context.lake.delete(f"{WAITING}/{name}{NOTE}")  # a crash left the note
        return Imported(name, [])
    raw = RawFile(name, b"", None)
    pages = []
    try:
        store.check_size(seen.size)
        raw = RawFile(name, context.lake.read(f"{WAITING}/{name}"), None)
        given = store.read_note(f"{WAITING}/{name}", context)
        unpacked = store.unpack(name, raw.content, None)
        pages += [
            _import_page(f, given, seen.changed_at, run_id, secret, context) for f in unpacked
        ]
    except Final as error:
        pages.append(_refuse(raw, error, context))
    store.take_away(seen, (NOTE,), context)
    for page in pages:
        log.info(page.line)
    return Imported(name, pages)


def _import_page(
    file: RawFile,
    given: Note | BadInput,
    added_at: datetime,
    run_id: str,
    secret: bytes,
    context: Context,
) -> ImportedPage:
    """Clean, read, store and load one page, and put it where it belongs."""
    note = given if isinstance(given, Note) else Note()
    try:
        if (titles := file.titles()) is not None:
            return _import_list(file.name, titles, note, added_at, context)
        saved = file.clean(note, secret, added_at)
    except FilmpulseError as error:
        return _refuse(file, error, context)
    try:
        if isinstance(given, BadInput):
            raise given
        page = store.parse(saved, secret)
    except FilmpulseError as error:
        return _fail(saved, error, run_id, context)
    manifest_uri, manifest, is_free = _collect(saved, page, run_id, context)
    try:
        loaded = load(manifest_uri, context)
    except Final as error:
        return _fail(saved, error, run_id, context)
    told = _told(saved, manifest, loaded)
    update = {
        "imdb_id": manifest.imdb_id,
        "imported_at": datetime.now(UTC),
        "run_id": run_id,
        "manifest_uri": manifest_uri,
        "status": manifest.status,
        "reason": manifest.reason,
        "sentence": told,
    }
    _keep(DONE, saved, update, context, with_text=is_free)
    for leftover in ("", NOTE, REASON):  # of an earlier try that failed
        context.lake.delete(f"{FAILED}/{saved.name}{leftover}")
    line = f"{saved.name}: {label(manifest.imdb_id, context)}: {manifest.status}. {told}"
    return ImportedPage(
        saved.name, manifest.imdb_id, manifest_uri, manifest.status, manifest.reason, line,
        manifest.distinct_ids, loaded.changed,
    )  # fmt: skip


def _import_list(
    name: str, titles: TitleList, note: Note, added_at: datetime, context: Context
) -> ImportedPage:
    """Take a file into its list; nothing of the file is kept but its ids."""
    file_name = (note.list_origin and note.original_name) or store.plain_name(name)
    origin = note.list_origin or titles.origin
    of = name_of(file_name, origin)
    held = title_lists.hold(
        title_lists.ListPart(
            title_list=of.title_list,
            page=of.page,
            origin=origin,
            file_name=file_name,
            added_at=note.added_at or added_at,
            imdb_ids=titles.imdb_ids,
        ),
        context,
    )
    context.lake.delete(f"{FAILED}/{name}{REASON}")  # of an earlier try that failed
    changed = f"{held.new:,} new, {held.gone:,} gone" if held.new or held.gone else "nothing new"
    line = (
        f"{file_name}: {store.describe_list(titles)}. The list {of.title_list} has "
        f"{held.titles:,} titles: {changed}."
    )
    return ImportedPage(name, None, None, "complete", None, line)


def _told(saved: SavedFile, manifest: Manifest, loaded: Loaded) -> str:
    """Say how the import of a page ended, what it changed and how old the page is."""
    details = [store.describe_time(saved.note)]
    if loaded.changed:
        details.insert(0, f"{loaded.inserted:,} new, {loaded.revised:,} edited")
    elif manifest.parts:
        details.insert(0, "nothing new")
    told = "; ".join(details)
    return f"{manifest.sentence} {told[0].upper()}{told[1:]}."


def _collect(
    saved: SavedFile, page: SavedReviews, run_id: str, context: Context
) -> tuple[str, Manifest, bool]:
    """Write a page's reviews into the lake, unless they are there; in the same place each time.

    Returns:
        The manifest's URI, the manifest, and whether the page holds nothing that was erased on
        request: otherwise the page must not be kept.
    """
    source, imdb_id, note = saved.source.name, page.imdb_id, saved.note
    started_at = note.saved_at or note.added_at or datetime.now(UTC)
    note_source(saved.source, context)
    writer = context.lake.begin(source, imdb_id, started_at, saved.mark)
    uri = writer.manifest_uri
    with context.warehouse.connect() as connection:
        tombstones = Tombstones.read(connection, source, imdb_id)
    shown = page.reviews or ()
    reviews = [review for review in shown if not tombstones.covers(review)]
    erased = len(shown) - len(reviews)
    if context.lake.size(context.lake.name_of(uri)) is not None:
        return uri, context.lake.read_manifest(uri), not erased
    writer.append(reviews)
    status, reason, sentence = _outcome(page)
    if page.undated:
        sentence += f" {page.undated:,} reviews show no day that can be read."
    if erased:
        sentence += f" {erased:,} were erased on request and not kept."
    manifest = Manifest(
        run_id=f"{run_id}/{saved.name}",
        source=source,
        imdb_id=imdb_id,
        mode="import",
        is_dated=note.saved_at is not None,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        status=status,
        reason=reason,
        sentence=sentence,
        review_count_start=page.review_count,
        review_count_end=page.review_count,
        distinct_ids=len(reviews),
        variant=page.variant,
        movie=page.movie,
        snapshot=page.snapshot if note.saved_at else None,
        parts=tuple(writer.parts),
    )
    return writer.close(manifest), manifest, not erased


def _outcome(page: SavedReviews) -> tuple[CollectionStatus, str | None, str]:
    """Say how much of the site's list a page holds."""
    if page.reviews is None:
        return "partial", "title_page", "A title page: the movie's facts, not its reviews."
    read, count, closed = len(page.reviews), page.review_count, page.unopened_spoilers
    of = f" of {count:,}" if count is not None else ""
    shown = f"{read:,}{of} reviews are in the page"
    if closed:
        shown += f", and {closed:,} spoilers that were not opened before it was saved"
    if page.is_gated:
        return "gated", "sign_in", f"{shown}: the rest is shown only to those who sign in."
    if count is None:
        return "partial", "count_unknown", f"{shown}, which does not say how many there are."
    if read >= count:
        return "complete", None, f"All {read:,} reviews are in the page."
    if read + closed >= count:
        return "partial", "unopened_spoilers", f"{shown}."
    return "partial", "part_of_list", f"{shown}."


def _fail(saved: SavedFile, error: FilmpulseError, run_id: str, context: Context) -> ImportedPage:
    """Keep a cleaned file that could not be imported, and say why.

    Only the reason is kept of a file that is no page of its source: nobody knows where such a file
    names people.
    """
    status, reason, sentence = _why(error)
    original = saved.note.original_name or saved.name
    store.write_reason(saved.name, sentence, reason, original, saved.sha256, context)
    update = {"run_id": run_id, "status": status, "reason": reason, "sentence": sentence}
    is_kept = reason != "erased" and not isinstance(error, ForeignPage)
    _keep(FAILED, saved, update, context, with_text=is_kept)
    return ImportedPage(saved.name, None, None, status, reason, f"{saved.name}: {sentence}")


def _refuse(file: RawFile, error: FilmpulseError, context: Context) -> ImportedPage:
    """Say why a file could not be imported; it cannot be cleaned, and so is not kept."""
    status, reason, sentence = _why(error)
    sentence += " The file was not kept, since it could not be cleaned."
    name = file.refused_name()
    store.write_reason(name, sentence, reason, file.name, file.sha256, context)
    return ImportedPage(name, None, None, status, reason, f"{file.name}: {sentence}")


def _why(error: FilmpulseError) -> tuple[CollectionStatus, str, str]:
    status, reason, sentence = explain(error)
    again = " Save it again, whole." if isinstance(error, SiteUnavailable) else ""
    return status, reason, sentence + again


def _keep(
    folder: str, saved: SavedFile, update: dict[str, Any], context: Context, *, with_text: bool
) -> None:
    """Write a cleaned file's note with how its import went, and the file if it may be kept."""
    note = saved.note.model_copy(update=update).model_dump_json(exclude_none=True, indent=1)
    context.lake.write(f"{folder}/{saved.name}{NOTE}", note.encode())
    if with_text:
        context.lake.write(f"{folder}/{saved.name}", saved.text.encode())


def review_import(
    run_id: str, names: Sequence[str], imported: Iterable[Imported], context: Context
) -> RunSummary:
    """Tell how each page of a run went, in the order of the files' names, then what its data lack.

    Each page is told once: among the lines, the warnings (gated) or the failures. `names` are the
    files that were planned: one that is not among `imported` is a failure.
    """
    found = {one.name: one for one in imported}
    pages = [page for one in found.values() for page in one.pages]
    told = RunSummary([], [], [], sum(page.changed_rows for page in pages))
    for name in names:
        if name not in found:
            told.failures.append(
                f"{name}: not imported; the log of its task says why. It still waits."
            )
            continue
        for page in found[name].pages:
            if page.status not in IMPORTED:
                told.failures.append(page.line)
            elif page.status == "gated":
                told.warnings.append(page.line)
            else:
                told.lines.append(page.line)
    movies = {page.imdb_id for page in pages if page.imdb_id}
    told.add(review_scoring(run_id, movies, context))
    uris = [page.manifest_uri for page in pages if page.manifest_uri]
    told.failures.extend(failed_checks(uris, context))
    told.warnings.extend(failed_checks(uris, context, brought=False))
    return told


def summarise_import(
    run_id: str, names: Sequence[str], imported: Iterable[Imported], context: Context
) -> RunSummary:
    """Say how each file of a run went.

    Raises:
        CollectionFailed: A file could not be imported, or reviews were not scored or do not look as
            they should; the message names each and why.
    """
    files = "1 file was" if len(names) == 1 else f"{len(names)} files were"
    return close(
        review_import(run_id, names, imported, context), f"{files} taken up, and not all is well:"
    )
