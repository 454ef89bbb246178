"""Facts of movies: the newest of page and catalogue, with IMDb's credit line, never exported."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from helpers.house import House
from rich.console import Console
from test_dashboard_marts import Invented

from filmpulse import frames, jobs
from filmpulse.config import Settings
from filmpulse.items import Movie
from filmpulse.jobs import CATALOGUE_CREDIT
from filmpulse.report import print_summary
from filmpulse.warehouse.load import ensure_movie, store_movie
from filmpulse.warehouse.reception import read_summary
from filmpulse.warehouse.scores import unscored_texts
from filmpulse.warehouse.tables import tables

pytestmark = pytest.mark.rows_by_hand

MOVIE, BARE = "tt99000001", "tt99000002"
LOADED = datetime(2026, 5, 1, tzinfo=UTC)
PAGE = Movie(
    imdb_id=MOVIE, title="The Glass Orchard", original_title="Szklany sad", year=2026,
    runtime_minutes=90, genres=("Drama",), directors=("Paula Page",), cast=("Peter Page",),
)  # fmt: skip
FACTS = ("runtime_minutes", "genres", "directors", "cast_names")
OF_CATALOGUE = {
    "runtime_minutes": 142, "genres": ["Fantasy", "Horror"], "directors": ["Dora Dataset"],
    "cast_names": ["Carl Credit", "Cora Credit"],
}  # fmt: skip
FOREIGN = ("Dataset", "Credit", "Writer", "Horror", "Fantasy", "Katalog", "1977")


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


@pytest.fixture
def context(warehouse_url, tmp_path):
    settings = Settings(
        warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(), author_secret="s" * 32
    )
    return jobs.Context.from_settings(settings)


def catalogue(invented, *imdb_ids, loaded=LOADED, genres="Fantasy,Horror", runtime=142):
    """Fill the catalogue with these titles, their people, and the ledger of the load."""
    for n, name in enumerate(("Dora Dataset", "Wanda Writer", "Willi Writer", "Carl Credit",
                              "Cora Credit", None), start=1):  # fmt: skip
        invented.rows(
            "INSERT INTO catalogue_live.name_basics (nconst, primary_name) VALUES (%s, %s)",
            f"nm900000{n}", name,
        )  # fmt: skip
    for imdb_id in imdb_ids:
        invented.rows(
            "INSERT INTO catalogue_live.title_basics (tconst, primary_title, original_title, "
            "start_year, runtime_minutes, genres) "
            "VALUES (%s, 'Catalogue', 'Katalog', 1977, %s, %s)",
            imdb_id, runtime, genres,
        )  # fmt: skip
        for nconst, role, position in (
            ("nm9000001", "director", 1), ("nm9000003", "writer", 4), ("nm9000002", "writer", 2),
            ("nm9000005", "cast", 9), ("nm9000004", "cast", 3), ("nm9000006", "cast", 1),
            ("nm9999999", "cast", 2),
        ):  # fmt: skip
            invented.rows(
                "INSERT INTO catalogue_live.credits VALUES (%s, %s, %s, %s)",
                imdb_id, nconst, role, position,
            )  # fmt: skip
    for dataset in ("title.basics", "title.crew", "title.principals") if loaded else ():
        load(invented, dataset, loaded)


def load(invented, dataset, modified_at, state="live", started_at=None):
    invented.rows(
        "INSERT INTO ops.catalogue_loads (run_id, dataset, subset, url, state, modified_at, "
        "started_at) VALUES ('run', %s, 'rated', 'u', %s, %s, coalesce(%s, now()))",
        dataset, state, modified_at, started_at,
    )  # fmt: skip


def page(invented, movie=PAGE, as_of=LOADED):
    with invented.warehouse.connect() as connection:
        store_movie(connection, movie, as_of)


def facts(invented, imdb_id=MOVIE, mart="movie_facts"):
    return invented.row(f"SELECT * FROM mart.{mart} WHERE imdb_id = %s", imdb_id)  # noqa: S608


@pytest.mark.parametrize(
    ("later", "is_page"), [(timedelta(1), True), (timedelta(0), True), (timedelta(-1), False)]
)
def test_the_newer_of_page_and_catalogue_counts(invented, later, is_page):
    catalogue(invented, MOVIE)
    page(invented, as_of=LOADED + later)
    found = facts(invented)
    expected = PAGE.model_dump(mode="json") | {"cast_names": list(PAGE.cast)}
    wanted = expected if is_page else OF_CATALOGUE
    assert {name: found[name] for name in FACTS} == {name: wanted[name] for name in FACTS}
    assert (found["title"], found["year"]) == ("Szklany sad", 2026)
    assert found["writers"] == ["Wanda Writer", "Willi Writer"]
    of_catalogue = {"writers"} if is_page else {*FACTS, "writers"}
    assert set(found["catalogue_facts"]) == of_catalogue
    assert found["catalogue_as_of"] == LOADED


def test_each_fact_is_judged_by_itself(invented):
    """A newer page that names no directors leaves those of an older page, or of the catalogue."""
    page(invented, as_of=LOADED - timedelta(2))
    few = PAGE.model_copy(update={"directors": (), "runtime_minutes": None})
    page(invented, few, as_of=LOADED + timedelta(2))
    catalogue(invented, MOVIE)
    found = facts(invented)
    assert (found["directors"], found["runtime_minutes"]) == (["Dora Dataset"], 142)
    assert (found["genres"], found["cast_names"]) == (["Drama"], ["Peter Page"])
    assert set(found["catalogue_facts"]) == {"directors", "runtime_minutes", "writers"}


def test_what_the_catalogue_does_not_name_stays_the_pages(invented):
    catalogue(invented, MOVIE, genres=None, runtime=0)
    invented.rows("DELETE FROM catalogue_live.credits")
    page(invented, as_of=LOADED - timedelta(99))
    found = facts(invented)
    assert (found["runtime_minutes"], found["genres"]) == (90, ["Drama"])
    assert (found["directors"], found["cast_names"]) == (["Paula Page"], ["Peter Page"])
    assert (found["writers"], found["catalogue_facts"]) == ([], [])
    assert found["catalogue_as_of"] is None


def test_the_age_of_a_dataset_is_the_servers_word_of_the_newest_live_load(invented):
    catalogue(invented, MOVIE, loaded=None)
    page(invented)
    assert facts(invented)["genres"] == ["Drama"], "no load, so nothing is newer than the page"
    for state in ("loading", "loaded", "unchanged", "refused", "failed"):
        load(invented, "title.basics", LOADED + timedelta(9), state)
    assert facts(invented)["genres"] == ["Drama"]
    load(invented, "title.basics", None, started_at=LOADED + timedelta(1))
    found = facts(invented)
    assert found["genres"] == ["Fantasy", "Horror"]
    assert found["directors"] == ["Paula Page"], "another dataset"
    assert found["catalogue_as_of"] == LOADED + timedelta(1)
    load(invented, "title.basics", LOADED - timedelta(1))  # the server put an older file there
    assert facts(invented)["genres"] == ["Drama"]


def test_a_page_of_unknown_age_is_older_than_the_catalogue(invented):
    catalogue(invented, MOVIE)
    page(invented, as_of=datetime(950, 1, 1, tzinfo=UTC))
    assert facts(invented)["genres"] == ["Fantasy", "Horror"]


def test_a_movie_that_is_only_an_id_is_called_as_in_the_catalogue_where_credit_is_given(invented):
    catalogue(invented, BARE)
    with invented.warehouse.connect() as connection:
        ensure_movie(connection, BARE)
    for mart in ("movie_facts", "movies", "movie_cards"):
        found = facts(invented, BARE, mart)
        assert (found["title"], found["year"]) == ("Katalog", 1977), mart
        assert {"title", "year"} <= set(found["catalogue_facts"]), mart
    assert facts(invented, BARE, "movie_names")["movie"] == BARE
    assert facts(invented, BARE, "compared_movies")["year"] is None
    page(invented, PAGE.model_copy(update={"imdb_id": BARE, "year": None}))
    found = facts(invented, BARE)
    assert (found["title"], found["year"]) == ("Szklany sad", None)


def test_a_movie_without_a_row_in_the_catalogue_keeps_its_id(invented):
    with invented.warehouse.connect() as connection:
        ensure_movie(connection, BARE)
    found = facts(invented, BARE)
    assert (found["title"], found["year"], found["genres"]) == (BARE, None, [])
    assert found["catalogue_facts"] == []


def test_a_cast_is_as_long_as_a_page_names_it(invented):
    catalogue(invented, MOVIE)
    page(invented, as_of=LOADED - timedelta(1))
    for n in range(40):
        invented.rows(
            "INSERT INTO catalogue_live.name_basics (nconst, primary_name) VALUES (%s, %s)",
            f"nm80000{n:02}", f"Extra {n:02}",
        )  # fmt: skip
        invented.rows(
            "INSERT INTO catalogue_live.credits VALUES (%s, %s, 'cast', %s)",
            MOVIE, f"nm80000{n:02}", 100 - n,
        )  # fmt: skip
    names = facts(invented)["cast_names"]
    expected = [f"Extra {n}" for n in range(39, 23, -1)]
    assert names == ["Carl Credit", "Cora Credit", *expected]


def test_the_catalogue_is_looked_up_by_key(invented):
    """Whatever the size of the catalogue, no table of it is read through for some movies."""
    catalogue(invented, MOVIE)
    invented.rows(
        "INSERT INTO catalogue_live.title_basics (tconst) "
        "SELECT 'tt' || (1000000 + n) FROM generate_series(1, 20000) n"
    )
    invented.rows(
        "INSERT INTO catalogue_live.name_basics (nconst, primary_name) "
        "SELECT 'nm' || (1000000 + n), 'Name' FROM generate_series(1, 20000) n"
    )
    invented.rows(
        "INSERT INTO catalogue_live.credits SELECT 'tt' || (1000000 + n), 'nm' || (1000000 + n), "
        "'cast', 1 FROM generate_series(1, 20000) n"
    )
    invented.rows(
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) "
        "SELECT 'tt' || (1000000 + n), 'Title', now() FROM generate_series(1, 200) n"
    )
    invented.rows("ANALYZE")
    for mart, of in product(("movie_facts", "movies", "movie_cards"), ("true", "imdb_id = 'x'")):
        statement = f"EXPLAIN (FORMAT json) SELECT * FROM mart.{mart} WHERE {of}"  # noqa: S608
        plan = json.dumps(invented.row(statement)["QUERY PLAN"])
        assert "title_basics" in plan
        assert not any(
            one["Relation Name"] in ("title_basics", "name_basics", "credits")
            for one in scans(json.loads(plan))
        ), mart


def scans(plan):
    """Yield the parts of a plan that read a whole table."""
    if isinstance(plan, list):
        for one in plan:
            yield from scans(one)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan
        for value in plan.values():
            yield from scans(value)


# ------------------------------------------------------------------------------ what is shown


def test_the_credit_line_is_the_one_that_the_terms_ask_for(invented):
    assert invented.row("SELECT mart.catalogue_credit() AS line")["line"] == CATALOGUE_CREDIT


@pytest.mark.parametrize("is_known", [True, False])
def test_the_card_of_a_dashboard_gives_credit_where_it_is_due(invented, is_known):
    if is_known:
        catalogue(invented, MOVIE)
    page(invented)
    card = invented.row("SELECT mart.html_card(%s, 'https://x') AS html", MOVIE)["html"]
    assert (CATALOGUE_CREDIT in card, "Wanda Writer" in card) == (is_known, is_known)


@pytest.mark.parametrize("is_known", [True, False])
def test_the_summary_gives_credit_where_it_is_due(invented, is_known):
    if is_known:
        catalogue(invented, MOVIE)
    page(invented, as_of=LOADED - timedelta(1))
    summary = read_summary(MOVIE, invented.warehouse)
    out = io.StringIO()
    print_summary(summary, Console(file=out, width=200))
    said = out.getvalue()
    assert (CATALOGUE_CREDIT in said) is is_known
    assert ("Dora Dataset" in said, "Paula Page" in said) == (is_known, not is_known)
    assert ("Wanda Writer" in said) is is_known


@pytest.mark.parametrize("is_known", [True, False])
def test_pages_and_the_api_give_credit_where_it_is_due(invented, context, is_known):
    if is_known:
        catalogue(invented, MOVIE, BARE)
    page(invented, as_of=LOADED - timedelta(1))
    with invented.warehouse.connect() as connection:
        ensure_movie(connection, BARE)
    with House(context, json.dumps([MOVIE, BARE])).client("viewer") as client:
        both = f"/compare?movie={MOVIE}&movie={BARE}"
        for path in ("/", f"/movies/{MOVIE}", f"/movies/{BARE}", both, f"/movies/{BARE}/reviews"):
            text = client.get(path).text
            assert text.count(CATALOGUE_CREDIT) == is_known, path
            assert any(word in text for word in FOREIGN) is is_known, path
        # The title is the page's own: nothing of the catalogue is on this page.
        assert CATALOGUE_CREDIT not in client.get(f"/movies/{MOVIE}/reviews").text
        movies = {one["imdb_id"]: one for one in client.get("/v1/movies").json()["items"]}
    assert movies[MOVIE]["genres"] == (["Fantasy", "Horror"] if is_known else ["Drama"])
    assert movies[BARE]["title"] == ("Katalog" if is_known else BARE)
    credit = CATALOGUE_CREDIT if is_known else None
    assert [movies[one]["credit"] for one in (MOVIE, BARE)] == [credit, credit]


def test_the_keyless_analyser_gets_the_catalogues_cast(invented):
    catalogue(invented, MOVIE)
    page(invented, PAGE.model_copy(update={"cast": ()}), as_of=LOADED + timedelta(1))
    invented.review(imdb_id=MOVIE)
    (text,) = unscored_texts(invented.warehouse, imdb_ids=[MOVIE], analyser_id=1)
    assert text.cast_names == ["Carl Credit", "Cora Credit"]


# ---------------------------------------------------------------------------- what stays here


def test_no_export_holds_a_fact_of_the_catalogue(invented, context, tmp_path):
    catalogue(invented, MOVIE, BARE)
    page(invented, as_of=LOADED - timedelta(1))
    with invented.warehouse.connect() as connection:
        ensure_movie(connection, BARE)
    for imdb_id in (MOVIE, BARE):
        invented.review(2, {"acting": 1}, imdb_id=imdb_id, rating_1_10=9)
    jobs.export(context, str(tmp_path / "out"), file_format="csv", with_text=True)
    said = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert "Szklany sad" in said
    assert BARE in said
    assert not any(word in said for word in FOREIGN)
    rows = frames.movies(warehouse=invented.warehouse).set_index("imdb_id")
    assert rows.loc[BARE, "title"] == BARE
    jobs.export_weekly(context, datetime.now(UTC))
    assert not [n for n in context.lake.names("") if b"Katalog" in context.lake.read(n)]


def test_a_backup_holds_nothing_of_the_catalogue(invented):
    assert {table.schema_name for table in tables(invented.warehouse)} == {"core", "ops"}
    catalogue(invented, MOVIE)
    page(invented, as_of=LOADED - timedelta(1))
    held = invented.row("SELECT to_jsonb(m) AS row FROM core.movies m")["row"]
    assert not any(word in json.dumps(held) for word in FOREIGN)
