"""Commands that back the warehouse up, bring a backup back, and look after the lake's copies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from filmpulse.cli import common
from filmpulse.cli.app import app, backup_app, lake_app
from filmpulse.cli.common import err, escape, out
from filmpulse.config import Settings
from filmpulse.errors import AirflowUnavailable, BadInput

BackupId = Annotated[
    str | None, typer.Argument(help="Which backup.", show_default="the newest complete one")
]


@backup_app.command("now")
def backup_now() -> None:
    """Back all tables up to FILMPULSE_BACKUP_URL, and read the backup back.

    With them go Airflow's Variables, and Superset's charts and dashboards; no password and no key.
    """
    from filmpulse import jobs

    settings = Settings.from_env()
    superset = jobs.Superset.from_settings(settings)
    made = jobs.back_up(common.job_context(), _airflow_objects, superset)
    found, kept = made.manifest, made.kept
    out.print(
        f"{found.backup_id} holds {found.rows:,} rows of {len(found.tables)} tables in "
        f"{_size(found.stored_bytes)}; it was read back and is whole. "
        f"{kept.backups} old backups and {kept.leftovers} unfinished ones were deleted."
    )
    for warning in made.warnings:
        err.print(f"[yellow]{escape(warning)}[/]")


def _airflow_objects() -> Any:
    """Return what a backup keeps of Airflow; nothing, and a warning, where Airflow is away."""
    from filmpulse import airflow_bridge, jobs

    try:
        if common.has_airflow():
            return airflow_bridge.stored_objects()
        why = "AIRFLOW_HOME is not set"
    except AirflowUnavailable as error:
        why = str(error)
    err.print(f"[yellow]The backup goes without Airflow's Variables: {escape(why)}[/]")
    return jobs.AirflowObjects()


@backup_app.command("list")
def backup_list() -> None:
    """List the complete backups, newest first."""
    from filmpulse import jobs

    table = Table(box=None, pad_edge=False)
    for name in ("backup", "taken at (UTC)", "rows", "size", "revision"):
        justify: Any = "right" if name in ("rows", "size") else "left"
        table.add_column(name, justify=justify, no_wrap=True)
    found = jobs.list_backups(common.job_context())
    for backup_id, one in found.items():
        if one is None:
            table.add_row(backup_id, "[red]damaged[/]")
            continue
        table.add_row(
            backup_id, f"{one.taken_at:%Y-%m-%d %H:%M}", f"{one.rows:,}",
            _size(one.stored_bytes), one.schema_revision,
        )  # fmt: skip
    out.print(table if found else "No complete backup yet: `filmpulse backup now` makes one.")


@backup_app.command("verify")
def backup_verify(backup_id: BackupId = None) -> None:
    """Read a backup back, and compare each object with the manifest."""
    from filmpulse import jobs

    found = jobs.verify_backup(common.job_context(), backup_id)
    out.print(f"{found.backup_id} is whole: {found.rows:,} rows of {len(found.tables)} tables.")


Backup = Annotated[
    str | None,
    typer.Option("--backup", help="Which backup.", show_default="the newest complete one"),
]
Into = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Restore into this database, as postgresql://user:password@host/name, and leave "
        "Airflow and Superset alone.",
        show_default="the warehouse",
    ),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Drop what the database holds, if it is not empty.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def restore(
    backup: Backup = None, into: Into = None, replace: Replace = False, yes: Yes = False
) -> None:
    """Bring a backup back into an empty database, and bring it up to this version.

    Every table is compared with the backup before anything is committed: if the command breaks off,
    the database is as it was. What was erased since the backup is erased again. Then Airflow's
    Variables come back, and Superset's charts and dashboards, if FILMPULSE_SUPERSET_URL is set.
    """
    from filmpulse import jobs

    if replace and not yes:
        typer.confirm("Drop all movies, reviews and scores that the database holds?", abort=True)
    context = common.job_context()
    with common.bar("tables") as progress:
        back = jobs.restore(context, backup, into_url=into, is_replacing=replace, progress=progress)
    found = back.manifest
    out.print(
        f"{found.backup_id} of {found.taken_at:%Y-%m-%d %H:%M} UTC is back: {found.rows:,} rows of "
        f"{len(found.tables)} tables, each as it was saved, at revision {back.revision}."
    )
    if any(back.erased):
        out.print(f"{back.erased.reviews:,} reviews that were erased since were erased again.")
    if back.is_lake_empty:
        err.print(
            "[yellow]The lake is empty, so nothing said what was erased since the backup. Bring it "
            "back now (`filmpulse lake copy --from URI`), then run `filmpulse retention`.[/]"
        )
    if into is None:
        _restore_variables(back.airflow)
        _restore_assets(back.assets, context.settings)


def _restore_variables(airflow: Any) -> None:
    from filmpulse import airflow_bridge

    if not common.has_airflow():
        err.print("[yellow]AIRFLOW_HOME is not set, so Airflow's Variables were left.[/]")
        return
    written, other = airflow_bridge.write_variables(airflow.variables)
    if written:
        out.print(f"Airflow's Variables are back: {escape(', '.join(written))}.")
    if other:
        err.print(
            "[yellow]These Variables have another value now and were left: "
            f"{escape(', '.join(other))}.[/]"
        )
    if airflow.secret_variables:
        err.print(
            "[yellow]A backup holds no secret, so set these Variables by hand: "
            f"{escape(', '.join(airflow.secret_variables))}.[/]"
        )


def _restore_assets(assets: bytes | None, settings: Settings) -> None:
    from filmpulse import jobs

    superset = jobs.Superset.from_settings(settings)
    if assets is None:
        return
    if superset is None:
        err.print(
            "[yellow]FILMPULSE_SUPERSET_URL is not set, so charts and dashboards were left: "
            "Superset can import superset.zip of the backup.[/]"
        )
        return
    superset.import_assets(assets)
    out.print("Superset's charts and dashboards are back.")
    # They name the warehouse and the Airflow of the instance that was backed up.
    instance = Path(os.environ.get("AIRFLOW_HOME", "")).parent
    if (instance / "install.json").is_file():
        from filmpulse.local import sync_dashboards

        sync_dashboards(instance.name, instance.parent)
    else:
        err.print(
            "[yellow]Now run `python -m superset_tools.prepare` where Superset runs (in Compose, "
            "start it anew), so that they read this warehouse.[/]"
        )


@app.command("recovery-sheet")
def recovery_sheet() -> None:
    """Print what no backup holds and a recovery needs: keys and addresses. Keep it elsewhere.

    The lines set the environment of a new instance; `filmpulse restore` does the rest.
    """
    from filmpulse import jobs

    typer.echo(jobs.recovery_sheet(Settings.from_env()), nl=False)


@lake_app.command("verify")
def lake_verify() -> None:
    """Read the whole lake, and compare each collection with its manifest."""
    from filmpulse import jobs

    with common.bar("collections") as progress:
        found = jobs.verify_lake(common.job_context(), progress)
    for problem in found.problems:
        err.print(f"[red]{escape(problem)}[/]")
    out.print(
        f"{found.collections:,} collections and drains with {found.reviews:,} reviews: "
        f"{len(found.problems)} are not whole."
    )
    raise typer.Exit(1 if found.problems else 0)


_PLACE = "Any fsspec URI, such as s3://bucket/lake; for S3 with the account of the backups."
To = Annotated[str | None, typer.Option("--to", metavar="URI", help=f"Where to. {_PLACE}")]
From = Annotated[
    str | None, typer.Option("--from", metavar="URI", help="Bring a copy back from there.")
]
Prune = Annotated[
    bool,
    typer.Option("--prune", help="Delete there what the lake no longer has: erased, old or lost."),
]


@lake_app.command("copy")
def lake_copy(to: To = None, back_from: From = None, prune: Prune = False) -> None:
    """Copy the lake to another place, or back: what is missing there, or was changed since.

    It can be broken off and repeated. An object that is damaged never replaces another. What was
    erased here is taken out of the copy's reviews; whole objects that are gone here stay there
    unless you say --prune.
    """
    from filmpulse import jobs

    place = to or back_from
    if place is None or (to and back_from) or (prune and back_from):
        raise BadInput("Say --to URI, with --prune if you like, or --from URI.")
    with common.bar("objects") as progress:
        copied = jobs.copy_lake(
            common.job_context(), place, is_return=to is None, is_pruning=prune, progress=progress
        )
    out.print(
        f"{copied.objects:,} objects ({_size(copied.bytes)}) were copied, {copied.there:,} were "
        "there."
    )
    if copied.deleted:
        out.print(f"{copied.deleted:,} objects that are gone here were deleted there.")
    if copied.left and to:
        err.print(f"[yellow]{copied.left:,} objects there are gone here (erased, old or lost); "
                  "--prune deletes them.[/]")  # fmt: skip
    for problem in copied.problems:
        err.print(f"[red]{escape(problem)}[/]")
    raise typer.Exit(1 if copied.problems else 0)


def _size(number: int) -> str:
    """Return bytes as a person reads them."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
