"""Where the whole of a review is cut into its five steps.

The keyless analyser gives the whole of a review as a number, its valence. Four cuts make five steps
of it, from -2 to 2. They lie where the grades of rated reviews cut: if 12 of 100 rated reviews have
the grade 1, the 12 lowest valences get the step -2. The rated reviews are the movie's own; if these
are too few, those of all movies (docs/adr/0041).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Literal, NamedTuple

from filmpulse.items import Score

Cuts = tuple[float, float, float, float]
"""The lowest valences of the steps -1, 0, 1 and 2, ascending; equal ones leave a step empty."""

Rated = Mapping[tuple[float, int], int]
"""How many rated reviews have each valence and grade (1-10): `Counter` of such pairs is one."""

LearnedFrom = Literal["movie", "warehouse", "fixed"]
"""Whose rated reviews say where the cuts lie: the movie's, those of all movies, or nobody's."""

FIXED_CUTS: Cuts = (-0.22, -0.05, 0.12, 0.35)
"""The cuts where too few reviews are rated, chosen on 356 labelled reviews, two thirds of them real
ones that are not in this project."""

LOWEST_GRADES = (2, 5, 7, 10)
"""The lowest grades of the steps -1, 0, 1 and 2: grades are cut 1 | 2-4 | 5-6 | 7-9 | 10."""

MIN_OWN, MIN_ALL = 100, 300
"""How many rated reviews of the movie, or of all movies, are enough to learn cuts from."""

RESOLUTION = 1024
"""Cuts are learned to 1/1024; a power of two, so that SQL and Python round down alike."""


class Calibration(NamedTuple):
    """The cuts of a movie, whose rated reviews they were learned from, and how many these are.

    If the cuts are fixed, `rated_reviews` counts all there are.
    """

    cuts: Cuts
    learned_from: LearnedFrom
    rated_reviews: int


def choose_cuts(own: Rated, of_all: Callable[[], Rated]) -> Calibration:
    """Return the cuts of a movie.

    They are learned from the movie's rated reviews if these are at least `MIN_OWN`, else from those
    of all movies if these are at least `MIN_ALL`, else fixed.

    Args:
        own: The movie's rated reviews.
        of_all: Gives those of all movies; called only if the movie's own are too few.
    """
    if (rated := sum(own.values())) >= MIN_OWN:
        return Calibration(learn_cuts(own), "movie", rated)
    everybodys = of_all()
    if (rated := sum(everybodys.values())) >= MIN_ALL:
        return Calibration(learn_cuts(everybodys), "warehouse", rated)
    return Calibration(FIXED_CUTS, "fixed", rated)


def learn_cuts(rated: Rated) -> Cuts:
    """Put the cuts where as many valences lie below each one as there are grades below its step.

    Reviews of the same valence (to `RESOLUTION`) are never told apart: the cut lies below or above
    all of them, whichever is nearer to the number of grades; below if neither is. If no grade at
    all is below a step, or none above, its cut is the fixed one, moved beyond the valences of the
    rated reviews.

    Args:
        rated: At least one review; valences are finite.

    Raises:
        ValueError: There is no rated review, or a valence is not finite.
    """
    valences, grades = Counter[int](), Counter[int]()
    for (valence, grade), reviews in rated.items():
        if not math.isfinite(valence):
            raise ValueError(f"A valence is {valence}; each must be finite.")
        valences[math.floor(valence * RESOLUTION)] += reviews
        grades[bisect_right(LOWEST_GRADES, grade)] += reviews
    total = grades.total()
    if not total:
        raise ValueError("There is no rated review to learn from.")
    steps = sorted(valences)
    below = [0, *accumulate(valences[step] for step in steps)]
    ends = [*steps, steps[-1] + 1]  # of `below` many reviews each
    first, second, third, fourth = (
        _place(fixed, wanted, total, below, [end / RESOLUTION for end in ends])
        for fixed, wanted in zip(FIXED_CUTS, accumulate(grades[k] for k in range(4)), strict=True)
    )
    return first, second, third, fourth


def _place(fixed: float, wanted: int, total: int, below: list[int], ends: list[float]) -> float:
    """Return the one of `ends` below which the number of valences is nearest to `wanted`."""
    if wanted == 0:
        return min(fixed, ends[0])
    if wanted == total:
        return max(fixed, ends[-1])
    after = bisect_left(below, wanted)
    before = after - 1
    return ends[before if wanted - below[before] <= below[after] - wanted else after]


def cut(valence: float, cuts: Cuts) -> Score:
    """Return the step of a valence, -2..2, as Postgres' `width_bucket(valence, cuts) - 2` does."""
    return bisect_right(cuts, valence) - 2
