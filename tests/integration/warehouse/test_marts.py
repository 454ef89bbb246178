"""The marts: made anew when they changed, beside readers; the same from old and new databases."""

import gzip
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from test_dashboard_marts import MOVIE, OTHER, RELEASE, Invented

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.warehouse import Warehouse, marts, sql
from filmpulse.warehouse.migrate import migrate, status

DUMPS = Path(__file__).parents[2] / "fixtures/warehouse"
OBJECT = re.compile(r"^CREATE (?:FUNCTION|VIEW|MATERIALIZED VIEW) mart\.(\w+)", re.MULTILINE)


def fill_with_dump(url, revision):
    """Make an empty database what a version of before made of it."""
    dump = gzip.decompress((DUMPS / f"{revision}.sql.gz").read_bytes()).decode()
    with psycopg.connect(url) as connection:
        connection.execute(dump)
        connection.execute("INSERT INTO ops.schema_revision VALUES (%s)", [revision])


def dump(databases, url):
    """Return what pg_dump says of the schema but for rights, which tests of the roles compare."""
    address = psycopg.conninfo.conninfo_to_dict(url)
    said = subprocess.run(
        [
            databases.server.binaries.bin / "pg_dump",
            "--schema-only", "--no-owner", "--no-privileges",
        ],
        env={
            **os.environ, "PGHOST": address["host"], "PGPORT": address["port"],
            "PGUSER": address["user"], "PGPASSWORD": address["password"],
            "PGDATABASE": address["dbname"],
        },
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [line for line in said.splitlines() if not line.startswith("\\")]


def oid(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 'mart'::regnamespace::oid").fetchone()[0]


def left_over(url):
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'mart_%'"
        ).fetchall()


# ------------------------------------------------------------------------------------ the files


def test_each_file_is_run_once_and_makes_what_its_name_says():
    names = {path.stem for path in Path(marts.__file__).parent.glob("*.sql")}
    assert sorted(marts.ORDER) == sorted(names)
    assert {name: OBJECT.findall(marts.text(name)) for name in names} == {n: [n] for n in names}


def test_the_schema_holds_what_the_files_make_and_nothing_else(warehouse_url):
    with psycopg.connect(warehouse_url) as connection:
        _, names = connection.execute(sql("marts_standing")).fetchone()
    assert set(names) == set(marts.ORDER)


# ------------------------------------------------------------------------- databases of before


@pytest.mark.parametrize("revision", ["0009", "0014"])
def test_an_older_database_ends_as_a_new_one(databases, empty_database, warehouse_url, revision):
    fill_with_dump(empty_database, revision)
    found = migrate(empty_database)
    assert (found.current, found.has_marts) == (revision, False)
    assert dump(databases, empty_database) == dump(databases, warehouse_url)
    assert status(empty_database) == status(warehouse_url)


@pytest.mark.parametrize("revision", ["0001", "0008"])
def test_a_database_of_before_the_first_release_is_refused(warehouse_url, revision):
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("UPDATE ops.schema_revision SET version_num = %s", [revision])
    with pytest.raises(BadInput) as refused:
        migrate(warehouse_url)
    assert refused.value.reason == "warehouse_schema"
    assert "filmpulse rebuild" in str(refused.value)
    assert status(warehouse_url).current == revision


def test_an_older_warehouse_keeps_its_rows_and_figures(empty_database):
    """What `mart.movies` said of a filled warehouse before an upgrade, it says after."""
    fill_with_dump(empty_database, "0009")
    invented = Invented(empty_database, is_older=True)
    invented.movie(analyser=2, site=50)
    invented.movie(OTHER, "Another", year=None)
    for number in range(40):
        review = invented.review(
            number % 5 - 2, {"acting": number % 5 - 2, "sound": 1}, analyser=2,
            rating_1_10=number % 10 + 1 if number % 7 else None,
            submitted_on=RELEASE + timedelta(days=number) if number % 9 else None,
            source="imdb" if number % 4 else "letters",
        )  # fmt: skip
        invented.analysis(review, 1, 0)
    invented.review(removed_at=datetime.now(UTC))
    for state in ("failed", "over_budget", "refused"):
        invented.analysis(invented.review(), 2, None, status=state)
    invented.review(imdb_id=OTHER, source="letters")
    for at, mode, state in ((1, "full", "gated"), (2, "import", "partial")):
        invented.rows(
            """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, finished_at,
                   loaded_at) VALUES (%s, 'imdb', %s, %s, %s, %s, %s)""",
            mode, MOVIE, mode, state, *[datetime(2026, 5, at, tzinfo=UTC)] * 2,
        )  # fmt: skip
    tables = ("reviews", "review_analyses", "aspect_scores")
    query = "SELECT * FROM mart.movies ORDER BY imdb_id"
    before = invented.rows(query)
    stored = [invented.row(f"SELECT count(*) FROM core.{table}") for table in tables]  # noqa: S608
    migrate(empty_database)
    after = invented.rows(query)
    names = before[0].keys() - {"analyser_caveat"}  # a sentence, which a new lexicon changes
    for old, new in zip(before, after, strict=True):
        for name in names:
            assert new[name] == (
                pytest.approx(old[name], rel=1e-12) if isinstance(old[name], float) else old[name]
            ), name
    assert before[0]["reviews"] == 43
    assert stored == [{"count": 45}, {"count": 83}, {"count": 80}]
    assert stored == [invented.row(f"SELECT count(*) FROM core.{table}") for table in tables]  # noqa: S608
    assert invented.rows("SELECT DISTINCT imdb_id FROM core.aspect_scores") == [{"imdb_id": MOVIE}]
    figured = invented.rows("SELECT reviews FROM mart.compared_movies ORDER BY imdb_id")
    assert [r["reviews"] for r in figured] == [43, 1]


# ----------------------------------------------------------------------------- made anew, or not


def test_marts_that_did_not_change_are_left_alone(warehouse_url):
    before = oid(warehouse_url)
    assert migrate(warehouse_url).has_marts
    assert oid(warehouse_url) == before


@pytest.mark.parametrize(
    "damage",
    [
        "DROP VIEW mart.llm_use",
        "DROP FUNCTION mart.is_due_again",
        "DROP VIEW mart.compared_weeks",
        "DROP SCHEMA mart CASCADE",
        "COMMENT ON SCHEMA mart IS 'Made from 0123456789abcdef.'",
    ],
)
def test_marts_that_are_not_of_this_version_are_made_anew(databases, warehouse_url, damage):
    before = dump(databases, warehouse_url)
    with psycopg.connect(warehouse_url) as connection:
        connection.execute(damage)
    assert not status(warehouse_url).has_marts
    assert not migrate(warehouse_url).has_marts
    assert status(warehouse_url).has_marts
    assert dump(databases, warehouse_url) == before


def test_the_reader_may_read_marts_from_the_moment_they_are_there(warehouse_url):
    context = jobs.Context(Settings(), Warehouse(warehouse_url), None)
    jobs.setup_warehouse(context)
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("COMMENT ON SCHEMA mart IS NULL")
    assert marts.remake(warehouse_url)
    with psycopg.connect(warehouse_url) as connection:
        barred = connection.execute(
            """SELECT relname FROM pg_class WHERE relnamespace = 'mart'::regnamespace
               AND relkind IN ('v', 'm')
               AND NOT (has_table_privilege('filmpulse_reader', oid, 'SELECT')
                        AND has_schema_privilege('filmpulse_reader', 'mart', 'USAGE'))"""
        ).fetchall()
    assert barred == []


def test_a_file_that_fails_leaves_the_marts_of_before(warehouse_url, monkeypatch):
    before, text = oid(warehouse_url), marts.text
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("COMMENT ON SCHEMA mart IS NULL")
    monkeypatch.setattr(
        marts, "text", lambda name: "SELECT 1 / 0" if name == "hosts" else text(name)
    )
    with pytest.raises(BadInput, match="division by zero"):
        migrate(warehouse_url)
    assert oid(warehouse_url) == before
    assert left_over(warehouse_url) == []


# -------------------------------------------------------------------------------- beside readers


def test_who_reads_while_the_marts_are_built_waits_for_nothing(warehouse_url, monkeypatch):
    """At the end of the building transaction another one reads every mart, and gets each lock."""
    read = []

    def grants_once_all_is_read(name):
        return sql(name) if name != "grants" else read_all()

    def read_all():
        with psycopg.connect(warehouse_url) as reader:
            reader.execute("SET lock_timeout = 1")  # ms; a lock that is free needs no wait
            names = reader.execute(
                """SELECT oid::regclass::text FROM pg_class
                   WHERE relnamespace = 'mart'::regnamespace AND relkind IN ('v', 'm')"""
            ).fetchall()
            for (relation,) in names:
                reader.execute(f"SELECT * FROM {relation}")  # noqa: S608
                read.append(relation)
        return "SELECT"

    monkeypatch.setattr(marts, "sql", grants_once_all_is_read)
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("COMMENT ON SCHEMA mart IS NULL")
    assert marts.remake(warehouse_url)
    assert "mart.compared_movies" in read
    assert len(read) == len(set(read))


def test_who_still_reads_is_not_waited_for(warehouse_url, monkeypatch):
    monkeypatch.setattr(marts, "_PATIENCE", "10ms")
    with psycopg.connect(warehouse_url) as reader:
        reader.execute("SELECT * FROM mart.movies")
        reader.execute("COMMENT ON SCHEMA mart IS NULL")
        reader.commit()
        reader.execute("SELECT * FROM mart.movies")
        assert marts.remake(warehouse_url)
        assert len(left_over(warehouse_url)) == 1
        assert reader.execute("SELECT * FROM mart.movies").fetchall() == []
    assert not marts.remake(warehouse_url)
    assert left_over(warehouse_url) == []
