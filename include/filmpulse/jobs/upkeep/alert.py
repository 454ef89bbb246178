"""Tell people what is wrong: each cause once, and once when it is over (docs/adr/0037).

A cause is told when a service took its message, and not before: a message that failed to go is
tried again at the next look, and a worker that is killed between sending and noting leaves it to be
sent once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from psycopg.errors import LockNotAvailable

from filmpulse import warehouse as wh
from filmpulse.jobs.context import Context
from filmpulse.jobs.upkeep.find_causes import (
    OWN_CAUSES,
    Key,
    Run,
    failed_unexplained,
    find_causes,
    is_judged,
)
from filmpulse.jobs.upkeep.word_alert import Message, alert_message, end_message
from filmpulse.warehouse import alerts

log = logging.getLogger(__name__)

PATIENCE = "20s"
"""How long one worker waits for another that looks and tells, as Postgres writes it. Airflow's DAG
processor gives a callback 50 s."""

Send = Callable[[Message], bool]
"""Sends a message; tells whether a service took it."""

Told = dict[str, str]
"""A cause that was told while the warehouse did not answer: cause, subject, since, run_url."""


def alert(run: Run, context: Context, send: Send, carried: Sequence[Told] = ()) -> None:
    """Look what is wrong after a run, tell what is new, and tell what is over.

    Workers take turns. `carried` is what was told while the warehouse did not answer; it is noted
    even if the turn does not come, and so is the failure of the run.

    Raises:
        WarehouseUnavailable: Postgres did not answer; what was told so far is noted.
        BadInput: The database is not set up for this version.
    """
    with context.warehouse.session() as connection:
        for told in carried:
            alerts.carry(connection, **told)
        has_failed = failed_unexplained(run, connection)
        if has_failed:
            alerts.begin(connection, **run.key._asdict(), run_url=run.url)
        try:
            alerts.take_turn(connection, patience=PATIENCE)
        except LockNotAvailable:
            log.info("Another worker is telling what is wrong; the next look tells the rest.")
            return
        held = {
            Key(one.cause, one.subject): one.alert_id
            for one in alerts.unsettled(connection)
            if one.ended_at is None
        }
        found = find_causes(context, connection, held)
        if has_failed:
            found[run.key] = []
        over = [held[key] for key in held if key not in found and is_judged(key, run)]
        with connection.transaction():
            new = [key._asdict() | {"run_url": run.url} for key in found]
            alerts.begin.many(connection, new)
            alerts.end(connection, alert_ids=over)
        _tell(run, connection, found, send)


def alert_without_warehouse(run: Run, told: Sequence[Told], send: Send) -> list[Told]:
    """Tell that the warehouse cannot be read, and that this run failed if that has its own name.

    `told` is what was told so before and is not told again; return it with what was told now. The
    first look at the warehouse takes it over (`alert`), and tells when each is over.
    """
    causes = [Key("warehouse_down")]
    if not run.succeeded and run.dag_id in OWN_CAUSES:
        causes.append(run.key)
    known = {Key(one["cause"], one["subject"]) for one in told}
    now = datetime.now(UTC)
    return [
        *told,
        *(
            {**key._asdict(), "since": now.isoformat(), "run_url": run.url}
            for key in causes
            if key not in known and send(alert_message(*key, now, run.url))
        ),
    ]


def _tell(
    run: Run, connection: wh.Connection, found: Mapping[Key, Sequence[str]], send: Send
) -> None:
    """Tell what is not told yet, oldest first; stop if no service takes a message."""
    for one in alerts.unsettled(connection):
        key = Key(one.cause, one.subject)
        if one.ended_at is not None:
            message = end_message(*key, one.since, one.ended_at, run.url)
            note = alerts.note_end_told
        elif one.told_at is None:
            message = alert_message(*key, one.since, one.run_url, found.get(key, ()))
            note = alerts.note_told
        else:
            continue
        if not send(message):
            log.warning("No service took an alert; the next look sends what is left.")
            return
        note(connection, alert_id=one.alert_id)
