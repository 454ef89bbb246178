"""The catalogue in the REST API; what holds for every list and operation is in `test_api`."""

from __future__ import annotations

import csv
import io

import pytest
from api_data import MOVIE, fill, parts_of
from helpers import catalogue_rows as rows
from helpers.house import House
from helpers.kept import filled

from filmpulse import jobs
from filmpulse.web import problems


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue_api")
    with filled(databases, _warehouse_template, folder, parts_of, fill) as made:
        yield made


@pytest.fixture(scope="module")
def api(kept):
    with kept.again() as context:
        house = House(context)
        house.track(rows.ORCHARD)
        yield house.client("viewer")


@pytest.fixture
def bare(warehouse_url, tmp_path):
    """The API of a house without a catalogue."""
    return House(parts_of(warehouse_url, (tmp_path / "lake").as_uri())).client("viewer")


def get(api, path, **asked):
    answer = api.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_title_is_found(api):
    hit = get(api, "/v1/titles", q="glass orchard")["items"][0]
    assert hit == {
        "imdb_id": rows.ORCHARD, "title": rows.ORCHARD_TITLE, "year": 2024, "kind": "movie",
        "original_title": "El huerto de cristal", "genres": ["Drama", "Mystery"],
        "directors": ["Ines Marlow"], "stars": "Laura Vale, Tom Berg", "rating": 8.1,
        "vote_count": 125_430, "credit": jobs.CATALOGUE_CREDIT,
    }  # fmt: skip
    assert get(api, "/v1/titles", q=rows.ORCHARD)["items"] == [hit]
    assert len(get(api, "/v1/titles", q="orchard")["items"]) == 3
    assert len(get(api, "/v1/titles", q="orchard", limit=1)["items"]) == 1
    adult = get(api, "/v1/titles", q="orchard after dark", adult="true")["items"]
    assert rows.ADULT in [one["imdb_id"] for one in adult]
    assert get(api, "/v1/titles", q="qwxz") == {"items": []}


def test_people_are_found_and_told_apart(api):
    found = {one["person_id"]: one for one in get(api, "/v1/people", q="laura vale")["items"]}
    assert set(found) == {rows.VALE, rows.OTHER_VALE}
    assert found[rows.VALE]["birth_year"] == 1971
    assert found[rows.OTHER_VALE]["known_for"] == ["Orchard Lane (2010)"]
    assert {one["credit"] for one in found.values()} == {jobs.CATALOGUE_CREDIT}


def test_the_credit_stands_in_csv(api):
    answer = api.get("/v1/titles", params={"q": "orchard", "format": "csv"})
    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [line["credit"] for line in lines] == [jobs.CATALOGUE_CREDIT] * 3
    assert rows.ORCHARD in [line["imdb_id"] for line in lines]


def test_a_title_has_people_and_other_names(api):
    title = get(api, f"/v1/titles/{rows.ORCHARD}")
    assert (title["runtime_minutes"], title["is_tracked"]) == (118, True)
    assert [(one["role"], one["person_id"], one["parts"]) for one in title["people"]] == [
        ("director", rows.MARLOW, []), ("writer", rows.MARLOW, []),
        ("cast", rows.VALE, ['Dr. "Bones" Vale']), ("cast", rows.BUSY, []),
        ("cast", rows.DANGLING, []), ("casting_director", rows.OTHER_VALE, []),
    ]  # fmt: skip
    assert title["people"][4]["name"] is None
    assert title["other_titles"][1] == {"title": "Der gläserne Garten", "regions": ["DE"]}
    assert title["credit"] == jobs.CATALOGUE_CREDIT
    episode = get(api, f"/v1/titles/{rows.EPISODE}")
    assert (episode["series_id"], episode["season"], episode["episode"]) == (rows.SERIES, 1, 1)
    long = get(api, f"/v1/titles/{rows.LONG}")
    assert (len(long["people"]), len(long["other_titles"])) == (100, rows.NAMES)
    assert get(api, f"/v1/titles/{rows.BARE}")["title"] == rows.BARE


def test_a_person_has_titles_by_role(api):
    person = get(api, f"/v1/people/{rows.BUSY}")
    (cast,) = person["roles"]
    assert (cast["role"], cast["count"], len(cast["titles"])) == ("cast", rows.MANY + 1, 100)
    years = [one["year"] for one in cast["titles"]]
    assert years == sorted(years, reverse=True)
    assert (person["birth_year"], person["death_year"]) == (1920, 1999)
    assert [n["person_id"] for n in get(api, f"/v1/people/{rows.VALE}")["namesakes"]] == [
        rows.OTHER_VALE
    ]


def test_a_person_has_titles_in_any_role(api):
    roles = get(api, f"/v1/people/{rows.OTHER_VALE}")["roles"]
    assert [(one["role"], one["titles"][0]["imdb_id"]) for one in roles] == [
        ("casting_director", rows.ORCHARD), ("cast", rows.SERIES)
    ]  # fmt: skip


def test_the_state_of_the_catalogue(api, bare):
    state = get(api, "/v1/catalogue")
    assert (state["subset"], state["titles"]) == ("all", rows.MANY + 7)
    assert state["as_of"] == "2026-11-21T04:30:00Z"
    assert [(one["dataset"], one["load_state"]) for one in state["datasets"]] == [
        ("title.basics", "live"), ("name.basics", "live")
    ]  # fmt: skip
    assert state["credit"] == jobs.CATALOGUE_CREDIT
    nothing = get(bare, "/v1/catalogue")
    assert (nothing["subset"], nothing["titles"], nothing["datasets"]) == (None, 0, [])


def test_what_is_not_there_is_said(api, bare):
    for path in (f"/v1/titles/{rows.ABSENT}", f"/v1/titles/{MOVIE}", f"/v1/people/{rows.DANGLING}"):
        for one, status in ((api, 404), (bare, 409)):
            answer = one.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (
                status,
                problems.MEDIA_TYPE,
            )
    for path in ("/v1/titles?q=x", "/v1/people?q=x"):
        assert bare.get(path).status_code == 409, "an empty list would say that nothing fits"


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=x&limit=0", "q=x&limit=51", "q=x&adullt=1", "q=x&q=y", f"q={'x' * 201}"],
)
def test_what_cannot_be_used_is_refused(api, query):
    for path in ("/v1/titles", "/v1/people"):
        assert api.get(f"{path}?{query}").status_code == 422


@pytest.mark.parametrize("q", ["\0", "%", "' OR 1=1 --", "<script>", "\u202e", "🎬", "!&|:*", " "])
def test_odd_words_are_answered(api, q):
    assert isinstance(get(api, "/v1/titles", q=q)["items"], list)
    assert isinstance(get(api, "/v1/people", q=q)["items"], list)


def test_hostile_words_come_as_they_are(api):
    assert get(api, f"/v1/titles/{rows.HOSTILE}")["original_title"] == rows.HOSTILE_WORDS
    assert get(api, f"/v1/people/{rows.HOSTILE_PERSON}")["name"] == f"Vale {rows.HOSTILE_WORDS}"
