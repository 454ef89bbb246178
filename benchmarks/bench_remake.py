"""Time how long a dashboard waits while `filmpulse setup` makes the marts anew.

On a warehouse with 200 movies and 500,000 reviews (`many_reviews.py`) a reader asks for the median
movie's figures and for the comparison of all movies, over and over, as the role that Superset uses;
meanwhile setup makes the marts anew, three times. The longest wait counts, and fails above one
second, beside the longest without a setup. About two minutes.

    python benchmarks/bench_remake.py [--movies 200 --reviews 500000]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time

import many_reviews
from rich.console import Console

from filmpulse.warehouse import marts

MOST_SECONDS = 1.0
"""What a reader may wait longer than without a setup."""

ROUNDS = 3


class Reader(threading.Thread):
    """Reads over and over until told to stop.

    Attributes:
        waits: Seconds of each reading.
        error: What ended the thread, if anything did.
    """

    def __init__(self, followed: many_reviews.Followed) -> None:
        """Choose the movie; nothing is read yet."""
        super().__init__()
        self.waits: list[float] = []
        self.error: Exception | None = None
        self._followed, self._enough = followed, threading.Event()

    def run(self) -> None:
        """Read, and note each wait."""
        movie = self._followed.movies[len(self._followed.movies) // 2].label
        try:
            with self._followed.reader.session() as connection:
                while not self._enough.is_set():
                    began = time.perf_counter()
                    connection.execute("SELECT * FROM mart.movies WHERE movie = %s", [movie])
                    connection.execute("SELECT * FROM mart.compared_movies")
                    self.waits.append(time.perf_counter() - began)
        except Exception as error:
            self.error = error

    def stop(self) -> float:
        """End the thread and return its longest wait in seconds.

        Raises:
            Exception: What the reader met.
        """
        self._enough.set()
        self.join()
        if self.error is not None:
            raise self.error
        return max(self.waits)


def undisturbed(followed: many_reviews.Followed, seconds: float) -> float:
    """Return the longest wait while nobody makes the marts anew."""
    reader = Reader(followed)
    reader.start()
    time.sleep(seconds)
    return reader.stop()


def remake(followed: many_reviews.Followed) -> tuple[float, float]:
    """Make the marts anew; return the seconds that took and a reader's longest wait."""
    with followed.owner.connect() as connection:
        connection.execute("COMMENT ON SCHEMA mart IS NULL")
    reader = Reader(followed)
    reader.start()
    began = time.perf_counter()
    marts.remake(followed.owner.url)
    took = time.perf_counter() - began
    return took, reader.stop()


def main() -> int:
    """Measure, print, and fail where a reader waited too long."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=500_000)
    given = parser.parse_args()
    console = Console(width=120)
    with many_reviews.warehouse_of(given.movies, given.reviews) as followed:
        took, waits = zip(*(remake(followed) for _ in range(ROUNDS)), strict=True)
        calm = undisturbed(followed, statistics.median(took))
        began = time.perf_counter()
        marts.remake(followed.owner.url)
        unchanged = time.perf_counter() - began
    console.print(
        f"marts made anew over {given.reviews:,} reviews: {statistics.median(took):.1f} s; longest "
        f"wait of a reader meanwhile {max(waits):.2f} s, without a setup {calm:.2f} s; unchanged "
        f"marts: {unchanged:.2f} s"
    )
    return int(max(waits) - calm > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
