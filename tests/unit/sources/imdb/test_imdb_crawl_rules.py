"""When a crawl may call itself complete: at no count, at none, at a site that repeats itself."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.config import Settings
from filmpulse.items import Review
from filmpulse.sources.imdb.crawl import STALE_BATCHES, Crawl
from filmpulse.sources.imdb.reviews import ReviewsPage

MOVIE = "tt99000001"


def page(*numbers, count, has_more=False):
    return ReviewsPage(
        imdb_id=MOVIE,
        reviews=tuple(
            Review(review_id=f"rw{n}", imdb_id=MOVIE, title="T", body="B") for n in numbers
        ),
        review_count=count,
        has_more=has_more,
        variant="test",
    )


def crawl_pages(pages, known=frozenset()):
    """Crawl pages as a site would give them, one after the other."""
    browser = SimpleNamespace(evaluate=lambda *_: None)
    site = SimpleNamespace(settings=Settings(author_secret="s"), browser=browser, gate=None)
    crawl = Crawl(site, MOVIE, "full", frozenset(known), lambda _: False)
    rest = iter(pages)
    crawl._first_page = crawl._press_for_more = lambda: next(rest)
    return crawl, list(crawl)


@pytest.fixture
def crawl_of():
    return crawl_pages


def test_all_of_an_unknown_number_is_not_complete(crawl_of):
    crawl, _ = crawl_of([page(1, 2, 3, count=None)], known={"rw1", "rw9"})
    assert (crawl.status, crawl.reason) == ("partial", "count_unknown")


def test_none_where_some_are_known_is_not_complete(crawl_of):
    crawl, _ = crawl_of([page(count=0)], known={"rw1", "rw2"})
    assert (crawl.status, crawl.reason) == ("partial", "count_unknown")
    assert "2 are known" in crawl.sentence


def test_none_of_a_new_movie_is_complete(crawl_of):
    crawl, _ = crawl_of([page(count=0)])
    assert crawl.status == "complete"


def test_a_site_that_repeats_itself_is_left(crawl_of):
    same = page(1, 2, count=100, has_more=True)
    crawl, batches = crawl_of([same] * 50)
    assert (crawl.status, crawl.reason) == ("partial", "no_more_loaded")
    assert len(batches) == STALE_BATCHES
    assert crawl.distinct_ids == 2


def test_reviews_without_a_day_are_counted_once_and_said(crawl_of):
    dated = page(1, 2, count=3, has_more=True)
    reviews = [r.model_copy(update={"submitted_on": date(2026, 3, 1)}) for r in dated.reviews]
    first = dated.model_copy(update={"reviews": (*reviews, *page(3, count=3).reviews)})
    crawl, _ = crawl_of([first, page(3, count=3)])
    assert (crawl.undated, crawl.status) == (1, "complete")
    assert "1 reviews show no day" in crawl.sentence
    crawl, _ = crawl_of([dated.model_copy(update={"reviews": tuple(reviews)}), page(count=2)])
    assert crawl.undated == 0
    assert "no day" not in crawl.sentence


@pytest.mark.parametrize(("counts", "status"), [((4, 3), "complete"), ((5, 4), "partial")])
def test_the_number_read_must_lie_between_the_sites_counts(crawl_of, counts, status):
    start, end = counts
    crawl, _ = crawl_of([page(1, 2, count=start, has_more=True), page(3, count=end)])
    assert crawl.status == status
    assert crawl.review_count_end == end


def changing_list(count, changes):
    """Give the pages of a list, newest first, that changes between them.

    `changes` holds for each page what happens after it: how many arrive, and which go (a place, or
    the one that was given last: -1). A cursor names the last review given, as IMDb's seem to.
    """
    living, newest, after = list(range(count, 0, -1)), count, count + 1
    for arrive, gone in [*changes, *[(0, [])] * 99]:
        shown = [n for n in living if n < after][:25]
        has_more = bool(shown) and shown[-1] != living[-1]
        yield page(*shown, count=len(living), has_more=has_more), frozenset(living)
        after = shown[-1] if shown else 0
        for place in gone:
            if living:
                living.remove(after if place < 0 and after in living else
                              living[place % len(living)])  # fmt: skip
        living[:0] = range(newest + arrive, newest, -1)
        newest += arrive


CHANGES = st.lists(
    st.tuples(st.integers(0, 40), st.lists(st.integers(-1, 120), max_size=4)), max_size=6
)


@given(count=st.integers(1, 110), changes=CHANGES)
def test_whatever_comes_and_goes_nothing_is_lost_and_nothing_twice(count, changes):
    given_pages, lists = [], []

    def pages():
        for found, living in changing_list(count, changes):
            given_pages.append(found)
            lists.append(living)
            yield found

    crawl, batches = crawl_pages(pages())
    read = [int(r.review_id.removeprefix("rw")) for batch in batches for r in batch]
    assert len(read) == len(set(read)) == crawl.distinct_ids
    # who was there at the start and to the end was read; who never was, was not
    there_all_along = frozenset(range(1, count + 1)).intersection(*lists)
    assert there_all_along <= set(read) <= set(range(1, count + 1))
    start, end = given_pages[0].review_count, given_pages[-1].review_count
    assert (crawl.review_count_start, crawl.review_count_end) == (start, end)
    fits = min(start, end) <= len(read) <= max(start, end)
    assert crawl.status == ("complete" if fits else "partial")
    assert crawl.reason == (None if fits else "count_mismatch")
    for figure in {len(read), start, end} if fits and start != end else {len(read)}:
        assert f"{figure:,}" in crawl.sentence
