"""The lake: what a source gave, as gzip JSON lines and one manifest per collection, at any URI.

Layout below the lake's root::

    <source>/<imdb_id>/<collection>/reviews-00001.jsonl.gz   in the order of arrival
    <source>/<imdb_id>/<collection>/manifest.json            written last: without it, no collection
    quarantine/<source>/<imdb_id>/<time>-<reason>.html.gz    pages that could not be read, cleaned
"""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import fsspec
from pydantic import AwareDatetime, ValidationError

from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.items import CollectionStatus, Count, ImdbId, Item, Mode, Movie, Review, Snapshot

MANIFEST_VERSION = 1


class Manifest(Item):
    """How one collection went, and which files hold what it saw.

    `parts` are file names beside the manifest, in order; `distinct_ids` counts different reviews.
    Times are UTC; every time in `core` comes from `started_at`.
    """

    version: int = MANIFEST_VERSION
    run_id: str
    source: str
    imdb_id: ImdbId
    mode: Mode
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
    parts: tuple[str, ...] = ()


class Lake:
    """Raw JSON lines at one fsspec URI, such as `s3://filmpulse/lake` or `file:///data/lake`."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        """Open the filesystem of the URI.

        Args:
            url: Root of the lake.
            options: What fsspec needs for it (key, secret, endpoint); never logged.
        """
        with _reached("opened", url):
            self._fs, root = fsspec.core.url_to_fs(url, **(options or {}))
        self._root: str = root
        self._url = url.rstrip("/")

    def __repr__(self) -> str:
        """Name the address, which holds no secret."""
        return f"Lake({self._url!r})"

    def begin(self, source: str, imdb_id: str, started_at: datetime) -> CollectionWriter:
        """Start a collection in a folder of its own, so that a retry never meets a half one."""
        folder = f"{started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        return CollectionWriter(self, f"{source}/{imdb_id}/{folder}")

    def read_manifest(self, uri: str) -> Manifest:
        """Read one manifest.

        Raises:
            BadInput: It is not a manifest of ours.
            LakeUnavailable: It could not be read.
        """
        try:
            return Manifest.model_validate_json(self._read(self._path(uri)))
        except ValidationError as error:
            raise BadInput(f"{uri} is no manifest of a collection: {error}") from error

    def read_reviews(self, uri: str, manifest: Manifest) -> Iterator[Review]:
        """Yield the reviews of a collection in the order in which they arrived."""
        folder = self._path(uri).rpartition("/")[0]
        for part in manifest.parts:
            for line in gzip.decompress(self._read(f"{folder}/{part}")).splitlines():
                yield Review.model_validate_json(line)

    def quarantine(
        self, source: str, imdb_id: str, reason: str, cleaned_html: str, seen_at: datetime
    ) -> str:
        """Keep a page that could not be read, cleaned of names by the caller; return its URI."""
        name = f"{seen_at:%Y%m%dT%H%M%S%f}-{reason}.html.gz"
        return self.write(
            f"quarantine/{source}/{imdb_id}/{name}", gzip.compress(cleaned_html.encode())
        )

    def write(self, name: str, content: bytes) -> str:
        """Write one object below the root in one piece and return its URI."""
        path = f"{self._root}/{name}"
        with _reached("written", name):
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(path, content)
        return f"{self._url}/{name}"

    def _path(self, uri: str) -> str:
        if not uri.startswith(f"{self._url}/") or ".." in uri:
            raise BadInput(f"{uri} does not lie in the lake {self._url}.")
        return self._root + uri.removeprefix(self._url)

    def _read(self, path: str) -> bytes:
        with _reached("read", path):
            content: bytes = self._fs.cat_file(path)
            return content


class CollectionWriter:
    """Writes one collection, batch by batch; `close` seals it."""

    def __init__(self, lake: Lake, folder: str) -> None:
        """Keep where to write; nothing is written yet."""
        self._lake = lake
        self._folder = folder
        self.parts: list[str] = []

    def append(self, reviews: Sequence[Review]) -> None:
        """Write one batch as a file of its own; an empty batch writes nothing."""
        if not reviews:
            return
        name = f"reviews-{len(self.parts) + 1:05d}.jsonl.gz"
        lines = b"\n".join(review.model_dump_json().encode() for review in reviews)
        self._lake.write(f"{self._folder}/{name}", gzip.compress(lines + b"\n", 6, mtime=0))
        self.parts.append(name)

    def close(self, manifest: Manifest) -> str:
        """Write the manifest, the last object of a collection, and return its URI."""
        return self._lake.write(
            f"{self._folder}/manifest.json", manifest.model_dump_json(indent=1).encode()
        )


@contextmanager
def _reached(verb: str, name: str) -> Iterator[None]:
    """Turn whatever the store raises into one retryable error.

    Stores differ in what they raise (botocore's errors are no OSError), so all are caught here.
    """
    try:
        yield
    except Exception as error:
        raise LakeUnavailable(f"{name} could not be {verb} in the lake: {error}") from error
