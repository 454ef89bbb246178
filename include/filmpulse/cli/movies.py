"""Commands on tracked movies, their events, and how they are received."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from filmpulse.cli import common
from filmpulse.cli.app import app, events_app, movies_app
from filmpulse.cli.common import ImdbId, ImdbIds, err, escape, out, read_movie


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="A title or a name, or part of it.")],
    adult: Annotated[bool, typer.Option("--adult", help="Find adult titles, too.")] = False,
) -> None:
    """Find movies, series and people: in the catalogue, else by the source's suggestions.

    Words may stand in any order, the last may be the beginning of one, and each may have one typing
    error. A year helps: filmpulse search hamlet 1996. The id of a person, such as nm0634240, shows
    the person's titles by role.
    """
    from filmpulse import jobs

    query, context = " ".join(words), common.job_context()
    if (person_id := jobs.read_person_id(query)) and (
        person := jobs.find_person(person_id, context, titles=_OF_A_ROLE, with_adult=adult)
    ):
        _print_person(person)
        return
    found = jobs.find(query, context, with_adult=adult)
    if found.titles:
        _print_table(
            ("id", "title", "year", "type", "genres", "directed by", "with"),
            [
                (hit.imdb_id, hit.title, hit.year, hit.kind, ", ".join(hit.genres),
                 ", ".join(hit.directors), hit.stars)
                for hit in found.titles
            ],
        )  # fmt: skip
    if found.people:
        _print_table(
            ("id", "name", "born", "known for"),
            [(hit.person_id, hit.name, hit.birth_year, ", ".join(hit.known_for))
             for hit in found.people],
        )  # fmt: skip
    if not found.titles and not found.people:
        out.print(escape(f"Nothing found. {found.sentence}".strip()))
    if found.origin == "catalogue":
        _print_credit(found.as_of)


_OF_A_ROLE = 20  # titles of a person that fit a screen


def _print_person(found: Any) -> None:
    """Print a person, and in each role the titles with most votes."""
    _print_table(
        ("id", "name", "born", "died", "known for"),
        [(found.person.person_id, found.person.name, found.person.birth_year,
          found.person.death_year, ", ".join(found.person.known_for))],
    )  # fmt: skip
    for one in found.roles:
        role = one.role.replace("_", " ").capitalize()
        of = f" of {one.count:,}" if one.count > len(one.titles) else ""
        out.print(f"[bold]{escape(role)}[/] {len(one.titles):,}{of}")
        _print_table(
            ("id", "title", "year", "type", "rating", "votes"),
            [(hit.imdb_id, hit.title, hit.year, hit.kind, hit.rating,
              f"{hit.vote_count:,}" if hit.vote_count else "") for hit in one.titles],
        )  # fmt: skip
    if not found.roles:
        out.print("Apart from episodes and adult titles, the catalogue names no title.")
    _print_credit(found.as_of)


def _print_credit(as_of: datetime | None) -> None:
    from filmpulse.sources.datasets import CREDIT

    made = f" As of {as_of:%Y-%m-%d}." if as_of else ""
    out.print(f"[dim]{escape(CREDIT + made)}[/]")


def _print_table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print rows without the columns that are empty in all of them."""
    shown = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    table = Table(*(columns[place] for place in shown), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(str(row[place] or "")) for place in shown))
    out.print(table)
    out.print()


Day = Annotated[str, typer.Argument(help="The day, YYYY-MM-DD.", metavar="DATE")]
Label = Annotated[str, typer.Argument(help="What happened, in at most 80 characters.")]


@movies_app.command("list")
def movies_list() -> None:
    """List the movies that are tracked: those of the Variable, then those of the table."""
    from filmpulse import airflow_bridge, jobs

    context = common.job_context()
    tracked = jobs.all_tracked(airflow_bridge.read_variable(), context.warehouse)
    labels = jobs.labels(tracked.imdb_ids, context)
    for imdb_id in tracked.imdb_ids:
        out.print(f"{imdb_id}  {escape(labels[imdb_id])}" if imdb_id in labels else imdb_id)
    for problem in tracked.problems:
        err.print(f"[yellow]{escape(problem)}[/]")
    if not tracked.imdb_ids:
        out.print("No movie is tracked yet: filmpulse movies add tt0111161")


@movies_app.command("add")
def movies_add(imdb_ids: ImdbIds) -> None:
    """Track movies; the next hourly detection takes them up.

    They go to the Variable tracked_movies; once 2,000 movies are tracked, to a table.
    """
    _tell_change(change_tracked(add=imdb_ids))


@movies_app.command("remove")
def movies_remove(imdb_ids: ImdbIds) -> None:
    """Stop tracking movies; what was collected stays."""
    _tell_change(change_tracked(remove=imdb_ids))


@movies_app.command("import")
def movies_import(
    file: Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)],
    remove: Annotated[
        bool, typer.Option("--remove", help="Stop tracking the movies of the file instead.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
) -> None:
    """Track the movies that a file names; a second time changes nothing.

    The file holds ids or addresses of movies, one a line; or it is a CSV with a column of them, as
    IMDb exports lists and ratings; or a saved page of IMDb's search. Lines that name no movie are
    named and passed over.
    """
    from filmpulse import airflow_bridge, jobs

    found = jobs.read_ids(file.name, file.read_bytes())
    for line in found.wrong:
        err.print(f"[yellow]line {line.number} names no movie:[/] {escape(line.text)}")
    if (more := found.wrong_lines - len(found.wrong)) > 0:
        err.print(f"[yellow]and {more:,} more lines.[/]")
    out.print(
        f"{escape(file.name)} names {len(found.imdb_ids):,} movies; {found.repeated:,} came again, "
        f"{found.wrong_lines:,} lines name none."
    )
    if not dry_run:
        add, gone = ([], found.imdb_ids) if remove else (found.imdb_ids, [])
        _tell_change(change_tracked(add=add, remove=gone, file_name=None if remove else file.name))
        return
    context = common.job_context()
    known = set(jobs.all_tracked(airflow_bridge.read_variable(), context.warehouse).imdb_ids)
    tracked = sum(imdb_id in known for imdb_id in found.imdb_ids)
    what = f"{tracked:,} are tracked, and would be no longer" if remove else (
        f"{len(found.imdb_ids) - tracked:,} would be new, {tracked:,} are tracked already"
    )  # fmt: skip
    out.print(f"{what}. Nothing was changed.")


@movies_app.command("move")
def movies_move() -> None:
    """Move the movies of the Variable tracked_movies to the table, if the Variable is too long."""
    from filmpulse import airflow_bridge, jobs

    context = common.job_context()
    _tell_change(airflow_bridge.change_variable(lambda raw: jobs.move_to_table(raw, context)))


def change_tracked(
    add: Sequence[str] = (), remove: Sequence[str] = (), file_name: str | None = None
) -> Any:
    """Change which movies are tracked; leave the Variable's other entries as a person wrote them.

    Returns:
        What was changed (`jobs.Changed`).
    """
    from filmpulse import airflow_bridge, jobs

    context = common.job_context()
    asked: Any = {
        "add": add, "remove": remove, "file_name": file_name,
        "origin": "file" if file_name else "command",
    }  # fmt: skip
    return airflow_bridge.change_variable(lambda raw: jobs.change_tracked(raw, context, **asked))


def _tell_change(made: Any) -> None:
    """Print what a change of the tracked movies did."""
    for problem in made.problems:
        err.print(f"[yellow]{escape(problem)}[/]")
    changes = [
        f"{len(made.added):,} added" + (" to the table" if made.is_in_table else ""),
        f"{len(made.removed):,} removed",
    ]
    is_none = not (made.added or made.removed)
    said = "1 movie is tracked" if made.tracked == 1 else f"{made.tracked:,} movies are tracked"
    out.print(f"{said}." if is_none else f"{said}: {', '.join(changes)}.")


@events_app.command("add")
def events_add(imdb_id: ImdbId, day: Day, label: Label) -> None:
    """Note an event of a movie, such as a festival, for its time axis.

    The release is on the axis anyway. Only the warehouse keeps events: `filmpulse rebuild` leaves
    them as they are, and cannot bring them back to an empty warehouse.
    """
    from filmpulse import jobs

    is_new = jobs.add_event(imdb_id, day, label, common.job_context())
    out.print("Noted." if is_new else "It was noted before.")


@events_app.command("list")
def events_list(
    imdb_id: Annotated[
        str | None, typer.Argument(help="The movie; without one, all movies.", parser=read_movie)
    ] = None,
) -> None:
    """List the events that were noted, by movie and day."""
    from filmpulse import jobs

    events = jobs.list_events(common.job_context(), imdb_id)
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

    jobs.remove_event(imdb_id, day, label, common.job_context())
    out.print("Removed.")


@app.command()
def summary(imdb_ids: ImdbIds) -> None:
    """Show how movies are received: coverage, grade, trend, aspects and quotes."""
    from filmpulse import jobs
    from filmpulse.report import print_summary

    context = common.job_context()
    for imdb_id in imdb_ids:
        print_summary(jobs.summary(imdb_id, context), out)
