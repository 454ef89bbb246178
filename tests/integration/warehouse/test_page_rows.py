"""What pages and the API read: states, lists, filters and cursors, each by rows as jobs leave them."""

from datetime import UTC, datetime

import pytest
from test_dashboard_marts import MOVIE, RELEASE, Invented

from filmpulse.warehouse import pages


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


def test_all_can_be_read_of_an_empty_warehouse_and_of_a_movie_without_reviews(invented):
    for is_known in (False, True):
        if is_known:
            invented.movie()
        warehouse = invented.warehouse
        for statement in (
            pages.cards,
            pages.card_aspects,
            pages.card_weeks,
            pages.states,
            pages.tags,
        ):
            statement(warehouse, imdb_ids=None)
            statement(warehouse, imdb_ids=[MOVIE])
        for statement in (
            pages.poster, pages.weeks, pages.grades, pages.events, pages.languages, pages.sources,
            pages.checks, pages.visits, pages.costs, pages.awaited,
        ):  # fmt: skip
            statement(warehouse, imdb_id=MOVIE)
        for grain in pages.GRAINS:
            assert pages.aspect_series(warehouse, imdb_id=MOVIE, grain=grain) == []
        assert pages.quotes(warehouse, imdb_id=MOVIE, most=3, spoilers=True) == []
        assert pages.find_reviews(MOVIE, pages.ReviewFilter(), warehouse) == []
        assert pages.read_review(MOVIE, "imdb", "rw1", warehouse) is None
        assert pages.collections(warehouse, imdb_id=MOVIE, before=None, most=9) == []
        assert pages.analysers(warehouse)
        assert pages.llm_days(warehouse, day_from=RELEASE) == pages.text_costs(warehouse) == []
        assert pages.facts(warehouse)
        assert pages.backups(warehouse) == []
        if is_known:
            pages.read_changes(MOVIE, datetime(2026, 1, 1, tzinfo=UTC), warehouse)
