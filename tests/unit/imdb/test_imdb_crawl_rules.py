"""When a crawl may call itself complete: at no count, at none, at a site that repeats itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from filmpulse.config import Settings
from filmpulse.items import Review
from filmpulse.sources.imdb.crawl import STALE_BATCHES, Crawl
from filmpulse.sources.imdb.pages import ReviewsPage

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


@pytest.fixture
def crawl_of(monkeypatch):
    """Crawl a list of pages as a site would give them."""

    def crawl_of(pages, known=frozenset()):
        site = SimpleNamespace(settings=Settings(author_secret="s"), browser=None, gate=None)
        crawl = Crawl(site, MOVIE, "full", frozenset(known))
        rest = iter(pages)
        monkeypatch.setattr(crawl, "_first_page", lambda: next(rest))
        monkeypatch.setattr(crawl, "_press_for_more", lambda: next(rest))
        monkeypatch.setattr(site, "browser", SimpleNamespace(evaluate=lambda *_: None))
        return crawl, list(crawl)

    return crawl_of


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


@pytest.mark.parametrize(("counts", "status"), [((4, 3), "complete"), ((5, 4), "partial")])
def test_the_number_read_must_lie_between_the_sites_counts(crawl_of, counts, status):
    start, end = counts
    crawl, _ = crawl_of([page(1, 2, count=start, has_more=True), page(3, count=end)])
    assert crawl.status == status
    assert crawl.review_count_end == end
