"""A streaming replica follows its primary, whatever happens to either of them."""

from __future__ import annotations

import secrets
import signal
import threading
from dataclasses import replace

import psycopg
import pytest
from helpers import guardian
from helpers.waiting import wait_until

from filmpulse.local import postgres
from filmpulse.local.cluster import replica as replicas
from filmpulse.local.cluster.replica import OF_PRIMARY, ROLE, Replica
from filmpulse.local.cluster.running import Running
from filmpulse.local.ports import choose
from filmpulse.local.postgres import Binaries, PostgresError, Server, address, all_binaries
from filmpulse.warehouse import Warehouse, is_one_database

OWNER = "of the owner"


@pytest.fixture
def binaries():
    return all_binaries()[0]


@pytest.fixture
def world(binaries, tmp_path, monkeypatch):
    """A primary that runs, below a directory that is closed to others, and a replica to be."""
    monkeypatch.setattr(postgres, "all_binaries", lambda: (binaries,))
    folder = guardian.folder_in_memory(otherwise=tmp_path)
    folder.chmod(0o700)
    primary = Server(folder / "primary", choose(), secrets.token_hex(8), False, OF_PRIMARY)
    replica = Replica(primary, folder / "replica", choose(), r"with : and \ and '")
    with Running(primary, folder / "primary.log", signal.SIGQUIT) as running:
        primary.add_owner("filmpulse", OWNER)
        primary.add_replicator(ROLE, replica.password)
        with primary.connect("filmpulse") as connection:
            connection.execute("CREATE TABLE n (n int)")
        yield primary, running, replica, folder / "replica.log"


def add(primary, count=1):
    with primary.connect("filmpulse") as connection:
        connection.execute("INSERT INTO n SELECT generate_series(1, %s)", [count])


def rows(server):
    with server.connect("filmpulse") as connection:
        return connection.execute("SELECT count(*) FROM n").fetchone()[0]


@pytest.mark.parametrize(
    "binaries", all_binaries(), ids=lambda found: f"{found.major} in {found.bin.parent}"
)
def test_it_follows_through_kills_and_restarts(world):
    primary, of_primary, replica, log = world
    add(primary, 1000)
    with Running(replica, log, signal.SIGQUIT) as running:
        add(primary)
        wait_until(lambda: rows(replica.server) == 1001)
        url = address("filmpulse", OWNER, replica.port, "filmpulse")
        with (
            psycopg.connect(url) as connection,
            pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        ):
            connection.execute("INSERT INTO n VALUES (1)")
        made = (replica.data / "PG_VERSION").stat().st_ino

        running.process.kill()  # its children end by themselves
        running.process.wait()
        add(primary)
    with Running(replica, log, signal.SIGQUIT):
        wait_until(lambda: rows(replica.server) == 1002)

        of_primary.process.kill()
        of_primary.process.wait()
        assert rows(replica.server) == 1002, "it goes on answering"
        wait_until(lambda: not replica.is_ready())
        of_primary.__enter__()
        add(primary)
        wait_until(lambda: rows(replica.server) == 1003)
        wait_until(replica.is_ready)
    assert (replica.data / "PG_VERSION").stat().st_ino == made, "it was copied once"


def test_it_is_made_anew_where_it_cannot_go_on(world):
    primary, of_primary, replica, log = world
    with Running(replica, log, signal.SIGQUIT):
        pass
    made = (replica.data / "PG_VERSION").stat().st_ino
    with primary.connect() as connection:  # the least that Postgres keeps anyway is a file
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = 0")
    of_primary.__exit__()
    lean = Running(replace(primary, more={}), log.with_name("lean.log"), signal.SIGQUIT)
    with lean:
        for _ in range(4):
            add(primary, 1000)
            with primary.connect() as connection:
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
        with primary.connect() as connection:
            told = connection.execute("SELECT wal_status FROM pg_replication_slots").fetchone()
        assert told == ("lost",), "the disk is not filled for a replica that is down"
        (replica.data.with_name("replica.half")).mkdir()  # as an interrupted copy leaves it
        with Running(replica, log, signal.SIGQUIT):
            assert rows(replica.server) == 4000
        assert (replica.data / "PG_VERSION").stat().st_ino != made
        with primary.connect() as connection:
            slots = connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
        assert len(slots) == 1


def test_a_reader_is_not_ended_by_vacuum(world):
    primary, _, replica, log = world
    add(primary, 1000)
    with Running(replica, log, signal.SIGQUIT):
        wait_until(lambda: rows(replica.server) == 1000)
        reading, done = threading.Event(), threading.Event()
        seen = []

        def read():
            with psycopg.connect(replica.server.dsn("filmpulse")) as connection:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                seen.append(connection.execute("SELECT count(*) FROM n").fetchone())
                reading.set()
                done.wait()
                seen.append(connection.execute("SELECT count(*) FROM n").fetchone())

        thread = threading.Thread(target=read)
        thread.start()
        reading.wait()
        with primary.connect("filmpulse") as connection:
            # The primary has heard of the reader's rows.
            wait_until(
                lambda: connection.execute(
                    "SELECT xmin IS NOT NULL FROM pg_replication_slots"
                ).fetchone()[0]
            )
            connection.execute("DELETE FROM n")
            connection.execute("VACUUM n")
            connection.execute("INSERT INTO n VALUES (1)")
        with replica.server.connect("filmpulse") as connection:
            wait_until(lambda: connection.execute("SELECT count(*) FROM n").fetchone() == (1,))
        done.set()
        thread.join()
        assert seen == [(1000,), (1000,)]


def test_its_password_is_in_no_command_and_its_role_is_let_in_from_here(world):
    primary, _, replica, log = world
    with Running(replica, log, signal.SIGQUIT):
        assert not any(replica.password in word for word in replica.command())
        kept = replica.data / "replication.pgpass"
        assert kept.stat().st_mode & 0o077 == 0
        with primary.connect() as connection:
            lines = connection.execute(
                "SELECT address, auth_method FROM pg_hba_file_rules "
                "WHERE 'replication' = ANY(database)"
            ).fetchall()
            who = connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolreplication AND NOT rolsuper"
            ).fetchall()
        assert {method for _, method in lines} == {"scram-sha-256"}
        assert {where for where, _ in lines} <= {None, "127.0.0.1", "::1"}
        assert who == [(ROLE,)]


def test_a_replica_is_no_address_of_the_warehouse(world):
    primary, _, replica, log = world
    with Running(replica, log, signal.SIGQUIT):
        url = address("filmpulse", OWNER, primary.port, "filmpulse")
        other = address("filmpulse", OWNER, replica.port, "filmpulse")
        assert not is_one_database(url, other)
        with Warehouse(other).connect() as connection:  # it can be read
            assert connection.execute("SELECT pg_is_in_recovery() AS r").fetchone() == {"r": True}


def test_without_the_program_it_says_what_to_install(world, monkeypatch, tmp_path):
    _, _, replica, _ = world
    bare = Binaries(tmp_path, replica.primary.binaries.major)
    monkeypatch.setattr(postgres, "all_binaries", lambda: (bare,))
    monkeypatch.setattr(replicas, "all_binaries", lambda: (bare,))
    with pytest.raises(PostgresError, match="pg_basebackup"):
        replica.prepare()
