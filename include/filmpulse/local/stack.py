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
from filmpulse.local.files import CHECKOUT, fingerprint, last_lines, locked, write_private
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
from filmpulse.local.progress import SILENT, Progress
from filmpulse.local.supervisor import Program, StackError, Supervisor
from filmpulse.warehouse.tables import SCRATCH

DEFAULT_ROOT = CHECKOUT / "var"
IN_USE = "another command is starting, stopping or filling this instance: waiting until it is done"
BUCKET = "filmpulse"
PATIENT = 180  # seconds that a part may take to start, on a slow and busy machine
BUSY = 30  # seconds in which a part that runs may be too busy to answer
WORKS = "WORKS"
GIVEN_UP = ("FATAL", "EXITED", "gone")
SITE_TOKEN = "FILMPULSE_SAMPLE_SITE_TOKEN"  # noqa: S105


@dataclass(frozen=True)
class Part:
    """One part of a stack."""

    title: str  # its name for people
    program: Program
    is_healthy: Callable[[float], bool]  # takes the start of its process (epoch seconds)


@dataclass(frozen=True)
class PartStatus:
    """The state of one part, in supervisord's words (RUNNING, FATAL...) or `DOWN`."""

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
    meanwhile: Callable[[Stack], None] = lambda _: None,
    progress: Progress = SILENT,
    env: Mapping[str, str] = os.environ,
) -> Stack:
    """Start an instance, in whatever state it is; do nothing if it works with today's settings.

    Repeatable; two calls at once are safe.

    Args:
        name: A word such as `demo`.
        root: Directory that holds the instances.
        sample_site: Run the sample site, and read it in place of a live one; None leaves this as
            it was (off for a new instance).
        without: The parts of `instance.OPTIONAL` to leave out; None leaves this as it was (none for
            a new instance).
        meanwhile: Called as soon as Airflow works; Superset takes some seconds more.
        progress: Shows the steps.
        env: The caller's environment.

    Raises:
        BadInput: A setting or a file of the instance cannot be used, or a lake that is not empty
            would be left behind.
        StackError: A part did not start; the message holds the end of its log.
        PostgresError: There is no Postgres, or its data directory cannot be made.
    """
    instance = Instance.at(name, root)
    instance.make()
    with locked(instance.dir / "lock", lambda: progress.say(IN_USE)):
        install = Install.load(instance) or Install.new()
        if sample_site is not None:
            install.sample_site = sample_site
        install.take_settings(env, instance)
        if without is not None:
            _leave_out(without, instance, install)
        if install.ports and (running := _Running(instance, install)).supervisor.states():
            if running.is_whole():
                meanwhile(running.stack)
                running.renew_dashboards(env, progress)
                return running.stack
            progress.say("settings or code changed, or a part is down: starting anew")
        return _start(instance, install, env, progress, meanwhile)


def down(name: str, root: Path = DEFAULT_ROOT, progress: Progress = SILENT) -> int:
    """Stop an instance and end all processes that are left of it, browsers included.

    Returns:
        How many processes the supervisor did not stop, so that they were ended one by one.
    """
    instance = Instance.at(name, root)
    if not instance.dir.is_dir():  # somebody removed it while it ran; the mark still names it
        return processes.end_all(instance.dir)
    with locked(instance.dir / "lock", lambda: progress.say(IN_USE)):
        try:
            install = Install.load(instance)
        except BadInput:  # the mark is enough to end its processes
            install = None
        return _stop(instance, install)


def status(name: str, root: Path = DEFAULT_ROOT) -> list[PartStatus]:
    """Return the state of each part of an instance; empty when it was never started.

    Raises:
        BadInput: A file of the instance cannot be used.
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
        for part in running.parts.values()
    ]


def read_stack(directory: Path) -> Stack:
    """Return an instance's addresses, log-ins and environment.

    Raises:
        BadInput: There is no instance in the directory.
    """
    instance, install = _installed(directory)
    stack = stack_of(instance, install)
    if stack.superset_env and "superset" not in install.done:
        # The instance is older than its Superset, which has no log-ins yet.
        ours = {key: v for key, v in stack.env.items() if not key.startswith("FILMPULSE_SUPERSET_")}
        return replace(
            stack,
            env=ours,
            urls=stack.urls | {"superset": None},
            superset_env={},
            superset_passwords={},
            left_out=stack.left_out | {"superset": "it was never started: `make up`"},
        )
    return stack


def has_dashboards_of_now(directory: Path) -> bool:
    """Say whether an instance's Superset has the dashboards of this checkout.

    Raises:
        BadInput: There is no instance in the directory.
    """
    return _Running(*_installed(directory)).has_dashboards_of_now()


def sync_dashboards(name: str, root: Path = DEFAULT_ROOT) -> str:
    """Write this checkout's dashboards into a running Superset; return the list of changes.

    Does so even when it was done before: people may have changed dashboards since.

    Raises:
        BadInput: There is no such instance, it has no Superset, or its Superset does not run.
        StackError: The dashboards could not be written; none was changed.
    """
    directory = Instance.at(name, root).dir
    _installed(directory)  # raises before the lock makes a file
    with locked(directory / "lock"):
        return _Running(*_installed(directory)).sync_dashboards(os.environ)


def wanted(name: str, root: Path, without: Iterable[str] | None) -> list[str]:
    """Return the parts of `instance.OPTIONAL` that `up` would start, installed or not.

    Raises:
        BadInput: A file of the instance, or a word of `without`, cannot be used.
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
    """Note which parts to leave out.

    Raises:
        BadInput: The lake would move between directory and S3 server, and is not empty.
    """
    before = install.without
    install.leave_out(without)
    if ("s3" in before) == ("s3" in install.without):
        return
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


def _store_holds_objects(instance: Instance, install: Install) -> bool:
    """Say whether the S3 server's bucket is not empty; start the server if it does not run."""
    if not any((instance.dir / "s3").iterdir()):
        return False  # it never ran
    if install.ports and (store := _store(instance, install)).is_ready():
        return store.holds_objects(BUCKET)
    _stop(instance, install)  # some parts may run
    install.choose_ports()
    store = _store(instance, install)
    with store.running(instance.log_dir / "s3.log", {MARK: str(instance.dir)}):
        return store.holds_objects(BUCKET)


class _Running:
    """The parts of an instance, whose ports are chosen, and their supervisor."""

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
        self.supervisor = _supervisor(instance, install)
        self.parts = {part.program.name: part for part in self._parts()}
        self._noting = threading.Lock()

    def _parts(self) -> Iterator[Part]:
        """Yield the parts in the order in which they start."""
        yield Part(
            "Postgres",
            Program(
                # INT is the fast shutdown; Postgres stops its own children.
                *("postgres", "postgres", self.postgres.command(), "INT", False, 30),
                directory=Path("/"),
            ),
            lambda _: self.postgres.is_ready(),
        )
        if (store := self.store) is not None:
            program = Program(
                *("s3", "s3", store.command()),
                patience=PATIENCE,
                env=store.env(),
                directory=store.config,
                umask=UMASK,
            )
            yield Part("S3 (SeaweedFS)", program, lambda _: store.is_ready())
        if (site := self.stack.urls["sample_site"]) is not None:
            where = ["--host", HOST, "--port", str(self.install.ports["sample_site"])]
            state = ["--state", str(self.instance.dir / "sample-site")]
            program = Program(
                *("sample-site", "sample-site"),
                [sys.executable, "-m", "filmpulse.sample_site", *where, *state],
                env={SITE_TOKEN: self.stack.env[SITE_TOKEN]},
            )
            yield Part("sample site", program, lambda _: _get(f"{site}/healthz") is not None)
        yield from self._airflow()
        if self.superset is not None:
            health = f"{self.stack.urls['superset']}/health"
            program = Program(
                *("superset", "superset", self.superset.command()), env=self.stack.superset_env
            )
            yield Part("Superset", program, lambda _: _get(health) is not None)

    def _airflow(self) -> Iterator[Part]:
        python = sys.executable
        airflow = [python, "-m", "airflow"]
        ready = ["filmpulse.preload", "airflow"]  # its forks need no imports of their own
        bound = [python, "-m", "filmpulse.parent", *ready]  # its workers end with it
        # Of a proxy on this machine, which says that the visitor came by https, and from where.
        is_behind_tls = self.stack.public_urls.get("airflow", "").startswith("https:")
        trusting = ["--proxy-headers"] if is_behind_tls else []
        for name, words, key in (
            ("api-server", [*airflow, "api-server", *trusting], "metadatabase"),
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
        # For 30 seconds Airflow still counts the heartbeat of the process before this one.
        return key == "metadatabase" or (
            beat is not None and datetime.fromisoformat(beat).timestamp() >= since
        )

    def is_whole(self) -> bool:
        """Say whether every part works, with today's code and settings."""
        if self.install.done.get("start") != self._fingerprint():
            return False
        deadline = time.monotonic() + BUSY
        return all(self._state_at(part, deadline) == WORKS for part in self.parts.values())

    def _fingerprint(self) -> str:
        return _hash(
            self.stack.env,
            self.stack.superset_env,
            superset.fingerprint(*superset.SERVED) if self.superset is not None else None,
            [(name, *part.program.command) for name, part in self.parts.items()],
            importlib.metadata.version("apache-airflow-core"),
            _code(),
        )

    def start(
        self, env: Mapping[str, str], progress: Progress, meanwhile: Callable[[Stack], None]
    ) -> None:
        """Start everything, and call `meanwhile` when Airflow works.

        Nothing of the instance may be running.
        """
        shared = shared_env(self.stack, env)
        passwords = {ADMIN: self.stack.airflow_password, VIEWER: self.stack.viewer_password}
        write_private(self.instance.passwords_file, json.dumps(passwords) + "\n")
        self._start_stores(shared, progress)
        warning: str | None = None
        with ThreadPoolExecutor(max_workers=1) as aside:
            # Superset and Airflow do not need each other, and each keeps a core busy.
            superset_runs = aside.submit(self._run_superset, shared)
            self._start_airflow(shared | self.stack.env, progress)
            try:
                meanwhile(self.stack)
            finally:  # an error of `meanwhile` is no part's fault: the start counts as whole
                if (part := self.parts.get("superset")) is not None:
                    with progress.step(part.title):
                        warning = superset_runs.result()
                        self._wait(part)
                self._note("start", self._fingerprint())
        if warning:
            _warn(progress, warning)

    def _start_stores(self, shared: Mapping[str, str], progress: Progress) -> None:
        """Start the supervisor, Postgres with its roles, the S3 server and the sample site."""
        if self.store is not None:
            self.store.prepare()
        others = [self.parts[name] for name in ("s3", "sample-site") if name in self.parts]
        with progress.step("Postgres"):
            self.postgres.prepare()
            self.supervisor.start([part.program for part in self.parts.values()], shared)
            self._run(*others, self.parts["postgres"])
            self._wait(self.parts["postgres"])
            self._make_roles()
        for part in others:
            with progress.step(part.title):
                self._wait(part)
        if self.store is not None:
            self.store.add_bucket(BUCKET)

    def _start_airflow(self, env: Mapping[str, str], progress: Progress) -> None:
        """Migrate Airflow's tables, set up the warehouse, start Airflow's parts."""
        self._migrate_airflow(env, progress)
        # The server needs seconds to start: meanwhile set up the warehouse.
        self._run(self.parts["api-server"])
        self._set_up(env, progress)
        names = ("scheduler", "dag-processor", "triggerer")
        self._run(*(self.parts[name] for name in names))
        for name in ("api-server", *names):
            with progress.step(self.parts[name].title):
                self._wait(self.parts[name])

    def _make_roles(self) -> None:
        """Make each part's role and database, with no more rights than the part needs."""
        secret, server = self.install.secrets, self.postgres
        for database in ("postgres", "template1"):  # open to every role at first
            server.close_database(database)
        server.add_owner("filmpulse", secret["warehouse"])
        server.add_reader(secret["reader"], "filmpulse")
        server.add_database(f"filmpulse{SCRATCH}", "filmpulse")
        server.add_owner("airflow", secret["airflow_db"])
        if self.superset is not None:
            server.add_owner("superset", secret["superset_db"])

    def _note(self, step: str, made_of: str) -> None:
        """Store the hash of the inputs that a step was done for; from any thread."""
        with self._noting:
            self.install.done[step] = made_of
            self.install.save(self.instance)

    def _run_superset(self, shared: Mapping[str, str]) -> str | None:
        """Prepare and start Superset, if it is a part; return a warning or None."""
        if self.superset is None:
            return None
        warning = None
        if not self.has_dashboards_of_now():
            warning = self._prepare(self.superset, shared)[1]
        self._run(self.parts["superset"])
        return warning

    def renew_dashboards(self, env: Mapping[str, str], progress: Progress) -> None:
        """Write this checkout's dashboards into a running Superset, if they changed."""
        if self.superset is not None and not self.has_dashboards_of_now():
            with progress.step("Superset's dashboards"):
                warning = self._prepare(self.superset, shared_env(self.stack, env))[1]
            if warning:
                _warn(progress, warning)

    def sync_dashboards(self, env: Mapping[str, str]) -> str:
        """Write this checkout's dashboards into a running Superset; return the list of changes.

        Raises:
            BadInput: There is no Superset here, or it does not run.
            StackError: The dashboards could not be written; none was changed.
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
        """Say whether Superset has the dashboards of this checkout."""
        return self.install.done.get("superset") == self._prepared_for()

    def _prepared_for(self) -> str:
        """Return a hash of all inputs of `superset_tools.prepare`."""
        return _hash(
            self.stack.superset_env,
            self.stack.superset_passwords,
            superset.fingerprint(*superset.PREPARED),
        )

    def _prepare(
        self, program: superset.Superset, shared: Mapping[str, str]
    ) -> tuple[str, str | None]:
        """Make Superset's tables, log-ins and dashboards.

        Returns:
            The changes of the dashboards. And, if the dashboards could not be written, the reason
            as a warning; the next start tries again.
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

    def _run(self, *parts: Part) -> None:
        for part in parts:
            self.supervisor.run(part.program.group, part.program.name)

    def _state_at(self, part: Part, deadline: float) -> str:
        """Wait until a part works, the supervisor gave it up, or the deadline has passed.

        Returns:
            `WORKS`, or the part's state in the supervisor's words.
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
        state = self._state_at(part, time.monotonic() + PATIENT)
        if state != WORKS:
            log = self.instance.log_dir / f"{part.program.name}.log"
            why = "ended" if state in GIVEN_UP else f"was not ready after {PATIENT} s"
            raise StackError(
                f"{part.title} {why} ({state}). The end of its log, {log}:\n{last_lines(log)}"
            )

    def _migrate_airflow(self, env: Mapping[str, str], progress: Progress) -> None:
        """Migrate Airflow's own tables, if need be; to ask Airflow would take six seconds."""
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
        """Run `filmpulse setup`, unless it ran with this code and these settings."""
        made_of = _hash(self.stack.env, _code())
        if self.install.done.get("setup") == made_of:
            return
        with progress.step("the warehouse's tables, roles, pools and connections"):
            self._command("setup", [str(Path(sys.executable).with_name("filmpulse")), "setup"], env)
        self._note("setup", made_of)

    def _command(
        self, name: str, command: Sequence[str], env: Mapping[str, str], *, bearable: int = 0
    ) -> int:
        """Run a command, its output into a log; return its exit code, 0 or `bearable`.

        Raises:
            StackError: It ended with another code; the message holds the end of its log.
        """
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
    meanwhile: Callable[[Stack], None],
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
    """Have the supervisor stop its parts, then end what is left; return how many were left."""
    if install is not None and install.ports:
        _supervisor(instance, install).stop(patience=60)
    ended = processes.end_all(instance.dir)
    if install is not None and install.ports:
        remove_sockets(install.ports.values())
    return ended


def _supervisor(instance: Instance, install: Install) -> Supervisor:
    port, password = install.ports["supervisor"], install.secrets["supervisor"]
    return Supervisor(instance.dir, instance.log_dir, port, password)


def _store(instance: Instance, install: Install) -> ObjectStore:
    return ObjectStore(
        data=instance.dir / "s3",
        config=instance.dir / "s3-config",
        ports={name: install.ports[name] for name in PORTS},
        key=install.secrets["s3_key"],
        secret=install.secrets["s3_secret"],
        internal_secret=install.secrets["s3_internal"],
    )


def _hash(*made_of: object) -> str:
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _code() -> str:
    """Return a hash of our own code: parts that run for long must run what is checked out."""
    return fingerprint(CHECKOUT, "include/filmpulse/**/*", "plugins/**/*")


@functools.cache
def _client() -> httpx.Client:
    """Return the client for all health checks: to make one takes 50 ms, for certificates."""
    once = httpx.Limits(max_keepalive_connections=0)  # the next check may meet a new process
    return httpx.Client(timeout=5, trust_env=False, limits=once)


def _get(url: str) -> httpx.Response | None:
    """Return the answer of an address; None when it is not 200, or there is none."""
    try:
        answer = _client().get(url)
    except httpx.HTTPError:
        return None
    return answer if answer.status_code == 200 else None
