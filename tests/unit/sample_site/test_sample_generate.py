"""What the sample site makes up: enough, varied, and the same each time."""

from __future__ import annotations

import re
import statistics
import unicodedata
from datetime import date, timedelta
from functools import cache

import pytest

from filmpulse.items import canonical_text, text_from_html
from filmpulse.sample_site import MOVIE_IDS, generate
from filmpulse.sample_site.generate import SampleMovie, SampleReview, write_new
from filmpulse.sample_site.payloads import body_html, dom_date

ANCHOR = date(2026, 3, 14)


@cache
def movies() -> dict[str, SampleMovie]:
    return {movie.imdb_id: movie for movie in generate(7, ANCHOR)}


def reviews() -> list[SampleReview]:
    return [review for movie in movies().values() for review in movie.reviews]


def mean_rating(some: list[SampleReview]) -> float:
    return statistics.mean(review.rating for review in some if review.rating)


def test_same_seed_and_anchor_give_the_same_movies() -> None:
    assert generate(7, ANCHOR) == tuple(movies().values())
    assert generate(8, ANCHOR) != tuple(movies().values())


def test_six_movies_with_ids_that_are_not_real() -> None:
    assert tuple(movies()) == MOVIE_IDS
    assert len(MOVIE_IDS) == 6
    assert all(re.fullmatch(r"tt99\d{6}", imdb_id) for imdb_id in MOVIE_IDS)


def test_sizes_differ_and_add_up() -> None:
    sizes = [len(movie.reviews) for movie in movies().values()]
    assert sum(sizes) >= 600
    assert max(sizes) == 250
    assert len(set(sizes)) == 6


def test_the_old_movie_has_three_reviews() -> None:
    old = movies()[MOVIE_IDS[-1]]
    assert old.released_on.year == 1931
    assert len(old.reviews) == 3


def test_ids_are_unique_and_rise_with_the_date() -> None:
    everything = reviews()
    assert len({review.review_id for review in everything}) == len(everything)
    for movie in movies().values():
        ids = [review.review_id for review in movie.reviews]
        days = [review.submitted_on for review in movie.reviews]
        assert ids == sorted(ids)
        assert days == sorted(days)


def test_series_end_on_the_anchor_day_and_start_at_the_release() -> None:
    for movie in movies().values():
        days = [review.submitted_on for review in movie.reviews]
        assert movie.released_on <= days[0]
        assert days[-1] <= ANCHOR
        if movie.released_on.year > 2000:
            assert days[-1] == ANCHOR


def test_most_reviews_come_soon_after_the_release() -> None:
    movie = movies()[MOVIE_IDS[0]]
    span = ANCHOR - movie.released_on
    first_third = [r for r in movie.reviews if r.submitted_on < movie.released_on + span / 3]
    assert len(first_third) > len(movie.reviews) / 2


def test_one_movie_falls_from_grace_and_one_recovers() -> None:
    def halves(imdb_id: str) -> tuple[float, float]:
        movie = movies()[imdb_id]
        middle = movie.released_on + (ANCHOR - movie.released_on) / 2
        early = [r for r in movie.reviews if r.submitted_on < middle]
        late = [r for r in movie.reviews if r.submitted_on >= middle]
        assert min(len(early), len(late)) >= 30  # fewer could not be shown as a trend
        return mean_rating(early), mean_rating(late)

    early, late = halves(MOVIE_IDS[1])
    assert early - late > 3
    early, late = halves(MOVIE_IDS[2])
    assert late - early > 2


@pytest.mark.parametrize(
    ("what", "low", "high"), [("is_spoiler", 0.05, 0.12), ("unrated", 0.01, 0.06)]
)
def test_shares(what: str, low: float, high: float) -> None:
    everything = reviews()
    hits = [r for r in everything if (r.is_spoiler if what == "is_spoiler" else r.rating is None)]
    assert low < len(hits) / len(everything) < high


def test_lengths_go_from_one_line_to_several_thousand_characters() -> None:
    lengths = sorted(len(review.body) for review in reviews())
    assert lengths[0] < 20
    assert 150 < statistics.median(lengths) < 600
    assert lengths[-1] > 2500


def test_texts_hold_what_breaks_readers() -> None:
    text = "\n".join(review.body for review in reviews())
    for piece in ("<i>", "&", '"', "'", "\u2019", "\n- ", "\n\n", "👩\u200d🚀"):
        assert piece in text, piece
    assert any(unicodedata.combining(c) for c in text)
    directions = {unicodedata.bidirectional(c) for c in text}
    assert {"AL", "R"} & directions


def test_several_languages_and_mostly_english() -> None:
    scripts = {"CJK": 0, "HIRAGANA": 0, "HANGUL": 0, "ARABIC": 0, "DEVANAGARI": 0}
    for review in reviews():
        for script in scripts:
            scripts[script] += any(script in unicodedata.name(c, "") for c in review.title)
    assert all(scripts.values()), scripts
    english = [r for r in reviews() if re.search(r"\b(the|and|it|is)\b", r.body.lower())]
    assert 0.8 < len(english) / len(reviews()) < 0.98


def test_two_texts_are_the_same_and_one_author_comes_back() -> None:
    big = movies()[MOVIE_IDS[0]].reviews
    long = [review for review in big if len(review.body) > 200]
    assert len({review.body for review in long}) == len(long) - 1
    assert len({review.author_id for review in big}) < len(big)
    authors = [{r.author_id for r in movie.reviews} for movie in movies().values()]
    assert authors[0] & authors[1]


def test_no_slot_is_left_open_and_no_line_is_said_too_often() -> None:
    for movie in movies().values():
        sentences = [s for r in movie.reviews for s in re.split(r"(?<=[.!?])\s", r.body)]
        assert not [s for s in sentences if "{" in s]
        long = [s for s in sentences if len(s) > 60]
        for sentence in set(long):
            assert long.count(sentence) <= max(10, len(movie.reviews) // 10), sentence


def test_text_survives_the_way_into_html_and_back() -> None:
    for review in reviews():
        assert text_from_html(body_html(review.body)) == canonical_text(review.body)


def test_html_uses_the_entities_and_tags_of_the_real_pages() -> None:
    body = 'It\'s <b> & "so" > on\n\nList:\n- one\n- two\nend'
    assert body_html(body) == (
        "It&#39;s &lt;b&gt; &amp; &quot;so&quot; &gt; on<br/><br/>List:"
        "<ul><li>one</li><li>two</li></ul>end"
    )


def test_the_visible_date_is_one_day_early() -> None:
    first_of_march = next(r for r in reviews() if r.submitted_on.day == 1)
    before = first_of_march.submitted_on - timedelta(days=1)
    assert dom_date(first_of_march) == f"{before:%b} {before.day}, {before.year}"


def test_extra_movies_come_after_the_six_and_leave_them_alone() -> None:
    many = generate(7, ANCHOR, extra_movies=3, extra_reviews=12)
    assert many[:6] == tuple(movies().values())
    assert [m.imdb_id for m in many[6:]] == ["tt99000007", "tt99000008", "tt99000009"]
    assert [len(m.reviews) for m in many[6:]] == [12, 12, 12]


def test_one_extra_movie_can_be_big() -> None:
    big = generate(7, ANCHOR, extra_movies=1, extra_reviews=2000)[-1]
    assert len({review.review_id for review in big.reviews}) == 2000


def test_new_reviews_go_on_with_the_numbers() -> None:
    movie = movies()[MOVIE_IDS[-1]]
    new = write_new(movie, 7, first=3, count=2, day=date(2026, 3, 20))
    assert [review.review_id for review in new] == ["rw99000600004", "rw99000600005"]
    assert {review.submitted_on for review in new} == {date(2026, 3, 20)}
    assert all(review.body for review in new)
