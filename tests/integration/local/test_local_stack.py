"""One whole instance: started twice at once, crashed, cut off, started again, stopped."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec
import httpx
import psutil
import psycopg
import pytest
from helpers.waiting import wait_until

from filmpulse import doctor, local
from filmpulse.errors import BadInput
from filmpulse.local import superset
from filmpulse.local.airflow_rest import AirflowError, AirflowRest
from filmpulse.local.instance import MARK, Install, Instance
from filmpulse.local.processes import end_all, members, memory
from filmpulse.local.stack import DEFAULT_ROOT, has_dashboards_of_now

pytestmark = pytest.mark.slow

NAME = "test-crash"
HAS_SUPERSET = superset.python() is not None
_COMMANDS = ("supervisord", "gunicorn", "airflow", "weed")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deep directory with a space, below one that only its owner may enter."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    deep = closed / ("deep and with spaces " + "x" * 100)
    deep.mkdir()
    try:
        yield deep
    finally:
        local.down(NAME, deep)


@pytest.fixture(scope="module")
def instance(root: Path) -> local.Stack:
    """An instance made before there was Superset, started by two commands at once."""
    old = Install.new()
    old.secrets = {key: value for key, value in old.secrets.items() if "superset" not in key}
    made = Instance.at(NAME, root)
    made.make()
    old.save(made)
    (made.dir / "s3.json").write_text("where the S3 keys were")
    command = [sys.executable, "-m", "filmpulse.local", "up", "--instance", NAME, "--root", root]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Postgres" in text for text in said) == 1, "one of them started it"
    return local.read_stack(root / NAME)


def _pids(stack: local.Stack) -> set[int]:
    return {process.pid for process in members(stack.dir)}


def _parts(stack: local.Stack) -> set[int]:
    """Return the processes that the supervisor started; their own children come and go."""
    processes = members(stack.dir)
    (supervisor,) = (one.pid for one in processes if "supervisord" in " ".join(one.cmdline()))
    return {one.pid for one in processes if one.ppid() == supervisor}


def _airflow(stack: local.Stack) -> AirflowRest:
    return AirflowRest(str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password)


def _schedulers(stack: local.Stack) -> list[psutil.Process]:
    found = []
    for process in members(stack.dir):
        with suppress(psutil.Error):
            if " airflow scheduler " in " ".join(process.cmdline()):
                found.append(process)
    return found


def _lake(stack: local.Stack) -> Any:
    from filmpulse.config import Settings
    from filmpulse.jobs import lake_options

    options = lake_options(Settings.from_env(stack.env))
    return fsspec.filesystem("s3", skip_instance_cache=True, **options)


def _stranger_on(url: str | None) -> socket.socket:
    """Listen where one of the parts did."""
    # create_server reuses an address in TIME_WAIT, as servers do.
    return socket.create_server(("127.0.0.1", urlsplit(str(url)).port))


def test_all_parts_work(instance: local.Stack, root: Path) -> None:
    parts = local.status(NAME, root)
    assert len(parts) == (7 if HAS_SUPERSET else 6)
    wait_until(lambda: all(part.healthy for part in local.status(NAME, root)))


@pytest.mark.skipif(not HAS_SUPERSET, reason="Superset is not installed")
def test_superset_runs_what_is_checked_out(instance: local.Stack) -> None:
    assert has_dashboards_of_now(instance.dir)
    assert httpx.get(f"{instance.urls['superset']}/login/", timeout=60).status_code == 200
    with pytest.raises(httpx.HTTPStatusError):
        httpx.get(f"{instance.urls['superset']}/api/v1/dashboard/", timeout=60).raise_for_status()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux tells")
def test_no_part_knows_anothers_secrets(instance: local.Stack, root: Path) -> None:
    install = Install.load(Instance.at(NAME, root))
    assert install is not None
    known: dict[str, set[str]] = {}
    for process in members(instance.dir):
        with suppress(psutil.Error, OSError):
            command = " ".join(process.cmdline())
            environment = Path(f"/proc/{process.pid}/environ").read_text()
            part = next((name for name in _COMMANDS if name in command), "others")
            held = known.setdefault(part, set())
            held |= {name for name, secret in install.secrets.items() if secret in environment}
            for name, secret in install.secrets.items():
                assert secret not in command, (name, command)
    assert known.keys() >= {"supervisord", "airflow", "weed"}
    assert not known["supervisord"] | known.get("others", set())
    assert known["weed"] == {"s3_internal"}  # it reads the S3 keys from a file
    # With this one a backup exports charts and dashboards.
    of_superset = {name for name in known["airflow"] if "superset" in name}
    assert of_superset == ({"superset_backup"} if HAS_SUPERSET else set())
    assert known["airflow"] >= {"warehouse", "airflow_db", "airflow_fernet"}
    if HAS_SUPERSET:
        assert known["gunicorn"] == {"superset_db", "superset_key", "reader"}


def test_airflow_runs_with_the_plugin(instance: local.Stack) -> None:
    """Its headers, its waits in the stack's own database, and the log-in that only looks."""
    url = str(instance.urls["airflow"])
    page = httpx.get(f"{url}/auth/login", timeout=60)
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert httpx.get(f"{url}/docs", timeout=60).status_code == 404
    wrong = {"username": "nobody", "password": "wrong"}
    tries = [httpx.post(f"{url}/auth/token", json=wrong, timeout=60).status_code for _ in range(11)]
    assert tries == [401] * 10 + [429]
    viewer = AirflowRest(url, "viewer", instance.viewer_password)
    assert viewer.call("GET", "/dags") is not None
    with pytest.raises(AirflowError, match="403"):
        viewer.set_variable("tracked_movies", "[]")
    assert instance.viewer_password in local.addresses(instance)


def test_the_memory_used_is_told(instance: local.Stack) -> None:
    used = memory(instance.dir)
    assert used.processes >= 6
    assert 2**28 < used.bytes < 2**33
    assert re.search(r"memory +\d\.\d GiB in \d+ processes", local.addresses(instance))


def _standing(instance: local.Stack) -> tuple[str, int, set[int]]:
    supervisor = int((instance.dir / "supervisord.pid").read_text())
    parts = {part.pid for part in psutil.Process(supervisor).children()}
    return (instance.dir / "install.json").read_text(), supervisor, parts


def test_a_second_start_changes_nothing(instance: local.Stack, root: Path) -> None:
    before = _standing(instance)
    assert local.up(NAME, root) == instance
    assert _standing(instance) == before


def test_a_part_too_busy_to_answer_is_waited_for(instance: local.Stack, root: Path) -> None:
    before = _standing(instance)
    store = next(process for process in members(instance.dir) if process.name() == "weed")
    store.suspend()
    resumed = threading.Timer(12, store.resume)  # longer than one question is waited for
    resumed.start()
    try:
        assert local.up(NAME, root) == instance
    finally:
        resumed.cancel()
        store.resume()
    assert _standing(instance) == before


def test_everything_listens_on_loopback_alone(instance: local.Stack) -> None:
    listening = []
    for process in members(instance.dir):
        with suppress(psutil.NoSuchProcess):  # a task that ended meanwhile
            listening += [
                connection.laddr
                for connection in process.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            ]
    assert len({address.port for address in listening}) >= 5
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_nothing_is_left_of_older_versions(instance: local.Stack) -> None:
    assert not (instance.dir / "s3.json").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_postgres_has_no_capability_and_its_owner_no_rights(instance: local.Stack) -> None:
    held = set()
    for process in members(instance.dir):
        with suppress(psutil.Error, OSError):  # it ended meanwhile
            if process.name() == "postgres":
                status = Path(f"/proc/{process.pid}/status").read_text()
                held |= set(re.findall(r"CapEff:\t(\w+)", status))
    assert held == {"0" * 16}
    with psycopg.connect(instance.env["FILMPULSE_WAREHOUSE_URL"]) as connection:
        rights = connection.execute(
            "SELECT rolcreaterole, rolsuper, (SELECT count(*) FROM pg_auth_members WHERE member = "
            "r.oid) FROM pg_roles r WHERE rolname IN ('filmpulse', 'filmpulse_reader')"
        ).fetchall()
    assert rights == [(False, False, 0)] * 2


def test_a_shell_works_with_it(instance: local.Stack) -> None:
    script = f"""
        source '{instance.dir}/env.sh'
        psql -Atc "SELECT current_user, to_regclass('core.reviews')"
        airflow pools get browser --output plain
        filmpulse movies list
    """
    done = subprocess.run(
        ["bash", "-ec", script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(instance.dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "filmpulse|core.reviews" in done.stdout
    assert "browser" in done.stdout
    assert "No movie is tracked yet" in done.stdout


def test_a_part_that_crashes_comes_back(instance: local.Stack, root: Path) -> None:
    [before] = _schedulers(instance)
    before.kill()
    deadline = time.monotonic() + 90
    while True:
        now = _schedulers(instance)  # first: what is said of its health is then said of it
        parts = {part.title: part for part in local.status(NAME, root)}
        if parts["Airflow's scheduler"].healthy and now and now != [before]:
            break
        assert time.monotonic() < deadline, parts
        time.sleep(1)


def _cut(stack: local.Stack) -> None:
    """Kill all of an instance at once."""
    for process in members(stack.dir):
        with suppress(psutil.NoSuchProcess):  # a task that ended meanwhile
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(members(stack.dir), timeout=10)


@pytest.mark.drill
@pytest.mark.parametrize("cuts", [1, 3])
def test_the_next_start_repairs_a_power_cut(instance: local.Stack, root: Path, cuts: int) -> None:
    instance = local.read_stack(root / NAME)  # an earlier cut moved its ports
    _airflow(instance).set_variable("kept", "yes")
    warehouse = instance.env["FILMPULSE_WAREHOUSE_URL"]
    with psycopg.connect(warehouse) as connection:
        connection.execute("DROP TABLE IF EXISTS public.kept")
        connection.execute("CREATE TABLE public.kept AS SELECT 42 AS answer")
    content = secrets.token_bytes(100_000)
    _lake(instance).pipe_file("filmpulse/lake/kept", content)
    for _ in range(cuts - 1):
        _cut(instance)
        instance = local.up(NAME, root)
    _cut(instance)
    # What a cut leaves behind: pid files (Postgres's among them), half-written files, and ports
    # that somebody else has by now.
    assert (instance.dir / "postgres" / "postmaster.pid").exists()
    (instance.dir / "stack.json").write_text('{"na')
    (instance.dir / "supervisord.pid").write_text(str(os.getpid()))
    with _stranger_on(instance.urls["postgres"]), _stranger_on(instance.urls["s3"]):
        repaired = local.up(NAME, root)
    assert repaired.urls["airflow"] == instance.urls["airflow"]
    assert repaired.urls["postgres"] != instance.urls["postgres"]
    assert repaired.urls["s3"] != instance.urls["s3"]
    assert local.read_stack(root / NAME) == repaired
    with psycopg.connect(repaired.env["FILMPULSE_WAREHOUSE_URL"]) as connection:
        assert connection.execute("SELECT answer FROM public.kept").fetchone() == (42,)
    assert _lake(repaired).cat_file("filmpulse/lake/kept") == content
    airflow = _airflow(repaired)
    assert airflow.variable("kept") == "yes"
    [warehouse_connection] = [
        each
        for each in airflow.call("GET", "/connections")["connections"]
        if each["connection_id"] == "filmpulse_warehouse"
    ]
    assert f":{warehouse_connection['port']}/" in str(repaired.urls["postgres"])


def _refuses_to_leave_the_lake(root: Path, **to: list[str]) -> None:
    with pytest.raises(BadInput, match=r"lake of test-crash lies in its S3 server.*left behind"):
        local.up(NAME, root, **to)


def test_a_lake_that_holds_something_is_not_left_behind(instance: local.Stack, root: Path) -> None:
    _lake(instance).pipe_file("filmpulse/lake/kept", b"1")
    before = _parts(instance)
    _refuses_to_leave_the_lake(root, without=["s3"])
    assert before
    assert before <= _pids(instance)
    wait_until(lambda: local.status(NAME, root)[1].healthy)


@pytest.mark.drill
def test_new_secrets_open_what_the_old_ones_no_longer_do(instance: local.Stack, root: Path) -> None:
    instance = local.read_stack(root / NAME)  # a power cut moved its ports
    _lake(instance).pipe_file("filmpulse/lake/kept", b"1")
    new = local.rotate(NAME, root)
    port, warehouse = urlsplit(str(new.urls["postgres"])).port, "FILMPULSE_WAREHOUSE_URL"
    old_password = urlsplit(instance.env[warehouse]).password
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"postgresql://filmpulse:{old_password}@127.0.0.1:{port}/filmpulse")
    with psycopg.connect(new.env[warehouse]) as connection:
        assert connection.execute("SELECT count(*) FROM core.movies").fetchone() == (0,)
    assert _lake(new).cat_file("filmpulse/lake/kept") == b"1"
    old_keys = {key: v for key, v in instance.env.items() if key.startswith("FILMPULSE_LAKE_")}
    old_keys["FILMPULSE_LAKE_ENDPOINT_URL"] = new.env["FILMPULSE_LAKE_ENDPOINT_URL"]
    with pytest.raises(PermissionError):
        _lake(replace(new, env=new.env | old_keys)).cat_file("filmpulse/lake/kept")
    assert _airflow(new).variable("tracked_movies") == "[]"
    with pytest.raises(AirflowError, match="refused the log-in"):
        _airflow(replace(new, airflow_password=instance.airflow_password)).variable("x")


def test_down_leaves_no_process(instance: local.Stack, root: Path) -> None:
    # As a browser would, whose task was killed: in a session of its own, child of nobody.
    stray = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(15, 1); time.sleep(600)"],
        env={**os.environ, MARK: str(instance.dir)},
        start_new_session=True,
    )
    assert stray.pid in _pids(instance)
    local.down(NAME, root)
    stray.wait(10)
    assert members(instance.dir) == []
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(instance.dir) in " ".join(process.info["cmdline"] or [])
    ]
    assert all(part.state == "DOWN" for part in local.status(NAME, root))
    local.down(NAME, root)
    _refuses_to_leave_the_lake(root, without=["s3"])  # it has to ask the store first
    assert members(instance.dir) == []


def test_a_small_machine_does_without(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "test-small"
    try:
        small = local.up(name, root, without=["superset", "s3"])
        assert (small.urls["superset"], small.urls["s3"]) == (None, None)
        assert local.up(name, root) == small, "it is remembered"
        parts = local.status(name, root)
        assert len(parts) == 5
        wait_until(lambda: all(part.healthy for part in local.status(name, root)))
        connections = _airflow(small).call("GET", "/connections")["connections"]
        assert [each["connection_id"] for each in connections] == ["filmpulse_warehouse"]
        for key, value in small.env.items():
            monkeypatch.setenv(key, value)
        assert doctor._lake().endswith("/lake: write, read, list, delete; no collection yet")
        assert doctor._dashboards() == "left out: WITHOUT says so"
        (small.dir / "lake" / "kept").write_bytes(b"1")
        with pytest.raises(BadInput, match="lies in its directory"):
            local.up(name, root, without=["superset"])
        with pytest.raises(BadInput, match="'airflow'"):
            local.up(name, root, without=["airflow"])
        wait_until(lambda: all(part.healthy for part in local.status(name, root)))
    finally:
        local.down(name, root)


def test_a_persons_shell_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    (directory / "postgres").mkdir(parents=True)
    shell = subprocess.Popen(
        ["sleep", "600"],
        cwd=directory / "postgres",
        env={**os.environ, "FILMPULSE_INSTANCE": "demo", "AIRFLOW_HOME": str(directory)},
    )
    try:
        assert end_all(directory) == 0
        assert shell.poll() is None
    finally:
        shell.kill()
        shell.wait()


def test_down_ends_what_outlived_its_directory(tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    orphan = subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: str(directory)})
    assert local.down("gone", tmp_path) == 1
    orphan.wait(10)
    assert not directory.exists()


def test_instances_lie_in_the_checkout_unless_told() -> None:
    assert (DEFAULT_ROOT.parent / "pyproject.toml").is_file()
