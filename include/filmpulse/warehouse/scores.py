"""The analyses of reviews, and what the runs of a model cost."""

from __future__ import annotations

from datetime import datetime
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
    cast_names: list[str]
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


class DueCalibration(NamedTuple):
    """A movie of which an analyser should learn names and cuts; see `due_calibrations`."""

    imdb_id: str
    title: str
    texts: int
    calibrated_at: datetime | None
    is_scored: bool
    unshown_texts: int


class CurrentText(NamedTuple):
    """Title and body of a current review."""

    title: str
    body: str


class RatedValence(NamedTuple):
    """How many reviews have a valence, rounded down, and a grade."""

    valence: float
    grade: int
    reviews: int


class CutMovie(NamedTuple):
    """A movie whose overall scores changed with its cuts; see `cut_movies`."""

    imdb_id: str
    title: str
    changed_texts: int
    cuts_from: str
    rated_reviews: int


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
superseded_movies = Scalar[str]("superseded_movies")
drop_superseded = Command("drop_superseded")
due_calibrations = Query("due_calibrations", DueCalibration)
current_texts = Query("current_texts", CurrentText)
store_names = Command("store_names")
hold_calibration = Scalar[str]("hold_calibration")
rated_valences = Query("rated_valences", RatedValence)
cut_anew = Command("cut_anew")
store_cuts = Scalar[int]("store_cuts")
count_first_shown = Command("count_first_shown")
cut_movies = Query("cut_movies", CutMovie)
note_configured = Command("note_configured")
awaited_analysers = Query("awaited_analysers", Awaited)
ask_again = Command("ledger_ask_again")
note_refusal = Command("note_refusal")
run_calls = Query("run_calls", RunCalls)
spent_today = Scalar[Decimal]("spent_today")
mean_characters = Scalar[float | None]("mean_characters")
collections_quality = Query("collections_quality", FailedCheck)
