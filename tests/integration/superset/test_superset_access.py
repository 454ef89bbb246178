"""Who may see what: the reader in the warehouse, a guest and a stranger in Superset."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from psycopg import sql
from superset_fixtures import rows

from filmpulse.local import superset

if TYPE_CHECKING:
    from tests.conftest import Databases
    from tests.superset_fixtures import App, Browser, Template

pytestmark = pytest.mark.slow

# --- the warehouse's reader ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def owner(superset_template: Template) -> Iterator[psycopg.Connection]:
    with psycopg.connect(superset_template.warehouse_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def reader(superset_template: Template) -> Iterator[psycopg.Connection]:
    with psycopg.connect(superset_template.reader_url, autocommit=True) as connection:
        yield connection


def _relations(owner: psycopg.Connection, *schemas: str) -> list[sql.Identifier]:
    rows = owner.execute(
        "SELECT relnamespace::regnamespace::text, relname FROM pg_class "
        "WHERE relkind IN ('r', 'v', 'm', 'p', 'S') AND relnamespace::regnamespace::text = ANY(%s)",
        [list(schemas)],
    )
    return [sql.Identifier(*row) for row in rows]


def test_the_reader_reads_every_mart(owner: psycopg.Connection, reader: psycopg.Connection) -> None:
    marts = _relations(owner, "mart")
    assert len(marts) > 3
    for mart in marts:
        reader.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(mart))


def test_the_reader_reads_nothing_else(
    owner: psycopg.Connection, reader: psycopg.Connection
) -> None:
    others = _relations(owner, "core", "ops", "public")
    assert len(others) > 10
    for other in others:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(sql.SQL("SELECT * FROM {}").format(other))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine ()",
        "CREATE TABLE mart.mine ()",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE ROLE mine",
        "SET ROLE filmpulse",
        "ALTER ROLE filmpulse_reader CREATEDB",
        "COPY (SELECT 1) TO '/tmp/mine'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT passwd FROM pg_shadow",
    ],
)
def test_the_reader_makes_and_becomes_nothing(reader: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(statement.encode())


def test_the_reader_writes_nothing(owner: psycopg.Connection) -> None:
    for relation in _relations(owner, "mart", "core", "ops"):
        privileges = owner.execute(
            "SELECT p FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p "
            "WHERE has_table_privilege('filmpulse_reader', %s::regclass, p)",
            [relation.as_string(owner)],
        )
        assert privileges.fetchall() == [], relation


# --- guests and strangers ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guest(superset_app: App) -> Browser:
    return superset_app.browser("guest")


@pytest.fixture(scope="module")
def admin(superset_app: App) -> Browser:
    return superset_app.browser("admin")


@pytest.fixture(scope="module")
def dashboards(admin: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get("/api/v1/dashboard/").json()["result"]
    assert found
    return found


def _charts(session: Browser, dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    answer = session.get(f"/api/v1/dashboard/{dashboard['id']}/charts")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["result"]
    return found


def _sources(session: Browser, dashboard: dict[str, Any]) -> dict[str, Any]:
    """Return a dashboard's datasets, each with a metric of one of its charts."""
    answer = session.get(f"/api/v1/dashboard/{dashboard['slug']}/datasets")
    assert answer.status_code == 200, answer.text
    return {
        each["uid"]: each["metrics"][0]["metric_name"]
        if each["metrics"]
        else _count(each["columns"][0]["column_name"])
        for each in answer.json()["result"]
    }


def _count(column: str) -> dict[str, Any]:
    named = {"column_name": column}
    return {"expressionType": "SIMPLE", "aggregate": "COUNT", "column": named, "label": "values"}


def _label(metric: str | dict[str, Any]) -> str:
    return metric if isinstance(metric, str) else str(metric["label"])


def _question(datasource: str, query: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Ask as a chart does."""
    number, _, kind = datasource.partition("__")
    empty: dict[str, Any] = {"metrics": [_count("imdb_id")], "columns": [], "filters": []}
    return {
        "datasource": {"id": int(number), "type": kind},
        "queries": [empty | query],
        "result_format": "json",
        "result_type": "full",
        **more,
    }


def test_a_guest_sees_every_dashboard_and_its_data(
    guest: Browser, dashboards: list[dict[str, Any]]
) -> None:
    listed = guest.get("/api/v1/dashboard/").json()["result"]
    assert {each["slug"] for each in listed} == {each["slug"] for each in dashboards}
    assert guest.get("/dashboard/list/").status_code == 200
    for dashboard in listed:
        assert guest.get(dashboard["url"]).status_code == 200
        sources = _sources(guest, dashboard)
        assert {each["form_data"]["datasource"] for each in _charts(guest, dashboard)} <= {*sources}
        for source, metric in sources.items():
            answer = guest.post("/api/v1/chart/data", _question(source, {"metrics": [metric]}))
            assert answer.status_code == 200, (source, answer.text)
            assert answer.json()["result"][0]["rowcount"] == 1


def test_a_guest_filters_and_saves_figures(
    guest: Browser, dashboards: list[dict[str, Any]]
) -> None:
    dashboard = dashboards[0]
    state = guest.post(f"/api/v1/dashboard/{dashboard['id']}/filter_state", {"value": "{}"})
    assert state.status_code == 201, state.text
    source, metric = next(iter(_sources(guest, dashboard).items()))
    question = _question(source, {"metrics": [metric]}, result_format="csv")
    saved = guest.post("/api/v1/chart/data", question)
    assert saved.status_code == 200
    assert saved.headers["content-type"].startswith("text/csv")
    assert saved.text.splitlines()[0].lstrip("\ufeff") == _label(metric)


@pytest.mark.parametrize("title", ["Back\\slash", "\\", "It's \\' over", 'Say "100 %"\\n'])
@pytest.mark.parametrize("operator", ["IN", "=="])
def test_a_movie_is_found_by_the_name_that_is_shown(
    owner: psycopg.Connection, guest: Browser, admin: Browser, title: str, operator: str
) -> None:
    key = {"imdb_id": "tt99000077", "title": title}
    datasets = admin.get("/api/v1/dataset/?q=(page_size:100)").json()["result"]
    (choices,) = [each["id"] for each in datasets if each["table_name"] == "movie_choices"]
    owner.execute(
        """INSERT INTO core.movies (imdb_id, title, facts_as_of)
           VALUES (%(imdb_id)s, %(title)s, now())""",
        key,
    )
    try:
        chosen = [title] if operator == "IN" else title
        question = _question(
            f"{choices}__table",
            {
                "metrics": [],
                "columns": ["movie"],
                "filters": [{"col": "movie", "op": operator, "val": chosen}],
            },
        )
        answer = guest.post("/api/v1/chart/data", question)
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"][0]["data"] == [{"movie": title}]
    finally:
        owner.execute("DELETE FROM core.movies WHERE imdb_id = %(imdb_id)s", key)


def _sql(expression: str) -> dict[str, str]:
    return {"expressionType": "SQL", "sqlExpression": expression, "label": "x"}


# SQL that reads another mart than the question is about: Superset itself refuses only sub-queries
# that it can see.
HIDDEN = "query_to_xml('SELECT count(*) FROM mart.reviews', true, false, '')::text"
LAYER = {
    **{"name": "x", "annotationType": "EVENT", "sourceType": "table", "value": 1},
    **{"show": True, "showMarkers": True},
}
FREE_SQL: dict[str, dict[str, Any]] = {
    "column": {"columns": [_sql(HIDDEN)]},
    "column without a dataset's name": {"columns": [HIDDEN]},
    "column as base axis": {"columns": [_sql(HIDDEN) | {"columnType": "BASE_AXIS"}]},
    "column said to be a reference": {"columns": [_sql(HIDDEN) | {"isColumnReference": True}]},
    "group by": {"groupby": [_sql(HIDDEN)]},
    "group by as text": {"groupby": [HIDDEN]},
    "metric": {"metrics": [_sql(f"MAX({HIDDEN})")]},
    "count": {"metrics": [_sql("COUNT(*)")]},
    "filter": {"filters": [{"col": _sql(HIDDEN), "op": "==", "val": "x"}]},
    "order": {"orderby": [[_sql(f"MAX({HIDDEN})"), True]]},
    "series": {"columns": [_sql(HIDDEN)], "series_columns": [_sql(HIDDEN)]},
    "limit of series": {"series_limit": 1, "series_limit_metric": _sql(f"MAX({HIDDEN})")},
    "old limit of series": {"timeseries_limit_metric": _sql(f"MAX({HIDDEN})")},
    "where": {"extras": {"where": f"({HIDDEN} <> '')"}},
    "having": {"extras": {"having": f"(MAX({HIDDEN}) <> '')"}},
    "old where": {"where": f"({HIDDEN} <> '')"},
    "annotation": {"annotation_layers": [LAYER | {"overrides": {"time_range": {"where": HIDDEN}}}]},
}


@pytest.mark.parametrize("query", FREE_SQL.values(), ids=FREE_SQL)
def test_a_guest_asks_no_sql_of_their_own(
    guest: Browser, dashboards: list[dict[str, Any]], query: dict[str, Any]
) -> None:
    source = _charts(guest, dashboards[0])[0]["form_data"]["datasource"]
    for kind in ("full", "query", "samples"):
        answer = guest.post("/api/v1/chart/data", _question(source, query, result_type=kind))
        assert answer.status_code == 403, (kind, answer.text)


def test_a_tooltip_brings_no_sql_in(guest: Browser, dashboards: list[dict[str, Any]]) -> None:
    source = _charts(guest, dashboards[0])[0]["form_data"]["datasource"]
    question = _question(source, {}, form_data={"tooltip_contents": [HIDDEN]})
    assert guest.post("/api/v1/chart/data", question).status_code == 403


def test_a_guest_asks_what_a_chart_asks_by_sql_and_of_that_dataset_alone(
    guest: Browser, admin: Browser, dashboards: list[dict[str, Any]]
) -> None:
    charts = [each["form_data"] for dashboard in dashboards for each in _charts(admin, dashboard)]
    asked = {
        (params["datasource"], metric["sqlExpression"])
        for params in charts
        for metric in params.get("metrics", [])
        if isinstance(metric, dict) and metric["expressionType"] == "SQL"
    }
    sources = {params["datasource"] for params in charts}
    assert len(asked) > 3
    pairs = [(source, expression) for _, expression in sorted(asked) for source in sources]

    def answer(pair: tuple[str, str]) -> int:
        question = _question(pair[0], {"metrics": [_sql(pair[1])]}, result_type="query")
        return guest.post("/api/v1/chart/data", question).status_code

    with ThreadPoolExecutor(4) as threads:
        answers = dict(zip(pairs, threads.map(answer, pairs), strict=True))
    assert answers == {pair: 200 if pair in asked else 403 for pair in pairs}


def test_who_writes_charts_asks_any_sql(admin: Browser, dashboards: list[dict[str, Any]]) -> None:
    source = _charts(admin, dashboards[0])[0]["form_data"]["datasource"]
    question = _question(source, {"metrics": [_sql("COUNT(*)")]})
    assert admin.post("/api/v1/chart/data", question).status_code == 200


def test_a_guest_asks_nothing_of_the_sql_window(
    guest: Browser, admin: Browser, superset_app: App
) -> None:
    """Not even of a query whose tables are all open to them."""
    database = admin.get("/api/v1/database/").json()["result"][0]["id"]
    ran = admin.post(
        "/api/v1/sqllab/execute/",
        {
            "database_id": database,
            "schema": "mart",
            "sql": "SELECT 1 AS imdb_id",
            "runAsync": False,
        },
    )
    assert ran.status_code == 200, ran.text
    number = ran.json()["query"]["queryId"]
    answer = guest.post("/api/v1/chart/data", _question(f"{number}__query", {}))
    assert answer.status_code == 403, answer.text


CLOSED = [
    ("GET", "/api/v1/database/"),
    ("GET", "/api/v1/database/1"),
    ("GET", "/api/v1/database/1/schemas/"),
    ("GET", "/api/v1/dataset/"),
    ("GET", "/api/v1/sqllab/"),
    ("GET", "/api/v1/query/"),
    ("GET", "/api/v1/saved_query/"),
    ("GET", "/api/v1/log/"),
    ("GET", "/api/v1/assets/export/"),
    ("GET", "/api/v1/security/users/"),
    ("GET", "/api/v1/security/roles/"),
    ("GET", "/api/v1/dashboard/export/?q=!(1)"),
    ("POST", "/api/v1/sqllab/execute/"),
    ("POST", "/api/v1/chart/"),
    ("PUT", "/api/v1/chart/1"),
    ("DELETE", "/api/v1/chart/1"),
    ("POST", "/api/v1/dashboard/"),
    ("PUT", "/api/v1/dashboard/1"),
    ("DELETE", "/api/v1/dashboard/1"),
    ("POST", "/api/v1/dataset/"),
    ("POST", "/api/v1/database/"),
    ("GET", "/api/v1/explore/?slice_id=1"),
    ("POST", "/api/v1/explore/form_data"),
    ("POST", "/api/v1/explore/permalink"),
    ("POST", "/superset/explore_json/"),
    ("POST", "/api/v1/query/"),
    ("GET", "/api/v1/form_data/?slice_id=1"),
    ("PUT", "/api/v1/chart/warm_up_cache"),
    ("POST", "/datasource/samples?datasource_type=table&datasource_id=1"),
    ("GET", "/datasource/get/table/1/"),
    ("GET", "/api/v1/datasource/table/1/column/imdb_id/values/"),
    ("POST", "/api/v1/datasource/table/1/validate_expression/"),
    ("PUT", "/api/v1/me/"),
    ("POST", "/api/v1/theme/"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_guest_does_nothing_else(guest: Browser, method: str, path: str) -> None:
    body = {"database_id": 1, "sql": "SELECT 1", "password": "mine", "slice_name": "mine"}
    answer = guest.get(path) if method == "GET" else guest.post(path, body, method)
    assert answer.status_code == 403, answer.text[:300]


@pytest.mark.parametrize("path", ["/sqllab/", "/explore/?slice_id=1", "/users/", "/roles/"])
def test_a_guest_opens_no_other_page(guest: Browser, path: str) -> None:
    answer = guest.get(path)
    assert answer.status_code in (302, 403)
    assert path not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/dashboard/", "/api/v1/chart/", "/api/v1/database/", "/api/v1/me/"),
        *("/dashboard/list/", "/superset/dashboard/1/", "/sqllab/"),
    ],
)
def test_a_stranger_sees_nothing(superset_app: App, path: str) -> None:
    answer = superset_app.browser().get(path)
    assert answer.status_code in (302, 401)
    if answer.status_code == 302:
        assert answer.headers["location"].partition("?")[0].endswith("/login/")


def test_a_stranger_is_answered_no_data(superset_app: App) -> None:
    answer = superset_app.browser().post("/api/v1/chart/data", _question("1__table", {}))
    assert answer.status_code == 401


def test_a_wrong_password_opens_nothing(superset_app: App) -> None:
    session = superset_app.browser()
    with pytest.raises(AssertionError, match="refused"):
        session.sign_in("admin", "admin")
    assert session.get("/api/v1/me/").status_code == 401


def test_a_draft_is_its_owners_and_data_of_others_is_closed(admin: Browser, guest: Browser) -> None:
    made = admin.post("/api/v1/dashboard/", {"dashboard_title": "Draft", "published": False})
    uuid = admin.get(f"/api/v1/dashboard/{made.json()['id']}").json()["result"]["uuid"]
    assert uuid
    for name in (uuid, made.json()["id"]):
        answer = guest.get(f"/api/v1/dashboard/{name}")
        assert answer.status_code in (403, 404), answer.text
        assert guest.get(f"/api/v1/dashboard/{name}/charts").status_code in (403, 404)
    databases = admin.get("/api/v1/database/").json()["result"]
    private = admin.post(
        "/api/v1/dataset/",
        {
            "database": databases[0]["id"],
            "schema": "mart",
            "table_name": f"private_{uuid4().hex[:6]}",
            "sql": "SELECT 1 AS one",
        },
    )
    assert private.status_code == 201, private.text
    answer = guest.post("/api/v1/chart/data", _question(f"{private.json()['id']}__table", {}))
    assert answer.status_code == 403


# --- the server ----------------------------------------------------------------------------------


def test_forged_requests_are_refused(admin: Browser) -> None:
    answer = admin.http.post("/api/v1/dashboard/", json={"dashboard_title": "Forged"})
    assert answer.status_code == 400
    assert "CSRF" in answer.text


def test_pages_may_load_from_nowhere_else(superset_app: App) -> None:
    answer = superset_app.browser().get("/login/")
    policy = {
        words[0]: words[1:]
        for part in answer.headers["content-security-policy"].split(";")
        if (words := part.split())
    }
    allowed = {source for sources in policy.values() for source in sources}
    nonces = {source for source in allowed if source.startswith("'nonce-")}
    assert allowed - nonces == {
        *("'self'", "'none'", "'unsafe-inline'", "'strict-dynamic'", "blob:", "data:"),
    }
    assert "'unsafe-inline'" not in policy["script-src"]
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in cookies)


def test_the_first_page_is_the_dashboards(guest: Browser) -> None:
    for path in ("/", "/superset/welcome/"):
        assert guest.get(path).headers["location"].endswith("/dashboard/list/")


def test_logo_and_theme_are_ours(superset_app: App) -> None:
    stranger = superset_app.browser()
    page = stranger.get("/login/").text
    assert "<title>" in page
    for name in ("logo.svg", "logo-dark.svg"):
        [address] = {each for each in _addresses(page) if each.split("?")[0].endswith(f"/{name}")}
        assert stranger.get(address).headers["content-type"].startswith("image/svg+xml")
    assert stranger.get("/filmpulse-static/../superset_config.py").status_code == 404


def _addresses(page: str) -> set[str]:
    return set(re.findall(r"/filmpulse-static/[\w.-]+\?v=\w+", page))


def test_superset_listens_on_loopback_alone(superset_app: App) -> None:
    server = psutil.Process(superset_app.pid)
    listening = set()
    for process in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            for each in process.net_connections("inet"):
                if each.status == psutil.CONN_LISTEN:
                    listening.add(each.laddr.ip)
    assert listening == {"127.0.0.1"}


PATHS = [
    ("GET", "/login/", 200),
    ("GET", "/health", 200),
    ("GET", "/filmpulse-static/logo.svg", 200),
    ("GET", "/static/appbuilder/js/ab_filters.js", 200),
    ("GET", "/no-such-page", 404),
    ("GET", "/api/v1/me/", 401),
    ("GET", "/dashboard/list/", 302),
    ("POST", "/api/v1/dashboard/", 400),
    ("POST", "/health", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), PATHS)
def test_every_answer_has_the_headers(
    superset_app: App, method: str, path: str, status: int
) -> None:
    body = {} if method == "POST" else None
    answer = superset_app.browser().http.request(method, path, json=body)
    assert answer.status_code == status
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


# --- sessions ------------------------------------------------------------------------------------


def _copy(session: Browser, app: App) -> Browser:
    """Return what a thief has who read the cookies once."""
    thief = app.browser()
    thief.http.cookies.update(session.http.cookies)
    return thief


def test_a_log_out_ends_the_session_on_the_server(superset_app: App) -> None:
    session = superset_app.browser("guest")
    thief = _copy(session, superset_app)
    assert thief.get("/api/v1/me/").status_code == 200
    assert session.get("/logout/").status_code == 302
    assert session.get("/api/v1/me/").status_code == 401
    assert thief.get("/api/v1/me/").status_code == 401
    other = superset_app.browser("guest")
    assert other.get("/api/v1/me/").status_code == 200
    assert thief.get("/api/v1/me/").status_code == 401


def test_one_log_out_leaves_other_sessions_of_the_same_user(superset_app: App) -> None:
    one, two = superset_app.browser("guest"), superset_app.browser("guest")
    one.get("/logout/")
    assert two.get("/api/v1/me/").status_code == 200


def test_a_log_in_gives_the_session_a_new_number(superset_app: App) -> None:
    session = superset_app.browser()
    session.csrf_token()
    planted = _copy(session, superset_app)
    before = dict(session.http.cookies)
    session.sign_in("guest", superset_app.template.passwords["guest"])
    assert before
    assert dict(session.http.cookies) != before
    assert planted.get("/api/v1/me/").status_code == 401


def test_a_cookie_tells_nothing_of_the_session(guest: Browser) -> None:
    [value] = guest.http.cookies.values()
    assert re.fullmatch(r"[\w-]{43}", value), "32 bytes at random"


# --- the state of filters ------------------------------------------------------------------------


def _store_filters(session: Browser, dashboard: int, value: str) -> httpx.Response:
    return session.post(f"/api/v1/dashboard/{dashboard}/filter_state", {"value": value})


def test_a_guest_stores_no_long_state_of_filters(
    guest: Browser, dashboards: list[dict[str, Any]]
) -> None:
    number = dashboards[0]["id"]
    assert _store_filters(guest, number, json.dumps("x" * 60_000)).status_code == 201
    assert _store_filters(guest, number, json.dumps("x" * 66_000)).status_code == 413
    kept = _store_filters(guest, number, "{}").json()["key"]
    address = f"/api/v1/dashboard/{number}/filter_state/{kept}"
    long = guest.post(address, {"value": json.dumps("x" * 66_000)}, "PUT")
    assert long.status_code == 413
    assert guest.get(address).json() == {"value": "{}"}


def test_the_newest_thousand_states_are_kept_for_a_day(
    guest: Browser, superset_app: App, dashboards: list[dict[str, Any]]
) -> None:
    number = dashboards[0]["id"]
    first = _store_filters(guest, number, "{}").json()["key"]
    states = "FROM key_value WHERE resource = 'superset_metastore_cache'"
    with psycopg.connect(superset_app.metadata_url) as connection:
        connection.execute(
            "INSERT INTO key_value (resource, value, uuid, created_on, expires_on) "
            "SELECT 'superset_metastore_cache', 'null', gen_random_uuid(), now(), "
            "now() + interval '90 days' FROM generate_series(1, 1100)"
        )
    last = _store_filters(guest, number, '{"a": 1}').json()["key"]
    with psycopg.connect(superset_app.metadata_url) as connection:
        [count] = connection.execute(f"SELECT count(*) {states}".encode()).fetchone() or [0]
        [longest] = connection.execute(
            f"SELECT max(expires_on) < localtimestamp + interval '25 hours' {states} "
            "AND created_by_fk IS NOT NULL".encode()
        ).fetchone() or [None]
    assert count == 1000
    assert longest
    path = f"/api/v1/dashboard/{number}/filter_state"
    assert guest.get(f"{path}/{first}").status_code == 404
    assert guest.get(f"{path}/{last}").json() == {"value": '{"a": 1}'}


# --- names of others -----------------------------------------------------------------------------


def test_a_guest_is_given_no_name_and_address_of_others(guest: Browser, admin: Browser) -> None:
    for kind in ("dashboard", "chart"):
        for column in ("owners", "created_by", "changed_by"):
            path = f"/api/v1/{kind}/related/{column}"
            for question in ("", "?q=(filter:admin)", "?q=(include_ids:!(1,2,3),page_size:100)"):
                answer = guest.get(path + question)
                assert answer.status_code in (200, 403, 404), answer.text
                assert answer.json().get("result", []) == [], (path, question)
    owners = admin.get("/api/v1/dashboard/related/owners").json()["result"]
    assert len(owners) == 3, "who writes charts chooses owners"


# --- log-ins that wait ---------------------------------------------------------------------------


class LogIn:
    """Tries to log in to Superset at both doors, and turns the clock of its waits."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.execute(b"DELETE FROM filmpulse_log_ins")

    def execute(self, statement: bytes, *values: int) -> None:
        """Run one statement in Superset's own database."""
        with psycopg.connect(self.app.metadata_url) as connection:
            connection.execute(statement, values)

    def pass_seconds(self, seconds: int) -> None:
        """Let time pass."""
        self.execute(b"UPDATE filmpulse_log_ins SET free_at = free_at - %s", seconds)

    def api(self, user: str, password: str, **headers: str) -> int:
        """Ask for a token; return the status."""
        body = {"username": user, "password": password, "provider": "db"}
        http = self.app.browser().http
        answer = http.post("/api/v1/security/login", json=body, headers=headers)
        assert (answer.status_code == 429) == ("retry-after" in answer.headers)
        return answer.status_code

    def page(self, user: str, password: str) -> bool:
        """Use the log-in page; say whether it let the user in."""
        session = self.app.browser()
        form = {"username": user, "password": password, "csrf_token": session.csrf_token()}
        session.http.post("/login/", data=form)
        return session.get("/api/v1/me/").status_code == 200


@pytest.fixture
def log_in(superset_app: App) -> Iterator[LogIn]:
    made = LogIn(superset_app)
    yield made
    made.execute(b"DELETE FROM filmpulse_log_ins")


def test_after_ten_wrong_passwords_a_name_waits_at_both_doors(
    log_in: LogIn, superset_app: App
) -> None:
    passwords = superset_app.template.passwords
    assert [log_in.api("admin", "wrong") for _ in range(9)] == [401] * 9
    assert not log_in.page("admin", "wrong")
    assert log_in.api("admin", passwords["admin"]) == 429, "the right one has to wait as well"
    assert not log_in.page("admin", passwords["admin"])
    # No spelling that opens the account gets around it, nor what a header says.
    for name in ("ADMIN", "Admin", "admin@filmpulse.invalid"):
        assert log_in.api(name, passwords["admin"]) == 429
    assert log_in.api("admin", passwords["admin"], **{"X-Forwarded-For": "198.51.100.7"}) == 429
    assert log_in.api("guest", passwords["guest"]) == 200, "others are not held up"
    assert log_in.page("guest", passwords["guest"])
    log_in.pass_seconds(31)
    assert log_in.api("admin", "wrong") == 401
    log_in.pass_seconds(31)
    assert log_in.api("admin", passwords["admin"]) == 429, "the second wait is a minute"
    log_in.pass_seconds(31)
    assert log_in.page("admin", passwords["admin"])
    assert log_in.api("admin", "wrong") == 401, "a right password ended the count"


@pytest.mark.parametrize("name", ["nobody", "Zo\u00eb", "\u540d\u524d", "a" * 500, "' OR 1=1 --"])
def test_a_name_that_nobody_has_waits_as_well(log_in: LogIn, name: str) -> None:
    assert [log_in.api(name, "x") for _ in range(11)] == [401] * 10 + [429]
    assert log_in.api(name.upper(), "x") == 429


# --- preparing -----------------------------------------------------------------------------------


def test_preparing_twice_changes_nothing(
    superset_template: Template, databases: Databases, tmp_path: Path
) -> None:
    url = databases.create(superset_template.database)
    before = rows(url)
    assert len(before) > 50
    said = superset_template.prepare(url, tmp_path / "cache")
    after = rows(url)
    assert {name for name in after if after[name] != before[name]} == set()
    assert " 0 created, 0 updated, 0 deleted" in said
    for password in superset_template.passwords.values():
        assert password not in said
    databases.drop(url)


def test_somebodys_dashboard_in_the_way_leaves_log_ins_and_permissions_whole(
    superset_template: Template, databases: Databases, tmp_path: Path
) -> None:
    url = databases.create(superset_template.database)
    with psycopg.connect(url) as connection:
        # As if a person had made it: the file's UUID is nowhere, and its slug is taken.
        connection.execute("UPDATE dashboards SET uuid = gen_random_uuid() WHERE slug = 'pipeline'")
        connection.execute("UPDATE ab_user SET password = 'old', active = false")
        connection.execute("UPDATE ab_role SET name = 'Old' WHERE name = 'Filmpulse guest'")
    before = rows(url)
    said = superset_template.prepare(url, tmp_path / "cache", code=superset.UNSYNCED)
    last = said.rpartition("\n\n")[2]
    assert last.startswith("No dashboard was changed:\ndashboards/pipeline.yaml: slug: ")
    after = rows(url)
    for table in ("dashboards", "slices", "tables", "key_value"):
        assert after[table] == before[table]
    with psycopg.connect(url) as connection:
        users = connection.execute(
            "SELECT username, active, password <> 'old', r.name FROM ab_user u "
            "JOIN ab_user_role ur ON ur.user_id = u.id JOIN ab_role r ON r.id = ur.role_id "
            "ORDER BY 1"
        ).fetchall()
    assert users == [
        ("admin", True, True, "Admin"),
        ("backup", True, True, "Admin"),  # with it a backup exports all assets
        ("guest", True, True, "Filmpulse guest"),
    ]
    databases.drop(url)
