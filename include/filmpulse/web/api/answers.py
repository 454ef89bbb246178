"""How the API answers: JSON or CSV, one piece, a page of a list, or a long stream of rows.

A row has one shape: the model that describes it is that of the JSON and names the columns of the
CSV. Whole answers carry a weak ETag of their content; a stream has none, since its content is not
known before its end.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain, islice
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from filmpulse.jobs.upkeep.write_tables import cell

Format = Literal["json", "csv"]
Row = TypeVar("Row", bound=BaseModel)

MEDIA_TYPES: dict[Format, str] = {"json": "application/json", "csv": "text/csv"}

ROWS_AT_ONCE = 500
"""Rows of a stream that are read, and sent, together: about 1 MB if they have texts."""


def _is_day(given: Any) -> Any:
    """Refuse what is not written as a day: a number would be taken for seconds since 1970."""
    if isinstance(given, str) and not _DAY.fullmatch(given):
        raise ValueError("a day is written as 2026-11-02")
    return given


_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
Day = Annotated[date, BeforeValidator(_is_day)]


def check_once(request: Request) -> None:
    """Refuse a parameter that is given more than once: only its last value would count.

    Raises:
        RequestValidationError: 422.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if repeated := [name for name in dict.fromkeys(given) if given.count(name) > 1]:
        said = "Given more than once"
        raise RequestValidationError(
            [{"type": "repeated", "loc": ("query", name), "msg": said} for name in repeated]
        )


class Asked(BaseModel):
    """What every list may be asked; an unknown parameter is refused, since it is mistyped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format | None = Field(
        None, description="`json` or `csv`; without it the header `Accept` decides, else JSON."
    )


class AskedPage(Asked):
    """What a list that comes in pages may be asked."""

    limit: int = Field(50, ge=1, le=500, description="Rows of a page, at most.")
    cursor: str | None = Field(
        None, max_length=600, pattern=r"^[A-Za-z0-9_-]+$",
        description="Where the page begins: `next` of the page before.",
    )  # fmt: skip


class _List(BaseModel, Generic[Row]):
    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name a list by what it holds: `MoviePage`."""
        return f"{params[0].__name__}{cls.__name__}"


class Rows(_List[Row], Generic[Row]):
    """A whole list."""

    model_config = ConfigDict(json_schema_extra={"description": "A whole list."})
    items: list[Row] = Field(description="The rows.")


class Page(_List[Row], Generic[Row]):
    """A part of a list, and where the next part begins."""

    model_config = ConfigDict(
        json_schema_extra={"description": "A part of a list, and where the next part begins."}
    )
    items: list[Row] = Field(description="The rows of this page.")
    next: str | None = Field(
        description="The `cursor` of the next page, also in the header `Link`; null on the last."
    )


def _wanted(request: Request, asked: Asked) -> Format:
    """Choose JSON or CSV: by `?format=`, else by the header Accept (RFC 9110, 12.5.1).

    Raises:
        HTTPException: 406, the header allows neither.
    """
    if asked.format:
        return asked.format
    accept = ",".join(request.headers.getlist("accept")) or "*/*"
    quality = {one: _quality(accept, kind) for one, kind in MEDIA_TYPES.items()}
    best = max(MEDIA_TYPES, key=lambda one: quality[one])  # JSON, the first, if both are the same
    if not quality[best]:
        raise HTTPException(406, "The answer is application/json or text/csv.")
    return best


def _quality(accept: str, media_type: str) -> float:
    """Return the weight of a media type: that of the most precise range that fits; 0 for none."""
    kind = media_type.partition("/")[0]
    ranges = {"*/*": 0, f"{kind}/*": 1, media_type: 2}
    best, weight = -1, 0.0
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        precision = ranges.get(name, -1)
        if precision > best:
            given = [p[2:].strip() for p in parameters if p.startswith("q=")]
            best, weight = precision, _weight(given[0] if given else "1")
    return weight


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def one(
    request: Request, item: BaseModel, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return one thing as JSON."""
    return whole(request, item.model_dump_json(by_alias=True), "json", status, headers)


def many(
    request: Request, asked: Asked, model: type[Row], rows: Iterable[Any], name: str
) -> Response:
    """Return a whole list; `rows` have the attributes of the model, `name` is that of the file."""
    items = [model.model_validate(row) for row in rows]
    if _wanted(request, asked) == "csv":
        return whole(request, "".join(_csv(model, items)), "csv", headers=_file(name))
    return whole(request, Rows[model](items=items).model_dump_json(), "json")  # type: ignore[valid-type]


def page(
    request: Request,
    asked: AskedPage,
    model: type[Row],
    rows: Iterable[Any],
    following: str | None,
    name: str,
) -> Response:
    """Return a page of a list; `following` is the cursor of the next page, None on the last."""
    items = [model.model_validate(row) for row in rows]
    headers = {}
    if following:
        address = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
    if _wanted(request, asked) == "csv":
        return whole(request, "".join(_csv(model, items)), "csv", headers=headers | _file(name))
    text = Page[model](items=items, next=following).model_dump_json()  # type: ignore[valid-type]
    return whole(request, text, "json", headers=headers)


def whole(
    request: Request,
    text: str,
    wanted: Format,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a whole answer with its ETag; 304 without content if the asker has it already."""
    content = text.encode()
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    said = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if status == 200 and request.method == "GET" and _has(request, tag):
        return Response(None, 304, said)
    return Response(content, status, said, _content_type(wanted))


def _has(request: Request, tag: str) -> bool:
    """Say whether If-None-Match names a tag; compared weakly (RFC 9110, 13.1.2)."""
    given = ",".join(request.headers.getlist("if-none-match"))
    tags = {one.strip().removeprefix("W/") for one in given.split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags


def _content_type(wanted: Format) -> str:
    return "text/csv; charset=utf-8; header=present" if wanted == "csv" else MEDIA_TYPES["json"]


def _file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}


def stream(
    request: Request, asked: Asked, model: type[Row], rows: Iterator[Any], name: str
) -> Response:
    """Return a list of any length, a few rows at a time, as `rows` gives them.

    The first rows are read before the answer begins, so an error of the warehouse has its status.
    If it breaks off later, so does the connection: a part never looks like the whole.
    """
    wanted = _wanted(request, asked)
    items = map(model.model_validate, rows)
    pieces = _csv(model, items) if wanted == "csv" else _json(items)
    headers = {"Cache-Control": "private, no-cache"} | (_file(name) if wanted == "csv" else {})
    content = chain([next(pieces)], pieces)
    return StreamingResponse(content, 200, headers, _content_type(wanted))


def _json(items: Iterator[BaseModel]) -> Iterator[str]:
    """Yield the JSON of `Rows` piece by piece."""
    before = '{"items":['
    while some := list(islice(items, ROWS_AT_ONCE)):
        yield before + ",".join(item.model_dump_json() for item in some)
        before = ","
    yield "]}" if before == "," else before + "]}"


def _csv(model: type[BaseModel], items: Iterable[BaseModel]) -> Iterator[str]:
    """Yield CSV (RFC 4180, UTF-8) piece by piece: a header, then a line for each item.

    Cells are those of our exports (`write_tables.cell`): an apostrophe stands before a text that a
    spreadsheet would take for a formula, and numbers stay numbers. A list of words is one cell.
    """
    columns = list(model.model_fields)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    items = iter(items)
    while some := list(islice(items, ROWS_AT_ONCE)):
        writer.writerows([cell(_flat(getattr(item, name))) for name in columns] for item in some)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()  # the header, if there was no row


def _flat(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list) else value
