"""Frames for notebooks: the marts' own figures, with types, units and meanings."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from test_dashboard_marts import MOVIE, OTHER, RELEASE, Invented

from filmpulse import frames, jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.warehouse import Warehouse, extracts, figures

pytestmark = pytest.mark.rows_by_hand

READERS = [frames.reviews, frames.aspects, frames.series, frames.movies]
WITH_WORDS = [frames.reviews, frames.aspects]
MARTS = {"reviews": "reviews", "aspects": "aspect_scores", "series": "movie_series"}
SECRET_WORDS = "A quince that nobody forgets."


@pytest.fixture
def invented(warehouse_url):
    made = Invented(warehouse_url)
    made.movie(site=50)
    made.movie(OTHER, "Another", year=None)
    for number in range(40):
        made.review(
            number % 5 - 2, {"acting": (1, SECRET_WORDS), "sound": -2},
            rating_1_10=number % 10 + 1 if number % 7 else None,
            submitted_on=RELEASE + timedelta(days=number) if number % 9 else None,
            source="imdb" if number % 4 else "letters", body=SECRET_WORDS,
            helpful_up=number if number % 2 else None, is_spoiler=number % 3 == 0,
        )  # fmt: skip
    made.review(2, {"acting": 2}, removed_at=datetime.now(UTC), title="Removed")
    figures.count_all(made.warehouse)
    return made


def plain(frame):
    """Return the rows as Python has them: None for what is not known, days as days."""
    days = [name for name, kind in frame.dtypes.items() if str(kind) == "datetime64[us]"]
    found = frame.astype(object)
    found = found.where(frame.notna(), None)
    for name in days:
        found[name] = [None if day is None else day.date() for day in found[name]]
    return found.to_dict("records")


@pytest.mark.parametrize("read", READERS, ids=lambda r: r.__name__)
def test_the_rows_are_those_of_the_mart(invented, read):
    frame = read(warehouse=invented.warehouse)
    mart = MARTS.get(read.__name__, read.__name__)
    columns = list(frame.columns)
    stored = invented.rows(f"SELECT * FROM mart.{mart}")  # noqa: S608
    for row in stored:
        row |= {name: float(value) for name, value in row.items() if isinstance(value, Decimal)}
        row |= {"sources": " ".join(row["sources"])} if "sources" in row else {}
    key = [
        c
        for c in ("imdb_id", "source", "review_id", "aspect", "grain", "starts_on")
        if c in columns
    ]
    wanted = [{name: row[name] for name in columns} for row in stored]

    def order(row):
        return [str(row[name]) for name in key]

    assert sorted(plain(frame), key=order) == sorted(wanted, key=order)
    assert len(frame) == {"reviews": 40, "aspects": 80, "movies": 2}.get(read.__name__, len(stored))
    assert list(frame.index) == list(range(len(frame)))


@pytest.mark.parametrize("read", READERS, ids=lambda r: r.__name__)
def test_an_empty_frame_has_the_same_types(invented, read):
    full, empty = (
        read(MOVIE, warehouse=invented.warehouse),
        read(OTHER, warehouse=invented.warehouse),
    )
    if read is frames.movies:
        invented.rows("DELETE FROM core.movies WHERE imdb_id = %s", OTHER)
        invented.rows("TRUNCATE core.movies CASCADE")
        empty = read(warehouse=invented.warehouse)
    assert len(empty) == 0 < len(full)
    assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()


def test_types_suit_what_they_hold(invented):
    frame = frames.reviews(MOVIE, with_text=True, warehouse=invented.warehouse)
    assert frame.dtypes.astype(str).to_dict() == {
        "imdb_id": "category", "source": "category", "review_id": "string",
        "submitted_on": "datetime64[us]", "days_since_release": "Int64", "rating_1_10": "Int8",
        "overall": "Int8", "analysis_status": "category", "language": "category",
        "is_spoiler": "boolean", "helpful_up": "Int64", "helpful_down": "Int64",
        "first_seen_at": "datetime64[us, UTC]", "title": "string", "body": "string",
        "overall_quote": "string",
    }  # fmt: skip
    days = frame.submitted_on.dropna()
    assert days.is_monotonic_increasing
    assert frame.submitted_on.notna().to_list() == [True] * len(days) + [False] * 5
    assert frame.set_index("submitted_on").resample("W").overall.mean().notna().any()
    assert frame.rating_1_10.isna().sum() == 6


@pytest.mark.parametrize("read", READERS, ids=lambda r: r.__name__)
def test_a_frame_says_units_and_meanings(invented, read):
    about = read(MOVIE, warehouse=invented.warehouse).attrs
    frame = read(MOVIE, warehouse=invented.warehouse)
    assert about.keys() == {"table", "units", "meanings", "rights"}
    assert json.loads(json.dumps(about)) == about
    assert about["meanings"].keys() == set(frame.columns)
    said = invented.rows(
        "SELECT attname, col_description(attrelid, attnum) AS said FROM pg_attribute "
        "WHERE attrelid = %s::regclass", about["table"],
    )  # fmt: skip
    assert about["meanings"].items() <= {row["attname"]: row["said"] for row in said}.items()
    quantities = frame.select_dtypes(include=["number", "datetime", "datetimetz"]).columns
    assert set(quantities) == about["units"].keys()


def test_a_scale_is_in_the_unit(invented):
    units = frames.reviews(MOVIE, warehouse=invented.warehouse).attrs["units"]
    assert (units["rating_1_10"], units["overall"]) == ("1 to 10", "-2 to 2")


@pytest.mark.parametrize("read", WITH_WORDS, ids=lambda r: r.__name__)
def test_words_come_only_on_request(invented, read):
    silent = read(MOVIE, warehouse=invented.warehouse)
    assert SECRET_WORDS not in silent.to_csv()
    telling = read(MOVIE, with_text=True, warehouse=invented.warehouse)
    assert SECRET_WORDS in telling.to_csv()
    assert silent.columns.to_list() == telling.columns.to_list()[: len(silent.columns)]
    pd.testing.assert_frame_equal(silent, telling[silent.columns])
    assert telling.attrs["meanings"].keys() == set(telling.columns)


def test_removed_reviews_are_in_no_frame(invented):
    texts = frames.reviews(with_text=True, warehouse=invented.warehouse)
    assert "Removed" not in texts.title.to_list()
    assert set(frames.aspects(warehouse=invented.warehouse).review_id) <= set(texts.review_id)
    assert frames.series(MOVIE, warehouse=invented.warehouse).reviews.sum() == 2 * 35


def test_a_movie_may_be_named_by_its_address(invented):
    address = f"https://m.imdb.com/de/title/{MOVIE}/reviews?ref_=x"
    assert len(frames.reviews(address, warehouse=invented.warehouse)) == 40


@pytest.mark.parametrize("wrong", ["tt99999999", "The Glass Orchard", "", "'; DROP TABLE x; --"])
@pytest.mark.parametrize("read", READERS, ids=lambda r: r.__name__)
def test_a_movie_that_is_not_known_is_refused(invented, read, wrong):
    with pytest.raises(BadInput):
        read(wrong, warehouse=invented.warehouse)


HOSTILE = [
    "", " ", "\u2028 👩‍🚀 Zażółć", 'a "quoted", \\ one\nand two', "=1+1", "\ufeffmark",
    "\x7f\x1b[31m", "NULL", "NaN", "\u202egnirts", "x" * 1_500_000, "é\u0301" * 50,
]  # fmt: skip


def test_hostile_texts_come_as_they_are(invented, monkeypatch):
    monkeypatch.setattr(extracts, "MOST_ROWS", 3)  # several chunks
    for text in HOSTILE:
        invented.review(
            imdb_id=OTHER, title=text[:2000], body=text, review_id=f"={len(text)}|{text[:1]!a}"
        )
    frame = frames.reviews(OTHER, with_text=True, warehouse=invented.warehouse)
    assert sorted(frame.body) == sorted(HOSTILE)
    assert frame.overall.isna().all()


def test_chunks_hold_no_more_than_they_may(invented, monkeypatch):
    monkeypatch.setattr(extracts, "MOST_ROWS", 15)
    monkeypatch.setattr(extracts, "AT_ONCE", 4)
    extract = extracts.EXTRACTS["reviews"]
    with invented.warehouse.connect() as connection:
        movies = [MOVIE, OTHER]
        assert list(map(len, extract.chunks(connection, movies, with_text=False))) == [15, 15, 10]
        monkeypatch.setattr(extracts, "MOST_CHARACTERS", 1)
        assert {len(c) for c in extract.chunks(connection, movies, with_text=True)} == {1}


@pytest.fixture
def reader(invented, warehouse_url):
    """The address of the role that sees the marts alone."""
    settings = Settings(
        warehouse_url=warehouse_url, lake_url="memory://x", reader_password="pw-9x1"
    )
    jobs.setup_warehouse(jobs.Context.from_settings(settings))
    at = psycopg.conninfo.conninfo_to_dict(warehouse_url)
    return make_conninfo(**at | {"user": "filmpulse_reader", "password": "pw-9x1"})


@pytest.mark.parametrize("read", READERS, ids=lambda r: r.__name__)
def test_the_reader_of_the_marts_is_enough(invented, reader, read):
    mine = read(warehouse=Warehouse(reader))
    pd.testing.assert_frame_equal(mine, read(warehouse=invented.warehouse))


def test_the_environment_names_the_warehouse(invented, warehouse_url, monkeypatch):
    with pytest.raises(BadInput):
        frames.movies()
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    assert len(frames.movies()) == 2


def test_no_row_of_the_catalogue_and_no_author_is_read(warehouse_url):
    """What the marts of the extracts are made from, through every view below them."""
    with psycopg.connect(warehouse_url) as connection:
        found = connection.execute(
            """WITH RECURSIVE below AS (
                   SELECT to_regclass('mart.' || name) AS relation FROM unnest(%s::text[]) name
                   UNION
                   SELECT d.refobjid::regclass FROM below b
                   JOIN pg_rewrite w ON w.ev_class = b.relation
                   JOIN pg_depend d ON d.objid = w.oid AND d.classid = 'pg_rewrite'::regclass
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> b.relation
               )
               SELECT n.nspname, c.relname FROM below b
               JOIN pg_class c ON c.oid = b.relation
               JOIN pg_namespace n ON n.oid = c.relnamespace""",
            [[one.mart for one in extracts.EXTRACTS.values()]],
        ).fetchall()
    assert ("core", "reviews") in found
    assert {schema for schema, _ in found} <= {"mart", "core", "ops"}
    columns = {name for one in extracts.EXTRACTS.values() for name in one.columns(with_text=True)}
    assert not {name for name in columns if "author" in name or name in ("plot", "poster_url")}
