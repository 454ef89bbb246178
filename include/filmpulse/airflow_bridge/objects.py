"""Make pools, Connections and the Variable of tracked movies in Airflow, for `filmpulse setup`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from filmpulse.airflow_bridge.connections import (
    ALERTS,
    BACKUP,
    LAKE,
    LLM,
    SUPERSET,
    WAREHOUSE,
    WAREHOUSE_POOLED,
    model_fields,
)
from filmpulse.airflow_bridge.variables import DESCRIPTION, TRACKED_MOVIES
from filmpulse.backup.store import Account, account, is_in_lake_s_bucket

if TYPE_CHECKING:
    from pydantic import SecretStr
    from sqlalchemy.orm import Session

    from filmpulse.config import Settings

POOLS: Mapping[str, tuple[int, str]] = {
    "browser": (1, "Scraping: one browser at a time"),
    "detector": (1, "The detector, apart from scraping so that it never waits for it"),
    "llm": (4, "Analysis of reviews"),
}
_AIRFLOW_S_SLOTS = 128
"""Slots of `default_pool` in an Airflow that was told nothing: its `config.yml`, 3.3.2."""

_DESCRIPTIONS: Mapping[str, str] = {
    WAREHOUSE_POOLED: "The warehouse through a pooler, made of FILMPULSE_WAREHOUSE_POOLED_URL by "
    "`filmpulse setup`",
    LLM: "The model that scores reviews, made of FILMPULSE_LLM_* by `filmpulse setup`",
    BACKUP: "S3 keys of the backups, made of FILMPULSE_BACKUP_* by `filmpulse setup`",
    SUPERSET: "Superset, for backups, made of FILMPULSE_SUPERSET_* by `filmpulse setup`",
    ALERTS: "Whom to tell what is wrong, made of FILMPULSE_ALERTS_URL by `filmpulse setup`",
}
"""The optional Connections; one with another description was made by a person, and stays."""


def setup() -> None:
    """Make Airflow's pools, connections and an empty `tracked_movies`; repeatable.

    Also makes the table in which Airflow's log-in counts wrong passwords.

    Connections follow the environment (`FILMPULSE_WAREHOUSE_URL`, `FILMPULSE_WAREHOUSE_POOLED_URL`,
    `FILMPULSE_LAKE_*`, `FILMPULSE_BACKUP_*`, `FILMPULSE_SUPERSET_*`, `FILMPULSE_LLM_*`,
    `FILMPULSE_ALERTS_URL`) each time. Existing pools and the Variable stay, since an operator may
    have changed them. An optional connection goes when its settings go, unless a person made it.
    """
    from airflow.models import Connection, Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from filmpulse.web import waits

    wanted = _connections()
    with create_session() as session:
        waits.create(session)
        _make_pools(session)
        for name in (WAREHOUSE, LAKE, *_DESCRIPTIONS):
            found = session.scalar(select(Connection).where(Connection.conn_id == name))
            is_optional = name in _DESCRIPTIONS
            is_ours = found and is_optional and found.description == _DESCRIPTIONS[name]
            if is_optional and found is not None and not is_ours:
                continue
            if found is not None and (name in wanted or is_ours):
                # Delete it first: Airflow never removes a password, and another host would get it.
                session.delete(found)
                session.flush()
            if name in wanted:
                told = _DESCRIPTIONS.get(name)
                session.add(Connection(conn_id=name, description=told, **wanted[name]))
        if session.scalar(select(Variable).where(Variable.key == TRACKED_MOVIES)) is None:
            session.add(
                Variable(  # type: ignore[no-untyped-call]
                    key=TRACKED_MOVIES, val="[]", description=DESCRIPTION
                )
            )


def _make_pools(session: Session) -> None:
    """Make the pools that are missing, and give `default_pool` the slots that the options name.

    Airflow reads that option only when it makes its database. A number other than its own was
    chosen by a person, and stays.
    """
    from airflow.configuration import conf
    from airflow.models import Pool
    from sqlalchemy import select

    for name, (slots, description) in POOLS.items():
        if session.scalar(select(Pool).where(Pool.pool == name)) is None:
            session.add(
                Pool(pool=name, slots=slots, description=description, include_deferred=False)
            )
    default = session.scalar(select(Pool).where(Pool.pool == Pool.DEFAULT_POOL_NAME))
    if default is not None and default.slots == _AIRFLOW_S_SLOTS:
        default.slots = conf.getint("core", "default_pool_task_slot_count")


def _connections() -> dict[str, dict[str, Any]]:
    """Return the Connections that the environment asks for: name -> fields."""
    from filmpulse.config import Settings

    settings = Settings.from_env()
    made = {
        WAREHOUSE: _warehouse(settings.warehouse_url),
        WAREHOUSE_POOLED: _warehouse(settings.warehouse_pooled_url),
        LAKE: _lake(settings),
        LLM: _model(settings),
        BACKUP: _backup(settings),
        SUPERSET: _superset(settings),
        ALERTS: _alerts(settings),
    }
    return {name: fields for name, fields in made.items() if fields is not None}


def _warehouse(url: SecretStr | None) -> dict[str, Any] | None:
    from psycopg.conninfo import conninfo_to_dict

    if url is None:
        return None
    own = {"host", "port", "user", "password", "dbname"}
    info = conninfo_to_dict(url.get_secret_value())
    return {
        "conn_type": "postgres",
        "host": info.get("host"),
        "port": int(info.get("port") or 5432),
        "login": info.get("user"),
        "password": info.get("password"),
        "schema": info.get("dbname"),
        "extra": json.dumps({k: v for k, v in info.items() if k not in own}),
    }


def _lake(settings: Settings) -> dict[str, Any] | None:
    if not (settings.lake_key and settings.lake_secret):
        return None
    endpoint_url = settings.lake_endpoint_url
    region = settings.lake_region or ("us-east-1" if endpoint_url else None)  # clients need one
    return _s3(Account(settings.lake_key, settings.lake_secret, endpoint_url, region))


def _backup(settings: Settings) -> dict[str, Any] | None:
    if settings.backup_url is None or is_in_lake_s_bucket(settings, settings.backup_url):
        return None
    return _s3(account(settings, settings.backup_url))


def _s3(account: Account) -> dict[str, Any]:
    extra = {"endpoint_url": account.endpoint_url, "region_name": account.region}
    return {
        "conn_type": "aws",
        "login": account.key and account.key.get_secret_value(),
        "password": account.secret and account.secret.get_secret_value(),
        "extra": json.dumps({key: value for key, value in extra.items() if value}),
    }


def _superset(settings: Settings) -> dict[str, Any] | None:
    if not (settings.superset_url and settings.superset_password):
        return None
    return {
        "conn_type": "generic",
        "host": settings.superset_url,
        "login": settings.superset_user,
        "password": settings.superset_password.get_secret_value(),
    }


def _model(settings: Settings) -> dict[str, Any] | None:
    if not settings.has_llm:
        return None
    given = settings.model_dump(exclude_defaults=True)
    key = settings.llm_api_key
    return {
        "conn_type": "generic",
        "host": settings.llm_base_url,
        "port": None,
        "schema": None,
        "password": key.get_secret_value() if key else None,
        "extra": json.dumps(
            {word: given[name] for word, name in model_fields().items() if name in given}
        ),
    }


def _alerts(settings: Settings) -> dict[str, Any] | None:
    if settings.alerts_url is None:
        return None
    return {
        "conn_type": "generic",
        # Airflow shows no password, but would show the `config` of the type Apprise.
        "password": settings.alerts_url.get_secret_value(),
    }
