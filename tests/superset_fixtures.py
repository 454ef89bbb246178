"""A real Superset for tests: prepared once, copied for each file that asks for one.

A conftest whose tests need one imports `superset_template` and `superset_app`.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from helpers import guardian

if TYPE_CHECKING:
    from tests.conftest import Databases

    from filmpulse.local.postgres import Server
    from filmpulse.local.superset import Superset


@dataclass(frozen=True)
class Template:
    """A prepared metadata database that nobody uses, and what Superset runs on it with.

    Attributes:
        superset: The commands that prepare and serve it.
        database: Its name; copy it with `databases.create`.
        warehouse_url: The warehouse, as its owner; migrated, and empty until a test fills it.
        env: The environment, but for SUPERSET_METADATA_URL and SUPERSET_CACHE_DIR.
        passwords: Of the log-ins `admin` and `guest`.
    """

    superset: Superset
    database: str
    warehouse_url: str
    env: dict[str, str] = field(repr=False)
    passwords: dict[str, str] = field(repr=False)

    def env_for(self, metadata_url: str, cache: Path) -> dict[str, str]:
        """Return the whole environment for a metadata database."""
        url = metadata_url.replace("postgresql://", "postgresql+psycopg2://")
        return self.env | {"SUPERSET_METADATA_URL": url, "SUPERSET_CACHE_DIR": str(cache)}

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

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=120, trust_env=False)

    def sign_in(self, user: str, password: str) -> None:
        """Use the log-in page."""
        form = {"username": user, "password": password, "csrf_token": self.csrf_token()}
        answer = self.http.post("/login/", data=form)
        assert answer.status_code == 302, answer.text[:500]
        assert "/login" not in answer.headers["location"], "the log-in was refused"

    def csrf_token(self) -> str:
        """Read the token that the page holds."""
        page = self.http.get("/login/", follow_redirects=True).text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page, re.DOTALL)
        assert found is not None, page[:500]
        return found.group(1)

    def get(self, path: str, **named: Any) -> httpx.Response:
        """Ask."""
        return self.http.get(path, **named)

    def post(self, path: str, json: Any, method: str = "POST") -> httpx.Response:
        """Send JSON as Superset's pages do."""
        headers = {"X-CSRFToken": self.csrf_token(), "Referer": str(self.http.base_url)}
        return self.http.request(method, path, json=json, headers=headers)


@pytest.fixture(scope="session")
def superset_template(
    postgres_server: Server,
    databases: Databases,
    _warehouse_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Template]:
    """A metadata database with all of Superset's tables, log-ins and our dashboards; 20 s."""
    from filmpulse.config import Settings
    from filmpulse.jobs import Parts, setup_warehouse
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
    setup_warehouse(Parts.from_settings(Settings(**settings)))
    metadata_url = databases.create()
    warehouse = postgres.address(
        *("filmpulse_reader", reader, postgres_server.port, warehouse_url.rpartition("/")[2]),
        "postgresql+psycopg2",
    )
    template = Template(
        superset.Superset(python, ports.choose()),
        metadata_url.rpartition("/")[2],
        warehouse_url,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            guardian.RUN: os.environ[guardian.RUN],
            "SUPERSET_CONFIG_PATH": str(superset.FOLDER / "superset_config.py"),
            "SUPERSET_SECRET_KEY": secrets.token_hex(20),
            "SUPERSET_WAREHOUSE_URL": warehouse,
            "SUPERSET_AIRFLOW_URL": "http://127.0.0.1:8080",
        },
        {user: secrets.token_urlsafe(12) for user in ("admin", "guest")},
    )
    template.prepare(metadata_url, folder / "cache")
    yield template
    databases.drop(metadata_url)
    databases.drop(warehouse_url)


@pytest.fixture(scope="module")
def superset_app(
    superset_template: Template, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """A Superset that serves, with a metadata database that the tests of a file share; 10 s."""
    from filmpulse.local.files import last_lines

    metadata_url = databases.create(superset_template.database)
    folder = tmp_path_factory.mktemp("superset-app")
    log = folder / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            superset_template.superset.command(),
            env=superset_template.env_for(metadata_url, folder / "cache"),
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{superset_template.superset.port}"
    try:
        deadline = time.monotonic() + 180
        while not _answers(f"{url}/health"):
            assert server.poll() is None, last_lines(log, 50)
            assert time.monotonic() < deadline, last_lines(log, 50)
            time.sleep(0.2)
        yield App(url, metadata_url, superset_template, server.pid)
    finally:
        server.terminate()
        server.wait(60)
        databases.drop(metadata_url)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
