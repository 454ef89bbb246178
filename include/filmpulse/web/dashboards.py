"""Addresses of Superset's dashboards, with their movie already chosen.

Superset reads the filters of a dashboard from `native_filters` in its address, written in Rison
(its `DashboardPage`, "isOldRison"; rison.io for the form).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

RECEPTION, COMPARE = "movie-reception", "compare-movies"
"""Slugs of the dashboards in `superset/assets`, where both call their filter as here."""

_FILTER = "NATIVE_FILTER-movie"


def dashboard_url(public_url: str | None, slug: str, movies: Sequence[str]) -> str | None:
    """Return the address of a dashboard for some movies; None where no browser reaches Superset.

    Args:
        public_url: Where a browser reaches Superset.
        slug: Of the dashboard.
        movies: Their labels, as `mart.movies.movie` has them.
    """
    if not public_url:
        return None
    chosen = f"!({','.join(_rison(movie) for movie in movies)})"
    filters = f"extraFormData:(filters:!((col:movie,op:IN,val:{chosen})))"
    state = f"filterState:(label:{_rison(', '.join(movies))},value:{chosen})"
    mask = f"({_FILTER}:({filters},{state},id:{_FILTER},ownState:()))"
    return f"{public_url.rstrip('/')}/superset/dashboard/{slug}/?native_filters={quote(mask)}"


def _rison(text: str) -> str:
    """Write a text as Rison does: `!` and the apostrophe are marked by `!`."""
    return "'" + text.replace("!", "!!").replace("'", "!'") + "'"
