"""Where reviews come from: the kinds of source, and the registry of those there are.

A site is visited page by page. A stream is drained for all movies at once. A file is read once; a
site may read saved pages of its own, and tables are read by their map (`tables`). Nothing above
this package names a source: adding one is a folder here and a line in `BUILT_IN`
(CONTRIBUTING.md, "Add a source").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from filmpulse.config import Settings
from filmpulse.errors import BadInput, Blocked, ForeignPage, SiteUnavailable
from filmpulse.items import (
    CollectionStatus,
    Mode,
    Movie,
    Page,
    Removal,
    Review,
    SearchHit,
    Snapshot,
)

if TYPE_CHECKING:
    from filmpulse.sources.polite import Gate

KEYED = "key-"
"""What stands before an author's key in a cleaned page."""

BUILT_IN = ("filmpulse.sources.imdb.source",)
"""Modules that each hold a `SOURCE`, in the order in which a person is told of them."""


class Terms(NamedTuple):
    """Conditions of use that switching a source on accepts: of which host, and their words."""

    host: str
    clause: str


class Crosswalk(Protocol):
    """A source's own ids of movies and IMDb's, wherever they are kept (`core.movie_ids`)."""

    def source_id(self, imdb_id: str) -> str | None:
        """Return the source's own id of a movie; None where nobody knows it."""
        ...

    def imdb_id(self, source_id: str) -> str | None:
        """Return IMDb's id of what the source calls so; None where nobody knows it."""
        ...

    def note(self, source_id: str, imdb_id: str, said_by: str) -> None:
        """Remember that both are one movie, and who says so."""
        ...


class Source(Protocol):
    """What every source has.

    Attributes:
        name: Its key in tables, the lake and settings: lower-case letters and digits.
        title: Its name for people.
        asks_for: What at least some of thirty reviews have, since the source asks for it: of
            `unrated`, `undated`, `untitled` and `languages` (docs/adr/0020).
        began_on: No review can be older; None where nobody knows.
    """

    name: str
    title: str
    asks_for: frozenset[str]
    began_on: date | None

    def is_on(self, settings: Settings) -> bool:
        """Say whether the source may be read live."""
        ...

    def terms(self, settings: Settings) -> Terms | None:
        """Return the conditions that reading it live accepts; None where there are none."""
        ...

    def author_id(self, given: str) -> str | None:
        """Return the source's own id of an author in what a person typed; None for no such."""
        ...


class Crawl(Protocol):
    """One collection of a movie's reviews: iterate for batches, then read how it went.

    No review comes twice. What was yielded counts even when a later page raises. The attributes
    are those of a manifest (`lake.Manifest`); `last_page` is what was read last, for quarantine,
    and `so_far` says how many reviews were read, of how many.
    """

    status: CollectionStatus
    reason: str | None
    movie: Movie | None
    snapshot: Snapshot | None
    variant: str
    review_count_start: int | None
    review_count_end: int | None
    last_page: Page | None

    @property
    def distinct_ids(self) -> int: ...  # noqa: D102
    @property
    def sentence(self) -> str: ...  # noqa: D102
    @property
    def so_far(self) -> str: ...  # noqa: D102
    def __iter__(self) -> Iterator[tuple[Review, ...]]: ...  # noqa: D105


class FirstPage(NamedTuple):
    """What the first page of a movie's reviews shows, and in words what would follow."""

    reviews: int
    review_count: int | None
    variant: str
    is_gated: bool
    what_follows: str


class Site(AbstractContextManager["Site"], Protocol):
    """A site that is open for one task. Every request waits for its slot of the gate.

    Each method raises `NotFound`, `Blocked`, `LayoutChanged`, `SiteUnavailable` or `HostPaused`.
    """

    host: str
    last_page: Page | None

    def check_robots(self, imdb_id: str) -> None:
        """Return if robots.txt lets a movie's pages be read."""
        ...

    def look(self, imdb_id: str) -> tuple[Movie, Snapshot]:
        """Read what a movie is, and the site's own figures of it now; costs one page."""
        ...

    def first_page(self, imdb_id: str, author_secret: bytes) -> FirstPage:
        """Read the first page of a movie's reviews, and keep nothing of it."""
        ...

    def crawl(
        self,
        imdb_id: str,
        mode: Mode,
        known_ids: frozenset[str],
        is_erased: Callable[[Review], bool],
    ) -> Crawl:
        """Prepare to collect a movie's reviews; iterate over the result to do it.

        Args:
            imdb_id: The movie.
            mode: `full` goes to the end of the list, `incremental` until reviews are known.
            known_ids: Ids of reviews that are stored already.
            is_erased: Tells of a review that nobody may store.
        """
        ...

    def search(self, query: str) -> list[SearchHit]:
        """Return the movies that the site suggests for what a person typed, best first."""
        ...


@dataclass(frozen=True)
class SavedReviews:
    """What a page that a person saved holds.

    Attributes:
        imdb_id: The movie.
        reviews: Its reviews in the page's order; None where the page holds only facts.
        movie: What the page says of the movie.
        snapshot: The site's own figures on the page.
        review_count: How many reviews the page says there are.
        undated: How many of the reviews show no day that can be read.
        unopened_spoilers: How many others are there without their words.
        is_gated: Whether the rest is shown only to those who sign in.
        variant: The markup that was read.
    """

    imdb_id: str
    reviews: tuple[Review, ...] | None
    movie: Movie | None
    snapshot: Snapshot | None
    review_count: int | None = None
    undated: int = 0
    unopened_spoilers: int = 0
    is_gated: bool = False
    variant: str = "title-page"


@runtime_checkable
class SiteSource(Source, Protocol):
    """A source that is visited page by page, and reads pages of its own that a person saved.

    Attributes:
        cleaning_rules: Version of what `clean` takes out; what an older one kept is cleaned again.
    """

    cleaning_rules: int

    def open(self, settings: Settings, gate: Gate, ids: Crosswalk) -> Site:
        """Open the site for one task.

        Raises:
            BadInput: Reading it live is off; the message says how to switch it on.
        """
        ...

    def recognises(self, text: str) -> bool:
        """Say whether a saved page or answer may be of this site."""
        ...

    def find_fault(self, text: str) -> Blocked | ForeignPage | SiteUnavailable | None:
        """Return why a saved page is none of the site's, or not whole; None for a good one."""
        ...

    def saved_at(self, text: str) -> datetime | None:
        """Return when the site made a page (UTC), before it is cleaned; None if it does not say."""
        ...

    def clean(self, text: str, author_secret: bytes | None) -> str:
        """Return a page or an answer without what tells of people.

        Raises:
            NotCleaned: It may still tell of people.
        """
        ...

    def read_saved(
        self,
        text: str,
        *,
        imdb_id: str | None,
        author_secret: bytes,
        name: str,
        saved_at: datetime | None,
    ) -> SavedReviews:
        """Read a cleaned page or answer.

        Args:
            text: HTML or JSON.
            imdb_id: The movie, where the page does not say; an error where it says another.
            author_secret: Key of the hash that stands for a reviewer.
            name: What the file is called, for messages.
            saved_at: When the page was made (UTC).

        Raises:
            ForeignPage, LayoutChanged, Blocked, SiteUnavailable: As they say.
            BadInput: It says of no movie, or of another, or holds no reviews of one movie
                (`no_reviews`).
        """
        ...

    def user_ids(self, words: Iterable[str]) -> Iterator[str]:
        """Return the words that are ids of users, as pages that were not cleaned yet name them."""
        ...


class Drained(NamedTuple):
    """One piece of a stream, in its order.

    Attributes:
        events: Reviews as they are now, and removals. Those of movies that nobody asked for are
            left out; removals are not, since a stream need not say of which movie they are.
        cursor: Where to go on after this piece.
    """

    events: tuple[Review | Removal, ...]
    cursor: str


class Drain(Protocol):
    """A stream that is open: iterate for pieces up to now.

    `gap_before` is the moment before which events may be lost since the cursor, because the stream
    no longer holds them; None where there is no gap. Known once the first piece came.
    """

    gap_before: datetime | None

    def __iter__(self) -> Iterator[Drained]: ...  # noqa: D105


@runtime_checkable
class StreamSource(Source, Protocol):
    """A source that tells what happened, for all movies at once."""

    def drain(
        self,
        settings: Settings,
        gate: Gate,
        ids: Crosswalk,
        *,
        cursor: str | None,
        imdb_ids: frozenset[str],
    ) -> Drain:
        """Read what happened since a cursor, of these movies; from where the stream begins if None.

        Raises:
            Blocked, SiteUnavailable, HostPaused: From the drain, too.
        """
        ...


@cache
def _sources() -> dict[str, Source]:
    found: Iterable[Source] = (import_module(module).SOURCE for module in BUILT_IN)
    return {source.name: source for source in found}


def register(source: Source) -> None:
    """Add a source, or replace the one of its name."""
    _sources()[source.name] = source


def unregister(name: str) -> None:
    """Take a source out again."""
    _sources().pop(name, None)


def known() -> Mapping[str, Source]:
    """Return all sources by name, in their order."""
    return _sources()


def sites(settings: Settings | None = None) -> list[SiteSource]:
    """Return the sites, in their order; only those that are on, where settings are given."""
    return [s for s in _on(settings) if isinstance(s, SiteSource)]


def streams(settings: Settings | None = None) -> list[StreamSource]:
    """Return the streams, as `sites` does."""
    return [s for s in _on(settings) if isinstance(s, StreamSource)]


def _on(settings: Settings | None) -> list[Source]:
    return [s for s in _sources().values() if settings is None or s.is_on(settings)]


def site(name: str) -> SiteSource:
    """Return a site by its name.

    Raises:
        BadInput: No site has that name.
    """
    found = _sources().get(name)
    if not isinstance(found, SiteSource):
        raise BadInput(f"No site is called {name[:80]!r}: {', '.join(s.name for s in sites())}.")
    return found


def reader_of(text: str) -> SiteSource:
    """Return the site that reads a saved page; the first of all reads what no other knows."""
    first, *others = sites()
    return next((reader for reader in others if reader.recognises(text)), first)


def cleaning_rules() -> int:
    """Return a version of all rules of cleaning; it grows with each of them."""
    return sum(reader.cleaning_rules for reader in sites())


def title_of(name: str) -> str:
    """Name a source for people; a file's source by the name that the user gave it."""
    found = _sources().get(name)
    return found.title if found else name


def told_apart(name: str) -> str:
    """Name a source in brackets, after a movie's id; nothing where there is only one source."""
    return f" ({title_of(name)})" if len(_sources()) > 1 else ""
