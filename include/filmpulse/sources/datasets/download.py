"""Download a dataset when it changed, and read its rows without unpacking it to disk.

A file grows as `<name>.tsv.gz.part`; `<name>.tsv.gz.part.json` says what version it is a part of. A
download that was cut off goes on from there if the server still has that version and can send parts
of it; else the download begins again. Memory is constant, however long a file is.

One caller at a time may use a folder.
"""

from __future__ import annotations

import errno
import json
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from filmpulse.errors import BadInput, Blocked, CatalogueRefused, SiteUnavailable
from filmpulse.retry_after import retry_after
from filmpulse.sources.datasets import DATASETS, Dataset
from filmpulse.sources.polite import USER_AGENT
from filmpulse.sources.refusals import REFUSALS

Progress = Callable[[int, int | None], None]
"""Told the bytes that are here, and the bytes of the whole file if the server said them."""

RESUMES = 5
"""How often one call goes on after the connection was cut."""
PAUSE_SECONDS = 1.0
"""The wait before it goes on."""

_TIMEOUT = httpx.Timeout(60, connect=20)
_STEP = 1 << 20  # bytes: how often progress is told, and the most that is unpacked at a time
_READ = 1 << 17  # bytes of a file that are read at a time
_LONGEST_HEADER = 1 << 16
_GZIP = b"\x1f\x8b"  # RFC 1952, 2.3.1
_MEMBER = 31  # zlib's word for: one member of a gzip file, its length and CRC checked
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Mark(NamedTuple):
    """What tells one version of a file from another, as the server says it; UTC."""

    etag: str | None
    modified_at: datetime | None

    @classmethod
    def of(cls, answer: httpx.Response) -> Mark:
        """Read the mark of an answer."""
        modified_at = None
        if said := answer.headers.get("last-modified"):
            try:
                modified_at = parsedate_to_datetime(said)
            except ValueError:
                pass
            else:
                modified_at = modified_at.replace(tzinfo=modified_at.tzinfo or UTC)
        return cls(answer.headers.get("etag"), modified_at)

    def is_of(self, other: Mark | None) -> bool:
        """Whether both are marks of one version; False if that cannot be told."""
        if other is None:
            return False
        if self.etag and other.etag:  # "weak" does not matter: the rows are the same
            return self.etag.removeprefix("W/") == other.etag.removeprefix("W/")
        return self.modified_at is not None and self.modified_at == other.modified_at

    def conditions(self) -> dict[str, str]:
        """Return the headers that ask for the file only if it changed."""
        asked = {"If-None-Match": self.etag} if self.etag else {}
        if self.modified_at:
            asked["If-Modified-Since"] = _http_date(self.modified_at)
        return asked

    @property
    def condition_of_range(self) -> str | None:
        """The value of If-Range; None if no part of this version can be asked for.

        A weak ETag says nothing about bytes (RFC 9110, 13.1.5).
        """
        if self.etag:
            return None if self.etag.startswith("W/") else self.etag
        return _http_date(self.modified_at) if self.modified_at else None


class Offer(NamedTuple):
    """A version of a file that the server has; `bytes` is None if it does not say how long."""

    bytes: int | None
    mark: Mark


class Downloaded(NamedTuple):
    """A file that is here; `etag` and `modified_at` are those of the server."""

    path: Path
    etag: str | None
    modified_at: datetime | None
    bytes: int

    @property
    def mark(self) -> Mark:
        """The mark to know this version by."""
        return Mark(self.etag, self.modified_at)


def look(dataset: Dataset, base_url: str, known: Mark | None = None) -> Offer | None:
    """Ask what the server has, without its rows: one request, two if it refuses HEAD.

    Returns:
        None if it is the version of `known`.

    Raises:
        CatalogueRefused: The server has no such file (`dataset_missing`).
        Blocked: The server refuses (401, 403 and the like).
        SiteUnavailable: No answer, 429 or 5xx.
        BadInput: The address cannot be used.
    """
    url = address(dataset, base_url)
    conditions = known.conditions() if known else {}
    with _client(base_url) as client:
        for method in ("HEAD", "GET"):
            with _asked(client, method, url, conditions) as answer:
                if method == "HEAD" and answer.status_code in (403, 405, 501):
                    continue
                if _is_unchanged(answer, known):
                    return None
                _check_status(answer, url)
                return Offer(_length(answer), Mark.of(answer))
    raise AssertionError("a GET ends the loop")


def fetch_dataset(
    dataset: Dataset,
    base_url: str,
    folder: Path,
    known: Mark | None = None,
    progress: Progress = lambda done, total: None,
) -> Downloaded | None:
    """Download a dataset unless it is the version that is known.

    Args:
        dataset: The dataset.
        base_url: The folder of the files, such as `https://datasets.imdbws.com`.
        folder: Where the file goes; made if missing.
        known: Mark of the version that was loaded last.
        progress: See `Progress`; called about once a megabyte.

    Returns:
        The whole file, as long as the server said; None if it did not change. Whether its content
        is whole is seen by `rows`.

    Raises:
        CatalogueRefused: The server has no such file (`dataset_missing`), sent something else
            (`broken_file`), or the disk cannot hold the file (`disk_full`).
        Blocked: The server refuses (401, 403 and the like).
        SiteUnavailable: No answer, 429, 5xx, or the connection was cut too often; the next call
            goes on from there.
        BadInput: Address or folder cannot be used.
    """
    url = address(dataset, base_url)
    part = _Part(folder, dataset, url)
    with _client(base_url) as client:
        for left in range(RESUMES, -1, -1):
            before = part.size
            try:
                return _fetch_once(client, part, known, progress)
            except SiteUnavailable:
                if not left or part.size <= before or part.condition is None:
                    raise
            except _OtherVersion:
                part.drop()
                continue
            time.sleep(PAUSE_SECONDS)
    raise SiteUnavailable(f"{url} was another version each time.", reason="broken_page")


def rows(path: Path, dataset: Dataset) -> Iterator[bytes]:
    """Read the rows of a file, unpacked on the way.

    Yields:
        Blocks of the file after its header line, up to 1 MB, cut anywhere.

    Raises:
        CatalogueRefused: The first line is not the known header (`header_changed`), or the file is
            cut off, damaged or no gzip (`broken_file`): this is seen at its end, so keep nothing
            of it before.
    """
    blocks, head = _unpacked(path, dataset), b""
    for block in blocks:
        head += block
        if b"\n" in block or len(head) > _LONGEST_HEADER:
            break
    line, _, rest = head.partition(b"\n")
    if line != "\t".join(dataset.header).encode():
        shown = line[:300].decode(errors="replace").replace("\t", " ")
        raise CatalogueRefused(
            f"{dataset.name} has other columns than the known ones, so it is not loaded. "
            f"Its first line is {shown!r}; expected is {' '.join(dataset.header)!r}.",
            reason="header_changed",
        )
    if rest:
        yield rest
    yield from blocks


def address(dataset: Dataset, base_url: str) -> str:
    """Return the address of a dataset's file, without user and password.

    Raises:
        BadInput: It is no address.
    """
    parts = _split(f"{base_url.rstrip('/')}/{dataset.name}.tsv.gz")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def server(base_url: str) -> str:
    """Return the host of an address, in small letters, with its port if one is named.

    Raises:
        BadInput: It is no address.
    """
    return _split(base_url).netloc.rpartition("@")[2].lower()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise BadInput(f"FILMPULSE_CATALOGUE_URL cannot be used: {error}") from error


def remove_downloads(folder: Path, names: Iterable[str] = DATASETS) -> None:
    """Remove all files and parts of files of datasets from a folder."""
    for dataset in map(DATASETS.__getitem__, names):
        part = _Part(folder, dataset, "")
        part.drop()
        part.whole.unlink(missing_ok=True)


class _OtherVersion(Exception):
    """The server no longer has the version of the part, or cannot send the rest of it."""


class _Part:
    """The part of a file that is here, and what it is a part of."""

    def __init__(self, folder: Path, dataset: Dataset, url: str) -> None:
        self.url = url
        self.whole = folder / f"{dataset.name}.tsv.gz"
        self.path = self.whole.with_suffix(".gz.part")
        self._about = self.path.with_suffix(".part.json")
        self.mark, self.total = Mark(None, None), 0
        try:
            said = json.loads(self._about.read_text(encoding="utf-8"))
            moment = said["modified_at"]
            if said["url"] == url:
                self.mark = Mark(said["etag"], datetime.fromisoformat(moment) if moment else None)
                self.total = int(said["total"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing is here, or nothing that can be used

    @property
    def size(self) -> int:
        """Bytes that are here; 0 where they cannot be used."""
        return self.path.stat().st_size if self.path.exists() and self.total else 0

    @property
    def condition(self) -> str | None:
        """The value of If-Range; None where the download must begin again."""
        return self.mark.condition_of_range if 0 < self.size < self.total else None

    def begin(self, mark: Mark, total: int) -> None:
        """Begin with a version; `total` is its bytes, 0 if the server does not say."""
        self.drop()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        self.mark, self.total = mark, total
        moment = mark.modified_at.isoformat() if mark.modified_at else None
        said = {"url": self.url, "etag": mark.etag, "modified_at": moment, "total": total}
        self._about.write_text(json.dumps(said), encoding="utf-8")

    def drop(self) -> None:
        """Remove what is here."""
        self.mark, self.total = Mark(None, None), 0
        self._about.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def finish(self) -> Downloaded:
        """Give the file its name."""
        done = Downloaded(self.whole, *self.mark, self.path.stat().st_size)
        self.path.replace(self.whole)
        self.drop()
        return done


def _fetch_once(
    client: httpx.Client, part: _Part, known: Mark | None, progress: Progress
) -> Downloaded | None:
    """Ask for the file, or for the rest of it, and write what comes."""
    headers = known.conditions() if known else {}
    if part.condition:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.condition}
    with _asked(client, "GET", part.url, headers) as answer:
        if _is_unchanged(answer, known):
            part.drop()
            return None
        if answer.status_code == 416:
            raise _OtherVersion
        _check_status(answer, part.url)
        with _disk(part):
            if answer.status_code == 206:
                _check_rest(answer, part)
            else:
                part.begin(Mark.of(answer), _length(answer) or 0)
            _check_space(part)
            _write(answer, part, progress)
            return part.finish()


def _check_rest(answer: httpx.Response, part: _Part) -> None:
    """Check that an answer is the rest of the part, of the same version.

    Raises:
        _OtherVersion: It is not.
    """
    mark = Mark.of(answer)
    expected = f"bytes {part.size}-{part.total - 1}/{part.total}"
    is_same = mark.is_of(part.mark) or mark == Mark(None, None)
    if answer.headers.get("content-range") != expected or not is_same:
        raise _OtherVersion


def _write(answer: httpx.Response, part: _Part, progress: Progress) -> None:
    """Add what comes to the part.

    Raises:
        CatalogueRefused: It is no gzip (`broken_file`).
        SiteUnavailable: It is shorter than the server said (`broken_page`).
    """
    size = told = part.path.stat().st_size
    with part.path.open("ab", buffering=0) as file:
        for block in answer.iter_raw():
            if size == 0 and not block.startswith(_GZIP[: len(block)]):
                part.drop()
                raise CatalogueRefused(
                    f"{part.url} is no gzip file: a page of a proxy or of a mirror, perhaps. "
                    "See what it shows in a browser.",
                    reason="broken_file",
                )
            _write_all(file, block)
            size += len(block)
            if size - told >= _STEP:
                told = size
                progress(size, part.total or None)
    if size < part.total:
        raise SiteUnavailable(
            f"{part.url} broke off after {size:,} of {part.total:,} bytes.", reason="broken_page"
        )
    progress(size, size)


def _write_all(file: BinaryIO, block: bytes) -> None:
    """Write a block, of which the disk may take less than all at a time."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


def _check_space(part: _Part) -> None:
    """Check that the rest of the file fits the disk.

    Raises:
        OSError: ENOSPC.
    """
    if part.total - part.path.stat().st_size > shutil.disk_usage(part.path.parent).free:
        raise OSError(errno.ENOSPC, "The file does not fit")


@contextmanager
def _disk(part: _Part) -> Iterator[None]:
    """Say what is wrong with the folder. A part that filled the disk is removed.

    Raises:
        CatalogueRefused: The disk is full (`disk_full`).
        BadInput: Nothing can be written there.
    """
    name, folder = part.whole.name, part.path.parent
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise BadInput(
                f"{name} cannot be written to {folder} ({error.strerror}): set "
                "FILMPULSE_CATALOGUE_DIR to a folder of your own."
            ) from error
        total = part.total
        part.drop()
        free = shutil.disk_usage(folder).free
        missing = f"{max(total - free, 1):,} bytes are missing" if total else "that is too little"
        raise CatalogueRefused(
            f"{name} does not fit into {folder}, where {free:,} bytes are free: {missing}. Make "
            "room, or set FILMPULSE_CATALOGUE_DIR to a folder on another disk.",
            reason="disk_full",
        ) from error


def _client(base_url: str) -> httpx.Client:
    """Return a client that heeds HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.

    User and password of the address go with its requests, but not with the addresses that httpx
    writes to the log.

    Raises:
        BadInput: One of those cannot be used, or the address.
    """
    parts = _split(base_url)
    auth = None
    if parts.username is not None:
        auth = (unquote(parts.username), unquote(parts.password or ""))
    # Nothing may be unpacked on the way: the bytes are those of the file.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        return httpx.Client(headers=headers, auth=auth, timeout=_TIMEOUT, follow_redirects=True)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise BadInput(f"The address of a proxy cannot be used: {error}") from error


@contextmanager
def _asked(
    client: httpx.Client, method: str, url: str, headers: dict[str, str]
) -> Iterator[httpx.Response]:
    """Send a request and give its answer, the body to be read; say what went wrong.

    Raises:
        SiteUnavailable: No answer, or it was cut off (`timeout`, `broken_page`, `unavailable`).
        BadInput: The address cannot be used.
    """
    try:
        with client.stream(method, url, headers=headers) as answer:
            yield answer
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise BadInput(f"FILMPULSE_CATALOGUE_URL cannot be used: {error}") from error
    except httpx.TimeoutException as error:
        raise SiteUnavailable(f"{url} gave no answer in time.", reason="timeout") from error
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        why = str(error) or type(error).__name__
        raise SiteUnavailable(f"{url} was cut off: {why}.", reason="broken_page") from error
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        raise SiteUnavailable(f"{url} could not be read: {why}.") from error


def _check_status(answer: httpx.Response, url: str) -> None:
    """Judge an answer by its status; 200 and 206 pass.

    Raises:
        CatalogueRefused: 404 or 410 (`dataset_missing`).
        SiteUnavailable: 429 (`rate_limited`), 5xx, or a status without meaning here.
        Blocked: Any other refusal.
    """
    status, action = answer.status_code, answer.headers.get("x-amzn-waf-action")
    if status in (200, 206) and not action:
        return
    if status in (404, 410):
        raise CatalogueRefused(
            f"{url} does not exist: is FILMPULSE_CATALOGUE_URL right?", reason="dataset_missing"
        )
    wait = retry_after(answer.headers, None)
    later = f" It asks to wait {wait:,.0f} seconds." if wait else ""
    if status == 429:
        raise SiteUnavailable(f"{url} gets too many requests.{later}", reason="rate_limited")
    is_refusal = 400 <= status < 500 and status not in (408, 425)  # those mean: try again
    if status == 202 or action or is_refusal:
        reason = REFUSALS.get(status, "challenge" if action else "forbidden")
        raise Blocked(f"{url} was refused (status {status}).", reason=reason, retry_after=wait)
    raise SiteUnavailable(f"{url} answered {status}.{later}")


def _is_unchanged(answer: httpx.Response, known: Mark | None) -> bool:
    """Whether an answer is the known version; a server may send it again despite the conditions."""
    is_given = answer.status_code in (200, 206) and Mark.of(answer).is_of(known)
    return known is not None and (answer.status_code == 304 or is_given)


def _length(answer: httpx.Response) -> int | None:
    """Return how many bytes the server announces; None if it does not say."""
    said = answer.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _unpacked(path: Path, dataset: Dataset) -> Iterator[bytes]:
    """Unpack a gzip file block by block; zlib checks length and CRC of each member.

    Raises:
        CatalogueRefused: It is cut off or damaged (`broken_file`).
    """
    unpack, packed, is_end = zlib.decompressobj(_MEMBER), b"", False
    try:
        with path.open("rb") as file:
            while True:
                if not packed and not is_end:
                    packed = file.read(_READ)
                    is_end = not packed
                if unpack.eof:  # another member follows, or zeros, which gzip ignores too
                    packed = packed.lstrip(b"\0")
                    if packed:
                        unpack = zlib.decompressobj(_MEMBER)
                    elif is_end:
                        return
                    continue
                block = unpack.decompress(packed, _STEP)
                if block:
                    yield block
                elif is_end:
                    raise _broken(dataset, "cut off")
                packed = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    except zlib.error as error:
        raise _broken(dataset, str(error)) from error


def _broken(dataset: Dataset, why: str) -> CatalogueRefused:
    return CatalogueRefused(
        f"The file of {dataset.name} is damaged ({why}), so it is not loaded. The next run "
        "downloads it again.",
        reason="broken_file",
    )
