"""What visitors of Superset are held to: tries to log in, room for filters, no lists of users.

Runs inside a request. Who may open what is the security manager's (`superset_config.py`).
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
"""How long a request that stores the state of a dashboard's filters may be."""
MOST_STATES = 1_000
"""How many states are kept, of all users together; the oldest go."""

_FILTER_STATES = "DashboardFilterStateRestApi."
# Such states are all that Superset keeps under this name: the chart editor's lie in files.
_DROP_OLD = """
    DELETE FROM key_value WHERE resource = 'superset_metastore_cache' AND (
        expires_on < :now OR id NOT IN (
            SELECT id FROM key_value WHERE resource = 'superset_metastore_cache'
            ORDER BY id DESC LIMIT :most
        )
    )
"""


def must_wait(name: str) -> bool:
    """Book a try to log in; say whether this name must wait, and note how long for the answer."""
    with db.engine.begin() as connection:
        g.log_in_wait = waits.take(connection, name, request.remote_addr or "")
    if g.log_in_wait and not request.is_json:
        flash(_sentence(g.log_in_wait), "danger")
    return bool(g.log_in_wait)


def was_right(name: str) -> None:
    """End the count of wrong passwords."""
    with db.engine.begin() as connection:
        waits.forget(connection, name, request.remote_addr or "")


def tell_the_wait(response: Response) -> Response:
    """Say in the answer to a refused log-in how long to wait; the page shows a message instead."""
    if seconds := g.get("log_in_wait"):
        response.headers["Retry-After"] = str(seconds)
        if request.is_json:
            response.status_code = 429
            response.set_data(json.dumps({"message": _sentence(seconds)}))
    return response


def _sentence(seconds: int) -> str:
    return f"Too many wrong passwords for this name: try again in {seconds} seconds."


def refuse_long_filter_state() -> None:
    """Answer 413 to a state of filters that is too long, before Superset reads it.

    Raises:
        RequestEntityTooLarge: It is.
    """
    if _stores_filter_state():
        request.max_content_length = 256 * MOST_BYTES  # of what is longer nothing is read
        # A body that is left unread costs the client its connection.
        if len(request.get_data()) > MOST_BYTES:
            abort(413)


def drop_old_filter_states(response: Response) -> None:
    """Keep the newest states alone, after one more was stored."""
    if _stores_filter_state() and response.status_code < 300:
        with db.engine.begin() as connection:
            now = datetime.now()  # noqa: DTZ005 - as Superset writes `expires_on`
            connection.execute(text(_DROP_OLD), {"now": now, "most": MOST_STATES})


def hide_choices(response: Response) -> None:
    """Empty the lists of users, roles and the like that an editor chooses from (`related/owners`).

    Who writes no charts needs none of them, and a user's entry holds name and address. Superset's
    own filter on such lists (EXTRA_RELATED_QUERY_FILTERS) does not cover `include_ids` (6.1.0).
    """
    if (
        (request.endpoint or "").endswith(".related")
        and response.status_code == 200
        and not security_manager.can_access("can_write", "Chart")
    ):
        response.set_data(json.dumps({"count": 0, "result": []}))


def _stores_filter_state() -> bool:
    return request.method in ("POST", "PUT") and (request.endpoint or "").startswith(_FILTER_STATES)
