"""The gate: one request at a time per host, apart, paused after a refusal, let go on a crash."""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from filmpulse.errors import HostBusy, HostPaused
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.gate import HostGate

HOST = "site.invalid"
OTHER_HOST = "other.invalid"


@pytest.fixture
def warehouse(warehouse_url):
    return Warehouse(warehouse_url)


def test_requests_of_two_workers_are_apart(warehouse):
    gap, times = 0.2, []

    def work():
        with HostGate(warehouse, gap) as gate:
            for _ in range(3):
                gate.wait(HOST)
                times.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    gaps = [b - a for a, b in pairwise(times)]
    assert len(times) == 6
    assert min(gaps) >= gap * 0.9


def test_a_slot_is_held_until_the_next_wait(warehouse):
    held = threading.Event()
    taken = threading.Event()

    def second():
        held.wait(5)
        with HostGate(warehouse, 0) as gate:
            gate.wait(HOST)
            taken.set()

    thread = threading.Thread(target=second)
    thread.start()
    with HostGate(warehouse, 0) as gate:
        gate.wait(HOST)
        held.set()
        assert not taken.wait(0.5)
        gate.wait(OTHER_HOST)
        assert taken.wait(5)
    thread.join()


def test_a_caller_with_little_patience_is_turned_away(warehouse):
    with HostGate(warehouse, 60) as gate, HostGate(warehouse, 60, 0.2) as hasty:
        gate.wait(HOST)
        with pytest.raises(HostBusy):
            hasty.wait(HOST)
        gate.wait(OTHER_HOST)
        with pytest.raises(HostBusy):  # the lock is free, and the gap is too long to sleep
            hasty.wait(HOST)


def _hold(url, ready):
    with HostGate(Warehouse(url), 0) as gate:
        gate.wait(HOST)
        ready.set()
        time.sleep(600)


def test_a_killed_worker_lets_go(warehouse_url):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(warehouse_url, ready))
    process.start()
    assert ready.wait(300)
    os.kill(process.pid, signal.SIGKILL)
    with HostGate(Warehouse(warehouse_url), 0) as gate:
        gate.wait(HOST)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_pause_grows_and_stops_every_worker(warehouse):
    with HostGate(warehouse, 0) as gate:
        now = datetime.now(UTC)
        first = gate.pause(HOST, "forbidden")
        second = gate.pause(HOST, "captcha")
        assert first - now == pytest.approx(timedelta(minutes=15), abs=timedelta(seconds=5))
        assert second - now == pytest.approx(timedelta(minutes=30), abs=timedelta(seconds=5))
    with HostGate(warehouse, 0) as another:
        with pytest.raises(HostPaused, match="captcha") as caught:
            another.wait(HOST)
        assert caught.value.until == second
        another.wait(OTHER_HOST)


def test_requests_and_pauses_are_counted_by_the_hour(warehouse):
    began = datetime.now(UTC)
    with HostGate(warehouse, 0) as gate:
        for _ in range(3):
            gate.wait(HOST)
        gate.wait(OTHER_HOST)
        gate.pause(HOST, "forbidden")
        with pytest.raises(HostPaused):
            gate.wait(HOST)  # asks for nothing
        gate.pause("never.asked.invalid", "reset")
    with warehouse.connect() as connection:
        found = connection.execute("SELECT * FROM mart.host_hours ORDER BY hour").fetchall()
    assert {(r["hour"].minute, r["hour"].second, r["hour"].microsecond) for r in found} == {
        (0, 0, 0)
    }
    assert all(began - timedelta(hours=1) < r["hour"] <= datetime.now(UTC) for r in found)
    counted = Counter()
    for r in found:  # of two hours where one ended meanwhile
        counted.update({(r["host"], "requests"): r["requests"], (r["host"], "pauses"): r["pauses"]})
    assert +counted == {
        (HOST, "requests"): 3, (HOST, "pauses"): 1, (OTHER_HOST, "requests"): 1,
        ("never.asked.invalid", "pauses"): 1,
    }  # fmt: skip


def test_the_sites_own_wish_is_honoured(warehouse):
    with HostGate(warehouse, 0) as gate:
        until = gate.pause(HOST, "rate_limited", retry_after=7200)
    assert until - datetime.now(UTC) > timedelta(minutes=119)


def test_a_good_page_forgets_strikes(warehouse):
    with HostGate(warehouse, 0) as gate:
        gate.pause(HOST, "forbidden")
        gate.clear(HOST)
        gate.wait(HOST)
        again = gate.pause(HOST, "forbidden")
    assert again - datetime.now(UTC) < timedelta(minutes=16)
