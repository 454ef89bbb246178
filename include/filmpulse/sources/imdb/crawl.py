"""Go from page to page of IMDb, and stop; `reviews` and `titles` read what a page holds.

Every request asks robots.txt, then waits for a slot of the gate, then goes to the browser. A
refusal pauses the host for all workers and is final for the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx

from filmpulse.config import Settings
from filmpulse.errors import BadInput, ForeignPage, LayoutChanged, NotFound, SiteUnavailable
from filmpulse.items import CollectionStatus, Mode, Movie, Page, Review, SearchHit, Snapshot
from filmpulse.sources import FirstPage
from filmpulse.sources.browser import Browser, page_of
from filmpulse.sources.grid import LOOPBACK
from filmpulse.sources.imdb.data import SOURCE
from filmpulse.sources.imdb.recognise import check_answer, check_page, gate_is_visible
from filmpulse.sources.imdb.reviews import ReviewsPage, parse_graphql, parse_reviews_page
from filmpulse.sources.imdb.titles import parse_suggestions, parse_title_page
from filmpulse.sources.pictures import check_address, fetch_picture
from filmpulse.sources.polite import Gate, Robots, fetch, manners

log = logging.getLogger(__name__)

SUGGESTION_URL = "https://v3.sg.media-imdb.com"
# Where the addresses of posters in IMDb's pages lead.
IMAGE_HOSTS = ("m.media-amazon.com", "ia.media-imdb.com")
NEWEST_FIRST = "sort=submission_date&dir=desc"
MORE_BUTTON = ".single-page-see-more-button button"
SORT_SELECT = "select#sort-by-selector"
SORT_ORDER_BUTTON = "#swap-sort-order-button"
# A page that reacts to the sort control does so within a few seconds.
SORT_SECONDS = 15.0
# Stop after so many batches in a row without a new review: one may overlap the batch before it.
STALE_BATCHES = 2
# A button that is pressed before its script runs does nothing, so it is pressed again.
PRESS_AGAIN_SECONDS = 5.0
BEHIND_SIGN_IN = (
    "the rest is shown only to those who sign in. Import a saved page (filmpulse inbox add FILE)."
)

# Return the cards after the first `arguments[0]`, spoilers opened, as one HTML fragment.
_LATER_CARDS = """
const cards = [...document.querySelectorAll('article.user-review-item')].slice(arguments[0]);
cards.forEach(c => c.querySelectorAll('button.review-spoiler-button')
  .forEach(b => { if (!c.querySelector('[data-testid=review-spoiler-content]')) b.click(); }));
return new Promise(done => setTimeout(() => done(cards.map(c => c.outerHTML).join('')), 300));
"""
# Lay out only the last cards: a browser that has shown thousands then needs no more memory than one
# that has shown a hundred. The document itself does not change.
_FORGET_LAYOUT = """
if (window.CSSStyleSheet && document.adoptedStyleSheets) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('article.user-review-item:nth-last-of-type(n+60) { display: none }');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
"""
_CARD_COUNT = "return document.querySelectorAll('article.user-review-item').length"
_SORTED_BY = f"return document.querySelector('{SORT_SELECT}')?.value || null"


class ImdbSite:
    """IMDb for one task: one browser, opened when first needed and always closed."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        """Keep settings and gate; nothing is opened yet.

        Raises:
            BadInput: Live reading is off: its address is unset.
        """
        url = settings.source_urls.get(SOURCE)
        if url is None:
            raise BadInput(
                "Reading live is off. Set FILMPULSE_IMDB_URL to the site's address to switch it "
                "on; setting IMDb's own accepts its conditions of use, which forbid robots "
                "without written consent. Pages that you saved yourself need no switch."
            )
        self.base_url = url.rstrip("/")
        self.host = urlsplit(self.base_url).netloc
        self.settings = settings
        self.gate = gate
        self.last_page: Page | None = None
        self._browser: Browser | None = None
        self._client = httpx.Client(
            timeout=min(settings.page_timeout_seconds, 30.0),
            follow_redirects=True,
            # A proxy for the outside world cannot reach this machine's own addresses.
            trust_env=urlsplit(self.base_url).hostname not in LOOPBACK,
        )
        self._robots = Robots(self._client, gate)

    def __enter__(self) -> ImdbSite:
        """Return the site itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close browser and connections, whatever happened."""
        browser, self._browser = self._browser, None
        self._client.close()
        if browser is not None:
            browser.close()

    @property
    def browser(self) -> Browser:
        """The one browser of this site, started on first use."""
        if self._browser is None:
            settings = self.settings
            self._browser = Browser(
                base_url=self.base_url,
                page_timeout=settings.page_timeout_seconds,
                browser_path=settings.browser_path,
                driver_path=settings.driver_path,
                remote_url=settings.selenium_remote_url,
            ).__enter__()
        return self._browser

    def look(self, imdb_id: str) -> tuple[Movie, Snapshot]:
        """Read a movie's title page: its facts, and its rating, votes and review count now."""
        movie, snapshot = parse_title_page(self.open(f"{self.base_url}/title/{imdb_id}/"))
        _must_be(imdb_id, movie.imdb_id)
        return movie, snapshot

    def check_robots(self, imdb_id: str) -> None:
        """Return if robots.txt lets a movie's two pages be read; costs at most one request."""
        for url in (f"{self.base_url}/title/{imdb_id}/", self._reviews_url(imdb_id)):
            self._robots.check(url)

    def first_reviews(self, imdb_id: str, author_secret: bytes) -> ReviewsPage:
        """Read the first page of a movie's reviews, newest first where the site sorts."""
        page = self.open(self._reviews_url(imdb_id))
        parsed = parse_reviews_page(page, author_secret)
        if parsed.unopened_spoilers:
            # The page has no JSON, and its cards hide spoilers until a button is pressed.
            self.browser.evaluate(_LATER_CARDS, 0)
            self.last_page = page = self.browser.page(page.url)
            parsed = parse_reviews_page(page, author_secret)
        _must_be(imdb_id, parsed.imdb_id)
        return parsed

    def first_page(self, imdb_id: str, author_secret: bytes) -> FirstPage:
        """Say what the first page of a movie's reviews shows; costs one page."""
        page = self.first_reviews(imdb_id, author_secret)
        follows = ", and it has no button for more."
        if page.unopened_spoilers:
            follows = f"; {page.unopened_spoilers} spoilers on it did not open."
        elif page.has_more is False:
            follows = ", and nothing follows."
        elif page.has_more or (not page.gated and self.has_more_button()):
            follows = "; more would be read by its button."
        return FirstPage(len(page.reviews), page.review_count, page.variant, page.gated, follows)

    def has_more_button(self) -> bool:
        """Say whether the open page has the button for more reviews."""
        return bool(self.browser.evaluate(f"return !!document.querySelector('{MORE_BUTTON}')"))

    def _reviews_url(self, imdb_id: str) -> str:
        return f"{self.base_url}/title/{imdb_id}/reviews/?{NEWEST_FIRST}"

    def crawl(
        self,
        imdb_id: str,
        mode: Mode,
        known_ids: frozenset[str] = frozenset(),
        is_erased: Callable[[Review], bool] = lambda _: False,
    ) -> Crawl:
        """Prepare to collect a movie's reviews; iterate over the result to do it.

        An incremental collection stops after a batch of which every review is known. Erased
        reviews are yielded too, but do not count for that.
        """
        return Crawl(self, imdb_id, mode, known_ids, is_erased)

    def search(self, query: str) -> list[SearchHit]:
        """Return up to 8 suggestions in the site's order; costs one request, without a browser.

        Raises:
            ForeignPage: The answer is no list of suggestions.
        """
        base = self.settings.suggestion_url
        if base is None:
            base = SUGGESTION_URL if self._is_own else self.base_url
        words = " ".join(query.replace("/", " ").split()).lower()  # a slash would end the path
        if not words:
            return []
        url = f"{base.rstrip('/')}/suggestion/titles/x/{quote(words, safe='')}.json"
        host = urlsplit(url).netloc
        self._robots.check(url)
        with manners(self.gate, host):
            self.gate.wait(host)
            answer = fetch(self._client, url)
            check_answer(page_of(url, answer.text, answer.status_code, dict(answer.headers)))
            return parse_suggestions(answer.text)

    def picture(self, url: str) -> bytes:
        """Fetch a poster, without a browser."""
        host = check_address(url, self.base_url, IMAGE_HOSTS if self._is_own else ())
        self._robots.check(url)
        with manners(self.gate, host):
            self.gate.wait(host)
            return fetch_picture(self._client, url)

    @property
    def _is_own(self) -> bool:
        """Whether the address is IMDb's own, and no look-alike's."""
        return (urlsplit(self.base_url).hostname or "").endswith("imdb.com")

    def open(self, url: str) -> Page:
        """Fetch and check one page politely; decline a consent banner that covers it."""
        self._robots.check(url)
        browser = self.browser  # before its turn comes: a Grid may have no free slot for a while
        with manners(self.gate, self.host):
            self.gate.wait(self.host)
            page = self.last_page = browser.get(url)
            check_page(page)
        if browser.decline_consent():
            log.info("Declined the consent banner of %s.", self.host)
        return page


class Crawl:
    """One collection of a movie's reviews, as `sources.Crawl` describes it.

    Batches are in the site's order. All attributes are up to date at every batch.

    Attributes:
        status: `complete`, `partial` (also while it runs) or `gated`.
        reason: Where the status is not complete: `interrupted`, `no_more_loaded`,
            `count_mismatch`, `count_unknown`, `sign_in` or `unopened_spoilers`.
        undated: Reviews yielded so far without a day that can be read.
        end_reached: Whether the site said that nothing follows.
    """

    def __init__(
        self,
        site: ImdbSite,
        imdb_id: str,
        mode: Mode,
        known_ids: frozenset[str],
        is_erased: Callable[[Review], bool],
    ) -> None:
        """Keep what to collect.

        Raises:
            BadInput: `author_secret` is unset: reviewers could not be told apart.
        """
        secret = site.settings.author_key_secret
        if secret is None:
            raise BadInput("FILMPULSE_AUTHOR_SECRET is unset: give it a long random value, once.")
        self._secret = secret
        self._site = site
        self._known = known_ids
        self._is_erased = is_erased
        self._seen: set[str] = set()
        self._erased: set[str] = set()
        self._newest_first = False
        self._cards = 0
        self._trouble: str | None = None
        self.imdb_id = imdb_id
        self.mode = mode
        self.movie: Movie | None = None
        self.snapshot: Snapshot | None = None
        self.status: CollectionStatus = "partial"
        self.reason: str | None = "interrupted"
        self.undated = 0
        self._said = "The collection was interrupted."
        self.review_count_start: int | None = None
        self.review_count_end: int | None = None
        self.variant = ""
        self.last_page: Page | None = None
        self.end_reached = False

    @property
    def distinct_ids(self) -> int:
        """How many different reviews were yielded so far."""
        return len(self._seen)

    @property
    def sentence(self) -> str:
        """Status and reason for a person, with figures."""
        if not self.undated:
            return self._said
        return f"{self._said} {self.undated:,} reviews show no day that can be read."

    @property
    def so_far(self) -> str:
        """The reviews yielded so far, of how many the site says there are: "25 of 57"."""
        count = self.review_count_end
        return f"{self.distinct_ids:,}" + (f" of {count:,}" if count is not None else "")

    def __iter__(self) -> Iterator[tuple[Review, ...]]:
        """Collect; one request per batch. Raises as the methods of `Site` do."""
        first = self._first_page()
        batch = self._take(first)
        self.movie, self.snapshot, self.variant = first.movie, first.snapshot, first.variant
        self.review_count_start = first.review_count
        yield batch
        if first.gated:
            self._close("gated", "sign_in", BEHIND_SIGN_IN)
            return
        self._newest_first = _falls(first.reviews, first.has_more)
        if self._newest_first and len({r.submitted_on for r in first.reviews}) == 1:
            # Reviews of one day look sorted in any order: ask the page's sort control.
            self._newest_first = self._site.browser.evaluate(_SORTED_BY) == "SUBMISSION_DATE"

        current = first
        if self.mode == "incremental" and not self._newest_first and first.has_more:
            current = self._sort_newest_first() or first
            if current is not first:
                yield self._take(current)
        yield from self._later_batches(first, current)

    def _later_batches(
        self, first: ReviewsPage, current: ReviewsPage
    ) -> Iterator[tuple[Review, ...]]:
        """Press for more until a rule says stop, the list ends or nothing more comes."""
        stale = 0
        page: ReviewsPage | None = current
        while page is not None:
            if self._stop_rule_met(page):
                return
            if page.has_more is False or (
                page.has_more is None and not self._site.has_more_button()
            ):
                self._reached_end(first)
                return
            page = self._press_for_more()
            if page is not None:
                batch = self._take(page)
                stale = 0 if batch else stale + 1
                if stale == STALE_BATCHES:
                    self._close("partial", "no_more_loaded", "the site repeats itself.")
                    return
                yield batch
        self._gave_nothing()

    def _gave_nothing(self) -> None:
        """Close a collection whose button for more gave no more reviews, and say why."""
        page = self.last_page = self._site.browser.page()
        if gate_is_visible(page.html):
            self._close("gated", "sign_in", BEHIND_SIGN_IN)
            return
        seconds = self._site.settings.page_timeout_seconds
        why = f"the button for more gave nothing within {seconds:g} s."
        if self._trouble is not None:
            why = f"the button for more failed twice. {self._trouble}"
        self._close("partial", "no_more_loaded", why)

    def _first_page(self) -> ReviewsPage:
        site = self._site
        try:
            parsed = site.first_reviews(self.imdb_id, self._secret)
        finally:
            self.last_page = site.last_page
        self._cards = int(site.browser.evaluate(_CARD_COUNT))
        if parsed.has_more is not False:
            site.browser.evaluate(_FORGET_LAYOUT)
        return parsed

    def _take(self, parsed: ReviewsPage) -> tuple[Review, ...]:
        """Return the new reviews of a page; remember their ids and the site's latest count."""
        fresh = tuple(r for r in parsed.reviews if r.review_id not in self._seen)
        self._seen.update(r.review_id for r in fresh)
        self.undated += sum(r.submitted_on is None for r in fresh)
        self._erased.update(r.review_id for r in fresh if self._is_erased(r))
        if parsed.review_count is not None:
            self.review_count_end = parsed.review_count
        return fresh

    def _stop_rule_met(self, current: ReviewsPage) -> bool:
        if self.mode != "incremental" or not self._newest_first or not current.reviews:
            return False
        telling = [r for r in current.reviews if not self._is_erased(r)]
        if not telling or not all(r.review_id in self._known for r in telling):
            return False
        self.status, self.reason = "complete", None
        new = len(self._seen - self._known - self._erased)
        self._said = f"{new:,} new; the {len(current.reviews)} before them were known."
        return True

    def _reached_end(self, first: ReviewsPage) -> None:
        """Close at the end of the list: complete if the number read fits the site's counts."""
        self.end_reached = True
        counts = [c for c in (self.review_count_start, self.review_count_end) if c is not None]
        read = self.distinct_ids
        if first.unopened_spoilers:
            why = f"{first.unopened_spoilers} spoilers did not open."
            self._close("partial", "unopened_spoilers", why)
        elif not counts or (not read and self._known):
            # A complete collection removes all other stored reviews: the count must be known.
            self._close("partial", "count_unknown", "the page does not say how many there are.")
            if counts:
                known = len(self._known)
                self._said = f"The page announces none, where {known:,} are known."
        elif not min(counts) <= read <= max(counts):
            self._close("partial", "count_mismatch", "the list ended there.")
            if read > max(counts):
                self._said = f"{read:,} reviews were read where the site counts {counts[-1]:,}."
        else:
            self.status, self.reason = "complete", None
            self._said = f"All {read:,} reviews were read."
            if counts[0] != counts[-1]:
                self._said = (
                    f"{read:,} reviews were read, to the end of the list; meanwhile the site's "
                    f"count went from {counts[0]:,} to {counts[-1]:,}."
                )

    def _close(self, status: Literal["partial", "gated"], reason: str, why: str) -> None:
        self.status, self.reason = status, reason
        self._said = f"{self.so_far} reviews were shown: {why}"

    def _sort_newest_first(self) -> ReviewsPage | None:
        """Sort by the page's own control, as the address did not; None if the page does not."""
        site = self._site
        seconds = min(SORT_SECONDS, site.settings.page_timeout_seconds)
        site.gate.wait(site.host)
        if not site.browser.select(SORT_SELECT, "SUBMISSION_DATE"):
            return None
        answer = self._answered(time.monotonic() + seconds)
        if answer is None:
            return None
        if not _falls(answer.reviews, answer.has_more):
            site.gate.wait(site.host)
            site.browser.click(SORT_ORDER_BUTTON)
            answer = self._answered(time.monotonic() + seconds) or answer
        self._newest_first = _falls(answer.reviews, answer.has_more)
        return answer

    def _press_for_more(self) -> ReviewsPage | None:
        """Press the button for one more batch, twice if the site fails to answer.

        Returns None when nothing came in time; `_trouble` then says what happened.
        """
        site = self._site
        for _ in range(2):
            site.gate.wait(site.host)
            self._trouble = None
            more = self._press_once()
            if more is not None or self._trouble is None:
                return more
        return None

    def _press_once(self) -> ReviewsPage | None:
        browser = self._site.browser
        deadline = time.monotonic() + self._site.settings.page_timeout_seconds
        browser.click(MORE_BUTTON)
        while time.monotonic() < deadline:
            answer = self._answered(min(deadline, time.monotonic() + PRESS_AGAIN_SECONDS))
            if answer is not None:
                self._cards += len(answer.reviews)
                return answer
            if self._trouble is not None:
                return None
            if (later := self._later_cards()) is not None:
                return later
            if not browser.is_asking:  # no request: the press came before the page's script
                browser.click(MORE_BUTTON)
        return None

    def _answered(self, deadline: float) -> ReviewsPage | None:
        """Wait for reviews among the answers that the page fetches; join those of one moment.

        Returns None at the deadline, or, with `_trouble` set, once the site failed to answer.
        """
        while (left := deadline - time.monotonic()) > 0:
            pages = []
            for answer in self._site.browser.answers(left):
                try:
                    with manners(self._site.gate, self._site.host):
                        check_answer(answer)
                    pages.append(parse_graphql(answer.html, self._secret, self.imdb_id))
                except ForeignPage:
                    continue  # the page also fetches other data than reviews
                except (NotFound, SiteUnavailable) as error:
                    self._trouble = str(error) if answer.status else "The connection failed."
                except LayoutChanged:
                    self.last_page = answer
                    raise
            if pages:
                self.variant = self.variant or pages[-1].variant
                reviews = tuple(r for page in pages for r in page.reviews)
                return pages[-1].model_copy(update={"reviews": reviews})
            if self._trouble is not None:
                return None
        return None

    def _later_cards(self) -> ReviewsPage | None:
        """Read the cards that appeared without a known answer, by one script."""
        browser = self._site.browser
        if int(browser.evaluate(_CARD_COUNT)) <= self._cards:
            return None
        fragment = str(browser.evaluate(_LATER_CARDS, self._cards))
        page = page_of(f"{self._site.base_url}/title/{self.imdb_id}/reviews/", fragment)
        self.last_page = page
        later = parse_reviews_page(page, self._secret)
        self._cards += len(later.reviews) + later.unopened_spoilers
        return later


def _must_be(asked: str, found: str) -> None:
    """Raise `NotFound` where the site redirected to another movie's page."""
    if found != asked:
        raise NotFound(f"The site sends {asked} to {found}: track that id.", reason="moved")


def _falls(reviews: tuple[Review, ...], has_more: bool | None) -> bool:
    """Say whether dates fall from first to last; a list of one page needs no order."""
    days = [r.submitted_on for r in reviews if r.submitted_on is not None]
    return has_more is False or (bool(days) and all(a >= b for a, b in pairwise(days)))
