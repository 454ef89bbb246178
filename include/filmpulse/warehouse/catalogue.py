"""The catalogue in Postgres: its schemas, COPY, keys, the swap, and the ledger (docs/adr/0042).

`catalogue_live` holds the tables that readers see through the views of `catalogue`. A run fills
`catalogue_next` and puts that schema in the place of the live one. A dataset that is not loaded
has a view there, which stands for the live table until the swap moves the table over.

One run fills `catalogue_next` at a time, over all machines. A task of a run holds an advisory lock
while it works: loads share the lock, all other steps have it alone. Between two tasks the comment
of the schema says whose it is.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Literal, LiteralString, NamedTuple

import psycopg
from psycopg import errors, sql

from filmpulse.errors import CatalogueBusy, CatalogueRefused
from filmpulse.warehouse import Connection, Warehouse
from filmpulse.warehouse import sql as statement
from filmpulse.warehouse.statement import Command, Query, Scalar
from filmpulse.warehouse.tables import be_patient

Subset = Literal["rated", "no_episodes", "all"]
"""Which titles are kept."""

NEXT = "catalogue_next"
"""The schema that a run fills."""

_LOCK_SPACE = 0x63617461  # "cata": keeps our advisory locks apart from others


class Acceptance(NamedTuple):
    """Which subset a person chose when the person accepted a server's terms, and when (UTC)."""

    subset: Subset
    server: str
    accepted_at: datetime


class Load(NamedTuple):
    """A try to load a dataset: a row of `ops.catalogue_loads`, whose comments say what is what."""

    dataset: str
    run_id: str
    subset: Subset
    url: str
    state: str
    reason: str | None
    sentence: str | None
    etag: str | None
    modified_at: datetime | None
    file_bytes: int | None
    rows_read: int | None
    rows_kept: int | None
    rows_duplicate: int | None
    rows_left_out: int | None
    table_bytes: int | None
    copy_seconds: float | None
    started_at: datetime
    finished_at: datetime | None


class LiveTable(NamedTuple):
    """A table of the live catalogue; `bytes` counts its indexes too."""

    name: str
    description: str | None
    bytes: int


class Ended(NamedTuple):
    """How the newest try of a dataset ended in a run: columns of `ops.catalogue_loads`."""

    dataset: str
    state: str
    reason: str | None
    sentence: str | None


class _Relation(NamedTuple):
    name: str
    is_view: bool
    bytes: int


class _Key(NamedTuple):
    make_it: LiteralString
    key_columns: list[str]


accept = Command("catalogue_accept")
acceptance = Query("catalogue_acceptance", Acceptance)
withdraw = Command("catalogue_withdraw")
load_begin: Scalar[int] = Scalar("catalogue_load_begin")
load_unchanged = Command("catalogue_load_unchanged")
load_read = Command("catalogue_load_read")
load_failed = Command("catalogue_load_failed")
load_waiting: Scalar[int] = Scalar("catalogue_load_waiting")
_loads_live = Command("catalogue_loads_live")
loads_of_run = Query("catalogue_loads_of_run", Ended)
live_tables = Query("catalogue_tables", LiveTable)
_newest_loads = Query("catalogue_newest_loads", Load)
_load_done = Command("catalogue_load_done")
_loads_dropped = Command("catalogue_loads_dropped")
_owner: Scalar[str | None] = Scalar("catalogue_owner")
_worker: Scalar[int] = Scalar("catalogue_worker")
_relations = Query("catalogue_relations", _Relation)
_keys = Query("catalogue_keys", _Key)
_description: Scalar[str | None] = Scalar("catalogue_description")
_views: Scalar[str] = Scalar("catalogue_views")
_now: Scalar[str] = Scalar("catalogue_now")
_old_readers: Scalar[int] = Scalar("catalogue_old_readers")


def newest_loads(where: Warehouse | Connection, *states: str) -> dict[str, Load]:
    """Return the newest load of each dataset that is in one of the states."""
    return {load.dataset: load for load in _newest_loads(where, states=list(states))}


class Owner(NamedTuple):
    """Whose `catalogue_next` is, what the run loads, and whether all of it was built."""

    run_id: str
    subset: Subset
    datasets: list[str]
    is_built: bool = False


@contextmanager
def at_work(warehouse: Warehouse, *, alone: bool, part: str = "") -> Iterator[Connection]:
    """Work on the next catalogue while the block runs, on this connection, which commits by itself.

    Args:
        warehouse: Where the catalogue is.
        alone: Let nobody else work on it; otherwise others may that are not alone either.
        part: A dataset that nobody else may load meanwhile.

    Raises:
        CatalogueBusy: Another task works on it.
        WarehouseUnavailable: Postgres did not answer, or went away.
    """
    with warehouse.session() as connection:
        be_patient(connection)
        # If this process is killed, the server ends its statement, and so releases the lock. The
        # memory is for joins and indexes of millions of rows.
        connection.execute(
            "SET client_connection_check_interval = '5s'; SET lock_timeout = 0; "
            "SET synchronize_seqscans = off; SET work_mem = '64MB'; "
            "SET maintenance_work_mem = '128MB'",
            prepare=False,
        )
        wanted = [("pg_try_advisory_lock" if alone else "pg_try_advisory_lock_shared", "")]
        if part:
            wanted.append(("pg_try_advisory_lock", part))
        for lock, name in wanted:
            ask = sql.SQL("SELECT {}(%s, CASE %s WHEN '' THEN 0 ELSE hashtext(%s) END) AS got")
            values = [_LOCK_SPACE, name, name]
            got = connection.execute(ask.format(sql.Identifier(lock)), values).fetchone()
            if got is None or not got["got"]:
                raise CatalogueBusy(
                    f"The catalogue is being loaded{_by(connection)}, so this did not begin. Wait "
                    "for its end: `filmpulse catalogue status` shows it."
                )
        try:
            yield connection
        finally:  # the server would notice some time after the end that it may release the locks
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock_all()")


def is_worked_on(where: Warehouse | Connection) -> bool:
    """Say whether a process works on the catalogue just now."""
    return _worker.first(where, space=_LOCK_SPACE) is not None


def _by(connection: Connection) -> str:
    found = owner(connection)
    return f" by the run {found.run_id}" if found else ""


def owner(where: Warehouse | Connection) -> Owner | None:
    """Return whose the next catalogue is; None if there is none, or nobody knows."""
    told = _owner.one(where)
    try:
        return Owner(**json.loads(told or ""))
    except (ValueError, TypeError):
        return None


def check_owner(connection: Connection, run_id: str) -> Owner:
    """Return the owner of the next catalogue.

    Raises:
        CatalogueRefused: The run does not own it, or no longer (`taken_over`).
    """
    found = owner(connection)
    if found is None or found.run_id != run_id:
        by = f"the run {found.run_id} took its place" if found else "it has no tables (any more)"
        raise CatalogueRefused(
            f"This run of the catalogue is over: {by}. The catalogue that readers see is whole; "
            "start a new run if it should be newer.",
            reason="taken_over",
        )
    return found


def begin(connection: Connection, run_id: str, subset: Subset) -> None:
    """Make the next catalogue, empty; drop whatever an earlier run left."""
    clear(connection, "taken_over", f"The run {run_id} began anew, so this was dropped.")
    connection.execute(_text("catalogue_make_schema"))
    note_owner(connection, Owner(run_id, subset, []))


def note_owner(connection: Connection, noted: Owner) -> None:
    """Note whose the next catalogue is, and how far it is."""
    told = sql.Literal(json.dumps(noted._asdict()))
    connection.execute(_text("catalogue_note_owner", owner=told))


def clear(connection: Connection, reason: str, sentence: str) -> None:
    """Drop the next catalogue, and what is left of the one before; note why in the ledger."""
    connection.execute(_text("catalogue_clear"))
    _loads_dropped(connection, reason=reason, sentence=sentence)


def is_filled(connection: Connection, table: str) -> bool:
    """Say whether a live table holds a row."""
    row = connection.execute(_text("catalogue_is_filled", table=sql.Identifier(table))).fetchone()
    return row is not None and bool(row["is_filled"])


def stand_in(connection: Connection, table: str) -> None:
    """Let the next catalogue have the rows of a live table."""
    connection.execute(_text("catalogue_stand_in", table=sql.Identifier(table)))


def make_table(connection: Connection, table: str) -> None:
    """Make a table of the next catalogue, empty and without keys, as the live one is defined."""
    described = {live.name: live.description for live in live_tables(connection)}
    connection.execute(
        _text(
            "catalogue_make_table",
            table=sql.Identifier(table),
            description=sql.Literal(described[table]),
        )
    )


def make_raw(connection: Connection, table: str) -> str:
    """Make a table for all rows of a dataset of which a part is kept; return its name."""
    raw = f"raw_{table}"
    connection.execute(
        _text("catalogue_make_raw", table=sql.Identifier(table), raw=sql.Identifier(raw))
    )
    return raw


def drop_table(connection: Connection, *tables: str) -> None:
    """Drop tables of the next catalogue, if they are there."""
    names = sql.SQL(", ").join(sql.Identifier("catalogue_next", table) for table in tables)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(names))


class Rows:
    """The rows of a file as they come: blocks of bytes, which end anywhere.

    Attributes:
        count: How many rows were given so far.
        is_done: Whether all were given.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Keep the blocks; nothing is read yet."""
        self._blocks = iter(blocks)
        self._rest = b""
        self._ends_open = False
        self.count = 0
        self.is_done = False

    def part(self, most_bytes: int | None = None) -> Iterator[bytes]:
        """Give whole rows of about so many bytes; all that are left if no size is given.

        Blocks pass as they are, but for the one in which a part ends, and for carriage returns,
        which COPY takes only within quotes.

        Raises:
            CatalogueRefused: A row holds the character 1, which COPY takes for a quote (`bad_row`).
        """
        given = 0
        while block := self._rest or next(self._blocks, b""):
            self._rest = b""
            given += len(block)
            is_last = most_bytes is not None and given >= most_bytes
            if is_last and (end := block.rfind(b"\n") + 1):
                block, self._rest = block[:end], block[end:]
            self._look_at(block)
            yield block.replace(b"\r", b"\x01\r\x01")
            if is_last and not self._ends_open:
                return
        self.is_done = True
        self.count += self._ends_open

    def _look_at(self, block: bytes) -> None:
        if b"\x01" in block:
            line = self.count + block[: block.index(b"\x01")].count(b"\n") + _HEADER + 1
            raise CatalogueRefused(
                f"Line {line:,} holds the character 1, which could not be stored as it is.",
                reason="bad_row",
            )
        self.count += block.count(b"\n")
        self._ends_open = not block.endswith(b"\n")


_HEADER = 1  # the line of the file that is no row


def copy_rows(
    connection: Connection, table: str, rows: Rows, most_bytes: int | None = None
) -> None:
    """Add the rows of a part (`Rows.part`) to a table of the next catalogue.

    Raises:
        CatalogueRefused: A row does not fit the table (`bad_row`), or rows are lost on the way
            (`broken_file`).
    """
    before = rows.count
    cursor = connection.cursor()
    try:
        with cursor.copy(_text("catalogue_copy", table=sql.Identifier(table))) as copy:
            for block in rows.part(most_bytes):
                copy.write(block)
    except (psycopg.DataError, errors.NotNullViolation, errors.CheckViolation) as error:
        raise CatalogueRefused(_bad_row(error, before), reason="bad_row") from error
    if cursor.rowcount != rows.count - before:
        raise CatalogueRefused(
            f"Of {rows.count - before:,} rows after line {before + _HEADER:,} Postgres took "
            f"{cursor.rowcount:,}: a line holds nothing but \\., which ends a file.",
            reason="broken_file",
        )


def _bad_row(error: psycopg.Error, rows_before: int) -> str:
    """Say which line and column do not fit, and why; Postgres may say it in any language."""
    where = re.search(r",\D*(\d+)(?:,\s*\S+\s+(\w+))?", error.diag.context or "")
    line = f"Line {int(where[1]) + rows_before + _HEADER:,}" if where else "A line"
    column = f", column {where[2]}," if where and where[2] else ""
    return f"{line}{column} does not fit: {(error.diag.message_primary or str(error))[:300]}."


Keep = Literal["no_episodes", "of_titles", "people"]


def keep(connection: Connection, how: Keep, table: str, raw: str, titles: str, column: str) -> int:
    """Copy the rows of a subset from a raw table to its table, in the order of the file.

    Args:
        connection: Of `at_work`.
        how: Titles that are no episodes; rows of kept titles; or people of kept titles.
        table: Where to.
        raw: Where from.
        titles: The table whose `tconst` are the kept titles.
        column: The raw table's id of the title.

    Returns:
        How many rows were copied.
    """
    names = {"table": table, "raw": raw, "titles": titles, "column": column}
    statements: dict[Keep, LiteralString] = {
        "no_episodes": "catalogue_keep_no_episodes",
        "of_titles": "catalogue_keep_of_titles",
        "people": "catalogue_keep_people",
    }
    connection.execute(
        sql.SQL("ANALYZE {}").format(sql.Identifier("catalogue_next", raw))
    )  # the planner knows nothing of a new table
    known = {name: sql.Identifier(value) for name, value in names.items()}
    return connection.execute(_text(statements[how], **known)).rowcount


def empty(connection: Connection, table: str) -> None:
    """Drop the rows of a table of the next catalogue."""
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier("catalogue_next", table)))


def finish(connection: Connection, table: str) -> int:
    """Make keys and indexes of a table as the live one has them, and statistics.

    Only if a key cannot be made are rows compared: the first one of each key stays.

    Returns:
        How many rows were dropped because their key had come before.
    """
    dropped = 0
    for key in _keys(connection, table=table):
        try:
            connection.execute(key.make_it)
        except errors.UniqueViolation:
            if not key.key_columns:
                raise
            columns = sql.SQL(", ").join(map(sql.Identifier, key.key_columns))
            drop = _text("catalogue_drop_duplicates", table=sql.Identifier(table), columns=columns)
            dropped += connection.execute(drop).rowcount
            connection.execute(key.make_it)
    connection.execute(
        sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier("catalogue_next", table))
    )
    return dropped


def finish_load(connection: Connection, load_id: int, table: str, rows: int) -> None:
    """Make keys and indexes of a table (`finish`), and note in the ledger that it is ready.

    Args:
        connection: Of `at_work`.
        load_id: The load.
        table: Its table.
        rows: How many rows were put into it.
    """
    duplicates = finish(connection, table)
    sizes = {relation.name: relation.bytes for relation in _relations(connection)}
    _load_done(
        connection, load_id=load_id, rows_kept=rows - duplicates, rows_duplicate=duplicates,
        table_bytes=sizes[table],
    )  # fmt: skip


def fill(connection: Connection, table: Literal["title_genres", "credits"]) -> None:
    """Fill a table that is made of the datasets."""
    steps: Mapping[str, Sequence[LiteralString]] = {
        "title_genres": ["catalogue_fill_genres"],
        "credits": ["catalogue_fill_crew", "catalogue_fill_cast"],
    }
    for step in steps[table]:
        connection.execute(_text(step))


def missing_tables(connection: Connection) -> list[str]:
    """Name the live tables of which the next catalogue has neither a table nor a view."""
    there = {relation.name for relation in _relations(connection)}
    return [table.name for table in live_tables(connection) if table.name not in there]


SWAP_PATIENCE_SECONDS = 1_800.0
"""How long the swap tries to find a moment without readers."""
DROP_PATIENCE_SECONDS = 60.0
"""How long a drop does, for which a person waits."""
_PAUSE_SECONDS = 1.0
OLD_READERS_SECONDS = 300.0
"""How long the swap waits for transactions that began before the new rows and read only what there
was then. A backup is one, may take hours, and does not read the catalogue."""


def swap(connection: Connection, run_id: str) -> float:
    """Put the next catalogue in the place of the live one, in one transaction, and drop the old.

    A reader who holds a view makes this wait and try again; other readers are held up for as long
    as a try takes: a fifth of a second for all locks, then a few changes of names.

    Returns:
        How long readers could not begin to read, in seconds.

    Raises:
        CatalogueBusy: Readers held views for all of `SWAP_PATIENCE_SECONDS`.
    """
    _wait_for_old_readers(connection)
    shown = _views(connection)
    there = [found.name for found in _relations(connection) if not found.is_view]
    if left := [name for name in there if name not in shown]:  # rows that were chosen from
        drop_table(connection, *left)
    took = _in_a_moment(
        connection, SWAP_PATIENCE_SECONDS, lambda: _show(connection, run_id, shown, there),
        "the new one could not be shown. End the transaction that holds it; then try the task "
        "`swap` again, or begin anew with `filmpulse catalogue refresh`",
    )  # fmt: skip
    drop_rest(connection)
    return took


def _wait_for_old_readers(connection: Connection) -> None:
    since, began = _now.one(connection), time.monotonic()
    while _old_readers.one(connection, since=since):
        if time.monotonic() - began > OLD_READERS_SECONDS:
            break
        time.sleep(_PAUSE_SECONDS)


def _show(connection: Connection, run_id: str, shown: list[str], ready: list[str]) -> None:
    for table in shown:
        if table not in ready:
            connection.execute(_text("catalogue_move_table", table=sql.Identifier(table)))
    described = sql.Literal(_description.one(connection))
    connection.execute(_text("catalogue_swap", description=described))
    for table in shown:
        connection.execute(_text("catalogue_show", table=sql.Identifier(table)))
    _loads_live(connection, run_id=run_id)


def _in_a_moment(
    connection: Connection, patience_seconds: float, change: Callable[[], None], so: str
) -> float:
    """Change the live catalogue in one transaction, at a moment when nobody reads it.

    Args:
        connection: Of `at_work`.
        patience_seconds: How long to look for such a moment.
        change: What to do in the transaction.
        so: What it means that there was none, for a person.

    Returns:
        How long readers could not begin to read, in seconds.

    Raises:
        CatalogueBusy: There was no such moment.
    """
    began = time.monotonic()
    while True:
        tried = time.monotonic()
        try:
            with connection.transaction():
                _lock_views(connection)
                change()
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if time.monotonic() - began > patience_seconds:
                raise CatalogueBusy(
                    f"Somebody has read the catalogue for {patience_seconds / 60:g} minutes "
                    f"without a pause, so {so}."
                ) from error
            time.sleep(_PAUSE_SECONDS)
        else:
            return time.monotonic() - tried


def _lock_views(connection: Connection) -> None:
    views = [sql.Identifier("catalogue", name) for name in _views(connection)]
    connection.execute(_text("catalogue_limit_locks"))
    try:
        connection.execute(_text("catalogue_locks", views=sql.SQL(", ").join(views)))
    except errors.QueryCanceled as error:
        raise errors.LockNotAvailable("Not all views could be locked in time.") from error
    connection.execute(_text("catalogue_lift_limit"))


def drop_rest(connection: Connection) -> None:
    """Drop all but the live catalogue; if somebody reads that, leave it to the next run."""
    connection.execute("SET lock_timeout = '30s'")
    with suppress(errors.LockNotAvailable):
        connection.execute(_text("catalogue_clear"))


def drop(connection: Connection) -> None:
    """Withdraw the acceptance, drop all rows of the live catalogue and what a load left.

    It is one transaction: all of it or nothing. Readers are held up as by `swap`.

    Raises:
        CatalogueBusy: Readers held views for all of `DROP_PATIENCE_SECONDS`.
    """

    def change() -> None:
        withdraw(connection)
        tables = [sql.Identifier("catalogue_live", name) for name in _views(connection)]
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        clear(connection, "dropped", "The catalogue was dropped.")

    _in_a_moment(
        connection, DROP_PATIENCE_SECONDS, change,
        "nothing was dropped. End the transaction that holds it, then drop it again",
    )  # fmt: skip


def _text(name: LiteralString, **names: sql.Composable) -> sql.Composed:
    return sql.SQL(statement(name)).format(**names)
