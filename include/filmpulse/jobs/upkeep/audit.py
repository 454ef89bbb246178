"""Ask a person what reviews judge, in a spreadsheet, and hold analysers against the answers.

`write_audit` writes a sample of reviews with the analyser's scores and empty cells; `read_audit`
reads the filled cells back. What is stored are the labels, never the text: they belong to a text of
a review (source, id, content hash) and go when the review is erased. Figures are the marts'.
"""

from __future__ import annotations

import csv
import json
import logging
import random
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote, unquote

from filmpulse.errors import BadInput
from filmpulse.items import ASPECTS
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.track import typed_ids
from filmpulse.jobs.upkeep.auditors import drop_auditors, keys_of, known_as, read_auditor
from filmpulse.jobs.upkeep.erase import note
from filmpulse.jobs.upkeep.find_kept import ALL_SOURCES
from filmpulse.jobs.upkeep.write_tables import cell
from filmpulse.sources.tables.readers import read_chunks
from filmpulse.sources.tables.sample import read_sample
from filmpulse.sources.tables.values import text_of
from filmpulse.warehouse import audits as wh
from filmpulse.warehouse import extracts
from filmpulse.warehouse.erasures import Erasure

log = logging.getLogger(__name__)

SIDES = (*ASPECTS, "overall")
"""What a person labels: the aspects, then the whole."""

LABELS = {side: f"{side}_label" for side in SIDES}
"""The columns that the person fills."""

COLUMNS = (
    "id", "analyser", "movie", "grade", "title", "text",
    *(f"{side}_{part}" for side in SIDES for part in ("score", "quote", "label")),
)  # fmt: skip
"""The columns of the file, in order."""

MOST_FAULTS = 20
"""So many faults of a file are told at once."""

_LABEL = re.compile(r"'?([-+\N{MINUS SIGN}\N{EN DASH}]?)([0-2])(?:[.,]0*)?")
_PART = re.compile(r"[\x21-\x7e]{1,200}")  # as `items.Review` has its ids
_NO_LETTER = re.compile(r"[^0-9A-Za-z]")
_COMPARED_LETTERS = 300


class Sampled(NamedTuple):
    """What was written: so many reviews, of so many that could be, drawn by this seed."""

    reviews: int
    of: int
    seed: int


class AuditRead(NamedTuple):
    """What was read: rows with labels, rows left blank, and how far the judges now agree.

    `figures` are those of this auditor with each analyser and with each other auditor.
    """

    labelled: int
    blank: int
    figures: list[wh.AuditFigures]


class _Key(NamedTuple):
    """A text of a review."""

    source: str
    review_id: str
    content_hash: str


class _Row(NamedTuple):
    """A filled row: where it begins, whose text it is, the labels by side, the text that stood."""

    line: int
    key: _Key
    analyser_id: int
    labels: dict[str, int]
    text: str


def write_audit(
    context: Context,
    path: Path,
    count: int = 50,
    movies: Iterable[str] = (),
    seed: int | None = None,
) -> Sampled:
    """Write a sample of reviews for a person to label, as CSV for spreadsheets.

    Every current review that its movie's analyser scored has the same chance; the sample is spread
    over movies and scores. UTF-8 with a byte order mark, comma, CRLF; texts are made harmless, so
    no cell runs as a formula. An id begins with a letter and has percent signs in place of what a
    spreadsheet might read as something else.

    Args:
        context: Whose warehouse.
        path: The file to be.
        count: How many reviews; fewer if there are not so many.
        movies: IMDb ids, or addresses of movies at IMDb; all movies if there are none.
        seed: The same seed over the same reviews draws the same sample; by chance if None.

    Raises:
        BadInput: There is such a file, a movie is unknown, or no review has a score.
        WarehouseUnavailable: Postgres did not answer (retryable); nothing was written.
    """
    seed = secrets.randbelow(2**31) if seed is None else seed
    start = random.Random(seed).random()  # noqa: S311 - a draw, not a secret
    ids = typed_ids(movies) or None
    with context.warehouse.connect() as connection:
        if ids:
            ids = extracts.find_movies(connection, ids)
        found = wh.sample(connection, imdb_ids=ids, count=count, seed=str(seed), start=start)
    if not found:
        raise BadInput("No current review of these movies has a score yet: `filmpulse analyse`.")
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([cell(value) for value in _cells(review)] for review in found)
    except FileExistsError as error:
        raise BadInput(
            f"{path} is there already, and may hold somebody's labels: name another with --output."
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
    return Sampled(len(found), found[0].total, seed)


def read_audit(context: Context, file: BinaryIO, name: str, auditor: str) -> AuditRead:
    """Store the labels of a file that a person filled; all of them, or none if a cell is at fault.

    Columns are found by name, in any order and among others; separator and encoding are found out;
    `.csv`, `.tsv` and `.xlsx` can be read. A row without any label was not audited and changes
    nothing. In a row with labels, an empty aspect is one that the review does not judge, and
    `overall_label` must be given. Reading a file again replaces this person's labels of its texts.

    Args:
        context: Whose warehouse.
        file: Its content; seekable.
        name: Its name.
        auditor: Who filled it. Names are the same without regard to case and to spaces around; the
            first spelling is stored.

    Raises:
        BadInput: No name, a cell is at fault (lines and columns are named), or a review is unknown.
        WarehouseUnavailable: Postgres did not answer (retryable); nothing was stored.
    """
    auditor = read_auditor(auditor)
    faults: list[str] = []
    rows, blank = _read_rows(file, name, faults)
    _raise(name, faults)
    if not rows:
        raise BadInput(f"{name}: no row has a label; fill the columns that end in _label.")
    keys = _arrays(row.key for row in rows)
    with context.warehouse.connect() as connection:
        wh.take_turn(connection)  # until the end of the transaction nobody else stores labels
        auditor = next(iter(known_as(connection, auditor)), auditor)
        known = {_Key(*text[:3]): text for text in wh.known_texts(connection, **keys)}
        _raise(name, [fault for row in rows for fault in _mismatches(row, known)])
        wh.drop_labels(connection, auditor=auditor, **keys)
        wh.store_labels.many(connection, [_stored(row, auditor) for row in rows])
    return AuditRead(len(rows), blank, wh.audit_figures(context.warehouse, auditor=auditor))


def forget_auditor(context: Context, auditor: str) -> int:
    """Erase a person's labels, and so their name; return how many reviews had them.

    The request is noted first, without the name: a restore of an older backup erases the labels
    again, but not those that are read after this moment. If the erasure breaks off, the same call
    does the rest. Nothing is noted of a person who has no labels here.

    Raises:
        BadInput: That is no name.
        Retryable: The lake or Postgres did not answer; do the same again.
    """
    name = read_auditor(auditor)
    until = wh.turn_time.one(context.warehouse)
    names = known_as(context.warehouse, name)
    if not names:
        return 0
    key = keys_of(name, context.settings)[0]
    note([Erasure(kind="auditor", source=ALL_SOURCES, key=key, erased_at=until)], context)
    gone = drop_auditors(context.warehouse, names, until)
    log.info("An auditor was forgotten, who had labelled %s reviews.", gone.reviews)
    return gone.reviews


def _cells(review: wh.SampledReview) -> Iterator[str | int | None]:
    """Yield the cells of a review, in the order of `COLUMNS`."""
    parts = (review.source, review.review_id, review.content_hash, str(review.analyser_id))
    yield "/".join(quote(part, safe="") for part in parts)
    yield from (review.analyser, review.movie, review.rating_1_10, review.title, review.body)
    scores = review.scores | {"overall": review.overall}
    quotes = review.quotes | {"overall": review.overall_quote}
    for side in SIDES:
        yield from (scores.get(side), quotes.get(side), None)


def _read_rows(file: BinaryIO, name: str, faults: list[str]) -> tuple[list[_Row], int]:
    """Return the filled rows and how many are blank; note what is at fault."""
    writing = read_sample(file, name).writing
    rows: list[_Row] = []
    blank = 0
    lines: dict[_Key, int] = {}
    # The whole sheet at once, so that a fault in it leaves no reader open.
    for chunk in list(read_chunks(file, name, writing)):
        faults += [f"line {each.number:,}: {each.sentence}" for each in chunk.broken]
        columns = {str(column).strip().lower(): at for at, column in enumerate(chunk.frame.columns)}
        if missing := [column for column in ("id", *LABELS.values()) if column not in columns]:
            raise BadInput(
                f"{name} has no column {', '.join(missing)}: leave the header as "
                "`filmpulse audit` wrote it."
            )
        for line, cells in zip(chunk.frame.index, chunk.frame.to_numpy(), strict=True):
            texts = {column: text_of(cells[at]).strip() for column, at in columns.items()}
            if not any(texts[column] for column in LABELS.values()):
                blank += 1
            elif row := _read_row(line, texts, faults):
                if (first := lines.setdefault(row.key, line)) != line:
                    faults.append(f"line {line:,}, column id: the same review as in line {first:,}")
                rows.append(row)
    return rows, blank


def _read_row(line: int, texts: Mapping[str, str], faults: list[str]) -> _Row | None:
    """Read a row with labels; None, and what is at fault noted, if it cannot be."""
    labels: dict[str, int] = {}
    wrong: list[str] = []
    for side, column in LABELS.items():
        found = _LABEL.fullmatch(texts[column])
        if found is not None:
            labels[side] = int(found[2]) * (1 if found[1] in ("", "+") else -1)
        elif texts[column]:
            wrong.append(f"line {line:,}, column {column}: {texts[column][:40]!r} is not -2 to 2")
        elif side == "overall":
            wrong.append(
                f"line {line:,}, column {column}: a review that was read needs it; 0 if the review "
                "judges nothing"
            )
    parts = [unquote(part) for part in texts["id"].split("/")]
    if len(parts) != 4 or not all(map(_PART.fullmatch, parts)) or not parts[3].isdecimal():
        wrong.append(f"line {line:,}, column id: {texts['id'][:40]!r} is no id of a review here")
    faults += wrong
    if wrong:
        return None
    return _Row(line, _Key(*parts[:3]), int(parts[3][:9]), labels, texts.get("text", ""))


def _mismatches(row: _Row, known: Mapping[_Key, wh.KnownText]) -> Iterator[str]:
    """Yield a fault if a row's review is unknown, or its words are those of another review."""
    text = known.get(row.key)
    if text is None:
        yield (
            f"line {row.line:,}, column id: review {row.key.review_id[:40]!r} of "
            f"{row.key.source[:40]} is not in this warehouse; was it erased? Remove the row"
        )
    elif text.body is not None and not _letters(text.body).startswith(_letters(row.text)):
        yield (
            f"line {row.line:,}, column text: not the words of the review that id names; was one "
            "column sorted without the others?"
        )


def _letters(text: str) -> str:
    """Return what survives any spreadsheet: the first ASCII letters and digits."""
    return _NO_LETTER.sub("", text)[:_COMPARED_LETTERS]


def _raise(name: str, faults: list[str]) -> None:
    if faults:
        more = len(faults) - MOST_FAULTS
        raise BadInput(
            f"{name}: nothing was stored. Correct this and read the file again:\n"
            + "\n".join(islice(faults, MOST_FAULTS))
            + (f"\nand {more:,} more" if more > 0 else "")
        )


def _arrays(keys: Iterable[_Key]) -> dict[str, list[str]]:
    sources, review_ids, hashes = zip(*keys, strict=True)
    return {"sources": list(sources), "review_ids": list(review_ids), "hashes": list(hashes)}


def _stored(row: _Row, auditor: str) -> dict[str, object]:
    aspects = {side: label for side, label in row.labels.items() if side != "overall"}
    return {
        **row.key._asdict(), "auditor": auditor, "analyser_id": row.analyser_id,
        "overall": row.labels["overall"], "labels": json.dumps(aspects),
    }  # fmt: skip
