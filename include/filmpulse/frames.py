"""Reviews and figures as pandas DataFrames, for notebooks.

Example::

    from filmpulse import frames

    frames.reviews("tt0111161").groupby("source", observed=True).rating_1_10.mean()

Types: `string`, `category`, `boolean`; `Int8` and `Int64`, which know "none given"; `float64`;
`datetime64[us]` for days and `datetime64[us, UTC]` for times, so that both can be resampled and
drawn. An empty frame has the same types. `frame.attrs` says what the columns hold:

* `units`: the unit or scale of each column that is a quantity, such as `"1 to 10"`;
* `meanings`: the comment of each column in its mart; `table`: the mart;
* `rights`: whose the reviews are.

The figures are those of the marts, as every other page shows them. A mean has its n and its
interval beside it; `is_enough` of `movies()` says whether a movie's figures may be compared.

Reviews are those that their sources still show. Authors have no name here and no key. Words of
reviews and quotes come only `with_text=True`; they belong to those who wrote them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmpulse.config import Settings, variable_name
from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id
from filmpulse.warehouse import Warehouse, extracts

if TYPE_CHECKING:
    import pandas as pd


def reviews(
    imdb_id: str | None = None, *, with_text: bool = False, warehouse: Warehouse | None = None
) -> pd.DataFrame:
    """Return current reviews with their overall scores: a row a review, a movie's by their days.

    Args:
        imdb_id: A movie's IMDb id, or the address of its page there; all movies if None.
        with_text: Whether to add `title`, `body` and `overall_quote`. Of a spoiler
            (`is_spoiler`), do not show them unasked.
        warehouse: Where to read; that of FILMPULSE_WAREHOUSE_URL if None. The role
            `filmpulse_reader` is enough.

    Raises:
        BadInput: The warehouse does not know the movie, or there is no address of a warehouse.
        WarehouseUnavailable: Postgres does not answer (retryable).

    All rows are in memory: about 70 bytes a review, and its text.
    """
    return _read("reviews", imdb_id, warehouse, with_text=with_text)


def aspects(
    imdb_id: str | None = None, *, with_text: bool = False, warehouse: Warehouse | None = None
) -> pd.DataFrame:
    """Return what current reviews say of aspects: a row for each aspect that a review mentions.

    `with_text` adds `quote` and `quote_start`. The rest is as with `reviews`; `source` and
    `review_id` join the two.
    """
    return _read("aspects", imdb_id, warehouse, with_text=with_text)


def series(imdb_id: str | None = None, *, warehouse: Warehouse | None = None) -> pd.DataFrame:
    """Return how many reviews came, and how good they are, by day and by week; choose a `grain`.

    A day or week without a review has no row. Arguments and errors are those of `reviews`.
    """
    return _read("series", imdb_id, warehouse)


def movies(imdb_id: str | None = None, *, warehouse: Warehouse | None = None) -> pd.DataFrame:
    """Return a row a movie: counts and coverage, means with n and interval, the site's figures.

    Arguments and errors are those of `reviews`.
    """
    return _read("movies", imdb_id, warehouse)


def _read(
    name: str, imdb_id: str | None, warehouse: Warehouse | None, *, with_text: bool = False
) -> pd.DataFrame:
    import pyarrow as pa

    extract = extracts.EXTRACTS[name]
    wanted = None if imdb_id is None else [read_imdb_id(imdb_id) or imdb_id]
    with (warehouse or _of_environment()).connect() as connection:
        extracts.keep_moment(connection)
        movies = extracts.find_movies(connection, wanted)
        about = extract.about(connection, with_text=with_text)
        schema = extracts.arrow_schema(extract.columns(with_text=with_text), about)
        chunks = extract.chunks(connection, movies, with_text=with_text)
        batches = [extracts.arrow_batch(chunk, schema) for chunk in chunks]
    frame = extracts.as_frame(pa.Table.from_batches(batches, schema))
    frame.attrs.update(about)
    return frame


def _of_environment() -> Warehouse:
    warehouse = Warehouse.from_settings(Settings.from_env())
    if warehouse is None:
        raise BadInput(
            f"{variable_name('warehouse_url')} is not set: `source var/<instance>/env.sh` sets it "
            "for a local instance, or give warehouse=Warehouse('postgresql://...')."
        )
    return warehouse
