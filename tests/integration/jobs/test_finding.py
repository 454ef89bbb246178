"""Titles and people are found in a small catalogue, however they are typed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from helpers.small_catalogue import fill, fill_from_files, title

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.jobs.catalogue.find import NO_CATALOGUE
from filmpulse.jobs.catalogue.index_names import index_names
from filmpulse.jobs.catalogue.look_up import look_up
from filmpulse.jobs.reception import suggest
from filmpulse.sources.datasets import CREDIT
from filmpulse.warehouse import sql

HARBOUR, OLD_HARBOUR, ROWER, ROWER_2, SEVEN, SPIDER, LEON, EPISODE, ADULT, PLAIN, YEAR, LONG = (
    f"tt9900100{n:02d}" for n in range(12)
)
NEBU, LETTER, NIGHT, FOX, SWIM, MINE, ORLA_QUIST, TITANIA, FLOCKS = (
    f"tt9900101{n}" for n in range(9)
)
ORLA, ORLA_TOO, TOMAS, DE_VORN, JUNIOR, NILS = (f"nm990000000{n}" for n in range(1, 7))

TITLES = [
    title(HARBOUR, "The Harbour", 1999, genres="Drama,Mystery"),
    title(OLD_HARBOUR, "Harbour", 1951),
    title(ROWER, "The Rower", 2001),
    title(ROWER_2, "The Rower: Part II", 2005),
    title(SEVEN, "Se7en Boats", 1995),
    title(SPIDER, "Spider-Wren: The Return of the Flock", 2002),
    title(LEON, "Léon et la mer", 1988, original="Léon et la mer"),
    title(EPISODE, "The Harbour", 2003, kind="tvEpisode"),
    title(ADULT, "Harbour Nights", 2004, is_adult=True),
    title(PLAIN, "Harbour Nights", 2006, kind="tvSeries"),
    title(YEAR, "1917", 2019),
    title(LONG, "Boat 2049", 2017),
    title(NEBU, "NEB·U", 2008),
    title(LETTER, "M", 1931),
    title(NIGHT, "Nachtfahrt", 1962, original="夜の図書館"),
    title(FOX, "$$", 1971),
    title(SWIM, "S.W.I.M.", 2003),
    title(MINE, "Can't Row: Part One", 2021),
    title(ORLA_QUIST, "Quist", 2012),
    title(TITANIA, "Rowera 2", 1980),
    title(FLOCKS, "Harbour Evenings", 2009, genres="Adult,Drama"),
    title("tt10000000001", "The Harbour", 2027),
]
VOTES = {
    HARBOUR: 90_000, OLD_HARBOUR: 400, ROWER: 500_000, ROWER_2: 300_000, SEVEN: 1_000_000,
    SPIDER: 200_000, LEON: 5_000, PLAIN: 2_000, YEAR: 600_000, LONG: 550_000, NEBU: 900_000,
    LETTER: 150_000, NIGHT: 120, FOX: 900, ADULT: 100, SWIM: 40_000, MINE: 900_000,
    ORLA_QUIST: 8_000, TITANIA: 8,
}  # fmt: skip
AKAS = [
    (HARBOUR, 1, "Der Hafen"), (HARBOUR, 2, "The Harbour"), (HARBOUR, 3, "Гавань"),
    (NIGHT, 1, "Night Passage"), (MINE, 1, "Can't Row"),
]  # fmt: skip
PEOPLE = [
    (ORLA, "Orla Quist", 1950, None, "director,writer", f"{HARBOUR},{ROWER}"),
    (ORLA_TOO, "Orla Quist", 1987, None, "actress", LEON),
    (TOMAS, "Tomás Ek", None, None, "actor", f"{HARBOUR},{EPISODE}"),
    (NILS, "Nils Vrang", None, None, "composer", f"{YEAR},{LONG}"),
    (DE_VORN, "Ivo De Vorn", None, None, "actor", f"{ROWER},{FLOCKS}"),
    (JUNIOR, "Ada Moss Jr.", None, None, "actress", ROWER),
]
CREDITS = [
    (HARBOUR, ORLA, "director", 1), (ROWER, ORLA, "director", 1), (ROWER, ORLA, "writer", 1),
    (HARBOUR, TOMAS, "cast", 1), (EPISODE, TOMAS, "cast", 1), (ADULT, TOMAS, "cast", 2),
    (LEON, ORLA_TOO, "cast", 1), (FLOCKS, DE_VORN, "cast", 1), (ROWER, DE_VORN, "cast", 2),
]  # fmt: skip
PRINCIPALS = [  # an episode, an adult title, somebody who is in the credits, and a task named twice
    (LONG, 1, NILS, "composer"), (YEAR, 1, NILS, "composer"), (YEAR, 2, NILS, "composer"),
    (SEVEN, 3, NILS, "archive_footage"), (LEON, 1, NILS, "music_department"),
    (EPISODE, 1, NILS, "editor"), (ADULT, 1, NILS, "producer"), (HARBOUR, 2, NILS, "actor"),
    (HARBOUR, 3, NILS, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def context(databases, _warehouse_template, tmp_path_factory):
    """A context whose warehouse holds the catalogue; reading live is off."""
    url = databases.create(_warehouse_template)
    fill(
        url, title_basics=TITLES,
        title_ratings=[(tconst, 7.1, votes) for tconst, votes in VOTES.items()],
        title_akas=AKAS, name_basics=PEOPLE, credits=CREDITS, title_principals=PRINCIPALS,
    )  # fmt: skip
    lake = tmp_path_factory.mktemp("lake").as_uri()
    yield jobs.Context.from_settings(
        Settings(warehouse_url=url, lake_url=lake, author_secret="for tests only")
    )
    databases.drop(url)


def ids(query, context, **more):
    return [hit.imdb_id for hit in jobs.find(query, context, **more).titles]


FIRST = {
    "the harbour": HARBOUR,
    "harbour": HARBOUR,
    "HARBOUR, THE": HARBOUR,
    "harbour 1999": HARBOUR,
    "harbour (1998)": HARBOUR,
    "harbour 1951": OLD_HARBOUR,
    "Harbour, The (1951)": OLD_HARBOUR,
    "der hafen": HARBOUR,
    "гавань": HARBOUR,
    "harb": HARBOUR,
    "rower": ROWER,
    "rower 2": ROWER_2,
    "rower part two": ROWER_2,
    "the rower ii": ROWER_2,
    "rower part": ROWER_2,
    "seven boats": SEVEN,
    "se7en boats": SEVEN,
    "7 boats 1995": SEVEN,
    "boats sev": SEVEN,
    "spiderwren": SPIDER,
    "spider wren": SPIDER,
    "return of the flock": SPIDER,
    "flock return": SPIDER,
    "spdier-wren return": SPIDER,
    "leon": LEON,
    "léon et la mer": LEON,
    "mer leon": LEON,
    "neb u": NEBU,
    "nebu": NEBU,
    "NEB-U": NEBU,
    "1917": YEAR,
    "1917 2019": YEAR,
    "boat 2049": LONG,
    "boat 2049 (2017)": LONG,
    "m": LETTER,
    "夜の図書館": NIGHT,
    "夜の": NIGHT,
    "night passage": NIGHT,
    "nachtfart": NIGHT,
    "harbuor": HARBOUR,
    "harbour nights": PLAIN,
    "$$": FOX,
    "lotr return of the flock": SPIDER,
    "the harbour's": HARBOUR,
    "s.w.i.m.": SWIM,
    "s.w.i.m": SWIM,
    "can't": MINE,
    "harbour 2": HARBOUR,
    "harbuor 2": HARBOUR,
    "harbour part two": HARBOUR,
    "leon 2": LEON,
    "rower 9": ROWER,
    "movie about harbour": HARBOUR,
    "film harbour": HARBOUR,
}


@pytest.mark.parametrize("query", FIRST)
def test_the_right_title_stands_first(query, context):
    found = jobs.find(query, context)
    assert found.origin == "catalogue"
    assert found.titles[0].imdb_id == FIRST[query]


def test_a_hit_says_what_the_catalogue_knows(context):
    hit = jobs.find("harbour", context).titles[0]
    assert (hit.title, hit.year, hit.kind, hit.rating, hit.vote_count) == (
        "The Harbour", 1999, "movie", 7.1, 90_000,
    )  # fmt: skip
    assert (hit.genres, hit.directors, hit.stars) == (
        ("Drama", "Mystery"), ("Orla Quist",), "Tomás Ek",
    )  # fmt: skip
    assert jobs.find_title(HARBOUR, context) == hit


def test_episodes_are_never_found_and_adult_titles_if_asked_for(context):
    assert EPISODE not in ids("harbour", context, titles=100)
    assert ADULT not in ids("harbour nights", context)
    assert ADULT in ids("harbour nights", context, with_adult=True)


def test_the_genre_adult_hides_a_title_too(context):
    assert FLOCKS not in ids("harbour evenings", context)
    assert FLOCKS in ids("harbour evenings", context, with_adult=True)
    found = jobs.find_person(DE_VORN, context)
    assert [[hit.imdb_id for hit in role.titles] for role in found.roles] == [[ROWER]]
    assert found.person.known_for == ("The Rower (2001)",)


@pytest.mark.parametrize(
    "query",
    [
        HARBOUR, f" {HARBOUR.upper()} ", f"https://www.imdb.com/title/{HARBOUR}/?ref_=x",
        f"https://www.imdb.com/title/{HARBOUR}/ The Harbour",
        f"Seen this? (https://m.imdb.com/title/{HARBOUR}/)",
    ],
)  # fmt: skip
def test_an_id_or_an_address_is_found_at_once(query, context):
    assert ids(query, context) == [HARBOUR]


def test_an_address_of_others_is_not_one_of_imdb(context):
    for host in ("https://notimdb.com", "https://example.org/?imdb.com"):
        assert not ids(f"{host}/title/{HARBOUR}/ nothing", context)


def test_an_unknown_id_is_nothing(context):
    found = jobs.find("tt99999999", context)
    assert (found.titles, found.origin) == ((), "none")
    assert found.sentence


def test_people_are_found_with_what_they_are_known_for(context):
    people = jobs.find("quist orla", context).people
    assert [(hit.person_id, hit.birth_year) for hit in people] == [(ORLA, 1950), (ORLA_TOO, 1987)]
    assert people[0].known_for == ("The Harbour (1999)", "The Rower (2001)")
    assert jobs.find("tomas e", context).people[0].person_id == TOMAS
    assert jobs.find("orla qiust", context).people[0].person_id == ORLA
    assert jobs.find(f"https://www.imdb.com/name/{TOMAS}/", context).people[0].person_id == TOMAS


def test_a_persons_name_brings_the_person(context):
    """Also if it is a title; and nothing that has one of its words."""
    found = jobs.find("quist", context)
    assert found.titles[0].imdb_id == ORLA_QUIST
    assert [hit.person_id for hit in found.people] == [ORLA, ORLA_TOO]
    assert not jobs.find("orla quist", context).titles


@pytest.mark.parametrize(
    ("query", "person_id"),
    [("devorn", DE_VORN), ("ivo devorn", DE_VORN), ("ada moss junior", JUNIOR),
     (f"https://www.imdb.com/name/{DE_VORN}/ Ivo", DE_VORN)],
)  # fmt: skip
def test_people_are_found_as_their_names_are_typed(query, person_id, context):
    assert jobs.find(query, context).people[0].person_id == person_id


def test_a_person_has_titles_by_role_and_namesakes(context):
    found = jobs.find_person(ORLA, context)
    assert [(role.role, role.count) for role in found.roles] == [("director", 2), ("writer", 1)]
    assert [hit.imdb_id for hit in found.roles[0].titles] == [ROWER, HARBOUR]
    assert [hit.person_id for hit in found.namesakes] == [ORLA_TOO]
    acted = jobs.find_person(TOMAS, context).roles
    assert [[hit.imdb_id for hit in role.titles] for role in acted] == [[HARBOUR]]
    few = jobs.find_person(ORLA, context, titles=1).roles[0]
    assert (len(few.titles), few.count) == (1, 2)


def test_a_person_has_titles_in_roles_that_are_not_ranked(context):
    roles = jobs.find_person(NILS, context).roles
    assert [(one.role, [hit.imdb_id for hit in one.titles], one.count) for one in roles] == [
        ("composer", [YEAR, LONG], 2), ("music_department", [LEON], 1),
        ("archive_footage", [SEVEN], 1),  # last, though its title is the best-known
    ]  # fmt: skip
    adult = jobs.find_person(NILS, context, with_adult=True).roles
    assert "producer" in [one.role for one in adult]


def test_other_roles_of_a_person_are_read_by_an_index(context):
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        asked = sql("titles_of_person")
        given = {"person_id": NILS, "with_adult": False, "most": 9}
        plan = connection.execute(f"EXPLAIN {asked}", given).fetchall()
    assert "title_principals_by_other_person" in str(plan)


def test_an_unknown_person_is_nothing(context):
    assert jobs.find_person("nm9999999999", context) is None
    assert not jobs.find("nm9999999999", context).people


HOSTILE = [
    "", " ", "\x00", "\x00\x01", "a", "z", "the", "the a an", "x" * 10_000, "the " * 3_000,
    "harbour " * 2_000, "'", "''", '"', "\\", "\\'", "a & b | !c", "!!", "<->", "foo:*", ":*",
    "'harbour':*", "(", ")", "((((", "a <2> b", "🎬", "🎬 🎥", "夜", "مرحبا", "שלום עולם",
    "\u202eabc",
    "%", "_", "100%", "har%", "h_rbour", "2012", "2012 2009", "(1999)", "()", "[]",
    "; DROP TABLE x",
    "\ud800", "e\u0301" * 200, "\u0301", "i " * 15,
    "1 2 3 4 5 6 7 8 9 10 11",
    "(" * 200 + "a" + ")" * 200, "a.b" * 100, "tt", "tt1", "nm1", "--", "NULL", "None", "\\N",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_any_query_is_answered(query, context):
    found = jobs.find(query, context, with_adult=True)
    assert found.titles or found.people or found.sentence


def test_signs_of_patterns_find_nothing_alone_and_are_left_out_in_words(context):
    assert ids("%", context) == ids("_", context) == []
    assert ids("100%", context) == ids("_____", context) == []
    assert ids("harb%", context)[0] == HARBOUR


def test_without_a_catalogue_and_reading_off_a_sentence_says_so(warehouse_url, tmp_path):
    context = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=tmp_path.as_uri(), author_secret="x" * 8)
    )
    for ask_site in (True, False):
        found = jobs.find("harbour", context, ask_site=ask_site)
        assert (found.titles, found.people, found.origin) == ((), (), "none")
        assert found.sentence
    for known in (HARBOUR, ORLA):
        assert jobs.find(known, context).sentence == NO_CATALOGUE


CLOSE = ["harbour", "harb", "harbour 1998", "nights harbour", "rower 2", "boat 2049", "orla quist"]
NOT_CLOSE = ["harbuor", "harbour 2024", "rower 9", "orla qiust", "lotr return of the flock"]


@pytest.mark.parametrize("query", [*CLOSE, *NOT_CLOSE])
def test_the_site_is_asked_unless_the_first_hit_has_all_that_was_typed(query, context):
    looked = look_up(query, context, titles=8, people=5)
    assert looked.is_close == (query in CLOSE)
    assert looked.titles or looked.people


def test_a_name_is_of_the_kind_of_the_greatest_share(context):
    with psycopg.connect(context.warehouse.url) as connection:
        kinds = connection.execute(
            "SELECT kind FROM catalogue.title_names WHERE tconst = %s AND norm = 'cantrow'", (MINE,)
        ).fetchall()
    assert kinds == [("alternative",)]


def test_the_age_is_that_of_the_marts_while_there_is_a_catalogue(context, warehouse_url, tmp_path):
    loaded = (
        "INSERT INTO ops.catalogue_loads (run_id, dataset, subset, url, state, started_at) "
        "VALUES ('r', 'title.basics', 'all', 'http://x', 'live', '2031-05-06 07:08:09+00')"
    )
    without = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=tmp_path.as_uri(), author_secret="x" * 8)
    )
    for one, as_of in ((context, datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)), (without, None)):
        with psycopg.connect(one.warehouse.url) as connection:
            connection.execute(loaded)
        for query in ("harbour", HARBOUR):
            assert jobs.find(query, one, ask_site=False).as_of == as_of


def test_suggestions_are_the_catalogues_with_its_credit(context):
    suggest.forget_suggestions()
    found = jobs.suggest("harbour", context)
    assert (found.verdict, found.hits[0].imdb_id, found.credit) == ("found", HARBOUR, CREDIT)
    shared = jobs.suggest(f"https://www.imdb.com/title/{HARBOUR}/ The Harbour", context)
    assert (shared.verdict, shared.imdb_id) == ("named", HARBOUR)
    alike = jobs.suggest("harbour 2024", context)  # the site cannot be asked
    assert (alike.verdict, alike.hits[0].imdb_id) == ("found", HARBOUR)
    nothing = jobs.suggest("nothing like this", context)
    assert (nothing.verdict, nothing.credit) == ("off", "")
    assert jobs.suggest("m", context).verdict == "too_short"
    asked_there = jobs.suggest("harbour", context, at_site=True)
    assert (asked_there.verdict, asked_there.credit) == ("off", "")


def test_names_are_stored_once_a_title(context):
    with psycopg.connect(context.warehouse.url) as connection:
        twice = connection.execute(
            "SELECT tconst, norm FROM catalogue.title_names GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
        kinds = connection.execute(
            "SELECT kind FROM catalogue.title_names WHERE tconst = %s ORDER BY 1", (HARBOUR,)
        ).fetchall()
        titles = connection.execute("SELECT DISTINCT tconst FROM catalogue.title_names").fetchall()
    assert not twice
    assert [kind for (kind,) in kinds] == ["alternative", "alternative", "primary"]
    assert (EPISODE,) not in titles
    assert ("tt10000000001",) not in titles


def test_indexing_is_part_of_the_callers_transaction(context):
    with psycopg.connect(context.warehouse.url) as connection:
        connection.execute("CREATE SCHEMA other")
        for table in ("title_basics", "title_ratings", "title_akas", "name_basics", "title_names",
                      "person_names", "word_repairs"):  # fmt: skip
            connection.execute(f"CREATE TABLE other.{table} (LIKE catalogue_live.{table})")
        connection.execute(
            "INSERT INTO other.title_basics SELECT * FROM catalogue_live.title_basics"
        )
        path = connection.execute("SHOW search_path").fetchone()
        index_names(connection, "other")
        assert connection.execute("SHOW search_path").fetchone() == path
        assert connection.execute("SELECT count(*) FROM other.title_names").fetchone()[0] > 10
        connection.rollback()


TYPED = {
    "godfather": "tt0068646", "the godfather 1972": "tt0068646", "der pate": "tt0068646",
    "крестный отец": "tt0068646", "star wars": "tt0076759", "return of the jedi": "tt0086190",
    "star wars 6": "tt0086190", "terminator 2": "tt0103064", "terminator two judgement day":
    "tt0103064", "shawshank": "tt0111161", "shawshenk redemtion": "tt0111161", "se7en": "tt0114369",
    "seven 1995": "tt0114369", "matrix": "tt0133093", "Matrix, The (1999)": "tt0133093",
    "return of the king": "tt0167260", "amelie": "tt0211915", "le fabuleux destin d'amélie":
    "tt0211915", "kill bill": "tt0266697", "kill bill volume one": "tt0266697",
    "no country for": "tt0477348", "intouchables": "tt1675434", "infinity war": "tt4154756",
    "spiderman": "tt4633694", "spider man into the spider verse": "tt4633694",
    "robo cop": "tt0093870", "good fellas": "tt0099685", "dark knight the": "tt0468569",
    "v for vendeta": "tt0434409", "ゴッドファーザー": "tt0068646",
}  # fmt: skip


def test_real_rows_are_found_as_people_type_them(warehouse_url, tmp_path):
    folder = Path(os.environ.get("FILMPULSE_CAPTURES", "")) / "imdb_tsv"
    if "FILMPULSE_CAPTURES" not in os.environ or not folder.is_dir():
        pytest.skip("FILMPULSE_CAPTURES is unset, or has no imdb_tsv")
    url = warehouse_url
    fill_from_files(
        url, title_basics=folder / "2022-09_title.basics.tsv",
        title_ratings=folder / "2022-09_title.ratings.tsv",
        title_akas=folder / "2022-09_title.akas.tsv",
    )  # fmt: skip
    fill_from_files(url, title_basics=folder / "hostile_invented_title.basics.tsv")
    context = jobs.Context.from_settings(
        Settings(warehouse_url=url, lake_url=tmp_path.as_uri(), author_secret="x" * 8)
    )
    with psycopg.connect(url) as connection:
        named = connection.execute(
            "SELECT tconst, primary_title, start_year FROM catalogue.title_basics "
            "WHERE tconst ~ '^tt0|^tt[1-8]' AND length(tconst) < 11"
        ).fetchall()
    assert {query: ids(query, context)[:1] for query in TYPED} == {
        query: [imdb_id] for query, imdb_id in TYPED.items()
    }
    for imdb_id, name, year in named:
        assert ids(f"{name} ({year})", context)[0] == imdb_id
        assert ids(name, context)[0] == imdb_id
