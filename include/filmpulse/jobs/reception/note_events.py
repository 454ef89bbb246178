"""Events that people note about a movie, shown on its time axis beside the release."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from psycopg.errors import ForeignKeyViolation

from filmpulse.errors import BadInput
from filmpulse.items import is_imdb_id
from filmpulse.jobs.context import Context
from filmpulse.warehouse import movies
from filmpulse.warehouse.movies import Event

LONGEST_LABEL = 80
"""Characters of a label: so many fit beside a line in a chart, and the column takes no more."""

FIRST_DAY, LAST_DAY = date(1870, 1, 1), date(2199, 12, 31)
"""No film is older, and a slip in the year would stretch the time axis over centuries."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BREAKS = {"Cc", "Cs", "Zl", "Zp"}  # controls, halves of characters, line and paragraph ends
_VISIBLE = set("LNPS")  # letters, numbers, punctuation, symbols


def add_event(imdb_id: str, day: str, label: str, context: Context) -> bool:
    """Note an event of a movie on a day (YYYY-MM-DD); return whether it is new.

    Raises:
        BadInput: Id, day or label cannot be used, or the movie was never looked at.
    """
    event = _event(imdb_id, day, label)
    try:
        return bool(movies.add_event(context.warehouse, **event))
    except ForeignKeyViolation as error:
        raise _unknown(imdb_id) from error


def remove_event(imdb_id: str, day: str, label: str, context: Context) -> None:
    """Take back an event that `add_event` noted.

    Raises:
        BadInput: There is no such event.
    """
    event = _event(imdb_id, day, label)
    if not movies.remove_event(context.warehouse, **event):
        raise BadInput(
            f"{imdb_id} has no event {event['label']!r} on {event['happened_on']}: "
            f"`filmpulse events list {imdb_id}` shows those that it has."
        )


def list_events(context: Context, imdb_id: str | None = None) -> list[Event]:
    """Return the events that people noted, of one movie or of all, by movie and day.

    Raises:
        BadInput: The movie was never looked at.
    """
    if imdb_id is not None:
        _check_id(imdb_id)
        if not movies.known_movies(context.warehouse, imdb_ids=[imdb_id]):
            raise _unknown(imdb_id)
    return movies.list_events(context.warehouse, imdb_id=imdb_id)


def _event(imdb_id: str, day: str, label: str) -> dict[str, str | date]:
    _check_id(imdb_id)
    return {"imdb_id": imdb_id, "happened_on": _read_day(day), "label": _read_label(label)}


def _check_id(imdb_id: str) -> None:
    if not is_imdb_id(imdb_id):
        raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {imdb_id[:80]!r}.")


def _read_day(given: str) -> date:
    try:
        day = date.fromisoformat(given) if _DAY.fullmatch(given) else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise BadInput(f"No day (YYYY-MM-DD, {FIRST_DAY.year} to {LAST_DAY.year}): {given[:80]!r}.")
    return day


def _read_label(given: str) -> str:
    label = unicodedata.normalize("NFC", given.strip())
    kinds = [unicodedata.category(character) for character in label]
    if not any(kind[0] in _VISIBLE for kind in kinds):
        raise BadInput("An event needs a label that says what happened, such as 'Festival'.")
    if _BREAKS.intersection(kinds):
        raise BadInput("A label is one line of text, without control characters.")
    if len(label) > LONGEST_LABEL:
        raise BadInput(f"A label has at most {LONGEST_LABEL} characters, this one {len(label)}.")
    return label


def _unknown(imdb_id: str) -> BadInput:
    return BadInput(
        f"{imdb_id} is not in the warehouse: `filmpulse movies add {imdb_id}` has it looked at "
        f"within the hour, `filmpulse collect {imdb_id}` at once."
    )
