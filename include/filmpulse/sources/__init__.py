"""The kinds of source, and the registry of the sources.

A site is visited page by page, and also reads its own saved pages. A stream is drained for all
movies at once. A table is read once, by its map (`tables`). No other package names a source: a new
one needs a folder here and a line in `BUILT_IN` (CONTRIBUTING.md, "Add a source").
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
"""Prefix of an author's key in a cleaned page."""

BUILT_IN = ("filmpulse.sources.imdb.source",)
"""Modules that each hold a `SOURCE`, in the order in which a person sees them."""


class Terms(NamedTuple):
    """Conditions of use that a user accepts by switching a source on: the host, and a quote."""

    host: str
    clause: str


class Crosswalk(Protocol):
    """The ids of movies at a source and at IMDb (`core.movie_ids`)."""

    def source_id(self, imdb_id: str) -> str | None:
        """Return the source's own id of a movie, if known."""

    def imdb_id(self, source_id: str) -> str | None:
        """Return IMDb's id of a movie of the source, if known."""

    def note(self, source_id: str, imdb_id: str, said_by: str) -> None:
        """Store that both ids are of one movie, and who says so."""


class Source(Protocol):
    """What every source has.

    Attributes:
        name: Its key in tables, the lake and settings: lower-case letters and digits.
        title: Its name for people.
        asks_for: The quality checks that apply, since the source asks its reviewers for it: of
            `unrated`, `undated`, `untitled` and `languages` (docs/adr/0020).
        began_on: The day of its first review; None if unknown.
    """

    name: str
    title: str
    asks_for: frozenset[str]
    began_on: date | None

    def is_on(self, settings: Settings) -> bool:
        """Say whether the source may be read live."""

    def terms(self, settings: Settings) -> Terms | None:
        """Return the conditions that a user accepts by reading it live, if there are any."""

    def author_id(self, given: str) -> str | None:
        """Return the source's id of an author in a text that a person typed, or None."""


class Crawl(Protocol):
    """One collection of a movie's reviews: iterate for batches, then read how it ended.

    No review comes twice. Yielded reviews count even when a later page raises. The attributes are
    those of a manifest (`lake.Manifest`); `last_page` is the last page or answer, for quarantine;
    `so_far` says how many reviews were read, such as "25 of 57".
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
    """The figures of the first page of a movie's reviews, and a sentence on what follows it."""

    reviews: int
    review_count: int | None
    variant: str
    is_gated: bool
    what_follows: str


class Site(AbstractContextManager["Site"], Protocol):
    """A site that is open for one task. Every request waits for its slot of the gate.

    Each method may raise `NotFound`, `Blocked`, `LayoutChanged`, `SiteUnavailable` or `HostPaused`.
    """

    host: str
    last_page: Page | None

    def check_robots(self, imdb_id: str) -> None:
        """Return if robots.txt lets a movie's pages be read."""

    def look(self, imdb_id: str) -> tuple[Movie, Snapshot]:
        """Read a movie's facts, and the site's own figures of it now; costs one page."""

    def first_page(self, imdb_id: str, author_secret: bytes) -> FirstPage:
        """Read the first page of a movie's reviews, and store nothing."""

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
            mode: `full` goes to the end of the list, `incremental` to the first known reviews.
            known_ids: Ids of the stored reviews.
            is_erased: Says whether a review may never be stored.
        """

    def search(self, query: str) -> list[SearchHit]:
        """Return the movies that the site suggests for what a person typed, best first."""

    def picture(self, url: str) -> bytes:
        """Fetch a poster from the site, or from its own image host; costs one request.

        Raises:
            BadInput: The address is not the site's (`other_host`), leads to another
                (`redirected`), or holds no picture that may be taken (`not_an_image`,
                `too_large`).
        """


@dataclass(frozen=True)
class SavedReviews:
    """What a saved page holds.

    Attributes:
        reviews: In the page's order; None where the page holds only facts of the movie.
        review_count: The number of reviews that the page announces.
        undated: The number of `reviews` without a day that can be read.
        unopened_spoilers: The number of closed spoilers, which are not in `reviews`.
        is_gated: Whether other reviews are shown only to those who sign in.
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
    """A source that is visited page by page, and reads its own saved pages.

    `cleaning_rules` is the version of `clean`: stored pages of an older one are cleaned again.
    """

    cleaning_rules: int

    def open(self, settings: Settings, gate: Gate, ids: Crosswalk) -> Site:
        """Open the site for one task.

        Raises:
            BadInput: Live reading is off; the message says how to switch it on.
        """

    def recognises(self, text: str) -> bool:
        """Say whether a saved page or answer may be of this site."""

    def find_fault(self, text: str) -> Blocked | ForeignPage | SiteUnavailable | None:
        """Return why a saved page is not a whole page of the site; None for a good page."""

    def saved_at(self, text: str) -> datetime | None:
        """Return when the site made a page (UTC), if the page says so; call it before `clean`."""

    def clean(self, text: str, author_secret: bytes | None) -> str:
        """Return a page or an answer without data about visitor and reviewers.

        Raises:
            NotCleaned: It may still hold such data.
        """

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
            imdb_id: The movie, where the page does not say it.
            author_secret: Key of the hash that stands for a reviewer.
            name: The file's name, for messages.
            saved_at: When the page was made (UTC).

        Raises:
            ForeignPage, LayoutChanged, Blocked, SiteUnavailable: See `errors`.
            BadInput: The movie is unknown or is not `imdb_id`, or the page does not hold the
                reviews of one movie (`no_reviews`).
        """

    def user_ids(self, words: Iterable[str]) -> Iterator[str]:
        """Return the words that are ids of users in pages that are not cleaned."""


class Drained(NamedTuple):
    """One piece of a stream, in its order; `cursor` is where the next piece begins.

    `events` holds the reviews of the requested movies as they are now, and all removals, since a
    stream need not say of which movie a removal is.
    """

    events: tuple[Review | Removal, ...]
    cursor: str


class Drain(Protocol):
    """An open stream: iterate for pieces up to now.

    `gap_before` is known after the first piece. If the stream no longer holds all events since the
    cursor, events before this time may be missing; otherwise it is None.
    """

    gap_before: datetime | None

    def __iter__(self) -> Iterator[Drained]: ...  # noqa: D105


@runtime_checkable
class StreamSource(Source, Protocol):
    """A source that tells events of all movies, from a cursor on."""

    def drain(
        self,
        settings: Settings,
        gate: Gate,
        ids: Crosswalk,
        *,
        cursor: str | None,
        imdb_ids: frozenset[str],
    ) -> Drain:
        """Read the events of these movies since the cursor; None: since the stream begins.

        This and the drain raise `Blocked`, `SiteUnavailable` or `HostPaused`.
        """


@cache
def _sources() -> dict[str, Source]:
    found: Iterable[Source] = (import_module(module).SOURCE for module in BUILT_IN)
    return {source.name: source for source in found}


def register(source: Source) -> None:
    """Add a source, or replace the one of its name."""
    _sources()[source.name] = source


def unregister(name: str) -> None:
    """Remove a source."""
    _sources().pop(name, None)


def known() -> Mapping[str, Source]:
    """Return all sources by name, in their order."""
    return _sources()


def sites(settings: Settings | None = None) -> list[SiteSource]:
    """Return the sites, in their order; with settings only those that are on."""
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
    """Return the site that reads a saved page; the first site if no other recognises it."""
    first, *others = sites()
    return next((reader for reader in others if reader.recognises(text)), first)


def cleaning_rules() -> int:
    """Return a version of all sites' rules of cleaning; it grows with each of them."""
    return sum(reader.cleaning_rules for reader in sites())


def title_of(name: str) -> str:
    """Return a source's name for people; a file's source has only the name of its map."""
    found = _sources().get(name)
    return found.title if found else name


def told_apart(name: str) -> str:
    """Return the source's name in brackets; nothing where there is only one source."""
    return f" ({title_of(name)})" if len(_sources()) > 1 else ""
