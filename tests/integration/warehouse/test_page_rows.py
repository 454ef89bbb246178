"""What pages and the API read: lists, filters and cursors, by rows as jobs leave them.

How a movie stands is in `tests/integration/jobs/test_movie_states.py`.
"""

import statistics
import threading
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dashboard_marts import ASPECTS, MOVIE, OTHER, RELEASE, Invented

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.lake import Lake
from filmpulse.warehouse import figures, movies, pages
from filmpulse.warehouse.pages import ReviewCursor, ReviewFilter

pytestmark = pytest.mark.rows_by_hand

NOW = datetime.now(UTC)


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


def find(invented, most=1000, **chosen):
    return pages.find_reviews(MOVIE, ReviewFilter(**chosen), invented.warehouse, most=most)


def ids(found):
    return [one.review_id for one in found]


def walk(invented, chosen=ReviewFilter(), most=7):  # noqa: B008 - it never changes
    """Yield the ids of all pages, one by one."""
    after = None
    while found := pages.find_reviews(MOVIE, chosen, invented.warehouse, after=after, most=most):
        yield from ids(found)
        after = found[-1].cursor


# ------------------------------------------------------------------------------------- nothing yet


def test_all_can_be_read_of_an_empty_warehouse_and_of_a_movie_without_reviews(invented):
    warehouse = invented.warehouse
    for is_known in (False, True):
        if is_known:
            invented.movie()
        for read in (pages.cards, pages.card_aspects, pages.card_weeks, pages.states, pages.tags):
            assert read(warehouse, imdb_ids=[OTHER]) == []
            read(warehouse, imdb_ids=None)
        for read in (
            pages.poster, pages.weeks, pages.languages, pages.sources, pages.checks, pages.visits,
            pages.costs, pages.awaited,
        ):  # fmt: skip
            assert read(warehouse, imdb_id=MOVIE) == []
        for grain in pages.GRAINS:
            assert pages.aspect_series(warehouse, imdb_id=MOVIE, grain=grain) == []
        assert len(pages.grades(warehouse, imdb_id=MOVIE)) == 11
        assert len(pages.events(warehouse, imdb_id=MOVIE)) == is_known
        assert pages.quotes(warehouse, imdb_id=MOVIE, most=3, spoilers=True) == []
        assert find(invented) == []
        assert pages.read_review(MOVIE, "imdb", "rw1", warehouse) is None
        assert pages.collections(warehouse, imdb_id=None, before=None, most=9) == []
        assert pages.llm_days(warehouse, day_from=RELEASE) == pages.text_costs(warehouse) == []
        assert len(pages.facts(warehouse)) == 9
        assert pages.backups(warehouse) == []
    changes = pages.read_changes(MOVIE, NOW, warehouse)
    assert (changes.counts.new_reviews, changes.counts.site, changes.means) == (0, None, [])
    with pytest.raises(BadInput):
        pages.read_changes(OTHER, NOW, warehouse)


# --------------------------------------------------------------------------------- the list of all


def test_a_card_has_no_figures_before_the_movie_was_counted_and_all_as_of_now_after(invented):
    invented.movie(site=50)
    for number in range(40):
        invented.review(number % 3 - 1, {"acting": number % 3 - 1}, submitted_on=NOW.date())
    (before,) = pages.cards(invented.warehouse, imdb_ids=None)
    assert (before.site_rating, before.site_votes, before.reviews) == (7.1, 1000, None)
    assert (before.counted_at, before.is_enough, before.tags) == (None, False, [])

    figures.count_all(invented.warehouse)
    invented.look(MOVIE, NOW, 8.2, 60)
    (card,) = pages.cards(invented.warehouse, imdb_ids=[MOVIE])
    scores = [number % 3 - 1 for number in range(40)]
    assert (card.movie, card.title, card.year) == (
        "The Glass Orchard (2026)", "The Glass Orchard", 2026,
    )  # fmt: skip
    assert (card.reviews, card.known_reviews, card.coverage) == (40, 60, 0.6667)
    assert card.mean_overall == pytest.approx(statistics.mean(scores))
    half = 1.96 * statistics.stdev(scores) / 40**0.5
    assert card.half_interval == pytest.approx(half)
    assert card.is_enough
    assert (card.site, card.site_rating) == ("imdb", 8.2)
    aspects = pages.card_aspects(invented.warehouse, imdb_ids=[MOVIE])
    assert [one.aspect for one in aspects] == list(ASPECTS)
    assert [one.mentions for one in aspects] == [0, 40, 0, 0, 0]


def test_weeks_of_a_card_are_the_last_26_and_leave_out_empty_ones(invented):
    invented.movie()
    with invented.warehouse.connect() as connection:  # in a transaction the time stands still
        now = connection.execute("SELECT now() AT TIME ZONE 'UTC' AS now").fetchone()["now"]
        monday = now.date() - timedelta(days=now.weekday())
        for weeks_ago in (0, 0, 25, 26, 300):
            invented.review(submitted_on=monday - timedelta(weeks=weeks_ago))
        invented.review(submitted_on=None)
        figures.count_all(invented.warehouse)
        found = pages.card_weeks(connection, imdb_ids=None)
    assert [(one.starts_on, one.reviews) for one in found] == [
        (monday - timedelta(weeks=25), 1), (monday, 2),
    ]  # fmt: skip


def test_the_site_of_a_card_is_the_one_with_the_most_reviews(invented):
    invented.movie(site=10)
    invented.rows("INSERT INTO ops.sources VALUES ('other', 'site', 'Other')")
    invented.rows("INSERT INTO core.movie_snapshots VALUES (%s, now(), 5.5, 9, 11, 'other')", MOVIE)
    (card,) = pages.cards(invented.warehouse, imdb_ids=None)
    assert (card.site, card.site_rating) == ("other", 5.5)
    counts = invented.row("SELECT site FROM mart.movie_counts")
    assert counts["site"] == card.site


# -------------------------------------------------------------------------------- tags and posters


def tag(invented, tag, imdb_id=MOVIE):
    return movies.add_tag.first(invented.warehouse, imdb_id=imdb_id, tag=tag)


def test_a_tag_keeps_its_case_and_is_one_without_it(invented):
    invented.movie()
    invented.movie(OTHER, "Paper Signal")
    assert tag(invented, "Competitors") == "Competitors"
    assert tag(invented, "competitors") == "Competitors"
    assert tag(invented, "COMPETITORS", OTHER) == "Competitors"
    assert tag(invented, "zeiß", OTHER) == "zeiß"
    assert tag(invented, "x", "tt9999999") is None
    found = pages.tags(invented.warehouse, imdb_ids=None)
    assert found == [(MOVIE, "Competitors"), (OTHER, "Competitors"), (OTHER, "zeiß")]
    (card,) = pages.cards(invented.warehouse, imdb_ids=[OTHER])
    assert card.tags == ["Competitors", "zeiß"]
    assert movies.remove_tag(invented.warehouse, imdb_id=OTHER, tag="cOMPETITORS") == 1
    assert movies.remove_tag(invented.warehouse, imdb_id=OTHER, tag="competitors") == 0
    assert [one.tag for one in pages.tags(invented.warehouse, imdb_ids=[OTHER])] == ["zeiß"]


@pytest.mark.parametrize("wrong", ["", " ", " a", "a ", "a\n", "x" * 41])
def test_a_tag_has_1_to_40_characters_without_space_around(invented, wrong):
    invented.movie()
    with pytest.raises(psycopg.errors.CheckViolation):
        tag(invented, wrong)
    assert tag(invented, "ü" * 40)


def test_one_tag_set_by_eight_at_once_is_kept_once(invented):
    invented.movie()
    threads = [
        threading.Thread(target=tag, args=(invented, name)) for name in ("Rivals", "rivals") * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages.tags(invented.warehouse, imdb_ids=[MOVIE])) == 1


def poster(invented, image, imdb_id=MOVIE):
    return movies.store_poster(
        invented.warehouse, imdb_id=imdb_id, source_url="https://site.example/1.jpg", image=image,
        media_type="image/jpeg", width=60, height=90, fetched_at=NOW - timedelta(hours=1),
    )  # fmt: skip


def test_a_poster_is_stored_replaced_and_told_of(invented):
    invented.movie()
    assert poster(invented, b"\xff\xd8\x00one") == 1
    assert poster(invented, b"\xff\xd8\x00two") == 1
    assert poster(invented, b"\xff", OTHER) == 0
    found = pages.poster.one(invented.warehouse, imdb_id=MOVIE)
    assert (found.image, found.media_type) == (b"\xff\xd8\x00two", "image/jpeg")
    assert pages.cards.one(invented.warehouse, imdb_ids=None).has_poster


def test_erasing_a_movie_takes_tags_and_poster_and_all_that_pages_read(invented, tmp_path):
    invented.movie(site=3)
    invented.review(2, {"acting": (2, "The cast is wonderful here.")})
    tag(invented, "Competitors")
    poster(invented, b"\xff\xd8")
    figures.count_all(invented.warehouse)
    settings = Settings(author_secret="for tests only")
    context = jobs.Context(settings, invented.warehouse, lambda: Lake(tmp_path.as_uri()))
    jobs.erase("movie", MOVIE, context)
    for read in (pages.cards, pages.card_aspects, pages.card_weeks, pages.states, pages.tags):
        assert read(invented.warehouse, imdb_ids=None) == []
    assert pages.poster(invented.warehouse, imdb_id=MOVIE) == []
    assert find(invented) == []


# ------------------------------------------------------------------------------------- one movie


def test_aspects_over_time_have_the_means_of_their_opinions(invented):
    invented.movie(site=100)
    january = [(2, 1), (0, -1), (1, 1)]
    for overall, acting in january:
        invented.review(overall, {"acting": acting}, submitted_on=date(2026, 1, 5))
    for _ in range(30):
        invented.review(1, {"acting": 2}, submitted_on=date(2026, 3, 31))
    invented.review(1, {"acting": -2}, submitted_on=None)
    figures.count_all(invented.warehouse)
    series = {
        grain: pages.aspect_series(invented.warehouse, imdb_id=MOVIE, grain=grain)
        for grain in pages.GRAINS
    }
    assert [(p.aspect, p.starts_on, p.n, p.is_enough) for p in series["month"]] == [
        ("overall", date(2026, 1, 1), 3, False), ("overall", date(2026, 3, 1), 30, True),
        ("acting", date(2026, 1, 1), 3, False), ("acting", date(2026, 3, 1), 30, True),
    ]  # fmt: skip
    acting = series["month"][2]
    values = [score for _, score in january]
    assert acting.mean_score == pytest.approx(statistics.mean(values))
    assert acting.half_interval == pytest.approx(1.96 * statistics.stdev(values) / 3**0.5)
    assert acting.days_since_release == (date(2026, 1, 1) - RELEASE).days
    assert [p.starts_on for p in series["week"][:2]] == [date(2026, 1, 5), date(2026, 3, 30)]
    assert [(p.starts_on, p.n) for p in series["quarter"]] == [
        (date(2026, 1, 1), 33), (date(2026, 1, 1), 33),
    ]  # fmt: skip


def test_grades_have_a_row_for_each_number_of_stars_and_for_none(invented):
    invented.movie()
    for stars in (1, 10, 10, None):
        invented.review(rating_1_10=stars)
    invented.review(rating_1_10=5, removed_at=NOW)
    found = pages.grades(invented.warehouse, imdb_id=MOVIE)
    assert found == [(1, 1), *((stars, 0) for stars in range(2, 10)), (10, 2), (None, 1)]


def test_quotes_of_spoilers_are_ranked_apart_and_come_only_on_request(invented):
    invented.movie()
    for helpful, is_spoiler in ((1, False), (9, True), (5, False), (3, True)):
        invented.review(
            2, {"acting": (2, f"The cast is wonderful, said {helpful}.")}, helpful_up=helpful,
            is_spoiler=is_spoiler,
        )  # fmt: skip

    def told(spoilers, most=3):
        found = pages.quotes(invented.warehouse, imdb_id=MOVIE, most=most, spoilers=spoilers)
        return [(one.helpful_up, one.place, one.is_spoiler) for one in found]

    assert told(spoilers=False) == [(5, 1, False), (1, 2, False)]
    assert told(spoilers=True) == [(5, 1, False), (9, 1, True), (1, 2, False), (3, 2, True)]
    assert told(spoilers=True, most=1) == [(5, 1, False), (9, 1, True)]
    best = invented.rows("SELECT helpful_up FROM mart.best_quotes ORDER BY place")
    assert [row["helpful_up"] for row in best] == [5, 1]


def test_changes_tell_new_edited_and_removed_and_compare_with_all_before(invented):
    since = NOW - timedelta(days=7)
    invented.movie()
    invented.look(MOVIE, since - timedelta(days=1), 7.0, 90)
    invented.look(MOVIE, since + timedelta(days=1), 7.4, 95)
    old = [invented.review(n % 2, {"sound": n % 2}, first_seen_at=since - timedelta(days=1))
           for n in range(50)]  # fmt: skip
    for n in range(30):
        invented.review(-(n % 2), {"acting": 1}, first_seen_at=since + timedelta(hours=1))
    invented.review(removed_at=NOW, first_seen_at=since - timedelta(days=9))
    for review in old[:2]:
        for at in (since - timedelta(days=1), since + timedelta(hours=n) if (n := 1) else None):
            invented.rows(
                "INSERT INTO core.review_revisions (source, review_id, replaced_at, imdb_id, body, "
                "is_spoiler, content_hash) VALUES (%s, %s, %s, %s, 'Before.', false, 'h')",
                review["source"], review["review_id"], at, MOVIE,
            )  # fmt: skip
    figures.count_all(invented.warehouse)
    changes = pages.read_changes(MOVIE, since, invented.warehouse)
    counts = changes.counts
    assert (counts.new_reviews, counts.edited_reviews, counts.removed_reviews) == (30, 2, 1)
    assert (counts.site_rating_then, counts.site_rating) == (7.0, 7.4)
    assert (counts.site_reviews_then, counts.site_reviews) == (90, 95)
    whole, acting, sound = changes.means
    assert [one.aspect for one in changes.means] == ["overall", "acting", "sound"]
    assert (whole.n_new, whole.mean_new, whole.n_before, whole.mean_before) == (30, -0.5, 50, 0.5)
    assert whole.difference == pytest.approx(-1)
    new, before = [-(n % 2) for n in range(30)], [n % 2 for n in range(50)]
    half = 1.96 * (statistics.variance(new) / 30 + statistics.variance(before) / 50) ** 0.5
    assert whole.difference_half_interval == pytest.approx(half)
    assert (whole.is_enough, whole.is_enough_difference) == (True, True)
    assert (acting.n_before, acting.difference, acting.is_enough_difference) == (0, None, False)
    assert (sound.n_new, sound.mean_new, sound.is_enough) == (0, None, False)


def test_costs_tell_each_analyser_that_read_the_movie(invented):
    invented.movie(analyser=2)
    review = invented.review(1)
    invented.analysis(review, 2, 2)
    invented.rows("UPDATE core.review_analyses SET cost_usd = 0.002, input_tokens = 900, "
                  "output_tokens = 50 WHERE analyser_id = 2")  # fmt: skip
    failed = invented.review()
    invented.analysis(failed, 2, None, status="over_budget")
    found = pages.costs(invented.warehouse, imdb_id=MOVIE)
    assert found == [
        ("llm", "toy", "v1", True, 1, 900, 50, 0.002),
        ("lexicon", None, "1", False, 1, 0, 0, 0),
    ]


def test_the_mean_cost_of_a_text_counts_what_was_asked_in_vain(invented):
    for outcome, usd in (("scored", 0.002), ("scored", 0.002), ("refused", 0.001)):
        invented.rows(
            "INSERT INTO ops.llm_calls (run_id, key, model, prompt_version, finished_at, outcome, "
            "reserved_usd, cost_usd) VALUES ('r', %s, 'toy', 'v1', now(), %s, 0.01, %s)",
            "a" * 64, outcome, usd,
        )  # fmt: skip
    (cost,) = pages.text_costs(invented.warehouse)
    assert (cost.model, cost.scored, cost.mean_usd) == ("toy", 2, pytest.approx(0.0025))
    (day,) = pages.llm_days(invented.warehouse, day_from=NOW.date() - timedelta(days=1))
    assert (day.calls, day.scored, day.cost_usd) == (3, 2, pytest.approx(0.005))


def test_collections_come_newest_first_page_by_page(invented):
    invented.movie()
    for number in range(7):
        invented.rows("INSERT INTO ops.collections (run_id, source, imdb_id, mode, status) "
                      "VALUES (%s, 'imdb', %s, 'full', 'complete')", f"run {number}",
                      OTHER if number == 3 else MOVIE)  # fmt: skip

    def page(before, imdb_id=MOVIE):
        return pages.collections(invented.warehouse, imdb_id=imdb_id, before=before, most=4)

    first = page(None)
    assert [one.run_id for one in first] == ["run 6", "run 5", "run 4", "run 2"]
    assert [one.run_id for one in page(first[-1].collection_id)] == ["run 1", "run 0"]
    assert len(page(None, imdb_id=None)) == 4


def test_a_failed_check_comes_first_and_each_check_once(invented):
    invented.movie()
    for at, name, passed in ((1, "dates", True), (2, "dates", False), (2, "counts", True)):
        invented.rows(
            "INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id, "
            "collected_at, passed, fails_run, n, sentence) "
            "VALUES (%s, %s, 'imdb', %s, %s, %s, false, 9, 'Said.')",
            f"m{at}", name, MOVIE, NOW - timedelta(days=9 - at), passed,
        )  # fmt: skip
    found = pages.checks(invented.warehouse, imdb_id=MOVIE)
    assert [(one.check_name, one.verdict) for one in found] == [
        ("dates", "fail"), ("counts", "pass"),
    ]  # fmt: skip


def test_backups_are_those_that_were_verified(invented):
    for number, status in enumerate(("verified", "failed", "running", "verified")):
        taken_at = NOW - timedelta(days=number) if status == "verified" else None
        invented.rows("INSERT INTO ops.backups (backup_id, url, started_at, taken_at, status) "
                      "VALUES (%s, 's3://b', now(), %s, %s)",
                      f"b{number}", taken_at, status)  # fmt: skip
    assert [one.backup_id for one in pages.backups(invented.warehouse)] == ["b0", "b3"]


# --------------------------------------------------------------------------------------- reviews


def test_reviews_come_newest_first_with_their_opinions_and_those_without_a_day_last(invented):
    invented.movie()
    invented.review(1, {"acting": (2, "A cast to remember."), "sound": -1}, submitted_on=RELEASE)
    invented.review(submitted_on=None)
    invented.review(submitted_on=RELEASE + timedelta(days=1))
    invented.review(submitted_on=RELEASE, removed_at=NOW)
    found = find(invented)
    assert ids(found) == ["rw3", "rw1", "rw2"]
    assert [(o.aspect, o.score, o.quote) for o in found[1].opinions] == [
        ("acting", 2, "A cast to remember."), ("sound", -1, None),
    ]  # fmt: skip
    assert (found[0].opinions, found[0].analysis_status, found[0].overall) == ((), None, None)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {1, 2, 3, 4, 5}),
        ({"aspect": "acting"}, {1, 2}),
        ({"aspect": "acting", "score_from": 1}, {1}),
        ({"aspect": "acting", "score_to": -1}, {2}),
        ({"aspect": "no aspect"}, set()),
        ({"score_from": 1}, {1}),
        ({"score_from": 0, "score_to": 0}, {2}),
        ({"stars_from": 3}, {1, 2}),
        ({"stars_from": 3, "stars_to": 3}, {2}),
        ({"day_from": RELEASE + timedelta(days=2)}, {2, 3}),
        ({"day_to": RELEASE + timedelta(days=1)}, {1}),
        ({"day_from": date.max}, set()),
        ({"language": "de"}, {2}),
        ({"language": pages.UNKNOWN}, {3}),
        ({"source": "letters"}, {4}),
        ({"source": "'; DROP TABLE core.reviews; --"}, set()),
        ({"spoilers": False}, {1, 2, 3, 4}),
        ({"words": "ORCHARD"}, {1, 2}),
        ({"words": "orchard burns"}, {1}),
        ({"words": "  heading\tof   one "}, {1}),
        ({"words": "ümlaut"}, {3}),
        ({"words": "ÜMLAUT straße"}, {3}),
        ({"words": "100%"}, {4}),
        ({"words": "%"}, {4}),
        ({"words": "snake_case"}, {4}),
        ({"words": "_"}, {4}),
        ({"words": "\\"}, {4}),
        ({"words": "c:\\dir"}, {4}),
        ({"words": "it's"}, {5}),
        ({"words": "'"}, {5}),
        ({"words": '"so"'}, {5}),
        ({"words": "🎬"}, {5}),
        ({"words": "orchard\0burns"}, {1}),
        ({"words": "\ud800"}, set()),
        ({"words": "o" * 10_000}, set()),
        ({"words": "orchard " * 1_250}, {1, 2}),
        ({"words": " ".join(map(str, range(2_000)))}, set()),
        ({"words": "{NULL} %s $1 \"} ' \\'"}, set()),
        ({"words": "orchard", "aspect": "acting", "score_to": -1, "stars_to": 3}, {2}),
    ],
)
def test_reviews_are_filtered(invented, chosen, expected):
    invented.movie()
    invented.movie(OTHER, "Paper Signal")
    invented.review(2, {"acting": 2}, rating_1_10=9, submitted_on=RELEASE, title="Heading of one",
                    body="The orchard burns.")  # fmt: skip
    invented.review(0, {"acting": -2}, rating_1_10=3, submitted_on=RELEASE + timedelta(days=2),
                    language="de", body="Orchard, again.")  # fmt: skip
    invented.review(submitted_on=RELEASE + timedelta(days=3), language=None,
                    body="Ein Ümlaut in der Straße.")  # fmt: skip
    invented.review(source="letters", submitted_on=None, body="100% snake_case at C:\\dir.")
    invented.review(is_spoiler=True, submitted_on=None, body='It\'s "so" 🎬.')
    invented.review(2, {"acting": 2}, imdb_id=OTHER, body="The orchard burns.")
    assert {int(one.removeprefix("rw")) for one in ids(find(invented, **chosen))} == expected


def test_the_cursor_walks_every_review_once_while_new_ones_arrive(invented):
    invented.movie()
    days = [RELEASE + timedelta(days=number // 5) for number in range(60)] + [None] * 12
    for number, day in enumerate(days):
        invented.review(submitted_on=day, source="letters" if number % 3 else "imdb")
    steady, met = {one.review_id for one in find(invented)}, []
    assert len(steady) == 72
    for number, one in enumerate(walk(invented)):
        met.append(one)
        if number % 5 == 0 and number < 60:  # above and below the place, in the middle of a day
            invented.review(submitted_on=RELEASE + timedelta(days=number % 14))
            invented.review(submitted_on=None)
    assert len(met) == len(set(met))
    assert steady <= set(met)
    assert ids(find(invented)) == list(walk(invented, most=1)) == list(walk(invented, most=100))


def test_the_cursor_keeps_to_a_filter(invented):
    invented.movie()
    for number in range(30):
        invented.review(number % 3 - 1, {"acting": number % 3 - 1}, body=f"Scene {number % 2}.")
    chosen = ReviewFilter(aspect="acting", score_from=1, words="scene 1")
    assert list(walk(invented, chosen, most=2)) == ids(find(invented, **chosen._asdict()))
    assert len(list(islice(walk(invented, chosen, most=2), 99))) == 5


@given(st.dates() | st.none(), st.text(), st.text())
def test_a_cursor_is_read_as_it_was_written(day, source, review_id):
    cursor = ReviewCursor(day, source, review_id)
    if "\0" in source + review_id:
        with pytest.raises(BadInput):
            ReviewCursor.parse(cursor.text)
    else:
        assert ReviewCursor.parse(cursor.text) == cursor
    assert cursor.text.isascii()
    assert "=" not in cursor.text


@settings(max_examples=300)
@given(st.text() | st.binary().map(lambda raw: raw.hex()))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_no_cursor_is_refused(text):
    try:
        read = ReviewCursor.parse(text)
    except BadInput:
        return
    assert ReviewCursor.parse(read.text) == read


@pytest.mark.parametrize(
    "text", ["", "a", "!", "é", "bnVsbA", "W10", "WzEsMiwzXQ", "WyJ4IiwgImEiLCAiYiJd", "W" * 50_000]
)
def test_a_broken_cursor_is_refused(invented, text):
    invented.movie()
    with pytest.raises(BadInput):
        pages.find_reviews(MOVIE, ReviewFilter(), invented.warehouse, after=text)


def test_one_review_is_read_with_what_it_said_before(invented):
    invented.movie()
    review = invented.review(2, {"sound": (1, "Sings well.")}, body="Now.")
    for days, body in ((9, None), (2, "Before.")):
        invented.rows(
            "INSERT INTO core.review_revisions (source, review_id, replaced_at, imdb_id, body, "
            "is_spoiler, content_hash) VALUES ('imdb', %s, %s, %s, %s, true, 'h')",
            review["review_id"], NOW - timedelta(days=days), MOVIE, body,
        )  # fmt: skip
    found = pages.read_review(MOVIE, "imdb", review["review_id"], invented.warehouse)
    assert (found.movie, found.body, found.overall) == ("The Glass Orchard (2026)", "Now.", 2)
    assert [one.quote for one in found.opinions] == ["Sings well."]
    assert [one.body for one in found.revisions] == ["Before.", None]
    assert pages.read_review(OTHER, "imdb", review["review_id"], invented.warehouse) is None
    invented.rows("UPDATE core.reviews SET removed_at = now()")
    assert pages.read_review(MOVIE, "imdb", review["review_id"], invented.warehouse) is None
