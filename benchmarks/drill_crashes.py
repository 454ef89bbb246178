"""Kill -9 at random moments of scrape, load and analyse, again and again, and compare the outcome.

The victims are the worker, its browser, the browser's driver, Postgres (the whole server, started
again as an operator would) and one of its backends (the server recovers by itself). After each
kill the work goes on as Airflow goes on: the task that was hit is tried again, or a new run begins.
At the end, after one try in peace, the tables must equal those of a warehouse that was never
disturbed, the lake must be whole, and nothing may be left: no browser, no driver, no folder.

Everything is throwaway: a Postgres of its own (with fsync, as in earnest), a lake in files, a
sample site. `make bench` does not run it; the test suite runs a short one.

    python benchmarks/drill_crashes.py --kills 300 [--seed 7]
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import queue
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

STAGES = ("scrape", "load", "analyse")
# How often each is chosen; browser and driver live in scrape only.
VICTIMS = {"worker": 10, "browser": 3, "driver": 2, "postgres": 4, "backend": 3}
MOVIE_REVIEWS = 60  # three pages
PATIENCE = 300.0  # seconds for anything that must end or start by itself; ends only what hangs


class DrillError(AssertionError):
    """Something was lost, doubled, half-stored or left behind."""


@dataclass
class Tally:
    """What was done and seen.

    Attributes:
        hits: Kills that met a worker at work, by stage and victim.
        errors: What workers that were not killed themselves said, by class.
        missed: Kills that came too late: the work was done.
        tries: Workers started.
        reviews: Reviews of the movie in the end.
        seconds: Wall clock.
    """

    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    tries: int = 0
    reviews: int = 0
    seconds: float = 0

    @property
    def kills(self) -> int:
        """All kills that hit."""
        return self.hits.total()

    def by(self, position: int) -> Counter[str]:
        """Count the hits by stage (0) or by victim (1)."""
        found: Counter[str] = Counter()
        for key, count in self.hits.items():
            found[key[position]] += count
        return found


# --- the worker: one process that is forked from another that has imported everything ------------


def _tell(*words: object) -> None:
    """Say one line, whole or not at all: the next one may be another process's."""
    os.write(1, (" ".join(map(str, words)).replace("\n", " ") + "\n").encode())


def serve() -> None:
    """Fork a worker for each job that comes as a line of JSON; say how each one ended."""
    from filmpulse import jobs
    from filmpulse.analysis import make_analyser
    from filmpulse.analysis.language import detect_language
    from filmpulse.config import Settings
    from filmpulse.sources import browser  # noqa: F401  imported once, here, for all workers

    faulthandler.register(signal.SIGUSR1, all_threads=True)
    make_analyser("lexicon")
    detect_language("The model is read once, here, for all workers.")
    _tell("ready")
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            _tell("worker", os.getpid())
            context = jobs.Context.from_settings(Settings.from_env())
            os._exit(_work(json.loads(line), context))
        _, status = os.waitpid(worker, 0)
        _tell("ended", os.waitstatus_to_exitcode(status))


def _work(job: dict[str, Any], context: Any) -> int:
    from filmpulse import jobs
    from filmpulse.errors import FilmpulseError

    imdb_id, run_id, uri = job["imdb_id"], job["run_id"], job["uri"]
    try:
        if job["stage"] == "scrape":
            jobs.plan([imdb_id], "full", run_id, context)
            _tell("stage scrape")
            (uri,) = jobs.collect(imdb_id, "full", run_id, context)
            _tell("collected", uri)
        if job["stage"] in ("scrape", "load"):
            _tell("stage load")
            jobs.load(uri, context)
        _tell("stage analyse")
        jobs.analyse(imdb_id, context)
        _tell("done")
    except FilmpulseError as error:
        _tell("error", type(error).__name__, error)
        return 1
    except Exception as error:
        _tell("fault", repr(error))
        return 2
    return 0


class Nursery:
    """The process that forks workers, and what it says."""

    def __init__(self, env: dict[str, str]) -> None:
        """Start it, and wait until it has imported everything."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.pid = self._process.pid
        self._said: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.next()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(line.rstrip("\n"))
        self._said.put(None)

    def start(self, job: dict[str, Any]) -> None:
        """Start a worker on a job."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def next(self, seconds: float = PATIENCE) -> tuple[str, str]:
        """Return the next thing said: a word and the rest."""
        try:
            line = self._said.get(timeout=seconds)
        except queue.Empty:
            raise DrillError(f"The worker said nothing for {seconds:g} s.") from None
        if line is None:
            raise DrillError("The process that starts workers ended.")
        word, _, rest = line.partition(" ")
        return word, rest

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


# --- a Postgres that can be killed ----------------------------------------------------------------


class Mortal:
    """A Postgres of one's own, with crash safety, to be killed and started again."""

    def __init__(self, directory: Path) -> None:
        """Make it and start it."""
        from filmpulse.local import ports, postgres

        self.server = postgres.Server(
            directory / "postgres", ports.choose(), secrets.token_hex(8), durable=True
        )
        self.server.prepare()
        self._log = directory / "postgres.log"
        self._password = secrets.token_hex(8)
        self.start()
        self.server.add_owner("filmpulse", self._password, "CREATEROLE", "CREATEDB")

    def database(self) -> str:
        """Make a warehouse and return its owner's address."""
        from psycopg import sql

        from filmpulse.local import postgres
        from filmpulse.warehouse.migrate import migrate

        name = f"drill_{secrets.token_hex(4)}"
        with self.server.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER filmpulse TEMPLATE template0").format(
                    sql.Identifier(name)
                )
            )
        url = postgres.address("filmpulse", self._password, self.server.port, name)
        migrate(url)
        return url

    def start(self) -> None:
        """Start it and wait; again while the memory of the one before is still in use."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self.server.command(), stdout=log, stderr=log, start_new_session=True, cwd="/"
                )
            while self._process.poll() is None:
                if self.server.is_ready():
                    return
                if time.monotonic() > deadline:
                    raise DrillError(f"Postgres did not come back; see {self._log}.")
                time.sleep(0.05)
            time.sleep(0.2)

    def wait_until_ready(self) -> None:
        """Wait for the end of a recovery."""
        deadline = time.monotonic() + PATIENCE
        while not self.server.is_ready():
            if time.monotonic() > deadline:
                raise DrillError(f"Postgres did not recover; see {self._log}.")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server's main process; its children notice and end."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def kill_backend(self, database: str) -> bool:
        """Kill the process that serves one of our connections; False when there is none."""
        import psycopg

        try:
            with self.server.connect() as connection:
                row = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s "
                    "AND application_name = 'filmpulse' ORDER BY random() LIMIT 1",
                    [database],
                ).fetchone()
                if row is None:
                    return False
                os.kill(row[0], signal.SIGKILL)
        except (psycopg.Error, ProcessLookupError):
            return False
        return True

    def close(self) -> None:
        """Stop it at once."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


# --- the drill ------------------------------------------------------------------------------------


class Drill:
    """One movie, one disturbed warehouse and an undisturbed twin."""

    def __init__(
        self, directory: Path, seed: int, say: Callable[[str], None] = lambda line: None
    ) -> None:
        """Choose where it takes place; nothing starts yet."""
        self.random = random.Random(seed)
        self.tally = Tally()
        self._say = say
        self._directory = directory
        self._runs = 0
        self._usual = dict.fromkeys(STAGES, 1.0)

    def run(self, kills: int) -> Tally:
        """Make that many kills over several states of the movie, and compare after each.

        Raises:
            DrillError: Something was lost, doubled, half-stored or left behind.
        """
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            # A short path: Chromium keeps a socket below it.
            tmp = stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-"))
            self._tmp = Path(tmp)
            self._site, token, self._imdb_id = stack.enter_context(_sample_site(self._directory))
            self._postgres = Mortal(self._directory)
            stack.callback(self._postgres.close)
            self._twin = self._place("twin")
            self._drilled = self._place("drilled")
            rounds = max(3, kills // 20)
            for number in range(rounds):
                if number:
                    self._change(token, number)
                self._run_in_peace(self._twin)
                target = kills * (number + 1) // rounds
                self._run_disturbed(lambda target=target: self.tally.kills < target)  # type: ignore[misc]
                self._compare()
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def _change(self, token: str, number: int) -> None:
        """Publish, edit and delete reviews, so that there is more to lose in the next round."""
        import httpx

        def control(action: str, **values: Any) -> None:
            answer = httpx.post(
                f"{self._site}/_control/{action}", json=values, timeout=30, trust_env=False,
                headers={"X-Control-Token": token},
            )  # fmt: skip
            if not answer.is_success:
                raise DrillError(f"The sample site refused {action}: {answer.text}")

        known = _rows(
            self._twin,
            "SELECT review_id FROM core.reviews WHERE removed_at IS NULL ORDER BY review_id",
        )
        control("edit", review_id=known[number]["review_id"], body=f"Seen {number} times: dull.")
        control("delete", review_id=known[-number]["review_id"])
        control("publish", imdb_id=self._imdb_id, count=4)

    def _place(self, name: str) -> dict[str, str]:
        """Make a warehouse and a lake; return the settings of a worker on them."""
        lake = self._directory / name / "lake"
        lake.mkdir(parents=True)
        return {
            "FILMPULSE_WAREHOUSE_URL": self._postgres.database(),
            "FILMPULSE_LAKE_URL": lake.as_uri(),
            "FILMPULSE_IMDB_URL": self._site,
            "FILMPULSE_AUTHOR_SECRET": "for drills only",
            "FILMPULSE_REQUEST_GAP_SECONDS": "0",
            "FILMPULSE_PAGE_TIMEOUT_SECONDS": "20",
            "TMPDIR": str(self._tmp),
        }

    def _new_job(self) -> dict[str, Any]:
        self._runs += 1
        return {
            "imdb_id": self._imdb_id, "run_id": f"drill-{self._runs}", "stage": "scrape",
            "uri": None,
        }  # fmt: skip

    def _nursery(self, place: dict[str, str]) -> Nursery:
        return Nursery(os.environ | {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"} | place)

    def _run_in_peace(self, place: dict[str, str]) -> None:
        """Run once without a kill, and note how long each stage takes."""
        nursery = self._nursery(place)
        try:
            nursery.start(self._new_job())
            began, stage = time.monotonic(), None
            while True:
                word, rest = nursery.next()
                if word in ("stage", "done"):
                    if stage is not None:
                        self._usual[stage] = time.monotonic() - began
                    began, stage = time.monotonic(), rest
                elif word == "ended":
                    break
                elif word in ("error", "fault"):
                    raise DrillError(f"Undisturbed, and yet: {rest}")
            if self._status(place, f"drill-{self._runs}") != "complete":
                raise DrillError("Undisturbed, and yet not complete.")
        finally:
            nursery.close()
        usual = ", ".join(f"{stage} {took:.2f} s" for stage, took in self._usual.items())
        self._say(f"undisturbed: {usual}")

    def _run_disturbed(self, wants_kill: Callable[[], bool]) -> None:
        nursery = self._nursery(self._drilled)
        try:
            job = self._new_job()
            while True:
                is_in_peace = not wants_kill()
                job = self._try(nursery, job, None if is_in_peace else self._choose(job))
                if job["stage"] == "done":
                    status = self._status(self._drilled, job["run_id"])
                    if is_in_peace and status == "complete":
                        return
                    if is_in_peace and self.tally.errors["peace"] > 20:
                        raise DrillError(f"Left in peace, it does not end well: {status}.")
                    self.tally.errors["peace"] += is_in_peace
                    job = self._new_job()
        finally:
            nursery.close()

    def _choose(self, job: dict[str, Any]) -> tuple[str, str, float]:
        """Choose whom to kill, in which stage, and how many seconds into it."""
        left = STAGES[STAGES.index(job["stage"]) :]
        stage = self.random.choices(left, [4, 2, 1][-len(left) :])[0]
        names = [n for n in VICTIMS if stage == "scrape" or n not in ("browser", "driver")]
        victim = self.random.choices(names, [VICTIMS[n] for n in names])[0]
        return victim, stage, self.random.uniform(0, self._usual[stage])

    def _try(
        self, nursery: Nursery, job: dict[str, Any], kill: tuple[str, str, float] | None
    ) -> dict[str, Any]:
        """Let one worker work, kill as chosen, and return what is to be done next."""
        self.tally.tries += 1
        was_to_be_hit = kill is not None
        nursery.start(job)
        worker = int(nursery.next()[1])
        stage, uri, is_done, ended, code = job["stage"], job["uri"], False, False, 0
        said = ""
        fall: float | None = None  # when to strike
        hit: tuple[str, str] | None = None  # where, and whom
        while not ended:
            if kill is not None and stage == kill[1] and fall is None:
                fall = time.monotonic() + kill[2]
            wait = PATIENCE * 2
            if fall is not None and hit is None:
                wait = max(0.0, fall - time.monotonic())
            try:
                word, rest = nursery.next(wait)
            except DrillError:
                if fall is None or hit is not None or kill is None:
                    raise self._silence(worker, stage, hit) from None
                struck = self._strike(kill[0], worker)
                if struck is None:
                    kill = None
                else:
                    hit = stage, struck
                continue
            if word == "stage":
                stage = rest
            elif word == "collected":
                uri = rest
            elif word == "done":
                is_done = True
            elif word == "fault":
                raise DrillError(f"An unforeseen error in {stage} after {hit}: {rest}")
            elif word == "error":
                said = rest
                self.tally.errors[rest.partition(" ")[0]] += 1
            elif word == "ended":
                ended = True
                code = int(rest)
        if hit is not None:
            if hit[1] == "backend":
                self._postgres.wait_until_ready()
            if code == 0 and hit[1] not in ("browser", "driver"):
                self.tally.missed += 1  # it had done its work already
            else:
                self.tally.hits[hit] += 1
                self._say(f"kill {self.tally.kills}: {hit[1]} in {hit[0]}, exit code {code}")
        elif code != 0:
            raise DrillError(f"Not hit, and yet a worker ended with {code} in {stage}: {said}")
        else:
            self.tally.missed += was_to_be_hit
        self._nothing_left(nursery)
        self._nothing_half()
        if is_done:
            return job | {"stage": "done"}
        if self.random.random() < 0.45:
            return self._new_job()
        return job | {"stage": stage, "uri": uri}

    def _silence(self, worker: int, stage: str, hit: tuple[str, str] | None) -> DrillError:
        """Have a worker that says nothing any more write down where it is, and say what waits."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGUSR1)
        time.sleep(1)
        waiting = _rows(
            self._drilled,
            "SELECT pid, state, wait_event, left(query, 80) AS query FROM pg_stat_activity "
            "WHERE application_name = 'filmpulse'",
        )
        return DrillError(f"Silent in {stage}, after {hit}. In Postgres: {waiting}")

    def _strike(self, victim: str, worker: int) -> str | None:
        """Kill; return who was hit, None when there was nobody."""
        import psutil

        try:
            process = psutil.Process(worker)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        if victim in ("browser", "driver"):
            target = _browser_or_driver(process, victim)
            if target is None:
                victim, target = "worker", process
            with contextlib.suppress(psutil.NoSuchProcess):
                target.kill()
                return victim
            return None
        if victim == "backend":
            name = self._drilled["FILMPULSE_WAREHOUSE_URL"].rpartition("/")[2]
            if self._postgres.kill_backend(name):
                return victim
            victim = "postgres"
        if victim == "postgres":
            self._postgres.kill()
            time.sleep(self.random.uniform(0, 0.3))
            self._postgres.start()
            return victim
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            return victim
        return None

    def _status(self, place: dict[str, str], run_id: str) -> str | None:
        found = _rows(place, "SELECT status FROM ops.collections WHERE run_id = %s", run_id)
        return found[0]["status"] if found else None

    def _nothing_left(self, nursery: Nursery) -> None:
        """Wait until no process of a worker that ended is left."""
        deadline = time.monotonic() + 10
        while left := _using(str(self._tmp), but=nursery.pid):
            if time.monotonic() > deadline:
                raise DrillError(f"Left behind: {left}")
            time.sleep(0.05)

    def _nothing_half(self) -> None:
        """A load is whole or has not been: rows, the ledger's line and the record of the load."""
        (found,) = _rows(
            self._drilled,
            """SELECT (SELECT count(*) FROM core.reviews) AS reviews,
                      (SELECT count(*) FROM ops.loads) AS loads,
                      (SELECT count(*) FROM ops.collections c
                       WHERE loaded_at IS NOT NULL AND NOT EXISTS (
                           SELECT FROM ops.loads l WHERE l.manifest_uri = c.manifest_uri)) AS torn,
                      (SELECT count(*) FROM core.review_analyses a
                       WHERE status = 'scored' AND overall IS NULL) AS unscored""",
        )
        if bool(found["reviews"]) != bool(found["loads"]) or found["torn"] or found["unscored"]:
            raise DrillError(f"Half-stored: {found}")

    def _compare(self) -> None:
        """Hold the drilled warehouse against its twin, and look through both lakes."""
        ours, theirs = _tables(self._drilled), _tables(self._twin)
        for name in ours.keys() | theirs.keys():
            mine, other = ours.get(name, []), theirs.get(name, [])
            if mine != other:
                extra = [row for row in mine if row not in other][:3]
                lost = [row for row in other if row not in mine][:3]
                raise DrillError(
                    f"{name}: {len(mine)} rows for {len(other)}; not in the twin {extra}, "
                    f"missing {lost}"
                )
        self.tally.reviews = len(ours["reviews"])
        _check_lake(self._drilled)
        left = [p.name for p in self._tmp.iterdir() if "browser" in p.name or "hrom" in p.name]
        if left:
            raise DrillError(f"Temporary files left behind: {left}")
        self._say(f"equal: {', '.join(f'{len(rows)} {name}' for name, rows in ours.items())}")


def _browser_or_driver(worker: Any, victim: str) -> Any:
    """Find a worker's driver, or its browser once that shows a page; None when there is none.

    A driver waits a whole minute for a browser that died while it started: nothing to learn there.
    """
    import psutil

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(psutil.Error):
            if not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE:
                return None
            driver = next((c for c in worker.children() if c.name() == "chromedriver"), None)
            if driver is not None and victim == "driver":
                return driver
            for browser in driver.children() if driver is not None else ():
                family = browser.children(recursive=True)
                if any("--type=renderer" in child.cmdline() for child in family):
                    return browser
        time.sleep(0.01)
    return None


def _using(folder: str, but: int) -> list[str]:
    """Name the living processes that know this temporary folder; `but` and its ilk are ours."""
    import psutil

    found = []
    for process in psutil.process_iter(["pid", "name", "cmdline", "status"]):
        if process.pid in (but, os.getpid()) or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        with contextlib.suppress(psutil.Error):
            knows = any(folder in word for word in process.info["cmdline"] or ())
            if knows or process.environ().get("TMPDIR", "").startswith(folder):
                found.append(f"{process.info['name']} ({process.pid})")
    return found


def _rows(place: dict[str, str], statement: str, *values: Any) -> list[dict[str, Any]]:
    from filmpulse.errors import WarehouseUnavailable
    from filmpulse.warehouse import Warehouse

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with Warehouse(place["FILMPULSE_WAREHOUSE_URL"]).connect() as connection:
                return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]
        except WarehouseUnavailable:  # the server may notice a killed backend a moment later
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _tables(
    place: dict[str, str], without: Collection[tuple[str, str]] = ()
) -> dict[str, list[str]]:
    """Read every table of core, without what comes from the run: its times and serial numbers.

    Args:
        place: The environment of a warehouse.
        without: Columns to leave out, each with its table.
    """
    analysers = {
        row["analyser_id"]: f"{row['kind']} {row['prompt_version']}"
        for row in _rows(place, "SELECT * FROM core.analysers")
    }
    names = _rows(
        place,
        "SELECT table_name AS name FROM information_schema.tables "
        "WHERE table_schema = 'core' AND table_type = 'BASE TABLE' ORDER BY 1",
    )
    found = {}
    for name in (row["name"] for row in names):
        rows = []
        for row in _rows(place, f"SELECT * FROM core.{name}"):  # noqa: S608  the catalogue's names
            plain = {}
            for column, value in row.items():
                if (name, column) in without:
                    continue
                if column.endswith("analyser_id"):
                    plain[column] = analysers.get(value)
                elif isinstance(value, datetime):
                    plain[column] = "a time"
                elif column == "run_id":
                    plain[column] = "a run"
                elif column == "fact_times":
                    plain[column] = sorted(value)
                else:
                    plain[column] = value
            rows.append(repr(sorted(plain.items())))
        # Each try takes a snapshot of its own; what they say is the same.
        found[name] = sorted(set(rows) if name == "movie_snapshots" else rows)
    return found


def _check_lake(place: dict[str, str]) -> None:
    """Every manifest must be readable and every part it names whole; every load must be there."""
    from filmpulse.lake import Lake

    lake = Lake(place["FILMPULSE_LAKE_URL"])
    sealed = lake.manifests()
    for uri in sealed:
        manifest = lake.read_manifest(uri)
        ids = [review.review_id for review in lake.read_reviews(uri, manifest)]
        if len(ids) != len(set(ids)) or len(ids) != manifest.distinct_ids:
            raise DrillError(f"{uri} names {manifest.distinct_ids} reviews and holds {len(ids)}.")
    loaded = {row["manifest_uri"] for row in _rows(place, "SELECT manifest_uri FROM ops.loads")}
    if missing := loaded - set(sealed):
        raise DrillError(f"Loaded and not in the lake: {sorted(missing)}")


@contextlib.contextmanager
def _sample_site(directory: Path) -> Iterator[tuple[str, str, str]]:
    """Serve a sample site with one extra movie; yield address, token of control, and its id."""
    import httpx

    from filmpulse.local import ports

    port, token = ports.choose(), secrets.token_hex(16)
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "filmpulse.sample_site", "--host", "127.0.0.1", "--port", str(port),
         "--state", str(directory / "site"), "--extra-movies", "1",
         "--extra-reviews", str(MOVIE_REVIEWS)],
        env=os.environ | {"FILMPULSE_SAMPLE_SITE_TOKEN": token}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        headers = {"X-Control-Token": token}
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(httpx.TransportError):
                state = httpx.get(f"{url}/_control/state", headers=headers, trust_env=False)
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise DrillError("The sample site did not start.")
            time.sleep(0.1)
        yield url, token, state.json()["movies"][-1]["imdb_id"]
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Run the drill and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve()
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"seed {args.seed}")
    with tempfile.TemporaryDirectory(prefix="filmpulse-drill-") as folder:
        began = time.monotonic()
        drill = Drill(
            Path(folder),
            args.seed,
            lambda line: console.print(f"{time.monotonic() - began:6.1f} s  {line}"),
        )
        tally = drill.run(args.kills)
    table = Table("killed", *STAGES, title=f"{tally.kills} kills in {tally.seconds:.0f} s, no loss")
    for victim in VICTIMS:
        table.add_row(victim, *(str(tally.hits[stage, victim] or "") for stage in STAGES))
    console.print(table)
    console.print(
        f"{tally.tries} tries; {tally.missed} kills came too late; {tally.reviews} reviews, equal "
        f"to the twin's; said by workers that lived: {dict(tally.errors)}"
    )


if __name__ == "__main__":
    main()
