"""Reading the whole lake through, and copying it."""

import gzip
import os
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from test_erasing import MOVIE, OTHER, START, collection, made, review

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.lake import DrainManifest, Lake
from filmpulse.local import object_store


@pytest.fixture
def context(warehouse_url, tmp_path):
    return made(warehouse_url, (tmp_path / "lake").as_uri())


@pytest.fixture
def filled(context):
    collection(context, "one", 1, [review(n) for n in range(5)])
    collection(context, "two", 2, [review(n) for n in range(6)])
    collection(context, "three", 3, [review(n, OTHER) for n in range(4)], OTHER)
    writer = context.lake.begin_drain("toy", START)
    writer.append([review(1, source="toy", review_id="s1")])
    writer.close(
        DrainManifest(
            source="toy", drained_at=START, gapless_since=START, cursor="7",
            movies={MOVIE: 1}, parts=tuple(writer.parts),
        )
    )  # fmt: skip
    hour_ago = time.time() - 3600
    for name in context.lake.listing():
        os.utime(context.lake.uri_of(name).removeprefix("file://"), (hour_ago, hour_ago))
    return context


def objects(lake):
    return {name: lake.read(name) for name in lake.listing()}


def part_of(lake, number=0):
    return sorted(name for name in lake.listing() if name.endswith(".jsonl.gz"))[number]


# ------------------------------------------------------------------------------------ verify


def test_a_whole_lake(filled, context):
    assert jobs.verify_lake(filled) == jobs.Verified(4, 16, [])


def test_an_empty_lake(context):
    assert jobs.verify_lake(context) == jobs.Verified(0, 0, [])


@pytest.mark.parametrize("which", [0, -1], ids=["a collection", "a drain"])
@pytest.mark.parametrize("damage", ["cut off", "missing", "empty"])
def test_what_is_not_whole_is_named(filled, which, damage):
    name = part_of(filled.lake, which)
    content = filled.lake.read(name)
    if damage == "missing":
        filled.lake.delete(name)
    else:
        filled.lake.write(name, content[: len(content) // 2] if damage == "cut off" else b"")
    problems = jobs.verify_lake(filled).problems
    assert len(problems) == 1
    assert name in problems[0]


def test_a_damaged_manifest_and_a_short_collection(filled):
    uri = filled.lake.manifests("imdb", OTHER)[0]
    told = filled.lake.read_manifest(uri)
    longer = told.model_copy(update={"distinct_ids": 9})
    filled.lake.write(filled.lake.name_of(uri), longer.model_dump_json().encode())
    assert len(jobs.verify_lake(filled).problems) == 1
    filled.lake.write(filled.lake.name_of(uri), b"{")
    assert len(jobs.verify_lake(filled).problems) == 1


def test_an_export_that_is_not_whole_is_named(filled):
    for uri in filled.lake.manifests("imdb", OTHER):
        jobs.load(uri, filled)
    made = jobs.export_weekly(filled, START)
    assert jobs.verify_lake(filled).problems == []
    name = f"{filled.lake.name_of(made.uri)}/reviews.parquet"
    filled.lake.write(name, filled.lake.read(name)[:-9])
    (problem,) = jobs.verify_lake(filled).problems
    assert name in problem
    filled.lake.write(f"{filled.lake.name_of(made.uri)}/manifest.json", b"{}")
    assert len(jobs.verify_lake(filled).problems) == 1


def test_a_settled_loss_is_no_problem(filled):
    for uri in filled.lake.manifests("imdb", OTHER):
        jobs.load(uri, filled)
    filled.lake.delete(next(n for n in filled.lake.listing() if f"/{OTHER}/" in n and ".gz" in n))
    assert len(jobs.verify_lake(filled).problems) == 1
    jobs.rebuild(filled, [OTHER], accept_loss=True)
    assert jobs.verify_lake(filled).problems == []


# -------------------------------------------------------------------------------------- copy


@pytest.fixture(params=["file", "s3"])
def target(request, filled, tmp_path):
    """A context whose lake may be copied, where to, and the copy."""
    if request.param == "file":
        to = (tmp_path / "copy").as_uri()
        return filled, to, Lake(to)
    store = request.getfixturevalue("s3")
    to = f"s3://filmpulse/{uuid4()}"
    settings = Settings.model_validate(
        filled.settings.model_dump()
        | {
            "backup_endpoint_url": store.url,
            "backup_key": store.key,
            "backup_secret": store.secret,
        }
    )
    options = {
        "key": store.key, "secret": store.secret, "client_kwargs": {"endpoint_url": store.url},
    }  # fmt: skip
    return replace(filled, settings=settings), to, Lake(to, options)


def test_a_copy_is_the_same_and_a_second_copies_nothing(target):
    context, to, copy = target
    first = jobs.copy_lake(context, to)
    assert objects(copy) == objects(context.lake)
    assert (first.objects, first.there) == (len(objects(copy)), 0)
    second = jobs.copy_lake(context, to)
    assert (second.objects, second.bytes, second.there) == (0, 0, first.objects)
    assert jobs.verify_lake(replace(context, open_lake=lambda: copy)).problems == []


def test_a_copy_that_broke_off_goes_on(target, monkeypatch):
    context, to, copy = target
    write, written = Lake.write, []

    def stop(lake, name, content):
        if len(written) == 3:
            raise LakeUnavailable("gone")
        written.append(name)
        return write(lake, name, content)

    monkeypatch.setattr(Lake, "write", stop)
    with pytest.raises(LakeUnavailable):
        jobs.copy_lake(context, to)
    monkeypatch.undo()
    assert copy.manifests() == []  # no manifest before its reviews
    assert jobs.copy_lake(context, to).there == 3
    assert objects(copy) == objects(context.lake)


def test_what_was_erased_here_goes_there_too(target):
    context, to, copy = target
    jobs.copy_lake(context, to)
    jobs.erase("review", "rw1", context)
    jobs.erase("movie", OTHER, context)
    again = jobs.copy_lake(context, to)
    assert (again.deleted, again.left) == (0, 3)
    assert not any(b'"review_id":"rw1"' in lines_of(copy, name) for name in copy.listing()
                   if f"/{MOVIE}/" in name)  # fmt: skip
    pruned = jobs.copy_lake(context, to, is_pruning=True)
    assert (pruned.deleted, pruned.left) == (3, 0)
    assert objects(copy) == objects(context.lake)


def lines_of(lake, name):
    return gzip.decompress(lake.read(name)) if name.endswith(".gz") else b""


def test_a_copy_comes_back(target, tmp_path):
    context, to, copy = target
    jobs.copy_lake(context, to)
    settings = context.settings.model_copy(update={"lake_url": (tmp_path / "new").as_uri()})
    new = jobs.Context.from_settings(settings)
    jobs.copy_lake(new, to, is_return=True)
    assert objects(new.lake) == objects(copy)


def test_an_empty_lake_takes_nothing_from_its_copy(target, tmp_path):
    context, to, copy = target
    jobs.copy_lake(context, to)
    before = objects(copy)
    settings = context.settings.model_copy(update={"lake_url": (tmp_path / "mistyped").as_uri()})
    with pytest.raises(BadInput):
        jobs.copy_lake(jobs.Context.from_settings(settings), to, is_pruning=True)
    assert objects(copy) == before
    with pytest.raises(BadInput):
        jobs.copy_lake(context, (tmp_path / "nowhere").as_uri(), is_return=True)


def test_two_servers_may_name_a_bucket_alike(filled, s3, tmp_path):
    """As after a recovery: the new machine's bucket has the old one's name."""
    name = f"s3://filmpulse/{uuid4()}"
    account = {"key": s3.key, "secret": s3.secret}
    with object_store.Throwaway(tmp_path) as new:
        new.add_bucket("filmpulse")
        settings = {
            "lake_url": name, "lake_endpoint_url": new.url, "lake_key": new.key,
            "lake_secret": new.secret, "backup_endpoint_url": s3.url,
        } | {f"backup_{word}": value for word, value in account.items()}  # fmt: skip
        given = filled.settings.model_dump() | settings
        there = jobs.Context.from_settings(Settings.model_validate(given))
        options = account | {"client_kwargs": {"endpoint_url": s3.url}}
        copy = Lake(name, options)
        copy.write("reviews/one", b"x")
        assert jobs.copy_lake(there, name, is_return=True).objects == 1
        assert objects(there.lake) == {"reviews/one": b"x"}
        given |= {
            "backup_endpoint_url": new.url,
            "backup_key": new.key,
            "backup_secret": new.secret,
        }
        with pytest.raises(BadInput):
            jobs.copy_lake(jobs.Context.from_settings(Settings.model_validate(given)), name)


def test_damage_here_never_replaces_what_is_whole_there(target):
    context, to, copy = target
    jobs.copy_lake(context, to)
    before = objects(copy)
    name = part_of(context.lake)
    context.lake.write(name, context.lake.read(name)[:-5])
    copied = jobs.copy_lake(context, to)
    assert len(copied.problems) == 1
    assert objects(copy) == before


def test_a_lake_cannot_be_copied_into_itself(filled):
    for to in (filled.settings.lake_url, f"{filled.settings.lake_url}/exports/copy",
               filled.settings.lake_url.rpartition("/")[0]):  # fmt: skip
        with pytest.raises(BadInput):
            jobs.copy_lake(filled, to)
