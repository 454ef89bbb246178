"""Time one load of a movie, figures and all, in warehouses of 500,000 and 5 million reviews.

The movies of both are as in `many_reviews.py`. Of each warehouse a movie of ordinary size and a
large one are loaded, of the same sizes in both: a whole collection is read again in which some
reviews are new, some edited and some gone. The loads of the two warehouses take turns, so that what
else the machine does decides nothing. It fails where a load takes `MOST_TIMES` as long in the large
one. Then, in a warehouse with many movies, what dashboards ask of the comparison. About a quarter
of an hour and 20 GB of disk, most of it for the 5 million.

    python benchmarks/bench_figures.py [--reviews 500000 5000000 --movies 10000 --rounds 9]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import many_reviews
from bench_dashboards import OF_ALL
from rich.console import Console
from rich.table import Table

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Movie, Review
from filmpulse.lake import Lake, Manifest
from filmpulse.warehouse import figures

MOST_TIMES = 1.5
"""How much longer a load may take in the large warehouse."""

MEAN_REVIEWS = 2_500
"""Reviews a movie of both warehouses, on the mean."""

FEW_REVIEWS = 50
"""Reviews a movie where there are many movies: the comparison does not read them."""

SIZES = {"ordinary": 1_800, "large": 17_000}
"""Reviews of the movies that are loaded, about: the median and the largest one of 200."""

CHANGED = 10
"""How many reviews each load finds new, edited and gone."""

COMPARED = ("compared movies", "compared aspects", "compared weeks")


class Loader:
    """Loads one movie again and again, each time with other reviews."""

    def __init__(
        self, followed: many_reviews.Followed, reviews: int, folder: Path, largest: int
    ) -> None:
        """Choose the movie whose number of reviews is nearest; read its reviews."""
        reviews = min(reviews, largest)
        self.movie = min(followed.movies, key=lambda movie: abs(movie.reviews - reviews))
        self._lake = Lake(folder.as_uri())
        self._context = jobs.Context(
            Settings(warehouse_url=followed.owner.url), followed.owner, lambda: self._lake
        )
        self._number = 0
        with followed.owner.connect() as connection:
            found = connection.execute(_REVIEWS, [self.movie.imdb_id]).fetchall()
        self._reviews = [Review(**row, date_source="json") for row in found]

    def load(self) -> float:
        """Collect anew, and return how long the load takes in seconds."""
        self._number += 1
        edited = [
            one.model_copy(update={"body": f"{one.body} {self._number}"})
            for one in self._reviews[:CHANGED]
        ]
        new = [
            one.model_copy(update={"review_id": f"{one.review_id}-{self._number}"})
            for one in self._reviews[CHANGED : 2 * CHANGED]
        ]
        self._reviews = [*self._reviews[2 * CHANGED :], *edited, *new]
        uri = self._collect()
        began = time.perf_counter()
        loaded = jobs.load(uri, self._context)
        took = time.perf_counter() - began
        assert (loaded.inserted, loaded.revised) == (CHANGED, CHANGED), loaded
        assert loaded.removed >= CHANGED, loaded
        return took

    def count(self) -> float:
        """Return how long it takes to count the movie's figures, in seconds."""
        began = time.perf_counter()
        assert not figures.is_wrong(self._context.warehouse, self.movie.imdb_id)
        return time.perf_counter() - began

    def _collect(self) -> str:
        at = datetime.now(UTC) + timedelta(hours=self._number)
        writer = self._lake.begin("imdb", self.movie.imdb_id, at)
        writer.append(self._reviews)
        seen = len(self._reviews)
        return writer.close(
            Manifest(
                run_id="bench", source="imdb", imdb_id=self.movie.imdb_id, mode="full",
                status="complete", started_at=at, finished_at=at, distinct_ids=seen,
                review_count_start=seen, review_count_end=seen, parts=tuple(writer.parts),
                movie=Movie(imdb_id=self.movie.imdb_id, title=self.movie.title),
            )
        )  # fmt: skip


_REVIEWS = """
    SELECT source, review_id, imdb_id, author_key, title, body, rating_1_10, submitted_on,
           is_spoiler, helpful_up, helpful_down
    FROM core.reviews WHERE imdb_id = %s ORDER BY review_id
"""


def measure_loads(reviews: list[int], rounds: int, console: Console) -> list[str]:
    """Time loads in warehouses of these sizes in turns, print them, and say what is too slow."""
    took: dict[tuple[str, int], list[float]] = defaultdict(list)
    counted: dict[tuple[str, int], list[float]] = defaultdict(list)
    with ExitStack() as stack:
        loaders: dict[tuple[str, int], Loader] = {}
        for count in reviews:
            began = time.perf_counter()
            movies = max(2, count // MEAN_REVIEWS)
            followed = stack.enter_context(
                many_reviews.warehouse_of(movies, count, is_followed=False)
            )
            console.print(
                f"{count:,} reviews of {movies:,} movies: generated and counted in "
                f"{time.perf_counter() - began:.0f} s"
            )
            largest = many_reviews.sizes(max(2, min(reviews) // MEAN_REVIEWS), min(reviews))[0]
            for name, size in SIZES.items():
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="filmpulse-bench-"))
                loaders[name, count] = Loader(followed, size, Path(folder), largest)
        for number in range(rounds + 1):
            for key, loader in loaders.items():
                seconds, counting = loader.load(), loader.count()
                if number:  # the first one fills the server's memory
                    took[key].append(seconds)
                    counted[key].append(counting)
    table = Table("movie", "its reviews", "reviews in all", "load ms", "min", "max", "counting ms")
    for (name, count), times in took.items():
        median, counting = statistics.median(times), statistics.median(counted[name, count])
        table.add_row(
            name, f"{loaders[name, count].movie.reviews:,}", f"{count:,}", f"{1000 * median:.0f}",
            f"{1000 * min(times):.0f}", f"{1000 * max(times):.0f}", f"{1000 * counting:.1f}",
        )  # fmt: skip
    console.print(table)
    slow = []
    for name in SIZES:
        few, many = (statistics.median(took[name, count]) for count in (reviews[0], reviews[-1]))
        console.print(f"{name}: a load takes {many / few:.2f} times as long in the large warehouse")
        if many / few > MOST_TIMES:
            slow.append(f"{name}: {many / few:.2f} times, {MOST_TIMES} are allowed")
    return slow


def measure_comparison(movies: int, rounds: int, console: Console) -> None:
    """Time what dashboards ask of all movies, and print it."""
    with (
        many_reviews.warehouse_of(movies, movies * FEW_REVIEWS, is_followed=False) as followed,
        followed.reader.connect() as connection,
    ):
        connection.execute("SET max_parallel_workers_per_gather = 0")
        table = Table("query", "median ms", "max ms", title=f"comparison of {movies:,} movies")
        for name in COMPARED:
            times = []
            for _ in range(rounds):
                began = time.perf_counter()
                connection.execute(OF_ALL[name], prepare=False).fetchall()
                times.append(1000 * (time.perf_counter() - began))
            table.add_row(name, f"{statistics.median(times):.0f}", f"{max(times):.0f}")
        console.print(table)


def main() -> None:
    """Make the warehouses, load, compare, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, nargs=2, default=[500_000, 5_000_000])
    parser.add_argument("--movies", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    console = Console()
    slow = measure_loads(args.reviews, args.rounds, console)
    measure_comparison(args.movies, args.rounds, console)
    if slow:
        sys.exit(f"Too slow: {'; '.join(slow)}.")


if __name__ == "__main__":
    main()
