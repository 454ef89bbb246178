"""The sample site in a real browser: what its script does is what the real page's script does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from filmpulse.sample_site import MOVIE_IDS

if TYPE_CHECKING:
    from conftest import SampleSite
    from selenium.webdriver import Chrome

BIG, SMALL, OLD = MOVIE_IDS[0], MOVIE_IDS[4], MOVIE_IDS[5]
CARDS = "article.user-review-item"
MORE = ".single-page-see-more-button button"
ALL = ".chained-see-more-button button"
SORT = "#sort-by-selector"
SPOILER = "button.review-spoiler-button"

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver here"),
]


@pytest.fixture(scope="module")
def _driver() -> Iterator[Chrome]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1280,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Reader:
    """Somebody who reads the site in a browser, the banner declined."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def all(self, css: str) -> list[Any]:
        return self.driver.find_elements("css selector", css)

    def texts(self, css: str) -> list[str]:
        return [element.text for element in self.all(css)]

    def press(self, css: str) -> None:
        button = next(element for element in self.all(css) if element.is_displayed())
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()

    def wait(self, condition: Callable[[], Any]) -> None:
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _: condition())

    def count(self) -> int:
        return len(self.all(CARDS))

    def ids(self) -> list[str]:
        """The ids of the cards, by one script: the list may be changing meanwhile."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll('[data-testid=permalink-link]')]"
            ".map((a) => a.pathname.split('/')[4])"
        )


@pytest.fixture
def reader(_driver: Chrome, sample_site: SampleSite) -> Iterator[Reader]:
    reader = Reader(_driver, sample_site.url)
    reader.open("/robots.txt")
    _driver.add_cookie({"name": "consent", "value": "declined", "path": "/"})
    yield reader
    _driver.delete_all_cookies()


def test_the_banner_covers_the_page_until_it_is_answered(reader: Reader) -> None:
    from selenium.common.exceptions import ElementClickInterceptedException

    reader.driver.delete_all_cookies()
    reader.open(f"/title/{BIG}/reviews/")
    with pytest.raises(ElementClickInterceptedException):
        reader.all("[data-testid=author-link]")[0].click()
    reader.press("[data-testid=reject-button]")
    assert not reader.all("[data-testid=consent-banner]")
    assert reader.driver.get_cookie("consent")["value"] == "declined"
    reader.driver.refresh()
    assert not reader.all("[data-testid=consent-banner]")


def test_more_and_all(reader: Reader, sample_site: SampleSite) -> None:
    reader.open(f"/title/{BIG}/reviews/")
    assert reader.count() == 25
    reader.press(MORE)
    reader.wait(lambda: reader.count() == 50)
    reader.press(ALL)
    reader.wait(lambda: not reader.all(MORE) and not reader.all(ALL))
    ids = reader.ids()
    assert len(ids) == len(set(ids)) == 250
    requests = sample_site.state()["requests"]
    assert (len(requests["reviews"]), len(requests["graphql"])) == (1, 9)


def test_loaded_cards_have_the_markup_of_the_first_ones(reader: Reader) -> None:
    def shapes() -> list[str]:
        """Every card as its tags and hooks alone, without what it says."""
        return reader.driver.execute_script(
            """
            const shape = (e) => e.matches('.ipc-html-content-inner-div') ? 'text'
              : `${e.tagName}.${e.className.replace(/ cut$/, '')}[${e.dataset.testid || ''}]`
                + `(${[...e.children].map(shape)})`;
            return [...document.querySelectorAll('article.user-review-item')].map(shape);
            """
        )

    reader.open(f"/title/{BIG}/reviews/")
    first = set(shapes())
    reader.press(ALL)
    reader.wait(lambda: not reader.all(ALL))
    assert len(shapes()) == 250
    assert first <= set(shapes())
    assert len(set(shapes())) <= 4  # with and without stars, with and without spoilers


def test_a_review_reads_the_same_wherever_it_was_built(reader: Reader) -> None:
    """The newest 25 come from the server, then again from the script after sorting."""

    def cards() -> list[dict[str, str]]:
        return reader.driver.execute_script(
            """
            return [...document.querySelectorAll('article.user-review-item')].map((card) => ({
              id: card.querySelector('[data-testid=permalink-link]').pathname,
              stars: card.querySelector('.review-rating')?.ariaLabel || '',
              title: card.querySelector('h3').innerHTML,
              text: card.querySelector('.ipc-html-content-inner-div')?.innerHTML || '',
              date: card.querySelector('.review-date').textContent,
              up: card.querySelector('.ipc-voting__label__count--up').textContent,
            }));
            """
        )

    reader.open(f"/title/{BIG}/reviews/?sort=submission_date&dir=desc")
    by_server = cards()
    reader.open(f"/title/{BIG}/reviews/")
    featured = reader.ids()
    choose(reader, "SUBMISSION_DATE")
    reader.wait(lambda: reader.ids() != featured and reader.count() == 25)
    assert cards() == by_server


def choose(reader: Reader, value: str) -> None:
    from selenium.webdriver.support.select import Select

    select = next(element for element in reader.all(SORT) if element.is_displayed())
    Select(select).select_by_value(value)


def test_sorting_by_the_select_goes_on_in_that_order(reader: Reader) -> None:
    reader.open(f"/title/{SMALL}/reviews/")
    choose(reader, "USER_RATING")
    reader.press("#swap-sort-order-button")
    reader.wait(lambda: not reader.all(f"{MORE}:disabled"))
    reader.press(ALL)
    reader.wait(lambda: not reader.all(ALL))
    ratings = [int(text) for text in reader.texts(".ipc-rating-star--rating")]
    assert len(ratings) == 57
    assert ratings == sorted(ratings)


def test_a_spoiler_opens_and_votes_appear(reader: Reader) -> None:
    reader.open(f"/title/{OLD}/reviews/")
    assert not reader.all("[data-testid=user-voting-loader]")
    assert "11" in reader.texts(".ipc-voting__label__count--up")
    assert not reader.all("[data-testid=review-spoiler-content]")
    reader.press(SPOILER)
    (opened,) = reader.texts("[data-testid=review-spoiler-content] .ipc-html-content-inner-div")
    assert "the one who holds the oar" in opened


def test_the_script_lives_without_next_data(reader: Reader, sample_site: SampleSite) -> None:
    sample_site.control("switch", name="missing_next_data", value=True)
    reader.open(f"/title/{SMALL}/reviews/")
    assert reader.driver.execute_script("return document.getElementById('__NEXT_DATA__')") is None
    reader.press(ALL)
    reader.wait(lambda: reader.count() == 57)


def test_a_failed_load_says_so_and_can_be_repeated(reader: Reader, sample_site: SampleSite) -> None:
    sample_site.control("switch", name="server_error", imdb_id=SMALL, value="graphql")
    reader.open(f"/title/{SMALL}/reviews/")
    reader.press(MORE)
    reader.wait(lambda: reader.texts(".load-error"))
    sample_site.control("switch", name="server_error", imdb_id=SMALL, value=None)
    reader.press(MORE)
    reader.wait(lambda: reader.count() == 50)
    assert not reader.all(".load-error")


@pytest.mark.parametrize("path", ["/", f"/title/{BIG}/", f"/title/{BIG}/reviews/", "/find/?q=sea"])
def test_pages_load_nothing_from_elsewhere_and_without_errors(reader: Reader, path: str) -> None:
    reader.driver.get_log("browser")
    reader.open(path)
    loaded = reader.driver.execute_script(
        "return performance.getEntriesByType('resource').map((e) => e.name)"
    )
    assert loaded
    assert all(address.startswith((reader.url, "data:")) for address in loaded)
    assert reader.driver.get_log("browser") == []


@pytest.mark.parametrize(
    ("name", "error"),
    [("reset", httpx.ReadError), ("broken_page", httpx.RemoteProtocolError)],
)
def test_connections_break(
    sample_site: SampleSite, name: str, error: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    sample_site.control("switch", name=name, imdb_id=OLD, value=True)
    with pytest.raises(error):
        httpx.get(f"{sample_site.url}/title/{OLD}/reviews/", trust_env=False, timeout=60)
    # The site is well, and has nothing to complain of.
    health = httpx.get(f"{sample_site.url}/healthz", trust_env=False, timeout=60)
    assert health.json() == {"status": "ok"}
    assert "ERROR" not in capfd.readouterr().err
