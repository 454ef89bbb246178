"""Erasing on request: gone from every place, never back, and done again after a restore."""

import base64
import gzip
import io
import quopri
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from hashlib import sha256
from uuid import uuid4

import pytest
from helpers.kept import filled
from helpers.tables import contents
from typer.testing import CliRunner

from filmpulse import (
    airflow_bridge,  # noqa: F401 - it logs to the stream of its first import, a test's if later
    cli,
    jobs,
)
from filmpulse.analysis import make_analyser
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.items import (
    Call,
    Movie,
    Reading,
    Review,
    ReviewText,
    Snapshot,
    analysed_text,
    author_key,
)
from filmpulse.jobs.upkeep import erase
from filmpulse.lake import Lake, Manifest
from filmpulse.sources.tables.mapping import read_map
from filmpulse.warehouse import movies
from filmpulse.warehouse.ledger import open_ledger
from filmpulse.warehouse.load import store_movie

SECRET = b"for tests only"
MOVIE, OTHER, THIRD = "tt99000001", "tt99000002", "tt99000003"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
ANNA = author_key("imdb", "ur1000001", SECRET)
BERT = author_key("imdb", "ur1000002", SECRET)
ZALGO = 'Zażółć gęślą jaźń 👩‍🚀 \u2028 “quoted” \\ "review_id":"rw3"'


def made(warehouse_url, lake_url, **lake):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url=lake_url, author_secret=SECRET.decode(), **lake
        )
    )


@pytest.fixture
def context(request, tmp_path):
    is_on_s3 = getattr(request, "param", "file") == "s3"
    if is_on_s3:
        store = request.getfixturevalue("s3")
        access = {
            "lake_endpoint_url": store.url,
            "lake_key": store.key,
            "lake_secret": store.secret,
        }
        url = request.getfixturevalue("warehouse_url")
        yield made(url, f"s3://filmpulse/{uuid4()}", **access)
    elif "history" in request.fixturenames:
        with request.getfixturevalue("kept").again() as context:
            yield context
    else:
        yield made(request.getfixturevalue("warehouse_url"), (tmp_path / "lake").as_uri())


on_any_lake = pytest.mark.parametrize("context", ["file", "s3"], indirect=True)


def review(number, imdb_id=MOVIE, **changes):
    fields = {
        "review_id": f"rw{number}",
        "imdb_id": imdb_id,
        "author_key": BERT,
        "title": f"Title {number}",
        "body": f"The acting is wonderful, the music is dull. {number}",
        "rating_1_10": 7,
        "submitted_on": date(2026, 10, 1),
        "date_source": "json",
    }
    return Review(**fields | changes)


def collection(context, name, hour, reviews, imdb_id=MOVIE, **changes):
    """Write a collection into the lake; answer its manifest's URI."""
    at = START + timedelta(hours=hour)
    source = changes.get("source", "imdb")
    writer = context.lake.begin(source, imdb_id, at)
    writer.append(reviews[:2])
    writer.append(reviews[2:])
    fields = {
        "run_id": name,
        "source": source,
        "imdb_id": imdb_id,
        "mode": "full",
        "started_at": at,
        "finished_at": at,
        "status": "complete",
        "distinct_ids": len(reviews),
        "movie": Movie(imdb_id=imdb_id, title=f"Movie {imdb_id}", year=2025),
        "snapshot": Snapshot(imdb_id=imdb_id, taken_at=at, rating=7.0, review_count=len(reviews)),
        "parts": tuple(writer.parts),
    }
    return writer.close(Manifest(**fields | changes))


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


TABLES = (
    "core.movies", "core.movie_snapshots", "core.reviews", "core.review_revisions",
    "core.review_analyses", "core.aspect_scores", "ops.collections", "ops.loads",
    "ops.movie_checks", "ops.quality_checks", "ops.llm_results", "ops.llm_calls",
    "core.movie_events", "core.movie_tags", "core.movie_posters", "core.calibrations",
    "core.audits", "core.audit_labels",
)  # fmt: skip
LABELS = TABLES[-2:]


def tables(context):
    """Every row of every table, as text."""
    return contents(context.warehouse, TABLES)


def everything(context):
    """All that is stored anywhere but the notes of what was erased, as one text."""
    lake = []
    for name in context.lake.names(""):
        if name.startswith("erasures/"):
            continue
        content = context.lake.read(name)
        content = gzip.decompress(content) if name.endswith(".gz") else content
        lake.append(f"{name}\n{content.decode()}")
    return "\n".join([*lake, *(row for found in tables(context).values() for row in found)])


def lines(context, source="imdb"):
    """Every review in the lake, read back as a rebuild reads them."""
    return [
        review
        for uri in context.lake.manifests(source)
        for review in context.lake.read_reviews(uri, context.lake.read_manifest(uri))
    ]


def quarantine(context, imdb_id, html):
    return context.lake.quarantine("imdb", imdb_id, "layout_changed", html, START)


def audit(context):
    """Have somebody label every review."""
    with context.warehouse.connect() as connection:
        for table, columns, values in (
            ("audits", "overall", "1"),
            ("audit_labels", "aspect, score", "'acting', 1"),
        ):
            connection.execute(
                f"INSERT INTO core.{table} (auditor, source, review_id, content_hash, {columns}) "  # noqa: S608
                f"SELECT 'Ann', source, review_id, content_hash, {values} FROM core.reviews"
            )


def put_history(context):
    """Store what `history` tells of; return the collections' URIs."""
    uris = [
        collection(
            context,
            "a",
            0,
            [review(1, author_key=ANNA, body=ZALGO), review(2), review(3), review(4)],
        ),
        # the same review by a route that does not say who wrote it, edited
        collection(
            context, "b", 1, [review(1, author_key=None, body="An edit."), review(2), review(3)]
        ),
        collection(context, "c", 2, [review(10, OTHER), review(11, OTHER, author_key=ANNA)], OTHER),
        collection(context, "d", 3, [review(20, THIRD)], THIRD),
    ]
    for uri in uris:
        jobs.load(uri, context)
    for movie in (MOVIE, OTHER, THIRD):
        jobs.analyse(movie, context)
    audit(context)
    with context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome)"
            " VALUES ('imdb', %s, %s, 'news')",
            (MOVIE, START),
        )
    for movie in (MOVIE, OTHER):
        jobs.add_event(movie, "2026-05-17", "Gala", context)
        movies.add_tag(context.warehouse, imdb_id=movie, tag="Competitors")
        movies.store_poster(
            context.warehouse, imdb_id=movie, source_url="https://site.example/1", width=1,
            height=1, media_type="image/png", image=b"png", fetched_at=START,
        )  # fmt: skip
    quarantine(context, MOVIE, '<a href="/review/rw2/">no card</a>')
    quarantine(context, OTHER, f'<a href="/user/key-{ANNA}/">no card</a>')
    quarantine(context, THIRD, '<a href="/review/rw22/">no card</a>')
    for folder in ("inbox", "inbox/done", "inbox/failed"):
        for name, content, imdb_id in (
            ("one", '{"id": "rw1"}', MOVIE),
            ("two", '{"id": "rw2"}', MOVIE),
            ("ten", f'{{"userId":"key-{ANNA}"}}', OTHER),
        ):
            context.lake.write(f"{folder}/{name}.json", content.encode())
            note = f'{{"imdb_id": "{imdb_id}"}}'
            context.lake.write(f"{folder}/{name}.json.meta.json", note.encode())
            context.lake.write(f"{folder}/{name}.json.reason.txt", b"no\n")
    context.lake.write("inbox/raw.html", b'<a href="/user/ur1000001/">Anna</a> /title/tt99000002/')
    # half a collection, of a worker that died
    context.lake.begin("imdb", MOVIE, START).append([review(1, author_key=ANNA), review(2)])
    return uris


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    with filled(databases, _warehouse_template, folder, made, put_history) as kept:
        yield kept


@pytest.fixture
def history(request, context):
    """Three movies with edits, a removal, kept pages and files; rw1 and rw11 are Anna's."""
    is_kept = context.settings.lake_url.startswith("file:")
    return request.getfixturevalue("kept").told if is_kept else put_history(context)


def is_unhurt(context, before, *, but):
    """Tell whether all rows that do not speak of these are as they were."""
    after = tables(context)
    return all(
        [r for r in before[t] if not any(b in r for b in but)] == after[t]
        for t in ("core.reviews", "core.review_revisions", "core.review_analyses",
                  "core.aspect_scores", "core.audits", "core.audit_labels")
    )  # fmt: skip


@on_any_lake
def test_a_review_is_gone_from_everywhere(context, history):
    before = tables(context)
    assert "rw2" in everything(context)
    kept = [r for r in lines(context) if r.review_id != "rw2"]
    counted = jobs.preview("review", "rw2", context)
    assert tables(context) == before
    erased = jobs.erase("review", "rw2", context)
    assert erased == counted
    assert (erased.reviews, erased.lines, erased.objects) == (1, 3, 10)
    of_reviews = (*TABLES[2:6], *LABELS)
    assert erased.rows == sum(",rw2," in row for t in of_reviews for row in before[t])
    assert "rw2," not in everything(context)
    assert '"rw2"' not in everything(context)
    assert is_unhurt(context, before, but=[",rw2,"])
    assert lines(context) == kept
    assert "rw22" in everything(context)  # a longer id is another one
    assert jobs.erase("review", "rw2", context) == jobs.Erased()


@on_any_lake
def test_an_author_is_gone_from_every_movie(context, history):
    before = tables(context)
    assert jobs.preview("author", ANNA, context).lines == 4
    erased = jobs.erase("author", ANNA, context)
    assert (erased.reviews, erased.lines) == (2, 4)
    # pages with her key or a review of hers: kept, waiting, done and failed; and one not cleaned
    assert erased.objects == 1 + 3 * 6 + 1
    left = everything(context)
    for trace in (ANNA, "ur1000001", "rw1,", '"rw1"', "rw11", "An edit.", "Zażółć"):
        assert trace not in left
    assert is_unhurt(context, before, but=[",rw1,", ",rw11,"])
    assert {r.review_id for r in lines(context)} == {"rw2", "rw3", "rw4", "rw10", "rw20"}
    noted = rows(context, "SELECT kind, source, key FROM ops.erasures ORDER BY kind, key")
    assert [(n["kind"], n["key"]) for n in noted] == [
        ("author", ANNA), ("review", "rw1"), ("review", "rw11")
    ]  # fmt: skip
    # neither by the route that does not say who wrote it, nor by a new review
    uri = collection(
        context, "z", 9, [review(1, author_key=None), review(5, author_key=ANNA), review(2)]
    )
    assert jobs.load(uri, context).inserted == 0
    assert [
        r.review_id for r in context.lake.read_reviews(uri, context.lake.read_manifest(uri))
    ] == ["rw2"]
    assert context.lake.read_manifest(uri).distinct_ids == 1
    faults = rows(context, "SELECT check_name FROM ops.quality_checks WHERE manifest_uri = %s "
                         "AND check_name = 'duplicate_keys' AND NOT passed", uri)  # fmt: skip
    assert faults == []


@on_any_lake
def test_a_movie_is_gone_with_all_that_is_known_of_it(context, history):
    before = tables(context)
    late = collection(context, "late", 5, [review(9)], source="club", distinct_ids=1)
    counted = jobs.preview("movie", MOVIE, context)
    erased = jobs.erase("movie", MOVIE, context)
    assert erased == counted
    assert erased.reviews == 4
    after = tables(context)
    labels = sum(len(before[table]) - len(after[table]) for table in LABELS)  # name no movie
    assert labels == 2 * erased.reviews
    named = sum(MOVIE in row for table in TABLES for row in before[table])
    assert erased.rows == named + labels
    assert MOVIE not in everything(context)
    for table in TABLES:
        gone = [r for r in before[table] if r not in after[table]]
        assert all(MOVIE in r or ",rw" in r for r in gone)
        assert set(after[table]) <= set(before[table])
    assert len(after["core.movies"]) == 2
    assert context.lake.names(f"reviews/imdb/{MOVIE}") == []
    with pytest.raises(BadInput, match="erased on request") as refused:
        jobs.load(late, context)
    assert refused.value.reason == "erased"
    assert jobs.erase("movie", MOVIE, context) == jobs.Erased()


def test_a_movie_that_is_tracked_again_keeps_what_is_new(context, history):
    jobs.erase("movie", MOVIE, context)
    hours = (datetime.now(UTC) - START) / timedelta(hours=1) + 1
    movie = Movie(imdb_id=MOVIE, title="New")
    uri = collection(context, "new", hours, [review(1, author_key=ANNA), review(2)], movie=movie)
    assert jobs.load(uri, context).inserted == 2
    wanted = tables(context)
    assert jobs.replay_erasures(context) == jobs.Erased()
    assert tables(context) == wanted
    jobs.rebuild(context)
    assert tables(context) == wanted
    # a page saved before the movie was erased is refused, one in between stays out of the lake
    old = collection(context, "old", 4, [review(7)], mode="import")
    with pytest.raises(BadInput, match="erased on request"):
        jobs.load(old, context)
    assert tables(context) == wanted
    assert "rw7" not in everything(context)


def test_old_facts_that_a_backup_brought_go_and_new_ones_stay(context, history):
    jobs.erase("movie", MOVIE, context)
    erased_at = rows(context, "SELECT erased_at FROM ops.erasures")[0]["erased_at"]
    with context.warehouse.connect() as connection:
        for title, plot, at in (("Old", "Old plot", START), ("New", None, erased_at)):
            movie = Movie(imdb_id=MOVIE, title=title, plot=plot, genres=("Drama",) if plot else ())
            erasing_at = at + timedelta(seconds=1) if title == "New" else at
            store_movie(connection, movie, erasing_at)
        connection.execute(
            "INSERT INTO core.movie_snapshots (source, imdb_id, taken_at)"
            " VALUES ('imdb', %s, %s), ('imdb', %s, %s)",
            (MOVIE, START, MOVIE, erased_at + timedelta(seconds=1)),
        )
    assert jobs.replay_erasures(context).rows == 1
    (movie,) = rows(context, "SELECT * FROM core.movies WHERE imdb_id = %s", MOVIE)
    assert (movie["title"], movie["plot"], movie["genres"]) == ("New", None, [])
    assert list(movie["fact_times"]) == ["title"]


@pytest.mark.parametrize(("kind", "key"), [("review", "rw1"), ("author", ANNA), ("movie", MOVIE)])
def test_a_crash_anywhere_is_completed_by_doing_it_again(context, history, monkeypatch, kind, key):
    """Stop before each write to the lake and each change of rows in turn."""
    budget = 0

    class Crash(Exception):
        pass

    def step(real):
        def counted(*args, **options):
            nonlocal budget
            budget -= 1
            if budget < 0:
                raise Crash
            return real(*args, **options)

        return counted

    monkeypatch.setattr(Lake, "write", step(Lake.write))
    monkeypatch.setattr(Lake, "delete", step(Lake.delete))
    monkeypatch.setattr(erase, "_counted", step(erase._counted))
    crashes = 0
    while True:
        budget = crashes  # each try gets one step further, from where the last one stopped
        try:
            jobs.erase(kind, key, context)
            break
        except Crash:
            crashes += 1
            assert rows(context, "SELECT FROM ops.erasures") or crashes <= 2
    budget = 10**6
    assert crashes > 2
    left = everything(context)
    traces = {"review": ["rw1,", '"rw1"'], "author": [ANNA, '"rw1"', "rw11"], "movie": [MOVIE]}
    for trace in traces[kind]:
        assert trace not in left
    wanted = tables(context)
    if kind != "movie":  # its collections are gone, and nothing is wrong with that
        jobs.rebuild(context)
        assert tables(context) == wanted
    assert {m.distinct_ids for m in map(context.lake.read_manifest, context.lake.manifests())} == {
        len({r.review_id for r in context.lake.read_reviews(uri, context.lake.read_manifest(uri))})
        for uri in context.lake.manifests()
    }


def test_what_was_never_stored_is_noted_all_the_same(context):
    assert jobs.erase("review", "rw77", context) == jobs.Erased()
    assert jobs.erase("author", ANNA, context) == jobs.Erased()
    assert jobs.erase("movie", MOVIE, context) == jobs.Erased()
    uri = collection(context, "a", 10**5, [review(77), review(78), review(79, author_key=ANNA)])
    assert jobs.load(uri, context).inserted == 1
    assert [r["review_id"] for r in rows(context, "SELECT review_id FROM core.reviews")] == ["rw78"]
    assert [r.review_id for r in lines(context)] == ["rw78"]


def test_an_older_warehouse_hears_of_it_from_the_lake(context, history):
    backup = {table: rows(context, f"SELECT * FROM {table}") for table in ("core.reviews",)}  # noqa: S608
    jobs.erase("review", "rw2", context)
    jobs.erase("author", ANNA, context)
    wanted = tables(context)
    with context.warehouse.connect() as connection:
        connection.execute("TRUNCATE ops.erasures")
        for row in backup["core.reviews"]:
            if row["review_id"] in ("rw1", "rw2", "rw11"):
                connection.execute(
                    """INSERT INTO core.reviews (source, review_id, imdb_id, author_key, is_spoiler,
                                                 content_hash, first_seen_at)
                       VALUES (%(source)s, %(review_id)s, %(imdb_id)s, %(author_key)s, false,
                               %(content_hash)s, %(first_seen_at)s)""",
                    row,
                )
    assert jobs.rebuild(context).loaded == jobs.Loaded()
    assert tables(context) == wanted
    assert len(rows(context, "SELECT FROM ops.erasures")) == 4


def test_an_older_lake_hears_of_it_from_the_warehouse(context, history):
    objects = {name: context.lake.read(name) for name in context.lake.names("")}
    jobs.erase("author", ANNA, context)
    jobs.erase("movie", THIRD, context)
    wanted, left = tables(context), everything(context)
    notes = context.lake.names("erasures")
    for name in notes:
        context.lake.delete(name)
    for name, content in objects.items():
        if not name.startswith(("inbox", "quarantine")):
            context.lake.write(name, content)
    jobs.rebuild(context)
    assert tables(context) == wanted
    assert everything(context) == left
    assert context.lake.names("erasures") == notes


def test_a_late_collection_does_not_bring_it_back(context, history):
    jobs.erase("review", "rw2", context)
    early = collection(context, "early", -5, [review(2), review(6)])
    assert jobs.load(early, context).inserted == 1
    assert "rw2" not in {r.review_id for r in lines(context)}


def test_another_source_is_another_review(context, history):
    uri = collection(
        context, "f", 4, [review(2, source="club")], source="club", mode="import", snapshot=None
    )
    before = len(rows(context, "SELECT FROM core.reviews"))
    jobs.load(uri, context)
    assert len(rows(context, "SELECT FROM core.reviews")) == before + 1
    assert jobs.erase("review", "rw2", context, "club").reviews == 1
    assert len(rows(context, "SELECT FROM core.reviews")) == before
    assert "rw2" in {r.review_id for r in lines(context)}
    assert lines(context, "club") == []


@pytest.mark.parametrize("source", ["", "*", "inbox", "../imdb", "IMDb"])
def test_what_is_no_source_is_refused(context, source):
    with pytest.raises(BadInput, match="source"):
        jobs.find_key("review", "rw1", source, context.settings)


def test_refused_rows_and_waiting_tables_go_whole(context, caplog):
    names = {
        "inbox/failed/a-0.csv.rejects.csv": b"row,reason,text\n1,date,Zoe was here\n",
        "inbox/failed/a-0.csv.reason.txt": b"no\n",
        "inbox/waits.csv": b"id,text\n17,it is dull\n",
        "inbox/waits.csv.map.yaml": b"source: club\n",
        "inbox/other.csv": b"id,text\n170,it is dull\n",
        "inbox/failed/page-0.html.reason.txt": b"no\n",
    }
    for name, content in names.items():
        context.lake.write(name, content)
    jobs.erase("review", "rw17", context)
    assert len(context.lake.names("inbox")) == 6
    assert jobs.erase("review", "17", context, "club").objects == 4
    assert context.lake.names("inbox") == ["inbox/failed/page-0.html.reason.txt", "inbox/other.csv"]
    assert "inbox/waits.csv waited and was deleted" in caplog.text


@pytest.mark.parametrize("review_id", ['a"b\\c/../d', "x-1", "%s", "*", "{}"])
def test_ids_of_any_shape(context, review_id):
    given = [review(1, review_id=review_id, source="club"), review(2, source="club")]
    jobs.load(collection(context, "a", 0, given, source="club"), context)
    erased = jobs.erase("review", jobs.find_key("review", review_id, "club", context.settings),
                         context, "club")  # fmt: skip
    assert (erased.reviews, erased.lines) == (1, 1)
    assert [r.review_id for r in lines(context, "club")] == ["rw2"]


def test_a_lake_that_is_away_leaves_a_note_for_nobody(context, history):
    class Away(Lake):
        def write(self, name, content):
            raise LakeUnavailable("The store is away.")

    away = jobs.Context(
        context.settings, context.warehouse, lambda: Away(context.settings.lake_url)
    )
    before = tables(context)
    with pytest.raises(LakeUnavailable):
        jobs.erase("review", "rw2", away)
    assert tables(context) == before
    assert rows(context, "SELECT FROM ops.erasures") == []


def test_a_note_that_cannot_be_read_is_no_silence(context):
    context.lake.write("erasures/x.json", b"{")
    with pytest.raises(BadInput, match=r"erasures/x\.json"):
        jobs.replay_erasures(context)


@pytest.mark.parametrize(
    ("kind", "given"),
    [("movie", "tt1"), ("movie", "*"), ("review", ""), ("review", "rw 1"), ("author", "Anna"),
     ("author", ""), ("author", "A" * 32)],
)  # fmt: skip
def test_what_is_no_key_is_refused(context, kind, given):
    with pytest.raises(BadInput):
        jobs.find_key(kind, given, "imdb", context.settings)


def test_an_authors_own_id_is_hashed_with_the_secret(context):
    assert jobs.find_key("author", "ur1000001", "imdb", context.settings) == ANNA
    assert jobs.find_key("author", ANNA, "imdb", context.settings) == ANNA
    assert jobs.find_key("author", f"key-{ANNA}", "imdb", context.settings) == ANNA
    assert jobs.find_key("author", " Zoe\u0301 ", "club", context.settings) == author_key(
        "club", "Zoé", SECRET
    )
    without = context.settings.model_copy(update={"author_secret": None})
    with pytest.raises(BadInput, match="FILMPULSE_AUTHOR_SECRET"):
        jobs.find_key("author", "ur1000001", "imdb", without)


def test_facts_of_an_undated_page_that_came_after_stay(context):
    jobs.erase("movie", MOVIE, context)
    writer = context.lake.begin("imdb", MOVIE, datetime.now(UTC))
    writer.append([review(1)])
    now = datetime.now(UTC)
    uri = writer.close(
        Manifest(
            run_id="page",
            source="imdb",
            imdb_id=MOVIE,
            mode="import",
            is_dated=False,
            started_at=now,
            finished_at=now,
            status="partial",
            distinct_ids=1,
            movie=Movie(imdb_id=MOVIE, title="The Glass Orchard", year=2025),
            parts=tuple(writer.parts),
        )
    )
    jobs.load(uri, context)
    assert not any(jobs.replay_erasures(context))
    (movie,) = rows(context, "SELECT title, year FROM core.movies")
    assert (movie["title"], movie["year"]) == ("The Glass Orchard", 2025)
    jobs.erase("movie", MOVIE, context)
    assert not rows(context, "SELECT FROM core.movies")


def test_a_review_erased_while_it_is_scored_costs_no_other_score(context):
    jobs.load(collection(context, "run", 0, [review(n) for n in range(1, 6)]), context)
    lexicon = make_analyser("lexicon")

    class Slow:
        kind, model = lexicon.kind, lexicon.model
        prompt_version, parameters = lexicon.prompt_version, lexicon.parameters

        def analyse(self, texts):
            for analysis in lexicon.analyse(texts):
                if analysis.review_id == "rw3":
                    jobs.erase("review", "rw3", context)
                yield analysis

    jobs.analyse(MOVIE, context, Slow())
    scored = rows(context, "SELECT DISTINCT review_id FROM core.review_analyses ORDER BY 1")
    assert [row["review_id"] for row in scored] == ["rw1", "rw2", "rw4", "rw5"]


# --------------------------------------------------------------------- what a model said


def model(context):
    return open_ledger(
        context.warehouse, run_id="run", model="toy", prompt_version="v", run_usd=9, day_usd=9
    )


def given(review):
    """What a model is given of a review, and the key under which its answer is kept."""
    text = analysed_text(review.title, review.body)
    fields = {name: getattr(review, name) for name in ("source", "review_id", "imdb_id")}
    given = ReviewText(**fields, content_hash=review.content_hash, language="en", text=text)
    return sha256(text.encode()).hexdigest(), given


def ask(context, *reviews):
    """Have a model answer all, one cent each; return the keys."""
    with model(context) as ledger:
        for one in reviews:
            key, text = given(one)
            call_id = ledger.begin(key, text, most_usd=0.02, lease_seconds=60)
            said = Reading(
                status="scored", overall=1, overall_quote=one.body[:9], overall_quote_start=0
            )
            ledger.end(call_id, Call(outcome="scored", cost_usd=0.01), said)
    return [given(one)[0] for one in reviews]


def answers(context):
    return {row["key"] for row in rows(context, "SELECT key FROM ops.llm_results")}


def paid(context):
    """The movie that each call was for, while it still tells a text; and the sum of all."""
    found = rows(context, "SELECT * FROM ops.llm_calls")
    return {c["key"]: c["imdb_id"] for c in found if c["key"]}, sum(c["cost_usd"] for c in found)


@pytest.fixture
def asked(context, history):
    """Answers about the words of `history`, before and after an edit; by key, whose they are."""
    words = {
        "rw1": review(1, body="An edit."),
        "rw1 before": review(1, body=ZALGO),
        "rw2": review(2),
        "rw11": review(11, OTHER),
        "rw20": review(20, THIRD),
    }
    return dict(zip(words, ask(context, *words.values()), strict=True))


@pytest.mark.parametrize(
    ("kind", "key", "gone"),
    [
        ("review", "rw2", {"rw2"}),
        ("author", ANNA, {"rw1", "rw1 before", "rw11"}),
        ("movie", MOVIE, {"rw1", "rw1 before", "rw2"}),
    ],
)
def test_a_models_answers_go_and_what_they_cost_stays(context, asked, kind, key, gone):
    before = tables(context)
    counted = jobs.preview(kind, key, context)
    assert tables(context) == before
    assert jobs.erase(kind, key, context) == counted
    left = {asked[whose] for whose in asked.keys() - gone}
    assert answers(context) == left
    about, usd = paid(context)
    assert (about.keys(), usd) == (left, Decimal("0.05"))
    assert set(about.values()) <= {MOVIE, OTHER, THIRD}
    after = tables(context)
    lost = sum(len(before[t]) - len(after[t]) for t in TABLES)
    assert counted.rows == lost  # the answers among them; no call is lost
    if kind == "movie":
        assert MOVIE not in everything(context)
    assert jobs.erase(kind, key, context) == jobs.Erased()


def test_the_same_words_of_another_review_keep_their_answer(context):
    same = {"title": "", "body": "The music is dull."}
    twins = [review(1, **same), review(2, OTHER, **same), review(3, OTHER, **same)]
    for at, twin in enumerate(twins):
        jobs.load(
            collection(context, f"c{at}", at, [twin], twin.imdb_id, mode="incremental"), context
        )
    (key,) = ask(context, twins[0])
    with context.warehouse.connect() as connection:  # one that was removed, its words dropped
        connection.execute(
            "UPDATE core.reviews SET title = NULL, body = NULL WHERE review_id = 'rw3'"
        )
    jobs.erase("movie", MOVIE, context)
    assert answers(context) == {key}
    assert paid(context)[0] == {key: None}
    jobs.erase("review", "rw2", context)
    assert answers(context) == set()
    assert paid(context) == ({}, Decimal("0.01"))


def test_words_erased_while_a_model_reads_them_leave_nothing(context, history):
    key, text = given(review(2))
    with model(context) as ledger:
        call_id = ledger.begin(key, text, most_usd=0.02, lease_seconds=60)
        jobs.erase("review", "rw2", context)
        said = Reading(
            status="scored", overall=1, overall_quote="The acting", overall_quote_start=0
        )
        ledger.end(call_id, Call(outcome="scored", cost_usd=0.01), said)
        assert ledger.begin(key, text, most_usd=0.02, lease_seconds=60) == "erased"
        assert ledger.find([key]) == {}
    assert answers(context) == set()
    assert paid(context) == ({}, Decimal("0.01"))


def test_answers_that_a_backup_brought_back_go_again(context, asked):
    saved = ("core.reviews", "core.review_revisions", "ops.llm_results")
    with context.warehouse.connect() as connection:
        for n, table in enumerate(saved):
            connection.execute(f"CREATE TABLE ops.saved_{n} AS TABLE {table}")
    jobs.erase("author", ANNA, context)
    wanted = tables(context)
    with context.warehouse.connect() as connection:
        for n, table in enumerate(saved):
            connection.execute(f"INSERT INTO {table} TABLE ops.saved_{n} ON CONFLICT DO NOTHING")
    assert answers(context) == set(asked.values())
    jobs.replay_erasures(context)
    assert tables(context) == wanted
    assert answers(context) == {asked["rw2"], asked["rw20"]}


def test_a_movie_that_is_tracked_again_keeps_what_it_costs_from_then_on(context, history):
    ask(context, review(2))
    jobs.erase("movie", MOVIE, context)
    hours = (datetime.now(UTC) - START) / timedelta(hours=1) + 1
    jobs.load(collection(context, "new", hours, [review(2)]), context)
    keys = ask(context, review(2))
    assert jobs.replay_erasures(context) == jobs.Erased()
    assert paid(context) == (dict.fromkeys(keys, MOVIE), Decimal("0.02"))


# --------------------------------------------------------------------- by any form of key

USER = "ur1000001"
MAP = """
source: club
rights: Written for this test.
imdb_id: movie
review_id: id
author: who
body: text
"""
SITE_FORMS = [
    USER,
    f"https://www.imdb.com/user/{USER}/",
    f"m.imdb.com/user/{USER}?ref_=tt_urv",
    f"/user/{USER}/reviews/#top",
]
KEY_FORMS = ["{}", "key-{}", "filmpulse-author-{}", "https://www.imdb.com/user/key-{}/", " {} "]


def by_site(context, who=ANNA):
    """Her review as the site gives it, and another's."""
    jobs.load(collection(context, "s", 0, [review(1, author_key=who), review(2)]), context)
    return who


def a_table(who):
    lines = [f"{MOVIE},1,{who},It is dull.", f"{MOVIE},2,ur1000002,It is bright."]
    return ("movie,id,who,text\n" + "\n".join(lines) + "\n").encode()


def by_table(context, who=USER):
    jobs.import_table(io.BytesIO(a_table(who)), "club.csv", read_map(MAP), "run", context)
    (row,) = rows(context, "SELECT author_key FROM core.reviews WHERE review_id = '1'")
    return row["author_key"]


def by_waiting_table(context, who=USER):
    """A table that a person dropped into the inbox; a row of hers cannot be used."""
    refused = f"{MOVIE},3,{who},\n".encode()
    context.lake.write("inbox/club.csv.map.yaml", MAP.encode())
    context.lake.write("inbox/club.csv", a_table("ur1000003") + refused)
    context.lake.write("inbox/innocent.csv.map.yaml", MAP.encode())
    context.lake.write("inbox/innocent.csv", a_table("ur1000003"))
    return author_key("club", who, SECRET)


def by_added_table(context, tmp_path):
    (tmp_path / "club.csv").write_bytes(a_table(USER))
    with jobs.open_table(tmp_path / "club.csv") as file:
        jobs.add_table(file, "club.csv", read_map(MAP), context)
    return author_key("club", USER, SECRET)


def by_page(folder, text):
    def put(context):
        content = text.encode()
        at = f"quarantine/imdb/{MOVIE}/20261101T000000000000-layout_changed.html.gz"
        if folder == "quarantine":
            context.lake.write(at, gzip.compress(content))
        else:
            context.lake.write(f"{folder}/page.html", content)
            context.lake.write(f"{folder}/page.html.meta.json", b"{}")
        return ANNA

    return put


PLACES = {
    "site": by_site,
    "table": by_table,
    "table of our own keys": lambda context: by_table(context, f"filmpulse-author-{ANNA}"),
    "table of copied keys": lambda context: by_table(context, ANNA),
    "table of keys from pages": lambda context: by_table(context, f"key-{ANNA}"),
    "waiting table": by_waiting_table,
    "waiting page": by_page("inbox", f'<a href="/user/{USER}/">Anna</a>'),
    "imported page": by_page("inbox/done", f'{{"userId":"key-{ANNA}"}}'),
    "failed page": by_page("inbox/failed", f'{{"userId":"key-{ANNA}"}}'),
    "quarantine": by_page("quarantine", f'<a href="/user/key-{ANNA}/"></a>'),
}


@pytest.fixture
def call(context, monkeypatch):
    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    return lambda *words: CliRunner().invoke(cli.app, ["forget", *words, "--yes"])


def noted(context):
    kinds = rows(context, "SELECT kind, source, key FROM ops.erasures")
    assert len(context.lake.names("erasures")) == len(kinds)
    return {(n["source"], n["key"]) for n in kinds if n["kind"] == "author"}


def is_traced(context, key):
    left = everything(context)
    return any(trace in left for trace in (key, ANNA, USER))


@pytest.mark.parametrize("place", PLACES)
def test_any_form_of_a_key_erases_an_author_from_any_place(context, call, place):
    source = "club" if "table" in place else "imdb"
    for form in [*KEY_FORMS, *SITE_FORMS]:
        key = PLACES[place](context)
        assert is_traced(context, key)
        done = call("--author", form.format(key))
        assert done.exit_code == 0, (form, done.output)
        assert not is_traced(context, key), form
        assert noted(context) == {(source, key)}, form
        left = everything(context)
        assert "rw2" in left or place != "site"
        assert "It is bright." in left or "table" not in place
        for name in context.lake.names("erasures"):
            context.lake.delete(name)
        rows(context, "DELETE FROM ops.erasures RETURNING 1")


def mhtml(page, encoding):
    """A page as Chrome saves it as a single file."""
    made = MIMEMultipart("related")
    part = MIMENonMultipart("text", "html", charset="utf-8")
    if encoding == "base64":
        part.set_payload(base64.encodebytes(page.encode()).decode())
    else:
        part.set_payload(quopri.encodestring(page.encode()).decode())
    part["Content-Transfer-Encoding"] = encoding
    made.attach(part)
    return made.as_bytes()


def zipped(page):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("page.html", page)
    return made.getvalue()


LONG = f'<p>{"x" * 52}<a href="/user/{USER}/">Anna</a></p>'


@pytest.mark.parametrize(
    "content",
    [
        LONG.encode("utf-16"),
        mhtml(LONG, "quoted-printable"),
        mhtml(LONG, "base64"),
        gzip.compress(LONG.encode()),
        zipped(LONG),
        zipped(mhtml(LONG, "base64")),
    ],
    ids=["UTF-16", "quoted-printable", "base64", "gzip", "ZIP", "MHTML in a ZIP"],
)
def test_an_author_is_found_in_a_page_of_any_form(context, call, content):
    context.lake.write("inbox/page", content)
    assert call("--author", "ur9999999").exit_code == 1
    assert call("--author", f"key-{ANNA}").exit_code == 0
    assert "inbox/page" not in context.lake.names("inbox")


def test_an_author_of_an_added_table_is_found(context, call, tmp_path):
    key = by_added_table(context, tmp_path)
    assert call("--author", f"filmpulse-author-{key}").exit_code == 0
    assert context.lake.names("inbox") == []


@pytest.mark.parametrize("put", [by_table, by_waiting_table])
def test_an_author_is_found_by_what_a_file_calls_them(context, call, put):
    put(context, "Zoé Żółta 👩‍🚀")
    assert call("--author", "Zoe\u0301 Żółta 👩‍🚀").exit_code == 1  # whose name, no file says
    assert call("--author", "Zoe\u0301 Żółta 👩‍🚀", "--source", "club").exit_code == 0
    assert noted(context) == {("club", author_key("club", "Zoé Żółta 👩‍🚀", SECRET))}
    assert "Zoé" not in everything(context)


def test_an_author_is_erased_under_every_name_at_once(context, call):
    by_site(context)
    by_table(context)
    PLACES["waiting page"](context)
    assert call("--author", USER).exit_code == 0
    assert noted(context) == {("imdb", ANNA), ("club", author_key("club", USER, SECRET))}
    assert USER not in everything(context)


def test_an_author_is_erased_of_the_source_that_was_named_alone(context, call):
    by_site(context)
    by_table(context)
    assert call("--author", USER, "--source", "club").exit_code == 0
    assert noted(context) == {("club", author_key("club", USER, SECRET))}
    assert {r["source"] for r in rows(context, "SELECT source FROM core.reviews")} == {
        "imdb",
        "club",
    }
    assert '"rw1"' in everything(context)


def test_what_was_hashed_with_another_secret_is_found_by_its_key(context, call):
    key = by_site(context, author_key("imdb", USER, b"another secret"))
    assert call("--author", USER).exit_code == 1
    assert call("--author", f"key-{key}").exit_code == 0
    assert key not in everything(context)


@pytest.mark.parametrize(
    "words",
    [
        *(("--author", form.format("0" * 32)) for form in KEY_FORMS),
        *(("--author", form.replace(USER, "ur9999999")) for form in SITE_FORMS),
        ("--author", "Nobody", "--source", "club"),
        ("--author", USER, "--source", "nowhere"),
        ("--review", "rw999"),
        ("--review", "rw1", "--source", "club"),
        ("--movie", "tt99000009"),
    ],
)
def test_a_key_that_finds_nothing_says_so_and_notes_nothing(context, history, call, words):
    context.lake.write("inbox/failed/a.csv.rejects.csv", b"row,why\n1,date\n")
    stored, objects = tables(context), context.lake.names("")
    done = call(*words)
    assert done.exit_code == 1
    assert words[1].strip() in done.output
    assert (tables(context), context.lake.names("")) == (stored, objects)
    assert rows(context, "SELECT FROM ops.erasures") == []


@pytest.mark.parametrize(("kind", "given"), [("review", "rw2"), ("author", USER), ("movie", MOVIE)])
def test_an_erasure_that_broke_off_is_completed_and_no_failure(
    context, history, call, monkeypatch, kind, given
):
    with monkeypatch.context() as patched:
        patched.setattr(erase, "drop_noted", lambda *_: 1 / 0)
        assert isinstance(call(f"--{kind}", given).exception, ZeroDivisionError)
    # nothing is left of it but the note
    assert call(f"--{kind}", given).exit_code == 0
    for name in context.lake.names("erasures"):
        context.lake.delete(name)
    assert call(f"--{kind}", given).exit_code == 0  # the warehouse knows of it, too


def test_refused_rows_go_with_what_was_found_and_alone_are_nothing(context, call):
    by_table(context)
    context.lake.write("inbox/failed/a.csv.rejects.csv", b"row,why\n1,date\n")
    assert call("--author", "ur7777777").exit_code == 1
    assert context.lake.names("inbox") != []
    assert call("--author", USER).exit_code == 0
    assert context.lake.names("inbox") == []
