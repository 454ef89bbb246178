"""The upload and add pages in a real Chromium: dropped files, a table's steps, keys, contrast."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from helpers.house import House
from lxml import html
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait
from selenium_axe_python import Axe

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.local import ports
from filmpulse.sources.browser import DRIVER_PATHS, FLAGS
from filmpulse.web.app import create_app

PAGE = Path(__file__).parents[2] / "fixtures/pages/imdb.ReviewsPage/username_25_of_5081/input.html"
MOVIE = "tt7000001"
DROP = """
const [files, target] = arguments;
const data = new DataTransfer();
for (const [name, text] of files) data.items.add(new File([text], name));
const options = { dataTransfer: data, bubbles: true, cancelable: true };
target.dispatchEvent(new DragEvent("drop", options));
"""

DROP_LARGE = """
const [names, size, target] = arguments;
const data = new DataTransfer();
for (const name of names) data.items.add(new File([new Uint8Array(size)], name));
const options = { dataTransfer: data, bubbles: true, cancelable: true };
target.dispatchEvent(new DragEvent("drop", options));
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, "--no-sandbox"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = next((path for path in DRIVER_PATHS if Path(path).is_file()), None)
    service = webdriver.ChromeService(driver) if driver else webdriver.ChromeService()
    browser = webdriver.Chrome(options, service)
    yield browser
    browser.quit()


class Visit:
    """A browser on the app, and what lies behind the app."""

    def __init__(self, browser: WebDriver, url: str, house: House) -> None:
        self.browser, self.url, self.house = browser, url, house

    def open(self, path: str, width: int = 1280, scheme: str = "light") -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.browser.get(self.url + path)

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str):
        """Wait for an element."""
        return WebDriverWait(self.browser, 60).until(lambda _: next(iter(self.all(selector)), None))

    def press(self, selector: str) -> None:
        self.browser.execute_script("arguments[0].click()", self.one(selector))

    def drop(self, *files: tuple[str, str]) -> None:
        self.browser.execute_script(DROP, files, self.one("#drop"))

    def faults(self) -> list[str]:
        """Return what axe-core finds serious, and what the browser complains of."""
        axe = Axe(self.browser)
        axe.inject()
        found = axe.run()["violations"]
        said = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
        logged = self.browser.get_log("browser")
        return said + [one["message"] for one in logged if one["level"] == "SEVERE"]


@pytest.fixture
def visit(chromium, warehouse_url, tmp_path) -> Iterator[Visit]:
    context = jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            author_secret="s" * 32,
        )
    )
    house, port = House(context), ports.choose()
    app = create_app(house)

    async def logged_in(scope, receive, send):
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"cookie", b"_token=editor")]
        await app(scope, receive, send)

    config = uvicorn.Config(logged_in, port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Visit(chromium, f"http://127.0.0.1:{port}", house)
    chromium.get("about:blank")
    server.should_exit = True
    thread.join(10)


def survey() -> str:
    rows = [
        f"{MOVIE},The light is lovely and the choir sings in scene {n}.,{n}" for n in range(1, 9)
    ]
    return "\n".join(["imdb_id,text,rating", *rows])


def test_files_are_dropped_and_followed_to_their_import(visit):
    visit.open("/upload")
    page = PAGE.read_text(encoding="utf-8")
    visit.drop(("a.html", page), ("<img src=x onerror=alert(1)>.html", "<html>no</html>"))
    visit.one(".result.refused")
    assert [one.text.split()[0] for one in visit.all("#results .chip")] == ["added", "refused"]
    assert not visit.all("#results img")
    visit.one("#inbox form")  # the inbox has looked again
    assert visit.faults() == []
    visit.press("#inbox form button")
    visit.one("#inbox .notice.good")
    assert [one[0] for one in visit.house.started] == ["import_saved_pages"]
    (name,) = jobs.plan_import(visit.house.context())
    jobs.import_file(name, "run", visit.house.context())
    visit.one("#inbox .result.added a")  # by itself
    assert not visit.all("#inbox form")
    assert visit.faults() == []


def test_a_dropped_table_goes_to_its_own_form_and_stays_chosen(visit):
    visit.open("/upload")
    visit.drop(("answers.csv", survey()))
    visit.one("#table-map table")
    assert not visit.all("#results li")
    visit.press("button[value=try]")
    visit.one(".trial")
    assert visit.faults() == []
    # The file is still there: the page was not left.
    assert visit.one("#table-file").get_attribute("value").endswith("answers.csv")
    visit.one("#source").send_keys("survey")
    visit.one("#rights").send_keys("Answers to our own survey.")
    visit.press("button[value=import]")
    visit.one("#table-map .notice.good")
    visit.one("#inbox form")
    (name,) = jobs.plan_import(visit.house.context())
    assert name.startswith("answers-")


def test_a_file_too_large_is_refused_before_it_is_sent_in_the_servers_words(visit):
    visit.open("/upload")
    content, served = b"x" * 25_000_001, {}
    with visit.house.client() as client:
        for path, field, name in (("pages", "files", "a.html"), ("table", "file", "a.csv")):
            answer = client.post(
                f"/upload/{path}", files={field: (name, content)}, headers={"HX-Request": "true"}
            )
            served[name] = " ".join(html.fromstring(answer.text).text_content().split())
    visit.browser.execute_script(DROP_LARGE, ["a.html", "a.csv"], len(content), visit.one("#drop"))
    page, table = visit.one("#results .refused"), visit.one("#table-map [role=alert]")
    assert page.text.partition(": ")[2] in served["a.html"]
    assert table.text in served["a.csv"]
    assert visit.faults() == []
    sent = "return performance.getEntriesByType('resource').map((one) => one.name)"
    assert not [
        name
        for name in visit.browser.execute_script(sent)
        if name.endswith(("/upload/pages", "/upload/table"))
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["/", "/add", "/upload"])
def test_pages_fit_and_can_be_read(visit, path, width, scheme):
    visit.open(path, width, scheme)
    if path == "/upload":
        visit.drop(("answers.csv", survey()))
        visit.one("#table-map table")
    assert visit.faults() == []
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.browser.execute_script(wide) == 0


def test_the_box_is_used_by_keys_alone(visit):
    visit.open("/add")
    visit.one("#add-q").send_keys("orchard")
    said = visit.one("#suggestions p").text
    assert "Reading live is off" in said
    visit.one("#add-q").clear()
    visit.one("#add-q").send_keys(MOVIE, Keys.ENTER)
    visit.one("#look form button").send_keys(Keys.ENTER)
    visit.one("main")
    WebDriverWait(visit.browser, 30).until(lambda _: visit.house.tracked().imdb_ids == [MOVIE])
    assert json.loads(visit.house.raw) == [MOVIE]
