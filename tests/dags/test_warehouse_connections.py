"""The Connections of the warehouse: one always, a second where there is a pooler."""

from __future__ import annotations

import json

import psycopg
import pytest
from helpers.pooled import needs_pgbouncer, pooled
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import delete, select

from filmpulse.airflow_bridge import connections, objects
from filmpulse.airflow_bridge.context import stored_context

pytestmark = needs_pgbouncer
FIRST, SECOND = connections.WAREHOUSE, connections.WAREHOUSE_POOLED


@pytest.fixture
def pooler(warehouse_url, postgres_server, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    with pooled(warehouse_url, postgres_server, tmp_path) as (made, _):
        yield made


@pytest.fixture
def airflow():
    """Airflow's stored Connections of the warehouse, removed at the end."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    yield create_session, Connection
    with create_session() as session:
        session.execute(delete(Connection).where(Connection.conn_id.in_([FIRST, SECOND])))


def connect(monkeypatch, name, url):
    at = conninfo_to_dict(url)
    made = {"conn_type": "postgres", "host": at["host"], "port": int(at["port"])}
    made |= {"login": at["user"], "password": at["password"], "schema": at["dbname"]}
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(made))


def clients(pooler):
    """Name the server's processes that a new warehouse uses for a transaction and a session."""
    warehouse = stored_context().warehouse
    ask = "SELECT pg_backend_pid() AS pid"
    with warehouse.session() as one, warehouse.connect() as two:
        told = [each.info.port for each in (one, two)]
        assert one.execute(ask).fetchone() != two.execute(ask).fetchone()
    return ["pooler" if port == pooler.port else "server" for port in told]


def test_transactions_take_the_second_connection_where_it_is(warehouse_url, pooler, monkeypatch):
    connect(monkeypatch, FIRST, warehouse_url)
    assert clients(pooler) == ["server", "server"]
    connect(monkeypatch, SECOND, pooler.url)
    assert clients(pooler) == ["server", "pooler"]


def test_setup_makes_the_second_and_takes_it_back(warehouse_url, pooler, airflow, monkeypatch):
    create_session, connection = airflow

    def stored():
        with create_session() as session:
            found = session.scalars(
                select(connection).where(connection.conn_id.in_([FIRST, SECOND]))
            ).all()
            return {one.conn_id: one.port for one in found}

    server = psycopg.conninfo.conninfo_to_dict(warehouse_url)["port"]
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_POOLED_URL", pooler.url)
    objects.setup()
    assert stored() == {FIRST: int(server), SECOND: pooler.port}
    monkeypatch.delenv("FILMPULSE_WAREHOUSE_POOLED_URL")
    objects.setup()
    assert stored() == {FIRST: int(server)}
    with create_session() as session:  # a person's own stays
        session.add(connection(conn_id=SECOND, conn_type="postgres", host="h", port=7))
    objects.setup()
    assert stored()[SECOND] == 7
