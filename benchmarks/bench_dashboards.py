"""Time what dashboards ask of a warehouse with 200 movies, 500,000 reviews and 1.1 million titles.

The queries are those that the charts of a page send, without Superset and its cache: for one movie
(the largest, and the median one) with and without a language chosen, and for all movies; in turns,
as the role that Superset uses. Then Superset itself, in a real browser: how long the first tab of
each dashboard takes until all of it is drawn, and the questions of each chart, past the cache; that
is judged, and fails where it takes too long. About eight minutes, one of which generates the
reviews (`many_reviews.py`), and three the catalogue (`many_titles.py`).

    python benchmarks/bench_dashboards.py [--movies 200 --reviews 500000 --titles 1100000
                                           --rounds 20]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import LiteralString, NamedTuple

import browsing
import many_reviews
import many_titles
from rich.console import Console
from rich.table import Table

from filmpulse.warehouse import Connection

MOST_MS = 300
"""What a chart's query may take, 95 times in 100."""

COLD_SECONDS, WARM_SECONDS = 5, 3
"""What a first tab may take: just after Superset's start, and on a later visit (the median)."""

VISITS = 5

OF_ONE: dict[str, LiteralString] = {
    "header": "SELECT * FROM mart.movies WHERE movie IN (%(movie)s)",
    "reviews by week and grade": """
        SELECT date_trunc('week', day), grade_band, count(*) FROM mart.timeline
        WHERE kind = 'review' AND movie IN (%(movie)s) {language}
        GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10000""",
    "grade beside the site's, by week": """
        SELECT date_trunc('week', day), avg(rating_1_10), avg(site_rating), count(rating_1_10)
        FROM mart.timeline WHERE movie IN (%(movie)s) {language}
        GROUP BY 1 ORDER BY 1 LIMIT 10000""",
    "events": """
        SELECT day, event FROM mart.timeline
        WHERE kind = 'event' AND movie IN (%(movie)s) {language} GROUP BY 1, 2 LIMIT 10000""",
    "means by aspect": """
        SELECT aspect, count(*), avg(score), stddev_samp(score), max(coverage) FROM mart.opinions
        WHERE movie IN (%(movie)s) {language} GROUP BY aspect, position ORDER BY position""",
    "scores by aspect": """
        SELECT aspect, score_label, count(*) FROM mart.opinions
        WHERE movie IN (%(movie)s) {language} GROUP BY 1, 2 LIMIT 10000""",
    "aspects by month": """
        SELECT date_trunc('month', submitted_on), aspect, avg(score), count(*) FROM mart.opinions
        WHERE movie IN (%(movie)s) {language} GROUP BY 1, 2 LIMIT 10000""",
    "grade by aspect": """
        SELECT aspect, avg(rating_1_10) FILTER (WHERE score > 0)
               - avg(rating_1_10) FILTER (WHERE score < 0), min(coverage)
        FROM mart.opinions WHERE aspect <> 'Overall' AND movie IN (%(movie)s) {language}
        GROUP BY 1""",
    "aspect scores": """
        SELECT aspect, score, count(*) FROM mart.aspect_scores
        WHERE movie IN (%(movie)s) {language} GROUP BY 1, 2""",
    "best quotes": """
        SELECT aspect, quote, score_label, rating_1_10, submitted_on FROM mart.best_quotes
        WHERE is_praise AND movie IN (%(movie)s) {language} ORDER BY place, aspect LIMIT 8""",
    "languages to choose": """
        SELECT language_name, sum(reviews) FROM mart.movie_languages WHERE movie IN (%(movie)s)
        GROUP BY 1 ORDER BY 2 DESC LIMIT 1000""",
}
OF_ALL: dict[str, LiteralString] = {
    "movies to choose": """
        SELECT movie, max(reviews) FROM mart.movie_choices GROUP BY 1 ORDER BY 2 DESC LIMIT 1000""",
    "languages to choose": """
        SELECT language_name, sum(reviews) FROM mart.movie_languages
        GROUP BY 1 ORDER BY 2 DESC LIMIT 1000""",
    "compared movies": "SELECT * FROM mart.compared_movies ORDER BY reviews DESC LIMIT 1000",
    "compared aspects": """
        SELECT movie, aspect, max(mean_score) FROM mart.compared_aspects
        GROUP BY 1, 2 LIMIT 10000""",
    "compared weeks": """
        SELECT days_since_release, movie, max(reviews_so_far), max(mean_stars_so_far)
        FROM mart.compared_weeks GROUP BY 1, 2 LIMIT 50000""",
    "movies' health": "SELECT * FROM mart.movie_health ORDER BY hours_since_look DESC LIMIT 1000",
    "pipeline facts": "SELECT * FROM mart.pipeline_facts ORDER BY position",
    "collections by day": """
        SELECT date_trunc('day', seen_at), status_and_reason, count(*) FROM mart.collections
        WHERE seen_at >= now() - interval '30 days' GROUP BY 1, 2 LIMIT 10000""",
    "collections that did not go well": """
        SELECT movie, status, reason, sentence, seen_at FROM mart.collections
        WHERE status NOT IN ('complete', 'gated') ORDER BY seen_at DESC LIMIT 100""",
    "requests by hour": """
        SELECT hour, host, sum(requests), sum(pauses) FROM mart.host_hours
        WHERE hour >= now() - interval '7 days' GROUP BY 1, 2 LIMIT 10000""",
    "failed checks": "SELECT * FROM mart.failed_checks ORDER BY checked_at DESC LIMIT 1000",
    "analysers": "SELECT * FROM mart.analysers ORDER BY movies DESC",
    "scores beside grades": """
        SELECT movie, analyser, rated_reviews, spearman, contradicting_share
        FROM mart.grade_agreement ORDER BY is_overall DESC, rated_reviews DESC LIMIT 2000""",
    "model's use by day": """
        SELECT day, model, sum(cost_usd), sum(input_tokens) FROM mart.llm_use
        GROUP BY 1, 2 LIMIT 10000""",
    "best titles": """
        SELECT * FROM mart.catalogue_titles
        WHERE title_type IN ('movie') AND genre IN ('All genres') ORDER BY place LIMIT 250""",
    "best titles of a genre, region and decade": """
        SELECT * FROM mart.catalogue_titles
        WHERE title_type IN ('movie') AND genre IN ('War') AND region IN ('SE')
              AND decade IN ('1950s') ORDER BY place LIMIT 250""",
    "best titles with few votes": """
        SELECT * FROM mart.catalogue_titles
        WHERE title_type IN ('movie') AND genre IN ('All genres') AND votes <= 100
        ORDER BY place LIMIT 250""",
    "longest titles": """
        SELECT * FROM mart.catalogue_titles
        WHERE title_type IN ('movie') AND genre IN ('War') AND runtime_minutes IS NOT NULL
        ORDER BY runtime_minutes DESC, place LIMIT 100""",
    "titles by year": """
        SELECT year, title_type, sum(titles) FROM mart.catalogue_years
        WHERE title_type <> 'tvEpisode' AND year IS NOT NULL AND genre IN ('All genres')
        GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10000""",
    "regions to choose": """
        SELECT region, sum(titles) FROM mart.catalogue_years
        GROUP BY 1 ORDER BY 2 DESC LIMIT 1000""",
    "titles by runtime": """
        SELECT runtime_from, sum(titles) FROM mart.catalogue_runtimes
        WHERE title_type IN ('movie') AND genre IN ('All genres') GROUP BY 1 LIMIT 1000""",
    "people with the most titles": """
        SELECT * FROM mart.catalogue_people ORDER BY titles DESC, nconst LIMIT 200""",
    "directors with the best titles": """
        SELECT * FROM mart.catalogue_people WHERE is_enough = true AND role IN ('director')
        ORDER BY mean_rating DESC, nconst LIMIT 200""",
    "titles of lists": """
        SELECT * FROM mart.catalogue_list_titles
        ORDER BY coalesce(weighted_rating, 0) DESC, position LIMIT 2000""",
}


class Took(NamedTuple):
    """How long a query took each time, and how long a processor worked on it, in ms."""

    wall: list[float]
    processor: list[float]


def time_queries(
    connection: Connection, movies: list[many_reviews.Generated], rounds: int
) -> dict[tuple[str, str], Took]:
    """Return how long each query took, by what it was about and its name.

    The movies are the largest and the median one; the first round, which fills the server's memory,
    is not counted. No query has two processors: a page sends its queries at once, so that there is
    none to spare.
    """
    connection.execute("SET max_parallel_workers_per_gather = 0")
    took: dict[tuple[str, str], Took] = defaultdict(lambda: Took([], []))
    about = {"largest": movies[0], "median": movies[len(movies) // 2]}
    for number in range(rounds + 1):
        asked = [("all", name, query, {}) for name, query in OF_ALL.items()]
        for which, movie in about.items():
            values = {"movie": movie.label}
            asked += [(which, n, q.replace("{language}", ""), values) for n, q in OF_ONE.items()]
            asked += [
                (f"{which}, French", n, q.replace("{language}", _LANGUAGE), values)
                for n, q in OF_ONE.items()
                if "{language}" in q
            ]
        for which, name, query, values in asked:
            worked, began = many_reviews.worked_ms(connection), time.perf_counter()
            connection.execute(query, values, prepare=False).fetchall()
            wall = 1000 * (time.perf_counter() - began)
            if number:
                took[which, name].wall.append(wall)
                took[which, name].processor.append(many_reviews.worked_ms(connection) - worked)
    return took


_LANGUAGE = "AND language_name IN ('French')"


def p95(values: list[float]) -> float:
    """Return what 95 in 100 do not exceed."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def measure(followed: many_reviews.Followed, rounds: int, console: Console) -> None:
    """Time queries, and print how long they took."""
    with followed.reader.session() as connection:
        took = time_queries(connection, followed.movies, rounds)
    table = Table(
        "about", "query", "median ms", "p95 ms", "processor ms", title="queries of the dashboards"
    )
    for key, times in sorted(took.items(), key=lambda item: -p95(item[1].wall)):
        shown = (statistics.median(times.wall), p95(times.wall), statistics.median(times.processor))
        table.add_row(*key, *(f"{ms:.0f}" for ms in shown))
    console.print(table)
    slow = [key for key, times in took.items() if p95(times.wall) > MOST_MS]
    console.print(
        f"{len(took) - len(slow)} of {len(took)} within {MOST_MS} ms in 95 of 100: {slow}"
    )


def browse(followed: many_reviews.Followed, console: Console) -> list[str]:
    """Time pages and charts in a browser, print both, and say what took too long."""
    slow = []
    with (
        tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder,
        browsing.superset_over(followed.reader, Path(folder)) as served,
    ):
        table = Table("dashboard", "cold s", "warm s: min", "median", "max", title="first tabs")
        for layout in browsing.layouts():
            cold, warm = browsing.visit(served, layout, VISITS)
            median = statistics.median(warm)
            figures_of = (cold, min(warm), median, max(warm))
            table.add_row(layout.slug, *(f"{seconds:.1f}" for seconds in figures_of))
            if cold > COLD_SECONDS:
                slow.append(f"{layout.slug}, cold: {cold:.1f} s of {COLD_SECONDS}")
            if median > WARM_SECONDS:
                slow.append(f"{layout.slug}, warm: {median:.1f} s of {WARM_SECONDS}")
        console.print(table)
        asked = browsing.ask_again(served, VISITS)
    table = Table("dashboard", "chart", "median ms", "most ms", title="questions of charts, anew")
    for dashboard, chart, times in sorted(asked, key=lambda each: -max(each.times)):
        median = statistics.median(times)
        table.add_row(dashboard, chart, f"{median:.0f}", f"{max(times):.0f}")
        if median > MOST_MS:  # one chart that is always slow would be lost among the others
            slow.append(f"{dashboard}, {chart}: {median:.0f} ms of {MOST_MS}")
    console.print(table)
    whole = p95([ms for each in asked for ms in each.times])
    console.print(f"{whole:.0f} ms or less in 95 of 100 questions, {browsing.AT_ONCE} at once")
    if whole > MOST_MS:
        slow.append(f"questions of charts: {whole:.0f} ms of {MOST_MS} in 95 of 100")
    return slow


def main() -> None:
    """Generate the warehouse and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--reviews", type=int, default=500_000)
    parser.add_argument("--titles", type=int, default=1_100_000)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    console = Console()
    began = time.perf_counter()
    with many_reviews.warehouse_of(args.movies, args.reviews) as followed:
        largest, median = followed.movies[0], followed.movies[args.movies // 2]
        console.print(
            f"{args.reviews:,} reviews of {args.movies} movies were generated in "
            f"{time.perf_counter() - began:.0f} s; the largest movie has {largest.reviews:,}, the "
            f"median one {median.reviews:,}"
        )
        filled = many_titles.fill(followed.owner, args.titles)
        console.print(
            f"{args.titles:,} titles were generated and loaded in {filled.seconds:.0f} s, "
            f"{filled.counting:.0f} of them for the figures; {filled.datasets / 1e6:,.0f} MB of "
            f"datasets, {filled.figures / 1e6:,.0f} MB of figures"
        )
        measure(followed, args.rounds, console)
        if slow := browse(followed, console):
            sys.exit(f"Too slow: {'; '.join(slow)}.")


if __name__ == "__main__":
    main()
