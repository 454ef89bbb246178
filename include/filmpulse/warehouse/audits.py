"""People's labels of reviews, and how far analysers agree with them and with grades."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from filmpulse.warehouse.statement import Command, Query, Scalar


class SampledReview(NamedTuple):
    """A review for a person to label, with what its movie's analyser made of it.

    `scores` and `quotes` have an entry for each aspect that the analyser found. `total` is the
    number of reviews that the sample was drawn from.
    """

    source: str
    review_id: str
    content_hash: str
    analyser_id: int
    analyser: str
    movie: str
    rating_1_10: int | None
    title: str
    body: str
    overall: int
    overall_quote: str | None
    scores: dict[str, int]
    quotes: dict[str, str | None]
    total: int


class KnownText(NamedTuple):
    """A text that a review has or had; its words are None once they were dropped."""

    source: str
    review_id: str
    content_hash: str
    body: str | None


class AuditFigures(NamedTuple):
    """How far two judges agree on an aspect; a row of `mart.audit_agreement`, which explains it."""

    analyser_id: int | None
    judge: str
    analyser_version: str | None
    auditor: str | None
    other_auditor: str | None
    aspect: str
    auditors: int
    reviews: int
    labelled: int
    found: int
    compared: int
    f1: float | None
    signed: int
    sign_agreement: float | None
    exact_agreement: float | None
    kappa: float | None
    is_enough: bool

    @property
    def figures(self) -> dict[str, Any]:
        """The figures alone, without who the judges are and which aspect it is."""
        return dict(list(self._asdict().items())[self._fields.index("auditors") :])


class GradeFigures(NamedTuple):
    """How far scores go with grades; a row of `mart.grade_agreement`, which explains it."""

    analyser_id: int
    imdb_id: str | None
    movie: str
    is_shown: bool
    rated_reviews: int
    spearman: float | None
    decided_reviews: int
    contradicting_reviews: int
    contradicting_share: float | None

    @property
    def figures(self) -> dict[str, Any]:
        """The figures alone, without the analyser and the movie."""
        return dict(list(self._asdict().items())[self._fields.index("rated_reviews") :])


class JudgedAnalyser(NamedTuple):
    """An analyser; `audit` says in words how people judged its scores."""

    analyser_id: int
    analyser: str
    kind: str
    prompt_version: str
    movies: int
    scored_texts: int
    audit: str


class LabelsGone(NamedTuple):
    """Labels that were erased: of so many texts of reviews, and so many of their aspects."""

    reviews: int
    labels: int


sample = Query("audit_sample", SampledReview)
known_texts = Query("audit_texts", KnownText)
take_turn = Command("audit_turn")
turn_time = Scalar[datetime]("audit_turn")
auditors = Scalar[str]("auditors")
forget_auditors = Query("audit_forget", LabelsGone)
drop_labels = Command("audit_drop")
store_labels = Command("audit_store")
audit_figures = Query("audit_figures", AuditFigures)
grade_figures = Query("grade_figures", GradeFigures)
judged_analysers = Query("judged_analysers", JudgedAnalyser)
