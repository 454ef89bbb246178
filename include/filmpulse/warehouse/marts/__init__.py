"""The marts: the schema `mart`, one file per view or function, made anew whenever a file changed.

A file is named after the view or function that it makes. It holds its indexes and comments
(docs/adr/0033). A column that it does not comment on has the comment of `column_comments.toml`,
which holds what views share, or else that of the table with the view's name. Functions are written
in the new style (`RETURN ...`): so Postgres binds names when the function is made, and knows what
depends on what.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import LiteralString

import psycopg
from psycopg import errors
from psycopg import sql as identifiers
from psycopg.types.json import Jsonb

from filmpulse.warehouse import open_connection, sql

log = logging.getLogger(__name__)

_LOCK = 0x6D617274  # "mart": two setups at once take turns
_TURN = "15min"  # how long to wait for another setup
_PATIENCE = "30s"  # how long to wait for readers of the old views
_OLD = "mart_before_"


def text(name: LiteralString) -> LiteralString:
    """Return the SQL that makes one view or function."""
    return (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")


def _order() -> tuple[LiteralString, ...]:
    names = sorted(
        file.name.removesuffix(".sql")
        for file in files(__name__).iterdir()
        if file.name.endswith(".sql")
    )
    order = TopologicalSorter[LiteralString]()
    for name in names:
        named = set(re.findall(r"\bmart\.(\w+)", text(name))) - {name}
        order.add(name, *sorted(named.intersection(names)))
    return tuple(order.static_order())


ORDER = _order()
"""The files in the order in which they run: each after those that it names; always the same."""


def shared_comments() -> str:
    """Return `column_comments.toml`: what a column means where its view does not comment on it."""
    return (files(__name__) / "column_comments.toml").read_text(encoding="utf-8")


@cache
def description() -> LiteralString:
    """Return the comment of the schema: its purpose, and a hash of all files in order."""
    made_from = "\0".join([*map(text, ORDER), shared_comments()])
    digest = hashlib.sha256(made_from.encode()).hexdigest()
    return f"Views: all that Superset may read. Made from {digest[:16]}."


def are_current(connection: psycopg.Connection) -> bool:
    """Say whether the database holds every view and function of this version's marts."""
    row = connection.execute(sql("marts_standing")).fetchone()
    return row is not None and row[0] == description() and set(ORDER) <= set(row[1])


def remake(url: str) -> bool:
    """Make the marts anew if they are not those of this version; return whether that was so.

    Readers never wait: the new schema is built beside the old one, and takes its name when the
    transaction ends. If somebody else put a view into the old schema, or
    made one that reads from it, that view is dropped with the old schema.

    Args:
        url: `postgresql://` address of the owner of the database, which is migrated.

    Raises:
        WarehouseUnavailable: Postgres could not be reached.
        psycopg.Error: Another setup took a quarter of an hour, or a file cannot be run. The old
            marts stay.
    """
    with open_connection(url, row_factory=psycopg.rows.tuple_row, autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = '{_TURN}'")
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        is_old = not are_current(connection)
        if is_old:
            with connection.transaction():
                _build(connection)
        _drop_old(connection)
    return is_old


def _build(connection: psycopg.Connection) -> None:
    """Put the old schema aside and make a new one."""
    row = connection.execute("SELECT to_regnamespace('mart')::oid").fetchone()
    if row and row[0]:
        old = identifiers.Identifier(f"{_OLD}{row[0]}")
        connection.execute(identifiers.SQL("ALTER SCHEMA mart RENAME TO {}").format(old))
    connection.execute("CREATE SCHEMA mart")
    for name in ORDER:
        connection.execute(text(name))
    for view, column, comment in connection.execute(
        sql("marts_shared_comments"), {"shared": Jsonb(tomllib.loads(shared_comments()))}
    ).fetchall():
        place = identifiers.Identifier("mart", view, column)
        said = identifiers.Literal(comment)
        connection.execute(identifiers.SQL("COMMENT ON COLUMN {} IS {}").format(place, said))
    connection.execute(
        identifiers.SQL("COMMENT ON SCHEMA mart IS {}").format(identifiers.Literal(description()))
    )
    connection.execute(sql("grants"))


def _drop_old(connection: psycopg.Connection) -> None:
    """Drop schemas that this setup or an interrupted one put aside.

    If somebody still reads from a schema, it is left for the next setup.
    """
    connection.execute(f"SET lock_timeout = '{_PATIENCE}'")
    names = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [_OLD]
    ).fetchall()
    for (name,) in names:
        drop = identifiers.SQL("DROP SCHEMA {} CASCADE").format(identifiers.Identifier(name))
        try:
            connection.execute(drop)
        except errors.LockNotAvailable:
            log.warning("Somebody still reads %s: the next `filmpulse setup` drops it.", name)
