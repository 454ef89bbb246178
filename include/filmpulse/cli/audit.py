"""The command by which people judge scores, and what is printed of their judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import new_table, out, read_movie, shown
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
    str | None, typer.Option(help="Who filled the file; the name is stored as it is given.")
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

    try:
        with path.open("rb") as file:
            found = jobs.read_audit(common.job_context(), file, path.name, auditor)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    out.print(f"{found.labelled:,} reviews labelled; {found.blank:,} rows are blank.")
    print_audits(row for row in found.figures if row.auditor is not None)


def print_warehouse(report: Any) -> None:
    """Print how far analysers go with grades, and with people's labels (`WarehouseReport`)."""
    if not report.analysers:
        out.print("No review has a score yet: `filmpulse analyse`.")
        return
    table = new_table(["analyser"], ["movies", *_GRADES])
    for one in report.analysers:
        table.add_row(_name(one.analyser), f"{one.analyser.movies:,}", *_grades(one.grades))
    out.print(table)
    for one in report.analysers:
        out.print(f"{_name(one.analyser)}: {one.analyser.audit}")
    by_movie = new_table(["movie", "analyser"], _GRADES)
    for one in report.analysers:
        for of in one.movies:
            by_movie.add_row(escape(of.movie), _name(one.analyser), *_grades(of))
    out.print()
    out.print(by_movie)
    out.print(f"[dim]{_LEGEND}[/]")
    audits = [row for one in report.analysers for row in one.audits] + report.people
    if audits:
        out.print()
        print_audits(audits)


_GRADES = ("graded", "rank correlation", "contradicting")
_LEGEND = """\
movies: how many are shown under the analyser
graded: current reviews with a grade and an overall score
rank correlation: whether a better grade goes with a better overall score, -1 to 1 (Spearman)
contradicting: good grade and bad score or the other way round; grades 5 and 6 and score 0 left out
-: fewer than 30 reviews"""
_AUDITS = {
    "texts": "reviews",
    "F1": "f1",
    "sign right": "sign_agreement",
    "same score": "exact_agreement",
    "kappa": "kappa",
    "both": "compared",
}
_AUDIT_LEGEND = """\
texts: read by both; both: how many of them both find the aspect in
F1: whether both find the aspect in the same texts
sign right: praise is called praise, and blame blame
same score, kappa: of the scores from -2 to 2"""


def print_audits(rows: Iterable[Any]) -> None:
    """Print how far pairs of judges agree, by aspect (`AuditFigures`)."""
    table = new_table(["judged", "by", "aspect"], _AUDITS)
    for row in rows:
        judged = row.judge if row.other_auditor is None else row.other_auditor
        version = f" {row.analyser_version}" if row.analyser_version else ""
        people = f"all {row.auditors} auditors" if row.auditors > 1 else "all auditors"
        cells = (f"{judged}{version}", row.auditor or people, row.aspect)
        figures = (shown(getattr(row, name)) for name in _AUDITS.values())
        table.add_row(*map(escape, cells), *figures)
    out.print(table)
    out.print(f"[dim]{_AUDIT_LEGEND}[/]")


def _name(analyser: Any) -> str:
    return escape(f"{analyser.analyser} {analyser.prompt_version}")


def _grades(row: Any) -> Sequence[str]:
    if row is None:
        return ("0", "-", "-")
    share = row.contradicting_share
    return (
        f"{row.rated_reviews:,}",
        shown(row.spearman),
        "-" if share is None else f"{share:.1%} of {row.decided_reviews:,}",
    )
