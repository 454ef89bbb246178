"""The connection pooler of a cluster: PgBouncer before the local Postgres.

One server, two addresses: `url` in transaction mode, for `FILMPULSE_WAREHOUSE_POOLED_URL`, and
`session_url` in session mode, which stands for a managed Postgres that is reached through a pooler
(docs/adr/0045).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filmpulse.local.cluster.tools import program
from filmpulse.local.ports import HOST
from filmpulse.local.postgres import OPEN, OPENED, Server, address, run_as, unprivileged
from filmpulse.local.supervisor import StackError

SESSION = "_session"
"""What follows a database's name at the pooler's address in session mode."""
STOP_SIGNAL = "INT"  # PgBouncer lets transactions end, then ends


@dataclass(frozen=True)
class Pooler:
    """One PgBouncer, for one role and one database of a local server."""

    config: Path  # its folder; `prepare` makes it
    port: int
    server: Server
    role: str
    password: str  # the role's, at the pooler and at the server
    database: str

    @property
    def url(self) -> str:
        """The address in transaction mode."""
        return address(self.role, self.password, self.port, self.database)

    @property
    def session_url(self) -> str:
        """The address in session mode."""
        return address(self.role, self.password, self.port, self.database + SESSION)

    def prepare(self) -> None:
        """Write the configuration, and the password where the pooler alone may read it."""
        shutil.rmtree(self.config, ignore_errors=True)
        self.config.mkdir(mode=0o700)
        quoted = self.password.replace('"', '""')
        (self.config / "users.txt").touch(mode=0o600)
        (self.config / "users.txt").write_text(f'"{self.role}" "{quoted}"\n', encoding="utf-8")
        (self.config / "pgbouncer.ini").write_text(self._settings(), encoding="utf-8")
        if (user := run_as()) is not None:
            for path in (self.config, *self.config.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)

    def _settings(self) -> str:
        leads = f"host={HOST} port={self.server.port} dbname={self.database}"
        users = (self.config if run_as() is None else OPENED) / "users.txt"
        settings = {
            "listen_addr": HOST,
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": users,
            "max_client_conn": 500,
            "default_pool_size": 20,  # of each of the two; the server has 120 for all its clients
            # Of the warehouse's connections: a client whose machine vanished gives its server back.
            "tcp_keepidle": 60,
            "tcp_keepintvl": 10,
            "tcp_keepcnt": 6,
            "log_connections": 0,
            "log_disconnections": 0,
        }
        return "\n".join(
            [
                "[databases]",
                f"{self.database} = {leads} pool_mode=transaction",
                f"{self.database}{SESSION} = {leads} pool_mode=session",
                "[pgbouncer]",
                *(f"{name} = {value}" for name, value in settings.items()),
                "",
            ]
        )

    def command(self) -> list[str]:
        """Return the command for the foreground.

        Raises:
            StackError: This machine has no PgBouncer.
        """
        found = program("pgbouncer")
        if found is None:
            raise StackError("There is no pgbouncer here: `make cluster-tools` installs it.")
        if run_as() is None:
            return [str(found), str(self.config / "pgbouncer.ini")]
        # PgBouncer refuses to run as root, and its user may not pass the directories above.
        words = unprivileged([found, OPENED / "pgbouncer.ini"])
        return ["/bin/sh", "-c", OPEN, str(self.config), *words]

    def is_ready(self) -> bool:
        """Say whether both addresses lead to our server."""
        import psycopg

        try:
            for url in (self.url, self.session_url):
                with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
                    ask = b"SELECT current_setting('cluster_name')"
                    if connection.execute(ask).fetchone() != (self.server.name,):
                        return False
        except psycopg.Error:
            return False
        return True
