"""Pages in the forms in which the Chromium of this machine writes them, not as tests imagine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from forms import without_scripts

from filmpulse.sources.browser import Browser
from filmpulse.sources.imdb.files import parse_text
from filmpulse.sources.saved import SavedPage, unwrap

PAGES = Path(__file__).parents[2] / "fixtures" / "pages" / "imdb.ReviewsPage"
CASES = ("username_25_of_5081", "dom_opened", "entities_and_lists", "markup_until_2024")
DOCUMENT = "return document.documentElement.outerHTML"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    class Site(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path = PAGES / self.path.strip("/") / "input.html"
            self.send_response(200 if path.is_file() else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(path.read_bytes() if path.is_file() else b"none")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser(base: str) -> Iterator[Browser]:
    with Browser(base_url=base) as browser:
        yield browser


def records(page: SavedPage) -> list[dict]:
    found = parse_text(page.text, imdb_id="tt7000001", author_secret=b"s").records
    assert found
    return found


def original(case: str) -> str:
    return (PAGES / case / "input.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_a_single_file(browser: Browser, base: str, case: str) -> None:
    driver = browser._driver
    driver.get(f"{base}/{case}/")
    written = driver.execute_cdp_cmd("Page.captureSnapshot", {})["data"]
    page = unwrap(written.encode())
    assert page.url == f"{base}/{case}/"
    assert page.saved_at is not None
    assert records(page) == records(SavedPage(without_scripts(original(case))))


@pytest.mark.parametrize("case", CASES)
def test_the_document_as_it_stands(browser: Browser, base: str, case: str) -> None:
    browser._driver.get(f"{base}/{case}/")
    written = browser._driver.execute_script(DOCUMENT)
    assert records(unwrap(written.encode())) == records(SavedPage(original(case)))


@pytest.mark.parametrize("case", CASES)
def test_the_tab_that_shows_the_source(browser: Browser, base: str, case: str) -> None:
    browser._driver.get(f"view-source:{base}/{case}/")
    written = browser._driver.execute_script(DOCUMENT)
    assert "line-content" in written
    assert records(unwrap(written.encode())) == records(SavedPage(original(case)))
    archive = browser._driver.execute_cdp_cmd("Page.captureSnapshot", {})["data"]
    assert unwrap(archive.encode()).text == unwrap(written.encode()).text
