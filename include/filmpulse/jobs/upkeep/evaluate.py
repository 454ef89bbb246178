"""Let analysers read labelled reviews, and measure what they say; needs no warehouse and no lake.

The reviews are read as the product reads them: their language is detected, the people who act are
learned from all texts of their movie, and the keyless analyser's whole is cut where the grades cut.
What needs numpy is imported in functions: most processes that load the jobs never do.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filmpulse.analysis import Analyser, make_analyser
from filmpulse.analysis.gold import GoldLine, read_gold
from filmpulse.analysis.language import detect_language
from filmpulse.config import Settings
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.items import Analysis, ReviewText, content_hash
from filmpulse.jobs.context import Progress, silent
from filmpulse.jobs.reception.score import about_usd
from filmpulse.jobs.upkeep.write_predictions import open_predictions

if TYPE_CHECKING:
    from filmpulse.analysis.evaluation import Report

_NO_MOVIE = "tt0000000"
"""The movie of each text, since analysers look at the text alone."""


class Evaluated(NamedTuple):
    """How one analyser did.

    `analyser` identifies it: kind, model, prompt version. `error` says why it stopped early; the
    report is then of the reviews that it had read.
    """

    analyser: dict[str, str | None]
    report: Report
    error: FilmpulseError | None

    @property
    def unread(self) -> int:
        """How many reviews it did not finish."""
        from filmpulse.analysis.evaluation import UNFINISHED

        return sum(self.report.statuses.get(status, 0) for status in UNFINISHED)


class _Read(NamedTuple):
    """What an analyser said, by the place of the text; how long it took, and why it stopped."""

    analyses: dict[int, Analysis]
    seconds: float
    error: FilmpulseError | None


def open_gold(path: Path, outputs: Sequence[Path]) -> list[GoldLine]:
    """Read labelled reviews, and make sure that there is a place for each output.

    Raises:
        BadInput: The file holds no gold lines, or an output cannot be written there.
    """
    gold = read_gold(path)
    places = [out.resolve() for out in outputs]
    for out, place in zip(outputs, places, strict=True):
        if place == path.resolve() or places.count(place) > 1:
            raise BadInput(f"{out} would be overwritten: give each file a name of its own.")
        if out.is_dir() or not place.parent.is_dir():
            raise BadInput(f"{out} cannot be written: name a file in a folder that exists.")
    return gold


def evaluation_cost(gold: Sequence[GoldLine], settings: Settings) -> str:
    """Say where the model would get the reviews, and about what that costs.

    Raises:
        BadInput: The settings name no model, or cannot be used.
    """
    from filmpulse.analysis.llm.prices import estimate_usd
    from filmpulse.analysis.llm.providers import provider_for

    if not settings.has_llm:
        raise BadInput(
            "There is no model to evaluate: set FILMPULSE_LLM_BASE_URL, FILMPULSE_LLM_API_KEY, or "
            "both."
        )
    usd = estimate_usd(settings, len(gold), sum(len(line.analysed) for line in gold))
    return (
        f"{settings.llm_model} at {provider_for(settings).host} reads {len(gold):,} reviews: "
        f"{about_usd(usd)}; at most ${_budget(settings):,.2f} is spent."
    )


def _budget(settings: Settings) -> float:
    return min(settings.llm_budget_usd_per_run, settings.llm_budget_usd_per_day)


def evaluate(
    gold: Sequence[GoldLine],
    names: Sequence[str],
    settings: Settings,
    predictions: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Evaluated]:
    """Let each analyser read all reviews, one analyser after the other.

    Args:
        gold: The reviews; ids are unique.
        names: The analysers, each once: `llm` for the model, or a kind of `make_analyser`.
        settings: The model's settings; its run may spend the smaller one of the two budgets.
        predictions: Where a line a review is written, as soon as it is known.
        progress: Told how many reviews an analyser has read.

    Raises:
        BadInput: An analyser is not known, the model's settings cannot be used, or the predictions
            cannot be written.
    """
    texts = _texts(gold)
    found: dict[str, Evaluated] = {}
    with open_predictions(predictions, gold, names) as written:
        for place, name in enumerate(names):
            write = partial(written.add, place)
            if name == "llm":
                found[name] = _evaluate_model(gold, texts, settings, write, progress)
            else:
                found[name] = _evaluate_keyless(name, gold, texts, write, progress)
    return found


def evaluation_document(found: dict[str, Evaluated]) -> dict[str, Any]:
    """Return the report as JSON holds it; by the analysers' names if there are several."""
    reports = {
        name: one.report.model_dump(mode="json")
        | {"analyser": one.analyser, "error": None if one.error is None else str(one.error)}
        for name, one in found.items()
    }
    return {"analysers": reports} if len(reports) > 1 else next(iter(reports.values()))


def _texts(gold: Sequence[GoldLine]) -> list[ReviewText]:
    """Return what an analyser is given; the places in the file stand for the reviews' ids."""
    from filmpulse.analysis.lexicon import learn_names

    of_movie: defaultdict[str, list[str]] = defaultdict(list)
    for line in gold:
        of_movie[line.group].append(line.analysed)
    learned = {movie: learn_names(texts) for movie, texts in of_movie.items()}
    return [
        ReviewText(
            source="gold",
            review_id=str(row),
            imdb_id=_NO_MOVIE,
            content_hash=content_hash(line.title, line.text),
            language=line.language or detect_language(f"{line.title}\n{line.text}"),
            text=line.analysed,
            cast=tuple(dict.fromkeys(line.cast + learned[line.group])),
        )
        for row, line in enumerate(gold)
    ]


_Write = Callable[[int, Analysis], None]


def _evaluate_keyless(
    name: str,
    gold: Sequence[GoldLine],
    texts: Sequence[ReviewText],
    write: _Write,
    progress: Progress,
) -> Evaluated:
    analyser = make_analyser(name)
    read = _read(analyser, texts, lambda row, analysis: None, progress)
    read = read._replace(analyses=_cut(gold, read.analyses))
    for row in sorted(read.analyses):
        write(row, read.analyses[row])
    return _evaluated(gold, texts, analyser, read, 0.0)


def _evaluate_model(
    gold: Sequence[GoldLine],
    texts: Sequence[ReviewText],
    settings: Settings,
    write: _Write,
    progress: Progress,
) -> Evaluated:
    from filmpulse.analysis.llm.analyser import LlmAnalyser
    from filmpulse.analysis.llm.memory_ledger import MemoryLedger

    ledger = MemoryLedger(_budget(settings))
    analyser = LlmAnalyser(settings, ledger)
    read = _read(analyser, texts, write, progress)
    return _evaluated(gold, texts, analyser, read, ledger.spent_usd)


def _read(
    analyser: Analyser, texts: Sequence[ReviewText], write: _Write, progress: Progress
) -> _Read:
    """Let the analyser read the texts; the time is the analyser's own."""
    analyses: dict[int, Analysis] = {}
    seconds, began, error = 0.0, time.perf_counter(), None
    try:
        for analysis in analyser.analyse(texts):
            seconds += time.perf_counter() - began
            row = int(analysis.review_id)
            analyses[row] = analysis
            write(row, analysis)
            progress(len(analyses), len(texts))
            began = time.perf_counter()
    except FilmpulseError as stopped:
        error = stopped
    return _Read(analyses, seconds + time.perf_counter() - began, error)


def _evaluated(
    gold: Sequence[GoldLine],
    texts: Sequence[ReviewText],
    analyser: Analyser,
    read: _Read,
    cost_usd: float,
) -> Evaluated:
    """Measure what was read; a text that the analyser did not reach counts as failed."""
    from filmpulse.analysis.evaluation import Case, measure

    keys = {"status": "failed", "source": "gold", "imdb_id": _NO_MOVIE}
    cases = [
        Case(
            line,
            read.analyses.get(row)
            or Analysis(review_id=text.review_id, content_hash=text.content_hash, **keys),
        )
        for row, (line, text) in enumerate(zip(gold, texts, strict=True))
    ]
    who = {"kind": analyser.kind, "model": analyser.model, "version": analyser.prompt_version}
    return Evaluated(who, measure(cases, seconds=read.seconds, cost_usd=cost_usd), read.error)


def _cut(gold: Sequence[GoldLine], analyses: dict[int, Analysis]) -> dict[int, Analysis]:
    """Cut the whole where the grades of the movie cut, or those of all rated reviews."""
    from filmpulse.analysis.lexicon.cuts import choose_cuts, cut

    rated: defaultdict[str, Counter[tuple[float, int]]] = defaultdict(Counter)
    for row, analysis in analyses.items():
        line = gold[row]
        if analysis.valence is not None and line.rating_1_10 is not None:
            rated[line.group][analysis.valence, line.rating_1_10] += 1
    everybodys = sum(rated.values(), Counter[tuple[float, int]]())
    movies = {line.group for line in gold}
    cuts = {movie: choose_cuts(rated[movie], lambda: everybodys).cuts for movie in movies}
    return {
        row: analysis
        if analysis.valence is None
        else analysis.model_copy(update={"overall": cut(analysis.valence, cuts[gold[row].group])})
        for row, analysis in analyses.items()
    }
