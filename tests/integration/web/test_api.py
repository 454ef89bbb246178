"""The REST API on a real warehouse that real jobs filled; only Airflow is not there."""

from __future__ import annotations

import asyncio
import base64
import csv
import gc
import io
import json
import re
import tracemalloc
from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from api_data import (
    COUNT,
    MOVIE,
    OTHER,
    RELEASE,
    TITLE,
    UNKNOWN,
    UNREAD,
    a_row,
    bring,
    fill,
    parts_of,
)
from helpers import catalogue_rows
from helpers.house import House
from helpers.kept import filled
from psycopg import sql
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from filmpulse import jobs
from filmpulse.errors import HostPaused, LlmRefused, SiteUnavailable, WarehouseUnavailable
from filmpulse.items import ASPECTS
from filmpulse.warehouse import pages
from filmpulse.web import problems

OF_MOVIE = f"/v1/movies/{MOVIE}"
REVIEWS = f"{OF_MOVIE}/reviews"


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    with filled(databases, _warehouse_template, folder, parts_of, fill) as made:
        yield made


@pytest.fixture
def house(kept):
    with kept.again() as context:
        made = House(context)
        made.track(MOVIE, UNREAD)
        yield made


@pytest.fixture
def api(house):
    return house.client()


@pytest.fixture
def document(api):
    return api.get("/v1/openapi.json").json()


def items(api, path, **asked):
    answer = api.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def walk(api, path, **asked):
    """Return all items of a list, by the addresses of its headers Link."""
    found, address = [], path + ("?" + "&".join(f"{k}={v}" for k, v in asked.items()))
    while address:
        answer = api.get(address)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        address = answer.links.get("next", {}).get("url")
        assert (answer.json()["next"] is None) == (address is None)
    return found


def rows_of(house, statement, *values):
    with house.job_context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def ids(found):
    return [one["review_id"] for one in found]


def test_the_list_has_tracked_and_stored_movies(api, house):
    found = {one["imdb_id"]: one for one in items(api, "/v1/movies")}
    assert {one: found[one]["is_tracked"] for one in found} == {
        MOVIE: True, OTHER: False, UNREAD: True
    }  # fmt: skip
    (card,) = pages.cards(house.job_context.warehouse, imdb_ids=[MOVIE])
    shown = found[MOVIE]
    assert shown["movie"] == f"{TITLE} (2026)"
    for name in ("reviews", "coverage", "scored_reviews", "mean_overall", "is_enough"):
        assert shown[name] == getattr(card, name)
    assert (found[UNREAD]["state"], found[UNREAD]["reviews"]) == ("never", None)
    assert api.get(OF_MOVIE).json() == shown
    assert api.get(f"/v1/movies/{UNREAD}").json() == found[UNREAD]


def test_the_list_is_filtered(api):
    assert api.put(f"{OF_MOVIE}/tags/Rivals").status_code == 204
    assert [one["imdb_id"] for one in items(api, "/v1/movies", tag="rivals")] == [MOVIE]
    assert items(api, "/v1/movies", tag="rival") == []
    assert [one["imdb_id"] for one in items(api, "/v1/movies", is_tracked="false")] == [OTHER]
    aspects = items(api, "/v1/aspects", tag="RIVALS")
    assert [(one["imdb_id"], one["aspect"]) for one in aspects] == [(MOVIE, a) for a in ASPECTS]


def test_a_movie_is_tracked_once(api, house):
    first = api.post("/v1/movies", json={"movie": f"https://www.imdb.com/title/{UNKNOWN}/?ref=x"})
    assert first.status_code == 201
    assert (first.json()["imdb_id"], first.json()["is_new"]) == (UNKNOWN, True)
    assert api.get(urlsplit(first.headers["location"]).path).status_code == 200
    assert house.started == [("movie_reception", {"imdb_ids": [UNKNOWN], "mode": "full"}, "admin")]
    assert first.json()["run_id"] == "manual__1"
    again = api.post("/v1/movies", json={"movie": UNKNOWN})
    assert (again.status_code, again.json()["is_new"], again.json()["run_id"]) == (200, False, None)
    assert len(house.started) == 1
    assert house.tracked().imdb_ids == [MOVIE, UNREAD, UNKNOWN]


@pytest.mark.parametrize(
    "body",
    [
        {"movie": "Jaws"}, {"movie": ""}, {"movie": f"{MOVIE}'; DROP TABLE core.movies"},
        {"movie": "https://evil.example/title/tt0000001/"}, {"movie": None}, {}, [],
        {"movie": MOVIE, "more": 1}, {"movie": "tt" + "1" * 600}, {"movie": "\ud800"},
    ],
)  # fmt: skip
def test_what_names_no_movie_is_refused(api, house, body):
    content = json.dumps(body).encode()
    answer = api.post("/v1/movies", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    assert house.tracked().imdb_ids == [MOVIE, UNREAD]


def test_a_movie_that_is_not_tracked_any_more_keeps_its_data(api, house):
    assert api.delete(OF_MOVIE).status_code == 204
    assert house.tracked().imdb_ids == [UNREAD]
    assert api.delete(OF_MOVIE).status_code == 204
    assert api.get(OF_MOVIE).json()["reviews"] == COUNT
    assert api.delete(f"/v1/movies/{UNKNOWN}").status_code == 404


def test_erasing_asks_for_the_title(api, house):
    path = f"{OF_MOVIE}/erasure"
    assert api.post(path, json={"title": "Another"}).status_code == 409
    assert api.post(path, json={}).status_code == 422
    assert api.get(OF_MOVIE).json()["reviews"] == COUNT
    erased = api.post(path, json={"title": TITLE})
    assert erased.status_code == 200
    assert erased.json()["reviews"] == COUNT
    assert erased.json()["objects"] > 0
    assert house.tracked().imdb_ids == [UNREAD]
    assert api.get(OF_MOVIE).status_code == 404
    assert [one["imdb_id"] for one in items(api, "/v1/collections")] == [OTHER]
    assert api.post(f"/v1/movies/{UNKNOWN}/erasure", json={"title": "x"}).status_code == 404


def test_work_is_started(api, house):
    assert api.post(f"{OF_MOVIE}/collections", json={}).json() == {"run_id": "manual__1"}
    full = api.post(f"{OF_MOVIE}/collections", json={"mode": "full"})
    assert full.status_code == api.post(f"{OF_MOVIE}/analyses").status_code == 202
    assert house.started == [
        ("movie_reception", {"imdb_ids": [MOVIE], "mode": "incremental"}, "admin"),
        ("movie_reception", {"imdb_ids": [MOVIE], "mode": "full"}, "admin"),
        ("analyse_backlog", {"imdb_ids": [MOVIE]}, "admin"),
    ]
    assert api.post(f"{OF_MOVIE}/collections", json={"mode": "import"}).status_code == 422
    assert api.post(f"/v1/movies/{UNKNOWN}/collections", json={}).status_code == 404
    assert api.post(f"/v1/movies/{UNKNOWN}/analyses").status_code == 404
    assert len(house.started) == 3


def test_no_answer_is_taken_back_by_somebody_who_may_not_start_the_scoring(api, house, monkeypatch):
    taken_back: list[str] = []
    monkeypatch.setattr(jobs, "ask_again", lambda _, imdb_ids: taken_back.extend(imdb_ids))
    house.forbidden = {"analyse_backlog"}
    assert api.post(f"{OF_MOVIE}/analyses").status_code == 403
    assert (taken_back, house.started) == ([], [])
    house.forbidden = set()
    assert api.post(f"{OF_MOVIE}/analyses").status_code == 202
    assert taken_back == [MOVIE]


def test_tags_come_and_go(api):
    for tag in ("Rivals", "rivals", "a / b", "<b>bold</b>"):
        assert api.put(f"{OF_MOVIE}/tags/{quote(tag, safe='')}").status_code == 204
    tags = [one["tag"] for one in items(api, f"{OF_MOVIE}/tags")]
    assert sorted(tags) == ["<b>bold</b>", "Rivals", "a / b"]
    assert items(api, "/v1/tags") == items(api, f"{OF_MOVIE}/tags")
    assert api.delete(f"{OF_MOVIE}/tags/RIVALS").status_code == 204
    assert api.delete(f"{OF_MOVIE}/tags/{quote('a / b', safe='')}").status_code == 204
    assert api.delete(f"{OF_MOVIE}/tags/never").status_code == 204
    assert [one["tag"] for one in items(api, "/v1/tags")] == ["<b>bold</b>"]
    assert api.put(f"{OF_MOVIE}/tags/{'x' * 41}").status_code == 422
    assert api.put(f"{OF_MOVIE}/tags/%20").status_code == 422
    for unknown in (UNKNOWN, UNREAD):
        assert api.put(f"/v1/movies/{unknown}/tags/x").status_code == 404
    assert api.get(f"/v1/movies/{UNKNOWN}/tags").status_code == 404


def test_reception_is_that_of_the_command_line(api, house):
    shown = api.get(f"{OF_MOVIE}/reception").json()
    summary = jobs.summary(MOVIE, house.job_context)
    for name in ("reviews", "mean_overall", "half_interval", "is_enough", "mean_stars", "movie"):
        assert shown[name] == summary.movie[name]
    assert shown["grade"] == summary.grade
    assert shown["coverage"] == float(summary.movie["coverage"])
    for given, aspect in zip(shown["aspects"], summary.aspects, strict=True):
        assert given == aspect._asdict() | {
            name: None if getattr(aspect, name) is None else float(getattr(aspect, name))
            for name in ("share_mentioned", "mean_score", "score_low", "score_high")
        }
    assert shown["faults"] == summary.faults
    assert api.get(f"/v1/movies/{UNREAD}/reception").status_code == 404


def test_series(api, house):
    weeks = items(api, f"{OF_MOVIE}/series")
    days = items(api, f"{OF_MOVIE}/series", grain="day")
    dated = len([n for n in range(COUNT) if n % 11])
    assert sum(w["reviews"] for w in weeks) == sum(d["reviews"] for d in days) == dated
    assert [w["starts_on"] for w in weeks] == [
        (RELEASE + timedelta(weeks=n)).isoformat() for n in range(len(weeks))
    ]
    assert weeks[-1]["reviews_so_far"] == days[-1]["reviews_so_far"] == dated
    by_month = items(api, f"{OF_MOVIE}/aspect-series", grain="month")
    whole = [one for one in by_month if one["aspect"] == "overall"]
    assert sum(one["n"] for one in whole) == dated
    assert items(api, f"/v1/movies/{UNREAD}/series") == []


def test_quotes_of_spoilers_come_only_when_asked(api):
    unasked = items(api, f"{OF_MOVIE}/quotes", most=50)
    assert {one["is_spoiler"] for one in unasked} == {False}
    asked = items(api, f"{OF_MOVIE}/quotes", most=50, spoilers="true")
    assert any(one["is_spoiler"] for one in asked)
    chosen = items(api, f"{OF_MOVIE}/quotes", aspect="acting", is_praise="true", most=2)
    assert [(one["aspect"], one["is_praise"], one["place"]) for one in chosen] == [
        ("acting", True, 1), ("acting", True, 2)
    ]  # fmt: skip
    assert all(one["score"] > 0 for one in chosen)


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ({}, "true"),
        ({"score_from": 1}, "overall >= 1"),
        ({"score_from": -2, "score_to": -1}, "overall <= -1"),
        ({"stars_from": 8}, "rating_1_10 >= 8"),
        ({"stars_to": 3}, "rating_1_10 <= 3"),
        ({"from": "2026-03-09", "to": "2026-03-15"},
         "submitted_on BETWEEN '2026-03-09' AND '2026-03-15'"),
        ({"language": "de"}, "language = 'de'"),
        ({"language": "unknown"}, "language IS NULL"),
        ({"source": "letters"}, "source = 'letters'"),
        ({"source": "imdb"}, "false"),
        ({"words": "CAMERA beautiful"}, "body LIKE '%%camera%%beautiful%%'"),
        ({"words": "100%"}, "false"),
        ({"words": "'; DROP TABLE core.reviews; --"}, "false"),
        ({"spoilers": "false"}, "NOT is_spoiler"),
        ({"aspect": "sound"}, "review_id IN (SELECT review_id FROM core.aspect_scores "
         "WHERE aspect = 'sound' AND content_hash = r.content_hash)"),
        ({"aspect": "sound", "score_from": 0}, "false"),
    ],
    ids=lambda value: "-".join(map(str, value)) or "all" if isinstance(value, dict) else "",
)  # fmt: skip
def test_reviews_are_filtered(api, house, asked, condition):
    wanted = {
        row["review_id"]
        for row in rows_of(
            house,
            f"SELECT review_id FROM mart.reviews r WHERE imdb_id = %s AND {condition}",  # noqa: S608
            MOVIE,
        )
    }
    found = ids(walk(api, REVIEWS, limit=7, **asked))
    assert len(found) == len(set(found))
    assert set(found) == wanted
    assert ids(items(api, f"{REVIEWS}/all", **asked)) == found


def test_words_come_only_when_asked(api):
    words = {"title", "body", "overall_quote", *(f"{aspect}_quote" for aspect in ASPECTS)}
    for path in (REVIEWS, f"{REVIEWS}/all"):
        for one in items(api, path):
            assert {name for name in words if one[name] is not None} == set()
        assert all(one["title"] and one["body"] for one in items(api, path, text="true"))
    one = api.get(f"{REVIEWS}/letters/r001").json()
    assert not any(one[name] for name in words)
    assert [(v["body"], v["title"]) for v in one["versions"]] == [(None, None)]


def test_one_review_and_what_it_said_before(api, house):
    one = api.get(f"{REVIEWS}/letters/r001", params={"text": "true"}).json()
    assert one["body"] == "I changed my mind: the acting is bad."
    assert [v["body"] for v in one["versions"]] == [a_row(1)["text"]]
    assert api.get(f"{REVIEWS}/imdb/r001").status_code == 404
    assert api.get(f"/v1/movies/{OTHER}/reviews/letters/r001").status_code == 404
    rows_of(
        house, "UPDATE core.reviews SET removed_at = now() WHERE review_id = 'r001' RETURNING 1"
    )
    assert api.get(f"{REVIEWS}/letters/r001").status_code == 404


def test_a_walk_gives_each_review_once_while_others_come_and_go(api, house):
    everything = set(ids(items(api, f"{REVIEWS}/all")))
    found, cursor, number = [], None, 0
    while True:
        page = api.get(REVIEWS, params={"limit": 5} | ({"cursor": cursor} if cursor else {})).json()
        found += ids(page["items"])
        cursor = page["next"]
        if cursor is None:
            break
        # One that is newer than all, one among those to come, and one that was shown goes.
        new = [
            a_row(0, no=f"new{number}", date="2026-11-01"),
            a_row(0, no=f"old{number}", date="2026-03-03"),
        ]
        bring(new, house.job_context, f"walk__{number}")
        rows_of(
            house,
            "UPDATE core.reviews SET removed_at = now() WHERE review_id = %s RETURNING 1",
            page["items"][0]["review_id"],
        )
        number += 1
    assert number > 5
    assert len(found) == len(set(found))
    assert everything <= set(found)
    assert all(one in everything or one.startswith("old") for one in found)


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "AAAA", "null", "WyIyMDI2", "eyJhIjoxfQ", "W10",
        base64.urlsafe_b64encode(b'["2026-01-01", "a\\u0000", "b"]').decode().rstrip("="),
        base64.urlsafe_b64encode(b'["2026-01-01", "\\ud800", "b"]').decode().rstrip("="),
        base64.urlsafe_b64encode(b'["2026-13-01", "a", "b"]').decode().rstrip("="),
        base64.urlsafe_b64encode(b'["2026-01-01", {"a": 1}, ["b"]]').decode().rstrip("="),
        base64.urlsafe_b64encode(b"[" * 400).decode().rstrip("="),
        "1" * 601, "' OR 1=1", "é", "",
    ],
)  # fmt: skip
def test_a_cursor_of_somebody_else_is_refused(api, cursor):
    answer = api.get(REVIEWS, params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    assert api.get("/v1/collections", params={"cursor": cursor}).status_code == (
        422 if cursor != "1" else 200
    )


def test_collections_are_walked(api):
    whole = items(api, "/v1/collections")
    assert [one["run_id"] for one in whole] == ["import__3", "import__2", "import__1"]
    assert walk(api, "/v1/collections", limit=1) == whole
    assert [one["run_id"] for one in walk(api, f"{OF_MOVIE}/collections", limit=1)] == [
        "import__3", "import__1"
    ]  # fmt: skip


def test_checks_costs_and_health(api, house):
    checks = items(api, f"{OF_MOVIE}/checks")
    wanted = rows_of(
        house, "SELECT check_name FROM mart.quality_checks WHERE imdb_id = %s AND is_latest", MOVIE
    )
    assert sorted(c["check_name"] for c in checks) == sorted(w["check_name"] for w in wanted)
    (analyser,) = items(api, "/v1/analysers")
    assert (analyser["kind"], analyser["movies"]) == ("lexicon", 2)
    (cost,) = items(api, f"{OF_MOVIE}/costs")
    assert (cost["is_shown"], cost["cost_usd"]) == (True, 0)
    rows_of(
        house,
        """INSERT INTO ops.llm_calls (run_id, imdb_id, model, prompt_version, started_at, cost_usd,
               reserved_usd, outcome, input_tokens, output_tokens, finished_at)
           VALUES ('r', %s, 'toy', 'v1', now(), 0.25, 0.5, 'scored', 10, 5, now()) RETURNING 1""",
        MOVIE,
    )
    (spent,) = items(api, "/v1/costs")
    assert (spent["model"], spent["calls"], spent["cost_usd"]) == ("toy", 1, 0.25)
    assert items(api, "/v1/costs", **{"from": "2999-01-01"}) == []
    health = api.get("/v1/health").json()
    assert health["status"] == "ok"
    assert health["revision"]
    assert len(health["facts"]) > 5


LISTS = [
    "/v1/movies", "/v1/aspects", "/v1/tags", "/v1/collections", "/v1/analysers",
    f"{OF_MOVIE}/series", f"{OF_MOVIE}/aspect-series", f"{OF_MOVIE}/quotes",
    f"{REVIEWS}?text=true", f"{REVIEWS}/all?text=true", f"{OF_MOVIE}/collections",
    f"{OF_MOVIE}/checks", f"{OF_MOVIE}/costs", f"{OF_MOVIE}/tags",
    "/v1/titles?q=orchard", "/v1/people?q=vale",
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_csv_holds_the_rows_of_the_json(api, path):
    api.put(f"{OF_MOVIE}/tags/=1%2B1")
    rows = api.get(path).json()["items"]
    answer = api.get(path, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["content-disposition"].startswith("attachment")
    header, *lines = csv.reader(io.StringIO(answer.text, newline=""))
    assert rows
    assert header == list(rows[0])
    assert lines == [[cell(value) for value in row.values()] for row in rows]
    asked = f"{path}{'&' if '?' in path else '?'}format=csv"
    again = api.get(asked, headers={"Accept": "application/json"})
    assert again.text == answer.text


def cell(value):
    """Write a value of the JSON as a cell."""
    if isinstance(value, list):
        value = "; ".join(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
    return str(value)


def test_a_list_of_nothing_is_a_header(api):
    answer = api.get(f"/v1/movies/{UNREAD}/reviews/all", params={"format": "csv"})
    assert answer.text.splitlines() == [answer.text.strip()]
    assert answer.text.startswith("imdb_id,source,")
    assert api.get(f"/v1/movies/{UNREAD}/reviews/all").json() == {"items": []}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/*", "text/csv"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/csv;q=0.1, application/json;q=0.2", "application/json"),
        ("TEXT/CSV ; q=1", "text/csv"),
        ("*/*, application/json;q=0", "text/csv"),
        ("text/csv;q=x, */*;q=0.1", "application/json"),
        ("image/png", None),
        ("application/json;q=0", None),
    ],
)
def test_the_header_chooses_the_form(house, accept, kind):
    client = TestClient(house.app, headers={"Authorization": "Bearer viewer"})
    client.headers.pop("accept")
    answer = client.get("/v1/tags", headers={"Accept": accept} if accept else {})
    assert answer.status_code == (200 if kind else 406)
    assert answer.headers["content-type"].startswith(kind or problems.MEDIA_TYPE)
    assert "Accept" in answer.headers["vary"]


TAGGED = [
    *LISTS[:9], *LISTS[10:], OF_MOVIE, f"{OF_MOVIE}/reception", f"{REVIEWS}/letters/r001",
    f"/v1/titles/{catalogue_rows.ORCHARD}", f"/v1/people/{catalogue_rows.BUSY}", "/v1/catalogue",
    "/v1/health", "/v1/openapi.json",
]  # fmt: skip


@pytest.mark.parametrize("path", TAGGED)
def test_what_did_not_change_is_not_sent_again(api, house, path):
    first = api.get(path)
    tag = first.headers["etag"]
    for given in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
        again = api.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = api.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert "private" in first.headers["cache-control"]


def test_a_change_has_another_tag(api, house):
    tag = api.get(REVIEWS).headers["etag"]
    bring([a_row(200)], house.job_context, "import__4")
    answer = api.get(REVIEWS, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"] == tag) == (200, False)


def problem_of(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    said = answer.json()
    assert (said["status"], said["type"]) == (status, "about:blank")
    assert said["title"]
    assert said["detail"]
    return said


def every_operation(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def address(path):
    values = {"imdb_id": MOVIE, "source": "letters", "review_id": "r001", "tag": "x"}
    values["person_id"] = catalogue_rows.VALE
    return path.format_map(values)


def test_every_operation_refuses_strangers_and_what_a_right_does_not_allow(house, document):
    as_nobody, as_stranger = house.client("nobody"), house.client(None)
    as_viewer, as_editor = house.client("viewer"), house.client("editor")
    for method, path, operation in every_operation(document):
        at = address(path)
        said = as_stranger.request(method, at)
        problem_of(said, 401)
        assert said.headers["www-authenticate"] == "Bearer"
        problem_of(as_nobody.request(method, at), 403)
        right = operation["x-right"]
        assert right == "read" if method == "GET" else right in ("change", "erase")
        if right != "read":
            problem_of(as_viewer.request(method, at, json={"title": TITLE}), 403)
        if right == "erase":
            problem_of(as_editor.request(method, at, json={"title": TITLE}), 403)
    assert house.tracked().imdb_ids == [MOVIE, UNREAD]
    assert house.started == []
    for path in ("/v1/docs", "/v1/openapi.json", "/v1/nothing", "/v1"):
        problem_of(as_stranger.get(path), 401)


def test_a_cookie_needs_the_token_of_our_pages(house):
    by_cookie = TestClient(house.app, cookies={"_token": "admin"})
    problem_of(by_cookie.post("/v1/movies", json={"movie": UNKNOWN}), 403)
    problem_of(by_cookie.delete(OF_MOVIE), 403)
    assert by_cookie.get(OF_MOVIE).status_code == 200
    assert house.tracked().imdb_ids == [MOVIE, UNREAD]


def test_problems_of_requests(api):
    said = problem_of(api.get(REVIEWS, params={"limit": 501, "aspect": "plot"}), 422)
    assert {one["field"] for one in said["errors"]} == {"query.limit", "query.aspect"}
    said = problem_of(api.get("/v1/movies", params={"tagg": "x"}), 422)
    assert [one["field"] for one in said["errors"]] == ["query.tagg"]
    said = problem_of(api.get(f"{REVIEWS}?aspect=acting&limit=2&aspect=sound"), 422)
    assert [one["field"] for one in said["errors"]] == ["query.aspect"]
    problem_of(api.get("/v1/nothing"), 404)
    problem_of(api.get("/v1"), 404)
    refused = api.patch("/v1/movies")
    problem_of(refused, 405)
    assert refused.headers["allow"] == "GET, POST"
    problem_of(api.get("/v1/tags", headers={"Accept": "image/png"}), 406)
    json_header = {"Content-Type": "application/json"}
    said = problem_of(api.post("/v1/movies", content=b"{", headers=json_header), 422)
    assert [one["field"] for one in said["errors"]] == ["body"]
    problem_of(api.post("/v1/movies", content=b"\xff\xfe", headers=json_header), 422)
    problem_of(
        api.post("/v1/movies", content=b"x", headers={**json_header, "Content-Length": "99999999"}),
        413,
    )


def test_a_broken_list_of_tracked_movies_is_said(api, house):
    house.raw = "{}"
    assert "tracked_movies" in problem_of(api.get("/v1/movies"), 409)["detail"]
    assert api.get(REVIEWS).status_code == 200


def shut(house, kept):
    """Have Postgres end the warehouse's connections, and refuse new ones."""
    name = house.job_context.warehouse.url.rpartition("/")[2]
    with kept.databases.server.connect() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )


def test_without_a_warehouse(api, house, kept):
    shut(house, kept)
    for path in ("/v1/health", "/v1/movies", REVIEWS, f"{REVIEWS}/all", f"{OF_MOVIE}/reception"):
        answer = api.get(path)
        said = problem_of(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert not re.search(r"127\.0\.0\.1|port|role|password|test_[0-9a-f]{12}", answer.text)
        assert said["reason"] == "warehouse_unavailable"


@pytest.mark.parametrize(
    ("error", "status", "is_said"),
    [
        (SiteUnavailable("The site sleeps."), 503, True),
        (LlmRefused("No key."), 502, True),
        (WarehouseUnavailable("at 10.0.0.7"), 503, False),
        (RuntimeError("password=hunter2"), 500, False),
    ],
)
def test_errors_have_a_status_and_tell_nothing_of_the_inside(
    house, monkeypatch, error, status, is_said
):
    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr(house, "start", fail)
    api = house.client(raise_server_exceptions=False)
    answer = api.post(f"{OF_MOVIE}/collections", json={})
    problem_of(answer, status)
    assert (str(error) in answer.text) == is_said
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_pause_says_how_long(house):
    from datetime import UTC, datetime

    until = datetime.now(UTC) + timedelta(seconds=100)
    fault = problems.fault_of(HostPaused("Rests.", until=until))
    assert 90 < int(fault.headers["Retry-After"]) <= 100


HOSTILE = [
    "tt1'--", "tt99000001 ", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "http://evil.example/",
    "%00", "tt99000001%00", "tt\u0669\u0669000001", "🎬", "<script>alert(1)</script>",
    "tt" + "9" * 500,
    "null", "-1", "tt99000001;DROP TABLE core.movies", "{imdb_id}", "%ff%fe", "tt99000001%0a",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_ids_are_refused(api, house, document, hostile):
    written = hostile if "%" in hostile else quote(hostile, safe="")
    for method, path, _ in every_operation(document):
        if "{imdb_id}" in path or "{person_id}" in path:
            at = address(path).replace(MOVIE, written).replace(catalogue_rows.VALE, written)
            answer = api.request(method, at, json={"title": "x"} if method == "POST" else None)
            assert answer.status_code in (404, 405, 422), (method, at, answer.text)
            assert answer.headers["content-type"] in (
                problems.MEDIA_TYPE,
                "text/html; charset=utf-8",
            )
            assert "<script>alert(1)" not in answer.text
    for at in (f"{REVIEWS}/{written}/r001", f"{REVIEWS}/letters/{written}"):
        assert api.get(at).status_code in (404, 422)
    assert house.tracked().imdb_ids == [MOVIE, UNREAD]
    assert rows_of(house, "SELECT count(*) AS n FROM core.movies")[0]["n"] == 2


def test_every_operation_is_described(document):
    found = list(every_operation(document))
    assert len({operation["operationId"] for _, _, operation in found}) == len(found) > 25
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for method, path, operation in found:
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert len(operation["tags"]) == 1, where
        answers = operation["responses"]
        assert {"401", "403", "422", "503"} <= set(answers), where
        if "{imdb_id}" in path:
            assert "404" in answers, where
        for status, answer in answers.items():
            assert answer["description"], where
            if status.startswith(("4", "5")):
                assert answer["content"] == {problems.MEDIA_TYPE: problem}, where
            elif status in ("200", "201", "202"):
                assert answer["content"]["application/json"]["example"] is not None, where
        for parameter in operation.get("parameters", []):
            assert parameter["description"], where
            assert (
                parameter["in"] != "path"
                or parameter.get("example")
                or parameter["schema"].get("examples")
            ), where
        body = operation.get("requestBody")
        assert body is None or body["content"]["application/json"]["example"], where
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, one in schema.get("properties", {}).items():
            assert (
                name.startswith(("Page", "Rows"))
                or one.get("description")
                or "$ref" in json.dumps(one)
            ), f"{name}.{field}"


def test_every_route_below_v1_is_in_the_document(house, document):
    guard = house.app
    documented = set(document["paths"]) | {"/v1/docs", "/v1/openapi.json"}
    routes = {r.path_format for r in guard._app.routes if getattr(r, "path", "").startswith("/v1")}
    assert routes == documented


def test_the_docs_page_shows_every_operation_and_needs_no_script(api, document):
    answer = api.get("/v1/docs")
    assert answer.status_code == 200
    text = answer.text
    for _, path, operation in every_operation(document):
        assert f'id="{operation["operationId"]}"' in text
        assert path in text
    for name in re.findall(r'href="#([^"]+)"', text):
        assert f'id="{name}"' in text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src)", text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for source in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        assert api.get(source).status_code == 200, source
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)


def test_errors_of_pages_are_pages(house):
    stranger = house.client(None).get("/nothing")
    assert stranger.status_code == 401
    assert 'href="/auth/login?next=/nothing"' in stranger.text
    part = house.client(None).get("/nothing", headers={"HX-Request": "true"})
    assert part.headers["hx-redirect"] == "/auth/login?next=/"
    missing = house.client("viewer").get("/nothing")
    assert missing.status_code == 404
    assert 'href="/"' in missing.text
    assert "/static/base.css" in missing.text
    part = house.client("viewer").get("/nothing", headers={"HX-Request": "true"})
    assert part.status_code == 404
    assert "<html" not in part.text
    assert house.client("nobody").get("/").status_code == 403


LONG = 20_000


@pytest.fixture
def long_list(house):
    """Have a movie with 20,000 reviews of 1,000 characters."""
    rows_of(
        house,
        """INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler,
               submitted_on, content_hash, first_seen_at)
           SELECT 'letters', 'long' || n, %s, 'Long', repeat('words ', 166) || n, false,
                  date '2020-01-01' + n %% 1000, 'h' || n, now()
           FROM generate_series(1, %s) n RETURNING 1""",
        OTHER, LONG,
    )  # fmt: skip
    return f"/v1/movies/{OTHER}/reviews/all"


def send(app, path, query, take):
    """Ask the app without a client that keeps the answer; `take` is given each piece."""
    url = path.encode()
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
        "method": "GET", "scheme": "http", "path": path, "raw_path": url, "root_path": "",
        "query_string": query, "headers": [(b"authorization", b"Bearer viewer")],
        "client": ("127.0.0.1", 1), "server": ("filmpulse.example", 80),
    }  # fmt: skip

    async def receive():
        await asyncio.sleep(3600)

    async def take_message(message):
        if message["type"] == "http.response.body":
            take(message["body"], message.get("more_body", False))

    asyncio.run(app(scope, receive, take_message))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_long_answer_takes_little_memory(house, long_list, form):
    sent, largest, end = 0, 0, b""

    def take(piece, _is_more):
        nonlocal sent, largest, end
        sent, largest, end = sent + len(piece), max(largest, len(piece)), (end + piece)[-100:]

    house.client().get("/v1/health")  # what is loaded once
    gc.collect()
    tracemalloc.start()
    send(house.app, long_list, f"format={form}&text=true".encode(), take)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > LONG * 1000
    assert end.endswith(b"]}" if form == "json" else b"\r\n")
    assert largest < 1_500_000
    assert peak < 12_000_000


def test_a_long_answer_has_every_review_once(house, long_list):
    text = house.client("viewer").get(long_list, params={"format": "csv"}).text
    found = [row["review_id"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert len(found) == len(set(found)) == LONG + 3


def test_a_long_answer_that_breaks_off_never_looks_whole(house, long_list, kept):
    pieces = []

    def take(piece, is_more):
        pieces.append((piece, is_more))
        if len(pieces) == 2:
            shut(house, kept)

    with pytest.raises(RuntimeError) as broken:  # the server then closes the connection
        send(house.app, long_list, b"", take)
    assert isinstance(broken.value.__cause__, WarehouseUnavailable)
    assert 2 <= len(pieces) < LONG / 500
    assert all(is_more for _, is_more in pieces)


def test_addresses_are_those_of_where_the_app_is_mounted(house):
    outer = Starlette(routes=[Mount("/airflow/filmpulse", app=house.app)])
    client = TestClient(
        outer, "http://filmpulse.example", headers={"Authorization": "Bearer admin"}
    )
    base = "/airflow/filmpulse"
    answer = client.get(f"{base}{REVIEWS}", params={"limit": 2})
    link = answer.links["next"]["url"]
    assert link.startswith(f"{base}{REVIEWS}?")
    assert ids(client.get(link).json()["items"]) == ids(items(client, f"{base}{REVIEWS}"))[2:4]
    added = client.post(f"{base}/v1/movies", json={"movie": UNKNOWN})
    assert added.headers["location"] == f"{base}/v1/movies/{UNKNOWN}"
    assert client.get(f"{base}/v1/openapi.json").json()["servers"] == [{"url": base}]
    page = client.get(f"{base}/v1/docs").text
    assert f"FILMPULSE=http://filmpulse.example{base}\n" in page
    assert f'href="{base}/static/docs.css"' in page
    problem_of(client.get(f"{base}/v1/nothing"), 404)
    problem_of(client.patch(f"{base}/v1/movies"), 405)
    assert client.get(f"{base}/nothing").headers["content-type"].startswith("text/html")
