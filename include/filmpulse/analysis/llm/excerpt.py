"""The beginning of an unusable answer for a person, without a word of the review."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from filmpulse.analysis.llm.prompt import system_prompt
from filmpulse.analysis.llm.schema import Answer, AspectAnswer

EXCERPT_CHARACTERS = 80
"""So much of an answer is shown: enough to tell a fence, prose or a web page from JSON."""

HIDDEN = "\u2026"

# Words of an answer's JSON or HTML, and its field names.
_FRAME = frozenset("true false null none json html body head title doctype think".split()).union(  # noqa: SIM905
    Answer.model_fields, AspectAnswer.model_fields
)
# Words that models use when they do not answer; those of our own prompt are added to these.
_TALK = frozenset(
    "i'm i am sorry cannot can't could not unable an ai language model assistant here your you "  # noqa: SIM905
    "asked for sure certainly please provide text output result response format based on".split()
)
_WORD = re.compile(r"\w+(?:'\w+)*")
_PIECE = re.compile(rf"(?P<word>{_WORD.pattern})|.", re.DOTALL)
_SIGNS = frozenset("{}[]()<>\"'`:;,.!?*#=+-_/|~ ")
_LONG = 4
"""From this length on, a word is also hidden if the review has its letters inside other words."""


def excerpt(answer: str, review: str) -> str:
    """Return the beginning of an answer, with everything hidden that can be from the review.

    Shown are ASCII signs, single digits, the answer's field names, and words of our own prompt or
    of everyday refusals that the review does not hold. Everything else (other words, other scripts,
    long numbers, escapes) becomes an ellipsis. So do two neighbouring words, whatever they are, if
    their letters stand together in the review.
    """
    flat = letters(review)
    words = frozenset(_words(review))
    beginning = " ".join(answer[: 4 * EXCERPT_CHARACTERS].split())[:EXCERPT_CHARACTERS]
    shown: list[str] = []
    last: int | None = None
    for piece in _PIECE.finditer(beginning):
        text = piece[0]
        if not piece["word"]:
            shown.append(text if text in _SIGNS else HIDDEN)
            continue
        if not _is_ours(text, words, flat):
            text = HIDDEN
        elif last is not None and letters(shown[last] + text) in flat:
            shown[last] = text = HIDDEN
        last = None if text == HIDDEN else len(shown)
        shown.append(text)
    return re.sub(f"{HIDDEN}[{HIDDEN} ]*{HIDDEN}", HIDDEN, "".join(shown)).strip()


def letters(text: str) -> str:
    """Return a text's letters and digits alone, the same for any case and spacing."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _is_ours(word: str, words: frozenset[str], flat: str) -> bool:
    """Tell whether a word or a digit cannot come from a review with these words and letters."""
    bare = word.casefold()
    if bare in _FRAME:
        return True
    is_known = bare in _known() or (bare.isdecimal() and len(bare) == 1 and bare.isascii())
    is_reviews = bare in words or (
        (len(bare) >= _LONG or bare.isdecimal()) and letters(bare) in flat
    )
    return is_known and not is_reviews


@cache
def _known() -> frozenset[str]:
    return _TALK | frozenset(_words(system_prompt()))
