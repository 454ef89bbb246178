"""What Postgres, and each role in it, may do: on every version that this machine has."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg
import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.local import ports, postgres
from filmpulse.local.postgres import Binaries, Server, Throwaway, address, all_binaries

IS_ROOT = os.geteuid() == 0
HAS_PROC = Path("/proc/self/status").exists()
REFUSED = psycopg.errors.InsufficientPrivilege


@dataclass(frozen=True)
class World:
    """A server with the roles of an instance, and their passwords."""

    server: Server
    owner: str
    reader: str

    def as_owner(self, database: str = "filmpulse") -> psycopg.Connection:
        return self._connect("filmpulse", self.owner, database)

    def as_reader(self, database: str = "filmpulse") -> psycopg.Connection:
        return self._connect("filmpulse_reader", self.reader, database)

    def _connect(self, user: str, password: str, database: str) -> psycopg.Connection:
        url = address(user, password, self.server.port, database)
        return psycopg.connect(url, autocommit=True)

    def parts(self, reader: str | None = None) -> jobs.Context:
        """Return what `filmpulse setup` works with."""
        url = address("filmpulse", self.owner, self.server.port, "filmpulse")
        password = reader or self.reader
        settings = {
            "warehouse_url": url,
            "lake_url": "file:///nowhere",
            "reader_password": password,
        }
        return jobs.Context.from_settings(Settings.model_validate(settings))


def _only(binaries: Binaries) -> Callable[[], tuple[Binaries, ...]]:
    return lambda: (binaries,)


@pytest.fixture(
    scope="module", params=all_binaries(), ids=lambda found: f"{found.major} in {found.bin.parent}"
)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """An instance's server, below a directory that is closed to others."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "all_binaries", _only(request.param))
        with Throwaway(closed, ports.choose(), secrets.token_hex(8)) as server:
            made = World(server, secrets.token_hex(8), secrets.token_hex(8))
            _make_roles(made)
            jobs.setup_warehouse(made.parts())
            yield made


def _make_roles(world: World) -> None:
    """Do what a start of the stack does."""
    for database in ("postgres", "template1"):
        world.server.close_database(database)
    world.server.add_owner("filmpulse", world.owner)
    world.server.add_reader(world.reader, "filmpulse")
    world.server.add_owner("airflow", "of airflow")


def _processes(server: Server) -> list[psutil.Process]:
    """Return the server's first process, then its children."""
    first = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    assert postgres.serves(first, server.data)
    return [first, *first.children(recursive=True)]


@pytest.mark.skipif(not HAS_PROC, reason="only Linux tells")
def test_no_process_of_the_server_has_a_capability(world: World) -> None:
    with world.as_owner() as connection:
        connection.execute("SELECT 1")
        found = _processes(world.server)
        assert len(found) > 4, "the connection's own among them"
        for process in found:
            status = Path(f"/proc/{process.pid}/status").read_text()
            held = {
                line.split()[0]: int(line.split()[1], 16)
                for line in status.splitlines()
                if line.startswith(("CapInh", "CapPrm", "CapEff", "CapAmb"))
            }
            assert held == dict.fromkeys(held, 0), process
            assert "NoNewPrivs:\t1" in status or not IS_ROOT
            assert 0 not in process.uids()


@pytest.mark.skipif(not IS_ROOT, reason="only root has files that others may not read")
def test_even_a_superuser_reads_no_file_of_roots(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of root")
    secret.chmod(0o600)
    with world.server.connect() as connection:
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT pg_read_file(%s)", [str(secret)])
        connection.execute("CREATE TEMPORARY TABLE seen (line text)")
        with pytest.raises(psycopg.Error):
            connection.execute(f"COPY seen FROM PROGRAM 'cat {secret}'")


@pytest.mark.parametrize("role", ["owner", "reader"])
@pytest.mark.parametrize(
    "statement",
    [
        "GRANT pg_execute_server_program TO CURRENT_USER",
        "GRANT pg_read_server_files TO CURRENT_USER",
        "GRANT pg_read_all_stats TO CURRENT_USER",
        "GRANT filmpulse TO airflow",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/mine'",
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/hostname')",
        "CREATE ROLE stranger",
        "ALTER ROLE CURRENT_USER CREATEROLE",
        "ALTER ROLE airflow PASSWORD 'stranger'",
        "CREATE DATABASE stranger",
        "SET ROLE postgres",
        "SET ROLE airflow",
        "ALTER SYSTEM SET shared_preload_libraries = 'stranger'",
        "CREATE EXTENSION file_fdw",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'stranger')",
    ],
)
def test_no_role_may(world: World, role: str, statement: str) -> None:
    connect = world.as_owner if role == "owner" else world.as_reader
    with (
        world.server.connect("filmpulse"),  # for the statement that would end it
        connect() as connection,
        pytest.raises((REFUSED, psycopg.errors.FeatureNotSupported)),
    ):
        connection.execute(statement.encode())


def test_copy_from_program_is_refused(world: World) -> None:
    with world.as_owner() as connection:
        connection.execute("CREATE TABLE public.lines (line text)")
        try:
            with pytest.raises(REFUSED):
                connection.execute("COPY public.lines FROM PROGRAM 'id'")
            with pytest.raises(REFUSED):
                connection.execute("COPY public.lines FROM '/etc/hostname'")
        finally:
            connection.execute("DROP TABLE public.lines")


def test_each_role_connects_to_its_own_database_alone(world: World) -> None:
    with world.as_reader() as connection:
        assert connection.execute("SELECT count(*) FROM mart.movies").fetchone() == (0,)
    for connect, others in (
        (world.as_reader, ("postgres", "template1", "airflow")),
        (world.as_owner, ("postgres", "template1", "airflow")),
    ):
        for other in others:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect(other)


def test_the_reader_sees_no_query_of_others(world: World) -> None:
    with world.as_owner() as busy, world.server.connect("filmpulse") as superuser:
        for connection in (busy, superuser):
            connection.execute("SELECT 'an invented secret'")
        with world.as_reader() as reader:
            rows = reader.execute(
                "SELECT query FROM pg_stat_activity WHERE usename <> current_user"
            ).fetchall()
            for catalogue in ("pg_authid", "pg_shadow", "pg_hba_file_rules", "pg_largeobject"):
                with pytest.raises(REFUSED):
                    reader.execute(f"SELECT * FROM {catalogue}")  # noqa: S608
    assert len(rows) >= 2
    assert {query for (query,) in rows} == {"<insufficient privilege>"}


def test_the_next_start_takes_older_rights_away(world: World) -> None:
    """Older versions gave the owner CREATEROLE, by which it gave itself what it liked."""
    with world.server.connect() as connection:
        connection.execute("ALTER ROLE filmpulse CREATEROLE CREATEDB")
        connection.execute("GRANT pg_execute_server_program TO filmpulse WITH ADMIN OPTION")
        connection.execute("GRANT filmpulse_reader TO filmpulse WITH ADMIN OPTION")
        connection.execute("GRANT pg_read_all_stats TO filmpulse_reader")
        connection.execute("ALTER ROLE filmpulse_reader CREATEDB")
    with world.as_owner() as owner:
        owner.execute("COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'")
        owner.execute("GRANT pg_execute_server_program TO filmpulse_reader")
    _make_roles(world)
    with world.server.connect() as connection:
        rights = connection.execute(
            "SELECT rolname, rolcreaterole, rolcreatedb, rolsuper FROM pg_roles "
            "WHERE rolname LIKE 'filmpulse%' ORDER BY rolname"
        ).fetchall()
        memberships = connection.execute(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member "
            "WHERE r.rolname LIKE 'filmpulse%'"
        ).fetchone()
    assert rights == [("filmpulse", *[False] * 3), ("filmpulse_reader", *[False] * 3)]
    assert memberships == (0,)
    with world.as_owner() as owner, pytest.raises(REFUSED):
        owner.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_setup_works_for_an_owner_without_rights_over_roles(world: World) -> None:
    jobs.setup_warehouse(world.parts())
    with pytest.raises(BadInput, match=r"FILMPULSE_READER_PASSWORD.*postgres_roles"):
        jobs.setup_warehouse(world.parts(reader="another"))
    with world.as_reader() as connection:
        assert connection.execute("SELECT count(*) FROM mart.movies").fetchone() == (0,)


def test_setup_says_who_can_make_a_reader_that_is_missing(world: World) -> None:
    with world.server.connect("filmpulse") as connection:
        connection.execute("ALTER ROLE filmpulse_reader RENAME TO elsewhere")
    try:
        with pytest.raises(BadInput, match=r"filmpulse_reader could not be set up.*postgres_roles"):
            jobs.setup_warehouse(world.parts())
    finally:
        with world.server.connect("filmpulse") as connection:
            connection.execute("ALTER ROLE elsewhere RENAME TO filmpulse_reader")
    jobs.setup_warehouse(world.parts())


# --- starting again ------------------------------------------------------------------------------


def _cut_off(throwaway: Throwaway, server: Server) -> None:
    """Kill the server and its children at once, as a power cut does."""
    found = _processes(server)
    for process in found:
        with suppress(psutil.NoSuchProcess):  # a worker of autovacuum ends when it is done
            process.kill()
    throwaway._process.wait(20)
    psutil.wait_procs(found, timeout=20)


def test_three_cuts_in_a_row_lose_nothing(tmp_path: Path) -> None:
    throwaway = Throwaway(tmp_path, ports.choose(), "pw")
    throwaway.server = replace(throwaway.server, durable=True)
    for count in range(3):
        with throwaway as server:
            with server.connect() as connection:
                if not count:
                    connection.execute("CREATE TABLE kept (cut int)")
                connection.execute("INSERT INTO kept VALUES (%s)", [count])
            _cut_off(throwaway, server)
            assert (server.data / "postmaster.pid").exists()
    with throwaway as server, server.connect() as connection:
        kept = connection.execute("SELECT cut FROM kept ORDER BY cut").fetchall()
    assert kept == [(0,), (1,), (2,)]


def _as_the_servers_user(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(postgres.unprivileged(command), cwd="/")


@pytest.mark.parametrize("left", ["{pid}\n/elsewhere\n1\n", "{pid}\n", "", "half a num"])
def test_what_a_cut_left_does_not_keep_a_server_from_starting(tmp_path: Path, left: str) -> None:
    throwaway = Throwaway(tmp_path, ports.choose(), "pw")
    with throwaway:
        pass
    other = _as_the_servers_user(["sleep", "600"])
    try:
        pid_file = throwaway.server.data / "postmaster.pid"
        pid_file.write_text(left.format(pid=other.pid))
        if (user := postgres.run_as()) is not None:
            os.chown(pid_file, user.pw_uid, user.pw_gid)
        with throwaway as server, server.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        other.kill()
        other.wait()


def test_a_server_that_runs_is_left_its_pid_file(tmp_path: Path) -> None:
    with Throwaway(tmp_path, ports.choose(), "pw") as server:
        before = (server.data / "postmaster.pid").read_text()
        server.prepare()
        assert (server.data / "postmaster.pid").read_text() == before
        assert server.is_ready()


def test_another_instances_server_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with Throwaway(tmp_path, ports.choose(), "pw") as server:
        assert not replace(server, data=tmp_path / "copy" / "postgres").is_ready()


@pytest.mark.skipif(not IS_ROOT, reason="only root's server is another user's")
def test_binaries_below_a_closed_directory_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = [found for found in all_binaries() if "pixeltable" in str(found.bin)]
    assert bundled, "the wheel is one of what the tests need"
    closed = tmp_path / "closed"
    package = bundled[0].bin.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    closed.chmod(0o700)
    # tmp_path is closed, too; the copies need a place that is not.
    place = Path("/var/lib") / f"filmpulse-test-{secrets.token_hex(4)}"
    monkeypatch.setattr(postgres, "COPIES", place)
    found = Binaries(closed / bundled[0].bin.relative_to(package.parent), bundled[0].major)
    monkeypatch.setattr(postgres, "all_binaries", _only(found))
    try:
        with Throwaway(tmp_path, ports.choose(), "pw") as server:
            [postmaster, *_] = _processes(server)
            assert place in Path(postmaster.exe()).parents
            with server.connect() as connection:  # a library and a time zone file are loaded late
                connection.execute("DO $$ BEGIN PERFORM now() AT TIME ZONE 'Asia/Tokyo'; END $$")
        postgres.remove_copies()
        assert list(place.iterdir()) == []
    finally:
        shutil.rmtree(place, ignore_errors=True)
