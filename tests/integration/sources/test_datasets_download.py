"""Downloads of datasets from the sample site's server, under each of its switches."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from filmpulse.errors import BadInput, Blocked, CatalogueRefused, FilmpulseError, SiteUnavailable
from filmpulse.local import ports
from filmpulse.sources.datasets import DATASETS, download
from filmpulse.sources.datasets.download import (
    Downloaded,
    Mark,
    address,
    fetch_dataset,
    look,
    remove_downloads,
    rows,
)

if TYPE_CHECKING:
    from conftest import SampleSite

AKAS, BASICS, RATINGS = (DATASETS[name] for name in ("title.akas", "title.basics", "title.ratings"))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0)


class Server:
    """The sample site's datasets."""

    def __init__(self, site: SampleSite) -> None:
        self.site, self.url = site, f"{site.url}/datasets"

    def switch(self, name: str, value: Any = True) -> None:
        self.site.control("switch", name=name, value=value)

    def content(self, name: str = "title.basics") -> bytes:
        return httpx.get(f"{self.url}/{name}.tsv.gz", trust_env=False).content

    def asked(self) -> list[tuple[str, str | None]]:
        """Return method and Range of each request for a dataset."""
        visits = self.site.state()["requests"].get("dataset", [])
        return [(visit["method"], visit.get("range")) for visit in visits]


@pytest.fixture
def server(sample_site: SampleSite) -> Server:
    return Server(sample_site)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def reason(error: pytest.ExceptionInfo[FilmpulseError]) -> str:
    return error.value.reason


def fetched(server: Server, folder: Path, known: Mark | None = None) -> Downloaded:
    found = fetch_dataset(BASICS, server.url, folder, known)
    assert found is not None
    return found


def test_a_file_comes_whole_under_our_own_name(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    folder = tmp_path / "not" / "there"
    found = fetch_dataset(
        BASICS, f"{server.url}/", folder, None, lambda done, total: told.append((done, total))
    )
    assert found is not None
    assert found.path.read_bytes() == server.content()
    assert names(folder) == {"title.basics.tsv.gz"}
    assert found.bytes == found.path.stat().st_size
    assert found.etag
    assert found.modified_at
    assert found.modified_at.utcoffset() is not None
    assert told[-1] == (found.bytes, found.bytes)


def test_rows_are_those_of_the_file(server: Server, tmp_path: Path) -> None:
    found = fetched(server, tmp_path)
    made = gzip.decompress(found.path.read_bytes()).partition(b"\n")[2]
    assert b"".join(rows(found.path, BASICS)) == made


def test_an_unchanged_file_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    found = fetched(server, tmp_path)
    assert fetch_dataset(BASICS, server.url, tmp_path, found.mark) is None
    assert fetch_dataset(BASICS, server.url, tmp_path, Mark(None, found.modified_at)) is None
    assert look(BASICS, server.url, found.mark) is None
    server.switch("dataset_deaf")
    assert fetch_dataset(BASICS, server.url, tmp_path, found.mark) is None
    assert look(BASICS, server.url, found.mark) is None


def test_a_new_version_is_sent(server: Server, tmp_path: Path) -> None:
    old = fetched(server, tmp_path)
    server.switch("dataset_version", 1)
    new = fetched(server, tmp_path, old.mark)
    assert new.mark != old.mark
    assert new.path.read_bytes() == server.content()


@pytest.mark.parametrize("marks", ["modified", "weak", "none"])
def test_servers_with_fewer_marks(server: Server, tmp_path: Path, marks: str) -> None:
    server.switch("dataset_marks", marks)
    found = fetched(server, tmp_path)
    again = fetch_dataset(BASICS, server.url, tmp_path, found.mark)
    assert (again is None) == (marks != "none")


def test_look_says_what_would_come(server: Server, tmp_path: Path) -> None:
    offer, found = look(BASICS, server.url), fetched(server, tmp_path)
    assert offer == (found.bytes, found.mark)
    assert server.asked()[0] == ("HEAD", None)
    server.switch("dataset_no_head")
    assert look(BASICS, server.url) == offer
    assert server.asked()[-2:] == [("HEAD", None), ("GET", None)]
    assert look(BASICS, server.url, found.mark) is None
    server.switch("dataset_no_length")
    silent = look(BASICS, server.url)
    assert silent is not None
    assert silent.bytes is None


def test_a_cut_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    whole = server.content()
    server.switch("dataset_cuts", 2)
    found = fetched(server, tmp_path)
    assert found.path.read_bytes() == whole
    half = len(whole) // 2
    three_quarters = half + (len(whole) - half) // 2
    ranges = [wanted for _, wanted in server.asked()[1:]]
    assert ranges == [None, f"bytes={half}-", f"bytes={three_quarters}-"]


def cut(server: Server, folder: Path) -> int:
    """Begin a download that is cut until the call gives up; return how many bytes are here."""
    server.switch("dataset_cuts", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download, "RESUMES", 0)
        with pytest.raises(SiteUnavailable) as error:
            fetch_dataset(BASICS, server.url, folder)
    assert reason(error) == "broken_page"
    assert names(folder) == {"title.basics.tsv.gz.part", "title.basics.tsv.gz.part.json"}
    return (folder / "title.basics.tsv.gz.part").stat().st_size


def test_a_later_call_goes_on(server: Server, tmp_path: Path) -> None:
    size = cut(server, tmp_path)
    found = fetched(server, tmp_path)
    assert server.asked()[-1] == ("GET", f"bytes={size}-")
    assert found.path.read_bytes() == server.content()
    assert names(tmp_path) == {"title.basics.tsv.gz"}


def test_it_gives_up_after_some_cuts(server: Server, tmp_path: Path) -> None:
    server.switch("dataset_cuts", 100)
    with pytest.raises(SiteUnavailable) as error:
        fetched(server, tmp_path)
    assert reason(error) == "broken_page"
    assert len(server.asked()) == 1 + download.RESUMES
    server.switch("dataset_cuts", None)
    assert fetched(server, tmp_path).path.read_bytes() == server.content()


@pytest.mark.parametrize("switch", [None, "dataset_no_range"])
def test_a_file_that_changed_meanwhile_begins_again(
    server: Server, tmp_path: Path, switch: str | None
) -> None:
    cut(server, tmp_path)
    server.switch("dataset_version", 1)
    if switch:
        server.switch(switch)
    found = fetched(server, tmp_path)
    assert found.path.read_bytes() == server.content()


def test_a_part_of_the_known_version_is_dropped(server: Server, tmp_path: Path) -> None:
    """The server went back to the version that was loaded: nothing is left to do."""
    known, folder = fetched(server, tmp_path).mark, tmp_path / "cut"
    server.switch("dataset_version", 1)
    cut(server, folder)
    server.switch("dataset_version", None)
    assert fetch_dataset(BASICS, server.url, folder, known) is None
    assert names(folder) == set()


@pytest.mark.parametrize("marks", ["modified", "weak", "none"])
def test_without_a_strong_etag_a_date_must_do(server: Server, tmp_path: Path, marks: str) -> None:
    server.switch("dataset_marks", marks)
    size = cut(server, tmp_path)
    found = fetched(server, tmp_path)
    assert server.asked()[-1] == ("GET", f"bytes={size}-" if marks == "modified" else None)
    assert found.path.read_bytes() == server.content()


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    server.switch("dataset_no_range")
    cut(server, tmp_path)
    assert fetched(server, tmp_path).path.read_bytes() == server.content()


def test_a_server_that_does_not_say_how_long(server: Server, tmp_path: Path) -> None:
    server.switch("dataset_no_length")
    told: list[tuple[int, int | None]] = []
    found = fetch_dataset(AKAS, server.url, tmp_path, None, lambda *bytes: told.append(bytes))
    assert found is not None
    assert found.path.read_bytes() == server.content("title.akas")
    cut(server, tmp_path / "other")
    assert fetched(server, tmp_path / "other").path.read_bytes() == server.content()


def test_a_server_that_announces_more_than_it_sends(server: Server, tmp_path: Path) -> None:
    server.switch("dataset_long")
    with pytest.raises(SiteUnavailable) as error:
        fetched(server, tmp_path)
    assert reason(error) == "broken_page"
    assert "title.basics.tsv.gz" not in names(tmp_path)
    server.switch("dataset_long", None)  # the part is as long as the file: it is asked for anew
    assert fetched(server, tmp_path).path.read_bytes() == server.content()


@pytest.mark.parametrize("part", [b"rubbish", b""])
@pytest.mark.parametrize("about", ["", "{}", '{"url": 1}', "[]", '{"url": "x"'])
def test_a_part_that_tells_nothing_is_overwritten(
    server: Server, tmp_path: Path, part: bytes, about: str
) -> None:
    (tmp_path / "title.basics.tsv.gz.part").write_bytes(part)
    (tmp_path / "title.basics.tsv.gz.part.json").write_text(about)
    assert fetched(server, tmp_path).path.read_bytes() == server.content()
    assert server.asked()[0] == ("GET", None)


def test_a_part_from_another_address_is_overwritten(server: Server, tmp_path: Path) -> None:
    cut(server, tmp_path)
    about = tmp_path / "title.basics.tsv.gz.part.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"url": "https://mirror.example"}))
    assert fetched(server, tmp_path).path.read_bytes() == server.content()
    assert server.asked()[-2] == ("GET", None)


@pytest.mark.parametrize("more", [0, 100])
def test_a_part_that_is_too_long_is_overwritten(server: Server, tmp_path: Path, more: int) -> None:
    cut(server, tmp_path)
    whole = server.content()
    (tmp_path / "title.basics.tsv.gz.part").write_bytes(whole + bytes(more))
    assert fetched(server, tmp_path).path.read_bytes() == whole


REFUSALS: list[tuple[str, Any, type[FilmpulseError], str]] = [
    ("dataset_missing", True, CatalogueRefused, "dataset_missing"),
    ("status_403", "dataset", Blocked, "forbidden"),
    ("waf_challenge", "dataset", Blocked, "challenge"),
    ("captcha", "dataset", Blocked, "captcha"),
    ("rate_limited", "dataset", SiteUnavailable, "rate_limited"),
    ("server_error", "dataset", SiteUnavailable, "unavailable"),
    ("reset", "dataset", SiteUnavailable, "broken_page"),
]


@pytest.mark.parametrize(("switch", "value", "kind", "why"), REFUSALS)
def test_refusals(
    server: Server, tmp_path: Path, switch: str, value: Any, kind: type[FilmpulseError], why: str
) -> None:
    server.switch(switch, value)
    server.switch("retry_after", 77)
    for ask in (lambda: look(BASICS, server.url), lambda: fetched(server, tmp_path)):
        with pytest.raises(kind) as error:
            ask()
        assert reason(error) == why
        if why == "rate_limited":
            assert "77 seconds" in str(error.value)
    assert names(tmp_path) == set()


def test_a_page_in_place_of_the_file(server: Server, tmp_path: Path) -> None:
    server.switch("challenge_page", "dataset")
    with pytest.raises(CatalogueRefused) as error:
        fetched(server, tmp_path)
    assert reason(error) == "broken_file"
    assert names(tmp_path) == set()


def test_nobody_answers(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{ports.choose()}"
    for ask in (lambda: look(BASICS, url), lambda: fetch_dataset(BASICS, url, tmp_path)):
        with pytest.raises(SiteUnavailable) as error:
            ask()
        assert reason(error) == "unavailable"


def test_an_answer_that_does_not_come(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", httpx.Timeout(0.2))
    server.switch("slow", 5.0)
    with pytest.raises(SiteUnavailable) as error:
        fetched(server, tmp_path)
    assert reason(error) == "timeout"


def test_a_server_that_falls_silent(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", httpx.Timeout(2, connect=20))
    server.content()  # made before, so that the answer begins at once
    server.switch("dataset_rate", 1_000)
    with pytest.raises(SiteUnavailable) as error:
        fetched(server, tmp_path)
    assert reason(error) == "timeout"


@pytest.mark.parametrize("url", ["datasets", "ftp://127.0.0.1/x", "http://[::"])
def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    for ask in (lambda: look(BASICS, url), lambda: fetch_dataset(BASICS, url, tmp_path)):
        with pytest.raises(BadInput, match="FILMPULSE_CATALOGUE_URL"):
            ask()


@pytest.mark.parametrize("switch", ["dataset_corrupt", "dataset_truncated"])
def test_a_damaged_file_is_seen_when_it_is_read(
    server: Server, tmp_path: Path, switch: str
) -> None:
    server.switch(switch)
    found = fetched(server, tmp_path)
    with pytest.raises(CatalogueRefused) as error:
        list(rows(found.path, BASICS))
    assert reason(error) == "broken_file"


def test_a_changed_header_is_refused_before_any_row(server: Server, tmp_path: Path) -> None:
    server.switch("dataset_header")
    found = fetched(server, tmp_path)
    with pytest.raises(CatalogueRefused) as error:
        next(rows(found.path, BASICS))
    assert reason(error) == "header_changed"
    assert "genres2" in str(error.value)


def test_a_short_file_is_whole(server: Server, tmp_path: Path) -> None:
    """Only who knows the last count sees that rows are missing."""
    server.switch("dataset_short")
    found = fetched(server, tmp_path)
    assert b"".join(rows(found.path, BASICS)).count(b"\n") == 1_000


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BadInput, match="FILMPULSE_CATALOGUE_DIR"):
        fetched(server, file)


def test_a_file_that_does_not_fit_is_not_begun(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(server.content())
    usage = shutil.disk_usage(tmp_path)._replace(free=size - 1_234)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CatalogueRefused) as error:
        fetched(server, tmp_path)
    assert reason(error) == "disk_full"
    assert "1,234 bytes are missing" in str(error.value)
    assert names(tmp_path) == set()


FILLED = """
import sys
from pathlib import Path
from filmpulse.errors import CatalogueRefused
from filmpulse.sources.datasets import DATASETS
from filmpulse.sources.datasets.download import fetch_dataset
import shutil
if sys.argv[3] == "unseen":  # the disk fills up during the download
    shutil.disk_usage = lambda path, real=shutil.disk_usage: real(path)._replace(free=1 << 40)
folder = Path(sys.argv[2])
try:
    fetch_dataset(DATASETS["title.principals"], sys.argv[1], folder)
except CatalogueRefused as error:
    print(error.reason, sorted(path.name for path in folder.iterdir()))
"""


@pytest.mark.parametrize("how", ["seen", "unseen"])
def test_a_disk_that_is_full(server: Server, tmp_path: Path, how: str) -> None:
    """A real one: a file system of 64 kB, where the user may make one."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"]).returncode:
        pytest.skip("no file system of one's own can be mounted here")
    server.content("title.principals")
    script = 'mount -t tmpfs -o size=64k none "$2" && exec "$0" -c "$3" "$1" "$2" "$4"'
    ran = subprocess.run(
        [*namespace, "sh", "-c", script, sys.executable, server.url, str(tmp_path), FILLED, how],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "disk_full []\n"


class Proxy(BaseHTTPRequestHandler):
    """A proxy for plain HTTP; notes what it is asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"GET {self.path}")
        path = urlsplit(self.path).path
        answer = httpx.get(f"{self.upstream}{path}", trust_env=False)  # type: ignore[attr-defined]
        self.send_response(answer.status_code)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def do_CONNECT(self) -> None:
        self.asked.append(f"CONNECT {self.path}")
        self.send_error(403)

    def log_message(self, *parts: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(sample_site: SampleSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    handler = type("OneProxy", (Proxy,), {"asked": [], "upstream": sample_site.url})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield f"http://127.0.0.1:{running.server_port}", handler
    running.shutdown()
    running.server_close()
    thread.join()


def test_proxies_of_the_environment_are_used(
    server: Server, tmp_path: Path, proxy: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = proxy
    monkeypatch.setenv("HTTP_PROXY", url)
    found = fetch_dataset(BASICS, "http://datasets.example/datasets", tmp_path)
    assert found is not None
    assert found.path.read_bytes() == server.content()
    assert handler.asked == ["GET http://datasets.example/datasets/title.basics.tsv.gz"]
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(SiteUnavailable):
        look(BASICS, "https://datasets.example")
    assert handler.asked[-1] == "CONNECT datasets.example:443"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert look(BASICS, server.url) is not None
    assert len(handler.asked) == 2


def test_a_proxy_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1")
    with pytest.raises(BadInput, match="proxy"):
        look(BASICS, "http://datasets.example")


def test_a_mirror_may_redirect_and_ask_for_a_password(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    class Mirror(Proxy):
        asked = seen

        def do_GET(self) -> None:
            seen.append(str(self.headers["authorization"]))
            self.send_response(302)
            self.send_header("location", f"{server.url}/title.basics.tsv.gz")
            self.send_header("content-length", "0")
            self.end_headers()

    running = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    base = f"http://me:secret%2Dword@127.0.0.1:{running.server_port}/x"
    with caplog.at_level("DEBUG"):
        found = fetch_dataset(BASICS, base, tmp_path)
    assert found is not None
    assert "title.basics.tsv.gz" in caplog.text
    assert "secret" not in caplog.text
    assert found.path.read_bytes() == server.content()
    assert seen[0] == "Basic " + base64.b64encode(b"me:secret-word").decode()
    assert address(BASICS, base) == f"http://127.0.0.1:{running.server_port}/x/title.basics.tsv.gz"
    running.shutdown()
    running.server_close()
    thread.join()
    with pytest.raises(SiteUnavailable) as error:
        look(BASICS, base)
    assert "secret" not in str(error.value)


def test_downloads_are_removed(server: Server, tmp_path: Path) -> None:
    fetched(server, tmp_path)
    fetch_dataset(RATINGS, server.url, tmp_path)
    cut(server, tmp_path / "cut")
    (tmp_path / "kept.txt").touch()
    remove_downloads(tmp_path)
    remove_downloads(tmp_path / "cut")
    remove_downloads(tmp_path / "missing")
    assert names(tmp_path) == {"kept.txt", "cut"}
    assert names(tmp_path / "cut") == set()


# A process of its own: the sample site's server answers from a thread of this one.
PEAKS = """
import sys, tracemalloc
from pathlib import Path
from filmpulse.sources.datasets import DATASETS
from filmpulse.sources.datasets.download import fetch_dataset, look, rows

akas = DATASETS["title.akas"]
look(akas, sys.argv[1])  # modules that httpx loads with its first request do not count
tracemalloc.start()
found = fetch_dataset(akas, sys.argv[1], Path(sys.argv[2]))
print(tracemalloc.get_traced_memory()[1])
tracemalloc.reset_peak()
unpacked = sum(len(block) for block in rows(found.path, akas))
print(tracemalloc.get_traced_memory()[1])
print(unpacked)
"""


def test_memory_does_not_grow_with_the_file(server: Server, tmp_path: Path) -> None:
    server.switch("dataset_titles", 100_000)
    size = len(server.content("title.akas"))
    assert size > 5_000_000
    words = [sys.executable, "-c", PEAKS, server.url, str(tmp_path)]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    download, reading, unpacked = map(int, ran.stdout.split())
    assert unpacked > 20_000_000
    assert download < size / 5
    assert reading < 4_000_000
