"""The inbox: files that a person saved, on their way into the warehouse.

Layout below the lake's root::

    inbox/<name>              waits: dropped there by any tool, or added, cleaned, by `add_to_inbox`
    inbox/<name>.meta.json    the file's `Note`; written before the file itself
    inbox/done/<name>         imported, cleaned; its note beside it (a title list: nothing)
    inbox/failed/<name>.reason.txt
                              not imported: why, the file's own name and its hash. The file itself,
                              cleaned, and its note lie beside it if cleaning is known to have
                              worked; nothing else of the file is kept.

The name of a cleaned file ends in a short hash of its content, so that two files never get the same
name, and a file that is given twice is recognised (docs/adr/0017).
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from filmpulse.config import MOST_MAPPED
from filmpulse.errors import (
    BadInput,
    Blocked,
    FilmpulseError,
    Final,
    ForeignPage,
    LayoutChanged,
    NotCleaned,
    ObjectMissing,
    Retryable,
    SiteUnavailable,
)
from filmpulse.items import CollectionStatus, ImdbId
from filmpulse.jobs.context import Context
from filmpulse.sources import SavedReviews, SiteSource, reader_of
from filmpulse.sources.archives import (
    MAX_ARCHIVE_BYTES,
    is_archive,
    is_beside_the_page,
    read_archive,
)
from filmpulse.sources.saved import MAX_BYTES, unwrap
from filmpulse.sources.title_lists import ENDING, Origin, TitleList, name_of, read_list

log = logging.getLogger(__name__)

WAITING, DONE, FAILED = "inbox", "inbox/done", "inbox/failed"
NOTE, REASON = ".meta.json", ".reason.txt"
MAPS, REJECTS = (".map.yaml", ".map.yml"), ".rejects.csv"  # beside tables
MOST_AT_ONCE = MOST_MAPPED
"""Files that one import takes up: each is a mapped task."""

# What other tools call a file that they are still writing, and what stands beside a file.
_HALF_WRITTEN = (".part", ".tmp", ".crdownload", ".filepart")
_NO_FILES = (NOTE, REASON, *MAPS, *_HALF_WRITTEN)
# No page of the site can be older, and a clock may be a little fast.
_EARLIEST, _FAST_CLOCK = datetime(1996, 1, 1, tzinfo=UTC), timedelta(minutes=5)
_ORPHANED_AFTER = timedelta(days=1)
_LONGEST_NAME = 120

MOST_UPLOADED_BYTES = 25_000_000
"""Of one file that comes by a page: one with every review opened is perhaps 20 MB. The web server
holds and parses it, beside its other work, so it takes less than `filmpulse inbox add`."""
MOST_UNPACKED_BYTES = 200_000_000
"""Of a table that comes by a page, unpacked: text of 25 MB packed holds about 100 MB."""

_ID_IN_NAME = re.compile(r"(?<![a-z0-9])tt[0-9]{7,9}(?![0-9])", re.IGNORECASE)
_OWN_HASH = re.compile(r"-[0-9a-f]{12}$")

TimeSource = Literal["page", "given", "file", "unknown"]


class Note(BaseModel):
    """What is known of a file in the inbox; every field may be left out.

    People who drop a file with a tool of their own may put a note beside the file. `named_id` is
    the movie in the name of the file or its folder. `saved_at` is when the page was saved;
    `saved_at_source` tells who says so: the page, a person, the file's date, or nobody. `added_at`
    is when the file came into the inbox. `list_origin` is what a title list was read from. The
    other fields say how its import went.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    original_name: str | None = None
    imdb_id: ImdbId | None = None
    named_id: ImdbId | None = None
    saved_at: AwareDatetime | None = None
    saved_at_source: TimeSource | None = None
    added_at: AwareDatetime | None = None
    list_origin: Origin | None = None
    imported_at: AwareDatetime | None = None
    run_id: str | None = None
    manifest_uri: str | None = None
    status: CollectionStatus | None = None
    reason: str | None = None
    sentence: str | None = None


@dataclass(frozen=True)
class SavedFile:
    """One cleaned file: its text, its note, its name in the inbox, and the source that reads it.

    `sha256` (hex) is that of the file before it was cleaned. `fault` says that the page is not the
    source's, or that the site refused it: after cleaning this can no longer be told.
    """

    source: SiteSource
    name: str
    mark: str
    text: str
    note: Note
    sha256: str
    fault: Blocked | ForeignPage | None = None


class Added(NamedTuple):
    """What became of one file or page that a person added.

    `given` is its name as the person wrote it, and `name` its name in the inbox. If it is not
    `is_new`, it waits or was imported already. If it `is_refused`, nothing was stored, and the
    sentence says why.
    """

    given: str
    name: str | None
    sentence: str
    is_new: bool = False
    is_refused: bool = False


class Waiting(NamedTuple):
    """A file that waits."""

    name: str
    note: Note | BadInput

    @property
    def about(self) -> str:
        """Its movie and when it was saved, for a list."""
        if isinstance(self.note, BadInput):
            return str(self.note)
        if self.note.added_at is None:
            return "dropped; looked at when it is imported"
        if self.note.list_origin:
            of = name_of(self.note.original_name or self.name, self.note.list_origin)
            return f"titles of the list {of.title_list}"
        movie = self.note.imdb_id or self.note.named_id
        return f"{f'{movie}, ' if movie else ''}{describe_time(self.note)}"


class RefusedFile(NamedTuple):
    """A file whose import failed, and why."""

    name: str
    reason: str
    sentence: str


class ImportedPage(NamedTuple):
    """How the import of one page went; a ZIP holds many.

    `name` is its name in `inbox/done/` or `inbox/failed/`, `changed_rows` counts rows that loading
    it changed, and `line` says all of it. `imdb_id` and `manifest_uri` are None if it failed.
    """

    name: str
    imdb_id: str | None
    manifest_uri: str | None
    status: CollectionStatus
    reason: str | None
    line: str
    reviews: int = 0
    changed_rows: int = 0


class Imported(NamedTuple):
    """How the import of one file of the inbox went; without pages if the file was gone already."""

    name: str
    pages: list[ImportedPage]

    @property
    def imdb_ids(self) -> list[str]:
        """The movies whose reviews may have changed, each once."""
        return list(dict.fromkeys(p.imdb_id for p in self.pages if p.imdb_id))


def add_to_inbox(
    path: Path, context: Context, *, imdb_id: str | None = None, saved_at: datetime | None = None
) -> list[Added]:
    """Put a file of this machine into the inbox, as `add_upload` does; its date counts, too."""
    try:
        with path.open("rb") as file:
            changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            given = _given(imdb_id, saved_at)
            return _add(file, path.name, str(path), changed_at, given, MAX_ARCHIVE_BYTES, context)
    except OSError as error:
        sentence = f"Cannot be read: {error.strerror}."
        return [Added(str(path), None, sentence, is_refused=True)]


def add_upload(
    file: BinaryIO,
    name: str,
    context: Context,
    *,
    changed_at: datetime | None = None,
    imdb_id: str | None = None,
    saved_at: datetime | None = None,
) -> list[Added]:
    """Put a saved page, an answer, a title list, or a ZIP of them into the inbox, cleaned.

    A file that cannot be a page of one movie's reviews, or a title list, is refused. A page
    with a changed layout is stored: its import keeps the page for whoever mends the parser.

    Args:
        file: Its content; seekable. It is read once, into memory, and written nowhere as it came.
        name: Its name, as whoever sent it says; no part of a path, and nothing that is not seen,
            is taken over.
        context: Settings and lake.
        changed_at: The file's own date (UTC), if known.
        imdb_id: The movie, for a page that does not say it.
        saved_at: When the page was saved (UTC), for a page that does not say it.

    Returns:
        One entry for the file, or for each page of a ZIP.

    Raises:
        BadInput: `saved_at` lies in the future or before IMDb, `imdb_id` is wrong, or
            FILMPULSE_AUTHOR_SECRET is not set.
    """
    shown = plain_name(name)
    given = _given(imdb_id, saved_at)
    return _add(file, shown, shown, changed_at, given, MOST_UPLOADED_BYTES, context)


def plain_name(name: str) -> str:
    """Return a file's name without folders and without what nobody sees; at most 120 characters.

    Controls and marks of writing direction (Unicode's categories Cc and Cf) go: a name can look
    like another by them.
    """
    seen = _seen(name.replace("\\", "/").rstrip("/").rpartition("/")[2]).strip()
    if len(seen) > _LONGEST_NAME:
        ending = PurePosixPath(seen).suffix[-10:]
        seen = seen[: _LONGEST_NAME - len(ending) - 1] + "…" + ending
    return seen if seen.strip(".") else "file"


def _seen(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def _given(imdb_id: str | None, saved_at: datetime | None) -> Note:
    """Return the note of what a person says of a file that comes now."""
    now = datetime.now(UTC)
    if saved_at is not None and not _EARLIEST <= saved_at <= now + _FAST_CLOCK:
        raise BadInput(f"No page can have been saved at {saved_at:%Y-%m-%d %H:%M} UTC.")
    try:
        return Note(imdb_id=imdb_id, saved_at=saved_at, added_at=now)
    except ValidationError:
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {imdb_id}.") from None


def _add(
    content: BinaryIO,
    name: str,
    shown: str,
    changed_at: datetime | None,
    given: Note,
    most_bytes: int,
    context: Context,
) -> list[Added]:
    """Clean and store each page of a file; `shown` is the file's name for whoever gave it."""
    secret = author_secret(context)
    added: list[Added] = []
    names = frozenset(context.lake.names(WAITING))
    try:
        check_size(content.seek(0, io.SEEK_END), most_bytes)
        content.seek(0)
        for file in unpack(name, content.read(), changed_at, most_bytes):
            each = shown if file.name == name else f"{shown}: {_seen(file.name)[:_LONGEST_NAME]}"
            try:
                if (titles := file.titles()) is not None:
                    added.append(_store_list(each, file.name, titles, given, names, context))
                    continue
                saved = file.clean(given, secret, given.added_at or datetime.now(UTC))
                added.append(_store(each, saved, names, secret, context))
            except FilmpulseError as error:
                if isinstance(error, Retryable) and not isinstance(error, SiteUnavailable):
                    raise  # the lake is away: no fault of the file's
                added.append(Added(each, None, str(error), is_refused=True))
    except Final as error:
        added.append(Added(shown, None, str(error), is_refused=True))
    return added


def _store(
    shown: str, saved: SavedFile, names: frozenset[str], secret: bytes, context: Context
) -> Added:
    """Write a file after its note, so that no import takes up a half-written pair."""
    try:
        holds = describe(parse(saved, secret), saved.note)
    except LayoutChanged as error:
        holds = f"cannot be read and will end in {FAILED}/, kept for mending: {error}"
    for folder, said in ((DONE, "was imported already"), (WAITING, "waits already")):
        if f"{folder}/{saved.name}" in names:
            return Added(shown, saved.name, f"This page {said}: {holds}")
    note = saved.note.model_dump_json(exclude_none=True, indent=1)
    context.lake.write(f"{WAITING}/{saved.name}{NOTE}", note.encode())
    context.lake.write(f"{WAITING}/{saved.name}", saved.text.encode())
    return Added(shown, saved.name, holds, is_new=True)


def _store_list(
    shown: str,
    name: str,
    titles: TitleList,
    given: Note,
    names: frozenset[str],
    context: Context,
) -> Added:
    """Write the ids of a list, one a line, and nothing else of its file."""
    file_name = plain_name(name)
    note = Note(original_name=file_name, list_origin=titles.origin, added_at=given.added_at)
    of = name_of(file_name, titles.origin)
    holds = f"{describe_list(titles)}, for the list {of.title_list}."
    mark = _mark(file_name, titles.origin, *titles.imdb_ids)
    kept = f"{stem(of.title_list)}-{mark}{ENDING}"
    if f"{WAITING}/{kept}" in names:
        return Added(shown, kept, f"This list waits already: {holds}")
    about = note.model_dump_json(exclude_none=True, indent=1)
    context.lake.write(f"{WAITING}/{kept}{NOTE}", about.encode())
    context.lake.write(f"{WAITING}/{kept}", "".join(f"{i}\n" for i in titles.imdb_ids).encode())
    return Added(shown, kept, holds, is_new=True)


def describe_list(titles: TitleList) -> str:
    """Say how many titles a file holds, and what else it holds that looks like ids."""
    said = f"{len(titles.imdb_ids):,}"
    said += f" of {titles.announced:,} titles" if titles.announced else " titles"
    if titles.repeated:
        said += f" ({titles.repeated:,} ids came again)"
    if titles.odd:
        said += f"; no ids of titles, since those have 7 to 9 digits: {', '.join(titles.odd)}"
    return said


def holds_list(file: BinaryIO, name: str) -> bool:
    """Say whether a file is a title list; `file` is seekable, and at its start afterwards."""
    is_small = file.seek(0, io.SEEK_END) <= MAX_BYTES
    file.seek(0)
    try:
        return is_small and read_list(name, file.read()) is not None
    except Final:  # it says that it is one, and cannot be used
        return True
    finally:
        file.seek(0)


def waits_as_list(name: str, context: Context) -> bool:
    """Say whether a file that waits in the inbox, below `inbox/`, is a title list."""
    path = f"{WAITING}/{name}"
    size = context.lake.size(path)
    if size is None or size > MAX_BYTES:
        return False
    return holds_list(io.BytesIO(context.lake.read(path)), name)


def waiting(context: Context) -> list[str]:
    """Return the names of the files that wait, below `inbox/`, sorted; delete what is no file.

    Resources of a page that was saved whole (`..._files/`) are deleted, since they are no pages
    and nobody cleans them. A file that was never written to its end, and a note that lost its file,
    are deleted after a day.
    """
    found = context.lake.names(WAITING)
    there = frozenset(found)
    names = []
    for full in found:
        if full.startswith((f"{DONE}/", f"{FAILED}/")):
            continue
        name = full.removeprefix(f"{WAITING}/")
        if full.endswith(_NO_FILES):
            is_lost = full.endswith(_HALF_WRITTEN) or (
                full.endswith(NOTE) and full.removesuffix(NOTE) not in there
            )
            if is_lost and datetime.now(UTC) - context.lake.modified_at(full) > _ORPHANED_AFTER:
                context.lake.delete(full)
        elif not is_beside_the_page(name):
            names.append(name)
        elif "_files/" in name:
            context.lake.delete(full)
            log.info("inbox/%s was deleted: it came with a page and is no page.", name)
    return names


class Seen(NamedTuple):
    """A waiting file as it was when an import took it up."""

    name: str
    size: int
    changed_at: datetime


def see(name: str, context: Context) -> Seen | None:
    """Return a waiting file as it is now; None if the file no longer waits."""
    path = f"{WAITING}/{name}"
    size = context.lake.size(path)
    return None if size is None else Seen(name, size, context.lake.modified_at(path))


def take_away(seen: Seen, beside: Iterable[str], context: Context) -> None:
    """Delete a waiting file that was imported, unless somebody wrote another in its place.

    `beside` are the endings of the objects that belong to the file, such as its note.
    """
    now = see(seen.name, context)
    if now is None:  # on request
        log.warning("%s was erased while it was read.", seen.name)
    elif now != seen:
        log.warning("%s was written while it was read: the next import reads it again.", seen.name)
    else:
        for ending in ("", *beside):
            context.lake.delete(f"{WAITING}/{seen.name}{ending}")


def list_inbox(context: Context) -> tuple[list[Waiting], list[RefusedFile]]:
    """Return the files that wait and those that failed, with the reasons, each sorted by name."""
    waits = [Waiting(name, read_note(f"{WAITING}/{name}", context)) for name in waiting(context)]
    found = context.lake.names(FAILED)
    names = [n.removeprefix(f"{FAILED}/").removesuffix(REASON) for n in found if n.endswith(REASON)]
    failed = (read_reason(name, context) for name in names)
    return waits, [refused for refused in failed if refused]


class InboxShown(NamedTuple):
    """What waits and what failed: how many, and the first of each."""

    waiting: int
    failed: int
    waits: list[Waiting]
    failures: list[RefusedFile]


def look_into_inbox(context: Context, most: int) -> InboxShown:
    """Return what is in the inbox, with the notes and reasons of at most `most` files of each.

    Unlike an import it deletes nothing. Costs a listing, and a read for each file that is shown.
    """
    found = context.lake.names(WAITING)
    done = (f"{DONE}/", f"{FAILED}/")
    waits = [n.removeprefix(f"{WAITING}/") for n in found if not n.startswith(done)]
    waits = [n for n in waits if not n.endswith(_NO_FILES) and not is_beside_the_page(n)]
    beside = f"{FAILED}/"
    failed = [n[len(beside) : -len(REASON)] for n in found if n.startswith(beside)
              and n.endswith(REASON)]  # fmt: skip
    shown = [Waiting(name, read_note(f"{WAITING}/{name}", context)) for name in waits[:most]]
    why = (read_reason(name, context) for name in failed[:most])
    return InboxShown(len(waits), len(failed), shown, [one for one in why if one])


def read_reason(name: str, context: Context) -> RefusedFile | None:
    """Read why a file was not imported, by its name in `inbox/failed/`; None if nothing says so."""
    beside = f"{FAILED}/{name}{REASON}"
    if context.lake.size(beside) is None:
        return None
    text = context.lake.read(beside).decode().strip()
    reason = text.rpartition("\n")[2].removeprefix("reason: ")
    return RefusedFile(name, reason, text.partition("\n\n")[0])


def write_reason(
    name: str, sentence: str, reason: str, original: str, sha256: str | None, context: Context
) -> None:
    """Write down why a file was not imported, under its name in `inbox/failed/`.

    `sentence` says what happened and what to do, and `reason` is a short stable word. By the
    file's `original` name and its hash (hex; None if it was not read) its owner finds the file.
    """
    digest = f"sha256: {sha256}\n" if sha256 else ""
    text = f"{sentence}\n\nfile: {original}\n{digest}reason: {reason}\n"
    context.lake.write(f"{FAILED}/{name}{REASON}", text.encode())


def read_note(path: str, context: Context) -> Note | BadInput:
    """Read the note beside a file of the inbox, such as `inbox/page.html`; an empty one if none.

    A note that cannot be read comes as an error: a person may have written the note.
    """
    beside = path + NOTE
    try:
        return Note.model_validate_json(context.lake.read(beside))
    except ObjectMissing:
        return Note()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return BadInput(f"The note beside it cannot be read ({wrong}): mend {beside}.")


@dataclass(frozen=True)
class RawFile:
    """One file as it was given.

    `changed_at` is its date (UTC), if that says when it was saved. `problem` says why it could not
    be taken out of its ZIP.
    """

    name: str
    content: bytes
    changed_at: datetime | None
    problem: str | None = None

    def titles(self) -> TitleList | None:
        """Return the titles of a list; None for a page; raises as `read_list`."""
        return None if self.problem else read_list(self.name, self.content)

    def clean(self, given: Note, secret: bytes, added_at: datetime) -> SavedFile:
        """Read the time in the file, then clean and name the file.

        Args:
            given: What a person or an earlier step noted of it.
            secret: Key of the hash that stands for a reviewer.
            added_at: When it came into the inbox, if the note does not say it.

        Raises:
            ForeignPage: It holds no page that can be cleaned.
            BadInput: It could not be taken out of its ZIP, or is a reader's copy.
            Blocked: The site had refused the page, so that nothing in it can be cleaned.
            SiteUnavailable: Half a page.
            NotCleaned: It may still tell of people. A file with one of these errors may not be
                stored.
        """
        if self.problem:
            raise BadInput(self.problem, reason="archive")
        page = unwrap(self.content)
        source = reader_of(page.text)
        fault = source.find_fault(page.text)
        if isinstance(fault, SiteUnavailable):
            raise fault
        try:
            cleaned = source.clean(page.text, secret)
        except NotCleaned as error:
            raise fault or error from None
        added_at = given.added_at or added_at
        own_time = source.saved_at(page.text)
        if own_time is None and given.saved_at_source == "page":
            own_time = given.saved_at  # read before the page was cleaned
        times: tuple[tuple[TimeSource, datetime | None], ...] = (
            ("page", own_time),
            ("page", page.saved_at),
            (given.saved_at_source or "given", given.saved_at),
            ("file", self.changed_at),
        )
        likely = (t for t in times if t[1] and _EARLIEST <= t[1] <= added_at + _FAST_CLOCK)
        time_source, saved_at = next(likely, ("unknown", None))
        note = given.model_copy(
            update={
                "original_name": given.original_name or PurePosixPath(self.name).name,
                "named_id": given.named_id or page.imdb_id or _named_id(self.name),
                "saved_at": saved_at,
                "saved_at_source": time_source,
                "added_at": added_at,
            }
        )
        mark = _mark(cleaned, note.imdb_id, saved_at)
        kind = "html" if cleaned.lstrip().startswith("<") else "json"
        name = f"{stem(note.original_name or '')}-{mark}.{kind}"
        return SavedFile(source, name, mark, cleaned, note, self.sha256 or "", fault)

    @property
    def sha256(self) -> str | None:
        """The hash of the file as it came (hex); None if it was not read."""
        return sha256(self.content).hexdigest() if self.content else None

    def refused_name(self) -> str:
        """Return the name of its reason, for a file that cannot be cleaned and so is not kept."""
        path = PurePosixPath(self.name.replace("\\", "/"))
        suffix = re.sub(r"[^a-z0-9.]", "", path.suffix.lower())[:10]
        return f"{stem(path.name)}-{_mark(self.name, self.sha256)}{suffix}"


def unpack(
    name: str, content: bytes, changed_at: datetime | None, most_bytes: int = MAX_BYTES
) -> Iterator[RawFile]:
    """Yield the pages of a ZIP, or the file itself; a page of a ZIP may have `most_bytes`.

    Raises:
        BadInput: A ZIP that cannot be used.
    """
    if not is_archive(content):
        if name.lower().endswith(".zip"):
            raise BadInput("This is no ZIP, whatever its name says.", reason="archive")
        yield RawFile(name, content, changed_at)
        return
    is_empty = True
    for member in read_archive(content, min(MAX_BYTES, most_bytes)):
        is_empty = False
        yield RawFile(member.name, member.content or b"", member.changed_at, member.problem)
    if is_empty:
        raise BadInput("The ZIP holds no page.", reason="archive")


def check_size(size: int, most_bytes: int | None = None) -> None:
    """Raise ForeignPage if a file is larger than `most_bytes`; a ZIP's limit when not given."""
    most_bytes = MAX_ARCHIVE_BYTES if most_bytes is None else most_bytes
    if size > most_bytes:
        raise ForeignPage(
            f"Larger than {most_bytes // 1_000_000} MB: a saved page is 1-3 MB; divide a "
            "ZIP into smaller ones."
        )


def parse(saved: SavedFile, secret: bytes) -> SavedReviews:
    """Read a cleaned file; its note may name the movie, and last the file's own name may.

    Raises:
        ForeignPage, LayoutChanged, Blocked, SiteUnavailable: As `SiteSource.read_saved`.
        BadInput: Nothing names the movie, or it holds no reviews of one movie (`no_reviews`).
    """
    if saved.fault is not None:
        raise saved.fault

    note = saved.note
    read = partial(
        saved.source.read_saved,
        saved.text,
        author_secret=secret,
        name=saved.name,
        saved_at=note.saved_at,
    )
    try:
        return read(imdb_id=note.imdb_id)
    except BadInput as error:
        if note.imdb_id is not None or error.reason == "no_reviews":
            raise
        if note.named_id is None:
            raise BadInput(
                "It does not say which movie it is about: add it with --imdb-id tt…, or with the "
                "id in the file's name."
            ) from error
        return read(imdb_id=note.named_id)


def describe(page: SavedReviews, note: Note) -> str:
    """Say in one sentence how many reviews a file holds, and when it was saved."""
    title = f" {page.movie.title}" if page.movie else ""
    if page.reviews is None:
        holds = f"facts of {page.imdb_id}{title}"
    else:
        of = f" of {page.review_count:,}" if page.review_count is not None else ""
        holds = f"{len(page.reviews):,}{of} reviews of {page.imdb_id}{title}"
        if page.undated:
            holds += f", {page.undated:,} of them without a day that can be read"
    return f"{holds}, {describe_time(note)}."


def describe_time(note: Note) -> str:
    """Say when a page was saved, and who says so."""
    if note.saved_at is None:
        return "saved nobody knows when: it will only add what is missing"
    who = {"page": "the page's own time", "file": "the file's date"}
    says = who.get(note.saved_at_source or "", "as given")
    return f"saved {note.saved_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({says})"


def author_secret(context: Context) -> bytes:
    """Return the key of the hash that stands for a reviewer; raise BadInput if it is not set."""
    secret = context.settings.author_key_secret
    if secret is None:
        raise BadInput(
            "FILMPULSE_AUTHOR_SECRET is not set: without it reviewers could not be kept apart "
            "once their names and ids are taken out."
        )
    return secret


def _named_id(path: str) -> str | None:
    """Return the one movie that a file's name contains, or else the name of its folder."""
    for part in reversed(PurePosixPath(path.replace("\\", "/")).parts):
        named = {found.lower() for found in _ID_IN_NAME.findall(part)}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def _mark(*what: object) -> str:
    return sha256("\0".join(str(part) for part in what).encode()).hexdigest()[:12]


def stem(name: str) -> str:
    """Return a file's name without its ending, in characters that every store accepts."""
    bare = _OWN_HASH.sub("", PurePosixPath(name.replace("\\", "/")).stem)
    plain = unicodedata.normalize("NFKD", bare).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-.")[:60] or "page"
