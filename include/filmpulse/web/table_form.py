"""The form that maps the columns of a table: from a proposal into fields, and back into a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.datastructures import FormData

from filmpulse import jobs
from filmpulse.items import read_imdb_id

MOST_COLUMNS = 200
"""Columns that a form shows, besides those that are proposed."""

ENCODINGS = (
    ("", "UTF-8, or as the file says"), ("cp1252", "Windows-1252 (Western European)"),
    ("utf-16-le", "UTF-16"), ("cp1250", "Windows-1250 (Central European)"),
    ("cp1251", "Windows-1251 (Cyrillic)"), ("shift_jis", "Shift JIS"), ("gb18030", "GB 18030"),
)  # fmt: skip
DELIMITERS = (("", "comma, or as the file says"), (";", "semicolon"), ("tab", "tab"), ("|", "bar"))
DAY_FORMATS = (
    ("", "2026-11-29"), ("day-first", "29/11/2026, day first"),
    ("month-first", "11/29/2026, month first"), ("%d %B %Y", "29 November 2026"),
    ("%d %b %Y", "29 Nov 2026"), ("%B %d, %Y", "November 29, 2026"), ("%b %d, %Y", "Nov 29, 2026"),
    ("%Y%m%d", "20261129"), ("%Y/%m/%d", "2026/11/29"), ("unix", "seconds since 1970"),
    ("unix-ms", "milliseconds since 1970"),
)  # fmt: skip
ZEROS = (("", "does not occur"), ("none", "means no grade"), ("worst", "is the worst grade"))
CHOICES = {
    "encodings": ENCODINGS, "delimiters": DELIMITERS, "day_formats": DAY_FORMATS, "zeros": ZEROS,
    "fields": [(name, jobs.NAMES[name]) for name in jobs.FIELDS],
}  # fmt: skip
_ZERO = frozenset({"0", "0.0", "0,0"})


class ColumnShown(NamedTuple):
    """A column in the form: its name, some of its values, and the field that it is."""

    name: str
    values: list[str]
    field: str


def columns_of(sample: jobs.Sample, entries: Mapping[str, Any]) -> list[ColumnShown]:
    """Return the columns that the form shows, in the file's order."""
    fields = {
        entries[name]["column"]: name for name in jobs.FIELDS if "column" in entries.get(name, {})
    }
    return [
        ColumnShown(name, sample.shown(name), fields.get(name, ""))
        for at, name in enumerate(sample.columns)
        if at < MOST_COLUMNS or name in fields
    ]


def inputs_of(entries: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the form's other inputs, for entries of a map."""
    rating, day = entries.get("rating", {}), entries.get("submitted_on", {})
    none = [str(word) for word in rating.get("none", ())]
    zero = "worst" if "minimum" in rating else "none" if _ZERO & set(none) else ""
    delimiter = str(entries.get("delimiter", ""))
    return {
        "movie": str(entries.get("imdb_id", {}).get("constant", "")),
        "rating_scale": str(rating.get("scale", "")),
        "rating_zero": zero,
        "rating_none": ", ".join(word for word in none if word not in _ZERO),
        "day_format": str(day.get("format", "")),
        "day_none": ", ".join(day.get("none", ())),
        "spoiler_words": ", ".join(entries.get("is_spoiler", {}).get("words", ())),
        "is_html": "yes" if entries.get("body", {}).get("html") else "",
        "encoding": str(entries.get("encoding", "")),
        "delimiter": "tab" if delimiter == "\t" else delimiter,
        "header_row": str(entries.get("header_row", "")),
        "sheet": str(entries.get("sheet", "")),
        "source": str(entries.get("source", "")),
        "rights": str(entries.get("rights", "")),
    }


def writing_of(form: FormData) -> dict[str, str]:
    """Return how the table is written, as a person says."""
    return {name: said for name in ("encoding", "delimiter", "header_row", "sheet")
            if (said := _said(form, name))}  # fmt: skip


def entries_of(form: FormData) -> tuple[dict[str, Any], list[str]]:
    """Return the entries of a map as a person chose them, and what was chosen for two columns.

    Of two columns the first counts; `make_map` says what else is wrong.
    """
    names, fields = form.getlist("column"), form.getlist("field")
    chosen = [(str(f), str(n)) for n, f in zip(names, fields, strict=False) if f in jobs.FIELDS]
    counts = Counter(name for name, _ in chosen)
    entries: dict[str, Any] = {name: {"column": column} for name, column in reversed(chosen)}
    if "imdb_id" not in entries and (movie := _said(form, "movie")):
        entries["imdb_id"] = {"constant": read_imdb_id(movie) or movie}
    for name, more in _details(form).items():
        if name in entries:
            entries[name] |= more
    for name in ("source", "rights"):
        if text := _said(form, name):
            entries[name] = text
    twice = [jobs.NAMES[name] for name, count in counts.items() if count > 1]
    return entries | writing_of(form), twice


def _details(form: FormData) -> dict[str, dict[str, Any]]:
    """Return what a person says of the values of a field."""
    rating: dict[str, Any] = {}
    if scale := _said(form, "rating_scale"):
        rating["scale"] = scale
    none = _words(form, "rating_none")
    match _said(form, "rating_zero"):
        case "none":
            none = [*none, *sorted(_ZERO)]
        case "worst":
            rating["minimum"] = "0"
    if none:
        rating["none"] = none
    day: dict[str, Any] = {}
    if how := _said(form, "day_format"):
        day["format"] = how
    if words := _words(form, "day_none"):
        day["none"] = words
    spoiler = _words(form, "spoiler_words")
    html = {"html": True} if _said(form, "is_html") else {}
    return {
        "rating": rating, "submitted_on": day, "title": html, "body": html,
        "is_spoiler": {"words": spoiler} if spoiler else {},
        "helpful_up": {"none": list(_NO_VOTES)}, "helpful_down": {"none": list(_NO_VOTES)},
    }  # fmt: skip


_NO_VOTES = ("-", "n/a", "none", "null", "nan")


def _said(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _words(form: FormData, name: str) -> list[str]:
    """Return words with commas between."""
    return [word for each in _said(form, name).split(",") if (word := each.strip())]
