"""A schema that was dropped: the doctor names it, `setup` makes it anew, a rebuild fills it."""

import itertools

import psycopg
import pytest
from test_lost_history import collection, hour, review, rows

from filmpulse import doctor, jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.warehouse.migrate import migrate, status

MOVIE = "tt99000001"
SCHEMAS = ("core", "mart", "ops", "catalogue", "catalogue_live")
LOSSES = [c for n in (1, 2, 5) for c in itertools.combinations(SCHEMAS, n)]

CATALOGUE = """
SELECT 'relation', c.oid::regclass::text, c.relkind::text,
       coalesce(pg_get_viewdef(c.oid), pg_get_indexdef(c.oid), ''),
       obj_description(c.oid, 'pg_class')
FROM pg_class c
WHERE c.relnamespace::regnamespace::text = ANY(%(schemas)s) AND c.relkind IN ('r','v','m','i')
UNION ALL
SELECT 'column', a.attrelid::regclass::text, a.attname,
       format_type(a.atttypid, a.atttypmod) || a.attnotnull
       || coalesce(pg_get_expr(d.adbin, d.adrelid), ''), col_description(a.attrelid, a.attnum)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r','v','m') AND a.attnum > 0
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE c.relnamespace::regnamespace::text = ANY(%(schemas)s)
UNION ALL
SELECT 'function', p.oid::regprocedure::text, '', pg_get_functiondef(p.oid),
       obj_description(p.oid, 'pg_proc')
FROM pg_proc p WHERE p.pronamespace::regnamespace::text = ANY(%(schemas)s)
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
FROM pg_constraint WHERE connamespace::regnamespace::text = ANY(%(schemas)s)
ORDER BY 1, 2, 3
"""


def catalogue(url):
    with psycopg.connect(url) as connection:
        return connection.execute(CATALOGUE, {"schemas": list(SCHEMAS)}).fetchall()


def drop(url, *schemas):
    with psycopg.connect(url) as connection:
        for schema in schemas:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    )


@pytest.mark.parametrize("lost", LOSSES, ids="+".join)
def test_setup_makes_what_was_lost_as_it_was(warehouse_url, context, lost):
    before = catalogue(warehouse_url)
    jobs.load(collection(context, hour(0), [review(1), review(2)]), context)
    jobs.analyse(MOVIE, context)
    drop(warehouse_url, *lost)
    if lost != SCHEMAS:
        assert status(warehouse_url).missing == lost
    jobs.setup_warehouse(context)
    assert status(warehouse_url) == status(warehouse_url)._replace(missing=(), has_marts=True)
    assert status(warehouse_url).current == status(warehouse_url).head
    assert catalogue(warehouse_url) == before
    if "core" not in lost:
        assert len(rows(context, "SELECT FROM core.review_analyses")) == 2
    jobs.rebuild(context)
    assert len(rows(context, "SELECT FROM mart.reviews")) == 2
    assert len(rows(context, "SELECT FROM ops.loads")) == 1
    assert migrate(warehouse_url).missing == ()


def test_what_was_tracked_is_tracked_when_core_is_made_anew(warehouse_url, context):
    with context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.tracked (imdb_id, origin) "
            "SELECT 'tt9900000' || n, 'page' FROM generate_series(1, 3) n"
        )
        connection.execute(
            "INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome, is_tracked) "
            "VALUES ('imdb', 'tt99000001', now(), 'no_news', true), "
            "('other', 'tt99000001', now(), 'no_news', true), "
            "('imdb', 'tt99000002', now(), 'failed', true), "
            "('imdb', 'tt99000004', now(), 'no_news', false)"
        )
    drop(warehouse_url, "core")
    jobs.setup_warehouse(context)
    assert jobs.all_tracked("[]", context.warehouse).imdb_ids == ["tt99000001", "tt99000002"]
    one = jobs.all_tracked('["tt99000002"]', context.warehouse)
    assert sorted(one.imdb_ids) == ["tt99000001", "tt99000002"]


def test_the_reader_sees_marts_that_were_made_anew(warehouse_url, context):
    jobs.setup_warehouse(context)
    drop(warehouse_url, "mart")
    jobs.setup_warehouse(context)
    with psycopg.connect(warehouse_url) as connection:
        (may,) = connection.execute(
            "SELECT has_table_privilege('filmpulse_reader', 'mart.movies', 'SELECT')"
        ).fetchone()
    assert may


@pytest.mark.parametrize("lost", SCHEMAS)
def test_the_doctor_names_the_schema_and_what_mends_it(context, warehouse_url, monkeypatch, lost):
    jobs.setup_warehouse(context)
    drop(warehouse_url, lost)
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    for name in ("_airflow_parts", "_airflow_objects", "_browser", "_lake"):
        monkeypatch.setattr(doctor, name, lambda: "")
    found = {check.name: check for check in doctor.checks()}
    assert found["Postgres"].ok
    assert not found["schema"].ok
    assert lost in found["schema"].detail
    assert "filmpulse setup" in found["schema"].advice
    assert ("filmpulse rebuild" in found["schema"].advice) == (lost in ("core", "ops"))
    assert ("catalogue refresh" in found["schema"].advice) == lost.startswith("catalogue")
    assert not any("is Postgres up" in check.advice for check in found.values())


def test_the_doctor_names_marts_of_another_version(context, warehouse_url, monkeypatch):
    jobs.setup_warehouse(context)
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("DROP VIEW mart.hosts")
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    for name in ("_airflow_parts", "_airflow_objects", "_browser", "_lake"):
        monkeypatch.setattr(doctor, name, lambda: "")
    found = {check.name: check for check in doctor.checks()}
    assert not found["schema"].ok
    assert "filmpulse setup" in found["schema"].advice
    jobs.setup_warehouse(context)
    assert {check.name: check for check in doctor.checks()}["schema"].ok


@pytest.mark.parametrize("lost", ["core", "mart", "ops"])
def test_a_job_says_that_a_schema_is_missing(context, warehouse_url, lost):
    jobs.load(collection(context, hour(0), [review(1)]), context)
    drop(warehouse_url, lost)
    with pytest.raises(BadInput, match="filmpulse setup"):
        jobs.summary(MOVIE, context)


def test_a_warehouse_of_a_newer_version_is_left_alone(warehouse_url):
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("UPDATE ops.schema_revision SET version_num = '9999'")
    with pytest.raises(BadInput, match="9999"):
        migrate(warehouse_url)
