"""Commands that put saved pages and tables into the inbox, and import them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from filmpulse.cli import common
from filmpulse.cli.app import import_app, inbox_app
from filmpulse.cli.common import err, escape, out, read_movie
from filmpulse.cli.reception import score
from filmpulse.errors import BadInput

Source = Annotated[
    str | None,
    typer.Option(
        help="Your own lower-case word for the source of the reviews; needed here or in the map."
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
Files = Annotated[
    list[Path],
    typer.Argument(help="Saved pages, answers, title lists, ZIPs of them, or tables."),
]
ImdbId = Annotated[
    str | None,
    typer.Option(help="The movie, if a page or a table does not say it.", parser=read_movie),
]
SavedAt = Annotated[
    datetime | None,
    typer.Option(
        help="When the pages were saved (UTC), if a page does not say it.",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
    ),
]


@inbox_app.command("add")
def inbox_add(
    files: Files,
    imdb_id: ImdbId = None,
    saved_at: SavedAt = None,
    map_file: MapFile = None,
    source: Source = None,
    rights: Rights = None,
) -> None:
    """Put pages, tables or lists into the inbox, cleaned; the next hourly import takes them up.

    Visitor data and reviewers' names are taken out before anything is stored. A table (.csv, .tsv,
    .jsonl, .ndjson, .xlsx, .json; each also as .gz) needs --map, as for `filmpulse import reviews`;
    its refused rows go to FILE.rejects.csv. A title list is a saved search page, or a text with
    ids such as tt0111161 and no reviews; FILE.ids is always a list. Exit code 1 if a file was
    refused; others are added.
    """
    from filmpulse import jobs

    context = common.job_context()
    if saved_at is not None:
        saved_at = saved_at.replace(tzinfo=saved_at.tzinfo or UTC)
    new = refused = 0
    for file in files:
        if _is_reviews(file, has_map=map_file is not None):
            options = {"source": source, "rights": rights, "imdb_id": imdb_id}
            added_files = [_add_table(file, map_file, options, context)]
        else:
            added_files = jobs.add_to_inbox(file, context, imdb_id=imdb_id, saved_at=saved_at)
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


def _is_reviews(file: Path, *, has_map: bool) -> bool:
    """Say whether a file is a table of reviews: by its map, or its ending and what is in it."""
    from filmpulse import jobs

    if has_map or not jobs.is_table(file.name, has_map=False):
        return jobs.is_table(file.name, has_map=has_map)
    try:
        with file.open("rb") as content:
            return not jobs.holds_list(content, file.name)
    except OSError:
        return True  # the error is told when the table is read


def _add_table(file: Path, map_file: Path | None, options: dict[str, Any], context: Any) -> Any:
    from filmpulse import jobs, report

    rejects = _rejects_of(file)
    try:
        mapping = _read_map(map_file, **options)
        with jobs.open_table(file) as content:
            read, added = jobs.add_table(content, file.name, mapping, context, rejects=rejects)
    except BadInput as error:  # one file never stops another
        return jobs.Added(str(file), None, str(error), is_refused=True)
    report.print_faults(read, out)
    if read.refused:
        out.print(f"The refused rows are in {escape(str(rejects))}.")
    return added._replace(given=str(file))


@inbox_app.command("list")
def inbox_list() -> None:
    """List what waits in the inbox and what could not be imported, with the reasons."""
    from filmpulse import jobs

    waits, failed = jobs.list_inbox(common.job_context())
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

    context = common.scoring_context()
    run_id = jobs.new_run_id()
    names, imported = jobs.plan_import(context), []
    with common.bar("saved pages") as progress:
        for done, name in enumerate(names, start=1):
            try:
                imported.append(jobs.import_file(name, run_id, context))
            except Exception as error:  # one file never stops another; it still waits
                err.print(f"[red]{escape(name)}: {escape(str(error))}[/]")
            progress(done, len(names))
    said: list[str] = []
    for imdb_id in sorted({imdb_id for one in imported for imdb_id in one.imdb_ids}):
        with common.saying(said), common.bar(f"{imdb_id} scores") as progress:
            jobs.analyse(imdb_id, context, progress=progress, run_id=run_id)
    told = jobs.review_import(run_id, names, imported, context)
    common.tell(told, said)
    if not names:
        out.print("Nothing waits in the inbox.")
    raise typer.Exit(1 if told.failures else 0)


Table = Annotated[
    Path, typer.Argument(help="A .csv, .tsv, .jsonl, .ndjson, .xlsx or .json, also as .gz.")
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show what would be stored; store nothing. The warehouse must be up."
    ),
]
Analyse = Annotated[bool, typer.Option(help="Score the reviews as well.")]


@import_app.command("reviews")
def import_reviews(
    file: Table,
    map_file: MapFile,
    source: Source = None,
    imdb_id: ImdbId = None,
    rights: Rights = None,
    dry_run: DryRun = False,
    rejects: Rejects = None,
    analyse: Analyse = True,
) -> None:
    """Load the reviews of a file by a map of its columns; write refused rows and why to a file.

    An optional field that cannot be read is left empty and counted. The same file twice changes no
    row; a row of a known id that says something else is an edit. Exit code 1 if no row could be
    used, or a movie was not loaded.
    """
    mapping = _read_map(map_file, source=source, rights=rights, imdb_id=imdb_id)
    rejects = rejects or _rejects_of(file)
    if rejects.resolve() in (file.resolve(), map_file.resolve() if map_file else None):
        raise BadInput(f"{rejects} cannot be read and written at once: name another --rejects.")
    told = (
        "What was stored so far stays. Run the same command again: it adds what is missing, and "
        "changes nothing that is stored."
    )
    with common.interruptible(lambda: told):
        if dry_run:
            is_well = _check_table(file, mapping)
        else:
            is_well = _import_table(file, mapping, rejects, analyse)
    raise typer.Exit(0 if is_well else 1)


def _check_table(file: Path, mapping: Any) -> bool:
    """Show what an import would store; return whether it would store any review."""
    from filmpulse import jobs, report

    with jobs.open_table(file) as content, common.bar("rows") as progress:
        # A trial run needs no model.
        read = jobs.check_table(content, file.name, mapping, common.job_context(), progress)
    report.print_table_read(read, out, is_trial=True)
    out.print("Nothing was stored.")
    return bool(read.reviews)


def _import_table(file: Path, mapping: Any, rejects: Path, analyse: bool) -> bool:
    """Import, score and tell; return whether something was used and nothing failed."""
    from filmpulse import jobs, report

    context = common.scoring_context()
    run_id = jobs.new_run_id()
    with jobs.open_table(file) as content, common.bar("rows") as progress:
        imported = jobs.import_table(
            content, file.name, mapping, run_id, context, rejects=rejects, progress=progress
        )
    report.print_table_read(imported.read, out, is_trial=False)
    if imported.read.refused:
        out.print(f"The refused rows are in {escape(str(rejects))}.")
    is_scored = True
    if analyse:
        is_scored = not score(imported.loaded, run_id, context).failures
    for imdb_id, loaded in imported.loaded.items():
        changed = f"{loaded.inserted:,} new, {loaded.revised:,} edited"
        name = escape(jobs.label(imdb_id, context))
        out.print(f"{name}: {changed if loaded.changed else 'nothing new'}")
    for imdb_id, error in imported.failures.items():
        err.print(f"[red]{imdb_id}: not loaded. {escape(str(error))}[/]")
    return bool(imported.read.reviews) and not imported.failures and is_scored


def _rejects_of(file: Path) -> Path:
    return file.with_name(f"{file.stem}.rejects.csv")


def _read_map(path: Path | None, **options: str | None) -> Any:
    from filmpulse.sources.tables.mapping import read_map

    if path is None:
        raise BadInput(
            "A table needs --map, which says which of its columns is which field. (A list of "
            "titles with such columns is taken if its name ends in .ids.)"
        )
    try:
        return read_map(path.read_text(encoding="utf-8-sig"), **options)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The map {path} cannot be read: {error}.") from error
