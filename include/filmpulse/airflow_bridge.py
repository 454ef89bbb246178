"""Airflow's side of the package: Connections and Variables become plain clients and settings.

| kind | name | what it is |
|---|---|---|
| Connection | `filmpulse_warehouse` | Postgres, database `filmpulse`, as its owner |
| Connection | `filmpulse_lake` | S3 key, secret and `endpoint_url`; not needed for another lake |
| Connection | `filmpulse_llm` | the model that scores reviews: base URL, key, extra; optional |
| Variable | `tracked_movies` | JSON list of IMDb ids |
| Variable | `llm_budget_usd_per_day` | most that all runs of a day may spend on a model; optional |
| Pool | `browser` 1, `detector` 1, `llm` 4 | how many tasks of a kind run at once |

Mapped tasks are named after their movie by `parts_for`; what to do on an error is `RETRY_POLICY`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Connection

    from filmpulse.config import Settings
    from filmpulse.jobs import Parts, RunSummary, Unfinished

log = logging.getLogger(__name__)

WAREHOUSE, LAKE, LLM = "filmpulse_warehouse", "filmpulse_lake", "filmpulse_llm"
TRACKED_MOVIES, DAY_BUDGET = "tracked_movies", "llm_budget_usd_per_day"
MOST_MAPPED = 1000
"""How many instances of a task a run makes; Airflow maps 1,024 at most."""
_TRACKED_DESCRIPTION = "IMDb ids of the movies to follow, as a JSON list"
_MODEL_DESCRIPTION = "The model that scores reviews, made of FILMPULSE_LLM_* by `filmpulse setup`"
POOLS: Mapping[str, tuple[int, str]] = {
    "browser": (1, "Scraping: one browser at a time"),
    "detector": (1, "The detector, apart from scraping so that it never waits for it"),
    "llm": (4, "Analysis of reviews"),
}

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="filmpulse.errors.Final",
            action=RetryAction.FAIL,
            reason="final: a new try cannot help",
        ),
        RetryRule(
            exception="filmpulse.errors.Retryable",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=60),
            reason="retryable: a later try may succeed",
        ),
    ]
)
"""The tree of errors, said once to Airflow; anything else follows the task's own retries."""


def parts(*, is_scoring: bool = False) -> Parts:
    """Build the parts of a job from this task's Connections and environment.

    From here on the task ends with the process that watches over it: were that one killed, Airflow
    would start a new try, and this one would work on unseen.

    Args:
        is_scoring: Whether the job scores reviews, or tells how they were: then the Connection of
            the model is read as well. A mistake in it is kept in the parts (`llm_error`).

    Raises:
        BadInput: Another setting cannot be used, or FILMPULSE_LAKE_URL is not set for this worker.
    """
    from filmpulse.config import Settings
    from filmpulse.errors import BadInput
    from filmpulse.jobs import Parts
    from filmpulse.lake import Lake
    from filmpulse.warehouse import Warehouse

    _end_with_supervisor()
    settings = Settings.from_env()
    lake_url = settings.lake_url
    if lake_url is None:
        raise BadInput("FILMPULSE_LAKE_URL is not set for this worker.")
    built = Parts(
        settings, Warehouse(_warehouse_url()), lambda: Lake(lake_url, _lake_options(lake_url))
    )
    return built.with_model(_with_model) if is_scoring else built


def _end_with_supervisor() -> None:
    """Have the kernel end this task when its supervisor was killed (Linux)."""
    import signal

    from airflow.sdk.execution_time import comms, task_runner

    from filmpulse.parent import end_with_parent

    # `airflow dags test` runs its tasks in the caller's own process, which has no supervisor.
    if isinstance(getattr(task_runner, "SUPERVISOR_COMMS", None), comms.CommsDecoder):
        end_with_parent(signal.SIGKILL)  # Airflow turns SIGTERM into the operator's on_kill


def _warehouse_url() -> str:
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    # The URI that Airflow builds carries its own conn_type and extras; psycopg wants libpq's.
    from psycopg.conninfo import make_conninfo

    c = PostgresHook(postgres_conn_id=WAREHOUSE).get_connection(WAREHOUSE)
    # The connection's extras are libpq's own words, such as sslmode.
    return make_conninfo(
        host=c.host, port=c.port, user=c.login, password=c.password, dbname=c.schema,
        **c.extra_dejson,
    )  # fmt: skip


def _with_model(settings: Settings) -> Settings:
    """Do as `_read_model`, inside a task."""
    from airflow.sdk import Variable
    from airflow.sdk.bases.hook import BaseHook

    return _read_model(
        settings, BaseHook.get_connection, lambda name: Variable.get(name, default=None)
    )


def stored_model(settings: Settings) -> Settings:
    """Do as `_read_model`, outside a task (the command line).

    Where Airflow's database does not answer there is no Connection, and the environment counts.
    """
    from airflow.models import Connection, Variable

    return _read_model(
        settings,
        Connection.get_connection_from_secrets,
        lambda name: Variable.get(name, default_var=None),
    )


def _read_model(
    settings: Settings,
    connection: Callable[[str], Connection],
    variable: Callable[[str], str | None],
) -> Settings:
    """Have the Connection and the Variable go before the environment's settings of the model.

    With the Connection nothing but budgets comes from the environment: neither could one provider
    be given another's key, nor one model another's price.

    Args:
        settings: The environment's.
        connection: Returns a Connection by its name.
        variable: Returns a Variable by its name, or None.

    Raises:
        BadInput: The Connection or the Variable cannot be used; the message names what of it.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret
    from pydantic import ValidationError

    from filmpulse.errors import BadInput

    values: dict[str, Any] = {}
    try:
        values |= _model_values(connection(LLM))
    except AirflowNotFoundException:
        log.debug("There is no Connection %s: the environment says what scores reviews.", LLM)
        if not settings.has_llm:  # nor is anything paid
            return settings
    if (budget := variable(DAY_BUDGET)) is not None:
        values["llm_budget_usd_per_day"] = budget
    try:
        settings = settings.model_validate(settings.model_dump() | values)
    except ValidationError as error:
        raise BadInput(
            f"The Connection {LLM} or the Variable {DAY_BUDGET} cannot be used. "
            + "; ".join(
                f"{str(e['loc'][0]).removeprefix('llm_')}: {e['msg']}" for e in error.errors()
            )
        ) from None
    if settings.llm_api_key is not None:  # the environment's is no secret of Airflow's yet
        mask_secret(settings.llm_api_key.get_secret_value())
    return settings


def _model_fields() -> dict[str, str]:
    """Return what the Connection's extra may hold: its word -> the setting."""
    from filmpulse.config import Settings

    return {
        name.removeprefix("llm_"): name
        for name in Settings.model_fields
        if name.startswith("llm_")
        and not name.startswith(("llm_base_url", "llm_api_key", "llm_budget"))
    }


def _model_values(connection: Connection) -> dict[str, Any]:
    """Return every setting of the model but its budgets; those that are not given are as new."""
    import json

    from filmpulse.config import Settings
    from filmpulse.errors import BadInput

    fields = _model_fields()
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise BadInput(f"The extra of the Connection {LLM} is no JSON object.")
    if unknown := sorted(extra.keys() - fields.keys()):
        raise BadInput(
            f"The extra of the Connection {LLM} has unknown keys: {', '.join(unknown)}. "
            f"Known: {', '.join(fields)}."
        )
    values = {name: Settings.model_fields[name].default for name in fields.values()}
    values |= {fields[key]: value for key, value in extra.items() if value not in (None, "")}
    if not connection.host and not connection.password:
        raise BadInput(f"The Connection {LLM} has neither a host (the base URL) nor a password.")
    url = connection.host or None
    if url is not None:
        # Of a URI such as `generic://https://host:443/v1` Airflow makes host, port and schema.
        url = url if "://" in url else f"https://{url}"
        url += f":{connection.port}" if connection.port else ""
        url += f"/{connection.schema}" if connection.schema else ""
    return values | {"llm_base_url": url, "llm_api_key": connection.password or None}


def _lake_options(lake_url: str) -> dict[str, Any]:
    if not lake_url.startswith("s3://"):
        return {}
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from filmpulse.jobs.parts import S3_PATIENCE

    hook = S3Hook(aws_conn_id=LAKE)
    credentials = hook.get_credentials()
    return {
        "key": credentials.access_key,
        "secret": credentials.secret_key,
        "token": credentials.token,
        "config_kwargs": S3_PATIENCE,
        "client_kwargs": {
            "endpoint_url": hook.conn_config.endpoint_url,
            "region_name": hook.conn_config.region_name,
        },
    }


def parts_for(imdb_id: str, *others: str, is_scoring: bool = False) -> Parts:
    """Build the parts and name this mapped task after its movie (`{{ movie }}` in its template)."""
    from airflow.sdk import get_current_context

    from filmpulse import jobs

    built = parts(is_scoring=is_scoring)
    name = jobs.label(imdb_id, built) + (f" and {len(others):,} more" if others else "")
    get_current_context()["movie"] = name  # type: ignore[typeddict-unknown-key]
    return built


def detect(
    *, since: datetime, run_id: str, longest: timedelta, is_patient: bool
) -> tuple[bool, dict[str, Any]]:
    """Do one round of detection over the Variable `tracked_movies`; inside a sensor.

    Returns:
        Whether the sensor is done, and what the tasks after it need.
    """
    from airflow.sdk import Variable

    from filmpulse import jobs

    tracked = jobs.read_tracked(Variable.get(TRACKED_MOVIES, default="[]"))
    if not tracked.imdb_ids:
        log.warning('No movie is tracked: put ids in the Variable, like ["tt0111161"].')
    found = jobs.detect(
        tracked.imdb_ids,
        since=since,
        until=since + longest,
        run_id=run_id,
        parts=parts(),
        is_active=_reception_is_active,
        budget_seconds=None if is_patient else longest.total_seconds(),
    )
    found.warnings[:0] = tracked.problems
    log.info("%d of %d due movies were looked at in this round.", found.visited, found.due)
    return found.is_done, {
        "batches": [batch._asdict() for batch in found.batches],
        "warnings": found.warnings,
        "failures": found.failures,
    }


def announce(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Note which run each movie with news will be in; return what TriggerDagRunOperator takes."""
    from filmpulse import jobs

    built = parts()
    for batch in found["batches"]:
        jobs.mark_triggered(batch["run_id"], batch["imdb_ids"], built)
    return [
        {
            "trigger_run_id": batch["run_id"],
            "conf": {"imdb_ids": batch["imdb_ids"], "mode": batch["mode"]},
        }
        for batch in found["batches"]
    ]


def report_detection(found: dict[str, Any]) -> None:
    """Say what was passed over, and fail when a movie could not be looked at.

    Raises:
        CollectionFailed: Names each such movie and why.
    """
    from filmpulse.errors import CollectionFailed

    for warning in found["warnings"]:
        log.warning(warning)
    if found["failures"]:
        raise CollectionFailed("Detection met trouble:\n" + "\n".join(found["failures"]))


def import_file(name: str, run_id: str) -> dict[str, Any]:
    """Import one file of the inbox, and name this mapped task after it (`{{ file }}`).

    Returns:
        How it went, as plain values for XCom.
    """
    from airflow.sdk import get_current_context

    from filmpulse import jobs

    get_current_context()["file"] = name  # type: ignore[typeddict-unknown-key]
    imported = jobs.import_file(name, run_id, parts())
    return {
        "name": name,
        "imdb_ids": imported.imdb_ids,
        "pages": [page._asdict() for page in imported.pages],
    }


def group_movies(imported: list[dict[str, Any]]) -> list[list[str]]:
    """Put the movies that files were imported of, each once, into as few groups as can be mapped.

    Up to 1,000 movies each is a group of its own; Airflow maps 1,024 at most.
    """
    imdb_ids = sorted({imdb_id for one in imported for imdb_id in one["imdb_ids"]})
    size = -(-len(imdb_ids) // MOST_MAPPED) or 1
    return [imdb_ids[start : start + size] for start in range(0, len(imdb_ids), size)]


def summarise_import(
    run_id: str, names: Sequence[str], imported: Iterable[dict[str, Any] | None]
) -> RunSummary:
    """Say how each file of an import went.

    Raises:
        CollectionFailed: As `jobs.summarise_import`.
    """
    from filmpulse import jobs

    went = [
        jobs.Imported(one["name"], [jobs.ImportedPage(**page) for page in one["pages"]])
        for one in imported or ()
        if one is not None
    ]
    return jobs.summarise_import(run_id, list(names), went, parts(is_scoring=True))


def plan_backlog(imdb_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Find what the configured analyser has not finished with, as plain values for XCom."""
    from filmpulse import jobs

    backlog = jobs.plan_backlog(parts(is_scoring=True), jobs.typed_ids(imdb_ids))
    for movie in backlog.to_approve:
        log.info("%s %s needs approval.", movie.imdb_id, movie.title)
    return [movie._asdict() for movie in backlog.to_score + backlog.to_approve]


def ask_about(planned: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Word the question about each movie that needs approval, for an ApprovalOperator."""
    from filmpulse import jobs

    asked = [movie for movie in _unfinished(planned) if movie.needs_approval]
    reader = jobs.who_reads(parts(is_scoring=True)) if asked else ""
    if len(asked) > MOST_MAPPED:
        log.warning("%d movies need approval; %d are asked about now.", len(asked), MOST_MAPPED)
    return [
        {
            "imdb_id": movie.imdb_id,
            "subject": f"Score {movie.untouched:,} reviews of {movie.title} "
            f"({movie.about(movie.untouched)})?",
            "body": f"`{movie.imdb_id}` has {movie.untouched:,} reviews that were never read by "
            f"{reader}, to which their texts would be sent. All of them cost "
            f"{movie.about(movie.untouched)}. The budgets of the run and of the day hold all the "
            "same: what they do not cover waits, and is not asked about again. **Reject**, or no "
            "answer, leaves the movie as it is shown now.",
        }
        for movie in asked[:MOST_MAPPED]
    ]


def skip_unless_approved(answer: dict[str, Any] | None) -> None:
    """Skip this task unless a person said yes.

    ApprovalOperator skips what follows a No, but for a task of a mapped group that is not expanded
    yet, which then runs (seen on Airflow 3.3.2). So it looks for itself; a No leaves no answer.

    Raises:
        AirflowSkipException: Nobody agreed.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator
    from airflow.sdk.exceptions import AirflowSkipException

    if answer is None or answer["chosen_options"] != [ApprovalOperator.APPROVE]:
        raise AirflowSkipException("Nobody agreed to score it.")


def summarise_backlog(
    run_id: str, planned: list[dict[str, Any]] | None, budget_usd: float | None
) -> RunSummary:
    """Say how much of the backlog was read; inside a task of the same run.

    Raises:
        CollectionFailed: As `jobs.summarise_backlog`.
    """
    from filmpulse import jobs

    return jobs.summarise_backlog(
        run_id,
        _unfinished(planned or []),
        parts(is_scoring=True),
        budget_usd,
        broke_off=_failed_tasks("analyse_backlog", run_id),
    )


def _unfinished(planned: list[dict[str, Any]]) -> list[Unfinished]:
    from filmpulse import jobs

    return sorted(jobs.Unfinished(**movie) for movie in planned)


def _failed_tasks(dag_id: str, run_id: str) -> list[str]:
    """Name the tasks of a run that failed, sorted; inside one of its tasks."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    found = RuntimeTaskInstance.get_task_states(dag_id=dag_id, run_ids=[run_id]).get(run_id, {})
    return sorted(task for task, state in found.items() if state == "failed")


def _reception_is_active(run_id: str) -> bool:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    count = RuntimeTaskInstance.get_dr_count(
        dag_id="movie_reception", run_ids=[run_id], states=["queued", "running"]
    )
    return count > 0


def setup() -> None:
    """Make Airflow's pools, connections and an empty `tracked_movies`; repeatable.

    Makes the table in which Airflow's log-in counts wrong passwords, too.

    Connections follow the environment (`FILMPULSE_WAREHOUSE_URL`, `FILMPULSE_LAKE_*`,
    `FILMPULSE_LLM_*`) each time; pools and the Variable are left alone where they exist, since an
    operator may have changed them. A model's connection that was made here goes with its settings;
    one that a person made stays.
    """
    from airflow.models import Connection, Pool, Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from filmpulse.web import waits

    wanted = _connections()
    with create_session() as session:
        waits.create(session)
        for name, (slots, description) in POOLS.items():
            if session.scalar(select(Pool).where(Pool.pool == name)) is None:
                session.add(
                    Pool(pool=name, slots=slots, description=description, include_deferred=False)
                )
        for name in (WAREHOUSE, LAKE, LLM):
            found = session.scalar(select(Connection).where(Connection.conn_id == name))
            is_ours = found is not None and found.description == _MODEL_DESCRIPTION
            if name == LLM and found is not None and not is_ours:
                continue
            if found is not None and (name in wanted or is_ours):
                # Anew, since Airflow never takes a password away: another host would be sent it.
                session.delete(found)
                session.flush()
            if name in wanted:
                session.add(Connection(conn_id=name, **wanted[name]))
        if session.scalar(select(Variable).where(Variable.key == TRACKED_MOVIES)) is None:
            session.add(
                Variable(  # type: ignore[no-untyped-call]
                    key=TRACKED_MOVIES, val="[]", description=_TRACKED_DESCRIPTION
                )
            )


def _connections() -> dict[str, dict[str, Any]]:
    import json

    from psycopg.conninfo import conninfo_to_dict

    from filmpulse.config import Settings

    settings = Settings.from_env()
    wanted: dict[str, dict[str, Any]] = {}
    if settings.warehouse_url:
        own = {"host", "port", "user", "password", "dbname"}
        info = conninfo_to_dict(settings.warehouse_url.get_secret_value())
        wanted[WAREHOUSE] = {
            "conn_type": "postgres",
            "host": info.get("host"),
            "port": int(info.get("port") or 5432),
            "login": info.get("user"),
            "password": info.get("password"),
            "schema": info.get("dbname"),
            "extra": json.dumps({k: v for k, v in info.items() if k not in own}),
        }
    if settings.lake_key and settings.lake_secret:
        extra: dict[str, str] = {}
        if settings.lake_endpoint_url:
            # A server of one's own has no regions, and its clients want one named all the same.
            extra = {"endpoint_url": settings.lake_endpoint_url, "region_name": "us-east-1"}
        wanted[LAKE] = {
            "conn_type": "aws",
            "login": settings.lake_key.get_secret_value(),
            "password": settings.lake_secret.get_secret_value(),
            "extra": json.dumps(extra),
        }
    if settings.has_llm:
        given = settings.model_dump(exclude_defaults=True)
        key = settings.llm_api_key
        wanted[LLM] = {
            "conn_type": "generic",
            "description": _MODEL_DESCRIPTION,
            "host": settings.llm_base_url,
            "port": None,
            "schema": None,
            "password": key.get_secret_value() if key else None,
            "extra": json.dumps(
                {word: given[name] for word, name in _model_fields().items() if name in given}
            ),
        }
    return wanted


def read_variable() -> str:
    """Read `tracked_movies` as it is stored; outside a task (the command line).

    Raises:
        BadInput: Airflow's database does not answer, or is not set up.
    """
    from airflow.models import Variable

    with _metadata_answers():
        return str(Variable.get(TRACKED_MOVIES, default_var="[]"))


def write_variable(value: str) -> None:
    """Store `tracked_movies`; outside a task (the command line).

    Raises:
        BadInput: Airflow's database does not answer, or is not set up.
    """
    from airflow.models import Variable

    with _metadata_answers():
        Variable.set(TRACKED_MOVIES, value, description=_TRACKED_DESCRIPTION)


@contextmanager
def _metadata_answers() -> Iterator[None]:
    """Turn an error of Airflow's database into a sentence; Airflow would log its traceback."""
    from sqlalchemy.exc import SQLAlchemyError

    from filmpulse.errors import BadInput

    logger = logging.getLogger("airflow.models.variable")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", error)).splitlines()[0]
        raise BadInput(
            f"Airflow's Variable {TRACKED_MOVIES} cannot be reached ({why}): run this where the "
            "instance's environment is set (`source var/<instance>/env.sh`), after `filmpulse "
            "setup`."
        ) from error
    finally:
        logger.disabled = was_disabled
