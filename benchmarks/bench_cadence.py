"""Delay of news of 10,000 tracked movies over four weeks: hourly looks against the cadence.

What is due, in which order, and what a look changes is asked of the product: its SQL on a real
Postgres, with the simulated hour in place of now. Site, gate and readers are simulated: a slot
every ten seconds; one run of detection an hour, which visits for 50 minutes; reading what had news
takes every other slot while both wait, and never fails. Drawn with a seed: two runs print the same.

Reviews arrive by chance at a rate that falls after a movie's release as a power of time,
(1 + days / 5) ^ -1.4, the response to a shock from outside, and after a movie goes viral as
(1 + days / 5) ^ -0.6, that of an audience which passes it on: R. Crane and D. Sornette, "Robust
dynamic classes revealed by measuring the response function of a social system", PNAS 105 (2008),
15649-15653, https://doi.org/10.1073/pnas.0803685105. Below that lies a long tail of 5 reviews a day
for each 100,000 that a movie has. How many reviews a movie has is log-normal (median 60, sigma 1.6:
mean 216, one in a thousand above 8,000), since popularity is heavy-tailed: M. E. J. Newman, "Power
laws, Pareto distributions and Zipf's law", Contemporary Physics 46 (2005), 323-351. These shapes
are public knowledge; the figures beside them are assumptions, and no site's data.

    python benchmarks/bench_cadence.py [--days 28 --movies 10000 --seed 18]
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from filmpulse.config import Settings
from filmpulse.jobs.reception.detect import choose_due, full_every
from filmpulse.local import ports, postgres
from filmpulse.sources.imdb.reviews import PAGE_SIZE
from filmpulse.warehouse import detection
from filmpulse.warehouse.migrate import migrate

START = datetime(2026, 1, 5, tzinfo=UTC)
GAP = Settings.model_fields["request_gap_seconds"].default
SLOTS = int(3600 / GAP)
LOOKS = SLOTS * 50 // 60
FIRST = 14  # day of the first look; what came before tells the paces at its start
COUNTED = FIRST + 4  # day from which delays are counted
YEARS = 40  # over which releases are spread
MEDIAN, SIGMA, TAIL = 60, 1.6, 5e-5
DECAY, SHOCK, AUDIENCE = 5.0, 1.4, 0.6
RERELEASED, VIRAL = 30, 3
CLASSES = (
    "released lately",
    "first year",
    "older, a review a week",
    "older, fewer",
    "re-release",
    "viral",
)


def power_law(days: np.ndarray, exponent: float) -> np.ndarray:
    """Return the share of a shock that has arrived by then, for exponents of the rate above 1.

    For other exponents the share counts from the first 60 days.
    """
    grown = lambda d: ((1 + d / DECAY) ** (1 - exponent) - 1) / (1 - exponent)  # noqa: E731
    whole = 1 / (exponent - 1) if exponent > 1 else grown(60.0)
    return grown(np.maximum(days, 0)) / whole


class World(NamedTuple):
    """What happens: each movie's release, class and arrivals of reviews, in days from `START`."""

    seed: int
    released: np.ndarray
    kind: np.ndarray
    before: np.ndarray
    arrivals: list[np.ndarray]

    def known(self, n: int, day: float) -> int:
        """Return how many reviews of a movie have arrived by a day, beyond those before."""
        return int(np.searchsorted(self.arrivals[n], day))


def draw(movies: int, days: float, seed: int) -> World:
    """Draw a world of so many movies for so many days."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(-days, YEARS * 365, movies)  # at the start; the youngest come out meanwhile
    whole = np.maximum(rng.lognormal(np.log(MEDIAN), SIGMA, movies), 1)
    old = np.flatnonzero(age > 3 * 365)
    odd = rng.choice(old, RERELEASED + VIRAL, replace=False)
    shocks = {
        n: (rng.uniform(FIRST + 2, days - 7), 0.2 * whole[n] + 20, SHOCK) for n in odd[:RERELEASED]
    } | {n: (rng.uniform(FIRST + 2, days - 7), 2_000.0, AUDIENCE) for n in odd[RERELEASED:]}
    kind = np.where(age + FIRST < 30, 0, np.where(age + FIRST < 365, 1, 3))
    arrivals, before = [], np.zeros(movies, int)
    for n in range(movies):
        got = [_shock(rng, whole[n], -age[n], days, SHOCK)]
        got.append(rng.uniform(0, days, rng.poisson(TAIL * whole[n] * days)))
        if n in shocks:
            at, size, exponent = shocks[n]
            got.append(_shock(rng, size, at, days, exponent))
        arrivals.append(np.sort(np.concatenate(got)))
        before[n] = whole[n] * power_law(age[n : n + 1], SHOCK)[0]
    rates = np.array([len(a) for a in arrivals]) / days
    kind[(kind == 3) & (rates >= 1 / 7)] = 2
    kind[odd[:RERELEASED]], kind[odd[RERELEASED:]] = 4, 5
    return World(seed, -age, kind, before, arrivals)


def _shock(
    rng: np.random.Generator, size: float, at: float, days: float, exponent: float
) -> np.ndarray:
    """Draw when the reviews of a shock at a day arrive, as far as they fall into the window."""
    grid = np.linspace(max(at, 0), days, 2_000) - at
    if at >= days:
        return np.empty(0)
    share = power_law(grid, exponent)
    count = rng.poisson(size * (share[-1] - share[0]))
    return at + np.interp(rng.uniform(share[0], share[-1], count), share, grid)


class Policy(Protocol):
    """Which movies are looked at in an hour, in order, and what is told of each look."""

    def due(self, hour: datetime) -> list[tuple[int, timedelta]]:
        """Return movies by number with their cadence, the first to be looked at first."""

    def told(self, looks: list[tuple[int, datetime, int, str]]) -> None:
        """Take number, time, count and outcome of each look of the hour."""


class Hourly:
    """What is due every hour: all movies, the longest unchecked first."""

    def __init__(self, movies: int) -> None:
        """Begin with none looked at."""
        self._last = np.zeros(movies)

    def due(self, hour: datetime) -> list[tuple[int, timedelta]]:
        """As `Policy`."""
        oldest = np.argsort(self._last, kind="stable")[:LOOKS]
        return [(int(n), timedelta(hours=1)) for n in oldest]

    def told(self, looks: list[tuple[int, datetime, int, str]]) -> None:
        """As `Policy`."""
        for n, at, _, _ in looks:
            self._last[n] = at.timestamp()


class Cadence:
    """The product's own rule, in a warehouse of its own."""

    def __init__(self, url: str, world: World) -> None:
        """Fill a warehouse as it would be after years."""
        self.db = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self._ids = [f"tt{n:08}" for n in range(len(world.kind))]
        rng = np.random.default_rng(world.seed)
        with self.db.cursor().copy(
            "COPY core.movies (imdb_id, title, release_date, facts_as_of) FROM STDIN"
        ) as rows:
            for n, imdb_id in enumerate(self._ids):
                released = (START + timedelta(days=float(world.released[n]))).date()
                rows.write_row((imdb_id, imdb_id, released, START))
        with self.db.cursor().copy(
            "COPY ops.movie_checks (source, imdb_id, checked_at, counted_at, outcome, "
            "review_count, pace) FROM STDIN"
        ) as rows:  # as after years: each was looked at within its week
            for n, imdb_id in enumerate(self._ids):
                day = FIRST - rng.uniform(0, 7)
                at, came = START + timedelta(days=day), world.known(n, day)
                count = int(world.before[n]) + came
                rows.write_row(("imdb", imdb_id, at, at, "no_news", count, came / day))
        self.db.execute("ANALYZE")

    def due(self, hour: datetime) -> list[tuple[int, timedelta]]:
        """As `Policy`."""
        asked = {"imdb_ids": self._ids, "since": hour}
        detection.begin_detection(self.db, sites=["imdb"], live=["imdb"], **asked, is_few=False)
        chosen = choose_due(detection.waiting_movies(self.db, source="imdb", **asked), 0, GAP)
        return [(int(movie.imdb_id[2:]), movie.every) for movie in chosen]

    def told(self, looks: list[tuple[int, datetime, int, str]]) -> None:
        """As `Policy`."""
        detection.record_check.many(
            self.db,
            [
                {"source": "imdb", "imdb_id": self._ids[n], "checked_at": at, "outcome": outcome,
                 "reason": None, "sentence": None, "review_count": count, "mode": None}
                for n, at, count, outcome in looks
            ],
        )  # fmt: skip

    def plan(self, at: datetime) -> list[dict[str, object]]:
        """Say how many movies have which cadence."""
        return self.db.execute(
            "SELECT cadence, count(*) AS movies, "
            "count(*) / (extract(epoch FROM every) / 86400) AS looks "
            "FROM mart.looks(%s) GROUP BY cadence, every ORDER BY every", (at,)
        ).fetchall()  # fmt: skip


@dataclass
class Gate:
    """The slots of a host: looks, and the requests of reading, which wait in a queue."""

    world: World
    reads_daily: bool  # all reviews of each movie, whatever its cadence
    waiting: list[list[float]] = field(default_factory=list)  # movie and requests that are left
    looks = readings = 0
    delays: list[tuple[int, float]] = field(default_factory=list)  # class and hours

    def run(self, policy: Policy, days: int) -> None:
        """Let the days pass, hour by hour."""
        movies = len(self.world.kind)
        seen = np.array([self.world.known(n, FIRST) for n in range(movies)])
        read = seen.copy()
        full_at: dict[int, datetime] = {}
        since_full = np.random.default_rng(self.world.seed).uniform(0, 1, movies)  # as after months
        for hour in range(FIRST * 24, (COUNTED + days) * 24):
            since, told = START + timedelta(hours=hour), []
            is_counted = hour >= COUNTED * 24
            busy = {int(movie) for movie, _ in self.waiting}
            backlog = sum(left for _, left in self.waiting)
            room = min(LOOKS, int(max(SLOTS / 2, SLOTS - backlog)))
            for place, (n, every) in enumerate(policy.due(since)[:room]):
                at = since + timedelta(seconds=GAP * place * SLOTS * 50 / 60 / room)
                known = self.world.known(n, (at - START) / timedelta(days=1))
                self._count_delays(n, seen[n], known, at, is_counted)
                seen[n], outcome = known, "no_news"
                again_after = full_every(every, is_few=self.reads_daily)
                full_at.setdefault(n, at - again_after * since_full[n])
                is_full = at - full_at[n] >= again_after
                if n in busy:
                    outcome = "busy"
                elif known > read[n] or is_full:
                    outcome = "news"
                    all_of_it = (
                        self.world.before[n] + known if is_full else known - read[n] + PAGE_SIZE
                    )
                    self.waiting.append([n, 1 + max(1, ceil(all_of_it / PAGE_SIZE))])
                    read[n], full_at[n] = known, at if is_full else full_at[n]
                told.append((n, at, int(self.world.before[n]) + known, outcome))
            policy.told(told)
            self._read(SLOTS - len(told), is_counted)
            self.looks += is_counted * len(told)

    def _count_delays(self, n: int, first: int, known: int, at: datetime, is_counted: bool) -> None:
        if is_counted:
            hours = (at - START) / timedelta(hours=1) - 24 * self.world.arrivals[n][first:known]
            self.delays += [(int(self.world.kind[n]), float(late)) for late in hours]

    def _read(self, room: int, is_counted: bool) -> None:
        """Let reading take the slots that are left."""
        while self.waiting and room:
            took = min(room, self.waiting[0][1])
            self.waiting[0][1] -= took
            room -= took
            self.readings += is_counted * took
            if not self.waiting[0][1]:
                self.waiting.pop(0)


def row(name: str, looks: float, readings: float | None, hours: Iterable[float]) -> list[str]:
    """Word one line of the table."""
    late = np.array(list(hours))
    every = [f"{looks:,.0f}", "-" if readings is None else f"{readings:,.0f}",
             f"{(looks + (readings or 0)) / (SLOTS * 24):.0%}"]  # fmt: skip
    return [
        name,
        *every,
        f"{late.mean():.1f}",
        f"{np.quantile(late, 0.95):.1f}",
        f"{late.max():.0f}",
    ]


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--movies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=18)
    args = parser.parse_args()
    world = draw(args.movies, COUNTED + args.days, args.seed)
    today, cadence = Gate(world, reads_daily=True), Gate(world, reads_daily=False)
    today.run(Hourly(args.movies), args.days)
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        password = secrets.token_hex(8)
        with postgres.Throwaway(Path(folder), ports.choose(), password) as server:
            server.add_owner("filmpulse", password, "CREATEROLE", "CREATEDB")
            with server.connect() as admin:
                admin.execute("CREATE DATABASE cadence OWNER filmpulse")
            url = postgres.address("filmpulse", password, server.port, "cadence")
            migrate(url)
            rule = Cadence(url, world)
            cadence.run(rule, args.days)
            plan = rule.plan(START + timedelta(days=COUNTED + args.days))
            rule.db.close()
    show(world, today, cadence, plan, args.days)


def show(
    world: World, today: Gate, cadence: Gate, plan: list[dict[str, object]], days: int
) -> None:
    """Print the tables."""
    out = Console(width=130)
    ideal = np.concatenate([1 - (a[a >= COUNTED] * 24) % 1 for a in world.arrivals])
    table = Table(
        "looks", "looks a day", "reading", "of the gate", "mean h", "95 of 100 h", "worst h"
    )
    table.add_row(*row("hourly, no budget", 24.0 * len(world.kind), None, ideal))
    for name, gate in (("hourly, within the gate", today), ("cadence", cadence)):
        late = [hours for _, hours in gate.delays]
        table.add_row(*row(name, gate.looks / days, gate.readings / days, late))
    out.print(table)
    of_each = ("mean", "95", "worst")
    table = Table(
        "class", "movies", "reviews a day", *(f"hourly: {what}" for what in of_each),
        *(f"cadence: {what}" for what in of_each),
    )  # fmt: skip
    for kind, name in enumerate(CLASSES):
        of = np.flatnonzero(world.kind == kind)
        came = sum(np.count_nonzero(world.arrivals[n] >= COUNTED) for n in of) / days
        late = [[h for k, h in gate.delays if k == kind] or [0] for gate in (today, cadence)]
        cells = [cell for hours in late for cell in row("", 0, 0, hours)[4:]]
        table.add_row(name, f"{len(of):,}", f"{came:,.0f}", *cells)
    out.print(table)
    table = Table("cadence at the end", "movies", "looks a day")
    for line in plan:
        table.add_row(str(line["cadence"]), f"{line['movies']:,}", f"{line['looks']:,.0f}")
    out.print(table)
    left = [sum(left for _, left in gate.waiting) for gate in (today, cadence)]
    out.print(
        f"Requests of reading that wait at the end: hourly {left[0]:,.0f}, cadence {left[1]:,.0f}."
    )


if __name__ == "__main__":
    main()
