"""Saved pages and answers: the same items as from the live site, from files."""

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
from filmpulse.items import Movie, Page, Review, Snapshot
from filmpulse.sources.imdb.data import has_linked_movie, page_props
from filmpulse.sources.imdb.private import decode_json
from filmpulse.sources.imdb.recognise import check_page, has_review_card
from filmpulse.sources.imdb.reviews import ReviewsPage, parse_graphql, parse_reviews_page
from filmpulse.sources.imdb.titles import parse_find, parse_suggested_movies, parse_title_page
from filmpulse.sources.saved import check_size, unwrap

Kind = Literal["auto", "reviews", "title", "graphql", "find", "suggestion"]

# Where `requestContext` says when the site made the page. Public code names `timestamp`; the others
# are here in case it is renamed.
_PAGE_TIMES = ("timestamp", "requestTimestamp", "requestTime", "time")


@dataclass(frozen=True)
class Parsed:
    """What one file holds.

    `records` are ready to print, in file order; `reviews_page` is there for reviews and GraphQL
    files, `movie` and `snapshot` for a title page. `notes` are sentences that a person should read
    beside the records.
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
        path: As `unwrap` takes it, at most 64 MB.
        kind: What it holds; found out from the content when `auto`.
        imdb_id: The movie, where the file does not say; an error where the file says another.
        author_secret: Key of the hash that stands for a reviewer.

    Raises:
        ForeignPage: Not IMDb's, or as `unwrap` raises it, or the file cannot be opened.
        LayoutChanged, Blocked, SiteUnavailable: As the page objects do; half a page is the last.
        BadInput: Nothing says which movie it is, the file is about another than `imdb_id`, or it
            is a reader's copy.
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
    """Read the text of one saved page or answer, cleaned or not.

    Args:
        text: HTML or JSON.
        kind: As `read_file`.
        imdb_id: As `read_file`.
        named_id: The movie that the file's name or address speaks of, if the page names none.
        author_secret: As `read_file`.
        name: What the file is called, for messages.
        saved_at: When the page was made; the time of its snapshot.

    Raises:
        ForeignPage, LayoutChanged, Blocked, SiteUnavailable, BadInput: As `read_file`.
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
    """Return why a saved page is none of IMDb's, or not whole; None for an answer and a good page.

    A challenge or a refusal that the site had shown in its place, half a page, a page of another
    site: cleaning takes away what tells so.
    """
    page = Page(url="saved", final_url="saved", html=text, status=None, fetched_at=None)
    try:
        if text.lstrip()[:1] == "<":
            check_page(page)
    except (Blocked, ForeignPage, SiteUnavailable) as fault:
        return fault
    except FilmpulseError:
        pass
    return None


def read_page_time(text: str) -> datetime | None:
    """Read when the site made a page (UTC), which `requestContext` says before it is removed.

    Returns:
        None where the page does not say it, or not in a way that is known: the JSON of an answer,
        a fragment, a cleaned page.
    """
    try:
        props = page_props(text, "requestContext")
    except LayoutChanged:
        return None
    context = (props or {}).get("requestContext")
    if not isinstance(context, dict):
        return None
    return next((at for key in _PAGE_TIMES if (at := _as_time(context.get(key)))), None)


def _as_time(value: Any) -> datetime | None:
    """Read an ISO text, an HTTP date, or seconds or thousandths of seconds (...) since 1970."""
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{9,19}(\.\d+)?", value.strip()):
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            # Seconds have 9 or 10 digits from 1973 to 2286, so that each unit tells itself.
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
    """Print one JSON object a line for every file that can be read, and say what could not.

    All files are tried.

    Returns:
        The highest of: 0 all read, 3 changed layout, 4 block page, 5 not IMDb's or unreadable,
        6 gated (what was shown is printed).

    Raises:
        BadInput: No such kind.
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
            worst = max(worst, _exit_code(error))
            continue
        for record in parsed.records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
        for note in parsed.notes:
            err.write(f"{path}: {note}\n")
        if parsed.gated:
            worst = max(worst, EXIT_GATED)
    return worst


def _exit_code(error: FilmpulseError) -> int:
    match error:
        case LayoutChanged():
            return EXIT_LAYOUT_CHANGED
        case Blocked():
            return EXIT_BLOCKED
        case _:
            return EXIT_FOREIGN_PAGE


def _kind_of(text: str) -> Kind:
    """Tell from its content what a file holds; a page of no known kind counts as reviews."""
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
    if not props and not has_review_card(text) and has_linked_movie(text):
        return "title"
    return "reviews"


def _must_be(asked: str | None, found: str) -> None:
    if asked is not None and asked != found:
        raise BadInput(f"The file is about {found}, not {asked}.")


def _reviews(kind: Kind, page: ReviewsPage) -> Parsed:
    records = [_review_record(review) for review in page.reviews]
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


def _review_record(review: Review) -> dict[str, Any]:
    return review.model_dump(mode="json", exclude={"source", "dropped"})


def _movie_record(movie: Movie, snapshot: Snapshot | None) -> dict[str, Any]:
    record = movie.model_dump(mode="json")
    plot, poster_url = record.pop("plot"), record.pop("poster_url")
    for name in ("rating", "vote_count", "review_count"):
        record[name] = getattr(snapshot, name) if snapshot else None
    return {**record, "plot": plot, "poster_url": poster_url}
