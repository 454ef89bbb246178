"""Starting, watching and stopping an instance."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx
from rich.markup import escape

from filmpulse.errors import BadInput
from filmpulse.local import postgres, processes, superset
from filmpulse.local.files import CHECKOUT, last_lines, locked, write_private
from filmpulse.local.instance import (
    ADMIN,
    MARK,
    OPTIONAL,
    VIEWER,
    Install,
    Instance,
    Stack,
    shared_env,
    stack_of,
)
from filmpulse.local.object_store import PATIENCE, PORTS, UMASK, ObjectStore, remove_sockets
from filmpulse.local.ports import HOST
from filmpulse.local.progress import Progress
from filmpulse.local.supervisor import Program, StackError, Supervisor

DEFAULT_ROOT = CHECKOUT / "var"
IN_USE = "another command is starting, stopping or filling this instance: waiting until it is done"
BUCKET = "filmpulse"
BUSY = 30  # seconds in which a part that runs may be too busy to answer
WORKS = "WORKS"
GIVEN_UP = ("FATAL", "EXITED", "gone")
SITE_TOKEN = "FILMPULSE_SAMPLE_SITE_TOKEN"  # noqa: S105


@dataclass(frozen=True)
class Part:
    """One part of a stack: how it runs and how one knows that it works.

    Attributes:
        title: What a person calls it.
        is_healthy: Whether it works now; given when its process was started (epoch seconds).
        wait: Seconds that it may take to become healthy.
    """

    title: str
    program: Program
    is_healthy: Callable[[float], bool]
    wait: float = 180  # the first start on a slow, busy machine


@dataclass(frozen=True)
class PartStatus:
    """How one part is: `state` in supervisord's words (RUNNING, FATAL...), or `DOWN`."""

    title: str
    state: str
    healthy: bool
    log: Path


def up(
    name: str,
    root: Path = DEFAULT_ROOT,
    *,
    sample_site: bool | None = None,
    without: Iterable[str] | None = None,
    meanwhile: Callable[[Stack], None] | None = None,
    progress: Progress | None = None,
    env: Mapping[str, str] | None = None,
) -> Stack:
    """Start an instance, or see that it runs; whatever state the last stop left it in.

    Repeatable and safe to call twice at once. A stack that runs and works is left alone, unless
    its settings changed.

    Args:
        name: A word such as `demo`.
        root: Directory that holds the instances.
        sample_site: Run the sample site too, and read it in place of a live one; None leaves it
            as it was, which is off for a new instance.
        without: The parts of `instance.OPTIONAL` to leave out; None leaves it as it was, which is
            none for a new instance.
        meanwhile: Called as soon as Airflow works; Superset takes some seconds more.
        progress: Where to tell what is being waited for.
        env: The caller's environment; this process's when not given.

    Raises:
        BadInput: A setting or the installation's own files cannot be used, or a lake that is not
            empty would be left behind.
        StackError: A part did not start; the end of its log is in the message.
        PostgresError: There is no Postgres, or it cannot make its data directory.
    """
    progress = progress or Progress()
    env = os.environ if env is None else env
    instance = Instance.at(name, root)
    instance.make()
    with locked(instance.dir / "lock", lambda: progress.say(IN_USE)):
        install = Install.load(instance) or Install.new()
        if sample_site is not None:
            install.sample_site = sample_site
        install.take_settings(env, instance)
        if without is not None:
            _leave_out(without, instance, install)
        if (running := _Running.find(instance, install)) is not None:
            if running.is_whole():
                if meanwhile is not None:
                    meanwhile(running.stack)
                running.renew_dashboards(env, progress)
                return running.stack
            progress.say("settings or code changed, or a part is down: starting anew")
        return _start(instance, install, env, progress, meanwhile)


def down(name: str, root: Path = DEFAULT_ROOT, progress: Progress | None = None) -> int:
    """Stop an instance and end whatever is left of it, browsers included.

    Args:
        name: A word such as `demo`.
        root: Directory that holds the instances.
        progress: Where to tell what is being waited for.

    Returns:
        How many processes had to be ended one by one; those that the supervisor stopped in
        good order do not count.
    """
    instance = Instance.at(name, root)
    if not instance.dir.is_dir():  # somebody removed it while it ran; the mark still names it
        return processes.end_all(instance.dir)
    told = progress or Progress()
    with locked(instance.dir / "lock", lambda: told.say(IN_USE)):
        try:
            install = Install.load(instance)
        except BadInput:
            install = (
                None  # its processes are known by their mark; no password is needed to end them
            )
        return _stop(instance, install)


def status(name: str, root: Path = DEFAULT_ROOT) -> list[PartStatus]:
    """Say how each part of an instance is; empty when it was never started.

    Raises:
        BadInput: The installation's own files cannot be used.
    """
    instance = Instance.at(name, root)
    install = Install.load(instance) if instance.dir.is_dir() else None
    if install is None:
        return []
    running = _Running(instance, install)
    states = running.supervisor.states() or {}
    return [
        PartStatus(
            part.title,
            state := states.get(part.program.name, {}).get("statename", "DOWN"),
            state == "RUNNING" and part.is_healthy(states[part.program.name]["start"]),
            instance.log_dir / f"{part.program.name}.log",
        )
        for part in running.parts
    ]


def read_stack(directory: Path) -> Stack:
    """Read an instance's addresses, log-in and environment from its directory.

    Raises:
        BadInput: Nothing was ever started there.
    """
    instance, install = _installed(directory)
    stack = stack_of(instance, install)
    if stack.superset_env and "superset" not in install.done:
        # An instance of before there was Superset: its log-ins are not made yet.
        why = stack.left_out | {"superset": "it was never started: `make up`"}
        return replace(
            stack,
            urls=stack.urls | {"superset": None},
            superset_env={},
            superset_passwords={},
            left_out=why,
        )
    return stack


def has_dashboards_of_now(directory: Path) -> bool:
    """Say whether an instance's Superset was prepared with what is checked out.

    Raises:
        BadInput: Nothing was ever started there.
    """
    return _Running(*_installed(directory)).has_dashboards_of_now()


def sync_dashboards(name: str, root: Path = DEFAULT_ROOT) -> str:
    """Bring a running instance's Superset to what is checked out; return what was changed.

    Does so even when it was done before: people may have changed dashboards since.

    Raises:
        BadInput: Nothing was ever started there, there is no Superset, or it does not run.
        StackError: The dashboards could not be brought in; none was changed.
    """
    directory = Instance.at(name, root).dir
    _installed(directory)  # else there is no place for the lock
    with locked(directory / "lock"):
        return _Running(*_installed(directory)).sync_dashboards(os.environ)


def wanted(name: str, root: Path, without: Iterable[str] | None) -> list[str]:
    """Name the parts of `instance.OPTIONAL` that `up` would want, installed or not.

    Raises:
        BadInput: The installation's own files, or a word of `without`, cannot be used.
    """
    instance = Instance.at(name, root)
    install = (Install.load(instance) if instance.dir.is_dir() else None) or Install.new()
    if without is not None:
        install.leave_out(without)
    return [part for part in OPTIONAL if part not in install.without]


def _installed(directory: Path) -> tuple[Instance, Install]:
    instance = Instance.at(directory.name, directory.parent)
    install = Install.load(instance)
    if install is None or not install.ports:
        raise BadInput(f"There is no instance in {directory}: start one with `make up`.")
    return instance, install


def _leave_out(without: Iterable[str], instance: Instance, install: Install) -> None:
    """Take note of what is to be left out, unless that would leave a lake behind."""
    before = list(install.without)
    install.leave_out(without)
    asked = install.without
    if ("s3" in before) == ("s3" in asked):
        return
    install.without = before
    if "s3" in before:
        held, where = any(path.is_file() for path in instance.lake.rglob("*")), "directory `lake`"
    else:
        held, where = _store_holds_objects(instance, install), "S3 server"
    if held:
        raise BadInput(
            f"The lake of {instance.name} lies in its {where} and is not empty: it would be left "
            f'behind. Go on as before, with WITHOUT="{" ".join(before)}", or remove '
            f"{instance.dir} to start anew."
        )
    install.without = asked


def _store_holds_objects(instance: Instance, install: Install) -> bool:
    if not any((instance.dir / "s3").iterdir()):
        return False  # it never ran
    store = _store(instance, install) if install.ports else None
    if store is not None and store.is_ready():
        return store.holds_objects(BUCKET)
    _stop(instance, install)  # half of it may run; the start to come begins so too
    install.choose_ports()
    store = _store(instance, install)
    with store.running(instance.log_dir / "s3.log", {MARK: str(instance.dir)}):
        return store.holds_objects(BUCKET)


class _Running:
    """An installed instance whose ports are chosen: its parts and their supervisor."""

    def __init__(self, instance: Instance, install: Install) -> None:
        self.instance, self.install = instance, install
        self.stack = stack_of(instance, install)
        self.postgres = postgres.Server(
            instance.dir / "postgres", install.ports["postgres"], install.secrets["postgres"]
        )
        self.store = None if "s3" in self.stack.left_out else _store(instance, install)
        python = superset.python()
        self.superset = (
            None
            if "superset" in self.stack.left_out or python is None
            else superset.Superset(python, install.ports["superset"])
        )
        self.supervisor = Supervisor(
            instance.dir,
            instance.log_dir,
            install.ports["supervisor"],
            install.secrets["supervisor"],
        )
        self.parts = self._parts()
        self._noting = threading.Lock()

    @classmethod
    def find(cls, instance: Instance, install: Install) -> _Running | None:
        """Return the instance if its supervisor answers."""
        if not install.ports:
            return None
        running = cls(instance, install)
        return running if running.supervisor.states() is not None else None

    def _parts(self) -> list[Part]:
        parts = [
            Part(
                "Postgres",
                # Its own children are its own affair; INT is the fast shutdown.
                Program(
                    *("postgres", "postgres", self.postgres.command(), "INT", False, 30),
                    directory=Path("/"),
                ),
                lambda _: self.postgres.is_ready(),
            )
        ]
        if (store := self.store) is not None:
            parts.append(
                Part(
                    "S3 (SeaweedFS)",
                    Program(
                        *("s3", "s3", store.command()),
                        patience=PATIENCE,
                        env=store.env(),
                        directory=store.config,
                        umask=UMASK,
                    ),
                    lambda _: store.is_ready(),
                )
            )
        parts += [*self._sample_site(), *self._airflow()]
        if self.superset is not None:
            health = f"{self.stack.urls['superset']}/health"
            program = Program(
                *("superset", "superset", self.superset.command()), env=self.stack.superset_env
            )
            parts.append(Part("Superset", program, lambda _: _get(health) is not None))
        return parts

    def _sample_site(self) -> Iterator[Part]:
        site = self.stack.urls["sample_site"]
        if site is None:
            return
        where = ["--host", HOST, "--port", str(self.install.ports["sample_site"])]
        state = ["--state", str(self.instance.dir / "sample-site")]
        program = Program(
            "sample-site",
            "sample-site",
            [sys.executable, "-m", "filmpulse.sample_site", *where, *state],
            env={SITE_TOKEN: self.stack.env[SITE_TOKEN]},
        )
        yield Part("sample site", program, lambda _: _get(f"{site}/healthz") is not None)

    def _airflow(self) -> Iterator[Part]:
        python = sys.executable
        airflow = [python, "-m", "airflow"]
        ready = ["filmpulse.preload", "airflow"]  # its forks import nothing of ours again
        bound = [python, "-m", "filmpulse.parent", *ready]  # its workers end with it
        for name, words, key in (
            ("api-server", [*airflow, "api-server"], "metadatabase"),
            ("scheduler", [*bound, "scheduler", "--skip-serve-logs"], "scheduler"),
            ("dag-processor", [python, "-m", *ready, "dag-processor"], "dag_processor"),
            ("triggerer", [*airflow, "triggerer", "--skip-serve-logs"], "triggerer"),
        ):
            yield Part(
                f"Airflow's {name}",
                Program(name, "airflow", words, env=self.stack.env),
                functools.partial(self._airflow_part_is_healthy, key),
            )

    def _airflow_part_is_healthy(self, key: str, since: float) -> bool:
        answer = _get(f"{self.stack.urls['airflow']}/api/v2/monitor/health")
        if answer is None or (health := answer.json())[key]["status"] != "healthy":
            return False
        beat = health[key].get(f"latest_{key}_heartbeat")
        # A heartbeat of the process before this one still counts as healthy for 30 seconds.
        return key == "metadatabase" or (
            beat is not None and datetime.fromisoformat(beat).timestamp() >= since
        )

    def is_whole(self) -> bool:
        """Say whether every part works, and runs with the settings of now."""
        if self.install.done.get("start") != self._fingerprint():
            return False
        deadline = time.monotonic() + BUSY
        return all(self._state_at(part, deadline) == WORKS for part in self.parts)

    def _fingerprint(self) -> str:
        made_of = [
            self.stack.env,
            self.stack.superset_env,
            superset.fingerprint(*superset.SERVED) if self.superset is not None else None,
            [(part.program.name, *part.program.command) for part in self.parts],
            importlib.metadata.version("apache-airflow-core"),
            _code(),
        ]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def start(
        self,
        env: Mapping[str, str],
        progress: Progress,
        meanwhile: Callable[[Stack], None] | None,
    ) -> None:
        """Start everything, and call `meanwhile` when Airflow works.

        Nothing of the instance may be running.
        """
        part = {part.program.name: part for part in self.parts}
        shared = shared_env(self.stack, env)
        ours = shared | self.stack.env
        write_private(
            self.instance.passwords_file,
            json.dumps({ADMIN: self.stack.airflow_password, VIEWER: self.stack.viewer_password})
            + "\n",
        )
        self._start_stores(part, shared, progress)
        with ThreadPoolExecutor(max_workers=1) as aside:
            # Superset and Airflow do not need one another, and each keeps a core busy.
            warning: str | None = None
            superset_runs = aside.submit(self._run_superset, part.get("superset"), shared)
            self._start_airflow(part, ours, progress)
            try:
                if meanwhile is not None:
                    meanwhile(self.stack)
            finally:  # what failed there is no part's fault: the next start need not repeat this
                if "superset" in part:
                    with progress.step(part["superset"].title):
                        warning = superset_runs.result()
                        self._wait(part["superset"])
                self._note("start", self._fingerprint())
        if warning:
            _warn(progress, warning)

    def _start_stores(
        self, part: Mapping[str, Part], shared: Mapping[str, str], progress: Progress
    ) -> None:
        """Start the supervisor, Postgres with its roles, the S3 server and the sample site."""
        if self.store is not None:
            self.store.prepare()
        with progress.step("Postgres"):
            self.postgres.prepare()
            self.supervisor.start([each.program for each in self.parts], shared)
            self._run(part.get("s3"), part.get("sample-site"), part["postgres"])
            self._wait(part["postgres"])
            self._make_roles()
        for name in ("s3", "sample-site"):
            if name in part:
                with progress.step(part[name].title):
                    self._wait(part[name])
        if self.store is not None:
            self.store.add_bucket(BUCKET)

    def _start_airflow(
        self, part: Mapping[str, Part], env: Mapping[str, str], progress: Progress
    ) -> None:
        """Migrate Airflow's tables, set up the warehouse, start Airflow's parts."""
        self._migrate_airflow(env, progress)
        # The server needs seconds to come up: meanwhile the warehouse is set up.
        self._run(part["api-server"])
        self._set_up(env, progress)
        components = [part[name] for name in ("scheduler", "dag-processor", "triggerer")]
        self._run(*components)
        for each in (part["api-server"], *components):
            with progress.step(each.title):
                self._wait(each)

    def _make_roles(self) -> None:
        """Make each part's role and database, and take away every right that it needs not."""
        secret, server = self.install.secrets, self.postgres
        for database in ("postgres", "template1"):  # each is open to every role at first
            server.close_database(database)
        server.add_owner("filmpulse", secret["warehouse"])
        server.add_reader(secret["reader"], "filmpulse")
        server.add_owner("airflow", secret["airflow_db"])
        if self.superset is not None:
            server.add_owner("superset", secret["superset_db"])

    def _note(self, step: str, made_of: str) -> None:
        """Write down what a step was done for; from any thread."""
        with self._noting:
            self.install.done[step] = made_of
            self.install.save(self.instance)

    def _run_superset(self, part: Part | None, shared: Mapping[str, str]) -> str | None:
        """Prepare and start it; return what to warn of."""
        if part is None or self.superset is None:
            return None
        warning = None
        if not self.has_dashboards_of_now():
            warning = self._prepare(self.superset, shared)[1]
        self._run(part)
        return warning

    def renew_dashboards(self, env: Mapping[str, str], progress: Progress) -> None:
        """Bring a running Superset to what is checked out, if that changed."""
        if self.superset is not None and not self.has_dashboards_of_now():
            with progress.step("Superset's dashboards"):
                warning = self._prepare(self.superset, shared_env(self.stack, env))[1]
            if warning:
                _warn(progress, warning)

    def sync_dashboards(self, env: Mapping[str, str]) -> str:
        """Bring a running Superset to what is checked out; return what was changed.

        Raises:
            BadInput: There is no Superset here, or it does not run.
            StackError: The dashboards could not be brought in; none was changed.
        """
        name = self.instance.name
        if self.superset is None:
            raise BadInput(f"{name} has no Superset: {self.stack.left_out['superset']}")
        if (self.supervisor.states() or {}).get("superset", {}).get("statename") != "RUNNING":
            raise BadInput(f"Superset of {name} does not run: start it first")
        said, warning = self._prepare(self.superset, shared_env(self.stack, env))
        if warning:
            raise StackError(warning)
        return said

    def has_dashboards_of_now(self) -> bool:
        """Say whether Superset was prepared with what is checked out."""
        return self.install.done.get("superset") == self._prepared_for()

    def _prepared_for(self) -> str:
        """Return a hash over what `prepare.py` makes Superset of."""
        made_of = [
            self.stack.superset_env,
            self.stack.superset_passwords,
            superset.fingerprint(*superset.PREPARED),
        ]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def _prepare(
        self, program: superset.Superset, shared: Mapping[str, str]
    ) -> tuple[str, str | None]:
        """Make Superset's tables, log-ins and dashboards.

        Returns:
            What became of the dashboards; and the same as a warning if they could not be brought
            in, which the next start tries again.
        """
        made_of = self._prepared_for()
        passwords = {
            f"SUPERSET_{user.upper()}_PASSWORD": password
            for user, password in self.stack.superset_passwords.items()
        }
        env = {**shared, **self.stack.superset_env, **passwords}
        name, command = "superset-prepare", program.prepare_command()
        code = self._command(name, command, env, bearable=superset.UNSYNCED)
        self._note("superset", made_of if code == 0 else "")
        log = (self.instance.log_dir / f"{name}.log").read_text("utf-8", "replace")
        said = log.rpartition("\n\n")[2].strip()
        return said, said if code else None

    def _run(self, *parts: Part | None) -> None:
        for part in parts:
            if part is not None:
                self.supervisor.run(part.program.group, part.program.name)

    def _state_at(self, part: Part, deadline: float) -> str:
        """Wait for a part until it works, is given up or the deadline has passed.

        Returns:
            `WORKS`, or the supervisor's word for the part's state.
        """
        while True:
            info = (self.supervisor.states() or {}).get(part.program.name, {})
            state = str(info.get("statename", "gone"))
            if state == "RUNNING" and part.is_healthy(info["start"]):
                return WORKS
            if state in GIVEN_UP or time.monotonic() > deadline:
                return state
            time.sleep(0.1)

    def _wait(self, part: Part) -> None:
        state = self._state_at(part, time.monotonic() + part.wait)
        if state != WORKS:
            log = self.instance.log_dir / f"{part.program.name}.log"
            why = "ended" if state in GIVEN_UP else f"was not ready after {part.wait:.0f} s"
            raise StackError(
                f"{part.title} {why} ({state}). The end of its log, {log}:\n{last_lines(log)}"
            )

    def _migrate_airflow(self, env: Mapping[str, str], progress: Progress) -> None:
        """Bring Airflow's own tables to its version; asking Airflow whether costs six seconds."""
        version = importlib.metadata.version("apache-airflow-core")
        if self.install.done.get("airflow") == f"{version} {self._airflow_revision()}":
            return
        with progress.step("Airflow's tables"):
            self._command(
                "airflow-migrate", [sys.executable, "-m", "airflow", "db", "migrate"], env
            )
        self._note("airflow", f"{version} {self._airflow_revision()}")

    def _airflow_revision(self) -> str | None:
        with self.postgres.connect("airflow") as connection:
            known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
            if known == (None,):
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return None if row is None else str(row[0])

    def _set_up(self, env: Mapping[str, str], progress: Progress) -> None:
        """Run `filmpulse setup`, unless it ran with this code, these settings and this data."""
        made_of = json.dumps([self.stack.env, _code()])
        made_of = hashlib.sha256(made_of.encode()).hexdigest()
        if self.install.done.get("setup") == made_of:
            return
        with progress.step("the warehouse's tables, roles, pools and connections"):
            self._command("setup", [str(Path(sys.executable).with_name("filmpulse")), "setup"], env)
        self._note("setup", made_of)

    def _command(
        self, name: str, command: Sequence[str], env: Mapping[str, str], *, bearable: int = 0
    ) -> int:
        """Run one to its end, what it says into a log; return its exit code, 0 or `bearable`."""
        log = self.instance.log_dir / f"{name}.log"
        with log.open("wb") as file:
            done = subprocess.run(
                command,
                env=env,
                cwd=self.instance.dir,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode not in (0, bearable):
            raise StackError(
                f"`{' '.join([Path(command[0]).name, *command[1:]])}` failed. "
                f"The end of its log, {log}:\n{last_lines(log)}"
            )
        return done.returncode


def _warn(progress: Progress, warning: str) -> None:
    progress.say(f"[yellow]![/yellow] {escape(warning)}")


def _start(
    instance: Instance,
    install: Install,
    env: Mapping[str, str],
    progress: Progress,
    meanwhile: Callable[[Stack], None] | None,
) -> Stack:
    _stop(instance, install)
    install.choose_ports()
    (instance.dir / "s3.json").unlink(missing_ok=True)  # where older versions kept the S3 keys
    # A start that fails half-way must not be taken for a whole one.
    install.done.pop("start", None)
    install.save(instance)
    running = _Running(instance, install)
    running.stack.write()
    running.start(env, progress, meanwhile)
    return running.stack


def _stop(instance: Instance, install: Install | None) -> int:
    """Stop what the supervisor knows in good order, and then whatever is left."""
    if install is not None and install.ports:
        running = _Running(instance, install)
        pid = running.supervisor.pid() if running.supervisor.states() is not None else None
        if pid is not None:
            running.supervisor.shut_down()
            processes.wait_for_end(pid, patience=60)
    ended = processes.end_all(instance.dir)
    if install is not None and install.ports:
        remove_sockets(install.ports.values())
    return ended


def _store(instance: Instance, install: Install) -> ObjectStore:
    return ObjectStore(
        data=instance.dir / "s3",
        config=instance.dir / "s3-config",
        ports={name: install.ports[name] for name in PORTS},
        key=install.secrets["s3_key"],
        secret=install.secrets["s3_secret"],
        internal_secret=install.secrets["s3_internal"],
    )


def _code() -> str:
    """Return a hash of our own code: the parts that live long must run what is checked out."""
    made_of = hashlib.sha256()
    for folder in ("include/filmpulse", "plugins"):
        for path in sorted((CHECKOUT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                made_of.update(path.read_bytes())
    return made_of.hexdigest()


def _get(url: str) -> httpx.Response | None:
    """Return what an address answers; None when that is not 200."""
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return None
    return answer if answer.status_code == 200 else None
