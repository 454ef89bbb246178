"""The Movies page as a person uses it: a real browser, a real log-in, the real scheduler.

The person adds a movie by its link and another by title, watches both being read, looks at one,
brings in a saved page, and at last removes one and erases the other.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import Person
from helpers.airflow_web import logged_in, wait
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow

SAVED = "tt7000009"  # another story of this stack imports the page as it is
BY_LINK, BY_TITLE, WORDS = "tt99000006", "tt99000005", "abuela"
FIRST_VISIT_BYTES = 100_000


@pytest.fixture(scope="module")
def person(stack: Any, airflow: Any) -> Iterator[Person]:
    """Somebody who may do everything; what they leave behind is taken away."""
    address = str(stack.urls["airflow"])
    airflow.track()
    with logged_in(address, stack.airflow_user, stack.airflow_password) as chrome:
        yield Person(chrome, address)
    airflow.track()


@pytest.fixture(autouse=True)
def no_complaint(person: Person) -> Iterator[None]:
    """After each story the browser has complained of nothing: no script error, no policy."""
    person.chrome.get_log("browser")
    yield
    said = person.chrome.get_log("browser")
    assert [one["message"] for one in said if one["level"] == "SEVERE"] == []


def test_the_entry_in_airflows_menu_opens_the_whole_page(person: Person) -> None:
    chrome = person.chrome
    chrome.get(person.address)
    entry = "return [...document.links].find(link => link.pathname == '/plugin/movies')"
    wait(chrome, entry)
    chrome.execute_script(entry).click()
    wait(chrome, "return location.pathname == '/filmpulse/' && window.top == window")
    person.press("Airflow", "header a")
    wait(chrome, "return document.title.includes('Airflow')")


def test_the_first_minutes_offer_three_ways(person: Person) -> None:
    person.open()
    for heading in ("Add a movie", "Drop a saved page", "Import a file"):
        assert person.find("h2", heading).is_displayed()
    assert person.faults() == []


def test_a_movie_is_added_by_its_link_and_watched(person: Person) -> None:
    person.open("/add")
    box = person.find("input[type=search], input[name=q]")
    box.send_keys(f"https://www.imdb.com/title/{BY_LINK}/")
    person.says("The Glass Ferryman")
    person.says("3 exist")
    assert person.faults() == []
    person.press("Track")
    assert person.path == "/filmpulse/"
    card = f"#card-{BY_LINK}"
    assert person.find(f"{card} .state").is_displayed()
    person.says("Fresh", card)  # by itself, since the card looks again
    person.says("of 3 reviews", card)
    person.says("n 3", card)


def test_a_movie_is_added_by_title_with_the_keyboard(person: Person, site: Any) -> None:
    count = site.counts()[BY_TITLE]
    person.open("/add")
    box = person.find("input[type=search], input[name=q]")
    box.send_keys(WORDS)
    person.says("Grandmother Paints the Sea", ".suggestions")
    box.send_keys(Keys.ARROW_DOWN)
    person.chrome.switch_to.active_element.send_keys(Keys.ENTER)
    person.says(f"{count} exist")
    person.says("free of charge")
    person.press("Track")
    person.says("Fresh", f"#card-{BY_TITLE}")
    person.says(f"of {count} reviews", f"#card-{BY_TITLE}")


@pytest.mark.parametrize("path", ["/", f"/movies/{BY_TITLE}", "/upload", "/add", "/v1/docs",
                                  f"/compare?movie={BY_TITLE}&movie={BY_LINK}",
                                  f"/movies/{BY_TITLE}/erase"])  # fmt: skip
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_for_everybody(person: Person, path: str, theme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": theme}
    chrome = person.chrome
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    person.open(path)
    assert person.faults() == []
    phone = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        person.open(path)
        wide = chrome.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 360, "nothing is wider than a phone"
        assert person.faults() == []
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert chrome.execute_script("return window.violations") == []


def test_every_link_leads_somewhere(person: Person, stack: Any) -> None:
    paths = ["/", f"/movies/{BY_TITLE}", "/upload", "/add", "/v1/docs",
             f"/compare?movie={BY_TITLE}&movie={BY_LINK}"]  # fmt: skip
    links: set[str] = set()
    for path in paths:
        person.open(path)
        links |= person.links()
    ours = {link for link in links if link.startswith(person.address)}
    assert any("/dags/movie_reception/runs/" in link for link in ours), "a log of a collection"
    assert len(ours) > 10
    for link in sorted(ours):
        person.chrome.get(link)
        wait(person.chrome, "return document.readyState == 'complete'")
        status = person.chrome.execute_script(
            "return performance.getEntriesByType('navigation')[0].responseStatus"
        )
        assert status == 200, link
        if "/filmpulse/" not in link:  # a page of Airflow's, which its script draws
            wait(person.chrome, "return document.body.innerText.length > 50")
            said = person.chrome.execute_script("return document.body.innerText")
            assert "Page Not Found" not in said, link
    superset = str(stack.urls["superset"])
    others = {link for link in links - ours if not link.startswith(superset)}
    assert others == set(), "the pages lead to this house alone"
    person.chrome.get_log("browser")


def test_a_first_visit_is_light(person: Person) -> None:
    person.chrome.execute_cdp_cmd("Network.clearBrowserCache", {})
    person.open()
    sizes = person.chrome.execute_script(
        "return [...performance.getEntriesByType('navigation'), "
        "...performance.getEntriesByType('resource')].map(e => [e.name, e.transferSize])"
    )
    assert all(name.startswith(person.address) for name, _ in sizes)
    assert 1_000 < sum(size for _, size in sizes) < FIRST_VISIT_BYTES, sizes


def test_a_movie_is_refreshed(person: Person, site: Any, airflow: Any) -> None:
    site.control("publish", imdb_id=BY_TITLE, count=2)
    person.open(f"/movies/{BY_TITLE}")
    count = site.counts()[BY_TITLE]
    assert f"of {count} known" not in person.find("main").text
    person.press("Refresh now")
    person.says("Fresh", ".movie-state")
    person.says(f"of {count} known")  # by itself: the page follows the work


def test_a_review_is_found_and_a_tag_filters(person: Person) -> None:
    person.open(f"/movies/{BY_TITLE}")
    box = person.find("input[name=tag]")
    person.leave(lambda: box.send_keys("competitors" + Keys.ENTER))
    person.open("/?tag=COMPETITORS")
    assert person.find(f"#card-{BY_TITLE}").is_displayed()
    assert person.chrome.find_elements(By.CSS_SELECTOR, f"#card-{BY_LINK}") == []


def test_a_saved_page_is_brought_in(
    person: Person, warehouse: Any, shell: Any, tmp_path: Path
) -> None:
    person.upload(SAVED, "rw6", tmp_path)
    person.find("#inbox button", "Import now").click()
    person.says("Nothing waits", "#inbox", 300)
    person.says("25 new, 0 edited", "#inbox")
    kept = warehouse.rows("SELECT count(*) FROM core.reviews WHERE imdb_id = %s", SAVED)
    assert kept[0]["count"] == 25
    forgotten = shell(f"filmpulse forget --movie {SAVED} --yes")  # with the page in the inbox
    assert forgotten.returncode == 0, forgotten.stderr


def test_a_movie_is_removed_and_what_was_collected_stays(person: Person, warehouse: Any) -> None:
    person.open(f"/movies/{BY_LINK}")

    def remove() -> None:
        person.find(".actions button", "Remove").click()
        person.chrome.switch_to.alert.accept()

    person.leave(remove)
    person.says("no longer tracked")
    assert person.chrome.find_elements(By.CSS_SELECTOR, f"#card-{BY_LINK}") == []
    kept = warehouse.rows("SELECT count(*) FROM core.reviews WHERE imdb_id = %s", BY_LINK)
    assert kept[0]["count"] == 3
    person.open("/?show=all")
    assert person.find(f"#card-{BY_LINK}", "not tracked").is_displayed()


def test_a_movie_is_erased_once_its_title_is_typed(person: Person, warehouse: Any) -> None:
    person.open(f"/movies/{BY_LINK}")
    person.press("Erase", ".actions a")
    person.find("input[name=title]").send_keys("The Glass Ferry")
    person.press("Erase it")
    person.says("Nothing was erased")
    person.chrome.get_log("browser")  # of the refusal's status
    person.open(f"/movies/{BY_LINK}/erase")
    person.find("input[name=title]").send_keys("the glass ferryman")
    person.press("Erase it")
    person.says("is erased")
    kept = warehouse.rows("SELECT count(*) FROM core.movies WHERE imdb_id = %s", BY_LINK)
    assert kept[0]["count"] == 0
    person.open(f"/movies/{BY_LINK}")
    person.chrome.get_log("browser")
    person.says(BY_LINK)


def test_of_200_adds_by_8_clients_none_is_lost(stack: Any, airflow: Any) -> None:
    """On Airflow's Postgres. The DAG is paused meanwhile, so that nothing is visited."""
    wanted = [f"tt{97_100_000 + number}" for number in range(200)]
    said = {"username": stack.airflow_user, "password": stack.airflow_password}
    token = httpx.post(f"{stack.urls['airflow']}/auth/token", json=said).json()["access_token"]
    statuses: list[int] = []

    def add(mine: list[str]) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=str(stack.urls["airflow"]), headers=headers, timeout=60) as one:
            for imdb_id in mine:
                answer = one.post("/filmpulse/v1/movies", json={"movie": imdb_id})
                statuses.append(answer.status_code)

    before = {run["dag_run_id"] for run in airflow.runs("movie_reception")}
    airflow.track()
    airflow.pause("movie_reception", True)
    try:
        threads = [threading.Thread(target=add, args=(wanted[n::8],)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tracked = json.loads(airflow.variable("tracked_movies"))
    finally:
        airflow.track()
        while new := {r["dag_run_id"] for r in airflow.runs("movie_reception")} - before:
            for run_id in new:
                airflow.call("DELETE", f"/dags/movie_reception/dagRuns/{run_id}")
        airflow.pause("movie_reception", False)
    assert statuses == [201] * 200
    assert sorted(tracked) == wanted
