"""A headless Chromium: a URL goes in, a `Page` comes out.

The only module of the package that imports Selenium. It knows no site, but keeps the answers to
requests that a page makes to an address with `graphql` in it. It asks for English pages and
declines English consent banners. A page's content is read from `Page.html`, or by one script: to
read it element by element takes a hundred times longer.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from pydantic import SecretStr
from selenium import webdriver
from selenium.common.exceptions import (
    SessionNotCreatedException,
    TimeoutException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from urllib3.exceptions import HTTPError, ReadTimeoutError

from filmpulse import __version__
from filmpulse.errors import BadInput, BrowserUnavailable, SiteUnavailable
from filmpulse.items import Page
from filmpulse.parent import end_with_parent
from filmpulse.sources.grid import LOOPBACK, REFUSED, read_address

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_PATHS = (
    "/usr/bin/chromium",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
DRIVER_PATHS = ("/usr/bin/chromedriver", "/usr/lib/chromium-browser/chromedriver")

# Wait so much longer for the driver than for a page or a script; wait so long for its end.
DRIVER_SECONDS, QUIT_SECONDS = 15.0, 10.0
# Wait so long for a browser of a Grid. A hub gives up by itself after 300 s unless told otherwise
# (`--session-request-timeout`), and then the browser starts. If we gave up first, the hub would
# start a browser that nobody asks anything.
GRID_SECONDS = 330.0

# These keep the browser from calling home and from loading what is never read. None hides what we
# are.
FLAGS = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--blink-settings=imagesEnabled=false",
    "--window-size=1280,1600",
    "--lang=en-US",
)

# `SiteUnavailable.reason` -> net errors of Chrome
NET_REASONS = {
    "dns": "NAME_NOT_RESOLVED|ADDRESS_INVALID",
    "timeout": "TIMED_OUT",
    "reset": "CONNECTION_(RESET|CLOSED|ABORTED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED",
    "broken_page": "CONTENT_LENGTH_MISMATCH|CONTENT_DECODING_FAILED|IN(COMPLETE|VALID)_CHUNKED",
}

# Press controls by script, so that nothing that lies on top of them catches the click.
_CLICK = """
const e = document.querySelector(arguments[0]);
if (!e || e.disabled || e.getAttribute('aria-disabled') === 'true') return false;
e.scrollIntoView({block: 'center'}); e.click(); return true;
"""
_SELECT = """
const e = document.querySelector(arguments[0]);
if (!e || ![...e.options].some(o => o.value === arguments[1])) return false;
const set = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value').set;
set.call(e, arguments[1]);
e.dispatchEvent(new Event('input', {bubbles: true}));
e.dispatchEvent(new Event('change', {bubbles: true}));
return true;
"""
# A banner covers the page if a click in the middle or near the foot would hit it. Only a button
# that says no is ever pressed.
_DECLINE = """
const boxes = document.querySelectorAll(
  '[data-testid*="consent" i],[id*="consent" i],[class*="consent" i]');
const points = [0.5, 0.95].map(y =>
  document.elementFromPoint(innerWidth * 0.5, innerHeight * y));
for (const box of boxes) {
  if (!points.some(p => p && box.contains(p))) continue;
  for (const b of box.querySelectorAll('button,[role="button"]')) {
    const name = [b.dataset.testid, b.id, b.className].join(' ');
    const text = b.textContent.trim();
    if (/reject|decline|refuse/i.test(name) || /^(reject|decline|refuse)/i.test(text)) {
      b.click(); return true;
    }
  }
}
return false;
"""


class Browser:
    """One browser for one task; use it in a `with` block, on the thread that made it.

    On Linux the kernel kills the driver when that thread ends, so that even a SIGKILL of the
    worker leaves neither driver nor browser behind.
    """

    def __init__(
        self,
        *,
        base_url: str,
        page_timeout: float = 60.0,
        browser_path: Path | None = None,
        driver_path: Path | None = None,
        remote_url: SecretStr | None = None,
    ) -> None:
        """Keep the settings; nothing starts yet.

        Args:
            base_url: The site. If it is on this machine, the browser can reach no other host.
            page_timeout: Seconds that a page load or a script may take.
            browser_path: Chromium or Chrome; None: search the PATH and the usual places.
            driver_path: chromedriver; None: search likewise, else leave it to Selenium Manager.
            remote_url: A Selenium Grid to use in place of a local driver. The session that a
                killed worker leaves there ends with the node's `--session-timeout`.
        """
        self._base_host = urlsplit(base_url).hostname or ""
        self._timeout = page_timeout
        self._browser_path = browser_path
        self._driver_path = driver_path
        self._remote_url = remote_url
        self._driver: Any = None
        self._is_deaf = False
        self._folder: _Folder | None = None
        # The request for the main document and, once it ended, "finished" or a net error.
        self._main_frame = ""
        self._main_request = ""
        self._main_state = ""
        self._fetched_at: datetime | None = None
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        # GraphQL requests that wait for an answer, and answers that nobody has taken yet.
        self._pending: dict[str, Page] = {}
        self._answers: list[Page] = []

    def __enter__(self) -> Browser:
        """Start the driver and the browser.

        Raises:
            BadInput: There is no browser or driver at the given path, or no Grid at the address.
            BrowserUnavailable: The browser did not start (`browser`), no slot of the Grid became
                free in time (`grid_busy`), or the Grid does not answer (`grid_unavailable`).
        """
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close the browser."""
        self.close()

    def close(self) -> None:
        """End browser and driver and remove their files; may be called twice."""
        driver, self._driver = self._driver, None
        if driver is not None:
            service = getattr(driver, "service", None)
            family = _family(service)
            if self._is_deaf:  # it would not hear the request to end either
                for process in family[:1]:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
            with suppress(WebDriverException, HTTPError, OSError):
                driver.command_executor.client_config.timeout = QUIT_SECONDS
                driver.quit()
            if service is not None:
                with suppress(OSError, AttributeError):
                    service.stop()
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def get(self, url: str) -> Page:
        """Open a page and return it once its HTML has come whole.

        Returns:
            Status and headers (lower-case names) are those of the main document after redirects.
            Refusals (403, 429 ...) and 404 are pages too: the caller judges them.

        Raises:
            SiteUnavailable: No whole page came: `dns`, `reset`, `timeout`, `broken_page` or
                `unavailable` (5xx, refused connection).
            BrowserUnavailable: The browser or the Grid was lost.
        """
        self._read_log()
        self._pending.clear()
        self._answers.clear()
        self._status, self._headers = None, {}
        self._main_request, self._main_state = "", ""
        failure: WebDriverException | None = None
        try:
            self._driver.get(url)
        except TimeoutException as error:
            raise SiteUnavailable(
                f"{url} gave no whole page within {self._timeout:g} s.", reason="timeout"
            ) from error
        except WebDriverException as error:
            failure = error
        except (HTTPError, OSError) as error:
            raise self._lost(url, error) from error
        self._fetched_at = datetime.now(UTC)
        self._await_main_document(0.3 if failure else 3.0)

        if self._status is not None and self._status >= 500:
            raise SiteUnavailable(f"{url} answered {self._status}.", reason="unavailable")
        if self._status in (204, 205):  # the browser still shows the page before
            raise SiteUnavailable(f"{url} answered {self._status}: no page.", reason="broken_page")
        # The driver does not report every failure: Chrome may show an error page of its own.
        if failure is not None or self._main_state.startswith("net::"):
            if self._status is not None and self._status >= 400:  # a refusal without a body
                return self._page(url, url, "")
            told = self._main_state or str(failure and failure.msg)
            raise _not_opened(url, told)
        if self._is_half_a_page():
            raise SiteUnavailable(f"{url} came without its end.", reason="broken_page")
        page = self.page(url)
        if page.status is None:
            if page.final_url.partition("#")[0] != url.partition("#")[0]:
                raise SiteUnavailable(f"{url} was not opened.", reason="unavailable")
            timing = "return performance.getEntriesByType('navigation')[0]?.responseStatus || null"
            self._status = self.evaluate(timing)
            page = page.model_copy(update={"status": self._status})
        return page

    def page(self, url: str | None = None) -> Page:
        """Return the document as it is now, with what scripts have added since `get`."""
        with self._guard():
            final_url, html = self._driver.current_url, self._driver.page_source
        return self._page(url or final_url, final_url, html)

    def evaluate(self, script: str, *args: object) -> Any:
        """Run one script (the body of a function) in the page and return its value.

        Raises:
            SiteUnavailable: The script did not end in time.
            BrowserUnavailable: The browser or the Grid was lost.
        """
        with self._guard():
            return self._driver.execute_script(script, *args)

    def click(self, css: str) -> bool:
        """Press the first element that matches; False if there is none, or it is disabled."""
        return bool(self.evaluate(_CLICK, css))

    def select(self, css: str, value: str) -> bool:
        """Choose an option by its value; False if there is no such select or option."""
        return bool(self.evaluate(_SELECT, css, value))

    def decline_consent(self) -> bool:
        """Say no to a consent banner that covers the page; False when none does."""
        return bool(self.evaluate(_DECLINE))

    def answers(self, timeout: float) -> list[Page]:
        """Wait for the next GraphQL answers that the page fetches for itself.

        Returns:
            Each answer once, in order of arrival; empty when none came within `timeout` seconds.
            `html` is the body: JSON, or HTML if a refusal came as a page; empty unless the status
            is 2xx, and for 202. The status is 0 where the connection failed.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._read_log()
            if self._answers or time.monotonic() >= deadline:
                found, self._answers = self._answers, []
                return found
            time.sleep(0.05)

    def _start(self) -> None:
        options = webdriver.ChromeOptions()
        options.page_load_strategy = "eager"  # wait for the HTML, not for advertisements
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        options.add_experimental_option(
            "perfLoggingPrefs", {"enableNetwork": True, "enablePage": False}
        )
        for flag in FLAGS:
            options.add_argument(flag)
        if self._base_host in LOOPBACK:
            spared = ", ".join(f"EXCLUDE {host}" for host in ("127.0.0.1", "localhost", "[::1]"))
            options.add_argument(f"--host-resolver-rules=MAP * ~NOTFOUND, {spared}")
        # Over a pipe the browser ends with the driver, however the driver ends.
        options.add_argument("--remote-debugging-pipe")
        with self._guard("The browser did not start"):
            if self._remote_url is not None:
                self._driver = _start_remote(self._remote_url, options)
            else:
                self._driver = self._start_local(options)
            # A driver whose browser was killed may never answer.
            patience = self._timeout + DRIVER_SECONDS
            self._driver.command_executor.client_config.timeout = patience
            self._driver.set_page_load_timeout(self._timeout)
            self._driver.set_script_timeout(self._timeout)
            self._main_frame = self._driver.current_window_handle
            own = self._cdp("Browser.getVersion")["userAgent"]
            agent = {"userAgent": f"{own} Filmpulse/{__version__}"}
            self._cdp("Network.setUserAgentOverride", agent)

    def _start_local(self, options: webdriver.ChromeOptions) -> Any:
        browser, driver = find_browser(self._browser_path), find_driver(self._driver_path)
        if browser:
            options.binary_location = browser
        if not driver:  # Selenium Manager fetches one, and sends no statistics
            os.environ.setdefault("SE_AVOID_STATS", "true")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        _Folder.sweep()
        self._folder = _Folder()
        options.add_argument(f"--user-data-dir={self._folder.path / 'profile'}")
        popen: dict[str, Any] = {}
        if sys.platform == "linux":
            end = functools.partial(end_with_parent, signal.SIGKILL, os.getpid())
            popen["preexec_fn"] = end
        return webdriver.Chrome(
            options=options,
            service=Service(executable_path=driver, env=self._folder.env(), popen_kw=popen),
        )

    def _is_half_a_page(self) -> bool:
        """Look for the end of the text that came: in the DOM the browser closes all tags."""
        try:
            answer = self._cdp("Network.getResponseBody", {"requestId": self._main_request})
        except WebDriverException:  # the browser did not keep the text
            return False
        body = answer["body"]
        return not answer["base64Encoded"] and "<html" in body[:2000] and "</html" not in body

    @property
    def is_asking(self) -> bool:
        """Whether a GraphQL request of the page waits for its answer."""
        self._read_log()
        return bool(self._pending)

    def _cdp(self, command: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = self._driver.execute(
            "executeCdpCommand", {"cmd": command, "params": params or {}}
        )["value"]
        return result

    def _page(self, url: str, final_url: str, html: str) -> Page:
        return Page(
            url=url,
            final_url=final_url,
            html=html,
            status=self._status,
            headers=self._headers,
            fetched_at=self._fetched_at,
        )

    def _await_main_document(self, seconds: float) -> None:
        """Read the log until the transfer of the main document has ended or failed."""
        deadline = time.monotonic() + seconds
        while True:
            self._read_log()
            if self._main_state or time.monotonic() >= deadline:
                return
            time.sleep(0.02)

    def _read_log(self) -> None:
        """Take the answers of the main document and of GraphQL from the browser's network log.

        This empties the log in the driver, so that it never grows with the number of pages.
        """
        with self._guard():
            entries = self._driver.execute("getLog", {"type": "performance"})["value"]
        for entry in entries:
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            match message["method"]:
                case "Network.requestWillBeSent":
                    self._note_request(params)
                case "Network.responseReceived":
                    self._note_response(params)
                case "Network.loadingFinished":
                    self._note_end(params["requestId"], "finished")
                case "Network.loadingFailed":
                    self._note_end(params["requestId"], params.get("errorText") or "net::FAILED")

    def _note_request(self, params: dict[str, Any]) -> None:
        url = params["request"]["url"]
        if params.get("type") == "Document" and params.get("frameId") == self._main_frame:
            self._main_request, self._main_state = params["requestId"], ""
        elif params.get("type") in ("XHR", "Fetch") and "graphql" in url.lower():
            self._pending[params["requestId"]] = page_of(url, "", 0)

    def _note_response(self, params: dict[str, Any]) -> None:
        response, request = params["response"], params["requestId"]
        headers = {name.lower(): value for name, value in response["headers"].items()}
        status = int(response["status"])
        if request == self._main_request:
            self._status, self._headers = status, headers
        elif request in self._pending:
            self._pending[request] = page_of(response["url"], "", status, headers)

    def _note_end(self, request: str, state: str) -> None:
        if request == self._main_request:
            self._main_state = self._main_state or state  # Chrome's own page "finishes" later
        answer = self._pending.pop(request, None)
        if answer is None:
            return
        if state != "finished":
            answer = page_of(answer.url, "", 0)
        elif answer.status in range(200, 300) and answer.status != 202:
            try:
                body = self._cdp("Network.getResponseBody", {"requestId": request})["body"]
            except WebDriverException:  # the browser went to another page and dropped the answer
                return
            answer = answer.model_copy(update={"html": body})
        self._answers.append(answer)

    @contextmanager
    def _guard(self, what: str = "The browser failed") -> Iterator[None]:
        """Raise `SiteUnavailable` or `BrowserUnavailable` for what the driver raises."""
        try:
            yield
        except TimeoutException as error:
            raise SiteUnavailable(
                f"The page gave no answer within {self._timeout:g} s.", reason="timeout"
            ) from error
        except (HTTPError, OSError) as error:
            raise self._lost(what, error) from error
        except WebDriverException as error:
            text = (error.msg or str(error)).partition("; For documentation")[0]
            raise BrowserUnavailable(f"{what}: {text.splitlines()[0]}") from error

    def _lost(self, what: str, error: Exception) -> BrowserUnavailable:
        """Note that the driver or the Grid does not answer; return the error to raise."""
        self._is_deaf = True
        if self._remote_url is not None:
            grid = read_address(self._remote_url).url
            return BrowserUnavailable(
                f"{what}: the Selenium Grid at {grid} does not answer.", reason="grid_unavailable"
            )
        why = str(error) if isinstance(error, OSError) else "the browser does not answer"
        return BrowserUnavailable(f"{what}: {why}.")


def _start_remote(remote_url: SecretStr, options: webdriver.ChromeOptions) -> Any:
    """Start a browser on a Grid; wait for a free slot as long as the hub does.

    Raises:
        BadInput: The address is no Grid's, or the Grid refuses the log-in.
        BrowserUnavailable: No slot became free in time (`grid_busy`).
    """
    grid = read_address(remote_url)
    client = ClientConfig(
        grid.url,
        username=grid.user,
        password=grid.password,
        proxy=Proxy({"proxyType": ProxyType.DIRECT}) if grid.is_local else None,
        # A hub that hangs would be asked three times more.
        init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
        timeout=round(GRID_SECONDS),
    )
    busy = f"No slot of the Selenium Grid at {grid.url} became free in time."
    try:
        return webdriver.Remote(grid.url, options=options, client_config=client)
    except ReadTimeoutError as error:
        raise BrowserUnavailable(busy, reason="grid_busy") from error
    except SessionNotCreatedException as error:
        if "timed out" not in (error.msg or ""):
            raise
        raise BrowserUnavailable(busy, reason="grid_busy") from error
    except WebDriverException as error:
        if error.msg == "Authorization Required":  # Selenium's own word for 401
            raise BadInput(REFUSED) from error
        raise


def page_of(
    url: str, html: str, status: int | None = None, headers: dict[str, str] | None = None
) -> Page:
    """Make a page of an answer, or of a part of a page, that came just now."""
    return Page(
        url=url,
        final_url=url,
        html=html,
        status=status,
        headers=headers or {},
        fetched_at=datetime.now(UTC),
    )


def _family(service: Any) -> list[psutil.Process]:
    """Return the processes of a local driver and of its browser; empty when they are gone."""
    try:
        driver = psutil.Process(service.process.pid)
        return [driver, *driver.children(recursive=True)]
    except (AttributeError, psutil.NoSuchProcess):  # a driver elsewhere, or none
        return []


def find_browser(given: Path | None = None) -> str | None:
    """Return the path of Chromium or Chrome; None if there is none.

    Raises:
        BadInput: There is no file at the given path; the message names the setting.
    """
    return _find_program(given, BROWSER_NAMES, BROWSER_PATHS, "browser")


def find_driver(given: Path | None = None) -> str | None:
    """Return the path of chromedriver, as `find_browser` does."""
    return _find_program(given, ("chromedriver",), DRIVER_PATHS, "driver")


def _find_program(
    given: Path | None, names: tuple[str, ...], paths: tuple[str, ...], what: str
) -> str | None:
    if given is not None:
        if not given.is_file():
            raise BadInput(f"There is no {what} at {given} (FILMPULSE_{what.upper()}_PATH).")
        return str(given)
    on_path = next((found for name in names if (found := shutil.which(name))), None)
    return on_path or next((path for path in paths if Path(path).is_file()), None)


def _not_opened(url: str, message: str) -> SiteUnavailable:
    """Return the error of a page that was not opened, by the net error in a driver's message."""
    word = message.partition("net::")[2].split()
    if not word:
        why = message.splitlines()[0] if message else "no reason given"
        return BrowserUnavailable(f"{url} could not be opened ({why}).")
    found = (reason for reason, errors in NET_REASONS.items() if re.search(errors, word[0]))
    return SiteUnavailable(
        f"{url} could not be opened ({word[0].rstrip('.,)')}).", reason=next(found, "unavailable")
    )


class _Folder:
    """The temporary folder of one browser.

    This process holds a lock on its folder, which the kernel drops when the process dies. So the
    folder of a killed worker is unlocked, and the next start removes it.
    """

    PREFIX = "filmpulse-browser-"
    UNLOCKED = ".new"  # ending of its name until it is locked, so that nobody removes it
    LONGEST_SOCKET = 100  # characters; Chromium keeps a socket in its temporary folder

    def __init__(self) -> None:
        """Make and lock it."""
        new = Path(tempfile.mkdtemp(prefix=self.PREFIX, suffix=self.UNLOCKED))
        self._lock = os.open(new, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = new.rename(new.with_suffix(""))

    def env(self) -> dict[str, str]:
        """Return an environment in which driver and browser put temporary files here."""
        socket = self.path / "org.chromium.Chromium.XXXXXX" / "SingletonSocket"
        is_short = len(str(socket)) <= self.LONGEST_SOCKET
        return {**os.environ, **({"TMPDIR": str(self.path)} if is_short else {})}

    def remove(self) -> None:
        """Remove the folder and release the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    @classmethod
    def sweep(cls) -> None:
        """Remove the folders of browsers whose worker was killed."""
        for folder in Path(tempfile.gettempdir()).glob(f"{cls.PREFIX}*"):
            with suppress(OSError):  # another user's, locked, or just removed
                if folder.suffix == cls.UNLOCKED and time.time() - folder.stat().st_mtime < 3600:
                    continue
                handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(handle)
