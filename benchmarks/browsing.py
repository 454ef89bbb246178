"""A Superset of its own over a warehouse, and a person's browser in front of it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx

from filmpulse.local import ports, postgres
from filmpulse.local.files import last_lines
from filmpulse.local.superset import Superset, environment, python
from filmpulse.warehouse import Warehouse
from superset_tools.viewer import SCREEN, Layout, Question, Viewer, layouts

AT_ONCE = 2
"""Questions that are under way at once when they are asked again."""


class Visits(NamedTuple):
    """Seconds from the beginning of a navigation until the first tab stands.

    Attributes:
        cold: Of the first page after Superset's start, with nothing in its caches or the browser's.
        warm: Of later visits by the same browser, within the minute for which answers are kept.
    """

    cold: float
    warm: list[float]


class Asked(NamedTuple):
    """Milliseconds that a chart's, or a filter's, questions took, each asked past the cache."""

    dashboard: str
    chart: str
    times: list[float]


@dataclass(frozen=True)
class Served:
    """A prepared Superset that is started for as long as it is looked at."""

    superset: Superset
    env: dict[str, str]
    folder: Path
    guest: str

    @contextmanager
    def visited(self) -> Iterator[Viewer]:
        """Start it with empty caches, and a new browser in which a guest is signed in."""
        shutil.rmtree(self.env["SUPERSET_CACHE_DIR"], ignore_errors=True)
        log = self.folder / "superset.log"
        with log.open("w") as file:
            server = subprocess.Popen(
                self.superset.command(), env=self.env, cwd=self.folder, stdout=file, stderr=file
            )
        url = f"http://127.0.0.1:{self.superset.port}"
        try:
            deadline = time.monotonic() + 180
            while not _answers(f"{url}/health"):
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"Superset did not start:\n{last_lines(log)}")
                time.sleep(0.2)
            with Viewer(url, height=SCREEN) as viewer:
                viewer.sign_in("guest", self.guest)
                yield viewer
        finally:
            server.terminate()
            server.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def superset_over(reader: Warehouse, folder: Path) -> Iterator[Served]:
    """Prepare a Superset with the dashboards of this checkout over a warehouse.

    Args:
        reader: The warehouse, as Superset opens it.
        folder: For its own database and caches; must exist.
    """
    interpreter = python()
    if interpreter is None:
        sys.exit("Superset is not installed: `make env-superset`.")
    password, guest = secrets.token_hex(12), secrets.token_hex(12)
    with postgres.Throwaway(folder, ports.choose(), secrets.token_hex(12)) as server:
        server.add_owner("superset", password)
        env = {"PATH": os.environ["PATH"], "HOME": str(folder)} | environment(
            key=secrets.token_hex(20),
            metadata_url=postgres.address("superset", password, server.port, "superset"),
            cache=folder / "cache",
            warehouse_url=reader.url,
            airflow_url="http://127.0.0.1:8080",  # pages link to it, nobody follows
        )
        superset = Superset(interpreter, ports.choose())
        passwords = {
            "SUPERSET_ADMIN_PASSWORD": secrets.token_hex(12),
            "SUPERSET_GUEST_PASSWORD": guest,
            "SUPERSET_BACKUP_PASSWORD": secrets.token_hex(12),
        }
        prepared = subprocess.run(
            superset.prepare_command(), env=env | passwords, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if prepared.returncode:
            sys.exit(f"Superset was not prepared:\n{prepared.stderr[-3000:]}")
        yield Served(superset, env, folder, guest)


def visit(served: Served, layout: Layout, times: int) -> Visits:
    """Open a dashboard cold, then warm, so many times."""
    with served.visited() as viewer:
        cold = _seconds(viewer, layout)
        return Visits(cold, [_seconds(viewer, layout) for _ in range(times)])


def _seconds(viewer: Viewer, layout: Layout) -> float:
    seen = viewer.open(layout.slug)
    undrawn = [title for title, how in seen.charts.items() if how != "drawn"]
    assert not undrawn, f"{layout.slug}: {undrawn} show nothing"
    return seen.seconds


def _named(choice: Question) -> str:
    """Return a name for the question of a filter: its columns, or its figures if it has none."""
    asked = choice.body["queries"][0]
    return f"choices: {asked['columns'] or asked['metrics']}"


def ask_again(served: Served, times: int) -> list[Asked]:
    """Ask what charts and filters of every tab ask, past the cache, so many times, two at once."""
    with served.visited() as viewer:
        questions: list[tuple[str, str, Question]] = []
        for layout in layouts():
            viewer.traffic()
            viewer.open(layout.slug)
            for tab in list(layout.tabs)[1:]:
                viewer.open_tab(tab)
            titles: dict[int | None, str] = {**viewer.chart_ids()}
            traffic = viewer.traffic()
            questions += [
                (layout.slug, titles.get(each.chart_id) or _named(each), each)
                for each in (*traffic.questions, *traffic.choices)
            ]
        took: dict[tuple[str, str], list[float]] = defaultdict(list)
        token = viewer.run("return document.querySelector('#csrf_token').value")
        cookies = {each["name"]: each["value"] for each in viewer.driver.get_cookies()}
        headers = {"X-CSRFToken": token, "Referer": viewer.url}
        client = httpx.Client(cookies=cookies, headers=headers, timeout=600, trust_env=False)

        def answer(question: Question) -> float:
            began = time.perf_counter()
            answered = client.post(question.url, json=question.body | {"force": True})
            took_ms = 1000 * (time.perf_counter() - began)
            assert answered.status_code == 200, answered.text[:500]
            assert not any(each["is_cached"] for each in answered.json()["result"])
            return took_ms

        with client, ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in range(times):
                answers = pool.map(answer, [question for *_, question in questions])
                for (slug, title, _), ms in zip(questions, answers, strict=True):
                    took[slug, title].append(ms)
    return [Asked(slug, title, ms) for (slug, title), ms in took.items()]
