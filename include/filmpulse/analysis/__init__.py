"""Reading what a review praises or faults.

`Analyser` is the one shape of everything that can score a text. `make_analyser` finds those by name
that need nothing else; a model's (`llm.analyser.LlmAnalyser`) needs settings and a ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from filmpulse.errors import BadInput
from filmpulse.items import Analysis, ReviewText

ANALYSER_KINDS = ("lexicon",)
"""Those that need neither key nor endpoint."""


class Analyser(Protocol):
    """Something that scores texts.

    Its four attributes are its identity, one row of `core.analysers`: two analysers that could
    score one text differently must differ in at least one of them, since scores are kept by it.
    """

    @property
    def kind(self) -> str:
        """Name of the method: `lexicon` or `llm`."""
        ...

    @property
    def model(self) -> str | None:
        """Name of the model asked; None where there is none."""
        ...

    @property
    def prompt_version(self) -> str:
        """Version of the words that decide: the prompt, or the lexicon's data and rules."""
        ...

    @property
    def parameters(self) -> dict[str, str | int | float | bool | None]:
        """Whatever else changes the scores; fit for JSON."""
        ...

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        """Score texts one by one.

        Each text gives exactly one Analysis, in any order and yielded as soon as it is finished,
        so that the caller can store it before asking for the next. A text that cannot be scored
        says so by its status (`unsupported_language`, `refused`, ...) and is never passed off as
        neutral; its `overall` is None and it has no aspects. `failed` and `over_budget` are not
        final: the same text may be given again, and then gets another Analysis.

        Raises:
            FilmpulseError: The analyser itself cannot go on. What was yielded before stays valid.
        """
        ...


def make_analyser(kind: str) -> Analyser:
    """Build the analyser of that kind, ready to work; costs no network.

    Raises:
        BadInput: No analyser of that name; the message lists those there are.
    """
    match kind:
        case "lexicon":
            from filmpulse.analysis.lexicon import LexiconAnalyser

            return LexiconAnalyser()
        case _:
            known = ", ".join(ANALYSER_KINDS)
            raise BadInput(f"There is no analyser {kind!r}; known: {known}.")
