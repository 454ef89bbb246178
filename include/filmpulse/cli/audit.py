"""The command by which people check the scores of a sample."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import escape, out, read_movie
from filmpulse.errors import BadInput

Count = Annotated[int, typer.Option("--n", min=1, max=10_000, help="How many reviews.")]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Draw the same sample again.", show_default="another each time"),
]
Movies = Annotated[
    list[str] | None,
    typer.Option(
        "--imdb-id",
        help="A movie, by its IMDb id or address; can be given several times. Without any, all.",
        parser=read_movie,
        metavar="IMDB_ID",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv",
        help="Where the sample goes.",
        show_default="filmpulse-audit-<date>.csv in this folder",
    ),
]
Read = Annotated[
    Path | None,
    typer.Option("--read", metavar="FILE", help="Read a filled file back: .csv, .tsv or .xlsx."),
]
Auditor = Annotated[
    str | None, typer.Option(help="Who filled the file; the name is stored as it is first given.")
]
Forget = Annotated[
    bool, typer.Option("--forget", help="Delete the auditor's name and all of their labels.")
]


@app.command()
def audit(
    n: Count = 50,
    seed: Seed = None,
    imdb_id: Movies = None,
    output: Output = None,
    read: Read = None,
    auditor: Auditor = None,
    forget: Forget = False,
) -> None:
    """Have a person check the scores: write a sample of reviews, then --read it back filled.

    The file has, for each review, the analyser's scores and quotes and an empty column for each
    label; docs/labelling.md says how to label. Fill overall_label of every review that you read,
    and leave an aspect empty that the review does not judge. Rows without any label are passed
    over. Reading a file again replaces your labels of its reviews.

    The file holds people's words, and `filmpulse forget` cannot reach it: delete it at the end.
    """
    from filmpulse import jobs

    if read is None and not forget:
        if auditor is not None:
            raise BadInput("--auditor goes with --read, or with --forget.")
        path = output or Path(f"filmpulse-audit-{datetime.now(UTC):%Y-%m-%d}.csv")
        sampled = jobs.write_audit(common.job_context(), path, n, imdb_id or (), seed)
        out.print(
            f"{sampled.reviews:,} of {sampled.of:,} scored reviews are in {escape(str(path))} "
            f"(--seed {sampled.seed}). Label them as docs/labelling.md says, then: "
            f"filmpulse audit --read {escape(str(path))} --auditor NAME"
        )
    elif auditor is None or (read is not None and forget):
        raise BadInput("Say who labelled: --read FILE --auditor NAME, or --forget --auditor NAME.")
    elif read is None:
        gone = jobs.forget_auditor(common.job_context(), auditor)
        out.print(f"The labels of {gone:,} reviews were deleted.")
    else:
        _read(read, auditor)


def _read(path: Path, auditor: str) -> None:
    from filmpulse import jobs
    from filmpulse.report import print_audits

    try:
        with path.open("rb") as file:
            found = jobs.read_audit(common.job_context(), file, path.name, auditor)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    out.print(f"{found.labelled:,} reviews labelled; {found.blank:,} rows are blank.")
    print_audits((row for row in found.figures if row.auditor is not None), out)
