"""The figures of the catalogue: counted by hand on a few invented titles, shown by the marts."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from filmpulse.sources.datasets import CREDIT
from filmpulse.warehouse import figures

ROOT = Path(__file__).resolve().parents[3]
# id, type, title, adult, year, minutes, genres, and rating and votes where there are any. Of the
# five with votes that are neither adult nor episodes the mean is (9 + 8 + 8 + 9.5 + 7) / 5 = 8.3.
TITLES = [
    ("tt1", "movie", "Glass Orchard", False, 1994, 142, "Drama", (9, 3000)),
    ("tt2", "movie", "Second", False, 1999, 90, "Comedy,Drama", (8, 1000)),
    ("tt3", "movie", "First", False, 1990, 99, "Drama", (8, 1000)),
    ("tt4", "tvSeries", "Lantern Street", False, 2001, None, "Crime", (9.5, 100)),
    ("tt5", "tvEpisode", "Pilot", False, 2002, 45, "Crime", (9.9, 5000)),
    ("tt6", "movie", "Long Wait", False, None, 51_420, None, (7, 10)),
    ("tt7", "movie", "Midnight", True, 1985, 80, "Drama", (5, 200)),
    ("tt8", None, "Unseen", None, 2010, 9, "Drama,Horror", None),
    ("tt9", "movie", "Night Shift", False, 2009, 100, "Adult,Drama", (6, 10)),
    ("tt10", "movie", "No Vote Yet", False, 2009, None, "Drama", (10, 0)),
]
MEAN = 8.3
WEIGHTED = {  # best first
    "tt5": (5000 * 9.9 + 1000 * MEAN) / 6000,
    "tt1": (3000 * 9 + 1000 * MEAN) / 4000,
    "tt4": (100 * 9.5 + 1000 * MEAN) / 1100,
    "tt6": (10 * 7 + 1000 * MEAN) / 1010,
    "tt9": (10 * 6 + 1000 * MEAN) / 1010,
    "tt2": (1000 * 8 + 1000 * MEAN) / 2000,
    "tt3": (1000 * 8 + 1000 * MEAN) / 2000,
    "tt7": (200 * 5 + 1000 * MEAN) / 1200,
}


class Catalogue:
    """The live tables, filled by hand."""

    def __init__(self, connection):
        self.connection = connection

    def add(self, table, *rows):
        cursor = self.connection.cursor()
        for row in rows:
            places = sql.SQL(", ").join([sql.Placeholder()] * len(row))
            into = sql.Identifier("catalogue_live", table)
            cursor.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(into, places), row)

    def count(self):
        figures.count_catalogue(self.connection, "catalogue_live")

    def rows(self, statement, *values):
        return self.connection.execute(statement, values).fetchall()

    def column(self, statement, *values):
        return [next(iter(row.values())) for row in self.rows(statement, *values)]


@pytest.fixture
def catalogue(warehouse_url):
    with psycopg.connect(warehouse_url, row_factory=dict_row) as connection:
        yield Catalogue(connection)


@pytest.fixture
def titles(catalogue):
    """The catalogue with the titles; nobody has counted."""
    for tconst, kind, title, adult, year, minutes, genres, rated in TITLES:
        basics = (tconst, kind, title, f"{title} (o)", adult, year, None, minutes, genres)
        catalogue.add("title_basics", basics)
        if rated:
            catalogue.add("title_ratings", (tconst, *rated))
    return catalogue


# ----------------------------------------------------------------------------------- the best lists


def test_the_best_stand_first_by_their_weighted_rating(titles):
    titles.count()
    (basis,) = titles.rows("SELECT * FROM mart.catalogue_figures")
    assert (basis["titles"], basis["rated_titles"], basis["people"]) == (10, 8, 0)
    assert (basis["prior_votes"], basis["enough_titles"]) == (1000, 5)
    assert basis["mean_rating"] == pytest.approx(MEAN)
    found = titles.rows("SELECT tconst, weighted_rating FROM catalogue.rated_titles ORDER BY place")
    assert {row["tconst"]: row["weighted_rating"] for row in found} == pytest.approx(WEIGHTED)
    # Of two with the same rating and votes, the older id first.
    expected = sorted(WEIGHTED, key=lambda tconst: (-WEIGHTED[tconst], tconst))
    assert [row["tconst"] for row in found] == expected


def test_of_equal_weighted_ratings_more_votes_stand_first(catalogue):
    """Each rating is the mean, so that votes change nothing of it."""
    for tconst, votes in (("tt1", 5), ("tt2", 500), ("tt3", 50)):
        catalogue.add("title_basics", (tconst, "movie", "T", "T", False, 2000, None, 90, "Drama"))
        catalogue.add("title_ratings", (tconst, 7, votes))
    catalogue.count()
    found = catalogue.column("SELECT tconst FROM catalogue.rated_titles ORDER BY place")
    assert found == ["tt2", "tt3", "tt1"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("genre = 'All genres'", ["tt5", "tt1", "tt4", "tt6", "tt2", "tt3"]),
        ("genre = 'All genres' AND title_type = 'movie'", ["tt1", "tt6", "tt2", "tt3"]),
        ("genre = 'Drama'", ["tt1", "tt2", "tt3"]),
        ("genre = 'Comedy'", ["tt2"]),
        ("genre = 'Adult'", ["tt9", "tt7"]),
        ("genre = 'unknown'", ["tt6"]),
        ("genre = 'All genres' AND decade = '1990s'", ["tt1", "tt2", "tt3"]),
        ("genre = 'All genres' AND decade = 'unknown'", ["tt6"]),
        ("genre = 'All genres' AND votes >= 1000", ["tt5", "tt1", "tt2", "tt3"]),
    ],
)
def test_what_a_filter_finds(titles, filters, expected):
    titles.count()
    query = f"SELECT imdb_id FROM mart.catalogue_titles WHERE {filters} ORDER BY place"  # noqa: S608
    assert titles.column(query) == expected


def test_genres_are_shown_without_the_choice_of_all(titles):
    titles.count()
    found = titles.rows("SELECT DISTINCT imdb_id, genres FROM mart.catalogue_titles")
    shown = {row["imdb_id"]: row["genres"] for row in found}
    assert (shown["tt2"], shown["tt6"], shown["tt7"]) == ("Comedy, Drama", "unknown", "Adult")


def test_the_region_is_that_of_the_one_that_has_the_original_title(titles):
    akas = [  # title, ordering, words, region, and whether these are the original title
        ("tt1", 1, "Glass Orchard (o)", None, True), ("tt1", 2, "Glass Orchard (o)", "FR", False),
        ("tt1", 3, "Verger de verre", "CA", False),
        ("tt2", 1, "Second (o)", "NA", False),  # Namibia, twice
        ("tt2", 2, "Second (o)", "NA", False),
        ("tt3", 1, "First (o)", "US", False), ("tt3", 2, "First (o)", "GB", False),
        ("tt4", 1, "Lantern Street (o)", None, True), ("tt4", 2, "LANTERN STREET (O)", "DE", False),
        ("tt404", 1, "Dangling", "SE", False),
    ]  # fmt: skip
    for title_id, ordering, words, region, is_original in akas:
        row = (title_id, ordering, words, region, None, None, None, is_original)
        titles.add("title_akas", row)
    titles.count()
    found = titles.rows("SELECT DISTINCT imdb_id, region FROM mart.catalogue_titles")
    regions = {row["imdb_id"]: row["region"] for row in found}
    assert {regions.pop(tconst) for tconst in ("tt3", "tt4", "tt5")} == {"unknown"}
    assert (regions["tt1"], regions["tt2"], regions["tt6"]) == ("FR", "NA", "unknown")


# -------------------------------------------------------------------------------- years and runtime


def test_titles_of_a_year_by_type(titles):
    titles.count()
    found = titles.rows(
        """SELECT year, title_type, titles, rated_titles, votes, ratings FROM mart.catalogue_years
           WHERE genre = 'All genres' ORDER BY year NULLS LAST, title_type"""
    )
    assert [tuple(row.values()) for row in found] == [
        (1990, "movie", 1, 1, 1000, 8), (1994, "movie", 1, 1, 3000, 9),
        (1999, "movie", 1, 1, 1000, 8), (2001, "tvSeries", 1, 1, 100, 9.5),
        (2002, "tvEpisode", 1, 1, 5000, 9.9), (2009, "movie", 1, 0, 0, 0),
        (2010, "unknown", 1, 0, 0, 0), (None, "movie", 1, 1, 10, 7),
    ]  # fmt: skip
    genres = titles.rows(
        "SELECT genre, sum(titles)::int AS n FROM mart.catalogue_years GROUP BY genre"
    )
    assert {row["genre"]: row["n"] for row in genres} == {
        "Adult": 2, "All genres": 8, "Comedy": 1, "Crime": 2, "Drama": 5, "Horror": 1, "unknown": 1,
    }  # fmt: skip


def test_runtime_by_ten_minutes_is_not_cut(titles):
    titles.count()
    found = titles.rows(
        """SELECT runtime_from, sum(titles)::int AS n FROM mart.catalogue_runtimes
           WHERE genre = 'All genres' GROUP BY 1 ORDER BY 1"""
    )
    assert [(row["runtime_from"], row["n"]) for row in found] == [
        (0, 1), (40, 1), (90, 2), (140, 1), (51_420, 1),
    ]  # fmt: skip
    longest = titles.rows(
        """SELECT title, runtime_minutes FROM mart.catalogue_titles WHERE genre = 'All genres'
           ORDER BY runtime_minutes DESC NULLS LAST LIMIT 1"""
    )
    assert longest == [{"title": "Long Wait", "runtime_minutes": 51_420}]


# ------------------------------------------------------------------------------------------- people


def test_people_by_role_with_enough_titles(titles):
    titles.add("title_basics", ("tt11", "movie", "New", "New", False, 2011, None, 90, "Drama"))
    titles.add(
        "name_basics",
        ("nm1", "Ada Quill", -20, None, None, None), ("nm2", "Ada Quill", 1980, None, None, None),
    )  # fmt: skip
    listed = ("tt1", "tt2", "tt3", "tt4", "tt6", "tt11")  # the last has no votes
    five = listed[1:]  # four have votes
    others = ("tt5", "tt7", "tt9")  # an episode and two adult titles
    titles.add(
        "credits",
        *((t, "nm1", "director", 1) for t in (*listed, *others)),
        *((t, "nm1", "cast", 3) for t in listed[:4]),
        *((t, "nm2", "cast", 1) for t in (*five, *others)),
        *((t, "nm404", "writer", 1) for t in listed),
        ("tt404", "nm2", "cast", 1),
    )
    titles.count()
    found = {
        (row["nconst"], row["role"]): row
        for row in titles.rows("SELECT * FROM mart.catalogue_people")
    }
    assert set(found) == {("nm1", "director"), ("nm2", "cast"), ("nm404", "writer")}
    director, cast = found["nm1", "director"], found["nm2", "cast"]
    dangling = found["nm404", "writer"]
    assert (director["titles"], director["rated_titles"], director["votes"]) == (6, 5, 5110)
    weighted = [WEIGHTED[t] for t in listed[:5]]
    assert director["mean_rating"] == pytest.approx(sum(weighted) / 5)
    assert (director["is_enough"], director["enough_titles"]) == (True, 5)
    assert (director["imdb_id"], director["best_title"], director["best_year"]) == (
        "tt1", "Glass Orchard", 1994,
    )  # fmt: skip
    assert (director["person"], director["birth_year"]) == ("Ada Quill", -20)
    assert (cast["person"], cast["birth_year"]) == ("Ada Quill", 1980)
    assert (cast["titles"], cast["rated_titles"], cast["is_enough"]) == (5, 4, False)
    assert (dangling["person"], dangling["birth_year"]) == ("nm404", None)


# --------------------------------------------------------------------------------- lists, and loads


def test_titles_of_a_list_with_what_the_catalogue_knows(titles):
    titles.connection.execute(
        "INSERT INTO core.title_lists VALUES ('quiet ones', 'quiet.txt', 'ids', now())"
    )
    for place, imdb_id in enumerate(("tt0000404", "tt0000001", "tt0000008"), 1):
        titles.connection.execute(
            "INSERT INTO core.title_list_members VALUES ('quiet ones', %s, %s)", [imdb_id, place]
        )
    titles.connection.execute(
        """UPDATE catalogue_live.title_basics SET tconst = 'tt000000' || right(tconst, 1)
           WHERE tconst IN ('tt1', 'tt8');
           UPDATE catalogue_live.title_ratings SET tconst = 'tt0000001' WHERE tconst = 'tt1'"""
    )
    titles.count()
    unknown, known, unrated = titles.rows(
        "SELECT * FROM mart.catalogue_list_titles ORDER BY position"
    )
    assert (unknown["title"], unknown["is_known"], unknown["votes"]) == ("tt0000404", False, None)
    assert (known["title"], known["votes"]) == ("Glass Orchard", 3000)
    assert known["weighted_rating"] == pytest.approx(WEIGHTED["tt1"])
    assert (unrated["genres"], unrated["is_known"]) == ("Drama, Horror", True)
    assert (unrated["rating"], unrated["weighted_rating"]) == (None, None)


def test_loads_say_what_was_dropped(catalogue):
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for dataset, state, figures_of in [
        ("title.basics", "live", (3_000, 1_200, 3_000_000, 1_000_000, 2, 1_999_998, 2.0)),
        ("title.ratings", "live", (9, 9, 10, 10, 0, 0, 0.0)),
        ("title.akas", "refused", (9, None, None, None, None, None, None)),
    ]:
        catalogue.connection.execute(
            """INSERT INTO ops.catalogue_loads (run_id, dataset, subset, url, state, started_at,
                   file_bytes, table_bytes, rows_read, rows_kept, rows_duplicate, rows_left_out,
                   copy_seconds)
               VALUES ('run', %s, 'rated', 'site.invalid', %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [dataset, state, at, *figures_of],
        )
    basics, ratings, akas = catalogue.rows("SELECT * FROM mart.catalogue_loads ORDER BY load_id")
    assert (basics["rows_per_second"], basics["file_bytes"]) == (1_500_000, 3_000)
    assert "1,999,998" in basics["dropped"]
    assert "2" in basics["dropped"].split("; ")[1]
    assert (ratings["rows_per_second"], ratings["dropped"]) == (None, "nothing")
    assert (akas["state"], akas["dropped"]) == ("refused", None)


# ---------------------------------------------------------------------------------- empty, in words


def test_an_empty_catalogue_says_what_to_do(catalogue):
    say = "SELECT mart.html_catalogue(%s, 'http://airflow.invalid') AS words"
    (before,) = catalogue.column(say, "titles")
    assert "filmpulse catalogue accept" in before
    assert CREDIT in before
    catalogue.connection.execute(
        "INSERT INTO ops.catalogue_acceptance (subset, server, clause) "
        "VALUES ('rated', 'mirror.example', 'Terms.')"
    )
    assert catalogue.column("SELECT chosen_subset FROM mart.catalogue_figures") == ["rated"]
    (after,) = catalogue.column(say, "titles")
    assert "filmpulse catalogue refresh" in after
    catalogue.count()
    (counted,) = catalogue.column(say, "titles")
    assert counted == after
    (load,) = catalogue.rows("SELECT * FROM mart.catalogue_loads")
    assert (load["state"], load["load_id"]) == ("none", None)


@pytest.mark.parametrize("about", ["titles", "years", "runtime", "people", "lists"])
def test_each_tab_has_its_words_and_the_credit(titles, about):
    titles.count()
    (words,) = titles.column("SELECT mart.html_catalogue(%s, 'http://airflow.invalid')", about)
    assert CREDIT in words
    assert ("(v r + m C) / (v + m)" in words) == (about == "titles")
    assert ("5 titles" in words) == (about == "people")


@pytest.mark.parametrize("about", ["titles", "years", "runtime"])
def test_a_tab_that_counts_by_genre_says_where_adult_titles_are(titles, about):
    titles.count()
    (words,) = titles.column("SELECT mart.html_catalogue(%s, 'http://airflow.invalid')", about)
    assert "dult titles: the genre Adult." in words


def test_what_a_table_of_the_lists_leaves_out_is_said(titles):
    chart = ROOT / "superset/assets/charts/catalogue_list_titles/list_titles.yaml"
    limit = yaml.safe_load(chart.read_text())["params"]["row_limit"]
    titles.count()
    titles.connection.execute(
        "INSERT INTO core.title_lists VALUES ('long', 'long.ids', 'ids', now())"
    )
    titles.connection.execute(
        "INSERT INTO core.title_list_members SELECT 'long', 'tt' || 9000000 + n, n "
        "FROM generate_series(1, %s) n",
        [limit],
    )
    say = "SELECT mart.html_catalogue('lists', 'http://airflow.invalid')"
    assert "choose a list" not in titles.column(say)[0]
    titles.connection.execute(
        "INSERT INTO core.title_list_members VALUES ('long', 'tt8000000', 99999)"
    )
    (words,) = titles.column(say)
    assert f"{limit + 1:,} titles" in words
    assert f"best {limit:,}" in words


@pytest.mark.parametrize(
    ("genres", "shown"),
    [("Drama,Drama", "Drama"), ("Drama,Horror,Drama", "Drama, Horror"), ("Crime,Drama", None)],
)
def test_a_genre_that_is_named_twice_counts_once(catalogue, genres, shown):
    catalogue.add("title_basics", ("tt1", "movie", "T", "T", False, 2000, None, 90, genres))
    catalogue.add("title_ratings", ("tt1", 7, 100))
    catalogue.count()
    found = catalogue.column("SELECT genres FROM mart.catalogue_titles WHERE genre = 'Drama'")
    assert found == [shown or genres.replace(",", ", ")]
    for counted in (
        "SELECT titles FROM catalogue.year_figures WHERE genre = 'Drama'",
        "SELECT titles FROM catalogue.runtime_figures WHERE genre = 'Drama'",
    ):
        assert catalogue.column(counted) == [1]


def test_a_catalogue_without_a_listed_vote_can_be_counted(catalogue):
    catalogue.add("title_basics", ("tt1", "tvEpisode", "T", "T", False, 2000, None, 9, None))
    catalogue.add("title_ratings", ("tt1", 7, 100))
    catalogue.count()
    (found,) = catalogue.rows("SELECT weighted_rating FROM catalogue.rated_titles")
    assert found["weighted_rating"] == pytest.approx(7)


def test_the_largest_and_the_smallest_numbers_can_be_counted(catalogue):
    most, least = 2**31 - 1, -(2**31)
    catalogue.add("title_basics", ("tt1", "movie", "T", "T", False, most, None, most, "Drama"))
    catalogue.add("title_basics", ("tt2", "movie", "U", "U", False, least, None, least, "Drama"))
    for tconst in ("tt1", "tt2"):
        catalogue.add("title_ratings", (tconst, 10, most))
        catalogue.add("credits", *((tconst, "nm1", role, 1) for role in ("cast", "director")))
    catalogue.count()
    found = catalogue.rows(
        "SELECT decade, weighted_rating FROM catalogue.rated_titles ORDER BY tconst"
    )
    assert [row["decade"] for row in found] == ["2147483640s", "-2147483650s"]
    assert {row["weighted_rating"] for row in found} == {10}
