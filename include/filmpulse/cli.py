"""The command line, `filmpulse ...`: thin, over jobs."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from filmpulse.config import SECRETS, Settings, variable_name
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.items import Mode, read_imdb_id

app = typer.Typer(
    help="How a film is being received, why, and how that is changing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
movies_app = typer.Typer(help="The movies that are followed.", no_args_is_help=True)
app.add_typer(movies_app, name="movies")
inbox_app = typer.Typer(help="Saved pages and tables, on their way in.", no_args_is_help=True)
app.add_typer(inbox_app, name="inbox")
events_app = typer.Typer(help="What happened around a movie, shown in time.", no_args_is_help=True)
app.add_typer(events_app, name="events")
import_app = typer.Typer(help="Reviews from files that you may use.", no_args_is_help=True)
app.add_typer(import_app, name="import")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def _movie(typed: str) -> str:
    """Read the address of a movie's page as its id; the jobs refuse what is neither."""
    return read_imdb_id(typed) or typed


ImdbId = Annotated[
    str, typer.Argument(help="An IMDb id, such as tt0111161, or its address.", parser=_movie)
]
ImdbIds = Annotated[
    list[str],
    typer.Argument(help="IMDb ids, such as tt0111161, or their addresses.", parser=_movie),
]
Day = Annotated[str, typer.Argument(help="The day, YYYY-MM-DD.", metavar="DATE")]
Label = Annotated[str, typer.Argument(help="What happened, in at most 80 characters.")]


Kind = Literal["auto", "reviews", "title", "graphql", "find", "suggestion"]


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""


def main() -> None:
    """Run the command line; an error is one sentence and exit code 1, without a traceback.

    Of an error that nobody foresaw, Python's development mode (`PYTHONDEVMODE=1`) shows the
    traceback.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    # Airflow logs to the terminal as soon as it is imported; only its errors matter here.
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    for stream in (sys.stdout, sys.stderr):  # a file's name need not be what the terminal can show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except FilmpulseError as error:
        err.print(f"[red]{escape(_without_secrets(str(error)))}[/]")
        raise SystemExit(1) from None
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        said = " ".join(_without_secrets(str(error)).split())[:500]
        err.print(
            f"[red]An error that Filmpulse did not foresee: {type(error).__name__}: "
            f"{escape(said)}[/] With PYTHONDEVMODE=1 the same command shows where."
        )
        raise SystemExit(1) from None


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def _without_secrets(said: str) -> str:
    """Mask the secrets of the environment: a library may quote what it could not use."""
    url = os.environ.get(variable_name("warehouse_url"), "")
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    secrets = [os.environ.get(variable_name(name), "") for name in SECRETS]
    for secret in sorted(filter(None, [url, password, *secrets]), key=len, reverse=True):
        said = said.replace(secret, "***")
    return said


@contextmanager
def _interruptible(tell: Callable[[], str]) -> Iterator[None]:
    """End on Ctrl-C or SIGTERM with exit code 130 or 143, and a sentence.

    Args:
        tell: Says what is stored and how to go on.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # said once, it is said
        err.print(f"[yellow]Interrupted. {escape(tell())}[/]")
        raise typer.Exit(_interrupted_code(stop)) from None


def _interrupted_code(stop: KeyboardInterrupt) -> int:
    number = signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT
    return 128 + number


def _parts() -> Any:
    from filmpulse.jobs import Parts

    return Parts.from_settings(Settings.from_env())


def _scoring_parts() -> Any:
    return _parts().with_model(_with_model)


def _with_model(settings: Settings) -> Settings:
    """Take model and budget from Airflow's Connection and Variable where Airflow is at hand.

    Raises:
        BadInput: The Connection cannot be used.
    """
    if "AIRFLOW_HOME" not in os.environ:  # Airflow would make one, empty
        return settings
    log = logging.getLogger()
    handlers, level = log.handlers[:], log.level
    try:
        from filmpulse import airflow_bridge

        return airflow_bridge.stored_model(settings)
    finally:  # Airflow took them for itself as it was imported
        log.handlers[:] = handlers
        log.setLevel(level)


def _rejects_of(file: Path) -> Path:
    return file.with_name(f"{file.stem}.rejects.csv")


@app.command()
def setup() -> None:
    """Migrate the warehouse; make roles, pools, connections and the Variable. Repeatable."""
    from filmpulse import airflow_bridge, jobs

    revision = jobs.setup_warehouse(_parts())
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


@app.command()
def doctor() -> None:
    """Check versions, connections, roles, schema, disk, browser and S3; say what to do."""
    from filmpulse.local.doctor import checks

    table = Table(box=None, pad_edge=False)
    for name in ("", "check", "found", "what to do"):
        table.add_column(name, overflow="fold")
    failed = 0
    for check in checks(_with_model):
        failed += not check.ok
        table.add_row(
            "[green]ok[/]" if check.ok else "[red]no[/]",
            check.name,
            escape(check.detail),
            "" if check.ok else escape(check.advice),
        )
    out.print(table)
    raise typer.Exit(1 if failed else 0)


@app.command()
def search(words: Annotated[list[str], typer.Argument(help="A title, or part of it.")]) -> None:
    """Find a movie's id: the source's suggestions, with year, type and stars."""
    from filmpulse import jobs

    hits = jobs.search(" ".join(words), _parts())
    if not hits:
        out.print("Nothing found.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "title", "year", "type", "stars"):
        table.add_column(name)
    for hit in hits:
        table.add_row(
            *(escape(str(v or "")) for v in (hit.imdb_id, hit.title, hit.year, hit.kind, hit.stars))
        )
    out.print(table)


@movies_app.command("list")
def movies_list() -> None:
    """List the movies that are followed."""
    from filmpulse import airflow_bridge, jobs

    tracked = jobs.read_tracked(airflow_bridge.read_variable())
    parts = _parts()
    for imdb_id in tracked.imdb_ids:
        label = jobs.label(imdb_id, parts)
        out.print(imdb_id if label == imdb_id else f"{imdb_id}  {escape(label)}")
    for problem in tracked.problems:
        err.print(f"[yellow]{escape(problem)}[/]")
    if not tracked.imdb_ids:
        out.print("No movie is followed yet: filmpulse movies add tt0111161")


@movies_app.command("add")
def movies_add(imdb_ids: ImdbIds) -> None:
    """Follow movies; the next hourly detection takes them up."""
    _change(add=imdb_ids)


@movies_app.command("remove")
def movies_remove(imdb_ids: ImdbIds) -> None:
    """Follow movies no longer; what was collected stays."""
    _change(remove=imdb_ids)


def _change(add: list[str] | None = None, remove: list[str] | None = None) -> None:
    """Change the list and leave every other entry of it as a person wrote it."""
    import json

    from filmpulse import airflow_bridge, jobs

    if problems := jobs.read_tracked(json.dumps(add or [])).problems:
        raise BadInput(" ".join(problems))
    raw = airflow_bridge.read_variable()
    jobs.read_tracked(raw)  # what is no list is refused, not overwritten
    gone = remove or []
    entries = [
        entry
        for entry in json.loads(raw)
        if entry not in gone and jobs.tracked_id(entry) not in gone
    ]
    there = {jobs.tracked_id(entry) for entry in entries}
    entries += [i for i in dict.fromkeys(add or []) if i not in there]
    airflow_bridge.write_variable(json.dumps(entries))
    tracked = jobs.read_tracked(json.dumps(entries))
    for problem in tracked.problems:
        err.print(f"[yellow]{escape(problem)}[/]")
    count = len(tracked.imdb_ids)
    out.print("1 movie is followed." if count == 1 else f"{count} movies are followed.")


@events_app.command("add")
def events_add(imdb_id: ImdbId, day: Day, label: Label) -> None:
    """Note an event of a movie, such as a festival; it stands on the movie's time axis.

    The release is there by itself. The warehouse alone keeps events: `filmpulse rebuild` leaves
    them alone, and has none for an empty warehouse.
    """
    from filmpulse import jobs

    is_new = jobs.add_event(imdb_id, day, label, _parts())
    out.print("Noted." if is_new else "It was noted before.")


@events_app.command("list")
def events_list(
    imdb_id: Annotated[
        str | None, typer.Argument(help="The movie; all when none.", parser=_movie)
    ] = None,
) -> None:
    """List the events that were noted, by movie and day."""
    from filmpulse import jobs

    events = jobs.list_events(_parts(), imdb_id)
    for event in events:
        out.print(
            f"{event.imdb_id}  {event.happened_on}  {escape(event.label)}  "
            f"[dim]{escape(event.movie)}[/]"
        )
    if not events:
        out.print("No event is noted: filmpulse events add tt0111161 1994-09-10 'A festival'")


@events_app.command("remove")
def events_remove(imdb_id: ImdbId, day: Day, label: Label) -> None:
    """Take back an event; the same words as when it was noted."""
    from filmpulse import jobs

    jobs.remove_event(imdb_id, day, label, _parts())
    out.print("Removed.")


@app.command()
def collect(
    imdb_ids: ImdbIds,
    full: Annotated[bool, typer.Option(help="Read every review again.")] = False,
) -> None:
    """Scrape, load and score movies here and now, without Airflow."""
    from filmpulse import jobs

    parts = _scoring_parts()
    run_id = jobs.new_run_id()
    mode: Mode = "full" if full else "incremental"
    said, loaded = list[str](), list[str]()
    planned = jobs.plan(imdb_ids, mode, run_id, parts)
    told = (
        "Movies loaded into the warehouse: {} of {}. What was read of the others is in the lake "
        "alone. Run the same command again: it reads them anew, and scores what has no score."
    )
    with _interruptible(lambda: told.format(len(loaded), len(planned))):
        for imdb_id in planned:
            with _saying(said):  # one movie never stops another; the ledger says how it ended
                with _bar(f"{imdb_id} reviews") as progress:
                    uri = jobs.collect(imdb_id, mode, run_id, parts, progress)
                jobs.load(uri, parts)
                loaded.append(imdb_id)
                with _bar(f"{imdb_id} scores") as progress:
                    jobs.analyse(imdb_id, parts, progress=progress, run_id=run_id)
        found = jobs.review_run(run_id, parts)
    _tell(found, said)
    if found.failures:
        raise typer.Exit(1)


@contextmanager
def _saying(said: list[str]) -> Iterator[None]:
    """Print an error, unless the same was said before, and go on."""
    try:
        yield
    except Exception as error:
        sentence = str(error) or repr(error)
        if sentence not in said:
            err.print(f"[red]{escape(sentence)}[/]")
        said.append(sentence)


def _tell(found: Any, said: Sequence[str] = ()) -> None:
    """Print how a run went, but for what was said before."""
    for line in found.lines:
        out.print(escape(line))
    for warning in found.warnings:
        err.print(f"[yellow]{escape(warning)}[/]")
    for failure in found.failures:
        # It is the sentence, or one with a movie before it, or with what is lacking after it.
        if not any(
            f" {failure}".endswith(f" {sentence}") or failure.startswith(f"{sentence} ")
            for sentence in said
        ):
            err.print(f"[red]{escape(failure)}[/]")


def _score(imdb_ids: Iterable[str], run_id: str, parts: Any) -> Any:
    """Score some movies, telling what waits and what failed; return how it went."""
    from filmpulse import jobs

    imdb_ids = list(imdb_ids)
    said: list[str] = []
    scored = 0
    for imdb_id in imdb_ids:
        with _saying(said), _bar(f"{imdb_id} scores") as progress:
            scored += jobs.analyse(imdb_id, parts, progress=progress, run_id=run_id).scored
    found = jobs.review_scoring(run_id, imdb_ids, parts)
    _tell(found, said)
    return found._replace(changed_rows=scored)


@app.command()
def analyse(
    imdb_ids: Annotated[
        list[str] | None,
        typer.Argument(help="The movies; all that lack scores when none.", parser=_movie),
    ] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="The most that a model may cost now, in USD.",
            show_default="FILMPULSE_LLM_BUDGET_USD_PER_RUN",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about large movies.")] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would cost; score nothing.")
    ] = False,
    again: Annotated[
        Literal["invalid"] | None,
        typer.Option(help="Ask about these again at once: the reviews with an unreadable answer."),
    ] = None,
) -> None:
    """Score what the configured analyser has not, the newest reviews first, within the budget.

    It asks about a movie with more than 2,000 reviews that the model never took up. A review whose
    answer could not be read is taken up again after a day, or with `--again invalid`. Exit code 1
    when reviews failed, the model's endpoint refused or gave unusable answers, or a large movie was
    passed over since nobody could be asked.
    """
    from filmpulse import jobs
    from filmpulse.report import print_backlog

    parts = _scoring_parts()
    if again and not estimate:
        jobs.ask_again(parts, imdb_ids or ())
    backlog = jobs.plan_backlog(parts, imdb_ids or ())
    planned = sorted(backlog.to_score + backlog.to_approve)
    if not planned:
        out.print(f"Every review has been read by {escape(jobs.who_reads(parts))}.")
        return
    if estimate:
        print_backlog(planned, out)
        return
    is_asked = yes or sys.stdin.isatty()
    approved = [
        movie.imdb_id
        for movie in backlog.to_approve
        if yes
        or (
            is_asked
            and typer.confirm(
                f"{movie.title}: {movie.untouched:,} reviews, {movie.about(movie.untouched)}. "
                "Score them?"
            )
        )
    ]
    run_id, said = jobs.new_run_id(), list[str]()
    interrupted: int | None = None  # the exit code
    try:
        with _saying(said), _bar("reviews") as progress:
            jobs.analyse_backlog(
                run_id,
                parts,
                [movie.imdb_id for movie in planned],
                approved=approved,
                budget_usd=budget_usd,
                progress=progress,
            )
    except KeyboardInterrupt as stop:  # what was asked by then is paid, and told
        interrupted = _interrupted_code(stop)
    found = jobs.review_backlog(run_id, planned, parts, budget_usd)
    _tell(found._replace(failures=[]) if interrupted else found, said)
    if interrupted:
        err.print(
            "[yellow]Interrupted. The scores so far are stored; the rest waits for the next run, "
            "or for the same command again.[/]"
        )
        raise typer.Exit(interrupted)
    if said or found.failures or not (is_asked or len(approved) == len(backlog.to_approve)):
        raise typer.Exit(1)


@app.command()
def rebuild(
    imdb_ids: Annotated[
        list[str] | None,
        typer.Argument(help="The movies; all that the lake holds when none.", parser=_movie),
    ] = None,
    accept_loss: Annotated[
        list[str] | None,
        typer.Option(
            help="Rebuild this movie although objects of it are lost in the lake: note what is "
            "lost, and keep what the warehouse knows. Can be given several times.",
            parser=_movie,
            metavar="IMDB_ID",
        ),
    ] = None,
) -> None:
    """Write reviews anew from every collection in the lake; rows and scores that fit stay.

    Repairs a damaged warehouse, and fills an empty one after `filmpulse setup`. A movie of which an
    object of the lake is lost or damaged is named and left as it is; the others go on. Exit code 1
    when there is such a movie.
    """
    from filmpulse import jobs

    parts = _scoring_parts()
    done = [0]
    told = (
        "Movies written anew so far: {}; the others are as they were. Run the same command again: "
        "it goes through all of them, and changes only what is otherwise."
    )
    with _interruptible(lambda: told.format(*done)):
        with _bar("movies") as progress:

            def count(movies: int, total: int | None) -> None:
                done[0] = movies
                progress(movies, total)

            rebuilt = jobs.rebuild(
                parts, accept_loss or imdb_ids or (), count, accept_loss=bool(accept_loss)
            )
        scored = _score(rebuilt.imdb_ids, jobs.new_run_id(), parts)
    made = rebuilt.loaded
    out.print(
        f"{len(rebuilt.imdb_ids)} movies from {rebuilt.collections} collections: "
        f"{made.inserted:,} reviews came back, {made.updated:,} were put right, "
        f"{made.removed:,} are no longer living, {scored.changed_rows:,} were scored."
    )
    if rebuilt.passed_over:
        out.print(
            f"{rebuilt.passed_over:,} lost objects of the lake were passed over, since their loss "
            "is settled; `ops.lost_objects` names them."
        )
    for failure in rebuilt.failures:
        err.print(f"[red]{escape(failure)}[/]")
    if rebuilt.failures or scored.failures:
        raise typer.Exit(1)


@app.command()
def forget(
    movie: Annotated[
        str | None, typer.Option(help="All of a movie: its IMDb id.", parser=_movie)
    ] = None,
    review: Annotated[str | None, typer.Option(help="One review: its id, such as rw1.")] = None,
    author: Annotated[
        str | None,
        typer.Option(
            help="All that one person wrote: the author_key in any form, the site's own id of the "
            "user or the address of their page, or what a file calls them; the id is hashed and "
            "not kept."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Where the review or the author is.",
            show_default="imdb for a review, every source for an author",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase for good: from the warehouse, the lake, the inbox and the quarantine.

    A review or an author never comes back; a movie that is followed again starts anew. Exit code 1
    when nothing is stored of what was named: then nothing is noted either.
    """
    from filmpulse import jobs

    given = {"movie": movie, "review": review, "author": author}
    chosen = [(kind, value) for kind, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise BadInput("Say one of --movie, --review and --author.")
    kind: Any = chosen[0][0]
    parts = _parts()
    found = jobs.find_stored(kind, chosen[0][1], source, parts)
    if not found:
        _say_nothing_was_stored(kind, chosen[0][1], source)
        raise typer.Exit(1)
    for one in found:
        there = jobs.preview(kind, one.key, parts, one.source)
        name = _erased_name(kind, one)
        out.print(f"Of {name} there {_erased_line(there)}." if any(there)
                  else f"Nothing was stored any more of {name}: it was erased before.")  # fmt: skip
    if not yes:
        typer.confirm("Erase it, and never store it again?" if kind != "movie" else "Erase it?",
                      abort=True)  # fmt: skip
    if kind == "movie":
        _unfollow(found[0].key)
    for one in found:
        with _bar("movies") as progress:
            erased = jobs.forget(kind, one.key, parts, one.source, progress)
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
    from filmpulse.jobs.closing import count

    return (
        f"were {count(erased.reviews, 'review')} and "
        f"{count(erased.rows - erased.reviews, 'other row')} in the warehouse, "
        f"{count(erased.lines, 'line')} and {count(erased.objects, 'whole object')} in the lake"
    )


def _unfollow(imdb_id: str) -> None:
    """Take a movie off the list of those that are followed, and say so."""
    from filmpulse import airflow_bridge, jobs

    try:
        is_followed = imdb_id in jobs.read_tracked(airflow_bridge.read_variable()).imdb_ids
    except Exception as error:  # without Airflow there is no list, and erasing needs none
        err.print(f"[yellow]tracked_movies could not be read, so look yourself whether it lists "
                  f"{imdb_id}: {escape(str(error)[:200])}[/]")  # fmt: skip
        return
    if is_followed:
        _change(remove=[imdb_id])
        out.print(f"{imdb_id} is no longer followed.")


@app.command()
def retention() -> None:
    """Drop what may be kept for a time only; the DAG `retention` does it every day."""
    from filmpulse import jobs

    took = jobs.apply_retention(_parts(), datetime.now(UTC))
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


@app.command()
def summary(imdb_ids: ImdbIds) -> None:
    """Show how movies are received: coverage, grade, trend, aspects and quotes."""
    from filmpulse import jobs
    from filmpulse.report import print_summary

    parts = _parts()
    for imdb_id in imdb_ids:
        print_summary(jobs.summary(imdb_id, parts), out)


@app.command()
def parse(
    files: Annotated[list[Path], typer.Argument(help="Saved pages or answers.")],
    kind: Annotated[Kind, typer.Option(help="What they hold.")] = "auto",
    imdb_id: Annotated[
        str | None, typer.Option(help="The movie, where a file does not say.", parser=_movie)
    ] = None,
) -> None:
    """Print one JSON object a line per review or movie of saved files.

    Exit codes: 3 changed layout, 4 block page, 5 not IMDb's, 6 gated (reviews are printed).
    All files are tried; the highest code wins. Without FILMPULSE_AUTHOR_SECRET an author_key tells
    two authors of this call apart, and nothing more.
    """
    import secrets

    from filmpulse.sources.imdb.files import run_parse

    secret = Settings.from_env().author_secret
    key = secret.get_secret_value().encode() if secret else secrets.token_bytes(32)
    raise typer.Exit(run_parse(files, kind, imdb_id, key, sys.stdout, sys.stderr))


@inbox_app.command("add")
def inbox_add(
    files: Annotated[
        list[Path], typer.Argument(help="Saved pages, answers, ZIPs of such, or tables.")
    ],
    imdb_id: Annotated[
        str | None, typer.Option(help="The movie, where a page does not say.", parser=_movie)
    ] = None,
    saved_at: Annotated[
        datetime | None,
        typer.Option(
            help="When they were saved (UTC), where a page does not say.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
        ),
    ] = None,
    map_file: MapFile = None,
    source: Source = None,
    rights: Rights = None,
) -> None:
    """Put saved pages or tables into the inbox, cleaned; the next hourly import takes them up.

    Visitor data and reviewers' names are taken out before anything is stored. A table (.csv, .tsv,
    .jsonl, .ndjson, .xlsx, .json; each also as .gz) needs --map, as for `filmpulse import reviews`;
    its refused rows go to FILE.rejects.csv. Exit code 1 when a file was refused; the others are
    added all the same.
    """
    from filmpulse import jobs

    parts = _parts()
    if saved_at is not None:
        saved_at = saved_at.replace(tzinfo=saved_at.tzinfo or UTC)
    new = refused = 0
    for file in files:
        if jobs.is_table(file.name, has_map=map_file is not None):
            options = {"source": source, "rights": rights, "imdb_id": imdb_id}
            added_files = [_add_table(file, map_file, options, parts)]
        else:
            added_files = jobs.add_to_inbox(file, parts, imdb_id=imdb_id, saved_at=saved_at)
        for added in added_files:
            new += added.is_new
            refused += added.is_refused
            if added.is_refused:
                err.print(f"[red]refused[/]  {escape(added.given)}: {escape(added.sentence)}")
            else:
                state = "[green]added[/]  " if added.is_new else "[dim]known[/]  "
                out.print(f"{state}  {escape(added.given)}: {escape(added.sentence)}")
    if new:
        out.print(
            f"{new} in the inbox. `import_saved_pages` takes them up within the hour; "
            "`filmpulse inbox load` does it now."
        )
    raise typer.Exit(1 if refused else 0)


def _add_table(file: Path, map_file: Path | None, options: dict[str, Any], parts: Any) -> Any:
    from filmpulse import jobs, report

    rejects = _rejects_of(file)
    try:
        mapping = _read_map(map_file, **options)
        read, added = jobs.add_table(file, mapping, parts, rejects=rejects)
    except BadInput as error:  # one file never stops another
        return jobs.Added(str(file), None, str(error), is_refused=True)
    report.print_faults(read, out)
    if read.refused:
        out.print(f"The refused rows are in {escape(str(rejects))}.")
    return added


@inbox_app.command("list")
def inbox_list() -> None:
    """List what waits in the inbox and what could not be imported, with the reasons."""
    from filmpulse import jobs

    waits, failed = jobs.list_inbox(_parts())
    for file in waits:
        out.print(f"waits   {escape(file.name)}: {escape(file.about)}")
    for one in failed:
        out.print(f"[red]failed[/]  {escape(one.name)}: {escape(one.sentence)} ({one.reason})")
    if not waits and not failed:
        out.print("The inbox is empty: filmpulse inbox add FILE...")


@inbox_app.command("load")
def inbox_load() -> None:
    """Import and score what waits in the inbox here and now, without Airflow."""
    from filmpulse import jobs

    parts = _scoring_parts()
    run_id = jobs.new_run_id()
    names, imported = jobs.plan_import(parts), []
    with _bar("saved pages") as progress:
        for done, name in enumerate(names, start=1):
            try:
                imported.append(jobs.import_file(name, run_id, parts))
            except Exception as error:  # one file never stops another; it still waits
                err.print(f"[red]{escape(name)}: {escape(str(error))}[/]")
            progress(done, len(names))
    said: list[str] = []
    for imdb_id in sorted({imdb_id for one in imported for imdb_id in one.imdb_ids}):
        with _saying(said), _bar(f"{imdb_id} scores") as progress:
            jobs.analyse(imdb_id, parts, progress=progress, run_id=run_id)
    told = jobs.review_import(run_id, names, imported, parts)
    _tell(told, said)
    if not names:
        out.print("Nothing waits in the inbox.")
    raise typer.Exit(1 if told.failures else 0)


Source = Annotated[
    str | None,
    typer.Option(
        help="Where the reviews come from, one lower-case word of yours; needed here or in the map."
    ),
]
MapFile = Annotated[
    Path | None,
    typer.Option("--map", help="YAML that says which column is which field.", exists=True),
]
Rights = Annotated[
    str | None, typer.Option(help="Why you may use the file; needed here or in the map.")
]
Rejects = Annotated[
    Path | None, typer.Option(help="Where refused rows go.", show_default="FILE.rejects.csv")
]


@import_app.command("reviews")
def import_reviews(
    file: Annotated[
        Path,
        typer.Argument(help="A .csv, .tsv, .jsonl, .ndjson, .xlsx or .json, also as .gz."),
    ],
    map_file: MapFile,
    source: Source = None,
    imdb_id: Annotated[
        str | None, typer.Option(help="The movie, where no column says which.", parser=_movie)
    ] = None,
    rights: Rights = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be stored; store nothing. The warehouse must be up.",
        ),
    ] = False,
    rejects: Rejects = None,
    analyse: Annotated[bool, typer.Option(help="Score the reviews as well.")] = True,
) -> None:
    """Load the reviews of a file, by a map of its columns; refused rows go into a file with why.

    A field that cannot be read, and that a review can do without, is left empty and counted. The
    same file twice changes no row; a row of a known id that says something else is an edit. Exit
    code 1 when nothing could be used or a movie not loaded.
    """
    from filmpulse import jobs, report

    mapping = _read_map(map_file, source=source, rights=rights, imdb_id=imdb_id)
    parts = _parts() if dry_run else _scoring_parts()  # a trial run needs no model
    rejects = rejects or _rejects_of(file)
    if rejects.resolve() in (file.resolve(), map_file.resolve() if map_file else None):
        raise BadInput(f"{rejects} cannot be read and written at once: name another --rejects.")
    told = (
        "What was stored by now stays. Run the same command again: it adds what is missing, and "
        "changes nothing that is stored."
    )
    with _interruptible(lambda: told):
        with _opened(file) as content, _bar("rows") as progress:
            if dry_run:
                read = jobs.check_table(content, file.name, mapping, parts, progress)
            else:
                run_id = jobs.new_run_id()
                imported = jobs.import_table(
                    content, file.name, mapping, run_id, parts, rejects=rejects, progress=progress
                )
                read = imported.read
        report.print_table_read(read, out, is_trial=dry_run)
        if dry_run:
            out.print("Nothing was stored.")
            raise typer.Exit(0 if read.reviews else 1)
        if read.refused:
            out.print(f"The refused rows are in {escape(str(rejects))}.")
        scored = None
        if analyse:
            scored = _score(imported.loaded, run_id, parts)
        else:
            jobs.refresh_figures(parts)
    for one, loaded in imported.loaded.items():
        changed = f"{loaded.inserted:,} new, {loaded.revised:,} edited"
        out.print(
            f"{escape(jobs.label(one, parts))}: {changed if loaded.changed else 'nothing new'}"
        )
    for one, error in imported.failures.items():
        err.print(f"[red]{one}: not loaded. {escape(str(error))}[/]")
    is_well = read.reviews and not imported.failures and not (scored and scored.failures)
    raise typer.Exit(0 if is_well else 1)


def _read_map(path: Path | None, **options: str | None) -> Any:
    from filmpulse.sources.tables.mapping import read_map

    if path is None:
        raise BadInput("A table needs --map: which of its columns is which field.")
    try:
        return read_map(path.read_text(encoding="utf-8-sig"), **options)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The map {path} cannot be read: {error}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        content = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    with content:
        yield content


@app.command("check-live")
def check_live(
    imdb_id: ImdbId,
) -> None:
    """Look at one movie on the live site, stage by stage, and store nothing of it.

    Asks for robots.txt and two pages, as politely as always. Exit codes: 0 reviews can be read,
    6 gated, 4 blocked (also while the host is paused), 3 changed layout, 5 no such movie or not
    IMDb's, 1 anything else.
    """
    from filmpulse import jobs

    found = jobs.check_live(imdb_id, _parts(), lambda line: out.print(escape(line)))
    raise typer.Exit(found.exit_code)


@contextmanager
def _bar(label: str) -> Iterator[Any]:
    """Show a progress bar on long work when a person watches; nothing else prints meanwhile."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    )  # fmt: skip
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


if __name__ == "__main__":
    main()
