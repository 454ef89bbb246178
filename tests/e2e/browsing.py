"""Somebody at a browser on the pages, for the stories of those pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from helpers.airflow_web import wait
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium_axe_python import Axe

PAGE = Path(__file__).parents[1] / "fixtures/pages/imdb.ReviewsPage/username_25_of_5081/input.html"


class Person:
    """Somebody at a browser, on the Movies pages."""

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
        script = (
            f"return [...document.querySelectorAll({json.dumps(css)})].find(e => "
            f"e.checkVisibility() && e.textContent.includes({json.dumps(text)}))"
        )
        wait(self.chrome, script)
        return self.chrome.execute_script(script)

    def press(self, text: str, css: str = "button") -> None:
        """Press what has such a text, and wait until it has led to another page."""
        self.leave(self.find(css, text).click)

    def leave(self, act: Callable[[], object]) -> None:
        """Do what leads to another page, and wait for that page."""
        self.chrome.execute_script("window.isOld = true")
        act()
        wait(self.chrome, "return !window.isOld")
        self.settle()

    def says(self, text: str, within: str = "main", seconds: float = 180) -> None:
        """Wait until a part of the page says something, by itself."""
        script = (
            f"return [...document.querySelectorAll({json.dumps(within)})].some(e => "
            f"e.innerText.includes({json.dumps(text)}))"
        )
        wait(self.chrome, script, seconds)

    def upload(self, movie: str, ids: str, folder: Path) -> None:
        """Upload a page of 25 reviews as one of `movie`; `ids` begins the ids of its reviews."""
        html = PAGE.read_text(encoding="utf-8").replace("tt7000001", movie).replace("rw9", ids)
        saved = folder / "saved.html"
        saved.write_text(html, encoding="utf-8")
        self.open("/upload")
        field = "form[action$='/pages'] input[type=file]"
        self.chrome.find_element(By.CSS_SELECTOR, field).send_keys(str(saved))
        self.says("25 of 5,081 reviews", "#results")
        self.says("waits", "#inbox")

    @property
    def path(self) -> str:
        return urlsplit(self.chrome.current_url).path

    def links(self) -> set[str]:
        """Return every address that the page leads to, without its fragment."""
        found = self.chrome.execute_script("return [...document.links].map(link => link.href)")
        return {link.partition("#")[0] for link in found}

    def faults(self) -> list[dict[str, Any]]:
        """Return what axe-core finds serious on this page."""
        axe = Axe(self.chrome)
        axe.inject()
        return [
            {"id": one["id"], "where": [node["target"] for node in one["nodes"]][:3]}
            for one in axe.run()["violations"]
            if one["impact"] in ("serious", "critical")
        ]
