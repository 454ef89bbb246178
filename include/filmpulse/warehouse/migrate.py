"""The schema's history: numbered SQL files, run forward by Alembic, each in one transaction."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from alembic import command, op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

_FOLDER = Path(str(files("filmpulse.warehouse") / "migrations"))
_LOCK = 0x46494C4D  # "FILM": two setups at once take turns


class Revision(NamedTuple):
    """Where a database stands (None: empty) and where the code is."""

    current: str | None
    head: str | None


def migrate(url: str) -> Revision:
    """Bring a database to the newest revision; harmless when it is there already.

    Args:
        url: `postgresql://` address of the owner of the database.

    Returns:
        The revision found and the one reached.
    """
    with _connect(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
        found = _current(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        return Revision(found, _head())


def status(url: str) -> Revision:
    """Say where a database stands and where it should be; changes nothing."""
    with _connect(url) as connection:
        return Revision(_current(connection), _head())


def run_sql_file(name: str) -> None:
    """Run one file of `migrations/sql` inside a migration.

    The driver's own cursor is used, so that `%` and `:` in SQL stay what they are.
    """
    script = (_FOLDER / "sql" / name).read_text(encoding="utf-8")
    raw = op.get_bind().connection.cursor()
    try:
        raw.execute(script)
    finally:
        raw.close()


def _connect(url: str) -> Connection:
    address = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(address, poolclass=NullPool).connect()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(
        connection, opts={"version_table": "schema_revision", "version_table_schema": "ops"}
    )
    return context.get_current_revision()


def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()
