"""Airflow and the Movies pages behind nginx, below a path and with TLS, in a real browser.

A second web server of the same instance stands behind the proxy: what it does is the instance's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import Person
from helpers.airflow_web import logged_in, wait
from helpers.proxy import NAME, Proxy, proxy
from helpers.waiting import wait_until

from filmpulse.local import ports
from filmpulse.local.cluster import tools
from filmpulse.local.files import last_lines
from filmpulse.local.instance import shared_env

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(tools.program("nginx") is None, reason="nginx: make cluster-tools"),
]

ADDED, SAVED = "tt99000006", "tt7000031"


@dataclass(frozen=True)
class Front:
    """What visitors see: an nginx, and the Airflow behind."""

    proxy: Proxy
    port: int  # Airflow's own

    @property
    def airflow(self) -> str:
        return f"{self.proxy.address}/airflow"


@pytest.fixture(scope="module")
def front(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    port = ports.choose()
    tls = ports.choose([port])
    public = {
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"https://{NAME}:{tls}/airflow",
        "FILMPULSE_SUPERSET_PUBLIC_URL": f"https://{NAME}:{tls}/superset",
    }
    folder = tmp_path_factory.mktemp("nginx")
    with (folder / "airflow.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "airflow", "api-server", "--proxy-headers"],
            env=shared_env(stack, os.environ) | stack.env | public,
            cwd=folder, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def is_up() -> bool:
        assert server.poll() is None, last_lines(folder / "airflow.log", 50)
        try:  # without the path, as tasks and health checks ask
            answer = httpx.get(f"http://{ports.HOST}:{port}/api/v2/monitor/health", trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    try:
        wait_until(is_up)
        with proxy(folder, port, ports.choose([port, tls]), tls) as made:
            yield Front(made, port)
    finally:
        server.terminate()
        server.wait(60)


@pytest.fixture(scope="module")
def person(stack: Any, front: Front, airflow: Any, shell: Any) -> Iterator[Person]:
    """Somebody who may do everything; what they leave behind is taken away."""
    airflow.track()
    log_in = (front.airflow, stack.airflow_user, stack.airflow_password)
    with logged_in(*log_in, *front.proxy.flags) as chrome:
        yield Person(chrome, front.airflow)
    airflow.track()
    for movie in (ADDED, SAVED):
        shell(f"filmpulse forget --movie {movie} --yes")


@pytest.fixture(autouse=True)
def no_complaint(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each story the browser has complained of nothing."""
    yield
    if "person" in request.fixturenames:
        chrome = request.getfixturevalue("person").chrome
        said = chrome.get_log("browser")
        assert [one["message"] for one in said if one["level"] == "SEVERE"] == []


def test_the_menu_leads_to_the_pages_and_back(person: Person) -> None:
    chrome = person.chrome
    chrome.get(f"{person.address}/")
    entry = "return [...document.links].find(link => link.pathname == '/airflow/plugin/movies')"
    wait(chrome, entry)
    chrome.execute_script(entry).click()
    wait(chrome, "return location.pathname == '/airflow/filmpulse/'")
    person.press("Airflow", "header a")
    wait(chrome, "return location.pathname == '/airflow/' && document.title.includes('Airflow')")
    kept = {(one["path"], one["secure"]) for one in chrome.get_cookies()}
    assert kept == {("/airflow/", True)}


def test_a_movie_is_added_by_a_form_and_its_links_lead_somewhere(person: Person) -> None:
    person.open("/add")
    person.find("input[type=search], input[name=q]").send_keys(ADDED)
    person.says("The Glass Ferryman")
    person.press("Track")
    assert person.path == "/airflow/filmpulse/"
    person.says("n 3", f"#card-{ADDED}")  # read and scored
    person.open(f"/movies/{ADDED}")
    links = person.links()
    host = person.address.removesuffix("/airflow")
    assert {link for link in links if not link.startswith(host)} == set()
    superset = {link for link in links if link.startswith(f"{host}/superset/superset/dashboard/")}
    assert superset
    ours = links - superset
    assert any("/airflow/dags/movie_reception/runs/" in link for link in ours)
    for link in sorted(ours):
        assert link.startswith(f"{person.address}/"), link
        person.chrome.get(link)
        status = "return performance.getEntriesByType('navigation')[0].responseStatus"
        assert person.chrome.execute_script(status) == 200, link
    assert person.chrome.execute_script("return window.violations") == []


def test_a_saved_page_is_uploaded(person: Person, tmp_path: Path) -> None:
    person.upload(SAVED, "rw31", tmp_path)


def test_the_api_tells_addresses_of_the_proxy(person: Person, front: Front, stack: Any) -> None:
    said = {"username": stack.airflow_user, "password": stack.airflow_password}
    with front.proxy.client(front.airflow) as client:
        token = client.post("/auth/token", json=said).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answer = client.get(f"/filmpulse/v1/movies/{ADDED}/reviews", params={"limit": 1})
        assert answer.status_code == 200, answer.text
        following = answer.links["next"]["url"]
        assert following.startswith(f"/airflow/filmpulse/v1/movies/{ADDED}/reviews?")
        assert client.get(front.proxy.address + following).status_code == 200
    person.open("/v1/docs")
    assert f"{front.airflow}/auth/token" in person.find("main").text


def test_what_is_not_for_visitors_is_closed(front: Front) -> None:
    with front.proxy.client(front.airflow) as client:
        for path in ("/docs", "/auth/docs", "/execution/docs", "/execution/health", "/redoc"):
            assert client.get(path).status_code == 404, path
        stranger = client.get("/filmpulse/movies/tt1", headers={"Accept": "text/html"})
        assert stranger.status_code == 401
        assert "/airflow/auth/login?next=" in stranger.text
    direct = f"http://{ports.HOST}:{front.port}/execution/health"
    assert httpx.get(direct, timeout=120, trust_env=False).status_code == 200


def test_wrong_passwords_are_counted_by_what_nginx_saw(front: Front) -> None:
    with front.proxy.client(front.airflow) as client:
        statuses = [
            client.post(
                "/auth/token",
                json={"username": "nobody", "password": "wrong"},
                headers={"X-Forwarded-For": f"198.51.100.{number}"},
            ).status_code
            for number in range(11)
        ]
    assert statuses == [401] * 10 + [429]


def test_a_log_out_ends_it(person: Person, front: Front) -> None:
    token = person.chrome.get_cookie("_token")
    assert token is not None
    person.chrome.get(f"{person.address}/api/v2/auth/logout")
    wait(person.chrome, "return location.pathname.startsWith('/airflow/auth/login')")
    assert person.chrome.get_cookie("_token") is None
    with front.proxy.client(front.airflow) as client:
        client.cookies.set("_token", token["value"], domain=NAME, path="/airflow/")
        assert client.get("/filmpulse/").status_code == 401
    person.chrome.get_log("browser")  # of the page that was open before
