"""A whole instance behind nginx by its two settings: from each server's pages to the other's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from browsing import Person
from helpers import guardian
from helpers.airflow_web import logged_in, wait
from helpers.proxy import NAME, Proxy, proxy

from filmpulse import local
from filmpulse.local import Stack, ports, superset
from filmpulse.local.airflow_rest import AirflowRest
from filmpulse.local.cluster import tools

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(tools.program("nginx") is None, reason="nginx: make cluster-tools"),
    pytest.mark.skipif(superset.python() is None, reason="Superset is not installed"),
]
MOVIE = "tt99000006"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Proxy]]:
    root = guardian.folder_in_memory(otherwise=tmp_path_factory.mktemp("house"))
    tls = ports.choose()
    given = {
        f"FILMPULSE_{part.upper()}_PUBLIC_URL": f"https://{NAME}:{tls}/{part}"
        for part in ("airflow", "superset")
    }
    try:
        stack = local.up("proxied", root, sample_site=True, env={**os.environ, **given})
        servers = [urlsplit(str(stack.urls[part])).port for part in ("airflow", "superset")]
        with proxy(tmp_path_factory.mktemp("nginx"), *map(int, servers), tls) as front:  # type: ignore[arg-type]
            yield stack, front
    finally:
        local.down("proxied", root)


@pytest.fixture(scope="module")
def person(house: tuple[Stack, Proxy]) -> Iterator[Person]:
    stack, front = house
    # Without the path, as a script on this machine asks; its tasks do so too.
    airflow = AirflowRest(str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password)
    airflow.wait_for_dag("movie_reception", 180)
    run_id = airflow.trigger("movie_reception", {"imdb_ids": [MOVIE], "mode": "full"})
    assert airflow.wait_for_run("movie_reception", run_id)["state"] == "success"
    address = f"{front.address}/airflow"
    with logged_in(address, stack.airflow_user, stack.airflow_password, *front.flags) as chrome:
        yield Person(chrome, address)


def _log_in_to_superset(person: Person, stack: Stack) -> None:
    wait(person.chrome, "return !!document.querySelector('#username')")
    person.chrome.find_element("css selector", "#username").send_keys("guest")
    password = person.chrome.find_element("css selector", "#password")
    password.send_keys(stack.superset_passwords["guest"])
    person.chrome.find_element("css selector", "[data-test=login-button]").click()


def test_from_the_movies_page_to_the_dashboard_and_back(
    person: Person, house: tuple[Stack, Proxy]
) -> None:
    stack, front = house
    chrome = person.chrome
    person.open(f"/movies/{MOVIE}")
    beginning = f"{front.address}/superset/superset/dashboard/movie-reception/"
    chrome.get(next(link for link in person.links() if link.startswith(beginning)))
    _log_in_to_superset(person, stack)
    # The log-in leads on to the dashboard, with the movie chosen.
    wait(chrome, f"return location.href.startsWith('{beginning}')")
    back = f"{person.address}/filmpulse/movies/{MOVIE}"
    card = f"return [...document.links].map(link => link.href).find(link => link == '{back}')"
    wait(chrome, card)
    wait(chrome, "return document.body.innerText.includes('The Glass Ferryman')")
    chrome.get(back)
    person.says("The Glass Ferryman")


def test_both_logs_out(person: Person, house: tuple[Stack, Proxy]) -> None:
    _, front = house
    chrome = person.chrome
    for page, log_in in (
        (f"{person.address}/api/v2/auth/logout", "/airflow/auth/login"),
        (f"{front.address}/superset/logout/", "/superset/login/"),
    ):
        chrome.get(page)
        wait(chrome, f"return location.pathname.startsWith('{log_in}')")
    for path in ("/airflow/filmpulse/", "/superset/api/v1/me/"):
        chrome.get(f"{front.address}{path}")
        status = "return performance.getEntriesByType('navigation')[0].responseStatus"
        assert chrome.execute_script(status) == 401


def test_what_is_printed_is_what_people_open(house: tuple[Stack, Proxy]) -> None:
    from filmpulse.local.welcome import addresses

    stack, front = house
    text = addresses(stack)
    assert f"{front.address}/airflow/filmpulse/" in text
    assert f"{front.address}/superset" in text
    assert str(stack.urls["airflow"]) not in text


def test_a_second_start_changes_nothing(house: tuple[Stack, Proxy]) -> None:
    stack, _ = house
    assert local.up("proxied", stack.dir.parent).public_urls == stack.public_urls
