"""Finding a quote that a model gave in the review's text.

Models copy with small changes: a curly quotation mark becomes a straight one, a dash or three dots
another sign, a line break a space, a capital a small letter, an accented letter two code points. So
text and quote are folded alike before they are compared, and the place found is mapped back: the
quote that is kept is always an exact piece of the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

MAX_QUOTE_CHARACTERS = 300
MIN_QUOTE_WORDS = 2
"""A shorter quote shows nothing, a longer one too much; the score is kept without it."""

MIN_UNSPACED_CHARACTERS = 4
"""The length of two words in a script without spaces between words."""

MAX_MARKS = 30
"""Most combining marks of one character, as in Unicode's stream-safe text (UAX #15)."""

# Thai, Lao, Tibetan, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff]"
)
# Single and double quotation marks count as one, since models write 'so' where JSON needs \".
_SIGNS = str.maketrans(
    {
        **dict.fromkeys('"`\u00b4\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02bb\u02bc', "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u300c\u300d\u300e\u300f", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b", "-"),
        **dict.fromkeys("\u2025\u2026", "."),
    }
)
_REPEATED = frozenset(" '.-")  # any number of one of these in a row is one
# What models put around a quote, or in place of what they left out at its ends.
_WRAPPING = " '.,-"
# Beside category Cf (joiners, soft hyphens, directions): variants of a sign, and invisible signs.
_UNSEEN = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class Quote(NamedTuple):
    """An exact piece of a text: `text[start : start + len(words)] == words`."""

    words: str
    start: int


class Quotable:
    """One text, prepared for finding many quotes in it.

    Two texts count as equal by Unicode's compatibility caseless matching (definition D146), with
    quotation marks, dashes and dots made plain, any run of one of these or of white space made one,
    and invisible characters left out.
    """

    def __init__(self, text: str) -> None:
        """Fold it once, in time linear in its length."""
        self._text = text
        # Offsets in the folded text -> offsets in the text, where a character begins or ends. The
        # inside of one character, such as a ligature, has no offset.
        self._begins: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self.folded = self._fold()

    def find(self, quote: str) -> Quote | None:
        """Return the first piece of the text that equals a quote, or None.

        None also for fewer than 2 words (4 characters in scripts without spaces) and for more than
        300 characters. A quote that begins or ends inside one character of the text, such as a
        ligature or a letter with its accent, is not found.
        """
        if len(quote) > 4 * MAX_QUOTE_CHARACTERS:
            return None
        folded = Quotable(quote).folded.strip()
        found = self._find(folded) or self._find(folded.strip(_WRAPPING))
        return found if found and _is_telling(found.words) else None

    def _find(self, folded: str) -> Quote | None:
        at = self.folded.find(folded) if folded else -1
        while at >= 0:
            begin, end = self._begins.get(at), self._ends.get(at + len(folded))
            if begin is not None and end is not None:
                return Quote(self._text[begin:end], begin)
            at = self.folded.find(folded, at + 1)
        return None

    def _fold(self) -> str:
        text, pieces, length, begin = self._text, [""], 0, 0
        while begin < len(text):
            end = _character_end(text, begin)
            if piece := _fold_character(text[begin:end]):
                if piece not in _REPEATED or piece != pieces[-1]:
                    self._begins[length] = begin
                    pieces.append(piece)
                    length += len(piece)
                self._ends[length] = end
            begin = end
        return "".join(pieces)


def _is_telling(quote: str) -> bool:
    if len(quote) > MAX_QUOTE_CHARACTERS:
        return False
    words = sum(any(map(str.isalnum, word)) for word in quote.split())
    return words >= MIN_QUOTE_WORDS or len(_UNSPACED.findall(quote)) >= MIN_UNSPACED_CHARACTERS


def _character_end(text: str, begin: int) -> int:
    """Return where a character ends, with the marks on it."""
    end = following = begin + 1
    if text[begin].isspace() or _is_unseen(text[begin]):
        return end
    while following < len(text) and following - begin <= MAX_MARKS:
        is_mark = _is_mark(text[following])
        if not is_mark and not _is_unseen(text[following]):
            break
        following += 1
        end = following if is_mark else end
    return end


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


@lru_cache(maxsize=4096)
def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or _UNSEEN.match(character) is not None


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    """Fold one character with its marks: any space to one, an invisible one to nothing."""
    if character.isspace():
        return " "
    seen = "".join(c for c in character if not _is_unseen(c)).translate(_SIGNS)
    folded = _casefold(_casefold(unicodedata.normalize("NFD", seen))).translate(_SIGNS)
    # An accent that stands alone decomposes into a space and a mark.
    folded = "".join(folded.split())
    return folded[:1] if folded[:1] in _REPEATED and len(set(folded)) == 1 else folded


def _casefold(text: str) -> str:
    return unicodedata.normalize("NFKD", text.casefold())
