"""Loading: once and only once, edits kept, removals marked, unchanged rows untouched."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from filmpulse.items import Movie, Review
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.load import Loaded, Sighting, load_reviews, store_movie

pytestmark = pytest.mark.rows_by_hand

MOVIE = "tt99000001"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def review(number, **changes):
    fields = {
        "review_id": f"rw{number}",
        "imdb_id": MOVIE,
        "title": f"Title {number}",
        "body": "Zażółć\ngęślą 👩‍🚀",
        "rating_1_10": 7,
        "submitted_on": date(2026, 10, 1),
        "date_source": "json",
        "helpful_up": 1,
        "helpful_down": 0,
    }
    return Review(**fields | changes)


class Loader:
    """Loads collections one after the other, an hour apart unless told otherwise."""

    def __init__(self, url):
        self.warehouse = Warehouse(url)

    def __call__(self, reviews, hour=0, is_whole=True, is_dated=True):
        at = START + timedelta(hours=hour)
        with self.warehouse.connect() as connection:
            store_movie(connection, Movie(imdb_id=MOVIE, title="The Glass Orchard"), at)
            return load_reviews(
                connection,
                source="imdb",
                imdb_id=MOVIE,
                sighting=Sighting(at, is_whole, is_dated, [(r, "en") for r in reviews]),
            )

    def rows(self, table="core.reviews"):
        with self.warehouse.connect() as connection:
            return connection.execute(
                f"SELECT xmin::text AS xmin, * FROM {table} ORDER BY review_id"  # noqa: S608
            ).fetchall()

    def row(self, review_id):
        return next(r for r in self.rows() if r["review_id"] == review_id)


@pytest.fixture
def load(warehouse_url):
    return Loader(warehouse_url)


def test_the_same_collection_twice_changes_nothing(load):
    assert load([review(1), review(2)]) == Loaded(inserted=2)
    before = load.rows()
    assert load([review(1), review(2)]) == Loaded()
    assert load([review(2), review(1)], hour=1) == Loaded()
    assert load.rows() == before


def test_one_edit_and_one_removal_touch_two_rows_only(load):
    load([review(n) for n in range(1, 6)])
    before = {r["review_id"]: r["xmin"] for r in load.rows()}
    edited = [review(1), review(2, body="I changed my mind."), review(4), review(5)]
    assert load(edited, hour=1) == Loaded(revised=1, updated=1, removed=1)
    after = {r["review_id"]: r["xmin"] for r in load.rows()}
    assert {i for i in after if after[i] != before[i]} == {"rw2", "rw3"}
    (revision,) = load.rows("core.review_revisions")
    assert revision["body"] == review(2).body
    assert revision["replaced_at"] == START + timedelta(hours=1)
    assert load.row("rw3")["removed_at"] == START + timedelta(hours=1)
    assert load.row("rw3")["body"] == review(3).body


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"body": "Other"},
        {"rating_1_10": None},
        {"rating_1_10": 1},
        {"submitted_on": date(2026, 10, 2)},
        {"is_spoiler": True},
    ],
)
def test_each_kind_of_edit_leaves_a_revision(load, change):
    load([review(1)])
    assert load([review(1, **change)], hour=1) == Loaded(revised=1, updated=1)
    for name, value in change.items():
        assert load.row("rw1")[name] == value


def test_votes_are_updated_without_a_revision(load):
    load([review(1)])
    assert load([review(1, helpful_up=9)], hour=1) == Loaded(updated=1)
    assert load.row("rw1")["helpful_up"] == 9
    assert load.rows("core.review_revisions") == []


def test_a_route_that_shows_less_erases_nothing(load):
    load([review(1, author_key="a" * 32)])
    poorer = review(
        1, helpful_up=None, helpful_down=None, submitted_on=date(2026, 9, 30), date_source="dom"
    )
    assert load([poorer], hour=1) == Loaded()
    row = load.row("rw1")
    assert (row["submitted_on"], row["date_source"]) == (date(2026, 10, 1), "json")
    assert (row["helpful_up"], row["author_key"]) == (1, "a" * 32)


def test_a_better_day_replaces_one_from_the_dom(load):
    load([review(1, submitted_on=date(2026, 9, 30), date_source="dom")])
    load([review(1)], hour=1)
    assert load.row("rw1")["submitted_on"] == date(2026, 10, 1)


def test_a_review_seen_again_is_living_again(load):
    load([review(1), review(2)])
    load([review(1)], hour=1)
    assert load([review(1), review(2)], hour=2) == Loaded(updated=1)
    assert load.row("rw2")["removed_at"] is None
    assert load.row("rw2")["first_seen_at"] == START


def test_a_partial_collection_removes_nothing(load):
    load([review(1), review(2)])
    assert load([review(1)], hour=1, is_whole=False) == Loaded()


def test_a_collection_without_a_day_only_inserts_what_is_missing(load):
    load([review(1, body="new"), review(2)])
    load([review(1, body="new")], hour=1)
    before = load.rows()
    assert load([review(1, body="old"), review(2), review(3)], hour=5, is_dated=False) == Loaded(
        inserted=1
    )
    assert load.rows()[:2] == before
    assert load.row("rw3")["first_seen_at"] == START + timedelta(hours=5)
    assert load([review(1, body="new")], hour=6) == Loaded(removed=1)


def test_an_author_learned_later_is_kept(load):
    load([review(1)])
    assert load([review(1, author_key="b" * 32)], hour=1) == Loaded(updated=1)
    assert load([review(1)], hour=2) == Loaded()
    assert load.row("rw1")["author_key"] == "b" * 32


def test_an_empty_whole_collection_marks_all_as_gone(load):
    load([review(1), review(2)])
    assert load([], hour=1) == Loaded(removed=2)


def test_hostile_text_arrives_as_it_is(load):
    odd = review(1, title="a\tb\\N", body='"\\.\n\\x00 \u2028 مرحبا <b>' + "x" * 200_000)
    load([odd])
    row = load.row("rw1")
    assert (row["title"], row["body"]) == (odd.title, odd.body)
    assert row["content_hash"] == odd.content_hash


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_of_each_fact_the_newest_page_that_has_it_counts(warehouse_url, order):
    pages = [
        Movie(imdb_id=MOVIE, title="Oldest", year=1999, genres=("Drama",)),
        Movie(imdb_id=MOVIE, title="Older", year=2000, plot="A plot.", cast=("Żaneta Ö",)),
        Movie(imdb_id=MOVIE, title="New", release_date=date(2001, 2, 3)),
        Movie(imdb_id=MOVIE, title="Newest"),
    ]
    with Warehouse(warehouse_url).connect() as connection:
        for n in order:
            store_movie(connection, pages[n], START + timedelta(days=n))
        row = connection.execute("SELECT * FROM core.movies").fetchone()
    assert (row["title"], row["year"], row["genres"]) == ("Newest", 2000, ["Drama"])
    assert (row["plot"], row["cast_names"]) == ("A plot.", ["Żaneta Ö"])
    assert row["release_date"] == date(2001, 2, 3)
    assert row["facts_as_of"] == START + timedelta(days=3)
