"""How far two judges of the same texts agree, by tables of counts.

A table says how often one judge said this (row) while the other said that (column); rows and
columns ascend. Leading dimensions are many tables at once: `(..., rows, columns)` gives `(...)`.
NaN stands for what is not defined, such as any figure of no texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SCORES = (-2, -1, 0, 1, 2)
"""Rows and columns of a table of scores."""


def tabulate(
    one: Sequence[float], other: Sequence[float], steps: Sequence[float] | None = None
) -> Floats:
    """Count how often each value of one judge met each value of the other.

    Args:
        one: What one judge said of each text.
        other: What the other said, in the same order.
        steps: Values of rows and columns, ascending, such as `SCORES`. Without them, rows and
            columns are the values that occur.
    """
    rows, row = _places(one, steps)
    columns, column = _places(other, steps)
    table = np.zeros((rows, columns))
    np.add.at(table, (row, column), 1)
    return table


def _places(values: Sequence[float], steps: Sequence[float] | None) -> tuple[int, NDArray[np.intp]]:
    """Return how many steps there are, and at which of them each value stands."""
    if steps is None:
        found, places = np.unique(np.asarray(values, dtype=float), return_inverse=True)
        return len(found), places
    place = {value: at for at, value in enumerate(steps)}
    return len(steps), np.array([place[value] for value in values], dtype=np.intp)


def spearman(tables: ArrayLike) -> Floats:
    """Correlate ranks; equal values share the mean of their ranks. NaN if one judge is constant."""
    table = np.asarray(tables, dtype=float)
    row, column = _centred_ranks(table.sum(-1)), _centred_ranks(table.sum(-2))
    together = np.einsum("...ij,...i,...j->...", table, row, column)
    spread = (table.sum(-1) * row**2).sum(-1) * (table.sum(-2) * column**2).sum(-1)
    return ratio(together, np.sqrt(spread))


def _centred_ranks(counts: Floats) -> Floats:
    """Return the mean rank of each value less the mean of all ranks."""
    middle = np.cumsum(counts, -1) - counts / 2
    centred: Floats = middle - counts.sum(-1, keepdims=True) / 2
    return centred


def weighted_kappa(tables: ArrayLike) -> Floats:
    """Return Cohen's kappa, weighted by the square of the distance (Cohen, 1968).

    1 is full agreement, 0 that of chance; NaN if both judges always gave the same one value.
    """
    table = np.asarray(tables, dtype=float)
    rows, columns = np.indices(table.shape[-2:])
    distance = (rows - columns) ** 2
    by_chance = np.einsum("...i,...j,ij->...", table.sum(-1), table.sum(-2), distance)
    seen = (table * distance).sum((-2, -1)) * table.sum((-2, -1))
    kappa: Floats = 1 - ratio(seen, by_chance)
    return kappa


def sign_agreement(tables: ArrayLike) -> Floats:
    """Return the share of one judge's scores with a sign to which the other gave the same sign.

    The rows are `SCORES` of the judge who counts as right. The other judge's 0 is wrong.
    """
    table = np.asarray(tables, dtype=float)
    signs = np.sign(SCORES)
    same = np.equal.outer(signs, signs) & (signs != 0)[:, None]
    return ratio((table * same).sum((-2, -1)), table[..., signs != 0, :].sum((-2, -1)))


def mean_error(tables: ArrayLike) -> Floats:
    """Return the mean distance of two scores, in steps."""
    table = np.asarray(tables, dtype=float)
    rows, columns = np.indices(table.shape[-2:])
    return ratio((table * abs(rows - columns)).sum((-2, -1)), table.sum((-2, -1)))


def ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    """Divide; NaN where the whole is 0."""
    whole = np.asarray(whole, dtype=float)
    found: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole != 0)
    return found


def defined(figure: ArrayLike) -> float | None:
    """Return one figure as a float, None for NaN."""
    value = float(np.asarray(figure))
    return None if math.isnan(value) else value
