"""IMDb's datasets: which there are, what their files must look like, how they are downloaded."""

from __future__ import annotations

from typing import NamedTuple

CREDIT = "Information courtesy of IMDb (https://www.imdb.com). Used with permission."
"""The line that IMDb's terms ask for on every page that shows its data."""


class Dataset(NamedTuple):
    """One file of the datasets.

    Attributes:
        name: IMDb's name, such as `title.basics`; the file is `<name>.tsv.gz`.
        header: Names of the columns, as the first line of the file has them.
    """

    name: str
    header: tuple[str, ...]

    @property
    def table(self) -> str:
        """The table that holds the dataset, such as `title_basics`."""
        return self.name.replace(".", "_")


DATASETS = {
    name: Dataset(name, tuple(header.split()))
    for name, header in {
        "title.ratings": "tconst averageRating numVotes",
        "title.basics": "tconst titleType primaryTitle originalTitle isAdult startYear endYear "
        "runtimeMinutes genres",
        "title.crew": "tconst directors writers",
        "title.episode": "tconst parentTconst seasonNumber episodeNumber",
        "title.akas": "titleId ordering title region language types attributes isOriginalTitle",
        "name.basics": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
        "title.principals": "tconst ordering nconst category job characters",
    }.items()
}
"""By name; those that decide which titles are kept come first. The columns of a table have the same
order as those of its file.

Source: developer.imdb.com/non-commercial-datasets; the headers of the dumps of 2022 to 2026.
"""
