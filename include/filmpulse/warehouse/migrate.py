"""Migrations: numbered SQL files that Alembic runs forward; the marts on top; then the figures.

A migration is a revision under `migrations/versions` and its files `<revision>_<schema>.sql` under
`migrations/sql`. It changes tables, never a view: the marts are made anew after it. If a mart reads
a column that changes, the migration first drops the schema (`DROP SCHEMA IF EXISTS mart CASCADE`);
dashboards then show an error until the marts are made again.
"""

from __future__ import annotations

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
from psycopg.rows import tuple_row
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from filmpulse.errors import BadInput
from filmpulse.warehouse import Warehouse, explained, figures, marts, open_connection

_FOLDER = Path(str(files("filmpulse.warehouse") / "migrations"))
_SCRIPTS = ScriptDirectory(str(_FOLDER))
_LOCK = 0x46494C4D  # "FILM": two setups at once take turns
CATALOGUE = ("catalogue", "catalogue_live")
SCHEMAS = ("core", "mart", "ops", *CATALOGUE)
_SINCE = dict.fromkeys((*CATALOGUE, "catalogue_next", "catalogue_old"), "0022")
"""The revision since which a schema is ours, where that is not the oldest one."""
_TRACKED_SINCE = "0024"
"""The revision since which `core.tracked` is there."""
_OURS = "IMDb's datasets"
"""A word of the comments of `CATALOGUE`, for a database that does not know its revision."""
# Those that read from others first; a load of the catalogue makes and drops two of them.
DROPPED = ("mart", *CATALOGUE, "catalogue_next", "catalogue_old", "journal", "core", "ops")


class Revision(NamedTuple):
    """Where a database stands.

    Attributes:
        current: The revision of its tables; None if it is empty.
        head: The revision that this version needs.
        missing: Schemas that were dropped.
        has_marts: Whether the marts are those of this version.
    """

    current: str | None
    head: str | None
    missing: tuple[str, ...] = ()
    has_marts: bool = True


def migrate(url: str) -> Revision:
    """Bring a database to the newest revision, its marts and its figures to this version.

    A schema that was dropped is made anew: `mart` as it was, since it holds views alone; `core` and
    `ops` empty, for a rebuild from the lake to fill, but for `core.tracked`, which has what the
    detector knew. A database that is up to date stays as it is.

    Args:
        url: `postgresql://` address of the owner of the database.

    Returns:
        How the database stood before, with the revision reached as `head`.

    Raises:
        BadInput: The address is wrong, another version of Filmpulse made the database, or a
            schema of somebody else's has a name that we need (`not_ours`).
        WarehouseUnavailable: Postgres did not answer.
    """
    with _connect(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found, missing = _current(connection), _missing(connection)
        _check_revision(found)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
        _restore(connection, found, missing)
        found = _current(connection)
        _upgrade(connection, "head")
        connection.commit()
        is_remade = marts.remake(url)
        figures.count_by_new_rules(Warehouse(url))
        return Revision(found, _head(), missing, not is_remade)


@contextmanager
def made_anew(url: str, revision: str) -> Iterator[psycopg.Connection]:
    """Drop our schemas, make their tables at a revision, and give the connection for more.

    All of it is one transaction, which ends with the block: an error leaves the database as it was.

    Raises:
        BadInput: This version does not know the revision, or a schema of somebody else's has a
            name that we need (`not_ours`).
        WarehouseUnavailable: Postgres did not answer.
    """
    with _connect(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _check_revision(revision)
        _drop_schemas(connection)
        connection.execute(text("CREATE SCHEMA ops"))
        _upgrade(connection, revision)
        yield _driver(connection)
        connection.commit()


def drop_schemas(url: str) -> None:
    """Drop all that is ours in a database."""
    with _connect(url) as connection:
        _drop_schemas(connection)
        connection.commit()


def _drop_schemas(connection: Connection) -> None:
    found = _current(connection)
    for schema in DROPPED:
        if found is not None and found < _SINCE.get(schema, ""):
            continue  # somebody else's
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))


def status(url: str) -> Revision:
    """Say where a database stands and where it should be; changes nothing.

    Raises:
        BadInput: The address is wrong.
        WarehouseUnavailable: Postgres did not answer.
    """
    with _connect(url) as connection:
        has_marts = marts.are_current(_driver(connection))
        return Revision(_current(connection), _head(), _missing(connection), has_marts)


def _upgrade(connection: Connection, revision: str) -> None:
    found = _current(connection) or ""
    _check_free(connection, [name for name, since in _SINCE.items() if since > found])
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    command.upgrade(config, revision)


def _check_revision(found: str | None) -> None:
    """Refuse a database that this version cannot bring forward."""
    known = [each.revision for each in _SCRIPTS.walk_revisions()]
    if found is None or found in known:
        return
    if found < known[-1]:
        raise BadInput(
            f"The warehouse is at revision {found}, of a version before the first release; this "
            f"version goes on from revision {known[-1]}. Make a new database, run `filmpulse "
            "setup`, then `filmpulse rebuild`, which fills it from the lake.",
            reason="warehouse_schema",
        )
    raise BadInput(
        f"The warehouse was set up by another version of Filmpulse (revision {found}): use that "
        "version or a newer one.",
        reason="warehouse_schema",
    )


def _check_free(connection: Connection, schemas: list[str], comment_of_ours: str = "") -> None:
    """Refuse a database in which a schema has one of these names and is not ours.

    Args:
        connection: Of the owner.
        schemas: Their names.
        comment_of_ours: What the comment of a schema of ours holds; if empty, none is ours.
    """
    there = connection.execute(
        text(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY(:names) AND (:ours = '' OR "
            "strpos(coalesce(obj_description(oid, 'pg_namespace'), ''), :ours) = 0) ORDER BY 1"
        ),
        {"names": schemas, "ours": comment_of_ours},
    ).scalars()
    if name := next(iter(there), None):
        raise BadInput(
            f"The database has a schema {name} that Filmpulse did not make, so nothing was "
            f"changed: IMDb's datasets need that name. Rename it (ALTER SCHEMA {name} RENAME TO "
            "...), or name another database in FILMPULSE_WAREHOUSE_URL.",
            reason="not_ours",
        )


def _missing(connection: Connection) -> tuple[str, ...]:
    """Name the schemas that are missing in a database that has others of ours."""
    there = set(connection.execute(text("SELECT nspname FROM pg_namespace")).scalars())
    current = _current(connection)
    # A database with nothing but an empty `ops` is new: the first migration was undone.
    if not there & {"core", "mart"} and current is None:
        return ()
    reached = current or str(_head())
    expected = [name for name in SCHEMAS if _SINCE.get(name, "") <= reached]
    return tuple(name for name in expected if name not in there)


def _restore(connection: Connection, found: str | None, missing: tuple[str, ...]) -> None:
    """Make `core`, `ops` or the catalogue anew, empty, from their own files of the migrations.

    Without `ops` the database does not know its revision, so it counts as the newest.
    """
    reached = _head() if "ops" in missing else found
    lost: list[str] = [schema for schema in ("core", "ops") if schema in missing]
    if set(missing) & set(CATALOGUE):
        lost.append("catalogue")
        if "ops" in missing:
            _check_free(connection, list(CATALOGUE), _OURS)
        # The data is downloaded again, so what is left of it may go.
        for schema in CATALOGUE:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
    for schema in lost:
        for path in sorted((_FOLDER / "sql").glob(f"[0-9]*_{schema}.sql")):
            if path.name.partition("_")[0] <= str(reached):
                _driver(connection).execute(path.read_bytes())
    if "core" in missing and "ops" not in missing:
        _driver(connection).execute((_FOLDER / "sql" / "link_quality_checks.sql").read_bytes())
        if str(reached) >= _TRACKED_SINCE:
            _driver(connection).execute((_FOLDER / "sql" / "refill_tracked.sql").read_bytes())
    if "ops" in missing:
        _context(connection).stamp(_SCRIPTS, "head")


def run_sql_files(revision: str) -> None:
    """Run the files of one revision inside its migration, `core` before `ops`."""
    for path in sorted((_FOLDER / "sql").glob(f"{revision}_*.sql")):
        _driver(op.get_bind()).execute(path.read_bytes())


def _driver(connection: Connection) -> psycopg.Connection:
    """Return the driver's own connection, which leaves `%` and `:` in SQL as they are."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for the type checker
    return driver


@contextmanager
def _connect(url: str) -> Iterator[Connection]:
    """Open a connection of SQLAlchemy's over one of ours, with our errors."""
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: open_connection(url, tuple_row)
    )
    try:
        with engine.connect() as connection:
            yield connection
    except psycopg.Error as error:
        raise explained(error) from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise explained(error.orig) from error
        raise


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(
        connection, opts={"version_table": "schema_revision", "version_table_schema": "ops"}
    )


def _current(connection: Connection) -> str | None:
    return _context(connection).get_current_revision()


def _head() -> str | None:
    return _SCRIPTS.get_current_head()
