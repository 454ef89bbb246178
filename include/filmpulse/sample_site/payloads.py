"""The JSON that IMDb's pages carry, in the shapes seen from December 2025 to January 2026.

Names and nesting follow the real pages, so that one reader fits both; what is left out is what no
reader of reviews looks at. Everything is derived from the store: same state, same bytes.
"""

from __future__ import annotations

import base64
import binascii
import html
import itertools
import re
from collections import Counter
from datetime import timedelta
from functools import cache
from typing import Any

import orjson

from filmpulse.errors import BadInput
from filmpulse.sample_site.generate import SampleMovie, SampleReview, load_bank

PAGE_SIZE = 25

# The values of the page's own select, then the names that its URL parameter has been seen with.
SORTS = {
    "HELPFULNESS_SCORE": "Featured",
    "SUBMISSION_DATE": "Review date",
    "TOTAL_VOTES": "Total votes",
    "SUBMITTER_REVIEW_COUNT": "Prolific reviewer",
    "USER_RATING": "Review rating",
}
_SORT_ALIASES = {
    "FEATURED": "HELPFULNESS_SCORE",
    "NUM_VOTES": "TOTAL_VOTES",
    "TOTALVOTES": "TOTAL_VOTES",
    "REVIEW_VOLUME": "SUBMITTER_REVIEW_COUNT",
}

_BUILD_ID = "s4mpleS1teBu1ldN0thingReal"


def sort_name(value: str | None) -> str:
    """Read a sort from a URL or a GraphQL variable; the site's default when it is not known."""
    wanted = (value or "").upper()
    wanted = _SORT_ALIASES.get(wanted, wanted)
    return wanted if wanted in SORTS else "HELPFULNESS_SCORE"


def in_order(reviews: list[SampleReview], sort: str, ascending: bool) -> list[SampleReview]:
    """Put reviews in one of the site's orders; ties go by id, so that an order is always total."""
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
    """Say how many reviews of a list come before what a cursor asks for.

    A cursor names the last review given and its place: reviews that arrive in front do not shift
    what comes next, and when that very review is gone those after it have moved up by one. When
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
    """Cut one batch out of a list, after what `cursor` names (see `place_of`).

    Returns:
        The batch and the cursor of the next one, None at the end.

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
    """The date as the page shows it: one day early, since midnight UTC is shown in a US zone."""
    shown = review.submitted_on - timedelta(days=1)
    return f"{shown:%b} {shown.day}, {shown.year}"


def contribute_url(review: SampleReview, base: str) -> str:
    """Where a review would be reported."""
    return f"{base}/contribute/review/{review.imdb_id}/{review.review_id}/report?site=web"


def review_node(review: SampleReview, base: str, typed: bool = False) -> dict[str, Any]:
    """One review in the GraphQL shape; pages add `__typename` to it (`typed`), answers do not."""
    node: dict[str, Any] = {
        "id": review.review_id,
        "author": {"username": {"text": review.author_name}, "userId": review.author_id},
        "summary": {"originalText": review.title},
        "text": {"originalText": {"plaidHtml": body_html(review.body)}},
        "authorRating": review.rating,
        "submissionDate": review.submitted_on.isoformat(),
        "helpfulness": {"upVotes": review.up, "downVotes": review.down},
        "spoiler": review.is_spoiler,
        "reportingLink": {"url": contribute_url(review, base)},
    }
    if typed:
        node["author"]["username"]["__typename"] = "UserProfileUsername"
        node["author"]["__typename"] = "UserProfile"
        node["summary"]["__typename"] = "ReviewSummary"
        node["text"]["originalText"]["__typename"] = "Markdown"
        node["text"]["__typename"] = "ReviewText"
        node["helpfulness"]["__typename"] = "ReviewHelpfulness"
        node["reportingLink"]["__typename"] = "ContributionLink"
        node["__typename"] = "Review"
    return node


def graphql_reviews(
    reviews: list[SampleReview], total: int, cursor: str | None, base: str
) -> dict[str, Any]:
    """The answer to "25 more"."""
    return {
        "data": {
            "title": {
                "reviews": {
                    "total": total,
                    "pageInfo": _page_info(cursor),
                    "edges": [{"node": review_node(review, base)} for review in reviews],
                }
            }
        },
        "extensions": {
            "disclaimer": "Invented reviews of invented movies; use them as you like.",
            "experimentalFields": {"janet": [], "userProfile": []},
        },
    }


def reviews_page(
    movie: SampleMovie, reviews: list[SampleReview], total: int, cursor: str | None, base: str
) -> dict[str, Any]:
    """`__NEXT_DATA__` of a reviews page: every review twice, in two shapes, as on the real one."""
    typed_info = {**_page_info(cursor), "__typename": "PageInfo"}
    facts = _entity_metadata(movie, total, base)
    content = {
        "entityMetadata": facts,
        "data": {
            "title": {
                **facts,
                "canRate": {"isRatable": True, "__typename": "CanRate"},
                "reviews": {
                    "total": total,
                    "pageInfo": typed_info,
                    "edges": [
                        {"node": review_node(review, base, typed=True), "__typename": "ReviewEdge"}
                        for review in reviews
                    ],
                    "__typename": "ReviewsConnection",
                },
                "__typename": "Title",
            }
        },
        "canRate": True,
        "pageInfo": typed_info,
        "reviewCount": total,
        "reviews": [_review_item(movie, review) for review in reviews],
        "titleText": movie.title,
    }
    return _next_data(
        "/title/[tconst]/reviews", {"tconst": movie.imdb_id}, {"contentData": content}
    )


def title_page(movie: SampleMovie, total: int, votes: int, base: str) -> dict[str, Any]:
    """`__NEXT_DATA__` of a title page."""
    facts = _title_facts(movie, base)
    rating = {"aggregateRating": movie.rating, "voteCount": votes, "__typename": "RatingsSummary"}
    count = {"total": total, "__typename": "ReviewsConnection"}
    above = {
        **facts,
        "releaseDate": _release_date(movie),
        "ratingsSummary": rating,
        "genres": {
            "genres": [{"text": g, "id": g, "__typename": "Genre"} for g in movie.genres],
            "__typename": "Genres",
        },
        "keywords": {
            "total": len(movie.keywords),
            "edges": [{"node": {"text": k, "__typename": "TitleKeyword"}} for k in movie.keywords],
        },
        "metacritic": None,
        "reviews": count,
        "featuredReviews": None,
        "principalCredits": [
            _credits("director", [_name(movie, "director")]),
            _credits("cast", [_name(movie, n) for n in range(min(3, len(movie.cast)))]),
        ],
    }
    return _next_data(
        "/title/[tconst]",
        {"tconst": movie.imdb_id},
        {
            "tconst": movie.imdb_id,
            "aboveTheFoldData": above,
            "mainColumnData": _main_column(movie, count),
        },
    )


def _main_column(movie: SampleMovie, count: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": movie.imdb_id,
        "directors": [_credits("director", [_name(movie, "director")])],
        "writers": [_credits("writer", [_name(movie, "writer")])],
        "cast": {
            "total": len(movie.cast),
            "edges": [
                {
                    "node": {
                        "name": _name(movie, n),
                        "characters": [{"name": role, "__typename": "Character"}],
                        "__typename": "Cast",
                    },
                    "__typename": "CreditEdge",
                }
                for n, (_, role) in enumerate(movie.cast)
            ],
            "__typename": "CreditConnection",
        },
        "releaseDate": _release_date(movie),
        "reviews": count,
        "featuredReviews": None,
        "worldwideGross": None,
    }


def json_ld(movie: SampleMovie, votes: int, featured: SampleReview | None, base: str) -> Any:
    """The title page's one JSON-LD block; texts are HTML-escaped, as on the real page."""
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
            "bestRating": 10,
            "worstRating": 1,
            "ratingValue": movie.rating,
        },
        "genre": list(movie.genres),
        "datePublished": movie.released_on.isoformat(),
        "keywords": ",".join(movie.keywords),
        "actor": [_person_ld(movie, n, base) for n in range(min(3, len(movie.cast)))],
        "director": [_person_ld(movie, "director", base)],
        "creator": [_person_ld(movie, "writer", base)],
        "duration": f"PT{minutes // 60}H{minutes % 60}M",
    }
    if movie.original_title != movie.title:
        block["alternateName"] = _escape(movie.original_title)
    if movie.certificate:
        block["contentRating"] = movie.certificate
    if featured:
        block["review"] = {
            "@type": "Review",
            "itemReviewed": {"@type": "Movie", "url": block["url"]},
            "author": {"@type": "Person", "name": _escape(featured.author_name)},
            "dateCreated": featured.submitted_on.isoformat(),
            "inLanguage": "English",
            "name": _escape(featured.title),
            "reviewBody": _escape(featured.body),
        }
    return block


def find_page(query: str, movies: list[SampleMovie], base: str) -> dict[str, Any]:
    """`__NEXT_DATA__` of a search for titles."""
    return _next_data(
        "/find",
        {"q": query, "s": "tt"},
        {
            "findPageMeta": {"searchTerm": query, "includeAdult": False, "isExactMatch": False},
            "nameResults": {"results": []},
            "titleResults": {
                "results": [
                    {"index": movie.imdb_id, "listItem": _list_item(movie, base)}
                    for movie in movies
                ],
                "nextCursor": None,
            },
            "resultsSectionOrder": ["TITLE"],
            "isLoggedIn": False,
        },
    )


def suggestions(query: str, movies: list[SampleMovie], base: str) -> dict[str, Any]:
    """The answer of the suggestion service."""
    return {
        "d": [
            {
                "i": {"height": 900, "imageUrl": _poster(movie, base), "width": 600},
                "id": movie.imdb_id,
                "l": movie.title,
                "q": "feature",
                "qid": "movie",
                "rank": 100 * movie.number,
                "s": ", ".join(name for name, _ in movie.cast[:2]),
                "y": movie.released_on.year,
            }
            for movie in movies
        ],
        "q": query,
        "v": 1,
    }


def script_json(value: Any) -> str:
    """Write JSON for a `<script>` of a page, escaped as Next.js does it."""
    text = orjson.dumps(value).decode()
    escapes = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028"}
    return re.sub("[&<>\u2028]", lambda match: escapes[match[0]], text)


def _page_info(cursor: str | None) -> dict[str, Any]:
    # hasPreviousPage is false on the last page of a chain too.
    return {"endCursor": cursor, "hasNextPage": cursor is not None, "hasPreviousPage": False}


def _review_item(movie: SampleMovie, review: SampleReview) -> dict[str, Any]:
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
    return {
        "titleId": movie.imdb_id,
        "titleText": movie.title,
        "review": item,
        "isTopReview": False,
    }


def _name(movie: SampleMovie, who: str | int) -> dict[str, Any]:
    number, name = (
        (who + 1, movie.cast[who][0])
        if isinstance(who, int)
        else ({"director": 91, "writer": 92}[who], getattr(movie, who))
    )
    return {"id": f"nm99{movie.number:04}{number:02}", "nameText": {"text": name}}


def _person_ld(movie: SampleMovie, who: str | int, base: str) -> dict[str, Any]:
    name = _name(movie, who)
    text = _escape(name["nameText"]["text"])
    return {"@type": "Person", "url": f"{base}/name/{name['id']}/", "name": text}


def _credits(category: str, names: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "totalCredits": len(names),
        "category": {"text": category.title(), "id": category, "__typename": "CreditCategory"},
        "credits": [{"name": name, "__typename": "Crew"} for name in names],
        "__typename": "PrincipalCreditsForCategory",
    }


def _poster(movie: SampleMovie, base: str) -> str:
    return f"{base}/poster/{movie.imdb_id}.svg"


def _escape(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&apos;")


def _release_date(movie: SampleMovie) -> dict[str, int]:
    day = movie.released_on
    return {"day": day.day, "month": day.month, "year": day.year}


def _title_facts(movie: SampleMovie, base: str) -> dict[str, Any]:
    return {
        "id": movie.imdb_id,
        "certificate": {"rating": movie.certificate} if movie.certificate else None,
        "runtime": {"seconds": movie.runtime_minutes * 60},
        "titleType": {
            "id": "movie",
            "text": "Movie",
            "canHaveEpisodes": False,
            "isSeries": False,
            "isEpisode": False,
        },
        "titleText": {"text": movie.title},
        "originalTitleText": {"text": movie.original_title},
        "releaseYear": {"year": movie.released_on.year, "endYear": None},
        "plot": {"plotText": {"plainText": movie.plot}},
        "primaryImage": {
            "url": _poster(movie, base),
            "height": 900,
            "width": 600,
            "caption": {"plainText": f"{movie.title} ({movie.released_on.year})"},
        },
        "meta": {"canonicalId": movie.imdb_id, "publicationStatus": "PUBLISHED"},
    }


def _entity_metadata(movie: SampleMovie, total: int, base: str) -> dict[str, Any]:
    return {
        **_title_facts(movie, base),
        "ratingsSummary": {"aggregateRating": movie.rating, "voteCount": movie.votes},
        "titleGenres": {"genres": [{"genre": {"text": genre}} for genre in movie.genres]},
        "series": None,
        "castPageTitle": {
            "edges": [{"node": {"name": _name(movie, n)}} for n in range(len(movie.cast))][:4]
        },
        "creatorsPageTitle": [],
        "directorsPageTitle": [{"credits": [{"name": _name(movie, "director")}]}],
        "subNavReviews": {"total": total},
    }


def _list_item(movie: SampleMovie, base: str) -> dict[str, Any]:
    return {
        "canRate": True,
        "endYear": None,
        "genres": list(movie.genres),
        "originalTitleText": movie.original_title,
        "plot": movie.plot,
        "primaryImage": {
            "caption": f"{movie.title} ({movie.released_on.year})",
            "height": 900,
            "url": _poster(movie, base),
            "width": 600,
        },
        "ratingSummary": {"aggregateRating": movie.rating, "voteCount": movie.votes},
        "releaseYear": movie.released_on.year,
        "releaseDate": _release_date(movie),
        "titleId": movie.imdb_id,
        "titleText": movie.title,
        "titleType": {"canHaveEpisodes": False, "id": "movie", "text": ""},
        "principalCredits": [],
    }


def _next_data(page: str, query: dict[str, str], page_props: dict[str, Any]) -> dict[str, Any]:
    return {
        "props": {
            "pageProps": {
                **page_props,
                "requestContext": _visitor(),
                "cmsContext": {"transformedPlacements": {}, "isValid": True, "isDebug": False},
                "translationContext": {
                    "i18n": {
                        "translations": {
                            "resources": translations(),
                            "default": {"resources": translations()},
                        },
                        "locale": "en-US",
                    }
                },
                "urqlState": None,
                "fetchState": None,
            },
            "__N_SSP": True,
        },
        "page": page,
        "query": query,
        "buildId": _BUILD_ID,
        "runtimeConfig": {"env": "production", "stage": "Sample"},
        "isFallback": False,
        "gssp": True,
        "locale": "en-US",
        "locales": ["en-US", "de", "es", "es-ES", "fr", "fr-CA", "hi", "it", "pt"],
        "defaultLocale": "en-US",
        "scriptLoader": [],
    }


def _visitor() -> dict[str, Any]:
    """What a page must lose before it is stored; the address is one reserved for documentation."""
    return {
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
    """About 100 kB of interface text, the bulk of the real page; each page carries it twice."""
    bank = load_bank("interface")
    texts = {
        f"{area}_{thing}_{key}": phrase.format(area=area, thing=thing)
        for area in bank["areas"]
        for thing in bank["things"]
        for key, phrase in bank["phrases"].items()
    }
    return {**texts, **bank["gate"]}
