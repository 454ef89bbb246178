"""Erasing on request: a movie, a review, or all that one author wrote (docs/adr/0016).

What was erased is noted in the warehouse and in the lake, so that neither brings it back: reading
and loading pass it over, and a rebuild or a restore erases it again (`replay_erasures`). A note
holds ids of movies and reviews and keyed hashes of authors, no name and no user id of a site.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, ValidationError

from filmpulse import warehouse as wh
from filmpulse.config import Settings
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.items import IMDB_ID_PATTERN, Item, Review, author_key
from filmpulse.jobs import inbox
from filmpulse.jobs.figures import refresh_figures_or_fail
from filmpulse.jobs.parts import Parts, Progress, silent
from filmpulse.jobs.site import SOURCE
from filmpulse.lake import NOT_SOURCES, Manifest
from filmpulse.sources.archives import is_archive, read_archive
from filmpulse.sources.imdb.dom import KEYED
from filmpulse.sources.tables.mapping import is_table
from filmpulse.sources.tables.values import key_of
from filmpulse.warehouse.load import lock_movie

log = logging.getLogger(__name__)

Kind = Literal["movie", "review", "author"]

ALL_SOURCES = "*"
"""The source of a movie's erasure: a movie is erased whichever source tells of it."""

FOLDER = "erasures"

_SOURCE = re.compile(r"[a-z][a-z0-9_-]*")
_REVIEW_ID = re.compile(r"[\x21-\x7e]{1,200}")
_AUTHOR_KEY = re.compile(r"[0-9a-f]{32}")
_USER_ID = re.compile(r"ur[0-9]{4,}")
_WORD = re.compile(rb"[A-Za-z0-9]+")
_PLAIN = re.compile(r"[A-Za-z0-9]+")
_MOVIE_ID = re.compile(rb"(?<![A-Za-z0-9])tt[0-9]{7,9}(?![0-9])")
_FIELDS = {
    name: re.compile(rb'"%s":\s*("(?:[^"\\]|\\.)*")' % name.encode())
    for name in ("review_id", "author_key")
}
# What stands beside a file in the inbox, besides its note, and goes with it.
_BESIDE_TABLES = (".map.yaml", ".map.yml", ".rejects.csv")
_BESIDE = (inbox.REASON, *_BESIDE_TABLES)
_MOST_UNPACKED = 100_000_000  # bytes of one file of an archive


class Erasure(Item):
    """One request: what was erased, and when it was asked for (UTC)."""

    kind: Kind
    source: str
    key: str
    erased_at: AwareDatetime

    @property
    def name(self) -> str:
        """Its object in the lake, the same each time."""
        digest = sha256("\0".join((self.kind, self.source, self.key)).encode()).hexdigest()
        return f"{FOLDER}/{digest}.json"

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.kind} {self.key}"


class Erased(NamedTuple):
    """What an erasure took out, or would.

    `reviews` counts rows of `core.reviews`, `rows` those of all tables; `lines` reviews in the
    lake's collections, one seen in ten of them ten times; `objects` whole objects of the lake:
    collections of a movie, kept pages, files of the inbox.
    """

    reviews: int = 0
    rows: int = 0
    lines: int = 0
    objects: int = 0

    def __add__(self, other: tuple[int, ...]) -> Erased:  # type: ignore[override]
        """Add figure by figure."""
        return Erased(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Tombstones:
    """What must not come back: reviews and authors by source, movies with the time of erasing.

    `met` is for who reads collections: the URIs of those that held some of it.
    """

    reviews: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    authors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    movies: dict[str, datetime] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, erasures: Iterable[Erasure]) -> Tombstones:
        """Sort erasures for looking up."""
        found = cls()
        for erasure in erasures:
            if erasure.kind == "review":
                found.reviews[erasure.source].add(erasure.key)
            elif erasure.kind == "author":
                found.authors[erasure.source].add(erasure.key)
            else:
                known = found.movies.get(erasure.key, erasure.erased_at)
                found.movies[erasure.key] = max(known, erasure.erased_at)
        return found

    @classmethod
    def read(cls, connection: wh.Connection, source: str, imdb_id: str) -> Tombstones:
        """Read what concerns one source's reviews of one movie, for one job."""
        rows = connection.execute(
            wh.sql("erasures_of_source"), {"source": source, "imdb_id": imdb_id}
        )
        return cls.of(Erasure.model_validate(row) for row in rows)

    def covers(self, review: Review) -> bool:
        """Tell whether a review, or whoever wrote it, was erased."""
        return review.review_id in self.reviews.get(
            review.source, ()
        ) or review.author_key in self.authors.get(review.source, ())

    def covers_collection(self, manifest: Manifest) -> bool:
        """Tell whether the movie was erased after a collection of it was begun."""
        erased_at = self.movies.get(manifest.imdb_id)
        return erased_at is not None and manifest.started_at <= erased_at

    @property
    def sources(self) -> list[str]:
        """The sources of which reviews or authors were erased."""
        return sorted(
            {source for of in (self.reviews, self.authors) for source, keys in of.items() if keys}
        )


def find_key(kind: Kind, given: str, source: str, settings: Settings) -> str:
    """Turn what a person typed into the key under which it is stored.

    Args:
        kind: What it names.
        given: An IMDb id, a review's id, an author's key, or the id that the source gives an
            author, which is hashed here and nowhere kept.
        source: Where the review stands or the author writes.
        settings: For the secret of the hash.

    Raises:
        BadInput: It cannot be one, or an author's own id was given without the secret.
    """
    if not _SOURCE.fullmatch(source) or source in NOT_SOURCES:
        raise BadInput(f"No source of reviews (such as imdb): {source[:80]!r}.")
    if kind == "movie":
        if not re.fullmatch(IMDB_ID_PATTERN, given):
            raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {given[:80]}.")
        return given
    if kind == "review":
        if not _REVIEW_ID.fullmatch(given):
            raise BadInput(f"No id of a review (such as rw1234567): {given[:80]!r}.")
        return given
    given = key_of(given)
    if _AUTHOR_KEY.fullmatch(key := given.removeprefix(KEYED)):
        return key
    if not given or (source == SOURCE and not _USER_ID.fullmatch(given)):
        raise BadInput(
            "No author: give the author_key (32 hexadecimal digits), or the site's own id of the "
            "user, such as ur1234567."
        )
    if settings.author_secret is None:
        raise BadInput(
            "An author's own id finds their reviews only with the secret with which they were "
            "stored: set FILMPULSE_AUTHOR_SECRET, or give the author_key."
        )
    return author_key(source, given, settings.author_secret.get_secret_value().encode())


def preview(kind: Kind, key: str, parts: Parts, source: str = SOURCE) -> Erased:
    """Count what `forget` would erase now, and change nothing."""
    tombstones = Tombstones.of([_erasure(kind, key, source, datetime.now(UTC))])
    for found in _written_by(tombstones, parts):
        tombstones.reviews[found.source].add(found.key)
    return _erase(tombstones, parts, is_trial=True)


def forget(
    kind: Kind, key: str, parts: Parts, source: str = SOURCE, progress: Progress = silent
) -> Erased:
    """Erase a movie, a review or an author from warehouse, lake, inbox and quarantine.

    The request is noted first: broken off at any point, the same call does the rest. Reviews and
    authors stay erased, also those of which nothing was stored; of a movie, what is seen after
    this moment may be stored again. With an author, the ids of their reviews are noted too, since
    not every page says who wrote them.

    Args:
        kind: movie, review or author.
        key: As `find_key` gives it.
        parts: Settings, warehouse and lake.
        source: Where the review stands or the author writes; of a movie all sources are erased.
        progress: Told the movies looked through and all.

    Returns:
        What there was; all zero where nothing was stored of it.

    Raises:
        Retryable: The lake or the warehouse did not answer, or what was erased is still counted in
            the comparison of all movies; do the same again.

    Reads every collection of the source, or of the movie, in the lake.
    """
    erasure = _erasure(kind, key, source, datetime.now(UTC))
    _note([erasure], parts)
    erased = _apply(Tombstones.of([erasure]), erasure.erased_at, parts, progress)
    refresh_figures_or_fail(parts)
    log.info("%s was erased: %s", erasure, erased)
    return erased


def replay_erasures(parts: Parts, since: datetime | None = None) -> Erased:
    """Erase again whatever was ever erased, where a backup, or work under way, brought it back.

    What only the lake or only the warehouse knows of is noted in the other too. Files that wait in
    the inbox are left: importing them passes over what was erased.

    Args:
        parts: Settings, warehouse and lake.
        since: Take up only what was erased later (UTC), and what one of the two had lost; all of
            it when None.

    Returns:
        What had come back; a second call erases nothing.

    Raises:
        BadInput: A note in the lake cannot be read.
    """
    in_warehouse = {
        erasure.name: erasure
        for erasure in map(Erasure.model_validate, parts.warehouse.rows("erasures"))
    }
    in_lake = {erasure.name: erasure for erasure in _noted_in_lake(parts)}
    wanted = []
    lost = []
    for name in sorted(in_warehouse.keys() | in_lake.keys()):
        both = [known[name] for known in (in_warehouse, in_lake) if name in known]
        newest = max(both, key=lambda erasure: erasure.erased_at)
        is_lost = len({erasure.erased_at for erasure in both}) > 1 or len(both) == 1
        if is_lost:
            lost.append(newest)
        if since is None or is_lost or newest.erased_at > since:
            wanted.append(newest)
    _note(lost, parts)
    if not wanted:
        return Erased()
    latest = max(erasure.erased_at for erasure in wanted)
    erased = _apply(Tombstones.of(wanted), latest, parts, with_waiting=False)
    if any(erased):
        log.warning("What was erased before had come back, and was erased again: %s", erased)
    return erased


def take_out(manifest_uri: str, tombstones: Tombstones, parts: Parts) -> Manifest:
    """Take erased reviews out of one collection in the lake; return its manifest as it is now.

    For who meets them while reading: the caller holds the movie's lock.
    """
    folder = parts.lake.name_of(manifest_uri).rpartition("/")[0]
    source = folder.split("/")[0]
    parts.lake.rewrite(
        parts.lake.names(folder),
        lambda lines: _concerns(lines, tombstones, source),
        lambda review: None if tombstones.covers(review) else review,
    )
    return parts.lake.read_manifest(manifest_uri)


def sweep_kept_pages(parts: Parts) -> int:
    """Delete pages kept since they hold erased reviews: in quarantine, `done/` and `failed/`.

    A page saved by hand, or one that could not be read, may show what was erased before it came.

    Returns:
        How many objects were deleted.
    """
    erasures = map(Erasure.model_validate, parts.warehouse.rows("erasures"))
    people = Tombstones.of(erasure for erasure in erasures if erasure.kind != "movie")
    return _erase_objects(people, parts, with_waiting=False).objects if people.sources else 0


def read_unless_erased(
    manifest_uri: str, imdb_id: str, tombstones: Tombstones, parts: Parts
) -> Manifest:
    """Read the manifest of a collection, unless the movie was erased after it was begun.

    Raises:
        BadInput: It was (`erased`); what was still there of the collection is deleted.
        LakeUnavailable: It could not be read.
    """
    erased_at = tombstones.movies.get(imdb_id)
    is_gone = erased_at is not None and parts.lake.size(parts.lake.name_of(manifest_uri)) is None
    manifest = None if is_gone else parts.lake.read_manifest(manifest_uri)
    if manifest is not None and not tombstones.covers_collection(manifest):
        return manifest
    parts.lake.delete_collection(parts.lake.name_of(manifest_uri).rpartition("/")[0])
    raise BadInput(
        f"{imdb_id} was erased on request at {erased_at:%Y-%m-%d %H:%M} UTC, and this was seen "
        "before: it was deleted, not stored. What is seen from now on will be.",
        reason="erased",
    )


def _erasure(kind: Kind, key: str, source: str, erased_at: datetime) -> Erasure:
    source = ALL_SOURCES if kind == "movie" else source
    return Erasure(kind=kind, source=source, key=key, erased_at=erased_at)


def _note(erasures: Sequence[Erasure], parts: Parts) -> None:
    """Write requests down, in the lake first."""
    for erasure in erasures:
        parts.lake.write(erasure.name, erasure.model_dump_json(indent=1).encode())
    if erasures:
        with parts.warehouse.connect() as connection:
            connection.cursor().executemany(
                wh.sql("erase_record"), [erasure.model_dump() for erasure in erasures]
            )


def _noted_in_lake(parts: Parts) -> list[Erasure]:
    found = []
    for name in parts.lake.names(FOLDER):
        if name.endswith(".json"):
            try:
                found.append(Erasure.model_validate_json(parts.lake.read(name)))
            except ValidationError as error:
                raise BadInput(
                    f"{name} in the lake should say what was erased, and cannot be read: {error}. "
                    "Bring it back from the lake's backup."
                ) from error
    return found


def _apply(
    tombstones: Tombstones,
    erased_at: datetime,
    parts: Parts,
    progress: Progress = silent,
    *,
    with_waiting: bool = True,
) -> Erased:
    """Note the reviews of erased authors, then erase all of it."""
    for row in parts.warehouse.rows("erasures"):
        # Those of an author whose erasure broke off were noted already, and may be found no more.
        if row["kind"] == "review" and tombstones.authors.get(row["source"]):
            tombstones.reviews[row["source"]].add(row["key"])
    found = [
        _erasure("review", known.key, known.source, erased_at)
        for known in _written_by(tombstones, parts)
        if known.key not in tombstones.reviews.get(known.source, ())
    ]
    _note(found, parts)
    for erasure in found:
        tombstones.reviews[erasure.source].add(erasure.key)
    return _erase(tombstones, parts, progress, with_waiting=with_waiting)


class _Written(NamedTuple):
    source: str
    key: str


def _written_by(tombstones: Tombstones, parts: Parts) -> list[_Written]:
    """Find the reviews of erased authors, in the warehouse and in every collection."""
    return sorted(
        _Written(source, review_id)
        for source, keys in tombstones.authors.items()
        if keys
        for review_id in _ids_by_authors(source, keys, parts)
    )


def _ids_by_authors(source: str, keys: set[str], parts: Parts) -> set[str]:
    only = Tombstones(authors={source: keys})
    found = {
        row["review_id"]
        for row in parts.warehouse.rows(
            "erase_found", source=source, review_ids=[], author_keys=sorted(keys)
        )
    }

    def remember(review: Review) -> Review:
        if only.covers(review):
            found.add(review.review_id)
        return review

    for imdb_id in parts.lake.folders(source):
        for names in parts.lake.collections(source, imdb_id).values():
            parts.lake.rewrite(
                names, lambda lines: _concerns(lines, only, source), remember, is_trial=True
            )
    return found


def _erase(
    tombstones: Tombstones,
    parts: Parts,
    progress: Progress = silent,
    *,
    is_trial: bool = False,
    with_waiting: bool = True,
) -> Erased:
    """Erase from the lake, then from the warehouse, movie by movie; then kept pages and files."""
    movies = _concerned(tombstones, parts)
    total = Erased()
    for done, (imdb_id, sources) in enumerate(sorted(movies.items()), start=1):
        with parts.warehouse.connect() as connection:
            lock_movie(connection, imdb_id)
            for source in sorted(sources):
                total += _erase_in_lake(source, imdb_id, tombstones, parts, is_trial)
            total += _erase_rows(connection, imdb_id, sources, tombstones)
            if is_trial:
                connection.rollback()
        progress(done, len(movies))
    total += _erase_objects(tombstones, parts, is_trial=is_trial, with_waiting=with_waiting)
    return total


def _concerned(tombstones: Tombstones, parts: Parts) -> dict[str, set[str]]:
    """Name the movies that may hold some of it, each with its sources."""
    movies: dict[str, set[str]] = {imdb_id: set() for imdb_id in tombstones.movies}
    for source, imdb_id in parts.lake.movies():
        if source in tombstones.sources or imdb_id in tombstones.movies:
            movies.setdefault(imdb_id, set()).add(source)
    for source in tombstones.sources:
        for row in parts.warehouse.rows("erase_found", **_keys(tombstones, source)):
            movies.setdefault(row["imdb_id"], set()).add(source)
    return movies


def _keys(tombstones: Tombstones, source: str) -> dict[str, str | list[str]]:
    return {
        "source": source,
        "review_ids": sorted(tombstones.reviews.get(source, ())),
        "author_keys": sorted(tombstones.authors.get(source, ())),
    }


def _erase_in_lake(
    source: str, imdb_id: str, tombstones: Tombstones, parts: Parts, is_trial: bool
) -> Erased:
    lines = objects = 0
    for folder, names in parts.lake.collections(source, imdb_id).items():
        erased_at = tombstones.movies.get(imdb_id)
        if erased_at is not None and _begun_at(folder, names, parts) <= erased_at:
            objects += len(names)
            if not is_trial:
                parts.lake.delete_collection(folder)
        elif source in tombstones.sources:
            lines += parts.lake.rewrite(
                names,
                lambda text: _concerns(text, tombstones, source),
                lambda review: None if tombstones.covers(review) else review,
                is_trial=is_trial,
            )
    return Erased(lines=lines, objects=objects)


def _begun_at(folder: str, names: Sequence[str], parts: Parts) -> datetime:
    """Say when a collection was begun: by its manifest, else by its folder, else by its files."""
    manifest = f"{folder}/manifest.json"
    if manifest in names:
        return parts.lake.read_manifest(parts.lake.uri_of(manifest)).started_at
    with suppress(ValueError):
        return datetime.strptime(folder.rpartition("/")[2][:15], "%Y%m%dT%H%M%S").replace(
            tzinfo=UTC
        )
    return max(parts.lake.modified_at(name) for name in names)


def _concerns(lines: bytes, tombstones: Tombstones, source: str) -> bool:
    """Tell by ids alone whether a part of a collection may hold some of it."""
    ids, authors = tombstones.reviews.get(source), tombstones.authors.get(source)
    return bool(
        (ids and not ids.isdisjoint(ids_in(lines, "review_id")))
        or (authors and not authors.isdisjoint(ids_in(lines, "author_key")))
    )


def ids_in(lines: bytes, name: Literal["review_id", "author_key"]) -> Iterator[str]:
    """Yield what a field holds in a part of a collection, without reading its reviews."""
    return map(json.loads, _FIELDS[name].findall(lines))


def _erase_rows(
    connection: wh.Connection, imdb_id: str, sources: Collection[str], tombstones: Tombstones
) -> Erased:
    total = Erased()
    # No text is sent to a model while it is erased, nor afterwards.
    connection.execute(wh.sql("ledger_turn"))
    for source in sorted(set(sources) & set(tombstones.sources)):
        keys = _keys(tombstones, source) | {"imdb_id": imdb_id}
        total += _counted(connection, "erase_reviews", keys)
    erased_at = tombstones.movies.get(imdb_id)
    if erased_at is not None:
        about = {"imdb_id": imdb_id, "erased_at": erased_at}
        total += _counted(connection, "erase_movie", about)
        gone = connection.execute(wh.sql("erase_movie_row"), about).rowcount
        if not gone:
            connection.execute(wh.sql("erase_movie_facts"), about)
        connection.execute(wh.sql("erase_movie_calls"), about)
        total += Erased(rows=gone)
    return total


def _counted(connection: wh.Connection, query: str, values: Mapping[str, object]) -> Erased:
    """Delete reviews with all that hangs on them, and what a model answered about their words."""
    gone = connection.execute(wh.sql(query), values).fetchone()
    assert gone is not None  # noqa: S101 - it counts
    answers = connection.execute(wh.sql("erase_answers"), gone).rowcount
    return Erased(reviews=gone["reviews"], rows=gone["reviews"] + gone["others"] + answers)


def _erase_objects(
    tombstones: Tombstones, parts: Parts, *, is_trial: bool = False, with_waiting: bool = True
) -> Erased:
    """Delete kept pages and files of the inbox that hold some of it, whole."""
    lake = parts.lake
    searched = _Searched.of(tombstones, parts.settings)
    doomed: list[str] = []
    for name in lake.names("quarantine"):
        erased_at = tombstones.movies.get(name.split("/")[-2])
        if (erased_at is not None and lake.modified_at(name) <= erased_at) or (
            searched and searched.is_in(lake.read(name))
        ):
            doomed.append(name)
    names = frozenset(lake.names(inbox.WAITING))
    for name in sorted({name.removesuffix(_beside(name)) for name in names}):
        is_kept = name.startswith((f"{inbox.DONE}/", f"{inbox.FAILED}/"))
        if not (is_kept or with_waiting):
            continue
        together = [f"{name}{end}" for end in (*_BESIDE, "", inbox.NOTE) if f"{name}{end}" in names]
        has_map = any(one.endswith(_BESIDE_TABLES) for one in together)
        if (
            _is_of_erased_movie(name, together, tombstones, parts)
            or (searched and any(searched.is_in(lake.read(one)) for one in together))
            or (is_kept and is_table(name, has_map=has_map) and _is_of_files(tombstones))
        ):
            doomed += together  # the note last: it says which movie the rest was about
            if not is_kept and not is_trial:
                log.warning(
                    "%s waited and was deleted, since it holds what was erased. If it holds more, "
                    "add it again: importing it passes over what was erased.", name,
                )  # fmt: skip
    if not is_trial:
        for name in doomed:
            lake.delete(name)
    return Erased(objects=len(doomed))


def _beside(name: str) -> str:
    """Return the ending of what only stands beside a file; empty for the file itself."""
    return next((end for end in (*_BESIDE, inbox.NOTE) if name.endswith(end)), "")


class _Searched(NamedTuple):
    """What pages are searched for."""

    review_ids: set[str]
    author_keys: set[str]
    author_secret: bytes | None

    @classmethod
    def of(cls, tombstones: Tombstones, settings: Settings) -> _Searched | None:
        """Take all ids together, as a page does not name its source; None where there are none."""
        found = cls(
            set().union(*tombstones.reviews.values()),
            set().union(*tombstones.authors.values()),
            settings.author_secret.get_secret_value().encode() if settings.author_secret else None,
        )
        return found if found.review_ids or found.author_keys else None

    def is_in(self, content: bytes) -> bool:
        """Tell whether a page or an answer, cleaned or not, holds one of them."""
        if is_archive(content):
            try:
                members = [m.content for m in read_archive(content, _MOST_UNPACKED) if m.content]
            except FilmpulseError:
                return False  # no archive that anything will ever read
            return any(self.is_in(member) for member in members if not is_archive(member))
        if content.startswith(b"\x1f\x8b"):
            with suppress(OSError, EOFError, zlib.error):
                content = gzip.decompress(content)
        words = {word.decode() for word in _WORD.findall(content)}
        if words & self.review_ids or words & self.author_keys:
            return True
        if any(not _PLAIN.fullmatch(i) and i.encode() in content for i in self.review_ids):
            return True
        # What was not cleaned yet names users by the site's own ids.
        if not self.author_keys or (secret := self.author_secret) is None:
            return False
        users = (word for word in words if _USER_ID.fullmatch(word))
        return any(author_key("imdb", user, secret) in self.author_keys for user in users)


def _is_of_erased_movie(
    name: str, together: Sequence[str], tombstones: Tombstones, parts: Parts
) -> bool:
    """Tell whether a file of the inbox is about an erased movie, and was there before."""
    if not tombstones.movies:
        return False
    note = inbox.Note()
    if together[-1].endswith(inbox.NOTE):
        with suppress(ValidationError):
            note = inbox.Note.model_validate_json(parts.lake.read(together[-1]))
    about = note.imdb_id or note.named_id
    if about is None and name in together:
        # A page names other movies too, but none as often as its own.
        counted = Counter(_MOVIE_ID.findall(parts.lake.read(name))).most_common(1)
        about = counted[0][0].decode() if counted else ""
    erased_at = tombstones.movies.get(about or "")
    return erased_at is not None and parts.lake.modified_at(together[-1]) <= erased_at


def _is_of_files(tombstones: Tombstones) -> bool:
    """Tell whether some of it came from files; refused rows of any go with it, unsearched.

    They do not say who wrote them, nor of which source they are, and the person has the file.
    """
    return any(source != SOURCE for source in tombstones.sources)
