"""Objects of the lake that are lost: named, made good or given up; no row is dropped unasked."""

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from helpers.kept import filled
from helpers.tables import contents

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.items import Movie, Review
from filmpulse.jobs.reception.read_history import HistoryLost
from filmpulse.lake import Lake, Manifest

MOVIE, OTHER, THIRD = "tt99000001", "tt99000002", "tt99000003"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def made(warehouse_url, lake_url):
    return jobs.Context.from_settings(Settings(warehouse_url=warehouse_url, lake_url=lake_url))


@pytest.fixture
def context(request, tmp_path):
    if "uris" in request.fixturenames:
        with request.getfixturevalue("kept").again() as context:
            yield context
    else:
        yield made(request.getfixturevalue("warehouse_url"), (tmp_path / "lake").as_uri())


def review(number, imdb_id=MOVIE, **changes):
    fields = {
        "review_id": f"rw{number}",
        "imdb_id": imdb_id,
        "title": f"Title {number}",
        "body": "Slow, but it stays with you. 👩‍🚀 Größe.",
        "rating_1_10": 7,
        "submitted_on": date(2026, 10, 1),
        "date_source": "json",
    }
    return Review(**fields | changes)


def collection(context, at, reviews, imdb_id=MOVIE, mode="full", **changes):
    """Write a collection of up to two parts into the lake; answer its manifest's URI."""
    writer = context.lake.begin("imdb", imdb_id, at)
    writer.append(reviews[:2])
    writer.append(reviews[2:])
    fields = {
        "run_id": f"run of {at:%d %H}", "source": "imdb", "imdb_id": imdb_id, "mode": mode,
        "started_at": at, "finished_at": at, "status": "complete", "distinct_ids": len(reviews),
        "parts": tuple(writer.parts), "movie": Movie(imdb_id=imdb_id, title="The Glass Orchard"),
    }  # fmt: skip
    return writer.close(Manifest(**fields | changes))


def hour(number):
    return START + timedelta(hours=number)


def history(context):
    """Load a history of three collections: an edit, a removal, a newcomer; and two other movies."""
    uris = [
        collection(context, hour(0), [review(1, body="first"), review(2), review(3)]),
        collection(context, hour(1), [review(1, body="second"), review(3), review(4)]),
        collection(context, hour(2), [review(1, body="third"), review(3)], mode="incremental"),
        collection(context, hour(3), [review(10, OTHER)], OTHER),
        collection(context, hour(4), [review(20, THIRD)], THIRD),
    ]
    for uri in uris:
        jobs.load(uri, context)
    return uris


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    with filled(databases, _warehouse_template, folder, made, history) as kept:
        yield kept


@pytest.fixture
def uris(kept):
    """The URIs of `history`, which is loaded."""
    return kept.told


def rows(context, statement):
    with context.warehouse.connect() as connection:
        return connection.execute(statement).fetchall()


def tables(context):
    names = ("core.reviews", "core.review_revisions", "core.movies", "ops.loads")
    return contents(context.warehouse, names)


def empty(context):
    with context.warehouse.connect() as connection:
        connection.execute(
            "TRUNCATE core.movies, ops.loads, ops.collections, ops.lost_objects CASCADE"
        )


def statuses(rebuilt):
    return {one.imdb_id: one.status for one in rebuilt.verdicts}


def folder(context, uri):
    return context.lake.name_of(uri).rpartition("/")[0]


def remove_part(context, uri):
    context.lake.delete(f"{folder(context, uri)}/reviews-00001.jsonl.gz")


def remove_manifest(context, uri):
    context.lake.delete(context.lake.name_of(uri))


def cut_part(context, uri):
    name = f"{folder(context, uri)}/reviews-00001.jsonl.gz"
    context.lake.write(name, context.lake.read(name)[:-9])


def empty_part(context, uri):
    context.lake.write(f"{folder(context, uri)}/reviews-00001.jsonl.gz", b"")


def garble_part(context, uri):
    context.lake.write(f"{folder(context, uri)}/reviews-00001.jsonl.gz", b"\x1f\x8bno gzip at all")


def put_other_lines(context, uri):
    content = gzip.compress('{"naïve": "\ud83d\ude00"}\n'.encode("utf-8", "surrogatepass"))
    context.lake.write(f"{folder(context, uri)}/reviews-00001.jsonl.gz", content)


def cut_manifest(context, uri):
    name = context.lake.name_of(uri)
    context.lake.write(name, context.lake.read(name)[:-20])


def lose_a_line(context, uri):
    name = f"{folder(context, uri)}/reviews-00001.jsonl.gz"
    lines = gzip.decompress(context.lake.read(name)).splitlines(keepends=True)
    context.lake.write(name, gzip.compress(b"".join(lines[:1])))


DAMAGES = {
    remove_part: "missing",
    remove_manifest: "missing",
    cut_part: "damaged",
    empty_part: "damaged",
    garble_part: "damaged",
    put_other_lines: "damaged",
    cut_manifest: "damaged",
    lose_a_line: "too_few",
}


@pytest.mark.parametrize(
    ("damage", "fault"), DAMAGES.items(), ids=lambda v: getattr(v, "__name__", v)
)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_loss_is_named_given_up_and_passed_over(context, uris, which, damage, fault):
    before = tables(context)
    damage(context, uris[which])
    rebuilt = jobs.rebuild(context)
    assert statuses(rebuilt) == {MOVIE: "lost", OTHER: "rebuilt", THIRD: "rebuilt"}
    (lost,) = [one for one in rebuilt.verdicts if one.status == "lost"]
    assert [loss.fault for loss in lost.losses] == [fault]
    assert lost.losses[0].object.startswith(folder(context, uris[which]))
    assert MOVIE in lost.error
    assert tables(context) == before

    accepted = jobs.rebuild(context, [MOVIE], accept_loss=True)
    assert statuses(accepted) == {MOVIE: "rebuilt"}
    assert tables(context) == before
    (noted,) = rows(context, "SELECT * FROM ops.lost_objects")
    assert (noted["object"], noted["fault"]) == (lost.losses[0].object, fault)
    assert noted["settled_by"] == "person"
    there = fault != "missing"
    content = context.lake.read(noted["object"]) if there else b""
    assert noted["sha256"] == (hashlib.sha256(content).hexdigest() if there else None)

    later = jobs.rebuild(context)
    assert (later.failures, later.passed_over) == ([], 1)
    assert later.loaded == jobs.Loaded()
    assert tables(context) == before


def test_what_only_the_warehouse_knows_is_counted_and_kept(context, uris):
    before = tables(context)
    remove_manifest(context, uris[0])  # the only one with rw2 and with the first words of rw1
    (lost,) = [one for one in jobs.rebuild(context).verdicts if one.status == "lost"]
    assert [(one.known_reviews, one.known_revisions) for one in lost.losses] == [(1, 1)]
    jobs.rebuild(context, [MOVIE], accept_loss=True)
    assert tables(context) == before
    (noted,) = rows(context, "SELECT known_reviews, known_revisions FROM ops.lost_objects")
    assert (noted["known_reviews"], noted["known_revisions"]) == (1, 1)


def test_a_rebuild_still_mends_what_the_other_objects_tell(context, uris):
    remove_part(context, uris[1])
    before = tables(context)
    with context.warehouse.connect() as connection:
        connection.execute("UPDATE core.reviews SET body = 'wrong' WHERE review_id = 'rw3'")
        connection.execute("DELETE FROM core.reviews WHERE review_id = 'rw2'")
    jobs.rebuild(context, [MOVIE], accept_loss=True)
    mended = {row["review_id"]: row for row in rows(context, "SELECT * FROM core.reviews")}
    assert mended["rw3"]["body"] == review(3).body
    assert mended["rw2"]["first_seen_at"] == hour(0)
    assert len(mended) == len(before["core.reviews"])


def test_an_empty_warehouse_gets_what_is_left(context, uris):
    remove_part(context, uris[1])
    empty(context)
    assert statuses(jobs.rebuild(context)) == {MOVIE: "lost", OTHER: "rebuilt", THIRD: "rebuilt"}
    assert jobs.rebuild(context, [MOVIE], accept_loss=True).imdb_ids == [MOVIE]
    # The other part of the damaged collection counts; that it lacks rw2 tells nothing.
    found = rows(context, "SELECT review_id, removed_at FROM core.reviews ORDER BY review_id")
    of_movie = [row for row in found if row["review_id"] in ("rw1", "rw2", "rw3", "rw4")]
    assert [row["review_id"] for row in of_movie] == ["rw1", "rw2", "rw3", "rw4"]
    assert all(row["removed_at"] is None for row in of_movie)
    ledger = rows(context, f"SELECT status FROM ops.collections WHERE imdb_id = '{MOVIE}'")  # noqa: S608
    assert [line["status"] for line in ledger] == ["complete"] * 3
    # The notes come back from the lake, so nobody is asked twice.
    empty(context)
    later = jobs.rebuild(context)
    assert (later.failures, later.passed_over) == ([], 1)


def test_a_full_collection_since_makes_the_loss_good(context):
    only = collection(context, hour(0), [review(1), review(2)])
    jobs.load(only, context)
    remove_part(context, only)
    assert statuses(jobs.rebuild(context)) == {MOVIE: "lost"}
    incremental = collection(context, datetime.now(UTC), [review(1), review(2)], mode="incremental")
    jobs.load(incremental, context)
    assert statuses(jobs.rebuild(context)) == {MOVIE: "lost"}
    jobs.load(collection(context, datetime.now(UTC), [review(1), review(2)]), context)
    before = tables(context)
    rebuilt = jobs.rebuild(context)
    assert (statuses(rebuilt), rebuilt.passed_over) == ({MOVIE: "rebuilt"}, 1)
    assert tables(context) == before
    (noted,) = rows(context, "SELECT settled_by FROM ops.lost_objects")
    assert noted["settled_by"] == "collection"


def test_a_full_collection_does_not_make_good_what_the_site_has_no_more(context):
    only = collection(context, hour(0), [review(1), review(2)])
    jobs.load(only, context)
    remove_part(context, only)
    jobs.rebuild(context)
    jobs.load(collection(context, datetime.now(UTC), [review(1)]), context)
    (lost,) = jobs.rebuild(context).verdicts
    assert (lost.status, lost.losses[0].known_reviews) == ("lost", 1)


def test_a_late_collection_needs_the_same_answer(context, uris):
    before = tables(context)
    cut_part(context, uris[1])
    late = collection(context, hour(-2), [review(1, body="zeroth"), review(2), review(50)])
    with pytest.raises(HistoryLost):
        jobs.load(late, context)
    assert tables(context) == before
    jobs.rebuild(context, [MOVIE], accept_loss=True)
    assert {row["body"] for row in rows(context, "SELECT body FROM core.review_revisions")} == {
        "zeroth", "first", "second",
    }  # fmt: skip
    found = rows(context, "SELECT first_seen_at FROM core.reviews WHERE review_id = 'rw50'")
    assert [row["first_seen_at"] for row in found] == [hour(-2)]
    later = collection(context, hour(-1), [review(60)], mode="incremental")
    assert jobs.load(later, context).inserted == 1


def test_a_removal_since_the_loss_counts(context, uris):
    cut_part(context, uris[0])
    jobs.rebuild(context, [MOVIE], accept_loss=True)
    gone = collection(context, hour(9), [review(1, body="third")])
    jobs.load(gone, context)
    before = tables(context)
    assert jobs.rebuild(context).failures == []
    assert tables(context) == before
    removed = rows(
        context, "SELECT review_id, removed_at FROM core.reviews WHERE imdb_id = 'tt99000001'"
    )
    assert {r["review_id"]: r["removed_at"] for r in removed if r["removed_at"]} == {
        "rw2": hour(1), "rw3": hour(9), "rw4": hour(9),
    }  # fmt: skip


def test_an_object_that_comes_back_is_used_again(context, uris):
    name = f"{folder(context, uris[0])}/reviews-00001.jsonl.gz"
    content = context.lake.read(name)
    context.lake.delete(name)
    assert statuses(jobs.rebuild(context))[MOVIE] == "lost"
    context.lake.write(name, content)
    before = tables(context)
    assert jobs.rebuild(context).failures == []
    assert tables(context) == before
    assert rows(context, "SELECT FROM ops.lost_objects") == []


def test_a_lake_that_lost_everything_is_named_movie_by_movie(context, uris):
    for name in context.lake.names("reviews/imdb"):
        context.lake.delete(name)
    before = tables(context)
    assert set(statuses(jobs.rebuild(context)).values()) == {"lost"}
    assert statuses(jobs.rebuild(context, [OTHER], accept_loss=True)) == {OTHER: "rebuilt"}
    assert tables(context) == before


def test_an_object_that_cannot_be_read_now_stops_its_movie_only(context, uris, monkeypatch):
    read = Lake.read_reviews

    def read_but_one(lake, uri, manifest):
        if manifest.imdb_id == MOVIE:
            raise LakeUnavailable("The store says 503.")
        return read(lake, uri, manifest)

    monkeypatch.setattr(Lake, "read_reviews", read_but_one)
    rebuilt = jobs.rebuild(context)
    assert statuses(rebuilt) == {MOVIE: "unreadable", OTHER: "rebuilt", THIRD: "rebuilt"}
    assert rows(context, "SELECT FROM ops.lost_objects") == []


def test_a_lake_that_is_away_ends_the_rebuild(context, uris, monkeypatch):

    def away(lake, uri, manifest):
        raise LakeUnavailable("The store says 503.")

    monkeypatch.setattr(Lake, "read_reviews", away)
    with pytest.raises(LakeUnavailable):
        jobs.rebuild(context)


def test_a_loss_is_accepted_only_of_movies_that_are_named(context, uris):
    with pytest.raises(BadInput):
        jobs.rebuild(context, accept_loss=True)


def test_erased_reviews_do_not_come_back_with_a_loss(context, uris):
    remove_part(context, uris[1])
    jobs.erase("review", "rw2", context)
    jobs.rebuild(context, [MOVIE], accept_loss=True)
    assert rows(context, "SELECT FROM core.reviews WHERE review_id = 'rw2'") == []


def test_a_movie_that_is_erased_takes_the_notes_of_its_losses_along(context, uris):
    remove_part(context, uris[1])
    jobs.rebuild(context, [MOVIE], accept_loss=True)
    assert len(context.lake.names("losses")) == 1
    jobs.erase("movie", MOVIE, context)
    assert context.lake.names("losses") == []
    assert rows(context, "SELECT FROM ops.lost_objects") == []


def test_what_is_damaged_does_not_keep_a_movie_from_being_erased(context, uris):
    cut_manifest(context, uris[0])
    cut_part(context, uris[1])
    jobs.erase("movie", MOVIE, context)
    assert not [name for name in context.lake.names("reviews/imdb") if MOVIE in name]
    assert jobs.rebuild(context).failures == []


def test_a_damaged_note_of_an_erasure_comes_back_from_the_warehouse(context, uris):
    jobs.erase("review", "rw2", context)
    (name,) = context.lake.names("erasures")
    whole = context.lake.read(name)
    context.lake.write(name, whole[:-5])
    assert jobs.rebuild(context).failures == []
    assert context.lake.read(name) == whole
