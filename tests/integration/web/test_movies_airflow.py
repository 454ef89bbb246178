"""The Movies pages and the API behind Airflow's own log-ins: who comes in, and who may do what."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from helpers.airflow_web import PASSWORDS, airflow_web, parse_dags, stranger
from starlette.routing import Mount

from filmpulse import airflow_bridge, jobs
from filmpulse.web.tokens import TOKEN_HEADER

pytestmark = pytest.mark.slow

HERE = "/filmpulse"
MOVIE = "tt99000001"


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory,
    databases: Any,
    _warehouse_template: str,
    airflow_database: None,
) -> Iterator[Any]:
    """Airflow's web server over a warehouse of its own."""
    folder = tmp_path_factory.mktemp("movies")
    url = databases.create(_warehouse_template)
    given = {
        "AIRFLOW_CONN_FILMPULSE_WAREHOUSE": url,
        "FILMPULSE_LAKE_URL": f"file://{folder}/lake",
        "FILMPULSE_AUTHOR_SECRET": "s" * 32,
    }
    with airflow_web(folder, **given) as made:
        parse_dags("movie_reception", "analyse_backlog", "import_saved_pages", "refresh_catalogue")
        yield made
    databases.drop(url)


@pytest.fixture
def tracked(app: Any) -> Iterator[None]:
    """An empty list of tracked movies."""
    empty = jobs.Changed("[]", [], [], False, 0, [])
    airflow_bridge.change_variable(lambda _: empty)
    yield
    airflow_bridge.change_variable(lambda _: empty)


def stored() -> list[str]:
    return json.loads(airflow_bridge.read_variable())


def somebody(app: Any, name: str, *, by_cookie: bool = False) -> Any:
    """Log in; a browser has a cookie, a script a bearer token."""
    client = stranger(app, f"address of {name}")
    said = {"username": name, "password": PASSWORDS[name]}
    token = client.post("/auth/token", json=said).json()["access_token"]
    if by_cookie:
        client.cookies.set("_token", token)
    else:
        client.headers["Authorization"] = f"Bearer {token}"
    return client


def everything(app: Any) -> list[tuple[str, str]]:
    """Walk all that is mounted: each method and path, with something in place of parameters."""
    [mounted] = [r for r in app.routes if isinstance(r, Mount) and r.path == HERE]
    inner = mounted.app._app._app
    found = []
    for route in inner.routes:
        if isinstance(route, APIRoute):
            path = route.path_format.format(
                **dict.fromkeys(route.param_convertors, "x") | {"imdb_id": MOVIE}
            )
            found += [(method, HERE + path) for method in route.methods]
        else:
            assert isinstance(route, Mount), f"{route} has no test"
            names = {
                file.name for file in __import__("pathlib").Path(route.app.directory).iterdir()
            }
            found += [("GET", f"{HERE}{route.path}/{name}") for name in sorted(names)]
    return sorted(found)


OTHERS = [("GET", "/no-such-page"), ("OPTIONS", "/"), ("GET", "/static/../app.py")]


def test_a_stranger_gets_nothing(app: Any) -> None:
    somebody(app, "viewer").get(f"{HERE}/")  # the app is made by its first request
    client = stranger(app, "a stranger")
    paths = everything(app)
    assert {
        ("GET", f"{HERE}/"),
        ("POST", f"{HERE}/movies"),
        ("GET", f"{HERE}/static/base.css"),
    } <= set(paths)
    others = [
        ("GET", f"{HERE}/no-such-page"),
        ("OPTIONS", f"{HERE}/"),
        ("GET", f"{HERE}/static/../app.py"),
    ]
    for method, path in [*paths, *others]:
        answer = client.request(method, path)
        assert answer.status_code == 401, (method, path)
        assert "content-security-policy" in answer.headers


def test_a_stranger_is_led_to_the_log_in_and_back(app: Any) -> None:
    answer = stranger(app, "a stranger").get(f"{HERE}/", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "/auth/login?next=%2Ffilmpulse%2F" in answer.text


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "é"])
def test_a_wrong_token_is_no_log_in(app: Any, token: str) -> None:
    client = stranger(app, "a stranger")
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert client.get(f"{HERE}/", headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["viewer", "user"])
def test_who_may_not_change_reads_and_changes_nothing(app: Any, tracked: None, name: str) -> None:
    client = somebody(app, name)
    for method, path in everything(app):
        answer = client.request(method, path, follow_redirects=False)
        if method in ("GET", "HEAD"):
            assert answer.status_code != 401, path
            assert answer.status_code < 500, path
        else:
            assert answer.status_code == 403, (method, path)
    assert client.get(f"{HERE}/movies/{MOVIE}/erase").status_code == 403
    assert client.get(f"{HERE}/").status_code == 200
    assert stored() == []


def test_a_movie_is_tracked_read_and_removed(app: Any, tracked: None) -> None:
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    client = somebody(app, "op")
    added = client.post(f"{HERE}/movies", data={"movie": f"https://www.imdb.com/title/{MOVIE}/"})
    assert added.status_code == 303
    assert stored() == [MOVIE]
    assert MOVIE in client.get(f"{HERE}/").text
    assert client.post(f"{HERE}/movies", data={"movie": MOVIE}).status_code == 303
    refreshed = client.post(f"{HERE}/movies/{MOVIE}/refresh", data={"mode": "full"})
    assert refreshed.status_code == 303
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == "movie_reception")).all()
        assert [run.conf["imdb_ids"] for run in runs] == [[MOVIE], [MOVIE]]
        assert {run.triggering_user_name for run in runs} == {"op"}
    assert client.post(f"{HERE}/movies/{MOVIE}/remove").status_code == 303
    assert stored() == []


def test_a_run_needs_the_right_to_trigger_that_very_dag(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    manager, op = get_auth_manager(), somebody(app, "op")
    may = manager.is_authorized_dag

    def all_but_imports(**asked: Any) -> bool:
        is_import = asked["details"].id == "import_saved_pages"
        return not (is_import and asked["method"] == "POST") and may(**asked)

    def runs() -> int:
        with create_session() as session:
            this = DagRun.dag_id == "import_saved_pages"
            return session.scalar(select(func.count()).where(this))

    with monkeypatch.context() as patch:
        patch.setattr(manager, "is_authorized_dag", all_but_imports)
        assert op.post(f"{HERE}/upload/import").status_code == 403
        assert runs() == 0
    assert op.post(f"{HERE}/upload/import", follow_redirects=False).status_code == 303
    assert runs() == 1


def test_the_catalogue_is_accepted_loaded_and_dropped(app: Any) -> None:
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    client, viewer, there = somebody(app, "op"), somebody(app, "viewer"), f"{HERE}/v1/catalogue"
    said = {"subset": "rated"}
    assert viewer.post(f"{HERE}/catalogue/accept", data=said).status_code == 403
    assert viewer.get(there).json()["subset"] is None
    assert client.post(f"{HERE}/catalogue/accept", data=said).status_code == 303
    assert viewer.get(there).json()["subset"] == "rated"
    assert client.post(f"{HERE}/catalogue/refresh").status_code == 303
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == "refresh_catalogue")).all()
        assert [run.triggering_user_name for run in runs] == ["op", "op"]
    assert viewer.get(f"{HERE}/catalogue/drop").status_code == 403
    assert client.post(f"{HERE}/catalogue/drop").status_code == 303
    assert viewer.get(there).json()["subset"] is None


BAD = [
    "", "tt1", "nonsense", "https://example.com/title/tt99000001/", "'; DROP TABLE core.movies;--",
    "../../etc/passwd", "<script>alert(1)</script>", "tt99000001\0",
]  # fmt: skip


@pytest.mark.parametrize("typed", BAD)
def test_what_is_no_movie_is_refused(app: Any, tracked: None, typed: str) -> None:
    client = somebody(app, "op")
    answer = client.post(f"{HERE}/movies", data={"movie": typed})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert stored() == []


def test_the_environment_s_list_is_not_changed(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_TRACKED_MOVIES", '["tt99000002"]')
    client = somebody(app, "op")
    answer = client.post(f"{HERE}/movies", data={"movie": MOVIE})
    assert answer.status_code == 422
    assert "AIRFLOW_VAR_TRACKED_MOVIES" in answer.text


# --- forms of other sites -------------------------------------------------------------------------


def page_token(client: Any) -> str:
    text = client.get(f"{HERE}/").text
    return text.partition(f'"{TOKEN_HEADER}": "')[2].partition('"')[0]


def test_a_cookie_alone_changes_nothing(app: Any, tracked: None) -> None:
    client = somebody(app, "op", by_cookie=True)
    token, others = page_token(client), page_token(somebody(app, "admin", by_cookie=True))
    assert len(token) == 64
    assert token != others

    def post(**form: str) -> int:
        return client.post(f"{HERE}/movies", data={"movie": MOVIE, **form}).status_code

    assert post() == 403
    assert post(token="") == 403
    assert post(token=others) == 403
    headers = {TOKEN_HEADER: others}
    assert client.post(f"{HERE}/movies", data={"movie": MOVIE}, headers=headers).status_code == 403
    as_text = {"content-type": "text/plain"}
    sent = client.post(f"{HERE}/movies", content=f"movie={MOVIE}&token={token}", headers=as_text)
    assert sent.status_code == 403, "a form may not pretend to be something else"
    assert client.delete(f"{HERE}/v1/movies/{MOVIE}").status_code == 403
    assert stored() == []
    assert post(token=token) == 303
    assert stored() == [MOVIE]
    headers = {TOKEN_HEADER: token}
    assert client.post(f"{HERE}/movies/{MOVIE}/remove", headers=headers).status_code == 303
    assert stored() == []


# --- many at once ---------------------------------------------------------------------------------


def test_of_200_adds_by_8_clients_none_is_lost(app: Any, tracked: None) -> None:
    wanted = [f"tt{99_100_000 + number}" for number in range(200)]
    statuses: list[int] = []

    def add(client: Any, mine: list[str]) -> None:
        for imdb_id in mine:
            answer = client.post(f"{HERE}/movies", data={"movie": imdb_id})
            statuses.append(answer.status_code)

    clients = [somebody(app, "op") for _ in range(8)]  # one by one: log-ins are not the question
    threads = [
        threading.Thread(target=add, args=(client, wanted[n::8]))
        for n, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303] * 200
    assert sorted(stored()) == wanted


# --- too much -------------------------------------------------------------------------------------


def test_a_body_that_is_too_long_is_not_read(app: Any, tracked: None) -> None:
    client = somebody(app, "op")
    assert client.post(f"{HERE}/movies", headers={"content-length": "65000000"}).status_code == 413

    def endless() -> Iterator[bytes]:
        yield b"movie="
        for _ in range(70):
            yield b"x" * 1_000_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(f"{HERE}/movies", content=endless(), headers=kind).status_code == 413
    assert stored() == []
