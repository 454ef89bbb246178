"""The catalogue holds what the datasets say, byte for byte, in each subset."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from helpers.dataset_rows import HOSTILE, expected, hostile_rows, lines, stored
from helpers.dataset_shelf import Shelf, context_of, open_shelf

from filmpulse import jobs
from filmpulse.errors import BadInput, CatalogueRefused
from filmpulse.sources.datasets import DATASETS
from filmpulse.warehouse.migrate import migrate

SUBSETS = ("rated", "no_episodes", "all")
CAPTURES = Path(os.environ.get("FILMPULSE_CAPTURES", "/nonexistent")) / "imdb_tsv"


@pytest.fixture
def shelf():
    with open_shelf() as opened:
        opened.put(hostile_rows())
        yield opened


@pytest.fixture
def context(warehouse_url, tmp_path, shelf: Shelf) -> jobs.Context:
    return context_of(shelf, warehouse_url, tmp_path)


def refresh(context, subset="all", run_id="run"):
    jobs.accept_catalogue(subset, context)
    return jobs.refresh_catalogue(run_id, context)


def ask(context, statement, *values):
    with context.warehouse.connect() as connection:
        return [tuple(row.values()) for row in connection.execute(statement, values).fetchall()]


def schemas(context):
    found = ask(context, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'catalogue%%'")
    return sorted(name for (name,) in found)


@pytest.mark.parametrize("subset", SUBSETS)
def test_hostile_rows_come_out_byte_for_byte(context, warehouse_url, shelf, subset):
    refresh(context, subset)
    for name, text in hostile_rows().items():
        if subset == "no_episodes":  # the one episode is the only title that starts so
            text = "".join(f"{x}\n" for x in text.split("\n")[:-1] if "tt9910000000" not in x)
        assert stored(warehouse_url, name) == expected(name, text), name
    assert list((context.settings.catalogue_dir).iterdir()) == []
    assert schemas(context) == ["catalogue", "catalogue_live"]


def test_a_rating_comes_out_as_it_was(context, shelf):
    shelf.put({"title.ratings": lines([["tt990000000", "7.25", 9], ["tt990000001", "8.0", 9]])})
    refresh(context)
    said = "SELECT {}::text FROM catalogue.{} ORDER BY tconst"
    assert ask(context, said.format("average_rating", "title_ratings")) == [("7.25",), ("8.0",)]
    assert ask(context, said.format("rating", "rated_titles")) == [("7.25",), ("8.0",)]


def test_an_empty_text_is_no_null(context, warehouse_url):
    refresh(context)
    number = HOSTILE.index("")
    found = ask(
        context, "SELECT primary_title, genres FROM catalogue.title_basics WHERE tconst = %s",
        f"tt99{number:07}",
    )  # fmt: skip
    assert found == [("", None)]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="FILMPULSE_CAPTURES names no folder with rows")
@pytest.mark.parametrize("subset", SUBSETS)
def test_captured_rows_come_out_byte_for_byte(context, warehouse_url, shelf, subset):
    given = dict.fromkeys(DATASETS, "")
    for path in sorted(CAPTURES.glob("*.tsv")):
        name = path.stem.rpartition("_")[2]
        header, _, body = path.read_bytes().decode().partition("\n")
        assert header.split("\t") == list(DATASETS[name].header)
        given[name] += body
    ids = {line.split("\t")[0] for name in given for line in given[name].split("\n") if line}
    titles = {one for one in ids if one.startswith("tt")}
    rated = {line.split("\t")[0] for line in given["title.ratings"].split("\n")}
    known = {line.split("\t")[0] for line in given["title.basics"].split("\n")}
    given["title.ratings"] += lines([[one, "7.5", 9] for one in sorted(titles - rated)])
    given["title.basics"] += lines(
        [[one, "movie", "-", "-", 0, *["\\N"] * 4] for one in sorted(titles - known)]
    )
    people = [line for line in given["name.basics"].split("\n") if line]
    given["title.crew"] = lines([["tt99100000", line.split("\t")[0], "\\N"] for line in people[:1]])
    shelf.put(given)
    refresh(context, subset)
    episodes = {x.split("\t")[0] for x in given["title.basics"].split("\n") if "\ttvEpisode\t" in x}
    for name, text in given.items():
        rows = expected(name, text)
        if subset == "no_episodes":
            rows = [row for row in rows if row[0] not in episodes]
        if subset != "all" and name == "name.basics":  # of the others no kept title knows
            rows = [row for row in rows if row in stored(warehouse_url, name)]
            assert len(rows) >= len(people) - 1
        assert stored(warehouse_url, name) == rows, name


def test_rated_keeps_what_belongs_to_rated_titles(context, shelf):
    one, two, rated = "tt9900001", "tt9900002", "tt9900009"
    both, null = (one, two), "\\N"
    people = [[f"nm990000{n}", "C", *[null] * 3, one if n == 6 else null] for n in range(1, 8)]
    played = [[one, 1, "nm9900004"], [two, 1, "nm9900005"]]
    shelf.put(
        {
            "title.basics": lines([[id_, "movie", "A", "A", 0, *[null] * 4] for id_ in both]),
            "title.ratings": lines([[one, "7.5", 9], [rated, "3.0", 5]]),
            "title.crew": lines([[one, "nm9900001", "nm9900002"], [two, "nm9900003", null]]),
            "title.akas": lines([[id_, 1, "B", *[null] * 4, 0] for id_ in both]),
            "title.principals": lines([[*row, "actor", null, null] for row in played]),
            "name.basics": lines(people),
            "title.episode": "",
        }
    )
    refresh(context, "rated")
    columns = {"title_akas": "title_id", "name_basics": "nconst"}
    kept = {
        table: [
            id_
            for (id_,) in ask(
                context,
                f"SELECT {columns.get(table, 'tconst')} FROM catalogue.{table} ORDER BY 1",  # noqa: S608
            )
        ]
        for table in (
            "title_basics", "title_ratings", "title_crew", "title_akas", "title_principals",
            "name_basics",
        )
    }  # fmt: skip
    of_one = [one]
    assert kept == {
        "title_basics": of_one, "title_ratings": [one, rated], "title_crew": of_one,
        "title_akas": of_one, "title_principals": of_one,
        "name_basics": ["nm9900001", "nm9900002", "nm9900004", "nm9900006"],
    }  # fmt: skip
    loads = {load.dataset: load for load in jobs.catalogue_status(context).shown}
    assert loads["title.crew"].rows_read == 2
    assert (loads["title.crew"].rows_kept, loads["title.crew"].rows_left_out) == (1, 1)


@pytest.mark.parametrize("subset", SUBSETS)
def test_the_first_of_rows_with_one_key_stays_and_the_others_are_counted(context, shelf, subset):
    rows = hostile_rows()
    for name, text in rows.items():
        first = text.partition("\n")[0]
        more = first.replace("\tmovie\t", "\tshort\t").replace("\tactor\t", "\teditor\t")
        rows[name] = text + more + "\n" + more + "\n"
    shelf.put(rows)
    refresh(context, subset)
    loads = {load.dataset: load for load in jobs.catalogue_status(context).shown}
    for name, text in hostile_rows().items():
        if (subset, name) == ("no_episodes", "title.episode"):
            assert name not in loads
            continue
        load = loads[name]
        assert load.rows_duplicate == 2, name
        assert load.rows_kept + load.rows_left_out == text.count("\n")
    assert ask(
        context, "SELECT title_type FROM catalogue.title_basics WHERE tconst = 'tt990000000'"
    ) == [("movie",)]


def test_genres_and_credits_are_made_of_the_datasets(context, shelf):
    rows = hostile_rows()
    basics = ["tt9900001", "movie", "A", "A", 0, 2020, "\\N", 90, "Drama,Comedy,Drama"]
    people = [
        ["tt9900001", 1, "nm3", "actor"], ["tt9900001", 2, "nm4", "self"],
        ["tt9900001", 3, "nm3", "self"], ["tt9900001", 4, "nm1", "director"],
        ["tt9900001", 5, "\\N", "actor"],
    ]  # fmt: skip
    rows["title.basics"] = lines([basics])
    rows["title.crew"] = lines([["tt9900001", "nm1,nm2,nm1", "nm2"]])
    rows["title.principals"] = lines([[*row, "\\N", "\\N"] for row in people])
    shelf.put(rows)
    refresh(context)
    genres = ask(context, "SELECT genre, position FROM catalogue.title_genres ORDER BY 2")
    assert genres == [("Drama", 1), ("Comedy", 2)]
    credits = ask(context, "SELECT role, nconst, position FROM catalogue.credits ORDER BY 1, 3")
    assert credits == [
        ("cast", "nm3", 1), ("cast", "nm4", 2), ("director", "nm1", 1), ("director", "nm2", 2),
        ("writer", "nm2", 1),
    ]  # fmt: skip


def test_what_did_not_change_is_not_loaded(context, shelf):
    assert refresh(context, run_id="first").datasets == list(DATASETS)
    assert sorted(shelf.downloads()) == sorted(DATASETS)
    plan = refresh(context, run_id="second")
    assert (plan.datasets, sorted(plan.unchanged)) == ([], sorted(DATASETS))
    assert shelf.downloads() == []
    assert {load.state for load in jobs.catalogue_status(context).loads} == {"unchanged"}
    assert schemas(context) == ["catalogue", "catalogue_live"]


@pytest.mark.parametrize("subset", ["rated", "all"])
def test_one_dataset_that_changed_is_loaded_alone(context, warehouse_url, shelf, subset):
    refresh(context, subset, "first")
    shelf.downloads()
    rows = hostile_rows()
    rows["title.akas"] += lines([["tt990000000", 3, "New", *["\\N"] * 4, 0]])
    shelf.put({"title.akas": rows["title.akas"]})
    assert refresh(context, subset, "second").datasets == ["title.akas"]
    assert shelf.downloads() == ["title.akas"]
    for name, text in rows.items():
        assert stored(warehouse_url, name) == expected(name, text), name


def test_of_a_subset_all_is_loaded_again_when_its_titles_changed(context, warehouse_url, shelf):
    refresh(context, "rated", "first")
    rows = hostile_rows()
    without_first = rows["title.ratings"].partition("\n")[2]
    shelf.put({"title.ratings": without_first})
    assert refresh(context, "rated", "second").datasets == list(DATASETS)
    titles = {one for one, *_ in expected("title.ratings", without_first)}
    for name in ("title.basics", "title.akas", "title.crew", "title.principals"):
        assert {one for one, *_ in stored(warehouse_url, name)} == titles & {
            one for one, *_ in expected(name, rows[name])
        }


def test_ratings_follow_the_titles_that_are_no_episodes(context, warehouse_url, shelf):
    refresh(context, "no_episodes", "first")
    basics = hostile_rows()["title.basics"].replace("tvEpisode", "tvMovie")
    shelf.put({"title.basics": basics})
    plan = refresh(context, "no_episodes", "second")
    assert set(plan.datasets) == set(DATASETS) - {"title.episode"}
    for name in ("title.basics", "title.ratings"):
        text = basics if name == "title.basics" else hostile_rows()[name]
        assert stored(warehouse_url, name) == expected(name, text), name


@pytest.mark.parametrize("changed", ["title.crew", "title.principals"])
def test_people_follow_the_credits(context, shelf, changed):
    null, title, old, new = "\\N", "tt9900001", "nm9900001", "nm9900002"
    credit = {
        "title.crew": [title, f"{old},{new}", null],
        "title.principals": [title, 2, new, "actor", null, null],
    }
    rows = dict.fromkeys(DATASETS, "") | {
        "title.basics": lines([[title, "movie", "A", "A", 0, *[null] * 4]]),
        "title.ratings": lines([[title, "7.5", 9]]),
        "title.principals": lines([[title, 1, old, "actor", null, null]]),
        "name.basics": lines([[who, "C", *[null] * 4] for who in (old, new)]),
    }
    shelf.put(rows)
    refresh(context, "rated", "first")
    people = "SELECT nconst FROM catalogue.name_basics ORDER BY 1"
    assert ask(context, people) == [(old,)]
    shelf.put({changed: rows[changed] + lines([credit[changed]])})
    assert set(refresh(context, "rated", "second").datasets) == {changed, "name.basics"}
    assert ask(context, people) == [(old,), (new,)]


def test_another_subset_loads_all_anew(context, shelf):
    refresh(context, "no_episodes", "first")
    assert refresh(context, "all", "second").datasets == list(DATASETS)
    assert ask(context, "SELECT count(*) FROM catalogue.title_episode") == [(1,)]
    refresh(context, "no_episodes", "third")
    assert ask(context, "SELECT count(*) FROM catalogue.title_episode") == [(0,)]
    shown = [load.dataset for load in jobs.catalogue_status(context).shown]
    assert shown == [name for name in DATASETS if name != "title.episode"]
    assert jobs.catalogue_status(context).shown_subset == "no_episodes"


def test_a_catalogue_that_was_lost_is_loaded_again(context, warehouse_url, shelf):
    refresh(context, run_id="first")
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("DROP SCHEMA catalogue_live CASCADE")
    migrate(warehouse_url)
    assert not jobs.catalogue_status(context).is_filled
    assert refresh(context, run_id="second").datasets == list(DATASETS)
    assert jobs.catalogue_status(context).titles == len(HOSTILE) + 1


def test_a_dropped_catalogue_is_not_loaded_until_accepted_again(context, shelf):
    refresh(context)
    jobs.drop_catalogue(context)
    now = jobs.catalogue_status(context)
    assert (now.subset, now.is_filled, now.titles, now.shown) == (None, False, 0, ())
    with pytest.raises(CatalogueRefused) as refused:
        jobs.refresh_catalogue("next", context)
    assert refused.value.reason == "not_accepted"
    assert refresh(context, run_id="again").datasets == list(DATASETS)


def test_definitions_are_those_of_the_migrations(context, warehouse_url):
    from test_lost_schemas import catalogue

    before = catalogue(warehouse_url)
    refresh(context, run_id="first")
    refresh(context, "no_episodes", "second")
    assert catalogue(warehouse_url) == before


def test_a_subset_that_there_is_not(context):
    with pytest.raises(BadInput, match="no_episodes"):
        jobs.accept_catalogue("half", context)


def test_dashboards_may_not_read_the_tables(context, warehouse_url):
    jobs.setup_warehouse(context)
    refresh(context)
    jobs.setup_warehouse(context)
    (may,) = ask(
        context,
        "SELECT count(*) FILTER (WHERE has_schema_privilege('filmpulse_reader', oid, 'USAGE')) "
        "FROM pg_namespace WHERE nspname LIKE 'catalogue%%'",
    )
    assert may == (0,)
