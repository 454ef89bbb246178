"""The Variable of tracked movies, outside a task (the command line)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

TRACKED_MOVIES = "tracked_movies"
DESCRIPTION = "IMDb ids of the movies to track, as a JSON list"


def read_variable() -> str:
    """Read `tracked_movies` as it is stored; raise BadInput if Airflow's database is not there."""
    from airflow.models import Variable

    with metadata_answers():
        return str(Variable.get(TRACKED_MOVIES, default_var="[]"))


def write_variable(value: str) -> None:
    """Store `tracked_movies`; raise BadInput if Airflow's database is not there."""
    from airflow.models import Variable

    with metadata_answers():
        Variable.set(TRACKED_MOVIES, value, description=DESCRIPTION)


@contextmanager
def metadata_answers(wanted: str = f"Airflow's Variable {TRACKED_MOVIES}") -> Iterator[None]:
    """Turn an error of Airflow's database into BadInput; Airflow would log its traceback."""
    from sqlalchemy.exc import SQLAlchemyError

    from filmpulse.errors import BadInput

    logger = logging.getLogger("airflow.models.variable")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", error)).splitlines()[0]
        raise BadInput(
            f"{wanted} cannot be reached ({why}): run this where the "
            "instance's environment is set (`source var/<instance>/env.sh`), after `filmpulse "
            "setup`."
        ) from error
    finally:
        logger.disabled = was_disabled
