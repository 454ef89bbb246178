"""Requests that following movies costs, by the design, checked against a run; a table for docs.

A few movies are followed on the sample site through the real jobs and browser: looked at, collected
whole, looked at again, new reviews published and collected. What the site counted must be what
`requests_of` says. From the same function come the figures for 10, 100 and 1,000 movies a day.

    python benchmarks/bench_requests.py [--write]    (--write: into docs/performance.md)
"""

from __future__ import annotations

import argparse
import re
import secrets
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from sample import SampleSite, sample_site

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Mode
from filmpulse.local import ports, postgres
from filmpulse.sources.imdb.reviews import PAGE_SIZE
from filmpulse.warehouse.migrate import migrate

DOCS = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
MARKS = "<!-- requests -->", "<!-- /requests -->"

GAP = Settings.model_fields["request_gap_seconds"].default
A_DAY = 24 * 3600 / GAP  # requests that one host allows
LOOKS = 3600 * 50 / 60 / GAP  # movies that one run of detection reaches in its 50 minutes
MOVIES, REVIEWS = (10, 100, 1_000), (100, 1_000)
NEW_A_DAY = (0.1, 1.0, 5.0)  # reviews a movie


def requests_of(job: Mode | str, reviews: int, movies: int = 1) -> Counter[str]:
    """Say what one job asks of the site, by kind.

    Args:
        job: `look`: one round of detection; `full` or `incremental`: one collection of each movie.
        reviews: All of a movie (`full`), or the new ones (`incremental`; the page after them is
            looked at, too, which says that the rest is known).
        movies: How many; a round of detection reads robots.txt once for all.
    """
    if job == "look":
        return Counter(robots=1, title=movies)
    pages = ceil(reviews / PAGE_SIZE) + (job == "incremental")
    return Counter(robots=movies, reviews=movies, graphql=movies * (max(pages, 1) - 1))


# --- the check ------------------------------------------------------------------------------------


def counted(site: SampleSite) -> Counter[str]:
    """Return what was asked of the site so far, by kind; what the page loads for itself aside."""
    kinds = ("robots", "title", "reviews", "graphql")
    requests = site.state()["requests"]
    return Counter({kind: len(requests[kind]) for kind in kinds if kind in requests})


def check(movies: int = 2, reviews: int = 60, new: tuple[int, ...] = (1, 25, 30)) -> list[str]:
    """Follow a few movies on the sample site; return a line a step: what was asked of the site.

    Raises:
        SystemExit: It was not what `requests_of` says.
    """
    lines = []
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        root, password = Path(folder), secrets.token_hex(8)
        with (
            postgres.Throwaway(root, ports.choose(), password) as server,
            sample_site(root / "site", movies, reviews) as site,
        ):
            server.add_owner("filmpulse", password, "CREATEDB")
            url = postgres.address("filmpulse", password, server.port, "filmpulse")
            migrate(url)
            env = {
                "FILMPULSE_WAREHOUSE_URL": url,
                "FILMPULSE_LAKE_URL": f"file://{root}/lake",
                "FILMPULSE_AUTHOR_SECRET": password,
                "FILMPULSE_IMDB_URL": site.url,
                "FILMPULSE_REQUEST_GAP_SECONDS": "0",
            }
            (root / "lake").mkdir()
            context = jobs.Context.from_settings(Settings.from_env(env))

            def step(what: str, expected: Counter[str], before: Counter[str]) -> None:
                asked = counted(site)
                asked.subtract(before)
                if +asked != +expected:
                    raise SystemExit(f"{what}: {dict(+asked)} asked, {dict(+expected)} expected.")
                told = ", ".join(f"{kind} {n}" for kind, n in sorted((+asked).items()))
                lines.append(f"| {what} | {told} | {asked.total()} |")

            def look() -> list[jobs.Batch]:
                before, now = counted(site), datetime.now(UTC)
                found = jobs.detect(
                    site.imdb_ids, since=now, until=now + timedelta(hours=1),
                    run_id=f"look-{len(lines)}", context=context, is_active=lambda _: False,
                )  # fmt: skip
                step(f"a look at {movies} movies", requests_of("look", 0, movies), before)
                return found.batches

            def collect(batches: list[jobs.Batch], mode: Mode, number: int, what: str) -> None:
                before, (batch,) = counted(site), batches
                if batch.mode != mode:
                    raise SystemExit(f"{what}: read in the mode {batch.mode}, not {mode}.")
                for imdb_id in jobs.plan(batch.imdb_ids, mode, batch.run_id, context):
                    jobs.load(*jobs.collect(imdb_id, mode, batch.run_id, context), context)
                step(what, requests_of(mode, number, len(batch.imdb_ids)), before)

            collect(look(), "full", reviews, f"all {reviews} reviews of {movies} movies")
            for count in new:
                for imdb_id in site.imdb_ids:
                    site.control("publish", imdb_id=imdb_id, count=count)
                what = f"{count} new review{'s' * (count > 1)} of {movies} movies"
                collect(look(), "incremental", count, what)
            if look():
                raise SystemExit("News was found where there is none.")
    return lines


# --- the table ------------------------------------------------------------------------------------


def a_day(movies: int, reviews: int, new: float) -> dict[str, float]:
    """Say how many requests following so many movies costs a day, all movies together.

    Each is looked at hourly, read whole once a day, and for new reviews in between: in the worst
    case, where each comes in an hour of its own.
    """
    looks = min(24.0, 24 * LOOKS / movies)  # at a movie, where the list does not fit an hour
    return {
        "looking": looks * movies + 24,
        "reading whole": requests_of("full", reviews, movies).total(),
        "reading new": min(new, looks) * requests_of("incremental", 1, movies).total(),
    }


def tables() -> str:
    """Return the figures as Markdown."""
    rows = [
        "| movies | reviews each | new a day each | requests a day | a movie | a new review "
        "| of what is allowed | fits |",
        "|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for movies in MOVIES:
        for reviews in REVIEWS:
            for new in NEW_A_DAY:
                cost = a_day(movies, reviews, new)
                total = sum(cost.values())
                rows.append(
                    f"| {movies:,} | {reviews:,} | {new:g} | {total:,.0f} | {total / movies:,.1f} "
                    f"| {total / movies / new:,.1f} | {total / A_DAY:.0%} "
                    f"| {'yes' if total <= A_DAY and movies <= LOOKS else _why_not(movies, cost)} |"
                )
    return "\n".join(rows)


def _why_not(movies: int, cost: dict[str, float]) -> str:
    why = []
    if movies > LOOKS:
        why.append(f"a look at all takes {movies / LOOKS:.1f} h, not 1")
    if sum(cost.values()) > A_DAY:
        why.append(f"a day's requests take {sum(cost.values()) / A_DAY:.1f} days")
    return "no: " + "; ".join(why)


def main() -> None:
    """Check, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    lines = ["| step on the sample site | requests | in all |", "|---|---|---:|", *check()]
    text = f"{tables()}\n\nCounted by the sample site in a run, and equal to the design:\n\n" + (
        "\n".join(lines)
    )
    Console(width=140).print(Markdown(text))
    if args.write:
        begin, end = MARKS
        page = DOCS.read_text(encoding="utf-8")
        page = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)
        DOCS.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
