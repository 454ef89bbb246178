"""Any order of loading the same collections gives the same tables, and so does a rebuild."""

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from helpers.tables import contents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.jobs.reception.read_history import HistoryLost
from filmpulse.lake import Manifest

MOVIE, OTHER = "tt99000001", "tt99000002"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
TEXTS = ["Slow, but it stays with you.", "Jeden z najlepszych filmów, jakie widziałem. 👩‍🚀", "Meh"]


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    )


def review(number, imdb_id=MOVIE, **changes):
    fields = {
        "review_id": f"rw{number}",
        "imdb_id": imdb_id,
        "title": f"Title {number}",
        "body": TEXTS[0],
        "rating_1_10": 7,
        "submitted_on": date(2026, 10, 1),
        "date_source": "json",
        "helpful_up": 1,
        "helpful_down": 0,
    }
    return Review(**fields | changes)


def collection(context, name, hour, reviews, imdb_id=MOVIE, mode="full", **changes):
    """Write a collection into the lake; answer its manifest's URI."""
    at = START + timedelta(hours=hour)
    writer = context.lake.begin("imdb", imdb_id, at)
    writer.append(reviews[:2])
    writer.append(reviews[2:])
    fields = {
        "run_id": name,
        "source": "imdb",
        "imdb_id": imdb_id,
        "mode": mode,
        "started_at": at,
        "finished_at": at,
        "status": "complete",
        "distinct_ids": len(reviews),
        "parts": tuple(writer.parts),
    }
    return writer.close(Manifest(**fields | changes))


def rows(context, statement):
    with context.warehouse.connect() as connection:
        return connection.execute(statement).fetchall()


TABLES = ("core.reviews", "core.review_revisions", "core.movies", "core.movie_snapshots")


def hashes(context):
    """Hash each table, row by row in order of its columns."""
    return {
        table: hashlib.sha256("\n".join(rows).encode()).hexdigest()
        for table, rows in contents(context.warehouse, TABLES).items()
    }


def empty(context):
    rows_to_go = "core.reviews, core.review_revisions, core.movies, core.movie_snapshots, ops.loads"
    with context.warehouse.connect() as connection:
        connection.execute(f"TRUNCATE {rows_to_go}, ops.collections CASCADE")


SIGHTINGS = st.builds(
    review,
    st.integers(1, 5),
    body=st.sampled_from(TEXTS),
    rating_1_10=st.sampled_from([None, 3]),
    helpful_up=st.sampled_from([None, 1, 2]),
    author_key=st.sampled_from([None, "a" * 32]),
    submitted_on=st.sampled_from([date(2026, 9, 30), date(2026, 10, 1)]),
    date_source=st.sampled_from(["dom", "json"]),
)
MOVIES = st.none() | st.builds(
    Movie,
    imdb_id=st.just(MOVIE),
    title=st.sampled_from(["One", "Two"]),
    year=st.sampled_from([None, 1999, 2000]),
)
COLLECTIONS = st.fixed_dictionaries(
    {
        "reviews": st.lists(SIGHTINGS, max_size=5, unique_by=lambda r: r.review_id),
        "mode": st.sampled_from(["full", "incremental", "import"]),
        "status": st.sampled_from(["complete", "partial", "gated"]),
        "is_dated": st.sampled_from([True, True, True, False]),
        "movie": MOVIES,
    }
)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(COLLECTIONS, min_size=2, max_size=5), data=st.data())
def test_any_order_of_loading_gives_the_same_tables(context, history, data):
    uris = [
        collection(context, f"run{n}", n, seen.pop("reviews"), **seen)
        for n, seen in enumerate([dict(h) for h in history])
    ]
    empty(context)
    for uri in uris:
        jobs.load(uri, context)
    wanted = hashes(context)
    empty(context)
    for uri in data.draw(st.permutations(uris)):
        jobs.load(uri, context)
        jobs.load(uri, context)
    assert hashes(context) == wanted
    for name in context.lake.names("imdb"):
        context.lake.delete(name)


def test_a_late_collection_takes_its_place_in_the_history(context):
    early = collection(context, "a", 1, [review(1, body="old"), review(2), review(3)])
    late = collection(context, "b", 5, [review(1, body="new"), review(3)])
    jobs.load(late, context)
    jobs.analyse(MOVIE, context)
    before = {r["review_id"]: r for r in rows(context, "SELECT xmin, * FROM core.reviews")}
    scores = rows(context, "SELECT xmin, * FROM core.review_analyses ORDER BY review_id")
    assert jobs.load(early, context) == jobs.Loaded(inserted=1, revised=1, updated=2)
    after = {r["review_id"]: r for r in rows(context, "SELECT * FROM core.reviews")}
    for review_id, row in before.items():
        first_seen = START + timedelta(hours=1)
        assert after[review_id] == {
            name: value for name, value in row.items() if name != "xmin"
        } | {"first_seen_at": first_seen}
    assert after["rw2"]["removed_at"] == START + timedelta(hours=5)
    (revision,) = rows(context, "SELECT * FROM core.review_revisions")
    assert (revision["body"], revision["replaced_at"]) == ("old", START + timedelta(hours=5))
    assert rows(context, "SELECT xmin, * FROM core.review_analyses ORDER BY review_id") == scores
    assert jobs.load(early, context) == jobs.Loaded()


def test_a_late_collection_of_one_movie_leaves_another_alone(context):
    jobs.load(collection(context, "a", 5, [review(1)]), context)
    jobs.load(collection(context, "b", 5, [review(1, OTHER)], OTHER), context)
    before = rows(context, f"SELECT xmin, * FROM core.reviews WHERE imdb_id = '{OTHER}'")  # noqa: S608
    jobs.load(collection(context, "c", 1, [review(2)]), context)
    assert rows(context, f"SELECT xmin, * FROM core.reviews WHERE imdb_id = '{OTHER}'") == before  # noqa: S608


def history(context):
    """Write and load a history with edits, removals, a return and an import without a day."""
    movie = Movie(imdb_id=MOVIE, title="The Glass Orchard", year=2025)
    snapshot = Snapshot(imdb_id=MOVIE, taken_at=START, rating=7.1, review_count=3)
    uris = [
        collection(
            context, "a", 0, [review(1), review(2), review(3)], movie=movie, snapshot=snapshot
        ),
        collection(context, "b", 1, [review(1, body=TEXTS[1]), review(3)]),
        collection(context, "c", 2, [review(2, body="Back again")], mode="incremental"),
        collection(context, "d", 3, [review(9)], mode="import", status="partial", is_dated=False),
        collection(context, "e", 4, [review(n, OTHER) for n in range(100, 104)], OTHER),
    ]
    for uri in uris:
        jobs.load(uri, context)
    return uris


def test_a_rebuild_counts_rewritten_reviews_apart_from_deleted_ones(context):
    history(context)
    wanted = hashes(context)
    with context.warehouse.connect() as connection:
        connection.execute(
            """INSERT INTO core.reviews (source, review_id, imdb_id, is_spoiler, language,
                                         content_hash, first_seen_at, removed_at)
               SELECT source, 'made-up-' || n, imdb_id, false, language, content_hash,
                      first_seen_at, CASE WHEN n = 3 THEN now() END
               FROM core.reviews, generate_series(1, 3) n WHERE review_id = 'rw1'"""
        )
        connection.execute(
            "UPDATE core.reviews SET helpful_up = 99 WHERE review_id IN ('rw2', 'rw3')"
        )
        connection.execute("DELETE FROM core.reviews WHERE review_id = 'rw9'")
    # 'made-up-3' was removed before: fewer living reviews come of the two others alone
    assert jobs.rebuild(context, [MOVIE]).loaded == jobs.Loaded(inserted=1, updated=2, removed=2)
    assert hashes(context) == wanted


def test_a_rebuild_of_what_is_right_touches_nothing(context):
    history(context)
    for movie in (MOVIE, OTHER):
        jobs.analyse(movie, context)
    query = "SELECT xmin::text AS x, * FROM core.reviews ORDER BY review_id"
    before, wanted = rows(context, query), hashes(context)
    scores = rows(context, "SELECT * FROM core.aspect_scores")
    rebuilt = jobs.rebuild(context)
    assert (rebuilt.imdb_ids, rebuilt.collections) == ([MOVIE, OTHER], 5)
    assert rebuilt.loaded == jobs.Loaded()
    assert rows(context, query) == before
    assert hashes(context) == wanted
    assert rows(context, "SELECT * FROM core.aspect_scores") == scores


def test_a_rebuild_mends_every_kind_of_damage(context):
    history(context)
    wanted = hashes(context)
    with context.warehouse.connect() as connection:
        connection.execute("DELETE FROM core.reviews WHERE review_id = 'rw1'")
        connection.execute("UPDATE core.reviews SET body = 'wrong', rating_1_10 = 1")
        connection.execute("UPDATE core.reviews SET removed_at = now() WHERE review_id = 'rw100'")
        connection.execute("DELETE FROM core.review_revisions")
        connection.execute(
            """INSERT INTO core.reviews (source, review_id, imdb_id, is_spoiler, content_hash,
                                         first_seen_at)
               VALUES ('imdb', 'rw666', %s, false, 'x', now())""",
            (MOVIE,),
        )
    jobs.rebuild(context, [MOVIE])
    assert hashes(context) != wanted
    jobs.rebuild(context)
    assert hashes(context) == wanted


def test_a_lost_warehouse_is_rebuilt_from_the_lake(context):
    history(context)
    wanted = hashes(context)
    ledger = rows(context, "SELECT run_id, mode, status FROM ops.collections ORDER BY run_id")
    empty(context)
    assert jobs.rebuild(context).loaded.inserted == 8
    assert hashes(context) == wanted
    assert (
        rows(context, "SELECT run_id, mode, status FROM ops.collections ORDER BY run_id") == ledger
    )


def test_a_history_with_a_hole_is_not_replayed(context):
    uris = history(context)
    wanted = hashes(context)
    context.lake.delete(context.lake.name_of(uris[0]))
    verdicts = {one.imdb_id: one.status for one in jobs.rebuild(context).verdicts}
    assert verdicts == {MOVIE: "lost", OTHER: "rebuilt"}
    early = collection(context, "z", -5, [review(50)])
    with pytest.raises(HistoryLost, match=MOVIE):
        jobs.load(early, context)
    assert hashes(context) == wanted


def test_a_rebuild_names_a_movie_that_the_lake_does_not_hold(context):
    with pytest.raises(BadInput, match=OTHER):
        jobs.rebuild(context, [OTHER])


def test_a_collection_without_a_manifest_does_not_count(context):
    history(context)
    wanted = hashes(context)
    context.lake.begin("imdb", MOVIE, START).append([review(77)])
    context.lake.write(
        f"reviews/imdb/{MOVIE}/half/reviews-00001.jsonl.gz", gzip.compress(b'{"half')
    )
    jobs.rebuild(context)
    assert hashes(context) == wanted


def test_what_is_loaded_while_a_rebuild_runs_is_kept(context):
    history(context)
    late = []

    def load_more(done, total):
        if not late:  # the first of two movies is done
            late.append(
                collection(context, "late", 9, [review(500, OTHER)], OTHER, status="partial")
            )
            jobs.load(late[0], context)
            jobs.analyse(OTHER, context)

    jobs.rebuild(context, progress=load_more)
    assert len(rows(context, "SELECT FROM core.reviews WHERE review_id = 'rw500'")) == 1
    assert len(rows(context, "SELECT FROM core.review_analyses WHERE review_id = 'rw500'")) == 1


def test_a_lost_ledger_tells_how_the_last_try_of_a_run_went(context):
    for hour, status in ((1, "failed"), (2, "complete")):
        jobs.load(collection(context, "tried twice", hour, [review(1)], status=status), context)
    empty(context)
    jobs.rebuild(context)
    (line,) = rows(context, "SELECT status FROM ops.collections")
    assert line["status"] == "complete"


def test_a_file_that_looks_like_a_manifest_is_no_collection(context):
    uris = history(context)
    context.lake.write(f"inbox/{MOVIE}/page_files/manifest.json", b"{}")
    context.lake.write(f"quarantine/{MOVIE}/x/manifest.json", b"{}")
    assert context.lake.manifests() == sorted(uris)
