"""What pages and the API read: typed rows of the marts, and nothing else.

The list of movies (`cards` and what goes with it) reads what is cheap for all movies.
Everything else is about one movie. Nothing is stale. How the movie is received on the whole is in
`reception`. Times are UTC; scores and their means lie
between -2 and 2; a `half_interval` is half the width of a 95 % interval, None below two values.

Titles, reviews, quotes, tags and sentences are other people's words: whoever shows them escapes
them.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date, datetime
from typing import NamedTuple, Self

from filmpulse.errors import BadInput
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.statement import Query, Scalar


class Card(NamedTuple):
    """One movie in the list of all.

    What is counted is None before the movie was ever counted; `counted_at` says when it last
    changed.

    Attributes:
        movie: Title and year; with the id where two movies share both.
        site: Whose figures `site_rating` (1 to 10) and `site_votes` are.
        coverage: From 0 to 1; None where it is not known how many reviews there are.
        scored_reviews: The n of `mean_overall`.
        is_enough: Whether the mean rests on enough to be ranked; otherwise it is shown grey.
        waiting_reviews: Reviews that are not scored yet.
        tags: In their order.
        catalogue_facts: Which of title, year and genres are the catalogue's.
    """

    imdb_id: str
    movie: str
    title: str
    year: int | None
    genres: list[str]
    has_poster: bool
    site: str | None
    site_rating: float | None
    site_votes: int | None
    reviews: int | None
    known_reviews: int | None
    coverage: float | None
    scored_reviews: int | None
    mean_overall: float | None
    half_interval: float | None
    is_enough: bool
    waiting_reviews: int | None
    looked_at: datetime | None
    counted_at: datetime | None
    tags: list[str]
    catalogue_facts: list[str]

    @classmethod
    def of_unread(cls, imdb_id: str) -> Self:
        """Return the card of a movie that is tracked, and of which nothing is known yet."""
        return cls(
            imdb_id=imdb_id, movie=imdb_id, title=imdb_id, year=None, genres=[], has_poster=False,
            site=None, site_rating=None, site_votes=None, reviews=None, known_reviews=None,
            coverage=None, scored_reviews=None, mean_overall=None, half_interval=None,
            is_enough=False, waiting_reviews=None, looked_at=None, counted_at=None, tags=[],
            catalogue_facts=[],
        )  # fmt: skip


class CardAspect(NamedTuple):
    """One aspect of one movie in the list: `mentions` is the n of the mean."""

    imdb_id: str
    aspect: str
    mentions: int
    mean_score: float | None
    half_interval: float | None
    is_enough: bool


class CardWeek(NamedTuple):
    """A week (its Monday) of the last 26 in which a movie got reviews; empty weeks have no row."""

    imdb_id: str
    starts_on: date
    reviews: int


class State(NamedTuple):
    """How a movie stands: the verdict, for whoever words it.

    Attributes:
        state: One of `STATES`.
        source: Whose collection, look or pause it is; None for scoring, fresh, stale and never.
        reason: One stable word for why it ended badly, or is paused.
        sentence: The same for a person, from the collection or look that ended so.
        done: While collecting: reviews read so far. While scoring: reviews that the configured
            analyser is done with.
        total: While collecting: the site's count, if it is known. While scoring: current reviews.
        until: End of the pause.
        unreadable: While gated: the site's count less our current reviews.
        waiting_reviews: Reviews that are not scored yet.
        run_id: The run at work, or the one that ended so; None where that is not known.
        since: When it began; None while scoring or paused, and for never.
    """

    imdb_id: str
    state: str
    source: str | None
    reason: str | None
    sentence: str | None
    done: int | None
    total: int | None
    until: datetime | None
    unreadable: int | None
    waiting_reviews: int | None
    run_id: str | None
    since: datetime | None

    @property
    def is_at_work(self) -> bool:
        """Whether something is under way or about to begin."""
        return self.state in AT_WORK


STATES = (
    "collecting", "queued", "scoring", "paused", "layout_changed", "blocked", "not_found", "failed",
    "partial", "gated", "never", "stale", "fresh",
)  # fmt: skip
"""States in the order in which they count; a test compares them with `mart.states`."""

AT_WORK = ("collecting", "queued", "scoring")


class MovieTag(NamedTuple):
    """A word or two that somebody put on a movie, to find it by."""

    imdb_id: str
    tag: str


class Poster(NamedTuple):
    """A small picture of a movie's poster; sizes in pixels."""

    image: bytes
    media_type: str
    width: int
    height: int
    fetched_at: datetime
    source_url: str


class WeekPoint(NamedTuple):
    """A week (its Monday) in which reviews of a movie were submitted."""

    starts_on: date
    days_since_release: int | None
    reviews: int
    graded_reviews: int
    mean_stars: float | None
    stars_half_interval: float | None
    scored_reviews: int
    mean_overall: float | None
    overall_half_interval: float | None
    reviews_so_far: int


class AspectPoint(NamedTuple):
    """How an aspect, or the whole (`overall`), was received in a week, month or quarter.

    `n` opinions were submitted in the time that began on `starts_on`.
    """

    aspect: str
    starts_on: date
    days_since_release: int | None
    n: int
    mean_score: float
    half_interval: float | None
    is_enough: bool


GRAINS = ("week", "month", "quarter")


class GradeCount(NamedTuple):
    """Reviews with so many stars (1 to 10); None: without stars."""

    stars: int | None
    reviews: int


class EventPoint(NamedTuple):
    """A day in a movie's life: its release, or what a person noted."""

    happened_on: date
    label: str


class Quote(NamedTuple):
    """A quote that praises or faults an aspect.

    `place` 1 is the best of those that praise, or fault, this aspect; quotes of spoilers have
    places of their own, and are never shown unasked.
    """

    aspect: str
    is_praise: bool
    is_spoiler: bool
    score: int
    quote: str
    source: str
    review_id: str
    submitted_on: date | None
    language: str | None
    rating_1_10: int | None
    helpful_up: int
    place: int


class ChangedMean(NamedTuple):
    """How reviews first seen since a time score an aspect, or the whole (`overall`).

    Attributes:
        is_enough: Whether `mean_new` rests on enough to be ranked.
        difference: `mean_new` less `mean_before`, with its own interval and its own
            `is_enough_difference`.
    """

    aspect: str
    n_new: int
    mean_new: float | None
    new_half_interval: float | None
    is_enough: bool
    n_before: int
    mean_before: float | None
    difference: float | None
    difference_half_interval: float | None
    is_enough_difference: bool


class ChangeCounts(NamedTuple):
    """What changed since a time, in counts; what the site said then, and says now.

    `site_then` is the time of the last look before it; None, as what it said, if there was none.
    """

    new_reviews: int
    edited_reviews: int
    removed_reviews: int
    site: str | None
    site_rating: float | None
    site_votes: int | None
    site_reviews: int | None
    site_as_of: datetime | None
    site_rating_then: float | None
    site_votes_then: int | None
    site_reviews_then: int | None
    site_then: datetime | None


class Changes(NamedTuple):
    """What changed since a time.

    `means` has the whole first, then each aspect that is mentioned at all, in their order; it is
    empty if no review is new.
    """

    since: datetime
    counts: ChangeCounts
    means: list[ChangedMean]


class Opinion(NamedTuple):
    """What a review says of an aspect.

    `quote` is an exact piece of it, or None; it begins at the code point `quote_start` of title,
    blank line, body.
    """

    source: str
    review_id: str
    aspect: str
    score: int
    quote: str | None
    quote_start: int | None


class ReviewFound(NamedTuple):
    """A current review; `opinions` in the order of the aspects."""

    source: str
    review_id: str
    title: str | None
    body: str | None
    rating_1_10: int | None
    submitted_on: date | None
    is_spoiler: bool
    helpful_up: int | None
    helpful_down: int | None
    language: str | None
    language_name: str
    first_seen_at: datetime
    analysis_status: str | None
    overall: int | None
    overall_quote: str | None
    opinions: tuple[Opinion, ...] = ()

    @property
    def cursor(self) -> str:
        """Where the review after this one begins, for `find_reviews`."""
        return ReviewCursor(self.submitted_on, self.source, self.review_id).text


class ReviewCursor(NamedTuple):
    """The place after a review in the order of `find_reviews`."""

    submitted_on: date | None
    source: str
    review_id: str

    @property
    def text(self) -> str:
        """The cursor for an address: letters, digits, - and _."""
        day = self.submitted_on and self.submitted_on.isoformat()
        written = json.dumps([day, self.source, self.review_id]).encode()
        return base64.urlsafe_b64encode(written).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor that `text` gave.

        Raises:
            BadInput: It is none of ours.
        """
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            day, source, review_id = json.loads(base64.b64decode(padded, b"-_", validate=True))
            read = cls(None if day is None else date.fromisoformat(day), source, review_id)
        except (ValueError, TypeError, RecursionError, binascii.Error):
            read = None
        if read is None or not (_is_text(read.source) and _is_text(read.review_id)):
            raise BadInput("This cursor is none of ours: begin without one.", reason="cursor")
        return read


class ReviewFilter(NamedTuple):
    """Which reviews of a movie to find; None does not restrict. Both ends of a range are included.

    Attributes:
        aspect: Reviews that mention it; the range of scores is then that of the aspect.
        score_from: From -2 to 2; of the whole review without an `aspect`.
        stars_from: From 1 to 10; reviews without stars are then left out.
        language: ISO 639-1, or `UNKNOWN`.
        words: All of these must be in title or body, in any case and anywhere in a word; the first
            `MOST_WORDS` different ones count.
        spoilers: Whether reviews that are marked as spoilers are found too.
    """

    aspect: str | None = None
    score_from: int | None = None
    score_to: int | None = None
    stars_from: int | None = None
    stars_to: int | None = None
    day_from: date | None = None
    day_to: date | None = None
    language: str | None = None
    source: str | None = None
    words: str = ""
    spoilers: bool = True


UNKNOWN = "unknown"
"""In place of a language's code: the language is not known."""

MOST_WORDS = 20


class ReviewRead(NamedTuple):
    """One current review, and the movie that it is about."""

    imdb_id: str
    movie: str
    source: str
    review_id: str
    title: str | None
    body: str | None
    rating_1_10: int | None
    submitted_on: date | None
    is_spoiler: bool
    helpful_up: int | None
    helpful_down: int | None
    language: str | None
    language_name: str
    first_seen_at: datetime
    analysis_status: str | None
    overall: int | None
    overall_quote: str | None
    opinions: tuple[Opinion, ...] = ()
    revisions: tuple[Revision, ...] = ()


class Revision(NamedTuple):
    """What a review said until `replaced_at`; title and body are None once they were dropped."""

    replaced_at: datetime
    title: str | None
    body: str | None
    rating_1_10: int | None
    submitted_on: date | None
    is_spoiler: bool
    helpful_up: int | None
    helpful_down: int | None


class AspectMean(NamedTuple):
    """How an aspect of a movie is received; `mentions` is the n of the mean.

    `share_mentioned` is of the scored reviews; None where there are none.
    """

    aspect: str
    mentions: int
    share_mentioned: float | None
    mean_score: float | None
    half_interval: float | None
    is_enough: bool


class ReviewKey(NamedTuple):
    """A review, by its source and the id that the source gave it."""

    source: str
    review_id: str


class ComparedMean(NamedTuple):
    """How an aspect of a movie, or the whole (`overall`), is received, beside other movies."""

    imdb_id: str
    aspect: str
    n: int
    mean_score: float | None
    half_interval: float | None
    is_enough: bool


class ComparedWeek(NamedTuple):
    """Reviews of a movie in the seven days from so many days after its release on."""

    imdb_id: str
    days_since_release: int
    reviews: int


class Difference(NamedTuple):
    """Two movies of which one does better in an aspect, or on the whole, beyond chance."""

    aspect: str
    better: str
    worse: str
    difference: float
    half_interval: float


class LanguageCount(NamedTuple):
    """Current reviews in a language; the code is None where the language is not known."""

    language: str | None
    language_name: str
    reviews: int


class SourceCount(NamedTuple):
    """How many reviews of a movie we hold of a source (a site, stream or file), of how many.

    `reviews` is None before the movie was counted for the first time.
    """

    source: str
    kind: str
    reviews: int | None
    known_reviews: int | None
    coverage: float | None
    site_rating: float | None
    site_votes: int | None
    site_reviews: int | None
    site_as_of: datetime | None
    gapless_since: datetime | None


class CollectionLine(NamedTuple):
    """A collection: how it ended and why, and what loading it changed."""

    collection_id: int
    run_id: str
    imdb_id: str
    movie: str
    source: str
    mode: str
    status: str
    reason: str | None
    sentence: str | None
    started_at: datetime | None
    finished_at: datetime | None
    site_reviews: int | None
    distinct_ids: int | None
    loaded_at: datetime | None
    inserted_rows: int | None
    revised_rows: int | None
    updated_rows: int | None
    removed_rows: int | None


class CheckVerdict(NamedTuple):
    """The latest verdict of a quality check: pass, fail or not judged."""

    source: str
    check_name: str
    verdict: str
    sentence: str
    figure: float | None
    expected_low: float | None
    expected_high: float | None
    n: int
    collected_at: datetime
    checked_at: datetime


class NextLook(NamedTuple):
    """When a source is asked about a movie again, and why so often (`mart.cadences`)."""

    source: str
    cadence: str
    meaning: str
    looked_at: datetime
    due_at: datetime
    is_due: bool


class Visit(NamedTuple):
    """The last look and the last collection of a movie by a source; imports are none."""

    source: str
    looked_at: datetime | None
    look_outcome: str | None
    look_reason: str | None
    look_sentence: str | None
    collection_status: str | None
    collection_reason: str | None
    collection_sentence: str | None
    collected_at: datetime | None
    run_id: str | None
    host: str | None
    paused_until: datetime | None


class MovieCost(NamedTuple):
    """What an analyser made of a movie's texts, and what that cost.

    Tokens and USD are of all answers about reviews that we still hold; 0 for the lexicon.
    """

    kind: str
    model: str | None
    prompt_version: str
    is_shown: bool
    scored_texts: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class AnalyserLine(NamedTuple):
    """An analyser: how many movies are shown under it, and how many texts it scored."""

    analyser_id: int
    kind: str
    model: str | None
    prompt_version: str
    movies: int
    scored_texts: int
    cost_usd: float


class LlmDay(NamedTuple):
    """What a model was asked on a day (UTC), and what that cost.

    `unsettled_usd` is the most that requests of unknown cost can have cost.
    """

    day: date
    model: str
    calls: int
    scored: int
    not_scored: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unsettled_usd: float


class TextCost(NamedTuple):
    """What scoring one text cost on average so far; None before the first that was scored."""

    model: str
    scored: int
    mean_usd: float | None
    last_day: date


class Fact(NamedTuple):
    """A question that an operator asks first, its answer, and what to make of it."""

    fact: str
    value: str
    meaning: str


class Backup(NamedTuple):
    """A backup that was verified; which ones still lie there, `filmpulse.backup.keep` decides."""

    backup_id: str
    taken_at: datetime


cards = Query("page_cards", Card)
card_aspects = Query("page_card_aspects", CardAspect)
card_weeks = Query("page_card_weeks", CardWeek)
states = Query("page_states", State)
tags = Query("page_tags", MovieTag)
"""These five take `imdb_ids`, None for all movies."""

poster = Query("page_poster", Poster)
weeks = Query("page_weeks", WeekPoint)
aspect_series = Query("page_aspect_series", AspectPoint)
"""Takes `grain` too, one of `GRAINS`."""

grades = Query("page_grades", GradeCount)
events = Query("page_events", EventPoint)
quotes = Query("page_quotes", Quote)
"""Takes `most`, for each aspect and side, and `spoilers`: whether theirs come as well."""

languages = Query("page_languages", LanguageCount)
sources = Query("page_sources", SourceCount)
collections = Query("page_collections", CollectionLine)
"""Takes `most`, and `before`: the last `collection_id` of the page before; None at first."""

imports = Query("page_imports", CollectionLine)
"""Takes `most`."""

checks = Query("page_checks", CheckVerdict)
visits = Query("page_visits", Visit)
looks = Query("page_looks", NextLook)
costs = Query("page_costs", MovieCost)
awaited = Scalar[str]("page_awaited")

analysers = Query("page_analysers", AnalyserLine)
llm_days = Query("page_llm_days", LlmDay)
"""Takes `day_from`."""

text_costs = Query("page_text_costs", TextCost)
facts = Query("page_facts", Fact)
backups = Query("page_backups", Backup)

aspects = Query("page_aspects", AspectMean)
revised = Query("page_revised", ReviewKey)
"""Takes `sources` and `review_ids`, in one order."""

compared = Query("page_compared", ComparedMean)
compared_weeks = Query("page_compared_weeks", ComparedWeek)
differences = Query("page_differences", Difference)
"""These three take `imdb_ids`."""

_changes = Query("page_changes", ChangeCounts)
_change_means = Query("page_change_means", ChangedMean)
_reviews = Query("page_reviews", ReviewFound)
_review = Query("page_review", ReviewRead)
_review_aspects = Query("page_review_aspects", Opinion)
_revisions = Query("page_revisions", Revision)


def read_changes(imdb_id: str, since: datetime, warehouse: Warehouse) -> Changes:
    """Read what changed at a movie since a time (UTC).

    Raises:
        BadInput: The movie is not known.
    """
    asked = {"imdb_id": imdb_id, "since": since}
    with warehouse.connect() as connection:
        counts = _changes.first(connection, **asked)
        if counts is None:
            raise BadInput(f"{imdb_id} is not in the warehouse: collect it first.")
        means = _change_means(connection, **asked) if counts.new_reviews else []
        return Changes(since, counts, means)


def find_reviews(
    imdb_id: str,
    chosen: ReviewFilter,
    warehouse: Warehouse,
    *,
    after: str | None = None,
    most: int = 50,
) -> list[ReviewFound]:
    """Find current reviews of a movie, newest first, those without a day last.

    Args:
        imdb_id: The movie.
        chosen: Which reviews.
        warehouse: Where.
        after: The `cursor` of the last review of the page before; None for the first page.
        most: How many at most.

    Returns:
        The reviews with their opinions. Walked to the end by cursors, each review that was there
        all the time comes exactly once, whatever arrives meanwhile.

    Raises:
        BadInput: `after` is no cursor.
    """
    asked = chosen._asdict() | {"words": _patterns(chosen.words)}
    asked |= {"imdb_id": imdb_id, "most": most, **_place(after)}
    with warehouse.connect() as connection:
        found = _reviews(connection, **asked)
        keys = {
            "sources": [one.source for one in found],
            "review_ids": [one.review_id for one in found],
        }
        opinions: dict[tuple[str, str], list[Opinion]] = {}
        for opinion in _review_aspects(connection, imdb_id=imdb_id, **keys) if found else ():
            opinions.setdefault((opinion.source, opinion.review_id), []).append(opinion)
    return [
        one._replace(opinions=tuple(opinions.get((one.source, one.review_id), ()))) for one in found
    ]


def read_review(
    imdb_id: str, source: str, review_id: str, warehouse: Warehouse
) -> ReviewRead | None:
    """Read one current review with its opinions and its earlier versions, the latest first.

    Returns:
        None if the movie has no such review, or the source removed it.
    """
    key = {"imdb_id": imdb_id, "source": source, "review_id": review_id}
    with warehouse.connect() as connection:
        found = _review.first(connection, **key)
        if found is None:
            return None
        of_it = {"imdb_id": imdb_id, "sources": [source], "review_ids": [review_id]}
        return found._replace(
            opinions=tuple(_review_aspects(connection, **of_it)),
            revisions=tuple(_revisions(connection, **key)),
        )


def _place(after: str | None) -> dict[str, str]:
    """Return where a page of reviews begins; Postgres's own words for no day and for the newest."""
    if after is None:
        return {"after_day": "infinity", "after_source": "", "after_id": ""}
    place = ReviewCursor.parse(after)
    day = "-infinity" if place.submitted_on is None else place.submitted_on.isoformat()
    return {"after_day": day, "after_source": place.source, "after_id": place.review_id}


def _patterns(words: str) -> list[str] | None:
    """Return a pattern for LIKE for each word; None if there is none."""
    clean = words.replace("\0", " ").encode("utf-8", "replace").decode()  # what Postgres can hold
    different = {word.casefold(): word for word in clean.split()}
    escaped = [word.translate(_ESCAPES) for word in different.values()]
    return [f"%{word}%" for word in escaped[:MOST_WORDS]] or None


_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def _is_text(value: object) -> bool:
    """Say whether a value is text that Postgres can hold."""
    return (
        isinstance(value, str)
        and "\0" not in value
        and value.encode("utf-8", "replace").decode() == value
    )
