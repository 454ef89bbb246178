"""The process supervisor of an instance: its configuration and its calls."""

from __future__ import annotations

import configparser
import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from filmpulse.local.files import last_lines, write_private
from filmpulse.local.ports import HOST

# supervisord's words for a program that runs. In its first seconds, while its end would still count
# as a failed start, it may work already.
ALIVE = ("STARTING", "RUNNING")
FAILED = "BACKOFF"  # its word for a program that ended in its first seconds and will be tried again
CONFIG = "supervisord.conf"  # in the instance's directory
MARGIN = 30  # seconds that a whole stop may take beside what the programs may, on a busy machine
_NO_ANSWER = (OSError, http.client.HTTPException, xmlrpc.client.Error)


class StackError(RuntimeError):
    """A part did not start; the message names the part, the reason and the log."""


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    group: str  # programs of a group stop at the same time; groups stop in reverse order
    command: Sequence[str]  # words, not shell
    stop_signal: str = "TERM"
    stop_group: bool = True  # whether its children get that signal too; SIGKILL they always get
    patience: int = 15  # seconds from that signal to SIGKILL
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # its own; may hold secrets
    directory: Path | None = None  # where it runs; None is the instance's directory
    umask: int = 0o022


def config_text(
    programs: Sequence[Program], directory: Path, log_dir: Path, port: int, password: str
) -> str:
    """Return a supervisord.conf: no program starts by itself, each restarts when it ends.

    A program that ends within ten seconds, such as one whose database is away, waits a second
    longer before each new try, and is never given up.

    supervisord listens on TCP with a password. A Unix socket's path may have 107 characters at
    most, and paths of checkouts are longer.
    """
    lines = [
        "[supervisord]",
        f"logfile={_escape(log_dir / 'supervisord.log')}",
        "logfile_maxbytes=5MB",
        "logfile_backups=1",
        f"pidfile={_escape(directory / 'supervisord.pid')}",
        f"identifier={_escape(directory)}",
        f"directory={_escape(directory)}",
        "silent=true",
        *(["user=root"] if os.geteuid() == 0 else []),  # else it logs a warning about root
        "[inet_http_server]",
        f"port={HOST}:{port}",
        "username=filmpulse",
        f"password={_escape(password)}",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    groups = list(dict.fromkeys(program.group for program in programs))
    for priority, group in enumerate(groups, start=1):
        names = ",".join(program.name for program in programs if program.group == group)
        lines += [f"[group:{group}]", f"programs={names}", f"priority={priority}"]
    for program in programs:
        lines += [
            f"[program:{program.name}]",
            f"command={_escape(shlex.join(_started(program, directory)))}",
            f"directory={_escape(program.directory or directory)}",
            f"umask={program.umask:03o}",
            "autostart=false",
            "autorestart=true",
            "startsecs=10",
            "startretries=1000000",
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={program.patience}",
            f"stopasgroup={str(program.stop_group).lower()}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_escape(log_dir / program.name)}.log",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=1",
        ]
    return "\n".join(lines) + "\n"


def env_file(directory: Path, name: str) -> Path:
    """Return the shell script that exports the variables of one program of an instance."""
    return directory / "env" / f"{name}.sh"


def _started(program: Program, directory: Path) -> list[str]:
    """Return a command that reads the program's own variables and becomes the program.

    supervisord passes its whole environment on to every program. So it must know no secret: each
    program reads its own from a file.
    """
    if not program.env:
        return list(program.command)
    own = str(env_file(directory, program.name))
    return ["/bin/sh", "-c", '. "$0" && exec "$@"', own, *program.command]


def export_script(variables: Mapping[str, str]) -> str:
    """Return shell commands that export variables, with any characters in their values."""
    return "".join(
        f"export {key}={shlex.quote(value)}\n" for key, value in sorted(variables.items())
    )


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")


@dataclass
class Supervisor:
    """A supervisord that may or may not run."""

    directory: Path  # the instance's
    log_dir: Path
    port: int
    password: str

    def start(self, programs: Sequence[Program], env: Mapping[str, str]) -> None:
        """Start the daemon, with no program running yet.

        Args:
            programs: All that it may run.
            env: The environment that all programs share; holds no secret.

        Raises:
            StackError: It did not answer within 15 seconds.
        """
        config = self.directory / CONFIG
        write_private(
            config,
            config_text(programs, self.directory, self.log_dir, self.port, self.password),
        )
        for program in programs:
            own = env_file(self.directory, program.name)
            own.parent.mkdir(exist_ok=True)
            write_private(own, export_script(program.env))
        (self.directory / "supervisord.pid").unlink(missing_ok=True)
        started = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            env=dict(env),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        deadline = time.monotonic() + 15
        while started.returncode == 0 and time.monotonic() < deadline:
            if self.states() is not None:
                return
            time.sleep(0.1)
        log = self.log_dir / "supervisord.log"
        raise StackError(f"supervisord did not start.\n{started.stdout}{last_lines(log)}\n{log}")

    def states(self) -> dict[str, dict[str, Any]] | None:
        """Return supervisord's `getProcessInfo` of each program, by name.

        Returns:
            None when no supervisord answers, or another instance's does.
        """
        with suppress(*_NO_ANSWER):
            rpc = self._rpc()
            if rpc.getIdentification() == str(self.directory):
                return {info["name"]: info for info in rpc.getAllProcessInfo()}
        return None

    def run(self, group: str, name: str) -> None:
        """Start one program, unless it runs; do not wait for it."""
        try:
            self._rpc().startProcess(f"{group}:{name}", False)
        except xmlrpc.client.Fault as fault:
            # What ended at once is started again by the supervisor; its state says so.
            if not fault.faultString.startswith(("ALREADY_STARTED", "SPAWN_ERROR")):
                raise

    def stop(self) -> None:
        """Stop every program, last started first, then the daemon; wait as long as that may take.

        Does nothing if the daemon does not answer: the caller must look for what is left.
        """
        if self.states() is None:
            return
        with suppress(*_NO_ANSWER, psutil.NoSuchProcess, psutil.TimeoutExpired):
            daemon = psutil.Process(self._rpc().getPID())
            with suppress(*_NO_ANSWER):  # it may end before it answers
                self._rpc().shutdown()
            daemon.wait(self._longest_stop() + MARGIN)

    def _longest_stop(self) -> int:
        """Return how many seconds the running daemon may take: its groups stop one by one."""
        config = configparser.RawConfigParser()
        config.read(self.directory / CONFIG, encoding="utf-8")
        groups = [s["programs"] for name, s in config.items() if name.startswith("group:")]
        return sum(
            max(config.getint(f"program:{name}", "stopwaitsecs") for name in names.split(","))
            for names in groups
        )

    def _rpc(self) -> Any:
        url = f"http://filmpulse:{self.password}@{HOST}:{self.port}/RPC2"
        return xmlrpc.client.ServerProxy(url, transport=_Impatient()).supervisor


class _Impatient(xmlrpc.client.Transport):
    """A transport with a timeout: a stranger on the port might accept and never answer."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = 10
        return connection
