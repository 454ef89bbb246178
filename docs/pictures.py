"""Take the pictures of the Movies pages in docs/images from a running local instance.

`make screenshots` runs this after it took those of the dashboards. A desktop is 1440 px wide, a
phone 390.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from filmpulse import local
from filmpulse.sources.browser import BROWSER_PATHS, DRIVER_PATHS

IMAGES = Path(__file__).parent / "images"
MOVIE, OTHER = "tt99000002", "tt99000004"


class Picture(NamedTuple):
    """A picture: its file, its page, and how it is looked at; at most `tall` px of the page."""

    name: str
    path: str
    wide: int = 1440
    tall: int = 1500
    is_dark: bool = False


PICTURES = (
    Picture("movies-light.png", "/"),
    Picture("movies-dark.png", "/", is_dark=True),
    Picture("movies-phone.png", "/", wide=390, tall=1600),
    Picture("movie-light.png", f"/movies/{MOVIE}", tall=2600),
    Picture("movie-dark.png", f"/movies/{MOVIE}", tall=2600, is_dark=True),
    Picture("movie-phone.png", f"/movies/{MOVIE}", wide=390, tall=2600),
    Picture("side-by-side-light.png", f"/compare?movie={MOVIE}&movie={OTHER}", tall=2000),
)


def main() -> None:
    """Take all pictures, then write them: an error leaves the old ones."""
    stack = local.read_stack(local.DEFAULT_ROOT / sys.argv[1])
    address = str(stack.urls["airflow"])
    said = {"username": stack.airflow_user, "password": stack.airflow_password}
    token = httpx.post(f"{address}/auth/token", json=said).raise_for_status().json()["access_token"]
    with _browser() as browser:
        browser.get(f"{address}/auth/login")
        browser.add_cookie({"name": "_token", "value": token})
        taken = {one.name: _take(browser, address, one) for one in PICTURES}
    for name, picture in taken.items():
        (IMAGES / name).write_bytes(picture)
        sys.stdout.write(f"docs/images/{name}  {len(picture) / 1024:.0f} KiB\n")


@contextmanager
def _browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = next(path for path in BROWSER_PATHS if Path(path).exists())
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(word)
    driver = next(path for path in DRIVER_PATHS if Path(path).exists())
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def _take(browser: webdriver.Chrome, address: str, picture: Picture) -> bytes:
    """Open a page as a person would see it, with all that it loads later, and take its picture."""
    theme = {"name": "prefers-color-scheme", "value": "dark" if picture.is_dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
    _look_at(browser, picture.wide, picture.tall)
    browser.get(f"{address}/filmpulse{picture.path}")
    WebDriverWait(browser, 30).until(
        lambda it: it.execute_script(
            "return document.readyState == 'complete' && [...document.images].every(i => "
            "i.complete) && !document.querySelector('.htmx-request')"
        )
    )
    tall = browser.execute_script("return document.documentElement.scrollHeight")
    _look_at(browser, picture.wide, min(tall, picture.tall))
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    return base64.b64decode(shot["data"])


def _look_at(browser: webdriver.Chrome, wide: int, tall: int) -> None:
    size = {"width": wide, "height": tall, "deviceScaleFactor": 1, "mobile": wide < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


if __name__ == "__main__":
    main()
