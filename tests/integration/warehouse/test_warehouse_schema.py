"""The schema: migrations from empty and twice, comments on all, and what each role may see."""

import psycopg
import pytest

from filmpulse.errors import BadInput
from filmpulse.warehouse import Warehouse, sql
from filmpulse.warehouse.migrate import made_anew, migrate, status


def test_migrations_run_from_empty_and_twice(empty_database):
    assert status(empty_database).current is None
    first = migrate(empty_database)
    again = migrate(empty_database)
    assert (first.current, again.current) == (None, first.head)
    assert status(empty_database).current == first.head


def to_0021(url):
    """Bring a database to the revision before the catalogue."""
    with made_anew(url, "0021"):
        pass


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    "schema", ["catalogue", "catalogue_live", "catalogue_next", "catalogue_old"]
)
def test_a_schema_of_somebody_else_is_named_and_kept(empty_database, is_old, schema):
    if is_old:
        to_0021(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.mine AS TABLE pg_am")
    for command in (migrate, to_0021, migrate) if is_old else (migrate, migrate):
        with pytest.raises(BadInput, match=schema) as refused:
            command(empty_database)
        assert refused.value.reason == "not_ours"
        with psycopg.connect(empty_database) as connection:
            assert connection.execute(f"TABLE {schema}.mine").fetchall()
    assert status(empty_database).current == ("0021" if is_old else None)
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"ALTER SCHEMA {schema} RENAME TO goods")
    assert migrate(empty_database).head == status(empty_database).current


def test_a_schema_of_somebody_else_is_kept_where_our_revision_is_lost(empty_database):
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA catalogue")
        connection.execute("CREATE TABLE catalogue.mine AS SELECT 7 AS n")
    with pytest.raises(BadInput) as refused:
        migrate(empty_database)
    assert refused.value.reason == "not_ours"
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT n FROM catalogue.mine").fetchall() == [(7,)]


def test_every_table_and_column_is_explained(warehouse_url):
    with psycopg.connect(warehouse_url) as connection:
        bare = connection.execute(
            """SELECT c.relnamespace::regnamespace || '.' || c.relname || '.' || a.attname
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE c.relkind IN ('r', 'v', 'm')
                 AND c.relnamespace::regnamespace::text IN ('core', 'mart', 'ops')
                 AND c.relname <> 'schema_revision' AND NOT a.attisdropped
                 AND col_description(c.oid, a.attnum) IS NULL
               UNION ALL
               SELECT c.relnamespace::regnamespace || '.' || c.relname FROM pg_class c
               WHERE c.relkind IN ('r', 'v', 'm') AND obj_description(c.oid, 'pg_class') IS NULL
                 AND c.relnamespace::regnamespace::text IN ('core', 'mart', 'ops')
                 AND c.relname <> 'schema_revision'"""
        ).fetchall()
    assert bare == []


def test_reader_sees_marts_and_nothing_else(warehouse_url):
    with Warehouse(warehouse_url).connect() as connection:
        for name in ("roles", "grants") * 2:
            connection.execute(sql(name))
        rights = connection.execute(
            """SELECT table_schema AS schema, privilege_type AS privilege
               FROM information_schema.role_table_grants WHERE grantee = 'filmpulse_reader'"""
        ).fetchall()
        tables = connection.execute(
            """SELECT n.nspname AS schema,
                      has_table_privilege('filmpulse_reader', c.oid, 'SELECT') AS may
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname IN ('core', 'mart', 'ops') AND c.relkind IN ('r', 'v', 'm')"""
        ).fetchall()
    assert {(r["schema"], r["privilege"]) for r in rights} == {("mart", "SELECT")}
    assert {t["schema"] for t in tables if t["may"]} == {"mart"}
    assert all(t["may"] for t in tables if t["schema"] == "mart")


@pytest.mark.parametrize(
    ("n", "coverage", "expected"),
    [(30, 0.2, True), (29, 1, False), (1000, 0.19, False), (50, None, False)],
)
def test_bar_for_too_few(warehouse_url, n, coverage, expected):
    with psycopg.connect(warehouse_url) as connection:
        row = connection.execute("SELECT mart.is_enough(%s, %s::numeric)", (n, coverage)).fetchone()
    assert row == (expected,)
