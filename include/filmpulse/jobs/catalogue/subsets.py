"""Which datasets a subset needs, which rows of each it keeps, and which step can say which.

In the subset `rated` the rows of title.ratings are the kept titles, in `no_episodes` those of
title.basics whose type is not `tvEpisode`; `all` keeps every row of every dataset.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from filmpulse.sources.datasets import DATASETS
from filmpulse.warehouse.catalogue import Keep, Subset

Step = Literal["load", "choose_titles", "build"]

TITLE_DATASETS = ("title.ratings", "title.basics")
"""The datasets that decide which titles are kept: they are loaded before the others."""

KEPT_TITLES: dict[Subset, str] = {"rated": "title_ratings", "no_episodes": "title_basics"}
"""The table whose `tconst` are the kept titles of a subset."""


def needed(subset: Subset) -> list[str]:
    """Name the datasets of a subset, in the order in which they are loaded."""
    return [name for name in DATASETS if (subset, name) != ("no_episodes", "title.episode")]


def how_kept(subset: Subset, dataset: str) -> Keep | None:
    """Say how the rows that a subset keeps of a dataset are chosen; None: it keeps all."""
    if subset == "all" or (subset, dataset) == ("rated", "title.ratings"):
        return None
    if (subset, dataset) == ("no_episodes", "title.basics"):
        return "no_episodes"
    return "people" if dataset == "name.basics" else "of_titles"


def chosen_in(subset: Subset, dataset: str) -> Step:
    """Say in which step the rows that a subset keeps of a dataset are known.

    The title datasets are loaded side by side; people need the titles' credits.
    """
    how = how_kept(subset, dataset)
    if how == "people":
        return "build"
    return "choose_titles" if how == "of_titles" and dataset in TITLE_DATASETS else "load"


def with_dependent(subset: Subset, changed: Collection[str]) -> list[str]:
    """Name the datasets that changed and those that must be loaded with them, in order."""
    names = set(changed)
    while (
        more := {name for name in needed(subset) if not names.isdisjoint(_depends_on(subset, name))}
        - names
    ):
        names |= more
    return [name for name in needed(subset) if name in names]


def _depends_on(subset: Subset, dataset: str) -> tuple[str, ...]:
    if subset == "all":
        return ()
    people = ("title.crew", "title.principals") if dataset == "name.basics" else ()
    return (*TITLE_DATASETS, *people)
