"""A real Superset for tests: prepared once for all tests of a worker, and served once.

Some tests use it as a browser does (`superset_app`), others from within (`superset_driver`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from helpers import guardian
from psycopg import sql

if TYPE_CHECKING:
    from tests.conftest import Databases

    from filmpulse.local.postgres import Server
    from filmpulse.local.superset import Superset

DRIVER = Path(__file__).parent / "fixtures" / "superset" / "driver.py"
_NO_TLS = ssl.SSLContext()  # one for all sessions: each of its own reads all certificates


@dataclass(frozen=True)
class Template:
    """A prepared metadata database that nobody uses, and what Superset runs on it with.

    Attributes:
        superset: The commands that prepare and serve it.
        database: Its name; copy it with `databases.create`.
        warehouse_url: The warehouse, as its owner; migrated, and empty until a test fills it.
        reader_url: The same as Superset opens it.
        passwords: Of the log-ins `admin`, `guest` and `backup`.
    """

    superset: Superset
    database: str
    warehouse_url: str
    reader_url: str = field(repr=False)
    passwords: dict[str, str] = field(repr=False)
    key: str = field(repr=False)

    def env_for(self, metadata_url: str, cache: Path, **more: Any) -> dict[str, str]:
        """Return the whole environment for a metadata database; `more` goes to `environment`."""
        from filmpulse.local.superset import environment

        shared = {name: os.environ[name] for name in ("PATH", guardian.RUN)}
        given = {
            "key": self.key,
            "metadata_url": metadata_url,
            "cache": cache,
            "warehouse_url": self.reader_url,
            "airflow_url": "http://127.0.0.1:8080",
        }
        return shared | {"HOME": str(cache.parent)} | environment(**(given | more))

    def prepare(self, metadata_url: str, cache: Path, *, code: int = 0) -> str:
        """Run `prepare.py` as the local stack does, to this exit code; return what it said."""
        passwords = {f"SUPERSET_{k.upper()}_PASSWORD": v for k, v in self.passwords.items()}
        done = subprocess.run(
            self.superset.prepare_command(),
            env=self.env_for(metadata_url, cache) | passwords,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == code, done.stdout[-5000:]
        return done.stdout


@dataclass(frozen=True)
class App:
    """A Superset that serves: its address, log-ins, and metadata database."""

    url: str
    metadata_url: str
    template: Template
    pid: int

    def browser(self, user: str | None = None) -> Browser:
        """Return a session of its own, signed in as `admin`, `guest` or nobody."""
        session = Browser(self.url)
        if user is not None:
            session.sign_in(user, self.template.passwords[user])
        return session


class Browser:
    """What a browser holds: cookies, and the token that it was given against forged requests."""

    def __init__(self, url: str, http: httpx.Client | None = None) -> None:
        self.http = http or httpx.Client(base_url=url, timeout=120, trust_env=False, verify=_NO_TLS)
        self._token: str | None = None

    def sign_in(self, user: str, password: str) -> None:
        """Use the log-in page."""
        form = {"username": user, "password": password, "csrf_token": self.csrf_token()}
        self._token = None  # it was of another session
        # As a browser does; behind https the page asks for it.
        page = {"Referer": f"{self.http.base_url}login/"}
        answer = self.http.post("/login/", data=form, headers=page)
        assert answer.status_code == 302, answer.text[:500]
        assert "/login" not in answer.headers["location"], "the log-in was refused"

    def csrf_token(self) -> str:
        """Read the token that the page holds; it is good for as long as the session."""
        if self._token is not None:
            return self._token
        page = self.http.get("/login/", follow_redirects=True).text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page, re.DOTALL)
        assert found is not None, page[:500]
        self._token = found.group(1)
        return self._token

    def get(self, path: str, **named: Any) -> httpx.Response:
        """Ask."""
        return self.http.get(path, **named)

    def post(self, path: str, json: Any, method: str = "POST") -> httpx.Response:
        """Send JSON as Superset's pages do."""
        headers = {"X-CSRFToken": self.csrf_token(), "Referer": str(self.http.base_url)}
        return self.http.request(method, path, json=json, headers=headers)


class Driver:
    """A Superset without its web server: say what it should do, as `driver.sync(...)`.

    Which orders there are, `fixtures/superset/driver.py` says.
    """

    def __init__(self, template: Template, metadata_url: str, folder: Path) -> None:
        self.metadata_url = metadata_url
        self.reader_url = template.reader_url.replace("postgresql", "postgresql+psycopg2")
        self.password = urlsplit(template.reader_url).password
        self.log = folder / "superset.log"
        self.process = subprocess.Popen(
            [template.superset.python, DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            env=template.env_for(metadata_url, folder / "cache"),
            text=True,
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def order(**arguments: Any) -> Any:
            said = {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()}
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(json.dumps({"do": name, **said}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, f"Superset ended:\n{self.log.read_text()[-5000:]}"
            answer = json.loads(line)
            if "error" in answer:
                raise Failure(answer["error"], answer["message"])
            return answer["result"]

        return order

    def rows(self) -> dict[str, list[str]]:
        """Return what `rows` says of its database."""
        return rows(self.metadata_url)


def rows(metadata_url: str) -> dict[str, list[str]]:
    """Return every row of every table as text, but for the log of what people did."""
    with psycopg.connect(metadata_url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'logs'"
        ).fetchall()
        return {
            name: sorted(
                str(row)
                for row in connection.execute(
                    sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
                )
            )
            for (name,) in names
        }


class Failure(Exception):
    """What the driver answered with: the error's name, and its words."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.kind, self.words = kind, words


@pytest.fixture(scope="session")
def superset_template(
    postgres_server: Server,
    databases: Databases,
    _warehouse_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Template]:
    """A metadata database with all of Superset's tables, log-ins and our dashboards; 20 s."""
    from filmpulse.config import Settings
    from filmpulse.jobs import Context, setup_warehouse
    from filmpulse.local import ports, postgres, superset

    python = superset.python()
    if python is None:
        pytest.skip("Superset is not installed: it needs Python 3.11 or 3.12")
    reader = secrets.token_hex(12)
    warehouse_url = databases.create(_warehouse_template)
    folder = tmp_path_factory.mktemp("superset")
    settings: Any = {
        "warehouse_url": warehouse_url,
        "lake_url": f"file://{folder}/lake",  # asked for, not used
        "reader_password": reader,
    }
    setup_warehouse(Context.from_settings(Settings(**settings)))
    metadata_url = databases.create()
    name = warehouse_url.rpartition("/")[2]
    template = Template(
        superset.Superset(python, ports.choose()),
        metadata_url.rpartition("/")[2],
        warehouse_url,
        postgres.address("filmpulse_reader", reader, postgres_server.port, name),
        {user: secrets.token_urlsafe(12) for user in ("admin", "guest", "backup")},
        secrets.token_hex(20),
    )
    template.prepare(metadata_url, folder / "cache")
    yield template
    databases.drop(metadata_url)
    databases.drop(warehouse_url)


@pytest.fixture(scope="session")
def superset_app(
    superset_template: Template, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """A Superset that serves, with a metadata database of its own; 10 s."""
    metadata_url = databases.create(superset_template.database)
    with serving(superset_template, metadata_url, tmp_path_factory.mktemp("superset-app")) as app:
        yield app
    databases.drop(metadata_url)


@contextmanager
def serving(template: Template, metadata_url: str, folder: Path, **more: Any) -> Iterator[App]:
    """Give a Superset that serves while the block runs; `more` goes to `environment`."""
    from filmpulse.local.files import last_lines

    log = folder / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            template.superset.command(),
            env=template.env_for(metadata_url, folder / "cache", **more),
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{template.superset.port}"
    try:
        deadline = time.monotonic() + 180
        while not _answers(f"{url}/health"):
            assert server.poll() is None, last_lines(log, 50)
            assert time.monotonic() < deadline, last_lines(log, 50)
            time.sleep(0.2)
        yield App(url, metadata_url, template, server.pid)
    finally:
        server.terminate()
        server.wait(60)


@pytest.fixture(scope="session")
def superset_driver(
    superset_template: Template, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    """A Superset without a server, with a metadata database of its own; 10 s."""
    metadata_url = databases.create(superset_template.database)
    driver = Driver(superset_template, metadata_url, tmp_path_factory.mktemp("superset-driver"))
    try:
        yield driver
    finally:
        driver.process.kill()
        driver.process.wait()
        databases.drop(metadata_url)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
