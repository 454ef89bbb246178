"""Every fault of a site, one table: what becomes of the movie, of its host, and of all else.

Real browser, real Postgres; the sample site shows the faults. Each movie was whole before.
"""

from __future__ import annotations

import gzip
import multiprocessing
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.one_browser import OneBrowser
from helpers.waiting import wait_until
from pydantic import SecretStr
from typer.testing import CliRunner

from filmpulse import cli, jobs
from filmpulse.config import Settings
from filmpulse.errors import (
    BadInput,
    Blocked,
    Final,
    HostPaused,
    LayoutChanged,
    NotFound,
    Retryable,
    SiteUnavailable,
)
from filmpulse.local import ports
from filmpulse.local.postgres import Throwaway, address
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.gate import HostGate
from filmpulse.warehouse.migrate import migrate

pytestmark = pytest.mark.usefixtures("one_browser")

MOVIE, OTHER, UNKNOWN = "tt99000005", "tt99000006", "tt98999999"
COUNT, OTHER_COUNT = 57, 3  # reviews; three pages, and one
LONG = 900.0  # seconds of the first pause
WHOLE_SITE = "*"


@dataclass(frozen=True)
class Fault:
    """A fault, and what must follow from it.

    Attributes:
        switches: What the site shows, for the movie; for the whole site under `on`.
        status: Of the collection.
        reason: Beside it.
        says: Pattern of its sentence.
        error: What `collect` raises; None where there is something to load.
        pause: Seconds for which the host is left alone; None where it is not.
        kept: Reviews read before the fault.
        on: The movie, or the whole site.
    """

    name: str
    switches: dict[str, Any]
    status: str
    reason: str | None
    says: str
    error: type[Exception] | None = None
    pause: float | None = None
    kept: int = 0
    on: str = MOVIE

    @property
    def movie(self) -> str:
        return UNKNOWN if self.on == UNKNOWN else MOVIE


def refused(name: str, reason: str, says: str, pause: float = LONG, **switches: Any) -> list[Fault]:
    """A refusal of the page, and the same of the second batch."""
    until = r" Nothing is asked of 127\.0\.0\.1:\d+ before \d{4}-\d\d-\d\d \d\d:\d\d UTC\."
    told = f"{says}{until}$"
    more = f"{says}{until} 25 of 57 reviews had been read by then\\.$"
    return [
        Fault(
            f"{name} page", {name: "reviews", **switches}, "blocked", reason, told, Blocked, pause
        ),
        Fault(
            f"{name} more", {name: "graphql", **switches}, "blocked", reason, more, None, pause, 25
        ),
    ]


def robots(value: str, says: str, pause: float | None = None) -> Fault:
    return Fault(
        f"robots {value}", {"robots": value}, "blocked", "robots", says, Blocked, pause,
        on=WHOLE_SITE,
    )  # fmt: skip


def fails(name: str, reason: str, says: str) -> list[Fault]:
    """A site that fails: at the page nothing is had, at the second batch the first is kept."""
    more = f"^25 of 57 reviews were shown: the button for more failed twice\\. {says}"
    return [
        Fault(
            f"{name} page", {name: "reviews"}, "failed", reason,
            f"/title/{MOVIE}/reviews/.*", SiteUnavailable,
        ),
        Fault(f"{name} more", {name: "graphql"}, "partial", "no_more_loaded", more, kept=25),
    ]  # fmt: skip


KEPT = r" The page is kept, cleaned, at file://\S+/quarantine/imdb/tt99000005/\S+\.html\.gz\."
SIGN_IN = (
    r"^{} of 57 reviews were shown: the rest is shown only to those who sign in\. Import a saved "
    r"page \(filmpulse inbox add FILE\)\.$"
)
ALL = "^All 57 reviews were read\\.$"

FAULTS = [
    # Refusals: final, and the host is left alone.
    *refused("waf_challenge", "challenge", r"was refused \(status 202, WAF challenge\)\."),
    *refused("challenge_page", "challenge", r"^IMDb shows a challenge in place of the page\."),
    *refused("captcha", "captcha", r"was refused \(status 405, WAF captcha\)\."),
    *refused("status_403", "forbidden", r"was refused \(status 403\)\."),
    *refused("rate_limited", "rate_limited", r"was refused \(status 429\)\."),
    refused("rate_limited", "rate_limited", r"429\)\.", 7200.0, retry_after=7200)[0],
    refused("rate_limited", "rate_limited", r"429\)\.", 7200.0, retry_after=-7200)[1],
    # robots.txt
    robots("forbid", rf"forbids Filmpulse to read /title/{MOVIE}/reviews/ \(robots\.txt\): only"),
    robots("403", rf"robots\.txt answered 403, so /title/{MOVIE}/reviews/ is not read now\.", LONG),
    robots("challenge", rf"robots\.txt answered 202, so /title/{MOVIE}/reviews/ is not read", LONG),
    robots("429", rf"robots\.txt answered 429, so /title/{MOVIE}/reviews/ is not read now", LONG),
    robots("503", rf"robots\.txt answered 503, so /title/{MOVIE}/reviews/ is not read now\.$"),
    Fault(
        "robots missing", {"robots": "missing"}, "complete", None, ALL, kept=COUNT, on=WHOLE_SITE
    ),
    # A site that fails: may be tried again.
    *fails("server_error", "unavailable", r"/graphql answered 503\.$"),
    *fails("reset", "reset", r"The connection failed\.$"),
    *fails("broken_page", "broken_page", r"The connection failed\.$"),
    Fault(
        "slow", {"slow": 9.0}, "failed", "timeout",
        f"/title/{MOVIE}/reviews/.* gave no whole page within 3 s", SiteUnavailable,
    ),
    # The sign-in gate.
    Fault("gate 0", {"gate": 0}, "gated", "sign_in", SIGN_IN.format(0)),
    Fault("gate 5", {"gate": 5}, "gated", "sign_in", SIGN_IN.format(5), kept=5),
    Fault("gate in the translations only", {}, "complete", None, ALL, kept=COUNT),
    # Another layout: never a zero.
    Fault(
        "moved field page", {"layout_drift": "reviews"}, "layout_changed", "layout_changed",
        f"{MOVIE}.*{KEPT}", LayoutChanged,
    ),
    Fault(
        "moved field more", {"layout_drift": "graphql"}, "layout_changed", "layout_changed",
        f"^The GraphQL answer .*{KEPT} 25 of 57 reviews had been read by then", kept=25,
    ),
    Fault(
        "none of many", {"none_of_many": True}, "layout_changed", "layout_changed",
        f"^The page of {MOVIE} announces 57 reviews and 0 could be read, where 25 were expected: "
        f"its layout has changed\\.{KEPT}", LayoutChanged,
    ),
    Fault("no __NEXT_DATA__", {"missing_next_data": True}, "complete", None, ALL, kept=COUNT),
    # Habits of the site.
    Fault("consent banner", {"consent": "on"}, "complete", None, ALL, kept=COUNT),
    Fault("no consent banner", {"consent": "off"}, "complete", None, ALL, kept=COUNT),
    Fault(
        "unknown movie", {}, "not_found", "not_found",
        rf"/title/{UNKNOWN}/reviews/\S* does not exist\.$", NotFound, on=UNKNOWN,
    ),
]  # fmt: skip


@dataclass
class World:
    """The outside world, as one file's tests share it, and what they look at."""

    site: Any
    context: jobs.Context
    lake: Any
    runs: int = field(default=0)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with self.context.warehouse.connect() as connection:
            return connection.execute(statement, values).fetchall()

    def run(self) -> str:
        self.runs += 1
        return f"run {self.runs}"

    def switch(self, movie: str, **values: Any) -> None:
        for name, value in values.items():
            target = None if movie == WHOLE_SITE or name == "consent" else movie
            self.site.control("switch", name=name, imdb_id=target, value=value)

    def table(self, name: str) -> list[tuple[str, str]]:
        """Every row of a table as text, and the transaction that wrote it."""
        found = self.rows(f"SELECT t::text AS row, xmin::text AS x FROM {name} t")  # noqa: S608
        return sorted((r["row"], r["x"]) for r in found)

    def core(self) -> dict[str, Any]:
        """All that holds reviews and scores."""
        tables = ("reviews", "review_revisions", "review_analyses", "aspect_scores")
        return {name: self.table(f"core.{name}") for name in tables}

    def xmins(self) -> dict[str, str]:
        """The transaction that last wrote each review."""
        found = self.rows("SELECT review_id, xmin::text AS x FROM core.reviews")
        return {r["review_id"]: r["x"] for r in found}

    def hosts(self) -> dict[str, Any]:
        """The state of each host, by address."""
        return {r["host"]: r for r in self.rows("SELECT *, xmin::text AS x FROM ops.host_state")}

    def asked(self) -> int:
        """How many requests the site has seen; a browser asks for an icon by itself, once."""
        kinds = self.site.state()["requests"].values()
        return sum(one["path"] != "/favicon.ico" for kind in kinds for one in kind)

    def quarantined(self) -> dict[str, str]:
        pages = self.lake.glob("quarantine/**/*.html.gz")
        return {p.name: gzip.decompress(p.read_bytes()).decode() for p in pages}

    def ledger(self, run: str, movie: str) -> Any:
        (line,) = self.rows(
            "SELECT * FROM ops.collections WHERE run_id = %s AND imdb_id = %s", run, movie
        )
        return line

    @property
    def host(self) -> str:
        return str(self.site.url).removeprefix("http://")

    @property
    def other_host(self) -> str:
        """The same server under another name: another host to the gate."""
        return self.host.replace("127.0.0.1", "localhost")

    def elsewhere(self) -> jobs.Context:
        settings = self.context.settings.model_copy(
            update={"source_urls": {"imdb": f"http://{self.other_host}"}}
        )
        return jobs.Context(settings, self.context.warehouse, self.context.open_lake)

    @contextmanager
    def patience(self, switches: dict[str, Any]) -> Iterator[None]:
        """Wait for a page as long as the settings say, but for three seconds where it is slow."""
        browser = OneBrowser.real
        if "slow" not in switches or browser is None:
            yield
            return
        usual, browser._timeout = browser._timeout, 3.0
        browser._driver.set_page_load_timeout(3.0)
        yield
        browser._timeout = usual
        browser._driver.set_page_load_timeout(usual)

    def collect(self, run: str, movie: str, mode: str = "full") -> Exception | None:
        """Collect, load and score; return what `collect` raised."""
        try:
            (uri,) = jobs.collect(movie, mode, run, self.context)
        except Exception as error:
            return error
        jobs.load(uri, self.context)
        jobs.analyse(movie, self.context)
        return None


@pytest.fixture(scope="module")
def shared(running_site, databases, _warehouse_template, tmp_path_factory) -> Iterator[World]:
    url = databases.create(_warehouse_template)
    lake = tmp_path_factory.mktemp("lake")
    settings = Settings(
        warehouse_url=url,
        lake_url=lake.as_uri(),
        source_urls={"imdb": running_site.url},
        author_secret="for tests only",
        request_gap_seconds=0,
        page_timeout_seconds=20,
    )
    world = World(running_site, jobs.Context.from_settings(settings), lake)
    for movie in (MOVIE, OTHER):
        assert world.collect("before", movie) is None
    yield world
    databases.drop(url)


@pytest.fixture
def world(shared: World) -> World:
    """As on the first day, but with both movies collected and no host ever refused."""
    shared.site.control("reset")
    shared.rows("DELETE FROM ops.host_state RETURNING host")
    shared.rows("DELETE FROM ops.movie_checks RETURNING imdb_id")
    shared.rows("DELETE FROM ops.collections WHERE status = 'queued' RETURNING imdb_id")
    return shared


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_fault(world: World, fault: Fault) -> None:
    run, movie = world.run(), fault.movie
    kept_before, core = world.quarantined(), world.core()
    world.rows(
        "INSERT INTO ops.host_state (host, strikes, reason) VALUES (%s, 2, 'forbidden') "
        "RETURNING host", world.other_host,
    )  # fmt: skip
    elsewhere = world.hosts()[world.other_host]
    jobs.plan([movie, OTHER], "full", run, world.context)
    world.switch(fault.on, **fault.switches)
    began = datetime.now(UTC)

    with world.patience(fault.switches):
        error = world.collect(run, movie)

    # The movie: status, reason, sentence; what may be tried again and what not.
    line = world.ledger(run, movie)
    assert (line["status"], line["reason"]) == (fault.status, fault.reason)
    assert re.search(fault.says, line["sentence"])
    assert line["distinct_ids"] == fault.kept
    if fault.error is None:
        assert error is None
    else:
        assert type(error) is fault.error
        assert str(error) == line["sentence"]
        assert isinstance(error, Retryable if fault.status == "failed" else Final)
    assert fault.status == "complete" or fault.kept < COUNT, "a whole list is no fault"
    assert fault.status != "complete" or fault.kept == COUNT, "a silent zero"

    # The host: paused exactly where it refused, and nobody asks it anything then.
    host = world.hosts()[world.host]
    if fault.pause is None:
        assert (host["paused_until"], host["strikes"], host["reason"]) == (None, 0, None)
    else:
        wait = (host["paused_until"] - began).total_seconds()
        # a site that names a date does so in whole seconds
        assert fault.pause - 1 <= wait <= fault.pause + 30
        assert (host["strikes"], host["reason"]) == (1, fault.reason)
    requests = world.asked()
    other_error = world.collect(run, OTHER)
    other = world.ledger(run, OTHER)
    if fault.pause is not None:
        assert type(other_error) is HostPaused
        assert (other["status"], other["reason"]) == ("blocked", fault.reason)
        assert (
            f"nothing is asked of it before {host['paused_until']:%Y-%m-%d %H:%M} UTC"
            in (other["sentence"])
        )
        assert world.asked() == requests
    elif fault.on == WHOLE_SITE and fault.status == "blocked":  # robots.txt holds for all
        assert (other["status"], other["reason"]) == ("blocked", "robots")
    else:
        assert other_error is None
        assert (other["status"], other["distinct_ids"]) == ("complete", OTHER_COUNT)

    # Another host: as it was, and still asked.
    assert world.hosts()[world.other_host] == elsewhere
    if fault.on != WHOLE_SITE:
        assert jobs.search("the", world.elsewhere())
        assert world.hosts()[world.other_host]["strikes"] == 0

    # What is stored: not one row was touched; one page is kept where the layout changed.
    assert world.core() == core
    kept = {n: p for n, p in world.quarantined().items() if n not in kept_before}
    assert len(kept) == (fault.status == "layout_changed")
    for page in kept.values():
        assert len(page) > 1000
        assert not re.search(r"\bur\d{4,}", page)
        assert "192.0.2.44" not in page  # requestContext held it
        assert "sample-token-not-real" not in page

    # The run says it.
    closed = jobs.review_run(run, world.context)
    is_paused = fault.pause is not None or (fault.on == WHOLE_SITE and fault.status == "blocked")
    told = {failure.split()[0] for failure in closed.failures}
    expected = set() if fault.status in ("complete", "gated") else {movie}
    assert told == expected | ({OTHER} if is_paused else set())
    mine = [t for t in (*closed.failures, *closed.warnings) if t.startswith(movie)]
    if fault.status != "complete":
        assert any(line["sentence"] in text for text in mine)


def assert_no_alarm(world: World, kept_before: dict[str, str]) -> None:
    """The host is not paused, no page was set aside, and another movie of the host ends well."""
    host = world.hosts()[world.host]
    assert (host["paused_until"], host["strikes"], host["reason"]) == (None, 0, None)
    assert world.quarantined() == kept_before
    run = world.run()
    assert world.collect(run, OTHER) is None
    other = world.ledger(run, OTHER)
    assert (other["status"], other["distinct_ids"]) == ("complete", OTHER_COUNT)


def test_a_count_that_falls_is_no_fault(world: World) -> None:
    xmins, kept_before = world.xmins(), world.quarantined()
    world.switch(MOVIE, count_falls=4)
    run = world.run()
    jobs.plan([MOVIE], "full", run, world.context)
    assert world.collect(run, MOVIE) is None
    line = world.ledger(run, MOVIE)
    assert (line["status"], line["distinct_ids"], line["removed_rows"]) == ("complete", 53, 4)
    assert line["sentence"] == "All 53 reviews were read."
    gone = {
        r["review_id"]
        for r in world.rows("SELECT review_id FROM core.reviews WHERE removed_at IS NOT NULL")
    }
    assert len(gone) == 4
    after = world.xmins()
    assert set(after) == set(xmins)
    assert {i for i in after if after[i] != xmins[i]} == gone
    assert_no_alarm(world, kept_before)
    # and they come back
    world.switch(MOVIE, count_falls=None)
    assert world.collect(world.run(), MOVIE) is None
    assert world.rows("SELECT FROM core.reviews WHERE removed_at IS NOT NULL") == []


def test_the_consent_banner_is_declined(world: World) -> None:
    assert OneBrowser.real is not None
    OneBrowser.real._driver.delete_all_cookies()
    assert world.collect(world.run(), OTHER) is None
    assert OneBrowser.real.evaluate("return document.cookie") == "consent=declined"


# --- detection: the same faults on the title page ------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A fault of the title page, and what detection makes of it.

    Attributes:
        told: Pattern of the one warning or failure.
        is_red: Whether it is a failure.
        stops: Whether the rest of the round is left for later.
    """

    name: str
    switches: dict[str, Any]
    outcome: str
    reason: str | None
    told: str
    is_red: bool = True
    stops: bool = False
    pause: float | None = None
    on: str = MOVIE


LEFT = r" 2 movies were not looked at\.$"
LOOKS = [
    Look("waf_challenge", {"waf_challenge": "title"}, "blocked", "challenge",
         f"202, WAF challenge.*{LEFT}", stops=True, pause=LONG),
    Look("challenge_page", {"challenge_page": "title"}, "blocked", "challenge",
         f"^IMDb shows a challenge in place of the page\\..*{LEFT}", stops=True, pause=LONG),
    Look("captcha", {"captcha": "title"}, "blocked", "captcha", f"405.*{LEFT}", stops=True,
         pause=LONG),
    Look("status_403", {"status_403": "title"}, "blocked", "forbidden", f"403.*{LEFT}",
         stops=True, pause=LONG),
    Look("rate_limited", {"rate_limited": "title", "retry_after": 7200}, "blocked",
         "rate_limited", f"429.*{LEFT}", stops=True, pause=7200.0),
    Look("robots forbid", {"robots": "forbid"}, "blocked", "robots", f"robots.txt.*{LEFT}",
         stops=True, on=WHOLE_SITE),
    Look("robots 403", {"robots": "403"}, "blocked", "robots", f"403.*{LEFT}", stops=True,
         pause=LONG, on=WHOLE_SITE),
    Look("robots 503", {"robots": "503"}, "blocked", "robots", f"503.*{LEFT}", stops=True,
         on=WHOLE_SITE),
    Look("robots missing", {"robots": "missing"}, "no_news", None, "", on=WHOLE_SITE),
    Look("server_error", {"server_error": "title"}, "failed", "unavailable",
         f"^{MOVIE}: .*/title/{MOVIE}/ answered 503"),
    Look("reset", {"reset": "title"}, "failed", "reset", f"^{MOVIE}: .*ERR_CONNECTION_RESET"),
    Look("broken_page", {"broken_page": "title"}, "failed", "broken_page", f"^{MOVIE}: "),
    Look("slow", {"slow": 9.0}, "failed", "timeout", f"^{MOVIE}: .* within 3 s"),
    Look("moved field", {"layout_drift": "title"}, "layout_changed", "layout_changed",
         f"^{MOVIE}: .*{KEPT}"),
    Look("count falls", {"count_falls": 4}, "news", "count", ""),
    Look("unknown movie", {}, "not_found", "not_found", f"^{UNKNOWN}: .* does not exist",
         is_red=False, on=UNKNOWN),
]  # fmt: skip


def detect(world: World, *movies: str) -> jobs.Detection:
    """One round of detection over some movies."""
    since = datetime.now(UTC)
    return jobs.detect(
        movies,
        since=since,
        until=since + timedelta(hours=1),
        run_id="detector",
        context=world.context,
        is_active=lambda run: False,
    )


def checks(world: World) -> dict[str, Any]:
    return {r["imdb_id"]: r for r in world.rows("SELECT * FROM ops.movie_checks")}


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_fault_of_a_title_page(world: World, look: Look) -> None:
    movie = UNKNOWN if look.on == UNKNOWN else MOVIE
    kept_before, core = world.quarantined(), world.core()
    world.switch(look.on, **look.switches)
    began = datetime.now(UTC)
    with world.patience(look.switches):
        found = detect(world, movie, OTHER)
    assert found.is_done
    seen = checks(world)
    assert (seen[movie]["outcome"], seen[movie]["reason"]) == (look.outcome, look.reason)
    assert [*found.failures, *found.warnings] == (
        [] if not look.told else found.failures if look.is_red else found.warnings
    )
    if look.told:
        (told,) = [*found.failures, *found.warnings]
        assert re.search(look.told, told)
        assert seen[movie]["sentence"] in told
    # another movie of the host is looked at, unless the host is to be left alone
    assert (OTHER in seen) != look.stops
    if not look.stops:
        assert seen[OTHER]["outcome"] == "no_news"
    host = world.hosts()[world.host]
    if look.pause is None:
        assert host["paused_until"] is None
    else:
        wait = host["paused_until"] - began
        assert timedelta(seconds=look.pause) <= wait <= timedelta(seconds=look.pause + 30)
    # no news is made of a fault, and nothing of it is stored
    assert [b.imdb_ids for b in found.batches] == ([[movie]] if look.outcome == "news" else [])
    assert world.core() == core
    kept = {n: p for n, p in world.quarantined().items() if n not in kept_before}
    assert len(kept) == (look.outcome == "layout_changed")
    for page in kept.values():
        assert "192.0.2.44" not in page
        assert not re.search(r"\bur\d{4,}", page)
    if look.pause is not None:  # the next round asks nothing at all
        requests = world.asked()
        again = detect(world, movie, OTHER)
        assert re.search(f"asked for quiet.*{LEFT}", again.failures[0])
        assert world.asked() == requests


# --- the pause of a host -------------------------------------------------------------------------


def ask_from_another_process(url: str, host: str, began: Any, said: Any) -> None:
    """Wait for a slot and say how that went."""
    with HostGate(Warehouse(url), 0) as gate:
        began.set()
        try:
            gate.wait(host)
        except HostPaused as error:
            said.put((error.reason, error.until, str(error)))
        else:
            said.put(None)


def test_a_pause_doubles_to_a_day_and_the_sites_own_wish_wins(warehouse_url: str) -> None:
    host = "pause.invalid"
    with HostGate(Warehouse(warehouse_url), 0) as gate:

        def minutes(wish: float | None = None) -> float:
            wait = gate.pause(host, "forbidden", wish) - datetime.now(UTC)
            return round(wait.total_seconds() / 60, 1)

        assert [minutes() for _ in range(10)] == [15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440]
        assert minutes(60.0) == 1440  # a shorter wish shortens nothing
        assert minutes(2 * 86_400.0) == 2880
        gate.clear(host)
        assert minutes(3600.0) == 60
        assert minutes(60.0) == 30  # and strikes were counted all the same


def stands_in_a_queue(url: str) -> bool:
    with Warehouse(url).connect() as connection:
        waiting = connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        return waiting.fetchone() is not None


def test_a_worker_in_the_queue_sees_a_pause_at_once(warehouse_url: str) -> None:
    host, context = "queue.invalid", multiprocessing.get_context("spawn")
    began, said = context.Event(), context.Queue()
    with HostGate(Warehouse(warehouse_url), 0) as gate:
        gate.wait(host)
        process = context.Process(
            target=ask_from_another_process, args=(warehouse_url, host, began, said)
        )
        process.start()
        assert began.wait(300)
        wait_until(lambda: stands_in_a_queue(warehouse_url))
        assert said.empty()
        until = gate.pause(host, "captcha")
    reason, its_until, sentence = said.get(timeout=300)
    process.join()
    assert (reason, its_until) == ("captcha", until)
    assert f"{until:%Y-%m-%d %H:%M} UTC" in sentence


def test_a_pause_survives_postgres_and_the_worker(tmp_path: Path) -> None:
    host, context = "restart.invalid", multiprocessing.get_context("spawn")
    server = Throwaway(tmp_path, ports.choose(), secrets.token_hex(8))
    server.server = replace(server.server, durable=True)
    password = secrets.token_hex(8)
    with server as running:
        running.add_owner("filmpulse", password, "CREATEROLE")
        url = address("filmpulse", password, running.port, "filmpulse")
        migrate(url)
        with HostGate(Warehouse(url), 0) as gate:
            gate.pause(host, "challenge")
            until = gate.pause(host, "challenge")
    # the end of the block is an immediate shutdown: what comes up again has been through a crash
    with server:
        began, said = context.Event(), context.Queue()
        process = context.Process(target=ask_from_another_process, args=(url, host, began, said))
        process.start()
        reason, its_until, _ = said.get(timeout=300)
        process.join()
        assert (reason, its_until) == ("challenge", until)
        with HostGate(Warehouse(url), 0) as gate:  # the third refusal in a row, not the first
            wait = gate.pause(host, "challenge") - datetime.now(UTC)
            assert timedelta(minutes=59) < wait < timedelta(minutes=61)


def test_a_good_page_ends_the_row_of_refusals(world: World) -> None:
    world.switch(OTHER, status_403="reviews")
    run = world.run()
    jobs.plan([OTHER], "full", run, world.context)
    assert type(world.collect(run, OTHER)) is Blocked
    world.rows("UPDATE ops.host_state SET paused_until = now() RETURNING host")  # time goes by
    run = world.run()
    assert type(world.collect(run, OTHER)) is Blocked
    assert world.hosts()[world.host]["strikes"] == 2
    world.rows("UPDATE ops.host_state SET paused_until = now() RETURNING host")
    world.switch(OTHER, status_403=None)
    assert world.collect(world.run(), OTHER) is None
    host = world.hosts()[world.host]
    assert (host["strikes"], host["paused_until"], host["reason"]) == (0, None, None)


# --- the sign-in gate, from day to day -----------------------------------------------------------


class Diary:
    """A world of its own whose ledger can be made older: days go by in no time."""

    def __init__(self, world: World) -> None:
        self.world = world

    def a_day_later(self) -> None:
        self.world.rows(
            """UPDATE ops.collections SET queued_at = queued_at - interval '25 hours',
                   heartbeat_at = heartbeat_at - interval '25 hours',
                   started_at = started_at - interval '25 hours',
                   finished_at = finished_at - interval '25 hours'
               RETURNING collection_id"""
        )

    def publish(self, count: int) -> None:
        self.world.site.control("publish", imdb_id=MOVIE, count=count)

    def look(self) -> tuple[Any, jobs.Detection]:
        """Detect; the line of the movie, and the whole."""
        found = detect(self.world, MOVIE)
        line = checks(self.world)[MOVIE]
        if line["sentence"] and line["reason"] == "gated":
            assert found.warnings == [f"{MOVIE}: {line['sentence']}"]
        assert found.failures == []
        return line, found

    def collect(self, found: jobs.Detection) -> Any:
        """Do what detection asks for; the ledger's line."""
        (batch,) = found.batches
        jobs.plan(batch.imdb_ids, batch.mode, run := self.world.run(), self.world.context)
        assert self.world.collect(run, MOVIE, batch.mode) is None
        return self.world.ledger(run, MOVIE)

    def import_page(self, folder: Path) -> None:
        """Save the page as a person would, who sees all of it, and import it."""
        self.world.switch(MOVIE, gate=None)
        page = httpx.get(
            f"{self.world.site.url}/title/{MOVIE}/reviews/", trust_env=False, timeout=60
        )
        self.world.switch(MOVIE, gate=5)
        (saved := folder / "reviews.html").write_text(page.text, "utf-8")
        (added,) = jobs.add_to_inbox(saved, self.world.context, saved_at=datetime.now(UTC))
        assert added.is_new
        (name,) = jobs.plan_import(self.world.context)
        imported = jobs.import_file(name, self.world.run(), self.world.context)
        assert imported.pages[0].status in ("complete", "partial")


@pytest.fixture
def diary(shared: World, warehouse_url: str, tmp_path: Path) -> Diary:
    shared.site.control("reset")
    settings = shared.context.settings.model_copy(
        update={"warehouse_url": SecretStr(warehouse_url), "lake_url": (tmp_path / "l").as_uri()}
    )
    return Diary(World(shared.site, jobs.Context.from_settings(settings), tmp_path / "l"))


BEHIND = "new, not readable here: import a saved page (filmpulse inbox add FILE)."


def test_growth_behind_the_gate_is_counted_until_it_is_read(diary: Diary, tmp_path: Path) -> None:
    world = diary.world
    line, found = diary.look()
    assert (line["outcome"], line["reason"]) == ("news", "first")
    assert diary.collect(found)["status"] == "complete"

    # The gate goes up. The first growth is news like any other, and ends at the gate.
    world.switch(MOVIE, gate=5)
    diary.publish(5)
    line, found = diary.look()
    assert (line["outcome"], line["reason"]) == ("news", "count")
    ended = diary.collect(found)
    assert (ended["status"], ended["reason"]) == ("gated", "sign_in")
    assert re.search(SIGN_IN.format(5).replace("57", "62"), ended["sentence"])

    # From then on growth is said and not asked after, but once a day: until then it is unfinished,
    # so that in a long list too the movie is looked at again within a day.
    line, found = diary.look()
    assert (line["outcome"], line["reason"]) == ("no_news", "gated")
    assert line["sentence"] == f"5 {BEHIND}"
    assert found.batches == []
    diary.publish(7)
    line, found = diary.look()
    assert (line["outcome"], line["sentence"]) == ("unfinished", f"12 {BEHIND}")
    assert found.batches == []
    diary.a_day_later()
    line, found = diary.look()
    assert (line["outcome"], line["sentence"]) == ("news", f"12 {BEHIND}")
    assert [b.mode for b in found.batches] == ["full"]
    assert diary.collect(found)["status"] == "gated"

    # The retry at the gate makes nobody forget the twelve; nor does the next one.
    for _ in range(2):
        line, found = diary.look()
        assert (line["outcome"], line["sentence"]) == ("no_news", f"12 {BEHIND}")
        assert found.batches == []
        diary.a_day_later()
        diary.collect(diary.look()[1])

    # A saved page of later counts as read; only what comes after it is new.
    diary.import_page(tmp_path)
    line, _ = diary.look()
    assert (line["outcome"], line["reason"], line["sentence"]) == ("no_news", "gated", None)
    diary.publish(1)
    line, found = diary.look()
    assert (line["outcome"], line["sentence"]) == ("unfinished", f"1 {BEHIND}")
    assert found.batches == []

    # The gate opens: the next daily retry reads all there is.
    world.switch(MOVIE, gate=None)
    line, found = diary.look()
    assert found.batches == []
    diary.a_day_later()
    ended = diary.collect(diary.look()[1])
    assert (ended["status"], ended["distinct_ids"]) == ("complete", COUNT + 13)
    living = "SELECT count(*) AS n FROM core.reviews WHERE removed_at IS NULL"
    assert world.rows(living)[0]["n"] == COUNT + 13
    line, found = diary.look()
    assert (line["outcome"], line["sentence"], found.batches) == ("no_news", None, [])


def test_a_movie_that_was_gated_from_the_first_counts_from_then(diary: Diary) -> None:
    diary.world.switch(MOVIE, gate=0)
    assert diary.collect(diary.look()[1])["status"] == "gated"
    assert diary.look()[0]["sentence"] is None
    diary.publish(3)
    diary.a_day_later()
    diary.collect(diary.look()[1])
    line, found = diary.look()
    assert (line["outcome"], line["sentence"]) == ("no_news", f"3 {BEHIND}")
    assert found.batches == []


def test_a_saved_page_that_was_gated_itself_counts_for_nothing(diary: Diary) -> None:
    diary.world.switch(MOVIE, gate=5)
    diary.collect(diary.look()[1])
    diary.publish(3)
    diary.world.rows(
        """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, started_at,
               finished_at, loaded_at, review_count_start, review_count_end)
           VALUES ('i', 'imdb', %s, 'import', 'gated', now(), now(), now(), 60, 60)
           RETURNING collection_id""",
        MOVIE,
    )
    assert diary.look()[0]["sentence"] == f"3 {BEHIND}"


# --- the list changes while it is read -----------------------------------------------------------


def test_what_arrives_while_the_list_is_read_is_news_within_the_hour(diary: Diary) -> None:
    world = diary.world
    world.switch(MOVIE, arrives=2)
    ended = diary.collect(diary.look()[1])
    assert (ended["status"], ended["distinct_ids"]) == ("complete", COUNT)
    assert (ended["review_count_start"], ended["review_count_end"]) == (COUNT, COUNT + 2)
    assert_no_alarm(world, {})
    line, found = diary.look()
    assert (line["outcome"], line["sentence"]) == ("news", "The site's count changed by +2.")
    assert [b.mode for b in found.batches] == ["incremental"]
    ended = diary.collect(found)
    assert (ended["status"], ended["inserted_rows"]) == ("complete", 2)
    assert diary.look()[1].batches == []


def test_what_a_shifting_list_hid_is_read_within_the_hour(diary: Diary) -> None:
    world = diary.world
    diary.collect(diary.look()[1])
    world.switch(MOVIE, vanishes="given", shifting_pages=True)
    diary.a_day_later()
    ended = diary.collect(diary.look()[1])
    # 25 and the 31 of 56 after the 25th place: one living review was skipped, and taken for gone
    assert (ended["status"], ended["distinct_ids"]) == ("complete", COUNT - 1)
    assert_no_alarm(world, {})
    line, found = diary.look()
    assert line["outcome"] == "news"
    assert [b.mode for b in found.batches] == ["full"]
    diary.collect(found)
    gone = world.rows("SELECT review_id FROM core.reviews WHERE removed_at IS NOT NULL")
    assert len(gone) == 1
    assert diary.look()[1].batches == []


# --- check-live ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("movie", "switches", "code", "outcome", "last", "stages"),
    [
        (MOVIE, {}, 0, "ok", "^ok: 25 of 57 reviews are on the first page; more would be read", 6),
        (OTHER, {}, 0, "ok", "^ok: 3 of 3 reviews are on the first page, and nothing follows", 6),
        (MOVIE, {"missing_next_data": True}, 0, "ok", "more would be read by its button", 6),
        (MOVIE, {"gate": 5}, 6, "gated", "^gated: 5 of 57 reviews are shown; .*inbox add FILE", 6),
        (MOVIE, {"status_403": "reviews"}, 4, "blocked", r"^blocked: .*403.* before 20", 5),
        (MOVIE, {"waf_challenge": "title"}, 4, "blocked", "^blocked: .*202, WAF challenge", 3),
        (MOVIE, {"layout_drift": "reviews"}, 3, "layout_changed", f"^layout changed: .*{MOVIE}", 5),
        (MOVIE, {"none_of_many": True}, 3, "layout_changed", "announces 57 reviews and 0 could", 5),
        (UNKNOWN, {}, 5, "not_found", "^not found: .*does not exist", 3),
        (MOVIE, {"server_error": "reviews"}, 1, "failed", "^failed: .*503", 5),
    ],
    ids=str,
)
def test_check_live(world, movie, switches, code, outcome, last, stages) -> None:
    tables = [
        r["name"]
        for r in world.rows(
            """SELECT table_schema || '.' || table_name AS name
               FROM information_schema.tables
               WHERE table_schema IN ('core', 'ops') AND table_type = 'BASE TABLE'"""
        )
        if r["name"] not in ("ops.host_state", "ops.host_hours")
    ]

    def stored() -> dict[str, Any]:
        found: dict[str, Any] = {name: world.table(name) for name in tables}
        return found | {"lake": sorted(p.name for p in world.lake.rglob("*"))}

    before = stored()
    world.switch(movie, **switches)
    lines: list[str] = []
    found = jobs.check_live(movie, world.context, lines.append)
    assert (found.outcome, found.exit_code) == (outcome, code)
    assert re.search(last, lines[-1])
    assert len(lines) == stages + 1
    assert stored() == before
    asked = world.asked()
    assert asked <= 3
    # manners are recorded: a pause holds for the check too
    is_paused = world.hosts()[world.host]["paused_until"] is not None
    assert is_paused == (outcome == "blocked")
    if is_paused:
        again = jobs.check_live(movie, world.context, lines.append)
        assert (again.exit_code, again.reason) == (4, found.reason)
        assert "asked for quiet" in again.sentence
        assert world.asked() == asked


def test_check_live_at_a_forbidding_robots_txt(world: World) -> None:
    world.switch(WHOLE_SITE, robots="forbid")
    lines: list[str] = []
    found = jobs.check_live(MOVIE, world.context, lines.append)
    assert (found.exit_code, found.reason, len(lines)) == (4, "robots", 2)
    assert world.asked() == 1


def test_check_live_in_a_shell(world: World, monkeypatch, warehouse_url) -> None:
    settings = world.context.settings
    for name in ("lake_url", "request_gap_seconds", "page_timeout_seconds"):
        monkeypatch.setenv(f"FILMPULSE_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("FILMPULSE_IMDB_URL", settings.source_urls["imdb"])
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", settings.warehouse_url.get_secret_value())
    world.switch(OTHER, gate=0)
    ran = CliRunner().invoke(cli.app, ["check-live", OTHER])  # without an author's secret, too
    assert ran.exit_code == 6
    assert [line.split(":")[0].split(" of ")[0] for line in ran.output.splitlines()] == [
        "robots.txt", "robots.txt", "title page", "title page", "reviews page ...",
        "reviews page", "gated",
    ]  # fmt: skip
    monkeypatch.delenv("FILMPULSE_IMDB_URL")
    off = CliRunner().invoke(cli.app, ["check-live", OTHER])
    assert isinstance(off.exception, BadInput)
    assert "FILMPULSE_IMDB_URL" in str(off.exception)
    wrong = CliRunner().invoke(cli.app, ["check-live", "tt12"])
    assert isinstance(wrong.exception, BadInput)
