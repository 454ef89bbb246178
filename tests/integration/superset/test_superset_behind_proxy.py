"""Superset behind nginx, below a path and with TLS, its caches and sessions in a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from helpers.proxy import NAME, Proxy, proxy
from helpers.redis_server import RedisServer, redis_server
from superset_fixtures import Browser, serving

from filmpulse.local import ports
from filmpulse.local.cluster import tools
from filmpulse.local.superset import Servers
from superset_tools.viewer import Viewer, layouts

if TYPE_CHECKING:
    from tests.conftest import Databases
    from tests.superset_fixtures import App, Template

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(tools.program("nginx") is None, reason="nginx: make cluster-tools"),
    pytest.mark.skipif(
        tools.program("redis-server") is None, reason="redis-server: make cluster-tools"
    ),
]
PATH = "/superset"
VISITOR = "198.51.100.7"
ICONS = "/static/assets/images/pwa/"  # the manifest of Superset names them without the path (6.1.0)


@dataclass(frozen=True)
class Served:
    """A Superset below a path, the nginx in front, and the Redis beside."""

    app: App
    proxy: Proxy
    cache: RedisServer

    @property
    def url(self) -> str:
        return f"{self.proxy.address}{PATH}"

    def browser(self, user: str | None = None) -> Browser:
        """Return a session through nginx, signed in as `admin`, `guest` or nobody."""
        session = Browser(self.url, http=self.proxy.client(self.url))
        if user is not None:
            session.sign_in(user, self.app.template.passwords[user])
        return session


@pytest.fixture(scope="module")
def served(
    superset_template: Template,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    port = ports.choose()
    tls = ports.choose([port])
    template = replace(superset_template, superset=replace(superset_template.superset, port=port))
    metadata_url = databases.create(template.database)
    folders = [tmp_path_factory.mktemp(name) for name in ("redis", "superset-proxied", "nginx")]
    with redis_server(folders[0], is_cache=True) as cache:
        behind = {
            "public_url": f"https://{NAME}:{tls}{PATH}",
            "servers": Servers(redis_url="", cache_url=cache.url),
        }
        with (
            serving(template, metadata_url, folders[1], **behind) as app,
            proxy(folders[2], ports.choose([port, tls]), port, tls) as front,
        ):
            yield Served(app, front, cache)
    databases.drop(metadata_url)


def test_a_guest_sees_a_dashboard_in_a_browser_and_logs_out(served: Served) -> None:
    layout = next(one for one in layouts() if one.slug == "pipeline")
    with Viewer(served.url, flags=served.proxy.flags) as viewer:
        viewer.sign_in("guest", served.app.template.passwords["guest"])
        assert viewer.driver.current_url.startswith(f"{served.url}/dashboard/list/")
        link = 'a[href$="/superset/dashboard/pipeline/"]'
        viewer.click(link)
        seen = viewer.settle()
        assert viewer.driver.current_url.startswith(f"{served.url}/superset/dashboard/pipeline/")
        assert set(seen.charts) == set(layout.tabs[seen.tab])
        assert "error" not in seen.charts.values()
        missing = "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
        assert [one for one in viewer.run(missing) if "scarf.sh" not in one] == []
        assert viewer.find(f'img[src^="{PATH}/filmpulse-static/"]') is not None
        assert viewer.find(f'#main-menu a[href="{PATH}/dashboard/list/"]') is not None
        cookies = viewer.driver.get_cookies()
        assert [(one["path"], one["secure"], one["httpOnly"]) for one in cookies] == [
            (PATH, True, True)
        ]
        viewer.driver.get(f"{served.url}/logout/")
        viewer.until("the log-in", lambda: viewer.find("#username") is not None)
        assert viewer.driver.current_url.startswith(f"{served.url}/login/")
        traffic = viewer.traffic()
        ours = (served.url, "data:", "blob:", f"{served.proxy.address}{ICONS}")
        assert [url for url in traffic.urls if not url.startswith(ours)] == []
        spared = (  # see e2e/test_superset.py: it may have filled the warehouse with hostile titles
            *("scarf.sh", ICONS, "/colors?mark_updated=false", " 0:0 "),
            "Executing inline event handler violates",
        )
        assert [one for one in traffic.complaints if not any(w in one for w in spared)] == []


def test_links_and_redirects_stay_below_the_path(served: Served) -> None:
    guest = served.browser("guest")
    for path in (PATH, f"{PATH}/", f"{PATH}/superset/welcome/"):
        answer = guest.get(f"{served.proxy.address}{path}")
        assert answer.headers["location"].removeprefix(served.proxy.address).startswith(f"{PATH}/")
    boot = guest.get("/dashboard/list/").text
    assert f"{PATH}/static/assets/" in boot
    assert '"/static/' not in boot
    stranger = served.browser()
    assert stranger.get("/dashboard/list/").headers["location"].startswith(f"{PATH}/login/")


def test_whoever_comes_without_the_proxy_needs_no_path(served: Served) -> None:
    direct = Browser(served.app.url)
    assert direct.get("/health").status_code == 200
    assert direct.get(f"{PATH}/health").status_code == 200
    assert direct.get("/api/v1/me/").status_code == 401


def test_only_what_nginx_saw_of_a_visitor_counts(served: Served) -> None:
    """A visitor's own headers change neither a link nor the address that log-ins are counted by."""
    forged = {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-For": VISITOR,
        "Forwarded": f"for={VISITOR};host=evil.test",
    }
    stranger = served.browser()
    answer = stranger.http.get("/superset/welcome/", headers=forged)
    assert "evil" not in str(answer.headers)
    statuses = [
        stranger.http.post(
            "/api/v1/security/login",
            json={"username": "nobody", "password": "wrong", "provider": "db"},
            headers=forged | {"X-Forwarded-For": f"198.51.100.{number}"},
        ).status_code
        for number in range(11)
    ]
    assert statuses == [401] * 10 + [429]


def test_other_names_get_no_answer_and_http_leads_to_https(served: Served) -> None:
    with served.proxy.client() as client:
        answer = client.get(f"{served.proxy.plain}/superset/login/?next=1")
        assert answer.status_code == 301
        assert answer.headers["location"] == f"{served.url}/login/?next=1"
        answer = client.get(f"{served.url}/health")
        assert len(answer.headers.get_list("strict-transport-security")) == 1
        for address in (served.proxy.plain, served.proxy.address):
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(address, headers={"Host": "evil.test"})


def test_a_form_of_another_site_is_refused(served: Served) -> None:
    admin = served.browser("admin")
    token = {"X-CSRFToken": admin.csrf_token()}
    for referer, status in ((f"{served.url}/", 201), ("https://evil.test/", 400), (None, 400)):
        headers = token | ({"Referer": referer} if referer else {})
        answer = admin.http.post(
            "/api/v1/dashboard/", json={"dashboard_title": f"mine {referer}"}, headers=headers
        )
        assert answer.status_code == status, (referer, answer.text)


def test_sessions_and_answers_lie_in_redis(served: Served) -> None:
    served.cache.ask("FLUSHALL")
    guest = served.browser("guest")
    assert guest.get("/api/v1/me/").status_code == 200
    keys = served.cache.ask("KEYS", "*")
    assert any(key.startswith("superset_session_") for key in keys)
    assert all(int(*served.cache.ask("TTL", key)) > 0 for key in keys)
    served.cache.ask("FLUSHALL")
    assert guest.get("/api/v1/me/").status_code == 401


def test_a_warehouse_that_is_away_is_named_in_the_chart(served: Served) -> None:
    """As a replica that is down: the page is whole, and each chart says what does not answer."""
    away = f"postgresql+psycopg2://filmpulse_reader@{ports.HOST}:{ports.choose()}/filmpulse"
    with psycopg.connect(served.app.metadata_url) as connection:
        before = connection.execute("SELECT sqlalchemy_uri FROM dbs").fetchone()
        connection.execute("UPDATE dbs SET sqlalchemy_uri = %s", [away])
    served.cache.ask("FLUSHALL")
    try:
        with Viewer(served.url, flags=served.proxy.flags) as viewer:
            viewer.sign_in("guest", served.app.template.passwords["guest"])
            seen = viewer.open("pipeline")
            assert set(seen.charts.values()) == {"error"}
            said = viewer.run("return document.body.innerText")
            print(said)
            assert "connection to server" in said
    finally:
        with psycopg.connect(served.app.metadata_url) as connection:
            connection.execute("UPDATE dbs SET sqlalchemy_uri = %s", before)


def test_without_its_redis_superset_answers_errors_and_lives(served: Served) -> None:
    """Last: it ends the Redis."""
    guest = served.browser("guest")
    served.cache.ask("SHUTDOWN", "NOSAVE")
    assert guest.get("/api/v1/me/").status_code == 500
    assert Browser(served.app.url).get("/health").status_code in (200, 500)
