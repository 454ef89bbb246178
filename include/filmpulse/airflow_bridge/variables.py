"""The Variable of tracked movies, outside a task (the command line, the web server)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from filmpulse.errors import AirflowUnavailable, BadInput
from filmpulse.jobs import Changed

TRACKED_MOVIES = "tracked_movies"
ENVIRONMENT = "AIRFLOW_VAR_TRACKED_MOVIES"
"""Where the Variable is set, Airflow reads no stored one."""

DESCRIPTION = "IMDb ids of the movies to track, as a JSON list"

_is_ours = ContextVar("is_ours", default=False)
"""Whether this thread, or task of a loop, says itself what Airflow's database answers."""


def read_variable() -> str:
    """Read `tracked_movies` as it is stored; raise AirflowUnavailable if its database is away."""
    from airflow.models import Variable

    with metadata_answers():
        return str(Variable.get(TRACKED_MOVIES, default_var="[]"))


def change_variable(change: Callable[[str], Changed]) -> Changed:
    """Change which movies are tracked; of two changes at once none is lost. Return what it did.

    Args:
        change: Given the text that the Variable holds, changes the table and returns the text to
            store. Its errors are passed on, and the Variable stays.

    Raises:
        AirflowUnavailable: Airflow's database is not there.
        BadInput: The environment sets the Variable.
    """
    from airflow.models import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    if ENVIRONMENT in os.environ:
        raise BadInput(
            f"{ENVIRONMENT} in the environment says which movies are tracked: change it there, or "
            "take it away."
        )
    with metadata_answers():
        _ensure_variable()
        with create_session() as session:
            this = Variable.key == TRACKED_MOVIES
            # The lock: any database makes a second writer of the row wait until the first is done.
            session.execute(update(Variable).where(this).values(key=Variable.key))
            row = session.scalars(select(Variable).where(this)).one()
            made = change(str(row.get_val()))  # type: ignore[no-untyped-call]
            Variable.set(TRACKED_MOVIES, made.variable, description=DESCRIPTION, session=session)
            return made


def _ensure_variable() -> None:
    """Make the row if there is none, so that there is one to lock."""
    from airflow.models import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import IntegrityError

    with suppress(IntegrityError), create_session() as session:  # another may make it first
        if session.scalar(select(Variable.id).where(Variable.key == TRACKED_MOVIES)) is None:
            session.add(Variable(TRACKED_MOVIES, "[]", DESCRIPTION))  # type: ignore[no-untyped-call]


def _is_logged(_: logging.LogRecord) -> bool:
    return not _is_ours.get()


@contextmanager
def metadata_answers(wanted: str = f"Airflow's Variable {TRACKED_MOVIES}") -> Iterator[None]:
    """Turn an error of Airflow's database into ours; Airflow would log its traceback.

    Raises:
        AirflowUnavailable: The database did not answer. The sentence, for the command line, has the
            driver's words, which name host and user: a page shows others.
    """
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("airflow.models.variable").addFilter(_is_logged)  # no second time
    token = _is_ours.set(True)
    try:
        yield
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", error)).splitlines()[0]
        raise AirflowUnavailable(
            f"{wanted} cannot be reached ({why}): run this where the "
            "instance's environment is set (`source var/<instance>/env.sh`), after `filmpulse "
            "setup`."
        ) from error
    finally:
        _is_ours.reset(token)
