"""Close a run: say how each movie went, what a model cost, and which reviews have no score."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from filmpulse.errors import BadInput, CollectionFailed
from filmpulse.items import CollectionStatus
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.judge import failed_checks
from filmpulse.jobs.reception.score import (
    Unfinished,
    approval_sentence,
    configured_analyser,
    run_budget,
    unfinished,
)
from filmpulse.sources import told_apart
from filmpulse.warehouse.collections import RunLine, run_collections
from filmpulse.warehouse.reception import MovieSummary, read_summary
from filmpulse.warehouse.scores import (
    CutMovie,
    RunCalls,
    awaited_analysers,
    cut_movies,
    run_calls,
    spent_today,
)

log = logging.getLogger(__name__)

GREEN: frozenset[CollectionStatus] = frozenset({"complete", "drained", "gated"})

MOST_DROPPED, FEW_QUOTES = 0.05, 20
"""The share of quotes above which dropping them gives a warning, if there are so many quotes."""

MOST_A_REQUEST_USD = 0.01
"""What a request is assumed to cost if the run has made none."""


class RunSummary(NamedTuple):
    """How a run went: a line for each movie, warnings, failures, and how many rows changed."""

    lines: list[str]
    warnings: list[str]
    failures: list[str]
    changed_rows: int

    def add(self, other: RunSummary) -> None:
        """Take over the lines, warnings and failures of another summary."""
        for mine, theirs in zip(self[:3], other[:3], strict=True):
            mine.extend(theirs)


def review_run(run_id: str, context: Context, budget_usd: float | None = None) -> RunSummary:
    """Tell how each movie of a run went, in the order of their ids, then what its data lack.

    `budget_usd` is the run's budget for a model; the setting when not given.
    """
    return _review(run_collections(context.warehouse, run_id=run_id), run_id, context, budget_usd)


def _review(
    collections: Sequence[RunLine], run_id: str, context: Context, budget_usd: float | None
) -> RunSummary:
    loaded = [c for c in collections if c.loaded_at]
    changed = sum(c.inserted_rows + c.updated_rows + c.removed_rows for c in loaded)
    found = RunSummary([], [], [], changed)
    for c in collections:
        name = f"{c.imdb_id} {c.title}{told_apart(c.source)}"
        shown = c.distinct_ids or 0
        count = f"{shown:,} of {c.review_count_end:,}" if c.review_count_end else f"{shown:,}"
        line = f"{name}: {c.status}, {count} reviews read"
        if c.loaded_at:
            line += f"; {c.inserted_rows} new, {c.revised_rows} edited, {c.removed_rows} removed"
        found.lines.append(line)
        why = c.sentence or "It did not finish; the log of its last task says why."
        if c.status not in GREEN:
            found.failures.append(f"{name}: {c.status}. {why}")
        elif not c.loaded_at:
            found.failures.append(f"{name}: read but not loaded; the log of `load` says why.")
        elif c.status == "gated":
            found.warnings.append(f"{name}: {why}")
    scored = review_scoring(run_id, [c.imdb_id for c in loaded], context, budget_usd)
    found.add(scored)
    uris = [c.manifest_uri for c in loaded]
    found.failures.extend(failed_checks(uris, context))
    found.warnings.extend(failed_checks(uris, context, brought=False))
    return found._replace(changed_rows=changed + scored.changed_rows)


def summarise(run_id: str, context: Context, budget_usd: float | None = None) -> RunSummary:
    """Say how each movie of a run went.

    Raises:
        CollectionFailed: A movie did not end well, was not loaded or not scored, or brought a
            fault; there is no movie; or the endpoint refused. The message names each and why.
    """
    collections = run_collections(context.warehouse, run_id=run_id)
    if not collections:
        raise CollectionFailed("No movie was planned; the log of `plan` says why.")
    found = _review(collections, run_id, context, budget_usd)
    planned = {c.imdb_id for c in collections}
    movies = planned & {failure.split(maxsplit=1)[0] for failure in found.failures}
    headline = f"{len(movies)} of {len(planned)} movies did not end well:"
    return close(found, headline if movies else "Not all is well:")


def review_scoring(
    run_id: str, imdb_ids: Collection[str], context: Context, budget_usd: float | None = None
) -> RunSummary:
    """Close the scoring of a run: tell its cost and the reviews without a score.

    Reviews that wait for money or approval give a warning. Others are failures; so are those that
    an earlier run had no money for, if this run has money. A refusal of the endpoint is one
    failure, however many movies it left without scores. The rows that changed are those that got
    a new overall score from new cuts, or show one of an earlier run since then.
    """
    try:
        return _review_scoring(run_id, imdb_ids, context, budget_usd)[0]
    except BadInput as error:  # in the endpoint's settings; how the movies went is still told
        return RunSummary([], [], [str(error)], 0)


def _review_scoring(
    run_id: str,
    imdb_ids: Collection[str],
    context: Context,
    budget_usd: float | None,
    planned: Mapping[str, Unfinished] | None = None,
) -> tuple[RunSummary, list[Unfinished]]:
    """Do as `review_scoring`; return also the movies with unfinished reviews.

    `planned` are those of a backlog, as they were before: reviews that came in since then are no
    failure.
    """
    cut_anew = cut_movies(context.warehouse, run_id=run_id)
    told = RunSummary(
        [_cut_anew(m) for m in cut_anew], [], [], sum(m.changed_texts for m in cut_anew)
    )
    budget = run_budget(context, budget_usd)
    rows = run_calls(context.warehouse, run_id=run_id)
    _tell_use(told, rows, budget)
    for one in awaited_analysers(context.warehouse, imdb_ids=list(imdb_ids)):
        told.warnings.append(f"{one.imdb_id} {one.movie}: {one.sentence}")
    refusals = [used.refusal for used in rows if used.refusal]
    with configured_analyser(context) as analyser:
        left = unfinished(analyser, context, imdb_ids)
        by = f" by {analyser.model}" if analyser.model else ""
    money = None if refusals else _money(rows, budget, context)
    unscored = _unscored(told, left, planned, money, asks=not refusals)
    if refusals and (unscored or any(used.is_unusable for used in rows)):
        lack = (
            f" {reviews(sum(unscored.values()))} of {count(len(unscored), 'movie')} lack a "
            f"score{by}."
        )
        told.failures.extend(f"{refusal}{lack if unscored else ''}" for refusal in refusals)
        return told, left
    task = "analyse" if planned is None else "score"
    troubles = " ".join(used.trouble for used in rows if used.trouble)
    why = f"most often: {troubles}" if troubles else f"the log of `{task}` says why."
    told.failures.extend(
        f"{name}: {reviews(missing, 'have')} no score{by}; {why}"
        for name, missing in unscored.items()
    )
    return told, left


def _cut_anew(movie: CutMovie) -> str:
    """Say in one line how many reviews of a movie got a new overall score from new cuts."""
    rated = f"{movie.rated_reviews:,} graded reviews"
    why = {
        "movie": f"cut by the grades of its own {rated}",
        "warehouse": f"cut by the grades of all movies' {rated}",
        "fixed": f"cut at fixed values, since all movies have only {rated}",
    }[movie.cuts_from]
    changed = count(movie.changed_texts, "text")
    return f"{movie.imdb_id} {movie.title}: {changed} got a new overall score: {why}"


def _tell_use(told: RunSummary, rows: Sequence[RunCalls], budget: float) -> None:
    """Tell what each model of a run cost, how its answers were read and how well it quoted."""
    for used in rows:
        if used.calls:
            told.lines.append(_spending(used, budget))
        if used.leniencies:
            told.lines.append(f"{used.model}: {_leniencies(used.leniencies)}")
        dropped, given = used.quotes_dropped, used.quotes_given
        if given >= FEW_QUOTES and dropped > MOST_DROPPED * given:
            told.warnings.append(
                f"{used.model}: {dropped:,} of {given:,} quotes are not in their reviews and "
                f"were dropped; more than {MOST_DROPPED:.0%} speaks against the model."
            )


def _unscored(
    told: RunSummary,
    left: Sequence[Unfinished],
    planned: Mapping[str, Unfinished] | None,
    money: str | None,
    *,
    asks: bool,
) -> dict[str, int]:
    """Warn of reviews that wait for money or approval; count the others, by id and title.

    `left` are movies with unfinished reviews, and `planned` those of a backlog before. `money` says
    which budget is spent, if one is. `asks` says that a person can be asked for approval; nobody is
    asked once the endpoint has refused.
    """
    unscored = {}
    for movie in left:
        name = f"{movie.imdb_id} {movie.title}"
        untouched, missing = movie.untouched, movie.failed
        if planned is not None:
            untouched = min(untouched, planned[movie.imdb_id].untouched)
        if movie.over_budget and money:
            about = movie.about(movie.over_budget)
            told.warnings.append(
                f"{name}: {reviews(movie.over_budget, 'wait')} for money ({about}): {money}."
            )
        else:
            missing += movie.over_budget
        if movie.needs_approval and asks:
            told.warnings.append(approval_sentence(movie))
        else:
            missing += untouched
        if missing:
            unscored[name] = missing
    return unscored


def _money(rows: Sequence[RunCalls], budget: float, context: Context) -> str | None:
    """Say which budget has too little left for one more request; None if neither has."""
    spent = sum(float(used.cost_usd + used.unsettled_usd) for used in rows)
    today = spent_today.one(context.warehouse)
    day = context.settings.llm_budget_usd_per_day
    day_left = day - float(today)
    most = max((float(used.most_reserved_usd) for used in rows), default=MOST_A_REQUEST_USD)
    for left, name, usd in ((budget - spent, "run", budget), (day_left, "day", day)):
        if left <= most:
            return f"${max(left, 0):.4f} of the {name}'s {_budget(usd)} are left"
    return None


def _spending(used: RunCalls, budget: float) -> str:
    """Say in one line what a run asked of a model, and what that cost."""
    ended = ", ".join(f"{n:,} {name}" for name, n in sorted((used.outcomes or {}).items()))
    cached = f" ({used.cached_tokens:,} cached)" if used.cached_tokens else ""
    line = (
        f"{used.model}: {count(used.calls, 'call')}{f' ({ended})' if ended else ''}, "
        f"{used.input_tokens:,} tokens in{cached}, {used.output_tokens:,} out, "
        f"${used.cost_usd:.4f} of {_budget(budget)}"
    )
    if used.unsettled:
        line += (
            f" and ${used.unsettled_usd:.4f} set aside for {used.unsettled:,} that ended "
            "without a price"
        )
    return f"{line}; {used.quotes_dropped:,} of {used.quotes_given:,} quotes dropped"


def _leniencies(counts: Mapping[str, int]) -> str:
    """Say how many answers were not quite in the form that was asked for, most first."""
    from filmpulse.analysis.llm.lenient import LENIENCIES

    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{count(n, 'answer')} came {LENIENCIES.get(w, w)}" for w, n in ordered)


def _budget(usd: float) -> str:
    """Write a sum with cents, and up to two more places if it has them."""
    whole, _, part = f"{usd:,.4f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def reviews(n: int, verb: str = "") -> str:
    """Say how many reviews (do something), in the plural unless it is one."""
    verb = {"have": "has"}.get(verb, f"{verb}s") if verb and n == 1 else verb
    return f"{count(n, 'review')}{f' {verb}' if verb else ''}"


def count(n: int, what: str) -> str:
    """Say how many of something there are, in the plural unless there is one."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def review_backlog(
    run_id: str,
    planned: Sequence[Unfinished],
    context: Context,
    budget_usd: float | None = None,
) -> RunSummary:
    """Tell how much of a backlog was read, in the order of the movies' ids, and what is left.

    `planned` is the backlog as `plan_backlog` found it; `budget_usd` is the run's budget for a
    model, the setting when not given.
    """
    by_id = {movie.imdb_id: movie for movie in planned}
    told, still = _review_scoring(run_id, by_id, context, budget_usd, by_id)
    left = {movie.imdb_id: movie.texts for movie in still}
    changed, lines = 0, []
    for movie in (one for one in planned if one.texts):  # the others wait for a calibration
        done = max(0, movie.texts - left.get(movie.imdb_id, 0))
        lines.append(f"{movie.imdb_id} {movie.title}: {done:,} of {reviews(movie.texts)} finished")
        changed += done
    return told._replace(lines=lines + told.lines, changed_rows=changed + told.changed_rows)


def summarise_backlog(
    run_id: str,
    planned: Sequence[Unfinished],
    context: Context,
    budget_usd: float | None = None,
    broke_off: Sequence[str] = (),
) -> RunSummary:
    """Say how much of a backlog was read, and what is left and why; see `review_backlog`.

    `broke_off` are the names of the run's tasks that failed.

    Raises:
        CollectionFailed: A task broke off, the endpoint refused, or reviews failed; names each.
    """
    told = review_backlog(run_id, planned, context, budget_usd)
    if not told.failures:
        told.failures.extend(f"`{task}` broke off; its log says why." for task in broke_off)
    return close(told, "Not all of the backlog was read:")


def close(told: RunSummary, headline: str) -> RunSummary:
    """Log how a run went, and return it if nothing failed.

    Raises:
        CollectionFailed: Something failed; the message is the headline and a line for each failure.
    """
    for line in told.lines:
        log.info(line)
    for warning in told.warnings:
        log.warning(warning)
    if told.failures:
        raise CollectionFailed("\n".join([headline, *told.failures]))
    return told


def summary(imdb_id: str, context: Context) -> MovieSummary:
    """Read how a movie is received from the marts.

    Raises:
        BadInput: The movie was never looked at.
    """
    return read_summary(imdb_id, context.warehouse)
