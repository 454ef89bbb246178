"""Read reviews from reviews pages, from fragments of them and from answers of GraphQL.

All functions are pure: a `Page` or a text goes in, items come out. The README of this folder lists
the places that are read and when they were seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError

from filmpulse.errors import BadInput, ForeignPage, LayoutChanged, SiteUnavailable
from filmpulse.items import Count, Item, Movie, Page, Review, Snapshot, author_key, text_from_html
from filmpulse.sources import KEYED
from filmpulse.sources.imdb.data import (
    SOURCE,
    TITLE_IN_URL,
    as_id,
    content_data,
    data_start,
    dig,
    first_int,
    known_layout,
    site_string,
    wording,
)
from filmpulse.sources.imdb.dom import Card, Dom
from filmpulse.sources.imdb.private import decode_json, without_addresses
from filmpulse.sources.imdb.recognise import check_content, gate_is_visible, has_review_card
from filmpulse.sources.imdb.titles import make_snapshot, movie_of_reviews_page
from filmpulse.sources.refusals import check_status

PAGE_SIZE = 25  # reviews in a page or an answer; seen 2025-08 to 2026-02
FEATURED_WHEN_GATED = 5  # the most reviews that a gated page showed (2026-08)
_TOTAL_MARK = "tturv-total-reviews"
_CARD = re.compile(r"data-testid\s*=\s*[\"']?review-card-parent\b")
_OWN_ADDRESS = re.compile(
    r"(?:\brel\s*=\s*[\"']?canonical\b[\"']?\s+href|\bproperty\s*=\s*[\"']?og:url\b[\"']?\s+content"
    r"|saved from url)\s*=[^<>]{0,80}?/title/(tt[0-9]{7,9})\b",
    re.IGNORECASE,
)
_REVIEW_ID = re.compile(r'"rw[0-9]{4,}"')
_REPORT_URL = re.compile(r"/(tt[0-9]{7,9})/rw[0-9]+/report")
_REVIEWS = TypeAdapter(tuple[Review, ...])


class ReviewsPage(Item):
    """What one reviews page, fragment or answer holds.

    `reviews` are in page order, no id twice. `review_count`, `has_more` and `end_cursor` are None
    where the page does not say. `unopened_spoilers` counts cards without text, which were left
    out. `variant` names the places that were read, such as `next-reviews+username`.
    """

    imdb_id: str
    movie: Movie | None = None
    snapshot: Snapshot | None = None
    reviews: tuple[Review, ...] = ()
    review_count: Count | None = None
    has_more: bool | None = None
    end_cursor: str | None = None
    variant: str
    gated: bool = False
    unopened_spoilers: int = 0

    @property
    def undated(self) -> int:
        """How many of the reviews show no day that can be read."""
        return sum(review.submitted_on is None for review in self.reviews)


@known_layout
def parse_reviews_page(page: Page, author_secret: bytes) -> ReviewsPage:
    """Read every review on one reviews page, or on a fragment that holds only cards.

    The page's JSON (`__NEXT_DATA__`, in two shapes) is read first, then the further cards of the
    DOM.

    Args:
        page: From the browser, or saved by hand; 0.2-3 MB of HTML.
        author_secret: Key of the hash that stands for a reviewer.

    Raises:
        LayoutChanged: The page announces more reviews than the known places hold, or a review has
            no id or no text.
        Blocked, NotFound, ForeignPage, SiteUnavailable: As `check_page`.
        BadInput: A fragment does not say which movie it is about.

    Source: fixtures `imdb.ReviewsPage/*`, dated in their `meta.json`.
    """
    check_status(page)
    start = data_start(page.html)
    cards_shown = _card_count(page.html, start)
    check_content(page, cards_shown > 0 or has_review_card(page.html))
    content = content_data(page.html, start)
    imdb_id = _page_imdb_id(page, content)
    reviews, variant = _from_content(content, imdb_id, author_secret)
    variants = [variant] if variant else []
    count, has_more, cursor = _announced(content)
    unopened = 0
    if cards_shown > len(reviews):
        dom = Dom(page.html)
        cards, unopened, variant = dom.cards(frozenset(r.review_id for r in reviews))
        if cards or unopened:
            reviews += _reviews(_from_card(card, imdb_id, author_secret) for card in cards)
            variants.append(variant)
        if not content:
            count = dom.review_count()
            has_more = None if count is None else dom.has_more()
    if count is None and _TOTAL_MARK in page.html:
        # The number above the list. A shown 0 alone does not prove that there are no reviews.
        count = Dom(page.html).review_count() or None
    snapshot = None
    if content or count is not None:
        ratings = dig(content, "entityMetadata", "ratingsSummary")
        snapshot = make_snapshot(imdb_id, page, ratings, count)
    result = ReviewsPage(
        imdb_id=imdb_id,
        movie=movie_of_reviews_page(imdb_id, content),
        snapshot=snapshot,
        reviews=reviews,
        review_count=count,
        has_more=has_more,
        end_cursor=cursor,
        variant=" ".join(variants) or "none",
        unopened_spoilers=unopened,
    )
    return _judge(result, page.html)


def _announced(content: dict[str, Any]) -> tuple[int | None, bool | None, str | None]:
    """Return how many reviews a page's JSON announces, whether more follow, and its cursor."""
    count = first_int(
        content.get("reviewCount"),
        dig(content, "data", "title", "reviews", "total"),
        dig(content, "entityMetadata", "subNavReviews", "total"),
    )
    info = content.get("pageInfo") or dig(content, "data", "title", "reviews", "pageInfo")
    return count, *_page_info(info)


def _judge(result: ReviewsPage, html: str) -> ReviewsPage:
    """Mark the page as gated where it is; raise if reviews are missing without a gate."""
    read = len(result.reviews)
    seen, count = read + result.unopened_spoilers, result.review_count
    if count is None:
        if seen:
            return result
        if gate_is_visible(html):
            return result.model_copy(update={"gated": True})
        raise LayoutChanged(
            f"The page of {result.imdb_id} holds no review in any known place, and no count."
        )
    expected = min(PAGE_SIZE, count)
    if seen >= expected:
        return result
    if gate_is_visible(html):
        return result.model_copy(update={"gated": True})
    # If all reviews fit on one page, believe the site that this is the end: a count lags behind a
    # deletion. If they do not, a gate may have left a few.
    last = result.has_more is False and (read > FEATURED_WHEN_GATED or count <= PAGE_SIZE)
    if seen and last:
        return result
    if 1 <= seen <= FEATURED_WHEN_GATED:
        return result.model_copy(update={"gated": True})
    raise LayoutChanged(
        f"The page of {result.imdb_id} announces {count:,} reviews and {seen} could be read, "
        f"where {expected} were expected: its layout has changed."
    )


@known_layout
def parse_graphql(text: str, author_secret: bytes, imdb_id: str | None = None) -> ReviewsPage:
    """Read one GraphQL answer that a page fetched for more reviews.

    Args:
        text: JSON with `data.title.reviews`.
        author_secret: Key of the hash that stands for a reviewer.
        imdb_id: The movie, where the answer does not say it itself.

    Raises:
        ForeignPage: Not JSON, or not an answer about a title's reviews.
        SiteUnavailable: The site answered with an error.
        LayoutChanged: Reviews are outside of their list, or a review has no id or text.
        BadInput: Neither the answer nor `imdb_id` says which movie it is, or they disagree.
    """
    body = decode_json(text)
    if not isinstance(body, dict) or not ("data" in body or "errors" in body):
        raise ForeignPage("This is not a GraphQL answer.")
    reviews = dig(body, "data", "title", "reviews")
    if not isinstance(reviews, dict):
        if _REVIEW_ID.search(text):
            raise LayoutChanged("The GraphQL answer holds reviews in no known place.")
        if body.get("errors"):
            raise SiteUnavailable("The GraphQL answer is an error.")
        raise ForeignPage("This GraphQL answer is not about a title's reviews.")
    edges = reviews.get("edges")
    if not isinstance(edges, list):
        raise LayoutChanged("The GraphQL answer holds no list of reviews.")
    own_id = as_id(dig(body, "data", "title", "id")) or next(
        (m[1] for e in edges if (m := _REPORT_URL.search(str(dig(e, "node", "reportingLink"))))),
        None,
    )
    if own_id and imdb_id and own_id != imdb_id:
        raise BadInput(f"The answer is about {own_id}, not {imdb_id}.")
    movie_id = own_id or imdb_id
    if movie_id is None:
        raise BadInput("The answer does not say which movie it is about: give its id.")
    read = _reviews(_from_node(edge, movie_id, author_secret) for edge in edges)
    has_more, cursor = _page_info(reviews.get("pageInfo"))
    if not read and has_more:
        raise LayoutChanged("The GraphQL answer announces more reviews and holds none.")
    return ReviewsPage(
        imdb_id=movie_id,
        reviews=read,
        review_count=first_int(reviews.get("total")),
        has_more=has_more,
        end_cursor=cursor,
        variant="graphql",
    )


def _from_content(
    content: dict[str, Any], imdb_id: str, secret: bytes
) -> tuple[tuple[Review, ...], str | None]:
    """Read `contentData` in the first of its two shapes that can be read whole.

    Returns the reviews and the variant's name; an empty tuple and None without either shape.
    """
    rows, edges = content.get("reviews"), dig(content, "data", "title", "reviews", "edges")
    routes: tuple[tuple[str, Any, Callable[[Any, str, bytes], _Fields], tuple[str, ...]], ...] = (
        ("next-reviews", rows, _from_row, ("review", "author")),
        ("next-edges", edges, _from_node, ("node", "author")),
    )
    problem: LayoutChanged | None = None
    for name, entries, read, author_path in routes:
        if not isinstance(entries, list) or not entries:
            continue
        try:
            reviews = _reviews(read(entry, imdb_id, secret) for entry in entries)
        except LayoutChanged as error:
            problem = error
            continue
        author = dig(entries[0], *author_path) or {}
        known = [k for k in ("username", "nickName", "displayName") if k in author]
        return reviews, "+".join([name, *known[:1]])
    if problem is not None:
        raise problem
    return (), None


def _from_row(row: Any, imdb_id: str, secret: bytes) -> _Fields:
    """Read one of `contentData.reviews[]`."""
    review = row.get("review") if isinstance(row, dict) else None
    if not isinstance(review, dict):
        raise LayoutChanged(f"A review of {imdb_id} is not where it was (reviews[].review).")
    votes = review.get("helpfulnessVotes") or {}
    title_id = row.get("titleId")
    return _fields(
        review.get("reviewId"),
        imdb_id if title_id == imdb_id else as_id(title_id) or imdb_id,
        title=review.get("reviewSummary"),
        body=review.get("reviewText"),
        rating=review.get("authorRating"),
        submitted=review.get("submissionDate"),
        spoiler=review.get("spoiler"),
        votes=(votes.get("upVotes"), votes.get("downVotes")),
        author=review.get("author"),
        secret=secret,
    )


def _from_node(edge: Any, imdb_id: str, secret: bytes) -> _Fields:
    """Read one of `data.title.reviews.edges[]`, the GraphQL shape."""
    node = dig(edge, "node")
    if not isinstance(node, dict):
        raise LayoutChanged(f"A review of {imdb_id} is not where it was (edges[].node).")
    votes = node.get("helpfulness") or {}
    return _fields(
        node.get("id"),
        imdb_id,
        title=dig(node, "summary", "originalText"),
        body=dig(node, "text", "originalText", "plaidHtml"),
        rating=node.get("authorRating"),
        submitted=node.get("submissionDate"),
        spoiler=node.get("spoiler"),
        votes=(votes.get("upVotes"), votes.get("downVotes")),
        author=node.get("author"),
        secret=secret,
    )


def _from_card(card: Card, imdb_id: str, secret: bytes) -> _Fields:
    """Read one card; `date_source` says that its date may be a day early."""
    shown = card._replace(imdb_id=card.imdb_id or imdb_id)._asdict()
    fields = _fields(**shown, secret=secret)
    return fields | {"date_source": "dom"} if card.submitted else fields


_Fields = dict[str, Any]


def _fields(
    review_id: Any,
    imdb_id: str,
    *,
    title: Any,
    body: Any,
    rating: Any,
    submitted: Any,
    spoiler: Any,
    votes: tuple[Any, Any],
    author: Any,
    secret: bytes,
) -> _Fields:
    """Turn one review's JSON values into the fields of a `Review`."""
    if not isinstance(review_id, str) or not review_id:
        raise LayoutChanged(f"A review of {imdb_id} has no id.")
    text = without_addresses(text_from_html(body)) if isinstance(body, str) else ""
    if not text:
        raise LayoutChanged(f"Review {review_id} of {imdb_id} has no text.")
    try:
        day = None if submitted is None else date.fromisoformat(submitted)
    except (ValueError, TypeError) as error:
        raise _impossible(review_id, imdb_id, error) from None
    return {
        "review_id": review_id,
        "imdb_id": imdb_id,
        "author_key": _author_key(dig(author, "userId"), secret),
        "title": without_addresses(site_string(title)),
        "body": text,
        "rating_1_10": rating,
        "submitted_on": day,
        "date_source": None if submitted is None else "json",
        "is_spoiler": bool(spoiler),
        "helpful_up": votes[0],
        "helpful_down": votes[1],
    }


def _reviews(found: Iterable[_Fields]) -> tuple[Review, ...]:
    """Make all reviews of a page at once, which is faster; no id twice."""
    by_id: dict[str, _Fields] = {}
    for fields in found:
        by_id.setdefault(fields["review_id"], fields)
    try:
        return _REVIEWS.validate_python(tuple(by_id.values()))
    except ValidationError:
        for fields in by_id.values():
            try:
                Review(**fields)
            except ValidationError as error:
                raise _impossible(fields["review_id"], fields["imdb_id"], error) from None
        raise


def _impossible(review_id: str, imdb_id: str, error: Exception) -> LayoutChanged:
    return LayoutChanged(
        f"Review {review_id} of {imdb_id} holds an impossible value: {wording(error)}"
    )


def _author_key(author_id: Any, secret: bytes) -> str | None:
    if not isinstance(author_id, str) or not author_id:
        return None
    if author_id.startswith(KEYED):
        return author_id.removeprefix(KEYED)
    return author_key(SOURCE, author_id, secret)


def _page_info(info: Any) -> tuple[bool | None, str | None]:
    more, cursor = dig(info, "hasNextPage"), dig(info, "endCursor")
    return (more if isinstance(more, bool) else None), (cursor if isinstance(cursor, str) else None)


def _page_imdb_id(page: Page, content: dict[str, Any]) -> str:
    """Return the movie that a reviews page is about, by its data or its address."""
    rows = content.get("reviews")
    stated = (
        as_id(dig(content, "entityMetadata", "id"))
        or as_id(dig(content, "data", "title", "id"))
        or (as_id(dig(rows[0], "titleId")) if isinstance(rows, list) and rows else None)
    )
    if stated:
        return stated
    for pattern, text in (
        (_OWN_ADDRESS, page.html),
        (TITLE_IN_URL, page.final_url),
        (re.compile(r"/title/(tt[0-9]{7,9})/review/rw"), page.html),
    ):
        if match := pattern.search(text):
            return match[1]
    raise BadInput("The page does not say which movie it is about: give its id.")


def _card_count(html: str, start: int) -> int:
    """Count review cards without parsing: a page may show more reviews than its JSON has.

    In every layout seen the cards come before the data script, which begins at `start`.
    """
    end = len(html) if start < 0 else start
    cards = sum(1 for _ in _CARD.finditer(html, 0, end))
    return cards or html.count("imdb-user-review", 0, end)
