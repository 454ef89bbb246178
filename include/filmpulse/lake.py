"""The lake: reviews as they were read, as gzip JSON lines with a manifest a collection, at any URI.

Layout below the lake's root, by areas::

    reviews/<source>/<imdb_id>/<collection>/reviews-00001.jsonl.gz  in the order of arrival
    reviews/<source>/<imdb_id>/<collection>/manifest.json    written last: without it, no collection
    streams/<source>/<drain>/reviews-00001.jsonl.gz          events of a stream, of all movies
    streams/<source>/<drain>/manifest.json                   written last, as above
    quarantine/<source>/<imdb_id>/<time>-<reason>.html.gz    pages that could not be read, cleaned
    quarantine/<source>/<imdb_id>/<time>-<reason>.reason.txt only why, if a page cannot be cleaned
    exports/<day>/<table>.parquet                            a weekly export, without texts
    exports/<day>/manifest.json                              written last: without it, no export
    erasures/<digest>.json                                   what was erased on request
    losses/<source>/<imdb_id>/<digest>.json                  lost objects that were given up
    catalogue/lists/<list>/<part>.json                       ids of a title list
    cleaned.json                                             the version of the rules of cleaning

An older lake has its collections at `<source>/<imdb_id>/`, beside the areas; they are read too. An
object is written whole or not at all, on every filesystem.
"""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from glob import escape as glob_escape
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.local import LocalFileSystem
from pydantic import AwareDatetime, Field, ValidationError

from filmpulse.errors import BadInput, LakeDamaged, LakeUnavailable, ObjectMissing
from filmpulse.items import (
    CollectionStatus,
    Count,
    ImdbId,
    Item,
    Mode,
    Movie,
    Review,
    ReviewId,
    Snapshot,
)

log = logging.getLogger(__name__)

MANIFEST_VERSION = 1
MANIFEST = "manifest.json"

AREAS = frozenset(
    {
        "reviews", "streams", "titles", "catalogue", "inbox", "quarantine", "exports", "erasures",
        "losses",
    }
)  # fmt: skip
"""Folders at the lake's root; in an older lake any other folder is a source's."""
# Seconds for one object. The S3 client's own limits do not hold while it waits for "100 Continue":
# it would wait for ever for a store that accepts a connection and does not answer.
OBJECT_SECONDS = 25.0
SLOWEST = 1_000_000  # bytes a second; large objects have more time


class Manifest(Item):
    """How one collection went, and which files hold its reviews.

    `parts` are file names beside the manifest, in order; `distinct_ids` counts different reviews.
    Times are UTC; every time in `core` comes from `started_at`. If pages do not say when they were
    seen (`is_dated` False), this is when they came in, and nothing that exists is changed.
    `removed_ids` are reviews that a stream reported as removed.
    """

    version: int = MANIFEST_VERSION
    run_id: str
    source: str
    imdb_id: ImdbId
    mode: Mode
    is_dated: bool = True
    started_at: AwareDatetime
    finished_at: AwareDatetime
    status: CollectionStatus
    reason: str | None = None
    sentence: str | None = None
    review_count_start: Count | None = None
    review_count_end: Count | None = None
    distinct_ids: Count = 0
    variant: str | None = None
    movie: Movie | None = None
    snapshot: Snapshot | None = None
    removed_ids: tuple[ReviewId, ...] = ()
    parts: tuple[str, ...] = ()


class DrainManifest(Item):
    """The events of one drain of a stream, and which files beside it hold the reviews.

    A review has only its last state: a line, or its id in `removed_ids`. `movies` counts the lines
    by movie. No event is missing from `gapless_since` to `drained_at` (UTC).
    """

    version: int = MANIFEST_VERSION
    source: str
    drained_at: AwareDatetime
    gapless_since: AwareDatetime
    cursor: str
    movies: dict[ImdbId, Count] = Field(default_factory=dict)
    removed_ids: tuple[ReviewId, ...] = ()
    parts: tuple[str, ...] = ()


_Manifest = TypeVar("_Manifest", Manifest, DrainManifest)


class Listed(NamedTuple):
    """An object in a list: its size in bytes, and when it was last written (UTC)."""

    size: int
    written_at: datetime


class Lake:
    """Raw JSON lines at one fsspec URI, such as `s3://filmpulse/lake` or `file:///data/lake`."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        """Open the root of the lake; the `options` of fsspec (key, secret, endpoint) are secret."""
        with _reached("opened", url):
            self._fs, root = fsspec.core.url_to_fs(url, **(options or {}))
        self._root: str = root
        self._url = url.rstrip("/")
        self._has_folders = not url.startswith("s3://")
        if not self._has_folders:
            # The S3 client tries again by itself; both together would wait for minutes.
            self._fs.retries = 1
        is_remote = isinstance(self._fs, AsyncFileSystem)
        self._limit: dict[str, float] = {"timeout": OBJECT_SECONDS} if is_remote else {}

    def __repr__(self) -> str:
        """Show the address, which holds no secret."""
        return f"Lake({self._url!r})"

    def holds(self, other: Lake) -> bool:
        """Say whether another root is this one, or lies below this one, on the same server."""
        is_same_server = self._server == other._server
        return is_same_server and f"{other._root}/".startswith(f"{self._root}/")

    @property
    def _server(self) -> tuple[type, str | None]:
        """What kind of store this is, and at which address if it is not the kind's usual one."""
        return type(self._fs), getattr(self._fs, "client_kwargs", {}).get("endpoint_url")

    def begin(
        self, source: str, imdb_id: str, started_at: datetime, mark: str | None = None
    ) -> CollectionWriter:
        """Start a collection (UTC) in a folder of its own.

        With a `mark`, such as a file's hash, a retry writes the same objects again; without one the
        folder is always a new one.
        """
        folder = f"{source}/{imdb_id}/{_stamp(started_at, mark)}"
        if mark and self.size(f"{folder}/{MANIFEST}") is not None:
            return CollectionWriter(self, folder)  # where an older version wrote it
        return CollectionWriter(self, f"reviews/{folder}")

    def begin_drain(self, source: str, drained_at: datetime) -> CollectionWriter:
        """Start to write a drain (UTC), as `begin` does a collection."""
        return CollectionWriter(self, f"streams/{source}/{_stamp(drained_at)}")

    def drains(self, source: str) -> list[tuple[str, DrainManifest]]:
        """Return the URI and manifest of each drain of a stream, in their order.

        Raises:
            LakeDamaged: A manifest cannot be read.
        """
        names = [n for n in self.names(f"streams/{source}") if n.endswith(f"/{MANIFEST}")]
        found = [(uri, self._model(DrainManifest, uri)) for uri in map(self.uri_of, names)]
        return sorted(found, key=lambda drain: (drain[1].drained_at, drain[0]))

    def subject_of(self, uri: str) -> tuple[str, str]:
        """Return the source and the movie of a collection."""
        names = self.name_of(uri).split("/")
        source, imdb_id = names[1:3] if names[0] in AREAS else names[:2]
        return source, imdb_id

    def read_manifest(self, uri: str) -> Manifest:
        """Read one manifest.

        Raises:
            LakeDamaged: It is not a manifest of ours.
            LakeUnavailable: It could not be read; `ObjectMissing` if it is not there.
        """
        return self._model(Manifest, uri)

    def _model(self, kind: type[_Manifest], uri: str) -> _Manifest:
        content = self._read(self._path(uri))
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            raise LakeDamaged(f"{uri} is no manifest of ours: {error}") from error

    def read_reviews(self, uri: str, manifest: Manifest | DrainManifest) -> Iterator[Review]:
        """Yield the reviews of a collection or a drain in the order in which they were written.

        Raises:
            LakeDamaged: A part is damaged; the parts before it were yielded.
            LakeUnavailable: A part could not be read; `ObjectMissing` if it is not there.
        """
        folder = self._path(uri).rpartition("/")[0]
        for part in manifest.parts:
            yield from self._read_part(f"{folder}/{part}")

    def quarantine(
        self, source: str, imdb_id: str, reason: str, cleaned_html: str, seen_at: datetime
    ) -> str:
        """Store a page that could not be read, and that the caller cleaned; return its URI."""
        name = f"{seen_at:%Y%m%dT%H%M%S%f}-{reason}.html.gz"
        return self.write(
            f"quarantine/{source}/{imdb_id}/{name}", gzip.compress(cleaned_html.encode())
        )

    def quarantine_reason(
        self, source: str, imdb_id: str, reason: str, why: str, seen_at: datetime
    ) -> str:
        """Store only why a page could not be read, if it cannot be cleaned; return the URI."""
        name = f"{seen_at:%Y%m%dT%H%M%S%f}-{reason}.reason.txt"
        return self.write(f"quarantine/{source}/{imdb_id}/{name}", why.encode())

    def manifests(self, source: str | None = None, imdb_id: str | None = None) -> list[str]:
        """Return the URIs of finished collections, of one source or movie where given, sorted."""
        below = f"{source or '*'}/{imdb_id or 'tt*'}/*/{MANIFEST}"
        root = glob_escape(self._root)
        with _reached("listed", self._url):
            self._fs.invalidate_cache()
            found = [*self._fs.glob(f"{root}/reviews/{below}"), *self._fs.glob(f"{root}/{below}")]
        names = (path.removeprefix(f"{self._root}/") for path in found)
        return sorted({self.uri_of(name) for name in names if _is_collection(name)})

    def names(self, below: str) -> list[str]:
        """Return the objects in a folder below the root and in its folders, sorted."""
        with _reached("listed", below):
            self._fs.invalidate_cache()
            if not self._fs.exists(f"{self._root}/{below}"):
                return []
            found = self._fs.find(f"{self._root}/{below}")
        names = (path.removeprefix(f"{self._root}/") for path in found)
        # A store may still list a folder whose objects were all deleted.
        return sorted(name for name in names if not below or name.startswith(f"{below}/"))

    def listing(self) -> dict[str, Listed]:
        """Return every object of the lake by its name."""
        with _reached("listed", self._url):
            self._fs.invalidate_cache()
            if not self._fs.exists(self._root):
                return {}
            found = self._fs.find(self._root, detail=True)
        return {
            path.removeprefix(f"{self._root}/"): Listed(int(info["size"]), _written_at(info))
            for path, info in found.items()
        }

    def folders(self, below: str = "") -> list[str]:
        """Return the names of the folders directly in a folder below the root, sorted."""
        with _reached("listed", below or self._url):
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(f"{self._root}/{below}".rstrip("/"), detail=True)
            except FileNotFoundError:
                return []
        return sorted(
            entry["name"].rstrip("/").rpartition("/")[2]
            for entry in found
            if entry["type"] == "directory"
        )

    def movies(self) -> Iterator[tuple[str, str]]:
        """Yield each source and movie with collections, finished or broken off."""
        old = {source: source for source in self.folders() if source not in AREAS}
        new = {f"reviews/{source}": source for source in self.folders("reviews")}
        found = ((source, i) for at, source in (old | new).items() for i in self.folders(at))
        yield from dict.fromkeys(found)

    def sources(self) -> set[str]:
        """Return the sources with collections or drains."""
        old = {source for source in self.folders() if source not in AREAS}
        return old | {*self.folders("reviews"), *self.folders("streams")}

    def collections(self, source: str, imdb_id: str) -> dict[str, list[str]]:
        """Return the objects of each collection of a movie by folder, also of broken-off ones."""
        return self._by_folder(f"{source}/{imdb_id}", f"reviews/{source}/{imdb_id}")

    def drained(self, source: str) -> dict[str, list[str]]:
        """Return the objects of each drain of a stream by folder, also of broken-off ones."""
        return self._by_folder(f"streams/{source}")

    def _by_folder(self, *areas: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in (name for area in areas for name in self.names(area)):
            found.setdefault(name.rpartition("/")[0], []).append(name)
        return found

    def rewrite(
        self,
        names: Sequence[str],
        concerns: Callable[[bytes], bool],
        change: Callable[[Review], Review | None],
        *,
        is_trial: bool = False,
    ) -> int:
        """Change or remove reviews of one collection, and correct its manifest's `distinct_ids`.

        The manifest is written first, so that a retry after a crash gives the same result.

        Args:
            names: All objects of the collection.
            concerns: Says by a part's unpacked bytes whether the part may hold such a review.
            change: Returns the new review, or None to remove the review.
            is_trial: Only count.

        Returns:
            The number of lines that change.

        Raises:
            BadInput: A part that may hold such a review has a line that is no review.
        """
        parts = sorted(name for name in names if name.endswith(".jsonl.gz"))
        rewritten: dict[str, bytes] = {}
        count = removed = 0
        for name in parts:
            lines = self._lines(name)
            if concerns(lines):
                before = _reviews_in(name, lines)
                after = [change(review) for review in before]
                differing = sum(new != old for new, old in zip(after, before, strict=True))
                count, removed = count + differing, removed + after.count(None)
                if differing:
                    rewritten[name] = _as_lines([new for new in after if new is not None])
        if is_trial or not count:
            return count
        if removed:
            ids: set[str] = set()
            for name in parts:
                lines = rewritten[name] if name in rewritten else self._lines(name)
                ids |= {Review.model_validate_json(line).review_id for line in lines.splitlines()}
            for name in names:
                if name.endswith(f"/{MANIFEST}"):
                    with suppress(LakeDamaged):  # a damaged manifest has no count to correct
                        told = self.read_manifest(self.uri_of(name))
                        told = told.model_copy(update={"distinct_ids": len(ids)})
                        self.write(name, told.model_dump_json(indent=1).encode())
        for name, lines in rewritten.items():
            self.write(name, _packed(lines))
        return count

    def delete_collection(self, folder: str) -> None:
        """Delete a collection; without its manifest, which goes first, it is none."""
        self.delete(f"{folder}/{MANIFEST}")
        for name in self.names(folder):
            self.delete(name)
        if isinstance(self._fs, LocalFileSystem):  # object stores have no empty folders
            emptied = Path(self._path(self.uri_of(folder)))
            with suppress(OSError):
                emptied.rmdir()
                emptied.parent.rmdir()

    def read(self, name: str) -> bytes:
        """Read one object below the root."""
        return self._read(self._path(self.uri_of(name)))

    def size(self, name: str) -> int | None:
        """Return the size in bytes of one object below the root; None if there is none."""
        path = self._path(self.uri_of(name))
        try:
            with _reached("looked at", name):
                self._fs.invalidate_cache()
                return int(self._fs.info(path)["size"])
        except ObjectMissing:
            return None

    def modified_at(self, name: str) -> datetime:
        """Return when an object was last written (UTC)."""
        with _reached("looked at", name):
            return _written_at(self._fs.info(self._path(self.uri_of(name))))

    def write(self, name: str, content: bytes) -> str:
        """Write one object below the root in one piece and return its URI."""
        path = self._path(self.uri_of(name))
        with _reached("written", name):
            if self._has_folders:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            if isinstance(self._fs, LocalFileSystem):
                with _in_place(path) as part:
                    part.write_bytes(content)
            else:
                self._fs.pipe_file(path, content, **self._limit)
        return f"{self._url}/{name}"

    def move_in(self, file: Path, name: str) -> str:
        """Move a local file below the root, in one piece and of any size; return its URI."""
        path = self._path(self.uri_of(name))
        with _reached("written", name):
            if self._has_folders:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            if isinstance(self._fs, LocalFileSystem):
                with _in_place(path) as part:
                    shutil.move(file, part)
            else:
                self._fs.put_file(str(file), path, **self._limit_for(file.stat().st_size))
                file.unlink()
        return f"{self._url}/{name}"

    def _limit_for(self, size: int) -> dict[str, float]:
        """Return the limit on sending so many bytes."""
        return {name: seconds + size / SLOWEST for name, seconds in self._limit.items()}

    def delete(self, name: str) -> None:
        """Delete one object below the root, if it is there."""
        path = self._path(self.uri_of(name))
        with _reached("deleted", name), suppress(FileNotFoundError):
            self._fs.rm_file(path)

    def uri_of(self, name: str) -> str:
        """Return the URI of an object below the root."""
        return f"{self._url}/{name}"

    def name_of(self, uri: str) -> str:
        """Return the name below the root of an object, by its URI."""
        return self._path(uri).removeprefix(f"{self._root}/")

    def _lines(self, name: str) -> bytes:
        """Return the unpacked lines of one part; none if it is damaged."""
        try:
            return gzip.decompress(self.read(name))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            log.warning("%s is damaged and was passed over: %s", name, error)
            return b""

    def _path(self, uri: str) -> str:
        if not uri.startswith(f"{self._url}/") or ".." in uri.split("/"):
            raise BadInput(f"{uri} does not lie in the lake {self._url}.")
        return self._root + uri.removeprefix(self._url)

    def _read_part(self, path: str) -> Iterator[Review]:
        content = self._read(path)
        try:
            if not content:  # gzip would read this as no line, but no part is written empty
                raise EOFError("it is empty")
            for line in gzip.decompress(content).splitlines():
                yield Review.model_validate_json(line)
        except (gzip.BadGzipFile, EOFError, zlib.error, ValidationError) as error:
            why = str(error).splitlines()[0]
            raise LakeDamaged(
                f"{path} in the lake is damaged ({why}): bring it back from the lake's backup, or "
                "collect the movie again."
            ) from error

    def _read(self, path: str) -> bytes:
        with _reached("read", path):
            content: bytes = self._fs.cat_file(path, **self._limit)
            return content


class CollectionWriter:
    """Writes one collection, batch by batch; `close` ends it."""

    def __init__(self, lake: Lake, folder: str) -> None:
        """Keep the folder; nothing is written yet."""
        self._lake = lake
        self._folder = folder
        self.parts: list[str] = []

    def append(self, reviews: Sequence[Review]) -> None:
        """Write one batch as a file; an empty batch writes nothing."""
        if not reviews:
            return
        name = f"reviews-{len(self.parts) + 1:05d}.jsonl.gz"
        self._lake.write(f"{self._folder}/{name}", _packed(_as_lines(reviews)))
        self.parts.append(name)

    @property
    def manifest_uri(self) -> str:
        """The URI of the manifest, also before it is written."""
        return self._lake.uri_of(f"{self._folder}/{MANIFEST}")

    def close(self, manifest: Manifest | DrainManifest) -> str:
        """Write the manifest, the last object of a collection, and return its URI."""
        return self._lake.write(
            f"{self._folder}/{MANIFEST}", manifest.model_dump_json(indent=1).encode()
        )


def _stamp(at: datetime, mark: str | None = None) -> str:
    return f"{at:%Y%m%dT%H%M%S}-{mark or uuid.uuid4().hex[:8]}"


@contextmanager
def _in_place(path: str) -> Iterator[Path]:
    """Give a file to write beside a path, then put it there; after an error leave no such file."""
    part = Path(f"{path}.{uuid.uuid4().hex}.part")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())  # so that a power cut leaves no file without its content
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _written_at(info: Mapping[str, Any]) -> datetime:
    """Read when an object was written from what fsspec says of it: S3's field, or a file's."""
    at = info.get("LastModified", info.get("mtime"))
    found = at if isinstance(at, datetime) else datetime.fromtimestamp(float(at or 0), UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_collection(name: str) -> bool:
    """Say whether a manifest is a collection's, at today's place or an older lake's."""
    return name.count("/") == (4 if name.startswith("reviews/") else 3) and (
        name.startswith("reviews/") or name.split("/")[0] not in AREAS
    )


def _reviews_in(name: str, lines: bytes) -> list[Review]:
    try:
        return [Review.model_validate_json(line) for line in lines.splitlines()]
    except ValidationError as error:
        raise BadInput(f"{name} holds a line that is no review: {error}") from error


def _as_lines(reviews: Sequence[Review]) -> bytes:
    return b"".join(review.model_dump_json().encode() + b"\n" for review in reviews)


def _packed(lines: bytes) -> bytes:
    return gzip.compress(lines, 6, mtime=0)


@contextmanager
def _reached(verb: str, name: str) -> Iterator[None]:
    """Turn any error of the store into a retryable one; botocore's are no OSError."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing(f"{name} could not be {verb} in the lake: it is not there") from error
    except Exception as error:
        why = str(error) or "no answer in time"
        raise LakeUnavailable(f"{name} could not be {verb} in the lake: {why}") from error
