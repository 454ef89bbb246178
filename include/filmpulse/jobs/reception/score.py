"""Score the texts that the configured analyser has not finished.

If an endpoint is configured, that analyser is a model, which costs money: the model takes up what
budget and approval allow, newest reviews first. The keyless analyser then scores, for free, movies
that are not shown under the model, so that each movie has complete figures of one analyser. Without
an endpoint the keyless analyser scores alone.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from filmpulse import warehouse as wh
from filmpulse.analysis import Analyser, make_analyser
from filmpulse.errors import BadInput, LlmRefused, Retryable
from filmpulse.items import Analysis, ReviewText, analysed_text
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.calibrate import cut_all_anew, learn_names
from filmpulse.warehouse import scores
from filmpulse.warehouse.figures import changing
from filmpulse.warehouse.ledger import open_ledger
from filmpulse.warehouse.movies import known_movies

log = logging.getLogger(__name__)

STEP, STEP_SECONDS = 100, 0.5
"""Most free answers that are committed at once, and the longest that they wait for the commit."""

MOST_STEPS = 500
"""Each step counts its movies' figures anew, so the texts of a call take so many steps at most."""

LARGE_MOVIE = 2_000
"""The most reviews of a movie that a model takes up for the first time without approval."""

KEYLESS = "lexicon"

PATIENCE = "10min"
"""How long one worker waits for another that scores the same movie, as Postgres writes it."""


class Analysed(NamedTuple):
    """How many texts an analysis took up, how many got a score, how many wait, and for what."""

    texts: int
    scored: int
    waiting: int = 0
    needs_approval: bool = False


class Unfinished(NamedTuple):
    """How many reviews of one movie the configured analyser has not finished.

    `untouched` were never taken up, `over_budget` wait for money (and need no further approval),
    `failed` were tried in vain, and `invalid` got an answer that could not be read and are asked
    about again. `usd` estimates the cost of all of them; None without a model. A movie that only
    waits for its weekly calibration has no such review.
    """

    imdb_id: str
    title: str
    untouched: int
    over_budget: int
    failed: int
    invalid: int
    usd: float | None

    @property
    def texts(self) -> int:
        """How many reviews these are together."""
        return self.untouched + self.over_budget + self.failed + self.invalid

    @property
    def needs_approval(self) -> bool:
        """Whether a person must say yes before the model takes these up."""
        return self.usd is not None and self.untouched > LARGE_MOVIE

    def about(self, texts: int) -> str:
        """Say about what so many of these reviews will cost."""
        return about_usd((self.usd or 0) * texts / max(self.texts, 1))


def about_usd(usd: float) -> str:
    """Say an estimated cost."""
    if not usd:
        return "free of charge"
    return f"about ${usd:,.2f}" if usd >= 0.01 else "under $0.01"


class Backlog(NamedTuple):
    """Movies with reviews to score: those that need no approval, and those that do; by id.

    The former include movies that the keyless analyser scored and should calibrate anew.
    """

    to_score: list[Unfinished]
    to_approve: list[Unfinished]


def new_run_id() -> str:
    """Name a run that a person started from a terminal, in UTC and to the microsecond."""
    return f"cli__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def run_budget(context: Context, budget_usd: float | None) -> float:
    """Return what a run may spend, in USD: its own budget, or the setting."""
    return context.settings.llm_budget_usd_per_run if budget_usd is None else budget_usd


def analyse(
    imdb_id: str,
    context: Context,
    analyser: Analyser | None = None,
    progress: Progress = silent,
    *,
    run_id: str | None = None,
    budget_usd: float | None = None,
    is_approved: bool = False,
) -> Analysed:
    """Score every current text of a movie that the analyser has not finished.

    If the movie's calibration by the keyless analyser is due (see `due_calibrations`), that learns
    who acts in the movie before its texts are scored, and where their wholes are cut after that.

    Paid answers are committed one by one, free ones in small steps; of many texts a five-hundredth
    at once. The ledger keeps each paid answer until then. So a crash loses none, and a second call
    takes up only the rest. Two calls for one movie take turns, so that no text is read twice. The
    model is asked nothing if it never took up more than `LARGE_MOVIE`
    texts of the movie and nobody approved.

    Args:
        imdb_id: The movie.
        context: Settings and warehouse.
        analyser: Scores the texts; the configured analyser when not given.
        progress: Told how many are done.
        run_id: The run whose budget pays for the model's calls.
        budget_usd: The most that all calls of that run may cost; the setting when not given.
        is_approved: Whether a person agreed that a model takes up a large movie.

    Raises:
        LlmRefused: The endpoint refuses key, model or account.
        LlmUnavailable: The endpoint does not answer.
        BadInput: The endpoint's settings cannot be used.
        WarehouseUnavailable: Postgres went away.
        Retryable: Another worker has been scoring this movie for longer than `PATIENCE`.
    """
    with context.warehouse.session() as connection:
        _take_turn(connection, imdb_id)
        if analyser is not None:
            return _score(connection, analyser, [imdb_id], context, progress, run_id)
        approved = [imdb_id] if is_approved else []
        return _as_configured(
            connection, [imdb_id], context, progress, run_id, budget_usd, approved
        )


def _take_turn(connection: wh.Connection, imdb_id: str) -> None:
    """Wait until no other worker scores this movie; the connection's end lets the next one in.

    Not for ever: a worker that waits holds a slot of the pool.
    """
    try:
        scores.lock_scoring(connection, imdb_id=imdb_id, patience=PATIENCE)
    except LockNotAvailable:
        raise Retryable(
            f"{imdb_id}: another worker has been scoring it for more than {PATIENCE}; a later try "
            "takes up what it leaves.",
            reason="busy",
        ) from None


def analyse_backlog(
    run_id: str,
    context: Context,
    imdb_ids: Sequence[str] = (),
    *,
    approved: Collection[str] = (),
    budget_usd: float | None = None,
    progress: Progress = silent,
) -> Analysed:
    """Score the unfinished reviews of these movies (all when empty).

    A model takes the newest of all first; the keyless analyser takes one movie after another.
    Movies that the keyless analyser scored and calibrated more than a week ago are calibrated anew.
    The answer counts all movies together; reviews that need approval are among the waiting.
    `approved` are the large movies that a person agreed to. The rest is as in `analyse`.
    """
    with context.warehouse.session() as connection:
        return _as_configured(
            connection, list(imdb_ids) or None, context, progress, run_id, budget_usd, approved
        )


def ask_again(context: Context, imdb_ids: Sequence[str] = ()) -> int:
    """Take back the model's unreadable answers, so that it is asked again; return how many.

    Otherwise such an answer stands for a day. `imdb_ids` are the movies; all when empty.
    """
    if not context.settings.has_llm:
        return 0
    from filmpulse.analysis.llm.prompt import prompt_version

    return scores.ask_again(
        context.warehouse,
        model=context.settings.llm_model,
        prompt_version=prompt_version(),
        imdb_ids=list(imdb_ids) or None,
    )


def plan_backlog(context: Context, imdb_ids: Sequence[str] = ()) -> Backlog:
    """Find the movies (these, or all) that lack final scores under the configured analyser.

    Movies that the keyless analyser should calibrate anew are among them.

    Raises:
        BadInput: A movie is not in the warehouse, or the settings cannot be used.
    """
    ids = list(imdb_ids)
    known = known_movies(context.warehouse, imdb_ids=ids)
    if unknown := sorted(set(ids) - set(known)):
        raise BadInput(f"Not in the warehouse: {', '.join(unknown)}. Collect it first.")
    with configured_analyser(context) as analyser, context.warehouse.connect() as connection:
        asked = {"analyser_id": _register(analyser, context), "imdb_ids": ids or None}
        # Catch up on a missed switch: a worker was killed, the unread texts are gone, or an older
        # version switched too early.
        scores.switch_analyser(connection, **asked)
        scores.note_configured(connection, **asked)
        found = unfinished(analyser, context, ids or None)
    keyless_id = _register(make_analyser(KEYLESS), context)
    with context.warehouse.session() as connection:
        _drop_superseded(connection, ids or None, keyless_id)
        due = _due_again(connection, ids or None, keyless_id)
    lacking = {movie.imdb_id for movie in found}
    usd = 0.0 if context.settings.has_llm else None
    found += [
        Unfinished(m.imdb_id, m.title, 0, 0, 0, 0, usd) for m in due if m.imdb_id not in lacking
    ]
    return Backlog(
        sorted(movie for movie in found if not movie.needs_approval),
        [movie for movie in found if movie.needs_approval],
    )


@contextmanager
def configured_analyser(
    context: Context, run_id: str | None = None, budget_usd: float | None = None
) -> Iterator[Analyser]:
    """Open the analyser that the settings name; a model with its ledger.

    Raises:
        BadInput: The endpoint's settings cannot be used.
    """
    settings = context.settings
    if context.llm_error is not None:
        raise context.llm_error
    if not settings.has_llm:
        yield make_analyser(KEYLESS)
        return
    from filmpulse.analysis.llm.analyser import LlmAnalyser
    from filmpulse.analysis.llm.prompt import prompt_version

    with open_ledger(
        context.warehouse,
        run_id=run_id or new_run_id(),
        model=settings.llm_model,
        prompt_version=prompt_version(),
        run_usd=run_budget(context, budget_usd),
        day_usd=settings.llm_budget_usd_per_day,
    ) as ledger:
        yield LlmAnalyser(settings, ledger)


def unfinished(
    analyser: Analyser, context: Context, imdb_ids: Collection[str] | None
) -> list[Unfinished]:
    """Return the movies (these, or all) with texts that an analyser has not finished."""
    movies = scores.unfinished_movies(
        context.warehouse,
        analyser_id=_register(analyser, context),
        imdb_ids=None if imdb_ids is None else list(imdb_ids),
    )
    return [_with_cost(movie, context) for movie in movies]


def _with_cost(found: scores.UnfinishedMovie, context: Context) -> Unfinished:
    """Estimate what a model will cost."""
    counts = found._asdict()
    characters = counts.pop("characters")
    movie = Unfinished(**counts, usd=None)
    if not context.settings.has_llm:
        return movie
    from filmpulse.analysis.llm.prices import estimate_usd

    return movie._replace(usd=estimate_usd(context.settings, movie.texts, characters))


def _as_configured(
    connection: wh.Connection,
    imdb_ids: list[str] | None,
    context: Context,
    progress: Progress,
    run_id: str | None,
    budget_usd: float | None,
    approved: Collection[str],
) -> Analysed:
    """Score with the configured analyser what it may, and for free what no model shows."""
    if context.has_llm:  # first, since a task may be killed while it waits for the model
        _score_keyless(connection, imdb_ids, context, run_id, but_models=True)
    try:
        with configured_analyser(context, run_id, budget_usd) as analyser:
            analyser_id = _register(analyser, context)
            scores.note_configured(connection, analyser_id=analyser_id, imdb_ids=imdb_ids)
            found = unfinished(analyser, context, imdb_ids)
            held = {m.imdb_id: m for m in found if m.needs_approval and m.imdb_id not in approved}
            ids = [movie.imdb_id for movie in found] if imdb_ids is None else imdb_ids
            ids = [imdb_id for imdb_id in ids if imdb_id not in held]
            if analyser.kind == KEYLESS:
                total = sum(movie.texts for movie in found)
                done = _score_in_turn(connection, analyser, ids, context, progress, run_id, total)
            else:
                done = _score(connection, analyser, ids, context, progress, run_id)
    except Exception as error:  # new reviews get their figures although the model failed
        if context.has_llm and not connection.closed:
            if run_id is not None and isinstance(error, LlmRefused):
                _note_refusal(error, run_id, context)
            _score_keyless(connection, imdb_ids, context, run_id)
        raise
    _score_keyless(connection, imdb_ids, context, run_id)
    for movie in held.values():
        log.info(approval_sentence(movie))
    waiting = sum(movie.texts for movie in held.values())
    return Analysed(done.texts + waiting, done.scored, done.waiting + waiting, bool(held))


def _note_refusal(error: LlmRefused, run_id: str, context: Context) -> None:
    """Note a refusal in the ledger, so that all tasks of the run stop and it is told once."""
    from filmpulse.analysis.llm.prompt import prompt_version

    scores.note_refusal(
        context.warehouse,
        run_id=run_id,
        model=context.settings.llm_model,
        prompt_version=prompt_version(),
        outcome=error.reason,
        sentence=str(error),
    )


def who_reads(context: Context) -> str:
    """Name the configured analyser, and where review texts go for it.

    Raises:
        BadInput: The endpoint's settings cannot be used.
    """
    settings = context.settings
    if context.llm_error is not None:
        raise context.llm_error
    if not settings.has_llm:
        return f"the keyless {KEYLESS}, here"
    from filmpulse.analysis.llm.providers import provider_for

    return f"{settings.llm_model} at {provider_for(settings).host}"


def approval_sentence(movie: Unfinished) -> str:
    """Say that a movie waits for approval, and how to give it."""
    return (
        f"{movie.imdb_id} {movie.title}: {movie.untouched:,} reviews "
        f"({movie.about(movie.untouched)}) wait for approval: `analyse_backlog` asks, or "
        f"`filmpulse analyse {movie.imdb_id} --yes`."
    )


def _score_keyless(
    connection: wh.Connection,
    imdb_ids: list[str] | None,
    context: Context,
    run_id: str | None,
    *,
    but_models: bool = False,
) -> None:
    """Score for free the movies (these, or all) that no model shows completely, one at a time.

    Movies whose calibration is due again are among them. With `but_models`, leave alone every movie
    that a model shows.
    """
    analyser = make_analyser(KEYLESS)
    analyser_id = _register(analyser, context)
    asked = {"analyser_id": analyser_id, "imdb_ids": imdb_ids}
    found = set(scores.keyless_movies(context.warehouse, **asked, but_models=but_models))
    if not but_models:
        found.update(movie.imdb_id for movie in _due_again(connection, imdb_ids, analyser_id))
    for imdb_id in sorted(found):
        _score(connection, analyser, [imdb_id], context, silent, run_id)


def _due_again(
    connection: wh.Connection, imdb_ids: list[str] | None, analyser_id: int
) -> list[scores.DueCalibration]:
    """Return the movies (these, or all) that the keyless analyser scored and should calibrate."""
    due = scores.due_calibrations(connection, imdb_ids=imdb_ids, analyser_id=analyser_id)
    return [movie for movie in due if movie.is_scored]


def _score(
    connection: wh.Connection,
    analyser: Analyser,
    imdb_ids: Sequence[str],
    context: Context,
    progress: Progress,
    run_id: str | None,
) -> Analysed:
    """Score the unfinished texts of some movies, newest first; then switch movies that are due.

    If the analyser is the keyless one, learn names before that, and cuts after it, where due.
    """
    analyser_id = _register(analyser, context)
    asked = {"imdb_ids": list(imdb_ids), "analyser_id": analyser_id}
    is_keyless = analyser.kind == KEYLESS
    try:
        due = scores.due_calibrations(connection, **asked) if is_keyless else []
        for movie in due:
            learn_names(connection, movie.imdb_id, analyser_id)
        done = _score_texts(connection, analyser, asked, progress)
        cut_all_anew(connection, due, analyser_id, run_id)
    finally:
        if not connection.closed:
            scores.switch_analyser(connection, **asked)
            if is_keyless:
                _drop_superseded(connection, list(imdb_ids), analyser_id)
    for movie in due:
        if movie.unshown_texts:
            scores.count_first_shown(
                connection,
                imdb_id=movie.imdb_id, analyser_id=analyser_id, texts=movie.unshown_texts,
            )  # fmt: skip
    log.info(
        "%s: %d of %d texts scored by %s",
        imdb_ids[0] if len(imdb_ids) == 1 else f"{len(imdb_ids)} movies",
        done.scored, done.texts, analyser.model or analyser.kind,
    )  # fmt: skip
    return done


def _score_in_turn(
    connection: wh.Connection,
    analyser: Analyser,
    imdb_ids: Sequence[str],
    context: Context,
    progress: Progress,
    run_id: str | None,
    total: int,
) -> Analysed:
    """Score one movie after another, where no money runs out; `total` texts lie before all.

    A step of many movies' texts would count each of these movies anew.
    """
    texts = scored = 0
    for imdb_id in imdb_ids:

        def told(done: int, _: int | None, before: int = texts) -> None:
            progress(before + done, total)

        done = _score(connection, analyser, [imdb_id], context, told, run_id)
        texts, scored = texts + done.texts, scored + done.scored
    return Analysed(texts, scored)


def _score_texts(
    connection: wh.Connection, analyser: Analyser, asked: dict[str, Any], progress: Progress
) -> Analysed:
    """Score the unfinished texts of the movies asked for, newest first, and store the answers."""
    total = done = scored = waiting = 0
    # The server holds the cursor beyond each commit, so that memory never holds all texts.
    with scores.unscored_texts.streamed(connection, STEP, **asked) as texts:
        first = next(texts, None)
        total = first.total if first else 0
        rows = chain([first] if first else [], texts)
        with closing(_steps(analyser.analyse(map(_text, rows)), total // MOST_STEPS)) as steps:
            for step in steps:
                _store(connection, step, asked["analyser_id"])
                scored += sum(analysis.status == "scored" for analysis in step)
                waiting += sum(analysis.status == "over_budget" for analysis in step)
                done += len(step)
                progress(done, total)
    return Analysed(total, scored, waiting)


def _drop_superseded(
    connection: wh.Connection, imdb_ids: list[str] | None, analyser_id: int
) -> None:
    """Delete what other lexicons made of movies (these, or all) that are not shown under them.

    What this lexicon has not made itself stays, such as scores of removed reviews.
    `connection` commits each movie by itself: a large movie has a million rows.
    """
    asked = {"imdb_ids": imdb_ids, "analyser_id": analyser_id}
    for imdb_id in scores.superseded_movies(connection, **asked):
        with connection.transaction(), changing(connection, imdb_id):
            texts = scores.drop_superseded(connection, imdb_id=imdb_id, analyser_id=analyser_id)
        log.info("%s: the scores of %d texts by an older lexicon were deleted", imdb_id, texts)


def _text(row: scores.UnscoredText) -> ReviewText:
    return ReviewText(
        source=row.source,
        review_id=row.review_id,
        imdb_id=row.imdb_id,
        content_hash=row.content_hash,
        language=row.language,
        text=analysed_text(row.title, row.body),
        cast=tuple(row.cast_names),
    )


def _register(analyser: Analyser, context: Context) -> int:
    """Return the number of an analyser; give it one if it has none."""
    values = {
        "kind": analyser.kind,
        "model": analyser.model,
        "prompt_version": analyser.prompt_version,
        "parameters": Jsonb(analyser.parameters),
    }
    # The first try finds nothing if another worker inserts the same meanwhile; the second does.
    register = scores.register_analyser
    return register.first(context.warehouse, **values) or register.one(context.warehouse, **values)


def _steps(analyses: Iterable[Analysis], least: int) -> Generator[list[Analysis]]:
    """Gather answers until there are `STEP`, the last was paid, or `STEP_SECONDS` have passed.

    But a step has `least` answers, unless it is the last one.
    """
    step: list[Analysis] = []
    began = time.monotonic()
    try:
        for analysis in analyses:
            step.append(analysis)
            is_paid = analysis.input_tokens is not None or analysis.cost_usd is not None
            is_due = is_paid or len(step) >= STEP or time.monotonic() - began > STEP_SECONDS
            if is_due and len(step) >= least:
                yield step
                step, began = [], time.monotonic()
    except Exception:  # the analyser cannot go on; its answers so far stay valid
        if step:
            yield step
        raise
    if step:
        yield step


def _store(connection: wh.Connection, step: list[Analysis], analyser_id: int) -> None:
    """Store some answers, each with its aspects; a movie's answers in one transaction."""
    rows = defaultdict[str, list[dict[str, Any]]](list)
    for analysis in step:
        rows[analysis.imdb_id].append(
            analysis.model_dump()
            | {
                "analyser_id": analyser_id,
                "aspects": Jsonb([aspect.model_dump() for aspect in analysis.aspects]),
            }
        )
    for imdb_id, of_movie in rows.items():
        with connection.transaction(), changing(connection, imdb_id):
            scores.store_analyses.many(connection, of_movie)
