"""Rows of a dataset's file: the header is checked, damage is seen, nothing is lost or added."""

from __future__ import annotations

import gzip
import os
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.errors import CatalogueRefused
from filmpulse.sources.datasets import DATASETS
from filmpulse.sources.datasets.download import Mark, address, rows

RATINGS = DATASETS["title.ratings"]
HEADER = b"tconst\taverageRating\tnumVotes\n"


def read(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    return b"".join(rows(path, RATINGS))


def refusal(path: Path, content: bytes) -> str:
    with pytest.raises(CatalogueRefused) as error:
        read(path, content)
    return error.value.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "title.ratings.tsv.gz"


@given(st.binary(max_size=3_000), st.integers(1, 3), st.integers(0, 64))
def test_every_byte_comes_out(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, members: int, zeros: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "title.ratings.tsv.gz"
    content, step = HEADER + body, 1 + (len(HEADER) + len(body)) // members
    parts = [content[n : n + step] for n in range(0, len(content), step)]
    packed = b"".join(map(gzip.compress, parts)) + bytes(zeros)
    assert read(file, packed) == body


def test_blocks_are_small_however_well_a_file_is_packed(file: Path) -> None:
    file.write_bytes(gzip.compress(HEADER + bytes(50_000_000)))
    sizes = [len(block) for block in rows(file, RATINGS)]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1 << 20


@pytest.mark.parametrize(
    "header",
    [
        b"", b"tconst\taverageRating\n", b"tconst\taverageRating\tnumVotes\tmore\n",
        b"tconst\tnumVotes\taverageRating\n", b"tconst,averageRating,numVotes\n",
        HEADER.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + HEADER, HEADER.upper(),
        b"x" * 5_000_000, b"<html>\n",
    ],
)  # fmt: skip
def test_another_header_is_refused(file: Path, header: bytes) -> None:
    assert refusal(file, gzip.compress(header + b"tt99000001\t7.8\t5\n")) == "header_changed"


def test_a_header_alone_is_an_empty_dataset(file: Path) -> None:
    assert read(file, gzip.compress(HEADER)) == b""


def test_damage_is_seen(file: Path) -> None:
    body = b"".join(b"tt99%06d\t7.8\t%d\n" % (n, n * n) for n in range(20_000))
    whole = gzip.compress(HEADER + body)
    assert read(file, whole) == body
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        assert refusal(file, whole[:length]) in ("broken_file", "header_changed")
    wrong_crc = whole[:-8] + bytes(4) + whole[-4:]
    wrong_length = whole[:-4] + bytes(4)
    middle = len(whole) // 2
    wrong_byte = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for content in (wrong_crc, wrong_length, wrong_byte, whole + b"more", b"no gzip at all"):
        assert refusal(file, content) == "broken_file"
    raw = zlib.compress(HEADER + body)
    assert refusal(file, raw) == "broken_file"


CAPTURES = Path(os.environ.get("FILMPULSE_CAPTURES", "none")) / "imdb_tsv"


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="no rows of real files here")
def test_headers_of_real_files_are_known(file: Path) -> None:
    captures = sorted(CAPTURES.glob("*.tsv"))
    assert captures
    for capture in captures:
        content = capture.read_bytes()
        file.write_bytes(gzip.compress(content))
        dataset = DATASETS[capture.stem.rpartition("_")[2]]
        assert b"".join(rows(file, dataset)) == content.partition(b"\n")[2]


MONDAY, TUESDAY = datetime(2026, 3, 2, 13, tzinfo=UTC), datetime(2026, 3, 3, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Mark('"a"', MONDAY), Mark('"a"', TUESDAY), True),
        (Mark('"a"', MONDAY), Mark('"b"', MONDAY), False),
        (Mark('W/"a"', None), Mark('"a"', None), True),
        (Mark(None, MONDAY), Mark('"a"', MONDAY), True),
        (Mark(None, MONDAY), Mark(None, TUESDAY), False),
        (Mark(None, None), Mark(None, None), False),
        (Mark('"a"', None), None, False),
    ],
)
def test_marks(one: Mark, other: Mark | None, same: bool) -> None:
    assert one.is_of(other) == same


def test_what_may_be_asked_for_by_a_mark() -> None:
    assert Mark('"a"', MONDAY).conditions() == {
        "If-None-Match": '"a"',
        "If-Modified-Since": "Mon, 02 Mar 2026 13:00:00 GMT",
    }
    assert Mark('"a"', MONDAY).condition_of_range == '"a"'
    assert Mark('W/"a"', MONDAY).condition_of_range is None
    assert Mark(None, MONDAY).condition_of_range == "Mon, 02 Mar 2026 13:00:00 GMT"
    assert Mark(None, None).condition_of_range is None


@pytest.mark.parametrize(
    ("base", "shown"),
    [
        ("https://datasets.imdbws.com", "https://datasets.imdbws.com/title.ratings.tsv.gz"),
        ("http://me:word@mirror.example:81/a/", "http://mirror.example:81/a/title.ratings.tsv.gz"),
    ],
)
def test_addresses_are_shown_without_a_password(base: str, shown: str) -> None:
    assert address(RATINGS, base) == shown
