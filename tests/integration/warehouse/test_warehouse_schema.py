"""The schema: migrations from empty and twice, comments on all, and what each role may see."""

import psycopg
import pytest

from filmpulse.warehouse import Warehouse, sql
from filmpulse.warehouse.migrate import migrate, status


def test_migrations_run_from_empty_and_twice(empty_database):
    assert status(empty_database).current is None
    first = migrate(empty_database)
    again = migrate(empty_database)
    assert (first.current, again.current) == (None, first.head)
    assert status(empty_database).current == first.head


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
