"""The streaming replica of a cluster: a copy of the local Postgres, which Superset reads from.

The replica keeps a slot at the primary, so the primary keeps the log until the replica has it, but
`KEPT_LOG` of it at most: a dead replica cannot fill the disk. A replica that fell further behind
cannot go on, and the next `prepare` copies everything anew (docs/adr/0045).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filmpulse.local.ports import HOST
from filmpulse.local.postgres import (
    OPENED,
    Binaries,
    PostgresError,
    Server,
    all_binaries,
    copy_binaries,
    reachable,
    run_as,
    unprivileged,
)

ROLE = "filmpulse_replica"
KEPT_LOG = "2GB"
OF_PRIMARY: Mapping[str, str] = {"max_slot_wal_keep_size": KEPT_LOG}
"""Settings of a server that has a replica; Postgres's own defaults allow ten of them."""
_SLOT = "filmpulse_replica"
_PASSWORDS = "replication.pgpass"


@dataclass(frozen=True, kw_only=True)
class _Standby(Server):
    """A server with the binaries of its primary, also before there is a copy."""

    primary: Server

    @property
    def binaries(self) -> Binaries:
        return self.primary.binaries


@dataclass(frozen=True)
class Replica:
    """One replica of a local server."""

    primary: Server  # with the settings `OF_PRIMARY`, and the role `ROLE` (`add_replicator`)
    data: Path
    port: int
    password: str  # of `ROLE`

    @property
    def server(self) -> Server:
        """The replica as a server: its roles, passwords and databases are the primary's."""
        opened = self.data if run_as() is None else OPENED
        follow = {
            "primary_conninfo": f"host={HOST} port={self.primary.port} user={ROLE} "
            f"application_name={ROLE} passfile='{opened / _PASSWORDS}' connect_timeout=10 "
            "keepalives_idle=30 keepalives_interval=10 keepalives_count=3",
            "primary_slot_name": _SLOT,
            # The primary keeps rows that a query here still sees; otherwise VACUUM would end it.
            "hot_standby_feedback": "on",
        }
        return _Standby(
            self.data,
            self.port,
            self.primary.password,
            self.primary.durable,
            follow,
            primary=self.primary,
        )

    def command(self) -> list[str]:
        """Return the command for the foreground; its working directory must be `/`."""
        return self.server.command()

    def prepare(self) -> None:
        """Copy the primary, unless there is a copy that can go on.

        The primary must run, and the replica must not.

        Raises:
            PostgresError: The copy failed, or this machine lacks `pg_basebackup`.
        """
        if not self._can_go_on():
            self._copy()
        self._write_password()
        self.server.prepare()

    def is_ready(self) -> bool:
        """Say whether the replica answers, is this one, and follows the primary at present."""
        import psycopg

        try:
            with self.server.connect() as connection:
                row = connection.execute(
                    "SELECT current_setting('cluster_name'), pg_is_in_recovery(), "
                    "EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"
                ).fetchone()
        except psycopg.Error:
            return False
        return row == (self.server.name, True, True)

    def _can_go_on(self) -> bool:
        """Say whether the primary still has all of the log that the copy lacks.

        A primary that was made anew does not know the slot.
        """
        if not (self.data / "PG_VERSION").exists():
            return False
        with self.primary.connect() as connection:
            found = connection.execute(
                "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", [_SLOT]
            ).fetchone()
        return found is not None and found[0] not in ("lost", None)

    def _copy(self) -> None:
        """Copy the primary under another name, then rename; an interrupted copy is made again."""
        half = self.data.with_name(f"{self.data.name}.half")
        for old in (half, self.data):
            shutil.rmtree(old, ignore_errors=True)
        half.mkdir(mode=0o700)
        if (user := run_as()) is not None:
            os.chown(half, user.pw_uid, user.pw_gid)
        self._drop_slot()
        place = self._tools()
        copy_binaries(place)
        options = [
            *(f"--pgdata={half}", "--wal-method=stream", "--create-slot", f"--slot={_SLOT}"),
            *("--checkpoint=fast", f"--host={HOST}", f"--port={self.primary.port}"),
            *(f"--username={ROLE}", "--no-password"),
            *([] if self.primary.durable else ["--no-sync"]),
        ]
        done = subprocess.run(
            unprivileged([reachable(place) / "pg_basebackup", *options], passes_closed=True),
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise PostgresError(f"pg_basebackup failed: {done.stderr.strip()}")
        self._write(half / "standby.signal", "")
        half.rename(self.data)

    def _tools(self) -> Path:
        """Return a folder with `pg_basebackup`, if possible that of the primary's own version."""
        own = self.primary.binaries
        for binaries in (own, *all_binaries()):
            if binaries.major >= own.major and (binaries.bin / "pg_basebackup").exists():
                return binaries.bin
        raise PostgresError(
            f"{own.bin} has no pg_basebackup, which copies the primary: install Postgres "
            f"{own.major} or newer with the system's package manager."
        )

    def _drop_slot(self) -> None:
        """Drop the slot of an earlier copy, and end whoever still reads from it."""
        with self.primary.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(active_pid, 60000) FROM pg_replication_slots "
                "WHERE slot_name = %s AND active_pid IS NOT NULL",
                [_SLOT],
            )
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                "WHERE slot_name = %s",
                [_SLOT],
            )

    def _write_password(self) -> None:
        """Write the password where the replica alone may read it; a command would show it."""
        quoted = self.password.replace("\\", "\\\\").replace(":", "\\:")
        self._write(self.data / _PASSWORDS, f"*:*:*:{ROLE}:{quoted}\n")

    def _write(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        if (user := run_as()) is not None:
            os.chown(path, user.pw_uid, user.pw_gid)
