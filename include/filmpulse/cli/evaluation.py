"""Commands that say how well analysers read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.audit import print_warehouse
from filmpulse.cli.common import err, new_table, out, shown
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import ASPECTS


class Analyser(StrEnum):
    """Who can read labelled reviews."""

    lexicon = "lexicon"
    llm = "llm"


File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Labelled reviews, as docs/labelling.md says."),
]
OfWarehouse = Annotated[
    bool,
    typer.Option(
        "--warehouse",
        help="Instead of a file: hold the scores in the warehouse against the grades of the same "
        "reviews, and against the labels that people gave (`filmpulse audit`).",
    ),
]
Analysers = Annotated[
    list[Analyser] | None,
    typer.Option(
        "--analyser",
        help="Who reads them; give it again to compare.",
        show_default="lexicon",
    ),
]
JsonOut = Annotated[
    Path | None, typer.Option("--json", metavar="OUT", help="Write all figures here, as JSON.")
]
PredictionsOut = Annotated[
    Path | None,
    typer.Option("--predictions", metavar="OUT", help="Write a line a review here, as JSON lines."),
]


@app.command()
def evaluate(
    file: File = None,
    warehouse: OfWarehouse = False,
    analysers: Analysers = None,
    json_out: JsonOut = None,
    predictions: PredictionsOut = None,
) -> None:
    """Measure how well an analyser reads, against reviews that people labelled.

    With FILE this needs neither warehouse nor lake. `llm` is the model that the settings name: what
    it costs is said before, and never more is spent than a run may cost. Exit code 1: an analyser
    stopped early or left reviews unread; the figures are of those that it read.
    """
    from filmpulse import jobs

    if warehouse:
        if file or analysers or predictions:
            raise BadInput("--warehouse takes no FILE, no --analyser and no --predictions.")
        _evaluate_warehouse(json_out)
        return
    if file is None:
        raise BadInput("Name a FILE of labelled reviews, or say --warehouse.")
    gold = jobs.open_gold(file, [path for path in (json_out, predictions) if path is not None])
    names = list(dict.fromkeys(map(str, analysers or [Analyser.lexicon])))
    settings = Settings.from_env()
    if Analyser.llm in names:
        settings = common.with_model(settings)
        err.print(escape(jobs.cost_sentence(gold, settings)))
    kept = f"What was read so far is in {predictions}." if predictions else "Nothing was kept."
    with common.interruptible(lambda: kept), common.bar("reviews") as progress:
        found = jobs.evaluate(gold, names, settings, predictions, progress)
    if json_out is not None:
        _write(json_out, jobs.as_document(found))
    _print(found)
    _tell_unread(found)


def _evaluate_warehouse(json_out: Path | None) -> None:
    from filmpulse import jobs

    report = jobs.evaluate_warehouse(common.job_context())
    if json_out is not None:
        _write(json_out, report.as_document())
    print_warehouse(report)


def _print(found: Mapping[str, Any]) -> None:
    reports = {name: one.report for name, one in found.items()}
    if len(reports) > 1:
        _print_comparison(reports)
    else:
        _print_one(*reports.values())
    for name, one in found.items():
        out.print(escape(_summary(name, one)))


def _write(path: Path, document: Any) -> None:
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error


def _tell_unread(found: Mapping[str, Any]) -> None:
    """Say what stopped an analyser and how many reviews it left, and end with exit code 1."""
    for name, one in found.items():
        if one.error is not None:
            err.print(f"[red]{escape(str(one.error))}[/]")
        if one.unread:
            err.print(
                f"[yellow]{name} left {one.unread:,} of {one.report.reviews:,} reviews unread; the "
                "figures are without them.[/]"
            )
    if any(one.error or one.unread for one in found.values()):
        raise typer.Exit(1)


_COLUMNS = {
    "reviews": "n",
    "found": "recall",
    "rightly": "precision",
    "F1": "f1",
    "sign right": "sign_agreement",
    "balanced": "balanced_accuracy",
    "steps off": "mae",
    "kappa": "kappa",
}
"""Headings, and the figures below them; `_LEGEND` says what they are."""

_LEGEND = """\
reviews: how many are labelled with the aspect; -: too few cases
found: the share of these in which the analyser sees the aspect
rightly: the share that is labelled, of the reviews in which the analyser sees the aspect
F1: of found and rightly
sign right: praise is called praise, and blame blame
balanced: the same, where labels against the review's grade weigh as much as those with it
steps off, kappa: of the scores from -2 to 2"""
_COMPARED = {"F1": "f1", "sign right": "sign_agreement", "balanced": "balanced_accuracy"}


def _print_one(report: Any) -> None:
    """Print how each aspect is read, all together, and the whole."""
    table = new_table([""], _COLUMNS)
    for name, figures in [*report.aspects.items(), ("all aspects", report.pooled)]:
        table.add_row(name, *(shown(getattr(figures, of)) for of in _COLUMNS.values()))
    out.print(table)
    whole = report.overall
    out.print(
        f"overall: rank correlation {shown(whole.spearman)}, {shown(whole.mae)} steps off, "
        f"in {whole.n:,} reviews"
    )
    out.print(f"[dim]{_LEGEND}[/]")


def _print_comparison(reports: Mapping[str, Any]) -> None:
    """Print the figures of several analysers side by side, each with its 95 % interval."""
    table = new_table(["", ""], reports)
    rows = [
        (label, name, f"{place}.{figure}")
        for label, place in [
            *((aspect, f"aspects.{aspect}") for aspect in ASPECTS), ("all aspects", "pooled")
        ]
        for name, figure in _COMPARED.items()
    ] + [
        ("overall", "rank correlation", "overall.spearman"), ("overall", "steps off", "overall.mae")
    ]  # fmt: skip
    for label, name, path in rows:
        table.add_row(label, name, *(_with_interval(one, path) for one in reports.values()))
    out.print(table)
    out.print("[dim]In brackets: the 95 % interval, by drawing the reviews anew.[/]")
    out.print(f"[dim]{_LEGEND}[/]")


def _with_interval(report: Any, path: str) -> str:
    figure = report
    for part in path.split("."):
        figure = figure[part] if isinstance(figure, dict) else getattr(figure, part)
    interval = report.intervals[path]
    between = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return f"{shown(figure)}{between}"


def _summary(name: str, one: Any) -> str:
    """Say who read, how that ended, and what it took."""
    report = one.report
    who = ", ".join(filter(None, [one.analyser["model"], one.analyser["version"]]))
    ended = ", ".join(f"{n:,} {status.replace('_', ' ')}" for status, n in report.statuses.items())
    quotes = report.quotes
    letter = "-" if quotes.verified is None else f"{quotes.verified:.0%}"
    speed = report.reviews_per_second
    return (
        f"{name} ({who}): {ended}; {letter} of {quotes.n:,} quotes to the letter; "
        f"{report.seconds:.1f} s{'' if speed is None else f', {speed:,.0f} reviews a second'}; "
        f"${report.cost_usd:,.4f}."
    )
