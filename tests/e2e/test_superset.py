"""The dashboards in a real Superset and a real Chromium, as a guest meets them.

One Superset, one browser: first a new instance, then one that has followed movies for some weeks.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import psycopg
import pytest
from dashboards import HOSTILE, MODELS, MOVIES, TWINS, fill, label
from selenium.webdriver.common.keys import Keys

from filmpulse.sources.datasets import CREDIT
from filmpulse.web.dashboards import dashboard_url
from superset_tools.viewer import Layout, Question, Seen, Traffic, Viewer, layouts

if TYPE_CHECKING:
    from tests.superset_fixtures import App

pytestmark = pytest.mark.slow

LAYOUTS = {layout.slug: layout for layout in layouts()}
ON_EVERY_DASHBOARD = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
RECEPTION, COMPARISON = LAYOUTS["movie-reception"], LAYOUTS["compare-movies"]
PIPELINE, CATALOGUE = LAYOUTS["pipeline"], LAYOUTS["catalogue"]
MOVIE, LANGUAGE, PERIOD = (f"NATIVE_FILTER-{name}" for name in ("movie", "language", "period"))
TYPE, GENRE, DECADE = (f"NATIVE_FILTER-{name}" for name in ("type", "genre", "decade"))
ON_MOVIES = pytest.mark.parametrize(
    "layout",
    [layout for layout in LAYOUTS.values() if MOVIE in layout.filters],
    ids=lambda layout: layout.slug,
)
EDIT = '[data-test="edit-dashboard-button"]'
TWIN = next(iter(TWINS))
DEFAULT = MOVIES["tt99000003"]  # the one with most reviews

BAD = (
    *("Data error", "Content Security Policy", "is not registered", "Unexpected error"),
    *("No results were returned", "Page not found", "NaN", "undefined", "[object Object]"),
)
# Superset asks for a pixel of its maker's, which its policy holds back; when a dashboard is left,
# for the colours of its labels to be saved, which is refused to a guest; and it parses what looks
# like HTML in a document of its own, where nothing runs, to see whether it is.
EXPECTED_COMPLAINTS = (
    *("scarf.sh/pixel", "/colors?mark_updated=false", " 0:0 "),
    "Executing inline event handler violates",
)
# What the first rows of a new instance say in place of figures.
SAYS_SO = {
    "Movie": "Add a movie",
    "Facts": "No movie is known yet",
    "Checks that fail": "none failed",
    "Hosts, and who asked for quiet": "no host was asked yet",
    "Pages asked for, by host and hour": "no host was asked yet",
    "Cost by day and model, USD": "no model was asked yet",
    "Loads of IMDb's datasets": "no dataset was loaded yet",
    **{title: "The catalogue is empty" for title in CATALOGUE.charts if title.startswith("About")},
}

# What is cut off or hangs out: the text of every chart, and every canvas, must lie within what
# shows it. A table may scroll; what is there for screen readers alone is a pixel high.
_CUT_OFF = """
const found = [];
for (const chart of document.querySelectorAll('[data-test-chart-name]')) {
  if (!chart.offsetParent) continue;
  const name = chart.dataset.testChartName, frame = chart.getBoundingClientRect();
  const leaves = [...chart.querySelectorAll('*')].filter(e => e.tagName === 'CANVAS'
    || [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim()));
  for (const leaf of leaves) {
    const box = leaf.getBoundingClientRect(), style = getComputedStyle(leaf);
    if (!box.width || style.visibility === 'hidden' || parseFloat(style.fontSize) === 0) continue;
    const what = `${name}: ${leaf.tagName} ${leaf.innerText?.slice(0, 60)}`;
    const isOut = by => box.bottom > by.bottom + 1 || box.right > by.right + 1
      || box.left < by.left - 1 || box.top < by.top - 1;
    let scrolls = false, hidden = false;
    for (let e = leaf; e !== chart; e = e.parentElement) {
      const {overflowX, overflowY} = getComputedStyle(e), of = e.getBoundingClientRect();
      if (of.height <= 2 || of.width <= 2) { hidden = true; break; }
      if (e !== leaf && e.querySelector('tr') && /auto|scroll/.test(overflowX + overflowY))
        scrolls = true;
      if (!scrolls && overflowX + overflowY !== 'visiblevisible' && (isOut(of)
          || e === leaf && e.scrollWidth > e.clientWidth + 1))
        found.push(`${what} is cut off by ${e.tagName}.${e.className}`);
    }
    if (!scrolls && !hidden && isOut(frame)) found.push(`${what} hangs out`);
  }
}
return found;
"""
_LIGHTNESS = """
const channels = getComputedStyle(document.querySelector(arguments[0])).backgroundColor
  .match(/[\\d.]+/g).map(Number);
return channels.length === 4 && channels[3] === 0 ? null
  : Math.max(...channels.slice(0, 3)) / 255;
"""
_INVISIBLE = """
return [...document.querySelectorAll('[data-test-chart-name]')]
  .filter(c => c.offsetParent).filter(c => {
    const drawn = c.querySelector('canvas, tbody tr')?.getBoundingClientRect();
    return !drawn || drawn.width < 20 || drawn.height < 10;
  }).map(c => c.dataset.testChartName);
"""


_OPTION = """
return [...document.querySelectorAll('.ant-select-item-option')].find(
  o => o.offsetParent && [o.title, o.innerText.trim()].includes(arguments[0]));
"""
_DAYS = """
const boxes = document.querySelectorAll('.time-range-popover input.ant-input');
return boxes.length === 2 ? [...boxes] : null;
"""


class Visitor(Viewer):
    """A viewer who uses filters, clicks and prints."""

    def choose(self, filter_id: str, value: str) -> None:
        """Choose one value in a select filter of the filter bar, by typing it."""
        self._select(f'[data-test="{filter_id}"] input', value).send_keys(Keys.ESCAPE)  # closes it

    def choose_period(self, filter_id: str, first: str, end: str) -> None:
        """Set a time filter from one day to the day before another, as text such as 2026-01-31."""
        self.click(f'[data-test="time-range-trigger"][name="{filter_id}"]')
        self._select('.time-range-popover [data-test="Range type"] input', "Advanced")
        for place, day in enumerate((first, end)):
            box = self.until("the days", lambda: self.run(_DAYS))[place]
            box.send_keys(Keys.CONTROL, "a")
            box.send_keys(day)
        self.click('[data-test="date-filter-control__apply-button"]:not([disabled])')

    def _select(self, css: str, value: str) -> Any:
        box = self.use(css, lambda box: box.send_keys(value))
        self.click(f"the choice {value}", lambda: self.run(_OPTION, value))
        return box

    def apply(self) -> Seen:
        """Press `Apply filters`; return the tab as it is afterwards."""
        return self.answer(lambda: self.click('[data-test="filter-bar__apply-button"]'))

    def answer(self, act: Callable[[], Any]) -> Seen:
        """Do something that makes the page ask anew; return the tab as it is afterwards."""
        before = self.run("return viewer.asked")
        act()
        self.until("the page to ask anew", lambda: self.run("return viewer.asked") > before)
        return self.settle()

    @contextmanager
    def on_paper(self) -> Iterator[None]:
        """Show the page as it is printed."""
        self.cdp("Emulation.setEmulatedMedia", media="print")
        try:
            yield
        finally:
            self.cdp("Emulation.setEmulatedMedia", media="")

    def pdf(self) -> bytes:
        """Print the page as a person would, on A4 across, once no chart moves."""
        self.picture()
        paper = {"landscape": True, "paperWidth": 8.27, "paperHeight": 11.69}  # inches
        printed = self.cdp("Page.printToPDF", printBackground=True, **paper)
        return base64.b64decode(printed["data"])


@pytest.fixture(scope="module")
def guests_viewer(superset_app: App) -> Iterator[Visitor]:
    with Visitor(superset_app.url) as viewer:
        viewer.sign_in("guest", superset_app.template.passwords["guest"])
        yield viewer


@pytest.fixture
def viewer(guests_viewer: Visitor) -> Visitor:
    """The browser, without what a test that failed may have left in its log."""
    guests_viewer.traffic()
    return guests_viewer


@pytest.fixture(scope="module")
def filled(superset_app: App, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fill the warehouse, and have Superset forget what it said before; return its address."""
    url = superset_app.template.warehouse_url
    fill(url, tmp_path_factory.mktemp("lake"))
    forget(superset_app)
    return url


@pytest.fixture(scope="module")
def sessions(superset_app: App) -> dict[str, httpx.Client]:
    """An admin and a guest who ask Superset without a page."""
    signed_in = {user: superset_app.browser(user) for user in ("admin", "guest")}
    for session in signed_in.values():
        token = session.csrf_token()
        session.http.headers.update({"X-CSRFToken": token, "Referer": superset_app.url})
    return {user: session.http for user, session in signed_in.items()}


def forget(app: App) -> None:
    """Empty Superset's cache of answers."""
    data = Path(psutil.Process(app.pid).environ()["SUPERSET_CACHE_DIR"]) / "data"
    for file in data.iterdir():
        file.unlink(missing_ok=True)


def asked_by(viewer: Visitor, traffic: Traffic) -> dict[str, list[Question]]:
    """Sort questions by the titles of the charts that asked."""
    titles = viewer.chart_ids()
    found: dict[str, list[Question]] = {}
    for question in traffic.questions:
        found.setdefault(titles[question.chart_id], []).append(question)
    return found


def answers(session: httpx.Client, question: Question) -> list[dict[str, Any]]:
    """Ask again what the page asked; return the answer to each of its queries."""
    answer = session.post(question.url, json=question.body)
    assert answer.status_code == 200, answer.text[:1000]
    found: list[dict[str, Any]] = answer.json()["result"]
    return found


def assert_answered(
    sessions: dict[str, httpx.Client], asked: dict[str, list[Question]]
) -> dict[str, list[dict[str, Any]]]:
    """Hold that each question has rows for everybody and no filter was passed over.

    Returns:
        The rows that answer each chart.
    """
    each = [
        (title, user, question)
        for title, questions in asked.items()
        for question in questions
        for user in sessions
    ]
    rows: dict[str, list[dict[str, Any]]] = {title: [] for title in asked}
    with ThreadPoolExecutor(4) as threads:
        answered = threads.map(lambda one: answers(sessions[one[1]], one[2]), each)
        for (title, user, _), results in zip(each, answered, strict=True):
            for result in results:
                said = {k: result.get(k) for k in ("error", "rejected_filters", "query")}
                assert result["error"] is None, (title, user, said)
                assert result["rejected_filters"] == [], (title, user, said)
                assert result["rowcount"] > 0, (title, user, said)
            rows[title] += results[-1]["data"] if user == "guest" else []
    return rows


def assert_quiet(viewer: Visitor, app: App) -> Traffic:
    """Hold that the browser asked nobody but Superset, and did not complain; return its log."""
    traffic = viewer.traffic()
    elsewhere = {url for url in traffic.urls if not url.startswith((app.url, "data:", "blob:"))}
    assert elsewhere == set()
    unexpected = [c for c in traffic.complaints if not any(e in c for e in EXPECTED_COMPLAINTS)]
    assert unexpected == []
    return traffic


def assert_no_bad_text(viewer: Visitor, *spared: str) -> None:
    text = viewer.run("return document.body.innerText")
    assert [bad for bad in BAD if bad in text and bad not in spared] == []


def assert_drawn(viewer: Visitor, layout: Layout, charts: dict[str, str], tab: str) -> None:
    assert charts == dict.fromkeys(layout.tabs[tab], "drawn")
    assert_no_bad_text(viewer)
    assert_no_markup(viewer)


def assert_no_markup(viewer: Viewer) -> None:
    """Hold that nothing that a site or a person said became an element of the page, or ran."""
    assert viewer.driver.title != "run"
    made = "return [...document.querySelectorAll('.dashboard img, .dashboard script')]"
    assert viewer.run(f"{made}.map(e => e.outerHTML)") == []


def assert_printed(viewer: Viewer) -> None:
    """Hold that no chart of the tab is missing from paper."""
    with viewer.on_paper():
        assert viewer.run(_INVISIBLE) == []
    canvases = viewer.run(
        "return [...document.querySelectorAll('[data-test-chart-name] canvas')]"
        ".filter(canvas => canvas.offsetParent).length"
    )
    # Chromium puts each canvas into the file as a picture of its own.
    assert viewer.pdf().count(b"/Subtype /Image") >= canvases


def on_each_tab(viewer: Visitor, layout: Layout) -> Iterator[tuple[str, dict[str, str]]]:
    """Go through the tabs of an open dashboard, the one in sight first."""
    first, *others = layout.tabs
    yield first, viewer.settle(first).charts
    for tab in others:
        yield tab, viewer.open_tab(tab).charts


# --- a new instance ------------------------------------------------------------------------------


@ON_EVERY_DASHBOARD
def test_a_new_instance_says_that_it_is_empty(
    viewer: Visitor, superset_app: App, sessions: dict[str, httpx.Client], layout: Layout
) -> None:
    viewer.open(layout.slug)
    for tab, charts in on_each_tab(viewer, layout):
        assert set(charts) == set(layout.tabs[tab])
        assert "error" not in charts.values()
        assert {title for title in SAYS_SO if charts.get(title, "drawn") != "drawn"} == set()
        assert_no_bad_text(viewer, "No results were returned")
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    says_so = {title: asked[title] for title in SAYS_SO if title in layout.charts}
    for title, rows in assert_answered(sessions, says_so).items():
        assert SAYS_SO[title] in str(rows)


# --- one that has followed movies ----------------------------------------------------------------


@ON_EVERY_DASHBOARD
def test_every_chart_is_drawn_fits_prints_and_has_data(
    viewer: Visitor,
    superset_app: App,
    filled: str,
    sessions: dict[str, httpx.Client],
    layout: Layout,
) -> None:
    viewer.open(layout.slug)
    for number, (tab, charts) in enumerate(on_each_tab(viewer, layout)):
        assert_drawn(viewer, layout, charts, tab)
        assert viewer.run("return document.documentElement.scrollWidth") <= 1440
        assert viewer.run(_CUT_OFF) == []
        assert_printed(viewer)
        if number == 0:
            first_row = "return document.querySelector('.grid-row').getBoundingClientRect().bottom"
            assert viewer.run(first_row) <= 900
    assert viewer.run(_LIGHTNESS, "body") > 0.9
    assert viewer.find(EDIT) is None, "a guest looks and changes nothing"
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    assert set(asked) == set(layout.charts)
    rows = assert_answered(sessions, asked)
    if layout is PIPELINE:
        assert all(model in str(rows["Cost by day and model, USD"]) for model in MODELS)


@pytest.mark.parametrize("layout", [COMPARISON, CATALOGUE], ids=lambda layout: layout.slug)
def test_dark_is_dark(viewer: Visitor, superset_app: App, filled: str, layout: Layout) -> None:
    viewer.use_theme("dark")
    try:
        viewer.open(layout.slug)
        for tab, charts in on_each_tab(viewer, layout):
            assert_drawn(viewer, layout, charts, tab)
            assert viewer.run(_CUT_OFF) == []
        for place in ("body", ".dashboard-component-tabs"):
            assert viewer.run(_LIGHTNESS, place) < 0.15
        assert_quiet(viewer, superset_app)
    finally:
        viewer.use_theme("light")


@ON_MOVIES
def test_each_chart_is_about_the_movie_that_was_chosen(
    viewer: Visitor,
    superset_app: App,
    filled: str,
    sessions: dict[str, httpx.Client],
    layout: Layout,
) -> None:
    movie = label(TWIN)
    viewer.open(layout.slug)
    viewer.traffic()
    viewer.choose(MOVIE, movie)
    viewer.apply()
    for tab, charts in on_each_tab(viewer, layout):
        assert_drawn(viewer, layout, charts, tab)
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    assert layout.filters[MOVIE] <= set(asked)
    chosen = {"col": "movie", "op": "IN", "val": [movie]}
    for title, questions in asked.items():
        for query in (query for question in questions for query in question.body["queries"]):
            assert (chosen in query["filters"]) == (title in layout.filters[MOVIE]), title
    rows = assert_answered(sessions, {title: asked[title] for title in layout.filters[MOVIE]})
    named = [row["movie"] for answer in rows.values() for row in answer if "movie" in row]
    assert set(named) <= {movie}
    assert named or layout is RECEPTION
    if layout is RECEPTION:
        assert HOSTILE in viewer.run("return document.querySelector('.dashboard').textContent")
        with psycopg.connect(filled) as warehouse:
            held = warehouse.execute(
                "SELECT count(*) FROM core.reviews WHERE imdb_id = %s AND rating_1_10 IS NOT NULL",
                [TWIN],
            ).fetchone()
        grades = rows["Grades given, 1 to 10"]
        counted = [next(v for k, v in row.items() if k != "rating_1_10") for row in grades]
        assert (sum(counted),) == held


@pytest.mark.parametrize("layout", [RECEPTION, COMPARISON], ids=lambda layout: layout.slug)
def test_a_link_of_our_pages_opens_a_dashboard_with_its_movies_chosen(
    viewer: Visitor, superset_app: App, filled: str, layout: Layout
) -> None:
    movies = [label(TWIN)] if layout is RECEPTION else [label(TWIN), DEFAULT]
    link = dashboard_url(superset_app.url, layout.slug, movies)
    assert link is not None
    viewer.traffic()
    charts = viewer.open(layout.slug, link.partition(f"/{layout.slug}/")[2]).charts
    assert_drawn(viewer, layout, charts, next(iter(layout.tabs)))
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    chosen = {"col": "movie", "op": "IN", "val": movies}
    reached = layout.filters[MOVIE] & set(asked)
    assert reached
    for title in reached:
        for query in (query for question in asked[title] for query in question.body["queries"]):
            assert chosen in query["filters"], title
    bar = viewer.run("return document.querySelector('[data-test=\"filter-bar\"]').innerText")
    assert layout is COMPARISON or movies[0] in bar  # it shortens several


def test_period_and_language_reach_every_chart_but_the_card(
    viewer: Visitor, superset_app: App, filled: str, sessions: dict[str, httpx.Client]
) -> None:
    viewer.open(RECEPTION.slug)
    viewer.choose(LANGUAGE, "English")
    viewer.choose_period(PERIOD, "2026-05-01", "2026-11-01")
    viewer.traffic()
    viewer.apply()
    for tab, charts in on_each_tab(viewer, RECEPTION):
        assert_drawn(viewer, RECEPTION, charts, tab)
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    reached = RECEPTION.filters[LANGUAGE]
    assert reached == RECEPTION.filters[PERIOD]
    assert set(RECEPTION.charts) - reached == {"Movie"}
    assert reached <= set(asked)
    for title in reached:
        for query in (query for question in asked[title] for query in question.body["queries"]):
            assert {"col": "language_name", "op": "IN", "val": ["English"]} in query["filters"]
            assert query["time_range"] == "2026-05-01 : 2026-11-01"
    assert_answered(sessions, {title: asked[title] for title in reached})


def test_the_credit_stands_on_every_tab(viewer: Visitor, filled: str) -> None:
    viewer.open(CATALOGUE.slug)
    for tab, _ in on_each_tab(viewer, CATALOGUE):
        (card,) = (title for title in CATALOGUE.tabs[tab] if title.startswith("About"))
        assert CREDIT in viewer.find(f'[data-test-chart-name="{card}"]').text


def test_titles_stand_once_and_follow_genre_decade_and_type(
    viewer: Visitor, superset_app: App, filled: str, sessions: dict[str, httpx.Client]
) -> None:
    best = "Best titles by weighted rating"
    viewer.open(CATALOGUE.slug)
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    titles = assert_answered(sessions, {best: asked[best]})[best]
    ids = [row["imdb_id"] for row in titles]
    assert len(set(ids)) == len(ids)
    assert {row["title_type"] for row in titles} == {"movie"}
    assert "Adult" not in {row["genres"] for row in titles}
    viewer.choose(TYPE, "tvEpisode")
    viewer.choose(GENRE, "Horror")
    viewer.choose(DECADE, "1980s")
    viewer.apply()
    for tab, charts in on_each_tab(viewer, CATALOGUE):
        assert_drawn(viewer, CATALOGUE, charts, tab)
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    for filter_id, column, values in (
        (TYPE, "title_type", ["movie", "tvEpisode"]),
        (GENRE, "genre", ["Horror"]),
        (DECADE, "decade", ["1980s"]),
    ):
        chosen = {"col": column, "op": "IN", "val": values}
        for title, questions in asked.items():
            reached = title in CATALOGUE.filters[filter_id]
            assert all((chosen in each.filters) == reached for each in questions), title
    titles = assert_answered(sessions, {best: asked[best]})[best]
    assert {row["title_type"] for row in titles} == {"movie", "tvEpisode"}
    assert all("Horror" in row["genres"] and 1980 <= row["year"] < 1990 for row in titles)


def test_a_period_without_reviews_says_so(viewer: Visitor, superset_app: App, filled: str) -> None:
    viewer.open(RECEPTION.slug)
    viewer.choose_period(PERIOD, "1900-01-01", "1900-02-01")
    viewer.apply()
    says_so = {"Movie", "Chosen reviews", "Chosen reviews, in depth"}
    for tab, charts in on_each_tab(viewer, RECEPTION):
        expected = {title: "drawn" if title in says_so else "empty" for title in charts}
        assert charts == expected
        assert_no_bad_text(viewer, "No results were returned")
        if tab == next(iter(RECEPTION.tabs)):
            card = '[data-test-chart-name="Chosen reviews"]'
            assert "no review" in viewer.find(card).text.lower()
    assert_quiet(viewer, superset_app)


@pytest.mark.parametrize(
    ("layout", "title", "word", "column", "reached"),
    [
        (
            RECEPTION, "How it is received: the whole and each aspect", "Acting", "aspect",
            {"Praised most, in their words", "Faulted most, in their words"},
        ),
        (
            COMPARISON, "Side by side", DEFAULT, "movie",
            {*COMPARISON.tabs["Side by side"]} - {"Side by side"},
        ),
    ],
    ids=["aspect", "movie"],
)  # fmt: skip
def test_a_click_on_a_row_filters_the_others(
    viewer: Visitor, superset_app: App, filled: str, sessions: dict[str, httpx.Client],
    layout: Layout, title: str, word: str, column: str, reached: set[str],
) -> None:  # fmt: skip
    viewer.open(layout.slug)
    viewer.traffic()
    cell = viewer.run(
        "return [...document.querySelectorAll(`[data-test-chart-name='${arguments[0]}'] tbody td`)]"
        ".find(cell => cell.innerText.trim() === arguments[1])",
        title,
        word,
    )
    viewer.answer(cell.click)
    asked = asked_by(viewer, assert_quiet(viewer, superset_app))
    assert title not in asked
    assert reached <= set(asked)
    for other in reached:
        for question in asked[other]:
            assert {"col": column, "op": "IN", "val": [word]} in question.filters
    rows = assert_answered(sessions, {other: asked[other] for other in reached})
    assert {row[column] for answer in rows.values() for row in answer if column in row} == {word}


def test_an_admin_may_edit(viewer: Visitor, superset_app: App, filled: str) -> None:
    viewer.sign_in("admin", superset_app.template.passwords["admin"])
    viewer.driver.get(f"{superset_app.url}/superset/dashboard/{PIPELINE.slug}/")
    viewer.until("the button to edit", lambda: viewer.find(EDIT))
