"""The crawl, with the real browser, on the sample site: the straight road and every fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from filmpulse.config import Settings
from filmpulse.errors import (
    BadInput,
    Blocked,
    BrowserUnavailable,
    FilmpulseError,
    LayoutChanged,
    NotFound,
    SiteUnavailable,
)
from filmpulse.sources.imdb.crawl import Crawl, ImdbSite

MOVIE, SMALL = "tt99000005", "tt99000006"  # 57 reviews: three pages; 3 reviews: one


class CountingGate:
    """Lets everyone pass at once and notes what happened."""

    def __init__(self) -> None:
        self.waits = 0
        self.pauses: list[tuple[str, float | None]] = []

    def wait(self, host: str) -> None:
        self.waits += 1

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        self.pauses.append((reason, retry_after))
        return datetime.now(UTC)

    def clear(self, host: str) -> None: ...


@pytest.fixture(scope="module")
def base(running_site) -> str:
    return running_site.url


@pytest.fixture
def switch(running_site) -> Iterator[Callable[[str, object], None]]:
    yield lambda name, value: running_site.control("switch", name=name, value=value)
    running_site.control("reset")


@pytest.fixture(scope="module")
def shared_site(base: str) -> Iterator[ImdbSite]:
    settings = Settings(source_urls={"imdb": base}, author_secret="s" * 32, page_timeout_seconds=4)
    with ImdbSite(settings, CountingGate()) as site:
        yield site


@pytest.fixture
def gate(shared_site: ImdbSite) -> CountingGate:
    shared_site.gate = shared_site._robots._gate = gate = CountingGate()
    return gate


@pytest.fixture
def site(shared_site: ImdbSite, gate: CountingGate) -> ImdbSite:
    return shared_site


def run(site: ImdbSite, mode="full", known=frozenset(), movie=MOVIE) -> tuple[Crawl, list[str]]:
    crawl = site.crawl(movie, mode, known)
    return crawl, [r.review_id for batch in crawl for r in batch]


def test_full_collects_every_review_once(site: ImdbSite, gate: CountingGate) -> None:
    crawl, ids = run(site)
    assert (crawl.status, crawl.reason, crawl.end_reached) == ("complete", None, True)
    assert (crawl.review_count_start, crawl.review_count_end, crawl.distinct_ids) == (57, 57, 57)
    assert len(ids) == len(set(ids)) == 57
    assert crawl.sentence == "All 57 reviews were read."
    assert gate.waits <= 4  # three requests, and robots.txt once a site
    assert (crawl.movie.imdb_id, crawl.snapshot.review_count) == (MOVIE, 57)


def test_incremental_stops_at_a_whole_known_batch(site: ImdbSite, gate: CountingGate) -> None:
    _, every = run(site)
    gate.waits = 0
    crawl, ids = run(site, "incremental", frozenset(every))
    assert (crawl.status, len(ids), gate.waits) == ("complete", 25, 1)
    crawl, ids = run(site, "incremental", frozenset(every[7:]))
    assert (crawl.status, len(ids)) == ("complete", 50)
    assert crawl.sentence == "7 new; the 25 before them were known."
    crawl, ids = run(site, "incremental")
    assert (crawl.status, len(ids), crawl.end_reached) == ("complete", 57, True)


def test_page_that_ignores_the_address_is_sorted_by_its_control(site: ImdbSite, switch) -> None:
    _, newest_first = run(site)
    switch("ignore_sort", True)
    crawl, ids = run(site, "incremental", frozenset(newest_first))
    assert crawl.status == "complete"
    assert set(newest_first[:25]) <= set(ids)
    assert len(ids) < 57
    crawl, ids = run(site)
    assert (crawl.status, set(ids)) == ("complete", set(newest_first))


def test_cards_alone_give_the_same_reviews(site: ImdbSite, switch) -> None:
    _, ids = run(site)
    by_json = {r.review_id: r.content_hash for b in site.crawl(MOVIE, "full") for r in b}
    switch("missing_next_data", True)
    crawl = site.crawl(MOVIE, "full")
    by_dom = {r.review_id: r.content_hash for b in crawl for r in b}
    assert (crawl.status, crawl.variant.split()[0]) == ("complete", "dom")
    assert by_dom == by_json
    assert len(by_dom) == len(ids)


def test_few_reviews_need_one_page(site: ImdbSite, gate: CountingGate) -> None:
    crawl, ids = run(site, movie=SMALL)
    assert (crawl.status, len(ids)) == ("complete", 3)
    assert gate.waits <= 2


@pytest.mark.parametrize("shown", [5, 0])
def test_gate_keeps_what_was_shown(site: ImdbSite, switch, shown: int) -> None:
    switch("gate", shown)
    crawl, ids = run(site)
    assert (crawl.status, crawl.reason, len(ids)) == ("gated", "sign_in", shown)
    assert crawl.sentence.startswith(f"{shown} of 57 reviews were shown")


@pytest.mark.parametrize(
    ("name", "reason", "after"),
    [
        ("status_403", "forbidden", None),
        ("waf_challenge", "challenge", None),
        ("captcha", "captcha", None),
        ("rate_limited", "rate_limited", 120.0),
    ],
)
@pytest.mark.parametrize(("where", "kept"), [("reviews", 0), ("graphql", 25)])
def test_refusal_pauses_the_host_and_is_final(site, gate, switch, name, reason, after, where, kept):
    switch(name, where)
    crawl = site.crawl(MOVIE, "full")
    got = []
    with pytest.raises(Blocked) as caught:
        got.extend(r for batch in crawl for r in batch)
    assert caught.value.reason == reason
    assert gate.pauses == [(reason, after)]
    assert crawl.distinct_ids == kept
    assert (crawl.status, crawl.reason) == ("partial", "interrupted")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("server_error", "unavailable"), ("reset", "reset"), ("broken_page", "broken_page")],
)
def test_site_that_fails_may_be_tried_later(site, switch, name, reason) -> None:
    switch(name, "reviews")
    with pytest.raises(SiteUnavailable) as caught:
        run(site)
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ["server_error", "reset"])
def test_failing_answer_ends_as_partial_with_figures(site, gate, switch, name) -> None:
    switch(name, "graphql")
    crawl, ids = run(site)
    assert (crawl.status, crawl.reason, len(ids)) == ("partial", "no_more_loaded", 25)
    assert crawl.sentence.startswith("25 of 57 reviews were shown: the button for more failed")
    assert gate.waits <= 4  # one page, two presses


@pytest.mark.parametrize(("where", "kept"), [("reviews", 0), ("graphql", 25)])
def test_drift_is_an_error_and_its_page_is_kept(site, switch, where, kept) -> None:
    switch("layout_drift", where)
    crawl = site.crawl(MOVIE, "full")
    with pytest.raises(LayoutChanged):
        list(crawl)
    assert crawl.distinct_ids == kept
    assert crawl.last_page.html


def test_look_and_search(site: ImdbSite) -> None:
    movie, snapshot = site.look(MOVIE)
    assert (movie.imdb_id, snapshot.review_count) == (MOVIE, 57)
    assert snapshot.taken_at is not None
    word = movie.title.split()[0]
    assert MOVIE in [hit.imdb_id for hit in site.search(f"  {word} ")]
    assert site.search("   ") == []
    assert site.search("zzzz no such title?/#") == []
    with pytest.raises(NotFound):
        site.look("tt99999999")


@pytest.mark.parametrize(
    ("answer", "error"), [("forbid", Blocked), ("403", Blocked), ("missing", None)]
)
def test_robots_come_first(base, switch, answer: str, error: type[FilmpulseError] | None) -> None:
    switch("robots", answer)
    gate = CountingGate()
    settings = Settings(source_urls={"imdb": base}, author_secret="s" * 32, page_timeout_seconds=4)
    with ImdbSite(settings, gate) as site:
        if error is None:
            assert site.search("lamp") is not None
            return
        for ask in (lambda: site.look(SMALL), lambda: site.search("lamp")):
            with pytest.raises(error) as caught:
                ask()
            assert caught.value.reason == "robots"
        assert site._browser is None  # not even a browser was started
        # A rule is no refusal; rules that are refused are one, each time they are asked for.
        assert gate.pauses == ([] if answer == "forbid" else [("robots", None)] * 2)


def test_a_turn_is_asked_for_once_there_is_a_browser(base: str) -> None:
    gate, nobody = CountingGate(), "http://127.0.0.1:9"
    settings = Settings(source_urls={"imdb": base}, selenium_remote_url=nobody)
    with ImdbSite(settings, gate) as site, pytest.raises(BrowserUnavailable) as caught:
        site.look(MOVIE)
    assert (caught.value.reason, gate.waits) == ("grid_unavailable", 1)  # for robots.txt alone


def test_live_reading_is_off_until_switched_on() -> None:
    with pytest.raises(BadInput, match="FILMPULSE_IMDB_URL"):
        ImdbSite(Settings(), CountingGate())


def test_reviewers_need_a_secret(base: str) -> None:
    with (
        ImdbSite(Settings(source_urls={"imdb": base}), CountingGate()) as site,
        pytest.raises(BadInput, match="FILMPULSE_AUTHOR_SECRET"),
    ):
        site.crawl(MOVIE, "full")


@pytest.mark.parametrize(
    ("switches", "read", "end", "status"),
    [
        ({"arrives": 1}, 57, 58, "complete"),
        ({"arrives": 30}, 57, 87, "complete"),
        ({"vanishes": "given"}, 57, 56, "complete"),
        ({"vanishes": "cursor"}, 57, 56, "complete"),
        ({"vanishes": "coming"}, 56, 56, "complete"),
        ({"vanishes": "last"}, 56, 56, "complete"),
        ({"arrives": 2, "vanishes": "given"}, 57, 58, "complete"),
        # one came and one went unread: fewer than either count, so nobody may call it whole
        ({"arrives": 1, "vanishes": "last"}, 56, 57, "partial"),
        ({"shifting_pages": True, "arrives": 3}, 57, 60, "complete"),
        # a batch that repeats 20 of 25, and 5 of those that came
        ({"shifting_pages": True, "arrives": 30}, 62, 87, "complete"),
    ],
    ids=str,
)
def test_list_that_changes_while_it_is_read(
    site: ImdbSite, running_site, switch, switches, read: int, end: int, status: str
) -> None:
    before = {r.review_id for batch in site.crawl(MOVIE, "full") for r in batch}
    for name, value in switches.items():
        switch(name, value)
    crawl, ids = run(site)
    assert len(ids) == len(set(ids)) == crawl.distinct_ids == read
    assert (crawl.review_count_start, crawl.review_count_end) == (57, end)
    # of those that were there from the start to the end not one is missing
    for name in switches:
        switch(name, None)
    after = {r.review_id for batch in site.crawl(MOVIE, "full") for r in batch}
    assert before & after <= set(ids)
    assert crawl.status == status
    if status == "complete":
        assert crawl.sentence == (
            f"{read} reviews were read, to the end of the list; meanwhile the site's count went "
            f"from 57 to {end}."
        )
    else:
        assert crawl.reason == "count_mismatch"
        assert crawl.sentence == "56 of 57 reviews were shown: the list ended there."


def test_challenge_in_place_of_an_answer_is_a_refusal_at_once(site, gate, switch) -> None:
    switch("challenge_page", "graphql")
    crawl = site.crawl(MOVIE, "full")
    with pytest.raises(Blocked) as caught:
        list(crawl)
    assert (caught.value.reason, gate.pauses) == ("challenge", [("challenge", None)])
    assert gate.waits <= 3  # robots.txt, the page, one press
    switch("challenge_page", "suggestion")
    with pytest.raises(Blocked):
        site.search("lamp")
