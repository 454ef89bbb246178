"""Commands that collect and score here and now, without Airflow."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import typer

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import ImdbIds, err, escape, out, read_movie
from filmpulse.items import Mode


@app.command()
def collect(
    imdb_ids: ImdbIds,
    full: Annotated[bool, typer.Option(help="Read every review again.")] = False,
) -> None:
    """Scrape, load and score movies here and now, without Airflow."""
    from filmpulse import jobs

    context = common.scoring_context()
    run_id = jobs.new_run_id()
    mode: Mode = "full" if full else "incremental"
    said, loaded = list[str](), list[str]()
    planned = jobs.plan(imdb_ids, mode, run_id, context)
    told = (
        "Movies loaded into the warehouse: {} of {}. Reviews that were read of others are "
        "only in the lake. Run the same command again: it reads them anew, and scores the rest."
    )
    with common.interruptible(lambda: told.format(len(loaded), len(planned))):
        for imdb_id in planned:
            with common.saying(said):  # one movie never stops another
                with common.bar(f"{imdb_id} reviews") as progress:
                    uris = jobs.collect(imdb_id, mode, run_id, context, progress)
                jobs.load_movie(imdb_id, uris, context)
                loaded.append(imdb_id)
                with common.bar(f"{imdb_id} scores") as progress:
                    jobs.analyse(imdb_id, context, progress=progress, run_id=run_id)
        found = jobs.review_run(run_id, context)
    common.tell(found, said)
    if found.failures:
        raise typer.Exit(1)


def score(imdb_ids: Iterable[str], run_id: str, context: Any) -> Any:
    """Score some movies, print what waits and what failed, and return how it went."""
    from filmpulse import jobs

    imdb_ids = list(imdb_ids)
    said: list[str] = []
    scored = 0
    for imdb_id in imdb_ids:
        with common.saying(said), common.bar(f"{imdb_id} scores") as progress:
            scored += jobs.analyse(imdb_id, context, progress=progress, run_id=run_id).scored
    found = jobs.review_scoring(run_id, imdb_ids, context)
    common.tell(found, said)
    return found._replace(changed_rows=scored)


Movies = Annotated[
    list[str] | None,
    typer.Argument(help="The movies; without any, all that lack scores.", parser=read_movie),
]
BudgetUsd = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="The most that a model may cost now, in USD.",
        show_default="FILMPULSE_LLM_BUDGET_USD_PER_RUN",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask about large movies.")]
Estimate = Annotated[bool, typer.Option("--estimate", help="Say the cost; score nothing.")]
Again = Annotated[
    Literal["invalid"] | None,
    typer.Option(help="Ask about these again at once: the reviews with an unreadable answer."),
]


@app.command()
def analyse(
    imdb_ids: Movies = None,
    budget_usd: BudgetUsd = None,
    yes: Yes = False,
    estimate: Estimate = False,
    again: Again = None,
) -> None:
    """Score reviews that have no score yet, newest first, within the budget.

    If a model never saw more than 2,000 reviews of a movie, the command asks first. A review whose
    answer could not be read is taken up again after a day, or with `--again invalid`. Exit code 1:
    reviews failed, the model's endpoint refused or gave unusable answers, or a large movie was
    passed over because nobody could be asked.
    """
    from filmpulse import jobs
    from filmpulse.report import print_backlog

    context = common.scoring_context()
    if again and not estimate:
        jobs.ask_again(context, imdb_ids or ())
    backlog = jobs.plan_backlog(context, imdb_ids or ())
    planned = sorted(backlog.to_score + backlog.to_approve)
    if estimate:
        planned = [movie for movie in planned if movie.texts]
    if not planned:
        out.print(f"Every review has been read by {escape(jobs.who_reads(context))}.")
        return
    if estimate:
        print_backlog(planned, out)
        return
    is_asked = yes or sys.stdin.isatty()
    approved = [
        movie.imdb_id for movie in backlog.to_approve if yes or (is_asked and _confirm(movie))
    ]
    is_well = _score_backlog(planned, approved, budget_usd, context)
    if not is_well or not (is_asked or len(approved) == len(backlog.to_approve)):
        raise typer.Exit(1)


def _confirm(movie: Any) -> bool:
    cost = movie.about(movie.untouched)
    return typer.confirm(f"{movie.title}: {movie.untouched:,} reviews, {cost}. Score them?")


def _score_backlog(
    planned: Sequence[Any], approved: Sequence[str], budget_usd: float | None, context: Any
) -> bool:
    """Score the planned movies and tell how it went; return whether nothing failed.

    On an interruption it first tells what was scored so far: those scores are stored and paid.
    """
    from filmpulse import jobs

    run_id, said = jobs.new_run_id(), list[str]()
    interrupted: int | None = None  # the exit code
    try:
        with common.saying(said), common.bar("reviews") as progress:
            jobs.analyse_backlog(
                run_id,
                context,
                [movie.imdb_id for movie in planned],
                approved=approved,
                budget_usd=budget_usd,
                progress=progress,
            )
    except KeyboardInterrupt as stop:
        interrupted = common.interrupted_code(stop)
    found = jobs.review_backlog(run_id, planned, context, budget_usd)
    common.tell(found._replace(failures=[]) if interrupted else found, said)
    if interrupted:
        err.print(
            "[yellow]Interrupted. The scores so far are stored; the rest waits for the next run, "
            "or for the same command again.[/]"
        )
        raise typer.Exit(interrupted)
    return not said and not found.failures
