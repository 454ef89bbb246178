"""Time what the Movies pages and the API read of a warehouse with 200 movies and 500,000 reviews.

Each read alone, in turns: those of the list of movies, those of one movie's page, and those of a
movie's reception; for the largest movie, and for one of mean size. For all but the largest, which
has more reviews than any movie on IMDb, the sum of the medians is judged: it fails where it leaves
too little of what a person may wait (300, 300 and 100 ms with the server's own work). Judged is how
long a processor worked for Postgres, which says much the same whatever else the machine does. About
three minutes, most of which generates the reviews (`many_reviews.py`).

    python benchmarks/bench_web.py [--movies 200 --reviews 500000 --rounds 11]
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import many_reviews
from rich.console import Console
from rich.table import Table

from filmpulse.warehouse import Warehouse, figures, pages
from filmpulse.warehouse.reception import read_summary

MOST_MS = {"list": 150, "page": 150, "reception": 60}
"""What all reads of a group may take together, by their medians, for a movie of mean size."""

Read = Callable[[], object]


def of_list(warehouse: Warehouse) -> dict[str, Read]:
    """Return what the list of movies reads."""
    everyone = {"where": warehouse, "imdb_ids": None}
    return {
        "cards": lambda: pages.cards(**everyone),
        "card_aspects": lambda: pages.card_aspects(**everyone),
        "card_weeks": lambda: pages.card_weeks(**everyone),
        "states": lambda: pages.states(**everyone),
        "tags": lambda: pages.tags(**everyone),
    }


def of_page(warehouse: Warehouse, imdb_id: str) -> dict[str, Read]:
    """Return what a movie's page reads, its reception apart."""
    one = {"where": warehouse, "imdb_id": imdb_id}
    week_ago = datetime.now(UTC) - timedelta(days=7)
    return {
        "state": lambda: pages.states(warehouse, imdb_ids=[imdb_id]),
        "weeks": lambda: pages.weeks(**one),
        "aspect_series": lambda: pages.aspect_series(**one, grain="month"),
        "grades": lambda: pages.grades(**one),
        "events": lambda: pages.events(**one),
        "quotes": lambda: pages.quotes(**one, most=3, spoilers=False),
        "changes": lambda: pages.read_changes(imdb_id, week_ago, warehouse),
        "reviews": lambda: pages.find_reviews(imdb_id, pages.ReviewFilter(), warehouse, most=20),
        "languages": lambda: pages.languages(**one),
        "sources": lambda: pages.sources(**one),
        "collections": lambda: pages.collections(**one, before=None, most=10),
        "checks": lambda: pages.checks(**one),
        "costs": lambda: pages.costs(**one),
    }


def of_asides(warehouse: Warehouse, imdb_id: str) -> dict[str, Read]:
    """Return what is read only when asked for; told, not judged."""

    def find(**chosen: object) -> Read:
        wanted = pages.ReviewFilter(**chosen)  # type: ignore[arg-type]
        return lambda: pages.find_reviews(imdb_id, wanted, warehouse)

    since = datetime.now(UTC) - timedelta(days=1000)
    return {
        "reviews by aspect": find(aspect="acting", score_from=1),
        "reviews by words": find(words="light nobody"),
        "reviews by words that none has": find(words="light absent"),
        "reviews by stars": find(stars_to=2),
        "quotes with spoilers": lambda: pages.quotes(
            warehouse, imdb_id=imdb_id, most=10, spoilers=True
        ),
        "changes since ever": lambda: pages.read_changes(imdb_id, since, warehouse),
        "analysers": lambda: pages.analysers(warehouse),
        "llm_days": lambda: pages.llm_days(warehouse, day_from=since.date()),
        "text_costs": lambda: pages.text_costs(warehouse),
        "facts": lambda: pages.facts(warehouse),
    }


class Took(NamedTuple):
    """Medians of a read in ms: how long it took, and how long a processor worked for Postgres."""

    wall: float
    processor: float


def measure(reads: dict[str, Read], rounds: int, warehouse: Warehouse) -> dict[str, Took]:
    """Return how long each read took; the first round is not counted.

    The warehouse gives the same connection to one read after the other. Where the system does not
    tell how long a processor worked for it, the time that passed counts.
    """
    with warehouse.connect() as connection:
        pass
    took: dict[str, list[Took]] = defaultdict(list)
    for _ in range(rounds + 1):
        for name, read in reads.items():
            worked, began = many_reviews.worked_ms(connection), time.perf_counter()
            read()
            wall = 1000 * (time.perf_counter() - began)
            worked = many_reviews.worked_ms(connection) - worked
            took[name].append(Took(wall, wall if math.isnan(worked) else worked))
    return {
        name: Took(*(statistics.median(each) for each in zip(*times[1:], strict=True)))
        for name, times in took.items()
    }


def report(followed: many_reviews.Followed, rounds: int, console: Console) -> list[str]:
    """Measure, print, and say what took too long."""
    warehouse, movies = followed.owner, followed.movies
    mean = statistics.mean(movie.reviews for movie in movies)
    chosen = {
        "mean": min(movies, key=lambda movie: abs(movie.reviews - mean)).imdb_id,
        "largest": movies[0].imdb_id,
    }
    groups = {("list", "all"): of_list(warehouse)}
    for size, imdb_id in chosen.items():
        reception = {"summary": lambda imdb_id=imdb_id: read_summary(imdb_id, warehouse)}
        groups["reception", size] = reception
        groups["page", size] = of_page(warehouse, imdb_id) | reception
        groups["asides", size] = of_asides(warehouse, imdb_id)
    table, slow = Table("of", "movie", "read", "median ms", "processor ms"), []
    for (group, size), reads in groups.items():
        took = measure(reads, rounds, warehouse)
        for name, each in took.items():
            table.add_row(group, size, name, f"{each.wall:.1f}", f"{each.processor:.1f}")
        wall, worked = (sum(times) for times in zip(*took.values(), strict=True))
        table.add_row(group, size, "together", f"{wall:.0f}", f"{worked:.0f}", end_section=True)
        if size != "largest" and worked > MOST_MS.get(group, math.inf):
            slow.append(f"{group}, {size}: {worked:.0f} ms of {MOST_MS[group]}")
    console.print(table)
    return slow


def main() -> None:
    """Generate the warehouse and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    with many_reviews.warehouse_of(args.movies, args.reviews) as followed:
        figures.refresh(followed.owner)
        if slow := report(followed, args.rounds, Console()):
            sys.exit(f"Too slow: {'; '.join(slow)}.")


if __name__ == "__main__":
    main()
