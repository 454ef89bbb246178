"""Kept pages and files: which of them hold something that is to be erased.

Pages in quarantine and files in the inbox are searched, never changed: what holds an erased review
or author goes as a whole (docs/adr/0016).
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from filmpulse.errors import FilmpulseError
from filmpulse.items import author_key
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox import store
from filmpulse.sources import reader_of, sites
from filmpulse.sources.archives import is_archive, read_archive
from filmpulse.sources.saved import unwrap
from filmpulse.sources.tables.mapping import TableMap, is_table, read_map
from filmpulse.sources.tables.readers import read_chunks
from filmpulse.sources.tables.rows import keyed_author, numbered, read_rows
from filmpulse.sources.tables.values import Unreadable

if TYPE_CHECKING:
    from filmpulse.jobs.upkeep.tombstones import Tombstones

ALL_SOURCES = "*"
"""The source of a movie's erasure: a movie is erased whichever source tells of it."""

# What stands beside a file in the inbox, besides its note, and goes with it.
_BESIDE_TABLES = (*store.MAPS, store.REJECTS)
_BESIDE = (store.REASON, *_BESIDE_TABLES)
_KEPT = (f"{store.DONE}/", f"{store.FAILED}/")
_MOST_UNPACKED = 100_000_000  # bytes of one file of an archive

PAGE = ""
"""In place of a source: that of the site which reads the page."""

_WORD = re.compile(rb"[A-Za-z0-9]+")
_PLAIN = re.compile(r"[A-Za-z0-9]+")
_MOVIE_ID = re.compile(rb"(?<![A-Za-z0-9])tt[0-9]{7,9}(?![0-9])")


class Named(NamedTuple):
    """A movie, a review or an author: its source and its key there."""

    source: str
    key: str


class Holding(NamedTuple):
    """A kept page or file that holds something, and all objects that go with it, in this order.

    `named` is empty where nothing could be searched for: refused rows and failed tables do not say
    who wrote them.
    """

    file: str
    names: list[str]
    named: set[Named]

    @property
    def waits(self) -> bool:
        """Whether this is a file of the inbox that was not imported yet."""
        return self.file.startswith(f"{store.WAITING}/") and not is_kept(self.file)


def is_kept(name: str) -> bool:
    """Tell whether an object of the inbox was taken up by an import already."""
    return name.startswith(_KEPT)


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
    """Yield pages in quarantine and files of the inbox that hold something erased.

    Args:
        tombstones: What to look for. Reviews and authors are looked for in what is of their source:
            pages are of a site, tables of their map's. A table without a readable map may be
            anybody's.
        context: Settings, for the secret of the hash, and lake.
        with_waiting: Look at files that wait, too.

    Reads every page and file that it looks at.
    """
    search = _Search(tombstones, context)
    yield from _in_quarantine(search, tombstones, context)
    yield from _in_inbox(search, tombstones, context, with_waiting)


def table_sources(context: Context) -> set[str]:
    """Return the sources of the tables in the inbox, as their maps say."""
    maps = (name for name in context.lake.names(store.WAITING) if name.endswith(store.MAPS))
    return {mapping.source for name in maps if (mapping := _read_map(name, context))}


def _in_quarantine(search: _Search, tombstones: Tombstones, context: Context) -> Iterator[Holding]:
    for name in context.lake.names("quarantine"):
        folders = name.split("/")
        imdb_id, named = folders[-2], set[Named]()
        erased_at = tombstones.movies.get(imdb_id)
        if erased_at is not None and context.lake.modified_at(name) <= erased_at:
            named = {Named(ALL_SOURCES, imdb_id)}
        elif search.sources:
            named = search.in_bytes(context.lake.read(name), folders[1])
        if named:
            yield Holding(name, [name], named)


def _in_inbox(
    search: _Search, tombstones: Tombstones, context: Context, with_waiting: bool
) -> Iterator[Holding]:
    names = frozenset(context.lake.names(store.WAITING))
    # Refused rows and failed tables go with any review or author of a file: they do not say who
    # wrote them, nor of which source they are, and the person has the file.
    is_of_files = not set(tombstones.sources) <= {site.name for site in sites()}
    for name in files(names):
        if not (with_waiting or is_kept(name)):
            continue
        objects = together(name, names)
        named = _erased_movie(name, objects, tombstones, context)
        if not named and search.sources:
            named = search.in_file(name, objects)
        if named or (is_of_files and is_kept(name) and is_table_among(name, objects)):
            yield Holding(name, objects, named)


def _erased_movie(
    name: str, objects: Sequence[str], tombstones: Tombstones, context: Context
) -> set[Named]:
    """Return the erased movie that a file of the inbox is about, if the file was there before."""
    if not tombstones.movies:
        return set()
    note = store.Note()
    if objects[-1].endswith(store.NOTE):
        with suppress(ValidationError):
            note = store.Note.model_validate_json(context.lake.read(objects[-1]))
    about = note.imdb_id or note.named_id
    if about is None and name in objects:
        # A page names other movies too, but none as often as its own.
        counted = Counter(_MOVIE_ID.findall(context.lake.read(name))).most_common(1)
        about = counted[0][0].decode() if counted else ""
    erased_at = tombstones.movies.get(about or "")
    if erased_at is None or context.lake.modified_at(objects[-1]) > erased_at:
        return set()
    return {Named(ALL_SOURCES, about or "")}


class _Search:
    """Looks for reviews and authors in pages and files."""

    def __init__(self, tombstones: Tombstones, context: Context) -> None:
        """Keep what to look for."""
        self._context = context
        self._reviews, self._authors = tombstones.reviews, tombstones.authors
        self.sources = set(tombstones.sources)
        self._secret = context.settings.author_key_secret or b""

    def in_file(self, name: str, objects: Sequence[str]) -> set[Named]:
        """Return what a file of the inbox, or something beside it, holds."""
        found: set[Named] = set()
        source: str | None = None
        is_table = is_table_among(name, objects)
        if is_table:
            maps = (read for one in objects if one.endswith(store.MAPS)
                    if (read := _read_map(one, self._context)))  # fmt: skip
            mapping = next(maps, None)
            source = mapping.source if mapping else None
            if mapping and name in objects:
                found = self._in_table(name, self._context.lake.read(name), mapping)
        for one in objects:
            found |= self.in_bytes(self._context.lake.read(one), source if is_table else PAGE)
        return found

    def in_bytes(self, content: bytes, source: str | None) -> set[Named]:
        """Return what a page or an answer holds, cleaned or not; None: of whichever source."""
        if is_archive(content):
            try:
                members = [m.content for m in read_archive(content, _MOST_UNPACKED) if m.content]
            except FilmpulseError:
                return set()  # no archive that anything will ever read
            plain = (member for member in members if not is_archive(member))
            return {named for member in plain for named in self.in_bytes(member, source)}
        if content.startswith(b"\x1f\x8b"):
            with suppress(OSError, EOFError, zlib.error):
                content = gzip.decompress(content)
        with suppress(FilmpulseError):  # another encoding, a web archive, a source that is shown
            content += b"\n" + unwrap(content).text.encode("utf-8", "replace")
        if source == PAGE:
            source = reader_of(content.decode("utf-8", "replace")).name
        sources = self.sources & {source} if source else self.sources
        if not sources:
            return set()
        words = {word.decode() for word in _WORD.findall(content)}
        # A page that was not cleaned yet names users by the site's own ids.
        hashes = {
            author_key(site.name, user, self._secret)
            for site in sites()
            if source in (site.name, None) and self._secret and self._authors
            for user in site.user_ids(words)
        }
        return {Named(of, key) for of in sources for key in self._held(content, words, hashes, of)}

    def _held(self, content: bytes, words: set[str], hashes: set[str], source: str) -> set[str]:
        reviews, authors = self._reviews.get(source, set()), self._authors.get(source, set())
        odd = {i for i in reviews if not _PLAIN.fullmatch(i) and i.encode() in content}
        return (reviews & words) | odd | (authors & (words | hashes))

    def _in_table(self, name: str, content: bytes, mapping: TableMap) -> set[Named]:
        """Read a table as an import does: it names authors by their names, and may lack ids.

        Of a table that cannot be read, what comes before the fault.
        """
        source = mapping.source
        reviews, authors = self._reviews.get(source, set()), self._authors.get(source, set())
        found: set[str] = set()
        equal: Counter[str] = Counter()
        with suppress(FilmpulseError):
            for chunk in read_chunks(io.BytesIO(content), name, mapping):
                if authors and mapping.author:  # of refused rows too
                    for cell in chunk.frame[mapping.author.column].unique():
                        with suppress(Unreadable):
                            found |= authors & {keyed_author(cell, source, self._secret)}
                if reviews:
                    for row in read_rows(
                        chunk.frame, mapping, secret=self._secret, latest=date.max
                    ):
                        if (review := row.review) is not None and mapping.review_id is None:
                            equal[review.review_id] += 1
                            review = numbered(review, equal[review.review_id])
                        found |= reviews & {review.review_id if review else ""}
        return {Named(source, key) for key in found}


def _read_map(name: str, context: Context) -> TableMap | None:
    """Read the map of a table in the inbox; None where it cannot be read."""
    with suppress(FilmpulseError):
        return read_map(context.lake.read(name).decode("utf-8-sig", "replace"))
    return None
