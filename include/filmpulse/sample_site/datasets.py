"""Invents files like IMDb's datasets: pure functions of the seed, for the site, tests and benches.

The first titles are the site's movies with their own people. All others have ids with nine digits
from tt990000000 on; people have ids with ten digits from nm9900000000 on. No real id begins so. The
seven datasets fit each other: who directs a title in `title.crew` stands among its principals, an
episode's series is there, most people are credited in the titles that they are known for. As in the
real ones a few ids lead nowhere.

The shares of nulls, types and lengths are those of IMDb's dumps of 2026-02 and 2026-07.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice, pairwise
from math import gcd
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from filmpulse.errors import BadInput
from filmpulse.sample_site.generate import SampleMovie, movies_only
from filmpulse.sample_site.wordings import (
    GENRES,
    HEADS,
    KINDS,
    NULL,
    NUMBERS,
    SEASONS,
    Numbers,
    Places,
    Wordings,
    draw,
    key_of,
    part,
    wordings,
)

HEADERS = {
    "title.ratings": "tconst averageRating numVotes",
    "title.basics": "tconst titleType primaryTitle originalTitle isAdult startYear endYear "
    "runtimeMinutes genres",
    "title.crew": "tconst directors writers",
    "title.episode": "tconst parentTconst seasonNumber episodeNumber",
    "title.akas": "titleId ordering title region language types attributes isOriginalTitle",
    "name.basics": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
    "title.principals": "tconst ordering nconst category job characters",
}
"""Names of the datasets, and of their columns."""
MOST_TITLES = 10_000_000
ANCHOR = date(2026, 3, 14)

_BLOCK = 8_192  # titles or people that are made at a time
_PEOPLE = (6, 5)  # six people for five titles
_CYCLE = 1_000  # the types of titles repeat after so many
_ONE_IN = 5_003  # of this many references, one leads nowhere
_CAST, _DIRECTOR, _WRITER, _OTHER = range(4)
_JUMPS = ((_CAST, 1), (_CAST, 2), (_CAST, 3), (_DIRECTOR, 0), (_WRITER, 0))
_RATED = {  # share of each type with a rating (2026-07-26)
    **{"tvEpisode": 0.089, "short": 0.162, "movie": 0.462, "video": 0.182, "tvSeries": 0.373},
    **{"tvMovie": 0.365, "tvMiniSeries": 0.361, "tvSpecial": 0.237, "videoGame": 0.4},
    **{"tvShort": 0.27, "tvPilot": 0.2},
}
_CATEGORIES = (
    ["producer"] * 7 + ["editor"] * 3 + ["cinematographer"] * 3 + ["composer"] * 3
    + ["production_designer", "casting_director", "archive_footage", "archive_sound"]
)  # fmt: skip
_REGIONS = b"US GB CA FR DE ES IT BR MX AR JP IN AU XWW XEU PL TR RU SE NL PT FI GR HU NA".split()
_TYPES = [NULL] * 8 + [b"imdbDisplay"] * 3 + [b"alternative", b"working", b"tv", b"video"]
_TYPES += [b"dvd\x02imdbDisplay"]
_ATTRIBUTES = [b"complete title", b"new title", b"literal title\x02cut", b"reissue title"]
_DIGITS = [b"%d" % n for n in range(60_000)]


@dataclass(frozen=True)
class World:
    """What decides every row.

    Attributes:
        size: How many titles there are, the site's movies among them; 10 million at most.
        seed: Decides all else.
        anchor: The newest titles come out a year after it.
        episodes: The share of episodes among the titles, 0 to 0.95; 0.77 at IMDb.
        rated: The share of titles with a rating; None takes IMDb's share of each type, which is
            0.13 with as many episodes.
        extra_movies: How many movies the site has beyond its six.
        duplicates: How many rows of each dataset stand there twice; the first ones, at the end.
        version: A later version has other votes, and runtimes where there were none.
    """

    size: int
    seed: int
    anchor: date = ANCHOR
    episodes: float = 0.2
    rated: float | None = 0.77
    extra_movies: int = 0
    duplicates: int = 0
    version: int = 0

    def __post_init__(self) -> None:
        """Refuse a size that the ids cannot hold, or that the movies fill.

        Raises:
            BadInput: It is too small or too big.
        """
        least = len(self.movies) + 10
        if not least <= self.size <= MOST_TITLES:
            raise BadInput(f"A catalogue has {least} to {MOST_TITLES:,} titles, not {self.size}.")

    @cached_property
    def movies(self) -> tuple[SampleMovie, ...]:
        """The site's movies, without reviews."""
        return movies_only(self.seed, self.anchor, self.extra_movies)

    @cached_property
    def said(self) -> Wordings:
        """The words."""
        return wordings(self.seed)

    @cached_property
    def titles(self) -> int:
        """How many titles there are besides the movies."""
        return self.size - len(self.movies)

    @cached_property
    def people(self) -> int:
        """How many people there are besides those of the movies."""
        return self.titles * _PEOPLE[0] // _PEOPLE[1]

    @cached_property
    def kinds(self) -> list[str]:
        """The type of each title of a cycle; the first is a series, so that there is one."""
        episodes = round(self.episodes * _CYCLE)
        weights, total = list(KINDS.items()), sum(KINDS.values())
        edges = accumulate((count for _, count in weights), initial=0)
        places = [edge * (_CYCLE - episodes) // total for edge in edges]
        kinds = ["tvEpisode"] * episodes
        for (kind, _), (start, stop) in zip(weights, pairwise(places), strict=True):
            kinds += [kind] * (stop - start)
        order = draw(key_of(self.seed, "kinds"), np.arange(_CYCLE)).argsort(kind="stable")
        shuffled = [kinds[n] for n in order.tolist()]
        first = shuffled.index("tvSeries")
        shuffled[0], shuffled[first] = shuffled[first], shuffled[0]
        return shuffled

    @cached_property
    def kind_numbers(self) -> Places:
        """The place in `KINDS` of each title of a cycle."""
        names = list(KINDS)
        return np.array([names.index(kind) for kind in self.kinds])

    @cached_property
    def series(self) -> Places:
        """The places of the series in a cycle."""
        return np.array([n for n, kind in enumerate(self.kinds) if "Series" in kind])

    @cached_property
    def jumps(self) -> list[tuple[int, int]]:
        """Numbers a, b for each of `_JUMPS`: title t has a person of title a t + b (mod titles).

        `a` and `titles` have no common divisor, so that each person gets such a title, and
        `known_for` finds it.
        """
        found = []
        for n in range(len(_JUMPS)):
            factor = int(self.titles * (0.618 - 0.07 * n)) | 1
            while gcd(factor, self.titles) > 1:
                factor += 2
            found.append((factor % self.titles, (n + 1) * 7_919 % self.titles))
        return found

    def draw(self, purpose: str, places: Places) -> Numbers:
        """Draw a number for each place."""
        return draw(key_of(self.seed, purpose), places)


def rows(
    dataset: str,
    size: int,
    seed: int,
    *,
    anchor: date = ANCHOR,
    episodes: float = 0.2,
    rated: float | None = 0.77,
    extra_movies: int = 0,
    duplicates: int = 0,
    version: int = 0,
) -> Iterator[bytes]:
    r"""Make the rows of one dataset, in order of id.

    Args:
        dataset: A name of `HEADERS`.
        size: How many titles there are. Of other datasets there are fewer rows (ratings,
            episodes) or more: 1.2 people, about 4.5 alternative titles, 8 principals a title.
        seed: This and the other arguments: see `World`.
        anchor: See `World`.
        episodes: See `World`.
        rated: See `World`.
        extra_movies: See `World`.
        duplicates: See `World`.
        version: See `World`.

    Returns:
        One line each, UTF-8, columns separated by tabs, null as `\N`, with a line feed at the end,
        without the header. Memory is constant.

    Raises:
        BadInput: The size does not fit.
    """
    world = World(size, seed, anchor, episodes, rated, extra_movies, duplicates, version)
    return world_rows(dataset, world)


def world_rows(dataset: str, world: World) -> Iterator[bytes]:
    """Make the rows of one dataset of a world; see `rows`."""
    made, first = chain.from_iterable(_blocks(dataset, world)), []
    for row in islice(made, world.duplicates):
        first.append(row)
        yield row
    yield from made
    yield from first


def write(folder: Path, size: int, seed: int, **shape: object) -> dict[str, Path]:
    """Write all seven files as `<name>.tsv.gz`, replacing those that are there.

    Args:
        folder: Where to; it must be there.
        size: See `rows`.
        seed: See `rows`.
        shape: Other arguments of `rows`.

    Returns:
        The file of each dataset. The same arguments give the same bytes.
    """
    return {name: write_one(folder, name, size, seed, **shape) for name in HEADERS}


def write_one(folder: Path, dataset: str, size: int, seed: int, **shape: object) -> Path:
    """Write the file of one dataset; see `write`."""
    path = folder / f"{dataset}.tsv.gz"
    write_file(path, HEADERS[dataset], rows(dataset, size, seed, **shape))  # type: ignore[arg-type]
    return path


def write_file(path: Path, header: str, made: Iterator[bytes], version: int = 0) -> None:
    """Write rows behind a header; the bytes of two versions differ even if their rows do not."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=version) as file:
        file.write("\t".join(header.split()).encode() + b"\n")
        while block := b"".join(islice(made, _BLOCK)):
            file.write(block)


def _blocks(dataset: str, world: World) -> Iterator[list[bytes]]:
    """Make the rows of a dataset, block by block: those of the movies first."""
    yield [b"\t".join(row) + b"\n" for row in _movie_rows(dataset, world)]
    make: Callable[[World, Places], list[bytes]] = {
        "title.ratings": _ratings,
        "title.basics": _basics,
        "title.crew": _crew,
        "title.episode": _episodes,
        "title.akas": _akas,
        "name.basics": _names,
        "title.principals": _principals,
    }[dataset]
    count = world.people if dataset == "name.basics" else world.titles
    for start in range(0, count, _BLOCK):
        yield make(world, np.arange(start, min(start + _BLOCK, count)))
    yield _dangling(dataset, world)


def _dangling(dataset: str, world: World) -> list[bytes]:
    """Make rows of titles that `title.basics` does not have, at least one."""
    ends = {
        "title.ratings": b"\t6.0\t9\n",
        "title.crew": b"\t\\N\t\\N\n",
        "title.akas": b"\t1\tGone\t\\N\t\\N\toriginal\t\\N\t1\n",
    }
    count = 1 + world.size // _ONE_IN if dataset in ends else 0
    return [b"tt999%05d" % n + ends[dataset] for n in range(count)]


def _lines(*columns: list[bytes]) -> list[bytes]:
    """Join columns to lines; the last column ends with its line feed."""
    return list(map(b"\t".join, zip(*columns, strict=True)))


def _pick(values: list[bytes], places: Places) -> list[bytes]:
    return [values[place] for place in places.tolist()]


def _title_ids(places: Places) -> list[bytes]:
    return [b"tt99%07d" % place for place in places.tolist()]


def _person_ids(places: Places) -> list[bytes]:
    return [b"nm99%08d" % place for place in places.tolist()]


def _series_of(world: World, places: Places) -> Places:
    """Return the place of the series of each episode; the first series have the most episodes."""
    per_cycle = len(world.series)
    whole, left = divmod(world.titles, _CYCLE)
    count = whole * per_cycle + int((world.series < left).sum())
    share = (world.draw("series", places) >> np.uint64(40)).astype(np.float64) * 2.0**-24
    number = (share * share * count).astype(np.int64)
    return number // per_cycle * _CYCLE + world.series[number % per_cycle]


def _numbering(world: World, places: Places) -> tuple[Places, Places]:
    """Return season and number of each episode, as places in their tables; -1: not known."""
    numbers = world.draw("numbering", places)
    season = part(numbers, 0, SEASONS) * part(numbers, 16, SEASONS) // SEASONS
    unknown = part(numbers, 48, 1_000) < 206
    return np.where(unknown, -1, season), np.where(unknown, -1, part(numbers, 32, NUMBERS))


def _titles(world: World, places: Places) -> tuple[list[bytes], list[bytes]]:
    """Return the primary and the original title of each place."""
    said, a, b = world.said, world.draw("title/1", places), world.draw("title/2", places)
    head, middle, end = part(a, 0, HEADS), part(a, 16, HEADS), part(a, 32, len(said.ends))
    has_rare = part(a, 48, 100) < 22
    rare = [np.where(has_rare, part(b, n, len(said.rare[0])), 0) for n in (0, 16)]
    odd = part(b, 32, 1_009) == 0
    season, number = _numbering(world, places)
    plain = (world.kind_numbers[places % _CYCLE] == len(KINDS) - 1) & (season >= 0)
    plain &= part(b, 48, 100) < 60
    head = np.where(odd, HEADS + part(b, 48, said.odd), head)
    head = np.where(plain, HEADS + said.odd + season * NUMBERS + number, head)
    whole = odd | plain
    columns = [head, *(np.where(whole, 0, column) for column in (middle, *rare, end))]
    tables = [said.heads, said.middles, *said.rare, said.ends]
    parts = [_pick(table, column) for table, column in zip(tables, columns, strict=True)]
    primary = list(map(b"".join, zip(*parts, strict=True)))
    original = primary.copy()
    for n in np.flatnonzero((part(b, 40, 100) < 9) & ~whole).tolist():
        original[n] = said.foreign[int(b[n] >> np.uint64(8)) % len(said.foreign)]
    return primary, original


def _basics(world: World, places: Places) -> list[bytes]:
    kinds, said = world.kind_numbers[places % _CYCLE], world.said
    names = [name.encode() for name in KINDS]
    primary, original = _titles(world, places)
    a = world.draw("basics", places)
    years_ago = part(a, 0, 4_096) ** 2 * 130 >> 24
    years_ago = np.where(part(a, 8, 100) == 0, -1, years_ago)
    year = np.where(part(a, 16, 1_000) < 118, -1, world.anchor.year - years_ago)
    is_series = np.isin(kinds, [names.index(b"tvSeries"), names.index(b"tvMiniSeries")])
    ended = is_series & (part(a, 32, 10) < 4) & (year > 0)
    genres = kinds * GENRES + part(a, 48, GENRES)
    lists = _pick(said.genres, genres)
    for n in np.flatnonzero(part(a >> np.uint64(3), 40, 1_000) < 43).tolist():
        lists[n] = NULL
    return _lines(
        _title_ids(places),
        _pick(names, kinds),
        primary,
        original,
        _pick([b"0", b"1"], (part(a >> np.uint64(5), 40, 1_000) < 34).astype(np.int64)),
        _numbers_or_null(year),
        _numbers_or_null(np.where(ended, year + part(a, 40, 9), -1)),
        _numbers_or_null(_runtimes(world, places, kinds)),
        [text + b"\n" for text in lists],
    )


def _runtimes(world: World, places: Places, kinds: Places) -> Places:
    """Return minutes, or -1: by type, 64 in 100 unknown where most titles are episodes."""
    a, names = world.draw("runtime", places), list(KINDS)
    is_short = np.isin(kinds, [names.index("short"), names.index("tvShort")])
    is_long = np.isin(kinds, [names.index("movie"), names.index("tvMovie")])
    spread = part(a, 0, 40) + part(a, 8, 40)
    minutes = np.where(is_long, 55 + spread, np.where(is_short, 1 + spread // 2, 10 + spread // 2))
    unknown = part(a, 32, 1_000) < np.where(is_long, 360, 700 - 40 * min(world.version, 5))
    never_ends = np.isin(kinds, [names.index("tvSeries")]) & (part(a, 16, 4_096) == 7)
    return np.where(never_ends, 51_420, np.where(unknown, -1, minutes))


def _numbers_or_null(values: Places) -> list[bytes]:
    """Write numbers below 60,000; those below zero are null."""
    return [NULL if value < 0 else _DIGITS[value] for value in values.tolist()]


@lru_cache(maxsize=1)
def _vote_counts() -> Places:
    """Return 65,536 counts of votes in rising order, as IMDb's: from 5 on, with a heavy tail.

    A logarithmic normal distribution with a median of 26, of which 9 in 100 lie above 1,000 and 2
    in 1,000 above 100,000 (our estimate from published profiles).
    """
    counts = [NormalDist(3.1, 2.7).inv_cdf((n + 0.5) / 65_536) for n in range(65_536)]
    return np.array([5 + int(2.718281828**count) for count in counts])


def _has_rating(world: World, places: Places) -> NDArray[np.bool_]:
    chances = world.draw("rated", places)
    if world.rated is None:
        share = np.array([_RATED[kind] for kind in world.kinds])[places % _CYCLE]
    else:
        share = np.full(len(places), world.rated)
    return part(chances, 0, 65_536) < share * 65_536


def _ratings(world: World, places: Places) -> list[bytes]:
    places = places[_has_rating(world, places)]
    a = world.draw("votes", places)
    votes = _vote_counts()[part(a, 0, 65_536)]
    votes = votes + votes * part(a, 16, 512) // 4_096 + votes * world.version // 50
    tenths = 70 + (part(a, 32, 256) + part(a, 40, 256) + part(a, 48, 256) - 382) * 13 // 128
    tenths = np.clip(tenths, 10, 100)
    return [
        b"%b\t%d.%d\t%d\n" % (title, rating // 10, rating % 10, count)
        for title, rating, count in zip(
            _title_ids(places), tenths.tolist(), votes.tolist(), strict=True
        )
    ]


def _episodes(world: World, places: Places) -> list[bytes]:
    places = places[world.kind_numbers[places % _CYCLE] == len(KINDS) - 1]
    season, number = _numbering(world, places)
    return _lines(
        _title_ids(places),
        _title_ids(_series_of(world, places)),
        _numbers_or_null(np.where(season < 0, -1, season + 1)),
        [text + b"\n" for text in _numbers_or_null(np.where(number < 0, -1, number + 1))],
    )


def _credit_counts(world: World, places: Places) -> list[Places]:
    """Return how many people of each role a title has: cast, directors, writers, others."""
    a, b = world.draw("counts", places), world.draw("counts/long", places)
    tables = (
        np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 10]),
        np.array([0] * 44 + [1] * 48 + [2] * 6 + [3, 4]),
        np.array([0] * 49 + [1] * 30 + [2] * 14 + [3] * 5 + [5, 8]),
        np.array([0, 0, 1, 2, 2, 3, 3, 4, 5, 6]),
    )
    counts = [table[part(a, 16 * n, len(table))] for n, table in enumerate(tables)]
    # The longest of 2026-02: 75 principals, 528 directors, 1,393 writers.
    for role, (longest, one_in) in enumerate(((66, 10_007), (528, 60_013), (1_393, 60_013))):
        counts[role] = np.where(b % np.uint64(one_in) == role, longest, counts[role])
    return counts


def _person(world: World, title: Places, role: Places, place: Places, counts: Places) -> Places:
    """Return who stands at a place of a role of each title.

    `counts` has four rows, the counts of each title. A person of a title's own stands first in its
    cast (else among the directors, writers, others); people of five other titles follow; the rest
    is drawn, the first people more often than the last.
    """
    drawn = world.draw("person", title * 8_192 + role * 2_048 + place)
    share = (drawn >> np.uint64(40)).astype(np.float64) * 2.0**-24
    bent = share + 0.05  # so that the first have 150 times as many as the mean, not thousands
    bent = (bent * bent * bent - 0.05**3) / (1.05**3 - 0.05**3)
    tail = np.where(part(drawn, 0, 10) < 6, bent, share)
    people = (tail * world.people).astype(np.int64)
    for (factor, plus), (jump_role, jump_place) in zip(world.jumps, _JUMPS, strict=True):
        other = (title * factor + plus) % world.titles
        here = (role == jump_role) & (place == jump_place)
        people = np.where(here, _first_person(other), people)
    own_role = np.where(counts[0] > 0, 0, np.where(counts[1] > 0, 1, np.where(counts[2] > 0, 2, 3)))
    people = np.where((role == own_role) & (place == 0), _first_person(title), people)
    second = (role == _CAST) & (place == 1) & (title % _PEOPLE[1] == _PEOPLE[1] - 1)
    people = np.where(second, _first_person(title) + 1, people)
    return np.where(part(drawn, 16, _ONE_IN) == 0, world.people + part(drawn, 32, 100), people)


def _first_person(title: Places) -> Places:
    return title * _PEOPLE[0] // _PEOPLE[1]


def _ragged(counts: Places) -> tuple[Places, Places]:
    """Return for each of the things counted: whose it is, and its place from 0."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _crew(world: World, places: Places) -> list[bytes]:
    counts = np.stack(_credit_counts(world, places))
    columns = []
    for role in (_DIRECTOR, _WRITER):
        owner, place = _ragged(counts[role])
        roles = np.full(len(owner), role)
        ids = _person_ids(_person(world, places[owner], roles, place, counts[:, owner]))
        made, start = [], 0
        for count in counts[role].tolist():
            many = ids[start : start + count]
            made.append(b",".join(dict.fromkeys(many)) if count > 1 else many[0] if many else NULL)
            start += count
        columns.append(made)
    return _lines(_title_ids(places), columns[0], [text + b"\n" for text in columns[1]])


def _principals(world: World, places: Places) -> list[bytes]:
    counts = np.stack(_credit_counts(world, places))
    shown = np.minimum(counts, np.array([[75], [3], [3], [6]]))
    edges = np.cumsum(shown, axis=0)
    owner, ordering = _ragged(edges[-1])
    role = (ordering >= edges[:3, owner]).sum(axis=0)
    before = np.where(role > 0, edges[np.maximum(role - 1, 0), owner], 0)
    title = places[owner]
    people = _person(world, title, role, ordering - before, counts[:, owner])
    a = world.draw("principal", title * 128 + ordering)
    categories = [b"actor", b"actress", b"self", b"director", b"writer"]
    categories += [name.encode() for name in _CATEGORIES]
    cast = np.where(part(a, 0, 10) == 0, 2, people & 1)
    other = 5 + part(a, 16, len(_CATEGORIES))
    category = np.choose(role, [cast, np.full_like(cast, 3), np.full_like(cast, 4), other])
    jobs = [NULL, b"producer", b"written by", b"screenplay", b'novel "Lanterns"', b"none"]
    job = np.where(role == _WRITER, part(a, 32, len(jobs)), 0)
    job = np.where(category == 5, part(a, 40, 10) // 5, job)
    parts = [*world.said.parts, b'["Self"]', NULL]
    has_part = (role == _CAST) & (part(a, 48, 100) < 96)
    named = np.where(category == 2, len(parts) - 2, part(a, 24, len(parts) - 2))
    return _lines(
        _pick(_title_ids(places), owner),
        _pick(_DIGITS, ordering + 1),
        _person_ids(people),
        _pick(categories, category),
        _pick(jobs, job),
        _pick([text + b"\n" for text in parts], np.where(has_part, named, len(parts) - 1)),
    )


def _akas(world: World, places: Places) -> list[bytes]:
    counted = world.draw("akas/count", places)
    table = np.array([1, 1, 2, 2, 3, 3, 4, 6, 9, 14])
    counts = np.where(counted % np.uint64(50_021) == 0, 262, table[part(counted, 0, len(table))])
    owner, place = _ragged(counts)
    primary, original = _titles(world, places)
    a = world.draw("aka", places[owner] * 512 + place)
    foreign = part(a, 0, len(world.said.foreign))
    is_foreign = (part(a, 16, 100) < 45).tolist()
    regions, types = part(a, 24, len(_REGIONS)), part(a, 32, len(_TYPES))
    more = np.where(part(a, 48, 1_000) < 8, part(a, 40, len(_ATTRIBUTES)), -1)
    ids, said, made = _title_ids(places), world.said, []
    columns = (owner, place, foreign, regions, types, more)
    listed = zip(*(column.tolist() for column in columns), is_foreign, strict=True)
    for of, n, other, region, kind, attribute, elsewhere in listed:
        start = b"%b\t%d\t" % (ids[of], n + 1)
        if n == 0:
            made.append(start + original[of] + b"\t\\N\t\\N\toriginal\t\\N\t1\n")
            continue
        if elsewhere:
            text = b"\t".join((said.foreign[other], said.regions[other], said.languages[other]))
        else:
            text = b"%b\t%b\t%b" % (primary[of], _REGIONS[region], b"en" if kind == 3 else NULL)
        note = NULL if attribute < 0 else _ATTRIBUTES[attribute]
        made.append(b"%b%b\t%b\t%b\t0\n" % (start, text, _TYPES[kind], note))
    return made


def _known_for(world: World, people: Places) -> list[list[bytes]]:
    """Return ids of titles for each person: its own, then those that jump to it; see `jumps`."""
    six, five = _PEOPLE
    own = people // six * five + np.minimum(people % six, five - 1)
    columns = [own]
    for factor, plus in world.jumps:
        columns.append((own - plus) * pow(factor, -1, world.titles) % world.titles)
    return [_title_ids(column) for column in columns]


def _names(world: World, people: Places) -> list[bytes]:
    said = world.said
    # Every 200th person has the name of the one before, and both have a year of birth.
    namesake = people % 200 == 199
    a = world.draw("name", np.where(namesake, people - 1, people))
    b = world.draw("life", people)
    has_second = part(a, 32, 100) < 45
    columns = (
        _pick(said.firsts, part(a, 0, len(said.firsts))),
        _pick(said.lasts, part(a, 16, len(said.lasts))),
        _pick(said.rare[0], np.where(has_second, part(a, 40, len(said.rare[0])), 0)),
        _pick(said.rare[1], np.where(has_second, part(a, 48, len(said.rare[1])), 0)),
    )
    names = [b"%b %b%b%b" % name for name in zip(*columns, strict=True)]
    odd = (b"None", b"Null", NULL, b"NA", b'Jo "Ace" Nobody')
    for n in np.flatnonzero(b % np.uint64(_ONE_IN) == 0).tolist():
        names[n] = odd[int(b[n] >> np.uint64(20)) % len(odd)]
    born = world.anchor.year - 6 - part(b, 0, 90)
    born = np.where((part(b, 16, 1_000) < 34) | (people % 200 >= 198), born, -1)
    died = np.where((born > 0) & (part(b, 32, 100) < 38), born + 5 + part(b, 40, 80), -1)
    died = np.where(died > world.anchor.year, -1, died)
    jobs = np.where(part(b, 48, 100) < 20, 0, 1 + part(b, 24, len(said.professions)))
    counts = np.where(part(b, 36, 1_000) < 119, 0, 1 + part(b, 28, 4))
    known = zip(*_known_for(world, people), counts.tolist(), strict=True)
    return _lines(
        _person_ids(people),
        names,
        _numbers_or_null(born),
        _numbers_or_null(died),
        _pick([NULL, *said.professions], jobs),
        [
            b",".join(dict.fromkeys(row[: row[-1]])) + b"\n" if row[-1] else b"\\N\n"
            for row in known
        ],
    )


def _movie_people(world: World) -> dict[str, tuple[bytes, list[str], list[bytes]]]:
    """Return by name the id, professions and movies of everybody in the site's movies."""
    found: dict[str, tuple[bytes, list[str], list[bytes]]] = {}
    for movie in world.movies:
        for _, name, category, _, _ in _credits(movie):
            found.setdefault(name, (b"nm99%06d" % (len(found) + 1), [], []))
            _, professions, movies = found[name]
            professions.append(category)
            movies.append(movie.imdb_id.encode())
    return found


def _credits(movie: SampleMovie) -> Iterator[tuple[int, str, str, bytes, bytes]]:
    """Yield the place, name, category, job and parts of everybody in a movie."""
    listed = [
        (name, "actor" if len(name) % 2 else "actress", json.dumps([role], ensure_ascii=False))
        for name, role in movie.cast
    ]
    crew = ("director", "writer", "composer", "photographer")
    for attribute in crew:
        category = "cinematographer" if attribute == "photographer" else attribute
        listed.append((getattr(movie, attribute), category, r"\N"))
    for n, (name, category, role) in enumerate(listed, start=1):
        yield n, name, category, NULL, role.encode()


def _movie_rows(dataset: str, world: World) -> Iterator[tuple[bytes, ...]]:
    """Yield the rows of the site's movies and their people, column by column."""
    people = _movie_people(world)
    if dataset == "name.basics":
        for n, (name, (person, jobs, movies)) in enumerate(people.items()):
            born, known = _DIGITS[1950 + n * 7 % 50], b",".join(dict.fromkeys(movies[:4]))
            professions = ",".join(dict.fromkeys(jobs[:3])).encode()
            yield person, name.encode(), born, NULL, professions, known
    for movie in world.movies:
        tconst, title = movie.imdb_id.encode(), movie.title.encode()
        original, year = movie.original_title.encode(), _DIGITS[movie.released_on.year]
        if dataset == "title.ratings":
            votes = movie.votes + movie.votes * world.version // 50
            yield tconst, b"%.1f" % movie.rating, b"%d" % votes
        elif dataset == "title.basics":
            genres = ",".join(sorted(movie.genres)).encode()
            minutes = _DIGITS[movie.runtime_minutes]
            yield tconst, b"movie", title, original, b"0", year, NULL, minutes, genres
        elif dataset == "title.crew":
            yield tconst, people[movie.director][0], people[movie.writer][0]
        elif dataset == "title.akas":
            yield tconst, b"1", original, NULL, NULL, b"original", NULL, b"1"
            yield tconst, b"2", title, b"US", NULL, b"imdbDisplay", NULL, b"0"
        elif dataset == "title.principals":
            for n, name, category, job, role in _credits(movie):
                yield tconst, _DIGITS[n], people[name][0], category.encode(), job, role
