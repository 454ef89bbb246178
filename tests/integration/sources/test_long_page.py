"""A page that has grown long: read whole, while the browser lays out its end only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filmpulse.config import Settings
from filmpulse.sources.imdb.crawl import ImdbSite

MOVIE = "tt99000005"
CARDS = "[...document.querySelectorAll('article.user-review-item')]"


class OpenGate:
    """Lets everyone pass."""

    def wait(self, host: str) -> None: ...

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        return datetime.now(UTC)

    def clear(self, host: str) -> None: ...


@pytest.fixture
def site(sample_site):
    sample_site.control("publish", imdb_id=MOVIE, count=150)
    settings = Settings(
        source_urls={"imdb": sample_site.url}, author_secret="s" * 32, page_timeout_seconds=20
    )
    with ImdbSite(settings, OpenGate()) as site:
        yield site


def test_cards_that_were_read_are_not_laid_out_and_still_there(site: ImdbSite) -> None:
    crawl = site.crawl(MOVIE, "full")
    read = [r.review_id for batch in crawl for r in batch]
    assert (crawl.status, len(set(read))) == ("complete", 207)
    shown = f"return {CARDS}.map(card => card.getBoundingClientRect().height > 0)"
    laid_out = site.browser.evaluate(shown)
    assert len(laid_out) == 207
    assert laid_out == [False] * 148 + [True] * 59
    html = site.browser.page().html
    assert html.count("<article") == 207
    assert "display: none" not in html


def test_a_page_that_is_whole_stays_as_it_is(site: ImdbSite, sample_site) -> None:
    list(site.crawl("tt99000006", "full"))
    assert site.browser.evaluate("return document.adoptedStyleSheets.length") == 0
