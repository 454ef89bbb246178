"""What the message of a cause says: title, examples, what to do, where to look.

A message holds no text of a review, no error text and no secret: only words of ours, ids, counts,
and titles of movies, which are made harmless.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

RUNBOOK = "docs/runbooks/alerts.md"
MOST_EXAMPLES = 5
MOST_TITLE = 80
"""Most characters of a movie's title that a message shows."""


class Message(NamedTuple):
    """A message for people, in plain text; `level` is one of Apprise's types of messages."""

    title: str
    body: str
    level: Literal["info", "success", "warning", "failure"]


class _Words(NamedTuple):
    """How a cause is told; `title` names the subject."""

    title: str
    advice: str
    level: Literal["warning", "failure"] = "failure"


CAUSES: Mapping[str, _Words] = {
    "movie_failed": _Words(
        "movies could not be read ({subject})",
        "Open the run: its last task names each movie and why. not_found: correct the id in "
        "tracked_movies. Anything else is tried again by itself, within a day.",
    ),
    "layout_changed": _Words(
        "a page has changed ({subject})",
        "The pages are in the lake's quarantine/. Nothing false was stored; these movies get no "
        "new reviews before the reader is mended. Until then import saved pages.",
    ),
    "host_blocked": _Words(
        "a site refuses ({subject})",
        "Nothing, at first: all requests to it rest until the pause is over. If this stays for "
        "days, track fewer movies, raise FILMPULSE_REQUEST_GAP_SECONDS, or import saved pages.",
        "warning",
    ),
    "budget_reached": _Words(
        "reviews wait for money ({subject})",
        "Raise the Variable llm_budget_usd_per_day or FILMPULSE_LLM_BUDGET_USD_PER_RUN, or wait: "
        "analyse_backlog takes up each day what the budgets cover.",
        "warning",
    ),
    "check_failed": _Words(
        "a data check fails ({subject})",
        "Compare one review of such a movie with its site, as docs/runbooks/data_quality.md says.",
    ),
    "backup_failed": _Words(
        "the backup failed",
        "The log of the run's failed task says why. Mend that, then start warehouse_backup again: "
        "until it succeeds the newest backup is the one before.",
    ),
    "drill_failed": _Words(
        "the restore drill failed",
        "Do not rely on the newest backup before restore_drill succeeds; the log of its failed "
        "task says what differs.",
    ),
    "disk_short": _Words(
        "the disk is nearly full ({subject})",
        "Free some: old logs of Airflow first. Postgres and the lake stop when it is full.",
    ),
    "model_ending": _Words(
        "the model ends soon ({subject})",
        "Choose another model (FILMPULSE_LLM_MODEL, or the Connection filmpulse_llm) before that "
        "day. `filmpulse analyse --estimate` says what reading all reviews anew would cost.",
        "warning",
    ),
    "model_unusable": _Words(
        "the model scores nothing ({subject})",
        "The run's last task says what the endpoint answers. `filmpulse doctor` tests key and "
        "model. unusable_answers: choose a model that follows the form. Mended, the next "
        "analyse_backlog takes up what was left.",
    ),
    "run_failed": _Words(
        "a run failed ({subject})",
        "Open the run; the log of its failed task says why, and docs/runbooks/ has a page for "
        "each DAG. Mended, start a new run.",
    ),
    "warehouse_down": _Words(
        "the warehouse cannot be read",
        "Is Postgres up? `filmpulse doctor` says what is missing. Nothing that was committed is "
        "lost; runs go on by themselves once it answers.",
    ),
}
"""Every cause, and how it is told; the runbook has a section for each."""

TEST = Message(
    "Filmpulse: a test message",
    "Alerts reach you here. Nothing is wrong: `filmpulse doctor --alert-test` sent this.",
    "info",
)


def alert_message(
    cause: str, subject: str, since: datetime, run_url: str, examples: Sequence[str] = ()
) -> Message:
    """Say what is wrong since when (UTC), with some examples, and what to do."""
    words = CAUSES[cause]
    more = len(examples) - MOST_EXAMPLES
    lines = [
        f"Since {since:%Y-%m-%d %H:%M} UTC.",
        *(f"- {example}" for example in examples[:MOST_EXAMPLES]),
        *([f"and {more:,} more"] if more > 0 else []),
        "",
        f"What to do: {words.advice}",
        f"More: {RUNBOOK}#{cause}",
        f"Run: {run_url}",
    ]
    return Message(_title(words, subject), "\n".join(lines), words.level)


def end_message(
    cause: str, subject: str, since: datetime, ended_at: datetime, run_url: str
) -> Message:
    """Say that a cause is over (times in UTC)."""
    body = (
        f"This is over. It held from {since:%Y-%m-%d %H:%M} to {ended_at:%Y-%m-%d %H:%M} UTC.\n"
        f"Run: {run_url}"
    )
    return Message(_title(CAUSES[cause], subject, "well again: "), body, "success")


def harmless(text: str) -> str:
    """Make a text from outside one short line that no chat or mail takes for more than a text.

    What calls people, opens a link or turns the direction of writing is replaced or dropped; other
    markup is escaped by Apprise, for each service in its own way.
    """
    spaced = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    shown = "".join(c for c in spaced if unicodedata.category(c) != "Cf").translate(_HARMLESS)
    shown = _DOT_IN_NAME.sub("\u2024", shown.replace("://", " "))
    return shown if len(shown) <= MOST_TITLE else f"{shown[: MOST_TITLE - 1]}\u2026"


_HARMLESS = str.maketrans({"@": "\uff20", "<": "\u2039", ">": "\u203a", "`": "'"})
_DOT_IN_NAME = re.compile(r"(?<=\w)\.(?=\w)")  # else a name such as `evil.example` becomes a link


def _title(words: _Words, subject: str, prefix: str = "") -> str:
    return f"Filmpulse: {prefix}{words.title.format(subject=subject)}"
