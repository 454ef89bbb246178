"""The catalogue as a person uses it: a real browser, the real scheduler, the site's own datasets.

The person accepts the terms, watches the load, finds a title by the keyboard, goes on to its
director, tracks the title, and at last drops the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Person
from helpers.airflow_web import logged_in, wait
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow

MOVIE = "tt99000005"  # in the datasets, as on the site
CATALOGUE, RECEPTION = "refresh_catalogue", "movie_reception"
DATASETS = 7


@pytest.fixture(scope="module")
def person(stack: Any, airflow: Any, shell: Any) -> Iterator[Person]:
    """Somebody who may do everything, before a catalogue that is not accepted."""
    address = str(stack.urls["airflow"])
    airflow.wait_for_dag(CATALOGUE)
    for run in airflow.runs(CATALOGUE):  # the one of last Saturday
        airflow.wait_for_run(CATALOGUE, run["dag_run_id"])
    assert shell("filmpulse catalogue drop --yes").returncode == 0
    airflow.track()
    with logged_in(address, stack.airflow_user, stack.airflow_password) as chrome:
        yield Person(chrome, address)
    airflow.track()
    shell("filmpulse catalogue drop --yes")


@pytest.fixture(autouse=True)
def no_complaint(person: Person) -> Iterator[None]:
    """After each story the browser has complained of nothing: no script error, no policy."""
    person.chrome.get_log("browser")
    yield
    said = person.chrome.get_log("browser")
    assert [one["message"] for one in said if one["level"] == "SEVERE"] == []


@pytest.fixture(scope="module")
def known(warehouse: Any) -> dict[str, Any]:
    """The title, and the person who directed it, as the catalogue has them."""
    (row,) = warehouse.rows(
        "SELECT b.primary_title AS title, b.start_year AS year, n.nconst AS person_id, "
        "n.primary_name AS name FROM catalogue.title_basics b JOIN catalogue.credits c "
        "USING (tconst) JOIN catalogue.name_basics n USING (nconst) "
        "WHERE b.tconst = %s AND c.role = 'director' ORDER BY c.position LIMIT 1",
        MOVIE,
    )
    return row


def type_in(person: Person, words: str) -> None:
    """Type words into the box of the search, and wait for what they find."""
    person.chrome.switch_to.active_element.send_keys(words)
    asked = "return new URLSearchParams(location.search).get('q')"
    wait(person.chrome, f"{asked} == {json.dumps(words)}")
    person.settle()


def test_before_acceptance_nothing_is_loaded(person: Person) -> None:
    person.open("/search?q=orchard")
    assert person.find("#found a", "The catalogue").is_displayed()
    person.press("The catalogue", "#found a")
    assert person.path == "/filmpulse/catalogue"
    person.says("personal, non-commercial use")
    assert person.faults() == []


def test_the_terms_are_accepted_and_the_load_is_watched(person: Person, airflow: Any) -> None:
    before = {run["dag_run_id"] for run in airflow.runs(CATALOGUE)}
    person.open("/catalogue")
    person.find("input[value=all]").click()
    person.press("Accept, and load now")
    person.says("The terms are accepted")
    (run,) = [one for one in airflow.runs(CATALOGUE) if one["dag_run_id"] not in before]
    assert airflow.wait_for_run(CATALOGUE, run["dag_run_id"])["state"] == "success"
    person.open("/catalogue")
    person.says("titles as of", "#state")
    assert len(person.chrome.find_elements(By.CSS_SELECTOR, "#state .state-good")) == DATASETS


def test_a_title_is_found_by_the_keyboard_and_tracked(
    person: Person, airflow: Any, known: dict[str, Any]
) -> None:
    person.open("/search")
    box = person.chrome.switch_to.active_element
    assert box.get_attribute("id") == "q", "one may type at once"
    type_in(person, known["title"].lower())
    box.send_keys(Keys.ARROW_DOWN)
    first = person.chrome.switch_to.active_element
    assert first.get_attribute("href").endswith(f"/titles/{MOVIE}")
    person.leave(lambda: first.send_keys(Keys.ENTER))
    person.says(known["name"])
    person.press(known["name"], "dd a")
    assert person.path == f"/filmpulse/people/{known['person_id']}"
    person.says("Information courtesy of IMDb")
    person.press(known["title"], "table a")
    person.press("Track it", "main a")
    assert person.path == "/filmpulse/add"
    airflow.pause(RECEPTION, True)  # nothing is visited, so nothing is left behind
    before = {run["dag_run_id"] for run in airflow.runs(RECEPTION)}
    try:
        person.press("Track ")
        assert json.loads(airflow.variable("tracked_movies")) == [MOVIE]
        person.open(f"/titles/{MOVIE}")
        assert person.find("main a", "How it is received").is_displayed()
    finally:
        airflow.track()
        for run in airflow.runs(RECEPTION):
            if run["dag_run_id"] not in before:
                airflow.call("DELETE", f"/dags/{RECEPTION}/dagRuns/{run['dag_run_id']}")
        airflow.pause(RECEPTION, False)


def test_what_is_typed_stands_in_the_address(person: Person, known: dict[str, Any]) -> None:
    person.open("/search")
    type_in(person, known["name"])
    person.chrome.refresh()
    person.settle()
    assert person.find("#found h3 a", known["name"]).is_displayed()
    person.open("/")
    box = person.find("header input[name=q]")
    person.leave(lambda: box.send_keys(known["title"] + Keys.ENTER))
    assert person.path == "/filmpulse/search"
    assert person.find("#found h3 a", known["title"]).is_displayed()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_for_everybody(person: Person, known: dict[str, Any], theme: str) -> None:
    chrome, feature = person.chrome, {"name": "prefers-color-scheme", "value": theme}
    phone = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    for path in ("/search?q=the", f"/titles/{MOVIE}", f"/people/{known['person_id']}",
                 "/catalogue", "/catalogue/drop"):  # fmt: skip
        person.open(path)
        assert person.faults() == [], path
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        try:
            person.open(path)
            wide = chrome.execute_script("return document.documentElement.scrollWidth")
            assert wide <= 360, path
            assert person.faults() == [], path
        finally:
            chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert chrome.execute_script("return window.violations") == []


def test_the_catalogue_is_dropped_after_a_question(person: Person, warehouse: Any) -> None:
    person.open("/catalogue")
    person.press("Drop", ".actions a")
    person.press("Drop it")
    person.says("The catalogue is gone")
    left = warehouse.rows("SELECT count(*) FROM catalogue.title_basics")
    assert left[0]["count"] == 0
    assert person.find("button", "Accept, and load now").is_displayed()
