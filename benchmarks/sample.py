"""A sample site for the benchmarks that read one, in a process of its own."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from filmpulse.local import ports


@dataclass(frozen=True)
class SampleSite:
    """A running sample site: its address, the ids of its extra movies, and its controls."""

    url: str
    token: str
    imdb_ids: tuple[str, ...]

    def control(self, action: str, /, **values: Any) -> Any:
        """Use one control; answer its JSON."""
        return self._ask("POST", action, values)

    def state(self) -> Any:
        """Say what the site holds and what was asked of it."""
        return self._ask("GET", "state")

    def _ask(self, method: str, action: str, values: dict[str, Any] | None = None) -> Any:
        headers = {"X-Control-Token": self.token}
        with httpx.Client(headers=headers, trust_env=False, timeout=120) as client:
            answer = client.request(method, f"{self.url}/_control/{action}", json=values)
        return answer.raise_for_status().json()


def options(about: str, movies: int) -> argparse.Namespace:
    """Read the options of a benchmark over `movies` movies of 10 reviews, unless told otherwise."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--movies", type=int, default=movies)
    parser.add_argument("--reviews", type=int, default=10)
    return parser.parse_args()


@contextlib.contextmanager
def sample_site(folder: Path, movies: int, reviews: int) -> Iterator[SampleSite]:
    """Serve a sample site with so many extra movies of so many reviews each."""
    port, token = ports.choose(), secrets.token_hex(16)
    process = subprocess.Popen(
        [sys.executable, "-m", "filmpulse.sample_site", "--host", "127.0.0.1", "--port", str(port),
         "--state", str(folder), "--extra-movies", str(movies), "--extra-reviews", str(reviews)],
        env=os.environ | {"FILMPULSE_SAMPLE_SITE_TOKEN": token}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    site = SampleSite(f"http://127.0.0.1:{port}", token, ())
    try:
        while True:
            with contextlib.suppress(httpx.TransportError):
                ids = tuple(movie["imdb_id"] for movie in site.state()["movies"][-movies:])
                break
            if process.poll() is not None:
                raise SystemExit("The sample site did not start.")
            time.sleep(0.2)
        yield SampleSite(site.url, token, ids)
    finally:
        process.terminate()
        process.wait()
