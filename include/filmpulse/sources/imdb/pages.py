"""IMDb's pages as pure functions: a `Page` or a text goes in, items come out.

No network, clock, driver or file, so a page that a person saved does just as well. Each place
that is read is listed, with the date it was seen, in this folder's README.
"""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import TypeAdapter, ValidationError

from filmpulse.errors import BadInput, Blocked, LayoutChanged, NotFound, NotImdb, SiteUnavailable
from filmpulse.items import (
    IMDB_ID_PATTERN,
    Count,
    Item,
    Movie,
    Page,
    Review,
    SearchHit,
    Snapshot,
    author_key,
    canonical_text,
    text_from_html,
)
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.dom import KEYED, Card, Dom, is_cut_off
from filmpulse.sources.imdb.private import decode_json, without_addresses
from filmpulse.sources.refusals import REFUSALS, retry_after

__all__ = [
    "ReviewsPage",
    "check_answer",
    "check_page",
    "check_status",
    "clean_page",
    "decode_json",
    "gate_is_visible",
    "parse_find",
    "parse_graphql",
    "parse_reviews_page",
    "parse_suggested_movies",
    "parse_suggestions",
    "parse_title_page",
]

SOURCE = "imdb"
PAGE_SIZE = 25  # reviews in a page or an answer; seen 2025-08 to 2026-02

# Found in no good page of 2022-10 to 2026-07. `aws-waf-token` is not here: good pages carry it.
_CHALLENGE_MARKS = ("awswaf.com", "awsWafCookieDomainList", "gokuProps", "challenge.js")
_CAPTCHA_MARK = "captcha.js"
_REFUSAL_TITLE = re.compile(
    r"<title[^>]*>\s*(?:403 Forbidden|Access Denied|Human Verification|"
    r"ERROR: The request could not be satisfied)",
    re.IGNORECASE,
)
SMALL_PAGE = 5_000  # characters; the smallest good page seen has 380,000

# What an element of the sign-in gate says, whole, in lower case (IMDb's own texts, 2026-07). They
# also stand in the translations of pages that are not gated: only what a reader sees counts.
_GATE_TEXTS = re.compile(
    r"(?:sign in to see all reviews|sign in to access user reviews|see all reviews in the imdb app"
    r"|(?:there are \S+ more user reviews for this title\. )?sign in to read them all)\.?"
    r"|we['\u2019]re updating how you access user reviews .* require you to sign in to view.*"
)
_GATE_WORDS = re.compile("sign in|imdb app", re.IGNORECASE)
FEATURED_WHEN_GATED = 5  # most reviews that a gated page embeds (seen 2026-08)

_TOTAL_MARK = "tturv-total-reviews"
_CARD_MARKS = ("user-review-item", "review-card-parent", "imdb-user-review")
_DATA_KEYS = ('"contentData"', '"aboveTheFoldData"', '"titleResults"')
# Browsers and tools quote attributes in three ways, and may leave the quotes out. No pattern looks
# further than the end of a tag, or a page made for it would take hours.
_IMDB_MARKS = re.compile(
    r"\[tconst\]|\bdata-testid\s*=\s*[\"']?tturv-"
    r"|<meta\b[^<>]*\bproperty\s*=\s*[\"']?og:site_name\b[^<>]*\bcontent\s*=\s*[\"']?IMDb\b"
    r"|<title>[^<]* - IMDb</title>"
    r"|<link\b[^<>]*\brel\s*=\s*[\"']?canonical\b[^<>]*\bhref\s*=\s*[\"']?"
    r"https?://(?:www|m)\.imdb\.com/"
    r"|saved from url=\(\d+\)https?://(?:www|m)\.imdb\.com/",
    re.IGNORECASE,
)
_NEXT_TAG = re.compile(r"<script\b[^<>]*\bid\s*=\s*[\"']?__NEXT_DATA__[^<>]*>", re.IGNORECASE)
_LD_TAG = re.compile(r"<script\b[^<>]*application/ld\+json[^<>]*>", re.IGNORECASE)
_CARD = re.compile(r"data-testid\s*=\s*[\"']?review-card-parent\b")
_END_TAG = re.compile(r"</html\s*>", re.IGNORECASE)
_OWN_ADDRESS = re.compile(
    r"(?:\brel\s*=\s*[\"']?canonical\b[\"']?\s+href|\bproperty\s*=\s*[\"']?og:url\b[\"']?\s+content"
    r"|saved from url)\s*=[^<>]{0,80}?/title/(tt[0-9]{7,9})\b",
    re.IGNORECASE,
)
_TITLE_IN_URL = re.compile(r"/title/(tt[0-9]{7,9})\b")
_REVIEW_ID = re.compile(r'"rw[0-9]{4,}"')
_REPORT_URL = re.compile(r"/(tt[0-9]{7,9})/rw[0-9]+/report")
_IMDB_ID = re.compile(IMDB_ID_PATTERN)
_REVIEWS = TypeAdapter(tuple[Review, ...])
# Postgres and UTF-8 hold neither.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class ReviewsPage(Item):
    """What one reviews page, fragment or answer holds.

    `reviews` are in page order, no id twice. None in `review_count`, `has_more` or `end_cursor`
    means that the page does not say. `unopened_spoilers` cards showed no text and were left out.
    `variant` names the places that were read, such as `next-reviews+username`.
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
        """How many of the reviews show no day, or none that can be read."""
        return sum(review.submitted_on is None for review in self.reviews)


# --- is this a page at all? ---------------------------------------------------------------------


def check_page(page: Page) -> None:
    """Return if the page is IMDb's own and holds something; judge it by status, then by content.

    Raises:
        Blocked: Status 202, 403, 405 or 429, WAF header, or a challenge's content. Final.
        NotFound: Status 404.
        SiteUnavailable: Another error status, or half a page (`broken_page`).
        NotImdb: Something else than a page of IMDb's.
    """
    check_status(page)
    _check_content(page, has_review_card(page.html))


def check_answer(page: Page) -> None:
    """Return unless what came where JSON was asked for is a refusal, or a page of another kind.

    Raises:
        Blocked: As `check_page`, by status or by a challenge's marks.
        NotFound, SiteUnavailable: By status; HTML without such marks is the second.
    """
    check_status(page)
    if page.html.lstrip().startswith("<"):
        _check_marks(page.html)
        raise SiteUnavailable("The answer is no JSON but a page.", reason="broken_page")


def _check_content(page: Page, has_cards: bool) -> None:
    """Do what `check_page` does beyond status and headers."""
    text = page.html
    # A page with content is not searched for marks: a review may well speak of "challenge.js".
    if has_cards:
        if _is_cut_off(text):
            raise SiteUnavailable("The page is cut off.", reason="broken_page")
        return
    if _data_end(text, _data_start(text)) >= 0:
        if not any(key in text for key in _DATA_KEYS) and not _is_imdb(text):
            raise NotImdb("This is a page of another site than IMDb.")
        return
    _check_marks(text)
    if _is_cut_off(text):
        raise SiteUnavailable("The page is cut off.", reason="broken_page")
    if page.status is not None and len(text) < SMALL_PAGE:
        raise Blocked(
            f"The site answered with {len(text)} characters and no content.", reason="challenge"
        )
    if not _is_imdb(text) and not _LD_TAG.search(text):
        raise NotImdb("This is not a page of IMDb's." if text.strip() else "The page is empty.")


def _check_marks(text: str) -> None:
    """Return unless a page without content is a challenge or a refusal.

    Raises:
        Blocked: It is.
    """
    if _CAPTCHA_MARK in text:
        raise Blocked("IMDb shows a captcha in place of the page.", reason="captcha")
    if any(mark in text for mark in _CHALLENGE_MARKS):
        raise Blocked("IMDb shows a challenge in place of the page.", reason="challenge")
    if title := _REFUSAL_TITLE.search(text):
        reason = "captcha" if "human" in title[0].lower() else "forbidden"
        raise Blocked("IMDb shows a refusal in place of the page.", reason=reason)


def check_status(page: Page) -> None:
    """Judge by status and headers alone; a saved page has none and passes.

    Raises:
        Blocked: As in `check_page`; `retry_after` in seconds where the site names it.
        NotFound: Status 404 or 410.
        SiteUnavailable: Any other status that is not 2xx.
    """
    status = page.status
    action = page.headers.get("x-amzn-waf-action", "").lower()
    if status in REFUSALS or action:
        where = urlsplit(page.url)._replace(query="").geturl()
        raise Blocked(
            f"{where} was refused (status {status}{', WAF ' + action if action else ''}).",
            reason=action if action in ("challenge", "captcha") else REFUSALS.get(status or 0),
            retry_after=retry_after(page.headers, page.fetched_at),
        )
    if status in (404, 410):
        raise NotFound(f"{page.url} does not exist.")
    if status is not None and not 200 <= status < 300:
        raise SiteUnavailable(f"{urlsplit(page.url).path} answered {status}.")


def _is_cut_off(text: str) -> bool:
    """Tell whether the end is missing; a page whose data script is whole has all that is read."""
    if _data_end(text, _data_start(text)) >= 0 or _END_TAG.search(text, max(0, len(text) - 1000)):
        return False
    return is_cut_off(text)


def _is_imdb(text: str) -> bool:
    return _IMDB_MARKS.search(text) is not None


# --- the reviews page ---------------------------------------------------------------------------


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _known_layout(parse: Callable[_P, _T]) -> Callable[_P, _T]:
    """Say `LayoutChanged` where a value is of another kind than any seen so far.

    Pages are read by path, and each place could hold a number where a list was, and so on; the
    parsers would stumble over it in as many ways.
    """

    @wraps(parse)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return parse(*args, **kwargs)
        except (ArithmeticError, ValueError) as error:
            # These quote the value, which may be a name or a review's words: no cause either.
            raise LayoutChanged(
                f"The page holds a value of an unknown kind ({type(error).__name__})."
            ) from None
        except (AttributeError, LookupError, TypeError) as error:
            raise LayoutChanged(
                f"The page holds a value of an unknown kind ({type(error).__name__}: {error})."
            ) from error

    return checked


@_known_layout
def parse_reviews_page(page: Page, author_secret: bytes) -> ReviewsPage:
    """Read every review on one reviews page, or on a fragment that holds only cards.

    `__NEXT_DATA__` comes first, in either of its two shapes; then the page's own GraphQL answers
    (`page.graphql`), which follow on; then cards of the DOM that neither of them had.

    Args:
        page: As the browser had it, or saved by hand; 0.2-3 MB of HTML.
        author_secret: Key of the hash that stands for a reviewer.

    Raises:
        LayoutChanged: Reviews were announced and the known places hold none or too few, or a
            review has no id or no text. Final.
        Blocked, NotFound, NotImdb, SiteUnavailable: As `check_page`.
        BadInput: A fragment that does not say which movie it is about.

    Pure: costs no page. Source: fixtures `imdb.ReviewsPage/*`, dated in their `meta.json`.
    """
    check_status(page)
    start = _data_start(page.html)
    cards_shown = _card_count(page.html, start)
    _check_content(page, cards_shown > 0 or has_review_card(page.html))
    try:
        content = _content_once(page.html, start) or _content(page.html, start)
        imdb_id = _page_imdb_id(page, content)
        reviews, variant = _from_content(content, imdb_id, author_secret)
    except LayoutChanged:  # perhaps the second copy of the reviews is better
        content = _content(page.html, start)
        imdb_id = _page_imdb_id(page, content)
        reviews, variant = _from_content(content, imdb_id, author_secret)
    count = _first_int(
        content.get("reviewCount"),
        _dig(content, "data", "title", "reviews", "total"),
        _dig(content, "entityMetadata", "subNavReviews", "total"),
    )
    info = content.get("pageInfo") or _dig(content, "data", "title", "reviews", "pageInfo") or {}
    has_more, cursor = _page_info(info)
    found: dict[str, Review] = {}
    variants: list[str] = []

    if variant:
        variants.append(variant)
        found.update((r.review_id, r) for r in reviews)
    for answer in page.graphql:
        later = parse_graphql(answer, author_secret, imdb_id)
        found.update((r.review_id, r) for r in later.reviews if r.review_id not in found)
        count = count if later.review_count is None else later.review_count
        has_more, cursor = later.has_more, later.end_cursor
        if later.variant not in variants:
            variants.append(later.variant)

    unopened = 0
    if cards_shown > len(found):
        dom = Dom(page.html)
        cards, unopened, variant = dom.cards(frozenset(found))
        if cards or unopened:
            variants.append(variant)
        more = _reviews(_from_card(c, imdb_id, author_secret) for c in cards)
        found.update((r.review_id, r) for r in more)
        if not content:
            count = dom.review_count()
            has_more = None if count is None else dom.has_more()
    if count is None and _TOTAL_MARK in page.html:
        # What a reader sees above the list; that it is empty would take more than this to believe.
        count = Dom(page.html).review_count() or None

    result = ReviewsPage(
        imdb_id=imdb_id,
        movie=_movie_of_reviews_page(imdb_id, content),
        snapshot=_snapshot(imdb_id, page, _dig(content, "entityMetadata", "ratingsSummary"), count)
        if content or count is not None
        else None,
        reviews=tuple(found.values()),
        review_count=count,
        has_more=has_more,
        end_cursor=cursor,
        variant=" ".join(variants) or "none",
        unopened_spoilers=unopened,
    )
    return _judge(result, page.html)


def _judge(result: ReviewsPage, html: str) -> ReviewsPage:
    """Tell a whole page from a gated one and from one whose layout has changed.

    Raises:
        LayoutChanged: Fewer reviews than a page must have, and no gate to explain it.
    """
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
    # Where all of them would fit the page, the site's word that this is the end is believed: a
    # count lags behind a deletion. Where they would not, a handful is what a gate leaves.
    last = result.has_more is False and (read > FEATURED_WHEN_GATED or count <= PAGE_SIZE)
    if seen and last:
        return result
    if 1 <= seen <= FEATURED_WHEN_GATED:
        return result.model_copy(update={"gated": True})
    raise LayoutChanged(
        f"The page of {result.imdb_id} announces {count:,} reviews and {seen} could be read, "
        f"where {expected} were expected: its layout has changed."
    )


def gate_is_visible(html: str) -> bool:
    """Tell whether the page has an element of the gate: one that asks to sign in for reviews.

    The element must say nothing else, must be visible and stand outside of review cards. Scripts,
    translations and sentences that quote the gate never count.
    """
    if not _GATE_WORDS.search(html):
        return False
    return any(_GATE_TEXTS.fullmatch(text.lower()) for text in Dom(html).visible_texts())


@_known_layout
def parse_graphql(text: str, author_secret: bytes, imdb_id: str | None = None) -> ReviewsPage:
    """Read one answer of the page's own GraphQL call for more reviews.

    Args:
        text: JSON with `data.title.reviews`.
        author_secret: Key of the hash that stands for a reviewer.
        imdb_id: The movie, where the answer does not say it itself.

    Raises:
        NotImdb: Not JSON, or not an answer about a title's reviews.
        SiteUnavailable: The answer is an error of the site's.
        LayoutChanged: Reviews outside of their list, or a review without id or text.
        BadInput: Neither the answer nor `imdb_id` says which movie it is, or the two disagree.
    """
    body = decode_json(text)
    if not isinstance(body, dict) or not ("data" in body or "errors" in body):
        raise NotImdb("This is not a GraphQL answer.")
    reviews = _dig(body, "data", "title", "reviews")
    if not isinstance(reviews, dict):
        if _REVIEW_ID.search(text):
            raise LayoutChanged("The GraphQL answer holds reviews in no known place.")
        if body.get("errors"):
            raise SiteUnavailable("The GraphQL answer is an error.")
        raise NotImdb("This GraphQL answer is not about a title's reviews.")
    edges = reviews.get("edges")
    if not isinstance(edges, list):
        raise LayoutChanged("The GraphQL answer holds no list of reviews.")
    own_id = _as_id(_dig(body, "data", "title", "id")) or next(
        (m[1] for e in edges if (m := _REPORT_URL.search(str(_dig(e, "node", "reportingLink"))))),
        None,
    )
    if own_id and imdb_id and own_id != imdb_id:
        raise BadInput(f"The answer is about {own_id}, not {imdb_id}.")
    movie_id = own_id or imdb_id
    if movie_id is None:
        raise BadInput("The answer does not say which movie it is about: give its id.")
    read = _reviews(_from_node(edge, movie_id, author_secret) for edge in edges)
    total = _first_int(reviews.get("total"))
    has_more, cursor = _page_info(reviews.get("pageInfo") or {})
    if not read and has_more:
        raise LayoutChanged("The GraphQL answer announces more reviews and holds none.")
    return ReviewsPage(
        imdb_id=movie_id,
        reviews=read,
        review_count=total,
        has_more=has_more,
        end_cursor=cursor,
        variant="graphql",
    )


def _content(html: str, start: int) -> dict[str, Any]:
    """Return `contentData` of a page whose data script begins at `start`, {} if there is none.

    Raises:
        LayoutChanged: This is a title page, or as `page_props`.
    """
    props = page_props(html, "contentData", start)
    if props and "aboveTheFoldData" in props:  # it has a review, too, but not the list of them
        raise LayoutChanged("This is a title page, not one of reviews.")
    content = props.get("contentData") if props else None
    return content if isinstance(content, dict) else {}


def _content_once(html: str, start: int) -> dict[str, Any] | None:
    """Return `contentData` without `data`; None unless it is laid out as in every page seen.

    IMDb writes each review twice; `data` is the second copy, of which nothing else is read.

    In JSON a quote within a string has a backslash before it, so that what is found here can only
    be keys, never a review's words. What is cut out must lie between two keys of one object: the
    rest has to be JSON again.
    """
    first = html.find(',"data":{"title":{', start) if start >= 0 else -1
    count = html.find(',"reviewCount":', first) if first >= 0 else -1
    info = html.rfind(',"pageInfo":{', first, count) if count >= 0 else -1
    end = html.find(',"requestContext":', count) if info >= 0 else -1
    if end < 0:
        return None
    try:
        props = orjson.loads(f"{html[start:first]}{html[info:end]}}}}}}}")["props"]["pageProps"]
        content = props["contentData"]
        whole = (
            "aboveTheFoldData" not in props
            and type(content["reviewCount"]) is int
            and isinstance(content["entityMetadata"], dict)
            and content["pageInfo"].keys() >= {"hasNextPage", "endCursor"}
            and isinstance(content["reviews"], list)
            and bool(content["reviews"])
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return content if whole else None


def _from_content(
    content: dict[str, Any], imdb_id: str, secret: bytes
) -> tuple[tuple[Review, ...], str | None]:
    """Read `contentData` in the first of its two shapes that can be read whole.

    Returns:
        The reviews and the variant's name; nothing and None where neither shape is there.

    Raises:
        LayoutChanged: The last shape that is there has a review without id or text.
    """
    rows, edges = content.get("reviews"), _dig(content, "data", "title", "reviews", "edges")
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
        author = _dig(entries[0], *author_path) or {}
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
        imdb_id if title_id == imdb_id else _as_id(title_id) or imdb_id,
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
    node = _dig(edge, "node")
    if not isinstance(node, dict):
        raise LayoutChanged(f"A review of {imdb_id} is not where it was (edges[].node).")
    votes = node.get("helpfulness") or {}
    return _fields(
        node.get("id"),
        imdb_id,
        title=_dig(node, "summary", "originalText"),
        body=_dig(node, "text", "originalText", "plaidHtml"),
        rating=node.get("authorRating"),
        submitted=node.get("submissionDate"),
        spoiler=node.get("spoiler"),
        votes=(votes.get("upVotes"), votes.get("downVotes")),
        author=node.get("author"),
        secret=secret,
    )


def _from_card(card: Card, imdb_id: str, secret: bytes) -> _Fields:
    """Read one card of the DOM; its date is marked as one that may be a day early."""
    submitted = card.submitted
    fields = _fields(
        card.review_id,
        card.imdb_id or imdb_id,
        title=card.title,
        body=card.body,
        rating=card.rating,
        submitted=submitted.isoformat() if submitted else None,
        spoiler=card.is_spoiler,
        votes=card.votes,
        author={"userId": card.author_id},
        secret=secret,
    )
    return fields | {"date_source": "dom"} if submitted else fields


_Fields = dict[str, Any]
"""What a `Review` is made of, not validated yet."""


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
    """Turn one review's JSON values into the fields of an item.

    Raises:
        LayoutChanged: No id, no text, or a day that is none.
    """
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
        "author_key": _author_key(author.get("userId"), secret)
        if isinstance(author, dict)
        else None,
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
    """Make reviews of their fields, all of a page at once, which is faster; no id twice.

    Raises:
        LayoutChanged: One holds a value that cannot be.
    """
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
        f"Review {review_id} of {imdb_id} holds an impossible value: {_what(error)}"
    )


def _what(error: Exception) -> str:
    """Name the fields and the rules that they break, without the page's own values.

    Who raises with this names no cause: the cause would quote the values in a log.
    """
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return type(error).__name__


def _author_key(author_id: Any, secret: bytes) -> str | None:
    if not isinstance(author_id, str) or not author_id:
        return None
    if author_id.startswith(KEYED):
        return author_id.removeprefix(KEYED)
    return author_key(SOURCE, author_id, secret)


def site_string(value: Any) -> str:
    """Return one of the site's plain strings as it is, trimmed; "" where there is none."""
    if not isinstance(value, str):
        return ""
    return (value if value.isprintable() else _UNSTORABLE.sub("", value)).strip()


def _page_info(info: Any) -> tuple[bool | None, str | None]:
    if not isinstance(info, dict):
        return None, None
    more, cursor = info.get("hasNextPage"), info.get("endCursor")
    return (more if isinstance(more, bool) else None), (cursor if isinstance(cursor, str) else None)


def _page_imdb_id(page: Page, content: dict[str, Any]) -> str:
    """Find which movie a reviews page is about.

    Raises:
        BadInput: Nothing in the page or its address says it.
    """
    rows = content.get("reviews")
    stated = (
        _as_id(_dig(content, "entityMetadata", "id"))
        or _as_id(_dig(content, "data", "title", "id"))
        or (_as_id(_dig(rows[0], "titleId")) if isinstance(rows, list) and rows else None)
    )
    if stated:
        return stated
    for pattern, text in (
        (_OWN_ADDRESS, page.html),
        (_TITLE_IN_URL, page.final_url),
        (re.compile(r"/title/(tt[0-9]{7,9})/review/rw"), page.html),
    ):
        if match := pattern.search(text):
            return match[1]
    raise BadInput("The page does not say which movie it is about: give its id.")


# --- title page, search, suggestions ------------------------------------------------------------


@_known_layout
def parse_title_page(page: Page) -> tuple[Movie, Snapshot]:
    """Read a title page: `__NEXT_DATA__` first, its JSON-LD where that is not there.

    The snapshot's rating and votes are None, never 0, where nobody has voted. Titles and dates
    follow the visitor's country; `original_title` does not.

    Raises:
        LayoutChanged: Neither source holds an id and a title.
        Blocked, NotFound, NotImdb, SiteUnavailable: As `check_page`.
    """
    check_page(page)
    props = page_props(page.html, "aboveTheFoldData")
    top = props.get("aboveTheFoldData") if props else None
    if isinstance(top, dict):
        main = (props or {}).get("mainColumnData") or {}
        movie = _movie_of_title_page(top, main)
        count = _first_int(_dig(top, "reviews", "total"), _dig(main, "reviews", "total"))
        return movie, _snapshot(movie.imdb_id, page, top.get("ratingsSummary"), count)
    linked = _linked_data(page.html)
    if linked is None:
        raise LayoutChanged("The title page holds a movie in no known place.")
    movie = _movie_of_linked_data(page, linked)
    rating = linked.get("aggregateRating") or {}
    summary = {
        "aggregateRating": rating.get("ratingValue"),
        "voteCount": rating.get("ratingCount"),
    }
    return movie, _snapshot(movie.imdb_id, page, summary, None)


@_known_layout
def parse_find(page: Page) -> list[tuple[Movie, Snapshot]]:
    """Read the titles of a search page (`/find/?s=tt`), in the site's order.

    Raises:
        LayoutChanged: No list of results, or a result without id or title.
        Blocked, NotFound, NotImdb, SiteUnavailable: As `check_page`.
    """
    check_page(page)
    props = page_props(page.html, "titleResults")
    results = _dig(props, "titleResults", "results")
    if not isinstance(results, list):
        raise LayoutChanged("The search page holds no list of titles.")
    rows = []
    for result in results:
        # Before 2025-11 the fields stood in the result itself, under other names.
        item = result.get("listItem") or result
        movie = _movie(
            _as_id(item.get("titleId")) or _as_id(result.get("index") or item.get("id")),
            title=item.get("titleText") or item.get("titleNameText"),
            original_title=item.get("originalTitleText"),
            year=_first_int(item.get("releaseYear"), item.get("titleReleaseText")),
            release_date=_day(item.get("releaseDate")),
            runtime_seconds=item.get("runtime"),
            genres=item.get("genres"),
            plot=item.get("plot"),
            poster_url=_dig(item, "primaryImage", "url"),
        )
        rows.append((movie, _snapshot(movie.imdb_id, page, item.get("ratingSummary"), None)))
    return rows


@_known_layout
def parse_suggestions(text: str) -> list[SearchHit]:
    """Read the suggestions for what a person typed, titles only, in the site's order.

    Raises:
        NotImdb: Not the JSON of IMDb's suggestions.
        LayoutChanged: A title without a name.
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


@_known_layout
def parse_suggested_movies(text: str) -> list[Movie]:
    """Read the same suggestions as movies: id, title, year, stars as cast, poster.

    Raises:
        NotImdb, LayoutChanged: As `parse_suggestions`.
    """
    return [
        _movie(
            entry["id"],
            title=entry.get("l"),
            year=entry.get("y"),
            cast=[name.strip() for name in site_string(entry.get("s")).split(",")],
            poster_url=_dig(entry, "i", "imageUrl"),
        )
        for entry in _suggested_titles(text)
    ]


def _suggested_titles(text: str) -> list[dict[str, Any]]:
    body = decode_json(text)
    entries = _dig(body, "d")
    if not isinstance(entries, list):
        raise NotImdb("This is not an answer of IMDb's suggestions.")
    # People, companies and links are suggested too; only titles have a `tt` id.
    return [e for e in entries if isinstance(e, dict) and _as_id(e.get("id"))]


def _movie(
    imdb_id: str | None,
    *,
    title: Any,
    original_title: Any = None,
    year: Any = None,
    release_date: date | None = None,
    runtime_seconds: Any = None,
    genres: Any = None,
    directors: Any = None,
    cast: Any = None,
    plot: Any = None,
    poster_url: Any = None,
) -> Movie:
    """Make a movie of what a page holds; empty values count as unknown.

    Raises:
        LayoutChanged: No id, no title, or a value that cannot be.
    """
    name = site_string(title)
    if imdb_id is None or not name:
        raise LayoutChanged(f"A title without {'a name' if imdb_id else 'an id'} was found.")
    minutes = runtime_seconds // 60 if isinstance(runtime_seconds, int) else None
    try:
        return Movie(
            imdb_id=imdb_id,
            title=name,
            original_title=site_string(original_title) or None,
            year=year,
            release_date=release_date,
            runtime_minutes=minutes or None,
            genres=_names(genres),
            directors=_names(directors),
            cast=_names(cast),
            plot=canonical_text(plot) or None if isinstance(plot, str) else None,
            poster_url=site_string(poster_url) or None,
        )
    except ValidationError as error:
        raise LayoutChanged(f"{imdb_id} holds an impossible value: {_what(error)}") from None


def _names(values: Any) -> tuple[str, ...]:
    """Keep the names among `values`, in order, each once."""
    found = (site_string(value) for value in values or ())
    return tuple(dict.fromkeys(name for name in found if name))


def _movie_of_title_page(top: dict[str, Any], main: dict[str, Any]) -> Movie:
    return _movie(
        _as_id(top.get("id")) or _as_id(main.get("id")),
        title=_dig(top, "titleText", "text"),
        original_title=_dig(top, "originalTitleText", "text"),
        year=_dig(top, "releaseYear", "year"),
        release_date=_day(top.get("releaseDate")),
        runtime_seconds=_dig(top, "runtime", "seconds"),
        genres=[_dig(g, "text") for g in _dig(top, "genres", "genres") or ()],
        directors=_credits(main, "directors", "crewV2") or _credits(top, "directorsPageTitle"),
        cast=_credits(main, "cast", "castV2") or _credits(top, "castPageTitle", "castV2"),
        plot=_dig(top, "plot", "plotText", "plainText"),
        poster_url=_dig(top, "primaryImage", "url"),
    )


def _movie_of_reviews_page(imdb_id: str, content: dict[str, Any]) -> Movie | None:
    meta = content.get("entityMetadata") or _dig(content, "data", "title")
    if not isinstance(meta, dict) or not _dig(meta, "titleText", "text"):
        return None
    return _movie(
        imdb_id,
        title=_dig(meta, "titleText", "text"),
        original_title=_dig(meta, "originalTitleText", "text"),
        year=_dig(meta, "releaseYear", "year"),
        runtime_seconds=_dig(meta, "runtime", "seconds"),
        genres=[_dig(g, "genre", "text") for g in _dig(meta, "titleGenres", "genres") or ()],
        directors=_credits(meta, "directorsPageTitle", "crewV2"),
        cast=_credits(meta, "castPageTitle", "castV2"),
        plot=_dig(meta, "plot", "plotText", "plainText"),
        poster_url=_dig(meta, "primaryImage", "url"),
    )


def _credits(holder: dict[str, Any], *keys: str) -> list[Any]:
    """Collect names under the first of `keys` that is there, in credit order.

    IMDb has two forms: edges with a node each (cast to 2026-01), and groups with `credits`
    (directors; since 2026-02 `crewV2`, which may also hold groups of writers, and `castV2`).
    """
    for key in keys:
        value = holder.get(key)
        if isinstance(value, dict):
            nodes = [_dig(edge, "node") for edge in value.get("edges") or ()]
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
        return [_dig(node, "name", "nameText", "text") for node in nodes]
    return []


def _group_label(group: dict[str, Any]) -> str:
    labels = (_dig(group, "category", "id"), _dig(group, "grouping", "text"))
    return " ".join(label for label in labels if isinstance(label, str)).lower()


def _linked_data(html: str) -> dict[str, Any] | None:
    for tag in _LD_TAG.finditer(html):
        body = decode_json(html[tag.end() : html.find("</script", tag.end())])
        if isinstance(body, dict) and "name" in body and _TITLE_IN_URL.search(str(body.get("url"))):
            return body
    return None


def _movie_of_linked_data(page: Page, linked: dict[str, Any]) -> Movie:
    """Read JSON-LD, whose texts are HTML-escaped; `name` is the original title."""
    match = _TITLE_IN_URL.search(str(linked.get("url"))) or _TITLE_IN_URL.search(page.final_url)
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
    """Read JSON-LD's names: a string, an object with `name`, or a list of either."""
    entries = value if isinstance(value, list) else [value]
    names = (e.get("name") if isinstance(e, dict) else e for e in entries)
    return [htmllib.unescape(name) for name in names if isinstance(name, str)]


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: Any) -> date | None:
    """Read `{day, month, year}`; None where a part is unknown, as for a coming movie."""
    parts = [_dig(value, key) for key in ("year", "month", "day")]
    try:
        return date(*parts) if all(isinstance(part, int) for part in parts) else None
    except ValueError:
        return None


def _snapshot(imdb_id: str, page: Page, ratings: Any, count: int | None) -> Snapshot:
    """Make a snapshot; no votes are unknown, not zero (IMDb writes 0 and 0).

    Raises:
        LayoutChanged: A rating or count that cannot be.
    """
    votes = _first_int(_dig(ratings, "voteCount")) or None
    try:
        return Snapshot(
            imdb_id=imdb_id,
            taken_at=page.fetched_at,
            rating=(_dig(ratings, "aggregateRating") or None) if votes else None,
            vote_count=votes,
            review_count=count,
        )
    except ValidationError as error:
        raise LayoutChanged(f"{imdb_id} holds an impossible value: {_what(error)}") from None


# --- finding the data ---------------------------------------------------------------------------


def _data_start(html: str) -> int:
    """Return where the text of `script#__NEXT_DATA__` begins, -1 if there is none."""
    start = html.find('id="__NEXT_DATA__"')
    if start >= 0:
        return html.find(">", start) + 1
    tag = _NEXT_TAG.search(html)
    return tag.end() if tag else -1


def _data_end(html: str, start: int) -> int:
    """Return where the script that begins at `start` ends, -1 if there is none or it is cut off."""
    return html.find("</script", start) if start >= 0 else -1


def page_props(html: str, wanted: str, start: int | None = None) -> dict[str, Any] | None:
    """Decode `props.pageProps`, leaving out what no one reads, if `wanted` is found so.

    Translations make up 80 % of the JSON and follow the visitor's `requestContext`, so decoding
    ends there. What was cut must still be one JSON object with three brackets to close, which
    holds only if the cut lay right inside `pageProps`; otherwise all of it is decoded.

    Args:
        html: The page.
        wanted: A key of `pageProps`.
        start: Where its data script begins (-1: there is none), if that is known.

    Returns:
        None where the page has no data script.

    Raises:
        LayoutChanged: It has one that is no JSON, or holds no `pageProps`.
    """
    start = _data_start(html) if start is None else start
    if start < 0:
        return None
    cut = html.find(',"requestContext":', start)
    if cut > 0:
        try:
            props = orjson.loads(html[start:cut] + "}}}")["props"]["pageProps"]
        except (ValueError, KeyError, TypeError):
            props = None
        if isinstance(props, dict) and wanted in props:
            return props
    end = _data_end(html, start)
    if end < 0:
        return None
    props = _dig(decode_json(html[start:end]), "props", "pageProps")
    if not isinstance(props, dict):
        raise LayoutChanged("The page's data are no longer where they were (props.pageProps).")
    return props


def _dig(value: Any, *path: str) -> Any:
    """Follow keys down through objects; None as soon as one is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _first_int(*values: Any) -> int | None:
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdecimal():
            return int(value)
    return None


def _as_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _IMDB_ID.match(value) else None


def has_review_card(html: str) -> bool:
    """Tell whether a card of any known markup is there."""
    return any(mark in html for mark in _CARD_MARKS)


def has_linked_movie(html: str) -> bool:
    """Tell whether JSON-LD names a title of IMDb's."""
    return _linked_data(html) is not None


def _card_count(html: str, start: int) -> int:
    """Count review cards cheaply: a hydrated page has more of them than its JSON.

    Only what stands before the data script, which begins at `start`, is counted; cards do in every
    layout seen.
    """
    end = len(html) if start < 0 else start
    cards = sum(1 for _ in _CARD.finditer(html, 0, end))
    return cards or html.count("imdb-user-review", 0, end)
