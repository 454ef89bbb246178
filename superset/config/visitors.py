"""Limits for visitors of Superset: log-in tries, size of filter states, no lists of users.

Runs inside a request. The security manager in `superset_config.py` decides who may open what.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from flask import abort, flash, g, request
from sqlalchemy import text
from superset.extensions import db, security_manager

import waits

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

MOST_BYTES = 65_536
"""The longest request that stores the state of a dashboard's filters."""
MOST_STATES = 1_000
"""The number of states that are kept, of all users together; the oldest are dropped."""

_FILTER_STATES = "DashboardFilterStateRestApi."
# Superset keeps only such states under this name; those of the chart editor lie in files.
_DROP_OLD = """
    DELETE FROM key_value WHERE resource = 'superset_metastore_cache' AND (
        expires_on < :now OR id NOT IN (
            SELECT id FROM key_value WHERE resource = 'superset_metastore_cache'
            ORDER BY id DESC LIMIT :most
        )
    )
"""


def must_wait(name: str) -> bool:
    """Count a try to log in; say whether this name must wait, and store the time for the answer."""
    with db.engine.begin() as connection:
        g.log_in_wait = waits.take(connection, name, request.remote_addr or "")
    if g.log_in_wait and not request.is_json:
        flash(_sentence(g.log_in_wait), "danger")
    return bool(g.log_in_wait)


def was_right(name: str) -> None:
    """End the count of wrong passwords of a name."""
    with db.engine.begin() as connection:
        waits.forget(connection, name, request.remote_addr or "")


def tell_the_wait(response: Response) -> Response:
    """Add the waiting time to the answer of a refused log-in; the page shows a message instead."""
    if seconds := g.get("log_in_wait"):
        response.headers["Retry-After"] = str(seconds)
        if request.is_json:
            response.status_code = 429
            response.set_data(json.dumps({"message": _sentence(seconds)}))
    return response


def _sentence(seconds: int) -> str:
    return f"Too many wrong passwords for this name: try again in {seconds} seconds."


def refuse_long_filter_state() -> None:
    """Answer 413 to a filter state that is too long, before Superset reads it."""
    if _stores_filter_state():
        request.max_content_length = 256 * MOST_BYTES  # a longer body is not read at all
        # Read the others: an unread body ends the client's connection.
        if len(request.get_data()) > MOST_BYTES:
            abort(413)


def drop_old_filter_states(response: Response) -> None:
    """Drop the oldest states after a new one was stored."""
    if _stores_filter_state() and response.status_code < 300:
        with db.engine.begin() as connection:
            now = datetime.now()  # noqa: DTZ005 - as Superset writes `expires_on`
            connection.execute(text(_DROP_OLD), {"now": now, "most": MOST_STATES})


def hide_choices(response: Response) -> None:
    """Empty the lists of users, roles and the like that an editor chooses from (`related/owners`).

    People who may not write charts do not need these lists, and entries of users hold names and
    addresses. Superset's own filter (EXTRA_RELATED_QUERY_FILTERS) misses `include_ids` (6.1.0).
    """
    if (
        (request.endpoint or "").endswith(".related")
        and response.status_code == 200
        and not security_manager.can_access("can_write", "Chart")
    ):
        response.set_data(json.dumps({"count": 0, "result": []}))


def _stores_filter_state() -> bool:
    return request.method in ("POST", "PUT") and (request.endpoint or "").startswith(_FILTER_STATES)
