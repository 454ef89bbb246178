"""IMDb as a source. Parsers are imported only when they are used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filmpulse.config import Settings
from filmpulse.errors import BadInput, Blocked, ForeignPage, SiteUnavailable
from filmpulse.sources import Crosswalk, SavedReviews, Site, Terms

if TYPE_CHECKING:
    from filmpulse.sources.polite import Gate

# IMDb's conditions of use, as quoted in a public thread (tidyverse/rvest#195).
CLAUSE = (
    "You may not use data mining, robots, screen scraping, or similar data gathering and "
    "extraction tools on this site, except with our express written consent as noted below."
)
_USER_ID = re.compile(r"ur[0-9]{4,}")
_USER = re.compile(rf"(?:\S*/user/)?({_USER_ID.pattern})(?:[/?#]\S*)?")


class ImdbSource:
    """See `SiteSource`. IMDb's ids are the ids of movies everywhere: no crosswalk is needed."""

    name = "imdb"
    title = "IMDb"
    asks_for = frozenset({"unrated", "undated", "untitled", "languages"})
    began_on = date(1990, 10, 17)  # the day of its first lists
    cleaning_rules = 2  # raise it whenever `clean` removes more

    def is_on(self, settings: Settings) -> bool:
        """Say whether an address is set."""
        return self.name in settings.source_urls

    def terms(self, settings: Settings) -> Terms | None:
        """Return the clause on robots, where the address is IMDb's own."""
        host = urlsplit(settings.source_urls.get(self.name, "")).hostname or ""
        is_own = host == "imdb.com" or host.endswith(".imdb.com")
        return Terms(host, CLAUSE) if is_own else None

    def open(self, settings: Settings, gate: Gate, ids: Crosswalk) -> Site:
        """Open the site for one task; its browser starts when first needed."""
        from filmpulse.sources.imdb.crawl import ImdbSite

        return ImdbSite(settings, gate)

    def author_id(self, given: str) -> str | None:
        """Return a user's id, typed alone or in the address of the user's page."""
        found = _USER.fullmatch(given)
        return found[1] if found else None

    def user_ids(self, words: Iterable[str]) -> Iterator[str]:
        """Return the words that are ids of users."""
        return filter(_USER_ID.fullmatch, words)

    def recognises(self, text: str) -> bool:
        """Say whether the page has a mark that only IMDb's pages have."""
        from filmpulse.sources.imdb.recognise import is_imdb

        return is_imdb(text)

    def find_fault(self, text: str) -> Blocked | ForeignPage | SiteUnavailable | None:
        """Return why a saved page is not a whole page of IMDb."""
        from filmpulse.sources.imdb.files import find_fault

        return find_fault(text)

    def saved_at(self, text: str) -> datetime | None:
        """Return when IMDb made a page (UTC)."""
        from filmpulse.sources.imdb.files import read_page_time

        return read_page_time(text)

    def clean(self, text: str, author_secret: bytes | None) -> str:
        """Return a page or an answer without data about people."""
        from filmpulse.sources.imdb.clean import clean_page

        return clean_page(text, author_secret)

    def read_saved(
        self,
        text: str,
        *,
        imdb_id: str | None,
        author_secret: bytes,
        name: str,
        saved_at: datetime | None,
    ) -> SavedReviews:
        """Read a page of reviews, a title page or an answer."""
        from filmpulse.sources.imdb.files import parse_text

        parsed = parse_text(
            text, imdb_id=imdb_id, author_secret=author_secret, name=name, saved_at=saved_at
        )
        if parsed.kind in ("find", "suggestion"):
            what = "search page" if parsed.kind == "find" else "list of suggestions"
            raise BadInput(
                f"A {what} holds no reviews of one movie: save the movie's page of user reviews.",
                reason="no_reviews",
            )
        page = parsed.reviews_page
        if page is None:
            about = parsed.records[0]["imdb_id"]
            return SavedReviews(about, None, parsed.movie, parsed.snapshot)
        return SavedReviews(
            imdb_id=page.imdb_id,
            reviews=page.reviews,
            movie=page.movie,
            snapshot=page.snapshot,
            review_count=page.review_count,
            undated=page.undated,
            unopened_spoilers=page.unopened_spoilers,
            is_gated=page.gated,
            variant=page.variant,
        )


SOURCE = ImdbSource()
