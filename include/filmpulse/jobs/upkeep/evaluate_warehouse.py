"""Say how far the scores in a warehouse go with the grades and with people's labels in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filmpulse.jobs.context import Context
from filmpulse.warehouse import audits as wh


@dataclass(frozen=True)
class Judged:
    """An analyser, held against grades and labels.

    Attributes:
        analyser: Who it is.
        grades: Against the grades of all movies; None if no graded review has a score of it.
        movies: Against the grades of each movie, the one with the most reviews first.
        audits: Against the labels of all auditors together, then of each: by aspect, all aspects
            together, and the whole. Empty if nobody audited it.
    """

    analyser: wh.JudgedAnalyser
    grades: wh.GradeFigures | None
    movies: list[wh.GradeFigures]
    audits: list[wh.AuditFigures]


@dataclass(frozen=True)
class WarehouseReport:
    """The analysers of a warehouse, those that are shown first; auditors held against each other.

    `people` is as `Judged.audits`, for pairs of people; empty if no two labelled the same text.
    """

    analysers: list[Judged]
    people: list[wh.AuditFigures]

    def as_document(self) -> dict[str, Any]:
        """Return all figures as plain JSON; what is too few or not defined is null."""
        return {
            "analysers": [
                {
                    **one.analyser._asdict(),
                    "grades": one.grades.figures if one.grades else None,
                    "movies": [
                        {"imdb_id": of.imdb_id, "movie": of.movie, "is_shown": of.is_shown}
                        | of.figures
                        for of in one.movies
                    ],
                    "audits": _by_pair(one.audits),
                }
                for one in self.analysers
            ],
            "people": _by_pair(self.people),
        }


def evaluate_warehouse(context: Context) -> WarehouseReport:
    """Return the figures on analysers.

    Every analyser that has scores is there. The definitions are those of `mart.grade_agreement` and
    `mart.audit_agreement`; a figure on too few reviews is None.

    Raises:
        WarehouseUnavailable: Postgres did not answer (retryable).
    """
    with context.warehouse.connect() as connection:
        grades = wh.grade_figures(connection)
        audits = wh.audit_figures(connection, auditor=None)
        analysers = wh.judged_analysers(connection)
    return WarehouseReport(
        [
            Judged(
                one,
                next((of for of in _of(one, grades) if of.imdb_id is None), None),
                [of for of in _of(one, grades) if of.imdb_id is not None],
                _of(one, audits),
            )
            for one in analysers
            if one.scored_texts
        ],
        [row for row in audits if row.analyser_id is None],
    )


def _of(analyser: wh.JudgedAnalyser, rows: list[Any]) -> list[Any]:
    return [row for row in rows if row.analyser_id == analyser.analyser_id]


def _by_pair(rows: list[wh.AuditFigures]) -> list[dict[str, Any]]:
    """Gather the aspects of each pair of judges; no `auditor` stands for all of them together."""
    pairs: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    for row in rows:
        aspect = row.aspect.lower().replace(" ", "_")
        pairs.setdefault((row.auditor, row.other_auditor), {})[aspect] = row.figures
    return [
        {"auditor": auditor, "other_auditor": other, "aspects": aspects}
        for (auditor, other), aspects in pairs.items()
    ]
