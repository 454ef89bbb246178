"""A Selenium Grid on this machine: a hub and its nodes, on 127.0.0.1 only.

The hub asks clients for a password, and nodes for another. Where the kernel allows it, each part
has a process namespace of its own (docs/adr/0048): all that a part started ends with the part,
however the part ends. If root starts a part, it runs as a user of its own without any capability.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from filmpulse.errors import FilmpulseError
from filmpulse.local.cluster.tools import GRID_JAR, program
from filmpulse.local.files import last_lines, write_private
from filmpulse.local.ports import HOST, choose
from filmpulse.local.postgres import COPIES, copies
from filmpulse.local.supervisor import StackError
from filmpulse.sources.grid import CHROMIUM, read_nodes
from filmpulse.sources.grid import Node as NodeState

USER = "filmpulse"
PARTS = ("hub", "node-1", "node-2")  # of an instance
# Users that exist only while a service runs: systemd's range for `DynamicUser`, of which each part
# takes the one at its port's number. No file of anybody else belongs to such a user.
FIRST_USER, USERS = 61_184, 4_336

# A client's wait for a free slot, in seconds. The others of its host wait as long.
QUEUE_SECONDS = 60
# A session that nobody asked anything for so long has lost its client. A living client is silent
# while it waits for its turn at a host (`ops.host_state`): ten seconds for each of the others.
SESSION_SECONDS = 300
# A node tells the hub so often that it lives. After four times as long the hub forgets the node
# and its sessions.
HEARTBEAT_SECONDS = 10

# With these a hub takes 150 MiB and a node 135 (PSS after three sessions), and 1.3 and 0.9 s of CPU
# to start.
_JAVA = (
    *("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    "-XX:+ExitOnOutOfMemoryError",
)
# The first process of a part: the first of a namespace must wait for the children that a driver
# leaves, and Java does not. One line, without " ;", which begins a comment for supervisord.
_TOGETHER = (
    """trap 'kill -TERM "$java"' TERM; "$@" & java=$!; """
    """while kill -0 "$java" 2>/dev/null; do wait "$java"; done; kill -KILL 0"""
)
# Chromium keeps a socket of 46 characters in its temporary folder, of 107 at most.
_LONGEST_HOME = 60


class GridError(StackError):
    """A part does not start; the message says why."""


def _home(folder: Path) -> Path:
    if not _is_root():
        return folder
    return copies() / f"grid-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def remove_homes(folder: Path) -> None:
    """Remove the files of the parts of an instance's Grid, none of which may run.

    Args:
        folder: The folder of `PARTS`; the files may lie elsewhere.
    """
    for name in PARTS:
        shutil.rmtree(_home(folder / name), ignore_errors=True)


@dataclass(frozen=True)
class _Part:
    """What hub and nodes have in common: one Java process with a file of options."""

    folder: Path  # of this part alone; `prepare` makes it anew
    port: int

    @property
    def home(self) -> Path:
        """Where the part's files lie. Root's folders are closed to the part's user."""
        return _home(self.folder)

    @property
    def address(self) -> str:
        """The address as the hub names it; without a log-in."""
        return f"http://{HOST}:{self.port}"

    def options(self) -> dict[str, dict[str, Any]]:
        """Return the options by section, as `java -jar ... hub --config-help` lists them."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Empty the part's folder, and write its options, passwords included.

        Call only while the part does not run.
        """
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(mode=0o700, parents=True)
        write_private(self._options_file, _toml(self.options()))
        if _is_root():
            _open_copies()
            for path in (self._options_file, self.home):
                os.chown(path, self._user, self._user)

    def command(self) -> list[str]:
        """Return the command for the foreground; it wants a process group of its own."""
        java = [str(program("java")), *_JAVA, f"-Djava.io.tmpdir={self.home}"]
        words = [
            *java,
            "-jar",
            str(_jar()),
            self._role,
            "--config",
            str(self._options_file),
        ]
        return [*_namespace(), *self._as_user(), "/bin/sh", "-c", _TOGETHER, "sh", *words]

    def env(self) -> dict[str, str]:
        """Return the part's own variables; none is a secret."""
        home = str(self.home)
        temporary = {"TMPDIR": home} if len(home) <= _LONGEST_HOME else {}
        return {"HOME": home, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true", **temporary}

    def remove(self) -> None:
        """Remove the part's folder."""
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def _options_file(self) -> Path:
        return self.home / "options.toml"

    @property
    def _role(self) -> str:
        return type(self).__name__.lower()

    @property
    def _user(self) -> int:
        return FIRST_USER + self.port % USERS

    def _as_user(self) -> list[str]:
        """Return the words that make the rest of a command run as the part's own user."""
        if not _is_root():
            return []
        who = [f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups"]
        caps = ["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]
        # The change of user undoes `--kill-child`.
        return ["setpriv", *who, *caps, "--pdeathsig=KILL", "--"]


@dataclass(frozen=True)
class Hub(_Part):
    """The part that clients ask for a browser, and that nodes register with."""

    publish: int  # ports of the bus between hub and nodes
    subscribe: int
    password: str = field(repr=False)  # of clients
    node_password: str = field(repr=False)  # of nodes
    queue_seconds: int = QUEUE_SECONDS

    @property
    def url(self) -> SecretStr:
        """The address for clients, `SELENIUM_REMOTE_URL`."""
        return SecretStr(f"http://{USER}:{self.password}@{HOST}:{self.port}")

    def options(self) -> dict[str, dict[str, Any]]:
        """Return the options."""
        return {
            "server": _server(self, self),
            "router": {"username": USER, "password": self.password},
            "events": _bus(self) | {"bind": True},
            "sessionqueue": {
                "session-request-timeout": self.queue_seconds,
                "session-request-timeout-period": 1,
                "session-retry-interval": 250,
            },
            "distributor": {
                "healthcheck-interval": HEARTBEAT_SECONDS,
                "purge-nodes-interval": HEARTBEAT_SECONDS,
            },
            "logging": {"tracing": False},
        }

    def nodes(self) -> list[NodeState]:
        """Ask the hub for its nodes; raises as `sources.grid.read_nodes` does."""
        return read_nodes(self.url)

    def is_ready(self) -> bool:
        """Say whether the hub answers, whatever its nodes do."""
        try:
            self.nodes()
        except FilmpulseError:
            return False
        return True


@dataclass(frozen=True)
class Node(_Part):
    """A part that runs one browser at a time, each with a profile of its own."""

    hub: Hub
    session_seconds: int = SESSION_SECONDS
    browser: Path | None = None  # found on this machine when None, and the driver too
    driver: Path | None = None

    def options(self) -> dict[str, dict[str, Any]]:
        """Return the options.

        Raises:
            BadInput: There is no file at the path of the browser or of the driver.
            GridError: None was given, and this machine has none.
        """
        from filmpulse.sources.browser import find_browser, find_driver

        browser, driver = find_browser(self.browser), find_driver(self.driver)
        if browser is None or driver is None:
            raise GridError("A node needs Chromium and chromedriver: `make browser`.")
        sandboxed = [] if self._can_sandbox() else ["--no-sandbox"]
        chromium = {"binary": browser, "args": sandboxed}
        return {
            "server": _server(self, self.hub),
            "events": _bus(self.hub) | {"bind": False},
            "node": {
                "detect-drivers": False,
                "selenium-manager": False,
                "max-sessions": 1,
                "session-timeout": self.session_seconds,
                "heartbeat-period": HEARTBEAT_SECONDS,
                "register-cycle": 1,
                # Otherwise a node that finds no hub for two minutes never looks again.
                "register-shutdown-on-failure": True,
                "enable-cdp": False,
                "enable-bidi": False,
                "driver-configuration": [
                    {
                        "display-name": "Chromium",
                        "max-sessions": 1,
                        "webdriver-executable": driver,
                        "stereotype": json.dumps(
                            {"browserName": CHROMIUM, "goog:chromeOptions": chromium}
                        ),
                    }
                ],
            },
            "logging": {"tracing": False},
        }

    def is_ready(self) -> bool:
        """Say whether the hub knows the node, and hears from the node."""
        try:
            nodes = self.hub.nodes()
        except FilmpulseError:
            return False
        return any(node.is_up and node.address == self.address for node in nodes)

    def _can_sandbox(self) -> bool:
        """Say whether Chromium can sandbox its children; some containers forbid it."""
        unshare = shutil.which("unshare")
        return unshare is None or _works([*self._as_user(), unshare, "--user"])


def _server(part: _Part, hub: Hub) -> dict[str, Any]:
    return {"host": HOST, "port": part.port, "registration-secret": hub.node_password}


def _bus(hub: Hub) -> dict[str, Any]:
    return {
        "publish": f"tcp://{HOST}:{hub.publish}",
        "subscribe": f"tcp://{HOST}:{hub.subscribe}",
    }


def _toml(options: Mapping[str, Mapping[str, Any]]) -> str:
    """Write options as TOML, whose strings, numbers and truth values are those of JSON."""
    lines = []
    for section, values in options.items():
        tables = {name: value for name, value in values.items() if isinstance(value, list)}
        lines.append(f"[{section}]")
        lines += [f"{k} = {json.dumps(v)}" for k, v in values.items() if k not in tables]
        for name, rows in tables.items():
            for row in rows:
                lines.append(f"[[{section}.{name}]]")
                lines += [f"{key} = {json.dumps(value)}" for key, value in row.items()]
    return "\n".join(lines) + "\n"


def _is_root() -> bool:
    return os.geteuid() == 0


@functools.cache
def _namespace() -> tuple[str, ...]:
    """Return the words that give a command a process namespace, if this machine allows it.

    When the first process of a namespace ends, the kernel kills all others. Where there are no
    namespaces, the driver of a node that was killed lives on until `make down`.
    """
    own = () if _is_root() else ("--user", "--map-current-user")
    words = ("unshare", *own, "--pid", "--fork", "--kill-child", "--mount-proc", "--")
    return words if shutil.which("unshare") and _works(words) else ()


def has_namespaces() -> bool:
    """Say whether this machine gives each part a process namespace of its own."""
    return bool(_namespace())


def _works(words: Sequence[str]) -> bool:
    done = subprocess.run([*words, "true"], capture_output=True, check=False)
    return done.returncode == 0


def _jar() -> Path:
    """Return the Grid's jar, or its copy where root's checkout is closed to other users."""
    is_open = all(place.stat().st_mode & 0o001 for place in GRID_JAR.parents)
    return GRID_JAR if not _is_root() or is_open else copies() / GRID_JAR.name


def _open_copies() -> None:
    """Let other users pass through root's folder of copies; put the jar there if they need it."""
    for folder in (COPIES, copies()):
        folder.chmod(0o755)
    if (jar := _jar()) != GRID_JAR and not jar.exists():
        half = jar.with_suffix(".half")
        shutil.copyfile(GRID_JAR, half)
        half.chmod(0o644)
        half.rename(jar)


class Throwaway:
    """A Grid for tests, which runs while the block does."""

    def __init__(
        self, directory: Path, nodes: int, queue_seconds: int, session_seconds: int
    ) -> None:
        """Choose ports and passwords.

        Args:
            directory: It must exist; the caller removes it.
            nodes: How many nodes to run, with one slot each.
            queue_seconds: How long a client may wait for a free slot.
            session_seconds: After how long a session without a request ends.
        """
        hub, publish, subscribe, *others = (choose() for _ in range(3 + nodes))
        self.hub = Hub(
            *(directory / "hub", hub, publish, subscribe),
            password=secrets.token_hex(20),
            node_password=secrets.token_hex(20),
            queue_seconds=queue_seconds,
        )
        self.nodes = [
            Node(directory / f"node-{number}", port, self.hub, session_seconds)
            for number, port in enumerate(others, start=1)
        ]
        self._directory = directory
        self._processes: dict[Hub | Node, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Throwaway:
        """Start all parts, and wait until the hub knows all nodes.

        Raises:
            GridError: They were not ready within two minutes; the message holds the ends of logs.
        """
        try:
            self.start(self.hub)
            for node in self.nodes:
                self.start(node)
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Kill all parts, and remove their folders."""
        parts: list[Hub | Node] = [*self.nodes, self.hub]
        for part in parts:
            self.kill(part)
            part.remove()

    def start(self, part: Hub | Node) -> None:
        """Start a part that does not run; do not wait for it."""
        part.prepare()
        with self._log(part).open("ab") as log:
            self._processes[part] = subprocess.Popen(
                part.command(),
                stdout=log,
                stderr=log,
                env={**os.environ, **part.env()},
                start_new_session=True,
                cwd="/",
            )

    def wait(self) -> None:
        """Wait until hub and nodes are ready; raise GridError as `__enter__` does."""
        deadline = time.monotonic() + 120
        while not (self.hub.is_ready() and all(node.is_ready() for node in self.nodes)):
            ended = any(process.poll() is not None for process in self._processes.values())
            if ended or time.monotonic() > deadline:
                logs = "\n".join(last_lines(self._log(part)) for part in self._processes)
                raise GridError(f"The Grid did not start:\n{logs}")
            time.sleep(0.1)

    def kill(self, part: Hub | Node) -> None:
        """Kill a part, if it runs, with all that its process group holds."""
        if (process := self._processes.pop(part, None)) is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def processes(self, part: Hub | Node) -> list[psutil.Process]:
        """Return a part's processes, its browser's included; empty if it does not run."""
        if (process := self._processes.get(part)) is None:
            return []
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def _log(self, part: Hub | Node) -> Path:
        return self._directory / f"{part.folder.name}.log"
