"""Commands for the catalogue: accept its terms, refresh it, say how it stands, drop it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from filmpulse.cli import common
from filmpulse.cli.app import catalogue_app
from filmpulse.cli.common import err, escape, out

Subset = Annotated[
    str,
    typer.Option(help="Which titles: rated, no_episodes (all but episodes of series), or all."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@catalogue_app.command("accept")
def accept(subset: Subset = "rated", yes: Yes = False) -> None:
    """Accept the terms of IMDb's datasets, and choose which titles are kept.

    From then on they are loaded each week. Another subset replaces the one chosen before.
    """
    from filmpulse import jobs
    from filmpulse.errors import BadInput

    cost = jobs.CATALOGUE_COSTS.get(subset)  # type: ignore[call-overload]
    if cost is None:
        known = ", ".join(jobs.CATALOGUE_COSTS)
        raise BadInput(f"There is no subset {subset}; there are {known}.")
    out.print(escape(jobs.CATALOGUE_TERMS))
    out.print(
        f"\nThe subset {subset} holds {cost.titles}. A refresh that finds all datasets changed "
        f"downloads about {cost.download_gb:g} GB and loads them in about {cost.minutes} minutes "
        f"on 2 cores; on Postgres' disk the tables take about {cost.disk_gb:g} GB, and twice that "
        "during a refresh. Each refresh says what is so before it begins."
    )
    if not yes:
        typer.confirm("Do you accept these terms?", abort=True)
    jobs.accept_catalogue(subset, common.job_context())
    out.print(
        "Accepted. `filmpulse catalogue refresh` loads the catalogue now; otherwise Airflow does, "
        "on the next Saturday."
    )


@catalogue_app.command("status")
def status() -> None:
    """Say how the catalogue stands, and how the last loads went."""
    from filmpulse import jobs

    found = jobs.catalogue_status(common.job_context())
    if found.not_accepted:
        out.print(escape(found.not_accepted))
    else:
        out.print(f"Accepted {found.accepted_at:%Y-%m-%d}: {found.subset} titles.")
    if found.is_filled:
        made = f" of {found.as_of:%Y-%m-%d}" if found.as_of else ""
        out.print(
            f"{found.titles:,} titles{made} ({found.shown_subset}), {found.bytes / 1e9:,.2f} GB "
            f"with indexes. {escape(jobs.CATALOGUE_CREDIT)}"
        )
    else:
        out.print("No title is loaded.")
    if found.run_id:
        working = (
            "is loading it now" if found.is_worked_on else "began to load it, and pauses or died"
        )
        out.print(f"The run {escape(found.run_id)} {working}.")
    if found.loads:
        out.print(_loads(found))
    for load in found.loads:
        if load.state in ("refused", "failed"):
            err.print(f"[red]{load.dataset}: {escape(load.sentence or load.reason or '')}[/]")


def _loads(found: Any) -> Table:
    """Return how the last tries went, and what readers see, within 80 columns.

    The newest try of a dataset need not be the load that is shown.
    """
    table = Table(
        "dataset", "tried (UTC)", "state", box=None, pad_edge=False, collapse_padding=True
    )
    for name in ("shown rows", "of rows", "shown size"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = {load.dataset: load for load in found.shown}
    for load in found.loads:
        cells = [load.dataset, f"{load.started_at:%m-%d %H:%M}", escape(load.reason or load.state)]
        if seen := shown.get(load.dataset):
            size = f"{seen.table_bytes / 1e6:,.0f} MB"
            cells += [f"{seen.rows_kept:,}", f"{seen.rows_read:,}", size]
        table.add_row(*cells)
    return table


@catalogue_app.command("refresh")
def refresh() -> None:
    """Load the datasets that changed, and show them once all are ready.

    It can be broken off at any time: readers keep what they have.
    """
    from filmpulse import jobs

    context, run_id = common.job_context(), jobs.new_run_id()
    told = "Nothing of this refresh is kept; the catalogue is as it was. Run it again."
    with common.interruptible(lambda: told), common.bar("datasets") as progress:
        plan = jobs.refresh_catalogue(
            run_id, context, progress, lambda plan: err.print(escape(plan.sentence))
        )
    if plan.datasets:
        now = jobs.catalogue_status(context)
        out.print(f"{now.titles:,} titles are shown. {escape(jobs.CATALOGUE_CREDIT)}")


@catalogue_app.command("drop")
def drop(yes: Yes = False) -> None:
    """Drop the catalogue and load it no more, until its terms are accepted again."""
    from filmpulse import jobs

    if not yes:
        typer.confirm("Drop all titles and people of the catalogue?", abort=True)
    jobs.drop_catalogue(common.job_context())
    out.print("The catalogue is empty, and is not loaded until its terms are accepted again.")
