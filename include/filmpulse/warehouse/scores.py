"""The analyses of reviews, and what the runs of a model cost."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from filmpulse.warehouse.statement import Command, Query, Scalar


class UnfinishedMovie(NamedTuple):
    """How many reviews of a movie an analyser has not finished; see `unfinished_movies`."""

    imdb_id: str
    title: str
    untouched: int
    over_budget: int
    failed: int
    invalid: int
    characters: int


class UnscoredText(NamedTuple):
    """A text that an analyser has not finished; `total` counts all such texts."""

    source: str
    review_id: str
    imdb_id: str
    content_hash: str
    language: str | None
    title: str
    body: str
    total: int


class RunCalls(NamedTuple):
    """What a run asked one model, and what that cost in USD; see `run_calls`."""

    model: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unsettled: int
    unsettled_usd: Decimal
    most_reserved_usd: Decimal
    quotes_given: int
    quotes_dropped: int
    outcomes: dict[str, int] | None
    leniencies: dict[str, int] | None
    refusal: str | None
    is_unusable: bool
    trouble: str | None


class Awaited(NamedTuple):
    """A movie whose configured analyser is not shown, and the reason."""

    imdb_id: str
    movie: str
    sentence: str


class FailedCheck(NamedTuple):
    """A check of quality that failed after a load."""

    manifest_uri: str
    imdb_id: str
    title: str
    check_name: str
    fails_run: bool
    sentence: str


register_analyser = Scalar[int]("register_analyser")
unfinished_movies = Query("unfinished_movies", UnfinishedMovie)
unscored_texts = Query("unscored_texts", UnscoredText)
keyless_movies = Scalar[str]("keyless_movies")
lock_scoring = Command("lock_scoring")
store_analyses = Command("store_analyses")
switch_analyser = Command("switch_analyser")
note_configured = Command("note_configured")
awaited_analysers = Query("awaited_analysers", Awaited)
ask_again = Command("ledger_ask_again")
note_refusal = Command("note_refusal")
run_calls = Query("run_calls", RunCalls)
spent_today = Scalar[Decimal]("spent_today")
mean_characters = Scalar[float | None]("mean_characters")
collections_quality = Query("collections_quality", FailedCheck)
