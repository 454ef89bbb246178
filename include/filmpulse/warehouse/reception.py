"""How a movie is received, read from the marts: grade, trend, aspects and typical quotes."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from filmpulse.errors import BadInput
from filmpulse.warehouse import Connection, Warehouse
from filmpulse.warehouse.statement import Query, Scalar


class AspectSummary(NamedTuple):
    """One aspect of one movie: how often reviews mention it, how well, and the best quotes."""

    aspect: str
    mentions: int
    share_mentioned: float | None
    mean_score: float | None
    score_low: float | None
    score_high: float | None
    is_enough: bool
    praise: str | None
    fault: str | None


class Trend(NamedTuple):
    """The latest quarter of the scored reviews, at least 30, against all earlier ones.

    Attributes:
        trend: rising, falling, steady or too few, by the rule of `mart.movie_trends`.
        recent_n: Reviews in the latest quarter.
        earlier_n: Reviews before those.
        since: Day of the first of the latest reviews; None for too few, as are the next two.
        difference: Mean score of the latest minus that of the earlier ones, on -2..2.
        half_interval: Half the width of its 95 % interval.
    """

    trend: str
    recent_n: int
    earlier_n: int
    since: date | None
    difference: float | None
    half_interval: float | None


class MovieSummary(NamedTuple):
    """How a movie is received.

    Attributes:
        movie: The row of `mart.movies`, and `awaited_sentence`: why the configured analyser is
            not shown; None where it is shown.
        grade: The mean score in words, or `TOO_FEW`.
        trend: How the score changes.
        aspects: In the order of `items.ASPECTS`.
        faults: Which quality checks fail at present, each in a sentence.
    """

    movie: dict[str, Any]
    grade: str
    trend: Trend
    aspects: list[AspectSummary]
    faults: list[str]


class KnownMovie(NamedTuple):
    """A movie's facts, its site's figures, and how many reviews exist and are held."""

    title: str
    year: int | None
    site_rating: float | None
    site_votes: int | None
    known_reviews: int | None
    reviews: int | None


TOO_FEW = "too few"
_movie_summary = Query[dict[str, Any]]("movie_summary", dict)
known_movie = Query("known_movie", KnownMovie)
_movie_trend = Query("movie_trend", Trend)
_aspect_summary = Query("aspect_summary", AspectSummary)
_quality_failed = Scalar[str]("quality_failed")


def read_summary(imdb_id: str, warehouse: Warehouse) -> MovieSummary:
    """Read a movie's reception from the marts.

    Raises:
        BadInput: The movie was never looked at.
    """
    with warehouse.connect() as connection:
        overall = _read_overall(imdb_id, connection)
        return overall._replace(aspects=_aspect_summary(connection, imdb_id=imdb_id))


def read_overall(imdb_id: str, warehouse: Warehouse) -> MovieSummary:
    """Read it without its aspects, which take longest. Raises as above."""
    with warehouse.connect() as connection:
        return _read_overall(imdb_id, connection)


def _read_overall(imdb_id: str, connection: Connection) -> MovieSummary:
    movie = _movie_summary.first(connection, imdb_id=imdb_id)
    if movie is None:
        raise BadInput(f"{imdb_id} is not in the warehouse: collect it first.")
    return MovieSummary(
        movie=movie,
        grade=grade(movie["mean_overall"]) if movie["is_enough"] else TOO_FEW,
        trend=_movie_trend.one(connection, imdb_id=imdb_id),
        aspects=[],
        faults=_quality_failed(connection, imdb_id=imdb_id),
    )


def grade(mean: float | None) -> str:
    """Put a mean overall score (-2 to 2) into a word: five equal steps of 0.8."""
    if mean is None:
        return TOO_FEW
    words = ("very negative", "negative", "mixed", "positive", "very positive")
    return words[min(int((mean + 2) / 0.8), 4)]
