"""The browser on a real Selenium Grid whose parts fail, one at a time; nothing is left behind."""

from __future__ import annotations

import base64
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import psutil
import pytest
from helpers.waiting import wait_until
from pydantic import SecretStr

from filmpulse import doctor
from filmpulse.errors import BadInput, BrowserUnavailable
from filmpulse.local.cluster.grid import _namespace
from filmpulse.sources import browser as module
from filmpulse.sources.browser import Browser
from filmpulse.sources.grid import read_address, read_nodes

if TYPE_CHECKING:
    from filmpulse.local.cluster.grid import Hub, Node, Throwaway

PAGE = "<!DOCTYPE html><html><head><title>t</title></head><body>here</body></html>"


class Site(BaseHTTPRequestHandler):
    """One page."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def sessions(grid: Throwaway) -> int:
    """Return how many browsers run, by the hub's count."""
    return sum(node.sessions for node in grid.hub.nodes())


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process runs; what has ended may wait for its parent's notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def java(grid: Throwaway, part: Hub | Node) -> psutil.Process:
    """Return the part's own process, without what surrounds it."""
    [found] = [process for process in grid.processes(part) if process.name() == "java"]
    return found


@pytest.fixture
def whole(grid: Throwaway) -> Iterator[Throwaway]:
    """The Grid, whole before and after a test: all parts run, and no session is left."""
    wait_until(lambda: sessions(grid) == 0)  # the hub forgets one a moment after its end
    yield grid
    grid.wait()
    wait_until(lambda: sessions(grid) == 0)


def reason_of(browser: Browser, url: str) -> str:
    """Return why a page could not be had."""
    with pytest.raises(BrowserUnavailable) as caught:
        browser.get(url)
    return caught.value.reason


def refusal(base: str, hub: Hub) -> str:
    """Return why a browser could not be had."""
    with pytest.raises(BrowserUnavailable) as caught, Browser(base_url=base, remote_url=hub.url):
        pass
    return caught.value.reason


def test_sessions_end_with_their_browsers(whole: Throwaway, base: str) -> None:
    with Browser(base_url=base, remote_url=whole.hub.url) as browser:
        assert browser.get(base).status == 200
        assert sessions(whole) == 1
    wait_until(lambda: sessions(whole) == 0)
    with suppress(ZeroDivisionError), Browser(base_url=base, remote_url=whole.hub.url):
        raise ZeroDivisionError
    wait_until(lambda: sessions(whole) == 0)


@pytest.mark.parametrize("victim", ["java", "chromium"])
def test_what_is_lost_with_a_node_is_told_and_ended(
    whole: Throwaway, base: str, victim: str
) -> None:
    with Browser(base_url=base, remote_url=whole.hub.url) as browser:
        browser.get(base)
        [node] = [n for n in whole.nodes if len(whole.processes(n)) > 3]
        running = whole.processes(node)
        next(process for process in running if process.name() == victim).kill()
        assert reason_of(browser, base) == "browser"
    if victim == "java":
        if _namespace():
            wait_until(lambda: not any(map(is_alive, running)))
        with Browser(base_url=base, remote_url=whole.hub.url) as other:  # on the other node
            assert other.get(base).status == 200
        whole.kill(node)
        whole.start(node)


def test_a_hub_that_hangs_is_told(
    whole: Throwaway, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRIVER_SECONDS", 1.0)
    with Browser(base_url=base, page_timeout=2, remote_url=whole.hub.url) as browser:
        hub = java(whole, whole.hub)
        hub.suspend()
        assert reason_of(browser, base) == "grid_unavailable"
        hub.resume()


@pytest.fixture
def killed_worker(grid: Throwaway, base: str) -> None:
    """A worker that was killed while it used a browser."""
    script = f"""
import time
from pydantic import SecretStr
from filmpulse.sources.browser import Browser
with Browser(base_url={base!r}, remote_url=SecretStr(input())) as browser:
    browser.get({base!r})
    print("ready", flush=True)
    time.sleep(600)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(f"{grid.hub.url.get_secret_value()}\n")
        worker.stdin.flush()
        assert worker.stdout.readline() == "ready\n"
        os.kill(worker.pid, signal.SIGKILL)


@pytest.mark.drill
@pytest.mark.usefixtures("killed_worker")
def test_a_lost_hub_and_a_killed_worker_leave_nothing(grid: Throwaway, base: str) -> None:
    """The hub dies; the next one finds both slots taken, by sessions that it does not know."""
    with Browser(base_url=base, remote_url=grid.hub.url) as browser:
        assert sessions(grid) == 2
        grid.kill(grid.hub)
        assert reason_of(browser, base) == "grid_unavailable"
        assert refusal(base, grid.hub) == "grid_unavailable"
        impatient = replace(grid.hub, queue_seconds=2)
        grid.start(impatient)
        grid.wait()
        assert sessions(grid) == 2
        assert refusal(base, grid.hub) == "grid_busy"
        assert reason_of(browser, base) == "browser"
    wait_until(lambda: sessions(grid) == 0)
    grid.kill(impatient)
    grid.start(grid.hub)
    grid.wait()
    with Browser(base_url=base, remote_url=grid.hub.url) as browser:
        assert browser.get(base).status == 200


def test_the_log_in_is_asked_for_and_told_nowhere(
    whole: Throwaway, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    password = whole.hub.password
    with Browser(base_url=base, remote_url=whole.hub.url) as browser:
        browser.get(base)
    wrong = SecretStr(f"http://filmpulse:{password[::-1]}@127.0.0.1:{whole.hub.port}")
    nobody = SecretStr(whole.hub.address)
    for url in (wrong, nobody):
        with pytest.raises(BadInput) as caught, Browser(base_url=base, remote_url=url):
            pass
        assert password[::-1] not in str(caught.value)
        with pytest.raises(BadInput):
            read_nodes(url)
    parts = [whole.hub, *whole.nodes]
    seen = [word for p in parts for each in whole.processes(p) for word in each.cmdline()]
    told = "\n".join([caplog.text, repr(parts), *seen])
    for secret in (password, whole.hub.node_password):
        assert secret not in told
        assert base64.b64encode(f"filmpulse:{secret}".encode()).decode() not in told


def test_no_part_listens_to_others_or_is_root(whole: Throwaway, base: str) -> None:
    with Browser(base_url=base, remote_url=whole.hub.url) as browser:
        browser.get(base)
        for part in (whole.hub, *whole.nodes):
            heard, users = set(), set()
            for process in whole.processes(part)[1:]:  # without the one that makes the namespace
                with suppress(psutil.NoSuchProcess):  # Chromium ends some of its own
                    users.add(process.uids().effective)
                    found = process.net_connections()
                    heard |= {c.laddr for c in found if c.status == psutil.CONN_LISTEN}
            assert part.port in {address.port for address in heard}
            ips = {address.ip.removeprefix("::ffff:") for address in heard}
            assert ips <= {"127.0.0.1", "::1"}
            assert users == {part._user if os.geteuid() == 0 else os.geteuid()}


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        ("http://grid:4444", "http://grid:4444", None, None),
        ("https://u:p%40:x@grid/wd/hub/", "https://grid/wd/hub", "u", "p@:x"),
        ("http://u@[::1]:4444", "http://[::1]:4444", "u", None),
    ],
)
def test_an_address_is_read(text: str, url: str, user: str | None, password: str | None) -> None:
    assert read_address(SecretStr(text)) == (url, user, password)


@pytest.mark.parametrize(
    "text", ["grid:4444", "ftp://u:hush@grid", "http://u:hush@grid:x", "http:"]
)
def test_what_is_no_address_is_said_without_the_secret(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_address(SecretStr(text))
    assert "hush" not in str(caught.value)
    assert "SELENIUM_REMOTE_URL" in str(caught.value)


def test_the_doctor_compares_pools_and_slots(
    whole: Throwaway, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(browser: int, detector: int) -> doctor.Check:
        pools = [{"pool": "browser", "slots": f"{browser}"}, {"pool": "llm", "slots": "4"}]
        pools.append({"pool": "detector", "slots": f"{detector}"})
        monkeypatch.setattr(doctor, "_airflow_lists", lambda _: [pools])
        found = doctor._run("browser", doctor._browser)
        assert whole.hub.password not in str(found)
        return found

    monkeypatch.setenv("AIRFLOW_HOME", "/nowhere")
    monkeypatch.setenv("SELENIUM_REMOTE_URL", whole.hub.url.get_secret_value())
    assert look(1, 1).ok
    assert not look(2, 1).ok
    with ExitStack() as stack:
        for _ in whole.nodes:
            stack.enter_context(Browser(base_url=base, remote_url=whole.hub.url))
        assert not look(1, 1).ok  # all are taken
    whole.kill(whole.nodes[0])
    wait_until(lambda: not whole.nodes[0].is_ready())
    found = look(1, 1)
    assert (found.ok, "1 slots on 1 nodes" in found.detail) == (False, True)
    assert look(1, 0).ok
    whole.start(whole.nodes[0])
    whole.wait()
    monkeypatch.setenv("SELENIUM_REMOTE_URL", base)  # a site, and no Grid
    assert "SELENIUM_REMOTE_URL" in look(1, 1).advice
