"""Reading what a review praises or faults.

Whatever can score a text is an `Analyser`. `make_analyser` builds those that need nothing else; a
model's (`llm.analyser.LlmAnalyser`) needs settings and a ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from filmpulse.errors import BadInput
from filmpulse.items import Analysis, ReviewText

ANALYSER_KINDS = ("lexicon",)
"""Analysers that need neither key nor endpoint."""


class Analyser(Protocol):
    """Something that scores texts.

    Its four attributes identify it: they are a row of `core.analysers`, by which scores are kept.
    So two analysers that could score one text differently must differ in at least one of them.
    """

    @property
    def kind(self) -> str:
        """Name of the method: `lexicon` or `llm`."""

    @property
    def model(self) -> str | None:
        """Name of the model asked; None where there is none."""

    @property
    def prompt_version(self) -> str:
        """Version of the words that decide: the prompt, or the lexicon's data and rules."""

    @property
    def parameters(self) -> dict[str, str | int | float | bool | None]:
        """Everything else that changes the scores; JSON can hold it."""

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        """Score texts one by one.

        Each text gives exactly one Analysis, in any order, as soon as it is finished, so that the
        caller can store it before asking for the next. If a text cannot be scored, the status says
        so (`unsupported_language`, `refused`, ...), `overall` is None and there are no aspects; it
        never counts as neutral. `failed` and `over_budget` are not final: the same text may be
        given again, and then gets another Analysis.

        Raises:
            FilmpulseError: The analyser itself cannot go on. What was yielded before stays valid.
        """


def make_analyser(kind: str) -> Analyser:
    """Build the analyser of that kind, ready to work; costs no network.

    Raises:
        BadInput: There is no such analyser; the message lists those there are.
    """
    if kind not in ANALYSER_KINDS:
        raise BadInput(f"There is no analyser {kind!r}; known: {', '.join(ANALYSER_KINDS)}.")
    from filmpulse.analysis.lexicon import LexiconAnalyser

    return LexiconAnalyser()
