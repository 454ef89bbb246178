"""Real saved pages, where the folder named by FILMPULSE_CAPTURES has them; skipped otherwise.

The content is IMDb's and its reviewers': it is read here, never copied.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from filmpulse.config import Settings
from filmpulse.items import Page
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.crawl import ImdbSite
from filmpulse.sources.imdb.files import read_file, run_parse
from filmpulse.sources.imdb.reviews import parse_graphql, parse_reviews_page

SECRET = b"captures-secret"
REVIEWS = "reviews/2025-12_tt1375666.html"


@pytest.fixture(scope="module")
def captures() -> Path:
    named = os.environ.get("FILMPULSE_CAPTURES", "")
    if not named:
        pytest.skip("FILMPULSE_CAPTURES is unset")
    folder = Path(named)
    return folder / "imdb" if (folder / "imdb").is_dir() else folder


@pytest.fixture(scope="module")
def reviews_page(captures: Path) -> Page:
    html = (captures / REVIEWS).read_text(encoding="utf-8")
    return Page(url="saved", final_url="saved", html=html, status=None, fetched_at=None)


def test_reviews_page_gives_every_field_of_25_of_25(captures: Path) -> None:
    parsed = read_file(captures / REVIEWS, author_secret=SECRET)
    page = parsed.reviews_page
    assert (page.review_count, page.has_more, page.gated) == (5081, True, False)
    assert page.variant == "next-reviews+username"
    assert len(parsed.records) == 25
    assert len({r["review_id"] for r in parsed.records}) == 25
    assert len({r["author_key"] for r in parsed.records}) == 25
    assert sum(r["is_spoiler"] for r in parsed.records) == 11
    for record in parsed.records:
        assert None not in record.values()
        assert record["title"]
        assert len(record["body"]) > 100
        assert record["imdb_id"] == "tt1375666"
        assert record["date_source"] == "json"
    movie = page.movie
    assert (movie.title, movie.year, movie.runtime_minutes) == ("Inception", 2010, 148)
    assert (page.snapshot.rating, page.snapshot.vote_count) == (8.8, 2764676)


def test_both_json_shapes_and_the_cards_agree(reviews_page: Page) -> None:
    rows = parse_reviews_page(reviews_page, SECRET)
    twin_html = reviews_page.html.replace('"reviews":[{"titleId"', '"gone":[{"titleId"')
    twin = parse_reviews_page(reviews_page.model_copy(update={"html": twin_html}), SECRET)
    assert twin.variant == "next-edges+username"
    assert twin.reviews == rows.reviews

    dom_html = reviews_page.html.replace('id="__NEXT_DATA__"', 'id="gone"')
    dom = parse_reviews_page(reviews_page.model_copy(update={"html": dom_html}), SECRET)
    assert (len(dom.reviews), dom.unopened_spoilers, dom.review_count) == (14, 11, 5081)
    by_id = {r.review_id: r for r in rows.reviews}
    for card in dom.reviews:
        review = by_id[card.review_id]
        assert card.content_hash == review.content_hash
        assert (card.author_key, card.rating_1_10) == (review.author_key, review.rating_1_10)
        assert card.date_source == "dom"
        assert review.submitted_on - card.submitted_on == timedelta(days=1)


@pytest.mark.parametrize(
    ("number", "reviews", "unrated", "spoilers"), [(1, 25, 0, 0), (2, 25, 0, 1), (103, 11, 9, 2)]
)
def test_graphql_pages(captures: Path, number: int, reviews: int, unrated: int, spoilers: int):
    text = (captures / f"graphql/2026-01_tt33014583_page_{number:03d}.json").read_text("utf-8")
    page = parse_graphql(text, SECRET)
    assert (page.imdb_id, page.review_count) == ("tt33014583", 2561)
    assert len(page.reviews) == reviews
    assert sum(r.rating_1_10 is None for r in page.reviews) == unrated
    assert sum(r.is_spoiler for r in page.reviews) == spoilers
    assert page.has_more is (number != 103)
    assert (page.end_cursor is None) is (number == 103)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "title/2025-03_tt0111161.html",
            ("tt0111161", "The Shawshank Redemption", 1994, "1994-09-23", 142, 9.3, 3020036, 11467),
        ),
        (
            "title/2022-10_tt0133093.html",
            ("tt0133093", "The Matrix", 1999, "1999-03-31", 136, 8.7, 1897569, 4876),
        ),
    ],
)
def test_title_pages(captures: Path, name: str, expected: tuple) -> None:
    [record] = read_file(captures / name, author_secret=SECRET).records
    fields = ("imdb_id", "title", "year", "release_date", "runtime_minutes", "rating",
              "vote_count", "review_count")  # fmt: skip
    assert tuple(record[f] for f in fields) == expected
    assert len(record["cast"]) == 18
    assert record["directors"]
    assert record["genres"]
    assert record["plot"]
    assert record["poster_url"].startswith("https://")


def test_find_and_suggestions(captures: Path) -> None:
    found = read_file(captures / "search/2026-01_find.html", author_secret=SECRET).records
    assert len(found) == 5
    unseen = [r for r in found if r["vote_count"] is None]
    assert len(unseen) == 3
    assert all(r["rating"] is None for r in unseen)
    for name, count in (("the-matrix", 8), ("empty", 0)):
        path = captures / f"suggestion/2022-10_{name}.json"
        assert len(read_file(path, author_secret=SECRET).records) == count


def test_all_files_by_the_command(captures: Path) -> None:
    files = sorted(p for p in captures.rglob("*.*") if p.parent.name != "gate")
    out, err = io.StringIO(), io.StringIO()
    assert run_parse(files, "auto", None, SECRET, out, err) == 0, err.getvalue()
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert Counter("review_id" in row for row in rows) == {True: 86, False: 15}


def test_words_of_the_gate_are_known(captures: Path) -> None:
    strings = json.loads((captures / "gate/2026-07_strings.json").read_text("utf-8"))["strings"]
    shown = [
        strings[key]
        for key in (
            "reviews_featured_unauth_sign_in_header",
            "reviews_featured_unauth_sign_in_sub_header",
            "reviews_reg_gate_sign_in_prompt_header",
            "reviews_reg_gate_sign_in_explanatory_text",
            "title_reviews_app_gate_truncated_title",
        )
    ]
    from filmpulse.sources.imdb.recognise import gate_is_visible

    for text in shown:
        assert gate_is_visible(f"<html><body><p>{text}</p></body></html>")
        assert not gate_is_visible(f"<html><body><script>{text}</script></body></html>")


def test_cleaned_captures_name_nobody_and_parse_the_same(captures: Path, reviews_page: Page):
    # In these files reviewers are `user-0001` and `ur00000001`.
    for path in [*captures.rglob("*.html"), *captures.rglob("graphql/*.json")]:
        cleaned = clean_page(path.read_text(encoding="utf-8"), SECRET)
        assert not re.search(r"\buser-\d{4}\b|\bur\d{4,}\b", cleaned), path.name
        assert "0" * 20 not in cleaned, path.name
    cleaned = reviews_page.model_copy(update={"html": clean_page(reviews_page.html, SECRET)})
    again = parse_reviews_page(cleaned, SECRET)
    assert again.reviews == parse_reviews_page(reviews_page, SECRET).reviews


class FreeGate:
    """Lets everyone pass at once."""

    def wait(self, host: str) -> None: ...

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        raise AssertionError(f"{host} refused: {reason}")

    def clear(self, host: str) -> None: ...


@pytest.fixture
def capture_server(reviews_page: Page) -> Iterator[str]:
    body = reviews_page.html.encode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            known = self.path.startswith("/title/tt1375666/reviews/")
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body if known else b"none")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_real_page_in_the_real_browser_ends_as_partial(
    capture_server: str, reviews_page: Page
) -> None:
    settings = Settings(
        source_urls={"imdb": capture_server}, author_secret=SECRET.decode(), page_timeout_seconds=6
    )
    with ImdbSite(settings, FreeGate()) as site:
        started = time.monotonic()
        crawl = site.crawl("tt1375666", "full")
        batches = list(crawl)
        seconds = time.monotonic() - started
    assert [len(batch) for batch in batches] == [25]
    assert batches[0] == parse_reviews_page(reviews_page, SECRET).reviews
    assert (crawl.status, crawl.reason) == ("partial", "no_more_loaded")
    assert crawl.sentence == (
        "25 of 5,081 reviews were shown: the button for more gave nothing within 6 s."
    )
    assert (crawl.movie.title, crawl.snapshot.taken_at.tzinfo) == ("Inception", UTC)
    assert seconds < 6 + 20  # starting the browser included, on a busy machine
