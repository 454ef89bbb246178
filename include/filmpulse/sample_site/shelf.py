"""The files of the datasets that the site offers, made when they are first asked for."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from filmpulse.errors import NotFound
from filmpulse.sample_site.datasets import HEADERS, World, world_rows, write_file
from filmpulse.sample_site.generate import MOVIE_IDS
from filmpulse.sample_site.hang_up import hang_up
from filmpulse.sample_site.store import Store

TITLES = 2_000
"""How many titles the datasets have unless asked otherwise."""
_MADE_FIRST = 50_000  # titles from which on a client would wait too long for the first answer
_MADE_AT = time(13, 20, tzinfo=UTC)  # when IMDb's are made
_BYTES_MORE = 1_000


class Version(NamedTuple):
    """What a file holds: its catalogue, and the switch that spoils it, if any.

    `movies` counts the site's movies, which are among the titles.
    """

    dataset: str
    titles: int
    movies: int
    version: int
    fault: str | None

    @property
    def name(self) -> str:
        """The name of the file in the site's state folder."""
        parts = (self.dataset, f"{self.titles}-{self.movies}", f"v{self.version}", self.fault)
        return "-".join(filter(None, parts)) + ".tsv.gz"


class Offered(NamedTuple):
    """A file, and how the site names its version."""

    path: Path
    etag: str
    modified: str


class Shelf:
    """Makes the files and answers for them."""

    def __init__(self, folder: Path, store: Store, titles: int = TITLES) -> None:
        """Keep the files in `folder`, made if missing; `titles` is how many a catalogue has."""
        self.folder, self.store, self.titles = folder, store, titles
        self._locks = {name: threading.Lock() for name in HEADERS}
        self._offered: dict[Version, Offered] = {}
        folder.mkdir(exist_ok=True)
        self.router = APIRouter()
        self.router.add_api_route(
            "/datasets/{dataset}.tsv.gz", self.answer, methods=["GET", "HEAD"]
        )

    def make_big(self) -> None:
        """Make all files now if the first client would otherwise wait for minutes."""
        for dataset in HEADERS if self.titles > _MADE_FIRST else ():
            self.offered(dataset)

    # Not async: a file may take a while to make.
    def answer(self, request: Request, dataset: str) -> Response:
        """Answer with a file, a part of one, or that it did not change."""
        if dataset not in HEADERS or self.store.applies("dataset_missing", dataset, None):
            raise NotFound(f"There is no dataset {dataset} here.")
        if request.method == "HEAD" and self.store.switch("dataset_no_head"):
            return Response(status_code=405, headers={"allow": "GET"})
        offered = self.offered(dataset)
        marks = self.store.switch("dataset_marks")
        headers = {
            "etag": f"W/{offered.etag}" if marks == "weak" else offered.etag,
            "last-modified": offered.modified,
        }
        hidden = {"none": ("etag", "last-modified"), "modified": ("etag",)}.get(marks, ())
        headers = {name: value for name, value in headers.items() if name not in hidden}
        is_deaf = self.store.switch("dataset_deaf")
        if not is_deaf and _is_not_modified(request.headers, headers):
            return Response(status_code=304, headers=headers)
        return _Sent(self.store, dataset, offered, headers)

    def offered(self, dataset: str) -> Offered:
        """Return the file that the switches ask for; make it if it is not here yet."""
        version = self.store.switch("dataset_version") or 0
        if isinstance(version, dict):
            version = version.get(dataset, 0)
        faults = ("short", "header", "corrupt", "truncated")
        fault = next((f for f in faults if self.store.applies(f"dataset_{f}", dataset, None)), None)
        titles = self.store.switch("dataset_titles") or self.titles
        wanted = Version(dataset, titles, len(self.store.movies()), version, fault)
        with self._locks[dataset]:
            if wanted not in self._offered:
                self._offered[wanted] = self._make(wanted)
            return self._offered[wanted]

    def _make(self, wanted: Version) -> Offered:
        """Write a file unless it is here from an earlier start; name its version."""
        path = self.folder / wanted.name
        if not path.exists():
            part = path.with_suffix(".part")
            self._write(part, wanted)
            part.replace(path)
        with path.open("rb") as file:
            # IMDb's server, S3, names a version by its MD5.
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        moment = datetime.combine(self.store.anchor, _MADE_AT) + timedelta(days=wanted.version)
        # Another size or fault is another version too.
        moment += timedelta(seconds=zlib.crc32(wanted.name.encode()) % 3_600)
        return Offered(path, f'"{digest.hexdigest()}"', format_datetime(moment, usegmt=True))

    def _write(self, path: Path, wanted: Version) -> None:
        world = World(
            wanted.titles,
            self.store.seed,
            self.store.anchor,
            extra_movies=wanted.movies - len(MOVIE_IDS),
            version=wanted.version,
        )
        header, made = HEADERS[wanted.dataset], world_rows(wanted.dataset, world)
        if wanted.fault == "header":
            header += "2"
        if wanted.fault == "short":
            made = (row for n, row in enumerate(made) if n % 2 == 0)
        write_file(path, header, made, wanted.version)
        if wanted.fault in ("corrupt", "truncated"):
            _spoil(path, is_cut=wanted.fault == "truncated")


def _spoil(path: Path, *, is_cut: bool) -> None:
    """Cut a third off a file, or change bytes in its middle."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        if is_cut:
            file.truncate(size * 2 // 3)
            return
        file.seek(size // 2)
        spoilt = bytes(byte ^ 0x55 for byte in file.read(64))
        file.seek(size // 2)
        file.write(spoilt)


def _is_not_modified(asked: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether a client has this version (RFC 9110, 13.2.2)."""
    if "etag" in headers and (tags := asked.get("if-none-match")):
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return bool(known & {"*", headers["etag"].removeprefix("W/")})
    since, modified = asked.get("if-modified-since"), headers.get("last-modified")
    try:
        return bool(
            since and modified and parsedate_to_datetime(since) >= parsedate_to_datetime(modified)
        )
    except ValueError:
        return False


class _Sent(FileResponse):
    """A file on its way, with the faults that concern the way."""

    def __init__(
        self, store: Store, dataset: str, offered: Offered, marks: Mapping[str, str]
    ) -> None:
        super().__init__(offered.path, media_type="binary/octet-stream", headers=marks)
        self.set_stat_headers(offered.path.stat())
        self.stat_result = offered.path.stat()
        for name in {"etag", "last-modified"} - marks.keys():
            del self.headers[name]
        self.store, self.dataset = store, dataset

    def _should_use_range(self, http_if_range: str) -> bool:
        known = (self.headers.get("etag"), self.headers.get("last-modified"))
        return not http_if_range.startswith("W/") and http_if_range in known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.store.switch("dataset_no_range"):
            del self.headers["accept-ranges"]
            kept = [(name, value) for name, value in scope["headers"] if name != b"range"]
            scope = {**scope, "headers": kept}
        if scope["method"] == "GET":
            send = _Way(self, receive, send).send
        await super().__call__(scope, receive, send)


class _Way:
    """What happens to the messages of one answer."""

    def __init__(self, sent: _Sent, receive: Receive, send: Send) -> None:
        store = sent.store
        self._receive, self._send = receive, send
        self.rate = store.switch("dataset_rate")
        cuts = store.switch("dataset_cuts") or 0
        if cuts:
            store.set_switch("dataset_cuts", None, cuts - 1 or None)
        self.is_cut = cuts > 0
        self.is_long = store.applies("dataset_long", sent.dataset, None)
        self.has_length = not store.switch("dataset_no_length")
        self.left = 0  # bytes until the answer breaks off

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            await self._send({**message, "headers": self._headers(message["headers"])})
            return
        body = message.get("body", b"")
        if self.is_cut and len(body) >= self.left:
            await self._send({**message, "body": body[: self.left], "more_body": True})
            await hang_up(self._receive)
            return
        self.left -= len(body)
        if self.rate:
            await asyncio.sleep(len(body) / self.rate)
        is_last = not message.get("more_body")
        await self._send({**message, "more_body": not is_last or self.is_long})
        if is_last and self.is_long:
            await hang_up(self._receive)

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Change the length that is announced, and note where to break off."""
        changed = []
        for name, value in headers:
            if name == b"content-length":
                self.left = int(value) // 2
                if not self.has_length:
                    continue
                value = b"%d" % (int(value) + _BYTES_MORE * self.is_long)
            changed.append((name, value))
        return changed
