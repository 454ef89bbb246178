"""Reports by mail and thumbnails, made by Superset's real worker over a real Redis; two minutes."""

from __future__ import annotations

import email
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from helpers.redis_server import redis_server
from helpers.waiting import wait_until
from superset_fixtures import Browser, serving

from filmpulse.local import ports
from filmpulse.local.cluster import tools
from filmpulse.local.files import last_lines
from filmpulse.local.superset import Servers

if TYPE_CHECKING:
    from tests.conftest import Databases
    from tests.superset_fixtures import App, Template

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(
        tools.program("redis-server") is None, reason="redis-server: make cluster-tools"
    ),
]
PUBLIC = "https://films.test/superset"


class MailServer:
    """An SMTP server (RFC 5321) that takes every mail and keeps it."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        mails = self.mails

        class Session(StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = list(iter(self.rfile.readline, b".\r\n"))
                        mails.append(email.message_from_bytes(b"".join(lines)))
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")

        self.server = ThreadingTCPServer((ports.HOST, 0), Session)
        self.url = f"smtp+plain://{ports.HOST}:{self.server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@dataclass(frozen=True)
class Reporting:
    """A Superset below a path, and how to start its worker."""

    app: App
    admin: Browser
    start: Callable[..., Any] = field(repr=False)


@pytest.fixture(scope="module")
def reporting(
    superset_template: Template, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reporting]:
    port = ports.choose()
    template = replace(superset_template, superset=replace(superset_template.superset, port=port))
    metadata_url = databases.create(template.database)
    folder = tmp_path_factory.mktemp("superset-reports")
    redises = [tmp_path_factory.mktemp(name) for name in ("orders", "caches")]
    with (
        redis_server(redises[0], is_cache=False) as orders,
        redis_server(redises[1], is_cache=True) as caches,
    ):
        behind = {
            "public_url": PUBLIC,
            "internal_url": f"http://{ports.HOST}:{port}",
            "servers": Servers(orders.url, caches.url),
        }

        @contextmanager
        def worker(**more: str) -> Iterator[psutil.Process]:
            with (folder / "worker.log").open("a") as log:
                process = subprocess.Popen(
                    template.superset.worker_command(folder / "schedule"),
                    env=template.env_for(metadata_url, folder / "cache", **behind) | more,
                    cwd=folder, stdout=log, stderr=subprocess.STDOUT,
                )  # fmt: skip

            def is_ready() -> bool:
                assert process.poll() is None, last_lines(folder / "worker.log", 30)
                return "_kombu.binding.celery" in orders.ask("-n", "2", "KEYS", "*")

            try:
                wait_until(is_ready)
                yield psutil.Process(process.pid)
            finally:
                process.terminate()
                process.wait(120)

        with serving(template, metadata_url, folder, **behind) as app:
            admin = Browser(app.url)
            answer = admin.http.post(
                "/api/v1/security/login",
                json={"username": "admin", "password": template.passwords["admin"],
                      "provider": "db", "refresh": False},
            )  # fmt: skip
            admin.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            answer = admin.get("/api/v1/security/csrf_token/")
            # The cookie is for https, which a proxy would speak: the client would hold it back.
            cookie = answer.headers["set-cookie"].partition(";")[0]
            admin.http.headers.update({"X-CSRFToken": answer.json()["result"], "Cookie": cookie})
            yield Reporting(app, admin, worker)
    databases.drop(metadata_url)


def _ask_for_report(reporting: Reporting, name: str) -> str:
    """Have the dashboard Pipeline sent every minute; return the report's address."""
    http = reporting.admin.http
    asked = {
        "type": "Report", "name": name, "active": True, "crontab": "* * * * *",
        "dashboard": http.get("/api/v1/dashboard/pipeline").json()["result"]["id"],
        "recipients": [
            {"type": "Email", "recipient_config_json": {"target": "analyst@films.test"}}
        ],
        "report_format": "PNG", "grace_period": 60, "working_timeout": 300, "log_retention": 1,
    }  # fmt: skip
    answer = http.post("/api/v1/report/", json=asked)
    assert answer.status_code == 201, answer.text
    return f"/api/v1/report/{answer.json()['id']}"


def test_thumbnails_and_mails_are_made_by_the_worker(reporting: Reporting) -> None:
    http = reporting.admin.http
    listed = http.get("/api/v1/dashboard/").json()["result"]
    address = next(one["thumbnail_url"] for one in listed if one["slug"] == "pipeline")
    with MailServer().running() as mail, reporting.start(
        SUPERSET_SMTP_URL=mail.url, SUPERSET_SMTP_FROM="filmpulse@films.test"
    ) as worker:  # fmt: skip
        assert http.get(address).status_code == 202
        wait_until(lambda: http.get(address).status_code == 200)
        picture = http.get(address)
        assert picture.content.startswith(b"\x89PNG")
        report = _ask_for_report(reporting, "Every minute")
        wait_until(lambda: mail.mails)
        http.delete(report)
        processes = [worker, *worker.children(recursive=True)]
        words = " ".join(" ".join(one.cmdline()) for one in processes)
        assert "redis://" not in words
        assert "superset@" in words
    parts = list(mail.mails[0].walk())
    pictures = [one for one in parts if one.get_content_type() == "image/png"]
    text = next(one for one in parts if one.get_content_type() == "text/html")
    assert pictures
    assert f"{PUBLIC}/superset/dashboard/" in text.get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_without_a_mail_server_the_reports_log_says_so(reporting: Reporting) -> None:
    http = reporting.admin.http
    with reporting.start():
        report = _ask_for_report(reporting, "Nowhere")
        asked = {"q": json.dumps({"columns": ["state", "error_message"]})}

        def errors() -> list[str]:
            found = http.get(f"{report}/log/", params=asked).json()["result"]
            return [one["error_message"] for one in found if one["state"] == "Error"]

        wait_until(errors)
        assert any("SUPERSET_SMTP_URL" in one for one in errors())
        http.delete(report)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_killed_worker_leaves_no_beat_behind(reporting: Reporting) -> None:
    """Another beat beside that of the next worker would send each report twice."""
    with reporting.start() as worker:
        wait_until(lambda: len(worker.children(recursive=True)) >= 2)  # beat, and the one at work
        children = worker.children(recursive=True)
        worker.kill()
        wait_until(lambda: not any(_lives(child) for child in children))


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
