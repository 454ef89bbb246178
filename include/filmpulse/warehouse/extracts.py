"""What leaves the warehouse as data: four tables of the marts, each column with its type and unit.

Notebooks (`filmpulse.frames`) and exports (`jobs.export`) read them here, so a column has one type
and one unit wherever it goes. What a column means is its comment in the mart.

The tables hold reviews that their sources still show, and no catalogue row. Nobody's name is in
them. The words of reviews and their quotes are read only on request (`with_text`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

from filmpulse.errors import BadInput
from filmpulse.warehouse import Connection
from filmpulse.warehouse.statement import Command, Query, Scalar

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

RIGHTS = (
    "A review belongs to whoever wrote it; the conditions of its source hold for what is done with "
    "it. Figures: Filmpulse."
)

AT_ONCE = 200
"""Rows that the server hands over at once."""

MOST_ROWS, MOST_CHARACTERS = 20_000, 8_000_000
"""What one chunk holds at most, but for its last row: a few times 8 MB of memory."""


class Column(NamedTuple):
    """What a column holds: its type, and its unit or scale if it is a quantity.

    The type is an alias of Arrow's, `category`, or `timestamp` (UTC).
    """

    type: str
    unit: str | None = None
    is_words: bool = False


Id = Annotated[str, Column("string")]
Kind = Annotated[str, Column("category")]
MaybeKind = Annotated[str | None, Column("category")]
Label = Annotated[str | None, Column("string")]
Words = Annotated[str | None, Column("string", is_words=True)]
Flag = Annotated[bool | None, Column("bool")]
Day = Annotated[date | None, Column("date32", "day")]
Time = Annotated[datetime | None, Column("timestamp", "time (UTC)")]
Days = Annotated[int | None, Column("int64", "days")]
Stars = Annotated[int | None, Column("int8", "1 to 10")]
MeanStars = Annotated[float | None, Column("float64", "1 to 10")]
StarsWidth = Annotated[float | None, Column("float64", "stars")]
Score = Annotated[int | None, Column("int8", "-2 to 2")]
MeanScore = Annotated[float | None, Column("float64", "-2 to 2")]
ScoreWidth = Annotated[float | None, Column("float64", "points of the scale -2 to 2")]
Share = Annotated[float | None, Column("float64", "0 to 1")]
Reviews = Annotated[int | None, Column("int64", "reviews")]
Votes = Annotated[int | None, Column("int64", "votes")]
Year = Annotated[int | None, Column("int64", "year")]


class ReviewRow(NamedTuple):
    """A review that its source still shows."""

    imdb_id: Kind
    source: Kind
    review_id: Id
    submitted_on: Day
    days_since_release: Days
    rating_1_10: Stars
    overall: Score
    analysis_status: MaybeKind
    language: MaybeKind
    is_spoiler: Flag
    helpful_up: Votes
    helpful_down: Votes
    first_seen_at: Time
    title: Words
    body: Words
    overall_quote: Words


class AspectRow(NamedTuple):
    """An aspect that such a review mentions."""

    imdb_id: Kind
    source: Kind
    review_id: Id
    submitted_on: Day
    aspect: Kind
    score: Score
    overall: Score
    rating_1_10: Stars
    language: MaybeKind
    is_spoiler: Flag
    quote: Words
    quote_start: Annotated[int | None, Column("int64", "code points", is_words=True)]


class SeriesRow(NamedTuple):
    """A day or a week of a movie in which reviews were submitted."""

    imdb_id: Kind
    grain: Kind
    starts_on: Day
    days_since_release: Days
    reviews: Reviews
    graded_reviews: Reviews
    mean_stars: MeanStars
    stars_half_interval: StarsWidth
    scored_reviews: Reviews
    mean_overall: MeanScore
    overall_half_interval: ScoreWidth
    reviews_so_far: Reviews
    graded_so_far: Reviews
    mean_stars_so_far: MeanStars


class MovieRow(NamedTuple):
    """A movie with its counts, its coverage, and its means with their intervals."""

    imdb_id: Id
    title: Label
    year: Year
    release_date: Day
    reviews: Reviews
    known_reviews: Reviews
    coverage: Share
    sources: Label
    unrated_reviews: Reviews
    mean_stars: MeanStars
    stars_half_interval: StarsWidth
    is_enough_stars: Flag
    analyser: MaybeKind
    analyser_version: MaybeKind
    analysed_reviews: Reviews
    waiting_reviews: Reviews
    scored_reviews: Reviews
    mean_overall: MeanScore
    overall_low: MeanScore
    overall_high: MeanScore
    is_enough: Flag
    polarisation: Share
    first_review_on: Day
    last_review_on: Day
    site: MaybeKind
    site_rating: MeanStars
    site_votes: Votes
    site_reviews: Reviews
    site_as_of: Time
    collection_status: MaybeKind
    collected_at: Time


Row = tuple[Any, ...]


class Meaning(NamedTuple):
    """A column of a mart and its comment."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Extract:
    """One table: its mart, and the rows of one movie, in their order, as the statement gives them.

    A movie's reviews and aspects are in the order of their days; those without a day come last.
    """

    name: str
    mart: str
    query: Query[Any]
    row: type[Any]

    def columns(self, *, with_text: bool) -> dict[str, Column]:
        """Return the columns in order; those of words only `with_text`."""
        hints = get_type_hints(self.row, include_extras=True)
        found = {name: hints[name].__metadata__[0] for name in self.row._fields}
        return {name: one for name, one in found.items() if with_text or not one.is_words}

    def chunks(
        self, connection: Connection, imdb_ids: Iterable[str], *, with_text: bool
    ) -> Iterator[list[Row]]:
        """Yield the rows of these movies, movie by movie, as many at once as memory may hold.

        A row has a value for each of `columns`. The server keeps what was not fetched yet.
        """
        kept = [list(self.row._fields).index(name) for name in self.columns(with_text=with_text)]
        chunk: list[Row] = []
        characters = 0
        for imdb_id in imdb_ids:
            asked = {"imdb_id": imdb_id, "with_text": with_text}
            with self.query.streamed(connection, AT_ONCE, **asked) as rows:
                for found in rows:
                    row = tuple(found[place] for place in kept)
                    chunk.append(row)
                    characters += sum(len(value) for value in row if isinstance(value, str))
                    if len(chunk) >= MOST_ROWS or characters >= MOST_CHARACTERS:
                        yield chunk
                        chunk, characters = [], 0
        if chunk:
            yield chunk

    def about(self, connection: Connection, *, with_text: bool) -> dict[str, Any]:
        """Return what a reader of the table should know: units, meanings, rights; plain JSON."""
        columns = self.columns(with_text=with_text)
        said = {one.name: one.meaning for one in _meanings(connection, mart=self.mart)}
        return {
            "table": f"mart.{self.mart}",
            "units": {name: column.unit for name, column in columns.items() if column.unit},
            "meanings": {name: said[name] for name in columns},
            "rights": RIGHTS,
        }


EXTRACTS = {
    one.name: one
    for one in (
        Extract("reviews", "reviews", Query("extract_reviews", ReviewRow), ReviewRow),
        Extract("aspects", "aspect_scores", Query("extract_aspects", AspectRow), AspectRow),
        Extract("series", "movie_series", Query("extract_series", SeriesRow), SeriesRow),
        Extract("movies", "movie_figures", Query("extract_movies", MovieRow), MovieRow),
    )
}

keep_moment = Command("extract_snapshot")
_movie_ids = Scalar[str]("extract_movie_ids")
_meanings = Query("extract_meanings", Meaning)


def find_movies(connection: Connection, imdb_ids: Sequence[str] | None) -> list[str]:
    """Return these movies, or all movies if None is given; each once, sorted.

    Raises:
        BadInput: The warehouse does not know a movie; all such movies are named.
    """
    found = _movie_ids(connection, imdb_ids=None if imdb_ids is None else list(imdb_ids))
    if unknown := sorted(set(imdb_ids or ()) - set(found)):
        raise BadInput(f"Not in the warehouse: {', '.join(unknown)[:500]}. Collect first.")
    return found


def arrow_schema(columns: Mapping[str, Column], about: Mapping[str, Any]) -> pa.Schema:
    """Return the Arrow schema of a table; pandas reads types and `about` from its metadata."""
    import pyarrow as pa

    fields = [
        pa.field(name, _arrow_type(one), metadata={"unit": one.unit} if one.unit else None)
        for name, one in columns.items()
    ]
    bare = pa.schema(fields)
    empty = as_frame(bare.empty_table())
    for_pandas = pa.Schema.from_pandas(empty, preserve_index=False).metadata
    # pandas' own name for what `DataFrame.attrs` holds (pandas/io/parquet.py)
    return bare.with_metadata({**for_pandas, b"PANDAS_ATTRS": json.dumps(about).encode()})


def arrow_batch(chunk: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows as one Arrow batch."""
    import pyarrow as pa

    columns = zip(*chunk, strict=True)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as pandas has it: nullable integers, categories, days as datetimes."""
    import pandas as pd
    import pyarrow as pa

    nullable = {
        pa.string(): pd.StringDtype(),
        pa.int8(): pd.Int8Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    frame: pd.DataFrame = (
        table.replace_schema_metadata()
        .unify_dictionaries()
        .to_pandas(types_mapper=nullable.get, date_as_object=False)
    )
    days = [field.name for field in table.schema if pa.types.is_date(field.type)]
    return frame.astype(dict.fromkeys(days, "datetime64[us]"))


def _arrow_type(column: Column) -> pa.DataType:
    import pyarrow as pa

    if column.type == "category":
        return pa.dictionary(pa.int32(), pa.string())
    if column.type == "timestamp":
        return pa.timestamp("us", tz="UTC")
    return pa.type_for_alias(column.type)
