"""Commands that say how well analysers read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from filmpulse.cli import common
from filmpulse.cli.app import app
from filmpulse.cli.common import err, escape, out
from filmpulse.config import Settings
from filmpulse.errors import BadInput


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
    from filmpulse.report import print_evaluation

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
        err.print(escape(jobs.evaluation_cost(gold, settings)))
    kept = f"What was read so far is in {predictions}." if predictions else "Nothing was kept."
    with common.interruptible(lambda: kept), common.bar("reviews") as progress:
        found = jobs.evaluate(gold, names, settings, predictions, progress)
    if json_out is not None:
        _write(json_out, jobs.evaluation_document(found))
    print_evaluation(found, out)
    _tell_unread(found)


def _evaluate_warehouse(json_out: Path | None) -> None:
    from filmpulse import jobs
    from filmpulse.report import print_warehouse

    report = jobs.evaluate_warehouse(common.job_context())
    if json_out is not None:
        _write(json_out, report.as_document())
    print_warehouse(report, out)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    try:
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
