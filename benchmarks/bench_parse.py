"""How fast a reviews page is read, beside BeautifulSoup reading the same fields in the same run.

Run `python benchmarks/bench_parse.py`. The page is invented: 0.5 MB, four fifths of it
translation text, 25 reviews with every field, in JSON and in cards, as IMDb's page has them.
With FILMPULSE_CAPTURES set to a folder of saved pages, a real one is read as well.
"""

from __future__ import annotations

import html
import json
import os
import random
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from rich.console import Console
from rich.table import Table

from filmpulse.items import Page
from filmpulse.sources.imdb.reviews import parse_reviews_page

MOVIE = "tt7000001"
SECRET = b"benchmark"
PAGE_BYTES = 500_000
TRANSLATION_SHARE = 0.8
VOCABULARY = (
    "the a lamp keeper counts ships and waits while his brother sails into fog that never lifts "
    "slow careful pictures carry this story though its middle third could lose ten minutes sound "
    "of water under every scene gives it weight actors say little but mean all of it"
)
WORDS = VOCABULARY.split()


def build_page(seed: int = 7) -> str:
    """Return the invented page: `PAGE_BYTES` long, `TRANSLATION_SHARE` of it translations."""
    rng = random.Random(seed)
    reviews = [invent_review(rng, number) for number in range(25)]
    edges = [{"node": node} for node in reviews]
    info = {"endCursor": "c25", "hasNextPage": True, "hasPreviousPage": False}
    content = {
        "entityMetadata": {
            "id": MOVIE,
            "titleText": {"text": "The Lamp Keeper"},
            "originalTitleText": {"text": "Fyrvaktaren"},
            "releaseYear": {"year": 2025},
            "runtime": {"seconds": 6840},
            "ratingsSummary": {"aggregateRating": 7.4, "voteCount": 1234},
        },
        "data": {"title": {"reviews": {"total": 103, "pageInfo": info, "edges": edges}}},
        "pageInfo": info,
        "reviewCount": 103,
        "reviews": [
            {
                "titleId": MOVIE,
                "review": {
                    "reviewId": node["id"],
                    "author": node["author"],
                    "authorRating": node["authorRating"],
                    "reviewSummary": node["summary"]["originalText"],
                    "reviewText": node["text"]["originalText"]["plaidHtml"],
                    "submissionDate": node["submissionDate"],
                    "helpfulnessVotes": node["helpfulness"],
                    "spoiler": node["spoiler"],
                },
            }
            for node in reviews
        ],
    }  # fmt: skip
    translations: dict[str, str] = {}
    room = PAGE_BYTES * TRANSLATION_SHARE
    while room > 0:
        key, text = f"text_{len(translations)}", " ".join(rng.choices(WORDS, k=8))
        translations[key] = text
        room -= len(key) + len(text) + 6
    props = {"contentData": content, "requestContext": {}, "translationContext": translations}
    data = json.dumps({"props": {"pageProps": props}}, separators=(",", ":"))
    page = (
        '<!DOCTYPE html><html><head><meta charset="utf-8"/><title>The Lamp Keeper</title></head>'
        '<body><div data-testid="tturv-total-reviews">103 reviews</div>{cards}'
        '<script id="__NEXT_DATA__" type="application/json">{data}</script></body></html>'
    )
    return page.replace("{cards}", "".join(map(card, reviews))).replace("{data}", data)


def invent_review(rng: random.Random, number: int) -> dict[str, Any]:
    """Return one review in the GraphQL shape."""
    lines = [" ".join(rng.choices(WORDS, k=40)).capitalize() + ". It&#39;s so." for _ in range(3)]
    day = date(2026, 3, 14) - timedelta(days=number)
    return {
        "id": f"rw9000{number:03d}",
        "author": {"username": {"text": f"Invented {number}"}, "userId": f"ur8000{number:03d}"},
        "summary": {"originalText": " ".join(rng.choices(WORDS, k=5)).capitalize()},
        "text": {"originalText": {"plaidHtml": "<br/><br/>".join(lines)}},
        "authorRating": rng.randint(1, 10),
        "submissionDate": day.isoformat(),
        "helpfulness": {"upVotes": rng.randint(0, 900), "downVotes": rng.randint(0, 90)},
        "spoiler": False,
    }


def card(node: dict[str, Any]) -> str:
    """Return the same review as the page shows it."""
    link = f"/title/{MOVIE}/review/{node['id']}/"
    shown = datetime.fromisoformat(node["submissionDate"]) - timedelta(days=1)
    votes = node["helpfulness"]
    name = html.escape(node["author"]["username"]["text"])
    return (
        '<article class="user-review-item"><div data-testid="review-card-parent">'
        f'<span class="ipc-rating-star review-rating"><span class="ipc-rating-star--rating">'
        f'{node["authorRating"]}</span></span><div data-testid="review-summary"><a href="{link}">'
        f'<h3 class="ipc-title__text">{node["summary"]["originalText"]}</h3></a></div>'
        '<div data-testid="review-overflow"><div class="ipc-html-content-inner-div">'
        f"{node['text']['originalText']['plaidHtml']}</div></div>"
        f'<span class="ipc-voting__label__count--up">{votes["upVotes"]}</span>'
        f'<span class="ipc-voting__label__count--down">{votes["downVotes"]}</span></div>'
        '<div data-testid="reviews-author"><ul>'
        f'<li><a data-testid="author-link" href="/user/{node["author"]["userId"]}/">{name}</a></li>'
        f'<li class="review-date">{shown:%b %d, %Y}</li></ul></div></article>'
    )


def read_ours(page: str) -> list[Any]:
    """Read the page as Filmpulse does."""
    whole = Page(url="", final_url="", html=page, status=200, fetched_at=None)
    return list(parse_reviews_page(whole, SECRET).reviews)


def read_cards_with_soup(page: str) -> list[Any]:
    """Read the same fields from the cards with BeautifulSoup's html.parser."""
    soup = BeautifulSoup(page, "html.parser")
    rows = []
    for item in soup.select("article.user-review-item"):
        link = item.select_one("[data-testid=review-summary] a")
        body = item.select_one(".ipc-html-content-inner-div")
        author = item.select_one("[data-testid=author-link]")
        text = {
            name: found.get_text(strip=True) if (found := item.select_one(selector)) else None
            for name, selector in {
                "rating": ".ipc-rating-star--rating",
                "title": "h3",
                "submitted": ".review-date",
                "up": ".ipc-voting__label__count--up",
                "down": ".ipc-voting__label__count--down",
            }.items()
        }
        rows.append(
            {
                "review_id": link["href"].split("/review/")[1].split("/")[0],
                "imdb_id": link["href"].split("/")[2],
                "author_id": author["href"].split("/")[2],
                "body": body.get_text("\n") if body else None,
                "is_spoiler": item.select_one(".review-spoiler-button") is not None,
                **text,
            }
        )
    return rows


def read_json_with_soup(page: str) -> list[Any]:
    """Find the data script with BeautifulSoup and decode all of it with the json module."""
    script = BeautifulSoup(page, "html.parser").select_one("#__NEXT_DATA__")
    rows = json.loads(script.string)["props"]["pageProps"]["contentData"]["reviews"]
    return [(row["titleId"], *row["review"].values()) for row in rows]


def seconds_a_page(
    readers: dict[str, Callable[[str], list[Any]]], page: str, least: float = 4.0
) -> dict[str, float]:
    """Return the best time of each reader, taken in turns: others share the machine."""
    best, started = dict.fromkeys(readers, float("inf")), time.perf_counter()
    while time.perf_counter() - started < least:
        for label, read in readers.items():
            for _ in range(20 if label == "filmpulse" else 1):
                begun = time.perf_counter()
                found = read(page)
                best[label] = min(best[label], time.perf_counter() - begun)
                if len(found) != 25:
                    raise AssertionError(f"{label} did not read 25 reviews")
    return best


def main() -> None:
    """Measure and print."""
    pages = {"invented, 80 % translations": build_page()}
    if folder := os.environ.get("FILMPULSE_CAPTURES"):
        root = Path(folder) / "imdb" if (Path(folder) / "imdb").is_dir() else Path(folder)
        for path in sorted(root.glob("reviews/*.html")):
            pages["real, saved"] = path.read_text(encoding="utf-8")
    table = Table("page", "MB", "reader", "ms", "pages/s", "MB/s", "ours is faster by")
    for name, page in pages.items():
        size = len(page.encode()) / 1e6
        readers = {
            "filmpulse": read_ours,
            "BeautifulSoup, cards": read_cards_with_soup,
            "BeautifulSoup, JSON": read_json_with_soup,
        }
        times = seconds_a_page(readers, page)
        for label, seconds in times.items():
            factor = seconds / times["filmpulse"]
            table.add_row(
                name, f"{size:.2f}", label, f"{seconds * 1e3:.2f}", f"{1 / seconds:,.0f}",
                f"{size / seconds:,.0f}", f"{factor:,.0f} x" if factor != 1 else "",
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
