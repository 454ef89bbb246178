"""Read saved files, and look at the live site, without storing anything."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import ImdbId, escape, out, read_movie
from filmpulse.config import Settings

Kind = Literal["auto", "reviews", "title", "graphql", "find", "suggestion"]


@app.command()
def parse(
    files: Annotated[list[Path], typer.Argument(help="Saved pages or answers.")],
    kind: Annotated[Kind, typer.Option(help="What they hold.")] = "auto",
    imdb_id: Annotated[
        str | None, typer.Option(help="The movie, where a file does not say.", parser=read_movie)
    ] = None,
) -> None:
    """Print the reviews and movies of saved files, one JSON object a line.

    Exit codes: 3 changed layout, 4 block page, 5 not IMDb's, 6 gated (reviews are printed).
    All files are tried; the highest code wins. Without FILMPULSE_AUTHOR_SECRET an author_key only
    tells the authors of this call apart.
    """
    import secrets

    from filmpulse.sources.imdb.files import run_parse

    key = Settings.from_env().author_key_secret or secrets.token_bytes(32)
    raise typer.Exit(run_parse(files, kind, imdb_id, key, sys.stdout, sys.stderr))


@app.command("check-live")
def check_live(imdb_id: ImdbId) -> None:
    """Look at one movie on the live site, stage by stage, and store nothing of it.

    Asks for robots.txt and two pages, as politely as always. Exit codes: 0 reviews can be read,
    6 gated, 4 blocked (also while the host is paused), 3 changed layout, 5 no such movie or not
    IMDb's, 1 anything else.
    """
    from filmpulse import jobs

    found = jobs.check_live(imdb_id, common.job_context(), lambda line: out.print(escape(line)))
    raise typer.Exit(found.exit_code)
