"""The parts of a cluster, each alone: what Redis keeps, what a host of one's own hides."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from helpers.waiting import wait_until

from filmpulse.local import ports
from filmpulse.local.cluster import hosts, tools
from filmpulse.local.cluster.grid import PARTS, Hub, remove_homes
from filmpulse.local.cluster.redis import Redis
from filmpulse.local.cluster.running import Running
from filmpulse.local.instance import MARK
from filmpulse.local.object_store import Account, Throwaway, _client
from filmpulse.local.parts import Part, Stage
from filmpulse.local.postgres import COPIES
from filmpulse.local.processes import members
from filmpulse.local.running import WORKS
from filmpulse.local.running import Running as WholeInstance
from filmpulse.local.supervisor import FAILED, Program, Supervisor

needs_redis = pytest.mark.skipif(
    tools.program("redis-server") is None, reason="redis-server is missing: make cluster-tools"
)
needs_hosts = pytest.mark.skipif(
    not hosts.can_separate(), reason="only root on Linux gives programs hosts of their own"
)


def _server(folder: Path, *, is_cache: bool = False) -> Redis:
    return Redis(folder / "redis", ports.choose(), secrets.token_hex(16), is_cache)


def _client_of(server: Redis) -> Any:
    import redis

    return redis.Redis.from_url(server.url(0), socket_timeout=30)


@needs_redis
def test_a_queue_that_is_killed_forgets_nothing(tmp_path: Path) -> None:
    server = _server(tmp_path)
    with Running(server, tmp_path / "log") as running:
        client = _client_of(server)
        client.rpush("default", *(b"message %d" % number for number in range(500)))
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
        assert not server.is_ready()
    with Running(server, tmp_path / "log"):
        assert _client_of(server).llen("default") == 500


@needs_redis
def test_a_full_queue_refuses_and_a_full_cache_forgets(tmp_path: Path) -> None:
    import redis

    piece = secrets.token_bytes(1 << 20)
    for is_cache in (False, True):
        folder = tmp_path / str(is_cache)
        folder.mkdir()
        server = _server(folder, is_cache=is_cache)
        with Running(server, folder / "log"):
            client = _client_of(server)
            client.config_set("maxmemory", 20 << 20)
            fill = lambda client=client: [client.set(str(n), piece) for n in range(40)]  # noqa: E731
            if is_cache:
                fill()
                assert 0 < client.dbsize() < 40
            else:
                with pytest.raises(redis.exceptions.OutOfMemoryError):
                    fill()
                assert client.get("0") == piece


@needs_redis
def test_redis_asks_for_its_password_on_loopback_alone(tmp_path: Path) -> None:
    import psutil
    import redis

    server = _server(tmp_path)
    with Running(server, tmp_path / "log") as running:
        for password in (None, "wrong"):
            with pytest.raises(redis.exceptions.AuthenticationError):
                redis.Redis(port=server.port, password=password).ping()
        process = psutil.Process(running.process.pid)
        bound = {connection.laddr.ip for connection in process.net_connections("inet")}
        assert bound == {"127.0.0.1"}
        assert server.password not in " ".join(process.cmdline())
    assert (server.folder / "redis.conf").stat().st_mode & 0o077 == 0


@needs_redis
def test_redis_is_found_by_the_mark_of_its_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARK, str(tmp_path))
    with Running(_server(tmp_path), tmp_path / "log") as running:
        assert running.process.pid in {process.pid for process in members(tmp_path)}


@pytest.mark.skipif(not tools.GRID_JAR.is_file(), reason="no Grid's jar: make cluster-tools")
def test_nothing_of_a_grid_is_left_outside_its_instance(tmp_path: Path) -> None:
    port, password = ports.choose(), secrets.token_hex(8)
    hubs = [Hub(tmp_path / name, port, port, port, password, password) for name in PARTS]
    for hub in hubs:
        hub.prepare()
    assert all(any(hub.home.iterdir()) for hub in hubs)
    remove_homes(tmp_path)
    assert not any(hub.home.exists() for hub in hubs)


def test_a_key_of_one_bucket_opens_no_other(tmp_path: Path) -> None:
    throwaway = Throwaway(tmp_path)
    account = Account("logs", secrets.token_hex(10), secrets.token_hex(20))
    object.__setattr__(throwaway.store, "accounts", (account,))
    with throwaway as store:
        store.add_bucket("logs")
        store.add_bucket("lake")
        store.client().put_object(Bucket="lake", Key="page", Body=b"private")
        client = _client(store.url, account.key, account.secret)
        client.put_object(Bucket="logs", Key="log", Body=b"one")
        assert client.get_object(Bucket="logs", Key="log")["Body"].read() == b"one"
        assert client.list_objects_v2(Bucket="logs")["KeyCount"] == 1
        for refused in (
            lambda: client.get_object(Bucket="lake", Key="page"),
            lambda: client.put_object(Bucket="lake", Key="page", Body=b"mine"),
            lambda: client.list_objects_v2(Bucket="lake"),
            lambda: client.create_bucket(Bucket="another"),
            lambda: client.delete_bucket(Bucket="lake"),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                refused()


@pytest.fixture
def places() -> Iterator[tuple[Path, Path]]:
    """An instance's directory with a secret in it, a neighbour's too, and a worker's folder.

    Not below /tmp, which is hidden as a whole.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as instances:
        yield _places(Path(instances))


def _places(instances: Path) -> tuple[Path, Path]:
    instance = instances / "one with 'quotes'"
    own = instance / "workers" / "browser"
    own.mkdir(parents=True)
    neighbour = instance.with_name("neighbour")
    neighbour.mkdir()
    for each in (instance, neighbour):
        (each / "install.json").write_text("secret")
    return instance, own


ASKS = """
import os, pathlib, socket, sys
instance, parent = pathlib.Path(sys.argv[1]), sys.argv[2]
print(socket.gethostname())
print(sorted(str(path.relative_to(instance.parent)) for path in instance.parent.rglob("*")))
print(os.path.isdir(sys.argv[3]) and os.listdir(sys.argv[3]))
print(os.getcwd() == str(instance / "workers" / "browser"))
try:
    print(bool(pathlib.Path(f"/proc/{parent}/environ").read_bytes()))
except OSError as error:
    print(type(error).__name__)
print(os.system("umount /tmp 2>/dev/null || umount " + repr(str(instance)) + " 2>/dev/null") != 0)
pathlib.Path("left").write_text("by the program")
"""


@needs_hosts
def test_a_host_of_its_own_sees_its_folder_and_no_other_process(
    places: tuple[Path, Path],
) -> None:
    instance, own = places
    COPIES.mkdir(exist_ok=True)
    words = [sys.executable, "-c", ASKS, str(instance), str(os.getpid()), str(COPIES)]
    command = hosts.separate("worker-browser", 0, own, instance, words)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    below = [instance.name, f"{instance.name}/workers", f"{instance.name}/workers/browser"]
    assert said == ["worker-browser", str(below), "[]", "True", "PermissionError", "True"]
    assert (own / "left").read_text() == "by the program"
    assert socket.gethostname() != "worker-browser"


@needs_hosts
@pytest.mark.parametrize(("number", "sees"), [(0, True), (1, False), (2, False)])
def test_a_host_of_its_own_does_not_see_what_the_other_was_given(
    places: tuple[Path, Path], number: int, sees: bool
) -> None:
    instance, own = places
    command = hosts.separate("one", 0, own, instance, ["/bin/sh", "-c", "echo here; read end"])
    looks = "import os, sys; print(os.access(sys.argv[1], os.F_OK)); open(sys.argv[1]).read()"
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        words = [sys.executable, "-c", looks, f"/proc/{other.pid}/environ"]
        done = subprocess.run(
            hosts.separate("two", number, own, instance, words),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        other.communicate("end\n")
    assert done.stdout == "True\n"
    assert ("PermissionError" not in done.stderr) == sees, done.stderr


def test_a_folder_of_its_own_is_all_that_others_have(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, own = places
    monkeypatch.setattr(hosts, "can_separate", lambda: False)
    words = [sys.executable, "-c", "import os; print(os.getcwd())"]
    for command in (hosts.separate("worker", 0, own, instance, words), hosts.named("one", words)):
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert said == (str(own) if command[0] == "/bin/sh" else str(Path.cwd()))
    assert hosts.host_name("worker") == socket.gethostname()


def test_a_part_that_fails_is_tried_again_for_as_long_as_it_fails(tmp_path: Path) -> None:
    """More often than supervisord does by itself, and with a pause before each new try."""
    tries = tmp_path / "tries"
    script = f"echo x >> '{tries}'; exit 1"
    program = Program("fails", "fails", ["/bin/sh", "-c", script])
    supervisor = Supervisor(tmp_path, tmp_path, ports.choose(), secrets.token_hex(8))
    supervisor.start([program], os.environ)
    try:
        supervisor.run("fails", "fails")
        wait_until(lambda: tries.exists() and len(tries.read_text().split()) > 4)
        state = (supervisor.states() or {})["fails"]["statename"]
        assert state in ("BACKOFF", "STARTING")
    finally:
        supervisor.stop()


def test_a_part_that_fails_at_first_may_be_slow_at_its_next_start(tmp_path: Path) -> None:
    """Only a part that fails again and again is not waited for."""
    script = "[ -e tried ] && exec sleep 600; touch tried; exit 1"
    slow = Program("slow", "slow", ["/bin/sh", "-c", script])
    never = Program("never", "never", ["/bin/sh", "-c", "exit 1"])
    supervisor = Supervisor(tmp_path, tmp_path, ports.choose(), secrets.token_hex(8))
    supervisor.start([slow, never], os.environ)
    running = object.__new__(WholeInstance)
    running.supervisor = supervisor
    try:
        for program, state in ((slow, WORKS), (never, FAILED)):
            supervisor.run(program.group, program.name)
            healthy = lambda since: time.time() > since + 12  # noqa: E731
            part = Part(program.name, Stage.STORES, program, healthy)
            assert running._state_at(part, time.monotonic() + 600) == state
    finally:
        supervisor.stop()


def test_a_stop_waits_as_long_as_all_groups_together_may_take(tmp_path: Path) -> None:
    programs = [
        Program("quick", "both", ["true"], patience=5),
        Program("slow", "both", ["true"], patience=20),
        Program("other", "other", ["true"], patience=40),
    ]
    supervisor = Supervisor(tmp_path, tmp_path, ports.choose(), secrets.token_hex(8))
    supervisor.start(programs, os.environ)
    try:
        assert supervisor._longest_stop() == 20 + 40
    finally:
        supervisor.stop()
    assert supervisor.states() is None
