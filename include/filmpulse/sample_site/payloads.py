"""The JSON that IMDb's pages carry, in the shapes seen from December 2025 to January 2026.

Names and nesting follow the real pages, so that one reader fits both; fields that no reader of
reviews looks at are left out. Everything is derived from the store: same state, same bytes.
"""

from __future__ import annotations

import base64
import binascii
import html
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

import orjson

from filmpulse.errors import BadInput
from filmpulse.sample_site.generate import SampleMovie, SampleReview, load_bank

PAGE_SIZE = 25

# The values of the page's sort control, and its labels.
SORTS = {
    "HELPFULNESS_SCORE": "Featured",
    "SUBMISSION_DATE": "Review date",
    "TOTAL_VOTES": "Total votes",
    "SUBMITTER_REVIEW_COUNT": "Prolific reviewer",
    "USER_RATING": "Review rating",
}


def sort_name(value: str | None) -> str:
    """Read a sort from a URL or a GraphQL variable; an unknown one is the site's default."""
    wanted = (value or "").upper()
    return wanted if wanted in SORTS else "HELPFULNESS_SCORE"


def in_order(reviews: list[SampleReview], sort: str, ascending: bool) -> list[SampleReview]:
    """Put reviews in one of the site's orders; ties go by id, so that the order is total."""
    by_author = Counter(review.author_id for review in reviews)

    def key(review: SampleReview) -> float:
        votes = review.up + review.down
        match sort:
            case "SUBMISSION_DATE":
                return review.submitted_on.toordinal()
            case "TOTAL_VOTES":
                return votes
            case "SUBMITTER_REVIEW_COUNT":
                return by_author[review.author_id]
            case "USER_RATING":
                return review.rating or 0
            case _:  # HELPFULNESS_SCORE: many votes with few against
                return float((review.up + 1) / (votes + 4) * (votes + 1) ** 0.5)

    return sorted(reviews, key=lambda r: (key(r), r.review_id), reverse=not ascending)


def place_of(ordered: list[SampleReview], cursor: str | None, shifting: bool = False) -> int:
    """Return how many reviews of a list stand before the page that a cursor asks for.

    A cursor names the last review of the page before, and its place. Reviews that arrive in front
    of that review do not shift the next page. If that review is gone, the place decides. When
    `shifting`, only the place counts.

    Raises:
        BadInput: Not a cursor of this site.
    """
    if not cursor:
        return 0
    try:
        place, review_id = base64.b32decode(cursor.upper()).decode().split("/")
        start = int(place)
    except (ValueError, binascii.Error):
        raise BadInput("That is no cursor of this site.") from None
    if shifting:
        return start
    return next((n for n, r in enumerate(ordered, 1) if r.review_id == review_id), start - 1)


def batch(
    ordered: list[SampleReview], cursor: str | None, first: int, shifting: bool = False
) -> tuple[list[SampleReview], str | None]:
    """Return the `first` reviews from the place of a cursor on, and the next cursor.

    The next cursor is None at the end of the list.

    Raises:
        BadInput: Not a cursor of this site.
    """
    start = place_of(ordered, cursor, shifting)
    chosen = ordered[start : start + first]
    end = start + len(chosen)
    if not chosen or end >= len(ordered):
        return chosen, None
    return chosen, base64.b32encode(f"{end:08}/{chosen[-1].review_id}".encode()).decode().lower()


def body_html(body: str) -> str:
    """Write a plain text as IMDb's review HTML: `<br/>`, lists, and its five entities."""
    parts = []
    for is_list, lines in itertools.groupby(body.split("\n"), lambda line: line.startswith("- ")):
        escaped = [html.escape(line).replace("&#x27;", "&#39;") for line in lines]
        if is_list:
            parts.append("<ul>" + "".join(f"<li>{line[2:]}</li>" for line in escaped) + "</ul>")
        else:
            parts.append("<br/>".join(escaped))
    return "".join(parts)


def dom_date(review: SampleReview) -> str:
    """Return the date as the page shows it: one day early, as midnight UTC in a US time zone."""
    shown = review.submitted_on - timedelta(days=1)
    return f"{shown:%b} {shown.day}, {shown.year}"


def graphql_reviews(
    reviews: list[SampleReview], total: int, cursor: str | None, base: str
) -> dict[str, Any]:
    """Return the answer to "25 more"."""
    return {"data": {"title": {"reviews": _connection(reviews, total, cursor, base)}}}


def reviews_page(
    movie: SampleMovie, reviews: list[SampleReview], total: int, cursor: str | None, base: str
) -> dict[str, Any]:
    """Return `__NEXT_DATA__` of a reviews page: each review in two shapes, as on the real page."""
    facts = {
        **_facts(movie, base),
        "ratingsSummary": _rating(movie, movie.votes),
        "titleGenres": {"genres": [{"genre": {"text": genre}} for genre in movie.genres]},
        "castPageTitle": {"edges": _nodes(_names(movie)[:4])},
        "directorsPageTitle": [{"credits": [_name(movie.director)]}],
        "subNavReviews": {"total": total},
    }
    content = {
        "entityMetadata": facts,
        "data": {"title": {**facts, "reviews": _connection(reviews, total, cursor, base)}},
        "pageInfo": _page_info(cursor),
        "reviewCount": total,
        "reviews": [
            {"titleId": movie.imdb_id, "titleText": movie.title, "review": _review_item(review)}
            for review in reviews
        ],
        "titleText": movie.title,
    }
    return _next_data(
        "/title/[tconst]/reviews", {"tconst": movie.imdb_id}, {"contentData": content}
    )


def title_page(movie: SampleMovie, total: int, votes: int, base: str) -> dict[str, Any]:
    """Return `__NEXT_DATA__` of a title page."""
    above = {
        **_facts(movie, base),
        "releaseDate": _release_date(movie),
        "ratingsSummary": _rating(movie, votes),
        "genres": {"genres": [{"text": genre, "id": genre} for genre in movie.genres]},
        "reviews": {"total": total},
    }
    main = {
        "id": movie.imdb_id,
        "directors": [{"category": {"id": "director"}, "credits": [_name(movie.director)]}],
        "writers": [{"category": {"id": "writer"}, "credits": [_name(movie.writer)]}],
        "cast": {"total": len(movie.cast), "edges": _nodes(_names(movie))},
        "releaseDate": _release_date(movie),
        "reviews": {"total": total},
    }
    props = {"tconst": movie.imdb_id, "aboveTheFoldData": above, "mainColumnData": main}
    return _next_data("/title/[tconst]", {"tconst": movie.imdb_id}, props)


def json_ld(movie: SampleMovie, votes: int, featured: SampleReview | None, base: str) -> Any:
    """Return the title page's JSON-LD; its texts are HTML-escaped, as on the real page."""
    minutes = movie.runtime_minutes
    block: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Movie",
        "url": f"{base}/title/{movie.imdb_id}/",
        "name": _escape(movie.title),
        "image": _poster(movie, base),
        "description": _escape(movie.plot),
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingCount": votes,
            "ratingValue": movie.rating,
        },
        "genre": list(movie.genres),
        "datePublished": movie.released_on.isoformat(),
        "keywords": ",".join(movie.keywords),
        "actor": [_person_ld(name) for name, _ in movie.cast[:3]],
        "director": [_person_ld(movie.director)],
        "creator": [_person_ld(movie.writer)],
        "duration": f"PT{minutes // 60}H{minutes % 60}M",
    }
    if movie.original_title != movie.title:
        block["alternateName"] = _escape(movie.original_title)
    if featured:
        block["review"] = {
            "@type": "Review",
            "itemReviewed": {"@type": "Movie", "url": block["url"]},
            "author": _person_ld(featured.author_name),
            "dateCreated": featured.submitted_on.isoformat(),
            "inLanguage": "English",
            "name": _escape(featured.title),
            "reviewBody": _escape(featured.body),
        }
    return block


def find_page(query: str, movies: list[SampleMovie], base: str) -> dict[str, Any]:
    """Return `__NEXT_DATA__` of a search for titles."""
    results = [{"index": movie.imdb_id, "listItem": _list_item(movie, base)} for movie in movies]
    return _next_data("/find", {"q": query, "s": "tt"}, {"titleResults": {"results": results}})


def suggestions(query: str, movies: list[SampleMovie], base: str) -> dict[str, Any]:
    """Return the answer of the suggestion service."""
    found = [
        {
            "i": {"height": 900, "imageUrl": _poster(movie, base), "width": 600},
            "id": movie.imdb_id,
            "l": movie.title,
            "q": "feature",
            "s": ", ".join(name for name, _ in movie.cast[:2]),
            "y": movie.released_on.year,
        }
        for movie in movies
    ]
    return {"d": found, "q": query, "v": 1}


def script_json(value: Any) -> str:
    """Write JSON for a `<script>` of a page, escaped as Next.js does it."""
    text = orjson.dumps(value).decode()
    escapes = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028"}
    return re.sub("[&<>\u2028]", lambda match: escapes[match[0]], text)


def _connection(
    reviews: list[SampleReview], total: int, cursor: str | None, base: str
) -> dict[str, Any]:
    nodes = [_review_node(review, base) for review in reviews]
    return {"total": total, "pageInfo": _page_info(cursor), "edges": _nodes(nodes)}


def _page_info(cursor: str | None) -> dict[str, Any]:
    # hasPreviousPage is false on the last page of a chain too.
    return {"endCursor": cursor, "hasNextPage": cursor is not None, "hasPreviousPage": False}


def _review_node(review: SampleReview, base: str) -> dict[str, Any]:
    """Return a review in the GraphQL shape, of answers and pages."""
    report = f"{base}/contribute/review/{review.imdb_id}/{review.review_id}/report?site=web"
    return {
        "id": review.review_id,
        "author": {"username": {"text": review.author_name}, "userId": review.author_id},
        "summary": {"originalText": review.title},
        "text": {"originalText": {"plaidHtml": body_html(review.body)}},
        "authorRating": review.rating,
        "submissionDate": review.submitted_on.isoformat(),
        "helpfulness": {"upVotes": review.up, "downVotes": review.down},
        "spoiler": review.is_spoiler,
        "reportingLink": {"url": report},
    }


def _review_item(review: SampleReview) -> dict[str, Any]:
    """Return a review in the other shape, of pages only."""
    item: dict[str, Any] = {
        "reviewId": review.review_id,
        "author": {"username": {"text": review.author_name}, "userId": review.author_id},
        "reviewSummary": review.title,
        "reviewText": body_html(review.body),
        "submissionDate": review.submitted_on.isoformat(),
        "helpfulnessVotes": {"upVotes": review.up, "downVotes": review.down},
        "spoiler": review.is_spoiler,
    }
    if review.rating is not None:  # here the key is missing, in the other shape it is null
        item["authorRating"] = review.rating
    return item


def _facts(movie: SampleMovie, base: str) -> dict[str, Any]:
    """Return the facts that title pages and reviews pages give in the same form."""
    return {
        "id": movie.imdb_id,
        "certificate": {"rating": movie.certificate} if movie.certificate else None,
        "runtime": {"seconds": movie.runtime_minutes * 60},
        "titleText": {"text": movie.title},
        "originalTitleText": {"text": movie.original_title},
        "releaseYear": {"year": movie.released_on.year, "endYear": None},
        "plot": {"plotText": {"plainText": movie.plot}},
        "primaryImage": {"url": _poster(movie, base), "height": 900, "width": 600},
    }


def _list_item(movie: SampleMovie, base: str) -> dict[str, Any]:
    return {
        "genres": list(movie.genres),
        "originalTitleText": movie.original_title,
        "plot": movie.plot,
        "primaryImage": {"url": _poster(movie, base), "height": 900, "width": 600},
        "ratingSummary": _rating(movie, movie.votes),
        "releaseYear": movie.released_on.year,
        "releaseDate": _release_date(movie),
        "titleId": movie.imdb_id,
        "titleText": movie.title,
    }


def _nodes(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"node": value} for value in values]


def _name(name: str) -> dict[str, Any]:
    return {"name": {"nameText": {"text": name}}}


def _names(movie: SampleMovie) -> list[dict[str, Any]]:
    return [_name(name) for name, _ in movie.cast]


def _person_ld(name: str) -> dict[str, str]:
    return {"@type": "Person", "name": _escape(name)}


def _rating(movie: SampleMovie, votes: int) -> dict[str, Any]:
    return {"aggregateRating": movie.rating, "voteCount": votes}


def _poster(movie: SampleMovie, base: str) -> str:
    return f"{base}/poster/{movie.imdb_id}.jpg"


def _escape(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&apos;")


def _release_date(movie: SampleMovie) -> dict[str, int]:
    day = movie.released_on
    return {"day": day.day, "month": day.month, "year": day.year}


def _next_data(page: str, query: dict[str, str], page_props: dict[str, Any]) -> dict[str, Any]:
    resources = {"resources": translations(), "default": {"resources": translations()}}
    context = {
        "requestContext": _VISITOR,
        "translationContext": {"i18n": {"translations": resources, "locale": "en-US"}},
    }
    return {"props": {"pageProps": page_props | context}, "page": page, "query": query}


# Filmpulse must drop this before it stores a page; the address is reserved for documentation.
_VISITOR = {
    "ipAddress": "192.0.2.44",
    "requestId": "SAMPLEREQUEST0000001",
    "headers": {
        "cookie": "session-id=000-0000000-0000000; aws-waf-token=sample-token-not-real",
        "x-forwarded-for": "192.0.2.44",
    },
    "sidecar": {"account": {"userId": "ur99999999", "name": "sample visitor"}},
}


@cache
def translations() -> dict[str, str]:
    """Return about 100 kB of interface text; each page carries it twice, as the real one does."""
    bank = load_bank("interface")
    texts = {
        f"{area}_{thing}_{key}": phrase.format(area=area, thing=thing)
        for area in bank["areas"]
        for thing in bank["things"]
        for key, phrase in bank["phrases"].items()
    }
    return {**texts, **bank["gate"]}
