"""A running instance: its parts under their supervisor, how they start, whether they work."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.markup import escape

from filmpulse.errors import BadInput
from filmpulse.local import superset
from filmpulse.local.cluster.parts import Cluster
from filmpulse.local.files import CHECKOUT, fingerprint, last_lines, write_private
from filmpulse.local.instance import ADMIN, VIEWER, Install, Instance, Stack, shared_env
from filmpulse.local.parts import Machine, Part, Stage
from filmpulse.local.progress import Progress
from filmpulse.local.supervisor import ALIVE, FAILED, StackError, Supervisor

PATIENT = 180  # seconds that a part may take to start, on a slow and busy machine
TRIES = 4  # starts of a part that may fail in their first seconds while somebody waits
BUSY = 30  # seconds in which a part that runs may be too busy to answer
WORKS = "WORKS"
GIVEN_UP = ("FATAL", "EXITED", "gone")


class Running:
    """The parts of an instance, whose ports are chosen, and their supervisor."""

    def __init__(self, instance: Instance, install: Install) -> None:
        """Take what the instance decides.

        Raises:
            BadInput: A program that a cluster needs is not on this machine.
        """
        self.instance, self.install = instance, install
        self.machine = (Cluster if install.is_cluster else Machine)(instance, install)
        self.stack, self.superset = self.machine.stack, self.machine.superset
        self.supervisor = supervisor_of(instance, install)
        self.parts = {part.program.name: part for part in self.machine.parts()}
        self._noting = threading.Lock()

    def _of(self, stage: Stage) -> list[Part]:
        return [part for part in self.parts.values() if part.stage is stage]

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
            self.stack.worker_envs,
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
                for part in self._of(Stage.SUPERSET):
                    with progress.step(part.title):
                        warning = superset_runs.result()
                        self._wait(part)
                self._note("start", self._fingerprint())
        if warning:
            _warn(progress, warning)

    def _start_stores(self, shared: Mapping[str, str], progress: Progress) -> None:
        """Start the supervisor, Postgres with its roles, and what else comes before Airflow."""
        for part in self.parts.values():
            if part.stage is not Stage.BEHIND:  # these are made of what Postgres holds
                part.prepare()
        database, *others = self._of(Stage.STORES)
        with progress.step(database.title):
            self.supervisor.start([part.program for part in self.parts.values()], shared)
            self._run(*others, database)
            self._wait(database)
            self.machine.make_roles()
        for part in others:
            with progress.step(part.title):
                self._wait(part)
        if (store := self.machine.store) is not None:
            for bucket in self.machine.buckets:
                store.add_bucket(bucket)
        for part in self._of(Stage.BEHIND):
            with progress.step(part.title):
                part.prepare()
                self._run(part)
                self._wait(part)

    def _start_airflow(self, env: Mapping[str, str], progress: Progress) -> None:
        """Migrate Airflow's tables, set up the warehouse, start Airflow's parts."""
        self._migrate_airflow(env, progress)
        # The server needs seconds to start: meanwhile set up the warehouse.
        server, *others = self._of(Stage.AIRFLOW)
        self._run(server)
        self._set_up(env, progress)
        self._run(*others)
        for part in (server, *others):
            with progress.step(part.title):
                self._wait(part)

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
        self._run(*self._of(Stage.SUPERSET))
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
        if (self.supervisor.states() or {}).get("superset", {}).get("statename") not in ALIVE:
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
        """Wait until a part works, or fails again and again, or the deadline has passed.

        Returns:
            `WORKS`, or the part's state in the supervisor's words.
        """
        failed: set[int] = set()  # when each try that failed was started
        while True:
            info = (self.supervisor.states() or {}).get(part.program.name, {})
            state = str(info.get("statename", "gone"))
            if state in ALIVE and part.is_healthy(info["start"]):
                return WORKS
            if state == FAILED:
                failed.add(info["start"])
            if len(failed) == TRIES or state in GIVEN_UP or time.monotonic() > deadline:
                return state
            time.sleep(0.1)

    def _wait(self, part: Part) -> None:
        state = self._state_at(part, time.monotonic() + PATIENT)
        if state != WORKS:
            log = self.instance.log_dir / f"{part.program.name}.log"
            has_ended = state in (*GIVEN_UP, FAILED)
            why = "ended" if has_ended else f"was not ready after {PATIENT} s"
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
        with self.machine.postgres.connect("airflow") as connection:
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


def supervisor_of(instance: Instance, install: Install) -> Supervisor:
    """Return the supervisor of an instance, which may run or not."""
    port, password = install.ports["supervisor"], install.secrets["supervisor"]
    return Supervisor(instance.dir, instance.log_dir, port, password)


def _warn(progress: Progress, warning: str) -> None:
    progress.say(f"[yellow]![/yellow] {escape(warning)}")


def _hash(*made_of: object) -> str:
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _code() -> str:
    """Return a hash of our own code: parts that run for long must run what is checked out."""
    return fingerprint(CHECKOUT, "include/filmpulse/**/*", "plugins/**/*")
