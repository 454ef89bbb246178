"""Checks after a load on a real Postgres: from the lake's lines to verdicts, and to a red run."""

import io
import random
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from rich.console import Console

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import CollectionFailed
from filmpulse.items import Dropped, Movie, Review
from filmpulse.lake import Manifest
from filmpulse.report import print_summary
from filmpulse.warehouse.figures import changing
from filmpulse.warehouse.quality import CHECKS

MOVIE, OTHER = "tt99000001", "tt99000002"
START = datetime(2026, 10, 1, 12, tzinfo=UTC)
WORDS = "slow and quiet film about the sea with a fine score that stays in the mind"


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    )


def text(number):
    draw = random.Random(number)
    return " ".join(draw.choices(WORDS.split(), k=draw.randrange(30, 90))) + f" {number}."


def review(number, imdb_id=MOVIE, **changes):
    """An ordinary review: one of ten has no stars, one of eight is a spoiler."""
    fields = {
        "review_id": f"rw{number}",
        "imdb_id": imdb_id,
        "author_key": f"{number:032d}",
        "title": f"Thoughts {number}",
        "body": text(number),
        "rating_1_10": None if number % 10 == 0 else number % 7 + 3,
        "submitted_on": date(2026, 7, 1) + timedelta(days=number % 90),
        "date_source": "json",
        "is_spoiler": number % 8 == 0,
        "helpful_up": number % 30,
        "helpful_down": number % 11,
    }
    return Review(**fields | changes)


def reviews(first, last, **changes):
    return [review(number, **changes) for number in range(first, last + 1)]


class Movies:
    """Loads made-up collections of one movie, one a day."""

    def __init__(self, context):
        self.context, self.day = context, 0

    def load(self, found, lines=None, imdb_id=MOVIE, is_scored=True, **changes):
        """Load a collection; answer the verdicts by check."""
        self.day += 1
        at = START + timedelta(days=self.day)
        writer = self.context.lake.begin("imdb", imdb_id, at)
        writer.append(found if lines is None else lines)
        fields = {
            "run_id": f"run{self.day}",
            "source": "imdb",
            "imdb_id": imdb_id,
            "mode": "incremental",
            "started_at": at,
            "finished_at": at,
            "status": "complete",
            "distinct_ids": len(found),
            "movie": Movie(imdb_id=imdb_id, title="The Quiet Sea", year=2026),
            "parts": tuple(writer.parts),
        }
        self.uri = writer.close(Manifest(**fields | changes))
        jobs.load(self.uri, self.context)
        if is_scored:
            jobs.analyse(imdb_id, self.context)
        return self.verdicts(self.uri)

    def verdicts(self, uri):
        found = rows(self.context, "SELECT * FROM ops.quality_checks WHERE manifest_uri = %s", uri)
        assert sorted(row["check_name"] for row in found) == sorted(CHECKS)
        return {row["check_name"]: row for row in found}

    def summarise(self):
        return jobs.summarise(f"run{self.day}", self.context)


@pytest.fixture
def movies(context):
    return Movies(context)


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def failed(verdicts):
    return sorted(name for name, row in verdicts.items() if row["passed"] is False)


def test_a_movie_as_it_should_be_passes_everything_it_can(movies):
    first = movies.load(reviews(1, 100), mode="full", review_count_end=100)
    assert failed(first) == []
    assert {n for n, row in first.items() if row["passed"]} == {
        "duplicate_keys", "dates", "ratings", "empty_text", "same_text", "cut_off", "coverage",
    }  # fmt: skip
    second = movies.load(reviews(76, 150), mode="full", status="partial", review_count_end=150)
    assert failed(second) == []
    assert {n for n, row in second.items() if row["passed"] is None} == {"coverage"}
    assert second["unrated"]["sentence"] == (
        "5 of the 50 newest reviews have no stars (10% of the 100 before them)."
    )
    assert second["edited"]["n"] == 25


FAULTS = {
    "ratings": {"rating_1_10": 1},
    "unrated": {"rating_1_10": None},
    "undated": {"submitted_on": None, "date_source": None},
    "untitled": {"title": ""},
    "unsigned": {"author_key": None},
    "spoilers": {"is_spoiler": True},
    "votes": {"helpful_up": 3, "helpful_down": 40},
    "empty_text": {"body": ""},
    "same_text": {"body": "Sign in to read this review, and all the other ones, on our site."},
    "dates": {"submitted_on": date(1926, 7, 1)},
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_parser_loses_turns_the_run_red_with_the_figures(movies, name):
    movies.load(reviews(1, 120))
    movies.summarise()
    verdicts = movies.load(reviews(121, 145, **FAULTS[name]))
    assert name in failed(verdicts)
    assert verdicts[name]["fails_run"]
    with pytest.raises(CollectionFailed, match=r"1 of 1 movies did not end well") as error:
        movies.summarise()
    said = str(error.value)
    assert f"{MOVIE} The Quiet Sea: not as it should be: " in said
    assert f"{verdicts[name]['sentence'].rstrip('.')} (`{name}`)" in said
    assert "docs/runbooks/data_quality.md" in said
    (line,) = jobs.failed_checks([movies.uri], movies.context)
    assert line in said
    # nothing was taken back
    assert len(rows(movies.context, "SELECT FROM core.reviews")) == 145


def test_what_is_lost_is_said_in_figures(movies):
    movies.load(reviews(1, 120))
    lost = reviews(121, 143, rating_1_10=None) + reviews(144, 145)
    assert movies.load(lost)["unrated"]["sentence"] == (
        "23 of the 25 newest reviews have no stars (10% of the 100 before them)."
    )


def test_titles_and_bodies_changed_places(movies):
    movies.load(reviews(1, 120))
    swapped = [r.model_copy(update={"title": r.body, "body": r.title}) for r in reviews(121, 145)]
    assert "text_length" in failed(movies.load(swapped))


def test_texts_cut_off_at_one_length(movies):
    movies.load(reviews(1, 120))
    cut = [r.model_copy(update={"body": r.body[:100]}) for r in reviews(121, 145)]
    verdicts = movies.load(cut)
    assert {"cut_off", "text_length"} <= set(failed(verdicts))
    assert "25 of the 25 newest texts are exactly 100 characters" in verdicts["cut_off"]["sentence"]


def test_garbled_texts_are_in_no_language(movies):
    movies.load(reviews(1, 120))
    garbled = [
        r.model_copy(update={"body": "".join(chr(0x2500 + ord(c) % 128) for c in r.body)})
        for r in reviews(121, 145)
    ]
    verdicts = movies.load(garbled)
    assert "languages" in failed(verdicts)
    assert "of the 100 before them)" in verdicts["languages"]["sentence"]


def test_a_future_day_is_a_fault_but_not_tomorrow_elsewhere_on_earth(movies):
    (day,) = [START.date() + timedelta(days=1)]
    assert failed(movies.load(reviews(1, 3, submitted_on=day + timedelta(days=1)))) == []
    verdicts = movies.load(reviews(4, 4, submitted_on=day + timedelta(days=400)))
    assert failed(verdicts) == ["dates"]
    assert "1 of 4 reviews are dated in the future" in verdicts["dates"]["sentence"]
    # a load that brings none of it is green, with a warning as long as it stands
    assert failed(movies.load(reviews(5, 7))) == ["dates"]
    (warning,) = movies.summarise().warnings
    assert warning.startswith(f"{MOVIE} The Quiet Sea: still not as it should be: 1 of 7")
    # mended on the site
    assert failed(movies.load(reviews(4, 4))) == []
    assert movies.summarise().warnings == []


def test_lines_ids_and_manifest_must_agree(movies):
    found = reviews(1, 5)
    assert failed(movies.load(found, lines=found + found[:2])) == ["duplicate_keys"]
    assert failed(movies.load(found, lines=found[:4])) == ["duplicate_keys"]
    assert failed(movies.load(found, lines=found + found[:2], mode="import")) == []
    verdicts = movies.load(reviews(4, 6, imdb_id=OTHER), imdb_id=OTHER)
    assert failed(verdicts) == ["duplicate_keys"]
    assert verdicts["duplicate_keys"]["sentence"] == "2 ids belong to reviews of another movie."


def test_a_mass_edit_and_a_mass_removal(movies):
    movies.load(reviews(1, 60), mode="full")
    day_off = [
        r.model_copy(update={"submitted_on": r.submitted_on - timedelta(days=1)})
        for r in reviews(1, 60)
    ]
    verdicts = movies.load(day_off, mode="full")
    assert failed(verdicts) == ["edited"]
    assert verdicts["edited"]["sentence"] == (
        "60 of 60 known reviews that were read again had changed (day in 60)."
    )
    stars = [r.model_copy(update={"rating_1_10": None}) for r in day_off]
    assert "(stars in 54)" in movies.load(stars, mode="full")["edited"]["sentence"]
    verdicts = movies.load(stars[:40], mode="full", review_count_end=40)
    assert failed(verdicts) == ["removed", "unrated"]
    assert verdicts["removed"]["sentence"] == "20 of 60 known reviews had vanished."
    assert verdicts["unrated"]["sentence"].startswith("40 of the 40 newest reviews have no stars")


def test_a_better_route_to_the_days_is_no_mass_edit(movies):
    early = [
        r.model_copy(
            update={"submitted_on": r.submitted_on - timedelta(days=1), "date_source": "dom"}
        )
        for r in reviews(1, 40)
    ]
    movies.load(early, mode="full")
    verdicts = movies.load(reviews(1, 40), mode="full")
    assert rows(movies.context, "SELECT count(*) AS n FROM core.review_revisions")[0]["n"] == 40
    assert failed(verdicts) == []
    assert verdicts["edited"]["figure"] == 0


def test_coverage(movies):
    assert movies.load(reviews(1, 30), review_count_end=30)["coverage"]["figure"] == 1
    gated = movies.load(reviews(31, 31), status="gated", review_count_end=300)["coverage"]
    assert (gated["passed"], round(gated["figure"], 2)) == (None, 0.10)
    assert gated["sentence"].endswith("not judged, the collection ended as gated.")
    assert movies.load(reviews(32, 33), review_count_end=33)["coverage"]["passed"] is True
    fell = movies.load(reviews(34, 34), review_count_end=300)["coverage"]
    assert (fell["passed"], fell["fails_run"]) == (False, True)
    assert fell["sentence"] == "34 of 300 reviews are here: 11%, 100% before."
    misread = movies.load(reviews(35, 35), review_count_end=3)["coverage"]
    assert misread["sentence"] == "35 reviews are here and the site says it has 3."


def test_a_slow_loss_is_noticed_over_many_small_loads(movies):
    movies.load(reviews(1, 120))
    lost_after = None
    for number in range(121, 160, 3):
        verdict = movies.load(reviews(number, number + 2, rating_1_10=None))["unrated"]
        if verdict["passed"] is False:
            assert verdict["fails_run"]
            lost_after = number + 2 - 120
            break
    assert lost_after == 21


def test_a_handful_of_reviews_alarms_nobody(movies):
    for name, change in FAULTS.items():
        if name in ("empty_text", "dates"):
            continue
        first = 1 + 1000 * list(FAULTS).index(name)
        assert failed(movies.load(reviews(first, first + 3, **change))) == [], name
        with movies.context.warehouse.connect() as connection, changing(connection, MOVIE):
            connection.execute("DELETE FROM core.reviews")


HOSTILE = {
    "nothing at all": [],
    "one review": [review(1)],
    "every field empty": [
        Review(review_id=f"rw{n}", imdb_id=MOVIE, title="", body="", submitted_on=None)
        for n in range(40)
    ],
    "unicode": [
        review(n, title="💥\u202eأ'; DROP TABLE--", body="日本語の文章 %s {} $1 \\ 👩‍🚀 " * n)
        for n in range(1, 41)
    ],
    "dropped texts": [
        review(n, title="", body="", dropped=Dropped(content_hash=f"{n:064d}", language=None))
        for n in range(1, 41)
    ],
    "the ends of time": [review(n, submitted_on=d) for n, d in enumerate((date.min, date.max))],
    "huge votes": [review(n, helpful_up=2**31 - 1, helpful_down=2**31 - 1) for n in range(30)],
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_is_loaded_is_judged(movies, name):
    before = [review(n) for n in range(500, 560)]
    for _ in range(2):
        movies.load(HOSTILE[name], is_scored=False)
        movies.load(before, is_scored=False, movie=None)


def test_the_marts_say_it_in_words_and_keep_a_verdict_that_a_small_load_cannot_judge(movies):
    movies.load(reviews(1, 60), mode="full")
    movies.load([r.model_copy(update={"title": "Edited"}) for r in reviews(1, 60)])
    movies.load(reviews(61, 62))
    latest = {
        row["check_name"]: row
        for row in rows(movies.context, "SELECT * FROM mart.quality_checks WHERE is_latest")
    }
    assert set(latest) == set(CHECKS)
    assert latest["edited"]["verdict"] == "fail"
    assert latest["edited"]["collected_at"] == START + timedelta(days=2)
    assert latest["dates"]["verdict"] == "pass"
    assert latest["dates"]["collected_at"] == START + timedelta(days=3)
    assert latest["unrated"]["verdict"] == "not judged"
    assert latest["unrated"]["title"] == "The Quiet Sea"
    out = io.StringIO()
    print_summary(jobs.summary(MOVIE, movies.context), Console(file=out, width=200))
    assert (
        "not as it should be: 60 of 60 known reviews that were read again had changed "
        "(words in 60) (edited, 2026-10-03)"
    ) in out.getvalue()
    assert out.getvalue().count("not as it should be") == 1


def test_verdicts_are_made_once_and_for_a_late_collection_too(movies):
    movies.load(reviews(1, 60))
    said = movies.verdicts(movies.uri)
    jobs.load(movies.uri, movies.context)
    assert movies.verdicts(movies.uri) == said
    late = movies.load(
        reviews(61, 90, rating_1_10=None),
        started_at=START - timedelta(days=30),
        finished_at=START - timedelta(days=30),
    )
    assert late["unrated"]["sentence"].startswith("30 of the 30 newest reviews have no stars")
    assert late["duplicate_keys"]["passed"]
    assert late["unrated"]["fails_run"]


def test_failures_are_kept_and_passes_pruned(movies):
    movies.load(reviews(1, 60))
    movies.load([r.model_copy(update={"title": "Edited"}) for r in reviews(1, 60)])
    old = "UPDATE ops.quality_checks SET checked_at = now() - interval '31 days' RETURNING 1"
    rows(movies.context, old)
    movies.load(reviews(61, 62))
    kept = rows(
        movies.context,
        "SELECT check_name FROM ops.quality_checks WHERE manifest_uri <> %s", movies.uri,
    )  # fmt: skip
    assert [row["check_name"] for row in kept] == ["edited"]


def test_a_movie_that_is_forgotten_takes_its_verdicts_along(movies):
    movies.load(reviews(1, 3))
    rows(movies.context, "DELETE FROM core.movies RETURNING 1")
    assert rows(movies.context, "SELECT FROM ops.quality_checks") == []


def test_no_collections_no_faults(context):
    assert jobs.failed_checks([], context) == []
    assert jobs.failed_checks(["file:///nowhere"], context) == []


def test_one_movie_with_two_troubles_is_counted_once(movies):
    movies.load(reviews(1, 60))
    movies.load(reviews(61, 90, rating_1_10=None), status="partial", sentence="It broke off.")
    with pytest.raises(CollectionFailed, match=r"^1 of 1 movies did not end well") as error:
        movies.summarise()
    assert "partial. It broke off." in str(error.value)
    assert "(`unrated`)" in str(error.value)


def test_stable_habits_raise_no_alarm_in_the_tables_either(movies):
    draw = random.Random(1)
    number = 150
    movies.load(reviews(1, number), is_scored=False)
    for _ in range(40):
        n = draw.randrange(1, 8) if draw.random() < 0.9 else 40
        assert failed(movies.load(reviews(number + 1, number + n), is_scored=False)) == []
        number += n


def test_a_long_movie_is_judged_in_a_fraction_of_its_loading(movies, monkeypatch):
    from filmpulse.jobs.reception import judge

    spent = []

    def timed(*arguments, check=judge.check):
        begun = time.perf_counter()
        check(*arguments)
        spent.append(time.perf_counter() - begun)

    monkeypatch.setattr(judge, "check", timed)
    begun = time.perf_counter()
    everything = reviews(1, 5000)
    movies.load(everything, mode="full", is_scored=False)
    whole = time.perf_counter() - begun
    movies.load(reviews(5001, 5003), is_scored=False)
    edited = [r.model_copy(update={"title": "Edited"}) for r in everything]
    assert "edited" in failed(movies.load(edited, is_scored=False))
    # as if each of many hours had brought a few
    rows(
        movies.context,
        """UPDATE core.reviews SET first_seen_at = first_seen_at - abs(hashtext(review_id) %% 3000)
           * interval '1 hour' WHERE first_seen_at < %s RETURNING 1""",
        START + timedelta(days=1, hours=13),
    )
    movies.load(reviews(5004, 5006), is_scored=False)
    print("judged in", [round(s, 3) for s in spent], "loaded in", round(whole, 3))
    assert max(spent) < 0.5 * whole
