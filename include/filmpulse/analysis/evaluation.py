"""How well an analyser reads: its analyses of labelled reviews, measured against the labels.

Definitions, the same wherever figures are shown:

* An aspect is **mentioned** where it is present, whatever its score. A review that an analyser
  refuses mentions nothing. Reviews that it did not finish (`failed`, `over_budget`) are left out.
* `n` of an aspect counts the reviews whose labels mention it; `precision`, `recall` and `f1` are
  those of mentions.
* `sign_agreement`: of the reviews where both mention the aspect and the label is not 0, the share
  with the same sign. A prediction of 0 is wrong.
* `balanced_accuracy`: the same reviews, split by whether the label has the sign of the review's
  grade (4 and below is negative, 7 and above positive; 5, 6 and no grade are left out). It is the
  mean of the two sign agreements, so that an analyser that only repeats the grade gets .5.
* `mae` and `kappa` (weighted by the square of the distance): where both mention the aspect.
* `pooled`: the cases of all aspects together.
* `overall`: where both give one. `quotes.verified`: the share of quotes that stand to the letter
  where the analysis says.

A figure is None where it is not defined: no cases, or fewer than 10 on a side of
`balanced_accuracy`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from filmpulse.analysis.agreement import (
    SCORES,
    Floats,
    defined,
    mean_error,
    ratio,
    sign_agreement,
    spearman,
    weighted_kappa,
)
from filmpulse.analysis.gold import GoldLine
from filmpulse.items import ASPECTS, Analysis, AnalysisStatus, Aspect

UNFINISHED: frozenset[AnalysisStatus] = frozenset({"failed", "over_budget"})
"""Statuses that say nothing of a text: it is to be taken up again."""

MIN_SIDE = 10
"""The fewest cases on each side of a balanced accuracy."""

RESAMPLES, SEED = 1_000, 16
"""How often reviews are drawn anew for an interval, and where the random numbers begin."""

_SIGNS = np.sign(SCORES)
_GRADE_SIGNS = np.array([-1, 0, 1])
_AS_GRADE = np.multiply.outer(_SIGNS, _GRADE_SIGNS)
"""1 where a label has the sign of the grade, -1 the other sign, 0 where one of the two has none."""

_STEPS = 1 + len(SCORES)
_SHAPE = (len(ASPECTS), _STEPS, _STEPS, len(_GRADE_SIGNS))
"""Of counts: aspect, label and prediction (0 is absent, then -2..2), sign of the grade."""

Interval = tuple[float, float] | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class AspectFigures(_Part):
    """How one aspect is read."""

    precision: float | None
    recall: float | None
    f1: float | None
    sign_agreement: float | None
    balanced_accuracy: float | None
    mae: float | None
    kappa: float | None
    n: int


class PooledFigures(AspectFigures):
    """The cases of all aspects together, and the mean of the aspects' sign agreements."""

    mean_sign_agreement: float | None


class OverallFigures(_Part):
    """How the whole is read; `n` counts the reviews where both give it."""

    spearman: float | None
    mae: float | None
    n: int


class QuoteFigures(_Part):
    """How many quotes there are, and the share that is verified."""

    verified: float | None
    n: int


class Report(_Part):
    """What the analyses of one analyser are worth.

    `intervals` has, by the path of a figure (`aspects.acting.f1`, `pooled.mae`), the
    95 % interval by drawing reviews anew (percentile bootstrap). `seconds` is the time of the
    analyser alone.
    """

    aspects: dict[Aspect, AspectFigures]
    pooled: PooledFigures
    overall: OverallFigures
    quotes: QuoteFigures
    reviews: int
    statuses: dict[AnalysisStatus, int]
    seconds: float
    reviews_per_second: float | None
    cost_usd: float
    intervals: dict[str, Interval]


class Case(NamedTuple):
    """A labelled review and what the analyser said of it."""

    gold: GoldLine
    analysis: Analysis


def measure(cases: Sequence[Case], *, seconds: float, cost_usd: float) -> Report:
    """Measure analyses against labels; the same input always gives the same report.

    Args:
        cases: Reviews in any order, each once.
        seconds: How long the analyser took.
        cost_usd: What it cost.
    """
    finished = [case for case in cases if case.analysis.status not in UNFINISHED]
    codes = _codes(finished)
    figures = _figures(_count(codes), MIN_SIDE)
    found = {path: defined(figure) for path, figure in figures.items()}
    return Report(
        aspects={
            aspect: AspectFigures(**_below(f"aspects.{aspect}.", found)) for aspect in ASPECTS
        },
        pooled=PooledFigures(**_below("pooled.", found)),
        overall=OverallFigures(**_below("overall.", found)),
        quotes=_quotes(finished),
        reviews=len(cases),
        statuses=dict(sorted(Counter(case.analysis.status for case in cases).items())),
        seconds=seconds,
        reviews_per_second=len(finished) / seconds if seconds else None,
        cost_usd=cost_usd,
        intervals=_intervals(codes, found),
    )


def _below(path: str, found: Mapping[str, float | None]) -> dict[str, Any]:
    return {name.removeprefix(path): f for name, f in found.items() if name.startswith(path)}


class _Codes(NamedTuple):
    """Reviews as the cells that they fall in, of `_SHAPE` (n, aspects) and of the whole (n)."""

    aspects: NDArray[np.intp]
    overall: NDArray[np.intp]


class _Counts(NamedTuple):
    """How many reviews fall in each cell: `(..., *_SHAPE)`, and `(..., _STEPS, _STEPS)`."""

    aspects: Floats
    overall: Floats


def _codes(cases: Sequence[Case]) -> _Codes:
    aspects = np.zeros((len(cases), len(ASPECTS)), dtype=np.intp)
    overall = np.zeros(len(cases), dtype=np.intp)
    for row, (gold, analysis) in enumerate(cases):
        grade = gold.rating_1_10
        sign = 1 if grade is None else int(grade >= 7) - int(grade <= 4) + 1
        predicted = {found.aspect: found.score for found in analysis.aspects}
        for at, aspect in enumerate(ASPECTS):
            cell = (at, _step(gold.aspects.get(aspect)), _step(predicted.get(aspect)), sign)
            aspects[row, at] = np.ravel_multi_index(cell, _SHAPE)
        overall[row] = _step(gold.overall) * _STEPS + _step(analysis.overall)
    return _Codes(aspects, overall)


def _step(score: int | None) -> int:
    return 0 if score is None else SCORES.index(score) + 1


def _count(codes: _Codes) -> _Counts:
    aspects = np.bincount(codes.aspects.ravel(), minlength=int(np.prod(_SHAPE)))
    overall = np.bincount(codes.overall, minlength=_STEPS**2)
    return _Counts(
        aspects.reshape(_SHAPE).astype(float), overall.reshape(_STEPS, _STEPS).astype(float)
    )


def _figures(counts: _Counts, min_side: int) -> dict[str, Floats]:
    """Return each figure of each table of counts by its path in the report."""
    parts = {
        f"aspects.{aspect}": _of_aspect(counts.aspects[..., at, :, :, :], min_side)
        for at, aspect in enumerate(ASPECTS)
    }
    signs = np.stack([parts[f"aspects.{aspect}"]["sign_agreement"] for aspect in ASPECTS])
    parts["pooled"] = _of_aspect(counts.aspects.sum(-4), min_side) | {
        "mean_sign_agreement": ratio(np.nansum(signs, 0), (~np.isnan(signs)).sum(0))
    }
    both = counts.overall[..., 1:, 1:]
    parts["overall"] = {
        "spearman": spearman(both), "mae": mean_error(both), "n": both.sum((-2, -1))
    }  # fmt: skip
    return {f"{part}.{name}": figure for part, of in parts.items() for name, figure in of.items()}


def _of_aspect(counts: Floats, min_side: int) -> dict[str, Floats]:
    """Measure tables of label, prediction and sign of the grade."""
    table = counts.sum(-1)
    both = table[..., 1:, 1:]
    hits, labelled = both.sum((-2, -1)), table[..., 1:, :].sum((-2, -1))
    predicted = table[..., :, 1:].sum((-2, -1))
    return {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, labelled),
        "f1": ratio(2 * hits, predicted + labelled),
        "sign_agreement": sign_agreement(both),
        "balanced_accuracy": _balanced(counts[..., 1:, 1:, :], min_side),
        "mae": mean_error(both),
        "kappa": weighted_kappa(both),
        "n": labelled,
    }


def _balanced(both: Floats, min_side: int) -> Floats:
    """Return the mean sign agreement of the two sides; NaN if a side has too few cases."""
    sides = [(both * (side == _AS_GRADE)[:, None, :]).sum(-1) for side in (1, -1)]
    fewest = np.minimum(*(side.sum((-2, -1)) for side in sides))
    mean = (sign_agreement(sides[0]) + sign_agreement(sides[1])) / 2
    return np.where(fewest >= min_side, mean, np.nan)


def _quotes(cases: Sequence[Case]) -> QuoteFigures:
    right = [
        start is not None and gold.analysed[start : start + len(quote)] == quote
        for gold, analysis in cases
        for quote, start in [
            (analysis.overall_quote, analysis.overall_quote_start),
            *((found.quote, found.quote_start) for found in analysis.aspects),
        ]
        if quote is not None
    ]
    return QuoteFigures(verified=sum(right) / len(right) if right else None, n=len(right))


def _intervals(codes: _Codes, found: Mapping[str, float | None]) -> dict[str, Interval]:
    """Return the middle 95 % of each figure over `RESAMPLES` drawings of reviews."""
    wanted = [path for path in found if not path.endswith(".n")]
    reviews = len(codes.overall)
    if not reviews:
        return dict.fromkeys(wanted)
    random = np.random.default_rng(SEED)
    drawn = [
        _count(_Codes(codes.aspects[rows], codes.overall[rows]))
        for rows in (random.integers(reviews, size=reviews) for _ in range(RESAMPLES))
    ]
    counts = _Counts(*(np.stack(tables) for tables in zip(*drawn, strict=True)))
    figures = _figures(counts, 1)
    return {path: _middle(figures[path]) if found[path] is not None else None for path in wanted}


def _middle(figures: Floats) -> Interval:
    kept = figures[~np.isnan(figures)]
    if not kept.size:
        return None
    low, high = np.percentile(kept, [2.5, 97.5])
    return float(low), float(high)
