"""Read saved pages and answers: they give the same items as the live site."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal, TextIO, cast, get_args

from filmpulse.errors import (
    EXIT_BLOCKED,
    EXIT_FOREIGN_PAGE,
    EXIT_GATED,
    EXIT_LAYOUT_CHANGED,
    BadInput,
    Blocked,
    FilmpulseError,
    ForeignPage,
    LayoutChanged,
    SiteUnavailable,
)
from filmpulse.items import Movie, Page, Snapshot
from filmpulse.sources.imdb.data import dig, page_props, read_linked_data
from filmpulse.sources.imdb.private import decode_json
from filmpulse.sources.imdb.recognise import check_page, has_review_card
from filmpulse.sources.imdb.reviews import ReviewsPage, parse_graphql, parse_reviews_page
from filmpulse.sources.imdb.titles import parse_find, parse_suggested_movies, parse_title_page
from filmpulse.sources.saved import check_size, unwrap

Kind = Literal["auto", "reviews", "title", "graphql", "find", "suggestion"]

# How `run_parse` ends for an error; any other error ends as a foreign page does.
_EXIT_CODES: dict[type[FilmpulseError], int] = {
    LayoutChanged: EXIT_LAYOUT_CHANGED,
    Blocked: EXIT_BLOCKED,
}


@dataclass(frozen=True)
class Parsed:
    """What one file holds.

    `records` are JSON objects in file order. Reviews and GraphQL files have a `reviews_page`,
    title pages a `movie` and a `snapshot`. `notes` are sentences for a person.
    """

    kind: Kind
    records: list[dict[str, Any]]
    gated: bool = False
    reviews_page: ReviewsPage | None = None
    movie: Movie | None = None
    snapshot: Snapshot | None = None
    notes: list[str] = field(default_factory=list)


def read_file(
    path: Path, *, kind: Kind = "auto", imdb_id: str | None = None, author_secret: bytes
) -> Parsed:
    """Read one saved page or answer, in any form that a browser writes.

    Args:
        path: A file as `unwrap` takes it.
        kind: What it holds; `auto` finds that out from the content.
        imdb_id: The movie, where the file does not say it.
        author_secret: Key of the hash that stands for a reviewer.

    Raises:
        ForeignPage: The page is not IMDb's, the file cannot be opened, or as `unwrap`.
        LayoutChanged, Blocked: As the page's parser.
        SiteUnavailable: Half a page, or the answer is an error.
        BadInput: The movie is unknown or is not `imdb_id`, or the page is a reader's copy.
    """
    try:
        check_size(path.stat().st_size)
        content = path.read_bytes()
    except OSError as error:
        raise ForeignPage(f"Cannot be read: {error.strerror}.") from error
    page = unwrap(content)
    return parse_text(
        page.text,
        kind=kind,
        imdb_id=imdb_id,
        named_id=page.imdb_id,
        author_secret=author_secret,
        name=path.name,
    )


def parse_text(
    text: str,
    *,
    kind: Kind = "auto",
    imdb_id: str | None = None,
    named_id: str | None = None,
    author_secret: bytes,
    name: str = "saved",
    saved_at: datetime | None = None,
) -> Parsed:
    """Read the text of one saved page or answer, cleaned or not; raises as `read_file`.

    Args:
        text: HTML or JSON.
        kind: As `read_file`.
        imdb_id: As `read_file`.
        named_id: The movie that the page's address names; used if the page names none.
        author_secret: As `read_file`.
        name: The file's name, for messages.
        saved_at: When the page was made (UTC): the time of its snapshot.
    """
    if kind == "auto":
        kind = _kind_of(text)
    if kind == "graphql":
        return _reviews(kind, parse_graphql(text, author_secret, imdb_id))
    if kind == "suggestion":
        return Parsed(kind, [_movie_record(m, None) for m in parse_suggested_movies(text)])
    about = imdb_id or named_id
    address = f"https://www.imdb.com/title/{about}/" if about else name
    page = Page(url=address, final_url=address, html=text, status=None, fetched_at=saved_at)
    if kind == "reviews":
        parsed = parse_reviews_page(page, author_secret)
        _must_be(imdb_id, parsed.imdb_id)
        return _reviews(kind, parsed)
    if kind == "find":
        return Parsed(kind, [_movie_record(*row) for row in parse_find(page)])
    movie, snapshot = parse_title_page(page)
    _must_be(imdb_id, movie.imdb_id)
    record = _movie_record(movie, snapshot)
    return Parsed("title", [record], movie=movie, snapshot=snapshot)


def find_fault(text: str) -> Blocked | ForeignPage | SiteUnavailable | None:
    """Return why a saved page is not a whole page of IMDb; None for a good page or an answer.

    Call it before the page is cleaned, which removes the marks of a challenge or refusal.
    """
    if text.lstrip()[:1] == "<":
        try:
            check_page(
                Page(url="saved", final_url="saved", html=text, status=None, fetched_at=None)
            )
        except (Blocked, ForeignPage, SiteUnavailable) as fault:
            return fault
    return None


def read_page_time(text: str) -> datetime | None:
    """Read when the site made a page (UTC), from `requestContext`, which cleaning removes.

    Returns None for answers, fragments, cleaned pages and times in an unknown form.
    """
    try:
        props = page_props(text, "requestContext")
    except LayoutChanged:
        return None
    return _as_time(dig(props, "requestContext", "timestamp"))


def _as_time(value: Any) -> datetime | None:
    """Read an ISO text, an HTTP date, or seconds, milli-, micro- or nanoseconds since 1970."""
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{9,19}(\.\d+)?", value.strip()):
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            # From 1973 to 2286 seconds have 9 or 10 digits, so the size of a number shows its unit.
            unit = next((u for u in (1, 1e3, 1e6, 1e9) if 1e8 <= value / u < 1e10), None)
            return datetime.fromtimestamp(value / unit, UTC) if unit else None
        if not isinstance(value, str):
            return None
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            found = parsedate_to_datetime(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def run_parse(
    paths: Sequence[Path],
    kind: str,
    imdb_id: str | None,
    author_secret: bytes,
    out: TextIO,
    err: TextIO,
) -> int:
    """Try all files: print one JSON object a line, and write to `err` why a file cannot be read.

    Returns:
        The highest of: 0 all read, 3 changed layout, 4 block page, 5 not IMDb's or unreadable,
        6 gated (the shown reviews are printed).

    Raises:
        BadInput: `kind` is unknown.
    """
    if kind not in get_args(Kind):
        raise BadInput(f"There is no kind {kind!r}: use one of {', '.join(get_args(Kind))}.")
    worst = 0
    for path in paths:
        try:
            parsed = read_file(
                path, kind=cast(Kind, kind), imdb_id=imdb_id, author_secret=author_secret
            )
        except FilmpulseError as error:
            err.write(f"{path}: {error}\n")
            worst = max(worst, _EXIT_CODES.get(type(error), EXIT_FOREIGN_PAGE))
            continue
        for record in parsed.records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
        for note in parsed.notes:
            err.write(f"{path}: {note}\n")
        if parsed.gated:
            worst = max(worst, EXIT_GATED)
    return worst


def _kind_of(text: str) -> Kind:
    """Say what a file holds by its content; a page of no known kind counts as reviews."""
    start = text.lstrip()[:1]
    if start in ("{", "["):
        body = decode_json(text)
        if not isinstance(body, dict):
            raise ForeignPage("Not the JSON of an answer of IMDb's, or cut off.")
        return "suggestion" if isinstance(body.get("d"), list) else "graphql"
    props = page_props(text, "contentData") or {}
    if "contentData" in props:
        return "reviews"
    if "aboveTheFoldData" in props:
        return "title"
    if "titleResults" in props:
        return "find"
    if not props and not has_review_card(text) and read_linked_data(text) is not None:
        return "title"
    return "reviews"


def _must_be(asked: str | None, found: str) -> None:
    if asked is not None and asked != found:
        raise BadInput(f"The file is about {found}, not {asked}.")


def _reviews(kind: Kind, page: ReviewsPage) -> Parsed:
    records = [r.model_dump(mode="json", exclude={"source", "dropped"}) for r in page.reviews]
    notes = []
    shown = f"{len(records):,} of {page.review_count:,}" if page.review_count else len(records)
    if page.gated:
        notes.append(f"{shown} reviews are shown: the rest needs a sign-in.")
    if page.unopened_spoilers:
        notes.append(
            f"{page.unopened_spoilers} reviews left out: spoilers that were not opened before "
            "the page was saved, so that their text is not in it."
        )
    if page.undated:
        notes.append(f"{page.undated:,} reviews without a day: they show none that can be read.")
    return Parsed(kind, records, page.gated, page, notes=notes)


def _movie_record(movie: Movie, snapshot: Snapshot | None) -> dict[str, Any]:
    record = movie.model_dump(mode="json")
    plot, poster_url = record.pop("plot"), record.pop("poster_url")
    for name in ("rating", "vote_count", "review_count"):
        record[name] = getattr(snapshot, name) if snapshot else None
    return {**record, "plot": plot, "poster_url": poster_url}
