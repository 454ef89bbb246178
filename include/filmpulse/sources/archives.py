"""Read the saved pages in a ZIP archive. Anyone may have made it, so everything has a limit.

Nothing is unpacked to disk, and no name in an archive is used as a path.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from filmpulse.errors import BadInput

MAX_ARCHIVE_BYTES = 100_000_000
MAX_FILES = 1_000
MAX_UNPACKED_BYTES = 1_000_000_000

_MARKS = (b"PK\x03\x04", b"PK\x05\x06")  # the start of a file, or the end of an empty archive
# The records at a ZIP's end (APPNOTE.TXT, 4.3.14 to 4.3.16); a comment of 64 KiB may follow.
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _END64_SIZE, _LOCATOR64_SIZE = 22, 56, 20
_MOST_END_BYTES = _END64_SIZE + _LOCATOR64_SIZE + _END_SIZE + 65_535
_MAX_DIRECTORY_BYTES = MAX_FILES * 4_000  # a page saved whole has dozens of files
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError,
    RuntimeError, ValueError,
)  # fmt: skip
# Documents that are ZIPs: recognised by a folder (ECMA-376), or by their member `mimetype`.
_OFFICE_FOLDERS = {
    "word": "a Word document",
    "xl": "an Excel workbook",
    "ppt": "a PowerPoint presentation",
}
_MIME_TYPES = {
    b"application/vnd.oasis.opendocument": "an OpenDocument file",
    b"application/epub+zip": "an e-book (EPUB)",
}
_SYMLINK = 0o120000
_JUNK = ("thumbs.db", "desktop.ini")
# A ZIP's dates are local times of an unknown zone; the eastmost zone is 14 hours ahead of UTC.
_EASTMOST = timedelta(hours=14)


@dataclass(frozen=True)
class Member:
    """One file of an archive: its content, or a sentence on why it cannot be read.

    `changed_at` (UTC) is never later than the file's last change; None where it is unknown.
    """

    name: str
    content: bytes | None = None
    changed_at: datetime | None = None
    problem: str | None = None


def is_archive(content: bytes) -> bool:
    """Say by its first bytes whether this is a ZIP."""
    return content.startswith(_MARKS)


def document_kind(content: bytes) -> str | None:
    """Name the kind of document that a ZIP is, such as "a Word document"; None for other ZIPs."""
    try:
        _check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _document_kind(archive)
    except (BadInput, *_UNREADABLE):
        return None


def read_archive(content: bytes, most_bytes: int) -> Iterator[Member]:
    """Yield the files of a ZIP in its order, one in memory at a time.

    Files that `is_beside_the_page` names are left out; larger ones than `most_bytes` have a
    problem.

    Raises:
        BadInput: It cannot be read, is a document (Word, Excel), or holds more than `MAX_FILES`
            files or `MAX_UNPACKED_BYTES`; then nothing is yielded.
    """
    _check_directory(content)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _UNREADABLE as error:
        raise BadInput(
            f"The ZIP cannot be read ({error}): make it again.", reason="archive"
        ) from error
    with archive:
        if kind := _document_kind(archive):
            raise BadInput(
                f"This is {kind}, not a ZIP of pages: save the page itself.", reason="archive"
            )
        entries = [e for e in archive.infolist() if not is_beside_the_page(e.filename)]
        unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_FILES or unpacked > MAX_UNPACKED_BYTES:
            raise BadInput(
                f"The ZIP holds {len(entries):,} files of {unpacked / 1e6:,.0f} MB in all, where "
                f"{MAX_FILES:,} files and {MAX_UNPACKED_BYTES / 1e6:,.0f} MB are taken: "
                "divide it into smaller ones.",
                reason="archive",
            )
        for entry in entries:
            yield _read(archive, entry, most_bytes)


def _document_kind(archive: zipfile.ZipFile) -> str | None:
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        folders = {name.partition("/")[0] for name in names}
        return next((kind for folder, kind in _OFFICE_FOLDERS.items() if folder in folders), None)
    if names[:1] == ["mimetype"]:
        declared = _read(archive, archive.infolist()[0], most_bytes=200).content or b""
        return next((kind for mark, kind in _MIME_TYPES.items() if declared.startswith(mark)), None)
    return None


def is_beside_the_page(name: str) -> bool:
    """Say whether a path is a folder, a hidden or system file, or a resource of a saved page."""
    *folders, last = name.replace("\\", "/").split("/")
    return (
        not last
        or last.startswith(".")
        or last.lower() in _JUNK
        or any(folder == "__MACOSX" or folder.endswith("_files") for folder in folders)
    )


def directory_size(file: BinaryIO) -> int | None:
    """Return the size in bytes of a ZIP's list of files, which `zipfile` reads into memory.

    Returns None where the archive is cut off. The file must be seekable.
    """
    file.seek(max(0, file.seek(0, io.SEEK_END) - _MOST_END_BYTES))
    tail = file.read()
    at = len(tail) - _END_SIZE
    if not (at >= 0 and tail.startswith(_END, at) and tail.endswith(b"\0\0")):
        at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        return None
    record = at - _LOCATOR64_SIZE - _END64_SIZE
    has_both = tail.startswith(_END64, record) and tail.startswith(_LOCATOR64, at - _LOCATOR64_SIZE)
    if record >= 0 and has_both:
        return int(struct.unpack_from("<Q", tail, record + 40)[0])
    return int(struct.unpack_from("<I", tail, at + 12)[0])


def _check_directory(content: bytes) -> None:
    """Raise `BadInput` if the list of files is missing or could fill the memory."""
    size = directory_size(io.BytesIO(content))
    if size is None:
        raise BadInput("The ZIP has no end: it is cut off. Make it again.", reason="archive")
    if size > _MAX_DIRECTORY_BYTES:
        raise BadInput(
            f"The ZIP holds more than {MAX_FILES:,} files: divide it into smaller ones.",
            reason="archive",
        )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int) -> Member:
    content, problem = b"", _problem(entry, most_bytes)
    if problem is None:
        try:
            with archive.open(entry) as file:
                content = file.read(most_bytes + 1)
        except _UNREADABLE as error:
            problem = f"is damaged ({error}): make the ZIP again"
    if is_archive(content):
        problem = "is an archive within an archive: unpack it first"
    elif len(content) > most_bytes:
        problem = _too_large(most_bytes)
    if problem is not None:
        return Member(entry.filename, problem=f"A file in the ZIP {problem}.")
    return Member(entry.filename, content, _changed_at(entry))


def _problem(entry: zipfile.ZipInfo, most_bytes: int) -> str | None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        return "has a name that leads out of its folder: it is not taken"
    if entry.flag_bits & 0x1:
        return "is encrypted: make the ZIP without a password"
    if entry.external_attr >> 16 & 0o170000 == _SYMLINK:
        return "is a link to another file: put the file itself in"
    if name.lower().endswith(".zip"):
        return "is an archive within an archive: unpack it first"
    if entry.compress_type not in _KNOWN:
        return "is packed in an unusual way: make the ZIP with the usual one (deflate)"
    return _too_large(most_bytes) if entry.file_size > most_bytes else None


def _too_large(most_bytes: int) -> str:
    return f"is larger than {most_bytes / 1e6:,.0f} MB: a saved page is 1-3 MB"


def _changed_at(entry: zipfile.ZipInfo) -> datetime | None:
    """Return when a file was changed: from a field in UTC, else from its local time."""
    try:
        return _utc_field(entry.extra) or datetime(*entry.date_time, tzinfo=UTC) - _EASTMOST
    except (ValueError, OverflowError):
        return None


def _utc_field(extra: bytes) -> datetime | None:
    """Read the time in the extra fields of Info-ZIP or of NTFS."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + size]
        at += 4 + size
        # Info-ZIP's "UT": a byte of flags, then seconds since 1970.
        if kind == 0x5455 and len(field) >= 5 and field[0] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<i", field, 1)[0], UTC)
        # NTFS: four bytes, then attribute 1 of 24 bytes: ticks of 100 ns since 1601.
        if kind == 0x000A and len(field) >= 16 and field[4:8] == b"\x01\x00\x18\x00":
            (ticks,) = struct.unpack_from("<Q", field, 8)
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
    return None
