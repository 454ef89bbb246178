"""The command that takes reviews and figures out of the warehouse, as files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import escape, out, read_movie
from filmpulse.items import ExportFormat

Movies = Annotated[
    list[str] | None,
    typer.Option(
        help="A movie, by its IMDb id or address; can be given several times. Without any, all.",
        parser=read_movie,
        metavar="IMDB_ID",
    ),
]
FileFormat = Annotated[
    ExportFormat,
    typer.Option(
        help="parquet for pandas and DuckDB; csv for spreadsheets: no cell runs as a formula."
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        help="A folder, or an address such as s3://bucket/folder.",
        show_default="filmpulse-export-<date> in this folder",
    ),
]
WithText = Annotated[
    bool, typer.Option("--with-text", help="Write the words of reviews and quotes too.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an export that lies there; other files stay.")
]


@app.command()
def export(
    movie: Movies = None,
    format: FileFormat = "parquet",
    to: To = None,
    with_text: WithText = False,
    overwrite: Overwrite = False,
) -> None:
    """Write reviews, aspects, series and movies into files: what the marts say, with its units.

    Words of reviews belong to those who wrote them, and are written only --with-text. `filmpulse
    forget` cannot reach what is written here: delete it yourself.
    """
    from filmpulse import jobs

    context = common.job_context()
    target = to or f"filmpulse-export-{datetime.now(UTC):%Y-%m-%d}"
    told = f"What lies at {target} without a manifest.json is not whole: run the command again."
    with common.interruptible(lambda: told), common.bar("movies of 4 tables") as progress:
        made = jobs.export(
            context, target, movie or (),
            file_format=format, with_text=with_text, overwrite=overwrite, progress=progress,
        )  # fmt: skip
    table = Table("file", "rows", "bytes", box=None, pad_edge=False)
    for written in made.manifest.tables.values():
        table.add_row(written.file, f"{written.rows:,}", f"{written.size_bytes:,}")
    out.print(table)
    out.print(f"{made.manifest.movies:,} movies, in {escape(made.uri.removeprefix('file://'))}")
