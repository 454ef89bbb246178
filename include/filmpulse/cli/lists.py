"""Commands on title lists, such as all anime: a person drops them into the inbox."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from filmpulse.cli import common
from filmpulse.cli.app import lists_app
from filmpulse.cli.common import escape, out

Name = Annotated[str, typer.Argument(help="The list, such as anime.")]
Most = Annotated[int, typer.Option(min=1, help="How many titles at most.")]


@lists_app.command("list")
def lists_list() -> None:
    """List the lists: how many titles each has, and how many of them the catalogue holds."""
    from filmpulse import jobs

    found = jobs.list_lists(common.job_context())
    table = Table("list", "titles", "in the catalogue", "from", "added", box=None, pad_edge=False)
    for one in found:
        counts = f"{one.titles:,}", f"{one.known_titles:,}"
        table.add_row(
            escape(one.title_list), *counts, escape(one.file_name), f"{one.added_at:%Y-%m-%d}"
        )
    if found:
        out.print(table)
    else:
        out.print("There is no list yet: filmpulse inbox add anime.ids")


@lists_app.command("show")
def lists_show(name: Name, most: Most = 50) -> None:
    """Show the first titles of a list, with what the catalogue says of them."""
    from filmpulse import jobs

    held, titles = jobs.show_list(name, most, common.job_context())
    table = Table("", "id", "title", "year", "rating", "votes", box=None, pad_edge=False)
    for one in titles:
        votes = f"{one.votes:,}" if one.votes is not None else ""
        cells = (one.position, one.imdb_id, one.title, one.year, one.rating, votes)
        table.add_row(*(escape(str(cell if cell is not None else "")) for cell in cells))
    out.print(table)
    if (more := len(held.imdb_ids) - len(titles)) > 0:
        out.print(f"... and {more:,} more")
    if any(one.title is not None or one.rating is not None for one in titles):
        out.print(jobs.CATALOGUE_CREDIT, style="dim")


@lists_app.command("remove")
def lists_remove(name: Name) -> None:
    """Remove a list; the titles themselves stay where they are."""
    from filmpulse import jobs

    jobs.remove_list(name, common.job_context())
    out.print("Removed.")
