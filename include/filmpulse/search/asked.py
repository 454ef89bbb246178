"""Read what a person typed: a name, other names in brackets, an article put behind, a year."""

from __future__ import annotations

import re
from typing import NamedTuple

from filmpulse.items import without_controls
from filmpulse.search.folding import BEHIND, Folded, fold, last_as_typed, parts, squeeze
from filmpulse.search.repairs import is_one_error

MOST_TYPED = 300
"""Characters of a query that are read: a title, two others in brackets and a year fit in; of each
name `folding.MOST_CHARACTERS` count."""

PART, GLUED = 0.6, 0.95
"""Shares of readings that leave something out: all but a part of the name ("Rower: The Beginning"
may stand as Rower); an article typed with an error, or in one piece with the next word."""

_MOST_NAMES = 4
_BEHIND = "|".join(BEHIND)
# "Matrix, The", "Hobbit, The: An Unexpected Journey", "avventura, L'"
_ARTICLE_BEHIND = re.compile(
    rf"^(?P<name>.+?),\s*(?P<article>(?:{_BEHIND})(?=\s*(?:$|[:-]))|l')\s*(?P<rest>[:-].*)?$",
    re.IGNORECASE,
)
_YEAR = "(?:18[7-9][0-9]|19[0-9]{2}|20[0-9]{2})"
_YEAR_IN_BRACKETS = re.compile(
    rf"\s*[(\[]\s*(?:[^()\[\]]*?[^\w()\[\]])??({_YEAR})(?:\s*[-\u2013\u2014]\s*(?:{_YEAR})?)?\s*[)\]]\s*$"
)
_YEAR_AT_END = re.compile(rf"^(.*\S)[\s,;:-]+({_YEAR})$", re.DOTALL)
_YEAR_AT_BEGINNING = re.compile(rf"^({_YEAR})[\s,;:-]+(\S.*)$", re.DOTALL)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_ALSO_KNOWN_AS = re.compile(r"^\s*(?:a\.?\s?k\.?\s?a\.?|also known as|aka)[\s:]+", re.IGNORECASE)


class Reading(NamedTuple):
    """One way to understand a query.

    Attributes:
        name: The folded name.
        year: The year that was typed; None without.
        start: The last word as it was typed, without accents and case: it may be the beginning of
            a word. Empty if something follows the word.
        share: What a name that fits this reading is worth, of 1.
    """

    name: Folded
    year: int | None = None
    start: str = ""
    share: float = 1.0


def read(query: str) -> tuple[Reading, ...]:
    """Read a query; the most likely reading first, none for an empty query.

    A year at the end or the beginning is a year, or a word of the name ("Blade Runner 2049"), so
    there is a reading for each; in brackets it is a year only. A name in brackets is another name,
    or part of the name ("(500) Days of Summer").
    """
    text = " ".join(without_controls(_well_formed(query[:MOST_TYPED])).split())
    is_open = text != "" and query[:MOST_TYPED][-1:] == text[-1:] and len(query) <= MOST_TYPED
    years: list[tuple[str, int | None]] = []
    if found := _YEAR_IN_BRACKETS.search(text):
        if name := text[: found.start()]:
            years.append((name, int(found[1])))
    elif found := _YEAR_AT_END.match(text):
        years.append((found[1], int(found[2])))
    elif found := _YEAR_AT_BEGINNING.match(text):
        years.append((found[2], int(found[1])))
    if not years or not text.endswith((")", "]")):
        years.append((text, None))
    readings = [
        Reading(folded, year, last_as_typed(name) if is_open and year is None else "")
        for named, year in years
        for name in _names(named)
        if (folded := fold(name)).norm
    ]
    readings += [
        Reading(folded._replace(norm=folded.norm[3:]), year, share=GLUED)
        for folded, year, *_ in readings
        if folded.norm.startswith("the") and len(folded.norm) > 4
    ]
    readings += [
        Reading(Folded(squeeze([*folded.words[1:]]), folded.words[1:]), year, share=GLUED)
        for folded, year, *_ in readings[:2]
        if len(folded.words) > 1 and is_one_error(folded.words[0], "the")
    ]
    readings += [
        Reading(fold(part), year, share=PART) for named, year in years[:1] for part in parts(named)
    ]
    return tuple(dict.fromkeys(readings))


def _well_formed(text: str) -> str:
    """Drop halves of surrogate pairs, which no database takes."""
    return text.encode("utf-8", "ignore").decode()


def _names(text: str) -> list[str]:
    """Return the name without what stands in brackets, with it, and what stands there."""
    inside = [_ALSO_KNOWN_AS.sub("", part).strip() for part in _BRACKETS.findall(text)]
    names = [_BRACKETS.sub(" ", text).strip(" -,")] if inside else []
    names += [text, *inside]
    return [_article_first(name) for name in names if name][:_MOST_NAMES]


def _article_first(name: str) -> str:
    """Put an article where it belongs: "Matrix, The" is The Matrix."""
    found = _ARTICLE_BEHIND.match(name.replace("\u2019", "'"))
    if not found:
        return name
    article, gap = found["article"], "" if found["article"].endswith("'") else " "
    return f"{article}{gap}{found['name']}{found['rest'] or ''}"
