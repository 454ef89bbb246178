"""The parts of jobs that need no server: reading the tracked list, grading."""

import json

import pytest

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id
from filmpulse.jobs import lake_options, read_tracked, typed_ids
from filmpulse.warehouse.reception import grade


def test_tracked_movies_keep_their_order_once_each():
    raw = json.dumps(["tt0111161", " tt99000001 ", "tt0111161"])
    assert read_tracked(raw) == (["tt0111161", "tt99000001"], [])


@pytest.mark.parametrize(
    "entry", ["tt1", "tt0111161x", "0111161", "nm0000151", "", 111161, None, ["tt0111161"], "ttШ"]
)
def test_a_bad_entry_is_named_and_passed_over(entry):
    tracked = read_tracked(json.dumps(["tt0111161", entry, "tt99000001"]))
    assert tracked.imdb_ids == ["tt0111161", "tt99000001"]
    (problem,) = tracked.problems
    assert json.dumps(entry, ensure_ascii=False) in problem


ADDRESSES = [
    "https://www.imdb.com/title/tt0111161/?ref_=fn_t_1", "https://m.imdb.com/title/tt0111161",
    "http://imdb.com/title/tt0111161/reviews/?sort=x#y", "www.imdb.com/de/title/tt0111161/",
    "https://www.imdb.com/pt-BR/title/tt0111161/reviews", "imdb.com/title/tt0111161",
    "//pro.imdb.com/title/tt0111161/", "HTTPS://WWW.IMDB.COM:443/title/tt0111161/",
    "https://www.imdb.com/showtimes/title/tt0111161/", " tt0111161\n", "TT0111161",
]  # fmt: skip
OTHERS = [
    "https://example.com/title/tt0111161/", "https://imdb.com.example/title/tt0111161/",
    "https://notimdb.com/title/tt0111161/", "https://example.com/?u=imdb.com/title/tt0111161",
    "https://www.imdb.com/name/nm0000151/", "https://www.imdb.com/title/tt01111611111/",
    "https://www.imdb.com/title/tt0111161x/", "ftp://imdb.com/title/tt0111161", "",
    "https://www.imdb.com/title/tt0111161/ tt0111162", "x tt0111161",
]  # fmt: skip


@pytest.mark.parametrize("typed", ADDRESSES)
def test_the_address_of_a_movies_page_is_its_id(typed):
    assert read_imdb_id(typed) == "tt0111161"
    assert read_tracked(json.dumps([typed, "tt0111161"])) == (["tt0111161"], [])
    assert typed_ids([typed, "tt0111162", typed]) == ["tt0111161", "tt0111162"]


@pytest.mark.parametrize("typed", OTHERS)
def test_the_address_of_anything_else_is_no_movie(typed):
    assert read_imdb_id(typed) is None
    assert read_tracked(json.dumps([typed])).imdb_ids == []
    with pytest.raises(BadInput, match="No IMDb id"):
        typed_ids(["tt0111161", typed])


@pytest.mark.parametrize("raw", ["", "tt0111161", '{"a": 1}', '"tt0111161"', "[", "null"])
def test_what_is_no_list_is_refused(raw):
    with pytest.raises(BadInput, match="tracked_movies"):
        read_tracked(raw)


def test_an_empty_list_is_no_error():
    assert read_tracked("[]") == ([], [])


@pytest.mark.parametrize(
    ("mean", "word"),
    [(-2, "very negative"), (-1.21, "very negative"), (-1, "negative"), (0, "mixed"),
     (0.39, "mixed"), (0.41, "positive"), (1.21, "very positive"), (2, "very positive"),
     (None, "too few")],
)  # fmt: skip
def test_grade(mean, word):
    assert grade(mean) == word


def test_only_s3_needs_options():
    env = {"FILMPULSE_LAKE_KEY": "k", "FILMPULSE_LAKE_SECRET": "s"}
    on_disk = Settings.from_env(env | {"FILMPULSE_LAKE_URL": "file:///lake"})
    on_s3 = Settings.from_env(env | {"FILMPULSE_LAKE_URL": "s3://b/lake"})
    assert lake_options(on_disk) == {}
    options = lake_options(on_s3)
    assert (options["key"], options["secret"]) == ("k", "s")
    assert "client_kwargs" not in options  # Amazon's own address
