"""The schema's history: numbered SQL files, run forward by Alembic, each in one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.rows import tuple_row
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from filmpulse.errors import BadInput
from filmpulse.warehouse import explained, open_connection

_FOLDER = Path(str(files("filmpulse.warehouse") / "migrations"))
_LOCK = 0x46494C4D  # "FILM": two setups at once take turns
SCHEMAS = ("core", "mart", "ops")


class Revision(NamedTuple):
    """Where a database stands (None: empty), where the code is, and which schemas were missing."""

    current: str | None
    head: str | None
    missing: tuple[str, ...] = ()


def migrate(url: str) -> Revision:
    """Bring a database to the newest revision; harmless when it is there already.

    A schema that was dropped is made anew: `mart` as it was, since it holds views alone; `core` and
    `ops` empty, to be filled by a rebuild from the lake.

    Args:
        url: `postgresql://` address of the owner of the database.

    Returns:
        The revision found, the one reached, and the schemas that were made anew.

    Raises:
        BadInput: The address is none, or the database cannot be brought there.
        WarehouseUnavailable: Postgres did not answer.
    """
    with _connect(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        missing = _missing(connection)
        if missing:
            _remake(connection, missing)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
        found = _current(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        return Revision(found, _head(), missing)


def status(url: str) -> Revision:
    """Say where a database stands and where it should be; changes nothing.

    Raises:
        BadInput: The address is none.
        WarehouseUnavailable: Postgres did not answer.
    """
    with _connect(url) as connection:
        return Revision(_current(connection), _head(), _missing(connection))


def _missing(connection: Connection) -> tuple[str, ...]:
    """Name the schemas that are missing in a database that has others of ours."""
    rows = connection.execute(text("SELECT nspname FROM pg_namespace"))
    there = set(rows.scalars())
    # A database with nothing but an empty `ops` is new: the first migration was undone.
    is_new = not there & {"core", "mart"} and _current(connection) is None
    return () if is_new else tuple(name for name in SCHEMAS if name not in there)


def _remake(connection: Connection, missing: tuple[str, ...]) -> None:
    """Make schemas anew by those statements of the migrations that make what lies in them.

    With `core` or `ops` their views went too, and functions of the one that read the other, so
    `mart` is made anew as a whole, and functions again where they are missing.
    """
    current = _head() if "ops" in missing else _current(connection)
    for name in ("mart", *missing):
        connection.execute(text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {name}"))
    made = {"mart", *missing}
    raw = connection.connection.cursor()
    try:
        for statement in _statements(current):
            target = _TARGET.match(statement)
            if target is None or target["verb"].endswith("SCHEMA"):
                continue
            if target["schema"] in made:
                raw.execute(statement)
            elif target["verb"].endswith("FUNCTION"):
                raw.execute(statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))
        if "core" in missing and "ops" not in missing:
            raw.execute(_read("link_quality_checks.sql"))
    finally:
        raw.close()
    if "ops" in missing:
        script = ScriptDirectory.from_config(_config())
        _context(connection).stamp(script, "head")


_TARGET = re.compile(
    r"(?P<verb>(?:CREATE|ALTER|DROP|COMMENT ON|INSERT INTO|UPDATE)(?: OR REPLACE)?"
    r"(?: (?:MATERIALIZED VIEW|VIEW|TABLE|FUNCTION|COLUMN|SCHEMA|INDEX))?)"
    r"(?:(?: UNIQUE)? INDEX \w+\s+ON)? (?P<schema>core|mart|ops)\b"
)
"""What a statement of a migration makes or changes, and the schema in which it lies."""


def _statements(revision: str | None) -> Iterator[str]:
    """Yield the statements of all migrations up to a revision, in order.

    Each ends with a semicolon at the end of a line, and no line within one does.
    """
    script = ScriptDirectory.from_config(_config())
    for each in reversed(list(script.iterate_revisions(revision, "base"))):
        plain = re.sub(r"^\s*--.*$", "", _read(f"{Path(each.path).stem}.sql"), flags=re.MULTILINE)
        yield from (
            part.strip() for part in re.split(r";\s*$", plain, flags=re.MULTILINE) if part.strip()
        )


def run_sql_file(name: str) -> None:
    """Run one file of `migrations/sql` inside a migration.

    The driver's own cursor is used, so that `%` and `:` in SQL stay what they are.
    """
    raw = op.get_bind().connection.cursor()
    try:
        raw.execute(_read(name))
    finally:
        raw.close()


def _read(name: str) -> str:
    return (_FOLDER / "sql" / name).read_text(encoding="utf-8")


@contextmanager
def _connect(url: str) -> Iterator[Connection]:
    """Open a connection of SQLAlchemy's, over one of ours, with our errors."""
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: open_connection(url, tuple_row)
    )
    try:
        with engine.connect() as connection:
            yield connection
    except CommandError as error:  # the revision of the database is none of ours
        raise BadInput(
            f"The warehouse was set up by another version of Filmpulse ({error}): use that version "
            "or a newer one."
        ) from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise explained(error.orig) from error
        raise


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(
        connection, opts={"version_table": "schema_revision", "version_table_schema": "ops"}
    )


def _current(connection: Connection) -> str | None:
    return _context(connection).get_current_revision()


def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()
