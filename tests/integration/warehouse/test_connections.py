"""Connections of the warehouse: the next block gets the last one, as clean as a new one."""

from __future__ import annotations

import multiprocessing
import threading

import psycopg
import pytest

from filmpulse.errors import WarehouseUnavailable
from filmpulse.warehouse import Warehouse

PID = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
def warehouse(warehouse_url):
    return Warehouse(warehouse_url)


def pid_of_next(warehouse):
    with warehouse.connect() as connection:
        return connection.execute(PID).fetchone()["pid"]


def of_filmpulse(url):
    """Ids of the server's processes for connections of a warehouse to this database."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'filmpulse'"
        ).fetchall()
    return {pid for (pid,) in found}


def test_the_next_block_gets_the_last_connection(warehouse):
    assert pid_of_next(warehouse) == pid_of_next(warehouse)


def test_nothing_of_a_session_is_left(warehouse, warehouse_url):
    with warehouse.session() as connection:
        first = connection.execute(PID).fetchone()["pid"]
        connection.execute("SELECT pg_advisory_lock(7)")
        connection.execute("SET TIME ZONE 'Asia/Tokyo'")
        connection.execute("SET lock_timeout = '1s'")
        connection.execute("CREATE TEMP TABLE left_over (n integer)")
    with psycopg.connect(warehouse_url) as other:
        assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (True,)
    with warehouse.connect() as connection:
        assert connection.execute(PID).fetchone()["pid"] == first
        assert not connection.autocommit
        assert connection.execute("SHOW TIME ZONE").fetchone() == {"TimeZone": "UTC"}
        assert connection.execute("SHOW lock_timeout").fetchone() == {"lock_timeout": "0"}
        assert connection.execute("SELECT to_regclass('left_over') AS t").fetchone() == {"t": None}


def test_a_statement_often_run_survives_a_change_of_its_table(warehouse):
    """By default the driver prepares a statement from its sixth run on."""
    for round_ in range(3):
        with warehouse.connect() as connection:
            connection.execute(f"CREATE TABLE core.changing AS SELECT {round_} AS a{round_}")
        for _ in range(8):
            with warehouse.connect() as connection:
                found = connection.execute("SELECT * FROM core.changing").fetchone()
            assert found == {f"a{round_}": round_}
        with warehouse.connect() as connection:
            connection.execute("DROP TABLE core.changing")


def end(url, pid):
    """End a process of the server; wait until it is gone, 60 s at the most."""
    with psycopg.connect(url, autocommit=True) as other:
        found = other.execute("SELECT pg_terminate_backend(%s, 60000)", [pid]).fetchone()
    assert found == (True,)


def test_what_many_rows_prepared_is_forgotten(warehouse):
    for round_ in range(3):
        with warehouse.connect() as connection:
            connection.execute("CREATE TEMP TABLE many (n integer)")
            rows = [(n,) for n in range(20)]
            connection.cursor().executemany("INSERT INTO many VALUES (%s)", rows)
            found = connection.execute("SELECT count(*) AS n FROM many").fetchone()
        assert found == {"n": 20}, round_


def test_after_an_error_the_connection_is_closed(warehouse):
    def fail():
        with warehouse.connect() as connection:
            seen.append(connection)
            connection.execute("CREATE TABLE core.half_made (n integer)")
            raise ZeroDivisionError

    seen = []
    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen[0].closed
    with warehouse.connect() as connection:
        made = connection.execute("SELECT to_regclass('core.half_made') AS t").fetchone()
    assert made == {"t": None}


def test_a_connection_that_the_server_ended_is_not_used_again(warehouse, warehouse_url):
    first = pid_of_next(warehouse)
    end(warehouse_url, first)
    assert pid_of_next(warehouse) != first


def test_a_connection_that_ends_within_a_block_is_told(warehouse, warehouse_url):
    def be_cut_off():
        with warehouse.connect() as connection:
            seen.append(connection.execute(PID).fetchone()["pid"])
            end(warehouse_url, seen[0])
            connection.execute("SELECT 1")

    seen = []
    with pytest.raises(WarehouseUnavailable):
        be_cut_off()
    assert pid_of_next(warehouse) != seen[0]


def test_a_child_process_opens_its_own(warehouse):
    first = pid_of_next(warehouse)
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()

    def child():
        theirs.send([pid_of_next(warehouse), pid_of_next(warehouse)])

    process = fork.Process(target=child)
    process.start()
    second, third = ours.recv()
    process.join()
    assert second == third != first
    assert pid_of_next(warehouse) == first, "the child did not end its parent's connection"


def test_a_few_wait_however_many_were_open_at_once(warehouse, warehouse_url):
    together = threading.Barrier(9)

    def use():
        with warehouse.connect() as connection:
            connection.execute("SELECT 1")
            together.wait()

    threads = [threading.Thread(target=use) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = {connection.connection.info.backend_pid for connection in warehouse._sessions._idle}
    assert len(waiting) == 4
    assert waiting <= of_filmpulse(warehouse_url)
    assert pid_of_next(warehouse) in waiting


def test_a_warehouse_that_is_gone_has_no_connection(warehouse_url, recwarn):
    warehouse = Warehouse(warehouse_url)
    pid_of_next(warehouse)
    (idle,) = warehouse._sessions._idle
    del warehouse
    assert idle.connection.closed
