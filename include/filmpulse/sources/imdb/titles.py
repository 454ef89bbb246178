"""Read movies and snapshots from title pages, find pages and suggestions."""

from __future__ import annotations

import html as htmllib
import re
from datetime import date
from typing import Any, NamedTuple

from pydantic import ValidationError

from filmpulse.errors import ForeignPage, LayoutChanged
from filmpulse.items import Movie, Page, SearchHit, Snapshot, canonical_text
from filmpulse.sources.imdb.data import (
    TITLE_IN_URL,
    as_id,
    dig,
    first_int,
    known_layout,
    page_props,
    read_linked_data,
    site_string,
    wording,
)
from filmpulse.sources.imdb.private import decode_json
from filmpulse.sources.imdb.recognise import check_page


@known_layout
def parse_title_page(page: Page) -> tuple[Movie, Snapshot]:
    """Read a title page from `__NEXT_DATA__`, or from its JSON-LD where that is missing.

    The snapshot's rating and votes are None, never 0, where nobody has voted. Titles and dates
    follow the visitor's country; `original_title` does not.

    Raises:
        LayoutChanged: Neither place holds an id and a title.
        Blocked, NotFound, ForeignPage, SiteUnavailable: As `check_page`.
    """
    check_page(page)
    props = page_props(page.html, "aboveTheFoldData")
    top = props.get("aboveTheFoldData") if props else None
    if isinstance(top, dict):
        main = (props or {}).get("mainColumnData") or {}
        movie = _movie_of_title_page(top, main)
        count = first_int(dig(top, "reviews", "total"), dig(main, "reviews", "total"))
        return movie, make_snapshot(movie.imdb_id, page, top.get("ratingsSummary"), count)
    linked = read_linked_data(page.html)
    if linked is None:
        raise LayoutChanged("The title page holds a movie in no known place.")
    movie = _movie_of_linked_data(page, linked)
    rating = linked.get("aggregateRating") or {}
    summary = {"aggregateRating": rating.get("ratingValue"), "voteCount": rating.get("ratingCount")}
    return movie, make_snapshot(movie.imdb_id, page, summary, None)


@known_layout
def parse_find(page: Page) -> list[tuple[Movie, Snapshot]]:
    """Read the titles of a search page (`/find/?s=tt`), in the site's order.

    Raises:
        LayoutChanged: There is no list of results, or a result has no id or title.
        Blocked, NotFound, ForeignPage, SiteUnavailable: As `check_page`.
    """
    check_page(page)
    props = page_props(page.html, "titleResults")
    results = dig(props, "titleResults", "results")
    if not isinstance(results, list):
        raise LayoutChanged("The search page holds no title list.")
    rows = []
    for result in results:
        # Before 2025-11 the fields were in the result itself, under other names.
        item = result.get("listItem") or result
        movie = _movie(
            as_id(item.get("titleId")) or as_id(result.get("index") or item.get("id")),
            title=item.get("titleText") or item.get("titleNameText"),
            original_title=item.get("originalTitleText"),
            year=first_int(item.get("releaseYear"), item.get("titleReleaseText")),
            release_date=_day(item.get("releaseDate")),
            runtime_seconds=item.get("runtime"),
            genres=item.get("genres"),
            plot=item.get("plot"),
            poster_url=dig(item, "primaryImage", "url"),
        )
        rows.append((movie, make_snapshot(movie.imdb_id, page, item.get("ratingSummary"), None)))
    return rows


class SearchPage(NamedTuple):
    """The titles of a page of the advanced search, in its order, and how many were found."""

    imdb_ids: tuple[str, ...]
    announced: int | None


@known_layout
def parse_search_page(text: str) -> SearchPage | None:
    """Read a saved page of the advanced search for titles; None for any other page.

    The page's data hold what it showed first; titles that were loaded later ("50 more") are only
    among its links.

    Raises:
        LayoutChanged: The page's data hold no titles, or one without an id.

    Source: the shape is that of 2024 to 2026 by public scrapers.
    """
    if '"searchResults"' not in text:
        return None
    results = dig(page_props(text, "searchResults"), "searchResults", "titleResults")
    if not isinstance(results, dict):
        return None
    items = results.get("titleListItems")
    if not isinstance(items, list):
        raise LayoutChanged("The search page holds no title list.")
    found = [as_id(dig(item, "titleId") or dig(item, "listItem", "id")) for item in items]
    if None in found or not found:
        raise LayoutChanged("The search page holds no title, or one without an id.")
    shown = dict.fromkeys([*filter(None, found), *_FOUND_LINK.findall(text)])
    return SearchPage(tuple(shown), first_int(results.get("total")))


@known_layout
def parse_suggestions(text: str) -> list[SearchHit]:
    """Read the suggested titles in the site's order.

    Raises:
        ForeignPage: Not the JSON of IMDb's suggestions.
        LayoutChanged: A title has no name.
    """
    hits = []
    for entry in _suggested_titles(text):
        kind, stars = entry.get("q") or entry.get("qid"), entry.get("s")
        try:
            hits.append(
                SearchHit(
                    imdb_id=entry["id"],
                    title=site_string(entry["l"]),
                    year=entry.get("y"),
                    kind=site_string(kind) or None,
                    stars=site_string(stars) or None,
                )
            )
        except (KeyError, ValidationError) as error:
            raise LayoutChanged(f"A suggestion is not as it was: {error}") from error
    return hits


@known_layout
def parse_suggested_movies(text: str) -> list[Movie]:
    """Read suggestions as movies: id, title, year, stars as cast, poster.

    Raises as `parse_suggestions`.
    """
    return [
        _movie(
            entry["id"],
            title=entry.get("l"),
            year=entry.get("y"),
            cast=[name.strip() for name in site_string(entry.get("s")).split(",")],
            poster_url=dig(entry, "i", "imageUrl"),
        )
        for entry in _suggested_titles(text)
    ]


def _suggested_titles(text: str) -> list[dict[str, Any]]:
    body = decode_json(text)
    entries = dig(body, "d")
    if not isinstance(entries, list):
        raise ForeignPage("This is not an answer of IMDb's suggestions.")
    # IMDb suggests people, companies and links too; only titles have a `tt` id.
    return [e for e in entries if isinstance(e, dict) and as_id(e.get("id"))]


def _movie(imdb_id: str | None, *, title: Any, runtime_seconds: Any = None, **facts: Any) -> Movie:
    """Make a movie of a page's values, named as in `Movie`; empty ones count as unknown."""
    name = site_string(title)
    if imdb_id is None or not name:
        raise LayoutChanged(f"A title without {'a name' if imdb_id else 'an id'} was found.")
    minutes = runtime_seconds // 60 if isinstance(runtime_seconds, int) else None
    plot = facts.get("plot")
    facts["plot"] = canonical_text(plot) or None if isinstance(plot, str) else None
    facts |= {key: site_string(facts.get(key)) or None for key in ("original_title", "poster_url")}
    facts |= {key: _names(facts.get(key)) for key in ("genres", "directors", "cast")}
    try:
        return Movie(imdb_id=imdb_id, title=name, runtime_minutes=minutes or None, **facts)
    except ValidationError as error:
        raise LayoutChanged(f"{imdb_id} holds an impossible value: {wording(error)}") from None


def _names(values: Any) -> tuple[str, ...]:
    """Return the names among `values`, in order, each once."""
    found = (site_string(value) for value in values or ())
    return tuple(dict.fromkeys(name for name in found if name))


def _movie_of_title_page(top: dict[str, Any], main: dict[str, Any]) -> Movie:
    return _movie(
        as_id(top.get("id")) or as_id(main.get("id")),
        title=dig(top, "titleText", "text"),
        original_title=dig(top, "originalTitleText", "text"),
        year=dig(top, "releaseYear", "year"),
        release_date=_day(top.get("releaseDate")),
        runtime_seconds=dig(top, "runtime", "seconds"),
        genres=[dig(g, "text") for g in dig(top, "genres", "genres") or ()],
        directors=_credits(main, "directors", "crewV2") or _credits(top, "directorsPageTitle"),
        cast=_credits(main, "cast", "castV2") or _credits(top, "castPageTitle", "castV2"),
        plot=dig(top, "plot", "plotText", "plainText"),
        poster_url=dig(top, "primaryImage", "url"),
    )


def movie_of_reviews_page(imdb_id: str, content: dict[str, Any]) -> Movie | None:
    """Return the movie of a reviews page; None if the page names no title."""
    meta = content.get("entityMetadata") or dig(content, "data", "title")
    if not isinstance(meta, dict) or not dig(meta, "titleText", "text"):
        return None
    return _movie(
        imdb_id,
        title=dig(meta, "titleText", "text"),
        original_title=dig(meta, "originalTitleText", "text"),
        year=dig(meta, "releaseYear", "year"),
        runtime_seconds=dig(meta, "runtime", "seconds"),
        genres=[dig(g, "genre", "text") for g in dig(meta, "titleGenres", "genres") or ()],
        directors=_credits(meta, "directorsPageTitle", "crewV2"),
        cast=_credits(meta, "castPageTitle", "castV2"),
        plot=dig(meta, "plot", "plotText", "plainText"),
        poster_url=dig(meta, "primaryImage", "url"),
    )


def _credits(holder: dict[str, Any], *keys: str) -> list[Any]:
    """Return the names under the first of `keys` that is there, in credit order.

    IMDb has two forms: edges with a node each (cast until 2026-01), and groups with `credits`
    (directors; since 2026-02 `castV2` and `crewV2`, which may also hold groups of writers).
    """
    for key in keys:
        value = holder.get(key)
        if isinstance(value, dict):
            nodes = [dig(edge, "node") for edge in value.get("edges") or ()]
        elif isinstance(value, list):
            groups = [g for g in value if isinstance(g, dict)]
            if key == "crewV2":
                labelled = [g for g in groups if _group_label(g)]
                groups = [g for g in labelled if "director" in _group_label(g)] or (
                    [] if labelled else groups
                )
            nodes = [credit for group in groups for credit in group.get("credits") or ()]
        else:
            continue
        return [dig(node, "name", "nameText", "text") for node in nodes]
    return []


def _group_label(group: dict[str, Any]) -> str:
    labels = (dig(group, "category", "id"), dig(group, "grouping", "text"))
    return " ".join(label for label in labels if isinstance(label, str)).lower()


def _movie_of_linked_data(page: Page, linked: dict[str, Any]) -> Movie:
    """Read JSON-LD: its texts are HTML-escaped, and `name` is the original title."""
    match = TITLE_IN_URL.search(str(linked.get("url"))) or TITLE_IN_URL.search(page.final_url)
    name, local = (
        htmllib.unescape(site_string(linked.get(key))) for key in ("name", "alternateName")
    )
    published = str(linked.get("datePublished") or "")
    released = date.fromisoformat(published) if _ISO_DAY.fullmatch(published) else None
    hours = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?", str(linked.get("duration") or ""))
    return _movie(
        match[1] if match else None,
        title=local or name,
        original_title=name,
        year=released.year if released else None,
        release_date=released,
        runtime_seconds=3600 * int(hours[1] or 0) + 60 * int(hours[2] or 0) if hours else None,
        genres=_people(linked.get("genre")),
        directors=_people(linked.get("director")),
        cast=_people(linked.get("actor")),
        plot=htmllib.unescape(linked.get("description") or ""),
        poster_url=linked.get("image"),
    )


def _people(value: Any) -> list[str]:
    """Read names in JSON-LD: a string, an object with `name`, or a list of them."""
    entries = value if isinstance(value, list) else [value]
    names = (e.get("name") if isinstance(e, dict) else e for e in entries)
    return [htmllib.unescape(name) for name in names if isinstance(name, str)]


_FOUND_LINK = re.compile(r"/title/(tt[0-9]{7,9})/\?ref_=sr_[ti]_[0-9]")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: Any) -> date | None:
    """Read `{day, month, year}`; None where a part is unknown."""
    parts = [dig(value, key) for key in ("year", "month", "day")]
    try:
        return date(*parts) if all(isinstance(part, int) for part in parts) else None
    except ValueError:
        return None


def make_snapshot(imdb_id: str, page: Page, ratings: Any, count: int | None) -> Snapshot:
    """Make a snapshot; rating and votes are None without votes, where IMDb writes 0.

    Raises:
        LayoutChanged: A rating or a count is impossible.
    """
    votes = first_int(dig(ratings, "voteCount")) or None
    try:
        return Snapshot(
            imdb_id=imdb_id,
            taken_at=page.fetched_at,
            rating=(dig(ratings, "aggregateRating") or None) if votes else None,
            vote_count=votes,
            review_count=count,
        )
    except ValidationError as error:
        raise LayoutChanged(f"{imdb_id} holds an impossible value: {wording(error)}") from None
