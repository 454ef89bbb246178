"""The sample site in this process, for jobs and crawls that need no scheduler."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from filmpulse.local import ports
from filmpulse.sample_site import create_app


class SampleSite:
    """A running sample site and its controls."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._client = httpx.Client(
            base_url=f"{url}/_control/", headers={"X-Control-Token": token}, timeout=30
        )

    def control(self, action: str, /, **values: Any) -> Any:
        """Use one control; answer its JSON."""
        answer = self._client.post(action, json=values)
        assert answer.is_success, answer.text
        return answer.json()

    def state(self) -> Any:
        """Say what the site holds and what was asked of it."""
        return self._client.get("state").json()

    def counts(self) -> dict[str, int]:
        """Say how many reviews each movie has."""
        return {movie["imdb_id"]: movie["reviews"] for movie in self.state()["movies"]}


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleSite]:
    """The sample site, as the tests of a file before this one left it."""
    port, token = ports.choose(), secrets.token_hex(16)
    app = create_app(tmp_path_factory.mktemp("site"), seed=7, token=token)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield SampleSite(f"http://127.0.0.1:{port}", token)
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def sample_site(running_site: SampleSite) -> SampleSite:
    """The sample site, as new."""
    running_site.control("reset")
    return running_site
