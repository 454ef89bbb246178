"""Commands that set up, check, rebuild, erase, and drop old data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import err, escape, out, read_movie
from filmpulse.cli.movies import change_tracked
from filmpulse.cli.reception import score
from filmpulse.errors import BadInput


@app.command()
def setup() -> None:
    """Migrate the warehouse; make roles, pools, connections and the Variable. Repeatable."""
    from filmpulse import airflow_bridge, jobs

    revision = jobs.setup_warehouse(common.job_context())
    airflow_bridge.setup()
    found = revision.current or "empty"
    out.print(
        f"Warehouse at revision {revision.head}"
        + ("" if found == revision.head else f" (was {found})")
        + "; Airflow has its pools, connections and tracked_movies."
    )
    if revision.missing:
        err.print(f"[yellow]Made anew, since missing: {', '.join(revision.missing)}.[/]")
    if {"core", "ops"} & set(revision.missing):
        err.print("[yellow]What the lake holds comes back with `filmpulse rebuild`.[/]")


AlertTest = Annotated[
    bool, typer.Option("--alert-test", help="Only send a test message to whom alerts go.")
]


@app.command()
def doctor(alert_test: AlertTest = False) -> None:
    """Check versions, connections, roles, schema, disk, browser and S3; say what to do."""
    from filmpulse.doctor import checks

    if alert_test:
        _test_alerts()
        return
    table = Table(box=None, pad_edge=False)
    for name in ("", "check", "found", "what to do"):
        table.add_column(name, overflow="fold")
    failed = 0
    for check in checks(common.with_model, common.variable_reader()):
        failed += not check.ok
        table.add_row(
            "[green]ok[/]" if check.ok else "[red]no[/]",
            check.name,
            escape(check.detail),
            "" if check.ok else escape(check.advice),
        )
    out.print(table)
    raise typer.Exit(1 if failed else 0)


def _test_alerts() -> None:
    """Send a test message; say who took it, by the services' names alone."""
    took = common.send_test_alert()
    if took is None:
        raise BadInput(
            "There is no Connection filmpulse_alerts, so nobody is told what is wrong. Set "
            "FILMPULSE_ALERTS_URL and run `make up` or `filmpulse setup`; "
            "docs/runbooks/alerts.md has examples."
        )
    for name, is_taken in took:
        if is_taken:
            out.print(f"{escape(name)} took a test message.")
        else:
            err.print(
                f"[red]{escape(name)} did not take a test message: check the address in the "
                "Connection filmpulse_alerts, and whether this machine reaches it.[/]"
            )
    raise typer.Exit(0 if all(is_taken for _, is_taken in took) else 1)


Rebuilt = Annotated[
    list[str] | None,
    typer.Argument(help="The movies; without any, all that the lake holds.", parser=read_movie),
]
AcceptLoss = Annotated[
    list[str] | None,
    typer.Option(
        help="Rebuild this movie although some of its objects in the lake are lost: note them, and "
        "keep what the warehouse knows. Can be given several times.",
        parser=read_movie,
        metavar="IMDB_ID",
    ),
]


@app.command()
def rebuild(imdb_ids: Rebuilt = None, accept_loss: AcceptLoss = None) -> None:
    """Write reviews anew from every collection in the lake; rows and scores that fit stay.

    Repairs a damaged warehouse, and fills an empty one after `filmpulse setup`. If an object of a
    movie is lost or damaged in the lake, the movie is named and left as it is, and the exit code is
    1; the others go on.
    """
    from filmpulse import jobs

    context = common.scoring_context()
    done = [0]
    told = (
        "Movies written anew so far: {}; the others are as they were. Run the same command again: "
        "it goes through all of them, and changes only what differs."
    )
    with common.interruptible(lambda: told.format(*done)):
        with common.bar("movies") as progress:

            def count(movies: int, total: int | None) -> None:
                done[0] = movies
                progress(movies, total)

            rebuilt = jobs.rebuild(
                context, accept_loss or imdb_ids or (), count, accept_loss=bool(accept_loss)
            )
        scored = score(rebuilt.imdb_ids, jobs.new_run_id(), context)
    _tell_rebuilt(rebuilt, scored.changed_rows)
    if rebuilt.failures or scored.failures:
        raise typer.Exit(1)


def _tell_rebuilt(rebuilt: Any, scored: int) -> None:
    made = rebuilt.loaded
    out.print(
        f"{len(rebuilt.imdb_ids)} movies from {rebuilt.collections} collections: "
        f"{made.inserted:,} reviews came back, {made.updated:,} were put right, "
        f"{made.removed:,} are no longer current, {scored:,} were scored."
    )
    if rebuilt.passed_over:
        out.print(
            f"{rebuilt.passed_over:,} lost objects of the lake were passed over, since their loss "
            "is settled; `ops.lost_objects` names them."
        )
    for failure in rebuilt.failures:
        err.print(f"[red]{escape(failure)}[/]")


@app.command()
def recount() -> None:
    """Count the figures of all movies anew from their reviews and scores; say which were wrong.

    Loads and scores keep figures right, so this is needed only after a change of rows by hand.
    `filmpulse doctor` compares some movies' figures with their rows.
    """
    from filmpulse import jobs

    with common.bar("movies") as progress:
        wrong = jobs.recount(common.job_context(), progress)
    if wrong:
        out.print(f"{len(wrong)} movies had wrong figures, now put right: {', '.join(wrong)}.")
    else:
        out.print("The figures of all movies were right.")


Movie = Annotated[str | None, typer.Option(help="All of a movie: its IMDb id.", parser=read_movie)]
Review = Annotated[str | None, typer.Option(help="One review: its id, such as rw1.")]
Author = Annotated[
    str | None,
    typer.Option(
        help="All that one person wrote: the author_key in any form, the site's own id of the "
        "user, the address of their page, or what a file calls them. The id is hashed, not kept."
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        help="Where the review or the author is.",
        show_default="every live source for a review, every source for an author",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def forget(
    movie: Movie = None,
    review: Review = None,
    author: Author = None,
    source: Source = None,
    yes: Yes = False,
) -> None:
    """Erase for good: from the warehouse, the lake, its exports, the inbox and the quarantine.

    A review or an author never comes back; a movie that is tracked again starts anew. If nothing is
    stored under the given name, nothing is noted either, and the exit code is 1. What somebody
    exported to a folder of their own is not reached.
    """
    from filmpulse import jobs

    given = {"movie": movie, "review": review, "author": author}
    chosen = [(kind, value) for kind, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise BadInput("Say one of --movie, --review and --author.")
    kind: Any = chosen[0][0]
    context = common.job_context()
    found = jobs.find_stored(kind, chosen[0][1], source, context)
    if not found:
        _say_nothing_was_stored(kind, chosen[0][1], source)
        raise typer.Exit(1)
    for one in found:
        there = jobs.preview(kind, one.key, context, one.source)
        name = _erased_name(kind, one)
        out.print(f"Of {name} there {_erased_line(there)}." if any(there)
                  else f"Nothing was stored any more of {name}: it was erased before.")  # fmt: skip
    if not yes:
        typer.confirm("Erase it, and never store it again?" if kind != "movie" else "Erase it?",
                      abort=True)  # fmt: skip
    if kind == "movie":
        _stop_tracking(found[0].key)
    for one in found:
        with common.bar("movies") as progress:
            erased = jobs.erase(kind, one.key, context, one.source, progress)
        out.print(f"Erased: there {_erased_line(erased)}." if any(erased)
                  else "Nothing was left to erase.")  # fmt: skip


def _say_nothing_was_stored(kind: str, given: str, source: str | None) -> None:
    where = f" of {source}" if source and kind != "movie" else ""
    hint = {
        "movie": "Check the id. `filmpulse movies remove` takes a movie off the list.",
        "review": "Check the id; of a review from a file, give --source too.",
        "author": "Check the key or the id. An id is found only with the FILMPULSE_AUTHOR_SECRET "
        "with which the reviews were stored; of an author in a file, give --source too. Refused "
        "rows of tables (inbox/failed/) do not say who wrote them: look there yourself.",
    }
    err.print(f"[red]Nothing was stored of the {kind} {escape(given)}{where}, so nothing was "
              f"erased and nothing was noted.[/] {hint[kind]}")  # fmt: skip


def _erased_name(kind: str, named: Any) -> str:
    return escape(f"the {kind} {named.key}" + (f" of {named.source}" if kind != "movie" else ""))


def _erased_line(erased: Any) -> str:
    from filmpulse.jobs.reception.summarise import count

    return (
        f"were {count(erased.reviews, 'review')} and "
        f"{count(erased.rows - erased.reviews, 'other row')} in the warehouse, "
        f"{count(erased.lines, 'line')} and {count(erased.objects, 'whole object')} in the lake"
    )


def _stop_tracking(imdb_id: str) -> None:
    """Take a movie off the list of tracked movies, and say so."""
    try:
        made = change_tracked(remove=[imdb_id])
    except Exception as error:  # without Airflow there is no list, and erasing needs none
        err.print(f"[yellow]tracked_movies could not be read, so look yourself whether it lists "
                  f"{imdb_id}: {escape(str(error)[:200])}[/]")  # fmt: skip
        return
    if made.removed:
        out.print(f"{imdb_id} is no longer tracked.")


@app.command()
def retention() -> None:
    """Drop what may be kept for a time only; the DAG `retention` does this every day."""
    from filmpulse import jobs

    took = jobs.apply_retention(common.job_context(), datetime.now(UTC))
    out.print(
        f"{took.texts:,} old texts and {took.quotes:,} quotes were dropped, and {took.lines:,} "
        f"lines of the lake with them; {took.pages:,} kept pages, {took.files:,} files of the "
        f"inbox and {took.unfinished:,} objects of broken-off collections were deleted."
    )
    if took.cleaned or took.not_cleaned:
        out.print(
            f"Of what earlier versions kept, {took.cleaned:,} objects were cleaned again and "
            f"{took.not_cleaned:,} deleted, since they could not be cleaned."
        )
    if took.erased:
        err.print(f"[yellow]{took.erased:,} rows and objects that were erased before had come "
                  "back, and were erased again.[/]")  # fmt: skip
