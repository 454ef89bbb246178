"""Finding what is said to be a quote in the text that it is said to be from."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MAX_QUOTE_CHARACTERS = 300
MIN_QUOTE_WORDS = 2
"""Outside these a quote shows nothing or too much; the score is kept without it."""

MIN_QUOTE_LETTERS = 4
"""The same for scripts that put no spaces between words."""

_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u02bc\u2032\u00b4`", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b", "-"),
    }
)
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
# Thai, Lao, Myanmar, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
# What models put around a quote, or in place of what they left out at its ends.
_WRAPPING = " \"'.,-"


class Quote(NamedTuple):
    """An exact piece of a text: `text[start : start + len(words)] == words`."""

    words: str
    start: int


class Quotable:
    """One text, made ready for finding many quotes in it.

    Two texts say the same when they are equal after compatibility normalisation (NFKC) and case
    folding of each character, with typographic quotation marks and dashes made plain, any run of
    white space made one space, and characters that nobody sees (zero width, soft hyphens) left out.
    """

    def __init__(self, text: str) -> None:
        """Fold it once, in time linear in its length."""
        self._text = text
        self._folded, self._origins = _fold(text)

    def find(self, quote: str) -> Quote | None:
        """Return the piece of the text that a quote is, or None.

        None also for fewer than 2 words (4 letters in scripts without spaces) and for more than
        300 characters. A quote that begins or ends in the midst of one character of the text, such
        as a ligature, is not one of its pieces.
        """
        if len(quote) > 4 * MAX_QUOTE_CHARACTERS:
            return None
        folded = _fold(unicodedata.normalize("NFC", quote))[0].strip()
        found = self._find(folded) or self._find(folded.strip(_WRAPPING))
        if found is None or len(found.words) > MAX_QUOTE_CHARACTERS:
            return None
        return found if _is_telling(found.words) else None

    def _find(self, folded: str) -> Quote | None:
        origins = self._origins
        start = self._folded.find(folded) if folded else -1
        while start >= 0:
            end = start + len(folded)
            begins_whole = start == 0 or origins[start - 1] != origins[start]
            if begins_whole and (end == len(origins) or origins[end] != origins[end - 1]):
                first, last = origins[start], origins[end - 1]
                return Quote(self._text[first : last + 1], first)
            start = self._folded.find(folded, start + 1)
        return None


def _is_telling(quote: str) -> bool:
    return (
        len(_WORD.findall(quote)) >= MIN_QUOTE_WORDS
        or len(_UNSPACED.findall(quote)) >= MIN_QUOTE_LETTERS
    )


def _fold(text: str) -> tuple[str, list[int]]:
    """Fold a text; return it, and for each folded character the offset of the one it is from."""
    folded: list[str] = []
    origins: list[int] = []
    for offset, character in enumerate(text):
        for part in unicodedata.normalize("NFKC", character).casefold().translate(_MARKS):
            if part.isspace():
                if folded and folded[-1] == " ":
                    continue
                part = " "
            elif unicodedata.category(part) == "Cf" or "\ufe00" <= part <= "\ufe0f":
                continue
            folded.append(part)
            origins.append(offset)
    return "".join(folded), origins
