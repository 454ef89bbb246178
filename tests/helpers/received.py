"""Movies with reviews in a warehouse, loaded and scored by the jobs that do it in earnest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from filmpulse import jobs
from filmpulse.items import Movie, Review, Snapshot
from filmpulse.lake import Manifest
from filmpulse.sample_site.generate import SampleMovie


def receive(
    context: jobs.Context,
    movie: Movie,
    reviews: Iterable[Review],
    at: datetime,
    *,
    votes: int = 1000,
    rating: float | None = 7.1,
    **manifest: Any,
) -> str:
    """Collect, load and score a movie's reviews as a run's tasks do; return the manifest's URI."""
    given = list(reviews)
    writer = context.lake.begin("imdb", movie.imdb_id, at)
    writer.append(given)
    values: dict[str, Any] = {
        "run_id": f"run-{at:%Y%m%d}", "mode": "full", "status": "complete",
        "review_count_end": len(given), "sentence": f"Read {len(given)} reviews.",
    } | manifest  # fmt: skip
    uri = writer.close(
        Manifest(
            **values, source="imdb", imdb_id=movie.imdb_id, started_at=at,
            finished_at=at, distinct_ids=len(given), movie=movie, parts=tuple(writer.parts),
            snapshot=Snapshot(
                imdb_id=movie.imdb_id, taken_at=at, rating=rating, vote_count=votes,
                review_count=values["review_count_end"],
            ),
        )
    )  # fmt: skip
    jobs.load(uri, context)
    jobs.analyse(movie.imdb_id, context)
    return uri


def sample_items(movie: SampleMovie) -> tuple[Movie, list[Review]]:
    """Return a movie of the sample site, and its reviews, as the readers of its pages give them."""
    facts = Movie(
        imdb_id=movie.imdb_id, title=movie.title, original_title=movie.original_title,
        year=movie.released_on.year, release_date=movie.released_on,
        runtime_minutes=movie.runtime_minutes, genres=movie.genres, directors=(movie.director,),
        cast=tuple(name for name, _ in movie.cast), plot=movie.plot,
    )  # fmt: skip
    reviews = [
        Review(
            review_id=one.review_id, imdb_id=one.imdb_id, title=one.title, body=one.body,
            rating_1_10=one.rating, submitted_on=one.submitted_on, date_source="json",
            is_spoiler=one.is_spoiler, helpful_up=one.up, helpful_down=one.down,
        )
        for one in movie.reviews
    ]  # fmt: skip
    return facts, reviews
