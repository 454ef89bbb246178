"""The lake on a real S3 server and on a disk: what goes in comes out, errors are retryable."""

from datetime import UTC, date, datetime

import pytest

from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.items import Movie, Review
from filmpulse.lake import Lake, Manifest

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
MOVIE = "tt99000001"


@pytest.fixture(params=["file", "s3"])
def lake(request, tmp_path):
    if request.param == "file":
        return Lake(tmp_path.as_uri())
    store = request.getfixturevalue("s3")
    options = {
        "key": store.key,
        "secret": store.secret,
        "client_kwargs": {"endpoint_url": store.url},
    }
    return Lake(f"s3://filmpulse/{request.node.name}", options)


def reviews(count, start=1):
    return [
        Review(
            review_id=f"rw{n}",
            imdb_id=MOVIE,
            title=f"Nº {n} \u2028",
            body="first\nsecond ✨ \u0085",
            submitted_on=date(2026, 10, 1),
        )
        for n in range(start, start + count)
    ]


def manifest(parts):
    return Manifest(
        run_id="run",
        source="imdb",
        imdb_id=MOVIE,
        mode="full",
        started_at=AT,
        finished_at=AT,
        status="complete",
        distinct_ids=5,
        movie=Movie(imdb_id=MOVIE, title="The Glass Orchard"),
        parts=tuple(parts),
    )


def test_a_collection_comes_back_in_order(lake):
    writer = lake.begin("imdb", MOVIE, AT)
    writer.append(reviews(3))
    writer.append([])
    writer.append(reviews(2, start=4))
    uri = writer.close(manifest(writer.parts))
    found = lake.read_manifest(uri)
    assert found == manifest(writer.parts)
    assert list(lake.read_reviews(uri, found)) == reviews(5)


def test_two_collections_of_one_moment_do_not_meet(lake):
    first, second = (lake.begin("imdb", MOVIE, AT) for _ in range(2))
    first.append(reviews(1))
    second.append(reviews(2))
    uri = second.close(manifest(second.parts))
    assert len(list(lake.read_reviews(uri, lake.read_manifest(uri)))) == 2


def test_a_half_written_collection_is_retryable_not_empty(lake):
    uri = lake.begin("imdb", MOVIE, AT).close(manifest(["reviews-00001.jsonl.gz"]))
    with pytest.raises(LakeUnavailable, match="reviews-00001"):
        list(lake.read_reviews(uri, lake.read_manifest(uri)))


@pytest.mark.parametrize("uri", ["s3://elsewhere/manifest.json", "../../etc/passwd"])
def test_only_the_lake_is_read(lake, uri):
    with pytest.raises(BadInput, match="does not lie in the lake"):
        lake.read_manifest(uri)


def test_what_is_no_manifest_is_refused(lake):
    uri = lake.write("imdb/x/manifest.json", b'{"run_id": 1}')
    with pytest.raises(BadInput, match="no manifest"):
        lake.read_manifest(uri)


def test_a_wrong_key_is_said(s3):
    lake = Lake(
        "s3://filmpulse/x",
        {"key": "nobody", "secret": "wrong", "client_kwargs": {"endpoint_url": s3.url}},
    )
    with pytest.raises(LakeUnavailable, match="written"):
        lake.write("a", b"b")


def test_a_file_is_moved_in_whole_in_place_of_what_was_there(lake, tmp_path):
    lake.write("exports/2026-11-29/table", b"older")
    file = tmp_path / "für später"
    file.write_bytes(b"\0new" * 100_000)
    uri = lake.move_in(file, "exports/2026-11-29/table")
    assert uri == lake.uri_of("exports/2026-11-29/table")
    assert lake.read("exports/2026-11-29/table") == b"\0new" * 100_000
    assert lake.names("exports") == ["exports/2026-11-29/table"]
    assert not file.exists()


def test_a_file_that_is_not_there_changes_nothing(lake, tmp_path):
    lake.write("exports/table", b"older")
    with pytest.raises(LakeUnavailable):
        lake.move_in(tmp_path / "none", "exports/table")
    assert lake.read("exports/table") == b"older"
    assert lake.names("exports") == ["exports/table"]


@pytest.mark.parametrize(("below", "is_held"), [("", True), ("/exports/mine", True), ("2", False)])
def test_a_lake_knows_what_lies_below_it(tmp_path, below, is_held):
    lake = Lake(f"file://{tmp_path}/lake")
    assert lake.holds(Lake(f"file://{tmp_path}/lake{below}")) is is_held
