"""Fold a name to what the search compares; the same function for names that are stored and asked.

Small cost matters: a load folds some millions of names, so most of them, plain ASCII, take a path
of a few steps.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from importlib.resources import files
from typing import NamedTuple

MOST_CHARACTERS = 100
"""Of a folded name and of a query; nobody types more, and an index takes 2,704 bytes at most."""

_LISTS = tomllib.loads((files(__package__) / "words.toml").read_text("utf-8"))
ARTICLES, LIGHT = frozenset(_LISTS["articles"]), frozenset(_LISTS["light"])
BEHIND: tuple[str, ...] = tuple(_LISTS["behind"])
"""What these words are stands in words.toml."""

_BY_HAND = str.maketrans(
    {"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ħ": "h",
     "\u0131": "i", "ŋ": "n", "&": " and ", "\u0640": None, "\u2044": " ",
     "\u064a": "\u06cc", "\u0649": "\u06cc", "\u0643": "\u06a9"}
)  # fmt: skip
# Letters that NFKD leaves whole; Arabic's line filler; the slash within a fraction; Arabic's yeh,
# alef maksura and kaf, which Persian writes with signs of its own.
_POWERS = re.compile("(?<=[^\\W_])[\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2079\u2150-\u215f]")
_MARKS = re.compile(  # accents, Hebrew's points, Arabic's vowels; not the vowels of Indic scripts
    "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe20-\ufe2f]"
)
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc\u02bb\u02b9`\u00b4]")
# S.W.A.T., M*A*S*H, V/H/S
_INITIALS = re.compile(r"(?<![^\W_])[^\W\d_](?:[.*/][^\W\d_])+(?![^\W_])[.*]?")
_JOINTS = re.compile(r"(?<=[^\W_])[-\u2010-\u2012·•/.:](?=[^\W_])")  # Spider-Man, WALL·E, Face/Off
_ELIDED = re.compile(r"(?<![^\W_])(?:l|d|j|qu|dell|nell|all|un|o)'(?=[^\W\d_]{3})")
_OWNED = re.compile(r"([^\W_]{2,})'s(?![^\W_])")
_LEET_WORD = re.compile(r"[a-z]+[0-9][a-z]+")
_LEET = str.maketrans("0134578", "oieastb")
_SEVEN_AS_V = str.maketrans("0134578", "oieasvb")

_PARTS = re.compile(r":\s+|\s[-\u2013\u2014]\s|\s+or:?\s+\((?=\w)|\s+or:\s+|\s+\((?=\w)")
_LEAST_PART = 3  # letters: "M - A ..." must not be found by an "a"

_UNITS = {word: number for number, word in enumerate(_LISTS["units"], 1)}
_TEENS = {word: number for number, word in enumerate(_LISTS["teens"], 10)}
_TENS = {word: number * 10 for number, word in enumerate(_LISTS["tens"], 2)}
_ORDINALS = {
    word: f"{number}{('st', 'nd', 'rd')[number - 1] if number < 4 else 'th'}"
    for number, word in enumerate(_LISTS["ordinals"], 1)
}
_NUMBERS = _UNITS | _TEENS | _TENS | _LISTS["romans"]
_ONE_FORM = {word: str(number) for word, number in _NUMBERS.items()} | _ORDINALS | _LISTS["short"]
_NUMBER_WORDS = frozenset({*_UNITS, *_TEENS, *_TENS, "hundred"})
_HALF = ["and", "a", "half"]
_ROMAN_LETTER = {"i": "1", "v": "5", "x": "10"}
_NUMBERED = frozenset(_LISTS["before_numbers"])


class Folded(NamedTuple):
    """A name as the search compares it.

    Attributes:
        norm: Its words in one form, in one piece, without an English article at the beginning: two
            names that people take for one have one `norm`, however they are spaced and hyphenated.
        words: Its words in one form, in their order, with articles.
        more: Other forms of its words, such as a number as it is written, or hyphenated parts in
            one piece.
    """

    norm: str
    words: tuple[str, ...]
    more: tuple[str, ...] = ()


def fold(name: str) -> Folded:
    """Fold a name: case, accents, punctuation, numbers, roman numerals, usual abbreviations.

    A name without letters and digits keeps its text, without spaces. Only an empty name, or one of
    spaces, folds to nothing: `norm` is empty and there are no words.
    """
    more: list[str] = []
    text = _without_signs_inside(plain(name), more)
    if not text.isalnum() and _JOINTS.search(text):
        more += _joined(text)
    written = _split(text)
    if not written:
        kept = ("".join(text.split()) or "".join(name.split()))[:MOST_CHARACTERS]
        return Folded(kept, (kept,) if kept else ())
    words = one_form(written)
    if words != written:
        more += [word for word in written if word not in words]
    if "v" in written[1:-1]:
        more.append("vs")
    if len(text) > MOST_CHARACTERS:  # the words may be as long
        words, more = ([word[:MOST_CHARACTERS] for word in some] for some in (words, more))
    others = tuple(word for word in dict.fromkeys(more) if word not in words) if more else ()
    return Folded(squeeze(words), tuple(words), others)


def last_as_typed(name: str) -> str:
    """Return the last folded word as it was typed: "sev" or "seven", not 7.

    Empty if signs follow the word, or if it is only a part of a folded one ("twenty-one").
    """
    text = _without_signs_inside(plain(name), []).rstrip()
    written = _split(text)
    if not written or not text.endswith(written[-1]):
        return ""
    is_word = len(one_form(written)) == len(one_form(written[:-1])) + 1
    return written[-1][:MOST_CHARACTERS] if is_word else ""


def plain(name: str) -> str:
    """Return a text without case and accents, with one kind of apostrophes and digits."""
    if name.isascii():
        return name.lower().replace("&", " and ") if "&" in name else name.lower()
    text = _POWERS.sub(lambda found: f" {found[0]}", name)
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text).casefold())
    text = unicodedata.normalize("NFC", text).translate(_BY_HAND)
    text = re.sub(r"\d", lambda found: str(unicodedata.decimal(found[0])), text)
    return _APOSTROPHES.sub("'", text)


def squeeze(words: list[str]) -> str:
    """Return words in one piece, without an English article before others."""
    start = 1 if len(words) > 1 and words[0] in ARTICLES else 0
    return "".join(words[start:])[:MOST_CHARACTERS]


def is_light(word: str) -> bool:
    """Say whether a folded word says little: a word of `LIGHT`, or a number."""
    return word in LIGHT or word.isdecimal()


def leet(name: str) -> list[str]:
    """Return readings of a name that has digits for letters, such as Se7en or S1m0ne; else none."""
    if not _LEET_WORD.search(name := name.lower()):
        return []
    return list(dict.fromkeys(name.translate(table) for table in (_SEVEN_AS_V, _LEET)))


def parts(name: str) -> list[str]:
    """Return what stands before the first colon, dash, bracket or "or", and after each of them."""
    places = [(found.start(), found.end()) for found in _PARTS.finditer(name)]
    if not places:
        return []
    pieces = [name[: places[0][0]], *(name[end:] for _, end in places)]
    return [piece for piece in pieces if _says_something(piece)]


def _says_something(name: str) -> bool:
    """Say whether a part of a name has a word that is neither a number nor a light one."""
    return any(len(word) >= _LEAST_PART and not is_light(word) for word in fold(name).words)


def _split(text: str) -> list[str]:
    """Return runs of letters, digits and the vowel signs of scripts that write them apart."""
    if text.isascii():
        return _WORDS.findall(text)
    return "".join(
        c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text
    ).split()


_WORDS = re.compile("[a-z0-9]+")


def _without_signs_inside(text: str, more: list[str]) -> str:
    """Join what apostrophes part, and initials; note other forms of these words."""
    if "'" in text:
        text = _without_apostrophes(text, more)
    if "." in text or "*" in text or "/" in text:
        text = _INITIALS.sub(lambda found: re.sub("[.*/]", "", found[0]) + " ", text)
    return text


def _without_apostrophes(text: str, more: list[str]) -> str:
    """Join what an apostrophe parts; note the words without it: ocean's, l'avventura."""
    more += _OWNED.findall(text)
    more += [text[found.end() :].split(None, 1)[0].strip(".,:;!?") for found in
             _ELIDED.finditer(text)]  # fmt: skip
    return text.replace("'", "")


def _joined(text: str) -> list[str]:
    """Return hyphenated words in one piece."""
    return ["".join(_split(piece)) for piece in text.split() if _JOINTS.search(piece)]


def one_form(written: list[str]) -> list[str]:
    """Return words with numbers as digits and usual abbreviations for the words they stand for."""
    words: list[str] = []
    place, last = 0, len(written) - 1
    while place <= last:
        word = written[place]
        if word == "and" and words and words[-1].isdecimal() and written[place:][:3] == _HALF:
            words += ["1", "2"]  # as 8½ is folded
            place += 3
            continue
        if word in _NUMBER_WORDS and (read := _number(written, place)):
            number, place = read
            words.append(str(number))
            continue
        if word in _ROMAN_LETTER and place and (place == last or written[place - 1] in _NUMBERED):
            word = _ROMAN_LETTER[word]
        words.append(_ONE_FORM.get(word, word))
        place += 1
    return words


def _number(words: list[str], place: int) -> tuple[int, int] | None:
    """Read a number in words below 1,000; return it and the place after it."""
    hundreds = 0
    first = _UNITS.get(words[place], 0)
    after = place + bool(first)
    if words[after : after + 1] == ["hundred"]:
        hundreds, after = (first or 1) * 100, after + 1
        if words[after : after + 1] == ["and"] and _below_hundred(words, after + 1)[0]:
            after += 1
    rest, after = _below_hundred(words, after if hundreds else place)
    return (hundreds + rest, after) if hundreds + rest else None


def _below_hundred(words: list[str], place: int) -> tuple[int, int]:
    word = words[place] if place < len(words) else ""
    if word in _TENS:
        unit = _UNITS.get(words[place + 1], 0) if place + 1 < len(words) else 0
        return _TENS[word] + unit, place + (2 if unit else 1)
    number = _UNITS.get(word) or _TEENS.get(word) or 0
    return number, place + (1 if number else 0)
