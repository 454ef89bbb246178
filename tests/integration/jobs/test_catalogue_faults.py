"""Whatever goes wrong with a load: a clear state, the old catalogue whole, nothing left behind."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys

import psycopg
import pytest
from helpers.dataset_rows import expected, hostile_rows, lines, stored
from helpers.dataset_shelf import context_of, open_shelf
from helpers.waiting import wait_until
from test_load_catalogue import ask, schemas

from filmpulse import jobs
from filmpulse.errors import (
    CatalogueBusy,
    CatalogueRefused,
    FilmpulseError,
    SiteUnavailable,
    WarehouseUnavailable,
)
from filmpulse.jobs.catalogue import estimate
from filmpulse.sources.datasets import DATASETS
from filmpulse.warehouse import catalogue as wh
from filmpulse.warehouse.migrate import migrate

BASICS = ["tt9900001", "movie", "A", "A", 0, 2020, "\\N", 90, "Drama"]


@pytest.fixture
def shelf():
    with open_shelf() as opened:
        opened.put(hostile_rows())
        yield opened


@pytest.fixture
def context(warehouse_url, tmp_path, shelf):
    """A catalogue that is loaded, with all datasets changed since."""
    made = context_of(shelf, warehouse_url, tmp_path)
    jobs.accept_catalogue("all", made)
    jobs.refresh_catalogue("old", made)
    shelf.put({name: text + _one_more(name) for name, text in hostile_rows().items()})
    shelf.downloads()
    return made


def _one_more(name):
    first = hostile_rows()[name].partition("\n")[0].split("\t")
    return lines([["tt9988888888" if name != "name.basics" else "nm9988888888", *first[1:]]])


def check_old_is_whole(context, shelf):
    url = context.warehouse.url
    for name, text in hostile_rows().items():
        assert stored(url, name) == expected(name, text), name
    assert schemas(context) == ["catalogue", "catalogue_live"]
    folder = context.settings.catalogue_dir
    assert not [path for path in folder.iterdir() if path.suffix == ".gz"]


def check_next_run_works(context):
    assert jobs.refresh_catalogue("next", context).datasets == list(DATASETS)
    assert jobs.catalogue_status(context).titles == hostile_rows()["title.basics"].count("\n") + 1
    assert schemas(context) == ["catalogue", "catalogue_live"]
    assert not ask(context, "SELECT FROM ops.catalogue_loads WHERE state IN ('loading', 'loaded')")


def packed(rows, name="title.basics"):
    return gzip.compress(("\t".join(DATASETS[name].header) + "\n").encode() + rows, mtime=0)


def fault(kind):
    """Return title.basics with one fault, the reason it must be refused for, and a word of that."""
    good = hostile_rows()["title.basics"].encode()
    whole = packed(good)
    row = "\t".join(map(str, BASICS)).encode()
    line = good.count(b"\n") + 2  # after the header
    return {
        "header": (gzip.compress(b"tconst\ttitle\n" + good, mtime=0), "header_changed", ""),
        "no rows": (packed(b""), "fewer_rows", ""),
        "fewer rows": (packed(b"\n".join(good.split(b"\n")[:60]) + b"\n"), "fewer_rows", ""),
        "cut off": (whole[:-400], "broken_file", ""),
        "damaged": (whole[:400] + b"\0" + whole[401:], "broken_file", ""),
        "no gzip": (b"<html>Sign in</html>", "broken_file", ""),
        "word for year": (
            packed(good + row.replace(b"2020", b"soon") + b"\n"), "bad_row", "start_year"
        ),
        "large number": (
            packed(good + row.replace(b"90", b"9" * 12) + b"\n"), "bad_row", "runtime"
        ),
        "missing column": (packed(good + b"tt9900001\tmovie\n"), "bad_row", f"{line}"),
        "one column more": (packed(good + row + b"\tmore\n"), "bad_row", f"{line}"),
        "no id": (packed(good + row.replace(b"tt9900001", b"\\N") + b"\n"), "bad_row", f"{line}"),
        "no UTF-8": (packed(good + row.replace(b"A", b"\xff") + b"\n"), "bad_row", f"{line}"),
        "character 0": (packed(good + row.replace(b"A", b"a\0b") + b"\n"), "bad_row", f"{line}"),
        "character 1": (packed(good + row.replace(b"A", b"\1b\1") + b"\n"), "bad_row", f"{line}"),
        "CR in number": (packed(good + row.replace(b"90", b"9\r0") + b"\n"), "bad_row", f"{line}"),
        "end mark": (packed(good + b"\\.\n" + row + b"\n"), "broken_file|bad_row", ""),
    }[kind]  # fmt: skip


KINDS = (
    "header", "no rows", "fewer rows", "cut off", "damaged", "no gzip", "word for year",
    "large number", "missing column", "one column more", "no id", "no UTF-8", "character 0",
    "character 1", "CR in number", "end mark",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_cannot_be_used_is_refused_and_the_old_stays(context, shelf, kind):
    body, reason, word = fault(kind)
    shelf.files["title.basics"] = body
    with pytest.raises(CatalogueRefused) as refused:
        jobs.refresh_catalogue("new", context)
    assert refused.value.reason in reason.split("|")
    assert word in str(refused.value).replace(",", "")
    check_old_is_whole(context, shelf)
    loads = {load.dataset: load for load in jobs.catalogue_status(context).loads}
    assert (loads["title.basics"].state, loads["title.basics"].reason) == (
        "refused", refused.value.reason
    )  # fmt: skip
    shelf.put({"title.basics": hostile_rows()["title.basics"] + _one_more("title.basics")})
    check_next_run_works(context)


@pytest.mark.parametrize("subset", ["all", "no_episodes"])
@pytest.mark.parametrize("rating", ["10.01", "NaN", "Infinity", "1e400", "-1"])
def test_a_rating_that_is_none_is_refused(context, shelf, subset, rating):
    jobs.accept_catalogue(subset, context)
    good = hostile_rows()["title.ratings"]
    shelf.put({"title.ratings": good + lines([["tt9900001", rating, 5]])})
    with pytest.raises(CatalogueRefused, match=f"Line {good.count(chr(10)) + 2}") as refused:
        jobs.refresh_catalogue("new", context)
    assert refused.value.reason == "bad_row"
    check_old_is_whole(context, shelf)


@pytest.mark.parametrize("subset", ["rated", "no_episodes"])
def test_a_row_of_a_later_chunk_is_named_by_its_line(context, shelf, subset, monkeypatch):
    monkeypatch.setattr("filmpulse.jobs.catalogue.load_dataset.CHUNK_BYTES", 1_000)
    jobs.accept_catalogue(subset, context)
    rows = [[f"tt99{n:05}", 1, "A", *["\\N"] * 4, 0] for n in range(500)]
    rows[321][1] = "first"
    shelf.put({"title.akas": lines(rows)})
    with pytest.raises(CatalogueRefused, match="Line 323, column ordering"):
        jobs.refresh_catalogue("new", context)
    check_old_is_whole(context, shelf)


def test_a_file_that_is_missing(context, shelf):
    del shelf.files["title.crew"]
    with pytest.raises(CatalogueRefused) as refused:
        jobs.refresh_catalogue("new", context)
    assert refused.value.reason == "dataset_missing"
    check_old_is_whole(context, shelf)


def test_a_server_that_is_away_may_be_asked_again(context, shelf):
    away = context.settings.model_copy(update={"catalogue_url": "http://127.0.0.1:1"})
    gone = jobs.Context(away, context.warehouse, context.open_lake)
    jobs.accept_catalogue("all", gone)
    with pytest.raises(SiteUnavailable):
        jobs.refresh_catalogue("new", gone)
    check_old_is_whole(context, shelf)


def test_nothing_is_asked_for_before_the_terms_are_accepted(context, shelf):
    with context.warehouse.connect() as connection:
        wh.withdraw(connection)
    for start in (jobs.plan_catalogue, jobs.refresh_catalogue):
        with pytest.raises(CatalogueRefused) as refused:
            start("new", context)
        assert refused.value.reason == "not_accepted"
    assert shelf.asked == []


def test_terms_are_accepted_for_one_server(context, shelf):
    address = shelf.url.replace("127.0.0.1", "LOCALHOST").replace("//", "//me:secret-word@")
    moved = context.settings.model_copy(update={"catalogue_url": address})
    elsewhere = jobs.Context(moved, context.warehouse, context.open_lake)
    for start in (jobs.plan_catalogue, jobs.refresh_catalogue):
        with pytest.raises(CatalogueRefused) as refused:
            start("new", elsewhere)
        assert refused.value.reason == "not_accepted"
        assert shelf.url.removeprefix("http://") in str(refused.value)
    status = jobs.catalogue_status(elsewhere)
    assert (status.subset, status.accepted_at) == (None, None)
    assert status.not_accepted == str(refused.value)
    assert shelf.asked == []
    jobs.accept_catalogue("all", elsewhere)
    stored_server = shelf.url.removeprefix("http://").replace("127.0.0.1", "localhost")
    assert ask(context, "SELECT server FROM ops.catalogue_acceptance") == [(stored_server,)]
    assert jobs.catalogue_status(elsewhere).subset == "all"
    assert jobs.catalogue_status(context).subset is None


def test_sizes_that_a_server_does_not_say_are_estimated(context, shelf, monkeypatch):
    shelf.says_length = False
    before = {load.dataset: load.file_bytes for load in jobs.catalogue_status(context).shown}
    plan = jobs.plan_catalogue("new", context)
    assert plan.guessed == list(DATASETS)
    assert plan.download_bytes == sum(before.values())
    assert "estimate" in plan.sentence
    with context.warehouse.connect() as connection:
        connection.execute("UPDATE ops.catalogue_loads SET url = 'http://mirror.example/' || url")
    monkeypatch.setattr(estimate, "free_bytes", lambda connection: None)
    plan = jobs.plan_catalogue("new", context)
    assert plan.download_bytes == sum(estimate.USUAL_FILE_BYTES.values())
    assert 1.8e9 < plan.download_bytes < 2e9
    shelf.downloads()
    monkeypatch.setattr(estimate, "free_bytes", lambda connection: 10**9)
    with pytest.raises(CatalogueRefused) as refused:
        jobs.refresh_catalogue("newer", context)
    assert refused.value.reason == "disk_full"
    assert shelf.downloads() == []


def test_downloads_that_no_run_will_use_are_removed(context, shelf):
    folder = context.settings.catalogue_dir
    jobs.refresh_catalogue("second", context)
    for name in ("title.akas", "title.crew"):
        (folder / f"{name}.tsv.gz.part").write_bytes(b"cut off")
    (folder / "kept.txt").touch()
    shelf.put({"title.crew": hostile_rows()["title.crew"]})
    assert jobs.plan_catalogue("new", context).datasets == ["title.crew"]
    assert {path.name for path in folder.iterdir()} == {"title.crew.tsv.gz.part", "kept.txt"}
    jobs.drop_catalogue(context)
    assert {path.name for path in folder.iterdir()} == {"kept.txt"}


def test_too_little_room_is_seen_before_anything_is_downloaded(context, shelf, monkeypatch):
    monkeypatch.setattr(estimate, "free_bytes", lambda connection: 10_000)
    with pytest.raises(CatalogueRefused) as refused:
        jobs.refresh_catalogue("new", context)
    assert refused.value.reason == "disk_full"
    assert shelf.downloads() == []
    check_old_is_whole(context, shelf)


def test_room_is_measured_where_postgres_runs_on_this_machine(context):
    with context.warehouse.connect() as connection:
        free = estimate.free_bytes(connection)
    assert free is None or free > 0
    if sys.platform == "linux":
        assert free is not None


@pytest.mark.parametrize("at", ["ALTER TABLE", "CREATE INDEX"])
def test_a_disk_that_fills_up_ends_the_run_and_leaves_nothing(
    context, shelf, warehouse_url, postgres_server, at
):
    """Postgres says what it says of a full disk, when it is about to make a key."""
    name = warehouse_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.dsn(name), autocommit=True) as superuser:
        superuser.execute(
            "CREATE FUNCTION fill_up() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN "
            "RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END$$"
        )
        superuser.execute(
            psycopg.sql.SQL(
                "CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN TAG IN ({}) "
                "EXECUTE FUNCTION fill_up()"
            ).format(psycopg.sql.Literal(at))
        )
        with pytest.raises(CatalogueRefused) as refused:
            jobs.refresh_catalogue("new", context)
        assert refused.value.reason == "disk_full"
        check_old_is_whole(context, shelf)
        superuser.execute("DROP EVENT TRIGGER full_disk")
    check_next_run_works(context)


def test_two_runs_at_once(context, shelf):
    with wh.at_work(context.warehouse, alone=False, part="title.akas"):
        for start in (jobs.plan_catalogue, jobs.refresh_catalogue):
            with pytest.raises(CatalogueBusy):
                start("second", context)
        with pytest.raises(CatalogueBusy):
            jobs.drop_catalogue(context)
        with (
            pytest.raises(CatalogueBusy),
            wh.at_work(context.warehouse, alone=False, part="title.akas"),
        ):
            pass
        with wh.at_work(context.warehouse, alone=False, part="title.crew"):
            assert jobs.catalogue_status(context).is_worked_on
    assert not jobs.catalogue_status(context).is_worked_on
    check_old_is_whole(context, shelf)


def test_a_run_whose_place_was_taken_ends(context, shelf):
    jobs.plan_catalogue("first", context)
    jobs.load_dataset("title.basics", "first", context)
    jobs.plan_catalogue("second", context)
    for step in (
        lambda: jobs.load_dataset("title.akas", "first", context),
        lambda: jobs.choose_titles("first", context),
        lambda: jobs.build_catalogue("first", context),
        lambda: jobs.swap_catalogue("first", context),
    ):
        with pytest.raises(CatalogueRefused) as refused:
            step()
        assert refused.value.reason == "taken_over"
    (load,) = ask(context, "SELECT state, reason FROM ops.catalogue_loads WHERE run_id = 'first'")
    assert load == ("failed", "taken_over")
    assert jobs.catalogue_status(context).run_id == "second"


def test_a_run_of_which_a_dataset_failed_is_dropped_by_its_last_step(context, shelf):
    plan = jobs.plan_catalogue("new", context)
    shelf.files["title.crew"] = packed(b"", "title.crew")
    for name in plan.datasets:
        try:
            jobs.load_dataset(name, "new", context)
        except CatalogueRefused:
            assert name == "title.crew"
    with pytest.raises(CatalogueRefused, match=r"title\.crew") as refused:
        jobs.swap_catalogue("new", context)
    assert refused.value.reason == "fewer_rows"
    check_old_is_whole(context, shelf)


def test_steps_may_be_repeated(context):
    jobs.accept_catalogue("rated", context)
    for _ in range(2):
        plan = jobs.plan_catalogue("new", context)
    for name in plan.titles * 2:
        jobs.load_dataset(name, "new", context)
    for _ in range(2):
        jobs.choose_titles("new", context)
    for name in plan.details * 2:
        jobs.load_dataset(name, "new", context)
    for _ in range(2):
        jobs.build_catalogue("new", context)
    for _ in range(2):
        jobs.swap_catalogue("new", context)
    assert jobs.catalogue_status(context).shown_subset == "rated"
    assert schemas(context) == ["catalogue", "catalogue_live"]


def test_a_task_that_is_repeated_alone_leaves_nothing(context, shelf):
    """Of title.basics there are rows that nobody chose from, beside those chosen before."""
    jobs.accept_catalogue("rated", context)
    plan = jobs.plan_catalogue("new", context)
    for name in plan.titles:
        jobs.load_dataset(name, "new", context)
    jobs.choose_titles("new", context)
    jobs.load_dataset("title.basics", "new", context)
    for name in plan.details:
        jobs.load_dataset(name, "new", context)
    jobs.build_catalogue("new", context)
    with pytest.raises(CatalogueRefused, match=r"Not loaded: title\.basics\.") as refused:
        jobs.swap_catalogue("new", context)
    assert refused.value.reason == "incomplete"
    check_old_is_whole(context, shelf)
    assert jobs.catalogue_status(context).shown_subset == "all"
    check_next_run_works(context)


def test_rows_that_were_chosen_from_are_never_shown(context):
    """A process was killed between the keys and the drop of those rows."""
    before = ask(context, TABLES_AND_VIEWS)
    plan = jobs.plan_catalogue("new", context)
    for name in plan.datasets:
        jobs.load_dataset(name, "new", context)
    jobs.build_catalogue("new", context)
    with context.warehouse.connect() as connection:
        wh.make_raw(connection, "title_basics")
    jobs.swap_catalogue("new", context)
    assert ask(context, TABLES_AND_VIEWS) == before


TABLES_AND_VIEWS = (
    "SELECT relnamespace::regnamespace::text, relname, relkind::text FROM pg_class "
    "WHERE relnamespace::regnamespace::text LIKE 'catalogue%%' AND relkind IN ('r', 'v') "
    "ORDER BY 1, 2"
)


@pytest.mark.parametrize(
    ("broken", "table"), [("choose_titles", "title_basics"), ("build", "name_basics")]
)
def test_a_step_that_broke_off_while_keys_were_made_is_repeated(
    context, monkeypatch, broken, table
):
    jobs.accept_catalogue("rated", context)
    plan, finish = jobs.plan_catalogue("new", context), wh.finish

    def break_off(connection, name):
        if name == table:
            raise psycopg.OperationalError("the server closed the connection")
        return finish(connection, name)

    def tried(name, step):
        if name == broken:
            with monkeypatch.context() as patch:
                patch.setattr(wh, "finish", break_off)
                with pytest.raises(WarehouseUnavailable):
                    step("new", context)
        step("new", context)

    for name in plan.titles:
        jobs.load_dataset(name, "new", context)
    tried("choose_titles", jobs.choose_titles)
    for name in plan.details:
        jobs.load_dataset(name, "new", context)
    tried("build", jobs.build_catalogue)
    jobs.swap_catalogue("new", context)
    shown = {load.dataset: load for load in jobs.catalogue_status(context).shown}
    assert {load.subset for load in shown.values()} == {"rated"}
    for name, text in hostile_rows().items():
        assert shown[name].rows_kept == text.count("\n") + 1, name


def test_a_run_that_never_began_leaves_the_other_one_alone(context, shelf):
    """`plan` failed, because another run was at work perhaps."""
    for _ in range(2):
        with pytest.raises(CatalogueRefused) as refused:
            jobs.swap_catalogue("never", context)
        assert refused.value.reason == "incomplete"
        jobs.plan_catalogue("other", context)
    assert jobs.catalogue_status(context).run_id == "other"


def test_a_run_that_loaded_nothing_is_dropped_by_its_last_step(context, shelf):
    jobs.plan_catalogue("new", context)
    with pytest.raises(CatalogueRefused) as refused:
        jobs.swap_catalogue("new", context)
    assert refused.value.reason == "incomplete"
    check_old_is_whole(context, shelf)


STALLING = """
import sys, time
from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.jobs.catalogue import build, load_dataset
from filmpulse.warehouse import catalogue as wh

def stall(*args, **more):
    print("here", flush=True)
    time.sleep(600)

def half(path, dataset, rows=load_dataset.rows):
    blocks = rows(path, dataset)
    yield next(blocks)[:5_000]
    stall()

where = sys.argv[1]
if where == "download":
    load_dataset.fetch_dataset = stall
elif where == "copy":
    load_dataset.rows = half
elif where == "keys":
    wh.finish = stall
elif where == "build":
    build.index_names = stall
elif where == "swap":
    wh._loads_live = stall
else:
    wh.drop_rest = stall
jobs.refresh_catalogue("killed", jobs.Context.from_settings(Settings.from_env()))
"""


@pytest.mark.parametrize("where", ["download", "copy", "keys", "build", "swap", "drop"])
def test_a_process_that_is_killed_leaves_the_old_one_and_the_next_run_cleans_up(
    context, shelf, where
):
    settings = context.settings
    env = os.environ | {
        "FILMPULSE_WAREHOUSE_URL": context.warehouse.url,
        "FILMPULSE_LAKE_URL": settings.lake_url,
        "FILMPULSE_CATALOGUE_URL": settings.catalogue_url,
        "FILMPULSE_CATALOGUE_DIR": str(settings.catalogue_dir),
    }
    command = [sys.executable, "-c", STALLING, where]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        with pytest.raises(CatalogueBusy):
            jobs.plan_catalogue("meanwhile", context)
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not jobs.catalogue_status(context).is_worked_on)
    is_new = where == "drop"
    titles = ask(context, "SELECT count(*) FROM catalogue.title_basics")
    assert titles == [(hostile_rows()["title.basics"].count("\n") + is_new,)]
    if is_new:
        assert jobs.refresh_catalogue("next", context).datasets == []
        assert schemas(context) == ["catalogue", "catalogue_live"]
    else:
        check_next_run_works(context)


def test_a_restored_warehouse_loads_the_catalogue_again(context, shelf):
    """A backup holds the ledger and the acceptance, but no row of the catalogue."""
    rows = ask(context, "SELECT FROM ops.catalogue_loads")
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("DROP SCHEMA catalogue, catalogue_live CASCADE")
    migrate(context.warehouse.url)
    assert len(ask(context, "SELECT FROM ops.catalogue_loads")) == len(rows)
    shelf.put(hostile_rows())
    assert jobs.refresh_catalogue("next", context).datasets == list(DATASETS)


def test_errors_name_what_to_do(context, shelf, monkeypatch):
    monkeypatch.setattr(estimate, "free_bytes", lambda connection: 0)
    with pytest.raises(FilmpulseError, match="subset"):
        jobs.refresh_catalogue("new", context)
