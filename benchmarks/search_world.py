"""A catalogue for the benchmark of the search: generated titles, MovieLens' among them.

MovieLens names titles as people do ("Matrix, The (1999)"), and says which IMDb id each is. Of such
a name a row as IMDb's is made: the article put right, names in brackets as alternative titles.
Around it stand titles that are easily taken for it: remakes, sequels, series and shorts of the same
name, and many titles made of the same words.
"""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from filmpulse.sample_site import datasets

SEED = 17
SEQUELS = ("2", "3", "II", "III")
KEPT = ("title.ratings", "title.basics", "title.akas", "name.basics", "title.crew",
        "title.principals")  # fmt: skip
_TITLED = re.compile(r"^(?P<name>.*?)\s*\((?P<year>\d{4})(?:[-\u2013]\d{4})?[-\u2013]?\)\s*$")
_BEHIND = re.compile(r"^(?P<name>.*), (?P<article>[A-Z][a-z]{0,2}|L')$")
SEARCH = ("title_names", "person_names", "word_repairs")


class Movie(NamedTuple):
    """A title of MovieLens: as it stands there, and as IMDb would have it."""

    imdb_id: str
    listed: str
    name: str
    alternatives: tuple[str, ...]
    year: int | None
    votes: int

    @property
    def first_name(self) -> str:
        """The name as MovieLens has it, without other names and the year."""
        return re.sub(r"\s*\(.*", "", self.listed) or self.name


def read_movielens(path: Path) -> list[Movie]:
    """Read the titles of a MovieLens zip (ml-latest-small.zip, or a bigger one of that shape).

    Votes grow with the number of ratings, as IMDb's do: some thousand for a title with one rating,
    some million for the best-known ones (our estimate).
    """
    with zipfile.ZipFile(path) as file:
        names = {Path(name).name: name for name in file.namelist()}

        def table(name: str) -> Iterator[dict[str, str]]:
            return csv.DictReader(io.TextIOWrapper(file.open(names[name]), "utf-8", newline=""))

        ids = {row["movieId"]: f"tt{row['imdbId']}" for row in table("links.csv")}
        listed = {row["movieId"]: row["title"].strip() for row in table("movies.csv")}
        counts: dict[str, int] = {}
        for row in table("ratings.csv"):
            counts[row["movieId"]] = counts.get(row["movieId"], 0) + 1
    chance = random.Random(SEED)
    return [
        _movie(ids[key], title, int(1_500 * (counts.get(key, 0) + 0.3) ** 1.3
                                    * chance.lognormvariate(0, 0.6)))
        for key, title in listed.items() if key in ids
    ]  # fmt: skip


def _movie(imdb_id: str, listed: str, votes: int) -> Movie:
    found = _TITLED.match(listed)
    text, year = (found["name"], int(found["year"])) if found else (listed, None)
    inside = [re.sub(r"^a\.k\.a\. ", "", name) for name in re.findall(r"\(([^()]+)\)", text)]
    first = re.sub(r"\s*\([^()]*\)", "", text).strip()
    if re.match(r"^\(\d+\) ", text):  # (500) Days of Summer
        first, inside = text, []
    return Movie(
        imdb_id, listed, _article_first(first), tuple(map(_article_first, inside)), year, votes
    )


def _article_first(name: str) -> str:
    if found := _BEHIND.match(name):
        gap = "" if found["article"].endswith("'") else " "
        return f"{found['article']}{gap}{found['name']}"
    return name


class Row(NamedTuple):
    """A row of title.basics and title.ratings, and its alternative titles."""

    tconst: str
    kind: str
    name: str
    year: int | None
    votes: int
    alternatives: tuple[str, ...] = ()


def rows_around(movies: list[Movie], strangers: int) -> Iterator[Row]:
    """Yield the movies' rows, what is easily taken for them, and titles made of their words."""
    chance = random.Random(SEED)
    number = 0

    def another(kind: str, name: str, year: int | None) -> Row:
        nonlocal number
        number += 1
        votes = int(chance.lognormvariate(3.1, 2.2)) if chance.random() < 0.8 else 0
        return Row(f"tt9{number:08d}", kind, name, year, votes)

    words: list[str] = []
    for movie in movies:
        yield Row(movie.imdb_id, "movie", movie.name, movie.year, movie.votes, movie.alternatives)
        words += movie.name.split()
        year = movie.year or 2000
        for _ in range(int(chance.expovariate(0.6))):
            kind = chance.choice(["movie", "short", "short", "tvSeries", "video", "tvMovie"])
            yield another(kind, movie.name, year + round(chance.gauss(0, 25)))
        if chance.random() < 0.05:
            yield another("short", movie.name, year)
        if chance.random() < 0.3:
            yield another("video", f"{movie.name} {chance.choice(SEQUELS)}", year + 3)
            made = chance.choice(["The Making of '{}'", "{}: Behind the Scenes", "Inside {}"])
            yield another("short", made.format(movie.name), year)
            yield another("video", f"{movie.name}: {chance.choice(words)}", year + 9)
        yield another("tvEpisode", movie.name, year + 4)
    for _ in range(strangers):
        kind = chance.choice(["movie", "short", "tvSeries", "tvMovie", "video"])
        name = " ".join(chance.choices(words, k=chance.choice([1, 2, 2, 3, 3, 4])))
        yield another(kind, name, chance.randint(1900, 2026))


def fill(url: str, size: int, movies: list[Movie], strangers: int) -> int:
    """Load the generated datasets and the rows around MovieLens' titles; return the titles."""
    with psycopg.connect(url) as connection:
        _set_indexes_aside(connection)
        for name in KEPT:
            table = sql.Identifier("catalogue_live", name.replace(".", "_"))
            with connection.cursor().copy(_copy(table)) as copy:
                for row in datasets.rows(name, size, SEED):
                    copy.write(row)
                if movies:
                    for line in _lines(name, movies, strangers):
                        copy.write("\t".join(line) + "\n")
        for statement in _CREDITS:
            connection.execute(statement)
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
        return connection.execute(
            "SELECT count(*) FROM catalogue.title_basics WHERE title_type <> 'tvEpisode'"
        ).fetchone()[0]  # type: ignore[index]


def _copy(table: sql.Identifier) -> sql.Composed:
    return sql.SQL(
        "COPY {} FROM STDIN (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\x01', NULL '\\N')"
    ).format(table)


def _lines(dataset: str, movies: list[Movie], strangers: int) -> Iterator[tuple[str, ...]]:
    for row in rows_around(movies, strangers):
        year = str(row.year) if row.year else r"\N"
        if dataset == "title.basics":
            yield row.tconst, row.kind, row.name, row.name, "0", year, r"\N", r"\N", "Drama"
        elif dataset == "title.ratings" and row.votes >= 5:
            yield row.tconst, "6.5", str(row.votes)
        elif dataset == "title.akas":
            for n, name in enumerate(row.alternatives, 1):
                yield row.tconst, str(n), name, "XWW", r"\N", r"\N", r"\N", "0"


_CREDITS = (
    "INSERT INTO catalogue_live.credits SELECT tconst, nconst, 'director', min(place) "
    "FROM catalogue_live.title_crew, unnest(string_to_array(directors, ',')) "
    "WITH ORDINALITY d (nconst, place) GROUP BY 1, 2",
    "INSERT INTO catalogue_live.credits SELECT tconst, nconst, 'cast', min(ordering) "
    "FROM catalogue_live.title_principals WHERE category IN ('actor', 'actress', 'self') "
    "AND nconst IS NOT NULL GROUP BY 1, 2",
)
_definitions: dict[str, str] = {}


def _set_indexes_aside(connection: psycopg.Connection) -> None:
    """Drop the indexes of the search's tables; `make_indexes` makes them again."""
    for table in SEARCH:
        found = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE schemaname = 'catalogue_live' AND tablename = %s",
            (table,),
        ).fetchall()
        for name, definition in found:
            _definitions[name] = definition
            connection.execute(
                sql.SQL("DROP INDEX {}").format(sql.Identifier("catalogue_live", name))
            )


def make_indexes(url: str) -> None:
    """Make the indexes of the search's tables, and count what is in them."""
    with psycopg.connect(url, autocommit=True) as connection:
        for definition in _definitions.values():
            connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE")


def sizes(url: str) -> dict[str, int]:
    """Return the bytes of each table of the search and of each of its indexes."""
    with psycopg.connect(url) as connection:
        return dict(
            connection.execute(
                "SELECT relname::text, pg_relation_size(c.oid) FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = relnamespace AND nspname = 'catalogue_live' "
                "WHERE relname ~ '^(title_names|person_names|word_repairs)' "
                "AND relkind IN ('r', 'i') "
                "ORDER BY relname"
            ).fetchall()
        )
