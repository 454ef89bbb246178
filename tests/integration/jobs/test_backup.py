"""Backups on a real S3 server, and what comes back from them."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from botocore.exceptions import ClientError
from helpers.tables import contents
from helpers.waiting import wait_until

from filmpulse import jobs
from filmpulse.backup import keep, manifest, save
from filmpulse.backup.store import PART_BYTES, Store
from filmpulse.config import Settings
from filmpulse.errors import (
    BackupDamaged,
    BackupRefused,
    BackupUnavailable,
    BadInput,
    WarehouseUnavailable,
)
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.lake import Manifest
from filmpulse.local import object_store
from filmpulse.warehouse import Warehouse, movies, tables
from filmpulse.warehouse.migrate import made_anew, status

MOVIE, OTHER = "tt99000001", "tt99000002"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
HOSTILE = 'Zażółć 👩‍🚀 \u2028 "quoted", \\N \\. \r\n\ttab; =1+1 \x85 \U0010ffff'
AIRFLOW = jobs.AirflowObjects(
    variables={"tracked_movies": f'["{MOVIE}"]', "note": HOSTILE},
    secret_variables=["api_key"],
    connections=["filmpulse_warehouse"],
)


def nothing():
    return jobs.AirflowObjects()


@pytest.fixture
def context(warehouse_url, s3, tmp_path):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            author_secret="for tests only",
            backup_url=f"s3://filmpulse/{uuid4()}",
            backup_endpoint_url=s3.url,
            backup_key=s3.key,
            backup_secret=s3.secret,
        )
    )


def with_settings(context, **changes):
    return jobs.Context.from_settings(
        Settings.model_validate(context.settings.model_dump() | changes)
    )


def collect(context, imdb_id, bodies, hour=0):
    """Put a complete collection of these reviews into the lake, and load it."""
    at = START + timedelta(hours=hour)
    reviews = [
        Review(
            review_id=f"rw{imdb_id[-1]}{n}", imdb_id=imdb_id, author_key=f"{n:032x}",
            title=f"Title {n}", body=body, rating_1_10=n % 10 + 1,
            submitted_on=date(2026, 10, 1), date_source="json",
        )
        for n, body in enumerate(bodies)
    ]  # fmt: skip
    writer = context.lake.begin("imdb", imdb_id, at)
    writer.append(reviews)
    uri = writer.close(
        Manifest(
            run_id=f"run {hour}", source="imdb", imdb_id=imdb_id, mode="full", started_at=at,
            finished_at=at, status="complete", distinct_ids=len(reviews),
            movie=Movie(imdb_id=imdb_id, title=HOSTILE, year=2025),
            snapshot=Snapshot(imdb_id=imdb_id, taken_at=at, rating=7.0, review_count=len(reviews)),
            parts=tuple(writer.parts),
        )
    )  # fmt: skip
    jobs.load(uri, context)
    jobs.analyse(imdb_id, context)


@pytest.fixture
def filled(context):
    """A context whose warehouse and lake hold two movies, with edited and hostile reviews."""
    collect(context, MOVIE, ["The acting is wonderful.", HOSTILE, "", "x" * 100_000])
    collect(context, MOVIE, ["The acting is dull.", HOSTILE, "", "x" * 100_000], hour=5)
    collect(context, OTHER, [f"The music is dull, take {n}." for n in range(40)])
    movies.add_tag(context.warehouse, imdb_id=MOVIE, tag='ürgent, "so"')
    movies.store_poster(
        context.warehouse, imdb_id=MOVIE, source_url="https://site.example/1", width=1, height=1,
        media_type="image/png", image=bytes(range(256)), fetched_at=datetime.now(UTC),
    )  # fmt: skip
    for table, columns in (("audits", "2"), ("audit_labels", "'sound', -2")):
        change(
            context,
            f"INSERT INTO core.{table} SELECT 'Zoë \"O''Hara\"', source, review_id, content_hash, "  # noqa: S608
            f"{columns} FROM core.reviews",
        )
    return context


def rows(where, statement, *values):
    with where.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def change(where, statement, *values):
    with where.warehouse.connect() as connection:
        connection.execute(statement, values)


def everything(where, but=("ops.backups", "ops.restore_drills")):
    names = [table.full_name for table in tables.tables(where.warehouse)]
    return contents(where.warehouse, [name for name in names if name not in but])


@contextmanager
def another(context, databases):
    """Have a context with an empty database and the same lake and backups."""
    url = databases.create()
    try:
        yield replace(context, warehouse=Warehouse(url))
    finally:
        databases.drop(url)


def objects(context):
    return {found.name: found.size for found in context.backups.names()}


# ----------------------------------------------------------------------------- there and back


def test_all_comes_back_as_it_was(filled, databases):
    made = jobs.back_up(filled, lambda: AIRFLOW, None)
    before = everything(filled)
    marts = contents(filled.warehouse, ["mart.movies", "mart.movie_aspects", "mart.reviews"])
    assert {t.schema_name for t in made.manifest.tables} == {"core", "ops"}
    assert made.manifest.rows >= sum(len(found) for found in before.values())
    assert jobs.list_backups(filled) == {made.manifest.backup_id: made.manifest}
    assert jobs.verify_backup(filled) == made.manifest

    with another(filled, databases) as blank:
        back = jobs.restore(blank)
        assert everything(blank) == before
        names = ["mart.movies", "mart.movie_aspects", "mart.reviews"]
        assert contents(blank.warehouse, names) == marts
        assert status(blank.warehouse.url) == status(filled.warehouse.url)
        assert back.airflow == AIRFLOW
        assert not any(back.erased)
        # Counters go on, keys hold, indexes are there.
        assert indexes(blank) == indexes(filled)
        collect(blank, OTHER, ["One more."], hour=9)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            change(blank, "UPDATE core.reviews SET imdb_id = 'tt99999999'")


def test_an_auditor_who_was_forgotten_since_stays_forgotten(filled, databases):
    jobs.back_up(filled, nothing, None)
    assert jobs.forget_auditor(filled, 'zoë "o\'hara"') > 0
    wanted = everything(filled)
    assert wanted["core.audits"] == wanted["core.audit_labels"] == []
    with another(filled, databases) as blank:
        assert jobs.restore(blank).erased.rows > 0
        assert everything(blank) == wanted


def indexes(where):
    found = rows(
        where,
        "SELECT indexdef AS d FROM pg_indexes WHERE schemaname IN ('core', 'ops') UNION ALL "
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c "
        "JOIN pg_namespace n ON n.oid = connamespace WHERE nspname IN ('core', 'ops')",
    )
    return sorted(row["d"] for row in found)


@pytest.mark.rows_by_hand
def test_a_backup_is_of_one_moment(filled, databases, monkeypatch):
    """Rows that are written while it runs are in none of its tables."""
    before = everything(filled)
    write, begun = Store.write, []

    def change_meanwhile(store, name, blocks):
        if name.endswith("core.movies.csv.gz") and not begun:
            begun.append(name)
            collect(filled, "tt99000003", ["Written meanwhile."])
            change(filled, "DELETE FROM core.reviews WHERE imdb_id = %s", OTHER)
        return write(store, name, blocks)

    monkeypatch.setattr(Store, "write", change_meanwhile)
    jobs.back_up(filled, nothing, None)
    assert begun
    with another(filled, databases) as blank:
        jobs.restore(blank)
        assert everything(blank) == before


def test_a_table_keeps_its_columns_while_a_backup_runs(filled, monkeypatch):
    write, refused = Store.write, []

    def alter_meanwhile(store, name, blocks):
        with filled.warehouse.connect() as connection:
            connection.execute("SET lock_timeout = '50ms'")
            try:
                connection.execute("ALTER TABLE core.reviews ADD COLUMN late text")
            except psycopg.errors.LockNotAvailable:
                refused.append(name)
            connection.rollback()
        return write(store, name, blocks)

    monkeypatch.setattr(Store, "write", alter_meanwhile)
    made = jobs.back_up(filled, nothing, None).manifest
    assert len(refused) >= len(made.tables)


@pytest.mark.rows_by_hand
def test_a_large_table_goes_in_parts(filled, databases):
    """More than one part of an upload, of what does not compress."""
    with filled.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) SELECT 'own', 'n' || n, %s, '', "
            "(SELECT string_agg(md5(n || '.' || m), '') FROM generate_series(1, 1000) m), false, "
            "md5(n::text) || md5(n::text), now() FROM generate_series(1, 600) n",
            [MOVIE],
        )
    made = jobs.back_up(filled, nothing, None).manifest
    reviews = next(table for table in made.tables if table.name == "reviews")
    assert reviews.stored_bytes > PART_BYTES
    with another(filled, databases) as blank:
        jobs.restore(blank)
        assert contents(blank.warehouse, ["core.reviews"]) == contents(
            filled.warehouse, ["core.reviews"]
        )


def test_an_older_revision_comes_back_on_this_version(context, databases):
    url = databases.create()
    try:
        with made_anew(url, "0016") as connection:
            connection.execute(
                "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, %s, now())",
                [MOVIE, HOSTILE],
            )
        old = save.save(context.backups, manifest.new_id(START), url, {})
        assert old.schema_revision == "0016"
        assert "backups" not in {table.name for table in old.tables}
        back = jobs.restore(context)
        found = status(context.warehouse.url)
        assert back.revision == found.current == found.head
        assert found.has_marts
        assert [row["title"] for row in rows(context, "SELECT title FROM core.movies")] == [HOSTILE]
    finally:
        databases.drop(url)


def test_a_backup_of_a_later_version_is_refused(filled, databases):
    made = jobs.back_up(filled, nothing, None).manifest
    later = made.model_copy(update={"schema_revision": "9999"})
    put(filled, made, manifest.MANIFEST, later.model_dump_json().encode())
    with another(filled, databases) as blank, pytest.raises(BadInput):
        jobs.restore(blank)
    later = made.model_copy(update={"version": 2})
    put(filled, made, manifest.MANIFEST, later.model_dump_json().encode())
    with another(filled, databases) as blank, pytest.raises(BackupDamaged):
        jobs.restore(blank)


def test_what_was_erased_stays_erased(filled, databases):
    jobs.back_up(filled, nothing, None)
    jobs.erase("movie", MOVIE, filled)
    jobs.erase("review", "rw20", filled)
    with another(filled, databases) as blank:
        back = jobs.restore(blank)
        assert back.erased.reviews == 5
        assert not rows(blank, "SELECT FROM core.reviews WHERE imdb_id = %s", MOVIE)
        assert not rows(blank, "SELECT FROM mart.movies WHERE imdb_id = %s", MOVIE)
        assert len(rows(blank, "SELECT FROM core.reviews WHERE imdb_id = %s", OTHER)) == 39
        assert everything(blank)["ops.erasures"] == everything(filled)["ops.erasures"]


def test_a_database_with_movies_is_left_unless_told(filled):
    jobs.back_up(filled, nothing, None)
    before = everything(filled)
    collect(filled, "tt99000004", ["Later."])
    with pytest.raises(BadInput) as refused:
        jobs.restore(filled)
    assert refused.value.reason == "not_empty"
    assert len(rows(filled, "SELECT FROM core.movies")) == 3
    jobs.restore(filled, is_replacing=True)
    assert everything(filled) == before


def test_a_restore_into_an_instance_that_was_just_set_up(filled, warehouse_url, databases):
    made = jobs.back_up(filled, nothing, None).manifest
    before = everything(filled)
    with another(filled, databases) as blank:
        jobs.setup_warehouse(blank)
        jobs.analyse_backlog("run", blank)
        assert rows(blank, "SELECT FROM core.analysers")
        jobs.restore(blank)
        assert everything(blank) == before
        # The backup that came back is one that went well.
        (row,) = rows(blank, "SELECT * FROM ops.backups")
        assert (row["backup_id"], row["status"]) == (made.backup_id, "verified")
        jobs.back_up(blank, nothing, None)
        assert {row["status"] for row in rows(blank, "SELECT * FROM ops.backups")} == {"verified"}


def test_a_restore_that_breaks_off_changes_nothing(filled, monkeypatch):
    jobs.back_up(filled, nothing, None)
    collect(filled, "tt99000004", ["Later."])
    before = everything(filled)
    read = Store.read

    def stop_midway(store, name):
        if name.endswith("core.reviews.csv.gz"):
            raise BackupUnavailable("gone in mid-restore")
        return read(store, name)

    monkeypatch.setattr(Store, "read", stop_midway)
    with pytest.raises(BackupUnavailable):
        jobs.restore(filled, is_replacing=True)
    assert everything(filled) == before
    assert status(filled.warehouse.url).has_marts


@pytest.mark.parametrize("schema", ["mart", "ops", "core"])
@pytest.mark.parametrize("is_replacing", [False, True])
def test_what_others_made_is_never_dropped_unasked(filled, databases, schema, is_replacing):
    jobs.back_up(filled, nothing, None)
    with another(filled, databases) as theirs:
        change(theirs, f"CREATE SCHEMA {schema}")
        change(theirs, f"CREATE TABLE {schema}.ledger AS SELECT 1 AS n")
        if is_replacing:
            jobs.restore(theirs, is_replacing=True)
            assert rows(theirs, "SELECT FROM core.movies")
            return
        with pytest.raises(BadInput) as refused:
            jobs.restore(theirs)
        assert refused.value.reason == "not_empty"
        name = f"{schema}.ledger"
        assert contents(theirs.warehouse, [name]) == {name: ["(1)"]}


def test_an_empty_lake_is_told(filled, databases, tmp_path):
    jobs.back_up(filled, nothing, None)
    assert not jobs.restore(filled, is_replacing=True).is_lake_empty
    new = with_settings(filled, lake_url=(tmp_path / "new").as_uri())
    assert jobs.restore(new, is_replacing=True).is_lake_empty


def test_a_migration_under_way_is_waited_for(filled):
    """Its tables would look empty to a moment from before their change."""
    with psycopg.connect(filled.warehouse.url) as migration, ThreadPoolExecutor(1) as pool:
        migration.execute("DROP SCHEMA mart CASCADE")
        migration.execute("ALTER TABLE core.reviews ALTER COLUMN helpful_up TYPE bigint")
        backing_up = pool.submit(jobs.back_up, filled, nothing, None)
        wait_until(lambda: rows(filled, "SELECT FROM pg_locks WHERE NOT granted"))
        migration.commit()
        made = backing_up.result().manifest
    reviews = next(table for table in made.tables if table.name == "reviews")
    assert reviews.rows == 44


def test_without_the_lake_nothing_is_restored(filled, databases, tmp_path):
    """Only the lake knows what was erased since the backup."""
    jobs.back_up(filled, nothing, None)

    def away():
        raise WarehouseUnavailable("the lake is away")

    with another(filled, databases) as blank:
        with pytest.raises(WarehouseUnavailable):
            jobs.restore(replace(blank, open_lake=away))
        assert not tables.tables(blank.warehouse)


# ----------------------------------------------------------------------------- what goes wrong


def test_only_one_at_a_time(filled):
    with tables.only_backup(filled.warehouse.url), pytest.raises(BackupUnavailable) as refused:
        jobs.back_up(filled, nothing, None)
    assert refused.value.reason == "busy"
    assert not rows(filled, "SELECT FROM ops.backups")
    jobs.back_up(filled, nothing, None)


KILLED = """
import os, sys, time
from filmpulse import jobs
from filmpulse.backup.store import Store
write = Store.write
def hang(store, name, blocks):
    if not name.endswith("core.reviews.csv.gz"):
        return write(store, name, blocks)
    def endless():
        yield os.urandom(9_000_000)
        print("midway", flush=True)
        time.sleep(600)
    return write(store, name, endless())
Store.write = hang
from filmpulse.config import Settings
jobs.back_up(jobs.Context.from_settings(Settings.from_env()), jobs.AirflowObjects, None)
"""


def environment(settings, **more):
    """Return settings as the environment of a process."""
    given = settings.model_dump(exclude_unset=True, exclude={"source_urls"})
    ours = {
        f"FILMPULSE_{name.upper()}": getattr(value, "get_secret_value", lambda v=value: str(v))()
        for name, value in given.items()
        if value is not None
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FILMPULSE_", "AIRFLOW"))}
    return kept | ours | more


def test_kill_in_mid_backup(filled):
    good = jobs.back_up(filled, nothing, None).manifest
    before = objects(filled)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED)],
        env=environment(filled.settings), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "midway\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert jobs.list_backups(filled) == {good.backup_id: good}
    assert jobs.verify_backup(filled) == good
    assert before.items() <= objects(filled).items()

    wait_until(lambda: not locked(filled))  # Postgres notices that the client is gone
    made = jobs.back_up(filled, nothing, None)
    assert made.kept == keep.Kept()  # what was left is not a day old
    found = rows(filled, "SELECT status, reason FROM ops.backups ORDER BY started_at, status")
    assert [(row["status"], row["reason"]) for row in found] == [
        ("verified", None), ("failed", "broke_off"), ("verified", None)
    ]  # fmt: skip


def locked(context):
    return rows(context, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
                0x6261636B)  # fmt: skip


def put(context, made, name, content):
    """Write another object into a backup."""
    context.backups.write(f"{made.backup_id}/{name}", [content])


def damage(context, made, name, change):
    key = f"{made.backup_id}/{name}"
    put(context, made, name, change(b"".join(context.backups.read(key))))


DAMAGES = {
    "a byte flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "cut off": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "no gzip": lambda content: b"<html>503</html>",
    "another table": lambda content: gzip.compress(b"tt1,tt2\n"),
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_object_is_found_and_never_restored(filled, databases, change):
    good = jobs.back_up(filled, nothing, None).manifest
    bad = jobs.back_up(filled, nothing, None).manifest
    damage(filled, bad, "core.reviews.csv.gz", change)
    with pytest.raises(BackupDamaged):
        jobs.verify_backup(filled)
    with another(filled, databases) as blank:
        with pytest.raises(BackupDamaged):
            jobs.restore(blank)
        assert not tables.tables(blank.warehouse)
        jobs.restore(blank, good.backup_id)
        assert everything(blank) == everything(filled)


def test_a_missing_object_and_a_damaged_manifest(filled):
    made = jobs.back_up(filled, lambda: AIRFLOW, None).manifest
    damage(filled, made, "airflow.json", lambda content: content + b" ")
    with pytest.raises(BackupDamaged):
        jobs.verify_backup(filled)
    filled.backups.delete(f"{made.backup_id}/core.movies.csv.gz")
    with pytest.raises(BackupDamaged):
        jobs.verify_backup(filled)
    damage(filled, made, manifest.MANIFEST, lambda content: content[:-30])
    assert jobs.list_backups(filled) == {made.backup_id: None}
    with pytest.raises(BackupDamaged):
        jobs.verify_backup(filled)


def test_what_cannot_be_read_back_is_no_backup(filled, monkeypatch):
    """The store takes the object and keeps another."""
    good = jobs.back_up(filled, nothing, None).manifest
    write = Store.write

    def spoil(store, name, blocks):
        spoiled = name.endswith("core.reviews.csv.gz")
        return write(store, name, (bytes(reversed(b)) for b in blocks) if spoiled else blocks)

    monkeypatch.setattr(Store, "write", spoil)
    with pytest.raises(BackupDamaged):
        jobs.back_up(filled, nothing, None)
    monkeypatch.undo()
    assert jobs.list_backups(filled) == {good.backup_id: good}
    row = rows(filled, "SELECT * FROM ops.backups WHERE status = 'failed'")[0]
    assert row["reason"] == "damaged"


def refusals(s3):
    """Return settings that the store refuses, and the error and reason that follow."""
    return {
        "another key": ({"backup_key": "nobody"}, BackupRefused, "keys_refused"),
        "wrong secret": ({"backup_secret": "wrong"}, BackupRefused, "keys_refused"),
        "down": (
            {"backup_endpoint_url": "http://127.0.0.1:9"}, BackupUnavailable, "backup_unavailable"
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["another key", "wrong secret", "down"])
def test_a_store_that_refuses_or_is_down(filled, s3, name):
    good = jobs.back_up(filled, nothing, None).manifest
    changes, error, reason = refusals(s3)[name]
    with pytest.raises(error) as refused:
        jobs.back_up(with_settings(filled, **changes), nothing, None)
    assert refused.value.reason == reason
    assert s3.secret not in str(refused.value)
    assert jobs.verify_backup(filled) == good
    row = rows(filled, "SELECT * FROM ops.backups ORDER BY started_at DESC LIMIT 1")[0]
    assert (row["status"], row["reason"]) == ("failed", reason)


@pytest.mark.parametrize(
    ("code", "status_code", "reason"),
    [
        ("ExpiredToken", 400, "expired"),
        ("RequestExpired", 400, "expired"),
        ("NoSuchBucket", 404, "no_bucket"),  # a server of one's own makes the bucket
        ("AccessDenied", 403, "forbidden"),
        ("SignatureDoesNotMatch", 403, "keys_refused"),
    ],
)
def test_what_amazon_answers_and_this_server_does_not(
    filled, httpserver, code, status_code, reason
):
    """Only Amazon's own servers know session tokens that expire."""
    httpserver.expect_request(re.compile(".*")).respond_with_data(
        f"<Error><Code>{code}</Code><Message>no</Message></Error>", status=status_code
    )
    context = with_settings(filled, backup_endpoint_url=httpserver.url_for(""))
    with pytest.raises(BackupRefused) as refused:
        jobs.back_up(context, nothing, None)
    assert refused.value.reason == reason


class Full(object_store.ObjectStore):
    """A server to which no disk is large enough."""

    def command(self):
        return [*super().command(), "-volume.minFreeSpace=100"]


@pytest.mark.drill  # the server tries for half a minute, four times
def test_a_store_that_is_full(filled, tmp_path):
    good = jobs.back_up(filled, nothing, None).manifest
    with object_store.Throwaway(tmp_path) as prepared:
        pass
    full = Full(**vars(prepared))
    with full.running(tmp_path / "full.log", os.environ):
        full.add_bucket("filmpulse")
        context = with_settings(
            filled, backup_endpoint_url=full.url, backup_key=full.key, backup_secret=full.secret
        )
        with pytest.raises(BackupUnavailable):
            jobs.back_up(context, nothing, None)
    assert jobs.verify_backup(filled) == good


def test_postgres_goes_away_in_mid_backup(filled, monkeypatch):
    good = jobs.back_up(filled, nothing, None).manifest
    write = Store.write

    def cut_off(store, name, blocks):
        if name.endswith("core.reviews.csv.gz"):
            rows(filled, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                 "datname = current_database() AND state = 'idle in transaction'")  # fmt: skip
        return write(store, name, blocks)

    monkeypatch.setattr(Store, "write", cut_off)
    with pytest.raises(WarehouseUnavailable):
        jobs.back_up(filled, nothing, None)
    assert jobs.list_backups(filled) == {good.backup_id: good}


def test_the_store_is_asked_to_encrypt(context):
    """What the store makes of it is its own; what it is asked, every object says."""
    asked = []
    store = with_settings(context, backup_encryption="AES256").backups
    client = store._client
    for call in ("PutObject", "CreateMultipartUpload"):
        client.meta.events.register(
            f"before-parameter-build.s3.{call}",
            lambda params, **_: asked.append(params.pop("ServerSideEncryption")),
        )
    store.write("small", [b"x"])
    store.write("large", [b"x" * PART_BYTES, b"y"])
    assert asked == ["AES256", "AES256"]


def test_no_place_is_set(filled):
    context = with_settings(filled, backup_url=None)
    with pytest.raises(BadInput) as refused:
        jobs.back_up(context, nothing, None)
    assert refused.value.reason == "no_place"
    with pytest.raises(BadInput):
        jobs.back_up(with_settings(filled, backup_url="file:///tmp"), nothing, None)


# ----------------------------------------------------------------------------- what stays


def test_old_backups_and_leftovers_go(filled):
    context = with_settings(filled, backup_keep=2)
    ids = [jobs.back_up(context, nothing, None).manifest.backup_id for _ in range(2)]
    old = manifest.new_id(START)
    context.backups.write(f"{old}/core.movies.csv.gz", [b"left over"])
    young = manifest.new_id(datetime.now(UTC))
    context.backups.write(f"{young}/core.movies.csv.gz", [b"under way"])
    context.backups.write("somebody-elses.txt", [b"not ours"])
    made = jobs.back_up(context, nothing, None)
    assert made.kept == keep.Kept(backups=1, leftovers=1)
    left = {name.partition("/")[0] for name in objects(context)}
    assert left == {ids[1], made.manifest.backup_id, young, "somebody-elses.txt"}


def test_uploads_that_never_ended_are_given_up(filled):
    store = filled.backups
    bucket, key = store._bucket, store._key("20200101T000000000000Z-abcdef/core.movies.csv.gz")
    upload = store._client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    store._client.upload_part(
        Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 100
    )
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert store.end_uploads(tomorrow - timedelta(days=2), manifest.is_ours) == 0
    assert store.end_uploads(tomorrow, lambda name: not manifest.is_ours(name)) == 0
    assert store.end_uploads(tomorrow, manifest.is_ours) == 1
    assert store.end_uploads(tomorrow, manifest.is_ours) == 0


def test_no_right_to_delete_is_told_and_no_failure(filled):
    """The server here has no right to write without one to delete, so the client refuses."""
    context = with_settings(filled, backup_keep=1)
    jobs.back_up(context, nothing, None)

    def refuse(**about):
        denied = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(denied, "DeleteObject")

    context.backups._client.meta.events.register("before-call.s3.DeleteObject", refuse)
    made = jobs.back_up(context, nothing, None)
    assert made.kept.backups == 0
    (problem,) = made.kept.problems
    assert "FILMPULSE_BACKUP_URL" in problem
    assert len(jobs.list_backups(context)) == 2
    row = rows(context, "SELECT * FROM ops.backups ORDER BY started_at DESC LIMIT 1")[0]
    assert (row["status"], row["sentence"] is None) == ("verified", False)


def test_nothing_is_deleted_before_the_new_one_is_verified(filled, monkeypatch):
    context = with_settings(filled, backup_keep=1)
    jobs.back_up(context, nothing, None)
    before = objects(context)

    def broken(store, made):
        raise BackupUnavailable("gone")

    monkeypatch.setattr(save, "verify", broken)
    with pytest.raises(BackupUnavailable):
        jobs.back_up(context, nothing, None)
    assert before.items() <= objects(context).items()


# ----------------------------------------------------------------------------- drills


def facts(context):
    found = rows(context, "SELECT fact, value, meaning FROM mart.pipeline_facts")
    return {row["fact"]: (row["value"], row["meaning"]) for row in found}


def test_a_drill_and_what_the_dashboard_says(filled, databases):
    assert facts(filled)["Last backup"][0] == facts(filled)["Last restore drill"][0] == "never"
    with pytest.raises(BadInput) as refused:
        jobs.drill(filled)
    assert refused.value.reason == "no_backup"
    made = jobs.back_up(filled, nothing, None).manifest
    drilled = jobs.drill(filled)
    assert drilled.manifest == made
    assert facts(filled)["Last backup"][0] == facts(filled)["Last restore drill"][0] == "just now"
    assert f"{made.rows:,}" in facts(filled)["Last restore drill"][1]
    scratch = Warehouse(f"{filled.warehouse.url}_drill")
    with scratch.connect() as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'core'")
        assert left.fetchall() == []

    damage(filled, made, "core.reviews.csv.gz", DAMAGES["cut off"])
    with pytest.raises(BackupDamaged):
        jobs.drill(filled)
    assert facts(filled)["Last restore drill"][0] == "just now, failed"
    found = rows(filled, "SELECT status, backup_id FROM ops.restore_drills ORDER BY drill_id")
    assert [(row["status"], row["backup_id"]) for row in found] == [
        ("failed", None), ("passed", made.backup_id), ("failed", made.backup_id)
    ]  # fmt: skip
    databases.drop(scratch.url)


def test_a_backup_is_due_a_day_after_the_last(filled):
    now = datetime.now(UTC)
    assert jobs.is_backup_due(filled, now)
    jobs.back_up(filled, nothing, None)
    assert not jobs.is_backup_due(filled, now)
    assert jobs.is_backup_due(filled, now + timedelta(hours=25))


# ----------------------------------------------------------------------------- a blank machine


def test_a_blank_instance_comes_back_with_the_recovery_sheet(filled, databases, tmp_path):
    """Only the sheet and the store are left; Airflow's list of tracked movies is back too."""
    jobs.back_up(filled, lambda: AIRFLOW, None)
    sheet = tmp_path / "sheet"
    sheet.write_text(jobs.recovery_sheet(filled.settings), encoding="utf-8")
    before = everything(filled)
    url = databases.create()
    try:
        blank = {
            "PATH": os.environ["PATH"], "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "HOME": str(tmp_path),
        }  # fmt: skip
        script = f"""
            set -e
            . {sheet}
            export FILMPULSE_WAREHOUSE_URL={url}
            {sys.executable} -m airflow db migrate >/dev/null 2>&1
            {sys.executable} -m filmpulse.cli setup
            {sys.executable} -m filmpulse.cli restore
            echo; {sys.executable} -m airflow variables get tracked_movies 2>/dev/null
        """
        done = subprocess.run(
            ["bash", "-c", textwrap.dedent(script)], env=blank, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.strip().splitlines()[-1]) == [MOVIE]
        back = replace(filled, warehouse=Warehouse(url))
        assert everything(back) == before
        assert filled.settings.author_secret.get_secret_value() in sheet.read_text("utf-8")
        assert filled.warehouse.url not in sheet.read_text("utf-8")
    finally:
        databases.drop(url)
