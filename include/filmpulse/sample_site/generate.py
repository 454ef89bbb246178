"""Invents the movies and their reviews: the same seed and anchor day give the same site.

Nothing here reads a clock or keeps state. Reviews are made of the lines in the `bank/` files. A
movie uses each line once before it uses any line again.
"""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Iterator
from dataclasses import field, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from filmpulse.items import ASPECTS, Aspect

Tone = Literal["praise", "mixed", "fault"]
Mood = Literal["good", "mixed", "bad"]

# Real ids of titles, reviews and people do not begin with 99 so far.
FIRST_MOVIE = 99_000_001
MOVIE_IDS = tuple(f"tt{FIRST_MOVIE + n}" for n in range(6))

_LENGTHS = {"line": 12, "short": 37, "medium": 29, "long": 11, "essay": 3, "list": 8}
_STYLES = {"plain": 77, "lower": 5, "loud": 6, "dots": 4, "emoji": 8}
_REGULARS = 40  # reviewers who write about more than one movie
_TITLED = ("the", "Dr.", "Commander", "Captain", "Commissioner", "Abuela", "Aunt", "Widow")
# First words that may lose their capital behind "That said,".
_JOINABLE = {
    *("The", "It", "There", "Every", "Everything", "Nobody"),
    *("You", "Some", "This", "Its", "They"),
}


@dataclass(frozen=True)
class SampleReview:
    """One invented review.

    `body` is plain text; a line that starts with "- " is a list item. `rating` is 1 to 10 or None.
    `up` and `down` count helpfulness votes.
    """

    review_id: str
    imdb_id: str
    author_id: str
    author_name: str
    title: str
    body: str
    rating: int | None
    submitted_on: date
    up: int
    down: int
    is_spoiler: bool = False


@dataclass(frozen=True)
class SampleMovie:
    """One invented movie and its reviews, oldest first; `bank` is its entry in `movies.toml`."""

    number: int
    imdb_id: str
    title: str
    original_title: str
    released_on: date
    runtime_minutes: int
    genres: tuple[str, ...]
    director: str
    writer: str
    composer: str
    photographer: str
    cast: tuple[tuple[str, str], ...]
    plot: str
    keywords: tuple[str, ...]
    rating: float
    votes: int
    hue: int
    bank: dict[str, Any] = field(repr=False, compare=False)
    certificate: str | None = None
    reviews: tuple[SampleReview, ...] = field(default=(), repr=False)


@cache
def load_bank(name: str) -> dict[str, Any]:
    """Read one of the files of lines and facts."""
    text = files(__package__).joinpath("bank", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _rng(*parts: object) -> random.Random:
    # A string seed is hashed by sha512, so that it gives the same numbers on every machine.
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - a story, not a secret


def generate(
    seed: int, anchor: date, extra_movies: int = 0, extra_reviews: int = 10
) -> tuple[SampleMovie, ...]:
    """Make the six movies, then any extra ones, with all their reviews.

    Args:
        seed: Any integer; decides all words, dates and votes.
        anchor: The day of the newest reviews.
        extra_movies: How many movies to add after the six.
        extra_reviews: Reviews of each extra movie.

    Returns:
        Movies in order of id, each with its reviews from the oldest to the newest. The six do not
        depend on the extra ones.
    """
    movies = movies_only(seed, anchor, extra_movies, extra_reviews)
    return tuple(replace(movie, reviews=_history(movie, seed, anchor)) for movie in movies)


def movies_only(
    seed: int, anchor: date, extra_movies: int = 0, extra_reviews: int = 10
) -> tuple[SampleMovie, ...]:
    """Make the same movies as `generate`, without reviews."""
    entries = load_bank("movies")["movie"] + [
        _extra_entry(seed, FIRST_MOVIE + 6 + n, extra_reviews) for n in range(extra_movies)
    ]
    return tuple(_movie(number, entry, anchor) for number, entry in enumerate(entries, start=1))


def write_new(
    movie: SampleMovie, seed: int, first: int, count: int, day: date
) -> list[SampleReview]:
    """Write `count` reviews that a movie gets on a day after the first start.

    Args:
        movie: The movie.
        seed: The site's.
        first: How many reviews of this movie there have ever been; ids go on from there.
        count: How many to write.
        day: The day of all of them.
    """
    return [
        _Reviewer(movie, _rng(seed, movie.imdb_id, "new", first + n)).write(
            first + n + 1, day, share=1.0, age_days=0
        )
        for n in range(count)
    ]


def _movie(number: int, entry: dict[str, Any], anchor: date) -> SampleMovie:
    released_on = entry.get("release_date") or anchor - timedelta(days=entry["released_days_ago"])
    facts = {"original_title": entry["title"], **entry, "reviews": ()}
    return SampleMovie(**facts, number=number, released_on=released_on, bank=entry)


def _extra_entry(seed: int, number: int, reviews: int) -> dict[str, Any]:
    bank, rng = load_bank("movies")["extra"], _rng(seed, "extra", number)
    names, roles = rng.sample(bank["names"], 8), rng.sample(bank["roles"], 4)
    return {
        "imdb_id": f"tt{number}",
        "title": f"{rng.choice(bank['first'])} {rng.choice(bank['second'])}",
        "released_days_ago": rng.randint(30, 400),
        "runtime_minutes": rng.randint(82, 164),
        "certificate": rng.choice(["PG", "PG-13", "R", None]),
        "genres": rng.sample(bank["genres"], 2),
        "director": names[4],
        "writer": names[5],
        "composer": names[6],
        "photographer": names[7],
        "cast": list(zip(names[:4], roles, strict=True)),
        "plot": rng.choice(bank["retelling"]),
        "keywords": ["sample"],
        "rating": round(rng.uniform(4.5, 8.5), 1),
        "votes": rng.randint(300, 60_000),
        "reviews": reviews,
        "hue": rng.randrange(360),
        "mood": [[0.0, rng.uniform(-0.4, 0.6)], [1.0, rng.uniform(-0.4, 0.6)]],
    } | {key: bank[key] for key in ("places", "scenes", "things", "retelling", "spoilers")}


def _history(movie: SampleMovie, seed: int, anchor: date) -> tuple[SampleReview, ...]:
    """Write all reviews up to the anchor day, the oldest first."""
    if said := movie.bank.get("said"):
        return tuple(_quoted(movie, n, line, anchor) for n, line in enumerate(said, start=1))
    rng = _rng(seed, movie.imdb_id)
    reviewer, age = _Reviewer(movie, rng), (anchor - movie.released_on).days
    days = sorted(_day_offsets(rng, movie.bank["reviews"], age, movie.bank.get("tail", 0.4)))
    reviews = [
        reviewer.write(
            n, movie.released_on + timedelta(days=day), share=day / age, age_days=age - day
        )
        for n, day in enumerate(days, start=1)
    ]
    if len(reviews) > 200:  # as on any big page: one text stands twice, one author wrote twice
        model = next(r for r in reviews[20:] if 200 < len(r.body) < 600)
        twin = next(i for i, r in enumerate(reviews) if r.rating == model.rating and r is not model)
        reviews[twin] = replace(reviews[twin], title=model.title, body=model.body, is_spoiler=False)
        reviews[-9] = replace(
            reviews[-9], author_id=reviews[9].author_id, author_name=reviews[9].author_name
        )
    return tuple(reviews)


def _day_offsets(rng: random.Random, count: int, age: int, tail: float) -> list[int]:
    """Draw days since release: a burst at the start, a long tail, and the last two today."""
    offsets = []
    for n in range(count):
        day = rng.randint(0, age) if rng.random() < tail else int(rng.expovariate(1 / 9))
        offsets.append(age if n < min(2, count - 1) else min(day, age))
    return offsets


def _quoted(movie: SampleMovie, number: int, line: dict[str, Any], anchor: date) -> SampleReview:
    """Return a review whose words stand in `movies.toml`."""
    author_id = f"ur99{movie.number:04}{number:05}"
    return SampleReview(
        **line,
        review_id=_review_id(movie, number),
        imdb_id=movie.imdb_id,
        author_id=author_id,
        author_name=_author_name(author_id),
        submitted_on=anchor - timedelta(days=line["days_ago"]),
    )


def _review_id(movie: SampleMovie, number: int) -> str:
    return f"rw99{movie.number:04}{number:05}"


def _author_name(author_id: str) -> str:
    rng = _rng("author", author_id)
    first = ["quiet", "late", "paper", "north", "moss", "velvet", "tin", "salt", "idle", "odd"]
    last = ["reel", "matinee", "otter", "projector", "balcony", "magpie", "usher", "teacup", "fog"]
    name = f"{rng.choice(first)}{rng.choice(['', '_', '-', '.'])}{rng.choice(last)}"
    numbered = f"{name}{rng.choice(['', '-'])}{rng.randint(2, 99_999)}"
    return rng.choice([name, name.title(), numbered, numbered])


class _Reviewer:
    """Writes reviews of one movie in many voices; remembers which lines are used."""

    def __init__(self, movie: SampleMovie, rng: random.Random) -> None:
        self.movie, self.rng = movie, rng
        self.lines = load_bank("english")
        self.decks: dict[str, list[str]] = {}
        self.regulars = rng.sample(range(1, _REGULARS + 1), _REGULARS)

    def write(self, number: int, day: date, *, share: float, age_days: int) -> SampleReview:
        """Write review `number` of the movie.

        Args:
            number: Counts from 1.
            day: The review's date.
            share: How much of the time from release to the anchor day is over, 0 to 1.
            age_days: Days since the review was written; older reviews have more votes.
        """
        rng, bank = self.rng, self.movie.bank
        q = max(-1.0, min(1.0, rng.gauss(_mean(bank["mood"], share), bank.get("spread", 0.45))))
        mood: Mood = "good" if q > 0.26 else "bad" if q < -0.2 else "mixed"
        spoiler = rng.random() < 0.08
        languages = bank.get("languages", {})
        if rng.random() * 200 < sum(languages.values()):
            title, body = self._foreign(_weighted(rng, languages), mood)
        else:
            title = self._heading(mood)
            body = self._body(q, mood, share, spoiler)
        rating = max(1, min(10, round(5.7 + 4.8 * q + rng.gauss(0, 0.8))))
        votes = min(
            1900, int(2.2 * (rng.paretovariate(0.85) - 1) * (0.4 + math.log1p(age_days) / 3))
        )
        up = sum(rng.random() < (0.82 if abs(q) < 0.8 else 0.6) for _ in range(votes))
        if self.regulars and rng.random() < 0.1:
            author_id = f"ur99{self.regulars.pop():06}"
        else:
            author_id = f"ur99{self.movie.number:04}{number:05}"
        return SampleReview(
            review_id=_review_id(self.movie, number),
            imdb_id=self.movie.imdb_id,
            author_id=author_id,
            author_name=_author_name(author_id),
            title=title,
            body=body,
            rating=None if rng.random() < 0.03 else rating,
            submitted_on=day,
            is_spoiler=spoiler,
            up=up,
            down=votes - up,
        )

    def _draw(self, name: str, lines: list[str]) -> str:
        """Take a line that this movie has not used yet; when all are used, begin again."""
        deck = self.decks.get(name)
        if not deck:
            deck = self.decks[name] = self.rng.sample(lines, len(lines))
        return deck.pop()

    def _fill(self, line: str) -> str:
        """Put the movie's own people, places and scenes into a line."""
        movie, rng = self.movie, self.rng

        def person(name: str) -> str:
            return name if rng.random() < 0.5 else name.split()[-1]

        def role(name: str) -> str:
            first = name.split()[0]
            return name if first in _TITLED or rng.random() < 0.3 else first

        cast = [*movie.cast, *movie.cast]  # a cast of two has no third
        line = line.format_map(
            {
                "title": movie.title,
                "runtime": movie.runtime_minutes,
                "director": person(movie.director),
                "writer": person(movie.writer),
                "composer": person(movie.composer),
                "photographer": person(movie.photographer),
                "lead": person(cast[0][0]),
                "second": person(cast[1][0]),
                "third": cast[2][0],
                "lead_role": role(cast[0][1]),
                "second_role": role(cast[1][1]),
                "place": rng.choice(movie.bank["places"]),
                "scene": rng.choice(movie.bank["scenes"]),
                "thing": rng.choice(movie.bank["things"]),
            }
        )
        return line[:1].upper() + line[1:]

    def _heading(self, mood: Mood) -> str:
        own = self.movie.bank.get(f"headings_{mood}", [])
        lines = self.lines["heading"][mood]
        heading = self._fill(self._draw(f"heading/{mood}", lines + own))
        # Some people write no capitals.
        return heading.lower() if self.rng.random() < 0.07 else heading

    def _opinion(self, aspect: str, tone: Tone) -> str:
        """Write one sentence about one aspect."""
        rng, bank = self.rng, self.movie.bank
        own = bank.get(tone, {}).get(aspect, [])
        # The fewer lines a movie has of its own, the more rarely they are used.
        if own and (aspect in bank.get("own_only", []) or rng.random() < len(own) / 20):
            return self._fill(self._draw(f"own/{aspect}/{tone}", own))
        said = self.lines[aspect][tone]
        heads = said.get("heads", [])
        if rng.random() * (len(said["full"]) + 2 * len(heads)) < len(said["full"]):
            return self._fill(self._draw(f"full/{aspect}/{tone}", said["full"]))
        sentence = self._draw(f"head/{aspect}/{tone}", heads)
        if rng.random() < 0.65:
            tail = self._draw(f"tail/{aspect}/{tone}", said["tails"])
            if not ("{scene}" in sentence and "{scene}" in tail):
                sentence += tail
        return self._fill(sentence + ".")

    def _tone(self, q: float, aspect: str) -> Tone:
        value = q + self.movie.bank.get("lean", {}).get(aspect, 0.0) + self.rng.gauss(0, 0.28)
        return "praise" if value > 0.12 else "fault" if value < -0.12 else "mixed"

    def _aspects(self, count: int) -> list[Aspect]:
        """Choose aspects to write about: the movie's usual ones first."""
        wanted = self.movie.bank.get("mentions", {})
        drawn = sorted(ASPECTS, key=lambda a: self.rng.random() ** (1 / wanted.get(a, 0.5)))
        return drawn[::-1][:count]

    def _say(self, key: str, mood: str) -> str:
        return self._fill(self._draw(f"{key}/{mood}", self.lines[key][mood]))

    def _body(self, q: float, mood: Mood, share: float, spoiler: bool) -> str:
        rng, bank = self.rng, self.movie.bank
        length = _weighted(rng, _LENGTHS)
        if length == "line" and not spoiler:
            return self._styled([[self._say("one_liner", mood)]], mood)
        few = {"line": 1, "short": rng.randint(1, 3), "medium": rng.randint(3, 4), "list": 3}
        aspects = self._aspects(few.get(length, 5))
        times = {"long": 2, "essay": 6}.get(length, 1)
        paragraphs: list[list[str]] = [[]]
        if rng.random() < 0.7:
            paragraphs[0].append(self._say("opening", mood))
        if length in ("long", "essay") or rng.random() < 0.08:
            paragraphs[0].append(self._say("aside", "any"))
        retold = {"medium": rng.randint(0, 1), "long": 3, "essay": 4}.get(length, 0)
        if retold:
            told = bank["retelling"]
            picked = {self._draw("retelling", told) for _ in range(retold)}
            paragraphs.append([line for line in told if line in picked])
        late = bank.get("late_praise" if q > 0 else "late_fault", [])
        if share > 0.5 and late and rng.random() < 0.4:
            paragraphs.append([self._fill(self._draw(f"late/{q > 0}", late))])
        if length == "list":
            paragraphs.append(self._list(q, aspects))
        else:
            paragraphs += self._opinions(q, aspects, times)
        if spoiler:
            paragraphs.append([self._fill(self._draw("spoilers", bank["spoilers"]))])
        if rng.random() < 0.05:
            paragraphs.append([self._say("aside", "odd")])
        if rng.random() < 0.55:
            paragraphs.append([self._say("closing", mood)])
        if length in ("short", "line"):
            paragraphs = [[line for paragraph in paragraphs for line in paragraph]]
        elif length == "medium":  # two or three paragraphs, as people write them
            middle = len(paragraphs) // 2
            paragraphs = [
                [line for paragraph in half for line in paragraph]
                for half in (paragraphs[:middle], paragraphs[middle:])
            ]
        return self._styled([p for p in paragraphs if p], mood)

    def _opinions(self, q: float, aspects: list[Aspect], times: int) -> Iterator[list[str]]:
        """Yield a paragraph about each aspect, of about `times` sentences."""
        before: Tone | None = None
        for aspect in aspects:
            tone = self._tone(q, aspect)
            count = times if times == 1 else self.rng.randint(times - 1, times + 1)
            said = [self._opinion(aspect, tone)]
            for _ in range(count - 1):  # a mixed opinion goes on with praise and faults
                more = self._tone(q, aspect) if tone == "mixed" else tone
                said.append(self._opinion(aspect, more))
            said = list(dict.fromkeys(said))
            yield [self._turn(before, tone, said[0]), *said[1:]]
            before = tone

    def _turn(self, before: Tone | None, tone: Tone, line: str) -> str:
        """Begin a line with a word such as "but" if the line before had another tone."""
        if before in (None, tone) or self.rng.random() < 0.35:
            return line
        first = line.split()[0]
        if first in _JOINABLE:
            line = line[:1].lower() + line[1:]
        elif first != "I" and not any(first in name for name, _ in self.movie.cast):
            return line
        return f"{self.rng.choice(self.lines['turn'][tone])} {line}"

    def _list(self, q: float, aspects: list[Aspect]) -> list[str]:
        """Write opinions as list items, lines that start with "- "."""
        rng, labels = self.rng, self.lines["label"]
        items = []
        for aspect in aspects:
            tone = self._tone(q, aspect)
            if rng.random() < 0.6:
                items.append(f"- {rng.choice(labels[aspect])}: {rng.choice(labels[tone])}")
            else:
                items.append("- " + self._opinion(aspect, tone))
        return items

    def _styled(self, paragraphs: list[list[str]], mood: Mood) -> str:
        """Join the lines in one style of typing."""
        rng = self.rng
        style = _weighted(rng, _STYLES)
        glue = "... " if style == "dots" else " "
        texts = []
        for lines in paragraphs:
            if lines[0].startswith("- "):
                texts.append("\n".join(lines))
            elif style == "dots":
                texts.append(glue.join(line.rstrip(".") for line in lines) + "...")
            else:
                texts.append(glue.join(lines))
        text = ("\n\n" if rng.random() < 0.8 else "\n").join(texts)
        if style == "lower":
            text = text.lower()
        elif style == "loud":
            text = text.replace(". ", "! ", 2).rstrip(".") + "!" * rng.randint(1, 3)
        elif style == "emoji":
            key = "emoji_bad" if mood == "bad" else "emoji"
            text = f"{text} {rng.choice(self.lines['aside'][key])}"
        return text

    def _foreign(self, language: str, mood: Mood) -> tuple[str, str]:
        rng, bank = self.rng, load_bank("languages")[language]
        tone = "good" if mood == "good" or (mood == "mixed" and rng.random() < 0.5) else "bad"
        heading = self._draw(f"{language}/heading/{tone}", bank[f"headings_{tone}"])
        count = min(rng.randint(2, 5), len(bank[tone]))
        lines = [self._fill(line) for line in rng.sample(bank[tone], count)]
        glue = "" if language == "ja" else " "
        middle = rng.randint(1, count)
        parts = [glue.join(lines[:middle]), glue.join(lines[middle:])]
        return heading, "\n\n".join(part for part in parts if part)


def _mean(mood: list[list[float]], share: float) -> float:
    """Return a movie's mean sentiment at a share of its life, interpolated between its points."""
    for (x0, y0), (x1, y1) in pairwise(mood):
        if share <= x1:
            return y0 + (y1 - y0) * (share - x0) / (x1 - x0)
    return mood[-1][1]


def _weighted(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), weights=list(weights.values()))[0]
