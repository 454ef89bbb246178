"""Checks of what a load brought: figures from the tables, verdicts in words.

Two queries give the figures. `judge` alone decides, from figures to verdicts, without a database.
The reasons for these checks and their bars: docs/adr/0020.

An absolute check (a day in the future, an empty text) looks at all current reviews, and fails the
run whose collection brought the fault. A relative check compares the newest reviews with those just
before them, and says "too few to tell" if either side has fewer than `ENOUGH`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import copysign, exp, log, sqrt
from typing import Any, NamedTuple

from filmpulse.items import CollectionStatus
from filmpulse.warehouse import Connection
from filmpulse.warehouse.statement import Command, Query

CHECKS = {
    "duplicate_keys": "each review was read once, as often as the manifest says, for one movie",
    "dates": "days lie within the movie's life, and none in the future",
    "ratings": "stars are 1 to 10, and not all the same",
    "empty_text": "no review is empty",
    "same_text": "different reviews say different things",
    "cut_off": "texts do not all end at one length",
    "coverage": "we hold as many as the site has, and hold on to them",
    "edited": "few known reviews changed at once",
    "removed": "few reviews vanished at once",
    "unrated": "as many as usual have no stars",
    "undated": "as many as usual have no day",
    "untitled": "as many as usual have no heading",
    "unsigned": "as many as usual have no author",
    "spoilers": "as many as usual are marked as spoilers",
    "votes": "as many as usual are voted down",
    "languages": "the languages are the usual ones",
    "text_length": "texts are as long as usual",
}
"""Each check, and what is true when it passes."""

ENOUGH = 20
"""Fewest reviews on either side of a comparison. With 20 against 100, a share of up to 0.4 that
becomes 1 (or of 0.6 that becomes 0) lies beyond `SIGMAS`; with fewer, less of a loss would."""

PAST = 100
"""How many reviews before the newest make "usual". 1,000 would hardly sharpen a comparison with 20
(0.30 against 0.32 standard deviations), and habits of years ago are not this year's."""

WANDER = 0.02
"""How much of the variance the reviews of one batch share, as crowds come together: a share of 0.3
wanders by 0.065 from batch to batch. An assumption. Without it, 1 in 130 loads of a simulated movie
whose shares wander so was a false alarm."""

SIGMAS = 3.5
"""How many standard errors are too many. Of 14,400 simulated loads 10 were false alarms, all
checks together; at 3 it was 1 in 480, at 4 some losses took 60 reviews to be noticed."""

CHANGE = 0.25
"""Smallest change of a share that counts: what a parser loses, it mostly loses everywhere."""

VOTES_CHANGE = 0.40
"""The same for votes, which crowds do turn; swapped votes turn a share p into 1 - p."""

FEW_VOTES = 5
"""With fewer votes, a review does not count as voted up or down."""

LENGTH_RATIO = 2.0
"""The change of a median length that counts: texts cut in half, or two glued together."""

LONG_TEXT = 50
"""Characters (or bytes) from which two people do not write the same by chance."""

SAME_TEXT = (5, 0.10)
"""Reviews (at least, and as a share) whose text another review has too. Of 103 reviews of a real
movie one text occurred twice."""

CUT_OFF = 0.20
"""Share of texts that have one same length. Lengths spread over hundreds of values, so that even
twenty texts seldom share one."""

NONE_AT_ALL = 30
"""If so many reviews, and all before them, lack what the site always asks for, the parser loses it,
although there is no past to compare with. The bar of docs/adr/0011."""

CHANCE = 1e-5
"""A run of equal stars less likely than this, by the past's share of that star, is a fault."""

SAME_STARS = 50
"""The same if there is no past: so many equal stars are a fault."""

AT_ONCE = 0.20
"""Share of the known reviews that may change or vanish between two collections."""

SURPLUS = 1.10
"""How many times the site's own count we may hold: we still hold what was deleted there since the
last full collection."""

COVERAGE_FALL = 0.20
"""Points of coverage that a complete collection may lose against the one before."""

KEEP_PASSED_DAYS = 30
"""Days after which verdicts other than failures are deleted."""


class Check(NamedTuple):
    """One verdict.

    `passed` is None if there were too few reviews to tell. `fails_run` is set if this collection
    brought the fault or more of it, not if the fault only still stands. `figure` should lie from
    `low` to `high`.
    """

    name: str
    passed: bool | None
    sentence: str
    n: int
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    fails_run: bool = False


@dataclass
class Observed:
    """What was seen while a collection was read: the number of lines, and the reviews' ids."""

    lines: int = 0
    ids: set[str] = field(default_factory=set)

    def is_new(self, review_id: str) -> bool:
        """Note one line; say whether its review was not seen before."""
        self.lines += 1
        known = len(self.ids)
        self.ids.add(review_id)
        return len(self.ids) > known


@dataclass(frozen=True)
class Told:
    """What a manifest says of its collection, and what was observed while it was read.

    `asks_for` and `began_on` are those of the source (`sources.Source`).
    """

    source: str
    status: CollectionStatus
    is_import: bool
    distinct_ids: int
    site_reviews: int | None
    observed: Observed
    asks_for: frozenset[str] = frozenset()
    began_on: date | None = None


@dataclass(frozen=True)
class Side:
    """Figures of one side of a comparison; see `quality_sides.sql`. Lengths are in characters."""

    n: int = 0
    unrated: int = 0
    spoilers: int = 0
    undated: int = 0
    unsigned: int = 0
    texts: int = 0
    untitled: int = 0
    voted: int = 0
    voted_down: int = 0
    rated: int = 0
    repeated: int = 0
    usual_length: int | None = None
    at_usual_length: int = 0
    quartiles: tuple[float, float, float] | None = None
    stars: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Figures of all current reviews, and what a collection did to them; see `quality_state.sql`.

    `failing` are the checks whose last verdict before this collection was a failure.
    """

    living: int = 0
    brought: int = 0
    first_day: date | None = None
    last_day: date | None = None
    dated: int = 0
    earliest: date | None = None
    latest: date | None = None
    too_early: int = 0
    too_late: int = 0
    brought_misdated: int = 0
    rated: int = 0
    off_scale: int = 0
    texts: int = 0
    empty: int = 0
    brought_empty: int = 0
    elsewhere: int = 0
    known: int = 0
    edited: int = 0
    edited_words: int = 0
    edited_stars: int = 0
    edited_day: int = 0
    edited_mark: int = 0
    removed: int = 0
    coverage_before: float | None = None
    failing: Collection[str] = ()


_quality_state = Query("quality_state", State)
_quality_sides = Query[dict[str, Any]]("quality_sides", dict)
_record_quality = Command("record_quality")
_prune_quality = Command("prune_quality")


def check_load(
    connection: Connection,
    *,
    manifest_uri: str,
    imdb_id: str,
    collected_at: datetime,
    told: Told,
) -> list[Check]:
    """Judge what a collection, begun at `collected_at` (UTC), brought, and store the verdicts.

    This runs in the transaction that loaded it, after `ops.loads` has its line. Judging again
    overwrites the verdicts.

    Returns:
        One verdict per check, in the order of `CHECKS`.
    """
    key = {"imdb_id": imdb_id, "source": told.source, "collected_at": collected_at}
    limits = {
        "recent_n": ENOUGH, "past_n": PAST, "few_votes": FEW_VOTES, "long_text": LONG_TEXT,
    }  # fmt: skip
    ids = list(told.observed.ids)
    state = _quality_state.one(connection, **key, ids=ids, no_day_before=told.began_on)
    sides = {row.pop("side"): Side(**row) for row in _quality_sides(connection, **key, **limits)}
    checks = judge(told, state, sides)
    key["manifest_uri"] = manifest_uri
    _record_quality.many(connection, [key | check._asdict() for check in checks])
    _prune_quality(connection, **key, days=KEEP_PASSED_DAYS)
    return checks


def judge(told: Told, state: State, sides: Mapping[str, Side]) -> list[Check]:
    """Turn figures into verdicts, one per check in the order of `CHECKS`; pure.

    Args:
        told: What the manifest says.
        state: All current reviews after the load.
        sides: `own` (what this collection brought), `recent` (the newest, own among them) and
            `past` (those just before); a side without reviews may be missing.
    """
    three = _Sides(*(sides.get(name, Side()) for name in ("own", "recent", "past")))
    found = [
        _duplicate_keys(told, state),
        _dates(state),
        _ratings(state, three),
        _empty_text(state),
        _same_text(three),
        _cut_off(three),
        _coverage(told, state),
        _edited(state),
        _removed(state, three.own),
        *(_share(usual, three, is_given=usual.name in told.asks_for) for usual in _USUAL),
        _languages(three, is_given="languages" in told.asks_for),
        _text_length(three),
    ]
    return [
        check._replace(
            fails_run=check.passed is False and (check.fails_run or check.name not in state.failing)
        )
        for check in found
    ]


class _Sides(NamedTuple):
    own: Side
    recent: Side
    past: Side


class _Usual(NamedTuple):
    """A share that hardly changes: of the reviews counted in `whole`, those counted in `part`."""

    name: str
    words: tuple[str, str]  # of one review, of several
    part: str
    whole: str = "n"
    change: float = CHANGE


_USUAL = (
    _Usual("unrated", ("has no stars", "have no stars"), "unrated"),
    _Usual("undated", ("has no day", "have no day"), "undated"),
    _Usual("untitled", ("has no heading", "have no heading"), "untitled", "texts"),
    _Usual("unsigned", ("has no author", "have no author"), "unsigned"),
    _Usual("spoilers", ("is marked as a spoiler", "are marked as spoilers"), "spoilers"),
    _Usual(
        "votes",
        ("has more votes against it than for it", "have more votes against than for them"),
        "voted_down",
        "voted",
        VOTES_CHANGE,
    ),
)
_WHOLES = {"n": "reviews", "texts": "texts", "voted": "voted reviews"}


class _Change(NamedTuple):
    """A share (k of n), the share before it (of m), and how far apart the two may be."""

    k: int
    n: int
    before: float
    m: int
    bound: float

    @classmethod
    def of(cls, k: int, n: int, k_before: int, m: int, least: float) -> _Change:
        """Compare two shares: they may differ by `SIGMAS` standard errors, and by `least`."""
        pooled = (k + k_before) / (n + m)
        error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m + 2 * WANDER))
        return cls(k, n, k_before / m, m, max(least, SIGMAS * error))

    @property
    def difference(self) -> float:
        return self.k / self.n - self.before

    @property
    def words(self) -> str:
        return f"({self.before:.0%} of the {self.m:,} before them)"

    def check(self, name: str, sentence: str, own_k: int, own_n: int) -> Check:
        """Return the verdict; it fails the run if the collection's own share moved as far."""
        is_usual = abs(self.difference) <= self.bound
        low, high = max(0.0, self.before - self.bound), min(1.0, self.before + self.bound)
        moved = copysign(1, self.difference) * (own_k / own_n - self.before) if own_n else 0.0
        is_own = moved >= min(self.bound, CHANGE)
        return Check(name, is_usual, sentence, self.n, self.k / self.n, low, high, is_own)


def _lost(name: str, sentence: str, n: int, own_n: int) -> Check:
    """Return the verdict on a field that all newest reviews and all before them lack."""
    return Check(name, False, sentence, n, 1.0, high=1.0, fails_run=own_n > 0)


def _share(usual: _Usual, sides: _Sides, *, is_given: bool) -> Check:
    k, n, k_before, m, own_k, own_n = (
        getattr(side, count)
        for side in (sides.recent, sides.past, sides.own)
        for count in (usual.part, usual.whole)
    )
    said = f"{k:,} of the {n:,} newest {_WHOLES[usual.whole]} {usual.words[k != 1]}"
    if is_given and k == n >= NONE_AT_ALL and k_before == m:
        sentence = f"{said}, and so it was before: the site gives them, we lose them."
        return _lost(usual.name, sentence, n, own_n)
    if n < ENOUGH or m < ENOUGH:
        return Check(usual.name, None, _too_few(n, m), n, k / n if n else None)
    change = _Change.of(k, n, k_before, m, usual.change)
    return change.check(usual.name, f"{said} {change.words}.", own_k, own_n)


def _languages(sides: _Sides, *, is_given: bool) -> Check:
    own, recent, past = (side.languages for side in sides)
    n, m = sides.recent.texts, sides.past.texts
    if is_given and recent.get("", 0) == n >= NONE_AT_ALL and past.get("", 0) == m:
        sentence = f"The language of not one of the {n:,} newest texts can be told."
        return _lost("languages", sentence, n, sides.own.texts)
    if n < ENOUGH or m < ENOUGH:
        return Check("languages", None, _too_few(n, m), n)
    changes = {
        language: _Change.of(recent.get(language, 0), n, past.get(language, 0), m, CHANGE)
        for language in sorted(recent.keys() | past.keys())
    }
    language, change = max(
        changes.items(),  # of two that moved alike, the one that grew
        key=lambda item: (abs(item[1].difference) - item[1].bound, item[1].difference),
    )
    written = f"in language {language}" if language else "in a language that cannot be told"
    sentence = (
        f"{change.k:,} of the {n:,} newest texts {'is' if change.k == 1 else 'are'} {written} "
        f"{change.words}; no language moved more."
    )
    return change.check("languages", sentence, own.get(language, 0), sides.own.texts)


def _text_length(sides: _Sides) -> Check:
    n, m = sides.recent.texts, sides.past.texts
    new, old = sides.recent.quartiles, sides.past.quartiles
    if n < ENOUGH or m < ENOUGH or new is None or old is None:
        return Check("text_length", None, _too_few(n, m), n)
    # The median's standard error is 1.2533 times the mean's. The logarithm of lengths is near
    # normal, and the quartiles of a normal distribution lie 1.349 deviations apart.
    spread = max(0.1, *(log(max(q[2], 1) / max(q[0], 1)) / 1.349 for q in (new, old)))
    bound = exp(max(log(LENGTH_RATIO), SIGMAS * 1.2533 * spread * sqrt(1 / n + 1 / m + 2 * WANDER)))
    ratio = max(new[1], 1) / max(old[1], 1)
    own = max(sides.own.quartiles[1], 1) / max(old[1], 1) if sides.own.quartiles else 1.0
    is_own = own >= LENGTH_RATIO if ratio > 1 else own <= 1 / LENGTH_RATIO
    sentence = (
        f"The {n:,} newest texts have a median of {new[1]:,.0f} characters ({old[1]:,.0f} in the "
        f"{m:,} before them)."
    )
    low, high = 1 / bound, bound
    return Check("text_length", low <= ratio <= high, sentence, n, ratio, low, high, is_own)


def _duplicate_keys(told: Told, state: State) -> Check:
    distinct, lines = len(told.observed.ids), told.observed.lines
    wrong = []
    if distinct != told.distinct_ids:
        wrong.append(
            f"the manifest announces {told.distinct_ids:,} different reviews and its files hold "
            f"{distinct:,}"
        )
    if lines > distinct and not told.is_import:  # two saved pages may overlap, a crawl may not
        wrong.append(f"{lines - distinct:,} of {lines:,} lines repeat a review")
    if state.elsewhere:
        wrong.append(f"{state.elsewhere:,} ids belong to reviews of another movie")
    again = f" in {lines:,} lines" if lines > distinct else ""
    fine = f"{distinct:,} different reviews{again}, as announced."
    sentence, announced = _sentence(wrong) if wrong else fine, told.distinct_ids
    return Check(
        "duplicate_keys", not wrong, sentence, lines, distinct, announced, announced, fails_run=True
    )


def _dates(state: State) -> Check:
    if not state.dated:
        return Check("dates", None, "No review has a day.", 0, 0, high=0)
    wrong = []
    if state.too_early:
        wrong.append(
            f"{state.too_early:,} of {state.dated:,} reviews are dated before the movie's life "
            f"(the earliest {state.earliest}, expected from {state.first_day})"
        )
    if state.too_late:
        wrong.append(
            f"{state.too_late:,} of {state.dated:,} reviews are dated in the future "
            f"(the latest {state.latest}, expected to {state.last_day})"
        )
    fine = f"{state.dated:,} days from {state.earliest} to {state.latest}."
    sentence, off = _sentence(wrong) if wrong else fine, state.too_early + state.too_late
    is_own = state.brought_misdated > 0
    return Check("dates", not wrong, sentence, state.dated, off, high=0, fails_run=is_own)


def _ratings(state: State, sides: _Sides) -> Check:
    own, recent, past = sides
    if not state.rated:
        return Check("ratings", None, "No review has stars.", 0)
    off, is_odd = state.off_scale, False
    sentence = f"{state.rated:,} stars, all from 1 to 10."
    if len(recent.stars) == 1 and recent.rated >= ENOUGH:
        (star,) = recent.stars
        usual = (past.stars.get(star, 0) + 1) / (past.rated + 2)  # Laplace: never 0, never 1
        has_past = past.rated >= ENOUGH
        is_odd = usual**recent.rated < CHANCE if has_past else recent.rated >= SAME_STARS
    if off:
        sentence = f"{off:,} of {state.rated:,} stars are not from 1 to 10."
    elif is_odd:
        sentence = f"All of the {recent.rated:,} newest stars are {star}."
    is_fine, is_own = not (off or is_odd), off > 0 or own.rated > 0
    return Check("ratings", is_fine, sentence, state.rated, off, high=0, fails_run=is_own)


def _empty_text(state: State) -> Check:
    k, n = state.empty, state.texts
    if not n:
        return Check("empty_text", None, "No review has a text that is kept.", 0)
    sentence = f"{k or 'None'} of {n:,} texts {_be(k)} empty."
    is_own = state.brought_empty > 0
    return Check("empty_text", not k, sentence, n, k, high=0, fails_run=is_own)


def _same_text(sides: _Sides) -> Check:
    k, n = sides.recent.repeated, sides.recent.texts
    least, share = SAME_TEXT
    if n < least:
        return Check("same_text", None, f"Too few to tell: {n:,} texts.", n)
    is_fine, high = k < least or k <= share * n, max(share, (least - 1) / n)
    said = f"{k or 'None'} of the {n:,} newest texts {_be(k)} word for word that of another review."
    is_own = sides.own.repeated > 0
    return Check("same_text", is_fine, said, n, k / n, high=high, fails_run=is_own)


def _cut_off(sides: _Sides) -> Check:
    k, n = sides.recent.at_usual_length, sides.recent.texts
    k_before, m = sides.past.at_usual_length, sides.past.texts
    has_past = m >= ENOUGH
    if n < (ENOUGH if has_past else NONE_AT_ALL):
        return Check("cut_off", None, _too_few(n, m), n)
    bound = CUT_OFF
    if has_past:
        change = _Change.of(k, n, k_before, m, CUT_OFF)
        bound = min(1.0, change.before + change.bound)
    length = f"exactly {sides.recent.usual_length:,} characters long" if k else "of one length"
    sentence = f"{k or 'None'} of the {n:,} newest texts {_be(k)} {length}."
    is_own = sides.own.at_usual_length > 0
    return Check("cut_off", k / n <= bound, sentence, n, k / n, high=bound, fails_run=is_own)


def _coverage(told: Told, state: State) -> Check:
    living, site, before = state.living, told.site_reviews, state.coverage_before
    if site is None:
        return Check("coverage", None, "The site's count is not known.", living)
    figure = living / site if site else None
    is_complete = told.status == "complete"
    is_surplus = living > SURPLUS * site and living - site >= ENOUGH
    has_fallen = (
        is_complete
        and site >= ENOUGH
        and before is not None
        and figure is not None
        and figure < before - COVERAGE_FALL
    )
    is_wrong = is_surplus or has_fallen
    said = f"{living:,} of {site:,} reviews are here"
    if is_surplus:
        said = f"{living:,} reviews are here and the site says it has {site:,}"
    elif has_fallen:
        said += f": {figure:.0%}, {before:.0%} before"
    elif not is_complete:
        said += f"; not judged, the collection ended as {told.status}"
    passed = not is_wrong if is_wrong or is_complete else None
    low = max(0.0, before - COVERAGE_FALL) if before is not None else None
    high = max(SURPLUS, (site + ENOUGH - 1) / site) if site else None
    return Check("coverage", passed, f"{said}.", living, figure, low, high, has_fallen)


def _edited(state: State) -> Check:
    counts = {
        "words": state.edited_words,
        "stars": state.edited_stars,
        "day": state.edited_day,
        "spoiler mark": state.edited_mark,
    }
    where = ", ".join(f"{what} in {count:,}" for what, count in counts.items() if count)
    k, n = state.edited, state.known
    said = f"{k or 'None'} of {n:,} known reviews that were read again had changed"
    return _at_once("edited", k, n, f"{said} ({where})." if where else f"{said}.")


def _removed(state: State, own: Side) -> Check:
    k, n = state.removed, state.living - own.n + state.removed
    return _at_once("removed", k, n, f"{k or 'None'} of {n:,} known reviews had vanished.")


def _at_once(name: str, k: int, n: int, sentence: str) -> Check:
    if n < ENOUGH:
        return Check(name, None, f"Too few to tell: {n:,} known reviews; {ENOUGH} are needed.", n)
    return Check(name, k <= AT_ONCE * n, sentence, n, k / n, high=AT_ONCE, fails_run=True)


def _too_few(n: int, m: int) -> str:
    return f"Too few to tell: {n:,} newest and {m:,} before them; {ENOUGH} of each are needed."


def _be(count: int) -> str:
    return "is" if count <= 1 else "are"


def _sentence(clauses: list[str]) -> str:
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."
