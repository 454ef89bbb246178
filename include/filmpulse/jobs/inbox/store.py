"""The inbox: files that a person saved, on their way into the warehouse.

Layout below the lake's root::

    inbox/<name>              waits: dropped there by any tool, or added, cleaned, by `add_to_inbox`
    inbox/<name>.meta.json    what is known of it (`Note`); written before the file itself
    inbox/done/<name>         imported, cleaned; its note beside it
    inbox/failed/<name>.reason.txt
                              not imported: why, the file's own name and its hash. The file itself,
                              cleaned, and its note lie beside it if cleaning is known to have
                              worked; nothing else of what it said is kept.

The name of a cleaned file ends in a short hash of what it is, so that two files never meet under
one name and the same one twice is known (docs/adr/0017).
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from filmpulse.config import MOST_MAPPED
from filmpulse.errors import (
    BadInput,
    Blocked,
    FilmpulseError,
    ForeignPage,
    LayoutChanged,
    NotCleaned,
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

log = logging.getLogger(__name__)

WAITING, DONE, FAILED = "inbox", "inbox/done", "inbox/failed"
NOTE, REASON = ".meta.json", ".reason.txt"
MAPS, REJECTS = (".map.yaml", ".map.yml"), ".rejects.csv"  # beside tables
MOST_AT_ONCE = MOST_MAPPED
"""Files that one import takes up: each is a mapped task."""

# What other tools call a file that they are still writing, and what stands beside a file.
_HALF_WRITTEN = (".part", ".tmp", ".crdownload", ".filepart")
_NO_FILES = (NOTE, REASON, ".map.yaml", ".map.yml", *_HALF_WRITTEN)
# No page of the site can be older, and a clock may be a little fast.
_EARLIEST, _FAST_CLOCK = datetime(1996, 1, 1, tzinfo=UTC), timedelta(minutes=5)
_ORPHANED_AFTER = timedelta(days=1)
_ID_IN_NAME = re.compile(r"(?<![a-z0-9])tt[0-9]{7,9}(?![0-9])", re.IGNORECASE)
_OWN_HASH = re.compile(r"-[0-9a-f]{12}$")

TimeSource = Literal["page", "given", "file", "unknown"]


class Note(BaseModel):
    """What is known of a file in the inbox; every field may be left out.

    Who drops a file with a tool of their own may put a note beside it. `named_id` is the movie that
    the file's name or folder speaks of. `saved_at` is when the page was saved, and
    `saved_at_source` who says so: the page itself, a person, the file's date, or nobody. `added_at`
    is when the file came into the inbox. The rest is how its import went.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    original_name: str | None = None
    imdb_id: ImdbId | None = None
    named_id: ImdbId | None = None
    saved_at: AwareDatetime | None = None
    saved_at_source: TimeSource | None = None
    added_at: AwareDatetime | None = None
    imported_at: AwareDatetime | None = None
    run_id: str | None = None
    manifest_uri: str | None = None
    status: CollectionStatus | None = None
    reason: str | None = None
    sentence: str | None = None


@dataclass(frozen=True)
class SavedFile:
    """One cleaned file: its text, its note, its name in the inbox, and the source that reads it.

    `sha256` (hex) is that of the file before it was cleaned. `fault` is there if the page is none
    of the source's, or was refused by the site: cleaning takes away what tells so.
    """

    source: SiteSource
    name: str
    mark: str
    text: str
    note: Note
    sha256: str
    fault: Blocked | ForeignPage | None = None


class Added(NamedTuple):
    """What became of one file or page that was to be added.

    `given` is what the person called it and `name` its name in the inbox. `is_new` False: it
    waits or was imported already. `is_refused`: nothing was stored; the sentence says why.
    """

    given: str
    name: str | None
    sentence: str
    is_new: bool = False
    is_refused: bool = False


class Waiting(NamedTuple):
    """A file that waits, as it is listed."""

    name: str
    note: Note | BadInput

    @property
    def about(self) -> str:
        """What is known of it."""
        if isinstance(self.note, BadInput):
            return str(self.note)
        if self.note.added_at is None:
            return "dropped; looked at when it is imported"
        movie = self.note.imdb_id or self.note.named_id
        return f"{f'{movie}, ' if movie else ''}{describe_time(self.note)}"


class RefusedFile(NamedTuple):
    """A file whose import failed, and why."""

    name: str
    reason: str
    sentence: str


class ImportedPage(NamedTuple):
    """How the import of one page went; a ZIP holds many.

    `name` is its name in `inbox/done/` or `inbox/failed/`, `changed_rows` what loading it changed,
    `line` all of it in one sentence. `imdb_id` and `manifest_uri` are None where it failed.
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
    """How the import of one file of the inbox went; no page where it was gone already."""

    name: str
    pages: list[ImportedPage]

    @property
    def imdb_ids(self) -> list[str]:
        """The movies whose reviews may have changed, each once."""
        return list(dict.fromkeys(p.imdb_id for p in self.pages if p.imdb_id))

    @property
    def manifest_uris(self) -> list[str]:
        """The collections that it became."""
        return [p.manifest_uri for p in self.pages if p.manifest_uri]


def add_to_inbox(
    path: Path, context: Context, *, imdb_id: str | None = None, saved_at: datetime | None = None
) -> list[Added]:
    """Put a saved page, an answer, or a ZIP of such into the inbox, cleaned before it is stored.

    Args:
        path: The file; it stays as it is.
        context: Settings, warehouse and lake.
        imdb_id: The movie, where a page does not say.
        saved_at: When it was saved, for pages that do not say; a page's own word counts more.

    Returns:
        One line for the file, or for each page of a ZIP. What cannot be a page of one movie's
        reviews is refused and not stored; a page whose layout changed is stored, so that its
        import keeps it for whoever mends the parser.

    Raises:
        BadInput: `saved_at` lies in the future or before IMDb, a wrong `imdb_id`, or no
            FILMPULSE_AUTHOR_SECRET.
    """
    now = datetime.now(UTC)
    if saved_at is not None and not _EARLIEST <= saved_at <= now + _FAST_CLOCK:
        raise BadInput(f"No page can have been saved at {saved_at:%Y-%m-%d %H:%M} UTC.")
    try:
        given = Note(imdb_id=imdb_id, saved_at=saved_at, added_at=now)
    except ValidationError:
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {imdb_id}.") from None
    secret = author_secret(context)
    added = []
    names = frozenset(context.lake.names(WAITING))
    try:
        size, changed_at = path.stat().st_size, path.stat().st_mtime
        check_size(size)
        content = path.read_bytes()
    except OSError as error:
        return [Added(str(path), None, f"Cannot be read: {error.strerror}.", is_refused=True)]
    except FilmpulseError as error:
        return [Added(str(path), None, str(error), is_refused=True)]
    try:
        for file in unpack(path.name, content, datetime.fromtimestamp(changed_at, UTC)):
            shown = str(path) if file.name == path.name else f"{path}: {file.name}"
            try:
                saved = file.clean(given, secret, now)
                added.append(_store(shown, saved, names, secret, context))
            except FilmpulseError as error:
                added.append(Added(shown, None, str(error), is_refused=True))
    except FilmpulseError as error:
        added.append(Added(str(path), None, str(error), is_refused=True))
    return added


def _store(
    shown: str, saved: SavedFile, names: frozenset[str], secret: bytes, context: Context
) -> Added:
    """Write a file and, before it, its note, so that what is half written is never taken up."""
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


def waiting(context: Context) -> list[str]:
    """Return the names of the files that wait, below `inbox/`, sorted.

    Resources that came along with a page saved as a whole (`..._files/`) are deleted, since they
    are no pages and nobody cleans them; so is, after a day, what was never written to its end, and
    a note that lost its file.
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
            log.info("inbox/%s was deleted: it came along with a page and is none.", name)
    return names


class Seen(NamedTuple):
    """A waiting file as it was when an import took it up."""

    name: str
    size: int
    changed_at: datetime


def see(name: str, context: Context) -> Seen | None:
    """Return a waiting file as it is now; None if it no longer waits."""
    path = f"{WAITING}/{name}"
    size = context.lake.size(path)
    return None if size is None else Seen(name, size, context.lake.modified_at(path))


def take_away(seen: Seen, beside: Iterable[str], context: Context) -> None:
    """Delete a waiting file that was imported, unless somebody wrote another in its place.

    Args:
        seen: The file as it was when the import took it up.
        beside: Endings of the objects that belong to the file, such as its note.
        context: The lake.
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
    """Return what waits and what failed, with the reasons, each sorted by name."""
    waits = [Waiting(name, read_note(name, context)) for name in waiting(context)]
    found = context.lake.names(FAILED)
    names = [n.removeprefix(f"{FAILED}/").removesuffix(REASON) for n in found if n.endswith(REASON)]
    failed = (read_reason(name, context) for name in names)
    return waits, [refused for refused in failed if refused]


def read_reason(name: str, context: Context) -> RefusedFile | None:
    """Read why a file was not imported; None where nothing says so.

    Args:
        name: The file's name in `inbox/failed/`.
        context: The lake.
    """
    beside = f"{FAILED}/{name}{REASON}"
    if context.lake.size(beside) is None:
        return None
    text = context.lake.read(beside).decode().strip()
    reason = text.rpartition("\n")[2].removeprefix("reason: ")
    return RefusedFile(name, reason, text.partition("\n\n")[0])


def write_reason(
    name: str, sentence: str, reason: str, original: str, sha256: str | None, context: Context
) -> None:
    """Write down why a file was not imported; `read_reason` reads it.

    Args:
        name: The file's name in `inbox/failed/`.
        sentence: What happened and what to do, for a person.
        reason: A short stable word.
        original: The file's own name.
        sha256: Its hash (hex), so that who has the file knows it again; None if it was not read.
        context: The lake.
    """
    lines = [sentence, "", f"file: {original}", f"sha256: {sha256}", f"reason: {reason}", ""]
    text = "\n".join(line for line in lines if sha256 or not line.startswith("sha256: "))
    context.lake.write(f"{FAILED}/{name}{REASON}", text.encode())


def read_note(name: str, context: Context) -> Note | BadInput:
    """Read the note beside a waiting file; an empty one where there is none.

    Returns:
        An error in place of a note that cannot be read, as a person may have written it.
    """
    beside = f"{WAITING}/{name}{NOTE}"
    if context.lake.size(beside) is None:
        return Note()
    try:
        return Note.model_validate_json(context.lake.read(beside))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return BadInput(f"The note beside it cannot be read ({wrong}): mend {beside}.")


@dataclass(frozen=True)
class RawFile:
    """One file as it came: `changed_at` is its date (UTC), where that says when it was saved."""

    name: str
    content: bytes
    changed_at: datetime | None
    problem: str | None = None

    def clean(self, given: Note, secret: bytes, added_at: datetime) -> SavedFile:
        """Clean the file, after its own time was read, and name it.

        Args:
            given: What a person or an earlier step noted of it.
            secret: Key of the hash that stands for a reviewer.
            added_at: When it came into the inbox, where the note does not say.

        Raises:
            ForeignPage: It holds no page that can be cleaned.
            BadInput: It could not be taken out of its ZIP, or is a reader's copy.
            Blocked: The site had refused the page, so that nothing in it can be cleaned.
            SiteUnavailable: Half a page.
            NotCleaned: It may still tell of people. As with all of these, it may not be stored.
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
        """Return the name under which its reason stands when it cannot be cleaned, nor kept."""
        path = PurePosixPath(self.name.replace("\\", "/"))
        suffix = re.sub(r"[^a-z0-9.]", "", path.suffix.lower())[:10]
        return f"{stem(path.name)}-{_mark(self.name, self.sha256)}{suffix}"


def unpack(name: str, content: bytes, changed_at: datetime | None) -> Iterator[RawFile]:
    """Yield the pages of a ZIP, or the file itself.

    Raises:
        BadInput: A ZIP that cannot be used.
    """
    if not is_archive(content):
        if name.lower().endswith(".zip"):
            raise BadInput("This is no ZIP, whatever its name says.", reason="archive")
        yield RawFile(name, content, changed_at)
        return
    is_empty = True
    for member in read_archive(content, MAX_BYTES):
        is_empty = False
        yield RawFile(member.name, member.content or b"", member.changed_at, member.problem)
    if is_empty:
        raise BadInput("The ZIP holds no page.", reason="archive")


def check_size(size: int) -> None:
    """Refuse what is too large to be read at all.

    Raises:
        ForeignPage: Larger than a ZIP may be.
    """
    if size > MAX_ARCHIVE_BYTES:
        raise ForeignPage(
            f"Larger than {MAX_ARCHIVE_BYTES // 1_000_000} MB: a saved page is 1-3 MB; divide a "
            "ZIP into smaller ones."
        )


def parse(saved: SavedFile, secret: bytes) -> SavedReviews:
    """Read a cleaned file; the movie may be named by its note, or last by the file's own name.

    Raises:
        ForeignPage, LayoutChanged, Blocked, SiteUnavailable: As `SiteSource.read_saved`.
        BadInput: It says of no movie, or holds no reviews of one movie (`no_reviews`).
    """
    if saved.fault is not None:
        raise saved.fault

    def read(imdb_id: str | None) -> SavedReviews:
        return saved.source.read_saved(
            saved.text,
            imdb_id=imdb_id,
            author_secret=secret,
            name=saved.name,
            saved_at=saved.note.saved_at,
        )

    wanted = saved.note.imdb_id
    try:
        return read(wanted)
    except BadInput as error:
        if wanted is not None or error.reason == "no_reviews":
            raise
        if saved.note.named_id is None:
            raise BadInput(
                "It does not say which movie it is about: add it with --imdb-id tt…, or with the "
                "id in the file's name."
            ) from error
        return read(saved.note.named_id)


def describe(page: SavedReviews, note: Note) -> str:
    """Say in one sentence what a file holds and when it was saved."""
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
    """Return the key of the hash that stands for a reviewer.

    Raises:
        BadInput: It is not set.
    """
    secret = context.settings.author_key_secret
    if secret is None:
        raise BadInput(
            "FILMPULSE_AUTHOR_SECRET is not set: without it reviewers could not be kept apart "
            "once their names and ids are taken out."
        )
    return secret


def _named_id(path: str) -> str | None:
    """Return the one movie that a file's name speaks of, or else the folder it lies in."""
    for part in reversed(PurePosixPath(path.replace("\\", "/")).parts):
        named = {found.lower() for found in _ID_IN_NAME.findall(part)}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def _mark(*what: object) -> str:
    return sha256("\0".join(str(part) for part in what).encode()).hexdigest()[:12]


def stem(name: str) -> str:
    """Return a file's name without its ending, in characters that every store takes."""
    bare = _OWN_HASH.sub("", PurePosixPath(name.replace("\\", "/")).stem)
    plain = unicodedata.normalize("NFKD", bare).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-.")[:60] or "page"
