"""How a movie is received, read from the marts: grade, trend, aspects and typical quotes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from filmpulse.errors import BadInput
from filmpulse.items import ASPECTS
from filmpulse.warehouse import Warehouse


@dataclass(frozen=True)
class AspectSummary:
    """One aspect of one movie: how often it is mentioned, and how well received."""

    aspect: str
    mentions: int
    share_mentioned: float | None
    mean_score: float | None
    score_low: float | None
    score_high: float | None
    is_enough: bool
    praise: str | None
    fault: str | None


@dataclass(frozen=True)
class Trend:
    """The latest quarter of the scored reviews, 30 at least, against all before.

    Attributes:
        trend: rising, falling, steady or too few, by the rule of `mart.movie_trends`.
        recent_n: Reviews in the latest quarter.
        earlier_n: Reviews before those.
        since: Day of the first of the latest reviews; None for too few, as the next two.
        difference: Mean of the latest less mean of those before, on -2..2.
        half_interval: Half the width of its 95 % interval.
    """

    trend: str
    recent_n: int
    earlier_n: int
    since: date | None
    difference: float | None
    half_interval: float | None


@dataclass(frozen=True)
class MovieSummary:
    """How a movie is received.

    `movie` is its row of `mart.movies`, with `awaited_sentence`: why the configured analyser is not
    shown, None where it is. `faults` say which checks its reviews fail at present.
    """

    movie: dict[str, Any]
    grade: str
    trend: Trend
    aspects: list[AspectSummary]
    faults: list[str]


TOO_FEW = "too few"


def read_summary(imdb_id: str, warehouse: Warehouse) -> MovieSummary:
    """Read a movie's reception from the marts.

    Raises:
        BadInput: The movie was never looked at.
    """
    movie = warehouse.row("movie_summary", imdb_id=imdb_id)
    if movie is None:
        raise BadInput(f"{imdb_id} is not in the warehouse: collect it first.")
    quotes = {
        (row["aspect"], row["is_praise"]): row["quote"]
        for row in warehouse.rows("aspect_quotes", imdb_id=imdb_id)
    }
    aspects = {
        row["aspect"]: AspectSummary(
            **{k: row[k] for k in AspectSummary.__dataclass_fields__ if k in row},
            praise=quotes.get((row["aspect"], True)),
            fault=quotes.get((row["aspect"], False)),
        )
        for row in warehouse.rows("aspect_summary", imdb_id=imdb_id)
    }
    trend = warehouse.row("movie_trend", imdb_id=imdb_id) or {}
    return MovieSummary(
        movie=movie,
        grade=grade(movie["mean_overall"]) if movie["is_enough"] else TOO_FEW,
        trend=Trend(**{k: trend[k] for k in Trend.__dataclass_fields__}),
        aspects=[aspects[name] for name in ASPECTS],
        faults=[
            f"{row['sentence'].rstrip('.')} ({row['check_name']}, {row['collected_at']:%Y-%m-%d})"
            for row in warehouse.rows("quality_failed", imdb_id=imdb_id)
        ],
    )


def grade(mean: float | None) -> str:
    """Put a mean overall score (-2 to 2) into a word: five equal steps of 0.8."""
    if mean is None:
        return TOO_FEW
    words = ("very negative", "negative", "mixed", "positive", "very positive")
    return words[min(int((mean + 2) / 0.8), 4)]
