"""The real browser against a small local server: answers, failures, and that nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from helpers.waiting import wait_until

from filmpulse.errors import BadInput, SiteUnavailable
from filmpulse.sources import browser as module
from filmpulse.sources.browser import Browser

WHOLE = "<!DOCTYPE html><html><head><title>t</title></head><body>{}</body></html>"
CONSENT = """
<div data-testid="consent-banner" style="position:fixed;inset:0">
  <button data-testid="accept-button" onclick="document.title='accepted'">Accept</button>
  <button data-testid="reject-button" onclick="document.title='rejected';
    this.parentElement.remove()">Decline</button>
</div>"""
ASKING = """<p id="state"></p><button class="more" onclick="
  fetch('/graphql?n=1').then(r => r.text()).then(() => fetch('/other.json'))
    .then(() => fetch('/graphql?refuse')).then(() => fetch('/graphql?n=2'))">more</button>"""


class Site(BaseHTTPRequestHandler):
    """What each path answers; `hits` are the paths asked for, with the agent."""

    protocol_version = "HTTP/1.1"
    hits: ClassVar[list[tuple[str, str]]] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hits.append((self.path, self.headers.get("User-Agent", "")))
        match path:
            case "/plain":
                self.answer(200, WHOLE.format("<p>Grüße</p>"), X_Mark="Yes")
            case "/moved":
                self.answer(302, "", Location="/plain")
            case "/refused":
                self.answer(403, "")
            case "/limited":
                self.answer(429, WHOLE.format("slow down"), Retry_After="7")
            case "/challenge":
                self.answer(202, "", X_Amzn_Waf_Action="challenge")
            case "/missing":
                self.answer(404, WHOLE.format("no"))
            case "/down":
                self.answer(503, WHOLE.format("down"))
            case "/nothing":
                self.answer(204, "")
            case "/half":
                self.answer(200, WHOLE.format("x")[:-20], length=5000)
            case "/unended":
                self.answer(200, WHOLE.format("x" * 9)[:-18])
            case "/reset":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case "/slow":
                time.sleep(3)
                with suppress(BrokenPipeError):
                    self.answer(200, WHOLE.format("late"))
            case "/consent":
                self.answer(200, WHOLE.format(CONSENT))
            case "/small-consent":
                small = CONSENT.replace("inset:0", "top:0;left:0;width:90px;height:60px")
                self.answer(200, WHOLE.format(small))
            case "/asking":
                self.answer(200, WHOLE.format(ASKING))
            case "/graphql" if "refuse" in self.path:
                self.answer(403, "{}", X_Why="no")
            case "/graphql":
                self.answer(200, f'{{"asked": "{self.path}"}}', "application/json")
            case "/controls":
                self.answer(200, WHOLE.format(
                    "<select id='s' onchange='document.title=this.value'><option value='A'>a"
                    "<option value='B'>b</select><button id='off' disabled>x</button>"
                ))  # fmt: skip
            case _:
                self.answer(200, "{}", "application/json")

    def answer(
        self,
        status: int,
        text: str,
        kind: str = "text/html; charset=utf-8",
        length: int | None = None,
        **headers: str,
    ) -> None:
        body = text.encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(length or len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if length:
            self.close_connection = True


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=["here", "on a Grid"])
def browser(request: pytest.FixtureRequest, base: str) -> Iterator[Browser]:
    grid = None if request.param == "here" else request.getfixturevalue("grid")
    with Browser(base_url=base, page_timeout=2, remote_url=grid and grid.hub.url) as browser:
        yield browser


def test_page_is_what_the_site_sent(browser: Browser, base: str) -> None:
    before = datetime.now(UTC)
    page = browser.get(f"{base}/plain?q=1")
    assert (page.status, page.headers["x-mark"]) == (200, "Yes")
    assert (page.url, page.final_url) == (f"{base}/plain?q=1",) * 2
    assert "<p>Grüße</p>" in page.html
    assert before <= page.fetched_at <= datetime.now(UTC)


def test_browser_says_who_it_is_and_hides_nothing(browser: Browser, base: str) -> None:
    browser.get(f"{base}/plain?agent")
    agent = [agent for path, agent in Site.hits if path == "/plain?agent"][-1]
    assert agent.endswith(" Filmpulse/0.1.0")
    assert "Headless" in agent
    assert browser.evaluate("return navigator.webdriver") is True


def test_redirect_ends_at_its_target(browser: Browser, base: str) -> None:
    page = browser.get(f"{base}/moved")
    assert (page.url, page.final_url) == (f"{base}/moved", f"{base}/plain")
    assert (page.status, page.headers["x-mark"]) == (200, "Yes")


@pytest.mark.parametrize(
    ("path", "status", "header"),
    [
        ("/refused", 403, None),
        ("/limited", 429, ("retry-after", "7")),
        ("/challenge", 202, ("x-amzn-waf-action", "challenge")),
        ("/missing", 404, None),
    ],
)
def test_refusal_is_a_page_with_its_status(browser, base, path, status, header) -> None:
    browser.get(f"{base}/plain")
    page = browser.get(f"{base}{path}")
    assert page.status == status
    assert "Grüße" not in page.html
    if header:
        assert page.headers[header[0]] == header[1]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/down", "unavailable"),
        ("/reset", "reset"),
        ("/half", "broken_page"),
        ("/unended", "broken_page"),
        ("/nothing", "broken_page"),
        ("/slow", "timeout"),
    ],
)
def test_no_whole_page_is_told_by_its_reason(browser, base, path, reason) -> None:
    browser.get(f"{base}/plain")
    with pytest.raises(SiteUnavailable) as caught:
        browser.get(f"{base}{path}")
    assert caught.value.reason == reason
    assert browser.get(f"{base}/plain").status == 200  # and it goes on


def test_what_was_never_opened_is_not_the_page_before_it(browser: Browser, base: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    browser.get(f"{base}/plain")
    for port in (closed, 9):  # nobody there; a port that Chrome refuses without a word
        with pytest.raises(SiteUnavailable) as caught:
            browser.get(f"http://127.0.0.1:{port}/")
        assert caught.value.reason == "unavailable"


def test_browser_of_a_local_site_reaches_no_other_host(browser: Browser, base: str) -> None:
    with pytest.raises(SiteUnavailable) as caught:
        browser.get("http://films.example/")
    assert caught.value.reason == "dns"
    other = ThreadingHTTPServer(("127.0.0.2", 0), Site)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    browser.get(f"{base}/plain")
    outcome = browser.evaluate(
        f"return fetch('http://127.0.0.2:{other.server_port}/elsewhere', {{mode: 'no-cors'}})"
        ".then(() => 'reached', () => 'not reached')"
    )
    other.shutdown()
    other.server_close()
    assert outcome == "not reached"
    assert "/elsewhere" not in [path for path, _ in Site.hits]


def test_only_a_banner_that_covers_the_page_is_declined(browser: Browser, base: str) -> None:
    browser.get(f"{base}/consent")
    assert browser.decline_consent()
    assert browser.evaluate("return document.title") == "rejected"
    assert not browser.decline_consent()
    browser.get(f"{base}/small-consent")
    assert not browser.decline_consent()


def test_answers_are_given_once_in_order_with_refusals(browser: Browser, base: str) -> None:
    browser.get(f"{base}/asking")
    assert browser.answers(0.1) == []
    assert browser.click("button.more")
    got = []
    while len(got) < 3:
        got += browser.answers(1)
    assert [(a.status, a.html) for a in got] == [
        (200, '{"asked": "/graphql?n=1"}'),
        (403, ""),
        (200, '{"asked": "/graphql?n=2"}'),
    ]
    assert got[1].headers["x-why"] == "no"
    assert browser.answers(0.1) == []
    assert not browser.is_asking


def test_controls(browser: Browser, base: str) -> None:
    browser.get(f"{base}/controls")
    assert browser.select("#s", "B")
    assert browser.evaluate("return document.title") == "B"
    assert not browser.select("#s", "C")
    assert not browser.select("#none", "A")
    assert not browser.click("#off")
    assert "<title>B</title>" in browser.page().html


def test_script_that_does_not_end_is_stopped(browser: Browser, base: str) -> None:
    browser.get(f"{base}/plain")
    with pytest.raises(SiteUnavailable) as caught:
        browser.evaluate("return new Promise(() => {})")
    assert caught.value.reason == "timeout"


def test_missing_browser_is_named(tmp_path: Path, base: str) -> None:
    with (
        pytest.raises(BadInput, match="FILMPULSE_BROWSER_PATH"),
        Browser(base_url=base, browser_path=tmp_path / "none"),
    ):
        pass


def test_driver_that_cannot_start_is_no_traceback(tmp_path: Path, base: str) -> None:
    broken = tmp_path / "chromedriver"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with (
        pytest.raises(SiteUnavailable, match="did not start"),
        Browser(base_url=base, driver_path=broken),
    ):
        pass


def using(profile: str) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(profile in word for word in process.info["cmdline"] or ())
    ]


def test_closing_leaves_no_process_and_no_folder(base: str) -> None:
    with Browser(base_url=base) as browser:
        profile = str(browser._folder.path)
        driver = browser._driver.service.process.pid
        assert using(profile)
    assert not Path(profile).exists()
    assert not using(profile)
    assert not psutil.pid_exists(driver)


@pytest.fixture
def own_temporary() -> Iterator[Path]:
    """A temporary directory with a short name: Chromium's socket in it may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="filmpulse-test-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_killed_worker_leaves_no_browser(
    base: str, own_temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A temporary directory of its own: any browser that starts in the shared one sweeps that.
    monkeypatch.setenv("TMPDIR", str(own_temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    script = textwrap.dedent(
        f"""
        import time
        from filmpulse.sources.browser import Browser
        with Browser(base_url={base!r}) as browser:
            browser.get({base + "/plain"!r})
            print(browser._folder.path, browser._driver.service.process.pid, flush=True)
            time.sleep(60)
        """
    )
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    profile, driver = worker.stdout.readline().split()
    assert using(profile)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not using(profile) and not psutil.pid_exists(int(driver)))
    assert Path(profile).is_dir()  # a killed worker cannot remove it
    with Browser(base_url=base), Browser(base_url=base) as other:
        assert not Path(profile).exists()  # but the next one does,
        assert other.get(f"{base}/plain").status == 200  # and leaves alone what is in use


@pytest.mark.parametrize("victim", ["driver", "browser"])
def test_what_hangs_is_given_up_and_ended(
    base: str, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRIVER_SECONDS", 1.0)
    with Browser(base_url=base, page_timeout=6) as browser:
        browser.get(f"{base}/plain")
        driver = psutil.Process(browser._driver.service.process.pid)
        hanging = driver if victim == "driver" else driver.children()[0]
        hanging.suspend()
        with pytest.raises(SiteUnavailable) as raised:
            browser.get(f"{base}/plain")
        assert raised.value.reason in ("browser", "timeout")
        profile = str(browser._folder.path)
    wait_until(lambda: not using(profile))
