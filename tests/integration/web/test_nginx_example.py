"""The example of nginx: which paths it passes on to Airflow, exactly as a visitor wrote them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from helpers.proxy import NAME, Proxy, proxy

from filmpulse.local import ports
from filmpulse.local.cluster import tools

pytestmark = pytest.mark.skipif(tools.program("nginx") is None, reason="nginx: make cluster-tools")


class _Server(BaseHTTPRequestHandler):
    """Stands where Airflow stands, and answers 200 to every path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with ThreadingHTTPServer((ports.HOST, 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_port
        try:
            with proxy(tmp_path_factory.mktemp("nginx"), port, port, ports.choose([port])) as front:
                yield front
        finally:
            server.shutdown()
            thread.join()


def _status(front: Proxy, path: str) -> int:
    """Ask for a path as it is; clients of HTTP would resolve `..` first."""
    trusting = ssl.create_default_context(cafile=str(front.certificate))
    address = (ports.HOST, urlsplit(front.address).port)
    with (
        socket.create_connection(address, 60) as plain,
        trusting.wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        return int(connection.recv(64).split()[1])


@pytest.mark.parametrize(
    "path",
    [
        "/airflow/execution/variables/x",
        "/airflow//execution/variables/x",
        "/airflow/%65xecution/variables/x",
        "/airflow%2Fexecution/variables/x",
        # nginx resolves these to /airflow/x, Airflow does not.
        "/airflow/execution/variables/a/../../../x",
        "/airflow/%65xecution/variables/a/../../../x",
        "/airflow/execution/variables/a/%2e%2E/.%2e/%2e./x",
        "/airflow/execution/variables/a/..%2f..%2F../x",
        "/execution/variables/a/../../../airflow/x",
        "/airflow/execution/variables/../../x/.",
        "/airflow/execution/variables/../..",
        "/airflow/execution/variables/../../?x=1",
    ],
)
def test_no_way_of_writing_it_leads_to_the_execution_api(front: Proxy, path: str) -> None:
    assert _status(front, path) == 404


@pytest.mark.parametrize(
    "path",
    [
        "/airflow/",
        "/airflow/filmpulse/movies?next=/a/../b",
        "/airflow/api/v2/dags/x/dagRuns/manual__2026-11-29T00:00:00.1+00:00",
        "/airflow/static/..x/.y/z.../a%2Fb",
        "/airflow/filmpulse/execution/",
        "/superset/superset/dashboard/movie-reception/",
    ],
)
def test_other_paths_pass(front: Proxy, path: str) -> None:
    assert _status(front, path) == 200
