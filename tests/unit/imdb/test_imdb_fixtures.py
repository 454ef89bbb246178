"""Every saved layout, field by field: one folder a page, its expected output beside it."""

import json
from functools import cache
from pathlib import Path

import pytest

from filmpulse.items import Page
from filmpulse.sources.imdb.pages import clean_page, parse_reviews_page, parse_title_page

PAGES = Path(__file__).parents[2] / "fixtures" / "pages"
SECRET = b"fixture-secret"

REVIEWS_CASES = sorted(p.name for p in (PAGES / "imdb.ReviewsPage").iterdir())
TITLE_CASES = sorted(p.name for p in (PAGES / "imdb.TitlePage").iterdir())
REVIEW_FIELDS = [
    "review_id", "imdb_id", "author_key", "title", "body", "rating_1_10", "submitted_on",
    "date_source", "is_spoiler", "helpful_up", "helpful_down",
]  # fmt: skip
PAGE_FIELDS = [
    "imdb_id", "movie", "snapshot", "review_count", "has_more", "end_cursor", "variant", "gated",
    "unopened_spoilers",
]  # fmt: skip
MOVIE_FIELDS = [
    "imdb_id", "title", "original_title", "year", "release_date", "runtime_minutes", "genres",
    "directors", "cast", "plot", "poster_url",
]  # fmt: skip


def page_of(kind: str, case: str) -> Page:
    html = (PAGES / kind / case / "input.html").read_text(encoding="utf-8")
    url = "https://www.imdb.com/title/tt7000001/"
    return Page(url=url, final_url=url, html=html, status=None, fetched_at=None)


@cache
def reviews_case(case: str) -> tuple[dict, dict]:
    expected = json.loads((PAGES / "imdb.ReviewsPage" / case / "output.json").read_text("utf-8"))
    parsed = parse_reviews_page(page_of("imdb.ReviewsPage", case), SECRET)
    return parsed.model_dump(mode="json"), expected


@cache
def title_case(case: str) -> tuple[dict, dict, dict]:
    expected = json.loads((PAGES / "imdb.TitlePage" / case / "output.json").read_text("utf-8"))
    movie, snapshot = parse_title_page(page_of("imdb.TitlePage", case))
    return movie.model_dump(mode="json"), snapshot.model_dump(mode="json"), expected


@pytest.mark.parametrize("field", REVIEW_FIELDS)
@pytest.mark.parametrize("case", REVIEWS_CASES)
def test_review_field(case: str, field: str) -> None:
    parsed, expected = reviews_case(case)
    assert [r[field] for r in parsed["reviews"]] == [r[field] for r in expected["reviews"]]


@pytest.mark.parametrize("field", PAGE_FIELDS)
@pytest.mark.parametrize("case", REVIEWS_CASES)
def test_reviews_page_field(case: str, field: str) -> None:
    parsed, expected = reviews_case(case)
    assert parsed[field] == expected[field]


@pytest.mark.parametrize("field", MOVIE_FIELDS)
@pytest.mark.parametrize("case", TITLE_CASES)
def test_movie_field(case: str, field: str) -> None:
    movie, _, expected = title_case(case)
    assert movie[field] == expected["movie"][field]


@pytest.mark.parametrize("case", TITLE_CASES)
def test_snapshot(case: str) -> None:
    _, snapshot, expected = title_case(case)
    assert snapshot == expected["snapshot"]


@pytest.mark.parametrize("case", REVIEWS_CASES)
def test_cleaned_page_parses_to_the_same_reviews_and_names_nobody(case: str) -> None:
    page = page_of("imdb.ReviewsPage", case)
    keyed = clean_page(page.html, SECRET)
    assert "Invented Person" not in keyed
    assert "ur8000" not in keyed
    whole = parse_reviews_page(page, SECRET)
    again = parse_reviews_page(page.model_copy(update={"html": keyed}), SECRET)
    assert again.reviews == whole.reviews
    assert (again.review_count, again.gated) == (whole.review_count, whole.gated)

    nameless = clean_page(page.html)
    assert "ur8000" not in nameless
    without = parse_reviews_page(page.model_copy(update={"html": nameless}), SECRET)
    assert without.reviews == tuple(
        r.model_copy(update={"author_key": None}) for r in whole.reviews
    )


def test_cleaned_page_tells_nothing_of_its_visitor() -> None:
    html = page_of("imdb.ReviewsPage", "request_context").html
    assert "203.0.113.7" in html
    cleaned = clean_page(html)
    for secret in ("203.0.113.7", "session-token", "visitor@example.org"):
        assert secret not in cleaned


def test_cut_off_page_is_cleaned_to_its_end() -> None:
    html = page_of("imdb.ReviewsPage", "request_context").html
    cut = html[: html.index("x-forwarded-for") + 30]
    assert "session-token" not in clean_page(cut)
    mid_author = html[: html.rindex('"author"') + 40]
    assert "Invented Person" not in clean_page(mid_author)
