"""Fixtures for all tests: throwaway Postgres and S3 servers, and a whole stack for e2e tests.

Nothing of the caller's environment reaches a test: no warehouse, no Airflow, no live site.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import hmac
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers import guardian
from helpers.right_figures import wrong_figures
from hypothesis import settings
from superset_fixtures import superset_app, superset_driver, superset_template  # noqa: F401
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from filmpulse.local import Stack
    from filmpulse.local.object_store import ObjectStore
    from filmpulse.local.postgres import Server

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "tests" / "unit"
E2E = ROOT / "tests" / "e2e"

# A background job of a shell ignores Ctrl-C, and so would all that its tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before any import of Airflow, which reads all this once and writes its config file at import.
for name in list(os.environ):
    theirs = name.startswith(("FILMPULSE_", "AIRFLOW_", "AIRFLOW__", "PG", "AWS_", "SELENIUM_"))
    if theirs and name not in ("FILMPULSE_CAPTURES", "AWS_CA_BUNDLE"):
        del os.environ[name]
_airflow_home = tempfile.mkdtemp(prefix="filmpulse-test-airflow-")
atexit.register(shutil.rmtree, _airflow_home, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": _airflow_home,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    # SQLite lets writers wait in no order: on a busy machine one of eight waits for long.
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_airflow_home}/airflow.db?timeout=120",
    "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    # Tests ask this machine alone; reading all authorities takes each HTTP client 40 ms.
    "SSL_CERT_FILE": str(ROOT / "tests" / "fixtures" / "nobody.pem"),
    "SE_OFFLINE": "true",
    "SE_AVOID_STATS": "true",
}


# On a crowded machine an example may take any time.
settings.register_profile("crowded", deadline=None)
settings.load_profile("crowded")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Leave Unix sockets to event loops where sockets are off; keep our order among workers."""
    config.option.allow_unix_socket = True
    config.option.loadscopereorder = (
        False  # else xdist begins with what has most tests, not longest
    )


@pytest.hookimpl(tryfirst=True)  # before xdist starts its workers, which inherit the mark
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have all that this run starts end with it, even when it is killed."""
    if not hasattr(session.config, "workerinput"):  # a worker ends with the run that started it
        guardian.watch(session.config._tmp_path_factory.getbasetemp())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first; turn sockets off in unit tests without `enable_socket`."""
    items.sort(key=lambda item: E2E not in item.path.parents)
    for item in items:
        if UNIT in item.path.parents and not item.get_closest_marker("enable_socket"):
            item.add_marker(pytest.mark.disable_socket)


class Sharing(LoadScopeScheduling):
    """Which tests stay together where several workers share them (pytest-xdist).

    The tests of a file share its servers, the end-to-end tests one stack, those of browsers one
    Selenium Grid, and those of Superset what was prepared once; a worker has one of each for all
    that it is given. The marker
    `xdist_group` would say it, but pytest 9.2 does not hear it
    (pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        if file.name.startswith("test_superset") and "unit" not in file.parts:
            return "superset"
        if file.name in ("test_browser.py", "test_grid.py"):
            return "grid"
        return "e2e" if "e2e" in file.parts else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Use it."""
    return Sharing(config, log)


def _quick_to_check(server: Server, role: str, password: str) -> None:
    """Give a role a password that is hashed once, not 4,096 times: 5 ms less for a connection."""
    from psycopg import sql

    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    of_server = hmac.digest(salted, b"Server Key", "sha256")
    words = [base64.b64encode(word).decode() for word in (salt, stored, of_server)]
    verifier = "SCRAM-SHA-256$1:{}${}:{}".format(*words)  # RFC 5803, as Postgres stores it
    with server.connect() as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
        )


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A throwaway Postgres with the role `filmpulse`, as the local stack makes it."""
    from filmpulse.local import ports, postgres

    directory = guardian.folder_in_memory(otherwise=tmp_path_factory.mktemp("postgres"))
    with postgres.Throwaway(directory, ports.choose(), secrets.token_hex(8)) as server:
        server.add_owner("filmpulse", secrets.token_hex(8), "CREATEROLE", "CREATEDB")
        _quick_to_check(server, postgres.SUPERUSER, server.password)
        yield server


@pytest.fixture(scope="session")
def postgres(postgres_server: Server) -> str:
    """The superuser's address of a throwaway Postgres."""
    return postgres_server.dsn()


@dataclass(frozen=True)
class Databases:
    """Makes databases that the role `filmpulse` owns, and drops them."""

    server: Server
    password: str

    def create(self, template: str = "template0") -> str:
        """Copy a template into a new database and return its owner's address."""
        from psycopg import sql

        from filmpulse.local import postgres

        name = f"test_{secrets.token_hex(6)}"
        with self.server.connect() as connection:
            # Whoever filled the template may keep a connection to it, which forbids a copy.
            connection.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s",
                [template],
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER filmpulse TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return postgres.address("filmpulse", self.password, self.server.port, name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        from psycopg import sql

        name = sql.Identifier(url.rpartition("/")[2])
        with self.server.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def databases(postgres_server: Server) -> Databases:
    """Makes databases on the throwaway server."""
    password = secrets.token_hex(8)
    postgres_server.add_owner("filmpulse", password, "CREATEROLE", "CREATEDB")
    _quick_to_check(postgres_server, "filmpulse", password)
    return Databases(postgres_server, password)


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[str]:
    """The address of a new, empty database that the role `filmpulse` owns."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def _warehouse_template(databases: Databases) -> Iterator[str]:
    from filmpulse.warehouse.migrate import migrate

    url = databases.create()
    migrate(url)
    yield url.rpartition("/")[2]
    databases.drop(url)


@pytest.fixture
def warehouse_url(
    request: pytest.FixtureRequest, databases: Databases, _warehouse_template: str
) -> Iterator[str]:
    """The address of a new, migrated, empty warehouse; about 50 ms each.

    In the end its figures must be those of its rows, unless the test is marked `rows_by_hand`.
    """
    url = databases.create(_warehouse_template)
    yield url
    if request.node.get_closest_marker("rows_by_hand") is None:
        assert wrong_figures(url) == []
    databases.drop(url)


@pytest.fixture(scope="session")
def _airflow_template() -> Path:
    from airflow import settings
    from airflow.utils.db import initdb

    initdb()
    settings.reconfigure_orm()
    return Path(shutil.copy(Path(_airflow_home, "airflow.db"), Path(_airflow_home, "template.db")))


@pytest.fixture(scope="module")
def airflow_database(_airflow_template: Path) -> None:
    """Airflow's database as `initdb` leaves it: without what other files' tests ran."""
    from airflow import settings

    settings.dispose_orm()
    # A new file: who still holds a connection to the old one shall not write into this.
    for file in Path(_airflow_home).glob("airflow.db*"):
        file.unlink()
    shutil.copy(_airflow_template, Path(_airflow_home, "airflow.db"))
    settings.configure_orm()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A throwaway S3 server with the bucket `filmpulse`: `.url`, `.key`, `.secret`, `.client()`."""
    from filmpulse.local import object_store

    with object_store.Throwaway(tmp_path_factory.mktemp("object-store")) as store:
        store.add_bucket("filmpulse")
        yield store


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """An instance with the sample site and Airflow's real scheduler, but no Superset; a minute."""
    from filmpulse import local

    kept = tmp_path_factory.mktemp("stack")
    root = guardian.folder_in_memory(otherwise=kept)
    try:
        yield local.up("test", root, sample_site=True, without=["superset"])
    finally:
        local.down("test", root)
        if request.session.testsfailed and root != kept:
            shutil.copytree(root / "test" / "log", kept / "log")
