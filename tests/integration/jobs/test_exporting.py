"""Exports: what the marts say, in files that are whole or not there, without what was erased."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers.kept import filled
from test_erasing import ANNA, MOVIE, OTHER, ZALGO, collection, made, review

from filmpulse import frames, jobs
from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.jobs.upkeep import write_tables
from filmpulse.jobs.upkeep.write_tables import harmless
from filmpulse.lake import MANIFEST, Lake
from filmpulse.warehouse import extracts

NOW = datetime.now(UTC)
TABLES = ("reviews", "aspects", "series", "movies")
READERS = {name: getattr(frames, name) for name in TABLES}
WORDS = ["gęślą", "wonderful", "twice", "xxxx", "Quinces"]  # of the reviews below
HOSTILE = {
    2: ("=cmd|' /C calc'!A0", "fine;=1+1\n- a list\n\n＋1"),  # noqa: RUF001
    3: ("-1", "\ufeff@SUM(A1)"),
    4: ("", 'He said "no", twice,\nand left.'),
    5: ("NULL", "x" * 100_000),
    6: ("Quinces!", "Zażółć gęślą jaźń 👩‍🚀"),
}


def fill(context):
    """Store reviews of two movies, scored."""
    shown = [review(n, title=title, body=body) for n, (title, body) in HOSTILE.items()]
    shown.append(review(1, author_key=ANNA, body=ZALGO))
    jobs.load(collection(context, "a", 0, shown), context)
    theirs = [review(10, OTHER, rating_1_10=None), review(11, OTHER, submitted_on=None)]
    jobs.load(collection(context, "b", 1, theirs, OTHER), context)
    for movie in (MOVIE, OTHER):
        jobs.analyse(movie, context)


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exporting")
    with filled(databases, _warehouse_template, folder, made, fill) as kept:
        yield kept


@pytest.fixture
def context(request, kept):
    """What `fill` stored, with a lake on disk or on S3."""
    if getattr(request, "param", "file") == "file":
        with kept.again() as context:
            yield context
        return
    store = request.getfixturevalue("s3")
    access = {"lake_endpoint_url": store.url, "lake_key": store.key, "lake_secret": store.secret}
    url = f"s3://filmpulse/{uuid4()}"
    context = made(request.getfixturevalue("warehouse_url"), url, **access)
    fill(context)
    yield context


on_any_lake = pytest.mark.parametrize("context", ["file", "s3"], indirect=True)


def exported_days(context):
    return sorted({name.split("/")[1] for name in context.lake.names("exports")})


def weekly(context, days_ago=0):
    return jobs.export_weekly(context, NOW - timedelta(days=days_ago))


def held(context):
    """Every value of every table below `exports/`, and all raw bytes, as one text."""
    found = []
    for name in context.lake.names("exports"):
        content = context.lake.read(name)
        found.append(content.decode("latin-1"))
        if name.endswith(".parquet"):
            found.append(pq.read_table(io.BytesIO(content)).to_pandas().to_csv())
    return "\n".join(found)


def days_as_datetimes(frame, like):
    return frame.astype({c: t for c, t in like.dtypes.items() if str(t) == "datetime64[us]"})


# ------------------------------------------------------------------------------------ the files


@pytest.mark.parametrize("with_text", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_parquet_comes_back_as_the_frame_with_units(context, tmp_path, name, with_text):
    jobs.export(context, str(tmp_path / "out"), with_text=with_text)
    more = {"with_text": with_text} if name in ("reviews", "aspects") else {}
    wanted = READERS[name](warehouse=context.warehouse, **more)
    as_datetimes = {"date_as_object": False}  # as the runbook says
    found = pd.read_parquet(tmp_path / f"out/{name}.parquet", to_pandas_kwargs=as_datetimes)
    assert found.select_dtypes("datetime").columns.equals(wanted.select_dtypes("datetime").columns)
    assert found.attrs == wanted.attrs
    found = days_as_datetimes(found, wanted)
    pd.testing.assert_frame_equal(found, wanted, check_categorical=False)
    schema = pq.read_schema(tmp_path / f"out/{name}.parquet")
    units = {f.name: f.metadata[b"unit"].decode() for f in schema if b"unit" in (f.metadata or {})}
    assert units == wanted.attrs["units"]


@pytest.mark.parametrize("name", TABLES)
def test_csv_comes_back_as_the_frame_but_for_formulas(context, tmp_path, name):
    jobs.export(context, str(tmp_path / "out"), file_format="csv", with_text=True)
    more = {"with_text": True} if name in ("reviews", "aspects") else {}
    wanted = READERS[name](warehouse=context.warehouse, **more)
    texts = wanted.select_dtypes(["string", "category"]).columns
    found = pd.read_csv(
        tmp_path / f"out/{name}.csv", dtype=dict.fromkeys(texts, "string"), na_values=[""],
        keep_default_na=False,
    )  # fmt: skip
    for column, kind in wanted.dtypes.items():
        if column in texts:
            plain = wanted[column].astype("string").replace("", pd.NA)
            wanted[column] = plain.map(harmless, na_action="ignore").astype("string")
        else:
            found[column] = found[column].astype(kind)
    pd.testing.assert_frame_equal(found, wanted)


def test_no_cell_of_a_csv_file_runs(context, tmp_path):
    jobs.export(context, str(tmp_path / "out"), [MOVIE], file_format="csv", with_text=True)
    content = (tmp_path / "out/reviews.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    texts = [head.index("title"), head.index("body")]
    found = {row[head.index("review_id")]: [row[place] for place in texts] for row in rows}
    assert found["rw2"] == ["'=cmd|' /C calc'!A0", "fine;'=1+1\n'- a list\n\n'＋1"]  # noqa: RUF001
    assert found["rw3"] == ["'-1", "'\ufeff@SUM(A1)"]
    assert found["rw4"] == list(HOSTILE[4])


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_words_are_in_no_file_unless_asked_for(context, tmp_path, file_format):
    jobs.export(context, str(tmp_path / "out"), file_format=file_format)
    jobs.export(context, str(tmp_path / "told"), file_format=file_format, with_text=True)
    for place, is_there in (("out", False), ("told", True)):
        name = tmp_path / place / f"reviews.{file_format}"
        read = pd.read_parquet if file_format == "parquet" else pd.read_csv
        text = read(name).to_csv()
        assert all((word in text) is is_there for word in WORDS)
    assert "quote" not in read(tmp_path / f"out/aspects.{file_format}")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_bytes())
    assert manifest["with_text"] is False
    assert ANNA not in "".join(p.read_bytes().decode("latin-1") for p in tmp_path.glob("t*/*"))


def test_an_export_holds_the_movies_that_were_named(context, tmp_path):
    address = f"https://www.imdb.com/title/{OTHER}/"
    made = jobs.export(context, str(tmp_path / "out"), [address, OTHER])
    assert made.manifest.movies == 1
    for name, table in made.manifest.tables.items():
        frame = pd.read_parquet(tmp_path / "out" / table.file)
        assert set(frame.imdb_id) == {OTHER}
        assert (len(frame), table.size_bytes) == (
            table.rows, (tmp_path / "out" / table.file).stat().st_size
        )  # fmt: skip
        assert table.about == READERS[name](OTHER, warehouse=context.warehouse).attrs
    movies = pd.read_parquet(tmp_path / "out/movies.parquet")
    assert movies.reviews.to_list() == [2]
    assert {"coverage", "scored_reviews", "overall_low", "overall_high", "is_enough"} <= {*movies}


def test_an_empty_warehouse_gives_empty_tables_of_the_same_types(context, tmp_path):
    jobs.export(context, str(tmp_path / "full"))
    for movie in (MOVIE, OTHER):
        jobs.erase("movie", movie, context)
    jobs.export(context, str(tmp_path / "none"))
    for name in TABLES:
        full, none = (pq.read_table(tmp_path / at / f"{name}.parquet") for at in ("full", "none"))
        assert none.num_rows == 0 < full.num_rows
        assert none.schema.equals(full.schema)


def test_without_a_movie_no_weekly_export_is_written_and_none_deleted(context):
    weekly(context, 7)
    with context.warehouse.connect() as connection:
        connection.execute("TRUNCATE core.movies CASCADE")
    assert weekly(context) is None
    assert len(exported_days(context)) == 1


def test_duckdb_reads_days_and_numbers_as_such(context, tmp_path):
    jobs.export(context, str(tmp_path))
    found = duckdb.read_parquet(str(tmp_path / "reviews.parquet"))
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    assert kinds.items() >= {
        "submitted_on": "DATE", "first_seen_at": "TIMESTAMP WITH TIME ZONE",
        "rating_1_10": "TINYINT", "is_spoiler": "BOOLEAN", "source": "VARCHAR",
    }.items()  # fmt: skip


# -------------------------------------------------------------------------- where an export goes


def test_an_export_is_replaced_only_when_told(context, tmp_path):
    to = tmp_path / "für später"
    jobs.export(context, str(to), file_format="csv")
    (to / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in to.iterdir()}
    with pytest.raises(BadInput, match=r"reviews\.csv"):
        jobs.export(context, str(to), [OTHER])
    assert {path.name: path.read_bytes() for path in to.iterdir()} == before
    jobs.export(context, str(to), [OTHER], overwrite=True)
    assert sorted(path.name for path in to.iterdir()) == sorted(
        [MANIFEST, "notes.txt", *(f"{name}.parquet" for name in TABLES)]
    )


def test_two_exports_of_the_same_rows_are_the_same_bytes(context, tmp_path):
    for to in ("one", "two"):
        jobs.export(context, str(tmp_path / to), file_format="csv", with_text=True)
    for name in TABLES:
        one, two = ((tmp_path / to / f"{name}.csv").read_bytes() for to in ("one", "two"))
        assert one == two


@pytest.mark.parametrize("context", ["s3"], indirect=True)
def test_an_export_may_go_to_a_bucket(context):
    to = f"s3://filmpulse/{uuid4()}/mine"
    made = jobs.export(context, to, with_text=True)
    assert made.uri == to
    lake = Lake(to, jobs.lake_options(context.settings))
    assert lake.names("") == sorted([MANIFEST, *(f"{name}.parquet" for name in TABLES)])
    found = pq.read_table(io.BytesIO(lake.read("reviews.parquet")))
    assert found.num_rows == made.manifest.tables["reviews"].rows == 8


@pytest.mark.parametrize(
    "to",
    [
        "{lake}/exports/mine",
        "{path}/exports/mine",
        "{path}",
        "{file}",
        "no-such-scheme://x",
        "a::b",
    ],
)
def test_what_is_no_place_for_an_export_is_refused(context, tmp_path, to):
    lake = context.settings.lake_url
    file = tmp_path / "a file"
    file.write_text("mine")
    before = context.lake.names("")
    with pytest.raises(BadInput):
        jobs.export(context, to.format(lake=lake, path=lake.removeprefix("file://"), file=file))
    assert context.lake.names("") == before
    assert file.read_text() == "mine"


@pytest.mark.parametrize("movies", [["tt99999999"], [MOVIE, "Casablanca"]])
def test_an_unknown_movie_is_refused_and_nothing_is_written(context, tmp_path, movies):
    with pytest.raises(BadInput, match=re.escape(movies[-1])):
        jobs.export(context, str(tmp_path / "out"), movies)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_named(context, tmp_path):
    (tmp_path / "file").write_text("mine")
    to = tmp_path / "file" / "below"
    with pytest.raises(LakeUnavailable, match=re.escape(str(to))):
        jobs.export(context, str(to))


def test_no_room_for_temporary_files_is_said_and_leaves_nothing(context, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(write_tables.WRITERS, "parquet", full)
    with pytest.raises(LakeUnavailable, match="TMPDIR"):
        jobs.export(context, str(tmp_path / "out"))
    with pytest.raises(LakeUnavailable, match="TMPDIR"):
        weekly(context)
    assert not (tmp_path / "out").exists()
    assert exported_days(context) == []


def test_all_tables_are_as_of_one_moment(context, tmp_path, monkeypatch):
    """A review that comes while the tables are written is in none of them."""
    write = write_tables.WRITERS["parquet"]

    def load_meanwhile(path, *args):
        count = write(path, *args)
        if path.name == "reviews.parquet":
            jobs.load(collection(context, "c", 2, [review(12, OTHER)], OTHER), context)
        return count

    monkeypatch.setitem(write_tables.WRITERS, "parquet", load_meanwhile)
    jobs.export(context, str(tmp_path / "out"))
    movies = pd.read_parquet(tmp_path / "out/movies.parquet").set_index("imdb_id")
    assert movies.reviews[OTHER] == 2
    assert len(frames.reviews(OTHER, warehouse=context.warehouse)) == 1  # a full collection


# ------------------------------------------------------------------------------------- each week


@on_any_lake
def test_the_weekly_export_lies_in_the_lake_without_words(context):
    made = weekly(context)
    day = f"{NOW:%Y-%m-%d}"
    assert made.uri == context.lake.uri_of(f"exports/{day}")
    assert made.facts["rows"]["reviews"] == 8
    assert context.lake.names("exports") == sorted(
        f"exports/{day}/{name}" for name in (MANIFEST, *(f"{table}.parquet" for table in TABLES))
    )
    text = held(context)
    assert "rw2" in text
    assert not [word for word in WORDS if word in text]
    assert ANNA not in text


@on_any_lake
def test_the_newest_are_kept_and_the_rest_goes(context):
    context = jobs.Context(
        context.settings.model_copy(update={"exports_kept": 2}),
        context.warehouse,
        context.open_lake,
    )
    context.lake.write("exports/mine/notes.txt", b"mine")
    context.lake.write(f"exports/{NOW - timedelta(days=3):%Y-%m-%d}/reviews.parquet", b"broken off")
    assert [weekly(context, days).deleted for days in (21, 14)] == [0, 0]
    assert weekly(context, 7).deleted == 5
    assert weekly(context).deleted == 6  # one whole export, and what had broken off
    days = [f"{NOW - timedelta(days=days):%Y-%m-%d}" for days in (7, 0)]
    assert exported_days(context) == [*days, "mine"]


@on_any_lake
def test_a_second_export_on_a_day_replaces_the_first(context):
    weekly(context)
    jobs.erase("movie", OTHER, context)
    collected = collection(context, "d", 5, [review(30)])
    weekly(context)
    jobs.load(collected, context)
    weekly(context)
    assert len(exported_days(context)) == 1
    table = context.lake.read(f"exports/{NOW:%Y-%m-%d}/reviews.parquet")
    assert pq.read_table(io.BytesIO(table))["review_id"].to_pylist() == ["rw30"]


@pytest.mark.parametrize("broken", range(6))
def test_an_export_that_breaks_off_is_none_and_harms_no_older_one(context, monkeypatch, broken):
    weekly(context, 14)
    weekly(context, 7)
    before = {name: context.lake.read(name) for name in context.lake.names("exports")}
    context = jobs.Context(
        context.settings.model_copy(update={"exports_kept": 1}),
        context.warehouse,
        context.open_lake,
    )
    steps = [0]

    def step(real):
        def counted(*args):
            steps[0] += 1
            if steps[0] > broken:
                raise LakeUnavailable("The store is away.")
            return real(*args)

        return counted

    with monkeypatch.context() as patch:
        for name in ("move_in", "write", "delete"):
            patch.setattr(Lake, name, step(getattr(Lake, name)))
        if broken < 5:  # four tables and a manifest
            with pytest.raises(LakeUnavailable):
                weekly(context)
            assert {name: context.lake.read(name) for name in before} == before
            assert context.lake.size(f"exports/{NOW:%Y-%m-%d}/{MANIFEST}") is None
        else:
            with pytest.raises(LakeUnavailable):
                weekly(context)
            assert context.lake.size(f"exports/{NOW:%Y-%m-%d}/{MANIFEST}") is not None
    weekly(context)
    assert exported_days(context) == [f"{NOW:%Y-%m-%d}"]


# --------------------------------------------------------------------------------------- erasing


@on_any_lake
def test_after_an_erasure_no_export_holds_the_review(context):
    weekly(context, 7)
    weekly(context)
    assert "rw2" in held(context)
    counted = jobs.preview("review", "rw2", context)
    assert len(exported_days(context)) == 2  # looking changes nothing
    erased = jobs.erase("review", "rw2", context)
    assert erased == counted
    assert erased.objects == 10
    assert "rw2" not in held(context)
    assert exported_days(context) == []
    weekly(context)
    assert {"rw2", "rw3"} & set(re.findall(r"rw\d+", held(context))) == {"rw3"}
    assert jobs.erase("review", "rw2", context) == jobs.Erased()
    assert len(exported_days(context)) == 1


def test_the_reviews_of_an_erased_author_go_from_exports(context):
    weekly(context)
    assert jobs.preview("author", ANNA, context) == jobs.erase("author", ANNA, context)
    assert exported_days(context) == []


def test_an_erased_movie_goes_and_one_that_is_tracked_again_stays(context):
    weekly(context, 7)
    erased = jobs.erase("movie", OTHER, context)
    assert exported_days(context) == []
    assert erased.objects >= 5
    seen = dict.fromkeys(("started_at", "finished_at"), datetime.now(UTC))
    uri = collection(context, "e", 0, [review(40, OTHER)], OTHER, **seen)
    jobs.load(uri, context)
    weekly(context)
    jobs.replay_erasures(context)
    assert OTHER in held(context)


def test_another_source_is_another_review_and_its_export_stays(context):
    theirs = [review("2", MOVIE, source="letters")]
    jobs.load(collection(context, "f", 4, theirs, source="letters"), context)
    jobs.erase("review", "rw2", context)
    weekly(context)
    jobs.replay_erasures(context)
    assert len(exported_days(context)) == 1
    jobs.erase("review", "rw2", context, "letters")
    assert exported_days(context) == []


@pytest.mark.parametrize("kind", ["review", "movie"])
def test_an_export_that_was_under_way_is_cleaned_by_the_next_retention(context, monkeypatch, kind):
    """Rows were read before the erasure, files appear after it."""
    bring = Lake.move_in

    def erase_meanwhile(lake, file, name):
        if name.endswith("reviews.parquet"):
            jobs.erase(kind, "rw2" if kind == "review" else MOVIE, context)
        return bring(lake, file, name)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "move_in", erase_meanwhile)
        weekly(context)
    assert "rw2" in held(context)
    assert jobs.apply_retention(context, datetime.now(UTC)).erased >= 5
    assert "rw2" not in held(context)


@pytest.mark.parametrize("file", ["reviews.parquet", MANIFEST])
def test_a_damaged_export_goes_with_any_erasure(context, file):
    weekly(context)
    folder = f"exports/{NOW:%Y-%m-%d}"
    context.lake.write(f"{folder}/{file}", b"PAR1 damaged")
    with_movie = MOVIE if file == MANIFEST else OTHER
    jobs.erase("movie", with_movie, context)
    assert exported_days(context) == []


def test_an_export_from_a_backup_goes_at_a_rebuild(context):
    weekly(context)
    copy = {name: context.lake.read(name) for name in context.lake.names("exports")}
    jobs.erase("review", "rw2", context)
    for name, content in copy.items():
        context.lake.write(name, content)
    jobs.rebuild(context)
    assert exported_days(context) == []


def test_nothing_of_an_export_is_larger_than_its_chunks(context, tmp_path, monkeypatch):
    monkeypatch.setattr(extracts, "MOST_ROWS", 3)
    jobs.export(context, str(tmp_path / "out"))
    file = pq.ParquetFile(tmp_path / "out/reviews.parquet")
    rows = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert rows == [3, 3, 2]
    found = days_as_datetimes(file.read().to_pandas(), frames.reviews(warehouse=context.warehouse))
    assert (
        found.review_id.to_list() == frames.reviews(warehouse=context.warehouse).review_id.to_list()
    )
