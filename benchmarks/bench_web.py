"""Ask the Movies pages and the API of a warehouse with 200 movies and 500,000 reviews.

The app is asked in a process of its own that has loaded Airflow's web server before, as in
Airflow; in Airflow's place stands a door that lets everybody in. Each address is asked once
unjudged and then in turns, for a movie of mean size and for the largest, which has more reviews
than any movie on IMDb. Judged are, by the median, the list of movies, a mean movie's page and its
reception by API; and how much more memory the process has (RSS) after each address was asked 20
times than it had before it loaded the app. About three minutes, most of which makes the reviews
(`many_reviews.py`).

    python benchmarks/bench_web.py [--movies 200 --reviews 500000 --rounds 7 --unfollowed]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
from rich.console import Console
from rich.table import Table

# The process that is asked imports no more here, so that its memory without the app can be seen.
if TYPE_CHECKING:
    import many_reviews
    from starlette.requests import HTTPConnection

    from filmpulse import jobs
    from filmpulse.web.door import Visitor

ALL = {"list": "/", "cards at work": "/moving", "list by API": "/v1/movies"}
OF_MOVIE = {"page": "/movies/{}", "reception by API": "/v1/movies/{}/reception"}
PARTS = {part: f"/movies/{{}}/{part}" for part in ("aspects", "time", "changes", "reviews")}
"""What a movie's page fetches once it is shown."""

MOST_MS = {("list", "all"): 300, ("page", "mean"): 300, ("reception by API", "mean"): 100}
MOST_MB = 60
TIMES = 20
"""How often each address is asked in all, before the memory is looked at."""


class Asked(NamedTuple):
    """An address, and of which movie it is."""

    name: str
    movie: str
    path: str


class Measured(NamedTuple):
    """What the asked process found: of each address (name, movie, first ms, median ms, KB).

    Memory is in MB.
    """

    answers: list[tuple[str, str, float, float, float]]
    mb_before: float
    mb_after: float


class House:
    """A `Door` for everybody, with all movies of the warehouse tracked, that starts nothing."""

    secret = b"only for benchmarks"

    def __init__(self, context: jobs.Context, imdb_ids: Sequence[str]) -> None:
        """Track movies."""
        self._context, self._raw = context, json.dumps(imdb_ids)

    async def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Let everybody do all."""
        from filmpulse.web.door import Visitor

        return Visitor("anyone", by_cookie=True, asked=lambda right: True)

    def log_in_url(self, next_url: str) -> str:
        """Nobody is sent to log in."""
        raise NotImplementedError

    def tracked(self) -> jobs.Tracked:
        """Read the list anew, as Airflow's Variable is."""
        from filmpulse import jobs

        return jobs.all_tracked(self._raw, self.context().warehouse)

    def change_tracked(
        self, add: Sequence[str] = (), remove: Sequence[str] = (), file_name: str | None = None
    ) -> jobs.Changed:
        """Nothing is changed."""
        raise NotImplementedError

    def start(self, dag_id: str, conf: dict[str, Any], visitor: Visitor) -> str:
        """Nothing is started."""
        raise NotImplementedError

    def run_path(self, run_id: str) -> str | None:
        """Name a run as Airflow does."""
        return f"/dags/movie_reception/runs/{run_id}"

    def context(self, *, is_scoring: bool = False) -> jobs.Context:
        """Return the same context each time."""
        return self._context


def addresses(chosen: dict[str, str]) -> list[Asked]:
    """Return what is asked, for each of the movies, by what they are called here."""
    found = [Asked(name, "all", path) for name, path in ALL.items()]
    for which, imdb_id in chosen.items():
        paths = (OF_MOVIE | PARTS).items()
        found += [Asked(name, which, path.format(imdb_id)) for name, path in paths]
    return found


def ask(mean: str, largest: str, rounds: int) -> Measured:
    """Load Airflow's web server, then the app, and ask it, all in this process."""
    from airflow.api_fastapi.app import cached_app as airflow_web
    from starlette.testclient import TestClient

    airflow_web()
    before = psutil.Process().memory_info().rss / 1e6

    from filmpulse import jobs
    from filmpulse.config import Settings
    from filmpulse.warehouse import pages
    from filmpulse.web.app import create_app

    context = jobs.Context.from_settings(Settings.from_env())
    imdb_ids = [card.imdb_id for card in pages.cards(context.warehouse, imdb_ids=None)]
    wanted = addresses({"mean": mean, "largest": largest})
    took: dict[Asked, list[float]] = defaultdict(list)
    size: dict[Asked, float] = {}
    with TestClient(create_app(House(context, imdb_ids))) as client:
        for _ in range(max(TIMES, rounds + 1)):
            for one in wanted:
                headers = {"HX-Request": "true"} if one.name in PARTS else {}
                began = time.perf_counter()
                answer = client.get(one.path, headers=headers)
                took[one].append(1000 * (time.perf_counter() - began))
                answer.raise_for_status()
                size[one] = len(answer.content) / 1000
    after = psutil.Process().memory_info().rss / 1e6
    answers = [
        (one.name, one.movie, ms[0], statistics.median(ms[1 : rounds + 1]), size[one])
        for one, ms in took.items()
    ]
    return Measured(answers, before, after)


def measure(followed: many_reviews.Followed, rounds: int) -> Measured:
    """Have the app asked in a process of its own, in an Airflow of its own."""
    movies = followed.movies
    mean = statistics.mean(movie.reviews for movie in movies)
    chosen = [min(movies, key=lambda movie: abs(movie.reviews - mean)), movies[0]]
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as home:
        env = {
            "AIRFLOW_HOME": home,
            "FILMPULSE_WAREHOUSE_URL": followed.owner.url,
            "FILMPULSE_LAKE_URL": f"file://{home}/lake",
        }
        command = [sys.executable, __file__, "--rounds", str(rounds), "--ask"]
        done = subprocess.run(
            [*command, *(movie.imdb_id for movie in chosen)],
            env=os.environ | env, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def report(found: Measured) -> list[str]:
    """Print, and say what was too much."""
    table, faults = Table("address", "movie", "first ms", "median ms", "limit", "KB"), []
    for name, movie, first, ms, kb in found.answers:
        most = MOST_MS.get((name, movie))
        table.add_row(name, movie, f"{first:.0f}", f"{ms:.0f}", str(most or ""), f"{kb:.0f}")
        if most is not None and ms > most:
            faults.append(f"{name}, {movie}: {ms:.0f} ms of {most}")
    grown = found.mb_after - found.mb_before
    if grown > MOST_MB:
        faults.append(f"memory: {grown:.0f} MB of {MOST_MB}")
    Console().print(table)
    print(
        f"Memory: {found.mb_before:.0f} MB of Airflow's web server, {grown:.0f} MB more with the "
        f"app and all addresses asked {TIMES} times (limit {MOST_MB})."
    )
    return faults


def main() -> None:
    """Make the warehouse, have the app asked, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--unfollowed", action="store_true", help="no looks: for many movies")
    parser.add_argument("--ask", nargs=2, metavar="IMDB_ID", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ask:
        print(json.dumps(ask(*args.ask, args.rounds)))  # read by the parent
        return

    import many_reviews

    with many_reviews.warehouse_of(
        args.movies, args.reviews, is_followed=not args.unfollowed
    ) as followed:
        if faults := report(measure(followed, args.rounds)):
            sys.exit(f"Too much: {'; '.join(faults)}.")


if __name__ == "__main__":
    main()
