"""Scoring: the texts that the configured analyser has not finished with.

With an endpoint configured that is a model, which costs money: it takes up what budget and approval
allow, newest reviews first, and the keyless analyser scores for free what the model does not show,
so that each movie has complete figures of one analyser. Otherwise it is the keyless one alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from filmpulse import warehouse as wh
from filmpulse.analysis import Analyser, make_analyser
from filmpulse.errors import BadInput, LlmRefused, Retryable
from filmpulse.items import Analysis, ReviewText, analysed_text
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.refresh import refresh_figures
from filmpulse.warehouse import scores
from filmpulse.warehouse.ledger import open_ledger
from filmpulse.warehouse.movies import known_movies

log = logging.getLogger(__name__)

STEP, STEP_SECONDS = 100, 0.5
"""Most free answers that are committed at once, and the longest that they wait for it."""

LARGE_MOVIE = 2_000
"""The most reviews of one movie that a model takes up for the first time without being asked to."""

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
    """What the configured analyser has not finished with, of one movie.

    Attributes:
        imdb_id: The movie.
        title: Its title.
        untouched: Reviews that it never took up.
        over_budget: Reviews that wait for money; whoever had to approve of them did.
        failed: Reviews that it tried in vain.
        invalid: Reviews whose answer could not be read, and that it is asked about again.
        usd: About what all of these will cost; None where nothing is ever paid.
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
        """Say about what so many of them will cost."""
        return about_usd((self.usd or 0) * texts / self.texts)


def about_usd(usd: float) -> str:
    """Say an estimate."""
    if not usd:
        return "free of charge"
    return f"about ${usd:,.2f}" if usd >= 0.01 else "under $0.01"


class Backlog(NamedTuple):
    """What is to be scored: movies that need no approval, and those that do; sorted by id."""

    to_score: list[Unfinished]
    to_approve: list[Unfinished]


def new_run_id() -> str:
    """Name a run that a person started from a terminal, in UTC and to the microsecond."""
    return f"cli__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def run_budget(context: Context, budget_usd: float | None) -> float:
    """Return what a run may spend, in USD: what was said for it, or the setting."""
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
    """Score every current text of a movie that the analyser has not finished with.

    Answers are committed as they arrive: one by one where they cost tokens or time, in small steps
    where they cost neither. So a crash loses none that was paid, and a second call takes up only
    the rest. Two calls for one movie take turns, so that no text is read twice.

    Args:
        imdb_id: The movie.
        context: Settings and warehouse.
        analyser: Who reads them; the configured one when not given.
        progress: Called with how many are done.
        run_id: On whose budget a model's calls are booked.
        budget_usd: The most that all calls of that run may cost; the setting when not given.
        is_approved: Whether a person agreed to have a model take up a large movie.

    Returns:
        What became of them. With more than `LARGE_MOVIE` texts that the model never took up, and
        no approval, it is asked nothing.

    Raises:
        LlmRefused: The endpoint refuses key, model or account.
        LlmUnavailable: It does not answer.
        BadInput: The endpoint's settings cannot be used.
        WarehouseUnavailable: Postgres went away.
        Retryable: Another worker has been at this movie for longer than `PATIENCE`.
    """
    with context.warehouse.connect(autocommit=True) as connection:
        _take_turn(connection, imdb_id)
        if analyser is not None:
            return _score(connection, analyser, [imdb_id], context, progress)
        approved = [imdb_id] if is_approved else []
        return _as_configured(
            connection, [imdb_id], context, progress, run_id, budget_usd, approved
        )


def _take_turn(connection: wh.Connection, imdb_id: str) -> None:
    """Wait until no other worker scores this movie; the connection's end lets the next one in.

    Raises:
        Retryable: That took too long; whoever waits holds a slot of the pool.
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
    """Score what the configured analyser has not finished with, the newest reviews of all first.

    Args:
        run_id: On whose budget a model's calls are booked.
        context: Settings and warehouse.
        imdb_ids: The movies; all when empty.
        approved: Large movies that a person agreed to.
        budget_usd: The most that all calls of the run may cost; the setting when not given.
        progress: Called with how many are done.

    Returns:
        What became of them, all movies together; those that need approval are among the waiting.

    Raises:
        As `analyse`.
    """
    with context.warehouse.connect(autocommit=True) as connection:
        return _as_configured(
            connection, list(imdb_ids) or None, context, progress, run_id, budget_usd, approved
        )


def ask_again(context: Context, imdb_ids: Sequence[str] = ()) -> int:
    """Take back what the configured model answered and nobody could read, so that it is asked anew.

    Otherwise such an answer stands for a day.

    Args:
        context: Settings and warehouse.
        imdb_ids: The movies; all when empty.

    Returns:
        How many answers were taken back; none without a model.
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

    Raises:
        BadInput: A movie that is not in the warehouse, or settings that cannot be used.
    """
    known = known_movies(context.warehouse, imdb_ids=list(imdb_ids))
    if unknown := sorted(set(imdb_ids) - set(known)):
        raise BadInput(f"Not in the warehouse: {', '.join(unknown)}. Collect it first.")
    with configured_analyser(context) as analyser, context.warehouse.connect() as connection:
        # A switch that is due and was missed: a worker was killed, what was unread is gone, or an
        # older version switched too early.
        analyser_id = _register(analyser, context)
        switched = _switch(connection, analyser_id, list(imdb_ids) or None)
        _note_configured(connection, analyser_id, list(imdb_ids) or None)
        found = unfinished(analyser, context, list(imdb_ids) or None)
    if switched:  # nothing may be left to score, and then no run follows
        refresh_figures(context)
    return Backlog(
        [movie for movie in found if not movie.needs_approval],
        [movie for movie in found if movie.needs_approval],
    )


@contextmanager
def configured_analyser(
    context: Context, run_id: str | None = None, budget_usd: float | None = None
) -> Iterator[Analyser]:
    """Open the analyser that the settings name, a model's with its ledger.

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
    """Return the movies (these, or all) with texts that an analyser has not finished with."""
    movies = scores.unfinished_movies(
        context.warehouse,
        analyser_id=_register(analyser, context),
        imdb_ids=None if imdb_ids is None else list(imdb_ids),
    )
    return [_with_cost(movie, context) for movie in movies]


def _with_cost(found: scores.UnfinishedMovie, context: Context) -> Unfinished:
    """Say about what a model will cost."""
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
    """Let the configured analyser take up what it may, and the keyless one keep the rest shown."""
    if context.has_llm:  # first, since a task that is ended in mid-request does nothing more
        _score_keyless(connection, imdb_ids, context, but_models=True)
    try:
        with configured_analyser(context, run_id, budget_usd) as analyser:
            _note_configured(connection, _register(analyser, context), imdb_ids)
            found = unfinished(analyser, context, imdb_ids)
            held = {m.imdb_id: m for m in found if m.needs_approval and m.imdb_id not in approved}
            ids = [movie.imdb_id for movie in found] if imdb_ids is None else imdb_ids
            done = _score(
                connection, analyser, [i for i in ids if i not in held], context, progress
            )
    except Exception as error:  # whatever became of the model, new reviews get their figures
        if context.has_llm and not connection.closed:
            if run_id is not None and isinstance(error, LlmRefused):
                _note_refusal(error, run_id, context)
            _score_keyless(connection, imdb_ids, context)
        raise
    if context.has_llm:
        _score_keyless(connection, imdb_ids, context)
    for movie in held.values():
        log.info(approval_sentence(movie))
    waiting = sum(movie.texts for movie in held.values())
    return Analysed(done.texts + waiting, done.scored, done.waiting + waiting, bool(held))


def _note_refusal(error: LlmRefused, run_id: str, context: Context) -> None:
    """Have the ledger know of it, so that all of the run's tasks stop and it is told once."""
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
    *,
    but_models: bool = False,
) -> None:
    """Score for free what no model shows, a movie at a time.

    Args:
        connection: The warehouse.
        imdb_ids: The movies; all when None.
        context: Settings and warehouse.
        but_models: Leave alone what a model shows, also where it has fallen behind.
    """
    analyser = make_analyser(KEYLESS)
    analyser_id = _register(analyser, context)
    for imdb_id in scores.keyless_movies(
        context.warehouse, analyser_id=analyser_id, imdb_ids=imdb_ids, but_models=but_models
    ):
        _score(connection, analyser, [imdb_id], context, silent)


def _score(
    connection: wh.Connection,
    analyser: Analyser,
    imdb_ids: Sequence[str],
    context: Context,
    progress: Progress,
) -> Analysed:
    """Score the unfinished texts of some movies, the newest first; then see which it shows."""
    analyser_id = _register(analyser, context)
    total = done = scored = waiting = 0
    try:
        # Held beyond each commit, by the server: a long movie's texts never are in memory at once.
        asked = {"imdb_ids": list(imdb_ids), "analyser_id": analyser_id}
        with scores.unscored_texts.streamed(connection, STEP, **asked) as texts:
            first = next(texts, None)
            total = first.total if first else 0
            rows = chain([first] if first else [], texts)
            with closing(_steps(analyser.analyse(map(_text, rows)))) as steps:
                for step in steps:
                    _store(connection, step, analyser_id)
                    scored += sum(analysis.status == "scored" for analysis in step)
                    waiting += sum(analysis.status == "over_budget" for analysis in step)
                    done += len(step)
                    progress(done, total)
    finally:
        if not connection.closed:
            _switch(connection, analyser_id, imdb_ids)
    log.info(
        "%s: %d of %d texts scored by %s",
        imdb_ids[0] if len(imdb_ids) == 1 else f"{len(imdb_ids)} movies",
        scored, total, analyser.model or analyser.kind,
    )  # fmt: skip
    return Analysed(total, scored, waiting)


def _switch(connection: wh.Connection, analyser_id: int, imdb_ids: Sequence[str] | None) -> int:
    """Show movies (these, or all) under another analyser where due; return how many changed."""
    ids = imdb_ids and list(imdb_ids)
    return scores.switch_analyser(connection, imdb_ids=ids, analyser_id=analyser_id)


def _note_configured(
    connection: wh.Connection, analyser_id: int, imdb_ids: list[str] | None
) -> None:
    """Note whom the settings name for movies (these, or all): the marts say who is waited for."""
    scores.note_configured(connection, imdb_ids=imdb_ids, analyser_id=analyser_id)


def _text(row: scores.UnscoredText) -> ReviewText:
    return ReviewText(
        source=row.source,
        review_id=row.review_id,
        imdb_id=row.imdb_id,
        content_hash=row.content_hash,
        language=row.language,
        text=analysed_text(row.title, row.body),
    )


def _register(analyser: Analyser, context: Context) -> int:
    """Return the number of an analyser, giving it one where it has none."""
    values = {
        "kind": analyser.kind,
        "model": analyser.model,
        "prompt_version": analyser.prompt_version,
        "parameters": Jsonb(analyser.parameters),
    }
    # A statement does not see what another one inserted while it ran: then the next does.
    register = scores.register_analyser
    return register.first(context.warehouse, **values) or register.one(context.warehouse, **values)


def _steps(analyses: Iterable[Analysis]) -> Generator[list[Analysis]]:
    """Gather answers until they are many, the last one was paid, or a moment has passed."""
    step: list[Analysis] = []
    began = time.monotonic()
    try:
        for analysis in analyses:
            step.append(analysis)
            is_paid = analysis.input_tokens is not None or analysis.cost_usd is not None
            if is_paid or len(step) == STEP or time.monotonic() - began > STEP_SECONDS:
                yield step
                step, began = [], time.monotonic()
    except Exception:  # the analyser cannot go on; what it said before stays valid
        if step:
            yield step
        raise
    if step:
        yield step


def _store(connection: wh.Connection, step: list[Analysis], analyser_id: int) -> None:
    """Store some answers, each with its aspects, in one transaction."""
    rows = [
        analysis.model_dump()
        | {
            "analyser_id": analyser_id,
            "aspects": Jsonb([aspect.model_dump() for aspect in analysis.aspects]),
        }
        for analysis in step
    ]
    with connection.transaction():
        scores.store_analyses.many(connection, rows)
