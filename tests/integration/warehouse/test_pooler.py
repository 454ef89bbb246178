"""A pooler before the warehouse: sessions stay whole, and all else gives the same tables."""

from __future__ import annotations

import multiprocessing
import os
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from helpers.pooled import StatementPooler, needs_pgbouncer, pooled
from helpers.received import receive, sample_items
from helpers.small_catalogue import fill, title
from helpers.tables import contents

from filmpulse import doctor, frames, jobs
from filmpulse.analysis import make_analyser
from filmpulse.config import Settings
from filmpulse.errors import BadInput, WarehouseUnavailable
from filmpulse.items import Call, Reading, ReviewText
from filmpulse.jobs.reception.score import KEYLESS, _register
from filmpulse.sample_site.generate import generate
from filmpulse.warehouse import Warehouse, is_one_database, open_connection, pooling_of
from filmpulse.warehouse.gate import HostGate
from filmpulse.warehouse.ledger import open_ledger
from filmpulse.warehouse.migrate import migrate
from filmpulse.warehouse.pooling import Pooling
from filmpulse.warehouse.tables import only_backup

pytestmark = needs_pgbouncer

HOST = "site.invalid"
SLOTS, GAP = 200, timedelta(milliseconds=5)


@pytest.fixture
def pooler(warehouse_url, postgres_server, tmp_path):
    with pooled(warehouse_url, postgres_server, tmp_path) as (made, _):
        yield made


@pytest.fixture
def warehouse(pooler):
    """The warehouse through the pooler alone: sessions in session mode, the rest by turns."""
    return Warehouse(pooler.session_url, pooler.url)


def test_what_stands_before_postgres_is_found_by_trying(
    warehouse_url, postgres_server, pooler, tmp_path
):
    assert pooling_of(warehouse_url) is Pooling.NONE
    assert pooling_of(pooler.session_url) is Pooling.SESSION
    assert pooling_of(pooler.url) is Pooling.TRANSACTION
    other = tmp_path / "other"
    other.mkdir()
    with pooled(warehouse_url, postgres_server, other, StatementPooler) as (of_statements, _):
        assert pooling_of(of_statements.session_url) is Pooling.STATEMENT


def test_a_busy_pooler_is_found_out_too(pooler):
    """Others take and give back the process that is looked for."""
    stop = threading.Event()

    def work():
        with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                connection.execute("SELECT 1")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        found = {pooling_of.__wrapped__(pooler.url) for _ in range(10)}
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert found == {Pooling.TRANSACTION}


def test_what_needs_a_session_refuses_a_pooler_without(pooler, tmp_path):
    lost = Warehouse(pooler.url)
    context = jobs.Context.from_settings(
        Settings(warehouse_url=pooler.url, lake_url=(tmp_path / "lake").as_uri())
    )
    ledger = {"run_id": "r", "model": "m", "prompt_version": "v", "run_usd": 1, "day_usd": 1}
    for use in (
        lambda: HostGate(lost, 0).__enter__(),
        lambda: lost.connect().__enter__(),
        lambda: lost.session().__enter__(),
        lambda: open_ledger(lost, **ledger).__enter__(),
        lambda: migrate(pooler.url),
        lambda: only_backup(pooler.url).__enter__(),
        lambda: jobs.setup_warehouse(context),
    ):
        with pytest.raises(BadInput, match="FILMPULSE_WAREHOUSE_POOLED_URL") as caught:
            use()
        assert caught.value.reason == "transaction_pooler"


def _ask(url, pooled_url, slots, inside, both):
    """Take slots once both workers are at the gate; fail if the other has one meanwhile."""
    with HostGate(Warehouse(url, pooled_url), GAP.total_seconds()) as gate:
        both.wait(timeout=300)
        for _ in range(slots):
            gate.wait(HOST)
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            Path(inside).unlink()


def test_two_workers_take_200_slots_apart_through_a_pooler(warehouse_url, pooler, tmp_path):
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("CREATE TABLE public.slots (next timestamptz, pid int)")
        connection.execute(
            "CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO public.slots VALUES (NEW.next_request_at, pg_backend_pid()); "
            "RETURN NULL; END'"
        )
        connection.execute(
            "CREATE TRIGGER note AFTER UPDATE ON ops.host_state "
            "FOR EACH ROW EXECUTE FUNCTION public.note()"
        )
    spawn = multiprocessing.get_context("spawn")
    inside, both = str(tmp_path / "inside"), spawn.Barrier(2)
    given = (pooler.session_url, pooler.url, SLOTS // 2, inside, both)
    workers = [spawn.Process(target=_ask, args=given) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    with psycopg.connect(warehouse_url) as connection:
        slots = connection.execute("SELECT next, pid FROM public.slots ORDER BY next").fetchall()
    assert len(slots) == SLOTS
    assert len({pid for _, pid in slots}) == 2
    assert min(after - before for (before, _), (after, _) in pairwise(slots)) >= GAP


@pytest.fixture
def in_tokyo(warehouse_url):
    """The address of a warehouse whose server would answer in another time zone."""
    name = warehouse_url.rpartition("/")[2]
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    return warehouse_url


def test_a_transaction_leaves_nothing_for_the_next_client(in_tokyo, warehouse, pooler):
    for _ in range(12):  # the driver would prepare a statement from its sixth run on
        with warehouse.connect() as connection:
            found = connection.execute("SHOW TIME ZONE").fetchone()
            assert found == {"TimeZone": "UTC"}
            rows = [(n,) for n in range(8)]
            connection.execute("CREATE TEMP TABLE many (n int) ON COMMIT DROP")
            connection.cursor().executemany("INSERT INTO many VALUES (%s)", rows)
            now = connection.execute("SELECT now() AS at, count(*) AS n FROM many").fetchone()
            assert (now["at"].utcoffset(), now["n"]) == (timedelta(0), 8)
    with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as other:
        assert other.execute("SHOW TIME ZONE").fetchone() == ("Asia/Tokyo",)
        assert other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
    with warehouse.session() as connection:
        assert connection.execute("SHOW TIME ZONE").fetchone() == {"TimeZone": "UTC"}


def test_transactions_share_connections_and_sessions_do_not(warehouse, pooler):
    with warehouse.session() as one, warehouse.session() as two:
        pids = [c.execute("SELECT pg_backend_pid() AS p").fetchone()["p"] for c in (one, two, one)]
    assert pids[0] == pids[2] != pids[1]
    others = [Warehouse(pooler.session_url, pooler.url) for _ in range(5)]
    seen = set()
    for other in others:
        with other.connect() as connection:
            seen.add(connection.execute("SELECT pg_backend_pid() AS p").fetchone()["p"])
    assert len(seen) == 1, "five clients, one process of the server"


def test_a_pooler_that_is_gone_is_told_and_one_that_is_back_is_used(
    warehouse_url, postgres_server, tmp_path
):
    with pooled(warehouse_url, postgres_server, tmp_path) as (pooler, running):
        warehouse = Warehouse(warehouse_url, pooler.url)
        with warehouse.connect() as connection:
            connection.execute("SELECT 1")
        running.process.kill()
        running.process.wait()
        with pytest.raises(WarehouseUnavailable), warehouse.connect():
            pass
        with warehouse.session() as connection:  # it does not go there
            connection.execute("SELECT 1")
        running.__enter__()
        with warehouse.connect() as connection:
            connection.execute("SELECT 1")


KEY = "0" * 64
START = datetime(2026, 10, 1, tzinfo=UTC)
MOVIES = generate(7, START.date())[:3]
TABLES = (
    "core.movies", "core.reviews", "core.movie_snapshots", "core.review_revisions",
    "core.aspect_scores", "mart.compared_aspects", "mart.compared_weeks",
)  # fmt: skip


def work(context):
    """Load, score, search and ask a model, several workers at once; return what was answered."""

    def one(movie):
        facts, reviews = sample_items(movie)
        reviews = reviews[:40]
        receive(context, facts, reviews[:20], START)
        changed = [
            review.model_copy(update={"body": f"{review.body} Again."}) for review in reviews[:3]
        ]
        receive(context, facts, changed + reviews[3:], START + timedelta(days=1))

    _register(make_analyser(KEYLESS), context)  # else a race says which number the analyser gets
    threads = [threading.Thread(target=one, args=(movie,)) for movie in MOVIES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_ledger(
        context.warehouse, run_id="r", model="m", prompt_version="v", run_usd=1, day_usd=1
    ) as ledger:
        text = _first_text(context)
        call = ledger.begin(KEY, text, most_usd=0.1, lease_seconds=60)
        ledger.end(call, Call(outcome="scored"), Reading(status="scored", overall=1))
        found = ledger.find([KEY])
    hits = jobs.find("harbour", context)
    table = frames.reviews(with_text=True, warehouse=context.warehouse)
    return found, hits, table


def _first_text(context):
    with context.warehouse.connect() as connection:
        row = connection.execute(
            "SELECT source, review_id, imdb_id, content_hash, body FROM core.reviews "
            "ORDER BY review_id LIMIT 1"
        ).fetchone()
    return ReviewText(language="en", text=row.pop("body"), **row)


def test_through_a_pooler_the_tables_and_answers_are_the_same(
    warehouse_url, databases, postgres_server, tmp_path
):
    told, kept = [], []
    for name in ("directly", "pooled"):
        url = databases.create(warehouse_url.rpartition("/")[2])
        fill(
            url, title_basics=[title("tt99100001", "The Harbour", 1999)],
            title_ratings=[("tt99100001", 7.1, 5000)],
        )  # fmt: skip
        folder = tmp_path / name
        folder.mkdir()
        with pooled(url, postgres_server, folder) as (pooler, _):
            addresses = {"warehouse_url": url}
            if name == "pooled":
                addresses = {
                    "warehouse_url": pooler.session_url,
                    "warehouse_pooled_url": pooler.url,
                }
            context = jobs.Context.from_settings(
                Settings(lake_url=(folder / "lake").as_uri(), author_secret="x", **addresses)
            )
            told.append(work(context))
        kept.append(contents(Warehouse(url), TABLES))
        databases.drop(url)
    assert all(kept[0].values()), "each table holds something"
    assert kept[0] == kept[1]
    assert told[0][:2] == told[1][:2]
    assert told[0][2].equals(told[1][2])


def look(name):
    [check] = [check for check in doctor.checks() if check.name == name]
    return check


def test_the_doctor_tells_each_kind_and_what_to_do(
    warehouse_url, empty_database, postgres_server, pooler, monkeypatch, tmp_path
):
    def verdict(url, pooled_url=""):
        monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", url)
        monkeypatch.setenv("FILMPULSE_WAREHOUSE_POOLED_URL", pooled_url)
        return doctor._run("Postgres", doctor._postgres), doctor._run("pooler", doctor._pooler)

    first, second = verdict(warehouse_url)
    assert first.ok
    assert "directly" in first.detail
    assert (second.ok, "not set" in second.detail) == (True, True)

    first, second = verdict(pooler.session_url, pooler.url)
    assert (first.ok, second.ok) == (True, True)
    assert "session" in first.detail
    assert "transaction" in second.detail

    first, second = verdict(pooler.url, pooler.url)
    assert not first.ok
    assert "FILMPULSE_WAREHOUSE_POOLED_URL" in first.detail
    assert not second.ok

    assert verdict(warehouse_url, pooler.session_url)[1].ok
    assert verdict(warehouse_url, warehouse_url)[1].ok
    other = verdict(empty_database, pooler.url)[1]
    assert not other.ok
    assert "another database" in other.detail
    gone = verdict(warehouse_url, pooler.url.replace(str(pooler.port), "1"))[1]
    assert not gone.ok
    assert gone.advice

    folder = tmp_path / "statements"
    folder.mkdir()
    with pooled(warehouse_url, postgres_server, folder, StatementPooler) as (of_statements, _):
        assert not verdict(of_statements.session_url)[0].ok
        second = verdict(warehouse_url, of_statements.session_url)[1]
    assert not second.ok
    assert "statement mode" in second.detail


def test_a_replica_or_a_neighbour_is_another_database(warehouse_url, empty_database, pooler):
    assert is_one_database(warehouse_url, pooler.url)
    assert is_one_database(pooler.session_url, pooler.url)
    assert not is_one_database(empty_database, pooler.url)


def test_the_password_is_for_the_poolers_user_alone(pooler):
    users = pooler.config / "users.txt"
    assert users.stat().st_mode & 0o077 == 0
    assert pooler.config.stat().st_mode & 0o077 == 0
    assert not any(pooler.password in word for word in pooler.command())


def test_a_stranger_is_refused(pooler):
    wrong = pooler.url.replace(pooler.password, "wrong")
    with pytest.raises(WarehouseUnavailable):
        open_connection(wrong)
