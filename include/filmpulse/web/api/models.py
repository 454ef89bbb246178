"""The shapes of the API's answers and requests; names are those of the marts.

What a field means is said once here, and shown in the OpenAPI document.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from filmpulse.items import IMDB_ID_PATTERN, PERSON_ID_PATTERN, Aspect
from filmpulse.jobs import CATALOGUE_CREDIT


def _of(description: str, example: Any) -> Any:
    return Field(description=description, examples=[example])


MOVIE, RUN, REVIEW = "tt99000001", "manual__2026-11-02T10:00:00+00:00", "rw99000001"
PERSON = "nm99000001"

ImdbId = Annotated[
    str, Field(pattern=IMDB_ID_PATTERN, description="The movie's IMDb id.", examples=[MOVIE])
]
Title = Annotated[
    str, _of("Title and year; with the id where two movies share both.", "The Glass Orchard (2026)")
]
MaybeRun = Annotated[str | None, _of("The run in Airflow; null where there is none.", RUN)]
Source = Annotated[str, _of("Where it stands.", "imdb")]
MaybeSource = Annotated[str | None, _of("Whose they are; null where there is none.", "imdb")]
ReviewId = Annotated[str, _of("The source's own id of the review.", REVIEW)]
Day = Annotated[date | None, _of("The source's own day; null where it gives none.", "2026-11-02")]
Start = Annotated[date, _of("The first day of the time; of a week its Monday.", "2026-11-02")]
SinceRelease = Annotated[
    int | None, _of("Days since the release; below 0 before it, null if it is not known.", 17)
]
Time = Annotated[datetime, _of("When (UTC).", "2026-11-02T10:00:00Z")]
MaybeTime = Annotated[
    datetime | None, _of("When (UTC); null where it was not yet.", "2026-11-02T10:00:00Z")
]
Language = Annotated[str | None, _of("ISO 639-1; null where it is not known.", "en")]
Grade = Annotated[int | None, _of("The reviewer's grade, 1 to 10; null for none.", 8)]
MeanStars = Annotated[float | None, _of("Mean of the grades, 1 to 10; null for none.", 7.6)]
Score = Annotated[
    int | None, _of("-2 very negative to 2 very positive; null where there is none.", 1)
]
Mean = Annotated[float | None, _of("Mean score, -2 to 2; null for none.", 0.84)]
HalfInterval = Annotated[
    float | None,
    _of("Half the width of the 95 % interval of the mean; null below two values.", 0.12),
]
IsEnough = Annotated[
    bool,
    _of("Whether n and coverage allow the mean to be compared; otherwise it is too few.", True),
]
Count = Annotated[int, _of("How many.", 412)]
MaybeCount = Annotated[int | None, _of("How many; null where it is not known.", 412)]
Share = Annotated[float | None, _of("From 0 to 1; null where it is not known.", 0.73)]
Words = Annotated[
    str | None, _of("Words of the review, letter for letter; null unless asked for.", None)
]
AspectName = Annotated[Aspect, _of("The aspect.", "acting")]
AspectOrWhole = Annotated[
    Literal["overall", "storytelling", "acting", "visuals", "sound", "themes"],
    _of("The aspect, or `overall` for the whole.", "acting"),
]
Usd = Annotated[float, _of("In USD.", 0.42)]
Votes = Annotated[int | None, _of("Helpful votes; null where the source counts none.", 12)]
Reason = Annotated[str | None, _of("One stable word for why; null where all went well.", None)]
Sentence = Annotated[str | None, _of("The same for a person; null where none was noted.", None)]
Kind = Annotated[str, _of("`lexicon` or `llm`.", "lexicon")]
Model = Annotated[str | None, _of("The model's name; null for the lexicon.", None)]
Version = Annotated[str, _of("Version of the prompt, or of the lexicon.", "v1")]
Tag = Annotated[str, _of("A word or two to find movies by; 40 characters at most.", "competitors")]


class Shown(BaseModel):
    """Base of what is answered: read from the rows of the marts."""

    model_config = ConfigDict(from_attributes=True)


class Movie(Shown):
    """A movie in the list; `counted_at` says when its counts and means last changed."""

    imdb_id: ImdbId
    movie: Title
    title: Annotated[str, _of("The original title where it is known.", "The Glass Orchard")]
    year: Annotated[int | None, _of("Year of release; null where it is not known.", 2026)]
    genres: Annotated[list[str], _of("In IMDb's order.", ["Drama"])]
    credit: Annotated[
        str | None,
        _of(
            "IMDb's credit line, to be shown with title, year and genres; null where not due.", None
        ),
    ]
    tags: Annotated[list[str], _of("In their order.", ["competitors"])]
    is_tracked: Annotated[
        bool, _of("Whether detection looks at it, as often as its cadence says.", True)
    ]
    state: Annotated[
        str,
        _of(
            "How it stands: collecting, queued, scoring, paused, layout_changed, blocked, "
            "not_found, failed, partial, gated, never, stale or fresh.",
            "fresh",
        ),
    ]
    reason: Reason
    done: Annotated[int | None, _of("While at work: how many reviews are done.", None)]
    total: Annotated[int | None, _of("While at work: of how many, if it is known.", None)]
    run_id: MaybeRun
    site: MaybeSource
    site_rating: Annotated[float | None, _of("The site's own mean rating, 1 to 10.", 7.4)]
    site_votes: Annotated[int | None, _of("The votes behind it.", 18250)]
    reviews: Annotated[int | None, _of("Current reviews that we hold.", 412)]
    known_reviews: Annotated[int | None, _of("Of so many that are known to exist.", 564)]
    coverage: Share
    scored_reviews: Annotated[int | None, _of("The n of `mean_overall`.", 398)]
    mean_overall: Mean
    half_interval: HalfInterval
    is_enough: IsEnough
    waiting_reviews: Annotated[int | None, _of("Reviews that are not scored yet.", 0)]
    looked_at: MaybeTime
    counted_at: MaybeTime


class AspectOfMovie(Shown):
    """How an aspect of a movie is received."""

    imdb_id: ImdbId
    aspect: AspectName
    mentions: Annotated[int, _of("Reviews that mention it: the n of the mean.", 131)]
    mean_score: Mean
    half_interval: HalfInterval
    is_enough: IsEnough


class AspectReceived(Shown):
    """How an aspect is received, with the best quote on either side."""

    aspect: AspectName
    mentions: Annotated[int, _of("Reviews that mention it: the n of the mean.", 131)]
    share_mentioned: Annotated[float | None, _of("Of the scored reviews.", 0.33)]
    mean_score: Mean
    score_low: Annotated[float | None, _of("Lower end of the 95 % interval.", 0.7)]
    score_high: Annotated[float | None, _of("Upper end of the 95 % interval.", 0.98)]
    is_enough: IsEnough
    praise: Annotated[str | None, _of("A quote that praises it; never of a spoiler.", "A joy.")]
    fault: Annotated[str | None, _of("A quote that faults it; never of a spoiler.", "It drags.")]


class TrendShown(Shown):
    """The latest quarter of the scored reviews, at least 30, against all earlier ones."""

    trend: Annotated[str, _of("rising, falling, steady or too few.", "steady")]
    recent_n: Count
    earlier_n: Count
    since: Day
    difference: Annotated[float | None, _of("Of the two mean scores.", 0.05)]
    half_interval: HalfInterval


class Reception(Shown):
    """How a movie is received, as of now."""

    imdb_id: ImdbId
    movie: Title
    title: Annotated[str, _of("The original title where it is known.", "The Glass Orchard")]
    year: Annotated[int | None, _of("Year of release; null where it is not known.", 2026)]
    release_date: Day
    reviews: Annotated[int | None, _of("Current reviews that we hold.", 412)]
    known_reviews: Annotated[int | None, _of("Of so many that are known to exist.", 564)]
    coverage: Share
    unrated_reviews: Annotated[int | None, _of("Of the reviews, those without a grade.", 31)]
    mean_stars: MeanStars
    stars_half_interval: HalfInterval
    is_enough_stars: IsEnough
    scored_reviews: Annotated[int | None, _of("The n of `mean_overall`.", 398)]
    mean_overall: Mean
    half_interval: HalfInterval
    is_enough: IsEnough
    grade: Annotated[str, _of("The mean score in words, or `too few`.", "positive")]
    polarisation: Annotated[float | None, _of("0 all agree, 1 split in two camps.", 0.41)]
    waiting_reviews: Annotated[int | None, _of("Reviews that are not scored yet.", 14)]
    analyser: Annotated[str, _of("Who reads the reviews.", "keyless lexicon")]
    analyser_caveat: Annotated[
        str, _of("What that reader cannot do.", "A baseline for three languages.")
    ]
    awaited_sentence: Annotated[
        str | None, _of("Why the configured analyser is not shown yet; null if it is.", None)
    ]
    first_review_on: Day
    last_review_on: Day
    site: MaybeSource
    site_rating: Annotated[float | None, _of("The site's own mean rating, 1 to 10.", 7.4)]
    site_votes: Annotated[int | None, _of("The votes behind it.", 18250)]
    site_reviews: Annotated[int | None, _of("The site's own count of reviews.", 564)]
    site_as_of: MaybeTime
    collection_status: Annotated[
        str | None, _of("How the last collection ended; null before the first.", "complete")
    ]
    collected_at: MaybeTime
    looked_at: MaybeTime
    trend: TrendShown
    aspects: list[AspectReceived]
    faults: Annotated[list[str], _of("Which quality checks fail now, in sentences.", [])]


class SeriesPoint(Shown):
    """A day or a week in which reviews were submitted."""

    starts_on: Start
    days_since_release: SinceRelease
    reviews: Count
    graded_reviews: Annotated[int, _of("The n of `mean_stars`.", 40)]
    mean_stars: MeanStars
    stars_half_interval: HalfInterval
    scored_reviews: Annotated[int, _of("The n of `mean_overall`.", 38)]
    mean_overall: Mean
    overall_half_interval: HalfInterval
    reviews_so_far: Count
    graded_so_far: Count
    mean_stars_so_far: MeanStars


class AspectPoint(Shown):
    """How an aspect was received in reviews of a week, month or quarter."""

    aspect: AspectOrWhole
    starts_on: Start
    days_since_release: SinceRelease
    n: Count
    mean_score: Mean
    half_interval: HalfInterval
    is_enough: IsEnough


class Quote(Shown):
    """Words of a review, letter for letter, that praise or fault an aspect."""

    aspect: AspectName
    is_praise: Annotated[bool, _of("Whether it praises; otherwise it faults.", True)]
    place: Annotated[int, _of("1 is the best of its aspect and side.", 1)]
    score: Score
    quote: Annotated[str, _of("An exact piece of the review.", "The leads carry every scene.")]
    is_spoiler: Annotated[bool, _of("Whether the review is marked as a spoiler.", False)]
    source: Source
    review_id: ReviewId
    submitted_on: Day
    language: Language
    rating_1_10: Grade
    helpful_up: Votes


class Review(Shown):
    """A current review: its grade, its scores, and its words if they were asked for."""

    imdb_id: ImdbId
    source: Source
    review_id: ReviewId
    submitted_on: Day
    rating_1_10: Grade
    language: Language
    is_spoiler: Annotated[bool, _of("Whether it is marked as a spoiler.", False)]
    helpful_up: Votes
    helpful_down: Votes
    first_seen_at: Time
    analysis_status: Annotated[
        str | None, _of("What the movie's analyser made of it; null before that.", "scored")
    ]
    overall: Score
    storytelling: Score
    acting: Score
    visuals: Score
    sound: Score
    themes: Score
    title: Words
    body: Words
    overall_quote: Words
    storytelling_quote: Words
    acting_quote: Words
    visuals_quote: Words
    sound_quote: Words
    themes_quote: Words


class ReviewVersion(Shown):
    """What a review said before it was edited; its words are dropped after a time."""

    replaced_at: Time
    title: Words
    body: Words
    rating_1_10: Grade
    submitted_on: Day
    is_spoiler: Annotated[bool, _of("Whether it was marked as a spoiler.", False)]
    helpful_up: Votes
    helpful_down: Votes


class ReviewWithVersions(Review):
    """One review, and what it said before, the latest version first."""

    movie: Title
    versions: list[ReviewVersion]


class Collection(Shown):
    """One visit that read a movie's reviews: how it ended, why, and what it changed."""

    collection_id: Annotated[int, _of("Our number of it; a later one is larger.", 17)]
    run_id: Annotated[str, _of("The run in Airflow, or of a command.", RUN)]
    imdb_id: ImdbId
    movie: Title
    source: Source
    mode: Annotated[str, _of("incremental, full, import or stream.", "full")]
    status: Annotated[
        str,
        _of(
            "queued, running, complete, drained, partial, gated, blocked, layout_changed, "
            "not_found or failed.",
            "complete",
        ),
    ]
    reason: Reason
    sentence: Sentence
    started_at: MaybeTime
    finished_at: MaybeTime
    site_reviews: Annotated[int | None, _of("The site's own count at the end.", 412)]
    distinct_ids: Annotated[int | None, _of("Reviews that were read.", 412)]
    loaded_at: MaybeTime
    inserted_rows: MaybeCount
    revised_rows: MaybeCount
    updated_rows: MaybeCount
    removed_rows: MaybeCount


class Check(Shown):
    """The latest verdict of a rule on what collections brought."""

    source: Source
    check_name: Annotated[str, _of("Which rule.", "grades_moved")]
    verdict: Annotated[str, _of("pass, fail or not judged.", "pass")]
    sentence: Annotated[str, _of("What was found.", "The mean grade is as before.")]
    figure: Annotated[float | None, _of("What was measured; null where nothing was.", 0.02)]
    expected_low: Annotated[float | None, _of("The least that passes.", None)]
    expected_high: Annotated[float | None, _of("The most that passes.", 0.5)]
    n: Annotated[int, _of("Of how many.", 412)]
    collected_at: Time
    checked_at: Time


class MovieCost(Shown):
    """What an analyser made of a movie's reviews that we still hold, and what that cost."""

    kind: Kind
    model: Model
    prompt_version: Version
    is_shown: Annotated[bool, _of("Whether the movie is shown under it.", True)]
    scored_texts: Count
    input_tokens: Count
    output_tokens: Count
    cost_usd: Usd


class Analyser(Shown):
    """What gives scores: the lexicon, or a model with its prompt."""

    analyser_id: Annotated[int, _of("Our number of it.", 1)]
    kind: Kind
    model: Model
    prompt_version: Version
    movies: Annotated[int, _of("Movies that are shown under it.", 12)]
    scored_texts: Annotated[int, _of("Texts that it scored, earlier versions among them.", 5120)]
    cost_usd: Usd


class CostOfDay(Shown):
    """What a model was asked on a day, and what that cost."""

    day: Annotated[date, _of("The day (UTC).", "2026-11-02")]
    model: Annotated[str, _of("The model's name.", "a-model")]
    calls: Annotated[int, _of("Requests to it.", 420)]
    scored: Annotated[int, _of("Texts with a score.", 410)]
    not_scored: Annotated[int, _of("Requests that brought no score.", 10)]
    input_tokens: Count
    output_tokens: Count
    cost_usd: Usd
    unsettled_usd: Annotated[
        float, _of("The most that requests of unknown cost can have cost, in USD.", 0.0)
    ]


class Fact(Shown):
    """A question that an operator asks first, its answer, and what to make of it."""

    fact: Annotated[str, _of("The question.", "Reviews held")]
    value: Annotated[str, _of("The answer.", "5,120")]
    meaning: Annotated[str, _of("What to make of it.", "73.0 % of those known to exist.")]


class Health(Shown):
    """Whether the API works; if the warehouse does not answer, the answer is 503 instead."""

    status: Annotated[Literal["ok"], _of("Always `ok`.", "ok")]
    version: Annotated[str, _of("Version of Filmpulse.", "0.1.0")]
    revision: Annotated[str | None, _of("Revision of the warehouse's tables.", "0021")]
    last_look_at: Annotated[
        datetime | None,
        _of("The last look at any movie (UTC); null for none.", "2026-11-02T10:00:00Z"),
    ]
    last_backup_at: Annotated[
        datetime | None,
        _of("The last backup that was verified (UTC); null for none.", "2026-11-02T03:30:00Z"),
    ]
    facts: list[Fact]


class TagOfMovie(Shown):
    """A tag of a movie."""

    imdb_id: ImdbId
    tag: Tag


TitleId = Annotated[
    str, Field(pattern=IMDB_ID_PATTERN, description="The title's IMDb id.", examples=[MOVIE])
]
PersonId = Annotated[
    str, Field(pattern=PERSON_ID_PATTERN, description="The person's IMDb id.", examples=[PERSON])
]
Name = Annotated[str, _of("The title by which it is best known.", "The Glass Orchard")]
OriginalName = Annotated[
    str | None, _of("The title in its own language; null where it is not known.", "El huerto")
]
TitleKind = Annotated[
    str | None, _of("IMDb's type, such as movie, short, tvSeries; new ones may come.", "movie")
]
TitleYear = Annotated[
    int | None, _of("Of release; of a series the first. Null where it is not known.", 2026)
]
Genres = Annotated[list[str], _of("At most three.", ["Drama"])]
ImdbRating = Annotated[
    float | None, _of("IMDb's weighted mean of the votes, 1 to 10; null below five votes.", 7.4)
]
ImdbVotes = Annotated[int | None, _of("The votes behind it.", 18250)]
BirthYear = Annotated[
    int | None, _of("Year of birth, below 0 before Christ; null where it is not known.", 1964)
]
DeathYear = Annotated[int | None, _of("Year of death; null where none is known.", None)]
Professions = Annotated[list[str], _of("At most three, as IMDb has them.", ["director"])]
KnownFor = Annotated[list[str], _of("Titles, with their years.", ["The Glass Orchard (2026)"])]
Credit = Annotated[
    str,
    _of(
        "IMDb's terms ask for this line wherever the data is shown.",
        "Information courtesy of IMDb (https://www.imdb.com). Used with permission.",
    ),
]
AsOf = Annotated[
    datetime | None,
    _of(
        "When IMDb made the list of titles (UTC); null if that is not known.",
        "2026-11-02T10:00:00Z",
    ),
]


class TitleFound(Shown):
    """A title of the catalogue, as a search or a person's list names it."""

    imdb_id: TitleId
    title: Name
    original_title: OriginalName
    year: TitleYear
    kind: TitleKind
    genres: Genres
    directors: Annotated[list[str], _of("Their names.", ["Ines Marlow"])]
    stars: Annotated[
        str | None, _of("First of the cast; null where nobody is named.", "Ana Ruiz, Tom Berg")
    ]
    rating: ImdbRating
    vote_count: ImdbVotes
    credit: Credit = CATALOGUE_CREDIT


class PersonFound(Shown):
    """A person of the catalogue; names are not unique, ids are."""

    person_id: PersonId
    name: Annotated[str, _of("The name by which the person is best known.", "Ines Marlow")]
    birth_year: BirthYear
    death_year: DeathYear
    professions: Professions
    known_for: KnownFor
    credit: Credit = CATALOGUE_CREDIT


class TitlePerson(Shown):
    """Somebody who worked on a title."""

    role: Annotated[str, _of("director, writer, cast, or IMDb's category.", "cast")]
    person_id: PersonId
    name: Annotated[str | None, _of("Null where the catalogue has no such person.", "Ana Ruiz")]
    place: Annotated[int, _of("From 1, in the role, in IMDb's order.", 1)]
    parts: Annotated[list[str], _of("Whom they play; of the cast only.", ["Dr. Vale"])]


class OtherTitle(Shown):
    """A name under which a title is known."""

    title: Annotated[str, _of("The name.", "El huerto de cristal")]
    regions: Annotated[list[str], _of("IMDb's codes of where.", ["ES", "MX"])]


class TitleShown(Shown):
    """A title of the catalogue: facts, people, other names; 100 of a role and 300 names at most."""

    imdb_id: TitleId
    title: Name
    original_title: OriginalName
    kind: TitleKind
    year: TitleYear
    end_year: Annotated[int | None, _of("Last year of a series; null for others.", None)]
    runtime_minutes: Annotated[int | None, _of("Null where it is not known.", 118)]
    is_adult: Annotated[
        bool, _of("Whether IMDb calls it an adult title, or Adult is among its genres.", False)
    ]
    genres: Genres
    rating: ImdbRating
    vote_count: ImdbVotes
    series_id: Annotated[str | None, _of("Of an episode: its series.", None)]
    series: Annotated[str | None, _of("Of an episode: the series' title.", None)]
    season: Annotated[int | None, _of("Of an episode; null where it is not known.", None)]
    episode: Annotated[int | None, _of("Of an episode; null where it is not known.", None)]
    is_tracked: Annotated[
        bool, _of("Whether detection looks at it, as often as its cadence says.", True)
    ]
    people: list[TitlePerson]
    other_titles: list[OtherTitle]
    credit: Credit = CATALOGUE_CREDIT


class TitlesInRole(Shown):
    """A person's titles in one role: those with most votes, the newest first."""

    role: Annotated[
        str,
        _of("director, writer, cast, or another one by IMDb's word, such as composer.", "director"),
    ]
    count: Annotated[int, _of("How many there are; `titles` may be the first of them.", 12)]
    titles: list[TitleFound]


class PersonShown(PersonFound):
    """A person of the catalogue with their titles, and others of the same name."""

    roles: list[TitlesInRole]
    namesakes: list[PersonFound]
    as_of: AsOf


class DatasetShown(Shown):
    """One of IMDb's datasets: what readers see of it, and how its newest load went."""

    dataset: Annotated[str, _of("IMDb's name of it.", "title.basics")]
    rows: Annotated[int | None, _of("That readers see; null for none.", 1641397)]
    bytes: Annotated[int | None, _of("Size of its table, with indexes.", 420000000)]
    as_of: Annotated[datetime | None, _of("When IMDb made the file (UTC).", "2026-11-02T04:30:00Z")]
    load_state: Annotated[
        str, _of("loading, loaded (not shown yet), live, unchanged, refused or failed.", "live")
    ]
    reason: Reason
    sentence: Sentence
    loaded_at: Annotated[
        datetime, _of("When that was, or when it began (UTC).", "2026-11-02T05:00:00Z")
    ]


class CatalogueShown(Shown):
    """How the catalogue stands."""

    subset: Annotated[
        str | None,
        _of("rated, no_episodes or all: titles to keep. Null: nobody accepted the terms.", "rated"),
    ]
    accepted_at: MaybeTime
    shown_subset: Annotated[str | None, _of("What readers see; null for nothing.", "rated")]
    titles: Annotated[int, _of("Titles that readers see.", 1641397)]
    as_of: AsOf
    bytes: Annotated[int, _of("Size of what readers see, with indexes.", 9000000000)]
    is_worked_on: Annotated[bool, _of("Whether a load is under way.", False)]
    datasets: list[DatasetShown]
    credit: Credit = CATALOGUE_CREDIT


class Asking(BaseModel):
    """Base of what is sent; unknown fields are refused, since they are mistyped."""

    model_config = ConfigDict(extra="forbid")


class MovieToTrack(Asking):
    """The movie to track."""

    movie: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            description="Its IMDb id, or the address of its page at IMDb.",
            examples=["https://www.imdb.com/title/tt99000001/"],
        ),
    ]


class HowToCollect(Asking):
    """How to read the reviews."""

    mode: Annotated[
        Literal["incremental", "full"],
        Field(description="New reviews, or all of them.", examples=["incremental"]),
    ] = "incremental"


class Confirmation(Asking):
    """What shows that the right movie is meant."""

    title: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            description="The movie's title, typed again, with or without its year.",
            examples=["The Glass Orchard"],
        ),
    ]


class Tracked(Shown):
    """That a movie is tracked."""

    imdb_id: ImdbId
    is_new: Annotated[bool, _of("Whether it was not tracked before.", True)]
    run_id: MaybeRun
    problem: Annotated[
        str | None,
        _of("Why no run was started; the next detection takes the movie up.", None),
    ]


class Started(Shown):
    """That a run was started."""

    run_id: Annotated[str, _of("The run in Airflow.", RUN)]


class Erasure(Shown):
    """What was erased; all zero if it was erased before."""

    imdb_id: ImdbId
    reviews: Annotated[int, _of("Reviews in the warehouse.", 412)]
    rows: Annotated[int, _of("Rows of all its tables.", 3120)]
    lines: Annotated[int, _of("Reviews in collections of the lake.", 824)]
    objects: Annotated[int, _of("Whole objects of the lake.", 9)]
