"""The invented datasets fit each other, have the shares of the real ones, and never change."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tracemalloc
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from filmpulse.errors import BadInput
from filmpulse.sample_site import MOVIE_IDS
from filmpulse.sample_site.datasets import ANCHOR, HEADERS, MOST_TITLES, rows, write
from filmpulse.sample_site.generate import movies_only
from filmpulse.sources.datasets import DATASETS

SIZE = 4_000


@cache
def table(dataset: str, size: int = SIZE, seed: int = 7, **shape: object) -> list[dict[str, str]]:
    """Return the rows of a dataset by column."""
    names = HEADERS[dataset].split()
    made = rows(dataset, size, seed, **shape)  # type: ignore[arg-type]
    lines = [row.decode() for row in made]
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    return [dict(zip(names, line[:-1].split("\t"), strict=True)) for line in lines]


def share(dataset: str, column: str, value: str = r"\N", **shape: object) -> float:
    values = [row[column] for row in table(dataset, 20_000, **shape)]
    return values.count(value) / len(values)


def test_headers_are_those_that_the_reader_expects() -> None:
    assert {name: tuple(text.split()) for name, text in HEADERS.items()} == {
        name: dataset.header for name, dataset in DATASETS.items()
    }


@pytest.mark.parametrize("dataset", HEADERS)
def test_the_same_arguments_give_the_same_rows(dataset: str) -> None:
    def digest(seed: int, **shape: object) -> str:
        made = b"".join(rows(dataset, 1_000, seed, **shape))  # type: ignore[arg-type]
        return hashlib.sha256(made).hexdigest()

    assert digest(7) == digest(7)
    assert digest(8) != digest(7)
    changes = dataset in ("title.ratings", "title.basics")
    assert (digest(7, version=1) != digest(7)) == changes


def test_ids_are_not_real_and_unique() -> None:
    titles = [row["tconst"] for row in table("title.basics")]
    people = [row["nconst"] for row in table("name.basics")]
    assert len(set(titles)) == len(titles) == SIZE
    assert len(set(people)) == len(people) > SIZE
    assert all(re.fullmatch(r"tt99[0-9]{5,7}", title) for title in titles)
    assert all(re.fullmatch(r"nm99[0-9]{5,8}", person) for person in people)


def test_the_movies_of_the_site_are_among_them() -> None:
    basics = {row["tconst"]: row for row in table("title.basics")}
    ratings = {row["tconst"]: row for row in table("title.ratings")}
    names = {row["nconst"]: row["primaryName"] for row in table("name.basics")}
    crew = {row["tconst"]: row for row in table("title.crew")}
    movies = movies_only(7, ANCHOR)
    assert [movie.imdb_id for movie in movies] == list(MOVIE_IDS)
    for movie in movies:
        row, id = basics[movie.imdb_id], movie.imdb_id
        assert (row["titleType"], row["primaryTitle"]) == ("movie", movie.title)
        assert row["originalTitle"] == movie.original_title
        assert row["startYear"] == str(movie.released_on.year)
        assert row["runtimeMinutes"] == str(movie.runtime_minutes)
        assert set(row["genres"].split(",")) == set(movie.genres)
        assert float(ratings[id]["averageRating"]) == movie.rating
        assert int(ratings[id]["numVotes"]) == movie.votes
        assert names[crew[id]["directors"]] == movie.director
        assert names[crew[id]["writers"]] == movie.writer
        cast = [
            (names[row["nconst"]], json.loads(row["characters"])[0])
            for row in table("title.principals")
            if row["tconst"] == id and row["category"] in ("actor", "actress")
        ]
        assert cast == list(movie.cast)


def test_movies_beyond_the_six_come_with_the_site() -> None:
    with_more = [row["tconst"] for row in table("title.basics", 1_000, extra_movies=3)]
    assert {"tt99000007", "tt99000008", "tt99000009"} <= set(with_more)
    assert len(with_more) == 1_000


def test_references_lead_somewhere_but_for_a_few() -> None:
    titles = {row["tconst"] for row in table("title.basics")}
    people = {row["nconst"] for row in table("name.basics")}
    named = [row["nconst"] for row in table("title.principals")]
    for row in table("title.crew"):
        named += [n for key in ("directors", "writers") for n in row[key].split(",") if n != r"\N"]
    lost = sum(person not in people for person in named)
    assert 0 < lost < len(named) / 1_000
    for dataset, key in (("title.crew", "tconst"), ("title.ratings", "tconst")):
        assert 1 <= sum(row[key] not in titles for row in table(dataset)) < 10
    for row in table("title.episode"):
        assert {row["tconst"], row["parentTconst"]} <= titles


def test_episodes_belong_to_series() -> None:
    kinds = {row["tconst"]: row["titleType"] for row in table("title.basics")}
    episodes = table("title.episode")
    assert {row["tconst"] for row in episodes} == {t for t, k in kinds.items() if k == "tvEpisode"}
    assert {kinds[row["parentTconst"]] for row in episodes} <= {"tvSeries", "tvMiniSeries"}


def test_directors_stand_among_the_principals() -> None:
    principals: dict[str, list[str]] = {}
    for row in table("title.principals"):
        if row["category"] == "director":
            principals.setdefault(row["tconst"], []).append(row["nconst"])
    for row in table("title.crew"):
        directors = [] if row["directors"] == r"\N" else row["directors"].split(",")
        assert list(dict.fromkeys(principals.get(row["tconst"], [])))[:2] == directors[:2]


def test_people_are_known_for_titles_that_name_them() -> None:
    credits = {(row["tconst"], row["nconst"]) for row in table("title.principals")}
    for row in table("title.crew"):
        for key in ("directors", "writers"):
            credits |= {(row["tconst"], person) for person in row[key].split(",")}
    known = [
        (title, row["nconst"])
        for row in table("name.basics")
        for title in row["knownForTitles"].split(",")
        if title != r"\N"
    ]
    assert sum(pair in credits for pair in known) > 0.5 * len(known)


def test_a_small_catalogue_has_a_quarter_without_rating() -> None:
    rated = len(table("title.ratings")) / SIZE
    assert 0.74 < rated < 0.80
    assert any(row["titleType"] == "tvEpisode" for row in table("title.basics"))


def test_shares_are_those_of_the_real_datasets() -> None:
    shape = {"episodes": 0.77, "rated": None}
    kinds = Counter(row["titleType"] for row in table("title.basics", 20_000, **shape))
    assert 0.76 < kinds["tvEpisode"] / 20_000 < 0.78
    assert 0.11 < len(table("title.ratings", 20_000, **shape)) / 20_000 < 0.16
    assert share("title.basics", "startYear") == pytest.approx(0.118, abs=0.02)
    assert share("title.basics", "endYear") > 0.9
    assert share("title.basics", "runtimeMinutes", **shape) == pytest.approx(0.641, abs=0.08)
    assert share("title.basics", "genres") == pytest.approx(0.043, abs=0.01)
    assert share("title.crew", "directors") == pytest.approx(0.44, abs=0.03)
    assert share("title.crew", "writers") == pytest.approx(0.49, abs=0.03)
    assert share("title.episode", "seasonNumber", **shape) == pytest.approx(0.206, abs=0.02)
    assert share("title.principals", "characters") == pytest.approx(0.51, abs=0.1)
    assert share("name.basics", "birthYear") == pytest.approx(0.956, abs=0.02)
    assert share("name.basics", "knownForTitles") == pytest.approx(0.119, abs=0.02)
    assert len(table("title.akas", 20_000)) / 20_000 == pytest.approx(4.5, abs=0.5)
    assert len(table("title.principals", 20_000)) / 20_000 == pytest.approx(8, abs=1)


def test_votes_have_a_heavy_tail() -> None:
    votes = sorted(int(row["numVotes"]) for row in table("title.ratings", 20_000))
    assert votes[0] >= 5
    assert votes[len(votes) // 2] < 60
    assert 0.05 < sum(v >= 1_000 for v in votes) / len(votes) < 0.15
    assert votes[-1] > 100_000


def test_hard_cases_are_among_them() -> None:
    titles = {row["primaryTitle"] for row in table("title.basics", 200_000)}
    assert {"NULL", "NA", "None", '"', '""', r"\.", "東京の夜", " padded "} <= titles
    akas = table("title.akas", 20_000)
    assert any("\x02" in row["types"] for row in akas)
    assert any(row["region"] == "NA" for row in akas)
    parts = [row["characters"] for row in table("title.principals") if row["characters"] != r"\N"]
    assert all(isinstance(json.loads(text), list) for text in parts)
    assert any('\\"' in text for text in parts)
    names = Counter(row["primaryName"] for row in table("name.basics"))
    namesakes = [name for name, count in names.items() if count > 1]
    assert namesakes


def test_duplicates_only_if_asked() -> None:
    plain = list(rows("name.basics", 1_000, 7))
    asked = list(rows("name.basics", 1_000, 7, duplicates=3))
    assert asked[:-3] == plain
    assert asked[-3:] == plain[:3]


@pytest.mark.parametrize("size", [0, 5, MOST_TITLES + 1])
def test_a_size_that_ids_cannot_hold_is_refused(size: int) -> None:
    with pytest.raises(BadInput):
        next(rows("title.basics", size, 7))


def test_the_biggest_catalogue_begins_at_once_in_little_memory() -> None:
    list(islice(rows("title.principals", 1_000, 7), 10))  # the tables of words
    tracemalloc.start()
    for dataset in HEADERS:
        assert len(list(islice(rows(dataset, MOST_TITLES, 7), 30_000))) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000


def test_files_are_written_the_same_each_time(tmp_path: Path) -> None:
    files = write(tmp_path, 200, 7)
    before = {name: path.read_bytes() for name, path in files.items()}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.tsv.gz" for name in HEADERS}
    write(tmp_path, 200, 7)
    for name, path in files.items():
        assert path.read_bytes() == before[name]
        header, *lines = gzip.decompress(before[name]).splitlines(keepends=True)
        assert header.decode() == "\t".join(HEADERS[name].split()) + "\n"
        assert lines == list(rows(name, 200, 7))
