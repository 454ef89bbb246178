"""Verdicts from figures: each check on both sides of its bar, and a movie's life simulated.

The simulation draws movies with stable habits, loads their reviews in batches as an hourly run
does, and counts false alarms; then it lets a parser lose something and counts until it is noticed.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmpulse.sources.imdb.source import SOURCE
from filmpulse.warehouse.quality import (
    CHECKS,
    ENOUGH,
    FEW_VOTES,
    LONG_TEXT,
    PAST,
    Check,
    Observed,
    Side,
    State,
    Told,
    judge,
)


def told(ids=0, lines=None, announced=None, **changes):
    fields = {
        "source": "imdb",
        "status": "complete",
        "is_import": False,
        "distinct_ids": ids if announced is None else announced,
        "site_reviews": None,
        "observed": Observed(ids if lines is None else lines, {f"rw{i}" for i in range(ids)}),
    }
    fields |= changes
    if fields["source"] == SOURCE.name:
        fields = {"asks_for": SOURCE.asks_for, "began_on": SOURCE.began_on} | fields
    return Told(**fields)


NONE = Side()
NOTHING = told()
NEW = State()


def verdict(name, *, told=NOTHING, state=NEW, own=NONE, recent=NONE, past=NONE, before=CHECKS):
    """Judge by one check; every check failed before, so that only what is brought fails a run."""
    state = replace(state, failing=before)
    found = {c.name: c for c in judge(told, state, {"own": own, "recent": recent, "past": past})}
    assert list(found) == list(CHECKS)
    return found[name]


def side(n=20, **changes):
    """A side of n ordinary reviews."""
    plain = Side(
        n=n,
        texts=n,
        voted=n,
        rated=n,
        stars={"7": n - n // 2, "9": n // 2},
        usual_length=700,
        at_usual_length=1,
        quartiles=(400, 700, 1300),
        languages={"en": n},
    )
    return replace(plain, **changes)


def test_every_check_is_in_the_runbook():
    runbook = Path(__file__).parents[3] / "docs/runbooks/data_quality.md"
    rows = "".join(
        line for line in runbook.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    )
    assert [name for name in CHECKS if f"`{name}`" not in rows] == []


# ------------------------------------------------------------------- one verdict at a time

SHARES = ("unrated", "undated", "untitled", "unsigned", "spoilers", "votes")
PART = {"votes": "voted_down"}


@pytest.mark.parametrize("name", SHARES)
def test_a_share_that_jumps_fails_and_says_both(name):
    part = PART.get(name, name)
    lost = side(25, **{part: 23})
    check = verdict(name, own=lost, recent=lost, past=side(100, **{part: 8}))
    assert (check.passed, check.fails_run, check.n) == (False, True, 25)
    assert check.sentence.startswith("23 of the 25 newest ")
    assert check.sentence.endswith("(8% of the 100 before them).")
    assert check.figure == 23 / 25
    assert check.high < check.figure


@pytest.mark.parametrize("name", SHARES)
def test_a_share_that_falls_to_nothing_fails_too(name):
    part = PART.get(name, name)
    check = verdict(name, own=side(60), recent=side(60), past=side(100, **{part: 60}))
    assert check.passed is False


@pytest.mark.parametrize("name", SHARES)
def test_a_share_that_moves_a_little_passes(name):
    part = PART.get(name, name)
    for n, k in ((20, 5), (5000, 1200)):  # 25 % and 24 % against 8 %
        new = side(n, **{part: k})
        assert verdict(name, own=new, recent=new, past=side(100, **{part: 8})).passed is True


@pytest.mark.parametrize("name", [*SHARES, "languages", "text_length"])
@pytest.mark.parametrize(("n", "m"), [(19, 100), (25, 19), (1, 0), (0, 0), (0, 100)])
def test_too_few_on_either_side_is_no_verdict(name, n, m):
    check = verdict(name, own=side(n, unrated=n), recent=side(n, unrated=n), past=side(m))
    assert (check.passed, check.fails_run) == (None, False)
    assert check.sentence.startswith("Too few to tell")


def test_a_fault_fails_the_run_that_brings_more_of_it_and_is_a_warning_to_others():
    window, before = side(25, unrated=23), side(100, unrated=8)
    alike = {"recent": window, "past": before}
    assert verdict("unrated", own=side(2, unrated=2), **alike).fails_run
    for own in (Side(), side(3)):
        check = verdict("unrated", own=own, **alike)
        assert (check.passed, check.fails_run) == (False, False)
        # a verdict that turns fails the run that turned it, whatever tipped it
        assert verdict("unrated", own=own, before=(), **alike).fails_run


@pytest.mark.parametrize("name", ["unrated", "undated", "untitled"])
def test_what_the_site_always_gives_cannot_be_lost_from_the_first_day(name):
    none = side(30, **{name: 30})
    check = verdict(name, own=none, recent=none)
    assert (check.passed, check.fails_run) == (False, True)
    assert "30 of the 30" in check.sentence
    # once everything is lost, past and present agree
    assert verdict(name, own=none, recent=none, past=side(100, **{name: 100})).passed is False
    # a file that has no such column is no fault
    file = told(source="letters")
    assert verdict(name, told=file, own=none, recent=none).passed is None
    assert verdict(name, own=side(29, **{name: 29}), recent=side(29, **{name: 29})).passed is None


def test_a_language_that_floods_or_garbles_fails():
    usual = side(100, languages={"en": 80, "es": 12, "": 8})
    garbled = side(20, languages={"": 19, "en": 1})
    check = verdict("languages", own=garbled, recent=garbled, past=usual)
    assert (check.passed, check.fails_run) == (False, True)
    assert "cannot be told (8% of the 100 before them)" in check.sentence
    flooded = side(20, languages={"zz": 15, "en": 5})
    assert "15 of the 20" in verdict("languages", own=flooded, recent=flooded, past=usual).sentence
    same = side(20, languages={"en": 14, "es": 3, "": 3})
    assert verdict("languages", own=same, recent=same, past=usual).passed is True
    lost = side(30, languages={"": 30})
    assert verdict("languages", own=lost, recent=lost).passed is False


def test_texts_cut_in_half_or_glued_fail_and_a_wide_spread_is_forgiven():
    usual = side(100, quartiles=(450, 700, 1100))
    for median, wanted in ((700, True), (1200, True), (2600, False), (180, False), (0, False)):
        new = side(40, quartiles=(median * 0.7, median, median * 1.5))
        assert verdict("text_length", own=new, recent=new, past=usual).passed is wanted
    wild = side(20, quartiles=(60, 300, 2500))
    assert verdict("text_length", own=wild, recent=wild, past=usual).passed is True


def test_texts_of_one_length_were_cut_off():
    cut = side(25, usual_length=500, at_usual_length=16)
    check = verdict("cut_off", own=cut, recent=cut, past=side(100, at_usual_length=0))
    assert (check.passed, check.fails_run) == (False, True)
    assert check.sentence == "16 of the 25 newest texts are exactly 500 characters long."
    # a file in which they always were is no change
    assert verdict("cut_off", recent=cut, past=side(100, at_usual_length=60)).passed is True
    first = side(30, usual_length=500, at_usual_length=16)
    assert verdict("cut_off", own=first, recent=first).passed is False
    assert verdict("cut_off", own=cut, recent=cut).passed is None
    none = side(30, usual_length=None, at_usual_length=0)
    assert (
        verdict("cut_off", recent=none).sentence == "None of the 30 newest texts is of one length."
    )


def test_one_text_for_many_reviews_is_a_fault():
    for n, repeated, wanted in ((25, 25, False), (25, 2, True), (5, 5, False), (103, 4, True)):
        new = side(n, repeated=repeated)
        check = verdict("same_text", own=new, recent=new)
        assert check.passed is wanted
        assert check.fails_run is not wanted
    assert verdict("same_text", recent=side(4, repeated=4)).passed is None


def test_stars_that_are_all_the_same():
    tens = side(25, stars={"10": 25})
    mixed = side(100, stars={"10": 30, "6": 70})
    check = verdict("ratings", state=State(rated=125), own=tens, recent=tens, past=mixed)
    assert (check.passed, check.fails_run) == (False, True)
    assert check.sentence == "All of the 25 newest stars are 10."
    fans = side(100, stars={"10": 95, "1": 5})
    state = State(rated=125)
    assert verdict("ratings", state=state, own=tens, recent=tens, past=fans).passed is True
    assert verdict("ratings", state=state, recent=tens).passed is True
    first = side(50, stars={"1": 50}, rated=50)
    assert verdict("ratings", state=State(rated=50), own=first, recent=first).passed is False
    assert verdict("ratings", state=State(rated=9, off_scale=1)).passed is False
    assert verdict("ratings").passed is None


def test_days_out_of_life():
    life = {
        "dated": 40,
        "first_day": date(2025, 1, 1),
        "last_day": date(2026, 11, 22),
        "earliest": date(1926, 3, 1),
        "latest": date(2026, 12, 24),
    }
    state = State(**life, too_early=3, brought_misdated=3)
    check = verdict("dates", state=state)
    assert (check.passed, check.fails_run, check.figure) == (False, True, 3)
    assert "3 of 40 reviews are dated before the movie's life (the earliest 1926-03-01" in check[2]
    both = verdict("dates", state=State(**life, too_early=3, too_late=1))
    assert (both.passed, both.fails_run, both.figure) == (False, False, 4)
    assert "in the future (the latest 2026-12-24, expected to 2026-11-22)" in both.sentence
    assert verdict("dates", state=State(**life)).passed is True
    assert verdict("dates").passed is None


def test_empty_texts():
    check = verdict("empty_text", state=State(texts=40, empty=2, brought_empty=1))
    assert (check.passed, check.fails_run) == (False, True)
    assert check.sentence == "2 of 40 texts are empty."
    assert not verdict("empty_text", state=State(texts=40, empty=2)).fails_run
    assert verdict("empty_text", state=State(texts=40)).sentence == "None of 40 texts is empty."
    assert verdict("empty_text").passed is None


def test_duplicate_keys():
    assert verdict("duplicate_keys", told=told(5)).passed is True
    for wrong, words in (
        (told(5, announced=6), "The manifest announces 6 different reviews and its files hold 5."),
        (told(5, lines=8), "3 of 8 lines repeat a review."),
    ):
        check = verdict("duplicate_keys", told=wrong)
        assert (check.passed, check.fails_run, check.sentence) == (False, True, words)
    assert verdict("duplicate_keys", told=told(5, lines=8, is_import=True)).passed is True
    assert verdict("duplicate_keys", told=told(5), state=State(elsewhere=1)).passed is False


@pytest.mark.parametrize(
    ("living", "site", "status", "before", "passed", "fails_run"),
    [
        (100, 100, "complete", 1.0, True, False),
        (100, 500, "gated", 1.0, None, False),  # growth behind a gate
        (100, 500, "complete", 0.9, False, True),
        (100, 120, "complete", 0.9, True, False),
        (100, 60, "complete", 1.0, False, False),  # deleted there, still here, or misread
        (100, 60, "gated", 1.7, False, False),
        (15, 0, "complete", None, True, False),
        (100, 0, "complete", None, False, False),
        (0, 0, "complete", None, True, False),
        (100, None, "complete", 1.0, None, False),
    ],
)
def test_coverage(living, site, status, before, passed, fails_run):
    check = verdict(
        "coverage",
        told=told(site_reviews=site, status=status),
        state=State(living=living, coverage_before=before),
    )
    assert (check.passed, check.fails_run) == (passed, fails_run)


def test_a_mass_edit_says_of_what():
    state = State(known=62, edited=62, edited_stars=62, edited_day=3)
    check = verdict("edited", state=state)
    assert (check.passed, check.fails_run) == (False, True)
    assert check.sentence == (
        "62 of 62 known reviews that were read again had changed (stars in 62, day in 3)."
    )
    assert verdict("edited", state=State(known=100, edited=20)).passed is True
    assert verdict("edited", state=State(known=19, edited=19)).passed is None


def test_a_mass_removal():
    check = verdict("removed", state=State(living=60, removed=45), own=side(5))
    assert (check.passed, check.fails_run, check.n) == (False, True, 100)
    assert verdict("removed", state=State(living=95, removed=5)).passed is True
    assert verdict("removed", state=State(living=2, removed=17)).passed is None


COUNT = st.integers(0, 60)


@st.composite
def sides(draw):
    n = draw(COUNT)
    part = st.integers(0, n)
    texts, voted, rated = draw(part), draw(part), draw(part)
    quartiles = sorted(draw(st.tuples(*[st.floats(0, 1e5)] * 3)))
    en = draw(st.integers(0, texts))
    tens = draw(st.integers(0, rated))
    usual = draw(st.none() | st.integers(LONG_TEXT, 9999))
    return Side(
        n=n,
        unrated=n - rated,
        spoilers=draw(part),
        undated=draw(part),
        unsigned=draw(part),
        texts=texts,
        untitled=draw(st.integers(0, texts)),
        voted=voted,
        voted_down=draw(st.integers(0, voted)),
        rated=rated,
        repeated=draw(st.integers(0, texts)),
        usual_length=usual,
        at_usual_length=draw(st.integers(0, texts)) if usual else 0,
        quartiles=tuple(quartiles) if texts else None,
        stars={k: v for k, v in (("10", tens), ("1", rated - tens)) if v},
        languages={k: v for k, v in (("en", en), ("", texts - en)) if v},
    )


@settings(max_examples=150)
@given(sides(), sides(), sides(), st.integers(0, 99), st.none() | st.integers(0, 99), COUNT, COUNT)
def test_any_figures_give_verdicts_in_words(own, recent, past, living, site, known, edited):
    state = State(living=living, known=known, edited=min(known, edited), removed=edited)
    found = judge(told(site_reviews=site), state, {"own": own, "recent": recent, "past": past})
    assert [c.name for c in found] == list(CHECKS)
    for check in found:
        assert check.sentence.endswith(".")
        assert not (check.fails_run and check.passed is not False)
        for figure in (check.figure, check.low, check.high):
            assert figure is None or math.isfinite(figure)
        if check.passed is True and check.figure is not None:
            assert check.low is None or check.low <= check.figure + 1e-9
            assert check.high is None or check.figure <= check.high + 1e-9


# ------------------------------------------------------------------------- a movie's life


@dataclass(frozen=True)
class Written:
    """A review as the simulation knows it."""

    is_unrated: bool
    is_spoiler: bool
    is_untitled: bool
    language: str
    characters: int
    stars: int
    votes: tuple[int, int]
    text: int


class Habits:
    """How the reviews of one movie are; the same all its life, but no two batches alike."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.unrated = draw.uniform(0.01, 0.3)
        self.spoilers = draw.uniform(0.02, 0.4)
        self.english = draw.uniform(0.4, 0.97)
        self.down = draw.uniform(0.05, 0.5)
        self.median, self.spread = draw.uniform(300, 1200), draw.uniform(0.4, 0.9)
        self.stars = draw.sample(range(1, 11), 5)
        self.written = 0

    def batch(self, n: int) -> list[Written]:
        """Write n reviews; shares wander a little from batch to batch, as crowds do."""
        draw = self.draw

        def wander(share: float, weight: float = 40) -> float:
            return draw.betavariate(weight * share, weight * (1 - share))

        unrated, spoilers, english = map(wander, (self.unrated, self.spoilers, self.english))
        return [self._one(unrated, spoilers, english) for _ in range(n)]

    def _one(self, unrated: float, spoilers: float, english: float) -> Written:
        draw = self.draw
        self.written += 1
        other = draw.choices(("es", "fr", "de", "hi", ""), (4, 3, 2, 1, 1))[0]
        up, down = sorted((draw.randrange(20), draw.randrange(20)), reverse=True)
        return Written(
            is_unrated=draw.random() < unrated,
            is_spoiler=draw.random() < spoilers,
            is_untitled=False,
            language="en" if draw.random() < english else other,
            characters=max(20, round(self.median * math.exp(draw.gauss(0, self.spread)))),
            stars=draw.choices(self.stars, (5, 4, 3, 2, 1))[0],
            votes=(down, up) if draw.random() < self.down else (up, down),
            text=self.written if draw.random() > 0.01 else 1,
        )


def measured(reviews: list[Written], window: list[Written], everything: Counter) -> Side:
    """Count what `quality_sides.sql` counts."""
    if not reviews:
        return Side()
    long = Counter(r.characters for r in window if r.characters >= LONG_TEXT)
    usual = max(long, key=lambda length: (long[length], length)) if long else None
    lengths = sorted(r.characters for r in reviews)

    def quantile(q: float) -> float:
        at = q * (len(lengths) - 1)
        low = math.floor(at)
        high = min(low + 1, len(lengths) - 1)
        return lengths[low] + (at - low) * (lengths[high] - lengths[low])

    voted = [r for r in reviews if sum(r.votes) >= FEW_VOTES]
    return Side(
        n=len(reviews),
        unrated=sum(r.is_unrated for r in reviews),
        spoilers=sum(r.is_spoiler for r in reviews),
        texts=len(reviews),
        untitled=sum(r.is_untitled for r in reviews),
        voted=len(voted),
        voted_down=sum(r.votes[1] > r.votes[0] for r in voted),
        rated=sum(not r.is_unrated for r in reviews),
        repeated=sum(everything[r.text] > 1 and r.characters >= LONG_TEXT for r in reviews),
        usual_length=usual,
        at_usual_length=sum(r.characters == usual for r in reviews),
        quartiles=(quantile(0.25), quantile(0.5), quantile(0.75)),
        stars=Counter(str(r.stars) for r in reviews if not r.is_unrated),
        languages=Counter(r.language for r in reviews),
    )


class Life:
    """Loads a movie's reviews batch by batch and judges after each, as a load does."""

    def __init__(self) -> None:
        self.batches: list[list[Written]] = []
        self.texts: Counter = Counter()
        self.failing: set[str] = set()

    def load(self, batch: list[Written]) -> list[Check]:
        """Return the checks that fail."""
        self.batches.append(batch)
        self.texts.update(r.text for r in batch)
        window: list[Written] = []
        at = len(self.batches)
        while at and len(window) < ENOUGH:
            at -= 1
            window = self.batches[at] + window
        past: list[Written] = []
        while at and len(past) < PAST:
            at -= 1
            past = self.batches[at] + past
        three = {"own": batch, "recent": window, "past": past[-PAST:]}
        known = sum(map(len, self.batches[:-1]))
        state = State(
            living=known + len(batch), rated=known, known=known, texts=known, failing=self.failing
        )
        ids = told(site_reviews=state.living)
        found = judge(ids, state, {k: measured(v, window, self.texts) for k, v in three.items()})
        for check in found:
            if check.passed is not None:
                (self.failing.discard if check.passed else self.failing.add)(check.name)
        return [check for check in found if check.passed is False]


def sizes(draw: random.Random) -> int:
    """Draw how many reviews a load brings: mostly a few, at times a flood."""
    return draw.randrange(1, 8) if draw.random() < 0.9 else draw.randrange(20, 200)


def test_false_alarms_are_rare():
    draw = random.Random(3)
    loads, alarms = 0, Counter()
    for _ in range(50):
        habits, life = Habits(draw), Life()
        life.load(habits.batch(draw.randrange(10, 400)))
        for _ in range(120):
            loads += 1
            alarms.update({check.name for check in life.load(habits.batch(sizes(draw)))})
    assert loads == 6000
    assert sum(alarms.values()) < loads / 200, alarms


FAULTS = {
    "unrated": lambda r: replace(r, is_unrated=True),
    "spoilers": lambda r: replace(r, is_spoiler=True),
    "untitled": lambda r: replace(r, is_untitled=True),
    "languages": lambda r: replace(r, language=""),
    "text_length": lambda r: replace(r, characters=max(1, r.characters // 8)),  # title for body
    "cut_off": lambda r: replace(r, characters=min(r.characters, 250)),
    "same_text": lambda r: replace(r, text=1),
    "ratings": lambda r: replace(r, is_unrated=False, stars=1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed_within_forty_reviews(name):
    draw = random.Random(5)
    noticed = []
    for _ in range(40):
        habits, life = Habits(draw), Life()
        life.load(habits.batch(200))
        lost = 0
        while lost < 40:
            batch = [FAULTS[name](r) for r in habits.batch(draw.randrange(1, 8))]
            lost += len(batch)
            failed = [check for check in life.load(batch) if check.name == name]
            if failed:
                assert failed[0].fails_run
                noticed.append(lost)
                break
    assert len(noticed) >= 38, sorted(noticed)


def test_a_fault_is_noticed_at_once_in_a_large_batch():
    draw = random.Random(7)
    for name, fault in FAULTS.items():
        missed = 0
        for _ in range(40):
            habits, life = Habits(draw), Life()
            life.load(habits.batch(200))
            failed = life.load([fault(r) for r in habits.batch(60)])
            missed += name not in {check.name for check in failed}
        assert missed <= 2, name
