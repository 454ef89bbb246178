"""Every saved layout, field by field: one folder a page, its expected output beside it."""

import json
from functools import cache
from pathlib import Path

import pytest

from filmpulse.errors import LayoutChanged, NotCleaned
from filmpulse.items import Page
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.reviews import parse_graphql, parse_reviews_page
from filmpulse.sources.imdb.titles import parse_find, parse_suggestions, parse_title_page

PAGES = Path(__file__).parents[3] / "fixtures" / "pages"
SECRET = b"fixture-secret"

REVIEWS_CASES = sorted(p.name for p in (PAGES / "imdb.ReviewsPage").iterdir())
TITLE_CASES = sorted(p.name for p in (PAGES / "imdb.TitlePage").iterdir())
FIND_CASES = sorted(p.name for p in (PAGES / "imdb.FindPage").iterdir())
SUGGESTION_CASES = sorted(p.name for p in (PAGES / "imdb.Suggestions").iterdir())
ANSWER_CASES = sorted(p.name for p in (PAGES / "imdb.GraphQL").iterdir())
HIT_FIELDS = ["imdb_id", "title", "year", "kind", "stars"]

# Every markup that has been told apart so far: when it was seen first (or, for one that is gone,
# last), what changed, and the page that has it. README.md of the source says the same in words.
DATED = {
    "imdb.TitlePage/linked_data_relative": ("2022-10", "JSON-LD with relative addresses"),
    "imdb.Suggestions/titles": ("2023", "suggestions"),
    "imdb.ReviewsPage/markup_until_2024": ("2024-11", "lister items, the last of them"),
    "imdb.ReviewsPage/old_permalink": ("2025-03", "/review/rw.../, before /title/tt.../review/"),
    "imdb.TitlePage/next_2025": ("2025-03-18", "a count of reviews on the title page"),
    "imdb.ReviewsPage/nickname_25_of_103": ("2025-08-08", 'author.nickName; the button "All"'),
    "imdb.TitlePage/v2_credits": ("2025-10", "crewV2, castV2"),
    "imdb.FindPage/before_list_item": ("2025-11", "no listItem, the last of them"),
    "imdb.ReviewsPage/username_25_of_5081": ("2025-12-25", 'author.username; "See all"'),
    "imdb.ReviewsPage/same_author_same_text": ("2026-01-07", "one author and one text twice"),
    "imdb.GraphQL/last_of_chain": ("2026-01-07", "endCursor null; most reviews without stars"),
    "imdb.FindPage/list_item": ("2026-01-30", "fields in listItem"),
    "imdb.ReviewsPage/v2_credits": ("2026-02-03", "crewV2, castV2"),
    "imdb.ReviewsPage/gated_5_of_5081": ("2026-04", "the gate: a sign-in for all but a few"),
    "imdb.FindPage/next_cursor": ("2026-07-16", "nextCursor"),
    "imdb.ReviewsPage/gate_words_in_translations": ("2026-07-16", "the gate's words, unseen"),
    "imdb.ReviewsPage/no_embedded_reviews": ("2026-07-23", "no list of reviews in the data"),
    "imdb.ReviewsPage/no_embedded_content": ("2026-07-23", "no content in the data at all"),
    "imdb.TitlePage/featured_review_2026": ("2026-07-30", "featuredReviews null, or without id"),
    "imdb.ReviewsPage/gated_without_words": ("2026-08-17", "five reviews again, and no word why"),
}
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


def test_every_dated_markup_is_a_page_here() -> None:
    found = {}
    for path in PAGES.glob("*/*/meta.json"):
        meta = json.loads(path.read_text("utf-8"))
        assert {"layout_seen", "why", "invented"} <= meta.keys(), path
        if "date" in meta:
            found[f"{path.parent.parent.name}/{path.parent.name}"] = meta["date"]
    assert found == {folder: date for folder, (date, _) in DATED.items()}


@pytest.mark.parametrize(
    ("case", "holds", "lacks"),
    [
        ("markup_until_2024", "imdb-user-review", "__NEXT_DATA__"),
        ("old_permalink", 'href="/review/rw', 'href="/title/tt7000001/review/rw'),
        ("nickname_25_of_103", '"nickName"', '"username"'),
        ("nickname_25_of_103", ">All<", "See all"),
        ("username_25_of_5081", '"username"', '"nickName"'),
        ("username_25_of_5081", "See all", ">All<"),
        ("v2_credits", '"crewV2"', '"directorsPageTitle"'),
        ("no_embedded_reviews", '"reviewCount":5081', '"reviews"'),
        ("no_embedded_content", "5,081 reviews", '"contentData"'),
        ("gated_without_words", '"reviewCount":5081', ">Sign in to see all reviews<"),
    ],
)
def test_dated_markup_is_what_it_says(case: str, holds: str, lacks: str) -> None:
    html = page_of("imdb.ReviewsPage", case).html
    assert holds in html
    assert lacks not in html


@cache
def answer_case(case: str) -> tuple[dict, dict]:
    folder = PAGES / "imdb.GraphQL" / case
    expected = json.loads((folder / "output.json").read_text("utf-8"))
    parsed = parse_graphql((folder / "input.json").read_text("utf-8"), SECRET)
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


@pytest.mark.parametrize("field", REVIEW_FIELDS)
@pytest.mark.parametrize("case", ANSWER_CASES)
def test_answer_review_field(case: str, field: str) -> None:
    parsed, expected = answer_case(case)
    assert [r[field] for r in parsed["reviews"]] == [r[field] for r in expected["reviews"]]


@pytest.mark.parametrize("field", PAGE_FIELDS)
@pytest.mark.parametrize("case", ANSWER_CASES)
def test_answer_field(case: str, field: str) -> None:
    parsed, expected = answer_case(case)
    assert parsed[field] == expected[field]


@pytest.mark.parametrize("case", ANSWER_CASES)
def test_cleaned_answer_parses_to_the_same_and_names_nobody(case: str) -> None:
    raw = (PAGES / "imdb.GraphQL" / case / "input.json").read_text("utf-8")
    keyed = clean_page(raw, SECRET)
    for private in ("Invented Person", "ur8000"):
        assert private in raw
        assert private not in keyed
    assert parse_graphql(keyed, SECRET) == parse_graphql(raw, SECRET)


@pytest.mark.parametrize("field", MOVIE_FIELDS)
@pytest.mark.parametrize("case", TITLE_CASES)
def test_movie_field(case: str, field: str) -> None:
    movie, _, expected = title_case(case)
    assert movie[field] == expected["movie"][field]


@pytest.mark.parametrize("case", TITLE_CASES)
def test_snapshot(case: str) -> None:
    _, snapshot, expected = title_case(case)
    assert snapshot == expected["snapshot"]


@cache
def find_case(case: str) -> tuple[list, list]:
    expected = json.loads((PAGES / "imdb.FindPage" / case / "output.json").read_text("utf-8"))
    rows = parse_find(page_of("imdb.FindPage", case))
    parsed = [
        {"movie": m.model_dump(mode="json"), "snapshot": s.model_dump(mode="json")} for m, s in rows
    ]
    return parsed, expected


@pytest.mark.parametrize("field", MOVIE_FIELDS)
@pytest.mark.parametrize("case", FIND_CASES)
def test_found_movie_field(case: str, field: str) -> None:
    parsed, expected = find_case(case)
    assert [row["movie"][field] for row in parsed] == [row["movie"][field] for row in expected]


@pytest.mark.parametrize("case", FIND_CASES)
def test_found_snapshot(case: str) -> None:
    parsed, expected = find_case(case)
    assert [row["snapshot"] for row in parsed] == [row["snapshot"] for row in expected]


@pytest.mark.parametrize("field", HIT_FIELDS)
@pytest.mark.parametrize("case", SUGGESTION_CASES)
def test_suggestion_field(case: str, field: str) -> None:
    folder = PAGES / "imdb.Suggestions" / case
    expected = json.loads((folder / "output.json").read_text("utf-8"))
    hits = parse_suggestions((folder / "input.json").read_text("utf-8"))
    assert [getattr(hit, field) for hit in hits] == [row[field] for row in expected]


@pytest.mark.parametrize("case", TITLE_CASES)
def test_title_page_holds_no_list_of_reviews(case: str) -> None:
    with pytest.raises(LayoutChanged):
        parse_reviews_page(page_of("imdb.TitlePage", case), SECRET)


@pytest.mark.parametrize("case", TITLE_CASES)
def test_cleaned_title_page_says_the_same_and_names_no_reviewer(case: str) -> None:
    page = page_of("imdb.TitlePage", case)
    cleaned = clean_page(page.html)
    assert "Invented Person" not in cleaned
    assert "ur8000" not in cleaned
    again = page.model_copy(update={"html": cleaned})
    assert parse_title_page(again) == parse_title_page(page)


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


@pytest.mark.parametrize("mark", ["x-forwarded-for", '"author"'])
def test_a_page_whose_data_are_cut_off_cannot_be_cleaned(mark: str) -> None:
    html = page_of("imdb.ReviewsPage", "request_context").html
    with pytest.raises(NotCleaned):
        clean_page(html[: html.rindex(mark) + 40])
