"""Airflow's web server with Filmpulse's plugin: headers on every answer, and log-ins that wait."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from filmpulse.web import waits
from filmpulse.web.headers import HEADERS, POLICY

pytestmark = pytest.mark.slow

PASSWORDS = {"admin": "right-of-admin", "viewer": "right-of-viewer"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's whole web server, with the plugin as Airflow loads it; 10 s."""
    passwords = tmp_path_factory.mktemp("passwords") / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    given = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",
        "AIRFLOW__API__SECRET_KEY": "k" * 32,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        from airflow.api_fastapi.app import create_app, purge_cached_app
        from airflow.utils.db import initdb
        from airflow.utils.session import create_session

        initdb()
        with create_session() as session:
            waits.create(session)
        purge_cached_app()
        yield create_app()
        purge_cached_app()


@pytest.fixture
def client(app: Any) -> Any:
    """A stranger at an address of their own."""
    return _client(app, f"192.0.2.{os.urandom(1)[0]}-{os.urandom(4).hex()}")


def _client(app: Any, address: str) -> Any:
    from starlette.testclient import TestClient

    return TestClient(
        app,
        base_url="http://127.0.0.1",
        client=(address, 50_000),
        raise_server_exceptions=False,
        follow_redirects=False,
    )


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

WRONG, RIGHT = {"username": "admin", "password": "wrong"}, {
    "username": "admin",
    "password": PASSWORDS["admin"],
}


def _statuses(client: Any, times: int, body: Any = None) -> list[int]:
    return [
        client.post("/auth/token", json=WRONG if body is None else body).status_code
        for _ in range(times)
    ]


def test_after_ten_wrong_passwords_a_name_waits_longer_and_longer(client: Any, clock: Clock) -> None:
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
    assert _statuses(_client(app, "another address"), 1, RIGHT) == [201]
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
    theirs = Path(__file__).resolve().parents[2] / "superset" / "waits.py"
    assert theirs.read_text(encoding="utf-8") == Path(waits.__file__).read_text(encoding="utf-8")
