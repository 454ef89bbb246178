"""Airflow's Connections and Variables as settings, addresses and options of plain clients."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from filmpulse.backup.dashboards import Superset
    from filmpulse.backup.store import Store
    from filmpulse.config import Settings
    from filmpulse.warehouse import Warehouse

log = logging.getLogger(__name__)

WAREHOUSE, LAKE, LLM = "filmpulse_warehouse", "filmpulse_lake", "filmpulse_llm"
WAREHOUSE_POOLED = "filmpulse_warehouse_pooled"
BACKUP, SUPERSET = "filmpulse_backup", "filmpulse_superset"
ALERTS = "filmpulse_alerts"
DAY_BUDGET = "llm_budget_usd_per_day"


def warehouse() -> Warehouse:
    """Return the warehouse, as its Connections have it: one, or two where there is a pooler."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from filmpulse.warehouse import Warehouse

    url = _warehouse_url(WAREHOUSE)
    try:
        return Warehouse(url, _warehouse_url(WAREHOUSE_POOLED))
    except AirflowNotFoundException:
        return Warehouse(url)


def _warehouse_url(name: str) -> str:
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from psycopg.conninfo import make_conninfo

    # Not the URI that Airflow builds: psycopg does not take its conn_type and extras.
    c = PostgresHook(postgres_conn_id=name).get_connection(name)
    # The connection's extras are libpq's own words, such as sslmode.
    return make_conninfo(
        host=c.host, port=c.port, user=c.login, password=c.password, dbname=c.schema,
        **c.extra_dejson,
    )  # fmt: skip


def lake_options(lake_url: str) -> dict[str, Any]:
    """Return the options of fsspec for the lake, as its Connection has them."""
    if not lake_url.startswith("s3://"):
        return {}
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from filmpulse.jobs.context import S3_PATIENCE

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


def backup_store(settings: Settings) -> Store:
    """Return the place of backups; its account is that of the Connection.

    Without the Connection it is the lake's in the lake's bucket, else what AWS's own tools find.

    Raises:
        BadInput: FILMPULSE_BACKUP_URL is not set for this worker.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from filmpulse.backup.store import Store, is_in_lake_s_bucket, no_place, patience

    url = settings.backup_url
    if url is None:
        raise no_place()
    of_lake = LAKE if is_in_lake_s_bucket(settings, url) else None
    name = BACKUP if has_connection(BACKUP) else of_lake
    client = S3Hook(aws_conn_id=name, config=patience()).get_conn()
    return Store(client, url, settings.backup_encryption)


def superset() -> Superset | None:
    """Return the Superset whose assets a backup includes; None without its Connection."""
    from filmpulse.backup.dashboards import Superset

    found = _stored(SUPERSET)
    if found is None:
        return None
    port = f":{found.port}" if found.port else ""
    host = str(found.host)
    url = host if "://" in host else f"{found.schema or 'http'}://{host}{port}"
    return Superset(url, found.login or "", found.password or "")


def has_connection(name: str) -> bool:
    """Say whether a Connection exists, inside a task."""
    return _stored(name) is not None


def _stored(name: str) -> Connection | None:
    """Return a Connection, inside a task; None if there is none."""
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None


def with_model(settings: Settings) -> Settings:
    """Do as `_read_model`, inside a task."""
    from airflow.sdk import Variable
    from airflow.sdk.bases.hook import BaseHook

    return _read_model(
        settings, BaseHook.get_connection, lambda name: Variable.get(name, default=None)
    )


def stored_model(settings: Settings) -> Settings:
    """Do as `_read_model`, outside a task (the command line).

    If Airflow's database does not answer, there is no Connection, and the environment counts.
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
    """Let the Connection and the Variable override the environment's settings of the model.

    With the Connection only budgets come from the environment, so that no provider gets another's
    key, and no model another's price.

    Raises:
        BadInput: The Connection or the Variable cannot be used; the message names the field.
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
        if not settings.has_llm:  # then a budget is of no use
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


def model_fields() -> dict[str, str]:
    """Return the keys that the Connection's extra may have, each with the name of its setting."""
    from filmpulse.config import Settings

    return {
        name.removeprefix("llm_"): name
        for name in Settings.model_fields
        if name.startswith("llm_")
        and not name.startswith(("llm_base_url", "llm_api_key", "llm_budget"))
    }


def _model_values(connection: Connection) -> dict[str, Any]:
    """Return every setting of the model but its budgets; the default of those not given."""
    import json

    from filmpulse.config import Settings
    from filmpulse.errors import BadInput

    fields = model_fields()
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
