"""Write the rows of a table into a Parquet or a CSV file, a chunk at a time; read ids back."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from filmpulse.errors import LakeDamaged
from filmpulse.items import ExportFormat
from filmpulse.warehouse import extracts
from filmpulse.warehouse.extracts import Column, Row

# A spreadsheet takes a cell that begins so for a formula, and may run it when the file is opened
# (https://owasp.org/www-community/attacks/CSV_Injection). Besides ASCII: the characters that
# Unicode's NFKC makes one of these, and the minus sign.
_STARTS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋\ufb29\N{MINUS SIGN}"  # noqa: RUF001
# What may stand before it unseen: a quotation mark, and spaces, controls and characters without
# width (of Unicode's categories Zs, Zl, Zp, Cc and Cf those of the basic plane).
_PASSED = (
    '["\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680'
    "\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]"
)
# A cell begins with the text, and after what ends a cell for a spreadsheet that is set to another
# separator or does not heed quotation marks. A break at the very beginning is a danger by itself.
_FORMULA = re.compile(f"^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?={_PASSED}*[{_STARTS}])")


def harmless(text: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would take for a formula.

    The other characters stay as they are. A text without such a place is returned unchanged.
    """
    return _FORMULA.sub("'", text)


def write_parquet(
    path: Path,
    chunks: Iterable[Sequence[Row]],
    columns: Mapping[str, Column],
    about: Mapping[str, Any],
) -> int:
    """Write a Parquet file (zstd), a row group a chunk; return how many rows.

    Each field has its unit in its metadata. pandas finds its types, and `about` as
    `DataFrame.attrs`, in the metadata of the file.
    """
    import pyarrow.parquet as pq

    schema = extracts.arrow_schema(columns, about)
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for chunk in chunks:
            writer.write_batch(extracts.arrow_batch(chunk, schema))
            count += len(chunk)
    return count


def write_csv(
    path: Path,
    chunks: Iterable[Sequence[Row]],
    columns: Mapping[str, Column],
    about: Mapping[str, Any],
) -> int:
    """Write a CSV file; return how many rows.

    UTF-8 with a byte order mark, by which Excel knows the encoding; as RFC 4180 says (comma,
    CRLF); texts are made harmless. Numbers stay numbers, days are 2026-03-02, times
    2026-03-02T10:00:00Z, flags true and false; what is not known is an empty cell. A CSV file has
    no place for `about`.
    """
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
        writer.writerow(columns)
        for chunk in chunks:
            writer.writerows([cell(value) for value in row] for row in chunk)
            count += len(chunk)
    return count


WRITERS: dict[ExportFormat, Callable[..., int]] = {"parquet": write_parquet, "csv": write_csv}


def read_ids(content: bytes) -> Iterator[tuple[set[str], set[tuple[str, str]]]]:
    """Yield the movies and the reviews (source, id) that a Parquet table of an export names.

    One part of the table after the other; tables of figures name no review.

    Raises:
        LakeDamaged: This is no such table, or a damaged one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        names = [n for n in ("imdb_id", "source", "review_id") if n in file.schema_arrow.names]
        for batch in file.iter_batches(columns=names):
            columns = batch.to_pydict()
            reviews = zip(columns["source"], columns["review_id"], strict=True) if names[1:] else ()
            yield set(columns["imdb_id"]), set(reviews)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise LakeDamaged(f"This is no table of an export: {error}") from error


def cell(value: Any) -> Any:
    """Return a value as a cell of a CSV file has it."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
