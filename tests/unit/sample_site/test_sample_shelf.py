"""The datasets of the sample site: their headers, conditions and parts, and each switch."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from filmpulse.errors import BadInput
from filmpulse.sample_site import MOVIE_IDS, create_app
from filmpulse.sample_site.datasets import HEADERS
from filmpulse.sample_site.switches import check

TOKEN = "let-me-in"
BASICS = "/datasets/title.basics.tsv.gz"


class Client:
    """A client of one site and its controls."""

    def __init__(self, state: Path, **options: Any) -> None:
        app = create_app(state, token=TOKEN, dataset_titles=300, **options)
        self.client = TestClient(app, raise_server_exceptions=True)

    def get(self, path: str = BASICS, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={"Accept-Encoding": "identity"} | named)

    def control(self, action: str, **values: Any) -> Any:
        return self.client.post(
            f"/_control/{action}", json=values, headers={"X-Control-Token": TOKEN}
        )

    def switch(self, name: str, value: Any = True) -> None:
        answer = self.control("switch", name=name, value=value)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(_site: Client) -> Client:
    """A site as new."""
    _site.control("reset")
    return _site


def lines(answer: Any) -> list[bytes]:
    return gzip.decompress(answer.content).splitlines()


@pytest.mark.parametrize("dataset", HEADERS)
def test_every_dataset_is_offered(site: Client, dataset: str) -> None:
    answer = site.get(f"/datasets/{dataset}.tsv.gz")
    header, *rows = lines(answer)
    assert header.decode().split("\t") == HEADERS[dataset].split()
    assert len(rows) > 30
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["last-modified"].endswith("GMT")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in answer.headers


def test_head_says_what_get_says(site: Client) -> None:
    got, head = site.get(), site.client.head(BASICS)
    assert head.content == b""
    for name in ("content-length", "etag", "last-modified"):
        assert head.headers[name] == got.headers[name]


def test_a_dataset_that_is_not_there(site: Client) -> None:
    assert site.get("/datasets/title.plots.tsv.gz").status_code == 404


def test_conditions(site: Client) -> None:
    first = site.get()
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = site.get(if_none_match=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert site.client.head(BASICS, headers={"If-None-Match": etag}).status_code == 304
    assert site.get(if_modified_since=modified).status_code == 304
    assert site.get(if_modified_since="Mon, 01 Jan 2001 00:00:00 GMT").status_code == 200
    assert site.get(if_modified_since="yesterday").status_code == 200
    assert site.get(if_none_match='"other"', if_modified_since=modified).status_code == 200


def test_parts(site: Client) -> None:
    whole = site.get()
    size = len(whole.content)
    part = site.get(range="bytes=1000-")
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    assert part.content == whole.content[1000:]
    for condition in (whole.headers["etag"], whole.headers["last-modified"]):
        assert site.get(range="bytes=5-9", if_range=condition).content == whole.content[5:10]
    assert site.get(range="bytes=5-9", if_range='"other"').content == whole.content
    assert site.get(range=f"bytes={size}-").status_code == 416


def test_requests_are_noted(site: Client) -> None:
    site.get(range="bytes=5-9")
    state = site.client.get("/_control/state", headers={"X-Control-Token": TOKEN}).json()
    visit = state["requests"]["dataset"][0]
    assert (visit["method"], visit["path"], visit["range"]) == ("GET", BASICS, "bytes=5-9")


def test_a_version_changes_the_marks_and_some_rows(site: Client) -> None:
    crew = "/datasets/title.crew.tsv.gz"
    before, before_crew = site.get(), site.get(crew)
    site.switch("dataset_version", 2)
    after, after_crew = site.get(), site.get(crew)
    for old, new in ((before, after), (before_crew, after_crew)):
        assert old.headers["etag"] != new.headers["etag"]
        assert old.headers["last-modified"] != new.headers["last-modified"]
    assert lines(before) != lines(after)
    assert lines(before_crew) == lines(after_crew)
    site.switch("dataset_version", {"title.crew": 2})
    assert site.get().headers["etag"] == before.headers["etag"]
    assert site.get(crew).headers["etag"] == after_crew.headers["etag"]


def test_sizes(site: Client) -> None:
    assert len(lines(site.get())) == 301
    site.switch("dataset_titles", 1_000)
    assert len(lines(site.get())) == 1_001


def test_what_a_file_may_lack(site: Client) -> None:
    whole = lines(site.get())
    site.switch("dataset_short")
    short = lines(site.get())
    assert short[0] == whole[0]
    assert 0.4 < len(short) / len(whole) < 0.6
    site.switch("dataset_short", None)
    site.switch("dataset_header", "title.basics")
    assert lines(site.get())[0] == whole[0] + b"2"
    assert lines(site.get())[1:] == whole[1:]
    assert lines(site.get("/datasets/title.crew.tsv.gz"))[0] == b"tconst\tdirectors\twriters"
    site.switch("dataset_missing", "title.basics")
    assert site.get().status_code == 404
    assert site.get("/datasets/title.crew.tsv.gz").status_code == 200


def test_damaged_files(site: Client) -> None:
    whole = site.get()
    site.switch("dataset_corrupt")
    corrupt = site.get()
    assert len(corrupt.content) == len(whole.content)
    assert corrupt.headers["etag"] != whole.headers["etag"]
    with pytest.raises((zlib.error, gzip.BadGzipFile)):
        lines(corrupt)
    site.switch("dataset_corrupt", None)
    site.switch("dataset_truncated")
    truncated = site.get()
    assert whole.content.startswith(truncated.content)
    assert int(truncated.headers["content-length"]) == len(truncated.content)
    with pytest.raises(EOFError):
        lines(truncated)


def test_what_the_server_may_not_do(site: Client) -> None:
    whole = site.get()
    etag = whole.headers["etag"]
    site.switch("dataset_no_range")
    answer = site.get(range="bytes=5-9")
    assert (answer.status_code, answer.content) == (200, whole.content)
    assert "accept-ranges" not in answer.headers
    site.switch("dataset_no_length")
    assert "content-length" not in site.get().headers
    site.switch("dataset_no_head")
    assert site.client.head(BASICS).status_code == 405
    site.switch("dataset_deaf")
    assert site.get(if_none_match=etag).status_code == 200
    site.control("reset")
    site.switch("dataset_marks", "weak")
    assert site.get().headers["etag"] == f"W/{etag}"
    assert site.get(if_none_match=f"W/{etag}").status_code == 304
    assert site.get(range="bytes=5-9", if_range=f"W/{etag}").status_code == 200
    site.switch("dataset_marks", "modified")
    answer = site.get()
    assert "etag" not in answer.headers
    assert site.get(if_none_match=etag).status_code == 200
    assert site.get(if_modified_since=answer.headers["last-modified"]).status_code == 304
    site.switch("dataset_marks", "none")
    assert not {"etag", "last-modified"} & set(site.get().headers)


def test_refusals_of_the_whole_site_can_be_for_datasets_alone(site: Client) -> None:
    site.switch("status_403", "dataset")
    assert site.get().status_code == 403
    assert site.get("/").status_code == 200
    site.switch("status_403", None)
    site.switch("rate_limited", "dataset")
    answer = site.get()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "120")


def test_files_are_kept_and_hold_the_extra_movies(tmp_path: Path) -> None:
    first = Client(tmp_path, extra_movies=2).get()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "datasets").iterdir()}
    assert len(kept) == 1
    second = Client(tmp_path, extra_movies=2).get()
    assert second.headers["etag"] == first.headers["etag"]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    ids = [line.split(b"\t")[0].decode() for line in lines(first)]
    assert ids[1 : len(MOVIE_IDS) + 3] == [f"tt9900000{n}" for n in range(1, 9)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataset_titles", 10),
        ("dataset_titles", True),
        ("dataset_version", True),
        ("dataset_version", {"title.plots": 1}),
        ("dataset_short", "title.plots"),
        ("dataset_cuts", 0),
        ("dataset_marks", "strong"),
    ],
)
def test_wrong_values_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadInput):
        check(name, value)
