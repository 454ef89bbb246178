"""Read days and numbers as IMDb's pages show them, in all languages of the site."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from datetime import date
from functools import cache

from babel import Locale

# As of 2026: English, German, French (also of Canada), Spanish (also of Mexico), Italian,
# Portuguese and Hindi.
_LOCALES = ("en", "en_GB", "de", "fr", "fr_CA", "es", "es_MX", "it", "pt", "hi")
_LONGEST = 100  # characters of a day or a number with the words beside it
# Letters of a shortened month; versions of CLDR shorten differently: "sep", "sept".
_LEAST_PREFIX = 3

# "Thousand" after a rounded number (CLDR, short compact decimals of the locales above).
_THOUSAND = frozenset({"k", "mil", "tsd", "हज़ार"})
_MARK = r"[.,\s'\u2019]"
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_NUMBER = re.compile(rf"\d+(?:{_MARK}\d+)*")
# Groups of three digits; in India groups of two before the last.
_GROUPED = re.compile(rf"\d+|\d{{1,3}}({_MARK})(?:\d{{2,3}}\1)*\d{{3}}")
_DECIMAL = re.compile(r"\d+(?:[.,]\d+)?")


def read_day(text: str) -> date | None:
    """Read a day such as "Dec 5, 2025", "5. Dezember 2025", "5 de dic. de 2025" or "05.12.2025".

    Returns:
        None where the text does not hold one day, one month and one year. "05/12/2025" is not
        read: it is another day in another country.
    """
    text = text[:_LONGEST].strip()
    if dotted := _DOTTED.fullmatch(text):
        days, months, years = ([int(number)] for number in dotted.groups())
    else:
        words = re.findall(r"\d+|[^\s\d.,/]+", text)
        numbers = [word for word in words if word.isdecimal()]
        days = [int(number) for number in numbers if len(number) <= 2]
        years = [int(number) for number in numbers if len(number) > 2]
        months = [month for word in words if (month := _months().get(_plain(word)))]
    if not len(days) == len(months) == len(years) == 1:
        return None
    try:
        return date(years[0], months[0], days[0])
    except ValueError:
        return None


def read_number(text: str) -> int | None:
    """Read the one number in a text: "2,561", "2.561 Rezensionen", "2,56,100"; "2,5 k" is 2,500.

    Returns:
        None where there is no number or more than one, or where the marks in it do not group
        thousands: "1.5" may be a fraction.
    """
    return _read(text)[0]


def read_exact_number(text: str) -> int | None:
    """Do the same, but return None for a rounded number such as "2,5 k".

    Votes are read so: a rounded number must not replace the exact one of the page's JSON.
    """
    number, is_rounded = _read(text)
    return None if is_rounded else number


def _read(text: str) -> tuple[int | None, bool]:
    """Return the one number in a text, and whether it is rounded."""
    text = text[:_LONGEST]
    found = list(_NUMBER.finditer(text))
    if len(found) != 1:
        return None, False
    number = found[0][0]
    following = text[found[0].end() :].split(maxsplit=1)
    if following and _plain(following[0]) in _THOUSAND:
        if not _DECIMAL.fullmatch(number):
            return None, True
        return round(float(number.replace(",", ".")) * 1000), True
    return int(re.sub(r"\D", "", number)) if _GROUPED.fullmatch(number) else None, False


@cache
def _months() -> dict[str, int]:
    """Map names of months and their unambiguous beginnings to 1 to 12 (CLDR)."""
    names: dict[str, int] = {}
    prefixes: defaultdict[str, set[int]] = defaultdict(set)
    for locale in map(Locale.parse, _LOCALES):
        for context in ("format", "stand-alone"):
            for month, name in locale.months[context]["wide"].items():
                plain = _plain(name)
                for length in range(_LEAST_PREFIX, len(plain)):
                    prefixes[plain[:length]].add(month)
                names[plain] = month
            names |= {
                _plain(name): month for month, name in locale.months[context]["abbreviated"].items()
            }
    return {short: min(found) for short, found in prefixes.items() if len(found) == 1} | names


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().strip(".॰")
