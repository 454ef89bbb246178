"""A person's browser in front of the dashboards: what it shows, asks for and logs.

Runs in the project's Python environment. The browser tests, `screenshots.py` and the benchmark of
dashboards use it.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from selenium import webdriver  # noqa: TID253 - each importer opens a browser
from selenium.common.exceptions import (  # noqa: TID253
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)

from filmpulse.sources.browser import (
    find_browser,
    find_driver,
)
from superset_tools import bundle
from superset_tools.bundle import ASSETS_FOLDER
from superset_tools.schema import Doc

WIDTH = 1440  # px
SCREEN = 900  # px: the height of a person's window
WHOLE_TAB = 2800  # px: as high as any tab, so that nothing must be scrolled

# Counts the page's open requests; it runs before any script of the page.
_WATCH = """
window.viewer = {asking: 0, asked: 0};
const fetched = window.fetch;
window.fetch = (...args) => {
  viewer.asking += 1; viewer.asked += 1;
  return fetched(...args).finally(() => { viewer.asking -= 1; });
};
"""
_STATE = """
const all = (s, e = document) => [...e.querySelectorAll(s)];
const tabs = all('.dashboard-component-tabs [role=tab]');
const pane = all('.dashboard-component-tabs .ant-tabs-tabpane-active').pop();
const charts = {};
for (const chart of pane ? all('[data-test-chart-name]', pane) : []) {
  const drawn = s => all(`.slice_container ${s}, [data-test="slice-container"] ${s}`, chart)
    .some(e => e.checkVisibility({visibilityProperty: true}));
  charts[chart.dataset.testChartName] =
    all('[role=alert], .ant-alert', chart).length ? 'error'
    : all('.ant-empty, [data-test="empty-state"]', chart).length ? 'empty'
    : drawn('canvas') || drawn('tbody tr') || drawn('svg:not([aria-hidden])') ? 'drawn'
    : /\\bNo data\\b/.test(chart.innerText) ? 'empty' : 'waiting';  // of small multiples
}
return {
  tab: tabs.filter(t => t.ariaSelected === 'true').map(t => t.innerText.trim()).pop(),
  charts, now: performance.now(), asking: window.viewer.asking,
  busy: all('.loading, [data-test="loading-indicator"], .ant-spin-spinning, .ant-skeleton-active')
    .length,
};
"""

Theme = Literal["light", "dark"]
_MODES: dict[Theme, str] = {"light": "default", "dark": "dark"}
_MARGIN = 32  # px below the last chart
_NOT_YET = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)


@dataclass(frozen=True)
class Layout:
    """A dashboard as its file has it."""

    slug: str
    tabs: dict[str, list[str]]  # the titles of a tab's charts, in order, by the tab's title
    filters: dict[str, set[str]]  # the titles of the charts that a filter must reach, by its id

    @property
    def charts(self) -> list[str]:
        """The titles of all charts."""
        return [name for names in self.tabs.values() for name in names]


def layouts() -> list[Layout]:
    """Return all dashboards, as their files have them."""
    docs = bundle.read(ASSETS_FOLDER).docs
    titles = {doc["uuid"]: doc["slice_name"] for doc in docs.values() if "slice_name" in doc}
    return [_layout(doc, titles) for doc in docs.values() if "position" in doc]


def _layout(dashboard: Doc, titles: dict[str, str]) -> Layout:
    position = dashboard["position"]
    shown: dict[str, str] = {}  # title by UUID
    tabs: dict[str, list[str]] = {}
    for key in bundle.reading_order(position):
        meta = position[key].get("meta", {})
        if position[key]["type"] == "TAB":
            tabs[meta["text"]] = []
        elif position[key]["type"] == "CHART":
            title = shown[meta["uuid"]] = meta.get("sliceNameOverride") or titles[meta["uuid"]]
            tabs[next(reversed(tabs))].append(title)
    filters = {
        one["id"]: {t for uuid, t in shown.items() if uuid not in one["scope"]["excluded"]}
        for _, one in bundle.filters_of(dashboard)
    }
    return Layout(dashboard["slug"], tabs, filters)


class Seen(NamedTuple):
    """A tab that is loaded completely."""

    tab: str  # its title
    charts: dict[str, str]  # the state of each chart (drawn, empty, error) by title
    seconds: float  # from the start of the navigation


class Question(NamedTuple):
    """A request of the page to `/api/v1/chart/data`; `chart_id` is None if a filter asks."""

    chart_id: int | None
    url: str
    body: dict[str, Any]

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The filters of all of its queries."""
        return [each for query in self.body["queries"] for each in query.get("filters", [])]


class Traffic(NamedTuple):
    """The browser's logs."""

    urls: list[str]  # of all requests
    questions: list[Question]  # of charts
    choices: list[Question]  # of filters, for the values to choose from
    complaints: list[str]  # severe messages of the console


class Viewer:
    """A browser that runs while the block does."""

    def __init__(
        self, url: str, *, height: int = WHOLE_TAB, patience: float = 180, flags: Sequence[str] = ()
    ) -> None:
        """Keep the settings.

        Args:
            url: Superset's address. If it is 127.0.0.1, the browser reaches no other host.
            height: Of the window, in px.
            patience: Seconds until a wait fails.
            flags: More words for the browser's command line.
        """
        self.url = url.rstrip("/")
        self.height = height
        self.patience = patience
        self.flags = flags
        self.driver: Any = None

    def __enter__(self) -> Self:
        """Start the browser."""
        options = webdriver.ChromeOptions()
        binary = find_browser()
        if binary is not None:
            options.binary_location = binary
        words = ("--headless=new", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en")
        for flag in (*words, *self.flags):
            options.add_argument(flag)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        host = urlsplit(self.url).hostname
        if host == "127.0.0.1":
            options.add_argument(f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {host}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option(
            "perfLoggingPrefs", {"enableNetwork": True, "enablePage": False}
        )
        driver = find_driver()
        self.driver = webdriver.Chrome(
            options=options, service=webdriver.ChromeService(executable_path=driver)
        )
        # On a busy machine pages and their scripts take long.
        self.driver.set_page_load_timeout(self.patience)
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=WIDTH,
            height=self.height,
            deviceScaleFactor=1,
            mobile=False,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """End the browser."""
        self.driver.quit()

    def cdp(self, command: str, **values: Any) -> Any:
        """Call a command of the browser's DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def run(self, script: str, *args: object) -> Any:
        """Run JavaScript, the body of a function, in the page; return its value."""
        return self.driver.execute_script(script, *args)

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Wait until `holds` returns a true value, and return the value.

        Raises:
            TimeoutError: It did not within `patience` seconds; the message names `what`.
        """
        deadline = time.monotonic() + self.patience
        while not (found := holds()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.driver.current_url}: waited in vain for {what}")
            time.sleep(0.1)
        return found

    # --- acting ---------------------------------------------------------------------------------

    def sign_in(self, user: str, password: str) -> None:
        """Log in on the log-in page, whoever was logged in before."""
        # One second after it was opened, the page sends a report. The answer sets the cookie of the
        # anonymous session again, and would end a session that began meanwhile.
        self.cdp("Network.setBlockedURLs", urls=["*/superset/log/*"])
        self.driver.delete_all_cookies()
        self.driver.get(f"{self.url}/login/")
        self.use("#username", lambda box: box.send_keys(user))
        self.use("#password", lambda box: box.send_keys(password))
        self.click("button[data-test=login-button]")
        self.until("the first page", lambda: "/login" not in self.driver.current_url)
        self.cdp("Network.setBlockedURLs", urls=[])

    def use_theme(self, theme: Theme) -> None:
        """Make later pages light or dark, as the menu does; a page must be open."""
        self.run("localStorage.setItem('superset-theme-mode', arguments[0])", _MODES[theme])

    def open(self, slug: str, query: str = "") -> Seen:
        """Open a dashboard, and return its first tab once it is loaded."""
        self.driver.get(f"{self.url}/superset/dashboard/{slug}/{query}")
        return self.settle()

    def open_tab(self, title: str) -> Seen:
        """Open another tab, and return it once it is loaded."""
        found = self.run(
            "const tab = [...document.querySelectorAll('.dashboard-component-tabs [role=tab]')]"
            ".find(t => t.innerText.trim() === arguments[0]); tab?.click(); return !!tab",
            title,
        )
        if not found:
            raise LookupError(f"{self.driver.current_url} has no tab `{title}`")
        return self.settle(title)

    def settle(self, tab: str | None = None) -> Seen:
        """Wait until the tab is loaded: every chart drawn, empty or in error, no request open.

        Raises:
            TimeoutError: It was never loaded; the message holds the page's state.
        """
        # A page may also be quiet for a moment between two requests, such as its filters' values
        # and the charts' data. So it must be quiet four times in a row.
        quiet, since, state = 0, 0.0, {}

        def is_settled() -> bool:
            nonlocal quiet, since, state
            state = self.run(_STATE)
            charts = state["charts"]
            stands = charts and "waiting" not in charts.values() and state["tab"]
            if stands and not (state["busy"] or state["asking"]) and tab in (None, state["tab"]):
                quiet, since = quiet + 1, since or state["now"]
            else:
                quiet, since = 0, 0.0
            return quiet == 4

        try:
            self.until("it to settle", is_settled)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {state}") from None
        return Seen(state["tab"], state["charts"], since / 1000)

    def click(self, what: str, find: Callable[[], Any] | None = None) -> None:
        """Click on the element that the selector `what`, or `find`, finds, once it is possible."""
        self.use(what, lambda element: element.click(), find)

    def use(
        self, what: str, act: Callable[[Any], None], find: Callable[[], Any] | None = None
    ) -> Any:
        """Act on the element that the selector `what`, or `find`, finds; return the element.

        Lists and boxes slide in: an action that comes too early is repeated.
        """

        def used() -> Any:
            found = find() if find else self.find(what)
            if found is not None:
                try:
                    act(found)
                except _NOT_YET:
                    return None
            return found

        return self.until(what, used)

    # --- looking --------------------------------------------------------------------------------

    def find(self, css: str) -> Any:
        """Return the first element that matches a selector, or None."""
        return self.run("return document.querySelector(arguments[0])", css)

    def chart_ids(self) -> dict[int, str]:
        """Return the titles of the charts of all tabs opened so far, by Superset's chart id."""
        found = self.run(
            "return [...document.querySelectorAll('[data-test-chart-name]')]"
            ".map(c => [Number(c.dataset.testChartId), c.dataset.testChartName])"
        )
        return dict(found)

    def traffic(self) -> Traffic:
        """Return the logs since the last call."""
        sent: dict[str, dict[str, Any]] = {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                sent[params["requestId"]] = params["request"]
            elif message["method"] == "Network.loadingFailed" and params.get("blockedReason"):
                sent.pop(params["requestId"], None)  # the page's own policy blocked it
        questions = []
        for request in sent.values():
            if request["method"] == "POST" and "/api/v1/chart/data" in request["url"]:
                body = json.loads(request["postData"])
                questions.append(Question(body["form_data"].get("slice_id"), request["url"], body))
        console = self.driver.get_log("browser")
        return Traffic(
            [request["url"] for request in sent.values()],
            [each for each in questions if each.chart_id is not None],
            [each for each in questions if each.chart_id is None],
            [entry["message"] for entry in console if entry["level"] == "SEVERE"],
        )

    def picture(self) -> bytes:
        """Wait until nothing moves; return a PNG of the tab, from the top to its last chart."""
        bottom = self.run(
            "return Math.ceil(Math.max(...[...document.querySelectorAll('[data-test-chart-name]')]"
            ".map(c => c.getBoundingClientRect().bottom))) + arguments[0]",
            _MARGIN,
        )
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom, "scale": 1}
        last = b""

        def is_still() -> bytes | None:
            nonlocal last
            drawn = base64.b64decode(self.cdp("Page.captureScreenshot", clip=clip)["data"])
            last, before = drawn, last
            return drawn if drawn == before else None

        return bytes(self.until("the picture to stand still", is_still))
