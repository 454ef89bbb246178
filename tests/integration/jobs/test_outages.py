"""Postgres or the lake goes away in mid-work, the disk is full, two work on one movie at once.

In each case: a sentence that says so, nothing half-stored, and a new try that ends well.
"""

from __future__ import annotations

import errno
import http.server
import importlib.util
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.waiting import wait_until

from filmpulse import jobs
from filmpulse import lake as lake_module
from filmpulse.analysis import make_analyser
from filmpulse.config import Settings
from filmpulse.errors import LakeUnavailable, Retryable, WarehouseUnavailable
from filmpulse.items import Movie, Review
from filmpulse.lake import Lake, Manifest
from filmpulse.local import object_store
from filmpulse.sample_site import MOVIE_IDS
from filmpulse.sources.browser import Browser
from filmpulse.sources.imdb import crawl
from filmpulse.warehouse import Warehouse

MOVIE = "tt99000001"
pytestmark = pytest.mark.usefixtures("one_browser")

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
FILE = Path(__file__).parents[3] / "benchmarks" / "drill_crashes.py"


def load_drill():
    spec = importlib.util.spec_from_file_location("drill_crashes", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["drill_crashes"] = module
    spec.loader.exec_module(module)
    return module


drill = load_drill()


def rows(context, statement, *values):
    with Warehouse(context.warehouse.url).connect() as connection:
        return connection.execute(statement, values).fetchall()


def count(context, table):
    return rows(context, f"SELECT count(*) AS n FROM {table}")[0]["n"]  # noqa: S608  our own words


def line_of(context, run_id):
    return rows(context, "SELECT * FROM ops.collections WHERE run_id = %s", run_id)[0]


def tables(context):
    return drill._tables({"FILMPULSE_WAREHOUSE_URL": context.warehouse.url})


def make_parts(site, warehouse_url, lake_url, **settings):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url=lake_url,
            source_urls={"imdb": site.url} if site else {},
            author_secret="for tests only", request_gap_seconds=0, page_timeout_seconds=15,
            **settings,
        )
    )  # fmt: skip


def seal(context, run_id, hour, reviews, **changes):
    """Write a collection into the lake; answer its manifest's URI."""
    at = START + timedelta(hours=hour)
    writer = context.lake.begin("imdb", MOVIE, at)
    writer.append(reviews)
    fields = {
        "run_id": run_id, "source": "imdb", "imdb_id": MOVIE, "mode": "full", "started_at": at,
        "finished_at": at, "status": "complete", "distinct_ids": len(reviews),
        "movie": Movie(imdb_id=MOVIE, title="The Glass Orchard"), "parts": tuple(writer.parts),
    }  # fmt: skip
    return writer.close(Manifest(**fields | changes))


def reviews(first, last, body="Great acting and a dull score"):
    return [
        Review(review_id=f"rw{n}", imdb_id=MOVIE, title=f"Seen {n}", body=f"{body}, {n}.")
        for n in range(first, last + 1)
    ]


def at_once(*works):
    """Let each work begin at the same moment on a thread of its own; answer what they returned."""
    barrier = threading.Barrier(len(works))

    def begin(work):
        barrier.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result(120) for done in [pool.submit(begin, work) for work in works]]


@pytest.fixture
def middle(sample_site):
    """The smallest movie whose reviews take more than one page."""
    counts = sample_site.counts()
    return min((i for i in MOVIE_IDS if counts[i] > 50), key=counts.__getitem__)


@pytest.fixture
def context(warehouse_url, tmp_path):
    return make_parts(None, warehouse_url, tmp_path.as_uri())


# --- Postgres goes away --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A Postgres that the tests may kill."""
    server = drill.Mortal(tmp_path_factory.mktemp("mortal"))
    yield server
    server.close()


@pytest.fixture
def fragile(mortal, sample_site, tmp_path):
    return make_parts(sample_site, mortal.database(), tmp_path.as_uri())


def restart(mortal):
    mortal.kill()
    mortal.start()


@pytest.mark.drill
def test_postgres_restarted_while_scraping(fragile, mortal, middle, sample_site):
    struck = []

    def strike(done, total):
        if not struck:
            struck.append(done)
            restart(mortal)

    (uri,) = jobs.collect(middle, "full", "r1", fragile, strike)
    assert struck == [25]
    line = line_of(fragile, "r1")
    assert (line["status"], line["reason"]) == ("failed", "warehouse_unavailable")
    assert "The warehouse did not answer" in line["sentence"]
    assert "\n" not in line["sentence"]
    assert jobs.load(uri, fragile).inserted == 25  # what was read before is not lost
    (uri,) = jobs.collect(middle, "full", "r1", fragile)
    jobs.load(uri, fragile)
    assert line_of(fragile, "r1")["status"] == "complete"
    assert count(fragile, "core.reviews") == sample_site.counts()[middle]


def test_postgres_away_while_scraping_is_retryable_and_loads_nothing(fragile, mortal, middle):
    with pytest.raises(WarehouseUnavailable, match="a new try is safe") as raised:
        jobs.collect(middle, "full", "r1", fragile, lambda done, total: mortal.kill())
    mortal.start()
    assert isinstance(raised.value, Retryable)
    assert line_of(fragile, "r1")["status"] == "running"  # nobody could say otherwise
    assert count(fragile, "core.reviews") == 0
    jobs.load(*jobs.collect(middle, "full", "r1", fragile), fragile)
    assert line_of(fragile, "r1")["status"] == "complete"


def test_postgres_restarted_while_loading_takes_all_of_it_back(fragile, mortal, monkeypatch):
    uri = seal(fragile, "r1", 0, reviews(1, 40))
    read = Lake.read_reviews

    def strike(lake, *args):
        for number, review in enumerate(read(lake, *args)):
            if number == 20:
                restart(mortal)
            yield review

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "read_reviews", strike)
        with pytest.raises(WarehouseUnavailable, match="taken back"):
            jobs.load(uri, fragile)
    for table in ("core.reviews", "core.movies", "ops.loads", "ops.collections"):
        assert count(fragile, table) == 0, table
    assert jobs.load(uri, fragile).inserted == 40
    before = tables(fragile)
    # the answer to the last commit was lost: whoever asks again changes nothing
    assert jobs.load(uri, fragile).changed == 0
    assert tables(fragile) == before
    assert line_of(fragile, "r1")["inserted_rows"] == 40


class Watched:
    """The lexicon, with a look at what it is given."""

    def __init__(self, look=lambda number: None, version="test"):
        self._inner, self._look = make_analyser("lexicon"), look
        self.kind, self.model, self.parameters = self._inner.kind, None, {"test": version}
        self.prompt_version = self._inner.prompt_version
        self.given = []

    def analyse(self, texts):
        def seen():
            for text in texts:
                self._look(len(self.given))
                self.given.append(text.review_id)
                yield text

        return self._inner.analyse(seen())


def test_postgres_restarted_while_scoring_loses_no_score_and_pays_for_none_twice(fragile, mortal):
    jobs.load(seal(fragile, "r1", 0, reviews(1, 400)), fragile)
    struck = Watched(lambda number: restart(mortal) if number == 399 else None)
    with pytest.raises(WarehouseUnavailable):
        jobs.analyse(MOVIE, fragile, struck)
    kept = count(fragile, "core.review_analyses")
    torn = rows(
        fragile,
        """SELECT FROM core.review_analyses a WHERE NOT EXISTS (SELECT FROM core.aspect_scores s
           WHERE (s.review_id, s.content_hash) = (a.review_id, a.content_hash))""",
    )
    assert 0 < kept < 400
    assert torn == []
    again = Watched()
    assert jobs.analyse(MOVIE, fragile, again)[:2] == (400 - kept, 400 - kept)
    assert len(again.given) == 400 - kept
    assert count(fragile, "core.review_analyses") == 400


# --- the lake goes away --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An S3 server that the tests may stop and start."""
    server = object_store.Throwaway(tmp_path_factory.mktemp("store"))
    with server as running:
        running.add_bucket("filmpulse")
    yield server
    server.__exit__()


@pytest.fixture
def by_s3(store, sample_site, warehouse_url, request):
    store.__enter__()
    yield make_parts(
        sample_site, warehouse_url, f"s3://filmpulse/{request.node.name}",
        lake_endpoint_url=store.store.url, lake_key=store.store.key,
        lake_secret=store.store.secret,
    )  # fmt: skip
    store.__exit__()


@pytest.mark.drill
def test_the_lake_away_before_scraping(by_s3, store, middle):
    store.__exit__()
    with pytest.raises(LakeUnavailable, match="could not be written in the lake"):
        jobs.collect(middle, "full", "r1", by_s3)
    line = line_of(by_s3, "r1")
    assert (line["status"], line["reason"]) == ("failed", "lake_unavailable")
    assert line["manifest_uri"] is None
    store.__enter__()
    jobs.load(*jobs.collect(middle, "full", "r1", by_s3), by_s3)
    assert line_of(by_s3, "r1")["status"] == "complete"


def test_the_lake_away_between_two_pages_leaves_no_collection(by_s3, store, middle):
    with pytest.raises(LakeUnavailable):
        jobs.collect(middle, "full", "r1", by_s3, lambda done, total: store.__exit__())
    store.__enter__()
    assert by_s3.lake.manifests() == []  # what was written of it is sealed by no manifest
    assert count(by_s3, "core.reviews") == 0
    (uri,) = jobs.collect(middle, "full", "r1", by_s3)
    assert by_s3.lake.manifests() == [uri]
    assert jobs.load(uri, by_s3).inserted == line_of(by_s3, "r1")["distinct_ids"]


def test_the_lake_away_while_loading(by_s3, store):
    uri = seal(by_s3, "r1", 0, reviews(1, 5))
    store.__exit__()
    with pytest.raises(LakeUnavailable, match="could not be read"):
        jobs.load(uri, by_s3)
    assert count(by_s3, "core.movies") == count(by_s3, "ops.loads") == 0
    store.__enter__()
    for _ in range(20):  # as Airflow does: a store that has just come back may still stumble
        try:
            assert jobs.load(uri, by_s3).inserted == 5
            break
        except LakeUnavailable:
            time.sleep(1)
    assert count(by_s3, "core.reviews") == 5


class Refusing(http.server.BaseHTTPRequestHandler):
    """An S3 endpoint that answers 503 to everything."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(503)
        self.send_header("content-length", "0")
        self.end_headers()

    do_PUT = do_HEAD = do_POST = do_GET

    def log_message(self, *args):
        pass


def lake_at(port):
    settings = Settings(
        lake_url="s3://filmpulse/x", lake_endpoint_url=f"http://127.0.0.1:{port}", lake_key="k",
        lake_secret="s",
    )  # fmt: skip
    return Lake(settings.lake_url, jobs.lake_options(settings))


def test_a_lake_that_answers_503_is_given_up_soon():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lake = lake_at(server.server_port)
    asked = []
    for work in (lambda: lake.write("a", b"b"), lambda: lake.read("a"), lake.manifests):
        before = Refusing.asked
        with pytest.raises(LakeUnavailable):
            work()
        asked.append(Refusing.asked - before)
    assert max(asked) <= 3, asked
    server.shutdown()


def test_a_lake_that_accepts_and_never_answers_is_given_up(monkeypatch):
    assert lake_module.OBJECT_SECONDS < 30
    monkeypatch.setattr(lake_module, "OBJECT_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lake = lake_at(silent.getsockname()[1])
        for work in (lambda: lake.write("a", b"b"), lambda: lake.read("a")):
            with pytest.raises(LakeUnavailable, match="no answer in time"):
                work()


FULL_DISK = """
import resource, sys
from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import FilmpulseError

parts = jobs.Context.from_settings(Settings.from_env())
full = lambda done, total: resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
try:
    jobs.collect(sys.argv[1], "full", "r2", parts, full)
except FilmpulseError as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_said_and_harms_no_earlier_collection(
    sample_site, warehouse_url, tmp_path, middle
):
    lake_url = (tmp_path / "lake").as_uri()
    context = make_parts(sample_site, warehouse_url, lake_url)
    (first,) = jobs.collect(middle, "full", "r1", context)
    jobs.load(first, context)
    before = tables(context)
    # No file of the worker may grow beyond 64 bytes once the first page has been written.
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), middle],
        capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {
            "FILMPULSE_WAREHOUSE_URL": warehouse_url, "FILMPULSE_LAKE_URL": lake_url,
            "FILMPULSE_IMDB_URL": sample_site.url, "FILMPULSE_REQUEST_GAP_SECONDS": "0",
            "FILMPULSE_AUTHOR_SECRET": "for tests only",
        },
    )  # fmt: skip
    assert done.stdout.startswith("LakeUnavailable"), done.stderr
    assert "reviews-00002.jsonl.gz could not be written" in done.stdout
    line = line_of(context, "r2")
    assert (line["status"], line["reason"]) == ("failed", "lake_unavailable")
    assert "reviews-00002.jsonl.gz" in line["sentence"]
    assert context.lake.manifests() == [first]
    assert not list(tmp_path.rglob("*.part"))
    assert {p.stat().st_size > 64 for p in tmp_path.rglob("*.gz")} == {True}  # none is cut short
    assert len(list(context.lake.read_reviews(first, context.lake.read_manifest(first)))) > 50
    assert tables(context) == before
    jobs.load(*jobs.collect(middle, "full", "r2", context), context)
    assert line_of(context, "r2")["status"] == "complete"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 1 MiB of its own, which goes with the process that mounted it."""
    inner = tmp_path / "disk"
    inner.mkdir()
    # As root, or else as the root of a user namespace of its own, where the kernel allows one.
    namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "none", str(inner)]
    script = f"{shlex.join(mount)} && echo ready && read end"
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("only Linux has disks of one process")
    with subprocess.Popen(
        [*namespace, "sh", "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"no disk may be mounted here: {holder.stderr.read().strip()}")
        yield Path(f"/proc/{holder.pid}/root{inner}")
        holder.stdin.close()


def fill(folder):
    """Write until the disk is full; answer the file that takes up all of it."""
    filler = folder / "filler"
    with pytest.raises(OSError, match="No space") as full:
        filler.write_bytes(b"x" * 2**21)
    assert full.value.errno == errno.ENOSPC
    return filler


@pytest.mark.drill
def test_a_disk_that_is_full_in_truth_is_said_in_its_own_words(
    sample_site, warehouse_url, small_disk, middle
):
    context = make_parts(sample_site, warehouse_url, (small_disk / "lake").as_uri())
    (first,) = jobs.collect(middle, "full", "r1", context)
    jobs.load(first, context)
    before = tables(context)
    fillers = []
    with pytest.raises(LakeUnavailable, match="No space left on device") as raised:
        jobs.collect(
            middle, "full", "r2", context, lambda done, total: fillers.append(fill(small_disk))
        )
    assert isinstance(raised.value, Retryable)
    line = line_of(context, "r2")
    assert (line["status"], line["reason"]) == ("failed", "lake_unavailable")
    assert re.search(
        r"reviews-00002\.jsonl\.gz could not be written in the lake: .*No space left on device",
        line["sentence"],
    )
    assert context.lake.manifests() == [first]
    assert not list(small_disk.rglob("*.part"))
    assert len(list(context.lake.read_reviews(first, context.lake.read_manifest(first)))) > 50
    assert tables(context) == before
    (filler,) = fillers
    filler.unlink()
    jobs.load(*jobs.collect(middle, "full", "r2", context), context)
    assert line_of(context, "r2")["status"] == "complete"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_no_space_at_all_leaves_no_half_object(tmp_path, monkeypatch):
    """Where no disk may be mounted: the device that is always full, in place of an object."""
    lake = Lake(tmp_path.as_uri())
    lake.write("some/object", b"as it was")
    name = SimpleNamespace(hex="known")
    monkeypatch.setattr(lake_module, "uuid", SimpleNamespace(uuid4=lambda: name))
    (tmp_path / "some" / "object.known.part").symlink_to("/dev/full")
    with pytest.raises(LakeUnavailable, match=r"could not be written .*No space left on device"):
        lake.write("some/object", b"another")
    assert lake.names("") == ["some/object"]
    assert lake.read("some/object") == b"as it was"


# --- two at once ---------------------------------------------------------------------------------


@pytest.fixture
def twin(databases, _warehouse_template, tmp_path_factory):
    url = databases.create(_warehouse_template)
    yield make_parts(None, url, tmp_path_factory.mktemp("twin").as_uri())
    databases.drop(url)


@pytest.mark.drill
def test_two_runs_on_one_movie_at_once(
    sample_site, warehouse_url, tmp_path, twin, middle, monkeypatch
):
    monkeypatch.setattr(crawl, "Browser", Browser)  # each run has one of its own
    context = make_parts(sample_site, warehouse_url, tmp_path.as_uri())
    alone = make_parts(sample_site, twin.warehouse.url, twin.settings.lake_url)

    def run(run_id, mode, context):
        # each as a task has it: parts of its own
        own = jobs.Context.from_settings(context.settings)
        jobs.plan([middle], mode, run_id, own)
        jobs.load(*jobs.collect(middle, mode, run_id, own), own)
        jobs.analyse(middle, own)
        return jobs.summarise(run_id, own)

    run("alone", "full", alone)
    at_once(
        lambda: run("manual__1", "full", context),
        lambda: run("detected__1", "incremental", context),
    )
    assert tables(context) == tables(alone)
    sample_site.control("publish", imdb_id=middle, count=3)
    run("alone again", "full", alone)
    at_once(
        lambda: run("manual__2", "full", context),
        lambda: run("detected__2", "incremental", context),
    )
    assert tables(context) == tables(alone)


def test_two_loads_of_one_movie_at_once(context, twin):
    """An older and a newer collection, which differ in what they add, edit and lack."""
    for number in range(6):
        hour, first = 3 * number, 10 * number
        made = [
            [
                seal(where, f"a{number}", hour, reviews(first, first + 30)),
                seal(where, f"b{number}", hour + 1, reviews(first + 5, first + 35, "Dull story")),
            ]
            for where in (context, twin)
        ]
        at_once(*(lambda uri=uri: jobs.load(uri, context) for uri in made[0]))
        for uri in made[1]:
            jobs.load(uri, twin)
        assert tables(context) == tables(twin)


def test_one_collection_loaded_by_two_at_once(context):
    for number in range(5):
        uri = seal(context, f"r{number}", number, reviews(1, 20 + number))
        found = at_once(*[lambda uri=uri: jobs.load(uri, context)] * 2)
        assert sorted(loaded.changed for loaded in found) == [0, 20 if number == 0 else 1]
    assert count(context, "core.reviews") == 24
    assert count(context, "ops.loads") == 5


def test_one_movie_scored_by_two_at_once_is_read_once(context):
    jobs.load(seal(context, "r1", 0, reviews(1, 60)), context)
    both = [Watched(lambda number: time.sleep(0.002)) for _ in range(2)]
    found = at_once(*(lambda one=one: jobs.analyse(MOVIE, context, one) for one in both))
    assert sorted(one.scored for one in found) == [0, 60]
    assert sorted(both[0].given + both[1].given) == sorted(f"rw{n}" for n in range(1, 61))
    assert count(context, "core.review_analyses") == 60


def test_a_new_analyser_is_registered_once_by_many_at_once(context):
    for number in range(15):
        news = [Watched(version=number) for _ in range(6)]
        at_once(*(lambda one=one: jobs.analyse(MOVIE, context, one) for one in news))
    assert count(context, "core.analysers") == 15


def test_a_killed_scorer_lets_go(context):
    """The lock is its connection's: no other waits for a worker that is gone."""
    jobs.load(seal(context, "r1", 0, reviews(1, 3)), context)
    with Warehouse(context.warehouse.url).session() as dead:
        dead.execute(
            "SELECT pg_advisory_lock(hashtextextended('scoring ' || %(i)s, 0))", {"i": MOVIE}
        )
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(jobs.analyse, MOVIE, context)
            wait_until(
                lambda: count(context, "pg_locks WHERE locktype = 'advisory' AND NOT granted")
            )
            assert not waiting.done()
            os.close(dead.fileno())  # as the kernel does with a killed process's sockets
            assert waiting.result(20).scored == 3
