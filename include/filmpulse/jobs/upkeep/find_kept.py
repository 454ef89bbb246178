"""Find kept pages, files and exports that hold something that is to be erased.

Pages in quarantine, files in the inbox and exports are searched, never changed: one that holds an
erased review or author is deleted whole (docs/adr/0016, docs/adr/0038).
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from filmpulse.errors import BadInput, FilmpulseError, LakeDamaged
from filmpulse.items import author_key
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox import store
from filmpulse.jobs.upkeep.export import AREA, ExportManifest
from filmpulse.jobs.upkeep.write_tables import read_ids
from filmpulse.lake import MANIFEST
from filmpulse.sources import reader_of, sites
from filmpulse.sources.archives import is_archive, read_archive
from filmpulse.sources.saved import unwrap
from filmpulse.sources.tables.mapping import TableMap, is_table, read_map
from filmpulse.sources.tables.readers import read_chunks
from filmpulse.sources.tables.rows import keyed_author, numbered, read_rows
from filmpulse.sources.tables.values import Unreadable
from filmpulse.sources.title_lists import read_list

if TYPE_CHECKING:
    from filmpulse.jobs.upkeep.tombstones import Tombstones

ALL_SOURCES = "*"
"""The source of a movie's erasure: a movie is erased whichever source tells of it."""

# What stands beside a file in the inbox, besides its note, and goes with the file.
_BESIDE_TABLES = (*store.MAPS, store.REJECTS)
_BESIDE = (store.REASON, *_BESIDE_TABLES)
_MOST_UNPACKED = 100_000_000  # bytes of one file of an archive
_PAGE = ""  # in place of a source: that of the site which reads the page

_WORD = re.compile(rb"[A-Za-z0-9]+")
_PLAIN = re.compile(r"[A-Za-z0-9]+")
_MOVIE_ID = re.compile(rb"(?<![A-Za-z0-9])tt[0-9]{7,9}(?![0-9])")


class Named(NamedTuple):
    """A movie, a review or an author: its source and its key there."""

    source: str
    key: str


class Holding(NamedTuple):
    """A kept page, file or export that holds something, and all its objects in this order.

    `named` is what it holds. It is empty for refused rows and failed tables, which do not say who
    wrote them, and for damaged exports: nothing could be searched for.
    """

    file: str
    names: list[str]
    named: set[Named]

    @property
    def is_export(self) -> bool:
        """Whether this is an export."""
        return self.file.startswith(f"{AREA}/")

    @property
    def waits(self) -> bool:
        """Whether this is a file of the inbox that was not imported yet."""
        return self.file.startswith(f"{store.WAITING}/") and not _is_kept(self.file)


def _is_kept(name: str) -> bool:
    """Tell whether an object of the inbox was taken up by an import already."""
    return name.startswith((f"{store.DONE}/", f"{store.FAILED}/"))


def together(name: str, names: frozenset[str]) -> list[str]:
    """Return a file of the inbox and what stands beside it; the note, if any, is the last."""
    return [f"{name}{end}" for end in (*_BESIDE, "", store.NOTE) if f"{name}{end}" in names]


def is_table_among(name: str, objects: Sequence[str]) -> bool:
    """Tell whether a file of the inbox is a table, by its name and by what stands beside it."""
    return is_table(name, has_map=any(one.endswith(_BESIDE_TABLES) for one in objects))


def files(names: frozenset[str]) -> list[str]:
    """Return the files of the inbox, sorted; also those of which only a note or reason is left."""
    ends = (*_BESIDE, store.NOTE)
    return sorted({next((n.removesuffix(e) for e in ends if n.endswith(e)), n) for n in names})


def find_kept(
    tombstones: Tombstones, context: Context, *, with_waiting: bool = True
) -> Iterator[Holding]:
    """Yield pages in quarantine, files of the inbox and exports that hold something erased.

    Reviews and authors of a source are looked for in the pages of that site and in the tables whose
    map names that source. A table without a readable map is searched for all sources. Every page
    and file is read, files that wait only `with_waiting`.
    """
    search = _Search(tombstones, context)
    yield from _in_quarantine(search)
    yield from _in_inbox(search, with_waiting)
    yield from _in_exports(search)


def table_sources(context: Context) -> set[str]:
    """Return the sources of the tables in the inbox, as their maps say."""
    return {mapping.source for mapping in _maps(context.lake.names(store.WAITING), context)}


def _maps(names: Sequence[str], context: Context) -> Iterator[TableMap]:
    """Yield the maps of tables among some objects, those that can be read."""
    for name in names:
        if name.endswith(store.MAPS):
            with suppress(FilmpulseError):
                yield read_map(context.lake.read(name).decode("utf-8-sig", "replace"))


def _in_quarantine(search: _Search) -> Iterator[Holding]:
    lake = search.context.lake
    for name in lake.names("quarantine"):
        folders = name.split("/")
        imdb_id, named = folders[-2], set[Named]()
        erased_at = search.tombstones.movies.get(imdb_id)
        if erased_at is not None and lake.modified_at(name) <= erased_at:
            named = {Named(ALL_SOURCES, imdb_id)}
        elif search.sources:
            named = search.in_bytes(lake.read(name), folders[1])
        if named:
            yield Holding(name, [name], named)


def _in_inbox(search: _Search, with_waiting: bool) -> Iterator[Holding]:
    names = frozenset(search.context.lake.names(store.WAITING))
    # Refused rows and failed tables go with any erased review or author of a file: they do not say
    # who wrote them, nor of which source they are, and the person has the file.
    is_of_files = not search.sources <= {site.name for site in sites()}
    for name in files(names):
        if not (with_waiting or _is_kept(name)):
            continue
        objects = together(name, names)
        named = _erased_movie(name, objects, search.tombstones, search.context)
        if not named and search.sources:
            named = search.in_file(name, objects)
        if named or (is_of_files and _is_kept(name) and is_table_among(name, objects)):
            yield Holding(name, objects, named)


def _in_exports(search: _Search) -> Iterator[Holding]:
    """Yield exports with an erased review, or with a movie that was erased after they were begun.

    Means and counts of an export hold what is erased too, so the whole export goes. A damaged one
    goes as well: nobody can tell what it holds.
    """
    lake, tombstones = search.context.lake, search.tombstones
    reviews = {(of, key) for of, keys in tombstones.reviews.items() for key in keys}
    if not reviews and not tombstones.movies:
        return
    for folder, names in groupby(lake.names(AREA), lambda name: "/".join(name.split("/")[:2])):
        objects = sorted(names, key=lambda name: not name.endswith(f"/{MANIFEST}"))
        begun_at = _begun_at(objects[0], search.context)
        movies = {i for i, erased_at in tombstones.movies.items() if begun_at <= erased_at}
        named, is_damaged = set[Named](), False
        for name in (name for name in objects if name.endswith(".parquet")):
            try:
                for movies_there, reviews_there in read_ids(lake.read(name)):
                    named |= {Named(ALL_SOURCES, imdb_id) for imdb_id in movies & movies_there}
                    named |= {Named(*one) for one in reviews & reviews_there}
            except LakeDamaged:
                is_damaged = True
        if named or is_damaged:
            yield Holding(folder, objects, named)


def _begun_at(manifest: str, context: Context) -> datetime:
    """Return when an export was begun; long ago if the object is no manifest, so that it goes."""
    try:
        return ExportManifest.model_validate_json(context.lake.read(manifest)).begun_at
    except ValidationError:
        return datetime.min.replace(tzinfo=UTC)


def _erased_movie(
    name: str, objects: Sequence[str], tombstones: Tombstones, context: Context
) -> set[Named]:
    """Return the erased movie that a file of the inbox is about, if the file was there before."""
    if not tombstones.movies:
        return set()
    note = store.read_note(name, context)
    about = None if isinstance(note, BadInput) else note.imdb_id or note.named_id
    if about is None and name in objects:
        # A page names other movies too, but none as often as its own.
        content = context.lake.read(name)
        counted = Counter(_MOVIE_ID.findall(content)).most_common(1)
        is_page = bool(counted) and not _is_list(name, content)
        about = counted[0][0].decode() if is_page else None
    erased_at = tombstones.movies.get(about or "")
    if about is None or erased_at is None or context.lake.modified_at(objects[-1]) > erased_at:
        return set()
    return {Named(ALL_SOURCES, about)}


def _is_list(name: str, content: bytes) -> bool:
    """Tell whether a file is a title list, which is about none of them."""
    with suppress(FilmpulseError):
        return read_list(name, content) is not None
    return False


@dataclass(frozen=True)
class _Search:
    """Looks for erased reviews and authors in pages and files."""

    tombstones: Tombstones
    context: Context

    @property
    def sources(self) -> set[str]:
        return set(self.tombstones.sources)

    @property
    def secret(self) -> bytes:
        return self.context.settings.author_key_secret or b""

    def in_file(self, name: str, objects: Sequence[str]) -> set[Named]:
        """Return what a file of the inbox, or something beside the file, holds."""
        found: set[Named] = set()
        source: str | None = _PAGE
        if is_table_among(name, objects):
            mapping = next(_maps(objects, self.context), None)
            source = mapping.source if mapping else None
            if mapping and name in objects:
                found = self._in_table(name, self.context.lake.read(name), mapping)
        for one in objects:
            found |= self.in_bytes(self.context.lake.read(one), source)
        return found

    def in_bytes(self, content: bytes, source: str | None) -> set[Named]:
        """Return what a page or an answer holds, cleaned or not; None: of whichever source."""
        if is_archive(content):
            try:
                members = [m.content for m in read_archive(content, _MOST_UNPACKED) if m.content]
            except FilmpulseError:
                return set()  # nothing will ever read this archive
            plain = (member for member in members if not is_archive(member))
            return {named for member in plain for named in self.in_bytes(member, source)}
        if content.startswith(b"\x1f\x8b"):
            with suppress(OSError, EOFError, zlib.error):
                content = gzip.decompress(content)
        with suppress(FilmpulseError):  # another encoding, a web archive, a page's "view source"
            content += b"\n" + unwrap(content).text.encode("utf-8", "replace")
        if source == _PAGE:
            source = reader_of(content.decode("utf-8", "replace")).name
        sources = self.sources & {source} if source else self.sources
        if not sources:
            return set()
        words = {word.decode() for word in _WORD.findall(content)}
        # A page that was not cleaned yet names users by the site's own ids.
        hashes = {
            author_key(site.name, user, self.secret)
            for site in sites()
            if source in (site.name, None) and self.secret and self.tombstones.authors
            for user in site.user_ids(words)
        }
        return {Named(of, key) for of in sources for key in self._held(content, words, hashes, of)}

    def _held(self, content: bytes, words: set[str], hashes: set[str], source: str) -> set[str]:
        reviews, authors = self._wanted(source)
        odd = {i for i in reviews if not _PLAIN.fullmatch(i) and i.encode() in content}
        return (reviews & words) | odd | (authors & (words | hashes))

    def _wanted(self, source: str) -> tuple[set[str], set[str]]:
        """Return the erased reviews and authors of a source."""
        reviews, authors = self.tombstones.reviews, self.tombstones.authors
        return reviews.get(source, set()), authors.get(source, set())

    def _in_table(self, name: str, content: bytes, mapping: TableMap) -> set[Named]:
        """Read a table as an import does: it names authors by their names, and may lack ids.

        If the table cannot be read to its end, what comes before the fault counts.
        """
        source = mapping.source
        reviews, authors = self._wanted(source)
        found: set[str] = set()
        equal: Counter[str] = Counter()
        with suppress(FilmpulseError):
            for chunk in read_chunks(io.BytesIO(content), name, mapping):
                if authors and mapping.author:  # of refused rows too
                    for cell in chunk.frame[mapping.author.column].unique():
                        with suppress(Unreadable):
                            found |= authors & {keyed_author(cell, source, self.secret)}
                if reviews:
                    for row in read_rows(chunk.frame, mapping, secret=self.secret, latest=date.max):
                        if (review := row.review) is not None and mapping.review_id is None:
                            equal[review.review_id] += 1
                            review = numbered(review, equal[review.review_id])
                        found |= reviews & {review.review_id if review else ""}
        return {Named(source, key) for key in found}
